//! Owned images for the tests of this module.

use super::{Border, Sample};
use crate::error::Result;
use crate::rng::{Key, Stream};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// An image with memory of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owned<T = u8> {
    pub data: Vec<T>,
    pub shape: (usize, usize, usize),
}

impl<T: Sample> Owned<T> {
    /// Values of `seed`, each share of white equally likely.
    pub fn shares(shape: (usize, usize, usize), seed: u64) -> Self {
        let mut stream = Stream::new(seed, Key::new(0));
        let value = |_| T::from_f32((stream.next_u32() >> 8) as f32 / 16_777_216.0 * T::LARGEST);
        Self { data: (0..shape.0 * shape.1 * shape.2).map(value).collect(), shape }
    }

    /// What `op` makes of it, of `channels`.
    pub fn through(&self, channels: usize, op: impl Fn(ImageRef<'_, T>, ImageMut<'_, T>)) -> Self {
        let (h, w, _) = self.shape;
        let mut out = Self { data: vec![T::default(); h * w * channels], shape: (h, w, channels) };
        op(self.view(), out.view_mut());
        out
    }

    /// Its values as numbers.
    pub fn numbers(&self) -> Vec<f64> {
        self.data.iter().map(|v| f64::from(v.to_f32())).collect()
    }
}

impl<T> Owned<T> {
    pub fn view(&self) -> ImageRef<'_, T> {
        ImageRef::new(&self.data, self.shape.0, self.shape.1, self.shape.2).unwrap()
    }

    pub fn view_mut(&mut self) -> ImageMut<'_, T> {
        ImageMut::new(&mut self.data, self.shape.0, self.shape.1, self.shape.2).unwrap()
    }
}

impl Owned {
    /// Zeros of `shape` = (height, width, channels).
    pub fn new(shape: (usize, usize, usize)) -> Self {
        Self { data: vec![0; shape.0 * shape.1 * shape.2], shape }
    }

    /// The test picture that the reference figures were computed on: (37 y + 11 x + 71 c + x y) mod 256.
    pub fn pattern(height: usize, width: usize, channels: usize) -> Self {
        let value = |i: usize| {
            let (y, x, c) = (i / (width * channels), i / channels % width, i % channels);
            (37 * y + 11 * x + 71 * c + x * y) as u8
        };
        Self { data: (0..height * width * channels).map(value).collect(), shape: (height, width, channels) }
    }

    /// Values of `seed`, each of 0 to 255 equally likely.
    pub fn noise(shape: (usize, usize, usize), seed: u64) -> Self {
        let mut stream = Stream::new(seed, Key::new(0));
        let mut image = Self::new(shape);
        image.data.fill_with(|| stream.next_u32() as u8);
        image
    }
}

/// Images of 1 to 40 pixels a side and 1 to 5 channels.
pub(crate) fn images() -> impl Strategy<Value = Owned> {
    (1usize..40, 1usize..40, 1usize..6).prop_flat_map(|shape| {
        let (h, w, c) = shape;
        prop::collection::vec(any::<u8>(), h * w * c).prop_map(move |data| Owned { data, shape })
    })
}

/// Every border.
pub(crate) const BORDERS: [Border; 5] =
    [Border::Constant(200), Border::Edge, Border::Reflect101, Border::Reflect, Border::Wrap];

/// Every height up to 67 with every width up to 71, so that blocks of all registers end everywhere, and each of them with one
/// to nine channels where the environment has SEEDBED_EXHAUSTIVE=1. Otherwise with channels in turn, from a height of 9 on
/// with every other width; and at some heights all widths with all channels.
pub(crate) fn shapes() -> impl Iterator<Item = (usize, usize, usize)> {
    let all = std::env::var_os("SEEDBED_EXHAUSTIVE").is_some_and(|v| v == "1");
    let sizes = (1..=67).flat_map(|h| (1..=71).flat_map(move |w| (1..=9).map(move |c| (h, w, c))));
    sizes.filter(move |(h, w, c)| {
        let in_turn = (h * 71 + w) % 9 + 1 == *c && (*h < 9 || (h + w) % 2 == 0);
        all || in_turn || [1, 2, 17].contains(h)
    })
}

