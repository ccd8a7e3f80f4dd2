//! Streams of random numbers that are addressed by what they are for.
//!
//! There is no shared generator. [`Stream::new`] derives a generator from a seed and a [`Key`] (what
//! for, which epoch, which sample, which operation), so that a sample's randomness depends on its
//! key alone: not on the batch or shard it falls in, the number of threads, or the order of work.
//!
//! # The derivation
//! With `mix` the finaliser of SplitMix64 (Steele, Lea, Flood 2014) and `g = 0x9e3779b97f4a7c15`:
//! `h = mix(seed + g)`, then `h = mix((h ^ w) + g)` for each word `w` of the key in the order
//! purpose, epoch, sample, op. The state of Xoshiro128++ (Blackman, Vigna 2019) is the low and high
//! half of `mix(h + g)`, then those of `mix(h + 2g)`. It is tested against fixed vectors.

use crate::math;
use crate::simd::Level;
use core::convert::Infallible;
use rand_core::{SeedableRng, TryRng};
use rand_xoshiro::Xoshiro128PlusPlus;

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64: a bijection of 64-bit words in which each bit depends on all.
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a over 64 bits: the number by which a sample whose id is a text goes into a [`Key`].
pub const fn id_hash(id: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut rest = id;
    while let [first, tail @ ..] = rest {
        hash = (hash ^ *first as u64).wrapping_mul(0x0000_0100_0000_01b3);
        rest = tail;
    }
    hash
}

/// What a stream is for. Two keys that differ in any part give independent streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Key {
    // In alphabetical order, as the keys of the origins of samples are.
    epoch: u32,
    op: u32,
    purpose: u32,
    sample: u64,
}

impl Key {
    /// A key for `purpose`, a number that the caller gives to each of its uses of randomness.
    pub const fn new(purpose: u32) -> Self {
        Self { purpose, epoch: 0, sample: 0, op: 0 }
    }

    /// The same for epoch (or copy, or repetition) `epoch`.
    #[must_use]
    pub const fn epoch(self, epoch: u32) -> Self {
        Self { epoch, ..self }
    }

    /// The same for the sample of this number; see [`id_hash`] where ids are texts.
    #[must_use]
    pub const fn sample(self, sample: u64) -> Self {
        Self { sample, ..self }
    }

    /// The same for the operation that comes so much later.
    #[must_use]
    pub const fn later_op(self, by: u32) -> Self {
        Self { op: self.op.wrapping_add(by), ..self }
    }

    /// The same for the operation of this index.
    #[must_use]
    pub const fn op(self, op: u32) -> Self {
        Self { op, ..self }
    }
}

/// A generator of random numbers for one [`Key`]. A plain value: copy it, store it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream(Xoshiro128PlusPlus);

impl Stream {
    /// The stream of `key` under `seed`.
    pub fn new(seed: u64, key: Key) -> Self {
        let mut h = mix(seed.wrapping_add(GOLDEN_GAMMA));
        for word in [key.purpose as u64, key.epoch as u64, key.sample, key.op as u64] {
            h = mix((h ^ word).wrapping_add(GOLDEN_GAMMA));
        }
        let low = mix(h.wrapping_add(GOLDEN_GAMMA));
        let high = mix(h.wrapping_add(GOLDEN_GAMMA.wrapping_mul(2)));
        // The two come from different inputs of a bijection, so they are not both zero, and
        // the one state that Xoshiro cannot leave does not arise.
        let mut state = [0u8; 16];
        let words = low.to_le_bytes().into_iter().chain(high.to_le_bytes());
        for (to, from) in state.iter_mut().zip(words) {
            *to = from;
        }
        Self(Xoshiro128PlusPlus::from_seed(state))
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        let Ok(bits) = self.0.try_next_u32();
        bits
    }

    /// 64 random bits, the low half first.
    pub fn next_u64(&mut self) -> u64 {
        let low = self.next_u32() as u64;
        low | (self.next_u32() as u64) << 32
    }

    /// Uniform in [0, 1), a multiple of 2⁻²⁴.
    pub fn uniform(&mut self) -> f32 {
        unit(self.next_u32())
    }

    /// Uniform between `low` and `high`, `low` included.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in 0..`n` without bias (Lemire 2019); 0 for `n` = 0.
    pub fn below(&mut self, n: u32) -> u32 {
        let mut wide = self.next_u32() as u64 * n as u64;
        if (wide as u32) < n {
            let threshold = n.wrapping_neg() % n;
            while (wide as u32) < threshold {
                wide = self.next_u32() as u64 * n as u64;
            }
        }
        (wide >> 32) as u32
    }

    /// Uniform index into something of length `len`; 0 for an empty thing.
    pub fn index(&mut self, len: usize) -> usize {
        match u32::try_from(len) {
            Ok(n) => self.below(n) as usize,
            // Longer than 32 bits: the bias of a 64-bit product is below 2⁻³².
            Err(_) => ((self.next_u64() as u128 * len as u128) >> 64) as usize,
        }
    }

    /// True with probability `p`: never for `p` ≤ 0, always for `p` ≥ 1. Draws once in any case.
    pub fn chance(&mut self, p: f32) -> bool {
        self.uniform() < p
    }

