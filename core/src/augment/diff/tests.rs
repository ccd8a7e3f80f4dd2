//! What the tests of augmented batches share.

mod adjoint;
mod draws;
mod pytorch;
mod same_bits;
mod wrong;

use super::*;
use crate::rng::Key;
use crate::{Level, Scratch};
use std::vec;
use std::vec::Vec;

/// What a change makes of pictures, in memory of exactly the length that was told.
fn applied(level: Level, of: Pictures, drawn: AdaChange, x: &[f32]) -> Vec<f32> {
    run(level, of, drawn, x, false)
}

/// Forward or back.
fn run(level: Level, of: Pictures, drawn: AdaChange, x: &[f32], back: bool) -> Vec<f32> {
    let mut memory = vec![0x7fu8; Ada::scratch_len(of)];
    let mut out = vec![f32::NAN; x.len()];
    let drawn = vec![drawn; x.len() / of.len().unwrap()];
    let pass = if back { Ada::backward } else { Ada::apply };
    pass(level, of, &drawn, x, &mut out, &mut Scratch::new(&mut memory)).unwrap();
    out
}

/// What a change of the simple set makes of pictures.
fn simply(level: Level, of: Pictures, drawn: DiffChange, x: &[f32]) -> Vec<f32> {
    run_simply(level, of, drawn, x, false)
}

fn run_simply(level: Level, of: Pictures, drawn: DiffChange, x: &[f32], back: bool) -> Vec<f32> {
    let mut out = vec![f32::NAN; x.len()];
    let drawn = vec![drawn; x.len() / of.len().unwrap()];
    let pass = if back { DiffAugment::backward } else { DiffAugment::apply };
    pass(level, of, &drawn, x, &mut out).unwrap();
    out
}

/// Planes of one picture as pixels.
fn to_pixels(of: Pictures, planes: &[f32]) -> Vec<f32> {
    let places = of.height * of.width;
    (0..planes.len()).map(|i| planes[i % of.channels * places + i / of.channels]).collect()
}

fn values(n: usize, op: u32) -> Vec<f32> {
    let mut stream = Stream::new(5, Key::new(0).op(op));
    (0..n).map(|_| stream.range(-1.0, 1.0)).collect()
}

/// Each transform alone, and all together.
fn each_alone() -> Vec<(&'static str, Ada)> {
    let (blit, geometry, colours) = (Blit::OFF, Geometry::OFF, Colours::OFF);
    let blits = [
        ("flip", Blit { flip: 1.0, ..blit }),
        ("turn", Blit { turn: 1.0, ..blit }),
        ("shift", Blit { shift: 1.0, ..blit }),
    ];
    let geometries = [
        ("scale", Geometry { scale: 1.0, ..geometry }),
        ("rotate", Geometry { rotate: 1.0, ..geometry }),
        ("stretch", Geometry { stretch: 1.0, ..geometry }),
        ("fractional shift", Geometry { shift: 1.0, ..geometry }),
    ];
    let tints = [
        ("brightness", Colours { brightness: 1.0, ..colours }),
        ("contrast", Colours { contrast: 1.0, ..colours }),
        ("luma flip", Colours { luma_flip: 1.0, ..colours }),
        ("hue", Colours { hue: 1.0, ..colours }),
        ("saturation", Colours { saturation: 1.0, ..colours }),
    ];
    let mut all: Vec<(&str, Ada)> = vec![
        ("filter", Ada { filter: Filtering::ON, ..Ada::NONE }),
        ("noise", Ada { noise: Noise::ON, ..Ada::NONE }),
        ("cutout", Ada { cutout: Cutout::ON, ..Ada::NONE }),
        ("bgc", Ada::BGC),
        ("all", Ada::ALL),
    ];
    all.extend(blits.map(|(name, blit)| (name, Ada { blit, ..Ada::NONE })));
    all.extend(geometries.map(|(name, geometry)| (name, Ada { geometry, ..Ada::NONE })));
    all.extend(tints.map(|(name, colours)| (name, Ada { colours, ..Ada::NONE })));
    all
}

/// The parts of the simple set alone, and together.
fn simple_alone() -> Vec<DiffAugment> {
    let all = DiffAugment::default();
    let none = DiffAugment { brightness: 0.0, saturation: 0.0, contrast: 0.0, translation: 0.0, cutout: 0.0 };
    vec![
        none,
        DiffAugment { brightness: 0.5, ..none },
        DiffAugment { saturation: 1.0, ..none },
        DiffAugment { contrast: 0.5, ..none },
        DiffAugment { translation: 0.125, ..none },
        DiffAugment { translation: 1.0, ..none },
        DiffAugment { cutout: 0.5, ..none },
        all,
    ]
}

const SHAPES: [(usize, usize, usize); 8] =
    [(1, 1, 1), (2, 3, 3), (8, 8, 1), (9, 7, 3), (13, 12, 2), (6, 17, 4), (28, 28, 1), (1, 9, 3)];

/// Both orders of pictures of each shape.
fn pictures() -> impl Iterator<Item = Pictures> {
    let of =
        |(height, width, channels)| [false, true].map(|planes| Pictures { height, width, channels, planes });
    SHAPES.into_iter().flat_map(of)
}
