//! Output folders: who may write where, and how a folder becomes whole at once.

use super::lock::Lock;
use super::record::{RUN_FILE, RunRecord, STAGE_FILE, load};
use crate::durable::{partial, sync_folder, sync_tree};
use crate::error::{Context, Error, Result};
use crate::stages::kept_beside;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{fs, io};

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
    match fs::read_dir(out).map(|entries| entries.filter(|e| !is_leftover(e, mark)).count()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && out.is_symlink() => {
            Err(Error::usage(format!("the output is a link to nowhere: {}", out.display()))
                .hint("choose a folder with --out"))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
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

/// Whether an entry is all that a run leaves in its folder when it is killed before it has a record.
fn is_leftover(entry: &io::Result<fs::DirEntry>, mark: &str) -> bool {
    mark == RUN_FILE
        && entry
            .as_ref()
            .is_ok_and(|e| [RUN_LOCK.into(), partial(RUN_FILE.as_ref())].contains(&e.file_name()))
}

/// Whether a run may write into `out`: where any command of its kind may, and its record is one of ours.
///
/// # Errors
/// When `out` is neither absent, nor empty, nor marked as the result of a run, or its `run.json` is something else.
pub fn may_run(out: &Path) -> Result<()> {
    may_write(out, RUN_FILE)?;
    load::<RunRecord>(out, RUN_FILE).map(drop)
}

/// Makes a folder to write to, with its parents.
///
/// # Errors
/// When that is not allowed there.
pub fn make_output(out: &Path) -> Result<()> {
    fs::create_dir_all(out).map_err(|e| unwritable(&e, out))
}

/// The error for an output that cannot be written.
pub fn unwritable(e: &io::Error, out: &Path) -> Error {
    if matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Error::of_io(e).within(out.display());
    }
    Error::failed(format!("cannot write the output ({e}): {}", out.display()))
        .hint("choose a folder that can be written to with --out")
}

/// Refuses an output that lies at or inside the input: it would be read as input the next time.
///
/// # Errors
/// When it does, or the input is not there.
pub fn outside(input: &Path, out: &Path) -> Result<()> {
    let whole = canonical(out);
    let input = fs::canonicalize(input).at(input)?;
    if whole == input || (whole.starts_with(&input) && input.is_dir()) {
        return Err(Error::usage(format!("the output lies inside the input: {}", out.display()))
            .hint("choose a folder elsewhere with --out"));
    }
    Ok(())
}

/// Refuses an output that lies at or inside the input, and an input that lies inside the output.
///
/// # Errors
/// When it does.
pub fn apart(input: &Path, out: &Path) -> Result<()> {
    outside(input, out)?;
    let input = fs::canonicalize(input).at(input)?;
    if input.starts_with(canonical(out)) {
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

/// The lock file in the folder of a run.
const RUN_LOCK: &str = ".run.lock";

/// The folder of a run, in which no other run works meanwhile.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: Lock,
}

impl RunFolder {
    /// Makes the folder where it is missing, and takes its lock, which ends with the process at the latest.
    ///
    /// # Errors
    /// When the folder's path is not UTF-8, it belongs to something else or cannot be written, or another run works
    /// in it.
    pub fn take(path: &Path) -> Result<Self> {
        if path.to_str().is_none() {
            // Options of later stages are paths in it, and go into their keys.
            return Err(Error::usage(format!("the run folder's path is not UTF-8 text: {}", path.display()))
                .hint("choose another folder with --out"));
        }
        may_run(path)?;
        make_output(path)?;
        let lock = Lock::take(path.join(RUN_LOCK), path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether a process works in the run folder `out` now.
pub fn run_is_live(out: &Path) -> bool {
    Lock::is_held(&out.join(RUN_LOCK))
}

/// Whether a process writes the stage's folder `out` now.
pub fn stage_is_live(out: &Path) -> bool {
    out.file_name().is_some_and(|name| Lock::is_held(&out.with_file_name(beside(name, "lock"))))
}

/// A folder in the making: a temporary name beside the final one, removed when it is given up.
#[derive(Debug)]
pub struct Draft {
    temporary: PathBuf,
    out: PathBuf,
    done: bool,
    _lock: Lock,
}

/// The digits of a key that are in the name of a draft.
const DIGITS: usize = 8;

impl Draft {
    /// A temporary name for `out`, with nothing there; its parent exists afterwards. `key` is hexadecimal.
    /// Leftovers of killed runs for the same folder are removed; no other process writes there meanwhile.
    ///
    /// # Errors
    /// When the parent cannot be made or written to, or another process writes to the same folder.
    pub fn new(out: &Path, key: &str) -> Result<Self> {
        // What a link leads to is replaced, not the link.
        let out = canonical(out);
        let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else {
            return Err(Error::usage(format!("not a folder to write to: {}", out.display()))
                .hint("choose another --out"));
        };
        make_output(parent)?;
        let lock = Lock::take(parent.join(beside(name, "lock")), &out)?;
        let temporary = parent.join(beside(name, &format!("{}.partial", key.get(..DIGITS).unwrap_or(key))));
        for found in drafts(parent, name).at(parent)? {
            // What the stage put beside its own draft to go on from stays.
            if parent.join(&found) != kept_beside(&temporary) {
                remove(&parent.join(&found)).at(parent.join(found))?;
            }
        }
        // Made and removed: whether we may write here is better known before the work than after.
        fs::create_dir(&temporary)
            .and_then(|()| fs::remove_dir(&temporary))
            .map_err(|e| unwritable(&e, parent))?;
        Ok(Self { temporary, out, done: false, _lock: lock })
    }

    /// Where to write meanwhile; it does not exist yet.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Gives the folder its final name, in place of an older one, once all of it is on the disk.
    ///
    /// # Errors
    /// When it cannot be brought there or renamed; the older one is then still there.
    pub fn publish(mut self) -> Result<()> {
        sync_tree(&self.temporary).at(&self.out)?;
        let old = self.temporary.with_extension("old.partial");
        let had_old = match fs::rename(&self.out, &old) {
            Ok(()) => true,
            Err(e) if e.kind() == io::ErrorKind::NotFound => false,
            Err(e) => return Err(e).at(&self.out),
        };
        if let Err(e) = fs::rename(&self.temporary, &self.out) {
            if had_old {
                let _ = fs::rename(&old, &self.out);
            }
            return Err(e).at(&self.out);
        }
        self.done = true;
        sync_folder(self.out.parent().unwrap_or(&self.out)).at(&self.out)?;
        if had_old {
            // The result is in place; what is left over here the next draft removes.
            let _ = fs::remove_dir_all(&old);
        }
        Ok(())
    }
}

/// Removes what runs that were killed left beside the result `out`, which is whole, unless another process
/// writes there. What stays for want of a permission does no harm.
pub fn sweep(out: &Path) {
    let out = canonical(out);
    let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else { return };
    let left = drafts(parent, name).unwrap_or_default();
    let lock = parent.join(beside(name, "lock"));
    if left.is_empty() && !lock.exists() {
        return;
    }
    if let Ok(_lock) = Lock::take(lock, &out) {
        left.iter().for_each(|found| drop(remove(&parent.join(found))));
    }
}

/// The drafts and what else belongs to the making of the folder `name` in `parent`.
fn drafts(parent: &Path, name: &OsStr) -> io::Result<Vec<OsString>> {
    let names = fs::read_dir(parent)?.flatten().map(|entry| entry.file_name());
    Ok(names.filter(|found| is_draft(name, found)).collect())
}

/// The name `.<name>.<end>` of what lies beside the folder `name`.
fn beside(name: &OsStr, end: &str) -> OsString {
    let mut whole = OsString::from(".");
    whole.push(name);
    whole.push(".");
    whole.push(end);
    whole
}

/// Whether `found` is called as a draft of the folder `name` is, as an older result on its way out, or as
/// what a stage keeps beside its draft.
fn is_draft(name: &OsStr, found: &OsStr) -> bool {
    let prefix = beside(name, "");
    let Some(rest) = found.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes()) else { return false };
    let Some((key, end)) = rest.split_at_checked(DIGITS) else { return false };
    let ends: [&[u8]; 4] =
        [b".partial", b".old.partial", b".partial.checkpoint", b".partial.checkpoint.partial"];
    key.iter().all(u8::is_ascii_hexdigit) && ends.contains(&end)
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
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
        fs::write(out.join(RUN_FILE), r#"{"laps": 3}"#).unwrap();
        assert!(may_run(&out).unwrap_err().message.contains("not a record of seedbed"));
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
        let beside = |name: &str| out.with_file_name(name);
        fs::remove_file(beside(".out.lock")).unwrap();
        fs::write(beside(".out.99999999.partial.checkpoint"), "of other options").unwrap();
        fs::create_dir(beside(".out.99999999.old.partial")).unwrap();
        let kept = [
            ".out.01234567.partial.checkpoint",
            ".out.v2.99999999.partial.checkpoint",
            ".out.my.partial-notes",
            ".out.99999999.partial.txt",
        ]
        .map(beside);
        kept.iter().for_each(|path| fs::write(path, "not to be touched").unwrap());
        write("second").publish().unwrap();
        kept.iter().for_each(|path| fs::remove_file(path).unwrap());
        assert_eq!(fs::read_to_string(out.join("x")).unwrap(), "second");
        assert_eq!(fs::read_dir(out.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_killed_runs_left_beside_a_result_is_swept_away() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let beside = |name: &str| out.with_file_name(name);
        for made in [".out.99999999.old.partial", "out", "out2"] {
            fs::create_dir(beside(made)).unwrap();
        }
        for made in [".out.lock", ".out.01234567.partial.checkpoint", ".out.txt"] {
            fs::write(beside(made), "").unwrap();
        }
        assert!(!stage_is_live(&out), "the process is gone");
        let lock = Lock::take(beside(".out.lock"), &out).unwrap();
        sweep(&out);
        assert!(stage_is_live(&out) && fs::read_dir(dir.path()).unwrap().count() == 6);
        drop(lock);
        sweep(&out);
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.len() == 3 && left.contains(&".out.txt".into()), "{left:?}");
    }

    #[test]
    fn a_run_folder_is_taken_once_and_again_after_a_kill() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("run");
        fs::create_dir(&out).unwrap();
        // Killed before there was a record.
        fs::write(out.join(RUN_LOCK), "").unwrap();
        fs::write(out.join(".run.json.partial"), "{").unwrap();
        assert!(!run_is_live(&out));
        let first = RunFolder::take(&out).unwrap();
        assert!(run_is_live(&out) && first.path() == out);
        let e = RunFolder::take(&out).unwrap_err();
        assert!(e.exit_code() == 1 && e.message.contains("another seedbed"), "{e}");
        drop(first);
        assert!(!run_is_live(&out) && !out.join(RUN_LOCK).exists());
        assert!(may_write(&out, STAGE_FILE).is_err(), "only a run leaves that behind");
    }

    #[test]
    fn the_draft_of_another_process_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let live = Draft::new(&out, "0123456789").unwrap();
        fs::create_dir(live.path()).unwrap();
        assert!(Draft::new(&out, "9876543210").unwrap_err().message.contains("another seedbed"));
        live.publish().unwrap();
        assert!(out.is_dir());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, out) = (dir.path().join("real"), dir.path().join("out"));
        std::os::unix::fs::symlink(&real, &out).unwrap();
        assert!(may_write(&out, STAGE_FILE).unwrap_err().message.contains("nowhere"));
        fs::create_dir(&real).unwrap();
        let draft = Draft::new(&out, "0123456789").unwrap();
        fs::create_dir(draft.path()).unwrap();
        fs::write(draft.path().join("x"), "").unwrap();
        draft.publish().unwrap();
        assert!(out.is_symlink() && real.join("x").is_file());
    }
}
