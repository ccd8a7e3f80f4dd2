use super::*;
use crate::status::{
    SB_ERR_BAD_DATA, SB_ERR_BAD_HANDLE, SB_ERR_BUFFER_TOO_SMALL, SB_ERR_INVALID_ARGUMENT,
    SB_ERR_SHAPE_MISMATCH, SB_ERR_STRUCT_SIZE, SB_ERR_WORK_TOO_SMALL, SB_OK,
};
use core::ptr::{null, null_mut};
use seedbed::augment::{Op, key};
use seedbed_golden::PIPELINE;
use std::vec;
use std::vec::Vec;

const SHAPE: sb_shape =
    sb_shape { struct_size: size_of::<sb_shape>() as u32, height: 9, width: 14, channels: 3 };
/// Rows of both images are this far apart.
const STRIDE: usize = 64;

/// A pipeline, the memory it lies in, and what else a call takes.
struct Call {
    pipeline: *mut sb_pipeline,
    src: Vec<u8>,
    dst: Vec<u8>,
    out: sb_shape,
    work: Vec<u8>,
    _memory: Vec<u8>,
}

impl Call {
    fn new() -> Self {
        Self::with(PIPELINE)
    }

    fn of<const N: usize>(pipeline: &Pipeline<N>) -> Self {
        let mut bytes = vec![0; pipeline.bytes_len()];
        pipeline.to_bytes(&mut bytes).unwrap();
        Self::with(&bytes)
    }

    fn with(data: &[u8]) -> Self {
        let (mut bytes, mut pipeline) = (0, null_mut());
        let mut out = sb_shape { height: 0, width: 0, channels: 0, ..SHAPE };
        let mut work = 0;
        // SAFETY: every pointer is to a variable or buffer here, with its length.
        let memory = unsafe {
            assert_eq!(sb_pipeline_size(&mut bytes), SB_OK);
            let mut memory = vec![0xa5u8; bytes];
            let (at, len) = (data.as_ptr().cast(), data.len());
            assert_eq!(sb_pipeline_init(at, len, memory.as_mut_ptr().cast(), bytes, &mut pipeline), SB_OK);
            assert_eq!(sb_pipeline_out_shape(pipeline, &SHAPE, &mut out), SB_OK);
            assert_eq!(sb_pipeline_workspace(pipeline, &SHAPE, &mut work), SB_OK);
            memory
        };
        let src = (0..9 * STRIDE).map(|i| (i * 7) as u8).collect();
        Self {
            pipeline,
            src,
            dst: vec![1; out.height as usize * STRIDE],
            out,
            work: vec![0; work],
            _memory: memory,
        }
    }

    fn src(&self) -> sb_image {
        let sb_shape { height, width, channels, .. } = SHAPE;
        let struct_size = size_of::<sb_image>() as u32;
        sb_image { struct_size, height, width, channels, stride: STRIDE, data: self.src.as_ptr() }
    }

    fn dst(&mut self) -> sb_image_mut {
        let sb_shape { height, width, channels, .. } = self.out;
        let struct_size = size_of::<sb_image_mut>() as u32;
        sb_image_mut { struct_size, height, width, channels, stride: STRIDE, data: self.dst.as_mut_ptr() }
    }

    fn apply(&mut self, src: *const sb_image, dst: *const sb_image_mut, work: usize) -> sb_status {
        let struct_size = size_of::<sb_key>() as u32;
        // SAFETY: the id is a text with its length.
        let sample = unsafe { crate::sb_id_hash(c"digits/0007".as_ptr(), 11) };
        let key = sb_key { struct_size, purpose: SB_PURPOSE_AUGMENT, epoch: 3, op: 0, sample };
        // SAFETY: images and memory are this value's.
        unsafe { sb_pipeline_apply(self.pipeline, src, dst, 42, &key, self.work.as_mut_ptr().cast(), work) }
    }
}

#[test]
fn the_bytes_are_those_of_the_core_and_padding_is_left_alone() {
    let mut call = Call::new();
    let (src, dst, work) = (call.src(), call.dst(), call.work.len());
    assert_eq!(call.apply(&src, &dst, work), SB_OK);

    let pipeline = Pipeline::<SB_PIPELINE_STEPS>::from_bytes(PIPELINE).unwrap();
    let (height, width, channels) = shape_of(&call.out);
    let mut want = vec![1u8; call.dst.len()];
    let mut memory = vec![0; pipeline.scratch_len((9, 14, 3))];
    pipeline
        .apply(
            Level::BASE,
            ImageRef::with_stride(&call.src, 9, 14, 3, STRIDE).unwrap(),
            ImageMut::with_stride(&mut want, height, width, channels, STRIDE).unwrap(),
            42,
            key(b"digits/0007", 3),
            &mut Scratch::new(&mut memory),
        )
        .unwrap();
    assert_eq!(call.dst, want);
}

