//! Features that the user brings: text tables with an id and numbers in each row.

use crate::error::{Context, Error, Result};
use crate::formats::csv::{Cell, cell, cells, records};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The numbers of samples by their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    rows: HashMap<String, Vec<f32>>,
    /// Numbers of each sample.
    pub cols: usize,
    /// The names of the files.
    pub name: String,
}

impl Given {
    /// Reads CSV files whose first line names the columns, of which one is `id` and all others hold numbers.
    ///
    /// # Errors
    /// When a file cannot be read, has no such columns, a cell is no number, or an id comes twice.
    pub fn read(files: &[PathBuf]) -> Result<Self> {
        let names = files.iter().map(|f| f.file_name().unwrap_or_default().to_string_lossy());
        let mut given = Self { name: names.collect::<Vec<_>>().join(", "), ..Self::default() };
        files.iter().try_for_each(|file| given.add(file))?;
        Ok(given)
    }

    fn add(&mut self, file: &Path) -> Result<()> {
        let text = std::fs::read(file).at(file)?;
        let mut lines = records(text.as_slice(), b',');
        let header = lines.next().transpose().at(file)?;
        let header: Vec<String> =
            header.iter().flat_map(|(_, record)| cells(record)).map(|name| name.into_owned()).collect();
        let id =
            header.iter().position(|name| name == "id").filter(|_| header.len() > 1).ok_or_else(|| {
                Error::failed(format!("no column `id` and a column of numbers: {}", file.display()))
                    .hint("separate the columns by commas and name them in the first line")
            })?;
        if self.cols != 0 && self.cols != header.len() - 1 {
            return Err(Error::failed(format!(
                "{} columns of numbers where the files before have {}: {}",
                header.len() - 1,
                self.cols,
                file.display()
            )));
        }
        self.cols = header.len() - 1;
        for record in lines {
            let (line, record) = record.at(file)?;
            let wrong = |what: &str| Error::failed(format!("line {line} {what}: {}", file.display()));
            if record.len() != header.len() {
                return Err(wrong("has another number of columns than the first"));
            }
            let mut row = Vec::with_capacity(self.cols);
            for (_, text) in cells(&record).enumerate().filter(|(i, _)| *i != id) {
                match cell(&text) {
                    Cell::Number(value) => row.push(value),
                    _ => return Err(wrong(&format!("has `{text}`, which is no finite number"))),
                }
            }
            let name = cells(&record).nth(id).unwrap_or_default().into_owned();
            if self.rows.insert(name, row).is_some() {
                return Err(wrong("has an id that was there before"));
            }
        }
        Ok(())
    }

    /// The numbers of the sample `id`.
    ///
    /// # Errors
    /// When there are none.
    pub fn row(&self, id: &str) -> Result<Vec<f32>> {
        self.rows.get(id).cloned().ok_or_else(|| {
            Error::failed(format!("no features of the sample `{id}`: {}", self.name))
                .hint("the files need a row for every sample that is compared; ids are in the `id` column of the datasets")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_id_and_bad_ones_named() {
        let dir = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let path = dir.path().join("f.csv");
            std::fs::write(&path, text).unwrap();
            Given::read(&[path])
        };
        let given = read("a,id,b\n1,x,2\n3,\"y,z\",4.5\n").unwrap();
        assert_eq!((given.cols, given.row("y,z").unwrap()), (2, vec![3.0, 4.5]));
        assert!(given.row("q").unwrap_err().message.contains("`q`"));
        for (text, why) in [
            ("a,b\n1,2\n", "no column `id`"),
            ("id\nx\n", "no column `id`"),
            ("id,a\nx,red\n", "line 2 has `red`"),
            ("id,a\nx,1\nx,2\n", "line 3 has an id"),
            ("id,a\nx,1,2\n", "another number of columns"),
        ] {
            let e = read(text).unwrap_err();
            assert!(e.message.contains(why), "{e}");
        }
    }
}
