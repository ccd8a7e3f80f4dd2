//! Floor 3: augmentation pipelines.

use super::fill_u8;
use crate::{Digest, PIPELINE};
use seedbed::augment::{Op, Pipeline, key};
use seedbed::image::{Border, Filter};
use seedbed::{Error, ImageMut, ImageRef, Level, Result, Scratch};

/// Steps that a pipeline here holds at most.
const STEPS: usize = 32;

/// Bytes of memory that is enough for [`pipeline_from_bytes`].
pub const PIPELINE_MEMORY: usize = 64 * 1024;

/// A pipeline with every kind of operation, those that keep the shape with a probability.
///
/// # Errors
/// None that a build of this version gives.
pub fn sample_pipeline() -> Result<Pipeline<STEPS>> {
    let mut pipeline = Pipeline::new();
    for kind in Op::KINDS.iter().filter(|kind| !kind.is_group()) {
        let op = kind.default_op().ok_or(Error::Unsupported)?;
        match op {
            Op::RandomCrop { .. } => {
                let border = Border::Edge;
                pipeline.push(Op::RandomCrop { height: 12, width: 15, padding: 3, border }, 1.0)?;
            }
            Op::RandomResizedCrop { scale, ratio, .. } => {
                let filter = Filter::Bicubic;
                pipeline.push(Op::RandomResizedCrop { height: 11, width: 14, scale, ratio, filter }, 1.0)?;
            }
            Op::Pad { .. } => {
                let border = Border::Constant(40);
                pipeline.push(Op::Pad { top: 1, left: 2, bottom: 0, right: 1, border }, 1.0)?;
            }
            _ => pipeline.push(op, 0.7)?,
        }
    }
    Ok(pipeline)
}

/// The pipeline of `pipeline.bin` on images of one, three and four channels, eight copies of each.
///
/// # Errors
/// [`Error::ScratchTooSmall`] in less than [`PIPELINE_MEMORY`].
pub fn pipeline_from_bytes(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let pipeline = Pipeline::<STEPS>::from_bytes(PIPELINE)?;
    let mut digest = Digest::new();
    for shape in [(12, 18, 1), (17, 16, 3), (16, 16, 4)] {
        let out = pipeline.out_shape(shape)?;
        let mut frame = scratch.frame();
        let src = frame.take::<u8>(shape.0 * shape.1 * shape.2)?;
        let dst = frame.take::<u8>(out.0 * out.1 * out.2)?;
        fill_u8(shape.2 as u64, src);
        let mut memory = Scratch::new(frame.take::<u8>(pipeline.scratch_len(shape))?);
        for copy in 0..8 {
            let image = ImageRef::new(src, shape.0, shape.1, shape.2)?;
            let result = ImageMut::new(dst, out.0, out.1, out.2)?;
            pipeline.apply(level, image, result, 42, key(b"digits/0007", copy), &mut memory)?;
            digest.bytes(dst);
        }
    }
    Ok(digest.finish())
}
