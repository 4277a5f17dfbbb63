//! What came out of a test beside what was expected: failures, warnings, and rows.

use std::path::Path;

use arrow::array::Array;

use super::compare::{self, Cell, Difference};
use super::rows::{self, Written};
use super::stages::scan;
use super::{ChangedRow, MOST_PAIRS, MOST_ROWS, Options, Problem, RowDifference, from_findings};
use crate::batch;
use crate::definition::{Compared, Expected, Spanned, Test};
use crate::diagnostic::{Diagnostic, Findings};
use crate::engine::Execution;
use crate::expression::{DataType, Schema};
use crate::plan::{self, Plan};
use crate::relation::{Relation, Scan};
use crate::run::manifest::RunRecord;
use crate::stages::Shape;

/// Words that a message lacks.
fn lacks<'a>(message: &str, says: Option<&'a Vec<Spanned<String>>>) -> Vec<&'a Spanned<String>> {
    says.into_iter().flatten().filter(|words| !message.contains(words.value.as_str())).collect()
}

/// What is wrong with findings of the definition when a failure is expected.
pub(super) fn unexpected_failure(failure: &crate::definition::Failure, findings: &Findings) -> Vec<Problem> {
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let message = said.join("; ");
    let mut problems: Vec<Problem> = lacks(&message, failure.says.as_ref().map(|says| &says.0))
        .into_iter()
        .map(|words| Problem::new(format!("the failure does not say `{}`, but: {message}", words.value), &words.place))
        .collect();
    if let Some(exit) = failure.exit.as_ref().filter(|exit| exit.value != 2) {
        problems.push(Problem::new("the definition is wrong, which is exit code 2", &exit.place));
    }
    problems
}

/// Failures that were not expected, or an expected one that did not happen as it should.
pub(super) fn failures(test: &Test, record: &RunRecord) -> Vec<Problem> {
    let failed: Vec<_> =
        record.stages.iter().filter_map(|stage| stage.error.as_ref().map(|error| (stage, error))).collect();
    let Some(expected) = &test.fails else {
        let problem =
            |(stage, error): (&crate::run::manifest::StageRecord, &crate::run::manifest::StageError)| Problem {
                message: format!("stage `{}` failed: {}", stage.id, error.message),
                place: error.place.clone(),
                help: error.help.clone(),
                rows: None,
            };
        return failed.into_iter().map(problem).collect();
    };
    let place = expected.stage.as_ref().map_or(&test.name.place, |stage| &stage.place);
    let wanted = expected.stage.as_ref().map(|stage| stage.value.as_str());
    let found = failed.iter().find(|(stage, _)| wanted.is_none_or(|wanted| stage.id == wanted));
    let Some((stage, error)) = found else {
        let what = wanted.map_or_else(|| "a stage".to_owned(), |stage| format!("`{stage}`"));
        let instead: Vec<String> =
            failed.iter().map(|(stage, error)| format!("`{}` failed: {}", stage.id, error.message)).collect();
        let instead = if instead.is_empty() { "nothing failed".to_owned() } else { instead.join("; ") };
        return vec![Problem::new(format!("{what} should have failed, but {instead}"), place)];
    };
    let mut problems: Vec<Problem> = lacks(&error.message, expected.says.as_ref().map(|says| &says.0))
        .into_iter()
        .map(|words| {
            let message =
                format!("the failure of `{}` does not say `{}`, but: {}", stage.id, words.value, error.message);
            Problem::new(message, &words.place)
        })
        .collect();
    if let Some(exit) = expected.exit.as_ref().filter(|exit| exit.value != error.class.exit_code()) {
        let message = format!("`{}` failed with exit code {}, not {}", stage.id, error.class.exit_code(), exit.value);
        problems.push(Problem::new(message, &exit.place));
    }
    problems
}

/// Expected warnings that were not given.
pub(super) fn unheard(test: &Test, record: &RunRecord) -> Vec<Problem> {
    let missing = test.warns.iter().filter(|words| !record.warnings.iter().any(|text| text.contains(&words.value)));
    let said = match record.warnings.as_slice() {
        [] => "there was no warning".to_owned(),
        warnings => format!("the warnings are: {}", warnings.join("; ")),
    };
    missing.map(|words| Problem::new(format!("no warning says `{}`; {said}", words.value), &words.place)).collect()
}

