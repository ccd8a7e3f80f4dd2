use super::*;
use crate::augment::{self, Drawn, Family, Kind, Pipeline, Value};
use crate::image::{Bend, Fit, Interpolation, Symmetry, Table, Tiles, Tone};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn pattern((h, w, c): Shape) -> Vec<u8> {
    (0..h * w * c).map(|i| (i * 37 + i / 7 * 11) as u8).collect()
}

fn applied<const N: usize>(level: Level, pipeline: &Pipeline<N>, shape: Shape, key: Key) -> Vec<u8> {
    let src = pattern(shape);
    let (h, w, c) = pipeline.out_shape(shape).unwrap();
    let mut out = vec![0; h * w * c];
    let mut memory = vec![0xa5; pipeline.scratch_len(shape)];
    pipeline
        .apply(
            level,
            ImageRef::new(&src, shape.0, shape.1, shape.2).unwrap(),
            ImageMut::new(&mut out, h, w, c).unwrap(),
            7,
            key,
            &mut Scratch::new(&mut memory),
        )
        .unwrap();
    out
}

fn one(op: Op) -> Pipeline<1> {
    let mut pipeline = Pipeline::new();
    pipeline.push(op, 1.0).unwrap();
    pipeline
}

/// Pipelines of up to six operations at their defaults, each certain or not.
fn pipelines() -> impl Strategy<Value = Pipeline<6>> {
    prop::collection::vec((0..Op::KINDS.len(), prop::bool::ANY), 0..=6).prop_map(|picks| {
        let mut pipeline = Pipeline::new();
        for (kind, certain) in picks {
            let op = Op::KINDS[kind].default_op().unwrap();
            pipeline.push(op, if certain { 1.0 } else { 0.5 }).unwrap();
        }
        pipeline
    })
}

proptest! {
    #[test]
    fn any_pipeline_runs_in_its_scratch_with_the_same_bytes_at_every_level(
        pipeline in pipelines(), shape in (1usize..40, 1usize..40, 1usize..5), copy in 0u32..4
    ) {
        let key = augment::key(b"sample", copy);
        // A transpose that is not certain needs a square.
        prop_assume!(pipeline.out_shape(shape).is_ok());
        let want = applied(Level::BASE, &pipeline, shape, key);
        for level in Level::available() {
            prop_assert_eq!(&applied(level, &pipeline, shape, key), &want);
        }
    }

    #[test]
    fn what_is_drawn_lies_in_its_range(shape in (1usize..60, 1usize..60, 1usize..4), copy in 0u32..1000) {
        let key = augment::key(b"x", copy);
        let draw = |op: Op| one(op).sample(7, key, shape).unwrap()[0];
        let crop = Op::RandomResizedCrop { height: 5, width: 9, scale: [0.1, 0.9], ratio: [0.5, 2.0], filter: Filter::Bilinear, antialias: true, precise: false };
        let erase = Op::RandomErasing { scale: [0.1, 0.9], ratio: [0.5, 2.0], fill: 0 };
        for op in [crop, Op::Cutout { height: [0.0, 1.0], width: [0.2, 0.7], fill: 3 }, erase] {
            let (Drawn::Part(part) | Drawn::Erased { part, .. }) = draw(op) else { panic!() };
            prop_assert!((part.top + part.height) as usize <= shape.0 && (part.left + part.width) as usize <= shape.1);
        }
        let Drawn::Place { top, left } = draw(Op::RandomCrop { height: 0, width: 1, padding: 4, border: Border::Edge }) else { panic!() };
        prop_assert!((-4..=4).contains(&top) && (-4..shape.1 as i32 + 4).contains(&left));
        let Drawn::Amount(v) = draw(Op::Gamma { gamma: [0.5, 0.75] }) else { panic!() };
        prop_assert!((0.5..=0.75).contains(&v));
        let Drawn::Turns(turns) = draw(Op::Rot90 {}) else { panic!() };
        prop_assert!(turns < 4 && (shape.0 == shape.1 || turns % 2 == 0));
        let Drawn::Turns(turns) = draw(Op::D4 {}) else { panic!() };
        prop_assert!(Symmetry::ALL[usize::from(turns)].size((shape.0, shape.1)) == (shape.0, shape.1));
        let Drawn::Holes { count, .. } = draw(Op::CoarseDropout { holes: [2.0, 4.0], height: [0.1; 2], width: [0.1; 2], fill: 0 }) else { panic!() };
        prop_assert!((2..4).contains(&count));
    }
}

