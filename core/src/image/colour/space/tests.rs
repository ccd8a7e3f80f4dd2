use super::super::super::testing::{Owned, assert_exact, same_at_every_level};
use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

const ALL: [ColourSpace; 4] = [ColourSpace::Hsv, ColourSpace::Hls, ColourSpace::Lab, ColourSpace::YCbCr];

fn there<T: Sample>(level: Level, space: ColourSpace, src: &Owned<T>) -> Owned<T> {
    let mut image = src.clone();
    rgb_to(level, space, image.view_mut()).unwrap();
    image
}

fn back<T: Sample>(level: Level, space: ColourSpace, src: &Owned<T>) -> Owned<T> {
    let mut image = src.clone();
    to_rgb(level, space, image.view_mut()).unwrap();
    image
}

fn is_round(space: ColourSpace) -> bool {
    matches!(space, ColourSpace::Hsv | ColourSpace::Hls)
}

/// `cvtColor` of OpenCV 5.0.0 there, with the codes that end in `_FULL` where there is a hue, and back from the picture as if it
/// were of the space: where there is a hue from floats, since those codes take 255 for a turn on the way back. Of YCbCr
/// `Image.convert` of Pillow 13.0.
#[test]
fn levels_are_within_one_of_those_of_opencv_and_pillow() {
    let src = Owned::pattern(4, 5, 3);
    let cases = [
        (
            ColourSpace::Hsv,
            vec![
                149, 255, 142, 149, 237, 153, 149, 221, 164, 149, 207, 175, 149, 195, 186, 149, 202, 179,
                149, 190, 191, 149, 178, 203, 149, 168, 215, 149, 160, 227, 149, 168, 216, 149, 158, 229,
                149, 150, 242, 149, 142, 255, 59, 239, 197, 149, 143, 253, 59, 241, 196, 59, 225, 210, 59,
                211, 224, 59, 198, 238,
            ],
            vec![
                142, 102, 102, 153, 116, 104, 164, 135, 104, 175, 159, 104, 183, 186, 102, 179, 169, 103,
                178, 191, 101, 158, 203, 98, 129, 215, 94, 89, 227, 88, 126, 216, 93, 87, 229, 93, 80, 242,
                136, 71, 255, 190, 3, 12, 12, 72, 253, 181, 3, 11, 10, 4, 20, 25, 5, 19, 39, 4, 8, 53,
            ],
        ),
        (
            ColourSpace::Hls,
            vec![
                148, 71, 255, 148, 82, 220, 148, 93, 194, 148, 104, 174, 148, 115, 157, 148, 108, 167, 148,
                120, 150, 148, 132, 147, 148, 144, 163, 148, 156, 182, 148, 145, 164, 148, 158, 186, 148,
                171, 215, 148, 184, 255, 58, 104, 225, 148, 182, 248, 58, 103, 227, 58, 117, 200, 58, 131,
                190, 58, 145, 215,
            ],
            vec![
                111, 31, 31, 131, 58, 33, 153, 95, 33, 175, 143, 33, 194, 199, 31, 184, 164, 32, 183, 210,
                30, 146, 230, 34, 105, 238, 50, 69, 244, 68, 101, 238, 52, 71, 245, 78, 91, 251, 146, 113,
                255, 205, 194, 200, 199, 110, 254, 197, 193, 199, 198, 206, 212, 214, 219, 223, 229, 234,
                235, 242,
            ],
        ),
        (
            ColourSpace::Lab,
            vec![
                78, 138, 83, 89, 136, 84, 100, 134, 84, 110, 133, 84, 121, 131, 84, 114, 132, 84, 126, 130,
                84, 137, 129, 85, 149, 128, 85, 160, 127, 85, 150, 128, 85, 162, 127, 86, 174, 126, 86, 186,
                126, 86, 185, 82, 199, 184, 126, 86, 184, 82, 199, 197, 81, 201, 209, 81, 203, 222, 81, 203,
            ],
            vec![
                0, 30, 0, 0, 33, 0, 0, 35, 0, 25, 40, 0, 47, 46, 0, 33, 42, 0, 57, 48, 0, 82, 53, 0, 107, 56,
                0, 134, 57, 0, 110, 56, 0, 139, 57, 0, 169, 55, 0, 200, 48, 0, 0, 83, 255, 195, 49, 0, 0, 83,
                255, 149, 70, 255, 220, 46, 255, 255, 0, 255,
            ],
        ),
        (
            ColourSpace::YCbCr,
            vec![
                57, 175, 86, 68, 175, 86, 79, 175, 86, 90, 175, 86, 101, 175, 86, 94, 175, 86, 106, 175, 86,
                118, 175, 86, 130, 175, 86, 142, 175, 86, 131, 175, 86, 144, 175, 86, 157, 175, 86, 170, 175,
                86, 154, 47, 107, 168, 175, 86, 153, 47, 107, 167, 47, 107, 181, 47, 107, 195, 47, 107,
            ],
            vec![
                19, 9, 0, 46, 8, 0, 72, 8, 0, 98, 7, 0, 125, 7, 20, 108, 7, 1, 137, 6, 34, 166, 6, 68, 194,
                5, 101, 223, 4, 134, 197, 5, 104, 228, 4, 140, 255, 3, 176, 255, 3, 212, 0, 185, 248, 255, 3,
                206, 0, 185, 245, 0, 184, 255, 28, 183, 255, 61, 182, 255,
            ],
        ),
    ];
    for (space, to, of) in cases {
        for level in Level::available() {
            let near = |got: &Owned, want: &[u8]| {
                let off = |a: u8, b: u8| a.abs_diff(b).min(a.wrapping_sub(b)).min(b.wrapping_sub(a));
                assert!(
                    got.data.iter().zip(want).all(|(a, b)| off(*a, *b) <= 1),
                    "{space:?} {:?} {want:?}",
                    got.data
                );
                got.data.iter().zip(want).filter(|(a, b)| a != b).count()
            };
            // Most are the same, but where OpenCV takes 255 for a turn, and where Pillow cuts fractions off.
            let most = if matches!(space, ColourSpace::Hls | ColourSpace::YCbCr) { 60 } else { 12 };
            assert!(near(&there(level, space, &src), &to) <= most);
            assert!(near(&back(level, space, &src), &of) <= most);
        }
    }
}

