//! Colours with the distribution of another picture.

use super::channels::scale_channels;
use super::colour::{ColourMatrix, mean_and_covariance};
use super::{Sample, same};
use crate::error::{Error, Result};
use crate::linalg::symmetric_eigen;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// What is taken over from the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adaptation {
    /// The mean and the standard deviation of each channel.
    Standard,
    /// The least and the largest value of each channel.
    MinMax,
    /// The mean colour and the axes in which colours differ most: those of the picture are turned into those of the reference.
    /// Variances along them stay.
    Pca,
}

/// Moves the colours of `image` so far as `share` of the way to the distribution of `reference`, which may be of another size, as
/// pixel distribution adaptation does: in `f32`, by one linear map of each channel, or of all three.
///
/// Means and variances are summed in `f64`, row by row. A channel of one value keeps its spread of none. Axes are told
/// apart by their variance; those of the reference point the same way as those of the picture. Of images of less than three
/// channels each channel is changed by itself, and [`Adaptation::Pca`] does what takes only the mean over. Channels after the
/// third stay.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `share` ≤ 1 and both have pixels, [`Error::ShapeMismatch`] where the numbers of channels
/// differ, [`Error::NotFinite`] for values that are not.
pub fn adapt_distribution<T: Sample>(
    level: Level,
    kind: Adaptation,
    share: f32,
    reference: ImageRef<'_, T>,
    image: ImageMut<'_, T>,
) -> Result<()> {
    same(reference.channels(), image.channels())?;
    let pixels = |image: ImageRef<'_, T>| image.height().min(image.width()) > 0;
    if !(0.0..=1.0).contains(&share) || !pixels(reference) || !pixels(image.as_ref()) {
        return Err(Error::InvalidArgument);
    }
    if kind == Adaptation::Pca && image.channels() >= 3 {
        return turned(level, f64::from(share), reference, image);
    }
    let (mut gains, mut shares) = ([1.0; 3], [0.0; 3]);
    for (c, (gain, add)) in gains.iter_mut().zip(&mut shares).enumerate().take(image.channels()) {
        let (old, new) = (Spread::of(kind, image.as_ref(), c), Spread::of(kind, reference, c));
        let by = if old.width > 0.0 && kind != Adaptation::Pca { new.width / old.width } else { 1.0 };
        let (share, white) = (f64::from(share), f64::from(T::LARGEST));
        *gain = (1.0 + share * (by - 1.0)) as f32;
        *add = (share * (new.at - old.at * by) / white) as f32;
    }
    each_channel(level, gains, shares, image)
}

/// Where values are, and how far they spread.
#[derive(Clone, Copy)]
struct Spread {
    at: f64,
    width: f64,
}

