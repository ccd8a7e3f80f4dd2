use super::super::testing::{Owned, at_every_level, images, made, same_at_every_level};
use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn left<T: Sample>(level: Level, quality: u32, chroma: u32, src: &Owned<T>) -> Owned<T> {
    let bytes = jpeg_scratch_len::<T>(src.shape);
    made(src, bytes, |src, dst, scratch| jpeg(level, quality, chroma, src, dst, scratch))
}

/// FNV-1a of 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// `save` as JPEG and `open` of Pillow 13.0 (libjpeg-turbo 3.2.0) with these qualities, and `subsampling` 2 or 0, on test
/// pictures.
#[test]
fn images_are_those_of_pillow() {
    let small = [
        0, 72, 141, 2, 78, 164, 23, 84, 211, 41, 98, 211, 54, 116, 163, 35, 115, 174, 48, 122, 197, 67, 130,
        235, 81, 142, 223, 92, 157, 163, 69, 148, 189, 85, 159, 208, 103, 169, 230, 115, 180, 200, 119, 192,
        113,
    ];
    assert_eq!(left(Level::BASE, 75, 2, &Owned::pattern(3, 5, 3)).data, small);
    let want = [
        ((1, 1, 1), 75, 2, 0xaf63_bd4c_8601_b7df),
        ((1, 1, 3), 75, 2, 0xe9c0_3718_7521_6d7c),
        ((2, 4, 3), 50, 2, 0x5890_5aaa_8759_8f6d),
        ((5, 5, 3), 90, 2, 0x7adc_50cf_7677_296f),
        ((100, 1, 3), 30, 2, 0x03ad_e611_d63f_21cb),
        ((1, 100, 3), 75, 2, 0x8798_48de_7ddf_bed5),
        ((16, 16, 3), 75, 2, 0x2fac_3d15_269d_849e),
        ((17, 33, 3), 75, 2, 0xd447_55e0_380e_86bf),
        ((31, 130, 3), 10, 2, 0xc470_3940_1ad4_23ce),
        ((48, 40, 3), 95, 2, 0xbbab_677d_fd3a_f444),
        ((50, 129, 3), 100, 2, 0x29d2_e003_9958_dc8d),
        ((23, 37, 3), 1, 2, 0x8570_2666_de80_bad8),
        ((1, 1, 3), 75, 1, 0xe9c0_3718_7521_6d7c),
        ((9, 7, 3), 50, 1, 0x6462_d26f_4c0a_60db),
        ((33, 129, 3), 75, 1, 0x7e9a_56f2_1348_2097),
        ((16, 40, 3), 5, 1, 0xeaae_0d79_d567_ec8a),
        ((24, 23, 3), 100, 1, 0xcc4a_3964_2b38_cc65),
        ((8, 8, 1), 75, 1, 0x15c7_208d_4d35_9ea7),
        ((19, 131, 1), 40, 2, 0xe2f9_7ae5_16b2_cf0c),
        ((33, 10, 1), 95, 1, 0xca3c_8769_53cb_bc32),
    ];
    for ((h, w, c), quality, chroma, want) in want {
        let got = at_every_level(&Owned::pattern(h, w, c), |level, src| left(level, quality, chroma, src));
        assert_eq!(hash(&got.data), want, "{h} x {w} x {c}, {quality}, {chroma}");
    }
}

#[test]
fn same_bytes_at_every_level() {
    same_at_every_level(|level, src| left(level, 60, 1 + (src.shape.1 % 2) as u32, src));
}

/// Values of the channels from `first` on, `count` of them.
fn channels<T: Sample>(src: &Owned<T>, first: usize, count: usize) -> Owned<T> {
    let (h, w, c) = src.shape;
    let data = src.data.chunks_exact(c).flat_map(|pixel| pixel[first..first + count].to_vec()).collect();
    Owned { data, shape: (h, w, count) }
}