    /// One number of the standard normal distribution (Box, Muller 1958); takes two draws.
    pub fn normal(&mut self) -> f32 {
        let pair = [self.next_u32(), self.next_u32()];
        box_muller(pair).0
    }

    /// Fills `out` with numbers of the standard normal distribution. Takes 32 draws for each block of 32 numbers that
    /// is begun, whole or not.
    pub fn fill_normal(&mut self, level: Level, out: &mut [f32]) {
        let mut bits = [[0u32; 2]; 16];
        for block in out.chunks_mut(32) {
            for pair in bits.iter_mut() {
                *pair = [self.next_u32(), self.next_u32()];
            }
            let mut normals = [0f32; 32];
            normal_block(level, &bits, &mut normals);
            for (to, from) in block.iter_mut().zip(normals) {
                *to = from;
            }
        }
    }

    /// Fills `out` with numbers uniform in [0, 1).
    pub fn fill_uniform(&mut self, out: &mut [f32]) {
        for v in out {
            *v = self.uniform();
        }
    }

    /// Puts `items` into random order, each order equally likely (Fisher, Yates; Durstenfeld 1964).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            // `Err` where both are one; a `swap` would leave a panic that compilers cannot prove away.
            if let Ok([a, b]) = items.get_disjoint_mut([i, self.index(i + 1)]) {
                core::mem::swap(a, b);
            }
        }
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(Stream::next_u32(self))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(Stream::next_u64(self))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(dst)
    }
}

/// The top 24 bits as a number in [0, 1).
#[inline(always)]
const fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Two normal numbers from two words: radius from the first, angle from the second.
#[inline(always)]
fn box_muller([a, b]: [u32; 2]) -> (f32, f32) {
    // 1 - u lies in (0, 1], so the logarithm is finite.
    let radius = math::sqrt(-2.0 * math::ln(1.0 - unit(a)));
    let angle = unit(b) * core::f32::consts::TAU;
    (radius * math::cos_reduced(angle), radius * math::sin_reduced(angle))
}

kernel! {
    /// [`box_muller`] sixteen times.
    fn normal_block(bits: &[[u32; 2]; 16], out: &mut [f32; 32]) = normal_block_body;
}

#[inline(always)]
fn normal_block_body(bits: &[[u32; 2]; 16], out: &mut [f32; 32]) {
    let (first, second) = out.split_at_mut(16);
    for ((pair, x), y) in bits.iter().zip(first).zip(second) {
        (*x, *y) = box_muller(*pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    /// From a Python transcription of the derivation in the module's text and of the published
    /// Xoshiro128++ reference code.
    #[test]
    fn streams_follow_the_written_derivation() {
        let cases: [(u64, Key, [u32; 4]); 3] = include!("rng_vectors.in");
        for (seed, key, want) in cases {
            let mut stream = Stream::new(seed, key);
            assert_eq!([(); 4].map(|()| stream.next_u32()), want, "{seed} {key:?}");
        }
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let key = Key::new(1).epoch(2).sample(3).op(4);
        let first = |seed, key| Stream::new(seed, key).next_u64();
        let all = [
            first(0, key),
            first(1, key),
            first(0, Key { purpose: 9, ..key }),
            first(0, key.epoch(9)),
            first(0, key.sample(9)),
            first(0, key.op(9)),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn draws_have_the_moments_they_should() {
        let mut stream = Stream::new(3, Key::new(0));
        let mut v = vec![0f32; 100_000];
        stream.fill_normal(Level::detect(), &mut v);
        let n = v.len() as f64;
        let mean = v.iter().map(|&x| x as f64).sum::<f64>() / n;
        let var = v.iter().map(|&x| (x as f64 - mean).powi(2)).sum::<f64>() / n;
        let kurt = v.iter().map(|&x| (x as f64 - mean).powi(4)).sum::<f64>() / n / var / var;
        // Five standard errors of each moment.
        assert!(
            mean.abs() < 0.016 && (var - 1.0).abs() < 0.023 && (kurt - 3.0).abs() < 0.08,
            "{mean} {var} {kurt}"
        );
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 500), "{counts:?}");
    }

    #[test]
    fn normals_have_the_same_bits_at_every_level() {
        for len in 0..=67 {
            let fill = |level| {
                let mut v = vec![0f32; len];
                Stream::new(11, Key::new(5).sample(len as u64)).fill_normal(level, &mut v);
                v.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            for level in Level::available() {
                assert_eq!(fill(level), fill(Level::BASE), "{level:?} length {len}");
            }
        }
    }

    #[test]
    fn a_shuffle_is_a_permutation() {
        let mut v: Vec<u32> = (0..100).collect();
        Stream::new(1, Key::new(2)).shuffle(&mut v);
        assert_ne!(v, (0..100).collect::<Vec<_>>());
        v.sort_unstable();
        assert_eq!(v, (0..100).collect::<Vec<_>>());
        Stream::new(1, Key::new(2)).shuffle::<u8>(&mut []);
        assert_eq!(Stream::new(1, Key::new(2)).below(0), 0);
    }
}
