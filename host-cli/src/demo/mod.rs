//! `seedbed demo`: the main job on embedded data, or on the user's, made hard on purpose first.
//!
//! The demo only prepares: it writes a raw folder with known faults and an ordinary recipe. What follows is
//! the work of [`crate::run`], as for any user's data; afterwards the truth about the faults is held
//! against what the stages found.

pub mod digits;
pub mod faults;
mod raw;
mod recipe;
pub mod score;

use crate::durable::write_whole;
use crate::error::{Context, Error, Result};
use crate::formats::SetAside;
use crate::recipe::Recipe;
use crate::report::{self, json_lines};
use crate::run::record::{RUN_FILE, load, save};
use crate::run::{self, Draft, RunFolder, RunRecord, apart};
use crate::stages::Ctx;
use faults::Kind;
use raw::Raw;
use score::{Found, Planted, Removed};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

pub use crate::run::record::DEMO_FILE;

/// The recipe of a demo, in its run folder.
pub const RECIPE_FILE: &str = "demo.toml";
/// The folder of raw pictures that the recipe starts from, in the run folder.
pub const RAW_FOLDER: &str = "raw";

/// The draft of the raw folder needs no key of its own.
const RAW_KEY: &str = "00000000";

/// Options of `demo`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DemoOptions {
    /// Run on these pictures (a folder with one folder per class, or IDX files) instead of the embedded
    /// digits
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
}

/// What the demo did and found: `demo.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Demo {
    /// What was done to the data, in sentences.
    pub story: String,
    /// The figures of each kind of fault.
    pub found: Vec<Found>,
    /// Every planted fault.
    pub planted: Vec<Planted>,
    /// What of the user's data could not be used, as it was before any fault was planted.
    #[serde(default)]
    pub left_out: Vec<SetAside>,
    /// The recipe as the demo wrote it.
    #[serde(default)]
    pub recipe: String,
}

/// Runs the demo in the folder `out`; gives the record of the run, what was found of the faults, and the
/// page of the report. `command` is what makes the run again.
///
/// # Errors
/// When the folder belongs to something else, its recipe was edited, the data cannot be used, or a stage
/// fails.
pub fn run(
    ctx: &Ctx,
    options: &DemoOptions,
    command: &str,
    out: &Path,
) -> Result<(RunRecord, Demo, PathBuf)> {
    if let Some(data) = &options.data {
        apart(data, out)?;
    }
    // What cannot be used leaves nothing behind.
    let raw = match &options.data {
        Some(path) => raw::prepare(ctx, path)?,
        None => {
            let folder = tempfile::tempdir().map_err(|e| Error::failed(format!("{e}: temporary folder")))?;
            digits::unpack(folder.path())?;
            raw::prepare(ctx, folder.path())?
        }
    };
    let folder = RunFolder::take(out)?;
    // The mark by which the folder is known as ours from now on.
    if !out.join(RUN_FILE).exists() {
        save(out, RUN_FILE, &RunRecord::default())?;
    }
    let path = out.join(RECIPE_FILE);
    let text = recipe::text(&raw, ctx.seed);
    may_rewrite(out, &path, &text)?;
    let draft = Draft::new(&out.join(RAW_FOLDER), RAW_KEY)?;
    let planted = raw::write(ctx, &raw, draft.path())?;
    draft.publish()?;
    write_whole(&path, &text)?;
    let (recipe, text) = Recipe::load(&path)?;
    let ran = run::run(ctx, &recipe, &text, command, folder)?;
    let found = found(out, &ran.record, &planted)?;
    let story = story(&raw, &planted, options);
    let demo = Demo { story, found, planted, left_out: raw.left_out, recipe: text };
    save(out, DEMO_FILE, &demo)?;
    let (record, page) = report::after(ran, out)?;
    Ok((record, demo, page))
}

/// Refuses to overwrite a recipe that is neither `text` nor what the last demo wrote: the user changed it.
fn may_rewrite(out: &Path, path: &Path, text: &str) -> Result<()> {
    let there = match fs::read_to_string(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        there => there.at(path)?,
    };
    let written = load::<Demo>(out, DEMO_FILE)?.map(|demo| demo.recipe);
    if there == text || written.is_some_and(|written| written == there) {
        return Ok(());
    }
    Err(Error::usage(format!("the recipe was changed since the demo wrote it: {}", path.display()))
        .hint(format!("seedbed run {}, or give the demo another folder with --out", path.display())))
}

/// Holds the truth about the faults of an earlier demo in the folder `out` against what a run there found;
/// forgets it where the run's `input` is not the demo's.
///
/// # Errors
/// When a list or the record cannot be read or written.
pub fn again(input: &Path, record: &RunRecord, out: &Path) -> Result<()> {
    let Some(demo) = load::<Demo>(out, DEMO_FILE)? else { return Ok(()) };
    let same =
        fs::canonicalize(input).is_ok_and(|a| fs::canonicalize(out.join(RAW_FOLDER)).is_ok_and(|b| a == b));
    if !same {
        let path = out.join(DEMO_FILE);
        return fs::remove_file(&path).at(&path);
    }
    save(out, DEMO_FILE, &Demo { found: found(out, record, &demo.planted)?, ..demo })
}

/// What the stages of a run found of the faults; of a stage that did not run nothing is said.
fn found(out: &Path, record: &RunRecord, planted: &[Planted]) -> Result<Vec<Found>> {
    let mut found = score::score(planted, &removed(out, record)?);
    found.retain(|found| record.stage(&found.stage).is_some());
    Ok(found)
}

/// What `collect` set aside and `prune` dropped.
fn removed(out: &Path, record: &RunRecord) -> Result<Vec<Removed>> {
    #[derive(Deserialize)]
    struct SetAside {
        file: String,
    }
    let mut removed = Vec::new();
    if let Some(collect) = record.stage("collect") {
        let path = out.join(&collect.folder).join(crate::stages::collect::SET_ASIDE_FILE);
        removed.extend(json_lines::<SetAside>(&path)?.into_iter().map(|s| Removed {
            id: s.file,
            method: "set_aside".into(),
            kept: None,
        }));
    }
    if let Some(prune) = record.stage("prune") {
        removed.extend(json_lines(&out.join(&prune.folder).join(crate::stages::prune::DROPPED_FILE))?);
    }
    Ok(removed)
}

/// What was done to the data, in sentences for the reader of the report.
fn story(raw: &Raw, planted: &[Planted], options: &DemoOptions) -> String {
    let source = match &options.data {
        Some(path) => path.display().to_string(),
        None => "the UCI optical digits (E. Alpaydin, C. Kaynak; CC BY 4.0)".into(),
    };
    let cuts: Vec<String> = raw
        .cuts
        .iter()
        .map(|c| format!("class {} from {} to {} pictures", raw.classes[c.class], c.before, c.after))
        .collect();
    let cut = if cuts.is_empty() { String::new() } else { format!("cut {}; ", cuts.join(" and ")) };
    let left_out = match raw.left_out.len() {
        0 => String::new(),
        n => format!(" {n} of its files could not be read and were left out."),
    };
    let count = |kind| planted.iter().filter(|p| p.kind == kind).count();
    format!(
        "The data is {source}.{left_out} Before the run, the demo made its train part hard on purpose: it \
         {cut}planted {} exact and {} near duplicates (shifted by a pixel, or noised), gave {} pictures a wrong \
         label, replaced {} by noise and damaged {} files. Nothing tells the stages which pictures those are.",
        count(Kind::ExactDuplicate),
        count(Kind::NearDuplicate),
        count(Kind::WrongLabel),
        count(Kind::Noise),
        count(Kind::Damaged)
    )
}
