//! The page of a report with everything in it, made without a run; tests/report_check opens it in a
//! browser.

use seedbed_cli::report::{draw, model::*};
use seedbed_cli::stages::augment::{Channel, Drift, Effect, Moved, Spectrum, Twins, Values};
use serde_json::json;

/// A small square picture of a blob whose place depends on `seed`.
fn blob(seed: u32, side: u32) -> Picture {
    let mut rgb = Vec::new();
    let (cx, cy) = ((seed * 7 % 5) as f32 / 5.0 + 0.1, (seed * 3 % 4) as f32 / 4.0 + 0.1);
    for y in 0..side {
        for x in 0..side {
            let (dx, dy) = (x as f32 / side as f32 - cx, y as f32 / side as f32 - cy);
            rgb.push(((-(dx * dx + dy * dy) * 12.0).exp() * 255.0) as u8);
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&rgb).unwrap();
    let uri = format!("data:image/png;base64,{}", seedbed_cli::report::base64(&bytes));
    Picture { id: format!("{seed:05}"), uri, width: side, height: side }
}

fn strips(per_class: u32) -> Vec<Strip> {
    (0..10)
        .map(|class| Strip {
            class: class.to_string(),
            pictures: (0..per_class).map(|i| blob(class * 31 + i, 8)).collect(),
        })
        .collect()
}

fn stage(name: &str, seconds: f64, samples: u64, figures: serde_json::Value) -> StageRow {
    StageRow {
        name: name.into(),
        folder: format!("01-{name}"),
        key: "00".into(),
        cached: name == "collect",
        samples,
        set_aside: u64::from(name == "collect") * 5,
        seconds,
        figures: figures.as_object().cloned().unwrap_or_default(),
    }
}

fn removed(method: &str, kept: bool, suggested: bool) -> Removed {
    let example = |i| RemovedExample {
        picture: blob(i, 8),
        kept: kept.then(|| blob(i + 1, 8)),
        class: Some("3".into()),
        suggested: suggested.then(|| "8".into()),
        score: Some(0.0123),
    };
    Removed {
        stage: "prune".into(),
        method: method.into(),
        count: 61,
        threshold: Some(0.25),
        examples: (0..8).map(example).collect(),
    }
}

fn curve(start: f64, end: f64, rise: f64) -> Vec<(f64, f64)> {
    (1..=40).map(f64::from).map(|e| (e, end + (start - end) * (-e / 6.0).exp() + rise * e)).collect()
}

fn row(kind: &str, stage: &str, planted: u64, found: u64, flagged: u64, right: u64) -> PlantedRow {
    PlantedRow {
        kind: kind.into(),
        stage: stage.into(),
        methods: "Exact duplicate".into(),
        planted,
        found,
        flagged: Some(flagged),
        right: Some(right),
        precision: Some(right as f64 / flagged as f64),
        recall: Some(found as f64 / planted as f64),
    }
}

fn effect() -> Effect {
    let values = |mean: f64, width: f64| Values {
        mean,
        std: width,
        black: 0.04,
        white: 0.0,
        histogram: (0..32).map(|bin| (-((f64::from(bin) * 8.0 - mean) / width).powi(2)).exp()).collect(),
    };
    let channel = |name: &str, by: f64| Channel {
        name: name.into(),
        before: values(90.0, 30.0),
        after: values(90.0 + by, 40.0),
        distance: 0.21,
    };
    let moved = |class: &str, copies: f64| Moved {
        class: class.into(),
        originals: 100,
        copies,
        held_out: Some(0.012),
        chance: 0.015,
        too_far: copies > 0.015,
    };
    Effect {
        originals: 1000,
        copies: 2000,
        border: 0.031,
        channels: vec![channel("red", 10.0), channel("green", 0.0), channel("blue", -20.0)],
        spectrum: Some(Spectrum {
            frequency: (0..16).map(|i| f64::from(i) / 32.0).collect(),
            before: (0..16).map(|i| 46.0 - f64::from(i)).collect(),
            after: (0..16).map(|i| 46.0 - 1.4 * f64::from(i)).collect(),
        }),
        twins: Twins { held_out: 0, other_class: 0, unchanged: 12, other: 1, repeated: 3 },
        drift: Some(Drift {
            space: "16 components of pixels 28 × 28 × 1".into(),
            all: moved("", 0.002),
            classes: vec![moved("six <6>", 0.31), moved("nine", 0.001)],
        }),
        warnings: vec!["copies of six <6> are further off than new pictures are".into()],
    }
}

fn full() -> Report {
    let tile = |label: &str, value: &str, note: &str| Tile {
        label: label.into(),
        value: value.into(),
        note: note.into(),
    };
    Report {
        folder: "seedbed-run".into(),
        operations: None,
        scores_left_out: vec!["the scores of reconstructed samples: 3 are too few, 7 are needed".into()],
        format: FORMAT,
        version: "0.1.0".into(),
        name: "Optical digits <demo> & more".into(),
        seed: 7,
        error: Some("no <space> left: stage train".into()),
        started: 1_795_252_541,
        seconds: 71.3,
        tiles: vec![
            tile("Samples in", "1,592", "and 5 set aside"),
            tile("Dropped", "187", "12 % of those collected"),
            tile("Added", "611", "by balancing and augmentation"),
            tile("Ready to train", "1,402", "10 classes"),
            tile("Generated", "500", "31 rejected"),
            tile("Coverage", "0.91", "floor 0.97"),
        ],
        stages: vec![
            stage("collect", 0.31, 1592, json!({"images": 1592, "classes": 10})),
            stage(
                "prune",
                2.4,
                1405,
                json!({"exact_duplicates": 60, "near_duplicates": 58, "outliers": 20, "labels": 44}),
            ),
            stage("balance", 0.2, 2016, json!({"strategy": "augment"})),
            stage("train", 62.0, 2016, json!({"epochs": 40, "val_elbo": -21.37})),
        ],
        classes: (0..10)
            .map(|c| ClassRow {
                name: c.to_string(),
                before: if c == 3 { 18 } else { 180 },
                after: 160,
                added: if c == 3 { 140 } else { 0 },
            })
            .collect(),
        before: strips(6),
        after: strips(6),
        dry_run: false,
        leaks: 3,
        removed: vec![
            removed("exact", true, false),
            removed("label_issues", false, true),
            removed("lof", false, false),
        ],
        augmented: (0..4)
            .map(|c| Augmented {
                class: c.to_string(),
                original: blob(c, 8),
                copies: (0..9).map(|i| blob(c + i, 8)).collect(),
            })
            .collect(),
        effect: Some(effect()),
        training: Some(Training {
            charts: vec![
                Chart {
                    title: "Loss".into(),
                    curves: vec![
                        ("train".into(), curve(43.0, 20.0, 0.0)),
                        ("validation".into(), curve(43.0, 21.0, 0.05)),
                    ],
                },
                Chart { title: "KL divergence".into(), curves: vec![("KL".into(), curve(0.0, 9.0, 0.0))] },
            ],
            best_epoch: Some(25.0),
            epochs: 40,
            samples: Some(blob(0, 48)),
            warnings: vec!["mode collapse".into()],
        }),
        generated: strips(14),
        scores: vec![ScoreTable {
            caption: "Features: PCA, 16 components".into(),
            columns: ["Real train (floor)", "Reconstructions", "Generated"]
                .map(|name| ScoreColumn { name: name.into(), sizes: "348 vs 500".into() })
                .into(),
            rows: vec![
                ScoreRow {
                    metric: "Fréchet distance".into(),
                    meaning: "lower is better".into(),
                    values: vec![Some(0.412), Some(2.31), Some(3.02)],
                },
                ScoreRow {
                    metric: "Coverage".into(),
                    meaning: "higher is better".into(),
                    values: vec![Some(0.97), None, Some(0.913)],
                },
            ],
        }],
        planted: Some(Planted {
            story: "Before the run, 185 faults were planted in the real data.".into(),
            rows: vec![
                row("Exact duplicates", "prune", 60, 60, 61, 60),
                row("Flipped labels", "prune", 40, 36, 44, 35),
            ],
        }),
        set_aside: (0..5)
            .map(|i| SetAside {
                source: format!("raw/3/damaged-{i}.png"),
                row: None,
                reason: "PNG: unexpected end of file".into(),
            })
            .collect(),
        recipe: "seed = 7\n\n[collect]\ninput = \"raw\"\n".into(),
        command: "seedbed demo --seed 7 --out seedbed-demo".into(),
    }
}

#[test]
fn a_full_page_is_whole_and_asks_for_nothing_outside() {
    let page = draw(&full());
    let out = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    std::fs::write(&out, &page).unwrap();
    for id in [
        "stages",
        "planted",
        "classes",
        "samples",
        "removed",
        "augmented",
        "training",
        "generated",
        "scores",
        "set-aside",
        "reproduce",
    ] {
        assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
        assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
    }
    assert!(page.contains("Optical digits &lt;demo&gt; &amp; more"));
    for outside in ["http:", "https:", "src=\"/", "url(", "@import", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("<img").count(), page.matches(" alt=\"").count());
    assert_eq!(page.matches("<section").count(), page.matches("</section>").count());
    assert_eq!(page.matches("<div").count(), page.matches("</div>").count());
}

#[test]
fn an_empty_report_is_a_page_too() {
    let page = draw(&Report::default());
    assert!(page.contains("id=\"reproduce\"") && !page.contains("<img") && !page.contains("NaN"));
}
