use super::*;
use crate::augment::group::Members;
use crate::augment::{Draws, Labels, Normal, Op, key};
use crate::image::testing::{Owned, images};
use crate::image::{
    Adjust, Border, Edge, Filter, Index, Interpolation, Jitter, Motion, normalise, normalise_chw,
};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn of(steps: &[(Op, f32)]) -> Pipeline<12> {
    let mut pipeline = Pipeline::new();
    steps.iter().for_each(|(op, p)| pipeline.push(*op, *p).unwrap());
    pipeline
}

/// Something of every kind.
fn mixed() -> Pipeline<12> {
    let border = Border::Reflect101;
    of(&[
        (Op::RandomCrop { height: 0, width: 0, padding: 3, border }, 1.0),
        (Op::HFlip {}, 0.5),
        (Op::Rotate { degrees: [-30.0, 30.0], border, interpolation: Interpolation::Bilinear }, 0.7),
        (Op::D4 {}, 0.8),
        (Op::Gamma { gamma: [0.7, 1.4] }, 0.7),
        (Op::Contrast { factor: [0.7, 1.4] }, 0.7),
        (Op::GaussianNoise { std: [1.0, 9.0] }, 0.7),
        (Op::RandomErasing { scale: [0.05, 0.2], ratio: [0.5, 2.0], fill: 256 }, 0.7),
        (
            Op::RandomResizedCrop {
                height: 17,
                width: 13,
                scale: [0.3, 1.0],
                ratio: [0.8, 1.2],
                filter: Filter::Bilinear,
                antialias: true,
                precise: false,
            },
            1.0,
        ),
        (Op::SomeOf { members: 2, least: 0, most: 2, any_order: true }, 1.0),
        (Op::GaussianBlur { sigma: [0.3, 1.0] }, 1.0),
        (
            Op::ColourJitter {
                brightness: [0.8, 1.2],
                contrast: [0.8, 1.2],
                saturation: [0.5, 1.5],
                hue: [-0.1, 0.1],
            },
            1.0,
        ),
    ])
}

fn run<const N: usize>(plan: &Plan<'_, N>, params: &[Drawn], src: &Owned) -> Owned {
    let mut out = Owned::new(plan.out_shape());
    let mut memory = vec![0; plan.scratch_len::<u8>()];
    let prepared = plan.prepare(params).unwrap();
    prepared.run(Level::detect(), src.view(), out.view_mut(), &mut Scratch::new(&mut memory)).unwrap();
    out
}

/// The steps one after the other, each in a pipeline of its own.
fn one_by_one(steps: &[(Op, f32)], params: &[Drawn], src: &Owned) -> Owned {
    steps.iter().zip(params).fold(src.clone(), |image, (step, drawn)| {
        let pipeline = of(&[*step]);
        let plan = pipeline.plan(image.shape).unwrap();
        run(&plan, &[*drawn], &image)
    })
}

