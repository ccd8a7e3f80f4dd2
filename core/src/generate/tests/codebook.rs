//! The codebook: what is nearest, where codes start, and how they follow.

use super::*;
use crate::linalg::squared_distance;
use proptest::prelude::*;

/// A state of this table, with a count of 2 for each code.
fn state_of(book: Codebook, table: &[f32]) -> Vec<f32> {
    let counts = vec![2f32; book.codes()];
    table.iter().copied().chain(counts).chain(table.iter().map(|v| 2.0 * v)).collect()
}

fn nearest<E: Executor>(
    on: Engine<'_, E>,
    book: Codebook,
    state: &[f32],
    rows: &[f32],
) -> (Vec<u32>, Vec<f32>) {
    let n = rows.len() / book.dim();
    let (mut codes, mut squared) = (vec![7; n], vec![7f32; n]);
    let mut memory = vec![0x7fu8; book.scratch_len(n)];
    book.nearest(on, state, rows, (&mut codes, &mut squared), &mut Scratch::new(&mut memory)).unwrap();
    (codes, squared)
}

/// The loop that the documentation names.
fn plain(dim: usize, table: &[f32], rows: &[f32]) -> (Vec<u32>, Vec<f32>) {
    let each = rows.chunks(dim).map(|row| {
        let distances = table.chunks(dim).map(|code| squared_distance(Level::BASE, row, code));
        let best = distances.enumerate().fold((0, f32::INFINITY), |a, b| if b.1 < a.1 { b } else { a });
        (best.0 as u32, best.1)
    });
    each.unzip()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_nearest_code_is_that_of_the_plain_loop(codes in 1usize..600, n in 1usize..80, dim in 1usize..40,
                                                  grid in 1u32..20, seed: u64) {
        // A coarse grid makes ties.
        let mut stream = Stream::new(seed, Key::new(0));
        let mut draw = |n: usize| -> Vec<f32> { (0..n).map(|_| stream.below(grid) as f32 * 0.37).collect() };
        let (table, rows) = (draw(codes * dim), draw(n * dim));
        let book = Codebook::new(codes, dim).unwrap();
        let (state, want) = (state_of(book, &table), plain(dim, &table, &rows));
        for level in Level::available() {
            prop_assert_eq!(&nearest(Engine { level, exec: &Serial }, book, &state, &rows), &want);
            prop_assert_eq!(&nearest(Engine { level, exec: &TwoThreads }, book, &state, &rows), &want);
        }
        let mut vectors = vec![0f32; rows.len()];
        book.look_up(&state, &want.0, &mut vectors).unwrap();
        for ((row, vector), squared) in rows.chunks(dim).zip(vectors.chunks(dim)).zip(&want.1) {
            prop_assert_eq!(squared_distance(Level::BASE, row, vector), *squared);
        }
    }

    #[test]
    fn codes_start_as_rows_that_differ(codes in 1usize..20, n in 1usize..60, grid in 2u32..9, seed: u64) {
        let mut stream = Stream::new(seed, Key::new(1));
        let rows: Vec<f32> = (0..2 * n).map(|_| stream.below(grid) as f32).collect();
        let book = Codebook::new(codes, 2).unwrap();
        let mut state = vec![f32::NAN; book.state_len()];
        let mut memory = vec![0x7fu8; book.scratch_len(n)];
        book.init(Level::detect(), seed, &rows, &mut state, &mut Scratch::new(&mut memory)).unwrap();
        let distinct = |v: &[f32]| {
            v.chunks(2).map(|v| [v[0] as i32, v[1] as i32]).collect::<std::collections::BTreeSet<_>>()
        };
        let (table, all) = (distinct(&state[..2 * codes]), distinct(&rows));
        prop_assert!(table.is_subset(&all));
        prop_assert_eq!(table.len(), codes.min(all.len()));
        let count = 0.1 * (n as f32 / codes as f32);
        prop_assert!(state[2 * codes..3 * codes].iter().all(|&c| c == count));
        prop_assert!(state[3 * codes..].iter().zip(&state).all(|(sum, v)| *sum == count * v));
    }
}

