//! Convolution and transposed convolution, which are each other's gradients, over matrix products.
//!
//! Both join a large picture (the input of the one, the output of the other) to a small one, whose every
//! place sees one window of the large. A window is a row of `kernel · kernel · channels` values in the
//! order in which the picture stores them, so that each of its lines is one copy. Three products serve:
//!
//! | | small from large | large from small | gradient by W |
//! | --- | --- | --- | --- |
//! | convolution | forward | by the input | yes |
//! | transposed | by the input | forward | yes |
//!
//! Windows are unrolled for a group of samples at a time, which bounds the scratch memory. A group's
//! product goes on from where the one before it stopped, so the groups change no bit.

use super::Engine;
use super::layer::Shape;
use super::rows;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::{Init, Operand, gemm, gemm_scratch_len};
use crate::scratch::{Scratch, ScratchLen};
use crate::view::{MatMut, MatRef};

/// The usual [`Windows::most`]: two megabytes.
pub(super) const GROUP_VALUES: usize = 1 << 19;

/// A (transposed) convolution on a batch. Weights are `[small channels, large channels, kernel, kernel]`.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    pub batch: usize,
    pub large: Shape,
    pub small: Shape,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    /// Values of unrolled windows that are alive at the same time, where one sample has not more by itself.
    pub most: usize,
}

impl Windows {
    /// Places of the small picture.
    fn places(&self) -> usize {
        self.small.height * self.small.width
    }

    /// Values of one window.
    fn window(&self) -> usize {
        self.kernel * self.kernel * self.large.channels
    }

    /// Samples whose windows are unrolled together.
    fn group(&self) -> usize {
        (self.most / (self.places() * self.window()).max(1)).clamp(1, self.batch.max(1))
    }

    /// Bytes of scratch that each of the functions needs at most; `usize::MAX` where a size overflows.
    pub fn scratch_len(&self) -> usize {
        let sizes = || {
            let places = self.small.height.checked_mul(self.small.width)?;
            let window = self.kernel.checked_mul(self.kernel)?.checked_mul(self.large.channels)?;
            let weights = window.checked_mul(self.small.channels)?;
            places.checked_mul(window)?;
            let rows = places.checked_mul(self.group())?;
            Some((rows, window, weights, rows.checked_mul(window)?))
        };
        let Some((rows, window, weights, unrolled)) = sizes() else {
            return usize::MAX;
        };
        let c = self.small.channels;
        let product = gemm_scratch_len(rows, c, window)
            .max(gemm_scratch_len(rows, window, c))
            .max(gemm_scratch_len(c, window, rows));
        ScratchLen::new().with::<f32>(weights).with::<f32>(unrolled).with_bytes(product).bytes()
    }

    /// The samples as (large, small) slices of whole groups.
    fn lens(&self) -> Result<(usize, usize)> {
        Ok((self.large.len()?, self.small.len()?))
    }

