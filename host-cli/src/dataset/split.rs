//! Which samples a model learns from, and which it is stopped and judged by.
//!
//! Two ways. [`Fractions::split_of`] draws the split of a sample from a key of its own, and from nothing else: more
//! samples, fewer, or in another order, and each still has the split that it had. The price is that the shares are
//! those asked for in expectation only. Of n samples (or groups, where groups are drawn) the share of a split is off
//! by √(f·(1 − f) / n) in the standard deviation: for a share of 0.1 by 0.03 of 100 samples, 0.01 of 1,000, 0.003 of
//! 10,000; hardly ever by more than four times that. It is so within each class as well, which is all the
//! stratification that can be had without moving samples: quotas for each class would have to. A class of a few
//! samples may have none in some split.
//!
//! [`assign`] gives exact shares of each class of a set that is closed; a sample more moves others.

use super::Split;
use crate::error::{Error, Result};
use seedbed::rng::{Key, Stream, id_hash};
use std::collections::BTreeMap;

/// What the randomness of splitting is for; see [`seedbed::rng::Key`].
pub const PURPOSE: u32 = 1;

/// The share of the samples that goes to validation and to test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fractions {
    /// For validation, from 0 to below 1.
    pub val: f64,
    /// For test, from 0 to below 1.
    pub test: f64,
}

impl Fractions {
    /// Checked fractions.
    ///
    /// # Errors
    /// When one is negative or not finite, or together they leave nothing for training; the error names
    /// the options `val_fraction` and `test_fraction`.
    pub fn new(val: f64, test: f64) -> Result<Self> {
        for (key, value) in [("val_fraction", val), ("test_fraction", test)] {
            if !(0.0..1.0).contains(&value) {
                return Err(Error::out_of_range(key, value, "from 0 to below 1"));
            }
        }
        if val + test >= 1.0 {
            return Err(Error::out_of_range("test_fraction", test, "below 1 together with val_fraction"));
        }
        Ok(Self { val, test })
    }
}

impl Fractions {
    /// The split of what has this key (a sample, or a group of samples that belong together), drawn under `seed`.
    pub fn split_of(self, seed: u64, key: u64) -> Split {
        let draw = Stream::new(seed, Key::new(PURPOSE).op(2).sample(key)).next_u64();
        // The 53 bits that a float holds exactly, from 0 to below 1. The two splits have an end each, so that one share
        // changes without moving the other.
        let draw = (draw >> 11) as f64 / (1u64 << 53) as f64;
        if draw < self.test {
            Split::Test
        } else if draw >= 1.0 - self.val {
            Split::Val
        } else {
            Split::Train
        }
    }
}

