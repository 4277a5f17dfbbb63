//! `validate`: what must hold of the rows.

mod aggregates;
mod catalogue;
mod columns;
mod drift;
mod earlier;
mod examples;
mod exhibits;
mod measure;
mod options;
mod order;
mod pairs;
mod quarantine;
mod rows;
mod schema;
mod scope;
mod score;
mod tables;
mod text;
mod time;
mod verdict;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Expr, Literal, compose};
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};
use catalogue::Check;
use scope::{Measure, Other, Scope};
use work::{Plan, ValidateWork};

/// Checks what must hold of the rows, hands them on, and says how healthy they are.
///
/// A check is one expectation: of each row (`not_null`, `range`, `regex`, `email`, ..), of several columns (`sum_of`,
/// `columns_equal`, ..), of the order of rows (`increasing`), of the table (`rows`, `mean`, `quantile`, ..), of another table
/// (`references`, `same_total_as`), of the columns (`has_columns`, `column_types`, ..), of time (`fresh`, `not_in_future`), or of the
/// last good run of this pipeline (`steady_rows`, `steady_shares`, ..). Nulls pass every check of a value: `not_null`, `any_not_null`
/// and `null_together` speak of them, `unique` and `columns_equal` take them for equal values.
///
/// `where` narrows a check to some rows, `by` asks it of each group. With `severity: fail` (the default) the run ends with exit code
/// 3 when a check does not hold, before anything below starts; with `warn` it is only reported. `warn` and `fail` allow some
/// failing rows first: `{warn: 10, fail: 1%}`. Without `severity`, a check with thresholds does only what they say.
///
/// With `divert: quarantine` rows that fail a check of rows do not end the run: they leave for a side table, with the names of the
/// checks in the column `failed_checks`. A stage below reads it with `from: checked.quarantine`. Checks with `severity: warn`
/// divert nothing, and a stated `fail` still ends the run when too many rows fail.
///
/// The report shows each check with its counts, examples of failing rows, and a health score by dimension, beside those of the run
/// before. Everything that can be counted by aggregates takes one pass over the rows; `unique`, each set of `by`, `increasing` and
/// examples of failing rows take one more. What grows with the data is left to the engine; `increasing` with `by` keeps one value for
/// each group, and `steady_shares` compares at most 10,000 different values.
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
///       - not_null: dep_time
///         where: "arr_delay is not null"
///         by: origin
///         warn: 10
///         fail: 1%
///       - mean: {column: dep_delay, min: 0, max: 30}
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
    /// A name for the side table to which failing rows go; a stage below reads it with `from: <id>.<name>`.
    #[serde(default)]
    divert: Option<Spanned<String>>,
    /// The time by which `fresh`, `not_in_future` and `not_older_than` judge, in UTC: `2024-05-01` or `2024-05-01 12:00:00`. The
    /// time of the run when absent.
    #[serde(default)]
    now: Option<Spanned<String>>,
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

/// A dimension of data quality (after Wang and Strong 1996, and the UK government's framework of 2020).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Nothing is missing.
    Completeness,
    /// Nothing is there twice.
    Uniqueness,
    /// Values are what they may be.
    Validity,
    /// Values agree with each other and with other tables.
    Consistency,
    /// Nothing is stale or from the future.
    Timeliness,
}

impl Dimension {
    /// Its name.
    fn name(self) -> &'static str {
        match self {
            Self::Completeness => "completeness",
            Self::Uniqueness => "uniqueness",
            Self::Validity => "validity",
            Self::Consistency => "consistency",
            Self::Timeliness => "timeliness",
        }
    }
}

impl Stage for Validate {
    fn named_inputs(&self) -> Vec<Spanned<String>> {
        let mut named: Vec<Spanned<String>> = Vec::new();
        for stage in self.checks.iter().flat_map(Check::stages) {
            if !named.iter().any(|known| known.value == stage.value) {
                named.push(stage);
            }
        }
        named
    }

