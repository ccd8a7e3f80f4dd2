//! TFRecord files: what examples hold, and what is damaged.

use super::*;

/// A field of the wire type 2.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut length = Vec::new();
    let mut rest = bytes.len();
    while rest >= 0x80 {
        length.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    length.push(rest as u8);
    [&[number << 3 | 2], &*length, bytes].concat()
}

/// The message of these features: the kind of the list, and its values as they stand there.
fn example(features: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let entry = |(name, kind, list): &(&str, u8, &[u8])| {
        field(1, &[field(1, name.as_bytes()), field(2, &field(*kind, list))].concat())
    };
    field(1, &features.iter().flat_map(entry).collect::<Vec<u8>>())
}

fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    [&length, &masked(&length)[..], message, &masked(message)].concat()
}

/// A picture of this level, its class, two numbers and a text.
fn sample(level: u8) -> Vec<u8> {
    let floats = [f32::from(level), 0.5].map(f32::to_le_bytes).concat();
    example(&[
        ("image/encoded", 1, &field(1, &grey(level))),
        ("image/class/label", 3, &field(1, &[level % 2])),
        ("side", 2, &field(1, &floats)),
        ("caption", 1, &[field(1, "eins".as_bytes()), field(1, "zwei 🌳".as_bytes())].concat()),
    ])
}

fn read(bytes: &[u8]) -> Result<Source> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tfrecord");
    fs::write(&path, bytes).unwrap();
    open(&path, &options())
}

#[test]
fn examples_are_samples() {
    let file: Vec<u8> = (0..3).flat_map(|i| record(&sample(i))).collect();
    for bytes in [file.clone(), gzip(&file), zstd::bulk::compress(&file, 1).unwrap()] {
        let source = read(&bytes).unwrap();
        assert_eq!((source.format, source.columns.join(" ").as_str()), (Format::Tfrecord, "side[0] side[1]"));
        assert_eq!(listed(&source), ["00000000 0 -", "00000001 1 -", "00000002 0 -"]);
        let content = load(&source, "00000002");
        assert_eq!(content.text.as_deref(), Some("eins\nzwei 🌳"));
        assert_eq!((content.row.clone(), pixels(content)), (vec![2.0, 0.5], vec![2; 4]));
    }
}

#[test]
fn numbers_may_stand_one_by_one_and_fields_in_any_order() {
    // Floats and whole numbers that are not packed, -1 in ten bytes, unknown fields of each wire type.
    let floats = [&[0x0d][..], &1.5f32.to_le_bytes(), &[0x0d], &(-2.0f32).to_le_bytes()].concat();
    let ints = [&[0x08][..], &[0xff; 9], &[0x01]].concat();
    let unknown = [&[0x50, 0x07][..], &[0x59], &[0; 8], &[0x5d], &[0; 4], &field(9, b"new")].concat();
    let message = [unknown, example(&[("n", 3, &ints), ("f", 2, &floats)])].concat();
    let source = read(&record(&message)).unwrap();
    assert_eq!(source.columns, ["n", "f[0]", "f[1]"]);
    assert_eq!(row(load(&source, "00000000")), [-1.0, 1.5, -2.0]);
}

#[test]
fn what_is_damaged_is_told_by_its_byte() {
    let records: Vec<Vec<u8>> = (0..4).map(|i| record(&sample(i))).collect();
    let (whole, second) = (records.concat(), records[0].len());
    let damage = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        read(&bytes).unwrap()
    };
    // A wrong message costs itself.
    let source = damage(second + 30);
    assert_eq!(listed(&source), ["00000000 0 -", "00000002 0 -", "00000003 1 -"]);
    let why = format!("wrong checksum of the record at byte {second}: x.tfrecord, row 1");
    assert_eq!(reasons(&source), [why]);
    // Of a wrong length nothing can tell where the next one is.
    let source = damage(second + 1);
    assert_eq!(listed(&source), ["00000000 0 -"]);
    let why = format!("wrong checksum of a length: nothing is read from byte {second} on: x.tfrecord, row 1");
    assert_eq!(reasons(&source), [why]);
    for cut in [whole.len() - 1, whole.len() - records[3].len() + 5] {
        let source = read(&whole[..cut]).unwrap();
        assert_eq!(source.entries.len(), 3);
        let at = whole.len() - records[3].len();
        let why = format!("file ends within a record: nothing is read from byte {at} on: x.tfrecord, row 3");
        assert_eq!(reasons(&source), [why]);
    }
    let gz = gzip(&whole);
    let source = read(&gz[..gz.len() - 30]).unwrap();
    assert!(!source.entries.is_empty() && reasons(&source)[0].starts_with("the gzip file is cut off"));
}

#[test]
fn lengths_and_messages_that_cannot_be_are_refused() {
    let long = |length: u64| [&length.to_le_bytes(), &masked(&length.to_le_bytes())[..], &[0; 64]].concat();
    for length in [u64::MAX, u64::MAX - 15, 1 << 40] {
        let source = read(&[record(&sample(0)), long(length)].concat()).unwrap();
        assert_eq!(source.entries.len(), 1);
        assert!(reasons(&source)[0].starts_with("file ends within a record"), "{:?}", reasons(&source));
    }
    for (message, why) in [
        (&b"\x0a\x7f"[..], "example ends within a value"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "example ends within a value"),
        (&[0xff; 11], "example holds a number of more than 64 bits"),
        (b"\x0b", "no example (wire type 3)"),
        (b"\x0a\x07\x0a\x05\x0a\x03\xff\xff\xff", "name of a feature is not UTF-8"),
        (&example(&[("x", 1, &field(1, b"\x80\xfe"))]), "bytes in `x` are neither text, picture nor sound"),
        (b"", "missing value in column `side[0]`"),
    ] {
        let source = read(&[record(&sample(0)), record(message)].concat()).unwrap();
        assert_eq!(source.entries.len(), 1, "{why}");
        assert!(reasons(&source)[0].starts_with(why), "{why}: {:?}", reasons(&source));
    }
}

proptest! {
    #[test]
    fn no_bytes_of_an_example_make_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), at in any::<prop::sample::Index>()) {
        let mut message = sample(1);
        let at = at.index(message.len());
        message.splice(at.., bytes);
        let file = [record(&sample(0)), record(&message)].concat();
        prop_assert_eq!(read(&file).map(|s| s.entries.len() + s.set_aside.len()).ok(), Some(2));
    }
}