impl Spread {
    /// Of a channel of an image with pixels.
    fn of<T: Sample>(kind: Adaptation, image: ImageRef<'_, T>, channel: usize) -> Self {
        let channels = image.channels().max(1);
        let (mut sum, mut squares) = (0.0, 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for row in image.iter_rows() {
            for value in row.get(channel..).unwrap_or(&[]).iter().step_by(channels) {
                let v = f64::from(value.to_f32());
                (sum, squares) = (sum + v, squares + v * v);
                (low, high) = (if v < low { v } else { low }, if v > high { v } else { high });
            }
        }
        if kind == Adaptation::MinMax {
            return Self { at: low, width: high - low };
        }
        let n = image.height() as f64 * image.width() as f64;
        let variance = squares / n - (sum / n) * (sum / n);
        // What rounding leaves of none is none.
        let none = variance <= squares / n * 1e-14;
        Self { at: sum / n, width: if none { 0.0 } else { libm::sqrt(variance) } }
    }
}

/// [`scale_channels`] with numbers of each channel where there are less than three.
fn each_channel<T: Sample>(
    level: Level,
    gains: [f32; 3],
    shares: [f32; 3],
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    if image.channels() != 2 {
        return scale_channels(level, gains, shares, image);
    }
    if !gains.iter().chain(&shares).all(|v| v.is_finite()) {
        return Err(Error::NotFinite);
    }
    for row in image.iter_rows_mut() {
        for pixel in row.as_chunks_mut::<2>().0 {
            for ((value, gain), share) in pixel.iter_mut().zip(gains).zip(shares) {
                *value = T::from_f32(value.to_f32() * gain + share * T::LARGEST);
            }
        }
    }
    Ok(())
}

/// [`Adaptation::Pca`]: m′ + Σ (eₖ · (v − m)) e′ₖ.
fn turned<T: Sample>(
    level: Level,
    share: f64,
    reference: ImageRef<'_, T>,
    image: ImageMut<'_, T>,
) -> Result<()> {
    let (mean, axes) = axes(level, image.as_ref())?;
    let (wanted, others) = self::axes(level, reference)?;
    let mut turn = [[0.0f64; 3]; 3];
    for (axis, other) in axes.iter().zip(&others) {
        let along: f64 = axis.iter().zip(other).map(|(a, b)| a * b).sum();
        let sign = if along < 0.0 { -1.0 } else { 1.0 };
        for (row, to) in turn.iter_mut().zip(other) {
            for (entry, from) in row.iter_mut().zip(axis) {
                *entry += sign * to * from;
            }
        }
    }
    let mut matrix = ColourMatrix::IDENTITY;
    for ((row, turn), wanted) in matrix.rows.iter_mut().zip(&turn).zip(wanted) {
        let moved: f64 = turn.iter().zip(mean).map(|(by, mean)| by * mean).sum();
        let [r, g, b, add] = row;
        for (entry, by) in [r, g, b].into_iter().zip(turn) {
            *entry = (f64::from(*entry) + share * (by - f64::from(*entry))) as f32;
        }
        *add = (share * (wanted - moved)) as f32;
    }
    matrix.apply(level, image)
}

/// The mean colour as shares of the largest value, and the axes from the one in which colours differ most on.
fn axes<T: Sample>(level: Level, image: ImageRef<'_, T>) -> Result<([f64; 3], [[f64; 3]; 3])> {
    let (mean, mut covariance) = mean_and_covariance(level, image);
    let (mut values, mut vectors) = ([0.0; 3], [[0.0; 3]; 3]);
    symmetric_eigen(level, &mut covariance, &mut values, vectors.as_flattened_mut())?;
    Ok((mean, vectors))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Owned;
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    const ALL: [Adaptation; 3] = [Adaptation::Standard, Adaptation::MinMax, Adaptation::Pca];

    fn done<T: Sample>(
        level: Level,
        kind: Adaptation,
        share: f32,
        reference: &Owned<T>,
        src: &Owned<T>,
    ) -> Owned<T> {
        let mut image = src.clone();
        adapt_distribution(level, kind, share, reference.view(), image.view_mut()).unwrap();
        image
    }

    /// The formulas in NumPy 2.4.6, with `numpy.linalg.eigh`, on the test picture of 12 × 13 × 3, a third of it and 90 more,
    /// towards half of it and 0, 30 and 60 more: every 17th value.
    #[test]
    fn levels_are_those_of_numpy() {
        let mut src = Owned::pattern(12, 13, 3);
        src.data.iter_mut().for_each(|v| *v = *v / 3 + 90);
        let mut reference = Owned::pattern(12, 13, 3);
        reference.data.iter_mut().enumerate().for_each(|(i, v)| *v = *v / 2 + 30 * (i % 3) as u8);
        let cases = [
            (
                Adaptation::Standard,
                1.0,
                vec![
                    0, 158, 126, 42, 75, 116, 89, 186, 35, 11, 107, 86, 116, 159, 57, 42, 87, 111, 101, 179,
                    42, 59, 111, 122, 120, 176, 57, 57,
                ],
            ),
            (
                Adaptation::Standard,
                0.6,
                vec![
                    36, 157, 137, 72, 85, 128, 113, 181, 58, 45, 112, 102, 136, 158, 78, 72, 95, 124, 123,
                    175, 65, 87, 116, 134, 140, 172, 78, 85,
                ],
            ),
            (
                Adaptation::MinMax,
                1.0,
                vec![
                    0, 157, 127, 42, 75, 116, 89, 186, 35, 11, 106, 86, 116, 159, 57, 42, 87, 112, 101, 178,
                    42, 59, 111, 122, 120, 175, 57, 57,
                ],
            ),
            (
                Adaptation::MinMax,
                0.6,
                vec![
                    36, 156, 138, 72, 85, 129, 113, 181, 58, 45, 112, 102, 136, 158, 78, 72, 95, 125, 123,
                    174, 64, 87, 116, 134, 140, 172, 78, 85,
                ],
            ),
            (
                Adaptation::Pca,
                1.0,
                vec![
                    20, 146, 116, 48, 91, 110, 79, 165, 55, 27, 112, 90, 97, 147, 71, 48, 99, 107, 87, 160,
                    60, 59, 115, 113, 100, 158, 71, 58,
                ],
            ),
            (
                Adaptation::Pca,
                0.6,
                vec![
                    48, 150, 131, 76, 95, 125, 107, 169, 70, 55, 116, 105, 125, 151, 86, 76, 103, 122, 115,
                    164, 75, 87, 119, 128, 128, 162, 86, 86,
                ],
            ),
        ];
        for (kind, share, want) in cases {
            for level in Level::available() {
                let got = done(level, kind, share, &reference, &src);
                assert!(got.data.iter().step_by(17).eq(&want), "{kind:?} {share}");
            }
        }
    }

    fn of_channel<T: Sample>(image: &Owned<T>, c: usize) -> Vec<f64> {
        let white = f64::from(T::LARGEST);
        image.numbers().into_iter().skip(c).step_by(image.shape.2).map(|v| v / white).collect()
    }

    fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    fn takes_the_distribution<T: Sample>() {
        for c in 1..=5 {
            let bent = |shape, seed, low: f32, high: f32| {
                let mut image = Owned::<T>::shares(shape, seed);
                let bend = |v: &mut T| *v = T::from_f32(low * T::LARGEST + v.to_f32() * (high - low));
                image.data.iter_mut().for_each(bend);
                image
            };
            let (src, reference) = (bent((23, 31, c), 1, 0.4, 0.6), bent((17, 40, c), 2, 0.3, 0.8));
            let most = match size_of::<T>() {
                1 => 3e-3,
                2 => 2e-5,
                _ => 1e-6,
            };
            for (kind, channel) in ALL.into_iter().flat_map(|kind| (0..c).map(move |c| (kind, c))) {
                let got = done(Level::detect(), kind, 1.0, &reference, &src);
                let (new, wanted) = (of_channel(&got, channel), of_channel(&reference, channel));
                if channel >= 3 {
                    assert_eq!(new, of_channel(&src, channel));
                    continue;
                }
                let ((mean, deviation), wanted_numbers) =
                    (mean_and_deviation(&new), mean_and_deviation(&wanted));
                let ends = |values: &[f64]| {
                    values.iter().fold((1.0f64, 0.0f64), |(low, high), &v| (low.min(v), high.max(v)))
                };
                let near = |a: f64, b: f64| assert!((a - b).abs() < most, "{kind:?} {c}: {a} {b}");
                if kind == Adaptation::MinMax {
                    near(ends(&new).0, ends(&wanted).0);
                    near(ends(&new).1, ends(&wanted).1);
                } else {
                    near(mean, wanted_numbers.0);
                }
                if kind == Adaptation::Standard {
                    near(deviation, wanted_numbers.1);
                }
                assert_eq!(done(Level::detect(), kind, 0.0, &reference, &src), src);
            }
        }
    }

    #[test]
    fn pictures_take_the_distribution_of_the_reference() {
        takes_the_distribution::<u8>();
        takes_the_distribution::<u16>();
        takes_the_distribution::<f32>();
    }

    #[test]
    fn axes_are_turned_and_variances_stay() {
        let mut src = Owned::<f32>::shares((40, 50, 3), 3);
        let mut reference = Owned::<f32>::shares((30, 50, 3), 4);
        for [r, g, b] in src.data.as_chunks_mut::<3>().0 {
            (*r, *g, *b) = (0.5 + 0.3 * *r, 0.5 + 0.1 * *g, 0.5 + 0.02 * *b);
        }
        for [r, g, b] in reference.data.as_chunks_mut::<3>().0 {
            (*r, *g, *b) = (0.2 + 0.3 * *r + 0.2 * *g, 0.2 + 0.3 * *r - 0.1 * *g, 0.2 + 0.01 * *b + 0.1 * *r);
        }
        let got = done(Level::detect(), Adaptation::Pca, 1.0, &reference, &src);
        let level = Level::detect();
        let ((mean, new), (wanted, others)) =
            (axes(level, got.view()).unwrap(), axes(level, reference.view()).unwrap());
        assert!(mean.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6));
        for (axis, other) in new.iter().zip(&others) {
            let along: f64 = axis.iter().zip(other).map(|(a, b)| a * b).sum();
            assert!((along - 1.0).abs() < 1e-6, "{along}");
        }
        let spread = |image: &Owned<f32>| {
            let covariance = mean_and_covariance(level, image.view()).1;
            covariance[0] + covariance[4] + covariance[8]
        };
        assert!((spread(&got) / spread(&src) - 1.0).abs() < 1e-5);
    }

