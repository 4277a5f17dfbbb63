//! Constants that are checked when an expression is bound: dates in text, patterns, layouts, zones, parts of dates.

use jiff::civil;
use jiff::tz::TimeZone;

use super::{DataType, Literal};

/// The literal as one of another type: `None` when the types have nothing to do with each other, an error when the value is
/// no value of that type.
pub(super) fn adapt(literal: &Literal, target: &DataType) -> Option<Result<Literal, String>> {
    use DataType as T;
    match (literal, target) {
        (Literal::Null, _) => Some(Ok(Literal::Null)),
        (Literal::Integer(value), target) if target.is_integer() => Some(integer(*value, target)),
        #[expect(clippy::cast_precision_loss, reason = "a float64 is what was asked for")]
        (Literal::Integer(value), T::Float64) => Some(Ok(Literal::Float(*value as f64))),
        (Literal::Integer(value), T::Float32) if value.unsigned_abs() <= 1 << 24 =>
        {
            #[expect(clippy::cast_precision_loss, reason = "a float32 holds integers up to 2^24")]
            Some(Ok(Literal::Float(*value as f64)))
        }
        (Literal::String(text), T::Date) => Some(date(text).map(Literal::Date)),
        (Literal::String(text), T::Time) => Some(time(text).map(Literal::Time)),
        (Literal::String(text), T::Datetime(None)) => Some(datetime(text).map(Literal::Datetime)),
        (Literal::String(text), T::Datetime(Some(zone))) => Some(instant(text, zone).map(Literal::Datetime)),
        (Literal::Interval { months: 0, days, microseconds }, T::Duration) => {
            let length = i64::from(*days).checked_mul(DAY).and_then(|days| days.checked_add(*microseconds));
            Some(length.map(Literal::Duration).ok_or_else(|| "the interval is too long".to_owned()))
        }
        (Literal::Interval { .. }, T::Duration) => {
            Some(Err("an interval with months has no fixed length, so it is no duration".to_owned()))
        }
        _ => None,
    }
}

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

fn integer(value: i64, target: &DataType) -> Result<Literal, String> {
    use DataType as T;
    let fits = match target {
        T::Int8 => i8::try_from(value).is_ok(),
        T::Int16 => i16::try_from(value).is_ok(),
        T::Int32 => i32::try_from(value).is_ok(),
        T::UInt8 => u8::try_from(value).is_ok(),
        T::UInt16 => u16::try_from(value).is_ok(),
        T::UInt32 => u32::try_from(value).is_ok(),
        T::UInt64 => u64::try_from(value).is_ok(),
        _ => true,
    };
    if fits { Ok(Literal::Integer(value)) } else { Err(format!("{value} does not fit {target}")) }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
pub(super) fn date(text: &str) -> Result<i32, String> {
    civil::Date::strptime("%Y-%m-%d", text.trim())
        .ok()
        .and_then(days)
        .ok_or_else(|| format!("'{text}' is no date: write it as '2013-01-31'"))
}

fn days(date: civil::Date) -> Option<i32> {
    let epoch = civil::date(1970, 1, 1);
    epoch.until(date).ok().map(|span| span.get_days())
}

/// Nanoseconds since midnight of `HH:MM` or `HH:MM:SS`, with a fraction if need be.
pub(super) fn time(text: &str) -> Result<i64, String> {
    let trimmed = text.trim();
    let time = civil::Time::strptime("%H:%M:%S%.f", trimmed).or_else(|_| civil::Time::strptime("%H:%M", trimmed));
    match time {
        Ok(time) => Ok(civil::Time::midnight().duration_until(time).as_nanos().try_into().unwrap_or_default()),
        Err(_) => Err(format!("'{text}' is no time: write it as '17:05:30'")),
    }
}

/// Microseconds since 1970-01-01 00:00 on the wall clock of `YYYY-MM-DD HH:MM:SS` (or with `T`, or without the seconds or the
/// time).
pub(super) fn datetime(text: &str) -> Result<i64, String> {
    civil_datetime(text)
        .map(|datetime| microseconds(datetime.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp())))
        .unwrap_or_default()
        .ok_or_else(|| format!("'{text}' is no datetime: write it as '2013-01-31 17:05:00'"))
}

