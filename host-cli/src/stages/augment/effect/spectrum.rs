//! The power of structures by their fineness: what blur takes away, and noise and resampling add.

use crate::codec::Pixels;
use rustfft::FftPlannerScalar;
use rustfft::num_complex::Complex;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Rings of one width between 0 and half a period a pixel.
const RINGS: usize = 16;
/// The side of the middle that is looked at, at most.
const MOST: usize = 256;
/// The side of a picture that is too small to say something, and all below.
const TOO_SMALL: usize = 7;
/// Added to each power: what rounding to 8 bits does.
const FLOOR: f64 = 1.0 / 12.0;

/// Mean power by frequency before and after.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spectrum {
    /// The middles of the rings, in periods a pixel.
    pub frequency: Vec<f64>,
    /// The power of the originals, in decibels above one level squared.
    pub before: Vec<f64>,
    /// That of their copies.
    pub after: Vec<f64>,
}

/// Sums of power by ring.
#[derive(Clone, Debug, Default)]
pub struct Powers {
    sums: [f64; RINGS],
    counts: [u64; RINGS],
}

impl Powers {
    /// Adds other sums.
    pub fn add(&mut self, other: &Self) {
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, more)| *sum += more);
        self.counts.iter_mut().zip(other.counts).for_each(|(n, more)| *n += more);
    }

    /// Adds the power of the middle of a picture's grey, less its mean, in a Hann window: a periodogram, of which white noise
    /// of a deviation of s levels has s² everywhere.
    pub fn measure(&mut self, pixels: &Pixels) {
        let (height, width) = (pixels.height.min(MOST), pixels.width.min(MOST));
        if height.min(width) <= TOO_SMALL {
            return;
        }
        let (mut values, energy) = windowed(pixels, (height, width));
        // The plain code of every processor, so that the figures are the same on all.
        let mut planner = FftPlannerScalar::new();
        planner.plan_fft_forward(width).process(&mut values);
        let mut columns: Vec<_> =
            (0..width).flat_map(|x| values.iter().skip(x).step_by(width).copied()).collect();
        planner.plan_fft_forward(height).process(&mut columns);
        for (at, value) in columns.iter().enumerate() {
            let (x, y) = (frequency(at / height, width), frequency(at % height, height));
            let ring = (x.hypot(y) * 2.0 * RINGS as f64) as usize;
            // The mean itself, and the corners beyond half a period a pixel, are in no ring.
            if ring < RINGS && at > 0 {
                self.sums[ring] += value.norm_sqr() / energy;
                self.counts[ring] += 1;
            }
        }
    }
}

impl Spectrum {
    /// From the sums before and after, of the rings that the pictures reach; `None` where all were too small.
    pub fn of([before, after]: &[Powers; 2]) -> Option<Self> {
        let reached = (0..RINGS).filter(|&ring| before.counts[ring].min(after.counts[ring]) > 0);
        let rings: Vec<usize> = reached.collect();
        let decibels = |powers: &Powers| {
            let mean = |&ring: &usize| powers.sums[ring] / powers.counts[ring] as f64;
            rings.iter().map(|ring| 10.0 * (mean(ring) + FLOOR).log10()).collect()
        };
        (!rings.is_empty()).then(|| Self {
            frequency: rings.iter().map(|&ring| (ring as f64 + 0.5) / (2.0 * RINGS as f64)).collect(),
            before: decibels(before),
            after: decibels(after),
        })
    }
}

/// Periods a pixel of coefficient `at` of `n`, without its sign.
fn frequency(at: usize, n: usize) -> f64 {
    at.min(n - at) as f64 / n as f64
}

/// The grey middle of a picture in a Hann window, and the sum of the window's squares.
fn windowed(pixels: &Pixels, (height, width): (usize, usize)) -> (Vec<Complex<f64>>, f64) {
    let (top, left) = ((pixels.height - height) / 2, (pixels.width - width) / 2);
    let rows = pixels.data.chunks_exact(pixels.width * pixels.channels).skip(top).take(height);
    let middle = rows.flat_map(|row| row.chunks_exact(pixels.channels).skip(left).take(width));
    let grey: Vec<f64> = middle.map(grey_of).collect();
    let mean = grey.iter().sum::<f64>() / grey.len() as f64;
    let hann = |n: usize| (0..n).map(move |i| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / n as f64).cos());
    let across: Vec<f64> = hann(width).collect();
    let weights: Vec<f64> =
        hann(height).flat_map(|down| across.iter().map(move |across| down * across)).collect();
    let values =
        grey.iter().zip(&weights).map(|(v, weight)| Complex::new((v - mean) * weight, 0.0)).collect();
    (values, weights.iter().map(|weight| weight * weight).sum())
}

/// Rec. 601 luma of three channels, and the mean of others.
fn grey_of(pixel: &[u8]) -> f64 {
    match *pixel {
        [r, g, b] => 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b),
        _ => pixel.iter().map(|&v| f64::from(v)).sum::<f64>() / pixel.len() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed::rng::{Key, Stream};

    fn powers(values: impl Fn(usize, usize) -> f64, (height, width): (usize, usize)) -> Powers {
        let data = (0..height * width).map(|i| values(i / width, i % width).round() as u8).collect();
        let mut powers = Powers::default();
        powers.measure(&Pixels::new(data, height, width, 1).unwrap());
        powers
    }

    fn decibels(powers: &Powers) -> Vec<f64> {
        Spectrum::of(&[powers.clone(), powers.clone()]).unwrap().before
    }

    #[test]
    fn a_wave_is_in_its_ring_and_noise_in_all() {
        // A quarter of a period a pixel, upright.
        let wave = powers(|y, _| 100.0 + 50.0 * (y as f64 * TAU / 4.0).cos(), (64, 48));
        let strongest = |powers: &Powers| {
            let shares: Vec<f64> = powers.sums.to_vec();
            (0..RINGS).max_by(|&a, &b| shares[a].total_cmp(&shares[b])).unwrap()
        };
        assert!((7..=8).contains(&strongest(&wave)), "{wave:?}");
        let mut stream = Stream::new(3, Key::new(1));
        let noise: Vec<f64> = (0..200 * 200).map(|_| f64::from(stream.next_u32() % 41) + 100.0).collect();
        let even = decibels(&powers(|y, x| noise[y * 200 + x], (200, 200)));
        // The variance of 41 equally likely levels is 140: 21.5 decibels.
        // The first rings are of few coefficients.
        assert!(even.iter().skip(3).all(|db| (db - 21.46).abs() < 0.6), "{even:?}");
    }

    #[test]
    fn small_pictures_have_none() {
        let small = powers(|_, _| 3.0, (7, 90));
        assert_eq!(Spectrum::of(&[small.clone(), small]), None);
    }
}
