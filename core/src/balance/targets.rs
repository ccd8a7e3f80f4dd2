//! How many samples each class shall have.

use crate::error::{Error, Result};

/// The size that every class is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Target {
    /// That of the largest class.
    Max,
    /// That of the smallest class that has samples.
    Min,
    /// The mean over the classes that have samples, halves rounded up.
    Mean,
    /// This number.
    Count(u32),
}

/// Samples of each class; labels that are no class do not count.
pub fn class_counts(labels: impl IntoIterator<Item = u32>, out: &mut [u32]) {
    out.fill(0);
    for label in labels {
        if let Some(count) = out.get_mut(label as usize) {
            *count = count.saturating_add(1);
        }
    }
}

/// The target of each class; a class without samples keeps 0, since there is nothing to make more of.
///
/// ```
/// use seedbed::balance::{Target, class_targets};
/// let mut targets = [0; 3];
/// class_targets(Target::Mean, &[10, 0, 5], &mut targets)?;
/// assert_eq!(targets, [8, 0, 8]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::ShapeMismatch`] where the lengths differ.
pub fn class_targets(target: Target, counts: &[u32], out: &mut [u32]) -> Result<()> {
    if counts.len() != out.len() {
        return Err(Error::ShapeMismatch);
    }
    let filled = counts.iter().copied().filter(|&c| c > 0);
    let size = match target {
        Target::Max => filled.max().unwrap_or(0),
        Target::Min => filled.min().unwrap_or(0),
        Target::Mean => {
            let (sum, classes) = filled.fold((0u64, 0u64), |(s, n), c| (s + u64::from(c), n + 1));
            u32::try_from((2 * sum + classes) / (2 * classes).max(1)).unwrap_or(u32::MAX)
        }
        Target::Count(count) => count,
    };
    for (t, &c) in out.iter_mut().zip(counts) {
        *t = if c > 0 { size } else { 0 };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_come_from_classes_that_have_samples() {
        let mut out = [9u32; 4];
        let counts = [7, 0, 2, 4];
        let mut of = |target| {
            class_targets(target, &counts, &mut out).unwrap();
            out
        };
        assert_eq!(of(Target::Max), [7, 0, 7, 7]);
        assert_eq!(of(Target::Min), [2, 0, 2, 2]);
        assert_eq!(of(Target::Mean), [4, 0, 4, 4]);
        assert_eq!(of(Target::Count(100)), [100, 0, 100, 100]);
        assert_eq!(class_targets(Target::Max, &counts, &mut out[..2]), Err(Error::ShapeMismatch));
        assert!(class_targets(Target::Mean, &[], &mut []).is_ok());
        let mut counted = [0; 3];
        class_counts([0, 2, 2, 9], &mut counted);
        assert_eq!(counted, [1, 0, 2]);
    }
}
