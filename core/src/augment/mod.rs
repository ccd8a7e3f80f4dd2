//! Augmentation pipelines: operations as data, with parameters that are drawn by key.
//!
//! A [`Pipeline`] is a list of [`Step`]s, each an [`Op`] with the ranges of its parameters and the probability
//! that it happens. [`Pipeline::apply`] runs it on one image: each step draws from a stream of its own, addressed
//! by the seed and the image's [`key`], so that an image's augmentation can be made again alone, in any order, on
//! any machine. A step may be a group, [`Op::SomeOf`]: one of its members, some, or all in any order.
//!
//! For many images there is a [`Plan`], a pipeline for images of one shape. [`Plan::draw`] gives what an image draws as a
//! small plain record, [`Plan::prepare`] the passes over pixels that it means, from such a record now or later:
//! [`Prepared::run`] does them to the image, of 8 or 16 bits or `f32`, [`Prepared::run_mask`] to a mask,
//! [`Prepared::boxes`] and [`Prepared::keypoints`] to these, and [`Prepared::validity`] tells which pixels show no border.
//! [`Plan::batch`], [`Plan::batch_masks`] and [`Plan::for_each`] do this for images that lie one after the other.
//!
//! All channels are alike to operations on single values, such as `brightness` and `gaussian_noise`; those on colours, such
//! as `colour_jitter`, change the first three and leave the others. So opacity goes with the image where it is moved, but
//! keep it apart from what changes values.
//!
//! [`Mixing`] mixes two samples and their labels. [`diff`] augments what the discriminator of a GAN is shown, in batches of `f32`,
//! with the way back for gradients.
//!
//! [`Pipeline::to_bytes`] and [`Pipeline::from_bytes`] are the form in which pipelines travel, and with the feature `serde`
//! there is a text of them.
//!
//! What the operations do to pixels is in [`crate::image`].
//!
//! ```
//! use seedbed::augment::{self, Op, Pipeline};
//! use seedbed::image::{Border, Interpolation};
//! use seedbed::{ImageMut, ImageRef, Level, Scratch};
//!
//! let mut pipeline = Pipeline::<4>::new();
//! pipeline.push(Op::HFlip {}, 0.5).unwrap();
//! let (border, interpolation) = (Border::Constant(0), Interpolation::Bilinear);
//! pipeline.push(Op::Rotate { degrees: [-15.0, 15.0], border, interpolation }, 1.0).unwrap();
//!
//! let shape = (8, 8, 1);
//! let (src, mut dst) = ([200u8; 64], [0u8; 64]);
//! let mut memory = vec![0; pipeline.scratch_len(shape)];
//! pipeline
//!     .apply(
//!         Level::detect(),
//!         ImageRef::new(&src, 8, 8, 1).unwrap(),
//!         ImageMut::new(&mut dst, 8, 8, 1).unwrap(),
//!         42,
//!         augment::key(b"digits/0007", 3),
//!         &mut Scratch::new(&mut memory),
//!     )
//!     .unwrap();
//! let drawn = pipeline.sample(42, augment::key(b"digits/0007", 3), shape).unwrap();
//! assert_eq!(drawn.len(), 2);
//! ```

mod action;
mod augmix;
mod batch;
mod bytes;
pub mod diff;
mod draw;
mod effect;
mod field;
mod grid;
mod group;
mod mask;
mod mix;
mod normal;
mod op;
mod pipeline;
mod plan;
mod policy;
mod record;
mod run;
mod targets;
#[cfg(feature = "serde")]
pub mod text;
mod way;

pub use augmix::{MOST_CHAINS, Mixture};
pub use batch::Draws;
pub use bytes::{MAGIC, VERSION};
pub use draw::{Drawn, MOST_RANGES};
pub use field::{Field, Param, Value};
pub use group::{MOST_MEMBERS, Members, list};
pub use mask::Labels;
pub use mix::Mixing;
pub use normal::{MOST_CHANNELS, Normal};
pub use op::{Family, Kind, Op};
pub use pipeline::{Params, Pipeline, Shape, Step};
pub use plan::{Plan, Prepared};
pub use policy::{Choice, Choices, MOST_CHOICES};
pub use targets::Keep;
pub use way::Way;

use crate::rng::{Key, id_hash};

/// What the random numbers of augmentation are for, the purpose in a [`Key`].
pub const PURPOSE: u32 = 2;

/// The key of copy `copy` of the sample of this id.
pub const fn key(id: &[u8], copy: u32) -> Key {
    Key::new(PURPOSE).epoch(copy).sample(id_hash(id))
}
