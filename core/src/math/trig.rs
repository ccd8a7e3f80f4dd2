//! Sine and cosine: the argument is reduced in double precision, which has the same bits everywhere.

/// Up to here n·(π/2) has an exact first part in the reduction below.
pub(super) const REDUCED_UP_TO: f32 = 1_000_000.0;

/// (r, n mod 4) with x = n·π/2 + r and |r| ≤ π/4.
#[inline(always)]
const fn reduce(x: f32) -> (f32, i32) {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 · 2⁵²
    const HIGH: f64 = 1.570_796_310_901_641_8; // 33 bits of π/2
    const LOW: f64 = 1.589_325_477_352_819_6e-8;
    let x = x as f64;
    let shifted = x * core::f64::consts::FRAC_2_PI + MAGIC;
    let n = shifted - MAGIC;
    let r = x - n * HIGH - n * LOW;
    (r as f32, shifted.to_bits() as i32 & 3)
}

#[inline(always)]
const fn sin_poly(r: f32) -> f32 {
    let z = r * r;
    let p = -1.951_529_6e-4;
    let p = p * z + 8.332_161e-3;
    let p = p * z + -1.666_665_5e-1;
    p * z * r + r
}

#[inline(always)]
const fn cos_poly(r: f32) -> f32 {
    let z = r * r;
    let p = 2.443_315_7e-5;
    let p = p * z + -1.388_731_6e-3;
    let p = p * z + 4.166_664_6e-2;
    p * z * z - 0.5 * z + 1.0
}

/// Quadrant `n` of the sine at reduced argument `r`.
#[inline(always)]
const fn in_quadrant(r: f32, n: i32) -> f32 {
    let value = if n & 1 == 0 { sin_poly(r) } else { cos_poly(r) };
    if n & 2 == 0 { value } else { -value }
}

/// The sine where |x| ≤ [`REDUCED_UP_TO`] is known: without the branch, loops over it are vectorised.
#[inline(always)]
pub(crate) const fn sin_reduced(x: f32) -> f32 {
    let (r, n) = reduce(x);
    in_quadrant(r, n)
}

/// The cosine where |x| ≤ [`REDUCED_UP_TO`] is known.
#[inline(always)]
pub(crate) const fn cos_reduced(x: f32) -> f32 {
    let (r, n) = reduce(x);
    in_quadrant(r, n.wrapping_add(1))
}

/// The sine of `x` radians; NaN at infinity.
#[inline(always)]
pub fn sin(x: f32) -> f32 {
    if super::abs(x) <= REDUCED_UP_TO { sin_reduced(x) } else { libm::sinf(x) }
}

/// The cosine of `x` radians; NaN at infinity.
#[inline(always)]
pub fn cos(x: f32) -> f32 {
    if super::abs(x) <= REDUCED_UP_TO { cos_reduced(x) } else { libm::cosf(x) }
}
