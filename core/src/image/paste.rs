//! Parts of other images: overlays, copies of objects, and mosaics.

use super::{Affine, Fit, Placement, Rect, Sample, Sampling};
use crate::error::{Error, Result};
use crate::image::ResizePlan;
use crate::math;
use crate::rng::Stream;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Puts `src` into `dst` with its top left pixel at (`top`, `left`), which may lie outside; what reaches out is cut off. With
/// a `mask`, of one channel and the size of `src`, each pixel is dst + (src − dst) · mask / 255 · `opacity`, in `f32`, rounded
/// half up; without one all of it is as if the mask were 255. So objects are copied by their masks (copy-paste, Ghiasi
/// and others 2021), and marks are laid over pictures.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the channels differ or the mask has another shape, [`Error::InvalidArgument`] unless
/// 0 ≤ `opacity` ≤ 1; `dst` is untouched then.
pub fn paste<T: Sample>(
    level: Level,
    src: ImageRef<'_, T>,
    mask: Option<ImageRef<'_, u8>>,
    opacity: f32,
    mut dst: ImageMut<'_, T>,
    (top, left): (i64, i64),
) -> Result<()> {
    let (height, width, channels) = src.shape();
    super::same(channels, dst.channels())?;
    mask.map_or(Ok(()), |mask| super::same(mask.shape(), (height, width, 1)))?;
    if !(0.0..=1.0).contains(&opacity) {
        return Err(Error::InvalidArgument);
    }
    let room = (dst.height(), dst.width());
    let Some((from, to)) = seen((height, width), room, (top, left)) else { return Ok(()) };
    let (src, mut dst) = (from.of(src)?, to.of_mut(&mut dst)?);
    let mask = mask.map(|mask| from.of(mask)).transpose()?;
    for (y, (to, from)) in dst.iter_rows_mut().zip(src.iter_rows()).enumerate() {
        match mask {
            Some(mask) => blend(to, from, mask.row(y), channels, opacity),
            None => T::mix(level, from, to, opacity),
        }
    }
    Ok(())
}

/// The part of an image of a `size` that lies in a `room` when its top left pixel is at `start`, and where; `None` where none
/// does.
fn seen(size: (usize, usize), room: (usize, usize), start: (i64, i64)) -> Option<(Rect, Rect)> {
    let along = |side: usize, room: usize, start: i64| -> Option<[u32; 3]> {
        let (side, room) = (i64::try_from(side).ok()?, i64::try_from(room).ok()?);
        let first = start.max(0);
        let len = start.saturating_add(side).min(room) - first;
        let within = first.checked_sub(start)?;
        (len > 0).then_some([
            u32::try_from(within).ok()?,
            u32::try_from(first).ok()?,
            u32::try_from(len).ok()?,
        ])
    };
    let [from_top, top, height] = along(size.0, room.0, start.0)?;
    let [from_left, left, width] = along(size.1, room.1, start.1)?;
    Some((Rect { top: from_top, left: from_left, height, width }, Rect { top, left, height, width }))
}

fn blend<T: Sample>(to: &mut [T], from: &[T], mask: &[u8], channels: usize, opacity: f32) {
    match channels {
        1 => blend_of::<T, 1>(to, from, mask, opacity),
        3 => blend_of::<T, 3>(to, from, mask, opacity),
        4 => blend_of::<T, 4>(to, from, mask, opacity),
        n => {
            let pixels = to.chunks_exact_mut(n.max(1)).zip(from.chunks_exact(n.max(1)));
            for ((to, from), mask) in pixels.zip(mask) {
                blend_pixel(to, from, f32::from(*mask) * (1.0 / 255.0) * opacity);
            }
        }
    }
}

/// Pixels of `C` channels; what the mask hides, in eights, is passed over.
fn blend_of<T: Sample, const C: usize>(to: &mut [T], from: &[T], mask: &[u8], opacity: f32) {
    let (to, from) = (to.as_chunks_mut::<C>().0, from.as_chunks::<C>().0);
    for ((to, from), mask) in to.chunks_mut(8).zip(from.chunks(8)).zip(mask.chunks(8)) {
        if mask.iter().all(|m| *m == 0) {
            continue;
        }
        for ((to, from), mask) in to.iter_mut().zip(from).zip(mask) {
            match f32::from(*mask) * (1.0 / 255.0) * opacity {
                1.0 => *to = *from,
                share => blend_pixel(to, from, share),
            }
        }
    }
}

