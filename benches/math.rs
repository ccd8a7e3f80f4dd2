//! Elementary functions over slices, reductions, and random numbers. Throughput counts elements.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seedbed::rng::{Key, Stream};
use seedbed::{Level, linalg, math};
use seedbed_benches::{criterion, floats, id, levels};
use std::hint::black_box;

const N: usize = 4096;

type SliceFn = fn(Level, &mut [f32]);
const FUNCTIONS: [(&str, SliceFn, f32, f32); 7] = [
    ("exp", math::exp_slice, -20.0, 20.0),
    ("ln", math::ln_slice, 0.001, 1000.0),
    ("tanh", math::tanh_slice, -5.0, 5.0),
    ("sigmoid", math::sigmoid_slice, -10.0, 10.0),
    ("softplus", math::softplus_slice, -10.0, 10.0),
    ("erf", math::erf_slice, -3.0, 3.0),
    ("sin", math::sin_slice, -100.0, 100.0),
];

fn slices(c: &mut Criterion) {
    let mut group = c.benchmark_group("math");
    group.throughput(Throughput::Elements(N as u64));
    for (name, function, low, high) in FUNCTIONS {
        let input = floats(N, low, high);
        let mut v = vec![0f32; N];
        for level in levels() {
            group.bench_function(id(name, level), |bench| {
                bench.iter(|| {
                    v.copy_from_slice(&input);
                    function(level, black_box(&mut v));
                });
            });
        }
    }
    group.finish();
}

fn reductions(c: &mut Criterion) {
    let mut group = c.benchmark_group("reduce");
    group.throughput(Throughput::Elements(N as u64));
    let (a, b) = (floats(N, -1.0, 1.0), floats(N, -2.0, 2.0));
    for level in levels() {
        group.bench_function(id("dot", level), |bench| bench.iter(|| linalg::dot(level, black_box(&a), &b)));
        group.bench_function(id("squared_distance", level), |bench| {
            bench.iter(|| linalg::squared_distance(level, black_box(&a), &b));
        });
    }
    group.finish();
}

fn random(c: &mut Criterion) {
    let mut group = c.benchmark_group("rng");
    group.throughput(Throughput::Elements(N as u64));
    let mut v = vec![0f32; N];
    let mut stream = Stream::new(1, Key::new(1));
    group.bench_function("uniform", |bench| bench.iter(|| stream.fill_uniform(black_box(&mut v))));
    for level in levels() {
        group.bench_function(id("normal", level), |bench| {
            bench.iter(|| stream.fill_normal(level, black_box(&mut v)))
        });
    }
    group.bench_function("new stream", |bench| {
        bench.iter(|| Stream::new(7, Key::new(1).sample(black_box(5))))
    });
    group.finish();
}

criterion_group! { name = benches; config = criterion(); targets = slices, reductions, random }
criterion_main!(benches);
