use super::*;
use crate::codec::Pixels;
use crate::dataset::{Content, Dataset, DatasetWriter, Meta, Sample, Split, content_hash};
use crate::pool::Pool;
use crate::stages::augment::{AugmentOptions, CopyParams};
use crate::stages::replay::{ReplayOptions, replay};
use crate::stages::{Ctx, Stage};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Pictures of two classes, every fourth in another split, of the sizes and channels that `shape` tells.
fn dataset(dir: &Path, ids: &[u32], shape: impl Fn(u32) -> (usize, usize, usize)) -> PathBuf {
    let folder = dir.join("in");
    let mut writer = DatasetWriter::create(&folder, Meta::images("t", vec!["a".into(), "b".into()])).unwrap();
    for &i in ids {
        let (h, w, c) = shape(i);
        let data = (0..(h * w * c) as u32).map(|p| (p * (2 * i + 3) + p * p / 17) as u8).collect();
        let split = if i % 4 == 3 { Split::Val } else { Split::Train };
        let content = Content::from_pixels(Pixels::new(data, h, w, c).unwrap());
        writer.push(Sample::new(format!("s{i:02}"), Some(i % 2), split, content)).unwrap();
    }
    writer.finish().unwrap();
    folder
}

fn some_dataset() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dataset(dir.path(), &(0..16).collect::<Vec<_>>(), |_| (12, 10, 3));
    (dir, folder)
}

fn parse(text: &str) -> Result<PartnerStep, String> {
    text.parse::<PartnerStep>().map_err(|e| e.to_string())
}

