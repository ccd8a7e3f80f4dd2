//! Layers, losses and optimisers of small networks on flat buffers that the caller owns.
//!
//! A [`Network`] is a list of at most `N` [`Layer`]s, each checked against the shape that reaches it when
//! it is pushed. It holds no numbers: it knows how many parameters there are, where each tensor lies in
//! the one flat parameter slice, and how much memory a batch takes, before anything runs. Forward and
//! backward are written out per layer; there is no graph and no tape. Whole models (encoder and decoder,
//! generator and discriminator, and what trains them) are in [`crate::generate`].
//!
//! # Layouts
//! * Activations: one sample after the other, each height × width × channels with the channels
//!   interleaved, as images are stored here. [`Layer::Flatten`] turns a sample to channels × height ×
//!   width, so that a dense layer behind it has the weights that it would have in PyTorch.
//! * Parameters: as PyTorch lays them out. Dense `[out, in]`, convolution `[out, in, k, k]`, transposed
//!   convolution `[in, out, k, k]`, biases `[out]`; layer after layer, the weight before the bias.
//!
//! # Arithmetic
//! Products run through [`crate::linalg::gemm`]. A bias gradient adds the rows in their order. A loss adds
//! the elements of a sample in sixteen lanes and a fixed tree. Threads split rows or columns of an output,
//! never a sum, so the bits are those of one thread.

mod activation;
mod adam;
mod conv;
mod dense;
mod init;
mod layer;
pub mod loss;
mod network;
mod parallel;
pub(crate) mod rows;
mod tensors;

pub use activation::Activation;
pub use adam::Adam;
pub(crate) use adam::power;
pub(crate) use dense::column_sums;
pub use init::PURPOSE as INIT_PURPOSE;
pub use layer::{Layer, Shape};
pub use network::Network;
pub use tensors::{Role, Tensor};

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
