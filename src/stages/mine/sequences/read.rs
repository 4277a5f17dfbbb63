//! Rows become coded sequences: sorted by key and order, and read in one pass.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use rustc_hash::FxHashMap;

use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::EngineError;
use crate::expression::{DataType, Expr, Field, SortKey};
use crate::memory::{MemoryManager, Reservation};
use crate::mining::sequences::Sequences;
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{Holding, Progress, WorkContext};

/// Bytes of an event as it is read, as it is mined and in the projections; and of its times.
const EVENT_BYTES: u64 = 24;
const TIME_BYTES: u64 = 24;
/// Bytes that an event's name takes beside its text.
const NAME_BYTES: u64 = 64;

/// What to do when events do not fit.
const HELP: &str = "leave out events that do not matter with a `filter` in front, take a part of the sequences, or give the run more with `--memory`";

/// What is read.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) by: Vec<Field>,
    pub(super) order: Field,
    /// The event as a text.
    pub(super) event: Expr,
    /// Whether rows of the same order are one element.
    pub(super) together: bool,
    /// Whether the times of the rows are kept.
    pub(super) timed: bool,
}

/// Sequences, and what became of the rows.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) sequences: Sequences,
    /// Rows of the input.
    pub(super) seen: u64,
    /// Rows left out because their key, order or event is null.
    pub(super) left_out: LeftOut,
    /// Rows with the order of the row before them.
    pub(super) ties: u64,
    _reservation: Reservation,
}

/// Rows left out, by what they lack first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) key: u64,
    pub(super) order: u64,
    pub(super) event: u64,
}

/// The texts of the events.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    codes: FxHashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
    bytes: u64,
}

impl Reader {
    fn event_bytes(&self) -> u64 {
        EVENT_BYTES + if self.timed { TIME_BYTES } else { 0 }
    }

    /// What reading that many rows holds, beside the names of the events.
    pub(super) fn holds(&self, rows: u64) -> Holding {
        Holding {
            purpose: "sequences".to_owned(),
            bytes: rows.saturating_mul(self.event_bytes()),
            most_rows: None,
            help: HELP.to_owned(),
        }
    }
}

impl Dictionary {
    /// Different events.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The text of an event.
    pub(super) fn name(&self, code: u32) -> &str {
        self.names.get(code as usize).map_or("", |name| name)
    }

    fn code(&mut self, text: &str) -> Result<u32, EngineError> {
        if let Some(code) = self.codes.get(text) {
            return Ok(*code);
        }
        // The miner marks events with the highest bit.
        let code = u32::try_from(self.names.len()).ok().filter(|code| *code < 1 << 31);
        let code = code.ok_or_else(|| EngineError::new(Class::Limit, "more than 2,147,483,647 different events"))?;
        let name: Arc<str> = text.into();
        self.bytes += text.len() as u64 + NAME_BYTES;
        self.names.push(name.clone());
        self.codes.insert(name, code);
        Ok(code)
    }
}

impl Reader {
    /// Reads the sequences of these rows.
    ///
    /// Errors: the rows cannot be computed; the events do not fit into memory.
    pub(super) fn read(
        &self,
        rows: &Arc<Relation>,
        names: &mut Dictionary,
        context: &WorkContext<'_>,
    ) -> Result<Rows, Diagnostic> {
        let relation = self.sorted(rows);
        let mut state = Coding::new(self, names);
        let streamed = context.stream(&relation, &mut |batch| {
            state.add(&batch)?;
            (context.progress)(Progress {
                done: state.rows.seen,
                total: None,
                unit: "rows".to_owned(),
                message: "reading sequences".to_owned(),
            });
            Ok(true)
        });
        streamed.map_err(advise)?;
        state.rows.sequences.finish();
        Ok(state.rows)
    }

    /// Key, order and event under names of their own, in order.
    fn sorted(&self, rows: &Arc<Relation>) -> Relation {
        let column = |field: &Field| Expr::column(&field.name, field.data_type.clone());
        let mut columns: Vec<NamedExpr> = Vec::new();
        let mut keys: Vec<SortKey> = Vec::new();
        for (at, field) in self.by.iter().chain([&self.order]).enumerate() {
            let name = format!("key {at}");
            let expr = Expr::column(&name, field.data_type.clone());
            keys.push(SortKey { expr, descending: false, nulls_first: false });
            columns.push(NamedExpr { name, expr: column(field) });
        }
        columns.push(NamedExpr { name: "event".to_owned(), expr: self.event.clone() });
        let input = Arc::new(Relation::Project { input: rows.clone(), columns });
        Relation::Sort { input, keys }
    }
}

fn advise(error: Diagnostic) -> Diagnostic {
    if error.class != Class::Limit {
        return error;
    }
    let message = format!("sequences are held in memory: {}", error.message);
    Diagnostic { message, ..error }.help(HELP)
}