fn decoded(v: f64) -> f64 {
    if v > 0.04045 { ((v + 0.055) / 1.055).powf(2.4) } else { v / 12.92 }
}

fn encoded(v: f64) -> f64 {
    if v > 0.0031308 { 1.055 * v.powf(1.0 / 2.4) - 0.055 } else { 12.92 * v }
}

const XYZ: [[f64; 3]; 3] =
    [[0.412453, 0.35758, 0.180423], [0.212671, 0.71516, 0.072169], [0.019334, 0.119193, 0.950227]];
const RGB: [[f64; 3]; 3] =
    [[3.240479, -1.53715, -0.498535], [-0.969256, 1.875991, 0.041556], [0.055648, -0.204043, 1.057311]];
const WHITE: [f64; 3] = [0.950456, 1.0, 1.088754];

fn product(matrix: [[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
}

/// The definitions on shares; a hue is a part of a turn.
fn exact_to(space: ColourSpace, [r, g, b]: [f64; 3]) -> [f64; 3] {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let c = most - least;
    let hue = match () {
        () if c == 0.0 => 0.0,
        () if most == r => ((g - b) / c).rem_euclid(6.0),
        () if most == g => (b - r) / c + 2.0,
        () => (r - g) / c + 4.0,
    } / 6.0;
    let over = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
    match space {
        ColourSpace::Hsv => [hue, over(c, most), most],
        ColourSpace::Hls => {
            let l = (most + least) / 2.0;
            [hue, l, over(c, 1.0 - (2.0 * l - 1.0).abs())]
        }
        ColourSpace::Lab => {
            let xyz = product(XYZ, [r, g, b].map(decoded));
            let f = |i: usize| {
                let t = xyz[i] / WHITE[i];
                if t > 0.008856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 }
            };
            let (l, a, b) = (116.0 * f(1) - 16.0, 500.0 * (f(0) - f(1)), 200.0 * (f(1) - f(2)));
            [l / 100.0, (a + 128.0) / 255.0, (b + 128.0) / 255.0]
        }
        ColourSpace::YCbCr => {
            let y = 0.299 * r + 0.587 * g + 0.114 * b;
            let middle = 128.0 / 255.0;
            [y, (b - y) / 1.772 + middle, (r - y) / 1.402 + middle]
        }
    }
}

fn exact_of(space: ColourSpace, [x, y, z]: [f64; 3]) -> [f64; 3] {
    let round = |h: f64, c: f64, least: f64| {
        let x = c * (1.0 - ((h * 6.0).rem_euclid(2.0) - 1.0).abs());
        let rgb = [[c, x, 0.0], [x, c, 0.0], [0.0, c, x], [0.0, x, c], [x, 0.0, c], [c, 0.0, x]];
        rgb[(h * 6.0) as usize % 6].map(|v| v + least)
    };
    match space {
        ColourSpace::Hsv => round(x, y * z, z - y * z),
        ColourSpace::Hls => {
            let c = (1.0 - (2.0 * y - 1.0).abs()) * z;
            round(x, c, y - c / 2.0)
        }
        ColourSpace::Lab => {
            let fy = (x * 100.0 + 16.0) / 116.0;
            let f = [fy + (y * 255.0 - 128.0) / 500.0, fy, fy - (z * 255.0 - 128.0) / 200.0];
            let t = |i: usize| {
                let knee = 7.787 * 0.008856 + 16.0 / 116.0;
                WHITE[i] * if f[i] > knee { f[i].powi(3) } else { (f[i] - 16.0 / 116.0) / 7.787 }
            };
            product(RGB, [t(0), t(1), t(2)]).map(|v| encoded(v.clamp(0.0, 1.0)))
        }
        ColourSpace::YCbCr => {
            let (b, r) = ((y - 128.0 / 255.0) * 1.772, (z - 128.0 / 255.0) * 1.402);
            [x + r, x - (0.114 * b + 0.299 * r) / 0.587, x + b]
        }
    }
}

fn follows_the_words<T: Sample>() {
    let white = f64::from(T::LARGEST);
    let turn = if white > 1.0 { white + 1.0 } else { 1.0 };
    for (space, c) in ALL.into_iter().flat_map(|space| (3..=5).map(move |c| (space, c))) {
        let src = Owned::<T>::shares((29, 67, c), 4);
        let scales = if is_round(space) { [turn, white, white] } else { [white; 3] };
        let (mut to, mut of) = (src.numbers(), src.numbers());
        for (to, of) in to.chunks_exact_mut(c).zip(of.chunks_exact_mut(c)) {
            let pixel = [to[0], to[1], to[2]];
            let there = exact_to(space, pixel.map(|v| v / white));
            let back = exact_of(space, std::array::from_fn(|i| pixel[i] / scales[i]));
            for i in 0..3 {
                (to[i], of[i]) = (there[i] * scales[i], back[i] * white);
            }
            // A hue just below a whole turn is none.
            if is_round(space) && white > 1.0 && to[0] >= white + 0.5 {
                to[0] -= turn;
            }
        }
        let most = match size_of::<T>() {
            1 => 0.51,
            2 => 0.75,
            _ => 1e-5,
        };
        for level in Level::available() {
            assert_exact(&there(level, space, &src).data, &to, most);
            assert_exact(&back(level, space, &src).data, &of, most);
        }
    }
}

#[test]
fn every_type_follows_the_words() {
    follows_the_words::<u8>();
    follows_the_words::<u16>();
    follows_the_words::<f32>();
}

#[test]
fn wider_values_come_back() {
    let src = Owned::<f32>::shares((29, 67, 3), 6);
    for space in ALL {
        let got = back(Level::detect(), space, &there(Level::detect(), space, &src));
        assert!(got.data.iter().zip(&src.data).all(|(a, b)| (a - b).abs() < 3e-5), "{space:?}");
    }
    let mut image = src.clone();
    srgb_to_linear(Level::detect(), image.view_mut());
    linear_to_srgb(Level::detect(), image.view_mut());
    assert!(image.data.iter().zip(&src.data).all(|(a, b)| (a - b).abs() < 1e-6));
}

fn light_is_exact<T: Sample>() {
    for c in 1..=5 {
        let src = Owned::<T>::shares((29, 67, c), 8);
        let white = f64::from(T::LARGEST);
        let map = |map: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let numbers = src.numbers().into_iter().enumerate();
            numbers.map(|(i, v)| if c > 3 && i % c >= 3 { v } else { map(v / white) * white }).collect()
        };
        let most = if white > 1.0 { 0.6 } else { 1e-6 };
        for level in Level::available() {
            let (mut linear, mut srgb) = (src.clone(), src.clone());
            srgb_to_linear(level, linear.view_mut());
            linear_to_srgb(level, srgb.view_mut());
            // No mean of differences, since 8-bit values have but 256.
            let near = |(got, want): (f64, f64)| (got - want).abs() <= most;
            assert!(linear.numbers().into_iter().zip(map(&decoded)).all(near));
            assert!(srgb.numbers().into_iter().zip(map(&encoded)).all(near));
        }
    }
}

