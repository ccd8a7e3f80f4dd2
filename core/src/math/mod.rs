//! Elementary functions with the same bits on every target: polynomials over `+ − × ÷` only (sine and cosine of
//! what is beyond 10⁶ aside, which are those of the `libm` crate, of integer and such operations too).
//!
//! Each is within 2 ulp over its whole domain, branch-free where it is meant for vectors, and comes in
//! two forms: the scalar function, and a kernel over a slice (`exp_slice` …). The polynomials of exp,
//! ln, tanh, sin and cos are those of Cephes (Moshier); erf's were fitted for this module.
//! What the platform's own libm does is never asked.

// Constants are those of their sources; x − x is 0 where x is finite.
#![allow(clippy::excessive_precision, clippy::eq_op)]

mod arch;
mod slices;
mod trig;

pub use arch::{fma, sqrt};
pub use slices::{
    cos_slice, erf_slice, exp_slice, ln_slice, sigmoid_slice, sin_slice, softplus_slice, sqrt_slice,
    tanh_slice,
};
pub use trig::{cos, sin};
pub(crate) use trig::{cos_reduced, sin_reduced};

/// 1.5 · 2²³: adding and subtracting it rounds a small number to an integer, ties to even.
const ROUND_MAGIC: f32 = 12_582_912.0;

/// The larger of two; `b` where either is NaN. One meaning on every target, unlike `f32::max`.
#[inline(always)]
pub const fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The smaller of two; `b` where either is NaN.
#[inline(always)]
pub const fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// `x` moved into `low..=high`; NaN stays NaN.
#[inline(always)]
pub const fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// The magnitude.
#[inline(always)]
pub const fn abs(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & 0x7fff_ffff)
}

/// The largest integer that is not above `x`.
#[inline(always)]
pub const fn floor(x: f32) -> f32 {
    // From 2²³ on every float is an integer.
    if !(abs(x) < 8_388_608.0) {
        return x;
    }
    let t = x as i32 as f32;
    if t > x { t - 1.0 } else { t }
}

/// The nearest integer, halves upwards.
#[inline(always)]
pub const fn round_half_up(x: f32) -> f32 {
    let down = floor(x);
    if x - down >= 0.5 { down + 1.0 } else { down }
}

/// `x` + ½ without its fraction, moved into 0..=255; 0 for NaN. That is `x` rounded half up, but for the largest
/// number below ½, which becomes 1 since the sum is rounded too.
#[inline(always)]
pub fn to_u8(x: f32) -> u8 {
    whole::<255>(x + 0.5) as u8
}

/// `x` + ½ without its fraction, moved into 0..=65535; 0 for NaN.
#[inline(always)]
pub fn to_u16(x: f32) -> u16 {
    whole::<65535>(x + 0.5) as u16
}

/// `x` without its fraction, moved into 0..=`MOST`, which is below 2²⁴; 0 for NaN. Compilers make vectors of this, but not of a
/// cast, which saturates.
#[inline(always)]
#[allow(unsafe_code)]
pub(crate) fn whole<const MOST: u32>(x: f32) -> u32 {
    const { assert!(MOST < 1 << 24) };
    let x = min(max(x, 0.0), MOST as f32);
    // SAFETY: between 0 and 2²⁴, and never NaN, of which the larger of it and 0 is 0.
    unsafe { x.to_int_unchecked::<i32>() as u32 }
}

