//! Medians of squares, by networks of exchanges: what is compared never depends on the values.
//!
//! The columns of a square are sorted once for all squares that they are in. Where then each rank is sorted along the row, the
//! square is sorted both ways, and its antidiagonals are bounds of each other: only the middle ones are left, of each a few
//! of its middle, and the median of these is that of all (after Kolte, Smith and Su 1999).

mod networks;

use self::networks::{greatest3, greatest4, greatest5, least3, least4, least5, sort3, sort5, sort6, sort7};
use super::blur::widen;
use super::{Border, Sample, copy_values, same};
use crate::error::{Error, Result};
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
use core::array::from_fn;

/// The largest radius of a median, in pixels.
pub const MAX_MEDIAN_RADIUS: usize = 3;

/// Values from one rank of the sorted columns to the next: a row with its margins, and behind it what a block may touch.
const fn room(radius: usize, (_, width, channels): (usize, usize, usize)) -> usize {
    let margins = radius.saturating_mul(2);
    width.saturating_add(margins).saturating_mul(channels).saturating_add(BLOCK)
}

/// Bytes of scratch that [`median_blur`] takes for an image of `shape` = (height, width, channels).
pub fn median_scratch_len<T: Sample>(radius: usize, shape: (usize, usize, usize)) -> usize {
    let ranks = radius.saturating_mul(2).saturating_add(1);
    ScratchLen::new().with::<T>(room(radius, shape).saturating_mul(ranks)).bytes()
}

/// Replaces each value by the median of the square of 2 · `radius` + 1 pixels around it; outside the image stand its edges.
///
/// NaN leads to any of the values, the same one on every processor.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 1 ≤ `radius` ≤ [`MAX_MEDIAN_RADIUS`], [`Error::ShapeMismatch`] where the shapes differ,
/// [`Error::ScratchTooSmall`].
pub fn median_blur<T: Sample>(
    level: Level,
    radius: usize,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    same(src.shape(), dst.shape())?;
    match radius {
        1 => medians(
            src,
            dst,
            scratch,
            |rows, to| T::sort3(level, rows, to),
            |c, ranks, to| T::middle3(level, c, ranks, to),
        ),
        2 => medians(
            src,
            dst,
            scratch,
            |rows, to| T::sort5(level, rows, to),
            |c, ranks, to| T::middle5(level, c, ranks, to),
        ),
        3 => medians(
            src,
            dst,
            scratch,
            |rows, to| T::sort7(level, rows, to),
            |c, ranks, to| T::middle7(level, c, ranks, to),
        ),
        _ => Err(Error::InvalidArgument),
    }
}

/// `sort` puts the values of a column, one from each row, into their ranks, with margins on either side; `middle` finds the
/// medians in sorted columns with so many channels.
fn medians<T: Plain, const SIDE: usize>(
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
    sort: impl Fn([&[T]; SIDE], [&mut [T]; SIDE]),
    middle: impl Fn(usize, [&[T]; SIDE], &mut [T]),
) -> Result<()> {
    let (height, width, channels) = src.shape();
    let radius = SIDE / 2;
    let room = room(radius, src.shape()).max(1);
    let mut frame = scratch.frame();
    let sorted = frame.take::<T>(room.saturating_mul(SIDE))?;
    for (y, to) in dst.iter_rows_mut().enumerate() {
        let row = |i: usize| Border::<T>::Edge.index(y as i64 + i as i64 - radius as i64, height);
        let rows = from_fn(|i| row(i).map_or(&[][..], |y| src.row(y)));
        let mut ranks = sorted.chunks_exact_mut(room);
        sort(rows, from_fn(|_| ranks.next().and_then(|r| r.get_mut(radius * channels..)).unwrap_or(&mut [])));
        for rank in sorted.chunks_exact_mut(room) {
            widen(rank, width, channels, radius, Border::Edge);
        }
        let mut ranks = sorted.chunks_exact(room);
        middle(channels, from_fn(|_| ranks.next().unwrap_or(&[])), to);
    }
    Ok(())
}

/// The most values that are worked on at once.
const BLOCK: usize = 64;
/// How many they are at narrow levels: of fewer, compilers make no vectors.
const FEW: usize = 32;

