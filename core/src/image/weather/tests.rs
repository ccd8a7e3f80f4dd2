use super::super::testing::{Owned, images};
use super::super::veil::tests::{assert_near, changed, laid, stored, stream};
use super::*;
use crate::rng::{Key, mix};
use crate::scratch::Scratch;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// Shapes of the oracles' images, with one to five channels.
fn sources<T: Sample>() -> impl Iterator<Item = Owned<T>> {
    let sizes = [(50, 71), (90, 31), (28, 28), (1, 1), (3, 100)];
    sizes.into_iter().flat_map(|(h, w)| (1..=5).map(move |c| Owned::<T>::shares((h, w, c), 3)))
}

fn fogged<T: Sample>(src: &Owned<T>, density: f32) -> Owned<T> {
    changed(src, |level, stream, image| {
        let mut memory = vec![0xa5; fog_scratch_len(src.shape)];
        fog(level, density, stream, image, &mut Scratch::new(&mut memory))
    })
}

/// A cubic B-spline.
fn bell(t: f64) -> f64 {
    match t.abs() {
        t @ ..1.0 => 2.0 / 3.0 - t * t + t * t * t / 2.0,
        t @ ..2.0 => (2.0 - t).powi(3) / 6.0,
        _ => 0.0,
    }
}

/// The field of fog at a row and a column, from all nodes.
fn field(seed: u64, side: usize, (h, w): (usize, usize), (y, x): (f64, f64)) -> f64 {
    let gamma = 0x9e37_79b9_7f4a_7c15u64;
    let octave = |i: i32| {
        let spacing = (side as f64 / 2f64.powi(i + 1)).max(1.0);
        let seed = mix(seed.wrapping_add((i as u64).wrapping_mul(gamma)));
        let mut sum = 0.0;
        for row in 0..(h as f64 / spacing) as u64 + 4 {
            for column in 0..(w as f64 / spacing) as u64 + 4 {
                let bits = mix(seed.wrapping_add((row << 32 | column).wrapping_add(1).wrapping_mul(gamma)));
                let node = f64::from((bits >> 32) as i32) / 2f64.powi(31);
                sum += node * bell(y / spacing + 1.0 - row as f64) * bell(x / spacing + 1.0 - column as f64);
            }
        }
        sum / 2f64.powi(i + 1)
    };
    octave(0) + octave(1) + octave(2)
}

fn fogged_exactly<T: Sample>() {
    for src in sources::<T>() {
        let (h, w, _) = src.shape;
        let mut want = src.numbers();
        let seed = stream().next_u64();
        laid::<T>(&mut want, src.shape, (0.88, [1.0; 3]), |y, x| {
            (f64::from(0.63f32) * (1.0 + field(seed, h.min(w), (h, w), (y, x)))).clamp(0.0, 1.0)
        });
        assert_near(&fogged(&src, 0.63), &want);
    }
}

#[test]
fn fog_is_as_dense_as_the_words_say() {
    fogged_exactly::<u8>();
    fogged_exactly::<u16>();
    fogged_exactly::<f32>();
    let black = Owned { data: vec![0f32; 64 * 5000], shape: (64, 5000, 1) };
    let weights: Vec<f64> = fogged(&black, 0.5).numbers().iter().map(|v| v / 0.88 / 0.5 - 1.0).collect();
    let n = weights.len() as f64;
    let mean = weights.iter().sum::<f64>() / n;
    let deviation = (weights.iter().map(|v| v * v).sum::<f64>() / n).sqrt();
    assert!(mean.abs() < 0.08 && (0.1..0.2).contains(&deviation), "{mean} {deviation}");
}

const RAIN: Rain = Rain { drops: 300.0, length: 0.13, degrees: -17.0, brightness: 0.7, darkness: 0.21 };

fn lies_in(away: f64, reach: f64) -> f64 {
    ((away + 0.5).min(reach) - (away - 0.5).max(-reach)).max(0.0)
}

/// How many of a square's things there are, by the words.
fn things(shape: (usize, usize, usize), of_square: f64) -> usize {
    let (short, long) = (shape.0.min(shape.1), shape.0.max(shape.1));
    ((of_square * long as f64 / short as f64 + 0.5) as usize).min(short * long)
}