/// 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
const fn pow2(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// eˣ: infinity above 88.73, 0 below −103.98.
#[inline(always)]
pub const fn exp(x: f32) -> f32 {
    let x = clamp(x, -104.0, 89.0);
    let shifted = x * core::f32::consts::LOG2_E + ROUND_MAGIC;
    let n = shifted - ROUND_MAGIC;
    let k = (shifted.to_bits() as i32).wrapping_sub(ROUND_MAGIC.to_bits() as i32);
    // n·0.693359375 is exact, and so is the first difference; `low` is what rounding the second one lost.
    let high = x - n * 0.693_359_4;
    let rest = n * -2.121_944_4e-4;
    let r = high - rest;
    let low = (high - r) - rest;
    let p = 1.987_569_2e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let y = (p * (r * r) + low) + r + 1.0;
    // In two factors, since 2ᵏ itself may be subnormal or too large.
    let half = k >> 1;
    y * pow2(half) * pow2(k.wrapping_sub(half))
}

/// The natural logarithm: −∞ at 0, NaN below it.
#[inline(always)]
pub const fn ln(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 8_388_608.0 } else { x };
    let bits = scaled.to_bits() as i32;
    // The mantissa in [√½, √2), the exponent to match.
    let k = bits.wrapping_sub(0x3f35_04f3) >> 23;
    let m = f32::from_bits(bits.wrapping_sub(k << 23) as u32);
    let e = k as f32 - if subnormal { 23.0 } else { 0.0 };
    let f = m - 1.0;
    let z = f * f;
    let p = 7.037_683_6e-2;
    let p = p * f + -1.151_461e-1;
    let p = p * f + 1.167_699_9e-1;
    let p = p * f + -1.242_014_1e-1;
    let p = p * f + 1.424_932_3e-1;
    let p = p * f + -1.666_805_8e-1;
    let p = p * f + 2.000_071_5e-1;
    let p = p * f + -2.499_999_4e-1;
    let p = p * f + 3.333_333_1e-1;
    let y = f * z * p + e * -2.121_944_4e-4 - 0.5 * z;
    let result = f + y + e * 0.693_359_4;
    let result = if x == f32::INFINITY { x } else { result };
    let result = if x == 0.0 { f32::NEG_INFINITY } else { result };
    // The comparison is false for NaN too.
    if x >= 0.0 { result } else { f32::NAN }
}

/// ln(1 + x), right for small x too: the rounding of 1 + x is put back to first order (Goldberg 1991).
#[inline(always)]
pub const fn ln_1p(x: f32) -> f32 {
    let u = 1.0 + x;
    let result = ln(u) + (x - (u - 1.0)) / u;
    if u == f32::INFINITY || u == 0.0 { ln(u) } else { result }
}

/// The hyperbolic tangent.
#[inline(always)]
pub const fn tanh(x: f32) -> f32 {
    let a = abs(x);
    let big = 1.0 - 2.0 / (exp(2.0 * a) + 1.0);
    let z = x * x;
    let p = -5.704_988_7e-3;
    let p = p * z + 2.063_908_8e-2;
    let p = p * z + -5.373_971_6e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z + -3.333_328_2e-1;
    let small = p * z * x + x;
    let big = if x < 0.0 { -big } else { big };
    if a > 0.625 { big } else { small }
}

/// The logistic function 1 / (1 + e⁻ˣ).
#[inline(always)]
pub const fn sigmoid(x: f32) -> f32 {
    // e to a power that is not positive never overflows, and keeps small results exact.
    let e = exp(-abs(x));
    let negative = x < 0.0;
    let d = 1.0 + e;
    let quotient = if negative { e } else { 1.0 } / d;
    // What rounding 1 + e lost, put back to first order: 1/d is 1 − quotient or the quotient itself.
    let lost = e - (d - 1.0);
    let reciprocal = if negative { 1.0 - quotient } else { quotient };
    quotient - quotient * (lost * reciprocal)
}

/// ln(1 + eˣ), the smooth maximum of x and 0.
#[inline(always)]
pub const fn softplus(x: f32) -> f32 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + ln_1p(exp(-abs(x)))
}

/// The error function 2/√π ∫₀ˣ e^(−t²) dt.
#[inline(always)]
pub const fn erf(x: f32) -> f32 {
    let a = abs(x);
    let z = x * x;
    let p = 7.882_497_4e-5;
    let p = p * z + -8.018_855_e-4;
    let p = p * z + 5.189_312e-3;
    let p = p * z + -2.685_432_9e-2;
    let p = p * z + 1.128_359_7e-1;
    let p = p * z + -3.761_262_6e-1;
    let p = p * z + 1.283_791_7e-1;
    let small = p * x + x;
    // 1 − e^(−g(a)) with g fitted on [1, 4]; beyond that erf rounds to 1.
    let c = if a > 4.0 { 4.0 } else { a };
    let g = -1.614_061_6e-6;
    let g = g * c + 4.559_062_2e-5;
    let g = g * c + -5.927_695_4e-4;
    let g = g * c + 4.740_222_3e-3;
    let g = g * c + -2.636_471_7e-2;
    let g = g * c + 1.099_782_45e-1;
    let g = g * c + 6.319_371e-1;
    let g = g * c + 1.130_166_7;
    let g = g * c + -3.032_129_7e-4;
    let big = 1.0 - exp(-g);
    let big = if x < 0.0 { -big } else { big };
    if a > 1.0 { big } else { small }
}

#[cfg(test)]
mod tests;
