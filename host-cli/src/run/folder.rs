//! Output folders: who may write where, and how a folder becomes whole at once.

use super::record::{RUN_FILE, STAGE_FILE};
use crate::error::{Context, Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Refuses an output folder that would overwrite what is not ours: it may be absent, empty, or hold
/// `mark` (`stage.json` or `run.json`), which says that seedbed made it.
///
/// # Errors
/// When it holds something else, or is a file.
pub fn may_write(out: &Path, mark: &str) -> Result<()> {
    if out.join(mark).is_file() {
        return Ok(());
    }
    let other = if mark == RUN_FILE { STAGE_FILE } else { RUN_FILE };
    match fs::read_dir(out).map(Iterator::count) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotADirectory => {
            Err(Error::usage(format!("the output is an existing file: {}", out.display()))
                .hint("choose a folder with --out"))
        }
        Err(e) => Err(e).at(out),
        Ok(0) => Ok(()),
        Ok(_) => {
            let what = if out.join(other).is_file() {
                "the output folder holds the result of another command"
            } else {
                "the output folder is not empty, and seedbed did not make it"
            };
            Err(Error::usage(format!("{what}: {}", out.display()))
                .hint("choose another folder with --out, or empty this one"))
        }
    }
}

/// Makes a folder to write to, with its parents.
///
/// # Errors
/// When that is not allowed there.
pub fn make_output(out: &Path) -> Result<()> {
    fs::create_dir_all(out).map_err(|e| {
        let shown = out.parent().filter(|_| out.extension().is_some_and(|x| x == "partial")).unwrap_or(out);
        Error::failed(format!("cannot write the output ({e}): {}", shown.display()))
            .hint("choose a folder that can be written to with --out")
    })
}

/// Refuses an output that lies at or inside the input: it would be read as input the next time.
///
/// # Errors
/// When it does.
pub fn apart(input: &Path, out: &Path) -> Result<()> {
    let input = fs::canonicalize(input).at(input)?;
    let whole = canonical(out);
    if whole == input || (whole.starts_with(&input) && input.is_dir()) {
        return Err(Error::usage(format!("the output lies inside the input: {}", out.display()))
            .hint("choose a folder elsewhere with --out"));
    }
    if input.starts_with(&whole) {
        return Err(Error::usage(format!("the input lies inside the output folder: {}", out.display()))
            .hint("choose a folder elsewhere with --out"));
    }
    Ok(())
}

/// The canonical path of what may not exist yet.
fn canonical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut missing = Vec::new();
    for known in absolute.ancestors() {
        if let Ok(found) = fs::canonicalize(known) {
            return missing.into_iter().rev().fold(found, |p: PathBuf, name| p.join(name));
        }
        missing.extend(known.file_name());
    }
    absolute
}

/// A folder in the making: a temporary name beside the final one, removed when it is given up.
#[derive(Debug)]
pub struct Draft {
    temporary: PathBuf,
    out: PathBuf,
    done: bool,
}

impl Draft {
    /// A temporary name for `out`, with nothing there; its parent exists afterwards. Leftovers of
    /// killed runs for the same folder are removed.
    ///
    /// # Errors
    /// When the parent cannot be made or written to.
    pub fn new(out: &Path, key: &str) -> Result<Self> {
        let out = std::path::absolute(out).at(out)?;
        let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else {
            return Err(Error::usage(format!("not a folder to write to: {}", out.display()))
                .hint("choose another --out"));
        };
        make_output(parent)?;
        let prefix = format!(".{}.", name.to_string_lossy());
        let own = format!("{prefix}{}.partial", key.get(..8).unwrap_or(key));
        for entry in fs::read_dir(parent).at(parent)?.flatten() {
            let found = entry.file_name();
            let found = found.to_string_lossy();
            // What a stage put beside its own draft to go on from (`....partial.checkpoint`) stays.
            let beside_own = found.starts_with(&own) && found != own;
            if found.starts_with(&prefix) && found.contains(".partial") && !beside_own {
                remove(&entry.path())?;
            }
        }
        let temporary = parent.join(own);
        // Made and removed: whether we may write here is better known before the work than after.
        make_output(&temporary)?;
        fs::remove_dir(&temporary).at(&out)?;
        Ok(Self { temporary, out, done: false })
    }

    /// Where to write meanwhile; it does not exist yet.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Gives the folder its final name, in place of an older one.
    ///
    /// # Errors
    /// When it cannot be renamed; the older one is then still there.
    pub fn publish(mut self) -> Result<()> {
        let old = self.temporary.with_extension("old.partial");
        let had_old = match fs::rename(&self.out, &old) {
            Ok(()) => true,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => false,
            Err(e) => return Err(e).at(&self.out),
        };
        if let Err(e) = fs::rename(&self.temporary, &self.out) {
            if had_old {
                let _ = fs::rename(&old, &self.out);
            }
            return Err(e).at(&self.out);
        }
        self.done = true;
        if had_old {
            fs::remove_dir_all(&old).at(&old)?;
        }
        Ok(())
    }
}

fn remove(path: &Path) -> Result<()> {
    if path.is_dir() { fs::remove_dir_all(path).at(path) } else { fs::remove_file(path).at(path) }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_ours_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        may_write(&out, STAGE_FILE).unwrap();
        fs::create_dir(&out).unwrap();
        may_write(&out, STAGE_FILE).unwrap();
        fs::write(out.join("thesis.doc"), "").unwrap();
        let e = may_write(&out, STAGE_FILE).unwrap_err();
        assert!(e.exit_code() == 2 && e.hint.is_some(), "{e}");
        fs::write(out.join(RUN_FILE), "{}").unwrap();
        assert!(may_write(&out, STAGE_FILE).unwrap_err().message.contains("another command"));
        may_write(&out, RUN_FILE).unwrap();
        assert!(may_write(&out.join("thesis.doc"), RUN_FILE).unwrap_err().message.contains("existing file"));
    }

    #[test]
    fn input_and_output_are_kept_apart() {
        let dir = tempfile::tempdir().unwrap();
        let (input, inside) = (dir.path().join("in"), dir.path().join("in/a/b"));
        fs::create_dir(&input).unwrap();
        for (from, to) in [(&input, &input), (&input, &inside), (&input, &dir.path().to_owned())] {
            assert_eq!(apart(from, to).unwrap_err().exit_code(), 2);
        }
        apart(&input, &dir.path().join("in-other")).unwrap();
        assert!(apart(&inside, &input).is_err(), "no such input");
    }

    #[test]
    fn a_draft_is_published_whole_or_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("deep/out");
        let write = |text: &str| {
            let draft = Draft::new(&out, "0123456789").unwrap();
            assert!(!draft.path().exists());
            fs::create_dir(draft.path()).unwrap();
            fs::write(draft.path().join("x"), text).unwrap();
            draft
        };
        drop(write("never"));
        assert!(!out.exists());
        write("first").publish().unwrap();
        // A killed run leaves its draft behind.
        std::mem::forget(write("killed"));
        fs::write(out.with_file_name(".out.99999999.partial.checkpoint"), "of other options").unwrap();
        let own = out.with_file_name(".out.01234567.partial.checkpoint");
        fs::write(&own, "to go on from").unwrap();
        write("second").publish().unwrap();
        fs::remove_file(own).unwrap();
        assert_eq!(fs::read_to_string(out.join("x")).unwrap(), "second");
        assert_eq!(fs::read_dir(out.parent().unwrap()).unwrap().count(), 1);
    }
}
