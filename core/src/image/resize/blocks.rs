//! The pass over columns in registers: output values side by side, a few source pixels of each at a time.
//!
//! A register has groups of 32-bit lanes, one lane for each of a few neighbouring values of the output. All of a group
//! come from a window of bytes, out of which one shuffle puts the values that the weights of a step belong to beside
//! each other into their lane. The weights have 22 bits and a sign, more than the products of a lane take: they are split in
//! parts, which are summed up by themselves.

use crate::error::Result;
use crate::image::copy_row;
use crate::image::filter::Taps;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::ImageRef;

/// Bits of the lower part of a weight; the rest and the sign make the upper part. Both fit 16 bits.
pub(super) const LOW_BITS: u32 = 11;

/// Bytes that are written at a time.
const WRITTEN: usize = 16;
/// The most bytes behind its end that are written of a row: a group that is all behind it begins at most one group later.
pub(super) const BEHIND: usize = 2 * WRITTEN;

/// The upper parts of two weights side by side in 32 bits, and the lower ones; a weight that is not there is zero.
pub(super) fn pair(weights: &[i32]) -> [u32; 2] {
    let [first, second] = [0, 1].map(|i| weights.get(i).copied().unwrap_or(0));
    let both = |a: i32, b: i32| u32::from(a as u16) | (b as u32) << 16;
    let low = (1 << LOW_BITS) - 1;
    [both(first >> LOW_BITS, second >> LOW_BITS), both(first & low, second & low)]
}

/// The digits of four weights to base 256, from −128 to 127 each, side by side in 32 bits: first those of 65,536, then
/// those of 256, then those of 1.
pub(super) fn quad(weights: [i32; 4]) -> [u32; 3] {
    // With 128 more in each place the digits are the bytes of the number, each with its highest bit turned.
    let digits = weights.map(|weight| (weight.wrapping_add(0x80_8080) ^ 0x80_8080).to_le_bytes());
    let [[l0, m0, h0, _], [l1, m1, h1, _], [l2, m2, h2, _], [l3, m3, h3, _]] = digits;
    [[h0, h1, h2, h3], [m0, m1, m2, m3], [l0, l1, l2, l3]].map(u32::from_le_bytes)
}

/// How registers are divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Groups in a register.
    pub groups: usize,
    /// 32-bit lanes of a group.
    pub lanes: usize,
    /// Weights of a lane in one step.
    pub taps: usize,
    /// Parts of a weight.
    pub parts: usize,
}

impl Layout {
    /// Groups of four lanes, as shuffles stay within 16 bytes; [`pair`]s of weights.
    pub const AVX2: Layout = Layout { groups: 2, lanes: 4, taps: 2, parts: 2 };
    /// One group, as a shuffle goes over the whole register; [`quad`]s of weights.
    pub const VBMI: Layout = Layout { groups: 1, lanes: 16, taps: 4, parts: 3 };

    /// Bytes of the window that a group is shuffled out of, which is as long as the group.
    pub const fn window(self) -> usize {
        self.lanes * 4
    }

    /// 32-bit lanes of a register.
    const fn all(self) -> usize {
        self.groups * self.lanes
    }

    /// Values of a group, 0 where not even those of one pixel fit.
    fn values(self, channels: usize, from: usize, to: usize) -> usize {
        // The last of n pixels starts at most ⌈(n − 1) · from / to⌉ + 1 source pixels after the first.
        let fits = |n: usize| {
            let apart = ((n - 1) as u64).saturating_mul(from as u64).div_ceil(to.max(1) as u64);
            let span = apart.saturating_add(1 + self.taps as u64);
            span.saturating_mul(channels as u64) <= self.window() as u64
        };
        let most = self.lanes.checked_div(channels).unwrap_or(0);
        // As many values as there are lanes may begin and end within a pixel.
        if most > 0 && fits((self.lanes + channels - 2) / channels.max(1) + 1) {
            return self.lanes;
        }
        (1..=most).rev().find(|&n| n == 1 || fits(n)).unwrap_or(0) * channels
    }

    /// The most registers that a row of `to` pixels takes, `values` in each group.
    fn count(self, values: usize, to: usize, channels: usize) -> usize {
        to.saturating_mul(channels).div_ceil((values * self.groups).max(1))
    }
}

/// What each register of an output row is made of.
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "no other target divides its registers so")
)]
pub(super) struct Blocks<'a> {
    /// For each group of each block where its window begins, in bytes.
    pub starts: &'a [u32],
    /// For each lane of each block which bytes of the window go where.
    pub orders: &'a [u32],
    /// For each block and step, part after part, the words of all lanes.
    pub weights: &'a [u32],
    /// Steps of a block.
    pub steps: usize,
    /// Values that a group makes.
    pub made: usize,
    /// From one step to the next, in bytes of the source.
    pub step: usize,
    /// Bytes of a row that are read, some of them behind its end.
    pub reach: usize,
    /// Values of a row that are written, some of them behind its end.
    pub room: usize,
}

