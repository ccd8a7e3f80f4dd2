//! Floor 3: augmentation pipelines.

use super::fill_u8;
use crate::{Digest, PIPELINE};
use seedbed::augment::{Kind, Labels, Op, Pipeline, Prepared, Shape, Value, key};
use seedbed::image::{Border, Filter, Index, Interpolation, Sample};
use seedbed::{Error, ImageMut, ImageRef, Level, Result, Scratch};

/// Steps that a pipeline here holds at most.
const STEPS: usize = 32;

/// Bytes of memory that is enough for [`pipeline_from_bytes`].
pub const PIPELINE_MEMORY: usize = 64 * 1024;

/// An operation of this kind as it is by default, but with other sizes where it makes some, and its probability in a
/// pipeline.
fn sample_op(kind: &Kind) -> Result<(Op, f32)> {
    let filter = Filter::Bicubic;
    Ok(match kind.default_op().ok_or(Error::Unsupported)? {
        Op::RandomCrop { .. } => {
            (Op::RandomCrop { height: 12, width: 15, padding: 3, border: Border::Edge }, 1.0)
        }
        Op::RandomResizedCrop { scale, ratio, .. } => (
            Op::RandomResizedCrop {
                height: 11,
                width: 14,
                scale,
                ratio,
                filter,
                antialias: true,
                precise: false,
            },
            1.0,
        ),
        Op::BoxSafeCrop { .. } => {
            (Op::BoxSafeCrop { height: 13, width: 12, filter, antialias: true, precise: false }, 1.0)
        }
        Op::Pad { .. } => {
            (Op::Pad { top: 1, left: 2, bottom: 0, right: 1, border: Border::Constant(40) }, 1.0)
        }
        Op::CentreCrop { .. } => (Op::CentreCrop { height: 11, width: 12 }, 1.0),
        Op::Resize { .. } => {
            (Op::Resize { height: 15, width: 0, filter, antialias: true, precise: false }, 1.0)
        }
        Op::LongestSide { .. } => {
            (Op::LongestSide { side: 23, filter: Filter::Area, antialias: true, precise: false }, 1.0)
        }
        Op::SmallestSide { .. } => {
            (Op::SmallestSide { side: 14, filter: Filter::Lanczos3, antialias: true, precise: false }, 1.0)
        }
        Op::Letterbox { fill, .. } => {
            (Op::Letterbox { height: 18, width: 22, fill, filter, antialias: true, precise: false }, 1.0)
        }
        Op::Transpose {} => (Op::Transpose {}, 1.0),
        op => (op, 0.7),
    })
}

/// Every kind of operation but groups.
fn kinds() -> impl Iterator<Item = &'static Kind> {
    Op::KINDS.iter().filter(|kind| !kind.is_group())
}

/// A pipeline with many kinds of operations: the first 35, as those after them are no others to the encoding.
///
/// # Errors
/// None that a build of this version gives.
pub fn sample_pipeline() -> Result<Pipeline<STEPS>> {
    let mut pipeline = Pipeline::new();
    for kind in (1..=35).filter_map(Kind::of).filter(|kind| !kind.is_group()) {
        let (op, p) = sample_op(kind)?;
        // Two that are like others; there is no room for more.
        if !matches!(op, Op::LongestSide { .. } | Op::SmallestSide { .. }) {
            pipeline.push(op, p)?;
        }
    }
    Ok(pipeline)
}

/// Each operation by itself on images of 8 and 16 bits and of floats, and its mask, validity and map.
///
/// # Errors
/// [`Error::ScratchTooSmall`].
pub fn operations(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    for kind in kinds() {
        let (op, _) = sample_op(kind)?;
        alone(level, kind.name, op, scratch, &mut digest)?;
    }
    Ok(digest.finish())
}

