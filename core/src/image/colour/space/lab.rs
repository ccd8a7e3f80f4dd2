//! Light of sRGB and CIE L*a*b*.

use super::*;

/// The light of 8-bit values.
const LIGHT: [f32; 256] = {
    let mut light = [0.0; 256];
    let mut v = 0;
    while v < 256 {
        #[allow(clippy::indexing_slicing)]
        {
            light[v] = decode(v as f32 / 255.0);
        }
        v += 1;
    }
    light
};

/// The share of light of a value of sRGB.
#[inline(always)]
pub(crate) const fn decode(v: f32) -> f32 {
    let high = math::exp(2.4 * math::ln((v + 0.055) * (1.0 / 1.055)));
    if v > 0.04045 { high } else { v * (1.0 / 12.92) }
}

/// The value of sRGB of a share of light.
#[inline(always)]
pub(crate) const fn encode(v: f32) -> f32 {
    // Nothing smaller, whose power would be a subnormal number, which is slow.
    let high = 1.055 * math::exp(math::ln(math::max(v, 0.003)) * (1.0 / 2.4)) - 0.055;
    if v > 0.003_130_8 { high } else { v * 12.92 }
}

/// The light of an 8-bit value.
#[inline(always)]
pub(crate) const fn light_of(level: u8) -> f32 {
    // A `u8` cannot leave 256 entries: no check remains.
    #[allow(clippy::indexing_slicing)]
    LIGHT[level as usize]
}

/// Whether values are so narrow that quick powers are exact enough.
const fn is_narrow<T: Sample>() -> bool {
    size_of::<T>() == 1
}

/// The light of a block's colours.
#[inline(always)]
pub(super) fn linear<T: Sample>(colours: &Colours<T>, numbers: &mut Numbers) {
    for (to, from) in numbers.iter_mut().zip(colours) {
        for (to, v) in to.iter_mut().zip(from) {
            // No look-up in a table, which is done one by one.
            *to = if is_narrow::<T>() { quick::decode(v.to_f32() * (1.0 / T::LARGEST)) } else { v.light() };
        }
    }
}

/// Where the cube root takes over from a straight line.
const KNEE: f32 = 0.008_856;
const SLOPE: f32 = 7.787;
const START: f32 = 16.0 / 116.0;

/// The cube root of what is above the knee: a guess from the exponent, and two steps of Halley.
#[inline(always)]
fn root(t: f32) -> f32 {
    // A third of the bits, and two thirds of those of 1, less what makes the guess best in the middle.
    let y = f32::from_bits(t.to_bits() / 3 + 709_921_077);
    let step = |y: f32| {
        let cube = y * y * y;
        y * ((cube + t + t) / (cube + cube + t))
    };
    step(step(y))
}

#[inline(always)]
fn bend<T: Sample>(t: f32) -> f32 {
    let root = if is_narrow::<T>() { quick::root(t) } else { root(t) };
    if t > KNEE { root } else { t * SLOPE + START }
}

#[inline(always)]
fn unbend(f: f32) -> f32 {
    if f > KNEE * SLOPE + START { f * f * f } else { (f - START) * (1.0 / SLOPE) }
}

/// Light to L\*, a\* and b\* as shares.
#[inline(always)]
pub(super) fn to_lab<T: Sample>([r, g, b]: &mut Numbers) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let (red, green, blue) = (*r, *g, *b);
        let x =
            red * (0.412_453 / 0.950_456) + green * (0.357_58 / 0.950_456) + blue * (0.180_423 / 0.950_456);
        let y = red * 0.212_671 + green * 0.715_16 + blue * 0.072_169;
        let z =
            red * (0.019_334 / 1.088_754) + green * (0.119_193 / 1.088_754) + blue * (0.950_227 / 1.088_754);
        let (fx, fy, fz) = (bend::<T>(x), bend::<T>(y), bend::<T>(z));
        *r = fy * 1.16 - 0.16;
        *g = (fx - fy) * (500.0 / 255.0) + MIDDLE;
        *b = (fy - fz) * (200.0 / 255.0) + MIDDLE;
    }
}

/// L\*, a\* and b\* as shares to values of sRGB.
#[inline(always)]
pub(super) fn of_lab<T: Sample>([l, a, b]: &mut Numbers) {
    for ((l, a), b) in l.iter_mut().zip(a).zip(b) {
        let fy = (*l + 0.16) * (1.0 / 1.16);
        let fx = fy + (*a - MIDDLE) * (255.0 / 500.0);
        let fz = fy - (*b - MIDDLE) * (255.0 / 200.0);
        let (x, y, z) = (unbend(fx) * 0.950_456, unbend(fy), unbend(fz) * 1.088_754);
        let light = |v: f32| {
            let v = math::clamp(v, 0.0, 1.0);
            if is_narrow::<T>() { quick::encode(v) } else { encode(v) }
        };
        *l = light(x * 3.240_479 - y * 1.537_15 - z * 0.498_535);
        *a = light(y * 1.875_991 - x * 0.969_256 + z * 0.041_556);
        *b = light(x * 0.055_648 - y * 0.204_043 + z * 1.057_311);
    }
}
