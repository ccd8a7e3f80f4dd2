//! What becomes of the columns of a table: guessed from their names and from what they hold, and told.

use super::csv::Column;
use super::rows::Columns;
use super::{ReadOptions, some_of, sorted_classes};
use crate::dataset::is_reserved_column;
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// A column of texts with more distinct values than this is no category.
const MAX_CATEGORIES: usize = 64;
/// A last column of whole numbers with at most this many distinct values is taken for the label.
const MAX_CLASSES: usize = 100;
/// Names that say that a column is the label, in lower case.
pub(super) const LABEL_NAMES: [&str; 6] = ["label", "labels", "class", "target", "y", "category"];
/// Names that say that a column is the text of a sample.
const TEXT_NAMES: [&str; 7] = ["text", "caption", "captions", "sentence", "content", "message", "txt"];
/// Names of columns that hold the names of files.
pub(super) const FILE_NAMES: [&str; 7] =
    ["file_name", "image_file", "image_path", "audio_file", "audio_path", "filename", "path"];
/// The columns that a dataset of ours has.
const OWN: [&str; 4] = ["id", "split", "weight", "origin"];

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Role {
    Label,
    Id,
    Split,
    Weight,
    Origin,
    Text,
    /// The name of a file, relative to that of the table.
    File,
    Number,
    /// One feature of 0 or 1 for each of these values.
    OneHot(Vec<String>),
    Dropped,
}

