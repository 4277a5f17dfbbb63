//! Maps in the plane, which hold for the rows they were made of.

use std::sync::Arc;

use super::Reduce;
use super::exhibits;
use super::options::{Settings, Way};
use crate::batch::{self, Values};
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::digits;
use crate::expression::{DataType, Field, Schema};
use crate::mining::embedding::{TsneOptions, trustworthiness, tsne};
use crate::relation::{Join, JoinKind, Relation, Scan, ScanSource};
use crate::stages::mine::rows::{self, Incomplete, Reading};
use crate::stages::work::{Holding, Outcome, Progress, Work, WorkContext, signed};
use crate::stages::{PlanContext, Planned, Product, TableShape, inputs};
use crate::statistics::moments::Moments;

const FILE: &str = "map.parquet";
/// The number of a row while the stage works.
const ROW: &str = "__row";
/// Rows of a map at most.
pub(super) const MOST_ROWS: usize = 100_000;
/// Rows up to which the trustworthiness is measured, which looks at all pairs.
const MEASURED: usize = 5_000;
/// Neighbours of which it is measured.
const NEIGHBOURS: usize = 12;

pub(super) fn plan(
    options: &Reduce,
    settings: Settings,
    table: &TableShape,
    context: &PlanContext<'_>,
) -> Result<Planned, Findings> {
    inputs::new_name(&table.schema, ROW, context.place).map_err(|finding| vec![finding])?;
    let key = context.key("map");
    let mut fields = vec![Field::new(ROW, DataType::Int64)];
    fields.extend(settings.names.iter().map(|name| Field::new(name, DataType::Float64)));
    let places = Relation::Scan(Scan {
        source: ScanSource::Artifact(key.clone()),
        schema: Schema::new(fields).unwrap_or_default(),
    });
    let numbered = Relation::RowIndex { input: table.relation.clone(), name: ROW.to_owned() };
    let join = Join {
        left: Arc::new(numbered),
        right: Arc::new(places),
        kind: JoinKind::Left,
        on: vec![(ROW.to_owned(), ROW.to_owned())],
        take: settings.names.iter().map(|name| (name.clone(), name.clone())).collect(),
        asof: None,
    };
    let joined = Relation::Join(Box::new(join));
    let mut columns = inputs::all_columns(&joined.schema());
    columns.retain(|column| column.name != ROW);
    let relation = Relation::Project { input: joined.into(), columns };
    let work = MapWork { settings, key };
    Ok(Planned::relation(table.derive(relation)).work(work).meaning(options))
}

struct MapWork {
    settings: Settings,
    key: String,
}

impl MapWork {
    fn reading(&self, options: &TsneOptions, sample: Option<usize>) -> Reading<'_> {
        Reading {
            fields: &self.settings.fields,
            incomplete: Incomplete::LeftOut,
            sample: sample.map(|wanted| (wanted, self.settings.seed)),
            workspace: (options.perplexity * 100.0) as usize + 2 * 8 * self.settings.fields.len() + 200,
            purpose: "tsne",
        }
    }
}

impl Work for MapWork {
    fn holds(&self, rows: u64) -> Option<Holding> {
        let Way::Tsne { options, sample } = &self.settings.way else { return None };
        let most_rows = sample.is_none().then_some(MOST_ROWS as u64);
        Some(Holding { most_rows, ..self.reading(options, *sample).holds(rows) })
    }

    fn passes(&self, _: usize) -> usize {
        1
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let Way::Tsne { options, sample } = self.settings.way else { return Ok(Outcome::default()) };
        let reading = self.reading(&options, sample);
        let read = rows::read_at_most(&table.relation, &reading, MOST_ROWS, context)?;
        let count = read.count();
        if count > 2 && options.perplexity * 3.0 > (count - 1) as f64 {
            let message = format!(
                "`perplexity: {}` needs at least {} rows, and there are {count}",
                options.perplexity,
                (options.perplexity * 3.0) as u64 + 1
            );
            return Err(Diagnostic::error(Class::Stage, message).help("choose a smaller `perplexity`"));
        }
        let values = self.standard(&read)?;
        let width = read.columns;
        let cancelled = &context.cancelled;
        let map = tsne(&values, width, &options, &mut |round| {
            let message = "moving rows".to_owned();
            let total = Some(options.rounds as u64);
            (context.progress)(Progress { done: round as u64, total, unit: "rounds".to_owned(), message });
            !cancelled.load(std::sync::atomic::Ordering::Relaxed)
        });
        if cancelled.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(Diagnostic::error(Class::Interrupted, "stopped while rows were moved"));
        }
        let kept = if count <= MEASURED { trustworthiness(&values, width, &map.places, NEIGHBOURS) } else { None };
        let axis = |at: usize| Values::Floats(map.places.iter().map(|place| place.get(at).copied()).collect());
        let name = |at: usize| self.settings.names.get(at).map_or("", String::as_str);
        let product = batch::table(vec![
            (ROW, Values::Integers(read.numbers.iter().map(|number| Some(signed(*number))).collect())),
            (name(0), axis(0)),
            (name(1), axis(1)),
        ])?;
        batch::write_parquet(&context.artifacts.join(FILE), &product)?;
        let mut outcome = Outcome::default();
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        outcome.exhibits = exhibits::of_map(&read.describe(), &map, &options, kept.map(|kept| (kept, NEIGHBOURS)));
        if read.left_out > 0 {
            outcome
                .remarks
                .push(format!("{} got nulls because a value is missing or infinite", digits::rows(read.left_out)));
        }
        if table.split.is_some() {
            outcome.remarks.push(
                "the map is made of all rows, whatever part of the split they belong to: do not learn from it"
                    .to_owned(),
            );
        }
        Ok(outcome)
    }
}

impl MapWork {
    /// The rows, each column moved to its mean and, with `scale`, divided by its deviation.
    fn standard(&self, read: &rows::Rows) -> Result<Vec<f64>, Diagnostic> {
        let mut scales = Vec::new();
        for (at, field) in self.settings.fields.iter().enumerate() {
            let mut moments = Moments::default();
            read.column(at).into_iter().for_each(|value| moments.push(value));
            let (center, deviation) = (moments.mean().unwrap_or(0.0), moments.standard_deviation().unwrap_or(0.0));
            if !center.is_finite() || !deviation.is_finite() {
                let message = format!("the numbers of column `{}` are too large for a distance", field.name);
                return Err(Diagnostic::error(Class::Stage, message).help("clean it with `outliers` first"));
            }
            let varies = deviation > 8.0 * f64::EPSILON * center.abs();
            scales.push((center, if self.settings.scale && varies { deviation } else { 1.0 }));
        }
        Ok(read
            .iter()
            .flat_map(|row| row.iter().zip(&scales).map(|(value, (center, scale))| (value - center) / scale))
            .collect())
    }
}
