//! What arrays and lists tell of each sample: its id, label, split, weight and origin.

use super::{ID_DIGITS, Part, Role, list};
use crate::dataset::Split;
use crate::error::Result;
use crate::formats::json::Names as Cells;
use crate::formats::{Entry, More, class_numbers, sorted_classes, table};
use compact_str::format_compact;
use seedbed::rng::id_hash;
use std::collections::{HashMap, HashSet};

/// Goes through the samples and finds out what is told of them.
pub struct Reading {
    /// The names of the numbers that labels are.
    names: Vec<String>,
    /// Whether a label below 0 is none.
    negative: bool,
    /// Labels in the order in which they came.
    labels: HashMap<String, u32>,
    /// Whether arrays of ids and splits are such.
    ids: bool,
    splits: bool,
    /// Whether there are texts, and features in lines.
    pub texts: bool,
    pub cells: bool,
}

impl Reading {
    pub fn new(parts: &[Part], names: Vec<String>, ours: bool) -> Self {
        let texts = parts.iter().any(|p| p.get(Role::Texts).is_some());
        let (ids, splits) = (are_unique(parts), are_splits(parts));
        Self {
            negative: ours || !names.is_empty(),
            names,
            labels: HashMap::new(),
            ids,
            splits,
            texts,
            cells: false,
        }
    }

    /// The sample in this row, its label being a number in the order in which labels came; or why it is of no use.
    pub fn entry(
        &mut self,
        part: &Part,
        row: usize,
        prefix: &str,
        cells: &mut Cells,
    ) -> Result<Result<Entry, String>> {
        let entry = match part.line(row) {
            Some(Ok(line)) => {
                self.texts |= line.text.is_some();
                self.cells |= !line.cells.is_empty();
                cells.see(line.cells)?;
                let label = line.label.map(|name| self.number(name));
                Ok(Entry {
                    id: line.id.into(),
                    label,
                    split: Some(line.split),
                    group: None,
                    at: 0,
                    more: line.more,
                })
            }
            Some(Err(why)) => Err(why),
            None => self.of_arrays(part, row, prefix),
        };
        Ok(entry)
    }

    fn of_arrays(&mut self, part: &Part, row: usize, prefix: &str) -> Result<Entry, String> {
        let text = |role| match part.get(role) {
            Some(array) => array.array.label(row).map_err(|e| format!("{}: {}", e.message, array.name())),
            None => Ok(None),
        };
        let id = text(Role::Ids)?.filter(|_| self.ids).map(|id| table::id_of(&id));
        let split = text(Role::Splits)?.filter(|_| self.splits).and_then(|name| Split::from_name(&name));
        let label = text(Role::Labels)?.map(|label| self.named(label)).transpose()?.flatten();
        let weight = text(Role::Weights)?.map_or(Some(1.0), |w| w.parse().ok());
        let weight = weight.filter(|w: &f32| w.is_finite() && *w >= 0.0).ok_or("weight is below 0")?;
        let origin = text(Role::Origins)?.map(|text| list::origin(&text)).transpose()?;
        Ok(Entry {
            id: match id {
                Some(id) => id.into(),
                None => format_compact!("{prefix}{row:0width$}", width = ID_DIGITS),
            },
            label: label.map(|name| self.number(name)),
            split: split.or(part.split),
            group: text(Role::Groups)?.map(|group| id_hash(group.as_bytes())),
            at: 0,
            more: More::of(weight, origin),
        })
    }

    /// The name of a label that is a number, where such names are told; below 0 it is none.
    fn named(&self, label: String) -> Result<Option<String>, String> {
        match label.parse::<i64>() {
            Ok(..0) if self.negative => Ok(None),
            Ok(number) if !self.names.is_empty() => {
                let name = usize::try_from(number).ok().and_then(|i| self.names.get(i));
                let n = self.names.len();
                name.cloned().map(Some).ok_or_else(|| format!("label {number} is none of {n} classes"))
            }
            _ => Ok(Some(label)),
        }
    }

    fn number(&mut self, name: String) -> u32 {
        let next = self.labels.len() as u32;
        *self.labels.entry(name).or_insert(next)
    }

    /// The classes in their order, whose numbers the entries then have.
    pub fn finish(&self, entries: &mut [Entry]) -> Vec<String> {
        let told = !self.names.is_empty() && self.labels.keys().all(|name| self.names.contains(name));
        let classes = if told { self.names.clone() } else { sorted_classes(self.labels.keys().cloned()) };
        let numbers = class_numbers(&classes);
        let mut of_label = vec![0; self.labels.len()];
        for (name, &at) in &self.labels {
            of_label[at as usize] = numbers.get(name.as_str()).copied().unwrap_or(0);
        }
        for entry in entries {
            entry.label = entry.label.map(|label| of_label[label as usize]);
        }
        classes
    }
}

/// Whether there are arrays of ids, and no id comes twice.
fn are_unique(parts: &[Part]) -> bool {
    let mut seen = HashSet::new();
    parts.iter().filter_map(|p| p.get(Role::Ids)).all(|ids| {
        (0..ids.array.samples()).all(|i| match ids.array.label(i) {
            Ok(Some(id)) => seen.insert(id_hash(id.as_bytes())),
            _ => false,
        })
    })
}

/// Whether all values of the arrays of splits are names of splits.
fn are_splits(parts: &[Part]) -> bool {
    let is_split = |name: Option<String>| name.is_some_and(|name| Split::from_name(&name).is_some());
    parts
        .iter()
        .filter_map(|p| p.get(Role::Splits))
        .all(|splits| (0..splits.array.samples()).all(|i| splits.array.label(i).is_ok_and(is_split)))
}
