//! Exact and near duplicates.

use super::candidates::{Pair, by_features, by_hash};
use super::search::Search;
use super::state::{State, Verdict};
use super::{Leaks, PruneOptions};
use crate::dataset::Split;
use crate::error::Result;
use crate::stages::Ctx;
use seedbed::ImageRef;
use seedbed::linalg::Neighbour;
use seedbed::prune::{NearPair, NearRule, mark_near, open_pairs, pair_scales, shifted_difference};
use serde_json::json;
use std::collections::HashMap;

/// Nearest pictures that tell a sample's scale.
const LIST: usize = 8;

/// Drops samples of equal content, and notes leaks.
pub fn exact(state: &mut State, options: &PruneOptions) {
    let mut kept: HashMap<u128, usize> = HashMap::new();
    // Where leaks stay, one of each is kept in train.
    let mut leaked: HashMap<u128, usize> = HashMap::new();
    for i in by_rank(state) {
        let hash = state.hashes[i];
        let Some(&first) = leaked.get(&hash).or_else(|| kept.get(&hash)) else {
            kept.insert(hash, i);
            continue;
        };
        let verdict = Verdict::new("exact_duplicate", 0.0, 0.0).kept(first);
        if repeat(state, options, i, verdict) && options.leaks == Leaks::Report {
            leaked.insert(hash, i);
        }
    }
}

/// The samples left in the order in which they are to be kept.
fn by_rank(state: &State) -> Vec<usize> {
    let mut order = state.left();
    order.sort_by_key(|&i| state.rank(i));
    order
}

/// Drops `i`, which repeats another. From train into val or test it is a leak, which may be reported only; says
/// whether it is one.
fn repeat(state: &mut State, options: &PruneOptions, i: usize, verdict: Verdict) -> bool {
    let leaks = state.splits[i] == Split::Train
        && verdict.kept.is_some_and(|first| state.splits[first] != Split::Train);
    if leaks {
        state.leak(i, verdict.clone());
    }
    if !leaks || options.leaks == Leaks::Drop {
        state.drop(i, verdict);
    }
    leaks
}

/// Drops pictures that are nearly another one.
pub fn near(ctx: &Ctx, state: &mut State, search: &Search, options: &PruneOptions) -> Result<()> {
    let Some(shape) = state.shape else { return Ok(()) };
    let rows = state.left();
    if rows.len() < 2 {
        return Ok(());
    }
    let shift = options.near_shift.min(shape.0.min(shape.1) - 1);
    let pictures: Vec<Vec<u8>> = (0..state.values.rows())
        .map(|i| state.values.row(i).iter().map(|v| (v * 255.0).round() as u8).collect())
        .collect();
    let mut candidates = by_features(ctx, state, search, &rows, shape, shift)?;
    candidates.extend(by_hash(ctx, &pictures, &rows, shape, options.near_bits)?);
    let order = by_rank(state);
    let mut near = Near::new(ctx, state, options, (&pictures, shape, shift), &order);
    near.measure(candidates)?;
    near.scale()?;
    let mut found = near.settle(ctx, |_| true)?;
    if options.leaks == Leaks::Report {
        // Leaks stay, but copies of them within train go.
        let train = |i: usize| state.splits[order[i]] == Split::Train;
        let apart = near.settle(ctx, |p| train(p.first as usize) && train(p.second as usize))?;
        found.extend(apart);
    }
    state.thresholds.insert("near_ratio".into(), json!(options.near_ratio));
    for (i, verdict) in found {
        repeat(state, options, i, verdict);
    }
    Ok(())
}

/// What near duplicates are told by. Samples go by their place in the order in which they are to be kept.
struct Near<'a> {
    ctx: &'a Ctx,
    rule: NearRule,
    pictures: &'a [Vec<u8>],
    shape: (usize, usize, usize),
    shift: usize,
    order: &'a [usize],
    /// The place of each sample.
    places: Vec<usize>,
    may_drop: Vec<bool>,
    /// Measured pairs, in the order of their keys.
    pairs: Vec<NearPair>,
    scales: Vec<f32>,
}

