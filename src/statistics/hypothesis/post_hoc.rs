//! Which groups differ? Comparisons of all pairs after a test of several groups.

use rayon::prelude::*;

use super::anova::Split;
use super::kruskal_wallis::RankedGroups;
use super::t::unpooled;
use super::{Sample, Undefined};
use crate::statistics::distributions::normal;
use crate::statistics::distributions::studentized_range::StudentizedRange;

/// Two groups compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The position of the first group.
    pub first: usize,
    /// The position of the second one.
    pub second: usize,
    /// The first minus the second: means, or mean ranks.
    pub difference: f64,
    /// The interval of the difference, which holds for all pairs at once; none for ranks.
    pub interval: Option<(f64, f64)>,
    /// The statistic: a t or z.
    pub statistic: f64,
    /// The p-value; of Tukey and Games-Howell it is adjusted for all pairs.
    pub p_value: f64,
}

fn pairs(k: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..k).flat_map(move |first| (first + 1..k).map(move |second| (first, second)))
}

/// Tukey's honestly significant difference, for groups of any size (Kramer 1956) with the same variance.
pub fn tukey(groups: &[Sample], confidence: f64) -> Result<Vec<Comparison>, Undefined> {
    let split = Split::of(groups)?;
    let variance = split.within / split.below;
    let Some(range) = StudentizedRange::new(groups.len(), split.below) else {
        return Undefined::because("there is no degree of freedom left");
    };
    let critical = range.upper_quantile(1.0 - confidence);
    Ok(pairs(groups.len())
        .filter_map(|(first, second)| {
            let (a, b) = (groups.get(first)?, groups.get(second)?);
            let error = (variance / 2.0 * (1.0 / a.n + 1.0 / b.n)).sqrt();
            let difference = a.mean - b.mean;
            let q = difference.abs() / error;
            let interval = Some((difference - critical * error, difference + critical * error));
            let statistic = difference / error / std::f64::consts::SQRT_2;
            Some(Comparison { first, second, difference, interval, statistic, p_value: range.sf(q) })
        })
        .collect())
}

/// Games & Howell 1976: Tukey's comparisons with Welch's standard errors, for groups of any variance.
pub fn games_howell(groups: &[Sample], confidence: f64) -> Result<Vec<Comparison>, Undefined> {
    Split::of(groups)?;
    // Each pair has its own degrees of freedom, so each takes some milliseconds.
    pairs(groups.len())
        .filter_map(|(first, second)| Some((first, second, *groups.get(first)?, *groups.get(second)?)))
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(first, second, a, b)| {
            let contrast = unpooled(a, b)?;
            let Some(range) = StudentizedRange::new(groups.len(), contrast.degrees.max(1.0)) else {
                return Undefined::because("there is no degree of freedom left");
            };
            let statistic = contrast.difference / contrast.error;
            let q = statistic.abs() * std::f64::consts::SQRT_2;
            let reach = range.upper_quantile(1.0 - confidence) * contrast.error / std::f64::consts::SQRT_2;
            let interval = Some((contrast.difference - reach, contrast.difference + reach));
            Ok(Comparison { first, second, difference: contrast.difference, interval, statistic, p_value: range.sf(q) })
        })
        .collect()
}

/// Dunn 1964: mean ranks compared by the normal distribution, with ties. The p-values are not adjusted yet.
#[must_use]
pub fn dunn(ranked: &RankedGroups) -> Vec<Comparison> {
    let n = ranked.n;
    let variance = n * (n + 1.0) / 12.0 - ranked.ties / (12.0 * (n - 1.0));
    pairs(ranked.groups.len())
        .filter_map(|(first, second)| {
            let (a, b) = (ranked.groups.get(first)?, ranked.groups.get(second)?);
            let difference = a.1 - b.1;
            let statistic = difference / (variance * (1.0 / a.0 + 1.0 / b.0)).sqrt();
            let p_value = normal::two_sided(statistic);
            Some(Comparison { first, second, difference, interval: None, statistic, p_value })
        })
        .collect()
}
