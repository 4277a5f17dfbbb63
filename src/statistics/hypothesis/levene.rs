//! Levene's test: do the variances of groups differ?

use super::anova::Split;
use super::{Sample, Tested, Undefined};

/// From which centre the distances are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Centre {
    /// The mean: Levene 1960, for symmetric values.
    Mean,
    /// The median: Brown & Forsythe 1974, for any values.
    Median,
}

/// The analysis of variance of the distances from each group's centre. O(n log n).
pub fn levene(groups: &[Vec<f64>], centre: Centre) -> Result<Tested, Undefined> {
    let distances = groups.iter().map(|group| {
        let centre = match centre {
            Centre::Mean => Sample::of(group).mean,
            Centre::Median => median(group),
        };
        Sample::of(&group.iter().map(|value| (value - centre).abs()).collect::<Vec<f64>>())
    });
    let mut tested = Split::of(&distances.collect::<Vec<Sample>>())?.test();
    tested.letter = "W";
    tested.checked()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let at = |at: usize| sorted.get(at).copied().unwrap_or(f64::NAN);
    if !sorted.len().is_multiple_of(2) { at(half) } else { f64::midpoint(at(half.wrapping_sub(1)), at(half)) }
}
