//! The caller's memory: the only places where a pointer becomes a slice, a value or a structure.

use crate::status::{
    SB_ERR_BAD_HANDLE, SB_ERR_BUFFER_TOO_SMALL, SB_ERR_INVALID_ARGUMENT, SB_ERR_STRUCT_SIZE, sb_status,
};
use core::mem::MaybeUninit;

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
pub(crate) unsafe trait Sized32: Copy {
    /// The size in the first release that had it. Fields added since are zero for callers that do not know them.
    const FIRST: usize;
}

/// No release has a larger structure: more is a number that was never set.
const LARGEST: usize = 4096;

/// What the caller says of a structure's length, where that can be true.
///
/// # Safety
/// Where `ptr` is not null, a number must be readable there.
unsafe fn told<T: Sized32>(ptr: *const T) -> Result<usize, sb_status> {
    if !possible(ptr, 1) {
        return Err(SB_ERR_INVALID_ARGUMENT);
    }
    // SAFETY: a `Sized32` starts with this number, and `ptr` is not null and aligned.
    let told = unsafe { ptr.cast::<u32>().read() } as usize;
    if (T::FIRST..=LARGEST).contains(&told) { Ok(told) } else { Err(SB_ERR_STRUCT_SIZE) }
}

/// A structure of the caller's, of this version, an earlier or a later one.
///
/// # Safety
/// Where `ptr` is not null, as many bytes as the first field says must be readable there.
pub(crate) unsafe fn structure<T: Sized32>(ptr: *const T) -> Result<T, sb_status> {
    // SAFETY: passed on from the caller.
    let told = unsafe { told(ptr) }?;
    // SAFETY: `told` bytes are readable by the caller's promise.
    let bytes = unsafe { slice(ptr.cast::<u8>(), told) }?;
    let (known, later) = bytes.split_at_checked(size_of::<T>()).unwrap_or((bytes, &[]));
    // What a later version added must not ask for anything.
    if later.iter().any(|&byte| byte != 0) {
        return Err(SB_ERR_STRUCT_SIZE);
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` is no longer than the value, and the two lie apart.
    unsafe { value.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(known.as_ptr(), known.len()) };
    // SAFETY: any bytes are a value of a `Sized32`.
    Ok(unsafe { value.assume_init() })
}

/// Writes the fields of `value` that the caller's structure has, and leaves its `struct_size` as it is.
///
/// # Safety
/// Where `ptr` is not null, as many bytes as the first field says must be readable and writable there.
pub(crate) unsafe fn set_structure<T: Sized32>(ptr: *mut T, value: &T) -> Result<(), sb_status> {
    // SAFETY: passed on from the caller.
    let len = unsafe { told(ptr) }?.min(size_of::<T>());
    let (from, to) = (core::ptr::from_ref(value).cast::<u8>(), ptr.cast::<u8>());
    let head = size_of::<u32>();
    // SAFETY: the value and the caller's structure are both `len` bytes or longer, and lie apart.
    unsafe { to.wrapping_add(head).copy_from_nonoverlapping(from.wrapping_add(head), len - head) };
    Ok(())
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

    /// The second release of a structure, whose first one ended with `value`.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Grown {
        struct_size: u32,
        value: u32,
        added: u32,
    }
    // SAFETY: `repr(C)`, the size first, numbers only.
    unsafe impl Sized32 for Grown {
        const FIRST: usize = 8;
    }

    fn read(words: &[u32]) -> Result<(u32, u32), sb_status> {
        // SAFETY: the tests below give as many bytes as the first word says, or a number that is refused.
        unsafe { structure(words.as_ptr().cast::<Grown>()) }.map(|s| (s.value, s.added))
    }

    #[test]
    fn earlier_structures_are_read_and_later_ones_while_what_they_added_is_zero() {
        assert_eq!(read(&[8, 5]), Ok((5, 0)));
        assert_eq!(read(&[12, 5, 6]), Ok((5, 6)));
        assert_eq!(read(&[20, 5, 6, 0, 0]), Ok((5, 6)));
        assert_eq!(read(&[20, 5, 6, 0, 1]), Err(SB_ERR_STRUCT_SIZE));
    }

    #[test]
    fn sizes_of_no_release_are_refused_before_the_rest_is_read() {
        for told in [0, 4, 7, 4097, u32::MAX] {
            assert_eq!(read(&[told]), Err(SB_ERR_STRUCT_SIZE), "{told}");
        }
    }

    #[test]
    fn of_an_earlier_structure_only_its_own_fields_are_written() {
        let value = Grown { struct_size: 12, value: 5, added: 6 };
        let written = |mut words: [u32; 4]| {
            // SAFETY: the array is as long as the first word says.
            unsafe { set_structure(words.as_mut_ptr().cast::<Grown>(), &value) }.map(|()| words)
        };
        assert_eq!(written([8, 0, 7, 7]), Ok([8, 5, 7, 7]));
        assert_eq!(written([12, 0, 0, 7]), Ok([12, 5, 6, 7]));
        assert_eq!(written([16, 0, 0, 7]), Ok([16, 5, 6, 7]));
        assert_eq!(written([4, 0, 0, 7]), Err(SB_ERR_STRUCT_SIZE));
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
