//! Folders of pictures, sounds or texts: the first folder below the source is the class, unless all of those with
//! files are called after splits (`train`, `val`, `test`) and one of them is for training; then the class is the
//! folder below those. A file beside these folders has no label.
//!
//! A picture, a sound and a text of one name are one sample. Texts are samples of their own where there is nothing
//! else. Where there are lists about the files, [`listed`] tells what becomes of them.
//!
//! Hidden files are left out; what is none of these is set aside. Links are followed within the source, except back
//! into a folder that they are in, and out of it only where that is asked for.

mod listed;
mod walk;

use super::files::slashed;
use super::items::{Builder, Record};
use super::kinds::bare_name;
use super::rows::Columns;
use super::{Format, ReadOptions, Remarks, Source, info, some_of, table};
use crate::codec;
use crate::dataset::{Split, id_from_bytes};
use crate::error::{Error, Result};
use listed::Listed;
use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use walk::{File, Found, Walk};

/// Opens the files below the folder `root` that are at `starts`, relative to it.
pub fn open(root: &Path, starts: &[PathBuf], options: &ReadOptions) -> Result<Source> {
    if !root.is_dir() {
        return Err(Error::failed(format!("not a folder: {}", root.display()))
            .hint("give the folder that holds the pictures"));
    }
    if options.image_shape.is_some() {
        return Err(Error::usage("pictures have their own shape: --image-shape (recipe key `image_shape`)"));
    }
    let mut walk = Walk::new(root, options.follow_links)?;
    starts.iter().try_for_each(|start| walk.start(start))?;
    let mut found = walk.found;
    if found.media.is_empty() && found.texts.is_empty() {
        return Err(Error::failed(format!("no picture, sound or text below: {}", root.display()))
            .hint("give the folder that holds the files, one folder per class"));
    }
    let mut builder = Builder::new(Format::Folder, options);
    builder.root(root, options);
    builder.ids_are_paths();
    let with_splits = has_splits(&found, &mut builder.remarks);
    let info = info::load(root);
    let listed = Listed::open(root, &mut found, with_splits, &info.columns, options, &mut builder)?;
    if !found.beside.is_empty() {
        let some = some_of(&found.beside);
        builder.remarks.notes.push(format!("not read, since they are about the samples: {some}"));
    }
    if listed.is_none() && options.group.is_some() {
        return Err(Error::usage("files without a list have no columns: --group (recipe key `group`)")
            .hint("--group-by takes the folder or the beginning of the name; metadata.jsonl can tell more"));
    }
    if listed.is_none() {
        plain(&mut found, with_splits, &mut builder)?;
    }
    for (path, why) in found.refused {
        let file = builder.file(slashed(&path));
        builder.refuse(file, None, why);
    }
    let mut source = match listed {
        Some(listed) => {
            let columns = Columns::of(listed.names.clone(), &listed)?;
            table::fill(&listed, &columns, Some(root), options, builder)?
        }
        None => builder.finish(Vec::new())?,
    };
    info.apply(&mut source);
    Ok(source)
}

/// Adds the samples of a folder without lists.
fn plain(found: &mut Found, with_splits: bool, builder: &mut Builder) -> Result<()> {
    let (mut media, texts) = (std::mem::take(&mut found.media), std::mem::take(&mut found.texts));
    let alone = media.is_empty();
    if alone {
        builder
            .remarks
            .notes
            .push("there are neither pictures nor sounds: the texts are the samples".to_owned());
        media = texts;
    } else {
        let names: BTreeSet<String> = media.iter().map(|file| id_of(&file.path)).collect();
        for text in texts {
            match names.contains(&id_of(&text.path)) {
                true => media.push(text),
                false => found.refused.push((text.path, codec::UNKNOWN.to_owned())),
            }
        }
    }
    tell(&media, with_splits, &mut builder.remarks);
    let mut samples: Vec<Record> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for File { path, kind, stamp } in media {
        let (id, part) = (id_of(&path), builder.known(&path, kind, stamp)?);
        if let Some(sample) = numbers.get(&id).and_then(|&i| samples.get_mut(i))
            && sample.parts.iter().all(|(other, _)| *other != kind)
        {
            sample.parts.push(part);
            continue;
        }
        numbers.insert(id.clone(), samples.len());
        let split = if with_splits { split_of(&path) } else { None };
        let label = class_of(&path, with_splits);
        samples.push(Record {
            file: Builder::NO_FILE,
            id,
            label,
            split,
            parts: vec![part],
            ..Record::default()
        });
    }
    samples.into_iter().for_each(|sample| builder.add(sample));
    Ok(())
}

/// Tells of files without a class.
fn tell(files: &[File], with_splits: bool, remarks: &mut Remarks) {
    let words = files.first().map_or("files", |file| file.kind.words());
    if files.iter().all(|file| class_of(&file.path, with_splits).is_none()) {
        remarks.notes.push(format!("no folders of classes: the {words} have no labels"));
        return;
    }
    let mut loose = files.iter().filter(|file| folders(&file.path).is_empty());
    if let Some(first) = loose.next() {
        let (n, first) = (1 + loose.count(), slashed(&first.path));
        remarks.warnings.push(format!("{n} {words} beside the folders have no label, such as {first}"));
    }
}

/// The id of a file: its path without the extension, where that is one of pictures, sounds or texts.
fn id_of(relative: &Path) -> String {
    let bare = bare_name(relative);
    let parts: Vec<&[u8]> = bare.components().map(|c| c.as_os_str().as_encoded_bytes()).collect();
    id_from_bytes(&parts.join(&b'/'))
}

/// The folders above a file.
fn folders(relative: &Path) -> Vec<String> {
    let parent = relative.parent().unwrap_or(Path::new(""));
    let name = |c: Component<'_>| id_name(c.as_os_str().as_encoded_bytes());
    parent.components().map(name).collect()
}

/// A readable name of these bytes: UTF-8 as it is, other bytes as in ids.
fn id_name(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| id_from_bytes(bytes), str::to_owned)
}

/// Whether the folders at the top are splits: all are called after splits, and one after that for
/// training, since a class may well be called `test`. Files beside the folders say nothing.
fn has_splits(found: &Found, remarks: &mut Remarks) -> bool {
    let files = if found.media.is_empty() { &found.texts } else { &found.media };
    let tops: BTreeSet<String> = files.iter().filter_map(|f| folders(&f.path).into_iter().next()).collect();
    let splits: BTreeSet<Split> = tops.iter().filter_map(|name| Split::from_name(name)).collect();
    match tops.iter().find(|name| Split::from_name(name).is_none()) {
        None if splits.contains(&Split::Train) => {
            remarks.notes.push("the folders at the top are splits".to_owned());
            return true;
        }
        // One class may be called after a split, hardly two.
        Some(other) if splits.len() > 1 => remarks.warnings.push(format!(
            "the folders at the top are taken as classes, though some are called after splits, since `{other}` \
             is not: move it away to have the splits"
        )),
        _ => {}
    }
    false
}

fn split_of(relative: &Path) -> Option<Split> {
    folders(relative).first().and_then(|name| Split::from_name(name))
}

fn class_of(relative: &Path, with_splits: bool) -> Option<String> {
    folders(relative).into_iter().nth(usize::from(with_splits))
}
