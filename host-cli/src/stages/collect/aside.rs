//! What could not be used: the list of it, and how much of it is borne.

use crate::error::{Error, Result};
use crate::formats::SetAside;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How many of the samples may be set aside: `50`, or `5%`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub enum AtMost {
    /// So many.
    Samples(u64),
    /// So many of a hundred.
    Percent(f64),
}

/// How a recipe has it.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a number of samples or a share such as \"5%\" was expected")]
enum Given {
    Samples(u64),
    Text(String),
}

impl TryFrom<Given> for AtMost {
    type Error = String;

    fn try_from(given: Given) -> Result<Self, String> {
        match given {
            Given::Samples(n) => Ok(Self::Samples(n)),
            Given::Text(text) => text.parse().map_err(|e: Error| e.message),
        }
    }
}

impl From<AtMost> for Given {
    fn from(at_most: AtMost) -> Self {
        match at_most {
            AtMost::Samples(n) => Given::Samples(n),
            AtMost::Percent(_) => Given::Text(at_most.to_string()),
        }
    }
}

impl FromStr for AtMost {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let parsed = match text.strip_suffix('%') {
            None => text.parse().ok().map(Self::Samples),
            Some(share) => share.trim_end().parse().ok().map(Self::Percent),
        };
        let in_range = |at_most: &Self| match at_most {
            Self::Samples(_) => true,
            Self::Percent(share) => (0.0..=100.0).contains(share),
        };
        parsed.filter(in_range).ok_or_else(|| {
            Error::out_of_range("max_set_aside", text, "a number such as 50, or a share such as 5%")
        })
    }
}

impl fmt::Display for AtMost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Samples(n) => write!(f, "{n}"),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

impl AtMost {
    /// The number that it is of `found` samples.
    fn of(self, found: u64) -> u64 {
        match self {
            Self::Samples(n) => n,
            Self::Percent(share) => (found as f64 * share / 100.0) as u64,
        }
    }
}

/// Entries that an error names.
const NAMED: usize = 3;

/// The list of what is set aside.
pub struct Aside {
    list: Vec<SetAside>,
    samples: u64,
    found: u64,
    at_most: Option<AtMost>,
    strict: bool,
}

impl Aside {
    /// A list that begins with `list`, of `found` samples in all.
    ///
    /// # Errors
    /// As [`Aside::push`].
    pub fn new(list: Vec<SetAside>, found: u64, at_most: Option<AtMost>, strict: bool) -> Result<Self> {
        let samples = list.iter().map(|aside| aside.samples).sum();
        let aside = Self { list, samples, found, at_most, strict };
        aside.check()?;
        Ok(aside)
    }

    /// One more.
    ///
    /// # Errors
    /// When it is more than is borne.
    pub fn push(&mut self, aside: SetAside) -> Result<()> {
        self.samples += aside.samples;
        self.list.push(aside);
        self.check()
    }

    fn check(&self) -> Result<()> {
        if let (true, Some(first)) = (self.strict, self.list.first()) {
            return Err(Error::failed(first.to_string())
                .hint("mend or remove it, or run without --strict to set it aside"));
        }
        let Some(at_most) = self.at_most.filter(|at_most| self.samples > at_most.of(self.found)) else {
            return Ok(());
        };
        let mut first: Vec<&SetAside> = self.list.iter().collect();
        first.sort();
        let named: Vec<String> = first.iter().take(NAMED).map(ToString::to_string).collect();
        let more = if first.len() > NAMED { "; …" } else { "" };
        Err(Error::failed(format!(
            "{} of {} samples cannot be used, and --max-set-aside is {at_most}: {}{more}",
            self.samples,
            self.found,
            named.join("; ")
        ))
        .hint("mend or remove them, or raise --max-set-aside (recipe key `max_set_aside`)"))
    }

    /// The list in its order, and how many samples it is.
    pub fn finish(mut self) -> (Vec<SetAside>, u64) {
        self.list.sort();
        (self.list, self.samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::Place;

    #[test]
    fn numbers_and_shares_are_read_and_written_alike() {
        for text in ["0", "50", "5%", "0.5%", "100%"] {
            let at_most: AtMost = text.parse().unwrap();
            assert_eq!(at_most.to_string(), text);
            let json = serde_json::to_value(at_most).unwrap();
            assert_eq!(serde_json::from_value::<AtMost>(json).unwrap(), at_most);
        }
        for text in ["", "-1", "5 of 9", "%", "101%", "-1%", "nan%", "inf%", "1.5"] {
            assert_eq!(text.parse::<AtMost>().unwrap_err().exit_code(), 2, "{text}");
        }
        assert_eq!(AtMost::Percent(5.0).of(39), 1);
        assert!(serde_json::from_str::<AtMost>("-1").is_err());
    }

    #[test]
    fn more_than_is_borne_stops_and_names_the_first() {
        let one = |i: u32| SetAside::one(Place { file: format!("{i}.png"), row: None }, "is damaged");
        let begun = |at_most: &str| Aside::new(vec![one(7)], 100, Some(at_most.parse().unwrap()), false);
        let mut aside = begun("4%").unwrap();
        (1..4).for_each(|i| aside.push(one(i)).unwrap());
        let e = aside.push(one(0)).unwrap_err();
        assert_eq!(
            e.message,
            "5 of 100 samples cannot be used, and --max-set-aside is 4%: is damaged: 0.png; is damaged: 1.png; \
             is damaged: 2.png; …"
        );
        assert!(begun("0").is_err() && begun("1").is_ok());
        let e = Aside::new(vec![one(7)], 100, None, true).err().unwrap();
        assert_eq!(e.message, "is damaged: 7.png");
    }
}
