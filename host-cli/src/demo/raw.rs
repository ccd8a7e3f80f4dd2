//! The raw folder that the demo's recipe starts from: pictures in folders by split and class, faults and all.

use super::faults::{self, Cut, Item, Kind, Plan};
use super::score::Planted;
use crate::codec::encode_png;
use crate::dataset::{self, Fractions, Split, assign_splits, id_from_bytes};
use crate::error::{Context, Error, Result};
use crate::formats::{self, Loaded, ReadOptions};
use crate::stages::Ctx;
use seedbed::rng::{Key, Stream};
use std::fs;
use std::path::{Path, PathBuf};

/// Shares of a source that is not divided yet.
const VAL: f64 = 0.1;
const TEST: f64 = 0.2;

/// A dataset with its faults planted, before it is written.
pub struct Raw {
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Height, width and channels, where all pictures agree.
    pub shape: Option<[usize; 3]>,
    /// What was planted, by plan.
    pub plan: Plan,
    /// The classes that were cut.
    pub cuts: Vec<Cut>,
    /// Train pictures as they are now.
    pub train: usize,
    items: Vec<Item>,
}

/// Reads the pictures at `source` and plants faults into those for training.
///
/// # Errors
/// When the source cannot be read, holds no labelled pictures, or a picture cannot be decoded.
pub fn prepare(ctx: &Ctx, source: &Path) -> Result<Raw> {
    let options = ReadOptions { max_pixels: crate::codec::MAX_PIXELS, ..ReadOptions::default() };
    let source_data = formats::open(source, &options)?;
    if source_data.kind != dataset::Kind::Images || source_data.classes.is_empty() {
        return Err(Error::usage(format!("the demo needs pictures with classes: {}", source.display()))
            .hint("give --data a folder of pictures with one folder per class, or IDX files with labels"));
    }
    let entries: Vec<_> = source_data.entries.iter().filter(|e| e.label.is_some()).collect();
    let ids: Vec<_> = entries.iter().map(|e| (e.id.as_str(), e.label)).collect();
    let divided = assign_splits(&ids, ctx.seed, Fractions::new(VAL, TEST)?);
    let known = entries.iter().all(|e| e.split.is_some());
    let pixels = ctx.pool.try_map(&entries, |e| match source_data.loader.load(e.at)? {
        Loaded::Pixels(pixels) => Ok(Some(pixels)),
        Loaded::Row(_) => Ok(None),
    })?;
    let mut items: Vec<Item> = entries
        .iter()
        .zip(pixels)
        .zip(divided)
        .filter_map(|((entry, pixels), divided)| {
            let split = if known { entry.split.unwrap_or(divided) } else { divided };
            Some(Item { split, class: entry.label? as usize, pixels: pixels?, fault: None })
        })
        .collect();
    if !items.iter().any(|i| i.split == Split::Val) {
        take_validation(&mut items, ctx.seed);
    }
    let train = items.iter().filter(|i| i.split == Split::Train).count();
    let plan = Plan::for_size(train, source_data.classes.len());
    let cuts = faults::plant(&mut items, source_data.classes.len(), &plan, ctx.seed);
    let shape = items.first().map(|i| i.pixels.shape());
    let shape = shape.filter(|s| items.iter().all(|i| i.pixels.shape() == *s));
    let train = items.iter().filter(|i| i.split == Split::Train).count();
    Ok(Raw { classes: source_data.classes, shape, plan, cuts, train, items })
}

/// Where a source is divided into train and test only, a tenth of train becomes the validation part.
fn take_validation(items: &mut [Item], seed: u64) {
    let names: Vec<String> = (0..items.len()).map(|i| i.to_string()).collect();
    let keyed: Vec<_> =
        names.iter().zip(items.iter()).map(|(n, i)| (n.as_str(), Some(i.class as u32))).collect();
    let Ok(fractions) = Fractions::new(VAL, 0.0) else { return };
    for (item, split) in items.iter_mut().zip(assign_splits(&keyed, seed, fractions)) {
        if item.split == Split::Train {
            item.split = split;
        }
    }
}

/// Writes the pictures below `folder` and returns what was planted where.
///
/// File names are shuffled numbers, so that neither name nor order tells a planted picture.
///
/// # Errors
/// When something cannot be written.
pub fn write(ctx: &Ctx, raw: &Raw, folder: &Path) -> Result<Vec<Planted>> {
    let mut numbers: Vec<usize> = (0..raw.items.len()).collect();
    Stream::new(ctx.seed, Key::new(faults::PURPOSE).op(1)).shuffle(&mut numbers);
    let paths: Vec<PathBuf> =
        raw.items.iter().zip(&numbers).map(|(item, n)| path_of(raw, item, *n)).collect();
    for class in &raw.classes {
        for split in Split::ALL {
            let folder = folder.join(split.name()).join(folder_name(class));
            fs::create_dir_all(&folder).at(&folder)?;
        }
    }
    let jobs: Vec<usize> = (0..raw.items.len()).collect();
    ctx.pool.try_map(&jobs, |&i| {
        let item = &raw.items[i];
        let mut bytes = encode_png(&item.pixels)?;
        if item.fault.as_ref().is_some_and(|f| f.kind == Kind::Damaged) {
            bytes = faults::damage(bytes, numbers[i]);
        }
        let path = folder.join(&paths[i]);
        fs::write(&path, bytes).at(&path)
    })?;
    let id = |i: usize| id_from_bytes(paths[i].with_extension("").as_os_str().as_encoded_bytes());
    let planted = raw.items.iter().enumerate().filter_map(|(i, item)| {
        let fault = item.fault.as_ref()?;
        let of = match fault.kind {
            Kind::WrongLabel => fault.of.map(|class| raw.classes[class].clone()),
            _ => fault.of.map(id),
        };
        // A damaged file never becomes a sample; it is known by its name.
        let name = if fault.kind == Kind::Damaged { paths[i].display().to_string() } else { id(i) };
        Some(Planted { id: name, kind: fault.kind, of })
    });
    Ok(planted.collect())
}

fn path_of(raw: &Raw, item: &Item, number: usize) -> PathBuf {
    let class = folder_name(&raw.classes[item.class]);
    Path::new(item.split.name()).join(class).join(format!("{number:06}.png"))
}

/// A class as the name of a folder: what cannot stand in one becomes `_`.
fn folder_name(class: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || "-_ ".contains(c) { c } else { '_' };
    class.chars().map(safe).collect()
}
