//! How good each model is at one target, how sure that is, and whether the network beats the simple models.

use ndarray::Axis;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use super::judged::{Evidence, Opinion};
use super::models::NETWORK;
use super::rows::failed;
use super::truth::Truth;
use crate::diagnostic::Diagnostic;
use crate::statistics::evaluation::bootstrap::{Bootstrap, BootstrapOptions};
use crate::statistics::evaluation::judge::{
    BinaryJudge, ClassJudge, ClassOptions, Judge, LabelJudge, Metric, NumberJudge,
};
use crate::statistics::evaluation::{Binning, Borders, paired};
use crate::tensor::Target;

/// Rows that are resampled at most; of more a random part stands for all.
const RESAMPLED: usize = 20_000;
/// Classes up to which areas of one class against the rest have intervals, and are computed at all.
pub(super) const AREA_INTERVALS: usize = 12;
const AREAS: usize = 200;
/// Rows times classes up to which areas are computed: each takes four bytes.
const AREA_CELLS: usize = 20_000_000;
/// From how many classes on the accuracy of several guesses says something, and how many guesses these are.
const TOP: (usize, usize) = (10, 5);

/// How things are judged.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) binning: Binning,
    pub(super) bins: std::num::NonZeroUsize,
    pub(super) quantiles: Vec<f64>,
    pub(super) bootstrap: Option<BootstrapOptions>,
}

/// A model with its metrics.
#[derive(Debug, Clone)]
pub(super) struct Scored {
    pub(super) model: String,
    pub(super) metrics: Vec<Metric>,
    pub(super) values: Vec<Option<f64>>,
    pub(super) intervals: Vec<Option<(f64, f64)>>,
}

impl Scored {
    pub(super) fn place(&self, metric: &str) -> Option<usize> {
        self.metrics.iter().position(|known| known.name == metric)
    }

    pub(super) fn value(&self, metric: &str) -> Option<f64> {
        self.values.get(self.place(metric)?).copied().flatten()
    }

    pub(super) fn interval(&self, metric: &str) -> Option<(f64, f64)> {
        self.intervals.get(self.place(metric)?).copied().flatten()
    }
}

/// The network beside the best simple model.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    pub(super) baseline: String,
    pub(super) metric: Metric,
    pub(super) network: f64,
    pub(super) of_baseline: f64,
    /// Of the network minus that of the baseline.
    pub(super) interval: Option<(f64, f64)>,
    /// Which test, and its p-value.
    pub(super) test: Option<(&'static str, f64)>,
}

impl Comparison {
    /// How much better the network is; below 0 where it is worse.
    pub(super) fn gain(&self) -> f64 {
        self.metric.gain(self.network, self.of_baseline)
    }

    /// Whether the difference is more than chance: by the test, or else by the interval.
    pub(super) fn is_beyond_chance(&self) -> bool {
        match (self.test, self.interval) {
            (Some((_, p)), _) => p < 0.05,
            (None, Some((low, high))) => low > 0.0 || high < 0.0,
            (None, None) => true,
        }
    }
}

/// What is known about one target.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    pub(super) scored: Vec<Scored>,
    /// For each model the threshold from which yes is predicted; empty where there is none.
    pub(super) thresholds: Vec<f64>,
    /// The metric by which models are compared first.
    pub(super) primary: &'static str,
    pub(super) comparison: Option<Comparison>,
    /// Rows that were resampled.
    pub(super) resampled: usize,
    /// For a binary target what each model says: the probabilities of yes.
    pub(super) said: Vec<Vec<f64>>,
}

/// Whether the classes have an order: all are numbers.
fn has_order(target: &Target) -> bool {
    target.names().iter().all(|name| name.parse::<f64>().is_ok())
}

/// Random rows, in their order, where there are more than wanted.
pub(super) fn random_part(rows: usize, wanted: usize, seed: u64) -> Option<Vec<usize>> {
    (rows > wanted).then(|| {
        let mut part = index::sample(&mut ChaCha8Rng::seed_from_u64(seed), rows, wanted).into_vec();
        part.sort_unstable();
        part
    })
}

