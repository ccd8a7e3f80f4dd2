//! A hash of a sample's decoded content, by which exact duplicates are found.

use crate::rng::mix;

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// 128 bits that depend on `shape` and on every byte of `bytes`, and on nothing else.
///
/// Two lanes a and b of 64 bits start as mix(γ) and mix(2γ), with `mix` the finaliser of SplitMix64 and γ its
/// increment. The number of sizes in `shape`, the sizes, and the number of bytes go into both: h ← mix((h ^ word) + γ).
/// Then each 16 bytes, as two little-endian words, the last ones filled up with zeros: the first word goes into
/// a, the second into b, and the lanes into each other, a ← a + b and b ← b ^ (a rotated left by 32). All of this
/// can be undone for a given word, so that no difference is lost on the way, and each lane depends on every word.
/// The result is low = mix(a ^ (b rotated left by 32)) and high = mix(b + low).
///
/// Not for use against an adversary. Among 10⁹ different samples two collide with a probability of about 10⁻²¹.
///
/// ```
/// use seedbed::prune::content_hash;
/// assert_eq!(content_hash(&[2, 2, 1], b"abcd"), content_hash(&[2, 2, 1], b"abcd"));
/// assert_ne!(content_hash(&[2, 2, 1], b"abcd"), content_hash(&[1, 4, 1], b"abcd"));
/// ```
pub fn content_hash(shape: &[usize], bytes: &[u8]) -> u128 {
    let mut lanes = [mix(GAMMA), mix(GAMMA.wrapping_mul(2))];
    for size in [shape.len()].into_iter().chain(shape.iter().copied()).chain([bytes.len()]) {
        for lane in &mut lanes {
            *lane = step(*lane, size as u64);
        }
    }
    let (blocks, tail) = bytes.as_chunks::<16>();
    let mut absorb = |block: &[u8; 16]| {
        let words = u128::from_le_bytes(*block);
        let a = step(lanes[0], words as u64);
        let b = step(lanes[1], (words >> 64) as u64);
        let a = a.wrapping_add(b);
        lanes = [a, b ^ a.rotate_left(32)];
    };
    for block in blocks {
        absorb(block);
    }
    let mut last = [0u8; 16];
    for (to, &from) in last.iter_mut().zip(tail) {
        *to = from;
    }
    absorb(&last);
    // Each half of the result depends on both lanes.
    let [a, b] = lanes;
    let low = mix(a ^ b.rotate_left(32));
    u128::from(low) | u128::from(mix(b.wrapping_add(low))) << 64
}

const fn step(h: u64, word: u64) -> u64 {
    mix((h ^ word).wrapping_add(GAMMA))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::vec::Vec;

    #[test]
    fn every_byte_the_length_and_the_shape_matter() {
        let base: Vec<u8> = (0..67).collect();
        let mut seen = HashSet::new();
        for len in 0..=67 {
            assert!(seen.insert(content_hash(&[len], &base[..len])));
            assert!(seen.insert(content_hash(&[len, 1], &base[..len])));
        }
        for i in 0..67 {
            for bit in 0..8 {
                let mut other = base.clone();
                other[i] ^= 1 << bit;
                assert!(seen.insert(content_hash(&[67], &other)));
            }
        }
        // The rank counts, where sizes and content could be taken for each other.
        assert_ne!(content_hash(&[2], &[0; 16]), content_hash(&[], &[0; 16]));
        // Trailing zeros are content too.
        assert_ne!(content_hash(&[], &[0; 3]), content_hash(&[], &[0; 4]));
    }

    /// From a Python transcription of the text above.
    #[test]
    fn hashes_follow_the_written_definition() {
        assert_eq!(content_hash(&[2, 3], b"0123456789abcdefXYZ"), include!("hash_vector.in"));
    }
}
