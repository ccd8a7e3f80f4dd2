//! `tf.train.Example` in the wire format of Protocol Buffers, and the records of a TFRecord file.
//!
//! ```text
//! Example   { Features features = 1; }
//! Features  { map<string, Feature> feature = 1; }          an entry is a message: key = 1, value = 2
//! Feature   { oneof { BytesList = 1; FloatList = 2; Int64List = 3; } }      each list: repeated value = 1
//! ```
//!
//! A record is the length (u64), its checksum, the message, its checksum: little endian, CRC-32C, masked.

/// A named value of an example.
pub enum Feature<'a> {
    /// A list of one run of bytes.
    Bytes(&'a [u8]),
    /// A list of floats.
    Floats(&'a [f32]),
    /// A list of one whole number.
    Int(i64),
}

/// The message of these features, whose names differ. They are written in the order of their names.
pub fn encode(mut features: Vec<(&str, Feature<'_>)>) -> Vec<u8> {
    features.sort_by_key(|(name, _)| *name);
    let mut map = Vec::new();
    for (name, feature) in &features {
        let mut entry = field(1, name.as_bytes());
        entry.extend(field(2, &feature.encode()));
        map.extend(field(1, &entry));
    }
    field(1, &map)
}

impl Feature<'_> {
    fn encode(&self) -> Vec<u8> {
        match self {
            Feature::Bytes(bytes) => field(1, &field(1, bytes)),
            Feature::Floats(values) => {
                let packed: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                field(2, &field(1, &packed))
            }
            Feature::Int(value) => {
                let mut packed = Vec::new();
                // Negative numbers count as the 64 bits that they are.
                varint(*value as u64, &mut packed);
                field(3, &field(1, &packed))
            }
        }
    }
}

/// A field of the wire type 2: its tag, its length, its bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 11);
    out.push(number << 3 | 2);
    varint(bytes.len() as u64, &mut out);
    out.extend_from_slice(bytes);
    out
}

/// Seven bits in a byte, the lowest first; the eighth tells that more follow.
fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The message as a record of a TFRecord file.
pub fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(message.len() + 16);
    out.extend(length);
    out.extend(masked(&length));
    out.extend_from_slice(message);
    out.extend(masked(message));
    out
}

fn masked(bytes: &[u8]) -> [u8; 4] {
    let crc = crc32c::crc32c(bytes);
    crc.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// A feature as read back.
    #[derive(Debug, PartialEq)]
    pub enum Value {
        Bytes(Vec<u8>),
        Floats(Vec<f32>),
        Int(i64),
    }

    fn take_varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (&byte, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
        }
        unreachable!()
    }

    fn take_field<'a>(bytes: &mut &'a [u8]) -> (u64, &'a [u8]) {
        let tag = take_varint(bytes);
        assert_eq!(tag & 7, 2);
        let length = take_varint(bytes) as usize;
        let (value, rest) = bytes.split_at(length);
        *bytes = rest;
        (tag >> 3, value)
    }

    fn only(mut bytes: &[u8], number: u64) -> &[u8] {
        let (found, value) = take_field(&mut bytes);
        assert_eq!((found, bytes.len()), (number, 0));
        value
    }

    pub fn decode(message: &[u8]) -> BTreeMap<String, Value> {
        let mut map = only(message, 1);
        let mut features = BTreeMap::new();
        while !map.is_empty() {
            let (_, mut entry) = take_field(&mut map);
            let (_, name) = take_field(&mut entry);
            let mut feature = only(entry, 2);
            let (kind, list) = take_field(&mut feature);
            let mut list = only(list, 1);
            let value = match kind {
                1 => Value::Bytes(list.to_vec()),
                2 => Value::Floats(list.as_chunks().0.iter().map(|v| f32::from_le_bytes(*v)).collect()),
                _ => Value::Int(take_varint(&mut list) as i64),
            };
            assert!(features.insert(String::from_utf8(name.to_vec()).unwrap(), value).is_none());
        }
        features
    }

    /// The examples of a TFRecord file.
    pub fn read_records(mut bytes: &[u8]) -> Vec<BTreeMap<String, Value>> {
        let mut examples = Vec::new();
        while !bytes.is_empty() {
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            assert_eq!(bytes[8..12], masked(&bytes[..8]));
            let message = &bytes[12..12 + length];
            assert_eq!(bytes[12 + length..16 + length], masked(message));
            examples.push(decode(message));
            bytes = &bytes[16 + length..];
        }
        examples
    }

    #[test]
    fn the_bytes_are_those_of_protocol_buffers() {
        // As Python's protobuf writes tf.train.Example: {"a": [b"xy"], "f": [1.0, -2.0], "n": [300]}.
        let message = encode(vec![
            ("n", Feature::Int(300)),
            ("a", Feature::Bytes(b"xy")),
            ("f", Feature::Floats(&[1.0, -2.0])),
        ]);
        let want = [
            &b"\x0a\x2d"[..],
            b"\x0a\x0b\x0a\x01a\x12\x06\x0a\x04\x0a\x02xy",
            b"\x0a\x11\x0a\x01f\x12\x0c\x12\x0a\x0a\x08\0\0\x80\x3f\0\0\0\xc0",
            b"\x0a\x0b\x0a\x01n\x12\x06\x1a\x04\x0a\x02\xac\x02",
        ]
        .concat();
        assert_eq!(message, want);
    }

    #[test]
    fn checksums_are_those_of_tensorflow() {
        // CRC-32C of "123456789" is e3069283 by its definition; masked by TensorFlow's crc32c::Mask.
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(masked(b"123456789"), 0xc78a_b0e5u32.to_le_bytes());
        assert_eq!(record(b"").len(), 16);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            bytes in prop::collection::vec(any::<u8>(), 0..300), floats in prop::collection::vec(-9f32..9.0, 0..40), n: i64) {
            let message = encode(vec![
                ("b", Feature::Bytes(&bytes)),
                ("f", Feature::Floats(&floats)),
                ("\u{1F331}", Feature::Int(n)),
            ]);
            let back = read_records(&record(&message)).remove(0);
            prop_assert_eq!(&back["b"], &Value::Bytes(bytes));
            prop_assert_eq!(&back["f"], &Value::Floats(floats));
            prop_assert_eq!(&back["\u{1F331}"], &Value::Int(n));
        }
    }
}
