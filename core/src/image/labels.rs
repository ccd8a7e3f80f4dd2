//! Resizing masks, whose values are names and cannot be mixed.

use super::same;
use crate::error::{Error, Result};
use crate::scratch::{Plain, bytes};
use crate::view::{ImageMut, ImageRef};
use core::cmp::Ordering;
use core::fmt::Debug;
use core::ops::Range;

/// Values of masks: numbers of any kind, which name something and are never mixed.
pub trait Label: Plain + Debug {
    /// Which one comes first; numbers that are none come last.
    fn order(&self, other: &Self) -> Ordering;
}

macro_rules! label {
    ($order:path: $($t:ty)*) => { $(
        impl Label for $t {
            fn order(&self, other: &Self) -> Ordering {
                $order(self, other)
            }
        }
    )* };
}
label!(Ord::cmp: u8 u16 u32 u64 i8 i16 i32 i64);
label!(f32::total_cmp: f32);
label!(f64::total_cmp: f64);

/// A label in its order.
#[derive(Clone, Copy)]
struct InOrder<T>(T);

impl<T: Label> Ord for InOrder<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.order(&other.0)
    }
}

impl<T: Label> PartialOrd for InOrder<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Label> PartialEq for InOrder<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Label> Eq for InOrder<T> {}

/// Resizes a mask: each pixel of `dst` gets the label that covers most of the part of `src` that it stands for, of equal ones
/// the smaller; so no label appears that is not there. Areas are exact integers. Channels are resized each by itself.
///
/// Labels of 8 bits are counted in a table of 2 KiB on the stack, in time that grows with the size of `src` alone. Wider ones
/// take no memory: of those in the part of `src` they are counted one after the other, in rising order, until no other one can
/// have more, so that the time grows with how many different ones lie in such a part.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the channels differ, [`Error::InvalidArgument`] where `src` is empty and `dst` is not,
/// [`Error::Overflow`] where a side is not below 2³².
pub fn resize_labels<T: Label>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    let channels = src.channels();
    same(channels, dst.channels())?;
    let (from, to) = ((src.height(), src.width()), (dst.height(), dst.width()));
    if [from.0, from.1, to.0, to.1].iter().any(|&side| u32::try_from(side).is_err()) {
        return Err(Error::Overflow);
    }
    if (from.0 == 0 || from.1 == 0) && to.0 != 0 && to.1 != 0 {
        return Err(Error::InvalidArgument);
    }
    let mut areas = [0; 256];
    for (y, row) in dst.iter_rows_mut().enumerate() {
        let down = Side::new(y, from.0, to.0);
        for (x, pixel) in row.chunks_exact_mut(channels.max(1)).enumerate() {
            let part = Part { src, down, across: Side::new(x, from.1, to.1) };
            for (c, label) in pixel.iter_mut().enumerate() {
                if let Some(InOrder(most)) = part.most(c, &mut areas) {
                    *label = most;
                }
            }
        }
    }
    Ok(())
}

/// The stretch of a side of the source that a pixel of the output stands for, in units of which a pixel of the output has as
/// many as the source has pixels, and the other way round.
#[derive(Clone, Copy)]
struct Side {
    start: u64,
    end: u64,
    /// Units of a pixel of the source.
    pixel: u64,
}

impl Side {
    const fn new(at: usize, from: usize, to: usize) -> Self {
        let start = at as u64 * from as u64;
        Self { start, end: start + from as u64, pixel: to as u64 }
    }

    /// The pixels of the source that have a part in it.
    fn pixels(&self) -> Range<usize> {
        let pixel = self.pixel.max(1);
        (self.start / pixel) as usize..self.end.div_ceil(pixel) as usize
    }

    /// How much of it lies in this pixel.
    fn share(&self, at: usize) -> u64 {
        let start = at as u64 * self.pixel;
        (start + self.pixel).min(self.end).saturating_sub(start.max(self.start))
    }
}

/// What a pixel of the output stands for.
#[derive(Clone, Copy)]
struct Part<'a, T> {
    src: ImageRef<'a, T>,
    down: Side,
    across: Side,
}

