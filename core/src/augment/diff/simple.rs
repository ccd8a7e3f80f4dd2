//! DiffAugment: colour, translation and cutout, always.

mod tint;

use self::tint::{Tint, tint};
use super::Pictures;
use super::place::{blank, blank_outside, moved, shift};
use crate::error::{Error, Result};
use crate::image::Rect;
use crate::linalg::sum;
use crate::nn::{Draws, rows};
use crate::rng::Stream;
use crate::simd::Level;

/// DiffAugment (Zhao and others 2020): colour, then translation, then cutout, all of them always, drawn anew for each
/// picture. The default has the numbers of the paper's code; a number of 0 switches its part off.
///
/// ```
/// use seedbed::augment::diff::{DiffAugment, DiffChange, Pictures};
/// use seedbed::rng::{Key, Stream};
/// // The policy `translation,cutout`.
/// let policy = DiffAugment { brightness: 0.0, saturation: 0.0, contrast: 0.0, ..DiffAugment::default() };
/// let of = Pictures::interleaved(28, 28, 1);
/// let drawn = policy.draw(of, &mut Stream::new(1, Key::new(7)))?;
/// assert_eq!((drawn.contrast, drawn.hole.height <= 14), (1.0, true));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DiffAugment {
    /// What is added to all values is uniform between so much below and above 0; at least 0, finite.
    pub brightness: f32,
    /// Values move away from the mean of the channels of their pixel, by a factor uniform in 1 ± so much; 0 to 1. No change
    /// where there is one channel.
    pub saturation: f32,
    /// Values move away from the mean of the picture, by a factor uniform in 1 ± so much; 0 to 1.
    pub contrast: f32,
    /// The picture moves by whole pixels along each side, uniform up to this share of it, rounded half up; 0 to 1.
    pub translation: f32,
    /// Sides of the part that becomes 0 as a share of the picture's, rounded half up; 0 to 1. It may reach out.
    pub cutout: f32,
}

impl Default for DiffAugment {
    fn default() -> Self {
        Self { brightness: 0.5, saturation: 1.0, contrast: 0.5, translation: 0.125, cutout: 0.5 }
    }
}

/// What [`DiffAugment`] has drawn for a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DiffChange {
    /// Added to all values.
    pub brightness: f32,
    /// Factor away from the mean of the channels.
    pub saturation: f32,
    /// Factor away from the mean of the picture.
    pub contrast: f32,
    /// From how many pixels further down and right a pixel is taken.
    pub shift: [i32; 2],
    /// The part that becomes 0.
    pub hole: Rect,
}

impl Default for DiffChange {
    /// None.
    fn default() -> Self {
        let hole = Rect { top: 0, left: 0, height: 0, width: 0 };
        Self { brightness: 0.0, saturation: 1.0, contrast: 1.0, shift: [0; 2], hole }
    }
}

