//! What `validate` does: it measures the expectations, judges them, sets failing rows aside and tells what it found.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::earlier::Before;
use super::measure::{self, Judged};
use super::quarantine;
use super::scope::{Lookup, Measure, Moment};
use super::score::Score;
use super::verdict::{Grade, Verdict};
use super::{any, examples, exhibits, is_known};
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::{Compression, Target, TargetFormat};
use crate::expression::{DataType, Expr, Field, Function, Literal, Schema};
use crate::relation::{self, Bindings, JoinKind, Keep, NamedExpr, Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{Product, inputs};

/// The name of the column that says that a value occurs in another table.
const FOUND: &str = "found";
/// Checks that are named in the record of a run.
const NAMED: usize = 20;

/// A checked `validate`.
pub(super) struct Plan {
    /// The id of the stage.
    pub(super) stage: String,
    /// The columns of the rows.
    pub(super) schema: Schema,
    /// The name of the side table.
    pub(super) divert: Option<String>,
    /// The expectations.
    pub(super) verdicts: Vec<Verdict>,
    /// Tables that they look at.
    pub(super) lookups: Vec<Lookup>,
    /// Constants that depend on the clock.
    pub(super) moments: Vec<Moment>,
    /// The stated clock.
    pub(super) now: Option<i64>,
}

impl Plan {
    /// The rows with the answers of all lookups beside them, in their order and number.
    pub(super) fn beside(&self, rows: &Arc<Relation>, others: &[Option<Arc<Relation>>]) -> Arc<Relation> {
        let mut base = Arc::clone(rows);
        for (number, lookup) in self.lookups.iter().enumerate() {
            let (ours, theirs, answer) = match lookup {
                Lookup::Repeated { keys, .. } => {
                    let columns = known_keys(number, keys);
                    let fields = columns.iter().map(|column| Field::new(&column.name, column.expr.data_type.clone()));
                    let fields = fields.chain([Field::new(COUNT, DataType::Int64)]).collect();
                    let schema = Schema::new(fields).unwrap_or_default();
                    let source = ScanSource::Artifact(self.repeated_key(number));
                    (columns, Relation::Scan(Scan { source, schema }), COUNT)
                }
                Lookup::Found { input, pairs } => {
                    let Some(other) = others.get(*input).and_then(Option::as_ref) else { continue };
                    (here(number, pairs), there(number, pairs, other), FOUND)
                }
            };
            let on: Vec<(String, String)> =
                ours.iter().map(|column| (column.name.clone(), column.name.clone())).collect();
            let mut columns = inputs::all_columns(&base.schema());
            columns.extend(ours);
            base = Arc::new(Relation::Join(Box::new(relation::Join {
                left: Arc::new(Relation::Project { input: base, columns }),
                right: theirs.into(),
                kind: JoinKind::Left,
                on,
                take: vec![(answer.to_owned(), Lookup::column(number))],
                asof: None,
            })));
        }
        base
    }

    /// The rows that are not diverted.
    pub(super) fn kept(&self, rows: &Arc<Relation>, others: &[Option<Arc<Relation>>]) -> Relation {
        let base = self.beside(rows, others);
        let kept = match any(self.diverting().filter_map(Verdict::failing)) {
            Some(failing) => Arc::new(Relation::Filter { input: base, predicate: failing.not() }),
            None => base,
        };
        Relation::Project { input: kept, columns: inputs::all_columns(&self.schema) }
    }

    fn diverting(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| verdict.diverts)
    }

    /// Expectations of the columns that do not hold, before a row is read.
    pub(super) fn foreseen(&self) -> Vec<String> {
        let found = self.verdicts.iter().filter_map(|verdict| match &verdict.measure {
            Measure::Known { holds: false, found } => {
                let what = if verdict.fail.is_some() { "the rows will be refused" } else { "it will warn" };
                Some(format!("{what}: `{}` does not hold ({found})", verdict.name))
            }
            _ => None,
        });
        found.collect()
    }

    fn repeated_key(&self, number: usize) -> String {
        format!("{}.repeated_{number}", self.stage)
    }

    /// How often the rows are read at most.
    fn passes(&self) -> usize {
        let repeated = self.lookups.iter().filter(|lookup| matches!(lookup, Lookup::Repeated { .. })).count();
        let mut groups: Vec<&[Field]> = Vec::new();
        for verdict in &self.verdicts {
            if !verdict.by.is_empty() && !groups.contains(&verdict.by.as_slice()) {
                groups.push(&verdict.by);
            }
        }
        let order = self.verdicts.iter().any(|verdict| matches!(verdict.measure, Measure::Order { .. }));
        let shares = self
            .verdicts
            .iter()
            .filter(|verdict| matches!(&verdict.measure, Measure::Drift(drift) if drift.shares.is_some()));
        let all = usize::from(!self.verdicts.iter().all(|verdict| is_known(&verdict.measure)));
        all + repeated + groups.len() + usize::from(order) + shares.count() + usize::from(self.divert.is_some())
    }
}

