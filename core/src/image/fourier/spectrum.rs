//! The coefficients of a few low frequencies, and what they come to as an image.
//!
//! With α and β the phases of a pixel's row and column, a coefficient of k and l waves is the sum of values times
//! cos(α + β) and −sin(α + β), and that of k and −l of cos(α − β) and −sin(α − β). All four are made of the sums with
//! cos α cos β, cos α sin β, sin α cos β and sin α sin β, which two matrix products give: those of a channel are a square
//! of four squares, in that order. The coefficients of −k are the conjugates of these.

use super::super::{Sample, copy_values};
use crate::error::{Error, Result};
use crate::exec::Serial;
use crate::linalg::{Init, Operand, gemm, gemm_scratch_len};
use crate::math;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef, MatMut, MatRef};

/// Channels that are adapted.
pub const MOST_PLANES: usize = 3;
/// Rows that are worked on at a time.
const ROWS: usize = 64;
/// The share of the sum of all distances from the mean up to which an amplitude is none.
const NOTHING: f64 = 1.0 / 1_048_576.0;

/// Which frequencies of an image are low.
#[derive(Clone, Copy, Debug)]
pub struct Low {
    /// The most waves along a side.
    reach: usize,
    height: usize,
    width: usize,
    channels: usize,
}

/// What is known of a channel besides its low frequencies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ground {
    /// What was taken from its values: their mean, of integers a whole number.
    mean: f64,
    /// The amplitude up to which there is none.
    least: f64,
}

impl Low {
    /// Those of up to ⌊`beta` · the shorter side⌋ waves.
    pub fn new(beta: f32, (height, width, channels): (usize, usize, usize)) -> Result<Self> {
        let side = height.min(width);
        if !(0.0..=0.5).contains(&beta) || side == 0 || channels == 0 {
            return Err(Error::InvalidArgument);
        }
        let reach = ((beta * side as f32) as usize).min(side / 2);
        Ok(Self { reach, height, width, channels })
    }

    /// Cosines and sines of all numbers of waves.
    pub const fn side(&self) -> usize {
        2 * (self.reach + 1)
    }

    fn planes(&self) -> usize {
        self.channels.min(MOST_PLANES)
    }

    /// Values in a row of all planes, one after the other.
    fn row(&self) -> usize {
        self.width.saturating_mul(self.planes())
    }

    /// Values in a row of the image.
    const fn line(&self) -> usize {
        self.width.saturating_mul(self.channels)
    }

    /// Values of the spectrum of all planes.
    pub fn spectrum_len(&self) -> usize {
        self.side().saturating_mul(self.side()).saturating_mul(self.planes())
    }

    /// Bytes that all of it takes.
    pub fn scratch_len(&self) -> usize {
        let (side, row, rows) = (self.side(), self.row(), self.height.min(ROWS));
        let products = [
            gemm_scratch_len(side, row, rows),
            gemm_scratch_len(side, side, self.width),
            gemm_scratch_len(side, self.width, side),
            gemm_scratch_len(rows, row, side),
        ];
        ScratchLen::new()
            .with::<f32>(side.saturating_mul(self.height))
            .with::<f32>(side.saturating_mul(self.width))
            .with::<f32>(side.saturating_mul(row))
            .with::<f32>(rows.saturating_mul(row))
            .with::<f32>(self.line())
            .with::<f32>(self.line())
            .with::<f32>(self.line())
            .with::<f32>(self.spectrum_len())
            .with::<f32>(self.spectrum_len())
            .with_bytes(products.into_iter().fold(0, usize::max))
            .bytes()
    }

    const fn pixels(&self) -> f64 {
        self.height as f64 * self.width as f64
    }

