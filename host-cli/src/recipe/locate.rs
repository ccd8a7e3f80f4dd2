//! Errors of a recipe in words that say where and what was meant: line, column, nearest known key.

use crate::error::Error;
use std::ops::Range;

/// An error at `span` (bytes) of the recipe `text`, or of the whole of it.
pub fn error(text: &str, span: Option<Range<usize>>, message: &str) -> Error {
    let (mut words, expected) = simplify(message);
    if words.starts_with("invalid")
        && let Some(key) = span.as_ref().and_then(|span| key_at(text, span.start))
    {
        words = format!("{words}: `{key}`");
    }
    let place = match span {
        Some(span) => {
            let (line, column) = position(text, span.start);
            format!("recipe, line {line}, column {column}")
        }
        None => "recipe".into(),
    };
    let error = Error::usage(format!("{words}: {place}"));
    match hint(message, &expected) {
        Some(hint) => error.hint(hint),
        None if span_is_syntax(message) => error.hint("a recipe is a TOML file; `seedbed init` writes one"),
        None => error,
    }
}

/// Whether a message is about TOML itself, rather than about keys and values.
fn span_is_syntax(message: &str) -> bool {
    !["unknown", "invalid type", "invalid value", "missing field"]
        .iter()
        .any(|known| message.starts_with(known))
}

/// Line and column, both from 1, of a byte of `text`; columns count letters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let mut end = at.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..end).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}

/// The key of the line that holds the byte `at`.
fn key_at(text: &str, at: usize) -> Option<&str> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |i| i + 1);
    let (key, _) = text.get(start..)?.lines().next()?.split_once('=')?;
    Some(key.trim()).filter(|key| !key.is_empty())
}

/// The message without the list of what serde expected, and that list. The list is in the words of
/// serde, which names every key of the same struct that the key was not found in.
fn simplify(message: &str) -> (String, Vec<&str>) {
    let first_line = message.lines().next().unwrap_or_default();
    match first_line.split_once(", expected") {
        Some((what, rest)) if what.starts_with("unknown ") => {
            let what = what.replacen("unknown field", "unknown key", 1).replacen(
                "unknown variant",
                "unknown value",
                1,
            );
            (what, quoted(rest))
        }
        _ => (plain(first_line), Vec::new()),
    }
}

/// The words of serde without the types of Rust: `invalid type: string "x", expected u64` → `invalid type: string "x",
/// expected a whole number from 0`.
fn plain(message: &str) -> String {
    if let Some(key) = message.strip_prefix("missing field ") {
        return format!("missing key {key}");
    }
    let Some((what, expected)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    let what = ["u128", "i128", "u64", "i64"]
        .iter()
        .fold(what.to_owned(), |w, t| w.replace(&format!(" as {t}"), ""));
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "path string" | "a string" | "a borrowed string" => "text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in brackets",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    format!("{what}, expected {expected}")
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn hint(message: &str, expected: &[&str]) -> Option<String> {
    if expected.is_empty() {
        return None;
    }
    let asked = quoted(message).first().copied().unwrap_or_default();
    match asked {
        "export" if expected.contains(&"output") => {
            return Some("the table of `seedbed export` is `output`".into());
        }
        "inspect" if expected.contains(&"output") => {
            return Some("a recipe has no such table; look at a dataset with `seedbed inspect`".into());
        }
        _ => {}
    }
    Some(match nearest(asked, expected.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", expected.join(", ")),
    })
}

/// The known word that `word` most likely stands for, if any comes near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Swapped letters in short words are what Jaro-Winkler is blind to.
    let score =
        |k: &str| strsim::jaro_winkler(word, k).max(strsim::normalized_damerau_levenshtein(word, k) + 0.15);
    known
        .into_iter()
        .map(|k| (score(k), k))
        .filter(|(score, _)| *score >= 0.78)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_letters() {
        let text = "a = 1\nbö = 2\nc";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 6), (2, 1));
        assert_eq!(position(text, 8), (2, 2), "inside a letter");
        assert_eq!(position(text, 9), (2, 3));
        assert_eq!(position(text, 999), (3, 2));
    }

    #[test]
    fn the_nearest_known_word_is_named() {
        let e = error("", None, "unknown field `resise`, expected one of `mode`, `resize`");
        assert_eq!(e.message, "unknown key `resise`: recipe");
        assert_eq!(e.hint.as_deref(), Some("did you mean `resize`?"));
        let e = error("", Some(0..1), "unknown variant `zzz`, expected `a` or `b`");
        assert_eq!(
            (e.message.as_str(), e.hint.as_deref()),
            ("unknown value `zzz`: recipe, line 1, column 1", Some("known here: a, b"))
        );
        let e = error("", None, "invalid value: integer `-1` as i128, expected u32").message;
        assert_eq!(e, "invalid value: integer `-1`, expected a whole number from 0: recipe");
        assert_eq!(error("", None, "missing field `input`").message, "missing key `input`: recipe");
        assert_eq!(error("", None, "invalid type: string").message, "invalid type: string: recipe");
        assert!(error("", None, "expected `=`").hint.unwrap().contains("init"));
    }
}
