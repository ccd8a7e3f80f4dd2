//! The copies that the stage `augment` makes are those that the library for C makes from the `pipeline.bin` beside
//! them.
#![allow(
    // The library for C is called as C calls it.
    unsafe_code,
    clippy::multiple_unsafe_ops_per_block
)]

use seedbed::rng::{Key, Stream};
use seedbed_cli::codec::Pixels;
use seedbed_cli::dataset::{Content, Dataset, DatasetWriter, Meta, Sample, Split};
use seedbed_cli::stages::augment::{AugmentOptions, CopyParams, MAX_OPS, PIPELINE_FILE};
use seedbed_cli::{Ctx, Stage};
use seedbed_ffi::*;
use std::path::Path;
use std::ptr::null_mut;

const SEED: u64 = 11;

/// Four pictures of 11 × 14.
fn dataset(folder: &Path) {
    let mut writer = DatasetWriter::create(folder, Meta::images("t", vec!["a".into()])).unwrap();
    for n in 0..4 {
        let mut stream = Stream::new(3, Key::new(1004).sample(n));
        let data = (0..11 * 14 * 3).map(|_| stream.below(256) as u8).collect();
        let content = Content::from_pixels(Pixels::new(data, 11, 14, 3).unwrap());
        writer.push(Sample::new(format!("s{n}"), Some(0), Split::Train, content)).unwrap();
    }
    writer.finish().unwrap();
}

/// The most operations that the command takes, of every kind that leaves much to be drawn.
fn options() -> AugmentOptions {
    let kinds = [
        r#"{ op = "hflip", p = 0.5 }"#,
        r#"{ op = "rotate", degrees = [-20, 20], border = "edge" }"#,
        r#"{ op = "brightness", p = 0.5 }"#,
        r#"{ op = "gaussian_noise", std = [1, 9] }"#,
    ];
    let mut ops: Vec<_> = (1..MAX_OPS).map(|i| kinds[i % 4].parse().unwrap()).collect();
    ops.push(r#"{ op = "random_crop", height = 8, width = 9 }"#.parse().unwrap());
    AugmentOptions { copies: 2, ops, ..AugmentOptions::default() }
}

/// Copy `copy` of the picture `source` of the sample `id`, by the library for C.
fn by_the_library(data: &[u8], id: &str, source: &Pixels, copy: u32) -> Vec<u8> {
    let (mut bytes, mut pipeline) = (0, null_mut());
    let size = |n: usize| n as u32;
    let [height, width, channels] = source.shape().map(size);
    let shape = sb_shape { struct_size: size(size_of::<sb_shape>()), height, width, channels };
    let mut to = shape;
    // SAFETY: every pointer is to a variable or buffer here, with its length.
    unsafe {
        assert_eq!(sb_pipeline_size(&mut bytes), SB_OK);
        let mut memory = vec![0u8; bytes];
        let at = memory.as_mut_ptr().cast();
        assert_eq!(sb_pipeline_init(data.as_ptr().cast(), data.len(), at, bytes, &mut pipeline), SB_OK);
        assert_eq!(sb_pipeline_out_shape(pipeline, &shape, &mut to), SB_OK);
        assert_eq!(sb_pipeline_workspace(pipeline, &shape, &mut bytes), SB_OK);
        let mut work = vec![0u8; bytes];
        let mut pixels = vec![0; to.height as usize * to.width as usize * to.channels as usize];
        let struct_size = size(size_of::<sb_image>());
        let stride = source.width * source.channels;
        let src = sb_image { struct_size, height, width, channels, stride, data: source.data.as_ptr() };
        let sb_shape { height, width, channels, .. } = to;
        let (stride, data) = (width as usize * channels as usize, pixels.as_mut_ptr());
        let dst = sb_image_mut { struct_size, height, width, channels, stride, data };
        let struct_size = size(size_of::<sb_key>());
        let sample = sb_id_hash(id.as_ptr().cast(), id.len());
        let key = sb_key { struct_size, purpose: SB_PURPOSE_AUGMENT, epoch: copy, op: 0, sample };
        let work = (work.as_mut_ptr().cast(), work.len());
        assert_eq!(sb_pipeline_apply(pipeline, &src, &dst, SEED, &key, work.0, work.1), SB_OK);
        pixels
    }
}

#[test]
fn copies_of_the_command_are_those_of_the_library_for_c() {
    assert_eq!(MAX_OPS, SB_PIPELINE_STEPS);
    let dir = tempfile::tempdir().unwrap();
    let (input, out) = (dir.path().join("in"), dir.path().join("out"));
    dataset(&input);
    options().run(&Ctx::quiet(SEED), &input, &out).unwrap();
    let bytes = std::fs::read(out.join(PIPELINE_FILE)).unwrap();
    let samples: Vec<Sample> = Dataset::open(&out).unwrap().samples().map(Result::unwrap).collect();
    let mut copies = Vec::new();
    for sample in &samples {
        let Some(origin) = &sample.origin else { continue };
        let source = samples.iter().find(|s| s.id == origin.source).unwrap().pixels().unwrap();
        let copy = CopyParams::of(origin).unwrap().copy;
        let made = by_the_library(&bytes, &origin.source, &source, copy);
        assert!(made == sample.pixels().unwrap().data, "{}", sample.id);
        copies.push(copy);
    }
    assert_eq!(copies, [1, 2].repeat(4));
}
