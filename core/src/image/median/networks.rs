//! Networks of exchanges over blocks of values side by side; what of them is not used, the compiler leaves out.

/// The lesser of each two into `a`, the greater into `b`. In place, which compilers keep in registers.
#[inline(always)]
fn exchange<T: PartialOrd + Copy, const N: usize>(a: &mut [T; N], b: &mut [T; N]) {
    for (a, b) in a.iter_mut().zip(b.iter_mut()) {
        let (x, y) = (*a, *b);
        *a = if y < x { y } else { x };
        *b = if y < x { x } else { y };
    }
}

macro_rules! networks {
    ($($(#[$doc:meta])* $name:ident($($v:ident)*) = $($a:ident $b:ident),*;)*) => { $(
        $(#[$doc])*
        #[inline(always)]
        pub(super) fn $name<T: PartialOrd + Copy, const N: usize>([$($v),*]: &mut [[T; N]; [$(stringify!($v)),*].len()]) {
            $( exchange($a, $b); )*
        }
    )* };
}
networks! {
    /// The least of three first.
    least3(a b c) = a b, a c;
    /// The greatest of three last.
    greatest3(a b c) = b c, a c;
    /// The least of four first.
    least4(a b c d) = a b, c d, a c;
    /// The greatest of four last.
    greatest4(a b c d) = a b, c d, b d;
    /// The least of five first.
    least5(a b c d e) = a b, c d, a c, a e;
    /// The greatest of five last.
    greatest5(a b c d e) = a b, c d, b d, d e;
    /// Three in order.
    sort3(a b c) = a c, a b, b c;
    /// Five in order, by the fewest exchanges (Knuth 1973).
    sort5(a b c d e) = a d, b e, a c, b d, a b, c e, b c, d e, c d;
    /// Six in order, by the fewest exchanges.
    sort6(a b c d e f) = a f, b d, c e, b c, d e, a d, c f, a b, c d, e f, b c, d e;
    /// Seven in order, by the fewest exchanges.
    sort7(a b c d e f g) = a g, c d, e f, a c, b e, d g, a b, c f, d e, b c, e g, c d, e f, b c, d e, f g;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Networks sort everything if they sort all zeros and ones (Knuth 1973).
    fn sorts<const SIDE: usize>(sort: impl Fn(&mut [[u8; 1]; SIDE])) {
        for bits in 0..1u32 << SIDE {
            let mut values = core::array::from_fn(|i| [(bits >> i & 1) as u8]);
            sort(&mut values);
            assert!(values.is_sorted(), "{bits:b}");
        }
    }

    #[test]
    fn networks_sort() {
        sorts::<3>(sort3);
        sorts::<5>(sort5);
        sorts::<6>(sort6);
        sorts::<7>(sort7);
    }
}
