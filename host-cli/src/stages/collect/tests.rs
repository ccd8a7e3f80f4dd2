//! Datasets from sources: what is kept, what is set aside, how it is divided.

use super::*;
use crate::codec::{Pixels, encode_png};
use crate::dataset::Dataset;
use crate::pool::Pool;
use std::fs;

fn picture(value: u8) -> Vec<u8> {
    encode_png(&Pixels::new(vec![value; 12], 2, 2, 3).unwrap()).unwrap()
}

/// 2 classes of 20 pictures, and three files that are of no use.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let raw = temp.path().join("raw");
    for class in ["cat", "dog"] {
        fs::create_dir_all(raw.join(class)).unwrap();
        for i in 0..20 {
            fs::write(raw.join(class).join(format!("{i}.png")), picture(i + 10)).unwrap();
        }
    }
    let whole = picture(1);
    fs::write(raw.join("cat/cut.png"), &whole[..whole.len() - 8]).unwrap();
    fs::write(raw.join("cat/3.jpg"), picture(9)).unwrap();
    fs::write(raw.join("dog/notes.txt"), "x").unwrap();
    (temp, raw)
}

fn read(out: &Path) -> Vec<Sample> {
    Dataset::open(out).unwrap().samples().collect::<Result<_>>().unwrap()
}

#[test]
fn a_folder_becomes_a_dataset_and_what_is_damaged_a_list() {
    let (temp, raw) = folder();
    let out = temp.path().join("out");
    let outcome = CollectOptions::default().run(&Ctx::quiet(1), &raw, &out).unwrap();
    assert_eq!((outcome.samples, outcome.set_aside), (40, 3));
    assert_eq!(outcome.figures["splits"], serde_json::json!({"train": 35, "val": 0, "test": 5}));
    assert_eq!(outcome.figures["warnings"].as_array().unwrap().len(), 1, "none for validation");
    let splits: Vec<_> = read(&out).into_iter().map(|s| (s.id, s.split)).collect();
    let of = |id: &str| splits.iter().find(|(known, _)| known == id).unwrap().1;
    // The same picture in both classes.
    assert!((4..20).all(|i| of(&format!("cat/{i}")) == of(&format!("dog/{i}"))));
    let lines = fs::read_to_string(out.join(SET_ASIDE_FILE)).unwrap();
    let lines: Vec<SetAside> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    // The file that sorts first keeps the id.
    assert_eq!(lines[0].reason, "has the same id `cat/3` as cat/3.jpg");
    assert_eq!((lines[1].file.as_str(), lines[1].reason.as_str()), ("cat/cut.png", "PNG is cut off"));
    assert_eq!(lines[2].file, "dog/notes.txt");
    let samples = read(&out);
    assert_eq!(samples[0].id, "cat/0");
    let image = samples[0].content.image.as_ref().unwrap();
    assert_eq!(image.path.as_deref(), Some("cat/0.png"));
}

#[test]
fn strict_stops_at_the_first_damage() {
    let (temp, raw) = folder();
    let ctx = Ctx { strict: true, ..Ctx::quiet(1) };
    let run = |name: &str| CollectOptions::default().run(&ctx, &raw, &temp.path().join(name));
    assert_eq!(run("a").unwrap_err().message, "neither PNG, JPEG, BMP, WebP, PNM nor TIFF: dog/notes.txt");
    fs::remove_file(raw.join("dog/notes.txt")).unwrap();
    fs::remove_file(raw.join("cat/3.jpg")).unwrap();
    assert_eq!(run("b").unwrap_err().message, "PNG is cut off: cat/cut.png");
    fs::remove_file(raw.join("cat/cut.png")).unwrap();
    assert_eq!(run("c").unwrap().samples, 40);
}

#[test]
fn threads_shards_and_reading_order_change_nothing() {
    let (temp, raw) = folder();
    let run = |name: &str, threads, shard_rows| {
        let ctx = Ctx { pool: Pool::new(threads).unwrap(), ..Ctx::quiet(7) };
        let options = CollectOptions { shard_rows, limit: Some(30), ..CollectOptions::default() };
        options.run(&ctx, &raw, &temp.path().join(name)).unwrap().figures["content_hash"].clone()
    };
    let first = run("a", 1, 1000);
    assert_eq!(first, run("b", 2, 7));
    // The same files, made in another order.
    let again = temp.path().join("again");
    for class in ["dog", "cat"] {
        fs::create_dir_all(again.join(class)).unwrap();
        let mut names: Vec<_> =
            fs::read_dir(raw.join(class)).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort_by(|a, b| b.cmp(a));
        names.iter().for_each(|n| {
            fs::copy(raw.join(class).join(n), again.join(class).join(n)).unwrap();
        });
    }
    let options = CollectOptions { limit: Some(30), ..CollectOptions::default() };
    let outcome = options.run(&Ctx::quiet(7), &again, &temp.path().join("c")).unwrap();
    assert_eq!(outcome.figures["content_hash"], first);
    assert_eq!(outcome.figures["left_out"], 11);
}

