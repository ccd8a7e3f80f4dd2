use super::*;
use crate::testing::same_bits_at_every_level;

/// The largest error in ulp of `f` against the double-precision `exact`, over floats of all sizes.
fn worst_ulp(low: f32, high: f32, f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> (f64, f32) {
    let mut worst = (0.0, 0.0);
    let mut check = |x: f32| {
        if !(low..=high).contains(&x) {
            return;
        }
        let want = exact(x as f64);
        let got = f(x);
        if got as f64 == want || (got.is_nan() && want.is_nan()) || got == want as f32 {
            return;
        }
        let near = abs(want as f32);
        let ulp = f32::from_bits(near.to_bits() + 1) as f64 - near as f64;
        let error = ((got as f64 - want) / ulp).abs();
        if !(error <= worst.0) {
            worst = (error, x);
        }
    };
    // Every 997th float, both signs: about 4.3 million.
    for bits in (0..0x7f80_0000u32).step_by(997) {
        check(f32::from_bits(bits));
        check(-f32::from_bits(bits));
    }
    worst
}

#[test]
fn functions_are_within_two_ulp() {
    let inf = f32::INFINITY;
    let cases: [(&str, (f64, f32)); 9] = [
        ("exp", worst_ulp(-inf, inf, exp, |x| x.exp())),
        ("ln", worst_ulp(0.0, inf, ln, |x| x.ln())),
        ("ln_1p", worst_ulp(-0.99, inf, ln_1p, |x| x.ln_1p())),
        ("tanh", worst_ulp(-inf, inf, tanh, |x| x.tanh())),
        ("sigmoid", worst_ulp(-inf, inf, sigmoid, |x| 1.0 / (1.0 + (-x).exp()))),
        ("softplus", worst_ulp(-80.0, inf, softplus, |x| if x > 50.0 { x } else { x.exp().ln_1p() })),
        ("erf", worst_ulp(-inf, inf, erf, libm::erf)),
        ("sin", worst_ulp(-inf, inf, sin, |x| x.sin())),
        ("cos", worst_ulp(-inf, inf, cos, |x| x.cos())),
    ];
    for (name, (ulp, at)) in cases {
        std::println!("{name}: {ulp:.2} ulp at {at:e}");
        assert!(ulp <= 2.0, "{name} is {ulp} ulp off at {at:e}");
    }
}

#[test]
fn special_values() {
    assert_eq!(exp(f32::INFINITY), f32::INFINITY);
    assert_eq!(exp(f32::NEG_INFINITY), 0.0);
    assert_eq!(ln(0.0), f32::NEG_INFINITY);
    assert!(ln(-1.0).is_nan() && exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan() && erf(f32::NAN).is_nan());
    assert_eq!((tanh(f32::INFINITY), tanh(-40.0)), (1.0, -1.0));
    assert_eq!((sigmoid(f32::NEG_INFINITY), sigmoid(f32::INFINITY)), (0.0, 1.0));
    assert!(sin(f32::INFINITY).is_nan());
    assert_eq!((floor(-0.5), floor(2.0), floor(-3.0), floor(1e30)), (-1.0, 2.0, -3.0, 1e30));
    assert_eq!((round_half_up(0.5), round_half_up(-0.5), round_half_up(0.499_999_97)), (1.0, 0.0, 0.0));
    assert_eq!((to_u8(-3.0), to_u8(254.5), to_u8(300.0), to_u8(f32::NAN)), (0, 255, 255, 0));
    assert_eq!((max(0.0, f32::NAN).is_nan(), clamp(7.0, 0.0, 1.0)), (true, 1.0));
}

#[test]
fn slices_have_the_same_bits_at_every_level() {
    let input: std::vec::Vec<f32> = (0..80).map(|i| (i as f32 - 40.0) * 0.37 + 1e-3).collect();
    let kernels: [fn(crate::Level, &mut [f32]); 9] = [
        exp_slice,
        ln_slice,
        tanh_slice,
        sigmoid_slice,
        softplus_slice,
        erf_slice,
        sqrt_slice,
        sin_slice,
        cos_slice,
    ];
    for kernel in kernels {
        same_bits_at_every_level(&input, |level, v, out| {
            out.extend_from_slice(v);
            kernel(level, out);
        });
    }
    // Arguments of all sizes in one block take the wide path of sine and cosine.
    same_bits_at_every_level(&[1.0, 3e6, -7e30, f32::INFINITY, 0.1], |level, v, out| {
        out.extend_from_slice(v);
        sin_slice(level, out);
    });
}

#[test]
fn slices_equal_the_scalar_functions() {
    let input: std::vec::Vec<f32> = (0..40).map(|i| i as f32 * 0.77 + 0.01).collect();
    let mut got = input.clone();
    ln_slice(crate::Level::detect(), &mut got);
    assert!(got.iter().zip(&input).all(|(g, &x)| g.to_bits() == ln(x).to_bits()));
}

proptest::proptest! {
    #[test]
    fn the_software_fma_is_the_fused_one(a: u32, b: u32, c: u32, near in proptest::bool::ANY) {
        let (a, b) = (f32::from_bits(a), f32::from_bits(b));
        // Random bits seldom nearly cancel, so half of the cases are made to.
        let c = if near { -(a * b) * (1.0 + (c % 8) as f32 * f32::EPSILON) } else { f32::from_bits(c) };
        let (got, want) = (arch::fma_soft(a, b, c), a.mul_add(b, c));
        proptest::prop_assert!(got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()),
                               "{a:e} {b:e} {c:e}: {got:e} {want:e}");
    }
}