#[test]
fn two_channels_are_two_images_and_those_after_three_stay() {
    let two = Owned::<u8>::shares((21, 35, 2), 1);
    let got = left(Level::detect(), 50, 2, &two);
    for c in 0..2 {
        assert_eq!(channels(&got, c, 1), left(Level::detect(), 50, 1, &channels(&two, c, 1)));
    }
    let five = Owned::<u8>::shares((21, 35, 5), 2);
    for chroma in 1..=2 {
        let got = left(Level::detect(), 50, chroma, &five);
        assert_eq!(channels(&got, 0, 3), left(Level::detect(), 50, chroma, &channels(&five, 0, 3)));
        assert_eq!(channels(&got, 3, 2), channels(&five, 3, 2));
    }
}

/// Other types are rounded to bytes, and come to what these come to.
fn of_bytes<T: Sample>() {
    for c in 1..=3 {
        let src = Owned::<T>::shares((19, 37, c), 3);
        let scale = 255.0 / f64::from(T::LARGEST);
        let data = src.numbers().iter().map(|v| (v * scale).round() as u8).collect();
        let levels = Owned { data, shape: src.shape };
        for chroma in 1..=2 {
            let got = at_every_level(&src, |level, src| left(level, 80, chroma, src));
            let bytes = left(Level::BASE, 80, chroma, &levels);
            let want: Vec<T> = bytes.data.iter().map(|v| T::of_level(*v)).collect();
            assert_eq!(got.data, want);
        }
    }
}

#[test]
fn other_types_are_rounded_to_bytes() {
    of_bytes::<u16>();
    of_bytes::<f32>();
    let odd = Owned { data: vec![f32::NAN, f32::INFINITY, -1e30, 2.0], shape: (2, 2, 1) };
    let same = Owned { data: vec![0.0, 1.0, 0.0, 1.0], shape: (2, 2, 1) };
    assert_eq!(left(Level::detect(), 70, 2, &odd), left(Level::detect(), 70, 2, &same));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_best_quality_changes_little_and_any_is_the_same_at_every_level(src in images(), quality in 1u32..=100,
                                                                          chroma in 1u32..=2) {
        at_every_level(&src, |level, src| left(level, quality, chroma, src));
        let best = left(Level::detect(), 100, 1, &src);
        // Of each frequency up to half a level is lost, and of noise they sometimes add up; blue is luma and 1.8 times a chroma.
        let (most, mut sum) = (if src.shape.2 < 3 { 3 } else { 7 }, 0);
        for (got, want) in best.data.iter().zip(&src.data) {
            prop_assert!(got.abs_diff(*want) <= most);
            sum += usize::from(got.abs_diff(*want));
        }
        prop_assert!(sum <= 2 * src.data.len());
    }

    #[test]
    fn a_plain_image_stays_plain(value: u8, quality in 1u32..=100, h in 1usize..40, w in 1usize..40) {
        let src = Owned { data: vec![value; h * w], shape: (h, w, 1) };
        let got = left(Level::detect(), quality, 1, &src);
        prop_assert!(got.data.iter().all(|v| *v == got.data[0]));
        // Half a step of at most 255 eighths of a level.
        prop_assert!(got.data[0].abs_diff(value) <= 16);
    }
}

#[test]
fn bad_arguments_are_refused() {
    let src = Owned::<u8>::noise((4, 5, 3), 1);
    let mut out = Owned::new(src.shape);
    for (quality, chroma) in [(0, 1), (101, 1), (u32::MAX, 2), (50, 0), (50, 3)] {
        let got = jpeg(Level::BASE, quality, chroma, src.view(), out.view_mut(), &mut Scratch::empty());
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    for chroma in 1..=2 {
        let got = jpeg(Level::BASE, 50, chroma, src.view(), out.view_mut(), &mut Scratch::empty());
        assert_eq!(got, Err(Error::ScratchTooSmall));
    }
    let mut other = Owned::new((4, 4, 3));
    let got = jpeg(Level::BASE, 50, 1, src.view(), other.view_mut(), &mut Scratch::empty());
    assert_eq!(got, Err(Error::ShapeMismatch));
    assert_eq!(out, Owned::new(src.shape));
    for shape in [(0, 5, 3), (5, 0, 3), (0, 0, 1)] {
        let nothing = Owned::<u8>::new(shape);
        assert_eq!(left(Level::BASE, 50, 2, &nothing), nothing);
    }
}
