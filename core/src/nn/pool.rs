//! Pooling of windows, and its inverse movement, nearest up-sampling.

use super::Engine;
use super::layer::Pool2d;
use super::reorder::Value;
use super::rows;
use super::shape::Shape;
use crate::exec::Executor;

/// Windows over samples of one shape.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    pub pool: Pool2d,
    pub input: Shape,
    pub output: Shape,
}

impl Windows {
    /// Calls `each(place of the output, place of the input)` for all pairs of a window and a place in it, the windows in
    /// their order and in each of them rows first.
    #[inline(always)]
    fn pairs(&self, mut each: impl FnMut(usize, usize)) {
        let Pool2d { kernel, stride, padding } = self.pool;
        let inside = |window: usize, side: usize| {
            let first = window * stride;
            first.max(padding)..(first + kernel).min(side + padding)
        };
        for y in 0..self.output.height {
            for x in 0..self.output.width {
                for row in inside(y, self.input.height) {
                    for column in inside(x, self.input.width) {
                        let from = (row - padding) * self.input.width + column - padding;
                        each(y * self.output.width + x, from);
                    }
                }
            }
        }
    }

    /// The places of the input that a window has, rows first.
    pub fn places(&self, window: usize) -> impl Iterator<Item = usize> {
        let Pool2d { kernel, stride, padding } = self.pool;
        let inside = |window: usize, side: usize| {
            let first = window.saturating_mul(stride);
            first.saturating_sub(padding)..first.saturating_add(kernel).saturating_sub(padding).min(side)
        };
        let at = [window.checked_div(self.output.width), window.checked_rem(self.output.width)];
        let [y, x] = at.map(|at| at.unwrap_or(0));
        let (rows, columns) = (inside(y, self.input.height), inside(x, self.input.width));
        let width = self.input.width;
        rows.flat_map(move |row| {
            columns.clone().map(move |column| row.saturating_mul(width).saturating_add(column))
        })
    }

    /// The values of a sample.
    fn lens(&self) -> (usize, usize) {
        let len = |shape: Shape| shape.len().unwrap_or(0);
        (len(self.input), len(self.output))
    }

    /// The mean of each window; zeros in the padding count.
    pub fn mean<E: Executor>(&self, on: Engine<'_, E>, x: &[f32], y: &mut [f32]) {
        let (from, to) = self.lens();
        let share = self.share();
        on.exec.for_each_chunk(y, to, |sample, y| {
            let x = rows::of(x, from).nth(sample).unwrap_or(&[]);
            y.fill(0.0);
            self.pairs(|window, place| self.pixels(y, x, window, place, |to, from| *to += from));
            y.iter_mut().for_each(|v| *v *= share);
        });
    }

    /// The gradient by the input of [`Windows::mean`].
    pub fn mean_back<E: Executor>(&self, on: Engine<'_, E>, dy: &[f32], dx: &mut [f32]) {
        let (from, to) = self.lens();
        let share = self.share();
        on.exec.for_each_chunk(dx, from, |sample, dx| {
            let dy = rows::of(dy, to).nth(sample).unwrap_or(&[]);
            dx.fill(0.0);
            self.pairs(|window, place| self.pixels(dx, dy, place, window, |to, from| *to += share * from));
        });
    }

    fn share(&self) -> f32 {
        1.0 / self.pool.kernel.saturating_mul(self.pool.kernel).max(1) as f32
    }

    /// The largest of each window.
    pub fn largest<E: Executor>(&self, on: Engine<'_, E>, x: &[f32], y: &mut [f32]) {
        let (from, to) = self.lens();
        on.exec.for_each_chunk(y, to, |sample, y| {
            let x = rows::of(x, from).nth(sample).unwrap_or(&[]);
            y.fill(f32::NEG_INFINITY);
            self.pairs(|window, place| self.pixels(y, x, window, place, |to, from| *to = larger(*to, from)));
        });
    }

    /// The gradient by the input of [`Windows::largest`]: that of a window goes to the first of its largest values.
    pub fn largest_back<E: Executor>(&self, on: Engine<'_, E>, [x, dy]: [&[f32]; 2], dx: &mut [f32]) {
        let (from, to) = self.lens();
        on.exec.for_each_chunk(dx, from, |sample, dx| {
            let x = rows::of(x, from).nth(sample).unwrap_or(&[]);
            let dy = rows::of(dy, to).nth(sample).unwrap_or(&[]);
            dx.fill(0.0);
            self.each_largest(x, |window, place| {
                if let Some((to, from)) = dx.get_mut(place).zip(dy.get(window)) {
                    *to += from;
                }
            });
        });
    }

