//! The pictures of the search: what is learnt from, and what the result is judged by.

use super::By;
use crate::codec::Pixels;
use crate::dataset::{Dataset, ImageShape, Sample, Split};
use crate::error::{Error, Result};
use crate::features::{Space, TILE};
use crate::purposes;
use crate::stages::Ctx;
use seedbed::rng::{Key, Stream, id_hash};
use std::collections::{BTreeMap, HashSet};

/// Samples that the result is judged by at most.
const MOST_JUDGES: usize = 10_000;
/// Fewer samples of the val split judge nothing: a part of train is held out in their place.
const FEWEST_JUDGES: usize = 20;
/// Different pictures that a class of the train split needs.
pub const FEWEST_OF_CLASS: usize = 4;
/// Different pictures that the train split needs where labels do not count.
const FEWEST: usize = 16;
/// One picture in so many is held out where no val split judges.
const HELD_OUT: u32 = 4;
/// Samples that are decoded at a time, for each thread.
const BATCH: usize = 128;
/// The stream of the choice of samples; see [`super::candidates::DRAW`].
const CHOOSE: u32 = 1;

/// Pictures of one shape in the order in which they were drawn.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    /// (height, width, channels).
    pub shape: (usize, usize, usize),
    /// The pixels of one after the other.
    pub bytes: Vec<u8>,
    /// The class of each; 0 where labels do not count.
    pub labels: Vec<u32>,
    /// The number of each, from its id.
    pub keys: Vec<u64>,
    /// How many of its class come before each.
    pub ranks: Vec<u32>,
    /// How many there are of each class.
    pub counts: Vec<u32>,
}

impl Pictures {
    /// Bytes of a picture.
    pub const fn width(&self) -> usize {
        self.shape.0 * self.shape.1 * self.shape.2
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The pixels of picture `i`.
    pub fn pixels(&self, i: u32) -> &[u8] {
        &self.bytes[i as usize * self.width()..][..self.width()]
    }

    /// The places of all.
    pub fn all(&self) -> Vec<u32> {
        (0..self.len() as u32).collect()
    }

    fn like(&self) -> Self {
        Self { shape: self.shape, ..Self::default() }
    }

    fn push(&mut self, pixels: &[u8], label: u32, key: u64) {
        let class = label as usize;
        self.counts.resize(self.counts.len().max(class + 1), 0);
        self.ranks.push(self.counts[class]);
        self.counts[class] += 1;
        self.bytes.extend_from_slice(pixels);
        self.labels.push(label);
        self.keys.push(key);
    }

    /// Those that `wanted` holds for.
    fn those(&self, wanted: impl Fn(u32) -> bool) -> Self {
        let mut some = self.like();
        for i in self.all().into_iter().filter(|&i| wanted(i)) {
            some.push(self.pixels(i), self.labels[i as usize], self.keys[i as usize]);
        }
        some
    }
}

/// All that the search works on.
#[derive(Clone, Debug)]
pub struct Material {
    /// What candidates are scored by.
    pub by: By,
    /// Searched in, and learnt from in the end.
    pub train: Pictures,
    /// Judges the result.
    pub judges: Pictures,
    /// Whether these are of the val split, rather than held out from train.
    pub of_val: bool,
    /// Classes.
    pub classes: usize,
    /// Whether all pictures have colours.
    pub colour: bool,
    /// Whether they are at their own size.
    pub own_size: bool,
    /// Pictures that another one equals.
    pub duplicates: usize,
    /// The names of classes with too few pictures.
    pub left_out: Vec<String>,
}

/// A sample that may take part.
struct Listed {
    draw: u64,
    place: usize,
    split: Split,
    label: Option<u32>,
    original: bool,
}

/// Reads at most `limit` originals of the train split, and judges of the val split. Test is not touched.
///
/// # Errors
/// When the dataset has no pictures to learn from, too few, or no classes where `by` asks for them.
pub fn read(ctx: &Ctx, dataset: &Dataset, by: By, limit: usize) -> Result<Material> {
    let mut listed = list(ctx, dataset)?;
    let by = decide(dataset, by, &listed)?;
    listed.retain(|sample| by == By::Density || sample.label.is_some());
    let (shape, own_size) = small_shape(dataset);
    let chosen = choose(listed, limit);
    let (mut drawn, colour) = decode(ctx, dataset, &chosen, shape)?;
    let colour = colour && shape.channels == 3;
    // In the order of the draws, whatever that of the dataset is.
    drawn.sort_by_key(|one| (one.draw, one.key));
    let empty = Pictures {
        shape: (shape.height as usize, shape.width as usize, shape.channels as usize),
        ..Pictures::default()
    };
    let (train, val, duplicates) = distinct(&drawn, &empty, by);
    let (train, classes, left_out) = enough(dataset, train, by)?;
    let of_class = |label| classes.iter().position(|&class| class == label);
    let mut judges = empty.like();
    for i in val.all() {
        if let Some(label) = of_class(val.labels[i as usize]) {
            judges.push(val.pixels(i), label as u32, val.keys[i as usize]);
        }
    }
    let of_val = judges.len() >= FEWEST_JUDGES;
    let (train, judges) = if of_val { (train, judges) } else { hold_out(&train) };
    let classes = classes.len();
    Ok(Material { by, train, judges, of_val, classes, colour, own_size, duplicates, left_out })
}

/// The pictures without a part of each class, and that part.
fn hold_out(all: &Pictures) -> (Pictures, Pictures) {
    let held = |i: u32| all.ranks[i as usize] % HELD_OUT == HELD_OUT - 1;
    (all.those(|i| !held(i)), all.those(held))
}

/// The samples of train and val, with a draw each.
fn list(ctx: &Ctx, dataset: &Dataset) -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    for (place, sample) in dataset.samples().enumerate() {
        let Sample { id, label, split, origin, .. } = sample?;
        if split != Split::Test {
            let key = Key::new(purposes::SEARCH).op(CHOOSE).sample(id_hash(id.as_bytes()));
            let draw = Stream::new(ctx.seed, key).next_u64();
            all.push(Listed { draw, place, split, label, original: origin.is_none() });
        }
    }
    // Copies would be on both sides. Where all samples were made, as of a generated dataset, they are the real ones.
    if all.iter().any(|sample| sample.split == Split::Train && sample.original) {
        all.retain(|sample| sample.original);
    }
    Ok(all)
}

