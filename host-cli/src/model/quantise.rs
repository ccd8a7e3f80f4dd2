//! From a model in single precision to one in whole numbers, and what that costs in precision.

use super::DataSpec;
use super::any::Model;
use super::checkpoint::ModelFile;
use super::draw::PriorKind;
use super::runner::{BATCH, Draw, InUse, NetRunner, Runner, Runs};
use super::some::Rows;
use super::whole::{Calibrated, WholeFile, WholeNet};
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use crate::stages::Ctx;
use seedbed::Scratch;
use seedbed::generate::MAX_LAYERS;
use seedbed::nn::int8::{Comparison, QuantPlan};
use seedbed::nn::{Engine, Model as Params};
use serde::Serialize;

/// Decibels of signal over noise below which a network in whole numbers is warned of: noise of a tenth of the signal.
pub const ENOUGH: f32 = 20.0;

/// How a model is brought to whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Samples, and draws, that ranges are found on, and as many others that the result is compared on.
    pub samples: usize,
    /// The share of values that ranges are narrowed to; 1 for all.
    pub clip: f64,
}

impl Calibration {
    /// Refuses what is out of range.
    ///
    /// # Errors
    /// A usage error that names the option.
    pub fn validate(&self) -> Result<()> {
        Error::check_range("calibrate", self.samples, 1..=1_000_000)?;
        Error::require(self.clip > 0.5 && self.clip <= 1.0, "clip", self.clip, "above 0.5 and at most 1")
    }
}

/// How far two models are apart in the outputs of a network for the same inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Apart {
    /// Rows of inputs.
    pub rows: usize,
    /// 10 · log₁₀ of the squared outputs of the first model over the squared differences; none where nothing differs, or
    /// nothing was compared.
    pub decibels: Option<f32>,
    /// The mean difference.
    pub mean: f32,
    /// The largest.
    pub largest: f32,
}

impl Apart {
    /// Whether less than `decibels` are between them.
    pub fn is_below(&self, decibels: f32) -> bool {
        self.decibels.is_some_and(|own| own < decibels)
    }

    /// How far two networks are apart over rows `x`.
    ///
    /// # Errors
    /// Where outputs differ in their number or are not finite.
    pub fn of(ctx: &Ctx, [a, b]: [&NetRunner<'_>; 2], x: &[f32]) -> Result<Self> {
        let on = Engine { level: ctx.level, exec: &ctx.pool };
        let mut comparison = Comparison::default();
        let [width, _] = a.widths;
        for x in x.chunks(BATCH * width) {
            comparison.add(&a.run(on, x)?, &b.run(on, x)?)?;
        }
        Ok(Self {
            rows: x.len() / width,
            decibels: Some(comparison.decibels()).filter(|d| d.is_finite()),
            mean: comparison.mean(),
            largest: comparison.largest(),
        })
    }
}

/// What became of a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetLoss {
    /// Its name.
    pub network: &'static str,
    /// Whether it is in whole numbers; else it stays in single precision.
    pub whole: bool,
    /// Its parameters.
    pub parameters: usize,
    /// Bytes of its numbers in single precision, and as they are now.
    pub bytes: [usize; 2],
    /// How far it is from what it was, on inputs that it was not calibrated on.
    pub apart: Apart,
}

/// A model in whole numbers, and how far it is from what it was.
#[derive(Clone, Debug)]
pub struct Losses {
    /// What was compared beside draws: a split, or nothing.
    pub split: Option<Split>,
    /// Samples of it.
    pub samples: usize,
    /// Its networks.
    pub networks: Vec<NetLoss>,
    /// Bytes that stay in single precision in the file: the fitted prior of a VAE, a codebook and the prior of its codes,
    /// networks that are not served.
    pub rest_bytes: usize,
    /// The mean squared difference of reconstructions from their samples, in single precision and in whole numbers.
    pub reconstruction: Option<[f64; 2]>,
    /// The share of codes that are the same, of an autoencoder with a codebook.
    pub same_codes: Option<f64>,
}

