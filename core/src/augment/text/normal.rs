//! The normalisation of a pipeline as text.

use super::raw::{Text, given_twice, unknown};
use crate::augment::normal::{MOST_CHANNELS, Normal};
use crate::augment::pipeline::Pipeline;
use core::fmt;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Height × width × channels, and channels × height × width.
const LAYOUTS: [&str; 2] = ["hwc", "chw"];

/// To be written.
pub(super) struct Written<'a>(pub Normal<'a>);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [hwc, chw] = LAYOUTS;
        let mut table = serializer.serialize_struct("Normal", 3)?;
        table.serialize_field("mean", &super::write::Shorts(self.0.mean))?;
        table.serialize_field("std", &super::write::Shorts(self.0.std))?;
        table.serialize_field("layout", if self.0.planes { chw } else { hwc })?;
        table.end()
    }
}

/// A list of numbers, one for each channel.
#[derive(Default)]
struct Numbers(heapless::Vec<f32, MOST_CHANNELS>);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Numbers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list with a number for each channel")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Numbers, A::Error> {
                let mut all = heapless::Vec::new();
                while let Some(v) = seq.next_element::<f32>()? {
                    let full =
                        |_| de::Error::custom(format_args!("numbers for more than {MOST_CHANNELS} channels"));
                    all.push(v).map_err(full)?;
                }
                Ok(Numbers(all))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// What was read.
pub(super) struct Read {
    mean: Numbers,
    std: Numbers,
    planes: bool,
}

impl Read {
    /// Makes it a part of `pipeline`.
    pub fn set<E: de::Error, const N: usize>(&self, pipeline: &mut Pipeline<N>) -> Result<(), E> {
        let (mean, std) = (&self.mean.0, &self.std.0);
        if mean.is_empty() || mean.len() != std.len() {
            return Err(E::custom(format_args!(
                "mean and std of normalise must have a number for each channel, not {} and {}",
                mean.len(),
                std.len()
            )));
        }
        pipeline
            .set_normal(Some(Normal { mean, std, planes: self.planes }))
            .map_err(|_| E::custom("mean and std of normalise must be finite, and std greater than 0"))
    }
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table such as { mean = [0.5], std = [0.25], layout = \"chw\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let (mut mean, mut std, mut layout) = (None::<Numbers>, None::<Numbers>, None::<Text>);
        while let Some(key) = map.next_key::<Text>()? {
            let known = match key.as_str() {
                "mean" => mean.replace(map.next_value()?).is_some(),
                "std" => std.replace(map.next_value()?).is_some(),
                "layout" => layout.replace(map.next_value()?).is_some(),
                _ => return Err(unknown("key of normalise", &key, ["mean", "std", "layout"].into_iter())),
            };
            if known {
                return Err(given_twice(&key));
            }
        }
        let planes = match &layout {
            None => false,
            Some(name) => {
                let place = LAYOUTS.iter().position(|layout| *layout == name.as_str());
                place.ok_or_else(|| unknown("layout of normalise", name, LAYOUTS.into_iter()))? == 1
            }
        };
        Ok(Read { mean: mean.unwrap_or_default(), std: std.unwrap_or_default(), planes })
    }
}
