//! Clusters from rows in memory.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::learn::{ClusterWork, Curve, Found, choose_by_silhouette, too_few};
use super::merging;
use super::options::Scale;
use super::plan::{Number, Recipe};
use crate::chart::{Axis, Figure, Line, Mark, NumberFormat, Positions, Reference, Series};
use crate::diagnostic::{Class, Diagnostic};
use crate::exhibit::{Exhibit, Format, Metric};
use crate::expression::Field;
use crate::mining::clustering::agglomerative::Linkage;
use crate::mining::clustering::dbscan::dbscan;
use crate::mining::clustering::hdbscan::{core_distances, hdbscan};
use crate::mining::clustering::kmeans::{KMeansOptions, kmeans};
use crate::mining::clustering::mixture::{MixtureOptions, mixture};
use crate::mining::clustering::{ClusteringError, distinct_rows};
use crate::relation::Relation;
use crate::stages::mine::rows::{self, Incomplete, Reading};
use crate::stages::work::{Holding, WorkContext};
use crate::statistics::clusters::nearest_row::{Firmness, NearestRow};
use crate::statistics::clusters::scaling::Scaling;
use crate::statistics::clusters::{Rule, Tells};

/// Points of a curve of distances.
const CURVE: usize = 300;
/// What to do when rows do not fit.
pub(super) const HELP: &str = "`method: mini_batch` learns from a stream, `sample: 50000` from rows drawn at random; or give the run more `--memory`";

/// Reads the training rows and finds clusters among them.
///
/// Errors: the rows cannot be computed or do not fit (exit code 4); there are none, or fewer than clusters; numbers too large to
/// compare.
pub(super) fn learn(
    work: &ClusterWork,
    training: &Arc<Relation>,
    context: &WorkContext<'_>,
) -> Result<Found, Diagnostic> {
    let width = work.fields.len();
    let reading = reading(work);
    let helped = |error: Diagnostic| if error.class == Class::Limit { error.help(HELP) } else { error };
    let mut read = rows::read(training, &reading, context).map_err(helped)?;
    let (used, text) = ((read.seen, read.left_out), read.describe());
    let all = read.count() as u64 == read.usable();
    let mut values = std::mem::take(&mut read.values);
    let scaling = scaling_of(&values, &work.fields, work.scale)?;
    values.chunks_exact_mut(width).for_each(|row| scaling.apply(row));
    let mut found = Found::new(scaling, values, width);
    (found.used, found.learned_from, found.is_all) = (used, text, all);
    match &work.recipe {
        Recipe::Kmeans(number, options) => by_kmeans(&mut found, number, options)?,
        Recipe::Mixture(number, options) => by_mixture(&mut found, number, options)?,
        Recipe::Dbscan { radius, min_points } => by_dbscan(&mut found, *radius, *min_points)?,
        Recipe::Hdbscan(options) => {
            let result = hdbscan(&found.rows, width, options).map_err(|error| failed(&error))?;
            let reach = result.births.iter().map(|birth| Some(*birth)).collect();
            let asked = work.further.iter().any(|(tells, _)| *tells == Tells::Strength);
            let firmness = asked.then_some(Firmness { strengths: result.strengths, densest: result.densest });
            found.rule = Some(nearest_row(width, &found.rows, &result.labels, reach, firmness));
            found.says_noise = true;
        }
        Recipe::Agglomerative { linkage, cut } => merging::learn(&mut found, *linkage, cut, work.seed)?,
        Recipe::MiniBatch { .. } => {}
    }
    found.reservation = Some(read);
    Ok(found)
}

fn reading(work: &ClusterWork) -> Reading<'_> {
    Reading {
        fields: &work.fields,
        incomplete: Incomplete::LeftOut,
        sample: work.sample.map(|rows| (rows, work.seed)),
        workspace: workspace(work),
        purpose: work.method.name(),
    }
}

