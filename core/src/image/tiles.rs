//! The tiles of a grid in another order.

use super::{Bounds, Edge, Index, copy, same};
use crate::error::{Error, Result};
use crate::rng::Stream;
use crate::view::{ImageMut, ImageRef};

/// The most tiles along a side.
pub const MOST_TILES_ALONG: usize = 16;
const ALL: usize = MOST_TILES_ALONG * MOST_TILES_ALONG;

/// An order of the tiles of a grid. Tiles end at whole pixels, so that some may be a pixel higher or wider; only those of one
/// size change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Along each side.
    cells: usize,
    /// Height and width of the image.
    size: (usize, usize),
    /// For each tile, row by row, the one that it shows.
    order: [u8; ALL],
}

impl Tiles {
    /// An order drawn from `stream` for `cells` × `cells` tiles of an image of `size` = (height, width), each order equally
    /// likely.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless 1 ≤ `cells` ≤ [`MOST_TILES_ALONG`].
    pub fn draw(cells: usize, size: (usize, usize), stream: &mut Stream) -> Result<Self> {
        if !(1..=MOST_TILES_ALONG).contains(&cells) {
            return Err(Error::InvalidArgument);
        }
        let mut tiles = Self { cells, size, order: [0; ALL] };
        let mut done = [false; ALL];
        for first in 0..cells * cells {
            if done.get(first).copied().unwrap_or(true) {
                continue;
            }
            // All tiles of the size of this one, which is the first of its size.
            let mut alike = [0u8; ALL];
            let mut count = 0;
            for tile in first..cells * cells {
                if tiles.sides(tile) == tiles.sides(first) {
                    alike.get_mut(count).into_iter().for_each(|to| *to = tile as u8);
                    done.get_mut(tile).into_iter().for_each(|done| *done = true);
                    count += 1;
                }
            }
            let mut shown = alike;
            stream.shuffle(shown.get_mut(..count).unwrap_or(&mut []));
            for (tile, shows) in alike.iter().zip(shown).take(count) {
                tiles.order.get_mut(usize::from(*tile)).into_iter().for_each(|to| *to = shows);
            }
        }
        Ok(tiles)
    }

    /// The first pixel of tile `i` along a side.
    const fn start(&self, i: usize, side: usize) -> usize {
        // At most 2⁶⁰.
        match (i * side).checked_div(self.cells) {
            Some(start) => start,
            None => 0,
        }
    }

    /// Top, left, height and width of a tile.
    fn place(&self, tile: usize) -> [usize; 4] {
        let (row, column) = (tile / self.cells.max(1), tile % self.cells.max(1));
        let (top, left) = (self.start(row, self.size.0), self.start(column, self.size.1));
        let (bottom, right) = (self.start(row + 1, self.size.0), self.start(column + 1, self.size.1));
        [top, left, bottom.saturating_sub(top), right.saturating_sub(left)]
    }

    fn sides(&self, tile: usize) -> (usize, usize) {
        let [_, _, height, width] = self.place(tile);
        (height, width)
    }

    /// The places of each tile and of what it shows.
    fn pairs(&self) -> impl Iterator<Item = ([usize; 4], [usize; 4])> {
        let tiles = self.order.iter().take(self.cells * self.cells).enumerate();
        tiles.map(|(tile, shows)| (self.place(tile), self.place(usize::from(*shows))))
    }

    /// `dst` shows the tiles of `src` in this order.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where the shapes differ, or are not those that the tiles are of.
    pub fn apply<T: Copy>(&self, src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
        same(src.shape(), dst.shape())?;
        same((src.height(), src.width()), self.size)?;
        for ([top, left, ..], [from_top, from_left, height, width]) in self.pairs() {
            let rect = super::Rect {
                top: top as u32,
                left: left as u32,
                height: height as u32,
                width: width as u32,
            };
            copy(src.crop(from_top, from_left, height, width)?, rect.of_mut(&mut dst)?)?;
        }
        Ok(())
    }

