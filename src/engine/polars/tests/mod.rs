//! Relations run on small tables; the expected rows are written by hand from the documentation of [`Relation`].

mod deduplicates;
mod external;
mod files;
mod hostile;
mod joins;
mod pins;
mod relations;
mod spilling;
mod streams;
mod taps;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{PolarsEngine, PolarsOptions};
use crate::engine::{Engine, Execution, arrow_schema};
use crate::expression::{DataType, Expr, Field, Schema, SortKey};
use crate::relation::{NamedExpr, Relation, Scan, ScanSource};

fn engine() -> PolarsEngine {
    PolarsEngine::new(PolarsOptions::default())
}

fn schema(fields: &[(&str, DataType)]) -> Schema {
    Schema::new(fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone())).collect()).unwrap()
}

/// A table that the engine holds, as a relation.
fn table(engine: &PolarsEngine, columns: Vec<(&str, DataType, ArrayRef)>) -> Arc<Relation> {
    let schema = schema(&columns.iter().map(|(name, data_type, _)| (*name, data_type.clone())).collect::<Vec<_>>());
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    let batch = RecordBatch::try_new(arrow_schema(&schema), arrays).unwrap();
    let pinned = engine.table_from_batches(&schema, &[batch]).unwrap();
    pinned_scan(pinned.id, schema)
}

fn pinned_scan(id: u64, schema: Schema) -> Arc<Relation> {
    Arc::new(Relation::Scan(Scan { source: ScanSource::Pinned(id), schema }))
}

fn integers(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(arrow::array::Int64Array::from(values.to_vec()))
}

fn numbers(values: std::ops::Range<i64>) -> ArrayRef {
    Arc::new(arrow::array::Int64Array::from_iter_values(values))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(arrow::array::StringViewArray::from(values.to_vec()))
}

/// The rows as text, `-` for null, fields between spaces.
fn rows(engine: &PolarsEngine, relation: &Relation) -> Vec<String> {
    text(&engine.collect(relation, &Execution::default()).unwrap(), &relation.schema())
}

fn text(batches: &[RecordBatch], schema: &Schema) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let mut rows = Vec::new();
    for batch in batches {
        assert_eq!(batch.schema(), arrow_schema(schema));
        let columns: Vec<_> =
            batch.columns().iter().map(|array| ArrayFormatter::try_new(array.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" "));
        }
    }
    rows
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

fn integer(name: &str) -> Expr {
    Expr::column(name, DataType::Int64)
}

fn string(name: &str) -> Expr {
    Expr::column(name, DataType::String)
}

fn named(name: &str, expr: Expr) -> NamedExpr {
    NamedExpr { name: name.to_owned(), expr }
}

fn ascending(expr: Expr) -> SortKey {
    SortKey { expr, descending: false, nulls_first: false }
}

fn greater(expr: Expr, than: i64) -> Expr {
    Expr::binary(crate::expression::BinaryOperator::Greater, expr, Expr::integer(than), DataType::Boolean)
}
