//! Dates and datetimes as text: their shapes, and the format that reads a column of them.
//!
//! Engines guess formats too, but they guess anew wherever they begin to read, so that `03-04-2013` may turn from text into
//! the third of April in the middle of a file. Here a column has one format, found once, and it is handed on.

use std::collections::BTreeSet;

/// The shape of a datetime in ISO 8601 (a space may stand for the `T`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shape {
    separator: u8,
    seconds: bool,
    /// Digits of the fraction of a second, 0 to 9.
    fraction: u8,
    zone: Zone,
}

/// How the offset from UTC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Zone {
    None,
    Zulu,
    Offset,
}

/// Whether the text is a day: `2013-01-31`.
pub(super) fn is_date(text: &[u8]) -> bool {
    text.len() == 10 && date(text).is_some_and(<[u8]>::is_empty)
}

/// The shape of the text, if it is a datetime.
pub(super) fn datetime(text: &[u8]) -> Option<Shape> {
    let rest = date(text)?;
    let (&separator, rest) = rest.split_first()?;
    if separator != b'T' && separator != b' ' {
        return None;
    }
    let rest = literal(number(rest, 23)?, b':')?;
    let mut rest = number(rest, 59)?;
    let mut seconds = false;
    let mut fraction = 0;
    if let Some(after) = literal(rest, b':') {
        rest = number(after, 59)?;
        seconds = true;
        if let Some(after) = literal(rest, b'.') {
            let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return None;
            }
            fraction = u8::try_from(digits).ok()?;
            rest = after.get(digits..)?;
        }
    }
    let zone = match rest {
        [] => Zone::None,
        _ if is_zone(rest) => {
            if rest == b"Z" {
                Zone::Zulu
            } else {
                Zone::Offset
            }
        }
        _ => return None,
    };
    Some(Shape { separator, seconds, fraction, zone })
}

/// The rest behind `YYYY-MM-DD`, if the text begins with a day that exists.
fn date(text: &[u8]) -> Option<&[u8]> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(literal(rest, b'-')?, 2)?;
    let (day, rest) = digits(literal(rest, b'-')?, 2)?;
    is_day(year, month, day).then_some(rest)
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    year >= 1 && (1..=days).contains(&day)
}

/// `Z`, `+01`, `+0100` or `+01:00`.
fn is_zone(text: &[u8]) -> bool {
    let hours_and_minutes = |rest: &[u8]| -> Option<bool> {
        let rest = number(rest, 23)?;
        if rest.is_empty() {
            return Some(true);
        }
        Some(number(literal(rest, b':').unwrap_or(rest), 59)?.is_empty())
    };
    match text {
        [b'Z'] => true,
        [b'+' | b'-', rest @ ..] => hours_and_minutes(rest) == Some(true),
        _ => false,
    }
}

fn digits(text: &[u8], count: usize) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    let mut value = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u32::from(digit - b'0');
    }
    Some((value, rest))
}

/// The rest behind two digits that make a number up to `most`.
fn number(text: &[u8], most: u32) -> Option<&[u8]> {
    let (value, rest) = digits(text, 2)?;
    (value <= most).then_some(rest)
}

fn literal(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.split_first().filter(|(first, _)| **first == byte).map(|(_, rest)| rest)
}

/// The one format that reads all these shapes, and whether they are instants (with an offset from UTC). `None` when the
/// shapes are too different: with and without zone, with and without seconds, `T` and space.
pub(super) fn format_of(shapes: &BTreeSet<Shape>) -> Option<(String, bool)> {
    let first = shapes.first()?;
    let alike = |shape: &Shape| {
        (shape.separator, shape.seconds, shape.zone == Zone::None)
            == (first.separator, first.seconds, first.zone == Zone::None)
    };
    if !shapes.iter().all(alike) {
        return None;
    }
    let mut format = format!("%Y-%m-%d{}%H:%M", char::from(first.separator));
    if first.seconds {
        format.push_str(":%S");
    }
    let one_width = shapes.iter().all(|shape| shape.fraction == first.fraction);
    match first.fraction {
        0 if one_width => {}
        3 | 6 | 9 if one_width => format.push_str(&format!(".%{}f", first.fraction)),
        _ => format.push_str("%.f"),
    }
    match first.zone {
        Zone::None => {}
        Zone::Zulu if shapes.iter().all(|shape| shape.zone == Zone::Zulu) => format.push('Z'),
        _ => format.push_str("%#z"),
    }
    Some((format, first.zone != Zone::None))
}

