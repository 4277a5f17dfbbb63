use std::cmp::Ordering;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::block::Block;
use super::gram::Gram;
use super::solve::Solution;
use crate::statistics::distributions;
use crate::statistics::double_sum::DoubleSum;
use crate::statistics::moments::Moments;

/// How standard errors are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Errors {
    /// Under errors of one variance (linear) or the variance of the family.
    #[default]
    Classic,
    /// White (1980): whatever the variances.
    Hc0,
    /// HC0 times n / (n - k) (Hinkley 1977).
    Hc1,
    /// Each squared residual by 1 - leverage (Horn, Horn and Duncan 1975); of logistic and Poisson models the leverage in the last weighted
    /// least squares (Pregibon 1981, Zeileis 2006).
    Hc2,
    /// By its square, near the jackknife (MacKinnon and White 1985).
    Hc3,
    /// Whatever goes on inside of groups (Liang and Zeger 1986), times G / (G - 1) (n - 1) / (n - k).
    Clustered,
}

/// A row that pulls at the coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Influence {
    /// The number of the row that the caller gave.
    pub row: u64,
    /// Cook's distance (1977).
    pub distance: f64,
    /// How far out the row lies, from 0 to 1: its diagonal entry of the hat matrix.
    pub leverage: f64,
    /// The target minus the fitted value, of Pearson's kind for logistic and Poisson models.
    pub residual: f64,
    /// The residual by its standard error, which the row itself has no part in (linear); by its standard error (others).
    pub studentized: f64,
    /// The fitted value.
    pub fitted: f64,
}

/// What a second pass over the rows finds once coefficients are known.
#[derive(Debug, Clone)]
pub struct Diagnostics<'a> {
    solution: &'a Solution,
    /// The variance of the errors.
    variance: f64,
    degrees: f64,
    linear: bool,
    errors: Errors,
    /// Most influential rows that are kept.
    keep: usize,
    meat: Option<Gram>,
    clusters: FxHashMap<u32, Vec<f64>>,
    /// Σ (residual - residual before)², and the residual before.
    differences: DoubleSum,
    before: Option<f64>,
    squares: DoubleSum,
    /// The mean of squared residuals, Σ x (e² - mean) and Σ (e² - mean)².
    mean_square: f64,
    squares_by_column: Vec<DoubleSum>,
    square_deviations: DoubleSum,
    moments: Moments,
    influential: Vec<Influence>,
    high_leverage: u64,
    rows: u64,
}

impl<'a> Diagnostics<'a> {
    /// Of a fit with that residual variance and degrees of freedom. `linear` is false for rows that are weighted by a logistic or Poisson
    /// model, whose residuals are Pearson's.
    #[must_use]
    pub fn new(
        solution: &'a Solution,
        variance: f64,
        degrees: f64,
        rows: u64,
        linear: bool,
        errors: Errors,
        keep: usize,
    ) -> Self {
        let columns = solution.coefficients.len();
        let meat = matches!(errors, Errors::Hc0 | Errors::Hc1 | Errors::Hc2 | Errors::Hc3).then(|| Gram::new(columns));
        Self {
            solution,
            variance,
            degrees,
            linear,
            errors,
            keep,
            meat,
            clusters: FxHashMap::default(),
            differences: DoubleSum::default(),
            before: None,
            squares: DoubleSum::default(),
            mean_square: variance * degrees / (rows.max(1) as f64),
            squares_by_column: vec![DoubleSum::default(); columns],
            square_deviations: DoubleSum::default(),
            moments: Moments::new(),
            influential: Vec::new(),
            high_leverage: 0,
            rows: 0,
        }
    }

    /// Adds rows in their order: the (weighted) matrix with residuals as the target, the numbers of the rows, fitted values, and the number of
    /// each row's cluster where errors are clustered. Gives leverage and studentized residual of each row.
    pub fn add(&mut self, block: &Block, numbers: &[u64], fitted: &[f64], clusters: &[u32]) -> Vec<(f64, f64)> {
        let columns = self.solution.coefficients.len();
        let leverages = block.quadratic(&self.solution.inverse, columns);
        let k = self.solution.kept.len() as f64;
        let mut measures = Vec::with_capacity(block.rows());
        let mut factors = Vec::with_capacity(block.rows());
        for (row, (&residual, &leverage)) in block.target.iter().zip(&leverages).enumerate() {
            let leverage = leverage.clamp(0.0, 1.0);
            let left = 1.0 - leverage;
            let standardized = residual / (self.variance * left).sqrt();
            let studentized = if self.linear {
                standardized * ((self.degrees - 1.0) / (self.degrees - standardized * standardized)).sqrt()
            } else {
                standardized
            };
            let distance = standardized * standardized * leverage / left / k;
            self.offer(Influence {
                row: numbers.get(row).copied().unwrap_or_default(),
                distance,
                leverage,
                residual,
                studentized,
                fitted: fitted.get(row).copied().unwrap_or(f64::NAN),
            });
            self.high_leverage += u64::from(leverage > 3.0 * k / (self.degrees + k));
            measures.push((leverage, studentized));
            factors.push(match self.errors {
                Errors::Hc2 => residual / left.sqrt(),
                Errors::Hc3 => residual / left,
                _ => residual,
            });
            if let Some(before) = self.before {
                self.differences.add_square(residual - before);
            }
            self.before = Some(residual);
            self.squares.add_square(residual);
            let deviation = residual * residual - self.mean_square;
            self.square_deviations.add_square(deviation);
            for (column, number) in block.entries(row) {
                if let Some(sum) = self.squares_by_column.get_mut(column) {
                    sum.add(number * deviation);
                }
            }
            if let Some(cluster) = clusters.get(row).filter(|_| self.errors == Errors::Clustered) {
                let score = self.clusters.entry(*cluster).or_insert_with(|| vec![0.0; columns]);
                for (column, number) in block.entries(row) {
                    if let Some(sum) = score.get_mut(column) {
                        *sum += number * residual;
                    }
                }
            }
        }
        self.moments.extend(&block.target);
        self.rows += block.rows() as u64;
        if let Some(meat) = &mut self.meat {
            let empty = vec![0.0; block.rows()];
            meat.extend(&[block.scaled(&factors, empty)]);
        }
        measures
    }

