//! What belongs to an image and moves with it: points and boxes through the map that moves the pixels.
//!
//! Two conventions of coordinates are in use, and are types here. By [`Index`] a pixel's centre is at its index, so that
//! the image spans −½ to width − ½; [`Map`]s and keypoints that name pixels are in it. By [`Edge`] the image spans 0 to
//! width, and a pixel's centre lies half a pixel in; boxes are in it. Masks are images: [`warp`](super::warp()) with
//! [`Interpolation::Nearest`](super::Interpolation::Nearest) moves them.

use super::{Affine, Map, Perspective, Rect};
use crate::error::{Error, Result};

/// A place (x, y), pixel centres at whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Index(pub [f64; 2]);

/// A place (x, y), pixel edges at whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge(pub [f64; 2]);

impl From<Index> for Edge {
    fn from(place: Index) -> Self {
        Self(place.0.map(|v| v + 0.5))
    }
}

impl From<Edge> for Index {
    fn from(place: Edge) -> Self {
        Self(place.0.map(|v| v - 0.5))
    }
}

/// Where the content of an image goes: the opposite of the [`Map`] by which pixels are looked up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Movement(Perspective);

impl Movement {
    /// Of the map that the image is warped with.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where the map has no opposite.
    pub fn of(map: impl Into<Map>) -> Result<Self> {
        map.into().projective().inverted().map(Self)
    }

    /// This movement and then `next`, as one.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        Self(next.0.then(&self.0))
    }

    /// Where a place goes; `None` for what comes to lie behind the eye.
    pub fn point(&self, place: impl Into<Index>) -> Option<Index> {
        self.0.at(place.into().0).map(Index)
    }

    /// Whether left and right change sides, at the place `at`: what the pairs of keypoints are swapped for.
    pub fn mirrors(&self, at: impl Into<Index>) -> bool {
        let Index([x, y]) = at.into();
        let [[a, b, c], [d, e, f], [g, h, i]] = self.0.rows;
        // The sign of the area that a small square at the place becomes, over the cube of a positive number.
        let whole = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
        whole * (g * x + h * y + i) < 0.0
    }

    /// The corners of an oriented box, or of any figure, one by one; `None` where one comes to lie behind the eye.
    pub fn corners<const N: usize>(&self, corners: [Edge; N]) -> Option<[Edge; N]> {
        let mut moved = corners;
        for to in &mut moved {
            *to = self.point(*to)?.into();
        }
        Some(moved)
    }

    /// The smallest upright box around what a box becomes.
    pub fn bounds(&self, bounds: &Bounds) -> Option<Bounds> {
        Bounds::of_points(bounds.corners().into_iter().map(|corner| self.point(corner).map(Edge::from)))
    }
}

/// Swaps each of these pairs of keypoints, as mirroring does with what is named left and right; pairs that lead outside
/// are left alone.
pub fn swap_pairs<T>(keypoints: &mut [T], pairs: &[[usize; 2]]) {
    for &[a, b] in pairs {
        if a < keypoints.len() && b < keypoints.len() {
            keypoints.swap(a, b);
        }
    }
}

/// An upright box between pixel edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The least x.
    pub left: f64,
    /// The least y.
    pub top: f64,
    /// The greatest x.
    pub right: f64,
    /// The greatest y.
    pub bottom: f64,
}

impl Bounds {
    /// Of left, top, right and bottom, as Pascal VOC has them (`xyxy`).
    ///
    /// # Errors
    /// [`Error::NotFinite`] for numbers that are not, [`Error::InvalidArgument`] where a side is negative.
    pub fn from_xyxy([left, top, right, bottom]: [f64; 4]) -> Result<Self> {
        if ![left, top, right, bottom].iter().all(|v| v.is_finite()) {
            return Err(Error::NotFinite);
        }
        if left > right || top > bottom {
            return Err(Error::InvalidArgument);
        }
        Ok(Self { left, top, right, bottom })
    }

    /// Of left, top, width and height, as COCO has them (`xywh`).
    ///
    /// # Errors
    /// As [`Bounds::from_xyxy`].
    pub fn from_xywh([left, top, width, height]: [f64; 4]) -> Result<Self> {
        Self::from_xyxy([left, top, left + width, top + height])
    }

