//! Near duplicates: pictures that are the same but for a small shift or some noise.
//!
//! Perceptual hashes only propose pairs; what decides is the difference of the pixels at the best of a few shifts,
//! measured against how far apart different pictures are where these two lie. In a dense class, where
//! all pictures are alike, a pair must be closer to count as one picture than in a sparse class.

use crate::error::{Error, Result};
use crate::linalg::Neighbour;
use crate::math;
use crate::simd::Level;
use crate::view::ImageRef;

/// The least mean squared difference of two pictures of one shape over all shifts of up to `shift` pixels down,
/// up, right and left, each taken over the part where they overlap; in grey levels squared.
///
/// # Errors
/// [`Error::ShapeMismatch`] for pictures of different shapes; [`Error::InvalidArgument`] where a shift leaves no
/// overlap or the pictures are empty.
pub fn shifted_difference(
    level: Level,
    a: ImageRef<'_, u8>,
    b: ImageRef<'_, u8>,
    shift: usize,
) -> Result<f32> {
    if a.shape() != b.shape() {
        return Err(Error::ShapeMismatch);
    }
    let (h, w, _) = a.shape();
    if shift >= h || shift >= w {
        return Err(Error::InvalidArgument);
    }
    let mut best = f32::INFINITY;
    // Moving one down by dy is moving the other up, so both signs of dx with dy ≥ 0 and both roles are all cases.
    for dy in 0..=shift {
        for dx in 0..=shift {
            let (ch, cw) = (h - dy, w - dx);
            let corners = [((0, 0), (dy, dx)), ((dy, dx), (0, 0)), ((dy, 0), (0, dx)), ((0, dx), (dy, 0))];
            for ((ya, xa), (yb, xb)) in corners {
                let part = overlap_difference(level, a.crop(ya, xa, ch, cw)?, b.crop(yb, xb, ch, cw)?);
                best = math::min(part, best);
            }
        }
    }
    Ok(best)
}

/// Mean squared difference of two pictures of one shape.
fn overlap_difference(level: Level, a: ImageRef<'_, u8>, b: ImageRef<'_, u8>) -> f32 {
    let sum: u64 = a
        .iter_rows()
        .zip(b.iter_rows())
        .flat_map(|(a, b)| a.chunks(CHUNK).zip(b.chunks(CHUNK)))
        .map(|(a, b)| u64::from(squared_levels(level, a, b)))
        .sum();
    let (h, w, c) = a.shape();
    (sum as f64 / (h * w * c).max(1) as f64) as f32
}

/// Values whose squared differences fit 32 bits together.
const CHUNK: usize = 1 << 15;

kernel! {
    /// Σ (a − b)² in integers.
    fn squared_levels(a: &[u8], b: &[u8]) -> u32 = squared_levels_body;
}

#[inline(always)]
fn squared_levels_body(a: &[u8], b: &[u8]) -> u32 {
    a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)) * u32::from(a.abs_diff(b))).sum()
}

/// When two pictures count as one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NearRule {
    /// The distance of a pair over the scale where it lies, below which it is one picture; in 0..1.
    pub ratio: f32,
    /// Which neighbour's distance is a picture's own scale, from 1. Beyond the copies of a picture that one expects,
    /// so that copies do not measure themselves.
    pub rank: usize,
    /// The least scale of a picture, as a part of the median scale: holds where a picture has more copies
    /// than `rank`.
    pub floor: f32,
}

impl Default for NearRule {
    /// Ratio 0.5, the third neighbour, at least half of the median.
    fn default() -> Self {
        Self { ratio: 0.5, rank: 3, floor: 0.5 }
    }
}

/// Each picture's scale: the distance to its neighbour of the rule's rank, or the floor.
///
/// `lists` has `k` places per picture: its nearest others with their [`shifted_difference`], nearest first. Where
/// a list is shorter than the rank, its last entry counts. `sorted` is temporary, of the length of `scales`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the sizes do not fit, [`Error::InvalidArgument`] for `k` = 0, rank 0 or a
/// ratio or floor that is not in 0..=1.
pub fn pair_scales(
    rule: NearRule,
    lists: &[Neighbour],
    k: usize,
    scales: &mut [f32],
    sorted: &mut [f32],
) -> Result<()> {
    check(rule, lists, k, scales.len())?;
    if sorted.len() != scales.len() {
        return Err(Error::ShapeMismatch);
    }
    for (scale, list) in scales.iter_mut().zip(lists.chunks(k)) {
        let at = list.iter().take(rule.rank).rfind(|n| n.exists());
        *scale = at.map_or(0.0, |n| math::sqrt(n.squared));
    }
    sorted.copy_from_slice(scales);
    sorted.sort_unstable_by(f32::total_cmp);
    let least = rule.floor * sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    for scale in scales {
        *scale = math::max(*scale, least);
    }
    Ok(())
}

fn check(rule: NearRule, lists: &[Neighbour], k: usize, n: usize) -> Result<()> {
    let unit = 0.0..=1.0;
    if k == 0 || rule.rank == 0 || !unit.contains(&rule.ratio) || !unit.contains(&rule.floor) {
        return Err(Error::InvalidArgument);
    }
    if lists.len() != n.checked_mul(k).ok_or(Error::Overflow)? {
        return Err(Error::ShapeMismatch);
    }
    Ok(())
}

