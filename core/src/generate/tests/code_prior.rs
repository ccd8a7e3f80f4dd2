//! The prior of grids of codes.

use super::*;
use crate::nn::Optimiser;
use proptest::prelude::*;

fn prior(grid: [usize; 2], codes: usize, classes: usize, radius: usize) -> CodePrior {
    let (hidden, activation) = (widths(&[24]), Activation::Tanh);
    CodePrior::new(CodePriorSpec { grid, codes, classes, radius, embedding: 5, hidden, activation }).unwrap()
}

fn initial(prior: &CodePrior) -> Vec<f32> {
    let mut params = vec![0f32; prior.param_len()];
    prior.init(4, &mut params).unwrap();
    params
}

/// Grids, and a class for each where there are any.
fn grids(prior: &CodePrior, n: usize) -> (Vec<u32>, Vec<u32>) {
    let mut stream = Stream::new(6, Key::new(0));
    let codes = prior.spec().codes as u32;
    let grids = (0..n * prior.places()).map(|_| stream.below(codes)).collect();
    let classes = prior.spec().classes;
    (grids, if classes == 0 { vec![] } else { (0..n).map(|i| (i % classes) as u32).collect() })
}

/// All places of so many grids.
fn pairs(prior: &CodePrior, n: usize) -> Vec<[u32; 2]> {
    (0..n as u32).flat_map(|i| (0..prior.places() as u32).map(move |place| [i, place])).collect()
}

fn nll(prior: &CodePrior, params: &[f32], of: (&[u32], &[u32])) -> Vec<f32> {
    let n = of.0.len() / prior.places();
    let (mut nll, mut memory) = (vec![f32::NAN; n], vec![0x7fu8; prior.run_scratch_len(n)]);
    prior.nll(BASE, params, of, &mut nll, &mut Scratch::new(&mut memory)).unwrap();
    nll
}

fn sample<E: Executor>(
    on: Engine<'_, E>,
    prior: &CodePrior,
    params: &[f32],
    temperature: f32,
    (seed, first, labels, n): (u64, u64, &[u32], usize),
) -> Vec<u32> {
    let mut grids = vec![u32::MAX; n * prior.places()];
    let mut memory = vec![0x7fu8; prior.run_scratch_len(n)];
    let scratch = &mut Scratch::new(&mut memory);
    prior.sample(on, params, temperature, (seed, first, labels), &mut grids, scratch).unwrap();
    grids
}

