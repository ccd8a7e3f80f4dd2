//! Whether a generated sample may stay: no copy of a training sample, and near the real data.

use super::data::TrainingData;
use crate::error::Result;
use crate::features::{Mat, neighbours};
use crate::purposes;
use crate::stages::Ctx;
use seedbed::linalg::{Exclude, Neighbour};
use seedbed::rng::{Key, Stream};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// Real samples of one class that the radii are computed from at most; a keyed choice beyond that.
const MOST_REAL: usize = 5000;

/// Nearest real samples whose radius may cover a generated one.
const LOOKED_AT: usize = 16;

/// What is wrong with a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Fine,
    /// It is a training sample, or nearly.
    Copy,
    /// It lies outside the manifold of the real samples of its class.
    Outside,
}

/// What generated samples are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A sample is a copy below this ratio, see [`Judge`]; with 0 nothing is but an exact one.
    pub copy_ratio: f32,
    /// Neighbours that span a radius; with 0 nothing is outside.
    pub k: usize,
}

/// Real samples of one class and the squared radius of each.
struct Manifold {
    points: Mat,
    radii: Vec<f32>,
}

/// The training samples that generated ones are held against.
///
/// Real samples are the distinct originals of the train split: a sample that balancing repeated counts once, and
/// what was augmented or mixed is not real. But all of the train split can be copied, since the model saw it.
///
/// A copy is nearer to some training sample than `copy_ratio` times the distance of that one to the nearest
/// real sample that differs from it (so a dense region asks for more nearness than a sparse one). In a table of nothing
/// but categories and whole numbers a row that several real samples have alike can be had again: it is no copy.
///
/// A sample is inside where one of its 16 nearest real samples (of its class) has it within the distance to its
/// own k-th neighbour, the manifold of Kynkäänniemi et al. (2019). In a class of k real samples or fewer that is
/// the distance to the farthest; a class of a single one has the median radius of all others. Where no class
/// has two, nothing is outside; in a class without a real sample everything is.
pub struct Judge<'a> {
    ctx: &'a Ctx,
    limits: Limits,
    /// The distinct originals of the train split.
    originals: Mat,
    /// Those that may come again, as they did in the data.
    common: Vec<bool>,
    /// Its other samples that equal none of them; their numbers go on after those of the originals.
    made: Mat,
    classes: Vec<Manifold>,
    /// The squared distance of training samples to the nearest original that differs, once it was looked for.
    gaps: RefCell<HashMap<usize, f32>>,
}

impl<'a> Judge<'a> {
    /// A judge by the train split of `data`, with a manifold for each of `classes` classes (0: one for
    /// all).
    ///
    /// # Errors
    /// None that the data does not exclude.
    pub fn new(ctx: &'a Ctx, data: &TrainingData, classes: usize, limits: Limits) -> Result<Self> {
        let (originals, made): (Vec<u32>, Vec<u32>) =
            data.lists.train.iter().partition(|&&place| data.is_original(place));
        let of = |places: &[u32]| {
            let mut rows = Mat { data: Vec::new(), cols: data.spec.width() };
            data.gather(places, &mut rows.data);
            rows
        };
        let manifold = |class: usize| {
            let own = originals.iter().copied();
            let mut places = data.distinct(own.filter(|&p| classes == 0 || data.label(p) as usize == class));
            if places.len() > MOST_REAL {
                Stream::new(ctx.seed, Key::new(purposes::JUDGE).op(class as u32)).shuffle(&mut places);
                places.truncate(MOST_REAL);
                places.sort_unstable();
            }
            let points = of(&places);
            let radii = radii(ctx, &points, limits.k)?;
            Ok(Manifold { points, radii })
        };
        let mut classes: Vec<Manifold> = (0..classes.max(1)).map(manifold).collect::<Result<_>>()?;
        lend_radii(&mut classes);
        let features = &data.spec.features;
        let discrete = !features.is_empty() && features.iter().all(|f| f.whole || f.group.is_some());
        let repeated = if discrete { data.repeated(&originals) } else { HashSet::new() };
        let originals = data.distinct(originals);
        let common = originals.iter().map(|place| repeated.contains(place)).collect();
        let all = data.distinct(originals.iter().copied().chain(made));
        let (originals, made) = (of(&originals), of(&all[originals.len()..]));
        Ok(Self { ctx, limits, originals, common, made, classes, gaps: RefCell::default() })
    }

    /// Whether there is something real to hold a sample of `class` against.
    pub fn knows(&self, class: usize) -> bool {
        self.classes.get(class).is_some_and(|manifold| manifold.points.rows() > 0)
    }

