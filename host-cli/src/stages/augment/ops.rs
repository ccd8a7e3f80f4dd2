//! Operations as a recipe writes them: `{ op = "rotate", degrees = [-15, 15], p = 0.5 }`.
//!
//! The names, parameters, defaults and ranges are those that [`seedbed::augment::Op::KINDS`] describes; nothing about
//! a single operation is known here.

use super::groups::Group;
use seedbed::augment::{Field, Kind, Op, Step, Value};
use seedbed::image::{Border, Filter};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json, json};
use std::fmt;
use std::str::FromStr;

/// One operation in the form of a recipe: the step of a pipeline, of a group followed by those of its members.
#[derive(Clone, Debug, PartialEq)]
pub struct OpStep(pub Vec<Step>);

impl From<Step> for OpStep {
    fn from(step: Step) -> Self {
        Self(vec![step])
    }
}

/// What is wrong with an operation of a recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct OpError {
    what: String,
    /// What was looked for, and the names that there are.
    names: Option<(String, Vec<&'static str>)>,
}

impl OpError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), names: None }
    }

    pub(super) fn unknown(what: &str, name: &str, known: Vec<&'static str>) -> Self {
        Self { what: format!("unknown {what} `{name}`"), names: Some((name.to_owned(), known)) }
    }

    /// The known name that is most like the one asked for.
    pub fn nearest(&self) -> Option<&'static str> {
        let (name, known) = self.names.as_ref()?;
        let likeness = |a: &str| strsim::jaro_winkler(a, name);
        known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
    }
}

impl fmt::Display for OpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.nearest().map_or(Ok(()), |name| write!(f, "; did you mean `{name}`?"))
    }
}

impl std::error::Error for OpError {}

/// The text of an inline table, as `--op` takes it.
impl FromStr for OpStep {
    type Err = OpError;

    fn from_str(text: &str) -> Result<Self, OpError> {
        let wrong = || {
            OpError::new(format!(
                "`{text}` is no table of an operation, such as {{ op = \"rotate\", degrees = [-15, 15], p = 0.5 }}"
            ))
        };
        let table: toml::Table = toml::from_str(&format!("it = {text}")).map_err(|_| wrong())?;
        let it = table.get("it").cloned().unwrap_or(toml::Value::Boolean(false));
        match serde_json::to_value(it) {
            Ok(Json::Object(map)) => Self::from_map(&map),
            _ => Err(wrong()),
        }
    }
}

impl<'de> Deserialize<'de> for OpStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let map = Map::deserialize(deserializer)?;
        Self::from_map(&map).map_err(|e| match &e.names {
            // In the words of serde, in which the recipe's reader finds the known names.
            Some((_, known)) => {
                D::Error::custom(format!("{}, expected one of `{}`", e.what, known.join("`, `")))
            }
            None => D::Error::custom(e.what),
        })
    }
}

impl Serialize for OpStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_map().serialize(serializer)
    }
}

impl OpStep {
    /// The step that a table describes; what it does not name has its default, and `p` is 1.
    ///
    /// # Errors
    /// For an unknown operation or key, and a value of the wrong kind or out of range.
    pub fn from_map(map: &Map<String, Json>) -> Result<Self, OpError> {
        let name = match map.get("op") {
            Some(Json::String(name)) => name,
            _ => return Err(OpError::new("an operation needs its name: op = \"rotate\"")),
        };
        if let Some(group) = Group::named(name) {
            return group.read(map);
        }
        let kind = operations().find(|kind| kind.name == name).ok_or_else(|| {
            let groups = Group::ALL.map(Group::name);
            OpError::unknown("operation", name, operations().map(|kind| kind.name).chain(groups).collect())
        })?;
        let known =
            |key: &&String| *key == "op" || *key == "p" || kind.fields.iter().any(|f| f.name == key.as_str());
        if let Some(key) = map.keys().find(|key| !known(key)) {
            let names = kind.fields.iter().map(|f| f.name).chain(["p"]).collect();
            return Err(OpError::unknown(&format!("key of {name}"), key, names));
        }
        let p = probability(name, map)?;
        let values: Result<Vec<Value>, OpError> =
            kind.fields.iter().map(|field| value_of(kind, field, map)).collect();
        let op = Op::from_values(kind.code, values?.into_iter());
        let op = op.ok_or_else(|| OpError::new(format!("{name} cannot be built")))?;
        Ok(Step { op, p }.into())
    }

