//! Bytes that go elsewhere, and pooled bytes.

use crate::exec::Executor;
use crate::nn::layer::{Layer, Pool2d};
use crate::nn::pool::{Windows, repeat};
use crate::nn::{Engine, Shape, reorder, rows};
use crate::simd::LANES;

/// What a layer of no products makes of bytes of which `zero` is that of 0.
pub(super) fn bytes<E: Executor>(
    on: Engine<'_, E>,
    layer: Layer,
    (input, output): (Shape, Shape),
    (x, zero): (&[u8], u8),
    y: &mut [u8],
) {
    let lens = [input, output].map(|shape| shape.len().unwrap_or(0));
    let pooled = |pool: Pool2d, each: Pooling, y: &mut [u8]| {
        let windows = Windows { pool, input, output };
        on.exec.for_each_chunk(y, lens[1], |sample, y| {
            each(&windows, rows::of(x, lens[0]).nth(sample).unwrap_or(&[]), zero, y);
        });
    };
    match layer {
        Layer::Upsample { factor } => repeat(on, input, factor, x, y),
        Layer::MaxPool2d(pool) => pooled(pool, largest, y),
        Layer::AvgPool2d(pool) => pooled(pool, mean, y),
        Layer::Unflatten(_) => reorder::interleave(on, output, x, y),
        _ => reorder::separate(on, input, x, y),
    }
}

/// The same of numbers.
pub(super) fn numbers<E: Executor>(
    on: Engine<'_, E>,
    layer: Layer,
    (input, output): (Shape, Shape),
    x: &[f32],
    y: &mut [f32],
) {
    match layer {
        Layer::Upsample { factor } => repeat(on, input, factor, x, y),
        Layer::MaxPool2d(pool) => Windows { pool, input, output }.largest(on, x, y),
        Layer::AvgPool2d(pool) => Windows { pool, input, output }.mean(on, x, y),
        Layer::Unflatten(_) => reorder::interleave(on, output, x, y),
        _ => reorder::separate(on, input, x, y),
    }
}

/// Windows, a sample, the byte of 0, and where the output goes.
type Pooling = fn(&Windows, &[u8], u8, &mut [u8]);

/// The largest of each window.
fn largest(windows: &Windows, x: &[u8], _: u8, y: &mut [u8]) {
    let channels = windows.input.channels;
    y.fill(0);
    windows.pairs(|window, place| {
        let to = rows::of_mut(y, channels).nth(window).unwrap_or(&mut []);
        for (to, &from) in to.iter_mut().zip(rows::of(x, channels).nth(place).unwrap_or(&[])) {
            *to = if from > *to { from } else { *to };
        }
    });
}

/// The mean of each window, in which padding counts as 0; halves become the greater of the two bytes.
fn mean(windows: &Windows, x: &[u8], zero: u8, y: &mut [u8]) {
    let Pool2d { kernel, .. } = windows.pool;
    let channels = windows.input.channels;
    let all = (kernel as u64).saturating_mul(kernel as u64);
    for first in (0..channels).step_by(LANES) {
        // What the windows add up to is wanted channel by channel, one window after the other.
        let (mut sums, mut places, mut at) = ([0u64; LANES], 0u64, 0);
        let mut finish = |at: usize, sums: &mut [u64; LANES], places: &mut u64| {
            let padding = all.saturating_sub(*places).saturating_mul(u64::from(zero));
            let to = rows::of_mut(y, channels).nth(at).and_then(|to| to.get_mut(first..)).unwrap_or(&mut []);
            for (to, sum) in to.iter_mut().zip(sums.iter()) {
                let twice = sum.saturating_add(padding).saturating_mul(2).saturating_add(all);
                *to = twice.checked_div(all.saturating_mul(2)).unwrap_or(0) as u8;
            }
            (*sums, *places) = ([0; LANES], 0);
        };
        windows.pairs(|window, place| {
            if window != at {
                finish(at, &mut sums, &mut places);
                at = window;
            }
            let from = rows::of(x, channels).nth(place).and_then(|from| from.get(first..)).unwrap_or(&[]);
            sums.iter_mut().zip(from).for_each(|(sum, &from)| *sum += u64::from(from));
            places += 1;
        });
        finish(at, &mut sums, &mut places);
    }
}
