//! Numbers with a decimal comma: `1,5`, `-0,25e3`, `1.234,5`.

use std::borrow::Cow;

/// Whether all of these are digits, and there are some.
fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The whole part without the points between its thousands; `None` where it is none.
fn whole_part(text: &str) -> Option<Cow<'_, str>> {
    if digits(text) {
        return Some(text.into());
    }
    let mut groups = text.split('.');
    groups.next().filter(|first| digits(first) && first.len() <= 3)?;
    let mut rest = groups.peekable();
    rest.peek()?;
    rest.all(|group| digits(group) && group.len() == 3).then_some(())?;
    Some(text.replace('.', "").into())
}

/// The number with a decimal point, where this is one with a decimal comma.
pub(super) fn with_point(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, rest) = bare.split_once(',')?;
    let (fraction, exponent) = rest.split_at(rest.find(['e', 'E']).unwrap_or(rest.len()));
    let whole = whole_part(whole)?;
    let scaled = exponent.is_empty() || exponent[1..].parse::<i16>().is_ok();
    let sign = &text[..text.len() - bare.len()];
    (digits(fraction) && scaled).then(|| format!("{sign}{whole}.{fraction}{exponent}"))
}

/// Whether a cell without its decimal comma may be a whole number whose comma stands between thousands: `1,234`.
fn may_be_thousands(text: &str) -> bool {
    let bare = text.trim().trim_start_matches(['+', '-']);
    let whole = |whole: &str| digits(whole) && whole.len() <= 3 && !whole.starts_with('0');
    bare.split_once(',').is_some_and(|(a, b)| whole(a) && digits(b) && b.len() == 3)
}

/// Whether a cell consists of digits and commas at least.
fn looks_numeric(text: &str) -> bool {
    let text = text.trim();
    text.contains(',') && text.bytes().all(|b| b.is_ascii_digit() || b",.+-".contains(&b))
}

/// What the cells of a column say of its commas.
#[derive(Clone, Debug, Default)]
pub(super) struct Commas {
    /// The first cell with a comma.
    first: Option<String>,
    /// A number that can only have a decimal comma.
    certain: bool,
    /// A text that is no such number.
    other: bool,
    /// A text that is no number at all.
    words: bool,
}

impl Commas {
    /// The next cell.
    pub fn see(&mut self, text: &str) {
        match super::csv::cell(text) {
            // Beside points commas are not decimal.
            super::csv::Cell::Number(_) => self.other |= text.contains('.'),
            super::csv::Cell::Text(text) => {
                self.words |= !looks_numeric(text) && with_point(text).is_none();
                self.other |= with_point(text).is_none();
                self.certain |= with_point(text).is_some() && !may_be_thousands(text);
                self.first.get_or_insert_with(|| text.to_owned());
            }
            _ => {}
        }
    }

    /// Whether the column has decimal commas for sure.
    pub fn are_decimal(&self) -> bool {
        self.certain && !self.other
    }

    /// A number of which that is not sure, where there is one and the column holds nothing but numbers.
    pub fn doubtful(&self) -> Option<&str> {
        self.first.as_deref().filter(|_| !self.words && !self.are_decimal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_with_a_comma_is_that_number(value in -1e9f64..1e9, decimals in 1usize..6) {
            let text = format!("{value:.decimals$}");
            let read = with_point(&text.replace('.', ",")).unwrap();
            prop_assert_eq!(read.parse::<f64>().unwrap(), text.parse::<f64>().unwrap());
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.,eE ä]{0,12}") {
            if let Some(read) = with_point(&text) {
                prop_assert!(read.parse::<f64>().is_ok(), "{} {}", text, read);
            }
        }
    }

    #[test]
    fn what_is_no_number_with_a_comma_is_none() {
        assert_eq!(with_point(" -1.234.567,25 ").as_deref(), Some("-1234567.25"));
        assert_eq!(with_point("1,5e-3").as_deref(), Some("1.5e-3"));
        for text in
            ["1", "1.5", "a,b", ",5", "1,", "1,2,3", "12.34,5", "1234.567,8", ".123,4", "1,5e", "--1,5"]
        {
            assert_eq!(with_point(text), None, "{text}");
        }
    }

    #[test]
    fn columns_are_decimal_only_for_sure() {
        let of = |cells: &[&str]| {
            let mut commas = Commas::default();
            cells.iter().for_each(|cell| commas.see(cell));
            (commas.are_decimal(), commas.doubtful().map(str::to_owned))
        };
        assert_eq!(of(&["1,5", "2,25", "3", ""]), (true, None));
        assert_eq!(of(&["1,234", "0,500"]), (true, None));
        assert_eq!(of(&["1,234", "5,678"]), (false, Some("1,234".into())));
        assert_eq!(of(&["1,5", "2.5"]), (false, Some("1,5".into())));
        assert_eq!(of(&["1,234,567", "2"]), (false, Some("1,234,567".into())));
        assert_eq!(of(&["1,5", "red"]), (false, None));
        assert_eq!(of(&["1.5", "2"]), (false, None));
    }
}
