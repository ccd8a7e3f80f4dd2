use super::super::testing::{Owned, assert_exact, images};
use super::blocks::quad;
use super::*;
use crate::image::{Rect, Sample};
use crate::rng::id_hash;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn resized(level: Level, sampling: impl Into<Sampling>, src: &Owned, to: (usize, usize)) -> Owned {
    let (from, sampling) = ((src.shape.0, src.shape.1), sampling.into());
    let mut memory = vec![0xa5; ResizePlan::plan_len(sampling, from, to)];
    let plan = ResizePlan::new(sampling, from, to, &mut Scratch::new(&mut memory)).unwrap();
    let mut temporary = vec![0xa5; plan.scratch_len(src.shape.2)];
    let mut out = Owned::new((to.0, to.1, src.shape.2));
    plan.run(level, src.view(), out.view_mut(), &mut Scratch::new(&mut temporary)).unwrap();
    out
}

/// `Image.resize` of Pillow 13.0 on the 5 × 7 test picture.
#[test]
fn small_figures_are_those_of_pillow() {
    let src = Owned::pattern(5, 7, 1);
    let want: [[u8; 12]; 4] = [
        [0, 22, 44, 66, 74, 100, 126, 152, 148, 178, 208, 238],
        [22, 40, 61, 78, 81, 101, 125, 145, 140, 162, 189, 212],
        [17, 37, 58, 77, 79, 101, 125, 147, 141, 165, 192, 217],
        [16, 36, 56, 75, 79, 101, 125, 147, 142, 166, 194, 219],
    ];
    for (filter, want) in Filter::ALL.into_iter().zip(want) {
        assert_eq!(resized(Level::detect(), filter, &src, (3, 4)).data, want, "{filter:?}");
    }
}

/// FNV-1a of the bytes that Pillow 13.0 makes of the test picture: (shape, size, one hash for each filter).
#[test]
fn bytes_are_those_of_pillow_at_every_level() {
    let cases: &[((usize, usize, usize), (usize, usize), [u64; 4])] = &include!("pillow.in");
    for &((h, w, c), to, want) in cases {
        let src = Owned::pattern(h, w, c);
        for (filter, want) in Filter::ALL.into_iter().zip(want) {
            for level in Level::available() {
                let got = id_hash(&resized(level, filter, &src, to).data);
                assert_eq!(got, want, "{filter:?} {:?} to {to:?} at {level:?}", src.shape);
            }
        }
    }
}

proptest! {
    #[test]
    fn the_same_size_and_plain_images_stay_as_they_are(src in images(), to in (1usize..50, 1usize..50), f in 0usize..Filter::ALL.len()) {
        let filter = Filter::ALL[f];
        prop_assert_eq!(&resized(Level::detect(), filter, &src, (src.shape.0, src.shape.1)), &src);
        let mut plain = src.clone();
        plain.data.fill(src.data[0]);
        prop_assert!(resized(Level::detect(), filter, &plain, to).data.iter().all(|&v| v == src.data[0]));
    }

    #[test]
    fn same_bytes_at_every_level(src in images(), to in (1usize..50, 1usize..50), f in 0usize..Filter::ALL.len()) {
        let want = resized(Level::BASE, Filter::ALL[f], &src, to);
        for level in Level::available() {
            prop_assert_eq!(&resized(level, Filter::ALL[f], &src, to), &want);
        }
    }

    #[test]
    fn same_bytes_of_any_channels_and_scales(h in 1usize..20, widths in (1usize..300, 1usize..300), to in 1usize..20, c in 1usize..20, which in 0usize..14, seed: u64) {
        let sampling = samplings().nth(which).unwrap();
        let src = Owned::noise((h, widths.0, c), seed);
        let want = resized(Level::BASE, sampling, &src, (to, widths.1));
        for level in Level::available() {
            prop_assert_eq!(&resized(level, sampling, &src, (to, widths.1)), &want);
        }
    }

    #[test]
    fn digits_make_up_any_weight_of_less_than_two(weights in prop::array::uniform4(-0x80_8080..=0x7f_7f7f)) {
        prop_assert_eq!(joined(quad(weights)), weights);
    }

    #[test]
    fn placements_lie_inside_and_keep_the_proportions(from in (1usize..400, 1usize..400), to in (1usize..400, 1usize..400)) {
        let inside = |r: Rect, size: (usize, usize)| {
            (r.top + r.height) as usize <= size.0 && (r.left + r.width) as usize <= size.1 && r.height > 0 && r.width > 0
        };
        for fit in Fit::ALL {
            let p = fit.placement(from, to).unwrap();
            prop_assert!(inside(p.source, from) && inside(p.target, to));
            let (h, w) = (p.source.height as f64, p.source.width as f64);
            let (th, tw) = (p.target.height as f64, p.target.width as f64);
            if !matches!(fit, Fit::Stretch) && h.min(w).min(th).min(tw) > 1.0 {
                // Off by at most half a pixel on the side that was rounded.
                let slack = 0.5 * (h.max(th) + w.max(tw)) + 1.0;
                prop_assert!((h * tw - w * th).abs() <= slack, "{:?}", p);
            }
        }
    }
}

