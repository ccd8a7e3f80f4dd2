//! Mixing samples two by two, with their labels.

use crate::error::{Error, Result};
use crate::image::{self, Rect, Sample};
use crate::math;
use crate::rng::Stream;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// How another sample is mixed into one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Mixing {
    /// Every value is mixed (MixUp, Zhang and others 2018).
    MixUp {
        /// The share of the other sample, 0 to 1.
        share: f32,
    },
    /// A rectangle is the other image's (CutMix, Yun and others 2019).
    CutMix {
        /// The rectangle.
        part: Rect,
        /// Its share of the image's area.
        share: f32,
    },
}

impl Mixing {
    /// A mixing of all values by a share from Beta(`alpha`, `alpha`): 0.2 to 0.4 in the paper, 1 for any share alike.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless 0 < `alpha` ≤ 1000.
    pub fn mixup(alpha: f32, stream: &mut Stream) -> Result<Self> {
        Ok(Self::MixUp { share: beta(alpha, stream)? })
    }

    /// A rectangle for images of `size` = (height, width): its sides are as the root of a share from Beta(`alpha`, `alpha`)
    /// to the image's, its middle lies anywhere, and what reaches out is cut off, as in the paper, where `alpha` is 1.
    ///
    /// # Errors
    /// As [`Mixing::mixup`], and for images without pixels.
    pub fn cutmix(alpha: f32, size: (usize, usize), stream: &mut Stream) -> Result<Self> {
        if size.0 == 0 || size.1 == 0 {
            return Err(Error::InvalidArgument);
        }
        let root = math::sqrt(beta(alpha, stream)?);
        let mut along = |side: usize| {
            let part = (math::round_half_up(side as f32 * root) as usize).min(side);
            let middle = stream.index(side);
            let start = middle.saturating_sub(part / 2);
            let end = (middle + part.div_ceil(2)).min(side);
            (start as u32, (end - start) as u32)
        };
        let ((top, height), (left, width)) = (along(size.0), along(size.1));
        let area = f64::from(height) * f64::from(width) / (size.0 as f64 * size.1 as f64);
        Ok(Self::CutMix { part: Rect { top, left, height, width }, share: area as f32 })
    }

    /// The share of the other sample: what its label counts.
    pub const fn share(&self) -> f32 {
        match self {
            Self::MixUp { share } | Self::CutMix { share, .. } => *share,
        }
    }

    /// Mixes `other` into `image`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where the shapes differ, [`Error::InvalidArgument`] where the rectangle reaches out of them
    /// or the share is none; `image` is untouched then.
    pub fn apply<T: Sample>(
        &self,
        level: Level,
        other: ImageRef<'_, T>,
        image: ImageMut<'_, T>,
    ) -> Result<()> {
        match *self {
            Self::MixUp { share } => image::mixup(level, other, image, share),
            Self::CutMix { part, .. } => image::cutmix(other, image, part),
        }
    }

    /// Mixes the probabilities of classes, `other` into `labels`: label + (other − label) · share.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] unless both are as long.
    pub fn mix_labels(&self, other: &[f32], labels: &mut [f32]) -> Result<()> {
        if other.len() != labels.len() {
            return Err(Error::ShapeMismatch);
        }
        for (label, other) in labels.iter_mut().zip(other) {
            *label += (other - *label) * self.share();
        }
        Ok(())
    }
}

/// A draw from Beta(`alpha`, `alpha`): of two gamma draws the share of the first.
fn beta(alpha: f32, stream: &mut Stream) -> Result<f32> {
    // False for NaN.
    if !(alpha > 0.0 && alpha <= 1000.0) {
        return Err(Error::InvalidArgument);
    }
    let (first, second) = (log_gamma(alpha, stream), log_gamma(alpha, stream));
    Ok(1.0 / (1.0 + math::exp(second - first)))
}

/// A draw from the Dirichlet distribution of `n` parts with this `alpha` each, above 0: the shares of as many gamma draws, and
/// zeros after them.
pub(super) fn dirichlet<const N: usize>(alpha: f32, n: usize, stream: &mut Stream) -> [f32; N] {
    let mut shares = [0.0; N];
    let used = shares.get_mut(..n.min(N)).unwrap_or(&mut []);
    let mut most = f32::NEG_INFINITY;
    for share in used.iter_mut() {
        *share = log_gamma(alpha, stream);
        most = math::max(most, *share);
    }
    // At least 1: the largest one is.
    let mut total = 0.0;
    for share in used.iter_mut() {
        *share = math::exp(*share - most);
        total += *share;
    }
    used.iter_mut().for_each(|share| *share /= total);
    shares
}

