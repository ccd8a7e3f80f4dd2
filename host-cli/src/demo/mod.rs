//! `seedbed demo`: the main job on embedded data, or on the user's, made hard on purpose first.
//!
//! The demo only prepares: it writes a raw folder with known faults and an ordinary recipe. What follows is
//! the work of [`crate::run`], as for any user's data; afterwards the truth about the faults is held
//! against what the stages found.

mod digits;
pub mod faults;
mod raw;
mod recipe;
pub mod score;

use crate::error::{Context, Error, Result};
use crate::recipe::Recipe;
use crate::report::{self, json_lines};
use crate::run::record::{RUN_FILE, save};
use crate::run::{self, Draft, RunRecord, may_write};
use crate::stages::Ctx;
use raw::Raw;
use score::{Found, Planted, Removed};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// The truth about a demo's faults, in its run folder.
pub const DEMO_FILE: &str = "demo.json";
/// The recipe of a demo, in its run folder.
pub const RECIPE_FILE: &str = "demo.toml";
/// The folder of raw pictures that the recipe starts from, in the run folder.
pub const RAW_FOLDER: &str = "raw";

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
}

/// Runs the demo in the folder `out`; gives the record of the run, what was found of the faults, and the
/// page of the report. `command` is what makes the run again.
///
/// # Errors
/// When the folder belongs to something else, the data cannot be used, or a stage fails.
pub fn run(
    ctx: &Ctx,
    options: &DemoOptions,
    command: &str,
    out: &Path,
) -> Result<(RunRecord, Demo, PathBuf)> {
    may_write(out, RUN_FILE)?;
    fs::create_dir_all(out).at(out)?;
    // The mark by which the folder is known as ours from now on.
    if !out.join(RUN_FILE).exists() {
        save(out, RUN_FILE, &RunRecord::default())?;
    }
    let raw = match &options.data {
        Some(path) => raw::prepare(ctx, path)?,
        None => {
            let folder = tempfile::tempdir().map_err(|e| Error::failed(format!("{e}: temporary folder")))?;
            digits::unpack(folder.path())?;
            raw::prepare(ctx, folder.path())?
        }
    };
    let draft = Draft::new(&out.join(RAW_FOLDER), "raw")?;
    let planted = raw::write(ctx, &raw, draft.path())?;
    draft.publish()?;
    let path = out.join(RECIPE_FILE);
    fs::write(&path, recipe::text(&raw, ctx.seed)).at(&path)?;
    let (recipe, text) = Recipe::load(&path)?;
    let record = run::run(ctx, &recipe, &text, command, out)?;
    let removed = removed(out, &record)?;
    let demo = Demo { story: story(&raw, options), found: score::score(&planted, &removed), planted };
    save(out, DEMO_FILE, &demo)?;
    let (_, page) = report::make(out, out)?;
    Ok((record, demo, page))
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
fn story(raw: &Raw, options: &DemoOptions) -> String {
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
    let plan = &raw.plan;
    format!(
        "The data is {source}. Before the run, the demo made its train part hard on purpose: it {cut}planted \
         {} exact and {} near duplicates (shifted by a pixel, or noised), gave {} pictures a wrong label, \
         replaced {} by noise and damaged {} files. Nothing tells the stages which pictures those are.",
        plan.exact, plan.near, plan.flipped, plan.noise, plan.damaged
    )
}
