//! All scores of one set of features against another.

use crate::error::Result;
use crate::features::Mat;
use crate::stages::Ctx;
use seedbed::linalg::{covariance, covariance_scratch_len};
use seedbed::metrics::{
    KidParams, Moments, ball_scores, ball_scores_scratch_len, frechet_distance, frechet_scratch_len, kid,
    kid_scratch_len,
};
use seedbed::scratch::ScratchBuf;
use serde::{Deserialize, Serialize};

/// Scores of one set against the real one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Fréchet distance; 0 is best, and small samples raise it.
    pub frechet: f64,
    /// Kernel distance, its mean over subsets; 0 is best.
    pub kid: f64,
    /// Its standard deviation over subsets.
    pub kid_std: f64,
    /// Share of the set inside a real ball.
    pub precision: f64,
    /// Share of the real samples inside a ball of the set.
    pub recall: f64,
    /// Real balls that a sample of the set lies in, over k.
    pub density: f64,
    /// Share of the real balls with a sample of the set inside.
    pub coverage: f64,
}

/// Scores of `set` against `real`, with `k` neighbours spanning the balls.
///
/// # Errors
/// When a set has `k` samples or fewer, or values that are not finite.
pub fn compare(ctx: &Ctx, real: &Mat, set: &Mat, k: usize) -> Result<Scores> {
    let (a, b) = (real.view(), set.view());
    let d = real.cols;
    let mut scratch = ScratchBuf::new();
    let mut moments = |x: &Mat| -> Result<(Vec<f64>, Vec<f64>)> {
        let (mut mean, mut cov) = (vec![0.0; d], vec![0.0; d * d]);
        let arena = &mut scratch.arena(covariance_scratch_len(x.rows(), d));
        covariance(ctx.level, &ctx.pool, x.view(), &mut mean, &mut cov, arena)?;
        Ok((mean, cov))
    };
    let (x, y) = (moments(real)?, moments(set)?);
    let frechet = frechet_distance(
        ctx.level,
        Moments { mean: &x.0, covariance: &x.1 },
        Moments { mean: &y.0, covariance: &y.1 },
        &mut scratch.arena(frechet_scratch_len(d)),
    )?;
    let size = (real.rows().min(set.rows()) * 3 / 4).clamp(2, 1000) as u32;
    let params = KidParams { size, seed: ctx.seed, ..KidParams::default() };
    let arena = &mut scratch.arena(kid_scratch_len(params, a.rows(), b.rows(), d));
    let kernel = kid(ctx.level, &ctx.pool, params, a, b, arena)?;
    let arena = &mut scratch.arena(ball_scores_scratch_len(a.rows(), b.rows(), d, k));
    let balls = ball_scores(ctx.level, &ctx.pool, a, b, k, arena)?;
    Ok(Scores {
        frechet,
        kid: kernel.mean,
        kid_std: kernel.std,
        precision: balls.precision,
        recall: balls.recall,
        density: balls.density,
        coverage: balls.coverage,
    })
}