    proptest! {
        #[test]
        fn any_image_is_done_at_every_level(a in (1usize..30, 1usize..70), b in (1usize..30, 1usize..30), c in 1usize..6, seed: u64, share in 0f32..=1.0) {
            fn same<T: Sample>(a: (usize, usize), b: (usize, usize), c: usize, seed: u64, share: f32) {
                let (src, other) = (Owned::<T>::shares((a.0, a.1, c), seed), Owned::<T>::shares((b.0, b.1, c), seed ^ 1));
                for kind in ALL {
                    let want = done(Level::BASE, kind, share, &other, &src);
                    assert!(Level::available().all(|level| done(level, kind, share, &other, &src) == want));
                }
            }
            same::<u8>(a, b, c, seed, share);
            same::<u16>(a, b, c, seed, share);
            same::<f32>(a, b, c, seed, share);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let src = Owned::noise((4, 4, 3), 1);
        let mut image = src.clone();
        let mut tried = |share: f32, reference: &Owned| {
            adapt_distribution(Level::BASE, Adaptation::Pca, share, reference.view(), image.view_mut())
        };
        for bad in [-0.1, 1.1, f32::NAN] {
            assert_eq!(tried(bad, &src), Err(Error::InvalidArgument));
        }
        assert_eq!(tried(0.5, &Owned::new((0, 4, 3))), Err(Error::InvalidArgument));
        assert_eq!(tried(0.5, &Owned::new((4, 4, 4))), Err(Error::ShapeMismatch));
        assert_eq!(image, src);
        let broken = Owned { data: std::vec![f32::NAN; 12], shape: (2, 2, 3) };
        let mut image = Owned::<f32>::shares((2, 2, 3), 1);
        for kind in [Adaptation::Standard, Adaptation::Pca] {
            let wrong = adapt_distribution(Level::BASE, kind, 0.5, broken.view(), image.view_mut());
            assert_eq!(wrong, Err(Error::NotFinite));
        }
    }
}
