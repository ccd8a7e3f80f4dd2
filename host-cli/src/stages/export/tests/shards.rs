//! Formats of samples that are whole in themselves: WebDataset, TFRecord, rows, folders.

use super::made::*;
use super::*;
use crate::dataset::Sound;
use crate::stages::export::example::tests::{Value, read_records};
use std::collections::BTreeSet;

/// The members of a tar file, with what their headers say.
fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(bytes);
    let member = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let header = entry.header();
        let numbers = (header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap());
        assert_eq!((numbers, header.mode().unwrap()), ((0, 0, 0), 0o644));
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    archive.entries().unwrap().map(member).collect()
}

#[test]
fn webdataset_holds_everything_under_keys_without_dots() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    let (meta, samples) = all_kinds(&input);
    let options = ExportOptions { shard_samples: Some(2), ..with(ExportFormat::WebDataset) };
    let outcome = export(&options, &input, &out, 2).unwrap();
    assert_eq!((outcome.samples, &outcome.figures["shards"]), (11, &6.into()));
    let tree = tree(&out);
    let mut seen = BTreeSet::new();
    for split in ["train", "test"] {
        let shards = tree.iter().filter(|(name, _)| name.starts_with(split));
        let found: Vec<_> = shards.flat_map(|(_, bytes)| members(bytes)).collect();
        let mut found = found.as_slice();
        for sample in samples.iter().filter(|s| s.split.name() == split) {
            let key = |name: &str| {
                let folder = name.rfind('/').map_or(0, |slash| slash + 1);
                assert!(!name[..folder].contains('.') && !name.starts_with('/'), "{name}");
                name[..folder + name[folder..].find('.').unwrap()].to_owned()
            };
            let first = key(&found[0].0);
            let n = found.iter().take_while(|(name, _)| key(name) == first).count();
            let of: BTreeMap<&str, &Vec<u8>> =
                found[..n].iter().map(|(name, bytes)| (&name[first.len()..], bytes)).collect();
            found = &found[n..];
            assert_eq!(of.len(), n);
            assert_eq!(decode(of[".png"]).unwrap(), sample.pixels().unwrap());
            assert_eq!(of.get(".wav").map(|b| b.as_slice()), sample.content.audio.as_ref().map(|_| WAV));
            let text = |name| of.get(name).map(|b| String::from_utf8((*b).clone()).unwrap());
            assert_eq!(text(".txt"), sample.content.text);
            assert_eq!(text(".cls"), sample.label.map(|label| label.to_string()));
            check_record(&lines(of[".json"])[0], &meta, sample);
            assert!(seen.insert(first));
        }
        assert!(found.is_empty());
    }
    let names: Vec<&String> = tree.keys().collect();
    assert_eq!(names[..3], ["README.md", "dataset_info.json", "test/shard-000000.tar"]);
}

#[test]
fn shards_are_bounded_by_bytes_and_hold_one_sample_at_least() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    table(&input);
    for (bytes, shards) in [(1, 11..=11), (4096, 4..=8), (1 << 20, 2..=2)] {
        let out = out.join(bytes.to_string());
        let options = ExportOptions { shard_bytes: bytes, ..with(ExportFormat::WebDataset) };
        let outcome = export(&options, &input, &out, 1).unwrap();
        assert!(shards.contains(&outcome.figures["shards"].as_u64().unwrap()), "{outcome:?}");
        let tree = tree(&out);
        let tars: Vec<_> = tree.iter().filter(|(name, _)| name.ends_with(".tar")).collect();
        let samples = |tar| members(tar).iter().filter(|(name, _)| name.ends_with(".json")).count();
        assert_eq!(tars.iter().map(|(_, tar)| samples(tar)).sum::<usize>(), 11);
        for (name, tar) in tars {
            assert!(tar.len() as u64 <= bytes || samples(tar) == 1, "{name} {}", tar.len());
            assert!(tar.len().is_multiple_of(512) && tar.ends_with(&[0; 1024]));
        }
    }
}

#[test]
fn tfrecords_hold_everything() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    let (meta, samples) = all_kinds(&input);
    let options = ExportOptions { shard_samples: Some(4), ..with(ExportFormat::TfRecord) };
    export(&options, &input, &out, 2).unwrap();
    let tree = tree(&out);
    let names: Vec<&str> = tree.keys().map(String::as_str).collect();
    let shard = |split: &str, i: usize| format!("{split}-{i:05}-of-00002.tfrecord");
    assert_eq!(
        names,
        [
            "dataset_info.json".to_owned(),
            shard("test", 0),
            shard("test", 1),
            shard("train", 0),
            shard("train", 1)
        ]
    );
    for split in [Split::Train, Split::Test] {
        let examples: Vec<_> = (0..2).flat_map(|i| read_records(&tree[&shard(split.name(), i)])).collect();
        let samples: Vec<_> = samples.iter().filter(|s| s.split == split).collect();
        assert_eq!(examples.len(), samples.len());
        for (example, sample) in examples.iter().zip(samples) {
            let bytes = |name: &str| match example.get(name) {
                Some(Value::Bytes(bytes)) => Some(bytes.as_slice()),
                None => None,
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(bytes("id"), Some(sample.id.as_bytes()));
            assert_eq!(bytes("split"), Some(split.name().as_bytes()));
            assert_eq!(decode(bytes("image/encoded").unwrap()).unwrap(), sample.pixels().unwrap());
            let sides = ["height", "width", "channels"].map(|side| &example[&format!("image/{side}")]);
            assert_eq!(sides, [&Value::Int(2), &Value::Int(3), &Value::Int(3)]);
            assert_eq!(bytes("audio/encoded"), sample.content.audio.as_ref().map(|_| WAV));
            assert_eq!(bytes("text"), sample.content.text.as_ref().map(String::as_bytes));
            let class = sample.label.map(|_| meta.class_name(sample.label).as_bytes());
            assert_eq!((bytes("class"), example.get("label").is_some()), (class, class.is_some()));
            assert_eq!(example["weight"], Value::Floats(vec![sample.weight]));
            assert_eq!(bytes("origin").unwrap().is_empty(), sample.origin.is_none());
            let Value::Floats(row) = &example["features"] else { panic!("no floats") };
            let bits = |row: &[f32]| row.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(row), bits(sample.row()));
        }
    }
}

