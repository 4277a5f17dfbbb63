//! Operators of our own that need all of their input before they give the first row, inside one query of Polars.
//!
//! Three nodes make one: a streaming map takes the input's frames on all pipelines and lets nothing through; a map over the
//! whole of that nothing runs when the input has ended, and answers with *tickets*; a streaming map makes the rows of one ticket
//! after the other, on all pipelines, when what follows asks for them. So taps, shared parts, early ends and errors are Polars'
//! business as everywhere else, and nothing is gathered on the way out.
//!
//! A ticket is a stretch of [`TICKET_ROWS`] rows of a column that takes no memory, because Polars cuts tables in memory into
//! frames of about that size. Polars keeps the order of frames across pipelines, so tickets come out in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use polars::prelude as pl;

use super::super::tap::stop_if;

/// The state of one such operator in one execution.
pub(in super::super) trait Blocking: Send + Sync + 'static {
    /// Takes rows of the input with that number; called on any thread, by several at once, in no stated order.
    fn absorb(&self, input: usize, frame: pl::DataFrame) -> pl::PolarsResult<()>;

    /// The inputs have ended: the number of tickets. Called once.
    fn complete(&self) -> pl::PolarsResult<usize>;

    /// The rows of a ticket, from 0, which may be none; called on any thread, once for each ticket.
    fn emit(&self, ticket: usize) -> pl::PolarsResult<pl::DataFrame>;
}

/// The operator over its inputs; `schema` is that of the rows that it emits.
pub(in super::super) fn blocking(
    inputs: Vec<pl::LazyFrame>,
    operator: &Arc<dyn Blocking>,
    schema: &pl::SchemaRef,
    cancelled: &Arc<AtomicBool>,
) -> pl::PolarsResult<pl::LazyFrame> {
    let nothing: pl::SchemaRef =
        Arc::new(pl::Schema::from_iter([pl::Field::new(TICKET.into(), pl::DataType::Boolean)]));
    let inputs: Vec<pl::LazyFrame> = inputs
        .into_iter()
        .enumerate()
        .map(|(number, input)| absorbing(input, number, operator, &nothing, cancelled))
        .collect();
    let arguments = pl::UnionArgs { maintain_order: false, to_supertypes: false, ..pl::UnionArgs::default() };
    let absorbed = pl::concat(inputs, arguments)?;
    // Rows to a ticket, known with their number.
    let rows_of_ticket = Arc::new(AtomicUsize::new(TICKET_ROWS));
    let complete = {
        let (operator, rows_of_ticket) = (operator.clone(), rows_of_ticket.clone());
        move |_: pl::DataFrame| {
            let tickets = operator.complete()?;
            let most = pl::IdxSize::MAX as usize / tickets.max(1);
            let each = TICKET_ROWS.min(most).max(1);
            rows_of_ticket.store(each, Ordering::Relaxed);
            let rows = tickets * each;
            let column = pl::Column::new_scalar(TICKET.into(), pl::Scalar::from(true), rows);
            pl::DataFrame::new(rows, vec![column])
        }
    };
    let tickets = absorbed
        .map(complete, pl::OptFlags::empty(), Some(constant(&nothing)), Some("complete"))
        .with_row_index(NUMBER, None);
    let emit = {
        let (operator, schema, cancelled) = (operator.clone(), schema.clone(), cancelled.clone());
        move |frame: pl::DataFrame| {
            let each = rows_of_ticket.load(Ordering::Relaxed);
            let mut rows: Option<pl::DataFrame> = None;
            if let Some(first) = frame.column(NUMBER)?.idx()?.iter().next().flatten() {
                let first = first as usize;
                // The tickets that begin within the frame.
                for ticket in first.div_ceil(each)..(first + frame.height()).div_ceil(each) {
                    stop_if(&cancelled)?;
                    let made = operator.emit(ticket)?;
                    match &mut rows {
                        None => rows = Some(made),
                        Some(rows) => rows.vstack_mut_owned(made).map(drop)?,
                    }
                }
            }
            Ok(rows.unwrap_or_else(|| pl::DataFrame::empty_with_schema(&schema)))
        }
    };
    Ok(tickets.map(emit, pl::OptFlags::STREAMING, Some(constant(schema)), Some("emit")))
}

/// The input on its way into the operator.
fn absorbing(
    input: pl::LazyFrame,
    number: usize,
    operator: &Arc<dyn Blocking>,
    nothing: &pl::SchemaRef,
    cancelled: &Arc<AtomicBool>,
) -> pl::LazyFrame {
    // Polars takes two maps of one name over one input for the same and runs one of them. A constant tells operators apart.
    static OPERATORS: AtomicU64 = AtomicU64::new(0);
    let identity = pl::lit(OPERATORS.fetch_add(1, Ordering::Relaxed)).alias(OPERATOR);
    let (operator, gone, cancelled) = (operator.clone(), nothing.clone(), cancelled.clone());
    let absorb = move |mut frame: pl::DataFrame| {
        stop_if(&cancelled)?;
        frame.drop_in_place(OPERATOR)?;
        operator.absorb(number, frame)?;
        Ok(pl::DataFrame::empty_with_schema(&gone))
    };
    input.with_columns([identity]).map(absorb, pl::OptFlags::STREAMING, Some(constant(nothing)), Some("absorb"))
}

