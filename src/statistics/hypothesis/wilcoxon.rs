//! Wilcoxon's signed rank test: do paired values differ?

use super::mann_whitney::corrected;
use super::ranks::rank;
use super::{Alternative, Measured, Tested, Undefined};
use crate::statistics::distributions::normal;

/// Differences up to which the distribution is exact, when none are equal or zero.
const EXACT: usize = 50;

/// Wilcoxon 1945, of the differences; those that are zero are left out (Wilcoxon's way) and counted in `how`. Effect: the matched-pairs
/// rank-biserial correlation (Kerby 2014), the share of ranks of positive differences minus that of negative ones, with an interval by the
/// normal approximation on the scale of artanh.
///
/// The statistic is the sum of the ranks of positive differences. Exact for at most 50 differences without ties, else the normal
/// approximation with corrections for ties and continuity. O(n log n).
pub fn signed_rank(differences: &[f64], alternative: Alternative, confidence: f64) -> Result<Tested, Undefined> {
    let kept: Vec<f64> = differences.iter().copied().filter(|difference| *difference != 0.0).collect();
    if kept.is_empty() {
        return Undefined::because("no pair differs");
    }
    let zeros = differences.len() - kept.len();
    let ranked = rank(&kept.iter().map(|difference| difference.abs()).collect::<Vec<f64>>());
    let positive: f64 = ranked.ranks.iter().zip(&kept).filter(|(_, d)| **d > 0.0).map(|(rank, _)| rank).sum();
    let n = kept.len() as f64;
    let all = n * (n + 1.0) / 2.0;
    let (p, mut how) = if ranked.ties == 0.0 && zeros == 0 && kept.len() <= EXACT {
        (exact(positive, kept.len(), alternative), "exact".to_owned())
    } else {
        let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - ranked.ties / 2.0) / 24.0;
        let p = corrected(positive, all / 2.0, variance.sqrt(), alternative);
        (p, "normal approximation, corrected for ties and continuity".to_owned())
    };
    if zeros > 0 {
        how += &format!("; {zeros} pairs without a difference were left out");
    }
    let mut tested = Tested::new("W", positive, &[], p);
    tested.how = Some(how);
    let r = 2.0 * positive / all - 1.0;
    let reach =
        normal::upper_quantile((1.0 - confidence) / 2.0) * (2.0 * (2.0 * n + 1.0) / (3.0 * n * (n + 1.0))).sqrt();
    let interval = (r.abs() < 1.0).then(|| ((r.atanh() - reach).tanh(), (r.atanh() + reach).tanh()));
    tested.effect = Some(Measured::new("rank-biserial correlation", r, interval));
    tested.checked()
}

/// Counts the subsets of 1..n by their sum. O(n³).
fn exact(sum: f64, n: usize, alternative: Alternative) -> f64 {
    let most = n * (n + 1) / 2;
    let mut ways = vec![0.0_f64; most + 1];
    if let Some(first) = ways.first_mut() {
        *first = 1.0;
    }
    for rank in 1..=n {
        for at in (rank..=most).rev() {
            let add = ways.get(at - rank).copied().unwrap_or(0.0);
            if let Some(target) = ways.get_mut(at) {
                *target += add;
            }
        }
    }
    let total: f64 = ways.iter().sum();
    let at = sum.round() as usize;
    let lower = ways.iter().take(at + 1).sum::<f64>() / total;
    let upper = ways.iter().skip(at).sum::<f64>() / total;
    alternative.p_value(lower, upper)
}
