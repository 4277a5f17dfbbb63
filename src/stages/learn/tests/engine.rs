//! A slow, plain engine over tables in memory: just enough relations for these tests, with nothing to go wrong.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray, UInt64Array,
};
use arrow::compute::{cast, concat_batches, filter_record_batch, take, take_record_batch};
use arrow::datatypes::Float64Type;

use crate::batch;
use crate::engine::{Engine, EngineError, Execution, Pinned, Target, Written, arrow_schema, arrow_type};
use crate::expression::{BinaryOperator, Expr, ExprKind, Function, Literal, Schema};
use crate::relation::{FileFormat, JoinKind, NamedExpr, Relation, Scan, ScanSource};

/// Tables by their number.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) tables: HashMap<u64, RecordBatch>,
}

impl Tables {
    pub(super) fn rows(&self, relation: &Relation) -> RecordBatch {
        match relation {
            Relation::Scan(scan) => self.scan(scan),
            Relation::Tap { input, .. } => self.rows(input),
            Relation::Project { input, columns } => project(&self.rows(input), columns),
            Relation::Filter { input, predicate } => {
                let rows = self.rows(input);
                let kept = evaluate(predicate, &rows);
                filter_record_batch(&rows, kept.as_boolean()).unwrap()
            }
            Relation::Deduplicate { input, keys, .. } => {
                let rows = self.rows(input);
                let keys = key_texts(&rows, keys);
                let mut seen = std::collections::HashSet::new();
                let kept: BooleanArray = keys.into_iter().map(|key| Some(seen.insert(key))).collect();
                filter_record_batch(&rows, &kept).unwrap()
            }
            Relation::Join(join) => {
                assert_eq!(join.kind, JoinKind::Left);
                let (left, right) = (self.rows(&join.left), self.rows(&join.right));
                let (ours, theirs): (Vec<String>, Vec<String>) = join.on.iter().cloned().unzip();
                let right_keys = key_texts(&right, &theirs);
                let (mut at_left, mut at_right): (Vec<u64>, Vec<Option<u64>>) = Default::default();
                for (row, key) in (0..).zip(key_texts(&left, &ours)) {
                    let matches: Vec<u64> =
                        (0..).zip(&right_keys).filter(|(_, k)| **k == key).map(|(at, _)| at).collect();
                    let matches: Vec<Option<u64>> =
                        if matches.is_empty() { vec![None] } else { matches.into_iter().map(Some).collect() };
                    at_left.extend(matches.iter().map(|_| row));
                    at_right.extend(matches);
                }
                let left = take_record_batch(&left, &UInt64Array::from(at_left)).unwrap();
                let at_right = UInt64Array::from(at_right);
                let mut columns: Vec<(String, ArrayRef)> = left
                    .schema()
                    .fields()
                    .iter()
                    .map(|field| field.name().clone())
                    .zip(left.columns().to_vec())
                    .collect();
                for (theirs, name) in &join.take {
                    columns
                        .push((name.clone(), take(batch::column(&right, theirs).unwrap(), &at_right, None).unwrap()));
                }
                table(columns)
            }
            Relation::Aggregate { input, keys, aggregates } => {
                let rows = self.rows(input);
                let names: Vec<String> = keys.iter().map(|key| key.name.clone()).collect();
                let key_rows = project(&rows, keys);
                let groups =
                    if keys.is_empty() { vec![String::new(); rows.num_rows()] } else { key_texts(&key_rows, &names) };
                let mut order: Vec<String> = groups.clone();
                order.sort();
                order.dedup();
                let texts = |name: &String| batch::texts(batch::column(&key_rows, name).unwrap());
                let mut columns: Vec<(String, ArrayRef)> = Vec::new();
                if let [name] = names.as_slice() {
                    let texts = texts(name);
                    let shown = order
                        .iter()
                        .map(|group| texts[groups.iter().position(|other| other == group).unwrap()].clone());
                    columns.push((name.clone(), Arc::new(shown.collect::<StringViewArray>())));
                }
                for aggregate in aggregates {
                    let ExprKind::Aggregate(call) = &aggregate.expr.kind else { panic!("{aggregate:?}") };
                    let counted = match (call.function, call.arguments.as_slice()) {
                        (Function::CountAll, _) => None,
                        (Function::Count, [value]) => Some(evaluate(value, &rows)),
                        other => panic!("{other:?}"),
                    };
                    let is = |row: usize| counted.as_ref().is_none_or(|array| array.is_valid(row));
                    let count = |group: &String| {
                        (0..rows.num_rows()).filter(|row| groups[*row] == *group && is(*row)).count() as i64
                    };
                    columns.push((aggregate.name.clone(), Arc::new(order.iter().map(count).collect::<Int64Array>())));
                }
                table(columns)
            }
            other => panic!("{other:?}"),
        }
    }

