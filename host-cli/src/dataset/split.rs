//! Which samples a model learns from, and which it is stopped and judged by.

use super::Split;
use crate::error::{Error, Result};
use seedbed::rng::{Key, Stream, id_hash};
use std::collections::BTreeMap;

/// What the randomness of splitting is for; see [`seedbed::rng::Key`].
pub const PURPOSE: u32 = 1;

/// The share of each class that goes to validation and to test.
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
