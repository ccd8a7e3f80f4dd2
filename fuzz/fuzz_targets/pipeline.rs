//! Pipelines: any bytes are a pipeline or an error; a pipeline written and read again is the same, and works in the
//! memory that it asks for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed::augment::{Pipeline, key};
use seedbed::{ImageMut, ImageRef, Level, Scratch};

/// More than this is not made: large results are slow, not wrong.
const MOST: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let Ok(pipeline) = Pipeline::<16>::from_bytes(bytes) else { return };
    let mut again = vec![0; pipeline.bytes_len()];
    assert_eq!(pipeline.to_bytes(&mut again), Ok(bytes.len()));
    assert_eq!(again, bytes);

    let shape = (9, 12, 3);
    let Ok(out) = pipeline.out_shape(shape) else { return };
    let work = pipeline.scratch_len(shape);
    if work > MOST {
        return;
    }
    let src: Vec<u8> = (0..9 * 12 * 3).map(|i| (i * 5) as u8).collect();
    let mut results = Level::available().map(|level| {
        let mut dst = vec![0; out.0 * out.1 * out.2];
        let mut memory = vec![0xa5; work];
        let src = ImageRef::new(&src, 9, 12, 3).unwrap();
        let image = ImageMut::new(&mut dst, out.0, out.1, out.2).unwrap();
        pipeline.apply(level, src, image, 7, key(b"a", 1), &mut Scratch::new(&mut memory)).unwrap();
        dst
    });
    let base = results.next();
    assert!(results.all(|dst| Some(dst) == base));
});
