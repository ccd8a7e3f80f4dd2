//! Balancing of classes: over- and undersampling, SMOTE, class weights.
//!
//! What is here decides *which* samples to repeat, to drop, or to mix, each decision from a key of its own, so that it
//! does not depend on the order of work. Copying them, and that only training samples take part, is the
//! caller's. Augmented copies are made in [`crate::augment`].

mod draw;
mod smote;
mod targets;
mod weights;

pub use draw::{oversample, undersample, undersample_scratch_len};
pub use smote::{Synthetic, mix_rows, smote};
pub use targets::{Target, class_counts, class_targets};
pub use weights::{balanced_weights, effective_number_weights};

/// The purpose number of this module's random streams.
pub const PURPOSE: u32 = 3;
