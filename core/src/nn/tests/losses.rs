//! Losses against numpy, PyTorch and finite differences, and what they refuse.

use super::super::loss::{
    Against, Codes, Labelled, absolute_error, bernoulli_nll, cross_entropy, gaussian_nll,
    learned_gaussian_nll, logistic, squared_error,
};
use super::BASE;
use crate::error::Error;
use std::vec::Vec;

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

/// Two rows of four values: means and log variances, or logits, as the PyTorch script has them.
const ROWS: [f32; 8] = [-1.5, 0.25, 2.0, 0.5, 0.75, -0.5, 1.25, -2.0];

fn close<const N: usize>(got: [f32; N], want: [f32; N]) -> bool {
    got.iter().zip(want).all(|(g, w)| (g - w).abs() <= 1e-6 * (1.0 + w.abs()))
}

/// From PyTorch 2.15: `gaussian_nll_loss(p[:, :2], t, p[:, 2:].exp(), full=True, eps=1e-300, reduction="none")`, summed
/// over the values of a sample and weighted by the scales for the gradient, in double precision.
#[test]
fn a_learned_variance_gives_what_pytorch_gives() {
    let (mut nll, mut grad) = ([0f32; 2], [0f32; 8]);
    let batch = Against { predictions: &ROWS, targets: &[0.5, 1.0, 0.0, -0.25], scales: &[0.5, 2.0] };
    learned_gaussian_nll(BASE, &batch, &mut nll, &mut grad).unwrap();
    assert!(close(nll, [3.529_134_4, 1.774_364_5]), "{nll:?}");
    let want = [
        -0.135_335_28,
        -0.227_449,
        0.114_664_72,
        0.164_706_63,
        0.429_757_2,
        -3.694_528,
        0.838_841_05,
        0.538_183_99,
    ];
    assert!(close(grad, want), "{grad:?}");
}

/// From PyTorch 2.15: `mse_loss(p, t, reduction="none").sum(1)`, `l1_loss` likewise, and their gradients.
#[test]
fn errors_give_what_pytorch_gives() {
    let targets = [0.5, 0.25, -1.0, 0.0, 1.0, -2.0, 1.5, 0.75];
    let batch = Against { predictions: &ROWS, targets: &targets, scales: &[0.5, 2.0] };
    let (mut loss, mut grad) = ([0f32; 2], [0f32; 8]);
    squared_error(BASE, &batch, &mut loss, &mut grad).unwrap();
    assert_eq!((loss, grad), ([13.25, 9.9375], [-2.0, 0.0, 3.0, 0.5, -1.0, 6.0, -1.0, -11.0]));
    absolute_error(BASE, &batch, &mut loss, &mut grad).unwrap();
    assert_eq!((loss, grad), ([5.5, 4.75], [-0.5, 0.0, 0.5, 0.5, -2.0, 2.0, -2.0, -2.0]));
}

/// From PyTorch 2.15: `cross_entropy(p, torch.tensor([2, 0]), reduction="none", label_smoothing=…)`, and its gradients.
#[test]
fn cross_entropy_gives_what_pytorch_gives() {
    let batch = Labelled { logits: &ROWS, labels: &[2, 0], scales: &[0.5, 2.0] };
    let (mut nll, mut grad) = ([0f32; 2], [0f32; 8]);
    cross_entropy(BASE, 0.0, &batch, &mut nll, &mut grad).unwrap();
    assert!(close(nll, [0.355_645_46, 1.098_330_2]), "{nll:?}");
    let want = [
        0.010_579_971,
        0.060_883_527,
        -0.149_639_49,
        0.078_175_996,
        -1.333_145_3,
        0.191_057_08,
        1.099_457_6,
        0.042_630_597,
    ];
    assert!(close(grad, want), "{grad:?}");
    cross_entropy(BASE, 0.1, &batch, &mut nll, &mut grad).unwrap();
    assert!(close(nll, [0.524_395_46, 1.185_830_2]), "{nll:?}");
    let want = [
        -0.001_920_029_5,
        0.048_383_527,
        -0.112_139_49,
        0.065_675_996,
        -1.183_145_3,
        0.141_057_08,
        1.049_457_6,
        -0.007_369_403,
    ];
    assert!(close(grad, want), "{grad:?}");
}

#[test]
fn cross_entropy_takes_logits_of_any_size() {
    let logits = [1e30, -1e30, 0.0, f32::NEG_INFINITY, 2.0, 2.0];
    let batch = Labelled { logits: &logits, labels: &[0, 1], scales: &[1.0; 2] };
    let (mut nll, mut grad) = ([0f32; 2], [0f32; 6]);
    cross_entropy(BASE, 0.0, &batch, &mut nll, &mut grad).unwrap();
    assert_eq!((nll[0], &grad[..3]), (0.0, &[0.0; 3][..]));
    assert!((nll[1] - f32::ln(2.0)).abs() < 1e-6 && grad[3..] == [0.0, -0.5, 0.5], "{nll:?} {grad:?}");
}

