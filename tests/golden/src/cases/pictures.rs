//! Floor 3: what is measured on pictures.

use super::fill_u8;
use crate::Digest;
use seedbed::prune::{average_hash, content_hash, difference_hash, perceptual_hash, shifted_difference};
use seedbed::quality::Quality;
use seedbed::{ImageRef, Level, Result, Scratch};

/// Content and perceptual hashes, differences of shifted pictures.
pub(super) fn hashes(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let data = scratch.take::<u8>(32 * 32)?;
    for n in 30..36 {
        fill_u8(n, data);
        digest.bytes(&content_hash(&[32, 32, 1], data).to_le_bytes());
        if let Some(tile) = data.first_chunk() {
            digest.word(average_hash(tile));
        }
        if let Some(tile) = data.first_chunk() {
            digest.word(difference_hash(tile));
        }
        if let Some(tile) = data.first_chunk() {
            digest.word(perceptual_hash(tile));
        }
    }
    let other = scratch.take::<u8>(32 * 32)?;
    fill_u8(36, other);
    for (height, width, channels) in [(32, 32, 1), (10, 17, 3)] {
        let (a, b) =
            (ImageRef::new(data, height, width, channels)?, ImageRef::new(other, height, width, channels)?);
        digest.floats(&[shifted_difference(level, a, b, 2)?]);
    }
    Ok(digest.finish())
}

/// Sharpness, brightness, contrast, entropy, correlation.
pub(super) fn quality(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    for (height, width, channels) in [(13, 19, 1), (8, 8, 3), (21, 5, 4), (1, 1, 1)] {
        let mut frame = scratch.frame();
        let data = frame.take::<u8>(height * width * channels)?;
        fill_u8(40, data);
        let memory = frame.take::<u8>(Quality::scratch_len((height, width, channels)))?;
        let image = ImageRef::new(data, height, width, channels)?;
        let q = Quality::measure(level, image, &mut Scratch::new(memory))?;
        digest.floats(&[
            q.sharpness,
            q.mean,
            q.contrast,
            q.percentile_5,
            q.median,
            q.percentile_99,
            q.entropy,
        ]);
        digest.floats(&[q.correlation, q.aspect_ratio]);
    }
    Ok(digest.finish())
}
