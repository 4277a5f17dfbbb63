//! Text as values: what casts from string accept. White space around a value is skipped.

use std::borrow::Cow;

use super::calendar::{self, DAY};

/// `true`, `t`, `yes`, `y`, `1` and their opposites, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    const WORDS: [(&str, bool); 10] = [
        ("true", true),
        ("false", false),
        ("t", true),
        ("f", false),
        ("1", true),
        ("0", false),
        ("yes", true),
        ("no", false),
        ("y", true),
        ("n", false),
    ];
    WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, value)| *value)
}

/// A sign and digits, of any size that 128 bits hold.
pub(super) fn integer(text: &str) -> Option<i128> {
    text.trim_ascii().parse().ok()
}

/// A number as float64: with or without a mark and an exponent, `inf`, `nan`.
pub(super) fn float64(text: &str) -> Option<f64> {
    without_underscores(text.trim_ascii())?.parse().ok()
}

/// As [`float64`], rounded once to 32 bits.
pub(super) fn float32(text: &str) -> Option<f32> {
    without_underscores(text.trim_ascii())?.parse().ok()
}

/// A number times ten to the `scale`, rounded to a whole number, halves away from zero.
pub(super) fn scaled(text: &str, scale: u32) -> Option<i128> {
    let text = text.trim_ascii();
    if scale == 0
        && let Ok(value) = text.parse::<i64>()
    {
        return Some(i128::from(value));
    }
    let text = without_underscores(text)?;
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text.as_ref()),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let kept = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(scale);
    // More digits than int128 holds overflow unless all of them are zeros.
    if kept > 200 && !whole.bytes().chain(fraction.bytes()).all(|b| b == b'0') {
        return None;
    }
    let mut digits = whole.bytes().chain(fraction.bytes()).map(|b| i128::from(b - b'0'));
    let mut value: i128 = 0;
    for _ in 0..kept.clamp(0, 200) {
        value = value.checked_mul(10)?.checked_add(digits.next().unwrap_or(0))?;
    }
    if kept >= 0 && digits.next().is_some_and(|digit| digit >= 5) {
        value = value.checked_add(1)?;
    }
    Some(if negative { -value } else { value })
}

/// Drops underscores between digits; `None` for an underscore elsewhere.
fn without_underscores(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let digit = |index: Option<usize>| index.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    let well_placed = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .all(|(i, _)| digit(i.checked_sub(1)) && digit(i.checked_add(1)));
    well_placed.then(|| Cow::Owned(text.replace('_', "")))
}

/// Days since 1970-01-01 of `2021-03-04` (or with `/`, or fewer digits); a time of the day behind it is left out.
pub(super) fn date(text: &str) -> Option<i32> {
    let (days, rest) = date_prefix(text.trim_ascii())?;
    let rest = rest.trim_ascii_start();
    if rest.is_empty() {
        return Some(days);
    }
    datetime(text)?;
    Some(days)
}

/// Microseconds since midnight of `05:06:07.5` or `05:06`; before 24:00.
pub(super) fn time(text: &str) -> Option<i64> {
    let (microseconds, rest) = time_prefix(text.trim_ascii())?;
    (rest.is_empty() && microseconds < DAY).then_some(microseconds)
}

/// Microseconds since 1970-01-01 00:00 of `2021-03-04 05:06:07.5` (or with `T`, without seconds, or a date alone); a
/// trailing `Z` is accepted, any other offset is not, for a wall clock has none.
pub(super) fn datetime(text: &str) -> Option<i64> {
    let (days, rest) = date_prefix(text.trim_ascii())?;
    let midnight = i64::from(days).checked_mul(DAY)?;
    if rest.is_empty() {
        return Some(midnight);
    }
    let clock = match rest.strip_prefix('T') {
        Some(clock) => clock,
        None => rest.strip_prefix(' ')?.trim_ascii_start(),
    };
    let (microseconds, rest) = time_prefix(clock)?;
    matches!(rest, "" | "Z").then(|| midnight.checked_add(microseconds))?
}

