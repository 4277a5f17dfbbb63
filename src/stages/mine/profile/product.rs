//! The table with a row for each column.

use arrow::array::RecordBatch;

use super::document::{ColumnProfile, NumberProfile, TableProfile, TextProfile};
use super::exhibits::sentence;
use crate::batch::{self, Values};
use crate::diagnostic::Diagnostic;
use crate::expression::{Field, Schema};
use crate::stages::work::signed;

/// The columns of the table.
pub(super) fn schema() -> Schema {
    let empty = TableProfile {
        name: String::new(),
        read_as_null: Vec::new(),
        rows: 0,
        columns: Vec::new(),
        nulls: super::NullProfile {
            cells: 0,
            complete_rows: 0,
            patterns: Vec::new(),
            other_rows: 0,
            together: Vec::new(),
        },
        duplicates: super::Repeats { rows: 0, exact: true, standard_error: 0.0, compared: 0 },
        correlations: Vec::new(),
        correlated: Vec::new(),
        keys: Vec::new(),
        dependencies: Vec::new(),
        alerts: Vec::new(),
        comparison: None,
    };
    let fields = columns(&empty).into_iter().map(|(name, values)| Field::new(name, values.data_type()));
    Schema::new(fields.collect()).unwrap_or_default()
}

/// The rows.
///
/// Errors: none that input can reach.
pub(super) fn of(table: &TableProfile) -> Result<RecordBatch, Diagnostic> {
    batch::table(columns(table))
}

fn columns(table: &TableProfile) -> Vec<(&'static str, Values)> {
    let columns = &table.columns;
    let texts = |of: &dyn Fn(&ColumnProfile) -> Option<String>| Values::Texts(columns.iter().map(of).collect());
    let integers = |of: &dyn Fn(&ColumnProfile) -> Option<u64>| {
        Values::Integers(columns.iter().map(|column| of(column).map(signed)).collect())
    };
    let floats = |of: &dyn Fn(&ColumnProfile) -> Option<f64>| Values::Floats(columns.iter().map(of).collect());
    let number = |of: fn(&NumberProfile) -> Option<f64>| {
        Values::Floats(columns.iter().map(|column| column.numbers.as_ref().and_then(of)).collect())
    };
    let counted = |of: fn(&NumberProfile) -> u64| integers(&|column| column.numbers.as_ref().map(of));
    let quantile = |probability: f64| {
        Values::Floats(columns.iter().map(|column| column.numbers.as_ref()?.quantile(probability)).collect())
    };
    let text = |of: fn(&TextProfile) -> u64| integers(&|column| column.texts.as_ref().map(of));
    let alerts = |column: &ColumnProfile| -> Vec<String> {
        let about = table.alerts.iter().filter(|alert| alert.columns.contains(&column.name));
        about.map(sentence).collect()
    };
    vec![
        ("column", texts(&|c| Some(c.name.clone()))),
        ("type", texts(&|c| Some(c.r#type.clone()))),
        ("meaning", texts(&|c| Some(c.meaning.words().to_owned()))),
        ("rows", integers(&|c| Some(c.rows))),
        ("nulls", integers(&|c| Some(c.nulls))),
        ("distinct", integers(&|c| Some(c.distinct.count))),
        ("distinct_error", floats(&|c| Some(c.distinct.standard_error))),
        ("nan", counted(|n| n.nan)),
        ("infinite", counted(|n| n.infinite)),
        ("zeros", counted(|n| n.zeros)),
        ("negative", counted(|n| n.negative)),
        ("mean", number(|n| n.mean)),
        ("sd", number(|n| n.sd)),
        ("skewness", number(|n| n.skewness)),
        ("kurtosis", number(|n| n.kurtosis)),
        ("min", number(|n| n.min)),
        ("q05", quantile(0.05)),
        ("q25", quantile(0.25)),
        ("median", quantile(0.5)),
        ("q75", quantile(0.75)),
        ("q95", quantile(0.95)),
        ("max", number(|n| n.max)),
        ("outliers", counted(|n| n.outliers)),
        ("far_outliers", counted(|n| n.far_outliers)),
        ("first", texts(&|c| c.times.as_ref().map(|times| times.first.clone()))),
        ("last", texts(&|c| c.times.as_ref().map(|times| times.last.clone()))),
        ("shortest", text(|t| t.shortest)),
        ("longest", text(|t| t.longest)),
        ("mean_length", floats(&|c| c.texts.as_ref().map(|texts| texts.mean_length))),
        ("top", texts(&|c| c.first().map(|top| top.value.clone()))),
        ("top_count", integers(&|c| c.first().map(|top| top.count))),
        ("alerts", Values::Lists(columns.iter().map(alerts).collect())),
    ]
}
