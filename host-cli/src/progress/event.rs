//! What happens during the work, for programs and for the log.

use crate::error::Error;
use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::io::{Write, stderr};
use std::path::Path;
use std::sync::Mutex;

/// Something that happened.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// A run starts.
    RunStart {
        /// The version of seedbed.
        version: &'a str,
        /// The command that makes the run.
        command: &'a str,
        /// The seed.
        seed: u64,
    },
    /// A stage starts, or is found done.
    StageStart {
        /// Its name.
        stage: &'a str,
        /// The folder that it writes.
        out: &'a str,
        /// The hash of all that it depends on.
        key: &'a str,
        /// Its options.
        options: &'a Value,
    },
    /// A piece of work with a bar of its own starts.
    TaskStart {
        /// Its name.
        task: &'a str,
        /// Its steps, where they are known.
        total: Option<u64>,
    },
    /// It goes on: now and then, and at its end.
    Progress {
        /// Its name.
        task: &'a str,
        /// Steps that are done.
        done: u64,
        /// All steps, where they are known.
        total: Option<u64>,
        /// Since it started.
        seconds: f64,
    },
    /// A remark beside the bar, such as the loss of the last epoch.
    Remark {
        /// The name of the task.
        task: &'a str,
        /// The remark.
        text: &'a str,
    },
    /// A stage is done.
    StageEnd {
        /// Its name.
        stage: &'a str,
        /// Samples that it wrote.
        samples: u64,
        /// Samples that it set aside.
        set_aside: u64,
        /// How long it took.
        seconds: f64,
        /// Whether nothing had changed, and the result was kept.
        cached: bool,
    },
    /// Something that the user may want to know.
    Note {
        /// In one sentence.
        text: &'a str,
    },
    /// Something that is likely not meant.
    Warning {
        /// In one sentence.
        text: &'a str,
    },
    /// The work stops.
    Error {
        /// Why.
        text: &'a str,
        /// The way out.
        hint: Option<&'a str>,
    },
    /// A run is over.
    RunEnd {
        /// `done` or `failed`.
        status: &'a str,
        /// How long it took.
        seconds: f64,
    },
}

impl<'a> From<&'a Error> for Event<'a> {
    fn from(e: &'a Error) -> Self {
        Self::Error { text: &e.message, hint: e.hint.as_deref() }
    }
}

impl Event<'_> {
    /// The event as a line of a log; of steps there is none.
    fn words(&self) -> Option<String> {
        Some(match *self {
            Self::RunStart { version, command, seed } => {
                format!("run: seedbed {version}, seed {seed}: {command}")
            }
            Self::StageStart { stage, out, key, options } => {
                format!("start: {stage} into {out}, key {key}, options {options}")
            }
            Self::StageEnd { stage, samples, set_aside, seconds, cached } => {
                let kept = if cached { ", kept from before" } else { "" };
                format!("end: {stage}, {samples} samples, {set_aside} set aside, {seconds:.3} s{kept}")
            }
            Self::TaskStart { task, total } => {
                let total = total.map_or_else(String::new, |n| format!(", {n} steps"));
                format!("task: {task}{total}")
            }
            Self::Progress { .. } => return None,
            Self::Remark { task, text } => format!("{task}: {text}"),
            Self::Note { text } => format!("note: {text}"),
            Self::Warning { text } => format!("warning: {text}"),
            Self::Error { text, hint } => {
                let hint = hint.map_or_else(String::new, |hint| format!(" (try: {hint})"));
                format!("error: {text}{hint}")
            }
            Self::RunEnd { status, seconds } => format!("run: {status} after {seconds:.3} s"),
        })
    }
}

/// Where lines go beside the terminal.
#[derive(Debug)]
pub enum Sink {
    /// One JSON object a line, for programs.
    Events(Output),
    /// Time-stamped lines, for people.
    Log(Output),
}

/// A file, or standard error.
#[derive(Debug)]
pub enum Output {
    /// Lines are appended to it.
    File(Mutex<File>),
    /// Standard error.
    Stderr,
}

impl Output {
    /// Appends to the file `path`, which is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn append(path: &Path) -> std::io::Result<Self> {
        Ok(Self::File(Mutex::new(File::options().create(true).append(true).open(path)?)))
    }

    /// One line at once, so that lines of several threads do not mix. A reader that went away, or a full disk, is no
    /// reason to stop.
    fn line(&self, text: &str) {
        let line = format!("{}\n", text.replace('\n', " "));
        let _ = match self {
            Self::Stderr => stderr().lock().write_all(line.as_bytes()),
            Self::File(file) => file.lock().unwrap_or_else(|e| e.into_inner()).write_all(line.as_bytes()),
        };
    }
}

impl Sink {
    /// Writes the event.
    pub(super) fn take(&self, event: &Event<'_>) {
        #[derive(Serialize)]
        struct Line<'a> {
            time: String,
            #[serde(flatten)]
            event: &'a Event<'a>,
        }
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        match self {
            Self::Events(out) => {
                if let Ok(text) = serde_json::to_string(&Line { time, event }) {
                    out.line(&text);
                }
            }
            Self::Log(out) => {
                if let Some(words) = event.words() {
                    out.line(&format!("{time} {words}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn events_are_json_and_the_log_is_lines() {
        let dir = tempfile::tempdir().unwrap();
        let (events, log) = (dir.path().join("e"), dir.path().join("l"));
        let sinks =
            || [Sink::Events(Output::append(&events).unwrap()), Sink::Log(Output::append(&log).unwrap())];
        let error = Error::failed("full\ndisk").hint("room");
        for event in [
            Event::Note { text: "a \"note\"" },
            Event::Progress { task: "t", done: 1, total: None, seconds: 0.5 },
            (&error).into(),
        ] {
            // What is there stays.
            sinks().iter().for_each(|sink| sink.take(&event));
        }
        let lines = fs::read_to_string(events).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[0]["event"], &lines[0]["text"]), (&"note".into(), &"a \"note\"".into()));
        assert_eq!((&lines[1]["done"], &lines[1]["total"]), (&1.into(), &Value::Null));
        assert!(lines[2]["time"].as_str().unwrap().ends_with('Z'));
        let log = fs::read_to_string(log).unwrap();
        let words: Vec<_> = log.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(words, ["note: a \"note\"", "error: full disk (try: room)"]);
    }
}
