//! Lists of boxes and keypoints in step with their image.

use super::plan::Prepared;
use crate::error::Result;
use crate::image::{Bounds, Edge, Index, swap_pairs, visible_area};

/// Which boxes are kept when a part of them has left the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keep {
    /// The least share of the area of the moved box that must be visible, 0 to 1.
    pub share: f64,
    /// The least length of a side, in pixels of the result.
    pub side: f64,
}

impl Default for Keep {
    /// Whatever is visible.
    fn default() -> Self {
        Self { share: 0.0, side: 0.0 }
    }
}

impl<const N: usize> Prepared<N> {
    /// Moves boxes as the image is moved: each becomes the smallest upright box around what it becomes, cut off at the edges
    /// of the result. Those that `keep` keeps stand at the front afterwards, with what belongs to them and in their order;
    /// their number is returned.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a map without an opposite; `boxes` are untouched then.
    pub fn boxes<L>(&self, boxes: &mut [(Bounds, L)], keep: Keep) -> Result<usize> {
        let (way, size) = (self.way()?, (self.out_shape.0, self.out_shape.1));
        Ok(retain(boxes, |bounds| {
            let moved = way.bounds(bounds).and_then(|moved| moved.visible(size, keep.share, keep.side));
            moved.map(|moved| *bounds = moved).is_some()
        }))
    }

    /// As [`Prepared::boxes`], for oriented boxes, by their corners in order, and other figures of four corners. They are not
    /// cut off, for then they would be none; a side is what lies between two corners.
    ///
    /// # Errors
    /// As [`Prepared::boxes`].
    pub fn oriented<L>(&self, boxes: &mut [([Edge; 4], L)], keep: Keep) -> Result<usize> {
        let (way, size) = (self.way()?, (self.out_shape.0, self.out_shape.1));
        Ok(retain(boxes, |corners| {
            let Some(moved) = way.corners(*corners) else { return false };
            let (visible, all) = visible_area(moved, size);
            let next = moved.iter().cycle().skip(1);
            let long = moved.iter().zip(next).all(|(a, b)| {
                let [x, y] = [b.0[0] - a.0[0], b.0[1] - a.0[1]];
                x * x + y * y >= keep.side * keep.side
            });
            *corners = moved;
            long && visible > 0.0 && visible >= all * keep.share
        }))
    }

    /// Moves keypoints as the image is moved. One that comes to lie outside of the result becomes `None`, as one that is not
    /// known is. Where the image is mirrored, each of `pairs` changes places: the left eye becomes the right one.
    ///
    /// # Errors
    /// As [`Prepared::boxes`].
    pub fn keypoints(&self, keypoints: &mut [Option<Index>], pairs: &[[usize; 2]]) -> Result<()> {
        let (way, (height, width, _)) = (self.way()?, self.out_shape);
        let inside = |place: &Index| {
            let Edge([x, y]) = (*place).into();
            x >= 0.0 && y >= 0.0 && x <= width as f64 && y <= height as f64
        };
        for keypoint in keypoints.iter_mut() {
            *keypoint = keypoint.and_then(|place| way.point(place)).filter(inside);
        }
        let middle = [self.shape.1, self.shape.0].map(|side| side as f64 * 0.5);
        if way.mirrors(Edge(middle)) {
            swap_pairs(keypoints, pairs);
        }
        Ok(())
    }
}

/// Brings those that `keep` keeps to the front, in their order, and returns their number.
fn retain<B, L>(all: &mut [(B, L)], mut keep: impl FnMut(&mut B) -> bool) -> usize {
    let mut kept = 0;
    for i in 0..all.len() {
        if all.get_mut(i).is_some_and(|(one, _)| keep(one)) {
            all.swap(kept, i);
            kept += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests;