    /// Turns the spectrum of a channel into that of what is to be added, so that it has `their` amplitudes; with the weights
    /// that each pair of signs has in the sum of all waves.
    pub fn exchange(&self, (ours, our): (&mut [f32], &Ground), (theirs, their): (&[f32], &Ground)) {
        let (half, side) = (self.reach + 1, self.side());
        // A wave of no or of half the pixels along a side is its own conjugate.
        let own = |waves: usize, pixels: usize| waves == 0 || 2 * waves == pixels;
        for k in 0..half {
            for l in 0..half {
                let down = if own(k, self.height) { 1.0 } else { 2.0 };
                let across = if own(l, self.width) { 0.5 } else { 1.0 };
                let weight = down * across / self.pixels();
                let at = [(k, l), (k, half + l), (half + k, l), (half + k, half + l)];
                let at = at.map(|(row, column)| row * side + column);
                let mean = |ground: &Ground| if k + l == 0 { ground.mean * self.pixels() } else { 0.0 };
                let ([a, b], [x, y]) = (waves(ours, at, mean(our)), waves(theirs, at, mean(their)));
                let [[ap, aq], [bp, bq]] = [change(a, x, our.least), change(b, y, our.least)];
                for (i, v) in at.into_iter().zip([ap + bp, aq - bq, aq + bq, bp - ap]) {
                    ours.get_mut(i).into_iter().for_each(|to| *to = (v * weight) as f32);
                }
            }
        }
    }
}

/// The two coefficients (real part, imaginary part turned round) that the sums at these places make.
fn waves(sums: &[f32], at: [usize; 4], mean: f64) -> [[f64; 2]; 2] {
    let [cc, cs, sc, ss] = at.map(|i| sums.get(i).copied().map_or(0.0, f64::from));
    let cc = cc + mean;
    [[cc - ss, sc + cs], [cc + ss, sc - cs]]
}

/// What a coefficient changes by when it gets the amplitude of another.
fn change([p, q]: [f64; 2], [x, y]: [f64; 2], least: f64) -> [f64; 2] {
    let (old, new) = (libm::sqrt(p * p + q * q), libm::sqrt(x * x + y * y));
    if old > least {
        let by = new / old - 1.0;
        [p * by, q * by]
    } else {
        [new - p, -q]
    }
}

/// Cosines, then sines: for each number of waves up to `reach` a row of those at each of `n` pixels.
fn fill(waves: &mut [f32], reach: usize, n: usize) {
    let (cosines, sines) = super::super::split(waves, (reach + 1) * n);
    let rows = cosines.chunks_exact_mut(n.max(1)).zip(sines.chunks_exact_mut(n.max(1)));
    for (k, (cosines, sines)) in rows.enumerate() {
        let mut part = 0;
        for (cos, sin) in cosines.iter_mut().zip(sines) {
            (*cos, *sin) = turn(part, n);
            part += k;
            part -= if part >= n { n } else { 0 };
        }
    }
}

/// Cosine and sine of `part` of the `n` parts of a full turn: those of up to an eighth of a turn, mirrored, so that quarters are
/// exact and halves of a wave cancel.
fn turn(part: usize, n: usize) -> (f32, f32) {
    // In eighths of a part: an eighth of a turn is n of them.
    let (at, n) = (part as u64 * 8, n as u64);
    let (at, below) = if at > 4 * n { (8 * n - at, true) } else { (at, false) };
    let (at, left) = if at > 2 * n { (4 * n - at, true) } else { (at, false) };
    let (at, steep) = if at > n { (2 * n - at, true) } else { (at, false) };
    let angle = (at as f64 * core::f64::consts::FRAC_PI_4 / n as f64) as f32;
    let (cos, sin) = (math::cos(angle), math::sin(angle));
    let (cos, sin) = if steep { (sin, cos) } else { (cos, sin) };
    (if left { -cos } else { cos }, if below { -sin } else { sin })
}

/// What both images are worked out in.
#[derive(Debug)]
pub struct Memory<'a> {
    /// Waves along the height and along the width.
    down: &'a [f32],
    across: &'a [f32],
    /// The sums along columns: a row of all planes for each wave.
    sums: &'a mut [f32],
    /// Rows of planes.
    rows: &'a mut [f32],
    /// A row of the image as numbers, one to be added to it, and one of sums.
    line: &'a mut [f32],
    ground: &'a mut [f32],
    columns: &'a mut [f32],
}

