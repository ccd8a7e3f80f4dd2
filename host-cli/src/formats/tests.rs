//! Sources of every format, built here: what is read, what is set aside, and what is refused.

use super::*;
use crate::codec::{Pixels, encode_png};
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::fs;
use std::io::Write;

mod archives;
mod arrays;
mod cifar;
mod columns;
mod folders;
mod npz;
mod records;
mod tables;
mod tensors;

use arrays::{idx_of, npy_of};

fn options() -> ReadOptions {
    ReadOptions::default()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
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

fn load(source: &Source, id: &str) -> Content {
    let entry = source.entries.iter().find(|e| e.id == id).unwrap();
    source.loader.load(entry.at).unwrap()
}

fn pixels(loaded: Content) -> Vec<u8> {
    loaded.image.unwrap().pixels().unwrap().data
}

fn row(loaded: Content) -> Vec<f32> {
    loaded.row
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
                prop_assert_eq!(array.values(i).map_or(0, |v| v.len()), if i < array.samples() { array.sample_len() } else { 0 });
                let _ = (array.label(i), array.sample_bytes(i));
            }
        }
        if let Ok(profile) = csv::profile(|| bytes.as_slice(), Header::Auto, Decimal::Auto) {
            prop_assert!(profile.columns.len() > 1);
        }
        let _ = of_head(&bytes);
    }
}

#[test]
fn folders_are_classes_and_splits() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    assert!(refusal(folder.path(), &options()).starts_with("no picture, sound or text below"));
    put("train/10/a b.png", &grey(1));
    put("train/9/deep/x.jpeg", &grey(2));
    put("validation/9/x.png", &grey(3));
    put("train/9/.hidden.png", &grey(4));
    put("train/9/notes.txt", b"hello");
    put("train/README.md", b"about");
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
        ["file is empty: train/9/empty.png", "neither PNG, JPEG, BMP, WebP, PNM nor TIFF: train/9/notes.txt"]
    );
    assert_eq!(pixels(load(&source, "train/9/deep/x")), [2; 4]);
    // A stray picture beside the folders changes nothing but that it is told.
    put("loose.png", &grey(6));
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(
        (source.classes.as_slice(), source.entries.len()),
        (["9".to_owned(), "10".into()].as_slice(), 4)
    );
    assert!(listed(&source).contains(&"loose - -".to_owned()));
    assert_eq!(source.remarks.warnings, ["1 pictures beside the folders have no label, such as loose.png"]);
    // With a folder that is no split, all are classes.
    put("cat/x.png", &grey(5));
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(source.classes, ["cat", "train", "validation"]);
    assert!(source.remarks.warnings[0].contains("since `cat` is not"), "{:?}", source.remarks.warnings);
    let shape = ReadOptions { image_shape: Some("2x2".parse().unwrap()), ..options() };
    assert_eq!(open(folder.path(), &shape).err().unwrap().exit_code(), 2);
}

#[test]
fn only_what_names_a_picture_is_cut_from_its_id() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["face.001", "face.002", "a.b.PNG", "c.jfif"] {
        fs::write(folder.path().join(name), grey(1)).unwrap();
    }
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(listed(&source), ["a.b - -", "c - -", "face.001 - -", "face.002 - -"]);
}

#[test]
fn a_file_that_no_picture_can_fill_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("a.png")).unwrap();
    (&file).write_all(&grey(1)).unwrap();
    let small = ReadOptions { max_pixels: 100, ..options() };
    let load = || open(folder.path(), &small).unwrap().loader.load(0);
    assert!(load().is_ok());
    // A hole takes no room on the disk.
    file.set_len((64 << 20) + 801).unwrap();
    assert_eq!(load().unwrap_err().message, "file of 67109665 bytes is too long for 100 pixels");
}

#[test]
fn tables_and_arrays_of_a_folder_have_texts_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    file("train.csv", b"x,y,label\n1,2,a\n3,4,b\n");
    file("README.md", b"# About\n");
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!((source.format, source.entries.len()), (Format::Csv, 2));
    file("test.csv", b"x,y,label\n1,2,a\n");
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(listed(&source), ["test/00000000 a test", "train/00000000 a train", "train/00000001 b train"]);
    file("test.csv", b"x,z,label\n1,2,a\n");
    assert!(
        refusal(folder.path(), &options())
            .starts_with("text tables of different columns, test.csv and train")
    );
    // An array wins over folders, and says what that costs.
    file("features.npy", &npy_of("|u1", false, "(2, 3)", &[200; 6]));
    fs::create_dir_all(folder.path().join("cat/deep")).unwrap();
    file("cat/1.png", &grey(1));
    file("cat/deep/2.png", &grey(2));
    file("logo.png", &grey(3));
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(source.format, Format::Npy);
    let [other, below] = source.remarks.warnings.as_slice() else { panic!("{:?}", source.remarks) };
    assert_eq!(other, "1 file is not read, since it is no npy file: logo.png");
    assert!(below.starts_with("2 files in folders are not read"), "{below}");
    assert!(source.remarks.notes.iter().any(|n| n.contains("README.md, test.csv, train.csv")));
    let pictures = ReadOptions { format: Format::Folder, ..options() };
    assert_eq!(open(folder.path(), &pictures).unwrap().entries.len(), 3);
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
        (tar, Ok(Format::Tar)),
        (b" {\"a\": 1}\n".to_vec(), Ok(Format::Jsonl)),
        (b"PAR1xxxx".to_vec(), Ok(Format::Parquet)),
        (b"ARROW1\0\0".to_vec(), Ok(Format::Arrow)),
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
    assert!(refusal(&path, &options()).starts_with("text is in UTF-16"));
}
