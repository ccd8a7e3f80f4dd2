//! What augmentation did to the data: brightness, sharpness, borders, copies that are no new pictures, and how far it moved
//! each class, beside the distance from the train split to the pictures held out from it.

mod drift;
mod levels;
mod spectrum;
mod twins;

pub use drift::{Drift, Moved};
pub use levels::{Channel, Values};
pub use spectrum::Spectrum;
pub use twins::Twins;

use self::levels::Levels;
use self::spectrum::Powers;
use super::maker::Augmenter;
use crate::codec::Pixels;
use crate::dataset::{Content, Dataset, Sample, Split};
use crate::error::{Context, Error, Result};
use crate::features::Space;
use crate::stages::Ctx;
use seedbed::ImageMut;
use seedbed::prune::content_hash;
use seedbed::rng::id_hash;
use seedbed::scratch::ScratchBuf;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The [`Effect`] in the folder of the stage.
pub const EFFECT_FILE: &str = "effect.json";

/// Originals of the train split that are looked at, about, and pictures held out from it: so many of each class, at least and at
/// most so many in all.
const OF_CLASS: u64 = 60;
const LOOKED_AT: [u64; 2] = [1000, 6000];
/// Copies of each that are looked at.
const COPIES: u32 = 4;
/// Samples in memory at a time, for each thread.
const BATCH: usize = 32;
/// A share of border in the copies that is worth a warning.
const MUCH_BORDER: f64 = 0.2;

/// What augmentation did, from a sample of the pictures that the ids alone decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Originals that were looked at.
    pub originals: u64,
    /// Copies of them.
    pub copies: u64,
    /// Share of the copies' pixels that lie beyond their original, where a border shows.
    pub border: f64,
    /// The values of each channel before and after.
    pub channels: Vec<Channel>,
    /// The power of fine and coarse structure before and after; `None` for pictures that are too small.
    pub spectrum: Option<Spectrum>,
    /// Copies that are no new pictures.
    pub twins: Twins,
    /// How far the copies moved from the originals; `None` where there are too few.
    pub drift: Option<Drift>,
    /// What is worth a warning.
    pub warnings: Vec<String>,
}

impl Effect {
    /// Writes it as JSON.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::failed(format!("cannot be written as JSON ({e}): {}", path.display())))?;
        std::fs::write(path, text + "\n").at(path)
    }

    /// Reads [`EFFECT_FILE`]; `None` where there is no such file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(path).at(path)?;
        let read = serde_json::from_str(&text);
        read.map(Some)
            .map_err(|e| Error::failed(format!("no record of an augmentation ({e}): {}", path.display())))
    }
}

/// A row of features; `None` where the picture's channels are not those of the space.
type Row = Option<Vec<f32>>;

/// What one original and its copies give.
struct Look {
    id: String,
    label: Option<u32>,
    split: Split,
    row: Row,
    hash: u128,
    levels: [Levels; 2],
    powers: [Powers; 2],
    copies: Vec<(u128, Row)>,
    border: [u64; 2],
}

/// Looks at what `augmenter` makes of `dataset`, with up to `copies` of each picture.
///
/// # Errors
/// When a sample cannot be read; the error names it.
pub(super) fn measure(ctx: &Ctx, augmenter: &Augmenter, dataset: &Dataset, copies: u32) -> Result<Effect> {
    let space = Space::of(dataset)?;
    let counts = &dataset.meta().counts;
    let all = [counts.train, dataset.len() - counts.train];
    let [least, most] = LOOKED_AT;
    let looked_at = (OF_CLASS * dataset.meta().classes.len() as u64).clamp(least, most);
    // By the ids alone, so that neither threads nor shards matter: of so many, those with the least hashes.
    let chosen = |sample: &Sample| {
        let all = all[usize::from(sample.split != Split::Train)];
        let share = looked_at as f64 / all.max(1) as f64;
        id_hash(sample.id.as_bytes()) as f64 <= share * u64::MAX as f64
    };
    let samples = dataset.samples().filter(|sample| sample.as_ref().map_or(true, &chosen));
    let mut looks = Looks::default();
    ctx.pool.stream(
        samples,
        BATCH * ctx.pool.threads(),
        |sample| look(ctx, augmenter, &space, sample, copies.min(COPIES)),
        |look| {
            looks.add(look);
            Ok(())
        },
    )?;
    // What copies are compared with are all pictures.
    ctx.pool.stream(
        dataset.samples(),
        BATCH * ctx.pool.threads(),
        |sample| Ok((sample.label, sample.split == Split::Train, hash(&sample.pixels()?))),
        |(label, train, hash)| {
            looks.twins.meet((label, train), hash);
            Ok(())
        },
    )?;
    let mut effect = looks.effect;
    effect.channels = levels::channels(&looks.levels);
    effect.spectrum = Spectrum::of(&looks.powers);
    effect.border = looks.border[0] as f64 / looks.border[1].max(1) as f64;
    effect.twins = looks.twins.counted();
    effect.drift = drift::measure(ctx, &space, &looks.drift, &dataset.meta().classes)?;
    effect.warnings = warnings(&effect);
    Ok(effect)
}

