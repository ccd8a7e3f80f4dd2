//! 8-bit values, in OpenCV's arithmetic.

use super::super::histogram::count_four;
use super::*;

/// The maps of all tiles, and then all rows.
pub(super) fn run(
    level: Level,
    grid: &Grid,
    plane: Plane,
    mut image: ImageMut<'_, u8>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let (width, channels) = (image.width(), image.channels());
    let weights = scratch.take::<f32>(width)?;
    let (old, new) = (scratch.take::<u8>(width)?, scratch.take::<u8>(width)?);
    let ends = scratch.take::<usize>(grid.tiles + 1)?;
    let counts: &mut [_; 4] =
        arrays::<u32, COUNTS>(scratch, 4)?.first_chunk_mut().ok_or(Error::ScratchTooSmall)?;
    let maps = arrays::<u8, COUNTS>(scratch, grid.tiles * grid.tiles)?;
    let cells = arrays::<u32, COUNTS>(scratch, grid.tiles + 1)?;
    let places = (0..grid.tiles).flat_map(|row| (0..grid.tiles).map(move |column| (row, column)));
    for (map, place) in maps.iter_mut().zip(places) {
        counts.as_flattened_mut().fill(0);
        grid.each_part(place, level, plane, &image, old, |part| count_four(part, counts));
        *map = grid.map(counts);
    }
    grid.columns(weights, ends);
    let scale = 1.0 / grid.tile.0 as f32;
    let mut last = None;
    for (y, row) in image.iter_rows_mut().enumerate() {
        let (cell, share) = along(y, scale);
        if last.replace(cell) != Some(cell) {
            grid.put_together(cell, maps, cells);
        }
        plane.read(level, row, channels, old);
        let mut from = 0;
        for (end, cell) in ends.iter().zip(cells.iter()) {
            let part = from..*end;
            from = *end;
            let (Some(old), Some(new)) = (old.get(part.clone()), new.get_mut(part.clone())) else { continue };
            blend(level, cell, share, weights.get(part).unwrap_or(&[]), old, new);
        }
        match plane {
            Plane::Luminance => lighten(level, row, channels, old, new),
            Plane::Channel(_) if channels == 1 => super::super::copy_row(row, new),
            Plane::Channel(c) => {
                let values = row.get_mut(c..).unwrap_or(&mut []).iter_mut().step_by(channels.max(1));
                values.zip(&*new).for_each(|(to, from)| *to = *from);
            }
        }
    }
    Ok(())
}

impl Grid {
    /// The map of a tile with these counts, of which there are four parts.
    fn map(&self, parts: &[[u32; COUNTS]; 4]) -> [u8; COUNTS] {
        let [mut counts, rest @ ..] = *parts;
        for part in &rest {
            counts.iter_mut().zip(part).for_each(|(sum, n)| *sum = sum.wrapping_add(*n));
        }
        self.limit(&mut counts);
        let scale = 255.0 / (self.tile.0 as u64).saturating_mul(self.tile.1 as u64) as f32;
        let mut map = [0; COUNTS];
        let mut sum = 0u32;
        for (to, n) in map.iter_mut().zip(counts) {
            sum = sum.wrapping_add(n);
            *to = to_even(sum as f32 * scale);
        }
        map
    }

    /// For each cell of a row of cells what the four tiles around it make of each level, from the lowest byte on: top left,
    /// top right, bottom left, bottom right.
    fn put_together(&self, row: usize, maps: &[[u8; COUNTS]], cells: &mut [[u32; COUNTS]]) {
        let (above, below) = self.around(row);
        for (column, cell) in cells.iter_mut().enumerate() {
            let (before, after) = self.around(column);
            let map = |row: usize, column: usize| maps.get(row * self.tiles + column);
            let (Some(a), Some(b)) = (map(above, before), map(above, after)) else { continue };
            let (Some(c), Some(d)) = (map(below, before), map(below, after)) else { continue };
            for ((((cell, a), b), c), d) in cell.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *cell = u32::from_le_bytes([*a, *b, *c, *d]);
            }
        }
    }
}

kernel! {
    fn blend(cell: &[u32; COUNTS], y: f32, weights: &[f32], old: &[u8], new: &mut [u8]) = blend_body, with avx512;
}

#[inline(always)]
fn blend_body(cell: &[u32; COUNTS], y: f32, weights: &[f32], old: &[u8], new: &mut [u8]) {
    let up = 1.0 - y;
    for ((old, new), weights) in old.chunks(BLOCK).zip(new.chunks_mut(BLOCK)).zip(weights.chunks(BLOCK)) {
        let mut found = [0u32; BLOCK];
        for (found, &v) in found.iter_mut().zip(old) {
            // A `u8` cannot leave 256 entries: no check remains.
            #[allow(clippy::indexing_slicing)]
            let four = cell[v as usize];
            *found = four;
        }
        for ((new, four), &x) in new.iter_mut().zip(found).zip(weights) {
            let level = |shift: u32| (four >> shift & 255) as i32 as f32;
            let left = 1.0 - x;
            let above = level(0) * left + level(8) * x;
            let below = level(16) * left + level(24) * x;
            *new = to_even(above * up + below * y);
        }
    }
}

kernel! {
    fn lighten(row: &mut [u8], channels: usize, old: &[u8], new: &[u8]) = lighten_body, with avx512;
}

/// The nearest integer of 0 to 255, halves to the even one.
#[inline(always)]
fn to_even(v: f32) -> u8 {
    // From here on the lowest bits of a float are those of a whole number.
    const WHOLE: f32 = 8_388_608.0;
    (math::min(v, 255.0) + WHOLE).to_bits() as u8
}
