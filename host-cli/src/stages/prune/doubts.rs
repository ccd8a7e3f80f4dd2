//! Outliers, suspected wrong labels, and the choice of a covering subset.

use super::PruneOptions;
use super::search::Search;
use super::state::{State, Verdict};
use crate::dataset::Split;
use crate::error::Result;
use crate::features::{Mat, neighbours};
use crate::stages::Ctx;
use seedbed::label::{
    Doubt, SoftmaxParams, find_label_errors, fold_of, knn_probabilities, label_errors_scratch_len,
    softmax_probabilities, softmax_scratch_len,
};
use seedbed::linalg::{Exclude, Neighbour, squared_distance};
use seedbed::prune::{k_center, knn_scores, lof, robust_limit};
use seedbed::rng::id_hash;
use seedbed::scratch::ScratchBuf;
use seedbed::{MatMut, MatRef};
use serde_json::json;
use std::collections::HashMap;

/// Of a class one in so many may be an outlier.
const MOST_OF_CLASS: usize = 5;

/// Drops samples far from their neighbours, or less dense than these, as the options say.
pub fn outliers(ctx: &Ctx, state: &mut State, search: &Search, options: &PruneOptions) -> Result<()> {
    let left = state.judged_left();
    let k = options.neighbours;
    if left.len() <= k || !(options.knn || options.lof) {
        return Ok(());
    }
    let mut near = search.among(ctx, &state.features, &left, k)?;
    if state.projection.is_some() {
        measure_all(ctx, &state.values, &left, &mut near, k);
    }
    let mut scores = vec![0.0; left.len()];
    let mut other = vec![0.0; left.len()];
    if options.knn {
        knn_scores(&near, k, &mut scores)?;
        let limit = robust_limit(&scores, options.knn_limit, &mut other)?;
        drop_above(state, &left, &scores, limit, "outlier_knn");
    }
    if options.lof {
        lof(&near, k, &mut other, &mut scores)?;
        drop_above(state, &left, &scores, options.lof_limit, "outlier_lof");
    }
    Ok(())
}

/// Measures the distances to neighbours that were found by components again, on all values: what an outlier has and
/// the components cannot tell, such as noise, counts too.
fn measure_all(ctx: &Ctx, values: &Mat, rows: &[usize], near: &mut [Neighbour], k: usize) {
    let work: Vec<_> = near.chunks_mut(k).zip(rows).collect();
    ctx.pool.map_owned(work, |(list, &row)| {
        for n in list.iter_mut().filter(|n| n.exists()) {
            n.squared = squared_distance(ctx.level, values.row(row), values.row(rows[n.at()]));
        }
        list.sort_by(|a, b| a.squared.total_cmp(&b.squared).then(a.index.cmp(&b.index)));
    });
}

fn drop_above(state: &mut State, left: &[usize], scores: &[f32], limit: f32, method: &'static str) {
    state.thresholds.insert(method.to_owned(), json!(limit));
    let mut sizes: HashMap<Option<u32>, usize> = HashMap::new();
    left.iter().for_each(|&i| *sizes.entry(state.labels[i]).or_default() += 1);
    // A class that lies apart is no outlier as a whole: of each a part may go, the farthest first.
    let mut may_go: HashMap<Option<u32>, usize> =
        sizes.into_iter().map(|(c, n)| (c, n / MOST_OF_CLASS)).collect();
    let mut above: Vec<(f32, usize)> =
        scores.iter().zip(left).filter(|&(&score, _)| score > limit).map(|(&score, &i)| (score, i)).collect();
    above.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (score, i) in above {
        if let Some(rest) = may_go.get_mut(&state.labels[i]).filter(|rest| **rest > 0) {
            *rest -= 1;
            state.drop(i, Verdict::new(method, f64::from(score), f64::from(limit)));
        }
    }
}

/// Drops samples whose label is suspected to be wrong.
pub fn labels(
    ctx: &Ctx,
    state: &mut State,
    search: &Search,
    options: &PruneOptions,
    classes: usize,
) -> Result<()> {
    // Models may learn from val, which is there to choose models by, but not from what scores are taken on.
    let learns = |&i: &usize| options.all_splits || state.splits[i] != Split::Test;
    let labelled = |i: &usize| state.labels[*i].is_some();
    let left: Vec<usize> = state.left().into_iter().filter(learns).filter(labelled).collect();
    let k = options.neighbours;
    if classes < 2 || left.len() <= k.max(2 * options.folds as usize) {
        return Ok(());
    }
    let labels: Vec<u32> = left.iter().filter_map(|&i| state.labels[i]).collect();
    let features = state.features.select(&left);
    let folds: Vec<u32> =
        left.iter().map(|&i| fold_of(ctx.seed, id_hash(state.ids[i].as_bytes()), options.folds)).collect();
    let near = search.among(ctx, &state.features, &left, k)?;
    let probs = probabilities(ctx, &features, &near, &labels, &folds, classes)?;
    let agreement = agreement(&probs, &labels);
    state.thresholds.insert("label_agreement".into(), json!(agreement));
    if agreement < f64::from(options.label_agreement) {
        ctx.progress.warn(format!(
            "prune: labels are left alone: the models agree with {:.0} % of them only (see --label-agreement)",
            100.0 * agreement
        ));
        return Ok(());
    }
    let mut doubts = vec![Doubt::default(); left.len()];
    let mut scratch = ScratchBuf::new();
    let arena = &mut scratch.arena(label_errors_scratch_len(left.len(), classes));
    find_label_errors(options.label_filter.into(), &labels, probs.view(), &mut doubts, arena)?;
    let most = -options.label_margin;
    for (&i, doubt) in left.iter().zip(&doubts).filter(|(_, d)| d.suspected && d.margin <= most) {
        let verdict = Verdict::new("label_error", f64::from(doubt.margin), f64::from(most));
        state.drop(i, Verdict { suggested: Some(doubt.likely), ..verdict });
    }
    Ok(())
}

