//! Moves of whole pixels that follow each other, as one.

use crate::error::Result;
use crate::image::{self, Affine, Border, Symmetry};
use crate::scratch::Plain;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// A window cut out of an image, or laid around it, and then mirrored or turned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    /// The size of the image.
    pub from: (usize, usize),
    /// The row and the column of the image at which the window begins.
    pub start: [i64; 2],
    /// The size of the window.
    pub window: (usize, usize),
    pub symmetry: Symmetry,
    /// Where the window reaches out of the image.
    pub border: Option<Border>,
}

impl Grid {
    /// All of an image, mirrored or turned.
    pub const fn turn(from: (usize, usize), symmetry: Symmetry) -> Self {
        Self { from, start: [0; 2], window: from, symmetry, border: None }
    }

    /// A window of an image; `border` counts where it reaches out of it.
    pub fn window(from: (usize, usize), start: [i64; 2], window: (usize, usize), border: Border) -> Self {
        Self { from, start, window, symmetry: Symmetry::IDENTITY, border: Some(border) }.with_border_if_seen()
    }

    fn with_border_if_seen(self) -> Self {
        let within = |start: i64, part: usize, side: usize| {
            start >= 0 && start.saturating_add_unsigned(part as u64) <= side as i64
        };
        let [top, left] = self.start;
        let inside = within(top, self.window.0, self.from.0) && within(left, self.window.1, self.from.1);
        Self { border: self.border.filter(|_| !inside), ..self }
    }

    /// The size of what comes out.
    pub const fn size(&self) -> (usize, usize) {
        self.symmetry.size(self.window)
    }

    /// The inverse map.
    pub fn map(&self) -> Affine {
        let [top, left] = self.start;
        Affine::crop(top, left).then(&self.symmetry.map(self.window))
    }

    /// Whether it is all of the image.
    pub fn is_whole(&self) -> bool {
        self.start == [0; 2] && self.window == self.from
    }

    /// This one and then `next` as one, where that gives the same pixels.
    pub fn then(&self, next: &Self) -> Option<Self> {
        // The border of `next` lies around what this one shows, which must be the whole image.
        let border = match next.border {
            None => self.border,
            Some(_) if self.is_whole() && !self.symmetry.transposes() => next.border,
            Some(_) => return None,
        };
        let symmetry = self.symmetry.then(next.symmetry);
        let turned = |[top, left]: [i64; 2], (height, width): (usize, usize)| {
            if self.symmetry.transposes() {
                ([left, top], (width, height))
            } else {
                ([top, left], (height, width))
            }
        };
        let (within, window) = turned(next.start, next.window);
        // Counted from the other end where this one mirrors.
        let mirrors = self.symmetry.mirrors();
        let place = |mirrored: bool, within: i64, part: usize, side: usize| {
            if mirrored { side as i64 - part as i64 - within } else { within }
        };
        let [top, left] = within;
        let start = [
            self.start[0] + place(mirrors.y, top, window.0, self.window.0),
            self.start[1] + place(mirrors.x, left, window.1, self.window.1),
        ];
        let both = Self { from: self.from, start, window, symmetry, border }.with_border_if_seen();
        // Mirrored margins go in one pass, turned ones do not.
        (both.border.is_none() || !symmetry.transposes()).then_some(both)
    }

    /// Does it.
    pub fn apply<T: Plain>(
        &self,
        level: Level,
        src: ImageRef<'_, T>,
        dst: ImageMut<'_, T>,
        border: Border<T>,
    ) -> Result<()> {
        let [top, left] = self.start;
        if self.border.is_some() {
            return image::pad_mirrored(level, src, dst, (-top, -left), self.symmetry.mirrors(), border);
        }
        let part = src.crop(top as usize, left as usize, self.window.0, self.window.1)?;
        self.symmetry.apply(level, part, dst)
    }
}
