//! What the features of a table may be: which of them stand for the categories of one source column, which are whole
//! numbers, and between which values they lie. What makes new rows keeps to it.

use seedbed::math;
use serde::{Deserialize, Serialize};

/// What is known of one feature of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The source column of whose categories this feature is one. In each row one feature of a group is 1, the others,
    /// which stand beside it, are 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether all values are whole numbers.
    #[serde(default)]
    pub whole: bool,
    /// The least and the greatest value of the train split; `None` where it has none.
    #[serde(default)]
    pub range: Option<[f32; 2]>,
}

impl Feature {
    /// Takes in a value of the source; NaN is a missing one.
    fn see(&mut self, v: f32, train: bool) {
        if v.is_nan() {
            return;
        }
        self.whole &= v == v.trunc();
        if train {
            let [low, high] = self.range.unwrap_or([v; 2]);
            self.range = Some([math::min(low, v), math::max(high, v)]);
        }
    }
}

/// Features of these groups that no row was seen of yet.
pub fn unseen(groups: Vec<Option<String>>) -> Vec<Feature> {
    groups.into_iter().map(|group| Feature { group, whole: true, range: None }).collect()
}

/// Takes in a row of the source, one value for each feature.
pub fn see(features: &mut [Feature], row: &[f32], train: bool) {
    features.iter_mut().zip(row).for_each(|(feature, &v)| feature.see(v, train));
}

/// The places of the features of each group.
pub fn groups(features: &[Feature]) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let mut start = 0;
    let runs = features.chunk_by(|a, b| a.group.is_some() && a.group == b.group).map(move |run| {
        let range = start..start + run.len();
        start = range.end;
        (range, run)
    });
    runs.filter(|(_, run)| run.iter().any(|f| f.group.is_some())).map(|(range, _)| range)
}

/// Brings a made row to what the features may be: of each group the largest becomes 1 and the others 0, other values
/// move into their range and to the nearest whole number where all were whole. What is missing stays so.
pub fn snap(features: &[Feature], row: &mut [f32]) {
    for (feature, v) in features.iter().zip(row.iter_mut()).filter(|(f, v)| f.group.is_none() && !v.is_nan())
    {
        if let Some([low, high]) = feature.range {
            *v = v.clamp(low, high);
        }
        if feature.whole {
            *v = v.round();
        }
    }
    for group in groups(features) {
        let Some(values) = row.get_mut(group) else { continue };
        let largest =
            values.iter().enumerate().fold(None, |best: Option<(usize, f32)>, (i, &v)| match best {
                _ if v.is_nan() => best,
                Some((_, most)) if v <= most => best,
                _ => Some((i, v)),
            });
        let Some((chosen, _)) = largest else { continue };
        values.iter_mut().enumerate().for_each(|(i, v)| *v = f32::from(u8::from(i == chosen)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A number, a colour of three, a whole number, a shape of two.
    fn features() -> Vec<Feature> {
        let group = |name: &str| Some(name.to_owned());
        let mut features =
            unseen(vec![None, group("c"), group("c"), group("c"), None, group("s"), group("s")]);
        see(&mut features, &[0.5, 1.0, 0.0, 0.0, -3.0, 0.0, 1.0], true);
        see(&mut features, &[2.0, 0.0, 1.0, 0.0, 40.0, f32::NAN, f32::NAN], true);
        see(&mut features, &[9.5, 0.0, 0.0, 1.0, 99.0, 1.0, 0.0], false);
        features
    }

    #[test]
    fn what_columns_are_is_seen() {
        let features = features();
        assert_eq!(features[0], Feature { group: None, whole: false, range: Some([0.5, 2.0]) });
        assert_eq!((features[4].whole, features[4].range), (true, Some([-3.0, 40.0])), "val has no say");
        assert_eq!(groups(&features).collect::<Vec<_>>(), [1..4, 5..7]);
        assert_eq!(unseen(vec![None])[0].range, None);
    }

    #[test]
    fn a_made_row_becomes_one_that_can_be() {
        let mut row = [7.5, 0.3, 0.4, 0.35, -3.4, f32::NAN, f32::NAN];
        snap(&features(), &mut row);
        assert_eq!(row[..5], [2.0, 0.0, 1.0, 0.0, -3.0]);
        assert!(row[5].is_nan() && row[6].is_nan());
        let mut row = [1.25, -0.5, -0.6, f32::NAN, 7.6, 0.0, -0.1];
        snap(&features(), &mut row);
        assert_eq!(row, [1.25, 1.0, 0.0, 0.0, 8.0, 1.0, 0.0]);
    }

    proptest! {
        #[test]
        fn what_was_brought_there_stays(values in prop::collection::vec(-50.0f32..50.0, 7)) {
            let mut once = values;
            snap(&features(), &mut once);
            prop_assert!(groups(&features()).all(|g| once[g].iter().sum::<f32>() == 1.0));
            let mut twice = once.clone();
            snap(&features(), &mut twice);
            prop_assert_eq!(once, twice);
        }
    }
}
