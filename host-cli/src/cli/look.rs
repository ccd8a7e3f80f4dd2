//! The commands that look at results and change nothing: status, verify, diff.

use super::global::Global;
use super::{Done, Exit, emit};
use crate::dataset::{Difference, Items};
use crate::report::number;
use crate::run::{self, Life, RunStatus, StageDiff, Verified};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Options of `status`.
#[derive(Clone, Debug, clap::Args)]
pub struct StatusOptions {
    /// The run folder.
    pub run: PathBuf,
    /// Hold it against this recipe rather than against the one that it was made from.
    #[arg(long, value_name = "RECIPE")]
    pub recipe: Option<PathBuf>,
}

/// `seedbed status`.
pub fn status(options: &StatusOptions, global: &Global) -> Done {
    let ctx = global.context(0)?;
    let found = run::status(&ctx, &options.run, options.recipe.as_deref(), global.seed.is_some())?;
    if global.json {
        let mut object = json!(found);
        object["samples"] = found.stages.first().and_then(|s| s.samples).unwrap_or(0).into();
        object["set_aside"] = found.stages.iter().filter_map(|s| s.set_aside).sum::<u64>().into();
        object["out"] = emit::path(&options.run);
        object["redo"] = json!(found.redo());
        emit::line(&object.to_string())?;
    } else {
        emit::line(&status_text(&found, &options.run))?;
    }
    Ok(Exit::Done)
}

fn status_text(found: &RunStatus, folder: &Path) -> String {
    let life = match found.life {
        Life::Running => "at work".to_owned(),
        Life::Done => "done".into(),
        Life::Killed => "killed before its end".into(),
        Life::Failed => format!("failed: {}", found.error.as_deref().unwrap_or("no reason recorded")),
    };
    let mut text = format!(
        "{}: {life}\nrecipe {}, seed {}\n\n{:<11} {:<12} {:>10} {:>10} {:>9}\n",
        folder.display(),
        found.recipe.display(),
        found.seed,
        "stage",
        "state",
        "samples",
        "set aside",
        "time"
    );
    for s in &found.stages {
        let count = |n: Option<u64>| n.map_or_else(|| "–".into(), number::count);
        let time = |s: f64| number::duration(Duration::try_from_secs_f64(s).unwrap_or_default());
        let row = format!(
            "{:<11} {:<12} {:>10} {:>10} {:>9}  {}",
            s.stage,
            s.state.words(),
            count(s.samples),
            count(s.set_aside),
            s.seconds.map_or_else(|| "–".into(), time),
            s.why.as_deref().unwrap_or("")
        );
        text.push_str(row.trim_end());
        text.push('\n');
    }
    let redo = found.redo();
    text.push_str(&match (found.life, redo.is_empty()) {
        (Life::Running, _) => "\nanother seedbed is at work there".to_owned(),
        (_, true) => "\nanother run would do nothing".into(),
        (_, false) => format!("\n{} would do: {}", found.command, redo.join(", ")),
    });
    text
}

/// `seedbed verify`.
pub fn verify(folder: &Path, global: &Global) -> Done {
    let ctx = global.context(0)?;
    let found = run::verify(folder, &ctx.pool)?;
    if global.json {
        let mut object = json!(found);
        object["set_aside"] = 0.into();
        object["out"] = emit::path(folder);
        object["whole"] = Value::Bool(found.faults.is_empty());
        emit::line(&object.to_string())?;
    } else {
        found.notes.iter().for_each(|note| ctx.progress.note(note));
        emit::line(&verify_text(&found, folder))?;
    }
    Ok(if found.faults.is_empty() { Exit::Done } else { Exit::Different })
}

fn verify_text(found: &Verified, folder: &Path) -> String {
    let mut text = String::new();
    for fault in &found.faults {
        let sample = fault.sample.as_ref().map_or_else(String::new, |id| format!(", sample {id}"));
        text.push_str(&format!("{}{sample}: {}\n", fault.file, fault.what));
    }
    let looked = format!(
        "{} files and {} samples of {} datasets",
        number::count(found.files),
        number::count(found.samples),
        number::count(found.datasets)
    );
    text.push_str(&match found.faults.len() as u64 {
        0 => format!("{}: as it was recorded ({looked})", folder.display()),
        n => format!("{}: {} wrong ({looked})", folder.display(), number::count(n)),
    });
    text
}

/// Options of `diff`.
#[derive(Clone, Debug, clap::Args)]
pub struct DiffOptions {
    /// A dataset or a run folder.
    pub a: PathBuf,
    /// Another of its kind.
    pub b: PathBuf,
    /// List at most so many samples of each kind of difference; --json lists all unless told.
    #[arg(long, value_name = "N")]
    pub most: Option<usize>,
}

/// Samples of each kind of difference that are listed for people.
const MOST: usize = 10;

/// `seedbed diff`.
pub fn diff(options: &DiffOptions, global: &Global) -> Done {
    global.context(0)?;
    let most = options.most.unwrap_or(if global.json { usize::MAX } else { MOST });
    let found = run::diff(&options.a, &options.b, most)?;
    let equal = found.iter().all(StageDiff::is_equal);
    if global.json {
        let kept: u64 = found.iter().filter_map(|s| s.data.as_ref()).map(|d| d.same).sum();
        let object = json!({
            "samples": kept, "set_aside": 0, "out": emit::path(&options.b), "equal": equal, "stages": found,
        });
        emit::line(&object.to_string())?;
    } else {
        found.iter().try_for_each(|stage| emit::line(&diff_text(stage)))?;
    }
    Ok(if equal { Exit::Done } else { Exit::Different })
}

fn diff_text(found: &StageDiff) -> String {
    let mut text = match (found.stage.as_str(), found.verdict) {
        ("", verdict) => verdict.to_owned(),
        (stage, "dropped") => format!("{stage}: in the first run only"),
        (stage, "added") => format!("{stage}: in the second run only"),
        (stage, verdict) => format!("{stage}: {verdict}"),
    };
    for option in &found.options {
        text.push_str(&format!("\n  {option}"));
    }
    if !found.files.is_empty() {
        text.push_str(&format!("\n  files: {}", found.files.join(", ")));
    }
    if let Some(data) = &found.data {
        samples_text(data, &mut text);
    }
    text
}

fn samples_text(found: &Difference, text: &mut String) {
    for about in &found.about {
        text.push_str(&format!("\n  {about}"));
    }
    text.push_str(&format!("\n  {} samples are the same", number::count(found.same)));
    let mut list = |sign: char, what: &str, items: &Items| {
        if items.count > 0 {
            text.push_str(&format!("\n  {} {what}", number::count(items.count)));
        }
        for item in &items.first {
            let why = item.reason.iter().chain(&item.what).cloned().collect::<Vec<_>>().join(", ");
            let why = if why.is_empty() { why } else { format!("  ({why})") };
            text.push_str(&format!("\n    {sign} {}{why}", item.id));
        }
        let more = items.count - items.first.len() as u64;
        if more > 0 && !items.first.is_empty() {
            text.push_str(&format!("\n    … and {} more (see --most)", number::count(more)));
        }
    };
    list('-', "dropped", &found.dropped);
    list('+', "added", &found.added);
    list('~', "changed", &found.changed);
}
