//! FNV-1a over 64 bits, fed with numbers by their exact bits, least significant byte first.

/// A running hash.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

impl Digest {
    /// The hash of nothing.
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self
    }

    /// A whole number.
    pub fn word(&mut self, word: u64) -> &mut Self {
        self.bytes(&word.to_le_bytes())
    }

    /// Floats by their bits. All NaN count as one: their payloads are not promised.
    pub fn floats(&mut self, values: &[f32]) -> &mut Self {
        for &v in values {
            let bits = if v.is_nan() { f32::NAN.to_bits() } else { v.to_bits() };
            self.bytes(&bits.to_le_bytes());
        }
        self
    }

    /// The number so far.
    pub const fn finish(&self) -> u64 {
        self.0
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}
