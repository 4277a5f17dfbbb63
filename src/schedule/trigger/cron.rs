//! Cron patterns: which days and which times of day.
//!
//! Patterns are parsed, and days are matched, by [croner](https://docs.rs/croner) 4. The search in time is our own
//! ([`super::zoned`]), because croner's differs from the rules of this program in four points (croner 4.0.3, `src/lib.rs`):
//!
//! - It takes a pattern for one of fixed times only where second, minute and hour are one number each. So `0 2,14 * * *` or
//!   `0,30 2 * * *` would be left out in the hour that a clock skips, and run twice in the hour that it repeats. As in Vixie
//!   cron, lists and ranges are fixed times here.
//! - What a clock skips it carries to the first moment behind only when that moment's day matches too: a job at 23:30 on
//!   Fridays is lost where the clock skips 23:30 to 00:30.
//! - It gives up on gaps of more than two hours, as where a zone crosses the date line and skips a day.
//! - A pattern that never matches is found out only by searching to the year 5000.

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, Weekday};
use jiff::civil::{Date, DateTime};

use super::grammar::Field;

/// Why a cron pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Neither five fields nor six.
    #[error(
        "`{pattern}` has {} where a cron pattern has five (minute, hour, day of the month, month, weekday), or six with the \
         second before them; write for example `30 2 * * *` for 02:30 on each day",
        fields(*.count)
    )]
    Fields {
        /// The pattern.
        pattern: String,
        /// How many fields it has.
        count: usize,
    },
    /// An unknown `@name`.
    #[error(
        "`{pattern}` is no name of a schedule; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually"
    )]
    Nickname {
        /// The pattern.
        pattern: String,
    },
    /// A field that cannot be read.
    #[error("`{text}` in the pattern `{pattern}` is no {field}: {why}")]
    Field {
        /// The pattern.
        pattern: String,
        /// The field's name.
        field: &'static str,
        /// The field as written.
        text: String,
        /// What is wrong, and what to write.
        why: String,
    },
    /// There is no such day.
    #[error("`{pattern}` never comes: {why}")]
    Never {
        /// The pattern.
        pattern: String,
        /// Why not, and what to write.
        why: String,
    },
    /// croner refuses it for a reason that is not foreseen here.
    #[error("`{pattern}` is no cron pattern: {why}")]
    Refused {
        /// The pattern.
        pattern: String,
        /// croner's words.
        why: String,
    },
}

fn fields(count: usize) -> String {
    match count {
        0 => "no field".to_owned(),
        1 => "one field".to_owned(),
        count => format!("{count} fields"),
    }
}

