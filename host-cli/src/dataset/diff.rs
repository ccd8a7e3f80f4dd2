//! What two datasets differ in: a merge of their samples, which are ascending by id, a few of each in memory.

use super::{Content, Dataset, Meta, Origin, Picture, Sample};
use crate::error::Result;
use serde::Serialize;
use serde_json::Value;
use std::cmp::Ordering;

/// A sample that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// What changed, where it is in both: `label: cat → dog`, `split: …`, `weight: …`, `content`, `origin`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub what: Vec<String>,
    /// Why it is in one only, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Samples that differ in one way: how many, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Items {
    /// How many there are.
    pub count: u64,
    /// The first, by their ids.
    pub first: Vec<Item>,
}

impl Items {
    fn push(&mut self, id: String, what: Vec<String>, most: usize) {
        self.count += 1;
        if self.first.len() < most {
            self.first.push(Item { id, what, reason: None });
        }
    }
}

/// What two datasets differ in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What differs of classes, columns and the like, in words.
    pub about: Vec<String>,
    /// Samples of the first that the second lacks.
    pub dropped: Items,
    /// Samples of the second that the first lacks.
    pub added: Items,
    /// Samples of both that are not the same.
    pub changed: Items,
    /// Samples that are the same in both.
    pub same: u64,
}

impl Difference {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.about.is_empty() && self.dropped.count + self.added.count + self.changed.count == 0
    }
}

/// Holds the samples of `a` against those of `b`; lists at most `most` of each kind of difference. Names of the
/// datasets and of source files, storage and shards do not count, as in the content hash.
///
/// # Errors
/// When a dataset is damaged.
pub fn diff(a: &Dataset, b: &Dataset, most: usize) -> Result<Difference> {
    let mut found = Difference { about: about(a.meta(), b.meta()), ..Difference::default() };
    let (mut of_a, mut of_b) = (a.samples(), b.samples());
    let (mut x, mut y) = (of_a.next().transpose()?, of_b.next().transpose()?);
    loop {
        let order = match (&x, &y) {
            (None, None) => return Ok(found),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(x), Some(y)) => x.id.cmp(&y.id),
        };
        let left = if order.is_le() { std::mem::replace(&mut x, of_a.next().transpose()?) } else { None };
        let right = if order.is_ge() { std::mem::replace(&mut y, of_b.next().transpose()?) } else { None };
        match (left, right) {
            (Some(left), Some(right)) => {
                let what = changes((a.meta(), &left), (b.meta(), &right))?;
                if what.is_empty() {
                    found.same += 1;
                } else {
                    found.changed.push(left.id, what, most);
                }
            }
            (Some(left), None) => found.dropped.push(left.id, Vec::new(), most),
            (None, Some(right)) => found.added.push(right.id, Vec::new(), most),
            (None, None) => {}
        }
    }
}

/// What differs between two samples of one id. Labels count by the names of their classes.
fn changes((of_a, a): (&Meta, &Sample), (of_b, b): (&Meta, &Sample)) -> Result<Vec<String>> {
    let mut what = Vec::new();
    let labels = (of_a.class_name(a.label), of_b.class_name(b.label));
    if labels.0 != labels.1 {
        what.push(format!("label: {} → {}", labels.0, labels.1));
    }
    if a.split != b.split {
        what.push(format!("split: {} → {}", a.split, b.split));
    }
    if a.weight.to_bits() != b.weight.to_bits() {
        what.push(format!("weight: {} → {}", a.weight, b.weight));
    }
    if !same_content(&a.content, &b.content) {
        what.push("content".into());
    }
    let origin = |sample: &Sample| sample.origin.as_ref().map(Origin::text).transpose();
    if origin(a)? != origin(b)? {
        what.push("origin".into());
    }
    Ok(what)
}

/// Whether pixels, sounds, texts and numbers are the same; every missing number is the same as any other.
fn same_content(a: &Content, b: &Content) -> bool {
    let nameless = |picture: &Option<Picture>| {
        let mut picture = picture.clone();
        picture.iter_mut().for_each(|p| p.path = None);
        picture
    };
    let same = |(x, y): (&f32, &f32)| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
    a.text == b.text
        && a.row.len() == b.row.len()
        && a.row.iter().zip(&b.row).all(same)
        && a.audio.as_ref().map(|sound| &sound.bytes) == b.audio.as_ref().map(|sound| &sound.bytes)
        && nameless(&a.image) == nameless(&b.image)
}

/// What differs between two datasets as wholes.
fn about(a: &Meta, b: &Meta) -> Vec<String> {
    let mut what = names("class", &a.classes, &b.classes);
    what.extend(names("column", &a.columns, &b.columns));
    let rest = |meta: &Meta| {
        let plain = Meta { classes: Vec::new(), columns: Vec::new(), shards: Vec::new(), ..meta.clone() };
        let mut value = serde_json::to_value(plain).unwrap_or_default();
        if let Value::Object(map) = &mut value {
            // The hash and the counts follow from the samples; the others are not content.
            for key in ["content_hash", "counts", "image", "name", "storage", "version"] {
                map.remove(key);
            }
        }
        value
    };
    what.extend(changed_keys(&rest(a), &rest(b)));
    what
}

fn names(what: &str, a: &[String], b: &[String]) -> Vec<String> {
    let only = |x: &[String], y: &[String]| x.iter().filter(|n| !y.contains(n)).cloned().collect::<Vec<_>>();
    let (of_a, of_b) = (only(a, b), only(b, a));
    let mut said: Vec<String> = of_a.iter().map(|name| format!("{what} dropped: {name}")).collect();
    said.extend(of_b.iter().map(|name| format!("{what} added: {name}")));
    if said.is_empty() && a != b {
        said.push(format!("{what} names in another order: {} → {}", a.join(", "), b.join(", ")));
    }
    said
}

