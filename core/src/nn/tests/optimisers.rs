//! Optimisers against numpy, PyTorch and the algorithm of Lion in double precision, and what they refuse.

use super::super::{Adam, AdamW, Ema, Engine, Lion, Optimiser, Sgd, clip_norm, clip_value, grad_norm};
use super::BASE;
use super::gradients::draws;
use crate::error::Error;
use crate::exec::Serial;
use crate::simd::Level;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// From numpy: three steps on a gradient that depends on the parameters.
#[test]
fn adam_steps_as_published() {
    let mut w = [0.5f32, -1.0, 2.0];
    let mut moments = [0f32; 6];
    let adam = Adam { rate: 0.1, ..Adam::default() };
    for t in 1..=3 {
        let g = [w[0], w[1] * -2.0, w[2] * 0.5];
        adam.step(BASE, t, &mut w, &g, &mut moments).unwrap();
    }
    let want = [0.204_871_25, -1.300_490_1, 1.700_623_4];
    assert!(w.iter().zip(want).all(|(w, x)| (w - x).abs() < 2e-6), "{w:?}");
}

#[test]
fn adam_refuses_what_does_not_fit_and_writes_nothing() {
    let (mut w, mut moments) = ([1f32; 2], [0f32; 4]);
    let adam = Adam::default();
    assert_eq!(adam.step(BASE, 0, &mut w, &[1.0; 2], &mut moments), Err(Error::InvalidArgument));
    assert_eq!(adam.step(BASE, 1, &mut w, &[1.0; 3], &mut moments), Err(Error::ShapeMismatch));
    assert_eq!(adam.step(BASE, 1, &mut w, &[1.0; 2], &mut moments[..3]), Err(Error::ShapeMismatch));
    let inf = f32::INFINITY;
    for bad in [
        Adam { beta1: 1.0, ..adam },
        Adam { rate: 0.0, ..adam },
        Adam { rate: inf, ..adam },
        Adam { epsilon: inf, ..adam },
    ] {
        let got = bad.step(BASE, 1, &mut w, &[1.0; 2], &mut moments);
        assert_eq!(got, Err(Error::InvalidArgument), "{bad:?}");
    }
    assert_eq!((w, moments), ([1.0; 2], [0.0; 4]));
}

/// Six steps from (0.5, −1, 2) with the gradient (w₀, −2w₁, ½w₂).
fn six_steps(optimiser: Optimiser) -> [f32; 3] {
    let mut w = [0.5f32, -1.0, 2.0];
    let mut state = vec![0f32; optimiser.state_len(3)];
    for t in 1..=6 {
        let g = [w[0], w[1] * -2.0, w[2] * 0.5];
        optimiser.step(BASE, t, &mut w, &g, &mut state).unwrap();
    }
    w
}

/// From PyTorch 2.15: `w.grad = w * tensor([1, -2, 0.5]); optimiser.step()` six times in double precision, of
/// `SGD([w], lr=0.1, …)`, `Adam([w], lr=0.1)` and `AdamW([w], lr=0.1, weight_decay=0.25)`.
#[test]
fn six_steps_are_those_of_pytorch() {
    let sgd = Sgd { rate: 0.1, ..Sgd::default() };
    let decayed = Sgd { weight_decay: 0.1, ..sgd };
    let heavy = Sgd { momentum: 0.9, ..decayed };
    let adam_w = AdamW { rate: 0.1, weight_decay: 0.25, ..AdamW::default() };
    for (optimiser, want) in [
        (sgd.into(), [0.265_720_5, -2.985_984, 1.470_183_78]),
        (decayed.into(), [0.248_490_645, -2.839_760_86, 1.379_739_56]),
        (heavy.into(), [-0.166_143_78, -7.101_430_9, 0.258_816_116]),
        (Sgd { nesterov: true, ..heavy }.into(), [-0.151_299_362, -11.990_048_5, 0.105_957_131]),
        (Adam { rate: 0.1, ..Adam::default() }.into(), [-0.047_431_516_3, -1.603_657_04, 1.405_131_73]),
        (adam_w.into(), [-0.072_339_944_7, -1.425_933_95, 1.162_812_58]),
    ] {
        let got = six_steps(optimiser);
        // What crosses 0 has the error of where it started.
        let fits = got.iter().zip(want).all(|(g, w): (&f32, f32)| (g - w).abs() < 1e-5 * w.abs().max(0.1));
        assert!(fits, "{optimiser:?}: {got:?} {want:?}");
    }
}

