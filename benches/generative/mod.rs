//! Pictures of 28 × 28 grey levels, and a small classifier that judges generated ones.

pub mod idx;
pub mod judge;
