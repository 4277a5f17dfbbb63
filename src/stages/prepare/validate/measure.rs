//! Measuring expectations: one aggregate over the rows for all that need no groups, one for each set of groups, one look at the order.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};

use super::earlier::{Before, drifted};
use super::order::{Rule, Watch};
use super::scope::{Measure, filtered};
use super::verdict::{Grade, Verdict, trimmed};
use super::work::Plan;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::engine::EngineError;
use crate::expression::{DataType, Expr, Field, Function, Literal};
use crate::relation::{Bindings, NamedExpr, Relation};
use crate::stages::fit;
use crate::stages::work::WorkContext;

/// Groups that are named when an expectation does not hold of them.
const WORST: usize = 10;
/// Values of a column that `steady_shares` compares at most.
const MOST_VALUES: usize = 10_000;

/// What was found for one expectation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    /// What became of it.
    pub(super) grade: Grade,
    /// Rows that fail.
    pub(super) failing: Option<u64>,
    /// Rows that were looked at.
    pub(super) of: Option<u64>,
    /// What was measured, in words.
    pub(super) found: Option<String>,
    /// The groups, when it was asked of groups.
    pub(super) groups: Option<Groups>,
    /// Rows that show what is wrong, when measuring found them: number of the row, value before, value.
    pub(super) order: Vec<(u64, String, String)>,
}

/// What was found by group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Groups {
    /// Groups for which it does not hold.
    pub(super) failing: u64,
    /// All groups.
    pub(super) of: u64,
    /// The worst of them: values of the group, what was found, failing rows.
    pub(super) worst: Vec<(String, String, u64)>,
}

/// Everything that was measured.
pub(super) struct Measured {
    /// One for each expectation.
    pub(super) judged: Vec<Judged>,
    /// Numbers for later runs to compare with.
    pub(super) numbers: BTreeMap<String, Vec<Option<f64>>>,
    /// Counts of values for later runs to compare with.
    pub(super) shares: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Judged {
    fn rows(grade: Grade, failing: u64, of: u64) -> Self {
        Self { grade, failing: Some(failing), of: Some(of), found: None, groups: None, order: Vec::new() }
    }

    pub(super) fn whole(grade: Grade, found: Option<String>) -> Self {
        Self { grade, failing: None, of: None, found, groups: None, order: Vec::new() }
    }

    /// The share that fails, for the score.
    #[expect(clippy::cast_precision_loss, reason = "a share of fewer than 2^53 rows")]
    pub(super) fn failing_share(&self) -> Option<f64> {
        match (self.failing, self.of, &self.groups) {
            (Some(_), Some(0), _) => Some(0.0),
            (Some(failing), Some(of), _) => Some(failing as f64 / of as f64),
            (_, _, Some(groups)) => Some(groups.failing as f64 / groups.of.max(1) as f64),
            _ if self.grade == Grade::First => None,
            _ => Some(if self.grade == Grade::Holds { 0.0 } else { 1.0 }),
        }
    }

    /// What is wrong, in a sentence.
    pub(super) fn describe(&self, verdict: &Verdict) -> String {
        let name = &verdict.name;
        if let Some(groups) = &self.groups {
            let worst = groups.worst.first().map(|(group, found, _)| format!(", as of {group} ({found})"));
            return format!(
                "`{name}` does not hold of {} of {} groups{}",
                groups.failing,
                groups.of,
                worst.unwrap_or_default()
            );
        }
        match (self.failing, self.of, &self.found) {
            (Some(1), Some(of), _) => format!("1 of {} fails `{name}`", digits::rows(of)),
            (Some(failing), Some(of), _) => format!("{} of {} fail `{name}`", digits::whole(failing), digits::rows(of)),
            (_, _, Some(found)) if verdict.kind == "rows" => format!("{name}, but there are {found}"),
            (_, _, Some(found)) if !found.is_empty() => format!("`{name}` does not hold: {found}"),
            _ => format!("`{name}` does not hold"),
        }
    }
}

/// The aggregates of one expectation, by names that begin with its number.
fn aggregates(number: usize, verdict: &Verdict) -> Vec<NamedExpr> {
    let named = |name: String, expr: Expr| NamedExpr { name, expr };
    let count = |condition: Expr| Expr::aggregate(Function::CountIf, vec![condition], DataType::Int64);
    let only = verdict.only.as_ref();
    match &verdict.measure {
        Measure::Rows(_) => {
            let failing = verdict.failing().map(|failing| named(format!("failing_{number}"), count(failing)));
            let looked_at = only.map(|only| named(format!("of_{number}"), count(only.clone())));
            failing.into_iter().chain(looked_at).collect()
        }
        Measure::Values { observed, holds, .. } => {
            let observed = observed
                .iter()
                .enumerate()
                .map(|(at, (_, expr))| named(format!("observed_{number}_{at}"), filtered(expr.clone(), only)));
            observed.chain([named(format!("holds_{number}"), filtered(holds.clone(), only))]).collect()
        }
        Measure::Against { own, .. } => vec![named(format!("own_{number}"), filtered(own.clone(), only))],
        Measure::Drift(drift) => {
            let numbers = drift.numbers.iter().enumerate();
            numbers.map(|(at, expr)| named(format!("number_{number}_{at}"), filtered(expr.clone(), only))).collect()
        }
        Measure::Order { .. } | Measure::Known { .. } => Vec::new(),
    }
}

/// The number of rows, in every aggregate.
const ROWS: &str = "rows";

fn count_rows() -> NamedExpr {
    NamedExpr { name: ROWS.to_owned(), expr: Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64) }
}

