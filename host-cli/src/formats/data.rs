//! The bytes of a file at any place in it, for any thread, however it is compressed.
//!
//! What is compressed cannot be read at any place: it is unpacked once, into memory where it is small, else into a file
//! of the system's folder for temporary files, which has no name and is gone with the process.

use super::bytes::{self, Compression};
use crate::error::{Context, Error, Result};
use std::borrow::Cow;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;

/// Unpacked bytes that stay in memory; more go into a file.
const IN_MEMORY: usize = 64 << 20;

/// Bytes that can be read at any place.
#[derive(Debug)]
pub struct Data {
    store: Store,
    len: u64,
    /// Why there is no more, where compressed data end too early or are damaged.
    pub cut: Option<String>,
}

#[derive(Debug)]
enum Store {
    Memory(Vec<u8>),
    /// A file that others may change.
    Theirs(File, Stamp),
    /// A file of our own.
    Ours(File),
}

/// What shows that a file was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// The stamp of a file as it is now.
    pub fn of(info: &Metadata) -> Self {
        Self { len: info.len(), modified: info.modified().ok() }
    }

    /// How many bytes the file has.
    pub const fn len(&self) -> u64 {
        self.len
    }
}

/// The error of what is not as it was.
pub(super) fn changed() -> Error {
    Error::failed("file changed while it was read")
}

impl Data {
    /// The bytes of a file, unpacked where it is compressed, of which there may be `most`.
    ///
    /// # Errors
    /// When it cannot be read, or unpacks to more than `most` bytes.
    pub fn open(path: &Path, most: u64) -> Result<Self> {
        let mut file = bytes::open(path)?;
        let compression = bytes::compression(&mut file).at(path)?;
        if compression == Compression::None {
            return Self::theirs(file).at(path);
        }
        let mut spool = Spool::default();
        let cut =
            compression.unpack(BufReader::new(file), most, |part| spool.push(part).map(drop)).at(path)?;
        Ok(Self { cut, ..spool.finish().at(path)? })
    }

    /// The bytes of a file as they are.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open_plain(path: &Path) -> Result<Self> {
        Self::theirs(bytes::open(path)?).at(path)
    }

    fn theirs(file: File) -> io::Result<Self> {
        let stamp = Stamp::of(&file.metadata()?);
        Ok(Self { len: stamp.len, store: Store::Theirs(file, stamp), cut: None })
    }

    /// The stamp of a file that others may change.
    pub(super) const fn stamp(&self) -> Option<Stamp> {
        match &self.store {
            Store::Theirs(_, stamp) => Some(*stamp),
            Store::Memory(_) | Store::Ours(_) => None,
        }
    }

    /// How many bytes there are.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// `len` bytes from `at` on.
    ///
    /// # Errors
    /// When there are not so many, they cannot be read, or the file was changed since it was opened.
    pub fn read(&self, at: u64, len: usize) -> Result<Cow<'_, [u8]>> {
        let end = at.checked_add(len as u64).filter(|end| *end <= self.len);
        let end = end.ok_or_else(|| Error::failed("nothing there: the file ends before"))?;
        match &self.store {
            Store::Memory(bytes) => {
                // Both are within the length of what is in memory.
                Ok(Cow::Borrowed(bytes.get(at as usize..end as usize).unwrap_or_default()))
            }
            Store::Ours(file) => read_at(file, at, len).map(Cow::Owned),
            Store::Theirs(file, stamp) => {
                let read = read_at(file, at, len);
                let now = file.metadata().map(|info| Stamp::of(&info));
                if now.is_ok_and(|now| now != *stamp) {
                    return Err(changed());
                }
                read.map(Cow::Owned)
            }
        }
    }

    /// All bytes.
    ///
    /// # Errors
    /// As [`Data::read`].
    pub fn all(&self) -> Result<Cow<'_, [u8]>> {
        let len = usize::try_from(self.len).map_err(|_| Error::failed("file does not fit in memory"))?;
        self.read(0, len)
    }

    /// A reader from the first byte to the last, which should be the only one at a time.
    pub fn reader(&self) -> Reader<'_> {
        Reader { data: self, at: 0, buffer: Vec::new(), used: 0 }
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Self { len: bytes.len() as u64, store: Store::Memory(bytes), cut: None }
    }
}

/// Reads [`Data`] from the beginning, with a buffer of its own.
pub struct Reader<'a> {
    data: &'a Data,
    at: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl Reader<'_> {
    /// Where the next byte is.
    pub const fn position(&self) -> u64 {
        self.at - (self.buffer.len() - self.used) as u64
    }

    /// Goes on `by` bytes later; past the end there is nothing.
    pub fn skip(&mut self, by: u64) {
        let there = (self.buffer.len() - self.used) as u64;
        if by <= there {
            self.used += by as usize;
        } else {
            self.at = self.at.saturating_add(by - there);
            self.buffer.clear();
            self.used = 0;
        }
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.position(), by),
            SeekFrom::End(by) => (self.data.len, by),
        };
        let to = from.checked_add_signed(by).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        match to.checked_sub(self.position()) {
            Some(by) => self.skip(by),
            None => {
                self.at = to;
                self.buffer.clear();
                self.used = 0;
            }
        }
        Ok(to)
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        const BLOCK: u64 = 1 << 16;
        if self.used == self.buffer.len() {
            let len = self.data.len.saturating_sub(self.at).min(BLOCK);
            if len == 0 {
                return Ok(0);
            }
            let block = self.data.read(self.at, len as usize).map_err(|e| io::Error::other(e.message))?;
            self.buffer.clear();
            self.buffer.extend_from_slice(&block);
            self.at += len;
            self.used = 0;
        }
        let n = out.len().min(self.buffer.len() - self.used);
        out[..n].copy_from_slice(&self.buffer[self.used..self.used + n]);
        self.used += n;
        Ok(n)
    }
}

