//! Rows become series: one value for each period of each group, computed by the engine.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};

use super::every::Every;
use super::{Aggregate, MOST_PERIODS, MOST_POINTS, MOST_SERIES};
use crate::batch;
use crate::definition::Spanned;
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::digits;
use crate::expression::{DataType, Expr, Field, Schema, SortKey};
use crate::memory::{MemoryManager, Reservation};
use crate::relation::{NamedExpr, Relation};
use crate::stages::inputs;
use crate::stages::work::WorkContext;

/// Names inside the resampling; the groups are `g0`, `g1`, ..
const PERIOD: &str = "period";
const VALUE: &str = "value";
const MOMENT: &str = "moment";
const ROWS: &str = "rows";
const USED: &str = "used";

/// What is resampled, and how.
#[derive(Debug, Clone)]
pub(super) struct Resampling {
    pub(super) by: Vec<Field>,
    /// Its type says on which clock days are counted, not how the column holds it.
    pub(super) time: Field,
    pub(super) value: Option<Field>,
    pub(super) every: Every,
    pub(super) aggregate: Aggregate,
}

/// The values of a group at the periods that have any, ascending.
#[derive(Debug, Clone)]
pub(super) struct Series {
    /// One row with the values of the group's columns.
    pub(super) key: Vec<ArrayRef>,
    /// The group in words; empty when there are no groups.
    pub(super) name: String,
    /// The number of the first period.
    pub(super) first: i64,
    /// The value of each period from the first to the last; none where it is missing.
    pub(super) values: Vec<Option<f64>>,
    /// The usable rows of each period.
    pub(super) rows: Vec<u32>,
}

/// All series, and what became of the rows.
#[derive(Debug)]
pub(super) struct Resampled {
    pub(super) series: Vec<Series>,
    /// Rows of the input.
    pub(super) seen: u64,
    /// Rows without a time.
    pub(super) timeless: u64,
    /// Rows with a time, but without a finite value.
    pub(super) valueless: u64,
    /// Groups none of whose rows could be used.
    pub(super) empty: u64,
    _reservation: Reservation,
}

