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

    /// For each byte of a register of `N` which byte it comes from.
    fn order<const N: usize>(pixel: usize) -> [u8; N] {
        let whole = N / pixel * pixel;
        core::array::from_fn(|i| match i.checked_sub(N - whole) {
            Some(at) => (whole - pixel - at / pixel * pixel + at % pixel) as u8,
            None => 0,
        })
    }

    /// Turns pieces of the row round while whole registers can be read and written; tells how many bytes.
    macro_rules! body {
        ($name:ident, $n:literal, $load:ident, $features:literal, $read:ident, $write:ident,
         |$bytes:ident, $order:ident| $turn:expr) => {
            #[target_feature(enable = $features)]
            #[allow(unsafe_code)]
            pub(super) fn $name(to: &mut [u8], from: &[u8], pixel: usize) {
                let len = from.len().min(to.len());
                if pixel == 0 || pixel > $n / 2 || len < $n {
                    return base(to, from, pixel);
                }
                let whole = $n / pixel * pixel;
                let pieces = (len - $n) / whole + 1;
                let order: [u8; $n] = order(pixel);
                let $order = $load(&order);
                for i in 0..pieces {
                    // SAFETY: the last piece starts `$n` bytes before the end of the row at the latest.
                    let $bytes = unsafe { $read(from.as_ptr().add(i * whole).cast()) };
                    let turned = $turn;
                    // SAFETY: likewise from the end of `to`, which is as long.
                    unsafe { $write(to.as_mut_ptr().add(len - $n - i * whole).cast(), turned) };
                }
                let done = pieces * whole;
                base(to.get_mut(..len - done).unwrap_or(&mut []), from.get(done..).unwrap_or(&[]), pixel);
            }
        };
    }

    body!(by_16, 16, load16, "avx2,fma", _mm_loadu_si128, _mm_storeu_si128, |bytes, order| _mm_shuffle_epi8(
        bytes, order
    ));
}
