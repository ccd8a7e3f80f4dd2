//! Parts that are hidden.

use super::{Ops, SIDE, drawn, drawn_by_plan};
use seedbed::augment::Op;
use seedbed::image::{Rect, erase, grid_dropout, mask_dropout, pixel_dropout, stripes};
use seedbed::{ImageMut, Level};

/// Eight discs, 100 pixels wide, with a label each, as those of the peers.
fn labels() -> Vec<u8> {
    let mut labels = vec![0; SIDE * SIDE];
    for (i, label) in labels.iter_mut().enumerate() {
        let (y, x) = ((i / SIDE) as i32, (i % SIDE) as i32);
        for disc in 0..8 {
            let (down, right) = (y - 128 - disc / 4 * 256, x - 64 - disc % 4 * 128);
            if down * down + right * right <= 50 * 50 {
                *label = disc as u8 + 1;
            }
        }
    }
    labels
}

pub fn all(ops: &mut Ops, level: Level) {
    drawn(ops, "grid_dropout", 0, |stream, image, _| grid_dropout(64, 0.5, 0, stream, image));
    drawn(ops, "pixel_dropout", 0, |stream, image, _| pixel_dropout(0.05, 0, stream, image));
    let op = Op::CoarseDropout { holes: [8.0; 2], height: [0.1; 2], width: [0.1; 2], fill: 0 };
    drawn_by_plan(ops, level, "coarse_dropout", op);
    drawn(ops, "xy_masking", 0, |stream, mut image, _| {
        stripes(2, true, [26.0, 51.0], 0, stream, image.reborrow())?;
        stripes(2, false, [26.0, 51.0], 0, stream, image)
    });
    let rect = Rect { top: 100, left: 120, height: 160, width: 200 };
    drawn(ops, "random_erasing", 0, move |stream, image, _| erase(image, rect, stream));
    let (labels, mut left) = (labels(), vec![0; SIDE * SIDE]);
    drawn(ops, "mask_dropout", 0, move |_, image, _| {
        left.copy_from_slice(&labels);
        mask_dropout(&[3, 6], (0, 0), ImageMut::new(&mut left, SIDE, SIDE, 1)?, image)
    });
}