#[inline(always)]
fn blend_pixel<T: Sample>(to: &mut [T], from: &[T], share: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = match share {
            0.0 => *to,
            1.0 => *from,
            share => T::from_f32(to.to_f32() + (from.to_f32() - to.to_f32()) * share),
        };
    }
}

/// Four images around a point, each filling its quarter (mosaic, Bochkovskiy and others 2020).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mosaic {
    /// Height and width of the result.
    size: (u32, u32),
    /// Row and column of the point.
    middle: (u32, u32),
}

impl Mosaic {
    /// A result of `size` = (height, width) around a point drawn from `stream`, from `margin` of each side on: ¼ keeps the
    /// smallest quarter at a sixteenth of the area.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless 0 ≤ `margin` ≤ ½, and for sides of less than two pixels or of more than 2²⁴.
    pub fn draw(size: (usize, usize), margin: f32, stream: &mut Stream) -> Result<Self> {
        let sides = |side: usize| (2..=1 << 24).contains(&side);
        if !(0.0..=0.5).contains(&margin) || !sides(size.0) || !sides(size.1) {
            return Err(Error::InvalidArgument);
        }
        let mut along = |side: usize| {
            let place = side as f32 * stream.range(margin, 1.0 - margin);
            // A pixel at least on either side.
            (math::round_half_up(place) as usize).max(1).min(side - 1) as u32
        };
        let middle = (along(size.0), along(size.1));
        Ok(Self { size: (size.0 as u32, size.1 as u32), middle })
    }

    /// A result of `size` around the point between these rows and columns: how many are above and left of it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where a quarter would have no pixels, and for sides of more than 2²⁴.
    pub fn new(size: (u32, u32), middle: (u32, u32)) -> Result<Self> {
        let within = |at: u32, side: u32| at > 0 && at < side && side <= 1 << 24;
        if within(middle.0, size.0) && within(middle.1, size.1) {
            Ok(Self { size, middle })
        } else {
            Err(Error::InvalidArgument)
        }
    }

    /// Row and column of the point.
    pub const fn middle(&self) -> (u32, u32) {
        self.middle
    }

    /// The quarter of image `i`: top left, top right, bottom left, bottom right.
    const fn quarter(&self, i: usize) -> Rect {
        let ((height, width), (row, column)) = (self.size, self.middle);
        let (top, down) = if i < 2 { (0, row) } else { (row, height.saturating_sub(row)) };
        let (left, across) =
            if i.is_multiple_of(2) { (0, column) } else { (column, width.saturating_sub(column)) };
        Rect { top, left, height: down, width: across }
    }

    /// Where an image of size `from` lies as image `i`, 0 to 3: the largest middle part of it that has the proportions of the
    /// quarter, in that quarter.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an image without pixels, or more than four of them.
    pub fn placement(&self, i: usize, from: (usize, usize)) -> Result<Placement> {
        if i > 3 {
            return Err(Error::InvalidArgument);
        }
        let quarter = self.quarter(i);
        let place = Fit::Cover.placement(from, (quarter.height as usize, quarter.width as usize))?;
        Ok(Placement { target: quarter, ..place })
    }

    /// The inverse map of image `i`: for its boxes and keypoints.
    ///
    /// # Errors
    /// As [`Mosaic::placement`].
    pub fn map(&self, i: usize, from: (usize, usize)) -> Result<Affine> {
        Ok(self.placement(i, from)?.map())
    }

