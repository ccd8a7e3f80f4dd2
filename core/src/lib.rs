//! Dataset work for generative models, in a library that fits anywhere.
//!
//! `seedbed` prepares, balances, prunes, augments and judges datasets, and trains small VAEs and
//! GANs on them. It is `no_std` without condition, needs no allocator, holds no global state and
//! does not panic on what a caller passes. Every result is a pure function of input, parameters
//! and seed: the same bytes on every processor, at every SIMD level and for every thread count.
//!
//! ```
//! use seedbed::rng::{Key, Stream};
//!
//! // A sample's randomness depends on its key alone, never on the order of work.
//! let mut stream = Stream::new(7, Key::new(0).sample(1234));
//! assert_eq!(stream.below(10), Stream::new(7, Key::new(0).sample(1234)).below(10));
//! ```
//!
//! # The floors
//! A module uses only modules on a lower floor.
//!
//! | floor | modules | what lives there |
//! | --- | --- | --- |
//! | 3 | [`augment`] [`balance`] [`prune`] [`label`] [`quality`] [`metrics`] [`generate`] | what a user asks for |
//! | 2 | [`image`] [`nn`] | one domain each: views, operations, layers |
//! | 1 | [`linalg`] [`signal`] | matrix products, distances, decompositions; transforms |
//! | 0 | [`error`] [`view`] [`scratch`] [`exec`] [`rng`] [`math`] [`simd`] | what everything stands on |
//!
//! # Features
//! * `alloc`: owning conveniences over the borrowed views.
//! * `ndarray`: conversions to and from `ndarray` views (ndarray needs an allocator).
//! * `serde`: parameters and pipelines as data.
//!
//! SIMD has no feature: the best level of the processor is found at run time, without std.
//!
//! # Where the promise of equal bytes ends
//! NaN payloads are not promised, nor anything in a program that sets flush-to-zero
//! (for example one linked with `-ffast-math`).
#![no_std]
// A negated comparison is meant where it stands: it is true for NaN, too.
#![allow(clippy::neg_cmp_op_on_partial_ord)]
// Tests hold our functions against std's, and figures against their sources.
#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::excessive_precision,
        clippy::too_many_arguments,
        clippy::type_complexity
    )
)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

#[macro_use]
pub mod simd;

pub mod error;
pub mod exec;
pub mod math;
pub mod rng;
pub mod scratch;
pub mod view;

pub mod linalg;
pub mod signal;

pub mod image;
pub mod nn;

pub mod augment;
pub mod balance;
pub mod generate;
pub mod label;
pub mod metrics;
pub mod prune;
pub mod quality;

#[cfg(test)]
mod testing;

pub use error::{Error, Result};
pub use scratch::{Scratch, ScratchLen};
pub use simd::Level;
pub use view::{ImageMut, ImageRef, MatMut, MatRef};
