//! The recipe: one TOML file with the seed, the input and a table for each stage, in the order of work.
//!
//! A table holds the options of its stage; the keys are the flags of the stage's command with `_` for
//! `-`. A stage without a table is left out, except `collect`, which every recipe has. Paths are
//! relative to the recipe's folder. What is not known is an error that says where, and the nearest
//! known name.

mod init;
mod locate;
mod template;
mod text;

pub use init::{InitOptions, Written, init};
pub use locate::nearest;

use crate::error::{Context, Error, Result};
use crate::input::{Files, Input};
use crate::run::{moved, relocate};
use crate::stages::Stage;
use crate::stages::augment::AugmentOptions;
use crate::stages::balance::BalanceOptions;
use crate::stages::collect::CollectOptions;
use crate::stages::evaluate::EvaluateOptions;
use crate::stages::export::ExportOptions;
use crate::stages::generate::GenerateOptions;
use crate::stages::preprocess::PreprocessOptions;
use crate::stages::prune::PruneOptions;
use crate::stages::train::TrainOptions;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The longest recipe that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What to do, from raw samples to judged synthetic ones.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The file that it was read from, by its absolute path.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// The name of the run; that of the recipe's file when not given.
    #[serde(default)]
    pub name: Option<String>,
    /// The seed of all randomness.
    #[serde(default)]
    pub seed: u64,
    /// Whether a damaged sample stops the run, rather than being set aside.
    #[serde(default)]
    pub strict: bool,
    /// The raw samples: files, folders or patterns.
    pub input: Input,
    /// How they are read.
    pub collect: CollectOptions,
    /// One size and one form.
    #[serde(default)]
    pub preprocess: Option<PreprocessOptions>,
    /// What harms is taken out.
    #[serde(default)]
    pub prune: Option<PruneOptions>,
    /// Even classes.
    #[serde(default)]
    pub balance: Option<BalanceOptions>,
    /// Varied copies.
    #[serde(default)]
    pub augment: Option<AugmentOptions>,
    /// The model.
    #[serde(default)]
    pub train: Option<TrainOptions>,
    /// New samples.
    #[serde(default)]
    pub generate: Option<GenerateOptions>,
    /// How they are judged.
    #[serde(default)]
    pub evaluate: Option<EvaluateOptions>,
    /// What other tools get.
    #[serde(default)]
    pub output: Option<ExportOptions>,
}

impl Recipe {
    /// Reads a recipe. Paths in it stay as they are.
    ///
    /// # Errors
    /// A usage error with line and column for what is not TOML, not known, or not of the right type.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|e| locate::error(text, e.span(), e.message()))
    }

    /// Reads the recipe file `path`, takes its relative paths from its folder, and checks the options of
    /// all stages; gives its text, too.
    ///
    /// # Errors
    /// As [`Recipe::parse`], with the file named; or when an option is out of its range, or a path is not UTF-8.
    pub fn load(path: &Path) -> Result<(Self, String)> {
        let file = std::fs::metadata(path).at(path)?;
        if file.is_dir() || file.len() > MAX_BYTES {
            return Err(Error::usage(format!("not a recipe: {}", path.display()))
                .hint("a recipe is a short TOML file; `seedbed init` writes one"));
        }
        let text = String::from_utf8(std::fs::read(path).at(path)?).map_err(|_| {
            Error::usage(format!("not a recipe (no UTF-8 text): {}", path.display()))
                .hint("save it as UTF-8, or write one with `seedbed init`")
        })?;
        let mut recipe = Self::parse(&text).map_err(|e| e.within(path.display()))?;
        // Before anything becomes JSON, which has no place for NaN and infinity.
        recipe.check().map_err(|e| e.within(path.display()))?;
        let base = path.parent().unwrap_or(Path::new(""));
        recipe.name = recipe.name.or_else(|| Some(path.file_stem()?.to_string_lossy().into_owned()));
        Ok((Self { file: std::path::absolute(path).ok(), ..recipe.relocated(base)? }, text))
    }

    /// The same with relative paths taken from `base`.
    ///
    /// # Errors
    /// When a path is not UTF-8.
    pub fn relocated(self, base: &Path) -> Result<Self> {
        let input = self.input.relative_to(base);
        let mut collect = relocate(self.collect, base)?;
        if collect.label_file(input.first()).is_some() {
            collect.label = collect.label.map(|file| moved(&file, base)).transpose()?;
        }
        Ok(Self {
            input,
            collect,
            preprocess: self.preprocess.map(|o| relocate(o, base)).transpose()?,
            prune: self.prune.map(|o| relocate(o, base)).transpose()?,
            balance: self.balance.map(|o| relocate(o, base)).transpose()?,
            augment: self.augment.map(|o| relocate(o, base)).transpose()?,
            train: self.train.map(|o| relocate(o, base)).transpose()?,
            generate: self.generate.map(|o| relocate(o, base)).transpose()?,
            evaluate: self.evaluate.map(|o| relocate(o, base)).transpose()?,
            output: self.output.map(|o| relocate(o, base)).transpose()?,
            ..self
        })
    }

    /// The same for these files.
    #[must_use]
    pub fn of_files(mut self, files: &Files) -> Self {
        self.input = files.paths.iter().take(1).collect();
        self.collect.more = files.paths.iter().skip(1).cloned().collect();
        self
    }

    /// Checks the options of all stages as far as that goes without data.
    ///
    /// # Errors
    /// A usage error that names the table and the key.
    pub fn check(&self) -> Result<()> {
        fn one<O: Stage>(table: &str, options: Option<&O>) -> Result<()> {
            options.map_or(Ok(()), |o| o.check().map_err(|e| e.within(format!("table [{table}]"))))
        }
        one("collect", Some(&self.collect))?;
        one("preprocess", self.preprocess.as_ref())?;
        one("prune", self.prune.as_ref())?;
        one("balance", self.balance.as_ref())?;
        one("augment", self.augment.as_ref())?;
        one("train", self.train.as_ref())?;
        one("generate", self.generate.as_ref())?;
        one("evaluate", self.evaluate.as_ref())?;
        one("output", self.output.as_ref())?;
        if self.train.is_some() {
            self.augment.as_ref().map_or(Ok(()), AugmentOptions::refuse_leaking)?;
            self.balance.as_ref().map_or(Ok(()), BalanceOptions::refuse_leaking)?;
        }
        if self.generate.as_ref().is_some_and(|g| g.model.is_none() && self.train.is_none()) {
            return Err(Error::usage("there is no model to generate with: table [generate]")
                .hint("add a table [train], or name a model with the key `model`"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
