//! Makes a clean dataset hard on purpose, and keeps the truth about what it did.
//!
//! The faults are those that raw datasets have: rare classes, copies, near copies, wrong labels, garbage,
//! damaged files. They go into the train part only, so that the test part stays a fair judge. Every choice
//! comes from a keyed stream, so the same seed plants the same faults.

use crate::codec::Pixels;
use crate::dataset::Split;
use crate::purposes;
use seedbed::rng::{Key, Stream};
use serde::{Deserialize, Serialize};

/// One kind of planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The same picture twice.
    ExactDuplicate,
    /// A picture shifted by one pixel, or with a little noise.
    NearDuplicate,
    /// The label of another class.
    WrongLabel,
    /// A picture replaced by noise.
    Noise,
    /// A file that cannot be decoded.
    Damaged,
}

impl Kind {
    /// The name for people.
    pub const fn words(self) -> &'static str {
        match self {
            Kind::ExactDuplicate => "exact duplicate",
            Kind::NearDuplicate => "near duplicate",
            Kind::WrongLabel => "wrong label",
            Kind::Noise => "noise",
            Kind::Damaged => "damaged file",
        }
    }
}

/// How many of each to plant, and how many classes to cut to a tenth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Classes that keep a tenth of their train images.
    pub cut_classes: usize,
    /// Exact duplicates.
    pub exact: usize,
    /// Near duplicates.
    pub near: usize,
    /// Flipped labels.
    pub flipped: usize,
    /// Images replaced by noise.
    pub noise: usize,
    /// Damaged files.
    pub damaged: usize,
}

impl Plan {
    /// The demo's plan, scaled down where there are fewer than 1,000 train images or few classes.
    pub fn for_size(train: usize, classes: usize) -> Self {
        let part = |n: usize| n.min(n * train / 1000);
        Self {
            cut_classes: 2.min(classes / 3),
            exact: part(60),
            near: part(60),
            flipped: if classes > 1 { part(40) } else { 0 },
            noise: part(20),
            damaged: part(5),
        }
    }
}

/// One file of the raw folder to be.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is for.
    pub split: Split,
    /// Class, as an index into the names.
    pub class: usize,
    /// The picture.
    pub pixels: Pixels,
    /// What was done to it, if anything.
    pub fault: Option<Fault>,
}

/// The truth about one planted fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind.
    pub kind: Kind,
    /// For a copy, the item that it copies; for a flipped label, the true class.
    pub of: Option<usize>,
}

/// What was done to the classes.
#[derive(Clone, Debug, Serialize)]
pub struct Cut {
    /// Class.
    pub class: usize,
    /// Train images before.
    pub before: usize,
    /// Train images kept.
    pub after: usize,
}

/// Plants the faults of `plan` into the train items of `items` and returns which classes were cut.
///
/// New items (the copies) are added at the end; items of cut classes are removed first, so indices in
/// [`Fault::of`] are those of `items` as it is returned.
pub fn plant(items: &mut Vec<Item>, classes: usize, plan: &Plan, seed: u64) -> Vec<Cut> {
    let mut stream = Stream::new(seed, Key::new(purposes::FAULTS));
    let cuts = cut_classes(items, classes, plan.cut_classes, &mut stream);
    let mut clean: Vec<usize> = (0..items.len()).filter(|&i| items[i].split == Split::Train).collect();
    stream.shuffle(&mut clean);
    let mut take = |n: usize| clean.split_off(clean.len().saturating_sub(n));
    let copied: Vec<usize> = take(plan.exact + plan.near);
    for (at, &i) in copied.iter().enumerate() {
        let mut copy = items[i].clone();
        let kind = if at < plan.exact { Kind::ExactDuplicate } else { Kind::NearDuplicate };
        if kind == Kind::NearDuplicate {
            if at % 2 == 0 {
                shift(&mut copy.pixels, &mut stream)
            } else {
                jitter(&mut copy.pixels, &mut stream)
            }
        }
        copy.fault = Some(Fault { kind, of: Some(i) });
        items.push(copy);
    }
    for i in take(plan.flipped) {
        let truth = items[i].class;
        let other = stream.index(classes.saturating_sub(1));
        items[i].class = if other >= truth { other + 1 } else { other };
        items[i].fault = Some(Fault { kind: Kind::WrongLabel, of: Some(truth) });
    }
    for i in take(plan.noise) {
        items[i].pixels.data.iter_mut().for_each(|v| *v = stream.below(256) as u8);
        items[i].fault = Some(Fault { kind: Kind::Noise, of: None });
    }
    for i in take(plan.damaged) {
        items[i].fault = Some(Fault { kind: Kind::Damaged, of: None });
    }
    cuts
}

