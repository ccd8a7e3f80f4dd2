//! Groups of operations as a recipe writes them: `{ op = "one_of", steps = [{ op = "hflip" }, { op = "vflip" }] }`.

use super::ops::{OpError, OpStep, number, probability, shown};
use seedbed::augment::{MOST_MEMBERS, Op, Step};
use serde_json::{Map, Value as Json, json};

/// A kind of group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    OneOf,
    SomeOf,
    Shuffled,
    Sequence,
}

impl Group {
    pub const ALL: [Self; 4] = [Self::OneOf, Self::SomeOf, Self::Shuffled, Self::Sequence];

    /// The group of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// Its name in recipes.
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

    /// The keys that it takes beside `op`.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::SomeOf => &["steps", "n", "any_order", "p"],
            Self::OneOf | Self::Shuffled | Self::Sequence => &["steps", "p"],
        }
    }

    /// The group that a table describes: its step, followed by those of its members.
    pub fn read(self, map: &Map<String, Json>) -> Result<OpStep, OpError> {
        let name = self.name();
        if let Some(key) = map.keys().find(|key| *key != "op" && !self.keys().contains(&key.as_str())) {
            return Err(OpError::unknown(&format!("key of {name}"), key, self.keys().to_vec()));
        }
        let tables =
            map.get("steps").and_then(Json::as_array).filter(|t| (1..=MOST_MEMBERS).contains(&t.len()));
        let tables = tables.ok_or_else(|| {
            OpError::new(format!("steps of {name} must be a list of 1 to {MOST_MEMBERS} operations"))
        })?;
        let members = tables.len() as u32;
        let (least, most, any_order) = match self {
            Self::OneOf => (1, 1, false),
            Self::Shuffled => (members, members, true),
            Self::Sequence => (members, members, false),
            Self::SomeOf => {
                let (least, most) = counts(map.get("n"), members)?;
                let any_order = map.get("any_order").unwrap_or(&Json::Bool(false));
                let wrong = || {
                    OpError::new(format!("any_order = {} of some_of must be true or false", shown(any_order)))
                };
                (least, most, any_order.as_bool().ok_or_else(wrong)?)
            }
        };
        let op = Op::SomeOf { members, least, most, any_order: any_order.into() };
        let mut steps = vec![Step { op, p: probability(name, map)? }];
        for table in tables {
            let table = table.as_object().ok_or_else(|| {
                OpError::new(format!(
                    "{} among the steps of {name} is no table of an operation",
                    shown(table)
                ))
            })?;
            steps.extend(OpStep::from_map(table)?.0);
        }
        Ok(OpStep(steps))
    }

    /// The table of the group at the beginning of `steps`, which are it and its members.
    pub fn to_map(steps: &[Step]) -> Option<Map<String, Json>> {
        let (Step { op: Op::SomeOf { members, least, most, any_order }, p }, mut rest) =
            steps.split_first()?
        else {
            return None;
        };
        let group = match (*least == *members && *most == *members, *any_order != 0) {
            (true, true) => Self::Shuffled,
            (true, false) => Self::Sequence,
            _ if *least == 1 && *most == 1 => Self::OneOf,
            _ => Self::SomeOf,
        };
        let mut tables = Vec::new();
        for _ in 0..*members {
            let (one, after) = rest.split_at_checked(length(rest))?;
            tables.push(Json::Object(OpStep(one.to_vec()).to_map()));
            rest = after;
        }
        let mut map = Map::from_iter([
            ("op".to_owned(), json!(group.name())),
            ("steps".to_owned(), Json::Array(tables)),
        ]);
        if group == Self::SomeOf {
            map.insert("n".into(), json!([least, most]));
            map.insert("any_order".into(), json!(*any_order != 0));
        }
        map.insert("p".into(), number(*p));
        Some(map)
    }
}

/// How many steps the first one is with its members.
fn length(steps: &[Step]) -> usize {
    let (mut wanted, mut length) = (1, 0);
    while wanted > 0 {
        let Some(step) = steps.get(length) else { break };
        if let Op::SomeOf { members, .. } = step.op {
            wanted += members;
        }
        wanted -= 1;
        length += 1;
    }
    length
}

