//! Values as bytes: the steps of a range, and how sums become bytes or numbers again.

use super::tiles::Tile;
use crate::error::{Error, Result};
use crate::math;
use crate::nn::{Activation, rows};
use crate::simd::{LANES, Level};

/// 1.5 · 2²³: a number that is added to it is rounded to a whole one, ties to even, which the last byte of the sum's bits holds.
const ROUND: f32 = 12_582_912.0;
/// The largest byte.
const MOST: f32 = 255.0;

/// A value v is the byte v / scale + zero, rounded to the nearest whole number, ties to even, and moved into 0..=255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steps {
    pub scale: f32,
    /// 1 / scale.
    pub inverse: f32,
    /// The byte of 0, so that padding is exact.
    pub zero: f32,
}

impl Steps {
    /// The 255 steps of a range that holds 0.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for another range, [`Error::NotFinite`] for one whose length is not finite.
    pub fn of([low, high]: [f32; 2]) -> Result<Self> {
        let length = high - low;
        if !(length <= f32::MAX) {
            return Err(Error::NotFinite);
        }
        if low > 0.0 || high < 0.0 {
            return Err(Error::InvalidArgument);
        }
        if length == 0.0 {
            return Ok(Self { scale: 1.0, inverse: 1.0, zero: 0.0 });
        }
        let scale = math::max(length / MOST, f32::MIN_POSITIVE);
        let inverse = 1.0 / scale;
        let zero = f32::from(Self { scale, inverse, zero: 0.0 }.byte(-low));
        Ok(Self { scale, inverse, zero })
    }

    /// The byte of 0.
    pub fn zero_byte(self) -> u8 {
        math::to_u8(self.zero)
    }

    /// The byte of a value; of NaN the lowest.
    #[inline(always)]
    pub fn byte(self, v: f32) -> u8 {
        self.round(v * self.inverse)
    }

    /// The byte of a value that was divided by the scale.
    #[inline(always)]
    fn round(self, v: f32) -> u8 {
        let v = math::min(math::max(v, -self.zero), MOST - self.zero);
        (v + (ROUND + self.zero)).to_bits() as u8
    }

    /// The value of a byte.
    #[inline(always)]
    pub fn value(self, byte: u8) -> f32 {
        (f32::from(byte) - self.zero) * self.scale
    }
}

kernel! {
    /// Values as bytes.
    pub(super) fn to_bytes(steps: Steps, from: &[f32], to: &mut [u8]) = to_bytes_body;
}

#[inline(always)]
fn to_bytes_body(steps: Steps, from: &[f32], to: &mut [u8]) {
    for (to, &v) in to.iter_mut().zip(from) {
        *to = steps.byte(v);
    }
}

/// What becomes of sums: each is multiplied by the scale of its column and by that of the input, a function follows, and the
/// steps of the output where there are any. The product of the two last factors is rounded once where no other function than
/// a bend at 0 is between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settle<'a> {
    level: Level,
    scales: &'a [f32],
    factor: f32,
    /// What values below 0 are multiplied by.
    slope: f32,
    function: Option<Activation>,
    steps: Steps,
}

impl<'a> Settle<'a> {
    /// For sums by weights of these scales and inputs of these steps.
    pub fn new(level: Level, scales: &'a [f32], from: Steps, then: Option<Activation>, to: Steps) -> Self {
        let (slope, function) = match then {
            None => (1.0, None),
            Some(Activation::Relu) => (0.0, None),
            Some(Activation::LeakyRelu { slope }) => (slope, None),
            function => (1.0, function),
        };
        let factor = if function.is_none() { from.scale * to.inverse } else { from.scale };
        Self { level, scales, factor, slope, function, steps: to }
    }

    /// The same for columns from channel `first` on.
    pub fn from(&self, first: usize) -> Self {
        Self { scales: self.scales.get(first..).unwrap_or(&[]), ..*self }
    }

    /// For sums that stay numbers.
    pub const fn numbers(level: Level, scales: &'a [f32], from: Steps) -> Self {
        Self { level, scales, factor: from.scale, slope: 1.0, function: None, steps: from }
    }
}

