//! A contact sheet: what each operation makes of one picture, drawn several times.

use super::maker::Augmenter;
use super::ops::{OpStep, operations};
use crate::codec::{Pixels, encode_png};
use crate::dataset::{Dataset, Sample, Split};
use crate::durable::write_whole;
use crate::error::{Error, Result};
use crate::stages::Ctx;
use crate::stages::preprocess::{Mode, Preparer, Size};
use font8x8::{BASIC_FONTS, UnicodeFonts};
use seedbed::Level;
use seedbed::augment::{self, Field, Kind, Op, Step, Value};
use seedbed::image::{Filter, Fit};
use seedbed::scratch::ScratchBuf;
use std::path::Path;

/// The sheet in the folder of the stage.
pub const PREVIEW_FILE: &str = "preview.png";

/// Pixels of margin in [`every_op`].
const MARGIN: u32 = 4;

/// Draws of each operation, right of the original.
const DRAWS: u32 = 8;

/// The side of the square that a picture is fitted into, and the room around it.
const TILE: usize = 96;
const GAP: usize = 4;
/// The height of a line of words, with the room around it.
const LINE: usize = 8 + 2 * GAP;

const PAPER: [u8; 3] = [255; 3];
const INK: [u8; 3] = [40; 3];

/// Writes the sheet of `ops` for the first picture of the train split of `dataset` (of any split where that is empty)
/// as the PNG `path`: a row for each, and one for all of them together where there are several.
///
/// # Errors
/// When there is no picture, an operation does not fit it, or the file cannot be written.
pub fn write(ctx: &Ctx, dataset: &Dataset, ops: &[OpStep], path: &Path) -> Result<()> {
    let Some(sample) = first(dataset)? else {
        return Err(Error::failed(format!("no picture to show: {}", dataset.folder().display())));
    };
    let mut rows: Vec<(String, &[OpStep])> =
        ops.iter().map(|op| (words(op), std::slice::from_ref(op))).collect();
    if ops.len() > 1 {
        rows.push(("all together".into(), ops));
    }
    write_whole(path, encode_png(&sheet(ctx, &sample, &rows)?)?)
}

/// Every operation that there is, as it is by default; those that put a margin around, with one to be seen.
pub fn every_op() -> Vec<OpStep> {
    let value = |field: &Field| match field.name {
        "padding" | "top" | "left" | "bottom" | "right" => Value::Count(MARGIN),
        _ => field.default,
    };
    let op = |kind: &Kind| Op::from_values(kind.code, kind.fields.iter().map(value));
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
    let mut words = String::new();
    for (key, value) in op.to_map() {
        match key.as_str() {
            "op" => words.insert_str(0, value.as_str().unwrap_or_default()),
            "p" if value == 1 => {}
            _ => words += &format!("  {key} = {value}"),
        }
    }
    words.replace('"', "")
}

fn sheet(ctx: &Ctx, sample: &Sample, rows: &[(String, &[OpStep])]) -> Result<Pixels> {
    let tiles = 1 + DRAWS as usize;
    let (width, row) = (GAP + tiles * (TILE + GAP), LINE + TILE + GAP);
    let mut paper = Paper::new(width, rows.len() * row);
    let original = sample.pixels()?;
    let mut scratch = ScratchBuf::new();
    for (at, (words, ops)) in rows.iter().enumerate() {
        let top = at * row;
        paper.write(top + GAP, GAP, words);
        let augmenter = Augmenter::new(ctx, super::STEP, augment::PURPOSE, ops)?;
        paper.show(ctx.level, top + LINE, GAP, &original)?;
        for n in 1..=DRAWS {
            let made = augmenter.copy(&mut scratch, sample, &original, n).map_err(|e| e.within(words))?;
            paper.show(ctx.level, top + LINE, GAP + n as usize * (TILE + GAP), &made.pixels()?)?;
        }
    }
    Ok(paper.0)
}

/// An RGB picture to draw on.
struct Paper(Pixels);

impl Paper {
    fn new(width: usize, height: usize) -> Self {
        Self(Pixels { data: PAPER.repeat(width * height), height, width, channels: 3 })
    }

    fn dot(&mut self, y: usize, x: usize, colour: [u8; 3]) {
        let at = (y * self.0.width + x) * 3;
        if x < self.0.width
            && let Some(pixel) = self.0.data.get_mut(at..at + 3)
        {
            pixel.copy_from_slice(&colour);
        }
    }

    /// A line of words from its upper left corner on, as much as there is room for.
    fn write(&mut self, top: usize, left: usize, words: &str) {
        let letters = words.chars().filter_map(|letter| BASIC_FONTS.get(letter));
        for (i, letter) in letters.enumerate() {
            for (y, bits) in letter.into_iter().enumerate() {
                for x in (0..8).filter(|x| bits >> x & 1 == 1) {
                    self.dot(top + y, left + 8 * i + x, INK);
                }
            }
        }
    }

    /// A picture in the middle of a tile, its longer side as long as the tile's: small ones with pixels to be seen,
    /// large ones as Pillow's Lanczos has them.
    fn show(&mut self, level: Level, top: usize, left: usize, pixels: &Pixels) -> Result<()> {
        let small = pixels.height.max(pixels.width) < TILE;
        let tile = Preparer {
            level,
            size: Some(Size { height: TILE as u32, width: TILE as u32 }),
            filter: if small { Filter::Nearest } else { Filter::Lanczos3 },
            fit: Fit::Contain,
            fill: PAPER[0],
            mode: Mode::Rgb,
        };
        let tile = tile.prepare(pixels)?.unwrap_or_else(|| pixels.clone());
        for (y, row) in tile.data.chunks_exact(TILE * tile.channels).enumerate() {
            for (x, pixel) in row.chunks_exact(tile.channels).enumerate() {
                // Colours, or grey with its opacity.
                let colour = match *pixel {
                    [red, green, blue, ..] => [red, green, blue],
                    [grey, ..] => [grey; 3],
                    [] => continue,
                };
                self.dot(top + y, left + x, colour);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Content;

    fn picture(channels: usize) -> Sample {
        let data = (0..12 * 10 * channels).map(|p| (p * 7) as u8).collect();
        let content = Content::from_pixels(Pixels::new(data, 12, 10, channels).unwrap());
        Sample::new("a/1", None, Split::Train, content)
    }

    #[test]
    fn every_operation_has_a_row_with_the_original_and_its_draws() {
        let ops = every_op();
        assert_eq!(ops.len(), operations().count());
        let rows: Vec<(String, &[OpStep])> =
            ops.iter().map(|op| (words(op), std::slice::from_ref(op))).collect();
        for channels in [1, 3, 4] {
            let sheet = sheet(&Ctx::quiet(1), &picture(channels), &rows).unwrap();
            assert_eq!(sheet.height, ops.len() * (LINE + TILE + GAP));
            assert_eq!(sheet.width, GAP + 9 * (TILE + GAP));
            let tile = |row: usize, column: usize| -> Vec<u8> {
                let (top, left) = (row * (LINE + TILE + GAP) + LINE, GAP + column * (TILE + GAP));
                let line = |y: usize| ((top + y) * sheet.width + left) * 3;
                (0..TILE).flat_map(|y| sheet.data[line(y)..line(y) + TILE * 3].to_vec()).collect()
            };
            for (row, op) in ops.iter().enumerate() {
                assert!(tile(row, 0) == tile(0, 0), "the original is first");
                assert!((1..=8).any(|column| tile(row, column) != tile(row, 0)), "{}", words(op));
            }
        }
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
