//! `seedbed train`: a small generative model from a dataset.

mod options;
mod preset;

pub use options::{LikelihoodKind, TrainOptions};
pub use preset::{LossKind, ModelKind, NormKind, ScheduleKind, ShowKind};

use super::augment::refuse_leaking_dataset;
use super::{Ctx, Outcome, Stage, kept_beside};
use crate::codec::{Grid, Pixels, encode_png};
use crate::dataset::{Dataset, Kind};
use crate::error::{Context, Error, Result};
use crate::model::{
    Checkpoint, DataSpec, Fitted, Labels, Model, ModelConfig, Network, Objective, Plan, Progress, STATE_FILE,
    Scale, Source, Training, TrainingData, WEIGHTS_FILE, Weights, kept, known_names, names, reconstruct,
    train,
};
use seedbed::generate::Likelihood;
use seedbed::nn::RateDecay;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

/// The name of the file with one line for each epoch.
pub const HISTORY_FILE: &str = "history.jsonl";
/// The name of the picture of samples on the way, a row for each time.
pub const SAMPLES_FILE: &str = "samples.png";
/// The folder, inside the stage's, of what a VAE makes of the test split.
pub const RECONSTRUCTED_FOLDER: &str = "reconstructed";

impl TrainOptions {
    fn most_bytes(&self) -> f64 {
        f64::from(self.max_memory) * f64::from(1u32 << 30)
    }

    pub(super) fn likelihood(&self, data: &DataSpec) -> Result<Likelihood> {
        let default_sigma = if data.normalize.is_none() { 0.1 } else { 0.3 };
        let gaussian = Likelihood::Gaussian { sigma: self.sigma.unwrap_or(default_sigma) };
        match (self.likelihood, data.kind) {
            (LikelihoodKind::Auto | LikelihoodKind::Bernoulli, Kind::Images) => Ok(Likelihood::Bernoulli),
            (LikelihoodKind::Gaussian | LikelihoodKind::Auto, _) => Ok(gaussian),
            (LikelihoodKind::Bernoulli, _) => {
                Err(Error::usage("a table has values outside 0..=1: --likelihood (recipe key `likelihood`)")
                    .hint("use likelihood = \"gaussian\""))
            }
        }
    }

    /// How many classes the model is conditioned on.
    fn classes(&self, dataset: &Dataset) -> Result<usize> {
        let classes = dataset.meta().classes.len();
        let wanted = self.conditional.or(self.model.conditional());
        if wanted == Some(true) && classes == 0 {
            let (what, key) = match self.conditional {
                Some(_) => ("the dataset has no classes", "--conditional (recipe key `conditional`)"),
                None => (
                    "the model is conditioned on classes, and the dataset has none",
                    "--model (recipe key `model`)",
                ),
            };
            return Err(Error::usage(format!("{what}: {key}"))
                .hint("use conditional = false, or name the labels in `collect`"));
        }
        Ok(if wanted == Some(false) { 0 } else { classes })
    }

    /// The classes that are trained on; `None` for all.
    fn chosen(&self, dataset: &Dataset) -> Result<Option<BTreeSet<u32>>> {
        let (key, names) = if self.only.is_empty() { ("except", &self.except) } else { ("only", &self.only) };
        if names.is_empty() {
            return Ok(None);
        }
        let classes = &dataset.meta().classes;
        let number = |name: &String| {
            classes.iter().position(|class| class == name).map(|i| i as u32).ok_or_else(|| {
                Error::usage(format!("the dataset has no class {name}: --{key} (recipe key `{key}`)"))
                    .hint(format!("its classes are: {}", classes.join(", ")))
            })
        };
        let named = names.iter().map(number).collect::<Result<BTreeSet<u32>>>()?;
        let wanted = |label: &u32| named.contains(label) != (key == "except");
        Ok(Some((0..classes.len() as u32).filter(wanted).collect()))
    }

