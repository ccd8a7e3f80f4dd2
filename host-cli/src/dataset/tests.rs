//! Round trips of whole datasets: what is written is read, hashed the same however it is cut, and
//! refused where it is wrong.

use super::super::{Dataset, META_FILE, Normalize, Origin, Picture, Sound, content_hash};
use super::*;
use crate::codec::{Pixels, encode_png};
use crate::dataset::Split;
use crate::pool::Pool;
use seedbed::rng::Key;
use std::fs;

fn picture(i: usize) -> Pixels {
    Pixels::new((0..48).map(|k| (k * i) as u8).collect(), 4, 4, 3).unwrap()
}

fn pictures(n: usize) -> Vec<Sample> {
    let sample = |i: usize| {
        let split = Split::ALL[i % 3];
        let label = (i % 5 != 4).then_some(i as u32 % 2);
        let content = Content::from_pixels(picture(i));
        let origin = i.is_multiple_of(7).then(|| Origin {
            source: "a".into(),
            step: "augment".into(),
            params: serde_json::json!({"angle": 0.1f32, "b": [1, 2.5e-9]}).into(),
            seed: u64::MAX,
            key: Key::new(2).sample(u64::MAX).op(3),
        });
        Sample { weight: 0.1 * i as f32, origin, ..Sample::new(format!("{i:05}"), label, split, content) }
    };
    (0..n).map(sample).collect()
}

fn rows(n: usize) -> Vec<Sample> {
    let row = |i: usize| {
        let missing = if i.is_multiple_of(3) { f32::NAN } else { 1.0 / i as f32 };
        Sample::new(format!("{i:05}"), Some(0), Split::Train, Content::from_row(vec![i as f32, missing]))
    };
    (0..n).map(row).collect()
}

fn image_meta() -> Meta {
    Meta::images("pictures", vec!["cat".into(), "dog".into()])
}

fn table_meta() -> Meta {
    Meta::table("table", vec!["only".into()], vec!["x".into(), "y z".into()])
}

fn write(folder: &Path, meta: Meta, samples: &[Sample], shard_rows: usize, threads: usize) -> Meta {
    let pool = Pool::new(threads).unwrap();
    let mut writer = DatasetWriter::create(folder, meta).unwrap().pool(&pool).shard_rows(shard_rows);
    samples.iter().for_each(|s| writer.push(s.clone()).unwrap());
    writer.finish().unwrap()
}

fn read(folder: &Path) -> Vec<Sample> {
    Dataset::open(folder).unwrap().samples().collect::<Result<_>>().unwrap()
}

#[test]
fn pictures_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let samples = pictures(50);
    let meta = write(folder.path(), image_meta(), &samples, 7, 2);
    assert_eq!(read(folder.path()), samples);
    let dataset = Dataset::open(folder.path()).unwrap();
    assert_eq!((dataset.meta(), dataset.len()), (&meta, 50));
    assert_eq!(meta.image, Some(ImageShape { height: 4, width: 4, channels: 3 }));
    assert_eq!((meta.counts.train, meta.counts.unlabelled), (17, 10));
    assert_eq!(meta.counts.per_class.iter().sum::<u64>(), 40);
    assert_eq!(meta.shards.len(), 8);
    assert_eq!(samples[3].pixels().unwrap(), picture(3));
}

#[test]
fn a_batch_is_of_one_row_group_and_a_row_group_is_bounded_by_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let samples = pictures(50);
    let limit = 3 * samples[1].content.held();
    let mut writer = DatasetWriter::create(folder.path(), image_meta()).unwrap();
    writer.group.max_bytes = limit;
    samples.iter().for_each(|s| writer.push(s.clone()).unwrap());
    writer.finish().unwrap();
    let (mut back, mut reader) = (Vec::new(), Dataset::open(folder.path()).unwrap().samples());
    while let Some(batch) = reader.next_batch().unwrap() {
        // The pixels count, as they were given to the writer; an id has five bytes.
        let all_but_last = &batch[..batch.len() - 1];
        assert!(all_but_last.len() * (samples[1].content.held() + 5) < limit);
        back.extend(batch);
    }
    assert_eq!(back, samples);
}

