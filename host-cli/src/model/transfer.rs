//! Weights of another model: which of them a model takes, and which of its own learn how.

use super::any::{Model, Part, Weights, full_name};
use super::checkpoint::{WEIGHTS_FILE, refuse_whole, single};
use crate::error::{Context, Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use seedbed::generate::{NamedTensor, ParamGroup};
use seedbed::nn::{LowRank, Role};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The name of a codebook among those of tensors.
const CODEBOOK: &str = "codebook";
/// Names that are told of a kind at most.
const MOST_NAMED: usize = 8;

/// Sizes of a tensor, outermost first, and its values.
type Values = (Vec<usize>, Vec<f32>);

/// The tensors of a safetensors file, of any program.
#[derive(Clone, Debug)]
pub struct Source {
    tensors: BTreeMap<String, Values>,
    /// Tensors of whole numbers, which no parameters are.
    others: Vec<String>,
    /// The first 16 digits of the SHA-256 of the file.
    pub hash: String,
}

/// What came of taking over weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// The hash of the file.
    pub source: String,
    /// Tensors that were taken.
    pub matched: usize,
    /// Tensors of the model that begin anew.
    pub missing: Vec<String>,
    /// Tensors of the file that have no place in the model.
    pub unused: Vec<String>,
    /// Tensors of one name and two shapes.
    pub shapes_differ: Vec<String>,
}

/// Which names of the model are which in a file: `ours=theirs`, parts of names up to a dot.
pub type Names = Vec<(String, String)>;

/// `ours=theirs` of each.
///
/// # Errors
/// A usage error for one without `=`.
pub fn names(texts: &[String]) -> Result<Names> {
    let pair = |text: &String| {
        let (ours, theirs) = text.split_once('=').ok_or_else(|| {
            Error::usage(format!("no pair of names: --map {text} (recipe key `map`)"))
                .hint("write the model's name, =, and the file's: encoder.0=fc1")
        })?;
        Ok((ours.trim().to_owned(), theirs.trim().to_owned()))
    };
    texts.iter().map(pair).collect()
}

/// Refuses names that no tensor of the model has.
///
/// # Errors
/// A usage error that lists what the model has.
pub fn known_names(names: &Names, model: &Model) -> Result<()> {
    let all: Vec<String> = model.parts().into_iter().flatten().map(|part| part.name).collect();
    match names.iter().find(|(ours, _)| !all.iter().any(|name| is_part(ours, name))) {
        None => Ok(()),
        Some((ours, _)) => Err(Error::usage(format!(
            "no tensor of the model has such a name: --map {ours} (recipe key `map`)"
        ))
        .hint(format!("name a network, or a network and a layer; its tensors are {}", all.join(", ")))),
    }
}

