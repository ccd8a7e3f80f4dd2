use super::super::testing::{BORDERS, Owned, assert_exact, images, same_at_every_level};
use super::*;
use proptest::prelude::*;
use std::vec::Vec;

fn warped(level: Level, map: &Affine, border: Border, src: &Owned) -> Owned {
    let mut out = Owned::new(src.shape);
    warp(level, *map, Interpolation::Bilinear, border, src.view(), out.view_mut()).unwrap();
    out
}

/// The value at a place of the source by its definition, in `f64`.
fn sampled<T: Sample>(
    how: Interpolation,
    border: Border<T>,
    src: &Owned<T>,
    place: Option<[f64; 2]>,
    ch: usize,
) -> f64 {
    let (h, w, c) = src.shape;
    let [x, y] = place.map_or([-1e9; 2], |at| at.map(|v| v.clamp(-1e9, 1e9)));
    let pixel = |x: i64, y: i64| match (border.index(x, w), border.index(y, h)) {
        (Some(x), Some(y)) => f64::from(src.data[(y * w + x) * c + ch].to_f32()),
        _ => f64::from(border.constant().unwrap().to_f32()),
    };
    let keys = |x: f64, a: f64| match x.abs() {
        x if x < 1.0 => (a + 2.0) * x.powi(3) - (a + 3.0) * x.powi(2) + 1.0,
        x if x < 2.0 => a * (x.powi(3) - 5.0 * x.powi(2) + 8.0 * x - 4.0),
        _ => 0.0,
    };
    let (left, top) = (x.floor(), y.floor());
    let (function, reach): (&dyn Fn(f64) -> f64, i64) = match how {
        Interpolation::Nearest => return pixel((x + 0.5).floor() as i64, (y + 0.5).floor() as i64),
        Interpolation::Bilinear => (&|x| (1.0 - x.abs()).max(0.0), 1),
        Interpolation::Bicubic => (&|x| keys(x, -0.5), 2),
        Interpolation::Bicubic75 => (&|x| keys(x, -0.75), 2),
    };
    let mut sum = 0.0;
    for (dy, dx) in (1 - reach..=reach).flat_map(|dy| (1 - reach..=reach).map(move |dx| (dy, dx))) {
        let (px, py) = (left as i64 + dx, top as i64 + dy);
        sum += function(px as f64 - x) * function(py as f64 - y) * pixel(px, py);
    }
    sum
}

/// The definition of a whole warp in `f64`.
fn exact_warp<T: Sample>(
    map: &Perspective,
    how: Interpolation,
    border: Border<T>,
    src: &Owned<T>,
) -> Vec<f64> {
    let (h, w, c) = src.shape;
    let value = |i: usize| {
        let (y, x, ch) = ((i / (w * c)) as f64, (i / c % w) as f64, i % c);
        sampled(how, border, src, map.at([x, y]), ch)
    };
    (0..h * w * c).map(value).collect()
}

fn exact(map: &Affine, border: Border, src: &Owned) -> Vec<f64> {
    exact_warp(&Perspective::from(*map), Interpolation::Bilinear, border, src)
}

const HOW: [Interpolation; 4] =
    [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic, Interpolation::Bicubic75];

/// A tilted view of an image of this size, turned a little, with places outside.
fn tilted((h, w): (usize, usize)) -> Perspective {
    let (h, w) = (h as f64, w as f64);
    let shown = [[0.1 * w, 0.2 * h], [0.83 * w, -0.1 * h], [1.1 * w, 0.9 * h], [-0.05 * w, 0.77 * h]];
    Perspective::between(shown, [[0.0, 0.0], [w - 1.0, 0.0], [w - 1.0, h - 1.0], [0.0, h - 1.0]]).unwrap()
}

