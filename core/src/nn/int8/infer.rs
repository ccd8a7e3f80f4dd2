//! A pass in whole numbers.

use super::geometry::Product;
use super::moves;
use super::plain::Plain;
use super::stages::{Kind, Stage};
use super::steps::{Settle, Settled, Steps, affine, to_bytes, turn};
use super::tiles::BEHIND;
use super::{Packed, QuantPlan, Quantised};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::{Engine, Shape, rows};
use crate::scratch::{Scratch, ScratchLen};

/// Values of the buffers between which a pass goes to and fro.
struct Lens {
    bytes: [usize; 2],
    numbers: [usize; 2],
}

impl<const N: usize> QuantPlan<N> {
    /// Runs a batch `x` of rows through the network by weights where they lie; products are not split among threads. What comes
    /// out of the last layer goes to `out`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, or for no samples; [`Error::NotFinite`] for an `x` that is not
    /// finite; [`Error::InvalidArgument`] for a range that does not hold 0; [`Error::ScratchTooSmall`]. Nothing is written then.
    pub fn infer<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Quantised<'_>,
        x: &[f32],
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        self.pass(on, (model, None), x, out, scratch)
    }

    /// The same by packed weights, with the same bits; lines of the outputs are split among the threads.
    ///
    /// # Errors
    /// As [`QuantPlan::infer`].
    pub fn infer_packed<E: Executor>(
        &self,
        on: Engine<'_, E>,
        packed: Packed<'_>,
        x: &[f32],
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        if packed.panels.len() != self.panel_len() {
            return Err(Error::ShapeMismatch);
        }
        self.pass(on, (packed.model, Some(packed.panels)), x, out, scratch)
    }

    /// Bytes of scratch that [`QuantPlan::infer`] takes for a batch.
    pub fn scratch_len(&self, batch: usize) -> usize {
        let window = self.products().map(Product::window_len).max().unwrap_or(0);
        self.buffers_len(batch).with::<u8>(window).bytes()
    }

    /// Bytes of scratch that [`QuantPlan::infer_packed`] takes for a batch.
    pub fn packed_scratch_len(&self, batch: usize) -> usize {
        let framed = self.products().map(|product| product.framed_len(batch)).max().unwrap_or(0);
        self.buffers_len(batch).with::<u8>(framed).bytes()
    }

    fn products(&self) -> impl Iterator<Item = &Product> {
        self.stages.all.iter().filter_map(|stage| match &stage.kind {
            Kind::Product(product) => Some(product),
            _ => None,
        })
    }

    fn buffers_len(&self, batch: usize) -> ScratchLen {
        let Lens { bytes, numbers } = self.lens(batch);
        let len = bytes.into_iter().fold(ScratchLen::new(), |len, n| len.with::<u8>(n));
        numbers.into_iter().fold(len, |len, n| len.with::<f32>(n))
    }

    fn lens(&self, batch: usize) -> Lens {
        let (before, _, after) = self.stages.parts();
        let len = |shape: Shape| shape.len().unwrap_or(usize::MAX).saturating_mul(batch);
        let outputs = before.iter().map(|stage| stage.output);
        let bytes = alternating(core::iter::once(self.net.input()).chain(outputs).map(len));
        // What is moved last goes to the output, which has its own place.
        let moves = after.iter().filter(|stage| matches!(stage.kind, Kind::Move(_)));
        let numbers = alternating(moves.map(|stage| len(stage.input)));
        Lens { bytes: bytes.map(|len| len.saturating_add(BEHIND)), numbers }
    }

    /// The samples of `x`, if everything fits.
    fn check(
        &self,
        (model, packed): (Quantised<'_>, bool),
        x: &[f32],
        out: &[f32],
        scratch: &Scratch<'_>,
    ) -> Result<usize> {
        self.check_model(model)?;
        let batch = rows::count(x.len(), self.net.input().len()?)?;
        if batch == 0 || rows::count(out.len(), self.net.output().len()?)? != batch {
            return Err(Error::ShapeMismatch);
        }
        let len = if packed { self.packed_scratch_len(batch) } else { self.scratch_len(batch) };
        if scratch.remaining() < len {
            return Err(Error::ScratchTooSmall);
        }
        if x.iter().all(|&v| math::abs(v) <= f32::MAX) { Ok(batch) } else { Err(Error::NotFinite) }
    }

    fn pass<E: Executor>(
        &self,
        on: Engine<'_, E>,
        (model, panels): (Quantised<'_>, Option<&[i8]>),
        x: &[f32],
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let batch = self.check((model, panels.is_some()), x, out, scratch)?;
        let Lens { bytes, numbers } = self.lens(batch);
        let (mut from, mut to) = (scratch.take::<u8>(bytes[0])?, scratch.take::<u8>(bytes[1])?);
        let numbers = [scratch.take::<f32>(numbers[0])?, scratch.take::<f32>(numbers[1])?];
        let pass = Pass { on, batch, model, panels };
        let mut steps = Steps::of(model.range(0))?;
        to_bytes(on.level, steps, x, from);
        let (before, last, after) = self.stages.parts();
        for stage in before {
            let next = Steps::of(model.range(stage.range))?;
            pass.bytes(stage, (steps, next), from, to, scratch)?;
            (from, to, steps) = (to, from, next);
        }
        let Some(last) = last else { return Err(Error::Unsupported) };
        pass.numbers((last, after), (steps, from), numbers, out, scratch)
    }
}

/// The largest of every other length, from the first and from the second on.
fn alternating(lens: impl Iterator<Item = usize>) -> [usize; 2] {
    let (mut even, mut odd) = (0, 0);
    for (i, len) in lens.enumerate() {
        let most = if i % 2 == 0 { &mut even } else { &mut odd };
        *most = len.max(*most);
    }
    [even, odd]
}

/// A pass over a batch.
#[derive(Clone, Copy)]
struct Pass<'a, E> {
    on: Engine<'a, E>,
    batch: usize,
    model: Quantised<'a>,
    /// The weights of all layers in panels, where they are.
    panels: Option<&'a [i8]>,
}

