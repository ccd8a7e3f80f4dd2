//! Copies that are no new pictures: flips of what is symmetric, and operations that happened to do nothing.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How many copies are no new pictures; each counts once, in the first that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twins {
    /// Those with the very pixels of an original of another class.
    pub other_class: u64,
    /// Those with the very pixels of their own original.
    pub unchanged: u64,
    /// Those with the very pixels of another original of their class, or of one without a class.
    pub other: u64,
    /// Those with the very pixels of another copy that was made before.
    pub repeated: u64,
}

/// The hashes of originals and of their copies.
#[derive(Default)]
pub struct Hashes {
    originals: HashMap<u128, Vec<Option<u32>>>,
    copies: Vec<(Option<u32>, u128, u128)>,
}

impl Hashes {
    /// Adds an original and its copies.
    pub fn add(&mut self, label: Option<u32>, original: u128, copies: Vec<u128>) {
        self.originals.entry(original).or_default().push(label);
        self.copies.extend(copies.into_iter().map(|copy| (label, original, copy)));
    }

    /// What they come to.
    pub fn counted(self) -> Twins {
        let (mut twins, mut seen) = (Twins::default(), std::collections::HashSet::new());
        for (label, original, copy) in self.copies {
            let fresh = seen.insert(copy);
            let alike = self.originals.get(&copy);
            let class = |other: &Option<u32>| label.is_some() && other.is_some() && *other != label;
            match alike {
                Some(labels) if labels.iter().any(class) => twins.other_class += 1,
                _ if copy == original => twins.unchanged += 1,
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
        self.other_class + self.unchanged + self.other + self.repeated
    }

    /// A warning where copies are pictures of another class, or where every second of `copies` is no new picture.
    pub fn warning(&self, copies: u64) -> Option<String> {
        if self.other_class > 0 {
            return Some(format!(
                "{} of {copies} copies are the very pictures of another class: an operation makes one class of another",
                self.other_class
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
        let twins = hashes.counted();
        assert_eq!(twins, Twins { other_class: 1, unchanged: 1, other: 2, repeated: 2 });
        assert!(
            twins.warning(9).unwrap().starts_with("1 of 9 copies are the very pictures of another class")
        );
        let twins = Twins { other_class: 0, ..twins };
        assert!(twins.warning(9).unwrap().starts_with("5 of 9 copies are no new pictures"));
        assert_eq!(twins.warning(10), None);
    }
}
