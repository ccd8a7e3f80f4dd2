//! What JPEG makes of an image, without a file: all of the format (ITU-T T.81, 1992) that loses anything.
//!
//! Images are worked on in stripes of as many rows as a block of colours has, as planes of 8-bit levels: luma, and both chromas
//! side by side, which are quantised alike.

mod blocks;
mod planes;

use self::blocks::{COLUMNS, Steps, coded};
use self::planes::{doubled, halved};
use super::{Sample, copy_row, same, split};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Rows and columns of a block.
const SIDE: usize = 8;

/// Values of a row of a plane: whole groups of blocks.
const fn room(columns: usize) -> usize {
    columns.saturating_add(COLUMNS - 1) / COLUMNS * COLUMNS
}

/// `columns` and what fills the last block.
const fn whole(columns: usize) -> usize {
    columns.saturating_add(SIDE - 1) / SIDE * SIDE
}

/// What an image of a size takes.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// Columns of each chroma, and of its blocks.
    columns: usize,
    chroma: usize,
    /// Values of a row of both planes.
    luma_room: usize,
    chroma_room: usize,
}

impl Layout {
    /// With `share` columns of luma for each of a chroma.
    const fn new(width: usize, share: usize) -> Self {
        let columns = width.div_ceil(if share == 2 { 2 } else { 1 });
        let chroma = whole(columns);
        let both = room(chroma.saturating_mul(2));
        Self { columns, chroma, luma_room: room(width), chroma_room: both }
    }
}

/// Bytes of scratch that [`jpeg`] takes for an image of `shape` = (height, width, channels).
pub fn jpeg_scratch_len<T: Sample>((_, width, _): (usize, usize, usize)) -> usize {
    let of = |len: ScratchLen, rows: usize, room: usize| len.with::<u8>(room.saturating_mul(rows));
    let (all, half) = (Layout::new(width, 1), Layout::new(width, 2));
    let each = of(of(ScratchLen::new(), SIDE, all.luma_room), SIDE, all.chroma_room);
    let shared = of(of(ScratchLen::new(), 2 * SIDE + 1, half.luma_room), SIDE + 1, half.chroma_room);
    let shared = of(of(shared, 8, half.chroma), 4, half.chroma).with::<u16>(half.columns.saturating_add(2));
    each.max(shared).bytes()
}

/// What is left of an image that is written as a JPEG file of this `quality` and read again, byte for byte as libjpeg-turbo
/// 3.2 does it by default: its colours, its exact DCT, the tables of ITU-T T.81 (Annex K) scaled by `quality`, and chroma of
/// half the columns and rows where `chroma` is 2, of all where it is 1.
///
/// The mean of the four chromas is rounded down and up in turn; they are made many again with 3 : 1 of the nearest two, in rows
/// and in columns, or repeated in images of no more than four columns. The first three channels are colours, others stay; of
/// less than three, each is a grey image by itself. Values of 16 bits and floats are rounded to levels of 0 to 255, half up, and
/// moved into their range before.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 1 ≤ `quality` ≤ 100 and `chroma` is 1 or 2, [`Error::ShapeMismatch`] where the shapes
/// differ, [`Error::ScratchTooSmall`].
pub fn jpeg<T: Sample>(
    level: Level,
    quality: u32,
    chroma: u32,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !((1..=100).contains(&quality) && (1..=2).contains(&chroma)) {
        return Err(Error::InvalidArgument);
    }
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    if height == 0 || width == 0 {
        return Ok(());
    }
    let steps = [Steps::luma(quality), Steps::chroma(quality)];
    match (channels, chroma) {
        (..3, _) => greys(level, &steps[0], src, dst, scratch),
        (_, 1) => all_chromas(level, &steps, src, dst, scratch),
        _ => half_the_chromas(level, &steps, src, dst, scratch),
    }
}

/// Row `i` of a plane.
fn row(plane: &[u8], room: usize, i: usize) -> &[u8] {
    plane.chunks_exact(room.max(1)).nth(i).unwrap_or(&[])
}

/// Row `i` of a plane, to write.
fn row_mut(plane: &mut [u8], room: usize, i: usize) -> &mut [u8] {
    plane.chunks_exact_mut(room.max(1)).nth(i).unwrap_or(&mut [])
}