    /// Bytes that [`Mosaic::place`] takes for an image of `shape` around this point, in whichever quarter; 0 for an image without
    /// pixels.
    pub fn scratch_len<T: Sample>(
        &self,
        sampling: Sampling,
        (h, w, channels): (usize, usize, usize),
    ) -> usize {
        let quarter = |i: usize| -> Result<ScratchLen> {
            let Placement { source, target } = self.placement(i, (h, w))?;
            let sides = |part: Rect| (part.height as usize, part.width as usize);
            let (from, to) = (sides(source), sides(target));
            let plan = ResizePlan::plan_len(sampling, from, to);
            let run = ResizePlan::run_any_len::<T>(sampling, from, to, channels);
            Ok(ScratchLen::new().with_bytes(plan).with_bytes(run))
        };
        let all = (0..4).filter_map(|i| quarter(i).ok());
        all.fold(ScratchLen::new(), ScratchLen::max).bytes()
    }

    /// Puts `src`, of any size, into its quarter of `dst` as image `i`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `dst` is not of the size or has other channels, those of [`Mosaic::placement`],
    /// [`Error::ScratchTooSmall`].
    pub fn place<T: Sample>(
        &self,
        level: Level,
        i: usize,
        sampling: Sampling,
        src: ImageRef<'_, T>,
        mut dst: ImageMut<'_, T>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        super::same((dst.height(), dst.width()), (self.size.0 as usize, self.size.1 as usize))?;
        super::same(src.channels(), dst.channels())?;
        let Placement { source, target } = self.placement(i, (src.height(), src.width()))?;
        let (src, dst) = (source.of(src)?, target.of_mut(&mut dst)?);
        let mut frame = scratch.frame();
        let (from, to) = ((src.height(), src.width()), (dst.height(), dst.width()));
        ResizePlan::new(sampling, from, to, &mut frame)?.run_any(level, src, dst, &mut frame)
    }
}

