//! Noise.

mod banding;
mod factors;
mod iso;
mod shot;

pub use self::banding::{MAX_BAND, banding, banding_scratch_len};
pub use self::factors::{multiplicative_noise, speckle};
pub use self::iso::iso_noise;
pub use self::shot::{MAX_PHOTONS, shot_noise};

use super::Sample;
use crate::error::{Error, Result};
use crate::rng::Stream;
use crate::scratch::Plain;
use crate::simd::Level;
use crate::view::ImageMut;

/// Values that noise is drawn for at a time.
const BLOCK: usize = 64;

/// Fractional bits of a normal number.
const NORMAL_BITS: u32 = 12;
/// Fractional bits of a standard deviation.
const STD_BITS: u32 = 8;
/// The largest standard deviation, in levels.
const MAX_STD: f32 = 255.0;

/// Adds normal noise of standard deviation `std`, in levels of 0..=255 whatever the type (257 levels of `u16` and 1/255 of
/// `f32` make one), to every value by itself; sums are rounded half up and cut off at the ends of the range, those of
/// floats are neither.
///
/// A normal number is one of 4096 equally likely ones, up to 3.7 either way, the same ones for every type; for 8- and 16-bit
/// values the standard deviation is rounded to 1/256 and the sum exact, for floats it is v + normal · deviation in `f32`.
/// Each draw from `stream` makes two numbers, its lower half the first one; rows begin with a new draw.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `std` ≤ 255.
pub fn gaussian_noise<T: Sample>(
    level: Level,
    std: f32,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    if !(0.0..=MAX_STD).contains(&std) {
        return Err(Error::InvalidArgument);
    }
    let mut normals = [0i16; BLOCK];
    for row in image.iter_rows_mut() {
        for values in row.chunks_mut(BLOCK) {
            draw_normals(stream, values.len(), &mut normals);
            T::add(level, values, &normals, std);
        }
    }
    Ok(())
}

/// Draws so many normal numbers, with [`NORMAL_BITS`] fractional bits, two of each draw; one more where they are odd.
fn draw_normals(stream: &mut Stream, count: usize, normals: &mut [i16; BLOCK]) {
    let (pairs, _) = normals.as_chunks_mut::<2>();
    for pair in pairs.iter_mut().take(count.div_ceil(2)) {
        let bits = stream.next_u32();
        *pair = [normal(bits << 16), normal(bits)];
    }
}

/// The normal number of the upper twelve bits.
#[inline(always)]
const fn normal(bits: u32) -> i16 {
    // Twelve bits cannot leave 4096 entries: no check remains.
    #[allow(clippy::indexing_slicing)]
    QUANTILES[(bits >> 20) as usize]
}

/// Values that can be made noisy, each kind in its own arithmetic.
pub trait Noisy: Plain {
    /// Adds these numbers times `std`.
    fn add(level: Level, values: &mut [Self], normals: &[i16; BLOCK], std: f32);
    /// [`shot_noise`] of values with their random bits.
    fn shot(level: Level, values: &mut [Self], bits: &[u32; BLOCK], photons: f32);
    /// [`iso_noise`] of at most [`BLOCK`] pixels, with normal numbers for luminance and the differences of blue and red, and
    /// the deviations of these, as shares of white.
    fn iso(level: Level, pixels: &mut [Self], channels: usize, normals: &[[i16; BLOCK]; 3], std: [f32; 2]);
    /// Multiplies the values of pixels of so many channels by the factor of each pixel.
    fn scale(level: Level, values: &mut [Self], channels: usize, gains: &[f32; BLOCK]);
    /// Adds a share of white to each value.
    fn shift(level: Level, values: &mut [Self], shares: &[f32]);
}

