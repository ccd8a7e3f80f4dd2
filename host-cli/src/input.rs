//! The raw samples as a user names them: paths, patterns such as `shards/*.tar`, `@list.txt` with a path on each line,
//! or `-` for standard input.

use crate::error::{Context, Error, Result};
use crate::formats::MAX_UNPACKED;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What the samples of standard input are called.
const STDIN_NAME: &str = "stdin";
/// The longest list of paths that is read, in bytes.
const MAX_LIST: u64 = 64 << 20;

/// Names of raw samples, as in a recipe: one, or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMore", into = "OneOrMore")]
pub struct Input(Vec<PathBuf>);

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "text in quotes or a list of texts was expected")]
enum OneOrMore {
    One(PathBuf),
    More(Vec<PathBuf>),
}

impl From<OneOrMore> for Input {
    fn from(given: OneOrMore) -> Self {
        match given {
            OneOrMore::One(path) => Self(vec![path]),
            OneOrMore::More(paths) => Self(paths),
        }
    }
}

impl From<Input> for OneOrMore {
    fn from(input: Input) -> Self {
        match <[PathBuf; 1]>::try_from(input.0) {
            Ok([one]) => Self::One(one),
            Err(paths) => Self::More(paths),
        }
    }
}

impl<P: Into<PathBuf>> FromIterator<P> for Input {
    fn from_iter<I: IntoIterator<Item = P>>(paths: I) -> Self {
        Self(paths.into_iter().map(Into::into).collect())
    }
}

/// The files and folders that an input comes to.
#[derive(Debug)]
pub struct Files {
    /// In the order of their paths; not empty.
    pub paths: Vec<PathBuf>,
    /// Holds what came on standard input.
    spooled: Option<TempDir>,
}

impl Files {
    /// The first of them.
    pub fn first(&self) -> &Path {
        self.paths.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// An error in words that know of standard input.
    pub fn named(&self, e: Error) -> Error {
        match &self.spooled {
            Some(_) => Error {
                message: e.message.replace(&self.first().display().to_string(), "standard input"),
                ..e
            },
            None => e,
        }
    }
}

/// What a name is.
enum Given<'a> {
    Stdin,
    /// A file of paths.
    List(PathBuf),
    Path(&'a Path),
}

/// A file or a folder that is called so is meant before all else.
fn given(path: &Path) -> Given<'_> {
    match path.as_os_str().as_encoded_bytes() {
        _ if path.symlink_metadata().is_ok() => Given::Path(path),
        b"-" => Given::Stdin,
        [b'@', ..] => {
            let name = path.to_string_lossy();
            Given::List(PathBuf::from(name.strip_prefix('@').unwrap_or(&name)))
        }
        _ => Given::Path(path),
    }
}

impl Input {
    /// The names as they were given.
    pub fn names(&self) -> &[PathBuf] {
        &self.0
    }