/// The share of samples whose label is the likeliest one.
fn agreement(probs: &Mat, labels: &[u32]) -> f64 {
    let likeliest = |row: &[f32]| {
        row.iter().enumerate().fold((0, f32::MIN), |best, (c, &p)| if p > best.1 { (c, p) } else { best }).0
    };
    let rows = probs.data.chunks_exact(probs.cols.max(1)).zip(labels);
    rows.filter(|(row, label)| likeliest(row) == **label as usize).count() as f64 / labels.len().max(1) as f64
}

/// The mean of what neighbours and a softmax regression over folds say; neither has seen the sample.
fn probabilities(
    ctx: &Ctx,
    features: &Mat,
    near: &[Neighbour],
    labels: &[u32],
    folds: &[u32],
    classes: usize,
) -> Result<Mat> {
    let n = features.rows();
    let k = near.len() / n.max(1);
    let mut votes = Mat::zeros(n, classes);
    let mut counts = vec![0; classes];
    knn_probabilities(near, k, labels, &mut counts, MatMut::new(&mut votes.data, n, classes)?)?;
    let scaled = one_scale(ctx, features)?;
    let mut fitted = Mat::zeros(n, classes);
    let mut scratch = ScratchBuf::new();
    let arena = &mut scratch.arena(softmax_scratch_len(n, features.cols, classes));
    let out = MatMut::new(&mut fitted.data, n, classes)?;
    let params = SoftmaxParams::default();
    softmax_probabilities(ctx.level, &ctx.pool, params, scaled.view(), labels, folds, out, arena)?;
    for (vote, p) in votes.data.iter_mut().zip(&fitted.data) {
        *vote = seedbed::math::min(0.5 * (*vote + p), 1.0);
    }
    Ok(votes)
}

/// Columns with mean 0 under one common scale, so that their mean variance is 1.
fn one_scale(ctx: &Ctx, features: &Mat) -> Result<Mat> {
    let (mut mean, mut std) = (vec![0.0; features.cols], vec![0.0; features.cols]);
    seedbed::linalg::column_moments(ctx.level, features.view(), &mut mean, &mut std)?;
    let variance = std.iter().map(|s| s * s).sum::<f64>() / features.cols.max(1) as f64;
    let scale = if variance > 0.0 { 1.0 / variance.sqrt() } else { 1.0 };
    let mut out = features.clone();
    for row in out.data.chunks_mut(features.cols.max(1)) {
        for (v, m) in row.iter_mut().zip(&mean) {
            *v = ((f64::from(*v) - m) * scale) as f32;
        }
    }
    Ok(out)
}

/// Keeps `size` samples of the train split that cover it best; the first is the one nearest to its mean.
pub fn cover(ctx: &Ctx, state: &mut State, size: usize) -> Result<()> {
    let train: Vec<usize> = state.left().into_iter().filter(|&i| state.splits[i] == Split::Train).collect();
    if size >= train.len() {
        return Ok(());
    }
    let features = state.features.select(&train);
    let start = nearest_to_mean(ctx, &features)?;
    let (mut chosen, mut nearest) = (vec![0u32; size], vec![0.0; train.len()]);
    let x: MatRef<'_, f32> = features.view();
    let cover = k_center(ctx.level, &ctx.pool, x, start, &mut chosen, &mut nearest)?;
    let radius = f64::from(cover.squared_radius).sqrt();
    state.thresholds.insert("k_center".into(), json!(radius));
    let mut keep = vec![false; train.len()];
    chosen.iter().for_each(|&i| keep[i as usize] = true);
    for (at, &i) in train.iter().enumerate().filter(|&(at, _)| !keep[at]) {
        state.drop(i, Verdict::new("k_center", f64::from(nearest[at]).sqrt(), radius));
    }
    Ok(())
}

fn nearest_to_mean(ctx: &Ctx, features: &Mat) -> Result<usize> {
    let (mut mean, mut std) = (vec![0.0; features.cols], vec![0.0; features.cols]);
    seedbed::linalg::column_moments(ctx.level, features.view(), &mut mean, &mut std)?;
    let mean = Mat { data: mean.iter().map(|&m| m as f32).collect(), cols: features.cols };
    let near = neighbours(ctx, &mean, features, Exclude::Nothing, 1)?;
    Ok(near.first().filter(|n| n.exists()).map_or(0, |n| n.at()))
}
