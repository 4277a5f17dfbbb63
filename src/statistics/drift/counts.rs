//! Counts by category or bin on two sides: how far apart their shares are. Pairs are (before, now).

use crate::statistics::distributions::chi_squared;

/// The distance of Jensen and Shannon between the shares of both sides, with logarithms to base 2: 0 when they are the same, 1
/// when they have no category in common (Lin 1991; the square root makes it a metric, Endres & Schindelin 2003).
///
/// None when one of the sides has no rows. Time: linear.
pub fn jensen_shannon(counts: &[(u64, u64)]) -> Option<f64> {
    let (before, now) = totals(counts)?;
    let part = |share: f64, middle: f64| if share > 0.0 { share * (share / middle).log2() } else { 0.0 };
    let divergence: f64 = counts
        .iter()
        .map(|&(p, q)| (p as f64 / before, q as f64 / now))
        .map(|(p, q)| (part(p, f64::midpoint(p, q)) + part(q, f64::midpoint(p, q))) / 2.0)
        .sum();
    // Rounding may leave a hair below zero.
    Some(divergence.clamp(0.0, 1.0).sqrt())
}

/// A distance between shares says something when [`homogeneity`] of the same counts has a p-value below this.
///
/// No two samples have the same shares. Of B bins the expected stability index of samples of n and m rows from one source is about
/// (B - 1) (1 / n + 1 / m) (Yurdakul & Naranjo 2020), and far more where counts are small: 1.1 for ten bins and 30 rows a side.
pub const BEYOND_CHANCE: f64 = 0.01;

/// Pearson's chi-squared test of homogeneity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homogeneity {
    /// The sum of (observed - expected)² / expected.
    pub statistic: f64,
    /// Degrees of freedom: categories less one.
    pub degrees: u64,
    /// The probability of a statistic as large when both sides have the same shares. Reliable when hardly any expected count is
    /// below 5.
    pub p_value: f64,
}

/// Tests whether both sides have the same shares (Pearson 1900). None when a side has no rows or when there are fewer than two
/// categories. Time: linear.
pub fn homogeneity(counts: &[(u64, u64)]) -> Option<Homogeneity> {
    let (before, now) = totals(counts)?;
    let all = before + now;
    let present = || counts.iter().filter(|(p, q)| p + q > 0);
    let statistic: f64 = present()
        .flat_map(|&(p, q)| {
            let both = (p + q) as f64;
            [(p as f64, both * before / all), (q as f64, both * now / all)]
        })
        .map(|(observed, expected)| (observed - expected) * (observed - expected) / expected)
        .sum();
    let degrees = (present().count() as u64).checked_sub(1).filter(|degrees| *degrees > 0)?;
    let p_value = chi_squared::sf(statistic, degrees as f64);
    Some(Homogeneity { statistic, degrees, p_value })
}

fn totals(counts: &[(u64, u64)]) -> Option<(f64, f64)> {
    let before: u64 = counts.iter().map(|(before, _)| before).sum();
    let now: u64 = counts.iter().map(|(_, now)| now).sum();
    (before > 0 && now > 0).then_some((before as f64, now as f64))
}
