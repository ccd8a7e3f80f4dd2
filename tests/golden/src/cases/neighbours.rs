//! Floor 1 and what stands on it: neighbours, decompositions, outliers, coverage, suspected labels.

use super::{fill, stream};
use crate::Digest;
use seedbed::exec::Serial;
use seedbed::label::{
    Doubt, LabelRule, SoftmaxParams, find_label_errors, fold_of, knn_probabilities, label_errors_scratch_len,
    softmax_probabilities, softmax_scratch_len,
};
use seedbed::linalg::{Exclude, Neighbour, Pca, column_moments, knn, knn_scratch_len, symmetric_eigen};
use seedbed::prune::{
    NearPair, NearRule, k_center, knn_scores, lof, mark_near, open_pairs, pair_scales, robust_limit,
};
use seedbed::{Level, MatMut, MatRef, Result, Scratch};

/// Points, their dimensions, neighbours of each, and classes.
pub(super) const N: usize = 45;
pub(super) const DIMS: usize = 19;
pub(super) const K: usize = 4;
const CLASSES: usize = 3;

/// The points: clusters of the three classes, and their labels, one in eight of them wrong.
pub(super) fn points(x: &mut [f32], labels: &mut [u32]) {
    fill(20, -1.0, 1.0, x);
    let mut s = stream(21);
    for (i, (row, label)) in x.chunks_exact_mut(DIMS).zip(labels).enumerate() {
        let class = i % CLASSES;
        for v in row.iter_mut().skip(class).step_by(CLASSES) {
            *v += 1.5;
        }
        *label = if s.chance(0.125) { s.below(CLASSES as u32) } else { class as u32 };
    }
}

fn digest_neighbours(digest: &mut Digest, lists: &[Neighbour]) {
    for n in lists {
        digest.word(n.index.into()).floats(&[n.squared]);
    }
}

pub(super) fn nearest(
    level: Level,
    x: MatRef<'_, f32>,
    out: &mut [Neighbour; N * K],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let mut frame = scratch.frame();
    let mut memory = Scratch::new(frame.take::<u8>(knn_scratch_len(N, N, DIMS))?);
    knn(level, &Serial, x, x, Exclude::Itself, K, out, &mut memory)
}

/// Nearest neighbours and the scores that follow from them.
pub(super) fn neighbours(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let x = scratch.take::<f32>(N * DIMS)?;
    points(x, &mut [0; N]);
    let x = MatRef::new(x, N, DIMS)?;
    let mut lists = [Neighbour::NONE; N * K];
    nearest(level, x, &mut lists, scratch)?;
    digest_neighbours(&mut digest, &lists);

    let (mut scores, mut work) = ([0f32; N], [0f32; N]);
    knn_scores(&lists, K, &mut scores)?;
    digest.floats(&scores).floats(&[robust_limit(&scores, 3.0, &mut work)?]);
    lof(&lists, K, &mut work, &mut scores)?;
    digest.floats(&scores);
    let rule = NearRule::default();
    let mut scales = [0f32; N];
    pair_scales(rule, &lists, K, &mut scales, &mut work)?;
    let mut marked = [Neighbour::NONE; N];
    let mut pairs: [NearPair; N * K] = core::array::from_fn(|place| {
        let n = lists.get(place).copied().unwrap_or_default();
        NearPair::new((place / K) as u32, n.index, n.squared)
    });
    pairs.sort_unstable_by_key(NearPair::key);
    mark_near(rule, &pairs, &scales, &[true; N], &mut marked)?;
    digest_neighbours(&mut digest, &marked);
    for (a, b) in open_pairs(rule, &pairs, &scales, &marked) {
        digest.word(a.into()).word(b.into());
    }
    let mut chosen = [0u32; 9];
    let cover = k_center(level, &Serial, x, 5, &mut chosen, &mut work)?;
    for i in chosen {
        digest.word(i.into());
    }
    digest.floats(&[cover.squared_radius]);
    Ok(digest.finish())
}