/// Keeps a tenth (at least two) of the train items of `n` classes.
fn cut_classes(items: &mut Vec<Item>, classes: usize, n: usize, stream: &mut Stream) -> Vec<Cut> {
    let mut order: Vec<usize> = (0..classes).collect();
    stream.shuffle(&mut order);
    order.truncate(n);
    order.sort_unstable();
    let mut cuts = Vec::new();
    let mut stays = vec![true; items.len()];
    for class in order {
        let mut members: Vec<usize> =
            (0..items.len()).filter(|&i| items[i].class == class && items[i].split == Split::Train).collect();
        let (before, after) = (members.len(), (members.len() / 10).max(2).min(members.len()));
        stream.shuffle(&mut members);
        members.split_off(after).into_iter().for_each(|i| stays[i] = false);
        cuts.push(Cut { class, before, after });
    }
    let mut stays = stays.into_iter();
    items.retain(|_| stays.next().unwrap_or(true));
    cuts
}

/// Moves the picture by one pixel, up, down, left or right; the border repeats.
fn shift(pixels: &mut Pixels, stream: &mut Stream) {
    let (h, w, c) = (pixels.height, pixels.width, pixels.channels);
    let (dy, dx) = [(0, 1), (0, -1), (1, 0), (-1, 0)][stream.index(4)];
    let from = pixels.data.clone();
    let clamp = |v: usize, d: isize, end: usize| v.saturating_add_signed(d).min(end - 1);
    for (i, to) in pixels.data.iter_mut().enumerate() {
        let (y, x, ch) = (i / (w * c), i / c % w, i % c);
        *to = from[(clamp(y, dy, h) * w + clamp(x, dx, w)) * c + ch];
    }
}

/// Adds normal noise with a standard deviation of 10 grey levels.
fn jitter(pixels: &mut Pixels, stream: &mut Stream) {
    for v in &mut pixels.data {
        *v = seedbed::math::to_u8(f32::from(*v) + 10.0 * stream.normal());
    }
}

/// The bytes of a damaged file: cut in half, empty, overwritten in the middle, or no picture at all.
pub fn damage(png: Vec<u8>, which: usize) -> Vec<u8> {
    match which % 4 {
        0 => png[..png.len() / 2].to_vec(),
        1 => Vec::new(),
        2 => {
            let mut bytes = png;
            let middle = bytes.len() / 2;
            bytes[middle..].iter_mut().for_each(|b| *b ^= 0x5a);
            bytes
        }
        _ => b"this is not a picture\n".to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(n: usize) -> Vec<Item> {
        (0..n)
            .map(|i| Item {
                split: if i % 5 == 0 { Split::Test } else { Split::Train },
                class: i / 5 % 4,
                pixels: Pixels { data: vec![(i % 251) as u8; 12], height: 2, width: 2, channels: 3 },
                fault: None,
            })
            .collect()
    }

    #[test]
    fn the_plan_is_followed_and_the_test_part_left_alone() {
        let mut all = items(2000);
        let clean_test = all.iter().filter(|i| i.split == Split::Test).count();
        let plan = Plan { cut_classes: 2, exact: 60, near: 60, flipped: 40, noise: 20, damaged: 5 };
        let cuts = plant(&mut all, 4, &plan, 7);
        assert_eq!(cuts.iter().map(|c| (c.before, c.after)).collect::<Vec<_>>(), [(400, 40), (400, 40)]);
        let count = |kind| all.iter().filter(|i| i.fault.as_ref().is_some_and(|f| f.kind == kind)).count();
        let kinds = [Kind::ExactDuplicate, Kind::NearDuplicate, Kind::WrongLabel, Kind::Noise, Kind::Damaged];
        assert_eq!(kinds.map(count), [60, 60, 40, 20, 5]);
        assert!(all.iter().filter(|i| i.split == Split::Test).all(|i| i.fault.is_none()));
        assert_eq!(all.iter().filter(|i| i.split == Split::Test).count(), clean_test);
        for item in &all {
            match &item.fault {
                Some(Fault { kind: Kind::ExactDuplicate, of: Some(of) }) => {
                    assert_eq!(item.pixels.data, all[*of].pixels.data);
                }
                Some(Fault { kind: Kind::WrongLabel, of: Some(truth) }) => assert_ne!(item.class, *truth),
                _ => {}
            }
        }
        let mut again = items(2000);
        plant(&mut again, 4, &plan, 7);
        assert!(all.iter().zip(&again).all(|(a, b)| a.pixels.data == b.pixels.data && a.fault == b.fault));
    }

    #[test]
    fn little_data_gets_few_faults() {
        assert_eq!(
            Plan::for_size(100, 2),
            Plan { cut_classes: 0, exact: 6, near: 6, flipped: 4, noise: 2, damaged: 0 }
        );
        assert_eq!(Plan::for_size(60_000, 10).exact, 60);
        let mut few = items(5);
        let cuts = plant(
            &mut few,
            4,
            &Plan { cut_classes: 2, exact: 9, near: 9, flipped: 9, noise: 9, damaged: 9 },
            1,
        );
        // Four items to train on, all of one class, each with one copy: as many faults as there is room for.
        assert!(cuts.iter().all(|c| c.after == c.before.min(2)), "{cuts:?}");
        let left = few.iter().filter(|i| i.split == Split::Train && i.fault.is_none()).count();
        let copies = few.iter().filter(|i| i.fault.is_some()).count();
        assert!(left == copies && copies <= 4 && few.iter().all(|i| i.pixels.data.len() == 12));
    }
}