#[test]
fn pictures_are_decoded_whatever_limit_they_were_collected_with() {
    // More pixels than the default limit, and far fewer bytes.
    let large = Pixels::new(vec![7; 9000 * 9000], 9000, 9000, 1).unwrap();
    let mut claims = encode_png(&large).unwrap();
    let read = Picture::png(claims.clone(), None);
    assert_eq!(read.pixels().unwrap().shape(), [9000, 9000, 1]);
    // A width of 2^30, with the checksum of the header made right again.
    claims[16..20].copy_from_slice(&(1u32 << 30).to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&claims[12..29]);
    claims[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    let e = Picture::png(claims, None).pixels().unwrap_err();
    assert!(e.message.contains("has more than") && e.hint.is_none(), "{e}");
}

#[test]
fn a_hash_is_the_same_whether_or_not_the_pixels_were_at_hand() {
    let hash = |sample: &Sample| {
        let mut hasher = ContentHasher::new(&image_meta());
        hasher.push(sample).unwrap();
        hasher.finish()
    };
    let fresh = pictures(1).remove(0);
    let png = fresh.content.image.as_ref().unwrap().to_png().unwrap().into_owned();
    let read = Picture::png(png, None).into();
    assert_eq!(hash(&fresh), hash(&Sample { content: read, ..fresh.clone() }));
}

#[test]
fn raw_pictures_come_back_with_the_same_hash() {
    let folder = tempfile::tempdir().unwrap();
    let [png, raw] = ["png", "raw"].map(|name| folder.path().join(name));
    let mut samples = pictures(50);
    samples[3].content.image.as_mut().unwrap().path = Some("a/b.jpg".into());
    let of_png = write(&png, image_meta(), &samples, 20, 1);
    let of_raw = write(&raw, Meta { storage: Storage::Raw, ..image_meta() }, &samples, 20, 2);
    assert_eq!(of_raw.content_hash, of_png.content_hash);
    assert_eq!(of_raw.shards[1].file, "data-00001.arrow");
    assert_eq!(read(&raw), samples);
    assert_eq!(read(&raw), read(&png));
    assert_eq!(content_hash(&raw, &Pool::single()).unwrap(), of_png.content_hash);
    // From one storage to the other, without a look at the pixels.
    let back = write(&folder.path().join("back"), image_meta(), &read(&raw), 20, 1);
    assert_eq!(back.content_hash, of_png.content_hash);
}

#[test]
fn raw_pictures_have_one_size() {
    let folder = tempfile::tempdir().unwrap();
    let meta = Meta { storage: Storage::Raw, ..image_meta() };
    let mut writer = DatasetWriter::create(folder.path(), meta.clone()).unwrap();
    pictures(2).into_iter().for_each(|s| writer.push(s).unwrap());
    let other = Content::from_pixels(Pixels::new(vec![0; 12], 2, 2, 3).unwrap());
    writer
        .push(Sample { content: other, ..Sample::new("x", None, Split::Train, Content::default()) })
        .unwrap();
    let e = writer.finish().unwrap_err();
    assert!(
        e.message.ends_with("than those before: x") && e.hint.unwrap().contains("storage"),
        "{}",
        e.message
    );
    let empty = folder.path().join("empty");
    DatasetWriter::create(&empty, meta).unwrap().finish().unwrap();
    assert!(read(&empty).is_empty());
}

#[test]
fn samples_of_several_modalities_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [Kind::Table, Kind::Images, Kind::Text, Kind::Audio];
    let meta = || Meta::of_kinds("all", &kinds, vec!["a".into()], vec!["x".into()]);
    assert_eq!(meta().words(), "pictures and sounds and texts and rows");
    let sound = Sound { bytes: b"RIFF....".to_vec(), path: Some("a.wav".into()) };
    let whole = Content {
        audio: Some(sound),
        text: Some("a line\nand \u{1F331}".into()),
        row: vec![0.5],
        ..Content::from_pixels(picture(1))
    };
    let less = Content { audio: None, text: None, row: vec![f32::NAN], ..whole.clone() };
    let sample = |id: &str, content: &Content| Sample::new(id, Some(0), Split::Train, content.clone());
    let samples = [sample("1", &whole), sample("2", &less)];
    let mut hashes = Vec::new();
    for storage in [Storage::Png, Storage::Raw] {
        let path = folder.path().join(storage.to_string());
        hashes.push(write(&path, Meta { storage, ..meta() }, &samples, 9, 1).content_hash);
        let read = read(&path);
        assert_eq!((&read[0], read[1].content.row[0].is_nan()), (&samples[0], true));
        assert_eq!(read[1].content.audio, None);
    }
    assert_eq!(hashes[0], hashes[1]);
    let others: [fn(&mut Content); 3] =
        [|c| c.text = Some("b".into()), |c| c.audio = None, |c| c.row[0] = 1.0];
    for (i, change) in others.into_iter().enumerate() {
        let mut changed = samples.clone();
        change(&mut changed[0].content);
        hashes.push(write(&folder.path().join(i.to_string()), meta(), &changed, 9, 1).content_hash);
    }
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 4);
    for (name, kind, content) in
        [("t", Kind::Text, Content::from_text("x")), ("a", Kind::Audio, whole.audio.clone().unwrap().into())]
    {
        let path = folder.path().join(name);
        let meta = Meta::new(name, kind, vec!["a".into()], Vec::new());
        write(&path, meta.clone(), &[sample("1", &content)], 9, 1);
        assert_eq!(read(&path)[0].content, content);
        let mut writer = DatasetWriter::create(&folder.path().join(format!("{name}2")), meta).unwrap();
        let e = writer.push(sample("1", &whole)).unwrap_err();
        assert!(e.message.contains(&format!("in a dataset of {}", kind.words())), "{e}");
        let e = writer.push(sample("1", &Content::default())).unwrap_err();
        assert!(e.message.starts_with(&format!("no {} in a dataset of", kind.words())), "{e}");
    }
}

