//! SMOTE (Chawla, Bowyer, Hall, Kegelmeyer 2002): new rows between a row and a near one of its class.
//!
//! In tables of numbers this is a usual way to fill a small class. Between pictures it mixes pixels, which blurs;
//! in the coordinates of principal components it blurs less, but is still a mixture and no new picture.

use super::PURPOSE;
use crate::error::{Error, Result};
use crate::linalg::Neighbour;
use crate::rng::{Key, Stream};

/// The recipe of one synthetic row: base + gap · (other − base).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Synthetic {
    /// Number of the base row within its class.
    pub base: u32,
    /// Number of the other row within its class.
    pub other: u32,
    /// How far from the base towards the other, in 0..1.
    pub gap: f32,
}

/// The recipes of the synthetic rows of class `class`: the base uniform among the members, the other uniform among its
/// neighbours, the gap uniform in 0..1.
///
/// `neighbours` has `k` places per member: the nearest others within the class
/// ([`knn`](crate::linalg::knn) with [`Exclude::Itself`](crate::linalg::Exclude::Itself), so that a row with exact
/// copies is never its own neighbour). A member without any neighbour is repeated as it is (gap 0). Row number i
/// depends on the seed, the class and i alone.
///
/// # Errors
/// [`Error::InvalidArgument`] for `k` = 0, [`Error::ShapeMismatch`] where `neighbours` is no whole number of lists,
/// [`Error::TooFewSamples`] where there are rows to make but no members, [`Error::Overflow`] for 2³² members or more.
///
/// ```
/// use seedbed::{balance::{Synthetic, smote}, linalg::Neighbour};
/// // Two members, each the nearest of the other.
/// let lists = [1, 0].map(|index| Neighbour { index, squared: 1.0 });
/// let mut rows = [Synthetic::default(); 4];
/// smote(7, 0, &lists, 1, &mut rows)?;
/// assert!(rows.iter().all(|r| r.base != r.other && r.gap < 1.0));
/// # Ok::<(), seedbed::Error>(())
/// ```
pub fn smote(seed: u64, class: u32, neighbours: &[Neighbour], k: usize, out: &mut [Synthetic]) -> Result<()> {
    if k == 0 {
        return Err(Error::InvalidArgument);
    }
    if !neighbours.len().is_multiple_of(k) {
        return Err(Error::ShapeMismatch);
    }
    let members = neighbours.len() / k;
    if members == 0 && !out.is_empty() {
        return Err(Error::TooFewSamples);
    }
    if u32::try_from(members).is_err() {
        return Err(Error::Overflow);
    }
    for (number, place) in (0u64..).zip(out) {
        let mut stream = Stream::new(seed, Key::new(PURPOSE).epoch(class).sample(number).op(2));
        let base = stream.index(members);
        let list = neighbours.get(base * k..(base + 1) * k).unwrap_or(&[]);
        let there = list.iter().filter(|n| n.exists()).count();
        let other = list.get(stream.index(there)).filter(|n| n.exists());
        let gap = stream.uniform();
        *place = match other {
            Some(other) => Synthetic { base: base as u32, other: other.index, gap },
            None => Synthetic { base: base as u32, other: base as u32, gap: 0.0 },
        };
    }
    Ok(())
}

kernel! {
    /// out ← a + gap · (b − a) over the common prefix.
    pub fn mix_rows(a: &[f32], b: &[f32], gap: f32, out: &mut [f32]) = mix_rows_body;
}

#[inline(always)]
fn mix_rows_body(a: &[f32], b: &[f32], gap: f32, out: &mut [f32]) {
    for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *o = a + gap * (b - a);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Serial;
    use crate::linalg::{Exclude, knn, knn_scratch_len};
    use crate::scratch::Scratch;
    use crate::simd::Level;
    use crate::testing::same_bits_at_every_level;
    use crate::view::MatRef;
    use std::vec;
    use std::vec::Vec;

    fn graph(x: MatRef<f32>, k: usize) -> Vec<Neighbour> {
        let mut memory = vec![0u8; knn_scratch_len(x.rows(), x.rows(), x.cols())];
        let mut out = vec![Neighbour::NONE; x.rows() * k];
        let scratch = &mut Scratch::new(&mut memory);
        knn(Level::detect(), &Serial, x, x, Exclude::Itself, k, &mut out, scratch).unwrap();
        out
    }

    /// Every row stored three times, as in a table with duplicates: excluding a row's own place in the sorted list instead
    /// of its number would make two thirds of the rows their own neighbours.
    #[test]
    fn a_row_with_copies_is_never_its_own_neighbour() {
        let v: Vec<f32> = (0..60).map(|i| (i / 3 * 7 % 11) as f32).collect();
        let x = MatRef::new(&v, 60, 1).unwrap();
        let mut out = [Synthetic::default(); 500];
        smote(1, 0, &graph(x, 5), 5, &mut out).unwrap();
        assert!(out.iter().all(|s| s.base != s.other && (0.0..1.0).contains(&s.gap)));
        let bases: std::collections::HashSet<_> = out.iter().map(|s| s.base).collect();
        assert!(bases.len() > 55);
    }

    #[test]
    fn rows_lie_on_the_segment_to_a_near_member() {
        let v = [0.0f32, 0.0, 1.0, 0.0, 0.0, 1.0, 9.0, 9.0];
        let x = MatRef::new(&v, 4, 2).unwrap();
        let lists = graph(x, 2);
        let mut out = [Synthetic::default(); 200];
        smote(7, 3, &lists, 2, &mut out).unwrap();
        for s in out {
            let list = &lists[s.base as usize * 2..][..2];
            assert!(list.iter().any(|n| n.index == s.other));
            let mut row = [0f32; 2];
            mix_rows(Level::detect(), x.row(s.base as usize), x.row(s.other as usize), s.gap, &mut row);
            let (a, b) = (x.row(s.base as usize), x.row(s.other as usize));
            assert!((0..2).all(|i| row[i] >= a[i].min(b[i]) - 1e-6 && row[i] <= a[i].max(b[i]) + 1e-6));
        }
        let mut fewer = [Synthetic::default(); 50];
        smote(7, 3, &lists, 2, &mut fewer).unwrap();
        assert_eq!(fewer, out[..50]);
    }

    #[test]
    fn a_lonely_member_is_repeated_and_nonsense_refused() {
        let mut out = [Synthetic::default(); 3];
        smote(1, 0, &[Neighbour::NONE; 5], 5, &mut out).unwrap();
        assert_eq!(out, [Synthetic { base: 0, other: 0, gap: 0.0 }; 3]);
        assert_eq!(smote(1, 0, &[], 0, &mut out), Err(Error::InvalidArgument));
        assert_eq!(smote(1, 0, &[Neighbour::NONE; 4], 3, &mut out), Err(Error::ShapeMismatch));
        assert_eq!(smote(1, 0, &[], 3, &mut out), Err(Error::TooFewSamples));
        same_bits_at_every_level(&[0.3, -2.0, 7.5], |level, v, out| {
            let b: Vec<f32> = v.iter().map(|x| x * 1.7 - 0.3).collect();
            out.resize(v.len(), 0.0);
            mix_rows(level, v, &b, 0.37, out);
        });
    }
}
