//! The chains of convolutions, bit by bit, against loops over the definition in the order that is written down.

use super::super::tests::BASE;
use super::*;
use crate::rng::{Key, Stream};
use std::vec;
use std::vec::Vec;

fn draw(n: usize, op: u32) -> Vec<f32> {
    let mut stream = Stream::new(5, Key::new(0).op(op));
    (0..n).map(|_| stream.range(-1.0, 1.0)).collect()
}

fn conv(large: Shape, channels: usize, [kernel, stride, padding, groups]: [usize; 4]) -> Conv {
    let side = |n: usize| (n + 2 * padding - kernel) / stride + 1;
    let small = Shape::image(side(large.height), side(large.width), channels);
    Conv { batch: 3, large, small, kernel, stride, padding, groups, threads: 1 }
}

/// The value of a picture, 0 outside.
fn at(shape: Shape, v: &[f32], y: usize, x: usize, c: usize, padding: usize) -> f32 {
    let (Some(y), Some(x)) = (y.checked_sub(padding), x.checked_sub(padding)) else { return 0.0 };
    if y < shape.height && x < shape.width { v[(y * shape.width + x) * shape.channels + c] } else { 0.0 }
}

/// small ← bias + windows·Wᵀ in the order of the window.
fn small(of: &Conv, weight: &[f32], large: &[f32], bias: &[f32]) -> Vec<f32> {
    let (each, outs, k) = (of.large_each(), of.small_each(), of.kernel);
    let mut out = vec![];
    for large in large.chunks(of.lens().0) {
        for (y, x) in (0..of.small.height).flat_map(|y| (0..of.small.width).map(move |x| (y, x))) {
            for n in 0..of.small.channels {
                let mut sum = bias[n];
                for (ky, kx, c) in (0..k * k * each).map(|i| (i / each / k, i / each % k, i % each)) {
                    let (row, column) = (y * of.stride + ky, x * of.stride + kx);
                    let v = at(of.large, large, row, column, n / outs * each + c, of.padding);
                    sum = v.mul_add(weight[((n * each + c) * k + ky) * k + kx], sum);
                }
                out.push(sum);
            }
        }
    }
    out
}

/// The gradient by W in the order of samples and places.
fn gradient(of: &Conv, large: &[f32], small: &[f32]) -> Vec<f32> {
    let (each, outs, k) = (of.large_each(), of.small_each(), of.kernel);
    let mut out = vec![];
    for n in 0..of.small.channels {
        for (c, ky, kx) in (0..k * k * each).map(|i| (i / k / k, i / k % k, i % k)) {
            let mut sum = 0f32;
            for (large, small) in large.chunks(of.lens().0).zip(small.chunks(of.lens().1)) {
                for (place, dy) in small.chunks(of.small.channels).enumerate() {
                    let (y, x) = (place / of.small.width * of.stride, place % of.small.width * of.stride);
                    let v = at(of.large, large, y + ky, x + kx, n / outs * each + c, of.padding);
                    sum = v.mul_add(dy[n], sum);
                }
            }
            out.push(sum);
        }
    }
    out
}

/// large ← bias + what each pixel sees: the places from the upper left, each with its channels.
fn large(of: &Conv, weight: &[f32], small: &[f32], bias: &[f32]) -> Vec<f32> {
    let (each, ins, k) = (of.large_each(), of.small_each(), of.kernel);
    let mut out = vec![];
    for small in small.chunks(of.lens().1) {
        for (y, x) in (0..of.large.height).flat_map(|y| (0..of.large.width).map(move |x| (y, x))) {
            for n in 0..of.large.channels {
                let mut sum = bias[n];
                for (ky, kx) in (0..k * k).rev().map(|tap| (tap / k, tap % k)) {
                    let sees = |at: usize, tap: usize| {
                        let spread = (at + of.padding).wrapping_sub(tap) as isize;
                        (spread % of.stride as isize == 0).then_some(spread / of.stride as isize)
                    };
                    let Some((row, column)) = sees(y, ky).zip(sees(x, kx)) else { continue };
                    for c in 0..ins {
                        let channel = n / each * ins + c;
                        let inside = (0..of.small.height as isize).contains(&row)
                            && (0..of.small.width as isize).contains(&column);
                        let place = row * of.small.width as isize + column;
                        let v =
                            if inside { small[place as usize * of.small.channels + channel] } else { 0.0 };
                        sum = v.mul_add(weight[((channel * each + n % each) * k + ky) * k + kx], sum);
                    }
                }
                out.push(sum);
            }
        }
    }
    out
}

fn bits(v: &[f32]) -> Vec<u32> {
    v.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn every_output_is_one_chain() {
    let cases = [
        (Shape::image(7, 6, 3), 5, [3, 2, 1, 1]),
        (Shape::image(6, 6, 16), 32, [4, 2, 1, 1]),
        (Shape::image(5, 7, 17), 18, [3, 1, 1, 1]),
        (Shape::image(5, 4, 4), 6, [2, 1, 0, 2]),
        (Shape::image(5, 5, 32), 32, [3, 3, 2, 2]),
        // Pieces of more than one block of k, and several of a window in one.
        (Shape::image(3, 4, 140), 16, [2, 1, 1, 1]),
        (Shape::image(3, 3, 300), 300, [1, 1, 0, 1]),
        // More places than a block of k, and a kernel that leaves pixels out.
        (Shape::image(40, 11, 16), 16, [1, 1, 0, 1]),
        (Shape::image(9, 8, 16), 7, [2, 3, 0, 1]),
    ];
    for (shape, channels, sizes) in cases {
        let of = conv(shape, channels, sizes);
        let (large_len, small_len) = of.lens();
        let weight = draw(of.window() * channels, 1);
        let (pictures, places) = (draw(3 * large_len, 2), draw(3 * small_len, 3));
        let (small_bias, large_bias) = (draw(channels, 4), draw(shape.channels, 5));
        let mut memory = vec![0x7fu8; of.scratch_len()];

        let mut got = vec![9f32; 3 * small_len];
        let mut scratch = Scratch::new(&mut memory);
        let init = Init::Bias(&small_bias);
        of.small_from_large(
            BASE,
            [&weight, &pictures],
            Ends { start: init, then: None },
            &mut got,
            &mut scratch,
        )
        .unwrap();
        assert_eq!(bits(&got), bits(&small(&of, &weight, &pictures, &small_bias)), "{shape:?} {sizes:?}");

        let mut got = vec![9f32; weight.len()];
        let mut scratch = Scratch::new(&mut memory);
        of.weight_gradient(BASE, [&pictures, &places], Init::Zero, &mut got, &mut scratch).unwrap();
        assert_eq!(bits(&got), bits(&gradient(&of, &pictures, &places)), "{shape:?} {sizes:?}");

        for (init, bias) in [(Init::Zero, &vec![0.0; shape.channels]), (Init::Bias(&large_bias), &large_bias)]
        {
            let mut got = vec![9f32; 3 * large_len];
            let mut scratch = Scratch::new(&mut memory);
            of.large_from_small(
                BASE,
                [&weight, &places],
                Ends { start: init, then: None },
                &mut got,
                &mut scratch,
            )
            .unwrap();
            let want = large(&of, &weight, &places, bias);
            if of.folds() {
                let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
                assert!(got.iter().zip(&want).all(close), "{shape:?} {sizes:?}");
            } else {
                assert_eq!(bits(&got), bits(&want), "{shape:?} {sizes:?}");
            }
        }
    }
}
