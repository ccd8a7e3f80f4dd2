//! Each loss and its gradient against the definition in double precision and central differences of it.

use super::super::Engine;
use super::super::loss::{
    Against, Anchors, Codes, FreeBits, Labelled, LeCam, Side, absolute_error, bernoulli_nll, cross_entropy,
    gaussian_nll, hinge, learned_gaussian_nll, least_squares, logistic, squared_error, wasserstein,
};
use super::gradients::{compare, draws, wide};
use crate::exec::Serial;
use crate::simd::Level;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn best() -> Engine<'static, Serial> {
    Engine { level: Level::detect(), exec: &Serial }
}

/// Compares `got` with central differences of `loss` at `at`.
fn check_gradient(what: &str, got: &[f32], at: &[f32], loss: impl Fn(&[f64]) -> f64) {
    let (step, mut at) = (1e-6, wide(at));
    let mut want = Vec::new();
    for i in 0..at.len() {
        let old = at[i];
        at[i] = old + step;
        let up = loss(&at);
        at[i] = old - step;
        want.push((up - loss(&at)) / (2.0 * step));
        at[i] = old;
    }
    compare(got, &want, 1e-4, what);
}

/// Compares losses of rows with `row(index, predictions of a row)`, and their gradients with those of the scaled sum.
fn check_rows(
    what: &str,
    (at, scales): (&[f32], &[f32]),
    (loss, grad): (&[f32], &[f32]),
    row: impl Fn(usize, &[f64]) -> f64,
) {
    let width = at.len() / scales.len();
    let rows = |at: &[f64]| -> Vec<f64> { at.chunks(width).enumerate().map(|(i, p)| row(i, p)).collect() };
    compare(loss, &rows(&wide(at)), 1e-5, what);
    check_gradient(what, grad, at, |at| rows(at).iter().zip(scales).map(|(l, s)| l * f64::from(*s)).sum());
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn of_values(n in 1usize..6, width in 1usize..40, seed in 0u64..1000) {
        let mut draw = draws(seed);
        let (p, scales) = (draw(n * width), draw(n));
        let targets: Vec<f32> = draw(n * width).iter().map(|x| 0.5 + 0.5 * x).collect();
        let batch = Against { predictions: &p, targets: &targets, scales: &scales };
        let (mut loss, mut grad) = (vec![0f32; n], vec![0f32; n * width]);
        let of = |one: fn(f64, f64) -> f64| {
            let targets = &targets;
            move |i: usize, p: &[f64]| -> f64 {
                p.iter().zip(&targets[i * width..]).map(|(p, t)| one(*p, f64::from(*t))).sum()
            }
        };
        let at = (&p[..], &scales[..]);
        bernoulli_nll(best(), &batch, &mut loss, &mut grad).unwrap();
        check_rows("bernoulli", at, (&loss, &grad), of(|p, t| softplus(p) - p * t));
        gaussian_nll(best(), 0.5, &batch, &mut loss, &mut grad).unwrap();
        let nll = |p: f64, t: f64| 2.0 * (p - t) * (p - t) + 0.5f64.ln() + HALF_LN_TAU;
        check_rows("gaussian", at, (&loss, &grad), of(nll));
        squared_error(best(), &batch, &mut loss, &mut grad).unwrap();
        check_rows("squared", at, (&loss, &grad), of(|p, t| (p - t) * (p - t)));
        absolute_error(best(), &batch, &mut loss, &mut grad).unwrap();
        check_rows("absolute", at, (&loss, &grad), of(|p, t| (p - t).abs()));
    }

    #[test]
    fn of_a_learned_variance(n in 1usize..6, width in 1usize..40, seed in 0u64..1000) {
        let mut draw = draws(seed);
        let (p, targets, scales) = (draw(2 * n * width), draw(n * width), draw(n));
        let batch = Against { predictions: &p, targets: &targets, scales: &scales };
        let (mut loss, mut grad) = (vec![0f32; n], vec![0f32; 2 * n * width]);
        learned_gaussian_nll(best(), &batch, &mut loss, &mut grad).unwrap();
        check_rows("learned", (&p, &scales), (&loss, &grad), |i, p| {
            let (means, log_vars) = p.split_at(width);
            let targets = wide(&targets[i * width..]);
            let values = means.iter().zip(log_vars).zip(targets);
            values.map(|((m, v), t)| 0.5 * (v + (m - t) * (m - t) / v.exp()) + HALF_LN_TAU).sum()
        });
    }

    #[test]
    fn of_classes(n in 1usize..6, classes in 1usize..40, smoothing in 0f32..0.9, seed in 0u64..1000) {
        let mut draw = draws(seed);
        let logits: Vec<f32> = draw(n * classes).iter().map(|x| 3.0 * x).collect();
        let scales = draw(n);
        let labels: Vec<u32> = (0..n).map(|i| ((seed as usize + 7 * i) % classes) as u32).collect();
        let batch = Labelled { logits: &logits, labels: &labels, scales: &scales };
        let (mut loss, mut grad) = (vec![0f32; n], vec![0f32; n * classes]);
        for smoothing in [0.0, smoothing] {
            cross_entropy(best(), smoothing, &batch, &mut loss, &mut grad).unwrap();
            let smooth = f64::from(smoothing);
            check_rows("cross-entropy", (&logits, &scales), (&loss, &grad), |i, z| {
                let total = z.iter().map(|z| z.exp()).sum::<f64>().ln();
                let mean = z.iter().sum::<f64>() / classes as f64;
                total - (1.0 - smooth) * z[labels[i] as usize] - smooth * mean
            });
        }
    }

    #[test]
    fn of_logits(n in 1usize..70, seed in 0u64..1000) {
        let mut draw = draws(seed);
        let (l, scales): (Vec<f32>, _) = (draw(n).iter().map(|x| 3.0 * x).collect(), draw(n));
        let (mut loss, mut grad) = (vec![0f32; n], vec![0f32; n]);
        let inputs = [&l[..], &scales];
        let at = (&l[..], &scales[..]);
        logistic(best(), 0.9, inputs, &mut loss, &mut grad).unwrap();
        check_rows("logistic", at, (&loss, &grad), |_, l| softplus(l[0]) - 0.9f32 as f64 * l[0]);
        least_squares(best(), -0.5, inputs, &mut loss, &mut grad).unwrap();
        check_rows("least squares", at, (&loss, &grad), |_, l| 0.5 * (l[0] + 0.5) * (l[0] + 0.5));
        let lecam = LeCam { weight: 0.3, decay: 0.9 };
        let anchors = Anchors { real: 0.7, fake: -0.4 };
        for (side, sign) in [(Side::Real, 1.0), (Side::Fake, -1.0), (Side::Generator, 0.0)] {
            let generator = side == Side::Generator;
            hinge(best(), side, inputs, &mut loss, &mut grad).unwrap();
            let hinged = |_: usize, l: &[f64]| if generator { -l[0] } else { (1.0 - sign * l[0]).max(0.0) };
            check_rows("hinge", at, (&loss, &grad), hinged);
            wasserstein(best(), side, inputs, &mut loss, &mut grad).unwrap();
            let critic = |_: usize, l: &[f64]| if generator { -l[0] } else { -sign * l[0] };
            check_rows("critic", at, (&loss, &grad), critic);
            if generator {
                continue;
            }
            lecam.add(best(), side, anchors, inputs, &mut loss, &mut grad).unwrap();
            let anchor = f64::from(if side == Side::Real { anchors.fake } else { anchors.real });
            check_rows("with LeCam", at, (&loss, &grad), |i, l| {
                critic(i, l) + 0.3f32 as f64 * (sign * (l[0] - anchor)).max(0.0).powi(2)
            });
        }
    }

    #[test]
    fn of_codes_with_free_bits(n in 1usize..6, latent in 1usize..40, seed in 0u64..1000) {
        let mut draw = draws(seed);
        let (at, noise, dz) = (draw(2 * n * latent), draw(n * latent), draw(n * latent));
        let scales: Vec<f32> = draw(n).iter().map(|x| (1.0 + 0.5 * x) / n as f32).collect();
        let (beta, floor) = (0.7f32, 0.3f32);
        let weights: Vec<f32> = scales.iter().map(|s| beta * s).collect();
        let codes = Codes { codes: &at, noise: &noise, latent };
        let mut divergences = vec![f32::NAN; latent];
        codes.divergences(best(), &scales, &mut divergences).unwrap();
        let free = FreeBits { floor, divergences: &divergences };
        let mut grad = vec![0f32; 2 * n * latent];
        codes.backward_free(best(), &dz, &weights, free, &mut grad).unwrap();
        let code = |at: &[f64], i: usize, j: usize| (at[2 * i * latent + j], at[(2 * i + 1) * latent + j]);
        let divergence = |at: &[f64], j: usize| -> f64 {
            let of = |i| {
                let (mean, log_var) = code(at, i, j);
                0.5 * f64::from(scales[i]) * (mean * mean + log_var.exp() - 1.0 - log_var)
            };
            (0..n).map(of).sum()
        };
        let all = |at: &[f64]| -> Vec<f64> { (0..latent).map(|j| divergence(at, j)).collect() };
        compare(&divergences, &all(&wide(&at)), 1e-5, "divergences");
        let total = |at: &[f64]| -> f64 { all(at).iter().map(|d| d.max(f64::from(floor))).sum() };
        let want = total(&wide(&at));
        prop_assert!((free.total().unwrap() - want).abs() < 1e-5 * want);
        check_gradient("free bits", &grad, &at, |at| {
            let mut sum = f64::from(beta) * total(at);
            for i in 0..n {
                for j in 0..latent {
                    let (mean, log_var) = code(at, i, j);
                    let z = mean + (0.5 * log_var).exp() * f64::from(noise[i * latent + j]);
                    sum += f64::from(dz[i * latent + j]) * z;
                }
            }
            sum
        });
    }
}
