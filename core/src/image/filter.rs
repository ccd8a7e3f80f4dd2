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
    /// The mean of the pixels whose centres lie in the output pixel.
    Box,
    /// The mean over the area of the output pixel: pixels that it covers in part count in part.
    Area,
    /// The cubic of Keys 1981 with a = −¾, radius 2, as OpenCV and PyTorch have it.
    Bicubic75,
}

/// A filter, and whether it is stretched over all pixels that go into one when an image is reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sampling {
    /// The filter.
    pub filter: Filter,
    /// Whether it is stretched when an image is reduced; without this most pixels are left out, as OpenCV does, and those
    /// outside the image are the nearest inside it. [`Filter::Nearest`] and [`Filter::Area`] know no such difference.
    pub antialias: bool,
}

impl From<Filter> for Sampling {
    /// Antialiased.
    fn from(filter: Filter) -> Self {
        Self { filter, antialias: true }
    }
}

impl Filter {
    /// All of them, in the order of the encoding of pipelines.
    pub const ALL: [Filter; 7] = [
        Filter::Nearest,
        Filter::Bilinear,
        Filter::Bicubic,
        Filter::Lanczos3,
        Filter::Box,
        Filter::Area,
        Filter::Bicubic75,
    ];

    /// `nearest`, `bilinear`, `bicubic`, `lanczos3`, `box`, `area` or `bicubic75`.
    pub const fn name(self) -> &'static str {
        match self {
            Filter::Nearest => "nearest",
            Filter::Bilinear => "bilinear",
            Filter::Bicubic => "bicubic",
            Filter::Lanczos3 => "lanczos3",
            Filter::Box => "box",
            Filter::Area => "area",
            Filter::Bicubic75 => "bicubic75",
        }
    }

    const fn support(self) -> f64 {
        match self {
            Filter::Nearest | Filter::Box | Filter::Area => 0.5,
            Filter::Bilinear => 1.0,
            Filter::Bicubic | Filter::Bicubic75 => 2.0,
            Filter::Lanczos3 => 3.0,
        }
    }

    /// The weight at distance `x` in (stretched) pixels.
    #[inline(always)]
    fn weight(self, x: f64) -> f64 {
        let a = if x < 0.0 { -x } else { x };
        match self {
            Filter::Nearest | Filter::Area => 1.0,
            Filter::Box if x > -0.5 && x <= 0.5 => 1.0,
            Filter::Bilinear if a < 1.0 => 1.0 - a,
            Filter::Bicubic => cubic(a, -0.5),
            Filter::Bicubic75 => cubic(a, -0.75),
            Filter::Lanczos3 if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }
}

