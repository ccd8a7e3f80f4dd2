use super::*;
use crate::augment::{Drawn, Labels, Op, Pipeline, key};
use crate::error::Error;
use crate::image::{Border, Filter, Interpolation, Rect};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
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

/// What `op` draws for these boxes after a mirror, and the boxes as they are then.
fn parts(op: Op, boxes: &[[f64; 4]]) -> (Vec<Rect>, Vec<Bounds>) {
    let mut pipeline = Pipeline::<2>::new();
    pipeline.push(Op::HFlip {}, 1.0).unwrap();
    pipeline.push(op, 1.0).unwrap();
    let plan = pipeline.plan((SIZE.0, SIZE.1, 1)).unwrap();
    let boxes: Vec<Bounds> = boxes.iter().map(|xyxy| bounds(*xyxy)).collect();
    let drawn = (0..300).map(|copy| match plan.draw(3, key(b"a", copy), &boxes).unwrap()[1] {
        Drawn::Part(part) => part,
        other => panic!("{other:?}"),
    });
    let mirrored = boxes.iter().map(|one| bounds([60.0 - one.right, one.top, 60.0 - one.left, one.bottom]));
    (drawn.collect(), mirrored.collect())
}

#[test]
fn holes_keep_off_the_boxes_or_in_them() {
    let all = [[5.0, 5.0, 20.5, 30.0], [30.0, 3.0, 40.0, 20.0], [-9.0, 35.0, 4.0, 60.0]];
    let op = |inside, share| Op::ConstrainedCutout { height: share, width: share, inside, fill: 0 };
    let (outside, boxes) = parts(op(false, [0.1, 0.3]), &all);
    let painted: Vec<_> = outside.iter().filter(|part| part.height > 0).collect();
    assert!(painted.len() > 290, "{}", painted.len());
    assert!(painted.iter().all(|part| boxes.iter().all(|one| one.shared(&(**part).into()) == 0.0)));
    let (inside, boxes) = parts(op(true, [0.4, 1.0]), &all);
    let within = |part: &Rect, one: &Bounds| one.shared(&(*part).into()) == Bounds::from(*part).area();
    for one in &boxes {
        // A third of them in each box, within five standard errors.
        let count = inside.iter().filter(|part| within(part, one)).count();
        assert!(count.abs_diff(100) < 41, "{count}");
    }
    assert!(inside.iter().all(|part| boxes.iter().any(|one| within(part, one))));
    // There is no room beside a box of the whole picture, nor in no box.
    assert!(parts(op(false, [0.1, 0.3]), &[[0.0, 0.0, 60.0, 40.0]]).0.iter().all(|part| part.height == 0));
    assert!(parts(op(true, [0.1, 0.3]), &[]).0.iter().all(|part| part.height == 0));
}

#[test]
fn crops_overlap_with_a_box_by_one_of_the_shares() {
    let op = Op::RandomIouCrop {
        height: 0,
        width: 0,
        scale: [0.3, 1.0],
        ratio: [0.5, 2.0],
        filter: Filter::Bilinear,
        antialias: true,
        precise: false,
    };
    let (crops, boxes) = parts(op, &[[5.0, 5.0, 30.0, 30.0], [30.0, 20.0, 50.0, 38.0]]);
    let mut whole = 0;
    for part in &crops {
        let bounds = Bounds::from(*part);
        if *part == Rect::whole(SIZE) {
            whole += 1;
            continue;
        }
        let proportion = f64::from(part.width) / f64::from(part.height);
        assert!((0.5..=2.0).contains(&proportion) && part.height >= 12 && part.width >= 18);
        assert!(boxes.iter().any(|one| bounds.holds(one.middle()) && one.overlap(&bounds) > 0.0));
    }
    // A seventh of all by the draw, and where no part was found.
    assert!((30..160).contains(&whole), "{whole}");
    let most = |part: &&Rect| boxes.iter().any(|one| one.overlap(&(**part).into()) >= 0.5);
    assert!(crops.iter().filter(most).count() > 60);
    assert!(parts(op, &[]).0.iter().all(|part| *part == Rect::whole(SIZE)));
}

#[test]
fn points_and_boxes_go_through_bends_and_tiles() {
    let (border, interpolation) = (Border::Edge, Interpolation::Bilinear);
    let elastic = Op::Elastic { deviation: [0.02; 2], sigma: [0.2; 2], border, interpolation };
    let turn = Op::Rotate { degrees: [20.0; 2], border, interpolation };
    for ops in [&[elastic][..], &[turn, elastic, CROP], &[elastic, Op::GridShuffle { cells: 2 }]] {
        let prepared = done(ops);
        let (h, w, _) = prepared.out_shape;
        // A spot of nine pixels is found again where its middle goes.
        for (x, y) in [(22usize, 14usize), (35, 25), (28, 18)] {
            let mut mask = std::vec![0u8; SIZE.0 * SIZE.1];
            (0..9).for_each(|i| mask[(y - 1 + i / 3) * SIZE.1 + x - 1 + i % 3] = 1);
            let (mut moved, mut memory) = (std::vec![0u8; h * w], std::vec![0u8; 1 << 18]);
            let (src, dst) = (
                ImageRef::new(&mask, SIZE.0, SIZE.1, 1).unwrap(),
                ImageMut::new(&mut moved, h, w, 1).unwrap(),
            );
            prepared
                .run_mask(Level::detect(), src, dst, (Labels::Nearest, 0), &mut Scratch::new(&mut memory))
                .unwrap();
            let mut keypoints = [Some(Index([x as f64, y as f64]))];
            prepared.keypoints(&mut keypoints, &[]).unwrap();
            let Some(Index([px, py])) = keypoints[0] else { continue };
            let spots: Vec<_> = (0..h * w).filter(|&i| moved[i] == 1).collect();
            let mean = |of: fn(usize, usize) -> usize| {
                spots.iter().map(|&i| of(i, w) as f64).sum::<f64>() / spots.len() as f64
            };
            let (mx, my) = (mean(|i, w| i % w), mean(|i, w| i / w));
            assert!((px - mx).abs() < 1.0 && (py - my).abs() < 1.0, "{ops:?} {px} {py} {mx} {my}");
            let mut boxes = [(bounds([x as f64 - 1.0, y as f64 - 1.0, x as f64 + 2.0, y as f64 + 2.0]), ())];
            assert_eq!(prepared.boxes(&mut boxes, Keep::default()), Ok(1));
            let Bounds { left, top, right, bottom } = boxes[0].0;
            let near = |i: &usize| {
                let (x, y) = ((i % w) as f64 + 0.5, (i / w) as f64 + 0.5);
                x > left - 0.5 && x < right + 0.5 && y > top - 0.5 && y < bottom + 0.5
            };
            assert!(spots.iter().all(near) && right - left < 6.5 && bottom - top < 6.5);
        }
    }
}
