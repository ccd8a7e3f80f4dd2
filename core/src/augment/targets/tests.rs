use super::*;
use crate::augment::{Op, Pipeline, key};
use crate::error::Error;
use crate::image::Border;
use proptest::prelude::*;
use std::vec::Vec;

const SIZE: (usize, usize) = (40, 60);

/// What these operations do to an image of [`SIZE`].
fn done(ops: &[Op]) -> Prepared<4> {
    let mut pipeline = Pipeline::<4>::new();
    ops.iter().for_each(|op| pipeline.push(*op, 1.0).unwrap());
    let plan = pipeline.plan((SIZE.0, SIZE.1, 1)).unwrap();
    plan.prepare(&plan.draw(3, key(b"a", 0), &[]).unwrap()).unwrap()
}

const CROP: Op = Op::CentreCrop { height: 20, width: 30 };

fn bounds(xyxy: [f64; 4]) -> Bounds {
    Bounds::from_xyxy(xyxy).unwrap()
}

#[test]
fn boxes_are_cut_off_and_those_that_are_lost_go_with_their_labels() {
    // The part of the crop is [15, 45) × [10, 30); mirrored first, a box of it stands on the other side.
    let prepared = done(&[Op::HFlip {}, CROP]);
    let all = [
        (bounds([20.0, 12.0, 25.0, 20.0]), "inside"),
        (bounds([0.0, 0.0, 5.0, 5.0]), "outside"),
        (bounds([40.0, 25.0, 50.0, 35.0]), "a quarter"),
        (bounds([16.0, 11.0, 16.5, 20.0]), "thin"),
    ];
    let kept = |keep: Keep| {
        let mut boxes = all;
        let n = prepared.boxes(&mut boxes, keep).unwrap();
        boxes[..n].iter().map(|(bounds, name)| (bounds.xyxy(), *name)).collect::<Vec<_>>()
    };
    let inside = ([20.0, 2.0, 25.0, 10.0], "inside");
    let quarter = ([0.0, 15.0, 5.0, 20.0], "a quarter");
    let thin = ([28.5, 1.0, 29.0, 10.0], "thin");
    assert_eq!(kept(Keep::default()), [inside, quarter, thin]);
    assert_eq!(kept(Keep { share: 0.25, side: 1.0 }), [inside, quarter]);
    assert_eq!(kept(Keep { share: 0.26, side: 0.0 }), [inside, thin]);
}

#[test]
fn oriented_boxes_keep_their_corners() {
    let prepared = done(&[CROP]);
    let square = |x: f64, y: f64, half: f64| [[x, y - half], [x + half, y], [x, y + half], [x - half, y]];
    let mut all = [(square(15.0, 20.0, 4.0).map(Edge), 'h'), (square(5.0, 20.0, 4.0).map(Edge), 'o')];
    // Half of the first one is visible.
    assert_eq!(prepared.oriented(&mut all, Keep { share: 0.5, side: 5.0 }), Ok(1));
    assert_eq!(all[0], (square(0.0, 10.0, 4.0).map(Edge), 'h'));
    let mut all = [(square(15.0, 20.0, 4.0).map(Edge), 'h')];
    assert_eq!(prepared.oriented(&mut all, Keep { share: 0.51, side: 5.0 }), Ok(0));
    let mut all = [(square(15.0, 20.0, 4.0).map(Edge), 'h')];
    assert_eq!(prepared.oriented(&mut all, Keep { share: 0.5, side: 6.0 }), Ok(0));
}

#[test]
fn keypoints_leave_the_image_and_pairs_change_places_where_it_is_mirrored() {
    let keypoints = [Some(Index([20.0, 12.0])), Some(Index([40.0, 12.0])), Some(Index([1.0, 1.0])), None];
    let moved = |ops: &[Op]| {
        let mut all = keypoints;
        done(ops).keypoints(&mut all, &[[0, 1], [2, 3]]).unwrap();
        all
    };
    assert_eq!(moved(&[CROP]), [Some(Index([5.0, 2.0])), Some(Index([25.0, 2.0])), None, None]);
    // Columns of 60 count from the other end: 20 becomes 39, 40 becomes 19.
    let far = Some(Index([58.0, 1.0]));
    assert_eq!(moved(&[Op::HFlip {}]), [Some(Index([19.0, 12.0])), Some(Index([39.0, 12.0])), None, far]);
    assert_eq!(moved(&[Op::HFlip {}, Op::HFlip {}]), keypoints);
    assert_eq!(moved(&[Op::HFlip {}, Op::VFlip {}])[0], Some(Index([39.0, 27.0])));
}

#[test]
fn a_map_without_an_opposite_is_refused() {
    use crate::image::{Affine, Interpolation};
    let mut prepared = done(&[]);
    let map = Affine { xx: 0.0, ..Affine::IDENTITY }.into();
    let warp = super::super::action::Action::Warp {
        map,
        how: Interpolation::Nearest,
        border: Some(Border::Edge),
        size: SIZE,
    };
    prepared.actions.push(warp).unwrap();
    assert_eq!(prepared.boxes(&mut [(bounds([0.0; 4]), ())], Keep::default()), Err(Error::InvalidArgument));
    assert_eq!(prepared.keypoints(&mut [None], &[]), Err(Error::InvalidArgument));
}

proptest! {
    /// The visible area is that of the small squares of a grid whose middles lie inside.
    #[test]
    fn visible_areas_are_those_of_a_fine_grid(middle in [-10.0f64..70.0, -10.0f64..50.0], half in [1.0f64..30.0, 1.0f64..30.0],
                                             turn in 0.0f64..6.3, clockwise: bool) {
        let (sin, cos) = turn.sin_cos();
        let corner = |[sx, sy]: [f64; 2]| {
            let [x, y] = [sx * half[0], sy * half[1]];
            Edge([middle[0] + cos * x - sin * y, middle[1] + sin * x + cos * y])
        };
        let mut corners = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(corner);
        if !clockwise {
            corners.reverse();
        }
        let (visible, all) = visible_area(corners, SIZE);
        prop_assert!((all - 4.0 * half[0] * half[1]).abs() < 1e-9 * all);
        let inside = |x: f64, y: f64| {
            let [dx, dy] = [x - middle[0], y - middle[1]];
            (cos * dx + sin * dy).abs() <= half[0] && (cos * dy - sin * dx).abs() <= half[1]
        };
        let steps = 4.0;
        let count = (0..SIZE.0 * 4).flat_map(|y| (0..SIZE.1 * 4).map(move |x| (x, y)))
            .filter(|&(x, y)| inside((x as f64 + 0.5) / steps, (y as f64 + 0.5) / steps)).count();
        let near = count as f64 / (steps * steps);
        // A square of the grid is wrong only where the outline goes through it.
        prop_assert!((visible - near).abs() <= 4.0 * (half[0] + half[1]) * 1.5 / steps + 1.0, "{} {}", visible, near);
    }
}
