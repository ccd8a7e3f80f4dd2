//! Weights of fractions in integers, which add up to one exactly.

/// `v` without this many bits, rounded half up.
macro_rules! rounded {
    ($v:expr, $bits:expr) => {
        ($v + (1 << ($bits - 1))) >> $bits
    };
}

macro_rules! cubic {
    ($(#[$doc:meta])* $name:ident $unsigned:ty, $signed:ty; $fraction:literal $product:literal $weight:literal) => {
        $(#[$doc])*
        ///
        /// With k = −a, s = 1 − t and h = t²·(3 − 2t) = t − t·s² + t²·s they are −k·t·s², 1 − h + k·t²·s, h + k·t·s² and
        /// −k·t²·s: one in all, however k·t·s², k·t²·s and h are rounded.
        #[inline(always)]
        fn $name(t: $unsigned, quarters: u8) -> [$signed; 4] {
            const SUM: u32 = $fraction + $product;
            let (s, k) = ((1 << $fraction) - t, quarters as $unsigned);
            // t·s, then t·s² and t²·s.
            let both = rounded!(t * s, 2 * $fraction - $product);
            let (early, late) = (both * s, both * t);
            let h = rounded!((t << $product) + late - early, SUM - $weight) as $signed;
            let early = rounded!(early * k, SUM + 2 - $weight) as $signed;
            let late = rounded!(late * k, SUM + 2 - $weight) as $signed;
            [-early, (1 << $weight) - h + late, h + early, -late]
        }
    };
}
pub(super) use {cubic, rounded};

#[cfg(test)]
mod tests {

    cubic! {
        /// As 8-bit values have them.
        narrow u32, i32; 15 16 14
    }
    cubic! {
        /// As 16-bit values have them.
        wide u64, i64; 24 24 24
    }

    /// The cubic of Keys 1981 at the four pixels around `t`.
    fn keys(t: f64, a: f64) -> [f64; 4] {
        let near = |x: f64| (a + 2.0) * x.powi(3) - (a + 3.0) * x.powi(2) + 1.0;
        let far = |x: f64| a * (x.powi(3) - 5.0 * x.powi(2) + 8.0 * x - 4.0);
        [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)]
    }

    fn near(got: [f64; 4], t: f64, quarters: u8, one: f64) {
        assert_eq!(got.iter().sum::<f64>(), one);
        for (got, want) in got.iter().zip(keys(t, f64::from(quarters) * -0.25)) {
            assert!((got - want * one).abs() < 1.5, "{quarters} {t}: {got} {}", want * one);
        }
    }

    #[test]
    fn weights_are_those_of_the_cubic_and_one_in_all() {
        for quarters in [2, 3] {
            for t in 0..1 << 15 {
                near(narrow(t, quarters).map(f64::from), f64::from(t) / 32768.0, quarters, 16384.0);
            }
            for t in (0..1 << 24).step_by(997).chain([(1 << 24) - 1]) {
                near(wide(t, quarters).map(|v| v as f64), t as f64 / 16_777_216.0, quarters, 16_777_216.0);
            }
        }
    }
}
