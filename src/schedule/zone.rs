//! Time zones by their IANA names, from the database inside the program.
//!
//! The machine's own database is not asked: the same job file means the same moments on every machine, also in a container
//! without one.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// There is no time zone of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{name}`{}; zones have the names of the IANA database, such as `Europe/Berlin`", .nearest.as_ref().map(|near| format!(", did you mean `{near}`?")).unwrap_or_default())]
pub struct NoSuchZone {
    /// The name that was asked for.
    pub name: String,
    /// The name that is nearest to it.
    pub nearest: Option<String>,
}

/// The time zone of an IANA name, whatever its case.
///
/// # Errors
/// [`NoSuchZone`], with the nearest name.
pub fn named(name: &str) -> Result<TimeZone, NoSuchZone> {
    DATABASE.get(name).map_err(|_| NoSuchZone { name: name.to_owned(), nearest: nearest(name) })
}

/// The name with the fewest changes of letters, or a zone of the city that was asked for.
fn nearest(name: &str) -> Option<String> {
    let wanted = name.to_lowercase().replace(' ', "_");
    let names: Vec<String> = DATABASE.available().map(|zone| zone.to_string()).collect();
    if wanted.is_empty() {
        return None;
    }
    let city = names.iter().find(|zone| zone.to_lowercase().rsplit('/').next() == Some(wanted.as_str()));
    city.cloned().or_else(|| {
        names
            .into_iter()
            .map(|zone| (strsim::damerau_levenshtein(&wanted, &zone.to_lowercase()), zone))
            .min()
            .filter(|(distance, _)| *distance <= 1 + wanted.len() / 4)
            .map(|(_, zone)| zone)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_whatever_their_case() {
        for name in ["UTC", "Europe/Berlin", "australia/lord_howe", "Asia/Kathmandu", "Pacific/Chatham"] {
            assert!(named(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_zone_that_is_not_there_is_refused_with_the_nearest() {
        for (name, near) in [
            ("Europe/Berlni", Some("Europe/Berlin")),
            ("Berlin", Some("Europe/Berlin")),
            ("new york", Some("America/New_York")),
            ("Middle-earth/Hobbiton", None),
            ("", None),
        ] {
            assert_eq!(named(name).unwrap_err().nearest.as_deref(), near, "{name}");
        }
        assert_eq!(
            named("Europe/Berlni").unwrap_err().to_string(),
            "there is no time zone `Europe/Berlni`, did you mean `Europe/Berlin`?; zones have the names of the IANA database, \
             such as `Europe/Berlin`"
        );
    }
}