    fn scan(&self, scan: &Scan) -> RecordBatch {
        let all = match &scan.source {
            ScanSource::Pinned(id) => self.tables[id].clone(),
            ScanSource::Files(files) => read_parquet(&files.paths[0]),
            other => panic!("{other:?}"),
        };
        let columns = scan.schema.fields().iter().map(|field| {
            let array = batch::column(&all, &field.name).unwrap();
            (field.name.clone(), cast(array, &arrow_type(&field.data_type)).unwrap())
        });
        let columns: Vec<_> = columns.collect();
        if columns.is_empty() { all.project(&[]).unwrap() } else { table(columns) }
    }
}

pub(super) fn read_parquet(path: &Path) -> RecordBatch {
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().collect::<Result<_, _>>().unwrap();
    concat_batches(&schema, &batches).unwrap()
}

fn table(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn project(rows: &RecordBatch, columns: &[NamedExpr]) -> RecordBatch {
    table(columns.iter().map(|column| (column.name.clone(), evaluate(&column.expr, rows))).collect())
}

fn key_texts(rows: &RecordBatch, keys: &[String]) -> Vec<String> {
    let columns: Vec<_> = keys.iter().map(|key| batch::texts(batch::column(rows, key).unwrap())).collect();
    (0..rows.num_rows()).map(|row| columns.iter().map(|column| format!("{:?},", column[row])).collect()).collect()
}

fn evaluate(expr: &Expr, rows: &RecordBatch) -> ArrayRef {
    let n = rows.num_rows();
    match &expr.kind {
        ExprKind::Column(name) => Arc::clone(batch::column(rows, name).unwrap_or_else(|| panic!("no column {name}"))),
        ExprKind::Literal(Literal::Float(value)) => Arc::new(Float64Array::from(vec![*value; n])),
        ExprKind::Literal(Literal::Integer(value)) => Arc::new(Int64Array::from(vec![*value; n])),
        ExprKind::Literal(Literal::String(text)) => {
            Arc::new(vec![Some(text); n].into_iter().collect::<StringViewArray>())
        }
        ExprKind::Cast { value, .. } => cast(&evaluate(value, rows), &arrow_type(&expr.data_type)).unwrap(),
        ExprKind::Binary(operator, left, right) => {
            let (left, right) = (evaluate(left, rows), evaluate(right, rows));
            if *operator == BinaryOperator::Equal {
                let (left, right) = (batch::texts(&left), batch::texts(&right));
                return Arc::new(left.into_iter().zip(right).map(|(a, b)| Some(a? == b?)).collect::<BooleanArray>());
            }
            let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
            let pairs = left.iter().zip(right).map(|(a, b)| a.zip(b));
            match operator {
                BinaryOperator::Greater => {
                    Arc::new(pairs.map(|pair| pair.map(|(a, b)| a > b)).collect::<BooleanArray>())
                }
                BinaryOperator::Multiply => {
                    Arc::new(pairs.map(|pair| pair.map(|(a, b)| a * b)).collect::<Float64Array>())
                }
                other => panic!("{other:?}"),
            }
        }
        other => panic!("{other:?}"),
    }
}

impl Engine for Tables {
    fn stream(
        &self,
        relation: &Relation,
        execution: &Execution,
        sink: &mut dyn FnMut(RecordBatch) -> Result<bool, EngineError>,
    ) -> Result<(), EngineError> {
        let rows = self.rows(relation);
        assert_eq!(rows.schema().fields(), arrow_schema(&relation.schema()).fields());
        for start in (0..rows.num_rows()).step_by(97) {
            execution.check_cancelled()?;
            if !sink(rows.slice(start, 97.min(rows.num_rows() - start)))? {
                break;
            }
        }
        Ok(())
    }

    fn pin(&self, _: &Relation, _: &Execution, _: &Path) -> Result<Pinned, EngineError> {
        panic!("nothing is pinned here")
    }

    fn unpin(&self, _: u64) {}

    fn write(&self, _: &Relation, _: &Execution, _: &Target) -> Result<Written, EngineError> {
        panic!("nothing is written here")
    }

    fn explain(&self, _: &Relation) -> Result<String, EngineError> {
        Ok(String::new())
    }

    fn file_schema(&self, _: &Path, _: &FileFormat, _: usize) -> Result<Schema, EngineError> {
        panic!("no file is looked at here")
    }

    fn count(&self, relation: &Relation, _: &Execution) -> Result<u64, EngineError> {
        Ok(self.rows(relation).num_rows() as u64)
    }
}
