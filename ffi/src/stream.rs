//! Streams of random numbers, as plain values of the caller's.

use crate::memory::{Sized32, one_mut, slice, slice_mut, structure};
use crate::status::{SB_ERR_BAD_HANDLE, call, sb_status};
use core::ffi::c_char;
use seedbed::Level;
use seedbed::rng::{Key, Stream, id_hash};

/// What randomness is for. Two keys that differ in any field give independent streams under the same seed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct sb_key {
    /// sizeof(sb_key).
    pub struct_size: u32,
    /// A number that you give to each of your uses of randomness.
    pub purpose: u32,
    /// Epoch, copy or repetition.
    pub epoch: u32,
    /// Index of an operation.
    pub op: u32,
    /// The sample's number.
    pub sample: u64,
}

// SAFETY: `repr(C)`, the size first, numbers without padding.
unsafe impl Sized32 for sb_key {
    const FIRST: usize = 24;
}

impl From<sb_key> for Key {
    fn from(key: sb_key) -> Key {
        Key::new(key.purpose).epoch(key.epoch).sample(key.sample).op(key.op)
    }
}

/// The number of a sample whose id is the text id[0..id_len], for sb_key: its 64-bit FNV-1a hash. 0 for
/// NULL with id_len > 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sb_id_hash(id: *const c_char, id_len: usize) -> u64 {
    // SAFETY: passed on from the caller.
    match unsafe { slice(id.cast::<u8>(), id_len) } {
        Ok(id) => id_hash(id),
        Err(_) => 0,
    }
}

/// A stream of random numbers: a plain value without a pointer. Copy it, store it, use one per thread. Before
/// sb_stream_init, zeroed, it gives SB_ERR_BAD_HANDLE.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct sb_stream {
    /// The library's; the order of the words may differ between versions.
    pub state: [u32; 4],
}

const _: () = assert!(size_of::<Stream>() == size_of::<sb_stream>());
const _: () = assert!(align_of::<Stream>() == align_of::<sb_stream>());

/// The stream that is stored in the caller's value.
///
/// # Safety
/// As `one_mut`.
unsafe fn stored<'a>(stream: *mut sb_stream) -> Result<&'a mut Stream, sb_status> {
    // SAFETY: of the same size and alignment, and any four words are a stream; else by the caller's promise.
    unsafe { one_mut(stream.cast::<Stream>()) }
}

/// Runs `draw` on the caller's stream and buffer. The state of zeros, which no seed gives and which would stay zero,
/// is a stream that was never set.
///
/// # Safety
/// As `one_mut` and `slice_mut`.
unsafe fn fill<T>(
    stream: *mut sb_stream,
    dst: *mut T,
    len: usize,
    draw: impl FnOnce(&mut Stream, &mut [T]),
) -> sb_status {
    call(|| {
        // SAFETY: passed on from the caller.
        if unsafe { one_mut(stream) }?.state == [0; 4] {
            return Err(SB_ERR_BAD_HANDLE);
        }
        // SAFETY: passed on from the caller.
        let stream = unsafe { stored(stream) }?;
        // SAFETY: passed on from the caller.
        draw(stream, unsafe { slice_mut(dst, len) }?);
        Ok(())
    })
}

/// Sets *stream to the stream of *key under a seed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sb_stream_init(stream: *mut sb_stream, seed: u64, key: *const sb_key) -> sb_status {
    call(|| {
        // SAFETY: passed on from the caller.
        let key = unsafe { structure(key) }?;
        // SAFETY: passed on from the caller.
        *unsafe { stored(stream) }? = Stream::new(seed, key.into());
        Ok(())
    })
}

/// Fills dst[0..len] with words of 32 random bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sb_stream_next_u32(stream: *mut sb_stream, dst: *mut u32, len: usize) -> sb_status {
    // SAFETY: passed on from the caller.
    unsafe { fill(stream, dst, len, |stream, dst| dst.fill_with(|| stream.next_u32())) }
}

/// Fills dst[0..len] with numbers uniform in [0, 1), multiples of 2^-24.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sb_stream_uniform(stream: *mut sb_stream, dst: *mut f32, len: usize) -> sb_status {
    // SAFETY: passed on from the caller.
    unsafe { fill(stream, dst, len, |stream, dst| stream.fill_uniform(dst)) }
}

/// From this many numbers on, finding out the level of the processor is worth its 15 µs.
const DETECT_FROM: usize = 4096;

