//! What is exported comes back as it was, from every format and through every pair of formats.

use ExportFormat::{Cifar, Cifar100, Folder, Idx, Npz};
use clap::ValueEnum;
use seedbed_cli::codec::Pixels;
use seedbed_cli::dataset::{
    Content, Dataset, DatasetWriter, Feature, Kind, Meta, Normalize, Origin, Sample, Sound, Split, Storage,
};
use seedbed_cli::formats::Missing;
use seedbed_cli::stages::collect::CollectOptions;
use seedbed_cli::stages::export::{ExportFormat, ExportOptions};
use seedbed_cli::{Ctx, Error, Stage};
use std::path::{Path, PathBuf};

/// A kind of dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// Grey pictures of few levels, all labelled.
    Grey,
    /// Colour pictures, some without a label.
    Rgb,
    /// Pictures without classes.
    Unlabelled,
    /// Colour pictures of 32 × 32, all labelled by numbers, all originals.
    Small,
    /// The same with a text and numbers beside each.
    Told,
    /// Pictures of different sizes.
    Sizes,
    /// Numbers and a category, scaled.
    Table,
    /// Rows that lack values.
    Gaps,
    /// One number.
    Column,
    Texts,
    Sounds,
    /// Pictures, sounds, texts and numbers.
    All,
    /// Pictures stored as pixels.
    Raw,
}

const SETS: [Set; 13] = [
    Set::Grey,
    Set::Rgb,
    Set::Unlabelled,
    Set::Small,
    Set::Told,
    Set::Sizes,
    Set::Table,
    Set::Gaps,
    Set::Column,
    Set::Texts,
    Set::Sounds,
    Set::All,
    Set::Raw,
];

/// What formats cannot hold, and how export says so; the others hold every set.
const CANNOT: [(&[ExportFormat], &[Set], &str); 6] = [
    (&[Folder], &[Set::Table, Set::Gaps, Set::Column], "rows are no files of their own"),
    (&[Folder], &[Set::Texts], "texts are no files of their own"),
    (&[Idx], &[Set::Texts], "texts are no array"),
    (&[Npz, Idx], &[Set::Sounds, Set::All], "sounds are no array"),
    (&[Npz, Idx], &[Set::Sizes], "pictures of different sizes are no array"),
    (&[Cifar, Cifar100], &NOT_SMALL, "not for --format cifar"),
];

/// What is no labelled pictures of 32 × 32 without sounds.
const NOT_SMALL: [Set; 11] = [
    Set::Grey,
    Set::Rgb,
    Set::Unlabelled,
    Set::Sizes,
    Set::Table,
    Set::Gaps,
    Set::Column,
    Set::Texts,
    Set::Sounds,
    Set::All,
    Set::Raw,
];

/// How a format refuses a set; `None` where it holds it.
fn refusal(format: ExportFormat, set: Set) -> Option<&'static str> {
    let found = CANNOT.iter().find(|(formats, sets, _)| formats.contains(&format) && sets.contains(&set));
    found.map(|(_, _, message)| *message)
}

fn meta(set: Set) -> Meta {
    let kinds: &[Kind] = match set {
        Set::Told => &[Kind::Images, Kind::Text, Kind::Table],
        Set::Table | Set::Gaps | Set::Column => &[Kind::Table],
        Set::Texts => &[Kind::Text],
        Set::Sounds => &[Kind::Audio, Kind::Text],
        Set::All => &[Kind::Images, Kind::Audio, Kind::Text, Kind::Table],
        _ => &[Kind::Images],
    };
    // Classes and columns in no alphabetical order, and a class that no sample has.
    let classes: &[&str] = match set {
        Set::Unlabelled => &[],
        Set::Small => &["9", "10", "3"],
        _ => &["old", "new", "älter", "none yet"],
    };
    let columns: &[&str] = match set {
        Set::Column => &["z size"],
        Set::Table | Set::Gaps | Set::Told | Set::All => &["z size", "c=b", "c=a"],
        _ => &[],
    };
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut meta = Meta::of_kinds("all", kinds, texts(classes), texts(columns));
    if set == Set::Table {
        meta.normalize = Some(Normalize { mean: vec![0.1, 0.0, 0.0], std: vec![3.5, 1.0, 1.0] });
        let group =
            |group: Option<&str>| Feature { group: group.map(str::to_owned), whole: false, range: None };
        meta.features = vec![group(None), group(Some("c")), group(Some("c"))];
    }
    meta.storage = if set == Set::Raw { Storage::Raw } else { Storage::Png };
    meta
}

fn picture(set: Set, i: u8) -> Pixels {
    let (height, width, channels, most) = match set {
        Set::Grey => (2, 3, 1, 1),
        Set::Small | Set::Told => (32, 32, 3, 255),
        Set::Sizes => (1 + usize::from(i), 2, 3, 255),
        _ => (2, 2, 3, 255),
    };
    let level = |k: usize| (k as u8).wrapping_mul(i).min(most);
    Pixels::new((0..height * width * channels).map(level).collect(), height, width, channels).unwrap()
}

