//! The colour of light by its temperature.

use super::super::channels::scale_channels;
use super::*;

/// What the light of black bodies of 3000, 3500 … 15000 K makes of the red and the blue of a grey picture, where that of 6500 K
/// leaves them as they are: from the coefficients for planckian jitter of Zini and others (2022).
const GAINS: [[f32; 2]; 25] = [
    [1.5999, 0.0031],
    [1.4158, 0.3780],
    [1.2942, 0.5534],
    [1.2061, 0.6813],
    [1.1383, 0.7830],
    [1.0836, 0.8672],
    [1.0384, 0.9384],
    [1.0000, 1.0000],
    [0.9669, 1.0532],
    [0.9378, 1.0998],
    [0.9123, 1.1411],
    [0.8893, 1.1778],
    [0.8686, 1.2105],
    [0.8499, 1.2400],
    [0.8329, 1.2665],
    [0.8175, 1.2907],
    [0.8032, 1.3125],
    [0.7899, 1.3325],
    [0.7776, 1.3507],
    [0.7663, 1.3674],
    [0.7557, 1.3833],
    [0.7459, 1.3973],
    [0.7364, 1.4106],
    [0.7280, 1.4229],
    [0.7197, 1.4345],
];

/// The coldest and the hottest light that there is a colour of, in kelvins.
const TEMPERATURES: [f32; 2] = [3000.0, 15000.0];
/// Kelvins between two of [`GAINS`].
const STEP: f32 = 500.0;

/// Shows `image` in the light of a black body of `temperature` in kelvins instead of that of 6500 K, in the way of planckian
/// jitter (Zini and others 2022): red and blue are multiplied, in `f32`, by gains that lie on straight lines between those of
/// every 500 K; green stays. So do images of less than three channels, which have no colours.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 3000 ≤ `temperature` ≤ 15000.
pub fn planckian_jitter<T: Sample>(level: Level, temperature: f32, image: ImageMut<'_, T>) -> Result<()> {
    let [coldest, hottest] = TEMPERATURES;
    // False for NaN.
    if !(coldest..=hottest).contains(&temperature) {
        return Err(Error::InvalidArgument);
    }
    if image.channels() < 3 {
        return Ok(());
    }
    let [red, blue] = gains(temperature);
    scale_channels(level, [red, 1.0, blue], [0.0; 3], image)
}

/// The gains of red and blue.
fn gains(temperature: f32) -> [f32; 2] {
    let [coldest, _] = TEMPERATURES;
    let at = (temperature - coldest) / STEP;
    let before = math::floor(at);
    let mut lines = GAINS.iter().skip(before as usize);
    let low = lines.next().copied().unwrap_or([1.0; 2]);
    let high = lines.next().copied().unwrap_or(low);
    let mut gains = low;
    for (gain, high) in gains.iter_mut().zip(high) {
        *gain += (high - *gain) * (at - before);
    }
    gains
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Owned, assert_exact};
    use super::*;

    /// Red, green and blue of black bodies of 3000, 5000, 6500, 9000 and 15000 K in the table of the `PlanckianJitter` of
    /// albumentations 2.0.8, to which this is true within 0.0002.
    #[test]
    fn gains_are_those_that_were_published() {
        let [red, green, blue] = [0.4816, 0.4604, 0.4782];
        for (temperature, [r, g, b]) in [
            (3000.0, [0.6743, 0.4029, 0.0013]),
            (5000.0, [0.5376, 0.4515, 0.3672]),
            (6500.0, [red, green, blue]),
            (9000.0, [0.4223, 0.4648, 0.5844]),
            (15000.0, [0.3503, 0.4653, 0.6933]),
        ] {
            let [of_red, of_blue] = gains(temperature);
            assert!((of_red - r / g * green / red).abs() < 2e-4, "{temperature} {of_red}");
            assert!((of_blue - b / g * green / blue).abs() < 2e-4, "{temperature} {of_blue}");
        }
        assert_eq!(gains(6500.0), [1.0; 2]);
    }

    #[test]
    fn hotter_light_is_bluer() {
        let all: std::vec::Vec<_> = (30..=150).map(|t| gains(t as f32 * 100.0)).collect();
        assert!(all.windows(2).all(|pair| pair[0][0] > pair[1][0] && pair[0][1] < pair[1][1]));
    }

    fn exactly<T: Sample>() {
        for c in 1..=5 {
            let src = Owned::<T>::shares((9, 71, c), 3);
            let [red, blue] = gains(4321.0).map(f64::from);
            let mut want = src.numbers();
            for pixel in want.chunks_exact_mut(c).filter(|_| c >= 3) {
                (pixel[0], pixel[2]) = (pixel[0] * red, pixel[2] * blue);
            }
            for level in Level::available() {
                let mut image = src.clone();
                planckian_jitter(level, 4321.0, image.view_mut()).unwrap();
                assert_exact(&image.data, &want, if T::LARGEST > 1.0 { 0.51 } else { 1e-6 });
            }
        }
    }

    #[test]
    fn red_and_blue_are_multiplied() {
        exactly::<u8>();
        exactly::<u16>();
        exactly::<f32>();
        let mut image = Owned::new((1, 1, 3));
        for bad in [2999.0, 15001.0, f32::NAN] {
            let wrong = planckian_jitter(Level::BASE, bad, image.view_mut());
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
    }
}