/// Values that can be ordered, with the best code of a level for each kind.
pub trait Ordered: Plain {
    /// Columns of three in order.
    fn sort3(level: Level, rows: [&[Self]; 3], to: [&mut [Self]; 3]);
    /// Columns of five in order.
    fn sort5(level: Level, rows: [&[Self]; 5], to: [&mut [Self]; 5]);
    /// Columns of seven in order.
    fn sort7(level: Level, rows: [&[Self]; 7], to: [&mut [Self]; 7]);
    /// The medians of squares of three such columns.
    fn middle3(level: Level, channels: usize, ranks: [&[Self]; 3], to: &mut [Self]);
    /// The medians of squares of five such columns.
    fn middle5(level: Level, channels: usize, ranks: [&[Self]; 5], to: &mut [Self]);
    /// The medians of squares of seven such columns.
    fn middle7(level: Level, channels: usize, ranks: [&[Self]; 7], to: &mut [Self]);
}

macro_rules! ordered {
    ($($t:ident $wide:literal),*) => { $(
        impl Ordered for $t {
            dispatch! {
                fn sort3(rows: [&[$t]; 3], to: [&mut [$t]; 3]) {
                    base: columns_of_three::<$t, FEW>, Avx2: x86::columns3_narrow::<$t, FEW>,
                    Avx512: x86::columns3_wide::<$t, $wide>,
                }
            }

            dispatch! {
                fn middle3(channels: usize, ranks: [&[$t]; 3], to: &mut [$t]) {
                    base: squares_of_three::<$t, FEW>, Avx2: x86::squares3_narrow::<$t, FEW>,
                    Avx512: x86::squares3_wide::<$t, $wide>,
                }
            }

            ordered!(@side $t $wide sort5 middle5 Five 5);
            ordered!(@side $t $wide sort7 middle7 Seven 7);
        }
    )* };
    (@side $t:ident $wide:literal $sort:ident $middle:ident $side:ident $n:literal) => {
        dispatch! {
            fn $sort(rows: [&[$t]; $n], to: [&mut [$t]; $n]) {
                base: columns::<$t, $side, $n, FEW>, Avx2: x86::columns_narrow::<$t, $side, $n, FEW>,
                Avx512: x86::columns_wide::<$t, $side, $n, $wide>,
            }
        }

        dispatch! {
            fn $middle(channels: usize, ranks: [&[$t]; $n], to: &mut [$t]) {
                base: squares::<$t, $side, $n, FEW>, Avx2: x86::squares_narrow::<$t, $side, $n, FEW>,
                Avx512: x86::squares_wide::<$t, $side, $n, $wide>,
            }
        }
    };
}
ordered!(u8 64, u16 32, f32 32);

/// The plain bodies with blocks as wide as registers are.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Side, columns, columns_of_three, squares, squares_of_three};
    use crate::scratch::Plain;

    macro_rules! widths {
        ($columns:ident $squares:ident $columns3:ident $squares3:ident $features:literal) => {
            #[target_feature(enable = $features)]
            pub(super) fn $columns3<T: PartialOrd + Plain, const N: usize>(
                rows: [&[T]; 3],
                to: [&mut [T]; 3],
            ) {
                columns_of_three::<T, N>(rows, to);
            }

            #[target_feature(enable = $features)]
            pub(super) fn $squares3<T: PartialOrd + Plain, const N: usize>(
                channels: usize,
                ranks: [&[T]; 3],
                to: &mut [T],
            ) {
                squares_of_three::<T, N>(channels, ranks, to);
            }

            #[target_feature(enable = $features)]
            pub(super) fn $columns<
                T: PartialOrd + Plain,
                S: Side<SIDE>,
                const SIDE: usize,
                const N: usize,
            >(
                rows: [&[T]; SIDE],
                to: [&mut [T]; SIDE],
            ) {
                columns::<T, S, SIDE, N>(rows, to);
            }

            #[target_feature(enable = $features)]
            pub(super) fn $squares<
                T: PartialOrd + Plain,
                S: Side<SIDE>,
                const SIDE: usize,
                const N: usize,
            >(
                channels: usize,
                ranks: [&[T]; SIDE],
                to: &mut [T],
            ) {
                squares::<T, S, SIDE, N>(channels, ranks, to);
            }
        };
    }
    widths!(columns_narrow squares_narrow columns3_narrow squares3_narrow "avx2,fma");
    widths!(columns_wide squares_wide columns3_wide squares3_wide "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
}