    /// The table of this step, every key named.
    pub fn to_map(&self) -> Map<String, Json> {
        if let Some(group) = Group::to_map(&self.0) {
            return group;
        }
        let mut map = Map::new();
        let Some(step) = self.0.first() else { return map };
        let fields = step.op.kind().map_or(&[][..], |kind| {
            map.insert("op".into(), kind.name.into());
            kind.fields
        });
        let mut fields = fields.iter();
        step.op.for_each_value(|value| {
            if let Some(field) = fields.next() {
                map.insert(field.name.into(), json_of(value));
            }
        });
        map.insert("p".into(), number(step.p));
        map
    }
}

/// All operations but groups.
pub(super) fn operations() -> impl Iterator<Item = &'static Kind> {
    Op::KINDS.iter().filter(|kind| !kind.is_group())
}

/// The key `p` of the operation `name`, 1 where it is missing.
pub(super) fn probability(name: &str, map: &Map<String, Json>) -> Result<f32, OpError> {
    let Some(p) = map.get("p") else { return Ok(1.0) };
    let share = p.as_f64().filter(|p| (0.0..=1.0).contains(p)).map(|p| p as f32);
    share.ok_or_else(|| OpError::new(format!("p = {} of {name} is no probability from 0 to 1", shown(p))))
}

/// The value of `field` in `map`, or its default.
fn value_of(kind: &Kind, field: &Field, map: &Map<String, Json>) -> Result<Value, OpError> {
    let Some(json) = map.get(field.name) else { return Ok(field.default) };
    let wrong = || {
        let want = match field.default {
            Value::Range(_) => {
                format!("a number, or [lowest, highest], from {} to {}", field.low, field.high)
            }
            Value::Count(_) => format!("a whole number from {} to {}", field.low, field.high),
            Value::Border(_) => {
                "\"reflect101\", \"reflect\", \"edge\", \"wrap\", or a level from 0 to 255".to_owned()
            }
            Value::Filter(_) => {
                format!("one of {}", Filter::ALL.map(|f| format!("{:?}", f.name())).join(", "))
            }
        };
        OpError::new(format!("{} = {} of {} must be {want}", field.name, shown(json), kind.name))
    };
    let value = read(field, json).ok_or_else(wrong)?;
    field.check(value).map_err(|_| wrong())?;
    Ok(value)
}

/// A value as the user wrote it. JSON has neither NaN nor infinity; that is what became null here.
pub(super) fn shown(json: &Json) -> String {
    json.to_string().replace("null", "nan or inf")
}

fn read(field: &Field, json: &Json) -> Option<Value> {
    let number = |json: &Json| json.as_f64().map(|v| v as f32);
    Some(match field.default {
        Value::Range(_) => Value::Range(match json.as_array().map(Vec::as_slice) {
            None => [number(json)?; 2],
            Some([low, high]) => [number(low)?, number(high)?],
            Some(_) => return None,
        }),
        Value::Count(_) => Value::Count(u32::try_from(json.as_u64()?).ok()?),
        Value::Border(_) => Value::Border(match (json.as_str(), json.as_u64()) {
            (Some(name), _) => Border::named(name)?,
            (None, Some(level)) => Border::Constant(u8::try_from(level).ok()?),
            _ => return None,
        }),
        Value::Filter(_) => {
            let name = json.as_str()?;
            Value::Filter(Filter::ALL.into_iter().find(|f| f.name() == name)?)
        }
    })
}

fn json_of(value: Value) -> Json {
    match value {
        Value::Range(range) => json!(range.map(number)),
        Value::Count(n) => json!(n),
        Value::Border(Border::Constant(level)) => json!(level),
        Value::Border(border) => json!(border.name()),
        Value::Filter(filter) => json!(filter.name()),
    }
}

/// All operations with their parameters and defaults, for `--help`.
pub(super) fn help() -> String {
    let mut text = String::from(
        "An operation as an inline table; repeat the flag for more, which are done in this order. Unless given: small \
         turns, shifts and growths that suit any picture.\n\nEach has a probability p [default: 1]; a range is \
         [lowest, highest], or one number that fixes it. The operations, their parameters and defaults:\n",
    );
    for kind in operations() {
        text += &format!("\n{}: {}\n", kind.name, kind.doc.trim());
        for field in kind.fields {
            text += &format!("    {} = {}: {}\n", field.name, json_of(field.default), field.doc.trim());
        }
    }
    text += "\nGroups, whose `steps` are a list of operations and groups:\n";
    for group in Group::ALL {
        text += &format!("\n{}: {}\n", group.name(), group.doc());
    }
    text
}