    /// small ← bias + windows(large)·Wᵀ; without a bias from 0.
    pub fn small_from_large<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [weight, large]: [&[f32]; 2],
        bias: Option<&[f32]>,
        small: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (large_len, small_len) = self.lens()?;
        let (window, channels) = (self.window(), self.small.channels);
        let packed = self.interleave(weight, scratch)?;
        let packed = MatRef::new(packed, channels, window)?;
        let unrolled = scratch.take::<f32>(self.group() * self.places() * window)?;
        let init = bias.map_or(Init::Zero, Init::Bias);
        let groups = grouped(large, large_len, self.group()).zip(grouped_mut(small, small_len, self.group()));
        for (large, small) in groups {
            let rows = rows::count(small.len(), channels)?;
            self.unroll(on, large, unrolled);
            let windows = Operand::n(MatRef::new(unrolled, rows, window)?);
            let small = MatMut::new(small, rows, channels)?;
            gemm(on.level, on.exec, windows, Operand::t(packed), init, small, scratch)?;
        }
        Ok(())
    }

    /// large ← bias (or 0) + the sum over the windows of small·W.
    pub fn large_from_small<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [weight, small]: [&[f32]; 2],
        bias: Option<&[f32]>,
        large: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (large_len, small_len) = self.lens()?;
        let (window, channels) = (self.window(), self.small.channels);
        let packed = self.interleave(weight, scratch)?;
        let packed = MatRef::new(packed, channels, window)?;
        let unrolled = scratch.take::<f32>(self.group() * self.places() * window)?;
        let groups = grouped_mut(large, large_len, self.group()).zip(grouped(small, small_len, self.group()));
        for (large, small) in groups {
            let rows = rows::count(small.len(), channels)?;
            let small = Operand::n(MatRef::new(small, rows, channels)?);
            let windows = MatMut::new(unrolled, rows, window)?;
            gemm(on.level, on.exec, small, Operand::n(packed), Init::Zero, windows, scratch)?;
            self.fold(on, unrolled, bias, large);
        }
        Ok(())
    }

    /// The gradient by W, smallᵀ·windows(large), written over `grad`.
    pub fn weight_gradient<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [large, small]: [&[f32]; 2],
        grad: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (large_len, small_len) = self.lens()?;
        let (window, channels) = (self.window(), self.small.channels);
        let packed = scratch.take_zeroed::<f32>(channels * window)?;
        let unrolled = scratch.take::<f32>(self.group() * self.places() * window)?;
        let groups = grouped(large, large_len, self.group()).zip(grouped(small, small_len, self.group()));
        for (large, small) in groups {
            let rows = rows::count(small.len(), channels)?;
            self.unroll(on, large, unrolled);
            let small = Operand::t(MatRef::new(small, rows, channels)?);
            let windows = Operand::n(MatRef::new(unrolled, rows, window)?);
            let packed = MatMut::new(packed, channels, window)?;
            gemm(on.level, on.exec, small, windows, Init::Keep, packed, scratch)?;
        }
        let area = self.kernel * self.kernel;
        swap_inner(packed, area, self.large.channels, grad)
    }

    /// The weights with the channels of the large picture innermost, as its windows have them.
    fn interleave<'s>(&self, weight: &[f32], scratch: &mut Scratch<'s>) -> Result<&'s [f32]> {
        let packed = scratch.take::<f32>(self.small.channels * self.window())?;
        swap_inner(weight, self.large.channels, self.kernel * self.kernel, packed)?;
        Ok(packed)
    }

    /// The windows of each sample of `large`, one row for each place.
    fn unroll<E: Executor>(&self, on: Engine<'_, E>, large: &[f32], unrolled: &mut [f32]) {
        let Ok(len) = self.large.len() else { return };
        let block = self.places() * self.window();
        let used = unrolled.get_mut(..large.len() / len.max(1) * block).unwrap_or(&mut []);
        on.exec.for_each_chunk(used, block, |sample, rows| {
            let picture = rows::of(large, len).nth(sample).unwrap_or(&[]);
            self.each_line(|place, line, window_part, picture_part| {
                let row = rows.get_mut(place * self.window() + line..).unwrap_or(&mut []);
                let row = row.get_mut(..self.kernel * self.large.channels).unwrap_or(&mut []);
                let from = picture.get(picture_part).unwrap_or(&[]);
                if let (Some(to), Some(from)) = (row.as_mut_array::<4>(), from.as_array::<4>()) {
                    // The usual line of one channel: a move instead of a call.
                    *to = *from;
                } else if from.len() == row.len() {
                    rows::copy(from, row);
                } else {
                    row.fill(0.0);
                    let to = row.get_mut(window_part).unwrap_or(&mut []);
                    rows::copy(from, to);
                }
            });
        });
    }

    /// The inverse movement: adds each window to its part of the picture, in the order of the places.
    fn fold<E: Executor>(
        &self,
        on: Engine<'_, E>,
        unrolled: &[f32],
        bias: Option<&[f32]>,
        large: &mut [f32],
    ) {
        let Ok(len) = self.large.len() else { return };
        let block = self.places() * self.window();
        on.exec.for_each_chunk(large, len, |sample, picture| {
            match bias {
                Some(bias) => rows::of_mut(picture, bias.len()).for_each(|p| rows::copy(bias, p)),
                None => picture.fill(0.0),
            }
            let rows = unrolled.get(sample * block..).unwrap_or(&[]);
            self.each_line(|place, line, window_part, picture_part| {
                let row = rows.get(place * self.window() + line..).unwrap_or(&[]);
                let from = row.get(window_part).unwrap_or(&[]);
                let to = picture.get_mut(picture_part).unwrap_or(&mut []);
                add(on.level, from, to);
            });
        });
    }

    /// Calls `f(place, start of the line in the window, part of the line, part of the picture)` for each
    /// line of each window; the parts are empty where the line lies in the padding.
    #[inline(always)]
    fn each_line(&self, mut f: impl FnMut(usize, usize, core::ops::Range<usize>, core::ops::Range<usize>)) {
        let Shape { height, width, channels } = self.large;
        let line = self.kernel * channels;
        let mut place = 0;
        for y in 0..self.small.height {
            for x in 0..self.small.width {
                let left = x * self.stride;
                // The columns of the window that lie inside, counted from its left edge.
                let first = self.padding.saturating_sub(left).min(self.kernel);
                let end = (width + self.padding).saturating_sub(left).min(self.kernel).max(first);
                for ky in 0..self.kernel {
                    let row = (y * self.stride + ky).wrapping_sub(self.padding);
                    let (part, from) = if row < height {
                        let start = (row * width + (left + first).saturating_sub(self.padding)) * channels;
                        (first * channels..end * channels, start..start + (end - first) * channels)
                    } else {
                        (0..0, 0..0)
                    };
                    f(place, ky * line, part, from);
                }
                place += 1;
            }
        }
    }
}