/// The judge of what a model says.
pub(super) fn judge(
    target: &Target,
    truth: &Truth,
    opinion: &Opinion,
    threshold: f64,
    rules: &Rules,
    areas: bool,
) -> Result<Box<dyn Judge>, Diagnostic> {
    // Rounding may leave a share a little above 1.
    let bounded = || opinion.outputs.mapv(|p| p.clamp(0.0, 1.0));
    Ok(match truth {
        Truth::Binary(truth) => {
            let probabilities: Vec<f64> = bounded().into_iter().collect();
            let borders = Borders::new(&probabilities, rules.binning, rules.bins);
            Box::new(BinaryJudge::new(truth, &probabilities, threshold, &borders).map_err(|error| failed(&error))?)
        }
        Truth::Classes(truth, classes) => {
            let outputs = bounded();
            let confidence: Vec<f64> =
                outputs.rows().into_iter().map(|row| row.iter().copied().fold(0.0, f64::max)).collect();
            let borders = Borders::new(&confidence, rules.binning, rules.bins);
            let options = ClassOptions {
                ordered: has_order(target),
                top: (*classes >= TOP.0).then_some(TOP.1),
                areas,
                borders: &borders,
            };
            Box::new(ClassJudge::new(truth, outputs.view(), options).map_err(|error| failed(&error))?)
        }
        Truth::Labels(truth) => {
            Box::new(LabelJudge::new(truth.view(), bounded().view(), threshold).map_err(|error| failed(&error))?)
        }
        Truth::Numbers(truth) => {
            let predicted: Vec<f64> = opinion.outputs.iter().copied().collect();
            Box::new(NumberJudge::new(truth, &predicted, &rules.quantiles).map_err(|error| failed(&error))?)
        }
    })
}

/// Judges all models on one target. `thresholds` has one for each opinion.
pub(super) fn reach(
    target: &Target,
    evidence: &Evidence,
    thresholds: &[f64],
    rules: &Rules,
) -> Result<Verdict, Diagnostic> {
    let rows = evidence.truth.len();
    let width = evidence.truth.width();
    let has_areas = width <= AREAS && width.saturating_mul(rows) <= AREA_CELLS;
    let of = |opinion: &Opinion, truth: &Truth, place: usize, areas| {
        judge(target, truth, opinion, thresholds.get(place).copied().unwrap_or(0.5), rules, areas)
    };
    let mut scored = Vec::new();
    for (place, opinion) in evidence.opinions.iter().enumerate() {
        let judge = of(opinion, &evidence.truth, place, has_areas)?;
        let values = judge.scores(&vec![1; rows]);
        let intervals = vec![None; values.len()];
        scored.push(Scored { model: opinion.model.clone(), metrics: judge.metrics().to_vec(), values, intervals });
    }
    let primary = match &evidence.truth {
        Truth::Binary(_) => "ROC AUC",
        Truth::Classes(..) => "accuracy",
        Truth::Labels(_) => "micro F1",
        Truth::Numbers(_) => "root mean squared error",
    };
    // Where one class is there alone, nothing is ranked.
    let has_primary = scored.first().is_some_and(|network| network.value(primary).is_some());
    let primary = if has_primary { primary } else { "accuracy" };
    let resampled = rows.min(RESAMPLED);
    let mut bootstrap = None;
    if let Some(options) = &rules.bootstrap {
        let part = random_part(rows, RESAMPLED, options.seed);
        let truth = part.as_ref().map(|part| evidence.truth.select(part));
        let truth = truth.as_ref().unwrap_or(&evidence.truth);
        let mut judges = Vec::new();
        for (place, opinion) in evidence.opinions.iter().enumerate() {
            let of_part = part
                .as_ref()
                .map(|part| Opinion { model: opinion.model.clone(), outputs: opinion.outputs.select(Axis(0), part) });
            judges.push(of(of_part.as_ref().unwrap_or(opinion), truth, place, has_areas && width <= AREA_INTERVALS)?);
        }
        let found = Bootstrap::new(resampled, rows, options, &|weights| {
            judges.iter().flat_map(|judge| judge.scores(weights)).collect()
        });
        let mut names: Vec<(usize, String)> = Vec::new();
        for (model, judge) in judges.iter().enumerate() {
            names.extend(judge.metrics().iter().map(|metric| (model, metric.name.clone())));
        }
        for (place, (model, name)) in names.iter().enumerate() {
            let Some(scored) = scored.get_mut(*model) else { continue };
            let Some(at) = scored.place(name) else { continue };
            let value = scored.values.get(at).copied().flatten();
            if let Some(interval) = scored.intervals.get_mut(at) {
                *interval = found.interval_around(place, value);
            }
        }
        bootstrap = Some((found, names));
    }
    let comparison = compare(evidence, &scored, thresholds, primary, bootstrap.as_ref(), rules)?;
    let said = match &evidence.truth {
        Truth::Binary(_) => evidence.opinions.iter().map(|opinion| opinion.outputs.iter().copied().collect()).collect(),
        _ => Vec::new(),
    };
    Ok(Verdict { scored, thresholds: thresholds.to_vec(), primary, comparison, resampled, said })
}