    /// The only or the first name.
    pub fn first(&self) -> &Path {
        self.0.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// The same with relative paths taken from `base`.
    #[must_use]
    pub fn relative_to(&self, base: &Path) -> Self {
        let moved = |path: &PathBuf| match given(path) {
            Given::Stdin => path.clone(),
            Given::List(list) => {
                let mut name = std::ffi::OsString::from("@");
                name.push(base.join(list));
                name.into()
            }
            Given::Path(path) => base.join(path),
        };
        self.0.iter().map(moved).collect()
    }

    /// The files and folders; standard input is read into a temporary file first, of at most `most` bytes.
    ///
    /// # Errors
    /// When there is nothing, or a list or standard input cannot be read.
    pub fn resolve(&self, most: u64) -> Result<Files> {
        if let [only] = self.0.as_slice()
            && matches!(given(only), Given::Stdin)
        {
            return spool(io::stdin().lock(), most);
        }
        let mut paths = Vec::new();
        for name in &self.0 {
            match given(name) {
                Given::Stdin => {
                    return Err(Error::usage("standard input is the only input, or none: -")
                        .hint("save it in a file, and name that beside the others"));
                }
                Given::List(list) => paths.extend(listed(&list)?),
                Given::Path(path) => paths.extend(matches(path)?),
            }
        }
        if paths.is_empty() {
            return Err(Error::usage("no input is named").hint("name files, folders or patterns, or `-`"));
        }
        paths.sort();
        let mut seen = HashSet::new();
        paths.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
        Ok(Files { paths, spooled: None })
    }

    /// The files and folders, where none is standard input.
    ///
    /// # Errors
    /// As [`Input::resolve`], and for standard input.
    pub fn resolve_files(&self) -> Result<Files> {
        if self.0.iter().any(|name| matches!(given(name), Given::Stdin)) {
            return Err(Error::usage("standard input can be read once only: -")
                .hint("save the samples in a file, and name that"));
        }
        self.resolve(MAX_UNPACKED)
    }
}

/// The paths on the lines of a list, which are relative to its folder.
fn listed(list: &Path) -> Result<Vec<PathBuf>> {
    let mut text = Vec::new();
    crate::formats::open_file(list)?.take(MAX_LIST + 1).read_to_end(&mut text).at(list)?;
    if text.len() as u64 > MAX_LIST {
        return Err(Error::usage(format!(
            "list of paths is longer than {MAX_LIST} bytes: {}",
            list.display()
        )));
    }
    let folder = list.parent().unwrap_or(Path::new(""));
    let mut paths = Vec::new();
    for (number, line) in text.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let path = folder.join(path_of(line));
        if path.symlink_metadata().is_err() {
            let place = format!("{}, line {}", list.display(), number + 1);
            return Err(Error::usage(format!("no such file or folder: {}: {place}", path.display()))
                .hint("each line of a list is a path, relative to the folder of the list"));
        }
        paths.push(path);
    }
    if paths.is_empty() {
        return Err(Error::usage(format!("list of paths is empty: {}", list.display())));
    }
    Ok(paths)
}

#[cfg(unix)]
fn path_of(line: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(line).into()
}

#[cfg(not(unix))]
fn path_of(line: &[u8]) -> PathBuf {
    String::from_utf8_lossy(line).into_owned().into()
}

/// The path itself where it is there, else what the pattern matches.
fn matches(path: &Path) -> Result<Vec<PathBuf>> {
    let pattern = path.to_string_lossy();
    if path.symlink_metadata().is_ok() || !pattern.contains(['*', '?', '[']) {
        fs::symlink_metadata(path).at(path)?;
        return Ok(vec![path.to_owned()]);
    }
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let found = glob::glob_with(&pattern, options)
        .map_err(|e| Error::usage(format!("no pattern ({}): {pattern}", e.msg)))?;
    let mut paths = Vec::new();
    for path in found {
        paths.push(path.map_err(|e| Error::of_io(e.error()).within(e.path().display()))?);
    }
    if paths.is_empty() {
        return Err(Error::usage(format!("the pattern matches nothing: {pattern}"))
            .hint("`*` stands for anything within a name, `**` for any folders; put it in quotes"));
    }
    // A folder stands for what is in it, unless that was named itself.
    let within: HashSet<PathBuf> =
        paths.iter().flat_map(|p| p.ancestors().skip(1)).map(Path::to_owned).collect();
    paths.retain(|path| !within.contains(path));
    Ok(paths)
}