fn through<T: Sample>(
    level: Level,
    map: &Perspective,
    how: Interpolation,
    border: Border<T>,
    src: &[T],
    shape: (usize, usize, usize),
) -> Vec<T> {
    let (h, w, c) = shape;
    let mut out = std::vec![T::default(); h * w * c];
    let (src, dst) = (ImageRef::new(src, h, w, c).unwrap(), ImageMut::new(&mut out, h, w, c).unwrap());
    warp(level, *map, how, border, src, dst).unwrap();
    out
}

#[test]
fn tilted_views_are_within_one_level_of_the_definition_and_without_bias() {
    let src = Owned::noise((61, 73, 3), 5);
    let map = tilted((61, 73));
    for border in BORDERS {
        for how in HOW {
            let want = exact_warp(&map, how, border, &src);
            let got = through(Level::detect(), &map, how, border, &src.data, src.shape);
            assert_exact(&got, &want, if how == Interpolation::Nearest { 0.51 } else { 0.63 });
        }
    }
}

/// Noise, a ramp and a soft picture with edges, as shares of white.
fn pictures<T: Sample>(shape: (usize, usize, usize)) -> [Owned<T>; 3] {
    let picture = |share: &dyn Fn(f32, f32) -> f32| {
        let (h, w, c) = shape;
        let at = |i: usize| share((i / (w * c)) as f32, (i / c % w) as f32);
        let data = (0..h * w * c).map(|i| T::from_f32(at(i) * T::LARGEST)).collect();
        Owned { data, shape }
    };
    let soft =
        |y: f32, x: f32| 0.5 + 0.3 * (y / 7.0).sin() * (x / 5.0).cos() + if x > y { 0.2 } else { -0.2 };
    [Owned::shares(shape, 9), picture(&|y, x| (2.0 * x + y) / 211.0), picture(&soft)]
}

#[test]
fn every_sampling_of_integers_is_within_one_level_of_the_definition_and_without_bias() {
    fn exact<T: Sample>(white: T, most: f64) {
        let shape = (61, 73, 3);
        let turn = Motion { degrees: 17.0, scale: 1.3, ..Motion::default() }.inverse((61, 73)).unwrap();
        for src in pictures::<T>(shape) {
            for border in [Border::Constant(white), Border::Edge, Border::Reflect, Border::Wrap] {
                for how in HOW {
                    let want = exact_warp(&Perspective::from(turn), how, border, &src);
                    let mut got = std::vec![T::default(); src.data.len()];
                    let dst = ImageMut::new(&mut got, 61, 73, 3).unwrap();
                    warp(Level::detect(), turn, how, border, src.view(), dst).unwrap();
                    assert_exact(&got, &want, most);
                }
            }
        }
    }
    exact(u8::MAX, 0.63);
    exact(u16::MAX, 0.53);
}

#[test]
fn one_colour_stays_what_it_is() {
    let map = tilted((40, 40));
    for how in HOW {
        for level in Level::available() {
            for v in [0u8, 1, 127, 254, 255] {
                let shape = (40, 40, 3);
                let got = through(level, &map, how, Border::Constant(v), &[v; 40 * 40 * 3], shape);
                assert!(got.iter().all(|&g| g == v), "{how:?} {v}");
                let wide = u16::from(v) * 257;
                let got = through(level, &map, how, Border::Wrap, &[wide; 40 * 40 * 3], shape);
                assert!(got.iter().all(|&g| g == wide), "{how:?} {wide}");
            }
        }
    }
}

/// A change of perspective of images of all shapes.
fn all_shapes_at_every_level(how: Interpolation, border: Border) {
    same_at_every_level(|level, src| {
        let map = tilted((src.shape.0 + 1, src.shape.1 + 1));
        through(level, &map, how, border, &src.data, src.shape)
    });
}

#[test]
fn all_shapes_have_the_same_nearest_pixels_at_every_level() {
    all_shapes_at_every_level(Interpolation::Nearest, Border::Wrap);
}

#[test]
fn all_shapes_have_the_same_bicubic_bytes_at_every_level() {
    all_shapes_at_every_level(Interpolation::Bicubic, Border::Wrap);
}

