//! Rows about the files of a folder, as Hugging Face's ImageFolder has them: `metadata.jsonl` or `metadata.csv`, in
//! the folder of the files or above it. Our exports write them, too.

use super::super::files::{Member, slashed};
use super::super::items::{Builder, Span};
use super::super::json::{JsonLines, Names};
use super::super::roles::{FILE_NAMES, LABEL_NAMES};
use super::super::rows::{Raw, Rows, is_missing};
use super::super::text::TextRows;
use super::super::{ReadOptions, some_of};
use super::walk::Found;
use super::{class_of, id_of, split_of};
use crate::dataset::Kind;
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// The lists of a folder, and the files that none of them names.
pub struct Listed {
    lists: Vec<List>,
    /// The columns of all lists.
    pub names: Vec<String>,
    /// The column that says the class by the folder, where no list tells the labels.
    class: Option<usize>,
    with_splits: bool,
    others: Vec<Other>,
}

/// One list.
struct List {
    /// The folder that it tells of, relative to the source.
    folder: PathBuf,
    name: String,
    rows: Box<dyn Rows>,
    /// How many columns it has.
    width: usize,
    /// The number of each among the columns of all lists; `None` where it is left out.
    places: Vec<Option<usize>>,
    /// Columns that name files.
    files: Vec<usize>,
}

/// A file that no list names.
struct Other {
    file: u32,
    path: PathBuf,
    part: (Kind, Span),
    /// The list that should.
    of: Option<String>,
}

impl Listed {
    /// Opens the lists; `columns` are those known. `None` where none of them names files.
    pub fn open(
        root: &Path,
        found: &mut Found,
        with_splits: bool,
        columns: &[String],
        options: &ReadOptions,
        builder: &mut Builder,
    ) -> Result<Option<Self>> {
        let mut names = Names::starting(columns);
        let mut listed =
            Self { lists: Vec::new(), names: Vec::new(), class: None, with_splits, others: Vec::new() };
        let mut left_out = BTreeSet::new();
        for path in std::mem::take(&mut found.lists) {
            let name = slashed(&path);
            let (rows, own) = match rows(root, &path, options, builder) {
                Ok(opened) => opened,
                Err(e) => {
                    found.refused.push((path, e.bare().message));
                    continue;
                }
            };
            let is_file = |name: &String| FILE_NAMES.iter().any(|file| name.eq_ignore_ascii_case(file));
            let files: Vec<usize> = (0..own.len()).filter(|&i| is_file(&own[i])).collect();
            if files.is_empty() {
                let what = format!("{name} has no column `file_name` and is not read");
                builder.remarks.warnings.push(what);
                continue;
            }
            // Of lists and objects within an object each sample has its own number of cells.
            let of_all = |name: &String| columns.contains(name) || !name.contains(['[', '.']);
            left_out.extend(
                own.iter()
                    .filter(|name| !of_all(name))
                    .map(|name| name.split(['[', '.']).next().unwrap_or_default().to_owned()),
            );
            let kept: Vec<&String> = own.iter().filter(|name| of_all(name)).collect();
            names.see(kept.iter().map(|name| ((*name).clone(), String::new())).collect())?;
            let places = own.iter().map(|name| names.position(name)).collect();
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            listed.lists.push(List { folder, name, rows, width: own.len(), places, files });
        }
        if listed.lists.is_empty() {
            return Ok(None);
        }
        if !left_out.is_empty() {
            let some = some_of(&left_out.into_iter().collect::<Vec<_>>());
            builder.remarks.notes.push(format!("lists and objects within objects are left out: {some}"));
        }
        listed.names = names.names;
        listed.find_classes(found, options);
        listed.find_others(found, builder)?;
        Ok(Some(listed))
    }

    /// Takes the folders for the classes where no list tells the labels, and there are several.
    fn find_classes(&mut self, found: &Found, options: &ReadOptions) {
        let told = self.names.iter().any(|name| LABEL_NAMES.iter().any(|l| name.eq_ignore_ascii_case(l)));
        let classes: BTreeSet<String> =
            found.media.iter().filter_map(|f| class_of(&f.path, self.with_splits)).collect();
        if !told && options.label.is_none() && classes.len() > 1 {
            self.class = Some(self.names.len());
            self.names.push("label".to_owned());
        }
    }