/// Microseconds since 1970-01-01 00:00 UTC of a datetime with an offset (`2013-01-31 17:05:00+01:00`, `..Z`), or without one
/// on the clock of `zone`.
pub(super) fn instant(text: &str, zone: &str) -> Result<i64, String> {
    let with_offset = ["%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f%z"];
    let trimmed = text.trim();
    let spelled = match trimmed.strip_suffix(['Z', 'z']) {
        Some(rest) => format!("{rest}+00:00"),
        None if has_short_offset(trimmed) => format!("{trimmed}:00"),
        None => trimmed.to_owned(),
    };
    let exact = with_offset.iter().find_map(|layout| jiff::Timestamp::strptime(layout, &spelled).ok());
    let timestamp = match exact {
        Some(timestamp) => Some(timestamp),
        None => {
            let zone = TimeZone::get(zone).map_err(|_| format!("unknown time zone `{zone}`"))?;
            civil_datetime(text).and_then(|datetime| datetime.to_zoned(zone).ok()).map(|zoned| zoned.timestamp())
        }
    };
    timestamp
        .map(|timestamp| timestamp.as_microsecond())
        .ok_or_else(|| format!("'{text}' is no datetime: write it as '2013-01-31 17:05:00+00:00'"))
}

/// Whether the text ends with hours of an offset, such as `+02`, behind a time.
fn has_short_offset(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes, [.., b'+' | b'-', a, b] if a.is_ascii_digit() && b.is_ascii_digit() && text.contains(':'))
}

fn civil_datetime(text: &str) -> Option<civil::DateTime> {
    let layouts = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let trimmed = text.trim();
    layouts.iter().find_map(|layout| civil::DateTime::strptime(layout, trimmed).ok()).or_else(|| {
        civil::Date::strptime("%Y-%m-%d", trimmed).ok().map(|date| date.to_datetime(civil::Time::midnight()))
    })
}

fn microseconds(timestamp: Result<jiff::Timestamp, jiff::Error>) -> Option<i64> {
    timestamp.ok().map(|timestamp| timestamp.as_microsecond())
}

/// The IANA name of a zone as the database spells it.
pub(super) fn zone(name: &str) -> Result<String, String> {
    let known = jiff::tz::db().get(name).ok().and_then(|zone| zone.iana_name().map(str::to_owned));
    known.ok_or_else(|| format!("unknown time zone `{name}`"))
}

/// The names of all zones, for suggestions.
pub(super) fn zones() -> Vec<String> {
    jiff::tz::db().available().map(|name| name.to_string()).collect()
}

/// Parts of dates that can be truncated to, counted and added, from the longest to the shortest.
pub(super) const DATE_PARTS: [&str; 10] =
    ["year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond"];

/// The canonical name of a part of a date, if there is such a part: `Days`, `day` and `d` are one.
pub(super) fn date_part(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let singular = lower.strip_suffix('s').unwrap_or(&lower);
    let known = |wanted: &str| DATE_PARTS.iter().copied().find(|part| *part == wanted);
    known(singular).or_else(|| {
        known(match lower.as_str() {
            "y" | "yr" | "yrs" => "year",
            "mon" | "mons" => "month",
            "w" => "week",
            "d" | "dayofmonth" => "day",
            "h" | "hr" | "hrs" => "hour",
            "m" | "min" | "mins" => "minute",
            "s" | "sec" | "secs" => "second",
            "ms" | "msec" | "msecs" => "millisecond",
            "us" | "usec" | "usecs" => "microsecond",
            _ => return None,
        })
    })
}

/// Whether a date has the part: it is a day or longer.
pub(super) fn is_part_of_a_date(part: &str) -> bool {
    matches!(part, "year" | "quarter" | "month" | "week" | "day")
}