/// The least and the most of `n`.
fn counts(n: Option<&Json>, members: u32) -> Result<(u32, u32), OpError> {
    let count = |n: &Json| n.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= members);
    let pair = n.and_then(|n| match n.as_array().map(Vec::as_slice) {
        None => count(n).map(|n| (n, n)),
        Some([least, most]) => count(least).zip(count(most)).filter(|(least, most)| least <= most),
        Some(_) => None,
    });
    pair.ok_or_else(|| {
        let n = n.map_or_else(|| "missing".to_owned(), |n| format!("= {}", shown(n)));
        OpError::new(format!(
            "n {n} of some_of must be a whole number, or [least, most], from 0 to its {members} steps"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<OpStep, String> {
        text.parse::<OpStep>().map_err(|e| e.to_string())
    }

    #[test]
    fn groups_are_read_and_written_as_they_are_meant() {
        let texts = [
            (
                r#"{ op = "one_of", steps = [{ op = "hflip" }, { op = "vflip", p = 0.5 }], p = 0.25 }"#,
                [2, 1, 1, 0],
            ),
            (
                r#"{ op = "shuffled", steps = [{ op = "hflip" }, { op = "vflip" }, { op = "rot90" }] }"#,
                [3, 3, 3, 1],
            ),
            (r#"{ op = "sequence", steps = [{ op = "hflip" }, { op = "vflip" }], p = 0.5 }"#, [2, 2, 2, 0]),
            (r#"{ op = "some_of", n = [0, 1], steps = [{ op = "hflip" }, { op = "vflip" }] }"#, [2, 0, 1, 0]),
            (
                r#"{ op = "some_of", n = 2, any_order = true, steps = [{ op = "one_of", steps = [{ op = "hflip" }, { op = "gamma" }] }, { op = "vflip" }, { op = "rot90" }] }"#,
                [3, 2, 2, 1],
            ),
        ];
        for (text, [members, least, most, any_order]) in texts {
            let group = parse(text).unwrap();
            assert_eq!(group.0[0].op, Op::SomeOf { members, least, most, any_order }, "{text}");
            assert_eq!(OpStep::from_map(&group.to_map()).unwrap(), group, "{text}");
            let json = serde_json::to_string(&group).unwrap();
            assert_eq!(serde_json::from_str::<OpStep>(&json).unwrap(), group);
            assert_eq!(toml::Value::try_from(&group).unwrap().to_string().parse::<OpStep>().unwrap(), group);
        }
        assert_eq!(parse(texts[4].0).unwrap().0.len(), 6);
    }

    #[test]
    fn mistakes_in_groups_are_told() {
        let cases = [
            (r#"{ op = "one_off", steps = [] }"#, "unknown operation `one_off`; did you mean `one_of`?"),
            (r#"{ op = "one_of", step = [] }"#, "unknown key of one_of `step`; did you mean `steps`?"),
            (r#"{ op = "one_of", steps = [] }"#, "steps of one_of must be a list of 1 to 16 operations"),
            (r#"{ op = "one_of" }"#, "steps of one_of must be a list of 1 to 16 operations"),
            (r#"{ op = "one_of", steps = [3] }"#, "3 among the steps of one_of is no table of an operation"),
            (
                r#"{ op = "some_of", steps = [{ op = "hflip" }], n = 2 }"#,
                "n = 2 of some_of must be a whole number, or [least, most], from 0 to its 1 steps",
            ),
            (
                r#"{ op = "some_of", steps = [{ op = "hflip" }] }"#,
                "n missing of some_of must be a whole number, or [least, most], from 0 to its 1 steps",
            ),
            (
                r#"{ op = "shuffled", steps = [{ op = "hflp" }] }"#,
                "unknown operation `hflp`; did you mean `hflip`?",
            ),
            (
                r#"{ op = "some_of", n = 1, any_order = 1, steps = [{ op = "hflip" }] }"#,
                "any_order = 1 of some_of must be true or false",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text).unwrap_err(), want);
        }
    }
}