#[test]
fn fits_place_a_wide_picture_as_expected() {
    let rect = |top, left, height, width| Rect { top, left, height, width };
    let contain = Fit::Contain.placement((10, 20), (32, 32)).unwrap();
    assert_eq!(contain, Placement { source: rect(0, 0, 10, 20), target: rect(8, 0, 16, 32) });
    let cover = Fit::Cover.placement((10, 20), (32, 32)).unwrap();
    assert_eq!(cover, Placement { source: rect(0, 5, 10, 10), target: rect(0, 0, 32, 32) });
    assert_eq!(Fit::Cover.placement((0, 20), (32, 32)), Err(Error::InvalidArgument));
    #[cfg(target_pointer_width = "64")]
    for fit in Fit::ALL {
        assert_eq!(fit.placement((1 << 33, 5), (32, 32)), Err(Error::Overflow));
        assert_eq!(fit.placement((10, 20), (32, 1 << 33)), Err(Error::Overflow));
    }
}

#[test]
fn wrong_sizes_and_short_scratch_are_refused_before_the_first_write() {
    let plan = |from, to, bytes: usize| {
        ResizePlan::new(Filter::Bilinear, from, to, &mut Scratch::new(&mut vec![0; bytes])).err()
    };
    assert_eq!(plan((0, 3), (2, 2), 10_000), Some(Error::InvalidArgument));
    assert_eq!(plan((4, 3), (2, 2), 16), Some(Error::ScratchTooSmall));
    let mut memory = vec![0; ResizePlan::plan_len(Filter::Bilinear, (4, 4), (2, 2))];
    let plan = ResizePlan::new(Filter::Bilinear, (4, 4), (2, 2), &mut Scratch::new(&mut memory)).unwrap();
    let src = Owned::pattern(4, 4, 1);
    let mut out = Owned::new((2, 2, 1));
    let done = plan.run(Level::BASE, src.view(), out.view_mut(), &mut Scratch::empty());
    assert_eq!(done, Err(Error::ScratchTooSmall));
    let other = Owned::pattern(4, 5, 1);
    let done = plan.run(Level::BASE, other.view(), out.view_mut(), &mut Scratch::empty());
    assert_eq!(done, Err(Error::ShapeMismatch));
    assert_eq!(out, Owned::new((2, 2, 1)));
}

/// The same without rounding between the passes, for values of any kind.
fn precise<T: Sample>(
    level: Level,
    sampling: Sampling,
    src: &[T],
    shape: (usize, usize, usize),
    to: (usize, usize),
) -> Vec<T> {
    let (from, c) = ((shape.0, shape.1), shape.2);
    let mut memory = vec![0xa5; ResizePlan::plan_len(sampling, from, to)];
    let plan = ResizePlan::new(sampling, from, to, &mut Scratch::new(&mut memory)).unwrap();
    let mut temporary = vec![0xa5; plan.precise_len(c)];
    let mut out = vec![T::default(); to.0 * to.1 * c];
    let (src, dst) =
        (ImageRef::new(src, from.0, from.1, c).unwrap(), ImageMut::new(&mut out, to.0, to.1, c).unwrap());
    plan.run_precise(level, src, dst, &mut Scratch::new(&mut temporary)).unwrap();
    out
}

