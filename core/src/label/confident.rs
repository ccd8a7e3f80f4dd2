//! Confident learning (Northcutt, Jiang, Chuang 2021), rule for rule as cleanlab 2.9 computes it.

use crate::error::{Error, Result};
use crate::math;
use crate::scratch::{Scratch, ScratchLen};
use crate::view::MatRef;

/// How far below a threshold a probability may round and still reach it; cleanlab's value.
const TOLERANCE: f32 = 1e-6;
/// What a threshold is at least; cleanlab's value.
const LEAST_THRESHOLD: f32 = 2e-6;
/// How near to the largest probability that of the given label must be to clear a sample; cleanlab's value.
const CLOSE: f32 = 1e-5;

/// Which samples the estimated counts of errors point at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum LabelRule {
    /// For each given and other class as many as the joint says, those that prefer the other class most.
    #[default]
    PruneByNoiseRate,
    /// For each given class as many as the joint says, those least sure of their label.
    PruneByClass,
    /// Those that both of the above point at.
    Both,
    /// Those counted outside the diagonal of the joint.
    OffDiagonal,
}

/// What is thought of one label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doubt {
    /// Whether the label is suspected to be wrong.
    pub suspected: bool,
    /// The most probable class.
    pub likely: u32,
    /// Probability of the given label minus the largest of the others, in −1..=1; the lower the worse.
    pub margin: f32,
}

impl Default for Doubt {
    fn default() -> Self {
        Self { suspected: false, likely: 0, margin: 1.0 }
    }
}

fn check(labels: &[u32], probs: MatRef<'_, f32>) -> Result<()> {
    if labels.len() != probs.rows() {
        return Err(Error::ShapeMismatch);
    }
    if labels.iter().any(|&l| l as usize >= probs.cols()) {
        return Err(Error::InvalidArgument);
    }
    let bad = |p: &f32| !(0.0..=1.0 + TOLERANCE).contains(p);
    if probs.iter_rows().any(|row| row.iter().any(bad)) {
        return Err(Error::InvalidArgument);
    }
    Ok(())
}

fn at(row: &[f32], class: u32) -> f32 {
    row.get(class as usize).copied().unwrap_or(0.0)
}

/// The first of the largest.
fn argmax(row: &[f32]) -> u32 {
    let mut best = (0u32, f32::NEG_INFINITY);
    for (i, &p) in (0u32..).zip(row) {
        if p > best.1 {
            best = (i, p);
        }
    }
    best.0
}

/// For each class the mean probability of that class over the samples labelled with it: how sure one must be
/// to count a sample there, at least 2e-6. Infinity for a class without samples. `labels` has one class for each row of
/// `probs`, `out` one value for each column; `sums` is temporary, two for each column.
///
/// # Errors
/// [`Error::ShapeMismatch`] where sizes differ, [`Error::InvalidArgument`] for a label that is no column or a
/// probability outside 0..=1.
pub fn class_thresholds(
    labels: &[u32],
    probs: MatRef<'_, f32>,
    sums: &mut [f64],
    out: &mut [f32],
) -> Result<()> {
    check(labels, probs)?;
    let classes = probs.cols();
    if out.len() != classes || sums.len() != classes.checked_mul(2).ok_or(Error::Overflow)? {
        return Err(Error::ShapeMismatch);
    }
    sums.fill(0.0);
    let (sums, _) = sums.as_chunks_mut::<2>();
    for (row, &label) in probs.iter_rows().zip(labels) {
        if let Some([sum, count]) = sums.get_mut(label as usize) {
            *sum += f64::from(at(row, label));
            *count += 1.0;
        }
    }
    for (threshold, &[sum, count]) in out.iter_mut().zip(&*sums) {
        let mean = if count > 0.0 { (sum / count) as f32 } else { f32::INFINITY };
        *threshold = math::max(mean, LEAST_THRESHOLD);
    }
    Ok(())
}

/// The class that a sample is confidently counted in: the only one whose probability reaches its threshold, or the most
/// probable one where several do.
fn counted_in(row: &[f32], thresholds: &[f32]) -> Option<u32> {
    let mut reached = (0u32..).zip(row.iter().zip(thresholds)).filter(|&(_, (&p, &t))| p >= t - TOLERANCE);
    let (first, _) = reached.next()?;
    Some(if reached.next().is_some() { argmax(row) } else { first })
}

