use super::*;
use crate::augment::{self, Params, Pipeline};
use crate::image::{Border, Interpolation};
use crate::scratch::Scratch;
use crate::{ImageMut, ImageRef, Level};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

const SHAPE: Shape = (6, 5, 3);

fn some_of(members: u32, least: u32, most: u32, any_order: bool) -> Op {
    Op::SomeOf { members, least, most, any_order }
}

fn of(steps: &[(Op, f32)]) -> Pipeline<16> {
    let mut pipeline = Pipeline::new();
    steps.iter().for_each(|(op, p)| pipeline.push(*op, *p).unwrap());
    pipeline
}

fn brightness(factor: f32) -> (Op, f32) {
    (Op::Brightness { factor: [factor; 2] }, 1.0)
}

fn crop(side: u32) -> (Op, f32) {
    (Op::RandomCrop { height: side, width: side, padding: 0, border: Border::Edge }, 1.0)
}

fn drawn(pipeline: &Pipeline<16>, copy: u32) -> Params<16> {
    pipeline.sample(3, augment::key(b"x", copy), SHAPE).unwrap()
}

fn done(drawn: &[Drawn]) -> Vec<bool> {
    drawn.iter().map(|drawn| *drawn != Drawn::Skipped).collect()
}

fn apply(level: Level, pipeline: &Pipeline<16>, src: &[u8], copy: u32) -> Vec<u8> {
    let (h, w, c) = pipeline.out_shape(SHAPE).unwrap();
    let (mut out, mut memory) = (vec![0; h * w * c], vec![0; pipeline.scratch_len(SHAPE)]);
    let src = ImageRef::new(src, SHAPE.0, SHAPE.1, SHAPE.2).unwrap();
    let dst = ImageMut::new(&mut out, h, w, c).unwrap();
    pipeline.apply(level, src, dst, 3, augment::key(b"x", copy), &mut Scratch::new(&mut memory)).unwrap();
    out
}

#[test]
fn one_of_three_is_done_each_as_often() {
    let pipeline = of(&[(some_of(3, 1, 1, false), 1.0), brightness(0.0), brightness(0.5), brightness(2.0)]);
    let mut counts = BTreeMap::<u8, u32>::new();
    for copy in 0..3000 {
        let drawn = drawn(&pipeline, copy);
        assert_eq!(done(&drawn[1..]).iter().filter(|done| **done).count(), 1);
        // What is done is what was drawn.
        let value = apply(Level::BASE, &pipeline, &[100; 90], copy)[0];
        let member = done(&drawn[1..]).iter().position(|done| *done).unwrap();
        assert_eq!(value, [0, 50, 200][member]);
        *counts.entry(value).or_default() += 1;
    }
    // 1000 ± 26 at one standard deviation.
    assert!(counts.len() == 3 && counts.values().all(|n| (870..1130).contains(n)), "{counts:?}");
}

#[test]
fn some_are_done_in_the_order_of_the_list_or_in_any() {
    let members = [brightness(0.9), brightness(0.8), brightness(0.7), brightness(0.6)];
    let with = |any_order| of(&[&[(some_of(4, 1, 3, any_order), 1.0)], &members[..]].concat());
    let lists = |pipeline: &Pipeline<16>| -> BTreeMap<Vec<usize>, u32> {
        let mut lists = BTreeMap::new();
        for copy in 0..4000 {
            let Drawn::Members(members) = drawn(pipeline, copy)[0] else { panic!("a group") };
            *lists.entry(members.iter().collect()).or_default() += 1;
        }
        lists
    };
    // 4 of one member, 6 of two, 4 of three; and with all their orders 4, 12 and 24.
    let (in_order, any) = (lists(&with(false)), lists(&with(true)));
    assert_eq!((in_order.len(), any.len()), (4 + 6 + 4, 4 + 12 + 24));
    assert!(in_order.keys().all(|list| list.is_sorted()));
    let of_one: u32 = in_order.iter().filter(|(list, _)| list.len() == 1).map(|(_, n)| n).sum();
    assert!((1200..1470).contains(&of_one), "{of_one} of 4000");
}

