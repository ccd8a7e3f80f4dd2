//! The text of a recipe for data that was looked at, with every key, its meaning and its value.

use super::template::{comment, table};
use crate::dataset::Kind;
use crate::stages::augment::AugmentOptions;
use crate::stages::balance::BalanceOptions;
use crate::stages::collect::CollectOptions;
use crate::stages::evaluate::EvaluateOptions;
use crate::stages::export::{ExportFormat, ExportOptions};
use crate::stages::generate::GenerateOptions;
use crate::stages::preprocess::{Mode, PreprocessOptions, Size};
use crate::stages::prune::PruneOptions;
use crate::stages::train::TrainOptions;
use toml::Value::String as Quoted;

/// What a recipe is written for.
#[derive(Clone, Debug)]
pub struct Found {
    /// The raw samples, relative to the recipe.
    pub input: Vec<String>,
    /// The name of the run.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// Whether damaged samples stop the run.
    pub strict: bool,
    /// What the samples are.
    pub kind: Kind,
    /// Whether they have classes.
    pub classes: bool,
    /// The size that the pictures get.
    pub size: Option<Size>,
    /// The channels that the pictures get.
    pub mode: Mode,
}

impl Found {
    /// The recipe. A table that the data has no use for is commented out.
    pub fn recipe(&self) -> String {
        let pictures = self.kind == Kind::Images;
        let preprocess =
            PreprocessOptions { size: self.size, mode: self.mode, ..PreprocessOptions::default() };
        let format = if pictures { ExportFormat::Folder } else { ExportFormat::Parquet };
        let output = ExportOptions { format: Some(format), ..ExportOptions::default() };
        let [collect, prune, balance, augment, train, generate, evaluate] = [
            "Read the raw samples into a dataset.",
            "Take out what harms a model; each removed sample is listed with its reason.",
            "Even out the classes of the train split.",
            "Make varied copies of the samples of the train split.",
            "Train a small generative model.",
            "Draw new samples from the model.",
            "Judge the generated samples beside real ones that the model never saw.",
        ];
        let one_form = "Give all samples one size and one form.";
        let others = "Write the generated samples (without [generate]: the prepared ones) for other tools.";
        let tables = [
            self.head(),
            table("collect", collect, &CollectOptions::default(), true),
            table("preprocess", one_form, &preprocess, true),
            table("prune", prune, &PruneOptions::default(), true),
            table("balance", balance, &BalanceOptions::default(), self.classes),
            table("augment", augment, &AugmentOptions::default(), pictures),
            table("train", train, &TrainOptions::default(), true),
            table("generate", generate, &GenerateOptions::default(), true),
            table("evaluate", evaluate, &EvaluateOptions::default(), true),
            table("output", others, &output, true),
        ];
        tables.join("\n")
    }

    /// What stands above the tables.
    fn head(&self) -> String {
        let mut out = String::new();
        comment(&mut out, "A recipe of seedbed: `seedbed run` works through the tables from top to bottom.");
        comment(
            &mut out,
            "A stage without a table is left out. Run it again after a change: only what follows is redone.",
        );
        out.push('\n');
        let keys = [
            ("The name of the run.", "name", Quoted(self.name.clone())),
            (
                "The seed of all randomness: the same seed gives the same bytes.",
                "seed",
                toml::Value::Integer(self.seed.cast_signed()),
            ),
            (
                "Whether a damaged sample stops the run, rather than being set aside.",
                "strict",
                toml::Value::Boolean(self.strict),
            ),
            (
                "The raw samples: a file, a folder or a pattern such as \"shards/*.tar\", or a list of these; relative to this file.",
                "input",
                match self.input.as_slice() {
                    [one] => Quoted(one.clone()),
                    several => toml::Value::Array(several.iter().cloned().map(Quoted).collect()),
                },
            ),
        ];
        for (meaning, key, value) in keys {
            comment(&mut out, meaning);
            out.push_str(&format!("{key} = {value}\n"));
        }
        out
    }
}
