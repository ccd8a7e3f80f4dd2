//! Layers, losses and optimisers of small networks on flat buffers that the caller owns. Whole models are in [`crate::generate`].
