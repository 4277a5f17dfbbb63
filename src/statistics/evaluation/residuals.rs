//! Residuals beside those that a normal distribution would have: a quantile-quantile plot.
//!
//! The `i`-th smallest of `n` residuals stands at the median of the `i`-th smallest of `n` normal numbers (Filliben 1975). The
//! line goes through the quartiles, which far residuals do not move (Cleveland 1985). The `i`-th smallest of `n` uniform numbers
//! has a beta distribution with `i` and `n + 1 - i`, so between two of its quantiles the `i`-th normal number lies with a stated
//! probability: the band. It holds for each place on its own, and takes the line for known.
//!
//! Complexity: `O(n log n)`.

use super::calibration::linear_quantile;
use super::{Error, check_finite};
use crate::statistics::distributions::normal;
use crate::statistics::special::{Tails, inverse_beta};

/// How far residuals on one side are, beside a normal distribution with the same quartiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Nearer than chance would have it.
    Near,
    /// Within chance.
    Normal,
    /// Further than chance would have it.
    Far,
}

/// A residual in its rank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalPoint {
    /// Where it stands among standard normal numbers.
    pub normal: f64,
    /// The residual.
    pub found: f64,
    /// What it would be on the line, and the band around it.
    pub expected: f64,
    /// The lower end of the band.
    pub low: f64,
    /// The upper end of the band.
    pub high: f64,
}

/// Residuals in their ranks.
#[derive(Debug, Clone, PartialEq)]
pub struct NormalPlot {
    /// From the lowest to the highest; of many residuals the outer ones and some of the others.
    pub points: Vec<NormalPoint>,
    /// How many residuals there are.
    pub rows: usize,
    /// The line: the middle, and the standard deviation that the quartiles of a normal distribution would have.
    pub centre: f64,
    /// The slope of the line.
    pub spread: f64,
}

impl NormalPlot {
    /// At most `points` residuals in their ranks; the band holds each with the probability `confidence`. `None` for fewer than
    /// three residuals, and where half of them are equal, so that nothing can be compared.
    ///
    /// Errors: a residual that is not finite.
    pub fn new(residuals: &[f64], points: usize, confidence: f64) -> Result<Option<Self>, Error> {
        check_finite(residuals)?;
        let mut sorted = residuals.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let rows = sorted.len();
        let quartile = |share: f64| linear_quantile(&sorted, share).unwrap_or(0.0);
        let (low, high) = (quartile(0.25), quartile(0.75));
        let unit = normal::upper_quantile(0.25);
        // Halved first, so that the largest numbers have a difference.
        let spread = (high / 2.0 - low / 2.0) / unit;
        if rows < 3 || spread <= 0.0 || !spread.is_finite() {
            return Ok(None);
        }
        let centre = low / 2.0 + high / 2.0;
        let tail = (1.0 - confidence) / 2.0;
        let at = |rank: usize| {
            // Of the upper half the mirror image, so that probabilities near 1 keep their digits.
            let is_upper = 2 * rank > rows + 1;
            let lower = if is_upper { rows + 1 - rank } else { rank };
            let (a, b) = (lower as f64, (rows + 1 - lower) as f64);
            let z = |probability: f64| normal::quantile(inverse_beta(a, b, Tails::lower(probability)));
            let ends = (z(tail), normal::quantile(inverse_beta(a, b, Tails::upper(tail))));
            let (middle, ends) = (normal::quantile(median_of_rank(lower, rows)), ends);
            let (middle, ends) = if is_upper { (-middle, (-ends.1, -ends.0)) } else { (middle, ends) };
            let on_line = |z: f64| centre + spread * z;
            NormalPoint {
                normal: middle,
                found: sorted.get(rank - 1).copied().unwrap_or(centre),
                expected: on_line(middle),
                low: on_line(ends.0),
                high: on_line(ends.1),
            }
        };
        Ok(Some(Self { points: ranks(rows, points).into_iter().map(at).collect(), rows, centre, spread }))
    }

