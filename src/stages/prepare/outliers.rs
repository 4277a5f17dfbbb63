//! `outliers`: values far from the others.

mod bounds;
mod forest;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::exhibit::{Cell, Column, Exhibit, Format, Tone};
use crate::expression::{Expr, Field, Literal};
use crate::relation::{NamedExpr, Relation, Tap};
use crate::stages::fit::groups::{self, Groups};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, fit, inputs};
use bounds::{Bounds, Rule};

/// Treats values that lie far from the others.
///
/// `method` says what far is, learned from the training rows when the rows are divided by a `split`, else from all rows:
///
/// - `quantile`: below the quantile `lower` or above the quantile `upper` (0.01 and 0.99).
/// - `iqr`: more than `factor` (1.5) interquartile ranges below the first or above the third quartile (Tukey 1977).
/// - `zscore`: more than `factor` (3) standard deviations from the mean.
/// - `mad`: more than `factor` (3.5) times 1.4826 median absolute deviations from the median (Iglewicz and Hoaglin 1993), which
///   outliers cannot hide from. When more than half of the values are equal it has nothing to measure by, and finds none.
/// - `isolation_forest`: rows that random cuts through all `columns` separate quickly (Liu, Ting and Zhou 2008). Each row gets a
///   score from 0 to 1; far are the `contamination` (0.01) rows of highest score, or those above a `threshold`. The forest is
///   grown from at most 65,536 rows, drawn at random; a missing value counts as the median.
///
/// `action` says what becomes of them: `clip` moves them to the nearest allowed value, `null` forgets them, `drop` leaves
/// the row out, `flag` adds a boolean column `x_outlier`. Nulls are never outliers. An isolation forest judges whole rows:
/// `flag` (its default) adds one column `outlier`, `null` forgets all `columns` of the row, and there is nothing to `clip` to.
///
/// `by` learns what far is for each group; a group that was not learned, or has a null in its key, takes what all rows say.
///
/// ```yaml
/// - outliers: {columns: amount, method: quantile, lower: 0.01, upper: 0.99, action: clip}
/// - outliers: {columns: arr_delay, method: mad, by: carrier, action: flag}
/// - outliers: {columns: [dep_delay, air_time, distance], method: isolation_forest, contamination: 0.005, score: anomaly}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outliers {
    /// The columns.
    columns: OneOrMany<Spanned<String>>,
    /// What far is.
    #[serde(default)]
    method: Method,
    /// Columns that make groups, each with its own allowed values.
    #[serde(default)]
    by: Option<OneOrMany<Spanned<String>>>,
    /// The lower quantile of `method: quantile`; 0.01 when absent.
    #[serde(default)]
    lower: Option<Spanned<f64>>,
    /// The upper quantile of `method: quantile`; 0.99 when absent.
    #[serde(default)]
    upper: Option<Spanned<f64>>,
    /// How many ranges or deviations are far: 1.5 for `iqr`, 3 for `zscore`, 3.5 for `mad` when absent.
    #[serde(default)]
    factor: Option<Spanned<f64>>,
    /// The share of rows that the isolation forest takes for outliers, above 0 up to 0.5; 0.01 when absent.
    #[serde(default)]
    contamination: Option<Spanned<f64>>,
    /// The score of the isolation forest above which a row is an outlier, in the place of `contamination`; 0.6 is usual.
    #[serde(default)]
    threshold: Option<Spanned<f64>>,
    /// Trees of the isolation forest, from 1 to 1,000; 100 when absent.
    #[serde(default)]
    trees: Option<Spanned<u32>>,
    /// Rows of which each tree is grown, from 2 to 65,536; 256 when absent.
    #[serde(default)]
    sample: Option<Spanned<u32>>,
    /// Another seed grows another isolation forest; 0 when absent.
    #[serde(default)]
    seed: Option<Spanned<u32>>,
    /// Name of a further column with the score of the isolation forest.
    #[serde(default)]
    score: Option<Spanned<String>>,
    /// What becomes of them: `clip` when absent, `flag` for an isolation forest.
    #[serde(default)]
    action: Option<Spanned<Action>>,
}

/// What far is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Outside two quantiles.
    #[default]
    Quantile,
    /// Outside the quartiles by a multiple of their distance.
    Iqr,
    /// Away from the mean by a multiple of the standard deviation.
    Zscore,
    /// Away from the median by a multiple of the median absolute deviation.
    Mad,
    /// Rows that are easily separated from the others.
    IsolationForest,
}

/// What becomes of outliers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// They become the nearest allowed value.
    Clip,
    /// They become null.
    Null,
    /// Their rows are left out.
    Drop,
    /// A boolean column tells them.
    Flag,
}

