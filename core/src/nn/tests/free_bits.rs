//! Free bits beside the plain divergence, and what they refuse. Gradients are in `loss_gradients`.

use super::super::loss::{Codes, FreeBits};
use super::BASE;
use super::gradients::draws;
use crate::error::Error;

const LATENT: usize = 21;
const N: usize = 5;

#[test]
fn the_divergences_of_dimensions_sum_to_those_of_samples() {
    let mut draw = draws(1);
    let (codes, noise, scales) = (draw(2 * N * LATENT), draw(N * LATENT), [0.2f32, 0.1, 0.3, 0.25, 0.15]);
    let codes = Codes { codes: &codes, noise: &noise, latent: LATENT };
    let (mut z, mut kl, mut divergences) = ([0f32; N * LATENT], [0f32; N], [f32::NAN; LATENT]);
    codes.reparameterise(BASE, &mut z, &mut kl).unwrap();
    codes.divergences(BASE, &scales, &mut divergences).unwrap();
    let want: f64 = kl.iter().zip(scales).map(|(k, s)| f64::from(k * s)).sum();
    let got = FreeBits { floor: 0.0, divergences: &divergences }.total().unwrap();
    assert!((got - want).abs() < 1e-5 * want, "{got} {want}");
}

#[test]
fn without_a_floor_the_gradient_has_the_bits_that_it_had() {
    let mut draw = draws(2);
    // A latent dimension of which the divergence is 0.
    let mut codes = draw(2 * N * LATENT);
    codes.chunks_mut(LATENT).for_each(|part| part[3] = 0.0);
    let (noise, dz, weights) = (draw(N * LATENT), draw(N * LATENT), draw(N));
    let codes = Codes { codes: &codes, noise: &noise, latent: LATENT };
    let mut grads = [[0f32; 2 * N * LATENT]; 3];
    let mut divergences = [0f32; LATENT];
    codes.divergences(BASE, &[0.2; N], &mut divergences).unwrap();
    codes.backward(BASE, &dz, &weights, &mut grads[0]).unwrap();
    for (floor, grad) in [0.0, f32::MIN_POSITIVE].into_iter().zip(&mut grads[1..]) {
        let free = FreeBits { floor, divergences: &divergences };
        codes.backward_free(BASE, &dz, &weights, free, grad).unwrap();
    }
    assert_eq!(grads[0].map(f32::to_bits), grads[1].map(f32::to_bits));
    assert_eq!(grads[0], grads[2]);
}

#[test]
fn below_the_floor_only_the_reconstruction_pulls() {
    let codes = Codes { codes: &[0.1, 2.0, 0.0, 0.0], noise: &[0.0, 0.0], latent: 2 };
    let mut divergences = [0f32; 2];
    codes.divergences(BASE, &[1.0], &mut divergences).unwrap();
    let free = FreeBits { floor: 0.5, divergences: &divergences };
    assert_eq!(free.total().unwrap(), 2.5);
    let mut grad = [0f32; 4];
    codes.backward_free(BASE, &[0.25, 0.25], &[1.0], free, &mut grad).unwrap();
    assert_eq!(grad, [0.25, 2.25, 0.0, 0.0]);
    let lost = FreeBits { floor: 0.5, divergences: &[f32::NAN] };
    assert!(lost.total().unwrap().is_nan());
}

#[test]
fn what_does_not_fit_is_refused() {
    let codes = Codes { codes: &[0.5; 8], noise: &[0.5; 4], latent: 2 };
    let (mut divergences, mut grad) = ([7f32; 2], [7f32; 8]);
    let wrong = Err(Error::ShapeMismatch);
    assert_eq!(codes.divergences(BASE, &[1.0; 3], &mut divergences), wrong);
    assert_eq!(codes.divergences(BASE, &[1.0; 2], &mut divergences[..1]), wrong);
    let free = FreeBits { floor: 0.5, divergences: &[1.0; 2] };
    let short = FreeBits { divergences: &[1.0], ..free };
    assert_eq!(codes.backward_free(BASE, &[0.0; 4], &[1.0; 2], short, &mut grad), wrong);
    assert_eq!(codes.backward_free(BASE, &[0.0; 3], &[1.0; 2], free, &mut grad), wrong);
    assert_eq!(codes.backward_free(BASE, &[0.0; 4], &[1.0], free, &mut grad), wrong);
    assert_eq!(codes.backward_free(BASE, &[0.0; 4], &[1.0; 2], free, &mut grad[..7]), wrong);
    let none = Codes { latent: 0, ..codes };
    assert_eq!(none.divergences(BASE, &[], &mut []), wrong);
    for floor in [-0.1, f32::NAN, f32::INFINITY] {
        let bad = FreeBits { floor, ..free };
        assert_eq!(bad.total(), Err(Error::InvalidArgument));
        let got = codes.backward_free(BASE, &[0.0; 4], &[1.0; 2], bad, &mut grad);
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    assert_eq!((divergences, grad), ([7.0; 2], [7.0; 8]));
}