/// Estimated counts of (given label, true label), classes × classes row-major, each row summing to the number of
/// samples with that label. `thresholds` are those of [`class_thresholds`], one for each class; `real` is temporary and
/// has classes² elements as `joint`.
///
/// # Errors
/// As [`class_thresholds`].
pub fn confident_joint(
    labels: &[u32],
    probs: MatRef<'_, f32>,
    thresholds: &[f32],
    joint: &mut [u32],
    real: &mut [f64],
) -> Result<()> {
    check(labels, probs)?;
    let classes = probs.cols();
    let square = classes.checked_mul(classes).ok_or(Error::Overflow)?;
    if thresholds.len() != classes || joint.len() != square || real.len() != square {
        return Err(Error::ShapeMismatch);
    }
    joint.fill(0);
    for (row, &given) in probs.iter_rows().zip(labels) {
        if let Some(class) = counted_in(row, thresholds)
            && let Some(count) = joint.get_mut(given as usize * classes + class as usize)
        {
            *count += 1;
        }
    }
    for (class, row) in joint.chunks_mut(classes.max(1)).enumerate() {
        if let Some(d) = row.get_mut(class) {
            *d = (*d).max(1);
        }
    }
    calibrate(labels, joint, real, classes);
    Ok(())
}

/// Scales each row to the count of its label and rounds it so that the sum stays.
fn calibrate(labels: &[u32], joint: &mut [u32], real: &mut [f64], classes: usize) {
    // The count of each label stands at the start of its row until the row is made.
    real.fill(0.0);
    for &label in labels {
        if let Some(count) = real.get_mut(label as usize * classes) {
            *count += 1.0;
        }
    }
    for (real, joint) in real.chunks_mut(classes.max(1)).zip(joint.chunks_mut(classes.max(1))) {
        let count = real.first().copied().unwrap_or(0.0);
        let sum: u32 = joint.iter().sum();
        for (r, &j) in real.iter_mut().zip(&*joint) {
            *r = f64::from(j) / f64::from(sum.max(1)) * count;
        }
        round_keeping_sum(real, joint);
    }
}

/// Halves to even, then one more or less for those that rounding moved most, until the sum is right.
fn round_keeping_sum(real: &mut [f64], out: &mut [u32]) {
    let nearest = |v: f64| (v + 4_503_599_627_370_496.0) - 4_503_599_627_370_496.0;
    let wanted = nearest(real.iter().sum()) as i64;
    for (o, &r) in out.iter_mut().zip(&*real) {
        *o = nearest(r) as u32;
    }
    for (r, &o) in real.iter_mut().zip(&*out) {
        *r -= f64::from(o);
    }
    let mut missing = wanted - out.iter().map(|&v| i64::from(v)).sum::<i64>();
    while missing != 0 {
        let up = missing > 0;
        // The largest remainder going up, the smallest going down; ties by the lower number.
        let best = real.iter().enumerate().fold(None, |best: Option<(usize, f64)>, (i, &r)| match best {
            Some((_, b)) if (up && r <= b) || (!up && r >= b) => best,
            _ => Some((i, r)),
        });
        let Some((i, _)) = best else { return };
        if let (Some(o), Some(r)) = (out.get_mut(i), real.get_mut(i)) {
            *o = if up { o.saturating_add(1) } else { o.saturating_sub(1) };
            // Not again in this round.
            *r = if up { f64::NEG_INFINITY } else { f64::INFINITY };
        }
        missing += if up { -1 } else { 1 };
    }
}

/// Bytes of scratch for [`find_label_errors`].
pub const fn label_errors_scratch_len(samples: usize, classes: usize) -> usize {
    let square = classes.saturating_mul(classes);
    ScratchLen::new()
        .with::<f32>(classes)
        .with::<f64>(classes.saturating_mul(2))
        .with::<u32>(square)
        .with::<f64>(square)
        .with::<u32>(classes)
        .with::<u32>(samples)
        .with::<u8>(samples)
        .bytes()
}