/// What `by` comes to.
fn decide(dataset: &Dataset, by: By, listed: &[Listed]) -> Result<By> {
    let mut classes: BTreeMap<u32, usize> = BTreeMap::new();
    let train = listed.iter().filter(|sample| sample.split == Split::Train);
    train.filter_map(|sample| sample.label).for_each(|label| *classes.entry(label).or_default() += 1);
    match by {
        By::Density => Ok(By::Density),
        By::Auto | By::Accuracy if classes.len() >= 2 => Ok(By::Accuracy),
        By::Auto => Ok(By::Density),
        By::Accuracy => {
            let what = match classes.len() {
                0 => "no picture of the split `train` has a label",
                _ => "all labelled pictures of the split `train` are of one class",
            };
            Err(Error::usage(format!(
                "{what}, so there is no accuracy: --by accuracy, {}",
                dataset.folder().display()
            ))
            .hint("use --by density, or collect the pictures with the labels of two classes or more"))
        }
    }
}

/// The shape at which pictures are tried, and whether that is their own.
fn small_shape(dataset: &Dataset) -> (ImageShape, bool) {
    let tile = ImageShape { height: TILE, width: TILE, channels: 3 };
    let Some(own) = dataset.meta().image else { return (tile, false) };
    let longest = own.height.max(own.width);
    if longest <= TILE {
        return (own, true);
    }
    let side =
        |n: u32| ((u64::from(n) * u64::from(TILE) + u64::from(longest) / 2) / u64::from(longest)).max(1);
    (ImageShape { height: side(own.height) as u32, width: side(own.width) as u32, ..own }, false)
}