impl<E: Executor> Pass<'_, E> {
    fn len(&self, shape: Shape) -> usize {
        shape.len().unwrap_or(0).saturating_mul(self.batch)
    }

    /// A stage whose output are bytes.
    fn bytes(
        &self,
        stage: &Stage,
        (from, to): (Steps, Steps),
        x: &[u8],
        y: &mut [u8],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let y = y.get_mut(..self.len(stage.output)).unwrap_or(&mut []);
        let scales = stage.scales.of(self.model.scales);
        let by = Settle::new(self.on.level, scales, from, stage.then, to);
        match stage.kind {
            Kind::Product(product) => self.product((stage, &product), (from, x), &by, y, scratch)?,
            Kind::Move(layer) => {
                moves::bytes(self.on, layer, (stage.input, stage.output), (x, from.zero_byte()), y)
            }
            Kind::Norm => turn(from, Some((scales, stage.output.channels)), x, &by, y),
            Kind::Function => turn(from, None, x, &by, y),
        }
        Ok(())
    }

    /// The last product and what follows it.
    fn numbers<'b>(
        &self,
        (last, after): (&Stage, &[Stage]),
        (steps, x): (Steps, &[u8]),
        [first, mut spare]: [&'b mut [f32]; 2],
        mut out: &'b mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let mut left = after.iter().filter(|stage| matches!(stage.kind, Kind::Move(_))).count();
        let mut here = if left == 0 { core::mem::take(&mut out) } else { first };
        let y = here.get_mut(..self.len(last.output)).unwrap_or(&mut []);
        if let Kind::Product(product) = last.kind {
            let by = Settle::numbers(self.on.level, last.scales.of(self.model.scales), steps);
            self.product((last, &product), (steps, x), &by, y, scratch)?;
        }
        self.function(last, y);
        for stage in after {
            let len = self.len(stage.output);
            if let Kind::Move(layer) = stage.kind {
                left = left.saturating_sub(1);
                let there = core::mem::take(if left == 0 { &mut out } else { &mut spare });
                let x = here.get(..self.len(stage.input)).unwrap_or(&[]);
                let y = there.get_mut(..len).unwrap_or(&mut []);
                moves::numbers(self.on, layer, (stage.input, stage.output), x, y);
                (here, spare) = (there, here);
            }
            let y = here.get_mut(..len).unwrap_or(&mut []);
            if matches!(stage.kind, Kind::Norm) {
                affine(stage.scales.of(self.model.scales), stage.output.channels, y);
            }
            self.function(stage, y);
        }
        Ok(())
    }

    /// The function that a stage takes with it, of numbers.
    fn function(&self, stage: &Stage, v: &mut [f32]) {
        if let Some(function) = stage.then {
            function.apply(self.on, v);
        }
    }

    fn product<T: Settled>(
        &self,
        (stage, product): (&Stage, &Product),
        (steps, x): (Steps, &[u8]),
        by: &Settle<'_>,
        y: &mut [T],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (scratch, zero) = (&mut scratch.frame(), steps.zero_byte());
        if let Some(panels) = self.panels {
            return product.by_panels(self.on, (stage.panels.of(panels), zero), x, by, y, scratch);
        }
        let window = scratch.take::<u8>(product.window_len())?;
        let weights = stage.weights.of(self.model.weights);
        let model = Plain { weights, biases: stage.biases.of(self.model.biases), zero };
        product.by_rows(self.on.level, model, x, by, y, window);
        Ok(())
    }
}
