//! Files that outlive a crash of the machine: what a rename makes visible is whole, and on the disk by then.

use crate::error::{Context, Result};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Files that are brought to the disk one by one; of more of them the whole file system is, where that can be
/// asked for: a call for each of 60,000 pictures takes a minute.
const FEW: usize = 256;

/// The name of a file in the making.
pub(crate) fn partial(name: &OsStr) -> OsString {
    let mut partial = OsString::from(if name.as_encoded_bytes().starts_with(b".") { "" } else { "." });
    partial.push(name);
    partial.push(".partial");
    partial
}

/// Writes a file so that it is there whole or not at all, in place of an older one, also after a crash of the machine.
///
/// # Errors
/// When it cannot be written; an older one is then still there.
pub fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    write_whole_by(path, |file| file.write_all(content.as_ref()))
}

/// [`write_whole`] of what `write` writes.
///
/// # Errors
/// As [`write_whole`], and those of `write`.
pub fn write_whole_by(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    // What a link leads to is replaced, not the link.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let temporary = path.with_file_name(partial(path.file_name().unwrap_or_default()));
    let written = File::create(&temporary)
        .and_then(|mut file| write(&mut file))
        .and_then(|()| sync_file(&temporary))
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| {
            sync_folder(path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(".".as_ref()))
        });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.at(path)
}

/// Brings a folder with all that is in it to the disk.
pub(crate) fn sync_tree(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let (mut at, mut whole) = (0, true);
    while let Some(folder) = folders.get(at).cloned() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let list = if entry.file_type()?.is_dir() { &mut folders } else { &mut files };
            list.push(entry.path());
            // There may be a million more.
            if whole && files.len() + folders.len() > FEW {
                if sync_all_of(&folder)? {
                    return Ok(());
                }
                whole = false;
            }
        }
        at += 1;
    }
    files.iter().try_for_each(|file| sync_file(file))?;
    folders.iter().try_for_each(|folder: &PathBuf| sync_folder(folder))
}

/// Brings the file system that holds `folder` to the disk; false where no such call is known.
#[cfg(target_os = "linux")]
fn sync_all_of(folder: &Path) -> io::Result<bool> {
    rustix::fs::syncfs(File::open(folder)?)?;
    Ok(true)
}

#[cfg(not(target_os = "linux"))]
fn sync_all_of(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Brings the bytes of a file to the disk.
fn sync_file(file: &Path) -> io::Result<()> {
    // Windows wants the right to write; a file that may not be written has its bytes from elsewhere.
    match File::options().write(true).open(file) {
        Ok(file) => file.sync_all(),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(e) => Err(e),
    }
}

/// Brings the names in a folder to the disk.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems have no such call for folders.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}

/// Folders cannot be opened here; the names are the system's affair.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_stays_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("a", "1"), ("a", "2"), (".b", "3")] {
            write_whole(&dir.path().join(name), text).unwrap();
            assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), text);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert_eq!(
            (partial("a".as_ref()), partial(".b".as_ref())),
            (".a.partial".into(), ".b.partial".into())
        );
        // A folder is in the way.
        fs::create_dir(dir.path().join("c")).unwrap();
        assert!(write_whole(&dir.path().join("c"), "x").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn few_and_many_files_are_brought_to_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        for i in 0..FEW + 2 {
            fs::write(dir.path().join(format!("a/b/{i}")), "x").unwrap();
            if i == 3 || i == FEW + 1 {
                sync_tree(dir.path()).unwrap();
            }
        }
        assert!(sync_tree(&dir.path().join("none")).is_err());
        assert!(sync_file(&dir.path().join("none")).is_err());
    }
}
