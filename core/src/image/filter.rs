//! Resampling filters, and the windows of weighted source pixels that they make of two sizes.
//!
//! The rule is Pillow's (Resample.c, after the PIL of Lundh and the antialiasing of Karpinskiy), number for
//! number: half-pixel centres, a filter stretched by the scale when shrinking (antialiasing), weights that
//! are normalised in `f64` and rounded to integers of 22 fractional bits.

use crate::error::{Error, Result};
use crate::scratch::{Scratch, ScratchLen};

/// Fractional bits of a weight: 8 bits of value, 2 for overshoot and 22 fill 32 bits.
pub(crate) const WEIGHT_BITS: u32 = 22;

/// How pixels between pixels are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Filter {
    /// The nearest pixel. Not antialiased: for masks and pixel art.
    Nearest,
    /// A triangle of radius 1.
    #[default]
    Bilinear,
    /// The cubic of Keys 1981 with a = −½, radius 2.
    Bicubic,
    /// A sinc windowed by a sinc, radius 3.
    Lanczos3,
}

impl Filter {
    /// All of them, in the order of their support.
    pub const ALL: [Filter; 4] = [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos3];

    /// `nearest`, `bilinear`, `bicubic` or `lanczos3`.
    pub const fn name(self) -> &'static str {
        match self {
            Filter::Nearest => "nearest",
            Filter::Bilinear => "bilinear",
            Filter::Bicubic => "bicubic",
            Filter::Lanczos3 => "lanczos3",
        }
    }

    const fn support(self) -> f64 {
        match self {
            Filter::Nearest => 0.5,
            Filter::Bilinear => 1.0,
            Filter::Bicubic => 2.0,
            Filter::Lanczos3 => 3.0,
        }
    }

    /// The weight at distance `x` in (stretched) pixels.
    fn weight(self, x: f64) -> f64 {
        let a = if x < 0.0 { -x } else { x };
        match self {
            Filter::Nearest => 1.0,
            Filter::Bilinear if a < 1.0 => 1.0 - a,
            Filter::Bicubic if a < 1.0 => (1.5 * a - 2.5) * a * a + 1.0,
            Filter::Bicubic if a < 2.0 => (((a - 5.0) * a + 8.0) * a - 4.0) * -0.5,
            Filter::Lanczos3 if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }

    /// The most source pixels that one output pixel may weigh.
    pub(crate) fn taps(self, from: usize, to: usize) -> usize {
        if matches!(self, Filter::Nearest) || to == 0 {
            return from.min(1);
        }
        let scale = from as f64 / to as f64;
        let support = self.support() * if scale < 1.0 { 1.0 } else { scale };
        let whole = support as usize;
        let ceil = if (whole as f64) < support { whole.saturating_add(1) } else { whole };
        ceil.saturating_mul(2).saturating_add(1).min(from)
    }
}

/// sin(πx) / (πx).
fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    sin_pi(x) / (x * core::f64::consts::PI)
}

/// sin(πx) for small x, within 1e-15: a Taylor series on [−½, ½], where the next term is below 1e-17.
fn sin_pi(x: f64) -> f64 {
    let shifted = if x < 0.0 { x - 0.5 } else { x + 0.5 };
    let nearest = shifted as i64;
    let t = (x - nearest as f64) * core::f64::consts::PI;
    let z = t * t;
    let mut series = 1.0;
    for k in [20.0, 18.0, 16.0, 14.0, 12.0, 10.0, 8.0, 6.0, 4.0, 2.0] {
        series = 1.0 - z / (k * (k + 1.0)) * series;
    }
    if nearest & 1 == 0 { t * series } else { -(t * series) }
}

/// For each output position: where its window of source positions starts, how long it is, and the weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taps<'s> {
    starts: &'s [u32],
    lens: &'s [u32],
    weights: &'s [i32],
    stride: usize,
}

impl<'s> Taps<'s> {
    /// What [`Taps::new`] takes from its scratch.
    pub fn scratch_len(filter: Filter, from: usize, to: usize) -> ScratchLen {
        let weights = to.saturating_mul(filter.taps(from, to));
        ScratchLen::new().with::<u32>(to).with::<u32>(to).with::<i32>(weights)
    }

    /// The windows that take `from` positions to `to` positions.
    pub fn new(filter: Filter, from: usize, to: usize, scratch: &mut Scratch<'s>) -> Result<Self> {
        if u32::try_from(from).is_err() || u32::try_from(to).is_err() {
            return Err(Error::Overflow);
        }
        let stride = filter.taps(from, to);
        let starts = scratch.take::<u32>(to)?;
        let lens = scratch.take::<u32>(to)?;
        let weights = scratch.take::<i32>(to.checked_mul(stride).ok_or(Error::Overflow)?)?;
        if matches!(filter, Filter::Nearest) {
            nearest(from, starts);
            lens.fill(1);
            weights.fill(1 << WEIGHT_BITS);
        } else {
            let windows = starts.iter_mut().zip(lens.iter_mut()).zip(weights.chunks_mut(stride.max(1)));
            let scale = from as f64 / to as f64;
            for (i, ((start, len), weights)) in windows.enumerate() {
                (*start, *len) = window(filter, from, scale, i, weights);
            }
        }
        Ok(Self { starts, lens, weights, stride })
    }

    /// Start and weights of each output position in order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &'s [i32])> + use<'s> {
        let weights = self.weights.chunks(self.stride.max(1));
        self.starts
            .iter()
            .zip(self.lens)
            .zip(weights)
            .map(|((&start, &len), weights)| (start as usize, weights.get(..len as usize).unwrap_or(weights)))
    }

    /// How many output positions there are.
    pub const fn len(&self) -> usize {
        self.starts.len()
    }

    /// Start and weights of output position `i`.
    pub fn at(&self, i: usize) -> Option<(usize, &'s [i32])> {
        let (start, len) = (self.starts.get(i)?, self.lens.get(i)?);
        let weights = self.weights.get(i * self.stride..)?.get(..*len as usize)?;
        Some((*start as usize, weights))
    }

    /// The longest window.
    pub const fn stride(&self) -> usize {
        self.stride
    }
}

/// Pillow's nearest pixels: the whole part of a running sum of the scale, started at half of it.
fn nearest(from: usize, starts: &mut [u32]) {
    let scale = from as f64 / starts.len() as f64;
    let mut at = scale * 0.5;
    for start in starts {
        *start = (at as u32).min((from as u32).saturating_sub(1));
        at += scale;
    }
}

/// Start, length and weights of output position `i`.
fn window(filter: Filter, from: usize, scale: f64, i: usize, weights: &mut [i32]) -> (u32, u32) {
    let stretch = if scale < 1.0 { 1.0 } else { scale };
    let support = filter.support() * stretch;
    let centre = (i as f64 + 0.5) * scale;
    let inverse = 1.0 / stretch;
    // A cast to an unsigned number takes what is below 0 to 0.
    let start = (centre - support + 0.5) as u32;
    let end = ((centre + support + 0.5) as u32).min(from as u32);
    let weight = |at: u32| filter.weight(((at as f64) - centre + 0.5) * inverse);
    let mut sum = 0.0;
    for at in start..end {
        sum += weight(at);
    }
    for (to, at) in weights.iter_mut().zip(start..end) {
        let share = if sum != 0.0 { weight(at) / sum } else { weight(at) };
        let fixed = share * (1u32 << WEIGHT_BITS) as f64;
        *to = if fixed < 0.0 { fixed - 0.5 } else { fixed + 0.5 } as i32;
    }
    (start, end.saturating_sub(start))
}
