//! The median of the slopes of all pairs of points (Theil 1950, Sen 1968), with an interval from Kendall's statistic.
//!
//! Few points: all slopes are looked at. Many: the number of slopes below a bound is the number of pairs that stand the wrong
//! way round once that slope was taken out, which takes O(n log n); bounds close in on the slope wanted until the slopes
//! between them are few enough to be listed (after Cole, Salowe, Steiger & Szemerédi 1989, with bounds from a fixed sample).
//! Slopes that differ by rounding only are not told apart, which is a relative error near 1e-15.

use super::pairs::{Pairs, each_descent};
use crate::statistics::special::normal_quantile;

/// Slopes that are listed at most.
const LISTED: u64 = 2_000_000;
/// Pairs from which the first bounds come.
const SAMPLE: usize = 4_096;

/// A slope with its interval, in units of y for one unit of x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// The median of the slopes.
    pub slope: f64,
    /// `median(y) - slope * median(x)` (Conover 1980).
    pub intercept: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The slope through points whose `x` ascend strictly. `variance` is the variance of Kendall's score under no trend, corrected
/// or not; it gives the interval (Sen 1968). None below 2 points. All numbers must be finite.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks are clamped to the number of slopes, which is below 2^53"
)]
pub fn theil_sen(x: &[f64], y: &[f64], variance: f64, confidence: f64) -> Option<Slope> {
    let n = x.len().min(y.len()) as u64;
    if n < 2 {
        return None;
    }
    let slopes = Slopes::new(x, y);
    let all = n * (n - 1) / 2;
    let slope = (slopes.ranked((all - 1) / 2) + slopes.ranked(all / 2)) / 2.0;
    let reach = normal_quantile(0.5 + confidence / 2.0) * variance.max(0.0).sqrt();
    let low = ((all as f64 - reach) / 2.0).round_ties_even() - 1.0;
    let high = ((all as f64 + reach) / 2.0).round_ties_even().min((all - 1) as f64);
    let (low, high) = (slopes.ranked(low.max(0.0) as u64), slopes.ranked(high.max(0.0) as u64));
    let intercept = super::loess::median(y.to_vec()) - slope * super::loess::median(x.to_vec());
    Some(Slope { slope, intercept, low, high })
}

/// The slopes of all pairs, in ascending order as far as anybody asks.
enum Slopes {
    Listed(Vec<f64>),
    Counted(Counted),
}

struct Counted {
    x: Vec<f64>,
    y: Vec<f64>,
    /// Slopes of a few pairs, ascending.
    sample: Vec<f64>,
}

impl Slopes {
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    fn new(x: &[f64], y: &[f64]) -> Self {
        let n = x.len().min(y.len());
        if (n as u64) * (n as u64 - 1) / 2 <= LISTED {
            let points = || x.iter().zip(y);
            let slopes = points()
                .enumerate()
                .flat_map(|(at, (x1, y1))| points().skip(at + 1).map(move |(x2, y2)| (y2 - y1) / (x2 - x1)));
            let mut slopes: Vec<f64> = slopes.collect();
            slopes.sort_unstable_by(f64::total_cmp);
            return Self::Listed(slopes);
        }
        // Smaller numbers, smaller rounding.
        let centre = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            values.iter().map(|value| value - mean).collect::<Vec<f64>>()
        };
        let (x, y) = (centre(x), centre(y));
        // Positions that are spread evenly and differ from run to run of nothing (Weyl's sequence).
        let at = |step: usize, turn: f64| {
            let place = (step as f64 * turn).fract() * n as f64;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and n")]
            let place = place as usize;
            place.min(n - 1)
        };
        let mut sample: Vec<f64> = (1..=SAMPLE)
            .map(|step| (at(step, 0.618_033_988_749_894_9), at(step, 0.754_877_666_246_692_7)))
            .filter(|(a, b)| a != b)
            .filter_map(|(a, b)| Some((y.get(b)? - y.get(a)?) / (x.get(b)? - x.get(a)?)))
            .collect();
        sample.sort_unstable_by(f64::total_cmp);
        sample.dedup();
        Self::Counted(Counted { x, y, sample })
    }

    /// The slope of that rank, from 0.
    fn ranked(&self, rank: u64) -> f64 {
        match self {
            Self::Listed(slopes) => {
                usize::try_from(rank).ok().and_then(|rank| slopes.get(rank)).copied().unwrap_or(f64::NAN)
            }
            Self::Counted(counted) => counted.ranked(rank),
        }
    }
}

impl Counted {
    fn rest(&self, slope: f64) -> Vec<f64> {
        self.x.iter().zip(&self.y).map(|(x, y)| y - slope * x).collect()
    }

    /// How many slopes are below, and how many at most, that slope.
    fn below(&self, slope: f64) -> (u64, u64) {
        let pairs = Pairs::count(&self.rest(slope));
        (pairs.down, pairs.down + pairs.tied)
    }

    fn ranked(&self, rank: u64) -> f64 {
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        let n = self.x.len() as u64;
        let (mut up_to_low, mut below_high) = (0, n * (n - 1) / 2);
        while below_high - up_to_low > LISTED {
            let Some(pivot) = self.pivot(low, high) else { return high.min(low.max(0.0)) };
            let (below, up_to) = self.below(pivot);
            if rank < below {
                (high, below_high) = (pivot, below);
            } else if rank >= up_to {
                (low, up_to_low) = (pivot, up_to);
            } else {
                return pivot;
            }
            if below_high <= up_to_low {
                return pivot;
            }
        }
        let listed = self.between(low, high);
        let wanted = usize::try_from(rank.saturating_sub(up_to_low)).unwrap_or(usize::MAX);
        let mut listed = listed;
        if listed.is_empty() {
            return if low.is_finite() { low } else { high };
        }
        let wanted = wanted.min(listed.len() - 1);
        *listed.select_nth_unstable_by(wanted, f64::total_cmp).1
    }

