//! What `image/run.py` measures of ours: each operation by its name, on one thread, at the best level.

#[path = "image_table/batches.rs"]
mod batches;
#[path = "image_table/colour.rs"]
mod colour;
#[path = "image_table/geometry.rs"]
mod geometry;
#[path = "image_table/neighbourhood.rs"]
mod neighbourhood;
#[path = "image_table/noise.rs"]
mod noise;
#[path = "image_table/occlusion.rs"]
mod occlusion;
#[path = "image_table/policies.rs"]
mod policies;

use seedbed::augment::{Draws, Normal, Op, Pipeline, Plan, key};
use seedbed::image::{
    Adjust, Affine, Bend, Border, Filter, Interpolation, Jitter, Map, Motion, Perspective, Rect, ResizePlan,
    Table, bend, blur_scratch_len, box_blur, box_blur_scratch_len, copy, cutmix, cutout, gaussian_blur,
    gaussian_noise, hflip, hue, mixup, normalise, normalise_chw, rgb_to_grey, rot90, transpose, vflip, warp,
};
use seedbed::rng::{Key, Stream};
use seedbed::{ImageMut, ImageRef, Level, Result, Scratch};
use seedbed_benches::{bytes, serve};
use std::collections::BTreeMap;
use std::hint::black_box;

const SIDE: usize = 512;
const SHAPE: (usize, usize, usize) = (SIDE, SIDE, 3);
const PART: usize = 224;
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];
/// Small images, and how many of them are one batch of a training loop.
const SMALL: usize = 10_000;
const BATCH: usize = 100;

type Ops = BTreeMap<&'static str, Box<dyn FnMut()>>;

fn leaked(n: usize) -> &'static [u8] {
    bytes(n).leak()
}

fn view(data: &[u8], side: usize) -> ImageRef<'_, u8> {
    ImageRef::new(data, side, side, 3).unwrap()
}

/// An operation from 512 x 512 into as much.
fn add(ops: &mut Ops, name: &'static str, mut op: impl FnMut(ImageRef<'_, u8>, ImageMut<'_, u8>) + 'static) {
    let (src, mut dst) = (leaked(SIDE * SIDE * 3), vec![0; SIDE * SIDE * 3]);
    ops.insert(
        name,
        Box::new(move || {
            op(view(black_box(src), SIDE), ImageMut::new(&mut dst, SIDE, SIDE, 3).unwrap());
            black_box(&dst);
        }),
    );
}

/// An operation in place, on a copy.
fn change(
    ops: &mut Ops,
    name: &'static str,
    scratch_len: usize,
    mut op: impl FnMut(ImageMut<'_, u8>, &mut Scratch<'_>) -> Result<()> + 'static,
) {
    let mut memory = vec![0; scratch_len];
    add(ops, name, move |src, mut dst| {
        copy(src, dst.reborrow()).unwrap();
        op(dst, &mut Scratch::new(&mut memory)).unwrap();
    });
}

/// An operation in place, on a copy, that draws anew in each call.
fn drawn(
    ops: &mut Ops,
    name: &'static str,
    scratch_len: usize,
    mut op: impl FnMut(&mut Stream, ImageMut<'_, u8>, &mut Scratch<'_>) -> Result<()> + 'static,
) {
    let mut seed = 0;
    change(ops, name, scratch_len, move |image, scratch| {
        seed += 1;
        op(&mut Stream::new(seed, Key::new(0)), image, scratch)
    });
}

/// An operation of pipelines from 512 x 512 into as much, which draws anew in each call.
fn drawn_by_plan(ops: &mut Ops, level: Level, name: &'static str, op: Op) {
    let plan = planned(&[(op, 1.0)], SIDE);
    let (mut memory, mut copy) = (vec![0; plan.scratch_len::<u8>()], 0);
    add(ops, name, move |src, dst| {
        copy += 1;
        let prepared = plan.prepare(&plan.draw(1, key(b"image", copy), &[]).unwrap()).unwrap();
        prepared.run(level, src, dst, &mut Scratch::new(&mut memory)).unwrap();
    });
}

