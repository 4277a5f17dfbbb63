use nalgebra::DMatrix;

use super::gram::Gram;
use super::two_float::TwoFloat;

/// A column is taken for a combination of the columns before it when they leave less than this share of its variance: with 16 digits of
/// data, exact combinations leave some 1e-31, and a tenth power beside the nine below it 1e-15 and more.
const COLLINEAR: f64 = 1e-20;
/// A column is taken for a constant when its variance is below this share of its mean square.
const CONSTANT: f64 = 1e-28;

/// The solution of the normal equations, with what of the matrix is needed for errors.
#[derive(Debug, Clone)]
pub struct Solution {
    /// A coefficient for each column, 0 for dropped ones.
    pub coefficients: Vec<f64>,
    /// The inverse of the products of columns, row by row; 0 in rows and columns of dropped ones.
    pub inverse: Vec<f64>,
    /// Columns that stayed.
    pub kept: Vec<usize>,
    /// Columns that were left out, with the columns before them whose combination they are and their factors; none of a constant.
    pub dropped: Vec<(usize, Vec<(usize, f64)>)>,
    /// What is left of the target's sum of squares.
    pub residual_squares: f64,
    /// The target's sum of squares, around its mean when there is an intercept.
    pub target_squares: f64,
    /// The sum of squares of each column, around its mean when there is an intercept.
    pub column_squares: Vec<f64>,
    /// The inverse of the scaled matrix's smallest by its largest singular value, where every column has length 1; what of the condition is not
    /// a matter of units.
    pub condition: Option<f64>,
}

/// Solves the normal equations by Cholesky's decomposition with twice the digits, column by column; a column that depends on those
/// before it is left out. Cubic time.
///
/// `intercept` says whether column 0 is one. `None` when no column has anything to tell or a sum is not finite.
pub(super) fn solve(gram: &Gram, intercept: bool) -> Option<Solution> {
    let size = gram.columns();
    let mut lower: Vec<Vec<TwoFloat>> = Vec::with_capacity(size + 1);
    let (mut kept, mut dropped) = (Vec::<usize>::new(), Vec::new());
    let (mut column_squares, mut residual, mut target_squares) = (Vec::new(), TwoFloat::default(), TwoFloat::default());
    for column in 0..=size {
        let mut line: Vec<TwoFloat> = Vec::with_capacity(kept.len() + 1);
        let mut rest = gram.exact(column, column);
        let mut around_mean = rest;
        if !rest.high.is_finite() {
            return None;
        }
        let whole = rest.value();
        for (k, &earlier) in kept.iter().enumerate() {
            let mut sum = gram.exact(column, earlier);
            let known = lower.get(k)?;
            for (a, b) in line.iter().zip(known) {
                sum = sum - *a * *b;
            }
            let entry = sum / *known.get(k)?;
            rest = rest - entry * entry;
            if intercept && k == 0 {
                around_mean = rest;
            }
            line.push(entry);
        }
        if column == size {
            (residual, target_squares) = (rest, around_mean);
            lower.push(line);
            break;
        }
        column_squares.push(around_mean.value().max(0.0));
        let is_intercept = intercept && column == 0;
        let constant = !is_intercept && (whole <= 0.0 || (intercept && around_mean.value() <= CONSTANT * whole));
        if constant || rest.value() <= COLLINEAR * around_mean.value() || rest.value() <= 0.0 {
            dropped.push((column, if constant { Vec::new() } else { combination(&lower, &line, &kept) }));
            continue;
        }
        line.push(rest.sqrt());
        lower.push(line);
        kept.push(column);
    }
    let target = lower.pop()?;
    if kept.is_empty() || kept.len() != lower.len() {
        return None;
    }
    let small = substitute_back(&lower, &target);
    let mut coefficients = vec![0.0; size];
    for (value, &column) in small.iter().zip(&kept) {
        coefficients[column] = value.value();
    }
    let inverse = inverse(&lower, &kept, size);
    let condition = condition(gram, &kept);
    Some(Solution {
        coefficients,
        inverse,
        kept,
        dropped,
        residual_squares: residual.value().max(0.0),
        target_squares: target_squares.value().max(0.0),
        column_squares,
        condition,
    })
}

/// Solves L' x = b.
fn substitute_back(lower: &[Vec<TwoFloat>], right: &[TwoFloat]) -> Vec<TwoFloat> {
    let n = lower.len();
    let mut x: Vec<TwoFloat> = right.get(..n).unwrap_or_default().to_vec();
    for i in (0..n).rev() {
        let value = x[i] / lower[i][i];
        x[i] = value;
        for j in 0..i {
            x[j] = x[j] - lower[i][j] * value;
        }
    }
    x
}

/// Which columns a dropped one is a combination of.
fn combination(lower: &[Vec<TwoFloat>], line: &[TwoFloat], kept: &[usize]) -> Vec<(usize, f64)> {
    let factors = substitute_back(lower, line);
    let size = |(k, factor): (usize, &TwoFloat)| {
        // Factors are compared by what they add to the column's length.
        let length: f64 = lower[k].iter().map(|entry| entry.value().powi(2)).sum();
        factor.value().abs() * length.sqrt()
    };
    let largest = factors.iter().enumerate().map(size).fold(0.0, f64::max);
    let matter = factors.iter().enumerate().filter(|&(k, factor)| size((k, factor)) > 1e-9 * largest);
    matter.map(|(k, factor)| (kept[k], factor.value())).collect()
}

/// (L L')⁻¹, spread over all columns.
fn inverse(lower: &[Vec<TwoFloat>], kept: &[usize], size: usize) -> Vec<f64> {
    let n = lower.len();
    // Columns of L⁻¹.
    let mut inverted: Vec<Vec<TwoFloat>> = Vec::with_capacity(n);
    for j in 0..n {
        let mut column = vec![TwoFloat::default(); n];
        column[j] = TwoFloat::from(1.0) / lower[j][j];
        for i in j + 1..n {
            let mut sum = TwoFloat::default();
            for k in j..i {
                sum = sum + lower[i][k] * column[k];
            }
            column[i] = (TwoFloat::default() - sum) / lower[i][i];
        }
        inverted.push(column);
    }
    let mut found = vec![0.0; size * size];
    for i in 0..n {
        for j in 0..=i {
            let mut sum = TwoFloat::default();
            for (left, right) in inverted[i][i..].iter().zip(&inverted[j][i..]) {
                sum = sum + *left * *right;
            }
            found[kept[i] * size + kept[j]] = sum.value();
            found[kept[j] * size + kept[i]] = sum.value();
        }
    }
    found
}

/// The condition number of the matrix with columns scaled to length 1 (Belsley, Kuh and Welsch 1980).
fn condition(gram: &Gram, kept: &[usize]) -> Option<f64> {
    let length = |column: usize| gram.get(column, column).sqrt();
    let scaled =
        DMatrix::from_fn(kept.len(), kept.len(), |i, j| gram.get(kept[i], kept[j]) / length(kept[i]) / length(kept[j]));
    let values = scaled.symmetric_eigenvalues();
    let (least, greatest) = (values.min(), values.max());
    (least > 0.0).then(|| (greatest / least).sqrt()).filter(|condition| condition.is_finite())
}
