use super::*;
use crate::exec::Serial;
use crate::testing::TwoThreads;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut stream = crate::rng::Stream::new(seed, crate::rng::Key::new(0));
    (0..n).map(|_| stream.range(-1.0, 1.0)).collect()
}

/// The definition: one chain of fused multiply-adds in the order of k.
fn naive(a: &Operand<'_>, b: &Operand<'_>, start: &[f32], n: usize) -> Vec<f32> {
    let (m, k) = a.shape();
    let at = |x: &Operand<'_>, i: usize, j: usize| {
        let (r, c) = x.strides();
        x.mat.data()[i * r + j * c]
    };
    (0..m * n)
        .map(|i| (0..k).fold(start[i], |acc, kk| at(a, i / n, kk).mul_add(at(b, kk, i % n), acc)))
        .collect()
}

fn check<E: Executor>(exec: &E, level: Level, m: usize, n: usize, k: usize, ta: bool, tb: bool, pad: usize) {
    let make = |r: usize, c: usize, seed| (values(r * (c + pad), seed), r, c);
    let (av, ar, ac) = if ta { make(k, m, 1) } else { make(m, k, 1) };
    let (bv, br, bc) = if tb { make(n, k, 2) } else { make(k, n, 2) };
    let a = MatRef::with_stride(&av, ar, ac, ac + pad).unwrap();
    let b = MatRef::with_stride(&bv, br, bc, bc + pad).unwrap();
    let a = if ta { Operand::t(a) } else { Operand::n(a) };
    let b = if tb { Operand::t(b) } else { Operand::n(b) };
    let before = values(m * n, 3);
    let bias = values(n, 4);
    let mut memory = vec![0u8; gemm_scratch_len(m, n, k)];
    for init in [Init::Zero, Init::Keep, Init::Bias(&bias)] {
        let start: Vec<f32> = (0..m * n)
            .map(|i| match init {
                Init::Zero => 0.0,
                Init::Keep => before[i],
                Init::Bias(bias) => bias[i % n],
            })
            .collect();
        let want = naive(&a, &b, &start, n);
        let mut c = vec![7f32; m * (n + pad)];
        for (row, from) in c.chunks_mut((n + pad).max(1)).zip(before.chunks(n.max(1))) {
            row[..n].copy_from_slice(from);
        }
        let view = MatMut::with_stride(&mut c, m, n, n + pad).unwrap();
        gemm(level, exec, a, b, init, view, &mut Scratch::new(&mut memory)).unwrap();
        for (i, row) in c.chunks((n + pad).max(1)).enumerate().take(m) {
            for j in 0..n {
                assert_eq!(
                    row[j].to_bits(),
                    want[i * n + j].to_bits(),
                    "{level:?} {m}x{n}x{k} {ta}{tb} ({i},{j})"
                );
            }
            assert!(row[n..].iter().all(|&v| v == 7.0), "padding of C was written");
        }
    }
}

#[test]
fn each_output_is_one_fused_chain_at_every_level() {
    for level in Level::available() {
        for (m, n, k) in
            [(1, 1, 1), (5, 17, 3), (13, 33, 20), (25, 70, 300), (7, 530, 9), (3, 16, 0), (0, 3, 2)]
        {
            for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
                check(&Serial, level, m, n, k, ta, tb, 0);
            }
        }
        check(&Serial, level, 14, 40, 65, false, true, 3);
        check(&TwoThreads, level, 60, 65, 64, true, false, 1);
        check(&Serial, level, 200, 40, 20, false, true, 0);
        // Several blocks of k, and of columns, of few rows and of many.
        for tb in [false, true] {
            check(&Serial, level, 2, 40, 150, false, tb, 1);
            check(&Serial, level, 5, 40, 1100, false, tb, 0);
            check(&TwoThreads, level, 50, 150, 1030, false, tb, 2);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_small_shape(m in 1usize..40, n in 1usize..68, k in 0usize..40, ta: bool, tb: bool, pad in 0usize..4) {
        for level in Level::available() {
            check(&TwoThreads, level, m, n, k, ta, tb, pad);
        }
    }
}

#[test]
fn wrong_shapes_and_little_scratch_are_errors_and_write_nothing() {
    let a = [1f32; 6];
    let mut c = [5f32; 4];
    let mat = |r, k| Operand::n(MatRef::new(&a, r, k).unwrap());
    let level = Level::detect();
    let mut none = Scratch::empty();
    let view = MatMut::new(&mut c, 2, 2).unwrap();
    assert_eq!(
        gemm(level, &Serial, mat(2, 3), mat(2, 3), Init::Zero, view, &mut none),
        Err(Error::ShapeMismatch)
    );
    let view = MatMut::new(&mut c, 2, 2).unwrap();
    let got = gemm(level, &Serial, mat(2, 3), mat(3, 2), Init::Bias(&[1.0]), view, &mut none);
    assert_eq!(got, Err(Error::ShapeMismatch));
    let view = MatMut::new(&mut c, 2, 2).unwrap();
    let got = gemm(level, &Serial, mat(2, 3), mat(3, 2), Init::Zero, view, &mut none);
    assert_eq!(got, Err(Error::ScratchTooSmall));
    assert_eq!(c, [5.0; 4]);
}
