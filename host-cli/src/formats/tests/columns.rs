//! Parquet and Arrow files: what columns hold, and what is damaged.

use super::*;
use arrow_array::{
    ArrayRef, BinaryArray, FixedSizeListArray, Float64Array, Int64Array, RecordBatch, StringArray,
    StructArray, UInt8Array,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use std::collections::HashMap;
use std::sync::Arc;

const NAMES: &str =
    r#"{"info": {"features": {"label": {"_type": "ClassLabel", "names": ["zebra", "ant", "ewe"]}}}}"#;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, c)| (name, c, true)));
    let batch = batch.unwrap();
    let metadata = HashMap::from([("huggingface".to_owned(), NAMES.to_owned())]);
    let schema = batch.schema().as_ref().clone().with_metadata(metadata);
    batch.with_schema(Arc::new(schema)).unwrap()
}

/// `n` pictures from number `first` on, as Hugging Face stores them, the fourth of them null; every fifth has no label.
fn pictures(first: usize, n: usize) -> RecordBatch {
    let rows = first..first + n;
    let files: Vec<Option<Vec<u8>>> = rows.clone().map(|i| (i != 3).then(|| grey(i as u8))).collect();
    let bytes: ArrayRef = Arc::new(BinaryArray::from_iter(files.iter().map(Option::as_deref)));
    let path: ArrayRef = Arc::new(StringArray::from(vec!["x.png"; n]));
    let fields = [("bytes", DataType::Binary, bytes), ("path", DataType::Utf8, path)]
        .map(|(name, kind, column)| (Arc::new(Field::new(name, kind, true)), column));
    let labels: Int64Array = rows.clone().map(|i| (i % 5 != 4).then_some(i as i64 % 2)).collect();
    let sizes: Float64Array = rows.map(|i| Some(i as f64 / 2.0)).collect();
    batch(vec![
        ("image", Arc::new(StructArray::from(fields.to_vec()))),
        ("label", Arc::new(labels)),
        ("size", Arc::new(sizes)),
    ])
}

/// A Parquet file, a row group for each batch.
fn parquet(batches: &[RecordBatch]) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batches[0].schema(), Some(properties)).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
        writer.flush().unwrap();
    }
    writer.into_inner().unwrap()
}

fn arrow(batches: &[RecordBatch], stream: bool, compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let schema = batches[0].schema();
    if stream {
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        return writer.into_inner().unwrap();
    }
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn read(bytes: &[u8]) -> Result<Source> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    fs::write(&path, bytes).unwrap();
    open(&path, &options())
}

/// Three groups of four pictures.
fn three() -> Vec<RecordBatch> {
    (0..3).map(|i| pictures(4 * i, 4)).collect()
}

#[test]
fn pictures_and_names_of_classes_are_those_of_hugging_face() {
    let all = three();
    let mut files = vec![parquet(&all), gzip(&parquet(&all))];
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        files.extend([false, true].map(|stream| arrow(&all, stream, compression)));
    }
    for bytes in files {
        let source = read(&bytes).unwrap();
        assert_eq!(source.classes, ["zebra", "ant", "ewe"]);
        let want = (0..12).filter(|i| *i != 3).map(|i| {
            let label = if i % 5 == 4 { "-" } else { ["zebra", "ant"][i % 2] };
            format!("{i:08} {label} -")
        });
        assert_eq!(listed(&source), want.collect::<Vec<_>>());
        assert_eq!(reasons(&source), ["no picture beside `00000003`, which the others have: x, row 3"]);
        let content = load(&source, "00000009");
        assert_eq!((row(content.clone()), pixels(content)), (vec![4.5], vec![9; 4]));
    }
}

#[test]
fn tensors_are_pictures_where_their_shape_fits() {
    let tensors = |shape: &str| {
        let levels = UInt8Array::from_iter_values(0..24);
        let item = Arc::new(Field::new("item", DataType::UInt8, false));
        let lists = FixedSizeListArray::new(item, 12, Arc::new(levels), None);
        let metadata = HashMap::from([
            ("ARROW:extension:name".to_owned(), "arrow.fixed_shape_tensor".to_owned()),
            ("ARROW:extension:metadata".to_owned(), format!("{{\"shape\":{shape}}}")),
        ]);
        let field =
            Field::new("x", arrow_array::Array::data_type(&lists).clone(), true).with_metadata(metadata);
        RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(lists)]).unwrap()
    };
    for (shape, want) in
        [("[2,2,3]", Kind::Images), ("[3,4]", Kind::Images), ("[3,5]", Kind::Table), ("7", Kind::Table)]
    {
        for bytes in [parquet(&[tensors(shape)]), arrow(&[tensors(shape)], true, None)] {
            let source = read(&bytes).unwrap();
            assert_eq!(source.kinds, [want], "{shape}");
            let content = load(&source, "00000001");
            match want {
                Kind::Images => assert_eq!(pixels(content), (12..24).collect::<Vec<u8>>()),
                _ => assert_eq!(row(content), (12..24u8).map(f32::from).collect::<Vec<_>>()),
            }
        }
    }
}

/// The bytes of the column chunk `column` of the row group `group`.
fn chunk(file: &[u8], group: usize, column: usize) -> std::ops::Range<usize> {
    let reader = SerializedFileReader::new(::bytes::Bytes::copy_from_slice(file)).unwrap();
    let (start, length) = reader.metadata().row_group(group).column(column).byte_range();
    start as usize..(start + length) as usize
}

