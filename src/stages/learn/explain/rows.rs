//! The rows that are looked at: a sample of a part, the worst of it, and training rows to compare with.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType as ArrowType, Int64Type, TimeUnit};
use ndarray::Array2;

use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::explanation::Rows;
use crate::expression::{DataType, Expr};
use crate::memory::{MemoryManager, Reservation};
use crate::nn::Network;
use crate::relation::Relation;
use crate::stages::learn::tensors::{Want, examples};
use crate::stages::work::WorkContext;
use crate::statistics::sampling::reservoir::Reservoir;
use crate::tensor::{Encoder, Target, Targets};

use super::model::{Explained, View};
use crate::explanation::Predictor;

/// Rows that are predicted together while the worst are looked for.
const TOGETHER: usize = 8_192;
/// The fewest rows of a sample that memory cuts.
const LEAST: usize = 20;
/// The longest text of a value that is kept.
const LONGEST: usize = 10_000;

/// What was true of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Truth {
    /// Its class.
    Class(u32),
    /// 1 for each label that it has.
    Labels(Vec<f32>),
    /// Its number.
    Number(f64),
}

/// A value of a feature as it was before it was encoded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    /// As a person reads it; none where there is none.
    pub(super) text: Option<String>,
    /// As a number, or an instant in microseconds; NaN where it is none.
    pub(super) number: f64,
}

/// Rows in memory, in their order.
#[derive(Debug)]
pub(super) struct Taken {
    /// The number of each row among all of its kind, from 1.
    pub(super) numbers: Vec<u64>,
    /// As the model reads them.
    pub(super) rows: Rows,
    /// For each target what was true.
    pub(super) truths: Vec<Vec<Truth>>,
    /// For each column that becomes a feature its values.
    pub(super) values: Vec<Vec<Value>>,
}

/// What was read of a part.
#[derive(Debug)]
pub(super) struct Read {
    /// Drawn at random.
    pub(super) sample: Taken,
    /// Those of which the model is most wrong, the worst first.
    pub(super) worst: Taken,
    /// Rows with all targets.
    pub(super) seen: u64,
    /// Rows asked for, where memory cut their number.
    pub(super) cut: Option<usize>,
    _reservation: Reservation,
}

/// What is to be read.
pub(super) struct Reading<'a> {
    pub(super) encoder: &'a Encoder,
    pub(super) network: &'a Network,
    /// Rows drawn at random.
    pub(super) sample: usize,
    /// Rows of which the model is most wrong.
    pub(super) worst: usize,
    pub(super) seed: u64,
}

/// One row.
#[derive(Debug, Clone)]
struct Kept {
    number: u64,
    inputs: Vec<Vec<f32>>,
    truths: Vec<Truth>,
    values: Vec<Value>,
}

impl Taken {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows at these places.
    pub(super) fn at(&self, places: &[usize]) -> Self {
        fn of<T: Clone>(values: &[T], places: &[usize]) -> Vec<T> {
            places.iter().filter_map(|place| values.get(*place).cloned()).collect()
        }
        Self {
            numbers: of(&self.numbers, places),
            rows: self.rows.take(places),
            truths: self.truths.iter().map(|truths| of(truths, places)).collect(),
            values: self.values.iter().map(|values| of(values, places)).collect(),
        }
    }

    /// `count` rows, evenly spaced.
    pub(super) fn spread(&self, count: usize) -> Self {
        self.at(&spread(self.len(), count))
    }

