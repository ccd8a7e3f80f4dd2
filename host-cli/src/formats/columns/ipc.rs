//! The messages of an Arrow file or stream, looked over before the reader gets them: it asks for as much memory as they
//! tell it to.
//!
//! A file is a stream between two magic numbers, with a footer that tells where each message is; where that is damaged
//! or missing, the messages are gone through as those of a stream.

use super::super::data::Data;
use super::file::words;
use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::FileDecoder;
use arrow_ipc::{Block, MessageHeader, MetadataVersion, root_as_footer, root_as_message};
use arrow_schema::Schema;
use std::sync::Arc;

/// What a file begins and ends with.
const MAGIC: &[u8; 6] = b"ARROW1";
/// What stands before the length of a message.
const CONTINUES: [u8; 4] = [0xff; 4];
/// The length of a compressed buffer that is not.
const NOT_PACKED: i64 = -1;

/// What a file holds.
pub(crate) struct Messages {
    data: Arc<Data>,
    schema: Arc<Schema>,
    version: MetadataVersion,
    all: Vec<Message>,
    /// Where and why the messages end too early.
    pub cut: Option<String>,
}

struct Message {
    block: Block,
    /// Of a batch; a dictionary has none.
    rows: Option<u64>,
    /// Why it cannot be decoded.
    wrong: Option<String>,
}

/// Decodes batches one after the other.
pub(crate) struct Decoder {
    messages: Arc<Messages>,
    decoder: FileDecoder,
    /// The next message, and of which group it is.
    next: usize,
    group: usize,
    /// Why a dictionary could not be decoded.
    wrong: Option<String>,
}

/// The length of the metadata of a message with what stands before it: 8 or less at the end of a stream, `None` where
/// there is none.
fn length(data: &Data, at: u64) -> Option<usize> {
    let word = |at| Some(*data.read(at, 4).ok()?.first_chunk::<4>()?);
    // Streams of before version 0.15 have the length alone.
    let (before, length) = match word(at)? {
        CONTINUES => (8, word(at + 4)?),
        length => (4, length),
    };
    let length = usize::try_from(i32::from_le_bytes(length)).ok()?;
    if length == 0 { Some(0) } else { length.checked_add(before).filter(|n| *n <= i32::MAX as usize) }
}

fn message_of(bytes: &[u8]) -> Option<arrow_ipc::Message<'_>> {
    let before = if bytes.starts_with(&CONTINUES) { 8 } else { 4 };
    root_as_message(bytes.get(before..)?).ok()
}

impl Messages {
    /// Looks over all messages; what they unpack to may be `most` bytes, or as many as the file has.
    ///
    /// # Errors
    /// When the columns are not told.
    pub fn of(data: Arc<Data>, most: u64) -> Result<Self, String> {
        let most = most.max(data.len());
        let is_file = data.read(0, MAGIC.len()).is_ok_and(|head| *head == *MAGIC);
        match Self::of_footer(&data, most) {
            Some(found) if is_file => Ok(found),
            _ => {
                // Zeros after the magic number bring the stream to some boundary.
                let padded = |at: &u64| data.read(*at, 4).is_ok_and(|word| *word != [0; 4]);
                let start = (8..=64).step_by(8).find(padded).unwrap_or(8);
                Self::of_stream(data, if is_file { start } else { 0 }, most)
            }
        }
    }

    /// The messages that the footer of a file tells of; `None` where it is damaged.
    pub fn of_footer(data: &Arc<Data>, most: u64) -> Option<Self> {
        let tail = data.read(data.len().checked_sub(10)?, 10).ok()?;
        let (length, magic) = tail.split_first_chunk::<4>()?;
        let length = usize::try_from(i32::from_le_bytes(*length)).ok().filter(|_| magic == MAGIC)?;
        let footer = data.read(data.len().checked_sub(10 + length as u64)?, length).ok()?;
        let footer = root_as_footer(&footer).ok()?;
        let schema = footer.schema().filter(|s| s.endianness().equals_to_target_endianness())?;
        let mut found = Self {
            data: data.clone(),
            schema: Arc::new(try_fb_to_schema(schema).ok()?),
            version: footer.version(),
            all: Vec::new(),
            cut: None,
        };
        let blocks = footer.dictionaries().into_iter().chain(footer.recordBatches());
        for block in blocks.flat_map(|blocks| blocks.iter()) {
            let message = found.message(*block, most)?;
            found.all.push(message);
        }
        Some(found)
    }

