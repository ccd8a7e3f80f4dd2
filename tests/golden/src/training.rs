//! The three models that training is measured by, small or large: an MLP VAE, a convolutional VAE, and a DCGAN. The golden
//! cases train them tiny on every target; tests and benches of the host at full size.

use crate::Digest;
use crate::cases::{fill, stream};
use seedbed::exec::Executor;
use seedbed::generate::{
    Adapters, Arch, Batch, Likelihood, Trainee, Vae, VaeSpec, VaeStep, Widths, training_noise,
};
use seedbed::nn::loss::logistic;
use seedbed::nn::{
    Activation, Adam, Conv2d, ConvTranspose2d, Dense, Draws, Engine, Gradients, Layer, Mode, Model, Network,
    Plan, Shape,
};
use seedbed::scratch::ScratchLen;
use seedbed::{Error, Result, Scratch};

/// Which model, and how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Training {
    /// 784-400-20-400-784 over batches of 128, or 64-32-8-32-64 over 4.
    MlpVae,
    /// 28 × 28, convolutions of 32 and 64 channels, 16 latent values, batches of 128; or 8 × 8, 4 and 8, 3, batches of 4.
    ConvVae,
    /// 28 × 28, 128 and 64 channels, 64 latent values, batches of 64; or 8 × 8, 8 and 4, 6, batches of 4.
    Dcgan,
}

impl Training {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::MlpVae, Self::ConvVae, Self::Dcgan];

    /// `mlp-vae`, `conv-vae` or `dcgan`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MlpVae => "mlp-vae",
            Self::ConvVae => "conv-vae",
            Self::Dcgan => "dcgan",
        }
    }

    /// Multiply-adds of a step at full size, in millions, of products that have to be computed.
    pub const fn million_products(self) -> u64 {
        match self {
            Self::MlpVae => 210,
            Self::ConvVae => 1355,
            Self::Dcgan => 4690,
        }
    }

    /// Samples of a batch.
    pub const fn batch(self, tiny: bool) -> usize {
        match self {
            _ if tiny => 4,
            Self::Dcgan => 64,
            _ => 128,
        }
    }
}

fn widths(values: &[usize]) -> Result<Widths> {
    Widths::from_slice(values).map_err(|_| Error::CapacityExceeded)
}

/// A model in training, over memory that is lent.
#[derive(Debug)]
pub struct Trainer<'a> {
    model: Kind,
    batch: usize,
    params: &'a mut [f32],
    grads: &'a mut [f32],
    moments: &'a mut [f32],
    state: &'a mut [f32],
    x: &'a mut [f32],
    noise: &'a mut [f32],
    memory: &'a mut [u8],
    step: u64,
}

// There is no allocator to box the larger one.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum Kind {
    Vae(Vae),
    Gan(Dcgan),
}

impl Kind {
    fn new(training: Training, tiny: bool, threads: usize) -> Result<Self> {
        let vae = |side: usize, channels: &[usize], hidden: &[usize], latent| -> Result<Self> {
            let input =
                if channels.is_empty() { Shape::flat(side * side) } else { Shape::image(side, side, 1) };
            let arch =
                Arch { channels: widths(channels)?, hidden: widths(hidden)?, activation: Activation::Relu };
            let spec = VaeSpec { input, arch, latent, classes: 0, likelihood: Likelihood::Bernoulli };
            Ok(Self::Vae(Vae::new(spec)?.for_threads(threads)))
        };
        match (training, tiny) {
            (Training::MlpVae, true) => vae(8, &[], &[32], 8),
            (Training::MlpVae, false) => vae(28, &[], &[400], 20),
            (Training::ConvVae, true) => vae(8, &[4, 8], &[], 3),
            (Training::ConvVae, false) => vae(28, &[32, 64], &[], 16),
            (Training::Dcgan, true) => Ok(Self::Gan(Dcgan::new(8, 4, 6, threads)?)),
            (Training::Dcgan, false) => Ok(Self::Gan(Dcgan::new(28, 64, 64, threads)?)),
        }
    }

    /// Values of parameters, state, a sample and a latent vector.
    fn lens(&self) -> [usize; 4] {
        match self {
            Self::Vae(vae) => [vae.param_len(), 0, vae.width(), vae.spec().latent],
            Self::Gan(gan) => gan.lens(),
        }
    }

    fn scratch_len(&self, batch: usize) -> usize {
        match self {
            Self::Vae(vae) => vae.train_scratch_len(batch),
            Self::Gan(gan) => gan.scratch_len(batch),
        }
    }
}