#[test]
fn rows_and_folders_tell_everything_and_name_their_files() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("in");
    let (meta, samples) = all_kinds(&input);
    for (format, lists) in [
        (ExportFormat::Jsonl, vec![("dataset.jsonl", "")]),
        (ExportFormat::Folder, vec![("test/metadata.jsonl", "test/"), ("train/metadata.jsonl", "train/")]),
    ] {
        let out = temp.path().join(format!("{format:?}"));
        export(&with(format), &input, &out, 2).unwrap();
        let tree = tree(&out);
        let mut found = 0;
        for (list, folder) in lists {
            for record in lines(&tree[list]) {
                let sample = samples.iter().find(|s| s.id == record["id"]).unwrap();
                check_record(&record, &meta, sample);
                let file = |name: &str| record[name].as_str().map(|file| &tree[&format!("{folder}{file}")]);
                assert_eq!(decode(file("file_name").unwrap()).unwrap(), sample.pixels().unwrap());
                let sound = sample.content.audio.as_ref();
                assert_eq!(file("audio_file"), sound.map(|s| &s.bytes));
                found += 1;
            }
        }
        // 10 sounds, a list for each split or one, dataset_info.json and README.md.
        let lists = if format == ExportFormat::Folder { 2 } else { 1 };
        assert_eq!((found, tree.len()), (11, 11 + 10 + lists + 2));
    }
}

#[test]
fn csv_quotes_what_needs_it() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    let (meta, samples) = all_kinds(&input);
    export(&with(ExportFormat::Csv), &input, &out, 2).unwrap();
    let mut reader = csv::Reader::from_path(out.join("dataset.csv")).unwrap();
    let head = reader.headers().unwrap().clone();
    let want = ["file_name", "audio_file", "id", "text", "x", "y z", "label", "split", "weight", "origin"];
    assert_eq!(head.iter().collect::<Vec<_>>(), want);
    let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.unwrap()).collect();
    assert_eq!(rows.len(), samples.len());
    for (row, sample) in rows.iter().zip(&samples) {
        let cell = |name: &str| &row[want.iter().position(|n| *n == name).unwrap()];
        assert_eq!(
            decode(&fs::read(out.join(cell("file_name"))).unwrap()).unwrap(),
            sample.pixels().unwrap()
        );
        assert_eq!(
            (cell("id"), cell("text")),
            (sample.id.as_str(), sample.content.text.as_deref().unwrap_or(""))
        );
        let label = sample.label.map_or("", |_| meta.class_name(sample.label));
        assert_eq!((cell("label"), cell("split")), (label, sample.split.name()));
        assert_eq!(cell("weight").parse(), Ok(sample.weight));
        assert_eq!(cell("x").parse(), Ok(sample.row()[0]));
        assert_eq!(cell("y z").parse().ok(), Some(sample.row()[1]).filter(|v| !v.is_nan()));
        assert_eq!(cell("origin").is_empty(), sample.origin.is_none());
    }
}

#[test]
fn sounds_and_texts_alone_are_written_too() {
    let temp = tempfile::tempdir().unwrap();
    let [audio, text] = ["audio", "text"].map(|name| temp.path().join(name));
    let sound = Sound { bytes: b"fLaC....".to_vec(), path: None };
    save(&audio, Meta::new("a", Kind::Audio, classes(), vec![]), &samples(|_| sound.clone().into()));
    let texts = samples(|i| Content::from_text(format!("{i}")));
    save(&text, Meta::new("t", Kind::Text, classes(), vec![]), &texts);
    let out = temp.path().join("folder");
    export(&with(ExportFormat::Folder), &audio, &out, 1).unwrap();
    let first = &lines(&fs::read(out.join("train/metadata.jsonl")).unwrap())[0];
    let file = first["file_name"].as_str().unwrap();
    assert_eq!(
        (fs::read(out.join("train").join(file)).unwrap(), file.ends_with(".flac")),
        (sound.bytes, true)
    );
    let out = temp.path().join("jsonl");
    export(&with(ExportFormat::Jsonl), &text, &out, 1).unwrap();
    assert_eq!(tree(&out).len(), 3);
    assert!(
        fs::read_to_string(out.join("dataset.jsonl"))
            .unwrap()
            .starts_with(r#"{"id":"..","text":"0","label""#)
    );
    let e = export(&with(ExportFormat::Folder), &text, &temp.path().join("none"), 1).unwrap_err();
    assert!(e.message.starts_with("texts are no files") && e.exit_code() == 2, "{e}");
}
