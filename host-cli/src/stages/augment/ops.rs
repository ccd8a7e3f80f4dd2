//! Operations as a recipe writes them: `{ op = "rotate", degrees = [-15, 15], p = 0.5 }`.
//!
//! The names, parameters, defaults and ranges, and the text itself, are those of the core ([`seedbed::augment::text`]);
//! nothing about a single operation is known here.

use super::maker::MAX_OPS;
use seedbed::augment::text::{Branch, Group};
use seedbed::augment::{Kind, Op, Step, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::fmt;
use std::str::FromStr;

/// One operation in the form of a recipe: the step of a pipeline, of a group with those of its members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpStep(pub Branch<MAX_OPS>);

impl From<Step> for OpStep {
    fn from(step: Step) -> Self {
        Self(Branch([step].into_iter().collect()))
    }
}

/// What is wrong with an operation of a recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct OpError(String);

impl OpError {
    /// This is wrong.
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for OpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpError {}

/// The text of an inline table, as `--op` takes it.
impl FromStr for OpStep {
    type Err = OpError;

    fn from_str(text: &str) -> Result<Self, OpError> {
        let wrong = || {
            OpError(format!(
                "`{text}` is no table of an operation, such as {{ op = \"rotate\", degrees = [-15, 15], p = 0.5 }}"
            ))
        };
        let map = inline_table(text).ok_or_else(wrong)?;
        serde_json::from_value(Json::Object(map)).map_err(|e| OpError(e.to_string()))
    }
}

/// What the text of an inline table holds, by way of JSON, whose errors have no places of a text that nobody has written; `None`
/// for other text.
pub(super) fn inline_table(text: &str) -> Option<Map<String, Json>> {
    let table: toml::Table = toml::from_str(&format!("it = {text}")).ok()?;
    match serde_json::to_value(table.get("it")?) {
        Ok(Json::Object(map)) => Some(map),
        _ => None,
    }
}

impl OpStep {
    /// The table of this step, every key named.
    ///
    /// # Errors
    /// Never for a step that was read.
    pub fn to_map(&self) -> Result<Map<String, Json>, OpError> {
        match serde_json::to_value(self) {
            Ok(Json::Object(map)) => Ok(map),
            other => Err(OpError(format!("an operation cannot be written: {other:?}"))),
        }
    }
}

/// All operations but groups.
pub(super) fn operations() -> impl Iterator<Item = &'static Kind> {
    Op::KINDS.iter().filter(|kind| !kind.is_group())
}

/// The names of those that a generative model would learn to make.
pub fn leaking(ops: &[OpStep]) -> Vec<&'static str> {
    let steps = ops.iter().flat_map(|OpStep(branch)| &branch.0).filter(|step| step.op.leaks());
    steps.filter_map(|step| step.op.kind()).map(|kind| kind.name).collect()
}

/// All operations with their parameters and defaults, for `--help`.
pub(super) fn help() -> String {
    let mut text = String::from(
        "An operation as an inline table; repeat the flag for more, which are done in this order. Unless given: small \
         turns, shifts and growths that suit any picture.\n\nEach has a probability p [default: 1]; a range is \
         [lowest, highest], or one number that fixes it. What leaks leaves traces that a generative model learns to \
         make, as does a border of one value; training one refuses it unless allow_leaking = true. The operations, their \
         parameters and defaults:\n",
    );
    for kind in operations() {
        let leaks = if kind.leaks { " (leaks)" } else { "" };
        text += &format!("\n{}{leaks}: {}\n", kind.name, kind.doc.trim());
        for field in kind.fields {
            text += &format!("    {} = {}: {}\n", field.name, shown(&field.default), field.doc.trim());
        }
    }
    text += "\nGroups, whose `steps` are a list of operations and groups:\n";
    for group in Group::ALL {
        text += &format!("\n{}: {}\n", group.name(), group.doc());
    }
    text
}

fn shown(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<OpStep, String> {
        text.parse::<OpStep>().map_err(|e| e.to_string())
    }

    #[test]
    fn a_table_becomes_a_step_and_goes_back_to_the_table() {
        let step = parse(r#"{ op = "rotate", degrees = [-15, 15], p = 0.5 }"#).unwrap();
        let border = seedbed::image::Border::Reflect101;
        assert_eq!(
            step,
            Step {
                op: Op::Rotate {
                    degrees: [-15.0, 15.0],
                    border,
                    interpolation: seedbed::image::Interpolation::Bilinear
                },
                p: 0.5
            }
            .into()
        );
        let text = toml::Value::try_from(&step).unwrap().to_string();
        let want = r#"{ border = "reflect101", degrees = [-15, 15], interpolation = "bilinear", op = "rotate", p = 0.5 }"#;
        assert_eq!(text, want);
        assert_eq!(parse(&text).unwrap(), step);
        let group =
            parse(r#"{ op = "one_of", steps = [{ op = "hflip" }, { op = "gamma", gamma = 0.1 }] }"#).unwrap();
        let text = toml::Value::try_from(&group).unwrap().to_string();
        assert!(text.contains("gamma = [0.1, 0.1]"), "{text}");
        assert_eq!(parse(&text).unwrap(), group);
    }

    #[test]
    fn mistakes_are_told() {
        let e = parse(r#"{ op = "rotat" }"#).unwrap_err();
        assert_eq!(e, "unknown operation `rotat`; did you mean `rotate`?");
        let e = parse(r#"{ op = "hflip", p = nan }"#).unwrap_err();
        assert_eq!(e, "p = nan or inf of hflip is no probability from 0 to 1");
        assert!(parse("rotate").unwrap_err().contains("no table of an operation"));
        assert!(parse("3").unwrap_err().contains("no table of an operation"));
    }

    #[test]
    fn the_help_names_every_operation_and_parameter() {
        let text = help();
        for kind in operations() {
            let leaks = if kind.leaks { " (leaks)" } else { "" };
            assert!(text.contains(&format!("\n{}{leaks}: ", kind.name)));
            assert!(kind.fields.iter().all(|f| text.contains(&format!("    {} = ", f.name))));
        }
        assert!(text.contains("degrees = [-15,15]: Angle in degrees, counter-clockwise."), "{text}");
    }

    #[test]
    fn a_recipe_hears_of_mistakes() {
        #[derive(Debug, Deserialize)]
        struct Table {
            #[serde(rename = "ops")]
            _ops: Vec<OpStep>,
        }
        let e = toml::from_str::<Table>("ops = [{ op = \"cutou\" }]").unwrap_err().to_string();
        assert!(e.contains("unknown operation `cutou`; did you mean `cutout`?"), "{e}");
    }
}
