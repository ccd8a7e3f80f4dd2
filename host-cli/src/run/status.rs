//! How a run folder stands, and what another run there would do.

use super::chain::{Visit, walk};
use super::execute::Call;
use super::files::Files;
use super::folder::{run_is_live, stage_is_live};
use super::record::{RUN_FILE, RunRecord, STAGE_FILE, StageRecord, Status, load};
use crate::error::{Error, Result};
use crate::recipe::Recipe;
use crate::stages::{Ctx, Stage};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// A process works on it.
    Running,
    /// It ended with all stages done.
    Done,
    /// A stage failed.
    Failed,
    /// It was killed: it goes on when it is started again.
    Killed,
}

/// How the result of a stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// It is what the recipe asks for.
    Done,
    /// It is there, but another run would make it anew.
    Stale,
    /// It is not there.
    Missing,
    /// A process makes it now.
    InProgress,
}

impl StageState {
    /// The state in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::InProgress => "in progress",
        }
    }
}

/// One stage of a recipe.
#[derive(Clone, Debug, Serialize)]
pub struct StageStatus {
    /// Its name.
    pub stage: String,
    /// Its folder in the run folder.
    pub folder: String,
    /// How its result stands.
    pub state: StageState,
    /// Why it is stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Samples in the result that is there.
    pub samples: Option<u64>,
    /// Samples that were set aside for it.
    pub set_aside: Option<u64>,
    /// How long it took, in seconds.
    pub seconds: Option<f64>,
}

/// A run folder beside its recipe.
#[derive(Clone, Debug, Serialize)]
pub struct RunStatus {
    /// The run's name.
    pub name: String,
    /// How it stands.
    pub life: Life,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The seed that another run would take.
    pub seed: u64,
    /// The recipe that the results are held against: its file, or `run.json` where that is gone.
    pub recipe: PathBuf,
    /// The command that made it.
    pub command: String,
    /// The stages of the recipe, in order.
    pub stages: Vec<StageStatus>,
}

impl RunStatus {
    /// The stages that another run would do, in order.
    pub fn redo(&self) -> Vec<&str> {
        self.stages.iter().filter(|s| s.state != StageState::Done).map(|s| s.stage.as_str()).collect()
    }
}

/// Looks at the run folder `folder`; changes nothing. The recipe is the file `recipe`, or else the one that the run
/// was made from. The seed of `ctx` counts where `seed_given`; else the run's.
///
/// # Errors
/// When `folder` is no run, or the recipe cannot be read.
pub fn status(ctx: &Ctx, folder: &Path, recipe: Option<&Path>, seed_given: bool) -> Result<RunStatus> {
    let record = load_run(folder)?;
    let (recipe, source) = recipe_of(&record, folder, recipe)?;
    // A seed of the command line stays; one of the recipe is that of the recipe as it is now.
    let of_recipe = Recipe::parse(&record.recipe).is_ok_and(|old| old.seed == record.seed);
    let seed = match (seed_given, of_recipe) {
        (true, _) => ctx.seed,
        (false, true) => recipe.seed,
        (false, false) => record.seed,
    };
    let ctx = Ctx { seed, strict: ctx.strict || recipe.strict, ..ctx.clone() };
    // What cannot be found the next run will stop at, and the first stage tells.
    let recipe = match recipe.input.resolve_files() {
        Ok(files) => recipe.of_files(&files),
        Err(_) => recipe,
    };
    let mut look = Look { ctx: &ctx, redone: None, stages: Vec::new() };
    walk(&recipe, folder, &mut look)?;
    let life = match record.status {
        _ if run_is_live(folder) => Life::Running,
        Status::Running => Life::Killed,
        Status::Done => Life::Done,
        Status::Failed => Life::Failed,
    };
    Ok(RunStatus {
        name: record.name,
        life,
        error: record.error,
        seed,
        recipe: source,
        command: record.command,
        stages: look.stages,
    })
}

/// The record of the run in `folder`.
pub(super) fn load_run(folder: &Path) -> Result<RunRecord> {
    load(folder, RUN_FILE)?.ok_or_else(|| {
        Error::usage(format!("not a run (no {RUN_FILE}): {}", folder.display()))
            .hint("name the folder that `seedbed run` or `seedbed demo` wrote")
    })
}

/// The recipe of a run as it is now, and where that is.
fn recipe_of(record: &RunRecord, folder: &Path, given: Option<&Path>) -> Result<(Recipe, PathBuf)> {
    let known = record.recipe_file.as_ref().map(PathBuf::from);
    let file = given.or(known.as_deref().filter(|file| file.is_file()));
    if let Some(file) = file {
        return Ok((Recipe::load(file)?.0, file.to_owned()));
    }
    let base = known.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let source = folder.join(RUN_FILE);
    let recipe = Recipe::parse(&record.recipe).and_then(|recipe| recipe.relocated(base));
    Ok((recipe.map_err(|e| e.within(source.display()))?, source))
}

/// Looks at each stage.
struct Look<'a> {
    ctx: &'a Ctx,
    /// The first stage that another run would do: what follows it is not known yet.
    redone: Option<String>,
    stages: Vec<StageStatus>,
}

impl Look<'_> {
    /// Why the result `earlier` in `call.out` is not what the recipe asks for, if so.
    fn stale(&self, call: &Call<'_>, earlier: &StageRecord) -> Result<Option<String>> {
        if earlier.stage != call.name {
            return Ok(Some(format!("the folder holds the result of `seedbed {}`", earlier.stage)));
        }
        let there = Files::list(call.out)?;
        if let Some(name) = earlier.files.as_ref().and_then(|written| written.missing(&there)) {
            return Ok(Some(format!("gone or changed: {name}")));
        }
        if self.ctx.strict && earlier.set_aside > 0 {
            return Ok(Some("samples were set aside, which strict forbids".into()));
        }
        if let Some(stage) = &self.redone {
            return Ok(Some(format!("follows {stage}")));
        }
        if call.key(self.ctx)? == earlier.key {
            return Ok(None);
        }
        let changed = earlier.changes(&call.options, self.ctx.seed);
        Ok(Some(if changed.is_empty() { "the input changed".into() } else { changed.join(", ") }))
    }
}

impl Visit for Look<'_> {
    fn stage<O>(&mut self, name: &str, options: &O, input: &Path, out: &Path) -> Result<()>
    where
        O: Stage + clap::Args + Serialize,
    {
        let earlier: Option<StageRecord> = load(out, STAGE_FILE)?;
        let (state, why) = match &earlier {
            _ if stage_is_live(out) => (StageState::InProgress, None),
            None => (StageState::Missing, None),
            // What cannot be looked at is what the next run will stop at.
            Some(earlier) => match Call::new(name, options, input, out).and_then(|c| self.stale(&c, earlier))
            {
                Ok(None) => (StageState::Done, None),
                Ok(why) => (StageState::Stale, why),
                Err(e) => (StageState::Stale, Some(e.message)),
            },
        };
        if state != StageState::Done {
            self.redone.get_or_insert_with(|| name.to_owned());
        }
        self.stages.push(StageStatus {
            stage: name.to_owned(),
            folder: out.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            state,
            why,
            samples: earlier.as_ref().map(|e| e.samples),
            set_aside: earlier.as_ref().map(|e| e.set_aside),
            seconds: earlier.as_ref().map(|e| e.seconds),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_no_run_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let e = status(&Ctx::quiet(0), dir.path(), None, false).unwrap_err();
        assert!(e.exit_code() == 2 && e.message.contains("run.json"), "{e}");
    }
}
