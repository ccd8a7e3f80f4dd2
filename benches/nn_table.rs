//! What `nn/run.py` measures of ours: a step of training of the models of `seedbed_golden`, the decoding of a latent vector, and
//! products. Answers lines such as `mlp-vae 2` (on two threads), `gemm 128x400x784 nt 1`, and `packed 1x784x400 nt 1` for one
//! by a B that was packed before.

use seedbed::exec::{Executor, Serial};
use seedbed::linalg::{Init, Operand, gemm, gemm_scratch_len};
use seedbed::nn::{Activation, Dense, Engine, Mode, Model, Network, Shape as Sample};
use seedbed::{Level, MatMut, MatRef, Scratch};
use seedbed_benches::{Shape, floats, serve_by};
use seedbed_cli::pool::Pool;
use seedbed_golden::{Trainer, Training};
use std::hint::black_box;

type Op = Box<dyn FnMut()>;

/// Memory for as long as the program runs.
fn lent(bytes: usize) -> Scratch<'static> {
    Scratch::new(Vec::leak(vec![0u8; bytes]))
}

fn training(of: Training, threads: usize) -> Op {
    let level = Level::detect();
    let bytes = Trainer::memory_len(of, false, threads).expect("a model");
    let mut trainer = Trainer::new(of, false, threads, &mut lent(bytes)).expect("enough memory");
    if threads == 1 {
        return Box::new(move || trainer.step(Engine { level, exec: &Serial }).expect("a step"));
    }
    let pool = Pool::new(threads).expect("threads");
    Box::new(move || pool.inside(|| trainer.step(Engine { level, exec: &pool }).expect("a step")))
}

/// 20-400-784 with a sigmoid, of one latent vector, by packed weights.
fn decoder() -> Op {
    let mut net = Network::<4>::new(Sample::flat(20)).expect("a shape");
    net.push(Dense::new(400)).expect("a layer");
    net.push(Activation::Relu).expect("a layer");
    net.push(Dense::new(784)).expect("a layer");
    net.push(Activation::Sigmoid).expect("a layer");
    let plan = net.plan(Mode::Inference).expect("a plan");
    let params = Vec::leak(floats(net.param_len(), -0.1, 0.1));
    let panels = Vec::leak(vec![0f32; plan.packed_len()]);
    let model = plan.pack(Model { params, state: &[] }, panels).expect("enough memory");
    let mut memory = vec![0u8; plan.workspace_len(1)];
    let (z, on) = (floats(20, -2.0, 2.0), Engine { level: Level::detect(), exec: &Serial });
    Box::new(move || {
        let mut scratch = Scratch::new(&mut memory);
        let mut work = plan.workspace(1, &mut scratch).expect("enough memory");
        plan.infer_packed(on, model, black_box(&z), &mut work, &mut scratch).expect("a pass");
        black_box(plan.result(&work));
    })
}

/// A product with the weights of a dense layer, which are packed before.
fn packed(shape: Shape) -> Op {
    let Shape { m, n, k, .. } = shape;
    let mut net = Network::<1>::new(Sample::flat(k)).expect("a shape");
    net.push(Dense::new(n).without_bias()).expect("a layer");
    let plan = net.plan(Mode::Inference).expect("a plan");
    let params = Vec::leak(floats(net.param_len(), -1.0, 1.0));
    let model = plan.pack(Model { params, state: &[] }, Vec::leak(vec![0f32; plan.packed_len()]));
    let (model, x) = (model.expect("enough memory"), floats(m * k, -1.0, 1.0));
    let (mut memory, on) =
        (vec![0u8; plan.workspace_len(m)], Engine { level: Level::detect(), exec: &Serial });
    Box::new(move || {
        let mut scratch = Scratch::new(&mut memory);
        let mut work = plan.workspace(m, &mut scratch).expect("enough memory");
        plan.infer_packed(on, model, black_box(&x), &mut work, &mut scratch).expect("a pass");
    })
}

fn product<E: Executor + 'static>(shape: Shape, exec: E) -> Op {
    let Shape { m, n, k, a_turned, b_turned } = shape;
    let (a, b) = (floats(m * k, -1.0, 1.0), floats(k * n, -1.0, 1.0));
    let (mut out, mut memory) = (vec![0f32; m * n], vec![0u8; gemm_scratch_len(m, n, k)]);
    let level = Level::detect();
    let factor = |v: &'static [f32], rows, columns, turned| {
        if turned {
            Operand::t(MatRef::new(v, columns, rows).expect("a shape"))
        } else {
            Operand::n(MatRef::new(v, rows, columns).expect("a shape"))
        }
    };
    let (a, b) = (factor(Vec::leak(a), m, k, a_turned), factor(Vec::leak(b), k, n, b_turned));
    Box::new(move || {
        let c = MatMut::new(&mut out, m, n).expect("a shape");
        gemm(level, &exec, a, b, Init::Zero, c, &mut Scratch::new(&mut memory)).expect("a product");
    })
}

/// Fused multiply-adds without memory: 20,000 times 12 vectors of sixteen.
#[cfg(target_arch = "x86_64")]
fn peak() -> Option<Op> {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};

    #[target_feature(enable = "avx512f")]
    fn run(x: f32, y: f32) -> f32 {
        let (x, y) = (_mm512_set1_ps(x), _mm512_set1_ps(y));
        let mut sums = [_mm512_set1_ps(1.0); 12];
        for _ in 0..20_000 {
            // Neither a loop nor a closure, which the compiler would leave in memory.
            let [a, b, c, d, e, f, g, h, i, j, k, l] = sums;
            sums = [
                _mm512_fmadd_ps(a, x, y),
                _mm512_fmadd_ps(b, x, y),
                _mm512_fmadd_ps(c, x, y),
                _mm512_fmadd_ps(d, x, y),
                _mm512_fmadd_ps(e, x, y),
                _mm512_fmadd_ps(f, x, y),
                _mm512_fmadd_ps(g, x, y),
                _mm512_fmadd_ps(h, x, y),
                _mm512_fmadd_ps(i, x, y),
                _mm512_fmadd_ps(j, x, y),
                _mm512_fmadd_ps(k, x, y),
                _mm512_fmadd_ps(l, x, y),
            ];
        }
        sums.into_iter().map(|sum| _mm512_reduce_add_ps(sum)).sum()
    }
    if !is_x86_feature_detected!("avx512f") {
        return None;
    }
    #[allow(unsafe_code)]
    Some(Box::new(|| {
        // SAFETY: the processor has AVX-512, as was just found.
        let sum = unsafe { run(black_box(0.999), black_box(1e-3)) };
        black_box(sum);
    }))
}

#[cfg(not(target_arch = "x86_64"))]
fn peak() -> Option<Op> {
    None
}

fn main() {
    serve_by(|line| {
        let (name, threads) = line.rsplit_once(' ')?;
        let threads = threads.parse().ok()?;
        if let Some(of) = Training::ALL.into_iter().find(|of| of.name() == name) {
            return Some(training(of, threads));
        }
        match name {
            "decoder" => Some(decoder()),
            "peak" => peak(),
            _ => match name.strip_prefix("packed ") {
                Some(shape) => Some(packed(Shape::named(shape)?)),
                None => Some(product(Shape::named(name.strip_prefix("gemm ")?)?, Serial)),
            },
        }
    });
}