#[test]
fn what_is_damaged_in_a_parquet_file_costs_its_row_group() {
    let whole = parquet(&three());
    // Columns as they lie in the file: bytes, path, label, size.
    for (column, flipped) in [(0, 0), (2, 0), (3, 0), (0, 40)] {
        let mut bytes = whole.clone();
        let at = chunk(&whole, 1, column).start + flipped;
        bytes[at..at + 12].iter_mut().for_each(|b| *b = !*b);
        let source = read(&bytes).unwrap();
        let ids: Vec<String> = source.entries.iter().map(|e| e.id.to_string()).collect();
        let want: Vec<String> = [0, 1, 2, 8, 9, 10, 11].iter().map(|i| format!("{i:08}")).collect();
        assert_eq!(ids, want, "column {column}");
        let damaged = source.set_aside.iter().find(|s| s.samples == 4).unwrap();
        assert_eq!((damaged.row, &*damaged.file), (Some(4), "x"));
        assert!(damaged.reason.starts_with("rows to 7 of group 1 are damaged ("), "{}", damaged.reason);
        assert_eq!(pixels(load(&source, "00000010")), [10; 4]);
    }
    let footer = whole.len() - 20;
    let mut bytes = whole.clone();
    bytes[footer] ^= 0xff;
    for bytes in [&bytes, &whole[..footer], &whole[..6]] {
        let Err(e) = read(bytes) else { continue };
        assert!(e.message.starts_with("file is damaged ("), "{e}");
    }
}

#[test]
fn a_damaged_file_among_others_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let whole = parquet(&three()[..1]);
    fs::write(folder.path().join("train-1.parquet"), &whole).unwrap();
    fs::write(folder.path().join("train-0.parquet"), &whole[..whole.len() - 9]).unwrap();
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(listed(&source).len(), 3);
    assert_eq!(source.entries[0].split, Some(Split::Train));
    assert!(
        reasons(&source).iter().any(|r| r.starts_with("file is damaged (") && r.ends_with("train-0.parquet"))
    );
}

#[test]
fn what_is_before_the_end_of_a_cut_arrow_file_is_kept() {
    for stream in [false, true] {
        let whole = arrow(&three(), stream, None);
        let all = whole.len();
        // Within the last batch, and with the footer alone gone.
        for (cut, kept) in [(all - 900, 7), (all - 12, if stream { 7 } else { 11 }), (all / 4, 0)] {
            match read(&whole[..cut]) {
                Ok(source) => {
                    assert_eq!(source.entries.len(), kept, "{stream} {cut}: {:?}", reasons(&source));
                    // Of batches that are gone altogether nobody knows how many there were.
                    let why = reasons(&source);
                    assert!(
                        why.iter()
                            .any(|w| w.contains("the file ends within it") || w.contains("damaged from byte"))
                            || kept == 11,
                        "{stream} {cut}: {why:?}"
                    );
                }
                Err(e) => assert!(kept == 0 && !e.message.is_empty(), "{stream} {cut}: {e}"),
            }
        }
    }
}

#[test]
fn lengths_that_cannot_be_are_not_asked_memory_for() {
    for compression in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        for stream in [false, true] {
            let long = batch(vec![
                ("size", Arc::new(Float64Array::from(vec![0.5; 4000]))),
                ("x", Arc::new(Float64Array::from(vec![2.5; 4000]))),
            ]);
            let mut bytes = arrow(&[long], stream, Some(compression));
            let told = 32_000i64.to_le_bytes();
            let at = bytes.windows(8).position(|w| w == told).unwrap();
            bytes[at..at + 8].copy_from_slice(&(i64::MAX / 2).to_le_bytes());
            let source = read(&bytes).unwrap();
            assert!(source.entries.is_empty());
            assert!(reasons(&source)[0].contains("it unpacks to more than"), "{:?}", reasons(&source));
            assert_eq!(source.set_aside[0].samples, 4000);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let few = ReadOptions { max_unpacked: 100, ..options() };
    let same = batch(vec![("text", Arc::new(StringArray::from(vec!["some words that are long"; 100_000])))]);
    fs::write(&path, parquet(&[same])).unwrap();
    assert!(refusal(&path, &few).starts_with("unpacks to more than"));
}

/// Files over which the readers of Parquet and Arrow panic, or do not come to an end, as the fuzzer found.
#[test]
fn what_readers_cannot_cope_with_is_damaged() {
    let files = [
        include_bytes!("../../../../fuzz/seeds/parquet/negative-length").as_slice(),
        include_bytes!("../../../../fuzz/seeds/parquet/page-decoder"),
        include_bytes!("../../../../fuzz/seeds/parquet/endless-map"),
        include_bytes!("../../../../fuzz/seeds/parquet/endless-list"),
        include_bytes!("../../../../fuzz/seeds/arrow/offsets"),
    ];
    for bytes in files {
        match read(bytes) {
            Ok(source) => assert!(reasons(&source).iter().any(|why| why.contains("damaged"))),
            Err(e) => assert!(e.message.contains("damaged"), "{e}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_damage_makes_a_panic(at in any::<prop::sample::Index>(), bits in 1u8.., cut in any::<prop::sample::Index>(), form in 0..4) {
        let mut bytes = match form {
            0 => parquet(&three()),
            1 => arrow(&three(), false, None),
            2 => arrow(&three(), true, Some(CompressionType::ZSTD)),
            _ => arrow(&three(), false, Some(CompressionType::LZ4_FRAME)),
        };
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            match read(bytes) {
                Ok(source) => {
                    for entry in &source.entries {
                        let _ = source.loader.load(entry.at);
                    }
                }
                Err(e) => prop_assert!(!e.message.is_empty()),
            }
        }
    }
}
