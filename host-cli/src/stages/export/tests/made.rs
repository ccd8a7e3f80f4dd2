//! Datasets to export, and what was written of them.

use super::*;
use crate::codec::encode_png;
use crate::dataset::{ImageShape, Origin, Picture, Sound, Storage};
use crate::progress::Show;
use serde_json::json;

/// A short WAV file.
pub const WAV: &[u8] =
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\0\0\0\0";

/// Ids of all sorts, ascending.
pub fn ids() -> Vec<String> {
    let mut ids: Vec<String> =
        ["..", "../up", "/root", "A", "a", "a.b", "a.b!augment00001", "train/cat/1.png", "x%20y", "é/ü"]
            .map(String::from)
            .into();
    ids.push(format!("long/{}.tail", "n".repeat(300)));
    ids.sort();
    ids
}

/// The picture of sample `i`.
pub fn picture(i: usize, shape: ImageShape) -> Pixels {
    let [h, w, c] = [shape.height, shape.width, shape.channels].map(|n| n as usize);
    Pixels::new((0..h * w * c).map(|k| (k * 7 + i) as u8).collect(), h, w, c).unwrap()
}

fn origin(source: &str) -> Origin {
    let key = seedbed::rng::Key::new(1);
    Origin { source: source.into(), step: "augment".into(), params: json!({"p": 0.5}).into(), seed: 7, key }
}

/// Samples with these ids, in the splits train and test, every third without a label.
pub fn samples(content: impl Fn(usize) -> Content) -> Vec<Sample> {
    let sample = |(i, id): (usize, String)| Sample {
        label: (i % 3 != 2).then_some(i as u32 % 2),
        weight: if i % 4 == 1 { 0.1 } else { 1.0 },
        origin: id.contains('!').then(|| origin("a.b")),
        ..Sample::new(id, None, [Split::Train, Split::Test][i % 2], content(i))
    };
    ids().into_iter().enumerate().map(sample).collect()
}

pub fn classes() -> Vec<String> {
    vec!["c/d".into(), "é, \"x\"".into(), "never".into()]
}

pub fn save(folder: &Path, meta: Meta, samples: &[Sample]) -> Meta {
    let mut writer = DatasetWriter::create(folder, meta).unwrap().shard_rows(4);
    samples.iter().for_each(|s| writer.push(s.clone()).unwrap());
    writer.finish().unwrap()
}

/// A dataset of all modalities, in which only pictures are everywhere.
pub fn all_kinds(folder: &Path) -> (Meta, Vec<Sample>) {
    const SHAPE: ImageShape = ImageShape { height: 2, width: 3, channels: 3 };
    let content = |i: usize| Content {
        image: Some(Picture::png(encode_png(&picture(i, SHAPE)).unwrap(), None)),
        audio: (i != 1).then(|| Sound { bytes: WAV.to_vec(), path: Some("a.wav".into()) }),
        text: (i != 2).then(|| format!("line {i}\nand, \"more\" \u{1F331}")),
        row: vec![i as f32 / 3.0, if i == 3 { f32::NAN } else { -1e30 }],
    };
    let kinds = [Kind::Images, Kind::Audio, Kind::Text, Kind::Table];
    let meta = Meta::of_kinds("all", &kinds, classes(), vec!["x".into(), "y z".into()]);
    let samples = samples(content);
    (save(folder, meta, &samples), samples)
}

/// A dataset of pictures of one shape.
pub fn pictures_of(folder: &Path, shape: ImageShape, storage: Storage, labelled: bool) -> Vec<Sample> {
    let mut samples = samples(|i| Content::from_pixels(picture(i, shape)));
    for (i, sample) in samples.iter_mut().enumerate().filter(|_| labelled) {
        sample.label = Some(i as u32 % 2);
    }
    save(folder, Meta { storage, ..Meta::images("p", classes()) }, &samples);
    samples
}

pub fn table(folder: &Path) -> Vec<Sample> {
    let samples = samples(|i| Content::from_row(vec![i as f32 / 3.0, if i == 3 { f32::NAN } else { -1e30 }]));
    save(folder, Meta::table("t", classes(), vec!["x".into(), "y".into()]), &samples);
    samples
}

/// Exports on so many threads.
pub fn export(options: &ExportOptions, input: &Path, out: &Path, threads: usize) -> Result<Outcome> {
    options.run(&Ctx::new(0, threads, Show::Quiet.into(), false).unwrap(), input, out)
}

/// All files below a folder with their bytes.
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(folder, folder, &mut files);
    files
}

/// The lines of JSON in a file.
pub fn lines(bytes: &[u8]) -> Vec<serde_json::Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether a record says what a sample is, beside its files.
pub fn check_record(record: &serde_json::Value, meta: &Meta, sample: &Sample) {
    assert_eq!(record["id"], sample.id);
    assert_eq!(record["label"].as_str(), sample.label.map(|_| meta.class_name(sample.label)));
    assert_eq!(
        (&record["split"], record["weight"].as_f64().map(|w| w as f32)),
        (&json!(sample.split), Some(sample.weight))
    );
    assert_eq!(record["text"].as_str(), sample.content.text.as_deref());
    let origin = record["origin"].as_str().map(|text| serde_json::from_str(text).unwrap());
    assert_eq!(origin, sample.origin);
    for (name, value) in meta.columns.iter().zip(sample.row()) {
        match record[name].as_f64() {
            Some(read) => assert_eq!(read as f32, *value),
            None => assert!(value.is_nan() && record[name].is_null()),
        }
    }
}
