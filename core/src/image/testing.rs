//! Owned images for the tests of this module.

use crate::view::{ImageMut, ImageRef};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// An image with memory of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owned {
    pub data: Vec<u8>,
    pub shape: (usize, usize, usize),
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

    pub fn view(&self) -> ImageRef<'_, u8> {
        ImageRef::new(&self.data, self.shape.0, self.shape.1, self.shape.2).unwrap()
    }

    pub fn view_mut(&mut self) -> ImageMut<'_, u8> {
        ImageMut::new(&mut self.data, self.shape.0, self.shape.1, self.shape.2).unwrap()
    }
}

/// Images of 1 to 40 pixels a side and 1 to 5 channels.
pub(crate) fn images() -> impl Strategy<Value = Owned> {
    (1usize..40, 1usize..40, 1usize..6).prop_flat_map(|shape| {
        let (h, w, c) = shape;
        prop::collection::vec(any::<u8>(), h * w * c).prop_map(move |data| Owned { data, shape })
    })
}
