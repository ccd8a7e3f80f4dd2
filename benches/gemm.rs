//! Matrix products: square ones, and the shapes of a small VAE's training step. Throughput counts
//! multiply-adds, so that 1 Gelem/s is 2 GFLOP/s.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seedbed::exec::Serial;
use seedbed::linalg::{Init, Operand, gemm, gemm_scratch_len};
use seedbed::{MatMut, MatRef, Scratch};
use seedbed_benches::{criterion, floats, id, levels};

/// (m, n, k): square, then batch × in × out of a dense layer of 784 and 256.
const SHAPES: [(usize, usize, usize); 5] =
    [(64, 64, 64), (256, 256, 256), (512, 512, 512), (128, 256, 784), (128, 784, 256)];

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("gemm");
    for (m, n, k) in SHAPES {
        let (a, b) = (floats(m * k, -1.0, 1.0), floats(k * n, -1.0, 1.0));
        let mut out = vec![0f32; m * n];
        let mut memory = vec![0; gemm_scratch_len(m, n, k)];
        group.throughput(Throughput::Elements((m * n * k) as u64));
        for level in levels() {
            group.bench_function(id(format!("{m}x{n}x{k}"), level), |bench| {
                bench.iter(|| {
                    let a = Operand::n(MatRef::new(&a, m, k).unwrap());
                    let b = Operand::n(MatRef::new(&b, k, n).unwrap());
                    let c = MatMut::new(&mut out, m, n).unwrap();
                    gemm(level, &Serial, a, b, Init::Zero, c, &mut Scratch::new(&mut memory)).unwrap();
                });
            });
        }
    }
    group.finish();
}

criterion_group! { name = benches; config = criterion(); targets = products }
criterion_main!(benches);
