use super::text::Found;
use super::*;
use crate::codec::{Pixels, encode_png};
use crate::dataset;
use crate::error::Kind;
use crate::stages::Ctx;
use crate::stages::export::ExportFormat;
use crate::stages::preprocess::Mode;
use proptest::prelude::*;

fn refused(text: &str) -> Error {
    let e = Recipe::parse(text).unwrap_err();
    assert_eq!(e.kind, Kind::Usage);
    e
}

/// Pictures with classes, of one size.
fn pictures() -> Found {
    Found {
        input: vec!["raw \"1\"".into()],
        name: "digits".into(),
        seed: 9,
        strict: true,
        kind: dataset::Kind::Images,
        classes: true,
        size: None,
        mode: Mode::Keep,
    }
}

const HEAD: &str = "input = \"raw\"\n[collect]\n";

#[test]
fn an_empty_table_has_the_defaults_and_no_table_skips_the_stage() {
    let recipe = Recipe::parse(HEAD).unwrap();
    assert_eq!(recipe.collect, CollectOptions::default());
    assert!(recipe.augment.is_none() && recipe.seed == 0);
    let recipe = Recipe::parse(&format!("seed = 9\n{HEAD}[augment]\n")).unwrap();
    assert_eq!((recipe.seed, recipe.augment), (9, Some(AugmentOptions::default())));
}

#[test]
fn unknown_names_are_told_with_place_and_nearest() {
    let e = refused(&format!("{HEAD}val_fractoin = 0.1\n"));
    assert_eq!(e.message, "unknown key `val_fractoin`: recipe, line 3, column 1");
    assert_eq!(e.hint.as_deref(), Some("did you mean `val_fraction`?"));
    let e = refused(&format!("{HEAD}[augmnet]\n"));
    assert!(e.message.contains("line 3") && e.hint.unwrap().contains("`augment`"));
    let e = refused(&format!("{HEAD}format = \"ixd\"\n"));
    assert!(e.message.contains("`ixd`") && e.message.contains("line 3, column 10"), "{e}");
    assert_eq!(e.hint.as_deref(), Some("did you mean `idx`?"));
}

#[test]
fn wrong_types_name_the_key() {
    let e = refused(&format!("{HEAD}limit = \"many\"\n"));
    assert!(e.message.contains("`limit`") && e.message.contains("line 3, column 9"), "{e}");
    assert!(refused("seed = -1\ninput = 'x'\n[collect]\n").message.contains("`seed`"));
    assert!(refused("input = 'x'\n").message.contains("collect"));
    assert!(refused("[collect]\n").message.contains("input"));
    assert!(refused("input = 'x'\n[collect\n").message.contains("line 2"));
}

#[test]
fn options_out_of_range_name_table_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.toml");
    std::fs::write(&path, format!("{HEAD}val_fraction = 1.5\n")).unwrap();
    let e = Recipe::load(&path).unwrap_err();
    assert!(e.message.contains("[collect]") && e.message.contains("r.toml") && e.kind == Kind::Usage, "{e}");
}

#[test]
fn operations_that_leak_are_refused_for_a_generator() {
    let recipe = |augment: &str, train: &str| {
        Recipe::parse(&format!("{HEAD}[augment]\n{augment}{train}"))
            .unwrap()
            .check()
            .map_err(|e| e.to_string())
    };
    let ops = "ops = [{ op = 'hflip' }, { op = 'one_of', steps = [{ op = 'cutout' }, { op = 'gamma' }] }]\n";
    let e = recipe(ops, "[train]\n").unwrap_err();
    assert!(e.contains("[augment]") && e.contains("`cutout`") && !e.contains("hflip"), "{e}");
    assert_eq!(recipe(ops, ""), Ok(()));
    let e = recipe("", "[balance]\nmethod = 'augment'\nops = [{ op = 'box_blur' }]\n[train]\n").unwrap_err();
    assert!(e.contains("[balance]") && e.contains("`box_blur`"), "{e}");
    // Which this method does not do.
    assert_eq!(recipe("", "[balance]\nops = [{ op = 'box_blur' }]\n[train]\n"), Ok(()));
    // A border of one value is seen.
    let e = recipe("ops = [{ op = 'rotate', border = 0 }]\n", "[train]\n").unwrap_err();
    assert!(e.contains("`rotate`") && e.contains("\"edge\""), "{e}");
    assert_eq!(recipe("ops = [{ op = 'rotate', border = 'edge' }]\n", "[train]\n"), Ok(()));
    assert_eq!(recipe(&format!("{ops}allow_leaking = true\n"), "[train]\n"), Ok(()));
    assert_eq!(recipe("", "[train]\n"), Ok(()));
    let partners = "partners = [{ op = 'mixup' }, { op = 'adapt_distribution' }]\n";
    let e = recipe(partners, "[train]\n").unwrap_err();
    assert!(e.contains("[augment]") && e.contains("`mixup`") && !e.contains("adapt"), "{e}");
    assert_eq!(recipe(&format!("{partners}allow_leaking = true\n"), "[train]\n"), Ok(()));
    assert_eq!(recipe(partners, ""), Ok(()));
}