/// `Image.resize` of Pillow 13.0, and `cv2.resize` of OpenCV 5.0 on floats, on the 5 × 7 test picture.
#[test]
fn small_figures_are_those_of_pillow_and_opencv() {
    let src = Owned::pattern(5, 7, 1);
    let boxes = [25, 48, 65, 82, 81, 107, 126, 146, 137, 166, 188, 210];
    assert_eq!(resized(Level::detect(), Filter::Box, &src, (3, 4)).data, boxes);
    let floats: Vec<f32> = src.data.iter().map(|&v| f32::from(v)).collect();
    let cases: [(Filter, usize, [f32; 5]); 5] = [
        (Filter::Bilinear, 4, [16.5833, 36.4167, 56.25, 76.0833, 78.875]),
        (Filter::Bilinear, 9, [12.3333, 19.8889, 28.7037, 37.5185, 46.3333]),
        (Filter::Bicubic75, 4, [12.9077, 33.9803, 52.7604, 73.833, 77.8276]),
        (Filter::Bicubic75, 9, [8.8512, 16.0562, 26.0104, 35.1537, 43.3704]),
        (Filter::Area, 4, [19.6857, 39.2286, 58.7714, 78.3143, 79.5714]),
    ];
    for (filter, width, want) in cases {
        let sampling = Sampling { filter, antialias: false };
        let got = precise(Level::detect(), sampling, &floats, src.shape, (3, width));
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-3), "{filter:?} {got:?}");
    }
}

/// The weights that these digits make.
fn joined(digits: [u32; 3]) -> [i32; 4] {
    let digits = digits.map(|digits| digits.to_le_bytes().map(|digit| i32::from(digit as i8)));
    [0, 1, 2, 3].map(|i| (digits[0][i] * 256 + digits[1][i]) * 256 + digits[2][i])
}

#[test]
fn the_weights_of_every_filter_fit_their_digits() {
    let extreme = [0x7f_7f7f, -0x80_8080, 1 << WEIGHT_BITS, -1];
    assert_eq!(joined(quad(extreme)), extreme);
    for sampling in samplings() {
        for (from, to) in (1..40).flat_map(|from| (1..40).map(move |to| (from, to))).chain([
            (1, 500),
            (2, 501),
            (1000, 3),
            (999, 998),
        ]) {
            let mut memory = vec![0; Taps::scratch_len(sampling, from, to).bytes()];
            let taps = Taps::new(sampling, from, to, &mut Scratch::new(&mut memory)).unwrap();
            for weight in taps.iter().flat_map(|(_, weights)| weights) {
                assert_eq!(joined(quad([*weight; 4])), [*weight; 4], "{sampling:?} {from} to {to}");
            }
        }
    }
}

/// Every filter, antialiased and not.
fn samplings() -> impl Iterator<Item = Sampling> {
    Filter::ALL.into_iter().flat_map(|filter| [true, false].map(|antialias| Sampling { filter, antialias }))
}

/// The share of each of `from` pixels in output pixel `i` of `to`, by the words of the documentation.
fn shares(Sampling { filter, antialias }: Sampling, from: usize, to: usize, i: usize) -> Vec<f64> {
    let scale = from as f64 / to as f64;
    let centre = (i as f64 + 0.5) * scale;
    let cubic = |x: f64, a: f64| match x.abs() {
        x if x < 1.0 => (a + 2.0) * x.powi(3) - (a + 3.0) * x.powi(2) + 1.0,
        x if x < 2.0 => a * (x.powi(3) - 5.0 * x.powi(2) + 8.0 * x - 4.0),
        _ => 0.0,
    };
    let sinc =
        |x: f64| if x == 0.0 { 1.0 } else { (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI) };
    let (function, support): (&dyn Fn(f64) -> f64, f64) = match filter {
        Filter::Nearest | Filter::Area => (&|_| 0.0, 0.0),
        Filter::Box => (&|x| f64::from(x > -0.5 && x <= 0.5), 0.5),
        Filter::Bilinear => (&|x| (1.0 - x.abs()).max(0.0), 1.0),
        Filter::Bicubic => (&|x| cubic(x, -0.5), 2.0),
        Filter::Bicubic75 => (&|x| cubic(x, -0.75), 2.0),
        Filter::Lanczos3 => (&|x| if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }, 3.0),
    };
    let stretch = if antialias { scale.max(1.0) } else { 1.0 };
    let mut shares = vec![0.0; from];
    match filter {
        Filter::Nearest => shares[(centre as usize).min(from - 1)] = 1.0,
        Filter::Area => {
            for (at, share) in shares.iter_mut().enumerate() {
                let (low, high) = (i as f64 * scale, (i + 1) as f64 * scale);
                *share = (high.min(at as f64 + 1.0) - low.max(at as f64)).max(0.0);
            }
        }
        _ => {
            let first = (centre - support * stretch + 0.5).floor() as i64;
            for at in first..(centre + support * stretch + 0.5).floor() as i64 {
                let inside = at.clamp(0, from as i64 - 1);
                if !antialias || inside == at {
                    shares[inside as usize] += function((at as f64 + 0.5 - centre) / stretch);
                }
            }
        }
    }
    let sum: f64 = shares.iter().sum();
    shares.iter().map(|share| share / sum).collect()
}