/// A name as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Resampling {
    /// The rows of each period of each group, in order.
    pub(super) fn relation(&self, table: &Arc<Relation>, schema: &Schema) -> Result<Relation, Findings> {
        let time = quoted(&self.time.name);
        let compile = |text: String| inputs::expression(&Spanned::nowhere(text), schema);
        let mut columns: Vec<NamedExpr> = self
            .by
            .iter()
            .enumerate()
            .map(|(at, field)| NamedExpr {
                name: format!("g{at}"),
                expr: Expr::column(&field.name, field.data_type.clone()),
            })
            .collect();
        let period = self.every.number(&time, &self.time.data_type);
        columns.push(NamedExpr { name: PERIOD.to_owned(), expr: compile(period)? });
        let value = match &self.value {
            Some(field) => {
                let number = format!("cast({} as double)", quoted(&field.name));
                format!("case when isfinite({number}) then {number} end")
            }
            None => "1.0".to_owned(),
        };
        columns.push(NamedExpr { name: VALUE.to_owned(), expr: compile(value)? });
        columns.push(NamedExpr {
            name: MOMENT.to_owned(),
            expr: Expr::column(&self.time.name, schema.data_type(&self.time.name).cloned().unwrap_or(DataType::Null)),
        });
        let projected = Relation::Project { input: table.clone(), columns };
        let inner = projected.schema();
        let key = |name: String, data_type: DataType| NamedExpr { expr: Expr::column(&name, data_type), name };
        let mut keys: Vec<NamedExpr> =
            self.by.iter().enumerate().map(|(at, field)| key(format!("g{at}"), field.data_type.clone())).collect();
        keys.push(key(PERIOD.to_owned(), DataType::Int64));
        let measure = match self.aggregate {
            Aggregate::Mean => "avg(value)",
            Aggregate::Sum => "sum(value)",
            Aggregate::Min => "min(value)",
            Aggregate::Max => "max(value)",
            Aggregate::Count => "cast(count(value) as double)",
            Aggregate::Last => "arg_max(value, case when value is not null then moment end)",
        };
        let aggregate = |name: &str, text: &str| -> Result<NamedExpr, Findings> {
            let expr = inputs::aggregate(&Spanned::nowhere(text.to_owned()), &inner)?;
            Ok(NamedExpr { name: name.to_owned(), expr })
        };
        let aggregates =
            vec![aggregate(VALUE, measure)?, aggregate(ROWS, "count(*)")?, aggregate(USED, "count(value)")?];
        let order = keys.iter().map(|key| SortKey { expr: key.expr.clone(), descending: false, nulls_first: false });
        let order = order.collect();
        let grouped = Relation::Aggregate { input: projected.into(), keys, aggregates };
        Ok(Relation::Sort { input: grouped.into(), keys: order })
    }

    /// Reads the series.
    ///
    /// Errors: the rows cannot be computed; too many groups or periods; too little memory.
    pub(super) fn read(&self, relation: &Relation, context: &WorkContext<'_>) -> Result<Resampled, Diagnostic> {
        let mut gathering = Gathering {
            resampling: self,
            resampled: Resampled {
                series: Vec::new(),
                seen: 0,
                timeless: 0,
                valueless: 0,
                empty: 0,
                _reservation: MemoryManager::process().reserve("trends"),
            },
            key: None,
            groups: 0,
            points: 0,
        };
        let mut refused = None;
        context.stream(relation, &mut |batch| {
            refused = gathering.take(&batch).err();
            Ok(refused.is_none())
        })?;
        match refused {
            Some(refused) => Err(refused),
            None => Ok(gathering.finish()),
        }
    }
}

/// Series that are being gathered.
struct Gathering<'a> {
    resampling: &'a Resampling,
    resampled: Resampled,
    /// The group of the last row, as texts.
    key: Option<Vec<Option<String>>>,
    groups: usize,
    points: u64,
}

