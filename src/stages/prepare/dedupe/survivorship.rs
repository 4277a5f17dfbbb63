//! Golden records: from the rows of a group, each column takes its value by a rule of its own.
//!
//! Every rule is an aggregate, so that groups are merged wherever and however the engine aggregates. Rules that choose a row
//! are `arg_min` over a number that no two rows share: the place of the row in an order, or a small rank before it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ROW, column, numbered};
use crate::batch;
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table};
use crate::expression::{
    Aggregate, BinaryOperator, DataType, Expr, ExprKind, Field, Function, Literal, Schema, SortKey, compose,
};
use crate::relation::{Join, JoinKind, Keep, NamedExpr, Relation, Tap};
use crate::stages::work::{StageCounts, WorkContext};
use crate::stages::{TableShape, inputs};

/// Rows of a group.
const ROWS: &str = "__rows";
/// The place of a row in the order of `order_by`.
const PLACE: &str = "__place";
/// Rows that are looked at for the report.
const LOOKED_AT: u64 = 100_000;
/// Groups that the report shows, and rows of them.
const GROUPS: u64 = 4;
const ROWS_SHOWN: usize = 24;
/// Columns of the groups that are shown.
const COLUMNS_SHOWN: usize = 8;
/// Below a rank there is room for this many rows.
const ROOM: i64 = 1 << 40;
/// The largest rank: a text that is longer counts as this long.
const MOST: i64 = (1 << 22) - 1;

/// How a column gets its value from the rows of a group.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Rule {
    /// As the row has it that is kept, null or not.
    Row,
    /// The first value that is not null, as `keep` and `order_by` prefer rows.
    FirstNonNull,
    /// The value of the row in which this column is largest: `{most_recent: updated_at}`.
    MostRecent(Spanned<String>),
    /// The value of the row with the fewest nulls.
    MostComplete,
    /// The most frequent value; of several the smallest.
    Majority,
    /// The value of the row whose source stands first in a list: `{priority: {column: source, order: [crm, web]}}`.
    Priority(Priority),
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The longest text.
    Longest,
    /// The shortest text.
    Shortest,
    /// An expression over aggregates, as in `aggregate`: `{compute: "sum(amount)"}`.
    Compute(Spanned<String>),
}

/// Which sources are trusted more.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Priority {
    /// The column that names the source of a row.
    column: Spanned<String>,
    /// The sources, the most trusted first; others come last.
    order: Vec<String>,
}

impl Rule {
    /// In words, for the report.
    fn shown(&self) -> String {
        match self {
            Self::Row => "of the kept row".to_owned(),
            Self::FirstNonNull => "first that is not null".to_owned(),
            Self::MostRecent(column) => format!("most recent by {}", column.value),
            Self::MostComplete => "of the most complete row".to_owned(),
            Self::Majority => "most frequent".to_owned(),
            Self::Priority(priority) => format!("{}: {}", priority.column.value, priority.order.join(" > ")),
            Self::Min => "smallest".to_owned(),
            Self::Max => "largest".to_owned(),
            Self::Longest => "longest".to_owned(),
            Self::Shortest => "shortest".to_owned(),
            Self::Compute(text) => text.value.clone(),
        }
    }
}

/// How groups become golden records.
#[derive(Debug, Clone)]
pub(super) struct Golden {
    /// The columns that make a group.
    keys: Vec<Field>,
    /// The columns of a golden record.
    columns: Vec<Survivor>,
    /// Orders that have to be made before rows are merged: the column with the place, and the order.
    orders: Vec<(String, Vec<SortKey>)>,
    /// The columns of the rows.
    schema: Schema,
}

#[derive(Debug, Clone)]
struct Survivor {
    name: String,
    rule: String,
    /// The aggregate; none for keys.
    aggregate: Option<Expr>,
}

