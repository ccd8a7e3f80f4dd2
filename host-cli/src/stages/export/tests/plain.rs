//! Formats of plain arrays, files of columns, and what holds for every format.

use super::made::*;
use super::*;
use crate::dataset::{ImageShape, Storage};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use clap::ValueEnum;

const GREY: ImageShape = ImageShape { height: 2, width: 3, channels: 1 };
const RGB: ImageShape = ImageShape { channels: 3, ..GREY };
const CIFAR: ImageShape = ImageShape { height: 32, width: 32, channels: 3 };

#[test]
fn the_same_dataset_gives_the_same_bytes_on_any_number_of_threads() {
    let temp = tempfile::tempdir().unwrap();
    let [all, cifar] = ["all", "cifar"].map(|name| temp.path().join(name));
    all_kinds(&all);
    pictures_of(&cifar, CIFAR, Storage::Png, true);
    for format in ExportFormat::value_variants() {
        let array = matches!(
            format,
            ExportFormat::Npz | ExportFormat::Idx | ExportFormat::Cifar | ExportFormat::Cifar100
        );
        let options = ExportOptions { shard_samples: Some(3), ..with(*format) };
        let trees = [1, 3].map(|threads| {
            let out = temp.path().join(format!("{format:?}-{threads}"));
            let input = if array { &cifar } else { &all };
            assert_eq!(export(&options, input, &out, threads).unwrap().samples, 11);
            tree(&out)
        });
        assert!(trees[0] == trees[1], "{format:?}");
        assert!(trees[0].keys().all(|name| !name.ends_with(".part")));
        let info = &lines_of(&trees[0]["dataset_info.json"])["features"]["label"]["names"];
        assert_eq!(info, &serde_json::json!(classes()));
    }
}

fn lines_of(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn idx_files_are_those_of_mnist() {
    let temp = tempfile::tempdir().unwrap();
    let [grey, rgb] = ["grey", "rgb"].map(|name| temp.path().join(name));
    let samples = pictures_of(&grey, GREY, Storage::Raw, true);
    export(&with(ExportFormat::Idx), &grey, &temp.path().join("a"), 1).unwrap();
    let files = tree(&temp.path().join("a"));
    let names: Vec<&str> =
        files.keys().map(String::as_str).filter(|name| name.starts_with("train")).collect();
    assert_eq!(names, ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "train-metadata.jsonl"]);
    let train: Vec<&Sample> = samples.iter().filter(|s| s.split == Split::Train).collect();
    let mut want = b"\0\0\x08\x03\0\0\0\x06\0\0\0\x02\0\0\0\x03".to_vec();
    train.iter().for_each(|s| want.extend(s.pixels().unwrap().data));
    assert_eq!(files[names[0]], want);
    let mut want = b"\0\0\x08\x01\0\0\0\x06".to_vec();
    want.extend(train.iter().map(|s| s.label.unwrap() as u8));
    assert_eq!(files[names[1]], want);
    let ids: Vec<_> = lines(&files[names[2]]).iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, train.iter().map(|s| s.id.clone()).collect::<Vec<_>>());

    let samples = pictures_of(&rgb, RGB, Storage::Png, false);
    export(&with(ExportFormat::Idx), &rgb, &temp.path().join("b"), 2).unwrap();
    let files = tree(&temp.path().join("b"));
    assert!(
        files["test-images-idx4-ubyte"].starts_with(b"\0\0\x08\x04\0\0\0\x05\0\0\0\x02\0\0\0\x03\0\0\0\x03")
    );
    // Where a label is unknown, bytes do not tell them.
    let mut want = b"\0\0\x0c\x01\0\0\0\x05".to_vec();
    let test = samples.iter().filter(|s| s.split == Split::Test);
    test.for_each(|s| want.extend(s.label.map_or(-1, |l| l as i32).to_be_bytes()));
    assert_eq!(files["test-labels-idx1-int"], want);
}

#[test]
fn idx_holds_tables_as_floats() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    let samples = table(&input);
    export(&with(ExportFormat::Idx), &input, &out, 1).unwrap();
    let files = tree(&out);
    let mut want = b"\0\0\x0d\x02\0\0\0\x05\0\0\0\x02".to_vec();
    let test = samples.iter().filter(|s| s.split == Split::Test);
    test.for_each(|s| s.row().iter().for_each(|v| want.extend(v.to_be_bytes())));
    assert_eq!(files["test-features-idx2-float"], want);
    assert!(lines(&files["test-metadata.jsonl"])[0].get("x").is_none());
}

#[test]
fn cifar_rows_are_a_label_and_three_planes() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    let samples = pictures_of(&input, CIFAR, Storage::Png, true);
    export(&with(ExportFormat::Cifar), &input, &out, 2).unwrap();
    let files = tree(&out);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let lists = ["test-metadata.jsonl", "test_batch.bin", "train-metadata.jsonl"];
    assert_eq!(names, [&["batches.meta.txt", "data_batch_1.bin", "dataset_info.json"], &lists[..]].concat());
    assert_eq!(files["batches.meta.txt"], "c/d\né, \"x\"\nnever\n".as_bytes());
    let test: Vec<&Sample> = samples.iter().filter(|s| s.split == Split::Test).collect();
    let rows = &files["test_batch.bin"];
    assert_eq!(rows.len(), test.len() * 3073);
    for (row, sample) in rows.chunks(3073).zip(&test) {
        let pixels = sample.pixels().unwrap();
        assert_eq!(u32::from(row[0]), sample.label.unwrap());
        // Row 4, column 5 of the green plane.
        assert_eq!(row[1 + 1024 + 4 * 32 + 5], pixels.data[(4 * 32 + 5) * 3 + 1]);
        let sum = |values: &[u8]| values.iter().map(|v| u32::from(*v)).sum::<u32>();
        assert_eq!(sum(&row[1..]), sum(&pixels.data));
    }
    let hundred = temp.path().join("hundred");
    export(&with(ExportFormat::Cifar100), &input, &hundred, 2).unwrap();
    let again = tree(&hundred);
    assert_eq!(again["fine_label_names.txt"], files["batches.meta.txt"]);
    let rows = rows.chunks(3073).flat_map(|row| [&[0], row].concat());
    assert_eq!(again["test.bin"], rows.collect::<Vec<u8>>());
}