/// What learning from that many rows holds; nothing when they stream by.
pub(super) fn holds(work: &ClusterWork, rows: u64) -> Option<Holding> {
    let mut holding = Holding { help: HELP.to_owned(), ..reading(work).holds(rows) };
    match &work.recipe {
        Recipe::MiniBatch { .. } => return None,
        Recipe::Agglomerative { linkage: Linkage::Ward, .. } if work.sample.is_none() => {
            holding.most_rows = Some(merging::MOST_MERGED as u64);
        }
        Recipe::Agglomerative { linkage: linkage @ (Linkage::Complete | Linkage::Average), .. } => {
            let merged = work.sample.map_or(rows, |wanted| rows.min(wanted as u64));
            holding.bytes = holding.bytes.saturating_add(linkage.bytes(merged, work.fields.len()));
        }
        _ => {}
    }
    Some(holding)
}

/// Bytes for each row beside the row itself, as the algorithms state them; and the learned rows as text.
fn workspace(work: &ClusterWork) -> usize {
    let width = work.fields.len();
    // A further column has a text of its own.
    let kept = (30 * width + 24) * (1 + work.further.len());
    match &work.recipe {
        Recipe::Kmeans(..) | Recipe::Mixture(..) | Recipe::MiniBatch { .. } => 48,
        Recipe::Dbscan { .. } => 24 * width + 32 + kept,
        Recipe::Hdbscan(_) => 16 * width + 150 + kept,
        Recipe::Agglomerative { .. } => 16 * width + 64 + kept,
    }
}

/// Learns the scale of each column from complete rows.
///
/// Errors: numbers so large that their spread is no number.
pub(super) fn scaling_of(values: &[f64], fields: &[Field], scale: Scale) -> Result<Scaling, Diagnostic> {
    let width = fields.len();
    let learned: Vec<(f64, f64)> = (0..width)
        .into_par_iter()
        .map(|at| {
            let mut column: Vec<f64> = values.iter().skip(at).step_by(width).copied().collect();
            let count = column.len().max(1) as f64;
            if scale == Scale::Robust {
                column.sort_unstable_by(f64::total_cmp);
                let at = |share: f64| quantile(&column, share);
                return (at(0.5), at(0.75) - at(0.25));
            }
            let mean = column.iter().map(|value| value / count).sum::<f64>();
            let variance = column.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
            // Equal numbers whose mean is rounded have no spread.
            let is_constant = column.windows(2).all(|pair| pair[0] == pair[1]);
            (mean, if is_constant { 0.0 } else { variance.sqrt() })
        })
        .collect();
    let mut scaling = Scaling { centres: Vec::new(), scales: Vec::new() };
    for ((centre, spread), field) in learned.into_iter().zip(fields) {
        if !centre.is_finite() || !spread.is_finite() {
            return Err(column_too_large(field));
        }
        scaling.centres.push(centre);
        scaling.scales.push(if scale != Scale::None && spread > 0.0 { spread } else { 1.0 });
    }
    Ok(scaling)
}

/// The quantile of sorted values by linear interpolation.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let at = |place: f64| sorted.get(place as usize).copied().unwrap_or(0.0);
    let (low, high) = (at(place.floor()), at(place.ceil()));
    if low == high { low } else { low + (high - low) * place.fract() }
}

pub(super) fn column_too_large(field: &Field) -> Diagnostic {
    let message = format!("column `{}` holds numbers too large to be compared: their variance overflows", field.name);
    let help = "take them out with `outliers` or `filter` first, or say `scale: robust`";
    Diagnostic::error(Class::Stage, message).help(help)
}

