//! Losses against numpy and against finite differences.

use super::super::loss::{Against, Codes, bernoulli_nll, gaussian_nll, logistic};
use super::BASE;
use crate::error::Error;

const LOGITS: [f32; 5] = [-3.0, -0.5, 0.0, 2.0, 30.0];
const TARGETS: [f32; 5] = [0.0, 0.25, 1.0, 0.5, 1.0];

fn batch<'a>(scales: &'a [f32]) -> Against<'a> {
    Against { predictions: &LOGITS, targets: &TARGETS, scales }
}

#[test]
fn bernoulli_gives_what_numpy_gives() {
    let (mut nll, mut grad) = ([0f32], [0f32; 5]);
    bernoulli_nll(BASE, &batch(&[2.0]), &mut nll, &mut grad).unwrap();
    assert!((nll[0] - 2.467_739_5).abs() < 1e-6, "{nll:?}");
    let want = [0.047_425_873, 0.127_540_67, -0.5, 0.380_797_08, 0.0];
    assert!(grad.iter().zip(want).all(|(g, w)| (g - 2.0 * w).abs() < 1e-6), "{grad:?}");
}

#[test]
fn gaussian_gives_what_numpy_gives() {
    let (mut nll, mut grad) = ([0f32], [0f32; 5]);
    gaussian_nll(BASE, 0.5, &batch(&[0.5]), &mut nll, &mut grad).unwrap();
    assert!((nll[0] - 1_708.754).abs() < 1e-3, "{nll:?}");
    assert_eq!(grad, [-6.0, -1.5, -2.0, 3.0, 58.0]);
    // The square of the smallest is 0, and that of the largest infinite.
    for sigma in [0.0, -0.5, 1e-20, 1e-24, 1e20, f32::INFINITY, f32::NAN] {
        let got = gaussian_nll(BASE, sigma, &batch(&[0.5]), &mut nll, &mut grad);
        assert_eq!(got, Err(Error::InvalidArgument), "{sigma}");
    }
}

#[test]
fn a_loss_without_its_gradient_has_the_same_bits() {
    let scales = [0.5];
    let (mut with, mut without) = ([[0f32]; 2], [[0f32]; 2]);
    bernoulli_nll(BASE, &batch(&scales), &mut with[0], &mut [0.0; 5]).unwrap();
    bernoulli_nll(BASE, &batch(&scales), &mut without[0], &mut []).unwrap();
    gaussian_nll(BASE, 0.3, &batch(&scales), &mut with[1], &mut [0.0; 5]).unwrap();
    gaussian_nll(BASE, 0.3, &batch(&scales), &mut without[1], &mut []).unwrap();
    assert_eq!(with, without);
}

#[test]
fn codes_give_what_numpy_gives() {
    let codes = Codes { codes: &[0.5, -1.0, 0.2, -1.5], noise: &[0.3, -0.7], latent: 2 };
    let (mut z, mut kl) = ([0f32; 2], [0f32]);
    codes.reparameterise(BASE, &mut z, &mut kl).unwrap();
    assert!((kl[0] - 0.997_266_46).abs() < 1e-6);
    assert!((z[0] - 0.831_551_3).abs() < 1e-6 && (z[1] + 1.330_656_6).abs() < 1e-6);
}

#[test]
fn the_gradient_by_the_codes_is_that_of_finite_differences() {
    let (noise, dz, weight) = ([0.3f32, -0.7], [0.4f32, -1.1], 0.6f32);
    let at = [0.5f32, -1.0, 0.2, -1.5];
    let loss = |codes: &[f32; 4]| -> f64 {
        let (mut z, mut kl) = ([0f32; 2], [0f32]);
        Codes { codes, noise: &noise, latent: 2 }.reparameterise(BASE, &mut z, &mut kl).unwrap();
        z.iter().zip(dz).map(|(z, d)| *z as f64 * d as f64).sum::<f64>() + weight as f64 * kl[0] as f64
    };
    let mut grad = [0f32; 4];
    let codes = Codes { codes: &at, noise: &noise, latent: 2 };
    codes.backward(BASE, &dz, &[weight], &mut grad).unwrap();
    for i in 0..4 {
        let moved = |by: f32| {
            let mut codes = at;
            codes[i] += by;
            loss(&codes)
        };
        let want = (moved(1.0 / 256.0) - moved(-1.0 / 256.0)) * 128.0;
        assert!((grad[i] as f64 - want).abs() < 1e-3, "{i}: {} {want}", grad[i]);
    }
}

#[test]
fn the_gan_losses_are_cross_entropies() {
    let (mut loss, mut grad) = ([0f32; 5], [0f32; 5]);
    logistic(BASE, 1.0, [&LOGITS, &[0.5; 5]], &mut loss, &mut grad).unwrap();
    // softplus(-l) and half of sigmoid(l) - 1.
    assert!((loss[0] - 3.048_587_4).abs() < 1e-6 && loss[4] < 1e-6);
    assert!((grad[0] + 0.476_287_06).abs() < 1e-6 && (grad[2] + 0.25).abs() < 1e-7);
    assert_eq!(logistic(BASE, 1.5, [&LOGITS, &[0.5; 5]], &mut loss, &mut grad), Err(Error::InvalidArgument));
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let (mut nll, mut grad) = ([7f32; 2], [7f32; 5]);
    assert_eq!(bernoulli_nll(BASE, &batch(&[1.0; 2]), &mut nll, &mut grad), Err(Error::ShapeMismatch));
    assert_eq!(bernoulli_nll(BASE, &batch(&[1.0]), &mut nll, &mut grad), Err(Error::ShapeMismatch));
    assert_eq!(bernoulli_nll(BASE, &batch(&[1.0]), &mut nll[..1], &mut grad[..4]), Err(Error::ShapeMismatch));
    let codes = Codes { codes: &[0.0; 4], noise: &[0.0; 2], latent: 0 };
    assert_eq!(codes.reparameterise(BASE, &mut [0.0; 2], &mut [0.0]), Err(Error::ShapeMismatch));
    let none = Against { predictions: &[], targets: &[], scales: &[1.0; 2] };
    assert_eq!(bernoulli_nll(BASE, &none, &mut nll, &mut []), Err(Error::ShapeMismatch));
    let odd = Codes { codes: &[0.0; 5], noise: &[0.0; 2], latent: 2 };
    assert_eq!(odd.reparameterise(BASE, &mut [0.0; 2], &mut [0.0]), Err(Error::ShapeMismatch));
    let huge = Codes { codes: &[], noise: &[], latent: usize::MAX };
    assert_eq!(huge.backward(BASE, &[], &[], &mut []), Ok(()));
    assert_eq!((nll, grad), ([7.0; 2], [7.0; 5]));
}
