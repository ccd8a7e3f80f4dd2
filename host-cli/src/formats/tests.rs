//! Sources of every format, built here: what is read, what is set aside, and what is refused.

use super::*;
use crate::codec::encode_png;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::fs;
use std::io::Write;

fn options() -> ReadOptions {
    ReadOptions { max_pixels: codec::MAX_PIXELS, ..ReadOptions::default() }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx_of(code: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, shape.len() as u8];
    shape.iter().for_each(|n| bytes.extend(n.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// As `numpy.save` writes it: the header padded to 64 bytes.
fn npy_of(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

fn grey(value: u8) -> Vec<u8> {
    encode_png(&Pixels::new(vec![value; 4], 2, 2, 1).unwrap()).unwrap()
}

/// Entries as `id label split`, sorted, the label by its name.
fn listed(source: &Source) -> Vec<String> {
    let show = |e: &Entry| {
        let label = e.label.map_or("-", |l| &source.classes[l as usize]);
        format!("{} {label} {}", e.id, e.split.map_or("-", Split::name))
    };
    let mut list: Vec<String> = source.entries.iter().map(show).collect();
    list.sort();
    list
}

fn reasons(source: &Source) -> Vec<String> {
    let mut list: Vec<String> = source.set_aside.iter().map(SetAside::to_string).collect();
    list.sort();
    list
}

fn load(source: &Source, id: &str) -> Loaded {
    let entry = source.entries.iter().find(|e| e.id == id).unwrap();
    source.loader.load(entry.at).unwrap()
}

fn pixels(loaded: Loaded) -> Vec<u8> {
    match loaded {
        Loaded::Pixels(pixels) => pixels.data,
        Loaded::Row(row) => panic!("{row:?}"),
    }
}

fn row(loaded: Loaded) -> Vec<f32> {
    match loaded {
        Loaded::Row(row) => row,
        Loaded::Pixels(pixels) => panic!("{pixels:?}"),
    }
}

fn refusal(path: &Path, options: &ReadOptions) -> String {
    open(path, options).err().expect("refused").message
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), which in 0usize..5) {
        let head: &[u8] = [b"".as_slice(), b"\0\0\x08\x02\0\0\0\x02\0\0\0\x03", b"\x93NUMPY\x01\0", b"\0\0\x0e\x03",
            b"\x93NUMPY\x01\0\x46\0{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }           \n"][which];
        let bytes = [head, &bytes].concat();
        for array in [idx::parse(bytes.as_slice()), npy::parse(bytes.as_slice())].into_iter().flatten() {
            for i in 0..array.samples().min(8) {
                prop_assert_eq!(array.values(i).take(100).count(), array.sample_len().min(100));
                let _ = (array.label(i), array.sample_bytes(i), array.value(i, usize::MAX));
            }
        }
        if let Ok(profile) = csv::profile(&bytes) {
            prop_assert!(profile.columns.len() > 1);
        }
        let _ = of_head(&bytes);
    }

    #[test]
    fn fortran_order_is_the_transposed_file(shape in prop::collection::vec(1usize..5, 1..4)) {
        let count: usize = shape.iter().product();
        // Element with index (i, j, k) at i + I (j + J k), its value being its place in C order.
        let mut data = vec![0u8; count];
        for c in 0..count {
            let (mut rest, mut at, mut stride) = (c, 0, count);
            for &axis in shape.iter().rev() {
                stride /= axis;
                at += rest % axis * stride;
                rest /= axis;
            }
            data[at] = c as u8;
        }
        let text = format!("({},)", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "));
        let array = npy::parse(npy_of("|u1", true, &text, &data)).unwrap();
        let values: Vec<f64> = (0..shape[0]).flat_map(|i| array.values(i).collect::<Vec<_>>()).collect();
        prop_assert_eq!(values, (0..count).map(|v| v as f64).collect::<Vec<_>>());
    }
}

#[test]
fn npy_is_what_numpy_writes() {
    // numpy.save of numpy.asfortranarray(numpy.arange(12, dtype='<i2').reshape(2, 2, 3)).
    let data = [0u8, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11].iter().flat_map(|&v| [v, 0]).collect::<Vec<_>>();
    let array = npy::parse(npy_of("<i2", true, "(2, 2, 3)", &data)).unwrap();
    assert_eq!(array.values(1).collect::<Vec<_>>(), [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    let big: Vec<u8> = [1.5f64, -2.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let array = npy::parse(npy_of(">f8", false, "(2,)", &big)).unwrap();
    assert_eq!((array.value(0, 0), array.value(1, 0)), (1.5, -2.0));
    let text: Vec<u8> = "catdög".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    let array = npy::parse(npy_of("<U3", false, "(2,)", &text)).unwrap();
    assert_eq!([array.label(0), array.label(1)], [Some("cat".into()), Some("dög".into())]);
}

#[test]
fn every_element_type_is_read() {
    for (code, bytes, want) in [
        (0x08, vec![200], 200.0),
        (0x09, vec![200], -56.0),
        (0x0b, (-300i16).to_be_bytes().to_vec(), -300.0),
        (0x0c, 70_000i32.to_be_bytes().to_vec(), 70_000.0),
        (0x0d, 0.5f32.to_be_bytes().to_vec(), 0.5),
        (0x0e, 0.1f64.to_be_bytes().to_vec(), 0.1),
    ] {
        assert_eq!(idx::parse(idx_of(code, &[1], &bytes)).unwrap().value(0, 0), want);
    }
    for (descr, bytes, want) in [
        ("|b1", vec![1], 1.0),
        ("|i1", vec![255], -1.0),
        ("<u2", vec![1, 2], 513.0),
        (">u4", vec![0, 0, 1, 0], 256.0),
        ("<u8", vec![7, 0, 0, 0, 0, 0, 0, 0], 7.0),
        ("<i8", vec![255; 8], -1.0),
        ("<f4", 2.5f32.to_le_bytes().to_vec(), 2.5),
    ] {
        assert_eq!(npy::parse(npy_of(descr, false, "(1,)", &bytes)).unwrap().value(0, 0), want, "{descr}");
    }
}

#[test]
fn damaged_arrays_are_refused_with_a_reason() {
    let reason = |r: Result<array::Array<'_>>| r.unwrap_err().message;
    for (bytes, want) in [
        (b"\0\0\x07\x01\0\0\0\x01".to_vec(), "not an IDX file (type 0x07)"),
        (idx_of(8, &[], &[]), "IDX file with 0 axes"),
        (b"\0\0\x08\x03\0\0\0\x01".to_vec(), "IDX file is cut off in its header"),
        (idx_of(8, &[2, 2], &[0; 5]), "1 bytes more than the shape [2, 2] says"),
        (idx_of(14, &[u32::MAX; 8], &[]), "shape [4294967295"),
        (idx_of(8, &[5, 0], &[]), "array of shape [5, 0] has no elements"),
    ] {
        assert!(reason(idx::parse(bytes.clone())).starts_with(want), "{}", reason(idx::parse(bytes)));
    }
    for (descr, shape, want) in [
        ("|O", "(2,)", "NPY elements of type `|O` are not read"),
        ("<c8", "(2,)", "NPY elements of type `<c8`"),
        ("<f4", "(2", "NPY header is damaged"),
        ("<f4", "(-1,)", "NPY header is damaged (shape (-1,))"),
        ("<f4", "()", "4 bytes more"),
        ("<U99999999999999999999", "(1,)", "NPY elements of type"),
        ("<U9999999999999999999", "(3,)", "shape [3] does not fit"),
    ] {
        let message = reason(npy::parse(npy_of(descr, false, shape, &[0; 4])));
        assert!(message.starts_with(want) || shape == "()", "{message}");
    }
    assert!(reason(npy::parse(npy_of("<f4", true, "(3, 2)", &[0; 20]))).contains("Fortran order"));
    assert_eq!(npy::parse(npy_of("<f4", false, "(3, 2)", &[0; 20])).unwrap().missing(), 1);
}

#[test]
fn idx_folders_pair_images_with_labels() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    file("train-images-idx3-ubyte.gz", &gzip(&idx_of(8, &[3, 2, 2], &[7; 12])));
    file("train-labels-idx1-ubyte.gz", &gzip(&idx_of(8, &[3], &[9, 10, 9])));
    file("t10k-images-idx3-ubyte", &idx_of(8, &[1, 2, 2], &[1, 2, 3, 4]));
    file("t10k-labels-idx1-ubyte", &idx_of(8, &[1], &[10]));
    file("README.txt", b"text");
    assert_eq!(detect(folder.path()).unwrap(), Format::Idx);
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(source.classes, ["9", "10"]);
    let want = [
        "test/00000000 10 test",
        "train/00000000 9 train",
        "train/00000001 10 train",
        "train/00000002 9 train",
    ];
    assert_eq!(listed(&source), want);
    assert_eq!(pixels(load(&source, "test/00000000")), [1, 2, 3, 4]);
    assert!(source.notes.iter().any(|n| n.contains("README.txt")), "{:?}", source.notes);
    // One file finds its labels beside it.
    let source = open(&folder.path().join("t10k-images-idx3-ubyte"), &options()).unwrap();
    assert_eq!(listed(&source), ["test/00000000 10 test"]);
    assert!(
        refusal(&folder.path().join("t10k-labels-idx1-ubyte"), &options())
            .starts_with("no samples, only labels")
    );
    file("train-labels-idx1-ubyte.gz", &gzip(&idx_of(8, &[2], &[9, 10])));
    assert!(refusal(folder.path(), &options()).starts_with("2 labels for 3 samples"));
    let none = ReadOptions { label: Some("none".into()), ..options() };
    assert!(open(folder.path(), &none).unwrap().classes.is_empty());
}

#[test]
fn what_is_cut_off_is_set_aside_and_the_rest_used() {
    let folder = tempfile::tempdir().unwrap();
    let whole = idx_of(
        8,
        &[1000, 4, 4],
        &(0..16000u32).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect::<Vec<_>>(),
    );
    let zipped = gzip(&whole);
    let path = folder.path().join("images.gz");
    fs::write(&path, &zipped[..zipped.len() / 2]).unwrap();
    let source = open(&path, &options()).unwrap();
    let there = source.entries.len() as u64;
    assert!(there > 100 && there < 900);
    let want = format!(
        "the gzip file is cut off: nothing from here to the last of 1000 samples: images.gz, row {there}"
    );
    assert_eq!(reasons(&source), [want]);
    assert_eq!(source.set_aside[0].samples, 1000 - there);
    fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    let source = open(&path, &options()).unwrap();
    assert_eq!((source.entries.len(), source.set_aside[0].row), (998, Some(998)));
    fs::write(&path, &whole[..9]).unwrap();
    assert!(refusal(&path, &options()).starts_with("IDX file is cut off in its header"));
}

#[test]
fn npy_tables_pictures_and_options() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let floats = |v: &[f32]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    file(
        "X_train.npy",
        &npy_of("<f4", false, "(2, 4)", &floats(&[0.0, 0.5, 1.0, 0.25, 1.0, f32::NAN, 0.0, 0.0])),
    );
    file("y_train.npy", &npy_of("<i8", false, "(2,)", &[3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]));
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(
        (source.kind, source.columns.len(), listed(&source)[0].as_str()),
        (Kind::Table, 4, "train/00000000 3 train")
    );
    assert_eq!(row(load(&source, "train/00000000")), [0.0, 0.5, 1.0, 0.25]);
    assert!(row(load(&source, "train/00000001"))[1].is_nan());
    let picture = ReadOptions { image_shape: Some("2x2".parse().unwrap()), ..options() };
    let source = open(folder.path(), &picture).unwrap();
    assert_eq!(pixels(load(&source, "train/00000000")), [0, 128, 255, 64]);
    let bad = source.entries.iter().find(|e| e.id == "train/00000001").unwrap().at;
    assert_eq!(source.loader.load(bad).unwrap_err().message, "value NaN at position 1 is not from 0 to 1");
    assert_eq!(source.loader.place(bad).to_string(), "X_train.npy, row 1");
    let wrong = ReadOptions { image_shape: Some("3x3".parse().unwrap()), ..options() };
    assert!(refusal(folder.path(), &wrong).contains("has 9 values, a sample has 4"));
    // Channels first; 0..=16 as pixels.
    let path = folder.path().join("planes.npy");
    fs::write(&path, npy_of("|u1", false, "(1, 3, 1, 2)", &[0, 1, 2, 4, 8, 16])).unwrap();
    let sixteen = ReadOptions { value_max: Some(16.0), label: Some("none".into()), ..options() };
    assert_eq!(pixels(load(&open(&path, &sixteen).unwrap(), "00000000")), [0, 32, 128, 16, 64, 255]);
    fs::write(&path, npy_of("<i2", false, "(1, 1, 1)", &[0, 9])).unwrap();
    let none = ReadOptions { label: Some("none".into()), ..options() };
    assert!(refusal(&path, &none).starts_with("values from 2304 to 2304 are no pixels"));
    assert!(refusal(folder.path(), &options()).starts_with("samples of different kinds"));
}

#[test]
fn folders_are_classes_and_splits() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    assert!(refusal(folder.path(), &options()).starts_with("no PNG or JPEG"));
    put("train/10/a b.png", &grey(1));
    put("train/9/deep/x.jpeg", &grey(2));
    put("validation/9/x.png", &grey(3));
    put("train/9/.hidden.png", &grey(4));
    put("train/9/notes.txt", b"hello");
    put("train/9/empty.png", b"");
    put("__MACOSX/train/9/x.png", b"x");
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(
        listed(&source),
        ["train/10/a%20b 10 train", "train/9/deep/x 9 train", "validation/9/x 9 val"]
    );
    assert_eq!(source.classes, ["9", "10"]);
    assert_eq!(
        reasons(&source),
        ["file is empty: train/9/empty.png", "neither PNG nor JPEG: train/9/notes.txt"]
    );
    assert_eq!(pixels(load(&source, "train/9/deep/x")), [2; 4]);
    // With a folder that is no split, all are classes.
    put("cat/x.png", &grey(5));
    put("loose.png", &grey(6));
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(source.classes, ["cat", "train", "validation"]);
    assert!(listed(&source).contains(&"loose - -".to_owned()));
    let shape = ReadOptions { image_shape: Some("2x2".parse().unwrap()), ..options() };
    assert_eq!(open(folder.path(), &shape).err().unwrap().exit_code(), 2);
}

#[cfg(unix)]
#[test]
fn links_and_odd_names_do_no_harm() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let class = folder.path().join("a");
    fs::create_dir(&class).unwrap();
    fs::write(class.join(std::ffi::OsStr::from_bytes(b"\xff\xfe!.png")), grey(1)).unwrap();
    symlink(folder.path(), class.join("loop")).unwrap();
    symlink("nowhere", class.join("broken.png")).unwrap();
    symlink(&class, folder.path().join("b")).unwrap();
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(listed(&source), ["a/%FF%FE%21 a -", "b/%FF%FE%21 b -"]);
    assert_eq!(source.set_aside.len(), 4);
    assert!(reasons(&source)[0].starts_with("link leads back"), "{:?}", reasons(&source));
    assert!(
        reasons(&source)[2].starts_with("no such file or folder: a/broken.png"),
        "{:?}",
        reasons(&source)
    );
}

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
    assert_eq!((source.kind, source.columns.len()), (Kind::Images, 0));
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
fn formats_are_told_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let mut tar = vec![b'a'; 257];
    tar.extend(b"ustar\0");
    for (bytes, want) in [
        (idx_of(8, &[1, 1], &[0]), Ok(Format::Idx)),
        (gzip(&npy_of("<f4", false, "(1,)", &[0; 4])), Ok(Format::Npy)),
        (b"a,b\n1,2\n".to_vec(), Ok(Format::Csv)),
        (grey(0), Err("a single picture")),
        (tar, Err("a tar archive")),
        (b"PAR1xxxx".to_vec(), Err("Parquet is not read yet")),
        (vec![], Err("file is empty")),
        (vec![1, 2, 3], Err("unknown format")),
        (gzip(b"a")[..8].to_vec(), Err("a damaged gzip file")),
    ] {
        fs::write(&path, &bytes).unwrap();
        match (detect(&path), want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want),
            (Err(got), Err(want)) => assert!(got.message.starts_with(want), "{got}"),
            (got, want) => panic!("{got:?} {want:?}"),
        }
    }
    assert!(refusal(&folder.path().join("none"), &options()).starts_with("no such file or folder"));
    let npy = ReadOptions { format: Format::Npy, ..options() };
    assert!(refusal(folder.path(), &npy).starts_with("no npy file"));
    let forced = |format| refusal(&path, &ReadOptions { format, ..options() });
    fs::write(&path, "x").unwrap();
    assert!(forced(Format::Folder).starts_with("not a folder"));
    assert!(forced(Format::Idx).starts_with("not an IDX file"));
    assert!(forced(Format::Npy).starts_with("not an NPY file"));
    assert!(forced(Format::Csv).starts_with("text table has only one column"));
    fs::write(&path, b"\xff\xfea\0,\0").unwrap();
    assert!(forced(Format::Csv).starts_with("text is in UTF-16"));
}
