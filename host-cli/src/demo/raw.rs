//! The raw folder that the demo's recipe starts from: pictures in folders by split and class, faults and all.

use super::faults::{self, Cut, Item, Kind, Plan};
use super::score::Planted;
use crate::codec::{Pixels, encode_png};
use crate::dataset::{self, Fractions, Split, assign_splits, id_from_bytes};
use crate::error::{Context, Error, Result};
use crate::formats::{self, Entry, ReadOptions, SetAside, Source};
use crate::purposes;
use crate::stages::Ctx;
use crate::stages::export::name::Names;
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
    /// Height and width, where all pictures agree.
    pub size: Option<[usize; 2]>,
    /// Whether some pictures are grey and some in colour.
    pub mixed: bool,
    /// What of the source cannot be used.
    pub left_out: Vec<SetAside>,
    /// The classes that were cut.
    pub cuts: Vec<Cut>,
    /// Train pictures as they are now.
    pub train: usize,
    items: Vec<Item>,
}

/// Reads the pictures at `source` and plants faults into those for training.
///
/// # Errors
/// When the source cannot be read or holds no labelled pictures; with `strict` also when a picture cannot be
/// decoded.
pub fn prepare(ctx: &Ctx, path: &Path) -> Result<Raw> {
    let mut source = formats::open(path, &ReadOptions::default())?;
    if source.kind() != dataset::Kind::Images || source.classes.is_empty() {
        return Err(Error::usage(format!("the demo needs pictures with classes: {}", path.display()))
            .hint("give --data a folder of pictures with one folder per class, or IDX files with labels"));
    }
    let mut left_out = std::mem::take(&mut source.set_aside);
    let mut items = items(ctx, &source, &mut left_out)?;
    left_out.sort();
    if let Some(first) = left_out.first().filter(|_| ctx.strict) {
        return Err(Error::failed(first.to_string())
            .hint("mend or remove it, or run without --strict to leave it out"));
    }
    for aside in &left_out {
        ctx.progress.warn(format!("left out: {aside}"));
    }
    if !items.iter().any(|i| i.split == Split::Val) {
        take_validation(&mut items, ctx.seed);
    }
    let train = items.iter().filter(|i| i.split == Split::Train).count();
    if train == 0 {
        return Err(Error::usage(format!(
            "the demo plants its faults in pictures to train on, and there are none: {}",
            path.display()
        ))
        .hint("give --data a folder with a train part: train-images-idx3-ubyte beside t10k files, or class folders"));
    }
    let plan = Plan::for_size(train, source.classes.len());
    let cuts = faults::plant(&mut items, source.classes.len(), &plan, ctx.seed);
    let train = items.iter().filter(|i| i.split == Split::Train).count();
    // Two classes must not come to share a folder.
    let mut names = Names::default();
    let classes = source.classes.iter().map(|class| names.give(class)).collect();
    let first = items.first().map(|i| i.pixels.shape());
    let all = |same: fn([usize; 3], [usize; 3]) -> bool| {
        first.filter(|first| items.iter().all(|i| same(*first, i.pixels.shape())))
    };
    let size = all(|a, b| a[..2] == b[..2]).map(|[height, width, _]| [height, width]);
    let mixed = all(|a, b| a[2] == b[2]).is_none();
    Ok(Raw { classes, size, mixed, left_out, cuts, train, items })
}

