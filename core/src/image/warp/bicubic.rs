//! Bicubic sampling of 8-bit values in integers, sixteen pixels at a time.
// Lanes of several arrays at once, by indices that loops bound.
#![allow(clippy::indexing_slicing, clippy::needless_range_loop)]

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::places::{AT_ONCE, Path, Places, Point};
use super::weights::{cubic, rounded};
use crate::image::{Border, copy_values};
use crate::simd::{LANES, Level};
use crate::view::{ImageMut, ImageRef};

/// Fractional bits of coordinates, of weights, and of the sum of a row.
const BITS: u32 = 15;
const WEIGHT_BITS: u32 = 14;
const ROW_BITS: u32 = 6;

/// Half of the last place of a coordinate, in coordinates of 32 fractional bits.
const ROUND: i64 = 1 << (31 - BITS);

cubic! {
    /// The weights of the four pixels around a place for 8-bit values.
    weights u32, i32; 15 16 14
}

/// Samples all of `dst` by the cubic with this many quarters for −a.
pub(super) fn image(
    level: Level,
    path: &Path<'_>,
    quarters: u8,
    border: Border,
    src: ImageRef<'_, u8>,
    mut dst: ImageMut<'_, u8>,
) {
    let source = Source::new(src);
    for (y, to) in dst.iter_rows_mut().enumerate() {
        path.blocks(level, y, ROUND, src.channels(), to, |places, to| match (source, src.channels()) {
            (Some(source), 3) => three(level, places, quarters, border, source, to),
            (Some(source), 4) => four(level, places, quarters, border, source, to),
            (Some(source), _) => any(level, places, quarters, border, source, to),
            (None, channels) => {
                for (to, point) in to.chunks_exact_mut(channels.max(1)).zip(places.points(0)) {
                    one(point, quarters, border, src, to);
                }
            }
        });
    }
}

/// An image whose offsets fit 32 bits and whose sides leave room for a sign, in which vectors can read [`WHOLE`] bytes.
#[derive(Clone, Copy)]
struct Source<'a>(ImageRef<'a, u8>);

impl<'a> Source<'a> {
    fn new(src: ImageRef<'a, u8>) -> Option<Self> {
        let fits = (WHOLE..1 << 31).contains(&src.as_mat().data().len());
        (fits && src.width().max(src.height()) < 1 << 30).then_some(Self(src))
    }

    fn data(&self) -> &'a [u8] {
        self.0.as_mat().data()
    }

    fn channels(&self) -> usize {
        self.0.channels()
    }
}

macro_rules! blocks {
    ($($name:ident $channels:literal;)*) => { $(
        dispatch! {
            /// The pixels of a block.
            fn $name(places: &Places, quarters: u8, border: Border, src: Source<'_>, to: &mut [u8]) {
                base: by_channels, Avx2: x86::block::<$channels>, Avx512: avx512::block::<$channels>,
            }
        }
    )* };
}
// Of three channels, of four, and of any other number.
blocks! { three 3; four 4; any 0; }

/// The pixels of a block, one channel of sixteen after the other.
fn by_channels(places: &Places, quarters: u8, border: Border, src: Source<'_>, to: &mut [u8]) {
    sixteens(places, quarters, border, src, to, |taps, to| {
        taps.channels(to, |channel| taps.channel(channel))
    });
}

