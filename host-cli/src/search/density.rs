//! How near the pictures that augmentation makes of one half of the data come to the other half: the energy distance
//! (Székely, Rizzo 2013) of their principal components.
//!
//! With X of one set and Y of the other it is 2·E|X − Y| − E|X − X'| − E|Y − Y'|, 0 only for equal distributions. All pairs
//! count, each picture with itself as well, so that it is the distance of the sets as they are: what a set of n pictures
//! lacks of the distribution that it is drawn from, augmentation can make up for.

use super::candidates::Steps;
use super::material::Pictures;
use super::probe::{COPIES, copy};
use crate::error::Result;
use crate::features::{Mat, Projection};
use crate::stages::Ctx;
use seedbed::scratch::ScratchBuf;

/// Principal components in which distances are taken.
const COMPONENTS: usize = 32;

/// Principal components of pictures.
#[derive(Clone, Debug)]
pub struct Features(Projection);

/// The distance of two sets, with what each picture of both has to do with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// The energy distance.
    pub value: f64,
    /// How it would change with the weight of a picture of the first set, originals with all their copies: for its error.
    pub of_first: Vec<f64>,
    /// The same of the second.
    pub of_second: Vec<f64>,
}

impl Features {
    /// Those of all of these pictures.
    ///
    /// # Errors
    /// For fewer than two.
    pub fn fit(ctx: &Ctx, pictures: &Pictures) -> Result<Self> {
        let rows = numbers(pictures, &pictures.all());
        Ok(Self(Projection::fit(ctx, &rows, COMPONENTS)?))
    }

    /// The distance of the pictures at `first`, each with its copies by `steps` under `seed`, to the `second`. Without
    /// steps there are no copies.
    ///
    /// # Errors
    /// When the operations do not fit the pictures.
    pub fn distance(
        &self,
        ctx: &Ctx,
        (pictures, first): (&Pictures, &[u32]),
        second: &Mat,
        (steps, seed): (&Steps, u64),
    ) -> Result<Distance> {
        let each = if steps.steps().is_empty() { 1 } else { 1 + COPIES as usize };
        let plan = steps.plan(pictures.shape)?;
        let mut rows = Mat { data: Vec::new(), cols: pictures.width() };
        let (mut made, mut scratch) = (vec![0; pictures.width()], ScratchBuf::new());
        for &i in first {
            let pixels = pictures.pixels(i);
            extend(&mut rows, pixels);
            for n in 1..each as u32 {
                let draws = (seed, pictures.keys[i as usize], n);
                copy(ctx.level, &plan, (pixels, &mut made), draws, &mut scratch)?;
                extend(&mut rows, &made);
            }
        }
        Ok(energy(&self.0.project(ctx, &rows)?, each, second))
    }

    /// The features of the pictures at these places.
    ///
    /// # Errors
    /// When the pictures have another shape.
    pub fn of(&self, ctx: &Ctx, pictures: &Pictures, places: &[u32]) -> Result<Mat> {
        self.0.project(ctx, &numbers(pictures, places))
    }
}

fn extend(rows: &mut Mat, pixels: &[u8]) {
    rows.data.extend(pixels.iter().map(|&v| f32::from(v) / 255.0));
}

fn numbers(pictures: &Pictures, places: &[u32]) -> Mat {
    let mut rows = Mat { data: Vec::new(), cols: pictures.width() };
    places.iter().for_each(|&i| extend(&mut rows, pictures.pixels(i)));
    rows
}

/// The distance of sets of rows, where so many of the first that follow `each` other count as one.
fn energy(first: &Mat, each: usize, second: &Mat) -> Distance {
    let means = |from: &Mat, to: &Mat| -> Vec<f64> {
        (0..from.rows()).map(|i| to.mean_distance(from.row(i))).collect()
    };
    let across = means(first, second);
    let (within_first, within_second) = (means(first, first), means(second, second));
    let back = means(second, first);
    let value = 2.0 * mean(&across) - mean(&within_first) - mean(&within_second);
    let apart: Vec<f64> = across.iter().zip(&within_first).map(|(a, w)| 2.0 * (a - w)).collect();
    let of_first = apart.chunks(each).map(mean).collect();
    let of_second = back.iter().zip(&within_second).map(|(a, w)| 2.0 * (a - w)).collect();
    Distance { value, of_first, of_second }
}

/// The mean; 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_that_of_the_definition() {
        let line = |values: &[f32]| Mat { data: values.to_vec(), cols: 1 };
        // E|X − Y| = (1 + 3 + 1 + 1) / 4, E|X − X'| = 2/2, E|Y − Y'| = 2/2.
        let found = energy(&line(&[0.0, 2.0]), 1, &line(&[1.0, 3.0]));
        assert_eq!(found.value, 2.0 * 1.5 - 1.0 - 1.0);
        assert_eq!(found.of_first, [2.0 * (2.0 - 1.0), 2.0 * (1.0 - 1.0)]);
        assert_eq!(found.of_second, [2.0 * (1.0 - 1.0), 2.0 * (2.0 - 1.0)]);
        let same = energy(&line(&[0.0, 2.0]), 2, &line(&[0.0, 2.0]));
        assert_eq!((same.value, same.of_first), (0.0, vec![0.0]));
    }
}
