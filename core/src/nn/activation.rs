//! Functions of each element, forward and backward.

use super::Engine;
use super::parallel::{for_pieces, for_rows};
use crate::exec::Executor;
use crate::math;
use crate::simd::{LANES, Level};

/// A function of each element.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Activation {
    /// max(x, 0), and NaN for NaN; the derivative at 0 is 0.
    Relu,
    /// x, or `slope`·x below 0. The slope must be positive and finite.
    LeakyRelu {
        /// Slope below 0.
        slope: f32,
    },
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// x, or `alpha`·(eˣ − 1) below 0 (Clevert et al. 2016).
    Elu {
        /// What the function falls to, above 0 and finite; PyTorch has 1.
        alpha: f32,
    },
    /// x · sigmoid(x) (Elfwing et al. 2018), also known as swish.
    Silu,
    /// x · Φ(x) with the normal distribution's Φ, by the error function (Hendrycks, Gimpel 2016).
    Gelu,
    /// ln(1 + eˣ).
    Softplus,
}

impl Activation {
    /// Whether its parameters lie in their ranges.
    pub(super) const fn fits(self) -> bool {
        match self {
            // The derivative is told from the sign of the output.
            Activation::LeakyRelu { slope: v } | Activation::Elu { alpha: v } => v > 0.0 && v < f32::INFINITY,
            _ => true,
        }
    }

    /// Whether the derivative is known from the output alone, so that the output may replace the input.
    pub(super) const fn by_output(self) -> bool {
        !matches!(self, Activation::Silu | Activation::Gelu | Activation::Softplus)
    }

    /// `v` becomes the function of `v`.
    pub(super) fn apply<E: Executor>(self, on: Engine<'_, E>, v: &mut [f32]) {
        for_pieces(on.exec, v, LANES, |_, piece| self.run(on.level, piece));
    }

    /// The same on this thread.
    pub(super) fn run(self, level: Level, v: &mut [f32]) {
        match self {
            Activation::Relu => relu(level, v),
            Activation::LeakyRelu { slope } => leaky(level, slope, v),
            Activation::Sigmoid => math::sigmoid_slice(level, v),
            Activation::Tanh => math::tanh_slice(level, v),
            Activation::Elu { alpha } => elu(level, alpha, v),
            Activation::Silu => silu(level, v),
            Activation::Gelu => gelu(level, v),
            Activation::Softplus => math::softplus_slice(level, v),
        }
    }

    /// `grad`, the gradient by the output, becomes the gradient by the input. `saved` holds the outputs, or
    /// the inputs for a function whose derivative needs them.
    pub(super) fn chain<E: Executor>(self, on: Engine<'_, E>, saved: &[f32], grad: &mut [f32]) {
        let n = grad.len();
        for_rows(on.exec, n, [grad], |first, [grad]| {
            let saved = saved.get(first..).unwrap_or(&[]);
            match self {
                Activation::Relu => relu_chain(on.level, saved, grad),
                Activation::LeakyRelu { slope } => leaky_chain(on.level, slope, saved, grad),
                Activation::Sigmoid => sigmoid_chain(on.level, saved, grad),
                Activation::Tanh => tanh_chain(on.level, saved, grad),
                Activation::Elu { alpha } => elu_chain(on.level, alpha, saved, grad),
                Activation::Silu => silu_chain(on.level, saved, grad),
                Activation::Gelu => gelu_chain(on.level, saved, grad),
                Activation::Softplus => softplus_chain(on.level, saved, grad),
            }
        });
    }
}

#[inline(always)]
fn each(v: &mut [f32], f: impl Fn(f32) -> f32) {
    for x in v {
        *x = f(*x);
    }
}

#[inline(always)]
fn each_with(saved: &[f32], grad: &mut [f32], derivative: impl Fn(f32) -> f32) {
    for (g, &s) in grad.iter_mut().zip(saved) {
        *g *= derivative(s);
    }
}

macro_rules! functions {
    ($($name:ident $body:ident ($($arg:ident: $ty:ty),*) |$x:ident| $f:expr,
       $chain:ident $chain_body:ident |$y:ident| $d:expr;)*) => { $(
        kernel! { fn $name($($arg: $ty,)* v: &mut [f32]) = $body; }
        #[inline(always)]
        fn $body($($arg: $ty,)* v: &mut [f32]) { each(v, |$x| $f) }
        functions! { @chain $chain $chain_body ($($arg: $ty),*) |$y| $d }
    )* };
    (@chain $chain:ident $chain_body:ident ($($arg:ident: $ty:ty),*) |$y:ident| $d:expr) => {
        kernel! { fn $chain($($arg: $ty,)* saved: &[f32], grad: &mut [f32]) = $chain_body; }
        #[inline(always)]
        fn $chain_body($($arg: $ty,)* saved: &[f32], grad: &mut [f32]) { each_with(saved, grad, |$y| $d) }
    };
}

functions! {
    relu relu_body() |x| if x <= 0.0 { 0.0 } else { x }, relu_chain relu_chain_body |y| if y > 0.0 { 1.0 } else { 0.0 };
    leaky leaky_body(slope: f32) |x| if x > 0.0 { x } else { slope * x },
    leaky_chain leaky_chain_body |y| if y > 0.0 { 1.0 } else { slope };
    elu elu_body(alpha: f32) |x| if x > 0.0 { x } else { alpha * exp_m1(x) },
    elu_chain elu_chain_body |y| if y > 0.0 { 1.0 } else { y + alpha };
    silu silu_body() |x| x * math::sigmoid(x), silu_chain silu_chain_body |x| silu_derivative(x);
    gelu gelu_body() |x| x * normal(x), gelu_chain gelu_chain_body |x| gelu_derivative(x);
}
functions! { @chain sigmoid_chain sigmoid_chain_body () |y| y * (1.0 - y) }
functions! { @chain tanh_chain tanh_chain_body () |y| 1.0 - y * y }
functions! { @chain softplus_chain softplus_chain_body () |x| math::sigmoid(x) }

#[inline(always)]
fn silu_derivative(x: f32) -> f32 {
    let s = math::sigmoid(x);
    s + x * s * (1.0 - s)
}

/// The normal distribution's Φ.
#[inline(always)]
fn normal(x: f32) -> f32 {
    0.5 + 0.5 * math::erf(x * core::f32::consts::FRAC_1_SQRT_2)
}

#[inline(always)]
fn gelu_derivative(x: f32) -> f32 {
    /// 1/√(2π).
    const HEIGHT: f32 = 0.398_942_3;
    normal(x) + x * (HEIGHT * math::exp(-0.5 * (x * x)))
}

/// eˣ − 1 for x ≤ 0, without the cancellation of a difference.
#[inline(always)]
fn exp_m1(x: f32) -> f32 {
    let t = math::tanh(0.5 * x);
    2.0 * t / (1.0 - t)
}
