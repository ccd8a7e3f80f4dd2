//! Floors 2 and 3: networks and the models that are made of them.

use super::{fill, stream};
use crate::Digest;
use seedbed::augment::diff::{Ada, AdaController, DiffAugment};
use seedbed::exec::Serial;
use seedbed::generate::{
    Adapters, Arch, Batch, ClassGaussians, DiscriminatorNorm, DiscriminatorSpec, Gan, GanMemory, GanRules,
    GanSpec, GanStep, GanTrainee, GeneratorSpec, Likelihood, Show, Trainee, Vae, VaeSpec, VaeStep, Widths,
    latent_noise, training_noise,
};
use seedbed::nn::loss::{Adversarial, LeCam};
use seedbed::nn::{Activation, Adam, Draws, Ema, Engine, Model, Optimiser, Shape};
use seedbed::rng::Key;
use seedbed::{Error, Level, Result, Scratch};

/// Samples in a batch, values of a latent vector, classes.
const BATCH: usize = 5;
const LATENT: usize = 3;
const CLASSES: usize = 2;
/// Steps of training.
const STEPS: u64 = 3;

fn widths(values: &[usize]) -> Result<Widths> {
    Widths::from_slice(values).map_err(|_| Error::CapacityExceeded)
}

/// Labels, weights and noise of a batch.
struct Side {
    labels: [u32; BATCH],
    weights: [f32; BATCH],
    noise: [f32; BATCH * LATENT],
}

impl Side {
    fn new(level: Level) -> Result<Self> {
        let mut side = Self {
            labels: [0, 1, 1, 0, 1],
            weights: [1.0, 0.5, 2.0, 1.25, 0.25],
            noise: [0.0; BATCH * LATENT],
        };
        training_noise(level, 1, 0, &[3, 1, 4, 15, 9], &mut side.noise)?;
        Ok(side)
    }

    fn batch<'a>(&'a self, x: &'a [f32]) -> Batch<'a> {
        Batch { x, labels: &self.labels, weights: &self.weights, noise: &self.noise }
    }
}

/// A few steps of training and samples of a VAE: parameters, losses and what is generated.
fn vae(
    level: Level,
    scratch: &mut Scratch<'_>,
    input: Shape,
    arch: Arch,
    likelihood: Likelihood,
) -> Result<u64> {
    let on = Engine { level, exec: &Serial };
    let model = Vae::new(VaeSpec { input, arch, latent: LATENT, classes: CLASSES, likelihood })?;
    let mut digest = Digest::new();
    let mut frame = scratch.frame();
    let (params, grads) = (frame.take::<f32>(model.param_len())?, frame.take::<f32>(model.param_len())?);
    let moments = frame.take_zeroed::<f32>(model.moment_len())?;
    model.init(7, params)?;
    digest.floats(params);
    let x = frame.take::<f32>(BATCH * model.width())?;
    fill(50, 0.0, 1.0, x);
    let side = Side::new(level)?;
    let mut work = Scratch::new(frame.take::<u8>(model.train_scratch_len(BATCH))?);
    for t in 1..=STEPS {
        let step = VaeStep {
            beta: 0.8,
            free_bits: 0.02,
            optimiser: Adam { rate: 0.01, ..Adam::default() }.into(),
            t,
        };
        let mut trainee = Trainee { params, grads, moments, groups: &[], adapters: Adapters::default() };
        let elbo = model.train_step(on, &mut trainee, &side.batch(x), &step, &mut work)?;
        digest.word(elbo.reconstruction.to_bits()).word(elbo.divergence.to_bits());
    }
    digest.floats(params).floats(moments);
    let mut work = Scratch::new(frame.take::<u8>(model.run_scratch_len(BATCH))?);
    let prior = ClassGaussians::standard(LATENT, 0.9)?;
    model.sample(on, params, &prior, (11, 100, &side.labels), x, &mut work)?;
    digest.floats(x);
    Ok(digest.finish())
}

/// An MLP on a table with a Gaussian likelihood.
pub(super) fn vae_mlp(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let arch = Arch { channels: widths(&[])?, hidden: widths(&[20, 9])?, activation: Activation::Tanh };
    vae(level, scratch, Shape::flat(17), arch, Likelihood::Gaussian { sigma: 0.3 })
}

/// Convolutions on pictures with a Bernoulli likelihood.
pub(super) fn vae_conv(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let arch = Arch { channels: widths(&[4, 6])?, hidden: widths(&[10])?, activation: Activation::Relu };
    vae(level, scratch, Shape::image(8, 8, 1), arch, Likelihood::Bernoulli)
}

/// A few steps of training and samples of a GAN of dense layers.
pub(super) fn gan(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let spec = GanSpec {
        output: Shape::flat(12),
        latent: LATENT,
        classes: CLASSES,
        unit: true,
        generator: GeneratorSpec { hidden: widths(&[18])?, ..GeneratorSpec::default() },
        discriminator: DiscriminatorSpec { hidden: widths(&[14])?, ..DiscriminatorSpec::default() },
        rules: GanRules::default(),
    };
    adversarial(level, spec, scratch)
}

