//! Whether a model is sound before it is shipped: its numbers, what its layers give, its draws, and how it fits data.

mod layers;

pub use layers::{LayerCheck, largest, layers};

use super::any::Model;
use super::draw::PriorKind;
use super::epochs::ALIKE;
use super::quantise::{Apart, ENOUGH, errors, fits, inputs, turns};
use super::runner::{Draw, Runner, Runs};
use super::some::Rows;
use super::stored::Stored;
use crate::dataset::{Dataset, Kind, Split};
use crate::error::{Error, Result};
use crate::features::{Mat, Moments};
use crate::report::number;
use crate::stages::Ctx;
use seedbed::Scratch;
use seedbed::generate::{Batch, Elbo, training_noise};
use seedbed::metrics::{ball_scores, ball_scores_scratch_len};
use serde::Serialize;
use std::path::Path;

/// Draws that are looked at, and samples.
const DRAWS: usize = 200;
const SAMPLES: usize = 500;
/// Samples that go through a model in training at a time.
const FEW: usize = 32;
/// Real samples below which spread tells nothing.
const FEWEST: usize = 20;
/// A layer with a larger share of silent channels is told of. A third to a half is usual where training ended well.
const SILENT: f64 = 0.75;
/// What comes out of layers beyond this leaves little of single precision to sums, and does not fit half precision.
pub const HUGE: f32 = 65_504.0;
/// Draws that differ by more than so many times what real samples do are too far apart.
const NOISE: f64 = 2.0;
/// Neighbours that a real sample has around it, and the share of draws near real samples below which it is told of.
const NEIGHBOURS: usize = 5;
const FEW_INSIDE: f64 = 0.1;
/// Reconstructions that explain less than this share of the variance of samples are told of.
const EXPLAINED: f64 = 0.1;

/// Something that speaks against a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What it is.
    pub what: String,
    /// What to try.
    #[serde(rename = "try")]
    pub hint: String,
}

/// What draws are like, on the scale that the model was trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DrawsCheck {
    /// How many.
    pub draws: usize,
    /// The lowest value.
    pub lowest: f32,
    /// The highest.
    pub highest: f32,
    /// The mean.
    pub mean: f32,
    /// The standard deviation.
    pub deviation: f32,
    /// The mean distance between two draws.
    pub distance: f64,
    /// The same over that between real samples, where there are enough of these.
    pub diversity: Option<f64>,
    /// The share of draws that are no further from some real sample than that is from its fifth neighbour (improved precision,
    /// Kynkäänniemi et al. 2019), where there are enough of these.
    pub inside: Option<f64>,
}

/// How a model fits samples that it did not learn from.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataCheck {
    /// The split that they are of; none where the dataset has neither a test nor a val split.
    pub split: Option<Split>,
    /// How many.
    pub samples: usize,
    /// Whether it is the dataset that the model was trained on.
    pub same: bool,
    /// The evidence lower bound of a VAE in single precision, a mean in nats.
    pub bound: Option<f64>,
    /// The mean squared difference of reconstructions; none for a GAN.
    pub reconstruction: Option<f64>,
    /// The share of the variance of the samples that reconstructions explain, where there are enough samples to tell.
    pub explained: Option<f64>,
}

/// How far a network is from that of another model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetApart {
    /// Its name.
    pub network: &'static str,
    /// How far.
    #[serde(flatten)]
    pub apart: Apart,
}

/// What a check of a model comes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Checked {
    /// The hash of its file.
    pub hash: String,
    /// `vae`, `gan` or `vqvae`.
    pub kind: &'static str,
    /// Whether it is in whole numbers.
    pub whole: bool,
    /// The epoch that its weights are of.
    pub epoch: u32,
    /// Parameters of all its networks.
    pub parameters: usize,
    /// Its layers.
    pub layers: Vec<LayerCheck>,
    /// Its draws.
    pub draws: DrawsCheck,
    /// How it fits data that were given.
    pub data: Option<DataCheck>,
    /// How far it is from another that was given.
    pub against: Vec<NetApart>,
    /// What speaks against it.
    pub findings: Vec<Finding>,
}

