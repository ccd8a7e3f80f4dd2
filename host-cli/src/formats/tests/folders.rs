//! Folders of files with lists about them, sounds, texts, and links.

use super::*;

/// A folder of these files.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

const WAV: &[u8] = b"RIFF\x04\0\0\0WAVE";

#[test]
fn lists_tell_of_pictures_in_their_folders() {
    let train =
        br#"{"file_name": "1.png", "label": "tree", "caption": "a tree", "objects": {"bbox": [[1, 2]]}}
{"file_name": "deep/2.png", "label": "bush", "caption": "two", "objects": {"bbox": []}}
{"file_name": "none.png", "label": "bush", "caption": "gone"}
{"file_name": "../outside.png", "label": "bush", "caption": "far"}
"#;
    let source = folder(&[
        ("train/1.png", &grey(1)),
        ("train/deep/2.png", &grey(2)),
        ("train/3.png", &grey(3)),
        ("train/notes.txt", b"x"),
        ("train/metadata.jsonl", train),
        ("test/4.png", &grey(4)),
        ("test/metadata.csv", b"file_name,caption,label\n./4.png,\"four, five\",tree\n"),
        ("outside.png", &grey(5)),
    ]);
    let source = open(source.path(), &options()).unwrap();
    assert_eq!(source.kinds, [Kind::Images, Kind::Text]);
    assert_eq!(source.columns.len(), 0, "{:?}", source.columns);
    assert_eq!(
        listed(&source),
        ["outside - -", "test/4 tree test", "train/1 tree train", "train/deep/2 bush train"]
    );
    assert_eq!(load(&source, "test/4").text.as_deref(), Some("four, five"));
    assert_eq!(pixels(load(&source, "train/deep/2")), [2; 4]);
    let want = [
        "name of a file leads out of the folder in column `file_name`: train/../outside.png: train/metadata.jsonl, row 4",
        "neither PNG, JPEG, BMP, WebP, PNM nor TIFF: train/notes.txt",
        "no such file or folder in column `file_name`: train/none.png: train/metadata.jsonl, row 3",
        "not listed in train/metadata.jsonl: train/3.png",
    ];
    assert_eq!(reasons(&source), want);
    let note = "lists and objects within objects are left out: objects";
    assert!(source.remarks.notes.iter().any(|n| n == note), "{:?}", source.remarks.notes);
}

#[test]
fn folders_are_the_classes_where_lists_tell_none() {
    let source = folder(&[
        ("cat/1.png", &grey(1)),
        ("dog/1.png", &grey(2)),
        ("metadata.csv", b"file_name;age;owner\ncat/1.png;3,5;ann\ndog/1.png;7;bob\n"),
    ]);
    let with = ReadOptions { group: Some("owner".into()), ..options() };
    let source = open(source.path(), &with).unwrap();
    assert_eq!(listed(&source), ["cat/1 cat -", "dog/1 dog -"]);
    assert_eq!((source.columns.join(" "), row(load(&source, "cat/1"))), ("age".into(), vec![3.5]));
    assert!(source.entries[0].group.is_some() && source.entries[0].group != source.entries[1].group);
    // One folder for all is no class.
    let source = folder(&[
        ("images/1.png", &grey(1)),
        ("metadata.jsonl", b"{\"file_name\": \"images/1.png\", \"text\": \"a\"}\n"),
    ]);
    assert!(open(source.path(), &options()).unwrap().classes.is_empty());
}

#[test]
fn a_list_of_no_files_is_told_and_a_damaged_one_set_aside() {
    let source = folder(&[
        ("cat/1.png", &grey(1)),
        ("cat/metadata.csv", b"a,b\n1,2\n"),
        ("dog/1.png", &grey(2)),
        ("dog/metadata.jsonl", b"\xff\xfe"),
    ]);
    let source = open(source.path(), &options()).unwrap();
    assert_eq!(listed(&source), ["cat/1 cat -", "dog/1 dog -"]);
    assert!(source.remarks.warnings[0].contains("cat/metadata.csv has no column `file_name`"));
    assert_eq!(reasons(&source), ["holds no JSON object: dog/metadata.jsonl"]);
}