    /// What is in `from` where the first of the largest values of each window of `x` is.
    pub fn at_largest<E: Executor>(&self, on: Engine<'_, E>, [x, from]: [&[f32]; 2], y: &mut [f32]) {
        let (len, to) = self.lens();
        on.exec.for_each_chunk(y, to, |sample, y| {
            let x = rows::of(x, len).nth(sample).unwrap_or(&[]);
            let from = rows::of(from, len).nth(sample).unwrap_or(&[]);
            self.each_largest(x, |window, place| {
                if let Some((to, from)) = y.get_mut(window).zip(from.get(place)) {
                    *to = *from;
                }
            });
        });
    }

    /// Calls `each(value of the output, value of the input)` with the first of the largest values of each window, channel by
    /// channel.
    fn each_largest(&self, x: &[f32], mut each: impl FnMut(usize, usize)) {
        let channels = self.input.channels;
        for channel in 0..channels {
            let value = |place: usize| x.get(place * channels + channel).copied().unwrap_or(0.0);
            let mut give = |best: Option<(usize, usize, f32)>| {
                let Some((window, place, _)) = best else { return };
                each(window * channels + channel, place * channels + channel);
            };
            let mut best: Option<(usize, usize, f32)> = None;
            self.pairs(|window, place| {
                let v = value(place);
                match best {
                    Some((of, _, most)) if of == window => {
                        if beats(v, most) {
                            best = Some((window, place, v));
                        }
                    }
                    done => {
                        give(done);
                        best = Some((window, place, v));
                    }
                }
            });
            give(best);
        }
    }

    /// Calls `each` with the values of a pixel of `to` and those of one of `from`.
    #[inline(always)]
    fn pixels(
        &self,
        to: &mut [f32],
        from: &[f32],
        to_at: usize,
        from_at: usize,
        each: impl Fn(&mut f32, f32),
    ) {
        let channels = self.input.channels;
        let part = |at: usize| at * channels..(at + 1) * channels;
        let from = from.get(part(from_at)).unwrap_or(&[]);
        for (to, &from) in to.get_mut(part(to_at)).unwrap_or(&mut []).iter_mut().zip(from) {
            each(to, from);
        }
    }
}

/// Whether `v` is the largest so far where `most` was: NaN is, and stays so.
#[inline(always)]
fn beats(v: f32, most: f32) -> bool {
    v > most || v.is_nan() && !most.is_nan()
}

#[inline(always)]
fn larger(most: f32, v: f32) -> f32 {
    if beats(v, most) { v } else { most }
}

/// Each pixel of samples of the shape `from` repeated `factor` times along both sides.
pub(super) fn repeat<T: Value, E: Executor>(
    on: Engine<'_, E>,
    from: Shape,
    factor: usize,
    x: &[T],
    y: &mut [T],
) {
    let line = from.width.saturating_mul(from.channels);
    let wide = line.saturating_mul(factor);
    // A job makes the lines of one line of the input.
    on.exec.for_each_chunk(y, wide.saturating_mul(factor), |i, lines| {
        let x = rows::of(x, line).nth(i).unwrap_or(&[]);
        for to in rows::of_mut(lines, wide) {
            for (pixel, to) in
                rows::of(x, from.channels).zip(rows::of_mut(to, from.channels.saturating_mul(factor)))
            {
                rows::of_mut(to, from.channels).for_each(|to| rows::copy(pixel, to));
            }
        }
    });
}

/// The gradient by the input of [`repeat`]: what came of each pixel added, rows first.
pub(super) fn repeat_back<E: Executor>(
    on: Engine<'_, E>,
    from: Shape,
    factor: usize,
    dy: &[f32],
    dx: &mut [f32],
) {
    let line = from.width.saturating_mul(from.channels);
    let wide = line.saturating_mul(factor);
    on.exec.for_each_chunk(dx, line, |i, dx| {
        let lines = rows::of(dy, wide.saturating_mul(factor)).nth(i).unwrap_or(&[]);
        dx.fill(0.0);
        for dy in rows::of(lines, wide) {
            let pixels = rows::of(dy, from.channels.saturating_mul(factor));
            for (dy, dx) in pixels.zip(rows::of_mut(dx, from.channels)) {
                for dy in rows::of(dy, from.channels) {
                    dx.iter_mut().zip(dy).for_each(|(to, from)| *to += from);
                }
            }
        }
    });
}
