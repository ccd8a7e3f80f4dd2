//! Colour jitter of 8-bit values: as many steps as there are up to the next contrast, which needs the mean of the whole
//! picture, are done on a piece of the picture at a time, whose colours are taken apart once for all of them.

use super::super::hue::{sixths, turn};
use super::*;

/// [`Jitter::apply`] with factors that have been checked.
pub(in super::super) fn in_integers(
    level: Level,
    mut image: ImageMut<'_, u8>,
    steps: &[Adjust],
) -> Result<()> {
    let mut table = Table::identity();
    for part in steps.split_inclusive(|step| matches!(step, Adjust::Contrast(_))) {
        let mut pass = Pass { steps: [Step::Still; 5], len: 0 };
        pass.push(Step::Table(table));
        table = Table::identity();
        for &step in part {
            match step {
                Adjust::Brightness(factor) => pass.push(Step::Table(Table::brightness(factor)?)),
                _ if image.channels() < 3 => {}
                Adjust::Saturation(factor) if factor < 2.0 => pass.push(Step::saturation(factor)),
                Adjust::Saturation(factor) => pass.push(Step::Matrix(ColourMatrix::saturation(factor)?)),
                Adjust::Hue(turns) => pass.push(Step::Hue(sixths(turns - math::floor(turns)))),
                Adjust::Contrast(_) => {}
            }
        }
        pass.run(level, &mut image);
        if let Some(&Adjust::Contrast(factor)) = part.last() {
            table = Table::contrast(factor, grey_mean(level, image.as_ref()))?;
        }
    }
    if table != Table::identity() {
        table.apply_colours(level, &mut image);
    }
    Ok(())
}

/// What is done to each pixel by itself.
#[derive(Clone, Copy)]
#[expect(
    clippy::large_enum_variant,
    reason = "five of them at a time, and no allocator to put a table elsewhere"
)]
enum Step {
    Still,
    Table(Table),
    /// The factor with 14 fractional bits.
    Saturation(i16),
    Matrix(ColourMatrix),
    Hue(u16),
}

impl Step {
    /// Of a factor below 2.
    fn saturation(factor: f32) -> Self {
        Step::Saturation(math::min(math::round_half_up(factor * 16384.0), 32767.0) as i16)
    }
}

/// Steps that are done in one pass over the image.
struct Pass {
    steps: [Step; 5],
    len: usize,
}

/// Blocks that are worked on at a time.
const BLOCKS: usize = 8;

impl Pass {
    /// One step more; tables that follow each other become one.
    fn push(&mut self, step: Step) {
        let last = self.len.checked_sub(1).and_then(|last| self.steps.get_mut(last));
        match (last, step) {
            (Some(Step::Table(before)), Step::Table(next)) => *before = before.then(&next),
            _ => {
                if let Some(to) = self.steps.get_mut(self.len) {
                    *to = step;
                    self.len += 1;
                }
            }
        }
    }

    fn run(&self, level: Level, image: &mut ImageMut<'_, u8>) {
        let steps = self.steps.get(..self.len).unwrap_or(&[]);
        match steps {
            [] => {}
            [Step::Table(table)] if *table == Table::identity() => {}
            [Step::Table(table)] => table.apply_colours(level, image),
            [Step::Table(table), steps @ ..] if *table == Table::identity() => in_pieces(level, image, steps),
            steps => in_pieces(level, image, steps),
        }
    }
}

fn in_pieces(level: Level, image: &mut ImageMut<'_, u8>, steps: &[Step]) {
    let channels = image.channels();
    let mut blocks = [[[0; BLOCK]; 3]; BLOCKS];
    let mut each = |values: &mut [u8]| {
        for piece in values.chunks_mut((BLOCKS * BLOCK).saturating_mul(channels).max(1)) {
            let pixels = piece.len().checked_div(channels).unwrap_or(0);
            let blocks = blocks.get_mut(..pixels.div_ceil(BLOCK)).unwrap_or(&mut []);
            take_apart(level, piece, channels, blocks);
            for step in steps {
                match step {
                    Step::Still => {}
                    Step::Table(table) => table.apply_to(level, blocks.as_flattened_mut().as_flattened_mut()),
                    Step::Saturation(factor) => saturate(level, blocks, *factor),
                    Step::Matrix(matrix) => map_all(level, blocks, matrix),
                    Step::Hue(sixths) => turn_all(level, blocks, *sixths),
                }
            }
            put_together(level, blocks, channels, piece);
        }
    };
    if image.as_ref().is_dense() {
        return each(image.data_mut());
    }
    image.iter_rows_mut().for_each(each);
}

kernel! {
    fn take_apart(pixels: &[u8], channels: usize, blocks: &mut [Colours<u8>]) = take_apart_body, with avx512;
}

