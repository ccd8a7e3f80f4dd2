//! Pictures in folders of splits and classes.

use super::name::Names;
use super::{Selection, only_for};
use crate::dataset::{Content, Kind, Split, origin_text};
use crate::error::{Context, Error, Result};
use crate::stages::Ctx;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Pictures in memory at a time.
const BATCH: usize = 256;

/// One line of a `metadata.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    /// Relative to the folder of the split.
    file_name: String,
    id: &'a str,
    /// The name of the class; null where unknown.
    label: Option<&'a str>,
    weight: f32,
    /// JSON text; null for an original.
    origin: Option<String>,
}

/// The open list of one split.
struct SplitFolder {
    list: BufWriter<File>,
    /// The names given in each class's folder; the last is for pictures without a class.
    names: Vec<Names>,
}

pub fn write(ctx: &Ctx, selection: &Selection, out: &Path) -> Result<()> {
    only_for(Kind::Images, selection)?;
    let meta = selection.meta();
    let mut class_names = Names::default();
    let mut classes: Vec<String> = meta.classes.iter().map(|name| class_names.give(name)).collect();
    let unlabelled = classes.len();
    classes.push(class_names.give("unlabelled"));
    let mut folders: BTreeMap<Split, SplitFolder> = BTreeMap::new();
    let task = ctx.progress.start("export", Some(selection.len()));
    let mut named = selection.samples().map(|sample| {
        let sample = sample?;
        let class = sample.label.map_or(unlabelled, |label| label as usize);
        let folder = open(&mut folders, sample.split, out, &classes)?;
        if class == unlabelled && folder.names[class].is_empty() {
            let path = out.join(sample.split.name()).join(&classes[class]);
            std::fs::create_dir_all(&path).at(&path)?;
        }
        let file = folder.names.get_mut(class).map(|names| names.give(&sample.id)).unwrap_or_default();
        let file_name = format!("{}/{file}.png", classes[class]);
        let line = Line {
            file_name: file_name.clone(),
            id: &sample.id,
            label: sample.label.map(|_| meta.class_name(sample.label)),
            weight: sample.weight,
            origin: sample.origin.as_ref().map(origin_text).transpose()?,
        };
        serde_json::to_writer(&mut folder.list, &line).at(out)?;
        folder.list.write_all(b"\n").at(out)?;
        Ok((out.join(sample.split.name()).join(file_name), sample.content))
    });
    let save = |(path, content): (PathBuf, Content)| {
        let image = content.image.ok_or_else(|| Error::failed("sample without a picture"));
        std::fs::write(&path, image?.to_png()?).at(&path)
    };
    ctx.pool.stream(&mut named, BATCH, save, |()| {
        task.inc(1);
        Ok(())
    })?;
    drop(named);
    for folder in folders.values_mut() {
        folder.list.flush().at(out)?;
    }
    Ok(())
}

fn open<'a>(
    folders: &'a mut BTreeMap<Split, SplitFolder>,
    split: Split,
    out: &Path,
    classes: &[String],
) -> Result<&'a mut SplitFolder> {
    use std::collections::btree_map::Entry;
    match folders.entry(split) {
        Entry::Occupied(entry) => Ok(entry.into_mut()),
        Entry::Vacant(entry) => {
            let folder = out.join(split.name());
            // A folder of samples without a class is made with the first of them.
            for class in classes.iter().take(classes.len() - 1) {
                let path = folder.join(class);
                std::fs::create_dir_all(&path).at(&path)?;
            }
            std::fs::create_dir_all(&folder).at(&folder)?;
            let path = folder.join("metadata.jsonl");
            let list = BufWriter::new(File::create(&path).at(&path)?);
            let names = classes.iter().map(|_| Names::default()).collect();
            Ok(entry.insert(SplitFolder { list, names }))
        }
    }
}