pub(super) fn failed(error: &ClusteringError) -> Diagnostic {
    let finding = Diagnostic::error(Class::Stage, error.to_string());
    match error {
        ClusteringError::NoRows => finding.help("fill missing values with `impute`, or choose other `columns`"),
        ClusteringError::TooManyClusters { .. } => finding.help("choose a smaller number"),
        ClusteringError::TooFewNeighbours { .. } => finding.help("choose a smaller `min_samples`"),
        ClusteringError::Overflow => finding.help("take far values out with `outliers` or `filter` first"),
        ClusteringError::Collapsed { .. } => {
            finding.help("raise `regularization`, choose fewer clusters, or another `covariance`")
        }
    }
}

fn by_kmeans(found: &mut Found, number: &Number, options: &KMeansOptions) -> Result<(), Diagnostic> {
    let width = found.width;
    let run = |k: usize| kmeans(&found.rows, width, &KMeansOptions { k, ..*options });
    let (k, curve) = match number {
        Number::Given(k, _) => (*k, None),
        Number::Auto(from, to) => choose_by_silhouette(&found.rows, width, (*from, *to), options.seed, |k| {
            run(k).map(|found| found.labels.into_iter().map(Some).collect())
        })
        .map(|(k, curve)| (k, Some(curve)))
        .map_err(|error| too_few(&error, number))?,
    };
    let result = run(k).map_err(|error| too_few(&error, number))?;
    if result.centres.len() < k {
        let differ = result.centres.len();
        found.remarks.push(format!("`k` is {k}, but only {differ} rows differ: there are {differ} clusters"));
    }
    if !result.converged {
        found.remarks.push(format!("k-means had not settled after {} iterations; allow more", result.iterations));
    }
    let iterations = Metric::new("iterations", result.iterations as f64, Format::Integer);
    found.metrics.push(match options.starts {
        0 | 1 => iterations,
        starts => iterations.note(format!("the best of {starts} starts")),
    });
    found.curve = curve;
    found.rule = Some(Rule::Centres(result.centres));
    Ok(())
}

fn by_mixture(found: &mut Found, number: &Number, options: &MixtureOptions) -> Result<(), Diagnostic> {
    let width = found.width;
    let run = |k: usize| mixture(&found.rows, width, &MixtureOptions { k, ..*options });
    let result = match number {
        Number::Given(k, _) => run(*k).map_err(|error| too_few(&error, number))?,
        Number::Auto(from, to) => {
            let most = distinct_rows(&found.rows, width, *to);
            let mut best = None;
            let mut points = Vec::new();
            for k in *from..=(*to).min(most.max(*from)) {
                // A number of components that collapses is no candidate; that none is one is an error.
                let result = match run(k) {
                    Err(error @ ClusteringError::Collapsed { .. }) if k > *from && best.is_some() => {
                        found.remarks.push(format!("with {k} components: {error}"));
                        continue;
                    }
                    result => result.map_err(|error| too_few(&error, number))?,
                };
                points.push((k, result.bic()));
                if best.as_ref().is_none_or(|(bic, _)| result.bic() < *bic) {
                    best = Some((result.bic(), result));
                }
            }
            let Some((_, result)) = best else { return Err(failed(&ClusteringError::NoRows)) };
            let chosen = result.mixture.len();
            found.curve = Some(Curve { measure: "BIC (lower is better)".to_owned(), points, chosen });
            result
        }
    };
    if let Number::Given(k, _) = number
        && result.mixture.len() < *k
    {
        let differ = result.mixture.len();
        found.remarks.push(format!("`k` is {k}, but only {differ} rows differ: there are {differ} components"));
    }
    if !result.converged {
        found.remarks.push(format!("the mixture had not settled after {} iterations; allow more", result.iterations));
    }
    let rows = result.labels.len().max(1) as f64;
    let likelihood = result.log_likelihood / rows;
    found.metrics.push(Metric::new("log-likelihood of a row", likelihood, Format::Number).note("in nats"));
    found.metrics.push(Metric::new("BIC", result.bic(), Format::Number).note("lower is better"));
    found.metrics.push(Metric::new("iterations", result.iterations as f64, Format::Integer));
    found.rule = Some(Rule::Mixture(result.mixture));
    Ok(())
}

