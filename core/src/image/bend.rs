//! Maps that bend lines: elastic ones, those of grids, lenses and thin plates.
//!
//! Each tells how far away from a pixel the source lies that it shows. That is worked out at the nodes of an even lattice, and
//! between them by polynomials: see [`Bend`].

mod field;
mod lattice;
mod plate;

pub use self::field::Bent;
pub(super) use self::lattice::{AT_ONCE, Coordinate, Lattice};

use super::warp::{self, Path};
use super::{Border, Interpolation, Sample, same};
use crate::error::{Error, Result};
use crate::scratch::{Plain, Scratch};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// The most cells of a grid along a side.
pub const MOST_CELLS: usize = 32;
/// The most points of a thin plate along a side.
pub const MOST_POINTS: usize = 5;

/// How a picture is bent: for each pixel p of the result the displacement d(p), in pixels, of the place in the source that
/// it shows.
///
/// Displacements are in `f32` with 16 fractional bits, rounded down. Those of lenses and plates are worked out at the
/// nodes of a lattice a 32nd of the smaller side apart, but 1 to 16 pixels, and between these by cubics (Catmull and
/// Rom 1974): within 0.04 pixels, and 0.1 near the points of a plate.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Bend {
    /// A smooth random field (Simard, Steinkraus and Platt 2003). Uniform displacements at nodes √3·`sigma` apart, somewhere
    /// on the picture, with cubic B-splines between them: these are as wide as a Gaussian of that σ.
    Elastic {
        /// Standard deviation of a displacement along a side, in pixels, 0 to 4096.
        deviation: f32,
        /// How far displacements go together, in pixels, 1 to 4096.
        sigma: f32,
        /// Of the field.
        seed: u32,
    },
    /// The columns and rows of a grid become wider and narrower.
    Grid {
        /// Cells along each side, 1 to [`MOST_CELLS`]; no more than the smaller side has pixels.
        cells: u32,
        /// The most that a cell grows or shrinks, as a share of its size, 0 to 0.9; all together keep the size of the picture.
        shift: f32,
        /// Of the sizes.
        seed: u32,
    },
    /// A lens: d = (p − middle)·k·r², where r is the distance from the middle, 1 at a corner. A barrel above 0, which shows
    /// what is outside, and a pincushion below (Brown 1966).
    Optical {
        /// Strength, −0.3 to 1.
        k: f32,
    },
    /// A lens that shows the angle from the middle by the distance from it (equidistant), of a picture that a plain one has
    /// taken: the source lies at a distance of tan(r·φ) / tan(φ). Corners stay.
    Fisheye {
        /// φ: the angle at a corner, 1 to 70 degrees.
        degrees: f32,
    },
    /// Points of an even grid, with those at the edges, move at random, and all else by the thin-plate spline through them
    /// (Bookstein 1989), in units of the sides.
    ThinPlate {
        /// Points along each side, 2 to [`MOST_POINTS`].
        points: u32,
        /// The most that a point moves, as a share of each side, 0 to 0.5.
        shift: f32,
        /// Of the moves.
        seed: u32,
    },
    /// The nodes of a grid move at random, those at the edges along these and the corners not at all; each cell is two
    /// triangles, of which every one is mapped by a straight map.
    PiecewiseAffine {
        /// Cells along each side, 1 to [`MOST_CELLS`]; no more than the smaller side has pixels.
        cells: u32,
        /// The most that a node moves, as a share of the size of a cell, 0 to 0.45: none is turned over.
        shift: f32,
        /// Of the moves.
        seed: u32,
    },
}

impl Bend {
    /// Refuses what lies outside of the ranges.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn validate(&self) -> Result<()> {
        let within = |v: f32, low: f32, high: f32| v >= low && v <= high;
        let count = |n: u32, low: u32, high: usize| n >= low && n as usize <= high;
        let right = match *self {
            Self::Elastic { deviation, sigma, .. } => {
                within(deviation, 0.0, 4096.0) && within(sigma, 1.0, 4096.0)
            }
            Self::Grid { cells, shift, .. } => count(cells, 1, MOST_CELLS) && within(shift, 0.0, 0.9),
            Self::Optical { k } => within(k, -0.3, 1.0),
            Self::Fisheye { degrees } => within(degrees, 1.0, 70.0),
            Self::ThinPlate { points, shift, .. } => count(points, 2, MOST_POINTS) && within(shift, 0.0, 0.5),
            Self::PiecewiseAffine { cells, shift, .. } => {
                count(cells, 1, MOST_CELLS) && within(shift, 0.0, 0.45)
            }
        };
        if right { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    /// Bytes that [`bend`] and [`bend_nearest`] take for an image of `size` = (height, width), whatever the seed; 0 for what
    /// [`Bend::validate`] refuses.
    pub fn scratch_len(&self, size: (usize, usize)) -> usize {
        Bent::new(self, size).map_or(0, |bent| bent.lattice_len())
    }
}

/// `dst` shows `src` bent, sampled as [`warp`](super::warp()) does; `border` stands outside the source.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ, [`Error::InvalidArgument`] for what [`Bend::validate`] refuses,
/// [`Error::ScratchTooSmall`].
pub fn bend<T: Sample>(
    level: Level,
    bend: &Bend,
    interpolation: Interpolation,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    same(src.shape(), dst.shape())?;
    let bent = Bent::new(bend, (src.height(), src.width()))?;
    let path = Path::Bent(bent.lattice(&mut scratch.frame())?);
    warp::through(level, &path, interpolation, border, src, dst);
    Ok(())
}

/// [`bend`] by the nearest pixels, for values of any kind: masks.
///
/// # Errors
/// As [`bend`].
pub fn bend_nearest<T: Plain>(
    level: Level,
    bend: &Bend,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    same(src.shape(), dst.shape())?;
    let bent = Bent::new(bend, (src.height(), src.width()))?;
    let path = Path::Bent(bent.lattice(&mut scratch.frame())?);
    warp::nearest_through(level, &path, border, src, dst);
    Ok(())
}

#[cfg(test)]
mod tests;
