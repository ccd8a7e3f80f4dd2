//! The caller's memory: the only places where a pointer becomes a slice, a value or a structure.

use crate::status::{
    SB_ERR_BAD_HANDLE, SB_ERR_BUFFER_TOO_SMALL, SB_ERR_INVALID_ARGUMENT, SB_ERR_STRUCT_SIZE, sb_status,
};

/// May `len` values of `T` lie at `ptr`?
fn possible<T>(ptr: *const T, len: usize) -> bool {
    !ptr.is_null() && ptr.is_aligned() && len <= isize::MAX as usize / size_of::<T>().max(1)
}

/// The caller's memory to read.
///
/// # Safety
/// Where `ptr` is not null, `len` values must be readable there and unchanged for `'a`.
pub(crate) unsafe fn slice<'a, T>(ptr: *const T, len: usize) -> Result<&'a [T], sb_status> {
    if len == 0 {
        return Ok(&[]);
    }
    if !possible(ptr, len) {
        return Err(SB_ERR_INVALID_ARGUMENT);
    }
    // SAFETY: not null, aligned, no longer than `isize`; readable by the caller's promise.
    Ok(unsafe { core::slice::from_raw_parts(ptr, len) })
}

/// The caller's memory to write.
///
/// # Safety
/// As [`slice`], and nothing else may read or write the memory for `'a`.
pub(crate) unsafe fn slice_mut<'a, T>(ptr: *mut T, len: usize) -> Result<&'a mut [T], sb_status> {
    if len == 0 {
        return Ok(&mut []);
    }
    if !possible(ptr, len) {
        return Err(SB_ERR_INVALID_ARGUMENT);
    }
    // SAFETY: as in `slice`, and nothing else refers to it by the caller's promise.
    Ok(unsafe { core::slice::from_raw_parts_mut(ptr, len) })
}

/// One value of the caller's.
///
/// # Safety
/// As [`slice_mut`] for one value.
pub(crate) unsafe fn one_mut<'a, T>(ptr: *mut T) -> Result<&'a mut T, sb_status> {
    if !possible(ptr, 1) {
        return Err(SB_ERR_INVALID_ARGUMENT);
    }
    // SAFETY: not null and aligned; valid and not aliased by the caller's promise.
    Ok(unsafe { &mut *ptr })
}

/// A structure whose first field tells how long the caller's version of it is.
///
/// # Safety
/// The type must be `repr(C)`, start with `struct_size: u32`, and be valid for any bytes.
pub(crate) unsafe trait Sized32: Copy {}

/// A structure of the caller's, of this version or a later one.
///
/// # Safety
/// Where `ptr` is not null, as many bytes as the first field says must be readable there.
pub(crate) unsafe fn structure<T: Sized32>(ptr: *const T) -> Result<T, sb_status> {
    if !possible(ptr, 1) {
        return Err(SB_ERR_INVALID_ARGUMENT);
    }
    // SAFETY: a `Sized32` starts with this number, and `ptr` is not null and aligned.
    let told = unsafe { ptr.cast::<u32>().read() } as usize;
    let known = size_of::<T>();
    if told < known {
        return Err(SB_ERR_STRUCT_SIZE);
    }
    // SAFETY: at least `known` bytes, which are readable by the caller's promise.
    let value = unsafe { ptr.read() };
    // SAFETY: `told` bytes are readable, and `known` of them are at most all.
    let after = unsafe { ptr.add(1) };
    // SAFETY: those are the bytes after the first `known`.
    let later = unsafe { slice(after.cast::<u8>(), told - known)? };
    // What a later version added must not ask for anything.
    if later.iter().all(|&byte| byte == 0) { Ok(value) } else { Err(SB_ERR_STRUCT_SIZE) }
}

/// Moves `value` into the caller's memory, aligned.
pub(crate) fn place<T>(memory: &mut [u8], value: T) -> Result<*mut T, sb_status> {
    let pad = memory.as_ptr().align_offset(align_of::<T>());
    let room = memory.get_mut(pad..).and_then(|rest| rest.get_mut(..size_of::<T>()));
    let at = room.ok_or(SB_ERR_BUFFER_TOO_SMALL)?.as_mut_ptr().cast::<T>();
    // SAFETY: aligned by the padding, as long as the value, and lent to be written.
    unsafe { at.write(value) };
    Ok(at)
}

/// A type that the library places in the caller's memory.
///
/// # Safety
/// The type must be `repr(C)` and start with a `u32`.
pub(crate) unsafe trait Handle {
    /// What the first number of a genuine object is.
    const MAGIC: u32;
}

/// The object that a handle points to.
///
/// # Safety
/// Where `ptr` is not null, a number must be readable there; where that is [`Handle::MAGIC`], the object
/// that [`place`] put there must be readable and unchanged for `'a`.
pub(crate) unsafe fn handle<'a, T: Handle>(ptr: *const T) -> Result<&'a T, sb_status> {
    if !possible(ptr, 1) {
        return Err(SB_ERR_INVALID_ARGUMENT);
    }
    // SAFETY: a `Handle` starts with this number; readable by the caller's promise.
    if unsafe { ptr.cast::<u32>().read() } != T::MAGIC {
        return Err(SB_ERR_BAD_HANDLE);
    }
    // SAFETY: it has the number that `place` puts there with the rest, by the caller's promise.
    Ok(unsafe { &*ptr })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Small {
        struct_size: u32,
        value: u32,
    }
    // SAFETY: `repr(C)`, the size first, numbers only.
    unsafe impl Sized32 for Small {}

    fn read(words: &[u32]) -> Result<u32, sb_status> {
        // SAFETY: the tests below give as many bytes as the first word says.
        unsafe { structure(words.as_ptr().cast::<Small>()) }.map(|s| s.value.wrapping_add(s.struct_size))
    }

    #[test]
    fn a_later_structure_is_read_while_what_it_added_is_zero() {
        assert_eq!(read(&[8, 5]), Ok(13));
        assert_eq!(read(&[16, 5, 0, 0]), Ok(21));
        assert_eq!(read(&[16, 5, 0, 1]), Err(SB_ERR_STRUCT_SIZE));
        assert_eq!(read(&[4, 5]), Err(SB_ERR_STRUCT_SIZE));
    }

    #[test]
    fn null_and_misaligned_pointers_are_refused_unless_nothing_is_read() {
        let words = [0u32; 2];
        let odd = words.as_ptr().wrapping_byte_add(1);
        // SAFETY: refused before anything is read.
        unsafe {
            assert_eq!(slice::<u32>(core::ptr::null(), 1), Err(SB_ERR_INVALID_ARGUMENT));
            assert_eq!(slice::<u32>(core::ptr::null(), 0), Ok(&[][..]));
            assert_eq!(slice(odd, 1), Err(SB_ERR_INVALID_ARGUMENT));
            assert_eq!(slice(words.as_ptr(), usize::MAX), Err(SB_ERR_INVALID_ARGUMENT));
            assert!(one_mut(core::ptr::null_mut::<u32>()).is_err());
        }
    }
}