fn options(copies: u32, partners: &[PartnerStep]) -> AugmentOptions {
    let ops = vec![r#"{ op = "hflip", p = 0.5 }"#.parse().unwrap()];
    AugmentOptions { copies, ops, partners: partners.to_vec(), ..AugmentOptions::default() }
}

fn samples(folder: &Path) -> Vec<Sample> {
    Dataset::open(folder).unwrap().samples().map(Result::unwrap).collect()
}

fn params(sample: &Sample) -> Option<CopyParams> {
    sample.origin.as_ref().map(|origin| CopyParams::of(origin).unwrap())
}

#[test]
fn threads_change_nothing_and_every_operation_changes_the_copy() {
    let (dir, folder) = some_dataset();
    let run = |name: &str, threads, seed, partners: &[PartnerStep]| {
        let out = dir.path().join(name);
        let ctx = Ctx { pool: Pool::new(threads).unwrap(), ..Ctx::quiet(seed) };
        options(2, partners).run(&ctx, &folder, &out).unwrap();
        content_hash(&out, &Pool::single()).unwrap()
    };
    let all = PartnerStep::all();
    let one = run("one", 1, 5, &all);
    assert_eq!(one, run("four", 4, 5, &all));
    assert_ne!(one, run("seed", 1, 6, &all));
    let mut hashes = BTreeSet::from([run("none", 1, 5, &[])]);
    for (i, step) in all.iter().enumerate() {
        assert!(hashes.insert(run(&format!("only{i}"), 1, 5, &[*step])), "{}", step.kind().name);
    }
}

#[test]
fn a_copy_is_made_again_alone_and_its_partners_are_of_its_class_and_split() {
    let (dir, folder) = some_dataset();
    let run = dir.path().join("run");
    std::fs::create_dir(&run).unwrap();
    std::fs::rename(&folder, run.join("01-collect")).unwrap();
    let out = run.join("02-augment");
    let mut steps = PartnerStep::all();
    steps[0] = parse(r#"{ op = "match_histograms", p = 0.5 }"#).unwrap();
    options(2, &steps).run(&Ctx::quiet(5), &run.join("01-collect"), &out).unwrap();
    let all = samples(&out);
    let (mut skipped, mut met) = (0, BTreeSet::new());
    for sample in &all {
        let Some(params) = params(sample) else { continue };
        assert!(replay(&Ctx::quiet(0), &run, &sample.id).unwrap().same, "{}", sample.id);
        assert_eq!(params.partners.len(), steps.len());
        for id in params.partners.iter().flat_map(Meeting::with) {
            let other = all.iter().find(|other| other.id == *id).unwrap();
            assert_eq!((other.label, other.split), (sample.label, Split::Train));
            assert!(sample.origin.as_ref().unwrap().source != *id);
            met.insert(id.clone());
        }
        skipped += usize::from(params.partners[0] == Meeting::Skipped);
        let text = sample.origin.as_ref().unwrap().text().unwrap();
        assert_eq!(text, serde_json::from_str::<Json>(&text).unwrap().to_string(), "alphabetical keys");
    }
    assert!((4..20).contains(&skipped), "{skipped} of 24");
    assert_eq!(met.len(), 12, "everyone is met by somebody");
    let id = "s04!augment00002".to_owned();
    let outcome = ReplayOptions { id, dataset: out }.run(&Ctx::quiet(0), None).unwrap();
    assert_eq!(outcome.figures["partners"].as_array().unwrap().len(), steps.len());
}

#[test]
fn samples_that_come_move_few_partners() {
    let partners_of = |ids: &[u32]| {
        let dir = tempfile::tempdir().unwrap();
        let (folder, out) = (dataset(dir.path(), ids, |_| (6, 6, 1)), dir.path().join("out"));
        let step = parse(r#"{ op = "mixup" }"#).unwrap();
        options(1, &[step]).run(&Ctx::quiet(1), &folder, &out).unwrap();
        let copies = samples(&out);
        let of = |s: &Sample| params(s).map(|params| (s.id.clone(), params.partners));
        copies.iter().filter_map(of).collect::<Vec<_>>()
    };
    let all: Vec<u32> = (0..80).collect();
    let (before, after) = (partners_of(&all[..76]), partners_of(&all));
    let moved = before.iter().filter(|one| !after.contains(one)).count();
    assert!(before.len() == 57 && moved <= 10, "{moved} of {}", before.len());
}

#[test]
fn any_class_meets_others_and_who_is_alone_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    // One of class b, which is none in train but for it.
    let folder = dataset(dir.path(), &[0, 2, 4, 5], |_| (8, 8, 3));
    let run = |name: &str, text: &str| {
        let out = dir.path().join(name);
        options(4, &[parse(text).unwrap()]).run(&Ctx::quiet(1), &folder, &out).unwrap();
        let all = samples(&out);
        all.iter()
            .filter(|s| s.id.starts_with("s05!"))
            .map(|s| params(s).unwrap().partners)
            .collect::<Vec<_>>()
    };
    assert_eq!(run("own", r#"{ op = "mosaic" }"#), vec![vec![Meeting::Alone]; 4]);
    let any = run("any", r#"{ op = "adapt_distribution", kind = "pca", any_class = true }"#);
    assert!(any.iter().all(|all| all[0].with()[0] != "s05"), "{any:?}");
}

#[test]
fn another_size_is_fitted_and_other_channels_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = |i: u32| (9 + i as usize, 20 - i as usize, 3);
    let folder = dataset(dir.path(), &(0..8).collect::<Vec<_>>(), sizes);
    let out = dir.path().join("out");
    options(2, &PartnerStep::all()).run(&Ctx::quiet(3), &folder, &out).unwrap();
    for sample in samples(&out) {
        if sample.origin.is_some() {
            assert!(replay(&Ctx::quiet(0), &out, &sample.id).unwrap().same);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dataset(dir.path(), &[0, 2], |i| (8, 8, 1 + i as usize));
    let e =
        options(1, &PartnerStep::all()[..1]).run(&Ctx::quiet(3), &folder, &dir.path().join("o")).unwrap_err();
    assert_eq!(e.message, "a picture of 1 channels cannot meet one of 3: s02: s00");
    assert!(e.hint.unwrap().contains("preprocess"));
}

#[test]
fn copies_of_one_original_do_not_meet_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("in");
    let mut writer = DatasetWriter::create(&folder, Meta::images("t", vec!["a".into()])).unwrap();
    for id in ["x", "x!over00001", "x!over00002"] {
        let content = Content::from_pixels(Pixels::new(vec![7; 48], 4, 4, 3).unwrap());
        writer.push(Sample::new(id, Some(0), Split::Train, content)).unwrap();
    }
    writer.finish().unwrap();
    let out = dir.path().join("out");
    options(1, &PartnerStep::all()[..1]).run(&Ctx::quiet(3), &folder, &out).unwrap();
    let met: Vec<_> = samples(&out).iter().filter_map(params).map(|params| params.partners).collect();
    assert_eq!(met, vec![vec![Meeting::Alone]; 3]);
}

#[test]
fn a_changed_origin_is_told() {
    let (dir, folder) = some_dataset();
    let out = dir.path().join("out");
    options(1, &[parse(r#"{ op = "cutmix" }"#).unwrap()]).run(&Ctx::quiet(5), &folder, &out).unwrap();
    let sample = samples(&out).into_iter().find(|sample| sample.origin.is_some()).unwrap();
    let origin = sample.origin.unwrap();
    let source = Pixels::new(vec![9; 12 * 10 * 3], 12, 10, 3).unwrap();
    let again = |text: &str, with: &str| {
        let mut params: Json = origin.params.parse().unwrap();
        params["partners"][0] = serde_json::from_str(text).unwrap();
        let origin = crate::dataset::Origin { params: params.into(), ..origin.clone() };
        let find = |id: &str| (id == with).then(|| source.clone()).ok_or_else(|| Error::failed("gone"));
        super::super::make_again(seedbed::Level::detect(), &origin, &source, find)
    };
    let part = r#"{ "cutmix": { "part": { "height": 9, "left": 0, "top": 1, "width": 1 }, "with": "s" } }"#;
    assert!(again(part, "s").is_ok());
    assert_eq!(again(part, "t").unwrap_err().message, "gone");
    for wrong in [
        part.replace("9", "12"),
        r#"{ "mosaic": { "middle": [0, 3], "with": ["s", "s", "s"] } }"#.into(),
        r#"{ "mosaic": { "middle": [2, 3], "with": ["s"] } }"#.into(),
        r#"{ "mixup": { "share": 2, "with": "s" } }"#.into(),
        r#"{ "adapt_distribution": { "kind": "other", "share": 1, "with": "s" } }"#.into(),
    ] {
        assert!(again(&wrong, "s").is_err(), "{wrong}");
    }
}

#[test]
fn mistakes_name_key_and_value() {
    let e = |text: &str| parse(text).unwrap_err();
    assert!(e(r#"{ op = "mixp" }"#).starts_with("unknown partner operation `mixp`; did you mean `mixup`?"));
    assert_eq!(e(r#"{ op = "hflip" }"#), "`hflip` needs no other picture; write it under `ops`");
    assert_eq!(e(r#"{ op = "mixup", alfa = 1 }"#), "unknown key of mixup `alfa`; did you mean `alpha`?");
    assert!(e("{ beta = 1 }").contains("no `op`"));
    assert!(e("mixup").contains("no table of a partner"));
    for (text, wrong) in [
        (r#"{ op = "mixup", p = 1.5 }"#, "p = 1.5 of mixup is no probability from 0 to 1"),
        (r#"{ op = "mixup", p = nan }"#, "p = nan or inf of mixup is no probability from 0 to 1"),
        (r#"{ op = "mixup", alpha = [1] }"#, "from 0.001 to 1000"),
        (r#"{ op = "mosaic", margin = [0.4, 0.2] }"#, "margin = [0.4,0.2] of mosaic is no range"),
        (r#"{ op = "fourier_adaptation", beta = 0.6 }"#, "beta = 0.6 of fourier_adaptation is no range"),
        (r#"{ op = "adapt_distribution", kind = "lab" }"#, "none of standard, min_max, pca"),
        (r#"{ op = "adapt_distribution", any_class = 1 }"#, "neither true nor false"),
        (
            r#"{ op = "cutmix", any_class = true }"#,
            "any_class = true of cutmix: the copy would be of two classes",
        ),
    ] {
        assert!(e(text).contains(wrong), "{}", e(text));
    }
    let many = vec![PartnerStep::all()[0]; MAX_PARTNERS + 1];
    assert!(check_partners(&many).unwrap_err().message.starts_with("17 partners are too many"));
    for step in PartnerStep::all() {
        let text = toml::Value::try_from(step).unwrap().to_string();
        assert_eq!(parse(&text).unwrap(), step, "{text}");
        assert!(help().contains(&format!("\n{}: ", step.kind().name)));
    }
    let table = "partners = [{ op = 'fourier_adaptation', beta = [0.0, 0.1], p = 0.5 }, { op = 'mixup', alpha = 0.4 }]";
    let read: AugmentOptions = toml::from_str(table).unwrap();
    assert_eq!(read.partners.len(), 2);
    let text = toml::Value::try_from(read.partners[1]).unwrap().to_string();
    assert_eq!(text, r#"{ alpha = 0.4, any_class = false, op = "mixup", p = 1.0 }"#);
}

#[test]
fn what_leaks_is_named() {
    let own = parse(r#"{ op = "adapt_distribution" }"#).unwrap();
    let any = parse(r#"{ op = "adapt_distribution", any_class = true }"#).unwrap();
    let mixup = parse(r#"{ op = "mixup" }"#).unwrap();
    assert!(leaking_partners(&[own]).is_empty());
    assert_eq!(leaking_partners(&[mixup, any, own]), ["mixup", "adapt_distribution"]);
}
