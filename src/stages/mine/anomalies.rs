//! `anomalies`: rows that are unlike the others, with the columns that make them so.

mod exhibits;
mod learn;
mod options;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch;
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Exhibit, Format, Metric};
use crate::expression::{BinaryOperator, DataType, Expr, Field, Literal};
use crate::relation::{NamedExpr, Relation, Tap};
use crate::stages::work::{Holding, Outcome, Progress, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, fit, inputs};
use crate::statistics::anomalies::{Detector, in_words};
use crate::statistics::quantiles::QuantileSketch;
use crate::statistics::row_function::RowFunction;
use options::{Limit, Settings};

/// The score while the stage works, before it has its name.
const SCORE: &str = "__anomaly_score";
/// The counter of anomalies.
const COUNTER: &str = "anomaly";
/// Rows of the highest scores whose reasons are counted.
const KEPT: usize = 2_000;
/// Other columns that are shown beside the reasons, so that a row can be recognised.
const BESIDE: usize = 4;

/// Finds rows that are unlike the others, and says which columns make them so.
///
/// Each row gets three further columns: `anomaly` (boolean), `anomaly_score`, and for anomalies `anomaly_reason`, such as
/// `dep_delay 1301 (usually -2)`. Four methods:
///
/// - `isolation_forest`: random cuts through the columns separate the row quickly (Liu, Ting and Zhou 2008). Scores lie between
///   0 and 1. It is fast for any number of rows: the forest is grown from at most 65,536 rows, drawn at random. A column is a
///   reason by how much the score falls when its value is replaced by the median.
/// - `local_outlier_factor`: rows lie thinner around it than around its nearest `neighbours` (Breunig et al. 2000). Scores
///   about 1 for usual rows. Finds rows that are odd only for their surroundings. It keeps the rows it learns from, at most
///   100,000, and compares each row with them. Reasons are the columns in which the row differs most from its neighbours. A row
///   equal to one learned from counts as that row.
/// - `robust_z`: some column is far from its median (Iglewicz and Hoaglin 1993). The score is the number of deviations (1.4826
///   median absolute deviations) of the farthest column; that column is the reason. Medians of more than 131,072 values are off
///   by at most 0.13 % of the ranks.
/// - `mahalanobis`: the row is far from the center for its direction, so a combination of values that do not go together is
///   found too. The score is the distance in deviations. With `robust: true` center and covariance are those of the half of the
///   rows that lies closest together (FAST-MCD, Rousseeuw and Van Driessen 1999), which anomalies cannot hide behind; that
///   needs the rows in memory. Reasons are the columns that add most to the distance, with the value that the other columns let
///   expect.
///
/// An anomaly scores above a threshold: `threshold: x` sets it, `contamination: 0.01` sets it so that this share of the rows
/// learned from lies above. Without either it is 3.5 for `robust_z`, the distance that one of 1,000 normal rows exceeds for
/// `mahalanobis`, and a contamination of 0.01 for the other two.
///
/// Everything is learned from the training rows when the rows are divided by a `split`, else from all rows. New rows are judged
/// by what was learned, and a saved model takes the columns along. A missing value is never a reason: it counts as the median
/// of its column (where columns go together that can look odd to `local_outlier_factor`: `impute` first), and `mahalanobis`
/// measures the distance in the other columns. Infinite and huge values count as 1e150.
///
/// Use `anomalies` to find and explain rows that somebody should look at. Use `outliers` to clean columns before learning: it can
/// clip, forget or drop what is too far out, and has the same isolation forest.
///
/// ```yaml
/// - anomalies: {columns: [dep_delay, air_time, distance], contamination: 0.005}
/// - anomalies: {columns: [temp, dewp, humid], method: mahalanobis, robust: true, sample: 20000}
/// - anomalies: {columns: [temp, humid], method: local_outlier_factor, neighbours: 30, sample: 10000, score: lof}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anomalies {
    /// The columns of numbers that are looked at; all of them when absent.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// What unlike means.
    #[serde(default)]
    method: Method,
    /// The share of the rows learned from that are anomalies, above 0 up to 0.5.
    #[serde(default)]
    contamination: Option<Spanned<f64>>,
    /// The score above which a row is an anomaly, in the place of `contamination`.
    #[serde(default)]
    threshold: Option<Spanned<f64>>,
    /// Trees of the isolation forest, from 1 to 1,000; 100 when absent.
    #[serde(default)]
    trees: Option<Spanned<u32>>,
    /// Rows of which each tree is grown, from 2 to 65,536; 256 when absent.
    #[serde(default)]
    tree_rows: Option<Spanned<u32>>,
    /// Neighbours of the local outlier factor, from 1 to 1,000; 20 when absent.
    #[serde(default)]
    neighbours: Option<Spanned<u32>>,
    /// Whether the local outlier factor divides columns by their standard deviations; `true` when absent.
    #[serde(default)]
    scale: Option<Spanned<bool>>,
    /// Whether `mahalanobis` looks at the half of the rows that lies closest together only; `false` when absent.
    #[serde(default)]
    robust: Option<Spanned<bool>>,
    /// Learns from so many rows, drawn at random, from 10 on; from all of them when absent.
    #[serde(default)]
    sample: Option<Spanned<u32>>,
    /// Another seed draws other rows and grows another forest.
    #[serde(default)]
    seed: u32,
    /// Name of the boolean column.
    #[serde(default = "flag_name")]
    flag: Spanned<String>,
    /// Name of the column with the score.
    #[serde(default = "score_name")]
    score: Spanned<String>,
    /// Name of the column with the reason.
    #[serde(default = "reason_name")]
    reason: Spanned<String>,
    /// Rows of the highest scores that the report shows, from 1 to 100.
    #[serde(default = "top")]
    top: Spanned<u32>,
}

