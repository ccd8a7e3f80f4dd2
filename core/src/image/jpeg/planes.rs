//! Rows of pixels as planes of luma and chroma and back, and fewer and more chromas.

use super::super::colour::{self, BLOCK, Colours};
use super::super::copy_values;
use super::Jpeg;
use crate::image::Sample;

/// What a channel of the colours adds to the others, in 65536ths (ITU-R BT.601, all levels used).
const LUMA: [i32; 3] = [19595, 38470, 7471];
const BLUE: [i32; 3] = [-11059, -21709, 32768];
const RED: [i32; 3] = [32768, -27439, -5329];

#[inline(always)]
pub(super) fn channel_body<T: Jpeg>(row: &[T], channels: usize, channel: usize, to: &mut [u8]) {
    if channels == 1 {
        return to.iter_mut().zip(row).for_each(|(to, value)| *to = value.to_level());
    }
    for (to, value) in to.iter_mut().zip(row.iter().skip(channel).step_by(channels.max(1))) {
        *to = value.to_level();
    }
}

#[inline(always)]
pub(super) fn set_channel_body<T: Jpeg>(from: &[u8], channels: usize, channel: usize, row: &mut [T]) {
    if channels == 1 {
        return row.iter_mut().zip(from).for_each(|(value, level)| *value = T::from_level(*level));
    }
    for (value, level) in row.iter_mut().skip(channel).step_by(channels.max(1)).zip(from) {
        *value = T::from_level(*level);
    }
}

#[inline(always)]
pub(super) fn to_luma_body<T: Sample>(row: &[T], channels: usize, [luma, blue, red]: [&mut [u8]; 3]) {
    let pixels = row.chunks(BLOCK.saturating_mul(channels).max(1));
    let planes = luma.chunks_mut(BLOCK).zip(blue.chunks_mut(BLOCK)).zip(red.chunks_mut(BLOCK));
    for (pixels, ((luma, blue), red)) in pixels.zip(planes) {
        let [r, g, b] = colour::spread(pixels, channels);
        let mut made = [[0; BLOCK]; 3];
        let [y, cb, cr] = &mut made;
        for (((y, cb), cr), ((r, g), b)) in y.iter_mut().zip(cb).zip(cr).zip(r.iter().zip(&g).zip(&b)) {
            let (r, g, b) = (r.to_level() as i32, g.to_level() as i32, b.to_level() as i32);
            let sum = |[x, y, z]: [i32; 3], add: i32| ((r * x + g * y + b * z + add) >> 16) as u8;
            *y = sum(LUMA, 1 << 15);
            // Halves downwards, since 255.5 is no level.
            *cb = sum(BLUE, (128 << 16) + (1 << 15) - 1);
            *cr = sum(RED, (128 << 16) + (1 << 15) - 1);
        }
        let count = pixels.len() / channels.max(1);
        for (to, made) in [luma, blue, red].into_iter().zip(&made) {
            match to.as_mut_array::<BLOCK>().filter(|_| count == BLOCK) {
                Some(to) => *to = *made,
                None => copy_values(to, made.get(..count).unwrap_or(&[])),
            }
        }
    }
}

#[inline(always)]
pub(super) fn of_luma_body<T: Sample>([luma, blue, red]: [&[u8]; 3], channels: usize, row: &mut [T]) {
    let planes = luma.chunks(BLOCK).zip(blue.chunks(BLOCK)).zip(red.chunks(BLOCK));
    for (pixels, ((luma, blue), red)) in row.chunks_mut(BLOCK.saturating_mul(channels).max(1)).zip(planes) {
        let [luma, blue, red] = [block(luma), block(blue), block(red)];
        let mut colours: Colours<T> = [[T::default(); BLOCK]; 3];
        let [r, g, b] = &mut colours;
        for (((r, g), b), ((y, cb), cr)) in r.iter_mut().zip(g).zip(b).zip(luma.iter().zip(&blue).zip(&red)) {
            let (y, cb, cr) = (*y as i16, *cb as i16 - 128, *cr as i16 - 128);
            // 1.402 is 1 + 0.402, 0.714 is 1 − 0.286 and 1.772 is 2 − 0.228: factors of 16 bits.
            let share = |blue: i32, red: i32| ((cb as i32 * blue + cr as i32 * red + (1 << 15)) >> 16) as i16;
            let level = |v: i16| T::from_level(v.clamp(0, 255) as u8);
            *r = level(y + cr + share(0, 26345));
            *g = level(y - cr + share(-22554, 18734));
            *b = level(y + 2 * cb + share(-14942, 0));
        }
        colour::close(&colours, channels, pixels);
    }
}

/// What is left of `values` as a block; those behind them are zeros.
#[inline(always)]
fn block(values: &[u8]) -> [u8; BLOCK] {
    if let Some(whole) = values.first_chunk() {
        return *whole;
    }
    let mut some = [0; BLOCK];
    copy_values(&mut some, values);
    some
}

kernel! {
    /// The means of squares of four values, of which halves are rounded down and up in turn.
    pub(super) fn halved(upper: &[u8], lower: &[u8], to: &mut [u8]) = halved_body;
}

#[inline(always)]
fn halved_body(upper: &[u8], lower: &[u8], to: &mut [u8]) {
    let fours = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
    for (i, (to, ([a, b], [c, d]))) in to.iter_mut().zip(fours).enumerate() {
        let sum = *a as u16 + *b as u16 + *c as u16 + *d as u16;
        *to = ((sum + 1 + (i as u16 & 1)) >> 2) as u8;
    }
}

kernel! {
    /// Twice as many chromas of the `near` row, and half as near to the `far` one; `sums` has room for one more on either side.
    pub(super) fn doubled(near: &[u8], far: &[u8], sums: &mut [u16], to: &mut [u8]) = doubled_body;
}

#[inline(always)]
fn doubled_body(near: &[u8], far: &[u8], sums: &mut [u16], to: &mut [u8]) {
    let (pairs, _) = to.as_chunks_mut::<2>();
    // Two columns or one are no matter of neighbours to the library.
    if sums.len() <= 4 {
        return pairs.iter_mut().zip(near).for_each(|(pair, value)| *pair = [*value; 2]);
    }
    if let [first, inside @ .., last] = &mut *sums {
        for (sum, (near, far)) in inside.iter_mut().zip(near.iter().zip(far)) {
            *sum = 3 * *near as u16 + *far as u16;
        }
        *first = inside.first().copied().unwrap_or_default();
        *last = inside.last().copied().unwrap_or_default();
    }
    let [middle, after] = [1, 2].map(|at| sums.get(at..).unwrap_or(&[]));
    for (pair, ((before, sum), after)) in pairs.iter_mut().zip(sums.iter().zip(middle).zip(after)) {
        *pair = [(3 * sum + before + 8) >> 4, (3 * sum + after + 7) >> 4].map(|v| v as u8);
    }
}
