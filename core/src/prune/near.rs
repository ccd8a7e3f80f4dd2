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
            // Without a move in one direction the last two are the first two again.
            let different = match (dy, dx) {
                (0, 0) => 1,
                (0, _) | (_, 0) => 2,
                _ => 4,
            };
            for ((ya, xa), (yb, xb)) in corners.into_iter().take(different) {
                let part = mean_difference(level, a.crop(ya, xa, ch, cw)?, b.crop(yb, xb, ch, cw)?, best);
                best = math::min(part, best);
            }
        }
    }
    Ok(best)
}

/// Mean squared difference of two pictures of one shape; something above `best` where it is above that.
fn mean_difference(level: Level, a: ImageRef<'_, u8>, b: ImageRef<'_, u8>, best: f32) -> f32 {
    let (h, w, c) = a.shape();
    let area = (h * w * c).max(1) as f64;
    // A little more, so that rounding cuts nothing off; the cast saturates.
    let most = (f64::from(best) * area * 1.000_001) as u64;
    (squared_levels(level, a, b, most) as f64 / area) as f32
}

/// Values whose squared differences fit 32 bits together.
const CHUNK: usize = 1 << 15;

kernel! {
    /// Σ (a − b)² in integers; the sum up to the end of some row where that is above `most` already.
    fn squared_levels(a: ImageRef<'_, u8>, b: ImageRef<'_, u8>, most: u64) -> u64 = squared_levels_body;
}

#[inline(always)]
fn squared_levels_body(a: ImageRef<'_, u8>, b: ImageRef<'_, u8>, most: u64) -> u64 {
    let mut sum = 0;
    for (a, b) in a.iter_rows().zip(b.iter_rows()) {
        for (a, b) in a.chunks(CHUNK).zip(b.chunks(CHUNK)) {
            let squared = |(&a, &b): (&u8, &u8)| u32::from(a.abs_diff(b)) * u32::from(a.abs_diff(b));
            sum += u64::from(a.iter().zip(b).map(squared).sum::<u32>());
        }
        if sum > most {
            break;
        }
    }
    sum
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

/// Two pictures and their [`shifted_difference`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearPair {
    /// The number of the earlier one.
    pub first: u32,
    /// The number of the later one.
    pub second: u32,
    /// Their mean squared difference.
    pub squared: f32,
}

impl NearPair {
    /// The pair of two pictures in either order.
    pub const fn new(a: u32, b: u32, squared: f32) -> Self {
        if a < b { Self { first: a, second: b, squared } } else { Self { first: b, second: a, squared } }
    }

    /// Where a list of pairs is sorted by: the later picture, then the earlier one.
    pub const fn key(&self) -> (u32, u32) {
        (self.second, self.first)
    }

