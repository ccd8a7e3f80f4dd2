//! A contact sheet: what each operation makes of one picture, drawn several times, and where boxes, keypoints and masks go
//! with it.
//!
//! Every picture gets the same box, the ellipse in it as a mask, and three keypoints in it: where an operation moves pixels
//! they are drawn, and what shows a border is hatched. Operations draw by the box on the sheet of every operation alone, since
//! the pictures of a dataset have none.

mod paper;
mod targets;

use self::paper::{GAP, LINE, Paper, TILE};
use self::targets::Targets;
use super::maker::Augmenter;
use super::ops::{OpStep, operations};
use super::partners::{PartnerStep, Partners};
use crate::codec::{Pixels, encode_png};
use crate::dataset::{Dataset, Sample, Split};
use crate::durable::write_whole;
use crate::error::{Error, Result};
use crate::stages::Ctx;
use seedbed::augment::{self, Field, Kind, Op, Step, Value};
use seedbed::image::{Map, Perspective};
use seedbed::scratch::ScratchBuf;
use serde_json::Value as Json;
use std::path::Path;

/// The sheet in the folder of the stage.
pub const PREVIEW_FILE: &str = "preview.png";

/// Pixels of margin in [`every_op`].
const MARGIN: u32 = 4;

/// Draws of each operation, right of the original.
const DRAWS: u32 = 8;

/// Writes the sheet of `ops`, or of every operation where these are `None`, for the first picture of the train split of
/// `dataset` (of any split where that is empty) as the PNG `path`: a row for each, one for all of `ops` together where
/// there are several, and one for each operation of `partners`. Returns how many operations it shows.
///
/// # Errors
/// When there is no picture, an operation does not fit it, or the file cannot be written.
pub fn write(
    ctx: &Ctx,
    dataset: &Dataset,
    (ops, partners): (Option<&[OpStep]>, Option<&Partners>),
    fuse: bool,
    path: &Path,
) -> Result<usize> {
    let Some(sample) = first(dataset)? else {
        return Err(Error::failed(format!("no picture to show: {}", dataset.folder().display())));
    };
    let original = sample.pixels()?;
    let all = every_op((original.height, original.width));
    let shown = ops.unwrap_or(&all);
    let mut rows: Vec<(String, &[OpStep])> =
        shown.iter().map(|op| (words(op), std::slice::from_ref(op))).collect();
    if let Some(ops @ [_, _, ..]) = ops {
        rows.push(("all together".into(), ops));
    }
    write_whole(path, encode_png(&sheet(ctx, &sample, &rows, partners, (fuse, ops.is_none()))?)?)?;
    Ok(shown.len() + partners.map_or(0, |partners| partners.steps().len()))
}

/// Every operation that there is, as it is by default; those that make another size, with one to be seen in a picture of
/// this one.
fn every_op((height, width): (usize, usize)) -> Vec<OpStep> {
    let part = |side: usize| Value::Count((side as u32 * 3 / 4).max(1));
    let value = |kind: &Kind, field: &Field| match field.name {
        "padding" | "top" | "left" | "bottom" | "right" => Value::Count(MARGIN),
        "height" if kind.name == "centre_crop" || kind.name == "resize" => part(height),
        "height" if kind.name == "letterbox" => part(height),
        "width" if kind.name == "centre_crop" => part(width),
        "side" => part(height.min(width)),
        _ => field.default,
    };
    let op = |kind: &Kind| Op::from_values(kind.code, kind.fields.iter().map(|field| value(kind, field)));
    operations().filter_map(|kind| op(kind).map(|op| Step { op, p: 1.0 }.into())).collect()
}

fn first(dataset: &Dataset) -> Result<Option<Sample>> {
    let mut any = None;
    for sample in dataset.samples() {
        let sample = sample?;
        match sample.split {
            Split::Train => return Ok(Some(sample)),
            Split::Val | Split::Test => any = any.or(Some(sample)),
        }
    }
    Ok(any)
}

/// The step as the recipe has it, without the braces.
fn words(op: &OpStep) -> String {
    let map = op.to_map().unwrap_or_default();
    words_of(&map)
}

