//! Copies that are no new pictures: flips of what is symmetric, and operations that happened to do nothing.

use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// How many copies are no new pictures; each counts once, in the first that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twins {
    /// Those with the very pixels of a picture of val or test, which their own original has not.
    #[serde(default)]
    pub held_out: u64,
    /// Those with the very pixels of an original of another class.
    pub other_class: u64,
    /// Those with the very pixels of their own original.
    pub unchanged: u64,
    /// Those with the very pixels of another original of their class, or of one without a class.
    pub other: u64,
    /// Those with the very pixels of another copy that was made before.
    pub repeated: u64,
}

/// The hashes of copies, and what is known of the pictures that have these.
#[derive(Default)]
pub struct Hashes {
    copies: Vec<(Option<u32>, u128, u128)>,
    /// Of each copy's hash.
    alike: HashMap<u128, Alike>,
}

/// The pictures of one hash.
#[derive(Default)]
struct Alike {
    /// The classes of those of the train split.
    train: Vec<Option<u32>>,
    /// Whether there are others.
    held_out: bool,
}

impl Hashes {
    /// Adds the copies of an original.
    pub fn add(&mut self, label: Option<u32>, original: u128, copies: Vec<u128>) {
        self.alike.extend(copies.iter().map(|&copy| (copy, Alike::default())));
        self.copies.extend(copies.into_iter().map(|copy| (label, original, copy)));
    }

    /// Takes notice of a picture that is no copy, after all copies were added.
    pub fn meet(&mut self, (label, train): (Option<u32>, bool), hash: u128) {
        if let Some(alike) = self.alike.get_mut(&hash) {
            alike.held_out |= !train;
            if train && !alike.train.contains(&label) {
                alike.train.push(label);
            }
        }
    }

    /// What they come to.
    pub fn counted(self) -> Twins {
        let (mut twins, mut seen) = (Twins::default(), HashSet::new());
        for (label, original, copy) in self.copies {
            let fresh = seen.insert(copy);
            let alike = self.alike.get(&copy).filter(|alike| alike.held_out || !alike.train.is_empty());
            let class = |other: &Option<u32>| label.is_some() && other.is_some() && *other != label;
            match alike {
                Some(alike) if alike.train.iter().any(class) => twins.other_class += 1,
                _ if copy == original => twins.unchanged += 1,
                Some(alike) if alike.held_out => twins.held_out += 1,
                Some(_) => twins.other += 1,
                None if !fresh => twins.repeated += 1,
                None => {}
            }
        }
        twins
    }
}

impl Twins {
    /// All of them.
    pub const fn all(&self) -> u64 {
        self.held_out + self.other_class + self.unchanged + self.other + self.repeated
    }

    /// A warning where copies are pictures of another class, or of val or test, or where every second of `copies` is no new picture.
    pub fn warning(&self, copies: u64) -> Option<String> {
        if self.other_class > 0 {
            return Some(format!(
                "{} of {copies} copies are the very pictures of another class: an operation makes one class of another",
                self.other_class
            ));
        }
        if self.held_out > 0 {
            return Some(format!(
                "{} of {copies} copies are the very pictures of val or test, which judge: prune near duplicates, or leave the \
                 operation out",
                self.held_out
            ));
        }
        (self.all() * 2 > copies).then(|| {
            format!(
                "{} of {copies} copies are no new pictures: more or stronger operations, or fewer copies",
                self.all()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_copy_counts_once() {
        let mut hashes = Hashes::default();
        hashes.add(Some(0), 1, vec![1, 2, 7, 7]);
        hashes.add(Some(1), 2, vec![3, 8]);
        hashes.add(Some(1), 3, vec![9, 9]);
        hashes.add(None, 4, vec![1]);
        for (label, train, hash) in
            [(Some(0), true, 1), (Some(1), true, 2), (Some(1), true, 3), (None, true, 4), (Some(1), false, 8)]
        {
            hashes.meet((label, train), hash);
        }
        let twins = hashes.counted();
        assert_eq!(twins, Twins { held_out: 1, other_class: 1, unchanged: 1, other: 2, repeated: 2 });
        assert!(
            twins.warning(9).unwrap().starts_with("1 of 9 copies are the very pictures of another class")
        );
        let twins = Twins { other_class: 0, ..twins };
        assert!(twins.warning(9).unwrap().starts_with("1 of 9 copies are the very pictures of val or test"));
        let twins = Twins { held_out: 0, ..twins };
        assert!(twins.warning(9).unwrap().starts_with("5 of 9 copies are no new pictures"));
        assert_eq!(twins.warning(10), None);
    }
}
