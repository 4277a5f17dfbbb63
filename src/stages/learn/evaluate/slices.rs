//! Metrics by group: where is the network worse than elsewhere, beyond chance?

use std::collections::BTreeMap;

use ndarray::Axis;

use super::column::Column;
use super::intervals::{self, Measured};
use super::judged::{Evidence, Opinion};
use super::truth::Truth;
use super::verdict::Rules;
use crate::diagnostic::Diagnostic;
use crate::statistics::distributions::{normal, student_t};
use crate::statistics::hypothesis::fisher::fisher;
use crate::statistics::hypothesis::{Alternative, Sample, t};
use crate::statistics::multiplicity::{Correction, adjust};
use crate::tensor::Target;

/// Groups of a column at most; the others are one group.
const GROUPS: usize = 20;
/// Different numbers up to which each is a group of its own; more are cut into quarters.
const NUMBERS: usize = 12;
/// Rows of a group that is compared with the others at least.
const LEAST: usize = 10;
/// Below this an adjusted p-value is beyond chance.
const LEVEL: f64 = 0.05;

/// A group of rows.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) column: String,
    /// `UA`, `0 to 12`, `missing`.
    pub(super) value: String,
    pub(super) rows: usize,
    /// Accuracy, mean absolute error or subset accuracy of the network, with its interval.
    pub(super) score: Option<f64>,
    pub(super) interval: Option<(f64, f64)>,
    /// The same of all other rows.
    pub(super) elsewhere: Option<f64>,
    /// Of no difference between both, adjusted for the number of groups.
    pub(super) p_value: Option<f64>,
    /// All metrics of the network on these rows.
    pub(super) metrics: Vec<Measured>,
}

impl Group {
    pub(super) fn name(&self) -> String {
        format!("{} = {}", self.column, self.value)
    }
}

/// What groups are compared by: its name, and whether more is better.
pub(super) fn measure(truth: &Truth) -> (&'static str, bool) {
    match truth {
        Truth::Binary(_) | Truth::Classes(..) => ("accuracy", true),
        Truth::Labels(_) => ("subset accuracy", true),
        Truth::Numbers(_) => ("mean absolute error", false),
    }
}

/// What a row contributes: 1 where it is right, or its absolute error.
fn contributions(evidence: &Evidence, threshold: f64) -> Vec<f64> {
    let Some(network) = evidence.opinions.first() else { return Vec::new() };
    let rows = network.outputs.rows().into_iter();
    let share = |right: bool| f64::from(u8::from(right));
    match &evidence.truth {
        Truth::Binary(truth) => {
            network.outputs.iter().zip(truth).map(|(p, t)| share((*p >= threshold) == *t)).collect()
        }
        Truth::Classes(truth, _) => {
            rows.zip(truth).map(|(row, t)| share(super::largest(row.iter().map(|p| *p as f32)) == *t)).collect()
        }
        Truth::Labels(truth) => rows
            .zip(truth.rows())
            .map(|(row, truth)| share(row.iter().zip(truth).all(|(p, has)| (*p >= threshold) == *has)))
            .collect(),
        Truth::Numbers(truth) => network.outputs.iter().zip(truth).map(|(p, t)| (p - t).abs()).collect(),
    }
}

/// The metrics that stand in the table of groups.
pub(super) fn shown(truth: &Truth) -> &'static [&'static str] {
    match truth {
        Truth::Binary(_) => &["accuracy", "ROC AUC", "precision", "recall"],
        Truth::Classes(..) => &["accuracy", "macro F1", "log loss"],
        Truth::Labels(_) => &["subset accuracy", "micro F1", "macro F1"],
        Truth::Numbers(_) => &["mean absolute error", "root mean squared error", "R2"],
    }
}

/// The groups of all columns, with p-values adjusted over all of them (Holm), so that with any number of groups the chance of
/// naming one wrongly stays below 5 %.
pub(super) fn groups(
    columns: &[Column],
    target: &Target,
    evidence: &Evidence,
    threshold: f64,
    rules: &Rules,
) -> Result<Vec<Group>, Diagnostic> {
    let Some(network) = evidence.opinions.first() else { return Ok(Vec::new()) };
    let contributions = contributions(evidence, threshold);
    let (measure, is_share) = measure(&evidence.truth);
    let mut groups = Vec::new();
    for column in columns {
        for (value, mut rows) in divided(column) {
            rows.sort_unstable();
            let mut is_inside = vec![false; contributions.len()];
            rows.iter().for_each(|row| {
                if let Some(inside) = is_inside.get_mut(*row) {
                    *inside = true;
                }
            });
            let values = |wanted: bool| -> Vec<f64> {
                let part = contributions.iter().zip(&is_inside).filter(|(_, inside)| **inside == wanted);
                part.map(|(value, _)| *value).collect()
            };
            let (inside, outside) = (Sample::of(&values(true)), Sample::of(&values(false)));
            let known = |sample: Sample| (sample.n > 0.0).then_some(sample.mean);
            let said = Opinion { model: network.model.clone(), outputs: network.outputs.select(Axis(0), &rows) };
            let metrics = intervals::measured(target, &evidence.truth.select(&rows), &said, threshold, rules)?;
            let of_measure = metrics.iter().find(|measured| measured.metric.name == measure);
            groups.push(Group {
                column: column.name.clone(),
                value,
                rows: rows.len(),
                score: known(inside),
                interval: of_measure.and_then(|measured| measured.interval).or_else(|| of_mean(inside, is_share)),
                elsewhere: known(outside),
                p_value: if rows.len() >= LEAST { p_value(inside, outside, is_share) } else { None },
                metrics,
            });
        }
    }
    let p_values: Vec<f64> = groups.iter().map(|group| group.p_value.unwrap_or(f64::NAN)).collect();
    for (group, p) in groups.iter_mut().zip(adjust(&p_values, Correction::Holm)) {
        group.p_value = Some(p).filter(|p| p.is_finite());
    }
    Ok(groups)
}