/// Moments, eigenvectors and principal components.
pub(super) fn decompositions(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    const COUNT: usize = 5;
    let mut digest = Digest::new();
    let x = scratch.take::<f32>(N * DIMS)?;
    points(x, &mut [0; N]);
    let x = MatRef::new(x, N, DIMS)?;
    let (mut mean, mut std) = ([0f64; DIMS], [0f64; DIMS]);
    column_moments(level, x, &mut mean, &mut std)?;
    for v in mean.iter().chain(&std) {
        digest.word(v.to_bits());
    }
    let (components, mut variances) = (scratch.take::<f32>(COUNT * DIMS)?, [0f32; COUNT]);
    let memory = scratch.take::<u8>(Pca::fit_scratch_len(N, DIMS, COUNT))?;
    let pca = Pca::fit(level, &Serial, x, &mut mean, components, &mut variances, &mut Scratch::new(memory))?;
    let projected = scratch.take::<f32>(N * COUNT)?;
    let memory = scratch.take::<u8>(pca.project_scratch_len(N))?;
    pca.project(level, &Serial, x, MatMut::new(projected, N, COUNT)?, &mut Scratch::new(memory))?;
    digest.floats(&variances).floats(projected).floats(pca.components().data());

    const SIDE: usize = 12;
    let (a, vectors) = (scratch.take::<f64>(SIDE * SIDE)?, scratch.take::<f64>(SIDE * SIDE)?);
    for (i, v) in a.iter_mut().enumerate() {
        let (row, col) = (i / SIDE, i % SIDE);
        *v = 1.0 / (1 + row.max(col)) as f64 + (row * col % 7) as f64;
    }
    let mut values = [0f64; SIDE];
    symmetric_eigen(level, a, &mut values, vectors)?;
    for v in values.iter().chain(vectors.iter()) {
        digest.word(v.to_bits());
    }
    Ok(digest.finish())
}

/// Out-of-fold probabilities of both kinds, and the labels that they cast doubt on.
pub(super) fn labels(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let x = scratch.take::<f32>(N * DIMS)?;
    let mut labels = [0u32; N];
    points(x, &mut labels);
    let x = MatRef::new(x, N, DIMS)?;
    let probs = scratch.take::<f32>(N * CLASSES)?;
    let folds: [u32; N] = core::array::from_fn(|i| fold_of(3, i as u64, 4));

    let mut lists = [Neighbour::NONE; N * K];
    nearest(level, x, &mut lists, scratch)?;
    knn_probabilities(&lists, K, &labels, &mut [0; CLASSES], MatMut::new(probs, N, CLASSES)?)?;
    digest.floats(probs);

    let params = SoftmaxParams { iterations: 30, ..SoftmaxParams::default() };
    let mut frame = scratch.frame();
    let memory = frame.take::<u8>(softmax_scratch_len(N, DIMS, CLASSES))?;
    let out = MatMut::new(probs, N, CLASSES)?;
    softmax_probabilities(level, &Serial, params, x, &labels, &folds, out, &mut Scratch::new(memory))?;
    digest.floats(probs);

    let memory = frame.take::<u8>(label_errors_scratch_len(N, CLASSES))?;
    let probs = MatRef::new(probs, N, CLASSES)?;
    for rule in
        [LabelRule::PruneByNoiseRate, LabelRule::PruneByClass, LabelRule::Both, LabelRule::OffDiagonal]
    {
        let mut doubts = [Doubt::default(); N];
        let found = find_label_errors(rule, &labels, probs, &mut doubts, &mut Scratch::new(memory))?;
        digest.word(found as u64);
        for doubt in doubts {
            digest.word(doubt.suspected.into()).word(doubt.likely.into()).floats(&[doubt.margin]);
        }
    }
    Ok(digest.finish())
}