/// Whether the text is a day or datetime of this format.
///
/// The directives are chrono's: `%Y` with four digits, `%m %d %H %M %S` with one or two, `%.f` (an optional fraction), `%3f %6f %9f`,
/// `%#z` (`Z` or an offset); any other one is left to jiff's `strptime`.
pub(super) fn matches(format: &str, text: &[u8]) -> bool {
    match own_match(format.as_bytes(), text) {
        Some(matched) => matched,
        None => std::str::from_utf8(text).is_ok_and(|text| {
            jiff::fmt::strtime::BrokenDownTime::parse(format, text).is_ok_and(|time| time.to_date().is_ok())
        }),
    }
}

/// `None` when the format has a directive that is not known here.
fn own_match(format: &[u8], text: &[u8]) -> Option<bool> {
    let (mut format, mut text) = (format, text);
    let (mut year, mut month, mut day) = (1, 1, 1);
    loop {
        let after = match format {
            [] => return Some(text.is_empty() && is_day(year, month, day)),
            [b'%', b'Y', ..] => take(&mut format, 2, digits(text, 4), &mut year),
            [b'%', b'm', ..] => take(&mut format, 2, one_or_two_digits(text), &mut month),
            [b'%', b'd', ..] => take(&mut format, 2, one_or_two_digits(text), &mut day),
            [b'%', b'H', ..] => skip(&mut format, 2, up_to(text, 23)),
            [b'%', b'M' | b'S', ..] => skip(&mut format, 2, up_to(text, 59)),
            [b'%', b'.', b'f', ..] => {
                let fraction = literal(text, b'.');
                let count = fraction.map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
                let rest = match fraction {
                    Some(rest) if (1..=9).contains(&count) => rest.get(count..),
                    Some(_) => None,
                    None => Some(text),
                };
                skip(&mut format, 3, rest)
            }
            [b'%', width @ (b'3' | b'6' | b'9'), b'f', ..] => {
                let count = usize::from(width - b'0');
                skip(&mut format, 3, digits_only(text, count))
            }
            [b'%', b'#', b'z', ..] => skip(&mut format, 3, is_zone(text).then_some([].as_slice())),
            [b'%', ..] => return None,
            [byte, ..] => {
                let byte = *byte;
                skip(&mut format, 1, literal(text, byte))
            }
        };
        match after {
            Some(rest) => text = rest,
            // A directive further on may be unknown here, and then the whole format is.
            None => return (!has_unknown_directive(format)).then_some(false),
        }
    }
}

fn has_unknown_directive(format: &[u8]) -> bool {
    let mut format = format;
    loop {
        format = match format {
            [] => return false,
            [b'%', b'Y' | b'm' | b'd' | b'H' | b'M' | b'S', rest @ ..] => rest,
            [b'%', b'.' | b'3' | b'6' | b'9', b'f', rest @ ..] | [b'%', b'#', b'z', rest @ ..] => rest,
            [b'%', ..] => return true,
            [_, rest @ ..] => rest,
        };
    }
}

fn one_or_two_digits(text: &[u8]) -> Option<(u32, &[u8])> {
    digits(text, 2).or_else(|| digits(text, 1))
}

fn up_to(text: &[u8], most: u32) -> Option<&[u8]> {
    one_or_two_digits(text).filter(|(value, _)| *value <= most).map(|(_, rest)| rest)
}

