//! Whether one of two models is better, when both judged the same rows.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Error, check_finite, check_lengths};
use crate::statistics::distributions::{binomial, chi_squared, normal};

/// Rows that only one of both models got right up to which the test is exact.
const EXACT: u64 = 10_000;
/// Differences up to which all signs are tried.
const ALL_SIGNS: usize = 14;
/// Differences beyond which the normal distribution stands for that of the signs.
const MANY: usize = 5_000;
/// Draws of signs in between.
const DRAWS: usize = 9_999;

/// The p-value of McNemar's test (1947): two models get rows right and wrong; `first_only` rows only the first got right,
/// `second_only` only the second. Exact (a sign test) up to 10,000 such rows, then by the chi-squared distribution with
/// Edwards' correction. 1 where they never differ.
pub fn mcnemar(first_only: u64, second_only: u64) -> f64 {
    let all = first_only + second_only;
    if all == 0 {
        return 1.0;
    }
    if all <= EXACT {
        return (2.0 * binomial::cdf(first_only.min(second_only), all, 0.5)).min(1.0);
    }
    let apart = (first_only.abs_diff(second_only) as f64 - 1.0).max(0.0);
    chi_squared::sf(apart * apart / all as f64, 1.0)
}

/// Two areas under the ROC curve on the same rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeLong {
    /// The area of the first scores.
    pub first: f64,
    /// The area of the second scores.
    pub second: f64,
    /// The standard error of their difference.
    pub standard_error: f64,
    /// The two-sided p-value of no difference; 1 where the scores order the rows alike.
    pub p_value: f64,
}

/// Compares the areas of two scores (DeLong, DeLong & Clarke-Pearson 1988) in `O(n log n)` (Sun & Xu 2014). `None` where there
/// are fewer than two true or two false rows.
///
/// Errors: different lengths, a score that is not finite.
pub fn delong(truth: &[bool], first: &[f64], second: &[f64]) -> Result<Option<DeLong>, Error> {
    for scores in [first, second] {
        check_lengths(truth.len(), scores.len())?;
        check_finite(scores)?;
    }
    let trues = truth.iter().filter(|truth| **truth).count();
    let falses = truth.len() - trues;
    if trues < 2 || falses < 2 {
        return Ok(None);
    }
    let (a, b) = (components(truth, first), components(truth, second));
    let (mut of_trues, mut of_falses) = (Spread::default(), Spread::default());
    for ((is, a), b) in truth.iter().zip(&a).zip(&b) {
        if *is { of_trues.add(*a, *b) } else { of_falses.add(*a, *b) }
    }
    let variance = of_trues.variance() / trues as f64 + of_falses.variance() / falses as f64;
    let (first, second) = (of_trues.first / trues as f64, of_trues.second / trues as f64);
    let standard_error = variance.max(0.0).sqrt();
    let p_value = if standard_error > 1e-12 { normal::two_sided((first - second) / standard_error) } else { 1.0 };
    Ok(Some(DeLong { first, second, standard_error, p_value }))
}

/// For each row the share of the rows of the other kind that are on the right side of it, ties counting one half.
fn components(truth: &[bool], scores: &[f64]) -> Vec<f64> {
    let (trues, falses): (Vec<usize>, Vec<usize>) =
        (0..truth.len()).partition(|row| truth.get(*row).copied().unwrap_or(false));
    let score = |row: &usize| scores.get(*row).copied().unwrap_or(0.0);
    let (mut all, mut own_true, mut own_false): (Vec<usize>, _, _) = ((0..truth.len()).collect(), trues, falses);
    let mut result = vec![0.0; truth.len()];
    let (count_true, count_false) = (own_true.len() as f64, own_false.len() as f64);
    // The rank among all rows minus the rank among rows of its own kind counts the rows of the other kind below.
    for (rows, sign) in [(&mut all, 1.0), (&mut own_true, -1.0), (&mut own_false, -1.0)] {
        rows.sort_unstable_by(|a, b| score(a).total_cmp(&score(b)));
        let mut before = 0.0;
        for run in rows.chunk_by(|a, b| score(a) == score(b)) {
            let rank = before + (run.len() as f64 + 1.0) / 2.0;
            for row in run {
                if let Some(value) = result.get_mut(*row) {
                    *value += sign * rank;
                }
            }
            before += run.len() as f64;
        }
    }
    for (value, is) in result.iter_mut().zip(truth) {
        *value = if *is { *value / count_false } else { 1.0 - *value / count_true };
    }
    result
}

/// Sums of pairs, for the variance of their difference.
#[derive(Debug, Default)]
struct Spread {
    count: f64,
    first: f64,
    second: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, first: f64, second: f64) {
        self.first += first;
        self.second += second;
        self.count += 1.0;
        let difference = first - second;
        let from_mean = difference - self.mean;
        self.mean += from_mean / self.count;
        self.squares += from_mean * (difference - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0)
    }
}