    /// How far a place of the image moves, with the tile that it is in; a place outside moves with none.
    fn shift(&self, Edge([x, y]): Edge) -> Option<([f64; 2], [usize; 4])> {
        self.pairs().find_map(|([top, left, ..], from)| {
            let [from_top, from_left, height, width] = from;
            let inside = |v: f64, start: usize, len: usize| v >= start as f64 && v < (start + len) as f64;
            let here = inside(y, from_top, height) && inside(x, from_left, width);
            let by = |to: usize, from: usize| to as f64 - from as f64;
            here.then(|| ([by(left, from_left), by(top, from_top)], from))
        })
    }

    /// Where a place goes.
    pub fn point(&self, place: Index) -> Index {
        let [dx, dy] = self.shift(place.into()).map_or([0.0; 2], |(by, _)| by);
        Index([place.0[0] + dx, place.0[1] + dy])
    }

    /// Where a box goes: with the tile that its middle lies in, and cut off at the edges of that.
    pub fn bounds(&self, bounds: &Bounds) -> Bounds {
        let middle = Edge([(bounds.left + bounds.right) * 0.5, (bounds.top + bounds.bottom) * 0.5]);
        let Some(([dx, dy], [top, left, height, width])) = self.shift(middle) else { return *bounds };
        let within = |v: f64, start: usize, len: usize| {
            let (low, high) = (start as f64, (start + len) as f64);
            if v < low {
                low
            } else if v > high {
                high
            } else {
                v
            }
        };
        Bounds {
            left: within(bounds.left, left, width) + dx,
            right: within(bounds.right, left, width) + dx,
            top: within(bounds.top, top, height) + dy,
            bottom: within(bounds.bottom, top, height) + dy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Owned;
    use super::*;
    use crate::rng::Key;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_pixel_is_shown_once_where_its_point_goes(h in 1usize..40, w in 1usize..40, cells in 1usize..=16, seed: u64) {
            let src = Owned { data: (0..h * w).map(|i| i as u16).collect(), shape: (h, w, 1) };
            let tiles = Tiles::draw(cells, (h, w), &mut Stream::new(seed, Key::new(1))).unwrap();
            let mut dst = Owned { data: std::vec![0u16; h * w], shape: (h, w, 1) };
            tiles.apply(src.view(), dst.view_mut()).unwrap();
            for (i, v) in src.data.iter().enumerate() {
                let Index([x, y]) = tiles.point(Index([(i % w) as f64, (i / w) as f64]));
                prop_assert_eq!(dst.data[y as usize * w + x as usize], *v);
            }
            // A box of one pixel goes with it.
            let (x, y) = ((seed as usize % w) as f64, (seed as usize / 7 % h) as f64);
            let pixel = Bounds { left: x, top: y, right: x + 1.0, bottom: y + 1.0 };
            let Index(to) = tiles.point(Index([x, y]));
            prop_assert_eq!(tiles.bounds(&pixel).xyxy(), [to[0], to[1], to[0] + 1.0, to[1] + 1.0]);
        }
    }

    #[test]
    fn all_orders_of_four_tiles_come_alike_and_boxes_are_cut_off() {
        let mut seen = std::collections::BTreeMap::new();
        for seed in 0..2400 {
            let tiles = Tiles::draw(2, (6, 8), &mut Stream::new(seed, Key::new(1))).unwrap();
            *seen.entry(tiles.order[..4].to_vec()).or_insert(0i32) += 1;
        }
        // A hundred of each, within five standard errors.
        assert!(seen.len() == 24 && seen.values().all(|n| (n - 100).abs() < 50), "{seen:?}");
        let mut tiles = Tiles { cells: 2, size: (6, 8), order: [0; ALL] };
        tiles.order[..4].copy_from_slice(&[3, 1, 2, 0]);
        let bounds = Bounds { left: 2.0, top: 1.0, right: 5.0, bottom: 2.0 };
        assert_eq!(tiles.bounds(&bounds).xyxy(), [6.0, 4.0, 8.0, 5.0]);
        for cells in [0, 17] {
            let wrong = Tiles::draw(cells, (6, 8), &mut Stream::new(1, Key::new(1)));
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
    }
}
