//! What may stand in the fields of a cron pattern.
//!
//! croner reads patterns leniently: names count as numbers in any field (`MON 2 * * *` is minute 1), empty items of a list
//! are passed over, `15W3` is `15W`, a step beyond the field is taken. What is not surely meant is refused here, with the
//! field's name and what to write; croner then gets numbers only.

use super::cron::CronError;

/// A field of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Field {
    /// The fields of a pattern, in its order.
    pub(super) const ALL: [Self; 6] = [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Month, Self::Weekday];

    fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of the month",
            Self::Month => "month",
            Self::Weekday => "weekday",
        }
    }

    /// The smallest and the largest number.
    fn range(self) -> (u16, u16) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 7),
        }
    }

    fn names(self) -> (&'static [&'static str], u16) {
        match self {
            Self::Month => (&MONTHS, 1),
            Self::Weekday => (&WEEKDAYS, 0),
            _ => (&[], 0),
        }
    }

    /// A number or, where the field has them, a name.
    fn number(self, text: &str) -> Result<u16, String> {
        let (names, first) = self.names();
        let (low, high) = self.range();
        if let Some(place) = names.iter().position(|name| *name == text) {
            // At most 11: there are twelve names.
            return Ok(u16::try_from(place).unwrap_or_default() + first);
        }
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            let wanted = match names.first().zip(names.last()) {
                Some((one, last)) => format!("a number from {low} to {high}, or {one} to {last}"),
                None => format!("a number from {low} to {high}"),
            };
            return Err(format!("`{text}` should be {wanted}"));
        }
        match text.parse::<u16>() {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            _ => Err(format!("{text} is out of range, it goes from {low} to {high}")),
        }
    }

    /// The item of a list in numbers, or why it is none.
    fn item(self, item: &str) -> Result<String, String> {
        if item.is_empty() {
            return Err("an item of the list is empty; take the comma away".to_owned());
        }
        if let Some((range, step)) = item.split_once('/') {
            return self.stepped(range, step);
        }
        match (self, item) {
            (_, "*") => return Err("`*` stands with others in a list; it is all of them already".to_owned()),
            (Self::Day, "L" | "LW") => return Ok(item.to_owned()),
            (Self::Weekday, "L") => {
                return Err("`L` needs a weekday: `FRIL` is the last Friday of the month".to_owned());
            }
            _ => {}
        }
        if self == Self::Day
            && let Some(day) = item.strip_suffix('W')
        {
            return Ok(format!("{}W", self.number(day)?));
        }
        if self == Self::Weekday {
            if let Some((day, which)) = item.split_once('#') {
                let day = self.number(day)?;
                return match which {
                    "1" | "2" | "3" | "4" | "5" => Ok(format!("{day}#{which}")),
                    _ => Err(format!("`#{which}` should be `#1` to `#5`: the first to the fifth of the month")),
                };
            }
            if let Some(day) = item.strip_suffix('L') {
                return Ok(format!("{}L", self.number(day)?));
            }
        }
        match item.split_once('-') {
            Some((from, to)) => self.span(from, to),
            None => Ok(self.number(item)?.to_string()),
        }
    }

    /// `from-to`.
    fn span(self, from: &str, to: &str) -> Result<String, String> {
        let low = self.number(from)?;
        let high = match self.number(to)? {
            // A week may end on Sunday: SAT-SUN.
            0 if self == Self::Weekday && low > 0 => 7,
            high => high,
        };
        if low > high {
            return Err(format!("`{from}-{to}` runs backwards; write two ranges with a comma between them"));
        }
        Ok(format!("{low}-{high}"))
    }

    /// `range/step`.
    fn stepped(self, range: &str, step: &str) -> Result<String, String> {
        let (low, high) = self.range();
        let over = match range.split_once('-') {
            Some((from, to)) => self.span(from, to)?,
            None if range == "*" => "*".to_owned(),
            None => {
                return Err(format!(
                    "a step needs a range: write `*/{step}`, or `{}-{high}/{step}` to begin at it",
                    if range.is_empty() { "0" } else { range }
                ));
            }
        };
        match step.parse::<u16>() {
            Ok(0) => Err("a step of 0 never moves".to_owned()),
            Ok(number) if step.bytes().all(|byte| byte.is_ascii_digit()) && number <= high - low => {
                Ok(format!("{over}/{number}"))
            }
            Ok(_) => Err(format!(
                "a step of {step} is longer than the field, which goes from {low} to {high}; for a fixed distance in time \
                 write `every:` in the place of `cron:`"
            )),
            Err(_) => Err(format!("the step `{step}` should be a whole number")),
        }
    }

    /// The field in numbers, as croner reads it.
    ///
    /// # Errors
    /// What is wrong and what to write.
    pub(super) fn checked(self, pattern: &str, text: &str) -> Result<String, CronError> {
        let refused = |why: String| CronError::Field {
            pattern: pattern.to_owned(),
            field: self.name(),
            text: text.to_owned(),
            why,
        };
        let upper = text.to_uppercase();
        if upper == "*" || (upper == "?" && matches!(self, Self::Day | Self::Weekday)) {
            return Ok("*".to_owned());
        }
        let (both, items) = match upper.strip_prefix('+') {
            Some(items) if self == Self::Weekday => ("+", items),
            _ => ("", upper.as_str()),
        };
        let items: Vec<String> =
            items.split(',').map(|item| self.item(item)).collect::<Result<_, _>>().map_err(refused)?;
        if items.iter().any(|item| item == "L") && items.iter().any(|item| item == "LW") {
            let why = "`L` and `LW` stand in one list, of which only one would count; make two jobs or leave one out";
            return Err(refused(why.to_owned()));
        }
        Ok(format!("{both}{}", items.join(",")))
    }
}
