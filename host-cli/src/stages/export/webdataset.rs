//! WebDataset: `<split>/shard-000000.tar`, ….
//!
//! A sample is a run of members with one key: `key.png`, `key.wav` (or what its sound is), `key.txt`, `key.cls` (the
//! number of its class; none where it is unknown) and `key.json` (see [`Record`]). The key is the id, where
//! what has a meaning in a path (a dot above all, since a key ends at the first) is written `%XX`, as is `%` itself.
//! Samples are in the order of their ids; all times and owners are 0.

use super::Selection;
use super::record::Record;
use super::shards::{Layout, Limits, Shards};
use crate::dataset::{Meta, Sample, Split};
use crate::error::{Context, Error, Result};
use crate::stages::Ctx;
use std::borrow::Cow;
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// Samples in memory at a time.
const BATCH: usize = 512;

/// The two empty blocks at the end of a tar file.
const TRAILER: [u8; 1024] = [0; 1024];

fn name(split: Split, number: usize, _: usize) -> String {
    format!("{}/shard-{number:06}.tar", split.name())
}

/// Writes the shards and tells how many there are.
pub fn write(ctx: &Ctx, selection: &Selection, out: &Path, limits: Limits) -> Result<usize> {
    let mut shards = Shards::new(out, limits, Layout { trailer: &TRAILER, name });
    let task = selection.task(ctx);
    let members = |sample: Sample| Ok((sample.split, members(selection.meta(), &sample)?));
    ctx.pool.stream(selection.samples(), BATCH, members, |(split, members)| {
        task.inc(1);
        shards.push(split, &members)
    })?;
    shards.finish()
}

/// The key of an id: the same for no two.
fn key(id: &str) -> String {
    let mut key = String::with_capacity(id.len());
    let mut chars = id.chars().peekable();
    while let Some(c) = chars.next() {
        // A slash stays where there is something on both sides.
        let inner = !key.is_empty() && !key.ends_with('/') && chars.peek().is_some_and(|next| *next != '/');
        match c {
            '/' if inner => key.push('/'),
            '/' | '.' | '%' | '\\' | '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\0'..=' ' | '\x7f' => {
                key.push_str(&format!("%{:02X}", c as u32));
            }
            c => key.push(c),
        }
    }
    key
}

/// The members of a sample, as they stand in a tar file.
fn members(meta: &Meta, sample: &Sample) -> Result<Vec<u8>> {
    let key = key(&sample.id);
    let content = &sample.content;
    let mut members: Vec<(&str, Cow<'_, [u8]>)> = Vec::new();
    if let Some(image) = &content.image {
        members.push(("png", image.to_png().map_err(|e| e.within(&sample.id))?));
    }
    if let Some(sound) = &content.audio {
        members.push((sound.extension(), Cow::Borrowed(&sound.bytes)));
    }
    if let Some(text) = &content.text {
        members.push(("txt", Cow::Borrowed(text.as_bytes())));
    }
    if let Some(label) = sample.label {
        members.push(("cls", label.to_string().into_bytes().into()));
    }
    members.push(("json", Record::new(meta, sample, None)?.line()?.into()));
    let mut builder = Builder::new(Vec::new());
    for (extension, bytes) in members {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, format!("{key}.{extension}"), &*bytes).at(&sample.id)?;
    }
    let mut bytes = builder.into_inner().at(&sample.id)?;
    let end = bytes.len().checked_sub(TRAILER.len());
    bytes.truncate(end.ok_or_else(|| Error::failed(format!("no end of members: {}", sample.id)))?);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_are_readable_and_have_no_dots() {
        for (id, want) in [
            ("0001", "0001"),
            ("train/cat/7", "train/cat/7"),
            ("a.png!augment00001", "a%2Epng!augment00001"),
            ("..", "%2E%2E"),
            ("../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd"),
            ("/a//b/", "%2Fa%2F/b%2F"),
            ("x%20y", "x%2520y"),
            ("é", "é"),
        ] {
            assert_eq!(key(id), want, "{id}");
        }
    }

    proptest! {
        #[test]
        fn a_key_leads_back_to_its_id_and_not_out_of_a_folder(id in "(\\.|/|%|[a-c]|\\PC){1,12}") {
            let key = key(&id);
            prop_assert!(!key.contains('.') && !key.is_empty());
            prop_assert!(key.split('/').all(|part| !part.is_empty()), "{}", key);
            let mut bytes = Vec::new();
            let mut rest = key.as_bytes();
            while let Some((&byte, after)) = rest.split_first() {
                let (byte, after) = match byte {
                    b'%' => (u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap(), &after[2..]),
                    byte => (byte, after),
                };
                bytes.push(byte);
                rest = after;
            }
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), id);
        }
    }
}
