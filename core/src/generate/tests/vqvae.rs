//! The autoencoder with a codebook.

use super::*;
use crate::linalg::squared_distance;
use crate::nn::{AdamW, Model, Optimiser};

fn vq(input: Shape, channels: &[usize], hidden: &[usize], groups: usize, likelihood: Likelihood) -> VqVae {
    let arch = Arch { channels: widths(channels), hidden: widths(hidden), activation: Activation::Tanh };
    VqVae::new(VqVaeSpec { input, arch, groups, codes: 6, dim: 3, likelihood }).unwrap()
}

/// The kinds of model that the tests run through.
fn all() -> Vec<VqVae> {
    vec![
        vq(Shape::flat(7), &[], &[6], 2, Likelihood::Bernoulli),
        vq(Shape::flat(7), &[], &[], 4, Likelihood::Gaussian { sigma: 0.4 }),
        vq(Shape::image(4, 6, 1), &[2], &[4], 1, Likelihood::Bernoulli),
        vq(Shape::image(5, 9, 2), &[3, 2], &[], 2, Likelihood::Gaussian { sigma: 0.7 }),
    ]
}

/// A model in training, and its data.
struct Run {
    vq: VqVae,
    params: Vec<f32>,
    grads: Vec<f32>,
    moments: Vec<f32>,
    state: Vec<f32>,
    x: Vec<f32>,
    weights: Vec<f32>,
    memory: Vec<u8>,
}