/// The name of the column of counts of repeated values.
const COUNT: &str = "count";

fn key_name(lookup: usize, part: usize) -> String {
    format!("__key_{lookup}_{part}")
}

/// Key columns of which none is null, since null keys match nothing in a join: the value or a stand-in, and whether it is null.
fn known_keys(lookup: usize, keys: &[Field]) -> Vec<NamedExpr> {
    let mut columns = Vec::with_capacity(2 * keys.len());
    for (part, field) in keys.iter().enumerate() {
        let value = Expr::column(&field.name, field.data_type.clone());
        let known =
            Expr::call(Function::Coalesce, vec![value.clone(), stand_in(&field.data_type)], field.data_type.clone());
        columns.push(NamedExpr { name: key_name(lookup, 2 * part), expr: known });
        columns.push(NamedExpr { name: key_name(lookup, 2 * part + 1), expr: value.is_null() });
    }
    columns
}

fn stand_in(data_type: &DataType) -> Expr {
    let literal = match data_type {
        DataType::Boolean => Literal::Boolean(false),
        DataType::String => Literal::String(String::new()),
        DataType::Date => Literal::Date(0),
        DataType::Time => Literal::Time(0),
        DataType::Datetime(_) => Literal::Datetime(0),
        DataType::Duration => Literal::Duration(0),
        DataType::Float32 | DataType::Float64 => Literal::Float(0.0),
        kind if kind.is_integer() => Literal::Integer(0),
        other => return Expr::integer(0).cast(other.clone(), true),
    };
    Expr::literal(literal, data_type.clone())
}

fn here(lookup: usize, pairs: &[(Field, Field, DataType)]) -> Vec<NamedExpr> {
    let column = |(part, (ours, _, common)): (usize, &(Field, Field, DataType))| NamedExpr {
        name: key_name(lookup, part),
        expr: Expr::column(&ours.name, ours.data_type.clone()).cast(common.clone(), true),
    };
    pairs.iter().enumerate().map(column).collect()
}

/// Each combination of values of the other table once.
fn there(lookup: usize, pairs: &[(Field, Field, DataType)], other: &Arc<Relation>) -> Relation {
    let column = |(part, (_, theirs, common)): (usize, &(Field, Field, DataType))| NamedExpr {
        name: key_name(lookup, part),
        expr: Expr::column(&theirs.name, theirs.data_type.clone()).cast(common.clone(), true),
    };
    let columns: Vec<NamedExpr> = pairs.iter().enumerate().map(column).collect();
    let keys: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let values = Relation::Project { input: Arc::clone(other), columns };
    let once = Relation::Deduplicate { input: values.into(), keys, keep: Keep::Any, order_by: Vec::new() };
    let mut columns = inputs::all_columns(&once.schema());
    columns.push(NamedExpr { name: FOUND.to_owned(), expr: Expr::boolean(true) });
    Relation::Project { input: once.into(), columns }
}

/// The work of a `validate`.
pub(super) struct ValidateWork {
    pub(super) plan: Plan,
}

