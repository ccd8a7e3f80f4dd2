//! The pass over columns in registers: output pixels side by side, two source pixels of each at a time.
//!
//! A register has groups of 32-bit lanes, one lane for each value of a few neighbouring output pixels. All of a group
//! come from a window of bytes, out of which one shuffle puts the values that two weights of each pixel belong to
//! beside each other, as 16-bit numbers. The weights have 22 bits: they are split in two parts, which are summed up by
//! themselves.

use super::super::filter::Taps;
use crate::error::Result;
use crate::scratch::{Scratch, ScratchLen};

/// Bits of the lower part of a weight; the rest and the sign make the upper part. Both fit 16 bits.
pub(super) const LOW_BITS: u32 = 11;

/// Bytes that are written at a time.
const WRITTEN: usize = 16;
/// The most bytes behind its end that are written of a row: a group that is all behind it begins at most one group later.
pub(super) const BEHIND: usize = 2 * WRITTEN;

/// The most bytes behind its end that are read of a row of `from` pixels.
pub(super) fn behind(taps: usize, channels: usize) -> usize {
    taps.saturating_add(1).saturating_mul(channels).saturating_add(Layout::VBMI.window())
}

/// The upper and the lower part of a weight: upper · 2¹¹ + lower.
pub(super) const fn parts(weight: i32) -> [i16; 2] {
    [(weight >> LOW_BITS) as i16, (weight & ((1 << LOW_BITS) - 1)) as i16]
}

/// How registers are divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Groups in a register.
    pub groups: usize,
    /// 32-bit lanes of a group.
    pub lanes: usize,
}

impl Layout {
    /// Groups of four lanes: shuffles stay within 16 bytes.
    pub const AVX2: Layout = Layout { groups: 2, lanes: 4 };
    /// One group: a shuffle goes over the whole register.
    pub const VBMI: Layout = Layout { groups: 1, lanes: 16 };

    /// Bytes of the window that a group is shuffled out of, which is as long as the group.
    pub const fn window(self) -> usize {
        self.lanes * 4
    }

    /// Output pixels of a group, 0 where not even one fits.
    fn pixels(self, channels: usize, from: usize, to: usize) -> usize {
        let most = self.lanes / channels.max(1);
        // The last of n pixels starts at most ⌈(n − 1) · from / to⌉ + 1 source pixels after the first, and has two.
        let fits = |n: usize| {
            let apart = ((n - 1) as u64 * from as u64).div_ceil(to.max(1) as u64).saturating_add(3);
            apart.saturating_mul(channels as u64) <= self.window() as u64
        };
        (1..=most).rev().find(|&n| n == 1 || fits(n)).unwrap_or(0)
    }

    fn count(self, pixels: usize, to: usize) -> usize {
        to.div_ceil((pixels * self.groups).max(1))
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
    /// For each block which byte of the window goes where; 0x80 and more is a zero.
    pub orders: &'a [u8],
    /// For each block and pair of weights the upper parts of all lanes, then the lower parts.
    pub weights: &'a [i16],
    /// Pairs of weights of a pixel.
    pub pairs: usize,
    /// Bytes that a group makes.
    pub made: usize,
    /// From one pair of weights to the next, in bytes of the source.
    pub step: usize,
    /// Bytes of a row that are read, some of them behind its end.
    pub reach: usize,
    /// Bytes of a row that are written, some of them behind its end.
    pub room: usize,
}

impl<'a> Blocks<'a> {
    /// What [`Blocks::new`] takes from its scratch.
    pub fn scratch_len(layout: Layout, taps: usize, from: usize, to: usize, channels: usize) -> ScratchLen {
        let pixels = layout.pixels(channels, from, to);
        let (count, all) = (layout.count(pixels, to), layout.groups * layout.lanes);
        let len = if pixels == 0 { 0 } else { count };
        ScratchLen::new()
            .with::<u32>(len.saturating_mul(layout.groups))
            .with::<u8>(len.saturating_mul(all * 4))
            .with::<i16>(len.saturating_mul(taps.div_ceil(2)).saturating_mul(all * 4))
    }

    /// The blocks of these windows; `None` where a pixel does not fit into a group.
    pub fn new(
        layout: Layout,
        columns: &Taps<'_>,
        from: usize,
        channels: usize,
        scratch: &mut Scratch<'a>,
    ) -> Result<Option<Self>> {
        let to = columns.len();
        let pixels = layout.pixels(channels, from, to);
        if pixels == 0 || to == 0 {
            return Ok(None);
        }
        let Layout { groups, lanes } = layout;
        let (count, all) = (layout.count(pixels, to), groups * lanes);
        let pairs = columns.stride().div_ceil(2);
        let starts = scratch.take::<u32>(count * groups)?;
        let orders = scratch.take::<u8>(count * all * 4)?;
        let weights = scratch.take_zeroed::<i16>(count * pairs * all * 4)?;
        orders.fill(0x80);
        let mut last = 0;
        for (at, start) in starts.iter_mut().enumerate() {
            let first = columns.at(at * pixels).map_or(last, |(start, _)| start);
            // What is read reaches as far as the last window of all.
            last = last.max(first);
            *start = (first * channels) as u32;
            let (block, group) = (at / groups, at % groups);
            let order = orders.get_mut((block * groups + group) * lanes * 4..).unwrap_or(&mut []);
            let parts = weights.get_mut(block * pairs * all * 4..).unwrap_or(&mut []);
            for pixel in 0..pixels {
                let Some((begin, taps)) = columns.at(at * pixels + pixel) else { break };
                for c in 0..channels {
                    let lane = pixel * channels + c;
                    let byte = ((begin - first) * channels + c) as u8;
                    for (to, value) in
                        order.iter_mut().skip(lane * 4).step_by(2).zip([byte, byte + channels as u8])
                    {
                        *to = value;
                    }
                    split(taps, parts, group * lanes + lane, all);
                }
            }
        }
        let (made, step) = (pixels * channels, 2 * channels);
        let reach = last * channels + pairs.saturating_sub(1) * step + layout.window();
        let room = (starts.len() - 1) * made + WRITTEN;
        Ok(Some(Self { starts, orders, weights, pairs, made, step, reach, room }))
    }
}

/// Puts the parts of the weights of one lane of `all` into their places.
fn split(taps: &[i32], weights: &mut [i16], lane: usize, all: usize) {
    for (k, &weight) in taps.iter().enumerate() {
        let at = k / 2 * all * 4 + lane * 2 + k % 2;
        let [upper, lower] = parts(weight);
        for (place, part) in [(at, upper), (at + all * 2, lower)] {
            if let Some(to) = weights.get_mut(place) {
                *to = part;
            }
        }
    }
}
