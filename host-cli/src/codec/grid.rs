//! Many small pictures as one.

use super::Pixels;
use crate::error::Result;

/// Side that a small picture is enlarged to, at least.
const SIDE: usize = 48;

/// Rows of pictures, which become one.
#[derive(Clone, Debug)]
pub struct Grid {
    columns: usize,
    rows: Vec<Vec<Pixels>>,
}

impl Grid {
    /// Rows of so many.
    pub const fn new(columns: usize) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// The pictures of one class or kind; more than fit in a row go on in the next.
    pub fn row(&mut self, pictures: Vec<Pixels>) {
        let mut pictures = pictures.into_iter().peekable();
        // A class without samples has an empty row, so that rows stay classes.
        if pictures.peek().is_none() {
            self.rows.push(Vec::new());
        }
        while pictures.peek().is_some() {
            self.rows.push(pictures.by_ref().take(self.columns).collect());
        }
    }

    /// All rows with a line between, small pictures enlarged by whole factors; `None` for no pictures.
    ///
    /// # Errors
    /// When they are together too large.
    pub fn picture(&self) -> Result<Option<Pixels>> {
        let Some(first) = self.rows.iter().flatten().next() else { return Ok(None) };
        let [height, width, channels] = first.shape();
        let scale = SIDE.div_ceil(height.max(width)).max(1);
        let (cell_h, cell_w) = (height * scale + 2, width * scale + 2);
        let (all_h, all_w) = (cell_h * self.rows.len() + 2, cell_w * self.columns + 2);
        let mut data = vec![128u8; all_h * all_w * channels];
        for (r, row) in self.rows.iter().enumerate() {
            for (c, picture) in row.iter().enumerate() {
                for y in 0..height * scale {
                    let start = ((r * cell_h + 2 + y) * all_w + c * cell_w + 2) * channels;
                    let line = &picture.data[y / scale * width * channels..][..width * channels];
                    let to = &mut data[start..start + width * scale * channels];
                    for (to, from) in to.chunks_exact_mut(channels * scale).zip(line.chunks_exact(channels)) {
                        to.chunks_exact_mut(channels).for_each(|pixel| pixel.copy_from_slice(from));
                    }
                }
            }
        }
        Pixels::new(data, all_h, all_w, channels).map(Some)
    }
}
