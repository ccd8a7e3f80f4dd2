//! Which samples are for training, validation and test.
//!
//! A sample is drawn by the number of its group, or else by that of its decoded content. So equal pictures or rows,
//! under whatever names and in whatever files, come into one split, and no test sample was seen in training; nothing
//! has to be remembered of other samples, and none of them moves when others come or go. Drawing by id could not have
//! both: copies would have to follow one of them, and a copy that comes later may be the one to follow. The price is
//! that a sample whose content changes is drawn anew, unless it has a group.

use crate::dataset::{Content, Fractions, Meta, Sample, Split};
use crate::error::Result;
use crate::formats::Entry;
use seedbed::rng::id_hash;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What makes a group of samples whose ids are paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    /// The folder that they are in.
    Folder,
    /// The file name up to the first `_`, `-` or `.`, in whatever folder.
    Prefix,
}

impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            GroupBy::Folder => "folder",
            GroupBy::Prefix => "prefix",
        })
    }
}

impl GroupBy {
    fn part_of(self, id: &str) -> &str {
        let (folder, name) = id.rsplit_once('/').unwrap_or(("", id));
        match self {
            GroupBy::Folder => folder,
            GroupBy::Prefix => name.split(['_', '-', '.']).next().unwrap_or(name),
        }
    }
}

/// How the samples of a source are divided.
pub struct Division {
    seed: u64,
    fractions: Fractions,
    by: Option<GroupBy>,
}

impl Division {
    /// The splits of the source stay; one that it does not have is taken from its samples for training.
    pub fn new(seed: u64, wanted: Fractions, by: Option<GroupBy>, entries: &[Entry]) -> Self {
        let has = |split| entries.iter().any(|e| e.split == Some(split));
        let share = |split, fraction| if has(split) { 0.0 } else { fraction };
        let fractions =
            Fractions { val: share(Split::Val, wanted.val), test: share(Split::Test, wanted.test) };
        Self { seed, fractions, by }
    }

    /// The split of a sample.
    ///
    /// # Errors
    /// As [`Content::key`].
    pub fn split_of(&self, entry: &Entry, content: &Content) -> Result<Split> {
        if let Some(split @ (Split::Val | Split::Test)) = entry.split {
            return Ok(split);
        }
        if self.fractions.val + self.fractions.test == 0.0 {
            return Ok(Split::Train);
        }
        let group = || self.by.map(|by| id_hash(by.part_of(&entry.id).as_bytes()));
        let key = entry.group.or_else(group).map_or_else(|| content.key(), Ok)?;
        Ok(self.fractions.split_of(self.seed, key))
    }

    /// The options that have no effect, as the source has those splits itself.
    pub fn notes(&self, wanted: Fractions) -> Vec<String> {
        let Fractions { val, test } = self.fractions;
        let drawn = [("validation", "val", wanted.val, val), ("test", "test", wanted.test, test)];
        let idle = drawn.into_iter().filter(|(_, _, wanted, share)| *wanted > 0.0 && *share == 0.0);
        idle.map(|(what, key, ..)| {
            format!("samples for {what} are those of the source: --{key}-fraction has no effect")
        })
        .collect()
    }

    /// What the user should know of the splits that came of it, given which classes were [seen](see) in training.
    pub fn warnings(&self, meta: &Meta, trained: &[bool]) -> Vec<String> {
        let counts = &meta.counts;
        if counts.train == 0 {
            let other = if self.fractions.val + self.fractions.test > 0.0 { "came to be" } else { "are" };
            return vec![format!("no samples {other} for training, only for validation or test")];
        }
        let mut warnings = Vec::new();
        let Fractions { val, test } = self.fractions;
        let drawn = [("validation", val, counts.val), ("test", test, counts.test)];
        for (what, share, _) in drawn.into_iter().filter(|(_, share, n)| *share > 0.0 && *n == 0) {
            warnings.push(format!(
                "no sample came to be for {what}: {} samples, each or each group drawn by itself, are few for a \
                 share of {share}",
                counts.samples
            ));
        }
        let lost = |(class, n): (usize, &u64)| *n > 0 && !trained.get(class).is_some_and(|t| *t);
        let mut lost = counts.per_class.iter().enumerate().filter(|(class, n)| lost((*class, n)));
        if let Some((first, _)) = lost.next() {
            let n = 1 + lost.count();
            let name = meta.classes.get(first).map_or("", String::as_str);
            warnings.push(format!("{n} of the classes have no sample for training, such as `{name}`"));
        }
        warnings
    }
}

