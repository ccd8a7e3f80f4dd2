//! Transforms and filters of signals: the DCT behind perceptual hashes. Matrices are in [`crate::linalg`].
