use super::*;
use crate::augment::field::Value;
use crate::augment::normal::Normal;
use crate::image::{Border, Interpolation};
use proptest::prelude::*;
use serde_json::json;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

fn read(text: &str) -> Result<Branch<8>, String> {
    serde_json::from_str::<serde_json::Value>(text)
        .and_then(serde_json::from_value)
        .map_err(|e| e.to_string())
}

#[test]
fn a_table_becomes_a_step_and_what_it_leaves_out_has_its_default() {
    let step = read(r#"{"p": 0.5, "degrees": [-15, 15], "op": "rotate"}"#).unwrap();
    let op = Op::Rotate {
        degrees: [-15.0, 15.0],
        border: Border::Reflect101,
        interpolation: Interpolation::Bilinear,
    };
    assert_eq!(step.0, [Step { op, p: 0.5 }]);
    assert_eq!(read(r#"{"op": "gamma", "gamma": 2}"#).unwrap().0[0].op, Op::Gamma { gamma: [2.0, 2.0] });
    let crop = read(r#"{"op": "random_crop", "padding": 4, "border": 0}"#).unwrap();
    let want = Op::RandomCrop { height: 0, width: 0, padding: 4, border: Border::Constant(0) };
    assert_eq!(crop.0[0].op, want);
}

#[test]
fn mistakes_are_told_with_the_nearest_name_or_the_range() {
    let cases = [
        (r#"{"op": "rotat"}"#, "unknown operation `rotat`; did you mean `rotate`?"),
        (r#"{"op": "one_off", "steps": []}"#, "unknown operation `one_off`; did you mean `one_of`?"),
        (r#"{"op": "rotate", "degree": 3}"#, "unknown key of rotate `degree`; did you mean `degrees`?"),
        (r#"{"op": "hflip", "steps": []}"#, "unknown key of hflip `steps`; did you mean `p`?"),
        (r#"{"op": "one_of", "n": 1}"#, "unknown key of one_of `n`; did you mean `p`?"),
        (r#"{"degrees": 3}"#, "an operation needs its name: op = \"rotate\""),
        (r#"{"op": "hflip", "p": null}"#, "p = nan or inf of hflip is no probability from 0 to 1"),
        (r#"{"op": "hflip", "p": 1.5}"#, "p = 1.5 of hflip is no probability from 0 to 1"),
        (
            r#"{"op": "rotate", "degrees": [5, -5]}"#,
            "degrees = [5, -5] of rotate must be a number, or [lowest, highest], from -360 to 360",
        ),
        (r#"{"op": "pad", "top": -1}"#, "top = -1 of pad must be a whole number from 0 to 4096"),
        (
            r#"{"op": "pad", "border": "mirror"}"#,
            "border = \"mirror\" of pad must be \"reflect101\", \"reflect\", \"edge\", \"wrap\", or a level from 0 to 255",
        ),
        (
            r#"{"op": "resize", "filter": 3}"#,
            "filter = 3 of resize must be one of \"nearest\", \"bilinear\", \"bicubic\", \"lanczos3\", \"box\", \"area\", \"bicubic75\"",
        ),
        (r#"{"op": "one_of", "step": 1}"#, "unknown key of one_of `step`; did you mean `steps`?"),
        (r#"{"op": "one_of", "steps": []}"#, "steps of one_of must be a list of 1 to 16 operations"),
        (r#"{"op": "one_of"}"#, "steps of one_of must be a list of 1 to 16 operations"),
        (
            r#"{"op": "one_of", "steps": [3]}"#,
            "invalid type: integer `3`, expected the table of an operation, such as { op = \"rotate\", degrees = [-15, 15], p = 0.5 }",
        ),
        (
            r#"{"op": "some_of", "steps": [{"op": "hflip"}], "n": 2}"#,
            "n = 2 of some_of must be a whole number, or [least, most], from 0 to its 1 steps",
        ),
        (
            r#"{"op": "some_of", "steps": [{"op": "hflip"}]}"#,
            "some_of needs n, a whole number, or [least, most], from 0 to its 1 steps",
        ),
        (
            r#"{"op": "some_of", "n": 1, "any_order": 1, "steps": [{"op": "hflip"}]}"#,
            "any_order = 1 of some_of must be true or false",
        ),
    ];
    for (text, want) in cases {
        assert_eq!(read(text).unwrap_err(), want);
    }
    let many: Vec<_> = (0..9).map(|_| json!({"op": "hflip"})).collect();
    let e = serde_json::from_value::<Branch<8>>(json!({"op": "shuffled", "steps": many})).unwrap_err();
    assert_eq!(e.to_string(), "more than 8 operations, groups and their steps counted");
}

#[test]
fn groups_are_read_and_written_as_they_are_meant() {
    let flips = json!([{"op": "hflip"}, {"op": "vflip", "p": 0.5}]);
    let cases = [
        (json!({"op": "one_of", "steps": flips, "p": 0.25}), [2, 1, 1, 0]),
        (json!({"steps": flips, "op": "shuffled"}), [2, 2, 2, 1]),
        (json!({"op": "sequence", "steps": flips}), [2, 2, 2, 0]),
        (json!({"op": "some_of", "n": [0, 1], "steps": flips}), [2, 0, 1, 0]),
        (
            json!({"op": "some_of", "n": 1, "any_order": true, "steps": [{"op": "one_of", "steps": flips}, {"op": "gamma"}]}),
            [2, 1, 1, 0],
        ),
    ];
    for (json, [members, least, most, any_order]) in cases {
        let branch: Branch<8> = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(branch.0[0].op, Op::SomeOf { members, least, most, any_order: any_order == 1 }, "{json}");
        assert_eq!(
            serde_json::from_value::<Branch<8>>(serde_json::to_value(&branch).unwrap()).unwrap(),
            branch
        );
    }
}

#[test]
fn a_pipeline_has_its_version() {
    let json = json!({"version": VERSION, "fuse": false, "ops": [{"op": "hflip", "p": 0.5}, {"op": "invert", "p": 1}]});
    let pipeline: Pipeline<4> = serde_json::from_value(json.clone()).unwrap();
    assert!(!pipeline.fuses() && pipeline.steps().len() == 2);
    assert_eq!(serde_json::to_value(&pipeline).unwrap(), json);
    let short: Pipeline<4> = serde_json::from_value(json!({"ops": [{"op": "hflip"}]})).unwrap();
    assert!(short.fuses());
    let error = |json| serde_json::from_value::<Pipeline<4>>(json).unwrap_err().to_string();
    assert_eq!(
        error(json!({"version": 2, "ops": []})),
        "pipeline version 2 is not known to this build, which does version 3"
    );
    assert_eq!(error(json!({"fus": true})), "unknown key of a pipeline `fus`; did you mean `fuse`?");
    let twice = |text| serde_json::from_str::<Pipeline<4>>(text).unwrap_err().to_string();
    assert!(twice(r#"{"ops": [], "ops": []}"#).starts_with("ops is given twice"));
    assert!(twice(r#"{"ops": [{"op": "gamma", "p": 1, "p": 0}]}"#).starts_with("p is given twice"));
    assert!(
        twice(r#"{"ops": [{"op": "one_of", "steps": [], "steps": []}]}"#).starts_with("steps is given twice")
    );
    assert_eq!(error(json!({"fuse": true})), "missing field `ops`");
}

#[test]
fn a_pipeline_may_end_in_a_normalisation() {
    let json = json!({
        "version": VERSION, "fuse": true, "ops": [],
        "normalise": {"mean": [0.1, 0.5], "std": [1, 0.25], "layout": "chw"},
    });
    let pipeline: Pipeline<4> = serde_json::from_value(json.clone()).unwrap();
    let normal = Normal { mean: &[0.1, 0.5], std: &[1.0, 0.25], planes: true };
    assert_eq!(pipeline.normal(), Some(normal));
    assert_eq!(serde_json::to_value(&pipeline).unwrap(), json);
    let read = |json| serde_json::from_value::<Pipeline<4>>(json!({"ops": [], "normalise": json}));
    assert!(!read(json!({"mean": [0], "std": [1]})).unwrap().normal().unwrap().planes);
    for (json, want) in [
        (json!({"means": [0]}), "unknown key of normalise `means`; did you mean `mean`?"),
        (json!({"layout": "hcw"}), "unknown layout of normalise `hcw`; did you mean `hwc`?"),
        (
            json!({"mean": [0, 1], "std": [1]}),
            "mean and std of normalise must have a number for each channel, not 2 and 1",
        ),
        (json!({}), "mean and std of normalise must have a number for each channel, not 0 and 0"),
        (
            json!({"mean": [0], "std": [0]}),
            "mean and std of normalise must be finite, and std greater than 0",
        ),
        (json!({"mean": 0}), "invalid type: integer `0`, expected a list with a number for each channel"),
        (json!({"mean": vec![0; 17]}), "numbers for more than 16 channels"),
        (
            json!("imagenet"),
            "invalid type: string \"imagenet\", expected a table such as { mean = [0.5], std = [0.25], layout = \"chw\" }",
        ),
    ] {
        assert_eq!(read(json).unwrap_err().to_string(), want);
    }
    let twice = r#"{"ops": [], "normalise": {"std": [1], "std": [1]}}"#;
    let error = serde_json::from_str::<Pipeline<4>>(twice).unwrap_err().to_string();
    assert!(error.starts_with("std is given twice"), "{error}");
}

proptest! {
    #[test]
    fn tables_are_read_back_as_the_step(kind in 0..kinds().count(), share in 0.0f32..1.0, p in 0.0f32..=1.0) {
        let kind = kinds().nth(kind).unwrap();
        let values = kind.fields.iter().map(|f| match f.default {
            Value::Range(_) => Value::Range([f.low + (f.high - f.low) * share * 0.9, f.high]),
            Value::Count(_) => Value::Count((f.low + (f.high - f.low) * share) as u32),
            other => other,
        });
        let step = Step { op: Op::from_values(kind.code, values).unwrap(), p };
        let branch = Branch::<8>(heapless::Vec::from_array([step]));
        let text = serde_json::to_string(&branch).unwrap();
        prop_assert_eq!(serde_json::from_str::<Branch<8>>(&text).unwrap(), branch);
    }
}