#[test]
fn a_single_operation_is_the_one_of_the_image_module() {
    let shape = (6, 6, 3);
    let (src, key) = (pattern(shape), augment::key(b"a", 0));
    let view = ImageRef::new(&src, 6, 6, 3).unwrap();
    let mut want = vec![0; src.len()];
    image::hflip(Level::BASE, view, ImageMut::new(&mut want, 6, 6, 3).unwrap()).unwrap();
    assert_eq!(applied(Level::BASE, &one(Op::HFlip {}), shape, key), want);
    let dim = one(Op::Brightness { factor: [0.5, 0.5] });
    let want: Vec<u8> = src.iter().map(|&v| v.div_ceil(2)).collect();
    assert_eq!(applied(Level::BASE, &dim, shape, key), want);
    assert_eq!(applied(Level::BASE, &Pipeline::<1>::new(), shape, key), src);
}

/// An operation on a picture with what was drawn, straight from the image module.
fn direct(op: Op, drawn: Drawn, src: ImageRef<'_, u8>, mut dst: ImageMut<'_, u8>) {
    let (level, size) = (Level::BASE, (src.height(), src.width()));
    let mut memory = vec![0; 1 << 20];
    let scratch = &mut Scratch::new(&mut memory);
    let (mut how, mut flags) = (Interpolation::Bilinear, Vec::new());
    op.for_each_value(|value| match value {
        Value::Interpolation(given) => how = given,
        Value::Flag(flag) => flags.push(flag),
        _ => (),
    });
    let table = |tone: Tone, dst| tone.table().unwrap().apply(level, src, dst);
    let copied = |mut dst: ImageMut<'_, u8>, op: &mut dyn FnMut(ImageMut<'_, u8>) -> Result<()>| {
        image::copy(src, dst.reborrow()).unwrap();
        op(dst)
    };
    let resize = |part: Rect, to: ImageMut<'_, u8>, filter| {
        let mut memory = vec![0; 1 << 20];
        let scratch = &mut Scratch::new(&mut memory);
        let part = part.of(src).unwrap();
        let (from, size) = ((part.height(), part.width()), (to.height(), to.width()));
        let plan =
            ResizePlan::new(image::Sampling { filter, antialias: flags[0] }, from, size, scratch).unwrap();
        if flags[1] { plan.run_precise(level, part, to, scratch) } else { plan.run(level, part, to, scratch) }
    };
    match (op, drawn) {
        (Op::HFlip {}, Drawn::Done) => image::hflip(level, src, dst),
        (Op::VFlip {}, Drawn::Done) => image::vflip(src, dst),
        (Op::Transpose {}, Drawn::Done) => image::transpose(level, src, dst),
        (Op::Rot90 {} | Op::D4 {}, Drawn::Turns(0)) => image::copy(src, dst),
        (Op::Rot90 {} | Op::D4 {}, Drawn::Turns(1)) => image::rot90(level, src, dst),
        (Op::Rot90 {} | Op::D4 {}, Drawn::Turns(2)) => image::rot180(level, src, dst),
        (Op::Rot90 {} | Op::D4 {}, Drawn::Turns(3)) => image::rot270(level, src, dst),
        (Op::D4 {}, Drawn::Turns(4)) => image::hflip(level, src, dst),
        (Op::D4 {}, Drawn::Turns(5)) => image::transpose(level, src, dst),
        (Op::D4 {}, Drawn::Turns(6)) => image::vflip(src, dst),
        (Op::D4 {}, Drawn::Turns(7)) => image::transverse(level, src, dst),
        (Op::Rotate { border, .. } | Op::ShiftScaleShear { border, .. }, Drawn::Motion(motion)) => {
            image::warp(level, motion.inverse(size).unwrap(), how, border, src, dst)
        }
        (Op::RotateInside { .. }, Drawn::Motion(motion)) => {
            // Whatever lies outside does not show, but cubics weigh a pixel more, which then is that at the edge.
            let near = matches!(how, Interpolation::Nearest | Interpolation::Bilinear);
            let border = if near { Border::Constant(77) } else { Border::Edge };
            image::warp(level, motion.inverse(size).unwrap(), how, border, src, dst)
        }
        (Op::RandomCrop { border, .. }, Drawn::Place { top, left }) => {
            image::pad(src, dst, -i64::from(top), -i64::from(left), border)
        }
        (Op::CentreCrop { .. }, Drawn::Done) => {
            let (h, w) = (dst.height(), dst.width());
            image::copy(src.crop((size.0 - h) / 2, (size.1 - w) / 2, h, w).unwrap(), dst)
        }
        (
            Op::RandomResizedCrop { filter, .. }
            | Op::BoxSafeCrop { filter, .. }
            | Op::RandomIouCrop { filter, .. },
            Drawn::Part(part),
        ) => resize(part, dst, filter),
        (Op::ZoomOut { fill, filter, .. }, Drawn::Part(part)) => {
            dst.data_mut().fill(fill as u8);
            resize(Rect::whole(size), part.of_mut(&mut dst).unwrap(), filter)
        }
        (
            Op::Resize { filter, .. } | Op::LongestSide { filter, .. } | Op::SmallestSide { filter, .. },
            Drawn::Done,
        ) => resize(Rect::whole(size), dst, filter),
        (Op::Letterbox { fill, filter, .. }, Drawn::Done) => {
            let place = Fit::Contain.placement(size, (dst.height(), dst.width())).unwrap();
            dst.data_mut().fill(fill as u8);
            resize(place.source, place.target.of_mut(&mut dst).unwrap(), filter)
        }
        (Op::Pad { top, left, border, .. }, Drawn::Done) => {
            image::pad(src, dst, i64::from(top), i64::from(left), border)
        }
        (Op::Brightness { .. }, Drawn::Amount(v)) => Table::brightness(v).unwrap().apply(level, src, dst),
        (Op::Contrast { .. }, Drawn::Amount(v)) => Table::contrast(v, 127.5).unwrap().apply(level, src, dst),
        (Op::Gamma { .. }, Drawn::Amount(v)) => Table::gamma(v).unwrap().apply(level, src, dst),
        (Op::Invert {}, Drawn::Done) => table(Tone::Invert, dst),
        (Op::Solarise { .. }, Drawn::Amount(v)) => table(Tone::Solarise(v / 255.0), dst),
        (Op::Posterise { bits }, Drawn::Done) => table(Tone::Posterise(bits as u8), dst),
        (Op::ToneCurve { .. }, Drawn::Amounts([low, high, _])) => table(Tone::Curve { low, high }, dst),
        (Op::Greyscale {}, Drawn::Done) if src.channels() < 3 => image::copy(src, dst),
        (Op::Greyscale {}, Drawn::Done) => {
            let mut grey = vec![0; size.0 * size.1];
            image::rgb_to_grey(level, src, ImageMut::new(&mut grey, size.0, size.1, 1).unwrap()).unwrap();
            image::grey_to_rgb(ImageRef::new(&grey, size.0, size.1, 1).unwrap(), dst)
        }
        (Op::ColourJitter { .. }, Drawn::Jitter(jitter)) => copied(dst, &mut |dst| jitter.apply(level, dst)),
        (Op::HsvShift { .. }, Drawn::Amounts(shift)) => {
            copied(dst, &mut |dst| image::hsv_shift(level, shift, dst))
        }
        (Op::GaussianNoise { .. }, Drawn::Noise { std, seed }) => {
            copied(dst, &mut |dst| image::gaussian_noise(level, std, &mut stream(seed), dst))
        }
        (Op::BoxBlur { radius }, Drawn::Done) => {
            image::box_blur(level, radius as usize, Border::Reflect101, src, dst, scratch)
        }
        (Op::Perspective { border, .. }, Drawn::Corners(corners)) => {
            let map = image::Perspective::of_corners(size, corners).unwrap();
            image::warp(level, map, how, border, src, dst)
        }
        (Op::GaussianBlur { .. }, Drawn::Amount(sigma)) => {
            image::gaussian_blur(level, sigma, Border::Reflect101, src, dst, scratch)
        }
        (Op::Cutout { fill, .. } | Op::ConstrainedCutout { fill, .. }, Drawn::Part(part)) => {
            copied(dst, &mut |dst| image::cutout(dst, part, fill as u8))
        }
        (Op::RandomErasing { .. }, Drawn::Erased { part, seed }) => {
            copied(dst, &mut |dst| image::erase(dst, part, &mut stream(seed)))
        }
        (Op::CoarseDropout { fill, .. }, Drawn::Holes { count, seed }) => copied(dst, &mut |mut dst| {
            let mut draws = stream(seed);
            for _ in 0..count {
                let shares = [draws.range(0.1, 0.2), draws.range(0.2, 0.4)];
                let part = hole(&mut draws, shares, size);
                draws.next_u32();
                image::cutout(dst.reborrow(), part, fill as u8).unwrap();
            }
            Ok(())
        }),
        other => panic!("{other:?}"),
    }
    .unwrap();
}