#[test]
fn paths_are_relative_to_the_recipe() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("digits.toml");
    std::fs::write(&path, HEAD).unwrap();
    let (recipe, text) = Recipe::load(&path).unwrap();
    assert_eq!(recipe.input.first(), dir.path().join("raw"));
    assert_eq!((recipe.name.as_deref(), text.as_str()), (Some("digits"), HEAD));
}

#[test]
fn the_written_recipe_parses_to_the_defaults() {
    let text = pictures().recipe();
    let recipe = Recipe::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(recipe.input.names(), [Path::new("raw \"1\"")]);
    assert_eq!((recipe.seed, recipe.strict), (9, true));
    assert_eq!(recipe.collect, CollectOptions::default());
    assert_eq!(recipe.preprocess, Some(PreprocessOptions::default()));
    assert_eq!(recipe.augment, Some(AugmentOptions::default()));
    assert_eq!(recipe.prune, Some(PruneOptions::default()));
    assert_eq!(recipe.evaluate, Some(EvaluateOptions::default()));
    assert_eq!(recipe.balance, Some(BalanceOptions::default()));
    assert_eq!(recipe.train, Some(TrainOptions::default()));
    assert_eq!(recipe.generate, Some(GenerateOptions::default()));
    let output = ExportOptions { format: Some(ExportFormat::Folder), ..ExportOptions::default() };
    assert_eq!(recipe.output, Some(output));
}

#[test]
fn tables_that_the_data_has_no_use_for_are_commented_out() {
    let read = |found: Found| Recipe::parse(&found.recipe()).unwrap();
    let table = read(Found { kind: dataset::Kind::Table, ..pictures() });
    assert!(table.augment.is_none() && table.balance.is_some());
    assert_eq!(table.output.unwrap().format, Some(ExportFormat::Parquet));
    assert!(read(Found { classes: false, ..pictures() }).balance.is_none());
    let forms = Found { size: "32".parse().ok(), mode: Mode::Rgb, ..pictures() };
    let preprocess = read(forms).preprocess.unwrap();
    assert_eq!((preprocess.size, preprocess.mode), ("32".parse().ok(), Mode::Rgb));
}

#[test]
fn a_file_of_labels_is_relative_to_the_recipe_and_a_column_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    // An NPY header is enough to be known by.
    std::fs::write(at("x.npy"), b"\x93NUMPY\x01\x00").unwrap();
    std::fs::write(at("x.csv"), "a,y\n1,2\n").unwrap();
    let label = |input: &str, label: &str| {
        let text = format!("input = {input:?}\n[collect]\nlabel = {label:?}\n");
        std::fs::write(at("r.toml"), text).unwrap();
        Recipe::load(&at("r.toml")).unwrap().0.collect.label.unwrap()
    };
    assert_eq!(Path::new(&label("x.npy", "y.npy")), at("y.npy"));
    assert_eq!(label("x.npy", "none"), "none");
    assert_eq!(label("x.csv", "y"), "y");
}

#[test]
fn what_is_no_recipe_is_a_usage_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.toml");
    assert_eq!(Recipe::load(&path).unwrap_err().kind, Kind::Usage);
    std::fs::write(&path, b"name = \"\xff\"").unwrap();
    assert_eq!(Recipe::load(&path).unwrap_err().kind, Kind::Usage);
}

#[test]
fn commands_that_are_no_tables_are_told() {
    let hint = |table: &str| refused(&format!("{HEAD}[{table}]\n")).hint.unwrap();
    assert!(hint("export").contains("`output`"));
    assert!(hint("inspect").contains("seedbed inspect"));
}

#[test]
fn init_looks_and_writes_once() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("t.csv");
    std::fs::write(&input, "a,b,label\n1,2,x\n3,4,y\n5,6,x\n").unwrap();
    let out = dir.path().join("seedbed.toml");
    let options = InitOptions { input: vec![input], force: false };
    let ctx = Ctx::quiet(7);
    let written = init(&ctx, &options, &out).unwrap();
    assert_eq!((written.samples, written.classes), (3, 2));
    let (recipe, text) = Recipe::load(&out).unwrap();
    assert!(text.contains("input = \"t.csv\"\n") && recipe.input.first() == dir.path().join("t.csv"));
    assert_eq!(recipe.seed, 7);
    assert_eq!(init(&ctx, &options, &out).unwrap_err().kind, Kind::Usage);
    init(&ctx, &InitOptions { force: true, ..options }, &out).unwrap();
}

