//! Operations that need another picture of the dataset, as a recipe writes them:
//! `{ op = "fourier_adaptation", beta = [0, 0.1], p = 0.5 }`.
//!
//! They are done to a copy after its other operations. Which pictures it meets depends on the seed, the source's id and
//! the copy's number alone: of those that may be ([`Partners::read`]), the ones whose ids have the least hash, so that
//! samples that come or go change few copies. The origin of a copy has their ids and what was drawn ([`Meeting`]).

mod draw;
mod pool;

pub use draw::{Meeting, meet};
pub use pool::Partners;

use super::ops::{OpError, inline_table};
use crate::error::{Error, Result};
use crate::recipe::nearest;
use seedbed::image::Adaptation;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value as Json};
use std::str::FromStr;

/// The most of them in one list.
pub const MAX_PARTNERS: usize = 16;

/// The most numbers that one of them draws from ranges.
const MOST_RANGES: usize = 2;

/// An operation that needs another picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartnerOp {
    /// The histograms of the other one.
    MatchHistograms,
    /// The means and spreads of the other one.
    AdaptDistribution,
    /// The slow waves of the other one.
    FourierAdaptation,
    /// Both, one showing through the other.
    Mixup,
    /// A rectangle of the other one.
    Cutmix,
    /// A quarter of this one and of three others each.
    Mosaic,
    /// The other one, smaller, laid over a part.
    Overlay,
}

/// What there is to know of such an operation.
#[derive(Debug)]
pub struct PartnerKind {
    /// The operation.
    pub op: PartnerOp,
    /// Its name in a recipe.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Whether pixels of the other picture come into the copy, and so a share of its class.
    pub mixes: bool,
    /// Ranges that a number is drawn from for each copy.
    pub fields: &'static [PartnerField],
}

/// A range among the parameters.
#[derive(Debug)]
pub struct PartnerField {
    /// Its key.
    pub name: &'static str,
    /// What it says.
    pub doc: &'static str,
    /// The range where nothing else is said.
    pub default: [f32; 2],
    /// What its ends may be.
    pub limits: [f32; 2],
}

/// All of them.
pub static KINDS: [PartnerKind; 7] = [
    PartnerKind {
        op: PartnerOp::MatchHistograms,
        name: "match_histograms",
        doc: "Gives each of the first three channels the histogram of another picture, whose size may differ. Leaks: levels are \
              pulled apart and pushed together as no camera does.",
        mixes: false,
        fields: &[],
    },
    PartnerKind {
        op: PartnerOp::AdaptDistribution,
        name: "adapt_distribution",
        doc: "Moves the colours towards the distribution of another picture, whose size may differ, by one linear map; `kind` is \
              what is taken over: \"standard\" (means and deviations of the channels), \"min_max\" or \"pca\" (mean and axes of the \
              colours). Does not leak within a class, whose pictures have such means and spreads; with any_class it does.",
        mixes: false,
        fields: &[PartnerField {
            name: "share",
            doc: "How far of the way.",
            default: [0.5, 1.0],
            limits: [0.0, 1.0],
        }],
    },
    PartnerKind {
        op: PartnerOp::FourierAdaptation,
        name: "fourier_adaptation",
        doc: "Gives the low frequencies the amplitudes of another picture (FDA, Yang and Soatto 2020). Leaks: waves of the \
              other one stand beside edges of this one.",
        mixes: false,
        fields: &[PartnerField {
            name: "beta",
            doc: "The highest of them, as waves per pixel of the shorter side.",
            default: [0.0, 0.1],
            limits: [0.0, 0.5],
        }],
    },
    PartnerKind {
        op: PartnerOp::Mixup,
        name: "mixup",
        doc: "Lets another picture show through, by a share from Beta(alpha, alpha) (Zhang and others 2018). Leaks: ghosts.",
        mixes: true,
        fields: &[PartnerField {
            name: "alpha",
            doc: "Small ones leave one of both alone mostly, 1 is any share alike.",
            default: [0.4, 0.4],
            limits: [0.001, 1000.0],
        }],
    },
    PartnerKind {
        op: PartnerOp::Cutmix,
        name: "cutmix",
        doc: "Puts a rectangle of another picture in the same place, of a share of the area from Beta(alpha, alpha) (Yun and \
              others 2019). Leaks: seams.",
        mixes: true,
        fields: &[PartnerField {
            name: "alpha",
            doc: "1 is any share alike.",
            default: [1.0, 1.0],
            limits: [0.001, 1000.0],
        }],
    },
    PartnerKind {
        op: PartnerOp::Mosaic,
        name: "mosaic",
        doc: "Shows this picture and three others in quarters around a point (Bochkovskiy and others 2020). Leaks: seams.",
        mixes: true,
        fields: &[PartnerField {
            name: "margin",
            doc: "Where the point may be: from this share of each side on.",
            default: [0.25, 0.25],
            limits: [0.0, 0.5],
        }],
    },
    PartnerKind {
        op: PartnerOp::Overlay,
        name: "overlay",
        doc: "Lays another picture, made smaller, over a part of this one. Leaks: a picture in a picture.",
        mixes: true,
        fields: &[
            PartnerField {
                name: "scale",
                doc: "Its sides as a share of those of this one.",
                default: [0.3, 0.6],
                limits: [0.01, 1.0],
            },
            PartnerField {
                name: "opacity",
                doc: "How much of what is below it hides.",
                default: [0.5, 1.0],
                limits: [0.0, 1.0],
            },
        ],
    },
];

