//! Blocks of 8 × 8 values: the cosine transform, quantisation and both undone, of many blocks side by side.
//!
//! The transform is that of Loeffler, Ligtenberg and Moschytz (1989) in integers with factors of 13 fractional bits. Values keep
//! two fractional bits between rows and columns, and come out eightfold. All fit 16 bits, as do sums of two.

/// Blocks that are worked on at a time, and columns of them.
const BLOCKS: usize = 16;
pub(super) const COLUMNS: usize = 8 * BLOCKS;

/// Rows of a group of blocks: first the first columns of all of them, then the second ones, and so on.
type Group = [[i16; COLUMNS]; 8];

/// The steps of luma at a quality of 50 (ITU-T T.81, Table K.1).
const LUMA: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, //
    12, 12, 14, 19, 26, 58, 60, 55, //
    14, 13, 16, 24, 40, 57, 69, 56, //
    14, 17, 22, 29, 51, 87, 80, 62, //
    18, 22, 37, 56, 68, 109, 103, 77, //
    24, 35, 55, 64, 81, 104, 113, 92, //
    49, 64, 78, 87, 103, 121, 120, 101, //
    72, 92, 95, 98, 112, 100, 103, 99,
];
/// The steps of chroma (Table K.2).
const CHROMA: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, //
    18, 21, 26, 66, 99, 99, 99, 99, //
    24, 26, 56, 99, 99, 99, 99, 99, //
    47, 66, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// How a frequency is rounded.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    /// The distance of what is left.
    step: u16,
    /// The 65536th parts whose product is 1 / (8 · `step`).
    inverse: u16,
    scale: u16,
}

impl Step {
    /// With 2ⁿ⁻¹ < `step` ≤ 2ⁿ for the least n, the inverse is the least whole number that is not below 2¹⁵⁺ⁿ / `step`: too large
    /// by less than 1, which times values below 2¹⁴ is too little to reach the next quotient.
    const fn new(step: u16) -> Self {
        let step = if step == 0 { 1 } else { step };
        let n = (step - 1).checked_ilog2();
        let n = if let Some(n) = n { n + 1 } else { 0 };
        Self { step, inverse: (1u32 << (15 + n)).div_ceil(step as u32) as u16, scale: 1 << (14 - n) }
    }
}

/// How all frequencies are rounded: rows of a block, from the lowest one on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps([[Step; 8]; 8]);

impl Steps {
    /// Of luma at a quality of 1 to 100.
    pub fn luma(quality: u32) -> Self {
        Self::scaled(&LUMA, quality)
    }

    /// Of chroma.
    pub fn chroma(quality: u32) -> Self {
        Self::scaled(&CHROMA, quality)
    }

    fn scaled(table: &[u16; 64], quality: u32) -> Self {
        let quality = quality.clamp(1, 100);
        let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
        let mut steps = [[Step::default(); 8]; 8];
        for (to, from) in steps.as_flattened_mut().iter_mut().zip(table) {
            let step = (u32::from(*from) * percent + 50) / 100;
            *to = Step::new(step.clamp(1, 255) as u16);
        }
        Self(steps)
    }
}

kernel! {
    /// Does all of it to eight rows of `room` values, whole groups of blocks.
    pub(super) fn coded(rows: &mut [u8], room: usize, steps: &Steps) = coded_body, with avx512;
}

#[inline(always)]
fn coded_body(rows: &mut [u8], room: usize, steps: &Steps) {
    let lanes = lanes(steps);
    for at in (0..room).step_by(COLUMNS) {
        let mut group: Group = [[0; COLUMNS]; 8];
        for (to, row) in group.iter_mut().zip(rows.chunks_exact(room.max(1))) {
            if let Some(row) = row.get(at..).and_then(|row| row.first_chunk()) {
                by_column(row, to);
                along(to, forward::<FIRST>);
            }
        }
        down(&mut group, forward::<LAST>);
        quantised(&mut group, &lanes);
        down(&mut group, inverse::<FIRST>);
        for (from, row) in group.iter_mut().zip(rows.chunks_exact_mut(room.max(1))) {
            along(from, inverse::<LAST>);
            if let Some(row) = row.get_mut(at..).and_then(|row| row.first_chunk_mut()) {
                by_block(from, row);
            }
        }
    }
}

/// Values of the first half and of the second one in turn: indices lose their highest bit and get it back as the lowest.
#[inline(always)]
fn in_turn(values: &[u8; COLUMNS]) -> [u8; COLUMNS] {
    let mut out = [0; COLUMNS];
    let (low, high) = values.split_at_checked(COLUMNS / 2).unwrap_or_default();
    for (pair, (a, b)) in out.as_chunks_mut::<2>().0.iter_mut().zip(low.iter().zip(high)) {
        *pair = [*a, *b];
    }
    out
}

/// A row as in [`Group`], about 0.
#[inline(always)]
fn by_column(row: &[u8; COLUMNS], to: &mut [i16; COLUMNS]) {
    // The four bits of the block change places with the three of its columns.
    let row = in_turn(&in_turn(&in_turn(&in_turn(row))));
    for (to, value) in to.iter_mut().zip(&row) {
        *to = *value as i16 - 128;
    }
}

/// The opposite of [`by_column`], with what is out of range moved there.
#[inline(always)]
fn by_block(row: &[i16; COLUMNS], to: &mut [u8; COLUMNS]) {
    let mut levels = [0; COLUMNS];
    for (to, value) in levels.iter_mut().zip(row) {
        *to = value.saturating_add(128).clamp(0, 255) as u8;
    }
    *to = in_turn(&in_turn(&in_turn(&levels)));
}

