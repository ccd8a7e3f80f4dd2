//! Exact and near duplicates.

use super::state::{State, Verdict};
use super::{Leaks, PruneOptions};
use crate::codec::Pixels;
use crate::dataset::Split;
use crate::error::Result;
use crate::features::{Mat, neighbours};
use crate::stages::Ctx;
use seedbed::ImageRef;
use seedbed::linalg::{Exclude, Neighbour};
use seedbed::prune::{
    NearPair, NearRule, hamming, mark_near, open_pairs, pair_scales, perceptual_hash, shifted_difference,
};
use seedbed::signal::DCT_TILE;
use serde_json::json;
use std::collections::HashMap;

/// Neighbours that are looked at for each shift.
const CANDIDATES: usize = 4;
/// Nearest pictures that tell a sample's scale.
const LIST: usize = 8;

/// Drops samples of equal content, and notes leaks.
pub fn exact(state: &mut State, options: &PruneOptions) {
    let mut kept: HashMap<u128, usize> = HashMap::new();
    for i in by_rank(state) {
        if let Some(&first) = kept.get(&state.hashes[i]) {
            repeat(state, options, i, first, "exact_duplicate", 0.0, 0.0);
        } else {
            kept.insert(state.hashes[i], i);
        }
    }
}

/// The samples left in the order in which they are to be kept.
fn by_rank(state: &State) -> Vec<usize> {
    let mut order = state.left();
    order.sort_by_key(|&i| state.rank(i));
    order
}

/// Drops `i`, which repeats `first`; from train into val or test it is a leak, which may be reported only.
fn repeat(
    state: &mut State,
    options: &PruneOptions,
    i: usize,
    first: usize,
    method: &'static str,
    score: f64,
    threshold: f64,
) {
    let verdict = Verdict::new(method, score, threshold).kept(first);
    let leaks = state.splits[i] == Split::Train && state.splits[first] != Split::Train;
    if leaks {
        state.leak(i, verdict.clone());
    }
    if !leaks || options.leaks == Leaks::Drop {
        state.drop(i, verdict);
    }
}

/// Drops pictures that are nearly another one.
pub fn near(ctx: &Ctx, state: &mut State, options: &PruneOptions) -> Result<()> {
    let Some(shape) = state.shape else { return Ok(()) };
    let order = by_rank(state);
    if order.len() <= CANDIDATES {
        return Ok(());
    }
    let shift = options.near_shift.min(shape.0.min(shape.1) - 1);
    let values = state.values.select(&order);
    let pictures: Vec<Vec<u8>> =
        (0..order.len()).map(|i| values.row(i).iter().map(|v| (v * 255.0).round() as u8).collect()).collect();
    let mut pairs = by_features(ctx, state, &order, &values, shape, shift)?;
    pairs.extend(by_hash(ctx, &pictures, shape, options.near_bits)?);
    for pair in &mut pairs {
        *pair = (pair.0.min(pair.1), pair.0.max(pair.1));
    }
    pairs.sort_unstable();
    pairs.dedup();
    let mut pairs = measure(ctx, &pictures, shape, shift, &pairs)?;
    let rule = NearRule { ratio: options.near_ratio, ..NearRule::default() };
    let (mut scales, mut sorted) = (vec![0.0; order.len()], vec![0.0; order.len()]);
    let mut marks = vec![Neighbour::NONE; order.len()];
    pair_scales(rule, &lists(order.len(), &pairs), LIST, &mut scales, &mut sorted)?;
    loop {
        pairs.sort_unstable_by_key(NearPair::key);
        mark_near(rule, &pairs, &scales, &mut marks)?;
        // Copies that are near each other, but were no candidates of the one that is kept.
        let known = |a: u32, b: u32| pairs.binary_search_by_key(&(b, a), NearPair::key).is_ok();
        let open = open_pairs(rule, &pairs, &scales, &marks).filter(|&(a, b)| !known(a, b));
        let mut open: Vec<(usize, usize)> = open.map(|(a, b)| (a as usize, b as usize)).collect();
        if open.is_empty() {
            break;
        }
        open.sort_unstable();
        open.dedup();
        pairs.extend(measure(ctx, &pictures, shape, shift, &open)?);
    }
    state.thresholds.insert("near_ratio".into(), json!(rule.ratio));
    for (at, mark) in marks.iter().enumerate().filter(|(_, m)| m.exists()) {
        let (score, threshold) = (f64::from(mark.squared), f64::from(rule.ratio));
        repeat(state, options, order[at], order[mark.at()], "near_duplicate", score, threshold);
    }
    Ok(())
}

