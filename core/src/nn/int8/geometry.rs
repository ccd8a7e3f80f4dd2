//! Which bytes of its input a product reads for which of its outputs.

use crate::nn::layer::Layer;
use crate::nn::network::Step;
use crate::nn::rows;
use crate::nn::shape::Shape;
use core::ops::Range;

/// A dense layer or a convolution; the former is one of a single place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub input: Shape,
    pub output: Shape,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub groups: usize,
    pub transposed: bool,
}

/// Outputs along one side that see the same taps of the kernel: all of a convolution; for a transposed one those whose places
/// leave the same remainder by the stride.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    /// The first output, from one to the next, and how many there are.
    pub first: usize,
    pub step: usize,
    pub count: usize,
    /// The tap over the first place of the input, from one to the next, and how many there are.
    tap: usize,
    apart: usize,
    back: bool,
    pub taps: usize,
    /// The place under the first of the taps for the first output is `place` − `before`.
    place: usize,
    before: usize,
    /// How much further it is for the next output.
    pub shift: usize,
}

impl Side {
    /// The tap over the `i`th place that an output sees.
    pub const fn tap(&self, i: usize) -> usize {
        let i = if self.back { self.taps.saturating_sub(1).saturating_sub(i) } else { i };
        self.tap.saturating_add(i.saturating_mul(self.apart))
    }

    /// The place under the first of the taps for the first output, in a picture with so many places before it.
    pub const fn place(&self, before: usize) -> usize {
        self.place.saturating_add(before).saturating_sub(self.before)
    }

    /// The places under the taps for output `i` as far as they lie within `inputs` places, and the first of these taps.
    pub fn inside(&self, i: usize, inputs: usize) -> (Range<usize>, usize) {
        let start = self.place.saturating_add(i.saturating_mul(self.shift));
        let end = start.saturating_add(self.taps).saturating_sub(self.before).min(inputs);
        let first = start.saturating_sub(self.before);
        (first..end.max(first), self.before.saturating_sub(start))
    }
}

impl Product {
    /// That of a layer, where it is one.
    pub fn of(step: &Step) -> Option<Self> {
        let (input, output) = (step.input, step.output);
        let (transposed, [kernel, stride, padding, groups]) = match step.layer {
            Layer::Dense(_) => (false, [1, 1, 0, 1]),
            Layer::Conv2d(conv) => (false, [conv.kernel, conv.stride, conv.padding, conv.groups]),
            Layer::ConvTranspose2d(conv) => (true, [conv.kernel, conv.stride, conv.padding, conv.groups]),
            _ => return None,
        };
        Some(Self { input, output, kernel, stride, padding, groups, transposed })
    }

    /// Input channels of a group.
    pub fn inputs(&self) -> usize {
        self.input.channels.checked_div(self.groups).unwrap_or(0)
    }

    /// Output channels of a group.
    pub fn outputs(&self) -> usize {
        self.output.channels.checked_div(self.groups).unwrap_or(0)
    }

    /// Places of a kernel.
    pub const fn area(&self) -> usize {
        self.kernel.saturating_mul(self.kernel)
    }

    /// Weights of an output channel.
    pub fn window(&self) -> usize {
        self.area().saturating_mul(self.inputs())
    }

    /// Whether each place of the output is made of the same place of the input alone, so that all of them are rows of a matrix.
    pub const fn is_matrix(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.padding == 0 && self.groups == 1
    }

    /// Where the weight lies in PyTorch's layout that joins channel `from` of the input and `to` of the output, both of group
    /// `group`, at a tap.
    pub fn weight(&self, group: usize, (from, to): (usize, usize), (y, x): (usize, usize)) -> usize {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let both = if self.transposed {
            (group * inputs + from) * outputs + to
        } else {
            (group * outputs + to) * inputs + from
        };
        (both * self.kernel + y) * self.kernel + x
    }

