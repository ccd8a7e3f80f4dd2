//! Group normalisation (Wu, He 2018): mean and variance of each group of channels over the places of a sample. A layer
//! normalisation (Ba et al. 2016) is one of one group in which each place is a sample.

use super::columns::{Columns, sixteens, sum, totals};
use crate::exec::Executor;
use crate::math;
use crate::nn::Engine;
use crate::nn::parallel::for_rows;
use crate::nn::{Shape, rows};
use crate::simd::{LANES, tree_sum};

/// A group normalisation of samples of so many places.
#[derive(Clone, Copy)]
pub(in crate::nn) struct Groups {
    pub places: usize,
    pub channels: usize,
    pub groups: usize,
    pub epsilon: f32,
}

/// Values of the statistics of a group: its mean and 1 / its standard deviation.
const EACH: usize = 2;

impl Groups {
    /// Values of one sample.
    const fn len(&self) -> usize {
        self.places.saturating_mul(self.channels)
    }

    /// Values of the statistics of a sample.
    pub const fn statistics_len(&self) -> usize {
        EACH * self.groups
    }

    /// How many samples a batch of them has; of a layer normalisation each place is one.
    pub fn samples(&self, shape: Shape, batch: usize) -> usize {
        let places = shape.places().unwrap_or(0);
        places.checked_div(self.places).unwrap_or(0).saturating_mul(batch)
    }

    /// Channels of a group.
    fn width(&self) -> usize {
        self.channels.checked_div(self.groups).unwrap_or(0)
    }

    /// Normalises in place.
    pub fn apply<E: Executor>(&self, on: Engine<'_, E>, [weight, bias]: [&[f32]; 2], v: &mut [f32]) {
        let samples = v.len().checked_div(self.len()).unwrap_or(0);
        for_rows(on.exec, samples, [v], |_, [v]| {
            for sample in rows::of_mut(v, self.len()) {
                apply(on.level, self, weight, bias, sample);
            }
        });
    }

    /// The statistics of each sample.
    pub fn measure<E: Executor>(&self, on: Engine<'_, E>, x: &[f32], statistics: &mut [f32]) {
        let samples = x.len().checked_div(self.len()).unwrap_or(0);
        for_rows(on.exec, samples, [statistics], |first, [statistics]| {
            let x = rows::of(x, self.len()).skip(first);
            for (x, statistics) in x.zip(rows::of_mut(statistics, self.statistics_len())) {
                for (g, to) in rows::of_mut(statistics, EACH).enumerate() {
                    rows::copy(&measure(on.level, self, g, x), to);
                }
            }
        });
    }

    /// The gradients by γ and β, Σ dy·(x − mean)/σ and Σ dy of each channel, to `sums`, one after the other.
    pub fn sums<E: Executor>(
        &self,
        on: Engine<'_, E>,
        statistics: &[f32],
        [x, dy]: [&[f32]; 2],
        sums: &mut [f32],
    ) {
        let (by_weight, by_bias) = sums.split_at_mut_checked(self.channels).unwrap_or_default();
        sixteens(on, by_weight, |level, first, sums| along(level, self, statistics, x, dy, first, sums));
        totals(on, dy, by_bias);
    }

    /// `grad`, the gradient by the output, becomes that by the input.
    pub fn chain<E: Executor>(
        &self,
        on: Engine<'_, E>,
        statistics: &[f32],
        [weight, x]: [&[f32]; 2],
        grad: &mut [f32],
    ) {
        let samples = grad.len().checked_div(self.len()).unwrap_or(0);
        for_rows(on.exec, samples, [grad], |first, [grad]| {
            let x = rows::of(x, self.len()).skip(first);
            let statistics = rows::of(statistics, self.statistics_len()).skip(first);
            for ((grad, x), statistics) in rows::of_mut(grad, self.len()).zip(x).zip(statistics) {
                back(on.level, self, statistics, weight, x, grad);
            }
        });
    }
}

/// Terms that are summed over a group.
trait Terms: Copy {
    /// The term of a value `x` with its gradient `dy` and its weight.
    fn at(self, x: f32, dy: f32, weight: f32) -> f32;
}

/// The sum over group `g` of a sample: sixteen lanes over the channels of a place, carried from one place to the next.
#[inline(always)]
fn over(of: &Groups, g: usize, terms: impl Terms, [x, dy, weight]: [&[f32]; 3]) -> f32 {
    let (width, mut lanes) = (of.width(), [0f32; LANES]);
    let part = g * width..(g + 1) * width;
    let weight = weight.get(part.clone()).unwrap_or(&[]);
    for (x, dy) in rows::of(x, of.channels).zip(rows::of(dy, of.channels)) {
        let (x, dy) = (x.get(part.clone()).unwrap_or(&[]), dy.get(part.clone()).unwrap_or(&[]));
        for ((x, dy), weight) in x.chunks(LANES).zip(dy.chunks(LANES)).zip(weight.chunks(LANES)) {
            for (((lane, x), dy), weight) in lanes.iter_mut().zip(x).zip(dy).zip(weight) {
                *lane += terms.at(*x, *dy, *weight);
            }
        }
    }
    tree_sum(lanes)
}

