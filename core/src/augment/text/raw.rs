//! Values as a text gives them, before it is known what they are for.

use core::fmt::{self, Display};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

/// A short text: a name, or as much of a longer one as can be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Text(heapless::String<32>);

impl Text {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let mut short = heapless::String::new();
        // What does not fit is cut off; no name is so long.
        text.chars().try_for_each(|letter| short.push(letter)).unwrap_or(());
        Self(short)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Number(f64),
    Numbers(heapless::Vec<f64, 3>),
    Text(Text),
    Flag(bool),
    /// What JSON makes of a number that is none, or infinite.
    Nothing,
}

impl Raw {
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(v) => Some(*v),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub fn count(v: f64) -> Option<u32> {
        let whole = v as u32;
        (f64::from(whole) == v).then_some(whole)
    }

    /// A number, or the two of a pair.
    pub fn pair(&self) -> Option<[f64; 2]> {
        match self {
            Self::Number(v) => Some([*v; 2]),
            Self::Numbers(all) => all.as_array().copied(),
            _ => None,
        }
    }
}

impl Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(v) => write!(f, "{v}"),
            Self::Text(text) => write!(f, "{:?}", text.as_str()),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Nothing => f.write_str("nan or inf"),
            Self::Numbers(all) => {
                for (i, v) in all.iter().enumerate() {
                    write!(f, "{}{v}", if i == 0 { "[" } else { ", " })?;
                }
                f.write_str("]")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, two numbers, or a name")
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Raw, E> {
        Ok(if v.is_finite() { Raw::Number(v) } else { Raw::Nothing })
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Raw, E> {
        Ok(Raw::Number(v as f64))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Raw, E> {
        Ok(Raw::Number(v as f64))
    }

    fn visit_bool<E: de::Error>(self, v: bool) -> Result<Raw, E> {
        Ok(Raw::Flag(v))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.into()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut all = heapless::Vec::new();
        while let Some(v) = seq.next_element::<f64>()? {
            all.push(v).map_err(|_| de::Error::custom("a list of more than two numbers"))?;
        }
        Ok(Raw::Numbers(all))
    }
}

/// That a table has a key twice.
pub(super) fn given_twice<E: de::Error>(key: &Text) -> E {
    E::custom(format_args!("{} is given twice", key.as_str()))
}

/// That `what` has no such name, with the one that is most like it.
pub(super) fn unknown<E: de::Error>(what: &str, name: &Text, known: impl Iterator<Item = &'static str>) -> E {
    let name = name.as_str();
    let nearest = known.min_by_key(|known| distance(known, name)).unwrap_or("");
    E::custom(format_args!("unknown {what} `{name}`; did you mean `{nearest}`?"))
}

/// How many letters have to be put in, taken out or replaced to make one name of the other (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    // Row by row: to make the beginnings of `b` of the first letters of `a`.
    let mut row: [usize; 64] = core::array::from_fn(|i| i);
    for (i, x) in a.bytes().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (place, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let here = (diagonal + usize::from(x != y)).min(left + 1).min(*place + 1);
            (diagonal, left) = (*place, here);
            *place = here;
        }
    }
    row.get(b.len()).copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_textbooks() {
        for (a, b, want) in
            [("kitten", "sitting", 3), ("", "abc", 3), ("flaw", "lawn", 2), ("same", "same", 0)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (want, want));
        }
    }
}
