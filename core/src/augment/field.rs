//! The parameters of operations as values with a name, a range and a default: one description from which
//! checking, encoding and the host's recipes are made.

use crate::error::{Error, Result};
use crate::image::{Border, Filter, Interpolation};

/// The value of one parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Lowest and highest of a uniform draw.
    Range([f32; 2]),
    /// A whole number.
    Count(u32),
    /// What lies outside the image.
    Border(Border),
    /// How pixels between pixels are found where an image is resized.
    Filter(Filter),
    /// How they are found where it is warped.
    Interpolation(Interpolation),
    /// Yes or no.
    Flag(bool),
}

/// A type that a parameter can have.
pub trait Param: Copy + Into<Value> {
    /// The parameter in `value`; `None` for a value of another kind.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! param {
    ($($t:ty => $variant:ident),*) => { $(
        impl From<$t> for Value {
            fn from(v: $t) -> Value {
                Value::$variant(v)
            }
        }
        impl Param for $t {
            fn from_value(value: Value) -> Option<Self> {
                if let Value::$variant(v) = value { Some(v) } else { None }
            }
        }
    )* };
}
param!([f32; 2] => Range, u32 => Count, Border => Border, Filter => Filter, Interpolation => Interpolation, bool => Flag);

/// What is known about one parameter of an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its name in recipes.
    pub name: &'static str,
    /// What it means, with its unit.
    pub doc: &'static str,
    /// Its value where none is given; also tells its kind.
    pub default: Value,
    /// The least value of a range or count.
    pub low: f32,
    /// The greatest value of a range or count.
    pub high: f32,
}

impl Field {
    /// Refuses a value of another kind, or a range or count outside `low..=high`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn check(&self, value: Value) -> Result<()> {
        let right = match (value, self.default) {
            // Every comparison with NaN is false.
            (Value::Range([a, b]), Value::Range(_)) => self.low <= a && a <= b && b <= self.high,
            (Value::Count(n), Value::Count(_)) => self.low <= n as f32 && n as f32 <= self.high,
            (value, default) => core::mem::discriminant(&value) == core::mem::discriminant(&default),
        };
        if right { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    /// 32-bit words that a value of this kind takes in the encoding.
    pub(super) const fn words(&self) -> usize {
        match self.default {
            Value::Range(_) => 2,
            _ => 1,
        }
    }

    /// The value in the next words; `None` where there are too few or they mean nothing.
    pub(super) fn decode(&self, words: &mut impl Iterator<Item = u32>) -> Option<Value> {
        let first = words.next()?;
        Some(match self.default {
            Value::Range(_) => Value::Range([f32::from_bits(first), f32::from_bits(words.next()?)]),
            Value::Count(_) => Value::Count(first),
            Value::Border(_) => Value::Border(match first {
                0..=255 => Border::Constant(first as u8),
                256 => Border::Edge,
                257 => Border::Reflect101,
                258 => Border::Reflect,
                259 => Border::Wrap,
                _ => return None,
            }),
            Value::Filter(_) => Value::Filter(*Filter::ALL.get(first as usize)?),
            Value::Interpolation(_) => Value::Interpolation(*Interpolation::ALL.get(first as usize)?),
            Value::Flag(_) => Value::Flag(*[false, true].get(first as usize)?),
        })
    }
}

impl Value {
    /// The one or two words of this value.
    pub(super) fn encode(self) -> (u32, Option<u32>) {
        match self {
            Value::Range([a, b]) => (a.to_bits(), Some(b.to_bits())),
            Value::Count(n) => (n, None),
            Value::Border(Border::Constant(v)) => (v as u32, None),
            Value::Border(Border::Edge) => (256, None),
            Value::Border(Border::Reflect101) => (257, None),
            Value::Border(Border::Reflect) => (258, None),
            Value::Border(Border::Wrap) => (259, None),
            Value::Filter(f) => (f as u32, None),
            Value::Interpolation(how) => (how as u32, None),
            Value::Flag(flag) => (flag.into(), None),
        }
    }
}
