//! Pictures and sounds in folders of splits and classes.

use super::Selection;
use super::name::Names;
use super::record::{Files, Record};
use crate::dataset::{Sample, Split};
use crate::error::{Context, Result};
use crate::stages::Ctx;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Samples in memory at a time.
const BATCH: usize = 256;

/// The open list of one split.
struct SplitFolder {
    list: BufWriter<File>,
    /// The names given in each class's folder; the last is for samples without a class.
    names: Vec<Names>,
}

pub fn write(ctx: &Ctx, selection: &Selection, out: &Path) -> Result<()> {
    let meta = selection.meta();
    let mut class_names = Names::default();
    let mut classes: Vec<String> = meta.classes.iter().map(|name| class_names.give(name)).collect();
    let unlabelled = classes.len();
    classes.push(class_names.give("unlabelled"));
    let mut folders: BTreeMap<Split, SplitFolder> = BTreeMap::new();
    let mut named = selection.samples().map(|sample| {
        let sample = sample?;
        let class = sample.label.map_or(unlabelled, |label| label as usize);
        let folder = open(&mut folders, sample.split, out, &classes)?;
        if class == unlabelled && folder.names[class].is_empty() {
            let path = out.join(sample.split.name()).join(&classes[class]);
            std::fs::create_dir_all(&path).at(&path)?;
        }
        let file = folder.names.get_mut(class).map(|names| names.give(&sample.id)).unwrap_or_default();
        let files = Files::of(&sample.content, &format!("{}/{file}", classes[class]));
        folder.list.write_all(&Record::new(meta, &sample, Some(&files))?.line()?).at(out)?;
        Ok((files, sample))
    });
    let save = |(files, sample): (Files, Sample)| files.save(&out.join(sample.split.name()), &sample.content);
    let task = selection.task(ctx);
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