/// What `kind` of `adapt_distribution` may be.
const ADAPTATIONS: [(&str, Adaptation); 3] =
    [("standard", Adaptation::Standard), ("min_max", Adaptation::MinMax), ("pca", Adaptation::Pca)];

/// One of these operations with its parameters.
#[derive(Clone, Copy, Debug)]
pub struct PartnerStep {
    kind: &'static PartnerKind,
    ranges: [[f32; 2]; MOST_RANGES],
    adaptation: Adaptation,
    p: f32,
    any_class: bool,
}

impl PartialEq for PartnerStep {
    fn eq(&self, other: &Self) -> bool {
        let all = |step: &Self| (step.kind.op, step.ranges, step.adaptation, step.p, step.any_class);
        all(self) == all(other)
    }
}

impl PartnerStep {
    /// The operation as it is by default, done to every copy.
    const fn of(kind: &'static PartnerKind) -> Self {
        let (adaptation, ranges) = (Adaptation::Standard, [[0.0; 2]; MOST_RANGES]);
        Self { kind, ranges, adaptation, p: 1.0, any_class: false }
    }

    /// All of them, as they are by default.
    pub fn all() -> Vec<Self> {
        KINDS.iter().map(Self::usual).collect()
    }

    fn usual(kind: &'static PartnerKind) -> Self {
        let mut step = Self::of(kind);
        step.ranges.iter_mut().zip(kind.fields).for_each(|(range, field)| *range = field.default);
        step
    }

    /// The operation.
    pub const fn kind(&self) -> &'static PartnerKind {
        self.kind
    }

    /// Whether a generative model would learn to make what it leaves.
    pub fn leaks(&self) -> bool {
        self.kind.op != PartnerOp::AdaptDistribution || self.any_class
    }

    /// The table, every key named.
    pub fn to_map(&self) -> Map<String, Json> {
        // Shortest digits, not those of double precision.
        let number = |v: f32| {
            let short = v.to_string().parse::<f64>().ok().and_then(Number::from_f64);
            short.map_or(Json::Null, Json::Number)
        };
        let mut map = Map::new();
        map.insert("any_class".into(), self.any_class.into());
        map.insert("op".into(), self.kind.name.into());
        map.insert("p".into(), number(self.p));
        for (field, [low, high]) in self.kind.fields.iter().zip(self.ranges) {
            let value = if low == high { number(low) } else { Json::Array(vec![number(low), number(high)]) };
            map.insert(field.name.into(), value);
        }
        if self.kind.op == PartnerOp::AdaptDistribution {
            map.insert("kind".into(), adaptation_name(self.adaptation).into());
        }
        map
    }

    fn of_map(map: &Map<String, Json>) -> Result<Self, OpError> {
        let name = match map.get("op") {
            Some(Json::String(name)) => name.as_str(),
            _ => return Err(OpError::new("a partner has no `op`, such as op = \"fourier_adaptation\"")),
        };
        let kind = KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| unknown_op(name))?;
        let mut step = Self::usual(kind);
        for (key, value) in map {
            step.set(key, value)?;
        }
        if step.any_class && kind.mixes {
            return Err(OpError::new(format!(
                "any_class = true of {name}: the copy would be of two classes, and a dataset holds one of each sample; leave \
                 it out, so that both are of the same class"
            )));
        }
        Ok(step)
    }

    fn set(&mut self, key: &str, value: &Json) -> Result<(), OpError> {
        let name = self.kind.name;
        let wrong = |what: &str| OpError::new(format!("{key} = {} of {name} is {what}", words(value)));
        match key {
            "op" => {}
            "p" => {
                let p = as_number(value).filter(|p| (0.0..=1.0).contains(p));
                self.p = p.ok_or_else(|| wrong("no probability from 0 to 1"))?;
            }
            "any_class" => {
                self.any_class = value.as_bool().ok_or_else(|| wrong("neither true nor false"))?;
            }
            "kind" if self.kind.op == PartnerOp::AdaptDistribution => {
                let known = ADAPTATIONS.iter().find(|(name, _)| value.as_str() == Some(name));
                self.adaptation = known.ok_or_else(|| wrong("none of standard, min_max, pca"))?.1;
            }
            key => {
                let mut fields = self.kind.fields.iter().zip(&mut self.ranges);
                let Some((field, range)) = fields.find(|(field, _)| field.name == key) else {
                    return Err(self.unknown_key(key));
                };
                let [low, high] = field.limits;
                let read = as_range(value).filter(|[a, b]| low <= *a && a <= b && *b <= high);
                *range = read.ok_or_else(|| {
                    wrong(&format!("no range [lowest, highest], and no number, from {low} to {high}"))
                })?;
            }
        }
        Ok(())
    }

    fn unknown_key(&self, key: &str) -> OpError {
        let kind = (self.kind.op == PartnerOp::AdaptDistribution).then_some("kind");
        let fields = self.kind.fields.iter().map(|field| field.name);
        let known = fields.chain(kind).chain(["op", "p", "any_class"]);
        let hint = nearest(key, known).map(|known| format!("; did you mean `{known}`?"));
        OpError::new(format!("unknown key of {} `{key}`{}", self.kind.name, hint.unwrap_or_default()))
    }
}