impl Stage for Outliers {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = inputs::numeric_columns(&table.schema, self.columns.as_slice(), id)?;
        self.check_meaning()?;
        if self.method == Method::IsolationForest {
            return forest::plan(self, table, fields, context);
        }
        let by = groups::keys(&table.schema, self.by.as_ref(), id)?;
        let action = self.action.as_ref().map_or(Action::Clip, |action| action.value);
        let changes = matches!(action, Action::Clip | Action::Null);
        if let Some((name, _)) = self.columns.iter().zip(&fields).find(|(_, field)| changes && by.contains(field)) {
            let message = format!("column `{}` makes the groups and cannot be changed at the same time", name.value);
            return Err(vec![Diagnostic::definition(message).at(&name.place)]);
        }
        let rule = self.rule()?;
        let groups = Groups::new(&by, fields.iter().flat_map(|field| rule.group(field)).collect(), context);
        let bounds: Vec<Bounds> = fields.iter().map(|field| Bounds::new(field, groups.as_ref(), context)).collect();
        let relation = self.relation(table, &bounds, action, groups.as_ref(), context)?;
        let medians = Groups::new(&by, fields.iter().map(|field| rule.median(field)).collect(), context);
        let work = OutliersWork { rule, bounds, groups, medians };
        Ok(Planned::relation(table.derive(relation)).work(work).meaning(self))
    }
}

impl Outliers {
    fn relation(
        &self,
        table: &TableShape,
        bounds: &[Bounds],
        action: Action,
        groups: Option<&Groups>,
        context: &PlanContext<'_>,
    ) -> Result<Relation, Findings> {
        let counters = bounds.iter().flat_map(|bounds| {
            let name = &bounds.field.name;
            [
                NamedExpr { name: format!("low {name}"), expr: bounds.below() },
                NamedExpr { name: format!("high {name}"), expr: bounds.above() },
            ]
        });
        let tap = Tap {
            stage: context.id.to_owned(),
            point: "in".to_owned(),
            counters: counters.collect(),
            samples: Vec::new(),
        };
        let input = match groups {
            Some(groups) => Arc::new(groups.join(table.relation.clone())),
            None => table.relation.clone(),
        };
        let mut input = Relation::Tap { input, tap: tap.into() };
        let mut columns = inputs::all_columns(&table.schema);
        let mut allowed = Vec::new();
        for (bounds, written) in bounds.iter().zip(self.columns.iter()) {
            let name = &bounds.field.name;
            match action {
                Action::Clip => inputs::set_column(&mut columns, name, bounds.clip()),
                Action::Null => inputs::set_column(&mut columns, name, bounds.null()),
                Action::Drop => allowed.push(bounds.is_outlier().not()),
                Action::Flag => {
                    let name = format!("{name}_outlier");
                    inputs::new_name(&table.schema, &name, &written.place).map_err(|finding| vec![finding])?;
                    inputs::set_column(&mut columns, &name, bounds.is_outlier());
                }
            }
        }
        if let Some(predicate) = allowed.into_iter().reduce(Expr::and) {
            input = Relation::Filter { input: input.into(), predicate };
        }
        Ok(Relation::Project { input: input.into(), columns })
    }

    /// Options that mean nothing to the method.
    fn check_meaning(&self) -> Result<(), Findings> {
        let mut findings = Findings::new();
        let mut only = |name: &str, place: Option<&Place>, fits: bool, method: &str| {
            if let (Some(place), false) = (place, fits) {
                let message = format!("`{name}` has no meaning here: it belongs to {method}");
                findings.push(Diagnostic::definition(message).at(place));
            }
        };
        let quantile = self.method == Method::Quantile;
        let forest = self.method == Method::IsolationForest;
        only("lower", self.lower.as_ref().map(|option| &option.place), quantile, "`method: quantile`");
        only("upper", self.upper.as_ref().map(|option| &option.place), quantile, "`method: quantile`");
        let factor = !quantile && !forest;
        only("factor", self.factor.as_ref().map(|option| &option.place), factor, "`iqr`, `zscore` and `mad`");
        let by = self.by.as_ref().and_then(|by| by.as_slice().first());
        only("by", by.map(|name| &name.place), !forest, "the methods that look at one column");
        let name = "`method: isolation_forest`";
        only("contamination", self.contamination.as_ref().map(|option| &option.place), forest, name);
        only("threshold", self.threshold.as_ref().map(|option| &option.place), forest, name);
        only("trees", self.trees.as_ref().map(|option| &option.place), forest, name);
        only("sample", self.sample.as_ref().map(|option| &option.place), forest, name);
        only("seed", self.seed.as_ref().map(|option| &option.place), forest, name);
        only("score", self.score.as_ref().map(|option| &option.place), forest, name);
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    fn rule(&self) -> Result<Rule, Findings> {
        let refuse = |message: &str, place: &Place| Err(vec![Diagnostic::definition(message).at(place)]);
        let lower = self.lower.as_ref().map_or(0.01, |lower| lower.value);
        let upper = self.upper.as_ref().map_or(0.99, |upper| upper.value);
        let unit = 0.0..=1.0;
        if !unit.contains(&lower) || !unit.contains(&upper) || lower >= upper {
            let nowhere = Spanned::nowhere(upper);
            let written = self.upper.as_ref().or(self.lower.as_ref()).unwrap_or(&nowhere);
            return refuse("`lower` and `upper` must be quantiles from 0 to 1, the lower one first", &written.place);
        }
        if let Some(factor) = &self.factor
            && !(factor.value.is_finite() && factor.value > 0.0)
        {
            return refuse("`factor` must be larger than 0", &factor.place);
        }
        let factor = |usual: f64| self.factor.as_ref().map_or(usual, |factor| factor.value);
        Ok(match self.method {
            Method::Quantile | Method::IsolationForest => Rule::Quantile { lower, upper },
            Method::Iqr => Rule::Iqr(factor(1.5)),
            Method::Zscore => Rule::Zscore(factor(3.0)),
            Method::Mad => Rule::Mad(factor(3.5)),
        })
    }
}

struct OutliersWork {
    rule: Rule,
    bounds: Vec<Bounds>,
    groups: Option<Groups>,
    /// The median of each group, from which deviations are measured.
    medians: Option<Groups>,
}

impl OutliersWork {
    fn is_mad(&self) -> bool {
        matches!(self.rule, Rule::Mad(_))
    }

