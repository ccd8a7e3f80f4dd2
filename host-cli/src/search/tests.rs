//! Data whose answer is known.

use super::*;
use crate::dataset::{Content, DatasetWriter, Meta, Sample, Split};
use crate::pool::Pool;
use crate::recipe::Recipe;
use seedbed::rng::{Key, Stream};
use tempfile::TempDir;

const SIDE: usize = 12;

/// A dataset of `train` and `val` pictures of each of two classes, made by `make` from class, split and randomness.
fn dataset(
    [train, val]: [usize; 2],
    labels: bool,
    make: impl Fn(usize, Split, &mut Stream) -> Vec<u8>,
) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer =
        DatasetWriter::create(dir.path(), Meta::images("t", vec!["a".into(), "b".into()])).unwrap();
    for (split, count) in [(Split::Train, train), (Split::Val, val)] {
        for i in 0..2 * count {
            let id = format!("{split}/{i:04}");
            let mut stream = Stream::new(7, Key::new(99).sample(i as u64).op(split as u32));
            let pixels = Pixels::new(make(i % 2, split, &mut stream), SIDE, SIDE, 1).unwrap();
            let label = labels.then_some(i as u32 % 2);
            writer.push(Sample::new(id, label, split, Content::from_pixels(pixels))).unwrap();
        }
    }
    writer.finish().unwrap();
    dir
}

/// A bar, or for the other class a slant, of four pixels anywhere on a dim and noisy ground.
fn shape(class: usize, _: Split, stream: &mut Stream) -> Vec<u8> {
    let mut picture: Vec<u8> = (0..SIDE * SIDE).map(|_| stream.below(24) as u8).collect();
    let (top, left) = (stream.index(SIDE - 3), stream.index(SIDE - 3));
    for step in 0..4 {
        let column = if class == 0 { left } else { left + step };
        picture[(top + step) * SIDE + column] = 230;
    }
    picture
}

/// A class that is told by the grey of the whole picture, which no move changes and no noise hides.
fn grey(class: usize, _: Split, stream: &mut Stream) -> Vec<u8> {
    let base = if class == 0 { 60 } else { 190 };
    (0..SIDE * SIDE).map(|_| base + stream.below(9) as u8).collect()
}

fn options(trials: usize) -> SearchOptions {
    SearchOptions { trials, limit: 100, seeds: 3, ..SearchOptions::default() }
}

/// The table can be pasted into a recipe.
fn read_again(found: &Found) -> Recipe {
    let recipe = Recipe::parse(&format!("input = \"raw\"\n[collect]\n{}", toml(found))).unwrap();
    recipe.check().unwrap();
    recipe
}

#[test]
fn where_shapes_move_shifts_win() {
    let dir = dataset([16, 100], true, shape);
    let options = SearchOptions { seeds: 5, ..options(12) };
    let found = options.search(&Ctx::quiet(1), dir.path()).unwrap();
    assert_eq!((found.by, found.train, found.judges, found.of_val), (By::Accuracy, 32, 200, true));
    let verdict = &found.verdict;
    assert_eq!(verdict.outcome, Outcome::Gain, "{}", text(&found));
    assert!(verdict.gain > 0.05 && verdict.interval[0] > 0.0, "{verdict:?}");
    let best = &found.trials[0].candidate;
    let moves = ["shift_x = [", "scale = [", "random_resized_crop", "rand_augment", "trivial"];
    assert!(best.texts.iter().any(|text| moves.iter().any(|part| text.contains(part))), "{}", best.short());
    let recipe = read_again(&found);
    assert_eq!(recipe.augment.unwrap().ops, best.ops);
    // Half of the candidates at each rung.
    let rungs: Vec<usize> = found.trials.iter().map(|trial| trial.scores.len()).collect();
    assert_eq!(rungs, [3, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1]);
    assert!(text(&found).contains("verdict: a gain beyond chance"), "{}", text(&found));
}

