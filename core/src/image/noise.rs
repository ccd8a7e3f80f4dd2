//! Noise.

use crate::error::{Error, Result};
use crate::math;
use crate::rng::Stream;
use crate::simd::Level;
use crate::view::ImageMut;

/// Normal numbers that are drawn at a time.
const BLOCK: usize = 64;

/// Adds normal noise of standard deviation `std`, in levels of 0..=255, to every value by itself; sums are rounded
/// half up and cut off at 0 and 255.
///
/// The numbers come from `stream` row by row, in blocks of 64 values that start anew with each row.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `std` and it is finite.
pub fn gaussian_noise(
    level: Level,
    std: f32,
    stream: &mut Stream,
    mut image: ImageMut<'_, u8>,
) -> Result<()> {
    if !(std >= 0.0 && std.is_finite()) {
        return Err(Error::InvalidArgument);
    }
    let mut normals = [0f32; BLOCK];
    for row in image.iter_rows_mut() {
        for values in row.chunks_mut(BLOCK) {
            let normals = normals.get_mut(..values.len()).unwrap_or(&mut []);
            stream.fill_normal(level, normals);
            add(level, values, normals, std);
        }
    }
    Ok(())
}

kernel! {
    fn add(values: &mut [u8], normals: &[f32], std: f32) = add_body;
}

#[inline(always)]
fn add_body(values: &mut [u8], normals: &[f32], std: f32) {
    for (value, normal) in values.iter_mut().zip(normals) {
        *value = math::to_u8(*value as f32 + *normal * std);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Owned;
    use super::*;
    use crate::rng::Key;

    fn noisy(level: Level, std: f32, shape: (usize, usize, usize)) -> Owned {
        let mut image = Owned::new(shape);
        image.data.fill(128);
        gaussian_noise(level, std, &mut Stream::new(5, Key::new(1)), image.view_mut()).unwrap();
        image
    }

    #[test]
    fn noise_has_the_deviation_asked_for_and_no_bias() {
        let image = noisy(Level::detect(), 12.0, (120, 70, 3));
        let n = image.data.len() as f64;
        let mean = image.data.iter().map(|&v| v as f64).sum::<f64>() / n;
        let var = image.data.iter().map(|&v| (v as f64 - mean).powi(2)).sum::<f64>() / n;
        // Rounding to whole levels adds a variance of 1/12; five standard errors around.
        assert!((mean - 128.0).abs() < 0.38, "{mean}");
        assert!((var - 144.0 - 1.0 / 12.0).abs() < 6.5, "{var}");
        assert!(noisy(Level::BASE, 0.0, (3, 3, 1)).data.iter().all(|&v| v == 128));
    }

    #[test]
    fn same_bytes_at_every_level() {
        for width in 1..70 {
            let want = noisy(Level::BASE, 30.0, (3, width, 1));
            assert!(Level::available().all(|level| noisy(level, 30.0, (3, width, 1)) == want));
        }
        let mut image = Owned::new((1, 1, 1));
        for std in [-1.0, f32::NAN, f32::INFINITY] {
            let mut stream = Stream::new(5, Key::new(1));
            assert_eq!(
                gaussian_noise(Level::BASE, std, &mut stream, image.view_mut()),
                Err(Error::InvalidArgument)
            );
        }
    }
}