/// Takes note of the class of a sample for training.
pub fn see(trained: &mut [bool], sample: &Sample) {
    let class = sample.label.and_then(|label| trained.get_mut(label as usize));
    if let (Some(class), Split::Train) = (class, sample.split) {
        *class = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Kind;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn entry(i: usize, split: Option<Split>, group: Option<u64>) -> Entry {
        Entry { id: format!("{i:03}").into(), label: None, split, group, at: i, more: None }
    }

    fn half() -> Fractions {
        Fractions::new(0.25, 0.25).unwrap()
    }

    fn splits(entries: &[Entry], content: impl Fn(&Entry) -> f32) -> BTreeMap<String, Split> {
        let division = Division::new(1, half(), None, entries);
        let split = |e: &Entry| division.split_of(e, &Content::from_row(vec![content(e)])).unwrap();
        entries.iter().map(|e| (e.id.to_string(), split(e))).collect()
    }

    #[test]
    fn options_without_effect_are_told() {
        let entries = [entry(0, Some(Split::Val), None), entry(1, None, None)];
        let notes = |val, test| {
            let wanted = Fractions::new(val, test).unwrap();
            Division::new(1, wanted, None, &entries).notes(wanted)
        };
        assert_eq!(notes(0.0, 0.5), [""; 0]);
        let [note] = &notes(0.5, 0.25)[..] else { panic!("one note") };
        assert!(note.contains("validation") && note.contains("--val-fraction"), "{note}");
    }

    proptest! {
        #[test]
        fn other_samples_move_none(n in 1usize..60, more in 1usize..60, kinds in 1usize..20) {
            let entries: Vec<Entry> = (0..n + more).map(|i| entry(i, None, None)).collect();
            let content = |e: &Entry| (e.at % kinds) as f32;
            let (fewer, all) = (splits(&entries[..n], content), splits(&entries, content));
            prop_assert!(fewer.iter().all(|(id, split)| all[id] == *split));
            // Equal contents are in one split.
            prop_assert!(entries.iter().all(|e| all[&*e.id] == all[&*entries[e.at % kinds].id]));
        }

        #[test]
        fn groups_are_never_divided(groups in prop::collection::vec(0u64..9, 1..80)) {
            let entries: Vec<Entry> =
                groups.iter().enumerate().map(|(i, g)| entry(i, None, Some(*g))).collect();
            let found = splits(&entries, |e| e.at as f32);
            let mut of: BTreeMap<u64, Split> = BTreeMap::new();
            for e in &entries {
                let split = found[&*e.id];
                prop_assert_eq!(*of.entry(e.group.unwrap()).or_insert(split), split);
            }
        }
    }

    #[test]
    fn splits_of_the_source_stay() {
        let given = |i: usize| if i < 10 { Some(Split::Test) } else { Some(Split::Train) };
        let entries: Vec<Entry> = (0..1010).map(|i| entry(i, given(i), None)).collect();
        let found = splits(&entries, |e| e.at as f32);
        let count = |split| found.values().filter(|s| **s == split).count();
        assert_eq!(count(Split::Test), 10);
        assert!((190..310).contains(&count(Split::Val)), "{}", count(Split::Val));
    }

    #[test]
    fn groups_are_parts_of_paths() {
        let ids = ["a/patient7_03", "b/patient7-left", "a/patient8", "top"];
        let parts = |by: GroupBy| ids.map(|id| by.part_of(id));
        assert_eq!(parts(GroupBy::Folder), ["a", "b", "a", ""]);
        assert_eq!(parts(GroupBy::Prefix), ["patient7", "patient7", "patient8", "top"]);
    }

    #[test]
    fn what_is_missing_is_told() {
        let mut meta = Meta::new("a", Kind::Images, vec!["cat".into(), "dog".into()], Vec::new());
        meta.counts.samples = 4;
        meta.counts.per_class = vec![2, 2];
        let division = Division::new(0, half(), None, &[]);
        let mut trained = [false; 2];
        assert_eq!(
            division.warnings(&meta, &trained),
            ["no samples came to be for training, only for validation or test"]
        );
        (meta.counts.train, meta.counts.test) = (2, 2);
        see(&mut trained, &Sample::new("a", Some(0), Split::Train, Content::default()));
        let warnings = division.warnings(&meta, &trained);
        assert!(warnings[0].starts_with("no sample came to be for validation: 4 samples"), "{warnings:?}");
        assert_eq!(warnings[1], "1 of the classes have no sample for training, such as `dog`");
    }
}
