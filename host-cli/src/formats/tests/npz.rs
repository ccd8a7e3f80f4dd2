//! NPZ archives: members by their names, and what is wrong with them.

use super::*;
use std::io::Cursor;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An archive of these members, deflated or as they are.
fn npz_of(members: &[(&str, &[u8])], deflated: bool) -> Vec<u8> {
    let method = if deflated { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::DEFAULT.compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn texts(width: usize, texts: &[&str]) -> Vec<u8> {
    let mut cells = Vec::new();
    for text in texts {
        let mut cell: Vec<u32> = text.chars().map(u32::from).collect();
        cell.resize(width, 0);
        cells.extend(cell.into_iter().flat_map(u32::to_le_bytes));
    }
    cells
}

/// Where `name` stands first in the bytes.
fn find(bytes: &[u8], name: &[u8]) -> usize {
    bytes.windows(name.len()).position(|window| window == name).unwrap()
}

fn with(members: &[(&str, &[u8])], read: impl Fn(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    for deflated in [false, true] {
        let path = folder.path().join("set.npz");
        fs::write(&path, npz_of(members, deflated)).unwrap();
        assert_eq!(detect(&path).unwrap(), Format::Npz);
        read(&path);
    }
}

#[test]
fn arrays_are_told_by_the_names_that_people_give_them() {
    let images = npy_of("|u1", false, "(2, 2, 2)", &[200, 1, 2, 3, 4, 5, 6, 7]);
    let one = npy_of("|u1", false, "(1, 2, 2)", &[9, 8, 7, 6]);
    // numpy.savez of Keras' and MedMNIST's, whose labels have two axes.
    for (names, digits) in [
        (["x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"], "(2,)"),
        (["train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy"], "(2, 1)"),
    ] {
        let (labels, label) = (npy_of("|u1", false, digits, &[7, 3]), npy_of("|u1", false, "(1,)", &[7]));
        let members = [(names[0], &*images), (names[1], &labels), (names[2], &one), (names[3], &label)];
        with(&members, |path| {
            let source = open(path, &options()).unwrap();
            assert_eq!(
                listed(&source),
                ["test/00000000 7 test", "train/00000000 7 train", "train/00000001 3 train"]
            );
            assert_eq!(pixels(load(&source, "train/00000001")), [4, 5, 6, 7]);
        });
    }
    // Without names, samples have two axes or more and labels one; big endian and Fortran order.
    let fortran = npy_of(">f4", true, "(2, 2)", &[1.0f32, 3.0, 2.0, 4.0].map(f32::to_be_bytes).concat());
    let labels = npy_of("<U3", false, "(2,)", &texts(3, &["cat", "ox"]));
    with(&[("arr_0.npy", &fortran), ("arr_1.npy", &labels), ("readme.txt", b"hello")], |path| {
        let source = open(path, &options()).unwrap();
        assert_eq!(listed(&source), ["00000000 cat -", "00000001 ox -"]);
        assert_eq!(row(load(&source, "00000001")), [3.0, 4.0]);
        assert!(source.remarks.notes.iter().any(|note| note.contains("readme.txt")));
        let none = ReadOptions { label: Some("none".into()), ..options() };
        assert!(open(path, &none).unwrap().classes.is_empty());
        let wrong = ReadOptions { label: Some("z".into()), ..options() };
        assert!(refusal(path, &wrong).starts_with("no array `z`"));
    });
}

#[test]
fn arrays_beside_the_samples_tell_of_them() {
    let members: [(&str, Vec<u8>); 10] = [
        ("data.npy", npy_of("<f2", false, "(2, 1)", &[0, 0x3c, 0, 0xc0])),
        ("target.npy", npy_of("<i8", false, "(2,)", &[1i64, -1].map(i64::to_le_bytes).concat())),
        ("target_names.npy", npy_of("<U4", false, "(2,)", &texts(4, &["rose", "elm"]))),
        ("feature_names.npy", npy_of("|S6", false, "(1,)", b"length")),
        ("ids.npy", npy_of("<U2", false, "(2,)", &texts(2, &["a", "b c"]))),
        ("split.npy", npy_of("|S5", false, "(2,)", b"valid\0\0\0\0\0")),
        ("weights.npy", npy_of("<f4", false, "(2,)", &floats(&[0.5, 1.0]))),
        ("texts.npy", npy_of("<U3", false, "(2,)", &texts(3, &["süß", ""]))),
        ("farm.npy", npy_of("|u1", false, "(2,)", &[4, 4])),
        ("masks.npy", npy_of("|u1", false, "(2, 9)", &[0; 18])),
    ];
    let mut members: Vec<(&str, &[u8])> = members.iter().map(|(name, bytes)| (*name, &**bytes)).collect();
    let ids = npy_of("<U3", false, "(2,)", &texts(3, &["a", "b c"]));
    members[4].1 = &ids;
    with(&members, |path| {
        let source = open(path, &options()).unwrap();
        // Not all of the splits are such, so that none is taken.
        assert_eq!(listed(&source), ["a elm -", "b%20c - -"]);
        assert_eq!(
            (source.columns.as_slice(), source.classes.as_slice()),
            (&["length".to_owned()][..], &["rose".to_owned(), "elm".to_owned()][..])
        );
        assert_eq!(source.kinds, [Kind::Text, Kind::Table]);
        let loaded = load(&source, "a");
        assert_eq!((loaded.row, loaded.text.as_deref()), (vec![1.0], Some("süß")));
        assert_eq!(source.entries[0].more.as_ref().unwrap().weight, 0.5);
        assert!(source.remarks.notes.iter().any(|note| note.contains("masks")));
        assert!(source.entries.iter().all(|entry| entry.group.is_none()));
        let by_farm = ReadOptions { group: Some("farm".into()), ..options() };
        let groups: Vec<_> = open(path, &by_farm).unwrap().entries.iter().map(|entry| entry.group).collect();
        assert!(groups[0].is_some() && groups[0] == groups[1]);
    });
}

#[test]
fn a_damaged_member_is_told_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let images = |n: usize| npy_of("|u1", false, &format!("({n}, 2, 2)"), &vec![200; n * 4]);
    let labels = npy_of("|u1", false, "(3,)", &[1, 2, 1]);
    let members = [("x_train.npy", images(3)), ("y_train.npy", labels), ("x_test.npy", images(2))];
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, bytes)| (*name, &**bytes)).collect();
    let whole = npz_of(&members, false);

    // A byte of the labels is another one: their samples are not used, the others are.
    let mut wrong = whole.clone();
    let at = find(&wrong, b"y_train.npy") + "y_train.npy".len();
    let at = at + find(&wrong[at..], &[1, 2, 1]);
    wrong[at] = 7;
    fs::write(&path, &wrong).unwrap();
    let source = open(&path, &options()).unwrap();
    assert_eq!(listed(&source), ["test/00000000 - test", "test/00000001 - test"]);
    assert_eq!(
        reasons(&source),
        ["wrong checksum, array `y_train`: nothing from here to the last of 3 samples: set.npz, row 0"]
    );

    // Within deflated bytes.
    let mut wrong = npz_of(&members, true);
    let at = find(&wrong, b"x_test.npy") + "x_test.npy".len();
    wrong[at + 20..at + 40].fill(0x55);
    fs::write(&path, &wrong).unwrap();
    match open(&path, &options()) {
        Ok(source) => assert!(reasons(&source)[0].contains("array `x_test`"), "{:?}", reasons(&source)),
        Err(e) => assert!(e.message.contains("member `x_test.npy`"), "{e}"),
    }

    fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    assert!(refusal(&path, &options()).starts_with("ZIP archive is damaged or cut off"));
    fs::write(&path, &whole[..60]).unwrap();
    assert!(refusal(&path, &options()).starts_with("ZIP archive is damaged or cut off"));
}