#[test]
fn what_is_refused_writes_nothing() {
    let mut call = Call::new();
    let (src, dst, work) = (call.src(), call.dst(), call.work.len());
    let untouched = call.dst.clone();
    assert_eq!(call.apply(&src, &dst, work / 2), SB_ERR_WORK_TOO_SMALL);
    assert_eq!(call.apply(null(), &dst, work), SB_ERR_INVALID_ARGUMENT);
    assert_eq!(call.apply(&src, &sb_image_mut { height: 3, ..dst }, work), SB_ERR_SHAPE_MISMATCH);
    assert_eq!(call.apply(&src, &sb_image_mut { data: null_mut(), ..dst }, work), SB_ERR_INVALID_ARGUMENT);
    assert_eq!(call.apply(&sb_image { stride: 41, ..src }, &dst, work), SB_ERR_INVALID_ARGUMENT);
    assert_eq!(call.apply(&sb_image { stride: usize::MAX, ..src }, &dst, work), SB_ERR_OVERFLOW);
    assert_eq!(call.apply(&sb_image { struct_size: 8, ..src }, &dst, work), SB_ERR_STRUCT_SIZE);
    assert_eq!(call.apply(&sb_image { channels: 0, ..src }, &dst, work), SB_ERR_INVALID_ARGUMENT);
    assert_eq!(call.dst, untouched);
}

#[test]
fn pipelines_come_from_whole_bytes_into_enough_memory_only() {
    let (mut bytes, mut out) = (0, null_mut());
    // SAFETY: every pointer is to a variable or buffer here, with its length.
    unsafe {
        sb_pipeline_size(&mut bytes);
        let mut memory = vec![0u8; bytes];
        let memory = memory.as_mut_ptr().cast();
        let mut init = |len, room| sb_pipeline_init(PIPELINE.as_ptr().cast(), len, memory, room, &mut out);
        assert_eq!(init(PIPELINE.len() - 1, bytes), SB_ERR_BAD_DATA);
        assert_eq!(init(0, bytes), SB_ERR_BAD_DATA);
        assert_eq!(init(PIPELINE.len(), bytes - align_of::<Placed>()), SB_ERR_BUFFER_TOO_SMALL);
        assert!(out.is_null());
    }
}

#[test]
fn a_pipeline_lies_in_memory_of_any_alignment() {
    let mut bytes = 0;
    // SAFETY: every pointer is to a variable or buffer here, with its length.
    unsafe {
        sb_pipeline_size(&mut bytes);
        let mut memory = vec![0xa5u8; bytes + 8];
        for offset in 0..8 {
            let (mut pipeline, mut work) = (null_mut(), 0);
            let at = memory[offset..].as_mut_ptr().cast();
            let init = sb_pipeline_init(PIPELINE.as_ptr().cast(), PIPELINE.len(), at, bytes, &mut pipeline);
            assert_eq!(init, SB_OK);
            assert_eq!(sb_pipeline_workspace(pipeline, &SHAPE, &mut work), SB_OK);
            let placed = pipeline as usize - memory.as_ptr() as usize;
            assert!(placed >= offset && placed + size_of::<Placed>() <= offset + bytes);
            assert!(memory[offset + bytes..].iter().all(|&byte| byte == 0xa5), "{offset}");
        }
    }
}

#[test]
fn work_memory_that_does_not_fit_is_told_so() {
    let mut blur = Pipeline::<1>::new();
    blur.push(Op::GaussianBlur { sigma: [32.0; 2] }, 1.0).unwrap();
    let mut call = Call::of(&blur);
    // As many values as an image may have: where images and rows together are more than all memory, that is told.
    let vast = sb_shape { height: 32, width: 1 << 24, channels: u32::MAX, ..SHAPE };
    let need = blur.scratch_len((32, 1 << 24, u32::MAX as usize));
    let mut bytes = 7;
    // SAFETY: every pointer is to a variable here or to the pipeline.
    let status = unsafe { sb_pipeline_workspace(call.pipeline, &vast, &mut bytes) };
    let told = if need > isize::MAX as usize { (SB_ERR_OVERFLOW, 7) } else { (SB_OK, need) };
    assert_eq!((status, bytes), told);
    let (src, dst, work) = (call.src(), call.dst(), call.work.len());
    assert_eq!(call.apply(&src, &dst, work), SB_OK);
}

#[test]
fn a_pointer_to_something_else_is_not_a_handle() {
    let mut bytes = 0;
    let other = vec![0u64; size_of::<Placed>()];
    // SAFETY: the memory is as long as a pipeline.
    unsafe {
        let (other, null) = (other.as_ptr().cast::<sb_pipeline>(), null::<sb_pipeline>());
        assert_eq!(sb_pipeline_workspace(other, &SHAPE, &mut bytes), SB_ERR_BAD_HANDLE);
        assert_eq!(sb_pipeline_workspace(null, &SHAPE, &mut bytes), SB_ERR_INVALID_ARGUMENT);
        assert_eq!(
            sb_pipeline_workspace(other.wrapping_byte_add(1), &SHAPE, &mut bytes),
            SB_ERR_INVALID_ARGUMENT
        );
    }
}
