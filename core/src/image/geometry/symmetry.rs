//! The eight symmetries of the square, the group D4.

use super::{Mirrored, copy, hflip, rot90, rot180, rot270, transpose, transverse, vflip};
use crate::error::Result;
use crate::image::Affine;
use crate::scratch::Plain;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// One of the eight ways to lay a rectangle of pixels onto itself or onto its transpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Symmetry {
    /// Rows of the output are columns of the source.
    transposed: bool,
    /// The source is read from right to left.
    mirror_x: bool,
    /// The source is read from bottom to top.
    mirror_y: bool,
}

impl Symmetry {
    /// Everything stays.
    pub const IDENTITY: Self = Self::of(false, false, false);
    /// [`hflip`].
    pub const HFLIP: Self = Self::of(false, true, false);
    /// [`vflip`].
    pub const VFLIP: Self = Self::of(false, false, true);
    /// [`rot180`].
    pub const ROT180: Self = Self::of(false, true, true);
    /// [`transpose`].
    pub const TRANSPOSE: Self = Self::of(true, false, false);
    /// [`rot90`].
    pub const ROT90: Self = Self::of(true, true, false);
    /// [`rot270`].
    pub const ROT270: Self = Self::of(true, false, true);
    /// [`transverse`].
    pub const TRANSVERSE: Self = Self::of(true, true, true);

    /// All of them: the turns by 0, 90, 180 and 270 degrees, then the same after [`hflip`].
    pub const ALL: [Self; 8] = [
        Self::IDENTITY,
        Self::ROT90,
        Self::ROT180,
        Self::ROT270,
        Self::HFLIP,
        Self::TRANSPOSE,
        Self::VFLIP,
        Self::TRANSVERSE,
    ];

    const fn of(transposed: bool, mirror_x: bool, mirror_y: bool) -> Self {
        Self { transposed, mirror_x, mirror_y }
    }

    /// The flips of these axes.
    pub const fn mirrored(Mirrored { x, y }: Mirrored) -> Self {
        Self::of(false, x, y)
    }

    /// Whether height and width change places.
    pub const fn transposes(self) -> bool {
        self.transposed
    }

    /// Which axes of the source are read backwards.
    pub const fn mirrors(self) -> Mirrored {
        Mirrored { x: self.mirror_x, y: self.mirror_y }
    }

    /// This one and then `next`, as one.
    #[must_use]
    pub const fn then(self, next: Self) -> Self {
        // What `next` calls x is this one's output's x, which is the source's y where this one transposes.
        let (x, y) =
            if self.transposed { (next.mirror_y, next.mirror_x) } else { (next.mirror_x, next.mirror_y) };
        Self::of(self.transposed != next.transposed, self.mirror_x != x, self.mirror_y != y)
    }

    /// (height, width) of what becomes of an image of `size`.
    pub const fn size(self, size: (usize, usize)) -> (usize, usize) {
        if self.transposed { (size.1, size.0) } else { size }
    }

    /// The inverse map for an image of `size` = (height, width).
    pub const fn map(self, size: (usize, usize)) -> Affine {
        let (x0, x) = if self.mirror_x { (size.1 as f32 - 1.0, -1.0) } else { (0.0, 1.0) };
        let (y0, y) = if self.mirror_y { (size.0 as f32 - 1.0, -1.0) } else { (0.0, 1.0) };
        if self.transposed {
            Affine { xx: 0.0, xy: x, x0, yx: y, yy: 0.0, y0 }
        } else {
            Affine { xx: x, xy: 0.0, x0, yx: 0.0, yy: y, y0 }
        }
    }

    /// Writes what becomes of `src` into `dst`, which is of [`Symmetry::size`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`](crate::Error::ShapeMismatch) where `dst` has another shape.
    pub fn apply<T: Plain>(self, level: Level, src: ImageRef<'_, T>, dst: ImageMut<'_, T>) -> Result<()> {
        match (self.transposed, self.mirror_x, self.mirror_y) {
            (false, false, false) => copy(src, dst),
            (false, true, false) => hflip(level, src, dst),
            (false, false, true) => vflip(src, dst),
            (false, true, true) => rot180(level, src, dst),
            (true, false, false) => transpose(level, src, dst),
            (true, true, false) => rot90(level, src, dst),
            (true, false, true) => rot270(level, src, dst),
            (true, true, true) => transverse(level, src, dst),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::testing::{Owned, images};
    use crate::image::{Border, Interpolation, warp};
    use proptest::prelude::*;

    fn applied(symmetry: Symmetry, src: &Owned) -> Owned {
        let (h, w, c) = src.shape;
        let size = symmetry.size((h, w));
        let mut out = Owned::new((size.0, size.1, c));
        symmetry.apply(Level::detect(), src.view(), out.view_mut()).unwrap();
        out
    }

    proptest! {
        #[test]
        fn the_composition_table_is_that_of_the_moves(src in images()) {
            for first in Symmetry::ALL {
                for next in Symmetry::ALL {
                    let both = applied(next, &applied(first, &src));
                    prop_assert_eq!(&applied(first.then(next), &src), &both, "{:?} {:?}", first, next);
                }
            }
        }

        #[test]
        fn maps_are_the_moves(src in images()) {
            for symmetry in Symmetry::ALL {
                let want = applied(symmetry, &src);
                let (h, w, _) = src.shape;
                let mut out = Owned::new(want.shape);
                let (map, how) = (symmetry.map((h, w)), Interpolation::Nearest);
                warp(Level::detect(), map, how, Border::Constant(9), src.view(), out.view_mut()).unwrap();
                prop_assert_eq!(&out, &want);
            }
        }
    }

    #[test]
    fn the_group_has_eight_members_and_each_its_opposite() {
        for (i, one) in Symmetry::ALL.into_iter().enumerate() {
            assert!(Symmetry::ALL[i + 1..].iter().all(|other| *other != one));
            assert_eq!(
                Symmetry::ALL.iter().filter(|other| one.then(**other) == Symmetry::IDENTITY).count(),
                1
            );
        }
        let quarter = Symmetry::ROT90;
        assert_eq!(quarter.then(quarter).then(quarter).then(quarter), Symmetry::IDENTITY);
        assert_eq!(Symmetry::HFLIP.then(quarter), Symmetry::TRANSPOSE);
        assert_eq!(Symmetry::ALL[6], Symmetry::HFLIP.then(Symmetry::ROT180));
        assert_eq!(Symmetry::ALL[7], Symmetry::HFLIP.then(Symmetry::ROT270));
    }
}
