//! The generative adversarial network as a plan: its networks and where their parameters and states lie.

mod run;
mod show;
mod spec;

pub use run::{GanMemory, GanStep, GanTerms, GanTrainee};
pub use show::Show;
pub use spec::{DiscriminatorNorm, DiscriminatorSpec, GanRules, GanSpec, GeneratorSpec};

use super::arch::{MAX_LAYERS, NamedTensor, Net, NetPlan};
use super::labels;
use crate::error::{Error, Result};
use crate::nn::Mode;
use crate::scratch::ScratchLen;

/// A generative adversarial network (Goodfellow et al. 2014) of dense layers or convolutions (Radford et al. 2016), conditioned
/// on a class or not.
///
/// ```
/// use seedbed::generate::{DiscriminatorSpec, Gan, GanRules, GanSpec, GeneratorSpec, Widths};
/// use seedbed::nn::Shape;
/// let channels = Widths::from_slice(&[8, 16]).unwrap();
/// let spec = GanSpec {
///     output: Shape::image(8, 8, 1),
///     latent: 6,
///     classes: 0,
///     unit: true,
///     generator: GeneratorSpec { channels: channels.clone(), batch_norm: true, ..GeneratorSpec::default() },
///     discriminator: DiscriminatorSpec { channels, ..DiscriminatorSpec::default() },
///     rules: GanRules::default(),
/// };
/// let gan = Gan::new(spec)?;
/// // 6 values to 2 x 2 x 16, two transposed convolutions, and the normalisation before each.
/// assert_eq!(gan.generator_len(), 6 * 64 + 2 * 16 + 16 * 8 * 16 + 2 * 8 + 8 * 16 + 1);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gan {
    spec: GanSpec,
    /// Values of a sample.
    width: usize,
    generator: NetPlan,
    /// The generator in use.
    sampler: NetPlan,
    /// The discriminator in its own step.
    discriminator: NetPlan,
    /// In the generator's step, which asks for the gradient by the samples alone.
    judge: NetPlan,
}

impl Gan {
    /// The plan of `spec`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a zero size or a number out of its range, [`Error::CapacityExceeded`] for too many layers;
    /// [`Error::Unsupported`] for convolutions over a picture of which one side is even and the other odd, for pictures that
    /// are shown changed where samples are none, and for R1 with batch normalisation; [`Error::Overflow`].
    pub fn new(spec: GanSpec) -> Result<Self> {
        Self::frozen(spec, [0, 0])
    }

    /// The same where the first layers of generator and discriminator keep their parameters, element functions and reshapes
    /// counted; what these would learn from is not computed. With the first layers of the discriminator alone it is FreezeD (Mo et al. 2020).
    ///
    /// # Errors
    /// As [`Gan::new`].
    pub fn frozen(spec: GanSpec, [generator, discriminator]: [usize; 2]) -> Result<Self> {
        spec.check()?;
        let (g, d) = (spec.generator()?, spec.discriminator()?);
        let all = g.param_len().checked_add(d.param_len()).ok_or(Error::Overflow)?;
        all.checked_mul(2).ok_or(Error::Overflow)?;
        let training = |frozen, input_gradient| Mode::Training { frozen, input_gradient };
        Ok(Self {
            width: spec.output.len()?,
            generator: g.plan(training(generator, false))?,
            sampler: g.plan(Mode::Inference)?,
            discriminator: d.plan(training(discriminator, spec.rules.r1 > 0.0))?,
            judge: d.plan(training(MAX_LAYERS, true))?,
            spec,
        })
    }

    /// The same with work memory for so many threads, at least one: convolutions split a batch among no more.
    #[must_use]
    pub fn for_threads(self, threads: usize) -> Self {
        let Self { spec, width, generator, sampler, discriminator, judge } = self;
        let [generator, sampler, discriminator, judge] =
            [generator, sampler, discriminator, judge].map(|plan| plan.for_threads(threads));
        Self { spec, width, generator, sampler, discriminator, judge }
    }

    /// What it was made from.
    pub const fn spec(&self) -> &GanSpec {
        &self.spec
    }

    /// Values of a sample.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Parameters: the generator's, then the discriminator's.
    pub fn param_len(&self) -> usize {
        self.generator_len() + self.discriminator.network().param_len()
    }

    /// Parameters of the generator: the first ones, and the length of a running mean of it.
    pub fn generator_len(&self) -> usize {
        self.generator.network().param_len()
    }

