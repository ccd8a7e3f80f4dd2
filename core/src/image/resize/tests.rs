use super::super::testing::{Owned, images};
use super::*;
use crate::rng::id_hash;
use proptest::prelude::*;
use std::vec;

fn resized(level: Level, filter: Filter, src: &Owned, to: (usize, usize)) -> Owned {
    let from = (src.shape.0, src.shape.1);
    let mut memory = vec![0xa5; ResizePlan::plan_len(filter, from, to)];
    let plan = ResizePlan::new(filter, from, to, &mut Scratch::new(&mut memory)).unwrap();
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
    fn the_same_size_and_plain_images_stay_as_they_are(src in images(), to in (1usize..50, 1usize..50), f in 0usize..4) {
        let filter = Filter::ALL[f];
        prop_assert_eq!(&resized(Level::detect(), filter, &src, (src.shape.0, src.shape.1)), &src);
        let mut plain = src.clone();
        plain.data.fill(src.data[0]);
        prop_assert!(resized(Level::detect(), filter, &plain, to).data.iter().all(|&v| v == src.data[0]));
    }

    #[test]
    fn same_bytes_at_every_level(src in images(), to in (1usize..50, 1usize..50), f in 0usize..4) {
        let want = resized(Level::BASE, Filter::ALL[f], &src, to);
        for level in Level::available() {
            prop_assert_eq!(&resized(level, Filter::ALL[f], &src, to), &want);
        }
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