impl DiffAugment {
    /// Refuses numbers that are out of range.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::NotFinite`].
    pub fn check(&self) -> Result<()> {
        let shares = [self.saturation, self.contrast, self.translation, self.cutout];
        if !self.brightness.is_finite() || !shares.iter().all(|v| v.is_finite()) {
            return Err(Error::NotFinite);
        }
        let fits = self.brightness >= 0.0 && shares.iter().all(|v| (0.0..=1.0).contains(v));
        if fits { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    /// Draws for one picture: brightness, saturation, contrast, the ways down and right, the place of the cutout, each in any
    /// case, so that what one part draws does not depend on the others.
    ///
    /// # Errors
    /// Those of [`DiffAugment::check`] and [`Pictures::len`].
    pub fn draw(&self, of: Pictures, stream: &mut Stream) -> Result<DiffChange> {
        self.check()?;
        of.len()?;
        let mut around = |middle: f32, most: f32| stream.range(middle - most, middle + most);
        let [brightness, saturation, contrast] =
            [around(0.0, self.brightness), around(1.0, self.saturation), around(1.0, self.contrast)];
        let mut way = |side: usize| {
            let most = part(side, self.translation);
            stream.below(2 * most + 1) as i32 - most as i32
        };
        let shift = [way(of.height), way(of.width)];
        let mut along = |side: usize| {
            let len = part(side, self.cutout);
            // Where the length is even there is one place more.
            let middle = stream.below(side as u32 + (1 - len % 2));
            let start = middle.saturating_sub(len / 2);
            (start, (middle + len.div_ceil(2)).min(side as u32).saturating_sub(start))
        };
        let ((top, height), (left, width)) = (along(of.height), along(of.width));
        Ok(DiffChange { brightness, saturation, contrast, shift, hole: Rect { top, left, height, width } })
    }

    /// Draws for pictures with a key each, to as many places.
    ///
    /// # Errors
    /// Those of [`DiffAugment::draw`], [`Error::ShapeMismatch`] where there are not as many keys.
    pub fn draw_all(&self, of: Pictures, draws: Draws<'_>, to: &mut [DiffChange]) -> Result<()> {
        super::draw_all(draws, to, |stream| self.draw(of, stream))
    }

    /// The pictures `x`, each changed as was drawn for it, to `out`.
    ///
    /// With the mean p of a pixel and the mean m of the picture a value becomes
    /// v·(s·k) + (p·((1 − s)·k) + (m·(1 − k) + b)) for brightness b, saturation s and contrast k.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::NotFinite`] for a change that is not, those of
    /// [`Pictures::len`]; `out` is untouched then.
    pub fn apply(level: Level, of: Pictures, drawn: &[DiffChange], x: &[f32], out: &mut [f32]) -> Result<()> {
        let len = check(of, drawn, x, out)?;
        for ((drawn, x), out) in drawn.iter().zip(rows::of(x, len)).zip(rows::of_mut(out, len)) {
            shift(&of, drawn.shift, x, out);
            if drawn.tints(of.channels) {
                tint(level, &of, drawn.tint(of.channels, mean(level, drawn, x), drawn.brightness), out);
                blank_outside(&of, drawn.shift, out);
            }
            blank(&of, drawn.hole, out);
        }
        Ok(())
    }

    /// The gradient by the pictures from that by what [`DiffAugment::apply`] made of them, `dy`, to `dx`.
    ///
    /// # Errors
    /// As [`DiffAugment::apply`].
    pub fn backward(
        level: Level,
        of: Pictures,
        drawn: &[DiffChange],
        dy: &[f32],
        dx: &mut [f32],
    ) -> Result<()> {
        let len = check(of, drawn, dy, dx)?;
        for ((drawn, dy), dx) in drawn.iter().zip(rows::of(dy, len)).zip(rows::of_mut(dx, len)) {
            shift(&of, drawn.shift.map(i32::saturating_neg), dy, dx);
            blank(&of, moved(&of, drawn.hole, drawn.shift), dx);
            if drawn.tints(of.channels) {
                // But for what is added the change of colours is its own adjoint.
                tint(level, &of, drawn.tint(of.channels, mean(level, drawn, dx), 0.0), dx);
            }
        }
        Ok(())
    }
}

/// A share of a side in whole pixels.
const fn part(side: usize, share: f32) -> u32 {
    (side as f32 * share + 0.5) as u32
}

fn check(of: Pictures, drawn: &[DiffChange], x: &[f32], out: &[f32]) -> Result<usize> {
    let len = of.check(drawn.len(), x, out)?;
    let finite = |v: &DiffChange| [v.brightness, v.saturation, v.contrast].iter().all(|v| v.is_finite());
    if drawn.iter().all(finite) { Ok(len) } else { Err(Error::NotFinite) }
}

/// The mean of a picture where it counts.
fn mean(level: Level, drawn: &DiffChange, picture: &[f32]) -> f32 {
    if drawn.contrast == 1.0 { 0.0 } else { sum(level, picture) / picture.len().max(1) as f32 }
}

impl DiffChange {
    fn tints(&self, channels: usize) -> bool {
        let spread = channels > 1 && self.saturation != 1.0;
        self.brightness != 0.0 || self.contrast != 1.0 || spread
    }

    fn tint(&self, channels: usize, mean: f32, brightness: f32) -> Tint {
        let saturation = if channels > 1 { self.saturation } else { 1.0 };
        Tint {
            own: saturation * self.contrast,
            pixel: (1.0 - saturation) * self.contrast,
            add: mean * (1.0 - self.contrast) + brightness,
        }
    }
}
