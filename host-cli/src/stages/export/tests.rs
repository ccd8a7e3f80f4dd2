//! What is exported can be read back, and names and options that are wrong do no harm.

mod made;
mod plain;
mod shards;

use super::*;
use crate::codec::{Pixels, decode};
use crate::dataset::{Content, DatasetWriter};
use crate::formats::{self, ReadOptions, npy};
use std::fs;
use std::io::Read;

fn pictures(folder: &Path, uniform: bool) -> Vec<Sample> {
    let ids = ["..", "../up", "A", "a", "train/cat/1", "x%20y"];
    let sample = |(i, id): (usize, &&str)| {
        let width = if uniform { 2 } else { 2 + i };
        let pixels = Pixels::new((0..2 * width).map(|k| (k * i) as u8).collect(), 2, width, 1).unwrap();
        let label = (i != 3).then_some(i as u32 % 2);
        Sample::new(*id, label, Split::ALL[i % 2], Content::from_pixels(pixels.clone()))
    };
    let samples: Vec<Sample> = ids.iter().enumerate().map(sample).collect();
    let mut writer =
        DatasetWriter::create(folder, Meta::images("p", vec!["c/d".into(), "é".into()])).unwrap();
    samples.iter().for_each(|s| writer.push(s.clone()).unwrap());
    writer.finish().unwrap();
    samples
}

fn run(options: &ExportOptions, input: &Path, out: &Path) -> Result<Outcome> {
    options.run(&Ctx::quiet(0), input, out)
}

fn with(format: ExportFormat) -> ExportOptions {
    ExportOptions { format: Some(format), ..ExportOptions::default() }
}

#[test]
fn a_folder_holds_every_picture_once_and_nothing_outside() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("a/b/out"));
    let samples = pictures(&input, false);
    assert_eq!(run(&with(ExportFormat::Folder), &input, &out).unwrap().samples, 6);
    let mut found = 0;
    for split in ["train", "val"] {
        let list = fs::read_to_string(out.join(split).join("metadata.jsonl")).unwrap();
        for line in list.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let sample = samples.iter().find(|s| s.id == line["id"]).unwrap();
            let bytes = fs::read(out.join(split).join(line["file_name"].as_str().unwrap())).unwrap();
            assert_eq!(decode(&bytes).unwrap(), sample.pixels().unwrap());
            assert_eq!((sample.split.name(), sample.label.is_none()), (split, line["label"].is_null()));
            found += 1;
        }
    }
    assert_eq!(found, 6);
    assert!(out.join("train/c__d/_.png").exists(), "the id `..` is no way up");
    assert_eq!(fs::read_dir(temp.path().join("a/b")).unwrap().count(), 1);
    // What was exported can be collected again.
    let options = ReadOptions { max_pixels: 100, ..ReadOptions::default() };
    let source = formats::open(&out, &options).unwrap();
    assert_eq!(source.entries.len(), 6);
    assert!(source.set_aside.iter().all(|aside| !aside.file.ends_with(".png")));
}

#[test]
fn only_samples_without_a_class_have_a_folder_of_their_own_and_only_what_is_exported_counts() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    let meta = Meta::images("p", vec!["a".into(), "b".into()]);
    let mut writer = DatasetWriter::create(&input, meta).unwrap();
    let pixels = Pixels::new(vec![1, 2, 3, 4], 2, 2, 1).unwrap();
    for (id, label, split) in [("1", 0, Split::Train), ("2", 1, Split::Train), ("3", 0, Split::Test)] {
        writer.push(Sample::new(id, Some(label), split, Content::from_pixels(pixels.clone()))).unwrap();
    }
    writer.finish().unwrap();
    let options = ExportOptions { splits: vec!["train".into()], ..ExportOptions::default() };
    let outcome = run(&options, &input, &out).unwrap();
    assert_eq!(outcome.figures["splits"], serde_json::json!({"train": 2, "val": 0, "test": 0}));
    assert!(!out.join("train/unlabelled").exists() && out.join("train/b/2.png").exists());
}

