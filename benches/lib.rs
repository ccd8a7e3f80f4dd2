//! Shared pieces of the benchmarks.

pub mod generative;

use criterion::{BenchmarkId, Criterion};
use seedbed::Level;
use seedbed::rng::{Key, Stream};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

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

/// Measures what it is asked for, until nothing more is asked: for each line with a name the least time of a call in
/// nanoseconds, as a line; `none` for a name that is not there. So programs that measure other libraries can take turns
/// with this one.
pub fn serve(mut ops: BTreeMap<&'static str, Box<dyn FnMut()>>) {
    serve_by(|name| ops.remove(name));
}

/// [`serve`] for operations that are made when they are asked for.
pub fn serve_by(mut make: impl FnMut(&str) -> Option<Box<dyn FnMut()>>) {
    let mut made: BTreeMap<String, Option<Box<dyn FnMut()>>> = BTreeMap::new();
    for name in std::io::stdin().lock().lines() {
        let name = name.expect("a name");
        let op = made.entry(name).or_insert_with_key(|name| make(name));
        match op {
            Some(op) => println!("{}", least(op)),
            None => println!("none"),
        }
        std::io::stdout().flush().expect("a reader");
    }
}

/// The shape of a product: m × k times k × n, of factors that are stored so or turned.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Rows of the product.
    pub m: usize,
    /// Columns of the product.
    pub n: usize,
    /// What is summed over.
    pub k: usize,
    /// Whether the left factor is stored transposed.
    pub a_turned: bool,
    /// Whether the right one is.
    pub b_turned: bool,
}

impl Shape {
    /// The shape of a name such as `128x400x784 nt`: m, n and k, and `n` or `t` for each factor.
    pub fn named(name: &str) -> Option<Self> {
        let (sides, kinds) = name.split_once(' ')?;
        let mut sides = sides.split('x').map(str::parse);
        let mut side = || sides.next()?.ok();
        let (m, n, k) = (side()?, side()?, side()?);
        Some(Self { m, n, k, a_turned: kinds.starts_with('t'), b_turned: kinds.ends_with('t') })
    }
}

/// The least time of a call in nanoseconds, of calls that together take a quarter of a second.
fn least(op: &mut dyn FnMut()) -> f64 {
    op();
    let start = Instant::now();
    op();
    // So many calls as take some 200 microseconds, a time that interruptions spare often enough.
    let calls = (200_000 / start.elapsed().as_nanos().max(1)).clamp(1, 10_000) as u32;
    let (begin, mut best) = (Instant::now(), f64::MAX);
    while begin.elapsed() < Duration::from_millis(250) {
        let start = Instant::now();
        (0..calls).for_each(|_| op());
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    best
}