    /// A slope strictly between the bounds; none when there is no number between them.
    fn pivot(&self, low: f64, high: f64) -> Option<f64> {
        let begin = self.sample.partition_point(|slope| *slope <= low);
        let end = self.sample.partition_point(|slope| *slope < high);
        if let Some(pivot) = self.sample.get(begin + end.saturating_sub(begin) / 2).filter(|_| begin < end) {
            return Some(*pivot);
        }
        let pivot = match (low.is_finite(), high.is_finite()) {
            (true, true) => low + (high - low) / 2.0,
            (true, false) => low + low.abs().max(1e-300),
            (false, true) => high - high.abs().max(1e-300),
            (false, false) => 0.0,
        };
        (pivot > low && pivot < high).then_some(pivot)
    }

    /// The slopes strictly between the bounds.
    fn between(&self, low: f64, high: f64) -> Vec<f64> {
        // In the order of what the low slope leaves, slopes above it rise; those below the high one then stand the wrong way.
        let upper = if high.is_finite() { self.rest(high) } else { self.x.iter().map(|x| -x).collect() };
        let mut order: Vec<usize> = (0..self.x.len()).collect();
        let key = |keys: &[f64], at: usize| keys.get(at).copied().unwrap_or(f64::NAN);
        if low.is_finite() {
            let lower = self.rest(low);
            order.sort_by(|a, b| {
                key(&lower, *a).total_cmp(&key(&lower, *b)).then(key(&upper, *a).total_cmp(&key(&upper, *b)))
            });
        }
        let mut slopes = Vec::new();
        each_descent(&mut order, &upper, &mut |a, b| {
            slopes.push((key(&self.y, b) - key(&self.y, a)) / (key(&self.x, b) - key(&self.x, a)));
        });
        slopes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::oracle::{assert_close, cases};

    #[test]
    fn agrees_with_scipy() {
        for case in cases(include_str!("../../../tests/data/oracle/series.json"), "theil_sen") {
            let (x, y) = (case.list("x"), case.list("y"));
            let variance = super::super::mann_kendall::score_variance(&y);
            let found = theil_sen(&x, &y, variance, 0.95).unwrap();
            assert_close(found.slope, case.number("slope"), 1e-12, "slope");
            assert_close(found.intercept, case.number("intercept"), 1e-9, "intercept");
            assert_close(found.low, case.number("low"), 1e-12, "low");
            assert_close(found.high, case.number("high"), 1e-12, "high");
        }
    }

    fn counted(x: &[f64], y: &[f64]) -> Counted {
        Counted { x: x.to_vec(), y: y.to_vec(), sample: vec![-0.5, 0.0, 0.3] }
    }

    proptest! {
        #[test]
        fn slopes_between_bounds_and_their_number_equal_a_look_at_each_pair(
            y in prop::collection::vec(-20_i16..20, 2..40), low in -8_i8..8, width in 1_u8..8,
        ) {
            let y: Vec<f64> = y.into_iter().map(f64::from).collect();
            let x: Vec<f64> = (0..y.len()).map(|at| at as f64).collect();
            // Eighths are exact, so that no slope is taken for its bound by rounding.
            let (low, high) = (f64::from(low) / 8.0, (f64::from(low) + f64::from(width)) / 8.0);
            let counted = counted(&x, &y);
            let Slopes::Listed(all) = Slopes::new(&x, &y) else { return Err(TestCaseError::fail("few points are listed")) };
            let mut found = counted.between(low, high);
            found.sort_unstable_by(f64::total_cmp);
            let expected: Vec<f64> = all.iter().copied().filter(|slope| *slope > low && *slope < high).collect();
            prop_assert_eq!(found, expected);
            let below = all.iter().filter(|slope| **slope < low).count() as u64;
            let up_to = all.iter().filter(|slope| **slope <= low).count() as u64;
            prop_assert_eq!(counted.below(low), (below, up_to));
        }
    }

    #[test]
    fn many_points_give_the_slope_of_all_pairs() {
        // Values with many ties, as rounded measurements have, and a slope; 4.5 million pairs.
        let y: Vec<f64> =
            (0..3000_u32).map(|t| f64::from((t * 7919) % 613) / 10.0 + f64::from(t / 100) * 0.5).collect();
        let x: Vec<f64> = (0..3000).map(f64::from).collect();
        let mut all: Vec<f64> = Vec::new();
        for i in 0..x.len() {
            all.extend((i + 1..x.len()).map(|j| (y[j] - y[i]) / (x[j] - x[i])));
        }
        all.sort_unstable_by(f64::total_cmp);
        let slopes = Slopes::new(&x, &y);
        assert!(matches!(slopes, Slopes::Counted(_)));
        for rank in [0, 17, all.len() / 4, all.len() / 2, all.len() - 1] {
            let found = slopes.ranked(rank as u64);
            assert!(
                (found - all[rank]).abs() <= 1e-12 * all[rank].abs().max(1e-3),
                "rank {rank}: {found} is not {}",
                all[rank]
            );
        }
    }

    #[test]
    fn a_long_constant_series_has_no_slope() {
        let x: Vec<f64> = (0..5000).map(f64::from).collect();
        let found = theil_sen(&x, &vec![3.0; 5000], 0.0, 0.95).unwrap();
        assert_eq!((found.slope, found.low, found.high, found.intercept), (0.0, 0.0, 0.0, 3.0));
        assert_eq!(theil_sen(&[1.0], &[1.0], 0.0, 0.95), None);
    }
}
