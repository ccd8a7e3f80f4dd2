use super::*;
use crate::error::Kind;
use proptest::prelude::*;

fn refused(text: &str) -> Error {
    let e = Recipe::parse(text).unwrap_err();
    assert_eq!(e.kind, Kind::Usage);
    e
}

const TABLES: Tables = Tables { pictures: true, size: None };
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
fn paths_are_relative_to_the_recipe() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("digits.toml");
    std::fs::write(&path, HEAD).unwrap();
    let (recipe, text) = Recipe::load(&path).unwrap();
    assert_eq!(recipe.input, dir.path().join("raw"));
    assert_eq!((recipe.name.as_deref(), text.as_str()), (Some("digits"), HEAD));
}

#[test]
fn the_written_recipe_parses_to_the_defaults() {
    let text = Recipe::template("raw \"1\"", "digits", TABLES);
    let recipe = Recipe::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(recipe.input, Path::new("raw \"1\""));
    assert_eq!(recipe.collect, CollectOptions::default());
    assert_eq!(recipe.preprocess, Some(PreprocessOptions::default()));
    assert_eq!(recipe.augment, Some(AugmentOptions::default()));
    assert_eq!(recipe.prune, Some(PruneOptions::default()));
    assert_eq!(recipe.evaluate, Some(EvaluateOptions::default()));
    assert_eq!(recipe.balance, Some(BalanceOptions::default()));
    assert_eq!(recipe.train, Some(TrainOptions::default()));
    assert_eq!(recipe.generate, Some(GenerateOptions::default()));
    assert_eq!(recipe.output, Some(ExportOptions::default()));
    let table = Recipe::template("x", "y", Tables { pictures: false, size: None });
    let recipe = Recipe::parse(&table).unwrap_or_else(|e| panic!("{e}\n{table}"));
    assert!(recipe.augment.is_none());
}

#[test]
fn init_looks_and_writes_once() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("t.csv");
    std::fs::write(&input, "a,b,label\n1,2,x\n3,4,y\n5,6,x\n").unwrap();
    let out = dir.path().join("seedbed.toml");
    let options = InitOptions { input, force: false };
    let written = init(&options, &out).unwrap();
    assert_eq!((written.samples, written.classes), (3, 2));
    let (recipe, text) = Recipe::load(&out).unwrap();
    assert!(text.contains("input = \"t.csv\"\n") && recipe.input == dir.path().join("t.csv"));
    assert_eq!(init(&options, &out).unwrap_err().kind, Kind::Usage);
    init(&InitOptions { force: true, ..options }, &out).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}", at in 0usize..400) {
        let _ = Recipe::parse(&text);
        let mut whole = Recipe::template("raw", "x", TABLES);
        let at = whole.floor_char_boundary(at.min(whole.len()));
        whole.insert_str(at, &text);
        let _ = Recipe::parse(&whole);
    }
}
