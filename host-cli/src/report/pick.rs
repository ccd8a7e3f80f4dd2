//! A few samples of a dataset for the page: the same few for the same ids, whatever the order.

use super::model::{Augmented, Picture, Strip};
use super::picture::thumbnail;
use crate::dataset::{Dataset, Kind, Origin, Sample};
use crate::error::Result;
use seedbed::rng::{id_hash, mix};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet};

/// Classes that get a strip, at most.
const MAX_CLASSES: usize = 20;
/// Originals in the sheet of augmented copies, at most.
const MAX_ORIGINALS: usize = 8;
/// Copies beside one original, at most.
const MAX_COPIES: usize = 9;

/// What to look for while going through a dataset.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Samples per class.
    pub per_class: usize,
    /// Whether copies that augmentation made are wanted.
    pub copies: bool,
    /// The step whose samples alone stand in the strips; all do for `None`.
    pub made_by: Option<&'static str>,
    /// Samples by id.
    pub ids: BTreeSet<String>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Picked {
    /// A few samples of each class.
    pub strips: Vec<Strip>,
    /// Thumbnails of the samples asked for by id.
    pub by_id: BTreeMap<String, Picture>,
    /// Class names of the samples asked for by id.
    pub class_of: BTreeMap<String, String>,
    /// Copies by the id of their original, with its class.
    pub copies: Vec<(String, String, Vec<Picture>)>,
    /// Samples with an origin, per class.
    pub added: Vec<u64>,
}

impl Picked {
    /// The copies beside their originals, looked up in `originals`.
    pub fn augmented(&self, originals: &BTreeMap<String, Picture>) -> Vec<Augmented> {
        let with_original = |(id, class, copies): &(String, String, Vec<Picture>)| {
            let original = originals.get(id)?.clone();
            Some(Augmented { class: class.clone(), original, copies: copies.clone() })
        };
        self.copies.iter().filter_map(with_original).collect()
    }
}

/// A number by which samples are chosen: random to the eye, the same for the same id.
fn rank(id: &str) -> u64 {
    mix(id_hash(id.as_bytes()))
}

/// Goes through `dataset` once. Samples of classes beyond the first [`MAX_CLASSES`] get no strip.
///
/// # Errors
/// When the dataset cannot be read.
pub fn pick(dataset: &Dataset, wanted: &Wanted) -> Result<Picked> {
    let meta = dataset.meta();
    let pictures = meta.kind == Kind::Images;
    let mut best: BTreeMap<u32, BTreeMap<(u64, String), Sample>> = BTreeMap::new();
    let mut copies: BTreeMap<(u64, String), Vec<Sample>> = BTreeMap::new();
    let mut picked = Picked { added: vec![0; meta.classes.len().max(1)], ..Picked::default() };
    for sample in dataset.samples() {
        let sample = sample?;
        let class = sample.label.unwrap_or(u32::MAX);
        if sample.origin.is_some() {
            let at = if meta.classes.is_empty() { 0 } else { class as usize };
            if let Some(n) = picked.added.get_mut(at) {
                *n += 1;
            }
        }
        if wanted.ids.contains(&sample.id) {
            picked.class_of.insert(sample.id.clone(), meta.class_name(sample.label).to_owned());
            if pictures {
                picked.by_id.insert(sample.id.clone(), thumbnail(&sample));
            }
        }
        if !pictures {
            continue;
        }
        if wanted.copies {
            keep_copy(&mut copies, &sample);
        }
        let made_by = |step: &str| sample.origin.as_ref().is_some_and(|o| o.step == step);
        if wanted.per_class > 0 && wanted.made_by.is_none_or(made_by) {
            keep_best(best.entry(class).or_default(), sample, wanted.per_class);
        }
    }
    for samples in best.into_values().take(MAX_CLASSES) {
        let class = samples.values().next().map_or(String::new(), |s| meta.class_name(s.label).to_owned());
        picked.strips.push(Strip { class, pictures: samples.values().map(thumbnail).collect() });
    }
    for ((_, source), samples) in copies {
        let class = samples.first().map_or(String::new(), |s| meta.class_name(s.label).to_owned());
        picked.copies.push((source, class, samples.iter().map(thumbnail).collect()));
    }
    Ok(picked)
}

