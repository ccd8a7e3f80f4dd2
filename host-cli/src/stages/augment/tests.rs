use super::*;
use crate::codec::Pixels;
use crate::dataset::{Content, Meta, content_hash};
use crate::pool::Pool;
use crate::stages::replay::{ReplayOptions, replay};
use std::path::PathBuf;
use tempfile::TempDir;

/// A dataset of eight pictures in three splits.
fn some_dataset() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("in");
    let mut writer = DatasetWriter::create(&folder, Meta::images("t", vec!["a".into(), "b".into()])).unwrap();
    for i in 0..8u32 {
        let data = (0..12 * 10).map(|p| (p * (i + 3) * 7) as u8).collect();
        let split = [Split::Train, Split::Train, Split::Val, Split::Test][i as usize % 4];
        let content = Content::from_pixels(Pixels::new(data, 12, 10, 1).unwrap());
        writer.push(Sample::new(format!("s{i}"), Some(i % 2), split, content)).unwrap();
    }
    writer.finish().unwrap();
    (dir, folder)
}

fn options(copies: u32, ops: &[&str]) -> AugmentOptions {
    let ops = ops.iter().map(|text| text.parse().unwrap()).collect();
    AugmentOptions { copies, ops, ..AugmentOptions::default() }
}

const OPS: [&str; 3] = [
    r#"{ op = "hflip", p = 0.5 }"#,
    r#"{ op = "rotate", degrees = [-20, 20], border = 0 }"#,
    r#"{ op = "gaussian_noise", std = [1, 9] }"#,
];

#[test]
fn only_the_train_split_is_copied_and_originals_stay() {
    let (dir, folder) = some_dataset();
    let out = dir.path().join("out");
    let outcome = options(3, &OPS).run(&Ctx::quiet(5), &folder, &out).unwrap();
    assert_eq!(outcome.samples, 8 + 4 * 3);
    assert_eq!(outcome.figures["copies"], 12);
    let before: Vec<Sample> = Dataset::open(&folder).unwrap().samples().map(Result::unwrap).collect();
    let after: Vec<Sample> = Dataset::open(&out).unwrap().samples().map(Result::unwrap).collect();
    assert!(before.iter().all(|sample| after.contains(sample)));
    let mut pictures = std::collections::HashSet::new();
    for sample in after.iter().filter(|sample| sample.origin.is_some()) {
        assert_eq!(sample.split, Split::Train);
        let source = before.iter().find(|s| s.id == sample.origin.as_ref().unwrap().source).unwrap();
        assert_eq!((sample.label, sample.weight), (source.label, source.weight));
        assert!(pictures.insert(sample.pixels().unwrap().data), "{} is no picture of its own", sample.id);
    }
    assert_eq!(pictures.len(), 12);
}

#[test]
fn threads_and_the_other_samples_change_nothing() {
    let (dir, folder) = some_dataset();
    let run = |name: &str, threads, seed| {
        let out = dir.path().join(name);
        let ctx = Ctx { pool: Pool::new(threads).unwrap(), ..Ctx::quiet(seed) };
        options(2, &OPS).run(&ctx, &folder, &out).unwrap();
        content_hash(&out, &Pool::single()).unwrap()
    };
    let one = run("one", 1, 5);
    assert_eq!(one, run("four", 4, 5));
    assert_ne!(one, run("seed", 1, 6));
}

#[test]
fn a_copy_is_made_again_alone_byte_for_byte() {
    let (dir, folder) = some_dataset();
    let run = dir.path().join("run");
    std::fs::create_dir(&run).unwrap();
    std::fs::rename(&folder, run.join("01-collect")).unwrap();
    let out = run.join("02-augment");
    options(2, &OPS).run(&Ctx::quiet(5), &run.join("01-collect"), &out).unwrap();
    for sample in Dataset::open(&out).unwrap().samples().map(Result::unwrap) {
        // The seed comes from the origin, not from this context.
        let again = replay(&Ctx::quiet(0), &run, &sample.id);
        match sample.origin {
            Some(_) => assert!(again.unwrap().same, "{}", sample.id),
            None => assert!(again.unwrap_err().message.contains("an original"), "{}", sample.id),
        }
    }
    let (png, id) = (dir.path().join("again.png"), "s4!augment00002".to_owned());
    let outcome = ReplayOptions { id, dataset: out }.run(&Ctx::quiet(0), Some(&png)).unwrap();
    assert_eq!(outcome.figures["same_bytes"], true);
    assert_eq!(outcome.figures["source"], "s4");
    assert_eq!(crate::codec::decode(&std::fs::read(png).unwrap()).unwrap().shape(), [12, 10, 1]);
    let e = replay(&Ctx::quiet(0), &run, "nothing").unwrap_err();
    assert!(e.message.contains("no sample `nothing`"), "{e}");
}

