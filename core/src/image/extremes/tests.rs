use super::super::testing::{Owned, at_every_level, each_value, images, made, same_at_every_level, value};
use super::*;
use proptest::prelude::*;
use std::vec::Vec;

fn eroded<T: Sample>(level: Level, radius: usize, src: &Owned<T>) -> Owned<T> {
    let bytes = extremes_scratch_len::<T>(radius, src.shape);
    made(src, bytes, |src, dst, scratch| erode(level, radius, src, dst, scratch))
}

fn dilated<T: Sample>(level: Level, radius: usize, src: &Owned<T>) -> Owned<T> {
    let bytes = extremes_scratch_len::<T>(radius, src.shape);
    made(src, bytes, |src, dst, scratch| dilate(level, radius, src, dst, scratch))
}

/// The least and the greatest of each square.
fn plainly<T: Sample>(radius: usize, src: &Owned<T>) -> [Vec<f64>; 2] {
    let r = radius as i64;
    let extreme = |pick: fn(f64, f64) -> bool| {
        each_value(src.shape, |y, x, c| {
            let square = (-r..=r).flat_map(|dy| (-r..=r).map(move |dx| (y + dy, x + dx)));
            let values = square.map(|at| value(src, Border::Edge, at, c));
            values.reduce(|a, b| if pick(a, b) { a } else { b }).unwrap()
        })
    };
    [extreme(|a, b| a < b), extreme(|a, b| a > b)]
}

fn extremes_are_exact<T: Sample>() {
    for c in 1..=5 {
        for (h, w) in [(1, 1), (2, 9), (11, 1), (23, 29)] {
            let src = Owned::<T>::shares((h, w, c), 3);
            for radius in [0, 1, 2, 3, 5, 8] {
                let [least, greatest] = plainly(radius, &src);
                assert_eq!(at_every_level(&src, |level, src| eroded(level, radius, src)).numbers(), least);
                assert_eq!(
                    at_every_level(&src, |level, src| dilated(level, radius, src)).numbers(),
                    greatest
                );
            }
        }
    }
}

#[test]
fn extremes_are_those_of_the_definition() {
    extremes_are_exact::<u8>();
    extremes_are_exact::<u16>();
    extremes_are_exact::<f32>();
}

/// `erode` and `dilate` of OpenCV 5.0.0 with squares of 3 pixels on the 5 × 6 × 1 test picture.
#[test]
fn extremes_are_those_of_opencv() {
    let src = Owned::pattern(5, 6, 1);
    let least = [
        0, 0, 11, 22, 33, 44, 0, 0, 11, 22, 33, 44, 37, 37, 49, 61, 73, 85, 74, 74, 87, 100, 113, 126, 111,
        111, 125, 139, 153, 167,
    ];
    let greatest = [
        49, 61, 73, 85, 97, 97, 87, 100, 113, 126, 139, 139, 125, 139, 153, 167, 181, 181, 163, 178, 193,
        208, 223, 223, 163, 178, 193, 208, 223, 223,
    ];
    for level in Level::available() {
        assert_eq!(eroded(level, 1, &src).data, least);
        assert_eq!(dilated(level, 1, &src).data, greatest);
    }
}

#[test]
fn same_bytes_at_every_level() {
    same_at_every_level(|level, src| eroded(level, 2, src));
    same_at_every_level(|level, src| dilated(level, 4, src));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_image_has_its_extremes_at_every_level(src in images(), radius in 0usize..40) {
        let [least, greatest] = plainly(radius, &src);
        prop_assert_eq!(at_every_level(&src, |level, src| eroded(level, radius, src)).numbers(), least);
        prop_assert_eq!(at_every_level(&src, |level, src| dilated(level, radius, src)).numbers(), greatest);
    }
}

#[test]
fn bad_arguments_are_refused() {
    let src = Owned::<u8>::noise((4, 5, 3), 1);
    let mut out = Owned::new(src.shape);
    let run =
        |radius, out: ImageMut<'_, u8>| erode(Level::BASE, radius, src.view(), out, &mut Scratch::empty());
    assert_eq!(run(65, out.view_mut()), Err(Error::InvalidArgument));
    assert_eq!(run(1, out.view_mut()), Err(Error::ScratchTooSmall));
    assert_eq!(run(1, Owned::new((4, 5, 1)).view_mut()), Err(Error::ShapeMismatch));
    assert_eq!(out, Owned::new(src.shape));
    for shape in [(0, 5, 3), (5, 0, 3)] {
        let nothing = Owned::<u8>::new(shape);
        assert_eq!(dilated(Level::BASE, 2, &nothing), nothing);
    }
    let mut odd = Owned::<f32>::shares((9, 9, 1), 1);
    odd.data.iter_mut().step_by(3).for_each(|v| *v = f32::NAN);
    dilated(Level::detect(), 3, &odd);
}