/// Compares what came out of a stage with what was expected.
pub(super) fn compared(
    id: &Spanned<String>,
    expected: &Expected,
    kept: &str,
    plan: &Plan,
    folder: &Path,
    options: &Options<'_>,
) -> Vec<Problem> {
    let one = |finding: &Diagnostic| vec![Problem::from_finding(finding)];
    let Some(Shape::Table(table)) = plan.stage(kept).map(plan::PlannedStage::shape) else { return Vec::new() };
    let scan = scan(folder.join(format!("{kept}.parquet")), table.schema.clone());
    let mut problems = Vec::new();
    if let Some(count) = expected.count {
        let relation = Relation::Scan(scan.clone());
        match options.engine.count(&relation, &Execution::default()) {
            Ok(rows) if rows == count => {}
            Ok(rows) => {
                problems.push(Problem::new(format!("`{}` gives {rows} rows, not {count}", id.value), &id.place));
            }
            Err(error) => return one(&Diagnostic::from(error)),
        }
    }
    let Some(rows) = &expected.rows else { return problems };
    let written = match Written::read(rows, Some(&table.schema)) {
        Ok(written) => written,
        Err(findings) => return from_findings(findings),
    };
    let unknown = written.columns.iter().filter(|column| !table.schema.contains(&column.value));
    let mut wrong: Vec<Problem> =
        unknown.map(|column| Problem::from_finding(&rows::unknown_column(column, &table.schema, &id.value))).collect();
    if expected.columns == Compared::All {
        let named = |name: &&str| !written.columns.iter().any(|column| column.value == **name);
        let left: Vec<&str> = table.schema.names().filter(named).collect();
        if !left.is_empty() && !written.rows.is_empty() {
            let message = format!("`{}` has further columns: {}", id.value, left.join(", "));
            wrong.push(Problem::new(message, &rows.place));
        }
    }
    if !wrong.is_empty() {
        problems.append(&mut wrong);
        return problems;
    }
    // Without an expected row no column is named, but found rows should be shown.
    let names: Vec<String> = if written.columns.is_empty() {
        table.schema.names().map(str::to_owned).collect()
    } else {
        written.columns.iter().map(|column| column.value.clone()).collect()
    };
    let fields = names.iter().filter_map(|name| table.schema.field(name)).cloned().collect();
    let schema = Schema::new(fields).unwrap_or_default();
    let expected_rows = match written.table(&schema, &id.value) {
        Ok(batch) => cells(&[batch], &schema),
        Err(findings) => return from_findings(findings),
    };
    let found_rows = match found(scan, &schema, options) {
        Ok(rows) => rows,
        Err(finding) => return one(&finding),
    };
    let too_many = found_rows.len() > MOST_ROWS
        || (expected.ordered && expected_rows.len().saturating_mul(found_rows.len()) > MOST_PAIRS);
    if too_many {
        let message = format!("`{}` gives {} rows, too many to compare one by one", id.value, found_rows.len());
        problems.push(Problem::new(message, &id.place));
        return problems;
    }
    let difference = compare::compare(&expected_rows, &found_rows, expected.ordered, expected.tolerance);
    if !difference.is_empty() {
        let message = match (expected_rows.len(), found_rows.len()) {
            (wanted, there) if wanted == there => format!("`{}` gives other rows than expected", id.value),
            (wanted, there) => format!("`{}` gives {there} rows, {wanted} are expected", id.value),
        };
        let mut problem = Problem::new(message, &id.place);
        problem.rows = Some(shown(&difference, &names, &expected_rows, &found_rows, &written));
        problems.push(problem);
    }
    problems
}

/// The rows that came out, in the compared columns; at most one more than can be compared.
fn found(scan: Scan, schema: &Schema, options: &Options<'_>) -> Result<Vec<compare::Row>, Diagnostic> {
    let columns = crate::stages::inputs::all_columns(schema);
    let relation = Relation::Project { input: Relation::Scan(scan).into(), columns };
    let rows = u64::try_from(MOST_ROWS).unwrap_or(u64::MAX) + 1;
    let limited = Relation::Limit { input: relation.into(), offset: 0, rows };
    let batches = options.engine.collect(&limited, &Execution::default())?;
    Ok(cells(&batches, schema))
}

fn cells(batches: &[arrow::array::RecordBatch], schema: &Schema) -> Vec<compare::Row> {
    let mut rows = Vec::new();
    for found in batches {
        let columns: Vec<Vec<Cell>> = schema
            .fields()
            .iter()
            .map(|field| match batch::column(found, &field.name) {
                Some(column) if matches!(field.data_type, DataType::Float32 | DataType::Float64) => {
                    let values = batch::floats(column).into_iter().enumerate();
                    values
                        .map(|(row, value)| if column.is_null(row) { Cell::Null } else { Cell::Number(value) })
                        .collect()
                }
                Some(column) => {
                    batch::texts(column).into_iter().map(|text| text.map_or(Cell::Null, Cell::Text)).collect()
                }
                None => vec![Cell::Null; found.num_rows()],
            })
            .collect();
        for row in 0..found.num_rows() {
            rows.push(columns.iter().map(|column| column.get(row).cloned().unwrap_or(Cell::Null)).collect());
        }
    }
    rows
}

fn shown(
    difference: &Difference,
    names: &[String],
    expected: &[compare::Row],
    found: &[compare::Row],
    written: &Written,
) -> RowDifference {
    let texts =
        |row: Option<&compare::Row>| -> Vec<Option<String>> { row.into_iter().flatten().map(cell_text).collect() };
    let line = |at: usize| written.rows.get(at).map_or(0, |(_, place)| place.line());
    RowDifference {
        columns: names.to_vec(),
        missing: difference.missing.iter().map(|&at| (line(at), texts(expected.get(at)))).collect(),
        extra: difference.extra.iter().map(|&at| (at + 1, texts(found.get(at)))).collect(),
        changed: difference
            .changed
            .iter()
            .map(|(one, other, columns)| {
                let cell = |row: Option<&compare::Row>, at: usize| row.and_then(|row| row.get(at)).and_then(cell_text);
                let cells = columns.iter().map(|&at| {
                    let name = names.get(at).cloned().unwrap_or_default();
                    (name, cell(expected.get(*one), at), cell(found.get(*other), at))
                });
                ChangedRow { line: line(*one), row: texts(expected.get(*one)), cells: cells.collect() }
            })
            .collect(),
    }
}

fn cell_text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Null => None,
        Cell::Number(value) => Some(value.to_string()),
        Cell::Text(text) => Some(text.clone()),
    }
}
