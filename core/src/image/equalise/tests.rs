use super::super::testing::{Owned, assert_exact, images, same_at_every_level};
use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn equal<T: Sample>(level: Level, src: &Owned<T>) -> Owned<T> {
    let mut image = src.clone();
    let mut memory = vec![0xa5; equalise_scratch_len::<T>()];
    equalise(level, image.view_mut(), &mut Scratch::new(&mut memory)).unwrap();
    image
}

fn stretched<T: Sample>(level: Level, cutoff: [f32; 2], src: &Owned<T>) -> Owned<T> {
    let mut image = src.clone();
    let mut memory = vec![0xa5; equalise_scratch_len::<T>()];
    autocontrast(level, cutoff, image.view_mut(), &mut Scratch::new(&mut memory)).unwrap();
    image
}

/// The test picture with half its range.
fn pale() -> Owned {
    let mut src = Owned::pattern(24, 30, 3);
    src.data.iter_mut().for_each(|v| *v = *v / 2 + 30);
    src
}

fn some(image: &Owned) -> Vec<u8> {
    image.data.iter().step_by(67).copied().collect()
}

/// `ImageOps.equalize` and `ImageOps.autocontrast` of Pillow 13.0, with cutoffs of 0, of 2 percent at both ends, and of 5 and
/// 30; `equalize` of torchvision 0.29 is the same.
#[test]
fn levels_are_those_of_pillow() {
    let equalised = [
        0, 79, 127, 232, 15, 48, 144, 134, 8, 93, 74, 26, 86, 51, 255, 7, 65, 255, 0, 246, 42, 34, 255, 119,
        109, 255, 169, 89, 72, 251, 171, 255, 21,
    ];
    let cut = [
        (
            [0.0; 2],
            [
                0, 56, 90, 164, 10, 34, 102, 96, 6, 66, 52, 20, 60, 36, 252, 4, 48, 255, 0, 176, 30, 24, 192,
                86, 76, 234, 120, 64, 50, 182, 120, 222, 16,
            ],
        ),
        (
            [0.02; 2],
            [
                0, 54, 89, 165, 6, 31, 101, 96, 2, 64, 50, 16, 58, 33, 255, 0, 45, 255, 0, 179, 26, 20, 196,
                85, 74, 240, 120, 62, 48, 184, 120, 227, 12,
            ],
        ),
        (
            [0.05, 0.3],
            [
                0, 68, 115, 236, 0, 30, 139, 130, 0, 83, 62, 9, 74, 37, 255, 0, 55, 255, 0, 255, 24, 18, 255,
                109, 99, 255, 160, 80, 59, 255, 167, 255, 3,
            ],
        ),
    ];
    for level in Level::available() {
        assert_eq!(some(&equal(level, &pale())), equalised);
        for (cutoff, want) in &cut {
            assert_eq!(some(&stretched(level, *cutoff, &pale())), want);
        }
    }
}

/// The values of a channel, and where they are.
fn channel<T: Sample>(src: &Owned<T>, c: usize) -> Vec<(usize, f64)> {
    src.numbers().into_iter().enumerate().skip(c).step_by(src.shape.2).collect()
}

/// The words of [`equalise`] of wider values.
fn equal_shares<T: Sample>(src: &Owned<T>) -> Vec<f64> {
    let mut want = src.numbers();
    let whole = if T::LARGEST > 1.0 { 65536.0 } else { 1.0 };
    for c in 0..src.shape.2.min(3) {
        let values = channel(src, c);
        let at = |v: f64| v / whole * 1024.0;
        let bin = |v: f64| at(v).floor().min(1023.0);
        let last = values.iter().map(|(_, v)| bin(*v)).fold(0.0, f64::max);
        let count = |is: &dyn Fn(f64) -> bool| values.iter().filter(|(_, v)| is(bin(*v))).count() as f64;
        let all = count(&|b| b < last);
        for &(i, v) in values.iter().filter(|_| all > 0.0) {
            let below = count(&|b| b < bin(v)) + (at(v) - bin(v)) * count(&|b| b == bin(v));
            want[i] = (below / all).min(1.0) * f64::from(T::LARGEST);
        }
    }
    want
}