/// The logarithm of a draw from Gamma(`alpha`, 1) (Marsaglia and Tsang 2000): small shapes underflow otherwise.
fn log_gamma(alpha: f32, stream: &mut Stream) -> f32 {
    // Gamma(α) is Gamma(α + 1) · U^(1/α).
    let d = alpha + 1.0 - 1.0 / 3.0;
    let c = 1.0 / math::sqrt(9.0 * d);
    // Of a number above 0.
    let log_uniform = |stream: &mut Stream| math::ln(1.0 - stream.uniform());
    let power = log_uniform(stream) / alpha;
    // All but a twentieth are taken at once: a hundred that are refused do not happen.
    for _ in 0..100 {
        let x = stream.normal();
        let root = 1.0 + c * x;
        let chance = log_uniform(stream);
        if root > 0.0 {
            let v = root * root * root;
            if chance < 0.5 * x * x + d - d * v + d * math::ln(v) {
                return math::ln(d * v) + power;
            }
        }
    }
    math::ln(d) + power
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::testing::Owned;
    use crate::rng::Key;

    fn draws(alpha: f32) -> impl Iterator<Item = f64> {
        let mut stream = Stream::new(4, Key::new(0));
        (0..20_000).map(move |_| f64::from(beta(alpha, &mut stream).unwrap()))
    }

    #[test]
    fn shares_have_the_moments_of_the_beta_distribution() {
        for alpha in [0.2f32, 0.4, 1.0, 3.0, 200.0] {
            // Mean ½, variance 1 / (4 (2 α + 1)); the tolerances are five standard errors.
            let want = 1.0 / (4.0 * (2.0 * f64::from(alpha) + 1.0));
            let (sum, squares) =
                draws(alpha).fold((0.0, 0.0), |(a, b), v| (a + v, b + (v - 0.5) * (v - 0.5)));
            let (mean, variance) = (sum / 20_000.0, squares / 20_000.0);
            assert!((mean - 0.5).abs() < 5.0 * (want / 20_000.0).sqrt(), "{alpha} {mean}");
            assert!((variance / want - 1.0).abs() < 0.06, "{alpha} {variance} {want}");
        }
        // Uniform: each tenth of the range has a tenth of the draws.
        for tenth in 0..10 {
            let inside = draws(1.0).filter(|v| (v * 10.0) as usize == tenth).count();
            assert!(inside.abs_diff(2000) < 220, "{tenth} {inside}");
        }
        assert!(draws(0.001).all(|v| (0.0..=1.0).contains(&v)));
    }

    #[test]
    fn images_and_labels_are_mixed_by_the_same_share() {
        let (a, b) = (
            Owned { data: [0u8; 90].to_vec(), shape: (6, 5, 3) },
            Owned { data: [200u8; 90].to_vec(), shape: (6, 5, 3) },
        );
        let mut stream = Stream::new(1, Key::new(0));
        for n in 0..200 {
            let mixing = if n % 2 == 0 {
                Mixing::mixup(0.4, &mut stream)
            } else {
                Mixing::cutmix(1.0, (6, 5), &mut stream)
            }
            .unwrap();
            let mut image = a.clone();
            mixing.apply(Level::detect(), b.view(), image.view_mut()).unwrap();
            let mut labels = [1.0, 0.0];
            mixing.mix_labels(&[0.0, 1.0], &mut labels).unwrap();
            let mean = image.data.iter().map(|&v| f64::from(v)).sum::<f64>() / 90.0 / 200.0;
            assert!((mean - f64::from(labels[1])).abs() < 0.0026, "{mixing:?} {mean}");
            assert!((labels[0] + labels[1] - 1.0).abs() < 1e-6);
        }
        for alpha in [0.0, -1.0, f32::NAN, 1e4] {
            assert_eq!(Mixing::mixup(alpha, &mut stream), Err(Error::InvalidArgument));
        }
        assert_eq!(Mixing::cutmix(1.0, (0, 5), &mut stream), Err(Error::InvalidArgument));
        assert_eq!(Mixing::MixUp { share: 0.5 }.mix_labels(&[1.0], &mut []), Err(Error::ShapeMismatch));
    }
}
