//! What belongs to an image pixel by pixel and moves with it: masks, and which pixels come from the image at all.

use super::action::Action;
use super::pipeline::len;
use super::plan::Prepared;
use super::run::{Work, place_part, tiles};
use crate::error::{Error, Result};
use crate::image::{self, Border, Filter, Label, ResizePlan};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Which label of a mask a pixel gets where the image is resized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// That of the nearest pixel.
    #[default]
    Nearest,
    /// That which covers most of the area, so that small parts do not come and go with the place of a pixel.
    Majority,
}

impl<const N: usize> Prepared<N> {
    /// Moves `mask`, which has the height and width of the image and any number of channels, as the image is moved, into
    /// `dst`: every value is one of the mask's, or `outside`, which stands where the image has a border of one value. What
    /// changes no places leaves it alone. Where the image is warped through a map the mask takes the nearest pixels, where it
    /// is resized what `labels` says; with borders of the image itself it is mirrored or repeated with it. Masks are of
    /// whole numbers or floats of any width.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a size is not that of the image, [`Error::ScratchTooSmall`]; `dst` is untouched then.
    pub fn run_mask<T: Label>(
        &self,
        level: Level,
        mask: ImageRef<'_, T>,
        dst: ImageMut<'_, T>,
        (labels, outside): (Labels, T),
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        self.move_mask(level, mask, dst, labels, |border| border.map(|_| outside), scratch)
    }

    /// 255 where a pixel of the result shows the image, 0 where it shows a border, whichever it is; `dst` has one channel.
    ///
    /// # Errors
    /// As [`Prepared::run_mask`].
    pub fn validity(&self, level: Level, dst: ImageMut<'_, u8>, scratch: &mut Scratch<'_>) -> Result<()> {
        let (height, width, _) = self.shape;
        let mut frame = scratch.frame();
        let all = frame.take::<u8>(len((height, width, 1))?)?;
        all.fill(255);
        let all = ImageRef::new(all, height, width, 1)?;
        self.move_mask(level, all, dst, Labels::Nearest, |_| Border::Constant(0), &mut frame)
    }

    fn move_mask<T: Label>(
        &self,
        level: Level,
        mask: ImageRef<'_, T>,
        dst: ImageMut<'_, T>,
        labels: Labels,
        border: impl Fn(Border) -> Border<T>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let of = |shape: (usize, usize, usize)| (shape.0, shape.1, mask.channels());
        if mask.shape() != of(self.shape) || dst.shape() != of(self.out_shape) {
            return Err(Error::ShapeMismatch);
        }
        let mut frame = scratch.frame();
        let moves = self.passes().filter(Action::moves);
        let mut work = Work::new(level, mask, Some(dst), moves.clone(), &mut frame)?;
        for action in moves {
            match action {
                Action::Move(grid) => {
                    let border = border(grid.border.unwrap_or_default());
                    work.copy(grid.size(), |src, dst| grid.apply(level, src, dst, border))?;
                }
                Action::Warp { map, border: outside, size, .. } => {
                    let border = border(outside.unwrap_or(Border::Edge));
                    work.copy(size, |src, dst| image::warp_nearest(level, map, border, src, dst))?;
                }
                Action::Bend { bend, border: outside, .. } => {
                    let (border, (height, width, _)) = (border(outside), work.shape());
                    work.copy((height, width), |src, dst| {
                        image::bend_nearest(level, &bend, border, src, dst, &mut frame)
                    })?;
                }
                Action::Tiles { cells, seed } => {
                    let (height, width, _) = work.shape();
                    let tiles = tiles(cells, seed, (height, width))?;
                    work.copy((height, width), |src, dst| tiles.apply(src, dst))?;
                }
                Action::Resize { place, size, fill, .. } => work.copy(size, |src, dst| {
                    let outside = border(Border::Constant(fill)).constant().unwrap_or_default();
                    place_part(src, dst, place, outside, |src, dst| {
                        if labels == Labels::Majority {
                            return image::resize_labels(src, dst);
                        }
                        nearest(src, dst, &mut frame)
                    })
                })?,
                _ => {}
            }
        }
        work.finish()
    }
}

/// All of `src` into all of `dst`, by the nearest pixels.
fn nearest<T: Label>(src: ImageRef<'_, T>, dst: ImageMut<'_, T>, scratch: &mut Scratch<'_>) -> Result<()> {
    let (from, to) = ((src.height(), src.width()), (dst.height(), dst.width()));
    ResizePlan::new(Filter::Nearest, from, to, &mut scratch.frame())?.pick(src, dst);
    Ok(())
}
