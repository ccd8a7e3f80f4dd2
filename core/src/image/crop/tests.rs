use super::super::testing::{Owned, images};
use super::super::{Border, Interpolation, hflip, warp};
use super::*;
use crate::simd::Level;
use crate::view::ImageMut;
use proptest::prelude::*;
use std::vec;

proptest! {
    #[test]
    fn five_crops_and_those_of_the_mirror_image(src in images(), size in (1usize..12, 1usize..12)) {
        let (h, w, c) = src.shape;
        let size = (size.0.min(h), size.1.min(w));
        let five = Rect::five(size, (h, w));
        let cut = |image: &Owned, rect: &Rect| {
            let mut out = Owned::new((size.0, size.1, c));
            super::super::copy(rect.of(image.view()).unwrap(), out.view_mut()).unwrap();
            out
        };
        prop_assert_eq!(five[3].top as usize + size.0, h);
        prop_assert_eq!(five[3].left as usize + size.1, w);
        prop_assert_eq!([five[0].top, five[0].left, five[1].top, five[2].left], [0; 4]);
        let mut mirror = Owned::new(src.shape);
        hflip(Level::BASE, src.view(), mirror.view_mut()).unwrap();
        for (i, opposite) in [(0, 1), (1, 0), (2, 3), (3, 2)] {
            let mut back = Owned::new((size.0, size.1, c));
            hflip(Level::BASE, cut(&mirror, &five[i]).view(), back.view_mut()).unwrap();
            prop_assert_eq!(back, cut(&src, &five[opposite]));
        }
    }

    #[test]
    fn nothing_outside_is_seen_in_the_inscribed_rectangle(h in 1usize..90, w in 1usize..90, degrees in -400f32..400.0, wide: bool) {
        let size = if wide { (h, w * 4) } else { (h, w) };
        let src = vec![255u8; size.0 * size.1];
        let mut out = vec![0u8; size.0 * size.1];
        let src = crate::view::ImageRef::new(&src, size.0, size.1, 1).unwrap();
        let map = Motion { degrees, ..Motion::default() }.inverse(size).unwrap();
        let dst = ImageMut::new(&mut out, size.0, size.1, 1).unwrap();
        warp(Level::detect(), map, Interpolation::Bilinear, Border::Constant(0), src, dst).unwrap();
        let rect = Rect::inscribed(size, degrees);
        let view = crate::view::ImageRef::new(&out, size.0, size.1, 1).unwrap();
        prop_assert!(rect.of(view).unwrap().iter_rows().flatten().all(|&v| v == 255), "{:?}", rect);
        // No rectangle of whole pixels in the middle is larger by more than what whole pixels cost on its rim.
        let (sin, cos) = (f64::from(degrees).to_radians().sin().abs(), f64::from(degrees).to_radians().cos().abs());
        let (fh, fw) = (size.0 as f64 - 1.0, size.1 as f64 - 1.0);
        let ours = f64::from(rect.height) * f64::from(rect.width);
        for width in (1..=size.1).rev().step_by(2) {
            let a = width as f64 - 1.0;
            let b = ((fw - a * cos) / sin).min((fh - a * sin) / cos).min(fh);
            if b >= 0.0 {
                let other = (b.floor() + 1.0) * (a + 1.0);
                prop_assert!(other <= ours + 3.0 * (a + b + 4.0), "{} x {}: {:?}", width, b + 1.0, rect);
            }
        }
    }

    #[test]
    fn all_of_the_image_is_in_the_expanded_one(h in 1usize..40, w in 1usize..40, degrees in -360f32..360.0, scale in 0.6f32..2.0,
                                               shift in prop::array::uniform2(-9f32..9.0)) {
        let motion = Motion { degrees, scale, shift, ..Motion::default() };
        let (map, size) = motion.expanded((h, w)).unwrap();
        let image = Bounds::from_xyxy([0.0, 0.0, w as f64, h as f64]).unwrap();
        let [left, top, right, bottom] = Movement::of(map).unwrap().bounds(&image).unwrap().xyxy();
        prop_assert!(left > -2e-3 && top > -2e-3 && right < size.1 as f64 + 2e-3 && bottom < size.0 as f64 + 2e-3);
        // No row and no column more than that.
        prop_assert!(left < 1.0 && top < 1.0 && right > size.1 as f64 - 1.0 && bottom > size.0 as f64 - 1.0);
    }
}

#[test]
fn right_turns_keep_what_fits() {
    for degrees in [0.0, 180.0, -360.0] {
        assert_eq!(Rect::inscribed((7, 11), degrees), Rect::whole((7, 11)));
    }
    assert_eq!(Rect::inscribed((7, 11), 90.0), Rect { top: 0, left: 2, height: 7, width: 7 });
    assert_eq!(Rect::inscribed((8, 8), -90.0), Rect::whole((8, 8)));
    // 100 / √2 between centres of a square, to the parity of the image.
    assert_eq!(Rect::inscribed((101, 101), 45.0), Rect { top: 15, left: 15, height: 71, width: 71 });
    assert_eq!(Rect::inscribed((2, 2), 45.0), Rect::default());
    assert_eq!(Rect::inscribed((0, 5), 10.0), Rect::default());
    assert_eq!(Rect::inscribed((9, 9), f32::NAN), Rect::default());
}

/// The rule of torchvision's `_compute_affine_output_size`, by hand: the corners ±w / 2, ±h / 2 turned, moved by
/// w / 2 and h / 2, cut off after four places; the least rounded down, the greatest rounded up.
#[test]
fn sizes_of_turned_images_are_those_of_torchvision() {
    for (h, w) in [(1, 1), (2, 3), (20, 30), (31, 17), (224, 224), (480, 641)] {
        for tenths in (-3600..=3600).step_by(75) {
            let degrees = tenths as f32 / 10.0;
            let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
            let (half_w, half_h) = (w as f64 / 2.0, h as f64 / 2.0);
            let along = |a: f64, b: f64, half: f64| {
                let reach = (half_w * a).abs() + (half_h * b).abs();
                // A sine that should be 0 moves nothing.
                let cut = |v: f64| ((v + 1e-9) / 1e-4).trunc() * 1e-4;
                (cut(half + reach).ceil() - cut(half - reach).floor()) as usize
            };
            let want = (along(sin, cos, half_h), along(cos, sin, half_w));
            let turn = Motion { degrees, ..Motion::default() };
            assert_eq!(turn.expanded((h, w)).unwrap().1, want, "{h} x {w} by {degrees}");
        }
    }
    let far = Motion { scale: 1e9, ..Motion::default() };
    assert_eq!(far.expanded((9, 9)), Err(Error::Overflow));
}
