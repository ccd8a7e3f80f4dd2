//! What is exported comes back as it was, in each format that is read.

use seedbed_cli::codec::Pixels;
use seedbed_cli::dataset::{Content, Dataset, DatasetWriter, Kind, Meta, Origin, Sample, Sound, Split};
use seedbed_cli::stages::collect::CollectOptions;
use seedbed_cli::stages::export::{ExportFormat, ExportOptions};
use seedbed_cli::{Ctx, Stage};
use std::path::Path;

/// Samples of these kinds whose classes and columns are in no alphabetical order.
fn write(folder: &Path, kinds: &[Kind]) -> String {
    let columns = if kinds.contains(&Kind::Table) { vec!["z size".into(), "a".into()] } else { Vec::new() };
    let meta =
        Meta::of_kinds("all", kinds, vec!["old".into(), "new".into(), "älter".into()], columns.clone());
    let mut writer = DatasetWriter::create(folder, meta).unwrap();
    let mut samples: Vec<Sample> = (0..30u8).map(|i| sample(i, kinds)).collect();
    samples.sort_by(|a, b| a.id.cmp(&b.id));
    samples.into_iter().for_each(|s| writer.push(s).unwrap());
    writer.finish().unwrap().content_hash
}

fn sample(i: u8, kinds: &[Kind]) -> Sample {
    let has = |kind| kinds.contains(&kind);
    let sound = || Sound { bytes: [b"RIFF\x05\0\0\0WAVE".as_slice(), &[i]].concat(), path: None };
    let pixels = || Pixels::new((0..12u8).map(|k| k.wrapping_mul(i)).collect(), 2, 2, 3).unwrap();
    let image = has(Kind::Images).then(|| Content::from_pixels(pixels())).and_then(|c| c.image);
    let content = Content {
        image,
        audio: has(Kind::Audio).then(sound),
        text: has(Kind::Text).then(|| format!("line \"{i}\",\nand 🌱")),
        row: if has(Kind::Table) { vec![0.1 * f32::from(i), -1e-7 / f32::from(i + 1)] } else { Vec::new() },
    };
    let id = if i.is_multiple_of(4) {
        format!("a/b.c {i:02}!augment00003").replace(' ', "%20")
    } else {
        format!("{i:02}")
    };
    let label = (!i.is_multiple_of(5)).then_some(u32::from(i) % 3);
    let origin = i.is_multiple_of(4).then(|| Origin {
        source: "a".into(),
        step: "augment".into(),
        params: serde_json::json!({"angle": 0.25, "ops": ["x", null]}),
        seed: 7,
        key: seedbed::rng::Key::new(2).sample(9),
    });
    let sample = Sample::new(id, label, Split::ALL[usize::from(i) % 3], content);
    Sample { weight: 1.0 + 0.3 * f32::from(i % 2), origin, ..sample }
}

#[test]
fn exports_come_back_with_the_same_hash() {
    let work = tempfile::tempdir().unwrap();
    let ctx = Ctx::quiet(3);
    let sets: [&[Kind]; 5] = [
        &[Kind::Images],
        &[Kind::Table],
        &[Kind::Text],
        &[Kind::Audio, Kind::Text],
        &[Kind::Images, Kind::Audio, Kind::Text, Kind::Table],
    ];
    for (n, kinds) in sets.into_iter().enumerate() {
        let dataset = work.path().join(format!("{n}"));
        let want = write(&dataset, kinds);
        for format in [
            ExportFormat::WebDataset,
            ExportFormat::Jsonl,
            ExportFormat::Parquet,
            ExportFormat::Arrow,
            ExportFormat::TfRecord,
        ] {
            let (out, back) = (dataset.join(format!("{format:?}")), dataset.join(format!("{format:?}-back")));
            let options = ExportOptions { format, ..ExportOptions::default() };
            options.run(&ctx, &dataset, &out).unwrap();
            let outcome = CollectOptions::default().run(&ctx, &out, &back).unwrap();
            let read = Dataset::open(&back).unwrap();
            assert_eq!((outcome.samples, outcome.set_aside), (30, 0), "{kinds:?} {format:?}");
            let (a, b) = (Dataset::open(&dataset).unwrap(), &read);
            for (a, b) in a.samples().zip(b.samples()) {
                assert_eq!(a.unwrap(), b.unwrap(), "{kinds:?} {format:?}");
            }
            assert_eq!(read.meta().content_hash, want, "{kinds:?} {format:?}: {:?}", read.meta());
        }
    }
}