#[test]
fn options_are_checked_before_any_work() {
    let run = |options: CollectOptions| {
        let e = options.run(&Ctx::quiet(0), Path::new("/none"), Path::new("/none/out")).unwrap_err();
        assert_eq!(e.exit_code(), 2, "{e}");
        e.message
    };
    let base = CollectOptions::default;
    assert!(run(CollectOptions { val_fraction: 1.0, ..base() }).contains("val_fraction"));
    assert!(run(CollectOptions { value_max: Some(-1.0), ..base() }).contains("value_max"));
    assert!(run(CollectOptions { limit: Some(0), ..base() }).contains("limit"));
    assert!(run(CollectOptions { max_pixels: 0, ..base() }).contains("max_pixels"));
    assert!(run(CollectOptions { shard_rows: 0, ..base() }).contains("shard_rows"));
    assert!(run(CollectOptions { image_shape: Some("8".into()), ..base() }).contains("image_shape"));
    let e = base().run(&Ctx::quiet(0), Path::new("/none"), Path::new("/none/out")).unwrap_err();
    assert_eq!((e.message.as_str(), e.exit_code()), ("no such file or folder: /none", 2));
}

#[test]
fn nothing_of_use_and_nowhere_to_write_are_errors() {
    let temp = tempfile::tempdir().unwrap();
    let csv = temp.path().join("t.csv");
    fs::write(&csv, "x,z,y\n?,1,1\n1,?,2\n").unwrap();
    let options = CollectOptions { label: Some("y".into()), ..CollectOptions::default() };
    let e = options.run(&Ctx::quiet(0), &csv, &temp.path().join("a")).unwrap_err();
    assert!(e.message.starts_with("none of 2 samples can be used"), "{e}");
    fs::write(&csv, "x,z,k\n1,1,a\n2,1,a\n").unwrap();
    let e = CollectOptions::default().run(&Ctx::quiet(0), &csv, &csv.join("out")).unwrap_err();
    assert!(e.message.contains("t.csv"), "{e}");
    let keep = CollectOptions { missing: Missing::Keep, ..CollectOptions::default() };
    fs::write(&csv, "x,z,k\n1,?,a\n2,1,a\n3,1,b\n").unwrap();
    let outcome = keep.run(&Ctx::quiet(0), &csv, &temp.path().join("b")).unwrap();
    assert_eq!((outcome.samples, outcome.set_aside), (3, 0));
    assert!(read(&temp.path().join("b"))[0].row()[1].is_nan());
}

/// A table of `n` rows, of which three after each other are of one patient.
fn patients(path: &Path, n: usize) {
    let rows: String =
        (0..n).map(|i| format!("r{i:04},p{},{}.5,{}\n", i / 3, i * 7, ["a", "b"][i % 2])).collect();
    fs::write(path, format!("id,patient,x,label\n{rows}")).unwrap();
}

#[test]
fn groups_of_a_column_are_never_divided_and_more_samples_move_none() {
    let temp = tempfile::tempdir().unwrap();
    let csv = temp.path().join("t.csv");
    let options =
        CollectOptions { group: Some("patient".into()), val_fraction: 0.3, ..CollectOptions::default() };
    let splits = |n: usize| {
        patients(&csv, n);
        let out = temp.path().join(format!("{n}"));
        options.run(&Ctx::quiet(5), &csv, &out).unwrap();
        let splits: Vec<_> = read(&out).into_iter().map(|s| (s.id, s.split)).collect();
        splits
    };
    let (few, many) = (splits(120), splits(300));
    assert_eq!(few[..], many[..120], "samples that come later move no others");
    assert!(many.chunks(3).all(|group| group.iter().all(|(_, split)| *split == group[0].1)));
    let val = many.iter().filter(|(_, split)| *split == Split::Val).count();
    assert!((45..135).contains(&val), "{val}");
    let both = CollectOptions { group_by: Some(GroupBy::Folder), ..options.clone() };
    assert_eq!(Stage::check(&both).unwrap_err().exit_code(), 2);
    let (_pictures, raw) = folder();
    let e = options.run(&Ctx::quiet(0), &raw, &temp.path().join("x")).unwrap_err();
    assert!(e.exit_code() == 2 && e.hint.unwrap().contains("--group-by"), "{}", e.message);
}

#[test]
fn more_set_aside_than_is_borne_stops() {
    let (temp, raw) = folder();
    let run = |most: &str| {
        let options =
            CollectOptions { max_set_aside: Some(most.parse().unwrap()), ..CollectOptions::default() };
        options.run(&Ctx::quiet(1), &raw, &temp.path().join(most.trim_end_matches('%'))).map(|o| o.set_aside)
    };
    // 3 of 43.
    assert_eq!((run("3").unwrap(), run("7%").unwrap()), (3, 3));
    for most in ["2", "6%"] {
        let e = run(most).unwrap_err();
        assert!(e.message.starts_with("3 of 43 samples cannot be used") && e.exit_code() == 1, "{e}");
        assert!(e.message.contains("dog/notes.txt") && e.message.contains("cat/cut.png"), "{e}");
    }
}
