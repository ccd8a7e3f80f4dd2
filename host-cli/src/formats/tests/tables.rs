//! Text tables: headers, labels, missing values, pictures.

use super::*;

fn table(text: &str, options: &ReadOptions) -> Result<Source> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, text).unwrap();
    open(&path, options)
}

#[test]
fn tables_with_a_header_and_bad_rows() {
    let text =
        "\u{feff}width; class ;height\n1;a;2.5\n2;b;oops\n3;a\n4;b;inf\n5;a;?\n6;;7e1\n\n\"8\";\"b\";9\n";
    let source = table(text, &options()).unwrap();
    assert_eq!(
        (source.columns.as_slice(), source.classes.as_slice()),
        (["width".to_owned(), "height".into()].as_slice(), ["a".to_owned(), "b".into()].as_slice())
    );
    assert_eq!(listed(&source), ["00000000 a -", "00000005 - -", "00000006 b -"]);
    assert_eq!(row(load(&source, "00000005")), [6.0, 70.0]);
    assert_eq!(
        reasons(&source),
        [
            "missing value in column `height`: t.csv, row 6",
            "not a finite number in column `height`: inf: t.csv, row 5",
            "not a number in column `height`: oops: t.csv, row 3",
            "row has 2 cells, the table has 3 columns: t.csv, row 4",
        ]
    );
    let keep = table(text, &ReadOptions { missing: Missing::Keep, ..options() }).unwrap();
    assert!(row(load(&keep, "00000004"))[1].is_nan());
}

#[test]
fn tables_without_a_header_guess_the_label() {
    let rows = |row: &dyn Fn(usize) -> String| (0..40).map(|i| row(i) + "\n").collect::<String>();
    // Whole numbers that come again, in the last column; the texts before become features.
    let rings = table(&rows(&|i| format!("{},{}.5,{}", ["M", "F"][i % 2], i, i % 5)), &options()).unwrap();
    assert_eq!(
        (rings.columns.as_slice(), rings.classes.len()),
        (["c1=F", "c1=M", "c2"].map(String::from).as_slice(), 5)
    );
    assert_eq!(row(load(&rings, "00000003")), [1.0, 0.0, 3.5]);
    // A last column of distinct numbers is none; the last column of texts is.
    let sexes = table(&rows(&|i| format!("{},{}.5", ["M", "F"][i % 2], i)), &options()).unwrap();
    assert_eq!(sexes.classes, ["F", "M"]);
    let nothing = table(&rows(&|i| format!("{i} {i}.25")), &options()).unwrap();
    assert!(nothing.classes.is_empty() && nothing.columns.len() == 2);
    let named = |label: &str| ReadOptions { label: Some(label.into()), ..options() };
    assert_eq!(table(&rows(&|i| format!("{},{i}", i % 3)), &named("1")).unwrap().classes, ["0", "1", "2"]);
    assert!(table(&rows(&|i| format!("{},{i}", i % 3)), &named("none")).unwrap().classes.is_empty());
    let e = table("a,b\n1,2\n", &named("z")).err().unwrap();
    assert!(e.exit_code() == 2 && e.hint.unwrap().contains("a, b"));
}

#[test]
fn tables_of_pixels_become_pictures() {
    let text: String = (0..20).map(|i| format!("0,8,16,4,{}\n", i % 2)).collect();
    let sixteen =
        ReadOptions { image_shape: Some("2x2".parse().unwrap()), value_max: Some(16.0), ..options() };
    let source = table(&text, &sixteen).unwrap();
    assert_eq!((source.kind(), source.columns.len()), (Kind::Images, 0));
    assert_eq!(pixels(load(&source, "00000007")), [0, 128, 255, 64]);
    let e =
        table(&text, &ReadOptions { image_shape: Some("3x3".parse().unwrap()), ..options() }).err().unwrap();
    assert!(e.message.contains("has 9 values, a row has 4"), "{e}");
    for wrong in ["8", "0x8", "8x8x2", "axb", "8x8x3x1", "99999999x99999999"] {
        assert_eq!(wrong.parse::<Shape>().unwrap_err().exit_code(), 2);
    }
}

