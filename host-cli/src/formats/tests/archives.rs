//! Archives and lines of objects: samples of several members, labels, objects, and what is damaged.

use super::*;

/// A tar file of these members, in their order.
fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = ::tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // The builder refuses names that lead out, which others write.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn archive(members: &[(&str, &[u8])]) -> Result<Source> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train-0.tar");
    fs::write(&path, tar_of(members)).unwrap();
    open(&path, &options())
}

#[test]
fn members_of_one_key_are_one_sample() {
    let wav = b"RIFF\x04\0\0\0WAVE".as_slice();
    let source = archive(&[
        ("./a/1.png", &grey(1)),
        ("./a/1.wav", wav),
        ("./a/1.txt", "ein Baum 🌳".as_bytes()),
        ("./a/1.json", br#"{"label": "tree", "size": 2.5, "id": "first", "weight": 2}"#),
        ("./a/2.json", br#"{"label": "bush", "size": null, "id": "second", "weight": 1}"#),
        ("./a/2.left.png", &grey(2)),
        ("./a/2.right.png", &grey(3)),
        ("./a/2.md", b"notes"),
    ])
    .unwrap();
    assert_eq!(
        (source.format, source.kinds.as_slice()),
        (Format::Tar, [Kind::Images, Kind::Audio, Kind::Text, Kind::Table].as_slice())
    );
    assert_eq!(source.columns, ["size", "weight_"]);
    assert_eq!(listed(&source), ["first tree train"]);
    let content = load(&source, "first");
    assert_eq!(
        (content.text.as_deref(), content.audio.unwrap().bytes.as_slice()),
        (Some("ein Baum 🌳"), wav)
    );
    assert_eq!(content.row, [2.5, 2.0]);
    assert_eq!(reasons(&source), ["missing value in column `size`: train-0.tar"]);
}

#[test]
fn labels_come_from_members_or_folders() {
    let of_members =
        archive(&[("1.jpg", &grey(1)), ("1.cls", b"7\n"), ("2.png", &grey(2)), ("2.cls", b"10")]).unwrap();
    assert_eq!(listed(&of_members), ["1 7 train", "2 10 train"]);
    assert_eq!(of_members.classes, ["7", "10"]);
    let of_folders =
        archive(&[("val/cat/1.png", &grey(1)), ("val/dog/deep/1.png", &grey(2)), ("x.png", &grey(3))])
            .unwrap();
    assert_eq!(listed(&of_folders), ["val/cat/1 cat val", "val/dog/deep/1 dog val", "x - train"]);
    let list = br#"{"file_name": "b.png", "label": "late", "caption": "two words"}
{"file_name": "a.png", "label": "early", "caption": "one"}
{"file_name": "none.png"}
"#;
    let of_list = archive(&[("metadata.jsonl", list), ("a.png", &grey(1)), ("b.png", &grey(2))]).unwrap();
    assert_eq!(listed(&of_list), ["a early train", "b late train"]);
    assert_eq!(load(&of_list, "b").text.as_deref(), Some("two words"));
    assert!(of_list.remarks.warnings[0].contains("1 files that are not in"), "{:?}", of_list.remarks);
}

#[test]
fn members_that_are_none_are_set_aside_by_name_and_byte() {
    let folder = tempfile::tempdir().unwrap();
    let whole = tar_of(&[
        ("1.png", &grey(1)),
        ("../2.png", &grey(2)),
        ("/3.png", &grey(3)),
        ("4", b"x"),
        ("5.png", b"no picture"),
        ("6.png", b""),
        ("7.json", b"{"),
        ("7.png", &grey(7)),
        ("8.cls", b"3"),
        ("9.png", &grey(9)),
    ]);
    let path = folder.path().join("x.tar");
    fs::write(&path, &whole).unwrap();
    let source = open(&path, &options()).unwrap();
    assert_eq!(listed(&source), ["1 - -", "9 - -"]);
    let reasons = reasons(&source);
    for why in [
        "name leads out of the archive: member `../2.png` at byte 1536: x.tar",
        "name leads out of the archive: member `/3.png` at byte 2560: x.tar",
        "name has no extension that tells what it is: member `4` at byte",
        "neither a picture nor a sound: member `5.png` at byte",
        "file is empty: member `6.png` at byte",
        "not JSON (EOF while parsing an object at line 1 column 1): sample `7`: x.tar",
        "no picture beside `8`, which the others have: x.tar",
    ] {
        assert!(reasons.iter().any(|r| r.starts_with(why)), "{why}: {reasons:#?}");
    }
    assert_eq!(reasons.len(), 7);
    for cut in [whole.len() - 2000, 700, 3000] {
        fs::write(&path, &whole[..cut]).unwrap();
        match open(&path, &options()) {
            Ok(source) => {
                assert!(!source.set_aside.is_empty() || !source.remarks.warnings.is_empty(), "{cut}");
            }
            Err(e) => assert!(e.message.starts_with("no sample"), "{e}"),
        }
    }
    fs::write(&path, gzip(&whole)).unwrap();
    assert_eq!(listed(&open(&path, &options()).unwrap()), ["1 - -", "9 - -"]);
    fs::write(&path, zstd::bulk::compress(&whole, 1).unwrap()).unwrap();
    assert_eq!(listed(&open(&path, &options()).unwrap()), ["1 - -", "9 - -"]);
}

#[test]
fn shards_that_count_alike_keep_their_samples_apart() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("test")).unwrap();
    for shard in ["a.tar", "test/b.tar"] {
        fs::write(folder.path().join(shard), tar_of(&[("0.png", &grey(1))])).unwrap();
    }
    fs::write(folder.path().join("README.md"), "text").unwrap();
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(listed(&source), ["a/0 - -", "b/0 - test"]);
    assert!(
        source.remarks.notes.contains(&"other files, not read: README.md".into()),
        "{:?}",
        source.remarks
    );
}

