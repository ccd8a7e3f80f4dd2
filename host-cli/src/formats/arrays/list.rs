//! The lists beside the arrays of our exports, `train-metadata.jsonl` and so on: a line for each sample with what an
//! array has no place for.

use super::{MAX_ROWS, Part};
use crate::dataset::{Origin, Split};
use crate::error::{Context, Error, Result};
use crate::formats::data::Data;
use crate::formats::{More, Remarks, bytes, json, table};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the name of a list ends with, after the split.
const ENDING: &str = "-metadata.jsonl";
/// What a line of ours tells.
const OWN: [&str; 4] = ["id", "split", "weight", "origin"];

/// The lines about the samples of one split.
pub struct List {
    data: Data,
    /// Where each line starts, and where the last one ends.
    starts: Vec<u64>,
}

/// What a line says of its sample.
pub struct Line {
    pub id: String,
    pub label: Option<String>,
    pub split: Split,
    pub more: Option<Box<More>>,
    pub text: Option<String>,
    /// Features by their names, as texts.
    pub cells: Vec<(String, String)>,
}

/// Whether a file of this name may be a list.
pub fn is_list_name(name: &str) -> bool {
    name.strip_suffix(ENDING).and_then(Split::from_name).is_some()
}

/// The lists in a folder.
pub fn beside(folder: &Path) -> Result<Vec<PathBuf>> {
    let names = bytes::files_in(folder)?;
    Ok(names.iter().filter(|n| is_list_name(&n.to_string_lossy())).map(|n| folder.join(n)).collect())
}

/// Gives the parts the lists in the folder that tell of them; parts of one split follow each other.
///
/// # Errors
/// When a list cannot be read, or has fewer lines than there are samples.
pub fn attach(folder: &Path, parts: &mut [Part], most: u64, remarks: &mut Remarks) -> Result<()> {
    for path in beside(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let split = name.strip_suffix(ENDING).and_then(Split::from_name);
        let mut of_split: Vec<&mut Part> = parts.iter_mut().filter(|p| p.split == split).collect();
        if of_split.is_empty() {
            continue;
        }
        let list = List::open(&path, most)?;
        if list.len() == 0 || list.line(0).is_err() {
            remarks.warnings.push(format!("{name} is no list of samples of an export and is not read"));
            continue;
        }
        let claimed = of_split.iter().fold(0usize, |n, p| n.saturating_add(p.claimed));
        if claimed > list.len() {
            let what = format!("{} lines for {claimed} samples: {}", list.len(), path.display());
            return Err(Error::failed(what).hint("the files do not belong together; move the list away"));
        }
        remarks.notes.push(format!("ids, labels and origins of {split} are in {name}", split = words(split)));
        let missing = list.len() - claimed;
        let (list, mut first) = (Arc::new(list), 0);
        for part in &mut of_split {
            part.list = Some((list.clone(), first));
            first += part.claimed;
        }
        // Where rows have no header that counts them, the list does.
        if let Some(last) = of_split.last_mut() {
            last.claimed += missing;
        }
    }
    Ok(())
}

fn words(split: Option<Split>) -> &'static str {
    split.map_or("all", Split::name)
}

impl List {
    fn open(path: &Path, most: u64) -> Result<Self> {
        let data = Data::open(path, most)?;
        let (mut starts, mut at) = (vec![0], 0);
        let mut reader = data.reader();
        let mut block = vec![0; 1 << 16];
        loop {
            let n = std::io::Read::read(&mut reader, &mut block).at(path)?;
            if n == 0 {
                break;
            }
            if starts.len() > MAX_ROWS {
                return Err(Error::failed(format!("more than {MAX_ROWS} lines"))).at(path);
            }
            let ends = block[..n].iter().enumerate().filter(|(_, b)| **b == b'\n');
            starts.extend(ends.map(|(i, _)| at + i as u64 + 1));
            at += n as u64;
        }
        if starts.last() != Some(&at) {
            starts.push(at);
        }
        Ok(Self { data, starts })
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Line `i`, from 0.
    ///
    /// # Errors
    /// Why it says nothing.
    pub fn line(&self, i: usize) -> Result<Line, String> {
        let (Some(&start), Some(&end)) = (self.starts.get(i), self.starts.get(i + 1)) else {
            return Err("no line about it".to_owned());
        };
        if end - start > json::MAX_LINE {
            return Err(format!("the line about it has {} bytes", end - start));
        }
        let text = self.data.read(start, (end - start) as usize).map_err(|e| e.message)?;
        Line::of(json::object(&text)?)
    }
}

impl Line {
    fn of(mut object: Map<String, Value>) -> Result<Self, String> {
        if let Some(name) = OWN.iter().find(|name| !object.contains_key(**name)) {
            return Err(format!("no `{name}` in the line about it"));
        }
        let mut take = |name: &str| match object.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err(format!("`{name}` is no text in the line about it")),
        };
        let (id, label, text) = (take("id")?, take("label")?, take("text")?);
        let split = take("split")?.and_then(|name| Split::from_name(&name));
        let origin = take("origin")?.map(|text| origin(&text)).transpose()?;
        let weight = object.remove("weight").and_then(|w| w.as_f64()).map(|w| w as f32);
        let weight = weight.filter(|w| w.is_finite() && *w >= 0.0).ok_or("no weight in the line about it")?;
        Ok(Self {
            id: table::id_of(&id.filter(|id| !id.is_empty()).ok_or("no id in the line about it")?),
            label,
            split: split.ok_or("no split in the line about it")?,
            more: More::of(weight, origin),
            text,
            cells: json::cells_of(&object),
        })
    }
}

/// How a sample was made, from its JSON.
pub fn origin(text: &str) -> Result<Origin, String> {
    serde_json::from_str(text).map_err(|e| format!("no origin ({e})"))
}
