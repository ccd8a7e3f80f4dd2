//! The three tables of AutoAugment (Cubuk and others 2019, appendix A): in each row two operations, one after the other, each
//! with its probability and its strength of 0 to 9.

use super::Elementary::{self, *};
use super::Op;

/// What is done to an image: one row of a table, each as likely as the others.
pub(super) type Table = [[(Elementary, f32, u8); 2]; 25];

/// The table of `op`, where it has one.
pub(super) const fn of(op: &Op) -> Option<&'static Table> {
    match op {
        Op::AutoAugmentImagenet { .. } => Some(&IMAGENET),
        Op::AutoAugmentCifar10 { .. } => Some(&CIFAR10),
        Op::AutoAugmentSvhn { .. } => Some(&SVHN),
        _ => None,
    }
}

static IMAGENET: Table = [
    [(Posterise, 0.4, 8), (Rotate, 0.6, 9)],
    [(Solarise, 0.6, 5), (Autocontrast, 0.6, 0)],
    [(Equalise, 0.8, 0), (Equalise, 0.6, 0)],
    [(Posterise, 0.6, 7), (Posterise, 0.6, 6)],
    [(Equalise, 0.4, 0), (Solarise, 0.2, 4)],
    [(Equalise, 0.4, 0), (Rotate, 0.8, 8)],
    [(Solarise, 0.6, 3), (Equalise, 0.6, 0)],
    [(Posterise, 0.8, 5), (Equalise, 1.0, 0)],
    [(Rotate, 0.2, 3), (Solarise, 0.6, 8)],
    [(Equalise, 0.6, 0), (Posterise, 0.4, 6)],
    [(Rotate, 0.8, 8), (Colour, 0.4, 0)],
    [(Rotate, 0.4, 9), (Equalise, 0.6, 0)],
    [(Equalise, 0.0, 0), (Equalise, 0.8, 0)],
    [(Invert, 0.6, 0), (Equalise, 1.0, 0)],
    [(Colour, 0.6, 4), (Contrast, 1.0, 8)],
    [(Rotate, 0.8, 8), (Colour, 1.0, 2)],
    [(Colour, 0.8, 8), (Solarise, 0.8, 7)],
    [(Sharpness, 0.4, 7), (Invert, 0.6, 0)],
    [(ShearX, 0.6, 5), (Equalise, 1.0, 0)],
    [(Colour, 0.4, 0), (Equalise, 0.6, 0)],
    [(Equalise, 0.4, 0), (Solarise, 0.2, 4)],
    [(Solarise, 0.6, 5), (Autocontrast, 0.6, 0)],
    [(Invert, 0.6, 0), (Equalise, 1.0, 0)],
    [(Colour, 0.6, 4), (Contrast, 1.0, 8)],
    [(Equalise, 0.8, 0), (Equalise, 0.6, 0)],
];

static CIFAR10: Table = [
    [(Invert, 0.1, 0), (Contrast, 0.2, 6)],
    [(Rotate, 0.7, 2), (TranslateX, 0.3, 9)],
    [(Sharpness, 0.8, 1), (Sharpness, 0.9, 3)],
    [(ShearY, 0.5, 8), (TranslateY, 0.7, 9)],
    [(Autocontrast, 0.5, 0), (Equalise, 0.9, 0)],
    [(ShearY, 0.2, 7), (Posterise, 0.3, 7)],
    [(Colour, 0.4, 3), (Brightness, 0.6, 7)],
    [(Sharpness, 0.3, 9), (Brightness, 0.7, 9)],
    [(Equalise, 0.6, 0), (Equalise, 0.5, 0)],
    [(Contrast, 0.6, 7), (Sharpness, 0.6, 5)],
    [(Colour, 0.7, 7), (TranslateX, 0.5, 8)],
    [(Equalise, 0.3, 0), (Autocontrast, 0.4, 0)],
    [(TranslateY, 0.4, 3), (Sharpness, 0.2, 6)],
    [(Brightness, 0.9, 6), (Colour, 0.2, 8)],
    [(Solarise, 0.5, 2), (Invert, 0.0, 0)],
    [(Equalise, 0.2, 0), (Autocontrast, 0.6, 0)],
    [(Equalise, 0.2, 0), (Equalise, 0.6, 0)],
    [(Colour, 0.9, 9), (Equalise, 0.6, 0)],
    [(Autocontrast, 0.8, 0), (Solarise, 0.2, 8)],
    [(Brightness, 0.1, 3), (Colour, 0.7, 0)],
    [(Solarise, 0.4, 5), (Autocontrast, 0.9, 0)],
    [(TranslateY, 0.9, 9), (TranslateY, 0.7, 9)],
    [(Autocontrast, 0.9, 0), (Solarise, 0.8, 3)],
    [(Equalise, 0.8, 0), (Invert, 0.1, 0)],
    [(TranslateY, 0.7, 9), (Autocontrast, 0.9, 0)],
];

static SVHN: Table = [
    [(ShearX, 0.9, 4), (Invert, 0.2, 0)],
    [(ShearY, 0.9, 8), (Invert, 0.7, 0)],
    [(Equalise, 0.6, 0), (Solarise, 0.6, 6)],
    [(Invert, 0.9, 0), (Equalise, 0.6, 0)],
    [(Equalise, 0.6, 0), (Rotate, 0.9, 3)],
    [(ShearX, 0.9, 4), (Autocontrast, 0.8, 0)],
    [(ShearY, 0.9, 8), (Invert, 0.4, 0)],
    [(ShearY, 0.9, 5), (Solarise, 0.2, 6)],
    [(Invert, 0.9, 0), (Autocontrast, 0.8, 0)],
    [(Equalise, 0.6, 0), (Rotate, 0.9, 3)],
    [(ShearX, 0.9, 4), (Solarise, 0.3, 3)],
    [(ShearY, 0.8, 8), (Invert, 0.7, 0)],
    [(Equalise, 0.9, 0), (TranslateY, 0.6, 6)],
    [(Invert, 0.9, 0), (Equalise, 0.6, 0)],
    [(Contrast, 0.3, 3), (Rotate, 0.8, 4)],
    [(Invert, 0.8, 0), (TranslateY, 0.0, 2)],
    [(ShearY, 0.7, 6), (Solarise, 0.4, 8)],
    [(Invert, 0.6, 0), (Rotate, 0.8, 4)],
    [(ShearY, 0.3, 7), (TranslateX, 0.9, 3)],
    [(ShearX, 0.1, 6), (Invert, 0.6, 0)],
    [(Solarise, 0.7, 2), (TranslateY, 0.6, 7)],
    [(ShearY, 0.8, 4), (Invert, 0.8, 0)],
    [(ShearX, 0.7, 9), (TranslateY, 0.8, 3)],
    [(ShearY, 0.8, 5), (Autocontrast, 0.7, 0)],
    [(ShearX, 0.7, 2), (Invert, 0.1, 0)],
];
