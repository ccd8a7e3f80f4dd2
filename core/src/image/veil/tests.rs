use super::super::testing::{Owned, assert_exact, at_every_level, images};
use super::*;
use crate::rng::{Key, Stream};
use proptest::prelude::*;
use std::vec::Vec;

/// The stream of these tests.
pub fn stream() -> Stream {
    Stream::new(9, Key::new(1))
}

/// What `op` makes of `src`, which is the same at every level.
pub fn changed<T: Sample>(
    src: &Owned<T>,
    op: impl Fn(Level, &mut Stream, ImageMut<'_, T>) -> Result<()>,
) -> Owned<T> {
    at_every_level(src, |level, src| {
        let mut image = src.clone();
        op(level, &mut stream(), image.view_mut()).unwrap();
        image
    })
}

/// A number as a value holds it.
pub fn stored<T: Sample>(v: f64) -> f64 {
    let white = f64::from(T::LARGEST);
    if white > 1.0 { (v + 0.5).floor().clamp(0.0, white) } else { f64::from(v as f32) }
}

/// Takes each pixel of `values`, an image of this shape, by the share that `weight` has for its row and column to `light`.
pub fn laid<T: Sample>(
    values: &mut [f64],
    (_, width, c): (usize, usize, usize),
    (light, tint): (f32, [f32; 3]),
    weight: impl Fn(f64, f64) -> f64,
) {
    let light = f64::from(light * T::LARGEST);
    for (i, pixel) in values.chunks_exact_mut(c).enumerate() {
        let weight = weight((i / width) as f64, (i % width) as f64);
        for (v, k) in pixel.iter_mut().take(3).zip(0..) {
            *v = stored::<T>(*v + (light - *v) * weight * f64::from(tint[if c < 3 { 0 } else { k }]));
        }
    }
}

/// The two are the same up to what the `f32` of a weight may lose, and what is rounded otherwise for it.
pub fn assert_near<T: Sample>(got: &Owned<T>, want: &[f64]) {
    let white = f64::from(T::LARGEST);
    assert_exact(&got.data, want, if white > 1.0 { 1.0 } else { 0.0 } + 2e-4 * white);
    let differ = got.numbers().into_iter().zip(want).filter(|(g, w)| (g - *w).abs() > 1e-5 * white);
    assert!(differ.count() * 100 <= want.len(), "{:?}", got.shape);
}

fn vignetted_exactly<T: Sample>() {
    for c in 1..=5 {
        for (h, w) in [(40, 171), (90, 31), (1, 1), (1, 70)] {
            let src = Owned::<T>::shares((h, w, c), 3);
            let (strength, shift) = (0.63f32, [0.11f32, -0.23]);
            let got = changed(&src, |level, _, image| vignetting(level, strength, shift, image));
            let growth = 1.0 / (1.0 - f64::from(strength)).sqrt() - 1.0;
            let [x, y] = [(w, shift[0]), (h, shift[1])]
                .map(|(side, shift)| (side as f64 - 1.0) / 2.0 + f64::from(shift) * side as f64);
            let corner = ((w * w + h * h) as f64 / 4.0).max(0.5);
            let mut want = src.numbers();
            laid::<T>(&mut want, (h, w, c), (0.0, [1.0; 3]), |row, column| {
                let square = ((row - y).powi(2) + (column - x).powi(2)) / corner;
                1.0 - 1.0 / (1.0 + growth * square).powi(2)
            });
            assert_near(&got, &want);
        }
    }
}

#[test]
fn corners_are_darker_as_the_words_say() {
    vignetted_exactly::<u8>();
    vignetted_exactly::<u16>();
    vignetted_exactly::<f32>();
    let white = Owned { data: std::vec![1.0f32; 101 * 201], shape: (101, 201, 1) };
    let image = changed(&white, |level, _, image| vignetting(level, 0.5, [0.0; 2], image));
    let at = |y: usize, x: usize| image.data[y * 201 + x];
    assert!(at(50, 100) == 1.0 && (at(0, 0) - 0.5).abs() < 0.01 && at(0, 0) == at(100, 200));
    let image = changed(&white, |level, _, image| vignetting(level, 0.0, [0.3; 2], image));
    assert_eq!(image, white);
}

/// The corners of each shadow, as they are drawn.
fn corners((h, w, _): (usize, usize, usize), count: usize, stream: &mut Stream) -> Vec<Vec<[f64; 2]>> {
    let one = |_| {
        let n = 4 + stream.below(4);
        let (w, h) = (w as f32, h as f32);
        let middle = [stream.range(-0.5, w - 0.5), stream.range(-0.5, h - 0.5)].map(f64::from);
        let axes = [stream.range(0.15, 0.5) * w, stream.range(0.15, 0.5) * h].map(f64::from);
        let (sin, cos) = (std::f64::consts::TAU * f64::from(stream.uniform())).sin_cos();
        let corner = |i| {
            let at =
                (f64::from(i) + f64::from(stream.range(-0.4, 0.4))) * std::f64::consts::TAU / f64::from(n);
            let [x, y] = [at.cos() * axes[0], at.sin() * axes[1]];
            [middle[0] + x * cos - y * sin, middle[1] + x * sin + y * cos]
        };
        (0..n).map(corner).collect()
    };
    (0..count).map(one).collect()
}

fn shadowed_exactly<T: Sample>() {
    for c in 1..=5 {
        for (h, w, softness) in [(50, 171, 0.04f32), (90, 31, 0.3), (28, 28, 0.0)] {
            let src = Owned::<T>::shares((h, w, c), 3);
            let got = changed(&src, |level, stream, image| shadow(level, 3, 0.63, softness, stream, image));
            let shadows = corners(src.shape, 3, &mut stream());
            let soft = (f64::from(softness) * h.min(w) as f64).max(1.0);
            let mut want = src.numbers();
            laid::<T>(&mut want, (h, w, c), (0.0, [1.0; 3]), |y, x| {
                let weights = shadows.iter().map(|corners| {
                    let sides = (0..corners.len()).map(|i| {
                        let ([ax, ay], [bx, by]) = (corners[i], corners[(i + 1) % corners.len()]);
                        let inside = (bx - ax) * (y - ay) - (by - ay) * (x - ax);
                        inside / (bx - ax).hypot(by - ay)
                    });
                    (sides.fold(f64::INFINITY, f64::min) / soft + 0.5).clamp(0.0, 1.0)
                });
                weights.fold(0.0, f64::max) * f64::from(0.63f32)
            });
            assert_near(&got, &want);
        }
    }
}

#[test]
fn shadows_are_where_the_words_say() {
    shadowed_exactly::<u8>();
    shadowed_exactly::<u16>();
    shadowed_exactly::<f32>();
}

#[test]
fn a_shadow_hides_a_share_of_the_image() {
    let white = Owned { data: std::vec![255u8; 100 * 150 * 3], shape: (100, 150, 3) };
    let mut share = 0.0;
    for seed in 0..100 {
        let mut image = white.clone();
        let mut stream = Stream::new(seed, Key::new(1));
        shadow(Level::detect(), 1, 0.4, 0.01, &mut stream, image.view_mut()).unwrap();
        assert!(image.data.iter().all(|v| (153..=255).contains(v)));
        share += image.data.iter().filter(|v| **v == 153).count() as f64 / 45_000.0 / 100.0;
    }
    // Some 85 % of ellipses with a tenth of a third of the area, and more than half of these within.
    assert!((0.1..0.3).contains(&share), "{share}");
    let none = changed(&white, |level, stream, image| shadow(level, 0, 0.4, 0.01, stream, image));
    assert_eq!(none, white);
}

proptest! {
    #[test]
    fn any_image_has_the_same_bytes_at_every_level(
        src in images(), strength in 0f32..0.95, shift in [-1f32..1.0, -1f32..1.0], count in 0usize..9, soft in 0f32..1.0
    ) {
        changed(&src, |level, _, image| vignetting(level, strength, shift, image));
        changed(&src, |level, stream, image| shadow(level, count, strength, soft, stream, image));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let (before, mut image) = (Owned::noise((2, 2, 3), 1), Owned::noise((2, 2, 3), 1));
    for (strength, shift) in [
        (-0.1, [0.0; 2]),
        (0.96, [0.0; 2]),
        (f32::NAN, [0.0; 2]),
        (0.5, [0.0, 1.1]),
        (0.5, [-1.1, 0.0]),
        (0.5, [f32::NAN; 2]),
    ] {
        let wrong = vignetting(Level::BASE, strength, shift, image.view_mut());
        assert_eq!(wrong, Err(Error::InvalidArgument));
    }
    for (count, strength, soft) in [
        (9, 0.5, 0.1),
        (1, -0.1, 0.1),
        (1, 1.1, 0.1),
        (1, 0.5, -0.1),
        (1, 0.5, 1.1),
        (1, f32::NAN, 0.1),
        (1, 0.5, f32::NAN),
    ] {
        let wrong = shadow(Level::BASE, count, strength, soft, &mut stream(), image.view_mut());
        assert_eq!(wrong, Err(Error::InvalidArgument));
    }
    assert_eq!(image, before);
}
