//! What a sheet is drawn on.

use super::targets::Targets;
use crate::codec::Pixels;
use crate::error::Result;
use crate::stages::preprocess::{Mode, Preparer, Size};
use font8x8::{BASIC_FONTS, UnicodeFonts};
use seedbed::Level;
use seedbed::image::{Edge, Filter, Fit, Index, Rect};

/// The side of the square that a picture is fitted into, and the room around it.
pub const TILE: usize = 96;
pub const GAP: usize = 4;
/// The height of a line of words, with the room around it.
pub const LINE: usize = 8 + 2 * GAP;

const PAPER: [u8; 3] = [255; 3];
const INK: [u8; 3] = [40; 3];
const MASK: [u8; 3] = [40, 120, 255];
const OUTSIDE: [u8; 3] = [255, 0, 160];
const BOX: [u8; 3] = [0, 200, 60];
const TURNED_BOX: [u8; 3] = [230, 60, 20];
const POINTS: [[u8; 3]; 3] = [[255, 220, 0], [255, 120, 255], [0, 230, 230]];

/// An RGB picture to draw on.
pub struct Paper(pub Pixels);

/// Where a picture lies on the paper.
struct Place {
    top: usize,
    left: usize,
    /// The part of the tile that it fills.
    part: Rect,
    /// Its size in pixels of its own.
    size: (usize, usize),
}

impl Place {
    /// The dot at a place of the picture.
    fn of(&self, place: impl Into<Edge>) -> [f64; 2] {
        let Edge([x, y]) = place.into();
        let along =
            |v: f64, side: usize, start: u32, part: u32| f64::from(start) + v / side as f64 * f64::from(part);
        [
            self.left as f64 + along(x, self.size.1, self.part.left, self.part.width),
            self.top as f64 + along(y, self.size.0, self.part.top, self.part.height),
        ]
    }
}

impl Paper {
    pub fn new(width: usize, height: usize) -> Self {
        Self(Pixels { data: PAPER.repeat(width * height), height, width, channels: 3 })
    }

    /// Puts a share of `colour`, in 256ths, on a dot.
    fn dot(&mut self, y: usize, x: usize, colour: [u8; 3], share: u32) {
        let at = (y * self.0.width + x) * 3;
        if x < self.0.width
            && let Some(pixel) = self.0.data.get_mut(at..at + 3)
        {
            for (to, ink) in pixel.iter_mut().zip(colour) {
                *to = ((u32::from(*to) * (256 - share) + u32::from(ink) * share) / 256) as u8;
            }
        }
    }

    /// A line of words from its upper left corner on, as much as there is room for.
    pub fn write(&mut self, top: usize, left: usize, words: &str) {
        let letters = words.chars().filter_map(|letter| BASIC_FONTS.get(letter));
        for (i, letter) in letters.enumerate() {
            for (y, bits) in letter.into_iter().enumerate() {
                for x in (0..8).filter(|x| bits >> x & 1 == 1) {
                    self.dot(top + y, left + 8 * i + x, INK, 256);
                }
            }
        }
    }

    /// A picture in the middle of a tile, its longer side as long as the tile's: small ones with pixels to be seen,
    /// large ones as Pillow's Lanczos has them; and what belongs to it.
    pub fn show(
        &mut self,
        level: Level,
        (top, left): (usize, usize),
        pixels: &Pixels,
        targets: Option<&Targets>,
    ) -> Result<()> {
        let small = pixels.height.max(pixels.width) < TILE;
        let tile = Preparer {
            level,
            size: Some(Size { height: TILE as u32, width: TILE as u32 }),
            filter: if small { Filter::Nearest } else { Filter::Lanczos3 },
            fit: Fit::Contain,
            fill: PAPER[0],
            mode: Mode::Rgb,
        };
        let tile = tile.prepare(pixels)?.unwrap_or_else(|| pixels.clone());
        for (y, row) in tile.data.chunks_exact(TILE * tile.channels).enumerate() {
            for (x, pixel) in row.chunks_exact(tile.channels).enumerate() {
                // Colours, or grey with its opacity.
                let colour = match *pixel {
                    [red, green, blue, ..] => [red, green, blue],
                    [grey, ..] => [grey; 3],
                    [] => continue,
                };
                self.dot(top + y, left + x, colour, 256);
            }
        }
        if let Some(targets) = targets {
            let size = (pixels.height, pixels.width);
            let part = Fit::Contain.placement(size, (TILE, TILE))?.target;
            self.overlay(&Place { top, left, part, size }, targets);
        }
        Ok(())
    }

    fn overlay(&mut self, place: &Place, targets: &Targets) {
        let Rect { top, left, height, width } = place.part;
        for y in 0..height as usize {
            for x in 0..width as usize {
                let row = (2 * y + 1) * place.size.0 / (2 * height as usize);
                let column = (2 * x + 1) * place.size.1 / (2 * width as usize);
                let at = row * place.size.1 + column;
                let (y, x) = (place.top + top as usize + y, place.left + left as usize + x);
                if targets.mask.get(at) == Some(&1) {
                    self.dot(y, x, MASK, 90);
                }
                // Hatched where the picture shows a border.
                if targets.valid.get(at) == Some(&0) && (x + y) % 4 == 0 {
                    self.dot(y, x, OUTSIDE, 160);
                }
            }
        }
        if let Some(bounds) = &targets.bounds {
            self.figure(place, &bounds.corners(), BOX);
        }
        if let Some(corners) = &targets.corners {
            self.figure(place, corners, TURNED_BOX);
        }
        for (point, colour) in targets.points.iter().zip(POINTS) {
            let Some(Index(point)) = point else { continue };
            let [x, y] = place.of(Index(*point));
            let inside = x >= place.left as f64 && y >= place.top as f64;
            if inside && x < (place.left + TILE) as f64 && y < (place.top + TILE) as f64 {
                for (dy, dx) in (0..9).map(|i| (i / 3, i % 3)) {
                    self.dot(
                        (y as usize + dy).saturating_sub(1),
                        (x as usize + dx).saturating_sub(1),
                        colour,
                        256,
                    );
                }
            }
        }
    }

    /// A closed line through these corners, as far as it lies in the tile.
    fn figure(&mut self, place: &Place, corners: &[Edge; 4], colour: [u8; 3]) {
        for (i, from) in corners.iter().enumerate() {
            let to = corners.get((i + 1) % 4).unwrap_or(from);
            let (from, to) = (place.of(*from), place.of(*to));
            const STEPS: usize = 2 * TILE;
            for step in 0..=STEPS {
                let share = step as f64 / STEPS as f64;
                let [x, y] = [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * share - 0.5);
                let inside =
                    |v: f64, start: usize| v >= start as f64 - 0.5 && v < (start + TILE) as f64 - 0.5;
                if inside(x, place.left) && inside(y, place.top) {
                    self.dot((y + 0.5) as usize, (x + 0.5) as usize, colour, 256);
                }
            }
        }
    }
}
