//! Prototypical networks: classes known by the mean of a few embeddings of each.

use super::cross_entropy::{Labelled, cross_entropy};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::squared_distance;
use crate::nn::{Engine, rows};
use crate::scratch::{Scratch, ScratchLen};

/// Embeddings of samples with their classes, `dims` values each.
#[derive(Clone, Copy, Debug)]
pub struct Embedded<'a> {
    /// One row for each sample.
    pub rows: &'a [f32],
    /// The class of each sample.
    pub labels: &'a [u32],
}

/// The gradients by both sets of embeddings of an episode.
#[derive(Debug)]
pub struct EpisodeGradients<'a> {
    /// By those of the support.
    pub support: &'a mut [f32],
    /// By those of the queries.
    pub queries: &'a mut [f32],
}

/// An episode of prototypical networks (Snell et al. 2017): a few samples of some classes, the support, whose means are the
/// prototypes of the classes; and queries, whose logit for a class is minus their squared distance to its prototype.
///
/// ```
/// use seedbed::nn::{Engine, loss::{Embedded, Episode, EpisodeGradients}};
/// use seedbed::{Level, Scratch, exec::Serial};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let episode = Episode { classes: 2, dims: 1 };
/// let mut prototypes = [0.0; 2];
/// episode.prototypes(Embedded { rows: &[0.0, 2.0, 5.0], labels: &[0, 0, 1] }, &mut prototypes)?;
/// assert_eq!(prototypes, [1.0, 5.0]);
/// let mut logits = [0.0; 4];
/// episode.logits(on.level, &prototypes, &[2.0, 4.0], &mut logits)?;
/// assert_eq!(logits, [-1.0, -9.0, -9.0, -1.0]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// Classes of the episode, above 0.
    pub classes: usize,
    /// Values of an embedding, above 0.
    pub dims: usize,
}

impl Episode {
    /// How many samples there are, where everything fits.
    fn count(&self, of: Embedded<'_>) -> Result<usize> {
        if self.classes == 0 {
            return Err(Error::InvalidArgument);
        }
        let n = rows::count(of.rows.len(), self.dims)?;
        if of.labels.len() != n {
            return Err(Error::ShapeMismatch);
        }
        let known = of.labels.iter().all(|&label| (label as usize) < self.classes);
        if known { Ok(n) } else { Err(Error::InvalidArgument) }
    }

    fn members(&self, support: Embedded<'_>, class: usize) -> usize {
        support.labels.iter().filter(|&&label| label as usize == class).count()
    }

    /// The mean of the embeddings of each class, added in their order, to `classes` rows.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a label that is no class,
    /// [`Error::TooFewSamples`] for a class without samples. Nothing is written then.
    pub fn prototypes(&self, support: Embedded<'_>, prototypes: &mut [f32]) -> Result<()> {
        self.count(support)?;
        if Some(prototypes.len()) != self.classes.checked_mul(self.dims) {
            return Err(Error::ShapeMismatch);
        }
        if (0..self.classes).any(|class| self.members(support, class) == 0) {
            return Err(Error::TooFewSamples);
        }
        prototypes.fill(0.0);
        for (row, &label) in rows::of(support.rows, self.dims).zip(support.labels) {
            let mean = rows::of_mut(prototypes, self.dims).nth(label as usize).unwrap_or(&mut []);
            mean.iter_mut().zip(row).for_each(|(mean, v)| *mean += v);
        }
        for (class, mean) in rows::of_mut(prototypes, self.dims).enumerate() {
            let n = self.members(support, class) as f32;
            mean.iter_mut().for_each(|v| *v /= n);
        }
        Ok(())
    }