    /// Of the middle, the width and the height as shares of an image of `size` = (height, width), as YOLO has them.
    ///
    /// # Errors
    /// As [`Bounds::from_xyxy`].
    pub fn from_yolo([x, y, width, height]: [f64; 4], size: (usize, usize)) -> Result<Self> {
        let (h, w) = (size.0 as f64, size.1 as f64);
        let (x, y, half_w, half_h) = (x * w, y * h, width * w * 0.5, height * h * 0.5);
        Self::from_xyxy([x - half_w, y - half_h, x + half_w, y + half_h])
    }

    /// The smallest box around all of `boxes`; `None` where there are none.
    pub fn around(boxes: impl IntoIterator<Item = Self>) -> Option<Self> {
        let less = |a: f64, b: f64| if b < a { b } else { a };
        boxes.into_iter().reduce(|all, one| Self {
            left: less(all.left, one.left),
            top: less(all.top, one.top),
            right: -less(-all.right, -one.right),
            bottom: -less(-all.bottom, -one.bottom),
        })
    }

    /// The smallest box around all of `points`; `None` where there are none, and where one of them is missing.
    pub fn of_points(points: impl IntoIterator<Item = Option<Edge>>) -> Option<Self> {
        let mut all = None;
        for point in points {
            let Edge([x, y]) = point?;
            let one = Self { left: x, top: y, right: x, bottom: y };
            all = Self::around(all.into_iter().chain([one]));
        }
        all
    }

    /// `N` points of each side, clockwise from the top left.
    pub fn outline<const N: usize>(&self) -> impl Iterator<Item = Edge> + use<N> {
        let corners = self.corners();
        let sides = corners.into_iter().zip(corners.into_iter().cycle().skip(1));
        sides.flat_map(|(Edge([ax, ay]), Edge([bx, by]))| {
            (0..N)
                .map(move |i| i as f64 / N as f64)
                .map(move |t| Edge([ax + (bx - ax) * t, ay + (by - ay) * t]))
        })
    }

    /// Clockwise from the top left.
    pub const fn corners(&self) -> [Edge; 4] {
        let Self { left, top, right, bottom } = *self;
        [Edge([left, top]), Edge([right, top]), Edge([right, bottom]), Edge([left, bottom])]
    }

    /// Left, top, right and bottom.
    pub const fn xyxy(&self) -> [f64; 4] {
        [self.left, self.top, self.right, self.bottom]
    }

    /// Left, top, width and height.
    pub const fn xywh(&self) -> [f64; 4] {
        [self.left, self.top, self.right - self.left, self.bottom - self.top]
    }

    /// The middle, the width and the height as shares of an image of `size` = (height, width).
    pub const fn yolo(&self, size: (usize, usize)) -> [f64; 4] {
        let (h, w) = (size.0 as f64, size.1 as f64);
        let (x, y) = ((self.left + self.right) * 0.5, (self.top + self.bottom) * 0.5);
        [x / w, y / h, (self.right - self.left) / w, (self.bottom - self.top) / h]
    }

    /// The middle.
    pub const fn middle(&self) -> Edge {
        Edge([(self.left + self.right) * 0.5, (self.top + self.bottom) * 0.5])
    }

    /// Whether a place lies in it.
    pub fn holds(&self, Edge([x, y]): Edge) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// The area that it shares with another box.
    pub fn shared(&self, other: &Self) -> f64 {
        let along = |low: f64, high: f64, from: f64, to: f64| {
            let (start, end) = (if low > from { low } else { from }, if high < to { high } else { to });
            if end > start { end - start } else { 0.0 }
        };
        along(self.left, self.right, other.left, other.right)
            * along(self.top, self.bottom, other.top, other.bottom)
    }

    /// The area that it shares with another box, as a share of that which the two cover (intersection over union, the
    /// Jaccard index); 0 where they cover none.
    pub fn overlap(&self, other: &Self) -> f64 {
        let shared = self.shared(other);
        let both = self.area() + other.area() - shared;
        if both > 0.0 { shared / both } else { 0.0 }
    }

    /// The pixels that lie in it as a whole; `None` where there are none, or where it reaches past 2³² of them.
    pub fn whole_pixels(&self) -> Option<Rect> {
        let up = |v: f64| {
            let whole = v as u32;
            if f64::from(whole) < v { whole.saturating_add(1) } else { whole }
        };
        let (top, left) = (up(self.top), up(self.left));
        let (bottom, right) = (self.bottom as u32, self.right as u32);
        let (height, width) = (bottom.checked_sub(top)?, right.checked_sub(left)?);
        (height > 0 && width > 0).then_some(Rect { top, left, height, width })
    }