/// The definition in `f64`, with what is `kept` of a value between the passes.
fn exact(
    sampling: Sampling,
    src: &[f64],
    (h, w, c): (usize, usize, usize),
    to: (usize, usize),
    kept: impl Fn(f64) -> f64,
) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = (0..to.0).map(|i| shares(sampling, h, to.0, i)).collect();
    let columns: Vec<Vec<f64>> = (0..to.1).map(|i| shares(sampling, w, to.1, i)).collect();
    let mut between = vec![0.0; h * to.1 * c];
    for (i, to_value) in between.iter_mut().enumerate() {
        let (y, x, ch) = (i / (to.1 * c), i / c % to.1, i % c);
        *to_value =
            kept(columns[x].iter().enumerate().map(|(at, share)| share * src[(y * w + at) * c + ch]).sum());
    }
    let row = to.1 * c;
    let value = |i: usize| {
        rows[i / row].iter().enumerate().map(|(at, share)| share * between[at * row + i % row]).sum()
    };
    (0..to.0 * row).map(value).collect()
}

const SIZES: [(usize, usize); 5] = [(40, 60), (33, 71), (100, 90), (30, 59), (61, 50)];

#[test]
fn within_one_level_of_the_definition_and_without_bias() {
    let src = Owned::noise((61, 59, 3), 3);
    let numbers: Vec<f64> = src.data.iter().map(|&v| f64::from(v)).collect();
    for sampling in samplings() {
        for to in SIZES {
            let want = exact(sampling, &numbers, src.shape, to, |v| v);
            assert_exact(&precise(Level::detect(), sampling, &src.data, src.shape, to), &want, 0.501);
            // A value halfway between two levels after the first pass may settle on either.
            let want = exact(sampling, &numbers, src.shape, to, |v| (v + 0.5).floor().clamp(0.0, 255.0));
            assert_exact(&resized(Level::detect(), sampling, &src, to).data, &want, 1.5);
        }
    }
}

#[test]
fn wider_values_are_as_exact() {
    let shape = (31, 37, 2);
    let noise = Owned::noise((31, 37, 4), 4);
    let words: Vec<u16> = noise.data.as_chunks::<2>().0.iter().map(|&v| u16::from_le_bytes(v)).collect();
    let numbers: Vec<f64> = words.iter().map(|&v| f64::from(v)).collect();
    let floats: Vec<f32> = words.iter().map(|&v| f32::from(v) / 65536.0 - 0.5).collect();
    for sampling in samplings() {
        for to in [(31, 50), (12, 37), (9, 80), (64, 10)] {
            let want = exact(sampling, &numbers, shape, to, |v| v);
            for level in Level::available() {
                let got = precise(level, sampling, &words, shape, to);
                assert!(
                    got.iter().zip(&want).all(|(&g, w)| (f64::from(g) - w.clamp(0.0, 65535.0)).abs() < 0.6)
                );
                let got = precise(level, sampling, &floats, shape, to);
                assert!(
                    got.iter().zip(&want).all(|(&g, w)| (f64::from(g) - (w / 65536.0 - 0.5)).abs() < 2e-6)
                );
                assert_eq!(got, precise(Level::BASE, sampling, &floats, shape, to));
            }
        }
    }
}