#[test]
fn all_shapes_have_the_same_bytes_by_the_other_cubic_at_every_level() {
    all_shapes_at_every_level(Interpolation::Bicubic75, Border::Edge);
}

#[test]
fn all_shapes_have_the_same_bilinear_bytes_at_every_level() {
    all_shapes_at_every_level(Interpolation::Bilinear, Border::Reflect101);
    let map = Motion { degrees: 20.0, scale: 1.1, ..Motion::default() };
    same_at_every_level(|level, src| {
        warped(level, &map.inverse((src.shape.0, src.shape.1)).unwrap(), Border::Reflect, src)
    });
}

#[test]
fn corners_go_where_they_are_told_and_back() {
    let source = [[0.0, 0.0], [9.0, 1.0], [8.0, 7.0], [-1.0, 6.0]];
    let shown = [[3.0, 2.0], [20.0, 4.0], [17.0, 30.0], [1.0, 25.0]];
    let map = Perspective::between(shown, source).unwrap();
    let back = map.inverted().unwrap();
    for (at, want) in shown.into_iter().zip(source) {
        let got = map.at(at).unwrap();
        assert!((got[0] - want[0]).abs() + (got[1] - want[1]).abs() < 1e-9);
        let again = back.at(got).unwrap();
        assert!((again[0] - at[0]).abs() + (again[1] - at[1]).abs() < 1e-9);
    }
    let line = [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 5.0]];
    let crossed = [[0.0, 0.0], [9.0, 7.0], [9.0, 0.0], [0.0, 7.0]];
    for wrong in [line, crossed] {
        assert_eq!(Perspective::between(shown, wrong), Err(Error::InvalidArgument));
    }
    let nowhere = [[f64::NAN, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
    assert_eq!(Perspective::between(nowhere, source), Err(Error::NotFinite));
}

#[test]
fn what_lies_behind_the_eye_is_border() {
    let src = Owned::pattern(4, 4, 1);
    let behind = Perspective { rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 1.5]] };
    let got =
        through(Level::detect(), &behind, Interpolation::Bilinear, Border::Constant(9), &src.data, (4, 4, 1));
    assert!(got.iter().enumerate().all(|(i, &v)| i % 4 < 2 || v == 9));
    let never = Perspective { rows: [[f64::INFINITY; 3]; 3] };
    let mut out = Owned::new((4, 4, 1));
    let done = warp(Level::BASE, never, Interpolation::Nearest, Border::Edge, src.view(), out.view_mut());
    assert_eq!(done, Err(Error::InvalidArgument));
}

/// A view with `gap` values between rows, which ends with its last value, is warped alike at every level, and as the
/// dense image is.
fn same_of_view<T: Sample + PartialEq>(
    map: &Perspective,
    how: Interpolation,
    border: Border<T>,
    data: &[T],
    (h, w, c): (usize, usize, usize),
    gap: usize,
    bits: impl Fn(&T) -> u32,
) {
    let stride = w * c + gap;
    let data = data[..(h - 1) * stride + w * c].to_vec();
    let src = ImageRef::with_stride(&data, h, w, c, stride).unwrap();
    let dense: Vec<T> = (0..h).flat_map(|y| src.row(y)).copied().collect();
    let want = through(Level::BASE, map, how, border, &dense, (h, w, c));
    for level in Level::available() {
        let mut out = std::vec![T::default(); data.len()];
        let dst = ImageMut::with_stride(&mut out, h, w, c, stride).unwrap();
        warp(level, *map, how, border, src, dst).unwrap();
        let got: Vec<u32> = out.chunks(stride).flat_map(|row| &row[..w * c]).map(&bits).collect();
        assert!(
            got == want.iter().map(&bits).collect::<Vec<_>>(),
            "{how:?} {} at {}",
            border.name(),
            level.name()
        );
    }
}