impl Losses {
    /// What is to be warned of, each with what to try.
    pub fn warnings(&self) -> Vec<String> {
        let mut all = Vec::new();
        for net in &self.networks {
            let name = net.network;
            if !net.whole {
                all.push(format!(
                    "{name} has a layer that whole numbers do not serve, and stays in single precision"
                ));
            } else if let Some(d) = net.apart.decibels.filter(|d| *d < ENOUGH) {
                all.push(format!(
                    "{name} is {d:.1} dB from single precision, below {ENOUGH:.0}: try more samples (--calibrate 4096), ranges \
                     without rare values (--clip 0.9999), or a model trained longer"
                ));
            }
        }
        if self.split.is_none() && self.networks.iter().any(|net| net.apart.rows == 0) {
            all.push(
                "the dataset has no other samples than those of the train split: the encoder was not compared; split it by \
                 `seedbed collect --val-fraction 0.1`"
                    .into(),
            );
        }
        all
    }
}

/// Brings the networks of a model that are run in use to whole numbers, whose ranges come from samples of the train split and
/// from draws, and compares them with what they were on other samples and other draws. `dataset` may be missing for a GAN.
///
/// # Errors
/// When the dataset does not fit the model, has no samples to calibrate on, or a value is not finite.
pub fn quantise(
    ctx: &Ctx,
    (file, source): (&ModelFile, String),
    dataset: Option<&Dataset>,
    how: Calibration,
) -> Result<(WholeFile, Losses)> {
    how.validate()?;
    if let Some(dataset) = dataset.filter(|d| file.config.data.is_other(&d.meta().content_hash)) {
        ctx.progress.warn(format!(
            "quantize: the model was trained on other data than it is calibrated on: {}",
            dataset.folder().display()
        ));
    }
    let single = file.runner(ctx)?;
    let (train, split, other) = material(&single, dataset, how.samples)?;
    let model = Model::new(&file.config.network)?;
    let mut nets = Vec::new();
    for (of, x) in InUse::all(&model).iter().zip(inputs(&single, &train, 0, how.samples)?) {
        if let Ok(plan) = QuantPlan::new(of.net) {
            nets.push((of.name, whole_net(ctx, &plan, of.of(file.used()), (&x, how.clip))?));
        }
    }
    let names: Vec<&'static str> = nets.iter().map(|(name, _)| *name).collect();
    let Calibration { samples: draws, clip } = how;
    let whole = WholeFile {
        config: file.config.clone(),
        epoch: file.epoch,
        calibrated: Calibrated {
            source,
            samples: train.len(),
            draws,
            clip,
            seed: ctx.seed,
            unfitted: matches!(model, Model::Vae(_)) && file.prior.is_empty(),
        },
        nets,
        prior: file.prior.clone(),
        rest: WholeFile::keep_rest(&model, &names, file.used()),
    };
    let losses = judge((&single, &whole), (split, &other), draws)?;
    Ok((whole, losses))
}

