//! Normalisation layers. Each computes (x − mean) · γ/σ + β; they differ in what mean and σ are taken over.

mod batch;
mod columns;
mod group;

pub(super) use batch::{Batch, Statistics};
pub(crate) use columns::add_columns;
pub(super) use group::Groups;