#[inline(always)]
fn take_apart_body(pixels: &[u8], channels: usize, blocks: &mut [Colours<u8>]) {
    for (to, from) in blocks.iter_mut().zip(pixels.chunks(BLOCK.saturating_mul(channels).max(1))) {
        *to = spread(from, channels);
    }
}

kernel! {
    fn put_together(blocks: &[Colours<u8>], channels: usize, pixels: &mut [u8]) = put_together_body, with avx512;
}

#[inline(always)]
fn put_together_body(blocks: &[Colours<u8>], channels: usize, pixels: &mut [u8]) {
    for (from, to) in blocks.iter().zip(pixels.chunks_mut(BLOCK.saturating_mul(channels).max(1))) {
        close(from, channels, to);
    }
}

kernel! {
    fn map_all(blocks: &mut [Colours<u8>], matrix: &ColourMatrix) = map_all_body, with avx512;
}

#[inline(always)]
fn map_all_body(blocks: &mut [Colours<u8>], matrix: &ColourMatrix) {
    // A loop, since what takes a closure may be compiled by itself, for the base level.
    for colours in blocks {
        map(colours, matrix);
    }
}

kernel! {
    fn turn_all(blocks: &mut [Colours<u8>], sixths: u16) = turn_all_body, with avx512;
}

#[inline(always)]
fn turn_all_body(blocks: &mut [Colours<u8>], sixths: u16) {
    for colours in blocks {
        turn(colours, sixths);
    }
}

kernel! {
    fn saturate(blocks: &mut [Colours<u8>], factor: i16) = saturate_body, with avx512;
}

/// grey + (v − grey) · factor, in 16 bits.
#[inline(always)]
fn saturate_body(blocks: &mut [Colours<u8>], factor: i16) {
    for [r, g, b] in blocks {
        for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
            let weighed = |[red, green, blue]: [u16; 3]| {
                u16::from(*r) * red + u16::from(*g) * green + u16::from(*b) * blue
            };
            // The weights of Rec. 601 with 16 bits, their upper and their lower eight; neither sum is above 255 · 256.
            let grey = weighed([76, 150, 29]) + ((weighed([139, 70, 47]) + 128) >> 8);
            // 5 fractional bits: what is cut off moves the result by (1 − factor) / 64 of a level in the mean.
            let grey = (grey >> 3) as i16;
            let channel = |v: u8| {
                let away = (i16::from(v) << 7) - (grey << 2);
                // 7 + 14 − 16 bits: from −226 · 2⁵ to 481 · 2⁵.
                let moved = ((i32::from(away) * i32::from(factor)) >> 16) as i16;
                let value = (grey + moved + 16) >> 5;
                value.clamp(0, 255) as u8
            };
            (*r, *g, *b) = (channel(*r), channel(*g), channel(*b));
        }
    }
}

impl Table {
    /// Maps the colours of `image`, and not what four and more channels have besides.
    fn apply_colours(&self, level: Level, image: &mut ImageMut<'_, u8>) {
        if image.channels() <= 3 {
            return self.apply_in_place(level, image.reborrow());
        }
        let channels = image.channels();
        for row in image.iter_rows_mut() {
            for value in row.chunks_exact_mut(channels.max(1)).flat_map(|pixel| pixel.iter_mut().take(3)) {
                *value = self.get(*value);
            }
        }
    }
}

/// The sums of a row of 8-bit values.
pub(in super::super) fn sums_of_bytes(level: Level, row: &[u8], channels: usize) -> [f64; 3] {
    let mut sums = [0u64; 3];
    if channels == 3 {
        add_up(level, row, &mut sums);
    } else {
        for (sum, c) in sums.iter_mut().zip(0..channels) {
            let values = row.get(c..).unwrap_or(&[]).iter().step_by(channels.max(1));
            *sum = values.map(|&v| u64::from(v)).sum();
        }
    }
    sums.map(|sum| sum as f64)
}

kernel! {
    fn add_up(row: &[u8], sums: &mut [u64; 3]) = add_up_body, with avx512;
}

#[inline(always)]
fn add_up_body(row: &[u8], sums: &mut [u64; 3]) {
    const LANES: usize = 192;
    // A lane of 16 bits holds 257 values.
    for part in row.chunks(LANES * 257) {
        let mut lanes = [0u16; LANES];
        let (whole, rest) = part.as_chunks::<LANES>();
        for values in whole {
            for (lane, &v) in lanes.iter_mut().zip(values) {
                *lane += u16::from(v);
            }
        }
        for (lane, &v) in lanes.iter_mut().zip(rest) {
            *lane += u16::from(v);
        }
        for three in lanes.as_chunks::<3>().0 {
            for (sum, &lane) in sums.iter_mut().zip(three) {
                *sum += u64::from(lane);
            }
        }
    }
}
