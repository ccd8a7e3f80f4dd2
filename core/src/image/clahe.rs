//! Contrast-limited adaptive histogram equalisation (Zuiderveld 1994).
//!
//! The picture is cut into tiles, each of which has a map that equalises its own histogram, cut off at a limit so that plain
//! areas do not become grain. A pixel takes the maps of the four tiles whose centres are around it, weighed by nearness.
//!
//! In pictures with colours it is done to the luminance, and what it adds to it is added to red, green and blue. So their
//! differences stay, which are the Cb and Cr of ITU-R BT.601, and no colour is rounded by going to another space and back.

mod levels;
mod wide;

use super::colour::{BLOCK, close, spread};
use super::histogram::countable;
use super::sample::levels_mut;
use super::{Border, Sample};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::ImageMut;

/// The most rows and columns of tiles.
pub const MOST_TILES: u32 = 32;

/// Bytes that [`clahe`] takes for an image of this shape.
pub const fn clahe_scratch_len<T: Sample>(tiles: u32, (_, width, _): (usize, usize, usize)) -> usize {
    let tiles = if tiles > MOST_TILES { MOST_TILES } else { tiles } as usize;
    // Weights and two rows, the ends of cells, and counts.
    let len = ScratchLen::new().with::<f32>(width).with::<T>(width).with::<T>(width).with::<usize>(tiles + 1);
    let len = len.with::<u32>(COUNTS * 4);
    if size_of::<T>() == 1 {
        len.with::<u8>(tiles * tiles * COUNTS).with::<u32>((tiles + 1) * COUNTS).bytes()
    } else {
        len.with::<f32>(tiles * tiles * (COUNTS + 1)).bytes()
    }
}

/// Equalises `tiles` × `tiles` parts of the image, each with no count above `clip` times the mean count; 0 for no limit.
///
/// 8-bit values of one channel become those of OpenCV's `createCLAHE`, byte for byte: in `f32`, (a · (1 − x) + b · x) · (1 − y) +
/// (c · (1 − x) + d · x) · y of the levels that the four tiles say, rounded half to even. Wider values are counted in 256 bins too,
/// and a tile's map is straight within each: a value becomes the share of the values below it. Of three channels and more
/// the luminance of [`rgb_to_grey`](super::rgb_to_grey) is so changed, and red, green and blue by as much; of two channels
/// each is changed by itself.
///
/// # Errors
/// [`Error::InvalidArgument`] unless `clip` is finite and not negative and `tiles` is 1 to 32, [`Error::ScratchTooSmall`],
/// [`Error::Overflow`] from 2³² pixels on.
pub fn clahe<T: Sample>(
    level: Level,
    clip: f32,
    tiles: u32,
    mut image: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !(clip >= 0.0 && clip.is_finite() && (1..=MOST_TILES).contains(&tiles)) {
        return Err(Error::InvalidArgument);
    }
    countable(&image.as_ref())?;
    let (height, width, channels) = image.shape();
    if height == 0 || width == 0 {
        return Ok(());
    }
    let grid = Grid::new(tiles as usize, clip, (height, width));
    let planes = if channels < 3 { channels } else { 1 };
    for channel in 0..planes {
        let plane = if channels < 3 { Plane::Channel(channel) } else { Plane::Luminance };
        let mut frame = scratch.frame();
        match levels_mut(&mut image) {
            Some(levels) => levels::run(level, &grid, plane, levels, &mut frame)?,
            None => wide::run(level, &grid, plane, image.reborrow(), &mut frame)?,
        }
    }
    Ok(())
}

/// Levels, or bins of wider values, that are counted.
const COUNTS: usize = 256;

/// What is equalised.
#[derive(Clone, Copy)]
enum Plane {
    /// The values of one channel.
    Channel(usize),
    /// The grey of red, green and blue.
    Luminance,
}

impl Plane {
    /// The values of whole pixels.
    fn read<T: Sample>(self, level: Level, pixels: &[T], channels: usize, to: &mut [T]) {
        match self {
            Plane::Channel(_) if channels == 1 => super::copy_row(to, pixels),
            Plane::Channel(c) => {
                let values = pixels.get(c..).unwrap_or(&[]).iter().step_by(channels.max(1));
                to.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
            }
            Plane::Luminance => T::grey(level, pixels, channels, to),
        }
    }

    /// The image's value at a place that may lie beyond its lower and right edges, where it is mirrored.
    fn mirrored<T: Sample>(self, level: Level, image: &ImageMut<'_, T>, y: usize, x: usize) -> T {
        let image = image.as_ref();
        let inside = |at: usize, side: usize| Border::<T>::Reflect101.index(at as i64, side).unwrap_or(0);
        let (y, x) = (inside(y, image.height()), inside(x, image.width()));
        let channels = image.channels();
        let from = x.saturating_mul(channels);
        let pixel = image.row(y).get(from..from.saturating_add(channels)).unwrap_or(&[]);
        let mut value = [T::default()];
        self.read(level, pixel, channels, &mut value);
        let [value] = value;
        value
    }
}

