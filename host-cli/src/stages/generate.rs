//! `seedbed generate`: new samples from a trained model, those that are no good left out.

mod output;

pub use output::PNG_FOLDER;

use super::{Ctx, Outcome, Stage};
use crate::codec::{Grid, encode_png};
use crate::dataset::{Dataset, Kind, Meta, Origin, Sample, Split};
use crate::error::{Context, Error, Result};
use crate::features::Mat;
use crate::model::{
    DataSpec, Drawer, Judge, Labels, Limits, Network, PriorKind, Scale, Stored, TrainingData, Verdict,
};
use output::Sink;
use seedbed::generate::GENERATE_PURPOSE;
use seedbed::rng::Key;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The name of the step in origins, by which generated samples are told from others.
pub const STEP: &str = "generate";
/// The name of the picture of generated samples, one row for each class.
pub const GRID_FILE: &str = "grid.png";

/// Candidates that are drawn and judged at a time.
const ROUND: usize = 2048;

/// Options of `generate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateOptions {
    /// The model.safetensors that `seedbed train` wrote, or its folder; or a checkpoint.safetensors; or the
    /// model-int8.safetensors of `seedbed model quantize`
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// Samples to generate in all, shared evenly among the classes that have real samples; 1 or more
    #[arg(long, default_value_t = 1000)]
    pub n: usize,
    /// Samples for each class instead of n in all
    #[arg(long)]
    pub per_class: Option<usize>,
    /// Samples of each class as far as it lacks them of the largest one in the train split, instead of n in all; with
    /// `add_to_dataset` all classes are of one size then
    #[arg(long, conflicts_with = "per_class")]
    pub balance: bool,
    /// Where latent vectors of a VAE come from: standard (N(0, I)) or aggregate (a normal for each class,
    /// fitted to the codes of the training data)
    #[arg(long, value_enum, default_value = "aggregate")]
    pub prior: PriorKind,
    /// Spread of the latent vectors, 0 to 10; below 1 samples are cleaner and more alike
    #[arg(long, default_value_t = 0.8)]
    pub temperature: f32,
    /// Reject what is nearer to a training sample than this share of that one's distance to its nearest
    /// neighbour, 0 to 1; 0 rejects exact copies only
    #[arg(long, default_value_t = 0.2)]
    pub copy_ratio: f32,
    /// Reject what lies outside the k-nearest-neighbour radius of the real samples of its class (originals,
    /// repetitions counted once): that k, up to 100; 0 rejects nothing
    #[arg(long, default_value_t = 3)]
    pub manifold_k: usize,
    /// Candidates to draw at most for each sample wanted, 1 to 1000
    #[arg(long, default_value_t = 20)]
    pub max_tries: usize,
    /// Samples in a row of grid.png, 1 to 100
    #[arg(long, default_value_t = 12)]
    pub columns: usize,
    /// Write each picture as a PNG file, too: png/CLASS/ID.png
    #[arg(long)]
    pub png: bool,
    /// Write the dataset with the generated samples added to its train split, rather than these alone
    #[arg(long)]
    pub add_to_dataset: bool,
}
crate::defaults!(GenerateOptions);

impl GenerateOptions {
    /// The model that is named.
    fn model(&self) -> Result<&Path> {
        self.model.as_deref().ok_or_else(|| {
            Error::usage("no model is named: --model (recipe key `model`)")
                .hint("name the folder that `seedbed train` wrote")
        })
    }

    fn validate(&self) -> Result<()> {
        let per_class = self.per_class.unwrap_or(1);
        Error::check_range("n", self.n, 1..=100_000_000)?;
        Error::check_range("per_class", per_class, 1..=10_000_000)?;
        Error::check_range("temperature", self.temperature, 0.0..=10.0)?;
        Error::check_range("copy_ratio", self.copy_ratio, 0.0..=1.0)?;
        Error::check_range("manifold_k", self.manifold_k, 0..=100)?;
        Error::check_range("max_tries", self.max_tries, 1..=1000)?;
        Error::check_range("columns", self.columns, 1..=100)?;
        if self.balance && self.per_class.is_some() {
            return Err(Error::usage("the classes have one size each: --balance (recipe key `balance`)")
                .hint("leave out per_class, or balance"));
        }
        Ok(())
    }