impl Placement {
    /// The inverse map.
    pub fn map(&self) -> Affine {
        let sides = |part: &Rect| (part.height as usize, part.width as usize);
        let Self { source, target } = self;
        let part = Affine::crop(source.top.into(), source.left.into());
        let resized = part.then(&Affine::resize(sides(source), sides(target)));
        resized.then(&Affine::crop(-i64::from(target.top), -i64::from(target.left)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, assert_exact};
    use super::super::{Bounds, Filter, Index, Movement};
    use super::*;
    use crate::rng::Key;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn what_reaches_out_is_cut_off(top in -9i64..12, left in -9i64..12, h in 0usize..8, w in 0usize..8) {
            let src = Owned { data: (0..h * w * 2).map(|i| i as u8 + 1).collect(), shape: (h, w, 2) };
            let mut dst = Owned { data: vec![200u8; 5 * 9 * 2], shape: (5, 9, 2) };
            paste(Level::detect(), src.view(), None, 1.0, dst.view_mut(), (top, left)).unwrap();
            for (i, v) in dst.data.iter().enumerate() {
                let (y, x, c) = ((i / 18) as i64 - top, (i / 2 % 9) as i64 - left, i % 2);
                let inside = (0..h as i64).contains(&y) && (0..w as i64).contains(&x);
                let want = if inside { src.data[(y as usize * w + x as usize) * 2 + c] } else { 200 };
                prop_assert_eq!(*v, want);
            }
        }
    }

    fn blended_exactly<T: Sample>(most: f64) {
        let (src, before) = (Owned::<T>::shares((20, 41, 3), 1), Owned::<T>::shares((20, 41, 3), 2));
        let mask = Owned::noise((20, 41, 1), 3);
        let mut dst = before.clone();
        paste(Level::detect(), src.view(), Some(mask.view()), 0.717, dst.view_mut(), (0, 0)).unwrap();
        let pairs = before.numbers().into_iter().zip(src.numbers());
        let want: Vec<f64> = pairs
            .enumerate()
            .map(|(i, (a, b))| a + (b - a) * f64::from(mask.data[i / 3]) / 255.0 * f64::from(0.717f32))
            .collect();
        assert_exact(&dst.data, &want, most);
    }

    #[test]
    fn masks_are_shares() {
        blended_exactly::<u8>(0.501);
        blended_exactly::<u16>(0.51);
        blended_exactly::<f32>(1e-6);
        let (src, mask) = (Owned::noise((4, 4, 3), 1), Owned { data: vec![255; 16], shape: (4, 4, 1) });
        let mut dst = Owned::new((4, 4, 3));
        paste(Level::detect(), src.view(), Some(mask.view()), 1.0, dst.view_mut(), (0, 0)).unwrap();
        assert_eq!(dst, src);
        let small = Owned::new((4, 3, 1));
        let wrong = paste(Level::BASE, src.view(), Some(small.view()), 1.0, dst.view_mut(), (0, 0));
        assert_eq!(wrong, Err(Error::ShapeMismatch));
        for opacity in [-0.1, 1.1, f32::NAN] {
            let wrong = paste(Level::BASE, src.view(), None, opacity, dst.view_mut(), (0, 0));
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
        assert_eq!(dst, src);
    }

    #[test]
    fn four_images_fill_the_result_and_boxes_go_with_them() {
        let sampling = Sampling { filter: Filter::Bilinear, antialias: true };
        for seed in 0..40 {
            let mosaic = Mosaic::draw((40, 60), 0.25, &mut Stream::new(seed, Key::new(1))).unwrap();
            let mut dst = Owned::new((40, 60, 1));
            for (i, shape) in [(30, 50, 1), (64, 20, 1), (9, 9, 1), (1, 5, 1)].into_iter().enumerate() {
                let src = Owned { data: vec![i as u8 + 1; shape.0 * shape.1], shape };
                let mut memory = vec![0; mosaic.scratch_len::<u8>(sampling, shape)];
                let scratch = &mut Scratch::new(&mut memory);
                mosaic.place(Level::detect(), i, sampling, src.view(), dst.view_mut(), scratch).unwrap();
                let way = Movement::of(mosaic.map(i, (shape.0, shape.1)).unwrap()).unwrap();
                let whole = Bounds { left: 0.0, top: 0.0, right: shape.1 as f64, bottom: shape.0 as f64 };
                let Bounds { left, top, right, bottom } = way.bounds(&whole).unwrap();
                let quarter = Bounds::from(mosaic.quarter(i));
                // The image fills the quarter, or reaches out of it.
                assert!(left < quarter.left + 1.0 && right > quarter.right - 1.0);
                assert!(top < quarter.top + 1.0 && bottom > quarter.bottom - 1.0);
                let middle = Index([(shape.1 as f64 - 1.0) / 2.0, (shape.0 as f64 - 1.0) / 2.0]);
                let Index([x, y]) = way.point(middle).unwrap();
                assert_eq!(dst.data[y as usize * 60 + x as usize], i as u8 + 1);
            }
            assert_eq!(Mosaic::new((40, 60), mosaic.middle()), Ok(mosaic));
            let (row, column) = (mosaic.middle.0 as usize, mosaic.middle.1 as usize);
            assert!((10..=30).contains(&row) && (15..=45).contains(&column));
            for (i, v) in dst.data.iter().enumerate() {
                let want = 1 + u8::from(i % 60 >= column) + 2 * u8::from(i / 60 >= row);
                assert_eq!(*v, want);
            }
        }
        for middle in [(0, 1), (1, 0), (4, 1), (1, 5)] {
            assert_eq!(Mosaic::new((4, 5), middle), Err(Error::InvalidArgument));
        }
        // Quarters that are much smaller than the images, and larger ones.
        for (size, middle) in [((12, 10), (1, 9)), ((12, 10), (6, 5)), ((9, 70), (8, 3)), ((2, 2), (1, 1))] {
            let mosaic = Mosaic::new(size, middle).unwrap();
            let mut dst = Owned::new((size.0 as usize, size.1 as usize, 3));
            for (i, shape) in [(12, 10, 3), (64, 3, 3), (1, 1, 3), (7, 90, 3)].into_iter().enumerate() {
                let mut memory = vec![0; mosaic.scratch_len::<u8>(sampling, shape)];
                let (src, scratch) = (Owned::noise(shape, 1), &mut Scratch::new(&mut memory));
                mosaic.place(Level::detect(), i, sampling, src.view(), dst.view_mut(), scratch).unwrap();
            }
        }
        let stream = &mut Stream::new(1, Key::new(1));
        for (size, margin) in [((1, 9), 0.2), ((9, 9), 0.6), ((9, 9), f32::NAN)] {
            assert_eq!(Mosaic::draw(size, margin, stream), Err(Error::InvalidArgument));
        }
    }
}
