//! The columns of a relation, without reading rows.

use super::{Join, JoinKind, Relation};
use crate::expression::{DataType, Field, Schema};

impl Relation {
    /// The columns of the rows that the relation means. Cost: one visit of the nodes down to the first that names its columns.
    pub fn schema(&self) -> Schema {
        match self {
            Self::Scan(scan) => scan.schema.clone(),
            Self::Project { columns, .. } => named(columns.iter()),
            Self::Aggregate { keys, aggregates, .. } => named(keys.iter().chain(aggregates)),
            Self::Filter { input, .. }
            | Self::Deduplicate { input, .. }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. }
            | Self::Tap { input, .. } => input.schema(),
            Self::Union { inputs } => inputs.first().map(|input| input.schema()).unwrap_or_default(),
            Self::Join(join) => join.schema(),
            Self::Explode { input, columns, .. } => {
                let exploded = |field: &Field| match &field.data_type {
                    DataType::List(element) if columns.contains(&field.name) => {
                        Field::new(&field.name, DataType::clone(element))
                    }
                    _ => field.clone(),
                };
                Schema::of_first(input.schema().fields().iter().map(exploded).collect())
            }
            Self::Learning { rows, .. } => rows.schema(),
            Self::RowIndex { input, name } => {
                let index = Field::new(name, DataType::Int64);
                Schema::of_first(std::iter::once(index).chain(input.schema().fields().iter().cloned()).collect())
            }
        }
    }

    /// The relations that this one reads directly.
    pub fn inputs(&self) -> Vec<&Relation> {
        match self {
            Self::Scan(_) => Vec::new(),
            Self::Project { input, .. }
            | Self::Filter { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Deduplicate { input, .. }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. }
            | Self::RowIndex { input, .. }
            | Self::Explode { input, .. }
            | Self::Learning { rows: input, .. }
            | Self::Tap { input, .. } => vec![input],
            Self::Join(join) => vec![&join.left, &join.right],
            Self::Union { inputs } => inputs.iter().map(AsRef::as_ref).collect(),
        }
    }

    /// Visits the relation and everything below it, parents first.
    pub fn visit<'a>(&'a self, visitor: &mut impl FnMut(&'a Relation)) {
        visitor(self);
        for input in self.inputs() {
            input.visit(visitor);
        }
    }
}

impl Join {
    fn schema(&self) -> Schema {
        let left = self.left.schema();
        if matches!(self.kind, JoinKind::Semi | JoinKind::Anti) {
            return left;
        }
        let right = self.right.schema();
        let taken = self.take.iter().filter_map(|(theirs, ours)| {
            right.data_type(theirs).map(|data_type| Field::new(ours.clone(), data_type.clone()))
        });
        Schema::of_first(left.fields().iter().cloned().chain(taken).collect())
    }
}

/// Stages refuse clashing names before they build a relation, so no name is lost here.
fn named<'a>(columns: impl Iterator<Item = &'a super::NamedExpr>) -> Schema {
    Schema::of_first(columns.map(|column| Field::new(&column.name, column.expr.data_type.clone())).collect())
}