impl Golden {
    /// Checks the rules.
    ///
    /// Errors: unknown columns, rules that do not fit the type of their column.
    pub(super) fn plan(
        table: &TableShape,
        keys: &[Field],
        rules: &[(Spanned<String>, Rule)],
        others: &Rule,
        (keep, order_by): (Keep, &[SortKey]),
        id: &str,
    ) -> Result<Self, Findings> {
        let mut planner = Planner { table, id, orders: Vec::new(), preferred: Expr::integer(0) };
        planner.prefer(keep, order_by);
        let mut findings = Findings::new();
        let mut columns: Vec<Survivor> = Vec::new();
        for field in table.schema.fields() {
            let rule = rules.iter().find(|(name, _)| name.value == field.name);
            if keys.contains(field) {
                if let Some((name, _)) = rule {
                    let message = format!("column `{}` is a key: it is equal in all rows of a group", field.name);
                    findings.push(Diagnostic::definition(message).at(&name.place));
                }
                columns.push(Survivor { name: field.name.clone(), rule: "key".to_owned(), aggregate: None });
                continue;
            }
            let (place, rule) = match rule {
                Some((name, rule)) => (Some(&name.place), rule),
                None => (None, others),
            };
            // A rule for all other columns must not fail for those that it does not fit.
            let fitting = match (place, rule, &field.data_type) {
                (None, Rule::Longest | Rule::Shortest, kind) if *kind != DataType::String => &Rule::FirstNonNull,
                (None, Rule::Majority | Rule::Min | Rule::Max, kind) if !inputs::is_key(kind) => &Rule::FirstNonNull,
                _ => rule,
            };
            match planner.aggregate(field, fitting, place) {
                Ok(aggregate) => columns.push(Survivor {
                    name: field.name.clone(),
                    rule: fitting.shown(),
                    aggregate: Some(aggregate),
                }),
                Err(mut wrong) => findings.append(&mut wrong),
            }
        }
        for (name, rule) in rules.iter().filter(|(name, _)| !table.schema.contains(&name.value)) {
            match rule {
                Rule::Compute(text) => match inputs::aggregate(text, &table.schema) {
                    Ok(expr) => {
                        columns.push(Survivor { name: name.value.clone(), rule: rule.shown(), aggregate: Some(expr) })
                    }
                    Err(mut wrong) => findings.append(&mut wrong),
                },
                _ => findings.extend(inputs::column(&table.schema, name, id).err()),
            }
        }
        if let Some(field) = table.schema.fields().iter().find(|field| field.name.starts_with("__")) {
            // Never seen in real tables, but a clash must not be silent.
            if [ROW, ROWS, PLACE].contains(&field.name.as_str()) || field.name.starts_with("__recent_") {
                findings
                    .push(Diagnostic::definition(format!("column `{}` has a name that this stage uses", field.name)));
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self { keys: keys.to_vec(), columns, orders: planner.orders, schema: table.schema.clone() })
    }

    /// One golden record for each group of `input`, which has the columns of the table and the keys, in the order of the
    /// groups' first rows. `stage` counts how many of them are merged from several rows.
    pub(super) fn relation(&self, input: &Arc<Relation>, stage: Option<&str>) -> Relation {
        let mut rows = numbered(input);
        for (name, order) in &self.orders {
            let sorted = Relation::Sort { input: rows.into(), keys: order.clone() };
            rows = Relation::RowIndex { input: sorted.into(), name: name.clone() };
        }
        let count = |function, arguments| Expr::aggregate(function, arguments, DataType::Int64);
        let row = Expr::column(ROW, DataType::Int64);
        let mut aggregates: Vec<NamedExpr> = self
            .columns
            .iter()
            .filter_map(|column| Some(NamedExpr { name: column.name.clone(), expr: column.aggregate.clone()? }))
            .collect();
        aggregates.push(NamedExpr { name: ROW.to_owned(), expr: count(Function::Min, vec![row]) });
        aggregates.push(NamedExpr { name: ROWS.to_owned(), expr: count(Function::CountAll, Vec::new()) });
        let keys = self.keys.iter().map(column).collect();
        let mut merged = Relation::Aggregate { input: rows.into(), keys, aggregates };
        if let Some(stage) = stage {
            let several = Expr::binary(
                BinaryOperator::Greater,
                Expr::column(ROWS, DataType::Int64),
                Expr::integer(1),
                DataType::Boolean,
            );
            let counters = vec![NamedExpr { name: "merged".to_owned(), expr: several }];
            let tap = Tap { stage: stage.to_owned(), point: Tap::GOLDEN.to_owned(), counters, samples: Vec::new() };
            merged = Relation::Tap { input: merged.into(), tap: tap.into() };
        }
        let schema = merged.schema();
        let first = SortKey { expr: Expr::column(ROW, DataType::Int64), descending: false, nulls_first: false };
        let sorted = Relation::Sort { input: merged.into(), keys: vec![first] };
        let columns = self.columns.iter().filter_map(|survivor| schema.field(&survivor.name)).map(column).collect();
        Relation::Project { input: sorted.into(), columns }
    }

    /// How many golden records there are.
    pub(super) fn merged(&self, counts: &StageCounts) -> Exhibit {
        let metric = |name: &str, count: u64| {
            #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
            let count = count as f64;
            Metric::new(name, count, Format::Integer)
        };
        let merged = counts.counter(Tap::GOLDEN, "merged");
        let alone = counts.out.saturating_sub(merged);
        let metrics = vec![
            metric("golden records", counts.out),
            metric("made of several rows", merged),
            metric("of a single row", alone),
        ];
        Exhibit::Metrics { title: "Golden records".to_owned(), metrics }
    }

    /// What the rules decided in the first rows: how often values differed, and some groups before and after.
    pub(super) fn examples(
        &self,
        input: &Arc<Relation>,
        context: &WorkContext<'_>,
    ) -> Result<Vec<Exhibit>, Diagnostic> {
        let rows = Arc::new(Relation::Limit { input: input.clone(), offset: 0, rows: LOOKED_AT });
        let groups = Arc::new(self.groups(&rows));
        let mut exhibits = vec![self.differences(&groups, context)?];
        exhibits.extend(self.before_and_after(&rows, &groups, context)?);
        Ok(exhibits)
    }

    fn shown_columns(&self) -> impl Iterator<Item = (&Survivor, Expr)> {
        self.columns.iter().filter_map(|survivor| {
            let text = inputs::shown(self.schema.field(&survivor.name)?)?;
            Some((survivor, text))
        })
    }

    /// For each group its rows and, for each column, whether values differ; nulls do not.
    fn groups(&self, rows: &Arc<Relation>) -> Relation {
        let mut aggregates = vec![NamedExpr {
            name: ROWS.to_owned(),
            expr: Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64),
        }];
        for (number, (survivor, text)) in self.shown_columns().enumerate() {
            if survivor.aggregate.is_some() {
                let extreme = |function| Expr::aggregate(function, vec![text.clone()], DataType::String);
                let (least, most) = (extreme(Function::Min), extreme(Function::Max));
                let expr = Expr::binary(BinaryOperator::NotEqual, least, most, DataType::Boolean);
                aggregates.push(NamedExpr { name: format!("__differs_{number}"), expr });
            }
        }
        Relation::Aggregate { input: rows.clone(), keys: self.keys.iter().map(column).collect(), aggregates }
    }

