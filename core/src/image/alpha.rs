//! Opacity: the last channel of an image.
//!
//! Where pixels are mixed, as in resizing, warping and blurring, the colours of transparent ones, which are arbitrary, would bleed
//! into those around them. So colours are multiplied by opacity before and divided by it after.

use super::Sample;
use crate::error::{Error, Result};
use crate::math;
use crate::view::ImageMut;

/// Multiplies all channels by the share that the last one, the opacity, is of the largest value, in place.
///
/// 8-bit and 16-bit values are rounded half up, exactly; floats are multiplied in `f32`.
///
/// ```
/// use seedbed::image::{premultiply, unpremultiply};
/// use seedbed::ImageMut;
/// let mut pixel = [200u8, 100, 0, 128];
/// premultiply(ImageMut::new(&mut pixel, 1, 1, 4)?)?;
/// assert_eq!(pixel, [100, 50, 0, 128]);
/// unpremultiply(ImageMut::new(&mut pixel, 1, 1, 4)?)?;
/// assert_eq!(pixel, [199, 100, 0, 128]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::ShapeMismatch`] where `image` has less than two channels.
pub fn premultiply<T: Sample>(image: ImageMut<'_, T>) -> Result<()> {
    each_pixel(image, T::times)
}

/// Divides all channels by the share that the last one, the opacity, is of the largest value, in place: the opposite of
/// [`premultiply`]. What is wholly transparent becomes 0.
///
/// 8-bit and 16-bit values are rounded half up, exactly, and at most the largest one; floats are divided in `f32`.
///
/// # Errors
/// As [`premultiply`].
pub fn unpremultiply<T: Sample>(image: ImageMut<'_, T>) -> Result<()> {
    each_pixel(image, T::over)
}

fn each_pixel<T: Sample>(mut image: ImageMut<'_, T>, change: impl Fn(T, T) -> T) -> Result<()> {
    let channels = image.channels();
    if channels < 2 {
        return Err(Error::ShapeMismatch);
    }
    for row in image.iter_rows_mut() {
        if channels == 4 {
            for [r, g, b, opacity] in row.as_chunks_mut::<4>().0 {
                (*r, *g, *b) = (change(*r, *opacity), change(*g, *opacity), change(*b, *opacity));
            }
            continue;
        }
        for pixel in row.chunks_exact_mut(channels) {
            if let [colours @ .., opacity] = pixel {
                colours.iter_mut().for_each(|v| *v = change(*v, *opacity));
            }
        }
    }
    Ok(())
}

/// Values that can be multiplied by a share, and divided by it.
pub trait Opacity: Copy {
    /// Of the largest value, the share that both are of it, multiplied.
    fn times(self, share: Self) -> Self;
    /// The opposite; 0 for a share of 0.
    fn over(self, share: Self) -> Self;
}

macro_rules! integers {
    ($($t:ident)*) => { $(
        impl Opacity for $t {
            #[inline(always)]
            fn times(self, share: $t) -> $t {
                const LARGEST: u32 = $t::MAX as u32;
                // At most 2³² − 2¹⁷ + 1 + 2¹⁵; what is exactly between two levels cannot be, since the largest value is odd.
                ((u32::from(self) * u32::from(share) + LARGEST / 2) / LARGEST) as $t
            }

            #[inline(always)]
            fn over(self, share: $t) -> $t {
                const LARGEST: u32 = $t::MAX as u32;
                let share = u32::from(share);
                let product = u32::from(self) * LARGEST + share / 2;
                product.checked_div(share).unwrap_or(0).min(LARGEST) as $t
            }
        }
    )* };
}
integers!(u8 u16);

impl Opacity for f32 {
    #[inline(always)]
    fn times(self, share: f32) -> f32 {
        self * share
    }

    #[inline(always)]
    fn over(self, share: f32) -> f32 {
        if math::abs(share) > 0.0 { self / share } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, assert_exact};
    use super::super::{Filter, ResizePlan};
    use super::*;
    use crate::scratch::Scratch;
    use crate::simd::Level;
    use crate::view::ImageRef;
    use std::vec;