fn count_of(literal: Option<&Literal>) -> u64 {
    match literal {
        Some(Literal::Integer(count)) => u64::try_from(*count).unwrap_or(0),
        _ => 0,
    }
}

/// Measures all expectations. `base` has the rows with the answers of lookups beside them, everything learned filled in.
pub(super) fn all(
    plan: &Plan,
    base: &Arc<Relation>,
    others: &[Option<Arc<Relation>>],
    bindings: &Bindings,
    before: &Before,
    context: &WorkContext<'_>,
) -> Result<Measured, Diagnostic> {
    let mut measured = Measured { judged: Vec::new(), numbers: BTreeMap::new(), shares: BTreeMap::new() };
    let mut found: Vec<Option<Judged>> = plan.verdicts.iter().map(|_| None).collect();
    let constants = whole(plan, base, bindings, context)?;
    let rows = count_of(constants.get(ROWS));
    for groups in group_sets(plan) {
        by_group(plan, base, bindings, &groups, &mut found, context)?;
    }
    in_order(plan, base, &mut found, context)?;
    for (number, verdict) in plan.verdicts.iter().enumerate() {
        let get = |name: &str| constants.get(&format!("{name}_{number}"));
        let judged = match (&verdict.measure, found.get_mut(number).and_then(Option::take)) {
            (_, Some(judged)) => judged,
            (Measure::Rows(_), None) => {
                let of = if verdict.only.is_some() { count_of(get("of")) } else { rows };
                let failing = count_of(get("failing"));
                Judged::rows(verdict.grade_rows(failing, of), failing, of)
            }
            (Measure::Values { observed, missing, .. }, None) => {
                let values: Vec<Literal> = (0..observed.len())
                    .map(|at| constants.get(&format!("observed_{number}_{at}")).cloned().unwrap_or(Literal::Null))
                    .collect();
                let holds = get("holds") == Some(&Literal::Boolean(true));
                let labels: Vec<&str> = observed.iter().map(|(label, _)| label.as_str()).collect();
                Judged::whole(verdict.grade_whole(holds), Some(shown_values(&labels, &values, *missing)))
            }
            (Measure::Against { input, other, tolerance, .. }, None) => {
                let other = other_value(others.get(*input).and_then(Option::as_ref), other, context)?;
                let own = get("own").cloned().unwrap_or(Literal::Null);
                against(verdict, &own, &other, *tolerance)
            }
            (Measure::Known { holds, found }, None) => Judged::whole(verdict.grade_whole(*holds), Some(found.clone())),
            (Measure::Drift(drift), None) => {
                let numbers: Vec<Option<f64>> = (0..drift.numbers.len())
                    .map(|at| fit::number(constants.get(&format!("number_{number}_{at}"))))
                    .collect();
                if let Some(value) = &drift.shares {
                    let counts = value_counts(base, value, verdict, context)?;
                    measured.shares.insert(drift.key.clone(), counts);
                }
                measured.numbers.insert(drift.key.clone(), numbers.clone());
                drifted(plan, verdict, drift, &numbers, measured.shares.get(&drift.key), before)
            }
            (Measure::Order { .. }, None) => Judged::rows(Grade::Holds, 0, 0),
        };
        measured.judged.push(judged);
    }
    Ok(measured)
}