fn motions() -> impl Strategy<Value = Motion> {
    let shear = prop::array::uniform2(-30.0f32..30.0);
    (-360.0f32..360.0, 0.3f32..3.0, shear, prop::array::uniform2(-20.0f32..20.0))
        .prop_map(|(degrees, scale, shear, shift)| Motion { degrees, scale, shear, shift })
}

proptest! {
    #[test]
    fn within_one_level_of_the_definition(src in images(), motion in motions(), border in 0usize..5) {
        let map = motion.inverse((src.shape.0, src.shape.1)).unwrap();
        let want = exact(&map, BORDERS[border], &src);
        let got = warped(Level::detect(), &map, BORDERS[border], &src);
        for (g, w) in got.data.iter().zip(&want) {
            // Half a level of rounding, and a coordinate that is off by 2⁻¹² in each direction.
            prop_assert!((*g as f64 - w).abs() < 0.63, "{g} {w}");
        }
    }

    #[test]
    fn same_bytes_at_every_level(src in images(), motion in motions(), border in 0usize..5) {
        let map = motion.inverse((src.shape.0, src.shape.1)).unwrap();
        let want = warped(Level::BASE, &map, BORDERS[border], &src);
        for level in Level::available() {
            prop_assert_eq!(&warped(level, &map, BORDERS[border], &src), &want);
        }
    }

    #[test]
    fn wide_rows_have_the_same_bytes_at_every_level(size in (1usize..9, 1usize..90), c in 1usize..5, motion in motions(),
                                                    border in 0usize..5, turn: u8) {
        let mut src = Owned::pattern(size.0 * 11, size.1, c);
        src.data.iter_mut().enumerate().for_each(|(i, v)| *v = v.wrapping_mul(turn) ^ (i / 3) as u8);
        let map = motion.inverse((src.shape.0, src.shape.1)).unwrap();
        let want = warped(Level::BASE, &map, BORDERS[border], &src);
        for level in Level::available() {
            prop_assert_eq!(&warped(level, &map, BORDERS[border], &src), &want);
        }
    }

    #[test]
    fn views_and_all_samplings_have_the_same_bits_at_every_level(
        size in (1usize..40, 1usize..70, 1usize..6), gap in 0usize..9, seed: u64, how in 0usize..4, border in 0usize..5,
        tilt in prop::array::uniform3(prop::array::uniform3(-1.0f64..1.0)),
    ) {
        // Mostly as large as the source, sometimes behind the eye or far away.
        let (h, w) = (size.0 as f64, size.1 as f64);
        let mut map = Perspective::from(Affine::IDENTITY);
        let reach = [[0.5, 0.5, 0.3 * w], [0.5, 0.5, 0.3 * h], [1.5 / w, 1.5 / h, 0.3]];
        for (v, by) in map.rows.iter_mut().flatten().zip(tilt.iter().flatten().zip(reach.iter().flatten())) {
            *v += by.0 * by.1;
        }
        let noise = Owned::noise((size.0, size.1 * size.2 + gap, 4), seed);
        let words: Vec<u16> = noise.data.as_chunks::<4>().0.iter().map(|v| u16::from_le_bytes([v[0], v[1]])).collect();
        let floats: Vec<f32> = words.iter().map(|&v| f32::from(v) / 65536.0 - 0.5).collect();
        let constant = |border: Border| border.constant();
        let (how, border) = (HOW[how], BORDERS[border]);
        let wide = constant(border).map_or(Border::named(border.name()), |v| Some(Border::Constant(u16::from(v) * 257)));
        let float = constant(border).map_or(Border::named(border.name()), |v| Some(Border::Constant(f32::from(v))));
        same_of_view(&map, how, border, &noise.data, size, gap, |v| u32::from(*v));
        same_of_view(&map, how, wide.unwrap(), &words, size, gap, |v| u32::from(*v));
        same_of_view(&map, how, float.unwrap(), &floats, size, gap, |v| v.to_bits());
    }

    #[test]
    fn a_map_and_its_opposite_compose_to_nothing(degrees in -180.0f32..180.0, size in 2usize..300) {
        let turn = |degrees| Motion { degrees, ..Motion::default() }.inverse((size, size)).unwrap();
        let both = turn(degrees).then(&turn(-degrees));
        prop_assert!((both.xx - 1.0).abs() < 1e-5 && both.xy.abs() < 1e-5, "{both:?}");
        prop_assert!(both.x0.abs() < 1e-3 && both.y0.abs() < 1e-3, "{both:?}");
    }
}