/// What unlike means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Random cuts separate the row quickly.
    #[default]
    IsolationForest,
    /// Rows lie thinner around it than around its neighbours.
    LocalOutlierFactor,
    /// A column is far from its median.
    RobustZ,
    /// The row is far from the center for its direction.
    Mahalanobis,
}

fn flag_name() -> Spanned<String> {
    Spanned::nowhere("anomaly".to_owned())
}

fn score_name() -> Spanned<String> {
    Spanned::nowhere("anomaly_score".to_owned())
}

fn reason_name() -> Spanned<String> {
    Spanned::nowhere("anomaly_reason".to_owned())
}

fn top() -> Spanned<u32> {
    Spanned::nowhere(10)
}

impl Stage for Anomalies {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = inputs::numeric_or_all(&table.schema, self.columns.as_ref(), id)?;
        let settings = self.settings(&fields)?;
        let mut taken = Findings::new();
        let unnamed = Spanned::new(SCORE.to_owned(), context.place.clone());
        for name in [&unnamed, &self.flag, &self.score, &self.reason] {
            // A name that was not written has no place of its own.
            let place = if self.is_default(name) { context.place } else { &name.place };
            taken.extend(inputs::new_name(&table.schema, &name.value, place).err());
        }
        for (name, other) in [(&self.score, &self.flag), (&self.reason, &self.flag), (&self.reason, &self.score)] {
            if name.value == other.value {
                let message = format!("two of the new columns are called `{}`", name.value);
                let place = if self.is_default(name) { &other.place } else { &name.place };
                taken.push(
                    Diagnostic::definition(message)
                        .at(place)
                        .help("`flag`, `score` and `reason` need names of their own"),
                );
            }
        }
        if !taken.is_empty() {
            return Err(taken);
        }
        let keys = ["detector", "threshold", "reasons"].map(|what| context.key(what));
        let arguments: Vec<Expr> = fields.iter().map(number).collect();
        let mut scored = inputs::all_columns(&table.schema);
        let score = Expr::learned(&keys[0], arguments.clone(), DataType::Float64);
        scored.push(NamedExpr { name: SCORE.to_owned(), expr: score });
        let scored = Relation::Project { input: table.relation.clone(), columns: scored };
        let score = || Expr::column(SCORE, DataType::Float64);
        let threshold = Expr::fitted(&keys[1], DataType::Float64);
        let is_anomaly = Expr::binary(BinaryOperator::Greater, score(), threshold, DataType::Boolean);
        let tap = Tap {
            stage: context.id.to_owned(),
            point: "in".to_owned(),
            counters: vec![NamedExpr { name: COUNTER.to_owned(), expr: is_anomaly.clone() }],
            samples: Vec::new(),
        };
        let tapped = Relation::Tap { input: scored.into(), tap: tap.into() };
        let mut columns = inputs::all_columns(&table.schema);
        let arguments = std::iter::once(score()).chain(arguments).collect();
        inputs::set_column(&mut columns, &self.flag.value, is_anomaly);
        inputs::set_column(&mut columns, &self.score.value, score());
        inputs::set_column(&mut columns, &self.reason.value, Expr::learned(&keys[2], arguments, DataType::String));
        let relation = Relation::Project { input: tapped.into(), columns };
        let others =
            table.schema.fields().iter().filter(|field| !fields.contains(field) && inputs::shown(field).is_some());
        let beside = others.take(BESIDE).cloned().collect();
        let work = AnomaliesWork { settings, fields, beside, keys, top: self.top.value as usize };
        Ok(Planned::relation(table.derive(relation)).work(work).meaning(self))
    }
}