/// What sums become: bytes, or numbers after the last product.
pub(super) trait Settled: Copy + Send + Sync {
    /// Writes a tile: row r of it at `at` + r · `row`.
    fn settle(level: Level, tile: &Tile<'_>, by: &Settle<'_>, place: (usize, usize), to: &mut [Self]);

    /// Writes a row of sums.
    fn write(by: &Settle<'_>, sums: &[i32], scales: &[f32], to: &mut [Self]);
}

impl Settled for u8 {
    kernel! {
        fn settle(tile: &Tile<'_>, by: &Settle<'_>, place: (usize, usize), to: &mut [u8]) = settle_body;
    }

    #[inline(always)]
    fn write(by: &Settle<'_>, sums: &[i32], scales: &[f32], to: &mut [u8]) {
        let Some(function) = by.function else {
            for ((to, &sum), &scale) in to.iter_mut().zip(sums).zip(scales) {
                let v = (sum as f32 * scale) * by.factor;
                *to = by.steps.round(if v > 0.0 { v } else { by.slope * v });
            }
            return;
        };
        let some = sums.chunks(LANES).zip(scales.chunks(LANES)).zip(to.chunks_mut(LANES));
        for ((sums, scales), to) in some {
            let mut values = [0.0; LANES];
            f32::write(by, sums, scales, &mut values);
            function.run(by.level, &mut values);
            to_bytes_body(by.steps, &values, to);
        }
    }
}

impl Settled for f32 {
    kernel! {
        fn settle(tile: &Tile<'_>, by: &Settle<'_>, place: (usize, usize), to: &mut [f32]) = settle_body;
    }

    #[inline(always)]
    fn write(by: &Settle<'_>, sums: &[i32], scales: &[f32], to: &mut [f32]) {
        for ((to, &sum), &scale) in to.iter_mut().zip(sums).zip(scales) {
            *to = (sum as f32 * scale) * by.factor;
        }
    }
}

#[inline(always)]
fn settle_body<T: Settled>(tile: &Tile<'_>, by: &Settle<'_>, (mut at, row): (usize, usize), to: &mut [T]) {
    let scales = by.scales.get(tile.col..).unwrap_or(&[]);
    for sums in tile.sums.chunks_exact(tile.width.max(1)) {
        let to = to.get_mut(at..).and_then(|to| to.get_mut(..tile.cols)).unwrap_or(&mut []);
        T::write(by, sums, scales, to);
        at = at.saturating_add(row);
    }
}

/// Bytes of a stage that has no sums: those of the values times a factor and plus an offset for each channel, where there are
/// any, and of the function behind them.
pub(super) fn turn(from: Steps, norm: Option<(&[f32], usize)>, x: &[u8], by: &Settle<'_>, y: &mut [u8]) {
    let channels = norm.map_or(LANES, |(_, channels)| channels).max(1);
    for (x, y) in x.chunks(channels).zip(y.chunks_mut(channels)) {
        for (i, (x, y)) in x.chunks(LANES).zip(y.chunks_mut(LANES)).enumerate() {
            let mut values = [0.0; LANES];
            values.iter_mut().zip(x).for_each(|(v, &byte)| *v = from.value(byte));
            if let Some((scales, channels)) = norm {
                let (factors, offsets) = scales.split_at_checked(channels).unwrap_or_default();
                let at = i * LANES;
                move_by(factors.get(at..).unwrap_or(&[]), offsets.get(at..).unwrap_or(&[]), &mut values);
            }
            match by.function {
                Some(function) => function.run(by.level, &mut values),
                None => values.iter_mut().for_each(|v| *v = if *v > 0.0 { *v } else { by.slope * *v }),
            }
            to_bytes_body(by.steps, &values, y);
        }
    }
}

/// Each row of `channels` values times factors and plus offsets, which lie one after the other in `scales`.
pub(super) fn affine(scales: &[f32], channels: usize, v: &mut [f32]) {
    let (factors, offsets) = scales.split_at_checked(channels).unwrap_or_default();
    rows::of_mut(v, channels).for_each(|row| move_by(factors, offsets, row));
}

fn move_by(factors: &[f32], offsets: &[f32], v: &mut [f32]) {
    for ((v, factor), offset) in v.iter_mut().zip(factors).zip(offsets) {
        *v = *v * factor + offset;
    }
}
