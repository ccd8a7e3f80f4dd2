//! The low frequencies of the discrete cosine transform of a small picture, in integers.
//!
//! Integers, because a perceptual hash compares coefficients with each other: a last bit that depends on a
//! library's version flips bits of the hash, and in a flat picture all but one coefficient must be 0.

/// Side of the picture that is transformed.
pub const DCT_TILE: usize = 32;
/// Side of the block of low frequencies that is kept.
pub const DCT_LOW: usize = 8;

/// 2²²·cos(πm/64) for m in 0..=32, rounded.
const COSINES: [i32; 33] = [
    4194304, 4189252, 4174107, 4148907, 4113712, 4068606, 4013699, 3949122, 3875032, 3791606, 3699046,
    3597575, 3487436, 3368897, 3242241, 3107774, 2965821, 2816722, 2660838, 2498544, 2330230, 2156303,
    1977181, 1793296, 1605091, 1413018, 1217542, 1019133, 818268, 615432, 411114, 205805, 0,
];

/// 2²²·cos(πl(2x+1)/64) for place x and frequency l.
// Evaluated by the compiler, which checks each index.
#[allow(clippy::indexing_slicing)]
const WAVES: [[i32; DCT_LOW]; DCT_TILE] = {
    let mut waves = [[0; DCT_LOW]; DCT_TILE];
    let mut x = 0;
    while x < DCT_TILE {
        let mut l = 0;
        while l < DCT_LOW {
            // The first quarter of the wave, mirrored.
            let m = l * (2 * x + 1) % 128;
            let m = if m > 64 { 128 - m } else { m };
            waves[x][l] = if m > 32 { -COSINES[64 - m] } else { COSINES[m] };
            l += 1;
        }
        x += 1;
    }
    waves
};

/// The 8 × 8 lowest frequencies of the DCT-II of a 32 × 32 picture, rows first: row k, column l is
/// 2⁴⁴·Σᵧ Σₓ tile\[y\]\[x\]·cos(πk(2y+1)/64)·cos(πl(2x+1)/64), within 32 × 32 × 2²⁹ of the exact value.
///
/// Four times this over 2⁴⁴ is what `scipy.fftpack.dct` gives along both axes without normalisation.
pub fn low_frequencies(tile: &[u8; DCT_TILE * DCT_TILE]) -> [[i64; DCT_LOW]; DCT_LOW] {
    let mut out = [[0i64; DCT_LOW]; DCT_LOW];
    for (line, down) in tile.chunks_exact(DCT_TILE).zip(&WAVES) {
        let mut row = [0i64; DCT_LOW];
        for (&v, across) in line.iter().zip(&WAVES) {
            for (r, &c) in row.iter_mut().zip(across) {
                *r += i64::from(v) * i64::from(c);
            }
        }
        // A row is below 2³⁵ in magnitude and the sum of 32 products below 2⁶², so nothing overflows.
        for (out, &c) in out.iter_mut().zip(down) {
            for (o, &r) in out.iter_mut().zip(&row) {
                *o += r * i64::from(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile() -> [u8; 1024] {
        core::array::from_fn(|i| {
            let (x, y) = (i % 32, i / 32);
            ((x * 37 + y * 91 + (x * y) % 17 * 13) % 256) as u8
        })
    }

    /// scipy.fftpack.dct 1.17.1 along both axes.
    #[test]
    fn coefficients_are_those_of_scipy() {
        let got = low_frequencies(&tile());
        let scaled = |v: i64| v as f64 * 4.0 / (1u64 << 44) as f64;
        let want = [
            (got[0][0], 519380.0),
            (got[0][1], 7652.977211985754),
            (got[0][2], 1137.359415863982),
            (got[1][0], 2321.7931304343338),
            (got[1][1], -3411.43114955561),
            (got[7][7], 802.5644241123464),
        ];
        for (v, w) in want {
            assert!((scaled(v) - w).abs() < 0.01, "{} {w}", scaled(v));
        }
    }

    #[test]
    fn a_flat_picture_has_one_coefficient() {
        for level in [0, 1, 255] {
            let got = low_frequencies(&[level; 1024]);
            assert_eq!(got[0][0], i64::from(level) << 54);
            assert_eq!(got.as_flattened().iter().filter(|&&v| v != 0).count(), usize::from(level > 0));
        }
    }
}