#[test]
fn what_is_not_a_number_stays_so() {
    let (mut loss, mut grad) = ([0f32], [0f32; 2]);
    let p = [f32::NAN, 1.0];
    let batch = Against { predictions: &p, targets: &[0.0; 2], scales: &[1.0] };
    for of in [bernoulli_nll, squared_error, absolute_error] {
        of(BASE, &batch, &mut loss, &mut grad).unwrap();
        assert!(loss[0].is_nan() && grad[0].is_nan() && !grad[1].is_nan());
    }
    let batch = Against { targets: &[0.0], ..batch };
    learned_gaussian_nll(BASE, &batch, &mut loss, &mut grad).unwrap();
    assert!(loss[0].is_nan() && grad[0].is_nan());
    let batch = Labelled { logits: &p, labels: &[1], scales: &[1.0] };
    cross_entropy(BASE, 0.0, &batch, &mut loss, &mut grad).unwrap();
    assert!(loss[0].is_nan() && grad[0].is_nan());
}

#[test]
fn a_loss_without_its_gradient_has_the_same_bits() {
    let scales = [0.5];
    let (mut with, mut without) = ([[0f32]; 6], [[0f32]; 6]);
    bernoulli_nll(BASE, &batch(&scales), &mut with[0], &mut [0.0; 5]).unwrap();
    bernoulli_nll(BASE, &batch(&scales), &mut without[0], &mut []).unwrap();
    gaussian_nll(BASE, 0.3, &batch(&scales), &mut with[1], &mut [0.0; 5]).unwrap();
    gaussian_nll(BASE, 0.3, &batch(&scales), &mut without[1], &mut []).unwrap();
    squared_error(BASE, &batch(&scales), &mut with[2], &mut [0.0; 5]).unwrap();
    squared_error(BASE, &batch(&scales), &mut without[2], &mut []).unwrap();
    absolute_error(BASE, &batch(&scales), &mut with[3], &mut [0.0; 5]).unwrap();
    absolute_error(BASE, &batch(&scales), &mut without[3], &mut []).unwrap();
    let logits: Vec<f32> = (0..38).map(|i| (i * i % 11) as f32 * 0.3).collect();
    let labelled = Labelled { logits: &logits, labels: &[17], scales: &scales };
    cross_entropy(BASE, 0.2, &labelled, &mut with[4], &mut [0.0; 38]).unwrap();
    cross_entropy(BASE, 0.2, &labelled, &mut without[4], &mut []).unwrap();
    let learned = Against { predictions: &logits, targets: &logits[..19], scales: &scales };
    learned_gaussian_nll(BASE, &learned, &mut with[5], &mut [0.0; 38]).unwrap();
    learned_gaussian_nll(BASE, &learned, &mut without[5], &mut []).unwrap();
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

#[test]
fn shapes_and_labels_that_do_not_fit_are_refused() {
    let (mut nll, mut grad) = ([7f32; 2], [7f32; 8]);
    let halves = Against { predictions: &ROWS, targets: &[0.0; 4], scales: &[1.0; 2] };
    for wrong in [
        Against { targets: &[0.0; 8], ..halves },
        Against { targets: &[0.0; 3], ..halves },
        Against { targets: &[], ..halves },
        Against { scales: &[1.0; 3], ..halves },
        Against { scales: &[], ..halves },
        Against { predictions: &ROWS[..7], ..halves },
    ] {
        let got = learned_gaussian_nll(BASE, &wrong, &mut nll, &mut grad);
        assert_eq!(got, Err(Error::ShapeMismatch), "{wrong:?}");
    }
    for of in [squared_error, absolute_error] {
        assert_eq!(of(BASE, &halves, &mut nll, &mut grad), Err(Error::ShapeMismatch));
    }
    assert_eq!(learned_gaussian_nll(BASE, &halves, &mut nll, &mut grad[..4]), Err(Error::ShapeMismatch));

    let labelled = Labelled { logits: &ROWS, labels: &[3, 0], scales: &[1.0; 2] };
    for wrong in [
        Labelled { labels: &[0; 3], scales: &[1.0; 3], ..labelled },
        Labelled { labels: &[0], ..labelled },
        Labelled { labels: &[], scales: &[], ..labelled },
        Labelled { logits: &[], ..labelled },
        Labelled { scales: &[1.0], ..labelled },
    ] {
        let got = cross_entropy(BASE, 0.0, &wrong, &mut nll, &mut grad);
        assert_eq!(got, Err(Error::ShapeMismatch), "{wrong:?}");
    }
    for label in [4, u32::MAX] {
        let wrong = Labelled { labels: &[0, label], ..labelled };
        assert_eq!(cross_entropy(BASE, 0.0, &wrong, &mut nll, &mut grad), Err(Error::InvalidArgument));
    }
    for smoothing in [-0.1, 1.0, f32::NAN, f32::INFINITY] {
        let got = cross_entropy(BASE, smoothing, &labelled, &mut nll, &mut grad);
        assert_eq!(got, Err(Error::InvalidArgument), "{smoothing}");
    }
    assert_eq!((nll, grad), ([7.0; 2], [7.0; 8]));
}
