//! How good generated samples are: Fréchet distance, KID, precision/recall, density/coverage, memorisation.
//!
//! All of them compare rows of features; what the features are (pixels, principal components, a network's layer) is the
//! caller's choice, and a score means something only beside it and the numbers of samples. Fréchet distance and KID
//! are biased, or noisy, in small samples: compare with the score of real against real.

mod balls;
mod copies;
mod frechet;
mod kid;

pub use balls::{BallScores, ball_scores, ball_scores_scratch_len};
pub use copies::{CopyScores, copy_scores, mann_whitney_z};
pub use frechet::{Moments, frechet_distance, frechet_scratch_len};
pub use kid::{Kid, KidParams, PURPOSE as KID_PURPOSE, kid, kid_scratch_len};