impl<'a> Trainer<'a> {
    /// Bytes that a trainer takes.
    ///
    /// # Errors
    /// None for these models.
    pub fn memory_len(training: Training, tiny: bool, threads: usize) -> Result<usize> {
        let model = Kind::new(training, tiny, threads)?;
        let ([params, state, width, latent], batch) = (model.lens(), training.batch(tiny));
        Ok(ScratchLen::new()
            .with::<f32>(params)
            .with::<f32>(params)
            .with::<f32>(2 * params)
            .with::<f32>(state)
            .with::<f32>(batch * width)
            .with::<f32>(batch * latent)
            .with_bytes(model.scratch_len(batch))
            .bytes())
    }

    /// A trainer at its first step.
    ///
    /// # Errors
    /// [`Error::ScratchTooSmall`].
    pub fn new(training: Training, tiny: bool, threads: usize, memory: &mut Scratch<'a>) -> Result<Self> {
        let model = Kind::new(training, tiny, threads)?;
        let ([params, state, width, latent], batch) = (model.lens(), training.batch(tiny));
        let trainer = Self {
            batch,
            params: memory.take(params)?,
            grads: memory.take(params)?,
            moments: memory.take_zeroed(2 * params)?,
            state: memory.take(state)?,
            x: memory.take(batch * width)?,
            noise: memory.take(batch * latent)?,
            memory: memory.take(model.scratch_len(batch))?,
            model,
            step: 0,
        };
        match &trainer.model {
            Kind::Vae(vae) => vae.init(7, trainer.params)?,
            Kind::Gan(gan) => gan.init(trainer.params, trainer.state)?,
        }
        // Pictures of which half is black, as those of the sets that such models are measured on.
        fill(60, -1.0, 1.0, trainer.x);
        trainer.x.iter_mut().for_each(|v| *v = if *v > 0.0 { *v } else { 0.0 });
        Ok(trainer)
    }

    /// One more step.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where training fails.
    pub fn step<E: Executor>(&mut self, on: Engine<'_, E>) -> Result<()> {
        self.step += 1;
        match &self.model {
            Kind::Vae(vae) => {
                let mut ids = [0u64; 128];
                ids.iter_mut().zip(0..).for_each(|(id, i)| *id = i);
                let ids = ids.get(..self.batch).unwrap_or(&[]);
                training_noise(on.level, 1, self.step as u32, ids, self.noise)?;
                let weights = [1.0f32; 128];
                let weights = weights.get(..self.batch).unwrap_or(&[]);
                let batch = Batch { x: self.x, labels: &[], weights, noise: self.noise };
                let mut trainee = Trainee {
                    params: self.params,
                    grads: self.grads,
                    moments: self.moments,
                    groups: &[],
                    adapters: Adapters::default(),
                };
                let step =
                    VaeStep { beta: 1.0, free_bits: 0.0, optimiser: Adam::default().into(), t: self.step };
                vae.train_step(on, &mut trainee, &batch, &step, &mut Scratch::new(self.memory))?;
            }
            Kind::Gan(gan) => {
                let mut stream = stream(100 + self.step);
                self.noise.iter_mut().for_each(|v| *v = stream.normal());
                let Self { params, grads, moments, state, x, noise, memory, step, .. } = self;
                let batch = [&**x, &**noise];
                gan.step(on, *step, [params, grads, moments, state], batch, &mut Scratch::new(memory))?;
            }
        }
        Ok(())
    }

    /// The hash of all parameters, moments and running statistics.
    pub fn hash(&self) -> u64 {
        let mut digest = Digest::new();
        digest.floats(self.params).floats(self.moments).floats(self.state);
        digest.finish()
    }
}

/// A deep convolutional GAN (Radford et al. 2016) on squares of one channel.
#[derive(Debug)]
struct Dcgan {
    generator: Plan<9>,
    discriminator: Plan<7>,
    /// The discriminator in the generator's step.
    judge: Plan<7>,
}

impl Dcgan {
    fn new(side: usize, channels: usize, latent: usize, threads: usize) -> Result<Self> {
        let quarter = side / 4;
        let halving = |channels| Conv2d::new(channels, 4).stride(2).padding(1);
        let doubling = |channels| ConvTranspose2d::new(channels, 4).stride(2).padding(1);
        let mut generator = Network::<9>::new(Shape::flat(latent))?;
        generator.push(Dense::new(quarter * quarter * 2 * channels).without_bias())?;
        generator.push(Layer::Unflatten(Shape::image(quarter, quarter, 2 * channels)))?;
        generator.push(Layer::batch_norm())?;
        generator.push(Activation::Relu)?;
        generator.push(doubling(channels).without_bias())?;
        generator.push(Layer::batch_norm())?;
        generator.push(Activation::Relu)?;
        generator.push(doubling(1))?;
        generator.push(Activation::Tanh)?;
        let leaky = Activation::LeakyRelu { slope: 0.2 };
        let mut discriminator = Network::<7>::new(Shape::image(side, side, 1))?;
        discriminator.push(halving(channels))?;
        discriminator.push(leaky)?;
        discriminator.push(halving(2 * channels).without_bias())?;
        discriminator.push(Layer::batch_norm())?;
        discriminator.push(leaky)?;
        discriminator.push(Layer::Flatten)?;
        discriminator.push(Dense::new(1))?;
        let judge = discriminator.plan(Mode::Training { frozen: 7, input_gradient: true })?;
        Ok(Self {
            generator: generator.plan(Mode::TRAINING)?.for_threads(threads),
            discriminator: discriminator.plan(Mode::TRAINING)?.for_threads(threads),
            judge: judge.for_threads(threads),
        })
    }

