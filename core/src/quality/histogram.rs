//! Counts of the 256 levels, and what follows from them exactly.

use crate::error::Result;
use crate::math;
use crate::scratch::Scratch;
use crate::simd::{LANES, tree_sum};

/// How many pixels have each of the 256 levels.
#[derive(Debug)]
pub struct Histogram<'s> {
    counts: &'s mut [u32],
}

impl<'s> Histogram<'s> {
    /// No pixels yet; takes 256 `u32` from `scratch`.
    ///
    /// # Errors
    /// [`Error::ScratchTooSmall`](crate::Error::ScratchTooSmall).
    pub fn new(scratch: &mut Scratch<'s>) -> Result<Self> {
        Ok(Self { counts: scratch.take_zeroed::<u32>(256)? })
    }

    /// Counts these values; a histogram holds up to 2³² − 1.
    pub fn add(&mut self, values: &[u8]) {
        // The length is known here, so that no level can lie outside.
        if let Some(counts) = self.counts.first_chunk_mut::<256>() {
            for &v in values {
                #[allow(clippy::indexing_slicing)]
                let count = &mut counts[v as usize];
                *count = count.wrapping_add(1);
            }
        }
    }

    /// The counts, lowest level first.
    pub fn counts(&self) -> &[u32] {
        self.counts
    }

    /// Pixels counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|&n| n as u64).sum()
    }

    /// The mean level; 0 where nothing is counted.
    pub fn mean(&self) -> f32 {
        let sum: u64 = self.levels().map(|(v, n)| v * n).sum();
        (sum as f64 / self.total().max(1) as f64) as f32
    }

    /// The variance of the levels, by n and not n − 1; 0 where nothing is counted.
    pub fn variance(&self) -> f32 {
        let sum: u64 = self.levels().map(|(v, n)| v * n).sum();
        let squares: u64 = self.levels().map(|(v, n)| v * v * n).sum();
        variance(sum as i64, squares, self.total())
    }

    /// The level below which `percent` of the pixels lie, between two pixels linearly, as numpy does. Below 0 (and
    /// for NaN) it counts as 0, above 100 as 100. 0 where nothing is counted.
    pub fn percentile(&self, percent: f32) -> f32 {
        if self.total() == 0 {
            return 0.0;
        }
        let last = self.total().saturating_sub(1);
        let percent = math::min(math::max(percent, 0.0), 100.0);
        let rank = (percent as f64 / 100.0) * last as f64;
        let below = (rank as u64).min(last);
        let share = rank - below as f64;
        let (low, high) = (self.nth(below), self.nth(below.saturating_add(1).min(last)));
        (low as f64 + (high as f64 - low as f64) * share) as f32
    }

    /// Shannon entropy in bits; 0 where nothing is counted.
    pub fn entropy(&self) -> f32 {
        let total = self.total().max(1) as f32;
        let mut lanes = [0f32; LANES];
        for block in self.counts.as_chunks::<LANES>().0 {
            for (lane, &n) in lanes.iter_mut().zip(block) {
                let p = n as f32 / total;
                *lane -= if n > 0 { p * math::ln(p) } else { 0.0 };
            }
        }
        tree_sum(lanes) * core::f32::consts::LOG2_E
    }

    /// The level of the pixel of this rank, counted from 0.
    fn nth(&self, rank: u64) -> u8 {
        let mut seen = 0;
        for (v, n) in self.levels() {
            seen += n;
            if rank < seen {
                return v as u8;
            }
        }
        255
    }

    /// Levels and their counts.
    fn levels(&self) -> impl Iterator<Item = (u64, u64)> {
        (0u64..).zip(self.counts.iter().map(|&n| n as u64))
    }
}

/// Σ(x − mean)² / n from whole sums, in which nothing is lost: n · Σx² − (Σx)² is exact.
pub(super) fn variance(sum: i64, squares: u64, n: u64) -> f32 {
    let exact = (n as i128 * squares as i128) - (sum as i128 * sum as i128);
    let n = n.max(1) as f64;
    (exact as f64 / n / n) as f32
}
