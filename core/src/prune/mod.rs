//! What to drop: exact and near duplicates, outliers, and selection to a size.
//!
//! Each method gives scores, or for each sample the one it repeats; what is dropped in the end, and the
//! record of it, are the caller's. Doubts about labels are in [`crate::label`], the quality of a single picture
//! in [`crate::quality`].

mod cover;
mod hash;
mod near;
mod outlier;
mod perceptual;

pub use cover::{Cover, k_center};
pub use hash::content_hash;
pub use near::{NearPair, NearRule, mark_near, open_pairs, pair_scales, shifted_difference};
pub use outlier::{MAD_TO_SIGMA, MEAN_AD_TO_SIGMA, knn_scores, lof, robust_limit};
pub use perceptual::{average_hash, difference_hash, hamming, perceptual_hash};
