//! Layouts of days and times, and texts read by them.
//!
//! The specifiers are those of the language's `strptime` (`%Y %y %m %d %j %b %B %a %A %H %I %M %S %f %p %z`), and `%G %V %u` for weeks
//! of ISO 8601. Reading is strict where a person would be: a year of `%Y` has four digits, so that `1/2/13` is never the year 13.
//! Two-digit years below 69 are of this century, the others of the last (POSIX).

/// Names of months, as they are written in full.
pub(super) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A layout such as `%d/%m/%Y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout<'a>(pub &'a str);

/// What a layout read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moment {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    week: Option<(i32, u32, u32)>,
    hour: u32,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
}

impl Layout<'_> {
    /// Days since 1970-01-01 of a text that the layout reads whole; `None` when it does not fit or the day does not exist.
    ///
    /// Cost: one pass over the text.
    pub fn day(&self, text: &str) -> Option<i64> {
        let mut moment = Moment::default();
        let rest = self.prefix(text.trim(), &mut moment)?;
        if rest.is_empty() { moment.days() } else { None }
    }

    /// Reads the beginning of a text and gives the rest.
    pub(super) fn prefix<'t>(&self, text: &'t str, into: &mut Moment) -> Option<&'t str> {
        let mut layout = self.0.chars();
        let mut rest = text;
        while let Some(c) = layout.next() {
            rest = match c {
                '%' => into.take(layout.next()?, rest)?,
                ' ' => {
                    let trimmed = rest.trim_ascii_start();
                    if trimmed.len() == rest.len() {
                        return None;
                    }
                    trimmed
                }
                c => rest.strip_prefix(c)?,
            };
        }
        Some(rest)
    }
}

impl Moment {
    fn take<'t>(&mut self, specifier: char, rest: &'t str) -> Option<&'t str> {
        let between = |least: u32, most: u32, digits: usize| {
            number(rest, 1, digits).filter(|(value, _)| (least..=most).contains(value))
        };
        match specifier {
            'Y' => {
                let (year, rest) = number(rest, 4, 4)?;
                self.year = i32::try_from(year).ok().filter(|year| *year >= 1000);
                self.year.map(|_| rest)
            }
            'y' => {
                let (year, rest) = number(rest, 2, 2)?;
                self.year = i32::try_from(if year < 69 { 2000 + year } else { 1900 + year }).ok();
                Some(rest)
            }
            'm' => between(1, 12, 2).map(|(month, rest)| self.month(month, rest)),
            'd' => {
                let (day, rest) = between(1, 31, 2)?;
                self.day = Some(day);
                Some(rest)
            }
            'j' => {
                let (day, rest) = number(rest, 3, 3)?;
                self.day_of_year = Some(day);
                Some(rest)
            }
            'b' => named(rest, &MONTHS, true).map(|(month, rest)| self.month(month, rest)),
            'B' => named(rest, &MONTHS, false).map(|(month, rest)| self.month(month, rest)),
            'a' => named(rest, &WEEKDAYS, true).map(|(_, rest)| rest),
            'A' => named(rest, &WEEKDAYS, false).map(|(_, rest)| rest),
            'G' => {
                let (year, rest) = number(rest, 4, 4)?;
                self.week = Some((i32::try_from(year).ok()?, 1, 1));
                Some(rest)
            }
            'V' => {
                let (week, rest) = number(rest, 2, 2)?;
                let (year, _, _) = self.week?;
                self.week = Some((year, week, 1));
                Some(rest)
            }
            'u' => {
                let (day, rest) = number(rest, 1, 1)?;
                let (year, week, _) = self.week?;
                self.week = Some((year, week, day));
                Some(rest)
            }
            'H' => between(0, 23, 2).map(|(hour, rest)| self.hour(hour, rest)),
            'I' => between(1, 12, 2).map(|(hour, rest)| self.hour(hour, rest)),
            'M' => {
                let (minute, rest) = between(0, 59, 2)?;
                self.minute = minute;
                Some(rest)
            }
            'S' => {
                let (second, rest) = between(0, 59, 2)?;
                self.second = second;
                Some(rest)
            }
            'f' => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                if (1..=6).contains(&digits) { rest.get(digits..) } else { None }
            }
            'p' => {
                let (head, tail) = rest.split_at_checked(2)?;
                self.afternoon = Some(match head.to_ascii_uppercase().as_str() {
                    "AM" => false,
                    "PM" => true,
                    _ => return None,
                });
                Some(tail)
            }
            'z' => offset(rest),
            _ => None,
        }
    }

    fn month<'t>(&mut self, month: u32, rest: &'t str) -> &'t str {
        self.month = Some(month);
        rest
    }

    fn hour<'t>(&mut self, hour: u32, rest: &'t str) -> &'t str {
        self.hour = hour;
        rest
    }

    /// Days since 1970-01-01; `None` for a day that does not exist.
    pub(super) fn days(&self) -> Option<i64> {
        if let Some((year, week, day)) = self.week {
            return iso_week(year, week, day);
        }
        let year = self.year?;
        if let Some(day) = self.day_of_year {
            let length = if is_leap(year) { 366 } else { 365 };
            return (1..=length).contains(&day).then(|| days_from_civil(year, 1, 1) + i64::from(day) - 1);
        }
        let (month, day) = (self.month?, self.day?);
        (day <= days_of_month(year, month)).then(|| days_from_civil(year, month, day))
    }
}

fn number(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if digits < least {
        return None;
    }
    let (digits, rest) = text.split_at_checked(digits)?;
    Some((digits.parse().ok()?, rest))
}

/// The number of the name, from 1, with which the text begins; a short name has three letters and no letter behind it.
fn named<'t>(text: &'t str, names: &[&str], short: bool) -> Option<(u32, &'t str)> {
    names.iter().zip(1..).find_map(|(name, number)| {
        let wanted = if short { name.get(..3)? } else { name };
        let (head, rest) = text.split_at_checked(wanted.len())?;
        let ends = !rest.starts_with(|c: char| c.is_ascii_alphabetic());
        (head.eq_ignore_ascii_case(wanted) && ends).then_some((number, rest))
    })
}

/// `+01`, `+0100` or `+01:00`.
fn offset(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(['+', '-'])?;
    let (_, rest) = number(rest, 2, 2).filter(|(hours, _)| *hours <= 23)?;
    let (minutes, colon) = match rest.strip_prefix(':') {
        Some(rest) => (number(rest, 2, 2), true),
        None => (number(rest, 2, 2), false),
    };
    match minutes {
        Some((minutes, rest)) if minutes <= 59 => Some(rest),
        None if !colon && rest.is_empty() => Some(rest),
        _ => None,
    }
}

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a day of the Gregorian calendar (Hinnant, `days_from_civil`).
pub(super) fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The day of a week of ISO 8601: week 1 is the one with the fourth of January.
fn iso_week(year: i32, week: u32, day: u32) -> Option<i64> {
    if !(1..=53).contains(&week) || !(1..=7).contains(&day) {
        return None;
    }
    let monday = |year: i32| {
        let fourth = days_from_civil(year, 1, 4);
        // 1970-01-01 was a Thursday.
        fourth - (fourth + 3).rem_euclid(7)
    };
    let found = monday(year) + i64::from(week - 1) * 7 + i64::from(day - 1);
    (found < monday(year + 1)).then_some(found)
}
