//! A whole recipe: its stages one after the other in one run folder.

use super::execute::{Call, execute};
use super::folder::RunFolder;
use super::record::{LOG_FILE, RUN_FILE, RunRecord, StageRecord, Status, VERSION, save};
use crate::dataset::{Dataset, Kind};
use crate::error::{Context, Error, Result};
use crate::model::WEIGHTS_FILE;
use crate::progress::{Event, Output, Progress, Sink};
use crate::recipe::Recipe;
use crate::stages::evaluate::EvaluateOptions;
use crate::stages::export::ExportFormat;
use crate::stages::generate::GenerateOptions;
use crate::stages::train::RECONSTRUCTED_FOLDER;
use crate::stages::{Ctx, Stage};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// A run that came to its end.
#[derive(Debug)]
pub struct Ran {
    /// What was done.
    pub record: RunRecord,
    /// Whether all of it was; else why not.
    pub result: Result<()>,
    /// Where; no other run works there before this is dropped.
    pub folder: RunFolder,
    /// Who is told of what follows: the log of the run, too.
    pub progress: Progress,
}

/// Runs `recipe` in `folder`: stages that did not change since the last run are kept. `text` is the
/// recipe as written and `command` what makes the run again; both are for the record.
///
/// # Errors
/// When the recipe is wrong: nothing was done then. A stage that fails is no error here, but a result of the run.
pub fn run(ctx: &Ctx, recipe: &Recipe, text: &str, command: &str, folder: RunFolder) -> Result<Ran> {
    recipe.check()?;
    let out = folder.path();
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let record = RunRecord {
        version: VERSION,
        seedbed: env!("CARGO_PKG_VERSION").into(),
        name: recipe.name.clone().unwrap_or_else(|| "run".into()),
        seed: ctx.seed,
        started,
        command: command.into(),
        recipe_file: recipe.file.as_ref().map(|file| file.display().to_string()),
        recipe: text.into(),
        ..RunRecord::default()
    };
    let log = out.join(LOG_FILE);
    let log = |progress: &Progress| Ok::<_, Error>(progress.and(Sink::Log(Output::append(&log).at(&log)?)));
    let into_folders = recipe.output.as_ref().is_some_and(|o| o.format == Some(ExportFormat::Folder));
    let mut chain = Chain { into_folders, ctx, out, record, begun: Instant::now() };
    // Before there is a log, there is the mark that the folder is ours.
    chain.save(Status::Running)?;
    let ctx = &Ctx { progress: log(&ctx.progress)?, ..ctx.clone() };
    chain.ctx = ctx;
    let version = env!("CARGO_PKG_VERSION");
    ctx.progress.tell(Event::RunStart { version, command, seed: ctx.seed });
    let result = walk(recipe, out, &mut chain);
    chain.record.error = result.as_ref().err().map(|e| e.message.clone());
    let status = if result.is_ok() { Status::Done } else { Status::Failed };
    let result = result.and(chain.save(status));
    let seconds = chain.record.seconds;
    let status = if let Err(e) = &result {
        ctx.progress.tell(e.into());
        "failed"
    } else {
        "done"
    };
    ctx.progress.tell(Event::RunEnd { status, seconds });
    Ok(Ran { record: chain.record, result, folder, progress: ctx.progress.clone() })
}

/// Who is led through the stages of a recipe.
pub(super) trait Visit {
    /// The stage `name` with its options, which reads `input` and writes `out`.
    fn stage<O>(&mut self, name: &str, options: &O, input: &Path, out: &Path) -> Result<()>
    where
        O: Stage + clap::Args + Serialize;
}

/// Leads `to` through the stages of `recipe`, in the order of work, in the run folder `out`.
pub(super) fn walk(recipe: &Recipe, out: &Path, to: &mut impl Visit) -> Result<()> {
    Walk { out, to }.all(recipe)
}

struct Walk<'a, V> {
    out: &'a Path,
    to: &'a mut V,
}