    /// What is wrong with each sample of `class`.
    ///
    /// # Errors
    /// None that the data does not exclude.
    pub fn verdicts(&self, samples: &Mat, class: usize) -> Result<Vec<Verdict>> {
        let copies = self.ratios(samples)?.into_iter().map(|r| r < self.limits.copy_ratio || r == 0.0);
        let inside = self.inside(samples, class)?;
        let verdict = |(copy, inside)| match (copy, inside) {
            (true, _) => Verdict::Copy,
            (false, false) => Verdict::Outside,
            (false, true) => Verdict::Fine,
        };
        Ok(copies.zip(inside).map(verdict).collect())
    }

    /// The distance of each sample to the nearest training sample, divided by the distance of that one to the
    /// nearest original that differs from it; infinite where there is no such original.
    fn ratios(&self, samples: &Mat) -> Result<Vec<f32>> {
        let nearest = self.nearest(samples)?;
        self.measure_gaps(&nearest)?;
        let gaps = self.gaps.borrow();
        let ratio = |n: &Neighbour| match gaps.get(&n.at()) {
            _ if n.squared == 0.0 && self.common.get(n.at()) == Some(&true) => f32::INFINITY,
            _ if n.squared == 0.0 => 0.0,
            Some(&gap) if gap.is_finite() => (n.squared / gap).sqrt(),
            _ => f32::INFINITY,
        };
        Ok(nearest.iter().map(ratio).collect())
    }

    /// The nearest training sample of each sample.
    fn nearest(&self, samples: &Mat) -> Result<Vec<Neighbour>> {
        let mut nearest = neighbours(self.ctx, samples, &self.originals, Exclude::Nothing, 1)?;
        if self.made.rows() > 0 {
            let made = neighbours(self.ctx, samples, &self.made, Exclude::Nothing, 1)?;
            for (nearest, made) in nearest.iter_mut().zip(made) {
                if made.squared < nearest.squared {
                    *nearest = Neighbour { index: self.originals.rows() as u32 + made.index, ..made };
                }
            }
        }
        Ok(nearest)
    }

    /// Looks for what is not known yet of the training samples that were hit.
    fn measure_gaps(&self, hits: &[Neighbour]) -> Result<()> {
        let mut gaps = self.gaps.borrow_mut();
        let hits = hits.iter().filter(|n| n.exists()).map(Neighbour::at);
        let mut new: Vec<usize> = hits.filter(|at| !gaps.contains_key(at)).collect();
        new.sort_unstable();
        new.dedup();
        if new.is_empty() {
            return Ok(());
        }
        let originals = self.originals.rows();
        let row = |&at: &usize| match at.checked_sub(originals) {
            None => self.originals.row(at),
            Some(at) => self.made.row(at),
        };
        let rows = Mat { data: new.iter().flat_map(row).copied().collect(), cols: self.originals.cols };
        // The nearest of an original is itself; the second differs, since the originals are distinct.
        let near = neighbours(self.ctx, &rows, &self.originals, Exclude::Nothing, 2)?;
        for (at, near) in new.into_iter().zip(near.chunks_exact(2)) {
            let other = near.iter().find(|n| n.squared > 0.0);
            gaps.insert(at, other.map_or(f32::INFINITY, |n| n.squared));
        }
        Ok(())
    }

    fn inside(&self, samples: &Mat, class: usize) -> Result<Vec<bool>> {
        let all = |inside| Ok(vec![inside; samples.rows()]);
        let Some(manifold) = self.classes.get(class).filter(|m| m.points.rows() > 0) else {
            return all(self.limits.k == 0);
        };
        if manifold.radii.is_empty() {
            return all(true);
        }
        let k = LOOKED_AT.min(manifold.radii.len());
        let found = neighbours(self.ctx, samples, &manifold.points, Exclude::Nothing, k)?;
        let covers = |n: &Neighbour| manifold.radii.get(n.at()).is_some_and(|&r| n.squared <= r);
        Ok(found.chunks_exact(k).map(|list| list.iter().any(covers)).collect())
    }
}

/// The squared distance of each point to its k-th neighbour, or to the farthest where there are fewer; empty where
/// there is none or `k` is 0.
fn radii(ctx: &Ctx, points: &Mat, k: usize) -> Result<Vec<f32>> {
    match k.min(points.rows().saturating_sub(1)) {
        0 => Ok(Vec::new()),
        k => {
            let found = neighbours(ctx, points, points, Exclude::Itself, k)?;
            Ok(found.chunks_exact(k).map(|list| list[k - 1].squared).collect())
        }
    }
}