fn date_prefix(text: &str) -> Option<(i32, &str)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (year, text) = number(text, 7)?;
    let separator = text.chars().next().filter(|c| matches!(c, '-' | '/'))?;
    let (month, text) = number(text.strip_prefix(separator)?, 2)?;
    let (day, text) = number(text.strip_prefix(separator)?, 2)?;
    let days = calendar::checked_date(if negative { -year } else { year }, month, day)?;
    Some((days, text))
}

fn time_prefix(text: &str) -> Option<(i64, &str)> {
    let (hour, text) = number(text, 2)?;
    let (minute, text) = number(text.strip_prefix(':')?, 2)?;
    let (second, mut text) = match text.strip_prefix(':') {
        Some(rest) => number(rest, 2)?,
        None => (0, text),
    };
    let mut fraction = 0;
    if let Some(rest) = text.strip_prefix('.') {
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = rest.split_at_checked(count)?;
        let kept = digits.get(..6.min(count))?;
        let missing = u32::try_from(6 - kept.len()).ok()?;
        fraction = if kept.is_empty() { 0 } else { kept.parse::<i64>().ok()? * 10_i64.pow(missing) };
        text = rest;
    }
    let microseconds = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction;
    let within = hour < 24 && minute < 60 && second < 60 || microseconds == DAY;
    within.then_some((microseconds, text))
}

/// Between one and `most` digits.
fn number(text: &str, most: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    if count > most {
        return None;
    }
    let (digits, rest) = text.split_at_checked(count)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    /// Values of DuckDB 2.0.1.
    #[test]
    fn numbers_are_read_as_duckdb_reads_them() {
        let whole = [
            ("12", Some(12)),
            (" 12 ", Some(12)),
            ("+5", Some(5)),
            ("2.5", Some(3)),
            ("-2.5", Some(-3)),
            ("1e3", Some(1000)),
            ("5e-1", Some(1)),
            ("1e-1", Some(0)),
            ("1.9999999999999999999999", Some(2)),
            ("1_000", Some(1000)),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("1.", Some(1)),
            (".5", Some(1)),
            ("abc", None),
            ("", None),
            ("1 2", None),
            ("--1", None),
            ("e1", None),
            ("1e", None),
            ("0e999999999", Some(0)),
            ("1e999999999", None),
        ];
        for (text, wanted) in whole {
            assert_eq!(scaled(text, 0), wanted, "{text}");
        }
        assert_eq!(scaled(" 1.25 ", 1), Some(13));
        assert_eq!(scaled("-1.24", 1), Some(-12));
        assert_eq!(scaled("1e2", 1), Some(1000));
        assert_eq!(scaled("1.2.3", 1), None);
        assert_eq!(scaled("1e-40", 0), Some(0));
        assert_eq!(float64("1_000.5"), Some(1000.5));
        assert_eq!(float64("0x10"), None);
        assert_eq!(float64("1e400"), Some(f64::INFINITY));
    }

    #[test]
    fn dates_are_read_as_duckdb_reads_them() {
        let day = |y, m, d| Some(i32::try_from(calendar::days_from_civil(y, m, d)).unwrap());
        assert_eq!(date("2021-03-04"), day(2021, 3, 4));
        assert_eq!(date(" 2021-3-4 "), day(2021, 3, 4));
        assert_eq!(date("2021/03/04"), day(2021, 3, 4));
        assert_eq!(date("2021-03-04T05:06:07"), day(2021, 3, 4));
        assert_eq!(date("21-03-04"), day(21, 3, 4));
        for wrong in ["2021-02-30", "20210304", "2021-03/04", "2021-03", "2021-03-04x", "2021-13-04", ""] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
        assert_eq!(time("05:06:07.5"), Some(18_367_500_000));
        assert_eq!(time("05:06"), Some(18_360_000_000));
        assert_eq!(time("25:00:00"), None);
        assert_eq!(datetime("1970-01-02 00:00:00.123456789"), Some(DAY + 123_456));
        assert_eq!(datetime("1970-01-02T00:00:01Z"), Some(DAY + 1_000_000));
        assert_eq!(datetime("1970-01-01 24:00:00"), Some(DAY));
        assert_eq!(datetime("1970-01-02 05"), None);
    }
}
