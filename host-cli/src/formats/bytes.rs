//! Files as bytes: gzip and Zstandard are undone by content, and what is cut off is given as far as it goes.

use crate::error::{Context, Error, Result};
use flate2::read::MultiGzDecoder;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// The most that a compressed file may unpack to unless told otherwise: 8 GiB.
pub const MAX_UNPACKED: u64 = 8 << 30;

/// What [`head`] gives: enough for every magic number, that of tar included.
const HEAD: u64 = 1024;

/// The largest window that Zstandard may ask for: 128 MiB, as its own command allows.
const ZSTD_WINDOW_LOG: u32 = 27;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952, of one member or more.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// That of a file which starts like this.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    fn reader<'a>(self, file: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::None => Box::new(file),
            Self::Gzip => Box::new(MultiGzDecoder::new(file)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        })
    }

    /// Gives what a file unpacks to piece by piece, and why there is no more where it ends too early.
    ///
    /// # Errors
    /// When there are more than `most` bytes, or `take` fails.
    pub fn unpack(
        self,
        file: impl BufRead,
        most: u64,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Option<String>> {
        let mut reader = match self.reader(file) {
            Ok(reader) => reader,
            Err(e) => return Ok(Some(self.words(&e))),
        };
        let (mut block, mut left) = (vec![0; 1 << 16], most);
        loop {
            let n = match reader.read(&mut block) {
                Ok(0) => return Ok(None),
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Ok(Some(self.words(&e))),
            };
            left = left.checked_sub(n as u64).ok_or_else(|| too_many(most))?;
            take(&block[..n])?;
        }
    }

    fn words(self, e: &io::Error) -> String {
        match e.kind() {
            io::ErrorKind::UnexpectedEof => format!("the {} file is cut off", self.name()),
            _ => format!("the {} file is damaged ({e})", self.name()),
        }
    }
}

/// The error of what unpacks to more than `most` bytes.
pub fn too_many(most: u64) -> Error {
    Error::failed(format!("unpacks to more than {most} bytes"))
        .hint("raise --max-unpacked (recipe key `max_unpacked`) if it is meant to be that large")
}

/// The compression of a file, which is then read from its beginning.
pub fn compression(file: &mut File) -> io::Result<Compression> {
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic)?;
    file.rewind()?;
    Ok(Compression::of(&magic))
}

/// The error of a device, a pipe or a socket.
pub fn not_regular() -> Error {
    Error::failed("not a regular file").hint("give a file, or `-` and the samples on standard input")
}

/// The error of a link that leads to where the source is not.
pub fn link_out() -> Error {
    Error::failed("link leads out of the source")
        .hint("copy what it leads to, or give --follow-links (recipe key `follow_links`)")
}

/// Opens a regular file for reading. What else there is, is refused rather than waited for.
///
/// # Errors
/// When it cannot be read, or is none.
pub fn open(path: &Path) -> Result<File> {
    let regular = |info: std::fs::Metadata| {
        // The caller who takes a folder for a file has words of its own for it.
        if info.is_file() || info.is_dir() { Ok(()) } else { Err(not_regular()).at(path) }
    };
    regular(std::fs::metadata(path).at(path)?)?;
    let mut options = File::options();
    options.read(true);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe that took the file's place meanwhile would keep us waiting.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path).at(path)?;
    regular(file.metadata().at(path)?)?;
    Ok(file)
}

/// The first bytes of a file, unpacked where it is compressed; those of a damaged one as they are.
pub fn head(path: &Path) -> Result<Vec<u8>> {
    head_of(path, HEAD)
}

/// The first `most` bytes of a file, as [`head`] gives them.
pub fn head_of(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut file = open(path)?;
    let compression = compression(&mut file).at(path)?;
    let mut bytes = Vec::new();
    if compression != Compression::None {
        let unpacked =
            compression.reader(BufReader::new(&file)).and_then(|r| r.take(most).read_to_end(&mut bytes));
        if unpacked.is_ok() || !bytes.is_empty() {
            return Ok(bytes);
        }
        file.rewind().at(path)?;
    }
    file.take(most).read_to_end(&mut bytes).at(path)?;
    Ok(bytes)
}

/// The names of the files of a folder, sorted as bytes; hidden ones are left out.
pub fn files_in(folder: &Path) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).at(folder)? {
        let entry = entry.at(folder)?;
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(b".") && entry.path().is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// How many files there are in the folders of a folder, at any depth; links are not followed.
pub fn count_below(folder: &Path) -> usize {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(next) = folders.pop() {
        for entry in entries(&next) {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() && next != folder => files += 1,
                _ => {}
            }
        }
    }
    files
}