/// Puts what comes into a temporary file, from where it can be read at any place.
fn spool(from: impl Read, most: u64) -> Result<Files> {
    if io::stdin().is_terminal() {
        return Err(Error::usage("standard input is a terminal: -").hint("pipe the samples into the command"));
    }
    let folder = tempfile::tempdir().map_err(Error::of_temporary)?;
    let path = folder.path().join(STDIN_NAME);
    let mut file = fs::File::create(&path).map_err(Error::of_temporary)?;
    let (mut from, mut block, mut left) = (from, vec![0; 1 << 16], most);
    loop {
        let n = match from.read(&mut block) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Error::of_io(&e).within("standard input")),
        };
        left = left.checked_sub(n as u64).ok_or_else(|| {
            Error::failed(format!("more than {most} bytes: standard input"))
                .hint("raise --max-unpacked (recipe key `max_unpacked`) if it is meant to be that large")
        })?;
        file.write_all(&block[..n]).map_err(Error::of_temporary)?;
    }
    Ok(Files { paths: vec![path], spooled: Some(folder) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_several_are_written_as_they_were_read() {
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        struct Holder {
            input: Input,
        }
        for text in ["input = \"a\"\n", "input = [\"a\", \"b/*.tar\"]\n"] {
            let held: Holder = toml::from_str(text).unwrap();
            assert_eq!(toml::to_string(&held).unwrap(), text);
        }
        assert!(toml::from_str::<Holder>("input = 7").is_err());
    }

    #[test]
    fn patterns_lists_and_paths_become_files() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("deep/er")).unwrap();
        for name in ["b.tar", "a.tar", "[x].tar", "deep/c.tar", "deep/er/d.tar", ".hidden.tar", "x.txt"] {
            fs::write(at(name), "").unwrap();
        }
        fs::write(at("list.txt"), "deep/c.tar\n\n a.tar\r\n").unwrap();
        let files = |names: &[&str]| {
            let input: Input = names.iter().map(PathBuf::from).collect();
            let files = input.relative_to(dir.path()).resolve(9)?;
            let names = files.paths.iter().map(|p| p.strip_prefix(dir.path()).unwrap().display().to_string());
            Ok::<_, Error>(names.collect::<Vec<_>>().join(" "))
        };
        assert_eq!(files(&["*.tar"]).unwrap(), "[x].tar a.tar b.tar");
        assert_eq!(files(&["**/*.tar"]).unwrap(), "[x].tar a.tar b.tar deep/c.tar deep/er/d.tar");
        assert_eq!(files(&["[x].tar"]).unwrap(), "[x].tar", "what is there is meant");
        assert_eq!(files(&["deep*", "a.tar"]).unwrap(), "a.tar deep");
        assert_eq!(files(&["deep/**"]).unwrap(), "deep/er", "the innermost that match");
        assert_eq!(files(&["@list.txt", "b.tar", "b.tar", "[ab].tar"]).unwrap(), "a.tar b.tar deep/c.tar");
        let refused = |names: &[&str]| {
            let e = files(names).unwrap_err();
            assert_eq!(e.exit_code(), 2, "{e}");
            e.message
        };
        assert!(refused(&["*.zip"]).starts_with("the pattern matches nothing: "));
        assert!(refused(&["none"]).starts_with("no such file or folder: "));
        assert!(refused(&["a***b"]).starts_with("no pattern ("));
        assert!(refused(&["-", "a.tar"]).starts_with("standard input is the only input"));
        assert!(refused(&[]).starts_with("no input is named"));
        fs::write(at("list.txt"), "a.tar\nnone.tar\n").unwrap();
        assert!(refused(&["@list.txt"]).ends_with("list.txt, line 2"));
        assert!(refused(&["@none.txt"]).starts_with("no such file or folder"));
        let stdin: Input = ["-"].into_iter().collect();
        assert_eq!(
            (stdin.relative_to(dir.path()), stdin.resolve_files().unwrap_err().exit_code()),
            (stdin, 2)
        );
    }

    #[test]
    fn a_stream_is_kept_within_its_limit() {
        if io::stdin().is_terminal() {
            return;
        }
        let files = spool([7u8; 100].as_slice(), 100).unwrap();
        assert_eq!(fs::read(files.first()).unwrap(), [7; 100]);
        let e = files.named(Error::failed(format!("odd: {}", files.first().display())));
        assert_eq!(e.message, "odd: standard input");
        let path = files.first().to_owned();
        drop(files);
        assert!(!path.exists());
        assert!(spool([7u8; 100].as_slice(), 99).unwrap_err().message.starts_with("more than 99 bytes"));
    }
}
