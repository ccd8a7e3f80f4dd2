use super::*;
use crate::image::{Border, Interpolation};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// A pipeline with every operation at its defaults, the group first, whose member is the next one.
fn everything() -> Pipeline<128> {
    let mut pipeline = Pipeline::new();
    for kind in Op::KINDS {
        let op = kind.default_op().unwrap();
        let p = if matches!(op, Op::Pad { .. }) { 1.0 } else { 0.5 };
        pipeline.push(op, p).unwrap();
    }
    pipeline
}

fn bytes_of<const N: usize>(pipeline: &Pipeline<N>) -> Vec<u8> {
    let mut out = vec![0; pipeline.bytes_len()];
    assert_eq!(pipeline.to_bytes(&mut out), Ok(out.len()));
    out
}

#[test]
fn the_layout_is_the_documented_one() {
    let mut pipeline = Pipeline::<2>::new();
    pipeline.push(Op::HFlip {}, 0.5).unwrap();
    pipeline
        .push(
            Op::Rotate { degrees: [-1.0, 2.0], border: Border::Edge, interpolation: Interpolation::Bilinear },
            1.0,
        )
        .unwrap();
    let want = [
        &b"SBPL\x03\x00\x02\x00\x00\x00\x00\x00"[..],
        &[1, 0, 0, 0, 0, 0, 0, 0x3f],
        &[4, 0, 4, 0, 0, 0, 0x80, 0x3f],
        &[0, 0, 0x80, 0xbf, 0, 0, 0, 0x40, 0, 1, 0, 0, 1, 0, 0, 0],
    ]
    .concat();
    assert_eq!(bytes_of(&pipeline), want);
    pipeline.set_fuse(false);
    assert_eq!(bytes_of(&pipeline)[8..12], [1, 0, 0, 0]);
    assert_eq!(Pipeline::from_bytes(&bytes_of(&pipeline)), Ok(pipeline));
}

#[test]
fn the_normalisation_stands_before_the_steps() {
    let mut pipeline = Pipeline::<2>::new();
    pipeline.push(Op::HFlip {}, 0.5).unwrap();
    let normal = |planes| Some(Normal { mean: &[0.5, 0.25], std: &[1.0, 2.0], planes });
    pipeline.set_normal(normal(true)).unwrap();
    let bytes = bytes_of(&pipeline);
    let numbers = [0.5f32, 0.25, 1.0, 2.0].map(f32::to_le_bytes).concat();
    let want = [&[6, 0, 0, 0, 2, 0, 0, 0][..], &numbers, &[1, 0, 0, 0, 0, 0, 0, 0x3f]].concat();
    assert_eq!(bytes[8..], want);
    assert_eq!(Pipeline::from_bytes(&bytes), Ok(pipeline.clone()));
    assert_eq!(pipeline.normal(), normal(true));
    let with = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        Pipeline::<2>::from_bytes(&bytes)
    };
    pipeline.set_normal(normal(false)).unwrap();
    assert_eq!(with(8, 2), Ok(pipeline.clone()));
    assert_eq!(with(12, 17), Err(Error::CapacityExceeded));
    assert_eq!(with(12, 0), Err(Error::InvalidArgument));
    // A deviation below zero.
    assert_eq!(with(27, 0xbf), Err(Error::InvalidArgument));
    for end in 8..bytes.len() {
        assert_eq!(Pipeline::<2>::from_bytes(&bytes[..end]), Err(Error::BadData));
    }
    pipeline.set_normal(None).unwrap();
    assert_eq!(bytes_of(&pipeline).len(), 20);
    let wrong =
        |mean: &[f32], std: &[f32]| pipeline.clone().set_normal(Some(Normal { mean, std, planes: false }));
    assert_eq!(wrong(&[], &[]), Err(Error::InvalidArgument));
    assert_eq!(wrong(&[0.5], &[]), Err(Error::ShapeMismatch));
    assert_eq!(wrong(&[f32::NAN], &[1.0]), Err(Error::InvalidArgument));
    assert_eq!(wrong(&[0.5; 17], &[1.0; 17]), Err(Error::CapacityExceeded));
}

#[test]
fn bytes_come_back_as_the_pipeline() {
    let all = everything();
    let bytes = bytes_of(&all);
    assert_eq!(Pipeline::from_bytes(&bytes), Ok(all.clone()));
    assert_eq!(Pipeline::<3>::from_bytes(&bytes), Err(Error::CapacityExceeded));
    assert_eq!(all.to_bytes(&mut vec![0; bytes.len() - 1]), Err(Error::BufferTooSmall));
    assert_eq!(Pipeline::<0>::from_bytes(&bytes_of(&Pipeline::<0>::new())), Ok(Pipeline::new()));
}

#[test]
fn every_cut_and_every_wrong_part_is_an_error_of_its_own() {
    let bytes = bytes_of(&everything());
    for end in 0..bytes.len() {
        assert_eq!(Pipeline::<128>::from_bytes(&bytes[..end]), Err(Error::BadData), "cut at {end}");
    }
    let with = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        Pipeline::<128>::from_bytes(&bytes).unwrap_err()
    };
    assert_eq!(with(0, b'X'), Error::BadData);
    assert_eq!(with(4, 1), Error::UnsupportedVersion);
    assert_eq!(with(8, 8), Error::BadData);
    // Channel by channel, but not normalised.
    assert_eq!(with(8, 4), Error::BadData);
    assert_eq!(with(13, 99), Error::Unsupported);
    assert_eq!(with(14, 1), Error::BadData);
    assert_eq!(with(19, 0xff), Error::InvalidArgument);
    assert_eq!(Pipeline::<128>::from_bytes(&[&bytes[..], &[0]].concat()), Err(Error::BadData));
}

proptest! {
    #[test]
    fn no_bytes_do_harm(noise in prop::collection::vec(any::<u8>(), 0..200),
                        edits in prop::collection::vec((any::<usize>(), any::<u8>()), 1..5)) {
        let _ = Pipeline::<8>::from_bytes(&noise);
        let mut bytes = bytes_of(&everything());
        for (at, value) in edits {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        if let Ok(pipeline) = Pipeline::<128>::from_bytes(&bytes) {
            prop_assert_eq!(pipeline.validate(), Ok(()));
            prop_assert_eq!(bytes_of(&pipeline), bytes);
        }
    }
}
