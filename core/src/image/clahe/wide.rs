//! Values of 16 bits and floats.

use super::*;

/// How much of all values is below each bin, and below what comes after the last one.
type Map = [f32; COUNTS + 1];

/// The maps of all tiles, and then all rows.
pub(super) fn run<'a, T: Sample + 'a>(
    level: Level,
    grid: &Grid,
    plane: Plane,
    mut image: ImageMut<'_, T>,
    scratch: &mut Scratch<'a>,
) -> Result<()> {
    let (width, channels) = (image.width(), image.channels());
    let weights = scratch.take::<f32>(width)?;
    let (old, new) = (scratch.take::<T>(width)?, scratch.take::<T>(width)?);
    let ends = scratch.take::<usize>(grid.tiles + 1)?;
    let counts: &mut [_; 4] =
        arrays::<u32, COUNTS>(scratch, 4)?.first_chunk_mut().ok_or(Error::ScratchTooSmall)?;
    let [counts, ..] = counts;
    let maps = arrays::<f32, { COUNTS + 1 }>(scratch, grid.tiles * grid.tiles)?;
    let places = (0..grid.tiles).flat_map(|row| (0..grid.tiles).map(move |column| (row, column)));
    for (map, place) in maps.iter_mut().zip(places) {
        counts.fill(0);
        grid.each_part(place, level, plane, &image, old, |part| {
            for &value in part {
                if let Some(n) = counts.get_mut(bin(value).0) {
                    *n = n.wrapping_add(1);
                }
            }
        });
        grid.limit(counts);
        *map = grid.shares(counts);
    }
    grid.columns(weights, ends);
    let scale = 1.0 / grid.tile.0 as f32;
    for (y, row) in image.iter_rows_mut().enumerate() {
        let (cell, share) = along(y, scale);
        plane.read(level, row, channels, old);
        let mut from = 0;
        for (column, end) in ends.iter().enumerate() {
            let part = from..*end;
            from = *end;
            let (Some(old), Some(new)) = (old.get(part.clone()), new.get_mut(part.clone())) else { continue };
            let Some(maps) = grid.maps(maps, (cell, column)) else { continue };
            for ((new, &old), &x) in new.iter_mut().zip(old).zip(weights.get(part).unwrap_or(&[])) {
                *new = T::from_f32(blend(maps, bin(old), [x, share]) * T::LARGEST);
            }
        }
        match plane {
            Plane::Luminance => lighten_body(row, channels, old, new),
            Plane::Channel(c) => {
                let values = row.get_mut(c..).unwrap_or(&mut []).iter_mut().step_by(channels.max(1));
                values.zip(&*new).for_each(|(to, from)| *to = *from);
            }
        }
    }
    Ok(())
}

/// The bin of a value, and how much of the bin lies below it.
#[inline(always)]
fn bin<T: Sample>(value: T) -> (usize, f32) {
    let whole = if T::LARGEST > 1.0 { T::LARGEST + 1.0 } else { 1.0 };
    let at = math::clamp(value.to_f32() * (COUNTS as f32 / whole), 0.0, COUNTS as f32);
    let bin = (at as usize).min(COUNTS - 1);
    (bin, at - bin as f32)
}

/// (a · (1 − x) + b · x) · (1 − y) + (c · (1 − x) + d · x) · y of the shares that the four tiles around a pixel say.
#[inline(always)]
fn blend([a, b, c, d]: [&Map; 4], (bin, part): (usize, f32), [x, y]: [f32; 2]) -> f32 {
    let share = |map: &Map| {
        let at = |bin: usize| map.get(bin).copied().unwrap_or(1.0);
        let (low, high) = (at(bin), at(bin + 1));
        low + (high - low) * part
    };
    let above = share(a) * (1.0 - x) + share(b) * x;
    let below = share(c) * (1.0 - x) + share(d) * x;
    above * (1.0 - y) + below * y
}

impl Grid {
    /// The map of a tile with these counts.
    fn shares(&self, counts: &[u32; COUNTS]) -> Map {
        let scale = 1.0 / (self.tile.0 as u64).saturating_mul(self.tile.1 as u64) as f32;
        let mut map = [0.0; COUNTS + 1];
        let mut sum = 0u32;
        for (to, n) in map.iter_mut().skip(1).zip(counts) {
            sum = sum.wrapping_add(*n);
            *to = sum as f32 * scale;
        }
        map
    }
}
