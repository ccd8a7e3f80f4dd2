//! Numbers as people read them.

use std::time::Duration;

/// A count with separators: `12,345`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A measured value with about three significant digits, never in the form `1e-5` where a plain
/// one is short: `0.0123`, `1.53`, `812`, `12,400`; `–` for what is not finite.
pub fn value(v: f64) -> String {
    if !v.is_finite() {
        return "–".into();
    }
    let size = v.abs();
    if size >= 1e15 {
        return format!("{v:.1e}").replace('-', "−");
    }
    if size >= 999.5 {
        let sign = if v < 0.0 { "−" } else { "" };
        return format!("{sign}{}", count(size.round() as u64));
    }
    let decimals = match size {
        s if s >= 99.95 => 0,
        s if s >= 9.995 => 1,
        s if s >= 0.9995 => 2,
        s if s >= 0.000_999_5 || s == 0.0 => 3,
        _ => return format!("{v:.1e}").replace('-', "−"),
    };
    let text = format!("{v:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    match text {
        "-0" => "0".into(),
        _ => text.replace('-', "−"),
    }
}

/// A share as a percentage: `12 %`, `0.4 %`; the ends 0 and 100 are only reached exactly.
pub fn percent(share: f64) -> String {
    let p = share * 100.0;
    match p {
        p if !p.is_finite() => "–".into(),
        p if p > 0.0 && p < 0.1 => "< 0.1 %".into(),
        p if p > 99.9 && p < 100.0 => "> 99.9 %".into(),
        p if p == p.round() || (10.0..=99.0).contains(&p) => format!("{p:.0} %"),
        p => format!("{p:.1} %"),
    }
}

/// A time span: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(d: Duration) -> String {
    let s = d.as_secs_f64();
    match s {
        s if s < 0.0995 => format!("{:.0} ms", s * 1e3),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 59.5 => format!("{s:.0} s"),
        s => {
            let whole = s.round() as u64;
            match whole {
                w if w < 3600 => format!("{} min {} s", w / 60, w % 60),
                w => format!("{} h {} min", w / 3600, w % 3600 / 60),
            }
        }
    }
}

/// Seconds since 1970 as `2026-11-21 09:15 UTC` (the civil calendar of Hinnant's `civil_from_days`).
pub fn date(unix_seconds: u64) -> String {
    let days = (unix_seconds / 86_400) as i64 + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let minutes = unix_seconds / 60 % 1_440;
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn values_keep_three_digits() {
        let pairs = [
            (0.0, "0"),
            (-0.0, "0"),
            (0.012_34, "0.012"),
            (1.5, "1.5"),
            (-12.345, "−12.3"),
            (99.96, "100"),
            (999.6, "1,000"),
            (12_345.6, "12,346"),
            (0.000_012, "1.2e−5"),
            (f64::NAN, "–"),
            (f64::NEG_INFINITY, "–"),
        ];
        for (v, want) in pairs {
            assert_eq!(value(v), want, "{v}");
        }
    }

    #[test]
    fn shares_never_round_to_nothing_or_all() {
        let pairs = [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.000_4, "< 0.1 %"),
            (0.999_9, "> 99.9 %"),
            (0.034, "3.4 %"),
            (0.5, "50 %"),
        ];
        for (v, want) in pairs {
            assert_eq!(percent(v), want, "{v}");
        }
    }

    #[test]
    fn spans_and_dates() {
        let spans =
            [(0.05, "50 ms"), (2.04, "2.0 s"), (59.0, "59 s"), (125.0, "2 min 5 s"), (7_500.0, "2 h 5 min")];
        for (s, want) in spans {
            assert_eq!(duration(Duration::from_secs_f64(s)), want);
        }
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_827_696), "2000-02-29 12:34 UTC");
        assert_eq!(date(1_795_252_541), "2026-11-21 09:15 UTC");
    }
}