    fn differences(&self, groups: &Arc<Relation>, context: &WorkContext<'_>) -> Result<Exhibit, Diagnostic> {
        let several = several();
        let count = |condition: Expr| Expr::aggregate(Function::CountIf, vec![condition], DataType::Int64);
        let mut aggregates = vec![NamedExpr { name: ROWS.to_owned(), expr: count(several) }];
        let differing: Vec<(usize, &Survivor)> = self
            .shown_columns()
            .enumerate()
            .filter(|(_, (survivor, _))| survivor.aggregate.is_some())
            .map(|(number, (survivor, _))| (number, survivor))
            .collect();
        for (number, _) in &differing {
            let name = format!("__differs_{number}");
            aggregates.push(NamedExpr { name: name.clone(), expr: count(Expr::column(name, DataType::Boolean)) });
        }
        let relation = Relation::Aggregate { input: groups.clone(), keys: Vec::new(), aggregates };
        let batches = context.collect(&relation)?;
        let found = |name: &str| {
            let column = batches.first().and_then(|found| batch::column(found, name))?;
            batch::floats(column).first().copied()
        };
        let groups = found(ROWS).unwrap_or(0.0);
        let rows = differing.iter().map(|(number, survivor)| {
            let differ = found(&format!("__differs_{number}"));
            let share = differ.filter(|_| groups > 0.0).map(|differ| differ / groups);
            vec![
                Cell::text(survivor.name.clone()),
                Cell::text(survivor.rule.clone()),
                Cell::number(differ),
                Cell::number(share),
            ]
        });
        let columns = vec![
            Column::new("column"),
            Column::new("value"),
            Column::formatted("groups that differ", Format::Integer),
            Column::formatted("of those with several rows", Format::Percent),
        ];
        Ok(Exhibit::Table(Table {
            title: "What the rules had to decide".to_owned(),
            columns,
            rows: rows.collect(),
            note: Some(format!("Counted in the first {LOOKED_AT} rows: {groups} groups of several rows.")),
        }))
    }