#[derive(Clone, Copy)]
struct Value;

impl Terms for Value {
    #[inline(always)]
    fn at(self, x: f32, _: f32, _: f32) -> f32 {
        x
    }
}

/// (x − mean)².
#[derive(Clone, Copy)]
struct Square(f32);

impl Terms for Square {
    #[inline(always)]
    fn at(self, x: f32, _: f32, _: f32) -> f32 {
        (x - self.0) * (x - self.0)
    }
}

/// dy·γ.
#[derive(Clone, Copy)]
struct Slope;

impl Terms for Slope {
    #[inline(always)]
    fn at(self, _: f32, dy: f32, weight: f32) -> f32 {
        dy * weight
    }
}

/// dy·γ·(x − mean)/σ.
#[derive(Clone, Copy)]
struct SlopeAlong([f32; 2]);

impl Terms for SlopeAlong {
    #[inline(always)]
    fn at(self, x: f32, dy: f32, weight: f32) -> f32 {
        let [mean, inverse] = self.0;
        dy * weight * ((x - mean) * inverse)
    }
}

/// 1 / the number of values of a group.
#[inline(always)]
fn share(of: &Groups) -> f32 {
    1.0 / of.places.saturating_mul(of.width()).max(1) as f32
}

kernel! {
    fn measure(of: &Groups, g: usize, x: &[f32]) -> [f32; 2] = measure_body;
}

#[inline(always)]
fn measure_body(of: &Groups, g: usize, x: &[f32]) -> [f32; 2] {
    // Neither term reads the gradient or the weight.
    let mean = over(of, g, Value, [x, x, x]) * share(of);
    let variance = over(of, g, Square(mean), [x, x, x]) * share(of);
    [mean, 1.0 / math::sqrt(variance + of.epsilon)]
}

kernel! {
    fn apply(of: &Groups, weight: &[f32], bias: &[f32], sample: &mut [f32]) = apply_body;
}

#[inline(always)]
fn apply_body(of: &Groups, weight: &[f32], bias: &[f32], sample: &mut [f32]) {
    for g in 0..of.groups {
        let [mean, inverse] = measure_body(of, g, sample);
        for row in rows::of_mut(sample, of.channels) {
            let parameters = weight.iter().zip(bias);
            for (v, (weight, bias)) in row.iter_mut().zip(parameters).skip(g * of.width()).take(of.width()) {
                *v = (*v - mean) * (inverse * weight) + bias;
            }
        }
    }
}

kernel! {
    fn back(of: &Groups, statistics: &[f32], weight: &[f32], x: &[f32], grad: &mut [f32]) = back_body;
}

#[inline(always)]
fn back_body(of: &Groups, statistics: &[f32], weight: &[f32], x: &[f32], grad: &mut [f32]) {
    for (g, &[mean, inverse]) in statistics.as_chunks::<EACH>().0.iter().enumerate() {
        let total = share(of) * over(of, g, Slope, [x, grad, weight]);
        let along = share(of) * over(of, g, SlopeAlong([mean, inverse]), [x, grad, weight]);
        for (grad, x) in rows::of_mut(grad, of.channels).zip(rows::of(x, of.channels)) {
            let values = grad.iter_mut().zip(x).zip(weight).skip(g * of.width()).take(of.width());
            for ((grad, x), weight) in values {
                *grad = inverse * (*grad * weight - total - (x - mean) * inverse * along);
            }
        }
    }
}

/// dy·(x − mean)/σ, with the statistics of the sample and the group.
#[derive(Clone, Copy)]
struct Along<'a> {
    of: Groups,
    statistics: &'a [f32],
}

impl Columns for Along<'_> {
    #[inline(always)]
    fn at(self, row: usize, first: usize, x: &[f32; LANES], dy: &[f32; LANES]) -> [f32; LANES] {
        let sample = row.checked_div(self.of.places).unwrap_or(0);
        let statistics = rows::of(self.statistics, self.of.statistics_len()).nth(sample).unwrap_or(&[]);
        let statistics = statistics.as_chunks::<EACH>().0;
        let mut out = [0.0; LANES];
        for (l, ((out, x), dy)) in out.iter_mut().zip(x).zip(dy).enumerate() {
            let group = (first + l).checked_div(self.of.width()).unwrap_or(0);
            if let Some([mean, inverse]) = statistics.get(group) {
                *out = (x - mean) * inverse * dy;
            }
        }
        out
    }
}

kernel! {
    fn along(of: &Groups, statistics: &[f32], x: &[f32], dy: &[f32], first: usize, sums: &mut [f32]) = along_body;
}

#[inline(always)]
fn along_body(of: &Groups, statistics: &[f32], x: &[f32], dy: &[f32], first: usize, sums: &mut [f32]) {
    sum(Along { of: *of, statistics }, [x, dy], of.channels, first, sums);
}