/// Repeats the row before row `i` there.
fn repeat_row(plane: &mut [u8], room: usize, i: usize) {
    let (before, from) = split(plane, i * room);
    copy_row(row_mut(from, room, 0), before.rchunks_exact(room.max(1)).next().unwrap_or(&[]));
}

/// Moves the last row to the first.
fn carry_row(plane: &mut [u8], room: usize) {
    let (first, rest) = split(plane, room);
    copy_row(first, rest.rchunks_exact(room.max(1)).next().unwrap_or(&[]));
}

/// Repeats the last of `columns` as far as the last block reaches.
fn fill(row: &mut [u8], columns: usize, blocks: usize) {
    let (inside, outside) = split(row, columns);
    let last = inside.last().copied().unwrap_or_default();
    outside.iter_mut().take(blocks.saturating_sub(columns)).for_each(|value| *value = last);
}

/// Each channel by itself.
fn greys<T: Sample>(
    level: Level,
    steps: &Steps,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let (height, width, channels) = src.shape();
    let room = room(width);
    let mut frame = scratch.frame();
    let plane = frame.take::<u8>(room.saturating_mul(SIDE))?;
    for (top, channel) in (0..height).step_by(SIDE).flat_map(|top| (0..channels).map(move |c| (top, c))) {
        for (y, to) in (top..).zip(plane.chunks_exact_mut(room.max(1))) {
            T::one_channel(level, src.row(y.min(height - 1)), channels, channel, to);
            fill(to, width, whole(width));
        }
        coded(level, plane, room, steps);
        for (y, from) in (top..height).zip(plane.chunks_exact(room.max(1))) {
            T::set_channel(level, from, channels, channel, dst.row_mut(y));
        }
    }
    Ok(())
}

/// Colours, and as many chromas as pixels.
fn all_chromas<T: Sample>(
    level: Level,
    steps: &[Steps; 2],
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let (height, width, channels) = src.shape();
    let Layout { chroma: part, luma_room, chroma_room, .. } = Layout::new(width, 1);
    let mut frame = scratch.frame();
    let luma = frame.take::<u8>(luma_room.saturating_mul(SIDE))?;
    let chroma = frame.take::<u8>(chroma_room.saturating_mul(SIDE))?;
    for top in (0..height).step_by(SIDE) {
        for (i, y) in (top..).take(SIDE).enumerate() {
            let (blue, red) = split(row_mut(chroma, chroma_room, i), part);
            let from = src.row(y.min(height - 1));
            colours(level, from, channels, (width, part), [row_mut(luma, luma_room, i), blue, red]);
        }
        coded(level, luma, luma_room, &steps[0]);
        coded(level, chroma, chroma_room, &steps[1]);
        for (i, y) in (top..height).take(SIDE).enumerate() {
            let (blue, red) = row(chroma, chroma_room, i).split_at_checked(part).unwrap_or_default();
            put(level, [row(luma, luma_room, i), blue, red], channels, src.row(y), dst.row_mut(y));
        }
    }
    Ok(())
}

/// Luma and chromas of a row of pixels, and what fills the blocks.
fn colours<T: Sample>(
    level: Level,
    from: &[T],
    channels: usize,
    (width, part): (usize, usize),
    [luma, blue, red]: [&mut [u8]; 3],
) {
    T::to_luma(level, from, channels, [luma, blue, red]);
    fill(luma, width, whole(width));
    fill(blue, width, part);
    fill(red, width, part);
}

/// A row of pixels of its luma and chromas; other channels are those of `src`.
fn put<T: Sample>(level: Level, planes: [&[u8]; 3], channels: usize, src: &[T], dst: &mut [T]) {
    if channels > 3 {
        copy_row(dst, src);
    }
    T::of_luma(level, planes, channels, dst);
}