/// An operation with other values of its parameters.
fn varied(op: Op, mut value: impl FnMut(&str, Value) -> Value) -> Op {
    let mut values = Vec::new();
    let mut fields = op.kind().unwrap().fields.iter();
    op.for_each_value(|old| values.push(value(fields.next().unwrap().name, old)));
    Op::from_values(op.code(), values.into_iter()).unwrap()
}

#[test]
fn each_operation_does_what_its_draw_says() {
    let border = Border::Reflect101;
    let unit = [-0.2f32, 0.3];
    let ops = [
        Op::HFlip {},
        Op::VFlip {},
        Op::Rot90 {},
        Op::Rotate {
            degrees: [-60.0, 80.0],
            border: Border::Constant(5),
            interpolation: Interpolation::Bilinear,
        },
        Op::ShiftScaleShear {
            shift_x: unit,
            shift_y: unit,
            scale: [0.7, 1.4],
            shear_x: [-9.0, 12.0],
            shear_y: [-5.0, 3.0],
            border,
            interpolation: Interpolation::Bilinear,
        },
        Op::RandomCrop { height: 7, width: 5, padding: 3, border },
        Op::RandomResizedCrop {
            height: 6,
            width: 9,
            scale: [0.2, 0.8],
            ratio: [0.5, 2.0],
            filter: Filter::Bicubic,
            antialias: true,
            precise: false,
        },
        Op::Pad { top: 1, left: 2, bottom: 3, right: 4, border: Border::Edge },
        Op::Brightness { factor: [0.4, 1.7] },
        Op::Contrast { factor: [0.4, 1.7] },
        Op::Gamma { gamma: [0.4, 1.7] },
        Op::GaussianNoise { std: [5.0, 30.0] },
        Op::GaussianBlur { sigma: [0.5, 2.0] },
        Op::Cutout { height: [0.2, 0.6], width: [0.2, 0.6], fill: 99 },
        Op::ColourJitter {
            brightness: [0.5, 1.5],
            contrast: [0.5, 1.5],
            saturation: [0.0, 2.0],
            hue: [-0.5, 0.5],
        },
        Op::HsvShift { hue: unit, saturation: unit, value: unit },
        Op::Invert {},
        Op::Solarise { threshold: [20.0, 200.0] },
        Op::Posterise { bits: 3 },
        Op::ToneCurve { low: [0.1, 0.5], high: [0.4, 0.9] },
        Op::BoxBlur { radius: 2 },
        Op::Perspective { shift: [0.1, 0.2], border, interpolation: Interpolation::Bilinear },
        Op::Transpose {},
        Op::D4 {},
        Op::CentreCrop { height: 6, width: 7 },
        Op::Resize { height: 13, width: 5, filter: Filter::Lanczos3, antialias: true, precise: false },
        Op::LongestSide { side: 18, filter: Filter::Bicubic, antialias: true, precise: false },
        Op::SmallestSide { side: 5, filter: Filter::Area, antialias: true, precise: false },
        Op::Letterbox {
            height: 8,
            width: 20,
            fill: 9,
            filter: Filter::Bilinear,
            antialias: true,
            precise: false,
        },
        Op::Greyscale {},
        Op::RotateInside { degrees: [-50.0, 70.0], interpolation: Interpolation::Bilinear },
        Op::CoarseDropout { holes: [2.0, 5.9], height: [0.1, 0.2], width: [0.2, 0.4], fill: 31 },
        Op::RandomErasing { scale: [0.1, 0.5], ratio: [0.4, 2.0], fill: 256 },
        Op::BoxSafeCrop { height: 4, width: 0, filter: Filter::Bilinear, antialias: true, precise: false },
        Op::ZoomOut {
            factor: [1.0, 3.0],
            fill: 77,
            filter: Filter::Bilinear,
            antialias: true,
            precise: false,
        },
        Op::RandomIouCrop {
            height: 4,
            width: 0,
            scale: [0.3, 1.0],
            ratio: [0.5, 2.0],
            filter: Filter::Bilinear,
            antialias: true,
            precise: false,
        },
        Op::ConstrainedCutout { height: [0.2, 0.5], width: [0.1, 0.6], inside: false, fill: 8 },
    ];
    // Plain ones and policies have tests of their own.
    assert_eq!(
        ops.len(),
        Op::KINDS
            .iter()
            .filter(|kind| !kind.is_group() && !kind.plain && kind.family != Family::Policy)
            .count()
    );
    let flags = |antialias: bool, precise: bool| {
        move |name: &str, value| match name {
            "antialias" => Value::Flag(antialias),
            "precise" => Value::Flag(precise),
            _ => value,
        }
    };
    let how = |how| {
        move |_: &str, value| match value {
            Value::Interpolation(_) => Value::Interpolation(how),
            _ => value,
        }
    };
    let ops = ops.into_iter().flat_map(|op| {
        let others = [
            varied(op, flags(false, false)),
            varied(op, flags(true, true)),
            varied(op, flags(false, true)),
            varied(op, how(Interpolation::Nearest)),
            varied(op, how(Interpolation::Bicubic)),
            varied(op, how(Interpolation::Bicubic75)),
        ];
        [op].into_iter().chain(others.into_iter().filter(move |other| *other != op))
    });
    for (op, shape) in ops.flat_map(|op| [(op, (9, 12, 3)), (op, (10, 10, 1))]) {
        let (pipeline, src) = (one(op), pattern(shape));
        for copy in 1..6 {
            let key = augment::key(b"one", copy);
            let drawn = pipeline.sample(7, key, shape).unwrap()[0];
            let (h, w, c) = pipeline.out_shape(shape).unwrap();
            let mut want = vec![0; h * w * c];
            let view = ImageRef::new(&src, shape.0, shape.1, shape.2).unwrap();
            direct(op, drawn, view, ImageMut::new(&mut want, h, w, c).unwrap());
            assert_eq!(applied(Level::BASE, &pipeline, shape, key), want, "{op:?} {drawn:?}");
        }
    }
}

