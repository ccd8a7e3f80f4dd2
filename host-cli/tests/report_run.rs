//! The report of a run folder that was written by hand: what is in the folder is in the report.

use seedbed_cli::codec::Pixels;
use seedbed_cli::dataset::{Content, DatasetWriter, Meta, Origin, Sample, Split, derived_id};
use seedbed_cli::report;
use seedbed_cli::run::record::{RUN_FILE, RunRecord, StageRecord, save};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn sample(i: u8) -> Sample {
    let data = (0..64).map(|p| if p % 8 == i % 8 { 255 } else { i }).collect();
    let content = Content::from_pixels(Pixels::new(data, 8, 8, 1).unwrap());
    Sample::new(format!("s{i:03}"), Some(u32::from(i % 3)), Split::Train, content)
}

fn origin(source: &str, step: &str) -> Option<Origin> {
    let key = seedbed::rng::Key::new(2);
    Some(Origin { source: source.into(), step: step.into(), params: json!({"ops": []}).into(), seed: 1, key })
}

fn copies(of: &Sample, step: &str, n: u32) -> Vec<Sample> {
    (0..n)
        .map(|i| Sample { id: derived_id(&of.id, step, i), origin: origin(&of.id, step), ..of.clone() })
        .collect()
}

fn write(folder: &Path, samples: impl IntoIterator<Item = Sample>) {
    let classes = ["zero", "one", "two"].map(String::from).to_vec();
    let mut writer = DatasetWriter::create(folder, Meta::images("d", classes)).unwrap();
    samples.into_iter().for_each(|s| writer.push(s).unwrap());
    writer.finish().unwrap();
}

fn lines(path: &Path, rows: &[Value]) {
    let text: String = rows.iter().map(|r| format!("{r}\n")).collect();
    fs::write(path, text).unwrap();
}

fn stage(name: &str, folder: &str, samples: u64, figures: Value) -> StageRecord {
    StageRecord {
        stage: name.into(),
        folder: folder.into(),
        samples,
        seconds: 0.5,
        set_aside: u64::from(name == "collect"),
        figures: figures.as_object().cloned().unwrap(),
        ..StageRecord::default()
    }
}

fn run_folder(root: &Path) {
    let at = |folder: &str| root.join(folder);
    write(&at("01-collect"), (0..30).map(sample));
    lines(
        &at("01-collect").join("set_aside.jsonl"),
        &[json!({"file": "two/bad.png", "samples": 1, "reason": "cut off"})],
    );
    write(&at("03-prune"), (0..28).map(sample));
    let dropped = [
        json!({"id": "s028", "stage": "prune", "method": "exact_duplicate", "score": 0.0, "kept": "s001"}),
        json!({"id": "s029", "stage": "prune", "method": "label_error", "score": 0.1, "threshold": 0.5, "suggested": "one"}),
    ];
    lines(&at("03-prune").join("dropped.jsonl"), &dropped);
    write(
        &at("05-augment"),
        (0..28).map(sample).flat_map(|s| [vec![s.clone()], copies(&s, "augment", 2)].concat()),
    );
    fs::create_dir(at("06-train")).unwrap();
    let history = |e: i32| json!({"epoch": e, "train_loss": 30 - e, "val_loss": 31 - e, "kl": e});
    lines(&at("06-train").join("history.jsonl"), &(1..=5).map(history).collect::<Vec<_>>());
    // Generated samples that were added to others.
    let generated = (100..130).map(|i| Sample { origin: origin("model", "generate"), ..sample(i) });
    write(&at("07-generate"), (0..28).map(sample).chain(generated));
    fs::write(
        at("demo.json"),
        json!({"found": [{"kind": "exact_duplicate", "stage": "prune", "planted": 1, "found": 1, "recall": 1.0}]}).to_string(),
    )
    .unwrap();
    let stages = vec![
        stage("collect", "01-collect", 30, json!({})),
        stage("prune", "03-prune", 28, json!({"dropped": 2})),
        stage("augment", "05-augment", 84, json!({})),
        stage("train", "06-train", 84, json!({"best_epoch": 4})),
        stage("generate", "07-generate", 58, json!({"generated": 30, "rejected": 3})),
    ];
    let run = RunRecord {
        name: "by hand".into(),
        seed: 1,
        recipe: "seed = 1\n".into(),
        stages,
        ..RunRecord::default()
    };
    save(root, RUN_FILE, &run).unwrap();
}

#[test]
fn what_is_in_the_folder_is_in_the_report() {
    let dir = tempfile::tempdir().unwrap();
    run_folder(dir.path());
    let (content, page) = report::make(dir.path(), dir.path()).unwrap();
    assert_eq!(
        content.classes.iter().map(|c| (c.before, c.after, c.added)).collect::<Vec<_>>(),
        [(10, 30, 20), (10, 27, 18), (10, 27, 18)]
    );
    assert_eq!(content.before.len(), 3);
    assert_eq!(content.removed.len(), 2);
    let duplicate = &content.removed[0].examples[0];
    assert!(!duplicate.picture.uri.is_empty() && !duplicate.kept.as_ref().unwrap().uri.is_empty());
    let label = &content.removed[1].examples[0];
    assert_eq!((label.class.as_deref(), label.suggested.as_deref()), (Some("two"), Some("one")));
    assert!(content.augmented.iter().all(|a| a.copies.len() == 2 && !a.original.uri.is_empty()));
    assert_eq!(content.training.as_ref().unwrap().best_epoch, Some(4.0));
    assert_eq!(content.generated.len(), 3);
    assert!(content.generated.iter().flat_map(|s| &s.pictures).all(|p| p.id.as_str() >= "s100"));
    assert_eq!(content.planted.as_ref().unwrap().rows[0].found, 1);
    assert_eq!(content.set_aside[0].source, "two/bad.png");
    let tiles: Vec<_> =
        content.tiles.iter().map(|t| format!("{}: {} ({})", t.label, t.value, t.note)).collect();
    assert_eq!(
        tiles,
        [
            "Samples in: 30 (1 set aside)",
            "Removed: 2 (6.7 % of those collected)",
            "Added: 56 (by balancing and augmentation)",
            "To train on: 84 (0 val, 0 test)",
            "Generated: 30 (3 rejected)"
        ]
    );
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("looks like <b>one</b>") && html.contains("best, epoch 4"));
    let json: Value = serde_json::from_slice(&fs::read(dir.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(json["removed"][0]["examples"][0]["kept"]["id"], "s001");
    assert!(json["before"][0]["pictures"][0].get("uri").is_none());
}

#[test]
fn the_same_folder_gives_the_same_page() {
    let dir = tempfile::tempdir().unwrap();
    run_folder(dir.path());
    let read = || fs::read(report::make(dir.path(), dir.path()).unwrap().1).unwrap();
    assert_eq!(read(), read());
}

#[test]
fn a_folder_that_is_no_run_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let e = report::make(dir.path(), dir.path()).unwrap_err();
    assert!(e.exit_code() == 2 && e.message.contains("run.json"), "{e}");
}
