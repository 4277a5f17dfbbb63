//! What `anomalies` learns: a detector.

use std::sync::Arc;

use super::number;
use super::options::{DRAWN, MOST_NEIGHBOURHOOD, MethodSettings, Settings};
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::expression::Field;
use crate::relation::{NamedExpr, Relation};
use crate::stages::mine::rows::{self, Incomplete, Reading};
use crate::stages::work::WorkContext;
use crate::statistics::anomalies::local_outlier_factor::LocalOutlierFactor;
use crate::statistics::anomalies::mahalanobis::Mahalanobis;
use crate::statistics::anomalies::mcd::minimum_covariance_determinant;
use crate::statistics::anomalies::robust_z::{RobustZ, deviation};
use crate::statistics::anomalies::{Detector, Method};
use crate::statistics::decomposition::covariance::Covariance;
use crate::statistics::distributions::chi_squared;
use crate::statistics::isolation_forest::{ForestOptions, IsolationForest};
use crate::statistics::moments::Moments;
use crate::statistics::quantiles::QuantileSketch;

/// The share of normal rows beyond the usual limit of a distance.
const BEYOND: f64 = 0.001;

/// A detector with what people should know of it.
pub(super) struct Learned {
    pub(super) detector: Detector,
    /// The distance that few normal rows exceed; of `mahalanobis` only.
    pub(super) normal_limit: Option<f64>,
    /// For each column what was learned of its spread, where that has a name.
    pub(super) spreads: Option<(&'static str, Vec<f64>)>,
    /// For each column what is odd about it.
    pub(super) oddities: Vec<Option<String>>,
    /// From which rows, in words.
    pub(super) from: String,
    pub(super) remarks: Vec<String>,
}

pub(super) fn learn(
    relation: &Arc<Relation>,
    fields: &[Field],
    settings: &Settings,
    context: &WorkContext<'_>,
) -> Result<Learned, Diagnostic> {
    let mut learned = match settings.method {
        MethodSettings::Forest(options) => forest(relation, fields, &options, settings, context)?,
        MethodSettings::Factor { neighbours, scale } => factor(relation, fields, neighbours, scale, settings, context)?,
        MethodSettings::RobustZ => robust_z(relation, fields, context)?,
        MethodSettings::Mahalanobis { robust: false } => classical(relation, fields, context)?,
        MethodSettings::Mahalanobis { robust: true } => robust(relation, fields, settings, context)?,
    };
    let odd: Vec<&str> = fields
        .iter()
        .zip(&learned.oddities)
        .filter(|(_, odd)| odd.is_some())
        .map(|(field, _)| field.name.as_str())
        .collect();
    if !odd.is_empty() {
        let (noun, verb) = if odd.len() == 1 { ("column", "says") } else { ("columns", "say") };
        learned
            .remarks
            .push(format!("{noun} {} {verb} nothing of anomalies: all values are equal or missing", odd.join(", ")));
    }
    Ok(learned)
}

fn oddity(values: u64, is_constant: bool) -> Option<String> {
    match (values, is_constant) {
        (0, _) => Some("no values".to_owned()),
        (_, true) => Some("all values are equal".to_owned()),
        _ => None,
    }
}

/// The rows as columns of floats.
fn floats(relation: &Arc<Relation>, fields: &[Field]) -> Relation {
    let columns = fields.iter().map(|field| NamedExpr { name: field.name.clone(), expr: number(field) });
    Relation::Project { input: relation.clone(), columns: columns.collect() }
}

/// What a method that needs rows in memory reads; nothing for a method that learns while they stream by.
pub(super) fn reading<'a>(fields: &'a [Field], settings: &Settings) -> Option<Reading<'a>> {
    let sample = settings.sample.map(|wanted| (wanted, settings.seed));
    let reading = match settings.method {
        MethodSettings::Forest(_) => Reading {
            fields,
            incomplete: Incomplete::Kept,
            sample: Some((settings.sample.unwrap_or(DRAWN).min(DRAWN), settings.seed)),
            workspace: 8 * fields.len(),
            purpose: "isolation forest",
        },
        MethodSettings::Factor { neighbours, .. } => Reading {
            fields,
            incomplete: Incomplete::LeftOut,
            sample,
            workspace: 16 * neighbours + 4 * 8 * fields.len() + 64,
            purpose: "local outlier factor",
        },
        MethodSettings::Mahalanobis { robust: true } => Reading {
            fields,
            incomplete: Incomplete::LeftOut,
            sample,
            workspace: 8 * fields.len() + 64,
            purpose: "a robust covariance",
        },
        MethodSettings::RobustZ | MethodSettings::Mahalanobis { robust: false } => return None,
    };
    Some(reading)
}