#[test]
fn where_nothing_can_be_gained_no_gain_is_told() {
    let dir = dataset([10, 20], true, grey);
    let found = options(4).search(&Ctx::quiet(1), dir.path()).unwrap();
    assert_eq!(found.verdict.without, 1.0);
    assert_ne!(found.verdict.outcome, Outcome::Gain, "{}", text(&found));
    assert!(read_again(&found).augment.is_none());
    let said = text(&found);
    assert!(said.contains("leave the table [augment] out") && !said.contains("ops = ["), "{said}");
}

/// Labels that have nothing to do with the pictures: whatever wins the search, it wins by chance.
#[test]
fn what_won_by_chance_is_not_recommended() {
    let dir = dataset([30, 60], true, |_, split, stream| {
        let class = stream.index(2);
        shape(class, split, stream)
    });
    let found = options(8).search(&Ctx::quiet(2), dir.path()).unwrap();
    assert_eq!(found.verdict.outcome, Outcome::NoGain, "{}", text(&found));
}

#[test]
fn without_labels_distances_decide() {
    let dir = dataset([60, 60], false, shape);
    let search = |by| SearchOptions { by, ..options(6) }.search(&Ctx::quiet(1), dir.path());
    let found = search(By::Auto).unwrap();
    assert_eq!((found.by, found.train, found.judges), (By::Density, 100, 120));
    assert!(found.none.iter().all(|score| *score > 0.0) && found.verdict.without > 0.0);
    let last = found.none.len() - 1;
    assert!(found.trials[0].scores[last] <= found.trials[1].scores[last]);
    assert!(text(&found).contains("less is better"));
    let e = search(By::Accuracy).unwrap_err();
    assert!(
        e.exit_code() == 2 && e.message.starts_with("no picture of the split `train` has a label"),
        "{e}"
    );
    assert!(e.hint.unwrap().contains("--by density"));
}

#[test]
fn threads_change_no_byte_and_seeds_do() {
    let dir = dataset([16, 20], true, shape);
    let run = |ctx: &Ctx| {
        let found = options(4).search(ctx, dir.path()).unwrap();
        (text(&found), serde_json::to_string(&figures(&found)).unwrap())
    };
    let one = run(&Ctx::quiet(3));
    assert_eq!(one, run(&Ctx { pool: Pool::new(2).unwrap(), ..Ctx::quiet(3) }));
    assert_ne!(one, run(&Ctx::quiet(4)));
}

#[test]
fn without_a_val_split_a_part_of_train_judges() {
    let dir = dataset([24, 0], true, shape);
    let found = options(1).search(&Ctx::quiet(1), dir.path()).unwrap();
    assert_eq!((found.train, found.judges, found.of_val), (36, 12, false));
    assert!(text(&found).contains("held out from train before the search"));
}

#[test]
fn pictures_that_equal_others_are_on_one_side() {
    // Of each class ten different pictures, the same ones in train and val.
    let dir = dataset([20, 20], true, |class, _, stream| {
        vec![(stream.index(10) * 20 + class * 7) as u8; SIDE * SIDE]
    });
    let found = options(1).search(&Ctx::quiet(1), dir.path()).unwrap();
    assert!(found.duplicates >= 60, "{}", found.duplicates);
    assert!(!found.of_val && found.train + found.judges <= 20);
}

#[test]
fn mistakes_are_told() {
    let dir = dataset([3, 3], true, shape);
    let fails = |options: SearchOptions| options.search(&Ctx::quiet(1), dir.path()).unwrap_err();
    assert!(fails(options(0)).message.starts_with("trials = 0 is out of range: --trials"));
    assert!(fails(SearchOptions { seeds: 1, ..options(1) }).message.contains("--seeds"));
    let e = fails(options(1));
    assert!(e.message.starts_with("too few samples in the split `train`"), "{e}");
    assert!(e.hint.unwrap().contains("4 different pictures in each of two classes"));
    let e = fails(SearchOptions { by: By::Density, ..options(1) });
    assert!(e.hint.unwrap().contains("16 different pictures"));
    let table = tempfile::tempdir().unwrap();
    DatasetWriter::create(table.path(), Meta::table("t", vec![], vec!["x".into()]))
        .unwrap()
        .finish()
        .unwrap();
    let e = options(1).search(&Ctx::quiet(1), table.path()).unwrap_err();
    assert!(e.message.starts_with("search works on pictures, not on rows"), "{e}");
}
