//! Nearest neighbours by blocked distances: the digits' size and a larger one. Throughput counts pairs.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seedbed::exec::Serial;
use seedbed::linalg::{Exclude, Neighbour, knn, knn_scratch_len};
use seedbed::{MatRef, Scratch};
use seedbed_benches::{criterion, floats, id, levels};

const K: usize = 5;

fn neighbours(c: &mut Criterion) {
    let mut group = c.benchmark_group("knn k=5");
    for (n, dims) in [(1797, 64), (2000, 784)] {
        let x = floats(n * dims, 0.0, 1.0);
        let mut out = vec![Neighbour::NONE; n * K];
        let mut memory = vec![0; knn_scratch_len(n, n, dims)];
        group.throughput(Throughput::Elements((n * n) as u64));
        for level in levels() {
            group.bench_function(id(format!("{n}x{dims}"), level), |bench| {
                bench.iter(|| {
                    let x = MatRef::new(&x, n, dims).unwrap();
                    let scratch = &mut Scratch::new(&mut memory);
                    knn(level, &Serial, x, x, Exclude::Itself, K, &mut out, scratch).unwrap();
                });
            });
        }
    }
    group.finish();
}

criterion_group! { name = benches; config = criterion(); targets = neighbours }
criterion_main!(benches);