fn moves(ops: &mut Ops, level: Level) {
    add(ops, "memcpy", |src, mut dst| dst.data_mut().copy_from_slice(src.as_mat().data()));
    add(ops, "hflip", move |src, dst| hflip(level, src, dst).unwrap());
    add(ops, "vflip", |src, dst| vflip(src, dst).unwrap());
    add(ops, "rot90", move |src, dst| rot90(level, src, dst).unwrap());
    add(ops, "transpose", move |src, dst| transpose(level, src, dst).unwrap());
    let mut at = 0;
    add(ops, "crop224", move |src, mut dst| {
        at = (at + 37) % 288;
        let to = ImageMut::new(dst.data_mut(), PART, PART, 3).unwrap();
        copy(src.crop(287 - at, at, PART, PART).unwrap(), to).unwrap();
    });
    add(ops, "cutout", |src, mut dst| {
        copy(src, dst.reborrow()).unwrap();
        for i in 0..8 {
            let rect = Rect { top: i * 97 % 480, left: i * 61 % 480, height: 32, width: 32 };
            cutout(dst.reborrow(), rect, 0).unwrap();
        }
    });
    let other = leaked(SIDE * SIDE * 3);
    add(ops, "cutmix", move |src, mut dst| {
        copy(src, dst.reborrow()).unwrap();
        cutmix(view(other, SIDE), dst, Rect { top: 100, left: 60, height: 280, width: 280 }).unwrap();
    });
}

fn points(ops: &mut Ops, level: Level) {
    let curve = Table::contrast(1.2, 100.0).unwrap();
    add(ops, "brightness_contrast", move |src, dst| curve.apply(level, src, dst).unwrap());
    let gamma = Table::gamma(1.5).unwrap();
    add(ops, "gamma", move |src, dst| gamma.apply(level, src, dst).unwrap());
    add(ops, "greyscale", move |src, mut dst| {
        rgb_to_grey(level, src, ImageMut::new(dst.data_mut(), SIDE, SIDE, 1).unwrap()).unwrap();
    });
    let mut numbers = vec![0f32; SIDE * SIDE * 3];
    add(ops, "normalise", move |src, _| {
        let dst = ImageMut::new(&mut numbers, SIDE, SIDE, 3).unwrap();
        normalise(level, src, dst, &MEAN, &STD).unwrap();
    });
    let mut numbers = vec![0f32; SIDE * SIDE * 3];
    add(ops, "normalise_chw", move |src, _| normalise_chw(level, src, &mut numbers, &MEAN, &STD).unwrap());
    let other = leaked(SIDE * SIDE * 3);
    add(ops, "mixup", move |src, mut dst| {
        // The peers mix two images into a third one.
        copy(src, dst.reborrow()).unwrap();
        mixup(level, view(other, SIDE), dst, 0.3).unwrap();
    });
    add(ops, "hue", move |src, mut dst| {
        copy(src, dst.reborrow()).unwrap();
        hue(level, 0.11, dst).unwrap();
    });
    let steps = [Adjust::Brightness(1.2), Adjust::Contrast(1.2), Adjust::Saturation(1.2), Adjust::Hue(0.05)];
    add(ops, "colour_jitter", move |src, mut dst| {
        copy(src, dst.reborrow()).unwrap();
        Jitter(steps).apply(level, dst).unwrap();
    });
    let mut seed = 0;
    add(ops, "gaussian_noise", move |src, mut dst| {
        seed += 1;
        copy(src, dst.reborrow()).unwrap();
        gaussian_noise(level, 10.0, &mut Stream::new(seed, Key::new(0)), dst).unwrap();
    });
}