fn sample(set: Set, meta: &Meta, i: u8) -> Sample {
    let image = Content::from_pixels(picture(set, i)).image.filter(|_| meta.has(Kind::Images));
    let sound = || Sound { bytes: [b"RIFF\x05\0\0\0WAVE".as_slice(), &[i]].concat(), path: None };
    let has_text = meta.has(Kind::Text) && (meta.kind == Kind::Text || i % 6 != 1);
    let number = if set == Set::Gaps && i % 4 == 1 { f32::NAN } else { -1e-7 / f32::from(i + 1) };
    let mut row = vec![number, f32::from(i % 2), f32::from(1 - i % 2)];
    row.truncate(meta.columns.len());
    let content = Content {
        image,
        audio: meta.has(Kind::Audio).then(sound),
        text: has_text.then(|| format!("line \"{i}\",\nand 🌱")),
        row,
    };
    let derived = i.is_multiple_of(4) && !matches!(set, Set::Small | Set::Gaps | Set::Sounds);
    let id = if derived { format!("a/b.c%20{i:02}!augment00003") } else { format!("{i:02}") };
    let some = !matches!(set, Set::Rgb | Set::Table | Set::All) || !i.is_multiple_of(5);
    let label = (some && !meta.classes.is_empty()).then_some(u32::from(i) % 3);
    let origin = derived.then(|| Origin {
        source: "a".into(),
        step: "augment".into(),
        params: serde_json::json!({"angle": 0.25, "ops": ["x", null]}).into(),
        seed: 7,
        key: seedbed::rng::Key::new(2).sample(9),
    });
    // Some sets have samples for training alone.
    let split =
        if set == Set::Column || set == Set::Rgb { Split::Train } else { Split::ALL[usize::from(i) % 3] };
    let sample = Sample::new(id, label, split, content);
    Sample { weight: 1.0 + 0.3 * f32::from(i % 2), origin, ..sample }
}

/// Writes a set below `folder`.
fn write(set: Set, folder: &Path) -> PathBuf {
    let path = folder.join(format!("{set:?}"));
    let meta = meta(set);
    let mut samples: Vec<Sample> = (0..24u8).map(|i| sample(set, &meta, i)).collect();
    samples.sort_by(|a, b| a.id.cmp(&b.id));
    let mut writer = DatasetWriter::create(&path, meta).unwrap();
    samples.into_iter().for_each(|s| writer.push(s).unwrap());
    writer.finish().unwrap();
    path
}

fn export(dataset: &Path, format: ExportFormat, out: &Path) -> Result<(), Error> {
    ExportOptions { format: Some(format), ..ExportOptions::default() }
        .run(&Ctx::quiet(3), dataset, out)
        .map(drop)
}

fn collect(input: &Path, storage: Storage, out: &Path) {
    let options = CollectOptions { missing: Missing::Keep, storage, ..CollectOptions::default() };
    let outcome = options.run(&Ctx::quiet(3), input, out).unwrap();
    assert_eq!((outcome.samples, outcome.set_aside), (24, 0), "{}", input.display());
}

/// The dataset that comes back is the one that went out.
fn same(a: &Path, b: &Path, what: &str) {
    let (a, b) = (Dataset::open(a).unwrap(), Dataset::open(b).unwrap());
    if a.meta().content_hash != b.meta().content_hash {
        a.samples().zip(b.samples()).for_each(|(a, b)| assert_eq!(a.unwrap(), b.unwrap(), "{what}"));
        panic!("{what}: {:?} and {:?}", a.meta(), b.meta());
    }
    let groups = |d: &Dataset| d.meta().features.iter().map(|f| f.group.clone()).collect::<Vec<_>>();
    if !a.meta().features.is_empty() {
        assert_eq!(groups(&a), groups(&b), "{what}");
    }
}

#[test]
fn every_format_and_every_pair_of_formats_gives_back_what_it_holds() {
    let work = tempfile::tempdir().unwrap();
    for set in SETS {
        let dataset = write(set, work.path());
        let storage = Dataset::open(&dataset).unwrap().meta().storage;
        let formats: Vec<ExportFormat> =
            ExportFormat::value_variants().iter().copied().filter(|f| refusal(*f, set).is_none()).collect();
        for &first in &formats {
            let (out, back) = (dataset.join(format!("{first:?}")), dataset.join(format!("{first:?}-back")));
            export(&dataset, first, &out).unwrap();
            collect(&out, storage, &back);
            same(&dataset, &back, &format!("{set:?} {first:?}"));
            for &second in &formats {
                let (out, again) = (back.join(format!("{second:?}")), back.join(format!("{second:?}-again")));
                export(&back, second, &out).unwrap();
                collect(&out, storage, &again);
                same(&dataset, &again, &format!("{set:?} {first:?} {second:?}"));
            }
        }
    }
}

#[test]
fn what_a_format_cannot_hold_is_refused_by_name() {
    let work = tempfile::tempdir().unwrap();
    for set in SETS {
        let dataset = write(set, work.path());
        for &format in ExportFormat::value_variants() {
            let out = dataset.join(format!("{format:?}"));
            match (refusal(format, set), export(&dataset, format, &out)) {
                (None, Ok(())) => {}
                (Some(message), Err(e)) => {
                    assert!(e.message.contains(message) && e.exit_code() == 2, "{set:?} {format:?}: {e}");
                    assert!(!out.exists(), "{set:?} {format:?}");
                }
                (_, result) => panic!("{set:?} {format:?}: {result:?}"),
            }
        }
    }
}
