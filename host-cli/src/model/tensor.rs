//! Tensors to write, and the safetensors files that hold them.

use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;

/// A tensor to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// What its values are.
    pub dtype: Dtype,
    /// Its sizes, outermost first.
    pub sizes: Vec<usize>,
    /// Its values, in little-endian order.
    pub bytes: Vec<u8>,
}

impl Tensor {
    /// One of floats.
    pub fn floats(sizes: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { dtype: Dtype::F32, sizes: sizes.to_vec(), bytes }
    }

    /// One of whole numbers.
    pub fn wholes(sizes: &[usize], values: &[u32]) -> Self {
        let bytes = values.iter().flat_map(|v| i64::from(*v).to_le_bytes()).collect();
        Self { dtype: Dtype::I64, sizes: sizes.to_vec(), bytes }
    }
}

/// The bytes of a file of these tensors, with one entry of metadata, since the order of several is not fixed.
///
/// # Errors
/// Where bytes do not fit sizes.
pub fn serialise<'a>(
    tensors: impl IntoIterator<Item = (&'a String, &'a Tensor)>,
    (key, text): (&str, String),
) -> Result<Vec<u8>, SafeTensorError> {
    let view = |(name, t): (&'a String, &'a Tensor)| {
        Ok((name, TensorView::new(t.dtype, t.sizes.clone(), &t.bytes)?))
    };
    let views = tensors.into_iter().map(view).collect::<Result<Vec<_>, SafeTensorError>>()?;
    safetensors::serialize(views, Some(HashMap::from([(key.to_owned(), text)])))
}
