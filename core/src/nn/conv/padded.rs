//! A picture with zeros around it.

use crate::nn::rows;
use crate::nn::shape::Shape;

/// A picture with so many rows and columns of zeros before and after it.
#[derive(Clone, Copy)]
pub(super) struct Padded {
    pub shape: Shape,
    pub before: usize,
    pub after: usize,
}

impl Padded {
    const fn columns(&self) -> usize {
        self.shape.width.saturating_add(self.before).saturating_add(self.after)
    }

    /// Values of a row.
    pub const fn line(&self) -> usize {
        self.columns().saturating_mul(self.shape.channels)
    }

    /// Values of a picture.
    pub const fn len(&self) -> usize {
        let rows = self.shape.height.saturating_add(self.before).saturating_add(self.after);
        rows.saturating_mul(self.line())
    }

    /// Values of scratch that [`Padded::of`] takes for so many pictures.
    pub const fn taken(&self, pictures: usize) -> usize {
        if self.before == 0 && self.after == 0 { 0 } else { self.len().saturating_mul(pictures) }
    }

    /// The pictures with their zeros, in `to`, or where they are if there are none.
    pub fn of<'a>(&self, pictures: &'a [f32], to: &'a mut [f32]) -> &'a [f32] {
        if self.before == 0 && self.after == 0 {
            return pictures;
        }
        let row = self.shape.width * self.shape.channels;
        let picture = row * self.shape.height;
        for (from, to) in rows::of(pictures, picture).zip(rows::of_mut(to, self.len())) {
            let mut from = rows::of(from, row);
            let lines = rows::of_mut(to, self.line()).enumerate();
            for (y, line) in lines {
                let inside = y >= self.before && y < self.before + self.shape.height;
                let Some(from) = (if inside { from.next() } else { None }) else {
                    line.fill(0.0);
                    continue;
                };
                let start = self.before * self.shape.channels;
                line.get_mut(..start).unwrap_or(&mut []).fill(0.0);
                rows::copy(from, line.get_mut(start..).unwrap_or(&mut []));
                line.get_mut(start + row..).unwrap_or(&mut []).fill(0.0);
            }
        }
        to
    }
}
