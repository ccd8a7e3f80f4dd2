//! The sun in the lens.

use super::*;

/// The most rings of [`sun_flare`].
pub const MOST_RINGS: usize = 32;
/// The colour of the sun: what of white it adds to red, green and blue.
const SUN: [f32; 3] = [1.0, 0.96, 0.86];
/// The colours of rings.
const RINGS: [[f32; 3]; 6] =
    [[1.0, 0.7, 0.4], [0.5, 1.0, 0.6], [0.45, 0.7, 1.0], [1.0, 0.9, 0.5], [0.8, 0.5, 1.0], [1.0, 0.5, 0.45]];

/// Lets the sun shine into the lens, at the shares `place` of the width and the height.
///
/// All pixels go to white, by the share `strength` / (1 + d²)² of what the sun's colour leaves them, where d is their distance
/// from the sun over `size` times the smaller side. Then `rings` rings are drawn on the line from the sun through the middle of
/// the image: ghosts of the lens, each in one of six colours, at 0.3 to 2 times the way to the middle, with a radius of 0.02 to
/// 0.1 times the smaller side, and with 0.15 to 0.4 of `strength`, half of that in its middle, with the square of the distance
/// from there. An edge is a pixel wide. All is in `f32`; integers are rounded half up. For each ring there are drawn its place on
/// the way, radius, strength and colour.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `strength` ≤ 1, 0 < `size` ≤ 4, each share of `place` lies between −1 and 2, and
/// `rings` ≤ [`MOST_RINGS`].
pub fn sun_flare<T: Sample>(
    level: Level,
    strength: f32,
    size: f32,
    place: [f32; 2],
    rings: usize,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    let near = place.iter().all(|share| (-1.0..=2.0).contains(share));
    let right = (0.0..=1.0).contains(&strength) && size > 0.0 && size <= 4.0 && rings <= MOST_RINGS;
    if !(near && right) {
        return Err(Error::InvalidArgument);
    }
    let (height, width, channels) = image.as_ref().shape();
    let side = height.min(width) as f32;
    let [x, y] = place;
    let sun = [x * width as f32 - 0.5, y * height as f32 - 0.5];
    let falloff = Falloff { place: sun, scale: 1.0 / math::max(size * side, 1e-3) };
    falloff.each_block(level, image.reborrow(), |pixels, found| {
        found.iter_mut().for_each(|light| *light *= strength);
        T::veil(level, pixels, channels, found, 1.0, SUN);
    });
    let middle = middle((height, width));
    for _ in 0..rings {
        let way = stream.range(0.3, 2.0);
        let radius = side * stream.range(0.02, 0.1);
        let strength = strength * stream.range(0.15, 0.4);
        let tint = RINGS.get(stream.index(RINGS.len())).copied().unwrap_or(SUN);
        let mut place = sun;
        for (place, middle) in place.iter_mut().zip(middle) {
            *place += (middle - *place) * way;
        }
        let spot = Spot { place, reach: [radius + 0.5; 2], light: 1.0, tint };
        let over = 1.0 / math::max(radius * radius, 1e-6);
        spot.paint(&mut image, |right, below| {
            let square = right * right + below * below;
            let edge = math::clamp(radius - math::sqrt(square) + 0.5, 0.0, 1.0);
            strength * edge * (0.5 + 0.5 * math::min(square * over, 1.0))
        })?;
    }
    Ok(())
}
