//! `aggregate`: many rows become one for each group.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::expression::{Expr, Field, SortKey};
use crate::relation::{NamedExpr, Relation, Sample, Tap};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};

/// Groups that the report shows.
const SHOWN_GROUPS: usize = 20;

/// Many rows become one for each group.
///
/// `by` names the columns of a group (nulls are a group of their own); without it there is one row for all. The expressions
/// are SQL over aggregate functions. The result is in the order of its groups.
///
/// ```yaml
/// - aggregate:
///     by: [carrier]
///     compute: {flights: "count(*)", mean_delay: "avg(arr_delay)", late: "avg(cast(late as int))"}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// The columns of a group.
    #[serde(default)]
    by: Option<OneOrMany<Spanned<String>>>,
    /// The new columns with their expressions.
    compute: Ordered<Spanned<String>>,
}

impl Stage for Aggregate {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let by = inputs::columns(&table.schema, self.by.as_ref().map_or(&[], |names| names.as_slice()), id)?;
        if let Some(field) = by.iter().find(|field| !inputs::is_key(&field.data_type)) {
            let message = format!("column `{}` holds {}, which cannot make groups", field.name, field.data_type);
            return Err(vec![Diagnostic::definition(message)]);
        }
        let mut findings = Findings::new();
        let mut aggregates = Vec::new();
        for (name, text) in self.compute.iter() {
            if by.iter().any(|field| field.name == name.value) {
                findings
                    .push(Diagnostic::definition(format!("`{}` is a group and a result", name.value)).at(&name.place));
            }
            match inputs::aggregate(text, &table.schema) {
                Ok(expr) => aggregates.push(NamedExpr { name: name.value.clone(), expr }),
                Err(mut wrong) => findings.append(&mut wrong),
            }
        }
        if aggregates.is_empty() && by.is_empty() && findings.is_empty() {
            findings.push(Diagnostic::definition("there is nothing to compute: name `by` or `compute`"));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let keys: Vec<NamedExpr> = by
            .iter()
            .map(|field| NamedExpr {
                name: field.name.clone(),
                expr: Expr::column(&field.name, field.data_type.clone()),
            })
            .collect();
        let order: Vec<SortKey> =
            keys.iter().map(|key| SortKey { expr: key.expr.clone(), descending: false, nulls_first: false }).collect();
        let mut relation = Relation::Aggregate { input: table.relation.clone(), keys, aggregates };
        if !order.is_empty() {
            relation = Relation::Sort { input: relation.into(), keys: order };
        }
        let fields: Vec<Field> = relation.schema().fields().to_vec();
        let shown: Vec<(Field, Expr)> =
            fields.into_iter().filter_map(|field| inputs::shown(&field).map(|expr| (field, expr))).collect();
        let tapped = Relation::Tap { input: relation.into(), tap: first_groups(context.id, &shown).into() };
        let columns = shown.into_iter().map(|(field, _)| field).collect();
        Ok(Planned::relation(TableShape::new(tapped, None)).work(AggregateWork { columns }))
    }
}

/// The first groups, for the report.
fn first_groups(id: &str, shown: &[(Field, Expr)]) -> Tap {
    let columns = shown.iter().map(|(field, expr)| NamedExpr { name: field.name.clone(), expr: expr.clone() });
    let sample =
        Sample { name: "groups".to_owned(), when: Expr::boolean(true), columns: columns.collect(), rows: SHOWN_GROUPS };
    Tap { stage: id.to_owned(), point: "groups".to_owned(), counters: Vec::new(), samples: vec![sample] }
}

struct AggregateWork {
    /// The columns of the groups that the report shows.
    columns: Vec<Field>,
}

impl Work for AggregateWork {
    fn is_costly(&self) -> bool {
        true
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        // Without groups, no rows still give one row.
        let change = counts.difference();
        vec![Change::new(if change > 0 { "one row for all" } else { "merged into groups" }, change)]
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let cell = |field: &Field, value: &Option<String>| match value {
            Some(text) if field.data_type.is_numeric() => Cell::number(text.parse::<f64>().ok()),
            value => Cell::optional(value.clone()),
        };
        let sample = counts.sample("groups", "groups");
        let rows =
            sample.iter().map(|row| self.columns.iter().zip(row).map(|(field, value)| cell(field, value)).collect());
        let columns = self.columns.iter().map(|field| match field.data_type.is_integer() {
            true => Column::formatted(&field.name, Format::Integer),
            false => Column::new(&field.name),
        });
        let more = counts.out.saturating_sub(sample.len() as u64);
        let note = (more > 0).then(|| format!("The first of {} groups.", counts.out));
        let (columns, rows) = (columns.collect(), rows.collect());
        vec![Exhibit::Table(Table { title: "Groups".to_owned(), columns, rows, note })]
    }
}