    /// Width times height.
    pub const fn area(&self) -> f64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// The part inside an image of `size` = (height, width), where it is at least `share` of the area and no side is below
    /// `side` pixels; `None` otherwise, and for what lies outside.
    pub fn visible(&self, size: (usize, usize), share: f64, side: f64) -> Option<Self> {
        let (h, w) = (size.0 as f64, size.1 as f64);
        let within = |v: f64, most: f64| v.clamp(0.0, most);
        let inside = Self {
            left: within(self.left, w),
            top: within(self.top, h),
            right: within(self.right, w),
            bottom: within(self.bottom, h),
        };
        let [_, _, width, height] = inside.xywh();
        let large = width > 0.0 && height > 0.0 && width >= side && height >= side;
        (large && inside.area() >= self.area() * share).then_some(inside)
    }
}

impl From<Rect> for Bounds {
    fn from(rect: Rect) -> Self {
        let [top, left, height, width] = [rect.top, rect.left, rect.height, rect.width].map(f64::from);
        Self { left, top, right: left + width, bottom: top + height }
    }
}

/// The area of the part of a figure of four corners, convex and in order, that lies inside an image of `size` = (height,
/// width), and the area of all of it (clipping of Sutherland and Hodgman 1974).
pub(crate) fn visible_area(corners: [Edge; 4], size: (usize, usize)) -> (f64, f64) {
    // Each of the four sides of the image adds a corner at most.
    let mut figure = heapless::Vec::<[f64; 2], 8>::new();
    corners.iter().for_each(|corner| figure.push(corner.0).unwrap_or(()));
    let all = area(&figure);
    for (axis, sign, edge) in
        [(0, 1.0, 0.0), (0, -1.0, -(size.1 as f64)), (1, 1.0, 0.0), (1, -1.0, -(size.0 as f64))]
    {
        let inside = |place: [f64; 2]| sign * if axis == 0 { place[0] } else { place[1] } - edge;
        let mut clipped = heapless::Vec::new();
        let next = figure.iter().cycle().skip(1);
        for (&here, &next) in figure.iter().zip(next) {
            let (a, b) = (inside(here), inside(next));
            if a >= 0.0 {
                clipped.push(here).unwrap_or(());
            }
            if (a >= 0.0) != (b >= 0.0) {
                let t = a / (a - b);
                let crossing = [here[0] + (next[0] - here[0]) * t, here[1] + (next[1] - here[1]) * t];
                clipped.push(crossing).unwrap_or(());
            }
        }
        figure = clipped;
    }
    (area(&figure), all)
}

/// The area of a figure by its corners in order (the shoelace formula).
fn area(figure: &[[f64; 2]]) -> f64 {
    let next = figure.iter().cycle().skip(1);
    let twice: f64 = figure.iter().zip(next).map(|([ax, ay], [bx, by])| ax * by - bx * ay).sum();
    if twice < 0.0 { twice * -0.5 } else { twice * 0.5 }
}

impl Affine {
    /// The map of cutting out a part whose top left pixel is (`top`, `left`); negative in a margin, as for
    /// [`pad`](super::pad) with the signs the other way round.
    pub const fn crop(top: i64, left: i64) -> Self {
        Self { x0: left as f32, y0: top as f32, ..Self::IDENTITY }
    }