/// Takes bytes one after the other and gives them back at any place.
#[derive(Default)]
pub struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    len: u64,
}

impl Spool {
    /// Adds bytes and tells where they are.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn push(&mut self, part: &[u8]) -> Result<u64> {
        let at = self.len;
        self.memory.extend_from_slice(part);
        self.len += part.len() as u64;
        if self.memory.len() > IN_MEMORY {
            self.spill()?;
        }
        Ok(at)
    }

    fn spill(&mut self) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile().map_err(Error::of_temporary)?),
        };
        file.write_all(&self.memory).map_err(Error::of_temporary)?;
        self.memory.clear();
        Ok(())
    }

    /// The bytes, to be read.
    ///
    /// # Errors
    /// As [`Spool::push`].
    pub fn finish(mut self) -> Result<Data> {
        if self.file.is_some() {
            self.spill()?;
        }
        Ok(match self.file {
            None => self.memory.into(),
            Some(file) => Data { store: Store::Ours(file), len: self.len, cut: None },
        })
    }
}

#[cfg(unix)]
fn read_at(file: &File, at: u64, len: usize) -> Result<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, at).map_err(short)?;
    Ok(bytes)
}

/// Reads with the file's own position, one thread at a time.
#[cfg(not(unix))]
fn read_at(file: &File, at: u64, len: usize) -> Result<Vec<u8>> {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (mut file, mut bytes) = (file, vec![0; len]);
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes)).map_err(short)?;
    Ok(bytes)
}

fn short(e: io::Error) -> Error {
    match e.kind() {
        io::ErrorKind::UnexpectedEof => changed(),
        _ => Error::failed(format!("cannot be read ({e})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;

    fn bytes(n: usize) -> Vec<u8> {
        (0..n).map(|i| (i * i / 7) as u8).collect()
    }

    fn same(data: &Data, want: &[u8]) {
        assert_eq!(data.len(), want.len() as u64);
        for (at, len) in [(0, 0), (0, want.len()), (3, 5), (want.len() - 2, 2)] {
            assert_eq!(&*data.read(at as u64, len).unwrap(), &want[at..at + len]);
        }
        assert!(data.read(want.len() as u64 - 1, 2).is_err() && data.read(u64::MAX, 2).is_err());
        let mut all = Vec::new();
        let mut reader = data.reader();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, want);
        let mut reader = data.reader();
        let mut two = [0; 2];
        reader.read_exact(&mut two).unwrap();
        reader.skip(70_000);
        assert_eq!(reader.position(), 70_002);
        reader.read_exact(&mut two).unwrap();
        assert_eq!(two, want[70_002..70_004]);
    }

    #[test]
    fn plain_packed_and_spooled_bytes_are_the_same() {
        let want = bytes(200_000);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, &want).unwrap();
        same(&Data::open(&path, u64::MAX).unwrap(), &want);
        let mut gz = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&want).unwrap();
        let gz = gz.finish().unwrap();
        std::fs::write(&path, &gz).unwrap();
        same(&Data::open(&path, u64::MAX).unwrap(), &want);
        assert!(Data::open(&path, 199_999).unwrap_err().message.starts_with("unpacks to more than"));
        std::fs::write(&path, &gz[..gz.len() / 2]).unwrap();
        let cut = Data::open(&path, u64::MAX).unwrap();
        assert!(cut.len() < 200_000 && cut.cut.is_some());
        std::fs::write(&path, zstd::bulk::compress(&want, 3).unwrap()).unwrap();
        same(&Data::open(&path, u64::MAX).unwrap(), &want);
        same(&want.clone().into(), &want);
        let mut spool = Spool::default();
        for (i, part) in want.chunks(999).enumerate() {
            assert_eq!(spool.push(part).unwrap(), 999 * i as u64);
            if i == 7 {
                spool.spill().unwrap();
            }
        }
        same(&spool.finish().unwrap(), &want);
    }

    #[test]
    fn a_file_that_changes_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, bytes(100)).unwrap();
        let data = Data::open(&path, u64::MAX).unwrap();
        data.read(0, 10).unwrap();
        std::fs::write(&path, bytes(50)).unwrap();
        assert_eq!(data.read(0, 10).unwrap_err().message, "file changed while it was read");
        assert_eq!(data.read(90, 10).unwrap_err().message, "file changed while it was read");
    }
}
