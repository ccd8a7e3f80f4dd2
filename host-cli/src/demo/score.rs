//! How many of the planted faults the ordinary stages found: precision and recall, as measured.

use super::faults::Kind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One planted fault, by the id that the dataset gave its sample (or the file, for a damaged one).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    /// The sample.
    pub id: String,
    /// What is wrong with it.
    pub kind: Kind,
    /// For a copy, the id of what it copies; for a wrong label, the name of the true class.
    pub of: Option<String>,
}

/// A sample that a stage took out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Removed {
    /// The sample.
    pub id: String,
    /// The method that gave the reason.
    pub method: String,
    /// For a duplicate, the sample that was kept.
    pub kept: Option<String>,
}

/// The figures of one kind of fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// What kind.
    pub kind: Kind,
    /// The stage whose work it is to find them.
    pub stage: String,
    /// Its methods for this kind.
    pub methods: Vec<String>,
    /// How many were planted.
    pub planted: usize,
    /// How many of those are gone from the dataset, for whatever reason.
    pub found: usize,
    /// How many samples the methods for this kind took out.
    pub flagged: usize,
    /// How many of those were planted faults of this kind.
    pub right: usize,
    /// `right / flagged`; absent where nothing was flagged.
    pub precision: Option<f64>,
    /// `found / planted`; absent where nothing was planted.
    pub recall: Option<f64>,
}

/// The methods that look for a kind, and their stage.
fn methods(kind: Kind) -> (&'static str, &'static [&'static str]) {
    match kind {
        Kind::ExactDuplicate => ("prune", &["exact_duplicate"]),
        Kind::NearDuplicate => ("prune", &["near_duplicate"]),
        Kind::WrongLabel => ("prune", &["label_error"]),
        Kind::Noise => ("prune", &["quality_noise", "outlier_knn", "outlier_lof"]),
        Kind::Damaged => ("collect", &["set_aside"]),
    }
}

/// The figures of every kind that was planted.
pub fn score(planted: &[Planted], removed: &[Removed]) -> Vec<Found> {
    let by_id: BTreeMap<&str, &Planted> = planted.iter().map(|p| (p.id.as_str(), p)).collect();
    let kinds: BTreeSet<Kind> = planted.iter().map(|p| p.kind).collect();
    kinds.into_iter().map(|kind| score_kind(kind, planted, &by_id, removed)).collect()
}

fn score_kind(
    kind: Kind,
    planted: &[Planted],
    by_id: &BTreeMap<&str, &Planted>,
    removed: &[Removed],
) -> Found {
    let (stage, methods) = methods(kind);
    let gone: BTreeSet<&str> = removed.iter().map(|r| r.id.as_str()).collect();
    // Of a pair of copies either may stay; the fault is gone when one of the two is.
    let is_copy = matches!(kind, Kind::ExactDuplicate | Kind::NearDuplicate);
    let is_gone = |p: &Planted| {
        gone.contains(p.id.as_str()) || (is_copy && p.of.as_deref().is_some_and(|of| gone.contains(of)))
    };
    let of_kind: Vec<&Planted> = planted.iter().filter(|p| p.kind == kind).collect();
    let found = of_kind.iter().filter(|p| is_gone(p)).count();
    let by_methods: Vec<&Removed> = removed.iter().filter(|r| methods.contains(&r.method.as_str())).collect();
    let right = by_methods
        .iter()
        .filter(|r| {
            let itself = by_id.get(r.id.as_str()).filter(|p| p.kind == kind);
            let kept = r.kept.as_deref();
            let pair_of = |p: &Planted, other: Option<&str>| p.of.as_deref() == other;
            if !is_copy {
                return itself.is_some();
            }
            let partner = kept.and_then(|k| by_id.get(k)).filter(|p| p.kind == kind);
            itself.is_some_and(|p| pair_of(p, kept)) || partner.is_some_and(|p| pair_of(p, Some(&r.id)))
        })
        .count();
    let ratio = |a: usize, b: usize| (b > 0).then(|| a as f64 / b as f64);
    Found {
        kind,
        stage: stage.to_owned(),
        methods: methods.iter().map(|m| (*m).to_owned()).collect(),
        planted: of_kind.len(),
        found,
        flagged: by_methods.len(),
        right,
        precision: ratio(right, by_methods.len()),
        recall: ratio(found, of_kind.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_count_whichever_of_the_two_is_kept() {
        let planted =
            |id: &str, kind, of: Option<&str>| Planted { id: id.into(), kind, of: of.map(Into::into) };
        let removed = |id: &str, method: &str, kept: Option<&str>| Removed {
            id: id.into(),
            method: method.into(),
            kept: kept.map(Into::into),
        };
        let faults = [
            planted("copy1", Kind::ExactDuplicate, Some("a")),
            planted("copy2", Kind::ExactDuplicate, Some("b")),
            planted("copy3", Kind::ExactDuplicate, Some("c")),
            planted("wrong", Kind::WrongLabel, Some("7")),
            planted("noise", Kind::Noise, None),
        ];
        let gone = [
            removed("copy1", "exact_duplicate", Some("a")),
            removed("b", "exact_duplicate", Some("copy2")),
            removed("x", "exact_duplicate", Some("y")),
            removed("noise", "label_error", None),
            removed("z", "outlier_knn", None),
        ];
        let found = score(&faults, &gone);
        let of = |kind| found.iter().find(|f| f.kind == kind).unwrap();
        let exact = of(Kind::ExactDuplicate);
        assert_eq!((exact.planted, exact.found, exact.flagged, exact.right), (3, 2, 3, 2));
        let wrong = of(Kind::WrongLabel);
        assert_eq!((wrong.found, wrong.precision, wrong.recall), (0, Some(0.0), Some(0.0)));
        // Found by another method than its own counts for recall, not for that method's precision.
        let noise = of(Kind::Noise);
        assert_eq!((noise.found, noise.right, noise.flagged), (1, 0, 1));
        assert_eq!(found.len(), 3);
    }
}