#[test]
fn lines_of_objects_are_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    let text = "\u{feff}{\"x\": 1, \"y\": [2, 3], \"label\": \"a\", \"on\": true}\n\n{\"label\": \"b\", \"x\": 4, \"y\": [5, 6], \"on\": false}\n[1]\n{\"x\"\n";
    fs::write(&path, text).unwrap();
    let source = open(&path, &options()).unwrap();
    assert_eq!((source.format, source.columns.join(" ").as_str()), (Format::Jsonl, "on x y[0] y[1]"));
    assert_eq!(listed(&source), ["00000000 a -", "00000001 b -"]);
    assert_eq!(row(load(&source, "00000001")), [0.0, 4.0, 5.0, 6.0]);
    let want = [
        "not JSON (EOF while parsing an object at line 2 column 0): x.jsonl, row 5",
        "not a JSON object: x.jsonl, row 4",
    ];
    assert_eq!(reasons(&source), want);
}

#[test]
fn rows_name_files_and_texts() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("files")).unwrap();
    fs::write(folder.path().join("files/1.png"), grey(5)).unwrap();
    let path = folder.path().join("x.jsonl");
    let line = |id: &str, file: &str| {
        format!(
            "{{\"id\": \"{id}\", \"file_name\": {file:?}, \"caption\": \"{id} in words\", \"label\": \"a\", \"split\": \"val\", \"weight\": 0.5, \"origin\": null}}\n"
        )
    };
    let text = [
        line("a", "files/1.png"),
        line("b", "files/2.png"),
        line("c", "../x.png"),
        line("d/e!over00001", "files/1.png"),
    ]
    .concat();
    fs::write(&path, text).unwrap();
    let source = open(&path, &options()).unwrap();
    assert_eq!((source.kinds.as_slice(), source.columns.len()), ([Kind::Images, Kind::Text].as_slice(), 0));
    assert_eq!(listed(&source), ["a a val", "d/e!over00001 a val"]);
    assert_eq!(source.entries[0].more.as_ref().unwrap().weight, 0.5);
    assert_eq!(load(&source, "a").text.as_deref(), Some("a in words"));
    let reasons = reasons(&source);
    assert!(
        reasons[0].starts_with("name of a file leads out of the folder in column `file_name`: ../x.png"),
        "{reasons:?}"
    );
    assert!(
        reasons[1].starts_with("no such file or folder in column `file_name`: files/2.png"),
        "{reasons:?}"
    );
    // A picture that is gone or changed since is told when it is loaded.
    fs::write(folder.path().join("files/1.png"), &grey(5)[1..]).unwrap();
    let e = source.loader.load(source.entries[0].at).unwrap_err();
    assert_eq!(e.message, "file changed while it was read: files/1.png");
}

#[test]
fn texts_that_are_no_utf8_are_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, b"a,b,label\n1,2,c\xe9\n3,4,d\n5,6,c\xe8\n7,8,d\n").unwrap();
    let source = open(&path, &options()).unwrap();
    assert_eq!(source.classes, ["d"]);
    assert_eq!(reasons(&source)[1], "cell 3 is not UTF-8 (byte 0xe9); save the table as UTF-8: t.csv, row 2");
}