    fn offer(&mut self, row: Influence) {
        let larger = |a: &Influence, b: &Influence| b.distance.total_cmp(&a.distance).then(a.row.cmp(&b.row));
        if row.distance.is_nan() || self.keep == 0 {
            return;
        }
        let full = self.influential.len() >= self.keep;
        if full && self.influential.last().is_some_and(|last| larger(last, &row) != Ordering::Greater) {
            return;
        }
        let at = self.influential.partition_point(|kept| larger(kept, &row) == Ordering::Less);
        self.influential.insert(at, row);
        self.influential.truncate(self.keep);
    }

    /// The rows with the largest Cook's distances, the largest first.
    #[must_use]
    pub fn influential(&self) -> &[Influence] {
        &self.influential
    }

    /// Rows whose leverage is more than three times the mean.
    #[must_use]
    pub fn high_leverage(&self) -> u64 {
        self.high_leverage
    }

    /// Moments of the residuals.
    #[must_use]
    pub fn moments(&self) -> &Moments {
        &self.moments
    }

    /// Durbin and Watson's statistic (1950) over the rows in their order: 2 when residuals are not related to the one before, below when
    /// they are alike.
    #[must_use]
    pub fn durbin_watson(&self) -> Option<f64> {
        let squares = self.squares.value();
        (squares > 0.0).then(|| self.differences.value() / squares)
    }

    /// Breusch and Pagan's test that the variance of the errors does not depend on the columns, as studentized by Koenker (1981): the
    /// statistic, its degrees of freedom and its p-value by chi-squared. `None` without an intercept and a slope.
    #[must_use]
    pub fn breusch_pagan(&self) -> Option<(f64, f64, f64)> {
        let columns = self.solution.coefficients.len();
        let sums: Vec<f64> = self.squares_by_column.iter().map(|sum| sum.value()).collect();
        let line = |i: usize| {
            let cells = self.solution.inverse.get(i * columns..(i + 1) * columns).unwrap_or_default();
            cells.iter().zip(&sums).map(|(cell, sum)| cell * sum).sum::<f64>()
        };
        let told: f64 = (0..columns).map(|i| sums[i] * line(i)).sum();
        let total = self.square_deviations.value();
        let degrees = self.solution.kept.len() as f64 - 1.0;
        let statistic = self.rows as f64 * told / total;
        let p = distributions::chi_squared::sf(statistic.max(0.0), degrees);
        (statistic.is_finite() && degrees > 0.0).then_some((statistic, degrees, p))
    }

    /// Jarque and Bera's statistic (1980) of the residuals: chi-squared with two degrees of freedom when they are normal.
    #[must_use]
    pub fn jarque_bera(&self) -> Option<f64> {
        let n = self.rows as f64;
        // The adjusted skewness and kurtosis turned back into those of the population.
        let skewness = self.moments.skewness()? * (n - 2.0) / (n * (n - 1.0)).sqrt();
        let kurtosis = (self.moments.kurtosis()? * (n - 2.0) * (n - 3.0) / (n - 1.0) - 6.0) / (n + 1.0);
        Some(n / 6.0 * (skewness * skewness + kurtosis * kurtosis / 4.0))
    }

    /// Clusters seen.
    #[must_use]
    pub fn clusters(&self) -> usize {
        self.clusters.len()
    }

    /// The covariance of the coefficients that is robust in the wanted way, row by row. `None` for classic errors, and of one cluster.
    #[must_use]
    pub fn robust_covariance(&self) -> Option<Vec<f64>> {
        let columns = self.solution.coefficients.len();
        let (n, k) = (self.rows as f64, self.solution.kept.len() as f64);
        let mut meat = vec![0.0; columns * columns];
        let factor = match self.errors {
            Errors::Classic => return None,
            Errors::Clustered => {
                let groups = self.clusters.len() as f64;
                if groups < 2.0 {
                    return None;
                }
                let mut keys: Vec<u32> = self.clusters.keys().copied().collect();
                keys.sort_unstable();
                for score in keys.iter().filter_map(|key| self.clusters.get(key)) {
                    for (cell, at) in meat.iter_mut().zip(0..) {
                        *cell += score[at / columns] * score[at % columns];
                    }
                }
                groups / (groups - 1.0) * (n - 1.0) / (n - k)
            }
            _ => {
                let sums = self.meat.as_ref()?;
                meat.iter_mut().zip(0..).for_each(|(cell, at)| *cell = sums.get(at / columns, at % columns));
                if self.errors == Errors::Hc1 { n / (n - k) } else { 1.0 }
            }
        };
        let half = product(&self.solution.inverse, &meat, columns);
        let whole = product(&half, &self.solution.inverse, columns);
        Some(whole.iter().map(|cell| cell * factor).collect())
    }
}

/// The product of two square matrices.
fn product(a: &[f64], b: &[f64], size: usize) -> Vec<f64> {
    let mut found = vec![0.0; size * size];
    found.par_chunks_mut(size.max(1)).zip(a.par_chunks(size.max(1))).for_each(|(line, factors)| {
        for (factor, row) in factors.iter().zip(b.chunks(size.max(1))) {
            line.iter_mut().zip(row).for_each(|(cell, value)| *cell += factor * value);
        }
    });
    found
}