impl Checked {
    fn find(&mut self, what: String, hint: &str) {
        self.findings.push(Finding { what, hint: hint.to_owned() });
    }
}

/// Reads a model, which tells of what is damaged, and looks at its numbers and draws; at samples of `dataset`, and at how far
/// another model is from it, where these are given.
///
/// # Errors
/// When a file cannot be read or is damaged, or the other model has no network in common.
pub fn check(ctx: &Ctx, path: &Path, dataset: Option<&Dataset>, against: Option<&Path>) -> Result<Checked> {
    let (stored, hash) = Stored::load(path)?;
    let runner = stored.runner(ctx)?;
    let mut found = Checked {
        hash,
        kind: stored.config().network.name(),
        whole: matches!(stored, Stored::Whole(_)),
        epoch: stored.epoch(),
        parameters: runner.model.param_len(),
        ..Checked::default()
    };
    let rows = dataset.map(|dataset| samples(&mut found, &runner, dataset)).transpose()?.unwrap_or_default();
    let ran = drawn_rows(&runner).and_then(|made| {
        // Where there are no samples, its encoder reads what it draws.
        let own = if rows.is_empty() && runner.encodes() { &made } else { &rows };
        Ok((inputs(&runner, own, 0, DRAWS)?, made.x))
    });
    let (of_nets, made) = match ran {
        Ok(ran) => ran,
        Err(e) => {
            found.layers = layers(&stored, &runner, &[])?;
            look_at_layers(&mut found);
            let what = format!("the model does not run ({})", e.message);
            found.find(what, "train it again, with a smaller --lr");
            return Ok(found);
        }
    };
    found.layers = layers(&stored, &runner, &of_nets)?;
    look_at_layers(&mut found);
    look_at_draws(&mut found, &runner, (made, &rows));
    if !rows.is_empty() {
        look_at_data(&mut found, &stored, &runner, &rows)?;
    }
    if let Some(path) = against {
        compare(&mut found, (&runner, &of_nets), path)?;
    }
    Ok(found)
}

/// Samples of the test split, or else of val, if the dataset fits.
fn samples(found: &mut Checked, runner: &Runner<'_>, dataset: &Dataset) -> Result<Rows> {
    let spec = &runner.config.data;
    if let Err(e) = fits(spec, dataset) {
        found.find(e.message, e.hint.as_deref().unwrap_or("give the dataset that the model was trained on"));
        return Ok(Rows::default());
    }
    let mut data =
        DataCheck { same: spec.content_hash == dataset.meta().content_hash, ..DataCheck::default() };
    let mut rows = Rows::default();
    for split in [Split::Test, Split::Val] {
        let about = (runner.config, runner.model.classes() > 0);
        rows = Rows::draw(dataset, about, (runner.ctx.seed, split, SAMPLES))?;
        if !rows.is_empty() {
            data.split = Some(split);
            break;
        }
    }
    data.samples = rows.len();
    if rows.is_empty() {
        let folder = dataset.folder().display();
        found.find(
            format!("the dataset has no samples in the test split, nor in val: {folder}"),
            "split it by `seedbed collect --test-fraction 0.1`",
        );
    }
    found.data = Some(data);
    Ok(rows)
}

/// What the model draws, as rows of samples.
fn drawn_rows(runner: &Runner<'_>) -> Result<Rows> {
    let labels = turns(runner, DRAWS);
    let x =
        runner.sample(Draw { prior: PriorKind::Aggregate, temperature: 1.0, first: 0, labels: &labels })?;
    let labels = if runner.model.classes() > 0 { labels } else { Vec::new() };
    Ok(Rows { x, labels, numbers: vec![0; DRAWS] })
}

