//! The error of the host side: one sentence that names the file or the flag, and a way out.

use std::any::Any;
use std::fmt::{self, Display};
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

/// What kind of failure it is; it decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The work failed: exit code 1.
    Failed,
    /// The request is wrong (a flag, a recipe, a path where nothing or something else is): exit code 2.
    Usage,
    /// The reader of our output went away (`seedbed ... | head`): not a failure, exit code 0.
    Closed,
}

/// Why a command stopped: `what: which file or flag`, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// `what: which file or flag`, without a full stop.
    pub message: String,
    /// How to mend it, where that is known.
    pub hint: Option<String>,
    /// What kind of failure it is.
    pub kind: Kind,
}

/// The result of everything on the host side that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The work failed; `message` has the form `what: which file or flag`.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, kind: Kind::Failed }
    }

    /// The request is wrong; `message` has the form `what: which file or flag`.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, kind: Kind::Usage }
    }

    /// An option outside its range: names the recipe key and the flag, and what is allowed.
    pub fn out_of_range(key: &str, value: impl Display, allowed: &str) -> Self {
        let flag = key.replace('_', "-");
        Self::usage(format!("{key} = {value} is out of range: --{flag} (recipe key `{key}`)"))
            .hint(format!("{key} must be {allowed}"))
    }

    /// Refuses an option outside `allowed`; see [`Error::out_of_range`].
    ///
    /// # Errors
    /// A usage error where it is outside, as NaN is.
    pub fn check_range<T: PartialOrd + Display>(
        key: &str,
        value: T,
        allowed: RangeInclusive<T>,
    ) -> Result<()> {
        let text = format!("from {} to {}", allowed.start(), allowed.end());
        Self::require(allowed.contains(&value), key, value, &text)
    }

    /// Refuses an option unless `ok`; see [`Error::out_of_range`].
    ///
    /// # Errors
    /// A usage error unless `ok`.
    pub fn require(ok: bool, key: &str, value: impl Display, allowed: &str) -> Result<()> {
        if ok { Ok(()) } else { Err(Self::out_of_range(key, value, allowed)) }
    }

    /// What the system refused; no file is named yet.
    pub fn of_io(e: &io::Error) -> Self {
        use io::ErrorKind as K;
        match e.kind() {
            K::NotFound => {
                Self::usage("no such file or folder").hint("check the path, and what the current folder is")
            }
            K::NotADirectory => Self::usage("a file is where a folder should be").hint("check the path"),
            K::PermissionDenied => Self::failed("permission denied")
                .hint("check the owner and the mode of the path, or choose another"),
            K::ReadOnlyFilesystem => {
                Self::failed("the file system is read-only").hint("choose another folder with --out")
            }
            K::StorageFull | K::QuotaExceeded => Self::failed("no space left")
                .hint("free some space and run the command again, or choose another folder with --out"),
            K::BrokenPipe => Self { kind: Kind::Closed, ..Self::failed("reader went away") },
            K::UnexpectedEof => Self::failed("file is cut off"),
            _ => Self::failed(plain(e)),
        }
    }

    /// There is no room for temporary files, or no way to write them.
    pub fn of_temporary(e: io::Error) -> Self {
        Self::failed(format!("cannot write temporary files ({e}): {}", std::env::temp_dir().display()))
            .hint("make room there, or name another folder in the environment variable TMPDIR")
    }

    /// Why a library could not write: what the system refused, if that is at the bottom of it, else `what` and the
    /// library's words.
    pub fn unwritten(what: &str, e: &(dyn std::error::Error + 'static)) -> Self {
        let causes = std::iter::successors(Some(e), |e| e.source());
        match causes.filter_map(|e| e.downcast_ref::<io::Error>()).next() {
            Some(io) => Self::of_io(io),
            None => Self::failed(format!("{what} ({e})")),
        }
    }

    /// The same with a way out, in place of any given before.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same error, told to come from `place` (a file, a row, a stage).
    #[must_use]
    pub fn within(self, place: impl Display) -> Self {
        Self { message: format!("{}: {place}", self.message), ..self }
    }

    /// The same error without its path, which is told beside it, and without a hint.
    #[must_use]
    pub fn bare(self) -> Self {
        let what = self.message.split(": ").next().unwrap_or_default().to_owned();
        Self { message: what, hint: None, ..self }
    }

    /// The process exit code: 0 (reader gone), 1 (failed) or 2 (usage).
    pub const fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Closed => 0,
            Kind::Failed => 1,
            Kind::Usage => 2,
        }
    }
}