#[test]
fn views_are_copies_without_their_originals_and_are_made_again_too() {
    let (dir, folder) = some_dataset();
    let run = dir.path().join("run");
    std::fs::create_dir(&run).unwrap();
    std::fs::rename(&folder, run.join("01-collect")).unwrap();
    let (views, usual) = (run.join("02-augment"), dir.path().join("usual"));
    let options = AugmentOptions { originals: false, ..options(2, &OPS) };
    let outcome = options.run(&Ctx::quiet(5), &run.join("01-collect"), &views).unwrap();
    assert_eq!((outcome.samples, &outcome.figures["originals"]), (4 + 4 * 2, &4.into()));
    AugmentOptions { originals: true, ..options }
        .run(&Ctx::quiet(5), &run.join("01-collect"), &usual)
        .unwrap();
    let read =
        |folder: &Path| Dataset::open(folder).unwrap().samples().map(Result::unwrap).collect::<Vec<_>>();
    let kept = |sample: &Sample| sample.split != Split::Train || sample.origin.is_some();
    assert!(read(&views).iter().eq(read(&usual).iter().filter(|sample| kept(sample))));
    let id = "s0!augment00002";
    assert!(replay(&Ctx::quiet(0), &views, id).unwrap_err().message.contains("not in the dataset: s0"));
    std::fs::write(run.join(crate::run::record::RUN_FILE), "{}").unwrap();
    assert!(replay(&Ctx::quiet(0), &views, id).unwrap().same);
}

#[test]
fn pictures_that_share_are_changed_alike() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("in");
    let mut writer = DatasetWriter::create(&folder, Meta::images("t", vec![])).unwrap();
    for id in ["left/1.png", "left/2.png", "right/1.jpg", "right/2.jpg"] {
        let data = (0..12 * 10).map(|p| (p * 7) as u8).collect();
        let content = Content::from_pixels(Pixels::new(data, 12, 10, 1).unwrap());
        writer.push(Sample::new(id, None, Split::Train, content)).unwrap();
    }
    writer.finish().unwrap();
    let alike = |shared: Shared| {
        let out = dir.path().join(format!("{shared:?}"));
        AugmentOptions { shared, ..options(1, &OPS) }.run(&Ctx::quiet(5), &folder, &out).unwrap();
        let samples = Dataset::open(&out).unwrap().samples().map(Result::unwrap);
        let copies: Vec<_> =
            samples.filter(|s| s.origin.is_some()).map(|s| s.pixels().unwrap().data).collect();
        let [a, b, c, d] = copies.try_into().unwrap();
        ((a == b, c == d), (a == c, b == d))
    };
    assert_eq!(alike(Shared::None), ((false, false), (false, false)));
    assert_eq!(alike(Shared::Name), ((false, false), (true, true)));
    assert_eq!(alike(Shared::Folder), ((true, true), (false, false)));
}

#[test]
fn copies_are_compressed_by_webp_and_made_again() {
    let (dir, folder) = some_dataset();
    let webp = Some(Webp { quality: [20, 40], p: 0.7 });
    let out = dir.path().join("out");
    AugmentOptions { webp, ..options(4, &OPS[..1]) }.run(&Ctx::quiet(5), &folder, &out).unwrap();
    let copies = Dataset::open(&out).unwrap().samples().map(Result::unwrap).filter(|s| s.origin.is_some());
    let qualities: Vec<_> = copies
        .map(|copy| {
            assert!(replay(&Ctx::quiet(0), &out, &copy.id).unwrap().same, "{}", copy.id);
            CopyParams::of(&copy.origin.unwrap()).unwrap().webp
        })
        .collect();
    assert!(qualities.iter().flatten().all(|quality| (20..=40).contains(quality)), "{qualities:?}");
    assert!(qualities.contains(&None) && qualities.iter().flatten().count() > 8, "{qualities:?}");
    let shared = AugmentOptions {
        shared: Shared::Name,
        partners: vec!["{ op = \"mixup\" }".parse().unwrap()],
        ..options(1, &OPS)
    };
    let e = shared.run(&Ctx::quiet(5), &folder, &dir.path().join("e")).unwrap_err();
    assert!(e.message.contains("cannot meet other pictures"), "{e}");
}

#[test]
fn wrong_options_and_datasets_are_refused() {
    let (dir, folder) = some_dataset();
    let run = |options: AugmentOptions, folder: &Path, out: &str| {
        options.run(&Ctx::quiet(0), folder, &dir.path().join(out)).unwrap_err()
    };
    assert!(run(options(0, &OPS), &folder, "a").message.starts_with("copies = 0 is out of range"));
    assert!(run(options(1, &[]), &folder, "b").message.starts_with("no operation is given"));
    let crop = options(1, &[r#"{ op = "random_crop", height = 50 }"#]);
    let e = run(crop, &folder, "c");
    assert!(e.message.contains("do not fit a picture of 12 x 10: s0"), "{e}");
    let once = dir.path().join("once");
    options(1, &OPS).run(&Ctx::quiet(0), &folder, &once).unwrap();
    assert!(run(options(1, &OPS), &once, "d").message.starts_with("dataset is augmented already"));
    let table = dir.path().join("table");
    DatasetWriter::create(&table, Meta::table("t", vec![], vec!["x".into()])).unwrap().finish().unwrap();
    assert!(run(options(1, &OPS), &table, "e").message.starts_with("augment works on pictures, not on rows"));
}

#[test]
fn the_defaults_are_usable_and_the_recipe_says_the_same() {
    let defaults = AugmentOptions::default();
    assert_eq!((defaults.copies, defaults.ops.len()), (1, 2));
    let table = "copies = 4\nops = [{ op = \"hflip\", p = 0.5 }]";
    let from_recipe: AugmentOptions = toml::from_str(table).unwrap();
    assert_eq!(from_recipe, options(4, &[r#"{ op = "hflip", p = 0.5 }"#]));
}