fn look_at_layers(found: &mut Checked) {
    for row in found.layers.clone() {
        let LayerCheck { name, channels, empty, .. } = &row;
        if *empty > 0 {
            found.find(
                format!("{empty} of {channels} output channels of {name} have no weights but 0"),
                "train again with fewer of them (--hidden, --channels), or a smaller --lr",
            );
        }
        if row.weights > 1 && row.deviation == 0.0 && row.channels > 0 {
            found.find(format!("all weights of {name} are the same"), "train the model, or look at --freeze");
        }
        if let Some(silent) = row.silent.filter(|silent| *silent as f64 > SILENT * row.channels as f64) {
            found.find(
                format!("{silent} of {channels} channels behind {name} are 0 whatever comes in (dead ReLU)"),
                "train again with a smaller --lr, or fewer channels",
            );
        }
        if let Some(largest) = row.largest.filter(|largest| *largest > HUGE) {
            found.find(
                format!("values of up to {largest:.3e} come out of {name}"),
                "scale the data by `seedbed preprocess --normalize train`, or train again with a smaller --lr",
            );
        }
    }
}

fn look_at_draws(found: &mut Checked, runner: &Runner<'_>, (made, rows): (Vec<f32>, &Rows)) {
    let made = Mat { data: made, cols: runner.config.data.width() };
    if !made.data.iter().all(|v| v.is_finite()) {
        return found.find("draws are not finite".into(), "train again with a smaller --lr");
    }
    let mut moments = Moments::default();
    made.data.iter().for_each(|&v| moments.add(v));
    let real = Mat { data: rows.x.iter().take(made.data.len()).copied().collect(), cols: made.cols };
    let all = Mat { data: rows.x.clone(), cols: made.cols };
    let (distance, apart) = (made.mean_distance_of(&made), real.mean_distance_of(&real));
    found.draws = DrawsCheck {
        draws: DRAWS,
        lowest: moments.least(),
        highest: moments.greatest(),
        mean: moments.mean(),
        deviation: moments.std(),
        distance,
        diversity: (apart > 0.0 && real.rows() >= FEWEST).then(|| distance / apart),
        inside: if all.rows() < FEWEST { None } else { inside(runner.ctx, [&all, &made]).ok() },
    };
    if distance == 0.0 {
        found.find("all draws are the same".into(), "train longer, or with a smaller --beta or --lr");
    } else if let Some(share) = found.draws.diversity {
        let share_of = number::percent(share);
        if share < ALIKE {
            found.find(
                format!("draws differ by {share_of} of what real samples do: they are too much alike (mode collapse)"),
                "train longer, with a smaller --lr, --show diff for a GAN of few pictures, or a smaller --beta for a VAE",
            );
        } else if share > NOISE {
            found.find(
                format!("draws differ by {share_of} of what real samples do: they are noise"),
                "train longer, or draw at a lower --temperature",
            );
        }
    }
    if let Some(share) = found.draws.inside.filter(|share| *share < FEW_INSIDE) {
        found.find(
            format!("{} of draws are near real samples: they are like none of them", number::percent(share)),
            "train longer, or draw at a lower --temperature",
        );
    }
    let pixels = runner.config.data.kind == Kind::Images && runner.config.data.normalize.is_none();
    if pixels && (found.draws.highest < 0.0 || found.draws.lowest > 1.0) {
        found.find("no drawn pixel lies in 0 to 1".into(), "train longer");
    }
}

/// The share of what was drawn that is near real samples.
fn inside(ctx: &Ctx, [real, made]: [&Mat; 2]) -> Result<f64> {
    let bytes = ball_scores_scratch_len(real.rows(), made.rows(), real.cols, NEIGHBOURS);
    let mut memory = vec![0u8; bytes];
    let scratch = &mut Scratch::new(&mut memory);
    Ok(ball_scores(ctx.level, &ctx.pool, real.view(), made.view(), NEIGHBOURS, scratch)?.precision)
}

