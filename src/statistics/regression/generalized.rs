use super::RegressionError;
use super::block::{Beside, Block};
use super::gram::Gram;
use super::solve::{Solution, solve};
use crate::statistics::double_sum::DoubleSum;
use crate::statistics::special::{deviance, ln_gamma};

/// Steps after which a fit counts as one that does not converge.
const MOST_STEPS: usize = 30;
/// Steps from which on chances that are all but 0 and 1 mean that the columns separate the classes.
const SEPARATION_STEPS: usize = 8;

/// What the target is, and how its mean depends on the sum of the terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Yes or no, 1 or 0; the logarithm of the odds is the sum (Berkson 1944).
    Logistic,
    /// Counts; the logarithm of the mean is the sum.
    Poisson,
}

impl Family {
    /// The mean at a sum of the terms.
    #[must_use]
    pub fn mean(self, sum: f64) -> f64 {
        match self {
            // Both forms are exact where the other one overflows.
            Self::Logistic if sum < 0.0 => sum.exp() / (1.0 + sum.exp()),
            Self::Logistic => 1.0 / (1.0 + (-sum).exp()),
            Self::Poisson => sum.exp(),
        }
    }

    /// The variance of the target, which is also the slope of the mean, at a sum of the terms.
    fn weight(self, sum: f64) -> f64 {
        match self {
            Self::Logistic => {
                let small = (-sum.abs()).exp();
                small / (1.0 + small).powi(2)
            }
            Self::Poisson => sum.exp(),
        }
    }

    /// The target minus the mean, with all digits where a chance is nearly certain.
    #[must_use]
    pub fn residual(self, target: f64, sum: f64) -> f64 {
        if self == Self::Logistic && target >= 1.0 { self.mean(-sum) } else { target - self.mean(sum) }
    }

    /// The sum at which the mean is that number.
    #[must_use]
    pub fn link(self, mean: f64) -> f64 {
        match self {
            Self::Logistic => (mean / (1.0 - mean)).ln(),
            Self::Poisson => mean.ln(),
        }
    }

    /// What a row adds to the logarithm of the likelihood.
    #[must_use]
    pub fn log_likelihood(self, target: f64, sum: f64) -> f64 {
        match self {
            Self::Logistic => target * sum - sum.max(0.0) - (-sum.abs()).exp().ln_1p(),
            Self::Poisson => target * sum - sum.exp() - ln_gamma(target + 1.0),
        }
    }

    /// What a row adds to the deviance.
    #[must_use]
    pub fn deviance(self, target: f64, sum: f64) -> f64 {
        match self {
            Self::Logistic => -2.0 * self.log_likelihood(target, sum),
            Self::Poisson => 2.0 * deviance(target, sum.exp()),
        }
    }
}

/// The sums of one pass over the rows at given coefficients.
#[derive(Debug, Clone)]
pub struct Pass {
    gram: Gram,
    log_likelihood: DoubleSum,
    deviance: DoubleSum,
    /// The largest distance of a mean from being certain, for logistic models.
    uncertain: f64,
}

/// A logistic or Poisson regression, step by step: the caller passes all rows to a [`Pass`] as long as [`step`](Self::step) asks for more.
///
/// Newton's method, which is iteratively reweighted least squares for these families (McCullagh and Nelder 1989, section 2.5), halved where
/// the likelihood falls. It has converged when a step is below 1e-8 standard deviations of the columns; Newton's steps square their error, so
/// the coefficients are then exact up to rounding.
#[derive(Debug, Clone)]
pub struct Generalized {
    family: Family,
    intercept: bool,
    coefficients: Vec<f64>,
    /// The coefficients before the last step, the step and their log likelihood.
    last: Option<(Vec<f64>, Vec<f64>, f64)>,
    steps: usize,
    scales: Vec<f64>,
}

/// What is to be done after a pass.
#[derive(Debug, Clone)]
pub enum Next {
    /// Another pass with the new coefficients.
    Again,
    /// The fit is complete.
    Done(Box<GeneralizedFit>),
}

