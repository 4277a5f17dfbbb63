//! `validate`: what must hold of the rows.

mod checks;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::expression::{DataType, Expr};
use crate::relation::{NamedExpr, Relation, Sample, Tap};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};
use checks::{Check, Verdict};

/// Failing rows that are shown for each check.
const EXAMPLES: usize = 5;
/// Columns of failing rows that are shown beside those that the check looks at.
const SHOWN_COLUMNS: usize = 6;

/// Checks what must hold of the rows and hands them on unchanged.
///
/// A check looks at each row or at all of them: `not_null`, `unique`, `range`, `in`, `regex`, `rows` and `expression`. Nulls pass every
/// check but `not_null`. With `severity: fail` (the default) a run ends with exit code 3 when a check does not hold, before
/// anything below starts; with `warn` it is only reported. The report shows failing rows.
///
/// ```yaml
/// - validate:
///     checks:
///       - not_null: [carrier, flight]
///       - unique: [carrier, flight, origin, time_hour]
///       - range: {column: distance, min: 1, max: 10000}
///       - in: {column: origin, values: [EWR, JFK, LGA]}
///       - regex: {column: tailnum, pattern: "^N[0-9A-Z]+$"}
///         severity: warn
///       - rows: {min: 1000}
///       - expression: "arr_delay is null or abs(arr_delay) < 3000"
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validate {
    /// What must hold.
    checks: Vec<Check>,
    /// What happens when a check does not hold, unless the check says otherwise.
    #[serde(default)]
    severity: Severity,
}

/// What happens when a check does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The run ends.
    #[default]
    Fail,
    /// It is reported.
    Warn,
}

impl Stage for Validate {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut findings = Findings::new();
        let mut verdicts = Vec::new();
        for check in &self.checks {
            match check.plan(table, id, self.severity) {
                Ok(mut planned) => verdicts.append(&mut planned),
                Err(mut wrong) => findings.append(&mut wrong),
            }
        }
        if self.checks.is_empty() {
            findings.push(Diagnostic::definition("`checks` is empty: say what must hold"));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let relation = tapped(table, &verdicts, context);
        let meaning: Vec<_> = verdicts.iter().map(|verdict| (&verdict.name, verdict.severity)).collect();
        let meaning = serde_json::to_value(meaning).unwrap_or_default();
        Ok(Planned::relation(table.derive(relation)).work(ValidateWork { verdicts }).meaning(meaning))
    }
}

/// The rows with a tap that counts, for each check, those that fail it.
fn tapped(table: &crate::stages::TableShape, verdicts: &[Verdict], context: &PlanContext<'_>) -> Relation {
    let mut tap =
        Tap { stage: context.id.to_owned(), point: "checked".to_owned(), counters: Vec::new(), samples: Vec::new() };
    let mut helpers = Vec::new();
    for (number, verdict) in verdicts.iter().enumerate() {
        let Some(failing) = &verdict.failing else { continue };
        // A window function cannot stand in a tap, so it becomes a column that does not leave the stage.
        let helper = format!("__check_{number}");
        helpers.push(NamedExpr { name: helper.clone(), expr: failing.clone() });
        let fails = Expr::column(&helper, DataType::Boolean);
        tap.counters.push(NamedExpr { name: verdict.name.clone(), expr: fails.clone() });
        let mut names: Vec<&str> = verdict.columns.iter().map(String::as_str).collect();
        names.extend(
            table.schema.names().filter(|name| !verdict.columns.iter().any(|own| own == name)).take(SHOWN_COLUMNS),
        );
        let columns = names
            .iter()
            .filter_map(|name| table.schema.field(name))
            .filter_map(|field| Some(NamedExpr { name: field.name.clone(), expr: inputs::shown(field)? }));
        tap.samples.push(Sample {
            name: verdict.name.clone(),
            when: fails,
            columns: columns.collect(),
            rows: EXAMPLES,
        });
    }
    let mut columns = inputs::all_columns(&table.schema);
    columns.extend(helpers);
    let checked = Relation::Project { input: table.relation.clone(), columns };
    let counted = Relation::Tap { input: checked.into(), tap: tap.into() };
    Relation::Project { input: counted.into(), columns: inputs::all_columns(&table.schema) }
}

struct ValidateWork {
    verdicts: Vec<Verdict>,
}

impl Work for ValidateWork {
    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }

    fn is_gate(&self) -> bool {
        self.verdicts.iter().any(|verdict| verdict.severity == Severity::Fail)
    }

    fn is_costly(&self) -> bool {
        self.verdicts.iter().any(|verdict| verdict.failing.as_ref().is_some_and(Expr::has_window))
    }

    fn judge(&self, counts: &StageCounts) -> Option<Diagnostic> {
        let failed: Vec<String> = self
            .verdicts
            .iter()
            .filter(|verdict| verdict.severity == Severity::Fail && !verdict.holds(counts))
            .map(|verdict| verdict.describe(counts))
            .collect();
        let first = failed.first()?;
        let message = match failed.len() {
            1 => format!("the rows are refused: {first}"),
            number => format!("the rows are refused by {number} checks: {}", failed.join("; ")),
        };
        let help = "the report shows failing rows; mend them upstream, or report them only with `severity: warn`";
        Some(Diagnostic::error(Class::Data, message).help(help))
    }

    fn remarks(&self, counts: &StageCounts) -> Vec<String> {
        let warns = |verdict: &&Verdict| verdict.severity == Severity::Warn && !verdict.holds(counts);
        self.verdicts.iter().filter(warns).map(|verdict| verdict.describe(counts)).collect()
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let rows = self.verdicts.iter().map(|verdict| {
            let outcome = match (verdict.holds(counts), verdict.severity) {
                (true, _) => "holds",
                (false, Severity::Fail) => "fails",
                (false, Severity::Warn) => "warns",
            };
            let failing = verdict.failing.as_ref().map(|_| counts.counter("checked", &verdict.name));
            vec![Cell::text(verdict.name.clone()), Cell::text(outcome), failing.map_or(Cell::Empty, Cell::count)]
        });
        let columns =
            vec![Column::new("check"), Column::new("result"), Column::formatted("failing rows", Format::Integer)];
        let mut exhibits = vec![Exhibit::table("Checks", columns, rows.collect())];
        for verdict in self.verdicts.iter().filter(|verdict| !verdict.holds(counts)) {
            let sample = counts.sample("checked", &verdict.name);
            if let Some(width) = sample.first().map(Vec::len) {
                exhibits.push(failing_rows(verdict, sample, width));
            }
        }
        exhibits
    }
}

fn failing_rows(verdict: &Verdict, sample: &[Vec<Option<String>>], width: usize) -> Exhibit {
    let named = verdict.shown.iter().take(width).map(Column::new);
    let rows = sample.iter().map(|row| row.iter().map(|value| Cell::optional(value.clone())).collect());
    Exhibit::Table(Table {
        title: format!("Rows that fail: {}", verdict.name),
        columns: named.collect(),
        rows: rows.collect(),
        note: None,
    })
}
