//! Floor 3: balancing, and the scores of generated samples.

use super::fill;
use super::neighbours::{DIMS, K, N, nearest, points};
use crate::Digest;
use seedbed::balance::{
    Synthetic, Target, balanced_weights, class_targets, effective_number_weights, mix_rows, oversample,
    smote, undersample, undersample_scratch_len,
};
use seedbed::exec::Serial;
use seedbed::linalg::{Neighbour, covariance, covariance_scratch_len};
use seedbed::metrics::{
    KidParams, Moments, ball_scores, ball_scores_scratch_len, copy_scores, frechet_distance,
    frechet_scratch_len, kid, kid_scratch_len,
};
use seedbed::{Level, MatRef, Result, Scratch};

/// Which samples are repeated, dropped and mixed, and the weights of classes.
pub(super) fn balance(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let counts = [45, 9, 130, 0];
    let mut targets = [0u32; 4];
    for target in [Target::Max, Target::Min, Target::Mean, Target::Count(70)] {
        class_targets(target, &counts, &mut targets)?;
        targets.iter().for_each(|&n| {
            digest.word(n.into());
        });
    }
    let mut weights = [0f32; 3];
    balanced_weights(&[45, 9, 130], &mut weights)?;
    digest.floats(&weights);
    effective_number_weights(&[45, 9, 130], 0.99, &mut weights)?;
    digest.floats(&weights);

    let mut chosen = [0u32; 30];
    oversample(4, 1, 9, &mut chosen)?;
    chosen.iter().for_each(|&i| {
        digest.word(i.into());
    });
    let ids: [u64; N] = core::array::from_fn(|i| (i as u64 + 7) * 0x9e37_79b9);
    let mut frame = scratch.frame();
    let memory = frame.take::<u8>(undersample_scratch_len(N))?;
    undersample(4, &ids, &mut chosen, &mut Scratch::new(memory))?;
    chosen.iter().for_each(|&i| {
        digest.word(i.into());
    });

    let x = frame.take::<f32>(N * DIMS)?;
    points(x, &mut [0; N]);
    let x = MatRef::new(x, N, DIMS)?;
    let mut lists = [Neighbour::NONE; N * K];
    nearest(level, x, &mut lists, &mut frame)?;
    let mut made = [Synthetic::default(); 20];
    smote(5, 2, &lists, K, &mut made)?;
    let mut row = [0f32; DIMS];
    for s in made {
        mix_rows(level, x.row(s.base as usize), x.row(s.other as usize), s.gap, &mut row);
        digest.word(s.base.into()).word(s.other.into()).floats(&[s.gap]).floats(&row);
    }
    Ok(digest.finish())
}

/// Distances between a set of points and a shifted one.
pub(super) fn metrics(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let (a, b) = (scratch.take::<f32>(N * DIMS)?, scratch.take::<f32>(N * DIMS)?);
    points(a, &mut [0; N]);
    fill(60, -1.0, 2.0, b);
    let (a, b) = (MatRef::new(a, N, DIMS)?, MatRef::new(b, N, DIMS)?);

    let memory = scratch.take::<u8>(ball_scores_scratch_len(N, N, DIMS, K))?;
    let balls = ball_scores(level, &Serial, a, b, K, &mut Scratch::new(memory))?;
    for v in [balls.precision, balls.recall, balls.density, balls.coverage] {
        digest.word(v.to_bits());
    }
    let params = KidParams { subsets: 3, size: 20, ..KidParams::default() };
    let memory = scratch.take::<u8>(kid_scratch_len(params, N, N, DIMS))?;
    let found = kid(level, &Serial, params, a, b, &mut Scratch::new(memory))?;
    digest.word(found.mean.to_bits()).word(found.std.to_bits());

    let memory = scratch.take::<u8>(covariance_scratch_len(N, DIMS))?;
    let (mut mean_a, mut mean_b) = ([0f64; DIMS], [0f64; DIMS]);
    let (cov_a, cov_b) = (scratch.take::<f64>(DIMS * DIMS)?, scratch.take::<f64>(DIMS * DIMS)?);
    covariance(level, &Serial, a, &mut mean_a, cov_a, &mut Scratch::new(memory))?;
    covariance(level, &Serial, b, &mut mean_b, cov_b, &mut Scratch::new(memory))?;
    let memory = scratch.take::<u8>(frechet_scratch_len(DIMS))?;
    let (of_a, of_b) =
        (Moments { mean: &mean_a, covariance: cov_a }, Moments { mean: &mean_b, covariance: cov_b });
    digest.word(frechet_distance(level, of_a, of_b, &mut Scratch::new(memory))?.to_bits());

    let (mut near_a, mut near_b) = ([Neighbour::NONE; N * K], [Neighbour::NONE; N * K]);
    nearest(level, a, &mut near_a, scratch)?;
    nearest(level, b, &mut near_b, scratch)?;
    let pairs = |lists: &[Neighbour; N * K]| -> [Neighbour; 2 * N] {
        core::array::from_fn(|i| lists.get(i / 2 * K + i % 2).copied().unwrap_or(Neighbour::NONE))
    };
    let copies = copy_scores(0.9, &pairs(&near_a), &pairs(&near_b), &mut [0.0; N], &mut [0.0; N])?;
    for v in [copies.copied, copies.held_out_copied, copies.identical, copies.z] {
        digest.word(v.to_bits());
    }
    Ok(digest.finish())
}
