use super::super::testing::{BORDERS, Owned, assert_exact, images, same_at_every_level};
use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn blurred(level: Level, sigma: f32, border: Border, src: &Owned) -> Owned {
    let mut memory = vec![0xa5u8; blur_scratch_len::<u8>(sigma, src.shape)];
    let mut out = Owned::new(src.shape);
    gaussian_blur(level, sigma, border, src.view(), out.view_mut(), &mut Scratch::new(&mut memory)).unwrap();
    out
}

fn boxed(level: Level, radius: usize, border: Border, src: &Owned) -> Owned {
    let mut memory = vec![0xa5u8; box_blur_scratch_len::<u8>(radius, src.shape)];
    let mut out = Owned::new(src.shape);
    box_blur(level, radius, border, src.view(), out.view_mut(), &mut Scratch::new(&mut memory)).unwrap();
    out
}

/// The weights of −⌈3σ⌉ to ⌈3σ⌉.
fn bell(sigma: f32) -> Vec<f64> {
    let r = (3.0 * f64::from(sigma)).ceil() as i64;
    (-r..=r).map(|x| (-(x * x) as f64 / (2.0 * f64::from(sigma).powi(2))).exp()).collect()
}

/// The definition in `f64`, without rounding.
fn exact(weights: &[f64], border: Border, src: &Owned) -> Vec<f64> {
    let (h, w, c) = src.shape;
    let r = weights.len() as i64 / 2;
    let total: f64 = weights.iter().sum();
    let at = |y: i64, x: i64, ch: usize| match border.index(y, h).zip(border.index(x, w)) {
        Some((y, x)) => f64::from(src.data[(y * w + x) * c + ch]),
        None => f64::from(border.constant().unwrap()),
    };
    let mut out = vec![0.0; h * w * c];
    for (i, out) in out.iter_mut().enumerate() {
        let (y, x, ch) = ((i / (w * c)) as i64, (i / c % w) as i64, i % c);
        for (gy, dy) in weights.iter().zip(-r..) {
            for (gx, dx) in weights.iter().zip(-r..) {
                *out += gy * gx * at(y + dy, x + dx, ch) / total / total;
            }
        }
    }
    out
}

#[test]
fn within_one_level_of_the_definition_and_without_bias() {
    let src = Owned::noise((41, 43, 3), 1);
    for border in BORDERS {
        for sigma in [0.3, 0.8, 1.5, 2.9] {
            assert_exact(
                &blurred(Level::detect(), sigma, border, &src).data,
                &exact(&bell(sigma), border, &src),
                0.55,
            );
        }
        for radius in [0, 1, 2, 7, 8, 20] {
            let got = boxed(Level::detect(), radius, border, &src);
            assert_exact(&got.data, &exact(&vec![1.0; 2 * radius + 1], border, &src), 0.55);
        }
    }
}

#[test]
fn dark_pictures_stay_as_bright_as_they_are() {
    let mut src = Owned::noise((30, 60, 3), 2);
    src.data.iter_mut().for_each(|v| *v %= 4);
    for sigma in [0.4, 0.6, 0.8] {
        let border = Border::Reflect;
        assert_exact(
            &blurred(Level::detect(), sigma, border, &src).data,
            &exact(&bell(sigma), border, &src),
            0.6,
        );
    }
}

#[test]
fn same_bytes_at_every_level() {
    same_at_every_level(|level, src| blurred(level, 1.5, Border::Reflect101, src));
}

#[test]
fn same_means_at_every_level() {
    same_at_every_level(|level, src| boxed(level, 2, Border::Constant(7), src));
    same_at_every_level(|level, src| boxed(level, 9, Border::Reflect, src));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn same_bytes_at_every_level_for_any_sigma(src in images(), sigma in 0.01f32..12.0, border in 0usize..5) {
        let want = blurred(Level::BASE, sigma, BORDERS[border], &src);
        for level in Level::available() {
            prop_assert_eq!(&blurred(level, sigma, BORDERS[border], &src), &want);
        }
    }
}

#[test]
fn the_widest_blurs_stay_within_one_level() {
    let src = Owned::pattern(11, 8, 1);
    for sigma in [9.5, 20.0, 27.3, 30.9, MAX_SIGMA] {
        for border in BORDERS {
            let got = blurred(Level::detect(), sigma, border, &src);
            for (g, w) in got.data.iter().zip(exact(&bell(sigma), border, &src)) {
                assert!((f64::from(*g) - w).abs() <= 1.0, "{sigma}: {g} {w}");
            }
        }
    }
}

#[test]
fn a_plain_image_stays_plain_and_bad_arguments_are_refused() {
    let mut src = Owned::new((9, 7, 3));
    for value in [0, 1, 127, 255] {
        src.data.fill(value);
        for sigma in [0.01, 0.4, 2.0, 32.0] {
            assert_eq!(blurred(Level::detect(), sigma, Border::Wrap, &src), src, "{sigma}");
        }
        assert_eq!(boxed(Level::detect(), MAX_RADIUS, Border::Edge, &src), src);
    }
    let mut out = Owned::new(src.shape);
    let mut run = |sigma: f32| {
        gaussian_blur(Level::BASE, sigma, Border::Edge, src.view(), out.view_mut(), &mut Scratch::empty())
    };
    for sigma in [0.0, -1.0, 33.0, f32::NAN] {
        assert_eq!(run(sigma), Err(Error::InvalidArgument));
    }
    assert_eq!(run(1.0), Err(Error::ScratchTooSmall));
    let wide = box_blur(Level::BASE, 97, Border::Edge, src.view(), out.view_mut(), &mut Scratch::empty());
    assert_eq!(wide, Err(Error::InvalidArgument));
    assert_eq!(out, Owned::new(src.shape));
}