impl<'a> Near<'a> {
    fn new(
        ctx: &'a Ctx,
        state: &State,
        options: &PruneOptions,
        (pictures, shape, shift): (&'a [Vec<u8>], (usize, usize, usize), usize),
        order: &'a [usize],
    ) -> Self {
        let mut places = vec![0; pictures.len()];
        order.iter().enumerate().for_each(|(place, &i)| places[i] = place);
        Self {
            ctx,
            rule: NearRule { ratio: options.near_ratio, ..NearRule::default() },
            pictures,
            shape,
            shift,
            order,
            places,
            may_drop: order.iter().map(|&i| state.judged(i)).collect(),
            pairs: Vec::new(),
            scales: vec![0.0; order.len()],
        }
    }

    /// Adds pairs of samples, by their pixels at the best shift.
    fn measure(&mut self, pairs: Vec<Pair>) -> Result<()> {
        let mut keys: Vec<(usize, usize)> = pairs
            .into_iter()
            .map(|(a, b)| (self.places[a], self.places[b]))
            .map(|(a, b)| (a.max(b), a.min(b)))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let (h, w, c) = self.shape;
        let view = |place: usize| ImageRef::new(&self.pictures[self.order[place]], h, w, c);
        let measured = self.ctx.pool.try_map(&keys, |&(b, a)| {
            let squared = shifted_difference(self.ctx.level, view(a)?, view(b)?, self.shift)?;
            Ok(NearPair::new(a as u32, b as u32, squared))
        })?;
        self.pairs.extend(measured);
        self.pairs.sort_unstable_by_key(NearPair::key);
        Ok(())
    }

    /// How far apart pictures are where each lies.
    fn scale(&mut self) -> Result<()> {
        let mut near: Vec<Vec<Neighbour>> = vec![Vec::new(); self.order.len()];
        for &NearPair { first, second, squared } in &self.pairs {
            near[first as usize].push(Neighbour { index: second, squared });
            near[second as usize].push(Neighbour { index: first, squared });
        }
        for list in &mut near {
            list.sort_by(|a, b| a.squared.total_cmp(&b.squared).then(a.index.cmp(&b.index)));
            list.resize(LIST, Neighbour::NONE);
        }
        let mut sorted = vec![0.0; self.order.len()];
        Ok(pair_scales(self.rule, &near.concat(), LIST, &mut self.scales, &mut sorted)?)
    }

    /// The samples that repeat another one by the pairs that `counts` holds for, with the verdict.
    fn settle(&mut self, ctx: &Ctx, counts: impl Fn(&NearPair) -> bool) -> Result<Vec<(usize, Verdict)>> {
        let mut marks = vec![Neighbour::NONE; self.order.len()];
        let task = ctx.progress.start("prune: copies of copies", None);
        loop {
            let counted: Vec<NearPair> = self.pairs.iter().copied().filter(&counts).collect();
            mark_near(self.rule, &counted, &self.scales, &self.may_drop, &mut marks)?;
            // Copies that are near each other, but were no candidates of the one that is kept.
            let known = |a: u32, b: u32| self.pairs.binary_search_by_key(&(b, a), NearPair::key).is_ok();
            let open = open_pairs(self.rule, &counted, &self.scales, &marks).filter(|&(a, b)| !known(a, b));
            let open: Vec<Pair> =
                open.map(|(a, b)| (self.order[a as usize], self.order[b as usize])).collect();
            if open.is_empty() {
                break;
            }
            task.inc(open.len() as u64);
            self.measure(open)?;
        }
        let found = marks.iter().enumerate().filter(|(_, m)| m.exists()).map(|(place, mark)| {
            let (score, threshold) = (f64::from(mark.squared), f64::from(self.rule.ratio));
            let verdict = Verdict::new("near_duplicate", score, threshold).kept(self.order[mark.at()]);
            (self.order[place], verdict)
        });
        Ok(found.collect())
    }
}