proptest! {
    #[test]
    fn a_record_makes_the_same_again(src in images(), copy: u32) {
        let pipeline = mixed();
        let plan = pipeline.plan(src.shape).unwrap();
        let params = plan.draw(7, key(b"x", copy), &[]).unwrap();
        let mut want = Owned::new(plan.out_shape());
        let mut memory = vec![0; plan.scratch_len::<u8>()];
        pipeline.apply(Level::BASE, src.view(), want.view_mut(), 7, key(b"x", copy), &mut Scratch::new(&mut memory)).unwrap();
        prop_assert_eq!(&run(&plan, &params, &src), &want);
        // A pipeline that fuses nothing has other bytes, but takes the same records.
        let mut apart = pipeline.clone();
        apart.set_fuse(false);
        run(&apart.plan(src.shape).unwrap(), &params, &src);
    }

    #[test]
    fn moves_of_whole_pixels_are_exact_in_one_pass(src in images(), picks in prop::collection::vec((0usize..9, any::<u32>()), 1..7)) {
        let border = [Border::Edge, Border::Reflect101, Border::Reflect, Border::Wrap, Border::Constant(9)];
        let steps: Vec<(Op, f32)> = picks.iter().map(|&(pick, more)| {
            let margin = |n: u32| more.rotate_left(n) % 4;
            let border = border[more as usize % 5];
            let op = match pick {
                0 => Op::HFlip {},
                1 => Op::VFlip {},
                2 => Op::Rot90 {},
                3 => Op::D4 {},
                4 => Op::Transpose {},
                5 => Op::RandomCrop { height: 0, width: 0, padding: margin(3), border },
                6 => Op::RandomCrop { height: 1, width: 1 + margin(9) % 2, padding: 1, border },
                _ => Op::Pad { top: margin(1), left: margin(5), bottom: margin(11), right: margin(17), border },
            };
            (op, 1.0)
        }).collect();
        let pipeline = of(&steps);
        prop_assume!(pipeline.out_shape(src.shape).is_ok());
        let plan = pipeline.plan(src.shape).unwrap();
        let params = plan.draw(1, key(b"y", picks.len() as u32), &[]).unwrap();
        prop_assert_eq!(run(&plan, &params, &src), one_by_one(&steps, &params, &src));
    }

    #[test]
    fn masks_points_and_validity_go_with_the_image(x in 6usize..26, y in 6usize..26, copy: u32, fuse: bool) {
        let border = Border::Constant(0);
        let mut pipeline = of(&[
            (Op::HFlip {}, 0.5),
            (Op::Rotate { degrees: [-40.0, 40.0], border, interpolation: Interpolation::Bilinear }, 0.7),
            (Op::RandomCrop { height: 0, width: 0, padding: 5, border }, 1.0),
            (Op::Perspective { shift: [0.0, 0.1], border, interpolation: Interpolation::Bilinear }, 0.7),
            (Op::D4 {}, 0.8),
            (Op::GaussianNoise { std: [40.0; 2] }, 1.0),
            (Op::Letterbox { height: 40, width: 56, fill: 7, filter: Filter::Bilinear, antialias: true, precise: false }, 1.0),
        ]);
        pipeline.set_fuse(fuse);
        let plan = pipeline.plan((32, 32, 3)).unwrap();
        let prepared = plan.prepare(&plan.draw(3, key(b"z", copy), &[]).unwrap()).unwrap();
        let mut memory = vec![0; plan.mask_scratch_len::<u8>(1)];
        let mut mask = Owned::new((32, 32, 1));
        mask.data[y * 32 + x] = 200;
        let (mut moved, mut valid) = (Owned::new((40, 56, 1)), Owned::new((40, 56, 1)));
        let scratch = &mut Scratch::new(&mut memory);
        prepared.run_mask(Level::detect(), mask.view(), moved.view_mut(), (Labels::Nearest, 99), scratch).unwrap();
        prepared.validity(Level::detect(), valid.view_mut(), scratch).unwrap();
        prop_assert!(moved.data.iter().all(|v| [0, 200, 99].contains(v)));
        // Borders are all of one value here: exactly what is not valid shows it.
        let outside = moved.data.iter().zip(&valid.data).all(|(m, v)| (*m == 99) == (*v == 0));
        prop_assert!(outside && valid.data.contains(&255));
        let way = prepared.way().unwrap();
        let Index([px, py]) = way.point(Index([x as f64, y as f64])).unwrap();
        for at in (0..40 * 56).filter(|&at| moved.data[at] == 200) {
            let away = [(at % 56) as f64 - px, (at / 56) as f64 - py];
            prop_assert!(away.iter().all(|v| v.abs() < 2.5), "{:?}", away);
        }
        // A box around the spot goes where the spot goes.
        let spot = Bounds::from_xywh([x as f64, y as f64, 1.0, 1.0]).unwrap();
        let around = way.bounds(&spot).unwrap();
        let Edge([ex, ey]) = Index([px, py]).into();
        prop_assert!(around.left <= ex && ex <= around.right && around.top <= ey && ey <= around.bottom);
    }

    #[test]
    fn box_safe_crops_keep_all_boxes(left in 0.0f64..30.0, top in 0.0f64..20.0, w in 0.5f64..10.0, h in 0.5f64..10.0, copy: u32, flip: bool) {
        let pipeline = of(&[
            (Op::HFlip {}, if flip { 1.0 } else { 0.0 }),
            (Op::BoxSafeCrop { height: 24, width: 24, filter: Filter::Bilinear, antialias: true, precise: false }, 1.0),
        ]);
        let plan = pipeline.plan((30, 40, 1)).unwrap();
        let boxes = [Bounds::from_xywh([left, top, w, h]).unwrap(), Bounds::from_xywh([left / 2.0, top, w, h]).unwrap()];
        let prepared = plan.prepare(&plan.draw(3, key(b"b", copy), &boxes).unwrap()).unwrap();
        let way = prepared.way().unwrap();
        for one in &boxes {
            let moved = way.bounds(one).unwrap();
            prop_assert!(moved.left > -1e-4 && moved.top > -1e-4 && moved.right < 24.0001 && moved.bottom < 24.0001, "{:?}", moved);
        }
    }

    #[test]
    fn wider_values_are_augmented_as_levels_are(copy: u32) {
        // Tones and moves: what a level becomes is what 257 times the level becomes, up to rounding.
        let pipeline = of(&[
            (Op::HFlip {}, 0.5),
            (Op::Rotate { degrees: [-30.0, 30.0], border: Border::Constant(40), interpolation: Interpolation::Bilinear }, 0.7),
            (Op::RandomCrop { height: 20, width: 20, padding: 2, border: Border::Constant(40) }, 1.0),
            (Op::Brightness { factor: [0.5, 1.5] }, 1.0),
            (Op::Cutout { height: [0.2; 2], width: [0.2; 2], fill: 200 }, 1.0),
        ]);
        let src = Owned::pattern(24, 24, 3);
        let plan = pipeline.plan(src.shape).unwrap();
        let params = plan.draw(5, key(b"w", copy), &[]).unwrap();
        let want = run(&plan, &params, &src);
        let wide: Vec<u16> = src.data.iter().map(|&v| u16::from(v) * 257).collect();
        let mut out = vec![0u16; want.data.len()];
        let mut memory = vec![0; plan.scratch_len::<u16>()];
        let prepared = plan.prepare(&params).unwrap();
        let (view, dst) = (ImageRef::new(&wide, 24, 24, 3).unwrap(), ImageMut::new(&mut out, 20, 20, 3).unwrap());
        prepared.run(Level::detect(), view, dst, &mut Scratch::new(&mut memory)).unwrap();
        for (got, want) in out.iter().zip(&want.data) {
            // A level is rounded twice on its way, and brightened in between.
            prop_assert!((f64::from(*got) / 257.0 - f64::from(*want)).abs() < 1.6, "{} {}", got, want);
        }
    }
}

