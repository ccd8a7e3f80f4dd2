//! Tables as sources: each row becomes a sample by the roles of its columns, or is refused with the reason.

use super::csv::{self, Cell};
use super::items::{Builder, Record};
use super::roles::{Role, feature_names, group_column, groups, roles};
use super::rows::{Columns, Raw, Rows, is_missing};
use super::{Missing, More, ReadOptions, Scale, Source};
use crate::dataset::{Kind, Origin, Split, id_from_bytes};
use crate::error::{Error, Result};
use seedbed::rng::id_hash;
use std::path::{Component, Path, PathBuf};

/// Puts the rows into `builder` and finishes it. Files that cells name are looked for below `folder`.
pub(super) fn fill(
    rows: &dyn Rows,
    columns: &Columns,
    folder: Option<&Path>,
    options: &ReadOptions,
    mut builder: Builder,
) -> Result<Source> {
    if let Some(folder) = folder {
        builder.root(folder, options);
    }
    let roles = roles(columns, folder, options, &mut builder.remarks.notes)?;
    let features = feature_names(&columns.names, &roles);
    let mut filler = Filler {
        names: &columns.names,
        roles: &roles,
        missing: options.missing,
        folder,
        group: group_column(columns, options)?,
        ungrouped: 0,
        range: (f64::INFINITY, f64::NEG_INFINITY),
        labelled: 0,
        unlabelled: 0,
        values: Vec::new(),
    };
    rows.walk(&mut |raw| filler.take(raw, &mut builder))?;
    if filler.unlabelled > 0 && filler.labelled > 0 && roles.contains(&Role::Label) {
        let n = filler.unlabelled;
        let has = if n == 1 { "row has" } else { "rows have" };
        builder.remarks.notes.push(format!("{n} {has} no label (an empty cell, `?` or `nan`)"));
    }
    if filler.ungrouped > 0 {
        let n = filler.ungrouped;
        builder.remarks.notes.push(format!("rows without a group, each drawn by itself: {n}"));
    }
    let Some(shape) = options.image_shape else {
        builder.groups = groups(&columns.names, &roles);
        return builder.finish(features);
    };
    if shape.values() != features.len() {
        let dropped = roles.iter().filter(|r| **r == Role::Dropped).count();
        return Err(shape.misfit(&format!("a row has {} ({dropped} columns left out)", features.len())));
    }
    let (low, high) = filler.range;
    let range = if low > high { (0.0, 0.0) } else { (low, high) };
    let scale = Scale::choose(options.value_max, range, &mut builder.remarks)?;
    builder.rows_are_pictures(shape, scale);
    builder.finish(Vec::new())
}

/// Turns rows into samples.
struct Filler<'a> {
    names: &'a [String],
    roles: &'a [Role],
    missing: Missing,
    folder: Option<&'a Path>,
    /// The column whose values make rows a group.
    group: Option<usize>,
    ungrouped: u64,
    /// Of the finite values so far.
    range: (f64, f64),
    labelled: u64,
    unlabelled: u64,
    values: Vec<f32>,
}