#[test]
fn features_never_clash_with_the_columns_of_a_dataset() {
    let source = table("weight,weight_,id,x,x,class\n1,2,3,4,5,a\n1,2,3,4,5,a\n", &options()).unwrap();
    assert_eq!(source.columns, ["weight_", "weight__", "id_", "x", "x_"]);
}

#[test]
fn a_first_line_of_names_is_never_a_sample() {
    let given = |text: &str, header| table(text, &ReadOptions { header, ..options() });
    let shape = |text: &str, header| {
        let source = given(text, header).unwrap();
        (source.entries.len(), source.classes.join(" "))
    };
    let rows = |first: &str, row: &dyn Fn(usize) -> String| {
        first.to_owned() + &(0..30).map(|i| row(i) + "\n").collect::<String>()
    };
    // Only texts, with a header and without.
    let texts = |i: usize| format!("{},{},{}", ["a", "b"][i % 2], ["x", "y", "z"][i % 3], ["p", "q"][i % 2]);
    let label = |name: &str| ReadOptions { label: Some(name.into()), ..options() };
    let source = table(&rows("one,two,label\n", &texts), &label("label")).unwrap();
    assert_eq!((source.entries.len(), source.classes.join(" ")), (30, "p q".into()));
    assert_eq!(shape(&rows("", &texts), Header::Auto), (30, "p q".into()));
    assert_eq!(shape(&rows("a,x,p\n", &texts), Header::Yes), (30, "p q".into()));
    // The numbers that pandas gives to columns, also among pixels.
    let pixels = |i: usize| format!("{},{},{},{}", i % 3, i % 2, (i + 2) % 4, i % 2);
    assert_eq!(shape(&rows("0,1,2,3\n", &pixels), Header::Auto), (30, "0 1".into()));
    assert_eq!(shape(&rows("0,1,2,3\n", &pixels), Header::No), (31, "0 1 3".into()));
    assert_eq!(shape(&rows("0,1,2,3,label\n", &|i| pixels(i) + ",a"), Header::Auto).0, 30);
    assert_eq!(shape("0,1\n1,0\n", Header::Auto).0, 2);
    // A header alone is no sample.
    for text in ["x,y2,label", "x,y2,label\n", "0,1,2,3\n"] {
        let e = given(text, Header::Auto).err().unwrap();
        assert!(e.message.starts_with("text table has a header and no rows"), "{e}");
    }
    assert_eq!(shape("5.1,3.5,setosa\n", Header::Auto).0, 1);
    let e = given("a,b\n1,2,3\n1,2,3\n", Header::Yes).err().unwrap();
    assert!(e.message.starts_with("2 names for 3 columns"), "{e}");
}

#[test]
fn classes_may_be_called_none_and_rows_may_have_no_label() {
    let text = "x,label\n1,none\n2,NA\n3,null\n4,\n5,?\n6,NaN\n";
    let source = table(text, &options()).unwrap();
    assert_eq!(source.classes, ["NA", "none", "null"]);
    assert_eq!(source.entries.iter().filter(|e| e.label.is_none()).count(), 3);
    assert!(
        source.remarks.notes.iter().any(|n| n.starts_with("3 rows have no label")),
        "{:?}",
        source.remarks
    );
}

#[test]
fn a_missing_category_is_a_missing_value() {
    let text = "colour,x,label\nred,1,a\n,2,a\nblue,3,b\nred,4,b\n";
    let source = table(text, &options()).unwrap();
    assert_eq!(reasons(&source), ["missing value in column `colour`: t.csv, row 3"]);
    let keep = table(text, &ReadOptions { missing: Missing::Keep, ..options() }).unwrap();
    let kept = row(load(&keep, "00000001"));
    assert!(kept[0].is_nan() && kept[1].is_nan() && kept[2] == 2.0, "{kept:?}");
}

#[test]
fn columns_without_values_are_left_out() {
    let comma: String = (0..20).map(|i| format!("{i}.5,{},\n", i % 2)).collect();
    let source = table(&comma, &options()).unwrap();
    assert_eq!((source.columns.as_slice(), source.classes.len()), (["c1".to_owned()].as_slice(), 2));
    assert!(source.remarks.notes.contains(&"column `c3` has no value and is left out".into()));
    let blanks: String = (0..20).map(|i| format!("  {i}.5   {:4}     {}  \n", i * 7, i % 2)).collect();
    let source = table(&blanks, &options()).unwrap();
    assert_eq!((source.columns.len(), source.classes.len(), source.set_aside.len()), (2, 2, 0));
    assert_eq!(row(load(&source, "00000003")), [3.5, 21.0]);
}