    /// Finds the files that no list names.
    fn find_others(&mut self, found: &mut Found, builder: &mut Builder) -> Result<()> {
        let mut named = HashSet::new();
        for list in &self.lists {
            list.rows.walk(&mut |raw| {
                named.extend(list.files.iter().filter_map(|&i| raw.cells.get(i)).map(|cell| list.path(cell)));
                Ok(())
            })?;
        }
        for file in std::mem::take(&mut found.media) {
            let part = builder.known(&file.path, file.kind, file.stamp)?;
            if named.contains(&file.path) {
                continue;
            }
            let nearest = self.lists.iter().filter(|list| file.path.starts_with(&list.folder));
            let nearest = nearest.max_by_key(|list| list.folder.components().count());
            let of = nearest.map(|list| list.name.clone());
            let number = builder.file(slashed(&file.path));
            self.others.push(Other { file: number, path: file.path, part, of });
        }
        for text in std::mem::take(&mut found.texts) {
            if !named.contains(&text.path) {
                found.refused.push((text.path, crate::codec::UNKNOWN.to_owned()));
            }
        }
        Ok(())
    }

    /// The cell of the class of a file.
    fn class_cell(&self, path: &Path, cells: &mut [Cow<'_, str>]) {
        if let Some(cell) = self.class.and_then(|class| cells.get_mut(class)) {
            *cell = class_of(path, self.with_splits).unwrap_or_default().into();
        }
    }

    /// A row of a list, of which file names are relative to the source.
    fn row<'a>(&self, list: &List, mut raw: Raw<'a>) -> Raw<'a> {
        if raw.wrong.is_none() && raw.cells.len() != list.width {
            let (n, width) = (raw.cells.len(), list.width);
            raw.wrong = Some(format!("row has {n} cells, the list has {width} columns"));
        }
        if raw.wrong.is_some() {
            return Raw { id: format!("{}/{}", list.name, raw.id), cells: Vec::new(), ..raw };
        }
        let first = list.files.iter().map(|&i| &raw.cells[i]).find(|cell| !is_missing(cell));
        let path = first.map(|cell| list.path(cell));
        let mut cells = vec![Cow::Borrowed(""); self.names.len()];
        for (i, cell) in raw.cells.into_iter().enumerate() {
            let cell = match list.files.contains(&i) && !is_missing(&cell) {
                true => Cow::Owned(list.path(&cell).to_string_lossy().into_owned()),
                false => cell,
            };
            if let Some(place) = list.places[i].and_then(|at| cells.get_mut(at)) {
                *place = cell;
            }
        }
        let Some(path) = path else {
            let wrong = Some("names no file".to_owned());
            return Raw { id: format!("{}/{}", list.name, raw.id), cells, wrong, ..raw };
        };
        self.class_cell(&path, &mut cells);
        let split = if self.with_splits { split_of(&path) } else { None };
        Raw { id: id_of(&path), split, cells, ..raw }
    }
}

impl List {
    /// The path of a file that a cell names, relative to the source.
    fn path(&self, cell: &str) -> PathBuf {
        let cell = cell.trim();
        self.folder.join(cell.strip_prefix("./").unwrap_or(cell))
    }
}

/// The rows of a list, and the names of its columns.
fn rows(
    root: &Path,
    path: &Path,
    options: &ReadOptions,
    builder: &mut Builder,
) -> Result<(Box<dyn Rows>, Vec<String>)> {
    let member = Member { path: root.join(path), name: slashed(path), split: None };
    if path.extension().is_some_and(|end| end == "csv") {
        let file = builder.file(&*member.name);
        let rows = TextRows::open(member, file, options)?;
        let names = rows.names();
        return Ok((Box::new(rows), names));
    }
    let rows = JsonLines::open(vec![member], Names::default(), options, builder)?;
    let names = rows.names.names.clone();
    if names.is_empty() { Err(Error::failed("holds no JSON object")) } else { Ok((Box::new(rows), names)) }
}

impl Rows for Listed {
    fn walk(&self, see: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()> {
        for list in &self.lists {
            list.rows.walk(&mut |raw| see(self.row(list, raw)))?;
        }
        for other in &self.others {
            let mut cells = vec![Cow::Borrowed(""); self.names.len()];
            self.class_cell(&other.path, &mut cells);
            see(Raw {
                file: other.file,
                place: None,
                rows: 1,
                id: id_of(&other.path),
                split: if self.with_splits { split_of(&other.path) } else { None },
                cells,
                parts: vec![other.part],
                wrong: other.of.as_ref().map(|list| format!("not listed in {list}")),
            })?;
        }
        Ok(())
    }
}
