//! Floor 0: random streams and elementary functions.

use super::{LENGTHS, fill, stream};
use crate::Digest;
use seedbed::rng::{Key, Stream, id_hash};
use seedbed::{Level, Result, Scratch, math};

/// Each way to draw from a stream, for keys that differ in every part.
pub(super) fn streams(_: Level, _: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let key = Key::new(3).epoch(1).sample(id_hash(b"cat/0001.png")).op(2);
    for (seed, key) in
        [(0, Key::new(0)), (1, Key::new(0)), (u64::MAX, key), (7, key.epoch(2)), (7, key.op(0))]
    {
        let mut s = Stream::new(seed, key);
        digest.word(s.next_u64()).word(s.next_u32().into());
        for n in [0, 1, 2, 7, 1000, 0x8000_0001, u32::MAX] {
            digest.word(s.below(n).into());
        }
        digest.word(s.index(12_345) as u64).word(s.chance(0.5).into());
        digest.floats(&[s.uniform(), s.range(-3.0, 5.0), s.normal()]);
    }
    Ok(digest.finish())
}

/// Whole slices of normal and uniform numbers.
pub(super) fn normal(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    for (i, len) in LENGTHS.into_iter().enumerate() {
        let mut frame = scratch.frame();
        let out = frame.take::<f32>(len)?;
        stream(i as u64).fill_normal(level, out);
        digest.floats(out);
        stream(i as u64).fill_uniform(out);
        digest.floats(out);
    }
    Ok(digest.finish())
}

/// A random order.
pub(super) fn shuffle(_: Level, _: &mut Scratch<'_>) -> Result<u64> {
    let mut items: [u8; 200] = core::array::from_fn(|i| i as u8);
    stream(1).shuffle(&mut items);
    Ok(Digest::new().bytes(&items).finish())
}

/// The functions over slices, each with the range it is asked on.
type SliceFn = fn(Level, &mut [f32]);
const SLICE_FUNCTIONS: [(SliceFn, f32, f32); 9] = [
    (math::exp_slice, -110.0, 95.0),
    (math::ln_slice, -0.5, 900.0),
    (math::tanh_slice, -10.0, 10.0),
    (math::sigmoid_slice, -110.0, 110.0),
    (math::softplus_slice, -30.0, 30.0),
    (math::erf_slice, -5.0, 5.0),
    (math::sqrt_slice, -0.5, 1e6),
    (math::sin_slice, -2e3, 2e3),
    (math::cos_slice, -2e6, 2e6),
];

/// Each function over slices of every length class.
pub(super) fn math_slices(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    for (i, (function, low, high)) in SLICE_FUNCTIONS.into_iter().enumerate() {
        for len in LENGTHS {
            let mut frame = scratch.frame();
            let v = frame.take::<f32>(len)?;
            fill(i as u64, low, high, v);
            function(level, v);
            digest.floats(v);
        }
    }
    Ok(digest.finish())
}

/// Each function at the edges of the number format.
pub(super) fn math_extremes(level: Level, _: &mut Scratch<'_>) -> Result<u64> {
    let tiny = f32::from_bits(1);
    let edges = [0.0, -0.0, tiny, -tiny, f32::MIN_POSITIVE, 1.0, -1.0, f32::MAX, f32::MIN, f32::INFINITY];
    let mut digest = Digest::new();
    for (function, ..) in SLICE_FUNCTIONS {
        let mut v = [f32::NEG_INFINITY; 21];
        for (i, to) in v.iter_mut().enumerate() {
            *to = edges.get(i).copied().unwrap_or(f32::NAN);
        }
        function(level, &mut v);
        digest.floats(&v);
    }
    for x in [0.5, 1.5, -0.5, -1.5, 2.5, 8_388_609.0, 1e30, 254.49, 254.5, -7.0] {
        digest.floats(&[math::floor(x), math::round_half_up(x)]).bytes(&[math::to_u8(x)]);
    }
    Ok(digest.finish())
}

/// The fused multiply-add on any bits at all, and where rounding twice would show.
pub(super) fn fma(_: Level, _: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let mut s = stream(0);
    for _ in 0..2000 {
        let [a, b, c] = [(); 3].map(|()| f32::from_bits(s.next_u32()));
        digest.floats(&[math::fma(a, b, c)]);
        // The sum nearly cancels, and what is left is the product's rounding error.
        let (a, b) = (s.range(0.5, 2.0), s.range(0.5, 2.0));
        digest.floats(&[math::fma(a, b, -(a * b)), math::fma(a, b, s.range(-4.0, 4.0))]);
    }
    Ok(digest.finish())
}
