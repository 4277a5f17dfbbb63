//! Reading rows into memory: drawn at random in one pass, or the first for which a condition holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{and, filter_record_batch, is_not_null, take_record_batch};

use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{BinaryOperator, DataType, Expr};
use crate::memory::{MemoryManager, Reservation};
use crate::nn::Network;
use crate::relation::{NamedExpr, Relation};
use crate::stages::learn::tensors::{Want, examples};
use crate::stages::work::WorkContext;
use crate::stages::{Split, TableProduct};
use crate::statistics::sampling::reservoir::Reservoir;
use crate::tensor::Encoder;

use super::super::columns::names;
use super::super::scales::Scale;
use super::kept::{Kept, label};
use super::worst::{Worst, WorstOf};
use super::{Taken, failed};

/// The fewest rows of a sample that memory cuts.
const LEAST: usize = 20;
/// What a row takes beside its inputs and values: how often each resample counts it, what the model says of it.
pub(in crate::stages::learn::explain) const ROW_BYTES: u64 = 512;
/// What the text of a value takes, about.
pub(in crate::stages::learn::explain) const VALUE_BYTES: usize = 96;
/// The column that says of the last row of a window whether the condition holds for it.
const CHOSEN: &str = "whether it is explained";

/// What was read of a part.
#[derive(Debug)]
pub(in crate::stages::learn::explain) struct Read {
    /// Drawn at random.
    pub(in crate::stages::learn::explain) sample: Taken,
    /// Those of which the model is most wrong, the worst first.
    pub(in crate::stages::learn::explain) worst: Taken,
    /// Rows with all targets.
    pub(in crate::stages::learn::explain) seen: u64,
    /// Rows asked for, where memory cut their number.
    pub(in crate::stages::learn::explain) cut: Option<usize>,
    _reservation: Reservation,
}

impl Read {
    /// The sample as [`Taken::unscaled`] shows it.
    pub(in crate::stages::learn::explain) fn unscaled(
        mut self,
        names: &[String],
        scales: &BTreeMap<String, Scale>,
    ) -> Self {
        self.sample = self.sample.unscaled(names, scales);
        self
    }
}

/// What is to be read.
#[derive(Clone)]
pub(in crate::stages::learn::explain) struct Reading<'a> {
    pub(in crate::stages::learn::explain) encoder: &'a Encoder,
    pub(in crate::stages::learn::explain) network: &'a Network,
    /// The part; none: all rows.
    pub(in crate::stages::learn::explain) part: Option<String>,
    /// Rows drawn at random.
    pub(in crate::stages::learn::explain) sample: usize,
    /// Rows of which the model is most wrong, and about what.
    pub(in crate::stages::learn::explain) worst: usize,
    pub(in crate::stages::learn::explain) worst_of: &'a WorstOf,
    pub(in crate::stages::learn::explain) seed: u64,
}

/// Rows on their way.
struct Collector<'a> {
    reading: &'a Reading<'a>,
    wanted: usize,
    drawn: Reservoir<u64>,
    kept: BTreeMap<u64, Kept>,
    worst: Worst<'a>,
    reservation: Reservation,
}

/// Reads rows that have all targets, in one pass.
///
/// Errors: of class [`Class::Limit`] when even few rows do not fit, and whatever keeps the rows from being computed.
pub(in crate::stages::learn::explain) fn read(
    table: &TableProduct,
    reading: &Reading<'_>,
    context: &WorkContext<'_>,
) -> Result<Read, Diagnostic> {
    let relation = reading.part.as_ref().map_or_else(|| Arc::clone(&table.relation), |part| table.part(part));
    let relation = with_targets(&relation, reading.encoder);
    let mut collector = Collector::new(reading, context)?;
    examples(&relation, reading.encoder, Want::Labelled(&[]), context, &mut |batch| {
        collector.add(&known(batch, reading.encoder)?)?;
        Ok(true)
    })?;
    collector.finish()
}

