//! `sample`: a random part of the rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{BinaryOperator, DataType, Expr, SortKey};
use crate::relation::Relation;
use crate::stages::prepare::split::uniform;
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};

const INDEX: &str = "__row";

/// Keeps a random part of the rows: a `fraction` of them, or a number of `rows`.
///
/// The choice depends only on the seed and the position of each row, so the same input gives the same sample on every run and
/// on every engine. With `fraction`, each row is kept with that probability, in one pass; with `rows`, exactly that many are
/// kept (all, when there are fewer). The order of the rows stays.
///
/// ```yaml
/// - sample: {fraction: 0.1, seed: 7}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The probability with which each row is kept, from 0 to 1.
    #[serde(default)]
    fraction: Option<f64>,
    /// The number of rows to keep.
    #[serde(default)]
    rows: Option<u64>,
    /// Another seed gives another sample.
    #[serde(default)]
    seed: u32,
}

impl Stage for Sample {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        inputs::new_name(&table.schema, INDEX, context.place).map_err(|finding| vec![finding])?;
        let refuse = |message: &str| Err(vec![Diagnostic::definition(message)]);
        let indexed = Relation::RowIndex { input: table.relation.clone(), name: INDEX.to_owned() };
        let luck = uniform(vec![Expr::column(INDEX, DataType::Int64)], &format!("sample {}", self.seed));
        let chosen = match (self.fraction, self.rows) {
            (Some(fraction), None) if (0.0..=1.0).contains(&fraction) => {
                let predicate = Expr::binary(BinaryOperator::Less, luck, Expr::float(fraction), DataType::Boolean);
                Relation::Filter { input: indexed.into(), predicate }
            }
            (Some(_), None) => return refuse("`fraction` must lie between 0 and 1"),
            (None, Some(rows)) => {
                let key = |expr| SortKey { expr, descending: false, nulls_first: false };
                let shuffled = Relation::Sort { input: indexed.into(), keys: vec![key(luck)] };
                let first = Relation::Limit { input: shuffled.into(), offset: 0, rows };
                Relation::Sort { input: first.into(), keys: vec![key(Expr::column(INDEX, DataType::Int64))] }
            }
            (Some(_), Some(_)) => return refuse("`fraction` and `rows` exclude each other"),
            (None, None) => return refuse("say how much: `fraction` or `rows`"),
        };
        let columns = inputs::all_columns(&table.schema);
        let relation = Relation::Project { input: chosen.into(), columns };
        Ok(Planned::relation(table.derive(relation)).work(SampleWork { costly: self.rows.is_some() }))
    }
}

struct SampleWork {
    costly: bool,
}

impl Work for SampleWork {
    fn is_costly(&self) -> bool {
        self.costly
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::new("not in the sample", counts.difference())]
    }
}
