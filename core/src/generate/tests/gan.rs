//! The adversarial network.

use super::*;

fn gan(classes: usize) -> Gan {
    Gan::new(GanSpec {
        width: 2,
        generator: widths(&[16]),
        discriminator: widths(&[16]),
        latent: 2,
        classes,
        likelihood: Likelihood::Gaussian { sigma: 1.0 },
    })
    .unwrap()
}

/// Trains on two far points, one for each class, and gives the parameters and their running mean.
fn train_gan<E: Executor>(on: Engine<'_, E>, gan: &Gan, steps: u64) -> (Vec<f32>, Vec<f32>, GanTerms) {
    let mut params = vec![0f32; gan.param_len()];
    gan.init(2, &mut params).unwrap();
    let mut average = params[..gan.generator_len()].to_vec();
    let (mut grads, mut moments) = (vec![0f32; params.len()], vec![0f32; gan.moment_len()]);
    let mut memory = vec![0x7fu8; gan.train_scratch_len(32)];
    let labels: Vec<u32> = (0..32).map(|i| i % 2).collect();
    let ids: Vec<u64> = (0..32).collect();
    let mut terms = GanTerms::default();
    for t in 1..=steps {
        let mut x = vec![0f32; 64];
        Stream::new(8, Key::new(1).epoch(t as u32)).fill_normal(Level::BASE, &mut x);
        for (i, x) in x.iter_mut().enumerate() {
            *x = 0.2 * *x + if (i / 2) % 2 == 0 { 2.0 } else { -2.0 };
        }
        let mut noise = vec![0f32; 64];
        training_noise(Level::BASE, 3, t as u32, &ids, &mut noise).unwrap();
        let batch = Batch { x: &x, labels: &labels, weights: &[1.0; 32], noise: &noise };
        let adam = Adam { rate: 2e-3, beta1: 0.5, ..Adam::default() };
        let step = GanStep { adam, t, real_target: 0.9, ema_decay: 0.99 };
        let mut trainee = Trainee { params: &mut params, grads: &mut grads, moments: &mut moments };
        terms = gan
            .train_step(on, &mut trainee, &mut average, &batch, &step, &mut Scratch::new(&mut memory))
            .unwrap();
    }
    (params, average, terms)
}

#[test]
fn a_gan_learns_where_each_class_lies() {
    let gan = gan(2);
    let (_, average, terms) = train_gan(BASE, &gan, 1500);
    assert!(terms.discriminator.is_finite() && terms.generator > 0.0);
    let labels: Vec<u32> = (0..400).map(|i| i % 2).collect();
    let (mut out, mut memory) = (vec![0f32; 800], vec![0u8; gan.run_scratch_len(400)]);
    gan.sample(BASE, &average, 1.0, (1, 0, &labels), &mut out, &mut Scratch::new(&mut memory)).unwrap();
    for class in 0..2 {
        let own = || out.chunks(2).zip(&labels).filter(move |(_, l)| **l == class).map(|(x, _)| x[0]);
        let mean = own().sum::<f32>() / 200.0;
        let want = if class == 0 { 2.0 } else { -2.0 };
        assert!((mean - want).abs() < 0.5, "class {class}: {mean}");
    }
}

#[test]
fn gan_training_has_the_same_bits_at_every_level_and_on_two_threads() {
    let gan = gan(2);
    let want = train_gan(BASE, &gan, 5);
    for level in Level::available() {
        assert!(train_gan(Engine { level, exec: &Serial }, &gan, 5) == want);
        assert!(train_gan(Engine { level, exec: &TwoThreads }, &gan, 5) == want);
    }
}

#[test]
fn the_gradient_of_the_generator_is_that_of_finite_differences() {
    let gan = gan(0);
    let mut params = vec![0f32; gan.param_len()];
    gan.init(6, &mut params).unwrap();
    let (mut grads, mut moments) = (vec![0f32; params.len()], vec![0f32; gan.moment_len()]);
    let mut memory = vec![0u8; gan.train_scratch_len(4)];
    let data = Owned::new(4, 2, 2, 0);
    // A rate so small that the discriminator stays where it is.
    let adam = Adam { rate: 1e-12, ..Adam::default() };
    let step = GanStep { adam, t: 1, real_target: 1.0, ema_decay: 0.0 };
    let mut run = |params: &mut [f32], grads: &mut [f32]| {
        let mut trainee = Trainee { params, grads, moments: &mut moments };
        let scratch = &mut Scratch::new(&mut memory);
        gan.train_step(BASE, &mut trainee, &mut [], &data.batch(), &step, scratch).unwrap().generator
    };
    run(&mut params, &mut grads);
    let (got, mut scrap) = (grads.clone(), grads);
    let h = 1.0 / 256.0;
    for i in 0..gan.generator_len() {
        let mut at = |by: f32| {
            let mut moved = params.clone();
            moved[i] += by;
            run(&mut moved, &mut scrap)
        };
        let want = (at(h) - at(-h)) / (2.0 * h as f64);
        assert!((got[i] as f64 - want).abs() < 2e-3, "{i}: {} {want}", got[i]);
    }
}

