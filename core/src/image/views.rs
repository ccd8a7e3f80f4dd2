//! Blurs that are made of whole views of an image: a zoom, frosted glass, fewer pixels, colours apart.

use super::blur::{blur_scratch_len, gaussian_blur};
use super::{Border, Filter, Interpolation, Motion, ResizePlan, Sample, copy, same, warp};
use crate::error::{Error, Result};
use crate::math;
use crate::rng::Stream;
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// The most views of [`zoom_blur`].
pub const MAX_VIEWS: usize = 32;
/// The furthest that [`glass_blur`] moves a pixel at a time.
pub const MAX_SHARDS: usize = 16;

/// Values of an image of this shape.
const fn all((height, width, channels): (usize, usize, usize)) -> usize {
    height.saturating_mul(width).saturating_mul(channels)
}

/// Bytes of scratch that [`zoom_blur`] takes for an image of `shape` = (height, width, channels).
pub fn zoom_scratch_len<T: Sample>(shape: (usize, usize, usize)) -> usize {
    ScratchLen::new().with::<T>(all(shape)).with::<T::Total>(all(shape)).bytes()
}

/// The mean of as many views as `steps` says, scaled about the middle by 1 to `factor`, as when a lens zooms while the picture
/// is taken (Hendrycks and Dietterich 2019). The first view is the image, the last one scaled by `factor`, with equal steps
/// between them; each is a bilinear [`warp`].
///
/// Sums of whole numbers are exact, and their mean rounded half up; floats are summed from the first view on, and multiplied by
/// 1 / `steps`.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 1 ≤ `factor` ≤ 4 and 2 ≤ `steps` ≤ [`MAX_VIEWS`], [`Error::ShapeMismatch`] where the shapes
/// differ, [`Error::ScratchTooSmall`].
pub fn zoom_blur<T: Sample>(
    level: Level,
    factor: f32,
    steps: usize,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !((1.0..=4.0).contains(&factor) && (2..=MAX_VIEWS).contains(&steps)) {
        return Err(Error::InvalidArgument);
    }
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    let len = width * channels;
    let mut frame = scratch.frame();
    let (view, sums) = (frame.take::<T>(all(src.shape()))?, frame.take_zeroed::<T::Total>(all(src.shape()))?);
    for (sums, row) in sums.chunks_exact_mut(len.max(1)).zip(src.iter_rows()) {
        T::gather(level, row, sums);
    }
    for step in 1..steps {
        let scale = 1.0 + (factor - 1.0) * (step as f32 / (steps - 1) as f32);
        let map = Motion { scale, ..Motion::default() }.inverse((height, width))?;
        let image = ImageMut::new(view, height, width, channels)?;
        warp(level, map, Interpolation::Bilinear, Border::Edge, src, image)?;
        T::gather(level, view, sums);
    }
    for (to, sums) in dst.iter_rows_mut().zip(sums.chunks_exact(len.max(1))) {
        T::share(level, sums, steps as u32, to);
    }
    Ok(())
}

/// Values of which views can be summed, each kind in its own arithmetic.
pub trait Views: Plain {
    /// A sum of [`MAX_VIEWS`] values.
    type Total: Plain;

    /// Adds a view.
    fn gather(level: Level, view: &[Self], sums: &mut [Self::Total]);

    /// The means of so many views.
    fn share(level: Level, sums: &[Self::Total], views: u32, to: &mut [Self]);
}

macro_rules! views {
    ($($t:ident $total:ident $share:ident),*) => { $(
        impl Views for $t {
            type Total = $total;

            kernel! {
                fn gather(view: &[$t], sums: &mut [$total]) = gather_body;
            }

            kernel! {
                fn share(sums: &[$total], views: u32, to: &mut [$t]) = $share;
            }
        }
    )* };
}
views!(u8 u16 share_bytes, u16 u32 share_words, f32 f32 share_floats);

#[inline(always)]
fn gather_body<T: Copy, S: From<T> + core::ops::AddAssign>(view: &[T], sums: &mut [S]) {
    for (sum, value) in sums.iter_mut().zip(view) {
        *sum += S::from(*value);
    }
}

/// The least whole number that is not below 2ⁿ / `views`.
#[inline(always)]
const fn reciprocal(n: u32, views: u32) -> u64 {
    let views = if views == 0 { 1 } else { views as u64 };
    (1u64 << n).div_ceil(views)
}

#[inline(always)]
fn share_bytes(sums: &[u16], views: u32, to: &mut [u8]) {
    // Too large by less than 2⁻¹⁸, times sums below 2¹³·2: no more than the least distance to a whole number, 1 / 32.
    let factor = reciprocal(18, views) as u32;
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = (((u32::from(*sum) + views / 2) * factor) >> 18) as u8;
    }
}

#[inline(always)]
fn share_words(sums: &[u32], views: u32, to: &mut [u16]) {
    // The same of sums below 2²¹.
    let factor = reciprocal(32, views);
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = (((u64::from(*sum) + u64::from(views / 2)) * factor) >> 32) as u16;
    }
}