#[test]
fn a_cut_table_loses_its_last_row_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv.gz");
    let text: String = (0..5000).map(|i| format!("{},{},{}\n", i * 7919 % 9973, i, i % 2)).collect();
    let zipped = gzip(text.as_bytes());
    fs::write(&path, &zipped[..zipped.len() / 2]).unwrap();
    let there =
        String::from_utf8(data::Data::open(&path, u64::MAX).unwrap().all().unwrap().into_owned()).unwrap();
    let source = open(&path, &options()).unwrap();
    // Whether the last line still has all its cells or not.
    let last = there.lines().count();
    assert!(last > 100);
    assert_eq!((source.entries.len(), source.set_aside.len()), (last - 1, 1));
    assert_eq!(source.set_aside[0].to_string(), format!("the gzip file is cut off: t.csv.gz, row {last}"));
}

#[test]
fn decimal_commas_are_read_where_they_can_be_nothing_else() {
    let text = "id;weight;price;label\na;1,5;1,250;x\nb;2,25;2,500;y\nc;-3;4,125;x\nd;1,2,3;5,000;y\n";
    let source = table(text, &options()).unwrap();
    let note = "numbers with a decimal comma (--decimal) in columns: weight";
    assert!(!source.remarks.notes.iter().any(|n| n == note), "one cell of `weight` is none");
    let text = text.replace("1,2,3", "0,1");
    let source = table(&text, &options()).unwrap();
    assert!(source.remarks.notes.iter().any(|n| n == note), "{:?}", source.remarks);
    assert_eq!(row(load(&source, "b"))[0], 2.25);
    let [warning] = source.remarks.warnings.as_slice() else { panic!("{:?}", source.remarks) };
    assert!(warning.starts_with("column `price`") && warning.contains("1,250"), "{warning}");
    let said = table(&text, &ReadOptions { decimal: Decimal::Comma, ..options() }).unwrap();
    assert_eq!((row(load(&said, "a")), said.remarks.warnings.len()), (vec![1.5, 1.25], 0));
    let not = table(&text, &ReadOptions { decimal: Decimal::Point, ..options() }).unwrap();
    assert_eq!(not.columns.len(), 8, "all are categories: {:?}", not.columns);
    // Quoted, since commas separate.
    let quoted = table("x,label\n\"1,5\",a\n\"2,5\",b\n", &options()).unwrap();
    assert_eq!(row(load(&quoted, "00000001")), [2.5]);
}

#[test]
fn blanks_within_texts_stay() {
    let text = "text ,label , n\n\" two  lines\n \" , a , 1\n\"b\",b, 2\n";
    let source = table(text, &options()).unwrap();
    assert_eq!((source.classes.join(","), source.columns.join(",")), ("a,b".into(), "n".into()));
    assert_eq!(load(&source, "00000000").text.as_deref(), Some(" two  lines\n  "));
}

#[test]
fn a_column_makes_groups() {
    let text = "patient,x,label\np1,1,a\np2,2,b\np1,3,a\n,4,b\n";
    let group = |column: &str| table(text, &ReadOptions { group: Some(column.into()), ..options() });
    for column in ["patient", "1"] {
        let source = group(column).unwrap();
        assert_eq!(source.columns, ["x"]);
        let groups: Vec<Option<u64>> = source.entries.iter().map(|e| e.group).collect();
        assert_eq!(groups[0], Some(seedbed::rng::id_hash(b"p1")));
        assert!(groups[0] == groups[2] && groups[1] != groups[0] && groups[3].is_none());
        assert!(
            source.remarks.notes.iter().any(|n| n.starts_with("rows without a group")),
            "{:?}",
            source.remarks
        );
    }
    // The label may well be what groups.
    assert_eq!(group("label").err().map(|e| e.message), None);
    let e = group("z").err().unwrap();
    assert!(e.exit_code() == 2 && e.message.contains("--group"), "{e}");
}
