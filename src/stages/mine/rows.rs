//! Rows of numbers in memory, for what cannot be computed while they stream by.
//!
//! The rows are reserved from the memory manager as they come; when they do not fit, the stage ends with exit code 4 and says
//! what to do. Rows that lack a value are left out and counted, so that a stage can say so.

use std::sync::Arc;

use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::engine::EngineError;
use crate::expression::{DataType, Expr, Field};
use crate::memory::{MemoryManager, Reservation};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{Holding, Progress, WorkContext};
use crate::statistics::sampling::reservoir::Reservoir;

/// What becomes of rows in which a value is missing (null, NaN) or infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incomplete {
    /// They are left out and counted.
    LeftOut,
    /// They are kept; null becomes NaN, infinities stay.
    Kept,
}

/// What is to be read.
#[derive(Debug, Clone)]
pub(super) struct Reading<'a> {
    /// Columns of numbers or booleans.
    pub(super) fields: &'a [Field],
    /// What becomes of rows that lack a value.
    pub(super) incomplete: Incomplete,
    /// At most so many of the usable rows, drawn at random with that seed; all when absent.
    pub(super) sample: Option<(usize, u64)>,
    /// Bytes that the algorithm will need for each row beside the row itself; they are reserved too.
    pub(super) workspace: usize,
    /// Who needs the rows, as people call it: `hdbscan`.
    pub(super) purpose: &'a str,
}

/// What to do when rows do not fit.
pub(super) const HELP: &str =
    "choose fewer columns, put a `sample` stage in front, or give the run more with `--memory`";

impl Reading<'_> {
    /// Bytes for each row.
    fn row_bytes(&self) -> usize {
        self.fields.len() * size_of::<f64>() + size_of::<u64>() + self.workspace
    }

    /// What reading that many rows holds.
    pub(super) fn holds(&self, rows: u64) -> Holding {
        let rows = self.sample.map_or(rows, |(wanted, _)| rows.min(wanted as u64));
        let bytes = rows.saturating_mul(self.row_bytes() as u64);
        Holding { purpose: self.purpose.to_owned(), bytes, most_rows: None, help: HELP.to_owned() }
    }
}

/// Rows in memory, in the order in which they came.
#[derive(Debug)]
pub(super) struct Rows {
    /// The numbers, row by row: `count x columns`.
    pub(super) values: Vec<f64>,
    /// Columns of a row.
    pub(super) columns: usize,
    /// The number of each row among all rows of the input, from 0, ascending.
    pub(super) numbers: Vec<u64>,
    /// Rows of the input.
    pub(super) seen: u64,
    /// Rows left out because a value is missing or infinite; 0 when they are kept.
    pub(super) left_out: u64,
    /// Holds the memory as long as the rows.
    _reservation: Reservation,
}

impl Rows {
    /// Rows in memory.
    pub(super) fn count(&self) -> usize {
        self.numbers.len()
    }

    /// Usable rows of which these are a sample.
    pub(super) fn usable(&self) -> u64 {
        self.seen - self.left_out
    }

    /// The rows one by one.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns.max(1))
    }

    /// A column as a slice of its own.
    pub(super) fn column(&self, at: usize) -> Vec<f64> {
        self.iter().filter_map(|row| row.get(at).copied()).collect()
    }

    /// What of the rows was used, in words: `1,200 rows; 34 rows were left out because a value is missing`.
    pub(super) fn describe(&self) -> String {
        let count = self.count() as u64;
        let mut text = digits::rows(count);
        if count < self.usable() {
            text = format!("{} of {}, drawn at random", digits::whole(count), digits::rows(self.usable()));
        }
        if self.left_out > 0 {
            let verb = if self.left_out == 1 { "was" } else { "were" };
            let left_out = digits::rows(self.left_out);
            text += &format!("; {left_out} {verb} left out because a value is missing or infinite");
        }
        text
    }
}

/// Reads rows into memory in one pass.
///
/// Errors: the rows cannot be computed; they do not fit into what may be reserved (exit code 4).
pub(super) fn read(rows: &Arc<Relation>, reading: &Reading<'_>, context: &WorkContext<'_>) -> Result<Rows, Diagnostic> {
    read_at_most(rows, reading, usize::MAX, context)
}