/// Calls `fill` for sixteen pixels of a block at a time.
#[inline(always)]
fn sixteens(
    places: &Places,
    quarters: u8,
    border: Border,
    src: Source<'_>,
    to: &mut [u8],
    fill: impl Fn(&Taps<'_>, &mut [u8]),
) {
    for (n, to) in to.chunks_mut(LANES.saturating_mul(src.channels()).max(1)).enumerate() {
        let taps = Taps::new(places, n, quarters, border, src);
        fill(&taps, to);
        taps.others(places, n, quarters, border, to);
    }
}

/// One pixel, by the definition.
#[cold]
fn one([x, y]: Point, quarters: u8, border: Border, src: ImageRef<'_, u8>, to: &mut [u8]) {
    let weights = |fraction: u32| weights(fraction >> (32 - BITS), quarters);
    let along = |(whole, fraction): (i32, u32), len: usize| -> [(Option<usize>, i32); 4] {
        let weights = weights(fraction);
        let mut i = i64::from(whole) - 1;
        weights.map(|weight| {
            i += 1;
            (border.index(i - 1, len), weight)
        })
    };
    let (columns, rows) = (along(x, src.width()), along(y, src.height()));
    let channels = src.channels();
    for (channel, to) in to.iter_mut().enumerate() {
        let value = |y: Option<usize>, x: Option<usize>| match y.zip(x) {
            Some((y, x)) => {
                src.row(y).get(x.wrapping_mul(channels).wrapping_add(channel)).copied().unwrap_or(0)
            }
            None => border.constant().unwrap_or(0),
        };
        let mut total = 0;
        for (y, below) in rows {
            let sum = columns.into_iter().fold(0, |sum, (x, beside)| sum + i32::from(value(y, x)) * beside);
            total += rounded!(sum, WEIGHT_BITS - ROW_BITS) * below;
        }
        *to = settle(rounded!(total, WEIGHT_BITS + ROW_BITS));
    }
}

#[inline(always)]
fn settle(v: i32) -> u8 {
    v.clamp(0, 255) as u8
}

/// One number of each of sixteen pixels.
type Each<T> = [T; LANES];

/// What the sums of sixteen pixels are made from: four pixels in each of four rows, which lie in the image side by side
/// also where the border folds them.
// No vector of these arrays crosses a cache line.
#[repr(C, align(64))]
struct Taps<'a> {
    /// The weights of the first two and of the last two columns, each pair in the halves of a word.
    across: [Each<i32>; 2],
    /// Those of rows.
    down: [Each<i32>; 2],
    /// What is added to the sum of a row: the half that rounds, and a constant by the weights of the columns outside.
    beside: Each<i32>,
    /// What is added to the sum of the rows, likewise.
    below: Each<i32>,
    /// Where the four pixels begin in each row: never less than [`WHOLE`] bytes before the end of the source, which has as
    /// many.
    rows: [Each<u32>; 4],
    /// Not 0 for pixels of which this does not tell.
    unknown: Each<u32>,
    src: Source<'a>,
}

/// The numbers of a [`Taps`] in vectors, in the lanes of the sums that they belong to.
#[cfg(target_arch = "x86_64")]
struct Numbers<V> {
    across: [V; 2],
    down: [V; 2],
    beside: V,
    below: V,
}

/// Bytes that vectors read at a time.
const WHOLE: usize = 16;
const HALF_BESIDE: i32 = 1 << (WEIGHT_BITS - ROW_BITS - 1);
const HALF_BELOW: i32 = 1 << (WEIGHT_BITS + ROW_BITS - 1);

impl<'a> Taps<'a> {
    /// Of the `n`th sixteen of a block.
    #[inline(always)]
    fn new(places: &Places, n: usize, quarters: u8, border: Border, src: Source<'a>) -> Self {
        let (x, y) = (nth(&places.x, n), nth(&places.y, n));
        let mut across = weights_of(&nth(&places.fx, n), quarters);
        let mut down = weights_of(&nth(&places.fy, n), quarters);
        let (width, height) = (src.0.width() as u32, src.0.height() as u32);
        let (mut beside, mut below) = ([HALF_BESIDE; LANES], [HALF_BELOW; LANES]);
        let (mut rows, mut first, mut unknown) = ([[0; LANES]; 4], [0; LANES], [0; LANES]);
        if inside(&x, width) && inside(&y, height) {
            for l in 0..LANES {
                first[l] = x[l].wrapping_sub(1) as u32;
                for k in 0..4 {
                    rows[k][l] = y[l].wrapping_sub(1).wrapping_add(k as i32) as u32;
                }
            }
        } else {
            first = fold(&around(&x, border, width), width, &mut across, &mut unknown);
            rows = kept(&around(&y, border, height), height, &mut down, &mut unknown);
            if let Some(constant) = border.constant() {
                unknown = [0; LANES];
                for l in 0..LANES {
                    let [beside_of, below_of] = [&across, &down].map(|weights| {
                        (1 << WEIGHT_BITS) - weights[0][l] - weights[1][l] - weights[2][l] - weights[3][l]
                    });
                    beside[l] += beside_of * i32::from(constant);
                    below[l] += below_of * (i32::from(constant) << ROW_BITS);
                }
            }
        }
        let (stride, channels) = (src.0.stride() as u32, src.channels() as u32);
        let limit = (src.data().len() - WHOLE) as u32;
        for l in 0..LANES {
            let first = first[l].wrapping_mul(channels);
            for k in 0..4 {
                let at = rows[k][l].wrapping_mul(stride).wrapping_add(first);
                unknown[l] |= u32::from(at > limit);
                rows[k][l] = at.min(limit);
            }
        }
        Self { across: pairs(&across), down: pairs(&down), beside, below, rows, unknown, src }
    }