    /// How many samples of each class, of which the train split has so many; none where there is no real one to hold them
    /// against.
    fn wanted(&self, known: &[bool], sizes: &[usize]) -> Vec<usize> {
        if self.balance {
            let most = sizes.iter().max().copied().unwrap_or(0);
            return known
                .iter()
                .zip(sizes)
                .map(|(known, size)| if *known { most - size } else { 0 })
                .collect();
        }
        let rows = known.iter().filter(|known| **known).count().max(1);
        let mut row = 0;
        let wanted = |known: &bool| {
            row += usize::from(*known);
            match (known, self.per_class) {
                (false, _) => 0,
                (true, Some(n)) => n,
                (true, None) => self.n / rows + usize::from(row <= self.n % rows),
            }
        };
        known.iter().map(wanted).collect()
    }
}

/// The samples of one class that stay, and how many did not.
#[derive(Default)]
struct Kept {
    /// Number of each among the candidates of its class.
    numbers: Vec<u64>,
    values: Vec<f32>,
    copies: u64,
    outside: u64,
}

/// The index of a candidate under the seed: no two classes share one.
const fn index(class: usize, number: u64) -> u64 {
    (class as u64) << 32 | number
}

impl GenerateOptions {
    /// Draws candidates of a class until `wanted` have stayed, or too many were tried.
    fn class(&self, drawer: &Drawer<'_>, judge: &Judge<'_>, class: usize, wanted: usize) -> Result<Kept> {
        let mut kept = Kept::default();
        // The number of a candidate is half of its index.
        let limit = wanted.saturating_mul(self.max_tries).min(u32::MAX as usize);
        let mut tried = 0;
        while kept.numbers.len() < wanted && tried < limit {
            let missing = wanted - kept.numbers.len();
            let n = (missing + missing / 4 + 8).min(limit - tried).min(ROUND);
            let data = drawer.draw(index(class, tried as u64), &vec![class as u32; n])?;
            let drawn = Mat { cols: data.len() / n, data };
            for (i, verdict) in judge.verdicts(&drawn, class)?.into_iter().enumerate() {
                // Candidates after the last one that is needed are as if never drawn.
                if kept.numbers.len() == wanted {
                    break;
                }
                match verdict {
                    Verdict::Copy => kept.copies += 1,
                    Verdict::Outside => kept.outside += 1,
                    Verdict::Fine => {
                        kept.numbers.push((tried + i) as u64);
                        kept.values.extend_from_slice(drawn.row(i));
                    }
                }
            }
            tried += n;
        }
        Ok(kept)
    }

    fn origin(&self, ctx: &Ctx, hash: &str, class: Option<u32>, index: u64) -> Origin {
        Origin {
            source: hash.to_owned(),
            step: STEP.to_owned(),
            params: json!({
                "index": index, "label": class, "prior": self.prior, "temperature": self.temperature,
            })
            .into(),
            seed: ctx.seed,
            key: Key::new(GENERATE_PURPOSE).sample(index),
        }
    }
}

impl Stage for GenerateOptions {
    /// All but the model, which in a recipe comes from training.
    fn check(&self) -> Result<()> {
        self.validate()
    }