const fn adaptation_name(adaptation: Adaptation) -> &'static str {
    match adaptation {
        Adaptation::Standard => "standard",
        Adaptation::MinMax => "min_max",
        Adaptation::Pca => "pca",
    }
}

/// A name that is none; those of operations that need no other picture stand under another key.
fn unknown_op(name: &str) -> OpError {
    if seedbed::augment::Op::KINDS.iter().any(|kind| kind.name == name) {
        return OpError::new(format!("`{name}` needs no other picture; write it under `ops`"));
    }
    let hint = nearest(name, KINDS.iter().map(|kind| kind.name));
    let hint = hint.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    OpError::new(format!("unknown partner operation `{name}`{hint} There are {}", names.join(", ")))
}

/// A value in a message; JSON has no form of NaN.
fn words(value: &Json) -> String {
    if value.is_null() { "nan or inf".into() } else { value.to_string() }
}

fn as_number(value: &Json) -> Option<f32> {
    value.as_f64().map(|v| v as f32).filter(|v| v.is_finite())
}

fn as_range(value: &Json) -> Option<[f32; 2]> {
    match value.as_array().map(Vec::as_slice) {
        Some([low, high]) => Some([as_number(low)?, as_number(high)?]),
        Some(_) => None,
        None => as_number(value).map(|v| [v; 2]),
    }
}

impl Serialize for PartnerStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_map().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PartnerStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of_map(&Map::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The text of an inline table, as `--partner` takes it.
impl FromStr for PartnerStep {
    type Err = OpError;

    fn from_str(text: &str) -> Result<Self, OpError> {
        let wrong = || {
            OpError::new(format!(
                "`{text}` is no table of a partner, such as {{ op = \"fourier_adaptation\", beta = [0, 0.1] }}"
            ))
        };
        Self::of_map(&inline_table(text).ok_or_else(wrong)?)
    }
}

/// Refuses more than sixteen.
///
/// # Errors
/// A usage error.
pub fn check_partners(steps: &[PartnerStep]) -> Result<()> {
    if steps.len() <= MAX_PARTNERS {
        return Ok(());
    }
    Err(Error::usage(format!("{} partners are too many: --partner (recipe key `partners`)", steps.len()))
        .hint(format!("at most {MAX_PARTNERS}")))
}

/// The names of those that a generative model would learn to make.
pub fn leaking_partners(steps: &[PartnerStep]) -> Vec<&'static str> {
    steps.iter().filter(|step| step.leaks()).map(|step| step.kind.name).collect()
}

/// All of them with their parameters and defaults, for `--help`.
pub(super) fn help() -> String {
    let mut text = String::from(
        "An operation with another picture, as an inline table; repeat the flag for more. They are done to each copy after \
         its other operations, in this order. The other picture is one of the train split, of the same class unless any_class = \
         true (which operations that put pixels of it into the copy refuse, since a sample has one class), drawn anew for each \
         copy by its own id; one of another size is fitted: its largest middle part of the same proportions, resized. \
         They come from a pool of up to 4096 pictures and 256 MiB, classes alike. A copy whose class has no other \
         picture stays as it is. The origin of the copy has their ids and what was drawn. The file pipeline.bin holds \
         none of these: a program in C calls them itself.\n\nEach has a probability p [default: 1]; a range is [lowest, highest], or \
         one number that fixes it. All leak, and are refused before a generative model unless allow_leaking = true, but \
         adapt_distribution within a class. The operations, their parameters and defaults:\n",
    );
    for kind in &KINDS {
        text += &format!("\n{}: {}\n", kind.name, kind.doc);
        for field in kind.fields {
            let [low, high] = field.default;
            let range = if low == high { low.to_string() } else { format!("[{low}, {high}]") };
            text += &format!("    {} = {range}: {}\n", field.name, field.doc);
        }
    }
    text
}

#[cfg(test)]
mod tests;