    fn side_table(&self, name: &str) -> Option<Box<dyn Stage>> {
        let divert = self.divert.as_ref().filter(|divert| divert.value == name)?;
        Some(Box::new(quarantine::Quarantine { name: divert.value.clone() }))
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut others = Vec::new();
        for (position, id) in context.input_ids.iter().enumerate().skip(1) {
            others.push(Other { id, position, table: inputs::table(shapes, position, context.input_ids)? });
        }
        let mut scope = Scope {
            stage: context.id,
            id,
            schema: &table.schema,
            others,
            now: self.now()?,
            only: None,
            by: Vec::new(),
            lookups: Vec::new(),
            moments: Vec::new(),
        };
        let mut findings = Findings::new();
        let mut verdicts = Vec::new();
        for check in &self.checks {
            match check.plan(&mut scope, self.severity, self.divert.is_some()) {
                Ok(mut planned) => verdicts.append(&mut planned),
                Err(mut wrong) => findings.append(&mut wrong),
            }
        }
        if self.checks.is_empty() {
            findings.push(Diagnostic::definition("`checks` is empty: say what must hold"));
        }
        findings.extend(self.misplaced_divert(&verdicts, table));
        if !findings.is_empty() {
            return Err(findings);
        }
        let Scope { lookups, moments, now, .. } = scope;
        let plan = Plan {
            stage: context.id.to_owned(),
            schema: table.schema.clone(),
            divert: self.divert.as_ref().map(|divert| divert.value.clone()),
            verdicts,
            lookups,
            moments,
            now,
        };
        let others = shapes.iter().map(|shape| match shape {
            Shape::Table(table) => Some(table.relation.clone()),
            _ => None,
        });
        let product = match &plan.divert {
            Some(_) => table.derive(plan.kept(&table.relation, &others.collect::<Vec<_>>())),
            None => table.clone(),
        };
        let warnings: Vec<Diagnostic> = plan.foreseen().into_iter().map(Diagnostic::warning).collect();
        let meaning = serde_json::json!({ "options": self, "columns": table.schema });
        let mut planned = Planned::relation(product).meaning(meaning).work(ValidateWork { plan });
        planned.findings = warnings;
        Ok(planned)
    }
}

impl Validate {
    /// The stated clock in microseconds since 1970.
    fn now(&self) -> Result<Option<i64>, Findings> {
        let Some(text) = &self.now else { return Ok(None) };
        match compose::typed_literal(&text.value, &DataType::Datetime(None)) {
            Some(Literal::Datetime(micros)) => Ok(Some(micros)),
            _ => Err(vec![
                Diagnostic::definition(format!("`{}` is no time", text.value))
                    .at(&text.place)
                    .help("write `2024-05-01` or `2024-05-01 12:00:00`"),
            ]),
        }
    }

    fn misplaced_divert(&self, verdicts: &[verdict::Verdict], table: &crate::stages::TableShape) -> Findings {
        let Some(divert) = &self.divert else { return Vec::new() };
        let is_name = divert.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && divert.value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let refuse = |message: String| vec![Diagnostic::definition(message).at(&divert.place)];
        if !is_name {
            return refuse(format!("`{}` cannot be the name of a side table", divert.value));
        }
        if table.schema.contains(quarantine::REASONS) {
            return refuse(format!("column `{}` exists already; it would hold the reasons", quarantine::REASONS));
        }
        // Findings of the checks themselves come first; then there may be no verdicts.
        if !verdicts.is_empty() && !verdicts.iter().any(|verdict| verdict.diverts) {
            return refuse(
                "no check looks at single rows with `severity: fail`, so nothing can be diverted".to_owned(),
            );
        }
        Vec::new()
    }
}

/// Whether any of the conditions is true; none: there are no conditions.
fn any(conditions: impl Iterator<Item = Expr>) -> Option<Expr> {
    conditions.reduce(|one, other| Expr::binary(crate::expression::BinaryOperator::Or, one, other, DataType::Boolean))
}

/// Whether an expectation is decided before a row is read.
fn is_known(measure: &Measure) -> bool {
    matches!(measure, Measure::Known { .. })
}
