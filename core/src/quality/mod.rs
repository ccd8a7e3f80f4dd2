//! Image quality: blur, exposure, contrast, entropy.