    /// The samples of the dataset, scaled as the likelihood needs them.
    fn data(
        &self,
        ctx: &Ctx,
        dataset: &Dataset,
        (classes, chosen): (usize, Option<&BTreeSet<u32>>),
    ) -> Result<TrainingData> {
        // What the data cannot be used for is known before it is read.
        let config = self.config(ctx.seed, (DataSpec::of(dataset)?, 0), classes)?;
        let likelihood = match &config.network {
            Network::Vae(spec) => spec.likelihood,
            Network::Vqvae(spec) => spec.vq.likelihood,
            Network::Gan(spec) if spec.unit => Likelihood::Bernoulli,
            Network::Gan(_) => self.likelihood(&config.data)?,
        };
        let scale = match likelihood {
            Likelihood::Gaussian { .. } => Scale::OfDataset,
            _ => Scale::As(None),
        };
        if self.sigma.is_some() && likelihood == Likelihood::Bernoulli {
            ctx.progress.warn(
                "train: pictures have a Bernoulli likelihood, which has no sigma (likelihood = \"gaussian\" has one)",
            );
        }
        let stored = dataset.meta().normalize.as_ref();
        if matches!(scale, Scale::As(_)) && stored.is_some_and(|n| !n.is_identity()) {
            ctx.progress.note(
                "train: pixels stay in 0..=1 for the Bernoulli likelihood (likelihood = \"gaussian\" takes the stored scaling)",
            );
        }
        let has_classes = !dataset.meta().classes.is_empty();
        if self.meta.is_some() && !has_classes {
            return Err(Error::usage(
                "the classes are the tasks, and the dataset has none: --meta (recipe key `meta`)",
            )
            .hint("name the labels in `collect`, or train without --meta"));
        }
        let by_class =
            classes > 0 || self.meta.is_some() || chosen.is_some() || (self.shots.is_some() && has_classes);
        let labels = if by_class { Labels::Required } else { Labels::Optional };
        let mut data = TrainingData::load(dataset, &ctx.pool, labels, scale)?;
        if let Some(chosen) = chosen {
            data.keep_classes(chosen);
        }
        if let Some(shots) = self.shots {
            data.keep_shots(ctx.seed, shots);
        }
        data.scale_weights(dataset)?;
        Ok(data)
    }

    /// What training begins with, where it is not drawn; written down in `config`.
    fn first(&self, ctx: &Ctx, config: &mut ModelConfig) -> Result<Option<[Weights; 2]>> {
        let model = Model::new(&config.network)?;
        let names = names(&self.map)?;
        known_names(&names, &model)?;
        config.training.groups = self.learning()?.groups(&model)?;
        let Some(path) = &self.from else { return Ok(None) };
        let [mut weights, mut average] = model.first(config.training.seed)?;
        let found = Source::read(path)?.give(&model, [&mut weights, &mut average], &names, path)?;
        ctx.progress.note(format!("train: from {}: {}", path.display(), found.words()));
        config.training.transfer = Some(found);
        Ok(Some([weights, average]))
    }

    /// The checkpoint that `--resume` names, if it is of this training.
    fn resumed(&self, path: &Path, config: &ModelConfig) -> Result<Checkpoint> {
        let start = Checkpoint::load(path)?;
        let at = |what: &str| {
            Err(Error::usage(format!("{what}: {}", path.display())).hint(
                "give the data and options that the checkpoint was trained with; only `epochs` may differ, and not for schedule = \"cosine\" or a VQ-VAE",
            ))
        };
        let data = DataSpec { content_hash: config.data.content_hash.clone(), ..start.config.data.clone() };
        if data != config.data {
            return at("the checkpoint was trained on data of another shape, classes or scale");
        }
        if data != start.config.data {
            return at("the checkpoint was trained on other data");
        }
        if start.config.network != config.network {
            return at("the checkpoint is of another network");
        }
        // What knows the last epoch is another training with another last epoch.
        let knows = matches!(config.training.schedule.then, RateDecay::Cosine { .. })
            || matches!(config.training.objective, Objective::Codes { .. });
        let epochs = if knows { config.training.epochs } else { start.config.training.epochs };
        let training = Training { epochs, ..config.training.clone() };
        if start.config.training != training {
            let what = differs(&start.config.training, &training);
            return at(&format!("the checkpoint was trained with other settings: {what}"));
        }
        if start.progress.epoch > config.training.epochs {
            let (has, asked) = (start.progress.epoch, config.training.epochs);
            return at(&format!("the checkpoint has {has} epochs, more than the {asked} that are asked for"));
        }
        Ok(start)
    }
}

/// What two trainings differ in: of each setting what the checkpoint has, and what is asked for.
fn differs(start: &Training, asked: &Training) -> String {
    // As text, in which numbers are as short as they can be.
    let fields = |of: &Training| -> BTreeMap<String, Box<RawValue>> {
        serde_json::to_string(of).and_then(|text| serde_json::from_str(&text)).unwrap_or_default()
    };
    let (start, asked) = (fields(start), fields(asked));
    let keys: BTreeSet<&String> = start.keys().chain(asked.keys()).collect();
    let words = keys.into_iter().filter_map(|key| {
        let [there, here] = [&start, &asked].map(|of| of.get(key).map_or("none", |value| value.get()));
        (there != here).then(|| format!("{key} is {there} there, {here} here"))
    });
    words.collect::<Vec<_>>().join("; ")
}