impl Source {
    /// Reads a file; halves and doubles become single precision.
    ///
    /// # Errors
    /// When it cannot be read, is no safetensors file, or a model in whole numbers.
    pub fn read(path: &Path) -> Result<Self> {
        let path = &single(path, WEIGHTS_FILE);
        let bytes = std::fs::read(path).at(path)?;
        refuse_whole(&bytes, path)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| {
            Error::failed(format!("not a safetensors file ({e}): {}", path.display()))
                .hint("of PyTorch: safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")")
        })?;
        let hash = Sha256::digest(&bytes).iter().take(8).map(|b| format!("{b:02x}")).collect();
        let mut of = Self { tensors: BTreeMap::new(), others: Vec::new(), hash };
        for (name, view) in tensors.tensors() {
            match floats(&view) {
                None => of.others.push(name),
                Some(values) if values.iter().all(|v| v.is_finite()) => {
                    of.tensors.insert(name, (view.shape().to_vec(), values));
                }
                Some(_) => {
                    return Err(Error::failed(format!(
                        "NaN or infinity, or more than single precision holds, in `{name}`: {}",
                        path.display()
                    ))
                    .hint("name a file of a training that did not diverge"));
                }
            }
        }
        Ok(of)
    }

    /// The tensor of this name in a model, under the names that it may have.
    fn find(&self, name: &str, prefix: &str, names: &Names) -> Option<(&String, &Values)> {
        let (layer, role) = name.rsplit_once('.')?;
        // The longest part of a name that is given counts.
        let own = names
            .iter()
            .filter_map(|(ours, theirs)| {
                let rest = layer.strip_prefix(ours.as_str())?;
                let of_layer = rest.is_empty() || rest.starts_with('.');
                // Nothing for `theirs` is a file of one network, whose names begin with the layer.
                of_layer.then(|| (ours.len(), format!("{theirs}{rest}").trim_start_matches('.').to_owned()))
            })
            .max_by_key(|(len, _)| *len)
            .map_or_else(|| format!("{prefix}{layer}"), |(_, name)| name);
        let parametrized = match role {
            "weight" => "parametrizations.weight.original",
            "weight_u" => "parametrizations.weight.0._u",
            "weight_v" => "parametrizations.weight.0._v",
            _ => role,
        };
        [role, parametrized].iter().find_map(|role| self.tensors.get_key_value(&format!("{own}.{role}")))
    }

    /// Writes what fits into the weights of a model, `prefix` in front of its names.
    fn write(
        &self,
        (model, weights): (&Model, &mut Weights),
        (prefix, names): (&str, &Names),
        (found, used): (&mut Transfer, &mut BTreeSet<String>),
    ) {
        for (parts, values) in model.parts().into_iter().zip([&mut weights.params, &mut weights.state]) {
            for Part { name, shape: own_shape, at } in parts {
                let Some(own) = values.get_mut(at..at + own_shape.iter().product::<usize>()) else {
                    continue;
                };
                match self.find(&name, prefix, names) {
                    None => found.missing.push(name),
                    Some((theirs, (shape, values))) => {
                        used.insert(theirs.clone());
                        if *shape == own_shape {
                            own.copy_from_slice(values);
                            found.matched += 1;
                        } else {
                            found.shapes_differ.push(format!("{name} {own_shape:?} and {theirs} {shape:?}"));
                        }
                    }
                }
            }
        }
    }

    /// Takes over what fits a model; of a GAN the running mean too, where the file has one, or else the generator as it is.
    ///
    /// # Errors
    /// When nothing fits.
    pub fn give(
        &self,
        model: &Model,
        [weights, average]: [&mut Weights; 2],
        names: &Names,
        path: &Path,
    ) -> Result<Transfer> {
        let mut found = Transfer { source: self.hash.clone(), ..Transfer::default() };
        let mut used = BTreeSet::new();
        self.write((model, weights), ("", names), (&mut found, &mut used));
        if !average.params.is_empty() {
            let (params, state) = (average.params.len(), average.state.len());
            average.params.copy_from_slice(&weights.params[..params]);
            average.state.copy_from_slice(&weights.state[..state]);
            let mut of_average = Transfer::default();
            self.write((model, average), ("average.", &Vec::new()), (&mut of_average, &mut used));
        }
        let ignored = |name: &str| name.ends_with("num_batches_tracked") || name == "prior.values";
        let unmapped = |(_, theirs): &&(String, String)| {
            !theirs.is_empty() && !used.iter().any(|name| is_part(theirs, name))
        };
        if let Some((ours, theirs)) = names.iter().find(unmapped) {
            let all: Vec<&str> = self.tensors.keys().map(String::as_str).take(4 * MOST_NAMED).collect();
            return Err(Error::usage(format!(
                "no tensor of the file is taken by this name: --map {ours}={theirs} (recipe key `map`), {}",
                path.display()
            ))
            .hint(format!(
                "name a network, or a network and a layer of the file; its tensors are {}",
                all.join(", ")
            )));
        }
        let all = self.tensors.keys().chain(&self.others);
        let unused = all.filter(|name| !used.contains(*name) && !ignored(name));
        found.unused = unused.cloned().collect();
        if found.matched > 0 {
            return Ok(found);
        }
        let few = |names: &[String]| names.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
        Err(Error::usage(format!("no tensor fits the model: {}", path.display())).hint(format!(
            "name them by --map (recipe key `map`), ours=theirs; the model has {}; the file has {}; of other shapes: {}",
            few(&found.missing),
            few(&found.unused),
            few(&found.shapes_differ)
        )))
    }
}

impl Transfer {
    /// In a few lines, for people.
    pub fn words(&self) -> String {
        let some = |what: &str, names: &[String]| match names {
            [] => String::new(),
            names => {
                let few = names.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
                let more = names.len().saturating_sub(MOST_NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("; {what}: {few}{more}")
            }
        };
        format!(
            "{} tensors taken{}{}{}",
            self.matched,
            some("begin anew", &self.missing),
            some("of other shapes", &self.shapes_differ),
            some("without a place", &self.unused)
        )
    }
}

/// The values of a tensor; `None` for whole numbers.
fn floats(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let bytes = view.data();
    let halves = |wide: fn(u16) -> f32| {
        bytes.as_chunks::<2>().0.iter().map(|b| wide(u16::from_le_bytes(*b))).collect()
    };
    Some(match view.dtype() {
        Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F64 => bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        Dtype::BF16 => halves(|v| f32::from_bits(u32::from(v) << 16)),
        Dtype::F16 => halves(|v| half::f16::from_bits(v).to_f32()),
        _ => return None,
    })
}

/// How the parameters of a model learn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learning {
    /// Patterns of names that stay as they are.
    pub freeze: Vec<String>,
    /// Patterns with what the learning rate is multiplied by.
    pub rates: Vec<(String, f32)>,
    /// The rank of adapters in the place of weights of these patterns, all else staying; `None` for none.
    pub adapters: Option<(usize, Vec<String>)>,
}