fn resampling(ops: &mut Ops, level: Level) {
    let names =
        [("bilinear", Filter::Bilinear), ("bicubic", Filter::Bicubic), ("lanczos3", Filter::Lanczos3)];
    for (name, filter) in names {
        let name: &'static str = format!("resize_512_224_{name}").leak();
        resize(ops, level, name, filter, (SIDE, PART));
    }
    resize(ops, level, "resize_224_512_bilinear", Filter::Bilinear, (PART, SIDE));
    let turn: Map = Motion { degrees: 15.0, ..Motion::default() }.inverse((SIDE, SIDE)).unwrap().into();
    // The inverse of (0.9, 0.12, 11.5; -0.08, 0.95, 20.25).
    let affine = Affine { xx: 1.0988, xy: -0.1388, x0: -9.8253, yx: 0.0925, yy: 1.0409, y0: -22.143 };
    let corners = [[20.0, 30.0], [490.0, 10.0], [500.0, 480.0], [15.0, 505.0]];
    let view = Perspective::of_corners((SIDE, SIDE), corners).unwrap();
    let maps = [
        ("rotate", turn, Interpolation::Bilinear),
        ("affine", affine.into(), Interpolation::Bilinear),
        ("perspective", view.into(), Interpolation::Bilinear),
        ("rotate_nearest", turn, Interpolation::Nearest),
        ("rotate_bicubic", turn, Interpolation::Bicubic75),
    ];
    for (name, map, how) in maps {
        add(ops, name, move |src, dst| warp(level, map, how, Border::Reflect101, src, dst).unwrap());
    }
    bends(ops, level);
    // The 9 x 9 window of the peers: radius 4.
    let mut memory = vec![0; blur_scratch_len::<u8>(1.5, SHAPE)];
    add(ops, "gaussian_blur", move |src, dst| {
        gaussian_blur(level, 1.5, Border::Reflect101, src, dst, &mut Scratch::new(&mut memory)).unwrap();
    });
    let mut memory = vec![0; box_blur_scratch_len::<u8>(2, SHAPE)];
    add(ops, "box_blur", move |src, dst| {
        box_blur(level, 2, Border::Reflect101, src, dst, &mut Scratch::new(&mut memory)).unwrap();
    });
}

/// Elastic distortion as the peers' with an `alpha` of 50 and a `sigma` of 4: a deviation of 50 / (2·√π·√3·4) pixels.
fn bends(ops: &mut Ops, level: Level) {
    let bends = [
        ("elastic", Bend::Elastic { deviation: 2.04, sigma: 4.0, seed: 1 }),
        ("elastic_smooth", Bend::Elastic { deviation: 8.0, sigma: 40.0, seed: 1 }),
        ("grid_distortion", Bend::Grid { cells: 5, shift: 0.3, seed: 1 }),
        ("optical_distortion", Bend::Optical { k: 0.1 }),
        ("fisheye", Bend::Fisheye { degrees: 45.0 }),
        ("thin_plate", Bend::ThinPlate { points: 4, shift: 0.05, seed: 1 }),
        ("piecewise_affine", Bend::PiecewiseAffine { cells: 4, shift: 0.2, seed: 1 }),
    ];
    for (name, how) in bends {
        let mut memory = vec![0; how.scratch_len((SIDE, SIDE))];
        add(ops, name, move |src, dst| {
            let scratch = &mut Scratch::new(&mut memory);
            bend(level, &how, Interpolation::Bilinear, Border::Reflect101, src, dst, scratch).unwrap();
        });
    }
}

fn resize(ops: &mut Ops, level: Level, name: &'static str, filter: Filter, (from, to): (usize, usize)) {
    let (src, mut dst) = (leaked(from * from * 3), vec![0; to * to * 3]);
    let memory = vec![0; ResizePlan::plan_len(filter, (from, from), (to, to))].leak();
    let plan = ResizePlan::new(filter, (from, from), (to, to), &mut Scratch::new(memory)).unwrap();
    let mut memory = vec![0; plan.scratch_len(3)];
    ops.insert(
        name,
        Box::new(move || {
            let dst = ImageMut::new(&mut dst, to, to, 3).unwrap();
            plan.run(level, view(black_box(src), from), dst, &mut Scratch::new(&mut memory)).unwrap();
        }),
    );
}

