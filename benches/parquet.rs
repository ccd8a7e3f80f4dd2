//! Parquet: samples into a file, beside the parquet crate alone, which is given the record batches and the properties.

use arrow_array::{RecordBatch, RecordBatchReader};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use seedbed_benches::criterion;
use seedbed_cli::codec::{Pixels, encode_png};
use seedbed_cli::dataset::{Container, Content, Meta, Picture, Sample, Split, write_file};
use seedbed_cli::pool::Pool;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// Samples in a file, and in each of its row groups.
const SAMPLES: usize = 20_000;
const GROUP: usize = 1024;

/// Pictures of 28 x 28, smooth as photographs are, as PNG.
fn samples() -> Vec<Sample> {
    let png = |i: usize| {
        let level = |p: usize| ((p / 28 * (i % 7) + p % 28 * (i % 5) + p * p * (i + 1) / 97 % 9) % 256) as u8;
        encode_png(&Pixels::new((0..784).map(level).collect(), 28, 28, 1).unwrap()).unwrap()
    };
    let picture = |i| Content::from(Picture::png(png(i), None));
    (0..SAMPLES)
        .map(|i| Sample::new(format!("train/{i:08}"), Some(i as u32 % 10), Split::Train, picture(i)))
        .collect()
}

fn with_seedbed(path: &Path, meta: &Meta, samples: Vec<Sample>) {
    let samples = samples.into_iter().map(Ok);
    write_file(path, Container::Parquet, meta, &Pool::single(), samples).unwrap();
}

fn alone(path: &Path, batches: &[RecordBatch]) {
    // The properties that seedbed sets: without them the crate takes longer.
    let bytes = ColumnPath::new(vec!["image".into(), "bytes".into()]);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_column_compression(bytes.clone(), Compression::UNCOMPRESSED)
        .set_column_dictionary_enabled(bytes.clone(), false)
        .set_column_statistics_enabled(bytes, EnabledStatistics::None)
        .build();
    let file = BufWriter::new(File::create(path).unwrap());
    let mut writer = ArrowWriter::try_new(file, batches[0].schema(), Some(properties)).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
}

fn parquet(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    let meta = Meta::images("bench", (0..10).map(|class| class.to_string()).collect());
    let samples = samples();
    with_seedbed(&ours, &meta, samples.clone());
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&ours).unwrap()).unwrap();
    let reader = reader.with_batch_size(GROUP).build().unwrap();
    assert_eq!(reader.schema().field(0).name(), "id");
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let mut group = c.benchmark_group("parquet 28x28 PNG");
    group.throughput(Throughput::Elements(SAMPLES as u64));
    group.bench_function("seedbed, from samples", |bench| {
        let write = |samples| with_seedbed(&ours, &meta, samples);
        bench.iter_batched(|| samples.clone(), write, BatchSize::LargeInput);
    });
    group
        .bench_function("parquet crate alone, from batches", |bench| bench.iter(|| alone(&theirs, &batches)));
    group.finish();
}

criterion_group! { name = benches; config = criterion(); targets = parquet }
criterion_main!(benches);
