//! Groups of parameters, and adapters in the place of weights.

use super::*;
use crate::nn::LowRank;

/// Trains a VAE of dense layers whose second encoder weight has an adapter; the rest of the encoder stays.
#[test]
fn only_what_an_adapter_spans_changes() {
    let vae = vae(Shape::flat(7), &[], 0, Likelihood::Bernoulli);
    let data = Owned::new(5, 7, 3, 0);
    let first = initial(&vae);
    let tensor = vae.tensors().find(|t| (t.network, t.tensor.layer) == ("encoder", 2)).unwrap().tensor;
    let of = LowRank { rows: tensor.sizes[0], cols: tensor.sizes[1], rank: 1, scale: 2.0 };
    let behind = tensor.offset + tensor.len();
    let groups = [
        ParamGroup::new(tensor.offset, 0.0),
        ParamGroup::adapted(of, 0.5),
        ParamGroup::new(first.len() - behind, 0.0),
    ];
    let base = first[tensor.offset..behind].to_vec();
    let mut adapter = vec![0f32; of.len()];
    of.init(3, 0, &mut adapter).unwrap();
    let (mut params, mut grads) = (first.clone(), vec![0f32; first.len()]);
    let (mut moments, mut memory) = (vec![0f32; vae.moment_len()], Vec::new());
    memory.resize(vae.train_scratch_len(5) + adapter_scratch_len(&groups), 0x7fu8);
    let (mut by_adapter, mut remembered) = (vec![0f32; of.len()], vec![0f32; 2 * of.len()]);
    let mut losses = Vec::new();
    for t in 1..=60 {
        let adapters =
            Adapters { values: &mut adapter, grads: &mut by_adapter, moments: &mut remembered, base: &base };
        let (params, grads, moments) = (&mut params[..], &mut grads[..], &mut moments[..]);
        let mut trainee = Trainee { params, grads, moments, groups: &groups, adapters };
        let optimiser = Adam { rate: 0.05, ..Adam::default() }.into();
        let step = VaeStep { beta: 1.0, free_bits: 0.0, optimiser, t };
        let scratch = &mut Scratch::new(&mut memory);
        losses.push(vae.train_step(BASE, &mut trainee, &data.batch(), &step, scratch).unwrap().loss(1.0));
    }
    assert!(losses[59] < losses[0] - 0.01, "{losses:?}");
    assert!(params[..tensor.offset] == first[..tensor.offset] && params[behind..] == first[behind..]);
    let (a, b) = adapter.split_at(of.cols);
    for (i, (now, was)) in params[tensor.offset..behind].iter().zip(&base).enumerate() {
        let want = was + 2.0 * b[i / of.cols] * a[i % of.cols];
        assert!((now - want).abs() < 1e-5, "{now} {want}");
    }
}

#[test]
fn adapters_that_do_not_fit_are_refused() {
    let vae = vae(Shape::flat(7), &[], 0, Likelihood::Bernoulli);
    let data = Owned::new(5, 7, 3, 0);
    let all = vae.param_len();
    let of = LowRank { rows: 6, cols: 7, rank: 2, scale: 1.0 };
    let run = |groups: &[ParamGroup], adapter: usize, base: usize, less: usize| {
        let (mut params, mut grads) = (initial(&vae), vec![0f32; all]);
        let mut moments = vec![0f32; vae.moment_len()];
        let (mut values, mut by, mut remembered) =
            (vec![0.1f32; adapter], vec![0f32; adapter], vec![0f32; 2 * adapter]);
        let base = vec![0f32; base];
        let adapters =
            Adapters { values: &mut values, grads: &mut by, moments: &mut remembered, base: &base };
        let (params, grads, moments) = (&mut params[..], &mut grads[..], &mut moments[..]);
        let mut trainee = Trainee { params, grads, moments, groups, adapters };
        let step = VaeStep { beta: 1.0, free_bits: 0.0, optimiser: Adam::default().into(), t: 1 };
        let mut memory = vec![0u8; vae.train_scratch_len(5) + adapter_scratch_len(groups) - less];
        vae.train_step(BASE, &mut trainee, &data.batch(), &step, &mut Scratch::new(&mut memory)).map(|_| ())
    };
    let good = [ParamGroup::adapted(of, 1.0), ParamGroup::new(all - 42, 1.0)];
    assert_eq!(run(&good, 26, 42, 0), Ok(()));
    assert_eq!(run(&good, 26, 42, 1), Err(Error::ScratchTooSmall));
    assert_eq!(run(&good, 25, 42, 0), Err(Error::ShapeMismatch));
    assert_eq!(run(&good, 26, 41, 0), Err(Error::ShapeMismatch));
    let other = [ParamGroup { len: 43, ..good[0] }, ParamGroup::new(all - 43, 1.0)];
    assert_eq!(run(&other, 26, 43, 0), Err(Error::ShapeMismatch));
    let none = LowRank { rank: 0, ..of };
    assert_eq!(run(&[ParamGroup::adapted(none, 1.0), good[1]], 0, 42, 0), Err(Error::InvalidArgument));
}