/// `op` from `src` into an image of its shape, with scratch of so many bytes that hold anything.
pub(crate) fn made<T: Sample>(
    src: &Owned<T>,
    bytes: usize,
    op: impl Fn(ImageRef<'_, T>, ImageMut<'_, T>, &mut Scratch<'_>) -> Result<()>,
) -> Owned<T> {
    let memory = vec![0xa5; bytes];
    src.through(src.shape.2, |src, dst| op(src, dst, &mut Scratch::new(&mut memory.clone())).unwrap())
}

/// What `op` makes of `src`, which is the same at every level.
pub(crate) fn at_every_level<T: Sample>(
    src: &Owned<T>,
    op: impl Fn(Level, &Owned<T>) -> Owned<T>,
) -> Owned<T> {
    let want = op(Level::BASE, src);
    let bits = |image: &Owned<T>| image.data.iter().map(|v| v.to_f32().to_bits()).collect::<Vec<_>>();
    for level in Level::available() {
        assert!(bits(&op(level, src)) == bits(&want), "{:?} at {}", src.shape, level.name());
    }
    want
}

/// The value at (y, x) of channel `c`, or that which `border` puts outside.
pub(crate) fn value<T: Sample>(src: &Owned<T>, border: Border<T>, (y, x): (i64, i64), c: usize) -> f64 {
    let (h, w, channels) = src.shape;
    let (y, x) = border.index(y, h).zip(border.index(x, w)).unwrap();
    f64::from(src.data[(y * w + x) * channels + c].to_f32())
}

/// `of` row, column and channel, for every value of an image of this shape.
pub(crate) fn each_value((h, w, c): (usize, usize, usize), of: impl Fn(i64, i64, usize) -> f64) -> Vec<f64> {
    (0..h * w * c).map(|i| of((i / (w * c)) as i64, (i / c % w) as i64, i % c)).collect()
}

/// Within half a level, and what `f32` and the weights of integers add; of floats within the share that `f32` has.
pub(crate) fn half<T: Sample>() -> f64 {
    if T::LARGEST > 1.0 { 0.55 } else { 4e-6 }
}

/// `op` makes the same of the images of all [`shapes`] at every level.
pub(crate) fn same_at_every_level<T: PartialEq>(op: impl Fn(Level, &Owned) -> T) {
    for (h, w, c) in shapes() {
        let src = Owned::pattern(h, w, c);
        let want = op(Level::BASE, &src);
        // The first one is the base.
        for level in Level::available().skip(1) {
            assert!(op(level, &src) == want, "{h} x {w} x {c} at {}", level.name());
        }
    }
}

/// Each value, of integers moved into their range, is within `most` levels of the exact one, and the mean difference, which
/// must come from many values, below a fiftieth of a level, or below six times what chance makes of so many rounded values.
/// Values halfway between two levels do not count in the mean: the upper one is their definition.
pub(crate) fn assert_exact<T: Sample>(got: &[T], want: &[f64], most: f64) {
    assert_eq!(got.len(), want.len());
    let (mut sum, mut count, mut worst) = (0.0, 0.0, 0f64);
    let white = f64::from(T::LARGEST);
    let within = |w: &f64| if white > 1.0 { w.clamp(0.0, white) } else { *w };
    for (g, w) in got.iter().zip(want.iter().map(within)) {
        let difference = f64::from(g.to_f32()) - w;
        worst = worst.max(difference.abs());
        if (w.fract() - 0.5).abs() > 1e-6 {
            (sum, count) = (sum + difference, count + 1.0);
        }
    }
    let bias = if count > 2000.0 { sum / count } else { 0.0 };
    // A difference that is anything within half a level alike deviates by 1 / √12 of one.
    let chance = 6.0 / (12.0f64 * count).sqrt();
    assert!(worst <= most && bias.abs() < chance.max(0.02), "at most {worst}, in the mean {bias}");
}