fn words_of(map: &serde_json::Map<String, Json>) -> String {
    let mut words = String::new();
    let kind = Op::KINDS.iter().find(|kind| map.get("op").is_some_and(|name| name == kind.name));
    let usual = |key: &str, value: &Json| {
        let field = kind.and_then(|kind| kind.fields.iter().find(|field| field.name == key));
        field.is_some_and(|field| match field.default {
            Value::Flag(flag) => *value == flag,
            Value::Interpolation(how) => *value == how.name(),
            _ => false,
        })
    };
    for (key, value) in map {
        match key.as_str() {
            "op" => words.insert_str(0, value.as_str().unwrap_or_default()),
            "p" if value.as_f64() == Some(1.0) => {}
            "any_class" if *value == false => {}
            key if usual(key, value) => {}
            _ => words += &format!("  {key} = {value}"),
        }
    }
    words.replace('"', "")
}

fn sheet(
    ctx: &Ctx,
    sample: &Sample,
    rows: &[(String, &[OpStep])],
    partners: Option<&Partners>,
    (fuse, boxed): (bool, bool),
) -> Result<Pixels> {
    let tiles = 1 + DRAWS as usize;
    let (width, row) = (GAP + tiles * (TILE + GAP), LINE + TILE + GAP);
    let steps = partners.map_or(&[][..], Partners::steps);
    let mut paper = Paper::new(width, (rows.len() + steps.len()) * row);
    let original = sample.pixels()?;
    let mut line = |at: usize, words: &str, draws: Result<Vec<Draw>>| -> Result<()> {
        paper.write(at * row + GAP, GAP, words);
        for (i, (pixels, targets)) in draws.map_err(|e| e.within(words))?.iter().enumerate() {
            paper.show(ctx.level, (at * row + LINE, GAP + i * (TILE + GAP)), pixels, targets.as_ref())?;
        }
        Ok(())
    };
    for (at, (words, ops)) in rows.iter().enumerate() {
        line(at, words, draws(ctx, (sample, &original), ops, (fuse, boxed)))?;
    }
    for (partners, (at, step)) in partners.into_iter().cycle().zip(steps.iter().enumerate()) {
        let words = words_of(&step.to_map());
        line(rows.len() + at, &words, meetings(partners, *step, sample, &original))?;
    }
    Ok(paper.0)
}

/// The original, and what becomes of it when it meets others.
fn meetings(partners: &Partners, step: PartnerStep, sample: &Sample, original: &Pixels) -> Result<Vec<Draw>> {
    let (one, mut scratch) = (partners.only(step), ScratchBuf::new());
    let met = |n| one.join(&mut scratch, sample, original.clone(), n).map(|(pixels, _)| (pixels, None));
    std::iter::once(Ok((original.clone(), None))).chain((1..=DRAWS).map(met)).collect()
}

/// A picture, with what belongs to it.
type Draw = (Pixels, Option<Targets>);