    /// `input` is the dataset that the model was trained on, which samples are held against.
    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        self.validate()?;
        let model = self.model()?;
        let (file, hash) = Stored::load(model)?;
        let dataset = Dataset::open(input)?;
        let spec = &file.config().data;
        let unfitted = file.prior().is_empty() && matches!(file.config().network, Network::Vae(_));
        if unfitted && self.prior == PriorKind::Aggregate {
            ctx.progress.warn("generate: a checkpoint has no fitted prior: --prior standard is used");
            return Self { prior: PriorKind::Standard, ..self.clone() }.run(ctx, input, out);
        }
        let drawer = Drawer::new(ctx, &file, self.prior, self.temperature)?;
        self.check_fit(ctx, &drawer, spec, &dataset)?;
        let trained = &file.config().training.classes;
        let by_class = drawer.classes() > 0 || trained.is_some();
        let labels = if by_class { Labels::Required } else { Labels::Optional };
        let scale = Scale::As(spec.normalize.as_ref());
        let mut data = TrainingData::load(&dataset, &ctx.pool, labels, scale)?;
        let mut sizes = vec![0usize; drawer.classes().max(1)];
        for &place in &data.lists.train {
            sizes.get_mut(data.label(place) as usize).into_iter().for_each(|size| *size += 1);
        }
        // Of classes that the model never saw it draws nothing.
        if let Some(classes) = trained {
            data.keep_classes(classes);
        }
        let limits = Limits { copy_ratio: self.copy_ratio, k: self.manifold_k };
        let judge = Judge::new(ctx, &data, drawer.classes(), limits)?;
        let most = sizes.iter().max().copied();
        let full = |class: usize| !judge.knows(class) || sizes.get(class).copied() == most;
        if self.balance && (0..sizes.len()).all(full) {
            return Err(Error::usage(
                "the classes that the model draws are of the largest size already: --balance (recipe key `balance`)",
            )
            .hint("use --n or --per-class, or a model that was trained on the small classes"));
        }
        let generation = Generation { ctx, options: self, spec, hash, sizes, drawer, judge };
        let done = generation.write(&dataset, out)?;
        done.warn(ctx, self.max_tries, &spec.classes);
        if done.generated() == 0 {
            return Err(Error::failed(format!(
                "every candidate was rejected ({} copies, {} outside): {}",
                done.copies,
                done.outside,
                model.display()
            ))
            .hint("train longer, lower --temperature, or loosen --manifold-k and --copy-ratio"));
        }
        Ok(done.outcome(&generation.hash))
    }
}

impl GenerateOptions {
    /// Refuses what does not go with the model, and warns of data that it was not trained on.
    fn check_fit(&self, ctx: &Ctx, drawer: &Drawer<'_>, spec: &DataSpec, dataset: &Dataset) -> Result<()> {
        let own = DataSpec::of(dataset)?;
        spec.same_samples(&own, dataset.folder())?;
        if self.png && spec.kind == Kind::Table {
            return Err(Error::usage("rows of a table are no pictures: --png (recipe key `png`)")
                .hint("leave it out; `seedbed export` writes CSV, NPZ or Parquet"));
        }
        let of_classes =
            if self.balance { Some("balance") } else { self.per_class.is_some().then_some("per_class") };
        if let Some(key) = of_classes.filter(|_| drawer.classes() == 0) {
            let flag = key.replace('_', "-");
            return Err(Error::usage(format!("the model has no classes: --{flag} (recipe key `{key}`)"))
                .hint("use --n, or a model that is conditioned on the class (cvae, cdcgan)"));
        }
        if spec.is_other(&own.content_hash) {
            ctx.progress.warn(format!(
                "generate: the model was trained on other data, whose copies are not told: {}",
                dataset.folder().display()
            ));
        }
        Ok(())
    }
}

/// A model, what its samples are held against, and how many are wanted.
struct Generation<'a> {
    ctx: &'a Ctx,
    options: &'a GenerateOptions,
    /// What its samples are.
    spec: &'a DataSpec,
    hash: String,
    /// Samples of each class in the train split.
    sizes: Vec<usize>,
    drawer: Drawer<'a>,
    judge: Judge<'a>,
}

/// What became of all classes.
#[derive(Default)]
struct Totals {
    /// Whether there are real samples of a class.
    known: Vec<bool>,
    wanted: Vec<usize>,
    /// Samples of the dataset that was written.
    samples: u64,
    written: Vec<usize>,
    copies: u64,
    outside: u64,
}

