//! The Shapiro-Wilk test: are the values normally distributed?

use super::{Tested, Undefined};
use crate::statistics::distributions::normal;

/// The largest sample for which the distribution of W is known.
pub const MOST: usize = 5000;

/// Shapiro & Wilk 1965 in the approximation of Royston (1995, AS R94), for 3 to 5,000 values. O(n log n). The p-value is as good as Royston's
/// fit: within a few per cent of itself.
pub fn shapiro_wilk(values: &[f64]) -> Result<Tested, Undefined> {
    if values.len() < 3 {
        return Undefined::because("there are fewer than 3 values");
    }
    if values.len() > MOST {
        return Undefined::because(format!("there are more than {MOST} values; use `method: anderson_darling`"));
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (low, high) = (sorted.first().copied().unwrap_or(0.0), sorted.last().copied().unwrap_or(0.0));
    let range = high - low;
    if range == 0.0 {
        return Undefined::because("all values are equal");
    }
    if !range.is_finite() {
        return Undefined::because("the values are infinite or too large");
    }
    let n = sorted.len() as f64;
    let weights = weights(sorted.len());
    // Over the range, so that squares stay in range; W does not change.
    let mean = sorted.iter().map(|value| (value - low) / range).sum::<f64>() / n;
    let (mut product, mut squares, mut of_weights) = (0.0, 0.0, 0.0);
    for (value, weight) in sorted.iter().zip(&weights) {
        let distance = (value - low) / range - mean;
        product += weight * distance;
        squares += distance * distance;
        of_weights += weight * weight;
    }
    let norm = (of_weights * squares).sqrt();
    // 1 - W, without cancellation where W is near 1.
    let lack = (norm - product) * (norm + product) / (of_weights * squares);
    let mut tested = Tested::new("W", 1.0 - lack, &[], p_value(lack, n));
    tested.how = Some("Royston's approximation".to_owned());
    tested.checked()
}

fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// The weights of the sorted values, antisymmetric.
fn weights(size: usize) -> Vec<f64> {
    let n = size as f64;
    if size == 3 {
        let half = std::f64::consts::FRAC_1_SQRT_2;
        return vec![-half, 0.0, half];
    }
    let scores: Vec<f64> = (0..size).map(|at| normal::quantile((at as f64 + 1.0 - 0.375) / (n + 0.25))).collect();
    let squares: f64 = scores.iter().map(|score| score * score).sum();
    let root = 1.0 / n.sqrt();
    let score = |from_top: usize| scores.get(size - 1 - from_top).copied().unwrap_or(0.0);
    let first =
        polynomial(&[0.0, 0.221_157, -0.147_981, -2.071_19, 4.434_685, -2.706_056], root) + score(0) / squares.sqrt();
    let mut ends = vec![first];
    let (mut left, mut kept) = (squares - 2.0 * score(0) * score(0), 1.0 - 2.0 * first * first);
    if size > 5 {
        let second = polynomial(&[0.0, 0.042_981, -0.293_762, -1.752_461, 5.682_633, -3.582_633], root)
            + score(1) / squares.sqrt();
        ends.push(second);
        left -= 2.0 * score(1) * score(1);
        kept -= 2.0 * second * second;
    }
    let factor = (left / kept).sqrt();
    let mut weights: Vec<f64> = scores.iter().map(|score| score / factor).collect();
    for (at, end) in ends.into_iter().enumerate() {
        if let Some(weight) = weights.get_mut(at) {
            *weight = -end;
        }
        if let Some(weight) = weights.get_mut(size - 1 - at) {
            *weight = end;
        }
    }
    weights
}

/// The probability of a smaller W, `lack` being 1 - W.
fn p_value(lack: f64, n: f64) -> f64 {
    if n == 3.0 {
        let p = 6.0 / std::f64::consts::PI * ((1.0 - lack).sqrt().asin() - 0.75_f64.sqrt().asin());
        return p.clamp(0.0, 1.0);
    }
    let ln = lack.ln();
    let (y, mean, deviation) = if n <= 11.0 {
        let most = polynomial(&[-2.273, 0.459], n);
        if ln >= most {
            return 0.0;
        }
        let mean = polynomial(&[0.544, -0.399_78, 0.025_054, -6.714e-4], n);
        (-(most - ln).ln(), mean, polynomial(&[1.3822, -0.778_57, 0.062_767, -0.002_032_2], n).exp())
    } else {
        let x = n.ln();
        let mean = polynomial(&[-1.5861, -0.310_82, -0.083_751, 0.003_891_5], x);
        (ln, mean, polynomial(&[-0.4803, -0.082_676, 0.003_030_2], x).exp())
    };
    normal::sf((y - mean) / deviation)
}
