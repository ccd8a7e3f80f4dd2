//! A codebook: vectors that others are rounded to, and that follow what is rounded to them.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::distance::{scan, scan_scratch_len};
use crate::linalg::{squared_distance, sum_of_squares};
use crate::math;
use crate::nn::{Engine, rows};
use crate::rng::{Key, Stream};
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::MatRef;
use core::ops::ControlFlow;

/// The purpose of the streams that codes start from; see [`Key::new`].
pub const CODEBOOK_PURPOSE: u32 = 30;

/// Codes at most: whole numbers up to here are exact in `f32`, as which networks read them.
const MOST_CODES: usize = 1 << 24;

/// The running count of a new code, as a share of the mean: little, so that it soon lies where it is needed, and enough
/// that it is not taken for dead at once.
pub(super) const FRESH: f32 = 0.1;

/// Vectors that others are rounded to: that of code k is row k of a table.
///
/// All of a codebook lies in one slice of [`Codebook::state_len`] values that the caller owns: the table `[codes, dim]`, the
/// running count of each code, and the running sums `[codes, dim]` of what was rounded to it.
///
/// ```
/// use seedbed::generate::{Codebook, Usage};
/// use seedbed::{Level, Scratch, exec::Serial, nn::Engine};
///
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let book = Codebook::new(2, 1)?;
/// let rows = [0.0, 0.5, 4.0, 4.5, 5.0];
/// let mut memory = vec![0; book.scratch_len(5)];
/// let mut state = vec![0.0; book.state_len()];
/// book.init(on.level, 1, &rows[1..3], &mut state, &mut Scratch::new(&mut memory))?;
/// let (mut codes, mut squared) = ([0; 5], [0.0; 5]);
/// book.nearest(on, &state, &rows, (&mut codes, &mut squared), &mut Scratch::new(&mut memory))?;
/// assert!(codes[0] == codes[1] && codes[2] != codes[1] && codes[3] == codes[2]);
/// assert_eq!(squared, [0.25, 0.0, 0.0, 0.25, 1.0]);
/// let usage = Usage::of(&[2.0, 2.0]);
/// assert_eq!((usage.codes, usage.perplexity), (2, 2.0));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codebook {
    pub(super) codes: usize,
    pub(super) dim: usize,
}

impl Codebook {
    /// A codebook of so many codes of `dim` values each.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no codes or values, [`Error::Overflow`] for more than 2²⁴ codes or a state that does not
    /// fit the address space.
    pub fn new(codes: usize, dim: usize) -> Result<Self> {
        if codes == 0 || dim == 0 {
            return Err(Error::InvalidArgument);
        }
        let values = codes.checked_mul(dim).and_then(|n| n.checked_mul(2)).and_then(|n| n.checked_add(codes));
        if codes > MOST_CODES || values.is_none() {
            return Err(Error::Overflow);
        }
        Ok(Self { codes, dim })
    }

    /// How many codes there are.
    pub const fn codes(&self) -> usize {
        self.codes
    }

    /// Values of a code.
    pub const fn dim(&self) -> usize {
        self.dim
    }

    /// Values of the table.
    pub(super) const fn table_len(&self) -> usize {
        self.codes * self.dim
    }

    /// Values of table, counts and sums.
    pub const fn state_len(&self) -> usize {
        2 * self.table_len() + self.codes
    }

    /// Bytes of scratch that each operation takes for so many rows; `usize::MAX` where that is too large.
    pub const fn scratch_len(&self, rows: usize) -> usize {
        let nearest = ScratchLen::new()
            .with::<u32>(rows.saturating_mul(2))
            .with_bytes(scan_scratch_len(rows, self.codes, self.dim));
        let follow = ScratchLen::new().with::<f32>(self.codes).with::<f32>(self.table_len());
        nearest.max(follow).max(ScratchLen::new().with::<f32>(rows)).bytes()
    }