    /// Values of the state that training passes follow: the generator's, then the discriminator's.
    pub fn state_len(&self) -> usize {
        self.generator_state_len() + self.discriminator.network().state_len()
    }

    /// Values of the state of the generator: the first ones.
    pub fn generator_state_len(&self) -> usize {
        self.generator.network().state_len()
    }

    /// Moments of Adam: two for each parameter, the generator's all before the discriminator's.
    pub fn moment_len(&self) -> usize {
        2 * self.param_len()
    }

    /// Its networks by name, in the order of the parameters.
    pub fn networks(&self) -> impl Iterator<Item = (&'static str, &Net)> {
        [("generator", self.generator.network()), ("discriminator", self.discriminator.network())].into_iter()
    }

    /// Name, place and shape of each tensor, in the order of the parameters.
    pub fn tensors(&self) -> impl Iterator<Item = NamedTensor> + '_ {
        NamedTensor::all(self.networks())
    }

    /// The same of the state.
    pub fn state_tensors(&self) -> impl Iterator<Item = NamedTensor> + '_ {
        NamedTensor::all_states(self.networks())
    }

    /// PyTorch's initial values, and the first state; see [`crate::nn::Network::init`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where there are not [`Gan::param_len`] parameters and [`Gan::state_len`] values of the state.
    pub fn init(&self, seed: u64, params: &mut [f32], state: &mut [f32]) -> Result<()> {
        if params.len() != self.param_len() || state.len() != self.state_len() {
            return Err(Error::ShapeMismatch);
        }
        let (g, d) = params.split_at_mut_checked(self.generator_len()).unwrap_or_default();
        let (g_state, d_state) = state.split_at_mut_checked(self.generator_state_len()).unwrap_or_default();
        for (plan, first, params, state) in
            [(&self.discriminator, 100, d, d_state), (&self.generator, 0, g, g_state)]
        {
            plan.network().init(seed, first, params)?;
            plan.network().init_state(seed, first, params, state)?;
        }
        Ok(())
    }

    /// Bytes of scratch that [`Gan::train_step`] takes for a batch; `usize::MAX` where that is too large.
    pub fn train_scratch_len(&self, batch: usize) -> usize {
        let pass = |plan: &NetPlan, more: usize| {
            work(ScratchLen::new(), plan, batch).with_bytes(plan.scratch_len(batch).max(more)).bytes()
        };
        let outputs = self.discriminator.output().channels;
        let penalty = ScratchLen::new()
            .with::<f32>(outputs.saturating_mul(batch))
            .with_bytes(self.discriminator.penalty_scratch_len(batch))
            .bytes();
        let penalty = if self.spec.rules.r1 > 0.0 { penalty } else { 0 };
        let inside = pass(&self.discriminator, penalty)
            .max(pass(&self.judge, 0))
            .max(self.generator.scratch_len(batch))
            .max(self.spec.rules.show.scratch_len(self.spec.output));
        work(self.inputs(batch), &self.generator, batch)
            // What is shown, real and generated; logits, slopes, scales and losses.
            .with::<f32>(batch.saturating_mul(self.width))
            .with::<f32>(batch.saturating_mul(self.width))
            .with::<f32>(batch)
            .with::<f32>(batch)
            .with::<f32>(batch)
            .with::<f32>(batch)
            .with_bytes(inside)
            .bytes()
    }

    /// Bytes of scratch that [`Gan::sample`] and [`Gan::follow`] take for a batch; `usize::MAX` where that is too large.
    pub fn run_scratch_len(&self, batch: usize) -> usize {
        let pass = |plan| work(ScratchLen::new(), plan, batch).with_bytes(plan.scratch_len(batch)).bytes();
        self.inputs(batch)
            .with::<f32>(batch.saturating_mul(self.spec.latent))
            .with_bytes(pass(&self.sampler).max(pass(&self.generator)))
            .bytes()
    }

    /// The input of the generator, where it is not the noise alone.
    fn inputs(&self, batch: usize) -> ScratchLen {
        let width = self.generator.network().input().channels;
        ScratchLen::new().with::<f32>(labels::taken(batch, width, self.spec.classes))
    }
}

/// `len` and the workspace of a pass.
fn work(len: ScratchLen, plan: &NetPlan, batch: usize) -> ScratchLen {
    len.with::<f32>(plan.value_len(batch).unwrap_or(usize::MAX)).with::<f32>(plan.fixed_len())
}