#[test]
fn steps_that_resample_are_one_resampling_unless_told_otherwise() {
    let border = Border::Edge;
    let mut pipeline = of(&[
        (Op::Rotate { degrees: [20.0; 2], border, interpolation: Interpolation::Bilinear }, 1.0),
        (Op::HFlip {}, 1.0),
        (Op::RandomCrop { height: 9, width: 9, padding: 0, border: Border::Wrap }, 1.0),
        (
            Op::ShiftScaleShear {
                shift_x: [0.1; 2],
                shift_y: [0.0; 2],
                scale: [1.1; 2],
                shear_x: [0.0; 2],
                shear_y: [0.0; 2],
                border,
                interpolation: Interpolation::Bilinear,
            },
            1.0,
        ),
        (Op::Gamma { gamma: [1.2; 2] }, 1.0),
        (Op::Rotate { degrees: [5.0; 2], border, interpolation: Interpolation::Bilinear }, 1.0),
        (Op::Rotate { degrees: [5.0; 2], border: Border::Wrap, interpolation: Interpolation::Bilinear }, 1.0),
    ]);
    let passes = |pipeline: &Pipeline<12>| {
        let plan = pipeline.plan((12, 12, 1)).unwrap();
        let params = plan.draw(1, key(b"p", 1), &[]).unwrap();
        plan.prepare(&params).unwrap().actions.len()
    };
    // The first four; the tones; the last two have borders of their own.
    assert_eq!(passes(&pipeline), 4);
    pipeline.set_fuse(false);
    // The flip and the crop are one move of pixels all the same.
    assert_eq!(passes(&pipeline), 6);
}