macro_rules! noisy {
    ($($t:ident $add:ident)*) => { $(
        impl Noisy for $t {
            kernel! {
                fn add(values: &mut [$t], normals: &[i16; BLOCK], std: f32) = $add;
            }

            kernel! {
                fn shot(values: &mut [$t], bits: &[u32; BLOCK], photons: f32) = shot::shot_body;
            }

            kernel! {
                fn iso(pixels: &mut [$t], channels: usize, normals: &[[i16; BLOCK]; 3], std: [f32; 2])
                    = iso::iso_body;
            }

            kernel! {
                fn scale(values: &mut [$t], channels: usize, gains: &[f32; BLOCK]) = factors::scale_body;
            }

            kernel! {
                fn shift(values: &mut [$t], shares: &[f32]) = banding::shift_body;
            }
        }
    )* };
}
noisy!(u8 add_fixed u16 add_words f32 add_float);

#[inline(always)]
fn add_float(values: &mut [f32], normals: &[i16; BLOCK], std: f32) {
    let scale = std * (1.0 / MAX_STD / (1 << NORMAL_BITS) as f32);
    for (value, normal) in values.iter_mut().zip(normals) {
        *value += *normal as f32 * scale;
    }
}

/// Fractional bits of a sum.
const BITS: u32 = NORMAL_BITS + STD_BITS;

/// A standard deviation with its fractional bits.
#[inline(always)]
const fn fixed(std: f32) -> i32 {
    (std * (1 << STD_BITS) as f32 + 0.5) as i32
}

#[inline(always)]
fn add_words(values: &mut [u16], normals: &[i16; BLOCK], std: f32) {
    let std = i64::from(fixed(std) * 257);
    for (value, normal) in values.iter_mut().zip(normals) {
        let sum = (i64::from(*value) << BITS) + i64::from(*normal) * std + (1 << (BITS - 1));
        *value = (sum >> BITS).clamp(0, 65535) as u16;
    }
}

#[inline(always)]
fn add_fixed(values: &mut [u8], normals: &[i16; BLOCK], std: f32) {
    let std = fixed(std);
    for (value, normal) in values.iter_mut().zip(normals) {
        // At most 255 · 2²⁰ and 3.7 · 2¹² · 255 · 2⁸: within 31 bits.
        let sum = (i32::from(*value) << BITS) + i32::from(*normal) * std + (1 << (BITS - 1));
        *value = (sum >> BITS).clamp(0, 255) as u8;
    }
}

/// The quantiles of the normal distribution at (i + ½) / 4096, stretched so that their variance is 1.
static QUANTILES: [i16; 4096] = quantiles();

// The compiler evaluates it, and would stop at an index outside.
#[allow(clippy::indexing_slicing)]
const fn quantiles() -> [i16; 4096] {
    let (mut upper, mut squares) = ([0.0; 2048], 0.0);
    let mut i = 0;
    while i < 2048 {
        upper[i] = quantile((i as f64 + 0.5) / 4096.0);
        squares += upper[i] * upper[i];
        i += 1;
    }
    let stretch = (1 << NORMAL_BITS) as f64 / root(squares / 2048.0);
    let mut all = [0; 4096];
    let mut i = 0;
    while i < 2048 {
        let rounded = (upper[i] * stretch + 0.5) as i16;
        all[2047 - i] = -rounded;
        all[2048 + i] = rounded;
        i += 1;
    }
    all
}

/// Where the share `p` < ½ of all normal numbers lies between 0 and it, within 5 · 10⁻⁹ (Acklam 2003).
const fn quantile(p: f64) -> f64 {
    let tail = 0.5 - p;
    if tail < 0.02425 {
        let q = root(-2.0 * ln(tail));
        let c = [
            -7.784894002430293e-03,
            -3.223964580411365e-01,
            -2.400_758_277_161_838,
            -2.549732539343734,
            4.374664141464968,
            2.938163982698783,
        ];
        let d = [7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996, 3.754408661907416, 1.0];
        return -horner(&c, q) / horner(&d, q);
    }
    let r = p * p;
    let a = [
        -3.969683028665376e+01,
        2.209460984245205e+02,
        -2.759285104469687e+02,
        1.38357751867269e+02,
        -3.066479806614716e+01,
        2.506628277459239,
    ];
    let b = [
        -5.447609879822406e+01,
        1.615858368580409e+02,
        -1.556989798598866e+02,
        6.680131188771972e+01,
        -1.328068155288572e+01,
        1.0,
    ];
    horner(&a, r) * p / horner(&b, r)
}