fn planned(steps: &[(Op, f32)], side: usize) -> Plan<'static, 8> {
    let mut pipeline = Pipeline::new();
    steps.iter().for_each(|(op, p)| pipeline.push(*op, *p).unwrap());
    Box::leak(Box::new(pipeline)).plan((side, side, 3)).unwrap()
}

fn pipelines(ops: &mut Ops, level: Level) {
    let crop = Op::RandomCrop { height: 0, width: 0, padding: 4, border: Border::Reflect101 };
    let plan = planned(&[(crop, 1.0), (Op::HFlip {}, 0.5)], 32);
    let src = leaked(SMALL * 32 * 32 * 3);
    let mut dst = vec![0f32; BATCH * 32 * 32 * 3];
    let keys: Vec<Key> = (0..SMALL as u32).map(|i| key(b"batch", i)).collect();
    let mut memory = vec![0; plan.scratch_len::<u8>()];
    ops.insert(
        "small_batch",
        Box::new(move || {
            let normal = Normal { mean: &MEAN, std: &STD, planes: false };
            let scratch = &mut Scratch::new(&mut memory);
            for (keys, src) in keys.chunks_exact(BATCH).zip(src.chunks_exact(BATCH * 32 * 32 * 3)) {
                let draws = Draws::Own(1, keys);
                plan.batch_normalised(level, black_box(src), &mut dst, normal, draws, scratch).unwrap();
            }
        }),
    );
    let size = PART as u32;
    let part = Op::RandomResizedCrop {
        height: size,
        width: size,
        scale: [0.5, 1.0],
        ratio: [0.75, 1.333_333_4],
        filter: Filter::Bilinear,
        antialias: true,
        precise: false,
    };
    let near = [0.8, 1.2];
    let jitter = Op::ColourJitter { brightness: near, contrast: near, saturation: near, hue: [-0.05, 0.05] };
    let plan = planned(&[(part, 1.0), (Op::HFlip {}, 0.5), (jitter, 1.0)], SIDE);
    let src = leaked(SIDE * SIDE * 3);
    let mut dst = vec![0f32; PART * PART * 3];
    let mut memory = vec![0; plan.scratch_len::<u8>()];
    let mut copy = 0;
    ops.insert(
        "training_pipeline",
        Box::new(move || {
            copy += 1;
            let normal = Normal { mean: &MEAN, std: &STD, planes: false };
            let prepared = plan.prepare(&plan.draw(1, key(b"image", copy), &[]).unwrap()).unwrap();
            let scratch = &mut Scratch::new(&mut memory);
            prepared.run_normalised(level, view(black_box(src), SIDE), &mut dst, normal, scratch).unwrap();
        }),
    );
}

/// Two million additions, each waiting for the one before: how long a cycle is.
fn clock() {
    let mut x = black_box(1u64);
    for _ in 0..2_000_000 {
        x = black_box(x.wrapping_add(1));
    }
}

fn main() {
    let (mut ops, level) = (Ops::new(), Level::detect());
    moves(&mut ops, level);
    points(&mut ops, level);
    colour::ops(&mut ops, level);
    resampling(&mut ops, level);
    geometry::all(&mut ops, level);
    neighbourhood::all(&mut ops, level);
    noise::all(&mut ops, level);
    occlusion::all(&mut ops, level);
    pipelines(&mut ops, level);
    policies::all(&mut ops, level);
    batches::all(&mut ops, level);
    ops.insert("clock", Box::new(clock));
    let mut numbers = vec![0f32; SIDE * SIDE * 3];
    ops.insert("fill", Box::new(move || black_box(&mut numbers).fill(black_box(1.5))));
    serve(ops);
}
