//! Rows that show what is wrong: the first few of each expectation that some rows fail.

use std::sync::Arc;

use super::any;
use super::measure::Judged;
use super::verdict::Verdict;
use super::work::Plan;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::exhibit::{Cell, Column, Exhibit, Table};
use crate::expression::{DataType, Expr};
use crate::relation::{Bindings, NamedExpr, Relation};
use crate::stages::inputs;
use crate::stages::work::WorkContext;

/// The name of the column with the numbers of rows.
pub(super) const ROW: &str = "__row";
/// Rows that are shown for each expectation.
const EXAMPLES: usize = 5;
/// Columns that are shown beside those that the expectation looks at.
const SHOWN_COLUMNS: usize = 6;
/// Expectations for which rows are shown.
const SHOWN: usize = 20;

/// One expectation with its rows as they are found.
struct Wanted<'a> {
    verdict: &'a Verdict,
    columns: Vec<&'a str>,
    rows: Vec<Vec<Cell>>,
}

/// Tables of failing rows. `base` has the rows with their numbers and the answers of lookups beside them. The pass ends as soon as
/// every expectation has its examples.
pub(super) fn find(
    plan: &Plan,
    base: &Arc<Relation>,
    judged: &[Judged],
    bindings: &Bindings,
    context: &WorkContext<'_>,
) -> Result<Vec<Exhibit>, Diagnostic> {
    let visible = |name: &str| plan.schema.field(name).and_then(inputs::shown);
    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    let mut failing = Vec::new();
    for (verdict, judged) in plan.verdicts.iter().zip(judged) {
        let (Some(condition), true) = (verdict.failing(), judged.failing.is_some_and(|failing| failing > 0)) else {
            continue;
        };
        if wanted.len() == SHOWN {
            break;
        }
        let own = verdict.columns.iter().chain(verdict.by.iter().map(|field| &field.name)).map(String::as_str);
        let mut columns: Vec<&str> = Vec::new();
        own.filter(|name| visible(name).is_some()).for_each(|name| {
            if !columns.contains(&name) {
                columns.push(name);
            }
        });
        let others = plan.schema.names().filter(|name| !columns.contains(name) && visible(name).is_some());
        let others: Vec<&str> = others.take(SHOWN_COLUMNS).collect();
        columns.extend(others);
        wanted.push(Wanted { verdict, columns, rows: Vec::new() });
        failing.push(condition);
    }
    if !wanted.is_empty() {
        read(plan, base, &mut wanted, failing, bindings, context)?;
    }
    let mut exhibits: Vec<Exhibit> = wanted.into_iter().filter(|wanted| !wanted.rows.is_empty()).map(table).collect();
    let out_of_order = plan.verdicts.iter().zip(judged).filter(|(_, judged)| !judged.order.is_empty());
    exhibits.extend(out_of_order.map(|(verdict, judged)| order(verdict, judged)));
    Ok(exhibits)
}

fn read(
    plan: &Plan,
    base: &Arc<Relation>,
    wanted: &mut [Wanted<'_>],
    failing: Vec<Expr>,
    bindings: &Bindings,
    context: &WorkContext<'_>,
) -> Result<(), Diagnostic> {
    let flag = |number: usize| format!("__fails_{number}");
    let mut names: Vec<&str> = Vec::new();
    for one in wanted.iter() {
        one.columns.iter().for_each(|name| {
            if !names.contains(name) {
                names.push(name);
            }
        });
    }
    let mut columns = vec![NamedExpr { name: ROW.to_owned(), expr: Expr::column(ROW, DataType::Int64) }];
    columns.extend(
        failing.iter().enumerate().map(|(number, failing)| NamedExpr { name: flag(number), expr: failing.clone() }),
    );
    columns.extend(names.iter().filter_map(|name| {
        let shown = plan.schema.field(name).and_then(inputs::shown)?;
        Some(NamedExpr { name: (*name).to_owned(), expr: shown })
    }));
    let predicate = any(failing.into_iter()).unwrap_or(Expr::boolean(false));
    let rows = Relation::Filter { input: Arc::clone(base), predicate };
    let rows = Relation::Project { input: rows.into(), columns };
    let rows = rows
        .bind(bindings)
        .map_err(|key| Diagnostic::error(Class::Stage, format!("nothing was learned under `{key}`")))?;
    context.stream(&rows, &mut |found| {
        let text = |name: &str, row: usize| batch::column(&found, name).and_then(|column| batch::display(column, row));
        for row in 0..found.num_rows() {
            for (number, one) in wanted.iter_mut().enumerate() {
                let fails = batch::column(&found, &flag(number)).map(|column| batch::literal(column, row));
                if one.rows.len() >= EXAMPLES || fails != Some(crate::expression::Literal::Boolean(true)) {
                    continue;
                }
                // People count rows from 1.
                let number = text(ROW, row).and_then(|number| number.parse::<u64>().ok()).map(|number| number + 1);
                let mut cells = vec![number.map_or(Cell::Empty, Cell::count)];
                cells.extend(one.columns.iter().map(|name| Cell::optional(text(name, row))));
                one.rows.push(cells);
            }
        }
        Ok(wanted.iter().any(|one| one.rows.len() < EXAMPLES))
    })
}

fn table(wanted: Wanted<'_>) -> Exhibit {
    let mut columns = vec![Column::formatted("row", crate::exhibit::Format::Integer)];
    columns.extend(wanted.columns.into_iter().map(Column::new));
    Exhibit::Table(Table {
        title: format!("Rows that fail: {}", wanted.verdict.name),
        columns,
        rows: wanted.rows,
        note: None,
    })
}

fn order(verdict: &Verdict, judged: &Judged) -> Exhibit {
    let rows = judged
        .order
        .iter()
        .map(|(row, before, value)| vec![Cell::count(*row), Cell::text(before.clone()), Cell::text(value.clone())]);
    let columns =
        vec![Column::formatted("row", crate::exhibit::Format::Integer), Column::new("before it"), Column::new("here")];
    Exhibit::table(format!("Rows that fail: {}", verdict.name), columns, rows.collect())
}