impl Filler<'_> {
    fn take(&mut self, raw: Raw<'_>, builder: &mut Builder) -> Result<()> {
        let (file, place, rows) = (raw.file, raw.place, raw.rows);
        self.values.clear();
        let id = self.id(&raw);
        let read = match raw.wrong {
            Some(why) => Err(why),
            None => self.read(raw, builder),
        };
        let mut record = match read {
            Ok(record) => record,
            Err(why) => {
                match rows {
                    1 => builder.refuse_sample(file, place, id, why),
                    rows => builder.refuse_run(file, place, rows, why),
                }
                return Ok(());
            }
        };
        for &v in self.values.iter().filter(|v| v.is_finite()) {
            self.range = (self.range.0.min(f64::from(v)), self.range.1.max(f64::from(v)));
        }
        self.ungrouped += u64::from(self.group.is_some() && record.group.is_none());
        self.labelled += u64::from(record.label.is_some());
        self.unlabelled += u64::from(record.label.is_none());
        if !self.values.is_empty() {
            record.parts.push((Kind::Table, builder.keep_row(&self.values)?));
        }
        builder.add(record);
        Ok(())
    }

    /// The id that a row has, and whether a column gives it.
    fn id(&self, raw: &Raw<'_>) -> (String, bool) {
        let column = self.roles.iter().position(|role| *role == Role::Id);
        let given =
            column.and_then(|i| raw.cells.get(i)).map(|text| text.trim()).filter(|text| !text.is_empty());
        given.map_or_else(|| (raw.id.clone(), false), |text| (id_of(text), true))
    }

    /// The sample of a row, its features in `values`; or why it is of no use.
    fn read(&mut self, raw: Raw<'_>, builder: &mut Builder) -> Result<Record, String> {
        if raw.cells.len() != self.roles.len() {
            return Err(format!(
                "row has {} cells, the table has {} columns",
                raw.cells.len(),
                self.roles.len()
            ));
        }
        let Raw { file, place: row, id, split, cells, parts, .. } = raw;
        let group = self.group.and_then(|i| cells.get(i)).filter(|text| !is_missing(text));
        let group = group.map(|text| id_hash(text.trim().as_bytes()));
        let mut record = Record { file, row, id, split, group, parts, ..Record::default() };
        let (mut weight, mut origin) = (1.0, None);
        for ((text, role), name) in cells.iter().zip(self.roles).zip(self.names) {
            match role {
                Role::Dropped => {}
                Role::Label if csv::is_unlabelled(text) => {}
                Role::Label => record.label = Some(text.trim().to_owned()),
                Role::Id if text.trim().is_empty() => return Err(format!("no id in column `{name}`")),
                Role::Id => {
                    record.id = id_of(text.trim());
                    record.given_id = true;
                }
                Role::Split if is_missing(text) => {}
                Role::Split => {
                    let split = Split::from_name(text.trim());
                    record.split =
                        Some(split.ok_or_else(|| format!("no split in column `{name}`: {}", short(text)))?);
                }
                Role::Weight if is_missing(text) => {}
                Role::Weight => {
                    weight = weight_of(text)
                        .ok_or_else(|| format!("no weight in column `{name}`: {}", short(text)))?
                }
                Role::Origin if text.trim().is_empty() => {}
                Role::Origin => {
                    let told: Option<Origin> = serde_json::from_str(text).ok();
                    origin =
                        Some(told.ok_or_else(|| format!("no origin in column `{name}`: {}", short(text)))?);
                }
                Role::Text => {
                    let kept = builder.keep(text.as_bytes()).map_err(|e| e.message)?;
                    record.parts.push((Kind::Text, kept));
                }
                Role::File if is_missing(text) => {}
                Role::File => {
                    let part = self
                        .file(text.trim(), builder)
                        .map_err(|e| format!("{} in column `{name}`: {}", e.message, short(text)))?;
                    record.parts.push(part);
                }
                Role::Number | Role::OneHot(_) => self.feature(role, text, name)?,
            }
        }
        record.more = More::of(weight, origin);
        Ok(record)
    }

    fn feature(&mut self, role: &Role, text: &str, name: &str) -> Result<(), String> {
        match (role, csv::cell(text)) {
            (_, Cell::Missing) if self.missing == Missing::SetAside => {
                return Err(format!("missing value in column `{name}`"));
            }
            (Role::OneHot(categories), Cell::Missing) => {
                self.values.extend(std::iter::repeat_n(f32::NAN, categories.len()));
            }
            (Role::OneHot(categories), _) => {
                self.values.extend(categories.iter().map(|c| f32::from(u8::from(c == text.trim()))));
            }
            (_, Cell::Number(value)) => self.values.push(value),
            (_, Cell::Missing) => self.values.push(f32::NAN),
            (_, Cell::Infinite) => return Err(format!("not a finite number in column `{name}`: {text}")),
            (_, Cell::Text(_)) => return Err(format!("not a number in column `{name}`: {}", short(text))),
        }
        Ok(())
    }

    /// The part that the file of this name holds.
    fn file(&self, name: &str, builder: &mut Builder) -> Result<(Kind, super::items::Span)> {
        let inside = inside(name).ok_or_else(|| Error::failed("name of a file leads out of the folder"))?;
        self.folder.ok_or_else(|| Error::failed("no folder to look for files in"))?;
        builder.path(inside)
    }
}

/// A relative path that stays inside its folder.
pub(super) fn inside(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let plain = path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    (plain && !name.is_empty() && !name.contains('\0')).then(|| path.to_owned())
}

/// The beginning of a cell, for a message.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn weight_of(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|w: &f32| w.is_finite() && *w >= 0.0)
}

/// The id that a source gives: as it is where it could be one of ours, else made one.
pub(super) fn id_of(text: &str) -> String {
    let (source, derived) = text.split_once('!').map_or((text, None), |(source, rest)| (source, Some(rest)));
    let ours = source.bytes().all(|b| b > b'!' && b != b'\\' && b != 0x7f)
        && derived.is_none_or(|rest| rest.split('!').all(is_step));
    if ours && !source.is_empty() { text.to_owned() } else { id_from_bytes(text.as_bytes()) }
}

/// Whether this follows a `!` in an id that [`derived_id`](crate::dataset::derived_id) made.
fn is_step(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_' || c == '-');
    let (digits, many) = digits.strip_prefix('~').map_or((digits, 5), |rest| (rest, 10));
    digits.len() == many && digits.len() < text.len() && digits.bytes().all(|b| b.is_ascii_digit())
}
