//! What is drawn for a picture.

use super::matrix::{
    COLOUR, Colour, PLANE, Plane, brighter, hue_rotated, luma_flipped, product, rotated, saturated, scaled,
    shifted, stronger, turned,
};
use super::{Ada, BANDS, Blit, Colours, Cutout, Filtering, Geometry};
use crate::augment::diff::{Pictures, draw_all};
use crate::error::{Error, Result};
use crate::image::Rect;
use crate::math;
use crate::nn::Draws;
use crate::rng::Stream;
use core::f32::consts::{LN_2, PI};

/// What [`Ada`] has drawn for a picture: one map of places, one of colours, and the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdaChange {
    /// For the x and the y from which a pixel is taken the weights of its own x and y, and what is added; in pixels, right and
    /// down from the middle of the picture.
    pub map: [[f32; 3]; 2],
    /// For the new red, green and blue the weights of the old ones, and what is added.
    pub colours: [[f32; 4]; 3],
    /// Gains of the bands of frequencies, from low to high.
    pub gains: [f32; BANDS],
    /// Standard deviation of the noise, at least 0.
    pub noise: f32,
    /// The seed of the noise.
    pub seed: u64,
    /// The part that becomes 0.
    pub hole: Rect,
}

impl Default for AdaChange {
    /// None.
    fn default() -> Self {
        let hole = Rect { top: 0, left: 0, height: 0, width: 0 };
        Self { map: PLANE, colours: COLOUR, gains: [1.0; BANDS], noise: 0.0, seed: 0, hole }
    }
}

impl AdaChange {
    pub(super) fn check(&self) -> Result<()> {
        let all = self.map.as_flattened().iter().chain(self.colours.as_flattened()).chain(&self.gains);
        if !all.chain([&self.noise]).all(|v| v.is_finite()) {
            return Err(Error::NotFinite);
        }
        if self.noise < 0.0 { Err(Error::InvalidArgument) } else { Ok(()) }
    }
}

impl Ada {
    /// Draws for one picture, with the probability `p`. All numbers are drawn in any case, first what a change is and then
    /// whether it happens, in the order of the fields: with another p a picture gets more or less of the same changes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless 0 ≤ `p` ≤ 1, those of [`Ada::check`] and [`Pictures::len`].
    pub fn draw(&self, of: Pictures, p: f32, stream: &mut Stream) -> Result<AdaChange> {
        self.check()?;
        of.len()?;
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::InvalidArgument);
        }
        let mut dice = Dice { p, stream };
        let map = self.blit.draw(of, &mut dice);
        let map = self.geometry.draw(of, map, &mut dice);
        let colours = self.colours.draw(of.channels, &mut dice);
        let gains = self.filter.draw(&mut dice);
        let noise = math::abs(dice.normal(self.noise.std));
        let noise = if dice.happens(self.noise.share) { noise } else { 0.0 };
        let seed = dice.stream.next_u64();
        Ok(AdaChange { map, colours, gains, noise, seed, hole: self.cutout.draw(of, &mut dice) })
    }

    /// Draws for pictures with a key each, to as many places.
    ///
    /// # Errors
    /// Those of [`Ada::draw`], [`Error::ShapeMismatch`] where there are not as many keys.
    pub fn draw_all(&self, of: Pictures, p: f32, draws: Draws<'_>, to: &mut [AdaChange]) -> Result<()> {
        draw_all(draws, to, |stream| self.draw(of, p, stream))
    }
}

/// A stream, and the probability of which changes have shares.
struct Dice<'a> {
    p: f32,
    stream: &'a mut Stream,
}

impl Dice<'_> {
    fn happens(&mut self, share: f32) -> bool {
        self.stream.chance(share * self.p)
    }

    fn normal(&mut self, std: f32) -> f32 {
        self.stream.normal() * std
    }

    /// 2 to the power of a normal number.
    fn factor(&mut self, std: f32) -> f32 {
        math::exp(self.normal(std) * LN_2)
    }

    /// An angle of so many half turns at most.
    fn angle(&mut self, most: f32) -> f32 {
        self.stream.range(-1.0, 1.0) * (PI * most)
    }
}

impl Blit {
    // The map leads from a new pixel to an old one: what is done first is what the map does last.
    fn draw(&self, of: Pictures, dice: &mut Dice<'_>) -> Plane {
        let mut map = PLANE;
        let flips = dice.stream.below(2) == 1;
        if dice.happens(self.flip) && flips {
            map = product(map, scaled(-1.0, 1.0));
        }
        let quarters = dice.stream.below(4);
        if dice.happens(self.turn) {
            map = product(map, turned(quarters));
        }
        let mut way =
            |side: usize| math::round_half_up(dice.stream.range(-1.0, 1.0) * self.most_shift * side as f32);
        let (x, y) = (way(of.width), way(of.height));
        if dice.happens(self.shift) {
            map = product(map, shifted(-x, -y));
        }
        map
    }
}

impl Geometry {
    fn draw(&self, of: Pictures, map: Plane, dice: &mut Dice<'_>) -> Plane {
        let mut map = map;
        let scale = dice.factor(self.scale_std);
        if dice.happens(self.scale) {
            map = product(map, scaled(1.0 / scale, 1.0 / scale));
        }
        // With this share one of the two rotations happens with the probability asked for.
        let rotates = 1.0 - math::sqrt(1.0 - self.rotate * dice.p);
        let angle = dice.angle(self.most_turn);
        if dice.stream.chance(rotates) {
            map = product(map, rotated(angle));
        }
        let stretch = dice.factor(self.stretch_std);
        if dice.happens(self.stretch) {
            map = product(map, scaled(1.0 / stretch, stretch));
        }
        let angle = dice.angle(self.most_turn);
        if dice.stream.chance(rotates) {
            map = product(map, rotated(angle));
        }
        let mut way = |side: usize| dice.normal(self.shift_std) * side as f32;
        let (x, y) = (way(of.width), way(of.height));
        if dice.happens(self.shift) {
            map = product(map, shifted(-x, -y));
        }
        map
    }
}