    pub(super) fn split_mut<'a>(&self, state: &'a mut [f32]) -> Result<[&'a mut [f32]; 3]> {
        if state.len() != self.state_len() {
            return Err(Error::ShapeMismatch);
        }
        let (table, rest) = state.split_at_mut_checked(self.table_len()).unwrap_or_default();
        let (counts, sums) = rest.split_at_mut_checked(self.codes).unwrap_or_default();
        Ok([table, counts, sums])
    }

    /// The vectors of a state, one row for each code.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `state` has not [`Codebook::state_len`] values.
    pub fn table<'a>(&self, state: &'a [f32]) -> Result<&'a [f32]> {
        if state.len() != self.state_len() {
            return Err(Error::ShapeMismatch);
        }
        Ok(state.get(..self.table_len()).unwrap_or(&[]))
    }

    /// Starts from `rows`: each code is one of them, drawn with a probability that grows with its squared distance from
    /// those drawn before (k-means++, Arthur, Vassilvitskii 2007). Where fewer rows differ, some codes are equal.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::TooFewSamples`] for no rows, [`Error::NotFinite`] for
    /// a row that is not or whose distances are not, [`Error::ScratchTooSmall`].
    pub fn init(
        &self,
        level: Level,
        seed: u64,
        rows: &[f32],
        state: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let n = rows::count(rows.len(), self.dim)?;
        self.table(state)?;
        if n == 0 {
            return Err(Error::TooFewSamples);
        }
        // No distance between two rows is larger than twice the larger norm.
        if !rows::of(rows, self.dim).all(|row| (4.0 * sum_of_squares(level, row)).is_finite()) {
            return Err(Error::NotFinite);
        }
        if scratch.remaining() < self.scratch_len(n) {
            return Err(Error::ScratchTooSmall);
        }
        let mut scratch = scratch.frame();
        let distances = scratch.take::<f32>(n)?;
        distances.fill(f32::INFINITY);
        let [table, counts, sums] = self.split_mut(state)?;
        for (op, code) in (0u32..).zip(rows::of_mut(table, self.dim)) {
            let mut stream = Stream::new(seed, Key::new(CODEBOOK_PURPOSE).op(op));
            // At first no row has a distance, and later perhaps none is left that differs.
            let any = stream.index(n);
            let drawn = if op == 0 { any } else { pick(distances, &mut stream).unwrap_or(any) };
            rows::copy(rows::of(rows, self.dim).nth(drawn).unwrap_or(&[]), code);
            for (distance, row) in distances.iter_mut().zip(rows::of(rows, self.dim)) {
                *distance = math::min(squared_distance(level, row, code), *distance);
            }
        }
        let count = FRESH * (n as f32 / self.codes as f32);
        counts.fill(count);
        sums.iter_mut().zip(table).for_each(|(sum, v)| *sum = count * *v);
        Ok(())
    }

    /// The nearest code of each row by squared Euclidean distance, the lower one of equals, and that distance.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::NotFinite`] for a row that is near to no code, as one
    /// with a NaN is, [`Error::ScratchTooSmall`].
    pub fn nearest<E: Executor>(
        &self,
        on: Engine<'_, E>,
        state: &[f32],
        rows: &[f32],
        (codes, squared): (&mut [u32], &mut [f32]),
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let table = self.table(state)?;
        let n = rows::count(rows.len(), self.dim)?;
        if codes.len() != n || squared.len() != n {
            return Err(Error::ShapeMismatch);
        }
        if scratch.remaining() < self.scratch_len(n) {
            return Err(Error::ScratchTooSmall);
        }
        let mut scratch = scratch.frame();
        // The code and the bits of the distance.
        let pairs = scratch.take::<u32>(2 * n)?;
        let pairs = pairs.as_chunks_mut::<2>().0;
        pairs.fill([u32::MAX, f32::INFINITY.to_bits()]);
        let (queries, refs) = (MatRef::new(rows, n, self.dim)?, MatRef::new(table, self.codes, self.dim)?);
        scan(on.level, on.exec, queries, refs, None, (&mut *pairs, 1), &mut scratch, |run, best| {
            let Some([code, bits]) = best.first_mut() else { return };
            let mut least = f32::from_bits(*bits);
            run.each_within(least, |index, distance| {
                // Codes come in ascending order, so the first of equals stays.
                if distance < least {
                    (*code, *bits, least) = (index as u32, distance.to_bits(), distance);
                }
                ControlFlow::Continue(least)
            });
        })?;
        if pairs.iter().any(|[code, _]| *code == u32::MAX) {
            return Err(Error::NotFinite);
        }
        for (([from, bits], code), squared) in pairs.iter().zip(codes).zip(squared) {
            (*code, *squared) = (*from, f32::from_bits(*bits));
        }
        Ok(())
    }

    /// The vector of each code.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a number that is no code.
    pub fn look_up(&self, state: &[f32], codes: &[u32], out: &mut [f32]) -> Result<()> {
        let table = self.table(state)?;
        if rows::count(out.len(), self.dim)? != codes.len() {
            return Err(Error::ShapeMismatch);
        }
        self.check_codes(codes)?;
        for (&code, out) in codes.iter().zip(rows::of_mut(out, self.dim)) {
            rows::copy(rows::of(table, self.dim).nth(code as usize).unwrap_or(&[]), out);
        }
        Ok(())
    }

    pub(super) fn check_codes(&self, codes: &[u32]) -> Result<()> {
        let known = codes.iter().all(|&code| (code as usize) < self.codes);
        if known { Ok(()) } else { Err(Error::InvalidArgument) }
    }
}

/// A place of `weights`, as likely as it weighs; `None` where none weighs anything. The sums go in their order.
pub(super) fn pick(weights: &[f32], stream: &mut Stream) -> Option<usize> {
    let mut total = 0f64;
    weights.iter().for_each(|&w| total += f64::from(w));
    // A multiple of 2⁻⁵³ in [0, 1).
    let at = (stream.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0) * total;
    let mut sum = 0f64;
    let inside = weights.iter().position(|&w| {
        sum += f64::from(w);
        sum > at
    });
    // Rounding may put `at` on the end.
    inside.or_else(|| weights.iter().rposition(|&w| w > 0.0))
}
