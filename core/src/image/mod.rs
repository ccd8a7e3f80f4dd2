//! Images: resampling, geometry, point and neighbourhood operations on borrowed views. Random choice of parameters is in [`crate::augment`].