impl ValidateWork {
    /// Values that occur more than once, each with its number of rows, in a file of their own.
    fn repeated(&self, rows: &Arc<Relation>, context: &WorkContext<'_>) -> Result<Bindings, Diagnostic> {
        let mut bindings = Bindings::default();
        for (number, lookup) in self.plan.lookups.iter().enumerate() {
            let Lookup::Repeated { keys, only } = lookup else { continue };
            let input = match only {
                Some(only) => Arc::new(Relation::Filter { input: Arc::clone(rows), predicate: only.clone() }),
                None => Arc::clone(rows),
            };
            let count = Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64);
            let aggregates = vec![NamedExpr { name: COUNT.to_owned(), expr: count }];
            let groups = Relation::Aggregate { input, keys: known_keys(number, keys), aggregates };
            let more = Expr::binary(
                crate::expression::BinaryOperator::Greater,
                Expr::column(COUNT, DataType::Int64),
                Expr::integer(1),
                DataType::Boolean,
            );
            let repeated = Relation::Filter { input: groups.into(), predicate: more };
            let file = format!("repeated_{number}.parquet");
            context.write(&repeated, &parquet(context, &file))?;
            bindings.artifacts.insert(self.plan.repeated_key(number), file.into());
        }
        Ok(bindings)
    }
}

fn parquet(context: &WorkContext<'_>, file: &str) -> Target {
    Target {
        path: context.artifacts.join(file),
        format: TargetFormat::Parquet { compression: Compression::Zstd, row_group_size: None },
        partition_by: Vec::new(),
    }
}

/// The time of the clock in microseconds since 1970.
fn clock() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

impl Work for ValidateWork {
    fn passes(&self, input: usize) -> usize {
        match input {
            0 => self.plan.passes(),
            _ => 1,
        }
    }

    fn hands_input_on(&self) -> bool {
        self.plan.divert.is_none()
    }

    fn is_costly(&self) -> bool {
        self.plan.divert.is_some() && !self.plan.lookups.is_empty()
    }

    fn always_works(&self) -> bool {
        let drifts = self.plan.verdicts.iter().any(|verdict| matches!(verdict.measure, Measure::Drift(_)));
        drifts || !self.plan.moments.is_empty()
    }

    fn varies(&self) -> bool {
        // Which rows are set aside may depend on the clock.
        self.plan.divert.is_some() && !self.plan.moments.is_empty()
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let plan = &self.plan;
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let others: Vec<Option<Arc<Relation>>> = products
            .iter()
            .map(|product| match product {
                Product::Table(table) => Some(Arc::clone(&table.relation)),
                _ => None,
            })
            .collect();
        let learned = self.repeated(&table.relation, context)?;
        let mut bindings = learned.clone();
        for path in bindings.artifacts.values_mut() {
            *path = context.artifacts.join(&*path);
        }
        let now = plan.now.unwrap_or_else(clock);
        bindings.literals.extend(plan.moments.iter().map(|moment| (moment.key.clone(), moment.at(now))));
        let bound = |relation: &Relation| {
            relation
                .bind(&bindings)
                .map_err(|key| Diagnostic::error(Class::Stage, format!("nothing was learned under `{key}`")))
        };
        let base = bound(&plan.beside(&table.relation, &others))?;
        let before = Before::read((context.previous)().map(|previous| previous.statistics));
        let measured = measure::all(plan, &base, &others, &bindings, &before, context)?;

        let mut outcome = Outcome::default();
        if plan.divert.is_some() {
            let diverted = self.divert(&base, &bindings, context)?;
            outcome.changes.push(Change::minus("diverted", diverted));
            outcome.bindings = learned;
            let name = plan.divert.as_deref().unwrap_or_default();
            outcome.bindings.artifacts.insert(format!("{}.{name}", plan.stage), quarantine::FILE.into());
        }
        let indexed =
            Arc::new(Relation::RowIndex { input: Arc::clone(&table.relation), name: examples::ROW.to_owned() });
        let indexed = bound(&plan.beside(&indexed, &others))?;
        let shown = examples::find(plan, &indexed, &measured.judged, &bindings, context)?;
        let score = Score::of(plan.verdicts.iter().zip(&measured.judged));
        outcome.exhibits = exhibits::all(plan, &measured, &score, &before, shown);
        outcome.remarks = graded(plan, &measured.judged, Grade::Warns).map(|(_, text)| text).collect();
        outcome.refusal = refusal(plan, &measured.judged);
        outcome.statistics = statistics(plan, &measured, &score);
        outcome.document = json!({ "health": score.health });
        Ok(outcome)
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        // Diverted rows are counted when they are set aside.
        Vec::new()
    }
}

