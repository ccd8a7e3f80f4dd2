//! Augmentation pipelines in the caller's memory.

use crate::memory::{Handle, Sized32, handle, one_mut, place, set_structure, slice, slice_mut, structure};
use crate::status::{SB_ERR_OVERFLOW, SB_VERSION_NUMBER, call, sb_status};
use crate::stream::sb_key;
use core::ffi::c_void;
use core::mem::offset_of;
use seedbed::augment::{Pipeline, Shape};
use seedbed::{Error, ImageMut, ImageRef, Level, Scratch};

/// The purpose in the keys of augmentation, see sb_pipeline_apply.
pub const SB_PURPOSE_AUGMENT: u32 = 2;

const _: () = assert!(SB_PURPOSE_AUGMENT == seedbed::augment::PURPOSE);

/// Steps that a pipeline holds at most: as many as the command takes.
pub const SB_PIPELINE_STEPS: usize = 32;

/// The size of an image.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct sb_shape {
    /// sizeof(sb_shape).
    pub struct_size: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Values per pixel, interleaved: 1 for grey, 3 for RGB, 4 for RGBA, or any other number.
    pub channels: u32,
}

// SAFETY: `repr(C)`, the size first, numbers without padding.
unsafe impl Sized32 for sb_shape {
    const FIRST: usize = 16;
}

/// An image of 8-bit values to read: row y begins at data + y * stride.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct sb_image {
    /// sizeof(sb_image).
    pub struct_size: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Values per pixel, interleaved.
    pub channels: u32,
    /// Values from the start of one row to the start of the next, at least width * channels.
    pub stride: usize,
    /// The first row.
    pub data: *const u8,
}

// SAFETY: `repr(C)`, the size first, numbers and a pointer.
unsafe impl Sized32 for sb_image {
    const FIRST: usize = 16 + 2 * size_of::<usize>();
}

/// An image of 8-bit values to write; what lies between rows is left alone.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct sb_image_mut {
    /// sizeof(sb_image_mut).
    pub struct_size: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Values per pixel, interleaved.
    pub channels: u32,
    /// Values from the start of one row to the start of the next, at least width * channels.
    pub stride: usize,
    /// The first row.
    pub data: *mut u8,
}

// SAFETY: `repr(C)`, the size first, numbers and a pointer.
unsafe impl Sized32 for sb_image_mut {
    const FIRST: usize = <sb_image as Sized32>::FIRST;
}

// The layouts that are released, on 32 and 64 bits.
const _: () = assert!(size_of::<sb_key>() == 24);
const _: () = assert!(size_of::<sb_shape>() == 16);
const _: () = assert!(size_of::<sb_image>() == 16 + 2 * size_of::<usize>());
const _: () = assert!(size_of::<sb_image_mut>() == size_of::<sb_image>());
const _: () = assert!(offset_of!(sb_key, op) == 12 && offset_of!(sb_key, sample) == 16);
const _: () = assert!(offset_of!(sb_shape, channels) == 12);
const _: () = assert!(offset_of!(sb_image, stride) == 16);
const _: () = assert!(offset_of!(sb_image, data) == 16 + size_of::<usize>());
const _: () = assert!(offset_of!(sb_image_mut, stride) == offset_of!(sb_image, stride));
const _: () = assert!(offset_of!(sb_image_mut, data) == offset_of!(sb_image, data));

/// An augmentation pipeline. It lies in memory of yours and needs no free function.
#[derive(Debug)]
pub struct sb_pipeline {
    _opaque: (),
}

/// What a handle points to.
#[repr(C)]
struct Placed {
    magic: u32,
    level: Level,
    steps: Pipeline<SB_PIPELINE_STEPS>,
}

// SAFETY: `repr(C)`, and the number comes first.
unsafe impl Handle for Placed {
    const MAGIC: u32 = u32::from_le_bytes(*b"SBpl") ^ SB_VERSION_NUMBER;
}

const fn shape_of(shape: &sb_shape) -> Shape {
    (shape.height as usize, shape.width as usize, shape.channels as usize)
}

/// Values of an image of `shape`, padding between its rows included.
fn extent((height, width, channels): Shape, stride: usize) -> Result<usize, sb_status> {
    let row = width.checked_mul(channels).ok_or(SB_ERR_OVERFLOW)?;
    if height == 0 || row == 0 {
        return Ok(0);
    }
    let before = (height - 1).checked_mul(stride);
    before.and_then(|n| n.checked_add(row)).ok_or(SB_ERR_OVERFLOW)
}

/// Sets *bytes to the memory that a pipeline takes, for sb_pipeline_init.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sb_pipeline_size(bytes: *mut usize) -> sb_status {
    call(|| {
        // Room to align it in memory of any alignment.
        const SIZE: usize = size_of::<Placed>() + align_of::<Placed>() - 1;
        // SAFETY: passed on from the caller.
        *unsafe { one_mut(bytes) }? = SIZE;
        Ok(())
    })
}