/// A transform of the columns of a group.
#[inline(always)]
fn down(group: &mut Group, one: impl Fn([i16; 8]) -> [i16; 8]) {
    each(group, one);
}

/// A transform of a row of each block.
#[inline(always)]
fn along(row: &mut [i16; COLUMNS], one: impl Fn([i16; 8]) -> [i16; 8]) {
    if let Some(columns) = row.as_chunks_mut::<BLOCKS>().0.as_mut_array::<8>() {
        each(columns, one);
    }
}

#[inline(always)]
fn each<const N: usize>(values: &mut [[i16; N]; 8], one: impl Fn([i16; 8]) -> [i16; 8]) {
    let [a, b, c, d, e, f, g, h] = values;
    let low = a.iter_mut().zip(b).zip(c).zip(d);
    let high = e.iter_mut().zip(f).zip(g).zip(h);
    for ((((a, b), c), d), (((e, f), g), h)) in low.zip(high) {
        [*a, *b, *c, *d, *e, *f, *g, *h] = one([*a, *b, *c, *d, *e, *f, *g, *h]);
    }
}

/// Whether a transform is the first of two.
const FIRST: bool = true;
const LAST: bool = false;

/// `x` / 2ⁿ, rounded half up.
#[inline(always)]
fn share(x: i32, n: u32) -> i16 {
    // Nothing is cut off, but this is one instruction.
    ((x + (1 << (n - 1))) >> n).clamp(i16::MIN as i32, i16::MAX as i32) as i16
}

/// The lower two of the even frequencies that are no sums: √2·cos and √2·sin of π / 8.
#[inline(always)]
fn turned(a: i16, b: i16) -> [i32; 2] {
    let (a, b) = (a as i32, b as i32);
    [a * 10703 + b * 4433, a * 4433 - b * 10704]
}

/// The odd part of both transforms.
#[inline(always)]
fn odd([a, b, c, d]: [i16; 4]) -> [i32; 4] {
    let (x, y) = ((a + c) as i32, (b + d) as i32);
    let (x, y) = (y * 9633 - x * 6436, x * 9633 + y * 6437);
    let (a, b, c, d) = (a as i32, b as i32, c as i32, d as i32);
    [x - a * 4927 - d * 7373, y - b * 4176 - c * 20995, x + c * 4177 - b * 20995, y + d * 4926 - a * 7373]
}

#[inline(always)]
fn forward<const PASS: bool>([a, b, c, d, e, f, g, h]: [i16; 8]) -> [i16; 8] {
    let bits = if PASS { 11 } else { 15 };
    let whole = |x: i16| if PASS { x << 2 } else { (x + 2) >> 2 };
    let [x0, x1, x2, x3] = [a + h, b + g, c + f, d + e];
    let (y0, y1, y2, y3) = (x0 + x3, x1 + x2, x1 - x2, x0 - x3);
    let [two, six] = turned(y3, y2);
    let [seven, five, three, one] = odd([d - e, c - f, b - g, a - h]);
    let of = |x| share(x, bits);
    [whole(y0 + y1), of(one), of(two), of(three), whole(y0 - y1), of(five), of(six), of(seven)]
}

#[inline(always)]
fn inverse<const PASS: bool>([a, b, c, d, e, f, g, h]: [i16; 8]) -> [i16; 8] {
    let bits = if PASS { 11 } else { 18 };
    let [x, y] = turned(c, g);
    let (sum, difference) = (((a + e) as i32) << 13, ((a - e) as i32) << 13);
    let [x0, x1, x2, x3] = [sum + x, difference + y, difference - y, sum - x];
    let [y3, y2, y1, y0] = odd([h, f, d, b]);
    let of = |x| share(x, bits);
    [of(x0 + y0), of(x1 + y1), of(x2 + y2), of(x3 + y3), of(x3 - y3), of(x2 - y2), of(x1 - y1), of(x0 - y0)]
}

/// How each value of a row is rounded.
#[derive(Clone, Copy)]
struct Lanes {
    step: [u16; COLUMNS],
    inverse: [u16; COLUMNS],
    scale: [u16; COLUMNS],
}

/// The steps beside the values that they are for: compilers then make vectors of the blocks, and not of the steps.
#[inline(always)]
fn lanes(steps: &Steps) -> [Lanes; 8] {
    let none = [0; COLUMNS];
    let mut lanes = [Lanes { step: none, inverse: none, scale: none }; 8];
    for (lanes, steps) in lanes.iter_mut().zip(&steps.0) {
        let [step, inverse, scale] =
            [&mut lanes.step, &mut lanes.inverse, &mut lanes.scale].map(|to| to.as_chunks_mut::<BLOCKS>().0);
        for (((step, inverse), scale), one) in step.iter_mut().zip(inverse).zip(scale).zip(steps) {
            (*step, *inverse, *scale) = ([one.step; BLOCKS], [one.inverse; BLOCKS], [one.scale; BLOCKS]);
        }
    }
    lanes
}

/// Rounds frequencies to their steps, halves away from 0. The transform made them eightfold, and its inverse takes them as they
/// are.
#[inline(always)]
fn quantised(group: &mut Group, lanes: &[Lanes; 8]) {
    let high = |a: u16, b: u16| ((a as u32 * b as u32) >> 16) as u16;
    for (row, lanes) in group.iter_mut().zip(lanes) {
        let steps = lanes.step.iter().zip(&lanes.inverse).zip(&lanes.scale);
        for (value, ((step, inverse), scale)) in row.iter_mut().zip(steps) {
            let size = (high(high(value.unsigned_abs() + 4 * step, *inverse), *scale) * step) as i16;
            *value = if *value < 0 { -size } else { size };
        }
    }
}