/// A logistic or Poisson fit.
#[derive(Debug, Clone)]
pub struct GeneralizedFit {
    /// Coefficients, the inverse of the weighted products (their covariance) and what was dropped.
    pub solution: Solution,
    /// Rows.
    pub rows: u64,
    /// The logarithm of the likelihood.
    pub log_likelihood: f64,
    /// Twice what the likelihood lacks of that of a model that knows each row.
    pub deviance: f64,
    /// The sum of squared Pearson residuals.
    pub pearson_squares: f64,
    /// Passes that were needed.
    pub steps: usize,
    /// The largest step of the last pass, in standard deviations of the columns.
    pub last_step: f64,
}

impl GeneralizedFit {
    /// Columns that were estimated.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.solution.kept.len()
    }

    /// Akaike's information criterion.
    #[must_use]
    pub fn aic(&self) -> f64 {
        2.0 * self.columns() as f64 - 2.0 * self.log_likelihood
    }

    /// The Bayesian information criterion.
    #[must_use]
    pub fn bic(&self) -> f64 {
        (self.rows as f64).ln() * self.columns() as f64 - 2.0 * self.log_likelihood
    }

    /// Pearson's chi-squared by degrees of freedom: about 1 when counts vary as Poisson's do, more when they vary more.
    #[must_use]
    pub fn dispersion(&self) -> f64 {
        self.pearson_squares / (self.rows as f64 - self.columns() as f64)
    }

    /// The variance inflation factors of the weighted columns.
    #[must_use]
    pub fn variance_inflation(&self, intercept: bool) -> Vec<Option<f64>> {
        super::linear::variance_inflation(&self.solution, intercept)
    }
}

impl Generalized {
    /// Begins at the mean of the target, with all other coefficients 0.
    #[must_use]
    pub fn new(family: Family, columns: usize, intercept: bool, start: f64) -> Self {
        let mut coefficients = vec![0.0; columns];
        if let Some(first) = coefficients.first_mut().filter(|_| intercept && start.is_finite()) {
            *first = start;
        }
        Self { family, intercept, coefficients, last: None, steps: 0, scales: Vec::new() }
    }

    /// The coefficients at which the next pass is to be made.
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The sums of no rows.
    #[must_use]
    pub fn pass(&self) -> Pass {
        Pass {
            gram: Gram::new(self.coefficients.len()),
            log_likelihood: DoubleSum::default(),
            deviance: DoubleSum::default(),
            uncertain: 0.0,
        }
    }

    /// Adds blocks of rows to a pass, each with what stands beside it.
    pub fn add(&self, pass: &mut Pass, blocks: &[(Block, Beside)]) {
        let mut scaled = Vec::with_capacity(blocks.len());
        for (block, beside) in blocks {
            let weighted = weigh(self.family, block, &self.coefficients, beside);
            for ((&target, &sum), weight) in block.target.iter().zip(&weighted.sums).zip(beside.weights()) {
                pass.log_likelihood.add(weight * self.family.log_likelihood(target, sum));
                pass.deviance.add(weight * self.family.deviance(target, sum));
                pass.uncertain = pass.uncertain.max((-sum.abs()).exp());
            }
            scaled.push(weighted.block);
        }
        pass.gram.extend(&scaled);
    }

