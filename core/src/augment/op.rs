//! The operations, each described once.

use super::field::{Field, Param, Value};
use crate::error::{Error, Result};
use crate::image::{Border, Filter, Interpolation};

#[macro_use]
mod colour;
#[macro_use]
mod geometry;
#[macro_use]
mod group;
#[macro_use]
mod neighbourhood;
#[macro_use]
mod noise;
#[macro_use]
mod occlusion;
#[macro_use]
mod policy;

/// What operations work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Where things are: masks, boxes and keypoints go with the image.
    Geometry,
    /// Values and colours, each pixel by itself or all of a picture alike.
    Colour,
    /// Pixels together with those around them.
    Neighbourhood,
    /// What a bad camera, a bad line or bad weather adds.
    Noise,
    /// Parts that are hidden.
    Occlusion,
    /// Choices among operations of other families.
    Policy,
    /// Other operations.
    Group,
}

/// What is known about one kind of operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    /// Its number in the encoding; never reused.
    pub code: u16,
    /// What it works on.
    pub family: Family,
    /// Whether a generative model that learns from pictures so augmented learns to make what the operation does: what it
    /// leaves can be told from the pictures of the data, as noise, holes and blur can, or colours that nothing has.
    pub leaks: bool,
    /// Whether it draws a number from each of its ranges and a seed, and nothing else.
    pub plain: bool,
    /// Its name in recipes.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Its parameters in the order of the encoding.
    pub fields: &'static [Field],
}

/// Whether `marks` has this one.
const fn marked(marks: &[&str], wanted: &str) -> bool {
    let mut rest = marks;
    while let [mark, after @ ..] = rest {
        let (mut left, mut right) = (mark.as_bytes(), wanted.as_bytes());
        while let ([a, more @ ..], [b, others @ ..]) = (left, right) {
            if *a != *b {
                break;
            }
            (left, right) = (more, others);
        }
        if left.is_empty() && right.is_empty() {
            return true;
        }
        rest = after;
    }
    false
}

/// Makes [`Op`] and everything that follows from the lists: names, codes, defaults, ranges, conversions.
///
/// An entry has its code, its name in recipes, that of its variant, what there is to be said of it (`leaks`, `plain`: see
/// [`Kind`]), and its parameters, each with its default and the limits of its range or count.
macro_rules! ops {
    ({$(
        $family:ident {$(
            $(#[doc = $doc:literal])+
            $code:literal $name:literal $variant:ident $(, $mark:ident)* {
                $( $(#[doc = $field_doc:literal])+ $field:ident: $ty:ty = $default:expr, in $low:literal, $high:literal; )*
            }
        )*}
    )*}) => {
        /// One operation with the ranges of its parameters.
        ///
        /// Ranges are uniform draws between two values, both inside the limits of the parameter's [`Field`].
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Op {
            $( $(
                $(#[doc = $doc])+
                $variant { $( $(#[doc = $field_doc])+ $field: $ty ),* },
            )* )*
        }

        impl Op {
            /// Every kind of operation, family by family.
            pub const KINDS: &'static [Kind] = &[$( $( Kind {
                code: $code,
                family: Family::$family,
                leaks: marked(&[$(stringify!($mark)),*], "leaks"),
                plain: marked(&[$(stringify!($mark)),*], "plain"),
                name: $name,
                doc: concat!($($doc),+),
                fields: &[$( Field {
                    name: stringify!($field),
                    doc: concat!($($field_doc),+),
                    default: $default,
                    low: $low as f32,
                    high: $high as f32,
                } ),*],
            } ),* ),*];

            /// The code of the operation's kind.
            pub const fn code(&self) -> u16 {
                match self { $( $( Op::$variant { .. } => $code, )* )* }
            }

            /// What it works on.
            pub const fn family(&self) -> Family {
                match self { $( $( Op::$variant { .. } )|* => Family::$family, )* }
            }

            /// [`Kind::plain`] of its kind.
            pub(super) const fn is_plain(&self) -> bool {
                match self { $( $( Op::$variant { .. } => const { marked(&[$(stringify!($mark)),*], "plain") } )* )* }
            }

            /// Whether it leaks (see [`Kind::leaks`]), or does where it shows a border of one value outside the image, whose
            /// corners and edges can be told from the data.
            pub fn leaks(&self) -> bool {
                let mut leaks = self.kind().is_some_and(|kind| kind.leaks);
                self.for_each_value(|value| leaks |= matches!(value, Value::Border(Border::Constant(_))));
                leaks
            }

            /// Calls `each` with the parameters in the order of their fields.
            pub fn for_each_value(&self, mut each: impl FnMut(Value)) {
                // An operation without parameters calls nothing.
                let _ = &mut each;
                match *self { $( $( Op::$variant { $($field),* } => { $( each($field.into()); )* } )* )* }
            }

            /// The operation of this code with parameters in the order of its fields; `None` where there is no
            /// such code, or the values are too few or of another kind. Ranges are not checked: see [`Op::validate`].
            pub fn from_values(code: u16, mut values: impl Iterator<Item = Value>) -> Option<Op> {
                let _ = &mut values;
                match code {
                    $( $( $code => Some(Op::$variant { $( $field: <$ty>::from_value(values.next()?)? ),* }), )* )*
                    _ => None,
                }
            }
        }
    };
}

group! { geometry colour neighbourhood noise occlusion policy ops {} }

impl Kind {
    /// Whether it is a group of other steps, and so nothing by itself.
    pub const fn is_group(&self) -> bool {
        matches!(self.family, Family::Group)
    }

    /// The operation of this kind with every parameter at its default.
    pub fn default_op(&self) -> Option<Op> {
        Op::from_values(self.code, self.fields.iter().map(|f| f.default))
    }
}

impl Op {
    /// What is known about this operation.
    pub fn kind(&self) -> Option<&'static Kind> {
        Kind::of(self.code())
    }

    /// Refuses parameters outside the limits of their fields, and groups of fewer members than they do.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument).
    pub fn validate(&self) -> Result<()> {
        let mut fields = self.kind().map_or(&[][..], |kind| kind.fields).iter();
        let mut result = Ok(());
        self.for_each_value(|value| {
            if let Some(field) = fields.next() {
                result = result.and(field.check(value));
            }
        });
        match *self {
            Op::SomeOf { members, least, most, any_order }
                if least > most || most > members || any_order && most < 2 =>
            {
                result.and(Err(Error::InvalidArgument))
            }
            _ => result,
        }
    }
}

impl Kind {
    /// The kind of this code.
    pub fn of(code: u16) -> Option<&'static Kind> {
        Op::KINDS.iter().find(|kind| kind.code == code)
    }
}
