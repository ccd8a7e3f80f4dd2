//! One writer at a time for each output folder.

use super::folder::unwritable;
use crate::error::{Error, Result};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A lock file, held by this process until it is dropped, and then removed.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock file `path` for writing to `out`.
    ///
    /// # Errors
    /// When another process has it, or it cannot be made.
    pub fn take(path: PathBuf, out: &Path) -> Result<Self> {
        let begun = Instant::now();
        loop {
            let file = File::options().create(true).truncate(false).write(true).open(&path);
            let file = file.map_err(|e| unwritable(&e, out))?;
            match file.try_lock() {
                Ok(()) if !is_at(&file, &path) => {}
                // Somebody may only be looking whether it is held.
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => sleep(PATIENCE / 10),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::failed(format!("another seedbed is writing to: {}", out.display()))
                        .hint("wait for it to end, or choose another folder with --out"));
                }
                // Some file systems know no locks; there nothing is lost but this guard.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(Self { path, _file: file }),
            }
        }
    }

    /// Whether a process holds the lock file `path` now. One that a killed process left is not held.
    pub fn is_held(path: &Path) -> bool {
        File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

/// How long a lock that is held is asked for again.
const PATIENCE: Duration = Duration::from_millis(200);

/// Whether the open file is still the one of this name: its last holder may have removed it since.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Before the lock itself is given up.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let take = || Lock::take(dir.path().join(".out.lock"), Path::new("out"));
        let first = take().unwrap();
        assert!(take().unwrap_err().message.contains("another seedbed"));
        drop(first);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        // What a killed process leaves behind does not stop the next one.
        fs::write(dir.path().join(".out.lock"), "").unwrap();
        drop(take().unwrap());
        assert!(Lock::take(dir.path().join("none/.out.lock"), Path::new("out")).is_err());
    }
}