/// The groups that are worse than elsewhere beyond chance, the worst first.
pub(super) fn worst<'a>(groups: &'a [Group], truth: &Truth) -> Vec<&'a Group> {
    let (_, higher) = measure(truth);
    let mut worse: Vec<(f64, &Group)> = groups
        .iter()
        .filter(|group| group.p_value.is_some_and(|p| p < LEVEL))
        .filter_map(|group| Some((if higher { 1.0 } else { -1.0 } * (group.score? - group.elsewhere?), group)))
        .filter(|(difference, _)| *difference < 0.0)
        .collect();
    worse.sort_by(|a, b| a.0.total_cmp(&b.0));
    worse.into_iter().map(|(_, group)| group).collect()
}

/// The t interval of a mean, where nothing was resampled.
fn of_mean(sample: Sample, is_share: bool) -> Option<(f64, f64)> {
    let reach = student_t::upper_quantile(0.025, sample.n - 1.0) * (sample.variance / sample.n).sqrt();
    (!is_share && sample.n > 1.0 && reach.is_finite()).then_some((sample.mean - reach, sample.mean + reach))
}

/// Fisher's exact test of shares (the z test above 10,000 rows), Welch's test of means.
fn p_value(inside: Sample, outside: Sample, is_share: bool) -> Option<f64> {
    if outside.n < 2.0 {
        return None;
    }
    if !is_share {
        return t::welch(inside, outside, 0.0, Alternative::TwoSided, 0.95).ok().map(|tested| tested.p_value);
    }
    let right = |sample: Sample| (sample.mean * sample.n).round();
    let all = inside.n + outside.n;
    if all <= 10_000.0 {
        let cells = [right(inside), inside.n - right(inside), right(outside), outside.n - right(outside)];
        return fisher(cells, Alternative::TwoSided, 0.95).ok().map(|tested| tested.p_value);
    }
    let pooled = (right(inside) + right(outside)) / all;
    let error = (pooled * (1.0 - pooled) * (1.0 / inside.n + 1.0 / outside.n)).sqrt();
    (error > 0.0).then(|| normal::two_sided((inside.mean - outside.mean) / error))
}

/// The rows of each group of a column: values by falling number of rows, numbers of many values in quarters.
fn divided(column: &Column) -> Vec<(String, Vec<usize>)> {
    let mut by_value: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut missing = Vec::new();
    for (row, text) in column.texts.iter().enumerate() {
        match text {
            Some(text) => by_value.entry(text).or_default().push(row),
            None => missing.push(row),
        }
    }
    let mut groups: Vec<(String, Vec<usize>)> = if column.is_number && by_value.len() > NUMBERS {
        quarters(by_value)
    } else {
        let mut groups: Vec<_> = by_value.into_iter().map(|(value, rows)| (value.to_owned(), rows)).collect();
        if !column.is_number || groups.len() > GROUPS {
            groups.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
        }
        groups
    };
    if groups.len() > GROUPS {
        let others = groups.split_off(GROUPS - 1);
        let count = others.len();
        let mut rows: Vec<usize> = others.into_iter().flat_map(|(_, rows)| rows).collect();
        rows.sort_unstable();
        groups.push((format!("{count} other values"), rows));
    }
    if !missing.is_empty() {
        groups.push(("missing".to_owned(), missing));
    }
    groups
}

/// Numbers in four groups of about as many rows.
fn quarters(by_value: BTreeMap<&str, Vec<usize>>) -> Vec<(String, Vec<usize>)> {
    let mut values: Vec<(f64, &str, Vec<usize>)> =
        by_value.into_iter().filter_map(|(text, rows)| Some((text.parse().ok()?, text, rows))).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all: usize = values.iter().map(|(_, _, rows)| rows.len()).sum();
    let mut groups: Vec<(String, String, Vec<usize>)> = Vec::new();
    let (mut before, mut last) = (0, usize::MAX);
    for (_, text, rows) in values {
        let quarter = (before * 4 / all.max(1)).min(3);
        before += rows.len();
        match groups.last_mut().filter(|_| quarter == last) {
            Some((_, to, all)) => {
                text.clone_into(to);
                all.extend(rows);
            }
            None => groups.push((text.to_owned(), text.to_owned(), rows)),
        }
        last = quarter;
    }
    groups
        .into_iter()
        .map(|(from, to, rows)| (if from == to { from } else { format!("{from} to {to}") }, rows))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