#[test]
fn no_decay_makes_adam_w_adam() {
    let adam_w = AdamW { rate: 0.1, weight_decay: 0.0, ..AdamW::default() };
    let adam = Adam { rate: 0.1, ..Adam::default() };
    assert_eq!(six_steps(adam_w.into()), six_steps(adam.into()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn lion_steps_as_published(n in 1usize..50, seed in 0u64..1000) {
        let lion = Lion { rate: 0.01, weight_decay: 0.5, ..Lion::default() };
        let on = Engine { level: Level::detect(), exec: &Serial };
        let mut draw = draws(seed);
        let (mut w, mut m) = (draw(n), vec![0f32; n]);
        let mut want: Vec<(f64, f64)> = w.iter().map(|w| (f64::from(*w), 0.0)).collect();
        for t in 1..=6 {
            let g = draw(n);
            lion.step(on, t, &mut w, &g, &mut m).unwrap();
            for ((w, m), g) in want.iter_mut().zip(&g) {
                let g = f64::from(*g);
                let ahead = 0.9 * *m + 0.1 * g;
                *w -= 0.01 * (ahead.signum() + 0.5 * *w);
                *m = 0.99 * *m + 0.01 * g;
            }
        }
        for ((w, m), (want_w, want_m)) in w.iter().zip(&m).zip(want) {
            prop_assert!((f64::from(*w) - want_w).abs() < 1e-5 * want_w.abs().max(0.1), "{w} {want_w}");
            prop_assert!((f64::from(*m) - want_m).abs() < 1e-6, "{m} {want_m}");
        }
    }

    /// Each parameter steps as if it were alone: no length, tail or part is treated otherwise.
    #[test]
    fn a_parameter_steps_by_itself(n in 1usize..60, seed in 0u64..1000) {
        let heavy = Sgd { momentum: 0.9, weight_decay: 0.1, ..Sgd::default() };
        let all: [Optimiser; 5] = [
            Sgd::default().into(), heavy.into(), Adam::default().into(), AdamW::default().into(),
            Lion::default().into(),
        ];
        for optimiser in all {
            let mut draw = draws(seed);
            let (mut w, g) = (draw(n), draw(n));
            let mut state = vec![0.25f32; optimiser.state_len(n)];
            let last = (w[n - 1], g[n - 1]);
            optimiser.step(BASE, 3, &mut w, &g, &mut state).unwrap();
            let (mut alone, mut own) = ([last.0], vec![0.25f32; optimiser.state_len(1)]);
            optimiser.step(BASE, 3, &mut alone, &[last.1], &mut own).unwrap();
            prop_assert_eq!(w[n - 1], alone[0]);
            prop_assert_eq!(state.last(), own.last());
        }
    }
}

#[test]
fn a_sign_of_nothing_is_nothing() {
    let (mut w, mut m) = ([1f32, 1.0, 1.0], [0f32; 3]);
    let lion = Lion { rate: 0.25, ..Lion::default() };
    lion.step(BASE, 1, &mut w, &[0.0, -1e-30, f32::NAN], &mut m).unwrap();
    assert!(w[0] == 1.0 && w[1] == 1.25 && w[2].is_nan(), "{w:?}");
}

#[test]
fn the_rate_can_be_replaced_for_a_step() {
    let all: [Optimiser; 4] =
        [Sgd::default().into(), Adam::default().into(), AdamW::default().into(), Lion::default().into()];
    for optimiser in all {
        let other = optimiser.with_rate(0.5);
        assert_eq!((other.rate(), other.with_rate(optimiser.rate())), (0.5, optimiser));
        assert_eq!(other.check(1, [3, 3, other.state_len(3)]), Ok(()));
    }
    assert_eq!(all.map(|o| o.state_len(10)), [0, 20, 20, 10]);
    assert_eq!(Optimiser::from(Sgd { momentum: 0.5, ..Sgd::default() }).state_len(10), 10);
    assert_eq!(all[1].state_len(usize::MAX), usize::MAX);
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let (sgd, adam_w, lion) = (Sgd::default(), AdamW::default(), Lion::default());
    let bad: [Optimiser; 16] = [
        Sgd { rate: 0.0, ..sgd }.into(),
        Sgd { rate: f32::NAN, ..sgd }.into(),
        Sgd { momentum: 1.0, ..sgd }.into(),
        Sgd { momentum: f32::NAN, ..sgd }.into(),
        Sgd { nesterov: true, ..sgd }.into(),
        Sgd { weight_decay: -0.1, ..sgd }.into(),
        Sgd { weight_decay: f32::NAN, ..sgd }.into(),
        Adam { epsilon: f32::NAN, ..Adam::default() }.into(),
        AdamW { beta2: 1.0, ..adam_w }.into(),
        AdamW { weight_decay: f32::NAN, ..adam_w }.into(),
        AdamW { weight_decay: -0.1, ..adam_w }.into(),
        AdamW { rate: 0.5, weight_decay: 2.0, ..adam_w }.into(),
        AdamW { rate: f32::INFINITY, ..adam_w }.into(),
        Lion { beta1: f32::NAN, ..lion }.into(),
        Lion { rate: -1.0, ..lion }.into(),
        Lion { rate: 0.5, weight_decay: 2.0, ..lion }.into(),
    ];
    let (mut w, mut state) = ([7f32; 2], [7f32; 4]);
    for optimiser in bad {
        let state = &mut state[..optimiser.state_len(2).min(4)];
        let got = optimiser.step(BASE, 1, &mut w, &[1.0; 2], state);
        assert_eq!(got, Err(Error::InvalidArgument), "{optimiser:?}");
    }
    let good: [Optimiser; 5] =
        [sgd.into(), Sgd { momentum: 0.9, ..sgd }.into(), Adam::default().into(), adam_w.into(), lion.into()];
    for optimiser in good {
        let n = optimiser.state_len(2);
        let mut step = |t, grads: &[f32], n: usize| optimiser.step(BASE, t, &mut w, grads, &mut state[..n]);
        assert_eq!(step(0, &[1.0; 2], n), Err(Error::InvalidArgument), "{optimiser:?}");
        assert_eq!(step(1, &[1.0; 3], n), Err(Error::ShapeMismatch), "{optimiser:?}");
        assert_eq!(step(1, &[1.0; 2], if n == 0 { 1 } else { n - 1 }), Err(Error::ShapeMismatch));
    }
    assert_eq!((w, state), ([7.0; 2], [7.0; 4]));
}

/// From PyTorch 2.15: `clip_grad_norm_` of (3, −4, 12) to 2 returns 13 and leaves these.
#[test]
fn gradients_are_clipped_as_pytorch_clips_them() {
    let mut grads = [3f32, -4.0, 12.0];
    assert_eq!(clip_norm(BASE, 13.5, &mut grads), Ok(13.0));
    assert_eq!(grads, [3.0, -4.0, 12.0]);
    assert_eq!(clip_norm(BASE, 2.0, &mut grads), Ok(13.0));
    let want = [0.461_538_43, -0.615_384_6, 1.846_153_7];
    assert!(grads.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-6), "{grads:?}");

    let mut grads = [3f32, -4.0, 0.5, f32::NEG_INFINITY, f32::NAN];
    clip_value(BASE, 1.5, &mut grads).unwrap();
    assert!(grads[..4] == [1.5, -1.5, 0.5, -1.5] && grads[4].is_nan());
}

#[test]
fn a_norm_is_that_of_all_gradients() {
    assert_eq!(grad_norm(BASE, &[]), 0.0);
    for n in [1, 4095, 4096, 4097, 300_001] {
        let grads = draws(n as u64)(n);
        let want = grads.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt();
        let got = f64::from(grad_norm(BASE, &grads));
        assert!((got - want).abs() < 1e-6 * want, "{n}: {got} {want}");
    }
}

#[test]
fn bounds_that_are_none_are_refused() {
    let mut grads = [3f32, -4.0];
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert_eq!(clip_norm(BASE, bad, &mut grads), Err(Error::InvalidArgument));
        assert_eq!(clip_value(BASE, bad, &mut grads), Err(Error::InvalidArgument));
    }
    assert_eq!(grads, [3.0, -4.0]);
    for bad in [f32::NAN, f32::INFINITY, 1e30] {
        let mut grads = [bad, 1.0];
        assert_eq!(clip_norm(BASE, 1.0, &mut grads), Err(Error::NotFinite));
        assert_eq!(grads[1], 1.0);
    }
}