/// Doubts about each of the `labels`, from `probs` (samples × classes) of a model that did not see the sample.
/// Gives the number of suspected ones. A class keeps at least one sample, but for [`LabelRule::OffDiagonal`], which
/// may suspect all of a class.
///
/// ```
/// use seedbed::label::{Doubt, LabelRule, find_label_errors, label_errors_scratch_len};
/// use seedbed::{MatRef, Scratch};
///
/// // Six samples of two classes; the third is called 0 and looks like 1.
/// let probs = [0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.2, 0.8, 0.1, 0.9, 0.3, 0.7];
/// let mut memory = vec![0; label_errors_scratch_len(6, 2)];
/// let mut out = [Doubt::default(); 6];
/// let (probs, scratch) = (MatRef::new(&probs, 6, 2)?, &mut Scratch::new(&mut memory));
/// let found = find_label_errors(LabelRule::default(), &[0, 0, 0, 1, 1, 1], probs, &mut out, scratch)?;
/// assert!(found == 1 && out[2].suspected && out[2].likely == 1);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::ShapeMismatch`] where sizes differ, [`Error::InvalidArgument`] for a label that is no column or a
/// probability outside 0..=1, [`Error::Overflow`] for 2³² samples or more, [`Error::ScratchTooSmall`].
pub fn find_label_errors(
    rule: LabelRule,
    labels: &[u32],
    probs: MatRef<'_, f32>,
    out: &mut [Doubt],
    scratch: &mut Scratch<'_>,
) -> Result<usize> {
    check(labels, probs)?;
    let (n, classes) = (probs.rows(), probs.cols());
    if out.len() != n {
        return Err(Error::ShapeMismatch);
    }
    if u32::try_from(n).is_err() {
        return Err(Error::Overflow);
    }
    if scratch.remaining() < label_errors_scratch_len(n, classes) {
        return Err(Error::ScratchTooSmall);
    }
    let mut frame = scratch.frame();
    let thresholds = frame.take::<f32>(classes)?;
    let sums = frame.take::<f64>(classes * 2)?;
    let square = classes.checked_mul(classes).ok_or(Error::Overflow)?;
    let joint = frame.take::<u32>(square)?;
    let real = frame.take::<f64>(square)?;
    let ends = frame.take_zeroed::<u32>(classes)?;
    let order = frame.take::<u32>(n)?;
    let marks = frame.take_zeroed::<u8>(n)?;
    class_thresholds(labels, probs, sums, thresholds)?;
    confident_joint(labels, probs, thresholds, joint, real)?;
    for (doubt, (row, &given)) in out.iter_mut().zip(probs.iter_rows().zip(labels)) {
        *doubt = Doubt { suspected: false, likely: argmax(row), margin: margin(row, given) };
    }
    if rule == LabelRule::OffDiagonal {
        for (mark, (row, &given)) in marks.iter_mut().zip(probs.iter_rows().zip(labels)) {
            *mark = u8::from(counted_in(row, thresholds).is_some_and(|class| class != given));
        }
    } else {
        keep_one_each(joint, real, classes);
        by_class(labels, ends, order);
        mark_by_counts(rule, probs, joint, ends, order, marks);
    }
    let wanted = if rule == LabelRule::Both { 3 } else { 1 };
    let mut count = 0;
    for ((doubt, mark), (row, &given)) in out.iter_mut().zip(marks).zip(probs.iter_rows().zip(labels)) {
        let cleared = at(row, given) >= at(row, doubt.likely) - CLOSE;
        doubt.suspected = *mark == wanted && !cleared;
        count += usize::from(doubt.suspected);
    }
    Ok(count)
}

/// Probability of the given label minus the largest of the others.
fn margin(row: &[f32], given: u32) -> f32 {
    let others = (0u32..).zip(row).filter(|&(class, _)| class != given);
    let largest = others.fold(0.0f32, |m, (_, &p)| if p > m { p } else { m });
    at(row, given) - largest
}

/// Raises each diagonal element to 1 at the cost of the other elements of its row.
fn keep_one_each(joint: &mut [u32], real: &mut [f64], classes: usize) {
    let rows = joint.chunks_mut(classes.max(1)).zip(real.chunks_mut(classes.max(1)));
    for (class, (joint, real)) in rows.enumerate() {
        let diagonal = joint.get(class).copied().unwrap_or(0);
        if diagonal >= 1 {
            continue;
        }
        let nonzero = joint.iter().filter(|&&v| v != 0).count() as f64 - 1.0;
        let share = 1.0 / if nonzero < 1.0 { 1.0 } else { nonzero };
        for ((i, r), &j) in real.iter_mut().enumerate().zip(&*joint) {
            let less = f64::from(j) - share;
            *r = if i == class {
                1.0
            } else if less < 0.0 {
                0.0
            } else {
                less
            };
        }
        for (j, &r) in joint.iter_mut().zip(&*real) {
            *j = r as u32;
        }
    }
}

