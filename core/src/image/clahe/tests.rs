use super::super::testing::{Owned, assert_exact, same_at_every_level};
use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn done<T: Sample>(level: Level, clip: f32, tiles: u32, src: &Owned<T>) -> Owned<T> {
    let mut image = src.clone();
    let mut memory = vec![0xa5; clahe_scratch_len::<T>(tiles, src.shape)];
    clahe(level, clip, tiles, image.view_mut(), &mut Scratch::new(&mut memory)).unwrap();
    image
}

/// `createCLAHE` of OpenCV 5.0.0 with these clip limits and numbers of tiles, on the one channel of the test picture with
/// half its range: every 23rd value.
#[test]
fn levels_are_those_of_opencv() {
    let cases = [
        (
            2.0,
            4,
            (40, 48),
            vec![
                13, 227, 225, 40, 55, 68, 102, 96, 143, 112, 187, 132, 223, 146, 39, 156, 69, 161, 98, 162,
                119, 160, 138, 155, 152, 148, 166, 181, 173, 215, 176, 19, 177, 36, 177, 56, 173, 76, 166,
                87, 155, 96, 144, 100, 125, 102, 108, 100, 85, 94, 105, 83, 116, 72, 123, 60, 130, 40, 131,
                18, 130, 209, 121, 178, 115, 150, 102, 114, 85, 75, 66, 34, 43, 53, 16, 47, 204, 36, 170, 23,
                133, 222, 93, 206,
            ],
        ),
        (
            0.0,
            3,
            (31, 47),
            vec![
                6, 254, 254, 48, 64, 94, 128, 137, 193, 178, 9, 218, 74, 255, 128, 36, 189, 71, 254, 103, 49,
                133, 100, 163, 153, 188, 205, 212, 250, 233, 39, 252, 83, 16, 126, 35, 162, 47, 199, 58, 237,
                65, 13, 77, 45, 80, 73, 84, 100, 112, 125, 159, 148, 201, 168, 247, 190, 33, 208, 74, 219,
                112, 232, 145,
            ],
        ),
        (
            4.0,
            8,
            (21, 64),
            vec![
                9, 255, 250, 155, 132, 153, 225, 253, 43, 68, 130, 211, 181, 35, 213, 77, 185, 93, 227, 100,
                209, 132, 20, 101, 38, 209, 18, 210, 197, 175, 164, 86, 90, 89, 250, 24, 39, 170, 217, 46,
                92, 166, 204, 36, 118, 133, 234, 100, 63, 182, 81, 247, 153, 36, 199, 139, 223, 185, 127,
            ],
        ),
    ];
    for (clip, tiles, (h, w), want) in cases {
        let mut src = Owned::pattern(h, w, 1);
        src.data.iter_mut().for_each(|v| *v = *v / 2 + 30);
        for level in Level::available() {
            let got = done(level, clip, tiles, &src);
            assert_eq!(got.data.iter().step_by(23).copied().collect::<Vec<_>>(), want, "{clip} {tiles}");
        }
    }
}

/// The words of [`clahe`] on a plane of real numbers from 0 to 1, of which `bin` tells the bin and the part of it below. The
/// share at the upper end of a bin is that of 8-bit levels.
fn plainly(
    (h, w): (usize, usize),
    values: &[f64],
    (clip, tiles): (f64, usize),
    steps: bool,
    bin: impl Fn(f64) -> (usize, f64),
) -> Vec<f64> {
    let padding = |side: usize| if h % tiles == 0 && w % tiles == 0 { 0 } else { tiles - side % tiles };
    let (th, tw) = ((h + padding(h)) / tiles, (w + padding(w)) / tiles);
    let mirror = |i: usize, n: usize| Border::<u8>::Reflect101.index(i as i64, n).unwrap();
    let maps: Vec<Vec<f64>> = (0..tiles * tiles)
        .map(|tile| {
            let mut counts = [0i64; 256];
            for (y, x) in (0..th).flat_map(|y| (0..tw).map(move |x| (y, x))) {
                let (y, x) = (mirror(tile / tiles * th + y, h), mirror(tile % tiles * tw + x, w));
                counts[bin(values[y * w + x]).0] += 1;
            }
            if clip > 0.0 {
                let most = ((clip * (th * tw) as f64 / 256.0) as i64).max(1);
                let mut above: i64 = counts.iter().map(|n| (n - most).max(0)).sum();
                counts.iter_mut().for_each(|n| *n = (*n).min(most) + above / 256);
                above %= 256;
                for i in 0..above {
                    counts[(i * (256 / above).max(1)) as usize] += 1;
                }
            }
            let sums = counts.iter().scan(0, |sum, n| {
                *sum += n;
                Some(*sum as f64)
            });
            std::iter::once(0.0).chain(sums).collect()
        })
        .collect();
    let share = |row: i64, column: i64, (bin, part): (usize, f64)| {
        let inside = |i: i64| i.clamp(0, tiles as i64 - 1) as usize;
        let map = &maps[inside(row) * tiles + inside(column)];
        let total = (th * tw) as f64;
        if steps {
            (map[bin + 1] * 255.0 / total).round_ties_even() / 255.0
        } else {
            (map[bin] + (map[bin + 1] - map[bin]) * part) / total
        }
    };
    let pixel = |i: usize| {
        let at = bin(values[i]);
        let (y, x) = ((i / w) as f64 / th as f64 - 0.5, (i % w) as f64 / tw as f64 - 0.5);
        let (row, column) = (y.floor() as i64, x.floor() as i64);
        let (y, x) = (y - y.floor(), x - x.floor());
        let along = |row: i64| share(row, column, at) * (1.0 - x) + share(row, column + 1, at) * x;
        along(row) * (1.0 - y) + along(row + 1) * y
    };
    (0..h * w).map(pixel).collect()
}

