//! Shared pieces of the benchmarks.

use criterion::{BenchmarkId, Criterion};
use seedbed::Level;
use seedbed::rng::{Key, Stream};
use std::time::Duration;

/// Criterion with times short enough to run everything in a few minutes.
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1200))
        .sample_size(20)
        .configure_from_args()
}

/// The levels of this processor.
pub fn levels() -> Vec<Level> {
    Level::available().collect()
}

/// `what` at `level`.
pub fn id(what: impl Into<String>, level: Level) -> BenchmarkId {
    BenchmarkId::new(what, level.name())
}

/// `n` numbers between `low` and `high`.
pub fn floats(n: usize, low: f32, high: f32) -> Vec<f32> {
    let mut stream = Stream::new(1, Key::new(1001));
    (0..n).map(|_| stream.range(low, high)).collect()
}

/// `n` random bytes.
pub fn bytes(n: usize) -> Vec<u8> {
    let mut stream = Stream::new(2, Key::new(1001));
    (0..n).map(|_| stream.next_u32() as u8).collect()
}