/// The words of [`autocontrast`] of wider values.
fn stretched_shares<T: Sample>(src: &Owned<T>, cutoff: [f64; 2]) -> Vec<f64> {
    let mut want = src.numbers();
    let whole = if T::LARGEST > 1.0 { 65536.0 } else { 1.0 };
    for c in 0..src.shape.2.min(3) {
        let values = channel(src, c);
        let bin = |v: f64| (v / whole * 1024.0).floor().min(1023.0);
        let mut sorted: Vec<f64> = values.iter().map(|(_, v)| *v).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len() as f64;
        // The values at the ends of what is left tell which bins are.
        let (first, last) = ((n * cutoff[0]) as usize, sorted.len() - 1 - (n * cutoff[1]) as usize);
        let low = sorted.iter().copied().find(|v| bin(*v) >= bin(sorted[first])).unwrap();
        let high = sorted.iter().rev().copied().find(|v| bin(*v) <= bin(sorted[last])).unwrap();
        for (i, v) in values {
            want[i] = ((v - low) / (high - low)).clamp(0.0, 1.0) * f64::from(T::LARGEST);
        }
    }
    want
}

fn wide_values_follow_the_words<T: Sample>() {
    for c in 1..=5 {
        let mut src = Owned::<T>::shares((31, 43, c), 9);
        // Darker on the whole than light, and not from black to white.
        src.data.iter_mut().for_each(|v| {
            let share = v.to_f32() / T::LARGEST;
            *v = T::from_f32((0.1 + 0.7 * share * share) * T::LARGEST);
        });
        let most = if T::LARGEST > 1.0 { 0.55 } else { 4e-5 };
        for level in Level::available() {
            assert_exact(&equal(level, &src).data, &equal_shares(&src), most);
            for cutoff in [[0.0, 0.0], [0.05, 0.3]] {
                let want = stretched_shares(&src, cutoff.map(f64::from));
                assert_exact(&stretched(level, cutoff, &src).data, &want, most);
            }
        }
    }
}

#[test]
fn wider_values_follow_the_words() {
    wide_values_follow_the_words::<u16>();
    wide_values_follow_the_words::<f32>();
}

/// Pillow's loop on one channel, as it is.
fn pillows_table(values: &[u8]) -> [u8; 256] {
    let mut counts = [0; 256];
    values.iter().for_each(|v| counts[usize::from(*v)] += 1);
    let last = counts.iter().rev().find(|n| **n > 0).copied().unwrap_or(0);
    let step = (values.len() - last) / 255;
    let mut below = step / 2;
    core::array::from_fn(|i| {
        let level = below.checked_div(step).unwrap_or(i);
        below += counts[i];
        level.min(255) as u8
    })
}

proptest! {
    #[test]
    fn any_image_is_equalised_channel_by_channel(src in images(), cutoff in prop::array::uniform2(0f32..1.0)) {
        let want = equal(Level::BASE, &src);
        let c = src.shape.2;
        for channel in 0..c.min(3) {
            let values: Vec<u8> = src.data.iter().skip(channel).step_by(c).copied().collect();
            let table = pillows_table(&values);
            let new = want.data.iter().skip(channel).step_by(c);
            prop_assert!(new.zip(&values).all(|(new, old)| *new == table[usize::from(*old)]));
        }
        let contrast = stretched(Level::BASE, cutoff, &src);
        for level in Level::available() {
            prop_assert_eq!(&equal(level, &src), &want);
            prop_assert_eq!(&stretched(level, cutoff, &src), &contrast);
        }
        for (pixel, old) in want.data.chunks_exact(c).zip(src.data.chunks_exact(c)) {
            prop_assert!(c < 4 || pixel[3..] == old[3..]);
        }
    }
}

#[test]
fn same_bytes_at_every_level() {
    same_at_every_level(|level, src| (equal(level, src), stretched(level, [0.02, 0.1], src)));
}

#[test]
fn plain_channels_stay_and_wrong_shares_are_refused() {
    fn plain<T: Sample>() {
        let grey = T::from_f32(T::LARGEST * 0.4);
        let src = Owned { data: vec![grey; 300 * 3], shape: (15, 20, 3) };
        assert_eq!(equal(Level::detect(), &src), src);
        assert_eq!(stretched(Level::detect(), [0.0; 2], &src), src);
        // Everything is cut off.
        let src = Owned::<T>::shares((15, 20, 3), 1);
        assert_eq!(stretched(Level::detect(), [0.6, 0.6], &src), src);
        let mut image = src.clone();
        for bad in [[-0.1, 0.0], [0.0, 1.1], [f32::NAN, 0.0]] {
            let wrong = autocontrast(Level::BASE, bad, image.view_mut(), &mut Scratch::empty());
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
        let small = equalise(Level::BASE, image.view_mut(), &mut Scratch::empty());
        assert_eq!((small, image), (Err(Error::ScratchTooSmall), src));
    }
    plain::<u8>();
    plain::<u16>();
    plain::<f32>();
}