#[test]
fn sounds_and_texts_are_samples_too() {
    let sounds =
        folder(&[("one/a.wav", WAV), ("one/a.txt", b"one"), ("two/b.WAV", WAV), ("two/c.txt", b"alone")]);
    let source = open(sounds.path(), &options()).unwrap();
    assert_eq!(source.kinds, [Kind::Audio, Kind::Text]);
    assert_eq!(listed(&source), ["one/a one -", "two/b two -"]);
    assert_eq!(load(&source, "one/a").text.as_deref(), Some("one"));
    assert_eq!(source.set_aside.len(), 1);
    let texts = folder(&[
        ("train/neg/1.txt", b"bad"),
        ("train/pos/1.txt", b"good"),
        ("test/pos/2.txt", b"\xff"),
        ("README.md", b"x"),
    ]);
    let source = open(texts.path(), &options()).unwrap();
    assert_eq!((source.format, source.kind()), (Format::Folder, Kind::Text));
    assert_eq!(listed(&source), ["test/pos/2 pos test", "train/neg/1 neg train", "train/pos/1 pos train"]);
    let wrong = source.entries.iter().find(|e| e.id == "test/pos/2").unwrap();
    assert_eq!(
        source.loader.load(wrong.at).unwrap_err().message,
        "text is not UTF-8 (byte 0); save it as UTF-8"
    );
    assert_eq!(source.loader.place(wrong.at).file, "test/pos/2.txt");
}

#[test]
fn a_table_that_names_files_is_the_source() {
    let source = folder(&[
        ("all.csv", b"image_path,label\nfiles/1.png,a\nfiles/2.png,b\n"),
        ("files/1.png", &grey(1)),
        ("files/2.png", &grey(2)[..40]),
    ]);
    let source = open(source.path(), &options()).unwrap();
    assert_eq!((source.format, listed(&source).join(",")), (Format::Csv, "00000000 a -,00000001 b -".into()));
    assert_eq!(source.loader.load(1).unwrap_err().message, "PNG is cut off: files/2.png");
}

#[test]
fn a_file_that_changes_after_it_was_listed_is_told() {
    let source = folder(&[("cat/1.png", &grey(1)), ("cat/2.png", &grey(2))]);
    let opened = open(source.path(), &options()).unwrap();
    fs::write(source.path().join("cat/1.png"), &grey(1)[1..]).unwrap();
    fs::remove_file(source.path().join("cat/2.png")).unwrap();
    let e = |at: usize| opened.loader.load(at).unwrap_err().message;
    assert_eq!((e(0).as_str(), e(1).as_str()), ("file changed while it was read", "no such file or folder"));
}

#[cfg(unix)]
#[test]
fn links_out_of_the_source_are_followed_only_when_asked_for() {
    use std::os::unix::fs::symlink;
    let elsewhere = folder(&[("1.png", &grey(1)), ("more/2.png", &grey(2))]);
    let source =
        folder(&[("cat/0.png", &grey(0)), ("all.csv", b"file_name,label\ncat/0.png,a\ncat/1.png,b\n")]);
    symlink(elsewhere.path().join("1.png"), source.path().join("cat/1.png")).unwrap();
    symlink(elsewhere.path().join("more"), source.path().join("dog")).unwrap();
    let follow = ReadOptions { follow_links: true, ..options() };
    // The table names one file within and one that is a link.
    let table = open(source.path(), &options()).unwrap();
    assert_eq!(
        reasons(&table),
        ["link leads out of the source in column `file_name`: cat/1.png: all.csv, row 3"]
    );
    assert_eq!(open(source.path(), &follow).unwrap().entries.len(), 2);
    fs::remove_file(source.path().join("all.csv")).unwrap();
    let pictures = open(source.path(), &options()).unwrap();
    assert_eq!(
        reasons(&pictures),
        ["link leads out of the source: cat/1.png", "link leads out of the source: dog"]
    );
    assert_eq!(listed(&open(source.path(), &follow).unwrap()), ["cat/0 cat -", "cat/1 cat -", "dog/2 dog -"]);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_and_never_waited_for() {
    let folder = folder(&[("cat/1.png", &grey(1))]);
    let pipe = folder.path().join("cat/pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::net::UnixListener::bind(folder.path().join("cat/socket")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("cat/zero.png")).unwrap();
    let follow = ReadOptions { follow_links: true, ..options() };
    let source = open(folder.path(), &follow).unwrap();
    assert_eq!(source.entries.len(), 1);
    let want = ["pipe.png", "socket", "zero.png"].map(|name| format!("not a regular file: cat/{name}"));
    assert_eq!(reasons(&source), want);
    for path in [pipe.as_path(), Path::new("/dev/zero")] {
        assert!(refusal(path, &options()).starts_with("not a regular file: "));
        let forced = ReadOptions { format: Format::Tar, ..options() };
        assert!(refusal(path, &forced).starts_with("not a regular file: "));
    }
}
