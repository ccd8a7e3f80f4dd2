//! 8-bit values, in OpenCV's arithmetic.

use super::super::histogram::count_four;
use super::super::table::{look_up, look_up_is_fast};
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
        if last.replace(cell) != Some(cell) && !look_up_is_fast(level) {
            grid.put_together(cell, maps, cells);
        }
        plane.read(level, row, channels, old);
        let mut from = 0;
        for (column, (end, cell)) in ends.iter().zip(cells.iter()).enumerate() {
            let part = from..*end;
            from = *end;
            let (Some(old), Some(new)) = (old.get(part.clone()), new.get_mut(part.clone())) else { continue };
            let weights = weights.get(part).unwrap_or(&[]);
            match grid.maps(maps, (last.unwrap_or(0), column)) {
                Some(four) if look_up_is_fast(level) => blend_maps(level, four, share, weights, old, new),
                _ => blend(level, cell, share, weights, old, new),
            }
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
        for (column, cell) in cells.iter_mut().enumerate() {
            let Some([a, b, c, d]) = self.maps(maps, (row, column)) else { continue };
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
            let above = level(0) * (1.0 - x) + level(8) * x;
            let below = level(16) * (1.0 - x) + level(24) * x;
            *new = to_even(above * up + below * y);
        }
    }
}

/// As [`blend`], of the maps themselves: where many levels are looked up at a time.
fn blend_maps(level: Level, maps: [&[u8; COUNTS]; 4], y: f32, weights: &[f32], old: &[u8], new: &mut [u8]) {
    for ((old, new), weights) in old.chunks(BLOCK).zip(new.chunks_mut(BLOCK)).zip(weights.chunks(BLOCK)) {
        let mut found = [[0; BLOCK]; 4];
        for (found, map) in found.iter_mut().zip(maps) {
            look_up(level, map, old, found.get_mut(..old.len()).unwrap_or(&mut []));
        }
        weigh(level, &found, y, weights, new);
    }
}

kernel! {
    fn weigh(found: &[[u8; BLOCK]; 4], y: f32, weights: &[f32], new: &mut [u8]) = weigh_body, with avx512;
}

#[inline(always)]
fn weigh_body([a, b, c, d]: &[[u8; BLOCK]; 4], y: f32, weights: &[f32], new: &mut [u8]) {
    let (mut shares, mut mixed) = ([0.0; BLOCK], [0u8; BLOCK]);
    shares.iter_mut().zip(weights).for_each(|(to, x)| *to = *x);
    for (((((new, a), b), c), d), &x) in mixed.iter_mut().zip(a).zip(b).zip(c).zip(d).zip(&shares) {
        let above = f32::from(*a) * (1.0 - x) + f32::from(*b) * x;
        let below = f32::from(*c) * (1.0 - x) + f32::from(*d) * x;
        *new = to_even(above * (1.0 - y) + below * y);
    }
    new.iter_mut().zip(mixed).for_each(|(to, v)| *to = v);
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
