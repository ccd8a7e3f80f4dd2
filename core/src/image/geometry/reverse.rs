//! The pixels of a row in reverse order, as bytes: any channel count of any element.

dispatch! {
    /// Pixels of `pixel` bytes from `from` into `to`, which is as long, last one first.
    pub(super) fn reverse(to: &mut [u8], from: &[u8], pixel: usize) {
        base: base, Avx2: x86::by_16,
    }
}

fn base(to: &mut [u8], from: &[u8], pixel: usize) {
    match pixel {
        1 => arrays::<1>(to, from),
        2 => arrays::<2>(to, from),
        3 => arrays::<3>(to, from),
        4 => arrays::<4>(to, from),
        6 => arrays::<6>(to, from),
        8 => arrays::<8>(to, from),
        12 => arrays::<12>(to, from),
        16 => arrays::<16>(to, from),
        n => {
            for (to, from) in to.chunks_exact_mut(n.max(1)).zip(from.chunks_exact(n.max(1)).rev()) {
                to.copy_from_slice(from);
            }
        }
    }
}

#[inline(always)]
fn arrays<const N: usize>(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.as_chunks_mut::<N>().0.iter_mut().zip(from.as_chunks::<N>().0.iter().rev()) {
        *to = *from;
    }
}

/// As many whole pixels as fit into a register are turned round in it by one shuffle of bytes and come to lie at
/// its upper end. What lies below them is overwritten by the pixels that follow.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::base;
    use crate::simd::x86::load16;
    use core::arch::x86_64::{_mm_loadu_si128, _mm_shuffle_epi8, _mm_storeu_si128};

    /// The longest pixel of which two fit into a register.
    const MOST: usize = 8;

    /// For each byte of a register which byte it comes from, by the length of a pixel.
    #[allow(clippy::indexing_slicing)] // Done by the compiler.
    const ORDERS: [[u8; 16]; MOST + 1] = {
        let (mut orders, mut pixel) = ([[0; 16]; MOST + 1], 1);
        while pixel <= MOST {
            let whole = 16 / pixel * pixel;
            let mut at = 0;
            while at < whole {
                orders[pixel][16 - whole + at] = (whole - pixel - at / pixel * pixel + at % pixel) as u8;
                at += 1;
            }
            pixel += 1;
        }
        orders
    };

    #[target_feature(enable = "avx2,fma")]
    #[allow(unsafe_code)]
    pub(super) fn by_16(to: &mut [u8], from: &[u8], pixel: usize) {
        let len = from.len().min(to.len());
        let Some(order) = ORDERS.get(pixel).filter(|_| pixel > 0 && len >= 16) else {
            return base(to, from, pixel);
        };
        let (order, whole) = (load16(order), 16 / pixel * pixel);
        let pieces = (len - 16) / whole + 1;
        let turn = |at: usize, to: &mut [u8]| {
            let (source, target) =
                (from.as_ptr().wrapping_add(at), to.as_mut_ptr().wrapping_add(len - 16 - at));
            // SAFETY: the piece is 16 bytes within the row, as each caller shows.
            let bytes = unsafe { _mm_loadu_si128(source.cast()) };
            let turned = _mm_shuffle_epi8(bytes, order);
            // SAFETY: likewise from the end of `to`, which is as long.
            unsafe { _mm_storeu_si128(target.cast(), turned) };
        };
        for i in 0..pieces {
            // At most len − 16.
            turn(i * whole, to);
        }
        let done = pieces * whole;
        if whole == 16 && done < len {
            // Some once more with the rest.
            return turn(len - 16, to);
        }
        base(to.get_mut(..len - done).unwrap_or(&mut []), from.get(done..).unwrap_or(&[]), pixel);
    }
}
