//! Outliers by an isolation forest, which judges whole rows.

use std::sync::Arc;

use super::{Action, Outliers, number};
use crate::chart::{Axis, Figure, Histogram as Bars, Mark};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Function, Literal};
use crate::relation::{NamedExpr, Relation, Sample, Tap};
use crate::stages::fit::rows;
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, TableShape, inputs};
use crate::statistics::histogram::{Bins, Histogram, Scale};
use crate::statistics::imputation::neighbours::Filled;
use crate::statistics::isolation_forest::{ForestOptions, IsolationForest};
use crate::statistics::quantiles::QuantileSketch;
use crate::statistics::row_function::{Column as Numbers, RowFunction};

/// Rows from which the trees draw theirs.
const DRAWN: usize = 65_536;
/// Trees times rows of each: what a forest takes up, about 50 bytes for each.
const LARGEST: u64 = 250_000;
/// The score of a row while the stage works; it leaves only under the name that was asked for.
const SCORE: &str = "__outlier_score";
/// The column that `flag` adds.
const FLAG: &str = "outlier";
/// Rows shown as examples.
const EXAMPLES: usize = 5;

/// From where on a row is an outlier.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    Contamination(f64),
    Threshold(f64),
}

pub(super) fn plan(
    options: &Outliers,
    table: &TableShape,
    fields: Vec<Field>,
    context: &PlanContext<'_>,
) -> Result<Planned, Findings> {
    let (forest, limit) = read(options)?;
    let action = options.action.as_ref().map_or(Action::Flag, |action| action.value);
    if let (Action::Clip, Some(written)) = (action, &options.action) {
        let message = "an isolation forest judges rows, so there is no allowed value to `clip` to";
        let help = "`flag`, `null` and `drop` fit";
        return Err(vec![Diagnostic::definition(message).at(&written.place).help(help)]);
    }
    let name = |name: &str, place: &Place| inputs::new_name(&table.schema, name, place).map_err(|found| vec![found]);
    name(SCORE, context.place)?;
    let keys = [context.key("forest"), context.key("threshold")];
    let arguments = fields.iter().map(number).collect();
    let mut scored = inputs::all_columns(&table.schema);
    let score = Expr::learned(&keys[0], arguments, DataType::Float64);
    scored.push(NamedExpr { name: SCORE.to_owned(), expr: score });
    let scored = Relation::Project { input: table.relation.clone(), columns: scored };
    let score = || Expr::column(SCORE, DataType::Float64);
    let threshold = Expr::fitted(&keys[1], DataType::Float64);
    let is_outlier = Expr::binary(BinaryOperator::Greater, score(), threshold, DataType::Boolean);
    let shown =
        fields.iter().filter_map(|field| Some(NamedExpr { name: field.name.clone(), expr: inputs::shown(field)? }));
    let rounded = Expr::call(Function::Round, vec![score(), Expr::integer(4)], DataType::Float64);
    let shown = std::iter::once(NamedExpr { name: "score".to_owned(), expr: rounded }).chain(shown).collect();
    let tap = Tap {
        stage: context.id.to_owned(),
        point: "in".to_owned(),
        counters: vec![NamedExpr { name: FLAG.to_owned(), expr: is_outlier.clone() }],
        samples: vec![Sample { name: FLAG.to_owned(), when: is_outlier.clone(), columns: shown, rows: EXAMPLES }],
    };
    let mut input = Relation::Tap { input: scored.into(), tap: tap.into() };
    let mut columns = inputs::all_columns(&table.schema);
    match action {
        Action::Flag => {
            name(FLAG, context.place)?;
            inputs::set_column(&mut columns, FLAG, is_outlier);
        }
        Action::Null => {
            for field in &fields {
                let null = Expr::literal(Literal::Null, field.data_type.clone());
                let value = Expr::column(&field.name, field.data_type.clone());
                let branches = vec![(is_outlier.clone(), null)];
                let kind = ExprKind::Case { branches, otherwise: Some(Box::new(value)) };
                inputs::set_column(&mut columns, &field.name, Expr::new(kind, field.data_type.clone()));
            }
        }
        Action::Drop | Action::Clip => {
            input = Relation::Filter { input: input.into(), predicate: is_outlier.not() };
        }
    }
    if let Some(written) = &options.score {
        name(&written.value, &written.place)?;
        if action == Action::Flag && written.value == FLAG {
            let message = format!("`{FLAG}` is the column that tells the outliers");
            return Err(vec![Diagnostic::definition(message).at(&written.place).help("choose another name")]);
        }
        inputs::set_column(&mut columns, &written.value, score());
    }
    let relation = Relation::Project { input: input.into(), columns };
    let work = ForestWork { forest, limit, fields, keys };
    Ok(Planned::relation(table.derive(relation)).work(work).meaning(options))
}

