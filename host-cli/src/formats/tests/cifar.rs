//! The binary files of CIFAR, and what is wrong with them.

use super::*;

/// A row of these labels; the planes hold their number, the first pixel `first`.
pub fn row_of(labels: &[u8], first: u8) -> Vec<u8> {
    let mut row = labels.to_vec();
    (0..3u8).for_each(|plane| row.extend([plane; 1024]));
    row[labels.len()] = first;
    row
}

#[test]
fn batches_are_pictures_in_planes() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    file("data_batch_1.bin", &[row_of(&[1], 9), row_of(&[0], 8)].concat());
    file("data_batch_10.bin", &row_of(&[0], 7));
    file("data_batch_2.bin.gz", &gzip(&row_of(&[1], 6)));
    file("test_batch.bin", &row_of(&[1], 0));
    file("readme.html", b"<p>");
    assert_eq!(detect(folder.path()).unwrap(), Format::Cifar);
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(
        listed(&source),
        [
            "data_batch_1.bin/00000000 1 train",
            "data_batch_1.bin/00000001 0 train",
            "data_batch_10.bin/00000000 0 train",
            "data_batch_2.bin.gz/00000000 1 train",
            "test_batch.bin/00000000 1 test"
        ]
    );
    // All levels are below 128 and stay as they are.
    let picture = load(&source, "data_batch_1.bin/00000001").image.unwrap().pixels().unwrap();
    assert_eq!((picture.shape(), &picture.data[..6]), ([32, 32, 3], &[8, 1, 2, 0, 1, 2][..]));
    file("batches.meta.txt", b"airplane\nautomobile\n\n");
    let source = open(&folder.path().join("test_batch.bin"), &options()).unwrap();
    assert_eq!(listed(&source), ["test/00000000 automobile test"]);
    assert_eq!(source.classes, ["airplane", "automobile"]);
    file("test_batch.bin", &row_of(&[2], 0));
    let source = open(&folder.path().join("test_batch.bin"), &options()).unwrap();
    assert_eq!(reasons(&source), ["label 2 is none of 2 classes: test_batch.bin, row 0"]);
}

#[test]
fn a_hundred_classes_have_superclasses() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    file("train.bin", &[row_of(&[1, 2], 9), row_of(&[0, 1], 8)].concat());
    file("test.bin", &row_of(&[1, 0], 0));
    file("fine_label_names.txt", b"apple\nbee\ncrab\n");
    file("coarse_label_names.txt", b"plants\nanimals\n");
    assert_eq!(detect(folder.path()).unwrap(), Format::Cifar);
    let labels = |label: Option<&str>| {
        let options = ReadOptions { label: label.map(str::to_owned), ..options() };
        listed(&open(folder.path(), &options).unwrap())
    };
    assert_eq!(
        labels(None),
        ["test/00000000 apple test", "train/00000000 crab train", "train/00000001 bee train"]
    );
    assert_eq!(labels(Some("coarse"))[2], "train/00000001 plants train");
    assert_eq!(labels(Some("none"))[2], "train/00000001 - train");
    let wrong = ReadOptions { label: Some("x".into()), ..options() };
    assert!(refusal(folder.path(), &wrong).starts_with("no labels `x`"));
}

#[test]
fn rows_that_are_cut_off_are_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data_batch_1.bin");
    let whole = [row_of(&[1], 9), row_of(&[0], 8)].concat();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    // Of another length it is told by no content.
    assert!(refusal(&path, &options()).starts_with("unknown format"));
    let forced = ReadOptions { format: Format::Cifar, ..options() };
    let source = open(&path, &forced).unwrap();
    assert_eq!(listed(&source), ["train/00000000 1 train"]);
    assert_eq!(
        reasons(&source),
        ["the file ends within row 1: nothing from here to the last of 2 samples: data_batch_1.bin, row 1"]
    );
    let zipped = gzip(&whole);
    fs::write(folder.path().join("train.bin.gz"), &zipped[..zipped.len() - 9]).unwrap();
    let forced_gz = open(&folder.path().join("train.bin.gz"), &forced);
    assert!(forced_gz.is_ok_and(|source| !source.set_aside.is_empty()));
    fs::write(&path, &whole[..99]).unwrap();
    assert!(refusal(&path, &forced).starts_with("99 bytes are less than a row"));
    let other = folder.path().join("rows");
    fs::write(&other, &whole[..99]).unwrap();
    assert!(refusal(&other, &forced).starts_with("99 bytes are no rows"));
    fs::write(&other, &whole).unwrap();
    assert_eq!(listed(&open(&other, &forced).unwrap()), ["00000000 1 -", "00000001 0 -"]);
}

#[test]
fn a_list_beside_rows_must_fit_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    file("train.bin", &[row_of(&[0, 2], 9), row_of(&[0, 1], 8)].concat());
    let line = |id: &str| {
        format!(
            "{{\"id\":\"{id}\",\"label\":\"bee\",\"split\":\"val\",\"weight\":2.0,\"origin\":null,\"x\":1}}\n"
        )
    };
    file("train-metadata.jsonl", format!("{}{{\"id\": 3}}\n", line("a")).as_bytes());
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(
        (listed(&source), source.columns.as_slice()),
        (vec!["a bee val".to_owned()], &["x".to_owned()][..])
    );
    assert_eq!(reasons(&source), ["no `split` in the line about it: train.bin, row 1"]);
    assert_eq!(load(&source, "a").row, [1.0]);
    file("train-metadata.jsonl", [line("a"), line("b"), line("c")].concat().as_bytes());
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!((source.entries.len(), source.set_aside[0].samples), (2, 1));
    file("train-metadata.jsonl", line("a").as_bytes());
    assert!(refusal(folder.path(), &options()).starts_with("1 lines for 2 samples"));
    file("train-metadata.jsonl", b"{\"file_name\": \"x.png\"}\n");
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(listed(&source), ["train/00000000 2 train", "train/00000001 1 train"]);
    assert!(source.remarks.warnings[0].starts_with("train-metadata.jsonl is no list"));
}