impl Colours {
    fn draw(&self, channels: usize, dice: &mut Dice<'_>) -> Colour {
        let mut map = COLOUR;
        let brightness = dice.normal(self.brightness_std);
        if dice.happens(self.brightness) {
            map = product(brighter(brightness), map);
        }
        let contrast = dice.factor(self.contrast_std);
        if dice.happens(self.contrast) {
            map = product(stronger(contrast), map);
        }
        let flips = dice.stream.below(2) == 1;
        if dice.happens(self.luma_flip) && flips {
            map = product(luma_flipped(), map);
        }
        // What has no colours is not given any.
        let angle = dice.angle(self.most_hue);
        if dice.happens(self.hue) && channels >= 3 {
            map = product(hue_rotated(angle), map);
        }
        let saturation = dice.factor(self.saturation_std);
        if dice.happens(self.saturation) && channels >= 3 {
            map = product(saturated(saturation), map);
        }
        map
    }
}

/// The power of the bands in photographs, which falls as the frequency rises.
const POWER: [f32; BANDS] = [10.0 / 13.0, 1.0 / 13.0, 1.0 / 13.0, 1.0 / 13.0];

impl Filtering {
    fn draw(&self, dice: &mut Dice<'_>) -> [f32; BANDS] {
        let mut gains = [1f32; BANDS];
        for (band, share) in self.bands.into_iter().enumerate() {
            let gain = dice.factor(self.std);
            if dice.happens(share) {
                amplify(&mut gains, band, gain);
            }
        }
        gains
    }
}

/// Changes the gain of a band, and of all so that the power of a photograph stays what it was.
fn amplify(gains: &mut [f32; BANDS], band: usize, gain: f32) {
    let of = |b: usize| if b == band { gain } else { 1.0 };
    let mut power = 0.0;
    POWER.iter().enumerate().for_each(|(b, share)| power += share * (of(b) * of(b)));
    let norm = math::sqrt(power);
    gains.iter_mut().enumerate().for_each(|(b, to)| *to *= of(b) / norm);
}

impl Cutout {
    fn draw(&self, of: Pictures, dice: &mut Dice<'_>) -> Rect {
        let happens = dice.happens(self.share);
        let mut along = |side: usize| {
            let middle = dice.stream.uniform();
            // The pixels whose middle is nearer to that of the part than half its side.
            let n = side as f32;
            let inside = |i: &usize| math::abs((*i as f32 + 0.5) / n - middle) < self.size / 2.0;
            let start = (0..side).find(inside).unwrap_or(0);
            (start as u32, (start..side).take_while(inside).count() as u32)
        };
        let ((left, width), (top, height)) = (along(of.width), along(of.height));
        if happens && width > 0 && height > 0 {
            Rect { top, left, height, width }
        } else {
            Rect { top: 0, left: 0, height: 0, width: 0 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: &[f32], want: &[f32]) {
        let fits = got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-6);
        assert!(fits && got.len() == want.len(), "{got:?} {want:?}");
    }

    /// NumPy 2.4 in double precision, from the formulas of the paper.
    #[test]
    fn maps_and_gains_are_those_of_the_formulas() {
        let places = [
            scaled(1.0 / 1.25, 1.0 / 1.25),
            rotated(0.4),
            scaled(1.0 / 1.1, 1.1),
            rotated(-1.3),
            shifted(-1.3, 0.45),
        ];
        let map = places.into_iter().fold(PLANE, product);
        near(map.as_flattened(), &[0.509_387, 0.553_783, -0.413_001, -0.705_237, 0.489_709, 1.137_177]);
        let places =
            [scaled(-1.0, 1.0), turned(1), shifted(-1.0, 0.0), scaled(1.0 / 0.7, 1.0 / 0.7), rotated(0.3)];
        let map = places.into_iter().chain([shifted(0.6, -1.2)]).fold(PLANE, product);
        near(map.as_flattened(), &[0.422_172, 1.364_766, -1.384_417, 1.364_766, -0.422_172, 0.325_466]);

        let colours = [brighter(0.15), stronger(1.4), luma_flipped(), hue_rotated(0.9), saturated(0.6)];
        let map = colours.into_iter().fold(COLOUR, |map, next| product(next, map));
        let [a, b, c] = [-0.118_565_1, -1.020_611, -0.260_824_1];
        near(map.as_flattened(), &[a, b, c, -0.21, c, a, b, -0.21, b, c, a, -0.21]);

        let mut gains = [1.0; BANDS];
        amplify(&mut gains, 1, 2.0);
        amplify(&mut gains, 3, 0.5);
        near(&gains, &[0.928_571_4, 1.857_142_9, 0.928_571_4, 0.464_285_7]);
    }

    #[test]
    fn quarter_turns_are_exact_rotations() {
        for quarters in 0..4 {
            near(turned(quarters).as_flattened(), rotated(quarters as f32 * PI / 2.0).as_flattened());
        }
        assert_eq!((0..4).fold(PLANE, |map, _| product(map, turned(1))), PLANE);
    }
}