fn digits_only(text: &[u8], count: usize) -> Option<&[u8]> {
    let (digits, rest) = text.split_at_checked(count)?;
    digits.iter().all(u8::is_ascii_digit).then_some(rest)
}

fn take<'a>(format: &mut &[u8], used: usize, found: Option<(u32, &'a [u8])>, value: &mut u32) -> Option<&'a [u8]> {
    *format = format.get(used..).unwrap_or_default();
    let (number, rest) = found?;
    *value = number;
    Some(rest)
}

fn skip<'a>(format: &mut &[u8], used: usize, rest: Option<&'a [u8]>) -> Option<&'a [u8]> {
    *format = format.get(used..).unwrap_or_default();
    rest
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn format(texts: &[&str]) -> Option<(String, bool)> {
        format_of(&texts.iter().map(|text| datetime(text.as_bytes()).unwrap()).collect())
    }

    #[test]
    fn days_that_do_not_exist_are_no_dates() {
        for day in ["2012-02-29", "2000-02-29", "0001-01-01", "9999-12-31"] {
            assert!(is_date(day.as_bytes()), "{day}");
        }
        for text in
            ["2013-02-29", "1900-02-29", "2013-1-5", "2013-13-01", "0000-01-01", "2013-01-01 ", "2013/01/01", ""]
        {
            assert!(!is_date(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn one_format_reads_a_column_of_like_datetimes() {
        let expect = |texts: &[&str], expected: &str, instant: bool| {
            assert_eq!(format(texts), Some((expected.to_owned(), instant)), "{texts:?}");
            for text in texts {
                assert!(matches(expected, text.as_bytes()), "{text} {expected}");
            }
        };
        expect(&["2013-01-01T10:00:00Z"], "%Y-%m-%dT%H:%M:%SZ", true);
        expect(&["2013-01-01 10:00"], "%Y-%m-%d %H:%M", false);
        expect(&["2013-01-01 10:00:00.123", "2013-01-01 10:00:00.456"], "%Y-%m-%d %H:%M:%S.%3f", false);
        expect(&["2013-01-01 10:00:00.5", "2013-01-01 10:00:00"], "%Y-%m-%d %H:%M:%S%.f", false);
        expect(&["2013-01-01 10:00:00+01", "2013-01-01 10:00:00Z"], "%Y-%m-%d %H:%M:%S%#z", true);
        expect(&["2013-01-01T10:00:00.1+05:30", "2013-01-01T10:00:00-0800"], "%Y-%m-%dT%H:%M:%S%.f%#z", true);
    }

    #[test]
    fn shapes_that_no_format_reads_together_have_none() {
        assert_eq!(format(&["2013-01-01T10:00:00Z", "2013-01-01T10:00:00"]), None);
        assert_eq!(format(&["2013-01-01T10:00:00", "2013-01-01 10:00:00"]), None);
        assert_eq!(format(&["2013-01-01T10:00", "2013-01-01T10:00:00"]), None);
    }

    #[test]
    fn times_that_do_not_exist_are_no_datetimes() {
        for text in [
            "2013-01-01T24:00:00",
            "2013-01-01T10:60",
            "2013-01-01T10:00:60",
            "2013-01-01T",
            "2013-01-01T10:00:00.",
            "2013-01-01T10:00:00+25:00",
            "2013-01-01T10:00:00.1234567890",
        ] {
            assert_eq!(datetime(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn other_formats_are_read_as_strptime_does() {
        assert!(matches("%d.%m.%Y", b"31.12.2013"));
        assert!(!matches("%d.%m.%Y", b"31.02.2013"));
        assert!(
            matches("%d/%m/%Y", b"1/2/2013") && !matches("%d/%m/%Y", b"1/2/13") && !matches("%d/%m/%Y", b"001/2/2013")
        );
        assert!(matches("%d %b %Y", b"31 Dec 2013"));
        assert!(!matches("%d %b %Y", b"31 Foo 2013"));
        assert!(!matches("%d %b %Y", b"x"));
    }
}
