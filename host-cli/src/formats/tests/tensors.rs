//! Safetensors files of samples, and what is wrong with them.

use super::*;

/// A file of this header and these elements.
pub fn tensors_of(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

pub const HEADER: &str = r#"{"__metadata__":{"by":"me"},"images":{"dtype":"U8","shape":[2,2,2],"data_offsets":[0,8]},
"labels":{"dtype":"I64","shape":[2],"data_offsets":[8,24]},"extra":{"dtype":"BF16","shape":[3],"data_offsets":[24,30]}}"#;

fn data() -> Vec<u8> {
    [&[200, 1, 2, 3, 4, 5, 6, 7][..], &4i64.to_le_bytes(), &9i64.to_le_bytes(), &[0; 6]].concat()
}

#[test]
fn tensors_are_told_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.safetensors");
    fs::write(&path, tensors_of(HEADER, &data())).unwrap();
    for at in [folder.path(), &path] {
        assert_eq!(detect(at).unwrap(), Format::Safetensors);
        let source = open(at, &options()).unwrap();
        assert_eq!(listed(&source), ["00000000 4 -", "00000001 9 -"]);
        assert_eq!(pixels(load(&source, "00000001")), [4, 5, 6, 7]);
        assert!(source.remarks.warnings[0].contains("extra"));
    }
    let halves = r#"{"x":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]}}"#;
    fs::write(&path, gzip(&tensors_of(halves, &[0x80, 0x3f, 0, 0xc0]))).unwrap();
    assert_eq!(row(load(&open(&path, &options()).unwrap(), "00000000")), [1.0, -2.0]);
    // A file for each split.
    fs::write(folder.path().join("train.safetensors"), tensors_of(halves, &[0; 4])).unwrap();
    fs::rename(&path, folder.path().join("val.safetensors")).unwrap();
    let source = open(folder.path(), &options()).unwrap();
    assert_eq!(listed(&source), ["train/00000000 - train", "val/00000000 - val"]);
}

#[test]
fn damaged_tensors_are_refused_or_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.safetensors");
    let whole = tensors_of(HEADER, &data());
    let one = |dtype: &str, shape: &str, end: u64| {
        format!(r#"{{"images":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
    };
    for (bytes, want) in [
        (whole[..30].to_vec(), "safetensors file is cut off in its header"),
        (tensors_of(&one("U8", "[2,2,2]", 7), &[0; 7]), "header of tensors is damaged"),
        (tensors_of(&one("U8", "[18446744073709551615,9]", 8), &[0; 8]), "header of tensors is damaged"),
        (
            tensors_of(&one("C64", "[1,2]", 16), &[0; 16]),
            "elements of type C64 are not read: tensor `images`",
        ),
        (tensors_of(&one("U8", "[2,2,2]", 8), &[0; 9]), "more bytes than the header of tensors says"),
        (tensors_of("{\"a\": [1]}", &[]), "header of tensors is damaged"),
        (tensors_of("{}", &[]), "no samples"),
    ] {
        fs::write(&path, bytes).unwrap();
        let message = refusal(&path, &options());
        assert!(message.starts_with(want) && message.ends_with("set.safetensors"), "{message}");
    }
    // A tensor of petabytes of which nothing is there.
    fs::write(&path, tensors_of(&one("F64", "[1000000,1000000,1000]", 8_000_000_000_000_000), &[0; 8]))
        .unwrap();
    let source = open(&path, &options());
    assert!(source.is_err() || source.is_ok_and(|source| source.entries.is_empty()));
    // Cut off within the samples, with the labels gone.
    fs::write(&path, &whole[..whole.len() - 26]).unwrap();
    let source = open(&path, &options()).unwrap();
    assert!(source.entries.is_empty());
    assert!(reasons(&source)[0].starts_with("the file is cut off, array `labels`"), "{:?}", reasons(&source));
}

#[test]
fn a_model_is_no_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let header = r#"{"encoder.0.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},
"encoder.0.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#;
    fs::write(&path, tensors_of(header, &[0; 12])).unwrap();
    assert!(refusal(&path, &options()).starts_with("no samples"), "{}", refusal(&path, &options()));
}
