//! Rows and parts of rows of a picture: moved, blanked, mirrored.

use super::Pictures;
use crate::image::Rect;
use crate::nn::rows;

/// Pixel `i` of `n` in a row that is mirrored at its ends, again and again; the pixels at the ends stand once.
pub(super) const fn mirrored(i: i64, n: usize) -> usize {
    let last = n.saturating_sub(1) as i64;
    let Some(within) = i.checked_rem_euclid(last.saturating_mul(2)) else { return 0 };
    (if within > last { last.saturating_mul(2).saturating_sub(within) } else { within }) as usize
}

/// The same where the pixel is less than a side outside.
#[inline(always)]
pub(super) const fn mirrored_once(i: i64, n: usize) -> Option<usize> {
    let last = n.saturating_sub(1) as i64;
    let i = if i < 0 { -i } else { i };
    let i = if i > last { 2 * last - i } else { i };
    if i < 0 { None } else { Some(i as usize) }
}

/// Where a side of `n` pixels and the same moved by `by` meet: `to[i]` is `from[i + by]` for `i` in the range given.
fn met(by: i32, n: usize) -> core::ops::Range<usize> {
    let part = |v: i64| v.max(0).min(n as i64) as usize;
    part(-i64::from(by))..part(n as i64 - i64::from(by))
}

/// `to` at (y, x) is `from` at (y + down, x + right), 0 where that is outside. The adjoint moves back.
pub(super) fn shift(of: &Pictures, [down, right]: [i32; 2], from: &[f32], to: &mut [f32]) {
    let (step, row) = of.steps();
    let plane = row.saturating_mul(of.height);
    let (down_to, right_to) = (met(down, of.height), met(right, of.width));
    let first = (down_to.start as i64 + i64::from(down)).max(0) as usize;
    let (start, end) = (right_to.start.saturating_mul(step), right_to.end.saturating_mul(step));
    let left = (right_to.start as i64 + i64::from(right)).max(0) as usize;
    let left = left.saturating_mul(step);
    for (from, to) in rows::of(from, plane).zip(rows::of_mut(to, plane)) {
        let mut lines = rows::of(from, row).skip(first);
        for (y, to) in rows::of_mut(to, row).enumerate() {
            let line = if down_to.contains(&y) { lines.next() } else { None };
            let Some(line) = line.filter(|_| start < end) else {
                to.fill(0.0);
                continue;
            };
            to.get_mut(..start).unwrap_or(&mut []).fill(0.0);
            rows::copy(line.get(left..).unwrap_or(&[]), to.get_mut(start..end).unwrap_or(&mut []));
            to.get_mut(end..).unwrap_or(&mut []).fill(0.0);
        }
    }
}

/// Makes 0 what [`shift`] by so much makes 0.
pub(super) fn blank_outside(of: &Pictures, [down, right]: [i32; 2], picture: &mut [f32]) {
    let (down_to, right_to) = (met(down, of.height), met(right, of.width));
    let rect = |rows: core::ops::Range<usize>, columns: core::ops::Range<usize>| Rect {
        top: rows.start as u32,
        left: columns.start as u32,
        height: rows.len() as u32,
        width: columns.len() as u32,
    };
    blank(of, rect(0..down_to.start, 0..of.width), picture);
    blank(of, rect(down_to.end..of.height, 0..of.width), picture);
    blank(of, rect(0..of.height, 0..right_to.start), picture);
    blank(of, rect(0..of.height, right_to.end..of.width), picture);
}

/// Makes a part 0; what of it is outside is left out.
pub(super) fn blank(of: &Pictures, part: Rect, picture: &mut [f32]) {
    if part.height == 0 || part.width == 0 {
        return;
    }
    let (step, row) = of.steps();
    let at = |pixels: u64| (pixels.min(of.width as u64) as usize).saturating_mul(step);
    let (left, right) = (u64::from(part.left), u64::from(part.left) + u64::from(part.width));
    for plane in rows::of_mut(picture, row.saturating_mul(of.height)) {
        let lines = rows::of_mut(plane, row).skip(part.top as usize).take(part.height as usize);
        for line in lines {
            line.get_mut(at(left)..at(right)).unwrap_or(&mut []).fill(0.0);
        }
    }
}

/// The part moved by (down, right), without what leaves the picture.
pub(super) fn moved(of: &Pictures, part: Rect, [down, right]: [i32; 2]) -> Rect {
    let along = |start: u32, len: u32, by: i32, side: usize| {
        let within = |v: i64| v.max(0).min(side as i64) as u32;
        let (start, by) = (i64::from(start), i64::from(by));
        let (from, to) = (within(start + by), within(start + i64::from(len) + by));
        (from, to.saturating_sub(from))
    };
    let (top, height) = along(part.top, part.height, down, of.height);
    let (left, width) = along(part.left, part.width, right, of.width);
    Rect { top, left, height, width }
}