/// Colours, and a chroma for each square of four pixels.
///
/// Planes have the last row of the stripe before as their first one: the row of pixels that it belongs to waits for the chroma
/// of this stripe.
fn half_the_chromas<T: Sample>(
    level: Level,
    steps: &[Steps; 2],
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let (height, width, channels) = src.shape();
    let Layout { columns, chroma: part, luma_room, chroma_room } = Layout::new(width, 2);
    let last = height.div_ceil(2).saturating_sub(1);
    let mut frame = scratch.frame();
    let luma = frame.take::<u8>(luma_room.saturating_mul(2 * SIDE + 1))?;
    let chroma = frame.take::<u8>(chroma_room.saturating_mul(SIDE + 1))?;
    let four = frame.take::<u8>(part.saturating_mul(8))?;
    let wide = frame.take::<u8>(part.saturating_mul(4))?;
    let sums = frame.take::<u16>(columns.saturating_add(2))?;
    for top in (0..height).step_by(2 * SIDE) {
        for (i, y) in (top..).step_by(2).take(SIDE).enumerate() {
            if y >= height {
                (0..2).for_each(|more| repeat_row(luma, luma_room, 2 * i + 1 + more));
                repeat_row(chroma, chroma_room, i + 1);
                continue;
            }
            for (more, both) in four.chunks_exact_mut((part * 4).max(1)).enumerate() {
                let (blue, red) = split(both, part * 2);
                let luma = row_mut(luma, luma_room, 2 * i + 1 + more);
                let from = src.row((y + more).min(height - 1));
                colours(level, from, channels, (width, part * 2), [luma, blue, red]);
            }
            let (upper, lower) = split(four, part * 4);
            halved(level, upper, lower, row_mut(chroma, chroma_room, i + 1));
        }
        for stripe in split(luma, luma_room).1.chunks_exact_mut((luma_room * SIDE).max(1)) {
            coded(level, stripe, luma_room, &steps[0]);
        }
        coded(level, split(chroma, chroma_room).1, chroma_room, &steps[1]);
        let end = if top + 2 * SIDE < height { top + 2 * SIDE - 1 } else { height };
        for y in top.saturating_sub(1)..end {
            let near = y / 2;
            let far = if y % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(last) };
            // The first row of a plane is that before `top`.
            let [near, far] = [near, far].map(|i| row(chroma, chroma_room, i + 1 - top / 2));
            for (c, to) in wide.chunks_exact_mut((part * 2).max(1)).enumerate() {
                let [near, far] = [near, far].map(|row| row.get(c * part..).unwrap_or(&[]));
                doubled(level, near, far, sums, to);
            }
            let (blue, red) = wide.split_at_checked(part * 2).unwrap_or_default();
            let luma = row(luma, luma_room, y + 1 - top);
            put(level, [luma, blue, red], channels, src.row(y), dst.row_mut(y));
        }
        carry_row(luma, luma_room);
        carry_row(chroma, chroma_room);
    }
    Ok(())
}

/// Values that have levels, with the best code for each kind.
pub trait Jpeg: Plain {
    /// The nearest level, halves upwards.
    fn to_level(self) -> u8;

    /// The value of a level.
    fn from_level(level: u8) -> Self;

    /// The levels of a channel.
    fn one_channel(level: Level, row: &[Self], channels: usize, channel: usize, to: &mut [u8]);

    /// The opposite of [`Jpeg::channel`].
    fn set_channel(level: Level, from: &[u8], channels: usize, channel: usize, row: &mut [Self]);

    /// Luma, blue and red chroma of the first three channels.
    fn to_luma(level: Level, row: &[Self], channels: usize, to: [&mut [u8]; 3]);

    /// The opposite of [`Jpeg::to_luma`].
    fn of_luma(level: Level, from: [&[u8]; 3], channels: usize, row: &mut [Self]);
}

macro_rules! jpegs {
    ($($t:ident |$v:ident| $level:expr, |$l:ident| $of:expr;)*) => { $(
        impl Jpeg for $t {
            #[inline(always)]
            fn to_level(self) -> u8 {
                let $v = self;
                $level
            }

            #[inline(always)]
            fn from_level($l: u8) -> Self {
                $of
            }

            kernel! {
                fn one_channel(row: &[$t], channels: usize, channel: usize, to: &mut [u8]) = planes::channel_body;
            }

            kernel! {
                fn set_channel(from: &[u8], channels: usize, channel: usize, row: &mut [$t])
                    = planes::set_channel_body;
            }

            kernel! {
                fn to_luma(row: &[$t], channels: usize, to: [&mut [u8]; 3]) = planes::to_luma_body, with avx512;
            }

            kernel! {
                fn of_luma(from: [&[u8]; 3], channels: usize, row: &mut [$t]) = planes::of_luma_body, with avx512;
            }
        }
    )* };
}
jpegs! {
    u8 |v| v, |l| l;
    u16 |v| math::to_u8(f32::from(v) * (255.0 / 65535.0)), |l| u16::from(l) * 257;
    f32 |v| math::to_u8(v * 255.0), |l| f32::from(l) / 255.0;
}

#[cfg(test)]
mod tests;