/// A side of a square.
trait Side<const SIDE: usize> {
    /// In order, rank by rank.
    fn sort<T: PartialOrd + Copy, const N: usize>(values: &mut [[T; N]; SIDE]);

    /// The medians of squares whose columns are in order: of each rank the values of each column.
    fn median<T: PartialOrd + Copy, const N: usize>(ranks: &mut [[[T; N]; SIDE]; SIDE]) -> [T; N];
}

struct Three;
struct Five;
struct Seven;

impl Side<3> for Three {
    #[inline(always)]
    fn sort<T: PartialOrd + Copy, const N: usize>(values: &mut [[T; N]; 3]) {
        sort3(values);
    }

    #[inline(always)]
    fn median<T: PartialOrd + Copy, const N: usize>([low, middle, high]: &mut [[[T; N]; 3]; 3]) -> [T; N] {
        greatest3(low);
        sort3(middle);
        least3(high);
        let mut last = [low[2], middle[1], high[0]];
        sort3(&mut last);
        last[1]
    }
}

impl Side<5> for Five {
    #[inline(always)]
    fn sort<T: PartialOrd + Copy, const N: usize>(values: &mut [[T; N]; 5]) {
        sort5(values);
    }

    #[inline(always)]
    fn median<T: PartialOrd + Copy, const N: usize>(ranks: &mut [[[T; N]; 5]; 5]) -> [T; N] {
        let [r0, r1, r2, r3, r4] = ranks;
        // Not in a loop, which compilers would keep, and the blocks in memory.
        sort5(r0);
        sort5(r1);
        sort5(r2);
        sort5(r3);
        sort5(r4);
        // The middle antidiagonal, of that before it the greatest, of that after it the least.
        let mut before = [r0[3], r1[2], r2[1], r3[0]];
        let mut middle = [r0[4], r1[3], r2[2], r3[1], r4[0]];
        let mut after = [r1[4], r2[3], r3[2], r4[1]];
        greatest4(&mut before);
        sort5(&mut middle);
        least4(&mut after);
        let mut last = [before[3], middle[2], after[0]];
        sort3(&mut last);
        last[1]
    }
}

impl Side<7> for Seven {
    #[inline(always)]
    fn sort<T: PartialOrd + Copy, const N: usize>(values: &mut [[T; N]; 7]) {
        sort7(values);
    }

    #[inline(always)]
    fn median<T: PartialOrd + Copy, const N: usize>(ranks: &mut [[[T; N]; 7]; 7]) -> [T; N] {
        let [r0, r1, r2, r3, r4, r5, r6] = ranks;
        sort7(r0);
        sort7(r1);
        sort7(r2);
        sort7(r3);
        sort7(r4);
        sort7(r5);
        sort7(r6);
        let mut a = [r0[4], r1[3], r2[2], r3[1], r4[0]];
        let mut b = [r0[5], r1[4], r2[3], r3[2], r4[1], r5[0]];
        let mut c = [r0[6], r1[5], r2[4], r3[3], r4[2], r5[1], r6[0]];
        let mut d = [r1[6], r2[5], r3[4], r4[3], r5[2], r6[1]];
        let mut e = [r2[6], r3[5], r4[4], r5[3], r6[2]];
        greatest5(&mut a);
        sort6(&mut b);
        sort7(&mut c);
        sort6(&mut d);
        least5(&mut e);
        // Eleven are left, of which nine are chains of three: the least and the greatest of these are no medians.
        let mut low = [b[3], c[2], d[0]];
        let mut middle = [b[4], c[3], d[1]];
        let mut high = [b[5], c[4], d[2]];
        sort3(&mut low);
        sort3(&mut middle);
        sort3(&mut high);
        let [mut x, y, mut z] = [[low[1], low[2], a[4]], middle, [high[0], high[1], e[0]]];
        sort3(&mut x);
        sort3(&mut z);
        let mut nine = [[x[0], y[0], z[0]], [x[1], y[1], z[1]], [x[2], y[2], z[2]]];
        Three::median(&mut nine)
    }
}

/// What is left of `values` as a block; those behind them are zeros.
#[inline(always)]
fn block<T: Plain, const N: usize>(values: &[T]) -> [T; N] {
    if let Some(whole) = values.first_chunk() {
        return *whole;
    }
    let mut some = [T::default(); N];
    copy_values(&mut some, values);
    some
}

