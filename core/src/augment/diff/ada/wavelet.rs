//! Filters of wavelets.

// Their coefficients are published with so many digits; indices are those of constants, and the compiler evaluates them.
#![allow(clippy::excessive_precision, clippy::indexing_slicing)]

/// Bands of frequencies.
pub const BANDS: usize = 4;

/// Low-pass filter of the symlet with 2 vanishing moments (Daubechies 1992, Ten Lectures on Wavelets, table 6.1; it is the
/// wavelet D4 itself).
const SYM2: [f64; 4] =
    [-0.129_409_522_550_921_45, 0.224_143_868_041_857_35, 0.836_516_303_737_469, 0.482_962_913_144_690_25];

/// Low-pass filter of the symlet with 6 vanishing moments (ibid., table 6.3; the digits are those of PyWavelets).
const SYM6: [f64; 12] = [
    0.015_404_109_327_027_373,
    0.003_490_712_084_217_470_2,
    -0.117_990_111_148_190_57,
    -0.048_311_742_585_633,
    0.491_055_941_926_746_6,
    0.787_641_141_030_194,
    0.337_929_421_727_621_8,
    -0.072_637_522_786_462_52,
    -0.021_060_292_512_300_564,
    0.044_724_901_770_665_78,
    0.001_767_711_864_242_803_6,
    -0.007_800_708_325_034_148,
];

/// The taps of a low-pass filter with even and with odd index.
pub(super) struct Taps {
    pub even: [f32; 6],
    pub odd: [f32; 6],
}

/// For twice as many pixels: taps add up to 2.
pub(super) const WIDEN: Taps = taps(2.0);
/// For half as many pixels: taps add up to 1.
pub(super) const NARROW: Taps = taps(1.0);

const fn taps(total: f64) -> Taps {
    let (mut sum, mut i) = (0.0, 0);
    while i < SYM6.len() {
        sum += SYM6[i];
        i += 1;
    }
    let mut taps = Taps { even: [0.0; 6], odd: [0.0; 6] };
    let mut t = 0;
    while t < 6 {
        taps.even[t] = (SYM6[2 * t] * total / sum) as f32;
        taps.odd[t] = (SYM6[2 * t + 1] * total / sum) as f32;
        t += 1;
    }
    taps
}

/// Taps of the filters of bands.
pub(super) const LENGTH: usize = 43;

/// The filters of the bands from low to high, which add up to one that changes nothing: H(z)·H(1/z)/2 of the symlet and its
/// mirror image, applied one octave after the other (Karras and others 2020, appendix B).
pub(super) static BANK: [[f32; LENGTH]; BANDS] = bank();

const fn bank() -> [[f32; LENGTH]; BANDS] {
    let (low, high) = (squared(1.0), squared(-1.0));
    let (mut all, mut len) = ([[0f64; LENGTH]; BANDS], 1);
    all[0][0] = 1.0;
    let mut band = 1;
    while band < BANDS {
        // Zeros between taps, then the low-pass filter; the new band is what that leaves out.
        let longer = 2 * len - 1 + low.len() - 1;
        let mut b = 0;
        while b < BANDS {
            all[b] = spread(&all[b], len, &low);
            b += 1;
        }
        let mut t = 0;
        while t < high.len() {
            all[band][(longer - high.len()) / 2 + t] += high[t];
            t += 1;
        }
        len = longer;
        band += 1;
    }
    let mut rounded = [[0f32; LENGTH]; BANDS];
    let mut i = 0;
    while i < BANDS * LENGTH {
        rounded[i / LENGTH][i % LENGTH] = all[i / LENGTH][i % LENGTH] as f32;
        i += 1;
    }
    rounded
}

/// The filter times its own reverse, halved; with `sign` −1 that of the high-pass filter H(−z).
const fn squared(sign: f64) -> [f64; 7] {
    let mut product = [0.0; 7];
    let mut i = 0;
    while i < 16 {
        let (a, b) = (i / 4, i % 4);
        let turned = if (a + b) % 2 == 1 { sign } else { 1.0 };
        product[a + 3 - b] += SYM2[a] * SYM2[b] * turned / 2.0;
        i += 1;
    }
    product
}

const fn spread(taps: &[f64; LENGTH], len: usize, by: &[f64; 7]) -> [f64; LENGTH] {
    let mut all = [0.0; LENGTH];
    let mut i = 0;
    while i < len * 7 {
        all[2 * (i / 7) + i % 7] += taps[i / 7] * by[i % 7];
        i += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ h·h moved by an even number is 1 for none and 0 otherwise: what is widened and narrowed comes back.
    #[test]
    fn symlets_are_orthonormal() {
        for filter in [&SYM2[..], &SYM6[..]] {
            for shift in (0..filter.len()).step_by(2) {
                let sum: f64 = filter.iter().zip(&filter[shift..]).map(|(a, b)| a * b).sum();
                let want = if shift == 0 { 1.0 } else { 0.0 };
                assert!((sum - want).abs() < 1e-11, "{} {shift} {sum}", filter.len());
            }
        }
    }

    /// The middle taps of the bands by NumPy 2.4 from the formula of the paper's appendix B.
    #[test]
    fn bands_add_up_to_nothing_changed() {
        let want = [
            [0.089_050_29, 0.105_468_7, 0.118_652_3, 0.125],
            [-0.024_597_17, 0.035_156_25, 0.092_285_16, 0.125],
            [-0.095_703_12, -0.140_625, 0.070_312_5, 0.25],
            [0.031_25, 0.0, -0.281_25, 0.5],
        ];
        for (band, want) in BANK.iter().zip(want) {
            assert!(band[18..22].iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-7), "{band:?}");
            assert!((0..LENGTH).all(|t| (band[t] - band[LENGTH - 1 - t]).abs() < 1e-8));
        }
        for t in 0..LENGTH {
            let sum: f32 = BANK.iter().map(|band| band[t]).sum();
            assert!((sum - if t == LENGTH / 2 { 1.0 } else { 0.0 }).abs() < 1e-6);
        }
    }
}
