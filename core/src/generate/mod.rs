//! Generative models: VAE and GAN on flat buffers, and sampling from them.
