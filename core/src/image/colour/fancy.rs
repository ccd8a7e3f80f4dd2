//! Colours moved along the directions in which those of the picture differ most.

use super::super::channels::scale_channels;
use super::*;
use crate::linalg::symmetric_eigen;
use crate::rng::Stream;
use crate::view::ImageRef;

/// Lanes of each sum.
const LANES: usize = 8;

/// Sums of red, green, blue, and of the products red · red, red · green, red · blue, green · green, green · blue and blue · blue.
pub type Moments = [[f64; LANES]; 9];

/// Adds to all pixels the sum over i of αᵢ λᵢ eᵢ, with the eigenvalues λᵢ, from the largest on, and eigenvectors eᵢ of the
/// covariance of the picture's red, green and blue, as shares of the largest value, and with normal αᵢ of deviation `std` (Krizhevsky
/// and others 2012, with the picture's own covariance in place of that of all pictures).
///
/// Sums are in `f64`, in eight lanes, row by row; the covariance has one less than the number of pixels for its divisor.
/// The component of largest magnitude of an eigenvector is positive. Images of less than three channels, or of less than two
/// pixels, stay.
///
/// # Errors
/// [`Error::InvalidArgument`] unless `std` is finite and not negative, [`Error::NotFinite`] for values that are not.
pub fn fancy_pca<T: Sample>(
    level: Level,
    std: f32,
    stream: &mut Stream,
    image: ImageMut<'_, T>,
) -> Result<()> {
    if !(std >= 0.0 && std.is_finite()) {
        return Err(Error::InvalidArgument);
    }
    if image.channels() < 3 || image.height().saturating_mul(image.width()) < 2 {
        return Ok(());
    }
    let (mut values, mut vectors) = ([0.0; 3], [0.0; 9]);
    symmetric_eigen(level, &mut covariance(level, image.as_ref()), &mut values, &mut vectors)?;
    let mut shares = [0.0; 3];
    for (value, vector) in values.iter().zip(vectors.as_chunks::<3>().0) {
        let by = f64::from(stream.normal() * std) * value;
        for (share, v) in shares.iter_mut().zip(vector) {
            *share += by * v;
        }
    }
    scale_channels(level, [1.0; 3], shares.map(|share| share as f32), image)
}

/// The covariance of red, green and blue as shares of the largest value.
fn covariance<T: Sample>(level: Level, image: ImageRef<'_, T>) -> [f64; 9] {
    mean_and_covariance(level, image).1
}

/// The mean and the covariance of red, green and blue as shares of the largest value, row by row, of an image with pixels.
pub(in super::super) fn mean_and_covariance<T: Sample>(
    level: Level,
    image: ImageRef<'_, T>,
) -> ([f64; 3], [f64; 9]) {
    let mut sums = [[0.0; LANES]; 9];
    image.iter_rows().for_each(|row| T::moments(level, row, image.channels(), &mut sums));
    let n = image.height() as f64 * image.width() as f64;
    let [r, g, b, rr, rg, rb, gg, gb, bb] =
        sums.map(|[a, b, c, d, e, f, g, h]| ((a + e) + (c + g)) + ((b + f) + (d + h)));
    let white = f64::from(T::LARGEST);
    // One pixel has no variance, whatever it is divided by.
    let freedom = if n > 1.0 { n - 1.0 } else { 1.0 };
    let one = |product: f64, a: f64, b: f64| (product - a * b / n) / freedom / (white * white);
    let (rg, rb, gb) = (one(rg, r, g), one(rb, r, b), one(gb, g, b));
    let covariance = [one(rr, r, r), rg, rb, rg, one(gg, g, g), gb, rb, gb, one(bb, b, b)];
    ([r, g, b].map(|sum| sum / n / white), covariance)
}

#[inline(always)]
pub(super) fn moments_body<T: Sample>(row: &[T], channels: usize, sums: &mut Moments) {
    for part in row.chunks(BLOCK.saturating_mul(channels).max(1)) {
        // What is behind the last pixel is zero.
        let colours = spread(part, channels);
        let [r, g, b] = &colours;
        let [r, g, b] = [r, g, b].map(|colour| colour.as_chunks::<LANES>().0);
        for ((r, g), b) in r.iter().zip(g).zip(b) {
            add(sums, r, g, b);
        }
    }
}