struct AnomaliesWork {
    settings: Settings,
    fields: Vec<Field>,
    /// Columns that are shown beside the reasons.
    beside: Vec<Field>,
    /// Keys of the detector, the threshold and the reasons.
    keys: [String; 3],
    top: usize,
}

/// A row of a high score.
#[derive(Debug, Clone, PartialEq)]
struct Far {
    score: f64,
    number: u64,
    values: Vec<Option<f64>>,
    beside: Vec<Option<String>>,
}

impl Eq for Far {}

impl PartialOrd for Far {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Far {
    /// Higher scores are more; of equal ones the row that came first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.number.cmp(&self.number))
    }
}

/// What the rows that were learned from score.
struct Scored {
    scores: QuantileSketch,
    /// Those of the highest scores, the highest first.
    far: Vec<Far>,
}

impl AnomaliesWork {
    /// Scores all rows in one pass; memory is bounded.
    fn score(
        &self,
        rows: &std::sync::Arc<Relation>,
        detector: &Detector,
        context: &WorkContext<'_>,
    ) -> Result<Scored, Diagnostic> {
        let numbers = self.fields.iter().map(|field| NamedExpr { name: field.name.clone(), expr: number(field) });
        let beside = self
            .beside
            .iter()
            .filter_map(|field| Some(NamedExpr { name: field.name.clone(), expr: inputs::shown(field)? }));
        let relation = Relation::Project { input: rows.clone(), columns: numbers.chain(beside).collect() };
        let width = self.fields.len();
        let mut scores = QuantileSketch::default();
        let mut heap: BinaryHeap<Reverse<Far>> = BinaryHeap::new();
        let mut seen = 0_u64;
        context.stream(&relation, &mut |batch| {
            let columns: Vec<Vec<f64>> = batch.columns().iter().take(width).map(batch::floats).collect();
            let count = batch.num_rows();
            let mut table = vec![0.0; count * width];
            for (at, column) in columns.iter().enumerate() {
                for (row, value) in table.chunks_exact_mut(width.max(1)).zip(column) {
                    if let Some(place) = row.get_mut(at) {
                        *place = detector.value(at, Some(*value));
                    }
                }
            }
            for (row, score) in detector.scores(&table).into_iter().enumerate() {
                scores.push(score);
                let is_far = heap.len() < KEPT || heap.peek().is_some_and(|least| score > least.0.score);
                if is_far {
                    let values =
                        columns.iter().map(|column| column.get(row).copied().filter(|value| !value.is_nan())).collect();
                    let beside = batch.columns().iter().skip(width).map(|array| batch::display(array, row)).collect();
                    heap.push(Reverse(Far { score, number: seen + row as u64, values, beside }));
                    if heap.len() > KEPT {
                        heap.pop();
                    }
                }
            }
            seen += count as u64;
            (context.progress)(Progress {
                done: seen,
                total: None,
                unit: "rows".to_owned(),
                message: "scoring rows".to_owned(),
            });
            Ok(true)
        })?;
        let mut far: Vec<Far> = heap.into_iter().map(|far| far.0).collect();
        far.sort_by(|a, b| b.cmp(a));
        Ok(Scored { scores, far })
    }
}