/// Fills dst[0..len] with numbers of the standard normal distribution.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sb_stream_normal(stream: *mut sb_stream, dst: *mut f32, len: usize) -> sb_status {
    let level = if len < DETECT_FROM { Level::BASE } else { Level::detect() };
    // SAFETY: passed on from the caller.
    unsafe { fill(stream, dst, len, |stream, dst| stream.fill_normal(level, dst)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{SB_ERR_INVALID_ARGUMENT, SB_ERR_STRUCT_SIZE, SB_OK};

    const KEY: sb_key =
        sb_key { struct_size: size_of::<sb_key>() as u32, purpose: 1, epoch: 2, op: 4, sample: 3 };

    #[test]
    fn draws_are_those_of_the_core() {
        let mut stream = sb_stream { state: [0; 4] };
        let (mut words, mut uniform, mut normal) = ([0u32; 3], [0f32; 3], [0f32; 3]);
        // SAFETY: pointers and lengths are those of the arrays above.
        unsafe {
            assert_eq!(sb_stream_init(&mut stream, 9, &KEY), SB_OK);
            assert_eq!(sb_stream_next_u32(&mut stream, words.as_mut_ptr(), 3), SB_OK);
            assert_eq!(sb_stream_uniform(&mut stream, uniform.as_mut_ptr(), 3), SB_OK);
            assert_eq!(sb_stream_normal(&mut stream, normal.as_mut_ptr(), 3), SB_OK);
        }
        let mut want = Stream::new(9, Key::new(1).epoch(2).sample(3).op(4));
        assert_eq!(words, [(); 3].map(|()| want.next_u32()));
        assert_eq!(uniform, [(); 3].map(|()| want.uniform()));
        let mut numbers = [0f32; 3];
        want.fill_normal(Level::BASE, &mut numbers);
        assert_eq!(normal, numbers);
    }

    #[test]
    fn bad_pointers_and_sizes_write_nothing() {
        let mut stream = sb_stream { state: [7; 4] };
        let short = sb_key { struct_size: 4, ..KEY };
        // SAFETY: refused before anything is written.
        unsafe {
            assert_eq!(sb_stream_init(&mut stream, 9, &short), SB_ERR_STRUCT_SIZE);
            assert_eq!(sb_stream_init(&mut stream, 9, core::ptr::null()), SB_ERR_INVALID_ARGUMENT);
            assert_eq!(sb_stream_init(core::ptr::null_mut(), 9, &KEY), SB_ERR_INVALID_ARGUMENT);
            assert_eq!(sb_stream_next_u32(&mut stream, core::ptr::null_mut(), 1), SB_ERR_INVALID_ARGUMENT);
            assert_eq!(sb_stream_next_u32(&mut stream, core::ptr::null_mut(), 0), SB_OK);
        }
        assert_eq!(stream.state, [7; 4]);
    }

    #[test]
    fn a_stream_that_was_never_set_draws_nothing() {
        let mut stream = sb_stream { state: [0; 4] };
        let (mut words, mut numbers) = ([7u32; 2], [7f32; 2]);
        // SAFETY: pointers and lengths are those of the arrays above.
        unsafe {
            assert_eq!(sb_stream_next_u32(&mut stream, words.as_mut_ptr(), 2), SB_ERR_BAD_HANDLE);
            assert_eq!(sb_stream_uniform(&mut stream, numbers.as_mut_ptr(), 2), SB_ERR_BAD_HANDLE);
            assert_eq!(sb_stream_normal(&mut stream, numbers.as_mut_ptr(), 2), SB_ERR_BAD_HANDLE);
        }
        assert_eq!((words, numbers), ([7; 2], [7.0; 2]));
    }

    #[test]
    fn many_normal_numbers_have_the_bits_of_few() {
        let mut stream = sb_stream { state: [0; 4] };
        let mut got = std::vec![0f32; DETECT_FROM + 3];
        // SAFETY: pointers and lengths are those of the vector above.
        unsafe {
            assert_eq!(sb_stream_init(&mut stream, 9, &KEY), SB_OK);
            assert_eq!(sb_stream_normal(&mut stream, got.as_mut_ptr(), got.len()), SB_OK);
        }
        let mut want = std::vec![0f32; got.len()];
        Stream::new(9, KEY.into()).fill_normal(Level::BASE, &mut want);
        assert!(got.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