/// The formula of [`Codebook::follow`] in double precision.
#[test]
fn codes_follow_by_the_formula() {
    const CODES: usize = 5;
    const DIM: usize = 3;
    let book = Codebook::new(CODES, DIM).unwrap();
    let (table, rows) = (uniform(CODES * DIM, 1), uniform(12 * DIM, 2));
    let weights = [0.5, 2.0, 0.0, 1.0];
    let mut state = state_of(book, &table);
    let (mut counts, mut sums): (Vec<f64>, Vec<f64>) =
        (vec![2.0; CODES], table.iter().map(|v| 2.0 * f64::from(*v)).collect());
    let mut memory = vec![0x7fu8; book.scratch_len(12)];
    for t in 1..=3 {
        // Nothing is rounded to the last code.
        let codes: Vec<u32> = (0..12).map(|i| (i * t as u32 * 7) % 4).collect();
        let how = Follow { decay: 0.9, dead: 0.0, seed: 1 };
        let rounded = Rounded { rows: &rows, codes: &codes, weights: &weights };
        book.follow(BASE, (&how, t), &rounded, &mut state, &mut Scratch::new(&mut memory)).unwrap();
        counts.iter_mut().chain(&mut sums).for_each(|v| *v *= 0.9);
        for (i, (&code, row)) in codes.iter().zip(rows.chunks(DIM)).enumerate() {
            let share = 0.1 * f64::from(weights[i / 3]);
            counts[code as usize] += share;
            let sum = &mut sums[code as usize * DIM..][..DIM];
            sum.iter_mut().zip(row).for_each(|(s, v)| *s += share * f64::from(*v));
        }
        let total: f64 = counts.iter().sum();
        for k in 0..CODES {
            let smoothed = (counts[k] + 1e-5) / (total + CODES as f64 * 1e-5) * total;
            assert!((f64::from(state[CODES * DIM + k]) - counts[k]).abs() < 1e-6);
            for d in k * DIM..(k + 1) * DIM {
                assert!((f64::from(state[CODES * DIM + CODES + d]) - sums[d]).abs() < 1e-6);
                assert!((f64::from(state[d]) - sums[d] / smoothed).abs() < 1e-6, "{t} {d}");
            }
        }
    }
}

#[test]
fn a_codebook_that_keeps_all_stays() {
    let book = Codebook::new(2, 1).unwrap();
    // With a code that would be dead, and a table that its sums do not make.
    let mut state = [0.3, 7.0, 5.0, 0.0, 1.0, 0.0];
    let how = Follow { decay: 1.0, ..Follow::default() };
    let rounded = Rounded { rows: &[0.1, 0.2], codes: &[0, 0], weights: &[1.0, 1.0] };
    let mut memory = vec![0u8; book.scratch_len(2)];
    book.follow(BASE, (&how, 1), &rounded, &mut state, &mut Scratch::new(&mut memory)).unwrap();
    assert_eq!(state, [0.3, 7.0, 5.0, 0.0, 1.0, 0.0]);
}

#[test]
fn a_dead_code_becomes_a_row_that_weighs_something() {
    let book = Codebook::new(4, 1).unwrap();
    let start = state_of(book, &[0.0, 1.0, 100.0, -100.0]);
    let rows = [0.0, 0.1, 0.9, 1.0, 50.0, 51.0];
    let rounded = Rounded { rows: &rows, codes: &[0, 0, 1, 1, 1, 1], weights: &[1.0, 2.0, 0.0] };
    let mut memory = vec![0x7fu8; book.scratch_len(6)];
    let mut steps = |seed: u64, dead: f32| {
        let (mut state, mut all) = (start.clone(), Vec::new());
        for t in 1..=40 {
            let how = Follow { decay: 0.9, dead, seed };
            book.follow(BASE, (&how, t), &rounded, &mut state, &mut Scratch::new(&mut memory)).unwrap();
            all.push(state.clone());
        }
        all
    };
    let (mut drawn, mut reset) = (Vec::new(), 0);
    for seed in 0..20 {
        let states = steps(seed, 0.25);
        assert_eq!(states, steps(seed, 0.25));
        // The mean of the counts falls from 2 to 1.5, those of codes without rows by a tenth in each step.
        assert_eq!(
            states.iter().position(|state| state[2] != 100.0 && (state[2] - 100.0).abs() > 1.0),
            Some(15)
        );
        for state in states.iter().filter(|state| state[6] > 0.09 && state[6] < 0.2) {
            let mean = state[4..8].iter().sum::<f32>() / 4.0;
            reset += u32::from((state[6] / mean - 0.1).abs() < 0.02);
        }
        let state = &states[15];
        assert!(state[2..4].iter().all(|v| rows[..4].contains(v)), "{state:?}");
        assert!((state[10] - state[6] * state[2]).abs() < 1e-6);
        drawn.extend_from_slice(&state[2..4]);
    }
    assert!(reset > 0 && rows[..4].iter().all(|row| drawn.contains(row)));
    // Those of twice the weight, about twice as often.
    let heavy = drawn.iter().filter(|v| **v > 0.5).count();
    assert!((20..36).contains(&heavy), "{heavy}");
    let never = steps(3, 0.0);
    assert!(never.iter().all(|state| (state[2] - 100.0).abs() < 0.1), "{:?}", never[39]);
}