#[test]
fn what_an_array_cannot_hold_is_refused_before_anything_is_written() {
    let temp = tempfile::tempdir().unwrap();
    let made = |name: &str| temp.path().join(name);
    all_kinds(&made("all"));
    table(&made("table"));
    pictures_of(&made("grey"), GREY, Storage::Png, true);
    pictures_of(&made("unlabelled"), CIFAR, Storage::Png, false);
    let texts = samples(|i| Content::from_text(i.to_string()));
    save(&made("text"), Meta::new("t", Kind::Text, classes(), vec![]), &texts);
    let sizes = samples(|i| Content::from_pixels(picture(i, ImageShape { width: 1 + i as u32, ..GREY })));
    save(&made("sizes"), Meta::images("s", classes()), &sizes);
    for (format, input, message) in [
        (ExportFormat::Npz, "all", "sounds are no array"),
        (ExportFormat::Idx, "all", "sounds are no array"),
        (ExportFormat::Idx, "text", "texts are no array"),
        (ExportFormat::Idx, "sizes", "pictures of different sizes"),
        (ExportFormat::Cifar, "sizes", "pictures of different sizes"),
        (ExportFormat::Cifar, "grey", "pictures of 2 x 3 x 1, not for --format cifar"),
        (ExportFormat::Cifar, "unlabelled", "3 classes and 3 samples without one"),
        (ExportFormat::Cifar, "table", "rows, not for"),
        (ExportFormat::Folder, "table", "rows are no files"),
    ] {
        let out = made("out");
        let e = export(&with(format), &made(input), &out, 1).unwrap_err();
        assert!(e.message.starts_with(message) && e.exit_code() == 2, "{e}");
        assert!(e.message.ends_with(made(input).to_str().unwrap()) && !out.exists(), "{e}");
    }
    for options in [
        ExportOptions { shard_bytes: 0, ..ExportOptions::default() },
        ExportOptions { shard_samples: Some(0), ..ExportOptions::default() },
    ] {
        assert_eq!(options.check().unwrap_err().exit_code(), 2);
    }
}

#[test]
fn an_npz_holds_texts_and_features_too() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    let made = samples(|i| Content {
        text: Some(format!("é{i}")),
        row: vec![i as f32],
        ..Content::from_pixels(picture(i, GREY))
    });
    let kinds = [Kind::Images, Kind::Text, Kind::Table];
    save(&input, Meta::of_kinds("n", &kinds, classes(), vec!["x".into()]), &made);
    export(&with(ExportFormat::Npz), &input, &out, 2).unwrap();
    let mut zip = zip::ZipArchive::new(fs::File::open(out.join("dataset.npz")).unwrap()).unwrap();
    let mut array = |name: &str| {
        let mut bytes = Vec::new();
        zip.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
        npy::parse(bytes).unwrap()
    };
    assert_eq!(array("images").header().shape, [11, 2, 3, 1]);
    assert_eq!(array("features").header().shape, [11, 1]);
    assert_eq!(array("features").values(7).unwrap(), [7.0]);
    let mut text = |name: &str, i| array(name).label(i).unwrap().unwrap();
    assert_eq!((text("texts", 10), text("texts", 2)), ("é10".to_owned(), "é2".to_owned()));
    let at = made.iter().position(|s| s.origin.is_some()).unwrap();
    assert!(text("origins", at).contains("\"augment\""));
    assert_eq!(text("columns", 0), "x");
}

#[test]
fn arrow_and_parquet_have_the_columns_of_a_dataset_from_either_storage() {
    let temp = tempfile::tempdir().unwrap();
    let [png, raw] = ["png", "raw"].map(|name| temp.path().join(name));
    let samples = pictures_of(&png, RGB, Storage::Png, false);
    pictures_of(&raw, RGB, Storage::Raw, false);
    let mut batches: Vec<RecordBatch> = Vec::new();
    for input in [&png, &raw] {
        let out = input.join("out");
        export(&with(ExportFormat::Arrow), input, &out, 2).unwrap();
        export(&with(ExportFormat::Parquet), input, &out, 2).unwrap();
        let open = |name: &str| fs::File::open(out.join(name)).unwrap();
        let arrow = arrow_ipc::reader::FileReader::try_new(open("dataset.arrow"), None).unwrap();
        batches.extend(arrow.map(|batch| batch.unwrap()));
        let parquet =
            parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(open("dataset.parquet"));
        batches.extend(parquet.unwrap().build().unwrap().map(|batch| batch.unwrap()));
    }
    assert_eq!(batches.len(), 4);
    assert!(batches.iter().all(|batch| batch.columns() == batches[0].columns()));
    let ids: Vec<_> = batches[0]["id"].as_string::<i32>().iter().map(|id| id.unwrap().to_owned()).collect();
    assert_eq!(ids, samples.iter().map(|s| s.id.clone()).collect::<Vec<_>>());
    let pngs = batches[0]["image"].as_struct().column_by_name("bytes").unwrap();
    assert_eq!(decode(pngs.as_binary::<i32>().value(4)).unwrap(), samples[4].pixels().unwrap());
}