#[test]
fn lying_members_are_refused_before_they_take_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let labels = npy_of("|u1", false, "(1,)", &[1]);
    let huge = npy_of("<f8", false, "(1000000000, 1000000)", &[0; 80]);
    let objects = npy_of("|O", false, "(2,)", &[0; 16]);
    let zeros = npy_of("|u1", false, "(100000, 10, 10)", &vec![0; 10_000_000]);
    let longer = npy_of("|u1", false, "(1, 2, 2)", &vec![0; 1 << 20]);
    let shorter = npy_of("|u1", false, "(9, 2, 2)", &[200; 8]);
    let small = ReadOptions { max_unpacked: 1 << 20, ..options() };
    for (images, options, want) in [
        (&huge, options(), "unpacks to more than 8589934592 bytes"),
        (&zeros, small, "unpacks to more than 1048576 bytes"),
        (&objects, options(), "NPY elements of type `|O` are not read"),
        (&longer, options(), "more bytes than the shape [1, 2, 2] says"),
    ] {
        fs::write(&path, npz_of(&[("images.npy", images), ("labels.npy", &labels)], true)).unwrap();
        let message = refusal(&path, &options);
        assert!(message.starts_with(want) && message.contains("member `images.npy`"), "{message}");
        assert!(message.contains("set.npz"), "{message}");
    }
    // One that ends early gives the samples that are whole.
    fs::write(&path, npz_of(&[("images.npy", &shorter)], true)).unwrap();
    let source = open(&path, &options()).unwrap();
    assert_eq!(source.entries.len(), 2);
    assert_eq!(
        reasons(&source),
        ["the array is cut off, array `images`: nothing from here to the last of 9 samples: set.npz, row 2"]
    );
    // The central directory says that the member is longer than it is.
    let mut lying = npz_of(&[("images.npy", &shorter)], false);
    let directory = find(&lying, b"PK\x01\x02");
    lying[directory + 20..directory + 28].fill(0x7f);
    fs::write(&path, &lying).unwrap();
    let _ = open(&path, &options()).map(|source| assert!(source.entries.len() < 3));
    // Object arrays and texts that no one asked for do no harm.
    let images = npy_of("|u1", false, "(1, 2, 2)", &[200; 4]);
    fs::write(&path, npz_of(&[("images.npy", &images), ("extra.npy", &objects)], true)).unwrap();
    assert_eq!(open(&path, &options()).unwrap().entries.len(), 1);
}

