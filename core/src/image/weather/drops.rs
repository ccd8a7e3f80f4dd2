//! Rain and snow: many small things that are lighter than what is behind them.

use super::*;

/// The most drops or flakes of a square image.
pub const MOST_DROPS: f32 = 10_000.0;
/// How wide a drop is, as a share of the smaller side.
const THICK: f32 = 1.0 / 400.0;
/// The radius of a flake in pixels, at least.
const LEAST: f32 = 0.7;
/// The light of drops, as a share of white.
const DROP: f32 = 0.85;

/// How many of a square's things an image has: those of its area in squares of the smaller side, but no more than pixels.
fn count((height, width): (usize, usize), of_square: f32) -> usize {
    let (short, long) = (height.min(width), height.max(width));
    let all = of_square * (long as f32 / short.max(1) as f32);
    (math::round_half_up(all) as usize).min(height.saturating_mul(width))
}

/// The arguments of [`rain`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rain {
    /// Drops in a square image.
    pub drops: f32,
    /// Their length at most, as a share of the smaller side.
    pub length: f32,
    /// The angle at which they fall, in degrees, to the right where it is positive.
    pub degrees: f32,
    /// How far the brightest of them hide what is behind, as a share.
    pub brightness: f32,
    /// How much darker the scene is, as a share.
    pub darkness: f32,
}

impl Rain {
    fn validate(&self) -> Result<()> {
        let shares = [self.length, self.brightness, self.darkness];
        let right = shares.iter().all(|share| (0.0..=1.0).contains(share))
            && (0.0..=MOST_DROPS).contains(&self.drops)
            && (-60.0..=60.0).contains(&self.degrees);
        if right { Ok(()) } else { Err(Error::InvalidArgument) }
    }
}

/// Lets it rain: the image is darkened by the factor 1 − `darkness`, and `drops` drops are drawn over each square of its
/// smaller side, as streaks in a light grey, 0.85 of white.
///
/// A streak is 1/400 of the smaller side wide; where that is less than a pixel it is a pixel wide, and there are so many fewer.
/// It is ½ to 1 times as long, and ½ to 1 times as bright as asked for, begins anywhere in the image or so far above and beside
/// it that it still may reach into it, and becomes brighter to its end, from ½ to 1. Streaks are drawn row by row: what of a
/// pixel lies between its sides, each moved out by half of what the streak goes aside in a row, is its weight, in `f32`. For each
/// streak there are drawn column, row, length and brightness.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `drops` ≤ [`MOST_DROPS`], `length`, `brightness` and `darkness` lie between 0 and 1, and
/// `degrees` between −60 and 60.
pub fn rain<T: Sample>(
    level: Level,
    rain: &Rain,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    rain.validate()?;
    let (height, width) = (image.height(), image.width());
    scale_channels(level, [1.0 - rain.darkness; 3], [0.0; 3], image.reborrow())?;
    let side = height.min(width) as f32;
    let thick = math::max(side * THICK, 1.0);
    let angle = rain.degrees * (core::f32::consts::PI / 180.0);
    let (sin, cos) = (math::sin(angle), math::cos(angle));
    let slope = sin / cos;
    // Along a row, and with what it goes aside in one.
    let across = thick / cos;
    let wide = across + math::abs(slope);
    let (down, aside) = (rain.length * side * cos, math::abs(rain.length * side * sin));
    for _ in 0..count((height, width), rain.drops * (side * THICK / thick)) {
        let x = stream.range(-0.5 - aside, width as f32 - 0.5 + aside);
        let y = stream.range(-0.5 - down, height as f32 - 0.5);
        let tall = math::max(down * stream.range(0.5, 1.0), 1.0);
        let bright = rain.brightness * stream.range(0.5, 1.0) * (across / wide);
        let half = [slope * tall * 0.5, tall * 0.5];
        let spot = Spot {
            place: [x + half[0], y + half[1]],
            reach: [math::abs(half[0]) + wide * 0.5 + 1.0, half[1] + 0.5],
            light: DROP,
            tint: [1.0; 3],
        };
        spot.paint(&mut image, |right, below| {
            let rows = overlap(below, half[1]);
            let columns = overlap(right - below * slope, wide * 0.5);
            let way = math::clamp(below / tall + 0.5, 0.0, 1.0);
            bright * rows * columns * (0.5 + 0.5 * way)
        })?;
    }
    Ok(())
}

/// How much of a pixel, so far from the middle of something that reaches so far on either side, lies in it.
fn overlap(away: f32, reach: f32) -> f32 {
    math::max(math::min(away + 0.5, reach) - math::max(away - 0.5, -reach), 0.0)
}

/// Lets it snow: light areas are lightened, as far as the share `lightness` times the square of their grey (1 for white) on the
/// way to white, and `flakes` white flakes are drawn over each square of the smaller side.
///
/// A flake is a disc of a radius of `size` times the smaller side, times ½ to 1½; a radius below 0.7 pixels counts as that, and
/// there are fewer flakes then, by the square. It hides `opacity` times 0.6 to 1 of what is behind, and less to its edge: at the
/// share q of the square of its radius (1½ − 1½ q) of that, at most all. For each flake there are drawn column, row, radius and
/// opacity. In `f32`; integers are rounded half up.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `flakes` ≤ [`MOST_DROPS`], and `size`, `opacity` and `lightness` lie between 0 and 1.
pub fn snow<T: Sample>(
    level: Level,
    flakes: f32,
    [size, opacity, lightness]: [f32; 3],
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    let shares = [size, opacity, lightness].iter().all(|share| (0.0..=1.0).contains(share));
    if !(shares && (0.0..=MOST_DROPS).contains(&flakes)) {
        return Err(Error::InvalidArgument);
    }
    let (height, width, channels) = image.as_ref().shape();
    for row in image.iter_rows_mut() {
        T::lighten(level, row, channels, lightness);
    }
    let wanted = height.min(width) as f32 * size;
    let radius = math::max(wanted, LEAST);
    let fewer = (wanted / radius) * (wanted / radius);
    for _ in 0..count((height, width), flakes * fewer) {
        let x = stream.range(-0.5, width as f32 - 0.5);
        let y = stream.range(-0.5, height as f32 - 0.5);
        let radius = radius * stream.range(0.5, 1.5);
        let white = opacity * stream.range(0.6, 1.0);
        let over = 1.0 / (radius * radius);
        let spot = Spot { place: [x, y], reach: [radius; 2], light: 1.0, tint: [1.0; 3] };
        spot.paint(&mut image, |right, below| {
            let q = (right * right + below * below) * over;
            white * math::clamp(1.5 - 1.5 * q, 0.0, 1.0)
        })?;
    }
    Ok(())
}