/// Adds to each colour what `new` is above `old`.
#[inline(always)]
fn lighten_body<T: Sample>(row: &mut [T], channels: usize, old: &[T], new: &[T]) {
    // Not zipped: to count the parts ahead is a division, which keeps a path to a panic.
    let mut parts = row.chunks_mut(BLOCK.saturating_mul(channels).max(1));
    let (mut old, mut new) = (old.chunks(BLOCK), new.chunks(BLOCK));
    while let (Some(part), Some(old), Some(new)) = (parts.next(), old.next(), new.next()) {
        let mut colours = spread(part, channels);
        for colour in &mut colours {
            for ((v, old), new) in colour.iter_mut().zip(old).zip(new) {
                *v = T::from_f32(v.to_f32() + (new.to_f32() - old.to_f32()));
            }
        }
        close(&colours, channels, part);
    }
}

/// The tiles. Where the sides of the image are not both their multiples, it is mirrored at its lower and right edges by what is
/// missing, or by a whole number of tiles' pixels more where nothing is, as OpenCV has it.
struct Grid {
    tiles: usize,
    /// Height and width of a tile.
    tile: (usize, usize),
    /// The greatest count; `u32::MAX` for none.
    most: u32,
}

impl Grid {
    fn new(tiles: usize, clip: f32, (height, width): (usize, usize)) -> Self {
        let tiles = tiles.max(1);
        let whole = height % tiles == 0 && width % tiles == 0;
        let side = |side: usize| side / tiles + usize::from(!whole);
        let tile = (side(height), side(width));
        let limit = (f64::from(clip) * (tile.0 as f64 * tile.1 as f64) / COUNTS as f64) as u32;
        Self { tiles, tile, most: if clip > 0.0 { limit.max(1) } else { u32::MAX } }
    }

    /// Cuts counts off at the limit, and spreads what was above it over all.
    fn limit(&self, counts: &mut [u32; COUNTS]) {
        let mut above = 0u32;
        for n in counts.iter_mut() {
            above = above.wrapping_add(n.saturating_sub(self.most));
            *n = (*n).min(self.most);
        }
        let each = above / COUNTS as u32;
        let rest = above as usize % COUNTS;
        counts.iter_mut().for_each(|n| *n = n.wrapping_add(each));
        let step = COUNTS.checked_div(rest).unwrap_or(0).max(1);
        counts.iter_mut().step_by(step).take(rest).for_each(|n| *n = n.wrapping_add(1));
    }

    /// Calls `add` with the values of a tile, which has this row and column.
    fn each_part<T: Sample>(
        &self,
        (row, column): (usize, usize),
        level: Level,
        plane: Plane,
        image: &ImageMut<'_, T>,
        part: &mut [T],
        mut add: impl FnMut(&[T]),
    ) {
        let (height, width, channels) = image.shape();
        let (top, left) = (row * self.tile.0, column * self.tile.1);
        let (bottom, right) = (top + self.tile.0, left + self.tile.1);
        for y in top..bottom {
            let shown = if y < height { left.min(width)..right.min(width) } else { left..left };
            if !shown.is_empty() {
                let span = shown.start.saturating_mul(channels)..shown.end.saturating_mul(channels);
                let pixels = image.as_ref().row(y).get(span).unwrap_or(&[]);
                if channels == 1 {
                    add(pixels);
                } else {
                    let part = part.get_mut(..shown.len()).unwrap_or(&mut []);
                    plane.read(level, pixels, channels, part);
                    add(part);
                }
            }
            for x in shown.end.max(left)..right {
                add(&[plane.mirrored(level, image, y, x)]);
            }
        }
    }

    /// Weights of the right tiles along a row, and where the cells end, which lie between the centres of tiles.
    fn columns(&self, weights: &mut [f32], ends: &mut [usize]) {
        let scale = 1.0 / self.tile.1 as f32;
        ends.fill(weights.len());
        for (x, weight) in weights.iter_mut().enumerate() {
            let (cell, share) = along(x, scale);
            *weight = share;
            // Cells that are over, and those that no pixel is in.
            ends.iter_mut().take(cell).filter(|end| **end > x).for_each(|end| *end = x);
        }
    }

    /// The maps of the tiles around a cell: top left, top right, bottom left, bottom right.
    fn maps<'a, M>(&self, maps: &'a [M], (row, column): (usize, usize)) -> Option<[&'a M; 4]> {
        let ((above, below), (before, after)) = (self.around(row), self.around(column));
        let map = |row: usize, column: usize| maps.get(row * self.tiles + column);
        Some([map(above, before)?, map(above, after)?, map(below, before)?, map(below, after)?])
    }

    /// The tiles before and after a cell.
    fn around(&self, cell: usize) -> (usize, usize) {
        (cell.saturating_sub(1), cell.min(self.tiles - 1))
    }
}

/// The cell of a place along a side, of which 0 ends at the centre of the first tile, and how near it is to the cell's end.
fn along(at: usize, scale: f32) -> (usize, f32) {
    let at = at as f32 * scale - 0.5;
    let before = math::floor(at);
    ((before + 1.0) as usize, at - before)
}

/// A part of memory that is taken as arrays.
fn arrays<'a, T: Plain, const N: usize>(scratch: &mut Scratch<'a>, n: usize) -> Result<&'a mut [[T; N]]> {
    Ok(scratch.take::<T>(n.checked_mul(N).ok_or(Error::Overflow)?)?.as_chunks_mut().0)
}

#[cfg(test)]
mod tests;
