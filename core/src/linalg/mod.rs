//! Matrix products, distances, reductions and decompositions on borrowed views.
//!
//! [`gemm`] holds the one place where a product and a sum are fused; sums elsewhere run over sixteen
//! lanes and a fixed tree. Whatever the level, the blocking or the threads, the bits are the same.

pub(crate) mod distance;
mod eigen;
mod gemm;
pub(crate) mod knn;
mod moments;
mod pca;
mod reduce;

pub use eigen::symmetric_eigen;
pub use gemm::{Init, Operand, gemm, gemm_scratch_len};
pub(crate) use gemm::{Left, Out, Right, SHALLOW, Then, gemm_packed, gemm_then, tiles};
pub use knn::{Exclude, Neighbour, knn, knn_scratch_len};
pub use moments::column_moments;
pub use pca::{EXACT_COLS, Pca, covariance, covariance_scratch_len};
pub use reduce::{axpy, dot, scale, squared_distance, sum, sum_of_squares};

/// The smaller of two, where `Ord::min` is not `const`.
const fn min(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}
