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
    for (window, to) in rows::of_mut(y, channels).enumerate() {
        to.fill(0);
        for place in windows.places(window) {
            let from = rows::of(x, channels).nth(place).unwrap_or(&[]);
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = if from > *to { from } else { *to });
        }
    }
}

/// The mean of each window, in which padding counts as 0, rounded to the nearest byte, halves upwards.
fn mean(windows: &Windows, x: &[u8], zero: u8, y: &mut [u8]) {
    let (channels, kernel) = (windows.input.channels, windows.pool.kernel as u64);
    let all = kernel.saturating_mul(kernel);
    for (window, to) in rows::of_mut(y, channels).enumerate() {
        let padding = all.saturating_sub(windows.places(window).count() as u64);
        for (first, to) in (0..).step_by(LANES).zip(to.chunks_mut(LANES)) {
            let mut sums = [padding.saturating_mul(u64::from(zero)); LANES];
            for place in windows.places(window) {
                let from = rows::of(x, channels).nth(place).and_then(|from| from.get(first..));
                let from = from.unwrap_or(&[]).iter();
                sums.iter_mut().zip(from).for_each(|(sum, &from)| *sum = sum.saturating_add(u64::from(from)));
            }
            for (to, sum) in to.iter_mut().zip(sums) {
                let twice = sum.saturating_mul(2).saturating_add(all);
                *to = twice.checked_div(all.saturating_mul(2)).unwrap_or(0) as u8;
            }
        }
    }
}
