//! Which of a stage's expressions could not be computed.

use std::sync::Arc;

use super::Executor;
use crate::definition::{Node, Value};
use crate::diagnostic::{Class, Diagnostic, Place};
use crate::engine::Execution;
use crate::expression::ExprKind;
use crate::plan::PlannedStage;
use crate::relation::{NamedExpr, Relation};

impl Executor<'_> {
    /// The error with the column whose expression failed, and its place in the pipeline file, when the rows of a stage could
    /// not be computed and halving its columns finds the one to blame. Costs a pass over the rows for each halving, which
    /// only a run that fails anyway has to pay.
    pub(super) fn blame(&self, stage: &PlannedStage, relation: &Arc<Relation>, error: Diagnostic) -> Diagnostic {
        if error.class != Class::Data && error.class != Class::Stage || error.place.is_some() {
            return error;
        }
        let Some((column, found)) = self.failing_column(relation) else { return error };
        let message = format!("column `{column}`: {}", found.message);
        let place = place_of(&stage.definition.options, &column);
        Diagnostic { message, place: place.cloned(), ..error }
    }

    /// The column at fault with its own error, in the lowest projection on top of the relation that fails.
    fn failing_column(&self, relation: &Arc<Relation>) -> Option<(String, Diagnostic)> {
        let Relation::Project { input, columns } = relation.as_ref() else {
            return match relation.as_ref() {
                // Rows are chosen or put in order above what computes them.
                Relation::Filter { input, .. } | Relation::Sort { input, .. } | Relation::Limit { input, .. } => {
                    self.failing_column(input)
                }
                _ => None,
            };
        };
        if self.fails(input).is_some() {
            return self.failing_column(input);
        }
        let is_computed = |column: &&NamedExpr| !matches!(column.expr.kind, ExprKind::Column(_));
        let mut suspects: Vec<NamedExpr> = columns.iter().filter(is_computed).cloned().collect();
        let with =
            |columns: &[NamedExpr]| Arc::new(Relation::Project { input: Arc::clone(input), columns: columns.to_vec() });
        while suspects.len() > 1 {
            let second = suspects.split_off(suspects.len() / 2);
            if self.fails(&with(&suspects)).is_none() {
                suspects = second;
            }
        }
        let found = self.fails(&with(&suspects))?;
        suspects.pop().map(|column| (column.name, found))
    }

    fn fails(&self, relation: &Arc<Relation>) -> Option<Diagnostic> {
        let execution = Execution { cancelled: self.context.cancelled.clone(), ..Execution::default() };
        let result = self.context.engine.stream(relation, &execution, &mut |_| Ok(true));
        result.err().filter(|error| matches!(error.class, Class::Data | Class::Stage)).map(Diagnostic::from)
    }
}

/// Where the options say something about the column: under its name.
fn place_of<'n>(node: &'n Node, column: &str) -> Option<&'n Place> {
    match &node.value {
        Value::Mapping(entries) => {
            let named = entries.iter().find(|entry| entry.key == column).map(|entry| &entry.value.place);
            named.or_else(|| entries.iter().find_map(|entry| place_of(&entry.value, column)))
        }
        Value::Sequence(items) => items.iter().find_map(|item| place_of(item, column)),
        _ => None,
    }
}