/// The two-sided p-value of the paired permutation test: when two models are alike, each difference of their losses could as
/// well have the other sign (Fisher 1935). All signs are tried for at most 14 differences, then 9,999 draws of signs are; beyond
/// 5,000 differences the normal distribution stands for them. `None` without differences.
///
/// Errors: a difference that is not finite.
pub fn permutation(differences: &[f64], seed: u64) -> Result<Option<f64>, Error> {
    check_finite(differences)?;
    let largest = differences.iter().fold(0.0_f64, |largest, d| largest.max(d.abs()));
    if differences.is_empty() {
        return Ok(None);
    }
    if largest == 0.0 {
        return Ok(Some(1.0));
    }
    let scaled: Vec<f64> = differences.iter().map(|d| d / largest).filter(|d| *d != 0.0).collect();
    let sum: f64 = scaled.iter().sum();
    // Rounding must not take an equal sum for a smaller one.
    let observed = sum.abs() * (1.0 - 1e-12) - 1e-12;
    let signed = |mut bits: u64| {
        let mut sum = 0.0;
        for d in &scaled {
            sum += if bits & 1 == 1 { *d } else { -*d };
            bits >>= 1;
        }
        sum
    };
    if scaled.len() <= ALL_SIGNS {
        let all = 1u64 << scaled.len();
        let as_far = (0..all).filter(|bits| signed(*bits).abs() >= observed).count();
        return Ok(Some(as_far as f64 / all as f64));
    }
    if scaled.len() > MANY {
        let variance: f64 = scaled.iter().map(|d| d * d).sum();
        return Ok(Some(normal::two_sided(sum / variance.sqrt())));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut as_far = 0;
    for _ in 0..DRAWS {
        let mut sum = 0.0;
        for chunk in scaled.chunks(64) {
            let mut bits: u64 = rng.random();
            for d in chunk {
                sum += if bits & 1 == 1 { *d } else { -*d };
                bits >>= 1;
            }
        }
        as_far += usize::from(sum.abs() >= observed);
    }
    Ok(Some((as_far + 1) as f64 / (DRAWS + 1) as f64))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{assert_metric, booleans, evaluation, numbers};
    use super::*;

    #[test]
    fn mcnemar_is_that_of_statsmodels() {
        for case in evaluation()["mcnemar"].as_array().unwrap() {
            let p = mcnemar(case["first"].as_u64().unwrap(), case["second"].as_u64().unwrap());
            let expected = case["p"].as_f64().unwrap();
            assert!((p - expected).abs() <= 1e-9 * expected, "{p} {expected}");
        }
        assert_eq!(mcnemar(0, 0), 1.0);
    }

    #[test]
    fn delong_is_its_definition_over_all_pairs() {
        for case in evaluation()["delong"].as_array().unwrap() {
            let truth = booleans(&case["truth"]);
            let found = delong(&truth, &numbers(&case["first"]), &numbers(&case["second"])).unwrap().unwrap();
            assert_metric(Some(found.first), &case["first_auc"]);
            assert_metric(Some(found.second), &case["second_auc"]);
            assert_metric(Some(found.standard_error), &case["standard_error"]);
            assert!((found.p_value / case["p"].as_f64().unwrap() - 1.0).abs() < 1e-8);
        }
        assert_eq!(delong(&[true, false], &[1.0, 0.0], &[1.0, 0.0]), Ok(None));
        let alike = delong(&[true, true, false, false], &[4.0, 3.0, 2.0, 1.0], &[8.0, 7.0, 6.0, 5.0]).unwrap().unwrap();
        assert_eq!((alike.standard_error, alike.p_value), (0.0, 1.0));
        assert!(delong(&[true], &[f64::NAN], &[0.0]).is_err());
    }

    #[test]
    fn few_differences_are_permuted_as_by_scipy() {
        for case in evaluation()["permutation"].as_array().unwrap() {
            let p = permutation(&numbers(&case["differences"]), 1).unwrap();
            assert_metric(p, &case["p"]);
        }
        assert_eq!((permutation(&[], 0), permutation(&[0.0; 5], 0)), (Ok(None), Ok(Some(1.0))));
    }

    #[test]
    fn drawn_signs_and_the_normal_distribution_agree_with_the_exact_test() {
        // Differences with a mean of 0.1 and a spread of about 1: z is about 1 for 100 rows.
        let differences: Vec<f64> = (0..100).map(|i| f64::from((i * 61) % 101 - 50) / 29.0 + 0.1).collect();
        let sum: f64 = differences.iter().sum();
        let z = sum / differences.iter().map(|d| d * d).sum::<f64>().sqrt();
        let p = permutation(&differences, 3).unwrap().unwrap();
        assert!((p - normal::two_sided(z)).abs() < 0.02, "{p} {z}");
        assert_eq!(permutation(&differences, 3), permutation(&differences, 3));
        let many: Vec<f64> = differences.iter().copied().cycle().take(10_000).collect();
        assert!(permutation(&many, 3).unwrap().unwrap() < 1e-12);
    }
}
