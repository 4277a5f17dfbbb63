//! Constants for each group of rows, as a table that a stage makes and looks up.

use std::sync::Arc;

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::engine::{Compression, Target, TargetFormat};
use crate::expression::{DataType, Expr, Field, Schema, SortKey};
use crate::relation::{self, JoinKind, NamedExpr, Relation, Scan, ScanSource};
use crate::stages::work::{Outcome, WorkContext};
use crate::stages::{PlanContext, inputs};

/// Prefix of columns with the constants of each row's group; they never leave the stage.
const GROUP: &str = "__group_";
/// The table of groups among the artifacts of a stage.
const FILE: &str = "groups.parquet";

/// One constant of each kind for each group. A row whose group was not learned, or has a null in its key, finds nulls.
#[derive(Debug, Clone)]
pub struct Groups {
    key: String,
    by: Vec<Field>,
    aggregates: Vec<NamedExpr>,
    schema: Schema,
}

/// The columns that make the groups.
///
/// Errors: unknown columns, and those whose values cannot be compared.
pub fn keys(schema: &Schema, by: Option<&OneOrMany<Spanned<String>>>, id: &str) -> Result<Vec<Field>, Findings> {
    let names = by.map_or(&[][..], |by| by.as_slice());
    let fields = inputs::columns(schema, names, id)?;
    let wrong: Findings = fields
        .iter()
        .zip(names)
        .filter(|(field, _)| !inputs::is_key(&field.data_type))
        .map(|(field, name)| {
            let message = format!("column `{}` holds {}, which makes no groups", field.name, field.data_type);
            Diagnostic::definition(message).at(&name.place)
        })
        .collect();
    if wrong.is_empty() { Ok(fields) } else { Err(wrong) }
}

/// The name of the column with the constant `name` of each row's group, as [`Groups::two_steps`] puts it beside the rows.
pub fn name_beside(name: &str) -> String {
    format!("{GROUP}{name}")
}

impl Groups {
    /// Groups by `by` with `aggregates`, each under a name of its own; none without columns to group by.
    pub fn new(by: &[Field], aggregates: Vec<NamedExpr>, context: &PlanContext<'_>) -> Option<Self> {
        if by.is_empty() || aggregates.is_empty() {
            return None;
        }
        let aggregates: Vec<NamedExpr> = aggregates
            .into_iter()
            .map(|column| NamedExpr { name: name_beside(&column.name), expr: column.expr })
            .collect();
        let learned = aggregates.iter().map(|column| Field::new(&column.name, column.expr.data_type.clone()));
        let schema = Schema::new(by.iter().cloned().chain(learned).collect()).unwrap_or_default();
        Some(Self { key: context.key("groups"), by: by.to_vec(), aggregates, schema })
    }

    /// The input with the constants of each row's group beside it.
    pub fn join(&self, input: Arc<Relation>) -> Relation {
        let source = ScanSource::Artifact(self.key.clone());
        let right = Relation::Scan(Scan { source, schema: self.schema.clone() });
        self.beside(input, right.into())
    }

    fn beside(&self, left: Arc<Relation>, right: Arc<Relation>) -> Relation {
        let same = |name: &String| (name.clone(), name.clone());
        Relation::Join(Box::new(relation::Join {
            left,
            right,
            kind: JoinKind::Left,
            on: self.by.iter().map(|field| same(&field.name)).collect(),
            take: self.aggregates.iter().map(|column| same(&column.name)).collect(),
            asof: None,
        }))
    }

    /// The constant of that name of the row's group.
    pub fn constant(&self, name: &str) -> Expr {
        let name = name_beside(name);
        let data_type = self.schema.data_type(&name).cloned().unwrap_or(DataType::Null);
        Expr::column(name, data_type)
    }

    /// The table of groups over these rows, in the order of the groups, so that the same rows give the same file to the byte.
    fn table(&self, rows: &Arc<Relation>) -> Relation {
        let keys = self.by.iter().map(|field| NamedExpr {
            name: field.name.clone(),
            expr: Expr::column(&field.name, field.data_type.clone()),
        });
        let keys: Vec<NamedExpr> = keys.collect();
        let order = keys.iter().map(|key| SortKey { expr: key.expr.clone(), descending: false, nulls_first: false });
        let order = order.collect();
        let groups = Relation::Aggregate { input: rows.clone(), keys, aggregates: self.aggregates.clone() };
        Relation::Sort { input: groups.into(), keys: order }
    }

    /// These rows with what the groups of the same rows have in `aggregates` beside them, for what is learned in two steps.
    pub fn two_steps(&self, rows: &Arc<Relation>) -> Arc<Relation> {
        Arc::new(self.beside(rows.clone(), self.table(rows).into()))
    }

    /// Learns the constants from these rows.
    ///
    /// Errors: the rows cannot be computed, or the file not be written.
    pub fn learn(
        &self,
        rows: &Arc<Relation>,
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<u64, Diagnostic> {
        let target = Target {
            path: context.artifacts.join(FILE),
            format: TargetFormat::Parquet { compression: Compression::Zstd, row_group_size: None },
            partition_by: Vec::new(),
        };
        let written = context.write(&self.table(rows), &target)?;
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        Ok(written.rows)
    }
}
