//! What is kept for later without a place in memory: bytes that are written first, and then read from the beginning as
//! often as they are wanted. Much of it lies in a temporary file without a name, which is gone with the process.

use crate::error::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use tempfile::SpooledTempFile;

/// Bytes that stay in memory.
const IN_MEMORY: usize = 1 << 20;

/// Bytes that are kept.
#[derive(Debug)]
pub struct Kept(BufWriter<SpooledTempFile>);

impl Default for Kept {
    fn default() -> Self {
        Self(BufWriter::new(tempfile::spooled_tempfile(IN_MEMORY)))
    }
}

impl Kept {
    /// Adds bytes, before any were read.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).map_err(Error::of_temporary)
    }

    /// Adds a record, as a line of JSON.
    ///
    /// # Errors
    /// As [`Kept::push`].
    pub fn push_record(&mut self, record: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.0, record).map_err(|e| Error::of_temporary(e.into()))?;
        self.push(b"\n")
    }

    /// All bytes, from the first on.
    ///
    /// # Errors
    /// As [`Kept::push`].
    pub fn read(&mut self) -> Result<BufReader<&mut SpooledTempFile>> {
        self.0.flush().map_err(Error::of_temporary)?;
        let file = self.0.get_mut();
        file.rewind().map_err(Error::of_temporary)?;
        Ok(BufReader::new(file))
    }

    /// Gives all records to `see`, with their numbers.
    ///
    /// # Errors
    /// As [`Kept::push`], and those of `see`.
    pub fn records<T: DeserializeOwned>(
        &mut self,
        mut see: impl FnMut(usize, T) -> Result<()>,
    ) -> Result<()> {
        let (mut lines, mut line, mut number) = (self.read()?, Vec::new(), 0);
        while lines.read_until(b'\n', &mut line).map_err(Error::of_temporary)? > 0 {
            let record = serde_json::from_slice(&line).map_err(|e| Error::of_temporary(e.into()))?;
            see(number, record)?;
            number += 1;
            line.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_was_kept_comes_back_each_time() {
        let mut kept = Kept::default();
        let want: Vec<u8> = (0..3 * IN_MEMORY).map(|i| (i / 7) as u8).collect();
        want.chunks(999).for_each(|part| kept.push(part).unwrap());
        for _ in 0..2 {
            let mut all = Vec::new();
            kept.read().unwrap().read_to_end(&mut all).unwrap();
            assert!(all == want);
        }
    }

    #[test]
    fn records_come_back_in_their_order() {
        let mut kept = Kept::default();
        let record = |i: usize| (i, format!("line\n{i}"), vec![0.5f32; i % 3]);
        (0..100).for_each(|i| kept.push_record(&record(i)).unwrap());
        for _ in 0..2 {
            let mut seen = 0;
            kept.records(|i, got| {
                assert_eq!(record(i), got);
                seen += 1;
                Ok(())
            })
            .unwrap();
            assert_eq!(seen, 100);
        }
    }
}
