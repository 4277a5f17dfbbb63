//! Days and months, and when they have ended.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::{Partition, PartitionError};
use crate::schedule::trigger::moment;

/// The years that partitions may lie in.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// How long one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// From midnight to midnight.
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

/// The days or months from one date on.
#[derive(Debug, Clone)]
pub struct Span {
    /// Days or months.
    pub unit: Unit,
    /// The first day of the first partition.
    pub from: Date,
    /// The first day of the last partition; `None`: they go on.
    pub to: Option<Date>,
    /// Where the clock stands that says when one has ended.
    pub zone: TimeZone,
}

impl Unit {
    /// `day` or `month`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The first day of what a key names: `2026-01-31`, `2026-01`.
    ///
    /// Errors: it names nothing, in one spelling only, or something out of the years 1900 to 2199.
    pub fn read(self, key: &str) -> Result<Date, PartitionError> {
        let (whole, such_as) = match self {
            Self::Day => (key.to_owned(), "2026-01-31"),
            Self::Month => (format!("{key}-01"), "2026-01"),
        };
        let date = whole.parse::<Date>().ok().filter(|date| self.key(*date) == key);
        let date = date.ok_or_else(|| {
            PartitionError(format!("`{key}` is no {word}; a {word} is written such as `{such_as}`", word = self.word()))
        })?;
        if !YEARS.contains(&date.year()) {
            return Err(PartitionError(format!("`{key}` is too far away; partitions lie in the years 1900 to 2199")));
        }
        Ok(date)
    }

    pub(super) fn key(self, start: Date) -> String {
        match self {
            Self::Day => start.to_string(),
            Self::Month => start.strftime("%Y-%m").to_string(),
        }
    }

    /// The first day of the one that a date is in.
    fn of(self, date: Date) -> Date {
        match self {
            Self::Day => date,
            Self::Month => date.first_of_month(),
        }
    }

    /// The first day of the next; the same one at the end of time.
    fn next(self, start: Date) -> Date {
        match self {
            Self::Day => start.checked_add(1.day()),
            Self::Month => start.checked_add(1.month()),
        }
        .unwrap_or(start)
    }

    fn previous(self, start: Date) -> Option<Date> {
        match self {
            Self::Day => start.checked_sub(1.day()).ok(),
            Self::Month => start.checked_sub(1.month()).ok(),
        }
    }
}

impl Span {
    pub(in crate::schedule::job) fn partition(&self, start: Date) -> Partition {
        Partition { key: self.unit.key(start), start: Some(start), end: Some(self.unit.next(start)) }
    }

    /// The first days of those from one to another, both included.
    pub(super) fn starts(&self, first: Date, last: Option<Date>) -> impl Iterator<Item = Date> + use<> {
        let (unit, last) = (self.unit, last.unwrap_or(Date::MIN));
        let next = move |start: &Date| Some(unit.next(*start)).filter(|next| next > start);
        std::iter::successors(Some(first), next).take_while(move |start| *start <= last)
    }

    /// When the one that begins on a day has ended: the first moment at which the clock shows the day behind it, or a later one.
    /// `None` beyond the year 9999.
    pub fn ends(&self, start: Date) -> Option<Timestamp> {
        // Where midnight is skipped, that is the first moment behind the gap; where it comes twice, the first of the two.
        moment(&self.zone, self.unit.next(start).at(0, 0, 0, 0))
    }

    /// Whether one is among the job's.
    pub(super) fn holds(&self, start: Date) -> bool {
        start >= self.from && self.to.is_none_or(|to| start <= to)
    }

    /// The last of the job's that has ended by `now`.
    pub(super) fn last_ended(&self, now: Timestamp) -> Option<Date> {
        let last = self.last_ended_of_all(now)?;
        Some(self.to.map_or(last, |to| to.min(last))).filter(|last| *last >= self.from)
    }

    /// The last one that has ended by `now`, whether or not it is the job's.
    pub(super) fn last_ended_of_all(&self, now: Timestamp) -> Option<Date> {
        let has_ended = |start: &Date| self.ends(*start).is_some_and(|end| end <= now);
        // The one that the clock shows has ended already where midnight was passed twice.
        let shown = self.unit.of(self.zone.to_datetime(now).date());
        std::iter::successors(Some(shown), |start| self.unit.previous(*start)).take(3).find(has_ended)
    }

    /// Refuses what is not the job's, or has not ended.
    pub(super) fn ended_by(&self, start: Date, now: Timestamp) -> Result<(), PartitionError> {
        let key = self.unit.key(start);
        let word = self.unit.word();
        let first = self.unit.key(self.from);
        if start < self.from {
            return Err(PartitionError(format!("`{key}` is before the job's first {word}, `{first}`")));
        }
        if let Some(to) = self.to.filter(|to| start > *to) {
            return Err(PartitionError(format!("`{key}` is after the job's last {word}, `{}`", self.unit.key(to))));
        }
        match (self.ends(start).filter(|end| *end <= now), self.last_ended(now)) {
            (Some(_), _) => Ok(()),
            (None, Some(last)) => {
                let last = self.unit.key(last);
                Err(PartitionError(format!("the {word} `{key}` has not ended yet; the last that has is `{last}`")))
            }
            (None, None) => {
                Err(PartitionError(format!("the {word} `{key}` has not ended yet, and none before it has")))
            }
        }
    }
}
