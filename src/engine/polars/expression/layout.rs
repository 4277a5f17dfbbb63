//! Layouts of dates and times (`%Y-%m-%d`): writing and reading.
//!
//! Reading is as lenient as DuckDB's: numbers may have fewer digits than they are written with, names ignore case, white
//! space around the text is skipped; what the layout does not name is 1900-01-01 00:00:00.
//!
//! Layouts that were inferred from the fields of a file have three specifiers more, named as chrono names them: `%.f` is a
//! fraction with its point or nothing, `%3f %6f %9f` a fraction of so many digits, `%#z` is `Z` or an offset. Digits beyond
//! microseconds are cut off.

use super::calendar::{self, DAY};
use super::temporal::{day_name, month_name};
use super::{EngineError, refuse};

/// A parsed layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    items: Vec<Item>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Literal(char),
    Specifier(char),
    /// `%.f`
    OptionalFraction,
    /// `%3f`, `%6f`, `%9f`
    Fraction(usize),
    /// `%#z`
    Zone,
}

impl Layout {
    /// Errors: a specifier that is not known.
    pub(super) fn parse(text: &str) -> Result<Layout, EngineError> {
        let mut items = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                items.push(Item::Literal(c));
                continue;
            }
            match chars.next() {
                Some('%') => items.push(Item::Literal('%')),
                Some('.') if chars.as_str().starts_with('f') => {
                    chars.next();
                    items.push(Item::OptionalFraction);
                }
                Some(digits @ ('3' | '6' | '9')) if chars.as_str().starts_with('f') => {
                    chars.next();
                    items.push(Item::Fraction(digits.to_digit(10).map_or(6, |digits| digits as usize)));
                }
                Some('#') if chars.as_str().starts_with('z') => {
                    chars.next();
                    items.push(Item::Zone);
                }
                Some(specifier) if "YymdHIMSfpjbBaAz".contains(specifier) => items.push(Item::Specifier(specifier)),
                Some(other) => return Err(refuse(format!("the layout has `%{other}`, which is not known"))),
                None => return Err(refuse("the layout ends with `%`")),
            }
        }
        Ok(Layout { items })
    }

    /// Writes a wall clock in microseconds; `offset` is how far it is ahead of UTC, in microseconds.
    pub(super) fn write(&self, clock: i64, offset: i64, out: &mut String) {
        use std::fmt::Write as _;
        let day = clock.div_euclid(DAY);
        let time = clock.rem_euclid(DAY);
        let (year, month, day_of_month) = calendar::civil_from_days(day);
        let (hour, minute, second) = (time / 3_600_000_000, time / 60_000_000 % 60, time / 1_000_000 % 60);
        let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
        for item in &self.items {
            // Writing to a string cannot fail.
            let _ = match item {
                Item::Literal(c) => out.write_char(*c),
                Item::Specifier('Y') if year < 0 => write!(out, "-{:04}", -year),
                Item::Specifier('Y') => write!(out, "{year:04}"),
                Item::Specifier('y') => write!(out, "{:02}", year.rem_euclid(100)),
                Item::Specifier('m') => write!(out, "{month:02}"),
                Item::Specifier('d') => write!(out, "{day_of_month:02}"),
                Item::Specifier('H') => write!(out, "{hour:02}"),
                Item::Specifier('I') => write!(out, "{twelve:02}"),
                Item::Specifier('M') => write!(out, "{minute:02}"),
                Item::Specifier('S') => write!(out, "{second:02}"),
                Item::Specifier('f') => write!(out, "{:06}", time % 1_000_000),
                Item::Specifier('p') => out.write_str(if hour < 12 { "AM" } else { "PM" }),
                Item::Specifier('j') => write!(out, "{:03}", day - calendar::days_from_civil(year, 1, 1) + 1),
                Item::Specifier('b') => out.write_str(month_name(month).get(..3).unwrap_or_default()),
                Item::Specifier('B') => out.write_str(month_name(month)),
                Item::Specifier('a') => out.write_str(day_name(calendar::weekday(day)).get(..3).unwrap_or_default()),
                Item::Specifier('A') => out.write_str(day_name(calendar::weekday(day))),
                Item::OptionalFraction if time % 1_000_000 == 0 => Ok(()),
                Item::OptionalFraction => write!(out, ".{:06}", time % 1_000_000),
                Item::Fraction(digits) => {
                    let fraction = format!("{:06}000", time % 1_000_000);
                    out.write_str(fraction.get(..*digits).unwrap_or_default())
                }
                Item::Zone if offset == 0 => out.write_char('Z'),
                Item::Zone | Item::Specifier(_) => {
                    let minutes = offset.abs() / 60_000_000;
                    let sign = if offset < 0 { '-' } else { '+' };
                    write!(out, "{sign}{:02}{:02}", minutes / 60, minutes % 60)
                }
            };
        }
    }

    /// Reads a text: the wall clock in microseconds or, when the layout has `%z`, the instant. `None` when it does not fit.
    pub(super) fn read(&self, text: &str) -> Option<i64> {
        let mut rest = Cursor { rest: text.trim_ascii() };
        let mut read = Parts::default();
        for item in &self.items {
            match item {
                Item::Literal(c) if c.is_ascii_whitespace() => rest.skip_space()?,
                Item::Literal(c) => rest.literal(*c)?,
                Item::Specifier(specifier) => read.take(*specifier, &mut rest)?,
                Item::OptionalFraction => {
                    if let Some(after) = rest.rest.strip_prefix('.') {
                        rest.rest = after;
                        read.fraction = microseconds(rest.digits(9)?)?;
                    }
                }
                Item::Fraction(digits) => {
                    read.fraction = microseconds(rest.digits(*digits).filter(|found| found.len() == *digits)?)?;
                }
                Item::Zone => match rest.rest.strip_prefix('Z') {
                    Some(after) => rest.rest = after,
                    None => read.offset = offset(&mut rest)?,
                },
            }
        }
        if rest.rest.is_empty() { read.microseconds() } else { None }
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn literal(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    /// White space in a layout stands for one space or more.
    fn skip_space(&mut self) -> Option<()> {
        let trimmed = self.rest.trim_ascii_start();
        // A layout may end in a space that trimming has taken from the text.
        if trimmed.len() == self.rest.len() && !self.rest.is_empty() {
            return None;
        }
        self.rest = trimmed;
        Some(())
    }

    fn digits(&mut self, most: usize) -> Option<&'a str> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        if digits.is_empty() { None } else { Some(digits) }
    }

    fn number(&mut self, most: usize) -> Option<i64> {
        self.digits(most)?.parse().ok()
    }

    /// The index of the name, short or long as asked for, that the text goes on with.
    fn name(&mut self, short: bool, names: impl Iterator<Item = &'static str>) -> Option<i64> {
        for (index, name) in names.enumerate() {
            let name = if short { name.get(..3)? } else { name };
            if let Some((head, rest)) = self.rest.split_at_checked(name.len())
                && head.eq_ignore_ascii_case(name)
            {
                self.rest = rest;
                return i64::try_from(index).ok();
            }
        }
        None
    }
}

