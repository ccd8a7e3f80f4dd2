//! Colours that move away from the mean of their pixel.

use super::Pictures;
use crate::nn::rows;

/// A value becomes v·own + (p·pixel + add), where p is the mean of the channels of its pixel.
#[derive(Clone, Copy)]
pub(super) struct Tint {
    pub own: f32,
    pub pixel: f32,
    pub add: f32,
}

/// Pixels of planes that are worked on at a time.
const BLOCK: usize = 64;

kernel! {
    /// Changes a picture in place.
    pub(super) fn tint(of: &Pictures, by: Tint, picture: &mut [f32]) = tint_body;
}

#[inline(always)]
fn tint_body(of: &Pictures, by: Tint, picture: &mut [f32]) {
    if by.pixel == 0.0 {
        for v in picture {
            *v = *v * by.own + by.add;
        }
    } else if of.planes {
        planes(of.channels, by, picture);
    } else if of.channels == 3 {
        // Strides that the compiler knows.
        let share = 1.0 / 3.0;
        for [r, g, b] in picture.as_chunks_mut::<3>().0 {
            let add = ((*r + *g + *b) * share) * by.pixel + by.add;
            (*r, *g, *b) = (*r * by.own + add, *g * by.own + add, *b * by.own + add);
        }
    } else {
        let share = 1.0 / of.channels as f32;
        for pixel in rows::of_mut(picture, of.channels) {
            let mut sum = 0.0;
            pixel.iter().for_each(|v| sum += *v);
            let add = (sum * share) * by.pixel + by.add;
            pixel.iter_mut().for_each(|v| *v = *v * by.own + add);
        }
    }
}

#[inline(always)]
fn planes(channels: usize, by: Tint, picture: &mut [f32]) {
    let plane = picture.len().checked_div(channels).unwrap_or(0);
    let share = 1.0 / channels as f32;
    for start in (0..plane).step_by(BLOCK) {
        let mut adds = [0f32; BLOCK];
        for plane in rows::of(picture, plane) {
            for (sum, v) in adds.iter_mut().zip(plane.get(start..).unwrap_or(&[])) {
                *sum += *v;
            }
        }
        for sum in &mut adds {
            *sum = (*sum * share) * by.pixel + by.add;
        }
        for plane in rows::of_mut(picture, plane) {
            for (v, add) in plane.get_mut(start..).unwrap_or(&mut []).iter_mut().zip(adds) {
                *v = *v * by.own + add;
            }
        }
    }
}
