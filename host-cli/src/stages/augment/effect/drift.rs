//! How far copies moved from the originals, class by class, beside how far the pictures held out from training are.
//!
//! Distances are the energy distance of Székely and Rizzo (2013) between samples of rows of features, as a share of the mean
//! distance between the two: 1 − (E|X − X′| + E|Y − Y′|) / 2E|X − Y|, without bias, so that sets of any size compare; two samples of
//! one distribution are about 0 apart, and may be a little below. The features are the strongest principal components of
//! the originals. A copy is never compared with its own original: half of these are compared with copies of the other half.

use crate::error::Result;
use crate::features::{Mat, Projection, Space};
use crate::stages::Ctx;
use seedbed::rng::{Key, Stream, id_hash};
use serde::{Deserialize, Serialize};

/// Principal components.
const COMPONENTS: usize = 16;
/// The fewest rows on each side of a comparison.
const FEWEST: usize = 20;
/// Random halves of the originals, whose distances tell what chance does.
const HALVES: u32 = 20;
/// Standard deviations of these that count as chance.
const CHANCE: f64 = 3.0;
/// A distance that is too small to matter, even where it is more than chance.
const NEGLIGIBLE: f64 = 0.01;
/// Classes that a warning names at most.
const MOST_NAMED: usize = 5;

/// The distances of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// What the distances are measured in.
    pub space: String,
    /// All classes together.
    pub all: Moved,
    /// The classes that have enough pictures.
    pub classes: Vec<Moved>,
}

/// How far one class moved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Its name; empty for all.
    pub class: String,
    /// Originals that were compared.
    pub originals: u64,
    /// From originals to copies of others.
    pub copies: f64,
    /// From originals to the pictures of val and test; `None` where these are too few.
    pub held_out: Option<f64>,
    /// What is no more than chance: the mean over random halves of the originals, and three standard deviations.
    pub chance: f64,
    /// Whether the copies are further from the originals than the pictures held out and than chance, and that by enough to matter.
    pub too_far: bool,
}

/// An original and its first copy.
struct Pair {
    label: Option<u32>,
    /// Whether it is of the second half.
    second: bool,
    original: Vec<f32>,
    copy: Vec<f32>,
}

/// Rows of features, as they come.
#[derive(Default)]
pub struct Rows {
    train: Vec<Pair>,
    held_out: Vec<(Option<u32>, Vec<f32>)>,
    /// Whether a picture had no row.
    lacking: bool,
}

impl Rows {
    /// Adds an original and its copies.
    pub fn add(
        &mut self,
        id: &str,
        label: Option<u32>,
        row: Option<Vec<f32>>,
        copies: Vec<Option<Vec<f32>>>,
    ) {
        // Another bit than those that chose the picture.
        let second = id_hash(id.as_bytes()) & 1 == 1;
        match (row, copies.into_iter().next().flatten()) {
            (Some(original), Some(copy)) => self.train.push(Pair { label, second, original, copy }),
            _ => self.lacking = true,
        }
    }

    /// Adds a picture that is not of the train split.
    pub fn hold_out(&mut self, label: Option<u32>, row: Option<Vec<f32>>) {
        match row {
            Some(row) => self.held_out.push((label, row)),
            None => self.lacking = true,
        }
    }
}

/// The distances; `None` where there are too few pictures, or they do not differ.
pub fn measure(ctx: &Ctx, space: &Space, rows: &Rows, classes: &[String]) -> Result<Option<Drift>> {
    if rows.lacking || rows.train.len() < 2 * FEWEST {
        return Ok(None);
    }
    let mat = |rows: &mut dyn Iterator<Item = &Vec<f32>>| Mat {
        data: rows.flatten().copied().collect(),
        cols: space.cols(),
    };
    let originals = mat(&mut rows.train.iter().map(|pair| &pair.original));
    let projection = Projection::fit(ctx, &originals, COMPONENTS)?;
    let originals = projection.project(ctx, &originals)?;
    let copies = mat(&mut rows.train.iter().map(|pair| &pair.copy));
    let copies = projection.project(ctx, &copies)?;
    let held_out = projection.project(ctx, &mat(&mut rows.held_out.iter().map(|row| &row.1)))?;
    let moved = |class: Option<u32>, name: &str| {
        let of = |label: Option<u32>| class.is_none() || label == class;
        let half = |second: bool| {
            let chosen = rows
                .train
                .iter()
                .enumerate()
                .filter(move |(_, pair)| of(pair.label) && pair.second == second);
            chosen.map(|(i, _)| i).collect::<Vec<_>>()
        };
        let held: Vec<_> = (0..held_out.rows()).filter(|&i| of(rows.held_out[i].0)).collect();
        moved(ctx.seed, name, &originals, (&half(false), &half(true)), &copies, &held_out.select(&held))
    };
    let Some(all) = moved(None, "") else { return Ok(None) };
    let classes = classes.iter().zip(0..).filter_map(|(name, class)| moved(Some(class), name)).collect();
    Ok(Some(Drift { space: format!("{} components of {}", projection.dims(), space.name()), all, classes }))
}