#[test]
fn an_empty_image_shows_its_border_alone() {
    let (data, mut out) = ([7u8; 64], [9u8; 16]);
    for (height, width) in [(0, 8), (8, 0)] {
        let src = ImageRef::new(&data, height, width, 1).unwrap();
        let mut dst = ImageMut::new(&mut out, 4, 4, 1).unwrap();
        let (level, map, how) = (Level::detect(), Affine::IDENTITY, Interpolation::Bilinear);
        warp(level, map, how, Border::Constant(3), src, dst.reborrow()).unwrap();
        let refused = warp(level, map, how, Border::Edge, src, dst);
        assert_eq!((refused, out), (Err(Error::InvalidArgument), [3; 16]));
        out.fill(9);
    }
}

#[test]
fn no_motion_is_the_image_and_a_quarter_turn_is_counter_clockwise() {
    let src = Owned::pattern(9, 9, 3);
    assert_eq!(warped(Level::detect(), &Affine::IDENTITY, Border::Edge, &src), src);
    let still = Motion::default().inverse((9, 9)).unwrap();
    assert_eq!(warped(Level::detect(), &still, Border::Edge, &src), src);
    let mut turned = Owned::new(src.shape);
    super::super::rot90(Level::BASE, src.view(), turned.view_mut()).unwrap();
    let quarter = Motion { degrees: 90.0, ..Motion::default() }.inverse((9, 9)).unwrap();
    assert_eq!(warped(Level::detect(), &quarter, Border::Edge, &src), turned);
}

#[test]
fn a_shift_goes_right_and_down_and_a_scale_grows() {
    let src = Owned { data: (1..10).collect(), shape: (3, 3, 1) };
    let shift = Motion { shift: [1.0, 1.0], ..Motion::default() }.inverse((3, 3)).unwrap();
    let moved = warped(Level::detect(), &shift, Border::Constant(0), &src);
    assert_eq!(moved.data, [0, 0, 0, 0, 1, 2, 0, 4, 5]);
    let grow = Motion { scale: 2.0, ..Motion::default() }.inverse((3, 3)).unwrap();
    // The middle stays; half a pixel from it on each side: (2 + 5) / 2 = 3.5 above, rounded up.
    let grown = warped(Level::detect(), &grow, Border::Edge, &src);
    assert_eq!(grown.data, [3, 4, 4, 5, 5, 6, 6, 7, 7]);
}

#[test]
fn maps_that_cannot_be_are_refused_before_the_first_write() {
    let src = Owned::pattern(4, 4, 1);
    let mut out = Owned::new((4, 4, 1));
    let far = Affine { x0: 2e9, ..Affine::IDENTITY };
    let nan = Affine { yy: f32::NAN, ..Affine::IDENTITY };
    for map in [far, nan] {
        let how = Interpolation::Bilinear;
        let done = warp(Level::BASE, map, how, Border::Edge, src.view(), out.view_mut());
        assert_eq!(done, Err(Error::InvalidArgument));
    }
    assert_eq!(out, Owned::new((4, 4, 1)));
    let none = Motion { scale: 0.0, ..Motion::default() };
    assert_eq!(none.inverse((4, 4)), Err(Error::InvalidArgument));
    let flat = Motion { shear: [45.0, 45.0], ..Motion::default() };
    assert_eq!(flat.inverse((4, 4)), Err(Error::InvalidArgument));
    let nowhere = Motion { degrees: f32::INFINITY, ..Motion::default() };
    assert_eq!(nowhere.inverse((4, 4)), Err(Error::NotFinite));
}