    /// The distance over the geometric mean of the two scales; 0 for identical pictures, whatever their scale.
    fn ratio(&self, scales: &[f32]) -> f32 {
        let scale = |i: u32| scales.get(i as usize).copied().unwrap_or(0.0);
        match self.squared {
            0.0 => 0.0,
            squared => math::sqrt(squared) / math::sqrt(scale(self.first) * scale(self.second)),
        }
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
    check(rule)?;
    if k == 0 {
        return Err(Error::InvalidArgument);
    }
    if lists.len() != scales.len().checked_mul(k).ok_or(Error::Overflow)? || sorted.len() != scales.len() {
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

fn check(rule: NearRule) -> Result<()> {
    let unit = 0.0..=1.0;
    let fits = rule.rank > 0 && unit.contains(&rule.ratio) && unit.contains(&rule.floor);
    if fits { Ok(()) } else { Err(Error::InvalidArgument) }
}

/// For each picture the earlier one that it repeats, with the ratio of their distance to the geometric mean of their
/// scales as [`Neighbour::squared`]; [`Neighbour::NONE`] for those to keep.
///
/// In the order of the numbers a picture is a repetition when its ratio to a *kept* earlier one is below the
/// rule's; of several the smallest ratio counts, then the lower number. Identical pictures have ratio 0 whatever
/// their scale. Those that `may_drop` is false for are kept in any case. Only the listed `pairs` count, in the order
/// of [`NearPair::key`]; [`open_pairs`] tells which are missing.
///
/// # Errors
/// [`Error::ShapeMismatch`] where `out`, `may_drop` and `scales` differ in length, [`Error::InvalidArgument`] for a rule as in
/// [`pair_scales`], for pairs out of order, and for a pair that is not of two pictures.
pub fn mark_near(
    rule: NearRule,
    pairs: &[NearPair],
    scales: &[f32],
    may_drop: &[bool],
    out: &mut [Neighbour],
) -> Result<()> {
    check(rule)?;
    if out.len() != scales.len() || may_drop.len() != scales.len() {
        return Err(Error::ShapeMismatch);
    }
    let is_pair = |p: &NearPair| p.first < p.second && (p.second as usize) < scales.len();
    if !(pairs.iter().all(is_pair) && pairs.is_sorted_by_key(NearPair::key)) {
        return Err(Error::InvalidArgument);
    }
    out.fill(Neighbour::NONE);
    let droppable = |p: &NearPair| may_drop.get(p.second as usize).is_some_and(|&may| may);
    let of_one = pairs.chunk_by(|a, b| a.second == b.second);
    for same in of_one.filter(|same| same.first().is_some_and(droppable)) {
        let mut best = Neighbour::NONE;
        for pair in same {
            let kept = out.get(pair.first as usize).is_some_and(|m| !m.exists());
            let ratio = pair.ratio(scales);
            if kept && ratio < rule.ratio && ratio < best.squared {
                best = Neighbour { index: pair.first, squared: ratio };
            }
        }
        if let Some(place) = same.first().and_then(|p| out.get_mut(p.second as usize)) {
            *place = best;
        }
    }
    Ok(())
}

/// The pairs that must have been measured before `marks`, made by [`mark_near`] of the same arguments, are final: of
/// each pair whose ratio is below the rule's the two kept pictures that stand for it (a picture that is kept for
/// itself, another one by what it repeats), where they are not the same.
///
/// Lists of neighbours are short: of many copies of one picture some have only other copies in theirs, and not
/// the one that is kept. So the caller measures what is here and not among `pairs` yet, adds it, and marks again,
/// until nothing new comes. Since a picture is dropped for a measured pair only, a chain of pictures that change
/// little by little is not dropped for its first one.
pub fn open_pairs(
    rule: NearRule,
    pairs: &[NearPair],
    scales: &[f32],
    marks: &[Neighbour],
) -> impl Iterator<Item = (u32, u32)> {
    let stands = |i: u32| marks.get(i as usize).filter(|m| m.exists()).map_or(i, |m| m.index);
    let near = pairs.iter().filter(move |p| p.ratio(scales) < rule.ratio);
    near.map(move |p| (stands(p.first), stands(p.second)))
        .filter(|(a, b)| a != b)
        .map(|(a, b)| if a < b { (a, b) } else { (b, a) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
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

    /// The pairs of neighbours in lists of `k` places.
    fn pairs_of(lists: &[Neighbour], k: usize) -> Vec<NearPair> {
        let listed = lists.iter().enumerate().filter(|(_, n)| n.exists());
        let mut pairs: Vec<NearPair> =
            listed.map(|(place, n)| NearPair::new((place / k) as u32, n.index, n.squared)).collect();
        pairs.sort_unstable_by_key(NearPair::key);
        pairs.dedup();
        pairs
    }

    /// Measures what is open until nothing is, and gives the kept one of each picture.
    fn settle(mut pairs: Vec<NearPair>, scales: &[f32], squared: impl Fn(u32, u32) -> f32) -> Vec<u32> {
        let (rule, mut marks) = (NearRule::default(), std::vec![Neighbour::NONE; scales.len()]);
        loop {
            mark_near(rule, &pairs, scales, &vec![true; scales.len()], &mut marks).unwrap();
            let mut open: Vec<(u32, u32)> = open_pairs(rule, &pairs, scales, &marks).collect();
            open.retain(|&(a, b)| pairs.binary_search_by_key(&(b, a), NearPair::key).is_err());
            if open.is_empty() {
                return marks.iter().map(|m| m.index).collect();
            }
            open.sort_unstable();
            open.dedup();
            pairs.extend(open.iter().map(|&(a, b)| NearPair::new(a, b, squared(a, b))));
            pairs.sort_unstable_by_key(NearPair::key);
        }
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
        let pairs = pairs_of(lists.as_flattened(), 3);
        mark_near(rule, &pairs, &scales, &[true; 7], &mut out).unwrap();
        assert_eq!(out[1], Neighbour { index: 0, squared: 0.2 });
        assert_eq!(out.iter().filter(|n| n.exists()).count(), 1);
        assert_eq!(open_pairs(rule, &pairs, &scales, &out).count(), 0);
    }

    #[test]
    fn what_is_no_rule_or_no_pair_is_refused() {
        let (rule, mut out) = (NearRule::default(), [Neighbour { index: 9, squared: 9.0 }; 3]);
        let mut call = |rule, pairs: &[NearPair]| mark_near(rule, pairs, &[1.0; 3], &[true; 3], &mut out);
        let pair = |first, second| NearPair { first, second, squared: 0.0 };
        assert_eq!(call(NearRule { rank: 0, ..rule }, &[]), Err(Error::InvalidArgument));
        assert_eq!(call(NearRule { ratio: f32::NAN, ..rule }, &[]), Err(Error::InvalidArgument));
        for pairs in [[pair(0, 2), pair(0, 1)], [pair(0, 1), pair(2, 1)], [pair(0, 1), pair(0, 3)]] {
            assert_eq!(call(rule, &pairs), Err(Error::InvalidArgument));
        }
        assert!(out.iter().all(|n| n.index == 9));
        assert_eq!(mark_near(rule, &[], &[1.0; 2], &[true; 2], &mut out), Err(Error::ShapeMismatch));
    }

    #[test]
    fn what_may_not_be_dropped_stands_for_itself() {
        // 1 repeats 0 but stays, so that 2, which is near 1 alone, repeats it.
        let pairs = [NearPair::new(0, 1, 1.0), NearPair::new(1, 2, 1.0)];
        let mut marks = [Neighbour::NONE; 3];
        let rule = NearRule::default();
        mark_near(rule, &pairs, &[8.0; 3], &[true, false, true], &mut marks).unwrap();
        assert_eq!(marks.map(|m| m.index), [u32::MAX, u32::MAX, 1]);
        mark_near(rule, &pairs, &[8.0; 3], &[true; 3], &mut marks).unwrap();
        assert_eq!(marks.map(|m| m.index), [u32::MAX, 0, u32::MAX]);
    }

    /// Twenty copies on a ring, each with its two neighbours there in its list, and number 0 not the lowest of most.
    #[test]
    fn of_many_copies_one_is_kept() {
        let turn = |i: u32| i * 7 % 20;
        let mut pairs: Vec<NearPair> = (0..20).map(|i| NearPair::new(turn(i), turn(i + 1), 1.0)).collect();
        pairs.sort_unstable_by_key(NearPair::key);
        let mut kept = settle(pairs, &[8.0; 20], |_, _| 1.0);
        assert_eq!(kept.remove(0), u32::MAX);
        assert_eq!(kept, [0; 19]);
    }

    /// Pictures that move on by 1 each, of which those less than 1.5 apart are near.
    #[test]
    fn a_chain_of_pictures_is_not_dropped_for_its_first() {
        let square = |a: u32, b: u32| ((b - a) * (b - a)) as f32;
        let pairs = (0..9).map(|i| NearPair::new(i, i + 1, 1.0)).collect();
        let none = u32::MAX;
        assert_eq!(settle(pairs, &[3.0; 10], square), [none, 0, none, 2, none, 4, none, 6, none, 8]);
    }

    #[test]
    fn many_copies_do_not_hide_each_other() {
        // Five pictures on top of each other, far from the rest, whose scale is 8.
        let mut lists: Vec<Neighbour> = Vec::new();
        for i in 0..5u32 {
            lists.extend((0..5).filter(|&j| j != i).take(3).map(|index| Neighbour { index, squared: 1.0 }));
        }
        for i in 5..12u32 {
            lists.extend((1..4).map(|d| Neighbour { index: (i - 5 + d) % 7 + 5, squared: 64.0 }));
        }
        let (mut scales, mut sorted) = ([0f32; 12], [0f32; 12]);
        pair_scales(NearRule::default(), &lists, 3, &mut scales, &mut sorted).unwrap();
        let kept = settle(pairs_of(&lists, 3), &scales, |_, b| if b < 5 { 1.0 } else { 64.0 });
        assert_eq!(kept[..5], [u32::MAX, 0, 0, 0, 0]);
        assert!(kept[5..].iter().all(|&i| i == u32::MAX));
    }
}