/// The role of each column; cells name files only where there is a folder for them.
pub(super) fn roles(
    columns: &Columns,
    folder: Option<&Path>,
    options: &ReadOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<Role>> {
    let mut roles: Vec<Option<Role>> = vec![None; columns.names.len()];
    if columns.named {
        by_name(columns, &mut roles, notes);
        files(columns, folder, &mut roles, notes);
    }
    if let Some(group) = group_column(columns, options)?.filter(|&i| roles[i].is_none()) {
        roles[group] = Some(Role::Dropped);
    }
    if let Some(label) = label_column(columns, &roles, options, notes)? {
        roles[label] = Some(Role::Label);
    }
    if let Some(text) = text_column(columns, &roles).filter(|_| options.image_shape.is_none()) {
        notes.push(format!("column `{}` holds the texts of the samples", columns.names[text]));
        roles[text] = Some(Role::Text);
    }
    let pixels = options.image_shape.is_some();
    let of = |(i, role): (usize, Option<Role>)| {
        role.unwrap_or_else(|| feature(&columns.names[i], &columns.profile[i], pixels, notes))
    };
    Ok(roles.into_iter().enumerate().map(of).collect())
}

/// The roles that names give: those of a dataset of ours, ids, splits, files.
fn by_name(columns: &Columns, roles: &mut [Option<Role>], notes: &mut Vec<String>) {
    let own: Option<Vec<usize>> = OWN.iter().map(|name| columns.position(&[*name])).collect();
    if let Some(own) = own {
        for (at, role) in own.into_iter().zip([Role::Id, Role::Split, Role::Weight, Role::Origin]) {
            roles[at] = Some(role);
        }
        // Texts of ours may look like numbers, too.
        if let Some(text) = columns.position(&["text"]) {
            roles[text] = Some(Role::Text);
        }
    }
    let unique = |c: &Column| c.missing == 0 && !c.repeated;
    if let Some(id) = columns.position(&["id"]).filter(|&i| roles[i].is_none() && unique(&columns.profile[i]))
    {
        notes.push(format!("column `{}` holds the ids", columns.names[id]));
        roles[id] = Some(Role::Id);
    }
    let all_splits = |c: &Column| {
        c.distinct.as_ref().is_some_and(|d| d.keys().all(|v| crate::dataset::Split::from_name(v).is_some()))
    };
    let split = columns.position(&["split"]).filter(|&i| roles[i].is_none());
    if let Some(split) = split.filter(|&i| !columns.profile[i].is_empty() && all_splits(&columns.profile[i]))
    {
        notes.push(format!("column `{}` holds the splits", columns.names[split]));
        roles[split] = Some(Role::Split);
    }
}

/// The columns that name files; in an archive, whose members are samples already, these tell nothing.
fn files(columns: &Columns, folder: Option<&Path>, roles: &mut [Option<Role>], notes: &mut Vec<String>) {
    for name in FILE_NAMES {
        let is_file = |i: &usize| roles[*i].is_none() && columns.profile[*i].is_text();
        let Some(file) = columns.position(&[name]).filter(is_file) else { continue };
        roles[file] = Some(if folder.is_some() { Role::File } else { Role::Dropped });
        if folder.is_some() {
            notes.push(format!("column `{}` names files", columns.names[file]));
        }
    }
}

/// What a column without a role of its own becomes: features, or nothing.
fn feature(name: &str, column: &Column, pixels: bool, notes: &mut Vec<String>) -> Role {
    if column.is_empty() {
        notes.push(format!("column `{name}` has no value and is left out"));
        return Role::Dropped;
    }
    if !column.is_text() {
        return Role::Number;
    }
    match &column.distinct {
        Some(values) if values.len() <= MAX_CATEGORIES && !pixels => {
            let values = sorted_classes(values.keys().cloned());
            notes.push(format!("column `{name}` holds {} categories: one feature for each", values.len()));
            Role::OneHot(values)
        }
        _ => {
            notes.push(format!("column `{name}` holds texts and is left out"));
            Role::Dropped
        }
    }
}

/// The column of the label: as given; else one whose name says so; else the last with values where they
/// look like classes; else the last column of few texts; else none.
fn label_column(
    columns: &Columns,
    roles: &[Option<Role>],
    options: &ReadOptions,
    notes: &mut Vec<String>,
) -> Result<Option<usize>> {
    let names = &columns.names;
    if let Some(given) = options.label.as_deref() {
        if given == "none" {
            return Ok(None);
        }
        return given_column(names, given, "label").map(Some);
    }
    let free = |i: &usize| roles[*i].is_none();
    let by_name = columns.named.then(|| columns.position(&LABEL_NAMES)).flatten().filter(free);
    let last = (0..names.len()).rev().filter(free).find(|&i| !columns.profile[i].is_empty());
    let by_content = || {
        last.filter(|&i| looks_like_class(&columns.profile[i])).or_else(|| {
            let is_class = |i: &usize| columns.profile[*i].is_text() && few(&columns.profile[*i]);
            (0..names.len()).rev().filter(free).find(is_class)
        })
    };
    // Beside pictures and sounds stands much that is no label.
    let media = columns.media || roles.contains(&Some(Role::File));
    let guess = by_name.or_else(|| if media { None } else { by_content() });
    notes.push(match guess {
        Some(i) => {
            format!("the label is column `{}` (column {}); choose another with --label", names[i], i + 1)
        }
        None => "no column looks like a label; name it with --label".to_owned(),
    });
    Ok(guess)
}

/// The column that an option names.
fn given_column(names: &[String], given: &str, key: &str) -> Result<usize> {
    let by_number = given.parse::<usize>().ok().filter(|n| (1..=names.len()).contains(n)).map(|n| n - 1);
    names.iter().position(|name| name == given).or(by_number).ok_or_else(|| {
        let none = if key == "label" { ", or `none`" } else { "" };
        Error::usage(format!("no column `{given}`: --{key} (recipe key `{key}`)")).hint(format!(
            "the columns are {}, or 1 to {}{none}",
            some_of(names),
            names.len()
        ))
    })
}

/// The column whose values make rows a group.
pub(super) fn group_column(columns: &Columns, options: &ReadOptions) -> Result<Option<usize>> {
    options.group.as_deref().map(|given| given_column(&columns.names, given, "group")).transpose()
}

/// Whether the same values come again and again.
fn few(column: &Column) -> bool {
    let total = column.numbers + column.texts;
    column.distinct.as_ref().is_some_and(|d| (d.len() as u64) * 2 <= total)
}

/// Texts, or whole numbers, of which the same few come again and again.
fn looks_like_class(column: &Column) -> bool {
    let classes = column.distinct.as_ref().is_some_and(|d| d.len() <= MAX_CLASSES);
    classes && few(column) && (column.is_text() || column.whole)
}

/// The column of the texts of the samples: one whose name says so, or of those that are no categories the one with the
/// longest texts.
fn text_column(columns: &Columns, roles: &[Option<Role>]) -> Option<usize> {
    if roles.contains(&Some(Role::Text)) {
        return None;
    }
    let is_text = |i: &usize| {
        let column = &columns.profile[*i];
        roles[*i].is_none() && column.is_text()
    };
    if let Some(named) = columns.named.then(|| columns.position(&TEXT_NAMES)).flatten().filter(is_text) {
        return Some(named);
    }
    let categories = |c: &Column| c.distinct.as_ref().is_some_and(|d| d.len() <= MAX_CATEGORIES);
    let texts = (0..roles.len()).filter(|i| is_text(i) && !categories(&columns.profile[*i]));
    texts.max_by_key(|&i| columns.profile[i].text_bytes)
}

/// The names of the features, none of them reserved and each only once.
pub(super) fn feature_names(names: &[String], roles: &[Role]) -> Vec<String> {
    let mut used = BTreeSet::new();
    let mut features = Vec::new();
    let mut add = |mut name: String| {
        while is_reserved_column(&name) || !used.insert(name.clone()) {
            name.push('_');
        }
        features.push(name);
    };
    for (name, role) in names.iter().zip(roles) {
        match role {
            Role::Number => add(name.clone()),
            Role::OneHot(values) => values.iter().for_each(|value| add(format!("{name}={value}"))),
            _ => {}
        }
    }
    features
}

/// For each feature the column whose category it is, if it is one.
pub(super) fn groups(names: &[String], roles: &[Role]) -> Vec<Option<String>> {
    let of_column = |(name, role): (&String, &Role)| match role {
        Role::Number => vec![None],
        Role::OneHot(values) => vec![Some(name.clone()); values.len()],
        _ => Vec::new(),
    };
    names.iter().zip(roles).flat_map(of_column).collect()
}