    /// The weights of an output channel.
    pub fn channel<'a, T>(
        &self,
        weights: &'a [T],
        channel: usize,
    ) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let [run, first, apart, runs] = self.runs(channel);
        rows::of(weights, run).skip(first).step_by(apart.max(1)).take(runs).flatten()
    }

    /// The same, to write.
    pub fn channel_mut<'a, T>(
        &self,
        weights: &'a mut [T],
        channel: usize,
    ) -> impl Iterator<Item = &'a mut T> + use<'a, T> {
        let [run, first, apart, runs] = self.runs(channel);
        rows::of_mut(weights, run).skip(first).step_by(apart.max(1)).take(runs).flatten()
    }

    /// How the weights of an output channel lie: runs of so many, the first of which is counted in runs, how many further the
    /// next is, and how many there are. In a transposed convolution a run of the kernel's size for each input; else all in one.
    fn runs(&self, channel: usize) -> [usize; 4] {
        if !self.transposed {
            return [self.window(), channel, 1, 1];
        }
        let outputs = self.outputs().max(1);
        let (group, own) = (channel / outputs, channel % outputs);
        [self.area(), group * self.inputs() * outputs + own, outputs, self.inputs()]
    }

    /// The classes of outputs along a side.
    fn classes(&self, outputs: usize) -> usize {
        if self.transposed { self.stride.min(outputs) } else { 1 }
    }

    fn side(&self, class: usize, outputs: usize) -> Side {
        let Self { kernel, padding, .. } = *self;
        let stride = self.stride.max(1);
        if !self.transposed {
            return Side {
                first: 0,
                step: 1,
                count: outputs,
                tap: 0,
                apart: 1,
                back: false,
                taps: kernel,
                place: 0,
                before: padding,
                shift: stride,
            };
        }
        let tap = (class + padding) % stride;
        let taps = kernel.saturating_sub(tap).div_ceil(stride);
        Side {
            first: class,
            step: stride,
            count: outputs.saturating_sub(class).div_ceil(stride),
            tap,
            apart: stride,
            back: true,
            taps,
            place: (class + padding) / stride,
            before: taps.saturating_sub(1),
            shift: 1,
        }
    }

    /// Calls `each` with the outputs that see the same taps, rows first.
    pub fn each_phase(&self, mut each: impl FnMut(Side, Side)) {
        let Shape { height, width, .. } = self.output;
        for y in 0..self.classes(height) {
            for x in 0..self.classes(width) {
                each(self.side(y, height), self.side(x, width));
            }
        }
    }

    /// The phase of a place, and its number in that phase.
    pub fn phase_at(&self, y: usize, x: usize) -> [(Side, usize); 2] {
        let Shape { height, width, .. } = self.output;
        [(y, height), (x, width)].map(|(at, outputs)| {
            let classes = self.classes(outputs).max(1);
            (self.side(at % classes, outputs), at / classes)
        })
    }

    /// Places before and after those of a side that outputs see.
    fn around(&self, inputs: usize, outputs: usize) -> [usize; 2] {
        let (mut before, mut after) = (0, 0);
        for side in (0..self.classes(outputs)).map(|class| self.side(class, outputs)) {
            if side.taps > 0 && side.count > 0 {
                before = before.max(side.before.saturating_sub(side.place));
                let end = side.place + (side.count - 1) * side.shift + side.taps;
                after = after.max(end.saturating_sub(side.before.saturating_add(inputs)));
            }
        }
        [before, after]
    }

    /// The input with all places around it that outputs see.
    pub fn frame(&self) -> Frame {
        let [top, bottom] = self.around(self.input.height, self.output.height);
        let [left, right] = self.around(self.input.width, self.output.width);
        Frame { inner: self.input, top, bottom, left, right }
    }
}

/// A picture with places around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub inner: Shape,
    pub top: usize,
    pub bottom: usize,
    pub left: usize,
    pub right: usize,
}

impl Frame {
    /// Bytes of a line.
    pub const fn line(&self) -> usize {
        let columns = self.inner.width.saturating_add(self.left).saturating_add(self.right);
        columns.saturating_mul(self.inner.channels)
    }

    /// Bytes of a picture.
    pub const fn len(&self) -> usize {
        let lines = self.inner.height.saturating_add(self.top).saturating_add(self.bottom);
        lines.saturating_mul(self.line())
    }

    /// Whether nothing is around it.
    pub const fn is_bare(&self) -> bool {
        self.top == 0 && self.bottom == 0 && self.left == 0 && self.right == 0
    }

    /// Puts a picture into its frame, which has the byte `zero`.
    pub fn fill(&self, zero: u8, picture: &[u8], to: &mut [u8]) {
        let row = self.inner.width.saturating_mul(self.inner.channels);
        let start = self.left.saturating_mul(self.inner.channels);
        let mut from = rows::of(picture, row);
        for (y, line) in rows::of_mut(to, self.line()).enumerate() {
            let inside = y >= self.top && y < self.top.saturating_add(self.inner.height);
            let Some(from) = (if inside { from.next() } else { None }) else {
                line.fill(zero);
                continue;
            };
            line.get_mut(..start).unwrap_or(&mut []).fill(zero);
            rows::copy(from, line.get_mut(start..).unwrap_or(&mut []));
            line.get_mut(start.saturating_add(row)..).unwrap_or(&mut []).fill(zero);
        }
    }
}
