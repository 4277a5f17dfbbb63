//! How far out a row of numbers lies, and because of which columns.
//!
//! | module | a row is far out when | its reasons |
//! |---|---|---|
//! | [`crate::statistics::isolation_forest`] | random cuts separate it quickly | columns whose usual value makes it less so |
//! | [`local_outlier_factor`] | rows lie thinner around it than around its neighbours | columns in which it differs from them |
//! | [`robust_z`] | a column is many deviations from its median | that column |
//! | [`mahalanobis`], [`mcd`] | it is far from the center for its direction, combinations of columns included | columns that add most to the distance |
//!
//! A [`Detector`] has learned one of them. It is a function of one row, so that it can be applied to rows that come later.
//! Missing values count as the median of their column, or are left out of a distance, and are no reason; values beyond 1e150,
//! infinities too, count as 1e150.

pub mod local_outlier_factor;
pub mod mahalanobis;
pub mod mcd;
pub mod robust_z;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::isolation_forest::IsolationForest;
use local_outlier_factor::LocalOutlierFactor;
use mahalanobis::Mahalanobis;
use robust_z::RobustZ;

/// The largest number that enters: its square is a number too.
const LARGEST: f64 = 1e150;
/// Reasons that are told at most.
const MOST_REASONS: usize = 3;
/// A column is a reason when its weight is at least this share of the largest weight.
const WORTH_TELLING: f64 = 0.2;

/// What has been learned. See the [module](self).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    /// The way of telling.
    pub method: Method,
    /// What stands for a missing value of each column: its median.
    pub usual: Vec<f64>,
}

/// A way of telling how far out a row lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Scores from 0 to 1.
    IsolationForest(IsolationForest),
    /// Scores about 1 for usual rows, larger for others.
    LocalOutlierFactor(LocalOutlierFactor),
    /// Scores are deviations.
    RobustZ(RobustZ),
    /// Scores are distances.
    Mahalanobis(Mahalanobis),
}

/// A column that made a row an anomaly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason {
    /// Its number.
    pub column: usize,
    /// How much it did, not negative; comparable within the row.
    pub weight: f64,
    /// What its value is compared with.
    pub compared: Compared,
}

/// What a value is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Compared {
    /// The usual value: the median.
    Usual(f64),
    /// What the other columns of the row let expect.
    Expected(f64),
    /// The mean of the neighbours.
    Neighbours(f64),
}