/// The rows that a method takes at most: a local outlier factor keeps them, because new rows are compared with them.
pub(super) fn most_rows(settings: &Settings) -> Option<usize> {
    let keeps_all = matches!(settings.method, MethodSettings::Factor { .. }) && settings.sample.is_none();
    keeps_all.then_some(MOST_NEIGHBOURHOOD)
}

/// Reads the rows that a method needs in memory.
fn in_memory(
    relation: &Arc<Relation>,
    fields: &[Field],
    settings: &Settings,
    context: &WorkContext<'_>,
) -> Result<rows::Rows, Diagnostic> {
    let reading = reading(fields, settings)
        .ok_or_else(|| Diagnostic::error(Class::Stage, "this method reads no rows into memory"))?;
    rows::read_at_most(relation, &reading, most_rows(settings).unwrap_or(usize::MAX), context)
}

/// Medians of the finite values of columns, 0 without any; and what is odd about each.
fn medians(rows: &rows::Rows) -> (Vec<f64>, Vec<Option<String>>) {
    let of = |at: usize| {
        let mut sketch = QuantileSketch::default();
        rows.column(at).into_iter().filter(|value| value.is_finite()).for_each(|value| sketch.push(value));
        let found = sketch.quantiles();
        let is_constant = found.min() == found.max();
        (found.quantile(0.5).unwrap_or(0.0), oddity(sketch.count(), is_constant))
    };
    (0..rows.columns).map(of).unzip()
}

fn forest(
    relation: &Arc<Relation>,
    fields: &[Field],
    options: &ForestOptions,
    settings: &Settings,
    context: &WorkContext<'_>,
) -> Result<Learned, Diagnostic> {
    let rows = in_memory(relation, fields, settings, context)?;
    let (usual, oddities) = medians(&rows);
    let mut detector =
        Detector { method: Method::RobustZ(RobustZ { centers: Vec::new(), deviations: Vec::new() }), usual };
    let filled: Vec<f64> = rows
        .iter()
        .flat_map(|row| row.iter().enumerate())
        .map(|(at, value)| detector.value(at, Some(*value)))
        .collect();
    detector.method = Method::IsolationForest(IsolationForest::grow(&filled, fields.len(), options));
    let from = rows.describe();
    Ok(Learned { detector, normal_limit: None, spreads: None, oddities, from, remarks: Vec::new() })
}

fn factor(
    relation: &Arc<Relation>,
    fields: &[Field],
    neighbours: usize,
    scale: bool,
    settings: &Settings,
    context: &WorkContext<'_>,
) -> Result<Learned, Diagnostic> {
    let rows = in_memory(relation, fields, settings, context)?;
    let count = rows.count();
    if count < 2 {
        let message =
            format!("a local outlier factor needs at least two rows without missing values, and there {}", are(count));
        return Err(Diagnostic::error(Class::Stage, message));
    }
    let (usual, oddities) = medians(&rows);
    let scales: Vec<f64> = (0..rows.columns)
        .map(|at| {
            let mut moments = Moments::default();
            rows.column(at).into_iter().for_each(|value| moments.push(value));
            let deviation = moments.standard_deviation().filter(|deviation| deviation.is_finite());
            match (oddities.get(at), scale) {
                (Some(Some(_)), _) => 0.0,
                (_, false) => 1.0,
                (_, true) => deviation.unwrap_or(0.0),
            }
        })
        .collect();
    // Numbers whose squares are none would have no distances.
    let clamped: Vec<f64> = rows.values.iter().map(|value| value.clamp(-1e150, 1e150)).collect();
    if let Some(field) = fields
        .iter()
        .zip(&scales)
        .zip(&oddities)
        .find(|((_, scale), odd)| **scale <= 0.0 && odd.is_none())
        .map(|((field, _), _)| field)
    {
        return Err(too_large(field));
    }
    let learned = LocalOutlierFactor::learn(&clamped, scales.clone(), neighbours);
    let mut remarks = Vec::new();
    if learned.neighbours() < neighbours {
        remarks.push(format!(
            "`neighbours: {neighbours}` are more than there are: {} were looked at",
            learned.neighbours()
        ));
    }
    let detector = Detector { method: Method::LocalOutlierFactor(learned), usual };
    let spreads = scale.then_some(("standard deviation", scales));
    Ok(Learned { detector, normal_limit: None, spreads, oddities, from: rows.describe(), remarks })
}

