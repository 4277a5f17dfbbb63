use super::RegressionError;
use super::gram::Gram;
use super::solve::{Solution, solve};
use crate::statistics::distributions;

/// An ordinary least squares fit.
#[derive(Debug, Clone)]
pub struct LinearFit {
    /// Coefficients, the inverse of the products and what was dropped.
    pub solution: Solution,
    /// Rows.
    pub rows: u64,
    /// Whether column 0 is the intercept.
    pub intercept: bool,
    /// The sum of the logarithms of the rows' weights; 0 without weights.
    pub ln_weights: f64,
}

impl LinearFit {
    /// Fits the sums of all rows.
    ///
    /// # Errors
    /// [`RegressionError`] when there are too few rows for the columns, when sums are not finite or no column is left.
    pub fn new(gram: &Gram, intercept: bool) -> Result<Self, RegressionError> {
        let solution = solve(gram, intercept).ok_or(RegressionError::NotFinite)?;
        let (rows, columns) = (gram.rows(), solution.kept.len() as u64);
        if rows <= columns {
            return Err(RegressionError::TooFewRows { rows, columns });
        }
        Ok(Self { solution, rows, intercept, ln_weights: 0.0 })
    }

    /// Columns that were estimated.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.solution.kept.len()
    }

    /// Rows minus columns.
    #[must_use]
    pub fn degrees(&self) -> f64 {
        (self.rows - self.columns() as u64) as f64
    }

    /// The variance of the errors, of a row of weight 1: residual sum of squares by degrees of freedom.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.solution.residual_squares / self.degrees()
    }

    /// The share of the target's variance that the model tells; of its sum of squares without an intercept. `None` of a constant target.
    #[must_use]
    pub fn r_squared(&self) -> Option<f64> {
        let total = self.solution.target_squares;
        (total > 0.0).then(|| 1.0 - self.solution.residual_squares / total)
    }

    /// R² less what columns gain by chance.
    #[must_use]
    pub fn adjusted_r_squared(&self) -> Option<f64> {
        let free = self.rows as f64 - f64::from(u8::from(self.intercept));
        self.r_squared().map(|r| 1.0 - (1.0 - r) * free / self.degrees())
    }

    /// The F test that all coefficients but the intercept are 0: F, degrees of freedom, p-value. `None` without such coefficients.
    #[must_use]
    pub fn f_test(&self) -> Option<(f64, f64, f64, f64)> {
        let slopes = self.columns() as f64 - f64::from(u8::from(self.intercept));
        let told = self.solution.target_squares - self.solution.residual_squares;
        let f = told / slopes / self.variance();
        let p = if f.is_infinite() { 0.0 } else { distributions::f::sf(f, slopes, self.degrees()) };
        (slopes > 0.0 && !f.is_nan()).then_some((f, slopes, self.degrees(), p))
    }

    /// The logarithm of the likelihood under normal errors.
    #[must_use]
    pub fn log_likelihood(&self) -> f64 {
        let n = self.rows as f64;
        self.ln_weights / 2.0 - n / 2.0 * ((2.0 * std::f64::consts::PI * self.solution.residual_squares / n).ln() + 1.0)
    }

    /// Akaike's information criterion; the variance is not counted as a parameter, as usual in regression.
    #[must_use]
    pub fn aic(&self) -> f64 {
        2.0 * self.columns() as f64 - 2.0 * self.log_likelihood()
    }

    /// The Bayesian information criterion.
    #[must_use]
    pub fn bic(&self) -> f64 {
        (self.rows as f64).ln() * self.columns() as f64 - 2.0 * self.log_likelihood()
    }

    /// The covariance of the coefficients under errors of one variance, row by row.
    #[must_use]
    pub fn covariance(&self) -> Vec<f64> {
        let variance = self.variance();
        self.solution.inverse.iter().map(|cell| cell * variance).collect()
    }

    /// The variance inflation factor of each column: by how much its coefficient's variance is larger than beside unrelated columns.
    /// `None` for the intercept and dropped columns.
    #[must_use]
    pub fn variance_inflation(&self) -> Vec<Option<f64>> {
        variance_inflation(&self.solution, self.intercept)
    }

    /// Coefficients in standard deviations of the target by standard deviation of the column.
    #[must_use]
    pub fn standardized(&self) -> Vec<Option<f64>> {
        let total = self.solution.target_squares;
        let of = |(column, coefficient): (usize, &f64)| {
            let squares = self.solution.column_squares.get(column)?;
            let slope = !(self.intercept && column == 0) && self.solution.kept.contains(&column);
            (slope && total > 0.0).then(|| coefficient * (squares / total).sqrt())
        };
        self.solution.coefficients.iter().enumerate().map(of).collect()
    }
}

pub(super) fn variance_inflation(solution: &Solution, intercept: bool) -> Vec<Option<f64>> {
    let size = solution.coefficients.len();
    let of = |column: usize| {
        let diagonal = solution.inverse.get(column * size + column).filter(|_| !(intercept && column == 0))?;
        let squares = solution.column_squares.get(column)?;
        solution.kept.contains(&column).then_some(diagonal * squares)
    };
    (0..size).map(of).collect()
}
