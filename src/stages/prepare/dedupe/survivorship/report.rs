//! What a person sees of golden records: how many there are, what the rules had to decide, some groups before and after.

use std::sync::Arc;

use super::{Golden, ROWS, Survivor, several};
use crate::batch;
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Function, Literal, SortKey};
use crate::relation::{Join, JoinKind, NamedExpr, Relation, Tap};
use crate::stages::inputs;
use crate::stages::prepare::dedupe::{column, numbered};
use crate::stages::work::{StageCounts, WorkContext};

/// Rows that are looked at for the report.
const LOOKED_AT: u64 = 100_000;
/// Groups that the report shows, and rows of them.
const GROUPS: u64 = 4;
const ROWS_SHOWN: usize = 24;
/// Columns of the groups that are shown.
const COLUMNS_SHOWN: usize = 8;

impl Golden {
    /// How many golden records there are.
    pub(in crate::stages::prepare::dedupe) fn merged(&self, counts: &StageCounts) -> Exhibit {
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
    pub(in crate::stages::prepare::dedupe) fn examples(
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