impl Work for AnomaliesWork {
    fn passes(&self, _: usize) -> usize {
        1 + self.settings.passes()
    }

    fn holds(&self, rows: u64) -> Option<Holding> {
        let holding = learn::reading(&self.fields, &self.settings)?.holds(rows);
        let most_rows = learn::most_rows(&self.settings).map(|most| most as u64);
        Some(Holding { most_rows, ..holding })
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let rows = table.training();
        let learned = learn::learn(&rows, &self.fields, &self.settings, context)?;
        let scored = self.score(&rows, &learned.detector, context)?;
        let quantiles = scored.scores.quantiles();
        let threshold = match self.settings.limit {
            Limit::Threshold(threshold) => threshold,
            Limit::Normal => learned.normal_limit.unwrap_or(f64::MAX),
            Limit::Contamination(share) => quantiles.quantile(1.0 - share).unwrap_or(f64::MAX),
        };
        let mut outcome = Outcome::default();
        let [detector_key, threshold_key, reasons_key] = self.keys.clone();
        let names: Vec<String> = self.fields.iter().map(|field| field.name.clone()).collect();
        let anomalies: Vec<&Far> = scored.far.iter().take_while(|far| far.score > threshold).collect();
        let reasons: Vec<_> = anomalies
            .iter()
            .map(|far| {
                let filled: Vec<f64> =
                    far.values.iter().enumerate().map(|(at, value)| learned.detector.value(at, *value)).collect();
                learned.detector.reasons(&filled)
            })
            .collect();
        let texts: Vec<String> =
            anomalies.iter().zip(&reasons).map(|(far, reasons)| in_words(reasons, &far.values, &names)).collect();
        let shown = exhibits::Shown {
            title: fit::learned_from(table),
            settings: &self.settings,
            fields: &self.fields,
            beside: &self.beside,
            learned: &learned,
            quantiles: &quantiles,
            threshold,
            anomalies: &anomalies,
            reasons: &reasons,
            texts: &texts,
            top: self.top,
        };
        outcome.exhibits = shown.exhibits();
        outcome.remarks = learned.remarks.clone();
        let literals = &mut outcome.bindings.literals;
        let detector = learned.detector;
        literals.insert(detector_key, Literal::String(RowFunction::Anomaly(detector.clone()).to_text()));
        literals.insert(threshold_key, Literal::Float(threshold));
        literals.insert(reasons_key, Literal::String(RowFunction::Reasons { detector, threshold, names }.to_text()));
        Ok(outcome)
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let found = counts.counter("in", COUNTER);
        let share = found as f64 / counts.first_input().max(1) as f64;
        let metrics = vec![
            Metric::new("anomalies", found as f64, Format::Integer),
            Metric::new("of all rows", share, Format::Percent),
        ];
        vec![Exhibit::Metrics { title: "Anomalies among all rows".to_owned(), metrics }]
    }
}

/// `x` in float64.
fn number(field: &Field) -> Expr {
    Expr::column(&field.name, field.data_type.clone()).cast(DataType::Float64, true)
}