/// Pairs that are near in the features when one of the two is shifted. Shifting one down is shifting the
/// other up, so half of the shifts are enough.
fn by_features(
    ctx: &Ctx,
    state: &State,
    order: &[usize],
    values: &Mat,
    shape: (usize, usize, usize),
    shift: usize,
) -> Result<Vec<(usize, usize)>> {
    let refs = state.features.select(order);
    let s = shift as isize;
    let half = (0..=s).flat_map(|dy| (-s..=s).map(move |dx| (dy, dx))).filter(|&(dy, dx)| dy > 0 || dx >= 0);
    let half: Vec<(isize, isize)> = half.collect();
    let task = ctx.progress.start("near duplicates", Some(half.len() as u64));
    let mut pairs = Vec::new();
    for (dy, dx) in half {
        let queries = if (dy, dx) == (0, 0) {
            refs.clone()
        } else {
            let moved = Mat { data: moved(values, shape, dy, dx), cols: values.cols };
            match &state.projection {
                Some(projection) => projection.project(ctx, &moved)?,
                None => moved,
            }
        };
        let found = neighbours(ctx, &queries, &refs, Exclude::Itself, CANDIDATES)?;
        let found = found.iter().enumerate().filter(|(_, n)| n.exists());
        pairs.extend(found.map(|(place, n)| (place / CANDIDATES, n.at())));
        task.inc(1);
    }
    Ok(pairs)
}

/// Each picture moved down by `dy` and right by `dx`; what comes in repeats the border.
fn moved(values: &Mat, (h, w, c): (usize, usize, usize), dy: isize, dx: isize) -> Vec<f32> {
    let from = |at: usize, by: isize, n: usize| (at as isize - by).clamp(0, n as isize - 1) as usize;
    let mut out = Vec::with_capacity(values.data.len());
    for i in 0..values.rows() {
        let row = values.row(i);
        for y in 0..h {
            let line = &row[from(y, dy, h) * w * c..][..w * c];
            for x in 0..w {
                out.extend_from_slice(&line[from(x, dx, w) * c..][..c]);
            }
        }
    }
    out
}

/// Pairs whose perceptual hashes differ in few bits, for pictures large enough for such a hash; the nearest few of each.
fn by_hash(
    ctx: &Ctx,
    pictures: &[Vec<u8>],
    (h, w, c): (usize, usize, usize),
    bits: u32,
) -> Result<Vec<(usize, usize)>> {
    if h < DCT_TILE || w < DCT_TILE {
        return Ok(Vec::new());
    }
    let hashes = ctx.pool.try_map(pictures, |data| {
        let pixels = Pixels::new(data.clone(), h, w, c)?;
        let grey = crate::features::Space::Pixels(crate::dataset::ImageShape {
            height: DCT_TILE as u32,
            width: DCT_TILE as u32,
            channels: 1,
        });
        let tile = grey.fit(ctx.level, &pixels)?;
        Ok(tile.as_slice().try_into().map(perceptual_hash).unwrap_or(0))
    })?;
    let numbers: Vec<usize> = (0..hashes.len()).collect();
    let near = ctx.pool.map(&numbers, |&i| {
        let mut found: Vec<(u32, usize)> = hashes[..i]
            .iter()
            .enumerate()
            .map(|(j, &other)| (hamming(hashes[i], other), j))
            .filter(|&(d, _)| d <= bits)
            .collect();
        found.sort_unstable();
        found.truncate(LIST);
        found.into_iter().map(|(_, j)| (i, j)).collect::<Vec<_>>()
    });
    Ok(near.concat())
}

/// Pairs of pictures with their difference by the pixels at the best shift.
fn measure(
    ctx: &Ctx,
    pictures: &[Vec<u8>],
    (h, w, c): (usize, usize, usize),
    shift: usize,
    pairs: &[(usize, usize)],
) -> Result<Vec<NearPair>> {
    ctx.pool.try_map(pairs, |&(i, j)| {
        let view = |i: usize| ImageRef::new(&pictures[i], h, w, c);
        let squared = shifted_difference(ctx.level, view(i)?, view(j)?, shift)?;
        Ok(NearPair::new(i as u32, j as u32, squared))
    })
}

/// For each of `n` pictures the nearest of its pairs, [`LIST`] places each.
fn lists(n: usize, pairs: &[NearPair]) -> Vec<Neighbour> {
    let mut near: Vec<Vec<Neighbour>> = vec![Vec::new(); n];
    for &NearPair { first, second, squared } in pairs {
        near[first as usize].push(Neighbour { index: second, squared });
        near[second as usize].push(Neighbour { index: first, squared });
    }
    for list in &mut near {
        list.sort_by(|a, b| a.squared.total_cmp(&b.squared).then(a.index.cmp(&b.index)));
        list.resize(LIST, Neighbour::NONE);
    }
    near.concat()
}
