//! Reading steps from text.

use super::raw::{Raw, Text, given_twice, unknown};
use super::{Group, kinds};
use crate::augment::field::{Field, Value};
use crate::augment::group::MOST_MEMBERS;
use crate::augment::op::{Kind, Op};
use crate::augment::pipeline::Step;
use crate::image::{Border, Filter, Interpolation};
use core::fmt::{self, Display};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The most keys of a table.
const KEYS: usize = 12;

type Steps<const N: usize> = heapless::Vec<Step, N>;

/// A list of steps, which are added to these; gives how many there are, members of groups not counted.
pub(super) struct All<'a, const N: usize>(pub &'a mut Steps<N>);

impl<'de, const N: usize> DeserializeSeed<'de> for All<'_, N> {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for All<'_, N> {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of operations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<u32, A::Error> {
        let mut count = 0;
        while seq.next_element_seed(One(self.0))?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// One step, which is added to these with its members.
pub(super) struct One<'a, const N: usize>(pub &'a mut Steps<N>);

impl<'de, const N: usize> DeserializeSeed<'de> for One<'_, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for One<'_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the table of an operation, such as { op = \"rotate\", degrees = [-15, 15], p = 0.5 }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // The members may come before the name: the place of the step is kept for it.
        let at = self.0.len();
        let full =
            |_| de::Error::custom(format_args!("more than {N} operations, groups and their steps counted"));
        self.0.push(Step { op: Op::Invert {}, p: 1.0 }).map_err(full)?;
        let mut table = Table::default();
        while let Some(key) = map.next_key::<Text>()? {
            if table.get(key.as_str()).is_some() || key.as_str() == "steps" && table.members.is_some() {
                return Err(given_twice(&key));
            }
            if key.as_str() == "steps" {
                table.members = Some(map.next_value_seed(All(self.0))?);
            } else {
                let value = map.next_value::<Raw>()?;
                table.values.push((key, value)).map_err(|_| {
                    de::Error::custom(format_args!("more than {KEYS} keys in the table of an operation"))
                })?;
            }
        }
        let step = table.step()?;
        self.0.get_mut(at).into_iter().for_each(|place| *place = step);
        Ok(())
    }
}

/// What the table of a step holds.
#[derive(Default)]
struct Table {
    values: heapless::Vec<(Text, Raw), KEYS>,
    members: Option<u32>,
}

impl Table {
    fn get(&self, key: &str) -> Option<&Raw> {
        self.values.iter().find(|(name, _)| name.as_str() == key).map(|(_, value)| value)
    }

    fn step<E: de::Error>(&self) -> Result<Step, E> {
        let Some(Raw::Text(name)) = self.get("op") else {
            return Err(E::custom("an operation needs its name: op = \"rotate\""));
        };
        if let Some(group) = Group::named(name.as_str()) {
            return self.group(group);
        }
        let Some(kind) = kinds().find(|kind| kind.name == name.as_str()) else {
            let names = kinds().map(|kind| kind.name).chain(Group::ALL.map(Group::name));
            return Err(unknown("operation", name, names));
        };
        self.keys(
            kind.name,
            || kind.fields.iter().map(|field| field.name).chain(["p"]),
            self.members.is_some(),
        )?;
        let p = self.probability(kind.name)?;
        let mut values = heapless::Vec::<Value, KEYS>::new();
        for field in kind.fields {
            let value = self.get(field.name).map_or(Ok(field.default), |raw| value_of(kind, field, raw))?;
            // No operation has so many.
            values.push(value).unwrap_or(());
        }
        let op = Op::from_values(kind.code, values.into_iter());
        let op = op.ok_or_else(|| E::custom(format_args!("{} cannot be built", kind.name)))?;
        Ok(Step { op, p })
    }

