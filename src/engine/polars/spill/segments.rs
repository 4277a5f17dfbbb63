//! Rows that an operator makes piece by piece, as a source of a query.
//!
//! Polars has no source that asks a function for frames. But a frame of one constant column takes no memory however long it
//! is, its source cuts it into morsels of a known size, and a map that runs on the pipelines may give any rows for a morsel: so
//! each segment gets a morsel of its own. Pipelines make segments side by side, the query takes them in their order, and
//! a slow consumer holds the makers back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use polars::prelude as pl;

use super::super::data_type::polars_type;
use super::super::tap::stop_if;
use super::pipelines;
use crate::expression::Schema;

/// Rows of the constant column for each segment: the size of Polars' morsels.
const UNIT: usize = 100_000;
const NUMBER: &str = "__segment_row";

/// The rows that `make` gives for the numbers from 0 to `count`, one after the other, as a frame of that schema.
///
/// It may be read several times; `make` is then asked again.
pub(in crate::engine::polars) fn segments(
    count: usize,
    schema: &Schema,
    make: impl Fn(usize) -> pl::PolarsResult<pl::DataFrame> + Send + Sync + 'static,
    cancelled: &Arc<AtomicBool>,
) -> pl::LazyFrame {
    let fields = schema.fields().iter();
    let output: pl::SchemaRef = Arc::new(
        fields.map(|field| pl::Field::new(field.name.as_str().into(), polars_type(&field.data_type))).collect(),
    );
    // Morsels have the size of a unit when there are as many for each pipeline.
    let rows = count.next_multiple_of(pipelines()) * UNIT;
    let constant = pl::Column::new_scalar("__segments".into(), pl::Scalar::from(true), rows);
    let driver = pl::DataFrame::new(rows, vec![constant]).unwrap_or_default();
    let (empty, cancelled) = (pl::DataFrame::empty_with_schema(&output), cancelled.clone());
    let work = move |frame: pl::DataFrame| {
        if frame.height() == 0 {
            return Ok(empty.clone());
        }
        let numbers = frame.column(NUMBER)?.as_materialized_series().idx()?;
        let ends = (numbers.iter().next().flatten(), numbers.iter().next_back().flatten());
        let (Some(first), Some(last)) = ends else { return Ok(empty.clone()) };
        let mut made: Option<pl::DataFrame> = None;
        // Those segments whose first row lies in the morsel: each belongs to exactly one, whatever the size of morsels.
        let segments = (first as usize).div_ceil(UNIT)..(last as usize / UNIT + 1).min(count);
        for segment in segments {
            stop_if(&cancelled)?;
            let frame = make(segment)?;
            if frame.height() == 0 {
                continue;
            }
            match &mut made {
                None => made = Some(frame),
                Some(made) => {
                    made.vstack_mut_owned(frame)?;
                }
            }
        }
        Ok(made.unwrap_or_else(|| empty.clone()))
    };
    let schema = move |_: &pl::Schema| Ok(output.clone());
    pl::IntoLazy::lazy(driver).with_row_index(NUMBER, None).map(
        work,
        pl::OptFlags::STREAMING,
        Some(Arc::new(schema)),
        Some("segments"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use polars::df;

    use super::*;
    use crate::expression::{DataType, Field};

    fn numbers(count: usize) -> (pl::DataFrame, usize) {
        let schema = Schema::new(vec![Field::new("n", DataType::Int64)]).unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let make = move |segment: usize| {
            counted.fetch_add(1, Ordering::Relaxed);
            let n = i64::try_from(segment).unwrap();
            // Segment n has n rows.
            Ok(df!["n" => vec![n; segment]].unwrap())
        };
        let frame = segments(count, &schema, make, &Arc::default());
        let found = frame.collect_with_engine(pl::Engine::Streaming).unwrap().unwrap_single();
        (found, calls.load(Ordering::Relaxed))
    }

    #[test]
    fn segments_come_once_each_and_in_order() {
        for count in [0_usize, 1, 2, 3, 7, 50] {
            let (found, calls) = numbers(count);
            let expected: Vec<i64> = (0..count).flat_map(|n| vec![i64::try_from(n).unwrap(); n]).collect();
            let found: Vec<i64> = found.column("n").unwrap().i64().unwrap().into_no_null_iter().collect();
            assert_eq!((found, calls), (expected, count));
        }
    }
}
