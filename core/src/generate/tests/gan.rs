//! The adversarial network.

use super::*;
use crate::augment::diff::{Ada, AdaController, DiffAugment};
use crate::nn::loss::{Adversarial, LeCam};
use crate::nn::{Draws, Ema, Model, Optimiser};

fn flat(classes: usize) -> GanSpec {
    GanSpec {
        output: Shape::flat(2),
        latent: 2,
        classes,
        unit: false,
        generator: GeneratorSpec { hidden: widths(&[16]), ..GeneratorSpec::default() },
        discriminator: DiscriminatorSpec { hidden: widths(&[16]), ..DiscriminatorSpec::default() },
        rules: GanRules::default(),
    }
}

fn pictures(classes: usize, norm: DiscriminatorNorm, rules: GanRules) -> GanSpec {
    GanSpec {
        output: Shape::image(6, 10, 2),
        latent: 3,
        classes,
        unit: true,
        generator: GeneratorSpec { channels: widths(&[3, 4]), batch_norm: true, ..GeneratorSpec::default() },
        discriminator: DiscriminatorSpec { channels: widths(&[3, 4]), norm, ..DiscriminatorSpec::default() },
        rules,
    }
}

/// Each loss, norm and augmentation in at least one of them.
fn specs() -> Vec<GanSpec> {
    let rules = GanRules::default();
    let squares = Adversarial::LeastSquares { real: 1.0, fake: 0.0, generator: 1.0 };
    let lecam = Some(LeCam { weight: 0.3, decay: 0.5 });
    vec![
        flat(0),
        flat(2),
        pictures(0, DiscriminatorNorm::Batch, rules),
        pictures(2, DiscriminatorNorm::None, GanRules { r1: 0.7, loss: squares, ..rules }),
        pictures(3, DiscriminatorNorm::None, GanRules { show: Show::Ada(Ada::ALL), lecam, ..rules }),
        pictures(
            2,
            DiscriminatorNorm::Spectral,
            GanRules { show: Show::Diff(DiffAugment::default()), loss: Adversarial::Hinge, ..rules },
        ),
        pictures(0, DiscriminatorNorm::Spectral, GanRules { loss: Adversarial::Wasserstein, ..rules }),
    ]
}

/// A model in training.
#[derive(Clone)]
struct Learner {
    gan: Gan,
    params: Vec<f32>,
    grads: Vec<f32>,
    moments: Vec<f32>,
    state: Vec<f32>,
    average: Vec<f32>,
    memory: GanMemory,
    groups: Vec<ParamGroup>,
}

impl Learner {
    fn new(gan: Gan) -> Self {
        let mut params = vec![0f32; gan.param_len()];
        let mut state = vec![0f32; gan.state_len()];
        gan.init(5, &mut params, &mut state).unwrap();
        let ada = AdaController { interval: 1, images_for_full: 10, p: 0.5, ..AdaController::default() };
        Self {
            average: params[..gan.generator_len()].to_vec(),
            grads: vec![0f32; params.len()],
            moments: vec![0f32; gan.moment_len()],
            memory: GanMemory { ada, ..GanMemory::default() },
            groups: vec![],
            gan,
            params,
            state,
        }
    }

    fn step_in<E: Executor>(
        &mut self,
        on: Engine<'_, E>,
        batch: &Batch<'_>,
        step: &GanStep<'_>,
        memory: &mut [u8],
    ) -> crate::Result<GanTerms> {
        let keys: Vec<Key> = (0..batch.weights.len() as u64).map(|i| Key::new(3).sample(i)).collect();
        let step = GanStep { draws: Draws { seed: 5, keys: &keys }, ..*step };
        let mut of = GanTrainee {
            trainee: Trainee {
                params: &mut self.params,
                grads: &mut self.grads,
                moments: &mut self.moments,
                groups: &self.groups,
                adapters: Adapters::default(),
            },
            state: &mut self.state,
            average: &mut self.average,
            memory: &mut self.memory,
        };
        self.gan.train_step(on, &mut of, batch, &step, &mut Scratch::new(memory))
    }

    fn step<E: Executor>(&mut self, on: Engine<'_, E>, data: &Owned, step: &GanStep<'_>) -> GanTerms {
        let mut memory = vec![0x7fu8; self.gan.train_scratch_len(data.weights.len())];
        self.step_in(on, &data.batch(), step, &mut memory).unwrap()
    }

    fn data(&self) -> Owned {
        let spec = self.gan.spec();
        Owned::new(6, self.gan.width(), spec.latent, spec.classes)
    }