/// The words of [`clahe`], of all channels.
fn words<T: Sample>(src: &Owned<T>, clip: f32, tiles: u32) -> Vec<f64> {
    let (h, w, c) = src.shape;
    let largest = f64::from(T::LARGEST);
    let (steps, whole) = (size_of::<T>() == 1, if largest > 1.0 { largest + 1.0 } else { 1.0 });
    let bin = |v: f64| {
        let at = v / whole * 256.0;
        let bin = at.floor().clamp(0.0, 255.0);
        (bin as usize, at - bin)
    };
    let numbers = src.numbers();
    let mut want = numbers.clone();
    let how = (f64::from(clip), tiles as usize);
    if c < 3 {
        for channel in 0..c {
            let values: Vec<f64> = numbers.iter().skip(channel).step_by(c).copied().collect();
            let new = plainly((h, w), &values, how, steps, bin);
            want.iter_mut().skip(channel).step_by(c).zip(new).for_each(|(to, v)| *to = v * largest);
        }
    } else {
        let grey = |p: &[T]| f64::from(T::luma(p[0], p[1], p[2]).to_f32());
        let values: Vec<f64> = src.data.chunks_exact(c).map(grey).collect();
        let new = plainly((h, w), &values, how, steps, bin);
        for ((pixel, new), old) in want.chunks_exact_mut(c).zip(new).zip(values) {
            // The luminance is rounded as the type is.
            let near = (new * largest * 1048576.0).round() / 1048576.0;
            let new = match steps {
                true => near.round_ties_even(),
                false => T::from_f32((new * largest) as f32).to_f32().into(),
            };
            pixel[..3].iter_mut().for_each(|v| *v += new - old);
        }
    }
    want
}

fn follows_the_words<T: Sample>() {
    for c in 1..=5 {
        for (shape, clip, tiles) in
            [((64, 80, c), 2.0, 4), ((45, 67, c), 0.0, 3), ((40, 33, c), 4.0, 8), ((3, 5, c), 1.0, 8)]
        {
            let mut src = Owned::<T>::shares(shape, 5);
            src.data.iter_mut().for_each(|v| {
                let share = v.to_f32() / T::LARGEST;
                *v = T::from_f32(share * share * T::LARGEST);
            });
            let want = words(&src, clip, tiles);
            // Ties of maps, of the plane and of a grey may settle either way.
            let most = match size_of::<T>() {
                1 => 1.51,
                2 => 1.1,
                _ => 4e-6,
            };
            for level in Level::available() {
                assert_exact(&done(level, clip, tiles, &src).data, &want, most);
            }
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
fn same_bytes_at_every_level() {
    same_at_every_level(|level, src| done(level, 2.0, 3, src));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_image_has_the_same_bits_at_every_level(shape in (1usize..80, 1usize..150, 1usize..6), seed: u64, clip in 0f32..5.0, tiles in 1u32..=32) {
        fn same<T: Sample>(shape: (usize, usize, usize), seed: u64, clip: f32, tiles: u32) {
            let src = Owned::<T>::shares(shape, seed);
            let want = done(Level::BASE, clip, tiles, &src);
            for level in Level::available() {
                assert!(done(level, clip, tiles, &src) == want);
            }
        }
        same::<u8>(shape, seed, clip, tiles);
        same::<u16>(shape, seed, clip, tiles);
        same::<f32>(shape, seed, clip, tiles);
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let src = Owned::noise((9, 9, 3), 1);
    let mut image = src.clone();
    for (clip, tiles) in [(-1.0, 8), (f32::NAN, 8), (f32::INFINITY, 8), (1.0, 0), (1.0, 33)] {
        let wrong = clahe(Level::BASE, clip, tiles, image.view_mut(), &mut Scratch::empty());
        assert_eq!(wrong, Err(Error::InvalidArgument));
    }
    let small = clahe(Level::BASE, 1.0, 8, image.view_mut(), &mut Scratch::empty());
    assert_eq!((small, image), (Err(Error::ScratchTooSmall), src));
    let mut none = Owned::new((0, 5, 3));
    clahe(Level::BASE, 1.0, 8, none.view_mut(), &mut Scratch::empty()).unwrap();
}