/// The distances of originals of two halves; `None` for too few.
fn moved(
    seed: u64,
    class: &str,
    originals: &Mat,
    (first, second): (&[usize], &[usize]),
    copies: &Mat,
    held_out: &Mat,
) -> Option<Moved> {
    if first.len().min(second.len()) < FEWEST {
        return None;
    }
    let mut all = [first, second].concat();
    let mut stream = Stream::new(seed, Key::new(seedbed::augment::PURPOSE).sample(id_hash(class.as_bytes())));
    let by_chance = (0..HALVES).map(|_| {
        stream.shuffle(&mut all);
        let (a, b) = all.split_at(first.len());
        distance(&originals.select(a), &originals.select(b))
    });
    let by_chance = by_chance.collect::<Option<Vec<f64>>>()?;
    let mean = by_chance.iter().sum::<f64>() / f64::from(HALVES);
    let square = by_chance.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / f64::from(HALVES - 1);
    let chance = mean + CHANCE * square.sqrt();
    let copies = distance(&originals.select(first), &copies.select(second))?;
    let held_out = if held_out.rows() < FEWEST { None } else { distance(&originals.select(&all), held_out) };
    let too_far = held_out.is_some_and(|held_out| copies > held_out.max(chance).max(NEGLIGIBLE));
    Some(Moved { class: class.into(), originals: all.len() as u64, copies, held_out, chance, too_far })
}

/// The distance of two sets of rows; `None` where all rows are one.
fn distance(x: &Mat, y: &Mat) -> Option<f64> {
    let across = y.mean_distance_of(x);
    // No row with itself.
    let within = |x: &Mat| x.mean_distance_of(x) * x.rows() as f64 / (x.rows() - 1) as f64;
    (across > 0.0).then(|| 1.0 - (within(x) + within(y)) / (2.0 * across))
}

impl Drift {
    /// A warning where copies are too far, of all or of some classes.
    pub fn warning(&self) -> Option<String> {
        let number = |v: f64| (v.max(0.0) * 1000.0).round() / 1000.0;
        let words = |moved: &Moved| {
            let held_out = number(moved.held_out.unwrap_or_default());
            format!("{} from the originals, the pictures of val and test {held_out}", number(moved.copies))
        };
        if self.all.too_far {
            return Some(format!("copies are further off than new pictures are: {}", words(&self.all)));
        }
        let far: Vec<&Moved> = self.classes.iter().filter(|moved| moved.too_far).collect();
        let first = far.first()?;
        let mut names: Vec<&str> = far.iter().take(MOST_NAMED).map(|moved| moved.class.as_str()).collect();
        if far.len() > MOST_NAMED {
            names.push("...");
        }
        let (names, words) = (names.join(", "), words(first));
        Some(format!("copies of {names} are further off than new pictures are: {} {words}", first.class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Normal rows around `centre`.
    fn rows(n: usize, centre: f32, seed: u64) -> Vec<Vec<f32>> {
        let mut stream = Stream::new(seed, Key::new(9));
        (0..n).map(|_| (0..3).map(|_| stream.normal() * 2.0 + centre).collect()).collect()
    }

    fn drift(copies_by: f32, held_out_by: f32) -> Drift {
        let shape = crate::dataset::ImageShape { height: 1, width: 3, channels: 1 };
        let mut all = Rows::default();
        for (class, centre) in [(0, 0.0), (1, 20.0)] {
            let by = if class == 0 { copies_by } else { 0.0 };
            for (i, row) in rows(200, centre, class).into_iter().enumerate() {
                let copy = row.iter().map(|v| v + by).collect();
                all.add(&format!("{class}/{i}"), Some(class as u32), Some(row), vec![Some(copy)]);
            }
            for row in rows(100, centre + held_out_by, class + 10) {
                all.hold_out(Some(class as u32), Some(row));
            }
        }
        let classes = ["near".to_owned(), "far".to_owned()];
        measure(&Ctx::quiet(4), &Space::Pixels(shape), &all, &classes).unwrap().unwrap()
    }

    #[test]
    fn only_what_moves_further_than_new_pictures_is_too_far() {
        let still = drift(0.0, 0.0);
        assert!(still.warning().is_none(), "{still:?}");
        assert_eq!(still.classes.len(), 2);
        assert!(still.all.copies.abs() < 0.03 && still.all.held_out.unwrap().abs() < 0.03);
        let far = drift(3.0, 0.3);
        let [near, other] = &far.classes[..] else { panic!("{far:?}") };
        assert!(near.too_far && !other.too_far && near.copies > 0.1, "{far:?}");
        let warning = far.warning().unwrap();
        assert!(warning.contains("near") || far.all.too_far, "{warning}");
        // New pictures are as far off as the copies are.
        assert!(drift(3.0, 4.0).warning().is_none());
    }

    #[test]
    fn the_distance_is_that_of_the_definition() {
        let mat = |data: &[f32]| Mat { data: data.to_vec(), cols: 1 };
        // E|X - Y| = (3 + 5 + 1 + 3) / 4 = 3, E|X - X'| = 2, E|Y - Y'| = 2.
        assert_eq!(distance(&mat(&[0.0, 2.0]), &mat(&[3.0, 5.0])), Some(1.0 - 4.0 / 6.0));
        assert_eq!(distance(&mat(&[1.0, 1.0]), &mat(&[1.0, 1.0])), None);
    }
}