#[test]
fn operations_that_bend_do_what_their_draw_says() {
    let (how, border) = (Interpolation::Bilinear, Border::Wrap);
    let ranges = [0.05f32, 0.2];
    type Of = fn([f32; 2], u32) -> Bend;
    // The smaller side has 20 pixels.
    let cases: [(Op, Of); 6] = [
        (Op::Elastic { deviation: ranges, sigma: [0.1, 0.4], border, interpolation: how }, |[a, b], seed| {
            Bend::Elastic { deviation: a * 20.0, sigma: b * 20.0, seed }
        }),
        (Op::GridDistortion { shift: ranges, cells: 3, border, interpolation: how }, |[shift, _], seed| {
            Bend::Grid { cells: 3, shift, seed }
        }),
        (Op::OpticalDistortion { strength: ranges, border, interpolation: how }, |[k, _], _| Bend::Optical {
            k,
        }),
        (Op::Fisheye { degrees: [20.0, 50.0], border, interpolation: how }, |[degrees, _], _| {
            Bend::Fisheye { degrees }
        }),
        (Op::ThinPlate { shift: ranges, points: 3, border, interpolation: how }, |[shift, _], seed| {
            Bend::ThinPlate { points: 3, shift, seed }
        }),
        (Op::PiecewiseAffine { shift: ranges, cells: 2, border, interpolation: how }, |[shift, _], seed| {
            Bend::PiecewiseAffine { cells: 2, shift, seed }
        }),
    ];
    let shape = (31, 20, 3);
    let src = pattern(shape);
    let view = ImageRef::new(&src, 31, 20, 3).unwrap();
    for (op, of) in cases {
        let (pipeline, key) = (one(op), augment::key(b"one", 1));
        let Drawn::Values { values, seed } = pipeline.sample(7, key, shape).unwrap()[0] else { panic!() };
        let bend = of([values[0], values[1]], seed);
        let (mut want, mut memory) = (vec![0; src.len()], vec![0; bend.scratch_len((31, 20))]);
        let scratch = &mut Scratch::new(&mut memory);
        let dst = ImageMut::new(&mut want, 31, 20, 3).unwrap();
        image::bend(Level::BASE, &bend, how, border, view, dst, scratch).unwrap();
        assert_eq!(applied(Level::BASE, &pipeline, shape, key), want, "{op:?}");
        assert_ne!(want, src, "{op:?}");
    }
    let (pipeline, key) = (one(Op::GridShuffle { cells: 3 }), augment::key(b"one", 1));
    let Drawn::Values { seed, .. } = pipeline.sample(7, key, shape).unwrap()[0] else { panic!() };
    let mut want = vec![0; src.len()];
    let order = Tiles::draw(3, (31, 20), &mut stream(seed)).unwrap();
    order.apply(view, ImageMut::new(&mut want, 31, 20, 3).unwrap()).unwrap();
    assert_eq!(applied(Level::BASE, &pipeline, shape, key), want);
}