/// The same of convolutions: R1, LeCam, and DiffAugment.
pub(super) fn gan_conv(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let channels = widths(&[4, 6])?;
    let spec = GanSpec {
        output: Shape::image(8, 8, 1),
        latent: LATENT,
        classes: CLASSES,
        unit: true,
        generator: GeneratorSpec { channels: channels.clone(), batch_norm: true, ..GeneratorSpec::default() },
        discriminator: DiscriminatorSpec { channels, ..DiscriminatorSpec::default() },
        rules: GanRules {
            r1: 0.5,
            lecam: Some(LeCam::default()),
            show: Show::Diff(DiffAugment::default()),
            ..GanRules::default()
        },
    };
    adversarial(level, spec, scratch)
}

/// The same with spectral norms, the hinge loss, and adaptive augmentation.
pub(super) fn gan_spectral(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let channels = widths(&[4])?;
    let norm = DiscriminatorNorm::Spectral;
    let spec = GanSpec {
        output: Shape::image(6, 8, 1),
        latent: LATENT,
        classes: CLASSES,
        unit: true,
        generator: GeneratorSpec { channels: channels.clone(), ..GeneratorSpec::default() },
        discriminator: DiscriminatorSpec { channels, hidden: widths(&[7])?, norm },
        rules: GanRules { loss: Adversarial::Hinge, show: Show::Ada(Ada::BGC), ..GanRules::default() },
    };
    adversarial(level, spec, scratch)
}

/// A few steps of training and samples: parameters, state, losses and what is generated.
fn adversarial(level: Level, spec: GanSpec, scratch: &mut Scratch<'_>) -> Result<u64> {
    let on = Engine { level, exec: &Serial };
    let model = Gan::new(spec)?;
    let mut digest = Digest::new();
    let mut take = |n: usize| scratch.take_zeroed::<f32>(n);
    let (params, grads, moments) =
        (take(model.param_len())?, take(model.param_len())?, take(model.moment_len())?);
    let (state, average) = (take(model.state_len())?, take(model.generator_len())?);
    let x = take(BATCH * model.width())?;
    model.init(8, params, state)?;
    fill(51, 0.0, 1.0, x);
    let side = Side::new(level)?;
    let keys: [Key; BATCH] = core::array::from_fn(|i| Key::new(9).sample(i as u64));
    let ada = AdaController { p: 0.6, interval: 1, images_for_full: 50, ..AdaController::default() };
    let mut memory = GanMemory { ada, ..GanMemory::default() };
    let mut work = Scratch::new(scratch.take::<u8>(model.train_scratch_len(BATCH))?);
    let adam = Optimiser::from(Adam { rate: 0.01, beta1: 0.5, ..Adam::default() });
    for t in 1..=STEPS {
        let draws = Draws { seed: 3, keys: &keys };
        let ema = Ema { decay: 0.5, warm_up: false };
        let step = GanStep { generator: adam, discriminator: adam, t, both: t != 2, ema, draws };
        let trainee = Trainee { params, grads, moments, groups: &[], adapters: Adapters::default() };
        let mut of = GanTrainee { trainee, state, average, memory: &mut memory };
        let terms = model.train_step(on, &mut of, &side.batch(x), &step, &mut work)?;
        digest.word(terms.discriminator.to_bits()).word(terms.generator.to_bits());
        digest.word(terms.r1.to_bits()).floats(&[memory.ada.p, memory.anchors.real, memory.anchors.fake]);
    }
    digest.floats(params).floats(state).floats(average);
    let state = state.get(..model.generator_state_len()).unwrap_or(&[]);
    let generator = Model { params: average, state };
    let mut work = Scratch::new(scratch.take::<u8>(model.run_scratch_len(BATCH))?);
    model.sample(on, generator, 1.0, (11, 100, &side.labels), x, &mut work)?;
    digest.floats(x);
    Ok(digest.finish())
}

/// Latent vectors and a prior fitted to codes.
pub(super) fn priors(level: Level, _: &mut Scratch<'_>) -> Result<u64> {
    const CODES: usize = 40;
    let mut codes = [0f32; CODES * 2 * LATENT];
    fill(52, -1.0, 1.0, &mut codes);
    let labels: [u32; CODES] = core::array::from_fn({
        let mut s = stream(53);
        move |_| s.below(CLASSES as u32)
    });
    let mut sums = [0f64; CLASSES * (1 + LATENT + LATENT * LATENT)];
    ClassGaussians::accumulate(LATENT, &codes, &labels, &mut sums)?;
    let mut values = [0f32; CLASSES * (LATENT + LATENT * LATENT)];
    ClassGaussians::fit(LATENT, &sums, &mut values)?;
    let prior = ClassGaussians::fitted(LATENT, 0.8, &values)?;
    let (mut noise, mut z) = ([0f32; BATCH * LATENT], [0f32; BATCH * LATENT]);
    latent_noise(level, 5, 1000, LATENT, &mut noise)?;
    prior.shape(level, &noise, &[0, 1, 1, 0, 1], &mut z)?;
    Ok(Digest::new().floats(&values).floats(&noise).floats(&z).finish())
}
