//! Status codes, their names, the version, and the level of the processor.

use core::ffi::c_char;
use seedbed::Level;

/// The version that this header belongs to: major * 10000 + minor * 100 + patch.
pub const SB_VERSION_NUMBER: u32 = 100;

/// What became of a call. Numbers are never reused. An int32_t and not an enum, whose size differs
/// between compilers.
pub type sb_status = i32;

/// Done.
pub const SB_OK: sb_status = 0;
/// An output buffer is too small: ask the matching query.
pub const SB_ERR_BUFFER_TOO_SMALL: sb_status = 1;
/// An argument is NULL, misaligned or out of its documented range.
pub const SB_ERR_INVALID_ARGUMENT: sb_status = 2;
/// Two shapes that must agree do not.
pub const SB_ERR_SHAPE_MISMATCH: sb_status = 3;
/// A size does not fit the address space.
pub const SB_ERR_OVERFLOW: sb_status = 4;
/// A NaN or an infinity where only finite values have a meaning.
pub const SB_ERR_NOT_FINITE: sb_status = 5;
/// A valid request that this build or this input does not serve.
pub const SB_ERR_UNSUPPORTED: sb_status = 6;
/// The work memory is smaller than the matching workspace query says.
pub const SB_ERR_WORK_TOO_SMALL: sb_status = 7;
/// More parts than this build has room for.
pub const SB_ERR_CAPACITY: sb_status = 8;
/// Bytes from outside are damaged, cut off, or not what they claim to be.
pub const SB_ERR_BAD_DATA: sb_status = 9;
/// Bytes from outside have a version that this build does not know.
pub const SB_ERR_UNSUPPORTED_VERSION: sb_status = 10;
/// Too few samples for the operation.
pub const SB_ERR_TOO_FEW_SAMPLES: sb_status = 11;
/// struct_size is smaller than in any release or above 4096, or fields that this build does not know are not zero.
pub const SB_ERR_STRUCT_SIZE: sb_status = 100;
/// The handle does not point to an object of this library and version, or the stream was never set.
pub const SB_ERR_BAD_HANDLE: sb_status = 101;

/// Runs the body of a call; what fails in it is the status.
pub(crate) fn call(body: impl FnOnce() -> Result<(), sb_status>) -> sb_status {
    match body() {
        Ok(()) => SB_OK,
        Err(status) => status,
    }
}

/// The version of the library that is linked, as SB_VERSION_NUMBER; compare the two.
#[unsafe(no_mangle)]
pub extern "C" fn sb_version() -> u32 {
    SB_VERSION_NUMBER
}

/// A short English name of a status: static text, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sb_status_name(status: sb_status) -> *const c_char {
    match status {
        SB_OK => c"ok",
        SB_ERR_BUFFER_TOO_SMALL => c"output buffer is too small",
        SB_ERR_INVALID_ARGUMENT => c"argument is out of range",
        SB_ERR_SHAPE_MISMATCH => c"shapes do not match",
        SB_ERR_OVERFLOW => c"size does not fit the address space",
        SB_ERR_NOT_FINITE => c"value is not finite",
        SB_ERR_UNSUPPORTED => c"operation is not supported for this input",
        SB_ERR_WORK_TOO_SMALL => c"scratch memory is too small",
        SB_ERR_CAPACITY => c"fixed capacity is exceeded",
        SB_ERR_BAD_DATA => c"data is damaged",
        SB_ERR_UNSUPPORTED_VERSION => c"data has an unknown version",
        SB_ERR_TOO_FEW_SAMPLES => c"too few samples",
        SB_ERR_STRUCT_SIZE => c"struct_size is not that of a known release",
        SB_ERR_BAD_HANDLE => c"handle is not valid",
        _ => c"unknown status",
    }
    .as_ptr()
}

/// The instruction set in use on this processor: static text, for instance "base" or "avx2". Results do not
/// depend on it.
#[unsafe(no_mangle)]
pub extern "C" fn sb_level() -> *const c_char {
    match Level::detect().name() {
        "avx2" => c"avx2",
        "avx512" => c"avx512",
        "avx512vbmi" => c"avx512vbmi",
        _ => c"base",
    }
    .as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;
    use seedbed::Error;

    fn text(pointer: *const c_char) -> &'static str {
        // SAFETY: both functions under test give static text that ends with NUL.
        unsafe { CStr::from_ptr(pointer) }.to_str().unwrap()
    }

    #[test]
    fn every_error_of_the_core_has_its_number_and_its_sentence() {
        for error in Error::ALL {
            assert_eq!(text(sb_status_name(error.code())), error.as_str());
        }
        assert_eq!(text(sb_status_name(SB_OK)), "ok");
        assert_eq!(text(sb_status_name(-7)), "unknown status");
    }

    #[test]
    fn the_version_number_is_the_package_version() {
        let parts = env!("CARGO_PKG_VERSION").split('.').map(|p| p.parse::<u32>().unwrap());
        assert_eq!(parts.fold(0, |n, p| n * 100 + p), sb_version());
    }

    #[test]
    fn the_level_is_the_detected_one() {
        assert_eq!(text(sb_level()), Level::detect().name());
    }
}