/// Fills `order` with the samples class by class, those of a class in their order, and `ends` (0 before) with where
/// each class ends.
fn by_class(labels: &[u32], ends: &mut [u32], order: &mut [u32]) {
    for &label in labels {
        if let Some(count) = ends.get_mut(label as usize) {
            *count += 1;
        }
    }
    let mut before = 0;
    for end in ends.iter_mut() {
        // First the start of each class, which moves on to its end.
        before += core::mem::replace(end, before);
    }
    for (i, &label) in (0u32..).zip(labels) {
        if let Some(next) = ends.get_mut(label as usize)
            && let Some(place) = order.get_mut(*next as usize)
        {
            *place = i;
            *next += 1;
        }
    }
}

/// Sets bit 0 of a mark for samples found by noise rate (or by class where that is the rule), bit 1 for
/// samples found by class where both are asked for.
fn mark_by_counts(
    rule: LabelRule,
    probs: MatRef<'_, f32>,
    joint: &[u32],
    ends: &[u32],
    order: &mut [u32],
    marks: &mut [u8],
) {
    let classes = probs.cols();
    let mut start = 0;
    for ((given, row), &end) in (0u32..).zip(joint.chunks(classes.max(1))).zip(ends) {
        let members = order.get_mut(start as usize..end as usize).unwrap_or_default();
        start = end;
        let class_size = members.len();
        if class_size <= 1 {
            continue;
        }
        let mut mark_first = |count: usize, bit: u8, score: &dyn Fn(&[f32]) -> f32| {
            let key = |&i: &u32| score(probs.row(i as usize));
            members.sort_unstable_by(|a, b| key(a).total_cmp(&key(b)).then(a.cmp(b)));
            for &i in members.iter().take(count) {
                if let Some(mark) = marks.get_mut(i as usize) {
                    *mark |= bit;
                }
            }
        };
        if rule != LabelRule::PruneByNoiseRate {
            let kept = row.get(given as usize).copied().unwrap_or(0);
            // The whole class and not the row, which may have lost some to rounding.
            let count = class_size.saturating_sub(kept as usize);
            let bit = if rule == LabelRule::Both { 2 } else { 1 };
            mark_first(count, bit, &|p| at(p, given));
        }
        if rule != LabelRule::PruneByClass {
            for (other, &count) in (0u32..).zip(row).filter(|&(other, &count)| other != given && count > 0) {
                mark_first(count as usize, 1, &|p| at(p, given) - at(p, other));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    /// Labels and probabilities × 256 of 60 samples in 4 classes.
    fn sample() -> (Vec<u32>, Vec<f32>) {
        let (labels, probs): ([u32; 60], [[u16; 4]; 60]) = include!("cleanlab.in");
        (labels.to_vec(), probs.as_flattened().iter().map(|&p| f32::from(p) / 256.0).collect())
    }

    fn suspects(rule: LabelRule, labels: &[u32], probs: &[f32]) -> Vec<usize> {
        let n = labels.len();
        let mut memory = vec![0u8; label_errors_scratch_len(n, 4)];
        let mut out = vec![Doubt::default(); n];
        let probs = MatRef::new(probs, n, 4).unwrap();
        let count = find_label_errors(rule, labels, probs, &mut out, &mut Scratch::new(&mut memory)).unwrap();
        let found: Vec<_> = out.iter().enumerate().filter(|(_, d)| d.suspected).map(|(i, _)| i).collect();
        assert_eq!(found.len(), count);
        found
    }

    /// cleanlab 2.9.0: get_confident_thresholds, compute_confident_joint, find_label_issues.
    #[test]
    fn figures_are_those_of_cleanlab() {
        let (labels, probs) = sample();
        let mat = MatRef::new(&probs, 60, 4).unwrap();
        let (mut t, mut joint, mut real) = ([0f32; 4], [0u32; 16], [0f64; 16]);
        class_thresholds(&labels, mat, &mut [0.0; 8], &mut t).unwrap();
        let want = [0.38110352, 0.41601562, 0.57773438, 0.51489258];
        assert!(t.iter().zip(want).all(|(a, b): (_, f32)| (a - b).abs() < 1e-6), "{t:?}");
        confident_joint(&labels, mat, &t, &mut joint, &mut real).unwrap();
        assert_eq!(joint, [9, 4, 2, 1, 5, 12, 0, 1, 0, 0, 8, 2, 3, 2, 1, 10]);
        let rate = [1, 2, 7, 9, 16, 18, 20, 23, 28, 29, 31, 34, 40, 41, 44, 47, 49, 51];
        assert_eq!(suspects(LabelRule::PruneByNoiseRate, &labels, &probs), rate);
        let class = [1, 2, 7, 9, 14, 16, 18, 20, 28, 29, 31, 34, 40, 41, 44, 46, 47, 49, 51];
        assert_eq!(suspects(LabelRule::PruneByClass, &labels, &probs), class);
        let both = [1, 2, 7, 9, 16, 18, 20, 28, 29, 31, 34, 40, 41, 44, 47, 49, 51];
        assert_eq!(suspects(LabelRule::Both, &labels, &probs), both);
        let off = [1, 2, 7, 9, 16, 18, 20, 23, 27, 28, 31, 40, 41, 44, 47, 49, 51];
        assert_eq!(suspects(LabelRule::OffDiagonal, &labels, &probs), off);
    }

    #[test]
    fn sure_and_right_labels_are_left_alone() {
        let labels = [0u32, 0, 1, 1, 3];
        let probs: Vec<f32> =
            labels.iter().flat_map(|&l| (0..4).map(move |c| f32::from(u8::from(c == l)))).collect();
        for rule in
            [LabelRule::PruneByNoiseRate, LabelRule::PruneByClass, LabelRule::Both, LabelRule::OffDiagonal]
        {
            assert!(suspects(rule, &labels, &probs).is_empty(), "{rule:?}");
        }
        assert!(suspects(LabelRule::default(), &[], &[]).is_empty());
    }

    /// The three called 0 are thought to be 1, 2 and 3: with the 1 that each class is counted at least, the row is
    /// ¾ of (1, 1, 1, 1), which rounds to (0, 1, 1, 1). Keeping one makes that (1, ½, ½, ½), cut to (1, 0, 0, 0).
    #[test]
    fn by_class_counts_the_class_and_not_the_cut_row() {
        let (sure, rest) = (0.8, 0.05);
        let probs: [[f32; 4]; 6] = [
            [0.09, 0.81, 0.05, 0.05],
            [0.1, rest, sure, rest],
            [0.11, rest, 0.04, sure],
            [0.1, sure, rest, rest],
            [0.1, rest, sure, rest],
            [0.1, rest, rest, sure],
        ];
        let labels = [0, 0, 0, 1, 2, 3];
        assert_eq!(suspects(LabelRule::PruneByClass, &labels, probs.as_flattened()), [0, 1]);
        assert!(suspects(LabelRule::PruneByNoiseRate, &labels, probs.as_flattened()).is_empty());
        // All of a class, of which the other rules keep one.
        assert_eq!(suspects(LabelRule::OffDiagonal, &labels, probs.as_flattened()), [0, 1, 2]);
    }

    #[test]
    fn a_threshold_is_not_below_what_counts_as_nought() {
        let probs = MatRef::new(&[0.0, 1.0, 0.0, 1.0, 0.0, 1.0], 3, 2).unwrap();
        let mut t = [0f32; 2];
        class_thresholds(&[0, 0, 0], probs, &mut [0.0; 4], &mut t).unwrap();
        assert_eq!(t, [2e-6, f32::INFINITY]);
        assert_eq!(class_thresholds(&[0; 3], probs, &mut [0.0; 2], &mut t), Err(Error::ShapeMismatch));
    }

    #[test]
    fn what_is_no_probability_or_no_class_is_refused() {
        let call = |labels: &[u32], probs: &[f32]| {
            let mut memory = [0u8; 2048];
            let mut out = [Doubt::default(); 2];
            let probs = MatRef::new(probs, 2, 2).unwrap();
            find_label_errors(LabelRule::default(), labels, probs, &mut out, &mut Scratch::new(&mut memory))
        };
        assert_eq!(call(&[0, 2], &[0.5; 4]), Err(Error::InvalidArgument));
        assert_eq!(call(&[0, 1], &[0.5, 0.5, f32::NAN, 0.5]), Err(Error::InvalidArgument));
        assert_eq!(call(&[0], &[0.5; 4]), Err(Error::ShapeMismatch));
        assert!(call(&[0, 1], &[0.5; 4]).is_ok());
    }

    #[test]
    fn rounding_keeps_the_sum() {
        let mut out = [0u32; 4];
        round_keeping_sum(&mut [0.4, 0.4, 0.4, 1.8], &mut out);
        assert_eq!(out.iter().sum::<u32>(), 3);
        round_keeping_sum(&mut [0.6, 0.6, 0.6, 0.2], &mut out);
        assert_eq!(out.iter().sum::<u32>(), 2);
    }
}
