//! Augmentation pipelines: operations as data, parameters sampled by key.
