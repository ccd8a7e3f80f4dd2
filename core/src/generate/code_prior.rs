//! The prior of grids of codes as a plan: its network, and what it is shown of a grid.

use super::arch::{NamedTensor, Net, Part, Widths, dense};
use crate::error::{Error, Result};
use crate::nn::{Activation, Dense, Layer, Shape};
use crate::scratch::ScratchLen;

/// What a [`CodePrior`] is made of.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CodePriorSpec {
    /// Rows and columns of a grid, above 0, as [`super::VqVae::grid`] tells them.
    pub grid: [usize; 2],
    /// Codes to choose from, above 0.
    pub codes: usize,
    /// Classes that it is conditioned on; 0 for none.
    pub classes: usize,
    /// How far a place sees: so many rows above, and columns to either side; above 0.
    pub radius: usize,
    /// Values of the vector that stands for a code, above 0.
    pub embedding: usize,
    /// Widths of the dense layers.
    pub hidden: Widths,
    /// What follows each of them.
    pub activation: Activation,
}

/// A distribution of grids of codes (van den Oord et al. 2017), each place after the one before it, row after row: the
/// probabilities of a code follow from the codes of a window above and to the left of it, from its row and its column, and
/// from the class.
///
/// Each of these is a token, a row of one table with a range of numbers for every kind; what lies outside of the grid has a
/// token of its own. Dense layers make logits of them.
///
/// ```
/// use seedbed::generate::{CodePrior, CodePriorSpec, Widths};
/// use seedbed::nn::Activation;
///
/// let hidden = Widths::from_slice(&[64]).unwrap();
/// let spec = CodePriorSpec {
///     grid: [2, 3], codes: 8, classes: 2, radius: 1, embedding: 4, hidden, activation: Activation::Relu,
/// };
/// let prior = CodePrior::new(spec)?;
/// // Three codes above, one to the left, row, column, class.
/// let mut context = [0.0; 7];
/// assert_eq!(prior.tokens(), context.len());
/// prior.context(&[5, 6, 7, 1, 0, 0], 4, Some(1), &mut context)?;
/// assert_eq!(context, [5.0, 6.0, 7.0, 1.0, 9.0 + 1.0, 11.0 + 1.0, 14.0 + 1.0]);
/// prior.context(&[5, 6, 7, 1, 0, 0], 0, Some(1), &mut context)?;
/// assert_eq!(context, [8.0, 8.0, 8.0, 8.0, 9.0, 11.0, 15.0]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CodePrior {
    pub(super) spec: CodePriorSpec,
    pub(super) part: Part,
    /// Rows above a place that it sees.
    above: usize,
    /// Columns to either side.
    beside: usize,
}

impl CodePrior {
    /// The plan of `spec`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a zero where there must be none, or more than 2²⁴ tokens; [`Error::CapacityExceeded`]
    /// for too many layers; [`Error::Overflow`].
    pub fn new(spec: CodePriorSpec) -> Result<Self> {
        let [height, width] = spec.grid;
        if [height, width, spec.codes, spec.radius, spec.embedding].contains(&0) {
            return Err(Error::InvalidArgument);
        }
        // A row further up than all others would be outside of every grid.
        let (above, beside) = (spec.radius.min(height - 1), spec.radius.min(width - 1));
        let window = beside.checked_mul(2).and_then(|n| n.checked_add(1)).and_then(|n| n.checked_mul(above));
        let tokens = window.and_then(|n| n.checked_add(beside)).and_then(|n| n.checked_add(3));
        let tokens = tokens.ok_or(Error::Overflow)? - usize::from(spec.classes == 0);
        let kinds = [spec.codes, 1, height, width, spec.classes];
        let classes = kinds.into_iter().try_fold(0usize, |sum, n| sum.checked_add(n));
        height.checked_mul(width).ok_or(Error::Overflow)?;
        let mut net = Net::new(Shape::flat(tokens))?;
        net.push(Layer::Embedding { classes: classes.ok_or(Error::Overflow)?, width: spec.embedding })?;
        dense(&mut net, spec.hidden.iter(), spec.activation)?;
        net.push(Dense::new(spec.codes))?;
        net.param_len().checked_mul(2).ok_or(Error::Overflow)?;
        Ok(Self { part: Part::new(&net, false)?, above, beside, spec })
    }

    /// The same with work memory for so many threads, at least one.
    #[must_use]
    pub fn for_threads(self, threads: usize) -> Self {
        Self { part: self.part.for_threads(threads), ..self }
    }

    /// What it was made from.
    pub const fn spec(&self) -> &CodePriorSpec {
        &self.spec
    }

    /// Codes of a grid.
    pub const fn places(&self) -> usize {
        let [height, width] = self.spec.grid;
        height * width
    }

