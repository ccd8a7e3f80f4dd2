//! Regular holes: grids and stripes.

use super::{Rect, cutout};
use crate::error::{Error, Result};
use crate::math;
use crate::rng::Stream;
use crate::view::ImageMut;

/// Paints a grid of squares with `fill` in every channel (GridMask, Chen and others 2020): a square in each unit of `unit`
/// pixels, as large as `ratio` of its side, rounded half up, but at least a pixel and at most one less than the unit. Where
/// the grid begins is drawn from `stream`.
///
/// # Errors
/// [`Error::InvalidArgument`] unless `unit` is 2 or more and 0 ≤ `ratio` ≤ 1.
pub fn grid_dropout<T: Copy>(
    unit: usize,
    ratio: f32,
    fill: T,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    if unit < 2 || !(0.0..=1.0).contains(&ratio) {
        return Err(Error::InvalidArgument);
    }
    let hole = (math::round_half_up(unit as f32 * ratio) as usize).max(1).min(unit - 1);
    let (top, left) = (stream.index(unit), stream.index(unit));
    let channels = image.channels();
    for (y, row) in image.iter_rows_mut().enumerate() {
        if (y + top) % unit >= hole {
            continue;
        }
        for (x, pixel) in row.chunks_exact_mut(channels.max(1)).enumerate() {
            if (x + left) % unit < hole {
                pixel.fill(fill);
            }
        }
    }
    Ok(())
}

/// Paints `count` stripes with `fill` in every channel, across the whole image, from top to bottom where they are `upright`.
/// The thickness of each is drawn from `thickness`, in pixels, and its place is anywhere.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ the first thickness ≤ the second one.
pub fn stripes<T: Copy>(
    count: usize,
    upright: bool,
    thickness: [f32; 2],
    fill: T,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    let [least, most] = thickness;
    if !(least >= 0.0 && least <= most && most.is_finite()) {
        return Err(Error::InvalidArgument);
    }
    let size = (image.height(), image.width());
    let side = if upright { size.1 } else { size.0 };
    for _ in 0..count {
        let thick = (math::round_half_up(stream.range(least, most)) as usize).min(side);
        let start = stream.index(side.saturating_sub(thick) + 1) as u32;
        let whole = Rect::whole(size);
        let part = if upright {
            Rect { left: start, width: thick as u32, ..whole }
        } else {
            Rect { top: start, height: thick as u32, ..whole }
        };
        cutout(image.reborrow(), part, fill)?;
    }
    Ok(())
}

/// Paints the pixels whose label in `mask` is one of `labels` with `fill` in every channel, and makes their labels
/// `background`: objects are taken out of a picture (mask dropout).
///
/// # Errors
/// [`Error::ShapeMismatch`] unless `mask` has one channel and the height and width of `image`.
pub fn mask_dropout<T: Copy, L: Copy + PartialEq>(
    labels: &[L],
    (fill, background): (T, L),
    mut mask: ImageMut<'_, L>,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    let (height, width, channels) = image.as_ref().shape();
    super::same(mask.as_ref().shape(), (height, width, 1))?;
    for (row, mask) in image.iter_rows_mut().zip(mask.iter_rows_mut()) {
        for (pixel, label) in row.chunks_exact_mut(channels.max(1)).zip(mask) {
            if labels.contains(label) {
                pixel.fill(fill);
                *label = background;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::Owned;
    use super::*;
    use crate::rng::Key;
    use std::vec;
    use std::vec::Vec;

    fn stream(seed: u64) -> Stream {
        Stream::new(seed, Key::new(1))
    }

    fn grey(shape: (usize, usize, usize)) -> Owned {
        Owned { data: vec![100; shape.0 * shape.1 * shape.2], shape }
    }

    #[test]
    fn a_grid_hides_the_share_that_is_asked_for() {
        let mut starts = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let mut image = grey((60, 80, 2));
            grid_dropout(10, 0.4, 7, &mut stream(seed), image.view_mut()).unwrap();
            // Six by eight whole units of four by four, wherever the grid begins.
            assert_eq!(image.data.iter().filter(|&&v| v == 7).count(), 2 * 48 * 16);
            let hidden = |x: usize, y: usize| image.data[(y * 80 + x) * 2] == 7;
            assert!((0..50).all(|y| (0..70).all(|x| hidden(x, y) == hidden(x + 10, y + 10))));
            starts.insert((0..10).map(|x| (0..10).any(|y| hidden(x, y))).collect::<Vec<_>>());
        }
        assert_eq!(starts.len(), 10);
        for (ratio, share) in [(0.0, 1), (1.0, 9)] {
            let mut image = grey((10, 10, 1));
            grid_dropout(10, ratio, 7, &mut stream(1), image.view_mut()).unwrap();
            assert_eq!(image.data.iter().filter(|&&v| v == 7).count(), share * share);
        }
        let mut image = grey((4, 4, 1));
        for (unit, ratio) in [(1, 0.5), (4, 1.1), (4, -0.1), (4, f32::NAN)] {
            let wrong = grid_dropout(unit, ratio, 7, &mut stream(1), image.view_mut());
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
    }

    #[test]
    fn stripes_cross_the_whole_image() {
        for upright in [false, true] {
            let mut image = grey((30, 40, 3));
            stripes(3, upright, [2.0, 5.0], 9, &mut stream(5), image.view_mut()).unwrap();
            let hidden = |x: usize, y: usize| image.data[(y * 40 + x) * 3] == 9;
            let (along, across) = if upright { (30, 40) } else { (40, 30) };
            let lines: Vec<bool> =
                (0..across).map(|i| if upright { hidden(i, 0) } else { hidden(0, i) }).collect();
            assert!((0..across).all(|i| (0..along).all(|j| {
                let (x, y) = if upright { (i, j) } else { (j, i) };
                hidden(x, y) == lines[i]
            })));
            assert!((2..=15).contains(&lines.iter().filter(|&&line| line).count()));
        }
        let mut image = grey((3, 3, 1));
        stripes(1, true, [50.0, 50.0], 9, &mut stream(5), image.view_mut()).unwrap();
        assert!(image.data.iter().all(|&v| v == 9));
        for wrong in [[-1.0, 2.0], [3.0, 2.0], [f32::NAN, 1.0], [0.0, f32::INFINITY]] {
            let wrong = stripes(1, true, wrong, 9, &mut stream(5), image.view_mut());
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
    }

    #[test]
    fn objects_leave_the_picture_and_the_mask() {
        let (mut image, mut mask) =
            (grey((2, 3, 2)), Owned { data: vec![0u8, 1, 2, 2, 1, 0], shape: (2, 3, 1) });
        mask_dropout(&[2], (5, 9), mask.view_mut(), image.view_mut()).unwrap();
        assert_eq!(mask.data, [0, 1, 9, 9, 1, 0]);
        assert_eq!(image.data, [100, 100, 100, 100, 5, 5, 5, 5, 100, 100, 100, 100]);
        let mut wrong = Owned::new((2, 2, 1));
        let wrong = mask_dropout(&[2], (5, 9), wrong.view_mut(), image.view_mut());
        assert_eq!(wrong, Err(Error::ShapeMismatch));
    }
}