/// For each picture the earlier one that it repeats, with the ratio of their distance to the geometric mean of their
/// scales as [`Neighbour::squared`]; [`Neighbour::NONE`] for those to keep.
///
/// In the order of the numbers a picture is a repetition when its ratio to a *kept* earlier one is below the
/// rule's; of several the smallest ratio counts. Identical pictures have ratio 0 whatever their scale.
///
/// # Errors
/// As [`pair_scales`].
pub fn mark_near(
    rule: NearRule,
    lists: &[Neighbour],
    k: usize,
    scales: &[f32],
    out: &mut [Neighbour],
) -> Result<()> {
    check(rule, lists, k, scales.len())?;
    if out.len() != scales.len() {
        return Err(Error::ShapeMismatch);
    }
    out.fill(Neighbour::NONE);
    let ratio = |i: usize, j: usize, squared: f32| {
        let scale = |i| scales.get(i).copied().unwrap_or(0.0);
        if squared == 0.0 { 0.0 } else { math::sqrt(squared) / math::sqrt(scale(i) * scale(j)) }
    };
    for (i, list) in lists.chunks(k).enumerate() {
        let mut best = Neighbour::NONE;
        for n in list.iter().filter(|n| n.at() < i) {
            let kept = out.get(n.at()).is_some_and(|m| !m.exists());
            let r = ratio(i, n.at(), n.squared);
            if kept && r < rule.ratio && r < best.squared {
                best = Neighbour { index: n.index, squared: r };
            }
        }
        if let Some(place) = out.get_mut(i) {
            *place = best;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_shifted_picture_differs_by_nothing() {
        let a: Vec<u8> = (0..48).map(|i| (i * 57 % 251) as u8).collect();
        let a = ImageRef::new(&a, 6, 8, 1).unwrap();
        for level in Level::available() {
            // Moved down and left: the overlap is the same picture, everything else is new.
            let mut moved = [9u8; 48];
            for y in 1..6 {
                moved[y * 8..y * 8 + 7].copy_from_slice(&a.row(y - 1)[1..]);
            }
            let b = ImageRef::new(&moved, 6, 8, 1).unwrap();
            assert_eq!(shifted_difference(level, a, b, 1).unwrap(), 0.0);
            assert_eq!(shifted_difference(level, b, a, 1).unwrap(), 0.0);
            assert!(shifted_difference(level, a, b, 0).unwrap() > 100.0);
            assert_eq!(shifted_difference(level, a, b, 6).unwrap_err(), Error::InvalidArgument);
        }
        let (low, high) = ([0u8; 4], [255u8; 4]);
        let (low, high) = (ImageRef::new(&low, 2, 2, 1).unwrap(), ImageRef::new(&high, 2, 2, 1).unwrap());
        assert_eq!(shifted_difference(Level::BASE, low, high, 1).unwrap(), 65025.0);
    }

    #[test]
    fn a_pair_counts_against_the_scale_where_it_lies() {
        let near = |list: [(u32, f32); 3]| list.map(|(index, d)| Neighbour { index, squared: d * d });
        // 0 and 1 are 2 apart where others are 10 apart; 2 and 3 are 2 apart where others are 3 apart.
        let lists = [
            near([(1, 2.0), (4, 10.0), (2, 10.0)]),
            near([(0, 2.0), (4, 10.0), (2, 10.0)]),
            near([(3, 2.0), (5, 3.0), (6, 3.0)]),
            near([(2, 2.0), (5, 3.0), (6, 3.0)]),
            near([(0, 10.0), (1, 10.0), (2, 10.0)]),
            near([(2, 3.0), (3, 3.0), (6, 3.0)]),
            near([(2, 3.0), (3, 3.0), (5, 3.0)]),
        ];
        let rule = NearRule::default();
        let (mut scales, mut sorted, mut out) = ([0f32; 7], [0f32; 7], [Neighbour::NONE; 7]);
        pair_scales(rule, lists.as_flattened(), 3, &mut scales, &mut sorted).unwrap();
        assert_eq!(scales, [10.0, 10.0, 3.0, 3.0, 10.0, 3.0, 3.0]);
        mark_near(rule, lists.as_flattened(), 3, &scales, &mut out).unwrap();
        assert_eq!(out[1], Neighbour { index: 0, squared: 0.2 });
        assert_eq!(out.iter().filter(|n| n.exists()).count(), 1);
        let bad = NearRule { rank: 0, ..rule };
        assert_eq!(mark_near(bad, lists.as_flattened(), 3, &scales, &mut out), Err(Error::InvalidArgument));
    }

    #[test]
    fn many_copies_do_not_hide_each_other_and_chains_keep_what_is_not_near_a_kept_one() {
        // Five pictures on top of each other, far from the rest, whose scale is 8.
        let mut lists: Vec<Neighbour> = Vec::new();
        for i in 0..5u32 {
            lists.extend((0..5).filter(|&j| j != i).take(3).map(|index| Neighbour { index, squared: 1.0 }));
        }
        for i in 5..12u32 {
            lists.extend((1..4).map(|d| Neighbour { index: (i + d) % 7 + 5, squared: 64.0 }));
        }
        let rule = NearRule::default();
        let (mut scales, mut sorted, mut out) = ([0f32; 12], [0f32; 12], [Neighbour::NONE; 12]);
        pair_scales(rule, &lists, 3, &mut scales, &mut sorted).unwrap();
        mark_near(rule, &lists, 3, &scales, &mut out).unwrap();
        let repeats: Vec<_> = out.iter().map(|n| n.index).collect();
        assert_eq!(repeats[..5], [u32::MAX, 0, 0, 0, 0]);
        assert!(out[5..].iter().all(|n| !n.exists()));
    }
}