    fn before_and_after(
        &self,
        rows: &Arc<Relation>,
        groups: &Arc<Relation>,
        context: &WorkContext<'_>,
    ) -> Result<Option<Exhibit>, Diagnostic> {
        // The groups whose columns differ most often say most; of equals the smallest keys.
        let schema = groups.schema();
        let differing = schema.names().filter(|name| name.starts_with("__differs_")).map(|name| {
            let branches = vec![(Expr::column(name, DataType::Boolean), Expr::integer(1))];
            let kind = ExprKind::Case { branches, otherwise: Some(Box::new(Expr::integer(0))) };
            Expr::new(kind, DataType::Int64)
        });
        let score = differing
            .reduce(|sum, one| Expr::binary(BinaryOperator::Add, sum, one, DataType::Int64))
            .unwrap_or(Expr::integer(0));
        let ascending = |expr: Expr| SortKey { expr, descending: false, nulls_first: false };
        let mut order = vec![SortKey { expr: score, descending: true, nulls_first: false }];
        order.extend(self.keys.iter().map(|key| ascending(column(key).expr)));
        let twins = Relation::Filter { input: groups.clone(), predicate: several() };
        let sorted = Relation::Sort { input: twins.into(), keys: order };
        let chosen = Relation::Limit { input: sorted.into(), offset: 0, rows: GROUPS };
        let before = Arc::new(Relation::Join(Box::new(Join {
            left: numbered(rows).into(),
            right: chosen.into(),
            kind: JoinKind::Semi,
            on: self.keys.iter().map(|key| (key.name.clone(), key.name.clone())).collect(),
            take: Vec::new(),
            asof: None,
        })));
        let shown: Vec<(String, Expr)> =
            self.shown_columns().take(COLUMNS_SHOWN).map(|(survivor, text)| (survivor.name.clone(), text)).collect();
        let named = |shown: &[(String, Expr)]| -> Vec<NamedExpr> {
            shown.iter().map(|(name, expr)| NamedExpr { name: name.clone(), expr: expr.clone() }).collect()
        };
        // A key that no column of the table shows (a cluster) still tells the groups apart.
        let mut key = self.keys.iter().filter_map(inputs::shown).collect::<Vec<_>>();
        let mut with_group = named(&shown);
        with_group.push(NamedExpr { name: "__group".to_owned(), expr: group_of(std::mem::take(&mut key)) });
        let rows = Relation::Project { input: before.clone(), columns: with_group };
        let rows = Relation::Limit { input: rows.into(), offset: 0, rows: 10_000 };
        let before_rows = texts(&context.collect(&rows)?, shown.len() + 1);
        let mut golden = self.clone();
        golden.columns.extend(self.keys.iter().filter(|key| !self.schema.contains(&key.name)).map(|key| Survivor {
            name: key.name.clone(),
            rule: String::new(),
            aggregate: None,
        }));
        let after = golden.relation(&before, None);
        let after_schema = after.schema();
        let fit = |(name, _): &(String, Expr)| {
            let text = after_schema.field(name).and_then(inputs::shown);
            NamedExpr { name: name.clone(), expr: text.unwrap_or(Expr::literal(Literal::Null, DataType::String)) }
        };
        let mut after_columns: Vec<NamedExpr> = shown.iter().map(fit).collect();
        let keys = self.keys.iter().filter_map(inputs::shown).collect();
        after_columns.push(NamedExpr { name: "__group".to_owned(), expr: group_of(keys) });
        let after = Relation::Project { input: after.into(), columns: after_columns };
        let after_rows = texts(&context.collect(&after)?, shown.len() + 1);
        Ok(before_and_after(&shown, before_rows, after_rows))
    }
}

