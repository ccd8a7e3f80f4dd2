//! What pruning costs: classes that lose much, splits whose labels are doubted too much, and a train split that is gone.

use super::state::State;
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use crate::stages::Ctx;
use std::collections::BTreeMap;

/// Classes that a warning names at most.
const MOST_NAMED: usize = 10;
/// One in so many labels may be wrong before that is worth a warning.
const DOUBTED: usize = 20;

/// What became of the train samples of a class, or of a split.
#[derive(Default)]
struct Loss {
    before: usize,
    /// How many went, by method.
    gone: BTreeMap<&'static str, usize>,
}

impl Loss {
    fn count(&mut self, state: &State, i: usize) {
        self.before += 1;
        if let Some(verdict) = state.verdict(i).filter(|v| v.method != "k_center") {
            *self.gone.entry(verdict.method).or_default() += 1;
        }
    }

    fn lost(&self) -> usize {
        self.gone.values().sum()
    }

    /// `5 of 12 (label_error 2, outlier_knn 3)`.
    fn words(&self) -> String {
        let methods: Vec<String> = self.gone.iter().map(|(method, n)| format!("{method} {n}")).collect();
        format!("{} of {} ({})", self.lost(), self.before, methods.join(", "))
    }
}

/// The losses of the train split by class.
fn by_class(state: &State) -> BTreeMap<Option<u32>, Loss> {
    let mut losses: BTreeMap<Option<u32>, Loss> = BTreeMap::new();
    let train = (0..state.ids.len()).filter(|&i| state.splits[i] == Split::Train);
    train.for_each(|i| losses.entry(state.labels[i]).or_default().count(state, i));
    losses
}

/// Tells of what [`warnings`] finds.
pub fn warn(ctx: &Ctx, state: &State, classes: &[String]) {
    for warning in warnings(state, classes) {
        ctx.progress.warn(format!("prune: {warning}; look at dropped.jsonl"));
    }
}

/// Classes that lose more than a third, and splits of which more than one label in twenty is doubted.
fn warnings(state: &State, classes: &[String]) -> Vec<String> {
    let name =
        |class: Option<u32>| class.and_then(|c| classes.get(c as usize)).map_or("(none)", String::as_str);
    let losses = by_class(state);
    let heavy = losses.iter().filter(|(_, loss)| 3 * loss.lost() > loss.before);
    let mut heavy: Vec<String> =
        heavy.map(|(&class, loss)| format!("{} {}", name(class), loss.words())).collect();
    if heavy.len() > MOST_NAMED {
        let more = heavy.split_off(MOST_NAMED).len();
        heavy.push(format!("and {more} classes more"));
    }
    let mut out = Vec::new();
    if !heavy.is_empty() {
        out.push(format!("classes lose more than a third of their train samples: {}", heavy.join(", ")));
    }
    for split in Split::ALL {
        let mut loss = Loss::default();
        (0..state.ids.len()).filter(|&i| state.splits[i] == split).for_each(|i| loss.count(state, i));
        let doubted = loss.gone.get("label_error").copied().unwrap_or(0);
        if doubted * DOUBTED > loss.before {
            out.push(format!(
                "the labels of {doubted} of {} samples in {split} are taken for wrong, more than is likely (see \
                 --label-margin, --labels)",
                loss.before
            ));
        }
    }
    out
}

/// Refuses to leave nothing to learn from.
///
/// # Errors
/// When there were train samples and all of them go; the error names the methods.
pub fn some_train_left(state: &State, dataset: &Dataset) -> Result<()> {
    let mut loss = Loss::default();
    (0..state.ids.len()).filter(|&i| state.splits[i] == Split::Train).for_each(|i| loss.count(state, i));
    if loss.before == 0 || loss.lost() < loss.before {
        return Ok(());
    }
    Err(Error::failed(format!(
        "pruning would leave no sample to train on, it takes {}: {}",
        loss.words(),
        dataset.folder().display()
    ))
    .hint("list what would go with --dry-run, then turn a method off (--quality, --exact, --near, --labels) or move its limit"))
}

#[cfg(test)]
mod tests {
    use super::super::PruneOptions;
    use super::super::state::Verdict;
    use super::*;
    use crate::dataset::{Content, DatasetWriter, Meta, Sample};

    #[test]
    fn heavy_losses_are_told_and_total_ones_refused() {
        let dir = tempfile::tempdir().unwrap();
        let classes = ["a", "b"].map(String::from).to_vec();
        let meta = Meta::table("t", classes.clone(), vec!["x".into()]);
        let mut writer = DatasetWriter::create(dir.path(), meta).unwrap();
        for i in 0..12u32 {
            let split = if i == 11 { Split::Test } else { Split::Train };
            let content = Content::from_row(vec![i as f32]);
            writer.push(Sample::new(format!("{i:02}"), Some(i / 6), split, content)).unwrap();
        }
        writer.finish().unwrap();
        let dataset = Dataset::open(dir.path()).unwrap();
        let mut state = State::read(&Ctx::quiet(1), &PruneOptions::default(), &dataset).unwrap();
        state.drop(0, Verdict::new("outlier_knn", 9.0, 1.0));
        state.drop(1, Verdict::new("exact_duplicate", 0.0, 0.0));
        assert!(warnings(&state, &classes).is_empty(), "a third is not more than a third");
        state.drop(2, Verdict::new("label_error", -1.0, 0.0));
        let told = warnings(&state, &classes);
        assert!(told[0].ends_with("a 3 of 6 (exact_duplicate 1, label_error 1, outlier_knn 1)"), "{told:?}");
        assert!(told[1].contains("the labels of 1 of 11 samples in train"), "{told:?}");
        assert!(some_train_left(&state, &dataset).is_ok());
        (3..12).for_each(|i| state.drop(i, Verdict::new("quality_blank", 0.0, 0.0)));
        let e = some_train_left(&state, &dataset).unwrap_err();
        assert!(e.message.contains("quality_blank 8") && e.hint.is_some(), "{e}");
    }
}
