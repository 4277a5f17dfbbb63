//! Clusters from rows that do not fit into memory: mini-batches.

use std::sync::Arc;

use super::learn::{Found, choose_by_silhouette, too_few};
use super::memory::{column_too_large, scaling_of};
use super::options::Scale;
use super::plan::{Number, number};
use super::profile::Profile;
use crate::batch;
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Format, Metric};
use crate::expression::Field;
use crate::mining::clustering::kmeans::{KMeansOptions, kmeans};
use crate::mining::clustering::mini_batch::MiniBatch;
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{Progress, WorkContext};
use crate::statistics::clusters::scaling::Scaling;
use crate::statistics::clusters::{ClusterFunction, Rule};
use crate::statistics::moments::Moments;
use crate::statistics::sampling::reservoir::Reservoir;

/// Rows with which mini-batches begin.
const DRAWN: usize = 20_000;

/// Gives the complete rows of each batch to `sink`, row by row in one slice. Says how many rows there were, and how many were
/// left out because a value is missing or infinite.
pub(super) fn complete_rows(
    rows: &Arc<Relation>,
    fields: &[Field],
    context: &WorkContext<'_>,
    message: &str,
    sink: &mut dyn FnMut(&mut [f64]),
) -> Result<(u64, u64), Diagnostic> {
    let columns = fields.iter().map(|field| NamedExpr { name: field.name.clone(), expr: number(field) });
    let relation = Relation::Project { input: rows.clone(), columns: columns.collect() };
    let (mut seen, mut left_out) = (0_u64, 0_u64);
    let mut values: Vec<f64> = Vec::new();
    context.stream(&relation, &mut |batch| {
        let arrays: Vec<Vec<f64>> = batch.columns().iter().map(batch::floats).collect();
        values.clear();
        for at in 0..batch.num_rows() {
            let start = values.len();
            values.extend(arrays.iter().filter_map(|array| array.get(at)));
            if values.iter().skip(start).any(|value| !value.is_finite()) {
                values.truncate(start);
                left_out += 1;
            }
        }
        seen += batch.num_rows() as u64;
        sink(&mut values);
        let unit = "rows".to_owned();
        (context.progress)(Progress { done: seen, total: None, unit, message: message.to_owned() });
        Ok(true)
    })?;
    Ok((seen, left_out))
}

/// How mini-batches are to be learned from.
pub(super) struct Wanted<'a> {
    pub(super) number: &'a Number,
    pub(super) start: &'a KMeansOptions,
    pub(super) batch: usize,
    pub(super) passes: usize,
    pub(super) scale: Scale,
}