/// A step on `batch` with a rate so small that the parameters stay: gradients and terms.
fn gradients(gan: &Gan, params: &[f32], batch: &Batch<'_>) -> (Vec<f32>, GanTerms) {
    let (mut params, mut grads) = (params.to_vec(), vec![0f32; params.len()]);
    let mut moments = vec![0f32; gan.moment_len()];
    let mut memory = vec![0u8; gan.train_scratch_len(batch.weights.len())];
    let adam = Adam { rate: 1e-12, ..Adam::default() };
    let step = GanStep { adam, t: 1, real_target: 0.9, ema_decay: 0.0 };
    let mut trainee = Trainee { params: &mut params, grads: &mut grads, moments: &mut moments };
    let scratch = &mut Scratch::new(&mut memory);
    let terms = gan.train_step(BASE, &mut trainee, &mut [], batch, &step, scratch).unwrap();
    (grads, terms)
}

#[test]
fn the_gradient_of_the_discriminator_is_that_of_finite_differences() {
    for classes in [0, 2] {
        let gan = gan(classes);
        let mut params = vec![0f32; gan.param_len()];
        gan.init(6, &mut params).unwrap();
        let data = Owned { weights: vec![1.0; 4], ..Owned::new(4, 2, 2, classes) };
        let (got, _) = gradients(&gan, &params, &data.batch());
        let h = 1.0 / 256.0;
        for i in gan.generator_len()..params.len() {
            let at = |by: f32| {
                let mut moved = params.clone();
                moved[i] += by;
                gradients(&gan, &moved, &data.batch()).1.discriminator
            };
            let want = (at(h) - at(-h)) / (2.0 * h as f64);
            assert!((got[i] as f64 - want).abs() < 2e-3, "{i}: {} {want}", got[i]);
        }
    }
}

#[test]
fn weights_count_for_real_samples() {
    let gan = gan(0);
    let mut params = vec![0f32; gan.param_len()];
    gan.init(6, &mut params).unwrap();
    let mut data = Owned::new(2, 2, 2, 0);
    data.weights = vec![2.0, 0.0];
    let (weighted, _) = gradients(&gan, &params, &data.batch());
    // The first sample twice with the weight 1 each, in the place of the second.
    data.weights = vec![1.0, 1.0];
    let (plain, _) = gradients(&gan, &params, &data.batch());
    data.x.copy_within(0..2, 2);
    let (twice, _) = gradients(&gan, &params, &data.batch());
    let far = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far(&weighted, &twice) < 1e-6, "{}", far(&weighted, &twice));
    assert!(far(&weighted, &plain) > 1e-3);
}

#[test]
fn on_error_all_is_untouched() {
    let gan = gan(2);
    let mut params = vec![0f32; gan.param_len()];
    gan.init(6, &mut params).unwrap();
    let before = params.clone();
    let (mut grads, mut moments) = (vec![7f32; params.len()], vec![0f32; gan.moment_len()]);
    let mut average = vec![7f32; gan.generator_len()];
    let whole = gan.train_scratch_len(4);
    let mut data = Owned::new(4, 2, 2, 2);
    let step = GanStep { adam: Adam::default(), t: 1, real_target: 0.9, ema_decay: 0.5 };
    let mut run = |data: &Owned, step: GanStep, bytes: usize| {
        let mut trainee = Trainee { params: &mut params, grads: &mut grads, moments: &mut moments };
        let mut memory = vec![0u8; bytes];
        let scratch = &mut Scratch::new(&mut memory);
        let got = gan.train_step(BASE, &mut trainee, &mut average, &data.batch(), &step, scratch);
        let same = params == before && moments.iter().all(|&m| m == 0.0) && average.iter().all(|&a| a == 7.0);
        (got.unwrap_err(), same, grads.iter().all(|&g| g == 7.0))
    };
    for bytes in [0, whole / 2, whole - 1] {
        assert_eq!(run(&data, step, bytes), (Error::ScratchTooSmall, true, true));
    }
    let adam = |rate, beta1| Adam { rate, beta1, ..Adam::default() };
    for bad in [
        GanStep { adam: adam(0.0, 0.9), ..step },
        GanStep { adam: adam(f32::INFINITY, 0.9), ..step },
        GanStep { adam: adam(0.1, 1.0), ..step },
        GanStep { t: 0, ..step },
        GanStep { real_target: 0.5, ..step },
        GanStep { ema_decay: f32::NAN, ..step },
    ] {
        assert_eq!(run(&data, bad, whole), (Error::InvalidArgument, true, true), "{bad:?}");
    }
    data.x[3] = f32::NAN;
    let (error, same, _) = run(&data, step, whole);
    assert_eq!((error, same), (Error::NotFinite, true));
}

#[test]
fn a_temperature_out_of_range_is_refused() {
    let gan = gan(0);
    let (params, mut out) = (vec![0.1f32; gan.generator_len()], [7f32; 4]);
    let mut memory = vec![0u8; gan.run_scratch_len(2)];
    let mut draw = |temperature, scratch: &mut [u8]| {
        gan.sample(BASE, &params, temperature, (1, 0, &[]), &mut out, &mut Scratch::new(scratch))
    };
    for bad in [-0.1, f32::NAN, f32::INFINITY] {
        assert_eq!(draw(bad, &mut memory), Err(Error::InvalidArgument));
    }
    let short = memory.len() - 1;
    assert_eq!(draw(1.0, &mut memory[..short]), Err(Error::ScratchTooSmall));
    assert_eq!(draw(0.0, &mut memory), Ok(()));
}
