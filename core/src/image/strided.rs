//! Every operation on views whose rows lie apart: the same values as on dense ones, and nothing written between the rows.

use super::testing::{BORDERS, Owned, images};
use super::*;
use crate::rng::{Key, Stream};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// What stands between the rows.
const CANARY: u8 = 0xa5;

type Shape = (usize, usize, usize);

/// The rows of a dense image with `pad` elements after each.
fn spread(data: &[u8], (height, width, channels): Shape, pad: usize) -> Vec<u8> {
    let row = width * channels;
    (0..height * (row + pad))
        .map(|i| (i % (row + pad), i / (row + pad)))
        .map(|(x, y)| if x < row { data[y * row + x] } else { CANARY })
        .collect()
}

/// Runs `op` densely and spread, at every level.
fn check(
    src: &Owned,
    out: Shape,
    pads: (usize, usize),
    op: impl Fn(Level, ImageRef<'_, u8>, ImageMut<'_, u8>),
) {
    let (h, w, c) = src.shape;
    let spread_src = spread(&src.data, src.shape, pads.0);
    for level in Level::available() {
        // In-place operations start from what is there, so both start from the same.
        let start: Vec<u8> = (0..out.0 * out.1 * out.2).map(|i| (i * 31) as u8).collect();
        let (mut dense, mut apart) = (start.clone(), spread(&start, out, pads.1));
        op(level, src.view(), ImageMut::new(&mut dense, out.0, out.1, out.2).unwrap());
        op(
            level,
            ImageRef::with_stride(&spread_src, h, w, c, w * c + pads.0).unwrap(),
            ImageMut::with_stride(&mut apart, out.0, out.1, out.2, out.1 * out.2 + pads.1).unwrap(),
        );
        assert_eq!(apart, spread(&dense, out, pads.1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn rows_that_lie_apart_make_no_difference(src in images(), pads in (0usize..5, 0usize..5),
                                              to in (1usize..30, 1usize..30), seed: u64) {
        let (h, w, c) = src.shape;
        let (same, turned) = (src.shape, (w, h, c));
        check(&src, same, pads, |_, s, d| copy(s, d).unwrap());
        check(&src, same, pads, |level, s, d| hflip(level, s, d).unwrap());
        check(&src, same, pads, |_, s, d| vflip(s, d).unwrap());
        check(&src, same, pads, |level, s, d| rot180(level, s, d).unwrap());
        check(&src, turned, pads, |level, s, d| rot90(level, s, d).unwrap());
        check(&src, turned, pads, |level, s, d| transpose(level, s, d).unwrap());
        check(&src, turned, pads, |level, s, d| transverse(level, s, d).unwrap());
        check(&src, same, pads, |level, s, d| mixup(level, s, d, 0.4).unwrap());
        check(&src, turned, pads, |level, s, d| rot270(level, s, d).unwrap());
        for border in BORDERS {
            check(&src, (to.0, to.1, c), pads, |_, s, d| pad(s, d, 2, -1, border).unwrap());
            let map = Motion { degrees: 33.0, scale: 1.1, ..Motion::default() }.inverse((h, w)).unwrap();
            check(&src, (to.0, to.1, c), pads, |level, s, d| warp(level, map, Interpolation::Bilinear, border, s, d).unwrap());
        }
        for filter in Filter::ALL {
            check(&src, (to.0, to.1, c), pads, |level, s, d| {
                let len = ResizePlan::plan_len(filter, (h, w), to) + ResizePlan::run_len(filter, (h, w), to, c);
                let mut memory = vec![0; len];
                let mut scratch = Scratch::new(&mut memory);
                let plan = ResizePlan::new(filter, (h, w), to, &mut scratch).unwrap();
                plan.run(level, s, d, &mut scratch).unwrap();
            });
        }
        check(&src, same, pads, |level, s, d| {
            let mut memory = vec![0; blur_scratch_len::<u8>(1.7, same)];
            gaussian_blur(level, 1.7, Border::Wrap, s, d, &mut Scratch::new(&mut memory)).unwrap();
        });
        check(&src, same, pads, |level, _, d| gaussian_noise(level, 20.0, &mut Stream::new(seed, Key::new(1)), d).unwrap());
        check(&src, same, pads, |_, _, d| cutout(d, Rect::whole((h.div_ceil(2), w.div_ceil(2))), 3).unwrap());
        check(&src, same, pads, |level, s, d| Table::gamma(0.6).unwrap().apply(level, s, d).unwrap());
        check(&src, same, pads, |level, _, d| Table::contrast(1.4, 100.0).unwrap().apply_in_place(level, d));
        check(&src, same, pads, |level, s, d| {
            let mut memory = vec![0; box_blur_scratch_len::<u8>(2, same)];
            box_blur(level, 2, Border::Constant(8), s, d, &mut Scratch::new(&mut memory)).unwrap();
        });
        let view = Perspective::of_corners((h, w), [[0.5, 0.2], [w as f32, 1.0], [w as f32 - 0.5, h as f32], [0.0, h as f32]]);
        for how in [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic] {
            let Ok(map) = view else { continue };
            check(&src, (to.0, to.1, c), pads, |level, s, d| warp(level, map, how, Border::Wrap, s, d).unwrap());
        }
        check(&src, same, pads, |_, _, d| Tone::Solarise(0.4).apply(d).unwrap());
        check(&src, same, pads, |level, _, d| hsv_shift(level, [0.2, 0.1, -0.1], d).unwrap());
        let jitter = [Adjust::Contrast(0.7), Adjust::Hue(0.2), Adjust::Saturation(1.5), Adjust::Brightness(1.1)];
        check(&src, same, pads, |level, _, d| Jitter(jitter).apply(level, d).unwrap());
        if c == 3 {
            check(&src, (h, w, 1), pads, |level, s, d| rgb_to_grey(level, s, d).unwrap());
        }
    }
}
