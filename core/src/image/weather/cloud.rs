//! Fog, whose density is a smooth random field.

use super::*;
use crate::rng::mix;
use crate::scratch::{Scratch, ScratchLen};

/// The light of fog, as a share of white.
const FOG: f32 = 0.88;
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Bytes of scratch that [`fog`] takes for an image of `shape` = (height, width, channels).
pub fn fog_scratch_len((_, width, _): (usize, usize, usize)) -> usize {
    let rows = ScratchLen::new().with::<f32>(width.saturating_mul(4)).with::<f32>(width.saturating_mul(4));
    rows.with::<f32>(width.saturating_mul(4)).with::<f32>(width).bytes()
}

/// Hides the image in fog: each value goes by the share `density` · (1 + field), moved to between 0 and 1, of the way to a light
/// grey, 0.88 of white.
///
/// The field is smooth and random, between −0.875 and 0.875 with a deviation of about 0.16: three sums of cubic B-splines in rows
/// and columns, with weights between −1 and 1 at nodes that lie ½, ¼ and ⅛ of the smaller side apart, at least a pixel, and which
/// count ½, ¼ and ⅛. All is in `f32`; integers are rounded half up. 64 bits are drawn.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `density` ≤ 1, [`Error::ScratchTooSmall`].
pub fn fog<T: Sample>(
    level: Level,
    density: f32,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !(0.0..=1.0).contains(&density) {
        return Err(Error::InvalidArgument);
    }
    let (height, width, channels) = image.as_ref().shape();
    let mut frame = scratch.frame();
    let seed = stream.next_u64();
    let mut octave = |number: u64, share: f32| -> Result<Octave<'_>> {
        let spacing = math::max(height.min(width) as f32 * share, 1.0);
        let seed = mix(seed.wrapping_add(number.wrapping_mul(GOLDEN_GAMMA)));
        Ok(Octave { rows: frame.take(width.saturating_mul(4))?, step: 1.0 / spacing, share, seed, made: 0 })
    };
    let mut octaves = [octave(0, 0.5)?, octave(1, 0.25)?, octave(2, 0.125)?];
    let weights = frame.take::<f32>(width)?;
    for (y, row) in image.iter_rows_mut().enumerate() {
        weights.fill(1.0);
        for octave in &mut octaves {
            octave.add(level, y, width, weights);
        }
        thicken(level, density, weights);
        T::veil(level, row, channels, weights, FOG, [1.0; 3]);
    }
    Ok(())
}

kernel! {
    /// Weights times `density`, between 0 and 1.
    fn thicken(density: f32, weights: &mut [f32]) = thicken_body;
}

#[inline(always)]
fn thicken_body(density: f32, weights: &mut [f32]) {
    for weight in weights {
        *weight = math::clamp(*weight * density, 0.0, 1.0);
    }
}

/// One of the fields. Row r of its nodes lies at row (r − 1) / `step` of the image, and so do columns.
#[derive(Debug)]
struct Octave<'a> {
    /// Four rows of nodes, spread to the image's columns; row r of all is the one of r mod 4.
    rows: &'a mut [f32],
    /// Nodes a pixel.
    step: f32,
    /// Their distance as a share of the smaller side, and what they count.
    share: f32,
    seed: u64,
    /// The rows of nodes that have been spread.
    made: u32,
}

impl Octave<'_> {
    /// Adds the field in row `y` to `to`.
    fn add(&mut self, level: Level, y: usize, width: usize, to: &mut [f32]) {
        let at = y as f32 * self.step;
        let cell = math::floor(at);
        let first = cell as u32;
        while self.made < first.saturating_add(4) {
            let slot = self.rows.chunks_exact_mut(width.max(1)).nth((self.made % 4) as usize);
            spread_nodes(self.seed, self.made, self.step, slot.unwrap_or(&mut []));
            self.made += 1;
        }
        // The first one is in the slot of its number.
        let [a, b, c, d] = spline(at - cell).map(|weight| weight * self.share);
        let weights = match first % 4 {
            0 => [a, b, c, d],
            1 => [d, a, b, c],
            2 => [c, d, a, b],
            _ => [b, c, d, a],
        };
        for (row, weight) in self.rows.chunks_exact(width.max(1)).zip(weights) {
            add_row(level, row, weight, to);
        }
    }
}

kernel! {
    fn add_row(row: &[f32], weight: f32, to: &mut [f32]) = add_row_body;
}

#[inline(always)]
fn add_row_body(row: &[f32], weight: f32, to: &mut [f32]) {
    for (to, v) in to.iter_mut().zip(row) {
        *to += v * weight;
    }
}

/// The four weights of cubic B-splines at a share of the way from the second to the third.
fn spline(t: f32) -> [f32; 4] {
    let left = 1.0 - t;
    let (square, left_square) = (t * t, left * left);
    let near = |t: f32, square: f32| 2.0 / 3.0 - square * (1.0 - t * 0.5);
    [left_square * left * (1.0 / 6.0), near(t, square), near(left, left_square), square * t * (1.0 / 6.0)]
}

/// The values between the nodes of a row.
fn spread_nodes(seed: u64, row: u32, step: f32, to: &mut [f32]) {
    let node = |column: u32| {
        let place = u64::from(row) << 32 | u64::from(column);
        let bits = mix(seed.wrapping_add(place.wrapping_add(1).wrapping_mul(GOLDEN_GAMMA)));
        ((bits >> 32) as i32 >> 8) as f32 * (1.0 / 8_388_608.0)
    };
    let (mut made, mut nodes) = (0u32, [0.0; 4]);
    for (x, to) in to.iter_mut().enumerate() {
        let at = x as f32 * step;
        let cell = math::floor(at);
        while made < (cell as u32).saturating_add(4) {
            let [_, b, c, d] = nodes;
            nodes = [b, c, d, node(made)];
            made += 1;
        }
        let ([a, b, c, d], [k, l, m, n]) = (nodes, spline(at - cell));
        *to = a * k + b * l + c * m + d * n;
    }
}