fn keep_best(best: &mut BTreeMap<(u64, String), Sample>, sample: Sample, n: usize) {
    let key = (rank(&sample.id), sample.id.clone());
    if best.len() < n || best.last_key_value().is_some_and(|(last, _)| key < *last) {
        best.insert(key, sample);
        if best.len() > n {
            best.pop_last();
        }
    }
}

/// The parameters of augmentation, as far as they matter here.
#[derive(Deserialize)]
struct HasOps {
    #[serde(rename = "ops")]
    _ops: IgnoredAny,
}

fn keep_copy(copies: &mut BTreeMap<(u64, String), Vec<Sample>>, sample: &Sample) {
    // Augmented, by whatever stage, from a sample that was collected: no other has a picture to stand first.
    let shown = |o: &&Origin| !o.source.contains('!') && o.params.parse::<HasOps>().is_ok();
    let Some(origin) = sample.origin.as_ref().filter(shown) else { return };
    let key = (rank(&origin.source), origin.source.clone());
    if copies.len() >= MAX_ORIGINALS && copies.last_key_value().is_some_and(|(last, _)| key > *last) {
        return;
    }
    let list = copies.entry(key).or_default();
    if list.len() < MAX_COPIES {
        list.push(sample.clone());
    }
    if copies.len() > MAX_ORIGINALS {
        copies.pop_last();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Pixels;
    use crate::dataset::{Content, DatasetWriter, Meta, Split, derived_id};
    use seedbed::rng::Key;

    fn sample(i: u8) -> Sample {
        let pixels = Pixels::new(vec![i; 4], 2, 2, 1).unwrap();
        let content = Content::from_pixels(pixels);
        Sample::new(format!("s{i:03}"), Some(u32::from(i % 2)), Split::Train, content)
    }

    fn copy(of: &Sample, step: &str, n: u32) -> Sample {
        let origin = Origin {
            source: of.id.clone(),
            step: step.into(),
            params: serde_json::json!({"ops": []}).into(),
            seed: 0,
            key: Key::new(2),
        };
        Sample { id: derived_id(&of.id, step, n), origin: Some(origin), ..of.clone() }
    }

    #[test]
    fn a_few_of_each_class_and_copies_beside_originals() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("d");
        let mut writer =
            DatasetWriter::create(&folder, Meta::images("d", vec!["a".into(), "b".into()])).unwrap();
        for i in 0..40 {
            let original = sample(i);
            writer.push(original.clone()).unwrap();
            for n in 0..u32::from(i % 3) {
                // Balancing augments, too, and augmentation then makes copies of what it made.
                let step = if i % 2 == 0 { "augment" } else { "balance" };
                let made = copy(&original, step, n);
                writer.push(made.clone()).unwrap();
                writer.push(copy(&made, "augment", 0)).unwrap();
            }
        }
        writer.finish().unwrap();
        let dataset = Dataset::open(&folder).unwrap();
        let ids = ["s007".to_owned(), "nobody".to_owned()].into();
        let wanted = Wanted { per_class: 3, copies: true, made_by: Some("balance"), ids };
        let picked = pick(&dataset, &wanted).unwrap();
        assert_eq!(
            picked.strips.iter().map(|s| (s.class.as_str(), s.pictures.len())).collect::<Vec<_>>(),
            [("b", 3)]
        );
        assert!(picked.strips[0].pictures.iter().all(|p| p.id.contains("!balance") && p.width == 2));
        assert_eq!(picked.by_id.len(), 1);
        assert_eq!(picked.class_of["s007"], "b");
        assert_eq!(picked.copies.len(), MAX_ORIGINALS);
        assert_eq!(picked.added.iter().sum::<u64>(), 78);
        assert!(picked.copies.iter().any(|(_, class, _)| class == "b"));
        let sources: BTreeSet<_> = picked.copies.iter().map(|c| c.0.clone()).collect();
        let originals = pick(&dataset, &Wanted { ids: sources, ..Wanted::default() }).unwrap();
        assert!(originals.strips.is_empty());
        assert_eq!(picked.augmented(&originals.by_id).len(), MAX_ORIGINALS);
    }
}