    /// Refuses keys that are not `known` to the operation `name`.
    fn keys<E: de::Error, I: Iterator<Item = &'static str>>(
        &self,
        name: &str,
        known: impl Fn() -> I,
        steps: bool,
    ) -> Result<(), E> {
        let steps = steps.then(|| Text::from("steps"));
        let given = self.values.iter().map(|(key, _)| key).chain(&steps).filter(|key| key.as_str() != "op");
        let mut strange = given.filter(|key| !known().any(|known| known == key.as_str()));
        strange.next().map_or(Ok(()), |key| Err(unknown(Of("key", name).as_text().as_str(), key, known())))
    }

    fn probability<E: de::Error>(&self, name: &str) -> Result<f32, E> {
        let Some(p) = self.get("p") else { return Ok(1.0) };
        let share = p.number().filter(|p| (0.0..=1.0).contains(p)).map(|p| p as f32);
        share.ok_or_else(|| E::custom(format_args!("p = {p} of {name} is no probability from 0 to 1")))
    }

    fn group<E: de::Error>(&self, group: Group) -> Result<Step, E> {
        let name = group.name();
        self.keys(name, || group.keys().iter().copied(), false)?;
        let members = self.members.filter(|n| (1..=MOST_MEMBERS as u32).contains(n)).ok_or_else(|| {
            E::custom(format_args!("steps of {name} must be a list of 1 to {MOST_MEMBERS} operations"))
        })?;
        let (least, most, any_order) = match group {
            Group::OneOf => (1, 1, false),
            Group::Shuffled => (members, members, true),
            Group::Sequence => (members, members, false),
            Group::SomeOf => {
                let (least, most) = self.counts(members)?;
                let any_order = match self.get("any_order") {
                    None => false,
                    Some(Raw::Flag(flag)) => *flag,
                    Some(other) => {
                        let text = format_args!("any_order = {other} of {name} must be true or false");
                        return Err(E::custom(text));
                    }
                };
                (least, most, any_order)
            }
        };
        // One has no order.
        let op = Op::SomeOf { members, least, most, any_order: any_order && most > 1 };
        Ok(Step { op, p: self.probability(name)? })
    }

    /// The least and the most of `n`.
    fn counts<E: de::Error>(&self, members: u32) -> Result<(u32, u32), E> {
        let want = format_args!("a whole number, or [least, most], from 0 to its {members} steps");
        let Some(n) = self.get("n") else {
            return Err(E::custom(format_args!("some_of needs n, {want}")));
        };
        let counts = n.pair().map(|pair| pair.map(Raw::count));
        match counts {
            Some([Some(least), Some(most)]) if least <= most && most <= members => Ok((least, most)),
            _ => Err(E::custom(format_args!("n = {n} of some_of must be {want}"))),
        }
    }
}

/// `what` of an operation.
struct Of<'a>(&'a str, &'a str);

impl Of<'_> {
    fn as_text(&self) -> heapless::String<48> {
        use core::fmt::Write;
        let mut text = heapless::String::new();
        // Names are shorter.
        write!(text, "{} of {}", self.0, self.1).unwrap_or(());
        text
    }
}

/// The value of a parameter.
fn value_of<E: de::Error>(kind: &Kind, field: &Field, raw: &Raw) -> Result<Value, E> {
    let value = read(field, raw).filter(|value| field.check(*value).is_ok());
    value.ok_or_else(|| {
        E::custom(format_args!("{} = {raw} of {} must be {}", field.name, kind.name, Wanted(field)))
    })
}

fn read(field: &Field, raw: &Raw) -> Option<Value> {
    Some(match field.default {
        Value::Range(_) => Value::Range(raw.pair()?.map(|v| v as f32)),
        Value::Count(_) => Value::Count(Raw::count(raw.number()?)?),
        Value::Border(_) => Value::Border(match raw {
            Raw::Text(name) => Border::named(name.as_str())?,
            _ => Border::Constant(u8::try_from(Raw::count(raw.number()?)?).ok()?),
        }),
        Value::Filter(_) => Value::Filter(named(Filter::ALL, Filter::name, raw)?),
        Value::Interpolation(_) => Value::Interpolation(named(Interpolation::ALL, Interpolation::name, raw)?),
        Value::Flag(_) => {
            let Raw::Flag(flag) = raw else { return None };
            Value::Flag(*flag)
        }
    })
}

/// The one of `all` that `raw` names.
fn named<T: Copy, const N: usize>(all: [T; N], name: impl Fn(T) -> &'static str, raw: &Raw) -> Option<T> {
    let Raw::Text(given) = raw else { return None };
    all.into_iter().find(|one| name(*one) == given.as_str())
}

/// What a parameter takes.
struct Wanted<'a>(&'a Field);

impl Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Field { low, high, .. } = self.0;
        match self.0.default {
            Value::Range(_) => write!(f, "a number, or [lowest, highest], from {low} to {high}"),
            Value::Count(_) => write!(f, "a whole number from {low} to {high}"),
            Value::Border(_) => {
                f.write_str("\"reflect101\", \"reflect\", \"edge\", \"wrap\", or a level from 0 to 255")
            }
            Value::Flag(_) => f.write_str("true or false"),
            Value::Filter(_) => one_of(f, Filter::ALL.map(Filter::name)),
            Value::Interpolation(_) => one_of(f, Interpolation::ALL.map(Interpolation::name)),
        }
    }
}

fn one_of<const N: usize>(f: &mut fmt::Formatter<'_>, names: [&str; N]) -> fmt::Result {
    f.write_str("one of ")?;
    names.iter().enumerate().try_for_each(|(i, name)| write!(f, "{}{name:?}", if i == 0 { "" } else { ", " }))
}
