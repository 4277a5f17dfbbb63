//! Functions of dates, times and zones.

use super::{Accepts, Declaration, NULL_IF_NULL, Yields, example, fixed, parameter};
use crate::expression::{Family, Function};

pub(super) static YEAR: Declaration = Declaration {
    function: Function::Year,
    family: Family::Temporal,
    names: &["year"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The year.",
    example: example("year(date '2013-11-05')", "2013"),
    deterministic: true,
};

pub(super) static QUARTER: Declaration = Declaration {
    function: Function::Quarter,
    family: Family::Temporal,
    names: &["quarter"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The quarter, 1 to 4.",
    example: example("quarter(date '2013-11-05')", "4"),
    deterministic: true,
};

pub(super) static MONTH: Declaration = Declaration {
    function: Function::Month,
    family: Family::Temporal,
    names: &["month"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The month, 1 to 12.",
    example: example("month(date '2013-11-05')", "11"),
    deterministic: true,
};

pub(super) static DAY: Declaration = Declaration {
    function: Function::Day,
    family: Family::Temporal,
    names: &["day", "dayofmonth"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The day of the month, 1 to 31.",
    example: example("day(date '2013-11-05')", "5"),
    deterministic: true,
};

pub(super) static HOUR: Declaration = Declaration {
    function: Function::Hour,
    family: Family::Temporal,
    names: &["hour"],
    signatures: &[fixed(&[parameter("x", Accepts::Clock)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The hour, 0 to 23.",
    example: example("hour(timestamp '2013-11-05 06:07:08.25')", "6"),
    deterministic: true,
};

pub(super) static MINUTE: Declaration = Declaration {
    function: Function::Minute,
    family: Family::Temporal,
    names: &["minute"],
    signatures: &[fixed(&[parameter("x", Accepts::Clock)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The minute, 0 to 59.",
    example: example("minute(timestamp '2013-11-05 06:07:08.25')", "7"),
    deterministic: true,
};

pub(super) static SECOND: Declaration = Declaration {
    function: Function::Second,
    family: Family::Temporal,
    names: &["second"],
    signatures: &[fixed(&[parameter("x", Accepts::Clock)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The whole seconds, 0 to 59.",
    example: example("second(timestamp '2013-11-05 06:07:08.25')", "8"),
    deterministic: true,
};

pub(super) static MILLISECOND: Declaration = Declaration {
    function: Function::Millisecond,
    family: Family::Temporal,
    names: &["millisecond", "milliseconds"],
    signatures: &[fixed(&[parameter("x", Accepts::Clock)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The seconds within the minute as whole milliseconds, 0 to 59999.",
    example: example("millisecond(timestamp '2013-11-05 06:07:08.25')", "8250"),
    deterministic: true,
};

pub(super) static MICROSECOND: Declaration = Declaration {
    function: Function::Microsecond,
    family: Family::Temporal,
    names: &["microsecond", "microseconds"],
    signatures: &[fixed(&[parameter("x", Accepts::Clock)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The seconds within the minute as whole microseconds, 0 to 59999999.",
    example: example("microsecond(timestamp '2013-11-05 06:07:08.25')", "8250000"),
    deterministic: true,
};

pub(super) static DAY_OF_WEEK: Declaration = Declaration {
    function: Function::DayOfWeek,
    family: Family::Temporal,
    names: &["dayofweek", "dow", "weekday"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The day of the week from Sunday = 0 to Saturday = 6.",
    example: example("dayofweek(date '2013-11-10')", "0"),
    deterministic: true,
};

pub(super) static ISO_DAY_OF_WEEK: Declaration = Declaration {
    function: Function::IsoDayOfWeek,
    family: Family::Temporal,
    names: &["isodow"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The day of the week from Monday = 1 to Sunday = 7.",
    example: example("isodow(date '2013-11-10')", "7"),
    deterministic: true,
};

pub(super) static DAY_OF_YEAR: Declaration = Declaration {
    function: Function::DayOfYear,
    family: Family::Temporal,
    names: &["dayofyear", "doy"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The day of the year, 1 to 366.",
    example: example("dayofyear(date '2013-11-05')", "309"),
    deterministic: true,
};

pub(super) static WEEK: Declaration = Declaration {
    function: Function::Week,
    family: Family::Temporal,
    names: &["week", "weekofyear", "isoweek"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The week of ISO 8601, 1 to 53: week 1 holds the first Thursday.",
    example: example("week(date '2012-12-31')", "1"),
    deterministic: true,
};

pub(super) static ISO_YEAR: Declaration = Declaration {
    function: Function::IsoYear,
    family: Family::Temporal,
    names: &["isoyear"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "The year to which the ISO week belongs.",
    example: example("isoyear(date '2012-12-31')", "2013"),
    deterministic: true,
};

pub(super) static EPOCH: Declaration = Declaration {
    function: Function::Epoch,
    family: Family::Temporal,
    names: &["epoch"],
    signatures: &[fixed(&[parameter("x", Accepts::MomentOrDuration)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Seconds since 1970-01-01 00:00 (UTC when there is a zone, else on the wall clock), or the seconds of a duration.",
    example: example("epoch(timestamp '1970-01-02 00:00:00.5')", "86400.5"),
    deterministic: true,
};

pub(super) static DATE_TRUNC: Declaration = Declaration {
    function: Function::DateTrunc,
    family: Family::Temporal,
    names: &["date_trunc", "datetrunc"],
    signatures: &[fixed(
        &[parameter("part", Accepts::DatePart), parameter("x", Accepts::Moment)],
        Yields::MomentByPart,
    )],
    nulls: NULL_IF_NULL,
    summary: "The start of the part: of its month, its ISO week, its hour. A datetime with a zone is cut on the clock of its zone.",
    example: example("date_trunc('month', date '2013-11-05')", "\"2013-11-01\""),
    deterministic: true,
};

pub(super) static DATE_DIFF: Declaration = Declaration {
    function: Function::DateDiff,
    family: Family::Temporal,
    names: &["date_diff", "datediff"],
    signatures: &[fixed(
        &[
            parameter("part", Accepts::DatePart),
            parameter("start", Accepts::Moments),
            parameter("end", Accepts::Moments),
        ],
        Yields::Int64,
    )],
    nulls: NULL_IF_NULL,
    summary: "Number of boundaries of the part between the two: of midnights for `day`, of Mondays for `week`, of new years for `year`. Negative when the end lies before the start.",
    example: example("date_diff('month', date '2013-01-31', date '2013-02-01')", "1"),
    deterministic: true,
};

pub(super) static DATE_ADD: Declaration = Declaration {
    function: Function::DateAdd,
    family: Family::Temporal,
    names: &["date_add", "dateadd"],
    signatures: &[fixed(
        &[parameter("part", Accepts::DatePart), parameter("count", Accepts::Integer), parameter("x", Accepts::Moment)],
        Yields::MomentByPart,
    )],
    nulls: NULL_IF_NULL,
    summary: "That many parts later; a day that the month does not have becomes its last one. A datetime with a zone moves on the clock of its zone for days and longer, by elapsed time below.",
    example: example("date_add('month', 1, date '2013-01-31')", "\"2013-02-28\""),
    deterministic: true,
};

pub(super) static MAKE_DATE: Declaration = Declaration {
    function: Function::MakeDate,
    family: Family::Temporal,
    names: &["make_date"],
    signatures: &[fixed(
        &[
            parameter("year", Accepts::Integer),
            parameter("month", Accepts::Integer),
            parameter("day", Accepts::Integer),
        ],
        Yields::Date,
    )],
    nulls: "Null when an argument is null, and for a date that does not exist.",
    summary: "The date with that year, month and day.",
    example: example("make_date(2013, 2, 28)", "\"2013-02-28\""),
    deterministic: true,
};

pub(super) static MAKE_TIMESTAMP: Declaration = Declaration {
    function: Function::MakeTimestamp,
    family: Family::Temporal,
    names: &["make_timestamp"],
    signatures: &[fixed(
        &[
            parameter("year", Accepts::Integer),
            parameter("month", Accepts::Integer),
            parameter("day", Accepts::Integer),
            parameter("hour", Accepts::Integer),
            parameter("minute", Accepts::Integer),
            parameter("seconds", Accepts::Float),
        ],
        Yields::Datetime,
    )],
    nulls: "Null when an argument is null, and for a datetime that does not exist.",
    summary: "The datetime with these parts; the seconds may have a fraction.",
    example: example("make_timestamp(2013, 2, 28, 6, 7, 8.5)", "\"2013-02-28 06:07:08.5\""),
    deterministic: true,
};

pub(super) static FROM_EPOCH: Declaration = Declaration {
    function: Function::FromEpoch,
    family: Family::Temporal,
    names: &["to_timestamp", "from_epoch", "from_unixtime"],
    signatures: &[fixed(&[parameter("seconds", Accepts::Float)], Yields::Utc)],
    nulls: NULL_IF_NULL,
    summary: "The instant that many seconds after 1970-01-01 00:00 UTC, to the microsecond.",
    example: example("epoch(to_timestamp(86400.5))", "86400.5"),
    deterministic: true,
};

pub(super) static STRFTIME: Declaration = Declaration {
    function: Function::Strftime,
    family: Family::Temporal,
    names: &["strftime"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment), parameter("layout", Accepts::Layout)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "Text in a layout; the page on expressions lists the specifiers.",
    example: example("strftime(date '2013-11-05', '%d.%m.%Y')", "\"05.11.2013\""),
    deterministic: true,
};

pub(super) static STRPTIME: Declaration = Declaration {
    function: Function::Strptime,
    family: Family::Temporal,
    names: &["strptime"],
    signatures: &[fixed(
        &[parameter("text", Accepts::String), parameter("layout", Accepts::Layout)],
        Yields::DatetimeByLayout,
    )],
    nulls: NULL_IF_NULL,
    summary: "Datetime from text in a layout; a text that does not fit is an error.",
    example: example("strptime('05.11.2013 06:07', '%d.%m.%Y %H:%M')", "\"2013-11-05 06:07:00\""),
    deterministic: true,
};

pub(super) static TRY_STRPTIME: Declaration = Declaration {
    function: Function::TryStrptime,
    family: Family::Temporal,
    names: &["try_strptime"],
    signatures: &[fixed(
        &[parameter("text", Accepts::String), parameter("layout", Accepts::Layout)],
        Yields::DatetimeByLayout,
    )],
    nulls: "Null when the text is null or does not fit.",
    summary: "As `strptime`, but a text that does not fit is null.",
    example: example("try_strptime('soon', '%d.%m.%Y')", "null"),
    deterministic: true,
};

pub(super) static LAST_DAY: Declaration = Declaration {
    function: Function::LastDay,
    family: Family::Temporal,
    names: &["last_day"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::Date)],
    nulls: NULL_IF_NULL,
    summary: "The last day of the month.",
    example: example("last_day(date '2012-02-10')", "\"2012-02-29\""),
    deterministic: true,
};

pub(super) static MONTH_NAME: Declaration = Declaration {
    function: Function::MonthName,
    family: Family::Temporal,
    names: &["monthname"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "The English name of the month.",
    example: example("monthname(date '2013-11-05')", "\"November\""),
    deterministic: true,
};

pub(super) static DAY_NAME: Declaration = Declaration {
    function: Function::DayName,
    family: Family::Temporal,
    names: &["dayname"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment)], Yields::String)],
    nulls: NULL_IF_NULL,
    summary: "The English name of the day of the week.",
    example: example("dayname(date '2013-11-05')", "\"Tuesday\""),
    deterministic: true,
};

pub(super) static AT_TIME_ZONE: Declaration = Declaration {
    function: Function::AtTimeZone,
    family: Family::Temporal,
    names: &["at_time_zone"],
    signatures: &[fixed(&[parameter("x", Accepts::Moment), parameter("zone", Accepts::Zone)], Yields::OtherZone)],
    nulls: NULL_IF_NULL,
    summary: "Written `x at time zone 'Europe/Berlin'`. A wall clock becomes the instant at which clocks in that zone show it; an instant becomes the wall clock of that zone. A time that the clocks show twice is the earlier instant; one that they skip is read with the offset before the gap.",
    example: example("epoch(timestamp '2013-07-01 12:00:00' at time zone 'America/New_York')", "1372694400.0"),
    deterministic: true,
};
