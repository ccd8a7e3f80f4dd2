//! Where things are: parts of pictures in other places, opacity, light that is resized, and volumes.

use super::{Ops, PART, SHAPE, SIDE, add, drawn_by_plan, leaked, view};
use seedbed::augment::Op;
use seedbed::image::{
    Axis, Border, Filter, Interpolation, Mosaic, Tiles, VolumeMut, VolumeRef, VolumeShape, copy, crop_volume,
    flip_volume, pad, pad_volume, paste, premultiply, resize_labels, resize_linear_light,
    resize_linear_light_scratch_len, rot180, rotate_volume, unpremultiply,
};
use seedbed::rng::{Key, Stream};
use seedbed::{ImageMut, ImageRef, Level, Result, Scratch};
use std::hint::black_box;

/// The side of what is laid over pictures.
const OVERLAY: usize = 384;
/// A volume of one channel.
const VOLUME: VolumeShape = (64, 64, 64, 1);

pub fn all(ops: &mut Ops, level: Level) {
    let mut seed = 0;
    add(ops, "grid_shuffle", move |src, dst| {
        seed += 1;
        let tiles = Tiles::draw(4, (SIDE, SIDE), &mut Stream::new(seed, Key::new(0))).unwrap();
        tiles.apply(src, dst).unwrap();
    });
    let (filter, antialias, precise) = (Filter::Bilinear, true, false);
    let op = Op::ZoomOut { factor: [1.5; 2], fill: 0, filter, antialias, precise };
    drawn_by_plan(ops, level, "zoom_out", op);
    // Into a part of the destination, which is as large as the source.
    add(ops, "pad_32", |src, dst| {
        let part = src.crop(32, 32, SIDE - 64, SIDE - 64).unwrap();
        pad(part, dst, 32, 32, Border::Reflect101).unwrap();
    });
    add(ops, "rot180", move |src, dst| rot180(level, src, dst).unwrap());
    let labels: Vec<u8> = leaked(SIDE * SIDE).iter().map(|label| label & 7).collect();
    add(ops, "resize_labels", move |_, mut dst| {
        let labels = ImageRef::new(black_box(&labels), SIDE, SIDE, 1).unwrap();
        resize_labels(labels, ImageMut::new(dst.data_mut(), PART, PART, 1).unwrap()).unwrap();
    });
    mosaic(ops, level);
    pastes(ops, level);
    let mut memory = vec![0; resize_linear_light_scratch_len(filter, (SIDE, SIDE), (PART, PART), 3)];
    add(ops, "resize_linear_light", move |src, mut dst| {
        let to = ImageMut::new(dst.data_mut(), PART, PART, 3).unwrap();
        resize_linear_light(level, filter, src, to, &mut Scratch::new(&mut memory)).unwrap();
    });
    opacity(ops, "premultiply", premultiply::<u8>);
    opacity(ops, "unpremultiply", unpremultiply::<u8>);
    volumes(ops, level);
}

fn mosaic(ops: &mut Ops, level: Level) {
    let mosaic = Mosaic::new((SIDE as u32, SIDE as u32), (300, 220)).unwrap();
    let filter = Filter::Bilinear.into();
    let mut memory = vec![0; mosaic.scratch_len::<u8>(filter, SHAPE)];
    let others = [1, 2, 3].map(|_| leaked(SIDE * SIDE * 3));
    add(ops, "mosaic", move |src, mut dst| {
        let [a, b, c] = others.map(|other| view(other, SIDE));
        for (i, src) in [src, a, b, c].into_iter().enumerate() {
            let scratch = &mut Scratch::new(&mut memory);
            mosaic.place(level, i, filter, src, dst.reborrow(), scratch).unwrap();
        }
    });
}

fn pastes(ops: &mut Ops, level: Level) {
    let over = leaked(OVERLAY * OVERLAY * 3);
    // A disc, as objects are copied, and any opacity.
    let middle = OVERLAY as i32 / 2;
    let away = |i: usize| (i as i32 - middle) * (i as i32 - middle);
    let disc = |i: usize| away(i / OVERLAY) + away(i % OVERLAY) <= 150 * 150;
    let masks = [
        ("paste_disc", (0..OVERLAY * OVERLAY).map(|i| if disc(i) { 255 } else { 0 }).collect()),
        ("paste_soft", leaked(OVERLAY * OVERLAY).to_vec()),
    ];
    for (name, mask) in masks {
        let mask: Vec<u8> = mask;
        add(ops, name, move |src, mut dst| {
            copy(src, dst.reborrow()).unwrap();
            let mask = ImageRef::new(&mask, OVERLAY, OVERLAY, 1).unwrap();
            paste(level, view(over, OVERLAY), Some(mask), 1.0, dst, (64, 64)).unwrap();
        });
    }
}

/// On a copy of a picture of four channels.
fn opacity(ops: &mut Ops, name: &'static str, op: fn(ImageMut<'_, u8>) -> Result<()>) {
    let (src, mut dst) = (leaked(SIDE * SIDE * 4), vec![0; SIDE * SIDE * 4]);
    ops.insert(
        name,
        Box::new(move || {
            dst.copy_from_slice(black_box(src));
            op(ImageMut::new(&mut dst, SIDE, SIDE, 4).unwrap()).unwrap();
            black_box(&dst);
        }),
    );
}

/// What is done to a volume.
fn volume(
    ops: &mut Ops,
    name: &'static str,
    mut op: impl FnMut(VolumeRef<'_, u8>, VolumeMut<'_, u8>) -> Result<()> + 'static,
) {
    let (src, mut dst) = (leaked(64 * 64 * 64), vec![0; 64 * 64 * 64]);
    ops.insert(
        name,
        Box::new(move || {
            let src = VolumeRef::new(black_box(src), VOLUME).unwrap();
            op(src, VolumeMut::new(&mut dst, VOLUME).unwrap()).unwrap();
            black_box(&dst);
        }),
    );
}

fn volumes(ops: &mut Ops, level: Level) {
    let mut to = vec![0; 48 * 48 * 48];
    volume(ops, "volume_crop_48", move |src, _| {
        crop_volume((8, 8, 8), src, VolumeMut::new(&mut to, (48, 48, 48, 1))?)
    });
    let mut to = vec![0; 80 * 80 * 80];
    volume(ops, "volume_pad_8", move |src, _| {
        let to = VolumeMut::new(&mut to, (80, 80, 80, 1))?;
        pad_volume(src, to, (8, 8, 8), Border::Reflect101)
    });
    let axes = [
        ("volume_flip_depth", "volume_turn_depth", Axis::Depth),
        ("volume_flip_height", "volume_turn_height", Axis::Height),
        ("volume_flip_width", "volume_turn_width", Axis::Width),
    ];
    for (flip, turn, axis) in axes {
        volume(ops, flip, move |src, dst| flip_volume(level, axis, src, dst));
        volume(ops, turn, move |src, dst| {
            let (how, border) = (Interpolation::Bilinear, Border::Reflect101);
            rotate_volume(level, (axis, 15.0), how, border, src, dst)
        });
    }
}