impl<T: Label> Part<'_, T> {
    /// Calls `each` with the labels of channel `c` and their areas.
    #[inline(always)]
    fn labels(&self, c: usize, mut each: impl FnMut(InOrder<T>, u64)) {
        let channels = self.src.channels().max(1);
        let columns = self.across.pixels();
        for y in self.down.pixels() {
            let (row, height) = (self.src.row(y), self.down.share(y));
            let pixels = row.chunks_exact(channels.max(1)).enumerate();
            for (x, pixel) in pixels.take(columns.end).skip(columns.start) {
                if let Some(&label) = pixel.get(c) {
                    each(InOrder(label), height * self.across.share(x));
                }
            }
        }
    }

    /// The label of channel `c` with the largest area. `areas` are zeros before and after.
    fn most(&self, c: usize, areas: &mut [u64; 256]) -> Option<InOrder<T>> {
        let (mut next, mut greatest) = (None, None);
        self.labels(c, |label, _| {
            next = Some(next.map_or(label, |least: InOrder<T>| least.min(label)));
            greatest = greatest.max(Some(label));
        });
        if next == greatest {
            return next;
        }
        if size_of::<T>() == 1 {
            return self.most_of_bytes(c, areas);
        }
        let (mut best, mut largest) = (None, 0);
        // The sides have 2³² units at most.
        let mut left = (self.down.end - self.down.start) * (self.across.end - self.across.start);
        while let Some(now) = next
            && left > largest
        {
            let mut area = 0;
            next = None;
            self.labels(c, |label, share| {
                if label == now {
                    area += share;
                } else if label > now {
                    next = Some(next.map_or(label, |least: InOrder<T>| least.min(label)));
                }
            });
            left -= area;
            if area > largest {
                (best, largest) = (Some(now), area);
            }
        }
        best
    }

    /// As [`Part::most`], for labels of one byte.
    fn most_of_bytes(&self, c: usize, areas: &mut [u64; 256]) -> Option<InOrder<T>> {
        let place = |InOrder(label)| bytes(&[label]).first().map_or(0, |&byte| usize::from(byte));
        self.labels(c, |label, share| {
            if let Some(area) = areas.get_mut(place(label)) {
                *area += share;
            }
        });
        let (mut best, mut largest) = (None, 0);
        self.labels(c, |label, _| {
            // All of it where the label comes first, nothing where it comes again.
            let area = areas.get_mut(place(label)).map_or(0, core::mem::take);
            if area > largest || area == largest && best.is_some_and(|best| label < best) {
                (best, largest) = (Some(label), area);
            }
        });
        best
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, images};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn each_pixel_has_the_label_of_the_largest_area(src in images(), to in (1usize..50, 1usize..50), kinds in 1u8..9) {
            let (h, w, c) = src.shape;
            let src = Owned { data: src.data.iter().map(|v| v % kinds).collect(), shape: src.shape };
            let mut out = Owned::new((to.0, to.1, c));
            resize_labels(src.view(), out.view_mut()).unwrap();
            // Areas over a grid fine enough for both images, which is another way to count.
            let overlap = |i: usize, at: usize, from: usize, to: usize| {
                ((at + 1) * from).min((i + 1) * to).saturating_sub((at * from).max(i * to))
            };
            for (i, &got) in out.data.iter().enumerate() {
                let (y, x, ch) = (i / (to.1 * c), i / c % to.1, i % c);
                let mut areas = BTreeMap::new();
                for (sy, sx) in (0..h).flat_map(|sy| (0..w).map(move |sx| (sy, sx))) {
                    let area = overlap(sy, y, h, to.0) * overlap(sx, x, w, to.1);
                    *areas.entry(src.data[(sy * w + sx) * c + ch]).or_insert(0) += area;
                }
                let most = areas.values().max().copied().unwrap();
                let want = areas.iter().find(|(_, area)| **area == most).unwrap();
                prop_assert_eq!(got, *want.0);
            }
            let words: Vec<u16> = src.data.iter().map(|&v| u16::from(v) * 7000).collect();
            let mut wide = vec![0u16; out.data.len()];
            resize_labels(ImageRef::new(&words, h, w, c).unwrap(), ImageMut::new(&mut wide, to.0, to.1, c).unwrap()).unwrap();
            prop_assert!(wide.iter().zip(&out.data).all(|(w, b)| *w == u16::from(*b) * 7000));
        }

        #[test]
        fn the_same_size_changes_nothing(src in images()) {
            let mut out = Owned::new(src.shape);
            resize_labels(src.view(), out.view_mut()).unwrap();
            prop_assert_eq!(out, src);
        }
    }

    #[test]
    fn a_mask_of_all_labels_is_told_in_a_walk_or_two() {
        // Each label as often as the others, but for the last one: the hardest case for counting one after the other.
        let labels: Vec<u8> = (0..1 << 20).map(|i: u32| if i == 0 { 255 } else { i as u8 }).collect();
        let mut most = [0];
        resize_labels(
            ImageRef::new(&labels, 1 << 10, 1 << 10, 1).unwrap(),
            ImageMut::new(&mut most, 1, 1, 1).unwrap(),
        )
        .unwrap();
        assert_eq!(most, [255]);
        let signed = [3i8, -7, -7, 3, 5];
        let mut most = [0];
        resize_labels(ImageRef::new(&signed, 1, 5, 1).unwrap(), ImageMut::new(&mut most, 1, 1, 1).unwrap())
            .unwrap();
        assert_eq!(most, [-7]);
    }

    #[test]
    fn ties_go_to_the_smaller_label_and_wrong_shapes_are_refused() {
        let src = Owned { data: vec![9, 4, 4, 9], shape: (2, 2, 1) };
        let mut one = Owned::new((1, 1, 1));
        resize_labels(src.view(), one.view_mut()).unwrap();
        assert_eq!(one.data, [4]);
        let mut two = Owned::new((1, 1, 2));
        assert_eq!(resize_labels(src.view(), two.view_mut()), Err(Error::ShapeMismatch));
        let none = ImageRef::new(&[], 0, 3, 1).unwrap();
        assert_eq!(resize_labels(none, one.view_mut()), Err(Error::InvalidArgument));
        assert!(resize_labels(none, ImageMut::new(&mut [], 0, 7, 1).unwrap()).is_ok());
    }
}