/// Compares a model in whole numbers with what it was, on other samples, and on so many draws from the index behind those that it
/// was calibrated on.
fn judge(
    (single, whole): (&Runner<'_>, &WholeFile),
    (split, other): (Option<Split>, &Rows),
    draws: usize,
) -> Result<Losses> {
    let rounded = whole.runner(single.ctx)?;
    let fresh = inputs(single, other, draws as u64, draws)?;
    let mut networks = Vec::new();
    for ((of, x), pair) in
        InUse::all(&single.model).iter().zip(fresh).zip(single.nets.iter().zip(&rounded.nets))
    {
        let own = whole.net(of.name);
        let before = size_of::<f32>() * (of.net.param_len() + of.net.state_len());
        networks.push(NetLoss {
            network: of.name,
            whole: own.is_some(),
            parameters: of.net.param_len(),
            bytes: [before, own.map_or(before, WholeNet::bytes)],
            apart: Apart::of(single.ctx, [pair.0, pair.1], &x)?,
        });
    }
    let both = [single, &rounded];
    let some = !other.is_empty();
    Ok(Losses {
        split,
        samples: other.len(),
        networks,
        rest_bytes: whole.rest_bytes()?,
        reconstruction: if some { Some([errors(both[0], other)?, errors(both[1], other)?]) } else { None },
        same_codes: if some { same_codes(both, other)? } else { None },
    })
}

/// Samples of the train split, and others: of `val`, or where there are none of `test`.
fn material(
    runner: &Runner<'_>,
    dataset: Option<&Dataset>,
    most: usize,
) -> Result<(Rows, Option<Split>, Rows)> {
    if let Some(dataset) = dataset {
        fits(&runner.config.data, dataset)?;
    }
    if !runner.encodes() {
        return Ok(Default::default());
    }
    let dataset = dataset.ok_or_else(|| {
        Error::usage("there are no samples to calibrate the encoder on: --data")
            .hint("name the dataset that the model was trained on")
    })?;
    let some = |split| {
        let about = (runner.config, runner.model.classes() > 0);
        Rows::draw(dataset, about, (runner.ctx.seed, split, most))
    };
    let train = some(Split::Train)?;
    if train.is_empty() {
        return Err(Error::failed(format!(
            "no sample of the split `train` can be calibrated on: {}",
            dataset.folder().display()
        ))
        .hint("name the dataset that the model was trained on"));
    }
    for split in [Split::Val, Split::Test] {
        let rows = some(split)?;
        if !rows.is_empty() {
            return Ok((train, Some(split), rows));
        }
    }
    Ok((train, None, Rows::default()))
}

/// Refuses samples that are not like those of a model.
///
/// # Errors
/// A usage error that names what differs.
pub fn fits(spec: &DataSpec, dataset: &Dataset) -> Result<()> {
    spec.same_samples(&DataSpec::of(dataset)?, dataset.folder())
}

/// What each network reads for some samples, and for draws from index `first` on, the classes in turn.
///
/// # Errors
/// As [`Runner::inputs`].
pub fn inputs(runner: &Runner<'_>, rows: &Rows, first: u64, draws: usize) -> Result<Vec<Vec<f32>>> {
    let labels = turns(runner, draws);
    let draws = Draw { prior: PriorKind::Standard, temperature: 1.0, first, labels: &labels };
    runner.inputs((&rows.x, &rows.labels), draws)
}

/// The classes that a model was trained on, in turn.
pub fn turns(runner: &Runner<'_>, n: usize) -> Vec<u32> {
    let classes: Vec<u32> = match &runner.config.training.classes {
        Some(trained) if runner.model.classes() > 0 => trained.iter().copied().collect(),
        _ => (0..runner.model.classes().max(1) as u32).collect(),
    };
    classes.into_iter().cycle().take(n).collect()
}

/// A network in whole numbers, for values that come up for rows `x`.
fn whole_net(
    ctx: &Ctx,
    plan: &QuantPlan<MAX_LAYERS>,
    params: Params<'_>,
    (x, clip): (&[f32], f64),
) -> Result<WholeNet> {
    let on = Engine { level: ctx.level, exec: &ctx.pool };
    let width = plan.network().input().len()?;
    let mut net = WholeNet::zeros(plan);
    let mut memory = vec![0u8; plan.observe_scratch_len(BATCH.min(x.len() / width))?];
    let mut calibration = plan.calibration(&mut net.ranges)?;
    for x in x.chunks(BATCH * width) {
        calibration.observe(on, params, x, &mut Scratch::new(&mut memory))?;
    }
    if clip < 1.0 {
        let mut counts = vec![0u32; plan.count_len()];
        let mut magnitudes = plan.magnitudes(&mut net.ranges, &mut counts)?;
        for x in x.chunks(BATCH * width) {
            magnitudes.observe(on, params, x, &mut Scratch::new(&mut memory))?;
        }
        magnitudes.narrow(clip)?;
    }
    let (ranges, to) = net.parts_mut();
    plan.quantise(params, ranges, to)?;
    Ok(net)
}

/// The mean squared difference of reconstructions from their samples.
///
/// # Errors
/// As [`Runner::reconstruct`].
pub fn errors(runner: &Runner<'_>, rows: &Rows) -> Result<f64> {
    let width = runner.config.data.width();
    let mut sum = 0f64;
    for (i, x) in rows.x.chunks(BATCH * width).enumerate() {
        let made = runner.reconstruct(x, rows.labels.chunks(BATCH).nth(i).unwrap_or_default())?;
        sum += made.iter().zip(x).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
    }
    Ok(sum / rows.x.len().max(1) as f64)
}

/// The share of codes of samples that are the same in two models; `None` for those without codes.
fn same_codes([a, b]: [&Runner<'_>; 2], rows: &Rows) -> Result<Option<f64>> {
    let (a, b) = (a.codes(&rows.x)?, b.codes(&rows.x)?);
    let same = a.iter().zip(&b).filter(|(a, b)| a == b).count();
    Ok((!a.is_empty()).then(|| same as f64 / a.len() as f64))
}