fn read(options: &Outliers) -> Result<(ForestOptions, Limit), Findings> {
    let mut findings = Findings::new();
    let mut count = |written: Option<&Spanned<u32>>, name: &str, usual: u32, range: std::ops::RangeInclusive<u32>| {
        let Some(written) = written else { return usual };
        if !range.contains(&written.value) {
            let message = format!("`{name}` must lie from {} to {}, not {}", range.start(), range.end(), written.value);
            findings.push(Diagnostic::definition(message).at(&written.place));
        }
        written.value
    };
    let trees = count(options.trees.as_ref(), "trees", 100, 1..=1_000);
    let sample = count(options.sample.as_ref(), "sample", 256, 2..=DRAWN as u32);
    if u64::from(trees) * u64::from(sample) > LARGEST && findings.is_empty() {
        let message = format!("{trees} trees of {sample} rows are too many: {LARGEST} rows in all trees are the most");
        let place = options.sample.as_ref().or(options.trees.as_ref()).map(|written| written.place.clone());
        let finding = Diagnostic::definition(message);
        findings.push(match place {
            Some(place) => finding.at(&place),
            None => finding,
        });
    }
    let limit = match (&options.contamination, &options.threshold) {
        (Some(_), Some(threshold)) => {
            let message = "`contamination` and `threshold` exclude each other";
            findings.push(Diagnostic::definition(message).at(&threshold.place));
            Limit::Threshold(threshold.value)
        }
        (None, Some(threshold)) => {
            if !(threshold.value > 0.0 && threshold.value < 1.0) {
                let message = format!("`threshold` is a score between 0 and 1, not {}", threshold.value);
                findings.push(Diagnostic::definition(message).at(&threshold.place));
            }
            Limit::Threshold(threshold.value)
        }
        (Some(share), None) => {
            if !(share.value > 0.0 && share.value <= 0.5) {
                let message = format!("`contamination` is a share above 0 up to 0.5, not {}", share.value);
                findings.push(Diagnostic::definition(message).at(&share.place));
            }
            Limit::Contamination(share.value)
        }
        (None, None) => Limit::Contamination(0.01),
    };
    let seed = u64::from(options.seed.as_ref().map_or(0, |seed| seed.value));
    let forest = ForestOptions { trees: trees as usize, sample: sample as usize, seed };
    if findings.is_empty() { Ok((forest, limit)) } else { Err(findings) }
}

struct ForestWork {
    forest: ForestOptions,
    limit: Limit,
    fields: Vec<Field>,
    /// Keys of the forest and of the threshold.
    keys: [String; 2],
}