impl ValidateWork {
    /// Writes the rows that fail to the side table, each with the checks that it fails.
    fn divert(&self, base: &Arc<Relation>, bindings: &Bindings, context: &WorkContext<'_>) -> Result<u64, Diagnostic> {
        let named: Vec<(&str, Expr)> =
            self.plan.diverting().filter_map(|verdict| Some((verdict.name.as_str(), verdict.failing()?))).collect();
        let rows = quarantine::rows(base, &self.plan.schema, &named);
        let rows = rows
            .bind(bindings)
            .map_err(|key| Diagnostic::error(Class::Stage, format!("nothing was learned under `{key}`")))?;
        Ok(context.write(&rows, &parquet(context, quarantine::FILE))?.rows)
    }
}

/// The expectations of a grade, each in a sentence.
fn graded<'a>(
    plan: &'a Plan,
    judged: &'a [Judged],
    grade: Grade,
) -> impl Iterator<Item = (&'a Verdict, String)> + use<'a> {
    let pairs = plan.verdicts.iter().zip(judged).filter(move |(_, judged)| judged.grade == grade);
    pairs.map(|(verdict, judged)| (verdict, judged.describe(verdict)))
}

fn refusal(plan: &Plan, judged: &[Judged]) -> Option<Diagnostic> {
    let failed: Vec<String> = graded(plan, judged, Grade::Fails).map(|(_, text)| text).collect();
    let first = failed.first()?;
    let message = match failed.len() {
        1 => format!("the rows are refused: {first}"),
        number => format!("the rows are refused by {number} checks: {}", failed.join("; ")),
    };
    let help = "the report shows what fails; mend it upstream, or report it only with `severity: warn`";
    Some(Diagnostic::error(Class::Data, message).help(help))
}

/// How many checks got which grade, and the first of those that fail or warn in words: what the conditions of a job read.
fn grades(plan: &Plan, judged: &[Judged]) -> Value {
    let count = |grade: Grade| judged.iter().filter(|judged| judged.grade == grade).count();
    let named =
        |grade: Grade| -> Vec<String> { graded(plan, judged, grade).map(|(_, text)| text).take(NAMED).collect() };
    json!({
        "checks": judged.len(),
        "fail": count(Grade::Fails),
        "warn": count(Grade::Warns),
        "divert": count(Grade::Diverts),
        "failing": named(Grade::Fails),
        "warning": named(Grade::Warns),
    })
}

/// What a later run compares with.
fn statistics(plan: &Plan, measured: &measure::Measured, score: &Score) -> Value {
    let columns: Vec<Value> =
        plan.schema.fields().iter().map(|field| json!([field.name, field.data_type.to_string()])).collect();
    let checks: BTreeMap<&str, Value> = plan
        .verdicts
        .iter()
        .zip(&measured.judged)
        .map(|(verdict, judged)| (verdict.name.as_str(), json!({ "failing": judged.failing, "of": judged.of })))
        .collect();
    let dimensions: BTreeMap<&str, f64> =
        score.dimensions.iter().map(|(dimension, value)| (dimension.name(), *value)).collect();
    json!({
        "health": score.health,
        "dimensions": dimensions,
        "checks": checks,
        "grades": grades(plan, &measured.judged),
        "columns": columns,
        "numbers": measured.numbers,
        "shares": measured.shares,
    })
}
