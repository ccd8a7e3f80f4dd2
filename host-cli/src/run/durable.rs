//! Results that outlive a crash of the machine: what a rename makes visible is on the disk by then.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Files that are brought to the disk one by one; of more of them the whole file system is, where that can be
/// asked for: a call for each of 60,000 pictures takes a minute.
const FEW: usize = 256;

/// Brings a folder with all that is in it to the disk.
pub fn sync_tree(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let mut at = 0;
    while let Some(folder) = folders.get(at).cloned() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let list = if entry.file_type()?.is_dir() { &mut folders } else { &mut files };
            list.push(entry.path());
        }
        at += 1;
    }
    if files.len() + folders.len() > FEW && sync_all_of(folder)? {
        return Ok(());
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
pub fn sync_file(file: &Path) -> io::Result<()> {
    // Windows wants the right to write; a file that may not be written has its bytes from elsewhere.
    match File::options().write(true).open(file) {
        Ok(file) => file.sync_all(),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(e) => Err(e),
    }
}

/// Brings the names in a folder to the disk.
#[cfg(unix)]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems have no such call for folders.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}

/// Folders cannot be opened here; the names are the system's affair.
#[cfg(not(unix))]
pub fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
