//! Rows of named cells, whatever file they come from: text tables, JSON lines, archives, columns.

use super::csv::{self, Column};
use super::items::Span;
use crate::dataset::{Kind, Split};
use crate::error::Result;
use std::borrow::Cow;

/// One row as its reader gives it.
pub(super) struct Raw<'a> {
    /// The number of its file in the builder.
    pub file: u32,
    /// In a text the line, from 1; in other files of records the index, from 0.
    pub place: Option<u64>,
    /// How many rows it stands for: one, or of those that cannot be used as many as there are in a run.
    pub rows: u64,
    /// Its id unless a column gives one.
    pub id: String,
    /// What the file says it is for.
    pub split: Option<Split>,
    /// The text of each cell, empty where there is none.
    pub cells: Vec<Cow<'a, str>>,
    /// What is no text: pictures, sounds.
    pub parts: Vec<(Kind, Span)>,
    /// Why the row cannot be used.
    pub wrong: Option<String>,
}

/// Rows that can be gone through again and again, in the same order.
pub(super) trait Rows {
    /// Gives each row to `see`.
    ///
    /// # Errors
    /// When the file cannot be read any more, or an error of `see`.
    fn walk(&self, see: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()>;
}

/// The columns of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    /// Their names, each only once.
    pub names: Vec<String>,
    /// Whether these are the names that the file gives them.
    pub named: bool,
    /// Whether the rows have pictures or sounds beside their cells.
    pub media: bool,
    /// What they hold.
    pub profile: Vec<Column>,
}

impl Columns {
    /// Looks through all rows.
    pub fn of(names: Vec<String>, rows: &dyn Rows) -> Result<Self> {
        let mut profile = vec![Column::fresh(); names.len()];
        let mut media = false;
        rows.walk(&mut |raw| {
            media |= !raw.parts.is_empty();
            if raw.wrong.is_none() && raw.cells.len() == profile.len() {
                profile.iter_mut().zip(&raw.cells).for_each(|(column, text)| column.see(text));
            }
            Ok(())
        })?;
        Ok(Self { names, named: true, media, profile })
    }

    /// The number of the column of one of these names.
    pub fn position(&self, wanted: &[&str]) -> Option<usize> {
        let is = |name: &String, wanted: &str| name.eq_ignore_ascii_case(wanted);
        wanted.iter().find_map(|wanted| self.names.iter().position(|name| is(name, wanted)))
    }
}

/// Whether a cell has no value at all.
pub(super) fn is_missing(text: &str) -> bool {
    csv::cell(text) == csv::Cell::Missing
}