    fn new(kept: Vec<Kept>, encoder: &Encoder) -> Result<Self, Diagnostic> {
        let n = kept.len();
        let blocks = encoder.blocks().iter().enumerate().map(|(block, of)| {
            let mut values = Vec::with_capacity(n * of.size());
            kept.iter().filter_map(|row| row.inputs.get(block)).for_each(|inputs| values.extend_from_slice(inputs));
            Array2::from_shape_vec((n, of.size()), values).map_err(|error| failed(&error))
        });
        let rows = Rows::new(blocks.collect::<Result<_, _>>()?).map_err(|error| failed(&error))?;
        let mut taken = Self {
            numbers: Vec::with_capacity(n),
            rows,
            truths: vec![Vec::with_capacity(n); encoder.targets().len()],
            values: vec![Vec::with_capacity(n); encoder.columns().len()],
        };
        for row in kept {
            taken.numbers.push(row.number);
            taken.truths.iter_mut().zip(row.truths).for_each(|(all, one)| all.push(one));
            taken.values.iter_mut().zip(row.values).for_each(|(all, one)| all.push(one));
        }
        Ok(taken)
    }
}

/// `count` of `n` places, evenly spaced; all where there are no more.
pub(super) fn spread(n: usize, count: usize) -> Vec<usize> {
    if count >= n { (0..n).collect() } else { (0..count).map(|i| i * n / count.max(1)).collect() }
}

/// Reads rows that have all targets, in one pass.
///
/// Errors: of class [`Class::Limit`] when even few rows do not fit, and whatever keeps the rows from being computed.
pub(super) fn read(
    relation: &Arc<Relation>,
    reading: &Reading<'_>,
    context: &WorkContext<'_>,
) -> Result<Read, Diagnostic> {
    let encoder = reading.encoder;
    let bytes = row_bytes(encoder);
    let most = usize::try_from(context.memory / 8 / bytes).unwrap_or(usize::MAX).max(LEAST);
    let wanted = reading.sample.min(most);
    let mut reservation = MemoryManager::process().reserve("the rows of an explanation");
    reservation.try_grow((wanted + reading.worst).saturating_mul(2) as u64 * bytes).map_err(|error| {
        Diagnostic::error(Class::Limit, error.to_string()).help("ask for a smaller `sample`, or give more `--memory`")
    })?;
    let relation = with_targets(relation, encoder);
    let mut drawn = Reservoir::<u64>::new(wanted, reading.seed);
    let mut kept: BTreeMap<u64, Kept> = BTreeMap::new();
    let mut worst: Vec<(f64, Kept)> = Vec::new();
    examples(&relation, encoder, Want::Labelled(&[]), context, &mut |batch| {
        add(&batch, reading, &mut drawn, &mut kept, &mut worst)?;
        if kept.len() > wanted.saturating_mul(2) {
            keep_drawn(&mut kept, &drawn);
        }
        Ok(true)
    })?;
    keep_drawn(&mut kept, &drawn);
    Ok(Read {
        sample: Taken::new(kept.into_values().collect(), encoder)?,
        worst: Taken::new(worst.into_iter().map(|(_, row)| row).collect(), encoder)?,
        seen: drawn.seen(),
        cut: (wanted < reading.sample && drawn.seen() > wanted as u64).then_some(reading.sample),
        _reservation: reservation,
    })
}

/// The first rows for which a condition holds, at most `most`.
///
/// Errors: those of the run.
pub(super) fn matching(
    relation: &Arc<Relation>,
    condition: &Expr,
    most: usize,
    encoder: &Encoder,
    context: &WorkContext<'_>,
) -> Result<Taken, Diagnostic> {
    let filtered = Arc::new(Relation::Filter { input: Arc::clone(relation), predicate: condition.clone() });
    let relation = with_targets(&filtered, encoder);
    let mut kept = Vec::new();
    let mut seen = 0;
    examples(&relation, encoder, Want::Labelled(&[]), context, &mut |batch| {
        kept.extend(label(&batch, encoder, seen)?);
        seen += batch.num_rows() as u64;
        Ok(kept.len() < most)
    })?;
    kept.truncate(most);
    Taken::new(kept, encoder)
}