/// The specifiers that layouts may use; both chrono and DuckDB know them with this meaning.
pub(super) const SPECIFIERS: [(char, &str); 17] = [
    ('Y', "year with four digits"),
    ('y', "year with two digits"),
    ('m', "month, 01 to 12"),
    ('d', "day, 01 to 31"),
    ('H', "hour, 00 to 23"),
    ('I', "hour, 01 to 12"),
    ('M', "minute, 00 to 59"),
    ('S', "second, 00 to 59"),
    ('f', "fraction of the second as six digits"),
    ('p', "AM or PM"),
    ('j', "day of the year, 001 to 366"),
    ('b', "short English name of the month"),
    ('B', "English name of the month"),
    ('a', "short English name of the day"),
    ('A', "English name of the day"),
    ('z', "offset from UTC, as +0100"),
    ('%', "a percent sign"),
];

/// The specifiers of a layout in order.
///
/// Errors: the first specifier that is not known, or a `%` at the end.
pub(super) fn specifiers(layout: &str) -> Result<Vec<char>, String> {
    let mut found = Vec::new();
    let mut chars = layout.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            continue;
        }
        match chars.next() {
            Some(specifier) if SPECIFIERS.iter().any(|(known, _)| *known == specifier) => found.push(specifier),
            Some(specifier) => return Err(format!("the layout has `%{specifier}`, which is not known")),
            None => return Err("the layout ends with `%`".to_owned()),
        }
    }
    Ok(found)
}

/// Whether the fields of a file can be read by the layout: beside the specifiers it may have `%.f`, `%3f %6f %9f` and `%#z`, which
/// inference gives to fractions and zones.
///
/// Errors: the first specifier that is not known, and which ones are.
pub fn check_file_layout(layout: &str) -> Result<(), (String, String)> {
    let mut rest = layout;
    let mut plain = String::with_capacity(layout.len());
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let own = [".f", "3f", "6f", "9f", "#z"].iter().find_map(|own| after.strip_prefix(own));
        rest = match own {
            Some(after) => after,
            None => {
                let mut chars = after.chars();
                plain.push('%');
                plain.extend(chars.next());
                chars.as_str()
            }
        };
    }
    let known = || format!("{} %.f %3f %6f %9f %#z", known_specifiers());
    specifiers(&plain).map(drop).map_err(|message| (message, known()))
}

/// `known are %Y %y ..`
pub(super) fn known_specifiers() -> String {
    let known: Vec<String> = SPECIFIERS.iter().map(|(specifier, _)| format!("%{specifier}")).collect();
    format!("known are {}", known.join(" "))
}

/// The options of a regular expression as an inline group, `(?i)`, and whether they are known.
pub(super) fn pattern_options(options: &str) -> Result<String, String> {
    let mut flags = String::new();
    for option in options.chars() {
        match option {
            // Every match is replaced anyway.
            'g' => {}
            'c' => flags.retain(|flag| flag != 'i'),
            'i' | 's' | 'm' if !flags.contains(option) => flags.push(option),
            'i' | 's' | 'm' => {}
            other => return Err(format!("unknown option `{other}` of a regular expression")),
        }
    }
    Ok(if flags.is_empty() { flags } else { format!("(?{flags})") })
}

/// Compiles a regular expression and counts its groups.
pub(super) fn pattern_groups(pattern: &str) -> Result<usize, String> {
    match regex::Regex::new(pattern) {
        Ok(regex) => Ok(regex.captures_len() - 1),
        Err(regex::Error::CompiledTooBig(_)) => Err("the regular expression is too large".to_owned()),
        Err(error) => {
            // The crate draws the pattern with a marker over several lines; its last line says what is wrong.
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            Err(format!("not a regular expression: {}", last.trim_start_matches("error: ")))
        }
    }
}

/// Checks the groups that a replacement names (`\1`, `\0` for the whole match, `\\` for a backslash).
pub(super) fn replacement_groups(replacement: &str, groups: usize) -> Result<(), String> {
    let mut chars = replacement.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            continue;
        }
        match chars.next() {
            Some('\\') => {}
            Some(digit) if digit.is_ascii_digit() => {
                let group = digit.to_digit(10).unwrap_or_default() as usize;
                if group > groups {
                    return Err(format!("the replacement names group {group}, but the pattern has {groups}"));
                }
            }
            _ => return Err("a backslash in a replacement is followed by a digit or a backslash".to_owned()),
        }
    }
    Ok(())
}
