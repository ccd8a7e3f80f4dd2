use super::super::testing::{Owned, images, same_at_every_level};
use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn median<T: Sample>(level: Level, radius: usize, src: &Owned<T>) -> Owned<T> {
    let memory = vec![0xa5u8; median_scratch_len::<T>(radius, src.shape)];
    src.through(src.shape.2, |src, dst| {
        median_blur(level, radius, src, dst, &mut Scratch::new(&mut memory.clone())).unwrap();
    })
}

/// All values of the square in order, and the middle one.
fn plainly<T: Sample>(radius: usize, src: &Owned<T>) -> Vec<f64> {
    let (h, w, c) = src.shape;
    let r = radius as i64;
    let value = |i: usize| {
        let (y, x, ch) = ((i / (w * c)) as i64, (i / c % w) as i64, i % c);
        let square = (-r..=r).flat_map(|dy| (-r..=r).map(move |dx| (y + dy, x + dx)));
        let at = |(y, x): (i64, i64)| (y.clamp(0, h as i64 - 1) as usize, x.clamp(0, w as i64 - 1) as usize);
        let mut all: Vec<f64> =
            square.map(at).map(|(y, x)| f64::from(src.data[(y * w + x) * c + ch].to_f32())).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    (0..h * w * c).map(value).collect()
}

fn medians_are_exact<T: Sample>() {
    for c in 1..=5 {
        for (h, w) in [(1, 1), (2, 9), (11, 1), (13, 47)] {
            let src = Owned::<T>::shares((h, w, c), 3);
            for radius in 1..=3 {
                let want = plainly(radius, &src);
                for level in Level::available() {
                    assert_eq!(median(level, radius, &src).numbers(), want, "{radius} at {}", level.name());
                }
            }
        }
    }
}

#[test]
fn medians_are_those_of_the_definition() {
    medians_are_exact::<u8>();
    medians_are_exact::<u16>();
    medians_are_exact::<f32>();
}

/// `medianBlur` of OpenCV 5.0.0 with 3, 5 and 7 pixels on the 7 × 6 × 1 test picture.
#[test]
fn medians_are_those_of_opencv() {
    let src = Owned::pattern(7, 6, 1);
    let want: [[u8; 42]; 3] = [
        [
            11, 22, 33, 44, 55, 55, 37, 49, 61, 73, 85, 97, 74, 87, 100, 113, 126, 139, 111, 125, 139, 153,
            167, 181, 148, 163, 178, 193, 193, 181, 185, 185, 193, 193, 193, 51, 222, 217, 201, 34, 34, 51,
        ],
        [
            22, 33, 37, 49, 55, 55, 37, 49, 61, 73, 85, 97, 74, 87, 100, 113, 126, 139, 111, 125, 139, 139,
            139, 139, 148, 148, 153, 153, 139, 139, 185, 178, 167, 163, 139, 51, 217, 193, 185, 51, 51, 51,
        ],
        [
            33, 37, 44, 55, 55, 55, 37, 49, 61, 73, 85, 97, 74, 87, 97, 97, 97, 97, 111, 111, 111, 111, 100,
            97, 148, 139, 126, 125, 113, 97, 163, 153, 148, 139, 125, 51, 185, 185, 163, 139, 51, 51,
        ],
    ];
    for (radius, want) in (1..).zip(want) {
        Level::available().for_each(|level| assert_eq!(median(level, radius, &src).data, want));
    }
}

#[test]
fn same_bytes_at_every_level() {
    (1..=3).for_each(|radius| same_at_every_level(|level, src| median(level, radius, src)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_image_has_its_medians_at_every_level(src in images(), radius in 1usize..4) {
        let want = plainly(radius, &src);
        for level in Level::available() {
            prop_assert_eq!(median(level, radius, &src).numbers(), want.clone());
        }
    }
}

#[test]
fn bad_arguments_are_refused() {
    let src = Owned::<u8>::noise((4, 5, 3), 1);
    let mut out = Owned::new(src.shape);
    let run = |radius, out: ImageMut<'_, u8>| {
        median_blur(Level::BASE, radius, src.view(), out, &mut Scratch::empty())
    };
    assert_eq!(run(0, out.view_mut()), Err(Error::InvalidArgument));
    assert_eq!(run(4, out.view_mut()), Err(Error::InvalidArgument));
    assert_eq!(run(1, out.view_mut()), Err(Error::ScratchTooSmall));
    assert_eq!(run(1, Owned::new((4, 5, 1)).view_mut()), Err(Error::ShapeMismatch));
    assert_eq!(out, Owned::new(src.shape));
    let nothing = Owned::<u8>::new((0, 5, 3));
    assert_eq!(median(Level::BASE, 2, &nothing), nothing);
    let mut odd = Owned::<f32>::shares((9, 9, 1), 1);
    odd.data.iter_mut().step_by(3).for_each(|v| *v = f32::NAN);
    median(Level::detect(), 3, &odd);
}