/// Sums of what was looked at.
#[derive(Default)]
struct Looks {
    effect: Effect,
    levels: [Levels; 2],
    powers: [Powers; 2],
    border: [u64; 2],
    twins: twins::Hashes,
    drift: drift::Rows,
}

impl Looks {
    fn add(&mut self, look: Look) {
        if look.split != Split::Train {
            self.drift.hold_out(look.label, look.row);
            return;
        }
        self.effect.originals += 1;
        self.effect.copies += look.copies.len() as u64;
        for (sums, new) in self.levels.iter_mut().zip(&look.levels) {
            sums.add(new);
        }
        for (sums, new) in self.powers.iter_mut().zip(&look.powers) {
            sums.add(new);
        }
        for (sum, new) in self.border.iter_mut().zip(look.border) {
            *sum += new;
        }
        let (hashes, rows): (Vec<u128>, Vec<Row>) = look.copies.into_iter().unzip();
        self.twins.add(look.label, look.hash, hashes);
        self.drift.add(&look.id, look.label, look.row, rows);
    }
}

/// Looks at one picture, and at its copies where it is one to learn from.
fn look(ctx: &Ctx, augmenter: &Augmenter, space: &Space, sample: Sample, copies: u32) -> Result<Look> {
    let pixels = sample.pixels()?;
    let row_of = |sample: &Sample, pixels: &Pixels| {
        space.takes(pixels.channels).then(|| space.row(ctx.level, sample)).transpose()
    };
    let row = row_of(&sample, &pixels)?;
    let mut look = Look {
        row,
        label: sample.label,
        split: sample.split,
        id: String::new(),
        hash: 0,
        levels: Default::default(),
        powers: Default::default(),
        copies: Vec::new(),
        border: [0; 2],
    };
    if sample.split != Split::Train {
        return Ok(look);
    }
    look.hash = hash(&pixels);
    look.levels[0].count(&pixels);
    look.powers[0].measure(&pixels);
    let mut scratch = ScratchBuf::new();
    let plan = augmenter.plan(&pixels).map_err(|e| e.within(&sample.id))?;
    let (height, width, _) = plan.out_shape();
    for n in 1..=copies {
        let made = augmenter.make(&mut scratch, &sample, &pixels, &[], n)?;
        let mut valid = vec![0; height * width];
        let mut arena = scratch.arena(plan.mask_scratch_len::<u8>(1));
        made.prepared.validity(ctx.level, ImageMut::new(&mut valid, height, width, 1)?, &mut arena)?;
        look.border[0] += valid.iter().filter(|&&v| v == 0).count() as u64;
        look.border[1] += valid.len() as u64;
        let (made, _) = augmenter.finish(&mut scratch, &sample, made.pixels, n)?;
        look.levels[1].count(&made);
        if n == 1 {
            look.powers[1].measure(&made);
        }
        let copy = Content::from_pixels(made.clone());
        let copy = Sample::new(String::new(), sample.label, sample.split, copy);
        look.copies.push((hash(&made), row_of(&copy, &made)?));
    }
    look.id = sample.id;
    Ok(look)
}

fn hash(pixels: &Pixels) -> u128 {
    content_hash(&[pixels.height, pixels.width, pixels.channels], &pixels.data)
}

/// What of it deserves a warning, in words.
fn warnings(effect: &Effect) -> Vec<String> {
    let mut warnings = Vec::new();
    let percent = |share: f64| (share * 100.0).round();
    if effect.border > MUCH_BORDER {
        warnings.push(format!(
            "{} % of the copies' pixels show a border, not the picture: smaller shifts and turns, or a crop after them",
            percent(effect.border)
        ));
    }
    warnings.extend(effect.twins.warning(effect.copies));
    warnings.extend(effect.drift.as_ref().and_then(Drift::warning));
    warnings
}

#[cfg(test)]
mod tests;