#[test]
fn maps_that_lead_too_far_together_are_resampled_one_by_one() {
    let away = Op::ShiftScaleShear {
        shift_x: [0.0; 2],
        shift_y: [0.0; 2],
        scale: [0.05; 2],
        shear_x: [0.0; 2],
        shear_y: [0.0; 2],
        border: Border::Edge,
        interpolation: Interpolation::Bilinear,
    };
    let mut pipeline = Pipeline::<8>::new();
    (0..8).for_each(|_| pipeline.push(away, 1.0).unwrap());
    let out = applied(Level::BASE, &pipeline, (28, 28, 1), augment::key(b"a", 1));
    assert_eq!(out.len(), 28 * 28);
}

#[test]
fn turns_that_follow_each_other_are_resampled_once() {
    let border = Border::Constant(0);
    let mut there_and_back = Pipeline::<2>::new();
    there_and_back
        .push(Op::Rotate { degrees: [20.0, 20.0], border, interpolation: Interpolation::Bilinear }, 1.0)
        .unwrap();
    there_and_back
        .push(Op::Rotate { degrees: [-20.0, -20.0], border, interpolation: Interpolation::Bilinear }, 1.0)
        .unwrap();
    let shape = (9, 12, 1);
    assert_eq!(applied(Level::BASE, &there_and_back, shape, augment::key(b"a", 0)), pattern(shape));
}