/// `[n, a, b]` to `[n, b, a]`, n as many as there are.
pub(super) fn swap_inner(from: &[f32], a: usize, b: usize, to: &mut [f32]) -> Result<()> {
    let block = a.checked_mul(b).ok_or(Error::Overflow)?;
    if from.len() != to.len() || block == 0 {
        return Err(Error::ShapeMismatch);
    }
    for (from, to) in rows::of(from, block).zip(rows::of_mut(to, block)) {
        for (i, row) in rows::of_mut(to, a).enumerate() {
            for (t, f) in row.iter_mut().zip(from.iter().skip(i).step_by(b.max(1))) {
                *t = *f;
            }
        }
    }
    Ok(())
}

/// Groups of `group` samples of `len` values; the last may be shorter.
fn grouped(v: &[f32], len: usize, group: usize) -> core::slice::Chunks<'_, f32> {
    v.chunks((len * group).max(1))
}

/// [`grouped`], to write.
fn grouped_mut(v: &mut [f32], len: usize, group: usize) -> core::slice::ChunksMut<'_, f32> {
    v.chunks_mut((len * group).max(1))
}

kernel! {
    fn add(from: &[f32], to: &mut [f32]) = add_body;
}

#[inline(always)]
fn add_body(from: &[f32], to: &mut [f32]) {
    for (t, f) in to.iter_mut().zip(from) {
        *t += f;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::tests::{BASE, quarters};
    use std::vec;
    use std::vec::Vec;

    /// Both directions and the gradient of a batch of 7, with at most so many values unrolled.
    fn run(most: usize) -> (usize, [Vec<f32>; 3]) {
        let (large, small) = (Shape::image(5, 6, 2), Shape::image(2, 3, 3));
        let windows = Windows { batch: 7, large, small, kernel: 3, stride: 2, padding: 0, most };
        let (weight, bias) = (quarters(54, 5, 13, 6), quarters(3, 3, 7, 3));
        let (x, y) = (quarters(7 * 60, 7, 11, 5), quarters(7 * 18, 3, 17, 8));
        let mut memory = vec![0x7fu8; windows.scratch_len()];
        let mut out = [vec![9f32; 7 * 18], vec![9f32; 7 * 60], vec![9f32; 54]];
        let [down, up, grad] = &mut out;
        windows
            .small_from_large(BASE, [&weight, &x], Some(&bias), down, &mut Scratch::new(&mut memory))
            .unwrap();
        windows.large_from_small(BASE, [&weight, &y], None, up, &mut Scratch::new(&mut memory)).unwrap();
        windows.weight_gradient(BASE, [&x, &y], grad, &mut Scratch::new(&mut memory)).unwrap();
        (windows.group(), out)
    }

    #[test]
    fn groups_change_no_bit() {
        let (all, want) = run(GROUP_VALUES);
        assert_eq!(all, 7);
        // One sample has 6 windows of 18 values: groups of one, of two with one left over, and of five and two.
        for (most, group) in [(1, 1), (250, 2), (600, 5)] {
            let got = run(most);
            assert!(got == (group, want.clone()), "{most}");
        }
    }
}
