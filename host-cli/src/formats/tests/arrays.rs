//! IDX and NPY: elements and shapes, labels, what is cut off.

use super::*;

pub fn idx_of(code: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, shape.len() as u8];
    shape.iter().for_each(|n| bytes.extend(n.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// As `numpy.save` writes it: the header padded to 64 bytes.
pub fn npy_of(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
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

proptest! {
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
        let values: Vec<f64> = (0..shape[0]).flat_map(|i| array.values(i).unwrap()).collect();
        prop_assert_eq!(values, (0..count).map(|v| v as f64).collect::<Vec<_>>());
    }
}

#[test]
fn npy_is_what_numpy_writes() {
    // numpy.save of numpy.asfortranarray(numpy.arange(12, dtype='<i2').reshape(2, 2, 3)).
    let data = [0u8, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11].iter().flat_map(|&v| [v, 0]).collect::<Vec<_>>();
    let array = npy::parse(npy_of("<i2", true, "(2, 2, 3)", &data)).unwrap();
    assert_eq!(array.values(1).unwrap(), [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    let big: Vec<u8> = [1.5f64, -2.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let array = npy::parse(npy_of(">f8", false, "(2,)", &big)).unwrap();
    assert_eq!((array.values(0).unwrap()[0], array.values(1).unwrap()[0]), (1.5, -2.0));
    let text: Vec<u8> = "catdög".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    let array = npy::parse(npy_of("<U3", false, "(2,)", &text)).unwrap();
    assert_eq!([array.label(0).unwrap(), array.label(1).unwrap()], [Some("cat".into()), Some("dög".into())]);
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
        assert_eq!(idx::parse(idx_of(code, &[1], &bytes)).unwrap().values(0).unwrap()[0], want);
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
        assert_eq!(
            npy::parse(npy_of(descr, false, "(1,)", &bytes)).unwrap().values(0).unwrap()[0],
            want,
            "{descr}"
        );
    }
}

#[test]
fn damaged_arrays_are_refused_with_a_reason() {
    let reason = |r: Result<array::Array<'_>>| r.unwrap_err().message;
    for (bytes, want) in [
        (b"\0\0\x07\x01\0\0\0\x01".to_vec(), "not an IDX file (type 0x07)"),
        (idx_of(8, &[], &[]), "IDX file with 0 axes"),
        (b"\0\0\x08\x03\0\0\0\x01".to_vec(), "IDX file is cut off in its header"),
        (idx_of(8, &[2, 2], &[0; 5]), "more bytes than the shape [2, 2] says"),
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
        ("<f4", "()", "array has no axis"),
        ("<U99999999999999999999", "(1,)", "NPY elements of type"),
        ("<U9999999999999999999", "(3,)", "shape [3] does not fit"),
    ] {
        let message = reason(npy::parse(npy_of(descr, false, shape, &[0; 4])));
        assert!(message.starts_with(want), "{message}");
    }
    assert!(reason(npy::parse(npy_of("<f4", true, "(3, 2)", &[0; 20]))).contains("Fortran order"));
    assert_eq!(npy::parse(npy_of("<f4", false, "(3, 2)", &[0; 20])).unwrap().missing(), 1);
}

#[test]
fn samples_have_a_size_that_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    fs::write(&path, npy_of("|u1", false, "(1, 70000)", &[1; 70_000])).unwrap();
    assert!(refusal(&path, &options()).starts_with("rows of 70000 values, more than 65536"));
    fs::write(&path, npy_of("|u1", false, "(1, 300, 200)", &[1; 60_000])).unwrap();
    let small = ReadOptions { max_pixels: 59_999, ..options() };
    assert!(refusal(&path, &small).starts_with("pictures of 60000 pixels, more than 59999"));
    assert_eq!(open(&path, &options()).unwrap().entries.len(), 1);
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
    assert!(source.remarks.notes.iter().any(|n| n.contains("README.txt")), "{:?}", source.remarks.notes);
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
        (source.kind(), source.columns.len(), listed(&source)[0].as_str()),
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
fn channels_come_first_where_the_axes_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let open_as = |axes: &str, data: &[u8], shape: &str| {
        fs::write(&path, npy_of("|u1", false, axes, data)).unwrap();
        let options = ReadOptions { image_shape: Some(shape.parse().unwrap()), ..options() };
        pixels(load(&open(&path, &options).unwrap(), "00000000"))
    };
    let data: Vec<u8> = (200..206).collect();
    assert_eq!(open_as("(1, 3, 1, 2)", &data, "1x2x3"), [200, 202, 204, 201, 203, 205]);
    assert_eq!(open_as("(1, 1, 2, 3)", &data, "1x2x3"), data);
    assert_eq!(open_as("(1, 6)", &data, "1x2x3"), data);
    // Both ways: channels last.
    let cube: Vec<u8> = (200..227).collect();
    assert_eq!(open_as("(1, 3, 3, 3)", &cube, "3x3x3"), cube);
}

#[test]
fn labels_are_one_per_sample_and_never_silently_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let path = folder.path().join("x.npy");
    file("x.npy", &npy_of("|u1", false, "(4, 3)", &[1; 12]));
    file("onehot.npy", &npy_of("|u1", false, "(4, 2)", &[0; 8]));
    let onehot = folder.path().join("onehot.npy").display().to_string();
    let e = open(&path, &ReadOptions { label: Some(onehot), ..options() }).err().unwrap();
    assert!(e.exit_code() == 2 && e.message.starts_with("array of shape [4, 2] is not one label"), "{e}");
    // Beside the samples, in one file or in a folder.
    fs::remove_file(folder.path().join("onehot.npy")).unwrap();
    assert!(open(&path, &options()).unwrap().classes.is_empty());
    file("y.npy", &npy_of("|u1", false, "(4, 3)", &[0; 12]));
    for path in [&path, folder.path()] {
        assert!(refusal(path, &options()).starts_with("array of shape [4, 3] is not one label"));
    }
    let none = ReadOptions { label: Some("none".into()), ..options() };
    assert_eq!(open(&path, &none).unwrap().entries.len(), 4);
    file("y.npy", &npy_of("|c8", false, "(4,)", &[0; 32]));
    assert!(refusal(&path, &options()).starts_with("NPY elements of type `|c8`"));
    file("y.npy", b"");
    for path in [&path, folder.path()] {
        assert!(refusal(path, &options()).starts_with("not an NPY file"), "{}", refusal(path, &options()));
    }
    // Cut off, it is the one that is named.
    file("y.npy", &npy_of("<i2", false, "(4,)", &[1, 0, 2, 0, 3]));
    let source = open(&path, &options()).unwrap();
    assert_eq!(source.entries.len(), 2);
    assert_eq!(
        reasons(&source),
        ["the file is cut off: nothing from here to the last of 4 samples: y.npy, row 2"]
    );
}

#[test]
fn bytes_of_few_levels_are_no_black_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let open_with = |data: &[u8]| {
        fs::write(&path, npy_of("|u1", false, "(1, 2, 2)", data)).unwrap();
        let source = open(&path, &options()).unwrap();
        (pixels(load(&source, "00000000")), source.remarks)
    };
    let (pixels, remarks) = open_with(&[0, 1, 1, 0]);
    assert_eq!((pixels.as_slice(), remarks.warnings.len()), ([0, 255, 255, 0].as_slice(), 0));
    assert_eq!(remarks.notes[0], "pixels run from 0 to 1: 1 is taken as white (--value-max)");
    let (pixels, remarks) = open_with(&[0, 16, 1, 0]);
    assert_eq!(pixels, [0, 16, 1, 0]);
    assert!(remarks.warnings[0].contains("`value_max`"), "{remarks:?}");
    let (pixels, remarks) = open_with(&[0, 16, 1, 128]);
    assert!(pixels == [0, 16, 1, 128] && remarks.warnings.is_empty());
}

#[test]
fn no_more_is_read_than_the_header_promises() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy.gz");
    let long = npy_of("|u1", false, "(2, 3)", &vec![0; 1 << 20]);
    for bytes in [gzip(&long), long.clone()] {
        fs::write(&path, bytes).unwrap();
        assert!(refusal(&path, &options()).starts_with("more bytes than the shape [2, 3] says"));
    }
}
