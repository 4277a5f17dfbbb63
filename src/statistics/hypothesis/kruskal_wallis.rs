//! The Kruskal-Wallis test: are the values of some groups larger than those of others?

use super::ranks::rank;
use super::{Measured, Tested, Undefined};
use crate::statistics::distributions::chi_squared;

/// The ranks of several groups' values among all of them.
pub struct RankedGroups {
    /// Number of values and mean rank of each group.
    pub groups: Vec<(f64, f64)>,
    /// Number of all values.
    pub n: f64,
    /// Σ (t³ - t) over the groups of equal values.
    pub ties: f64,
}

impl RankedGroups {
    /// Ranks the values. O(n log n).
    ///
    /// Errors: fewer than two groups, a group without values, all values equal.
    pub fn of(groups: &[Vec<f64>]) -> Result<Self, Undefined> {
        if groups.len() < 2 {
            return Undefined::because("there are fewer than two groups");
        }
        if groups.iter().any(Vec::is_empty) {
            return Undefined::because("a group has no values");
        }
        let all: Vec<f64> = groups.iter().flatten().copied().collect();
        let ranked = rank(&all);
        let n = all.len() as f64;
        if ranked.ties >= n * n * n - n {
            return Undefined::because("all values are equal");
        }
        let mut rest = ranked.ranks.as_slice();
        let mut means = Vec::with_capacity(groups.len());
        for group in groups {
            let (these, others) = rest.split_at(group.len().min(rest.len()));
            rest = others;
            means.push((group.len() as f64, these.iter().sum::<f64>() / group.len() as f64));
        }
        Ok(Self { groups: means, n, ties: ranked.ties })
    }
}

/// Kruskal & Wallis 1952 with the correction for ties; the p-value by the chi-squared distribution. Effect: epsilon squared (Tomczak &
/// Tomczak 2014).
pub fn kruskal_wallis(ranked: &RankedGroups) -> Result<Tested, Undefined> {
    let n = ranked.n;
    let middle = (n + 1.0) / 2.0;
    let between: f64 = ranked.groups.iter().map(|(size, mean)| size * (mean - middle).powi(2)).sum();
    let statistic = 12.0 / (n * (n + 1.0)) * between / (1.0 - ranked.ties / (n * n * n - n));
    let degrees = ranked.groups.len() as f64 - 1.0;
    let mut tested = Tested::new("H", statistic, &[degrees], chi_squared::sf(statistic, degrees));
    tested.effect = Some(Measured::new("epsilon squared", statistic / (n - 1.0), None));
    tested.checked()
}