    /// The map of resizing from one size to another, both (height, width).
    pub fn resize(from: (usize, usize), to: (usize, usize)) -> Self {
        let [yy, xx] = [(from.0, to.0), (from.1, to.1)].map(|(from, to)| (from as f64 / to as f64) as f32);
        // Edges go to edges.
        Self { xx, x0: xx * 0.5 - 0.5, yy, y0: yy * 0.5 - 0.5, ..Self::IDENTITY }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Owned;
    use super::super::{Border, Interpolation, Motion, Symmetry, warp};
    use super::*;
    use crate::simd::Level;
    use proptest::prelude::*;

    /// The place of the only pixel that is not 0.
    fn spot(image: &Owned) -> Option<[usize; 2]> {
        let at = image.data.iter().position(|&v| v != 0)?;
        Some([at % image.shape.1, at / image.shape.1])
    }

    proptest! {
        #[test]
        fn a_point_goes_where_its_pixel_goes(x in 8usize..24, y in 8usize..24, degrees in -180.0f32..180.0, flip: bool) {
            let size = (32, 32);
            let mut src = Owned::new((32, 32, 1));
            src.data[y * 32 + x] = 255;
            let turn = Motion { degrees, ..Motion::default() }.inverse(size).unwrap();
            let map = if flip { Symmetry::HFLIP.map(size).then(&turn) } else { turn };
            let mut out = Owned::new(src.shape);
            warp(Level::detect(), map, Interpolation::Bilinear, Border::Constant(0), src.view(), out.view_mut()).unwrap();
            let movement = Movement::of(map).unwrap();
            let Index([px, py]) = movement.point(Index([x as f64, y as f64])).unwrap();
            let [sx, sy] = spot(&out).unwrap();
            prop_assert!((px - sx as f64).abs() < 2.5 && (py - sy as f64).abs() < 2.5, "{} {} {} {}", px, py, sx, sy);
            prop_assert_eq!(movement.mirrors(Index([3.0, 4.0])), flip);
        }
    }

    #[test]
    fn boxes_go_with_the_image_in_every_notation() {
        let size = (40, 100);
        let bounds = Bounds::from_xywh([10.0, 5.0, 20.0, 8.0]).unwrap();
        assert_eq!(bounds, Bounds::from_xyxy([10.0, 5.0, 30.0, 13.0]).unwrap());
        assert_eq!(bounds.yolo(size), [0.2, 0.225, 0.2, 0.2]);
        let again = Bounds::from_yolo([0.2, 0.225, 0.2, 0.2], size).unwrap();
        assert!(again.xyxy().iter().zip(bounds.xyxy()).all(|(a, b)| (a - b).abs() < 1e-12));
        let moved = |map: Affine| Movement::of(map).unwrap().bounds(&bounds).unwrap().xyxy();
        assert_eq!(moved(Symmetry::HFLIP.map(size)), [70.0, 5.0, 90.0, 13.0]);
        assert_eq!(moved(Symmetry::VFLIP.map(size)), [10.0, 27.0, 30.0, 35.0]);
        assert_eq!(moved(Symmetry::ROT90.map(size)), [5.0, 70.0, 13.0, 90.0]);
        assert_eq!(moved(Affine::crop(4, -2)), [12.0, 1.0, 32.0, 9.0]);
        assert_eq!(moved(Affine::resize(size, (80, 50))), [5.0, 10.0, 15.0, 26.0]);
        assert_eq!(Bounds::from_xyxy([3.0, 0.0, 2.0, 1.0]), Err(Error::InvalidArgument));
        assert_eq!(Bounds::from_xyxy([f64::NAN, 0.0, 2.0, 1.0]), Err(Error::NotFinite));
    }

    #[test]
    fn boxes_are_cut_off_and_left_out() {
        let half = Bounds::from_xyxy([-10.0, 2.0, 10.0, 6.0]).unwrap();
        let inside = Bounds::from_xyxy([0.0, 2.0, 10.0, 6.0]).unwrap();
        assert_eq!(half.visible((20, 20), 0.5, 1.0), Some(inside));
        assert_eq!(half.visible((20, 20), 0.6, 1.0), None);
        assert_eq!(half.visible((20, 20), 0.1, 5.0), None);
        assert_eq!(Bounds::from_xyxy([30.0, 2.0, 40.0, 6.0]).unwrap().visible((20, 20), 0.0, 0.0), None);
    }

    #[test]
    fn the_two_conventions_and_pairs() {
        assert_eq!(Edge::from(Index([0.0, 3.0])), Edge([0.5, 3.5]));
        assert_eq!(Index::from(Edge([0.0, 3.0])), Index([-0.5, 2.5]));
        let mut names = ["nose", "left eye", "right eye", "left ear", "right ear"];
        swap_pairs(&mut names, &[[1, 2], [3, 4], [4, 9]]);
        assert_eq!(names, ["nose", "right eye", "left eye", "right ear", "left ear"]);
        // An oriented box keeps the order of its corners.
        let square = [[1.0, 1.0], [3.0, 1.0], [3.0, 2.0], [1.0, 2.0]].map(Edge);
        let moved = Movement::of(Symmetry::HFLIP.map((4, 4))).unwrap().corners(square).unwrap();
        assert_eq!(moved, [[3.0, 1.0], [1.0, 1.0], [1.0, 2.0], [3.0, 2.0]].map(Edge));
        let flat = Affine { xx: 0.0, ..Affine::IDENTITY };
        assert_eq!(Movement::of(flat), Err(Error::InvalidArgument));
    }
}
