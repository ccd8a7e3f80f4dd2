//! Looks through the footer of a Parquet file, in Thrift's compact protocol, before its reader does: that one goes
//! through lists and maps that are as long as they say, even where an element takes no byte.

/// Deeper than a footer is.
const DEPTH: u8 = 32;

/// Whether a footer ends within its bytes. It has no maps, and no lists of truth values.
pub(super) fn is_sound(footer: &[u8]) -> bool {
    Walk(footer).value(12, DEPTH).is_some()
}

/// What is left of the bytes.
struct Walk<'a>(&'a [u8]);

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn skip(&mut self, bytes: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// Goes past a value of this type; of a truth value the type is all there is.
    fn value(&mut self, kind: u8, depth: u8) -> Option<()> {
        let deeper = depth.checked_sub(1)?;
        match kind {
            1 | 2 => Some(()),
            3 => self.skip(1),
            4..=6 => self.number().map(drop),
            7 => self.skip(8),
            8 => self.number().and_then(|length| self.skip(length)),
            9 | 10 => {
                let head = self.byte()?;
                let length = if head >> 4 == 15 { self.number()? } else { u64::from(head >> 4) };
                let of = Some(head & 15).filter(|of| length == 0 || *of > 2)?;
                (0..length).try_for_each(|_| self.value(of, deeper))
            }
            12 => loop {
                match self.byte()? {
                    0 => return Some(()),
                    head => {
                        if head >> 4 == 0 {
                            self.number()?;
                        }
                        self.value(head & 15, deeper)?;
                    }
                }
            },
            13 => self.skip(16),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn footers_that_are_longer_than_their_bytes_are_refused() {
        // A number, a text, a list of two structs of which the first is empty.
        let sound = [0x15, 0x02, 0x18, 0x01, b'x', 0x19, 0x2c, 0x00, 0x11, 0x00, 0x00];
        assert!(is_sound(&sound));
        assert!((0..sound.len()).all(|n| !is_sound(&sound[..n])));
        for (why, bytes) in [
            ("a map", [0x1b, 0xff, 0xff, 0xff, 0x7f, 0x11, 0x00].as_slice()),
            ("truth values", &[0x19, 0xf1, 0xff, 0xff, 0xff, 0x7f, 0x00]),
            ("a long list", &[0x19, 0xf5, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x00]),
            ("a long text", &[0x18, 0xff, 0xff, 0xff, 0x7f, 0x00]),
            ("deep structs", &[0x1c; 1000]),
        ] {
            assert!(!is_sound(bytes), "{why}");
        }
    }
}