/// Rows that are being coded.
struct Coding<'a> {
    reader: &'a Reader,
    names: &'a mut Dictionary,
    rows: Rows,
    /// The key of the last row, and its order.
    key: Option<Vec<Option<String>>>,
    last_order: Option<String>,
    /// Whether the sequence of the last row has begun, with an event.
    begun: bool,
    /// Whether an event of the current order has been added.
    tied: bool,
}

impl<'a> Coding<'a> {
    fn new(reader: &'a Reader, names: &'a mut Dictionary) -> Self {
        let rows = Rows {
            sequences: if reader.timed { Sequences::timed() } else { Sequences::new() },
            seen: 0,
            left_out: LeftOut::default(),
            ties: 0,
            _reservation: MemoryManager::process().reserve("sequences"),
        };
        Self { reader, names, rows, key: None, last_order: None, begun: false, tied: false }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        let number = batch.num_rows();
        let keys = self.reader.by.len();
        let (Some(key_columns), Some(order), Some(event)) =
            (batch.columns().get(..keys), batch.columns().get(keys), batch.columns().get(keys + 1))
        else {
            return Ok(());
        };
        if number == 0 {
            return Ok(());
        }
        let each = self.reader.event_bytes();
        let named = self.names.bytes;
        self.rows._reservation.try_grow(number as u64 * each)?;
        let new_key = changes(key_columns)?;
        let new_order = changes(std::slice::from_ref(order))?;
        let missing_order = missing(order, &self.reader.order.data_type);
        let times = if self.reader.timed { times(order, &self.reader.order.data_type) } else { Vec::new() };
        let strings = event.as_string_view_opt();
        let texts = if strings.is_none() { batch::texts(event) } else { Vec::new() };
        let mut lacks_key = false;
        for row in 0..number {
            self.rows.seen += 1;
            let fresh_key = new_key.get(row).copied().unwrap_or(true);
            if fresh_key {
                let key: Vec<Option<String>> = key_columns.iter().map(|column| batch::display(column, row)).collect();
                lacks_key = key_columns.iter().any(|column| column.is_null(row));
                if row > 0 || self.key.as_ref() != Some(&key) {
                    (self.begun, self.tied) = (false, false);
                } else if self.last_order != batch::display(order, row) {
                    self.tied = false;
                }
                self.key = Some(key);
            } else if new_order.get(row).copied().unwrap_or(true) {
                self.tied = false;
            }
            let text = match strings {
                Some(strings) => strings.is_valid(row).then(|| strings.value(row)),
                None => texts.get(row).and_then(Option::as_deref),
            };
            let left_out = &mut self.rows.left_out;
            match text {
                _ if lacks_key => left_out.key += 1,
                _ if missing_order.get(row).copied().unwrap_or(true) => left_out.order += 1,
                None => left_out.event += 1,
                Some(text) => {
                    let code = self.names.code(text)?;
                    self.push(code, times.get(row).copied().unwrap_or(0));
                }
            }
        }
        self.last_order = batch::display(order, number - 1);
        self.rows._reservation.try_grow(self.names.bytes - named)?;
        Ok(())
    }

    fn push(&mut self, code: u32, time: i64) {
        let sequences = &mut self.rows.sequences;
        if !self.begun {
            sequences.begin();
            self.begun = true;
        }
        if self.tied {
            self.rows.ties += 1;
        }
        if !self.tied || !self.reader.together {
            sequences.element(time);
        }
        sequences.event(code);
        self.tied = true;
    }
}

/// For each row whether one of the columns differs from the row before; the first row counts as different.
fn changes(columns: &[ArrayRef]) -> Result<Vec<bool>, EngineError> {
    let parts =
        arrow::compute::partition(columns).map_err(|error| EngineError::new(Class::Stage, error.to_string()))?;
    let mut changed = vec![false; columns.first().map_or(0, |column| column.len())];
    for range in parts.ranges() {
        if let Some(first) = changed.get_mut(range.start) {
            *first = true;
        }
    }
    Ok(changed)
}

/// For each row whether it has no order: null, or NaN.
fn missing(order: &ArrayRef, data_type: &DataType) -> Vec<bool> {
    if data_type.is_float() {
        return batch::floats(order).iter().map(|value| value.is_nan()).collect();
    }
    (0..order.len()).map(|row| order.is_null(row)).collect()
}

/// Microseconds of times, whole numbers as they are; null as 0.
fn times(order: &ArrayRef, data_type: &DataType) -> Vec<i64> {
    let integers = match data_type {
        DataType::Date => arrow::compute::cast(order, &ArrowType::Int32)
            .and_then(|days| arrow::compute::cast(&days, &ArrowType::Int64)),
        _ => arrow::compute::cast(order, &ArrowType::Int64),
    };
    let Ok(integers) = integers else { return vec![0; order.len()] };
    let scaled = |value: i64| match data_type {
        DataType::Date => value.saturating_mul(86_400_000_000),
        DataType::Time => value / 1000,
        _ => value,
    };
    integers.as_primitive::<Int64Type>().iter().map(|value| value.map_or(0, scaled)).collect()
}
