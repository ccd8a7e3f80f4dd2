//! Damaged files of columns, and such as claim more than they hold.

use arrow_array::{Int64Array, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Schema};
use seedbed_cli::stages::collect::CollectOptions;
use seedbed_cli::stages::export::{ExportFormat, ExportOptions};
use seedbed_cli::{Ctx, Stage};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// A Parquet file of a column of texts that repeat, and an Arrow file of it with packed buffers.
fn column_files(dir: &Path, rows: usize) {
    let input = dir.join("rows.csv");
    let rows: String = (0..rows).map(|i| format!("{},{i},{}\n", "word ".repeat(200), i % 2)).collect();
    fs::write(&input, format!("text,x,label\n{rows}")).unwrap();
    CollectOptions::default().run(&Ctx::quiet(1), &input, &dir.join("data")).unwrap();
    for (name, format) in [("parquet", ExportFormat::Parquet), ("arrow", ExportFormat::Arrow)] {
        let options = ExportOptions { format, ..ExportOptions::default() };
        options.run(&Ctx::quiet(1), &dir.join("data"), &dir.join(name)).unwrap();
    }
}

#[test]
fn damaged_files_of_columns() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    column_files(dir, 3000);
    let collect = |name: &str, options: &CollectOptions| {
        let out = dir.join("out");
        let _ = fs::remove_dir_all(&out);
        options.run(&Ctx::quiet(1), &dir.join(name), &out).map(|outcome| {
            let list = fs::read_to_string(out.join("set_aside.jsonl")).unwrap();
            (outcome.samples, outcome.set_aside, list)
        })
    };
    let whole = CollectOptions::default();
    let small = CollectOptions { max_unpacked: 100_000, ..CollectOptions::default() };
    assert_eq!(collect("parquet/dataset.parquet", &whole).unwrap().0, 3000);
    let e = collect("parquet/dataset.parquet", &small).unwrap_err();
    assert!(e.message.starts_with("unpacks to more than ") && e.hint.unwrap().contains("--max-unpacked"));
    // One of several that is damaged, or too much, is set aside.
    fs::create_dir(dir.join("shards")).unwrap();
    for (name, file) in [("parquet", "parquet/dataset.parquet"), ("arrow", "arrow/dataset.arrow")] {
        let bytes = fs::read(dir.join(file)).unwrap();
        let at = |i: usize| dir.join("shards").join(format!("{i}.{name}"));
        fs::write(at(0), &bytes).unwrap();
        fs::write(at(1), &bytes[..bytes.len() / 2]).unwrap();
        fs::write(at(2), b"").unwrap();
        let mut torn = bytes.clone();
        let middle = torn.len() / 3;
        torn[middle..middle + 64].iter_mut().for_each(|b| *b ^= 0xa5);
        fs::write(at(3), torn).unwrap();
        let (samples, set_aside, list) = collect("shards", &whole).unwrap();
        assert!(samples >= 3000 && set_aside >= 2, "{samples} {list}");
        assert!(list.contains(&format!("1.{name}\"")) && list.contains("file is damaged ("), "{list}");
        assert!(list.contains(&format!("2.{name}\"")) && list.contains("file is empty"), "{list}");
        (0..4).for_each(|i| fs::remove_file(at(i)).unwrap());
    }
    // A packed buffer that claims to be of any length, in a stream as in a file.
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, false)]));
    let zeros =
        RecordBatch::try_new(schema.clone(), vec![Arc::new(Int64Array::from(vec![7; 1 << 20]))]).unwrap();
    let packed = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    let mut stream = StreamWriter::try_new_with_options(Vec::new(), &schema, packed.clone()).unwrap();
    stream.write(&zeros).unwrap();
    let mut file = FileWriter::try_new_with_options(Vec::new(), &schema, packed).unwrap();
    file.write(&zeros).unwrap();
    for (name, bytes) in [("s.arrow", stream.into_inner().unwrap()), ("f.arrow", file.into_inner().unwrap())]
    {
        fs::write(dir.join(name), &bytes).unwrap();
        let e = collect(name, &small).unwrap_err();
        assert!(e.message.starts_with("unpacks to more than "), "{e}");
        let claim = bytes.windows(8).position(|w| w == (8u64 << 20).to_le_bytes()).unwrap();
        let lying = [&bytes[..claim], &(1u64 << 50).to_le_bytes(), &bytes[claim + 8..]].concat();
        fs::write(dir.join(name), lying).unwrap();
        let e = collect(name, &whole).unwrap_err();
        assert!(e.message.starts_with("unpacks to more than "), "{e}");
    }
}
