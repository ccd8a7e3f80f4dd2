//! What runs the networks of a model file: in single precision or in whole numbers, and one way to put them together for both.
//!
//! The core's own [`seedbed::generate::Vae::sample`] and its like are for models in single precision alone, and give the same
//! bits as what is here.

use super::any::{Model, ModelConfig, Weights};
use super::draw::PriorKind;
use super::whole::WholeNet;
use crate::error::Result;
use crate::pool::Pool;
use crate::stages::Ctx;
use seedbed::generate::{ClassGaussians, Likelihood, MAX_LAYERS, Net, latent_noise};
use seedbed::nn::int8::QuantPlan;
use seedbed::nn::{Engine, Mode, Model as Params, Plan};
use seedbed::{Scratch, math};

/// Samples that go through a network at a time.
pub const BATCH: usize = 256;

/// A network that is run in use, and where its numbers begin among those of its model.
#[derive(Clone, Copy, Debug)]
pub struct InUse<'a> {
    /// Its name.
    pub name: &'static str,
    /// What it is made of.
    pub net: &'a Net,
    params: usize,
    state: usize,
}

impl<'a> InUse<'a> {
    /// Its numbers among those of its model.
    pub fn of<'w>(&self, weights: &'w Weights) -> Params<'w> {
        Params {
            params: &weights.params[self.params..self.params + self.net.param_len()],
            state: &weights.state[self.state..self.state + self.net.state_len()],
        }
    }

    /// The first layers of it, as a network of the same name.
    pub const fn beginning<'n>(&self, net: &'n Net) -> InUse<'n> {
        InUse { name: self.name, net, params: self.params, state: self.state }
    }

    /// Those of a model: not a discriminator, which only trains, and not the prior of codes, which is asked place by place.
    pub fn all(model: &'a Model) -> Vec<Self> {
        let (mut params, mut state) = (0, 0);
        let mut all = Vec::new();
        for (name, net) in model.networks() {
            if !matches!(name, "discriminator" | "prior") {
                all.push(Self { name, net, params, state });
            }
            params += net.param_len();
            state += net.state_len();
        }
        all
    }
}

/// The numbers of a network, with the plan to run by them.
// Few are alive at a time.
#[allow(clippy::large_enum_variant)]
enum Form<'a> {
    Single(Plan<MAX_LAYERS>, Params<'a>),
    Whole(QuantPlan<MAX_LAYERS>, &'a WholeNet),
}

/// A network in use.
pub struct NetRunner<'a> {
    /// Its name.
    pub name: &'static str,
    /// Values of a row that goes in, and of one that comes out.
    pub widths: [usize; 2],
    form: Form<'a>,
}

impl<'a> NetRunner<'a> {
    /// A network with its numbers in single precision.
    ///
    /// # Errors
    /// None that its model does not have.
    pub fn single(of: &InUse<'_>, params: Params<'a>, threads: usize) -> Result<Self> {
        let plan = of.net.plan(Mode::Inference)?.for_threads(threads);
        Self::new(of, Form::Single(plan, params))
    }

    /// The same in whole numbers.
    ///
    /// # Errors
    /// For a network that these do not serve.
    pub fn whole(of: &InUse<'_>, net: &'a WholeNet) -> Result<Self> {
        Self::new(of, Form::Whole(QuantPlan::new(of.net)?, net))
    }

    fn new(of: &InUse<'_>, form: Form<'a>) -> Result<Self> {
        Ok(Self { name: of.name, widths: [of.net.input().len()?, of.net.output().len()?], form })
    }

    /// What comes out for rows `x`.
    ///
    /// # Errors
    /// For rows of another width; in whole numbers for values that are not finite.
    pub fn run(&self, on: Engine<'_, Pool>, x: &[f32]) -> Result<Vec<f32>> {
        let [input, output] = self.widths;
        let n = x.len() / input;
        if x.len() != n * input {
            return Err(seedbed::Error::ShapeMismatch.into());
        }
        let mut out = vec![0f32; n * output];
        let batches = x.chunks(BATCH * input).zip(out.chunks_mut(BATCH * output));
        match &self.form {
            Form::Single(plan, params) => {
                let mut memory = vec![0u8; plan.workspace_len(n.min(BATCH))];
                for (x, out) in batches {
                    let mut scratch = Scratch::new(&mut memory);
                    let mut work = plan.workspace(out.len() / output, &mut scratch)?;
                    plan.infer(on, *params, x, &mut work, &mut scratch)?;
                    out.copy_from_slice(plan.result(&work));
                }
            }
            Form::Whole(plan, net) => {
                let mut panels = vec![0i8; plan.panel_len()];
                let packed = plan.pack(net.view(), &mut panels)?;
                let mut memory = vec![0u8; plan.packed_scratch_len(n.min(BATCH))];
                for (x, out) in batches {
                    plan.infer_packed(on, packed, x, out, &mut Scratch::new(&mut memory))?;
                }
            }
        }
        Ok(out)
    }
}