#[test]
fn pictures_that_no_model_takes_as_they_are_get_one_form() {
    let form = |shapes: &[[usize; 3]]| {
        let dir = tempfile::tempdir().unwrap();
        let raw = dir.path().join("raw");
        std::fs::create_dir(&raw).unwrap();
        for (i, [h, w, c]) in shapes.iter().enumerate() {
            let pixels = Pixels::new(vec![i as u8; h * w * c], *h, *w, *c).unwrap();
            std::fs::write(raw.join(format!("{i}.png")), encode_png(&pixels).unwrap()).unwrap();
        }
        let out = dir.path().join("r.toml");
        init(&Ctx::quiet(0), &InitOptions { input: vec![raw], force: false }, &out).unwrap();
        let recipe = Recipe::load(&out).unwrap().0;
        assert!(recipe.balance.is_none(), "there are no classes");
        let preprocess = recipe.preprocess.unwrap();
        (preprocess.size.is_some(), preprocess.mode)
    };
    assert_eq!(form(&[[8, 8, 1], [8, 8, 1]]), (false, Mode::Keep));
    assert_eq!(form(&[[8, 8, 1], [9, 8, 1]]), (true, Mode::Keep));
    assert_eq!(form(&[[8, 8, 1], [8, 8, 3]]), (false, Mode::Rgb));
    assert_eq!(form(&[[200, 100, 3], [200, 100, 3]]), (true, Mode::Keep));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}", at in 0usize..400) {
        let _ = Recipe::parse(&text);
        let mut whole = pictures().recipe();
        let at = whole.floor_char_boundary(at.min(whole.len()));
        whole.insert_str(at, &text);
        let _ = Recipe::parse(&whole);
    }
}

/// The table of each stage with its options as clap knows them.
fn tables() -> Vec<(&'static str, clap::Command)> {
    fn of<O: clap::Args>(table: &'static str) -> (&'static str, clap::Command) {
        (table, O::augment_args(clap::Command::new("table").no_binary_name(true)))
    }
    vec![
        of::<CollectOptions>("collect"),
        of::<PreprocessOptions>("preprocess"),
        of::<PruneOptions>("prune"),
        of::<BalanceOptions>("balance"),
        of::<AugmentOptions>("augment"),
        of::<TrainOptions>("train"),
        of::<GenerateOptions>("generate"),
        of::<EvaluateOptions>("evaluate"),
        of::<ExportOptions>("output"),
    ]
}

/// A recipe with one key of a table set.
fn with(table: &str, key: &str, value: &str) -> String {
    let collect = if table == "collect" { "" } else { "[collect]\n" };
    let train = if table == "generate" { "[train]\n" } else { "" };
    format!("input = 'x'\n{collect}{train}[{table}]\n{key} = {value}\n")
}

#[test]
fn every_value_that_the_comments_name_parses_with_hyphens_and_underscores() {
    let mut seen = 0;
    for (table, command) in tables() {
        for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
            for value in arg.get_possible_values().iter().map(|v| v.get_name()) {
                if ["true", "false"].contains(&value) {
                    continue;
                }
                assert!(!value.contains('_'), "{table}: {value}");
                for spelling in [value.to_owned(), value.replace('-', "_")] {
                    let text = with(table, arg.get_id().as_str(), &format!("{spelling:?}"));
                    Recipe::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
                    let flag = format!("--{}", arg.get_long().unwrap());
                    command.clone().try_get_matches_from([&flag, &spelling]).unwrap();
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 60, "{seen}");
}

#[test]
fn no_number_may_be_nan_or_infinite_or_beyond_all_measure() {
    use std::any::TypeId;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.toml");
    let mut seen = 0;
    for (table, command) in tables() {
        for arg in command.get_arguments() {
            let parsed = arg.get_value_parser().type_id();
            if parsed != TypeId::of::<f32>() && parsed != TypeId::of::<f64>() {
                continue;
            }
            let key = arg.get_id().as_str();
            let several = matches!(arg.get_action(), clap::ArgAction::Append);
            for value in ["nan", "inf", "-inf", "-1e30"] {
                let value = if several { format!("[{value}]") } else { value.to_owned() };
                std::fs::write(&path, with(table, key, &value)).unwrap();
                let e = Recipe::load(&path).map(|_| ()).expect_err(&format!("{table}.{key} = {value}"));
                assert!(e.exit_code() == 2 && e.message.contains(key), "{table}.{key} = {value}: {e}");
                seen += 1;
            }
        }
    }
    assert!(seen > 60, "{seen}");
}