/// Rows with all targets.
fn with_targets(relation: &Arc<Relation>, encoder: &Encoder) -> Arc<Relation> {
    let schema = relation.schema();
    let mut filtered = Arc::clone(relation);
    for target in encoder.targets() {
        let kind = schema.data_type(target.column()).cloned().unwrap_or(DataType::Null);
        let predicate = Expr::is_null(Expr::column(target.column(), kind)).not();
        filtered = Arc::new(Relation::Filter { input: filtered, predicate });
    }
    filtered
}

/// What a row takes up in memory, about.
pub(super) fn row_bytes(encoder: &Encoder) -> u64 {
    (encoder.width() * size_of::<f32>() + encoder.columns().len() * 96 + 128) as u64
}

fn keep_drawn(kept: &mut BTreeMap<u64, Kept>, drawn: &Reservoir<u64>) {
    let numbers: std::collections::BTreeSet<u64> = drawn.items().iter().copied().collect();
    kept.retain(|number, _| numbers.contains(number));
}

fn add(
    batch: &RecordBatch,
    reading: &Reading<'_>,
    drawn: &mut Reservoir<u64>,
    kept: &mut BTreeMap<u64, Kept>,
    worst: &mut Vec<(f64, Kept)>,
) -> Result<(), Diagnostic> {
    let first = drawn.seen();
    let mut taken: Vec<u32> = Vec::new();
    for row in 0..batch.num_rows() {
        let number = first + row as u64;
        drawn.offer(|| {
            taken.extend(u32::try_from(row));
            number
        });
    }
    let rows = take_record_batch(batch, &UInt32Array::from(taken.clone())).map_err(|error| failed(&error))?;
    for mut row in label(&rows, reading.encoder, 0)? {
        // Its number among the rows that were taken, from 1, becomes that among all.
        let place = usize::try_from(row.number).unwrap_or_default().saturating_sub(1);
        let number = first + taken.get(place).map_or(0, |row| u64::from(*row));
        row.number = number + 1;
        kept.insert(number, row);
    }
    if reading.worst > 0 {
        for start in (0..batch.num_rows()).step_by(TOGETHER) {
            let slice = batch.slice(start, TOGETHER.min(batch.num_rows() - start));
            add_worst(&slice, first + start as u64, reading, worst)?;
        }
    }
    Ok(())
}

/// Keeps the rows of which the model is most wrong, of equally wrong ones the first.
fn add_worst(
    batch: &RecordBatch,
    first: u64,
    reading: &Reading<'_>,
    worst: &mut Vec<(f64, Kept)>,
) -> Result<(), Diagnostic> {
    let encoder = reading.encoder;
    let labelled = encoder.labelled(batch).map_err(|error| failed(&error))?;
    let model = Explained::new(reading.network, encoder.target(), 0, View::Predictions);
    let views: Vec<_> = labelled.encoded.inputs.iter().map(|block| block.view()).collect();
    let said = model.predict(&views).map_err(|error| failed(&error))?;
    let Some(targets) = labelled.targets.first() else { return Ok(()) };
    for (place, said) in said.rows().into_iter().enumerate() {
        let Some(truth) = truth(targets, place) else { continue };
        let wrong = truth.wrongness(&said.to_vec());
        let is_worse = worst.len() < reading.worst || worst.last().is_some_and(|(least, _)| wrong > *least);
        let Some(row) = labelled.rows.get(place).copied().filter(|_| is_worse && wrong.is_finite()) else { continue };
        if let Some(mut kept) = label(&batch.slice(row, 1), encoder, 0)?.pop() {
            kept.number = first + row as u64 + 1;
            let at = worst.partition_point(|(other, _)| *other >= wrong);
            worst.insert(at, (wrong, kept));
            worst.truncate(reading.worst);
        }
    }
    Ok(())
}

