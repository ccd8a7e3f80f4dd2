//! Batch normalisation (Ioffe, Szegedy 2015): mean and variance of each channel over the batch and its places.

use super::columns::{Columns, lanes, sixteens, sum, totals};
use crate::exec::Executor;
use crate::math;
use crate::nn::Engine;
use crate::nn::parallel::for_rows;
use crate::nn::rows;
use crate::simd::LANES;

/// A batch normalisation of so many channels.
#[derive(Clone, Copy)]
pub(in crate::nn) struct Batch {
    pub channels: usize,
    pub momentum: f32,
    pub epsilon: f32,
}

/// The mean of each channel, and 1 / its standard deviation.
#[derive(Clone, Copy)]
pub(in crate::nn) struct Statistics<'a> {
    pub mean: &'a [f32],
    pub inverse: &'a [f32],
}

impl<'a> Statistics<'a> {
    /// Both in one slice, one after the other.
    pub fn of(both: &'a [f32]) -> Self {
        let (mean, inverse) = both.split_at_checked(both.len() / 2).unwrap_or_default();
        Self { mean, inverse }
    }
}

impl Batch {
    /// The statistics of a batch to `both`; they move the running `state` by the momentum: means and then variances, the
    /// latter by the unbiased variance of the batch, as PyTorch has it. There are at least two rows.
    pub fn measure<E: Executor>(&self, on: Engine<'_, E>, x: &[f32], both: &mut [f32], state: &mut [f32]) {
        let rows = x.len() / self.channels.max(1);
        let share = 1.0 / rows.max(1) as f32;
        let (mean, inverse) = both.split_at_mut_checked(self.channels).unwrap_or_default();
        totals(on, x, mean);
        mean.iter_mut().for_each(|v| *v *= share);
        sixteens(on, inverse, |level, first, sums| squares(level, x, mean, self.channels, first, sums));
        let unbiased = 1.0 / rows.saturating_sub(1).max(1) as f32;
        let (means, variances) = state.split_at_mut_checked(self.channels).unwrap_or_default();
        let keep = 1.0 - self.momentum;
        means.iter_mut().zip(&*mean).for_each(|(to, v)| *to = keep * *to + self.momentum * v);
        for (running, sum) in variances.iter_mut().zip(inverse) {
            *running = keep * *running + self.momentum * (*sum * unbiased);
            *sum = 1.0 / math::sqrt(*sum * share + self.epsilon);
        }
    }

    /// The statistics that the running `state` stands for, to `both`.
    pub fn recall(&self, state: &[f32], both: &mut [f32]) {
        let (mean, inverse) = both.split_at_mut_checked(self.channels).unwrap_or_default();
        let (means, variances) = state.split_at_checked(self.channels).unwrap_or_default();
        rows::copy(means, mean);
        for (to, v) in inverse.iter_mut().zip(variances) {
            *to = 1.0 / math::sqrt(v + self.epsilon);
        }
    }

    /// Normalises in place.
    pub fn apply<E: Executor>(
        &self,
        on: Engine<'_, E>,
        statistics: Statistics<'_>,
        [weight, bias]: [&[f32]; 2],
        v: &mut [f32],
    ) {
        let rows = v.len() / self.channels.max(1);
        for_rows(on.exec, rows, [v], |_, [v]| normalise(on.level, statistics, weight, bias, v));
    }

    /// The sums over the batch that the way back needs, Σ dy·(x − mean)/σ and then Σ dy of each channel, to `sums`: those are
    /// also the gradients by γ and β.
    pub fn sums<E: Executor>(
        &self,
        on: Engine<'_, E>,
        statistics: Statistics<'_>,
        [x, dy]: [&[f32]; 2],
        sums: &mut [f32],
    ) {
        let (by_weight, by_bias) = sums.split_at_mut_checked(self.channels).unwrap_or_default();
        sixteens(on, by_weight, |level, first, sums| along(level, statistics, x, dy, first, sums));
        totals(on, dy, by_bias);
    }

