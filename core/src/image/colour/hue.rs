//! Hue, saturation and value.
//!
//! With the largest value V of red, green and blue, the difference C of it and the smallest one, and the hue H in sixths of
//! a turn, a channel is V − C · max(0, min(k, 4 − k, 1)) for k = (n + H) mod 6, where n is 5 for red, 3 for green and 1 for
//! blue (Smith 1978).

use super::*;

/// Turns the hue of every pixel by `turns` of a whole turn, as much as red, yellow, green … come after each other.
///
/// 8-bit values are computed in integers with four fractional bits, rounded half up: within one level of the exact value,
/// without bias. Others are in `f32`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where `image` has less than three channels, [`Error::NotFinite`] where `turns` is not.
pub fn hue<T: Sample>(level: Level, turns: f32, image: ImageMut<'_, T>) -> Result<()> {
    if !turns.is_finite() {
        return Err(Error::NotFinite);
    }
    let part = turns - math::floor(turns);
    let channels = image.channels();
    each_row(image, |row| T::with_hue(level, row, channels, part))
}

#[inline(always)]
pub(super) fn turned_fixed(row: &mut [u8], channels: usize, part: f32) {
    let sixths = sixths(part);
    by_blocks(
        row,
        channels,
        #[inline(always)]
        |colours| turn(colours, sixths),
    );
}

#[inline(always)]
pub(super) fn turned_float<T: Sample>(row: &mut [T], channels: usize, part: f32) {
    for pixels in row.chunks_mut(BLOCK.saturating_mul(channels).max(1)) {
        let mut colours = spread(pixels, channels);
        turn_float(&mut colours, part * 6.0);
        close(&colours, channels, pixels);
    }
}

/// As [`turn`], with the same bounds.
#[inline(always)]
fn turn_float<T: Sample>([r, g, b]: &mut Colours<T>, sixths: f32) {
    for ((red, green), blue) in r.iter_mut().zip(g).zip(b) {
        let (r, g, b) = (red.to_f32(), green.to_f32(), blue.to_f32());
        let largest = math::max(math::max(r, g), b);
        let c = largest - math::min(math::min(r, g), b);
        let h = if largest == r {
            g - b
        } else if largest == g {
            (b - r) + 2.0 * c
        } else {
            (r - g) + 4.0 * c
        };
        let whole = 6.0 * c;
        let up = |v: f32| if v < 0.0 { v + whole } else { v };
        let h = up(h + (c * sixths - whole));
        let channel = |n: f32| {
            let k = up(h - (6.0 - n) * c);
            T::from_f32(largest - math::clamp(math::min(k, 4.0 * c - k), 0.0, c))
        };
        (*red, *green, *blue) = (channel(5.0), channel(3.0), channel(1.0));
    }
}

/// A part of a turn in sixths, with 12 fractional bits.
pub(super) fn sixths(part: f32) -> u16 {
    math::round_half_up(part * (6 << 12) as f32) as u16
}

#[inline(always)]
pub(super) fn turn([r, g, b]: &mut Colours<u8>, sixths: u16) {
    for ((red, green), blue) in r.iter_mut().zip(g).zip(b) {
        let (r, g, b) = (i16::from(*red), i16::from(*green), i16::from(*blue));
        let largest = r.max(g).max(b);
        let difference = largest - r.min(g).min(b);
        let c = difference * 16;
        // H · C, from −C to 5 C, with four fractional bits as all that follows: no sum leaves 16 bits.
        let of = |difference: i16, add: i16| difference * 16 + add;
        let h = if largest == r {
            of(g - b, 0)
        } else if largest == g {
            of(b - r, 2 * c)
        } else {
            of(r - g, 4 * c)
        };
        // C · sixths is difference · sixths / 2⁸, rounded half up: the upper half of a product of 16 bits, and of the lower
        // half of another the bit below.
        let difference = difference as u16;
        let upper = (u32::from(difference * 256) * u32::from(sixths)) >> 16;
        let turn = (upper as u16 + (difference.wrapping_mul(sixths) >> 7 & 1)) as i16;
        let whole = 6 * c;
        // From −7 C to 5 C, and then from −C on and below 6 C.
        let h = h + (turn - whole);
        let h = if h < 0 { h + whole } else { h };
        // A channel is lowest where the hue is opposite, `middle`, and rises from C to 2 C away from there on either side,
        // the shorter way round.
        let channel = |middle: i16| {
            let away = (h - middle).abs();
            let down = (2 * c - away.min(whole - away)).min(c).max(0);
            ((largest * 16 - down + 8) >> 4) as u8
        };
        (*red, *green, *blue) = (channel(3 * c), channel(5 * c), channel(c));
    }
}

/// Turns the hue of every pixel by `hue` of a whole turn, and adds to its saturation and value, both as shares of 1; they
/// stay between 0 and 1. Images of less than three channels are grey: only their values change. In `f32`.
///
/// # Errors
/// [`Error::NotFinite`] for numbers that are not.
pub fn hsv_shift<T: Sample>(
    level: Level,
    [hue, saturation, value]: [f32; 3],
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    if ![hue, saturation, value].iter().all(|v| v.is_finite()) {
        return Err(Error::NotFinite);
    }
    if image.channels() < 3 {
        for grey in image.iter_rows_mut().flatten() {
            *grey = T::from_f32(lighter(grey.to_f32(), value, T::LARGEST));
        }
        return Ok(());
    }
    let shift = [(hue - math::floor(hue)) * 6.0, saturation, value];
    let channels = image.channels();
    each_row(image, |row| T::with_hsv(level, row, channels, shift))
}

/// The value `v` with a share of the largest one added.
#[inline(always)]
fn lighter(v: f32, share: f32, largest: f32) -> f32 {
    math::clamp(v / largest + share, 0.0, 1.0) * largest
}

#[inline(always)]
pub(super) fn shifted_body<T: Sample>(row: &mut [T], channels: usize, shift: [f32; 3]) {
    for part in row.chunks_mut(BLOCK.saturating_mul(channels).max(1)) {
        let mut colours = spread(part, channels);
        move_hsv(&mut colours, shift);
        close(&colours, channels, part);
    }
}

#[inline(always)]
fn move_hsv<T: Sample>([r, g, b]: &mut Colours<T>, [sixths, saturation, value]: [f32; 3]) {
    for ((red, green), blue) in r.iter_mut().zip(g).zip(b) {
        let (r, g, b) = (red.to_f32(), green.to_f32(), blue.to_f32());
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
        let old = c / if largest > 0.0 { largest } else { 1.0 };
        // A colour without hue stays without.
        let new = if c > 0.0 { math::clamp(old + saturation, 0.0, 1.0) } else { 0.0 };
        let largest = lighter(largest, value, T::LARGEST);
        let c = largest * new;
        let h = h + sixths;
        let channel = |n: f32| {
            // From −1 + 1 up to below 5 + 6 + 5.
            let k = h + n;
            let k = if k >= 6.0 { k - 6.0 } else { k };
            let k = if k >= 6.0 { k - 6.0 } else { k };
            let down = math::clamp(math::min(k, 4.0 - k), 0.0, 1.0);
            T::from_f32(largest - c * down)
        };
        (*red, *green, *blue) = (channel(5.0), channel(3.0), channel(1.0));
    }
}