#[test]
fn light_is_that_of_srgb() {
    light_is_exact::<u8>();
    light_is_exact::<u16>();
    light_is_exact::<f32>();
}

#[test]
fn same_bytes_at_every_level() {
    same_at_every_level(|level, src| {
        let channels = src.shape.2;
        ALL.map(|space| (channels >= 3).then(|| (there(level, space, src), back(level, space, src))))
    });
    let mut two = Owned::new((2, 2, 2));
    assert_eq!(rgb_to(Level::BASE, ColourSpace::Lab, two.view_mut()), Err(Error::ShapeMismatch));
    assert_eq!(to_rgb(Level::BASE, ColourSpace::Hsv, two.view_mut()), Err(Error::ShapeMismatch));
}

proptest! {
    #[test]
    fn any_image_has_the_same_bits_at_every_level(shape in (1usize..10, 1usize..150, 3usize..6), seed: u64, space in 0usize..4) {
        fn same<T: Sample>(shape: (usize, usize, usize), seed: u64, space: ColourSpace) {
            let src = Owned::<T>::shares(shape, seed);
            let at = |level| (there(level, space, &src), back(level, space, &src));
            let want = at(Level::BASE);
            assert!(Level::available().all(|level| at(level) == want));
        }
        same::<u8>(shape, seed, ALL[space]);
        same::<u16>(shape, seed, ALL[space]);
        same::<f32>(shape, seed, ALL[space]);
    }
}
