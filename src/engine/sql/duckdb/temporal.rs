//! Dates and times for DuckDB.
//!
//! DuckDB reads the clock of an instant in the zone of the session; the language knows the zone from the type. So an
//! instant is first turned into the wall clock of its zone, and the result back.

use super::{DuckDb, EngineError, refuse, text};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Function, Literal};

const DAY: i64 = 86_400_000_000;

/// A constant date.
pub(super) fn date(days: i32) -> String {
    match jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)) {
        Ok(date) if date.year() > 0 => format!("DATE '{date}'"),
        _ => format!("(DATE '1970-01-01' + ({days})::INTEGER)"),
    }
}

/// A constant time.
pub(super) fn time(nanoseconds: i64) -> String {
    let microseconds = nanoseconds.div_euclid(1_000);
    let (seconds, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
    format!("TIME '{:02}:{:02}:{:02}.{fraction:06}'", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A constant datetime.
pub(super) fn datetime(microseconds: i64, data_type: &DataType) -> String {
    let clock = jiff::Timestamp::from_microsecond(microseconds)
        .map(|timestamp| timestamp.to_zoned(jiff::tz::TimeZone::UTC).datetime());
    let zoned = matches!(data_type, DataType::Datetime(Some(_)));
    match clock {
        Ok(clock) if clock.year() > 0 => {
            let clock = clock.strftime("%Y-%m-%d %H:%M:%S%.f");
            if zoned { format!("TIMESTAMPTZ '{clock}+00'") } else { format!("TIMESTAMP '{clock}'") }
        }
        _ if zoned => format!("make_timestamptz({microseconds})"),
        _ => format!("make_timestamp({microseconds})"),
    }
}

/// A constant interval.
pub(super) fn interval(months: i32, days: i32, microseconds: i64) -> String {
    let mut parts = Vec::new();
    if months != 0 {
        parts.push(format!("to_months({months})"));
    }
    if days != 0 {
        parts.push(format!("to_days({days})"));
    }
    if microseconds != 0 || parts.is_empty() {
        parts.push(format!("to_microseconds({microseconds})"));
    }
    if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(" + ")) }
}

/// The instant at which clocks in the zone show `clock`: the earlier of two; in a gap by the offset before it.
fn instant(clock: &str, zone: &str) -> String {
    let zone = text(zone);
    // A day before, the offset before a change still holds; where its instant does not show the clock, no change was near.
    let earlier = format!("timezone({zone}, {clock} - to_days(1)) + to_hours(24)");
    format!("CASE WHEN timezone({zone}, {earlier}) = {clock} THEN {earlier} ELSE timezone({zone}, {clock}) END")
}

impl DuckDb {
    /// The value as a wall clock.
    fn clock(&self, expr: &Expr) -> Result<String, EngineError> {
        let printed = self.print(expr)?;
        Ok(match &expr.data_type {
            DataType::Datetime(Some(zone)) => format!("timezone({}, {printed})", text(zone)),
            _ => printed,
        })
    }

    /// A wall clock as a value of that type.
    fn from_clock(clock: &str, data_type: &DataType) -> String {
        match data_type {
            DataType::Datetime(Some(zone)) if zone == "UTC" => format!("timezone('UTC', {clock})"),
            DataType::Datetime(Some(zone)) => instant(&format!("({clock})"), zone),
            DataType::Date => format!("CAST({clock} AS DATE)"),
            _ => clock.to_owned(),
        }
    }

    /// Sums and differences with a moment and an interval; `None` for all others, which DuckDB computes alike.
    pub(super) fn moment_arithmetic(
        &self,
        operator: BinaryOperator,
        left: &Expr,
        right: &Expr,
        result: &DataType,
    ) -> Result<Option<String>, EngineError> {
        let symbol = match operator {
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            _ => return Ok(None),
        };
        let interval_of = |expr: &Expr| match &expr.kind {
            ExprKind::Literal(Literal::Interval { months, days, microseconds }) => {
                Some((*months, *days, *microseconds))
            }
            _ => None,
        };
        let (moment, parts) = match (interval_of(left), interval_of(right)) {
            (_, Some(parts)) => (left, parts),
            (Some(parts), None) if operator == BinaryOperator::Add => (right, parts),
            _ => return Ok(None),
        };
        let (months, days, microseconds) = parts;
        if !matches!(moment.data_type, DataType::Datetime(Some(_))) {
            let moved = format!("{} {symbol} {}", self.operand(moment)?, interval(months, days, microseconds));
            return Ok(Some(match result {
                DataType::Date => format!("CAST({moved} AS DATE)"),
                _ => moved,
            }));
        }
        // Months and days move on the clock of the zone, the rest by elapsed time.
        let mut moved = self.operand(moment)?;
        if months != 0 || days != 0 {
            let clock = format!("{} {symbol} {}", self.clock(moment)?, interval(months, days, 0));
            moved = format!("({})", Self::from_clock(&clock, &moment.data_type));
        }
        if microseconds != 0 {
            moved = format!("{moved} {symbol} {}", interval(0, 0, microseconds));
        }
        Ok(Some(moved))
    }

    /// Functions of the temporal family.
    pub(super) fn temporal(
        &self,
        function: Function,
        arguments: &[Expr],
        result: &DataType,
    ) -> Result<String, EngineError> {
        let argument = |index: usize| {
            arguments.get(index).ok_or_else(|| refuse(format!("{} misses an argument", function.name())))
        };
        let constant = |index: usize| match argument(index).map(|argument| &argument.kind) {
            Ok(ExprKind::Literal(Literal::String(value))) => Ok(value.as_str()),
            _ => Err(refuse(format!("an argument of {} has to be a text constant", function.name()))),
        };
        Ok(match function {
            Function::Epoch => format!("epoch({})", self.print(argument(0)?)?),
            Function::DateTrunc => {
                let start = format!("date_trunc({}, {})", text(constant(0)?), self.clock(argument(1)?)?);
                Self::from_clock(&start, result)
            }
            Function::DateDiff => self.date_diff(constant(0)?, argument(1)?, argument(2)?)?,
            Function::DateAdd => self.date_add(constant(0)?, argument(1)?, argument(2)?, result)?,
            // DuckDB has an error for a date that does not exist.
            Function::MakeDate => format!("TRY(make_date({}))", self.all(arguments)?.join(", ")),
            Function::MakeTimestamp => {
                let parts = self.all(arguments)?;
                let seconds = self.print(argument(5)?)?;
                format!("CASE WHEN {seconds} < 60 THEN TRY(make_timestamp({})) END", parts.join(", "))
            }
            Function::FromEpoch => format!("to_timestamp({})", self.print(argument(0)?)?),
            Function::Strftime => self.strftime(argument(0)?, constant(1)?)?,
            Function::Strptime | Function::TryStrptime => {
                format!("{}({}, {})", function.name(), self.print(argument(0)?)?, text(constant(1)?))
            }
            Function::AtTimeZone => {
                let zone = constant(1)?;
                match argument(0)?.data_type {
                    DataType::Datetime(Some(_)) => format!("timezone({}, {})", text(zone), self.print(argument(0)?)?),
                    _ => instant(&self.operand(argument(0)?)?, zone),
                }
            }
            // Parts, names of parts, and the last day: DuckDB's names are the language's.
            _ => format!("{}({})", function.name(), self.clock(argument(0)?)?),
        })
    }

    /// Boundaries between the two: on the clock for days and longer, of instants below.
    fn date_diff(&self, part: &str, start: &Expr, end: &Expr) -> Result<String, EngineError> {
        let calendar = matches!(part, "year" | "quarter" | "month" | "week" | "day");
        let moment = |expr: &Expr| match (&expr.data_type, calendar) {
            (DataType::Datetime(Some(_)), false) => Ok(format!("timezone('UTC', {})", self.print(expr)?)),
            _ => self.clock(expr),
        };
        let (start, end) = (moment(start)?, moment(end)?);
        if part == "week" {
            // DuckDB counts weeks that do not begin on Monday.
            let monday = |moment: &str| format!("CAST(date_trunc('week', {moment}) AS DATE)");
            return Ok(format!("({} - {}) // 7", monday(&end), monday(&start)));
        }
        Ok(format!("date_diff({}, {start}, {end})", text(part)))
    }

    fn date_add(&self, part: &str, count: &Expr, moment: &Expr, result: &DataType) -> Result<String, EngineError> {
        let count = self.operand(count)?;
        let whole = |factor: i64, unit: &str| format!("to_{unit}(CAST({count} * {factor} AS INTEGER))");
        let elapsed = |factor: i64| format!("to_microseconds({count} * {factor})");
        let (length, calendar) = match part {
            "year" => (whole(12, "months"), true),
            "quarter" => (whole(3, "months"), true),
            "month" => (whole(1, "months"), true),
            "week" => (whole(7, "days"), true),
            "day" => (whole(1, "days"), true),
            "hour" => (elapsed(DAY / 24), false),
            "minute" => (elapsed(60_000_000), false),
            "second" => (elapsed(1_000_000), false),
            "millisecond" => (elapsed(1_000), false),
            _ => (elapsed(1), false),
        };
        let zoned = matches!(moment.data_type, DataType::Datetime(Some(_)));
        if zoned && calendar {
            return Ok(Self::from_clock(&format!("{} + {length}", self.clock(moment)?), result));
        }
        let moved = format!("{} + {length}", self.operand(moment)?);
        Ok(if *result == DataType::Date { format!("CAST({moved} AS DATE)") } else { moved })
    }

    /// DuckDB writes offsets as `+00`; the language as `+0000`.
    fn strftime(&self, moment: &Expr, layout: &str) -> Result<String, EngineError> {
        let clock = self.clock(moment)?;
        let offset = match &moment.data_type {
            DataType::Datetime(Some(_)) => {
                let minutes = format!("date_diff('minute', timezone('UTC', {}), {clock})", self.print(moment)?);
                let two = |number: &str| format!("lpad(CAST(abs({minutes}) {number} 60 AS VARCHAR), 2, '0')");
                format!("CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END || {} || {}", two("//"), two("%"))
            }
            _ => format!("CASE WHEN {clock} IS NOT NULL THEN '+0000' END"),
        };
        let written: Vec<String> = split_at_offsets(layout)
            .into_iter()
            .map(|piece| match piece {
                Some(piece) => format!("strftime({clock}, {})", text(&piece)),
                None => format!("({offset})"),
            })
            .collect();
        Ok(match written.is_empty() {
            true => format!("CASE WHEN {clock} IS NOT NULL THEN '' END"),
            false => written.join(" || "),
        })
    }
}

/// The layout in pieces without `%z`; `None` stands for a `%z`.
fn split_at_offsets(layout: &str) -> Vec<Option<String>> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut chars = layout.chars();
    while let Some(c) = chars.next() {
        let specifier = if c == '%' { chars.next() } else { None };
        if specifier == Some('z') {
            pieces.push(Some(std::mem::take(&mut piece)));
            pieces.push(None);
            continue;
        }
        piece.push(c);
        piece.extend(specifier);
    }
    pieces.push(Some(piece));
    // DuckDB refuses an empty layout.
    pieces.retain(|piece| piece.as_ref().is_none_or(|piece| !piece.is_empty()));
    pieces
}