fn by_dbscan(found: &mut Found, radius: f64, min_points: usize) -> Result<(), Diagnostic> {
    let width = found.width;
    let result = dbscan(&found.rows, width, radius, min_points).map_err(|error| failed(&error))?;
    let row = |at: u32| found.rows.get(at as usize * width..(at as usize + 1) * width).unwrap_or_default();
    let cores: Vec<f64> = result.cores.iter().flat_map(|&at| row(at)).copied().collect();
    let labels: Vec<Option<u32>> =
        result.cores.iter().map(|&at| result.labels.get(at as usize).copied().flatten()).collect();
    let k = result.labels.iter().flatten().max().map_or(0, |most| *most as usize + 1);
    let share = result.cores.len() as f64 / found.count().max(1) as f64;
    found.metrics.push(Metric::new("rows in dense places", share, Format::Percent));
    let mut distances = core_distances(&found.rows, width, min_points.min(found.count()));
    distances.sort_unstable_by(|a, b| b.total_cmp(a));
    found.figures.push(Exhibit::Figure(Box::new(distance_curve(&distances, radius, min_points))));
    found.rule = Some(nearest_row(width, &cores, &labels, vec![Some(radius); k], None));
    found.says_noise = true;
    Ok(())
}

/// How far the `min_points`-th nearest row is, for all rows: the bend tells a good radius.
fn distance_curve(distances: &[f64], radius: f64, min_points: usize) -> Figure {
    let last = distances.len().saturating_sub(1);
    let mut places: Vec<usize> = (0..CURVE).map(|at| at * last / (CURVE - 1)).collect();
    places.dedup();
    let x = places.iter().map(|at| Some(*at as f64 / last.max(1) as f64)).collect();
    let y = places.iter().map(|at| distances.get(*at).copied());
    let line = Line::new(Positions::Number(x), vec![Series::new("", y)]);
    let title = "How near the rows are: a radius at the bend parts dense places from noise";
    let mut figure = Figure::new(title, Mark::Line(line));
    figure.subtitle = "on the scale of the comparison, the row itself counted".to_owned();
    figure.x = Axis::labelled("share of rows that are at least as far");
    figure.x.format = NumberFormat::Percent;
    figure.y = Axis::labelled(format!("distance to the {min_points}. nearest row"));
    figure.references.push(Reference::y(radius, "radius"));
    figure
}

/// The rule of the nearest row. Equal rows are kept once, with the cluster of the first of them that has one and the greatest
/// strength.
pub(super) fn nearest_row(
    width: usize,
    rows: &[f64],
    labels: &[Option<u32>],
    reach: Vec<Option<f64>>,
    firmness: Option<Firmness>,
) -> Rule {
    let mut places: FxHashMap<Vec<u64>, usize> = FxHashMap::default();
    let (mut points, mut kept, mut strengths) = (Vec::new(), Vec::<Option<u32>>::new(), Vec::<f64>::new());
    let mut given = firmness.iter().flat_map(|firmness| firmness.strengths.iter().copied());
    for (row, label) in rows.chunks_exact(width).zip(labels) {
        let strength = given.next();
        match places.entry(row.iter().map(|value| (value + 0.0).to_bits()).collect()) {
            Entry::Occupied(place) => {
                if let Some(slot) = kept.get_mut(*place.get()) {
                    *slot = slot.or(*label);
                }
                if let (Some(slot), Some(strength)) = (strengths.get_mut(*place.get()), strength) {
                    *slot = slot.max(strength);
                }
            }
            Entry::Vacant(place) => {
                place.insert(kept.len());
                points.extend_from_slice(row);
                kept.push(*label);
                strengths.extend(strength);
            }
        }
    }
    let firmness = firmness.map(|firmness| Firmness { strengths, ..firmness });
    Rule::NearestRow(NearestRow::new(width, points, kept, reach).with_firmness(firmness))
}