/// [`columns`] of three, whose whole blocks go side by side without a question for the end of each row, which would take longer
/// than the exchanges.
#[inline(always)]
fn columns_of_three<T: PartialOrd + Plain, const N: usize>(rows: [&[T]; 3], to: [&mut [T]; 3]) {
    let [a, b, c] = rows;
    let [low, middle, high] = to;
    let done = a.len() / N * N;
    let whole = blocks::<T, N>(a, 0).iter().zip(blocks::<T, N>(b, 0)).zip(blocks::<T, N>(c, 0));
    let (lows, middles, highs) = (low.as_chunks_mut().0, middle.as_chunks_mut().0, high.as_chunks_mut().0);
    for (((low, middle), high), ((a, b), c)) in lows.iter_mut().zip(middles).zip(highs).zip(whole) {
        let mut values = [*a, *b, *c];
        sort3(&mut values);
        [*low, *middle, *high] = values;
    }
    let rest = [a, b, c].map(|row| row.get(done..).unwrap_or(&[]));
    columns::<T, Three, 3, N>(rest, [low, middle, high].map(|rank| rank.get_mut(done..).unwrap_or(&mut [])));
}

/// [`squares`] of three columns, as [`columns_of_three`].
#[inline(always)]
fn squares_of_three<T: PartialOrd + Plain, const N: usize>(channels: usize, ranks: [&[T]; 3], to: &mut [T]) {
    let [low, middle, high] = ranks;
    let lows =
        blocks::<T, N>(low, 0).iter().zip(blocks(low, channels)).zip(blocks(low, channels.saturating_mul(2)));
    let middles = blocks::<T, N>(middle, 0)
        .iter()
        .zip(blocks(middle, channels))
        .zip(blocks(middle, channels.saturating_mul(2)));
    let highs = blocks::<T, N>(high, 0)
        .iter()
        .zip(blocks(high, channels))
        .zip(blocks(high, channels.saturating_mul(2)));
    let (whole, rest) = to.as_chunks_mut::<N>();
    let done = whole.len() * N;
    for (to, ((((a, b), c), ((d, e), f)), ((g, h), i))) in whole.iter_mut().zip(lows.zip(middles).zip(highs))
    {
        *to = Three::median(&mut [[*a, *b, *c], [*d, *e, *f], [*g, *h, *i]]);
    }
    let ranks = [low, middle, high].map(|rank| rank.get(done..).unwrap_or(&[]));
    squares::<T, Three, 3, N>(channels, ranks, rest);
}

/// The whole blocks of values from a place on.
#[inline(always)]
fn blocks<T, const N: usize>(values: &[T], from: usize) -> &[[T; N]] {
    values.get(from..).unwrap_or(&[]).as_chunks().0
}

#[inline(always)]
fn columns<T: PartialOrd + Plain, S: Side<SIDE>, const SIDE: usize, const N: usize>(
    rows: [&[T]; SIDE],
    mut to: [&mut [T]; SIDE],
) {
    let len = rows.first().map_or(0, |row| row.len());
    for at in (0..len).step_by(N) {
        let mut values = [[T::default(); N]; SIDE];
        for (value, row) in values.iter_mut().zip(rows) {
            *value = block(row.get(at..).unwrap_or(&[]));
        }
        S::sort(&mut values);
        for (to, value) in to.iter_mut().zip(&values) {
            // There is room for a whole block behind each row.
            if let Some(to) = to.get_mut(at..).and_then(|to| to.first_chunk_mut()) {
                *to = *value;
            }
        }
    }
}

#[inline(always)]
fn squares<T: PartialOrd + Plain, S: Side<SIDE>, const SIDE: usize, const N: usize>(
    channels: usize,
    ranks: [&[T]; SIDE],
    to: &mut [T],
) {
    for (i, to) in to.chunks_mut(N).enumerate() {
        let mut blocks = [[[T::default(); N]; SIDE]; SIDE];
        for (columns, values) in blocks.iter_mut().zip(ranks) {
            for (dx, column) in columns.iter_mut().enumerate() {
                if let Some(whole) =
                    values.get(i * N + dx * channels..).and_then(|values| values.first_chunk())
                {
                    *column = *whole;
                }
            }
        }
        let median = S::median(&mut blocks);
        match to.as_mut_array::<N>() {
            Some(to) => *to = median,
            None => copy_values(to, &median),
        }
    }
}

#[cfg(test)]
mod tests;