/// The rows of a batch that have all targets; their numbers begin after `before`.
fn label(batch: &RecordBatch, encoder: &Encoder, before: u64) -> Result<Vec<Kept>, Diagnostic> {
    if batch.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let labelled = encoder.labelled(batch).map_err(|error| failed(&error))?;
    let columns = encoder.columns();
    let arrays: Vec<Option<&ArrayRef>> = columns.iter().map(|name| batch.column_by_name(name)).collect();
    let numbers: Vec<Vec<f64>> = arrays.iter().map(|array| array.map(numbers).unwrap_or_default()).collect();
    let kept = labelled.rows.iter().enumerate().map(|(place, row)| Kept {
        number: before + *row as u64 + 1,
        inputs: labelled.encoded.inputs.iter().map(|block| block.row(place).to_vec()).collect(),
        truths: labelled.targets.iter().filter_map(|targets| truth(targets, place)).collect(),
        values: arrays
            .iter()
            .zip(&numbers)
            .map(|(array, numbers)| Value {
                text: array.and_then(|array| written(array, *row)),
                number: numbers.get(*row).copied().unwrap_or(f64::NAN),
            })
            .collect(),
    });
    Ok(kept.collect())
}

fn truth(targets: &Targets, row: usize) -> Option<Truth> {
    Some(match targets {
        Targets::Classes(classes) => Truth::Class(*classes.get(row)?),
        Targets::Labels(labels) => Truth::Labels((row < labels.nrows()).then(|| labels.row(row).to_vec())?),
        Targets::Numbers(numbers) | Targets::Counts(numbers) => Truth::Number(*numbers.get(row)?),
    })
}

/// A value as a person reads it; none of bytes and lists of numbers, which nobody reads.
fn written(array: &ArrayRef, row: usize) -> Option<String> {
    if matches!(
        array.data_type(),
        ArrowType::Binary
            | ArrowType::LargeBinary
            | ArrowType::BinaryView
            | ArrowType::List(_)
            | ArrowType::LargeList(_)
            | ArrowType::FixedSizeList(..)
    ) {
        return None;
    }
    let text = batch::display(array, row)?;
    Some(text.char_indices().nth(LONGEST).and_then(|(at, _)| text.get(..at)).unwrap_or(&text).to_owned())
}

/// Numbers, or instants in microseconds; NaN for everything else.
fn numbers(array: &ArrayRef) -> Vec<f64> {
    let micros = ArrowType::Timestamp(TimeUnit::Microsecond, None);
    match array.data_type() {
        ArrowType::Date32 | ArrowType::Timestamp(..) => {
            let cast = arrow::compute::cast(array, &micros).and_then(|at| arrow::compute::cast(&at, &ArrowType::Int64));
            let Ok(cast) = cast else { return vec![f64::NAN; array.len()] };
            let Some(instants) = cast.as_primitive_opt::<Int64Type>() else { return vec![f64::NAN; array.len()] };
            #[expect(clippy::cast_precision_loss, reason = "exact up to the year 2255")]
            instants.iter().map(|at| at.map_or(f64::NAN, |at| at as f64)).collect()
        }
        kind if kind.is_numeric() => batch::floats(array),
        _ => vec![f64::NAN; array.len()],
    }
}

fn failed(error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Class::Stage, error.to_string())
}

/// `1,200 of 50,000 rows of test, drawn at random`.
pub(super) fn describe(rows: usize, seen: u64, part: Option<&str>) -> String {
    let of = part.map_or_else(String::new, |part| format!(" of {part}"));
    if (rows as u64) < seen {
        format!("{} of {}{of}, drawn at random", digits::whole(rows as u64), digits::rows(seen))
    } else {
        format!("{}{of}", digits::rows(rows as u64))
    }
}

/// The truth as a person reads it.
pub(super) fn told(truth: &Truth, target: &Target) -> String {
    let name = |class: usize| target.names().get(class).cloned().unwrap_or_default();
    match truth {
        Truth::Class(class) => name(*class as usize),
        Truth::Labels(labels) => {
            let names = labels.iter().enumerate().filter(|(_, has)| **has > 0.5).map(|(label, _)| name(label));
            names.collect::<Vec<_>>().join(", ")
        }
        Truth::Number(number) => super::words::number(*number),
    }
}
