//! Random over- and undersampling.

use super::PURPOSE;
use crate::error::{Error, Result};
use crate::rng::{Key, Stream};
use crate::scratch::{Scratch, ScratchLen};

/// Which member of class `class` each of the further copies repeats: member numbers in 0..`members`, uniform with
/// replacement. Copy k depends on the seed, the class and k alone, so that a larger target keeps the copies of a
/// smaller one.
///
/// # Errors
/// [`Error::TooFewSamples`] where there are copies to make but no members, [`Error::Overflow`] for 2³² copies or
/// members or more.
///
/// ```
/// let (mut few, mut more) = ([0; 3], [0; 5]);
/// seedbed::balance::oversample(7, 0, 10, &mut few)?;
/// seedbed::balance::oversample(7, 0, 10, &mut more)?;
/// assert_eq!(few, more[..3]);
/// # Ok::<(), seedbed::Error>(())
/// ```
pub fn oversample(seed: u64, class: u32, members: usize, out: &mut [u32]) -> Result<()> {
    if members == 0 && !out.is_empty() {
        return Err(Error::TooFewSamples);
    }
    if u32::try_from(out.len()).is_err() || u32::try_from(members).is_err() {
        return Err(Error::Overflow);
    }
    for (copy, place) in (0u64..).zip(out) {
        let mut stream = Stream::new(seed, Key::new(PURPOSE).epoch(class).sample(copy));
        *place = stream.index(members) as u32;
    }
    Ok(())
}

/// Bytes of scratch for [`undersample`] of so many members.
pub const fn undersample_scratch_len(members: usize) -> usize {
    ScratchLen::new().with::<u64>(members).with::<u32>(members).bytes()
}

/// Chooses `kept.len()` members of a class without replacement, in ascending order of their numbers: those whose random
/// ranks are lowest. A member's rank depends on the seed and its `ids` entry (see [`crate::rng::id_hash`]) alone,
/// so a smaller target keeps a part of what a larger one keeps, whatever the order of the samples.
///
/// # Errors
/// [`Error::InvalidArgument`] for more kept than there are, [`Error::Overflow`] for 2³² members or more,
/// [`Error::ScratchTooSmall`].
pub fn undersample(seed: u64, ids: &[u64], kept: &mut [u32], scratch: &mut Scratch<'_>) -> Result<()> {
    if kept.len() > ids.len() {
        return Err(Error::InvalidArgument);
    }
    if u32::try_from(ids.len()).is_err() {
        return Err(Error::Overflow);
    }
    let mut frame = scratch.frame();
    let ranks = frame.take::<u64>(ids.len())?;
    let order = frame.take::<u32>(ids.len())?;
    for (rank, &id) in ranks.iter_mut().zip(ids) {
        *rank = Stream::new(seed, Key::new(PURPOSE).sample(id).op(1)).next_u64();
    }
    for (i, place) in (0u32..).zip(order.iter_mut()) {
        *place = i;
    }
    let key = |i: &u32| (ranks.get(*i as usize).copied(), ids.get(*i as usize).copied(), *i);
    order.sort_unstable_by_key(key);
    for (place, &i) in kept.iter_mut().zip(&*order) {
        *place = i;
    }
    kept.sort_unstable();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn under(seed: u64, ids: &[u64], count: usize) -> Vec<u32> {
        let mut memory = vec![0u8; undersample_scratch_len(ids.len())];
        let mut kept = vec![0u32; count];
        undersample(seed, ids, &mut kept, &mut Scratch::new(&mut memory)).unwrap();
        kept
    }

    #[test]
    fn copies_are_even_and_a_longer_list_starts_like_a_shorter_one() {
        let (mut short, mut long) = ([0u32; 50], [0u32; 10_000]);
        oversample(3, 1, 20, &mut short).unwrap();
        oversample(3, 1, 20, &mut long).unwrap();
        assert_eq!(short, long[..50]);
        let mut counts = [0u32; 20];
        for &i in &long {
            counts[i as usize] += 1;
        }
        // Five standard errors of a binomial of 10,000 × 1/20.
        assert!(counts.iter().all(|c| c.abs_diff(500) < 110), "{counts:?}");
        oversample(3, 2, 20, &mut short).unwrap();
        assert_ne!(short, long[..50]);
        assert_eq!(oversample(3, 2, 0, &mut short), Err(Error::TooFewSamples));
        assert_eq!(oversample(3, 2, 0, &mut []), Ok(()));
        if let Some(members) = (u32::MAX as usize).checked_add(1) {
            assert_eq!(oversample(3, 2, members, &mut short), Err(Error::Overflow));
        }
    }

    #[test]
    fn what_is_kept_depends_on_ids_not_on_their_order() {
        let ids: Vec<u64> = (0..100).map(|i| i * 977).collect();
        let kept = under(5, &ids, 30);
        assert!(kept.is_sorted() && kept.windows(2).all(|w| w[0] != w[1]));
        let more = under(5, &ids, 40);
        assert!(kept.iter().all(|i| more.contains(i)));
        let reversed: Vec<u64> = ids.iter().rev().copied().collect();
        let mut back: Vec<u32> = under(5, &reversed, 30).into_iter().map(|i| 99 - i).collect();
        back.sort_unstable();
        assert_eq!(back, kept);
        assert_ne!(under(6, &ids, 30), kept);
        assert_eq!(undersample(5, &ids, &mut [0; 101], &mut Scratch::empty()), Err(Error::InvalidArgument));
    }
}
