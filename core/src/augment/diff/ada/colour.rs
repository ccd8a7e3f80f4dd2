//! Colours of pixels through a matrix, and back.

use super::matrix::Colour;
use crate::nn::rows;

/// A map of the values of a pixel.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    /// Each value times the first number plus the second.
    Grey(f32, f32),
    /// The first three of each pixel.
    Rgb(Colour),
}

impl Tone {
    /// What `colours` means for pixels of so many channels. One or two are each as a grey: the mean of the colours that the
    /// grey becomes.
    pub fn new(colours: Colour, channels: usize) -> Self {
        if channels >= 3 {
            return Self::Rgb(colours);
        }
        let (mut scale, mut add) = (0.0, 0.0);
        for [r, g, b, more] in colours {
            scale += r + g + b;
            add += more;
        }
        Self::Grey(scale / 3.0, add / 3.0)
    }

    /// Its adjoint, without what is added.
    pub fn adjoint(self) -> Self {
        match self {
            Self::Grey(scale, _) => Self::Grey(scale, 0.0),
            Self::Rgb([r, g, b]) => {
                let column = |of: fn([f32; 4]) -> f32| [of(r), of(g), of(b), 0.0];
                Self::Rgb([column(|[r, ..]| r), column(|[_, g, ..]| g), column(|[_, _, b, _]| b)])
            }
        }
    }
}

kernel! {
    /// Maps the pixels of a picture in place: ((r·weight + g·weight) + b·weight) + what is added.
    pub(super) fn tone(tone: Tone, channels: usize, picture: &mut [f32]) = tone_body;
}

#[inline(always)]
fn tone_body(tone: Tone, channels: usize, picture: &mut [f32]) {
    match tone {
        Tone::Grey(scale, add) => {
            for v in picture {
                *v = *v * scale + add;
            }
        }
        Tone::Rgb(rows) if channels == 3 => {
            for [r, g, b] in picture.as_chunks_mut::<3>().0 {
                (*r, *g, *b) = mapped(&rows, *r, *g, *b);
            }
        }
        Tone::Rgb(rows) => {
            for pixel in rows::of_mut(picture, channels) {
                if let [r, g, b, ..] = pixel {
                    (*r, *g, *b) = mapped(&rows, *r, *g, *b);
                }
            }
        }
    }
}

#[inline(always)]
fn mapped(rows: &Colour, x: f32, y: f32, z: f32) -> (f32, f32, f32) {
    let sum = |[r, g, b, add]: [f32; 4]| ((x * r + y * g) + z * b) + add;
    let [r, g, b] = *rows;
    (sum(r), sum(g), sum(b))
}
