//! One search for neighbours that serves all steps of pruning, though each works on fewer samples than the one before.

use crate::error::Result;
use crate::features::{Mat, neighbours};
use crate::stages::Ctx;
use seedbed::linalg::{Exclude, Neighbour};

/// Places in a list beyond those asked for, so that most lists outlast what the steps take out.
const SPARE: usize = 8;

/// The nearest others of each of some samples.
pub struct Search {
    /// The place of each sample among those searched; `u32::MAX` for the others.
    places: Vec<u32>,
    rows: Vec<usize>,
    k: usize,
    lists: Vec<Neighbour>,
}

impl Search {
    /// Finds the nearest others of the samples `rows`, which ascend, for lists of up to `most` of them later.
    pub fn new(ctx: &Ctx, features: &Mat, rows: Vec<usize>, most: usize) -> Result<Self> {
        let task = ctx.progress.start("prune: neighbours", None);
        let chosen = features.select(&rows);
        let k = most + SPARE;
        let lists = neighbours(ctx, &chosen, &chosen, Exclude::Itself, k)?;
        task.inc(1);
        Ok(Self { places: places(features.rows(), &rows), rows, k, lists })
    }

    /// The `k` nearest others among `rows`, an ascending part of the samples searched: what
    /// [`neighbours`] finds there, with indices into `rows`.
    pub fn among(&self, ctx: &Ctx, features: &Mat, rows: &[usize], k: usize) -> Result<Vec<Neighbour>> {
        let places = places(features.rows(), rows);
        let mut out = vec![Neighbour::NONE; rows.len() * k];
        let mut short = Vec::new();
        for (at, (&row, out)) in rows.iter().zip(out.chunks_exact_mut(k)).enumerate() {
            let start = self.places[row] as usize * self.k;
            let list = &self.lists[start..start + self.k];
            let left = list.iter().filter(|n| n.exists()).filter_map(|n| {
                let index = places[self.rows[n.at()]];
                (index != u32::MAX).then_some(Neighbour { index, ..*n })
            });
            let found = out.iter_mut().zip(left).map(|(to, n)| *to = n).count();
            // A list with an empty place holds all there are.
            if found < k && list.iter().all(Neighbour::exists) {
                short.push(at);
            }
        }
        self.again(ctx, features, (rows, &short), k, &mut out)?;
        Ok(out)
    }

    /// Searches again for the samples at the places `short` of `rows`.
    fn again(
        &self,
        ctx: &Ctx,
        features: &Mat,
        (rows, short): (&[usize], &[usize]),
        k: usize,
        out: &mut [Neighbour],
    ) -> Result<()> {
        if short.is_empty() {
            return Ok(());
        }
        let queries: Vec<usize> = short.iter().map(|&at| rows[at]).collect();
        let refs = features.select(rows);
        // One more, since each finds itself.
        let found = neighbours(ctx, &features.select(&queries), &refs, Exclude::Nothing, k + 1)?;
        for (&at, list) in short.iter().zip(found.chunks_exact(k + 1)) {
            let others = list.iter().filter(|n| n.at() != at);
            out[at * k..(at + 1) * k].iter_mut().zip(others).for_each(|(to, n)| *to = *n);
        }
        Ok(())
    }
}

/// The place of each of `n` samples in `rows`.
fn places(n: usize, rows: &[usize]) -> Vec<u32> {
    let mut places = vec![u32::MAX; n];
    for (at, &row) in rows.iter().enumerate() {
        places[row] = at as u32;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed::rng::{Key, Stream};

    #[test]
    fn a_part_is_searched_as_if_it_were_all() {
        let ctx = Ctx::quiet(1);
        let mut stream = Stream::new(4, Key::new(8));
        // A coarse grid, so that there are ties and copies.
        let data: Vec<f32> = (0..300 * 3).map(|_| stream.below(5) as f32).collect();
        let features = Mat { data, cols: 3 };
        let all: Vec<usize> = (0..300).filter(|i| i % 11 != 0).collect();
        let search = Search::new(&ctx, &features, all.clone(), 6).unwrap();
        for keep in [1, 2, 7, 40] {
            let rows: Vec<usize> = all.iter().copied().filter(|i| i % keep == 1 % keep).collect();
            let chosen = features.select(&rows);
            for k in [1, 6] {
                let want = neighbours(&ctx, &chosen, &chosen, Exclude::Itself, k).unwrap();
                assert_eq!(search.among(&ctx, &features, &rows, k).unwrap(), want, "{keep} {k}");
            }
        }
    }
}
