//! The noise of light itself.

use super::*;
use crate::math;
use crate::simd::LANES;

/// The most photons of [`shot_noise`]; sixteen bits are not told apart by more.
pub const MAX_PHOTONS: f32 = 65536.0;

/// Photons up to which their probabilities are added up.
const FEW: f32 = 12.0;
/// Photons that are never counted where so few are expected: more come once in 10⁹ values.
const NEVER: usize = 40;
/// Terms below it are none of the sum's 24 bits.
const NOTHING: f32 = 1.0 / (1 << 26) as f32;

/// Counts the photons that make each value by itself: of v · `photons` expected ones (v a share of white) there come as many as
/// a Poisson variable says, and the value is their share of `photons`. Bright values have the more noise, dark ones the more of
/// it beside what they are.
///
/// Each value takes one draw from `stream`, whose upper 24 bits tell its place in the distribution. Up to 12 photons the
/// probabilities themselves are added up in `f32`; of more, the number is the integer part of the expansion of the
/// quantile to the third order in the normal number of that place (Giles 2016), for which no sum of probabilities
/// is further than 0.00004 from that of the distribution. Integers are rounded half up and end at white; of floats those below 0
/// become 0, and those above 1 are as bright as they are.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 1 ≤ `photons` ≤ [`MAX_PHOTONS`].
pub fn shot_noise<T: Sample>(
    level: Level,
    photons: f32,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    if !(1.0..=MAX_PHOTONS).contains(&photons) {
        return Err(Error::InvalidArgument);
    }
    let mut bits = [0; BLOCK];
    for row in image.iter_rows_mut() {
        for values in row.chunks_mut(BLOCK) {
            for bits in bits.iter_mut().take(values.len()) {
                *bits = stream.next_u32();
            }
            T::shot(level, values, &bits, photons);
        }
    }
    Ok(())
}

#[inline(always)]
pub(super) fn shot_body<T: Sample>(values: &mut [T], bits: &[u32; BLOCK], photons: f32) {
    let (mut means, mut counts) = ([0.0; BLOCK], [0.0; BLOCK]);
    let (share, back) = (photons / T::LARGEST, T::LARGEST / photons);
    let mut many = 0;
    for (mean, v) in means.iter_mut().zip(values.iter()) {
        *mean = math::max(v.to_f32() * share, 0.0);
        many += usize::from(*mean > FEW);
    }
    if many < values.len() {
        count_few(&means, bits, &mut counts);
    }
    if many > 0 {
        count_many(&means, bits, &mut counts);
    }
    for (v, count) in values.iter_mut().zip(&counts) {
        *v = T::from_f32(count * back);
    }
}

/// How many sums of the first probabilities are not above the place, for means up to [`FEW`].
#[inline(always)]
fn count_few(means: &[f32; BLOCK], bits: &[u32; BLOCK], counts: &mut [f32; BLOCK]) {
    let blocks = means.as_chunks::<LANES>().0.iter().zip(bits.as_chunks::<LANES>().0);
    for ((means, bits), counts) in blocks.zip(counts.as_chunks_mut::<LANES>().0) {
        let (mut few, mut terms, mut places) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        for (few, mean) in few.iter_mut().zip(means) {
            *few = if *mean > FEW { 0.0 } else { *mean };
        }
        for ((term, few), (place, bits)) in terms.iter_mut().zip(&few).zip(places.iter_mut().zip(bits)) {
            *term = math::exp(-few);
            *place = (bits >> 8) as i32 as f32 * (1.0 / 16_777_216.0);
        }
        let mut sums = terms;
        for inverse in &INVERSES {
            let mut left = 0;
            let lanes = counts.iter_mut().zip(&mut sums).zip(&mut terms).zip(places.iter().zip(&few));
            for (((count, sum), term), (place, few)) in lanes {
                // Without the second condition rounded sums that end below 1 would be passed for ever.
                let more = u32::from(*place >= *sum) & u32::from(*term > NOTHING);
                left |= more;
                *count += more as i32 as f32;
                *term *= few * inverse;
                *sum += *term;
            }
            if left == 0 {
                break;
            }
        }
    }
}

/// 1, ½, ⅓, …
const INVERSES: [f32; NEVER] = {
    let (mut all, mut k) = ([0.0; NEVER], 0);
    while k < NEVER {
        #[allow(clippy::indexing_slicing)]
        {
            all[k] = 1.0 / (k + 1) as f32;
        }
        k += 1;
    }
    all
};

/// The integer part of λ + √λ w + (⅓ + w²/6) − (w/36 + w³/72) / √λ + (w⁴/270 + 7 w²/810 − 8/405) / λ, for means above [`FEW`].
#[inline(always)]
fn count_many(means: &[f32; BLOCK], bits: &[u32; BLOCK], counts: &mut [f32; BLOCK]) {
    for ((mean, bits), count) in means.iter().zip(bits).zip(counts) {
        let (root, w) = (math::sqrt(*mean), normal_at(*bits));
        let square = w * w;
        let first = square * (1.0 / 6.0) + (1.0 / 3.0);
        let second = w * (square * (1.0 / 72.0) + (1.0 / 36.0));
        let third = square * (square * (1.0 / 270.0) + (7.0 / 810.0)) - 8.0 / 405.0;
        // Their inverses of a mean of 0, which is none of these, are not asked for.
        let over = 1.0 / math::max(root, 1.0);
        let found = whole(*mean + (root * w + (first + over * (over * third - second))));
        *count = if *mean > FEW { found } else { *count };
    }
}

/// The largest integer that is not above `x`, where 0 ≤ `x` < 2²³; compilers make vectors of this.
#[inline(always)]
fn whole(x: f32) -> f32 {
    let nearest = (x + 8_388_608.0) - 8_388_608.0;
    if nearest > x { nearest - 1.0 } else { nearest }
}

/// The normal number below which the share of all lies that the upper 24 bits say, at the middle between that and the next one:
/// up to 5.3, within 2 · 10⁻⁶ (the polynomials of Giles 2010).
#[inline(always)]
fn normal_at(bits: u32) -> f32 {
    // An odd multiple of 2⁻²⁴ between −1 and 1: as many on one side as on the other, and none of them rounded.
    let x = (((bits >> 8) as i32 - (1 << 23)) as f32 + 0.5) * (1.0 / 8_388_608.0);
    let far = -math::ln((1.0 - x) * (1.0 + x));
    let r = far - 2.5;
    let p = 2.810_226_4e-8;
    let p = p * r + 3.432_739_4e-7;
    let p = p * r + -3.523_387_7e-6;
    let p = p * r + -4.391_506_5e-6;
    let p = p * r + 2.185_808_7e-4;
    let p = p * r + -1.253_725e-3;
    let p = p * r + -4.177_681_6e-3;
    let p = p * r + 2.466_407_3e-1;
    let near = p * r + 1.501_409_4;
    let r = math::sqrt(far) - 3.0;
    let p = -2.002_142_6e-4;
    let p = p * r + 1.009_505_6e-4;
    let p = p * r + 1.349_343_2e-3;
    let p = p * r + -3.673_428_4e-3;
    let p = p * r + 5.739_507_7e-3;
    let p = p * r + -7.622_461_3e-3;
    let p = p * r + 9.438_870_5e-3;
    let p = p * r + 1.001_674;
    let tail = p * r + 2.832_976_8;
    let p = if far < 5.0 { near } else { tail };
    p * x * core::f32::consts::SQRT_2
}

#[cfg(test)]
mod tests;