#[test]
fn a_running_mean_warms_up() {
    let ema = Ema { decay: 0.9, warm_up: true };
    assert_eq!(ema.decay_at(1), 2.0 / 11.0);
    assert_eq!((ema.decay_at(79), ema.decay_at(80), ema.decay_at(u64::MAX)), (80.0 / 89.0, 0.9, 0.9));
    assert_eq!(Ema { warm_up: false, ..ema }.decay_at(1), 0.9);
    let (mut average, mut want) = ([1f32; 37], [1f64; 37]);
    for t in 1..=20 {
        let params = draws(t)(37);
        ema.step(BASE, t, &params, &mut average).unwrap();
        let decay = (1.0 + t as f64) / (10.0 + t as f64);
        want.iter_mut().zip(params).for_each(|(w, p)| *w = decay * *w + (1.0 - decay) * f64::from(p));
    }
    assert!(average.iter().zip(want).all(|(a, w)| (f64::from(*a) - w).abs() < 1e-6));
}

#[test]
fn a_running_mean_of_something_else_is_refused() {
    let mut average = [7f32; 2];
    for decay in [1.0, -0.1, f32::NAN] {
        let got = Ema { decay, warm_up: false }.step(BASE, 1, &[1.0; 2], &mut average);
        assert_eq!(got, Err(Error::InvalidArgument), "{decay}");
    }
    let ema = Ema::default();
    assert_eq!(ema.step(BASE, 0, &[1.0; 2], &mut average), Err(Error::InvalidArgument));
    assert_eq!(ema.step(BASE, 1, &[1.0; 3], &mut average), Err(Error::ShapeMismatch));
    assert_eq!(ema.step(BASE, 1, &[], &mut average), Err(Error::ShapeMismatch));
    assert_eq!(average, [7.0; 2]);
}
