use super::super::AugmentOptions;
use super::*;
use crate::dataset::{DatasetWriter, Meta};
use crate::pool::Pool;
use crate::stages::Stage;
use seedbed::rng::{Key, Stream};
use std::path::PathBuf;
use tempfile::TempDir;

/// Two classes of noisy 16 x 16 pictures: a bright left side and, mirrored, a bright right one; with `sizes` of two sizes.
fn sides(sizes: bool) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("in");
    let meta = Meta::images("t", vec!["left".into(), "right".into()]);
    let mut writer = DatasetWriter::create(&folder, meta).unwrap();
    for i in 0..300u32 {
        let mut stream = Stream::new(3, Key::new(1).sample(u64::from(i / 2)));
        let (side, class) = (if sizes { 16 + i as usize % 3 } else { 16 }, i % 2);
        let mut data: Vec<u8> = (0..side * side)
            .map(|at| if at % side < side / 2 { 140 } else { 40 } + (stream.next_u32() % 60) as u8)
            .collect();
        if class == 1 {
            data.chunks_mut(side).for_each(<[u8]>::reverse);
        }
        let split = if i % 6 < 4 { Split::Train } else { Split::Val };
        let content = Content::from_pixels(Pixels::new(data, side, side, 1).unwrap());
        writer.push(Sample::new(format!("{i:04}"), Some(class), split, content)).unwrap();
    }
    writer.finish().unwrap();
    (dir, folder)
}

fn effect_of(ops: &[&str], sizes: bool) -> Effect {
    let (dir, folder) = sides(sizes);
    let ops = ops.iter().map(|text| text.parse().unwrap()).collect();
    let out = dir.path().join("out");
    AugmentOptions { copies: 2, ops, ..AugmentOptions::default() }
        .run(&Ctx::quiet(5), &folder, &out)
        .unwrap();
    Effect::read(&out.join(EFFECT_FILE)).unwrap().unwrap()
}

#[test]
fn a_flip_that_makes_one_class_of_the_other_is_told() {
    let effect = effect_of(&["{ op = \"hflip\" }"], false);
    assert_eq!((effect.originals, effect.copies), (200, 400));
    assert_eq!(effect.twins, Twins { other_class: 400, ..Twins::default() });
    assert!(
        effect.warnings[0].starts_with("400 of 400 copies are the very pictures of another class"),
        "{effect:?}"
    );
    let drift = effect.drift.unwrap();
    // Both classes together are what they were; each by itself has become the other.
    assert!(!drift.all.too_far && drift.classes.iter().all(|class| class.too_far), "{drift:?}");
    assert_eq!((effect.border, effect.channels[0].distance), (0.0, 0.0));
}

#[test]
fn noise_blur_and_borders_are_seen_where_they_are() {
    let still = effect_of(&["{ op = \"brightness\", factor = 1 }"], false);
    assert_eq!(still.twins.unchanged, still.copies);
    assert!(still.warnings.len() == 1 && still.warnings[0].contains("no new pictures"), "{still:?}");
    let last = |effect: &Effect| {
        let spectrum = effect.spectrum.as_ref().unwrap();
        spectrum.after.last().unwrap() - spectrum.before.last().unwrap()
    };
    assert_eq!(last(&still), 0.0);
    assert!(last(&effect_of(&["{ op = \"gaussian_blur\", sigma = 1.5 }"], false)) < -10.0);
    assert!(last(&effect_of(&["{ op = \"gaussian_noise\", std = 60 }"], false)) > 5.0);
    let moved = effect_of(
        &["{ op = \"shift_scale_shear\", shift_x = 0.5, shift_y = 0, scale = 1, border = 0 }"],
        false,
    );
    assert!((moved.border - 0.5).abs() < 0.04, "{}", moved.border);
    assert!(moved.warnings.iter().any(|warning| warning.contains("show a border")), "{:?}", moved.warnings);
    assert!(moved.channels[0].after.black > 0.4 && moved.channels[0].before.black == 0.0);
}

#[test]
fn pictures_of_several_sizes_are_compared_too() {
    let effect = effect_of(&["{ op = \"rotate\", degrees = [-5, 5], border = \"edge\" }"], true);
    assert!(effect.drift.is_some() && effect.spectrum.is_some(), "{effect:?}");
    assert!(effect.warnings.is_empty(), "{effect:?}");
}

#[test]
fn threads_change_nothing() {
    let (dir, folder) = sides(false);
    let run = |name: &str, threads| {
        let ctx = Ctx { pool: Pool::new(threads).unwrap(), ..Ctx::quiet(5) };
        let out = dir.path().join(name);
        AugmentOptions::default().run(&ctx, &folder, &out).unwrap();
        std::fs::read(out.join(EFFECT_FILE)).unwrap()
    };
    assert_eq!(run("one", 1), run("three", 3));
}