#[inline(always)]
fn add<T: Sample>(sums: &mut Moments, r: &[T; LANES], g: &[T; LANES], b: &[T; LANES]) {
    let [sr, sg, sb, srr, srg, srb, sgg, sgb, sbb] = sums;
    let number = |from: &[T; LANES]| {
        let mut to = [0.0; LANES];
        to.iter_mut().zip(from).for_each(|(to, v)| *to = f64::from(v.to_f32()));
        to
    };
    let (r, g, b) = (number(r), number(g), number(b));
    for (sum, x) in [(sr, &r), (sg, &g), (sb, &b)] {
        sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
    }
    let products = [(srr, &r, &r), (srg, &r, &g), (srb, &r, &b), (sgg, &g, &g), (sgb, &g, &b), (sbb, &b, &b)];
    for (sum, x, y) in products {
        sum.iter_mut().zip(x).zip(y).for_each(|((sum, x), y)| *sum += x * y);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::Owned;
    use super::*;
    use crate::rng::Key;
    use proptest::prelude::*;

    fn stream(seed: u64) -> Stream {
        Stream::new(seed, Key::new(1))
    }

    /// `numpy.cov` and `numpy.linalg.eigh` of NumPy 2.4.6 on the test picture of 7 × 9 × 3, as shares of 255.
    #[test]
    fn covariance_is_that_of_numpy() {
        let src = Owned::pattern(7, 9, 3);
        let want: [f64; 9] = [
            0.08456286752525172,
            -0.01160206017891027,
            -0.042997854423236725,
            -0.01160206017891027,
            0.07801338372161008,
            -0.01143877664917959,
            -0.042997854423236725,
            -0.01143877664917959,
            0.08488943458471306,
        ];
        let (values, vector): ([f64; 3], [f64; 3]) = (
            [0.12772446874107915, 0.0842550405747895, 0.03548617651570621],
            [-0.7060050223718884, 0.0018128671593983237, 0.7082045057032123],
        );
        for level in Level::available() {
            let mut got = covariance(level, src.view());
            assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?}");
            let (mut found, mut vectors) = ([0.0; 3], [0.0; 9]);
            symmetric_eigen(level, &mut got, &mut found, &mut vectors).unwrap();
            assert!(found.iter().zip(values).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
            assert!(vectors.iter().zip(vector).all(|(a, b)| (a - b).abs() < 1e-9), "{vectors:?}");
        }
    }

    fn moved_exactly<T: Sample>() {
        for c in 1..=5 {
            let src = Owned::<T>::shares((23, 41, c), 4);
            let mut want = src.numbers();
            if c >= 3 {
                let mut matrix = covariance(Level::BASE, src.view());
                let (mut values, mut vectors) = ([0.0; 3], [0.0; 9]);
                symmetric_eigen(Level::BASE, &mut matrix, &mut values, &mut vectors).unwrap();
                let mut stream = stream(5);
                let alpha = [(); 3].map(|()| f64::from(stream.normal()) * 0.7f32 as f64);
                for pixel in want.chunks_exact_mut(c) {
                    for (i, v) in pixel.iter_mut().take(3).enumerate() {
                        let along = |k: usize| alpha[k] * values[k] * vectors[k * 3 + i];
                        *v += (along(0) + along(1) + along(2)) * f64::from(T::LARGEST);
                    }
                }
            }
            for level in Level::available() {
                let mut image = src.clone();
                fancy_pca(level, 0.7, &mut stream(5), image.view_mut()).unwrap();
                // All values of a channel have the same fraction, so that they are rounded the same way.
                let most = if T::LARGEST > 1.0 { 0.52 } else { 1e-6 };
                let white = f64::from(T::LARGEST);
                let within = |v: f64| if white > 1.0 { v.clamp(0.0, white) } else { v };
                let near = |(got, want): (f64, &f64)| (got - within(*want)).abs() <= most;
                assert!(image.numbers().into_iter().zip(&want).all(near));
            }
        }
    }

    #[test]
    fn colours_move_along_the_axes_of_the_picture() {
        moved_exactly::<u8>();
        moved_exactly::<u16>();
        moved_exactly::<f32>();
    }

    proptest! {
        #[test]
        fn any_image_has_the_same_bits_at_every_level(shape in (1usize..20, 1usize..150, 1usize..6), seed: u64, std in 0f32..3.0) {
            let src = Owned::<f32>::shares(shape, seed);
            let at = |level| {
                let mut image = src.clone();
                fancy_pca(level, std, &mut stream(seed), image.view_mut()).unwrap();
                image
            };
            let want = at(Level::BASE);
            for level in Level::available() {
                prop_assert_eq!(&at(level), &want);
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut image = Owned { data: std::vec![0.5, f32::NAN, 0.1, 0.2, 0.3, 0.4], shape: (1, 2, 3) };
        assert_eq!(fancy_pca(Level::BASE, 0.1, &mut stream(1), image.view_mut()), Err(Error::NotFinite));
        for bad in [-0.1, f32::NAN, f32::INFINITY] {
            let wrong = fancy_pca(Level::BASE, bad, &mut stream(1), image.view_mut());
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
        let mut one = Owned { data: std::vec![9u8, 8, 7], shape: (1, 1, 3) };
        fancy_pca(Level::BASE, 0.1, &mut stream(1), one.view_mut()).unwrap();
        assert_eq!(one.data, [9, 8, 7]);
    }
}