type Resampled = (Bootstrap, Vec<(usize, String)>);

/// The network against the simple model that is best by the first metric.
fn compare(
    evidence: &Evidence,
    scored: &[Scored],
    thresholds: &[f64],
    primary: &str,
    bootstrap: Option<&Resampled>,
    rules: &Rules,
) -> Result<Option<Comparison>, Diagnostic> {
    let Some(network) = scored.first() else { return Ok(None) };
    let Some(metric) = network.place(primary).and_then(|place| network.metrics.get(place)).cloned() else {
        return Ok(None);
    };
    let simple = scored.iter().enumerate().filter(|(_, scored)| !scored.model.starts_with(NETWORK));
    let valued = simple.filter_map(|(place, scored)| Some((place, scored.value(primary)?)));
    let best = valued.reduce(|best, next| if metric.gain(next.1, best.1) > 0.0 { next } else { best });
    let (Some((place, of_baseline)), Some(value)) = (best, network.value(primary)) else { return Ok(None) };
    let interval = bootstrap.and_then(|(found, names)| {
        let at = |model: usize| names.iter().position(|(of, name)| *of == model && *name == metric.name);
        found.difference_around(at(0)?, at(place)?, value - of_baseline)
    });
    let seed = rules.bootstrap.map_or(0, |options| options.seed);
    let threshold = |place: usize| thresholds.get(place).copied().unwrap_or(0.5);
    let opinions = evidence.opinions.first().zip(evidence.opinions.get(place));
    let test = match (&evidence.truth, opinions) {
        (_, None) => None,
        (Truth::Binary(truth), Some((a, b))) if metric.name == "ROC AUC" => {
            let (a, b): (Vec<f64>, Vec<f64>) =
                (a.outputs.iter().copied().collect(), b.outputs.iter().copied().collect());
            let tested = paired::delong(truth, &a, &b).map_err(|error| failed(&error))?;
            tested.map(|tested| ("DeLong", tested.p_value))
        }
        (Truth::Binary(truth), Some((a, b))) => {
            let right = |opinion: &Opinion, threshold: f64| -> Vec<bool> {
                opinion.outputs.iter().zip(truth).map(|(p, truth)| (*p >= threshold) == *truth).collect()
            };
            Some(("McNemar", mcnemar(&right(a, threshold(0)), &right(b, threshold(place)))))
        }
        (Truth::Classes(truth, _), Some((a, b))) => {
            let right = |opinion: &Opinion| -> Vec<bool> {
                let rows = opinion.outputs.rows().into_iter().zip(truth);
                rows.map(|(row, truth)| super::largest(row.iter().map(|p| *p as f32)) == *truth).collect()
            };
            Some(("McNemar", mcnemar(&right(a), &right(b))))
        }
        (Truth::Labels(truth), Some((a, b))) => {
            let wrong = |opinion: &Opinion, threshold: f64| -> Vec<f64> {
                let rows = opinion.outputs.rows().into_iter().zip(truth.rows());
                let count = |(p, has): &(&f64, &bool)| (**p >= threshold) != **has;
                rows.map(|(row, truth)| row.iter().zip(truth).filter(count).count() as f64).collect()
            };
            permuted(&wrong(a, threshold(0)), &wrong(b, threshold(place)), seed)?
        }
        (Truth::Numbers(truth), Some((a, b))) => {
            let largest = truth.iter().zip(&a.outputs).zip(&b.outputs);
            let largest = largest.fold(0.0_f64, |m, ((t, a), b)| m.max((t - a).abs()).max((t - b).abs()));
            let squares = |opinion: &Opinion| -> Vec<f64> {
                truth
                    .iter()
                    .zip(&opinion.outputs)
                    .map(|(t, p)| ((t - p) / largest.max(f64::MIN_POSITIVE)).powi(2))
                    .collect()
            };
            permuted(&squares(a), &squares(b), seed)?
        }
    };
    let baseline = scored.get(place).map(|scored| scored.model.clone()).unwrap_or_default();
    Ok(Some(Comparison { baseline, metric, network: value, of_baseline, interval, test }))
}

fn mcnemar(a: &[bool], b: &[bool]) -> f64 {
    let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count() as u64;
    paired::mcnemar(only(a, b), only(b, a))
}

fn permuted(a: &[f64], b: &[f64], seed: u64) -> Result<Option<(&'static str, f64)>, Diagnostic> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let p = paired::permutation(&differences, seed).map_err(|error| failed(&error))?;
    Ok(p.map(|p| ("permutation", p)))
}
