//! The metrics of the network on some rows, with their intervals: Wilson's for shares of rows, the bootstrap for all others.

use ndarray::Axis;

use super::judged::Opinion;
use super::truth::Truth;
use super::verdict::{self, AREA_INTERVALS, Rules, random_part};
use crate::diagnostic::Diagnostic;
use crate::statistics::evaluation::bootstrap::{Bootstrap, BootstrapOptions};
use crate::statistics::evaluation::judge::Metric;
use crate::statistics::hypothesis::{Alternative, proportions};
use crate::tensor::Target;

/// Rows of a group that are resampled at most; of more a random part stands for all.
pub(super) const RESAMPLED: usize = 5_000;
/// Resamples of a group at most.
pub(super) const RESAMPLES: usize = 400;
/// Rows of a group that is resampled at least.
const LEAST: usize = 10;

/// A metric with its value and its interval of 95 %.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) metric: Metric,
    pub(super) value: Option<f64>,
    pub(super) interval: Option<(f64, f64)>,
}

/// All metrics of a model on some rows.
pub(super) fn measured(
    target: &Target,
    truth: &Truth,
    opinion: &Opinion,
    threshold: f64,
    rules: &Rules,
) -> Result<Vec<Measured>, Diagnostic> {
    let (rows, has_areas) = (truth.len(), truth.width() <= AREA_INTERVALS);
    let judge = verdict::judge(target, truth, opinion, threshold, rules, has_areas)?;
    let values = judge.scores(&vec![1; rows]);
    let bootstrap = match rules.bootstrap.filter(|_| rows >= LEAST) {
        None => None,
        Some(options) => {
            let options = BootstrapOptions { resamples: options.resamples.min(RESAMPLES), ..options };
            let of_part = match random_part(rows, RESAMPLED, options.seed) {
                None => None,
                Some(part) => {
                    let opinion =
                        Opinion { model: opinion.model.clone(), outputs: opinion.outputs.select(Axis(0), &part) };
                    Some(verdict::judge(target, &truth.select(&part), &opinion, threshold, rules, has_areas)?)
                }
            };
            let judge = of_part.as_ref().unwrap_or(&judge);
            Some(Bootstrap::new(judge.rows(), rows, &options, &|weights| judge.scores(weights)))
        }
    };
    let shares = shares(truth, opinion, threshold);
    let metrics = judge.metrics().iter().zip(values).enumerate();
    let measured = metrics.map(|(place, (metric, value))| {
        let share = shares.iter().find(|share| share.0 == metric.name);
        let interval = match share {
            Some((_, part, whole)) => {
                (*whole > 0).then(|| proportions::wilson(*part, *whole, Alternative::TwoSided, 0.95))
            }
            None => bootstrap.as_ref().and_then(|found| found.interval_around(place, value)),
        };
        Measured { metric: metric.clone(), value, interval }
    });
    Ok(measured.collect())
}

/// Metrics that are shares of rows: their names, how many rows have it, and of how many.
fn shares(truth: &Truth, opinion: &Opinion, threshold: f64) -> Vec<(&'static str, u64, u64)> {
    let rows = truth.len() as u64;
    let outputs = || opinion.outputs.rows().into_iter();
    match truth {
        Truth::Binary(truth) => {
            let count = |of: &dyn Fn(bool, bool) -> bool| {
                opinion.outputs.iter().zip(truth).filter(|(p, truth)| of(**p >= threshold, **truth)).count() as u64
            };
            let found = count(&|yes, truth| yes && truth);
            vec![
                ("accuracy", count(&|yes, truth| yes == truth), rows),
                ("precision", found, count(&|yes, _| yes)),
                ("recall", found, count(&|_, truth| truth)),
            ]
        }
        Truth::Classes(truth, _) => {
            let is_right = |(row, truth): &(ndarray::ArrayView1<'_, f64>, &u32)| {
                super::largest(row.iter().map(|p| *p as f32)) == **truth
            };
            vec![("accuracy", outputs().zip(truth).filter(is_right).count() as u64, rows)]
        }
        Truth::Labels(truth) => {
            let right = outputs()
                .zip(truth.rows())
                .filter(|(row, truth)| row.iter().zip(truth).all(|(p, has)| (*p >= threshold) == *has));
            vec![("subset accuracy", right.count() as u64, rows)]
        }
        Truth::Numbers(_) => Vec::new(),
    }
}
