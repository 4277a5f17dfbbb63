//! The work of `tensors`: learning the encoder from the training rows, and counting.

use super::exhibits::{self, PartRows};
use super::files::Files;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{DataType, Expr, Function, Literal};
use crate::relation::{NamedExpr, Relation, keep_columns};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{Product, TableProduct};
use crate::tensor::{Encoder, Fit, Specification, TensorError};

/// Rows whose files are read together.
const TOGETHER: usize = 1_024;

pub(super) struct TensorsWork {
    pub(super) specification: Specification,
}

impl TensorsWork {
    /// Learns from the training rows.
    fn fit(&self, table: &TableProduct, context: &WorkContext<'_>) -> Result<Encoder, Diagnostic> {
        let rows = keep_columns(&table.training(), &self.specification.columns());
        let files = Files::to_learn(&self.specification, context.base)?;
        let mut fit = Fit::new(&self.specification);
        let mut wrong = None;
        context.stream(&rows, &mut |batch| {
            let step = if files.is_empty() { batch.num_rows().max(1) } else { TOGETHER };
            for start in (0..batch.num_rows()).step_by(step) {
                let slice = batch.slice(start, step.min(batch.num_rows() - start));
                wrong = files.read(slice).and_then(|slice| fit.add(&slice).map_err(|error| refusal(&error))).err();
                if wrong.is_some() {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        match wrong {
            Some(error) => Err(error),
            None => fit.finish().map_err(|error| refusal(&error)),
        }
    }

    /// How many rows each part has, how many of them have each target, and how many windows there are. Nothing is learned
    /// from these counts.
    fn count(&self, table: &TableProduct, context: &WorkContext<'_>) -> Result<Vec<PartRows>, Diagnostic> {
        let schema = table.relation.schema();
        let column = |name: &str| schema.data_type(name).map(|data_type| Expr::column(name, data_type.clone()));
        let aggregate = |name: String, function, arguments| NamedExpr {
            name,
            expr: Expr::aggregate(function, arguments, DataType::Int64),
        };
        let (split, sequence) = (table.split.as_ref(), self.specification.sequence.as_ref());
        let key = split.and_then(|split| Some(NamedExpr { name: "part".to_owned(), expr: column(&split.column)? }));
        let groups = sequence.iter().flat_map(|sequence| sequence.by.iter()).enumerate();
        let groups =
            groups.filter_map(|(at, name)| Some(NamedExpr { name: format!("group {at}"), expr: column(name)? }));
        let targets = &self.specification.targets;
        let mut aggregates = vec![aggregate("rows".to_owned(), Function::CountAll, Vec::new())];
        for (at, target) in targets.iter().enumerate() {
            let arguments = column(&target.column).into_iter().collect();
            aggregates.push(aggregate(format!("target {at}"), Function::Count, arguments));
        }
        if let Some(sequence) = sequence {
            let arguments = column(&sequence.order).into_iter().collect();
            aggregates.push(aggregate("times".to_owned(), Function::Count, arguments));
        }
        let counts = Relation::Aggregate {
            input: table.relation.clone(),
            keys: key.into_iter().chain(groups).collect(),
            aggregates,
        };
        let mut found: Vec<PartRows> = Vec::new();
        context.stream(&counts, &mut |batch| {
            for row in 0..batch.num_rows() {
                let literal = |name: &str| batch::column(&batch, name).map(|array| batch::literal(array, row));
                let count = |name: &str| match literal(name) {
                    Some(Literal::Integer(count)) => u64::try_from(count).unwrap_or(0),
                    _ => 0,
                };
                let name = match literal("part") {
                    Some(Literal::String(part)) => part,
                    _ => "all rows".to_owned(),
                };
                let at = found.iter().position(|part| part.part == name).unwrap_or_else(|| {
                    found.push(PartRows::new(name, targets.len()));
                    found.len() - 1
                });
                let Some(part) = found.get_mut(at) else { continue };
                part.rows += count("rows");
                for (target, with) in part.with_target.iter_mut().enumerate() {
                    *with += count(&format!("target {target}"));
                }
                if let Some(sequence) = sequence {
                    part.group(count("times"), sequence.window as u64, sequence.horizon as u64);
                }
            }
            Ok(true)
        })?;
        let place = |part: &PartRows| split.and_then(|split| split.parts.iter().position(|name| *name == part.part));
        found.sort_by_key(|part| (place(part).unwrap_or(usize::MAX), part.part.clone()));
        Ok(found)
    }
}

/// A row that cannot become a tensor, with advice.
pub(in crate::stages::learn) fn refusal(error: &TensorError) -> Diagnostic {
    let finding = Diagnostic::error(Class::Data, error.to_string());
    match error {
        TensorError::NotBinary { .. } => finding.help("say `target_kind: category`"),
        TensorError::TooManyClasses(_) => {
            finding.help("foretell a number (`target_kind: number`), or group the values first")
        }
        TensorError::NoCount { .. } => finding.help("say `target_kind: number`, or leave such rows out with `filter`"),
        TensorError::TooManyMeans(_) => {
            finding.help("give the column `embedding` or `hash`, or group its values first")
        }
        TensorError::Unreadable { .. } => finding.help("say `on_error: skip` to leave such rows out"),
        _ => finding,
    }
}

impl Work for TensorsWork {
    fn passes(&self, _: usize) -> usize {
        2
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let encoder = self.fit(table, context)?;
        let parts = self.count(table, context)?;
        let training = table.split.as_ref().and_then(|split| split.parts.first());
        let learned = parts.iter().find(|part| training.is_none_or(|name| *name == part.part));
        if let (Some(sequence), Some(part)) = (&self.specification.sequence, learned)
            && part.windows == 0
        {
            let message = format!(
                "no group of the training rows has a window: {} rows and one {} rows later are needed",
                sequence.window, sequence.horizon
            );
            return Err(
                Diagnostic::error(Class::Data, message).help("choose a smaller `window`, or other groups in `by`")
            );
        }
        let document = serde_json::to_value(&encoder)
            .map_err(|error| Diagnostic::error(Class::Stage, format!("the encoders cannot be kept: {error}")))?;
        let (exhibits, remarks) = (exhibits::all(&encoder, &parts), exhibits::remarks(&encoder));
        Ok(Outcome { document, exhibits, remarks, ..Outcome::default() })
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}