proptest! {
    #[test]
    fn a_context_is_the_window_before_a_place(height in 1usize..6, width in 1usize..6, radius in 1usize..5,
                                              classes in 0usize..3, seed: u64) {
        let prior = prior([height, width], 9, classes, radius);
        let mut stream = Stream::new(seed, Key::new(0));
        let grid: Vec<u32> = (0..height * width).map(|_| stream.below(9)).collect();
        let place = stream.index(grid.len());
        let class = (classes > 0).then(|| stream.below(classes as u32));
        let (row, column) = ((place / width) as i64, (place % width) as i64);
        let mut want = vec![];
        let (up, side) = (radius.min(height - 1) as i64, radius.min(width - 1) as i64);
        for r in row - up..=row {
            for c in column - side..=column + side {
                if r == row && c >= column {
                    break;
                }
                let inside = r >= 0 && c >= 0 && c < width as i64;
                want.push(if inside { grid[(r * width as i64 + c) as usize] as f32 } else { 9.0 });
            }
        }
        want.push((10 + row) as f32);
        want.push((10 + height as i64 + column) as f32);
        want.extend(class.map(|class| (10 + height + width) as f32 + class as f32));
        let mut got = vec![f32::NAN; prior.tokens()];
        // What comes after the place may be anything.
        let mut known = grid.clone();
        known[place..].fill(u32::MAX);
        prior.context(&known, place, class, &mut got).unwrap();
        prop_assert_eq!(got, want);
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for (prior, smooth) in [(prior([2, 3], 4, 2, 1), 3e-3), (prior([1, 4], 3, 0, 3), 3e-3)] {
        let (mut params, n) = (initial(&prior), 4);
        let (grids, labels) = grids(&prior, n);
        let (weights, pairs) = ([0.5, 1.0, 0.0, 2.0], pairs(&prior, n));
        let batch = CodeBatch { grids: &grids, labels: &labels, weights: &weights, pairs: &pairs };
        let mut memory = vec![0x7fu8; prior.train_scratch_len(pairs.len())];
        let mut grads = vec![f32::NAN; params.len()];
        let scratch = &mut Scratch::new(&mut memory);
        let loss = prior.gradients(BASE, &params, &batch, &mut grads, scratch).unwrap();
        // All places of a grid together cost what the grid does.
        let whole = |params: &[f32]| -> f64 {
            let nll = nll(&prior, params, (&grids, &labels));
            nll.iter().zip(weights).map(|(nll, w)| f64::from(*nll) * f64::from(w)).sum()
        };
        assert!((loss - whole(&params)).abs() < 1e-5 * loss);
        let step = 1.0 / 128.0;
        for i in (0..params.len()).step_by(5) {
            let old = params[i];
            let mut at = |p: f32| {
                params[i] = p;
                whole(&params) / pairs.len() as f64
            };
            let want = (at(old + step) - at(old - step)) / (2.0 * f64::from(step));
            params[i] = old;
            assert!(
                (f64::from(grads[i]) - want).abs() < smooth * (1.0 + want.abs()),
                "{i}: {} {want}",
                grads[i]
            );
        }
    }
}

/// Trains on batches of pairs that are drawn from all.
fn train<E: Executor>(
    on: Engine<'_, E>,
    prior: &CodePrior,
    (grids, labels): (&[u32], &[u32]),
    steps: u64,
) -> (Vec<f32>, f64) {
    let mut params = initial(prior);
    let (mut grads, mut moments) = (vec![0f32; params.len()], vec![0f32; 2 * params.len()]);
    let n = grids.len() / prior.places();
    let (weights, all) = (vec![1f32; n], pairs(prior, n));
    let mut memory = vec![0x7fu8; prior.train_scratch_len(64)];
    let (optimiser, mut loss) = (Optimiser::from(Adam { rate: 0.01, ..Adam::default() }), 0.0);
    for t in 1..=steps {
        let mut stream = Stream::new(5, Key::new(0).sample(t));
        let pairs: Vec<[u32; 2]> = (0..64).map(|_| all[stream.index(all.len())]).collect();
        let batch = CodeBatch { grids, labels, weights: &weights, pairs: &pairs };
        let mut trainee = Trainee {
            params: &mut params,
            grads: &mut grads,
            moments: &mut moments,
            groups: &[],
            adapters: Adapters::default(),
        };
        let scratch = &mut Scratch::new(&mut memory);
        loss = prior.train_step(on, &mut trainee, &batch, (&optimiser, t), scratch).unwrap() / 64.0;
    }
    (params, loss)
}

#[test]
fn it_learns_patterns_of_each_class_and_samples_them() {
    let prior = prior([4, 4], 5, 2, 2);
    // Class 0 counts along the rows from a first code that is 0 or 2; class 1 is the same down the columns.
    let grid = |class: u32, first: u32| {
        (0..16u32).map(move |i| (first + if class == 0 { i % 4 } else { i / 4 }) % 5)
    };
    let all = [(0, 0), (1, 0), (0, 2), (1, 2)];
    let train_on: Vec<u32> = all.into_iter().flat_map(|(class, first)| grid(class, first)).collect();
    let (params, loss) = train(BASE, &prior, (&train_on, &[0, 1, 0, 1]), 1000);
    assert!(loss < 0.15, "{loss}");
    // Nothing but the first code is left to chance: ln 2 nats.
    for nll in nll(&prior, &params, (&train_on, &[0, 1, 0, 1])) {
        assert!((nll - 0.693).abs() < 0.35, "{nll}");
    }
    let labels: Vec<u32> = (0..200).map(|i| i % 2).collect();
    let sampled = sample(BASE, &prior, &params, 1.0, (1, 0, &labels, 200));
    let (mut right, mut zero) = (0, 0);
    for (got, &class) in sampled.chunks(16).zip(&labels) {
        right += u32::from([0, 2].into_iter().any(|first| grid(class, first).eq(got.iter().copied())));
        zero += u32::from(got[0] == 0);
    }
    assert!(right > 180 && (70..130).contains(&zero), "{right} {zero}");
    // Without chance they are all the same.
    let sure = sample(BASE, &prior, &params, 0.0, (1, 0, &labels, 200));
    assert!(sure.chunks(32).take(6).all(|two| two == &sure[..32]));
    assert!(grid(0, 0).eq(sure[..16].iter().copied()) || grid(0, 2).eq(sure[..16].iter().copied()));
}

#[test]
fn codes_are_drawn_as_often_as_they_are_likely() {
    let prior = prior([1, 1], 3, 0, 1);
    let mut params = initial(&prior);
    // Of the last layer nothing but the bias counts: logits of 0, ln 2 and ln 5.
    let at = params.len() - 3;
    params[at - 24 * 3..at].fill(0.0);
    params[at..].copy_from_slice(&[0.0, 2f32.ln(), 5f32.ln()]);
    let share = |temperature: f32| {
        let codes = sample(BASE, &prior, &params, temperature, (1, 0, &[], 20_000));
        [0, 1, 2].map(|code| codes.iter().filter(|c| **c == code).count() as f64 / 20_000.0)
    };
    for (temperature, want) in [(1.0, [0.125, 0.25, 0.625]), (0.5, [1.0 / 30.0, 4.0 / 30.0, 25.0 / 30.0])] {
        // Five standard errors.
        assert!(
            share(temperature).iter().zip(want).all(|(s, w)| (s - w).abs() < 0.018),
            "{:?}",
            share(temperature)
        );
    }
    assert_eq!(share(0.0), [0.0, 0.0, 1.0]);
    assert_eq!(share(1e-38), [0.0, 0.0, 1.0]);
    params[at..].fill(1.0);
    assert_eq!(sample(BASE, &prior, &params, 0.0, (1, 0, &[], 2)), [0, 0]);
}

#[test]
fn a_sample_does_not_depend_on_what_is_made_with_it() {
    for (prior, classes) in [(prior([3, 4], 7, 3, 2), 3), (prior([1, 5], 7, 0, 3), 0)] {
        let (params, places) = (initial(&prior), prior.places());
        let labels: Vec<u32> = (0..6).map(|i| i % 3).collect();
        let make = |first: usize, n: usize| {
            let labels = if classes == 0 { &[] } else { &labels[first..first + n] };
            sample(BASE, &prior, &params, 0.9, (5, first as u64, labels, n))
        };
        let all = make(0, 6);
        let parts: Vec<u32> = [(0, 1), (1, 3), (4, 2)].into_iter().flat_map(|(i, n)| make(i, n)).collect();
        assert_eq!(all, parts);
        assert!(all.iter().all(|&code| code < 7) && all[..places] != all[places..2 * places]);
    }
}

#[test]
fn training_and_samples_have_the_same_bits_at_every_level_and_on_two_threads() {
    let prior = prior([3, 4], 40, 3, 2);
    let (grids, labels) = grids(&prior, 30);
    let run = |prior: &CodePrior, params: &[f32], on: Engine<'_, TwoThreads>| {
        sample(on, prior, params, 0.8, (2, 7, &labels, 30))
    };
    let (want, _) = train(BASE, &prior, (&grids, &labels), 3);
    let codes = sample(BASE, &prior, &want, 0.8, (2, 7, &labels, 30));
    for level in Level::available() {
        assert!(train(Engine { level, exec: &Serial }, &prior, (&grids, &labels), 3).0 == want, "{level:?}");
        for threads in [2, 3] {
            let (prior, on) = (prior.clone().for_threads(threads), Engine { level, exec: &TwoThreads });
            assert!(train(on, &prior, (&grids, &labels), 3).0 == want, "{level:?} on {threads}");
            assert_eq!(run(&prior, &want, on), codes);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let good = prior([2, 3], 4, 2, 1);
    let spec = good.spec().clone();
    for bad in [
        CodePriorSpec { grid: [0, 3], ..spec.clone() },
        CodePriorSpec { codes: 0, ..spec.clone() },
        CodePriorSpec { radius: 0, ..spec.clone() },
        CodePriorSpec { embedding: 0, ..spec.clone() },
        CodePriorSpec { codes: 1 << 24, ..spec.clone() },
    ] {
        assert_eq!(CodePrior::new(bad).unwrap_err(), Error::InvalidArgument);
    }
    for grid in [[usize::MAX, usize::MAX], [usize::MAX, 1]] {
        let spec = CodePriorSpec { grid, radius: usize::MAX, ..spec.clone() };
        assert_eq!(CodePrior::new(spec).unwrap_err(), Error::Overflow);
    }
    let mut context = [7f32; 7];
    let mut see =
        |grid: &[u32], place, class, out: usize| good.context(grid, place, class, &mut context[..out]);
    assert_eq!(see(&[0; 5], 0, Some(0), 7), Err(Error::ShapeMismatch));
    assert_eq!(see(&[0; 6], 0, None, 7), Err(Error::ShapeMismatch));
    assert_eq!(see(&[0; 6], 0, Some(0), 6), Err(Error::ShapeMismatch));
    assert_eq!(see(&[0; 6], 6, Some(0), 7), Err(Error::InvalidArgument));
    assert_eq!(see(&[0; 6], usize::MAX, Some(0), 7), Err(Error::InvalidArgument));
    assert_eq!(see(&[0; 6], 0, Some(2), 7), Err(Error::InvalidArgument));
    assert_eq!(see(&[4; 6], 1, Some(1), 7), Err(Error::InvalidArgument));
    assert_eq!(context, [7.0; 7]);

    let (mut params, (grids, labels)) = (initial(&good), grids(&good, 2));
    let pairs = pairs(&good, 2);
    let batch = CodeBatch { grids: &grids, labels: &labels, weights: &[1.0; 2], pairs: &pairs };
    let before = params.clone();
    let (mut grads, mut moments) = (vec![7f32; params.len()], vec![0f32; 2 * params.len()]);
    let mut memory = vec![0u8; good.train_scratch_len(12)];
    let mut step = |params: &mut [f32], batch: CodeBatch<'_>, t, bytes: usize| {
        let mut trainee = Trainee {
            params,
            grads: &mut grads,
            moments: &mut moments,
            groups: &[],
            adapters: Adapters::default(),
        };
        let scratch = &mut Scratch::new(&mut memory[..bytes]);
        good.train_step(BASE, &mut trainee, &batch, (&Adam::default().into(), t), scratch).unwrap_err()
    };
    let bytes = good.train_scratch_len(12);
    assert_eq!(step(&mut params, batch, 0, bytes), Error::InvalidArgument);
    assert_eq!(step(&mut params, batch, 1, bytes - 1), Error::ScratchTooSmall);
    for pairs in [&[[2, 0]][..], &[[0, 6]]] {
        assert_eq!(step(&mut params, CodeBatch { pairs, ..batch }, 1, bytes), Error::InvalidArgument);
    }
    assert_eq!(step(&mut params, CodeBatch { pairs: &[], ..batch }, 1, bytes), Error::ShapeMismatch);
    assert_eq!(step(&mut params, CodeBatch { grids: &[4; 12], ..batch }, 1, bytes), Error::InvalidArgument);
    assert_eq!(step(&mut params, CodeBatch { grids: &[0; 6], ..batch }, 1, bytes), Error::ShapeMismatch);
    assert_eq!(step(&mut params, CodeBatch { labels: &[0, 2], ..batch }, 1, bytes), Error::InvalidArgument);
    assert_eq!(
        step(&mut params, CodeBatch { weights: &[1.0, -1.0], ..batch }, 1, bytes),
        Error::InvalidArgument
    );
    assert_eq!(step(&mut params[1..], batch, 1, bytes), Error::ShapeMismatch);
    params[3] = f32::NAN;
    params[4] = f32::NAN;
    let at = params.len() - 1;
    params[at] = f32::NAN;
    assert_eq!(step(&mut params, batch, 1, bytes), Error::NotFinite);
    assert!(moments.iter().all(|&m| m == 0.0));

    let mut out = [7; 12];
    let mut draw = |params: &[f32], temperature, labels: &[u32], bytes: usize| {
        let scratch = &mut Scratch::new(&mut memory[..bytes]);
        good.sample(BASE, params, temperature, (1, 0, labels), &mut out, scratch)
    };
    let bytes = good.run_scratch_len(2);
    for temperature in [-1.0, f32::NAN, f32::INFINITY] {
        assert_eq!(draw(&before, temperature, &[0, 1], bytes), Err(Error::InvalidArgument));
    }
    assert_eq!(draw(&before, 1.0, &[0, 2], bytes), Err(Error::InvalidArgument));
    assert_eq!(draw(&before, 1.0, &[0], bytes), Err(Error::ShapeMismatch));
    assert_eq!(draw(&before[1..], 1.0, &[0, 1], bytes), Err(Error::ShapeMismatch));
    assert_eq!(draw(&before, 1.0, &[0, 1], bytes - 1), Err(Error::ScratchTooSmall));
    for temperature in [0.0, 1.0] {
        assert_eq!(draw(&params, temperature, &[0, 1], bytes), Err(Error::NotFinite));
    }
    assert_eq!(out, [7; 12]);
    assert_eq!(good.train_scratch_len(usize::MAX), usize::MAX);
}
