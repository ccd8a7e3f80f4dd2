//! How much neighbouring pixels have in common, in whole numbers.

use crate::simd::Level;

/// Pixels below which chance decides what neighbours have in common.
const FEWEST: u64 = 64;

/// Sums over the pairs of neighbours seen so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Correlation {
    squares: u64,
    pairs: u64,
}

impl Correlation {
    /// Adds a row's pairs, and those with the row below it, which is empty below the last one.
    pub fn add(&mut self, level: Level, here: &[u8], below: &[u8]) {
        let right = here.split_first().map_or(here, |(_, right)| right);
        for other in [right, below] {
            self.squares += squared_differences(level, here, other);
            self.pairs += here.len().min(other.len()) as u64;
        }
    }

    /// 1 − Geary's C for pixels of this variance; 1 where they are all equal, or too few.
    pub fn of(&self, variance: f32, pixels: u64) -> f32 {
        if pixels < FEWEST || self.pairs == 0 || variance <= 0.0 {
            return 1.0;
        }
        let mean = self.squares as f64 / self.pairs as f64;
        (1.0 - mean / (2.0 * variance as f64)) as f32
    }
}

kernel! {
    /// Σ (a − b)² over the elements that both have.
    fn squared_differences(a: &[u8], b: &[u8]) -> u64 = squared_differences_body;
}

#[inline(always)]
fn squared_differences_body(a: &[u8], b: &[u8]) -> u64 {
    /// Squares, at most 255² each, whose sum stays within 32 bits.
    const BLOCK: usize = 1 << 16;
    let mut total = 0u64;
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let sum = a.iter().zip(b).fold(0u32, |sum, (&a, &b)| {
            let d = a as i32 - b as i32;
            sum.wrapping_add((d * d) as u32)
        });
        total += sum as u64;
    }
    total
}