/// All aggregates that need no groups, in one pass.
fn whole(
    plan: &Plan,
    base: &Arc<Relation>,
    bindings: &Bindings,
    context: &WorkContext<'_>,
) -> Result<BTreeMap<String, Literal>, Diagnostic> {
    let wanted = plan.verdicts.iter().enumerate().filter(|(_, verdict)| verdict.by.is_empty());
    let mut columns: Vec<NamedExpr> = wanted.flat_map(|(number, verdict)| aggregates(number, verdict)).collect();
    let shares = plan.verdicts.iter().any(|verdict| matches!(verdict.measure, Measure::Drift(_)));
    if columns.is_empty() && !shares {
        return Ok(BTreeMap::new());
    }
    columns.push(count_rows());
    let columns = bound(columns, base, bindings)?;
    fit::constants(base, columns, context)
}

/// Fills learned constants into aggregates, which are made from conditions that may name the clock.
fn bound(columns: Vec<NamedExpr>, base: &Arc<Relation>, bindings: &Bindings) -> Result<Vec<NamedExpr>, Diagnostic> {
    let relation = Relation::Aggregate { input: Arc::clone(base), keys: Vec::new(), aggregates: columns };
    let bound = relation
        .bind(bindings)
        .map_err(|key| Diagnostic::error(Class::Stage, format!("nothing was learned under `{key}`")))?;
    match &*bound {
        Relation::Aggregate { aggregates, .. } => Ok(aggregates.clone()),
        _ => Ok(Vec::new()),
    }
}

fn group_sets(plan: &Plan) -> Vec<Vec<Field>> {
    let mut sets: Vec<Vec<Field>> = Vec::new();
    for verdict in &plan.verdicts {
        let is_order = matches!(verdict.measure, Measure::Order { .. });
        if !verdict.by.is_empty() && !is_order && !sets.contains(&verdict.by) {
            sets.push(verdict.by.clone());
        }
    }
    sets
}

/// All aggregates that are asked of the same groups, in one pass; groups stream by, the worst are kept.
fn by_group(
    plan: &Plan,
    base: &Arc<Relation>,
    bindings: &Bindings,
    groups: &[Field],
    found: &mut [Option<Judged>],
    context: &WorkContext<'_>,
) -> Result<(), Diagnostic> {
    let chosen: Vec<(usize, &Verdict)> =
        plan.verdicts.iter().enumerate().filter(|(_, verdict)| verdict.by == groups).collect();
    let mut columns: Vec<NamedExpr> =
        chosen.iter().flat_map(|(number, verdict)| aggregates(*number, verdict)).collect();
    columns.push(count_rows());
    let columns = bound(columns, base, bindings)?;
    let key = |at: usize| format!("__group_{at}");
    let keys = groups
        .iter()
        .enumerate()
        .map(|(at, field)| NamedExpr { name: key(at), expr: Expr::column(&field.name, field.data_type.clone()) });
    let relation = Relation::Aggregate { input: Arc::clone(base), keys: keys.collect(), aggregates: columns };
    let mut tallies: Vec<GroupTally> = chosen.iter().map(|_| GroupTally::default()).collect();
    context.stream(&relation, &mut |batch| {
        let value = |name: &str, row: usize| {
            batch::column(&batch, name).map_or(Literal::Null, |column| batch::literal(column, row))
        };
        for row in 0..batch.num_rows() {
            let group = || {
                let texts = groups.iter().enumerate().map(|(at, field)| {
                    let text = batch::column(&batch, &key(at)).and_then(|column| batch::display(column, row));
                    format!("{} {}", field.name, text.unwrap_or_else(|| "null".to_owned()))
                });
                texts.collect::<Vec<_>>().join(", ")
            };
            for ((number, verdict), tally) in chosen.iter().zip(&mut tallies) {
                tally.add(*number, verdict, &|name| value(name, row), &group);
            }
        }
        Ok(true)
    })?;
    for ((number, verdict), tally) in chosen.into_iter().zip(tallies) {
        if let Some(slot) = found.get_mut(number) {
            *slot = Some(tally.judged(verdict));
        }
    }
    Ok(())
}

