//! `tf.train.Example` in the wire format of Protocol Buffers: what is read of it.
//!
//! ```text
//! Example   { Features features = 1; }
//! Features  { map<string, Feature> feature = 1; }          an entry is a message: key = 1, value = 2
//! Feature   { oneof { BytesList = 1; FloatList = 2; Int64List = 3; } }      each list: repeated value = 1
//! ```

/// A list of values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Feature<'a> {
    /// Runs of bytes, with where they start in the message.
    Bytes(Vec<(usize, &'a [u8])>),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
}

/// The value of a field.
#[derive(Clone, Copy)]
enum Wire<'a> {
    Number(u64),
    /// Bytes, with where they start in the message.
    Bytes(usize, &'a [u8]),
    Fixed([u8; 4]),
}

/// Reads a part of a message field by field.
struct Reader<'a> {
    message: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0, end: message.len() }
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.end);
        let part = end.and_then(|end| self.message.get(self.at..end)).ok_or("example ends within a value")?;
        self.at += n;
        Ok(part)
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first().copied().unwrap_or(0);
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("example holds a number of more than 64 bits".to_owned())
    }

    /// The next field and its number.
    fn field(&mut self) -> Result<Option<(u64, Wire<'a>)>, String> {
        if self.at >= self.end {
            return Ok(None);
        }
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Number(self.varint()?),
            1 => {
                self.take(8)?;
                return self.field();
            }
            2 => {
                let length =
                    usize::try_from(self.varint()?).map_err(|_| "example holds a value that is too long")?;
                let start = self.at;
                Wire::Bytes(start, self.take(length)?)
            }
            5 => Wire::Fixed(*self.take(4)?.first_chunk().unwrap_or(&[0; 4])),
            other => return Err(format!("no example (wire type {other})")),
        };
        Ok(Some((tag >> 3, wire)))
    }

    /// The part of the message that a field of bytes is.
    fn inside(&self, start: usize, bytes: &[u8]) -> Self {
        Self { message: self.message, at: start, end: start + bytes.len() }
    }
}

/// The features of a message, by their names.
///
/// # Errors
/// Why it is no example.
pub(super) fn features(message: &[u8]) -> Result<Vec<(&str, Feature<'_>)>, String> {
    let mut all = Vec::new();
    let mut example = Reader::new(message);
    while let Some((number, wire)) = example.field()? {
        let (1, Wire::Bytes(start, bytes)) = (number, wire) else { continue };
        let mut map = example.inside(start, bytes);
        while let Some((number, wire)) = map.field()? {
            let (1, Wire::Bytes(start, bytes)) = (number, wire) else { continue };
            let mut entry = map.inside(start, bytes);
            let (mut name, mut feature) = ("", None);
            while let Some((number, wire)) = entry.field()? {
                match (number, wire) {
                    (1, Wire::Bytes(_, key)) => {
                        name = std::str::from_utf8(key).map_err(|_| "name of a feature is not UTF-8")?;
                    }
                    (2, Wire::Bytes(start, bytes)) => feature = list(entry.inside(start, bytes))?,
                    _ => {}
                }
            }
            all.extend(feature.map(|feature| (name, feature)));
        }
    }
    Ok(all)
}

/// The list of a feature; `None` where it has none.
fn list(mut feature: Reader<'_>) -> Result<Option<Feature<'_>>, String> {
    let mut found = None;
    while let Some((kind, wire)) = feature.field()? {
        let Wire::Bytes(start, bytes) = wire else { continue };
        let mut values = feature.inside(start, bytes);
        found = match kind {
            1 => {
                let mut list = Vec::new();
                while let Some((_, wire)) = values.field()? {
                    if let Wire::Bytes(start, bytes) = wire {
                        list.push((start, bytes));
                    }
                }
                Some(Feature::Bytes(list))
            }
            2 => {
                let mut list = Vec::new();
                while let Some((_, wire)) = values.field()? {
                    match wire {
                        Wire::Bytes(_, packed) => {
                            list.extend(packed.as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v)));
                        }
                        Wire::Fixed(value) => list.push(f32::from_le_bytes(value)),
                        Wire::Number(_) => {}
                    }
                }
                Some(Feature::Floats(list))
            }
            3 => {
                let mut list = Vec::new();
                while let Some((_, wire)) = values.field()? {
                    match wire {
                        Wire::Bytes(start, packed) => {
                            let mut numbers = values.inside(start, packed);
                            while numbers.at < numbers.end {
                                list.push(numbers.varint()?.cast_signed());
                            }
                        }
                        Wire::Number(value) => list.push(value.cast_signed()),
                        Wire::Fixed(_) => {}
                    }
                }
                Some(Feature::Ints(list))
            }
            _ => found,
        };
    }
    Ok(found)
}