    /// Minus the squared distance of each query to each prototype, `classes` values for each query.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit.
    pub fn logits(
        &self,
        level: crate::Level,
        prototypes: &[f32],
        queries: &[f32],
        logits: &mut [f32],
    ) -> Result<()> {
        let n = rows::count(queries.len(), self.dims)?;
        let fits = Some(prototypes.len()) == self.classes.checked_mul(self.dims)
            && Some(logits.len()) == n.checked_mul(self.classes);
        if !fits {
            return Err(Error::ShapeMismatch);
        }
        for (query, logits) in rows::of(queries, self.dims).zip(rows::of_mut(logits, self.classes)) {
            for (logit, prototype) in logits.iter_mut().zip(rows::of(prototypes, self.dims)) {
                *logit = -squared_distance(level, query, prototype);
            }
        }
        Ok(())
    }

    /// Bytes of scratch that [`Episode::loss`] takes for so many queries.
    pub const fn scratch_len(&self, queries: usize) -> usize {
        let (prototypes, logits) =
            (self.classes.saturating_mul(self.dims), queries.saturating_mul(self.classes));
        ScratchLen::new()
            .with::<f32>(prototypes)
            .with::<f32>(prototypes)
            .with::<f32>(logits)
            .with::<f32>(logits)
            .with::<f32>(queries)
            .bytes()
    }