const STEP: VqStep = VqStep {
    optimiser: Optimiser::Adam(Adam { rate: 3e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
    t: 1,
    beta: 0.3,
    follow: Follow { decay: 0.9, dead: 0.05, seed: 3 },
};

impl Run {
    fn new(vq: VqVae, n: usize) -> Self {
        let mut params = vec![0f32; vq.param_len()];
        vq.init(9, &mut params).unwrap();
        let x = uniform(n * vq.width(), 3);
        let weights = (0..n).map(|i| 0.5 + (i % 3) as f32 / 2.0).collect();
        let mut memory = vec![0x7fu8; vq.train_scratch_len(n)];
        let (grads, moments) = (vec![f32::NAN; params.len()], vec![0f32; 2 * params.len()]);
        let mut state = vec![f32::NAN; vq.state_len()];
        let scratch = &mut Scratch::new(&mut memory[..vq.run_scratch_len(n)]);
        vq.init_state(BASE, 1, (&params, &x), &mut state, scratch).unwrap();
        Self { vq, params, grads, moments, state, x, weights, memory }
    }

    fn step<E: Executor>(&mut self, on: Engine<'_, E>, step: &VqStep) -> crate::error::Result<VqTerms> {
        let Self { vq, params, grads, moments, state, x, weights, memory } = self;
        let mut trainee = Trainee { params, grads, moments, groups: &[], adapters: Adapters::default() };
        vq.train_step(on, &mut trainee, state, (x, weights), step, &mut Scratch::new(memory))
    }

    fn model(&self) -> Model<'_> {
        Model { params: &self.params, state: &self.state }
    }

    fn evaluate(&mut self) -> VqTerms {
        let model = Model { params: &self.params, state: &self.state };
        let batch = (&self.x[..], &self.weights[..]);
        self.vq.evaluate(BASE, model, batch, &mut Scratch::new(&mut self.memory)).unwrap()
    }

    fn encode<E: Executor>(&self, on: Engine<'_, E>) -> Vec<u32> {
        let n = self.weights.len();
        let mut codes = vec![u32::MAX; n * self.vq.places()];
        let mut memory = vec![0x7fu8; self.vq.run_scratch_len(n)];
        self.vq.encode(on, self.model(), &self.x, &mut codes, &mut Scratch::new(&mut memory)).unwrap();
        codes
    }

    /// What the encoder leaves.
    fn encoded(&self) -> Vec<f32> {
        let n = self.weights.len();
        let mut memory = vec![0x7fu8; self.vq.run_scratch_len(n)];
        let scratch = &mut Scratch::new(&mut memory);
        let params = &self.params[..self.vq.encoder.param_len()];
        let work = self.vq.encoder.forward(BASE, false, (params, &self.x), n, scratch).unwrap();
        self.vq.encoder.inference.result(&work).to_vec()
    }

    /// The mean loss where the decoder reads these vectors, and what they are held to.
    fn straight(&self, vectors: &[f32], codes: &[f32], z: &[f32], beta: f64) -> f64 {
        let (n, each) = (self.weights.len(), self.vq.rounded_len());
        let mut memory = vec![0x7fu8; self.vq.train_scratch_len(n)];
        let scratch = &mut Scratch::new(&mut memory);
        let params = &self.params[self.vq.encoder.param_len()..];
        let work = self.vq.decoder.forward(BASE, false, (params, vectors), n, scratch).unwrap();
        let predictions = self.vq.decoder.inference.result(&work);
        let mut nll = vec![0f32; n];
        let against = crate::nn::loss::Against { predictions, targets: &self.x, scales: &self.weights };
        super::super::vae_run::reconstruction(BASE, self.vq.spec().likelihood, &against, &mut nll, &mut [])
            .unwrap();
        let commitments = z.chunks(each).zip(codes.chunks(each));
        let commitments = commitments.map(|(z, e)| f64::from(squared_distance(Level::BASE, z, e)));
        let losses = nll.iter().zip(commitments).zip(&self.weights);
        losses.map(|((&nll, c), &w)| f64::from(w) * (f64::from(nll) + beta * c)).sum::<f64>() / n as f64
    }
}

/// With fixed codes, and with what the encoder moves by passed on to the decoder.
#[test]
fn gradients_pass_straight_through_the_codes() {
    for vq in all() {
        let (mut run, beta) = (Run::new(vq, 5), 0.3f64);
        let (mut codes, z) = (vec![0f32; 5 * run.vq.rounded_len()], run.encoded());
        run.vq.codebook().look_up(&run.state, &run.encode(BASE), &mut codes).unwrap();
        let model = Model { params: &run.params, state: &run.state };
        let (batch, scratch) = ((&run.x[..], &run.weights[..]), &mut Scratch::new(&mut run.memory));
        let terms = run.vq.gradients(BASE, model, batch, beta as f32, &mut run.grads, scratch).unwrap();
        assert_eq!(terms, run.evaluate());
        let want = run.straight(&codes, &codes, &z, beta);
        assert!((terms.loss.loss(beta) / 5.0 - want).abs() < 1e-5, "{terms:?} {want}");
        let grads = run.grads.clone();
        let step = 1.0 / 128.0;
        for i in (0..grads.len()).step_by(3) {
            let old = run.params[i];
            let mut at = |p: f32| {
                run.params[i] = p;
                let moved = run.encoded();
                let along: Vec<f32> =
                    codes.iter().zip(&moved).zip(&z).map(|((e, now), then)| e + (now - then)).collect();
                run.straight(&along, &codes, &moved, beta)
            };
            let want = (at(old + step) - at(old - step)) / (2.0 * f64::from(step));
            run.params[i] = old;
            assert!(
                (f64::from(grads[i]) - want).abs() < 3e-3 * (1.0 + want.abs()),
                "{i} {} {want}",
                grads[i]
            );
        }
    }
}

/// Bits of parameters and state after a few steps, and codes.
fn train<E: Executor>(on: Engine<'_, E>, vq: VqVae, n: usize) -> (Vec<u32>, Vec<u32>) {
    let mut run = Run::new(vq, n);
    for t in 1..=4 {
        run.step(on, &VqStep { t, ..STEP }).unwrap();
    }
    let bits = run.params.iter().chain(&run.state).map(|p| p.to_bits()).collect();
    (bits, run.encode(on))
}

#[test]
fn training_has_the_same_bits_at_every_level_and_on_two_threads() {
    let mut kinds: Vec<(VqVae, usize)> = all().into_iter().map(|vq| (vq, 5)).collect();
    kinds.push((vq(Shape::image(28, 28, 1), &[8, 16], &[16], 1, Likelihood::Bernoulli), 40));
    for (vq, n) in kinds {
        let want = train(BASE, vq.clone(), n);
        for level in Level::available() {
            assert!(train(Engine { level, exec: &Serial }, vq.clone(), n) == want, "{level:?}");
            for threads in [2, 3] {
                let vq = vq.clone().for_threads(threads);
                assert!(train(Engine { level, exec: &TwoThreads }, vq, n) == want, "{level:?} on {threads}");
            }
        }
    }
}

/// One step does with parameters, codebook and gradients what each of these does alone.
#[test]
fn a_step_is_one_of_the_optimiser_and_one_of_the_codebook() {
    for vq in all() {
        let mut run = Run::new(vq, 5);
        let (mut params, mut state) = (run.params.clone(), run.state.clone());
        let (codes, z) = (run.encode(BASE), run.encoded());
        let mut moments = run.moments.clone();
        let optimiser = Optimiser::from(AdamW { rate: 0.01, ..AdamW::default() });
        let step = VqStep { optimiser, ..STEP };
        let terms = run.step(BASE, &step).unwrap();
        let rounded = Rounded { rows: &z, codes: &codes, weights: &run.weights };
        let mut memory = vec![0u8; run.vq.codebook().scratch_len(codes.len())];
        let scratch = &mut Scratch::new(&mut memory);
        run.vq.codebook().follow(BASE, (&step.follow, 1), &rounded, &mut state, scratch).unwrap();
        optimiser.step(BASE, 1, &mut params, &run.grads, &mut moments).unwrap();
        assert!(run.params == params && run.state == state && run.moments == moments);
        let mut counts = vec![0f32; 6];
        for (i, &code) in codes.iter().enumerate() {
            counts[code as usize] += run.weights[i / run.vq.places()];
        }
        assert_eq!(terms.usage, Usage::of(&counts));
    }
}

#[test]
fn it_learns_patterns_that_have_as_many_codes() {
    for (input, channels) in [(Shape::flat(64), &[][..]), (Shape::image(8, 8, 1), &[8, 8])] {
        let mut run = Run::new(vq(input, channels, &[16], 1, Likelihood::Bernoulli), 16);
        for (i, x) in run.x.iter_mut().enumerate() {
            let (sample, row, column) = (i / 64, i % 64 / 8, i % 8);
            *x = if [row / 4, column / 4, (row + column) / 2 % 2, 1 - row / 4][sample % 4] == 1 {
                1.0
            } else {
                0.0
            };
        }
        run.weights.fill(1.0);
        let scratch = &mut Scratch::new(&mut run.memory);
        run.vq.init_state(BASE, 1, (&run.params, &run.x), &mut run.state, scratch).unwrap();
        let first = run.evaluate();
        for t in 1..=300 {
            run.step(BASE, &VqStep { t, ..STEP }).unwrap();
        }
        let last = run.evaluate();
        let each = |terms: VqTerms| terms.loss.reconstruction / 16.0;
        assert!(each(first) > 30.0 && each(last) < 3.0, "{first:?} {last:?}");
        assert!(last.usage.perplexity > 3.0, "{last:?}");
        let mut out = vec![0f32; run.x.len()];
        let model = Model { params: &run.params, state: &run.state };
        let scratch = &mut Scratch::new(&mut run.memory);
        run.vq.reconstruct(BASE, model, &run.x, &mut out, scratch).unwrap();
        assert!(out.iter().zip(&run.x).all(|(o, x)| (o - x).abs() < 0.5));
        // In two steps through codes it is the same, and so is each sample alone.
        let codes = run.encode(BASE);
        let mut again = vec![0f32; out.len()];
        for (codes, again) in codes.chunks(run.vq.places()).zip(again.chunks_mut(64)) {
            run.vq.decode(BASE, model, codes, again, &mut Scratch::new(&mut run.memory)).unwrap();
        }
        assert_eq!(out, again);
    }
}

#[test]
fn pictures_of_all_sizes_come_back_in_their_shape() {
    for (side, channels, n, grid) in
        [(8, 1, 1, 4), (8, 1, 2, 2), (13, 3, 2, 3), (28, 1, 2, 7), (28, 1, 3, 3), (64, 3, 4, 4)]
    {
        let input = Shape::image(side, side, channels);
        let vq = vq(input, &[2, 3, 4, 5][..n], &[4], 1, Likelihood::Bernoulli);
        assert_eq!((vq.grid(), vq.width()), ([grid; 2], side * side * channels));
        let [(_, encoder), (_, decoder)] = vq.networks().collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!((encoder.output(), decoder.output()), (Shape::image(grid, grid, 3), input));
        assert!(Run::new(vq, 2).step(BASE, &STEP).is_ok());
    }
    // Groups lie side by side.
    let vq = vq(Shape::image(8, 12, 1), &[2, 2], &[], 2, Likelihood::Bernoulli);
    assert_eq!((vq.grid(), vq.places(), vq.rounded_len()), ([2, 6], 12, 36));
}

#[test]
fn tensors_have_the_names_that_pytorch_would_give() {
    let vq = vq(Shape::image(4, 4, 1), &[2], &[5], 1, Likelihood::Bernoulli);
    let weights = vq.tensors().filter(|t| t.role().name() == "weight");
    let names: Vec<String> =
        weights.map(|t| std::format!("{}.{} {:?}", t.network, t.tensor.layer, t.tensor.shape())).collect();
    assert_eq!(
        names,
        [
            "encoder.0 [2, 1, 4, 4]",
            "encoder.2 [5, 2, 3, 3]",
            "encoder.4 [3, 5, 1, 1]",
            "decoder.0 [5, 3, 3, 3]",
            "decoder.2 [5, 1, 4, 4]",
        ]
    );
    let end = vq.tensors().last().unwrap().tensor;
    assert_eq!(end.offset + end.len(), vq.param_len());
}

#[test]
fn what_is_not_finite_leaves_the_model_as_it_was() {
    for vq in all() {
        let mut run = Run::new(vq, 5);
        let (params, state) = (run.params.clone(), run.state.clone());
        for bad in [f32::NAN, f32::INFINITY] {
            run.x[4] = bad;
            assert_eq!(run.step(BASE, &STEP), Err(Error::NotFinite), "{bad}");
        }
        run.x[4] = 0.5;
        run.weights.fill(f32::MAX);
        assert_eq!(run.step(BASE, &STEP), Err(Error::NotFinite));
        assert!(run.params == params && run.state == state && run.moments.iter().all(|&m| m == 0.0));
        let mut codes = vec![7; 5 * run.vq.places()];
        run.x[4] = f32::NAN;
        let model = Model { params: &params, state: &state };
        let scratch = &mut Scratch::new(&mut run.memory);
        assert_eq!(run.vq.encode(BASE, model, &run.x, &mut codes, scratch), Err(Error::NotFinite));
        assert!(codes.iter().all(|&code| code == 7));
    }
}

#[test]
fn scratch_of_the_told_size_is_enough_and_less_is_an_error() {
    for vq in all() {
        let mut run = Run::new(vq, 5);
        let (model, n) = (Model { params: &run.params, state: &run.state }, 5);
        let mut memory = vec![0x7fu8; run.vq.run_scratch_len(n)];
        let (mut codes, mut out) = (vec![7; n * run.vq.places()], vec![7f32; run.x.len()]);
        let less = &mut Scratch::new(&mut memory[1..]);
        assert_eq!(run.vq.encode(BASE, model, &run.x, &mut codes, less), Err(Error::ScratchTooSmall));
        assert_eq!(run.vq.reconstruct(BASE, model, &run.x, &mut out, less), Err(Error::ScratchTooSmall));
        assert!(codes.iter().all(|&c| c == 7) && out.iter().all(|&v| v == 7.0));
        let enough = &mut Scratch::new(&mut memory);
        run.vq.encode(BASE, model, &run.x, &mut codes, enough).unwrap();
        run.vq.reconstruct(BASE, model, &run.x, &mut out, enough).unwrap();
        run.vq.decode(BASE, model, &codes, &mut out, enough).unwrap();
        let before = (run.params.clone(), run.state.clone());
        run.memory.pop();
        assert_eq!(run.step(BASE, &STEP), Err(Error::ScratchTooSmall));
        assert!(before == (run.params, run.state));
        assert_eq!(run.vq.train_scratch_len(usize::MAX), usize::MAX);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let good = vq(Shape::flat(7), &[], &[6], 2, Likelihood::Bernoulli);
    let spec = good.spec().clone();
    for bad in [
        VqVaeSpec { groups: 0, ..spec.clone() },
        VqVaeSpec { codes: 0, ..spec.clone() },
        VqVaeSpec { dim: 0, ..spec.clone() },
        VqVaeSpec { likelihood: Likelihood::Gaussian { sigma: 0.0 }, ..spec.clone() },
    ] {
        assert_eq!(VqVae::new(bad).unwrap_err(), Error::InvalidArgument);
    }
    let arch = Arch { channels: widths(&[2]), ..spec.arch.clone() };
    let uneven = VqVaeSpec { input: Shape::image(4, 5, 1), arch, ..spec.clone() };
    assert_eq!(VqVae::new(uneven).unwrap_err(), Error::Unsupported);
    let deep = Arch { channels: widths(&[2; 4]), hidden: widths(&[2; 4]), ..spec.arch.clone() };
    let deep = VqVaeSpec { input: Shape::image(64, 64, 1), arch: deep, ..spec };
    assert_eq!(VqVae::new(deep).unwrap_err(), Error::CapacityExceeded);
    let mut run = Run::new(good, 5);
    let before = (run.params.clone(), run.state.clone());
    for step in [
        VqStep { beta: -1.0, ..STEP },
        VqStep { beta: f32::NAN, ..STEP },
        VqStep { t: 0, ..STEP },
        VqStep { follow: Follow { decay: 1.1, ..STEP.follow }, ..STEP },
        VqStep { optimiser: Adam { rate: 0.0, ..Adam::default() }.into(), ..STEP },
    ] {
        assert_eq!(run.step(BASE, &step), Err(Error::InvalidArgument));
    }
    for weight in [-1.0, f32::NAN, f32::INFINITY] {
        run.weights[1] = weight;
        assert_eq!(run.step(BASE, &STEP), Err(Error::InvalidArgument));
    }
    run.weights.pop();
    assert_eq!(run.step(BASE, &STEP), Err(Error::ShapeMismatch));
    assert!(before == (run.params.clone(), run.state.clone()));
    let (model, scratch) =
        (Model { params: &run.params, state: &run.state }, &mut Scratch::new(&mut run.memory));
    let (mut out, mut codes) = (vec![7f32; 7], vec![7; 2]);
    assert_eq!(run.vq.decode(BASE, model, &[0, 6], &mut out, scratch), Err(Error::InvalidArgument));
    assert_eq!(run.vq.decode(BASE, model, &[0], &mut out, scratch), Err(Error::ShapeMismatch));
    assert_eq!(run.vq.decode(BASE, model, &[], &mut [], scratch), Err(Error::InvalidArgument));
    assert_eq!(run.vq.encode(BASE, model, &run.x, &mut codes, scratch), Err(Error::ShapeMismatch));
    let short = Model { state: &run.state[1..], ..model };
    assert_eq!(run.vq.encode(BASE, short, &run.x[..7], &mut codes, scratch), Err(Error::ShapeMismatch));
    assert!(out.iter().all(|&v| v == 7.0) && codes == [7, 7]);
}
