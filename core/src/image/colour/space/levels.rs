//! Spaces of 8-bit values, in integers.
//!
//! A hue of 8 bits is a multiple of three 128ths of a sixth of a turn, so how far a channel is from its largest value is a whole
//! number of 128ths of the difference of the largest and the smallest one. Quotients are products with reciprocals of 24 bits.

use super::super::fixed::Fixed;
use super::*;

/// [`rgb_to`] of a row.
pub(in super::super) fn into_levels(level: Level, row: &mut [u8], channels: usize, space: ColourSpace) {
    match space {
        ColourSpace::YCbCr => TO_YCBCR.apply(level, row, channels),
        _ => into(level, row, channels, space),
    }
}

/// [`to_rgb`] of a row.
pub(in super::super) fn out_of_levels(level: Level, row: &mut [u8], channels: usize, space: ColourSpace) {
    match space {
        ColourSpace::YCbCr => OF_YCBCR.apply(level, row, channels),
        _ => out_of(level, row, channels, space),
    }
}

/// The weights of luma, and half of the differences to it over what they are at most.
const TO_YCBCR: Fixed = Fixed {
    weights: [[9798, 19235, 3735], [-5529, -10855, 16384], [16384, -13720, -2664]],
    add: [0, 128 << 15, 128 << 15],
    bits: 15,
};

/// The opposite; what is added takes the middle of the differences away.
const OF_YCBCR: Fixed = Fixed {
    weights: [[16384, 0, 22970], [16384, -5638, -11700], [16384, 29032, 0]],
    add: [-22970 * 128, (5638 + 11700) * 128, -29032 * 128],
    bits: 14,
};

kernel! {
    fn into(row: &mut [u8], channels: usize, space: ColourSpace) = into_by_kind, with avx512;
}

kernel! {
    fn out_of(row: &mut [u8], channels: usize, space: ColourSpace) = out_of_by_kind, with avx512;
}

#[inline(always)]
fn into_by_kind(row: &mut [u8], channels: usize, space: ColourSpace) {
    match space {
        ColourSpace::Hsv => by_blocks(row, channels, to_hsv),
        ColourSpace::Hls => by_blocks(row, channels, to_hls),
        ColourSpace::Lab | ColourSpace::YCbCr => into_body(row, channels, ColourSpace::Lab),
    }
}

#[inline(always)]
fn out_of_by_kind(row: &mut [u8], channels: usize, space: ColourSpace) {
    match space {
        ColourSpace::Hsv => by_blocks(row, channels, of_hsv),
        ColourSpace::Hls => by_blocks(row, channels, of_hls),
        ColourSpace::Lab | ColourSpace::YCbCr => out_of_body(row, channels, ColourSpace::Lab),
    }
}

/// ⌈255 · 2¹⁶ / v⌉, of 0 as of 1. The sum is below 2²⁴, so exact, and the quotient is no nearer to the next integer above than
/// 1 / v, which `f32` can tell from it.
#[inline(always)]
fn reciprocal(v: u8) -> u32 {
    let v = f32::from(v.max(1));
    math::whole::<0xff_0000>((16_711_679.0 + v) / v)
}

/// 255 · a / b rounded half up, for a ≤ b; 0 for a = b = 0. Exact for all of them.
#[inline(always)]
fn share(a: u8, b: u8) -> u8 {
    ((u32::from(a) * reciprocal(b) + (1 << 15)) >> 16) as u8
}

/// The hue in levels of 256 to a turn, within 0.506 of one, with the largest and the smallest channel.
#[inline(always)]
fn hue_of(r: u8, g: u8, b: u8) -> (u8, u8, u8) {
    let largest = r.max(g).max(b);
    let smallest = r.min(g).min(b);
    let (above, below, start) = if largest == r {
        (g, b, 0)
    } else if largest == g {
        (b, r, 21_845)
    } else {
        (r, g, 43_691)
    };
    // A sixth of a turn over the difference, with 15 fractional bits of a level, and what comes of it with eight.
    let sixth = math::whole::<1_398_102>(1_398_101.9 / f32::from((largest - smallest).max(1)));
    let part = ((i32::from(above) - i32::from(below)) * sixth as i32 + (1 << 6)) >> 7;
    // The sum of the lower 16 bits goes round as the hue does.
    (((part + start + (1 << 7)) >> 8) as u8, largest, smallest)
}

#[inline(always)]
fn to_hsv([r, g, b]: &mut Colours<u8>) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let (hue, largest, smallest) = hue_of(*r, *g, *b);
        (*r, *g, *b) = (hue, share(largest - smallest, largest), largest);
    }
}

#[inline(always)]
fn to_hls([r, g, b]: &mut Colours<u8>) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let (hue, largest, smallest) = hue_of(*r, *g, *b);
        let half = (u16::from(largest) + u16::from(smallest) + 1) >> 1;
        // The sum of both, or from half on what it is below twice the largest level: the other of the two is 255.
        let room = largest.saturating_add(smallest).min((255 - largest).saturating_add(255 - smallest));
        (*r, *g, *b) = (hue, half as u8, share(largest - smallest, room));
    }
}

/// `product` / 255 with eight fractional bits, of at most 255 · 255.
#[inline(always)]
fn fraction(product: u16) -> u16 {
    product + ((product + 128 + (product >> 8)) >> 8)
}

/// A channel: its largest value where the hue is at most a sixth of a turn away from the channel's own, its lowest where it is
/// more than a third away; `largest` and what the lowest value is below it have eight fractional bits.
#[inline(always)]
fn channel(hue: u8, n: u16, largest: u16, c: u16) -> u8 {
    // In 128ths of a sixth: 768 to a turn.
    let k = u16::from(hue) * 3 + n * 128;
    let k = k.min(k.wrapping_sub(768)) as i16;
    let down = k.min(512 - k).clamp(0, 128) as u16;
    let part = ((u32::from(c) * u32::from(down << 9)) >> 16) as u16;
    ((largest.wrapping_sub(if down == 128 { c } else { part }).wrapping_add(128)) >> 8) as u8
}

#[inline(always)]
fn of_hsv([h, s, v]: &mut Colours<u8>) {
    for ((h, s), v) in h.iter_mut().zip(s).zip(v) {
        let (hue, largest, c) = (*h, u16::from(*v) << 8, fraction(u16::from(*v) * u16::from(*s)));
        (*h, *s, *v) =
            (channel(hue, 5, largest, c), channel(hue, 3, largest, c), channel(hue, 1, largest, c));
    }
}

#[inline(always)]
fn of_hls([h, l, s]: &mut Colours<u8>) {
    for ((h, l), s) in h.iter_mut().zip(l).zip(s) {
        let c = fraction(u16::from((*l).min(255 - *l)) * 2 * u16::from(*s));
        let (hue, largest) = (*h, (u16::from(*l) << 8) + (c >> 1));
        (*h, *l, *s) =
            (channel(hue, 5, largest, c), channel(hue, 3, largest, c), channel(hue, 1, largest, c));
    }
}