impl<'a> Memory<'a> {
    pub fn take(low: &Low, scratch: &mut Scratch<'a>) -> Result<Self> {
        let mut table = |n: usize| -> Result<&'a [f32]> {
            let waves = scratch.take(low.side().saturating_mul(n))?;
            fill(waves, low.reach, n);
            Ok(waves)
        };
        let (down, across) = (table(low.height)?, table(low.width)?);
        let rows = low.height.min(ROWS).saturating_mul(low.row());
        Ok(Self {
            down,
            across,
            sums: scratch.take(low.side().saturating_mul(low.row()))?,
            rows: scratch.take(rows)?,
            line: scratch.take(low.line())?,
            ground: scratch.take(low.line())?,
            columns: scratch.take(low.line())?,
        })
    }

    /// The spectrum of each plane of `image` into `out`, and what else there is to know of it.
    pub fn spectrum<T: Sample>(
        &mut self,
        level: Level,
        low: &Low,
        image: ImageRef<'_, T>,
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<[Ground; MOST_PLANES]> {
        let (side, row) = (low.side(), low.row());
        let means = self.means(level, low, image);
        self.columns.fill(0.0);
        let mut lines = image.iter_rows();
        for start in (0..low.height).step_by(ROWS) {
            let n = (low.height - start).min(ROWS);
            let rows = self.rows.get_mut(..n * row).unwrap_or(&mut []);
            for (to, from) in rows.chunks_exact_mut(row.max(1)).zip(&mut lines) {
                copy_values(self.line, self.ground);
                T::add_scaled(level, from, self.line, 1.0);
                add_sizes(level, self.line, self.columns);
                part(level, self.line, low.channels, low.width, to);
            }
            let down = MatRef::with_stride(self.down.get(start..).unwrap_or(&[]), side, n, low.height)?;
            let init = if start == 0 { Init::Zero } else { Init::Keep };
            let sums = MatMut::new(self.sums, side, row)?;
            let rows = Operand::n(MatRef::new(rows, n, row)?);
            gemm(level, &Serial, Operand::n(down), rows, init, sums, scratch)?;
        }
        let across = Operand::t(MatRef::new(self.across, side, low.width)?);
        for (i, out) in out.chunks_exact_mut(side.saturating_mul(side).max(1)).enumerate() {
            let plane = self.sums.get(i * low.width..).unwrap_or(&[]);
            let plane = Operand::n(MatRef::with_stride(plane, side, low.width, row)?);
            gemm(level, &Serial, plane, across, Init::Zero, MatMut::new(out, side, side)?, scratch)?;
        }
        let away = by_channel(self.columns, low.channels);
        let mut grounds = [Ground::default(); MOST_PLANES];
        for ((ground, mean), away) in grounds.iter_mut().zip(means).zip(away) {
            *ground = Ground { mean: f64::from(mean), least: away * NOTHING };
        }
        Ok(grounds)
    }

    /// The means of the planes, of integers whole numbers; and what takes them from a row.
    fn means<T: Sample>(&mut self, level: Level, low: &Low, image: ImageRef<'_, T>) -> [f32; MOST_PLANES] {
        self.columns.fill(0.0);
        image.iter_rows().for_each(|row| T::add_scaled(level, row, self.columns, 1.0));
        let sums = by_channel(self.columns, low.channels);
        let mut means = [0.0; MOST_PLANES];
        for (mean, sum) in means.iter_mut().zip(sums) {
            *mean = T::from_f32((sum / low.pixels()) as f32).to_f32();
        }
        self.ground.fill(0.0);
        for pixel in self.ground.chunks_exact_mut(low.channels.max(1)) {
            pixel.iter_mut().zip(means).for_each(|(to, mean)| *to = -mean);
        }
        means
    }

    /// Adds the image of the `spectrum` to `image`.
    pub fn add<T: Sample>(
        &mut self,
        level: Level,
        low: &Low,
        spectrum: &[f32],
        mut image: ImageMut<'_, T>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (side, row) = (low.side(), low.row());
        let across = Operand::n(MatRef::new(self.across, side, low.width)?);
        for (i, plane) in spectrum.chunks_exact(side.saturating_mul(side).max(1)).enumerate() {
            let to = self.sums.get_mut(i * low.width..).unwrap_or(&mut []);
            let to = MatMut::with_stride(to, side, low.width, row)?;
            let plane = Operand::n(MatRef::new(plane, side, side)?);
            gemm(level, &Serial, plane, across, Init::Zero, to, scratch)?;
        }
        // Channels after the planes stay.
        self.line.fill(0.0);
        let mut lines = image.iter_rows_mut();
        for start in (0..low.height).step_by(ROWS) {
            let n = (low.height - start).min(ROWS);
            let rows = self.rows.get_mut(..n * row).unwrap_or(&mut []);
            let down = MatRef::with_stride(self.down.get(start..).unwrap_or(&[]), side, n, low.height)?;
            let sums = Operand::n(MatRef::new(self.sums, side, row)?);
            let to = MatMut::new(rows, n, row)?;
            gemm(level, &Serial, Operand::t(down), sums, Init::Zero, to, scratch)?;
            for (from, to) in rows.chunks_exact(row.max(1)).zip(&mut lines) {
                join(level, from, low.channels, low.width, self.line);
                T::add_scaled(level, to, self.line, 1.0);
                T::of_sums(level, self.line, to);
                self.line.fill(0.0);
            }
        }
        Ok(())
    }
}