#[test]
fn parts_hold_the_same() {
    let images = npy_of("|u1", false, "(1, 2, 2)", &[200; 4]);
    let (two, three) = (npy_of("|u1", false, "(1, 2)", &[1; 2]), npy_of("|u1", false, "(1, 3)", &[1; 3]));
    let text = npy_of("<U1", false, "(1,)", &texts(1, &["x"]));
    with(&[("train_images.npy", &images), ("val_text.npy", &text)], |path| {
        let source = open(path, &options()).unwrap();
        assert_eq!(listed(&source), ["train/00000000 - train"]);
        assert_eq!(reasons(&source), ["no picture beside `val_text`, which the others have: set.npz"]);
    });
    let members = [
        ("train_images.npy", &*images),
        ("train_features.npy", &*two),
        ("val_images.npy", &*images),
        ("val_features.npy", &*three),
    ];
    with(&members, |path| assert!(refusal(path, &options()).starts_with("rows of different widths")));
    let members = [("x_train.npy", &*two), ("x_test.npy", &*three)];
    with(&members, |path| assert!(refusal(path, &options()).starts_with("samples of different kinds")));
}

#[test]
fn other_archives_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.zip");
    fs::write(&path, npz_of(&[("a.png", b"x")], false)).unwrap();
    assert!(refusal(&path, &options()).starts_with("a ZIP archive; unpack it first"));
    let forced = ReadOptions { format: Format::Npz, ..options() };
    assert!(refusal(&path, &forced).contains("no samples"), "{}", refusal(&path, &forced));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn changed_bytes_are_told_or_do_no_harm(
        which in 0usize..4, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>())) {
        let images = npy_of("|u1", false, "(2, 2, 2)", &[200; 8]);
        let labels = npy_of("<i8", true, "(2, 1)", &[1; 16]);
        let members = [("images.npy", &*images), ("labels.npy", &*labels)];
        let rows = super::cifar::row_of(&[1, 2], 3).repeat(2);
        let (format, mut bytes) = match which {
            0 => (Format::Npz, npz_of(&members, false)),
            1 => (Format::Npz, npz_of(&members, true)),
            2 => (Format::Safetensors, super::tensors::tensors_of(super::tensors::HEADER, &[0; 30])),
            _ => (Format::Cifar, rows),
        };
        for (at, value) in changes {
            *at.get_mut(&mut bytes) = value;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.bin");
        fs::write(&path, &bytes).unwrap();
        if let Ok(source) = open(&path, &ReadOptions { format, max_unpacked: 1 << 20, ..options() }) {
            for entry in &source.entries {
                prop_assert!(entry.label.is_none_or(|label| (label as usize) < source.classes.len()));
                let _ = source.loader.load(entry.at);
            }
            prop_assert!(source.entries.len() as u64 <= 2);
        }
    }
}