/// A cron pattern that comes at some time.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    cron: Cron,
    wildcard: bool,
    // Bit n is set where the number n is in the field.
    seconds: u64,
    minutes: u64,
    hours: u64,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`CronError`]: what is wrong and what to write.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let pattern = text.trim();
        let spelled = spelled(pattern)?;
        let words: Vec<&str> = spelled.split_whitespace().collect();
        let own = match words.len() {
            5 => Field::ALL.get(1..).unwrap_or_default(),
            6 => Field::ALL.as_slice(),
            count => return Err(CronError::Fields { pattern: pattern.to_owned(), count }),
        };
        let mut numbers = Vec::with_capacity(6);
        let mut wildcard = false;
        for (field, word) in own.iter().zip(&words) {
            numbers.push(field.checked(pattern, word)?);
            wildcard |= matches!(field, Field::Minute | Field::Hour) && word.contains(['*', '/']);
        }
        let cron = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build()
            .parse(&numbers.join(" "))
            .map_err(|error| CronError::Refused { pattern: pattern.to_owned(), why: error.to_string() })?;
        let parsed = Self {
            text: pattern.to_owned(),
            wildcard,
            seconds: bits(&cron.pattern.seconds.values()),
            minutes: bits(&cron.pattern.minutes.values()),
            hours: bits(&cron.pattern.hours.values()),
            cron,
        };
        if parsed.comes() {
            Ok(parsed)
        } else {
            let day_word = words.get(words.len() - 3).copied().unwrap_or_default();
            Err(CronError::Never { pattern: pattern.to_owned(), why: parsed.why_never(day_word) })
        }
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the pattern follows elapsed time when a clock skips or repeats an hour.
    ///
    /// It does when its minute or its hour holds `*` or a step, as in Vixie cron. All other patterns are of fixed times.
    pub fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    /// The first time on the wall clock at or after `from` that the pattern matches, before `until` where that is given.
    ///
    /// Looks at each day between; a pattern comes within 40 years (29 February on a given weekday, over the year 2100).
    pub(super) fn at_or_after(&self, from: DateTime, until: Option<DateTime>) -> Option<DateTime> {
        let mut date = from.date();
        let mut earliest = (hms(from.hour()), hms(from.minute()), hms(from.second()));
        loop {
            if until.is_some_and(|until| date > until.date()) {
                return None;
            }
            if self.cron.pattern.month_match(u32::from(date.month().unsigned_abs())).unwrap_or(false) {
                if self.matches_day(date)
                    && let Some(found) = self.time_of_day(date, earliest)
                {
                    return Some(found).filter(|found| until.is_none_or(|until| *found < until));
                }
                date = date.tomorrow().ok()?;
            } else {
                date = date.last_of_month().tomorrow().ok()?;
            }
            earliest = (0, 0, 0);
        }
    }

    /// The first time of a day at or after (hour, minute, second).
    fn time_of_day(&self, date: Date, (hour, minute, second): (u32, u32, u32)) -> Option<DateTime> {
        let mut next_hour = next(self.hours, hour);
        while let Some(h) = next_hour {
            let mut next_minute = next(self.minutes, if h == hour { minute } else { 0 });
            while let Some(m) = next_minute {
                let from = if (h, m) == (hour, minute) { second } else { 0 };
                if let Some(s) = next(self.seconds, from) {
                    let [h, m, s] = [h, m, s].map(|number| i8::try_from(number).ok());
                    return DateTime::new(date.year(), date.month(), date.day(), h?, m?, s?, 0).ok();
                }
                next_minute = next(self.minutes, m + 1);
            }
            next_hour = next(self.hours, h + 1);
        }
        None
    }

    fn matches_day(&self, date: Date) -> bool {
        let weekday = Weekday::from_days_from_sunday(u32::from(date.weekday().to_sunday_zero_offset().unsigned_abs()));
        let (month, day) = (u32::from(date.month().unsigned_abs()), u32::from(date.day().unsigned_abs()));
        // It fails for days that do not exist only.
        self.cron.pattern.day_match(i32::from(date.year()), month, day, weekday).unwrap_or(false)
    }

    /// Whether one day of the calendar matches: dates and weekdays come back after 400 years (20,871 weeks).
    fn comes(&self) -> bool {
        let (from, until) = (jiff::civil::date(2000, 1, 1), jiff::civil::date(2400, 1, 1));
        self.at_or_after(from.at(0, 0, 0, 0), Some(until.at(0, 0, 0, 0))).is_some()
    }

    fn why_never(&self, day_word: &str) -> String {
        const LENGTHS: [(&str, u16); 12] = [
            ("January", 31),
            ("February", 29),
            ("March", 31),
            ("April", 30),
            ("May", 31),
            ("June", 30),
            ("July", 31),
            ("August", 31),
            ("September", 30),
            ("October", 31),
            ("November", 30),
            ("December", 31),
        ];
        let months: Vec<(&str, u16)> = (1..)
            .zip(LENGTHS)
            .filter(|(number, _)| self.cron.pattern.months.values().contains(number))
            .map(|(_, month)| month)
            .collect();
        let longest = months.iter().map(|(_, days)| *days).max().unwrap_or_default();
        let day = &self.cron.pattern.days;
        if day.values().iter().all(|number| *number > longest) && !day_word.contains('L') {
            let names: Vec<&str> = months.iter().map(|(name, _)| *name).collect();
            return format!(
                "{} {} at most {longest} days, day {day_word} is beyond; `L` is the last day of a month",
                names.join(", "),
                if names.len() == 1 { "has" } else { "have" }
            );
        }
        "no day of the calendar is in its month, on its day of the month and on its weekday; take the `+` away if one of the \
         two is enough"
            .to_owned()
    }
}

/// A pattern in fields, where it was a name.
fn spelled(pattern: &str) -> Result<&str, CronError> {
    if !pattern.starts_with('@') {
        return Ok(pattern);
    }
    match pattern.to_lowercase().as_str() {
        "@hourly" => Ok("0 * * * *"),
        "@daily" | "@midnight" => Ok("0 0 * * *"),
        "@weekly" => Ok("0 0 * * 0"),
        "@monthly" => Ok("0 0 1 * *"),
        "@yearly" | "@annually" => Ok("0 0 1 1 *"),
        _ => Err(CronError::Nickname { pattern: pattern.to_owned() }),
    }
}

fn hms(number: i8) -> u32 {
    u32::from(number.unsigned_abs())
}

fn bits(values: &[u16]) -> u64 {
    values.iter().fold(0, |bits, value| bits | 1u64.checked_shl(u32::from(*value)).unwrap_or(0))
}

/// The smallest number of a field from `from` on.
fn next(bits: u64, from: u32) -> Option<u32> {
    let left = bits & u64::MAX.checked_shl(from)?;
    (left != 0).then(|| left.trailing_zeros())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
