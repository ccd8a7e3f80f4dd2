//! The matrix product against the `gemm` and `matrixmultiply` crates, one thread. Throughput counts multiply-adds.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seedbed::exec::Serial;
use seedbed::linalg::{Init, Operand, gemm, gemm_scratch_len};
use seedbed::{Level, MatMut, MatRef, Scratch};
use seedbed_benches::{criterion, floats};

const SHAPES: [(usize, usize, usize); 5] =
    [(64, 64, 64), (256, 256, 256), (512, 512, 512), (128, 256, 784), (128, 784, 256)];

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("gemm peers");
    for (m, n, k) in SHAPES {
        let (a, b) = (floats(m * k, -1.0, 1.0), floats(k * n, -1.0, 1.0));
        let mut out = vec![0f32; m * n];
        let mut memory = vec![0; gemm_scratch_len(m, n, k)];
        let level = Level::detect();
        group.throughput(Throughput::Elements((m * n * k) as u64));
        group.bench_function(format!("seedbed/{m}x{n}x{k}"), |bench| {
            bench.iter(|| {
                let a = Operand::n(MatRef::new(&a, m, k).unwrap());
                let b = Operand::n(MatRef::new(&b, k, n).unwrap());
                let c = MatMut::new(&mut out, m, n).unwrap();
                gemm(level, &Serial, a, b, Init::Zero, c, &mut Scratch::new(&mut memory)).unwrap();
            });
        });
        group.bench_function(format!("matrixmultiply/{m}x{n}x{k}"), |bench| {
            // SAFETY: the strides are those of dense matrices of the lengths above.
            bench.iter(|| unsafe {
                matrixmultiply::sgemm(
                    m,
                    k,
                    n,
                    1.0,
                    a.as_ptr(),
                    k as isize,
                    1,
                    b.as_ptr(),
                    n as isize,
                    1,
                    0.0,
                    out.as_mut_ptr(),
                    n as isize,
                    1,
                );
            });
        });
        group.bench_function(format!("gemm/{m}x{n}x{k}"), |bench| {
            // SAFETY: the strides are those of dense matrices of the lengths above.
            bench.iter(|| unsafe {
                gemm::gemm(
                    m,
                    n,
                    k,
                    out.as_mut_ptr(),
                    1,
                    n as isize,
                    false,
                    a.as_ptr(),
                    1,
                    k as isize,
                    b.as_ptr(),
                    1,
                    n as isize,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            });
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = criterion(); targets = products }
criterion_main!(benches);
