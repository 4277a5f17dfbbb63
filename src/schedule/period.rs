//! Lengths of time as people write them in a job file: `15m`, `1h30m`, `7d`.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest period: ten years of 365 days, in seconds.
const LONGEST: u64 = 3_650 * 86_400;
/// The units, from the largest, with their seconds.
const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A length of time: whole numbers with units `w`, `d`, `h`, `m`, `s`, the largest first, as in `90s`, `15m` or `1h30m`.
///
/// A day is 24 hours and a week 7 days, whatever clocks do. From 1 second to 10 years (3,650 days).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Period(u64);

/// A text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Something else than numbers with units, or units out of order.
    #[error(
        "`{0}` is no length of time; write whole numbers with units, the largest first, such as `90s`, `15m`, `1h30m` or `7d`"
    )]
    Unreadable(String),
    /// Zero, or longer than ten years.
    #[error("`{0}` is out of range; a length of time is from 1s to 3650d")]
    OutOfRange(String),
}

impl Period {
    /// A period of whole seconds.
    ///
    /// # Errors
    /// `OutOfRange` for zero and for more than ten years.
    pub fn seconds(seconds: u64) -> Result<Self, PeriodError> {
        if (1..=LONGEST).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(PeriodError::OutOfRange(format!("{seconds}s")))
        }
    }

    /// The number of seconds, at least 1.
    pub fn as_seconds(self) -> u64 {
        self.0
    }

    /// The same as a duration.
    pub fn duration(self) -> SignedDuration {
        // At most 3e8, see LONGEST.
        SignedDuration::from_secs(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let unreadable = || PeriodError::Unreadable(text.to_owned());
        let mut rest = text.trim();
        let mut units = UNITS.iter();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return Err(unreadable());
        }
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).filter(|end| *end > 0).ok_or_else(unreadable)?;
            let (digits, behind) = rest.split_at(end);
            let unit = behind.chars().next().ok_or_else(unreadable)?;
            // Units that were passed over cannot come later: each is written once, the largest first.
            let (_, seconds) = units.find(|(name, _)| *name == unit).ok_or_else(unreadable)?;
            let part = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(*seconds));
            total = part
                .and_then(|part| total.checked_add(part))
                .ok_or_else(|| PeriodError::OutOfRange(text.to_owned()))?;
            rest = behind.get(unit.len_utf8()..).unwrap_or_default().trim_start();
        }
        Self::seconds(total).map_err(|_| PeriodError::OutOfRange(text.to_owned()))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        // Weeks are read but not written: `7d` is what people say.
        for (name, seconds) in UNITS.iter().skip(1) {
            if rest >= *seconds {
                write!(f, "{}{name}", rest / seconds)?;
                rest %= seconds;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, PeriodError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn periods_are_read_in_seconds() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("7d", 604_800),
            ("1w", 604_800),
            (" 2d1s ", 172_801),
            ("3650d", 315_360_000),
        ] {
            assert_eq!(text.parse::<Period>().map(Period::as_seconds), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_period_is_refused_with_what_would_be_one() {
        for text in ["", "15", "m", "15 minutes", "1.5h", "-5m", "5m1h", "1m1m", "1ms", "１m", "5é"] {
            let error = text.parse::<Period>().unwrap_err();
            assert_eq!(error, PeriodError::Unreadable(text.to_owned()));
            assert!(error.to_string().contains("such as `90s`"), "{error}");
        }
        for text in ["0s", "0d0h", "3651d", "99999999999999999999s", "18446744073709551615w"] {
            assert_eq!(text.parse::<Period>(), Err(PeriodError::OutOfRange(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(seconds in 1..=LONGEST) {
            let period = Period::seconds(seconds).unwrap();
            prop_assert_eq!(period.to_string().parse::<Period>(), Ok(period));
        }
    }
}