/// The sums of the first channels of a row, in `f64`, in order.
fn by_channel(row: &[f32], channels: usize) -> [f64; MOST_PLANES] {
    let mut sums = [0.0; MOST_PLANES];
    for pixel in row.chunks_exact(channels.max(1)) {
        sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += f64::from(*v));
    }
    sums
}

kernel! {
    /// Adds the size of each value to the sum in its place.
    fn add_sizes(line: &[f32], sums: &mut [f32]) = sizes_body;
}

kernel! {
    /// The first channels of a row one after the other.
    fn part(line: &[f32], channels: usize, width: usize, planes: &mut [f32]) = part_body;
}

kernel! {
    /// Planes as the first channels of a row.
    fn join(planes: &[f32], channels: usize, width: usize, line: &mut [f32]) = join_body;
}

#[inline(always)]
fn sizes_body(line: &[f32], sums: &mut [f32]) {
    for (sum, v) in sums.iter_mut().zip(line) {
        *sum += math::abs(*v);
    }
}

#[inline(always)]
fn part_body(line: &[f32], channels: usize, width: usize, planes: &mut [f32]) {
    if let (3, [a, b, c]) = (channels, three(planes, width)) {
        for (((pixel, a), b), c) in line.as_chunks::<3>().0.iter().zip(a).zip(b).zip(c) {
            [*a, *b, *c] = *pixel;
        }
        return;
    }
    for (i, plane) in planes.chunks_exact_mut(width.max(1)).enumerate() {
        let values = line.get(i..).unwrap_or(&[]).iter().step_by(channels.max(1));
        plane.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
    }
}

/// Three planes of `width`.
#[inline(always)]
fn three(planes: &mut [f32], width: usize) -> [&mut [f32]; 3] {
    let (a, rest) = super::super::split(planes, width);
    let (b, c) = super::super::split(rest, width);
    [a, b, c]
}

#[inline(always)]
fn join_body(planes: &[f32], channels: usize, width: usize, line: &mut [f32]) {
    for (i, plane) in planes.chunks_exact(width.max(1)).enumerate() {
        let values = line.get_mut(i..).unwrap_or(&mut []).iter_mut().step_by(channels.max(1));
        values.zip(plane).for_each(|(to, from)| *to = *from);
    }
}
