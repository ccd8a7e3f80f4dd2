//! How often each value comes in each channel.

use crate::codec::Pixels;
use serde::{Deserialize, Serialize};

/// Bins of a histogram.
pub const BINS: usize = 32;

/// The values of one channel before and after.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// `grey`, or `red`, `green` and `blue`, or a number.
    pub name: String,
    /// Of the originals.
    pub before: Values,
    /// Of their copies.
    pub after: Values,
    /// Total variation distance of the two histograms of 256 values: the share of pixels that would have to change, 0 to 1.
    pub distance: f64,
}

/// The values of a channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// Their mean, 0 to 255.
    pub mean: f64,
    /// Their standard deviation.
    pub std: f64,
    /// The share of values that are 0.
    pub black: f64,
    /// The share of values that are 255.
    pub white: f64,
    /// The shares of 32 bins of eight values each.
    pub histogram: Vec<f64>,
}

/// Counts of the 256 values of each channel.
#[derive(Clone, Debug, Default)]
pub struct Levels(Vec<[u64; 256]>);

impl Levels {
    /// Counts a picture.
    pub fn count(&mut self, pixels: &Pixels) {
        self.widen(pixels.channels);
        for pixel in pixels.data.chunks_exact(pixels.channels) {
            for (counts, &value) in self.0.iter_mut().zip(pixel) {
                counts[usize::from(value)] += 1;
            }
        }
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.widen(other.0.len());
        for (counts, more) in self.0.iter_mut().zip(&other.0) {
            counts.iter_mut().zip(more).for_each(|(n, more)| *n += more);
        }
    }

    fn widen(&mut self, channels: usize) {
        if self.0.len() < channels {
            self.0.resize(channels, [0; 256]);
        }
    }

    fn shares(&self, channel: usize) -> [f64; 256] {
        let counts = self.0.get(channel).copied().unwrap_or([0; 256]);
        let all = counts.iter().sum::<u64>().max(1) as f64;
        counts.map(|n| n as f64 / all)
    }
}

/// Both counts, channel by channel.
pub fn channels([before, after]: &[Levels; 2]) -> Vec<Channel> {
    let many = before.0.len();
    let name = |c: usize| match many {
        1 => "grey".into(),
        3 => ["red", "green", "blue"][c].to_owned(),
        _ => c.to_string(),
    };
    let channel = |c: usize| {
        let (before, after) = (before.shares(c), after.shares(c));
        let apart: f64 = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).sum();
        Channel {
            name: name(c),
            before: Values::of(&before),
            after: Values::of(&after),
            distance: apart / 2.0,
        }
    };
    (0..many).map(channel).collect()
}

impl Values {
    fn of(shares: &[f64; 256]) -> Self {
        let moment =
            |power: i32| shares.iter().zip(0..).map(|(s, v)| s * f64::from(v).powi(power)).sum::<f64>();
        let mean = moment(1);
        Self {
            mean,
            std: (moment(2) - mean * mean).max(0.0).sqrt(),
            black: shares[0],
            white: shares[255],
            histogram: shares.chunks(256 / BINS).map(|bin| bin.iter().sum()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_distance_of_known_values() {
        let picture = |data: &[u8]| Pixels::new(data.to_vec(), 1, data.len() / 3, 3).unwrap();
        let mut both = [Levels::default(), Levels::default()];
        both[0].count(&picture(&[0, 10, 255, 255, 20, 255]));
        both[1].count(&picture(&[0, 10, 255, 0, 20, 0]));
        let [red, green, blue] = channels(&both).try_into().unwrap();
        assert_eq!((red.name.as_str(), red.before.mean, red.before.std), ("red", 127.5, 127.5));
        assert_eq!((red.before.black, red.after.black, red.after.std), (0.5, 1.0, 0.0));
        assert_eq!((red.distance, green.distance, blue.distance), (0.5, 0.0, 0.5));
        assert_eq!((blue.before.white, blue.after.white), (1.0, 0.5));
        assert_eq!((green.before.histogram[1], green.before.histogram[2]), (0.5, 0.5));
        assert_eq!(green.before.histogram.len(), BINS);
    }
}