impl Gathering<'_> {
    fn take(&mut self, batch: &RecordBatch) -> Result<(), Diagnostic> {
        let width = self.resampling.by.len();
        let wrong = || Diagnostic::error(Class::Stage, "the resampled rows have other columns than were asked for");
        let whole = |name: &str| {
            let array = batch::column(batch, name).ok_or_else(wrong)?;
            arrow::compute::cast(array, &arrow::datatypes::DataType::Int64).map_err(|_| wrong())
        };
        let (periods, rows, used) = (whole(PERIOD)?, whole(ROWS)?, whole(USED)?);
        let (periods, rows, used) =
            (periods.as_primitive::<Int64Type>(), rows.as_primitive::<Int64Type>(), used.as_primitive::<Int64Type>());
        let values = batch::column(batch, VALUE).ok_or_else(wrong)?;
        let values = arrow::compute::cast(values, &arrow::datatypes::DataType::Float64).map_err(|_| wrong())?;
        let values = values.as_primitive::<Float64Type>();
        let keys: Vec<Vec<Option<String>>> = batch.columns().iter().take(width).map(batch::texts).collect();
        let row_values = periods.iter().zip(values.iter()).zip(rows.iter().zip(used.iter()));
        for (at, ((period, value), (rows, used))) in row_values.enumerate() {
            let key: Vec<Option<String>> = keys.iter().map(|column| column.get(at).cloned().flatten()).collect();
            if self.key.as_ref() != Some(&key) {
                self.begin(batch, at, &key)?;
                self.key = Some(key);
            }
            let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
            let (rows, used) = (count(rows), count(used));
            self.resampled.seen += rows;
            let Some(period) = period else {
                self.resampled.timeless += rows;
                continue;
            };
            self.resampled.valueless += rows - used.min(rows);
            if used > 0 {
                self.add(period, value.filter(|value| value.is_finite()), used)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, batch: &RecordBatch, at: usize, key: &[Option<String>]) -> Result<(), Diagnostic> {
        self.drop_empty();
        self.groups += 1;
        if self.groups > MOST_SERIES {
            let message = format!("there are more than {} groups", digits::whole(MOST_SERIES as u64));
            let help = "each is a series of its own: name fewer columns in `by`, or filter the rows first";
            return Err(Diagnostic::error(Class::Limit, message).help(help));
        }
        let width = self.resampling.by.len();
        let name: Vec<&str> = key.iter().map(|part| part.as_deref().unwrap_or("null")).collect();
        self.resampled.series.push(Series {
            key: batch.columns().iter().take(width).map(|column| column.slice(at, 1)).collect(),
            name: name.join(", "),
            first: 0,
            values: Vec::new(),
            rows: Vec::new(),
        });
        Ok(())
    }

    /// Adds the value of a period, which lies after those before it.
    fn add(&mut self, period: i64, value: Option<f64>, used: u64) -> Result<(), Diagnostic> {
        let every = self.resampling.every;
        let Some(series) = self.resampled.series.last_mut() else { return Ok(()) };
        if value.is_none() && series.values.is_empty() {
            // A sum that overflowed before anything else: the series has not begun.
            return Ok(());
        }
        if series.values.is_empty() {
            series.first = period;
        }
        let beyond = every.begin(period).is_none() || (every.unit.is_of_days() && every.first_day(period).is_none());
        let place = period.checked_sub(series.first).and_then(|place| usize::try_from(place).ok());
        let Some(place) = place.filter(|place| *place < MOST_PERIODS && !beyond) else {
            let series_name = if series.name.is_empty() { String::new() } else { format!(" of {}", series.name) };
            let data_type = &self.resampling.time.data_type;
            let message = format!(
                "the series{series_name} goes from {} to {}: more than {} periods of a {}",
                every.label(series.first, data_type),
                every.label(period, data_type),
                digits::whole(MOST_PERIODS as u64),
                every.words(),
            );
            let help = "filter out times that cannot be right, or choose a longer `every`";
            return Err(Diagnostic::error(Class::Limit, message).help(help));
        };
        let grown = (place + 1).saturating_sub(series.values.len()) as u64;
        self.points += grown;
        if self.points > MOST_POINTS {
            let message = format!("the series have more than {} periods in all", digits::whole(MOST_POINTS));
            let help = "choose a longer `every`, name fewer columns in `by`, or filter the rows first";
            return Err(Diagnostic::error(Class::Limit, message).help(help));
        }
        self.resampled._reservation.try_grow(grown * POINT_BYTES).map_err(|error| {
            let error = Diagnostic::from(error);
            error.help("choose a longer `every`, name fewer columns in `by`, or give the run more with `--memory`")
        })?;
        series.values.resize(place + 1, None);
        series.rows.resize(place + 1, 0);
        if let (Some(slot), Some(rows)) = (series.values.get_mut(place), series.rows.get_mut(place)) {
            *slot = value;
            *rows = u32::try_from(used).unwrap_or(u32::MAX);
        }
        Ok(())
    }

    /// Leaves out the last series when it has no value.
    fn drop_empty(&mut self) {
        if let Some(last) = self.resampled.series.last_mut() {
            while last.values.last().is_some_and(Option::is_none) {
                last.values.pop();
                last.rows.pop();
            }
        }
        if self.resampled.series.last().is_some_and(|last| last.values.is_empty()) {
            self.resampled.series.pop();
            self.resampled.empty += 1;
        }
    }

    fn finish(mut self) -> Resampled {
        self.drop_empty();
        self.resampled
    }
}

/// Bytes that a period takes in memory, with what is computed of it.
const POINT_BYTES: u64 = 160;
