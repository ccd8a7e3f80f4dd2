//! `seedbed generate`: new samples from a trained model, those that are no good left out.

use super::{Ctx, Outcome, Stage};
use crate::codec::{Pixels, encode_png};
use crate::dataset::{Dataset, DatasetWriter, Kind, Meta, Origin, Sample, Split};
use crate::error::{Context, Error, Result};
use crate::model::{DataSpec, Drawer, Judge, ModelFile, PriorKind, TrainingData, Verdict};
use seedbed::generate::GENERATE_PURPOSE;
use seedbed::rng::Key;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The name of the picture of generated samples, one row for each class.
pub const GRID_FILE: &str = "grid.png";

/// Candidates that are drawn and judged at a time.
const ROUND: usize = 2048;

/// Side that a small picture is enlarged to in the grid, at least.
const GRID_SIDE: usize = 48;

/// Options of `generate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateOptions {
    /// The model.safetensors that `seedbed train` wrote, or its folder
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// Samples to generate in all, shared evenly among the classes; 1 or more
    #[arg(long, default_value_t = 1000)]
    pub n: usize,
    /// Samples for each class instead of n in all
    #[arg(long)]
    pub per_class: Option<usize>,
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
    /// Reject what lies outside the k-nearest-neighbour radius of the real samples of its class: that k, up
    /// to 100; 0 rejects nothing
    #[arg(long, default_value_t = 3)]
    pub manifold_k: usize,
    /// Candidates to draw at most for each sample wanted, 1 to 1000
    #[arg(long, default_value_t = 20)]
    pub max_tries: usize,
    /// Samples in a row of grid.png, 1 to 100
    #[arg(long, default_value_t = 12)]
    pub columns: usize,
}
crate::defaults!(GenerateOptions);

impl GenerateOptions {
    fn validate(&self) -> Result<&Path> {
        let range = |key, value: &dyn std::fmt::Display, ok: bool, allowed| {
            if ok { Ok(()) } else { Err(Error::out_of_range(key, value, allowed)) }
        };
        range("n", &self.n, (1..=100_000_000).contains(&self.n), "1 to 100000000")?;
        if let Some(per_class) = self.per_class {
            range("per_class", &per_class, (1..=10_000_000).contains(&per_class), "1 to 10000000")?;
        }
        range("temperature", &self.temperature, (0.0..=10.0).contains(&self.temperature), "0 to 10")?;
        range("copy_ratio", &self.copy_ratio, (0.0..=1.0).contains(&self.copy_ratio), "0 to 1")?;
        range("manifold_k", &self.manifold_k, self.manifold_k <= 100, "0 to 100")?;
        range("max_tries", &self.max_tries, (1..=1000).contains(&self.max_tries), "1 to 1000")?;
        range("columns", &self.columns, (1..=100).contains(&self.columns), "1 to 100")?;
        self.model.as_deref().ok_or_else(|| {
            Error::usage("no model is named: --model (recipe key `model`)")
                .hint("name the folder that `seedbed train` wrote")
        })
    }

    /// How many samples of each class.
    fn wanted(&self, classes: usize) -> Vec<usize> {
        let rows = classes.max(1);
        match self.per_class {
            Some(n) if classes > 0 => vec![n; rows],
            _ => (0..rows).map(|c| self.n / rows + usize::from(c < self.n % rows)).collect(),
        }
    }
}