#[derive(Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    twelve: bool,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    fraction: i64,
    offset: i64,
}

impl Parts {
    fn take(&mut self, specifier: char, rest: &mut Cursor) -> Option<()> {
        match specifier {
            'Y' => self.year = Some(rest.number(4)?),
            'y' => {
                let year = rest.number(2)?;
                self.year = Some(if year < 69 { 2000 + year } else { 1900 + year });
            }
            'm' => self.month = Some(rest.number(2)?),
            'd' => self.day = Some(rest.number(2)?),
            'j' => self.day_of_year = Some(rest.number(3)?),
            'H' => self.hour = within(rest.number(2)?, 0, 23)?,
            'I' => {
                self.hour = within(rest.number(2)?, 1, 12)?;
                self.twelve = true;
            }
            'M' => self.minute = within(rest.number(2)?, 0, 59)?,
            'S' => self.second = within(rest.number(2)?, 0, 59)?,
            'f' => {
                self.fraction = microseconds(rest.digits(6)?)?;
            }
            'p' => {
                let (head, tail) = rest.rest.split_at_checked(2)?;
                self.afternoon = Some(match head.to_ascii_uppercase().as_str() {
                    "AM" => false,
                    "PM" => true,
                    _ => return None,
                });
                rest.rest = tail;
            }
            'b' => self.month = Some(rest.name(true, (1..=12).map(month_name))? + 1),
            'B' => self.month = Some(rest.name(false, (1..=12).map(month_name))? + 1),
            'a' => _ = rest.name(true, (0..7).map(day_name))?,
            'A' => _ = rest.name(false, (0..7).map(day_name))?,
            _ => self.offset = offset(rest)?,
        }
        Some(())
    }