    fn samples(&self, params: &[f32], labels: &[u32], n: usize) -> Vec<f32> {
        let state = &self.state[..self.gan.generator_state_len()];
        let labels = if self.gan.spec().classes == 0 { &[] } else { labels };
        let mut out = vec![0f32; n * self.gan.width()];
        let mut memory = vec![0x7fu8; self.gan.run_scratch_len(n)];
        let scratch = &mut Scratch::new(&mut memory);
        self.gan.sample(BASE, Model { params, state }, 1.0, (1, 0, labels), &mut out, scratch).unwrap();
        out
    }
}

fn step(rate: f32, t: u64) -> GanStep<'static> {
    let adam = Optimiser::from(Adam { rate, beta1: 0.5, ..Adam::default() });
    let ema = Ema { decay: 0.99, warm_up: false };
    GanStep { generator: adam, discriminator: adam, t, both: true, ema, draws: Draws::default() }
}

/// Trains on two far points, one for each class.
fn train_gan<E: Executor>(on: Engine<'_, E>, steps: u64) -> Learner {
    let mut learner = Learner::new(Gan::new(flat(2)).unwrap());
    let ids: Vec<u64> = (0..32).collect();
    for t in 1..=steps {
        let mut data = Owned {
            x: vec![0f32; 64],
            labels: (0..32).map(|i| i % 2).collect(),
            weights: vec![1.0; 32],
            noise: vec![0f32; 64],
        };
        Stream::new(8, Key::new(1).epoch(t as u32)).fill_normal(Level::BASE, &mut data.x);
        for (i, x) in data.x.iter_mut().enumerate() {
            *x = 0.2 * *x + if (i / 2) % 2 == 0 { 2.0 } else { -2.0 };
        }
        training_noise(Level::BASE, 3, t as u32, &ids, &mut data.noise).unwrap();
        let terms = learner.step(on, &data, &step(2e-3, t));
        assert!(terms.discriminator.is_finite() && terms.generator > 0.0);
    }
    learner
}

#[test]
fn a_gan_learns_where_each_class_lies() {
    let learner = train_gan(BASE, 1500);
    let labels: Vec<u32> = (0..400).map(|i| i % 2).collect();
    let out = learner.samples(&learner.average, &labels, 400);
    for class in 0..2 {
        let own = || out.chunks(2).zip(&labels).filter(move |(_, l)| **l == class).map(|(x, _)| x[0]);
        let mean = own().sum::<f32>() / 200.0;
        let want = if class == 0 { 2.0 } else { -2.0 };
        assert!((mean - want).abs() < 0.5, "class {class}: {mean}");
    }
}

#[test]
fn gan_training_has_the_same_bits_at_every_level_and_on_two_threads() {
    for spec in specs() {
        let bits = |on: Engine<'_, Serial>, two: bool| {
            let mut learner = Learner::new(Gan::new(spec.clone()).unwrap().for_threads(2));
            let data = learner.data();
            for t in 1..=3 {
                if two {
                    learner.step(Engine { level: on.level, exec: &TwoThreads }, &data, &step(1e-2, t));
                } else {
                    learner.step(on, &data, &step(1e-2, t));
                }
            }
            let all = [&learner.params[..], &learner.state, &learner.average].concat();
            (all.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), learner.memory)
        };
        let want = bits(BASE, false);
        for level in Level::available() {
            for two in [false, true] {
                assert!(bits(Engine { level, exec: &Serial }, two) == want, "{spec:?}");
            }
        }
    }
}

/// A step with a rate so small that the parameters stay: the losses of both sides, and the learner with its gradients.
fn still(learner: &Learner, data: &Owned) -> (f64, f64, Learner) {
    let mut learner = learner.clone();
    let terms = learner.step(BASE, data, &step(1e-12, 2));
    (terms.discriminator + terms.r1, terms.generator, learner)
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for spec in specs() {
        let learner = Learner::new(Gan::new(spec.clone()).unwrap());
        let data = Owned { weights: vec![1.0; 6], ..learner.data() };
        let (_, _, after) = still(&learner, &data);
        // u and v of a spectral norm count as constants, which they are nearly; a few steps go over an edge of ReLU.
        let (h, mut off, mut all) = (1.0 / 1024.0, [0f64; 2], [0f64; 2]);
        let split = learner.gan.generator_len();
        for i in (0..learner.params.len()).step_by(if split > 100 { 7 } else { 1 }) {
            let at = |by: f32| {
                let mut moved = learner.clone();
                moved.params[i] += by;
                let (d, g, _) = still(&moved, &data);
                if i < split { g } else { d }
            };
            let want = (at(h) - at(-h)) / (2.0 * h as f64);
            let side = usize::from(i < split);
            off[side] += (after.grads[i] as f64 - want).abs();
            all[side] += want.abs();
        }
        for (off, all) in off.into_iter().zip(all) {
            assert!(all > 0.0 && off < 0.03 * all, "{off} of {all}, {spec:?}");
        }
    }
}

