//! From numbers to whole numbers: weights, with what is folded into them.

use super::stages::{Kind, Stage};
use super::steps::Steps;
use super::{QuantPlan, Quantised, QuantisedMut};
use crate::error::{Error, Result};
use crate::math;
use crate::nn::layer::Layer;
use crate::nn::network::Step;
use crate::nn::{Model, spectral};
use crate::simd::Level;

/// The largest magnitude of a weight.
const MOST: f64 = 127.0;
/// What the magnitudes of a channel's weights times the largest byte may come to, and what a bias may: with half a step for
/// each weight, which rounding may add, they fit 32 bits.
const MOST_SUM: f64 = 1_073_741_824.0;
const MOST_BIAS: f64 = 268_435_456.0;
/// 1.5 · 2⁵²: a number that it is added to and taken from is rounded to a whole one, ties to even.
const ROUND: f64 = 6_755_399_441_055_744.0;

impl<const N: usize> QuantPlan<N> {
    /// Rounds the weights of a model, for inputs and values between layers that lie in `ranges`, which a
    /// [`super::Calibration`] found.
    ///
    /// Each output channel has a scale: the largest magnitude of its weights over 127, or a coarser one where sums could leave
    /// 32 bits, or where the bias is so large that it counts alone. Biases have steps of that scale times the input's. What a
    /// batch normalisation behind the layer does in use, and the division by a spectral norm, are in both. All is rounded to
    /// the nearest, ties to even.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit; [`Error::NotFinite`] for parameters, a state or ranges that are not
    /// finite, or where what is folded is not; [`Error::InvalidArgument`] for a range that does not hold 0. Nothing is written
    /// then.
    pub fn quantise<'a>(
        &self,
        model: Model<'_>,
        ranges: &'a [f32],
        to: QuantisedMut<'a>,
    ) -> Result<Quantised<'a>> {
        let QuantisedMut { weights, scales, biases } = to;
        let whole = Quantised { ranges, weights, scales, biases };
        self.check_model(whole)?;
        if model.params.len() != self.net.param_len() || model.state.len() != self.net.state_len() {
            return Err(Error::ShapeMismatch);
        }
        if !model.params.iter().chain(model.state).all(|&v| math::abs(v) <= f32::MAX) {
            return Err(Error::NotFinite);
        }
        for folded in self.folded(model, ranges) {
            (0..folded.stage.output.channels).try_for_each(|channel| folded.rounded(channel).map(|_| ()))?;
        }
        for folded in self.folded(model, ranges) {
            folded.write(weights, scales, biases)?;
        }
        Ok(Quantised { ranges, weights, scales, biases })
    }

    /// The stages that have something to round.
    fn folded<'a>(&'a self, model: Model<'a>, ranges: &'a [f32]) -> impl Iterator<Item = Folded<'a>> {
        let (mut range, steps) = (0, self.net.steps());
        self.stages.all.iter().filter_map(move |stage| {
            let from = core::mem::replace(&mut range, stage.range);
            let own = steps.get(stage.layer)?;
            let sigma = if own.is_spectral() {
                spectral::sigma(Level::BASE, own, model.params, model.state)
            } else {
                1.0
            };
            let norm = match stage.kind {
                Kind::Norm => Some(own),
                Kind::Product(_) => stage.norm.and_then(|norm| steps.get(norm)),
                _ => return None,
            };
            let steps = Steps::of(super::range(ranges, from)).ok()?;
            Some(Folded { stage, own, norm, model, sigma, step: f64::from(steps.scale) })
        })
    }
}

/// What is done to an output channel: values are multiplied by a factor and moved.
#[derive(Clone, Copy)]
struct Affine {
    factor: f32,
    offset: f32,
}

/// A channel of a product.
#[derive(Clone, Copy)]
struct Rounded {
    /// By which its weights are multiplied before they are rounded.
    factor: f64,
    scale: f32,
    bias: i32,
}

/// A stage with what is folded into it.
struct Folded<'a> {
    stage: &'a Stage,
    own: &'a Step,
    norm: Option<&'a Step>,
    model: Model<'a>,
    sigma: f32,
    /// The step of its input.
    step: f64,
}