/// Each operation that resamples, in the ways that are not those by default.
///
/// # Errors
/// [`Error::ScratchTooSmall`].
pub fn samplings(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    for kind in kinds() {
        let (op, _) = sample_op(kind)?;
        let ways = [
            (Interpolation::Nearest, [false, false]),
            (Interpolation::Bicubic, [true, true]),
            (Interpolation::Bicubic75, [false, true]),
        ];
        for (interpolation, flags) in ways {
            let (mut values, mut flags) = ([Value::Flag(false); 16], flags.into_iter());
            let mut places = values.iter_mut();
            let mut other = false;
            op.for_each_value(|value| {
                let varied = match value {
                    Value::Interpolation(_) => Value::Interpolation(interpolation),
                    Value::Flag(_) => Value::Flag(flags.next().unwrap_or_default()),
                    value => value,
                };
                other |= varied != value;
                places.next().into_iter().for_each(|place| *place = varied);
            });
            if other {
                let op = Op::from_values(kind.code, values.into_iter()).ok_or(Error::Unsupported)?;
                alone(level, kind.name, op, scratch, &mut digest)?;
            }
        }
    }
    Ok(digest.finish())
}

/// What one operation makes of images of several kinds, and where it moves them.
fn alone(level: Level, name: &str, op: Op, scratch: &mut Scratch<'_>, digest: &mut Digest) -> Result<()> {
    let mut pipeline = Pipeline::<1>::new();
    pipeline.push(op, 1.0)?;
    for shape in [(12, 18, 1), (17, 16, 3), (16, 16, 4)] {
        let plan = pipeline.plan(shape)?;
        let prepared = plan.prepare(&plan.draw(42, key(name.as_bytes(), 1), &[])?)?;
        let mut frame = scratch.frame();
        let levels = frame.take::<u8>(shape.0 * shape.1 * shape.2)?;
        fill_u8(shape.2 as u64, levels);
        wide::<u8>(level, &prepared, (shape, plan.out_shape()), levels, &mut frame, |v| v, digest)?;
        wide::<u16>(
            level,
            &prepared,
            (shape, plan.out_shape()),
            levels,
            &mut frame,
            |v| u16::from(v) * 256 + 9,
            digest,
        )?;
        wide::<f32>(
            level,
            &prepared,
            (shape, plan.out_shape()),
            levels,
            &mut frame,
            |v| f32::from(v) / 256.0,
            digest,
        )?;
        let (h, w, _) = plan.out_shape();
        let (mask, valid) = (frame.take::<u8>(h * w)?, frame.take::<u8>(h * w)?);
        let labels = ImageRef::new(levels, shape.0, shape.1, 1)?;
        prepared.run_mask(
            level,
            labels,
            ImageMut::new(mask, h, w, 1)?,
            (Labels::Majority, 255),
            &mut frame,
        )?;
        prepared.validity(level, ImageMut::new(valid, h, w, 1)?, &mut frame)?;
        digest.bytes(mask).bytes(valid);
        match prepared.map() {
            Some(map) => map.projective().rows.as_flattened().iter().for_each(|v| {
                digest.word(v.to_bits());
            }),
            None => {
                let way = prepared.way()?;
                for place in [[0.0, 0.0], [9.0, 4.5], [15.0, 11.0]] {
                    let moved = way.point(Index(place)).map_or([f64::NAN; 2], |place| place.0);
                    moved.iter().for_each(|v| {
                        digest.word(v.to_bits());
                    });
                }
            }
        }
    }
    Ok(())
}

/// What becomes of the levels as values of another kind.
fn wide<T: Sample>(
    level: Level,
    prepared: &Prepared<1>,
    (shape, out): (Shape, Shape),
    levels: &[u8],
    scratch: &mut Scratch<'_>,
    of: impl Fn(u8) -> T,
    digest: &mut Digest,
) -> Result<()> {
    let mut frame = scratch.frame();
    let src = frame.take::<T>(levels.len())?;
    src.iter_mut().zip(levels).for_each(|(to, v)| *to = of(*v));
    let dst = frame.take::<T>(out.0 * out.1 * out.2)?;
    let image = ImageRef::new(src, shape.0, shape.1, shape.2)?;
    prepared.run(level, image, ImageMut::new(dst, out.0, out.1, out.2)?, &mut frame)?;
    for v in dst.iter() {
        digest.floats(&[v.to_f32()]);
    }
    Ok(())
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