#[test]
fn rows_come_back_with_missing_values() {
    let folder = tempfile::tempdir().unwrap();
    let meta = Meta { normalize: Some(Normalize { mean: vec![0.0; 2], std: vec![1.5; 2] }), ..table_meta() };
    write(folder.path(), meta.clone(), &rows(20), 100, 1);
    let back = read(folder.path());
    let bits = |s: &[Sample]| -> Vec<Vec<u32>> {
        s.iter().map(|s| s.row().iter().map(|v| v.to_bits()).collect()).collect()
    };
    assert_eq!(bits(&back), bits(&rows(20)));
    assert_eq!(Dataset::open(folder.path()).unwrap().meta().normalize, meta.normalize);
}

#[test]
fn the_content_hash_is_free_of_shards_threads_and_compression() {
    let folder = tempfile::tempdir().unwrap();
    let mut hashes = Vec::new();
    for (i, (shard_rows, threads)) in [(1000, 1), (7, 2), (1, 3)].into_iter().enumerate() {
        let path = folder.path().join(i.to_string());
        let meta = write(&path, image_meta(), &pictures(30), shard_rows, threads);
        hashes.extend([meta.content_hash, content_hash(&path, &Pool::single()).unwrap()]);
    }
    let mut samples = pictures(30);
    for (i, sample) in samples.iter_mut().enumerate() {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 4, 4);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        encoder.write_header().unwrap().write_image_data(&picture(i).data).unwrap();
        assert_ne!(bytes, encode_png(&picture(i)).unwrap());
        sample.content = Picture::png(bytes, Some("elsewhere.png".into())).into();
    }
    hashes.push(write(&folder.path().join("high"), image_meta(), &samples, 50, 1).content_hash);
    hashes.dedup();
    assert_eq!(hashes.len(), 1, "{hashes:?}");
    assert_eq!(hashes[0].len(), 64);
}

#[test]
fn every_part_of_a_sample_counts_in_the_hash() {
    let changes: [fn(&mut Sample); 7] = [
        |_| {},
        |s| s.id.push('x'),
        |s| s.label = Some(1),
        |s| s.split = Split::Val,
        |s| s.weight = 0.5,
        |s| s.origin = None,
        |s| s.content = Content::from_pixels(picture(9)),
    ];
    let hash = |change: fn(&mut Sample)| {
        let mut sample = pictures(1).remove(0);
        change(&mut sample);
        let mut hasher = ContentHasher::new(&image_meta());
        hasher.push(&sample).unwrap();
        hasher.finish()
    };
    let hashes: std::collections::BTreeSet<String> = changes.iter().map(|&change| hash(change)).collect();
    assert_eq!(hashes.len(), changes.len());
}

