//! What looks wrong with samples: exact duplicates, poor pictures, outliers.

use super::measure::{Measured, Measures, median};
use crate::dataset::Meta;
use seedbed::quality::{Issue, Limits, Quality};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// One issue of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The sample.
    pub id: String,
    /// `duplicate`, `outlier`, or the name of a check of quality such as `blurry`.
    pub issue: String,
    /// What was measured; for an outlier the robust deviations of its worst feature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f32>,
    /// The limit that it passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f32>,
    /// For a duplicate, the first sample with the same content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// For an outlier, the name of the feature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
}

impl Finding {
    fn new(id: &str, issue: &str) -> Self {
        Self {
            id: id.to_owned(),
            issue: issue.to_owned(),
            value: None,
            limit: None,
            same_as: None,
            feature: None,
        }
    }
}

/// The samples whose content another one has as well.
pub struct Duplicates {
    /// All but the first of each group.
    pub findings: Vec<Finding>,
    groups: u64,
    across_splits: u64,
    other_label: u64,
}

impl Duplicates {
    /// The figures.
    pub fn summary(&self) -> serde_json::Value {
        serde_json::json!({
            "samples": self.findings.len(),
            "groups": self.groups,
            "across_splits": self.across_splits,
            "other_label": self.other_label,
        })
    }
}

/// Exact duplicates by the hash of the decoded content; of a group the sample whose id comes first counts
/// as the original.
pub fn duplicates(samples: &[Measured]) -> Duplicates {
    let mut first: HashMap<u128, (&Measured, bool)> = HashMap::with_capacity(samples.len());
    let mut found = Duplicates { findings: Vec::new(), groups: 0, across_splits: 0, other_label: 0 };
    for sample in samples {
        let Some((original, seen)) = first.get_mut(&sample.hash) else {
            first.insert(sample.hash, (sample, false));
            continue;
        };
        found.groups += u64::from(!std::mem::replace(seen, true));
        found.across_splits += u64::from(original.split != sample.split);
        found.other_label += u64::from(original.label != sample.label);
        let same_as = Some(original.id.clone());
        found.findings.push(Finding { same_as, ..Finding::new(&sample.id, "duplicate") });
    }
    found
}

/// Pictures that fail a check of quality.
pub fn quality(samples: &[Measured], limits: &Limits) -> Vec<Finding> {
    let mut findings = Vec::new();
    for sample in samples {
        let Measures::Picture { quality, .. } = &sample.content else { continue };
        for issue in quality.flagged(limits) {
            let (value, limit) = measured(quality, issue, limits);
            findings.push(Finding { value, limit, ..Finding::new(&sample.id, issue.name()) });
        }
    }
    findings
}

/// The measure that a check looks at, and its limit.
fn measured(quality: &Quality, issue: Issue, limits: &Limits) -> (Option<f32>, Option<f32>) {
    let (value, limit) = match issue {
        Issue::Blank => (quality.contrast, limits.blank),
        Issue::Dark => (quality.percentile_99 / 255.0, limits.dark),
        Issue::Light => (1.0 - quality.percentile_5 / 255.0, limits.light),
        Issue::LowInformation => (quality.entropy, limits.low_information),
        Issue::Blurry => (quality.sharpness, limits.blurry),
        Issue::Noise => (quality.correlation.abs(), limits.noise),
        Issue::OddAspectRatio => (quality.aspect_ratio, limits.odd_aspect_ratio),
        _ => return (None, None),
    };
    (Some(value), Some(limit))
}

/// Samples of which a feature lies more than `limit` robust deviations from the median (Iglewicz, Hoaglin
/// 1993): |x − median| / (1.4826 · median |x − median|). Features are the columns of a table; of pictures
/// brightness, contrast, sharpness and entropy. A feature whose deviations have median 0 is left out.
pub fn outliers(meta: &Meta, samples: &[Measured], limit: f32) -> Vec<Finding> {
    let features: Vec<String> = match samples.first().map(|s| &s.content) {
        Some(Measures::Picture { .. }) => {
            ["brightness", "contrast", "sharpness", "entropy"].map(String::from).into()
        }
        _ => meta.columns.clone(),
    };
    let mut worst = vec![(0.0f32, 0usize); samples.len()];
    for at in 0..features.len() {
        let values: Vec<f32> = samples.iter().map(|s| feature(s, at)).collect();
        for (worst, z) in worst.iter_mut().zip(robust_z(&values)) {
            if z > worst.0 {
                *worst = (z, at);
            }
        }
    }
    let finding = |(sample, (z, at)): (&Measured, (f32, usize))| {
        let feature = features.get(at).cloned();
        (z > limit).then(|| Finding {
            value: Some(z),
            limit: Some(limit),
            feature,
            ..Finding::new(&sample.id, "outlier")
        })
    };
    samples.iter().zip(worst).filter_map(finding).collect()
}

fn feature(sample: &Measured, at: usize) -> f32 {
    match &sample.content {
        Measures::Row(row) => row.get(at).copied().unwrap_or(f32::NAN),
        Measures::Picture { quality, .. } => match at {
            0 => quality.mean,
            1 => quality.contrast,
            // Variances spread over powers of ten.
            2 => seedbed::math::ln(1.0 + quality.sharpness),
            _ => quality.entropy,
        },
    }
}

/// The robust deviations of each value; 0 for a missing one, and for all where most are equal.
fn robust_z(values: &[f32]) -> Vec<f32> {
    let sorted = |values: &mut dyn Iterator<Item = f32>| {
        let mut list: Vec<f32> = values.filter(|v| !v.is_nan()).collect();
        list.sort_unstable_by(f32::total_cmp);
        list
    };
    let middle = median(&sorted(&mut values.iter().copied()));
    let unit = 1.4826 * median(&sorted(&mut values.iter().map(|v| (v - middle).abs())));
    let z = |v: &f32| if unit > 0.0 && !v.is_nan() { (v - middle).abs() / unit } else { 0.0 };
    values.iter().map(z).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robust_deviations_are_those_of_scipy() {
        // abs(x - median(x)) / scipy.stats.median_abs_deviation(x, scale='normal'), whose scale has more digits.
        let z = robust_z(&[1.0, 2.0, 4.0, 7.0, 100.0, f32::NAN]);
        let want = [0.674_49, 0.449_66, 0.0, 0.674_49, 21.583_7];
        for (got, want) in z.iter().zip(want) {
            assert!((got - want).abs() < 2e-3 * want.max(1.0), "{z:?}");
        }
        assert_eq!(z[5], 0.0);
        assert_eq!(robust_z(&[1.0, 1.0, 1.0, 9.0]), [0.0; 4]);
        assert!(robust_z(&[]).is_empty());
    }
}
