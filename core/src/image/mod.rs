//! Images: resampling, geometry, point and neighbourhood operations on borrowed views.
//!
//! Everything here takes an [`ImageRef`] and writes an [`ImageMut`] of the caller's, for any number of channels, and is
//! a pure function of its arguments: 8-bit operations are integer or have their order of `f32` operations written down,
//! so every processor makes the same bytes. The random choice of parameters is in [`crate::augment`], not here.
//!
//! A pixel's centre lies at its index: the image spans −½ to width − ½.

mod adapt;
mod alpha;
mod bend;
mod bilateral;
mod blur;
mod border;
mod channels;
mod clahe;
mod colour;
mod convolve;
mod crop;
mod equalise;
mod erase;
mod extremes;
mod filter;
mod fourier;
mod geometry;
mod grey;
mod histogram;
mod jpeg;
mod kernels;
mod labels;
mod matching;
mod median;
mod mix;
mod noise;
mod normalise;
mod paste;
mod resize;
mod sample;
mod sharpen;
mod specks;
mod stripes;
mod table;
mod target;
mod tiles;
mod tone;
mod veil;
mod views;
mod volume;
mod warp;
mod weather;

pub use adapt::{Adaptation, adapt_distribution};
pub use alpha::{premultiply, unpremultiply};
pub use bend::{Bend, Bent, MOST_CELLS, MOST_POINTS, bend, bend_nearest};
pub use bilateral::{MAX_BILATERAL, bilateral, bilateral_scratch_len};
pub use blur::{MAX_RADIUS, MAX_SIGMA, blur_scratch_len, box_blur, box_blur_scratch_len, gaussian_blur};
pub use border::Border;
pub use channels::{MOST_SHUFFLED, drop_channels, scale_channels, shuffle_channels};
pub use clahe::{MOST_TILES, clahe, clahe_scratch_len};
pub use colour::{
    Adjust, ColourMatrix, ColourSpace, Jitter, fancy_pca, grey_mean, hsv_shift, hue, linear_to_srgb,
    planckian_jitter, rgb_to, sepia, srgb_to_linear, to_rgb,
};
pub use equalise::{autocontrast, equalise, equalise_scratch_len};
pub use erase::{Rect, cutout, erase};
pub use extremes::{MAX_SQUARE, dilate, erode, extremes_scratch_len};
pub use filter::{Filter, Sampling};
pub use fourier::{fourier_adaptation, fourier_scratch_len};
pub use geometry::{
    Mirrored, Symmetry, copy, hflip, hflip_in_place, pad, pad_mirrored, rot90, rot180, rot180_in_place,
    rot270, transpose, transverse, vflip, vflip_in_place,
};
pub use grey::{grey_to_rgb, greyscale, rgb_to_grey};
pub use jpeg::{jpeg, jpeg_scratch_len};
pub use kernels::{
    MAX_CUTOFF, MAX_DISC, MAX_LENGTH, MAX_RINGS, defocus, defocus_scratch_len, emboss, emboss_scratch_len,
    motion_blur, motion_scratch_len, ringing, ringing_scratch_len,
};
pub use labels::{Label, resize_labels};
pub use matching::{match_histograms, match_histograms_scratch_len};
pub use median::{MAX_MEDIAN_RADIUS, median_blur, median_scratch_len};
pub(crate) use mix::{add_weighted, settle_weighted};
pub use mix::{cutmix, mixup};
pub use noise::{
    MAX_BAND, MAX_PHOTONS, banding, banding_scratch_len, gaussian_noise, iso_noise, multiplicative_noise,
    shot_noise, speckle,
};
pub(crate) use normalise::Normaliser;
pub use normalise::{normalise, normalise_chw, to_float, to_float_chw};
pub use paste::{Mosaic, paste};
pub use resize::{
    Fit, Placement, ResizePlan, longest_side, resize_linear_light, resize_linear_light_scratch_len,
    smallest_side,
};
pub use sample::Sample;
pub use sharpen::{MAX_SHARPNESS, sharpen, sharpen_scratch_len, unsharp_mask, unsharp_scratch_len};
pub use specks::{pixel_dropout, salt_and_pepper};
pub use stripes::{grid_dropout, mask_dropout, stripes};
pub use table::Table;
pub(crate) use target::visible_area;
pub use target::{Bounds, Edge, Index, Movement, swap_pairs};
pub use tiles::{MOST_TILES_ALONG, Tiles};
pub use tone::{Tone, apply_tones};
pub use veil::{MAX_VIGNETTE, MOST_SHADOWS, shadow, vignetting};
pub use views::{
    MAX_SHARDS, MAX_VIEWS, aberration_scratch_len, chromatic_aberration, downscale, downscale_scratch_len,
    glass_blur, glass_scratch_len, zoom_blur, zoom_scratch_len,
};
pub use volume::{
    Axis, VolumeMut, VolumeRef, VolumeShape, crop_volume, cutout_volume, flip_volume, pad_volume,
    rotate_volume,
};
pub use warp::{Affine, Interpolation, Map, Motion, Perspective, warp, warp_nearest};
pub use weather::{MOST_DROPS, MOST_RINGS, Rain, fog, fog_scratch_len, rain, snow, sun_flare};

use crate::error::{Error, Result};
use crate::view::{ImageMut, ImageRef};

/// [`Error::ShapeMismatch`] unless the two are equal.
fn same<T: PartialEq>(a: T, b: T) -> Result<()> {
    if a == b { Ok(()) } else { Err(Error::ShapeMismatch) }
}

/// What of `to` comes before `at` and what after it; unlike `split_at_mut` it has no panic that has to be proved away.
#[inline(always)]
fn split<T>(to: &mut [T], at: usize) -> (&mut [T], &mut [T]) {
    to.split_at_mut(at.min(to.len()))
}

/// The common prefix of `from` into `to`.
#[inline(always)]
fn copy_values<T: Copy>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// [`copy_values`] of rows, for which a call of `memcpy` pays.
#[inline(always)]
fn copy_row<T: Copy>(to: &mut [T], from: &[T]) {
    let len = to.len().min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..len), from.get(..len)) {
        // The compiler sees that the lengths are equal, and that nothing panics.
        to.copy_from_slice(from);
    }
}

/// Calls `each` with the values of both images: all at once where nothing lies between the rows, else row by row.
/// The images are of one height and width.
#[inline(always)]
fn spans<T, U>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, U>, mut each: impl FnMut(&[T], &mut [U])) {
    if src.is_dense() && dst.as_ref().is_dense() {
        return each(src.as_mat().data(), dst.data_mut());
    }
    for (to, from) in dst.iter_rows_mut().zip(src.iter_rows()) {
        each(from, to);
    }
}

#[cfg(test)]
mod strided;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod wide;
