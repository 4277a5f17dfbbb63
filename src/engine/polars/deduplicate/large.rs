//! Deduplications of tables that need not fit into memory, as parts of a query.
//!
//! Where the input is cheap to compute, it is read twice instead of held. The first reading takes only keys and order, which
//! tells the numbers of the rows that stay; the second takes all columns, of which only those rows pass. Nothing is written but
//! keys that memory does not hold. Cheap are files that are read directly, with columns computed and rows filtered on the way.
//! Taps count in the second reading only.
//!
//! Else the rows themselves wait, on disk where memory does not hold them.

use std::collections::BTreeSet;
use std::sync::Arc;

use polars::prelude as pl;

use super::super::error::{carry, engine_error};
use super::super::estimate::is_compressed;
use super::super::expression;
use super::super::relation::{Lowered, Lowering, Surroundings, lower};
use super::super::spill::{Spilling, segments};
use super::super::stream::stream_frames;
use super::{Bitmap, Direction, Survivors, Waiting, order_name};
use crate::engine::EngineError;
use crate::expression::{Expr, Schema, SortKey};
use crate::relation::{FileFormat, Keep, NamedExpr, Relation, ScanSource};

/// Whether reading the rows twice costs less than holding them, and gives the same rows in the same order.
pub(in crate::engine::polars) fn is_cheap(relation: &Relation) -> bool {
    match relation {
        Relation::Scan(scan) => match &scan.source {
            ScanSource::Files(files) => match files.format {
                FileFormat::Parquet => true,
                FileFormat::Csv(_) => !files.paths.iter().any(|path| is_compressed(path)),
                FileFormat::Ndjson => false,
            },
            ScanSource::Pinned(_) => true,
            ScanSource::Artifact(_) | ScanSource::Input => false,
        },
        Relation::Project { input, columns } => {
            !columns.iter().any(|column| column.expr.has_window()) && is_cheap(input)
        }
        Relation::Filter { input, .. }
        | Relation::Tap { input, .. }
        | Relation::RowIndex { input, .. }
        | Relation::Limit { input, .. } => is_cheap(input),
        Relation::Union { inputs } => inputs.iter().all(|input| is_cheap(input)),
        Relation::Join(_)
        | Relation::Aggregate { .. }
        | Relation::Deduplicate { .. }
        | Relation::Sort { .. }
        | Relation::Explode { .. }
        | Relation::Learning { .. } => false,
    }
}

/// The columns by which a deduplication decides.
struct Deciding {
    keys: Vec<String>,
    /// Expressions of the order; none where the order decides nothing.
    orders: Vec<NamedExpr>,
    directions: Vec<Direction>,
}

impl Deciding {
    fn new(keys: &[String], keep: Keep, order_by: &[SortKey]) -> Self {
        // Without a first and a last the order decides nothing.
        let order_by = if matches!(keep, Keep::First | Keep::Last) { order_by } else { &[] };
        let orders = order_by.iter().enumerate();
        let direction = |key: &SortKey| Direction { descending: key.descending, nulls_first: key.nulls_first };
        Self {
            keys: keys.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect(),
            orders: orders.map(|(i, key)| NamedExpr { name: order_name(i), expr: key.expr.clone() }).collect(),
            directions: order_by.iter().map(direction).collect(),
        }
    }

    fn survivors(&self, keep: Keep, spilling: &Spilling) -> Survivors {
        let memory = spilling.memory.reserve("the keys of a deduplication");
        Survivors::new(keep, self.directions.clone(), memory, spilling)
    }

    fn decide(&self, frame: &pl::DataFrame, survivors: &mut Survivors) -> Result<(), EngineError> {
        let column = |name: &String| frame.column(name).cloned().map_err(|error| engine_error(&error, ""));
        let keys = self.keys.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let orders = self.orders.iter().map(|order| column(&order.name)).collect::<Result<Vec<_>, _>>()?;
        survivors.add(&keys, &orders, frame.height())
    }
}

/// The rows of `input` that stay, by their numbers. Runs now.
pub(in crate::engine::polars) fn survivors(
    surroundings: &Surroundings<'_>,
    input: &Relation,
    keys: &[String],
    keep: Keep,
    order_by: &[SortKey],
) -> Result<Arc<Bitmap>, EngineError> {
    let deciding = Deciding::new(keys, keep, order_by);
    let schema = input.schema();
    let fields = schema.fields().iter().filter(|field| deciding.keys.contains(&field.name));
    let keys = fields
        .map(|field| NamedExpr { name: field.name.clone(), expr: Expr::column(&field.name, field.data_type.clone()) });
    let columns = keys.chain(deciding.orders.iter().cloned()).collect();
    let narrow = Relation::Project { input: Arc::new(input.without_taps()), columns };
    let Lowered { frame, subject, .. } = lower(&narrow, surroundings)?;
    let mut found = deciding.survivors(keep, surroundings.spilling);
    stream_frames(frame, &subject, surroundings.execution, &mut |frame| {
        deciding.decide(&frame, &mut found)?;
        Ok(true)
    })?;
    found.finish()
}

/// The rows of the frame that stay, when it is dear to compute twice. Runs the frame now; its columns are those of the schema.
pub(in crate::engine::polars) fn spill_rows(
    lowering: &Lowering<'_>,
    frame: pl::LazyFrame,
    schema: &Schema,
    keys: &[String],
    keep: Keep,
    order_by: &[SortKey],
) -> Result<pl::LazyFrame, EngineError> {
    let deciding = Deciding::new(keys, keep, order_by);
    let orders = deciding.orders.iter().map(|order| Ok(expression::lower(&order.expr)?.alias(order.name.as_str())));
    let orders = orders.collect::<Result<Vec<_>, EngineError>>()?;
    let frame = if orders.is_empty() { frame } else { frame.with_columns(orders) };
    let mut survivors = deciding.survivors(keep, lowering.spilling);
    let mut waiting = Waiting::new(lowering.spilling);
    lowering.consume(frame, &mut |frame| {
        deciding.decide(&frame, &mut survivors)?;
        waiting.add(frame.drop_many(deciding.orders.iter().map(|order| order.name.as_str())))
    })?;
    let kept = waiting.finish(survivors)?;
    let count = kept.count();
    Ok(segments(count, schema, move |block| kept.make(block).map_err(carry), lowering.cancelled))
}

const ROW: &str = "__row_of_input";

/// The rows of the frame whose bit is set.
pub(in crate::engine::polars) fn pick(frame: pl::LazyFrame, rows: Arc<Bitmap>) -> pl::LazyFrame {
    let filter = move |mut frame: pl::DataFrame| {
        let numbers = frame.drop_in_place(ROW)?;
        let numbers = numbers.as_materialized_series().idx()?;
        let mut mask = polars_arrow::bitmap::MutableBitmap::with_capacity(frame.height());
        numbers.downcast_iter().flat_map(|chunk| chunk.values().iter()).for_each(|row| mask.push(rows.get(*row)));
        let mask = pl::BooleanChunked::from_bitmap("stays".into(), mask.freeze());
        frame.filter_seq(&mask)
    };
    let without_row = |schema: &pl::Schema| -> pl::PolarsResult<pl::SchemaRef> {
        let mut schema = schema.clone();
        schema.shift_remove(ROW);
        Ok(Arc::new(schema))
    };
    frame.with_row_index(ROW, None).map(
        filter,
        pl::OptFlags::STREAMING,
        Some(Arc::new(without_row)),
        Some("deduplicate"),
    )
}