/// True for groups of several rows.
fn several() -> Expr {
    let rows = Expr::column(ROWS, DataType::Int64);
    Expr::binary(BinaryOperator::Greater, rows, Expr::integer(1), DataType::Boolean)
}

/// The keys of a group as one text.
fn group_of(keys: Vec<Expr>) -> Expr {
    let arguments = std::iter::once(Expr::string("\u{1f}")).chain(keys).collect();
    Expr::call(Function::ConcatWs, arguments, DataType::String)
}

fn texts(batches: &[arrow::array::RecordBatch], width: usize) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    for found in batches {
        let columns: Vec<Vec<Option<String>>> = found.columns().iter().take(width).map(batch::texts).collect();
        for row in 0..found.num_rows() {
            rows.push(columns.iter().map(|column| column.get(row).cloned().flatten()).collect());
        }
    }
    rows
}

fn before_and_after(
    shown: &[(String, Expr)],
    before: Vec<Vec<Option<String>>>,
    after: Vec<Vec<Option<String>>>,
) -> Option<Exhibit> {
    let mut rows = Vec::new();
    let cells = |what: &str, values: &[Option<String>]| -> Vec<Cell> {
        let texts = values.iter().take(shown.len()).map(|value| Cell::optional(value.clone()));
        std::iter::once(Cell::text(what)).chain(texts).collect()
    };
    for golden in &after {
        let group = golden.last();
        let own: Vec<&Vec<Option<String>>> = before.iter().filter(|row| row.last() == group).collect();
        if rows.len() + own.len().min(6) + 1 > ROWS_SHOWN {
            break;
        }
        rows.extend(own.iter().take(6).map(|row| cells("row", row)));
        if own.len() > 6 {
            let more = std::iter::once(Cell::text(format!("and {} more", own.len() - 6)));
            rows.push(more.chain(shown.iter().map(|_| Cell::Empty)).collect());
        }
        rows.push(cells("golden", golden));
    }
    if rows.is_empty() {
        return None;
    }
    let columns = std::iter::once(Column::new("")).chain(shown.iter().map(|(name, _)| Column::new(name))).collect();
    Some(Exhibit::Table(Table {
        title: "Groups before and after".to_owned(),
        columns,
        rows,
        note: Some(format!("Groups of the first {LOOKED_AT} rows in which most columns differ.")),
    }))
}

struct Planner<'a> {
    table: &'a TableShape,
    id: &'a str,
    orders: Vec<(String, Vec<SortKey>)>,
    /// Smaller for rows that `keep` and `order_by` prefer; different in all rows.
    preferred: Expr,
}