/// The labelled pictures of `source` with their splits; what cannot be decoded goes to `left_out`.
fn items(ctx: &Ctx, source: &Source, left_out: &mut Vec<SetAside>) -> Result<Vec<Item>> {
    let entries: Vec<&Entry> = source.entries.iter().filter(|e| e.label.is_some()).collect();
    let ids: Vec<_> = entries.iter().map(|e| (e.id.as_str(), e.label)).collect();
    let divided = assign_splits(&ids, ctx.seed, Fractions::new(VAL, TEST)?);
    let known = entries.iter().all(|e| e.split.is_some());
    let load = |e: &&Entry| -> Result<Pixels> {
        let content = source.loader.load(e.at)?;
        content.image.ok_or_else(|| Error::failed("no picture"))?.pixels()
    };
    let mut items = Vec::new();
    for ((entry, divided), loaded) in entries.iter().zip(divided).zip(ctx.pool.map(&entries, load)) {
        let split = if known { entry.split.unwrap_or(divided) } else { divided };
        match loaded {
            Ok(pixels) => {
                items.push(Item { split, class: entry.label.unwrap_or(0) as usize, pixels, fault: None });
            }
            Err(e) => left_out.push(SetAside::one(source.loader.place(entry.at), e.message)),
        }
    }
    Ok(items)
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
    Stream::new(ctx.seed, Key::new(purposes::FAULTS).op(1)).shuffle(&mut numbers);
    let paths: Vec<PathBuf> =
        raw.items.iter().zip(&numbers).map(|(item, n)| path_of(raw, item, *n)).collect();
    for class in &raw.classes {
        for split in Split::ALL {
            let folder = folder.join(split.name()).join(class);
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
    let class = &raw.classes[item.class];
    Path::new(item.split.name()).join(class).join(format!("{number:06}.png"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Pixels;

    fn picture(path: &Path, value: u8, channels: usize) {
        let pixels = Pixels::new(vec![value; 16 * channels], 4, 4, channels).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, encode_png(&pixels).unwrap()).unwrap();
    }

    /// Two classes whose names differ in one letter that file systems mind, 12 pictures each.
    fn source() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (c, class) in ["a.b", "a_b"].into_iter().enumerate() {
            for i in 0..12 {
                picture(&dir.path().join(class).join(format!("{i}.png")), (40 * c + i) as u8, 1);
            }
        }
        dir
    }

    #[test]
    fn classes_keep_folders_of_their_own() {
        let (dir, out) = (source(), tempfile::tempdir().unwrap());
        let raw = prepare(&Ctx::quiet(1), dir.path()).unwrap();
        assert_eq!((raw.classes.len(), raw.size, raw.mixed), (2, Some([4, 4]), false));
        write(&Ctx::quiet(1), &raw, out.path()).unwrap();
        assert_eq!(fs::read_dir(out.path().join("train")).unwrap().count(), 2);
    }

    #[test]
    fn what_cannot_be_used_is_left_out_and_named() {
        let dir = source();
        let whole = fs::read(dir.path().join("a.b/1.png")).unwrap();
        fs::write(dir.path().join("a.b/cut.png"), &whole[..whole.len() - 8]).unwrap();
        fs::write(dir.path().join("a.b/notes.txt"), "x").unwrap();
        let raw = prepare(&Ctx::quiet(1), dir.path()).unwrap();
        let names: Vec<&str> = raw.left_out.iter().map(|s| s.file.as_str()).collect();
        assert_eq!(names, ["a.b/cut.png", "a.b/notes.txt"]);
        let strict = prepare(&Ctx { strict: true, ..Ctx::quiet(1) }, dir.path());
        assert!(strict.err().unwrap().message.contains("a.b/cut.png"));
    }

    #[test]
    fn pictures_to_test_with_only_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let images = [&[0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 2][..], &[7; 36]].concat();
        fs::write(dir.path().join("t10k-images-idx3-ubyte"), images).unwrap();
        let labels = [&[0, 0, 8, 1, 0, 0, 0, 9][..], &[0, 1, 0, 1, 0, 1, 0, 1, 0]].concat();
        fs::write(dir.path().join("t10k-labels-idx1-ubyte"), labels).unwrap();
        let e = prepare(&Ctx::quiet(1), dir.path()).err().unwrap();
        assert!(e.exit_code() == 2 && e.message.contains("to train on"), "{e}");
    }

    #[test]
    fn grey_and_colour_are_seen() {
        let dir = source();
        picture(&dir.path().join("a.b/red.png"), 9, 3);
        let raw = prepare(&Ctx::quiet(1), dir.path()).unwrap();
        assert!(raw.mixed && raw.size == Some([4, 4]));
    }
}
