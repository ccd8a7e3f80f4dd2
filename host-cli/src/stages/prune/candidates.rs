//! Pairs of pictures that may be near duplicates: what is near in the features when one of the two is shifted, or in
//! the bits of a perceptual hash.

use super::search::Search;
use super::state::State;
use crate::codec::Pixels;
use crate::dataset::ImageShape;
use crate::error::Result;
use crate::features::{Mat, Space, neighbours};
use crate::stages::Ctx;
use seedbed::linalg::{Exclude, Neighbour};
use seedbed::prune::{hamming, perceptual_hash};
use seedbed::signal::DCT_TILE;
use std::collections::HashMap;

/// Neighbours that are looked at for each shift.
pub const CANDIDATES: usize = 4;
/// Pairs by their hash that are looked at for each picture.
const BY_HASH: usize = 8;

/// Two samples by their numbers.
pub type Pair = (usize, usize);

/// Pairs of the samples `rows` that are near in the features when one is shifted by up to `shift` pixels. Shifting
/// one down is shifting the other up, so half of the shifts are enough.
pub fn by_features(
    ctx: &Ctx,
    state: &State,
    search: &Search,
    rows: &[usize],
    shape: (usize, usize, usize),
    shift: usize,
) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    let mut add = |found: &[Neighbour]| {
        let found = found.iter().enumerate().filter(|(_, n)| n.exists());
        pairs.extend(found.map(|(place, n)| (rows[place / CANDIDATES], rows[n.at()])));
    };
    add(&search.among(ctx, &state.features, rows, CANDIDATES)?);
    let s = shift as isize;
    let half = (0..=s).flat_map(|dy| (-s..=s).map(move |dx| (dy, dx))).filter(|&(dy, dx)| dy > 0 || dx > 0);
    let half: Vec<(isize, isize)> = half.collect();
    let task = ctx.progress.start("prune: near duplicates", Some(half.len() as u64));
    let refs = state.features.select(rows);
    for (dy, dx) in half {
        let moved = moved(&state.values, rows, shape, dy, dx);
        let queries = match &state.projection {
            Some(projection) => projection.project(ctx, &moved)?,
            None => moved,
        };
        add(&neighbours(ctx, &queries, &refs, Exclude::Itself, CANDIDATES)?);
        task.inc(1);
    }
    Ok(pairs)
}

/// The pictures `rows` moved down by `dy` and right by `dx`; what comes in repeats the border.
fn moved(values: &Mat, rows: &[usize], (h, w, c): (usize, usize, usize), dy: isize, dx: isize) -> Mat {
    let from = |at: usize, by: isize, n: usize| (at as isize - by).clamp(0, n as isize - 1) as usize;
    let mut data = Vec::with_capacity(rows.len() * values.cols);
    for &i in rows {
        let row = values.row(i);
        for y in 0..h {
            let line = &row[from(y, dy, h) * w * c..][..w * c];
            for x in 0..w {
                data.extend_from_slice(&line[from(x, dx, w) * c..][..c]);
            }
        }
    }
    Mat { data, cols: values.cols }
}

/// Pairs of the samples `rows` whose perceptual hashes differ in at most `bits` bits, for pictures large enough for
/// such a hash; the nearest few of each with those before it.
pub fn by_hash(
    ctx: &Ctx,
    pictures: &[Vec<u8>],
    rows: &[usize],
    (h, w, c): (usize, usize, usize),
    bits: u32,
) -> Result<Vec<Pair>> {
    if h < DCT_TILE || w < DCT_TILE {
        return Ok(Vec::new());
    }
    let side = DCT_TILE as u32;
    let grey = Space::Pixels(ImageShape { height: side, width: side, channels: 1 });
    let hashes = ctx.pool.try_map(rows, |&i| {
        let tile = grey.fit(ctx.level, &Pixels::new(pictures[i].clone(), h, w, c)?)?;
        Ok(tile.as_slice().try_into().map(perceptual_hash).unwrap_or(0))
    })?;
    let bands = Bands::new(&hashes, bits);
    let numbers: Vec<usize> = (0..hashes.len()).collect();
    let near = ctx.pool.map(&numbers, |&i| {
        let mut found: Vec<(u32, usize)> = bands
            .alike(i)
            .filter(|&j| j < i)
            .map(|j| (hamming(hashes[i], hashes[j]), j))
            .filter(|&(d, _)| d <= bits)
            .collect();
        found.sort_unstable();
        found.dedup();
        found.truncate(BY_HASH);
        found.into_iter().map(|(_, j)| (rows[i], rows[j])).collect::<Vec<_>>()
    });
    Ok(near.concat())
}

/// Hashes by each of some bands of their bits: of two that differ in fewer bits than there are bands, one band is
/// the same (Manku et al. 2007).
struct Bands<'a> {
    hashes: &'a [u64],
    masks: Vec<u64>,
    buckets: Vec<HashMap<u64, Vec<u32>>>,
}

impl<'a> Bands<'a> {
    fn new(hashes: &'a [u64], bits: u32) -> Self {
        let n = bits + 1;
        let edge = |band: u32| 64 * band / n;
        let low = |bits: u32| 1u64.checked_shl(bits).map_or(u64::MAX, |v| v - 1);
        let masks: Vec<u64> = (0..n).map(|band| low(edge(band + 1)) & !low(edge(band))).collect();
        let bucket = |&mask: &u64| {
            let mut bucket: HashMap<u64, Vec<u32>> = HashMap::new();
            for (i, hash) in hashes.iter().enumerate() {
                bucket.entry(hash & mask).or_default().push(i as u32);
            }
            bucket
        };
        let buckets = masks.iter().map(bucket).collect();
        Self { hashes, masks, buckets }
    }

    /// The hashes that share a band with hash `i`, itself among them, some more than once.
    fn alike(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        let of_band = move |(bucket, mask): (&HashMap<u64, Vec<u32>>, &u64)| {
            bucket
                .get(&(self.hashes[i] & mask))
                .map_or(&[][..], Vec::as_slice)
                .iter()
                .map(|&j| j as usize)
                .collect::<Vec<_>>()
        };
        self.buckets.iter().zip(&self.masks).flat_map(of_band)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed::rng::{Key, Stream};

    #[test]
    fn no_pair_of_near_hashes_is_missed() {
        let mut stream = Stream::new(9, Key::new(8));
        let mut hashes: Vec<u64> =
            (0..40).map(|_| u64::from(stream.next_u32()) << 32 | u64::from(stream.next_u32())).collect();
        for i in 0..200 {
            let flips = (0..stream.below(8)).fold(0u64, |bits, _| bits | 1 << stream.below(64));
            hashes.push(hashes[i % 40] ^ flips);
        }
        for bits in [0, 1, 4, 16] {
            let bands = Bands::new(&hashes, bits);
            assert_eq!(bands.masks.iter().fold(0, |all, mask| all ^ mask), u64::MAX);
            for (i, &a) in hashes.iter().enumerate() {
                let alike: Vec<usize> = bands.alike(i).collect();
                let near = (0..hashes.len()).filter(|&j| hamming(a, hashes[j]) <= bits);
                assert!(near.into_iter().all(|j| alike.contains(&j)), "{bits} {i}");
            }
        }
    }
}