#[test]
fn weights_count_for_real_samples() {
    let learner = Learner::new(Gan::new(flat(0)).unwrap());
    let mut data = Owned::new(2, 2, 2, 0);
    let grads = |data: &Owned| still(&learner, data).2.grads;
    data.weights = vec![2.0, 0.0];
    let weighted = grads(&data);
    // The first sample twice with the weight 1 each, in the place of the second.
    data.weights = vec![1.0, 1.0];
    let plain = grads(&data);
    data.x.copy_within(0..2, 2);
    let twice = grads(&data);
    let far = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far(&weighted, &twice) < 1e-6, "{}", far(&weighted, &twice));
    assert!(far(&weighted, &plain) > 1e-3);
}

#[test]
fn frozen_layers_and_groups_stay_as_they_are() {
    let spec = pictures(2, DiscriminatorNorm::Spectral, GanRules::default());
    let whole = Learner::new(Gan::new(spec.clone()).unwrap());
    let split = whole.gan.generator_len();
    let first = whole.gan.tensors().find(|t| t.network == "discriminator" && t.tensor.layer == 2).unwrap();
    let frozen = first.tensor.offset - split;
    let rest = whole.params.len() - split - frozen;
    let group = |len, rate| ParamGroup::new(len, rate);
    let groups = vec![group(split, 1.0), group(frozen, 0.0), group(rest, 0.5)];
    let data = whole.data();
    let run = |gan: Gan, groups: &[ParamGroup]| {
        let mut learner = Learner { groups: groups.to_vec(), ..Learner::new(gan) };
        learner.step(BASE, &data, &step(1e-2, 1));
        learner
    };
    let grouped = run(whole.gan.clone(), &groups);
    let cut = run(Gan::frozen(spec.clone(), [0, 2]).unwrap(), &groups);
    assert_eq!(grouped.params, cut.params);
    let same = |from: usize, to: usize| grouped.params[from..to] == whole.params[from..to];
    assert!(same(split, split + frozen) && !same(0, split) && !same(split + frozen, whole.params.len()));
    // One group with the rate 1 is no group at all.
    let one = run(whole.gan.clone(), &[group(split, 1.0), group(rest + frozen, 1.0)]);
    assert_eq!(one.params, run(whole.gan.clone(), &[]).params);
    let refused = |gan: Gan, groups: Vec<ParamGroup>| {
        let mut learner = Learner { groups, ..Learner::new(gan) };
        let mut memory = vec![0u8; learner.gan.train_scratch_len(6)];
        learner.step_in(BASE, &data.batch(), &step(1e-2, 1), &mut memory).unwrap_err()
    };
    let frozen_gan = || Gan::frozen(spec.clone(), [0, 2]).unwrap();
    assert_eq!(refused(frozen_gan(), vec![]), Error::InvalidArgument);
    assert_eq!(
        refused(frozen_gan(), vec![group(split, 1.0), group(rest + frozen, 1.0)]),
        Error::InvalidArgument
    );
    assert_eq!(refused(whole.gan.clone(), vec![group(rest + frozen + split, 1.0)]), Error::ShapeMismatch);
    assert_eq!(refused(whole.gan.clone(), vec![group(split, 1.0)]), Error::ShapeMismatch);
    assert_eq!(
        refused(whole.gan.clone(), vec![group(split, -1.0), group(rest + frozen, 1.0)]),
        Error::InvalidArgument
    );
}