/// Reads a pipeline from the bytes of the file `pipeline.bin`, which `seedbed augment` writes beside its dataset, into
/// memory[0..memory_bytes], and sets *out to it. The bytes may go away afterwards, the memory must stay.
/// SB_ERR_BAD_DATA for bytes that are cut off, too many or mean nothing, SB_ERR_UNSUPPORTED_VERSION,
/// SB_ERR_UNSUPPORTED for an operation that this build does not know, SB_ERR_INVALID_ARGUMENT for a parameter out of
/// range, SB_ERR_CAPACITY for more than SB_PIPELINE_STEPS steps, SB_ERR_BUFFER_TOO_SMALL for too little memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sb_pipeline_init(
    data: *const c_void,
    data_bytes: usize,
    memory: *mut c_void,
    memory_bytes: usize,
    out: *mut *mut sb_pipeline,
) -> sb_status {
    call(|| {
        // SAFETY: passed on from the caller.
        let data = unsafe { slice(data.cast::<u8>(), data_bytes) }?;
        // SAFETY: passed on from the caller.
        let memory = unsafe { slice_mut(memory.cast::<u8>(), memory_bytes) }?;
        // SAFETY: passed on from the caller.
        let out = unsafe { one_mut(out) }?;
        let steps = Pipeline::from_bytes(data).map_err(Error::code)?;
        *out = place(memory, Placed { magic: Placed::MAGIC, level: Level::detect(), steps })?.cast();
        Ok(())
    })
}

/// Sets *out to the shape that an image of *shape comes out with; set its struct_size before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sb_pipeline_out_shape(
    pipeline: *const sb_pipeline,
    shape: *const sb_shape,
    out: *mut sb_shape,
) -> sb_status {
    call(|| {
        // SAFETY: passed on from the caller.
        let pipeline = unsafe { handle(pipeline.cast::<Placed>()) }?;
        // SAFETY: passed on from the caller.
        let shape = unsafe { structure(shape) }?;
        // SAFETY: passed on from the caller.
        let before = unsafe { structure(out) }?;
        let (height, width, channels) = pipeline.steps.out_shape(shape_of(&shape)).map_err(Error::code)?;
        let number = |n: usize| u32::try_from(n).map_err(|_| SB_ERR_OVERFLOW);
        let found = sb_shape {
            height: number(height)?,
            width: number(width)?,
            channels: number(channels)?,
            ..before
        };
        // SAFETY: passed on from the caller.
        unsafe { set_structure(out, &found) }
    })
}

/// Sets *bytes to the work memory that sb_pipeline_apply takes for an image of *shape, whatever is drawn.
/// SB_ERR_OVERFLOW where no memory is that large.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sb_pipeline_workspace(
    pipeline: *const sb_pipeline,
    shape: *const sb_shape,
    bytes: *mut usize,
) -> sb_status {
    call(|| {
        // SAFETY: passed on from the caller.
        let pipeline = unsafe { handle(pipeline.cast::<Placed>()) }?;
        // SAFETY: passed on from the caller.
        let shape = shape_of(&unsafe { structure(shape) }?);
        pipeline.steps.out_shape(shape).map_err(Error::code)?;
        let need = pipeline.steps.scratch_len(shape);
        // Nobody can lend more; `usize::MAX` stands for a sum that does not fit.
        if need > isize::MAX as usize {
            return Err(SB_ERR_OVERFLOW);
        }
        // SAFETY: passed on from the caller.
        *unsafe { one_mut(bytes) }? = need;
        Ok(())
    })
}

/// Augments *src into *dst, whose shape is that of sb_pipeline_out_shape, by what is drawn from the seed and *key.
/// The key's op is not looked at. SB_PURPOSE_AUGMENT as purpose, the number of the copy as epoch (copies count from 1)
/// and sb_id_hash of the sample's id as sample give the pixels that the command `seedbed augment` makes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sb_pipeline_apply(
    pipeline: *const sb_pipeline,
    src: *const sb_image,
    dst: *const sb_image_mut,
    seed: u64,
    key: *const sb_key,
    work: *mut c_void,
    work_bytes: usize,
) -> sb_status {
    call(|| {
        // SAFETY: passed on from the caller.
        let pipeline = unsafe { handle(pipeline.cast::<Placed>()) }?;
        // SAFETY: passed on from the caller.
        let src = unsafe { structure(src) }?;
        // SAFETY: passed on from the caller.
        let dst = unsafe { structure(dst) }?;
        // SAFETY: passed on from the caller.
        let key = unsafe { structure(key) }?;
        // SAFETY: passed on from the caller.
        let work = unsafe { slice_mut(work.cast::<u8>(), work_bytes) }?;
        let from = (src.height as usize, src.width as usize, src.channels as usize);
        let to = (dst.height as usize, dst.width as usize, dst.channels as usize);
        // SAFETY: the caller promises an image of the size that it tells.
        let pixels = unsafe { slice(src.data, extent(from, src.stride)?) }?;
        let from = ImageRef::with_stride(pixels, from.0, from.1, from.2, src.stride).map_err(Error::code)?;
        // SAFETY: the caller promises an image of the size that it tells.
        let pixels = unsafe { slice_mut(dst.data, extent(to, dst.stride)?) }?;
        let to = ImageMut::with_stride(pixels, to.0, to.1, to.2, dst.stride).map_err(Error::code)?;
        let mut scratch = Scratch::new(work);
        pipeline.steps.apply(pipeline.level, from, to, seed, key.into(), &mut scratch).map_err(Error::code)
    })
}

#[cfg(test)]
mod tests;