impl Work for ForestWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let columns = self.fields.iter().map(|field| NamedExpr { name: field.name.clone(), expr: number(field) });
        let rows = Relation::Project { input: table.training(), columns: columns.collect() };
        let plain: Vec<Field> = self.fields.iter().map(|field| Field::new(&field.name, DataType::Float64)).collect();
        let drawn = rows::draw(&Arc::new(rows), &plain, &[None], DRAWN, self.forest.seed, context)?;
        let drawn = drawn.into_iter().next().unwrap_or_default();
        let usual: Vec<f64> = drawn.columns.iter().map(|values| usual(values.numbers())).collect();
        let count = drawn.count();
        let mut table_of_rows = Vec::with_capacity(count * usual.len());
        for row in 0..count {
            for (values, usual) in drawn.columns.iter().zip(&usual) {
                let value = values.numbers().get(row).copied().flatten().filter(|value| !value.is_nan());
                table_of_rows.push(value.unwrap_or(*usual));
            }
        }
        let forest = IsolationForest::grow(&table_of_rows, usual.len(), &self.forest);
        let function = RowFunction::Forest { forest, usual: usual.clone() };
        let columns: Vec<Numbers<'_>> = drawn.columns.iter().map(rows::Values::column).collect();
        let mut scores = QuantileSketch::default();
        if let Filled::Numbers(found) = function.apply(&columns) {
            found.iter().flatten().for_each(|score| scores.push(*score));
        }
        let scores = scores.quantiles();
        let threshold = match self.limit {
            Limit::Threshold(threshold) => threshold,
            Limit::Contamination(share) => scores.quantile(1.0 - share).unwrap_or(1.0),
        };
        let mut outcome = Outcome::default();
        let [forest_key, threshold_key] = self.keys.clone();
        outcome.bindings.literals.insert(forest_key, Literal::String(function.to_text()));
        outcome.bindings.literals.insert(threshold_key, Literal::Float(threshold));
        outcome.exhibits.push(Exhibit::Metrics {
            title: "Isolation forest".to_owned(),
            metrics: vec![
                Metric::new("threshold", threshold, Format::Number).note(match self.limit {
                    Limit::Contamination(share) => format!("{} % of the rows learned from score higher", share * 100.0),
                    Limit::Threshold(_) => "as written".to_owned(),
                }),
                Metric::new("trees", self.forest.trees as f64, Format::Integer),
                Metric::new("rows of a tree", self.forest.sample.min(count) as f64, Format::Integer),
                Metric::new("rows drawn", count as f64, Format::Integer).note(format!("of {}", drawn.seen)),
            ],
        });
        let shown = self.fields.iter().zip(&usual);
        let shown = shown.map(|(field, usual)| vec![Cell::text(field.name.clone()), Cell::number(*usual)]);
        let columns = ["column", "stands for a missing value"].map(Column::new).to_vec();
        outcome.exhibits.push(Exhibit::table("Learned medians", columns, shown.collect()));
        if count > 0 {
            let histogram = Histogram::from_quantiles(&scores, Bins::Auto, Scale::Real);
            let counts = histogram.counts().iter().map(|&count| Some(count as f64));
            let mut figure = Figure::new(
                "Scores of the rows learned from",
                Mark::Histogram(Bars::new(histogram.edges().to_vec(), counts)),
            );
            figure.x = Axis::labelled("score");
            figure.y = Axis::labelled("rows");
            outcome.exhibits.push(Exhibit::Figure(Box::new(figure)));
        }
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::new("outliers", counts.difference())]
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let found = counts.counter("in", FLAG);
        let share = found as f64 / counts.first_input().max(1) as f64;
        let mut exhibits = vec![Exhibit::Metrics {
            title: "Outliers".to_owned(),
            metrics: vec![
                Metric::new("outliers", found as f64, Format::Integer),
                Metric::new("of all rows", share, Format::Percent),
            ],
        }];
        let examples = counts.sample("in", FLAG);
        if !examples.is_empty() {
            let cell = |text: &Option<String>| Cell::optional(text.clone());
            let rows = examples.iter().map(|row| row.iter().map(cell).collect()).collect();
            let shown = self.fields.iter().filter(|field| inputs::shown(field).is_some());
            let columns = std::iter::once("score").chain(shown.map(|field| field.name.as_str())).map(Column::new);
            let title = "The first outliers".to_owned();
            exhibits.push(Exhibit::Table(Table { title, columns: columns.collect(), rows, note: None }));
        }
        exhibits
    }
}

/// The median of the finite values; 0 without any.
fn usual(values: &[Option<f64>]) -> f64 {
    let mut sketch = QuantileSketch::new(DRAWN);
    values.iter().flatten().filter(|value| value.is_finite()).for_each(|value| sketch.push(*value));
    sketch.quantiles().quantile(0.5).unwrap_or(0.0)
}
