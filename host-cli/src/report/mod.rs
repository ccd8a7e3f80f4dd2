//! The report of a run: one HTML page that needs nothing but itself, and the same as JSON.
//!
//! [`gather`] reads a run folder into a [`Report`]; [`draw`] makes the page of it; [`make`] does both and
//! writes them. Pictures are embedded, charts are SVG, colours follow the reader's scheme.

pub mod model;
pub mod number;

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

use crate::error::{Context, Result};
use crate::run::make_output;
use std::fs;
use std::path::{Path, PathBuf};

/// The page in the run folder.
pub const HTML_FILE: &str = "report.html";
/// The same for programs.
pub const JSON_FILE: &str = "report.json";

/// Writes the report on the run in `folder` into `out` (usually the same folder); gives the content and
/// the path of the page.
///
/// # Errors
/// When it is no run folder, something in it cannot be read, or `out` cannot be written.
pub fn make(folder: &Path, out: &Path) -> Result<(Report, PathBuf)> {
    let report = gather(folder)?;
    make_output(out)?;
    let html = out.join(HTML_FILE);
    let mut json = serde_json::to_string_pretty(&report).at(out)?;
    json.push('\n');
    fs::write(&html, draw(&report)).at(&html)?;
    fs::write(out.join(JSON_FILE), json).at(out.join(JSON_FILE))?;
    Ok((report, html))
}