#[test]
fn what_resamples_otherwise_is_a_pass_of_its_own() {
    let turn = |interpolation| Op::Rotate { degrees: [9.0; 2], border: Border::Edge, interpolation };
    let passes = |ops: &[Op]| {
        let pipeline = of(&ops.iter().map(|op| (*op, 1.0)).collect::<Vec<_>>());
        let plan = pipeline.plan((16, 16, 1)).unwrap();
        plan.prepare(&plan.draw(1, key(b"a", 0), &[]).unwrap()).unwrap().actions.len()
    };
    let (bilinear, bicubic) = (turn(Interpolation::Bilinear), turn(Interpolation::Bicubic));
    assert_eq!(passes(&[bilinear, Op::HFlip {}, bilinear]), 1);
    assert_eq!(passes(&[bicubic, Op::HFlip {}, bicubic]), 1);
    assert_eq!(passes(&[bilinear, bicubic]), 2);
    // The flip joins the one before it.
    assert_eq!(passes(&[bilinear, Op::HFlip {}, bicubic, bicubic]), 2);
}

#[test]
fn a_batch_is_its_images() {
    let pipeline = mixed();
    let shape = (16, 16, 3);
    let plan = pipeline.plan(shape).unwrap();
    let (h, w, c) = plan.out_shape();
    let images: Vec<Owned> = (0..5).map(|i| Owned::noise(shape, i)).collect();
    let src: Vec<u8> = images.iter().flat_map(|image| image.data.clone()).collect();
    let keys: Vec<Key> = (0..5).map(|i| key(b"batch", i)).collect();
    let mut memory = vec![0; plan.scratch_len::<u8>()];
    let alone = |draw_key: Key, image: &Owned| run(&plan, &plan.draw(9, draw_key, &[]).unwrap(), image);
    let mut out = vec![0; 5 * h * w * c];
    for shared in [false, true] {
        let draws = if shared { Draws::Shared(9, keys[2], 5) } else { Draws::Own(9, &keys) };
        plan.batch(Level::detect(), &src, &mut out, draws, &mut Scratch::new(&mut memory)).unwrap();
        let mut numbers = [vec![0f32; out.len()], vec![0f32; out.len()]];
        let (mean, std) = ([0.5, 0.4, 0.3], [0.2, 0.25, 0.3]);
        for (planes, numbers) in [false, true].into_iter().zip(&mut numbers) {
            let normal = Normal { mean: &mean, std: &std, planes };
            plan.batch_normalised(
                Level::detect(),
                &src,
                numbers,
                normal,
                draws,
                &mut Scratch::new(&mut memory),
            )
            .unwrap();
        }
        for (i, image) in images.iter().enumerate() {
            let want = alone(keys[if shared { 2 } else { i }], image);
            let part = i * h * w * c..(i + 1) * h * w * c;
            assert_eq!(out[part.clone()], want.data);
            let mut plain = vec![0f32; want.data.len()];
            let to = ImageMut::new(&mut plain, h, w, c).unwrap();
            normalise(Level::BASE, want.view(), to, &mean, &std).unwrap();
            assert_eq!(numbers[0][part.clone()], plain);
            normalise_chw(Level::BASE, want.view(), &mut plain, &mean, &std).unwrap();
            assert_eq!(numbers[1][part], plain);
        }
    }
    let draws = Draws::Own(9, &keys[..4]);
    let refused = plan.batch(Level::BASE, &src, &mut out, draws, &mut Scratch::new(&mut memory));
    assert_eq!(refused, Err(Error::ShapeMismatch));
}

#[test]
fn records_of_something_else_are_refused() {
    use crate::image::Rect;
    let crop = Op::RandomCrop { height: 4, width: 4, padding: 1, border: Border::Edge };
    let pipeline = of(&[(crop, 1.0), (Op::Cutout { height: [0.5; 2], width: [0.5; 2], fill: 0 }, 0.5)]);
    let plan = pipeline.plan((8, 8, 1)).unwrap();
    let hole = |top| Drawn::Part(Rect { top, left: 0, height: 2, width: 2 });
    let place = |top| Drawn::Place { top, left: 0 };
    assert!(plan.prepare(&[place(-1), hole(2)]).is_ok());
    assert!(plan.prepare(&[place(5), Drawn::Skipped]).is_ok());
    for wrong in [
        &[place(-2), hole(2)][..],
        &[place(6), hole(2)],
        &[place(0), hole(3)],
        &[place(0), hole(u32::MAX)],
        &[place(0)],
        &[Drawn::Skipped, hole(0)],
        &[hole(0), place(0)],
        &[Drawn::Done, Drawn::Done],
    ] {
        assert_eq!(plan.prepare(wrong).err(), Some(Error::InvalidArgument), "{wrong:?}");
    }
}