fn robust_z(relation: &Arc<Relation>, fields: &[Field], context: &WorkContext<'_>) -> Result<Learned, Diagnostic> {
    let rows = floats(relation, fields);
    let mut values = vec![QuantileSketch::default(); fields.len()];
    let mut seen = 0;
    context.stream(&rows, &mut |batch| {
        seen += batch.num_rows() as u64;
        for (sketch, array) in values.iter_mut().zip(batch.columns()) {
            batch::floats(array).into_iter().filter(|value| value.is_finite()).for_each(|value| sketch.push(value));
        }
        Ok(true)
    })?;
    let found: Vec<_> = values.iter().map(QuantileSketch::quantiles).collect();
    let centers: Vec<f64> = found.iter().map(|found| found.quantile(0.5).unwrap_or(0.0)).collect();
    let mut distances = vec![(QuantileSketch::default(), Moments::default()); fields.len()];
    context.stream(&rows, &mut |batch| {
        for (((sketch, mean), array), center) in distances.iter_mut().zip(batch.columns()).zip(&centers) {
            for value in batch::floats(array).into_iter().filter(|value| value.is_finite()) {
                let distance = (value - center).abs().min(f64::MAX);
                sketch.push(distance);
                mean.push(distance);
            }
        }
        Ok(true)
    })?;
    let deviations: Vec<f64> =
        distances.iter().map(|(sketch, mean)| deviation(sketch.quantiles().quantile(0.5), mean.mean())).collect();
    let oddities = found.iter().map(|found| oddity(found.count(), found.min() == found.max())).collect();
    let robust = RobustZ { centers: centers.clone(), deviations: deviations.clone() };
    let detector = Detector { method: Method::RobustZ(robust), usual: centers };
    let spreads = Some(("robust deviation", deviations));
    Ok(Learned { detector, normal_limit: None, spreads, oddities, from: digits::rows(seen), remarks: Vec::new() })
}

fn classical(relation: &Arc<Relation>, fields: &[Field], context: &WorkContext<'_>) -> Result<Learned, Diagnostic> {
    let mut values = vec![QuantileSketch::default(); fields.len()];
    let mut sums = Covariance::new(fields.len());
    let (mut seen, mut row) = (0_u64, Vec::with_capacity(fields.len()));
    let (mut left_out, mut complete) = (0_u64, 0_u64);
    context.stream(&floats(relation, fields), &mut |batch| {
        let columns: Vec<Vec<f64>> = batch.columns().iter().map(batch::floats).collect();
        for (sketch, column) in values.iter_mut().zip(&columns) {
            column.iter().filter(|value| value.is_finite()).for_each(|value| sketch.push(*value));
        }
        for at in 0..batch.num_rows() {
            row.clear();
            row.extend(columns.iter().filter_map(|column| column.get(at).copied()));
            if row.iter().all(|value| value.is_finite()) {
                sums.push(&row);
                complete += 1;
            } else {
                left_out += 1;
            }
        }
        seen += batch.num_rows() as u64;
        Ok(true)
    })?;
    sums.finish();
    if let Some(field) = sums.overflowed().and_then(|at| fields.get(at)) {
        return Err(too_large(field));
    }
    let found: Vec<_> = values.iter().map(QuantileSketch::quantiles).collect();
    let usual = found.iter().map(|found| found.quantile(0.5).unwrap_or(0.0)).collect();
    let oddities = found.iter().map(|found| oddity(found.count(), found.min() == found.max())).collect();
    if complete < 2 {
        let count = usize::try_from(complete).unwrap_or(0);
        let message = format!("a distance needs at least two rows without missing values, and there {}", are(count));
        return Err(Diagnostic::error(Class::Stage, message));
    }
    let covariance = sums.matrix((complete - 1) as f64);
    let from = match left_out {
        0 => digits::rows(complete),
        _ => format!(
            "{}; {} left out because a value is missing or infinite",
            digits::rows(complete),
            digits::rows(left_out)
        ),
    };
    distance(sums.mean().to_vec(), &covariance, usual, oddities, from)
}