/// Reads rows of two parts in one pass. Windows of a sequence are cut by part, so these are read one after the other.
///
/// Errors: as [`read`].
pub(in crate::stages::learn::explain) fn both(
    table: &TableProduct,
    first: &Reading<'_>,
    second: &Reading<'_>,
    context: &WorkContext<'_>,
) -> Result<(Read, Read), Diagnostic> {
    let split = table.split.as_ref().filter(|_| first.encoder.sequence().is_none());
    let (Some(split), Some(one), Some(other)) = (split, &first.part, &second.part) else {
        return Ok((read(table, first, context)?, read(table, second, context)?));
    };
    let is = |part: &str| part_is(split, part);
    let predicate = Expr::binary(BinaryOperator::Or, is(one), is(other), DataType::Boolean);
    let parts = Arc::new(Relation::Filter { input: Arc::clone(&table.relation), predicate });
    let relation = with_targets(&parts, first.encoder);
    let mut collectors = [Collector::new(first, context)?, Collector::new(second, context)?];
    let beside = [split.column.clone()];
    examples(&relation, first.encoder, Want::Labelled(&beside), context, &mut |batch| {
        let names = batch::column(&batch, &split.column).map(batch::texts).unwrap_or_default();
        for collector in &mut collectors {
            let part = collector.reading.part.as_deref();
            let of_part: BooleanArray = names.iter().map(|name| Some(name.as_deref() == part)).collect();
            collector.add(&filter_record_batch(&batch, &of_part).map_err(|error| failed(&error))?)?;
        }
        Ok(true)
    })?;
    let [first, second] = collectors;
    Ok((first.finish()?, second.finish()?))
}

fn part_is(split: &Split, part: &str) -> Expr {
    let column = Expr::column(&split.column, DataType::String);
    Expr::binary(BinaryOperator::Equal, column, Expr::string(part), DataType::Boolean)
}

/// The first rows for which a condition holds, at most `most`.
///
/// Errors: those of the run.
pub(in crate::stages::learn::explain) fn matching(
    relation: &Arc<Relation>,
    condition: &Expr,
    most: usize,
    encoder: &Encoder,
    context: &WorkContext<'_>,
) -> Result<Taken, Diagnostic> {
    let mut kept = Vec::new();
    let mut seen = 0;
    // A row for which it does not hold may still belong to the window of one for which it does.
    let is_sequence = encoder.sequence().is_some();
    let (relation, beside) = if is_sequence {
        (marked(relation, condition), vec![CHOSEN.to_owned()])
    } else {
        let filtered = Arc::new(Relation::Filter { input: Arc::clone(relation), predicate: condition.clone() });
        (with_targets(&filtered, encoder), Vec::new())
    };
    examples(&relation, encoder, Want::Labelled(&beside), context, &mut |batch| {
        let mut batch = known(batch, encoder)?;
        if let Some(holds) = batch.column_by_name(CHOSEN).and_then(|array| array.as_boolean_opt()).cloned() {
            batch = filter_record_batch(&batch, &holds).map_err(|error| failed(&error))?;
        }
        kept.extend(label(&batch, encoder, seen)?);
        seen += batch.num_rows() as u64;
        Ok(kept.len() < most)
    })?;
    kept.truncate(most);
    Taken::new(kept, encoder)
}

/// The rows with one more column: whether the condition holds.
fn marked(relation: &Arc<Relation>, condition: &Expr) -> Arc<Relation> {
    let schema = relation.schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| NamedExpr { name: field.name.clone(), expr: Expr::column(&field.name, field.data_type.clone()) });
    let columns = columns.chain([NamedExpr { name: CHOSEN.to_owned(), expr: condition.clone() }]).collect();
    Arc::new(Relation::Project { input: Arc::clone(relation), columns })
}