    /// The pixels of which this does not tell, one by one.
    #[inline(always)]
    fn others(&self, places: &Places, n: usize, quarters: u8, border: Border, to: &mut [u8]) {
        if self.unknown == [0; LANES] {
            return;
        }
        let pixels = to.chunks_exact_mut(self.src.channels().max(1)).zip(places.points(n * LANES));
        for ((to, point), unknown) in pixels.zip(self.unknown) {
            if unknown != 0 {
                one(point, quarters, border, self.src.0, to);
            }
        }
    }

    /// One channel of the pixels.
    #[inline(always)]
    fn channel(&self, channel: usize) -> Each<u8> {
        let mut total = self.below;
        for k in 0..4 {
            let (fours, mut sums) = (self.fours(k, channel), self.beside);
            for l in 0..LANES {
                for j in 0..4 {
                    sums[l] += (fours[l] >> (8 * j) & 0xff) as i32 * half(&self.across, j, l);
                }
            }
            for l in 0..LANES {
                total[l] += (sums[l] >> (WEIGHT_BITS - ROW_BITS)) * half(&self.down, k, l);
            }
        }
        let mut settled = [0; LANES];
        for l in 0..LANES {
            settled[l] = settle(total[l] >> (WEIGHT_BITS + ROW_BITS));
        }
        settled
    }

    /// A channel of the four pixels of row `k`, the first in the lowest byte; zeros after the end.
    #[inline(always)]
    fn fours(&self, k: usize, channel: usize) -> Each<u32> {
        let (data, step) = (self.src.data(), self.src.channels());
        let mut fours = [0; LANES];
        for (four, &at) in fours.iter_mut().zip(&self.rows[k]) {
            let at = at as usize;
            let side_by_side = data.get(at..at.wrapping_add(4)).and_then(|four| four.first_chunk());
            let value = |j: usize| {
                let value = data.get(at.wrapping_add(channel).wrapping_add(j.wrapping_mul(step)));
                value.map_or(0, |&value| u32::from(value) << (8 * j))
            };
            *four = match side_by_side {
                Some(four) if step == 1 => u32::from_le_bytes(*four),
                _ => value(0) | value(1) | value(2) | value(3),
            };
        }
        fours
    }

    /// Fills pixels one channel after the other.
    #[inline(always)]
    fn channels(&self, to: &mut [u8], values: impl Fn(usize) -> Each<u8>) {
        for channel in 0..self.src.channels() {
            self.put(channel, values(channel), to);
        }
    }

    /// Puts one channel of the pixels where it belongs.
    #[inline(always)]
    fn put(&self, channel: usize, values: Each<u8>, to: &mut [u8]) {
        if self.src.channels() == 1 {
            return copy_values(to, &values);
        }
        for (to, value) in to.iter_mut().skip(channel).step_by(self.src.channels().max(1)).zip(values) {
            *to = value;
        }
    }
}

/// The `n`th sixteen of a block.
#[inline(always)]
fn nth<T: Copy + Default>(all: &[T; AT_ONCE], n: usize) -> Each<T> {
    all.as_chunks().0.get(n).copied().unwrap_or_default()
}

#[inline(always)]
fn weights_of(fractions: &Each<u32>, quarters: u8) -> [Each<i32>; 4] {
    let mut all = [[0; LANES]; 4];
    for l in 0..LANES {
        let weights = weights(fractions[l] >> (32 - BITS), quarters);
        for k in 0..4 {
            all[k][l] = weights[k];
        }
    }
    all
}