fn rained_exactly<T: Sample>() {
    for src in sources::<T>() {
        let got = changed(&src, |level, stream, image| rain(level, &RAIN, stream, image));
        let (h, w, c) = src.shape;
        let mut want = src.numbers();
        for pixel in want.chunks_exact_mut(c) {
            let dark = f64::from(1.0 - RAIN.darkness);
            pixel.iter_mut().take(3).for_each(|v| *v = stored::<T>(*v * dark));
        }
        let side = h.min(w) as f64;
        let thick = (side / 400.0).max(1.0);
        let (sin, cos) = f64::from(RAIN.degrees).to_radians().sin_cos();
        let (across, slope) = (thick / cos, sin / cos);
        let wide = across + slope.abs();
        let length = f64::from(RAIN.length) * side;
        let (down, aside) = ((length * cos) as f32, (length * sin).abs() as f32);
        let mut stream = stream();
        for _ in 0..things(src.shape, 300.0 * side / 400.0 / thick) {
            let x = f64::from(stream.range(-0.5 - aside, w as f32 - 0.5 + aside));
            let y = f64::from(stream.range(-0.5 - down, h as f32 - 0.5));
            let tall = f64::from(down * stream.range(0.5, 1.0)).max(1.0);
            let bright = f64::from(RAIN.brightness * stream.range(0.5, 1.0)) * across / wide;
            laid::<T>(&mut want, src.shape, (0.85, [1.0; 3]), |row, column| {
                let below = row - y - tall / 2.0;
                let right = column - x - slope * tall / 2.0 - slope * below;
                let way = (below / tall + 0.5).clamp(0.0, 1.0);
                bright * lies_in(below, tall / 2.0) * lies_in(right, wide / 2.0) * (0.5 + 0.5 * way)
            });
        }
        assert_near(&got, &want);
    }
}

#[test]
fn drops_fall_as_the_words_say() {
    rained_exactly::<u8>();
    rained_exactly::<u16>();
    rained_exactly::<f32>();
}

fn snowed_exactly<T: Sample>() {
    for src in sources::<T>() {
        let got =
            changed(&src, |level, stream, image| snow(level, 200.0, [0.017, 0.83, 0.47], stream, image));
        let (h, w, c) = src.shape;
        let (mut want, white) = (src.numbers(), f64::from(T::LARGEST));
        let size = f64::from(0.017f32) * h.min(w) as f64;
        let radius = size.max(f64::from(0.7f32));
        for pixel in want.chunks_exact_mut(c) {
            let old = pixel.to_vec();
            for (i, v) in pixel.iter_mut().take(3).enumerate() {
                let grey = if c < 3 {
                    old[i]
                } else {
                    let [r, g, b] = [0, 1, 2].map(|i| T::from_f32(old[i] as f32));
                    f64::from(T::luma(r, g, b).to_f32())
                };
                *v = stored::<T>(*v + (white - *v) * (grey / white).powi(2) * f64::from(0.47f32));
            }
        }
        let mut stream = stream();
        for _ in 0..things(src.shape, 200.0 * (size / radius).powi(2)) {
            let x = f64::from(stream.range(-0.5, w as f32 - 0.5));
            let y = f64::from(stream.range(-0.5, h as f32 - 0.5));
            let radius = radius * f64::from(stream.range(0.5, 1.5));
            let hides = f64::from(0.83 * stream.range(0.6, 1.0));
            laid::<T>(&mut want, src.shape, (1.0, [1.0; 3]), |row, column| {
                let q = ((row - y).powi(2) + (column - x).powi(2)) / radius.powi(2);
                hides * (1.5 - 1.5 * q).clamp(0.0, 1.0)
            });
        }
        assert_near(&got, &want);
    }
}

#[test]
fn flakes_fall_as_the_words_say() {
    snowed_exactly::<u8>();
    snowed_exactly::<u16>();
    snowed_exactly::<f32>();
}

fn shone_exactly<T: Sample>() {
    for src in sources::<T>() {
        let got = changed(&src, |level, stream, image| {
            sun_flare(level, 0.83, 0.27, [0.23, 0.11], 6, stream, image)
        });
        let (h, w, _) = src.shape;
        let mut want = src.numbers();
        let side = h.min(w) as f64;
        let [x, y] = [(0.23f32, w), (0.11, h)].map(|(share, side)| f64::from(share) * side as f64 - 0.5);
        laid::<T>(&mut want, src.shape, (1.0, [1.0, 0.96, 0.86]), |row, column| {
            let square = ((row - y).powi(2) + (column - x).powi(2)) / (f64::from(0.27f32) * side).powi(2);
            f64::from(0.83f32) / (1.0 + square).powi(2)
        });
        let colours = [
            [1.0, 0.7, 0.4],
            [0.5, 1.0, 0.6],
            [0.45, 0.7, 1.0],
            [1.0, 0.9, 0.5],
            [0.8, 0.5, 1.0],
            [1.0, 0.5, 0.45],
        ];
        let mut stream = stream();
        for _ in 0..6 {
            let way = f64::from(stream.range(0.3, 2.0));
            let radius = side * f64::from(stream.range(0.02, 0.1));
            let strength = f64::from(0.83 * stream.range(0.15, 0.4));
            let tint = colours[stream.index(6)];
            let [x, y] = [(x, w), (y, h)].map(|(v, side)| v + ((side as f64 - 1.0) / 2.0 - v) * way);
            laid::<T>(&mut want, src.shape, (1.0, tint), |row, column| {
                let away = (row - y).hypot(column - x);
                let edge = (radius - away + 0.5).clamp(0.0, 1.0);
                strength * edge * (0.5 + 0.5 * (away / radius).powi(2).min(1.0))
            });
        }
        assert_near(&got, &want);
    }
}