/// Of each split those of the lowest draws.
fn choose(mut listed: Vec<Listed>, limit: usize) -> BTreeMap<usize, u64> {
    listed.sort_by_key(|sample| (sample.draw, sample.place));
    let of = |split: Split, most: usize| {
        listed.iter().filter(move |sample| sample.split == split).take(most).map(|s| (s.place, s.draw))
    };
    of(Split::Train, limit).chain(of(Split::Val, MOST_JUDGES)).collect()
}

/// A picture that was drawn.
struct Drawn {
    draw: u64,
    key: u64,
    split: Split,
    label: u32,
    bytes: Vec<u8>,
}

/// The chosen pictures at one shape, and whether all have colours.
fn decode(
    ctx: &Ctx,
    dataset: &Dataset,
    chosen: &BTreeMap<usize, u64>,
    shape: ImageShape,
) -> Result<(Vec<Drawn>, bool)> {
    let space = Space::Pixels(shape);
    let task = ctx.progress.start("pictures", Some(chosen.len() as u64));
    let mut drawn = Vec::with_capacity(chosen.len());
    let mut colour = true;
    let wanted = dataset.samples().enumerate().filter_map(|(place, sample)| match sample {
        Ok(sample) => chosen.get(&place).map(|&draw| Ok((draw, sample))),
        Err(e) => Some(Err(e)),
    });
    ctx.pool.stream(
        wanted,
        BATCH * ctx.pool.threads(),
        |(draw, sample): (u64, Sample)| {
            let pixels: Pixels = sample.pixels()?;
            let bytes = space.fit(ctx.level, &pixels).map_err(|e| e.within(&sample.id))?;
            Ok((draw, sample, bytes, pixels.channels))
        },
        |(draw, sample, bytes, channels)| {
            task.inc(1);
            colour &= channels == 3;
            let key = id_hash(sample.id.as_bytes());
            drawn.push(Drawn { draw, key, split: sample.split, label: sample.label.unwrap_or(0), bytes });
            Ok(())
        },
    )?;
    Ok((drawn, colour))
}

/// The pictures of train and val that equal none before them, those of train first, and how many do.
fn distinct(drawn: &[Drawn], empty: &Pictures, by: By) -> (Pictures, Pictures, usize) {
    let (mut train, mut val) = (empty.like(), empty.like());
    let mut seen = HashSet::new();
    for split in [Split::Train, Split::Val] {
        let to = if split == Split::Train { &mut train } else { &mut val };
        for one in drawn.iter().filter(|one| one.split == split) {
            if seen.insert(&one.bytes) {
                to.push(&one.bytes, if by == By::Accuracy { one.label } else { 0 }, one.key);
            }
        }
    }
    let duplicates = drawn.len() - train.len() - val.len();
    (train, val, duplicates)
}

/// The pictures of classes that have enough, numbered without holes, with the labels of these and the names of the others.
fn enough(dataset: &Dataset, train: Pictures, by: By) -> Result<(Pictures, Vec<u32>, Vec<String>)> {
    let counts = train.counts.clone();
    let few = || {
        let (fewest, what) = match by {
            By::Density => (FEWEST, "different pictures"),
            _ => (FEWEST_OF_CLASS, "different pictures in each of two classes at least"),
        };
        Error::failed(format!(
            "too few samples in the split `train` ({} different pictures, {} in the largest class): {}",
            train.len(),
            counts.iter().max().unwrap_or(&0),
            dataset.folder().display()
        ))
        .hint(format!("search needs {fewest} {what}; collect more, or raise --limit"))
    };
    if by == By::Density {
        return if train.len() < FEWEST { Err(few()) } else { Ok((train, vec![0], Vec::new())) };
    }
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for (label, &count) in (0u32..).zip(&counts) {
        match count as usize {
            0 => {}
            n if n < FEWEST_OF_CLASS => left_out.push(dataset.meta().class_name(Some(label)).to_owned()),
            _ => kept.push(label),
        }
    }
    if kept.len() < 2 {
        return Err(few());
    }
    let mut some = train.like();
    for i in train.all() {
        if let Some(label) = kept.iter().position(|&class| class == train.labels[i as usize]) {
            some.push(train.pixels(i), label as u32, train.keys[i as usize]);
        }
    }
    Ok((some, kept, left_out))
}