#[test]
fn groups_in_groups_draw_for_themselves() {
    // One of: nothing but a flip; or both of two tones, of which the second is itself one of two.
    let steps = [
        (some_of(2, 1, 1, false), 1.0),
        (Op::HFlip {}, 1.0),
        (some_of(2, 2, 2, false), 1.0),
        brightness(0.5),
        (some_of(2, 1, 1, false), 1.0),
        brightness(0.1),
        brightness(0.2),
        (Op::VFlip {}, 1.0),
    ];
    let pipeline = of(&steps);
    let mut seen = BTreeMap::<Vec<bool>, u32>::new();
    (0..400).for_each(|copy| *seen.entry(done(&drawn(&pipeline, copy))).or_default() += 1);
    let row = |bits: &str| bits.bytes().map(|b| b == b'1').collect::<Vec<_>>();
    assert_eq!(seen.keys().cloned().collect::<Vec<_>>(), [row("10111011"), row("10111101"), row("11000001")]);
    let mut bytes = vec![0; pipeline.bytes_len()];
    pipeline.to_bytes(&mut bytes).unwrap();
    assert_eq!(Pipeline::from_bytes(&bytes).unwrap(), pipeline);
}

#[test]
fn a_group_changes_the_shape_only_where_every_choice_does_alike() {
    let shape = |steps: &[(Op, f32)]| of(steps).out_shape(SHAPE).map(|(h, w, _)| (h, w));
    assert_eq!(shape(&[(some_of(2, 1, 1, false), 1.0), crop(4), crop(4)]), Ok((4, 4)));
    assert_eq!(shape(&[(some_of(2, 2, 2, false), 1.0), crop(4), crop(3), (Op::HFlip {}, 1.0)]), Ok((3, 3)));
    for steps in [
        &[(some_of(2, 1, 1, false), 1.0), crop(4), crop(3)][..],
        &[(some_of(2, 1, 1, false), 0.5), crop(4), crop(4)],
        &[(some_of(2, 0, 1, false), 1.0), crop(4), crop(4)],
        &[(some_of(2, 2, 2, true), 1.0), crop(4), crop(3)],
        // A member is missing.
        &[(some_of(2, 1, 1, false), 1.0), brightness(0.5)],
        &[(some_of(1, 1, 1, false), 1.0)],
    ] {
        assert_eq!(shape(steps), Err(Error::InvalidArgument), "{steps:?}");
        assert_eq!(of(steps).scratch_len(SHAPE), 0);
    }
    let mut deep = vec![(some_of(1, 1, 1, false), 1.0); DEEPEST];
    deep.push(brightness(0.5));
    assert!(shape(&deep).is_ok());
    deep.insert(0, (some_of(1, 1, 1, false), 1.0));
    assert_eq!(shape(&deep), Err(Error::InvalidArgument));
    let mut pipeline = Pipeline::<2>::new();
    for wrong in [
        some_of(2, 2, 1, false),
        some_of(2, 1, 3, false),
        some_of(17, 1, 1, false),
        some_of(0, 0, 0, false),
        some_of(2, 1, 1, true),
    ] {
        assert_eq!(pipeline.push(wrong, 1.0), Err(Error::InvalidArgument));
    }
}

proptest! {
    #[test]
    fn pipelines_with_groups_run_with_the_same_bytes_at_every_level(
        sizes in prop::collection::vec((1u32..4, prop::bool::ANY, prop::bool::ANY), 1..4), copy in 0u32..50
    ) {
        let mut steps = Vec::new();
        for (members, any_order, certain) in sizes {
            steps.push((some_of(members, members / 2, members, any_order && members > 1), if certain { 1.0 } else { 0.5 }));
            let inner = [brightness(0.7), (Op::HFlip {}, 0.5), (Op::Rotate { degrees: [-30.0, 30.0], border: Border::Edge, interpolation: Interpolation::Bilinear }, 1.0)];
            steps.extend(&inner[..members as usize]);
        }
        let pipeline = of(&steps);
        let src: Vec<u8> = (0..90).map(|i| i * 2).collect();
        let want = apply(Level::BASE, &pipeline, &src, copy);
        for level in Level::available() {
            prop_assert_eq!(&apply(level, &pipeline, &src, copy), &want);
        }
    }
}