fn look_at_data(found: &mut Checked, stored: &Stored, runner: &Runner<'_>, rows: &Rows) -> Result<()> {
    let Some(mut data) = found.data.take() else { return Ok(()) };
    data.bound = bound(stored, runner, rows)?;
    if runner.encodes() {
        let error = errors(runner, rows)?;
        let mut columns = vec![Moments::default(); runner.config.data.width()];
        rows.x.chunks_exact(columns.len()).for_each(|row| Moments::add_row(&mut columns, row));
        let variance = columns.iter().map(|c| f64::from(c.std()).powi(2)).sum::<f64>() / columns.len() as f64;
        data.reconstruction = Some(error);
        data.explained = (variance > 0.0 && rows.len() >= FEWEST).then(|| 1.0 - error / variance);
    }
    if let Some(share) = data.explained.filter(|share| *share < EXPLAINED) {
        found.find(
            format!(
                "reconstructions explain {} % of the variance of samples that it did not learn from",
                number::value(100.0 * share)
            ),
            "train longer, with a smaller --beta, more --latent values, or on data like these",
        );
    }
    if data.bound.is_some_and(|bound| !bound.is_finite()) {
        found.find("the bound of samples is not finite".into(), "train again with a smaller --lr");
    }
    found.data = Some(data);
    Ok(())
}

/// The evidence lower bound of samples, a mean in nats; of a VAE in single precision alone.
fn bound(stored: &Stored, runner: &Runner<'_>, rows: &Rows) -> Result<Option<f64>> {
    let (Model::Vae(vae), Stored::Single(file)) = (&runner.model, stored) else { return Ok(None) };
    let (latent, width) = (vae.spec().latent, vae.width());
    let mut noise = vec![0f32; rows.len() * latent];
    training_noise(runner.ctx.level, runner.ctx.seed, 0, &rows.numbers, &mut noise)?;
    let weights = [1f32; FEW];
    let mut memory = vec![0u8; vae.train_scratch_len(FEW)];
    let mut sum = Elbo::default();
    for (i, (x, noise)) in rows.x.chunks(FEW * width).zip(noise.chunks(FEW * latent)).enumerate() {
        let labels = rows.labels.chunks(FEW).nth(i).unwrap_or_default();
        let batch = Batch { x, labels, weights: &weights[..x.len() / width], noise };
        sum += vae.elbo(runner.engine(), &file.weights.params, &batch, &mut Scratch::new(&mut memory))?;
    }
    Ok(Some(-sum.loss(1.0) / rows.len() as f64))
}

/// Runs the networks of another model on what those of this one read.
fn compare(found: &mut Checked, (runner, inputs): (&Runner<'_>, &[Vec<f32>]), path: &Path) -> Result<()> {
    let (stored, _) = Stored::load(path)?;
    let other = stored.runner(runner.ctx)?;
    for (net, x) in runner.nets.iter().zip(inputs) {
        if let Some(theirs) = other.nets.iter().find(|n| n.name == net.name && n.widths == net.widths) {
            let network = net.name;
            match Apart::of(runner.ctx, [net, theirs], x) {
                Ok(apart) => found.against.push(NetApart { network, apart }),
                Err(e) => {
                    let what = format!("{network} cannot be compared ({}): {}", e.message, path.display());
                    found.find(what, "look at both models alone, by `seedbed model check`");
                    return Ok(());
                }
            }
        }
    }
    if found.against.len() < runner.nets.len() {
        return Err(Error::usage(format!("the models have other networks: {}", path.display()))
            .hint("name a model of the same kind and sizes: a checkpoint of it, or it in whole numbers"));
    }
    for NetApart { network, apart } in found.against.clone() {
        if apart.is_below(ENOUGH) {
            let decibels = apart.decibels.unwrap_or_default();
            found.find(
                format!("{network} is {decibels:.1} dB from that of {}, below {ENOUGH:.0}", path.display()),
                "of a model in whole numbers: calibrate on more samples (`seedbed model quantize --calibrate 4096`); of a \
                 checkpoint: they are of another training, or of another epoch",
            );
        }
    }
    Ok(())
}