    fn lens(&self) -> [usize; 4] {
        let (g, d) = (self.generator.network(), self.discriminator.network());
        let latent = g.input().channels;
        [
            g.param_len() + d.param_len(),
            g.state_len() + d.state_len(),
            d.input().height * d.input().width,
            latent,
        ]
    }

    fn scratch_len(&self, batch: usize) -> usize {
        let judging = self.discriminator.workspace_len(batch).max(self.judge.workspace_len(batch));
        ScratchLen::new()
            .with_bytes(self.generator.workspace_len(batch))
            .with::<f32>(2 * batch)
            .with_bytes(judging)
            .bytes()
    }

    fn init(&self, params: &mut [f32], state: &mut [f32]) -> Result<()> {
        let (g, d) = (self.generator.network(), self.discriminator.network());
        let halves = params.split_at_mut_checked(g.param_len()).ok_or(Error::ShapeMismatch)?;
        g.init(7, 0, halves.0)?;
        d.init(7, 100, halves.1)?;
        let states = state.split_at_mut_checked(g.state_len()).ok_or(Error::ShapeMismatch)?;
        g.init_state(7, 0, halves.0, states.0)?;
        d.init_state(7, 100, halves.1, states.1)
    }

    /// One step: the discriminator on real and on generated samples, one batch each as PyTorch's example has it, then the
    /// generator on the same noise.
    fn step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        t: u64,
        [params, grads, moments, state]: [&mut [f32]; 4],
        [real, noise]: [&[f32]; 2],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let generator = self.generator.network();
        let split = generator.param_len();
        let (g, d) = params.split_at_mut_checked(split).unwrap_or_default();
        let (g_grads, d_grads) = grads.split_at_mut_checked(split).unwrap_or_default();
        let (g_moments, d_moments) = moments.split_at_mut_checked(2 * split).unwrap_or_default();
        let (g_state, d_state) = state.split_at_mut_checked(generator.state_len()).unwrap_or_default();
        let batch = noise.len() / generator.input().channels.max(1);
        let adam = Adam { rate: 2e-4, beta1: 0.5, ..Adam::default() };
        let none = Draws::default();

        let mut work = self.generator.workspace(batch, scratch)?;
        self.generator.forward(on, (g, g_state), noise, none, &mut work, &mut scratch.frame())?;
        let (scales, losses) =
            scratch.take::<f32>(2 * batch)?.split_at_mut_checked(batch).unwrap_or_default();
        scales.fill(1.0 / batch as f32);
        let (fake, d_fake) = self.generator.ends(&mut work);
        for (i, (x, target)) in [(real, 1.0), (fake, 0.0)].into_iter().enumerate() {
            let (plan, scratch) = (&self.discriminator, &mut scratch.frame());
            let mut work = plan.workspace(batch, scratch)?;
            plan.forward(on, (d, d_state), x, none, &mut work, &mut scratch.frame())?;
            let (logits, slopes) = plan.ends(&mut work);
            logistic(on, target, [logits, scales], losses, slopes)?;
            let to = Gradients { params: d_grads, add: i > 0, input: &mut [] };
            plan.backward(on, Model { params: d, state: d_state }, (x, none), &mut work, to, scratch)?;
        }
        adam.step(on, t, d, d_grads, d_moments)?;
        {
            let (plan, scratch) = (&self.judge, &mut scratch.frame());
            let mut work = plan.workspace(batch, scratch)?;
            plan.forward(on, (d, d_state), fake, none, &mut work, &mut scratch.frame())?;
            let (logits, slopes) = plan.ends(&mut work);
            logistic(on, 1.0, [logits, scales], losses, slopes)?;
            let to = Gradients { params: &mut [], add: false, input: d_fake };
            plan.backward(on, Model { params: d, state: d_state }, (fake, none), &mut work, to, scratch)?;
        }
        let to = Gradients { params: g_grads, add: false, input: &mut [] };
        let model = Model { params: g, state: g_state };
        self.generator.backward(on, model, (noise, none), &mut work, to, scratch)?;
        adam.step(on, t, g, g_grads, g_moments)
    }
}
