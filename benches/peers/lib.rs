//! Benchmarks of peers; see the README one folder up.
