//! What stands for the boxes, masks and keypoints of a picture on the sheet.

use crate::error::Result;
use seedbed::augment::{Labels, Plan, Prepared};
use seedbed::image::{Bounds, Edge, Index};
use seedbed::scratch::ScratchBuf;
use seedbed::{ImageMut, ImageRef, Level};

/// What belongs to a picture.
pub struct Targets {
    /// The box, upright; `None` where nothing of it shows.
    pub bounds: Option<Bounds>,
    /// The corners of the box, turned with the picture.
    pub corners: Option<[Edge; 4]>,
    pub points: [Option<Index>; 3],
    /// 1 in the ellipse within the box.
    pub mask: Vec<u8>,
    /// 0 where a border shows.
    pub valid: Vec<u8>,
}

/// The box of every original.
pub fn bounds(size: (usize, usize)) -> Result<Bounds> {
    Ok(Bounds::from_yolo([0.45, 0.5, 0.5, 0.6], size)?)
}

impl Targets {
    /// Of an original.
    pub fn of(size: (usize, usize)) -> Result<Self> {
        let bounds = bounds(size)?;
        let [left, top, width, height] = bounds.xywh();
        let place = |x: f64, y: f64| Some(Edge([left + x * width, top + y * height]).into());
        let mask = |at: usize| {
            let (x, y) = ((at % size.1) as f64 + 0.5, (at / size.1) as f64 + 0.5);
            let (x, y) = ((x - left) / width * 2.0 - 1.0, (y - top) / height * 2.0 - 1.0);
            u8::from(x * x + y * y < 1.0)
        };
        Ok(Self {
            bounds: Some(bounds),
            corners: None,
            points: [place(0.25, 0.3), place(0.75, 0.3), place(0.5, 0.75)],
            mask: (0..size.0 * size.1).map(mask).collect(),
            valid: vec![255; size.0 * size.1],
        })
    }

    /// Of what a picture of `plan` becomes.
    pub fn moved<const N: usize>(
        &self,
        level: Level,
        plan: &Plan<'_, N>,
        prepared: &Prepared<N>,
        scratch: &mut ScratchBuf,
    ) -> Result<Self> {
        let ((h, w, _), (height, width, _)) = (plan.shape(), plan.out_shape());
        let mut arena = scratch.arena(plan.mask_scratch_len::<u8>(1));
        let (mut mask, mut valid) = (vec![0; height * width], vec![0; height * width]);
        let before = ImageRef::new(&self.mask, h, w, 1)?;
        prepared.run_mask(
            level,
            before,
            ImageMut::new(&mut mask, height, width, 1)?,
            (Labels::Majority, 0),
            &mut arena,
        )?;
        prepared.validity(level, ImageMut::new(&mut valid, height, width, 1)?, &mut arena)?;
        let way = prepared.way()?;
        let bounds = self.bounds.and_then(|bounds| way.bounds(&bounds));
        Ok(Self {
            bounds: bounds.and_then(|bounds| bounds.visible((height, width), 0.0, 0.0)),
            corners: self.bounds.and_then(|bounds| way.corners(bounds.corners())),
            points: self.points.map(|point| point.and_then(|point| way.point(point))),
            mask,
            valid,
        })
    }
}