impl<V: Visit> Walk<'_, V> {
    /// One stage, and its folder.
    fn stage<O>(&mut self, name: &str, folder: &str, options: &O, input: &Path) -> Result<PathBuf>
    where
        O: Stage + clap::Args + Serialize,
    {
        let out = self.out.join(folder);
        self.to.stage(name, options, input, &out)?;
        Ok(out)
    }

    /// The same for a stage that may be left out: its folder, or `input`.
    fn maybe<O>(&mut self, name: &str, folder: &str, options: Option<&O>, input: PathBuf) -> Result<PathBuf>
    where
        O: Stage + clap::Args + Serialize,
    {
        options.map_or(Ok(input.clone()), |o| self.stage(name, folder, o, &input))
    }

    fn all(&mut self, recipe: &Recipe) -> Result<()> {
        let data = self.stage("collect", "01-collect", &recipe.collect, recipe.input.first())?;
        let data = self.maybe("preprocess", "02-preprocess", recipe.preprocess.as_ref(), data)?;
        let data = self.maybe("prune", "03-prune", recipe.prune.as_ref(), data)?;
        let data = self.maybe("balance", "04-balance", recipe.balance.as_ref(), data)?;
        let data = self.maybe("augment", "05-augment", recipe.augment.as_ref(), data)?;
        let trained = match &recipe.train {
            Some(options) => Some(self.stage("train", "06-train", options, &data)?),
            None => None,
        };
        let model = trained.as_ref().map(|folder| folder.join(WEIGHTS_FILE));
        let mut product = data.clone();
        if let Some(options) = &recipe.generate {
            let options = GenerateOptions { model: options.model.clone().or(model), ..options.clone() };
            product = self.stage("generate", "07-generate", &options, &data)?;
        }
        if let Some(options) = &recipe.evaluate {
            let generated = recipe.generate.as_ref().map(|_| product.clone());
            let made =
                trained.map(|folder| folder.join(RECONSTRUCTED_FOLDER)).filter(|folder| folder.is_dir());
            let options = EvaluateOptions {
                generated: options.generated.clone().or(generated),
                reconstructed: options.reconstructed.clone().or(made),
                ..options.clone()
            };
            self.stage("evaluate", "08-evaluate", &options, &data)?;
        }
        self.maybe("export", "09-output", recipe.output.as_ref(), product)?;
        Ok(())
    }
}

/// Runs each stage, and keeps the record of it.
/// Refuses, before the work, samples collected at `data` that cannot be written into folders of files.
fn has_files(data: &Path) -> Result<()> {
    let meta = Dataset::open(data)?.meta().clone();
    if meta.has(Kind::Images) || meta.has(Kind::Audio) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{} cannot be written as folders of files: table [output], key `format`",
        meta.words()
    ))
    .hint("use format = \"parquet\", \"csv\" or \"npz\""))
}

struct Chain<'a> {
    /// Whether the run ends with folders of files.
    into_folders: bool,
    ctx: &'a Ctx,
    out: &'a Path,
    record: RunRecord,
    begun: Instant,
}

impl Chain<'_> {
    fn save(&mut self, status: Status) -> Result<()> {
        self.record.status = status;
        self.record.seconds = self.begun.elapsed().as_secs_f64();
        save(self.out, RUN_FILE, &self.record)
    }
}

impl Visit for Chain<'_> {
    fn stage<O>(&mut self, name: &str, options: &O, input: &Path, out: &Path) -> Result<()>
    where
        O: Stage + clap::Args + Serialize,
    {
        let done = Call::new(name, options, input, out)
            .and_then(|call| execute(self.ctx, &call))
            .map_err(|e| e.within(format!("stage {name}")))?;
        let folder = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.record.stages.push(StageRecord { folder, files: None, ..done });
        self.save(Status::Running)?;
        if name == "collect" && self.into_folders { has_files(out) } else { Ok(()) }
    }
}