/// The split of each of `items` (id and label), stratified: within each class the ids are ordered by
/// a hash under `seed`; the first of them, as many as the fraction says (rounded), are for test,
/// the next for validation, and the rest, at least one, for training.
///
/// The order of `items` does not matter, and a sample more or less moves few others.
pub fn assign(items: &[(&str, Option<u32>)], seed: u64, fractions: Fractions) -> Vec<Split> {
    let mut classes: BTreeMap<Option<u32>, Vec<(u64, &str, usize)>> = BTreeMap::new();
    for (at, &(id, label)) in items.iter().enumerate() {
        let draw = Stream::new(seed, Key::new(PURPOSE).sample(id_hash(id.as_bytes()))).next_u64();
        classes.entry(label).or_default().push((draw, id, at));
    }
    let mut splits = vec![Split::Train; items.len()];
    for members in classes.values_mut() {
        members.sort_unstable();
        let spare = members.len() - 1;
        let share = |fraction: f64| (fraction * members.len() as f64).round() as usize;
        let test = share(fractions.test).min(spare);
        let val = share(fractions.val).min(spare - test);
        for (rank, &(_, _, at)) in members[..test + val].iter().enumerate() {
            splits[at] = if rank < test { Split::Test } else { Split::Val };
        }
    }
    splits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_are_about_those_asked_for(seed: u64, val in 0.0..0.4, test in 0.0..0.4, n in 50u64..3000) {
            let fractions = Fractions::new(val, test).unwrap();
            let splits: Vec<Split> = (0..n).map(|key| fractions.split_of(seed, key)).collect();
            for (split, share) in [(Split::Val, val), (Split::Test, test), (Split::Train, 1.0 - val - test)] {
                let got = splits.iter().filter(|s| **s == split).count() as f64;
                let deviation = (share * (1.0 - share) * n as f64).sqrt();
                prop_assert!((got - share * n as f64).abs() <= 5.0 * deviation + 3.0, "{split:?} {got}");
            }
        }

        #[test]
        fn one_share_does_not_move_the_other(seed: u64, key: u64, share in 0.0..0.4, more in 0.0..0.5) {
            let with = |val, test| Fractions::new(val, test).unwrap().split_of(seed, key);
            prop_assert_eq!(with(share, 0.0) == Split::Val, with(share, more) == Split::Val);
            prop_assert_eq!(with(0.0, share) == Split::Test, with(more, share) == Split::Test);
            // A larger share keeps what a smaller one had.
            prop_assert!(with(0.0, share) != Split::Test || with(0.0, share + more) == Split::Test);
        }
    }

    #[test]
    fn draws_are_these() {
        let fractions = Fractions::new(0.25, 0.25).unwrap();
        let drawn: Vec<&str> = (0..12).map(|key| fractions.split_of(7, key).name()).collect();
        assert_eq!(drawn.join(" "), "test val train test test train val val val train val test");
        assert_eq!(Fractions::new(0.0, 0.0).unwrap().split_of(7, 3), Split::Train);
    }

    fn ids(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("{i:05}")).collect()
    }

    fn split(ids: &[String], seed: u64) -> Vec<Split> {
        let items: Vec<_> =
            ids.iter().enumerate().map(|(i, id)| (id.as_str(), Some((i % 3 == 0) as u32))).collect();
        assign(&items, seed, Fractions::new(0.1, 0.2).unwrap())
    }

    #[test]
    fn each_class_is_divided_alike() {
        let ids = ids(300);
        let splits = split(&ids, 1);
        for class in 0..2 {
            let of = |want| (0..300).filter(|i| (i % 3 == 0) as u32 == class && splits[*i] == want).count();
            let n = if class == 1 { 100 } else { 200 };
            assert_eq!((of(Split::Test), of(Split::Val)), (n / 5, n / 10));
        }
        assert_eq!(splits, split(&ids, 1));
        assert_ne!(splits, split(&ids, 2));
    }

    #[test]
    fn order_does_not_matter_and_more_samples_move_few() {
        let ids = ids(1000);
        let labels = |i: usize| Some(i.is_multiple_of(3) as u32);
        let forward = split(&ids, 5);
        let mut items: Vec<_> = ids.iter().enumerate().map(|(i, id)| (id.as_str(), labels(i))).collect();
        items.reverse();
        let mut backward = assign(&items, 5, Fractions::new(0.1, 0.2).unwrap());
        backward.reverse();
        assert_eq!(forward, backward);
        let fewer = split(&ids[..950], 5);
        let moved = fewer.iter().zip(&forward).filter(|(a, b)| a != b).count();
        assert!(moved < 40, "{moved}");
    }

    #[test]
    fn training_keeps_at_least_one_of_each_class() {
        for n in 0..6 {
            let ids = ids(n);
            let items: Vec<_> = ids.iter().map(|id| (id.as_str(), None)).collect();
            let splits = assign(&items, 0, Fractions::new(0.49, 0.5).unwrap());
            assert_eq!(splits.contains(&Split::Train), n > 0);
        }
    }

    #[test]
    fn fractions_are_checked() {
        for (val, test) in [(-0.1, 0.0), (0.0, 1.0), (f64::NAN, 0.0), (0.5, 0.5)] {
            assert_eq!(Fractions::new(val, test).unwrap_err().exit_code(), 2);
        }
    }
}