    /// The cross-entropy of each query's class to `nll`, and the gradients of its mean. Takes [`Episode::scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a label that is no class or no queries,
    /// [`Error::TooFewSamples`] for a class without support, [`Error::ScratchTooSmall`]. Nothing is written then.
    pub fn loss<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [support, queries]: [Embedded<'_>; 2],
        nll: &mut [f32],
        grads: EpisodeGradients<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (_, n) = (self.count(support)?, self.count(queries)?);
        let fits = nll.len() == n
            && grads.support.len() == support.rows.len()
            && grads.queries.len() == queries.rows.len();
        if !fits {
            return Err(Error::ShapeMismatch);
        }
        if n == 0 {
            return Err(Error::InvalidArgument);
        }
        if scratch.remaining() < self.scratch_len(n) {
            return Err(Error::ScratchTooSmall);
        }
        let mut scratch = scratch.frame();
        let prototypes = scratch.take::<f32>(self.classes * self.dims)?;
        self.prototypes(support, prototypes)?;
        let by_prototypes = scratch.take_zeroed::<f32>(prototypes.len())?;
        let logits = scratch.take::<f32>(n * self.classes)?;
        self.logits(on.level, prototypes, queries.rows, logits)?;
        let slopes = scratch.take::<f32>(logits.len())?;
        let scales = scratch.take::<f32>(n)?;
        scales.fill(1.0 / n as f32);
        let batch = Labelled { logits, labels: queries.labels, scales };
        cross_entropy(on, 0.0, &batch, nll, slopes)?;
        let each = rows::of(queries.rows, self.dims).zip(rows::of_mut(grads.queries, self.dims));
        for ((query, grad), slopes) in each.zip(rows::of(slopes, self.classes)) {
            grad.fill(0.0);
            let classes = rows::of(prototypes, self.dims).zip(rows::of_mut(by_prototypes, self.dims));
            for ((prototype, by_prototype), slope) in classes.zip(slopes) {
                for (((grad, by), q), p) in grad.iter_mut().zip(by_prototype).zip(query).zip(prototype) {
                    let change = 2.0 * slope * (q - p);
                    *grad -= change;
                    *by += change;
                }
            }
        }
        for (grad, &label) in rows::of_mut(grads.support, self.dims).zip(support.labels) {
            let by = rows::of(by_prototypes, self.dims).nth(label as usize).unwrap_or(&[]);
            let members = self.members(support, label as usize) as f32;
            grad.iter_mut().zip(by).for_each(|(grad, by)| *grad = by / members);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::tests::BASE;
    use crate::rng::{Key, Stream};
    use std::vec;
    use std::vec::Vec;

    const OF: Episode = Episode { classes: 3, dims: 2 };
    const SUPPORT: [u32; 5] = [2, 0, 1, 0, 2];
    const QUERIES: [u32; 4] = [1, 0, 2, 0];

    fn some(n: usize, op: u32) -> Vec<f32> {
        let mut stream = Stream::new(5, Key::new(0).op(op));
        (0..n).map(|_| stream.range(-1.0, 1.0)).collect()
    }

    /// The mean loss, plainly.
    fn definition(support: &[f64], queries: &[f64]) -> f64 {
        let prototype = |class: u32| -> [f64; 2] {
            let own: Vec<usize> = (0..5).filter(|&i| SUPPORT[i] == class).collect();
            [0, 1].map(|d| own.iter().map(|i| support[2 * i + d]).sum::<f64>() / own.len() as f64)
        };
        let losses = QUERIES.iter().enumerate().map(|(i, &label)| {
            let logit = |class: u32| {
                let p = prototype(class);
                -(0..2).map(|d| (queries[2 * i + d] - p[d]).powi(2)).sum::<f64>()
            };
            (0..3).map(|class| logit(class).exp()).sum::<f64>().ln() - logit(label)
        });
        losses.sum::<f64>() / 4.0
    }

    #[test]
    fn loss_and_gradients_are_those_of_the_definition() {
        let (support, queries) = (some(10, 1), some(8, 2));
        let (mut ds, mut dq, mut nll) = (vec![f32::NAN; 10], vec![f32::NAN; 8], [f32::NAN; 4]);
        let mut memory = vec![0x7f; OF.scratch_len(4)];
        let sets =
            [Embedded { rows: &support, labels: &SUPPORT }, Embedded { rows: &queries, labels: &QUERIES }];
        let grads = EpisodeGradients { support: &mut ds, queries: &mut dq };
        OF.loss(BASE, sets, &mut nll, grads, &mut Scratch::new(&mut memory)).unwrap();
        let wide = |v: &[f32]| v.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
        let (mut s, mut q) = (wide(&support), wide(&queries));
        let mean = nll.iter().map(|l| f64::from(*l)).sum::<f64>() / 4.0;
        assert!((mean - definition(&s, &q)).abs() < 1e-6);
        let h = 1e-5;
        for i in 0..10 {
            let old = s[i];
            s[i] = old + h;
            let up = definition(&s, &q);
            s[i] = old - h;
            let want = (up - definition(&s, &q)) / (2.0 * h);
            s[i] = old;
            assert!((f64::from(ds[i]) - want).abs() < 1e-5, "support {i}: {} {want}", ds[i]);
        }
        for i in 0..8 {
            let old = q[i];
            q[i] = old + h;
            let up = definition(&s, &q);
            q[i] = old - h;
            let want = (up - definition(&s, &q)) / (2.0 * h);
            q[i] = old;
            assert!((f64::from(dq[i]) - want).abs() < 1e-5, "query {i}: {} {want}", dq[i]);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (support, queries) = (some(10, 1), some(8, 2));
        let run = |labels: [&[u32]; 2], classes: usize, bytes: usize| {
            let of = Episode { classes, ..OF };
            let (mut ds, mut dq, mut nll) = (vec![7.0; 10], vec![7.0; 8], [7.0; 4]);
            let sets = [
                Embedded { rows: &support, labels: labels[0] },
                Embedded { rows: &queries, labels: labels[1] },
            ];
            let grads = EpisodeGradients { support: &mut ds, queries: &mut dq };
            let got = of.loss(BASE, sets, &mut nll, grads, &mut Scratch::new(&mut vec![0; bytes]));
            assert!(got.is_ok() || ds.iter().chain(&dq).chain(&nll).all(|v| *v == 7.0));
            got
        };
        let all = OF.scratch_len(4);
        assert_eq!(run([&SUPPORT, &QUERIES], 3, all), Ok(()));
        assert_eq!(run([&SUPPORT, &QUERIES], 3, all - 1), Err(Error::ScratchTooSmall));
        assert_eq!(run([&SUPPORT, &QUERIES], 0, all), Err(Error::InvalidArgument));
        assert_eq!(run([&SUPPORT, &QUERIES], 2, all), Err(Error::InvalidArgument));
        assert_eq!(run([&SUPPORT, &QUERIES], 4, 2 * all), Err(Error::TooFewSamples));
        assert_eq!(run([&SUPPORT[1..], &QUERIES], 3, all), Err(Error::ShapeMismatch));
    }
}