/// The samples of one class that stay.
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
        let mut kept = Kept { numbers: Vec::new(), values: Vec::new(), copies: 0, outside: 0 };
        let limit = wanted.saturating_mul(self.max_tries);
        let mut tried = 0;
        while kept.numbers.len() < wanted && tried < limit {
            let missing = wanted - kept.numbers.len();
            let n = (missing + missing / 4 + 8).min(limit - tried).min(ROUND);
            let values = drawer.draw(index(class, tried as u64), &vec![class as u32; n])?;
            let width = values.len() / n;
            let verdicts = judge.verdicts(&values, class)?;
            for (i, (sample, verdict)) in values.chunks_exact(width).zip(verdicts).enumerate() {
                // Candidates after the last one that is needed are as if never drawn.
                if kept.numbers.len() == wanted {
                    break;
                }
                match verdict {
                    Verdict::Copy => kept.copies += 1,
                    Verdict::Outside => kept.outside += 1,
                    Verdict::Fine => {
                        kept.numbers.push((tried + i) as u64);
                        kept.values.extend_from_slice(sample);
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
            step: "generate".to_owned(),
            params: json!({
                "index": index, "label": class, "prior": self.prior, "temperature": self.temperature,
            }),
            seed: ctx.seed,
            key: Key::new(GENERATE_PURPOSE).sample(index),
        }
    }
}

impl Stage for GenerateOptions {
    /// `input` is the dataset that the model was trained on, which samples are held against.
    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        let model = self.validate()?;
        let (file, hash) = ModelFile::load(model)?;
        let dataset = Dataset::open(input)?;
        let drawer = Drawer::new(ctx, &file, self.prior, self.temperature)?;
        let (spec, own) = (&file.config.data, DataSpec::of(&dataset)?);
        if (spec.kind, spec.shape, &spec.classes) != (own.kind, own.shape, &own.classes) {
            return Err(Error::usage(format!(
                "the dataset has other classes, sizes or columns than the model's: {}",
                input.display()
            ))
            .hint("give the dataset that the model was trained on"));
        }
        let data = TrainingData::load(
            &dataset,
            &ctx.pool,
            drawer.classes() > 0,
            file.config.data.normalize.as_ref(),
        )?;
        let judge = Judge::new(ctx, &data, drawer.classes(), self.copy_ratio, self.manifold_k)?;
        let wanted = self.wanted(drawer.classes());
        let task = ctx.progress.start("generate", Some(wanted.iter().map(|&w| w as u64).sum()));

        let name = format!("{} generated", dataset.meta().name);
        let classes = if drawer.classes() > 0 { spec.classes.clone() } else { Vec::new() };
        let meta = Meta::new(name, spec.kind, classes, spec.columns.clone());
        let mut writer = DatasetWriter::create(out, meta)?.pool(&ctx.pool);
        let mut grid = Grid::new(self.columns);
        let (mut written, mut copies, mut outside, mut short) = (0u64, 0u64, 0u64, 0u64);
        let mut per_class = Vec::new();
        for (class, &wanted) in wanted.iter().enumerate() {
            let kept = self.class(&drawer, &judge, class, wanted)?;
            let label = (drawer.classes() > 0).then_some(class as u32);
            let n = kept.numbers.len();
            for (&number, values) in kept.numbers.iter().zip(kept.values.chunks_exact(spec.width())) {
                let index = index(class, number);
                let id = format!("generated-{class:05}-{number:010}");
                let content = drawer.content(values)?;
                let mut sample = Sample::new(id, label, Split::Train, content);
                sample.origin = Some(self.origin(ctx, &hash, label, index));
                writer.push(sample)?;
            }
            if spec.kind == Kind::Images {
                let shown = if label.is_some() { self.columns } else { self.columns * self.columns };
                let shown = kept.values.chunks_exact(spec.width()).take(shown);
                grid.row(shown.map(|v| drawer.pixels(v)).collect::<Result<_>>()?);
            }
            task.inc(n as u64);
            written += n as u64;
            copies += kept.copies;
            outside += kept.outside;
            short += (wanted - n) as u64;
            per_class.push(n);
        }
        if written == 0 {
            return Err(Error::failed(format!(
                "every candidate was rejected ({copies} copies, {outside} outside): {}",
                model.display()
            ))
            .hint("train longer, lower --temperature, or loosen --manifold-k and --copy-ratio"));
        }
        if short > 0 {
            ctx.progress.warn(format!(
                "generate: {short} samples short after {} tries for each (see --max-tries)",
                self.max_tries
            ));
        }
        writer.finish()?;
        if let Some(picture) = grid.picture()? {
            let path = out.join(GRID_FILE);
            std::fs::write(&path, encode_png(&picture)?).at(&path)?;
        }
        Ok(Outcome::new(written)
            .figure("rejected", copies + outside)
            .figure("rejected_as_copies", copies)
            .figure("rejected_outside", outside)
            .figure("short", short)
            .figure("per_class", per_class)
            .figure("model_hash", hash))
    }
}

/// The picture of all classes.
struct Grid {
    columns: usize,
    rows: Vec<Vec<Pixels>>,
}

impl Grid {
    const fn new(columns: usize) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// The samples of one class; more than fit in a row go on in the next.
    fn row(&mut self, pictures: Vec<Pixels>) {
        let mut pictures = pictures.into_iter().peekable();
        // A class without samples has an empty row, so that rows stay classes.
        if pictures.peek().is_none() {
            self.rows.push(Vec::new());
        }
        while pictures.peek().is_some() {
            self.rows.push(pictures.by_ref().take(self.columns).collect());
        }
    }

    /// All rows with a line between, small pictures enlarged by whole factors.
    fn picture(&self) -> Result<Option<Pixels>> {
        let Some(first) = self.rows.iter().flatten().next() else { return Ok(None) };
        let [height, width, channels] = first.shape();
        let scale = GRID_SIDE.div_ceil(height.max(width)).max(1);
        let (cell_h, cell_w) = (height * scale + 2, width * scale + 2);
        let (all_h, all_w) = (cell_h * self.rows.len() + 2, cell_w * self.columns + 2);
        let mut data = vec![128u8; all_h * all_w * channels];
        for (r, row) in self.rows.iter().enumerate() {
            for (c, picture) in row.iter().enumerate() {
                for y in 0..height * scale {
                    let start = ((r * cell_h + 2 + y) * all_w + c * cell_w + 2) * channels;
                    let line = &picture.data[y / scale * width * channels..][..width * channels];
                    let to = &mut data[start..start + width * scale * channels];
                    for (to, from) in to.chunks_exact_mut(channels * scale).zip(line.chunks_exact(channels)) {
                        to.chunks_exact_mut(channels).for_each(|pixel| pixel.copy_from_slice(from));
                    }
                }
            }
        }
        Pixels::new(data, all_h, all_w, channels).map(Some)
    }
}
