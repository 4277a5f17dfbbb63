//! `union`: the rows of several tables below each other.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Expr, Field, Literal, supertype};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};

/// Puts the rows of several tables below each other, column by name.
///
/// Columns of the same name must have types with a common one: integers widen, integers and floats become float64, dates
/// become datetimes; anything else is refused, and each coercion is reported. A column that a table lacks is null in its
/// rows with `missing: "null"`, and an error with `missing: fail`.
///
/// ```yaml
/// - from: flights_2012
///   union: {with: [flights_2013], source: year_file}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Union {
    /// The other tables.
    with: OneOrMany<Spanned<String>>,
    /// What becomes of a column that a table lacks.
    #[serde(default)]
    missing: Missing,
    /// A further text column with the id of the stage that each row comes from.
    #[serde(default)]
    source: Option<Spanned<String>>,
}

/// What becomes of a column that a table lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It is an error.
    #[default]
    Fail,
    /// It is null.
    Null,
}

impl Stage for Union {
    fn named_inputs(&self) -> Vec<Spanned<String>> {
        self.with.as_slice().to_vec()
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let tables: Vec<&TableShape> =
            (0..shapes.len()).map(|at| inputs::table(shapes, at, context.input_ids)).collect::<Result<_, _>>()?;
        if tables.len() < 2 {
            return Err(vec![Diagnostic::definition("`with` names no table")]);
        }
        let fields = self.common_fields(&tables, context)?;
        if let Some(source) = &self.source
            && fields.iter().any(|field| field.name == source.value)
        {
            let message = format!("column `{}` exists already", source.value);
            return Err(vec![Diagnostic::definition(message).at(&source.place)]);
        }
        let parts = tables.iter().zip(context.input_ids).map(|(table, id)| {
            let mut columns: Vec<NamedExpr> = fields.iter().map(|field| conform(table, field)).collect();
            if let Some(source) = &self.source {
                columns.push(NamedExpr { name: source.value.clone(), expr: Expr::string(id) });
            }
            Arc::new(Relation::Project { input: table.relation.clone(), columns })
        });
        let relation = Relation::Union { inputs: parts.collect() };
        let mut planned = Planned::relation(TableShape::new(relation, None)).work(UnionWork);
        for (table, id) in tables.iter().zip(context.input_ids) {
            for field in &fields {
                if let Some(found) = table.schema.data_type(&field.name)
                    && *found != field.data_type
                    && *found != DataType::Null
                {
                    let message =
                        format!("column `{}` of `{id}` becomes {} (it is {found})", field.name, field.data_type);
                    planned = planned.warn(Diagnostic::warning(message));
                }
            }
        }
        Ok(planned)
    }
}

impl Union {
    fn common_fields(&self, tables: &[&TableShape], context: &PlanContext<'_>) -> Result<Vec<Field>, Findings> {
        let mut fields: Vec<Field> = Vec::new();
        let mut findings = Findings::new();
        for (table, id) in tables.iter().zip(context.input_ids) {
            for field in table.schema.fields() {
                match fields.iter_mut().find(|known| known.name == field.name) {
                    None => fields.push(field.clone()),
                    Some(known) => match supertype(&known.data_type, &field.data_type) {
                        Some(common) => known.data_type = common,
                        None => {
                            let message = format!(
                                "column `{}` holds {} in `{id}`, but {} above: there is no common type",
                                field.name, field.data_type, known.data_type
                            );
                            findings.push(Diagnostic::definition(message).help("cast one of them with `derive`"));
                        }
                    },
                }
            }
        }
        if self.missing == Missing::Fail {
            for (table, id) in tables.iter().zip(context.input_ids) {
                let lacking: Vec<&str> = fields
                    .iter()
                    .map(|field| field.name.as_str())
                    .filter(|name| !table.schema.contains(name))
                    .collect();
                if !lacking.is_empty() {
                    let message = format!("`{id}` has no column `{}`", lacking.join("`, `"));
                    findings.push(
                        Diagnostic::definition(message).help("`missing: \"null\"` fills such columns with nulls"),
                    );
                }
            }
        }
        if findings.is_empty() { Ok(fields) } else { Err(findings) }
    }
}

/// The column as the union has it.
fn conform(table: &TableShape, field: &Field) -> NamedExpr {
    let expr = match table.schema.data_type(&field.name) {
        Some(found) => Expr::column(&field.name, found.clone()).cast(field.data_type.clone(), true),
        None => Expr::literal(Literal::Null, field.data_type.clone()),
    };
    NamedExpr { name: field.name.clone(), expr }
}

struct UnionWork;

impl Work for UnionWork {
    fn flowing(&self) -> usize {
        usize::MAX
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}
