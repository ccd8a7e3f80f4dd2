//! Spaces with a hue.

use super::*;

/// The hue in sixths of a turn from 0 up to 6, with the largest channel and how much the smallest is below it.
#[inline(always)]
fn hue_of(r: f32, g: f32, b: f32) -> (f32, f32, f32) {
    let largest = math::max(math::max(r, g), b);
    let c = largest - math::min(math::min(r, g), b);
    let share = 1.0 / if c > 0.0 { c } else { 1.0 };
    let h = if largest == r {
        (g - b) * share
    } else if largest == g {
        (b - r) * share + 2.0
    } else {
        (r - g) * share + 4.0
    };
    (if h < 0.0 { h + 6.0 } else { h }, largest, c)
}

/// A number over another, 0 where that is not above 0.
#[inline(always)]
fn over(a: f32, b: f32) -> f32 {
    a / if b > 0.0 { b } else { 1.0 }
}

#[inline(always)]
pub(super) fn to_hsv([r, g, b]: &mut Numbers) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let (h, largest, c) = hue_of(*r, *g, *b);
        (*r, *g, *b) = (h * (1.0 / 6.0), over(c, largest), largest);
    }
}

#[inline(always)]
pub(super) fn to_hls([r, g, b]: &mut Numbers) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let (h, largest, c) = hue_of(*r, *g, *b);
        let sum = largest + (largest - c);
        let room = if sum < 1.0 { sum } else { 2.0 - sum };
        (*r, *g, *b) = (h * (1.0 / 6.0), sum * 0.5, over(c, room));
    }
}

/// A channel: its largest value where the hue is at most a sixth of a turn away from the channel's own, its lowest where it is
/// more than a third away.
#[inline(always)]
fn channel(sixths: f32, n: f32, largest: f32, c: f32) -> f32 {
    let k = sixths + n;
    let k = if k >= 6.0 { k - 6.0 } else { k };
    let k = if k >= 6.0 { k - 6.0 } else { k };
    largest - c * math::clamp(math::min(k, 4.0 - k), 0.0, 1.0)
}

/// Sixths of a turn of a stored hue, which for integers is one part less of a turn than of the largest value.
#[inline(always)]
fn sixths<T: Sample>(stored: f32) -> f32 {
    let turn = if T::LARGEST > 1.0 { T::LARGEST / (T::LARGEST + 1.0) } else { 1.0 };
    stored * (6.0 * turn)
}

#[inline(always)]
pub(super) fn of_hsv<T: Sample>([h, s, v]: &mut Numbers) {
    for ((h, s), v) in h.iter_mut().zip(s).zip(v) {
        let (at, largest, c) = (sixths::<T>(*h), *v, *v * *s);
        (*h, *s, *v) =
            (channel(at, 5.0, largest, c), channel(at, 3.0, largest, c), channel(at, 1.0, largest, c));
    }
}

#[inline(always)]
pub(super) fn of_hls<T: Sample>([h, l, s]: &mut Numbers) {
    for ((h, l), s) in h.iter_mut().zip(l).zip(s) {
        let half = math::min(*l, 1.0 - *l) * *s;
        let (at, largest, c) = (sixths::<T>(*h), *l + half, half + half);
        (*h, *l, *s) =
            (channel(at, 5.0, largest, c), channel(at, 3.0, largest, c), channel(at, 1.0, largest, c));
    }
}

/// Stores shares, the first of which is a hue: what would round to a whole turn is none.
#[inline(always)]
pub(super) fn store<T: Sample>(numbers: &Numbers, colours: &mut Colours<T>) {
    super::store(numbers, colours);
    if T::LARGEST > 1.0 {
        let ([hues, ..], [stored, ..]) = (numbers, colours);
        for (to, h) in stored.iter_mut().zip(hues) {
            let level = h * (T::LARGEST + 1.0);
            *to = T::from_f32(if level >= T::LARGEST + 0.5 { 0.0 } else { level });
        }
    }
}