#[inline(always)]
fn share_floats(sums: &[f32], views: u32, to: &mut [f32]) {
    let factor = 1.0 / views as f32;
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = sum * factor;
    }
}

/// Bytes of scratch that [`glass_blur`] takes for an image of `shape` = (height, width, channels).
pub fn glass_scratch_len<T: Sample>(sigma: f32, shape: (usize, usize, usize)) -> usize {
    ScratchLen::new().with::<T>(all(shape)).with_bytes(blur_scratch_len::<T>(sigma, shape)).bytes()
}

/// Blurs, moves pixels about, and blurs again, as frosted glass does (Hendrycks and Dietterich 2019): in each of `rounds` each
/// pixel, row by row, changes places with one that is up to `radius` rows and columns away, each as likely as the others; what
/// would lie outside is the nearest inside. Both are a [`gaussian_blur`] of `sigma` pixels, mirrored outside without repeating
/// the edge.
///
/// A number is drawn for each pixel: its upper half chooses the row, its lower half the column.
///
/// # Errors
/// [`Error::InvalidArgument`] unless `radius` ≤ [`MAX_SHARDS`], or as [`gaussian_blur`], [`Error::ShapeMismatch`] where the
/// shapes differ, [`Error::ScratchTooSmall`].
#[expect(clippy::too_many_arguments, reason = "three parameters, and what every operation has")]
pub fn glass_blur<T: Sample>(
    level: Level,
    sigma: f32,
    radius: usize,
    rounds: usize,
    stream: &mut Stream,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if radius > MAX_SHARDS {
        return Err(Error::InvalidArgument);
    }
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    let mut frame = scratch.frame();
    let pixels = frame.take::<T>(all(src.shape()))?;
    let image = ImageMut::new(pixels, height, width, channels)?;
    gaussian_blur(level, sigma, Border::Reflect101, src, image, &mut frame)?;
    for _ in 0..rounds {
        swap_about(radius, stream, src.shape(), pixels);
    }
    let image = ImageRef::new(pixels, height, width, channels)?;
    gaussian_blur(level, sigma, Border::Reflect101, image, dst, &mut frame)
}

/// One round of [`glass_blur`].
fn swap_about<T: Copy>(
    radius: usize,
    stream: &mut Stream,
    (height, width, channels): (usize, usize, usize),
    pixels: &mut [T],
) {
    let choices = 2 * radius as u32 + 1;
    let moved = |at: usize, half: u32, side: usize| {
        let at = at + ((half * choices) >> 16) as usize;
        at.saturating_sub(radius).min(side.saturating_sub(1))
    };
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let bits = stream.next_u32();
        let (other_y, other_x) = (moved(y, bits >> 16, height), moved(x, bits & 0xffff, width));
        let (here, there) = ((y * width + x) * channels, (other_y * width + other_x) * channels);
        for c in 0..channels {
            let (a, b) = (pixels.get(here + c).copied(), pixels.get(there + c).copied());
            if let (Some(b), Some(to)) = (b, pixels.get_mut(here + c)) {
                *to = b;
            }
            if let (Some(a), Some(to)) = (a, pixels.get_mut(there + c)) {
                *to = a;
            }
        }
    }
}

/// So many pixels times `scale`, at least one.
fn scaled(side: usize, scale: f32) -> usize {
    (math::round_half_up(side as f32 * scale) as usize).clamp(1, side.max(1))
}

/// Bytes of scratch that [`downscale`] takes for an image of `shape` = (height, width, channels) and any scale between these.
pub fn downscale_scratch_len<T: Sample>(
    [low, high]: [f32; 2],
    down: Filter,
    up: Filter,
    shape: (usize, usize, usize),
) -> usize {
    let (height, width, channels) = shape;
    let from = (height, width);
    let (least, most) =
        ((scaled(height, low), scaled(width, low)), (scaled(height, high), scaled(width, high)));
    // What a pass takes depends on the height of the small image by its windows, the longest of which are those of the least
    // height; on its width in no order.
    let down_len = |width: usize| {
        ScratchLen::new()
            .with_bytes(ResizePlan::plan_len(down, from, (0, width)))
            .with_bytes(ResizePlan::run_any_len::<T>(down, from, (least.0, width), channels))
    };
    let rows = |height: usize| ScratchLen::new().with_bytes(ResizePlan::plan_len(down, from, (height, 0)));
    let columns = (least.1..=most.1).map(down_len).fold(ScratchLen::new(), ScratchLen::max);
    let rows = (least.0..=most.0).map(rows).fold(ScratchLen::new(), ScratchLen::max);
    let down_len = rows.with_bytes(columns.bytes());
    let up_len = if up == Filter::Nearest {
        let tall = (most.0, width);
        ScratchLen::new()
            .with::<T>(all((tall.0, tall.1, channels)))
            .with_bytes(ResizePlan::plan_len(up, most, tall))
            .with_bytes(ResizePlan::plan_len(up, (tall.0, 1), (height, 1)))
    } else {
        ScratchLen::new()
            .with_bytes(ResizePlan::plan_len(up, most, from))
            .with_bytes(ResizePlan::run_any_len::<T>(up, most, from, channels))
    };
    let small = all((most.0, most.1, channels));
    ScratchLen::new().with::<T>(small).with_bytes(down_len.max(up_len).bytes()).bytes()
}