/// The original and what is drawn of it, with what belongs to it if any of them moves its pixels.
fn draws(
    ctx: &Ctx,
    (sample, original): (&Sample, &Pixels),
    ops: &[OpStep],
    (fuse, boxed): (bool, bool),
) -> Result<Vec<Draw>> {
    let augmenter = Augmenter::new(ctx, super::STEP, augment::PURPOSE, ops, fuse)?;
    let size = (original.height, original.width);
    let (targets, bounds) = (Targets::of(size)?, [targets::bounds(size)?]);
    // Copies of a dataset have none.
    let boxes = if boxed { &bounds[..] } else { &[] };
    let mut scratch = ScratchBuf::new();
    let (mut all, mut moves) = (vec![(original.clone(), None)], false);
    for n in 1..=DRAWS {
        let plan = augmenter.plan(original)?;
        let made = augmenter.make(&mut scratch, sample, original, boxes, n)?;
        let still = Map::Perspective(Perspective::IDENTITY);
        moves |= made.prepared.map() != Some(still);
        let moved = targets.moved(ctx.level, &plan, &made.prepared, &mut scratch)?;
        all.push((made.pixels, Some(moved)));
    }
    match all.first_mut() {
        Some((_, of_original)) if moves => *of_original = Some(targets),
        _ => all.iter_mut().for_each(|(_, targets)| *targets = None),
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Content, DatasetWriter, Meta};

    fn picture(channels: usize) -> Sample {
        let data = (0..12 * 10 * channels).map(|p| (p * 7) as u8).collect();
        let content = Content::from_pixels(Pixels::new(data, 12, 10, channels).unwrap());
        Sample::new("a/1", None, Split::Train, content)
    }

    #[test]
    fn every_operation_has_a_row_with_the_original_and_its_draws() {
        let ops = every_op((12, 10));
        assert_eq!(ops.len(), operations().count());
        let rows: Vec<(String, &[OpStep])> =
            ops.iter().map(|op| (words(op), std::slice::from_ref(op))).collect();
        for channels in [1, 3, 4] {
            let sheet = sheet(&Ctx::quiet(1), &picture(channels), &rows, None, (true, true)).unwrap();
            assert_eq!(sheet.height, ops.len() * (LINE + TILE + GAP));
            assert_eq!(sheet.width, GAP + 9 * (TILE + GAP));
            let tile = |row: usize, column: usize| -> Vec<u8> {
                let (top, left) = (row * (LINE + TILE + GAP) + LINE, GAP + column * (TILE + GAP));
                let line = |y: usize| ((top + y) * sheet.width + left) * 3;
                (0..TILE).flat_map(|y| sheet.data[line(y)..line(y) + TILE * 3].to_vec()).collect()
            };
            // The first operation moves pixels, and its original shows what belongs to it; the second that is looked at
            // does not.
            let tones = ops.iter().position(|op| words(op).starts_with("invert")).unwrap();
            assert!(tile(tones, 0) != tile(0, 0));
            for (row, op) in ops.iter().enumerate() {
                assert!([tile(0, 0), tile(tones, 0)].contains(&tile(row, 0)), "the original is first");
                let changed = (1..=8).any(|column| tile(row, column) != tile(row, 0));
                // A picture with as many of each level stays as it is.
                let even = words(op) == "equalise";
                let about_colours = ["greyscale", "channel_", "sepia", "planckian", "fancy", "chromatic"];
                let words = words(op);
                let grey = channels == 1 && about_colours.iter().any(|name| words.starts_with(name));
                assert!(changed || grey || even, "{words}");
            }
        }
    }

    #[test]
    fn operations_with_another_picture_have_rows_after_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let meta = Meta::images("t", vec!["a".into()]);
        let mut writer = DatasetWriter::create(dir.path(), meta).unwrap();
        for i in 0..4u8 {
            let data = (0..12 * 10 * 3).map(|p| (p as u8).wrapping_mul(i + 3)).collect();
            let content = Content::from_pixels(Pixels::new(data, 12, 10, 3).unwrap());
            writer.push(Sample::new(format!("s{i}"), Some(0), Split::Train, content)).unwrap();
        }
        writer.finish().unwrap();
        let (dataset, ctx) = (Dataset::open(dir.path()).unwrap(), Ctx::quiet(1));
        let partners = Partners::read(&ctx, &dataset, &PartnerStep::all()).unwrap();
        let ops = ["{ op = \"hflip\" }".parse().unwrap()];
        let path = dir.path().join("sheet.png");
        let shown = write(&ctx, &dataset, (Some(&ops), Some(&partners)), true, &path).unwrap();
        assert_eq!(shown, 1 + PartnerStep::all().len());
        let sheet = crate::codec::decode(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(sheet.height, shown * (LINE + TILE + GAP));
        assert_eq!(words_of(&PartnerStep::all()[3].to_map()), "mixup  alpha = 0.4");
    }

    #[test]
    fn words_are_the_step_without_what_is_usual() {
        let op: OpStep =
            r#"{ op = "rotate", degrees = [-15, 15], border = "edge", p = 0.5 }"#.parse().unwrap();
        assert_eq!(words(&op), "rotate  border = edge  degrees = [-15,15]  p = 0.5");
        let op: OpStep = r#"{ op = "hflip" }"#.parse().unwrap();
        assert_eq!(words(&op), "hflip");
    }
}
