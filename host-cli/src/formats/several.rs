//! Several files and folders as one source: those of one format below the folder that all are in.

use super::files::{Member, slashed, split_of};
use super::kinds::{is_text_name, kind_of};
use super::{
    Format, ReadOptions, SetAside, Source, bytes, detect, files, folder, is_table_name, records, some_of,
    text,
};
use super::{Place, detect::is_lines_name};
use crate::error::{Context, Error, Result};
use std::path::{Path, PathBuf};

/// The folder that all of these are in, by their absolute paths.
///
/// # Errors
/// When there is no current folder.
pub fn common_folder(paths: &[PathBuf]) -> Result<PathBuf> {
    let mut common: Option<PathBuf> = None;
    for path in paths {
        let path = std::path::absolute(path).at(path)?;
        let parent = path.parent().unwrap_or(&path);
        common = Some(match common {
            None => parent.to_owned(),
            Some(common) => {
                common.ancestors().find(|c| parent.starts_with(c)).unwrap_or(Path::new("/")).to_owned()
            }
        });
    }
    Ok(common.unwrap_or_default())
}

/// What one of several comes to.
enum Found {
    Of(Format),
    /// A text beside samples.
    Text,
    /// Why it is not read.
    Not(String),
}

fn look(path: &Path) -> Found {
    let name = path.to_string_lossy();
    let file_alone = || {
        let head = bytes::head(path).ok()?;
        (kind_of(&head).is_some() || is_text_name(&name) && !head.is_empty()).then_some(Format::Folder)
    };
    match detect(path) {
        _ if path.is_dir() => detect(path).map_or_else(|e| Found::Not(e.bare().message), Found::Of),
        Ok(Format::Csv) if !is_table_name(&name) => file_alone().map_or(Found::Text, Found::Of),
        Ok(Format::Jsonl) if !is_lines_name(&name) => Found::Text,
        Ok(format) => Found::Of(format),
        Err(e) => file_alone().map_or_else(|| Found::Not(e.bare().message), Found::Of),
    }
}

/// Opens files and folders as one source.
///
/// # Errors
/// As [`open`](super::open), and when they are of different formats.
pub fn open_all(paths: &[PathBuf], options: &ReadOptions) -> Result<Source> {
    if let [path] = paths {
        return super::open(path, options);
    }
    let root = common_folder(paths)?;
    let (mut taken, mut refused, mut texts): (Vec<(&Path, Format)>, Vec<_>, Vec<_>) = Default::default();
    for path in paths {
        match look(path) {
            _ if options.format != Format::Auto => taken.push((path, options.format)),
            Found::Of(format) => taken.push((path, format)),
            Found::Text => texts.push(relative(&root, path)?),
            Found::Not(why) => refused.push((relative(&root, path)?, why)),
        }
    }
    let Some(&(first, format)) = taken.first() else {
        let why = refused.first().map_or("texts", |(_, why)| why);
        return Err(Error::failed(format!(
            "none of {} inputs is read, {why}: {}",
            paths.len(),
            root.display()
        )));
    };
    if let Some((other, of_other)) = taken.iter().find(|(_, other)| *other != format) {
        let (a, b) = (first.display(), other.display());
        return Err(Error::usage(format!("inputs of different formats: {a} is {format}, {b} is {of_other}"))
            .hint("collect them one by one, or give the one that is meant with --format"));
    }
    let taken: Vec<&Path> = taken.into_iter().map(|(path, _)| path).collect();
    let mut source = match format {
        Format::Folder => {
            let starts: Vec<PathBuf> =
                taken.iter().map(|path| relative(&root, path)).collect::<Result<_>>()?;
            folder::open(&root, &starts, options)?
        }
        Format::Csv => {
            text::open_members(members(&root, &taken, format, options, &mut refused)?, &root, options)?
        }
        _ if format.is_of_arrays() => {
            return Err(Error::usage(format!(
                "several inputs of {format}: {} and {}",
                first.display(),
                taken[1].display()
            ))
            .hint("give the folder that they are in, or one of them"));
        }
        _ => records(members(&root, &taken, format, options, &mut refused)?, Some(&root), format, options)
            .at(&root)?,
    };
    for (path, why) in refused {
        source.set_aside.push(SetAside::one(Place { file: slashed(&path), row: None }, why));
    }
    if !texts.is_empty() {
        let names: Vec<String> = texts.iter().map(|path| slashed(path)).collect();
        source.remarks.notes.push(format!("other files, not read: {}", some_of(&names)));
    }
    Ok(source)
}

/// A path as it is below the folder that all are in.
fn relative(root: &Path, path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).at(path)?;
    Ok(absolute.strip_prefix(root).unwrap_or(&absolute).to_owned())
}

/// The files that these are or that are in them.
fn members(
    root: &Path,
    paths: &[&Path],
    format: Format,
    options: &ReadOptions,
    refused: &mut Vec<(PathBuf, String)>,
) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    for path in paths {
        let name = slashed(&relative(root, path)?);
        if !path.is_dir() {
            members.push(Member { path: (*path).to_owned(), split: split_of(&name), name });
            continue;
        }
        let found = files::members(path, format, options.follow_links)?;
        for member in found.members {
            let name = format!("{name}/{}", member.name);
            members.push(Member { split: split_of(&name), name, ..member });
        }
        refused.extend(found.refused.into_iter().map(|(file, why)| (Path::new(&name).join(file), why)));
    }
    Ok(members)
}
