//! The commands and what each calls.

use super::global::Global;
use super::{Done, Exit, definition, emit, examples, look, model, work};
use crate::dataset::{META_FILE, Meta, content_hash};
use crate::demo::DemoOptions;
use crate::error::Context;
use crate::recipe::{InitOptions, init};
use crate::report;
use crate::search::{self, SearchOptions};
use crate::stages::augment::AugmentOptions;
use crate::stages::balance::BalanceOptions;
use crate::stages::collect::CollectOptions;
use crate::stages::evaluate::EvaluateOptions;
use crate::stages::export::ExportOptions;
use crate::stages::generate::GenerateOptions;
use crate::stages::inspect::{self, InspectOptions};
use crate::stages::label::LabelOptions;
use crate::stages::preprocess::PreprocessOptions;
use crate::stages::prune::PruneOptions;
use crate::stages::replay::ReplayOptions;
use crate::stages::train::TrainOptions;
use clap::Subcommand;
use serde_json::json;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What seedbed can be asked to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole job on embedded data made hard on purpose (or on your own): start here.
    #[command(after_help = examples::DEMO)]
    Demo(DemoOptions),
    /// Look at raw samples and write a commented recipe for them.
    #[command(after_help = examples::INIT)]
    Init(InitOptions),
    /// Run a recipe: all its stages in one folder, and a report. Run again, only what changed is redone.
    #[command(after_help = examples::RUN)]
    Run {
        /// The recipe.
        #[arg(value_name = "RECIPE")]
        recipe: PathBuf,
    },
    /// Read raw samples into a dataset: folders, arrays, tables, archives, files of records.
    #[command(after_help = examples::COLLECT)]
    Collect {
        /// The raw samples: files, folders, patterns such as 'shards/*.tar', @FILE with a path on each line, or - for
        /// standard input.
        #[arg(required = true, value_name = "INPUT")]
        input: Vec<PathBuf>,
        #[command(flatten)]
        options: CollectOptions,
    },
    /// Look through a dataset: counts, sizes, statistics, duplicates, poor samples. Changes nothing.
    #[command(after_help = examples::INSPECT)]
    Inspect(On<InspectOptions>),
    /// Give all samples one size and one form, and decide the scaling that models will see.
    #[command(after_help = examples::PREPROCESS)]
    Preprocess(On<PreprocessOptions>),
    /// Take out what harms: duplicates, outliers, poor pictures, suspected wrong labels; or cover the rest.
    #[command(after_help = examples::PRUNE)]
    Prune(On<PruneOptions>),
    /// Even out the classes of the train split: copies, SMOTE, undersampling or weights.
    #[command(after_help = examples::BALANCE)]
    Balance(On<BalanceOptions>),
    /// Give samples without a label the class whose few labelled samples they are nearest to.
    #[command(after_help = examples::LABEL)]
    Label(On<LabelOptions>),
    /// Make varied copies of the pictures of the train split, and `pipeline.bin` for the library for C.
    #[command(after_help = examples::AUGMENT)]
    Augment {
        /// What is read, and the stage's options.
        #[command(flatten)]
        on: On<AugmentOptions>,
        /// What is shown in place of that.
        #[command(flatten)]
        preview: PreviewOptions,
    },
    /// Look for the augmentation that suits the pictures, and tell what it gains over none. Changes nothing.
    #[command(after_help = examples::SEARCH)]
    Search(On<SearchOptions>),
    /// Train a small generative model: a VAE or a GAN.
    #[command(after_help = examples::TRAIN)]
    Train(Box<On<TrainOptions>>),
    /// Draw new samples from a trained model; copies of training samples and strangers are left out.
    #[command(after_help = examples::GENERATE)]
    Generate {
        /// The dataset that the model was trained on: what is too near or too far is judged by it.
        #[arg(value_name = "DATASET")]
        input: PathBuf,
        #[command(flatten)]
        options: GenerateOptions,
    },
    /// Judge generated samples: beside real ones that the model never saw, and for copies.
    #[command(after_help = examples::EVALUATE)]
    Evaluate {
        /// The dataset of real samples; its test split judges.
        #[arg(value_name = "REAL")]
        input: PathBuf,
        #[command(flatten)]
        options: EvaluateOptions,
    },
    /// Write a dataset for other tools: folders of pictures, NPZ, Parquet.
    #[command(after_help = examples::EXPORT)]
    Export(On<ExportOptions>),
    /// Make one augmented sample again, alone, from what its origin records.
    #[command(after_help = examples::REPLAY)]
    Replay(ReplayOptions),
    /// Make the report of a run: one HTML page, and the same as JSON.
    #[command(after_help = examples::REPORT)]
    Report {
        /// The run folder.
        run: PathBuf,
    },
    /// Tell where a run stands: each stage done, stale or missing, and what another run would do.
    #[command(after_help = examples::STATUS)]
    Status(look::StatusOptions),
    /// Check every recorded hash of a dataset, a stage or a run: exit code 1 where something is wrong.
    #[command(after_help = examples::VERIFY)]
    Verify {
        /// A dataset, the folder of a stage, or a run folder.
        path: PathBuf,
    },
    /// Tell what two datasets or two runs differ in: samples dropped, added, changed, and why. Exit code 1 where
    /// they differ.
    #[command(after_help = examples::DIFF)]
    Diff(look::DiffOptions),
    /// Look at a model: its layers, and what it costs in memory, before it is trained or after.
    #[command(after_help = examples::MODEL)]
    Model {
        /// What is asked of it.
        #[command(subcommand)]
        command: model::ModelCommand,
    },
    /// Print a content hash: the same for any sharding, machine and number of threads.
    #[command(after_help = examples::HASH)]
    Hash {
        /// A dataset, a run folder (its datasets and models), or a file.
        path: PathBuf,
    },
    /// Print the script that completes seedbed's commands and flags in a shell.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Showing what operations do.