/// An `f32` as the shortest JSON number that is read back as it: 0.1, not 0.10000000149011612.
pub(super) fn number(v: f32) -> Json {
    let short = serde_json::to_string(&v).ok().and_then(|text| text.parse::<f64>().ok());
    match short {
        Some(whole) if whole == whole.trunc() && whole.abs() < 1e15 => json!(whole as i64),
        Some(short) => json!(short),
        None => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<OpStep, String> {
        text.parse::<OpStep>().map_err(|e| e.to_string())
    }

    #[test]
    fn a_table_becomes_a_step_and_what_it_leaves_out_has_its_default() {
        let step = parse(r#"{ op = "rotate", degrees = [-15, 15], p = 0.5 }"#).unwrap();
        let op = Op::Rotate { degrees: [-15.0, 15.0], border: Border::Reflect101 };
        assert_eq!(step, Step { op, p: 0.5 }.into());
        assert_eq!(parse(r#"{ op = "hflip" }"#).unwrap().0, [Step { op: Op::HFlip {}, p: 1.0 }]);
        let one = parse(r#"{ op = "gamma", gamma = 2 }"#).unwrap();
        assert_eq!(one.0[0].op, Op::Gamma { gamma: [2.0, 2.0] });
        let crop = parse(r#"{ op = "random_crop", padding = 4, border = 0 }"#).unwrap();
        assert_eq!(
            crop.0[0].op,
            Op::RandomCrop { height: 0, width: 0, padding: 4, border: Border::Constant(0) }
        );
    }

    #[test]
    fn mistakes_are_told_with_the_nearest_known_name() {
        let cases = [
            (r#"{ op = "rotat" }"#, "unknown operation `rotat`; did you mean `rotate`?"),
            (r#"{ op = "rotate", degree = 3 }"#, "unknown key of rotate `degree`; did you mean `degrees`?"),
            (r#"{ degrees = 3 }"#, "an operation needs its name: op = \"rotate\""),
            (r#"{ op = "hflip", p = nan }"#, "p = nan or inf of hflip is no probability from 0 to 1"),
            (r#"{ op = "hflip", p = 1.5 }"#, "p = 1.5 of hflip is no probability from 0 to 1"),
            (
                r#"{ op = "rotate", degrees = [5, -5] }"#,
                "degrees = [5,-5] of rotate must be a number, or [lowest, highest], from -360 to 360",
            ),
            (r#"{ op = "pad", top = -1 }"#, "top = -1 of pad must be a whole number from 0 to 4096"),
            (
                r#"{ op = "pad", border = "mirror" }"#,
                "border = \"mirror\" of pad must be \"reflect101\", \"reflect\", \"edge\", \"wrap\", or a level from 0 to 255",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text).unwrap_err(), want);
        }
        assert!(parse("rotate").unwrap_err().contains("no table of an operation"));
    }

    #[test]
    fn the_help_names_every_operation_and_parameter() {
        let text = help();
        for kind in operations() {
            assert!(text.contains(&format!("\n{}: ", kind.name)));
            assert!(kind.fields.iter().all(|f| text.contains(&format!("    {} = ", f.name))));
        }
        assert!(text.contains("degrees = [-15,15]: Angle in degrees, counter-clockwise."), "{text}");
    }

    #[test]
    fn a_recipe_hears_all_known_names() {
        #[derive(Debug, Deserialize)]
        struct Table {
            #[serde(rename = "ops")]
            _ops: Vec<OpStep>,
        }
        let e = toml::from_str::<Table>("ops = [{ op = \"cutou\" }]").unwrap_err().to_string();
        assert!(
            e.contains("unknown operation `cutou`, expected one of `hflip`") && e.contains("`cutout`"),
            "{e}"
        );
    }

    proptest! {
        #[test]
        fn tables_are_read_back_as_the_step(kind in 0..operations().count(), share in 0.0f32..1.0, p in 0.0f32..=1.0) {
            let kind = operations().nth(kind).unwrap();
            let values = kind.fields.iter().map(|f| match f.default {
                Value::Range(_) => Value::Range([f.low + (f.high - f.low) * share * 0.9, f.high]),
                Value::Count(_) => Value::Count((f.low + (f.high - f.low) * share) as u32),
                other => other,
            });
            let step = OpStep::from(Step { op: Op::from_values(kind.code, values).unwrap(), p });
            prop_assert_eq!(OpStep::from_map(&step.to_map()), Ok(step.clone()));
            let text = serde_json::to_string(&step).unwrap();
            prop_assert_eq!(&serde_json::from_str::<OpStep>(&text).unwrap(), &step);
            let toml = toml::Value::try_from(&step).unwrap().to_string();
            prop_assert_eq!(toml.parse::<OpStep>(), Ok(step));
        }
    }
}