#[test]
fn each_copy_and_each_sample_draws_for_itself() {
    let pipeline = one(Op::GaussianNoise { std: [10.0, 10.0] });
    let shape = (4, 5, 1);
    let run = |key| applied(Level::BASE, &pipeline, shape, key);
    assert_eq!(run(augment::key(b"a", 1)), run(augment::key(b"a", 1)));
    assert_ne!(run(augment::key(b"a", 1)), run(augment::key(b"a", 2)));
    assert_ne!(run(augment::key(b"a", 1)), run(augment::key(b"b", 1)));
}

#[test]
fn steps_happen_as_often_as_their_probability_says() {
    let mut pipeline = Pipeline::<1>::new();
    pipeline.push(Op::VFlip {}, 0.3).unwrap();
    let drawn = |copy| pipeline.sample(1, augment::key(b"s", copy), (2, 2, 1)).unwrap()[0];
    let happened = (0..10_000).filter(|&copy| drawn(copy) == Drawn::Done).count();
    // Five standard errors of a share of 0.3.
    assert!(happened.abs_diff(3_000) < 230, "{happened}");
}

#[test]
fn what_cannot_be_is_refused_and_leaves_the_output_alone() {
    let mut pipeline = Pipeline::<2>::new();
    let crop = Op::RandomCrop { height: 3, width: 3, padding: 0, border: Border::Edge };
    assert_eq!(pipeline.push(Op::HFlip {}, 1.5), Err(Error::InvalidArgument));
    assert_eq!(pipeline.push(Op::HFlip {}, f32::NAN), Err(Error::InvalidArgument));
    assert_eq!(pipeline.push(Op::Gamma { gamma: [2.0, 1.0] }, 1.0), Err(Error::InvalidArgument));
    pipeline.push(crop, 0.5).unwrap();
    // Not certain, and it changes the shape; on an image of its size it may be uncertain.
    assert_eq!(pipeline.out_shape((4, 4, 1)), Err(Error::InvalidArgument));
    assert_eq!(pipeline.out_shape((3, 3, 1)), Ok((3, 3, 1)));
    assert_eq!(one(crop).out_shape((2, 4, 1)), Err(Error::InvalidArgument));
    assert_eq!(one(crop).out_shape((0, 4, 1)), Err(Error::InvalidArgument));
    assert_eq!(one(crop).out_shape((usize::MAX, 4, 1)), Err(Error::Overflow));
    assert_eq!(one(Op::HFlip {}).scratch_len((0, 1, 1)), 0);
    assert_eq!(one(crop).scratch_len((usize::MAX, 1, 1)), 0);

    let (src, mut out) = ([1u8; 16], [9u8; 9]);
    let mut twice = Pipeline::<2>::new();
    twice.push(Op::GaussianBlur { sigma: [1.0; 2] }, 1.0).unwrap();
    twice.push(crop, 1.0).unwrap();
    let mut run = |h, w, bytes: usize| {
        twice.apply(
            Level::BASE,
            ImageRef::new(&src, 4, 4, 1).unwrap(),
            ImageMut::new(&mut out, h, w, 1).unwrap(),
            0,
            Key::new(0),
            &mut Scratch::new(&mut vec![0; bytes]),
        )
    };
    assert_eq!(run(2, 3, 1000), Err(Error::ShapeMismatch));
    assert_eq!(run(3, 3, 8), Err(Error::ScratchTooSmall));
    assert_eq!(out, [9; 9]);
}

#[test]
fn codes_and_names_are_distinct_and_defaults_valid() {
    for (i, kind) in Op::KINDS.iter().enumerate() {
        assert_eq!(Kind::of(kind.code), Some(kind));
        assert!(Op::KINDS[i + 1..].iter().all(|k| k.code != kind.code && k.name != kind.name));
        let ranges = kind.fields.iter().filter(|field| matches!(field.default, Value::Range(_))).count();
        assert!(!kind.plain || ranges <= augment::MOST_RANGES, "{}", kind.name);
        let op = kind.default_op().unwrap();
        assert_eq!((op.code(), op.validate()), (kind.code, Ok(())));
    }
}
