//! The cases, one file for each floor or domain of the core, and the input they share.

mod adapt;
mod augment;
mod base;
mod diff;
mod image;
mod judge;
mod linalg;
mod models;
mod neighbours;
mod networks;
mod pictures;
mod whole;

pub use augment::{PIPELINE_MEMORY, pipeline_from_bytes, sample_pipeline};

use crate::Case;
use seedbed::math;
use seedbed::rng::{Key, Stream};

/// All cases, in the order of the golden file.
pub const CASES: &[Case] = &[
    Case { name: "rng/streams", run: base::streams },
    Case { name: "rng/normal", run: base::normal },
    Case { name: "rng/shuffle", run: base::shuffle },
    Case { name: "math/slices", run: base::math_slices },
    Case { name: "math/extremes", run: base::math_extremes },
    Case { name: "math/fma", run: base::fma },
    Case { name: "linalg/reductions", run: linalg::reductions },
    Case { name: "linalg/products", run: linalg::products },
    Case { name: "linalg/neighbours", run: neighbours::neighbours },
    Case { name: "linalg/decompositions", run: neighbours::decompositions },
    Case { name: "image/resize", run: image::resize },
    Case { name: "image/warp", run: image::warp },
    Case { name: "image/geometry", run: image::geometry },
    Case { name: "image/points", run: image::points },
    Case { name: "image/wide", run: image::wide },
    Case { name: "image/spaces", run: adapt::spaces },
    Case { name: "image/references", run: adapt::references },
    Case { name: "image/parts", run: adapt::parts },
    Case { name: "image/volumes", run: adapt::volumes },
    Case { name: "augment/pipeline", run: pipeline_from_bytes },
    Case { name: "augment/operations", run: augment::operations },
    Case { name: "augment/samplings", run: augment::samplings },
    Case { name: "augment/diff", run: diff::diff },
    Case { name: "prune/hashes", run: pictures::hashes },
    Case { name: "quality/measures", run: pictures::quality },
    Case { name: "label/doubts", run: neighbours::labels },
    Case { name: "balance/samples", run: judge::balance },
    Case { name: "metrics/scores", run: judge::metrics },
    Case { name: "nn/layers", run: networks::layers },
    Case { name: "nn/int8", run: whole::int8 },
    Case { name: "nn/mlp-vae-200", run: networks::mlp_vae },
    Case { name: "nn/conv-vae-200", run: networks::conv_vae },
    Case { name: "nn/dcgan-200", run: networks::dcgan },
    Case { name: "generate/vae-mlp", run: models::vae_mlp },
    Case { name: "generate/vae-conv", run: models::vae_conv },
    Case { name: "generate/gan", run: models::gan },
    Case { name: "generate/gan-conv", run: models::gan_conv },
    Case { name: "generate/gan-spectral", run: models::gan_spectral },
    Case { name: "generate/priors", run: models::priors },
    Case { name: "generate/vqvae", run: models::vqvae },
];

/// Lengths that cover whole blocks of sixteen, tails, one element and none.
const LENGTHS: [usize; 9] = [0, 1, 3, 15, 16, 17, 31, 64, 67];

/// The stream of input number `n`.
pub(crate) fn stream(n: u64) -> Stream {
    Stream::new(0x5eed_bed0, Key::new(1000).sample(n))
}

/// Input `n`: numbers uniform between `low` and `high`.
pub(crate) fn fill(n: u64, low: f32, high: f32, out: &mut [f32]) {
    let mut stream = stream(n);
    for v in out {
        *v = stream.range(low, high);
    }
}

/// Input `n`: bytes, smooth enough that filters and tables meet more than noise.
fn fill_u8(n: u64, out: &mut [u8]) {
    let mut stream = stream(n);
    let mut level = 128.0;
    for v in out {
        level = math::clamp(level + stream.range(-40.0, 40.0), 0.0, 255.0);
        *v = math::to_u8(level);
    }
}