impl Planner<'_> {
    fn prefer(&mut self, keep: Keep, order_by: &[SortKey]) {
        let place = if order_by.is_empty() { ROW } else { PLACE };
        if !order_by.is_empty() {
            self.orders.push((PLACE.to_owned(), order_by.to_vec()));
        }
        let place = Expr::column(place, DataType::Int64);
        self.preferred = match keep {
            Keep::Last => Expr::binary(BinaryOperator::Subtract, Expr::integer(0), place, DataType::Int64),
            _ => place,
        };
    }

    fn aggregate(&mut self, field: &Field, rule: &Rule, place: Option<&Place>) -> Result<Expr, Findings> {
        let value = column(field).expr;
        let refuse = |message: String| {
            let finding = Diagnostic::definition(message);
            Err(vec![match place {
                Some(place) => finding.at(place),
                None => finding,
            }])
        };
        let by_function = |function: Function| {
            compose::function(function, vec![value.clone()]).or_else(|error| refuse(error.message))
        };
        match rule {
            Rule::Row => Ok(arg_min(value, self.preferred.clone(), false)),
            Rule::FirstNonNull => Ok(arg_min(value, self.preferred.clone(), true)),
            Rule::MostRecent(by) => {
                let by = inputs::column(&self.table.schema, by, self.id).map_err(|finding| vec![finding])?;
                if by.data_type.is_nested() {
                    return refuse(format!("column `{}` holds {}, which has no order", by.name, by.data_type));
                }
                let place = self.recent(&by.clone());
                Ok(arg_min(value, place, true))
            }
            Rule::MostComplete => {
                let nulls = self.table.schema.fields().iter().map(|field| {
                    let branches = vec![(column(field).expr.is_null(), Expr::integer(1))];
                    let kind = ExprKind::Case { branches, otherwise: Some(Box::new(Expr::integer(0))) };
                    Expr::new(kind, DataType::Int64)
                });
                let nulls = nulls
                    .reduce(|sum, one| Expr::binary(BinaryOperator::Add, sum, one, DataType::Int64))
                    .unwrap_or(Expr::integer(0));
                Ok(arg_min(value, self.ranked(nulls), true))
            }
            Rule::Majority => by_function(Function::Mode),
            Rule::Priority(priority) => {
                let source =
                    inputs::column(&self.table.schema, &priority.column, self.id).map_err(|finding| vec![finding])?;
                let Some(text) = inputs::shown(source) else {
                    return refuse(format!("column `{}` holds {}, not names", source.name, source.data_type));
                };
                if priority.order.is_empty() {
                    return refuse("`order` is empty: name the sources, the most trusted first".to_owned());
                }
                let branches = priority.order.iter().zip(0..).map(|(name, rank)| {
                    let is = Expr::binary(
                        BinaryOperator::Equal,
                        text.clone(),
                        Expr::string(name.clone()),
                        DataType::Boolean,
                    );
                    (is, Expr::integer(rank))
                });
                let last = Expr::integer(i64::try_from(priority.order.len()).unwrap_or(MOST).min(MOST));
                let kind = ExprKind::Case { branches: branches.collect(), otherwise: Some(Box::new(last)) };
                Ok(arg_min(value, self.ranked(Expr::new(kind, DataType::Int64)), true))
            }
            Rule::Min => by_function(Function::Min),
            Rule::Max => by_function(Function::Max),
            Rule::Longest | Rule::Shortest => {
                if field.data_type != DataType::String {
                    return refuse(format!("column `{}` holds {}, which has no length", field.name, field.data_type));
                }
                let length = Expr::call(Function::Length, vec![value.clone()], DataType::Int64);
                let length = Expr::call(Function::Least, vec![length, Expr::integer(MOST)], DataType::Int64);
                let rank = match rule {
                    Rule::Longest => {
                        Expr::binary(BinaryOperator::Subtract, Expr::integer(MOST), length, DataType::Int64)
                    }
                    _ => length,
                };
                Ok(arg_min(value, self.ranked(rank), true))
            }
            Rule::Compute(text) => inputs::aggregate(text, &self.table.schema),
        }
    }

    /// A small rank before the preference among rows of the same rank.
    fn ranked(&self, rank: Expr) -> Expr {
        let high = Expr::binary(BinaryOperator::Multiply, rank, Expr::integer(ROOM), DataType::Int64);
        Expr::binary(BinaryOperator::Add, high, self.preferred.clone(), DataType::Int64)
    }

    /// The place of rows in the order of a column, the largest first; rows of equal value as they are preferred.
    fn recent(&mut self, by: &Field) -> Expr {
        let name = format!("__recent_{}", by.name);
        if !self.orders.iter().any(|(known, _)| *known == name) {
            let latest = SortKey { expr: column(by).expr, descending: true, nulls_first: false };
            let preferred = SortKey { expr: self.preferred.clone(), descending: false, nulls_first: false };
            self.orders.push((name.clone(), vec![latest, preferred]));
        }
        Expr::column(name, DataType::Int64)
    }
}

/// The value of the row with the smallest number, with `known` among the rows in which it is not null.
fn arg_min(value: Expr, by: Expr, known: bool) -> Expr {
    let data_type = value.data_type.clone();
    let aggregate = Aggregate {
        function: Function::ArgMin,
        filter: known.then(|| value.clone().is_null().not()),
        arguments: vec![value, by],
        distinct: false,
        order_by: Vec::new(),
        over: None,
    };
    Expr::new(ExprKind::Aggregate(Box::new(aggregate)), data_type)
}