impl Stage for TrainOptions {
    fn check(&self) -> Result<()> {
        self.validate()
    }

    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        self.validate()?;
        refuse_leaking_dataset(input)?;
        let dataset = Dataset::open(input)?;
        let classes = self.classes(&dataset)?;
        let chosen = self.chosen(&dataset)?;
        let data = self.data(ctx, &dataset, (classes, chosen.as_ref()))?;
        let mut config = self.config(ctx.seed, (data.spec.clone(), data.lists.train.len()), classes)?;
        config.training.classes = chosen;
        let weights = self.first(ctx, &mut config)?;
        // Of a killed training of the same options, seed and input, or else not taken up.
        let own = kept_beside(out);
        let path = self.resume.as_ref().unwrap_or(&own);
        let start = match self.resumed(path, &config) {
            Err(e) if self.resume.is_some() => return Err(e),
            found => found.ok().map(|start| (start, path.clone())),
        };
        let first = start.as_ref().map_or(0, |(start, _)| start.progress.epoch);
        if self.resume.is_none() && first > 0 {
            ctx.progress.note(format!("train: going on after epoch {first}"));
        }
        let began = Instant::now();
        let fitted = train(
            ctx,
            &data,
            Plan {
                config,
                start,
                keep: Some((own, self.checkpoint_every)),
                most_bytes: self.most_bytes(),
                first: weights,
            },
        )?;
        let seconds = began.elapsed().as_secs_f64();
        save(&fitted, out)?;
        let reconstructed = reconstruct(ctx, &fitted.file, &dataset, &out.join(RECONSTRUCTED_FOLDER))?;
        let progress = &fitted.checkpoint.progress;
        let trained = f64::from(progress.epoch.saturating_sub(first)).max(1.0);
        let outcome = Outcome::new(data.lists.train.len() as u64)
            .figure("parameters", fitted.file.weights.params.len())
            .figure("epochs", progress.epoch)
            .figure("best_epoch", progress.best_epoch)
            .figure("stopped_early", fitted.stopped_early)
            .figure("seconds_per_epoch", seconds / trained)
            .figure("val_samples", data.lists.val.len())
            .figure("reconstructed", reconstructed)
            .figure("unlabelled_left_out", data.unlabelled)
            .figure("missing_values", data.missing)
            .figure("val_iwae", fitted.bound)
            .figure("transfer", &fitted.checkpoint.config.training.transfer)
            .figure("warnings", &progress.warnings);
        Ok(with_losses(outcome, progress))
    }
}

/// Writes the model, its checkpoint and its history into the folder `out`.
fn save(fitted: &Fitted, out: &Path) -> Result<()> {
    std::fs::create_dir_all(out).at(out)?;
    fitted.file.save(&out.join(WEIGHTS_FILE))?;
    fitted.checkpoint.save(&out.join(STATE_FILE))?;
    let path = out.join(HISTORY_FILE);
    let mut lines = Vec::new();
    for epoch in &fitted.checkpoint.progress.history {
        serde_json::to_writer(&mut lines, epoch).at(&path)?;
        lines.push(b'\n');
    }
    std::fs::write(&path, lines).at(&path)?;
    let Some(picture) = film(&fitted.checkpoint)? else { return Ok(()) };
    let path = out.join(SAMPLES_FILE);
    std::fs::write(&path, encode_png(&picture)?).at(&path)
}

/// Rows of the picture of samples at most.
const FILM_ROWS: usize = 48;

/// Samples after the epochs that were looked at, a row for each; of many some, evenly, and the last.
fn film(checkpoint: &Checkpoint) -> Result<Option<Pixels>> {
    let spec = &checkpoint.config.data;
    let ([height, width, channels], columns) = (spec.shape, kept(spec.width()));
    let mut grid = Grid::new(columns);
    let epochs: Vec<&[u8]> = checkpoint.samples.chunks(columns * spec.width()).collect();
    let rows = epochs.len().min(FILM_ROWS);
    for epoch in (1..=rows).map(|row| epochs[row * epochs.len() / rows - 1]) {
        let pictures =
            epoch.chunks_exact(spec.width()).map(|p| Pixels::new(p.to_vec(), height, width, channels));
        grid.row(pictures.collect::<Result<_>>()?);
    }
    grid.picture()
}

/// The outcome with the losses of the epoch whose weights were kept.
fn with_losses(outcome: Outcome, progress: &Progress) -> Outcome {
    let Some(best) = progress.history.iter().find(|e| e.epoch == progress.best_epoch) else {
        return outcome;
    };
    // The last that was looked at up to then, since not every epoch is.
    let up_to = progress.history.iter().rev().filter(|e| e.epoch <= best.epoch);
    let looked = up_to.clone().find(|e| e.diversity.is_some() || e.active_units.is_some());
    let outcome = outcome
        .figure("train_loss", best.train_loss)
        .figure("val_loss", best.val_loss)
        .figure("diversity", looked.and_then(|e| e.diversity))
        .figure("active_units", looked.and_then(|e| e.active_units));
    match best.val_elbo {
        Some(elbo) => outcome.figure("val_elbo", elbo).figure("val_kl", best.val_kl),
        None => outcome,
    }
}