/// A model file that networks can be run of.
pub trait Runs {
    /// What runs them, under the seed, on the threads and at the level of `ctx`.
    ///
    /// # Errors
    /// When the model's sizes are refused.
    fn runner<'a>(&'a self, ctx: &'a Ctx) -> Result<Runner<'a>>;
}

/// A model in use.
pub struct Runner<'a> {
    /// Under what seed and on what it runs.
    pub ctx: &'a Ctx,
    /// What the model is.
    pub config: &'a ModelConfig,
    /// Its plan.
    pub model: Model,
    /// The fitted prior of a VAE, where there is one.
    pub fitted: &'a [f32],
    /// Of an autoencoder with a codebook: that, and the prior of its codes.
    pub weights: &'a Weights,
    /// Its networks.
    pub nets: Vec<NetRunner<'a>>,
}

/// Which samples to draw: the seed is the runner's.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// Where the latent vectors of a VAE come from.
    pub prior: PriorKind,
    /// What the spread of noise is multiplied by, or what logits of codes are divided by.
    pub temperature: f32,
    /// The index of the first of them.
    pub first: u64,
    /// A class for each.
    pub labels: &'a [u32],
}

impl<'a> Runner<'a> {
    /// On what the core computes.
    pub const fn engine(&self) -> Engine<'a, Pool> {
        Engine { level: self.ctx.level, exec: &self.ctx.pool }
    }

    fn net(&self, name: &str) -> Option<&NetRunner<'a>> {
        self.nets.iter().find(|net| net.name == name)
    }

    fn run(&self, name: &str, x: &[f32]) -> Result<Vec<f32>> {
        self.net(name).ok_or(seedbed::Error::Unsupported)?.run(self.engine(), x)
    }

    /// What a network reads for rows: these with their class behind them, as one-hot values; without classes rows as they are.
    fn with_class(&self, name: &str, x: Vec<f32>, labels: &[u32]) -> Result<Vec<f32>> {
        let (classes, input) = (self.model.classes(), self.net(name).map_or(0, |net| net.widths[0]));
        if classes == 0 {
            return Ok(x);
        }
        let width = input.saturating_sub(classes);
        if x.len() != width * labels.len() {
            return Err(seedbed::Error::ShapeMismatch.into());
        }
        if labels.iter().any(|&label| label as usize >= classes) {
            return Err(seedbed::Error::InvalidArgument.into());
        }
        let mut wide = Vec::with_capacity(input * labels.len());
        for (row, &label) in x.chunks_exact(width.max(1)).zip(labels) {
            wide.extend_from_slice(row);
            wide.extend((0..classes).map(|class| f32::from(u8::from(class == label as usize))));
        }
        Ok(wide)
    }

    /// What the encoder of a VAE or of an autoencoder with a codebook reads, for samples `x`.
    fn encoder_input(&self, x: &[f32], labels: &[u32]) -> Result<Vec<f32>> {
        let features = if self.net("stem").is_some() { self.run("stem", x)? } else { x.to_vec() };
        match self.model {
            Model::Codes(_) => Ok(features),
            _ => self.with_class("encoder", features, labels),
        }
    }

    /// What the encoder makes of samples `x`: of a VAE, means and then log variances of the code of each.
    ///
    /// # Errors
    /// For a label that is no class, and for a model without an encoder.
    pub fn encode(&self, x: &[f32], labels: &[u32]) -> Result<Vec<f32>> {
        self.run("encoder", &self.encoder_input(x, labels)?)
    }

    /// The codes of samples `x` of an autoencoder with a codebook; of other models none.
    ///
    /// # Errors
    /// For samples near to no code.
    pub fn codes(&self, x: &[f32]) -> Result<Vec<u32>> {
        let Model::Codes(model) = &self.model else { return Ok(Vec::new()) };
        let z = self.encode(x, &[])?;
        let book = model.vq.codebook();
        let n = z.len() / book.dim();
        let (mut codes, mut squared) = (vec![0u32; n], vec![0f32; n]);
        let batch = BATCH * model.vq.places();
        let mut memory = vec![0u8; book.scratch_len(n.min(batch))];
        for ((z, codes), squared) in
            z.chunks(batch * book.dim()).zip(codes.chunks_mut(batch)).zip(squared.chunks_mut(batch))
        {
            let scratch = &mut Scratch::new(&mut memory);
            book.nearest(self.engine(), &self.weights.state, z, (codes, squared), scratch)?;
        }
        Ok(codes)
    }

    /// What the decoder reads in the place of codes.
    fn look_up(&self, codes: &[u32]) -> Result<Vec<f32>> {
        let Model::Codes(model) = &self.model else { return Ok(Vec::new()) };
        let mut values = vec![0f32; codes.len() * model.vq.codebook().dim()];
        model.vq.codebook().look_up(&self.weights.state, codes, &mut values)?;
        Ok(values)
    }

    /// What the decoder reads for samples `x`, from the means of their codes or from the nearest vectors.
    fn decoder_input(&self, x: &[f32], labels: &[u32]) -> Result<Vec<f32>> {
        if let Model::Codes(_) = self.model {
            return self.look_up(&self.codes(x)?);
        }
        let (latent, codes) = (self.model.latent(), self.encode(x, labels)?);
        let means = codes.chunks_exact(2 * latent).flat_map(|code| &code[..latent]).copied().collect();
        self.with_class("decoder", means, labels)
    }

    /// What the decoder or the generator reads for drawn samples.
    fn drawn_input(&self, draw: Draw<'_>) -> Result<Vec<f32>> {
        let Draw { prior, temperature, first, labels } = draw;
        let seed = self.ctx.seed;
        if let Model::Codes(model) = &self.model {
            return self.look_up(&self.drawn_codes(model, draw)?);
        }
        let (level, latent, n) = (self.ctx.level, self.model.latent(), labels.len());
        let mut noise = vec![0f32; n * latent];
        latent_noise(level, seed, first, latent, &mut noise)?;
        // Without classes there is one normal, whatever the labels say.
        let labels = if self.model.classes() == 0 { &[] } else { labels };
        let prior = match (&self.model, prior) {
            (Model::Vae(_), PriorKind::Aggregate) if !self.fitted.is_empty() => {
                ClassGaussians::fitted(latent, temperature, self.fitted)?
            }
            _ => ClassGaussians::standard(latent, temperature)?,
        };
        let mut z = vec![0f32; noise.len()];
        prior.shape(level, &noise, labels, &mut z)?;
        let name = if let Model::Gan(_) = self.model { "generator" } else { "decoder" };
        self.with_class(name, z, labels)
    }

    fn drawn_codes(&self, model: &super::CodeModel, draw: Draw<'_>) -> Result<Vec<u32>> {
        let Draw { temperature, first, labels, .. } = draw;
        let each = model.vq.places();
        let mut grids = vec![0u32; labels.len() * each];
        let params = &self.weights.params[model.vq.param_len()..];
        let mut memory = vec![0u8; model.prior.run_scratch_len(labels.len().min(BATCH))];
        let batches = grids.chunks_mut(BATCH * each).zip(labels.chunks(BATCH)).zip(0u64..);
        for ((grids, labels), i) in batches {
            let labels = if self.model.classes() == 0 { &[] } else { labels };
            let which = (self.ctx.seed, first.wrapping_add(i * BATCH as u64), labels);
            let scratch = &mut Scratch::new(&mut memory);
            model.prior.sample(self.engine(), params, temperature, which, grids, scratch)?;
        }
        Ok(grids)
    }

    /// Samples from what the decoder or the generator reads, on the scale of the training data.
    fn expected(&self, input: &[f32]) -> Result<Vec<f32>> {
        let likelihood = match &self.model {
            Model::Gan(gan) => {
                let mut out = self.run("generator", input)?;
                if gan.spec().unit {
                    out.iter_mut().for_each(|v| *v = 0.5 * *v + 0.5);
                }
                return Ok(out);
            }
            Model::Vae(vae) => vae.spec().likelihood,
            Model::Codes(codes) => codes.vq.spec().likelihood,
        };
        let mut out = self.run("decoder", input)?;
        if likelihood == Likelihood::Bernoulli {
            math::sigmoid_slice(self.ctx.level, &mut out);
        }
        Ok(out)
    }

    /// The samples of index `first`, `first + 1`, …, one for each label, whatever is drawn with them.
    ///
    /// # Errors
    /// For a label that is no class, or a temperature out of range.
    pub fn sample(&self, draw: Draw<'_>) -> Result<Vec<f32>> {
        self.expected(&self.drawn_input(draw)?)
    }

    /// Samples `x` encoded, to the means of their codes, and decoded again.
    ///
    /// # Errors
    /// As [`Runner::encode`].
    pub fn reconstruct(&self, x: &[f32], labels: &[u32]) -> Result<Vec<f32>> {
        self.expected(&self.decoder_input(x, labels)?)
    }

    /// Whether the model encodes samples.
    pub const fn encodes(&self) -> bool {
        !matches!(self.model, Model::Gan(_))
    }

    /// For each network what it reads when the model encodes and decodes samples, and draws: from the standard prior, and where
    /// there is one from the fitted prior too.
    ///
    /// # Errors
    /// As [`Runner::encode`].
    pub fn inputs(&self, (x, labels): (&[f32], &[u32]), draws: Draw<'_>) -> Result<Vec<Vec<f32>>> {
        let input = |net: &NetRunner<'_>| match net.name {
            "stem" => Ok(x.to_vec()),
            "encoder" => self.encoder_input(x, labels),
            "decoder" => {
                let mut all = self.decoder_input(x, labels)?;
                all.extend(self.drawn_input(Draw { prior: PriorKind::Standard, ..draws })?);
                if !self.fitted.is_empty() {
                    all.extend(self.drawn_input(Draw { prior: PriorKind::Aggregate, ..draws })?);
                }
                Ok(all)
            }
            _ => self.drawn_input(draws),
        };
        self.nets.iter().map(input).collect()
    }
}
