//! Matrix products, distances and reductions.
