//! Floor 2: networks of every layer, and training of tiny models.

use super::fill;
use crate::{Digest, Trainer, Training};
use seedbed::exec::Serial;
use seedbed::nn::{
    Activation, Conv2d, ConvTranspose2d, Dense, Draws, Engine, Gradients, Layer, Mode, Model, Network,
    Pool2d, Shape,
};
use seedbed::rng::Key;
use seedbed::{Level, Result, Scratch};

/// Samples in a batch.
const BATCH: usize = 3;

/// A pass forward and backward, its penalty aside, and one in use.
fn pass(level: Level, scratch: &mut Scratch<'_>, input: Shape, layers: &[Layer]) -> Result<u64> {
    let on = Engine { level, exec: &Serial };
    let mut net = Network::<8>::new(input)?;
    layers.iter().try_for_each(|layer| net.push(*layer))?;
    let mut scratch = scratch.frame();
    let (params, grads) = (scratch.take::<f32>(net.param_len())?, scratch.take::<f32>(net.param_len())?);
    let state = scratch.take::<f32>(net.state_len())?;
    net.init(5, 0, params)?;
    net.init_state(5, 0, params, state)?;
    let keys = [Key::new(1).sample(4), Key::new(1).sample(1), Key::new(1).sample(5)];
    let draws = Draws { seed: 3, keys: &keys };
    let (x, dx) = (scratch.take::<f32>(BATCH * input.len()?)?, scratch.take::<f32>(BATCH * input.len()?)?);
    fill(61, -1.0, 1.0, x);
    let mut digest = Digest::new();
    let plan = net.plan(Mode::Training { frozen: 0, input_gradient: true })?;
    {
        let scratch = &mut scratch.frame();
        let mut work = plan.workspace(BATCH, scratch)?;
        plan.forward(on, (params, state), x, draws, &mut work, &mut scratch.frame())?;
        let (y, dy) = plan.ends(&mut work);
        digest.floats(y);
        fill(62, -1.0, 1.0, dy);
        let to = Gradients { params: grads, add: false, input: dx };
        plan.backward(on, Model { params, state }, (x, draws), &mut work, to, scratch)?;
        digest.floats(grads).floats(dx).floats(state);
    }
    let plan = net.plan(Mode::Inference)?;
    let panels = scratch.take::<f32>(plan.packed_len())?;
    let packed = plan.pack(Model { params, state }, panels)?;
    let mut work = plan.workspace(BATCH, &mut scratch)?;
    plan.infer_packed(on, packed, x, &mut work, &mut scratch)?;
    digest.floats(plan.result(&work));
    Ok(digest.finish())
}

/// Every layer, in three networks.
pub(super) fn layers(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let networks: [(Shape, &[Layer]); 3] = [
        (
            Shape::image(6, 5, 4),
            &[
                Conv2d::new(6, 3).padding(1).groups(2).without_bias().into(),
                Layer::batch_norm(),
                Activation::Gelu.into(),
                Layer::MaxPool2d(Pool2d::new(2)),
                Layer::Dropout { p: 0.3 },
                ConvTranspose2d::new(18, 4).stride(2).padding(1).spectral_norm().into(),
                Layer::layer_norm(),
                Activation::Elu { alpha: 1.0 }.into(),
            ],
        ),
        (
            Shape::image(5, 5, 3),
            &[
                Layer::Upsample { factor: 2 },
                Conv2d::new(16, 3).stride(2).padding(1).spectral_norm().into(),
                Layer::group_norm(4),
                Activation::Softplus.into(),
                Layer::AvgPool2d(Pool2d::new(3).stride(2).padding(1)),
                Layer::Softmax,
            ],
        ),
        (
            Shape::flat(18),
            &[
                Layer::Unflatten(Shape::image(3, 3, 2)),
                ConvTranspose2d::new(3, 3).stride(2).output_padding(1).into(),
                Activation::Silu.into(),
                Layer::Flatten,
                Dense::new(7).into(),
                Activation::LeakyRelu { slope: 0.2 }.into(),
                Dense::new(3).spectral_norm().into(),
            ],
        ),
    ];
    for (input, layers) in networks {
        digest.word(pass(level, scratch, input, layers)?);
    }
    Ok(digest.finish())
}

/// Two hundred steps of training.
fn train(level: Level, scratch: &mut Scratch<'_>, training: Training) -> Result<u64> {
    let mut trainer = Trainer::new(training, true, 1, scratch)?;
    let on = Engine { level, exec: &Serial };
    (0..200).try_for_each(|_| trainer.step(on))?;
    Ok(trainer.hash())
}

pub(super) fn mlp_vae(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    train(level, scratch, Training::MlpVae)
}

pub(super) fn conv_vae(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    train(level, scratch, Training::ConvVae)
}

pub(super) fn dcgan(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    train(level, scratch, Training::Dcgan)
}
