//! Running stages and recipes from the command line.

use super::commands::On;
use super::global::Global;
use super::{Done, Exit, emit};
use crate::dataset::Dataset;
use crate::demo::{self, Demo, DemoOptions};
use crate::input::Input;
use crate::recipe::Recipe;
use crate::report::{self, number};
use crate::run::{self, Call, RunFolder, RunRecord, execute};
use crate::stages::augment::{self, AugmentOptions, PartnerStep, Partners};
use crate::stages::collect::{CollectOptions, SET_ASIDE_FILE};
use crate::stages::{Ctx, Stage};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The seed of a demo that is given none.
const DEMO_SEED: u64 = 0;

/// Runs one stage as a command of its own; the default of `--out` is `seedbed-<name>`.
pub fn stage<O>(name: &str, options: &O, input: &Path, global: &Global) -> Done
where
    O: Stage + clap::Args + Serialize,
{
    let ctx = global.context(0)?;
    let out = global.out_or(&format!("seedbed-{name}"));
    let record = execute(&ctx, &Call::new(name, options, input, &out)?)?;
    emit::stage(&record, &out, global.json)?;
    Ok(Exit::after(record.set_aside))
}

/// Shows in the PNG `path` what the operations of the options, or all that there are, make of a picture of the input.
pub fn preview(path: &Path, every_op: bool, on: &On<AugmentOptions>, global: &Global) -> Done {
    let ctx = global.context(0)?;
    on.options.check()?;
    let ops = (!every_op).then_some(&*on.options.ops);
    let dataset = Dataset::open(&on.input)?;
    let every = PartnerStep::all();
    let partners = Partners::read(&ctx, &dataset, if every_op { &every } else { &on.options.partners })?;
    let shown = augment::write_preview(&ctx, &dataset, (ops, Some(&partners)), on.options.fuse, path)?;
    match global.json {
        true => emit::line(&json!({ "samples": 1, "set_aside": 0, "out": emit::path(path) }).to_string())?,
        false => emit::line(&format!("augment: {shown} operations shown\n  → {}", path.display()))?,
    }
    Ok(Exit::Done)
}

/// Collects raw samples.
pub fn collect(input: &[PathBuf], options: &CollectOptions, global: &Global) -> Done {
    let files = input.iter().collect::<Input>().resolve(options.max_unpacked)?;
    let more = files.paths.iter().skip(1).cloned().collect();
    let options = CollectOptions { more, ..options.clone() };
    stage("collect", &options, files.first(), global).map_err(|e| files.named(e))
}

/// Runs a recipe and makes its report; the default of `--out` is `<name of the recipe file>-run`.
pub fn recipe(path: &Path, global: &Global) -> Done {
    let (recipe, text) = Recipe::load(path)?;
    let ctx = global.context(recipe.seed)?;
    let ctx = Ctx { strict: ctx.strict || recipe.strict, ..ctx };
    let stem = path.file_stem().map_or_else(|| "seedbed".into(), |s| s.to_string_lossy());
    let out = global.out_or(&format!("{stem}-run"));
    let command = format!("seedbed run {} --seed {} --out {}", path.display(), ctx.seed, out.display());
    let files = recipe.input.resolve(recipe.collect.max_unpacked)?;
    files.paths.iter().try_for_each(|path| run::outside(path, &out))?;
    let recipe = recipe.of_files(&files);
    let mut ran = run::run(&ctx, &recipe, &text, &command, RunFolder::take(&out)?)?;
    ran.result = ran.result.map_err(|e| files.named(e));
    let scored = demo::again(files.first(), &ran.record, &out);
    let (record, page) = report::after(ran, &out)?;
    scored?;
    let set_aside = record.stages.iter().map(|s| s.set_aside).sum();
    if global.json {
        emit::line(&whole(&record, set_aside, &out, &page).to_string())?;
    } else {
        emit::line(&summary(&record, &page))?;
    }
    Ok(Exit::after(set_aside))
}

/// Runs the demo; the default of `--out` is `seedbed-demo`.
pub fn demo(options: &DemoOptions, global: &Global) -> Done {
    let ctx = global.context(DEMO_SEED)?;
    let out = global.out_or("seedbed-demo");
    let data = options.data.as_ref().map_or_else(String::new, |d| format!(" --data {}", d.display()));
    let command = format!("seedbed demo{data} --seed {} --out {}", ctx.seed, out.display());
    let (record, found, page) = demo::run(&ctx, options, &command, &out)?;
    let set_aside = record.stages.iter().map(|s| s.set_aside).sum();
    if global.json {
        let mut object = whole(&record, set_aside, &out, &page);
        if let Value::Object(map) = &mut object {
            map.insert("found".into(), json!(found.found));
        }
        emit::line(&object.to_string())?;
    } else {
        emit::line(&format!("{}\n{}", faults(&found), summary(&record, &page)))?;
    }
    // That what it damaged itself was set aside is success.
    Ok(Exit::after(found.left_out.len() as u64))
}

/// A line for each kind of planted fault.
fn faults(demo: &Demo) -> String {
    let share = |v: Option<f64>| v.map_or_else(|| "-".into(), number::percent);
    let mut text = format!(
        "{:<16} {:>8} {:>6} {:>10} {:>7}",
        "planted fault", "planted", "found", "precision", "recall"
    );
    for f in &demo.found {
        text.push_str(&format!(
            "\n{:<16} {:>8} {:>6} {:>10} {:>7}",
            f.kind.words(),
            f.planted,
            f.found,
            share(f.precision),
            share(f.recall)
        ));
    }
    text.push('\n');
    text
}

/// The object of `--json` for a run.
fn whole(record: &RunRecord, set_aside: u64, out: &Path, page: &Path) -> Value {
    let stages: Vec<Value> = record.stages.iter().map(|s| emit::record(s, &out.join(&s.folder))).collect();
    json!({
        "samples": record.stages.first().map_or(0, |s| s.samples),
        "set_aside": set_aside,
        "out": emit::path(out),
        "report": emit::path(page),
        "name": record.name,
        "seed": record.seed,
        "seconds": record.seconds,
        "stages": stages,
    })
}

fn summary(record: &RunRecord, page: &Path) -> String {
    let time = |s: f64| number::duration(Duration::try_from_secs_f64(s).unwrap_or_default());
    let mut text = String::new();
    for s in &record.stages {
        let aside = if s.set_aside > 0 {
            format!(", {} set aside (see {}/{SET_ASIDE_FILE})", number::count(s.set_aside), s.folder)
        } else {
            String::new()
        };
        let kept = if s.cached { ", nothing changed" } else { "" };
        text.push_str(&format!(
            "{:<11} {:>9} samples {:>12}{kept}{aside}\n",
            s.stage,
            number::count(s.samples),
            time(s.seconds)
        ));
    }
    if !record.stages.is_empty() && record.stages.iter().all(|s| s.cached) {
        text.push_str("nothing changed since the last run: no work was done\n");
    }
    text.push_str(&format!("report: {}", page.display()));
    text
}
