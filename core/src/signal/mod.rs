//! Transforms and filters of signals: the DCT behind perceptual hashes. Matrices are in [`crate::linalg`].

mod dct;

pub use dct::{DCT_LOW, DCT_TILE, low_frequencies};
