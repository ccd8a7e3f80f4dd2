//! Which ranges values lie in where they become bytes.

use super::QuantPlan;
use super::stages::Kind;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::plan::{Mode, Plan};
use crate::nn::{Engine, Model, rows};
use crate::scratch::Scratch;
use crate::simd::LANES;

/// Bins of the magnitudes of a place where values become bytes.
pub const BINS: usize = 2048;

impl<const N: usize> QuantPlan<N> {
    /// Bytes of scratch that [`Calibration::observe`] and [`Magnitudes::observe`] take for a batch.
    ///
    /// # Errors
    /// As [`crate::nn::Network::plan`].
    pub fn observe_scratch_len(&self, batch: usize) -> Result<usize> {
        self.net.workspace_len(batch, false)
    }
}

/// What is told of a batch: all ranges, the number of one of them, and the values that it is of.
type See<'a> = dyn FnMut(&[f32], usize, &[f32]) + 'a;

/// Ranges, with the network that is run for them.
#[derive(Debug)]
struct Watch<'a, const N: usize> {
    of: &'a QuantPlan<N>,
    plan: Plan<N>,
    ranges: &'a mut [f32],
}

impl<'a, const N: usize> Watch<'a, N> {
    fn new(of: &'a QuantPlan<N>, ranges: &'a mut [f32]) -> Result<Self> {
        if ranges.len() != of.range_len() {
            return Err(Error::ShapeMismatch);
        }
        Ok(Self { of, plan: of.net.plan(Mode::Inference)?, ranges })
    }

    /// Runs a batch in single precision and calls `see` for each range.
    fn run<E: Executor>(
        &self,
        on: Engine<'_, E>,
        (model, x): (Model<'_>, &[f32]),
        see: &mut See<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let Self { of, plan, ranges } = self;
        let batch = rows::count(x.len(), of.net.input().len()?)?;
        let scratch = &mut scratch.frame();
        let mut work = plan.workspace(batch, scratch)?;
        let watch = |layer: usize, y: &[f32]| {
            let rounded = |stage: &&super::stages::Stage| !matches!(stage.kind, Kind::Move(_));
            let stages = of.stages.parts().0.iter().filter(rounded);
            stages.filter(|stage| stage.last == layer).for_each(|stage| see(ranges, stage.range, y));
        };
        plan.infer_watched(on, model, (x, watch), &mut work, scratch)?;
        see(ranges, 0, x);
        Ok(())
    }
}

/// Finds the ranges: of each place where values become bytes the lowest and the highest value, 0 counted among them. They
/// are the same however data are cut into batches, and in whatever order these come.
///
/// ```
/// # use seedbed::exec::Serial;
/// # use seedbed::nn::int8::QuantPlan;
/// # use seedbed::nn::{Activation, Dense, Engine, Model, Network, Shape};
/// # use seedbed::{Level, Scratch};
/// let mut net = Network::<3>::new(Shape::flat(2))?;
/// net.push(Dense::new(1).without_bias())?;
/// net.push(Activation::Relu)?;
/// net.push(Dense::new(1).without_bias())?;
/// let model = Model { params: &[1.0, -1.0, 3.0], state: &[] };
/// let plan = QuantPlan::new(&net)?;
/// let mut ranges = vec![0.0; plan.range_len()];
/// let mut memory = vec![0; plan.observe_scratch_len(2)?];
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let mut calibration = plan.calibration(&mut ranges)?;
/// calibration.observe(on, model, &[3.0, 1.0, 0.5, 4.0], &mut Scratch::new(&mut memory))?;
/// // Of the input, and of what comes out of the first layer and its function.
/// assert_eq!(ranges, [0.0, 4.0, 0.0, 2.0]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Debug)]
pub struct Calibration<'a, const N: usize>(Watch<'a, N>);

impl<const N: usize> QuantPlan<N> {
    /// A calibration that has seen nothing: all of the [`QuantPlan::range_len`] values of `ranges` become 0.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] for another length; [`crate::nn::Network::plan`]'s.
    pub fn calibration<'a>(&'a self, ranges: &'a mut [f32]) -> Result<Calibration<'a, N>> {
        let watch = Watch::new(self, ranges)?;
        watch.ranges.fill(0.0);
        Ok(Calibration(watch))
    }
}

impl<const N: usize> Calibration<'_, N> {
    /// Runs a batch in single precision, and widens the ranges by what comes up.
    ///
    /// # Errors
    /// [`crate::nn::Plan::infer`]'s; [`Error::NotFinite`] where a value that is to become a byte is not finite. The ranges are
    /// as before then.
    pub fn observe<E: Executor>(
        &mut self,
        on: Engine<'_, E>,
        model: Model<'_>,
        x: &[f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (mut seen, mut finite) = ([[0.0f32; 2]; N], true);
        let mut see = |_: &[f32], i: usize, values: &[f32]| {
            let (low, high, whole) = extremes(on.level, values);
            finite &= whole;
            if let Some(seen) = seen.get_mut(i) {
                *seen = [low, high];
            }
        };
        self.0.run(on, (model, x), &mut see, scratch)?;
        if !finite {
            return Err(Error::NotFinite);
        }
        for (range, [low, high]) in self.0.ranges.as_chunks_mut::<2>().0.iter_mut().zip(seen) {
            *range = [math::min(low, range[0]), math::max(high, range[1])];
        }
        Ok(())
    }
}