/// Gives the only point of a class the median of all radii.
fn lend_radii(classes: &mut [Manifold]) {
    let mut all: Vec<f32> = classes.iter().flat_map(|m| &m.radii).copied().collect();
    all.sort_unstable_by(f32::total_cmp);
    let Some(&median) = all.get(all.len() / 2) else { return };
    for alone in classes.iter_mut().filter(|m| m.points.rows() == 1) {
        alone.radii = vec![median];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Content, Dataset, DatasetWriter, Meta, Normalize, Origin, Sample, Split};
    use crate::model::{Labels, Scale};
    use Verdict::{Copy, Fine, Outside};

    /// Ten originals of class 0 in a row, and those of class 1; `made` samples of class 1 on top.
    fn data(originals: &[[f32; 2]], made: &[[f32; 2]]) -> TrainingData {
        let dir = tempfile::tempdir().unwrap();
        let meta = Meta::table("t", vec!["a".into(), "b".into()], vec!["x".into(), "y".into()]);
        let mut writer = DatasetWriter::create(dir.path(), meta).unwrap();
        let origin = Origin {
            source: "b000".into(),
            step: "oversample".into(),
            params: serde_json::Value::Null.into(),
            seed: 0,
            key: Key::new(0),
        };
        let line = (0..10).map(|i| (0, [i as f32, 0.0], None));
        let rest = originals.iter().map(|row| (1, *row, None));
        let made = made.iter().map(|row| (1, *row, Some(origin.clone())));
        for (i, (label, row, origin)) in line.chain(rest).chain(made).enumerate() {
            let id = format!("{}{i:03}", ["a", "b"][label]);
            let sample = Sample::new(id, Some(label as u32), Split::Train, Content::from_row(row.to_vec()));
            writer.push(Sample { origin, ..sample }).unwrap();
        }
        writer.finish().unwrap();
        let dataset = Dataset::open(dir.path()).unwrap();
        let same = Normalize { mean: vec![0.0; 2], std: vec![1.0; 2] };
        let pool = &crate::pool::Pool::single();
        TrainingData::load(&dataset, pool, Labels::Required, Scale::As(Some(&same))).unwrap()
    }

    fn verdicts(data: &TrainingData, k: usize, samples: &[[f32; 2]]) -> Vec<Verdict> {
        let ctx = Ctx::quiet(1);
        let judge = Judge::new(&ctx, data, 2, Limits { copy_ratio: 0.2, k }).unwrap();
        judge.verdicts(&Mat { data: samples.concat(), cols: 2 }, 1).unwrap()
    }

    #[test]
    fn repetitions_of_a_sample_change_nothing() {
        let few = [[0.0, 1.0], [3.0, 1.0], [3.0, 2.0], [9.0, 1.0], [9.0, 3.0]];
        let samples = [[0.0, 1.0], [0.0, 1.05], [2.0, 1.4], [8.0, 2.0], [9.0, 30.0]];
        let alone = verdicts(&data(&few, &[]), 3, &samples);
        assert_eq!(alone, [Copy, Copy, Fine, Fine, Outside]);
        assert_eq!(verdicts(&data(&few, &few.repeat(7)), 3, &samples), alone);
        // Two originals may be equal, too.
        assert_eq!(verdicts(&data(&few.repeat(5), &[]), 3, &samples), alone);
    }

    #[test]
    fn a_class_of_one_sample_has_the_radius_of_the_others() {
        let one = data(&[[10.0, 0.0]], &[[10.0, 0.0]; 20]);
        let samples = [[10.0, 0.0], [10.5, 0.5], [10.0, 3.0]];
        assert_eq!(verdicts(&one, 3, &samples), [Copy, Fine, Outside]);
        assert_eq!(verdicts(&one, 0, &samples), [Copy, Fine, Fine]);
        // Of two the radius is the way to the other.
        let two = data(&[[10.0, 0.0], [10.0, 4.0]], &[]);
        assert_eq!(verdicts(&two, 3, &[[10.0, 2.0], [10.0, 9.0]]), [Fine, Outside]);
    }

    #[test]
    fn made_samples_can_be_copied_but_are_not_real() {
        let with = data(&[[10.0, 0.0]], &[[10.0, 2.0], [10.0, 50.0]]);
        assert_eq!(verdicts(&with, 3, &[[10.0, 2.0], [10.0, 2.1], [10.0, 30.0]]), [Copy, Copy, Outside]);
    }

    #[test]
    fn a_class_without_real_samples_is_not_known() {
        let none = data(&[], &[]);
        let ctx = Ctx::quiet(1);
        let judge = Judge::new(&ctx, &none, 2, Limits { copy_ratio: 0.2, k: 3 }).unwrap();
        assert!(judge.knows(0) && !judge.knows(1));
        assert_eq!(verdicts(&none, 3, &[[0.5, 0.5]]), [Outside]);
    }

    #[test]
    fn samples_of_another_class_are_copied_all_the_same() {
        let with = data(&[[0.0, 5.0], [1.0, 5.0]], &[]);
        assert_eq!(verdicts(&with, 1, &[[4.0, 0.0], [4.05, 0.0]]), [Copy, Copy]);
    }
}