    #[test]
    fn every_pair_of_levels_is_rounded_half_up() {
        for (v, a) in (0..=255u8).flat_map(|v| (0..=255u8).map(move |a| (v, a))) {
            let exact = |x: f64| (x + 0.5).floor().min(255.0) as u8;
            let mut pixel = [v, 255 - v, a];
            premultiply(ImageMut::new(&mut pixel, 1, 1, 3).unwrap()).unwrap();
            let share = f64::from(a) / 255.0;
            let product = |v: u8| exact((f64::from(v) * f64::from(a) / 255.0 * 1e9).round() / 1e9);
            assert_eq!(pixel, [product(v), product(255 - v), a]);
            let mut pixel = [v, a];
            unpremultiply(ImageMut::new(&mut pixel, 1, 1, 2).unwrap()).unwrap();
            let quotient = if a == 0 { 0.0 } else { f64::from(v) * 255.0 / f64::from(a) };
            assert_eq!(pixel, [exact(quotient), a], "{share}");
        }
    }

    fn follows_the_words<T: Sample>() {
        for c in 2..=5 {
            let src = Owned::<T>::shares((9, 31, c), 2);
            let white = f64::from(T::LARGEST);
            let (mut there, mut back) = (src.clone(), src.clone());
            premultiply(there.view_mut()).unwrap();
            unpremultiply(back.view_mut()).unwrap();
            let (mut product, mut quotient) = (src.numbers(), src.numbers());
            for (p, q) in product.chunks_exact_mut(c).zip(quotient.chunks_exact_mut(c)) {
                let share = p[c - 1] / white;
                p[..c - 1].iter_mut().for_each(|v| *v *= share);
                q[..c - 1].iter_mut().for_each(|v| *v = if share == 0.0 { 0.0 } else { *v / share });
            }
            assert_exact(&there.data, &product, if white > 1.0 { 0.5001 } else { 1e-7 });
            let near = |(got, want): (f64, f64)| {
                let want = if white > 1.0 { want.min(white) } else { want };
                (got - want).abs() <= if white > 1.0 { 0.5001 } else { want * 1e-6 }
            };
            assert!(back.numbers().into_iter().zip(quotient).all(near));
        }
    }

    #[test]
    fn every_type_follows_the_words() {
        follows_the_words::<u8>();
        follows_the_words::<u16>();
        follows_the_words::<f32>();
        let mut grey = [1u8; 4];
        assert_eq!(premultiply(ImageMut::new(&mut grey, 2, 2, 1).unwrap()), Err(Error::ShapeMismatch));
        assert_eq!(unpremultiply(ImageMut::new(&mut grey, 2, 2, 1).unwrap()), Err(Error::ShapeMismatch));
    }

    /// A red picture, half of which is transparent black, at half its size and at twice.
    #[test]
    fn resizing_a_transparent_edge_does_not_darken_it() {
        let red = |i: usize| if i % 16 < 7 { [200, 20, 10, 255] } else { [0; 4] };
        let mut src: vec::Vec<u8> = (0..16 * 16).flat_map(red).collect();
        let resized = |src: &[u8], side: usize| {
            let mut memory = vec![0; ResizePlan::plan_len(Filter::Bilinear, (16, 16), (side, side))];
            let plan =
                ResizePlan::new(Filter::Bilinear, (16, 16), (side, side), &mut Scratch::new(&mut memory));
            let plan = plan.unwrap();
            let (mut out, mut memory) = (vec![0; side * side * 4], vec![0; plan.scratch_len(4)]);
            let src = ImageRef::new(src, 16, 16, 4).unwrap();
            let dst = ImageMut::new(&mut out, side, side, 4).unwrap();
            plan.run(Level::detect(), src, dst, &mut Scratch::new(&mut memory)).unwrap();
            out
        };
        let dark = |image: &[u8]| {
            // A faint pixel has few levels, and so its colour is coarse.
            image.as_chunks::<4>().0.iter().any(|p| p[3] > 32 && p[0].abs_diff(200) > 4)
        };
        assert!(dark(&resized(&src, 8)) && dark(&resized(&src, 32)));
        premultiply(ImageMut::new(&mut src, 16, 16, 4).unwrap()).unwrap();
        for side in [8, 32] {
            let mut out = resized(&src, side);
            unpremultiply(ImageMut::new(&mut out, side, side, 4).unwrap()).unwrap();
            assert!(!dark(&out) && out.as_chunks::<4>().0.iter().any(|p| (33..222).contains(&p[3])));
        }
    }
}