    /// The lowest and the highest allowed value of each column over these rows.
    fn learn(
        &self,
        rows: &Arc<Relation>,
        context: &WorkContext<'_>,
    ) -> Result<std::collections::BTreeMap<String, Literal>, Diagnostic> {
        let mut medians = std::collections::BTreeMap::new();
        if self.is_mad() {
            let aggregates = self.bounds.iter().map(|bounds| self.rule.median(&bounds.field)).collect();
            medians = fit::constants(rows, aggregates, context)?;
        }
        let aggregates = self.bounds.iter().flat_map(|bounds| {
            let median = fit::number(medians.get(&self.rule.median(&bounds.field).name));
            let [low, high] = self.rule.of_all(&bounds.field, median);
            let [low_key, high_key] = bounds.keys.clone();
            [NamedExpr { name: low_key, expr: low }, NamedExpr { name: high_key, expr: high }]
        });
        fit::constants(rows, aggregates.collect(), context)
    }
}

impl Work for OutliersWork {
    fn passes(&self, _: usize) -> usize {
        let once = 1 + usize::from(self.is_mad());
        once * (1 + usize::from(self.groups.is_some()))
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let rows = table.training();
        let learned = self.learn(&rows, context)?;
        let mut outcome = Outcome::default();
        let mut shown = Vec::new();
        for bounds in &self.bounds {
            let found = bounds.keys.clone().map(|key| fit::number(learned.get(&key)));
            shown.push(vec![
                Cell::text(bounds.field.name.clone()),
                Cell::number(found[0]),
                Cell::number(found[1]),
                Cell::optional(found.iter().all(Option::is_none).then_some("nothing to measure by: all are allowed")),
            ]);
            // Everything is allowed when nothing could be learned.
            let [low, high] = [found[0].unwrap_or(f64::NEG_INFINITY), found[1].unwrap_or(f64::INFINITY)];
            for (key, value) in bounds.keys.iter().zip([low, high]) {
                outcome.bindings.literals.insert(key.clone(), Literal::Float(value));
            }
        }
        let columns = ["column", "lowest allowed", "highest allowed", "remark"].map(Column::new).to_vec();
        outcome.exhibits.push(Exhibit::table("Allowed values", columns, shown));
        if let Some(groups) = &self.groups {
            let rows = match &self.medians {
                Some(medians) if self.is_mad() => medians.two_steps(&rows),
                _ => rows,
            };
            let count = groups.learn(&rows, context, &mut outcome)?;
            let text = format!("{count} groups have allowed values of their own; the table shows those of all rows.");
            outcome.exhibits.push(Exhibit::note(Tone::Info, text));
        }
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::new("outliers", counts.difference())]
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let rows = self.bounds.iter().map(|bounds| {
            let name = &bounds.field.name;
            let count = |which: &str| Cell::count(counts.counter("in", &format!("{which} {name}")));
            vec![Cell::text(name.clone()), count("low"), count("high")]
        });
        let columns = vec![
            Column::new("column"),
            Column::formatted("too low", Format::Integer),
            Column::formatted("too high", Format::Integer),
        ];
        vec![Exhibit::table("Outliers", columns, rows.collect())]
    }
}

/// `x` in float64.
fn number(field: &Field) -> Expr {
    Expr::column(&field.name, field.data_type.clone()).cast(crate::expression::DataType::Float64, true)
}