/// Counts magnitudes within ranges that were found before, so that these can be narrowed to what all but a few values lie in.
/// The counts are the same however data are cut into batches.
///
/// ```
/// # use seedbed::exec::Serial;
/// # use seedbed::nn::int8::QuantPlan;
/// # use seedbed::nn::{Dense, Engine, Model, Network, Shape};
/// # use seedbed::{Level, Scratch};
/// # let mut net = Network::<1>::new(Shape::flat(1))?;
/// # net.push(Dense::new(1))?;
/// # let (model, plan) = (Model { params: &[1.0, 0.0], state: &[] }, QuantPlan::new(&net)?);
/// # let mut memory = vec![0; plan.observe_scratch_len(100)?];
/// # let on = Engine { level: Level::detect(), exec: &Serial };
/// // A value far from all others would cost them most of the 255 steps.
/// let mut x: Vec<f32> = (0..100).map(|i| i as f32 / 100.0).collect();
/// x[7] = 1000.0;
/// let (mut ranges, mut counts) = (vec![0.0; plan.range_len()], vec![0; plan.count_len()]);
/// plan.calibration(&mut ranges)?.observe(on, model, &x, &mut Scratch::new(&mut memory))?;
/// let mut magnitudes = plan.magnitudes(&mut ranges, &mut counts)?;
/// magnitudes.observe(on, model, &x, &mut Scratch::new(&mut memory))?;
/// magnitudes.narrow(0.99)?;
/// assert!(ranges[1] < 2.0);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Debug)]
pub struct Magnitudes<'a, const N: usize> {
    watch: Watch<'a, N>,
    counts: &'a mut [u32],
}

impl<const N: usize> QuantPlan<N> {
    /// Values of the counts of [`Magnitudes`]: [`BINS`] for each range.
    pub fn count_len(&self) -> usize {
        self.stages.ranges.saturating_mul(BINS)
    }

    /// Counts that have seen nothing: all of the [`QuantPlan::count_len`] values of `counts` become 0. The ranges are those of a
    /// finished [`Calibration`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] for other lengths; [`crate::nn::Network::plan`]'s.
    pub fn magnitudes<'a>(
        &'a self,
        ranges: &'a mut [f32],
        counts: &'a mut [u32],
    ) -> Result<Magnitudes<'a, N>> {
        if counts.len() != self.count_len() {
            return Err(Error::ShapeMismatch);
        }
        let watch = Watch::new(self, ranges)?;
        counts.fill(0);
        Ok(Magnitudes { watch, counts })
    }
}

impl<const N: usize> Magnitudes<'_, N> {
    /// Runs a batch in single precision and counts what comes up.
    ///
    /// # Errors
    /// [`crate::nn::Plan::infer`]'s. Nothing is counted then.
    pub fn observe<E: Executor>(
        &mut self,
        on: Engine<'_, E>,
        model: Model<'_>,
        x: &[f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let Self { watch, counts } = self;
        let mut see = |ranges: &[f32], i: usize, values: &[f32]| {
            let most = largest(super::range(ranges, i));
            let bins = rows::of_mut(counts, BINS).nth(i).unwrap_or(&mut []);
            let by = BINS as f32 / most;
            for &v in values {
                let bin = math::whole::<{ BINS as u32 - 1 }>(math::abs(v) * by);
                if let Some(count) = bins.get_mut(bin as usize) {
                    *count = count.saturating_add(1);
                }
            }
        };
        watch.run(on, (model, x), &mut see, scratch)
    }

    /// Narrows each range to the magnitudes that hold at least `share` of its values, 0.9999 for example, as bins tell them.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a share that is not in (0, 1].
    pub fn narrow(self, share: f64) -> Result<()> {
        if !(share > 0.0 && share <= 1.0) {
            return Err(Error::InvalidArgument);
        }
        let ranges = self.watch.ranges.as_chunks_mut::<2>().0.iter_mut();
        for (range, bins) in ranges.zip(rows::of(self.counts, BINS)) {
            let all = bins.iter().fold(0u64, |all, &n| all.saturating_add(u64::from(n)));
            let (mut below, mut kept) = (0u64, 0usize);
            for &count in bins {
                if below as f64 >= share * all as f64 {
                    break;
                }
                below = below.saturating_add(u64::from(count));
                kept += 1;
            }
            let most = largest(*range) * (kept as f32 / BINS as f32);
            *range = [math::max(range[0], -most), math::min(range[1], most)];
        }
        Ok(())
    }
}

/// The largest magnitude of a range.
const fn largest([low, high]: [f32; 2]) -> f32 {
    math::max(-low, high)
}

kernel! {
    /// The lowest and the highest of values and 0, and whether all are finite.
    fn extremes(v: &[f32]) -> (f32, f32, bool) = extremes_body;
}

#[inline(always)]
fn extremes_body(v: &[f32]) -> (f32, f32, bool) {
    let (mut low, mut high, mut most) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let (blocks, rest) = v.as_chunks::<LANES>();
    let mut last = [0.0; LANES];
    rows::copy(rest, &mut last);
    for block in blocks.iter().chain([&last]) {
        for (((low, high), most), &v) in low.iter_mut().zip(&mut high).zip(&mut most).zip(block) {
            *low = math::min(v, *low);
            *high = math::max(v, *high);
            // Of an infinity or NaN this is NaN, and stays so.
            *most += 0.0 * v;
        }
    }
    let both = low.into_iter().zip(high);
    let (low, high) = both.fold((0.0, 0.0), |(low, high), (l, h)| (math::min(l, low), math::max(h, high)));
    (low, high, most.into_iter().all(|v| v == 0.0))
}
