//! How a sample was made from others, and the JSON text of that in the column `origin`.

use crate::error::{Error, Result};
use seedbed::rng::Key;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::ser::{Formatter, Serializer};
use serde_json::value::{RawValue, Value};
use std::io::Write;

/// How a sample was made from others, so that it can be made again, alone.
///
/// The fields are in alphabetical order, and so are the keys of the JSON.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Origin {
    /// The key of the randomness in the stream of the seed.
    pub key: Key,
    /// Everything else that the step needs, as it understands it.
    #[serde(default)]
    pub params: Params,
    /// The seed of the run.
    pub seed: u64,
    /// The id of the sample (or the hash of the model) that it was made from.
    pub source: String,
    /// The step that made it: `augment`, `balance`, `generate`, ….
    pub step: String,
}

impl Origin {
    /// The JSON: keys in alphabetical order, so that equal origins are equal texts.
    ///
    /// # Errors
    /// Never: all of it has a form in JSON.
    pub fn text(&self) -> Result<String> {
        let Self { key, params, seed, source, step } = self;
        let mut text = Vec::with_capacity(160 + params.0.len() + source.len());
        text.extend_from_slice(b"{\"key\":");
        serde_json::to_writer(&mut text, key).map_err(unwritten)?;
        text.extend_from_slice(b",\"params\":");
        text.extend_from_slice(params.0.as_bytes());
        write!(text, ",\"seed\":{seed},\"source\":").map_err(unwritten)?;
        serde_json::to_writer(&mut text, source).map_err(unwritten)?;
        text.extend_from_slice(b",\"step\":");
        serde_json::to_writer(&mut text, step).map_err(unwritten)?;
        text.push(b'}');
        String::from_utf8(text).map_err(unwritten)
    }

    /// The origin of which this is the [text](Origin::text). Another order of keys in the parameters stays as it is.
    pub(super) fn of_text(text: &str) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct AsWritten {
            key: Key,
            #[serde(default)]
            params: Option<Box<RawValue>>,
            seed: u64,
            source: String,
            step: String,
        }
        let AsWritten { key, params, seed, source, step } = serde_json::from_str(text)?;
        Ok(Self {
            key,
            params: params.map_or_else(Params::default, |p| Params(p.into())),
            seed,
            source,
            step,
        })
    }
}

/// Parameters of a step, as JSON without blanks, whose keys are in alphabetical order: many samples have such, and a
/// text takes a tenth of the memory and the time of a tree of values.
#[derive(Clone, Debug)]
pub struct Params(Box<str>);

impl Params {
    /// The parameters that `formatter` writes as they are to be: with their keys in alphabetical order.
    ///
    /// # Errors
    /// When they have no form in JSON.
    pub fn in_order(params: &impl Serialize, formatter: impl Formatter) -> Result<Self> {
        let mut text = Vec::with_capacity(512);
        params.serialize(&mut Serializer::with_formatter(&mut text, formatter)).map_err(unwritten)?;
        Ok(Self(String::from_utf8(text).map_err(unwritten)?.into()))
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What a step left there.
    ///
    /// # Errors
    /// When it left something else.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.0)
    }
}

fn unwritten(e: impl std::fmt::Display) -> Error {
    Error::failed(format!("cannot write the origin as JSON ({e})"))
}

impl Default for Params {
    fn default() -> Self {
        Value::Null.into()
    }
}

/// In any order of keys.
impl From<Value> for Params {
    fn from(value: Value) -> Self {
        Self(value.to_string().into())
    }
}

impl PartialEq for Params {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_text_has_its_keys_in_alphabetical_order() {
        let params = json!({"p": [0.5, 1e-7], "b": {"z": 1, "a": null}});
        let key = Key::new(3).epoch(2).sample(u64::MAX).op(1);
        let origin =
            Origin { source: "a\"b".into(), step: "augment".into(), params: params.into(), seed: 7, key };
        let text = origin.text().unwrap();
        assert_eq!(
            text,
            serde_json::from_str::<Value>(&text).unwrap().to_string(),
            "as a tree of values has it"
        );
        assert!(text.contains(r#""params":{"b":{"a":null,"z":1},"p":[0.5,1e-7]},"seed":7"#), "{text}");
        assert_eq!(Origin::of_text(&text).unwrap(), origin);
        // Another order and blanks, as other programs leave them.
        let mixed = text
            .replace(r#""b":{"a":null,"z":1},"p":[0.5,1e-7]"#, r#""p":[0.5, 1e-7], "b": {"z":1,"a":null}"#);
        assert_ne!(mixed, text);
        assert_eq!(serde_json::from_str::<Origin>(&mixed).unwrap(), origin);
        let bare = r#"{"key":{"epoch":0,"op":0,"purpose":0,"sample":0},"seed":0,"source":"","step":""}"#;
        assert_eq!(Origin::of_text(bare).unwrap(), serde_json::from_str(bare).unwrap());
        assert!(Origin::of_text("{}").is_err());
    }
}
