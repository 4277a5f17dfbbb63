//! The tables of sets and of rules.

use std::path::Path;

use arrow::array::RecordBatch;

use super::book::Book;
use super::rules::Confirmed;
use crate::batch::{self, Values};
use crate::diagnostic::Diagnostic;
use crate::expression::{DataType, Field, Schema};
use crate::mining::itemsets::{Itemset, Itemsets as Found};
use crate::mining::rules::{Contingency, Rules as Made};
use crate::stages::work::signed;

/// Rows of a row group: names are made for so many sets at a time.
const ROWS: usize = 65_536;

/// A measure with its name.
type Measure = (&'static str, fn(&Contingency) -> f64);

/// The measures of a rule, in the order in which they stand in the table.
const MEASURES: [Measure; 10] = [
    ("support", Contingency::support),
    ("confidence", Contingency::confidence),
    ("lift", Contingency::lift),
    ("leverage", Contingency::leverage),
    ("conviction", Contingency::conviction),
    ("zhang", Contingency::zhang),
    ("jaccard", Contingency::jaccard),
    ("kulczynski", Contingency::kulczynski),
    ("certainty", Contingency::certainty),
    ("p_value", Contingency::p_value),
];

pub(super) fn set_schema() -> Schema {
    let fields = vec![
        Field::new("items", DataType::List(Box::new(DataType::String))),
        Field::new("length", DataType::Int64),
        Field::new("count", DataType::Int64),
        Field::new("support", DataType::Float64),
    ];
    Schema::new(fields).unwrap_or_default()
}

pub(super) fn rule_schema(confirmed: bool) -> Schema {
    let texts = || DataType::List(Box::new(DataType::String));
    let mut fields = vec![
        Field::new("antecedent", texts()),
        Field::new("consequent", texts()),
        Field::new("count", DataType::Int64),
    ];
    fields.extend(MEASURES.iter().map(|(name, _)| Field::new(*name, DataType::Float64)));
    fields.push(Field::new("p_adjusted", DataType::Float64));
    if confirmed {
        fields.push(Field::new("confirm_count", DataType::Int64));
        let names = ["confirm_support", "confirm_confidence", "confirm_lift", "confirm_p_value", "confirm_p_adjusted"];
        fields.extend(names.map(|name| Field::new(name, DataType::Float64)));
        fields.push(Field::new("confirmed", DataType::Boolean));
    }
    Schema::new(fields).unwrap_or_default()
}

/// Row groups of the table, at least one.
fn parts(rows: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..rows.div_ceil(ROWS).max(1)).map(move |part| part * ROWS..((part + 1) * ROWS).min(rows))
}

/// Writes the table of sets.
pub(super) fn write_sets(path: &Path, found: &Found, book: &Book) -> Result<(), Diagnostic> {
    batch::write_parquet_parts(
        path,
        parts(found.len()).map(|part| {
            let sets: Vec<Itemset<'_>> = part.filter_map(|place| found.get(place)).collect();
            batch::table(vec![
                ("items", Values::Lists(sets.iter().map(|set| book.names(set.items)).collect())),
                ("length", Values::Integers(sets.iter().map(|set| Some(signed(set.items.len() as u64))).collect())),
                ("count", Values::Integers(sets.iter().map(|set| Some(signed(set.count))).collect())),
                ("support", Values::Floats(sets.iter().map(|set| Some(found.support(*set))).collect())),
            ])
        }),
    )
}

/// Writes the table of rules.
pub(super) fn write_rules(
    path: &Path,
    made: &Made,
    adjusted: &[f64],
    confirmed: Option<&Confirmed>,
    book: &Book,
) -> Result<(), Diagnostic> {
    batch::write_parquet_parts(path, parts(made.rules.len()).map(|part| rules(part, made, adjusted, confirmed, book)))
}

fn rules(
    part: std::ops::Range<usize>,
    made: &Made,
    adjusted: &[f64],
    confirmed: Option<&Confirmed>,
    book: &Book,
) -> Result<RecordBatch, Diagnostic> {
    let rules = made.rules.get(part.clone()).unwrap_or_default();
    let mut columns = vec![
        ("antecedent", Values::Lists(rules.iter().map(|rule| book.names(&rule.antecedent)).collect())),
        ("consequent", Values::Lists(rules.iter().map(|rule| book.names(&rule.consequent)).collect())),
        ("count", Values::Integers(rules.iter().map(|rule| Some(signed(rule.counts.both))).collect())),
    ];
    columns.extend(MEASURES.iter().map(|(name, measure)| {
        (*name, Values::Floats(rules.iter().map(|rule| Some(measure(&rule.counts))).collect()))
    }));
    let of_part = |values: &[f64]| {
        Values::Floats(values.get(part.clone()).unwrap_or_default().iter().copied().map(Some).collect())
    };
    columns.push(("p_adjusted", of_part(adjusted)));
    if let Some(confirmed) = confirmed {
        let counts = confirmed.counts.get(part.clone()).unwrap_or_default();
        let measured = |measure: fn(&Contingency) -> f64| {
            Values::Floats(counts.iter().map(|counts| Some(measure(counts))).collect())
        };
        columns.push(("confirm_count", Values::Integers(counts.iter().map(|c| Some(signed(c.both))).collect())));
        columns.push(("confirm_support", measured(Contingency::support)));
        columns.push(("confirm_confidence", measured(Contingency::confidence)));
        columns.push(("confirm_lift", measured(Contingency::lift)));
        columns.push(("confirm_p_value", of_part(&confirmed.p)));
        columns.push(("confirm_p_adjusted", of_part(&confirmed.adjusted)));
        columns.push(("confirmed", Values::Booleans(part.clone().map(|rule| Some(confirmed.holds(rule))).collect())));
    }
    batch::table(columns)
}