#[derive(Clone, Debug, clap::Args)]
pub struct PreviewOptions {
    /// Make no dataset, but show in this PNG what each operation makes of one picture, drawn eight times
    #[arg(long, value_name = "FILE")]
    pub preview: Option<PathBuf>,
    /// Of every operation that there is, at its defaults
    #[arg(long, requires = "preview")]
    pub every_op: bool,
}

/// A stage that reads a dataset.
#[derive(Clone, Debug, clap::Args)]
pub struct On<O: clap::Args> {
    /// The dataset folder to read.
    #[arg(value_name = "DATASET")]
    pub input: PathBuf,
    /// The stage's options.
    #[command(flatten)]
    pub options: O,
}

/// Runs one command.
///
/// # Errors
/// What the command says.
pub fn run(command: &Command, global: &Global) -> Done {
    match command {
        Command::Demo(options) => work::demo(options, global),
        Command::Init(options) => init_recipe(options, global),
        Command::Run { recipe } => work::recipe(recipe, global),
        Command::Collect { input, options } => work::collect(input, options, global),
        Command::Inspect(on) => inspect_dataset(on, global),
        Command::Preprocess(on) => work::stage("preprocess", &on.options, &on.input, global),
        Command::Train(on) => train(on, global),
        Command::Generate { input, options } => work::stage("generate", options, input, global),
        Command::Evaluate { input, options } => work::stage("evaluate", options, input, global),
        Command::Export(on) => work::stage("export", &on.options, &on.input, global),
        Command::Prune(on) => work::stage("prune", &on.options, &on.input, global),
        Command::Balance(on) => work::stage("balance", &on.options, &on.input, global),
        Command::Label(on) => work::stage("label", &on.options, &on.input, global),
        Command::Augment { on, preview } => match &preview.preview {
            Some(path) => work::preview(path, preview.every_op, on, global),
            None => work::stage("augment", &on.options, &on.input, global),
        },
        Command::Search(on) => search_dataset(on, global),
        Command::Replay(options) => replay(options, global),
        Command::Report { run } => make_report(run, global),
        Command::Status(options) => look::status(options, global),
        Command::Verify { path } => look::verify(path, global),
        Command::Diff(options) => look::diff(options, global),
        Command::Model { command } => model::run(command, global),
        Command::Hash { path } => hash(path, global),
        Command::Completions { shell } => completions(*shell, global),
    }
}

fn init_recipe(options: &InitOptions, global: &Global) -> Done {
    let ctx = global.context(0)?;
    let out = global.out_or("seedbed.toml");
    let written = init(&ctx, options, &out)?;
    written.notes.iter().for_each(|note| ctx.progress.note(note));
    written.warnings.iter().for_each(|warning| ctx.progress.warn(warning));
    if global.json {
        let object = json!({
            "samples": written.samples, "set_aside": written.set_aside, "out": emit::path(&written.out),
            "format": written.format, "kind": written.kind, "classes": written.classes, "next": written.next,
        });
        emit::line(&object.to_string())?;
    } else {
        let aside = match written.set_aside {
            0 => String::new(),
            n => format!("; {} more cannot be used and will be set aside", report::number::count(n)),
        };
        emit::line(&format!(
            "{}: {}, {} samples, {} classes{aside}\nnow: {}",
            written.out.display(),
            written.format,
            report::number::count(written.samples as u64),
            written.classes,
            written.next
        ))?;
    }
    Ok(Exit::Done)
}

