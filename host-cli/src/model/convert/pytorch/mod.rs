//! Networks of a model as files of PyTorch's tensors, and the Python text that makes modules of them.

mod text;

use super::layers::Network;
use super::pieces::{Op, Piece};
use crate::error::{Error, Result};
use crate::model::tensor::{Tensor, serialise};
use std::collections::BTreeMap;

pub use text::{draw, modules};

/// Tensors by name.
pub type Tensors = BTreeMap<String, Tensor>;

/// The bytes of a safetensors file.
///
/// # Errors
/// None that the sizes do not exclude.
pub fn file(tensors: &Tensors) -> Result<Vec<u8>> {
    // Programs of PyTorch's world look for this entry.
    serialise(tensors, ("format", "pt".to_owned()))
        .map_err(|e| Error::failed(format!("the tensors cannot be written ({e})")))
}

/// The tensors of pieces, by the names of their files: one for each network, as the state of a `Sequential` has them, and one
/// each for the scale of the samples, the codebook and the prior of a VAE.
///
/// # Errors
/// As [`Network::layers`].
pub fn files(pieces: &[Piece<'_>]) -> Result<BTreeMap<&'static str, Tensors>> {
    let mut all = BTreeMap::new();
    for op in pieces.iter().flat_map(|piece| &piece.ops) {
        match op {
            Op::Net(network) => {
                all.insert(network.name, state(network)?);
            }
            Op::Standardise(n) | Op::Restore(n) => {
                let of = |values: &[f32]| Tensor::floats(&[values.len()], values);
                all.insert("scale", named([("mean", of(&n.mean)), ("std", of(&n.std))]));
            }
            Op::Nearest(book) | Op::LookUp(book, _) => {
                let sizes = [book.table.len() / book.dim, book.dim];
                all.insert("codebook", named([("weight", Tensor::floats(&sizes, book.table))]));
            }
            Op::Normal(normals) => {
                let ([means, factors], n) = (normals.parts(), normals.latent);
                let classes = means.len() / n;
                let (mean, factor) =
                    (Tensor::floats(&[classes, n], &means), Tensor::floats(&[classes, n, n], &factors));
                all.insert("prior", named([("mean", mean), ("factor", factor)]));
            }
            _ => {}
        }
    }
    Ok(all)
}

fn named<const N: usize>(tensors: [(&str, Tensor); N]) -> Tensors {
    tensors.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect()
}

/// The tensors of a network.
fn state(network: &Network<'_>) -> Result<Tensors> {
    let mut tensors = Tensors::new();
    for (i, layer) in network.layers()?.iter().enumerate() {
        for held in &layer.tensors {
            let name = format!("{i}.{}", held.role.name());
            tensors.insert(name, Tensor::floats(&held.sizes, &held.values));
        }
        if matches!(layer.layer, seedbed::nn::Layer::BatchNorm { .. }) {
            // Nothing reads it where there is a momentum, but a strict load asks for it.
            tensors.insert(format!("{i}.num_batches_tracked"), Tensor::wholes(&[], &[0]));
        }
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests;