/// Whether a name begins with this part, up to a dot.
fn is_part(part: &str, name: &str) -> bool {
    name.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a name of a tensor, or the layer or network that it is of, is as a pattern has it, in which `*` is anything.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || rest.starts_with('.') || pattern.ends_with('*')
}

impl Learning {
    /// The groups of a model's parameters; none where all learn alike.
    ///
    /// # Errors
    /// A usage error for a pattern that no tensor has, and where nothing learns.
    pub fn groups(&self, model: &Model) -> Result<Vec<ParamGroup>> {
        let tensors = model.tensors();
        let name = full_name;
        let adapted = self.adapters.iter().flat_map(|(_, on)| on.iter());
        let frozen = self.freeze.iter().map(|pattern| ("freeze", pattern));
        let rates = self.rates.iter().map(|(pattern, _)| ("rates", pattern));
        let patterns = frozen.chain(rates).chain(adapted.map(|pattern| ("lora-on", pattern)));
        let has_book = matches!(model, Model::Codes(_));
        for (flag, pattern) in patterns {
            let of_book = has_book && flag == "freeze" && fits(pattern, CODEBOOK);
            if !of_book && !tensors.iter().any(|t| fits(pattern, &name(t))) {
                let all: Vec<String> = tensors.iter().map(name).collect();
                let key = flag.replace('-', "_");
                return Err(Error::usage(format!(
                    "no tensor of the model has such a name: --{flag} {pattern} (recipe key `{key}`)"
                ))
                .hint(format!("its tensors are {}", all.join(", "))));
            }
        }
        let mut groups: Vec<(&str, ParamGroup)> = Vec::new();
        for t in &tensors {
            let group = self.group(t, &name(t));
            match groups.last_mut() {
                Some((network, last))
                    if *network == t.network
                        && (last.low_rank, group.low_rank) == (None, None)
                        && last.rate == group.rate =>
                {
                    last.len += group.len;
                }
                _ => groups.push((t.network, group)),
            }
        }
        let groups: Vec<ParamGroup> = groups.into_iter().map(|(_, group)| group).collect();
        if groups.iter().all(|group| group.rate == 0.0) {
            return Err(Error::usage("nothing of the model learns: --freeze, --rates or --lora-on")
                .hint("freeze fewer layers; adapters are for weights of layers, not for their biases"));
        }
        let alike = groups.iter().all(|group| group.rate == 1.0 && group.low_rank.is_none());
        Ok(if alike { Vec::new() } else { groups })
    }

    /// Whether the codebook of an autoencoder with one stays as it is. It is no parameter: it follows what is rounded to it.
    pub fn keeps_codebook(&self) -> bool {
        self.freeze.iter().any(|pattern| fits(pattern, CODEBOOK))
    }

    fn group(&self, t: &NamedTensor, name: &str) -> ParamGroup {
        let len = t.tensor.len();
        let given = self.rates.iter().rev().find(|(pattern, _)| fits(pattern, name));
        let rate = given.map_or(1.0, |(_, rate)| *rate);
        if self.freeze.iter().any(|pattern| fits(pattern, name)) {
            return ParamGroup::new(len, 0.0);
        }
        let Some((rank, on)) = &self.adapters else { return ParamGroup::new(len, rate) };
        let wanted = on.is_empty() || on.iter().any(|pattern| fits(pattern, name));
        let matrix = t.role() == Role::Weight && t.tensor.rank > 1;
        let rows = t.tensor.sizes[0];
        if !(wanted && matrix) || rows == 0 {
            return ParamGroup::new(len, 0.0);
        }
        // No rank above that of the weight.
        let rank = (*rank).min(rows).min(len / rows).max(1);
        ParamGroup::adapted(LowRank { rows, cols: len / rows, rank, scale: 1.0 }, rate)
    }
}

/// The first layers of each network of a GAN whose parameters all stay.
pub fn frozen_layers(model: &Model, groups: &[ParamGroup]) -> [usize; 2] {
    let rates: Vec<f32> = groups.iter().flat_map(|g| std::iter::repeat_n(g.rate, g.len)).collect();
    let tensors = model.tensors();
    let first = |network: &str| {
        let mut own = tensors.iter().filter(|t| t.network == network);
        own.find(|t| rates.get(t.tensor.offset).is_none_or(|rate| *rate > 0.0)).map_or(0, |t| t.tensor.layer)
    };
    [first("generator"), first("discriminator")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_of_whole_parts_of_names() {
        for (pattern, name, want) in [
            ("encoder", "encoder.0.weight", true),
            ("encoder.0", "encoder.0.weight", true),
            ("encoder.1", "encoder.10.weight", false),
            ("encoder.1*", "encoder.10.weight", true),
            ("*.weight", "encoder.0.weight", true),
            ("*.bias", "encoder.0.weight", false),
            ("*", "encoder.0.weight", true),
            ("decoder", "encoder.0.weight", false),
            ("encoder.*.bias", "encoder.2.bias", true),
        ] {
            assert_eq!(fits(pattern, name), want, "{pattern} {name}");
        }
    }
}