/// A training that goes on from another has a folder of its own: the other one is its input.
fn train(on: &On<TrainOptions>, global: &Global) -> Done {
    let out = on.options.resume.as_ref().map(|_| "seedbed-train-resumed".into());
    let global = Global { out: global.out.clone().or(out), ..global.clone() };
    work::stage("train", &on.options, &on.input, &global)
}

/// Findings are written with `--out` only; without it they are printed.
fn inspect_dataset(on: &On<InspectOptions>, global: &Global) -> Done {
    if global.out.is_some() {
        return work::stage("inspect", &on.options, &on.input, global);
    }
    let begun = Instant::now();
    let (outcome, _) = on.options.inspect(&global.context(0)?, &on.input)?;
    if global.json {
        let outcome = outcome.figure("stage", "inspect").figure("seconds", begun.elapsed().as_secs_f64());
        emit::line(&emit::object(outcome.samples, 0, &on.input, &outcome.figures).to_string())?;
    } else {
        emit::line(inspect::text(&outcome).trim_end())?;
    }
    Ok(Exit::Done)
}

/// The table for a recipe is written with `--out` only; it is printed in any case.
fn search_dataset(on: &On<SearchOptions>, global: &Global) -> Done {
    let ctx = global.context(0)?;
    let found = on.options.search(&ctx, &on.input)?;
    if let Some(out) = &global.out {
        std::fs::write(out, search::toml(&found)).at(out)?;
    }
    let out = global.out.as_deref().unwrap_or(Path::new(""));
    if global.json {
        let samples = (found.train + found.judges) as u64;
        emit::line(&emit::object(samples, 0, out, &search::figures(&found)).to_string())?;
    } else {
        emit::line(&search::text(&found))?;
    }
    Ok(Exit::Done)
}

fn replay(options: &ReplayOptions, global: &Global) -> Done {
    let ctx = global.context(0)?;
    let outcome = options.run(&ctx, global.out.as_deref())?;
    let out = global.out.as_deref().unwrap_or(Path::new(""));
    if global.json {
        emit::line(&emit::object(outcome.samples, 0, out, &outcome.figures).to_string())?;
    } else {
        let mut rows = Vec::new();
        outcome.figures.iter().for_each(|(name, value)| emit::flatten(name, value, &mut rows));
        emit::table(&rows)?;
    }
    Ok(Exit::Done)
}

fn make_report(run: &Path, global: &Global) -> Done {
    global.context(0)?;
    let out = global.out.as_deref().unwrap_or(run);
    let (content, page) = report::make(run, out)?;
    if global.json {
        let samples = content.stages.first().map_or(0, |s| s.samples);
        let set_aside: u64 = content.stages.iter().map(|s| s.set_aside).sum();
        let object = json!({
            "samples": samples, "set_aside": set_aside,
            "out": emit::path(out), "report": emit::path(&page),
        });
        emit::line(&object.to_string())?;
    } else {
        emit::line(&page.display().to_string())?;
    }
    Ok(Exit::Done)
}

fn hash(path: &Path, global: &Global) -> Done {
    let ctx = global.context(0)?;
    let hash = content_hash(path, &ctx.pool)?;
    if global.json {
        let mut object = json!({"set_aside": 0, "out": emit::path(path), "hash": hash});
        if path.join(META_FILE).is_file() {
            object["samples"] = Meta::load(path)?.counts.samples.into();
        }
        emit::line(&object.to_string())?;
    } else {
        emit::line(&hash)?;
    }
    Ok(Exit::Done)
}

fn completions(shell: clap_complete::Shell, global: &Global) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "seedbed", &mut script);
    if global.json {
        let script = String::from_utf8_lossy(&script);
        let object =
            json!({"samples": 0, "set_aside": 0, "out": "", "shell": shell.to_string(), "script": script});
        emit::line(&object.to_string())?;
        return Ok(Exit::Done);
    }
    let mut out = stdout().lock();
    out.write_all(&script).and_then(|()| out.flush()).at("standard output")?;
    Ok(Exit::Done)
}
