//! One time at which a job is due.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A job and the moment for which it is scheduled: recorded once, whatever becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Occurrence {
    /// The job's name.
    pub job: String,
    /// The moment, in whole seconds; not when the run started.
    #[serde(with = "moment")]
    pub scheduled: Timestamp,
}

impl Occurrence {
    /// The occurrence of `job` at `scheduled`.
    pub fn new(job: impl Into<String>, scheduled: Timestamp) -> Self {
        Self { job: job.into(), scheduled }
    }

    /// `${schedule.time}`: the moment on the clock of the job's zone, with its offset: `2026-03-29T03:00:00+02:00`.
    pub fn time(&self, zone: &TimeZone) -> String {
        self.scheduled.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// `${schedule.date}`: the day on the calendar of the job's zone: `2026-03-29`.
    pub fn date(&self, zone: &TimeZone) -> String {
        self.scheduled.to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string()
    }
}

impl fmt::Display for Occurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.job, self.scheduled)
    }
}

/// Moments as text in JSON: `2026-03-29T01:00:00Z`.
pub(super) mod moment {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::schedule) fn serialize<S: Serializer>(moment: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(moment)
    }

    pub(in crate::schedule) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::schedule::zone;

    #[test]
    fn time_and_date_are_those_of_the_zone() {
        let occurrence = Occurrence::new("nightly", "2026-03-28T23:30:00Z".parse().unwrap());
        let berlin = zone::named("Europe/Berlin").unwrap();
        assert_eq!(occurrence.time(&berlin), "2026-03-29T00:30:00+01:00");
        assert_eq!(occurrence.date(&berlin), "2026-03-29");
        assert_eq!(occurrence.time(&TimeZone::UTC), "2026-03-28T23:30:00+00:00");
        assert_eq!(occurrence.date(&TimeZone::UTC), "2026-03-28");
        assert_eq!(occurrence.to_string(), "nightly of 2026-03-28T23:30:00Z");
    }

    #[test]
    fn an_occurrence_is_read_as_it_was_written() {
        let occurrence = Occurrence::new("nightly", "2026-03-28T23:30:00Z".parse().unwrap());
        let text = serde_json::to_string(&occurrence).unwrap();
        assert_eq!(text, r#"{"job":"nightly","scheduled":"2026-03-28T23:30:00Z"}"#);
        assert_eq!(serde_json::from_str::<Occurrence>(&text).unwrap(), occurrence);
    }
}
