//! Writing steps as text.

use super::Group;
use crate::augment::field::Value;
use crate::augment::group::list;
use crate::augment::op::Op;
use crate::augment::pipeline::Step;
use crate::image::Border;
use core::fmt::Write;
use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};

/// A list of steps.
pub(super) struct All<'a>(pub &'a [Step]);

impl Serialize for All<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(list(self.0).count()))?;
        for one in list(self.0) {
            let (_, one) = one.map_err(S::Error::custom)?;
            seq.serialize_element(&One(one))?;
        }
        seq.end()
    }
}

/// A step with its members.
pub(super) struct One<'a>(pub &'a [Step]);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((step, members)) = self.0.split_first() else {
            return Err(S::Error::custom("no step"));
        };
        let mut map = serializer.serialize_map(None)?;
        if let Op::SomeOf { members: count, least, most, any_order } = step.op {
            let group = Group::of(count, least, most, any_order);
            map.serialize_entry("op", group.name())?;
            map.serialize_entry("steps", &All(members))?;
            if group == Group::SomeOf {
                map.serialize_entry("n", &[least, most])?;
                map.serialize_entry("any_order", &any_order)?;
            }
        } else {
            let kind = step.op.kind().ok_or_else(|| S::Error::custom("an operation without a kind"))?;
            map.serialize_entry("op", kind.name)?;
            let (mut fields, mut result) = (kind.fields.iter(), Ok(()));
            step.op.for_each_value(|value| {
                if let (Some(field), Ok(())) = (fields.next(), &result) {
                    result = map.serialize_entry(field.name, &value);
                }
            });
            result?;
        }
        map.serialize_entry("p", &Short(step.p))?;
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Value::Range(range) => range.map(Short).serialize(serializer),
            Value::Count(n) => n.serialize(serializer),
            Value::Border(Border::Constant(level)) => level.serialize(serializer),
            Value::Border(border) => border.name().serialize(serializer),
            Value::Filter(filter) => filter.name().serialize(serializer),
            Value::Interpolation(how) => how.name().serialize(serializer),
            Value::Flag(flag) => flag.serialize(serializer),
        }
    }
}

/// A list of numbers.
pub(super) struct Shorts<'a>(pub &'a [f32]);

impl Serialize for Shorts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|v| Short(*v)))
    }
}

/// A number with the fewest digits that are read back as it: 0.1, not 0.10000000149011612; without a point where it is
/// whole.
#[derive(Clone, Copy)]
struct Short(f32);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let v = self.0;
        if v as i32 as f32 == v && !(v == 0.0 && v.is_sign_negative()) {
            return serializer.serialize_i32(v as i32);
        }
        // The longest are those of the least numbers.
        let mut digits = heapless::String::<64>::new();
        let short = write!(digits, "{v:e}").ok().and_then(|()| digits.parse::<f64>().ok());
        serializer.serialize_f64(short.unwrap_or(v.into()))
    }
}