/// What an expectation gave over groups.
#[derive(Default)]
struct GroupTally {
    groups: Groups,
    worst_grade: Option<Grade>,
    failing: u64,
    of: u64,
    is_rows: bool,
}

impl GroupTally {
    fn add(&mut self, number: usize, verdict: &Verdict, value: &dyn Fn(&str) -> Literal, group: &dyn Fn() -> String) {
        let (grade, found, failing) = match &verdict.measure {
            Measure::Values { observed, missing, .. } => {
                let values: Vec<Literal> =
                    (0..observed.len()).map(|at| value(&format!("observed_{number}_{at}"))).collect();
                let holds = value(&format!("holds_{number}")) == Literal::Boolean(true);
                let labels: Vec<&str> = observed.iter().map(|(label, _)| label.as_str()).collect();
                (verdict.grade_whole(holds), shown_values(&labels, &values, *missing), u64::from(!holds))
            }
            _ => {
                let failing = count_of(Some(&value(&format!("failing_{number}"))));
                let of = match verdict.only {
                    Some(_) => count_of(Some(&value(&format!("of_{number}")))),
                    None => count_of(Some(&value(ROWS))),
                };
                self.is_rows = true;
                self.failing += failing;
                self.of += of;
                (verdict.grade_rows(failing, of), format!("{failing} of {of} rows"), failing)
            }
        };
        self.groups.of += 1;
        self.worst_grade = self.worst_grade.max(Some(grade));
        if matches!(grade, Grade::Warns | Grade::Fails | Grade::Diverts) {
            self.groups.failing += 1;
            let worst = &mut self.groups.worst;
            let full = worst.len() >= WORST;
            if !full || worst.last().is_some_and(|(_, _, least)| failing > *least) {
                worst.push((group(), found, failing));
                worst.sort_by(|one, other| other.2.cmp(&one.2).then_with(|| one.0.cmp(&other.0)));
                worst.truncate(WORST);
            }
        }
    }

    fn judged(self, _: &Verdict) -> Judged {
        let grade = self.worst_grade.unwrap_or(Grade::Holds);
        let (failing, of) = if self.is_rows { (Some(self.failing), Some(self.of)) } else { (None, None) };
        Judged { grade, failing, of, found: None, groups: Some(self.groups), order: Vec::new() }
    }
}

/// All checks of order in one look at the rows as they come.
fn in_order(
    plan: &Plan,
    base: &Arc<Relation>,
    found: &mut [Option<Judged>],
    context: &WorkContext<'_>,
) -> Result<(), Diagnostic> {
    let chosen: Vec<(usize, &Verdict)> = plan
        .verdicts
        .iter()
        .enumerate()
        .filter(|(_, verdict)| matches!(verdict.measure, Measure::Order { .. }))
        .collect();
    if chosen.is_empty() {
        return Ok(());
    }
    let mut columns: Vec<NamedExpr> = Vec::new();
    let column =
        |field: &Field, name: String| NamedExpr { name, expr: Expr::column(&field.name, field.data_type.clone()) };
    for (number, verdict) in &chosen {
        if let Measure::Order { field, .. } = &verdict.measure {
            columns.push(column(field, format!("value_{number}")));
        }
        columns
            .extend(verdict.only.iter().map(|only| NamedExpr { name: format!("only_{number}"), expr: only.clone() }));
        columns.extend(verdict.by.iter().enumerate().map(|(at, field)| column(field, format!("group_{number}_{at}"))));
    }
    let relation = Relation::Project { input: Arc::clone(base), columns };
    let mut watches: Vec<Watch> = chosen.iter().map(|_| Watch::default()).collect();
    let mut first = 1;
    context.stream(&relation, &mut |batch: RecordBatch| {
        let part = |name: String| -> Result<ArrayRef, EngineError> {
            batch::column(&batch, &name)
                .cloned()
                .ok_or_else(|| EngineError::new(Class::Stage, format!("the column `{name}` got lost")))
        };
        for ((number, verdict), watch) in chosen.iter().zip(&mut watches) {
            let Measure::Order { field, wrong, strict } = &verdict.measure else { continue };
            let value = part(format!("value_{number}"))?;
            let only = verdict.only.as_ref().map(|_| part(format!("only_{number}"))).transpose()?;
            let groups = (0..verdict.by.len()).map(|at| part(format!("group_{number}_{at}")));
            let groups = groups.collect::<Result<Vec<_>, _>>()?;
            let rule = Rule { wrong: *wrong, strict: *strict, data_type: &field.data_type };
            watch.look(&batch, &value, only.as_ref(), &groups, &rule, first);
        }
        first += batch.num_rows() as u64;
        Ok(true)
    })?;
    for ((number, verdict), watch) in chosen.into_iter().zip(watches) {
        let mut judged = Judged::rows(verdict.grade_rows(watch.failing, watch.of), watch.failing, watch.of);
        judged.order = watch.examples;
        if let Some(slot) = found.get_mut(number) {
            *slot = Some(judged);
        }
    }
    Ok(())
}