/// Makes the image smaller by the filter `down`, each side times `scale` and rounded, at least a pixel, and as large as it was
/// by the filter `up`: what is finer than these pixels is lost. Both are a [`ResizePlan::run_any`].
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 < `scale` ≤ 1, [`Error::ShapeMismatch`] where the shapes differ,
/// [`Error::ScratchTooSmall`].
pub fn downscale<T: Sample>(
    level: Level,
    scale: f32,
    down: Filter,
    up: Filter,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !(scale > 0.0 && scale <= 1.0) {
        return Err(Error::InvalidArgument);
    }
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    if all(src.shape()) == 0 {
        return Ok(());
    }
    let (h, w) = (scaled(height, scale), scaled(width, scale));
    let mut frame = scratch.frame();
    let small = frame.take::<T>(all((h, w, channels)))?;
    {
        let mut frame = frame.frame();
        let plan = ResizePlan::new(down, (height, width), (h, w), &mut frame)?;
        plan.run_any(level, src, ImageMut::new(small, h, w, channels)?, &mut frame)?;
    }
    let small = ImageRef::new(small, h, w, channels)?;
    if up == Filter::Nearest {
        return repeat(small, dst, &mut frame);
    }
    let plan = ResizePlan::new(up, (h, w), (height, width), &mut frame)?;
    plan.run_any(level, small, dst, &mut frame)
}

/// The nearest pixels: each row made wide once, and rows copied whole, as pixels of many channels.
fn repeat<'s, T: Sample + 's>(
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'s>,
) -> Result<()> {
    let (h, w, channels) = src.shape();
    let (height, width, _) = dst.shape();
    let tall = scratch.take::<T>(all((h, width, channels)))?;
    let columns = ResizePlan::new(Filter::Nearest, (h, w), (h, width), scratch)?;
    columns.pick(src, ImageMut::new(tall, h, width, channels)?);
    let rows = ResizePlan::new(Filter::Nearest, (h, 1), (height, 1), scratch)?;
    let tall = ImageRef::new(tall, h, 1, width * channels)?;
    let stride = dst.stride();
    rows.pick(tall, ImageMut::with_stride(dst.data_mut(), height, 1, width * channels, stride)?);
    Ok(())
}

/// Bytes of scratch that [`chromatic_aberration`] takes for an image of `shape` = (height, width, channels).
pub fn aberration_scratch_len<T: Sample>((height, width, _): (usize, usize, usize)) -> usize {
    let plane = height.saturating_mul(width);
    ScratchLen::new().with::<T>(plane).with::<T>(plane).bytes()
}

/// Scales red by 1 + `red` about the middle, and blue by 1 + `blue`, as a lens does that breaks colours differently; each is a
/// bilinear [`warp`] of a channel, with edges repeated outside. Other channels stay, and images of less than three.
///
/// # Errors
/// [`Error::InvalidArgument`] unless −½ ≤ `red`, `blue` ≤ ½, [`Error::ShapeMismatch`] where the shapes differ,
/// [`Error::ScratchTooSmall`].
pub fn chromatic_aberration<T: Sample>(
    level: Level,
    red: f32,
    blue: f32,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if ![red, blue].iter().all(|share| (-0.5..=0.5).contains(share)) {
        return Err(Error::InvalidArgument);
    }
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    if channels < 3 {
        return copy(src, dst);
    }
    let mut frame = scratch.frame();
    let (plane, scaled) = (frame.take::<T>(height * width)?, frame.take::<T>(height * width)?);
    copy(src, dst.reborrow())?;
    for (channel, share) in [(0, red), (2, blue)] {
        for (plane, row) in plane.chunks_exact_mut(width.max(1)).zip(src.iter_rows()) {
            for (to, from) in plane.iter_mut().zip(row.iter().skip(channel).step_by(channels)) {
                *to = *from;
            }
        }
        let map = Motion { scale: 1.0 + share, ..Motion::default() }.inverse((height, width))?;
        let (from, to) = (ImageRef::new(plane, height, width, 1)?, ImageMut::new(scaled, height, width, 1)?);
        warp(level, map, Interpolation::Bilinear, Border::Edge, from, to)?;
        for (row, plane) in dst.iter_rows_mut().zip(scaled.chunks_exact(width.max(1))) {
            for (to, from) in row.iter_mut().skip(channel).step_by(channels).zip(plane) {
                *to = *from;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