/// The weights of two pixels side by side in the halves of words.
#[inline(always)]
fn pairs(weights: &[Each<i32>; 4]) -> [Each<i32>; 2] {
    let mut pairs = [[0; LANES]; 2];
    for l in 0..LANES {
        for k in 0..2 {
            pairs[k][l] = weights[2 * k][l] & 0xffff | weights[2 * k + 1][l] << 16;
        }
    }
    pairs
}

/// Weight `k` of lane `l`.
#[inline(always)]
const fn half(pairs: &[Each<i32>; 2], k: usize, l: usize) -> i32 {
    let pair = pairs[k / 2][l];
    if k.is_multiple_of(2) { pair as i16 as i32 } else { pair >> 16 }
}

/// Whether the four pixels around all places lie inside.
#[inline(always)]
fn inside(i: &Each<i32>, len: u32) -> bool {
    let mut most = 0;
    for i in i {
        most = most.max(i.wrapping_sub(1) as u32);
    }
    most < len.saturating_sub(3)
}

/// The four indices around each place that stand for it and its neighbours, as [`Border::index`] has them; for a place
/// further than one image away, indices outside.
#[inline(always)]
fn around(places: &Each<i32>, border: Border, len: u32) -> [Each<i32>; 4] {
    let len = len as i32;
    let last = len.wrapping_sub(1);
    let ends = last.wrapping_mul(2);
    let mut all = [[0; LANES]; 4];
    for (k, all) in all.iter_mut().enumerate() {
        for l in 0..LANES {
            all[l] = places[l].wrapping_add(k as i32 - 1);
        }
        for i in all {
            *i = match border {
                Border::Constant(_) => *i,
                Border::Edge => (*i).max(0).min(last),
                Border::Reflect101 => i.wrapping_abs().min(ends.wrapping_sub(i.wrapping_abs())),
                Border::Reflect => {
                    let once = *i ^ (*i >> 31);
                    once.min(ends.wrapping_add(1).wrapping_sub(once))
                }
                Border::Wrap => {
                    let once = if *i < 0 { i.wrapping_add(len) } else { *i };
                    if once > last { once.wrapping_sub(len) } else { once }
                }
            };
        }
    }
    all
}

/// The rows, and for those outside row 0 without weight, which become unknown.
#[inline(always)]
fn kept(
    indices: &[Each<i32>; 4],
    len: u32,
    weights: &mut [Each<i32>; 4],
    unknown: &mut Each<u32>,
) -> [Each<u32>; 4] {
    let mut rows = [[0; LANES]; 4];
    for k in 0..4 {
        for l in 0..LANES {
            let inside = (indices[k][l] as u32) < len;
            unknown[l] |= u32::from(!inside);
            rows[k][l] = if inside { indices[k][l] as u32 } else { 0 };
            weights[k][l] = if inside { weights[k][l] } else { 0 };
        }
    }
    rows
}

/// Where four columns side by side begin that hold all of `columns`, whose weights become theirs. Pixels of which some
/// lie outside the image or elsewhere become unknown; their weights are those of the others.
#[inline(always)]
fn fold(
    columns: &[Each<i32>; 4],
    len: u32,
    weights: &mut [Each<i32>; 4],
    unknown: &mut Each<u32>,
) -> Each<u32> {
    let (mut starts, mut folded) = ([0; LANES], [[0; LANES]; 4]);
    for l in 0..LANES {
        let least = columns[0][l].min(columns[1][l]).min(columns[2][l].min(columns[3][l]));
        starts[l] = least.min(len as i32 - 4).max(0) as u32;
    }
    for j in 0..4 {
        for l in 0..LANES {
            let column = (columns[j][l] as u32).wrapping_sub(starts[l]);
            let here = (columns[j][l] as u32) < len && column < 4;
            unknown[l] |= u32::from(!here);
            for k in 0..4 {
                folded[k][l] += if here && column == k as u32 { weights[j][l] } else { 0 };
            }
        }
    }
    *weights = folded;
    starts
}
