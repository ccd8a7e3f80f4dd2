//! Perceptual hashes: 64 bits that change little when a picture changes little.
//!
//! The definitions are those of the ImageHash library, bit order included (rows from the top, the first bit the most
//! significant): the picture is made grey and resized with an antialiased Lanczos filter to the
//! tile that each function takes. They suit pictures of 32 × 32 pixels and more; in smaller
//! ones, and in sets of very similar pictures, most unequal pairs are a few bits apart.

use crate::signal::{DCT_TILE, low_frequencies};

/// The bits, first one most significant.
fn pack(bits: impl Iterator<Item = bool>) -> u64 {
    bits.fold(0, |hash, bit| hash << 1 | u64::from(bit))
}

/// aHash of an 8 × 8 grey tile: a bit for each pixel that is above the mean.
pub fn average_hash(tile: &[u8; 64]) -> u64 {
    let sum: u32 = tile.iter().map(|&v| u32::from(v)).sum();
    pack(tile.iter().map(|&v| u32::from(v) * 64 > sum))
}

/// dHash of a grey tile 9 wide and 8 high: a bit for each pixel that is brighter than the one to its left.
pub fn difference_hash(tile: &[u8; 72]) -> u64 {
    pack(tile.chunks_exact(9).flat_map(|row| row.iter().zip(row.iter().skip(1)).map(|(a, b)| b > a)))
}

/// pHash of a 32 × 32 grey tile: a bit for each of the 8 × 8 lowest frequencies of its cosine transform
/// that is above their median, the mean brightness among them.
pub fn perceptual_hash(tile: &[u8; DCT_TILE * DCT_TILE]) -> u64 {
    let low = low_frequencies(tile);
    let mut sorted = low;
    let values = sorted.as_flattened_mut();
    values.sort_unstable();
    // The median of 64 lies between the two in the middle; above it is above their mean.
    let middle = values.iter().skip(31).take(2).map(|&v| i128::from(v)).sum::<i128>();
    pack(low.as_flattened().iter().map(|&v| i128::from(v) * 2 > middle))
}

/// How many of the 64 bits differ.
pub const fn hamming(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern<const N: usize>(width: usize) -> [u8; N] {
        core::array::from_fn(|i| {
            let (x, y) = (i % width, i / width);
            ((x * 37 + y * 91 + (x * y) % 17 * 13) % 256) as u8
        })
    }

    /// imagehash 4.3.2 on pictures that have the tile's size already.
    #[test]
    fn hashes_are_those_of_imagehash() {
        assert_eq!(perceptual_hash(&pattern(32)), 0xe2b4_6a15_e2d7_6a15);
        assert_eq!(difference_hash(&pattern(9)), 0xfdef_bbed_b66a_aa95);
        assert_eq!(average_hash(&pattern(8)), 0x0e73_cc36_4bbd_554a);
    }

    #[test]
    fn small_changes_move_few_bits_and_flat_pictures_are_equal() {
        let a = pattern::<1024>(32);
        let brighter = a.map(|v| v.saturating_add(3));
        assert!(hamming(perceptual_hash(&a), perceptual_hash(&brighter)) <= 4);
        assert_eq!(perceptual_hash(&[7; 1024]), perceptual_hash(&[200; 1024]));
        assert_eq!((average_hash(&[9; 64]), difference_hash(&[9; 72])), (0, 0));
        assert_eq!(hamming(0, u64::MAX), 64);
    }
}