    fn of_stream(data: Arc<Data>, mut at: u64, most: u64) -> Result<Self, String> {
        let mut found: Option<Self> = None;
        let whole = loop {
            let Some(metadata) = length(&data, at) else { break at >= data.len() };
            if metadata <= 8 {
                break true;
            }
            let Some(bytes) = data.read(at, metadata).ok() else { break false };
            let Some(message) = message_of(&bytes) else { break false };
            if let (None, Some(schema)) = (&found, message.header_as_schema()) {
                if !schema.endianness().equals_to_target_endianness() {
                    return Err("the bytes of its numbers are in the other order".to_owned());
                }
                let schema = Arc::new(try_fb_to_schema(schema).map_err(words)?);
                let version = message.version();
                found = Some(Self { data: data.clone(), schema, version, all: Vec::new(), cut: None });
            } else {
                let Some(found) = &mut found else { break false };
                let block = Block::new(at as i64, metadata as i32, message.bodyLength());
                let Some(message) = found.message(block, most) else { break false };
                found.all.push(message);
            }
            let body = u64::try_from(message.bodyLength()).ok();
            let Some(next) = body.and_then(|n| at.checked_add(n)?.checked_add(metadata as u64)) else {
                break false;
            };
            at = next;
        };
        let mut found = found.ok_or("it does not tell its columns")?;
        let why = || format!("damaged from byte {at} on: nothing is read from there");
        found.cut = data.cut.clone().or_else(|| (!whole).then(why));
        Ok(found)
    }

    /// The message at a place; `None` where there is none.
    fn message(&self, block: Block, most: u64) -> Option<Message> {
        let at = u64::try_from(block.offset()).ok()?;
        let metadata = usize::try_from(block.metaDataLength()).ok()?;
        let body = u64::try_from(block.bodyLength()).ok()?;
        let bytes = self.data.read(at, metadata).ok()?;
        let message = message_of(&bytes)?;
        let (batch, rows) = match message.header_type() {
            MessageHeader::RecordBatch => {
                let batch = message.header_as_record_batch()?;
                (batch, Some(u64::try_from(batch.length()).ok()?))
            }
            MessageHeader::DictionaryBatch => (message.header_as_dictionary_batch()?.data()?, None),
            _ => return None,
        };
        let start = at.checked_add(metadata as u64)?;
        let cut = start.checked_add(body).is_none_or(|end| end > self.data.len());
        let wrong = if cut {
            Some("the file ends within it".to_owned())
        } else {
            self.check(batch, start, body, most)
        };
        Some(Message { block, rows, wrong })
    }

    /// Why the buffers of a batch, whose body starts at `start`, cannot be decoded.
    fn check(&self, batch: arrow_ipc::RecordBatch<'_>, start: u64, body: u64, most: u64) -> Option<String> {
        let mut left = most;
        for buffer in batch.buffers().into_iter().flatten() {
            let place = u64::try_from(buffer.offset()).ok().zip(u64::try_from(buffer.length()).ok());
            let Some((offset, length)) =
                place.filter(|(o, l)| o.checked_add(*l).is_some_and(|end| end <= body))
            else {
                return Some("a column lies outside of it".to_owned());
            };
            if batch.compression().is_none() || length < 8 {
                continue;
            }
            let told = self.data.read(start + offset, 8).ok();
            let told =
                told.and_then(|b| b.first_chunk().map(|b| i64::from_le_bytes(*b))).unwrap_or(NOT_PACKED);
            if told != NOT_PACKED {
                match u64::try_from(told).ok().and_then(|told| left.checked_sub(told)) {
                    Some(rest) => left = rest,
                    None => return Some(format!("it unpacks to more than {most} bytes (--max-unpacked)")),
                }
            }
        }
        None
    }

    /// The columns.
    pub const fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The rows of each batch.
    pub fn rows(&self) -> Vec<u64> {
        self.all.iter().filter_map(|message| message.rows).collect()
    }
}

impl Decoder {
    /// A decoder of these columns.
    pub fn new(messages: Arc<Messages>, columns: Vec<usize>) -> Self {
        let decoder = FileDecoder::new(messages.schema.clone(), messages.version).with_projection(columns);
        Self { messages, decoder, next: 0, group: 0, wrong: None }
    }

    /// The batch of this group; `None` when it was given already. Groups are asked for in their order.
    pub fn next(&mut self, group: usize) -> Result<Option<RecordBatch>, String> {
        let messages = self.messages.clone();
        while self.group <= group {
            let Some(message) = messages.all.get(self.next) else { return Ok(None) };
            self.next += 1;
            self.group += usize::from(message.rows.is_some());
            let decoded = self.decode(message);
            match message.rows {
                Some(_) => return decoded,
                None => {
                    self.wrong = decoded.err().map(|e| format!("its dictionary: {e}")).or(self.wrong.take())
                }
            }
        }
        Ok(None)
    }

    fn decode(&mut self, message: &Message) -> Result<Option<RecordBatch>, String> {
        if let Some(why) = message.wrong.as_ref().or(self.wrong.as_ref()) {
            return Err(why.clone());
        }
        let block = &message.block;
        let bytes = (block.metaDataLength() as u64).saturating_add(block.bodyLength() as u64);
        let bytes = self.messages.data.read(block.offset() as u64, bytes as usize).map_err(|e| e.message)?;
        let bytes = Buffer::from_vec(bytes.into_owned());
        match message.rows {
            Some(_) => self.decoder.read_record_batch(block, &bytes).map_err(words),
            None => self.decoder.read_dictionary(block, &bytes).map(|()| None).map_err(words),
        }
    }
}