impl Generation<'_> {
    /// Draws the samples of each class and writes those that stay.
    fn write(&self, dataset: &Dataset, out: &Path) -> Result<Totals> {
        let (options, spec) = (self.options, self.spec);
        let known: Vec<bool> =
            (0..self.drawer.classes().max(1)).map(|class| self.judge.knows(class)).collect();
        let mut totals = Totals { wanted: options.wanted(&known, &self.sizes), known, ..Totals::default() };
        let task = self.ctx.progress.start(STEP, Some(totals.wanted.iter().map(|&w| w as u64).sum()));
        let mut sink = self.sink(dataset, out)?;
        let mut grid = Grid::new(options.columns);
        for (class, &wanted) in totals.wanted.iter().enumerate() {
            let kept = options.class(&self.drawer, &self.judge, class, wanted)?;
            for (&number, values) in kept.numbers.iter().zip(kept.values.chunks_exact(spec.width())) {
                sink.push(self.sample(class, number, values)?)?;
            }
            if spec.kind == Kind::Images {
                let rows = if self.drawer.classes() > 0 { 1 } else { options.columns };
                let shown = kept.values.chunks_exact(spec.width()).take(rows * options.columns);
                grid.row(shown.map(|v| self.drawer.pixels(v)).collect::<Result<_>>()?);
            }
            task.inc(kept.numbers.len() as u64);
            totals.written.push(kept.numbers.len());
            totals.copies += kept.copies;
            totals.outside += kept.outside;
        }
        totals.samples = sink.finish()?.counts.samples;
        if let Some(picture) = grid.picture()? {
            let path = out.join(GRID_FILE);
            std::fs::write(&path, encode_png(&picture)?).at(&path)?;
        }
        Ok(totals)
    }

    /// What the samples are written to.
    fn sink(&self, dataset: &Dataset, out: &Path) -> Result<Sink> {
        let spec = self.spec;
        let classes = if self.drawer.classes() > 0 { spec.classes.clone() } else { Vec::new() };
        let sink = if self.options.add_to_dataset {
            Sink::new(self.ctx, out, dataset.meta().clone(), Some(dataset))?
        } else {
            let name = format!("{} generated", dataset.meta().name);
            let meta = Meta::new(name, spec.kind, classes.clone(), spec.columns.clone());
            let meta = Meta { features: spec.features.clone(), ..meta };
            Sink::new(self.ctx, out, meta, None)?
        };
        if self.options.png { sink.with_png(out, &classes) } else { Ok(sink) }
    }

    fn sample(&self, class: usize, number: u64, values: &[f32]) -> Result<Sample> {
        let label = (self.drawer.classes() > 0).then_some(class as u32);
        let id = format!("generated-{class:05}-{number:010}");
        let mut sample = Sample::new(id, label, Split::Train, self.drawer.content(values)?);
        sample.origin = Some(self.options.origin(self.ctx, &self.hash, label, index(class, number)));
        Ok(sample)
    }
}

impl Totals {
    fn generated(&self) -> usize {
        self.written.iter().sum()
    }

    fn short(&self) -> usize {
        self.wanted.iter().sum::<usize>() - self.generated()
    }

    /// Tells of samples that could not be had.
    fn warn(&self, ctx: &Ctx, tries: usize, classes: &[String]) {
        let without = classes.iter().zip(&self.known).filter(|(_, known)| !**known);
        let without: Vec<&str> = without.map(|(class, _)| class.as_str()).collect();
        if !without.is_empty() {
            ctx.progress.warn(format!(
                "generate: no sample of {}, of which the model was trained on none, or the train split has none",
                without.join(", ")
            ));
        }
        if self.short() > 0 {
            ctx.progress.warn(format!(
                "generate: {} samples short after {tries} tries for each (see --max-tries)",
                self.short()
            ));
        }
    }

    fn outcome(&self, hash: &str) -> Outcome {
        Outcome::new(self.samples)
            .figure("generated", self.generated())
            .figure("rejected", self.copies + self.outside)
            .figure("rejected_as_copies", self.copies)
            .figure("rejected_outside", self.outside)
            .figure("short", self.short())
            .figure("per_class", &self.written)
            .figure("model_hash", hash)
    }
}

#[cfg(test)]
mod tests;
