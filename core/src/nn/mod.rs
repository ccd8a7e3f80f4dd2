//! Layers, losses and optimisers of small networks on flat buffers that the caller owns.
//!
//! A [`Network`] is a list of at most `N` [`Layer`]s, each checked against the shape that reaches it when
//! it is pushed. It holds no numbers: it knows how many parameters there are, and where each tensor lies in
//! the one flat slice of parameters, or in that of the state (running means and the like). A [`Plan`] gives all that a pass
//! computes a place in one buffer, so that every byte is known before anything runs. Forward and
//! backward are written out per layer; there is no graph and no tape. Whole models (encoder and decoder,
//! generator and discriminator, and what trains them) are in [`crate::generate`].
//!
//! A training step is a pass forward, a loss of [`loss`] with its gradient by the predictions, a pass back, [`clip_norm`]
//! where gradients may run away, and a step of an [`Optimiser`], at a rate that a [`Schedule`] tells. [`Ema`] keeps a running
//! mean of the parameters.
//!
//! A trained network can be run in 8-bit whole numbers, in a quarter of the memory and several times as fast: [`int8`].
//!
//! # Layouts
//! * Activations: one sample after the other, each height × width × channels with the channels
//!   interleaved, as images are stored here. [`Layer::Flatten`] turns a sample to channels × height ×
//!   width, so that a dense layer behind it has the weights that it would have in PyTorch.
//! * Parameters: as PyTorch lays them out. Dense `[out, in]`, convolution `[out, in / groups, k, k]`, transposed
//!   convolution `[in, out / groups, k, k]`, embedding `[classes, width]`, the rest `[out]`; layer after layer, the weight
//!   before the bias.
//!
//! # Arithmetic
//! Products are chains of fused multiply-adds as in [`crate::linalg::gemm()`] (what convolutions make of few channels aside,
//! which adds windows). A bias gradient adds the rows in their order;
//! the statistics of a batch add 64 rows at a time before their sum is added. A loss adds
//! the elements of a sample in sixteen lanes and a fixed tree; the norm of all gradients adds blocks of 4096. Threads
//! split rows or columns of an output, or whole blocks, never a sum, so the bits are those of one thread.
//!
//! ```
//! use seedbed::exec::Serial;
//! use seedbed::nn::{Activation, Dense, Draws, Engine, Gradients, Mode, Model, Network, Shape};
//! use seedbed::{Level, Scratch};
//!
//! let mut net = Network::<3>::new(Shape::flat(2))?;
//! net.push(Dense::new(8))?;
//! net.push(Activation::Tanh)?;
//! net.push(Dense::new(1))?;
//! let mut params = vec![0.0; net.param_len()];
//! net.init(1, 0, &mut params)?;
//!
//! let plan = net.plan(Mode::TRAINING)?;
//! let (x, targets) = ([0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]);
//! let mut memory = vec![0; plan.workspace_len(4)];
//! let mut grads = vec![0.0; plan.grad_len()];
//! let on = Engine { level: Level::detect(), exec: &Serial };
//! let mut losses = Vec::new();
//! for _ in 0..1000 {
//!     let mut scratch = Scratch::new(&mut memory);
//!     let mut work = plan.workspace(4, &mut scratch)?;
//!     plan.forward(on, (&params, &mut []), &x, Draws::default(), &mut work, &mut scratch.frame())?;
//!     let (y, dy) = plan.ends(&mut work);
//!     let errors: Vec<f32> = y.iter().zip(targets).map(|(y, t)| y - t).collect();
//!     losses.push(errors.iter().map(|e| e * e).sum::<f32>());
//!     dy.iter_mut().zip(errors).for_each(|(dy, e)| *dy = 2.0 * e);
//!     let to = Gradients { params: &mut grads, add: false, input: &mut [] };
//!     let model = Model { params: &params, state: &[] };
//!     plan.backward(on, model, (&x, Draws::default()), &mut work, to, &mut scratch.frame())?;
//!     params.iter_mut().zip(&grads).for_each(|(w, g)| *w -= 0.1 * g);
//! }
//! assert!(losses[999] < 0.01 * losses[0]);
//! # Ok::<(), seedbed::Error>(())
//! ```

mod activation;
mod conv;
mod dense;
mod dropout;
mod ends;
mod init;
pub mod int8;
mod layer;
pub mod loss;
mod low_rank;
mod network;
mod norm;
mod optim;
mod packing;
mod parallel;
mod pass;
mod plan;
mod pool;
mod reorder;
pub(crate) mod rows;
mod shape;
mod softmax;
mod spectral;
mod step;
mod table;
mod tensors;
mod workspace;

pub use activation::Activation;
pub use dropout::Draws;
pub use init::PURPOSE as INIT_PURPOSE;
pub use layer::{Conv2d, ConvTranspose2d, Dense, Layer, Pool2d};
pub use low_rank::LowRank;
pub use network::Network;
pub(crate) use norm::add_columns;
pub(crate) use optim::power;
pub use optim::{
    Adam, AdamW, Ema, Lion, Optimiser, RateDecay, Schedule, Sgd, clip_norm, clip_value, grad_norm,
};
pub use pass::{Gradients, Model, Packed, Penalty};
pub use plan::{Mode, Plan};
pub use shape::Shape;
pub use tensors::{Role, Start, Tensor};
pub use workspace::Workspace;

use crate::simd::Level;

/// On what a computation runs: the instruction set, and who runs the parts that can be split.
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::Engine};
/// let engine = Engine { level: Level::detect(), exec: &Serial };
/// assert_eq!(engine.level, Level::detect());
/// ```
#[derive(Debug)]
pub struct Engine<'a, E> {
    /// The instruction set of the kernels.
    pub level: Level,
    /// Who runs the parts.
    pub exec: &'a E,
}

impl<E> Clone for Engine<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Engine<'_, E> {}

#[cfg(test)]
pub(crate) mod tests;
