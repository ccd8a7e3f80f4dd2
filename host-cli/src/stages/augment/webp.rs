//! What lossy compression by WebP leaves of a copy: written by libwebp and read again, after all operations.
//!
//! JPEG is an operation like others (`jpeg`), which the library for C has too; WebP is in the command alone.

use super::ops::{OpError, inline_table};
use crate::codec::{Pixels, webp_round_trip};
use crate::error::{Error, Result};
use crate::purposes::WEBP;
use seedbed::rng::{Key, Stream};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::str::FromStr;

/// Compression by WebP: `{ quality = [30, 90], p = 0.5 }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webp {
    /// The range of qualities, whole numbers from 0 to 100 that are equally likely.
    #[serde(deserialize_with = "one_or_two")]
    pub quality: [u8; 2],
    /// How often it happens.
    pub p: f32,
}

impl Default for Webp {
    fn default() -> Self {
        Self { quality: [30, 90], p: 1.0 }
    }
}

/// A range, or one number for both of its ends.
fn one_or_two<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<[u8; 2], D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "quality is a whole number from 0 to 100, or [lowest, highest] of such")]
    enum Given {
        One(u8),
        Two([u8; 2]),
    }
    Ok(match Given::deserialize(deserializer)? {
        Given::One(both) => [both; 2],
        Given::Two(range) => range,
    })
}

impl Webp {
    /// Refuses what is out of range.
    ///
    /// # Errors
    /// A usage error.
    pub fn check(&self) -> Result<()> {
        let [low, high] = self.quality;
        if low > high || high > 100 {
            return Err(Error::usage(format!("webp: quality = [{low}, {high}] is no range from 0 to 100")));
        }
        Error::check_range("webp: p", self.p, 0.0..=1.0)
    }

    /// The quality for copy `n` of a sample of this hash; `None` where it does not happen.
    pub(super) fn draw(&self, seed: u64, sample: u64, n: u32) -> Option<u8> {
        let mut stream = Stream::new(seed, Key::new(WEBP).epoch(n).sample(sample));
        let (happens, [low, high]) = (stream.chance(self.p), self.quality);
        happens.then(|| low + stream.below(u32::from(high - low) + 1) as u8)
    }
}

/// The picture after compression of a quality, where one was drawn.
///
/// # Errors
/// When it has neither one nor three channels, or is too large for WebP.
pub(super) fn compressed(pixels: Pixels, quality: Option<u8>) -> Result<Pixels> {
    match quality {
        Some(quality) => webp_round_trip(&pixels, quality),
        None => Ok(pixels),
    }
}

/// The text of an inline table, as `--webp` takes it.
impl FromStr for Webp {
    type Err = OpError;

    fn from_str(text: &str) -> Result<Self, OpError> {
        let wrong =
            || OpError::new(format!("`{text}` is no table such as {{ quality = [30, 90], p = 0.5 }}"));
        let map = inline_table(text).ok_or_else(wrong)?;
        serde_json::from_value(Json::Object(map)).map_err(|e| OpError::new(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_and_mistakes_told() {
        assert_eq!("{}".parse(), Ok(Webp::default()));
        assert_eq!("{ quality = 75, p = 0.5 }".parse(), Ok(Webp { quality: [75, 75], p: 0.5 }));
        let wrong = |text: &str| text.parse::<Webp>().unwrap_err().to_string();
        assert!(wrong("{ qualty = 75 }").contains("unknown field `qualty`"));
        assert!(wrong("{ quality = 7.5 }").contains("a whole number from 0 to 100"));
        assert!(wrong("75").contains("no table such as"));
        let e = Webp { quality: [90, 30], p: 1.0 }.check().unwrap_err();
        assert_eq!(e.message, "webp: quality = [90, 30] is no range from 0 to 100");
        assert!(Webp { p: 1.5, ..Webp::default() }.check().unwrap_err().message.contains("p = 1.5"));
    }

    #[test]
    fn every_quality_of_the_range_is_drawn_and_p_holds() {
        let webp = Webp { quality: [40, 43], p: 0.5 };
        let drawn: Vec<_> = (0..4000).map(|i| webp.draw(3, i, 1)).collect();
        for quality in 40..=43 {
            let n = drawn.iter().filter(|&&q| q == Some(quality)).count();
            // Five deviations of a binomial with a chance of one in eight.
            assert!((395..=605).contains(&n), "{quality}: {n}");
        }
        assert!(drawn.iter().flatten().all(|quality| (40..=43).contains(quality)));
    }
}