fn robust(
    relation: &Arc<Relation>,
    fields: &[Field],
    settings: &Settings,
    context: &WorkContext<'_>,
) -> Result<Learned, Diagnostic> {
    let rows = in_memory(relation, fields, settings, context)?;
    let (usual, oddities) = medians(&rows);
    // The columns that vary, each moved and divided so that all are of one size: the search is the same for any scale.
    let kept: Vec<usize> = (0..rows.columns).filter(|at| oddities.get(*at).is_some_and(Option::is_none)).collect();
    let scales: Vec<f64> = kept
        .iter()
        .map(|at| {
            let center = usual.get(*at).copied().unwrap_or(0.0);
            let mut sketch = QuantileSketch::default();
            let mut mean = Moments::default();
            for value in rows.column(*at) {
                let distance = (value - center).abs().min(f64::MAX);
                sketch.push(distance);
                mean.push(distance);
            }
            Some(deviation(sketch.quantiles().quantile(0.5), mean.mean())).filter(|scale| *scale > 0.0).unwrap_or(1.0)
        })
        .collect();
    let scaled: Vec<f64> = rows
        .iter()
        .flat_map(|row| {
            kept.iter().zip(&scales).map(|(at, scale)| {
                let value = row.get(*at).copied().unwrap_or(0.0) - usual.get(*at).copied().unwrap_or(0.0);
                (value / scale).clamp(-1e100, 1e100)
            })
        })
        .collect();
    let found = minimum_covariance_determinant(&scaled, kept.len(), settings.seed).map_err(|error| {
        let help = "leave out columns with few different values, or say `robust: false`";
        Diagnostic::error(Class::Stage, error.to_string()).help(help)
    })?;
    let width = rows.columns;
    let mut centers = usual.clone();
    let mut covariance = vec![0.0; width * width];
    for (a, (at, scale)) in kept.iter().zip(&scales).enumerate() {
        if let (Some(center), Some(moved)) = (centers.get_mut(*at), found.center.get(a)) {
            *center += moved * scale;
        }
        for (b, (other, other_scale)) in kept.iter().zip(&scales).enumerate() {
            if let (Some(place), Some(value)) =
                (covariance.get_mut(at * width + other), found.covariance.get(a * kept.len() + b))
            {
                *place = value * scale * other_scale;
            }
        }
    }
    let inside = digits::rows(found.support as u64);
    let from = format!("{}; center and covariance are those of {inside} that lie closest together", rows.describe());
    distance(centers, &covariance, usual, oddities, from)
}

fn distance(
    centers: Vec<f64>,
    covariance: &[f64],
    usual: Vec<f64>,
    oddities: Vec<Option<String>>,
    from: String,
) -> Result<Learned, Diagnostic> {
    let width = centers.len();
    let spreads: Vec<f64> =
        (0..width).map(|at| covariance.get(at * width + at).copied().unwrap_or(0.0).max(0.0).sqrt()).collect();
    let Some(distance) = Mahalanobis::new(centers, covariance) else {
        return Err(Diagnostic::error(
            Class::Stage,
            "no column varies, so that rows have no distances from the center",
        ));
    };
    let varying = width - distance.constant().count();
    let mut remarks = Vec::new();
    if distance.rank() < varying {
        let less = varying - distance.rank();
        let text = if less == 1 { "1 column depends".to_owned() } else { format!("{less} columns depend") };
        remarks.push(format!(
            "{text} linearly on the others: distances are measured in the {} directions in which rows vary, and a row that breaks the \
             dependence is not found by that",
            distance.rank()
        ));
    }
    let limit = chi_squared::upper_quantile(BEYOND, distance.rank().max(1) as f64).sqrt();
    let detector = Detector { method: Method::Mahalanobis(distance), usual };
    Ok(Learned {
        detector,
        normal_limit: Some(limit),
        spreads: Some(("standard deviation", spreads)),
        oddities,
        from,
        remarks,
    })
}

fn too_large(field: &Field) -> Diagnostic {
    let message = format!("the numbers of column `{}` are too large for a variance", field.name);
    Diagnostic::error(Class::Stage, message)
        .help("`method: robust_z` and `isolation_forest` take them; or clean the column with `outliers` first")
}

fn are(count: usize) -> String {
    if count == 1 { "is 1".to_owned() } else { format!("are {count}") }
}