impl Folded<'_> {
    /// The factor of a channel's weights, and its bias.
    fn affine(&self, channel: usize) -> Result<Affine> {
        let value = |values: &[f32], at: usize, or: f32| values.get(at).copied().unwrap_or(or);
        let (_, biases) = self.own.split(self.own.params.of(self.model.params));
        let bias = if self.norm.is_some_and(|norm| core::ptr::eq(norm, self.own)) { &[] } else { biases };
        let plain = Affine { factor: 1.0 / self.sigma, offset: value(bias, channel, 0.0) };
        let affine = match self.norm {
            Some(norm) => {
                let channels = norm.input.channels;
                // Several outputs of a dense layer may be places of one channel.
                let places = self.stage.output.channels.checked_div(channels).unwrap_or(1);
                let at = channel.checked_div(places).unwrap_or(channel);
                let (weight, bias) = norm.split(norm.params.of(self.model.params));
                let state = norm.state.of(self.model.state);
                let epsilon = if let Layer::BatchNorm { epsilon, .. } = norm.layer { epsilon } else { 0.0 };
                let variance = value(state, channels.saturating_add(at), 1.0);
                let by = (1.0 / math::sqrt(variance + epsilon)) * value(weight, at, 1.0);
                let offset = (plain.offset - value(state, at, 0.0)) * by + value(bias, at, 0.0);
                Affine { factor: plain.factor * by, offset }
            }
            None => plain,
        };
        let finite = math::abs(affine.factor) <= f32::MAX && math::abs(affine.offset) <= f32::MAX;
        if finite { Ok(affine) } else { Err(Error::NotFinite) }
    }

    /// A channel of a product; of anything else what does not count.
    fn rounded(&self, channel: usize) -> Result<Rounded> {
        let Affine { factor, offset } = self.affine(channel)?;
        let (mut most, mut all) = (0.0f32, 0.0f64);
        if let Kind::Product(product) = self.stage.kind {
            for &w in product.channel(self.own.split(self.own.params.of(self.model.params)).0, channel) {
                let w = math::abs(w);
                most = math::max(w, most);
                all += f64::from(w);
            }
        }
        let (by, bias) = (f64::from(math::abs(factor)), f64::from(math::abs(offset)));
        let needs =
            [f64::from(most) * by / MOST, all * by * 255.0 / MOST_SUM, bias / (self.step * MOST_BIAS)];
        let scale = needs.into_iter().fold(0.0, |scale, need| if need > scale { need } else { scale }) as f32;
        let scale = if scale == 0.0 { 1.0 } else { math::max(scale, f32::MIN_POSITIVE) };
        if !(scale <= f32::MAX) {
            return Err(Error::NotFinite);
        }
        let wide = f64::from(scale);
        let bias = round(f64::from(offset) / (self.step * wide)) as i32;
        Ok(Rounded { factor: f64::from(factor) / wide, scale, bias })
    }

    fn write(&self, weights: &mut [i8], scales: &mut [f32], biases: &mut [i32]) -> Result<()> {
        let (scales, biases) = (self.stage.scales.of_mut(scales), self.stage.biases.of_mut(biases));
        let Kind::Product(product) = self.stage.kind else {
            let (factors, offsets) =
                scales.split_at_mut_checked(self.stage.output.channels).unwrap_or_default();
            for (channel, (factor, offset)) in factors.iter_mut().zip(offsets).enumerate() {
                let affine = self.affine(channel)?;
                (*factor, *offset) = (affine.factor, affine.offset);
            }
            return Ok(());
        };
        let from = self.own.split(self.own.params.of(self.model.params)).0;
        let to = self.stage.weights.of_mut(weights);
        for (channel, (scale, bias)) in scales.iter_mut().zip(biases).enumerate() {
            let rounded = self.rounded(channel)?;
            (*scale, *bias) = (rounded.scale, rounded.bias);
            let channel = product.channel_mut(to, channel).zip(product.channel(from, channel));
            channel.for_each(|(to, from)| *to = round(f64::from(*from) * rounded.factor) as i8);
        }
        Ok(())
    }
}

/// The nearest whole number, ties to even, of one that is small beside 2⁵².
fn round(v: f64) -> f64 {
    (v + ROUND) - ROUND
}