    /// `grad`, the gradient by the output, becomes that by the input.
    pub fn chain<E: Executor>(
        &self,
        on: Engine<'_, E>,
        statistics: Statistics<'_>,
        [weight, sums, x]: [&[f32]; 3],
        grad: &mut [f32],
    ) {
        let rows = grad.len() / self.channels.max(1);
        let share = 1.0 / rows.max(1) as f32;
        for_rows(on.exec, rows, [grad], |first, [grad]| {
            let x = x.get(first.saturating_mul(self.channels)..).unwrap_or(&[]);
            back(on.level, statistics, weight, sums, share, x, grad);
        });
    }
}

/// (x − mean)², with the means of the sixteen columns.
#[derive(Clone, Copy)]
struct Square([f32; LANES]);

impl Columns for Square {
    #[inline(always)]
    fn at(self, _: usize, _: usize, x: &[f32; LANES], _: &[f32; LANES]) -> [f32; LANES] {
        let mut out = *x;
        for (out, mean) in out.iter_mut().zip(self.0) {
            *out -= mean;
            *out *= *out;
        }
        out
    }
}

kernel! {
    fn squares(x: &[f32], mean: &[f32], cols: usize, first: usize, sums: &mut [f32]) = squares_body;
}

#[inline(always)]
fn squares_body(x: &[f32], mean: &[f32], cols: usize, first: usize, sums: &mut [f32]) {
    sum(Square(lanes(mean, first)), [x, x], cols, first, sums);
}

/// dy·(x − mean)/σ, with the statistics of the sixteen columns.
#[derive(Clone, Copy)]
struct Along {
    mean: [f32; LANES],
    inverse: [f32; LANES],
}

impl Columns for Along {
    #[inline(always)]
    fn at(self, _: usize, _: usize, x: &[f32; LANES], dy: &[f32; LANES]) -> [f32; LANES] {
        let mut out = *x;
        for (((out, mean), inverse), dy) in out.iter_mut().zip(self.mean).zip(self.inverse).zip(dy) {
            *out = (*out - mean) * inverse * dy;
        }
        out
    }
}

kernel! {
    fn along(statistics: Statistics<'_>, x: &[f32], dy: &[f32], first: usize, sums: &mut [f32]) = along_body;
}

#[inline(always)]
fn along_body(statistics: Statistics<'_>, x: &[f32], dy: &[f32], first: usize, sums: &mut [f32]) {
    let Statistics { mean, inverse } = statistics;
    let columns = Along { mean: lanes(mean, first), inverse: lanes(inverse, first) };
    sum(columns, [x, dy], mean.len(), first, sums);
}

kernel! {
    fn normalise(statistics: Statistics<'_>, weight: &[f32], bias: &[f32], v: &mut [f32]) = normalise_body;
}

#[inline(always)]
fn normalise_body(statistics: Statistics<'_>, weight: &[f32], bias: &[f32], v: &mut [f32]) {
    let Statistics { mean, inverse } = statistics;
    for row in rows::of_mut(v, mean.len()) {
        for ((((v, mean), inverse), weight), bias) in
            row.iter_mut().zip(mean).zip(inverse).zip(weight).zip(bias)
        {
            *v = (*v - mean) * (inverse * weight) + bias;
        }
    }
}

kernel! {
    fn back(
        statistics: Statistics<'_>,
        weight: &[f32],
        sums: &[f32],
        share: f32,
        x: &[f32],
        grad: &mut [f32],
    ) = back_body;
}

#[inline(always)]
fn back_body(
    statistics: Statistics<'_>,
    weight: &[f32],
    sums: &[f32],
    share: f32,
    x: &[f32],
    grad: &mut [f32],
) {
    let Statistics { mean, inverse } = statistics;
    let (along, total) = sums.split_at_checked(mean.len()).unwrap_or_default();
    for (grad, x) in rows::of_mut(grad, mean.len()).zip(rows::of(x, mean.len())) {
        let columns = mean.iter().zip(inverse).zip(weight).zip(along).zip(total);
        for ((grad, x), ((((mean, inverse), weight), along), total)) in grad.iter_mut().zip(x).zip(columns) {
            let place = (x - mean) * inverse;
            *grad = inverse * weight * (*grad - share * total - place * (share * along));
        }
    }
}