#[allow(clippy::indexing_slicing)]
const fn horner(coefficients: &[f64], x: f64) -> f64 {
    let (mut sum, mut i) = (0.0, 0);
    while i < coefficients.len() {
        sum = sum * x + coefficients[i];
        i += 1;
    }
    sum
}

/// The square root, by Newton's method.
const fn root(x: f64) -> f64 {
    let (mut y, mut i) = (if x > 1.0 { x } else { 1.0 }, 0);
    while i < 30 {
        y = (y + x / y) * 0.5;
        i += 1;
    }
    y
}

/// The natural logarithm of a number from 10⁻⁶ to 1, by the series of artanh.
const fn ln(x: f64) -> f64 {
    let (mut x, mut whole) = (x, 0.0);
    while x < 0.75 {
        x *= 2.0;
        whole -= core::f64::consts::LN_2;
    }
    let t = (x - 1.0) / (x + 1.0);
    let (mut sum, mut power, mut k) = (0.0, t, 1);
    while k < 30 {
        sum += power / k as f64;
        power *= t * t;
        k += 2;
    }
    whole + 2.0 * sum
}

#[cfg(test)]
mod tests {
    use super::super::testing::Owned;
    use super::*;
    use crate::rng::Key;

    fn noisy(level: Level, std: f32, shape: (usize, usize, usize)) -> Owned {
        let mut image = Owned::new(shape);
        image.data.fill(128);
        gaussian_noise(level, std, &mut Stream::new(5, Key::new(1)), image.view_mut()).unwrap();
        image
    }

    #[test]
    fn noise_has_the_deviation_asked_for_and_no_bias() {
        let image = noisy(Level::detect(), 12.0, (120, 70, 3));
        let n = image.data.len() as f64;
        let mean = image.data.iter().map(|&v| v as f64).sum::<f64>() / n;
        let var = image.data.iter().map(|&v| (v as f64 - mean).powi(2)).sum::<f64>() / n;
        // Rounding to whole levels adds a variance of 1/12; five standard errors around.
        assert!((mean - 128.0).abs() < 0.38, "{mean}");
        assert!((var - 144.0 - 1.0 / 12.0).abs() < 6.5, "{var}");
        assert!(noisy(Level::BASE, 0.0, (3, 3, 1)).data.iter().all(|&v| v == 128));
    }

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        let scale = f64::from(1 << NORMAL_BITS);
        // The inverse of the cumulative distribution at (i + 0.5) / 4096.
        for (i, want) in
            [(2048, 0.000_305_985), (3000, 0.620_525_1), (3900, 1.667_278_8), (4095, 3.668_329_3)]
        {
            let got = f64::from(QUANTILES[i]) / scale;
            assert!((got / want - 1.0).abs() < 2e-3 || (got - want).abs() < 3e-4, "{i}: {got} {want}");
        }
        let squares: f64 = QUANTILES.iter().map(|&q| (f64::from(q) / scale).powi(2)).sum();
        assert!((squares / 4096.0 - 1.0).abs() < 1e-4);
        assert!(QUANTILES.is_sorted() && (0..2048).all(|i| QUANTILES[i] == -QUANTILES[4095 - i]));
    }

    #[test]
    fn same_bytes_at_every_level() {
        for width in 1..70 {
            let want = noisy(Level::BASE, 30.0, (3, width, 1));
            assert!(Level::available().all(|level| noisy(level, 30.0, (3, width, 1)) == want));
        }
        let mut image = Owned::new((1, 1, 1));
        for std in [-1.0, 255.5, f32::NAN, f32::INFINITY] {
            let mut stream = Stream::new(5, Key::new(1));
            assert_eq!(
                gaussian_noise(Level::BASE, std, &mut stream, image.view_mut()),
                Err(Error::InvalidArgument)
            );
        }
    }
}