#[test]
fn perplexity_is_that_of_the_shares() {
    let usage = Usage::of(&[1.0, 0.0, 3.0]);
    // e^(¼·ln 4 + ¾·ln ⁴⁄₃)
    assert_eq!(usage.codes, 2);
    assert!((usage.perplexity - 1.754_765_3).abs() < 1e-6, "{usage:?}");
    assert_eq!(Usage::of(&[0.0; 3]), Usage::default());
    assert!((Usage::of(&[2.5; 300]).perplexity - 300.0).abs() < 1e-3);
    assert_eq!(Usage::of(&[1e-38, 1e38]).codes, 2);
}

#[test]
fn what_does_not_fit_a_codebook_is_refused() {
    for (codes, dim, why) in [
        (0, 1, Error::InvalidArgument),
        (1, 0, Error::InvalidArgument),
        ((1 << 24) + 1, 1, Error::Overflow),
        (1 << 20, usize::MAX / 4, Error::Overflow),
    ] {
        assert_eq!(Codebook::new(codes, dim), Err(why));
    }
    let book = Codebook::new(3, 2).unwrap();
    let mut memory = vec![0u8; book.scratch_len(4)];
    let mut state = state_of(book, &[0.0; 6]);
    let before = state.clone();
    let mut init = |rows: &[f32], memory: &mut [u8]| {
        book.init(Level::BASE, 1, rows, &mut state, &mut Scratch::new(memory)).unwrap_err()
    };
    assert_eq!(init(&[0.0; 3], &mut memory), Error::ShapeMismatch);
    assert_eq!(init(&[], &mut memory), Error::TooFewSamples);
    assert_eq!(init(&[0.0, 1.0, f32::NAN, 0.0], &mut memory), Error::NotFinite);
    assert_eq!(init(&[0.0, 1.0, 1e19, 0.0], &mut memory), Error::NotFinite);
    assert_eq!(init(&[0.0; 8], &mut [0; 20]), Error::ScratchTooSmall);
    let (mut codes, mut squared) = ([7; 2], [7f32; 2]);
    let mut near = |state: &[f32], rows: &[f32], bytes: usize| {
        let mut memory = vec![0; bytes];
        let scratch = &mut Scratch::new(&mut memory);
        book.nearest(BASE, state, rows, (&mut codes, &mut squared), scratch).unwrap_err()
    };
    assert_eq!(near(&before[1..], &[0.0; 4], 10_000), Error::ShapeMismatch);
    assert_eq!(near(&before, &[0.0; 6], 10_000), Error::ShapeMismatch);
    assert_eq!(near(&before, &[0.0; 4], book.scratch_len(2) - 1), Error::ScratchTooSmall);
    assert_eq!(near(&before, &[0.0, 0.0, f32::INFINITY, 0.0], 10_000), Error::NotFinite);
    assert_eq!((codes, squared), ([7; 2], [7.0; 2]));
    let mut out = [7f32; 4];
    assert_eq!(book.look_up(&before, &[0, 3], &mut out), Err(Error::InvalidArgument));
    assert_eq!(book.look_up(&before, &[0], &mut out), Err(Error::ShapeMismatch));
    assert_eq!(out, [7.0; 4]);
    let good = Rounded { rows: &[0.5; 8], codes: &[0, 1, 2, 0], weights: &[1.0, 2.0] };
    let mut follow = |how: Follow, t, rounded: Rounded<'_>| {
        book.follow(BASE, (&how, t), &rounded, &mut state, &mut Scratch::new(&mut memory))
    };
    let how = Follow::default();
    for share in [-0.1, 1.1, f32::NAN] {
        assert_eq!(follow(Follow { decay: share, ..how }, 1, good), Err(Error::InvalidArgument));
        assert_eq!(follow(Follow { dead: share, ..how }, 1, good), Err(Error::InvalidArgument));
        assert_eq!(
            follow(how, 1, Rounded { weights: &[-1.0, f32::NAN], ..good }),
            Err(Error::InvalidArgument)
        );
    }
    assert_eq!(follow(how, 0, good), Err(Error::InvalidArgument));
    assert_eq!(follow(how, 1, Rounded { codes: &[0, 1, 3, 0], ..good }), Err(Error::InvalidArgument));
    assert_eq!(follow(how, 1, Rounded { codes: &[0, 1], ..good }), Err(Error::ShapeMismatch));
    assert_eq!(follow(how, 1, Rounded { weights: &[1.0; 3], ..good }), Err(Error::ShapeMismatch));
    assert_eq!(follow(how, 1, Rounded { weights: &[], ..good }), Err(Error::ShapeMismatch));
    let far = Rounded { rows: &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, f32::INFINITY], ..good };
    assert_eq!(follow(how, 1, far), Err(Error::NotFinite));
    assert_eq!(follow(how, 1, Rounded { weights: &[f32::MAX; 2], ..good }), Err(Error::NotFinite));
    assert_eq!(state, before);
}