/// Values in words: with their labels, or the labels of those that are missing.
fn shown_values(labels: &[&str], values: &[Literal], missing: bool) -> String {
    if missing {
        let absent: Vec<&str> = labels
            .iter()
            .zip(values)
            .filter(|(_, value)| count_of(Some(value)) == 0)
            .map(|(label, _)| *label)
            .collect();
        return match absent.len() {
            0 => "all are there".to_owned(),
            _ => format!("not there: {}", absent.join(", ")),
        };
    }
    let shown = labels.iter().zip(values).map(|(label, value)| {
        let text = shown_literal(value);
        if label.is_empty() { text } else { format!("{label} {text}") }
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn shown_literal(value: &Literal) -> String {
    match value {
        Literal::Null => "no value".to_owned(),
        Literal::Float(number) => trimmed(*number),
        other => batch::literal_text(other),
    }
}

/// An aggregate of another table.
fn other_value(
    other: Option<&Arc<Relation>>,
    aggregate: &Expr,
    context: &WorkContext<'_>,
) -> Result<Literal, Diagnostic> {
    let Some(other) = other else { return Ok(Literal::Null) };
    let named = vec![NamedExpr { name: "other".to_owned(), expr: aggregate.clone() }];
    Ok(fit::constants(other, named, context)?.remove("other").unwrap_or(Literal::Null))
}

fn against(verdict: &Verdict, own: &Literal, other: &Literal, tolerance: f64) -> Judged {
    let holds = match (fit::number(Some(own)), fit::number(Some(other))) {
        (Some(own), Some(other)) => (own - other).abs() <= tolerance,
        (own, other) => own == other,
    };
    let found = format!("{} here, {} there", shown_literal(own), shown_literal(other));
    Judged::whole(verdict.grade_whole(holds), Some(found))
}

/// How often each value occurs.
fn value_counts(
    base: &Arc<Relation>,
    value: &Expr,
    verdict: &Verdict,
    context: &WorkContext<'_>,
) -> Result<BTreeMap<String, u64>, Diagnostic> {
    let input = match &verdict.only {
        Some(only) => Arc::new(Relation::Filter { input: Arc::clone(base), predicate: only.clone() }),
        None => Arc::clone(base),
    };
    let keys = vec![NamedExpr { name: "value".to_owned(), expr: value.clone() }];
    let relation = Relation::Aggregate { input, keys, aggregates: vec![count_rows()] };
    let mut counts = BTreeMap::new();
    context.stream(&relation, &mut |batch| {
        let (Some(values), Some(rows)) = (batch::column(&batch, "value"), batch::column(&batch, ROWS)) else {
            return Ok(false);
        };
        for (row, value) in batch::texts(values).into_iter().enumerate() {
            // A null cannot be told from this text, which a person would not miss.
            let value = value.unwrap_or_else(|| "(null)".to_owned());
            counts.insert(value, count_of(Some(&batch::literal(rows, row))));
        }
        if counts.len() > MOST_VALUES {
            let message =
                format!("`{}` compares at most {MOST_VALUES} different values, and there are more", verdict.name);
            return Err(EngineError::new(Class::Limit, message).help("derive a column of bins above"));
        }
        Ok(true)
    })?;
    Ok(counts)
}