/// What is not the same in the objects `a` and `b`: `name: value → value`.
pub fn changed_keys(a: &Value, b: &Value) -> Vec<String> {
    let none = serde_json::Map::new();
    let (a, b) = (a.as_object().unwrap_or(&none), b.as_object().unwrap_or(&none));
    let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
    let shown = |value: Option<&Value>| value.map_or_else(|| "–".into(), Value::to_string);
    names
        .filter(|name| a.get(*name) != b.get(*name))
        .map(|name| format!("{name}: {} → {}", shown(a.get(name)), shown(b.get(name))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{DatasetWriter, Split, Storage};
    use super::*;
    use crate::codec::Pixels;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::{BTreeMap, BTreeSet};

    fn write(meta: Meta, samples: impl IntoIterator<Item = Sample>) -> (tempfile::TempDir, Dataset) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = DatasetWriter::create(dir.path(), meta).unwrap().shard_rows(3);
        samples.into_iter().for_each(|s| writer.push(s).unwrap());
        writer.finish().unwrap();
        let dataset = Dataset::open(dir.path()).unwrap();
        (dir, dataset)
    }

    fn row(id: &str, value: f32) -> Sample {
        Sample::new(id, Some(0), Split::Train, Content::from_row(vec![value]))
    }

    fn table(samples: impl IntoIterator<Item = Sample>) -> (tempfile::TempDir, Dataset) {
        write(Meta::table("t", vec!["k".into()], vec!["x".into()]), samples)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_is_what_sets_and_maps_say(
            a in prop::collection::btree_map(0u8..20, 0u8..3, 0..12), b in prop::collection::btree_map(0u8..20, 0u8..3, 0..12),
            most in 0usize..4) {
            let make = |of: &BTreeMap<u8, u8>| table(of.iter().map(|(i, v)| row(&format!("s{i:02}"), f32::from(*v))));
            let (of_a, of_b) = (make(&a), make(&b));
            let found = diff(&of_a.1, &of_b.1, most).unwrap();
            let keys = |x: &BTreeMap<u8, u8>| x.keys().copied().collect::<BTreeSet<_>>();
            let both: Vec<u8> = keys(&a).intersection(&keys(&b)).copied().collect();
            let same = both.iter().filter(|i| a[i] == b[i]).count();
            prop_assert_eq!(found.dropped.count as usize, a.len() - both.len());
            prop_assert_eq!(found.added.count as usize, b.len() - both.len());
            prop_assert_eq!((found.same as usize, found.changed.count as usize), (same, both.len() - same));
            prop_assert_eq!(found.dropped.first.len(), most.min(a.len() - both.len()));
            let gone = keys(&a).difference(&keys(&b)).next().copied();
            if let (Some(gone), Some(first)) = (gone, found.dropped.first.first()) {
                prop_assert_eq!(&first.id, &format!("s{gone:02}"));
            }
            prop_assert_eq!(found.is_empty(), a == b);
        }
    }

    #[test]
    fn every_part_of_a_sample_is_told() {
        let classes = || vec!["cat".to_owned(), "dog".to_owned()];
        let picture = |v: u8| Content::from_pixels(Pixels::new(vec![v; 4], 2, 2, 1).unwrap());
        let sample = |i: u8| Sample::new(format!("s{i}"), Some(0), Split::Train, picture(i));
        let a = write(Meta::images("a", classes()), (0..6).map(sample));
        let origin = Origin {
            source: "s4".into(),
            step: "augment".into(),
            params: json!({}).into(),
            seed: 1,
            key: seedbed::rng::Key::new(2),
        };
        // The other way round the classes, and stored in another way: neither is a difference of a sample.
        let meta = Meta { storage: Storage::Raw, ..Meta::images("b", vec!["dog".into(), "cat".into()]) };
        let other = (0..6).map(sample).map(|s| Sample { label: Some(1), ..s }).map(|s| match s.id.as_str() {
            "s1" => Sample { label: Some(0), ..s },
            "s2" => Sample { split: Split::Val, weight: 0.5, ..s },
            "s3" => Sample { content: picture(200), ..s },
            "s4" => Sample { origin: Some(origin.clone()), ..s },
            _ => s,
        });
        let b = write(meta, other);
        let found = diff(&a.1, &b.1, 10).unwrap();
        let said: Vec<_> =
            found.changed.first.iter().map(|c| format!("{} {}", c.id, c.what.join(", "))).collect();
        let want =
            ["s1 label: cat → dog", "s2 split: train → val, weight: 1 → 0.5", "s3 content", "s4 origin"];
        assert_eq!(said, want);
        assert_eq!((found.same, found.about.len()), (2, 1), "{:?}", found.about);
        assert!(diff(&a.1, &a.1, 10).unwrap().is_empty());
    }

    #[test]
    fn classes_columns_and_options_are_told_by_name() {
        let texts = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let a = Meta::table("a", texts(&["k", "l"]), texts(&["x", "y"]));
        let b = Meta::table("b", texts(&["l", "k"]), texts(&["y", "z"]));
        let want = ["class names in another order: k, l → l, k", "column dropped: x", "column added: z"];
        assert_eq!(about(&a, &b), want);
        let (a, b) = (json!({"x": 1, "y": "a", "z": 0}), json!({"x": 1, "y": "b", "w": [2]}));
        assert_eq!(changed_keys(&a, &b), ["y: \"a\" → \"b\"", "z: 0 → –", "w: – → [2]"]);
        assert!(changed_keys(&a, &a).is_empty());
    }
}