#[test]
fn the_same_samples_give_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    let meta = write(&a, image_meta(), &pictures(30), 8, 1);
    write(&b, image_meta(), &pictures(30), 8, 2);
    for name in meta.shards.iter().map(|s| s.file.as_str()).chain([META_FILE, "README.md", "croissant.json"])
    {
        assert_eq!(fs::read(a.join(name)).unwrap(), fs::read(b.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn croissant_tells_the_files_and_every_column() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [Kind::Images, Kind::Audio, Kind::Text, Kind::Table];
    let all = Meta::of_kinds("all", &kinds, vec!["a".into()], vec!["x".into()]);
    let raw = Meta { storage: Storage::Raw, ..image_meta() };
    for (i, (meta, samples)) in
        [(all, vec![]), (image_meta(), pictures(9)), (raw, pictures(9)), (table_meta(), rows(9))]
            .into_iter()
            .enumerate()
    {
        let path = folder.path().join(i.to_string());
        let meta = write(&path, meta, &samples, 4, 1);
        let croissant: serde_json::Value =
            serde_json::from_slice(&fs::read(path.join("croissant.json")).unwrap()).unwrap();
        let (set, files) = croissant["distribution"].as_array().unwrap().split_last().unwrap();
        assert_eq!(
            (files.len(), set["includes"].as_str()),
            (meta.shards.len(), Some(format!("data-*.{}", meta.storage.extension()).as_str()))
        );
        for (file, shard) in files.iter().zip(&meta.shards) {
            let sha256 = content_hash(&path.join(&shard.file), &Pool::single()).unwrap();
            assert_eq!((file["contentUrl"].as_str(), &shard.sha256), (Some(shard.file.as_str()), &sha256));
            assert_eq!(file["sha256"].as_str(), Some(sha256.as_str()));
        }
        let records = croissant["recordSet"].as_array().unwrap().last().unwrap();
        let fields = records["field"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap());
        let schema = super::super::schema::of(&meta).unwrap();
        assert_eq!(fields.collect::<Vec<_>>(), schema.fields().iter().map(|f| f.name()).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let sample = |id: &str| Sample { id: id.into(), ..pictures(1).remove(0) };
    let mut writer = DatasetWriter::create(folder.path(), image_meta()).unwrap();
    writer.push(sample("b")).unwrap();
    let row = Sample { content: Content::from_row(vec![1.0]), ..sample("c") };
    for (wrong, message) in [
        (sample("b"), "two samples have the same id: sample `b`"),
        (sample("a"), "id comes after `b` but sorts before it: sample `a`"),
        (sample(""), "empty id"),
        (Sample { label: Some(2), ..sample("c") }, "label is not one of the classes"),
        (Sample { weight: f32::NAN, ..sample("c") }, "weight NaN"),
        (Sample { weight: -1.0, ..sample("c") }, "weight -1"),
        (row.clone(), "rows in a dataset of pictures: sample `c`"),
    ] {
        let e = writer.push(wrong).unwrap_err();
        assert!(e.message.starts_with(message), "{e}");
    }
    let image = Picture::png(b"\x89PNG\r\n\x1a\n".to_vec(), None);
    writer.push(Sample { content: image.into(), ..sample("d") }).unwrap();
    assert_eq!(writer.finish().unwrap_err().message, "PNG is cut off: d");
    let mut table = DatasetWriter::create(folder.path(), table_meta()).unwrap();
    let with = |row: &[f32]| Sample { label: None, content: Content::from_row(row.to_vec()), ..sample("a") };
    assert!(table.push(with(&[1.0])).unwrap_err().message.starts_with("1 values for 2 columns"));
    let e = table.push(with(&[1.0, f32::INFINITY])).unwrap_err();
    assert_eq!(e.message, "infinite value in column `y z`: sample `a`");
}

#[test]
fn damaged_folders_are_refused_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let meta = write(&path, image_meta(), &pictures(30), 10, 1);
    assert!(DatasetWriter::create(&path, image_meta()).is_err());
    let fails = || -> String {
        let samples = Dataset::open(&path).and_then(|d| d.samples().collect::<Result<Vec<_>>>());
        samples.unwrap_err().message
    };
    let shard = path.join("data-00001.parquet");
    let whole = fs::read(&shard).unwrap();
    fs::write(&shard, &whole[..whole.len() / 2]).unwrap();
    assert!(fails().starts_with("shard is damaged") && fails().ends_with("data-00001.parquet"));
    fs::copy(path.join("data-00000.parquet"), &shard).unwrap();
    assert!(fails().starts_with("ids are not ascending"), "{}", fails());
    fs::write(&shard, &whole).unwrap();
    let mut shorter = meta.clone();
    shorter.shards[1].rows = 9;
    shorter.save(&path).unwrap();
    assert!(fails().starts_with("shard has 10 rows, dataset.json says 9"), "{}", fails());
    fs::remove_file(&shard).unwrap();
    assert!(fails().starts_with("shard of the dataset is missing"));
}

#[test]
fn an_empty_dataset_is_a_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let meta = write(folder.path(), table_meta(), &[], 10, 1);
    assert_eq!((meta.shards.len(), meta.counts.samples), (1, 0));
    assert!(read(folder.path()).is_empty() && Dataset::open(folder.path()).unwrap().is_empty());
}

#[test]
fn a_run_a_model_and_a_file_can_be_hashed() {
    let run = tempfile::tempdir().unwrap();
    let hash = || content_hash(run.path(), &Pool::single());
    assert!(hash().unwrap_err().message.starts_with("nothing to hash"));
    write(&run.path().join("01-collect"), table_meta(), &rows(5), 10, 1);
    let first = hash().unwrap();
    fs::write(run.path().join("report.html"), "today").unwrap();
    assert_eq!(hash().unwrap(), first);
    let data: Vec<u8> = (0..16).collect();
    let tensor = || safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2, 2], &data).unwrap();
    let model = |names: [&str; 2]| {
        let path = run.path().join("model.safetensors");
        let info: std::collections::HashMap<_, _> =
            ["a", "b", "c"].map(|k| (k.to_owned(), "v".to_owned())).into();
        let bytes = safetensors::serialize(names.map(|name| (name, tensor())), Some(info)).unwrap();
        fs::write(&path, bytes).unwrap();
        content_hash(&path, &Pool::single()).unwrap()
    };
    let (there, back) = (model(["w", "v"]), model(["v", "w"]));
    assert_eq!(there, back);
    assert_ne!(model(["v", "u"]), there);
    assert_ne!(hash().unwrap(), first);
    // The published digest of no bytes.
    let empty = run.path().join("empty");
    fs::write(&empty, "").unwrap();
    assert!(content_hash(&empty, &Pool::single()).unwrap().starts_with("e3b0c44298fc1c14"));
}