    /// How far the residuals are below and above: told from the points of the outer hundredth on each side, or the last one. A
    /// side is far or near where more than half of these lie outside of the band.
    pub fn tails(&self) -> (Tail, Tail) {
        let reach = normal::upper_quantile(0.01).min(self.points.last().map_or(0.0, |point| point.normal));
        let told = |outer: &mut dyn Iterator<Item = (bool, bool)>| {
            let (mut all, mut far, mut near) = (0, 0, 0);
            for (is_far, is_near) in outer {
                all += 1;
                far += usize::from(is_far);
                near += usize::from(is_near);
            }
            match (2 * far > all, 2 * near > all) {
                (true, _) => Tail::Far,
                (_, true) => Tail::Near,
                _ => Tail::Normal,
            }
        };
        let points = || self.points.iter();
        let mut lower = points().filter(|p| p.normal <= -reach).map(|p| (p.found < p.low, p.found > p.high));
        let mut upper = points().filter(|p| p.normal >= reach).map(|p| (p.found > p.high, p.found < p.low));
        (told(&mut lower), told(&mut upper))
    }
}

/// Filliben's estimate of the median of the `rank`-th smallest of `rows` uniform numbers.
fn median_of_rank(rank: usize, rows: usize) -> f64 {
    let last = 0.5_f64.powf(1.0 / rows as f64);
    match rank {
        1 => 1.0 - last,
        rank if rank == rows => last,
        rank => (rank as f64 - 0.3175) / (rows as f64 + 0.365),
    }
}

/// Ranks that are shown: all, or some at equal distances along the normal distribution, so that the outer ones are dense.
fn ranks(rows: usize, points: usize) -> Vec<usize> {
    if rows <= points {
        return (1..=rows).collect();
    }
    let reach = normal::quantile(median_of_rank(1, rows));
    let steps = points.max(3) - 1;
    let mut ranks: Vec<usize> = (0..=steps)
        .map(|step| {
            let share = normal::cdf(reach * (1.0 - 2.0 * step as f64 / steps as f64));
            ((share * (rows as f64 + 0.365) + 0.3175).round() as usize).clamp(1, rows)
        })
        .collect();
    ranks.dedup();
    ranks
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use super::super::oracle::{assert_metric, evaluation, numbers};
    use super::*;

    #[test]
    fn places_and_band_are_those_of_scipy() {
        for case in evaluation()["normal_plot"].as_array().unwrap() {
            let plot = NormalPlot::new(&numbers(&case["residuals"]), usize::MAX, 0.95).unwrap().unwrap();
            assert_metric(Some(plot.centre), &case["centre"]);
            assert_metric(Some(plot.spread), &case["spread"]);
            assert_eq!(plot.points.len(), case["normal"].as_array().unwrap().len());
            for (place, point) in plot.points.iter().enumerate() {
                for (found, expected) in
                    [(point.normal, "normal"), (point.found, "found"), (point.low, "low"), (point.high, "high")]
                {
                    let expected = case[expected][place].as_f64().unwrap();
                    assert!((found - expected).abs() < 1e-8 * expected.abs().max(1.0), "{place} {found} {expected}");
                }
            }
        }
    }

    /// Numbers at the quantiles of a normal distribution, changed.
    fn residuals(rows: usize, change: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..rows).map(|i| change(normal::quantile((i as f64 + 0.5) / rows as f64))).collect()
    }

    #[test]
    fn far_and_near_tails_are_told() {
        let tails = |change: &dyn Fn(f64) -> f64| {
            NormalPlot::new(&residuals(2_000, change), 200, 0.95).unwrap().unwrap().tails()
        };
        assert_eq!(tails(&|z| 3.0 * z + 1.0), (Tail::Normal, Tail::Normal));
        assert_eq!(tails(&|z| z * z * z), (Tail::Far, Tail::Far));
        assert_eq!(tails(&|z| z.exp()), (Tail::Near, Tail::Far));
        assert_eq!(tails(&|z| z.clamp(-1.5, 1.5)), (Tail::Near, Tail::Near));
    }

    #[test]
    fn few_equal_and_huge_residuals() {
        assert_eq!(NormalPlot::new(&[1.0, 2.0], 10, 0.95), Ok(None));
        assert_eq!(NormalPlot::new(&[2.0; 50], 10, 0.95), Ok(None));
        assert!(NormalPlot::new(&[f64::NAN; 5], 10, 0.95).is_err());
        let plot = NormalPlot::new(&residuals(5_000, |z| 1e300 * z), 100, 0.95).unwrap().unwrap();
        assert!((60..=100).contains(&plot.points.len()) && plot.points.iter().all(|point| point.high.is_finite()));
        assert_eq!((plot.points[0].found, plot.rows), (1e300 * normal::quantile(0.0001), 5_000));
    }
}
