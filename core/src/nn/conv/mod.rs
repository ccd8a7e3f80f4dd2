//! Convolution and transposed convolution, which are each other's gradients, as matrix products that read the pictures where
//! they lie.
//!
//! Both join a large picture (the input of the one, the output of the other) to a small one, whose every
//! place sees one window of the large. Three products serve:
//!
//! | | small from large | large from small | gradient by W |
//! | --- | --- | --- | --- |
//! | convolution | forward | by the input | yes |
//! | transposed | by the input | forward | yes |
//!
//! No windows are unrolled: a line of a window is a piece of a line of the picture, so the micro-kernel of
//! [`crate::linalg::gemm()`] is told where lines begin. Only the samples at work are copied, with zeros around them, where
//! there is padding. Every output is one chain of fused multiply-adds: in the order of the window (rows, columns,
//! channels) for the small picture; in the order of the small picture's places and channels for the large one; in the
//! order of samples and places for the gradient by W. A large picture of fewer than sixteen channels in a group, which would
//! leave lanes idle, is made by another definition: a chain over the small channels for each value of each window, and these
//! added, rounded, to the bias or 0 in the order of the places.

mod fold;
mod gradient;
mod large;
mod padded;
mod small;
#[cfg(test)]
mod tests;

use super::Engine;
use super::ends::Ends;
use super::shape::Shape;
use crate::error::Result;
use crate::exec::Executor;
use crate::linalg::{Init, SHALLOW};
use crate::scratch::{Scratch, ScratchLen};
use padded::Padded;

/// Values of k in one pass over a block of products.
const DEPTH: usize = SHALLOW;

/// A (transposed) convolution on a batch. Weights are `[small channels, large channels / groups, kernel, kernel]`.
#[derive(Clone, Copy)]
pub(super) struct Conv {
    pub batch: usize,
    pub large: Shape,
    pub small: Shape,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub groups: usize,
    /// Shares that the work is split into at most.
    pub threads: usize,
}

impl Conv {
    /// Channels of a group of the large picture.
    fn large_each(&self) -> usize {
        self.large.channels.checked_div(self.groups).unwrap_or(0)
    }

    /// Channels of a group of the small picture.
    fn small_each(&self) -> usize {
        self.small.channels.checked_div(self.groups).unwrap_or(0)
    }

    /// Places of a kernel.
    const fn area(&self) -> usize {
        self.kernel.saturating_mul(self.kernel)
    }

    /// Values of one window of one group.
    fn window(&self) -> usize {
        self.area().saturating_mul(self.large_each())
    }

    /// Places of the small picture.
    const fn places(&self) -> usize {
        self.small.height.saturating_mul(self.small.width)
    }

    /// Values of a sample of the large and of the small picture.
    const fn lens(&self) -> (usize, usize) {
        let Shape { height, width, channels } = self.large;
        (
            height.saturating_mul(width).saturating_mul(channels),
            self.places().saturating_mul(self.small.channels),
        )
    }

    /// The large picture with zeros around it.
    const fn padded_large(&self) -> Padded {
        Padded { shape: self.large, before: self.padding, after: self.padding }
    }

    /// Pieces of a window that lie in one piece in the picture: its lines, or its pixels where a pixel has several groups.
    const fn pieces(&self) -> usize {
        if self.groups == 1 { self.kernel } else { self.area() }
    }

    /// Values of such a piece.
    fn piece(&self) -> usize {
        if self.groups == 1 { self.kernel.saturating_mul(self.large.channels) } else { self.large_each() }
    }

    /// Where piece `i` of a window begins in a padded picture, counted from where the window does.
    fn piece_at(&self, i: usize) -> usize {
        let line = self.padded_large().line();
        if self.groups == 1 {
            i * line
        } else {
            let (y, x) = (i / self.kernel.max(1), i % self.kernel.max(1));
            y * line + x * self.large.channels
        }
    }

    /// Bytes of scratch that each of the functions needs at most.
    pub fn scratch_len(&self) -> usize {
        self.small_scratch().max(self.large_scratch()).max(self.gradient_scratch()).bytes()
    }
}

/// The parts of a chain over `segments` segments of `len` values: (segments, values of each) that are computed in one go.
fn blocks(
    segments: usize,
    len: usize,
) -> impl Iterator<Item = (core::ops::Range<usize>, core::ops::Range<usize>)> + Clone {
    let together = DEPTH.checked_div(len).unwrap_or(0).max(1);
    let most = if len > DEPTH { DEPTH } else { len.max(1) };
    (0..segments).step_by(together).flat_map(move |first| {
        let all = first..(first + together).min(segments);
        (0..len).step_by(most).map(move |at| (all.clone(), at..(at + most).min(len)))
    })
}