impl Display for Error {
    /// `error: what: which`, then `try: hint` on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n  try: {hint}"))
    }
}

impl std::error::Error for Error {}

/// A refusal of the core that no file is to blame for.
impl From<seedbed::Error> for Error {
    fn from(e: seedbed::Error) -> Self {
        Self::failed(e.as_str())
    }
}

/// Turns the errors of libraries into ours, with the file named.
pub trait Context<T> {
    /// Names the file or folder that the failure is about.
    ///
    /// # Errors
    /// The error itself; I/O errors are put into words, with a hint where there is one.
    fn at(self, path: impl AsRef<Path>) -> Result<T>;
}

impl<T, E: Display + 'static> Context<T> for std::result::Result<T, E> {
    fn at(self, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|e| located(&e, path.as_ref()))
    }
}

#[cold]
fn located<E: Display + 'static>(e: &E, path: &Path) -> Error {
    let any = e as &dyn Any;
    if let Some(io) = any.downcast_ref::<io::Error>() {
        return from_io(io, path);
    }
    if let Some(own) = any.downcast_ref::<Error>() {
        // Once is enough, and the name of a file tells its folder.
        let named = own.message.contains(&format!(": {}", path.display()));
        return if named { own.clone() } else { own.clone().within(path.display()) };
    }
    Error::failed(format!("{e}: {}", path.display()))
}

fn from_io(e: &io::Error, path: &Path) -> Error {
    Error::of_io(e).within(path.display())
}

/// The system's words without its number: `Is a directory (os error 21)` → `is a directory`.
fn plain(e: &io::Error) -> String {
    let text = e.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_name_the_file_and_a_way_out() {
        let e = std::fs::read("/no/such/file").at("/no/such/file").unwrap_err();
        assert_eq!(e.to_string().lines().next(), Some("error: no such file or folder: /no/such/file"));
        assert!(e.hint.is_some() && e.exit_code() == 2);
        let e = std::fs::read("/").at("/").unwrap_err();
        assert_eq!(e.message, "is a directory: /");
    }

    #[test]
    fn a_broken_pipe_is_no_failure() {
        let e = Err::<(), _>(io::Error::from(io::ErrorKind::BrokenPipe)).at("stdout").unwrap_err();
        assert_eq!((e.kind, e.exit_code()), (Kind::Closed, 0));
    }

    #[test]
    fn what_the_system_refused_is_found_at_the_bottom() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let wrapped = parquet::errors::ParquetError::External(Box::new(full()));
        assert!(Error::unwritten("shard", &wrapped).message.starts_with("no space left"));
        assert!(Error::unwritten("shard", &full()).hint.is_some());
        let other = parquet::errors::ParquetError::General("odd".into());
        assert!(Error::unwritten("shard", &other).message.starts_with("shard (Parquet error: odd"));
    }

    #[test]
    fn own_and_foreign_errors_keep_their_words() {
        let own = Err::<(), _>(Error::usage("wrong").hint("right")).at("a.toml").unwrap_err();
        assert_eq!(own.to_string(), "error: wrong: a.toml\n  try: right");
        assert_eq!(own.exit_code(), 2);
        let core = Err::<(), _>(seedbed::Error::BadData).at("b.idx").unwrap_err();
        assert_eq!(core.message, "data is damaged: b.idx");
        assert_eq!(Error::from(seedbed::Error::BadData).message, "data is damaged");
    }

    #[test]
    fn a_range_error_names_key_and_flag() {
        let e = Error::out_of_range("shard_rows", 0, "at least 1");
        assert!(e.message.contains("--shard-rows") && e.message.contains("`shard_rows`"), "{e}");
        assert!(Error::check_range("k", 100, 1..=100).is_ok());
        let e = Error::check_range("ratio", f32::NAN, 0.0..=1.0).unwrap_err();
        assert_eq!(e.hint.as_deref(), Some("ratio must be from 0 to 1"));
    }
}