impl Detector {
    /// Columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.usual.len()
    }

    /// Whether the parts fit together, as those of a stored one must before it is used.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let width = self.width();
        width > 0
            && self.usual.iter().all(|value| value.is_finite())
            && match &self.method {
                Method::IsolationForest(forest) => forest.is_sound() && forest.width() == width,
                Method::LocalOutlierFactor(factor) => factor.is_sound() && factor.width() == width,
                Method::RobustZ(robust) => robust.width() == width && robust.deviations.len() == width,
                Method::Mahalanobis(distance) => distance.is_sound() && distance.width() == width,
            }
    }

    /// A value as it enters. `None` and NaN become the median; a distance leaves them out, and takes NaN for that.
    #[must_use]
    pub fn value(&self, column: usize, value: Option<f64>) -> f64 {
        let is_missing = value.is_none_or(f64::is_nan);
        if is_missing && matches!(self.method, Method::Mahalanobis(_)) {
            return f64::NAN;
        }
        let value = value.filter(|value| !value.is_nan()).or_else(|| self.usual.get(column).copied());
        value.unwrap_or(0.0).clamp(-LARGEST, LARGEST)
    }

    /// The scores of rows of values as they enter ([`Detector::value`]), stored one after the other. In parallel where it pays.
    #[must_use]
    pub fn scores(&self, rows: &[f64]) -> Vec<f64> {
        use rayon::prelude::*;
        /// Rows that one task scores.
        const TOGETHER: usize = 1_024;
        let width = self.width().max(1);
        let mut scores = vec![0.0; rows.len() / width];
        match &self.method {
            Method::LocalOutlierFactor(factor) => scores = factor.scores(rows),
            Method::IsolationForest(forest) => scores
                .par_chunks_mut(TOGETHER)
                .zip(rows.par_chunks(TOGETHER * width))
                .for_each(|(scores, rows)| forest.scores(rows, scores)),
            Method::RobustZ(robust) => {
                scores.iter_mut().zip(rows.chunks_exact(width)).for_each(|(score, row)| *score = robust.score(row));
            }
            Method::Mahalanobis(distance) => {
                scores.par_chunks_mut(TOGETHER).zip(rows.par_chunks(TOGETHER * width)).for_each(|(scores, rows)| {
                    scores
                        .iter_mut()
                        .zip(rows.chunks_exact(width))
                        .for_each(|(score, row)| *score = distance.score(row));
                })
            }
        }
        scores
    }

    /// The columns that put a row out, the strongest first: at most three, and none whose weight is less than a fifth of the
    /// first one's.
    ///
    /// For an isolation forest the weight of a column is by how much the score falls when the value is replaced by the median
    /// (the explanation of Robnik-Sikonja & Kononenko 2008, *Explaining classifications for individual instances*); where no
    /// single column brings it down, several do so together and the one that brings it down most after the others is found step
    /// by step.
    #[must_use]
    pub fn reasons(&self, row: &[f64]) -> Vec<Reason> {
        let mut reasons = match &self.method {
            Method::IsolationForest(forest) => self.forest_reasons(forest, row),
            Method::LocalOutlierFactor(factor) => factor.reasons(row),
            Method::RobustZ(robust) => robust.reasons(row),
            Method::Mahalanobis(distance) => distance.reasons(row),
        };
        reasons.retain(|reason| reason.weight > 0.0);
        // A stable sort: of equal weights the first column comes first.
        reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let least = reasons.first().map_or(0.0, |first| first.weight * WORTH_TELLING);
        reasons.retain(|reason| reason.weight >= least);
        reasons.truncate(MOST_REASONS);
        reasons
    }

    fn forest_reasons(&self, forest: &IsolationForest, row: &[f64]) -> Vec<Reason> {
        let width = self.width();
        let own = forest.score(row);
        let usual = |column: usize| self.usual.get(column).copied().unwrap_or(0.0);
        let reason = |column: usize, weight: f64| Reason { column, weight, compared: Compared::Usual(usual(column)) };
        let without = |row: &[f64]| -> Vec<f64> {
            let mut replaced: Vec<f64> = row.repeat(width);
            for (column, copy) in replaced.chunks_exact_mut(width).enumerate() {
                if let Some(value) = copy.get_mut(column) {
                    *value = usual(column);
                }
            }
            let mut scores = vec![0.0; width];
            forest.scores(&replaced, &mut scores);
            scores
        };
        let first: Vec<Reason> =
            without(row).iter().enumerate().map(|(column, score)| reason(column, own - score)).collect();
        if first.iter().any(|reason| reason.weight > 0.01 * own) {
            return first;
        }
        // Each of several columns is enough: they are taken away one after the other.
        let mut row = row.to_vec();
        let mut taken = Vec::new();
        for _ in 0..MOST_REASONS.min(width) {
            let scores = without(&row);
            let best = (0..width).filter(|column| !taken.contains(column)).min_by(|a, b| {
                let score = |column: &usize| scores.get(*column).copied().unwrap_or(f64::MAX);
                score(a).total_cmp(&score(b))
            });
            let Some(best) = best else { break };
            taken.push(best);
            if let Some(value) = row.get_mut(best) {
                *value = usual(best);
            }
        }
        let fall = (own - forest.score(&row)).max(0.0);
        taken.into_iter().map(|column| reason(column, fall)).collect()
    }
}

/// Reasons in words: `dep_delay 1301 (usually -2); air_time 40 (318 expected from the other columns)`.
#[must_use]
pub fn in_words(reasons: &[Reason], values: &[Option<f64>], names: &[String]) -> String {
    let words = reasons.iter().filter_map(|reason| {
        let value = number(values.get(reason.column).copied().flatten()?);
        let compared = match reason.compared {
            Compared::Usual(usual) => format!("usually {}", number(usual)),
            Compared::Expected(expected) => format!("{} expected from the other columns", number(expected)),
            Compared::Neighbours(middle) => format!("{} among its neighbours", number(middle)),
        };
        Some(format!("{} {value} ({compared})", names.get(reason.column)?))
    });
    words.collect::<Vec<_>>().join("; ")
}

/// Up to four significant digits; whole numbers up to a million in full.
fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "infinity".to_owned() } else { "-infinity".to_owned() };
    }
    if value.fract() == 0.0 && value.abs() < 1e6 {
        return format!("{value}");
    }
    let size = value.abs();
    if !(1e-4..1e9).contains(&size) {
        return format!("{value:.3e}");
    }
    let places = (3 - size.log10().floor() as i32).max(0);
    let text = format!("{value:.*}", usize::try_from(places).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