#[test]
fn an_edited_dataset_is_refused_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let [images, table] = ["i", "t"].map(|name| folder.path().join(name));
    let of_images = write(&images, image_meta(), &pictures(30), 10, 1);
    let of_table = write(&table, table_meta(), &rows(5), 10, 1);
    let refused = |path: &Path, meta: Meta| {
        meta.save(path).unwrap();
        let e = Dataset::open(path).unwrap_err();
        assert!(e.message.contains(path.to_str().unwrap()), "{e}");
        e.message
    };
    let size = |height, width| Some(ImageShape { height, width, channels: 3 });
    let wrong_images: [(fn(&mut Meta), &str); 6] = [
        (|m| m.kind = Kind::Table, "a table without columns"),
        (|m| (m.kind, m.columns) = (Kind::Table, vec!["x".into()]), "`x` is missing"),
        (|m| m.shards.truncate(2), "its shards have 20 samples, it counts 30"),
        (|m| m.shards.clear(), "its shards have 0 samples, it counts 30"),
        (|m| m.counts.train += 1, "its splits have"),
        (|m| m.classes.truncate(1), "2 counts for 1 classes"),
    ];
    for (change, words) in wrong_images {
        let mut meta = of_images.clone();
        change(&mut meta);
        let message = refused(&images, meta);
        assert!(message.contains(words), "{message}");
    }
    for image in [size(0, 4), size(u32::MAX, u32::MAX)] {
        assert!(refused(&images, Meta { image, ..of_images.clone() }).contains("size"));
    }
    for columns in [vec![], vec!["x".to_owned()], vec!["x".to_owned(), "q".to_owned()]] {
        assert!(refused(&table, Meta { columns, ..of_table.clone() }).contains("column"));
    }
    let features = vec![Feature::default(); 3];
    assert!(refused(&table, Meta { features, ..of_table.clone() }).contains("3 features for 2 columns"));
    of_table.save(&table).unwrap();
    assert_eq!(Dataset::open(&table).unwrap().meta(), &of_table);
}

/// Shards over which the readers of Arrow and Parquet panic, as the fuzzer found.
#[test]
fn shards_over_which_readers_panic_are_damaged() {
    let offsets = include_bytes!("../../../fuzz/seeds/dataset/raw-offsets").as_slice();
    let length = include_bytes!("../../../fuzz/seeds/dataset/negative-length").as_slice();
    for (bytes, shard) in [(offsets, "data-00000.arrow"), (length, "data-00000.parquet")] {
        let end = bytes.iter().position(|&b| b == 0).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(META_FILE), &bytes[..end]).unwrap();
        std::fs::write(folder.path().join(shard), &bytes[end + 1..]).unwrap();
        let read = Dataset::open(folder.path()).and_then(|d| d.samples().collect::<Result<Vec<_>>>());
        assert!(read.unwrap_err().message.contains("damaged"), "{shard}");
    }
}
