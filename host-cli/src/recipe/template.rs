//! The text of a recipe table with every key, its meaning and its default, made from the very struct
//! that the table becomes, so that it cannot go stale.

use std::fmt::Write;

/// Letters in a line of comment, at most.
const WIDTH: usize = 98;

/// The table `[name]` of the options `O` with `options` as values; a table that is not `active` is
/// commented out.
///
/// Keys whose value is absent are commented out, too.
pub fn table<O: clap::Args + serde::Serialize>(name: &str, lead: &str, options: &O, active: bool) -> String {
    let mut out = String::new();
    comment(&mut out, lead);
    let _ = writeln!(out, "[{name}]");
    let values = toml::Value::try_from(options).ok();
    let values = values.as_ref().and_then(toml::Value::as_table);
    let command = O::augment_args(clap::Command::new("table"));
    for arg in command.get_arguments() {
        let key = arg.get_id().as_str();
        let help =
            arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let mut help = help.trim().trim_end_matches('.').to_owned() + ".";
        let choices: Vec<String> = arg
            .get_possible_values()
            .iter()
            .filter(|v| !v.is_hide_set())
            .map(|v| format!("{:?}", v.get_name()))
            .collect();
        // A flag's possible values are true and false, which the value itself shows.
        if arg.get_action().takes_values() && !choices.is_empty() && !choices[0].contains("true") {
            let _ = write!(help, " One of {}.", choices.join(", "));
        }
        comment(&mut out, &help);
        match values.and_then(|v| v.get(key)) {
            Some(value) => {
                let _ = writeln!(out, "{key} = {}", shown(value));
            }
            None => {
                let _ = writeln!(out, "# {key} =");
            }
        }
    }
    if active { out } else { out.lines().map(inactive).collect() }
}

/// The line as a comment.
fn inactive(line: &str) -> String {
    if line.starts_with('#') { format!("#{line}\n") } else { format!("#{line}\n").replacen('#', "# ", 1) }
}

/// `text` as lines of comment, broken between words.
pub fn comment(out: &mut String, text: &str) {
    for paragraph in text.lines() {
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > WIDTH && line != "#" {
                out.push_str(&line);
                out.push('\n');
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        out.push_str(&line);
        out.push('\n');
    }
}

/// A value as it stands after its key: a list of tables has a line for each.
fn shown(value: &toml::Value) -> String {
    match value.as_array().filter(|list| list.iter().any(toml::Value::is_table)) {
        Some(list) => {
            let lines: String = list.iter().map(|v| format!("  {},\n", inline(v))).collect();
            format!("[\n{lines}]")
        }
        None => inline(value),
    }
}

/// A value on one line. A number that came from single precision is written as short as that allows.
pub fn inline(value: &toml::Value) -> String {
    match value {
        toml::Value::Float(v) => float(*v),
        toml::Value::Array(list) => format!("[{}]", list.iter().map(inline).collect::<Vec<_>>().join(", ")),
        toml::Value::Table(table) if table.is_empty() => "{}".into(),
        toml::Value::Table(table) => {
            // An operation's name comes first.
            let (name, rest): (Vec<_>, Vec<_>) = table.iter().partition(|(k, _)| *k == "op");
            let cells: Vec<String> =
                name.into_iter().chain(rest).map(|(k, v)| format!("{} = {}", key(k), inline(v))).collect();
            format!("{{ {} }}", cells.join(", "))
        }
        other => other.to_string(),
    }
}

/// A key, quoted where TOML wants it.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { toml::Value::String(name.to_owned()).to_string() }
}

fn float(v: f64) -> String {
    if !v.is_finite() {
        return toml::Value::Float(v).to_string();
    }
    let text = if f64::from(v as f32) == v { (v as f32).to_string() } else { v.to_string() };
    if text.contains('.') { text } else { format!("{text}.0") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, clap::ValueEnum)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        BestFit,
        Cover,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
    #[serde(default, deny_unknown_fields)]
    struct ThingOptions {
        /// How much of it, between 0 and 1.
        #[arg(long, default_value_t = 0.1)]
        share: f32,
        /// How to fit.
        #[arg(long, value_enum, default_value_t = Mode::Cover)]
        mode: Mode,
        /// At most so many, all when not given.
        #[arg(long)]
        limit: Option<u64>,
        /// Whether to hurry.
        #[arg(long)]
        fast: bool,
        /// Names, "quoted" ones too.
        #[arg(long, value_delimiter = ',', default_value = "a,b")]
        names: Vec<String>,
    }
    crate::defaults!(ThingOptions);

    #[test]
    fn the_text_of_a_table_parses_to_its_options() {
        let options = ThingOptions::default();
        let text = table("thing", "What a thing does.", &options, true);
        assert!(
            text.starts_with("# What a thing does.\n[thing]\n# How much of it, between 0 and 1"),
            "{text}"
        );
        assert!(text.contains("\nshare = 0.1\n") && text.contains("\n# limit =\n"), "{text}");
        assert!(text.contains("One of \"best-fit\", \"cover\"."), "{text}");
        assert!(text.contains("mode = \"cover\"") && text.contains("names = [\"a\", \"b\"]"), "{text}");
        #[derive(Deserialize)]
        struct Holder {
            thing: ThingOptions,
        }
        assert_eq!(toml::from_str::<Holder>(&text).unwrap().thing, options);
        let inactive = table("thing", "What a thing does.", &options, false);
        assert!(inactive.lines().all(|l| l.starts_with('#')), "{inactive}");
        assert!(inactive.contains("# [thing]\n"), "{inactive}");
    }

    #[test]
    fn values_are_written_short_and_on_one_line() {
        let value: toml::Value =
            toml::from_str("a = [{ op = 'x', \"y z\" = 1e-7, n = 3.0 }]\nb = 0.1\nc = inf").unwrap();
        let text = inline(&value);
        assert_eq!(text, "{ a = [{ op = \"x\", n = 3.0, \"y z\" = 0.0000001 }], b = 0.1, c = inf }");
        assert_eq!(float(f64::from(0.1f32)), "0.1");
    }

    #[test]
    fn comments_break_between_words() {
        let mut out = String::new();
        comment(&mut out, &"word ".repeat(60));
        assert!(out.lines().count() > 2 && out.lines().all(|l| l.len() <= WIDTH && l.starts_with("# ")));
    }
}
