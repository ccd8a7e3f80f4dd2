//! TFRecord: `<split>-00000-of-00003.tfrecord`, … of `tf.train.Example`.
//!
//! | feature | type | |
//! | --- | --- | --- |
//! | `image/encoded`, `image/format` | bytes | a PNG, and `png` |
//! | `image/height`, `image/width`, `image/channels` | int64 | |
//! | `audio/encoded`, `audio/format` | bytes | a sound file, and its extension |
//! | `text` | bytes | UTF-8 |
//! | `features` | float | in the order of the columns; NaN where a value is missing |
//! | `label`, `class` | int64, bytes | the number and the name of the class; neither where it is unknown |
//! | `id`, `split`, `origin` | bytes | `origin` is JSON, and empty for an original |
//! | `weight` | float | |

use super::Selection;
use super::example::{Feature, encode, record};
use super::shards::{Layout, Limits, Shards};
use crate::dataset::{Meta, Origin, Picture, Sample, Split};
use crate::error::Result;
use crate::stages::Ctx;
use std::path::Path;

/// Samples in memory at a time.
const BATCH: usize = 512;

fn name(split: Split, number: usize, files: usize) -> String {
    format!("{}-{number:05}-of-{files:05}.tfrecord", split.name())
}

/// Writes the shards and tells how many there are.
pub fn write(ctx: &Ctx, selection: &Selection, out: &Path, limits: Limits) -> Result<usize> {
    let mut shards = Shards::new(out, limits, Layout { trailer: &[], name });
    let task = selection.task(ctx);
    let example = |sample: Sample| {
        let message = example(selection.meta(), &sample).map_err(|e| e.within(&sample.id))?;
        Ok((sample.split, record(&message)))
    };
    ctx.pool.stream(selection.samples(), BATCH, example, |(split, record)| {
        task.inc(1);
        shards.push(split, &record)
    })?;
    shards.finish()
}

/// Height, width and channels; the picture is only decoded where they differ from one to the other.
fn sides(meta: &Meta, image: &Picture) -> Result<[i64; 3]> {
    match meta.image {
        Some(shape) => Ok([shape.height, shape.width, shape.channels].map(i64::from)),
        None => Ok(image.pixels()?.shape().map(|n| n as i64)),
    }
}

fn example(meta: &Meta, sample: &Sample) -> Result<Vec<u8>> {
    let content = &sample.content;
    let png = content.image.as_ref().map(Picture::to_png).transpose()?;
    let sides = content.image.as_ref().map(|image| sides(meta, image)).transpose()?;
    let origin = sample.origin.as_ref().map(Origin::text).transpose()?.unwrap_or_default();
    let mut features = vec![
        ("id", Feature::Bytes(sample.id.as_bytes())),
        ("split", Feature::Bytes(sample.split.name().as_bytes())),
        ("weight", Feature::Floats(std::slice::from_ref(&sample.weight))),
        // In each example, so that a set of originals alone shows that it is one of ours.
        ("origin", Feature::Bytes(origin.as_bytes())),
    ];
    if let (Some(png), Some([height, width, channels])) = (&png, sides) {
        features.extend([
            ("image/encoded", Feature::Bytes(png)),
            ("image/format", Feature::Bytes(b"png")),
            ("image/height", Feature::Int(height)),
            ("image/width", Feature::Int(width)),
            ("image/channels", Feature::Int(channels)),
        ]);
    }
    if let Some(sound) = &content.audio {
        features.push(("audio/encoded", Feature::Bytes(&sound.bytes)));
        features.push(("audio/format", Feature::Bytes(sound.extension().as_bytes())));
    }
    if let Some(text) = &content.text {
        features.push(("text", Feature::Bytes(text.as_bytes())));
    }
    if !content.row.is_empty() {
        features.push(("features", Feature::Floats(&content.row)));
    }
    if let Some(label) = sample.label {
        features.push(("label", Feature::Int(label.into())));
        features.push(("class", Feature::Bytes(meta.class_name(sample.label).as_bytes())));
    }
    Ok(encode(features))
}
