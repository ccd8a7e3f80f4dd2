//! The elementary functions over slices, in place, one kernel each.

use super::trig::{REDUCED_UP_TO, cos_reduced, sin_reduced};
use super::{abs, cos, erf, exp, ln, sigmoid, sin, softplus, sqrt, tanh};
use crate::simd::LANES;

/// `f` on each element: whole blocks of sixteen, then the tail.
#[inline(always)]
fn each(v: &mut [f32], f: impl Fn(f32) -> f32) {
    let (blocks, tail) = v.as_chunks_mut::<LANES>();
    for block in blocks {
        for x in block {
            *x = f(*x);
        }
    }
    for x in tail {
        *x = f(*x);
    }
}

/// As [`each`], with `wide` for the blocks that hold an argument too large for `f`.
#[inline(always)]
fn each_reduced(v: &mut [f32], f: impl Fn(f32) -> f32, wide: impl Fn(f32) -> f32) {
    for block in v.chunks_mut(LANES) {
        if block.iter().all(|&x| abs(x) <= REDUCED_UP_TO) {
            each(block, &f);
        } else {
            each(block, &wide);
        }
    }
}

macro_rules! slices {
    ($($(#[$doc:meta])* $name:ident, $body:ident, |$v:ident| $run:expr;)*) => { $(
        kernel! { $(#[$doc])* pub fn $name(v: &mut [f32]) = $body; }
        #[inline(always)]
        fn $body($v: &mut [f32]) { $run }
    )* };
}

slices! {
    /// [`exp`] of each element.
    exp_slice, exp_body, |v| each(v, exp);
    /// [`ln`] of each element.
    ln_slice, ln_body, |v| each(v, ln);
    /// [`tanh`] of each element.
    tanh_slice, tanh_body, |v| each(v, tanh);
    /// [`sigmoid`] of each element.
    sigmoid_slice, sigmoid_body, |v| each(v, sigmoid);
    /// [`softplus`] of each element.
    softplus_slice, softplus_body, |v| each(v, softplus);
    /// [`erf`] of each element.
    erf_slice, erf_body, |v| each(v, erf);
    /// [`sqrt`] of each element.
    sqrt_slice, sqrt_body, |v| each(v, sqrt);
    /// [`sin`] of each element.
    sin_slice, sin_body, |v| each_reduced(v, sin_reduced, sin);
    /// [`cos`] of each element.
    cos_slice, cos_body, |v| each_reduced(v, cos_reduced, cos);
}