    /// Values of a context.
    pub fn tokens(&self) -> usize {
        self.part.net().input().channels
    }

    /// Parameters.
    pub fn param_len(&self) -> usize {
        self.part.param_len()
    }

    /// Its one network, named `prior`.
    pub fn networks(&self) -> impl Iterator<Item = (&'static str, &Net)> {
        core::iter::once(("prior", self.part.net()))
    }

    /// Name, place and shape of each tensor, in the order of the parameters.
    pub fn tensors(&self) -> impl Iterator<Item = NamedTensor> + '_ {
        NamedTensor::all(self.networks())
    }

    /// PyTorch's initial values; see [`crate::nn::Network::init`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `params` has not [`CodePrior::param_len`] values.
    pub fn init(&self, seed: u64, params: &mut [f32]) -> Result<()> {
        self.part.net().init(seed, 300, params)
    }

    /// Bytes of scratch that a training step or [`CodePrior::gradients`] takes for so many pairs of sample and place;
    /// `usize::MAX` where that is too large for the address space.
    pub fn train_scratch_len(&self, pairs: usize) -> usize {
        self.with_contexts(true, pairs)
            // The codes that are to be told, scales and losses.
            .with::<u32>(pairs)
            .with::<f32>(pairs.saturating_mul(2))
            .with_bytes(self.part.training.scratch_len(pairs))
            .bytes()
    }

    /// Bytes of scratch that [`CodePrior::nll`] and [`CodePrior::sample`] take for so many grids; `usize::MAX` where that is
    /// too large for the address space.
    pub fn run_scratch_len(&self, batch: usize) -> usize {
        self.with_contexts(false, batch)
            .with::<u32>(batch)
            .with::<f32>(batch.saturating_mul(2))
            .with::<f32>(self.spec.codes)
            .with_bytes(self.part.inference.scratch_len(batch))
            .bytes()
    }

    /// Contexts, and what a pass over them leaves.
    fn with_contexts(&self, training: bool, batch: usize) -> ScratchLen {
        let len = ScratchLen::new().with::<f32>(batch.saturating_mul(self.tokens()));
        self.part.with_work(len, training, batch)
    }

    /// What the network reads for place number `place` of a grid: the codes of the rows above it, from the farthest on, those
    /// to the left of it, its row, its column, and the class, each as the number of its token. The codes from `place` on are
    /// not read. `class` is `None` for a prior without classes.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `grid` has not [`CodePrior::places`] codes, `out` not [`CodePrior::tokens`] values, or
    /// there is a class where there are none, or none where there are some; [`Error::InvalidArgument`] for a number that is no
    /// code, place or class.
    pub fn context(&self, grid: &[u32], place: usize, class: Option<u32>, out: &mut [f32]) -> Result<()> {
        let sizes = grid.len() == self.places() && out.len() == self.tokens();
        if !sizes || class.is_some() != (self.spec.classes > 0) {
            return Err(Error::ShapeMismatch);
        }
        let known = grid.get(..place).is_some_and(|before| before.iter().all(|&code| self.is_code(code)));
        let is_class = class.is_none_or(|class| (class as usize) < self.spec.classes);
        if !known || place >= self.places() || !is_class {
            return Err(Error::InvalidArgument);
        }
        self.write_context(grid, place, class, out);
        Ok(())
    }

    pub(super) const fn is_code(&self, code: u32) -> bool {
        (code as usize) < self.spec.codes
    }

    /// [`CodePrior::context`] of what was checked.
    pub(super) fn write_context(&self, grid: &[u32], place: usize, class: Option<u32>, out: &mut [f32]) {
        let [height, width] = self.spec.grid;
        let (row, column) = (place.checked_div(width).unwrap_or(0), place.checked_rem(width).unwrap_or(0));
        let outside = self.spec.codes;
        let code = |row: Option<usize>, column: Option<usize>| {
            let inside = row.zip(column.filter(|column| *column < width));
            let code = inside.and_then(|(row, column)| grid.get(row * width + column));
            code.map_or(outside, |&code| code as usize)
        };
        let mut out = out.iter_mut();
        let mut next = |token: usize| {
            if let Some(out) = out.next() {
                *out = token as f32;
            }
        };
        for up in (1..=self.above).rev() {
            for across in 0..=2 * self.beside {
                next(code(row.checked_sub(up), (column + across).checked_sub(self.beside)));
            }
        }
        for left in (1..=self.beside).rev() {
            next(code(Some(row), column.checked_sub(left)));
        }
        let rows = outside + 1;
        let columns = rows + height;
        next(rows + row);
        next(columns + column);
        if let Some(class) = class {
            next(columns + width + class as usize);
        }
    }
}