    fn microseconds(&self) -> Option<i64> {
        let year = self.year.unwrap_or(1900);
        let day = match self.day_of_year {
            Some(day) if self.month.is_none() && self.day.is_none() => {
                let new_year = calendar::days_from_civil(year, 1, 1);
                let length = calendar::days_from_civil(year + 1, 1, 1) - new_year;
                new_year + within(day, 1, length)? - 1
            }
            _ => i64::from(calendar::checked_date(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?),
        };
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            None if self.twelve && self.hour == 12 => 0,
            _ => self.hour,
        };
        let clock = ((hour * 60 + self.minute) * 60 + self.second) * 1_000_000 + self.fraction;
        (day * DAY + clock).checked_sub(self.offset)
    }
}

/// The digits behind the point of a second, in microseconds; digits beyond the sixth are cut off.
fn microseconds(digits: &str) -> Option<i64> {
    let kept = digits.get(..digits.len().min(6))?;
    let missing = u32::try_from(6 - kept.len()).ok()?;
    Some(kept.parse::<i64>().ok()? * 10_i64.pow(missing))
}

/// `+01`, `+0130`, `+01:30`, in microseconds.
fn offset(rest: &mut Cursor) -> Option<i64> {
    let sign = match rest.rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    rest.rest = rest.rest.get(1..)?;
    let hours = rest.digits(2)?.parse::<i64>().ok()?;
    let colon = rest.rest.strip_prefix(':');
    let minutes = match colon {
        Some(tail) => {
            rest.rest = tail;
            rest.number(2)?
        }
        None => rest.number(2).unwrap_or(0),
    };
    Some(sign * (within(hours, 0, 23)? * 60 + within(minutes, 0, 59)?) * 60_000_000)
}

