//! The report of a run: one HTML page that needs nothing but itself, and the same as JSON.
//!
//! [`gather()`] reads a run folder into a [`Report`]; [`draw`] makes the page of it; [`make`] does both and
//! writes them. Pictures are embedded, charts are SVG, colours follow the reader's scheme.

pub mod model;
pub mod number;

mod effect;
mod gather;
mod html;
mod lists;
mod pick;
mod picture;
mod scores;
mod sections;
mod svg;
mod words;

pub use gather::gather;
pub use lists::json_lines;
pub use model::Report;
pub use picture::base64;
pub use sections::draw;

use crate::durable::write_whole;
use crate::error::{Context, Error, Result};
use crate::run::{Ran, RunRecord, make_output};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The page in the run folder.
pub const HTML_FILE: &str = "report.html";
/// What says, in a page, who made it.
const MARK: &str = "<meta name=\"generator\" content=\"seedbed\">";
/// The same for programs.
pub const JSON_FILE: &str = "report.json";

/// Writes the report on the run in `folder` into `out` (usually the same folder); gives the content and
/// the path of the page.
///
/// # Errors
/// When it is no run folder, something in it cannot be read, or `out` cannot be written or has files of these
/// names that are no reports.
pub fn make(folder: &Path, out: &Path) -> Result<(Report, PathBuf)> {
    let report = gather(folder)?;
    make_output(out)?;
    let (html, json) = (out.join(HTML_FILE), out.join(JSON_FILE));
    may_replace(&html, |old| old.windows(MARK.len()).any(|part| part == MARK.as_bytes()))?;
    may_replace(&json, |old| serde_json::from_slice::<Value>(old).is_ok_and(|v| v["format"].is_u64()))?;
    let mut text = serde_json::to_string_pretty(&report).at(&json)?;
    text.push('\n');
    write_whole(&html, draw(&report))?;
    write_whole(&json, text)?;
    Ok((report, html))
}

/// Writes the report on a run in `folder` that has just ended, also where a stage failed; gives the record and
/// the path of the page.
///
/// # Errors
/// The run's own error, or as [`make`].
pub fn after(ran: Ran, folder: &Path) -> Result<(RunRecord, PathBuf)> {
    let made = make(folder, folder);
    if let (Err(_), Ok((_, page))) = (&ran.result, &made) {
        ran.progress.note(format!("report on what was done: {}", page.display()));
    }
    ran.result?;
    Ok((ran.record, made?.1))
}

/// Refuses to overwrite a file that is not `ours`.
fn may_replace(path: &Path, ours: impl Fn(&[u8]) -> bool) -> Result<()> {
    match std::fs::read(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Ok(old) if ours(&old) => Ok(()),
        Err(e) => Err(e).at(path),
        Ok(_) => Err(Error::usage(format!("a file that seedbed did not write: {}", path.display()))
            .hint("move it elsewhere, or choose another folder with --out")),
    }
}