/// What Polars takes from a table in memory for a frame.
const TICKET_ROWS: usize = 100_000;

const TICKET: &str = "__ticket";
const NUMBER: &str = "__ticket_row";
const OPERATOR: &str = "__operator";

fn constant(schema: &pl::SchemaRef) -> Arc<dyn pl::UdfSchema> {
    let schema = schema.clone();
    Arc::new(move |_: &pl::Schema| -> pl::PolarsResult<pl::SchemaRef> { Ok(schema.clone()) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use polars::df;
    use polars::prelude::IntoLazy;

    use super::*;

    /// Gives its input back in the order of the row numbers, some rows a ticket.
    struct Reverse {
        rows: Mutex<Vec<(u32, i64)>>,
        completed: AtomicUsize,
    }

    const PART: usize = 1000;

    impl Blocking for Reverse {
        fn absorb(&self, input: usize, frame: pl::DataFrame) -> pl::PolarsResult<()> {
            assert_eq!(self.completed.load(Ordering::SeqCst), 0);
            let (row, value) = (frame.column("row")?.idx()?, frame.column("value")?.i64()?);
            let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.extend(row.iter().zip(value.iter()).map(|(r, v)| (r.unwrap() + 1_000_000 * input as u32, v.unwrap())));
            Ok(())
        }

        fn complete(&self) -> pl::PolarsResult<usize> {
            self.completed.fetch_add(1, Ordering::SeqCst);
            let mut rows = self.rows.lock().unwrap();
            rows.sort_by(|a, b| b.cmp(a));
            Ok(rows.len().div_ceil(PART))
        }

        fn emit(&self, ticket: usize) -> pl::PolarsResult<pl::DataFrame> {
            let rows = self.rows.lock().unwrap();
            let part: Vec<i64> = rows.iter().skip(ticket * PART).take(PART).map(|(_, value)| *value).collect();
            df!["value" => part]
        }
    }

    fn reversed(inputs: &[(i64, i64)], change: impl Fn(pl::LazyFrame) -> pl::LazyFrame) -> Vec<i64> {
        let operator: Arc<dyn Blocking> = Arc::new(Reverse { rows: Mutex::default(), completed: AtomicUsize::new(0) });
        let frames = inputs.iter().map(|&(from, to)| {
            df!["value" => (from..to).collect::<Vec<i64>>()].unwrap().lazy().with_row_index("row", None)
        });
        let schema = Arc::new(pl::Schema::from_iter([pl::Field::new("value".into(), pl::DataType::Int64)]));
        let frame = blocking(frames.collect(), &operator, &schema, &Arc::default()).unwrap();
        let found = change(frame).collect_with_engine(pl::Engine::Streaming).unwrap().unwrap_single();
        found.column("value").unwrap().i64().unwrap().into_no_null_iter().collect()
    }

    #[test]
    fn tickets_come_after_all_of_the_input_and_in_their_order() {
        assert_eq!(reversed(&[(0, 300_500)], |frame| frame), (0..300_500).rev().collect::<Vec<_>>());
    }

    #[test]
    fn two_inputs_are_told_apart() {
        assert_eq!(
            reversed(&[(0, 2_000), (10_000, 12_500)], |frame| frame),
            (10_000..12_500).rev().chain((0..2_000).rev()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn two_operators_over_one_input_stay_two() {
        let input = df!["value" => [1_i64, 2, 3]].unwrap().lazy().with_row_index("row", None);
        let schema = Arc::new(pl::Schema::from_iter([pl::Field::new("value".into(), pl::DataType::Int64)]));
        let one = || {
            let operator: Arc<dyn Blocking> =
                Arc::new(Reverse { rows: Mutex::default(), completed: AtomicUsize::new(0) });
            blocking(vec![input.clone()], &operator, &schema, &Arc::default()).unwrap()
        };
        let twice = pl::concat([one(), one()], pl::UnionArgs { maintain_order: true, ..Default::default() }).unwrap();
        let found = twice.collect_with_engine(pl::Engine::Streaming).unwrap().unwrap_single();
        let found: Vec<i64> = found.column("value").unwrap().i64().unwrap().into_no_null_iter().collect();
        assert_eq!(found, [3, 2, 1, 3, 2, 1]);
    }

    #[test]
    fn no_rows_give_no_rows() {
        assert_eq!(reversed(&[(0, 0)], |frame| frame), Vec::<i64>::new());
    }

    #[test]
    fn what_follows_may_filter_and_end_early() {
        let even = |frame: pl::LazyFrame| frame.filter((pl::col("value") % pl::lit(2)).eq(pl::lit(0))).slice(1, 3);
        assert_eq!(reversed(&[(0, 250_000)], even), [249_996, 249_994, 249_992]);
    }
}