#[test]
fn records_out_of_range_are_refused() {
    let wide = [0.5f32, 1.5];
    let jitter = Op::ColourJitter { brightness: wide, contrast: wide, saturation: wide, hue: [-0.1, 0.1] };
    let steps =
        |v| [Adjust::Brightness(1.0), Adjust::Hue(0.05), Adjust::Saturation(v), Adjust::Contrast(1.5)];
    let refused = |op: Op, p: f32, drawn: Drawn| {
        let pipeline = of(&[(op, p)]);
        let prepared = pipeline.plan((8, 8, 3)).unwrap().prepare(&[drawn]);
        prepared.is_err()
    };
    assert!(!refused(jitter, 1.0, Drawn::Jitter(Jitter(steps(0.5)))));
    assert!(refused(jitter, 1.0, Drawn::Jitter(Jitter(steps(-0.5)))));
    assert!(refused(jitter, 1.0, Drawn::Jitter(Jitter([Adjust::Hue(0.0); 4]))));
    let bright = Op::Brightness { factor: wide };
    for v in [-1.0, 0.4, 1.6, f32::NAN, f32::INFINITY] {
        assert!(refused(bright, 1.0, Drawn::Amount(v)), "{v}");
    }
    assert!(!refused(bright, 1.0, Drawn::Amount(1.5)) && !refused(bright, 0.5, Drawn::Skipped));
    assert!(refused(bright, 1.0, Drawn::Skipped) && refused(bright, 0.0, Drawn::Amount(1.0)));
    let noise = Op::GaussianNoise { std: [0.0, 9.0] };
    assert!(refused(noise, 1.0, Drawn::Noise { std: 300.0, seed: 0 }));
    let turn =
        Op::Rotate { degrees: [-9.0, 9.0], border: Border::Edge, interpolation: Interpolation::Bilinear };
    let motion = |degrees, scale| Drawn::Motion(Motion { degrees, scale, ..Motion::default() });
    assert!(!refused(turn, 1.0, motion(9.0, 1.0)));
    assert!(refused(turn, 1.0, motion(9.5, 1.0)) && refused(turn, 1.0, motion(0.0, 2.0)));
    let holes = Op::CoarseDropout { holes: [1.0, 8.999], height: [0.1; 2], width: [0.1; 2], fill: 0 };
    let of_count = |count| refused(holes, 1.0, Drawn::Holes { count, seed: 1 });
    assert!(!of_count(8) && of_count(9) && of_count(0));
}

#[test]
fn members_of_groups_are_checked() {
    let group = Op::SomeOf { members: 2, least: 1, most: 2, any_order: false };
    let pipeline = of(&[(group, 1.0), (Op::HFlip {}, 1.0), (Op::Invert {}, 1.0)]);
    let plan = pipeline.plan((4, 4, 1)).unwrap();
    let mut stream = Stream::new(0, Key::new(0));
    let mut of_draw =
        |members, least, most, any| Drawn::Members(Members::draw(&mut stream, members, least, most, any));
    let check = |drawn| plan.prepare(&[drawn, Drawn::Done, Drawn::Done]).is_ok();
    assert!(check(of_draw(2, 2, 2, false)) && check(of_draw(2, 1, 1, true)));
    // None, three of them, or one that is not there.
    assert!(!check(of_draw(2, 0, 0, false)));
    assert!(!check(of_draw(3, 3, 3, false)));
    assert!((0..20).any(|_| !check(of_draw(9, 1, 1, false))));
    // Two in the other order.
    assert!((0..20).any(|_| !check(of_draw(2, 2, 2, true))));
}