fn within(value: i64, least: i64, most: i64) -> Option<i64> {
    (least..=most).contains(&value).then_some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn clock(text: &str) -> i64 {
        text.parse::<jiff::civil::DateTime>()
            .unwrap()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .unwrap()
            .timestamp()
            .as_microsecond()
    }

    /// Values of DuckDB 2.0.1.
    #[test]
    fn reading_is_as_lenient_as_duckdb() {
        let fits = [
            ("4/3/21", "%d/%m/%y", "2021-03-04T00:00"),
            ("04.03.70", "%d.%m.%y", "1970-03-04T00:00"),
            ("04.03.68", "%d.%m.%y", "2068-03-04T00:00"),
            ("2021", "%Y", "2021-01-01T00:00"),
            ("12:30", "%H:%M", "1900-01-01T12:30"),
            ("2021 063", "%Y %j", "2021-03-04T00:00"),
            ("Thursday 4 march 2021", "%A %d %B %Y", "2021-03-04T00:00"),
            ("12:30 AM 2021-01-01", "%I:%M %p %Y-%m-%d", "2021-01-01T00:30"),
            ("12:30 pm 2021-01-01", "%I:%M %p %Y-%m-%d", "2021-01-01T12:30"),
            ("2021-03-04 05:06:07.5", "%Y-%m-%d %H:%M:%S.%f", "2021-03-04T05:06:07.5"),
            ("20210304", "%Y%m%d", "2021-03-04T00:00"),
            ("2021  03", "%Y %m", "2021-03-01T00:00"),
            (" 2021-03-04 ", "%Y-%m-%d", "2021-03-04T00:00"),
            ("2021 %", "%Y %%", "2021-01-01T00:00"),
            ("2021-03-04 +01:30", "%Y-%m-%d %z", "2021-03-03T22:30"),
            ("2021-03-04 -0130", "%Y-%m-%d %z", "2021-03-04T01:30"),
            ("2021-03-04 +01", "%Y-%m-%d %z", "2021-03-03T23:00"),
            ("2020-366", "%Y-%j", "2020-12-31T00:00"),
        ];
        for (text, layout, wanted) in fits {
            let read = Layout::parse(layout).unwrap().read(text);
            assert_eq!(read, Some(clock(wanted)), "{text} by {layout}");
        }
        let misfits = [
            ("x", "%Y"),
            ("2021-03-04 x", "%Y-%m-%d"),
            ("2021-02-30", "%Y-%m-%d"),
            ("24:00", "%H:%M"),
            ("13 PM", "%I %p"),
            ("2021-03-04 05:06:07.1234567", "%Y-%m-%d %H:%M:%S.%f"),
            ("02021-03-04", "%Y-%m-%d"),
            ("-2021-03-04", "%Y-%m-%d"),
            ("2021-366", "%Y-%j"),
            ("60", "%S"),
            ("2021 Feb 3", "%Y %B %d"),
            ("2021 February 3", "%Y %b %d"),
            ("", "%Y"),
        ];
        for (text, layout) in misfits {
            assert_eq!(Layout::parse(layout).unwrap().read(text), None, "{text} by {layout}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let layout = Layout::parse("%A %d %B %Y %I:%M:%S.%f %p %z").unwrap();
        let clock = clock("2021-03-04T15:06:07.000123");
        let mut text = String::new();
        layout.write(clock, 3_600_000_000, &mut text);
        assert_eq!(text, "Thursday 04 March 2021 03:06:07.000123 PM +0100");
        assert_eq!(layout.read(&text), Some(clock - 3_600_000_000));
    }
    #[test]
    fn fractions_and_zones_of_inferred_layouts() {
        for (text, layout, wanted) in [
            ("2024-03-31 01:30:00", "%Y-%m-%d %H:%M:%S%.f", "2024-03-31T01:30:00"),
            ("2024-07-01 12:00:00.5", "%Y-%m-%d %H:%M:%S%.f", "2024-07-01T12:00:00.5"),
            ("2024-07-01 12:00:00.123456789", "%Y-%m-%d %H:%M:%S%.f", "2024-07-01T12:00:00.123456"),
            ("2024-07-01T12:00:00.456", "%Y-%m-%dT%H:%M:%S.%3f", "2024-07-01T12:00:00.456"),
            ("2024-07-01T12:00:00.456456789", "%Y-%m-%dT%H:%M:%S.%9f", "2024-07-01T12:00:00.456456"),
            ("2024-07-01T12:00:00Z", "%Y-%m-%dT%H:%M:%S%#z", "2024-07-01T12:00:00"),
            ("2024-07-01T12:00:00.25+02:00", "%Y-%m-%dT%H:%M:%S%.f%#z", "2024-07-01T10:00:00.25"),
        ] {
            assert_eq!(Layout::parse(layout).unwrap().read(text), Some(clock(wanted)), "{text} by {layout}");
        }
        for (text, layout) in [
            ("2024-07-01 12:00:00.", "%Y-%m-%d %H:%M:%S%.f"),
            ("2024-07-01 12:00:00.45", "%Y-%m-%d %H:%M:%S.%3f"),
            ("2024-07-01T12:00:00", "%Y-%m-%dT%H:%M:%S%#z"),
        ] {
            assert_eq!(Layout::parse(layout).unwrap().read(text), None, "{text} by {layout}");
        }
        let mut text = String::new();
        Layout::parse("%H:%M:%S%.f|%3f|%9f|%#z").unwrap().write(clock("1900-01-01T10:00:00.25"), 0, &mut text);
        assert_eq!(text, "10:00:00.250000|250|250000000|Z");
    }
}