/// Learns centres from a stream of rows.
///
/// Errors: the rows cannot be computed; fewer rows than clusters; numbers too large to compare.
pub(super) fn learn(
    rows: &Arc<Relation>,
    fields: &[Field],
    wanted: &Wanted<'_>,
    context: &WorkContext<'_>,
) -> Result<Found, Diagnostic> {
    let width = fields.len();
    let mut reservoir: Reservoir<Box<[f64]>> = Reservoir::new(DRAWN, wanted.start.seed);
    let mut moments = vec![Moments::new(); width];
    let mut column = Vec::new();
    let (seen, left_out) = complete_rows(rows, fields, context, "reading scales", &mut |values| {
        for (at, moments) in moments.iter_mut().enumerate() {
            column.clear();
            column.extend(values.iter().skip(at).step_by(width));
            moments.extend(&column);
        }
        values.chunks_exact(width).for_each(|row| reservoir.offer(|| row.into()));
    })?;
    let mut drawn: Vec<f64> = reservoir.into_items().iter().flat_map(|row| row.iter().copied()).collect();
    let scaling = match wanted.scale {
        // Quartiles of the drawn rows are near enough to those of all.
        Scale::Robust => scaling_of(&drawn, fields, wanted.scale)?,
        Scale::Standardize | Scale::None => {
            let mut scaling = Scaling { centres: Vec::new(), scales: Vec::new() };
            for (moments, field) in moments.iter().zip(fields) {
                let count = moments.count().max(1) as f64;
                let deviation = moments.variance().map_or(0.0, |variance| (variance * (count - 1.0) / count).sqrt());
                let center = moments.mean().unwrap_or(0.0);
                if !deviation.is_finite() || !center.is_finite() {
                    return Err(column_too_large(field));
                }
                let scale = if wanted.scale == Scale::Standardize && deviation > 0.0 { deviation } else { 1.0 };
                scaling.centres.push(center);
                scaling.scales.push(scale);
            }
            scaling
        }
    };
    drawn.chunks_exact_mut(width).for_each(|row| scaling.apply(row));
    let mut found = Found::new(scaling, drawn, width);
    let (k, curve) = match wanted.number {
        Number::Given(k, _) => (*k, None),
        Number::Auto(from, to) => choose_by_silhouette(&found.rows, width, (*from, *to), wanted.start.seed, |k| {
            let options = KMeansOptions { k, ..*wanted.start };
            kmeans(&found.rows, width, &options).map(|found| found.labels.into_iter().map(Some).collect())
        })
        .map(|(k, curve)| (k, Some(curve)))
        .map_err(|error| too_few(&error, wanted.number))?,
    };
    found.curve = curve;
    let options = KMeansOptions { k, ..*wanted.start };
    let begin = kmeans(&found.rows, width, &options).map_err(|error| too_few(&error, wanted.number))?;
    if begin.centres.len() < k {
        found.remarks.push(format!(
            "`k` is {k}, but only {} of the rows drawn at random differ: there are as many clusters",
            begin.centres.len()
        ));
    }
    let mut learner = MiniBatch::new(begin.centres);
    let mut waiting: Vec<f64> = Vec::with_capacity(wanted.batch * width);
    for pass in 0..wanted.passes {
        let message = format!("learning, pass {} of {}", pass + 1, wanted.passes);
        complete_rows(rows, fields, context, &message, &mut |values| {
            values.chunks_exact_mut(width).for_each(|row| found.scaling.apply(row));
            let mut rest: &[f64] = values;
            // Batches have one size, whatever the size of the blocks in which rows come.
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(wanted.batch * width - waiting.len()));
                waiting.extend_from_slice(now);
                rest = later;
                if waiting.len() == wanted.batch * width {
                    learner.learn(&waiting);
                    waiting.clear();
                }
            }
        })?;
        if !waiting.is_empty() {
            learner.learn(&waiting);
            waiting.clear();
        }
    }
    let passes = wanted.passes as f64;
    found.metrics.push(Metric::new("passes", passes, Format::Integer).note("after one for the scales"));
    found.used = (seen, left_out);
    found.rule = Some(Rule::Centres(learner.centres().clone()));
    Ok(found)
}

/// Tells the cluster of each training row once more, to count and to describe them.
///
/// Errors: the rows cannot be computed.
pub(super) fn profile(
    rows: &Arc<Relation>,
    fields: &[Field],
    function: &ClusterFunction,
    distance: Option<&ClusterFunction>,
    k: usize,
    context: &WorkContext<'_>,
) -> Result<Profile, Diagnostic> {
    let width = fields.len();
    let mut profile = Profile::new(k, width);
    complete_rows(rows, fields, context, "describing clusters", &mut |values| {
        values.chunks_exact_mut(width).for_each(|row| function.scaling.apply(row));
        let told = function.tell_all(values);
        for (row, cluster) in values.chunks_exact(width).zip(told) {
            profile.push(row, cluster.map(|cluster| cluster as u32 - 1));
        }
        if let Some(distance) = distance {
            let sum: f64 = distance.tell_all(values).iter().flatten().map(|distance| distance * distance).sum();
            profile.inertia += sum;
        }
    })?;
    Ok(profile)
}