proptest! {
    #[test]
    fn the_scratch_that_is_told_is_enough(from in (1usize..90, 1usize..300), to in (1u32..60, 1u32..60), filter in 0usize..7, kind in 0usize..4, wide: bool) {
        let filter = Filter::ALL[filter];
        let resize = match kind {
            0 => Op::Letterbox { height: to.0, width: to.1, fill: 0, filter, antialias: true, precise: false },
            1 => Op::Resize { height: to.0, width: to.1, filter, antialias: true, precise: false },
            2 => Op::LongestSide { side: to.0, filter, antialias: true, precise: false },
            _ => Op::RandomResizedCrop { height: to.0, width: to.1, scale: [0.1, 0.6], ratio: [0.5, 2.0], filter, antialias: true, precise: false },
        };
        // Both images on the way are in use while it resizes.
        let blur = Op::GaussianBlur { sigma: [0.6; 2] };
        let pipeline = of(&[(Op::Invert {}, 1.0), (blur, 1.0), (resize, 1.0), (Op::VFlip {}, 1.0), (blur, 1.0)]);
        let shape = (from.0, from.1, 3);
        let plan = pipeline.plan(shape).unwrap();
        let prepared = plan.prepare(&plan.draw(1, key(b"s", to.0), &[]).unwrap()).unwrap();
        for level in Level::available() {
            let (h, w, c) = plan.out_shape();
            if wide {
                let (src, mut out) = (vec![9u16; from.0 * from.1 * 3], vec![0u16; h * w * c]);
                let mut memory = vec![0; plan.scratch_len::<u16>()];
                let (view, dst) = (ImageRef::new(&src, from.0, from.1, 3).unwrap(), ImageMut::new(&mut out, h, w, c).unwrap());
                prop_assert_eq!(prepared.run(level, view, dst, &mut Scratch::new(&mut memory)), Ok(()));
            } else {
                let (src, mut out) = (Owned::pattern(from.0, from.1, 3), Owned::new((h, w, c)));
                let mut memory = vec![0; plan.scratch_len::<u8>()];
                prop_assert_eq!(prepared.run(level, src.view(), out.view_mut(), &mut Scratch::new(&mut memory)), Ok(()));
            }
        }
    }
}

#[test]
fn a_batch_is_refused_as_a_whole() {
    let group = Op::SomeOf { members: 2, least: 1, most: 1, any_order: false };
    let pipeline = of(&[(group, 1.0), (Op::GaussianBlur { sigma: [2.0; 2] }, 1.0), (Op::HFlip {}, 1.0)]);
    let plan = pipeline.plan((8, 8, 1)).unwrap();
    let keys: Vec<Key> = (0..16).map(|i| key(b"few", i)).collect();
    let (src, mut dst) = (vec![1u8; 16 * 64], vec![7u8; 16 * 64]);
    let mut memory = vec![0; plan.scratch_len::<u8>() - 1];
    let refused =
        plan.batch(Level::BASE, &src, &mut dst, Draws::Own(9, &keys), &mut Scratch::new(&mut memory));
    assert_eq!(refused, Err(Error::ScratchTooSmall));
    assert!(dst.iter().all(|&v| v == 7));
}

#[test]
fn the_majority_is_what_covers_most() {
    let half = Op::Resize { height: 2, width: 2, filter: Filter::Bilinear, antialias: true, precise: false };
    let pipeline = of(&[(half, 1.0)]);
    let plan = pipeline.plan((4, 4, 3)).unwrap();
    let prepared = plan.prepare(&[Drawn::Done]).unwrap();
    let mask = Owned { data: vec![1, 1, 5, 2, 1, 7, 2, 2, 3, 3, 9, 9, 4, 3, 9, 8], shape: (4, 4, 1) };
    let moved = |labels| {
        let mut out = Owned::new((2, 2, 1));
        let mut memory = vec![0; plan.mask_scratch_len::<u8>(1)];
        let scratch = &mut Scratch::new(&mut memory);
        prepared.run_mask(Level::BASE, mask.view(), out.view_mut(), (labels, 0), scratch).unwrap();
        out.data
    };
    assert_eq!(moved(Labels::Majority), [1, 2, 3, 9]);
    // The pixels at the middle of each four, right and below.
    assert_eq!(moved(Labels::Nearest), [7, 2, 3, 8]);
}