#[test]
fn the_sun_shines_as_the_words_say() {
    shone_exactly::<u8>();
    shone_exactly::<u16>();
    shone_exactly::<f32>();
}

/// All weather with the most of everything.
fn storm<T: Sample>(level: Level, stream: &mut Stream, mut image: ImageMut<'_, T>) -> Result<()> {
    let mut memory = vec![0xa5; fog_scratch_len(image.as_ref().shape())];
    let most = Rain { drops: 900.0, length: 1.0, degrees: 60.0, brightness: 1.0, darkness: 0.3 };
    snow(level, 900.0, [0.05, 1.0, 1.0], stream, image.reborrow())?;
    rain(level, &most, stream, image.reborrow())?;
    sun_flare(level, 1.0, 0.5, [0.5, 0.2], MOST_RINGS, stream, image.reborrow())?;
    fog(level, 1.0, stream, image, &mut Scratch::new(&mut memory))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_image_has_the_same_bytes_at_every_level(src in images(), seed: u64) {
        changed(&src, |level, _, image| storm(level, &mut Stream::new(seed, Key::new(2)), image));
        let floats = Owned::<f32>::shares(src.shape, seed);
        let floats = changed(&floats, |level, _, image| storm(level, &mut Stream::new(seed, Key::new(2)), image));
        prop_assert!(floats.data.iter().all(|v| (0.0..=1.000001).contains(v)));
    }
}

#[test]
fn channels_after_the_third_stay() {
    let src = Owned::<u16>::shares((40, 50, 5), 3);
    let image = changed(&src, storm);
    for (new, old) in image.data.chunks_exact(5).zip(src.data.chunks_exact(5)) {
        assert!(new[3..] == old[3..]);
    }
    assert_ne!(image, src);
}

#[test]
fn weather_that_cannot_be_is_refused() {
    let (before, mut image) = (Owned::noise((2, 2, 3), 1), Owned::noise((2, 2, 3), 1));
    let (level, wrong) = (Level::BASE, Err(Error::InvalidArgument));
    let mut memory = vec![0; 4096];
    for bad in [-0.1, 1.1, f32::NAN] {
        let scratch = &mut Scratch::new(&mut memory);
        assert_eq!(fog(level, bad, &mut stream(), image.view_mut(), scratch), wrong);
        for i in 0..3 {
            let mut shares = [0.5; 3];
            shares[i] = bad;
            assert_eq!(snow(level, 1.0, shares, &mut stream(), image.view_mut()), wrong);
        }
        for rain in [
            Rain { length: bad, ..RAIN },
            Rain { brightness: bad, ..RAIN },
            Rain { darkness: bad, ..RAIN },
            Rain { drops: bad * 20_000.0, ..RAIN },
            Rain { degrees: bad * 700.0, ..RAIN },
        ] {
            assert_eq!(super::rain(level, &rain, &mut stream(), image.view_mut()), wrong);
        }
        assert_eq!(sun_flare(level, bad, 0.1, [0.5; 2], 1, &mut stream(), image.view_mut()), wrong);
    }
    for flakes in [-1.0, 10_001.0, f32::NAN] {
        assert_eq!(snow(level, flakes, [0.5; 3], &mut stream(), image.view_mut()), wrong);
    }
    for (size, place, rings) in [
        (0.0, [0.5; 2], 1),
        (4.1, [0.5; 2], 1),
        (0.1, [-1.1, 0.5], 1),
        (0.1, [0.5, 2.1], 1),
        (0.1, [0.5; 2], 33),
    ] {
        assert_eq!(sun_flare(level, 0.5, size, place, rings, &mut stream(), image.view_mut()), wrong);
    }
    let small = fog(level, 0.5, &mut stream(), image.view_mut(), &mut Scratch::empty());
    assert_eq!((small, image), (Err(Error::ScratchTooSmall), before));
}