/// The same for an algorithm that takes so many rows at most: reading ends at the first one more, before memory is short.
///
/// Errors: those of [`read`]; there are more usable rows (exit code 4).
pub(super) fn read_at_most(
    rows: &Arc<Relation>,
    reading: &Reading<'_>,
    most: usize,
    context: &WorkContext<'_>,
) -> Result<Rows, Diagnostic> {
    let floats = reading.fields.iter().map(|field| NamedExpr {
        name: field.name.clone(),
        expr: Expr::column(&field.name, field.data_type.clone()).cast(DataType::Float64, true),
    });
    let relation = Relation::Project { input: rows.clone(), columns: floats.collect() };
    let columns = reading.fields.len();
    let mut held = Held::new(columns, reading.row_bytes(), MemoryManager::process().reserve(reading.purpose));
    let mut sample = reading.sample.map(|(wanted, seed)| Reservoir::<(u64, Box<[f64]>)>::new(wanted, seed));
    let (mut seen, mut left_out) = (0_u64, 0_u64);
    let mut too_many = false;
    let mut row: Vec<f64> = Vec::with_capacity(columns);
    let streamed = context.stream(&relation, &mut |batch| {
        let arrays: Vec<Vec<f64>> = batch.columns().iter().map(batch::floats).collect();
        for at in 0..batch.num_rows() {
            let number = seen;
            seen += 1;
            row.clear();
            row.extend(arrays.iter().filter_map(|array| array.get(at).copied()));
            if reading.incomplete == Incomplete::LeftOut && !row.iter().all(|value| value.is_finite()) {
                left_out += 1;
                continue;
            }
            match &mut sample {
                // A sample is as large as its user asked for; what it takes is reserved once it is drawn.
                Some(sample) => sample.offer(|| (number, row.as_slice().into())),
                None if held.numbers.len() >= most => {
                    too_many = true;
                    return Ok(false);
                }
                None => held.push(number, &row)?,
            }
        }
        (context.progress)(Progress {
            done: seen,
            total: None,
            unit: "rows".to_owned(),
            message: "reading rows".to_owned(),
        });
        Ok(true)
    });
    streamed.map_err(|error| advise(error, reading))?;
    if too_many {
        let most = digits::whole(most as u64);
        let message = format!("{} takes {most} rows at most, and there are more", reading.purpose);
        let help = "say `sample: 10000` to take rows drawn at random";
        return Err(Diagnostic::error(Class::Limit, message).help(help));
    }
    if let Some(sample) = sample {
        let mut drawn = sample.into_items();
        drawn.sort_unstable_by_key(|(number, _)| *number);
        for (number, row) in drawn {
            held.push(number, &row).map_err(|error| advise(error.into(), reading))?;
        }
    }
    Ok(Rows { values: held.values, columns, numbers: held.numbers, seen, left_out, _reservation: held.reservation })
}

fn advise(error: Diagnostic, reading: &Reading<'_>) -> Diagnostic {
    if error.class != Class::Limit {
        return error;
    }
    let message = format!("{} needs its rows in memory: {}", reading.purpose, error.message);
    Diagnostic { message, ..error }.help(HELP)
}

/// Rows that are being gathered.
struct Held {
    values: Vec<f64>,
    numbers: Vec<u64>,
    columns: usize,
    row_bytes: usize,
    reservation: Reservation,
}

/// Rows that are reserved at least at a time.
const STEP: usize = 4096;

impl Held {
    fn new(columns: usize, row_bytes: usize, reservation: Reservation) -> Self {
        Self { values: Vec::new(), numbers: Vec::new(), columns, row_bytes, reservation }
    }

    fn push(&mut self, number: u64, row: &[f64]) -> Result<(), EngineError> {
        if self.numbers.len() == self.numbers.capacity() {
            // Large blocks grow in place, so a step is what it adds, not a second copy.
            let step = (self.numbers.len() / 4).max(STEP);
            self.reservation.try_grow((step * self.row_bytes) as u64)?;
            self.numbers.reserve_exact(step);
            self.values.reserve_exact(step * self.columns);
        }
        self.numbers.push(number);
        self.values.extend_from_slice(row);
        Ok(())
    }
}
