//! Wall clocks and instants: from one to the other in a zone of the IANA database.

use polars::prelude as pl;

use super::{EngineError, polars_type, refuse};
use crate::expression::DataType;

/// Checks that Polars' tables know the zone too.
fn known(name: &str) -> Result<pl::TimeZone, EngineError> {
    match pl::TimeZone::opt_try_new(Some(name)) {
        Ok(Some(zone)) => Ok(zone),
        _ => Err(refuse(format!("unknown time zone `{name}`"))),
    }
}

/// The wall clock that an instant shows in its zone.
pub(super) fn wall_clock(instant: pl::Expr) -> pl::Expr {
    // Every instant has exactly one wall clock, so nothing is ambiguous here.
    instant.dt().replace_time_zone(None, pl::lit("earliest"), pl::NonExistent::Null)
}

/// The wall clock that an instant shows in another zone.
pub(super) fn wall_clock_in(instant: pl::Expr, zone: &str) -> Result<pl::Expr, EngineError> {
    Ok(wall_clock(instant.dt().convert_time_zone(known(zone)?)))
}

/// The instant at which clocks in the zone show that wall clock: the earlier one of two, and a time that the clocks skip is
/// read with the offset before the gap.
pub(super) fn instant(wall_clock: pl::Expr, zone: &str) -> Result<pl::Expr, EngineError> {
    let zone = known(zone)?;
    let at =
        |clock: pl::Expr| clock.dt().replace_time_zone(Some(zone.clone()), pl::lit("earliest"), pl::NonExistent::Null);
    let day = || pl::lit(pl::Scalar::new_duration(super::calendar::DAY, pl::TimeUnit::Microseconds));
    // A day before the gap the old offset holds; adding 24 hours to that instant keeps it.
    Ok(pl::coalesce(&[at(wall_clock.clone()), at(wall_clock - day()) + day()]))
}

/// A moment as a wall clock in microseconds: an instant on the clock of its zone, a date at midnight.
pub(super) fn clock_microseconds(moment: pl::Expr, data_type: &DataType) -> pl::Expr {
    match data_type {
        DataType::Datetime(Some(_)) => wall_clock(moment).to_physical(),
        DataType::Date => moment.cast(polars_type(&DataType::Datetime(None))).to_physical(),
        _ => moment.to_physical(),
    }
}

/// The moment of that type that a wall clock in microseconds shows; the inverse of [`clock_microseconds`].
pub(super) fn from_clock_microseconds(clock: pl::Expr, data_type: &DataType) -> Result<pl::Expr, EngineError> {
    let datetime = clock.cast(polars_type(&DataType::Datetime(None)));
    match data_type {
        DataType::Datetime(Some(zone)) => instant(datetime, zone),
        DataType::Date => Ok(datetime.cast(pl::DataType::Date)),
        _ => Ok(datetime),
    }
}