#[test]
fn an_npz_holds_plain_arrays() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    let samples = pictures(&input, true);
    run(&with(ExportFormat::Npz), &input, &out).unwrap();
    let mut zip = zip::ZipArchive::new(fs::File::open(out.join("dataset.npz")).unwrap()).unwrap();
    let mut bytes = |name: &str| {
        let mut bytes = Vec::new();
        zip.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let images = npy::parse(bytes("images")).unwrap();
    assert_eq!(images.header().shape, [6, 2, 2, 1]);
    assert_eq!(*images.sample_bytes(2).unwrap(), samples[2].pixels().unwrap().data);
    let labels = npy::parse(bytes("labels")).unwrap();
    assert_eq!(
        (0..6).map(|i| labels.values(i).unwrap()[0]).collect::<Vec<_>>(),
        [0.0, 1.0, 0.0, -1.0, 0.0, 1.0]
    );
    let ids = npy::parse(bytes("ids")).unwrap();
    assert_eq!(ids.label(4).unwrap().as_deref(), Some("train/cat/1"));
    assert_eq!(npy::parse(bytes("classes")).unwrap().label(1).unwrap().as_deref(), Some("é"));
    assert_eq!(npy::parse(bytes("weights")).unwrap().values(5).unwrap()[0], 1.0);
    assert_eq!(npy::parse(bytes("splits")).unwrap().label(1).unwrap().as_deref(), Some("val"));
    // And the pictures can be collected again from the array.
    let array = out.join("images.npy");
    fs::write(&array, bytes("images")).unwrap();
    let options = ReadOptions { max_pixels: 100, ..ReadOptions::default() };
    let source = formats::open(&array, &options).unwrap();
    assert!(source.loader.load(2).unwrap() == samples[2].content);
}

#[test]
fn tables_go_to_npz_and_parquet() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    let meta = Meta::table("t", vec!["k".into()], vec!["x".into(), "y".into()]);
    let mut writer = DatasetWriter::create(&input, meta).unwrap();
    for i in 0..5 {
        let row = Content::from_row(vec![i as f32, f32::NAN]);
        writer.push(Sample::new(i.to_string(), Some(0), Split::ALL[i % 3], row)).unwrap();
    }
    writer.finish().unwrap();
    run(&with(ExportFormat::Npz), &input, &out).unwrap();
    let test = ExportOptions { splits: vec!["test".into()], ..with(ExportFormat::Parquet) };
    assert_eq!(run(&test, &input, &out).unwrap().samples, 1);
    let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["README.md", "dataset.npz", "dataset.parquet", "dataset_info.json"]);
    let e = run(&with(ExportFormat::Folder), &input, &out).unwrap_err();
    assert!(e.message.starts_with("rows are no files"), "{e}");
    let by_kind =
        |input: &Path| run(&ExportOptions::default(), input, &out).unwrap().figures["format"].clone();
    assert_eq!(by_kind(&input), "parquet");
    let shown = temp.path().join("pictures");
    pictures(&shown, true);
    assert_eq!(by_kind(&shown), "folder");
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    pictures(&input, false);
    let e = run(&with(ExportFormat::Npz), &input, &out).unwrap_err();
    assert!(e.message.starts_with("pictures of different sizes") && e.hint.is_some(), "{e}");
    let splits = |names: &[&str]| {
        let splits = names.iter().map(|n| n.to_string()).collect();
        run(&ExportOptions { splits, ..ExportOptions::default() }, &input, &out).unwrap_err()
    };
    assert_eq!(splits(&["trian"]).exit_code(), 2);
    assert_eq!(splits(&[]).exit_code(), 2);
    assert!(splits(&["test"]).message.starts_with("no sample in test"));
    let e = run(&ExportOptions::default(), &input, &input.join("dataset.json")).unwrap_err();
    assert!(e.message.contains("dataset.json"), "{e}");
}

#[test]
fn npy_headers_are_those_of_numpy() {
    // numpy.save of zeros((2, 3), '<f4'), up to its elements.
    let bytes = npy::header("<f4", &[2, 3]);
    assert_eq!(bytes.len(), 128);
    assert!(
        bytes
            .starts_with(b"\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   ")
    );
    assert!(npy::header("|u1", &[7]).windows(5).any(|w| w == b"(7,),"));
}
