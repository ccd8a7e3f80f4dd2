//! Floors 2 and 3: networks and the models that are made of them.

use super::{fill, stream};
use crate::Digest;
use seedbed::augment::diff::{Ada, AdaController, DiffAugment};
use seedbed::exec::Serial;
use seedbed::generate::{
    Adapters, Arch, Batch, ClassGaussians, CodeBatch, CodePrior, CodePriorSpec, DiscriminatorNorm,
    DiscriminatorSpec, Follow, Gan, GanMemory, GanRules, GanSpec, GanStep, GanTrainee, GeneratorSpec,
    Likelihood, Show, Trainee, Vae, VaeSpec, VaeStep, VqStep, VqVae, VqVaeSpec, Widths, latent_noise,
    training_noise,
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

/// A few steps of training of an autoencoder with a codebook and of the prior of its codes, and samples of both.
pub(super) fn vqvae(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let on = Engine { level, exec: &Serial };
    let arch = Arch { channels: widths(&[4])?, hidden: widths(&[6])?, activation: Activation::Relu };
    let (input, likelihood) = (Shape::image(8, 8, 1), Likelihood::Bernoulli);
    let model = VqVae::new(VqVaeSpec { input, arch, groups: 1, codes: 7, dim: 3, likelihood })?;
    let mut digest = Digest::new();
    let mut frame = scratch.frame();
    let (params, grads) = (frame.take::<f32>(model.param_len())?, frame.take::<f32>(model.param_len())?);
    let moments = frame.take_zeroed::<f32>(2 * model.param_len())?;
    let state = frame.take::<f32>(model.state_len())?;
    let (x, codes) = (frame.take::<f32>(BATCH * 64)?, frame.take::<u32>(BATCH * model.places())?);
    fill(54, 0.0, 1.0, x);
    let side = Side::new(level)?;
    let bytes = model.train_scratch_len(BATCH).max(model.run_scratch_len(BATCH));
    let mut work = Scratch::new(frame.take::<u8>(bytes)?);
    model.init(9, params)?;
    model.init_state(on, 9, (params, x), state, &mut work)?;
    digest.floats(params).floats(state);
    let optimiser = Optimiser::from(Adam { rate: 0.01, ..Adam::default() });
    for t in 1..=STEPS {
        // So large a share that codes start anew.
        let step = VqStep { optimiser, t, beta: 0.25, follow: Follow { decay: 0.9, dead: 0.5, seed: 3 } };
        let mut trainee = Trainee { params, grads, moments, groups: &[], adapters: Adapters::default() };
        let terms = model.train_step(on, &mut trainee, state, (x, &side.weights), &step, &mut work)?;
        digest.word(terms.loss.reconstruction.to_bits()).word(terms.loss.commitment.to_bits());
        digest.floats(&[terms.usage.perplexity]);
    }
    digest.floats(params).floats(state);
    let trained = Model { params, state };
    model.encode(on, trained, x, codes, &mut work)?;
    codes.iter().for_each(|&code| {
        digest.word(u64::from(code));
    });
    code_prior(on, &model, (codes, &side), frame, &mut digest)?;
    model.decode(on, trained, codes, x, &mut work)?;
    digest.floats(x);
    Ok(digest.finish())
}

/// Trains a prior on codes, and draws others in their place.
fn code_prior(
    on: Engine<'_, Serial>,
    model: &VqVae,
    (codes, side): (&mut [u32], &Side),
    mut scratch: Scratch<'_>,
    digest: &mut Digest,
) -> Result<()> {
    let prior = CodePrior::new(CodePriorSpec {
        grid: model.grid(),
        codes: model.spec().codes,
        classes: CLASSES,
        radius: 2,
        embedding: 4,
        hidden: widths(&[9])?,
        activation: Activation::Relu,
    })?;
    let (params, grads) = (scratch.take::<f32>(prior.param_len())?, scratch.take::<f32>(prior.param_len())?);
    let moments = scratch.take_zeroed::<f32>(2 * prior.param_len())?;
    let pairs: [[u32; 2]; 32] = core::array::from_fn(|i| [i as u32 % BATCH as u32, i as u32 % 16]);
    let bytes = prior.train_scratch_len(pairs.len()).max(prior.run_scratch_len(BATCH));
    let mut work = Scratch::new(scratch.take::<u8>(bytes)?);
    prior.init(10, params)?;
    let optimiser = Optimiser::from(Adam { rate: 0.01, ..Adam::default() });
    for t in 1..=STEPS {
        let batch = CodeBatch { grids: codes, labels: &side.labels, weights: &side.weights, pairs: &pairs };
        let mut trainee = Trainee { params, grads, moments, groups: &[], adapters: Adapters::default() };
        let loss = prior.train_step(on, &mut trainee, &batch, (&optimiser, t), &mut work)?;
        digest.word(loss.to_bits());
    }
    let mut nll = [0f32; BATCH];
    prior.nll(on, params, (codes, &side.labels), &mut nll, &mut work)?;
    digest.floats(params).floats(&nll);
    prior.sample(on, params, 0.9, (11, 100, &side.labels), codes, &mut work)?;
    codes.iter().for_each(|&code| {
        digest.word(u64::from(code));
    });
    Ok(())
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