/// The cubic of Keys 1981 at distance `x` ≥ 0.
fn cubic(x: f64, a: f64) -> f64 {
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

impl Sampling {
    /// The most source pixels that one output pixel may weigh.
    pub(crate) fn taps(self, from: usize, to: usize) -> usize {
        if matches!(self.filter, Filter::Nearest) || to == 0 {
            return from.min(1);
        }
        let support = self.filter.support() * self.stretch(from as f64 / to as f64);
        let whole = support as usize;
        let ceil = if (whole as f64) < support { whole.saturating_add(1) } else { whole };
        ceil.saturating_mul(2).saturating_add(1).min(from)
    }

    /// How much wider the filter is than its support, where `scale` pixels become one.
    fn stretch(self, scale: f64) -> f64 {
        if scale < 1.0 || !self.antialias && !matches!(self.filter, Filter::Area) { 1.0 } else { scale }
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
    let nearest = shifted as i32;
    let t = (x - nearest as f64) * core::f64::consts::PI;
    let z = t * t;
    let mut series = 1.0;
    for k in [20.0, 18.0, 16.0, 14.0, 12.0, 10.0, 8.0, 6.0, 4.0, 2.0] {
        series = 1.0 - z * (1.0 / (k * (k + 1.0))) * series;
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
    pub fn scratch_len(sampling: Sampling, from: usize, to: usize) -> ScratchLen {
        let weights = to.saturating_mul(sampling.taps(from, to));
        ScratchLen::new().with::<u32>(to).with::<u32>(to).with::<i32>(weights)
    }

    /// The windows that take `from` positions to `to` positions.
    pub fn new(sampling: Sampling, from: usize, to: usize, scratch: &mut Scratch<'s>) -> Result<Self> {
        if u32::try_from(from).is_err() || u32::try_from(to).is_err() {
            return Err(Error::Overflow);
        }
        let stride = sampling.taps(from, to);
        let starts = scratch.take::<u32>(to)?;
        let lens = scratch.take::<u32>(to)?;
        let weights = scratch.take::<i32>(to.checked_mul(stride).ok_or(Error::Overflow)?)?;
        if matches!(sampling.filter, Filter::Nearest) {
            nearest(from, starts);
            lens.fill(1);
            weights.fill(1 << WEIGHT_BITS);
        } else {
            let windows = starts.iter_mut().zip(lens.iter_mut()).zip(weights.chunks_mut(stride.max(1)));
            let scale = from as f64 / to as f64;
            let mut shares = [0.0; SHORT];
            for (i, ((start, len), weights)) in windows.enumerate() {
                (*start, *len) = window(sampling, from, scale, i, &mut shares, weights);
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
    #[cfg(target_arch = "x86_64")]
    pub fn at(&self, i: usize) -> Option<(usize, &'s [i32])> {
        let (start, len) = (self.starts.get(i)?, self.lens.get(i)?);
        let weights = self.weights.get(i * self.stride..)?.get(..*len as usize)?;
        Some((*start as usize, weights))
    }

    /// The most weights that a window may have.
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// The weights of the longest window.
    pub fn longest(&self) -> usize {
        self.lens.iter().fold(0, |most, &len| len.max(most)) as usize
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

/// The largest whole number that is not above `x`.
const fn floor(x: f64) -> i64 {
    let whole = x as i64;
    if whole as f64 > x { whole - 1 } else { whole }
}

/// The most weights that are kept as numbers until their sum is known; longer windows are computed twice.
const SHORT: usize = 64;

/// Start, length and weights of output position `i`.
fn window(
    sampling: Sampling,
    from: usize,
    scale: f64,
    i: usize,
    shares: &mut [f64; SHORT],
    weights: &mut [i32],
) -> (u32, u32) {
    let Sampling { filter, antialias } = sampling;
    let stretch = sampling.stretch(scale);
    let support = filter.support() * stretch;
    let centre = (i as f64 + 0.5) * scale;
    let inverse = 1.0 / stretch;
    let (low, high) = (i as f64 * scale, (i as f64 + 1.0) * scale);
    let weight = |at: i64| match filter {
        // What the output pixel and the pixel `at` have in common.
        Filter::Area => {
            let (start, end) = (at as f64, at as f64 + 1.0);
            let both = if high < end { high } else { end } - if low > start { low } else { start };
            if both > 0.0 { both } else { 0.0 }
        }
        _ => filter.weight(((at as f64) - centre + 0.5) * inverse),
    };
    let (first, end) = match filter {
        Filter::Area => (low as i64, high as i64 + 1),
        _ => (floor(centre - support + 0.5), floor(centre + support + 0.5)),
    };
    let last = (from as i64 - 1).max(0);
    // Pixels outside the image are left out, or the nearest inside it counts for them.
    let inside = if antialias || matches!(filter, Filter::Area) {
        first.max(0)..end.min(last + 1)
    } else {
        first..end
    };
    let start = inside.start.max(0).min(last);
    let len = (inside.end.max(start).min(last + 1) - start).max(1).min(weights.len().max(1) as i64);
    if inside == (start..start + len)
        && let Some(shares) = shares.get_mut(..len as usize)
    {
        let ahead = |k: usize| (((start + k as i64) as f64) - centre + 0.5) * inverse;
        // A loop for each filter.
        match filter {
            Filter::Bilinear => fill(shares, |k| Filter::Bilinear.weight(ahead(k))),
            Filter::Bicubic => fill(shares, |k| Filter::Bicubic.weight(ahead(k))),
            Filter::Bicubic75 => fill(shares, |k| Filter::Bicubic75.weight(ahead(k))),
            Filter::Lanczos3 => fill(shares, |k| Filter::Lanczos3.weight(ahead(k))),
            _ => fill(shares, |k| weight(start + k as i64)),
        }
        let sum = shares.iter().sum();
        for (to, share) in weights.iter_mut().zip(shares) {
            *to = fixed(*share, sum);
        }
        return (start as u32, len as u32);
    }
    let sum: f64 = inside.clone().map(weight).sum();
    for (k, to) in weights.iter_mut().enumerate().take(len as usize) {
        let at = start + k as i64;
        let before = if k == 0 { inside.start..start } else { 0..0 };
        let behind = if at == last { last + 1..inside.end } else { 0..0 };
        *to = fixed(before.chain(at..at + 1).chain(behind).map(weight).sum(), sum);
    }
    (start as u32, len as u32)
}

#[inline(always)]
fn fill(shares: &mut [f64], share: impl Fn(usize) -> f64) {
    for (k, to) in shares.iter_mut().enumerate() {
        *to = share(k);
    }
}

/// The share of a sum in fixed point, rounded half away from zero; the number itself where the sum is 0.
#[inline(always)]
fn fixed(share: f64, sum: f64) -> i32 {
    let share = if sum != 0.0 { share / sum } else { share };
    let fixed = share * (1u32 << WEIGHT_BITS) as f64;
    if fixed < 0.0 { (fixed - 0.5) as i32 } else { (fixed + 0.5) as i32 }
}
