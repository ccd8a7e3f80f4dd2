//! Pipelines as text: what serde's formats (TOML, JSON, …) write and read.
//!
//! A pipeline is a table with its steps as `ops`, and with `version` (3, unless given: a text without it
//! never takes the meaning of a later one), `fuse` (true, unless given) and `normalise`: `mean` and `std`, each a list with
//! a share of white for each channel, and `layout`, `"hwc"` (unless given) or `"chw"`. A
//! step is a table with the name of its operation as `op`, its parameters, and its probability `p`; what is left out has
//! its default. A group is a table with the members as `steps`: `one_of`; `some_of` with `n`, a number or
//! \[least, most\], and `any_order`; `shuffled`; `sequence`.
//!
//! ```toml
//! version = 3
//! normalise = { mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25], layout = "chw" }
//! ops = [
//!     { op = "random_crop", padding = 4 },
//!     { op = "rotate", degrees = [-15, 15], p = 0.5 },
//!     { op = "one_of", steps = [{ op = "gamma", gamma = [0.8, 1.2] }, { op = "invert" }], p = 0.2 },
//! ]
//! ```
//!
//! Unknown names and values out of range are errors that name the nearest name, or the range. The format must be one that
//! describes itself, as those do that people write; [`Pipeline::to_bytes`] is for the others.

mod normal;
mod raw;
mod read;
mod write;

use super::bytes::VERSION;
use super::op::{Kind, Op};
use super::pipeline::{Pipeline, Step};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// The version of a text that names none.
pub const UNVERSIONED: u16 = 3;

/// A step with its members, if it is a group, as one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Branch<const N: usize>(pub heapless::Vec<Step, N>);

/// A kind of group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// One of its members, each as likely as the others.
    OneOf,
    /// Some of its members.
    SomeOf,
    /// All of its members in any order.
    Shuffled,
    /// All of its members in their order.
    Sequence,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OneOf, Self::SomeOf, Self::Shuffled, Self::Sequence];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneOf => "one_of",
            Self::SomeOf => "some_of",
            Self::Shuffled => "shuffled",
            Self::Sequence => "sequence",
        }
    }

    /// What it does.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::OneOf => "One of its `steps`, each as likely as the others.",
            Self::SomeOf => {
                "`n` of its `steps`, a number or [least, most], each as likely as the others; with any_order = true in an \
                 order that is drawn, too."
            }
            Self::Shuffled => "All of its `steps` in an order that is drawn.",
            Self::Sequence => "All of its `steps` in their order, with one probability p.",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// The keys that it takes beside `op`.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::SomeOf => &["steps", "n", "any_order", "p"],
            Self::OneOf | Self::Shuffled | Self::Sequence => &["steps", "p"],
        }
    }

    /// The plainest group that does what the parameters of [`Op::SomeOf`] tell.
    const fn of(members: u32, least: u32, most: u32, any_order: bool) -> Self {
        match (least == members && most == members, any_order) {
            (true, true) => Self::Shuffled,
            (true, false) => Self::Sequence,
            (false, false) if least == 1 && most == 1 => Self::OneOf,
            _ => Self::SomeOf,
        }
    }
}

/// The kinds of operations that are named: all but groups.
fn kinds() -> impl Iterator<Item = &'static Kind> {
    Op::KINDS.iter().filter(|kind| !kind.is_group())
}

impl<const N: usize> Serialize for Branch<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write::One(&self.0).serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Branch<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut steps = heapless::Vec::new();
        de::DeserializeSeed::deserialize(read::One(&mut steps), deserializer)?;
        Ok(Self(steps))
    }
}

impl<const N: usize> Serialize for Pipeline<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_struct("Pipeline", 4)?;
        table.serialize_field("version", &VERSION)?;
        table.serialize_field("fuse", &self.fuses())?;
        match self.normal() {
            Some(normal) => table.serialize_field("normalise", &normal::Written(normal))?,
            None => table.skip_field("normalise")?,
        }
        table.serialize_field("ops", &write::All(self.steps()))?;
        table.end()
    }
}

impl<'de, const N: usize> Deserialize<'de> for Pipeline<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PipelineVisitor)
    }
}

struct PipelineVisitor<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for PipelineVisitor<N> {
    type Value = Pipeline<N>;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a table with the steps of a pipeline")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pipeline<N>, A::Error> {
        const KEYS: [&str; 4] = ["version", "fuse", "normalise", "ops"];
        let mut steps = heapless::Vec::<Step, N>::new();
        let (mut fuse, mut normal, mut given) = (true, None, false);
        let (mut version, mut seen) = (UNVERSIONED, heapless::Vec::<raw::Text, 4>::new());
        while let Some(key) = map.next_key::<raw::Text>()? {
            if seen.contains(&key) {
                return Err(raw::given_twice(&key));
            }
            // Other keys are refused below.
            seen.push(key.clone()).unwrap_or(());
            match key.as_str() {
                "version" => version = map.next_value()?,
                "fuse" => fuse = map.next_value()?,
                "normalise" => normal = Some(map.next_value::<normal::Read>()?),
                "ops" => {
                    map.next_value_seed(read::All(&mut steps))?;
                    given = true;
                }
                _ => return Err(raw::unknown("key of a pipeline", &key, KEYS.into_iter())),
            }
        }
        if version != VERSION {
            return Err(de::Error::custom(format_args!(
                "pipeline version {version} is not known to this build, which does version {VERSION}"
            )));
        }
        if !given {
            return Err(de::Error::missing_field("ops"));
        }
        let mut pipeline = Pipeline::new();
        pipeline.set_fuse(fuse);
        if let Some(normal) = &normal {
            normal.set(&mut pipeline)?;
        }
        for step in steps {
            pipeline.push(step.op, step.p).map_err(de::Error::custom)?;
        }
        pipeline.validate().map_err(de::Error::custom)?;
        Ok(pipeline)
    }
}

#[cfg(test)]
mod tests;
