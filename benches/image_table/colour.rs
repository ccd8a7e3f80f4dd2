//! Operations on values and colours.

use super::{Ops, SHAPE, SIDE, add, leaked, view};
use seedbed::image::{
    ColourSpace, autocontrast, clahe, clahe_scratch_len, copy, equalise, equalise_scratch_len, fancy_pca,
    fourier_adaptation, fourier_scratch_len, planckian_jitter, rgb_to, sepia, to_rgb,
};
use seedbed::rng::{Key, Stream};
use seedbed::{ImageMut, Level, Result, Scratch};

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

pub fn ops(ops: &mut Ops, level: Level) {
    let len = equalise_scratch_len::<u8>();
    change(ops, "equalise", len, move |image, scratch| equalise(level, image, scratch));
    change(ops, "autocontrast", len, move |image, scratch| autocontrast(level, [0.02; 2], image, scratch));
    let len = clahe_scratch_len::<u8>(8, SHAPE);
    change(ops, "clahe", len, move |image, scratch| clahe(level, 2.0, 8, image, scratch));
    let mut memory = vec![0; len];
    add(ops, "clahe_grey", move |src, mut dst| {
        let grey = src.as_mat().data().get(..SIDE * SIDE).unwrap();
        let to = dst.data_mut().get_mut(..SIDE * SIDE).unwrap();
        to.copy_from_slice(grey);
        let image = ImageMut::new(to, SIDE, SIDE, 1).unwrap();
        clahe(level, 2.0, 8, image, &mut Scratch::new(&mut memory)).unwrap();
    });
    for (name, space, back) in [
        ("rgb_to_hsv", ColourSpace::Hsv, false),
        ("hsv_to_rgb", ColourSpace::Hsv, true),
        ("rgb_to_lab", ColourSpace::Lab, false),
        ("lab_to_rgb", ColourSpace::Lab, true),
    ] {
        change(
            ops,
            name,
            0,
            move |image, _| if back { to_rgb(level, space, image) } else { rgb_to(level, space, image) },
        );
    }
    let mut seed = 0;
    change(ops, "fancy_pca", 0, move |image, _| {
        seed += 1;
        fancy_pca(level, 0.5, &mut Stream::new(seed, Key::new(0)), image)
    });
    change(ops, "sepia", 0, move |image, _| sepia(level, 1.0, image));
    change(ops, "planckian_jitter", 0, move |image, _| planckian_jitter(level, 5000.0, image));
    let len = fourier_scratch_len(0.05, SHAPE);
    let mut reference = leaked(SIDE * SIDE * 3).to_vec();
    reference.reverse();
    change(ops, "fourier_adaptation", len, move |image, scratch| {
        fourier_adaptation(level, 0.05, view(&reference, SIDE), image, scratch)
    });
}
