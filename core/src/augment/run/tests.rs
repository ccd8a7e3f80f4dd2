use super::*;
use crate::augment::{self, Kind};
use crate::image::Filter;
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
        let want = applied(Level::BASE, &pipeline, shape, key);
        for level in Level::available() {
            prop_assert_eq!(&applied(level, &pipeline, shape, key), &want);
        }
    }

    #[test]
    fn what_is_drawn_lies_in_its_range(shape in (1usize..60, 1usize..60, 1usize..4), copy in 0u32..1000) {
        let key = augment::key(b"x", copy);
        let draw = |op: Op| one(op).sample(7, key, shape).unwrap()[0];
        let crop = Op::RandomResizedCrop { height: 5, width: 9, scale: [0.1, 0.9], ratio: [0.5, 2.0], filter: Filter::Bilinear };
        for op in [crop, Op::Cutout { height: [0.0, 1.0], width: [0.2, 0.7], fill: 3 }] {
            let Drawn::Part(part) = draw(op) else { panic!() };
            prop_assert!((part.top + part.height) as usize <= shape.0 && (part.left + part.width) as usize <= shape.1);
        }
        let Drawn::Place { top, left } = draw(Op::RandomCrop { height: 0, width: 1, padding: 4, border: Border::Edge }) else { panic!() };
        prop_assert!((-4..=4).contains(&top) && (-4..shape.1 as i32 + 4).contains(&left));
        let Drawn::Amount(v) = draw(Op::Gamma { gamma: [0.5, 0.75] }) else { panic!() };
        prop_assert!((0.5..=0.75).contains(&v));
        let Drawn::Turns(turns) = draw(Op::Rot90 {}) else { panic!() };
        prop_assert!(turns < 4 && (shape.0 == shape.1 || turns % 2 == 0));
    }
}

#[test]
fn a_single_operation_is_the_one_of_the_image_module() {
    let shape = (6, 6, 3);
    let (src, key) = (pattern(shape), augment::key(b"a", 0));
    let view = ImageRef::new(&src, 6, 6, 3).unwrap();
    let mut want = vec![0; src.len()];
    image::hflip(view, ImageMut::new(&mut want, 6, 6, 3).unwrap()).unwrap();
    assert_eq!(applied(Level::BASE, &one(Op::HFlip {}), shape, key), want);
    let dim = one(Op::Brightness { factor: [0.5, 0.5] });
    let want: Vec<u8> = src.iter().map(|&v| v.div_ceil(2)).collect();
    assert_eq!(applied(Level::BASE, &dim, shape, key), want);
    assert_eq!(applied(Level::BASE, &Pipeline::<1>::new(), shape, key), src);
}

#[test]
fn turns_that_follow_each_other_are_resampled_once() {
    let border = Border::Constant(0);
    let mut there_and_back = Pipeline::<2>::new();
    there_and_back.push(Op::Rotate { degrees: [20.0, 20.0], border }, 1.0).unwrap();
    there_and_back.push(Op::Rotate { degrees: [-20.0, -20.0], border }, 1.0).unwrap();
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

    let (src, mut out) = ([1u8; 16], [9u8; 9]);
    let mut run = |h, w, bytes: usize| {
        one(crop).apply(
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
        assert!(Op::KINDS[i + 1..].iter().all(|k| k.code > kind.code && k.name != kind.name));
        let op = kind.default_op().unwrap();
        assert_eq!((op.code(), op.validate()), (kind.code, Ok(())));
    }
}