impl<'a> Blocks<'a> {
    /// What [`Blocks::new`] takes from its scratch at most.
    pub fn scratch_len(layout: Layout, taps: usize, from: usize, to: usize, channels: usize) -> ScratchLen {
        let values = layout.values(channels, from, to);
        let count = if values == 0 { 0 } else { layout.count(values, to, channels) };
        let words = count.saturating_mul(layout.all());
        ScratchLen::new()
            .with::<u32>(count.saturating_mul(layout.groups))
            .with::<u32>(words)
            .with::<u32>(words.saturating_mul(taps.div_ceil(layout.taps.max(1))).saturating_mul(layout.parts))
    }

    /// The most bytes of a row that are read.
    pub fn most_reach(taps: usize, from: usize, channels: usize) -> usize {
        from.saturating_add(taps).saturating_mul(channels).saturating_add(Layout::VBMI.window())
    }

    /// The blocks of these windows; `None` where a pixel does not fit into a group.
    pub fn new(
        level: Level,
        layout: Layout,
        columns: &Taps<'_>,
        from: usize,
        channels: usize,
        scratch: &mut Scratch<'a>,
    ) -> Result<Option<Self>> {
        let to = columns.len();
        let made = layout.values(channels, from, to);
        if made == 0 || to == 0 {
            return Ok(None);
        }
        let (count, all) = (layout.count(made, to, channels), layout.all());
        let steps = columns.longest().div_ceil(layout.taps.max(1));
        let starts = scratch.take_zeroed::<u32>(count * layout.groups)?;
        let orders = scratch.take_zeroed::<u32>(count * all)?;
        let weights = scratch.take_zeroed::<u32>(count * steps * layout.parts * all)?;
        if layout.taps == 2 {
            fill_pairs(columns, channels, made, starts, orders, weights);
        } else {
            fill_quads(level, columns, channels, made, starts, orders, weights);
        }
        let step = layout.taps * channels;
        let last = starts.iter().fold(0, |most, &start| start.max(most)) as usize;
        let reach = last + steps.saturating_sub(1) * step + layout.window();
        let room = (starts.len() - 1) * made + WRITTEN;
        Ok(Some(Self { starts, orders, weights, steps, made, step, reach, room }))
    }

    /// Row `y` of the image as far as it is read, in `copy` where that is behind the image's memory. What is read behind the
    /// end of a row weighs nothing, but must be there.
    pub fn row<'r>(&self, src: ImageRef<'r, u8>, y: usize, copy: &'r mut [u8]) -> &'r [u8] {
        let ahead = src.as_mat().slice_rows(y..src.height()).data();
        if ahead.len() >= self.reach {
            return ahead;
        }
        copy_row(copy, src.row(y));
        copy
    }
}

dispatch! {
    /// [`fill_pairs`] for [`Layout::VBMI`].
    fn fill_quads(columns: &Taps<'_>, channels: usize, made: usize, starts: &mut [u32], orders: &mut [u32], weights: &mut [u32]) {
        base: no_quads, Avx512Vbmi: super::x86::fill_quads,
    }
}

/// Only the level that has such registers asks for their blocks.
fn no_quads(_: &Taps<'_>, _: usize, _: usize, _: &mut [u32], _: &mut [u32], _: &mut [u32]) {}

/// Fills blocks of [`Layout::AVX2`], whose groups make so many values, over zeros.
fn fill_pairs(
    columns: &Taps<'_>,
    channels: usize,
    made: usize,
    starts: &mut [u32],
    orders: &mut [u32],
    weights: &mut [u32],
) {
    let Layout { groups, lanes, parts, .. } = Layout::AVX2;
    let (all, block) = (groups * lanes, weights.len().checked_div(starts.len() / groups).unwrap_or(0));
    // The next value: its lane in its group, its group, the first lane of that, and where the weights of its block begin.
    let (mut lane, mut group, mut at, mut weight) = (0, 0, 0, 0);
    let mut first = 0;
    for (begin, taps) in columns.iter() {
        for c in 0..channels {
            if lane == 0 {
                first = begin * channels;
                if let Some(start) = starts.get_mut(group) {
                    *start = first as u32;
                }
            }
            let byte = begin * channels + c - first;
            if let Some(to) = orders.get_mut(group * lanes + lane) {
                *to = u32::from_le_bytes([byte as u8, 0x80, (byte + channels) as u8, 0x80]);
            }
            for (two, places) in taps.chunks(2).zip((weight + at + lane..).step_by(parts * all)) {
                for (word, place) in pair(two).into_iter().zip((places..).step_by(all)) {
                    if let Some(to) = weights.get_mut(place) {
                        *to = word;
                    }
                }
            }
            lane += 1;
            if lane == made {
                (lane, group, at) = (0, group + 1, at + lanes);
            }
            if at == all {
                (at, weight) = (0, weight + block);
            }
        }
    }
}
