//! The Mann-Whitney U test: are the values of one group larger than those of another?

use super::ranks::rank;
use super::{Alternative, Measured, Tested, Undefined};
use crate::statistics::distributions::normal;

/// Rows of a group up to which the distribution of U is exact, when no values are equal.
const EXACT: usize = 50;

/// Mann & Whitney 1947; effect: the rank-biserial correlation, the share of pairs in which the first is larger minus that in which it is
/// smaller, with an interval by the normal approximation of Fisher's z.
///
/// Exact for at most 50 values a group without ties, else the normal approximation with corrections for ties and continuity. NaN must
/// not be among the values. O(n log n).
pub fn mann_whitney(a: &[f64], b: &[f64], alternative: Alternative, confidence: f64) -> Result<Tested, Undefined> {
    if a.is_empty() || b.is_empty() {
        return Undefined::because("a group has no values");
    }
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let ranked = rank(&all);
    let (m, n) = (a.len() as f64, b.len() as f64);
    let sum: f64 = ranked.ranks.iter().take(a.len()).sum();
    let u = sum - m * (m + 1.0) / 2.0;
    let (p, how) = if ranked.ties == 0.0 && a.len() <= EXACT && b.len() <= EXACT {
        (exact(u, a.len(), b.len(), alternative), "exact")
    } else {
        let total = m + n;
        let variance = m * n / 12.0 * (total + 1.0 - ranked.ties / (total * (total - 1.0)));
        if variance <= 0.0 {
            return Undefined::because("all values are equal");
        }
        (
            corrected(u, m * n / 2.0, variance.sqrt(), alternative),
            "normal approximation, corrected for ties and continuity",
        )
    };
    let mut tested = Tested::new("U", u, &[], p);
    tested.how = Some(how.to_owned());
    tested.effect = Some(rank_biserial(2.0 * u / (m * n) - 1.0, m, n, confidence));
    tested.checked()
}

/// The p-value of a statistic with steps of one by the normal distribution, half a step nearer to the mean.
pub(super) fn corrected(statistic: f64, mean: f64, deviation: f64, alternative: Alternative) -> f64 {
    let away = statistic - mean;
    match alternative {
        Alternative::TwoSided => normal::two_sided((away.abs() - 0.5).max(0.0) / deviation),
        Alternative::Less => normal::cdf((away + 0.5) / deviation),
        Alternative::Greater => normal::sf((away - 0.5) / deviation),
    }
}

/// The interval is that of a correlation with the standard error √((m + n + 1) / (3 m n)) on the scale of artanh.
fn rank_biserial(r: f64, m: f64, n: f64, confidence: f64) -> Measured {
    let reach = normal::upper_quantile((1.0 - confidence) / 2.0) * ((m + n + 1.0) / (3.0 * m * n)).sqrt();
    let interval = (r.abs() < 1.0).then(|| ((r.atanh() - reach).tanh(), (r.atanh() + reach).tanh()));
    Measured::new("rank-biserial correlation", r, interval)
}

/// Counts the ways in which `m` of m + n ranks give each U. O((m + n) m² n), 10^7 at most.
fn exact(u: f64, m: usize, n: usize, alternative: Alternative) -> f64 {
    let most = m * n;
    // ways[j * (most + 1) + s]: choices of j ranks whose sum is s above the least.
    let width = most + 1;
    let mut ways = vec![0.0_f64; (m + 1) * width];
    if let Some(first) = ways.first_mut() {
        *first = 1.0;
    }
    // The j-th chosen rank (from below) is r: it adds r - j to U.
    for r in 0..m + n {
        for j in (1..=m.min(r + 1)).rev() {
            let add = r + 1 - j;
            let (before, after) = ways.split_at_mut(j * width);
            let Some(from) = before.get((j - 1) * width..) else { continue };
            for (target, source) in after.iter_mut().take(width).skip(add).zip(from) {
                *target += source;
            }
        }
    }
    let counts = ways.get(m * width..).unwrap_or_default();
    let total: f64 = counts.iter().sum();
    let at = u.round() as usize;
    let lower = counts.iter().take(at + 1).sum::<f64>() / total;
    let upper = counts.iter().skip(at).sum::<f64>() / total;
    alternative.p_value(lower, upper)
}