#[test]
fn on_error_all_is_untouched() {
    let before = Learner::new(Gan::new(flat(2)).unwrap());
    let whole = before.gan.train_scratch_len(6);
    let mut data = before.data();
    let run = |data: &Owned, step: &GanStep<'_>, bytes: usize| {
        let mut learner = before.clone();
        let got = learner.step_in(BASE, &data.batch(), step, &mut vec![0u8; bytes]);
        let same = learner.params == before.params
            && learner.moments == before.moments
            && learner.average == before.average
            && learner.memory == before.memory;
        (got.unwrap_err(), same)
    };
    let good = step(1e-3, 1);
    for bytes in [0, whole / 2, whole - 1] {
        assert_eq!(run(&data, &good, bytes), (Error::ScratchTooSmall, true));
    }
    let adam = |rate, beta1| Optimiser::from(Adam { rate, beta1, ..Adam::default() });
    for bad in [
        GanStep { generator: adam(0.0, 0.9), ..good },
        GanStep { discriminator: adam(f32::INFINITY, 0.9), ..good },
        GanStep { generator: adam(0.1, 1.0), ..good },
        GanStep { t: 0, ..good },
        GanStep { ema: Ema { decay: f32::NAN, warm_up: false }, ..good },
    ] {
        assert_eq!(run(&data, &bad, whole), (Error::InvalidArgument, true), "{bad:?}");
    }
    data.x[3] = f32::NAN;
    assert_eq!(run(&data, &good, whole), (Error::NotFinite, true));
}

#[test]
fn what_does_not_fit_is_refused() {
    let bad = |change: fn(&mut GanSpec)| {
        let mut spec = pictures(0, DiscriminatorNorm::Batch, GanRules::default());
        change(&mut spec);
        Gan::new(spec).unwrap_err()
    };
    assert_eq!(bad(|s| s.latent = 0), Error::InvalidArgument);
    assert_eq!(bad(|s| s.rules.r1 = f32::NAN), Error::InvalidArgument);
    assert_eq!(bad(|s| s.rules.r1 = 1.0), Error::Unsupported);
    assert_eq!(bad(|s| s.output = Shape::image(6, 9, 1)), Error::Unsupported);
    assert_eq!(bad(|s| s.output = Shape::image(2, 2, 1)), Error::InvalidArgument);
    assert_eq!(bad(|s| s.generator.hidden = widths(&[0])), Error::InvalidArgument);
    let mut spec = flat(0);
    spec.rules.show = Show::Diff(DiffAugment::default());
    assert_eq!(Gan::new(spec).unwrap_err(), Error::Unsupported);
}

#[test]
fn samples_do_not_depend_on_those_made_with_them() {
    for spec in specs() {
        let learner = Learner::new(Gan::new(spec.clone()).unwrap());
        let labels = [1u32, 0, 1, 1, 0];
        let params = &learner.params[..learner.gan.generator_len()];
        let all = learner.samples(params, &labels, 5);
        let first = learner.samples(params, &labels[..2], 2);
        assert_eq!(first, all[..first.len()], "{spec:?}");
        assert!(!spec.unit || all.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

#[test]
fn statistics_follow_the_parameters() {
    let spec = pictures(2, DiscriminatorNorm::None, GanRules::default());
    let learner = Learner::new(Gan::new(spec).unwrap());
    let (gan, params) = (&learner.gan, &learner.average);
    let mut state = learner.state[..gan.generator_state_len()].to_vec();
    let mut memory = vec![0x7fu8; gan.run_scratch_len(64)];
    let labels: Vec<u32> = (0..64).map(|i| i % 2).collect();
    let mut follow = |state: &mut [f32], first: u64, n: usize| {
        let scratch = &mut Scratch::new(&mut memory);
        gan.follow(BASE, (params, state), (7, first, n, &labels[..n]), scratch)
    };
    for i in 0..60 {
        follow(&mut state, 64 * i, 64).unwrap();
    }
    let settled = state.clone();
    (60..90).for_each(|i| follow(&mut state, 64 * i, 64).unwrap());
    let far = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far(&settled, &state) < 0.1 && far(&settled, &learner.state) > 0.2);
    assert_eq!(follow(&mut state[1..], 0, 2), Err(Error::ShapeMismatch));
}

#[test]
fn a_temperature_out_of_range_is_refused() {
    let gan = Gan::new(flat(0)).unwrap();
    let (params, mut out) = (vec![0.1f32; gan.generator_len()], [7f32; 4]);
    let mut memory = vec![0u8; gan.run_scratch_len(2)];
    let mut draw = |temperature, scratch: &mut [u8]| {
        let generator = Model { params: &params, state: &[] };
        gan.sample(BASE, generator, temperature, (1, 0, &[]), &mut out, &mut Scratch::new(scratch))
    };
    for bad in [-0.1, f32::NAN, f32::INFINITY] {
        assert_eq!(draw(bad, &mut memory), Err(Error::InvalidArgument));
    }
    let short = memory.len() - 1;
    assert_eq!(draw(1.0, &mut memory[..short]), Err(Error::ScratchTooSmall));
    assert_eq!(draw(0.0, &mut memory), Ok(()));
}