    /// Ends a pass.
    ///
    /// # Errors
    /// [`RegressionError`] when there are too few rows, when the columns separate the classes or nothing converges.
    pub fn step(&mut self, pass: &Pass) -> Result<Next, RegressionError> {
        let log_likelihood = pass.log_likelihood.value();
        if let Some((before, step, best)) = &mut self.last
            && (!log_likelihood.is_finite() || log_likelihood < *best - 1e-9 * best.abs())
        {
            // Too far: half of the way.
            step.iter_mut().for_each(|part| *part /= 2.0);
            self.coefficients = before.iter().zip(step.iter()).map(|(from, part)| from + part).collect();
            return self.count();
        }
        let solution = solve(&pass.gram, self.intercept).ok_or(RegressionError::NotFinite)?;
        let (rows, columns) = (pass.gram.rows(), solution.kept.len() as u64);
        if rows <= columns {
            return Err(RegressionError::TooFewRows { rows, columns });
        }
        if self.scales.is_empty() {
            self.scales = (0..self.coefficients.len()).map(|column| self.scale_of(&solution, pass, column)).collect();
        }
        if self.family == Family::Logistic && self.steps >= SEPARATION_STEPS && pass.uncertain < 1e-6 {
            return Err(self.separated(&solution));
        }
        // The target of the weighted rows was the residual, so the solution is the step.
        let step = solution.coefficients.clone();
        let size = |(column, part): (usize, &f64)| {
            let scale = self.scale(column);
            part.abs() * scale / (self.coefficients.get(column).map_or(0.0, |value| value.abs()) * scale).max(1.0)
        };
        let largest = step.iter().enumerate().map(size).fold(0.0, f64::max);
        let next: Vec<f64> = self.coefficients.iter().zip(&step).map(|(from, part)| from + part).collect();
        if largest < 1e-8 {
            let mut solution = solution;
            solution.coefficients = next;
            return Ok(Next::Done(Box::new(GeneralizedFit {
                solution,
                rows,
                log_likelihood,
                deviance: pass.deviance.value(),
                pearson_squares: pass.gram.get(pass.gram.columns(), pass.gram.columns()),
                steps: self.steps + 1,
                last_step: largest,
            })));
        }
        if self.steps + 1 >= MOST_STEPS && self.family == Family::Logistic {
            return Err(self.separated(&solution));
        }
        self.last = Some((std::mem::replace(&mut self.coefficients, next), step, log_likelihood));
        self.count()
    }

    fn count(&mut self) -> Result<Next, RegressionError> {
        self.steps += 1;
        if self.steps >= MOST_STEPS {
            Err(RegressionError::NotConverged { steps: self.steps })
        } else {
            Ok(Next::Again)
        }
    }

    /// About the standard deviation of a column. It is taken from the first pass, in which all rows weigh the same: later the rows that a
    /// column tells apart weigh nothing, and so would the column.
    fn scale_of(&self, solution: &Solution, pass: &Pass, column: usize) -> f64 {
        let whole = pass.gram.get(0, 0);
        if self.intercept && column == 0 {
            return 1.0;
        }
        let squares = solution.column_squares.get(column).copied().unwrap_or(0.0);
        if self.intercept && whole > 0.0 { (squares / whole).sqrt() } else { squares.sqrt() }
    }

    fn scale(&self, column: usize) -> f64 {
        self.scales.get(column).copied().unwrap_or(1.0)
    }

    /// The columns whose part in the sums is largest: those that separate.
    fn separated(&self, solution: &Solution) -> RegressionError {
        let size = |column: usize| {
            self.coefficients.get(column).map_or(0.0, |value| value.abs()) * self.scale(column).max(1e-300)
        };
        let mut columns: Vec<usize> =
            solution.kept.iter().copied().filter(|&column| !(self.intercept && column == 0)).collect();
        columns.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
        let largest = columns.first().map_or(0.0, |&column| size(column));
        columns.retain(|&column| size(column) >= largest / 10.0);
        columns.truncate(5);
        RegressionError::Separated { columns }
    }
}

/// Rows weighted for least squares, and the sums of their terms.
pub struct Weighted {
    /// Rows times the root of the variance of the target and of their weight, with Pearson's residuals times the root of the weight as target.
    pub block: Block,
    /// The sum of the terms, with the offset.
    pub sums: Vec<f64>,
}

/// Weighs rows at given coefficients.
#[must_use]
pub fn weigh(family: Family, block: &Block, coefficients: &[f64], beside: &Beside) -> Weighted {
    let mut sums = block.product(coefficients);
    sums.iter_mut().zip(&beside.offsets).for_each(|(sum, offset)| *sum += offset);
    // A weight of 0 would lose the row; so small a number changes nothing.
    let roots: Vec<f64> = sums.iter().map(|&sum| family.weight(sum).max(1e-280).sqrt()).collect();
    let residuals = block.target.iter().zip(&sums).zip(&roots);
    let residuals = residuals.map(|((&target, &sum), root)| family.residual(target, sum) / root).collect();
    Weighted { block: block.scaled(&roots, residuals).weighted(&beside.weights), sums }
}