/// Rows with all targets. Those of a sequence stay: they may belong to the window of another row.
fn with_targets(relation: &Arc<Relation>, encoder: &Encoder) -> Arc<Relation> {
    if encoder.sequence().is_some() {
        return Arc::clone(relation);
    }
    let schema = relation.schema();
    let mut filtered = Arc::clone(relation);
    for target in encoder.targets() {
        let kind = schema.data_type(target.column()).cloned().unwrap_or(DataType::Null);
        let predicate = Expr::is_null(Expr::column(target.column(), kind)).not();
        filtered = Arc::new(Relation::Filter { input: filtered, predicate });
    }
    filtered
}

/// The rows of a batch that have all targets: the rest of what [`with_targets`] does.
fn known(batch: RecordBatch, encoder: &Encoder) -> Result<RecordBatch, Diagnostic> {
    if encoder.sequence().is_none() {
        return Ok(batch);
    }
    let mut known = BooleanArray::from(vec![true; batch.num_rows()]);
    for array in encoder.targets().iter().filter_map(|target| batch.column_by_name(target.column())) {
        let here = is_not_null(array).and_then(|here| and(&known, &here));
        known = here.map_err(|error| failed(&error))?;
    }
    filter_record_batch(&batch, &known).map_err(|error| failed(&error))
}

/// What a row takes up in memory, about.
pub(super) fn row_bytes(encoder: &Encoder) -> u64 {
    (encoder.width() * size_of::<f32>() + names(encoder).len() * VALUE_BYTES) as u64 + ROW_BYTES
}

impl<'a> Collector<'a> {
    fn new(reading: &'a Reading<'a>, context: &WorkContext<'_>) -> Result<Self, Diagnostic> {
        let bytes = row_bytes(reading.encoder);
        let most = usize::try_from(context.memory / 8 / bytes).unwrap_or(usize::MAX).max(LEAST);
        let wanted = reading.sample.min(most);
        let mut reservation = MemoryManager::process().reserve("the rows of an explanation");
        reservation.try_grow((wanted + reading.worst).saturating_mul(2) as u64 * bytes).map_err(|error| {
            Diagnostic::error(Class::Limit, error.to_string())
                .help("ask for a smaller `sample`, or give more `--memory`")
        })?;
        Ok(Self {
            reading,
            wanted,
            drawn: Reservoir::new(wanted, reading.seed),
            kept: BTreeMap::new(),
            worst: Worst::new(reading),
            reservation,
        })
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), Diagnostic> {
        let first = self.drawn.seen();
        let mut taken: Vec<u32> = Vec::new();
        for row in 0..batch.num_rows() {
            let number = first + row as u64;
            self.drawn.offer(|| {
                taken.extend(u32::try_from(row));
                number
            });
        }
        let rows = take_record_batch(batch, &UInt32Array::from(taken.clone())).map_err(|error| failed(&error))?;
        for mut row in label(&rows, self.reading.encoder, 0)? {
            // Its number among the rows that were taken, from 1, becomes that among all.
            let place = usize::try_from(row.number).unwrap_or_default().saturating_sub(1);
            let number = first + taken.get(place).map_or(0, |row| u64::from(*row));
            row.number = number + 1;
            self.kept.insert(number, row);
        }
        if self.kept.len() > self.wanted.saturating_mul(2) {
            self.keep_drawn();
        }
        self.worst.add(batch, first)
    }

    fn keep_drawn(&mut self) {
        let numbers: std::collections::BTreeSet<u64> = self.drawn.items().iter().copied().collect();
        self.kept.retain(|number, _| numbers.contains(number));
    }

    fn finish(mut self) -> Result<Read, Diagnostic> {
        self.keep_drawn();
        let encoder = self.reading.encoder;
        let is_cut = self.wanted < self.reading.sample && self.drawn.seen() > self.wanted as u64;
        Ok(Read {
            sample: Taken::new(self.kept.into_values().collect(), encoder)?,
            worst: Taken::new(self.worst.rows(), encoder)?,
            seen: self.drawn.seen(),
            cut: is_cut.then_some(self.reading.sample),
            _reservation: self.reservation,
        })
    }
}
