//! Where a series changes its level, or its level and spread: the segments with the least cost (PELT).
//!
//! The cost of all segments plus a penalty for each change is made as small as it can be, exactly. Starts that can never
//! become best again are dropped, so that a series with many changes takes linear time; without changes it takes O(n^2).
//!
//! Source: Killick, Fearnhead & Eckley (2012), "Optimal detection of changepoints with a linear computational cost". The
//! values must be finite.

/// What a segment costs, given its values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cost {
    /// Squared distances to the mean: changes of the level.
    Mean,
    /// Twice the negative log-likelihood of a normal distribution with mean and variance of its own: changes of level or
    /// spread. The variance is at least `least`, so that a few equal values are not infinitely likely.
    MeanAndVariance {
        /// The smallest variance of a segment, above 0.
        least: f64,
    },
}

/// The changes of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Segmentation {
    /// The first position of each segment but the first, ascending.
    pub changes: Vec<usize>,
    /// The cost of the segments and the penalties of the changes.
    pub cost: f64,
}

/// Sums from the beginning of the series to each position, of values around their mean.
struct Sums {
    sums: Vec<(f64, f64)>,
    cost: Cost,
}

impl Sums {
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    fn new(values: &[f64], cost: Cost) -> Self {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let mut sums = Vec::with_capacity(values.len() + 1);
        let (mut first, mut second) = (0.0, 0.0);
        sums.push((first, second));
        for value in values {
            let offset = value - mean;
            first += offset;
            second += offset * offset;
            sums.push((first, second));
        }
        Self { sums, cost }
    }

    /// The cost of the segment `start..end`; infinite when it is empty.
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    fn cost(&self, start: usize, end: usize) -> f64 {
        let (Some(begin), Some(finish)) = (self.sums.get(start), self.sums.get(end)) else { return f64::INFINITY };
        let length = (end - start) as f64;
        let (first, second) = (finish.0 - begin.0, finish.1 - begin.1);
        let squares = (second - first * first / length).max(0.0);
        match self.cost {
            Cost::Mean => squares,
            Cost::MeanAndVariance { least } => {
                let variance = (squares / length).max(least);
                length * (variance.ln() + std::f64::consts::TAU.ln()) + squares / variance
            }
        }
    }
}

/// A place where the last segment may begin.
struct Start {
    at: usize,
    /// The first end from which on it cannot be best any more.
    until: usize,
}

/// The best segments of at least `shortest` values (at least 1), each change costing `penalty`.
pub fn pelt(values: &[f64], cost: Cost, penalty: f64, shortest: usize) -> Segmentation {
    let n = values.len();
    let shortest = shortest.max(1);
    let sums = Sums::new(values, cost);
    if n < 2 * shortest {
        return Segmentation { changes: Vec::new(), cost: if n == 0 { 0.0 } else { sums.cost(0, n) } };
    }
    // best[end] is the cost of the values before `end`; the first segment has no penalty.
    let mut best = vec![f64::INFINITY; n + 1];
    let mut last = vec![0_usize; n + 1];
    if let Some(first) = best.first_mut() {
        *first = -penalty;
    }
    let mut starts: Vec<Start> = vec![Start { at: 0, until: usize::MAX }];
    let mut totals: Vec<f64> = Vec::new();
    for end in shortest..=n {
        starts.retain(|start| start.until > end);
        totals.clear();
        let (mut least, mut from) = (f64::INFINITY, 0);
        for start in &starts {
            let total = best.get(start.at).copied().unwrap_or(f64::INFINITY) + sums.cost(start.at, end);
            totals.push(total);
            if total + penalty < least {
                (least, from) = (total + penalty, start.at);
            }
        }
        if let (Some(best), Some(last)) = (best.get_mut(end), last.get_mut(end)) {
            (*best, *last) = (least, from);
        }
        // A change at `end` would be no worse than one at this start, as soon as a segment fits behind it.
        for (start, total) in starts.iter_mut().zip(&totals) {
            if *total > least {
                start.until = start.until.min(end + shortest);
            }
        }
        let begin = end + 1 - shortest;
        if begin >= shortest {
            starts.push(Start { at: begin, until: usize::MAX });
        }
    }
    let mut changes = Vec::new();
    let mut at = last.get(n).copied().unwrap_or(0);
    while at > 0 {
        changes.push(at);
        at = last.get(at).copied().unwrap_or(0);
    }
    changes.reverse();
    Segmentation { changes, cost: best.last().copied().unwrap_or(f64::NAN) }
}

/// The noise of a series in which the level jumps now and then, from the spread of its differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// The variance around the level.
    pub variance: f64,
    /// The autocorrelation at lag 1, 0 to 0.98.
    pub correlation: f64,
}

impl Noise {
    /// Told from the median absolute differences one and two steps apart, which a few jumps hardly move: for an autoregressive
    /// process they are `2 v (1 - r)` and `2 v (1 - r^2)` as variances. Where more than half of the steps are 0, from the
    /// standard deviations. None below 4 values or without any change.
    pub fn of(values: &[f64]) -> Option<Self> {
        let apart = |steps: usize| -> Vec<f64> {
            values.iter().zip(values.iter().skip(steps)).map(|(a, b)| (b - a).abs()).collect()
        };
        if values.len() < 4 {
            return None;
        }
        // The median of |N(0, 1)|.
        let robust = |steps: usize| (super::loess::median(apart(steps)) / 0.674_489_750_196_081_7).powi(2);
        let (mut one, mut two) = (robust(1), robust(2));
        if one <= 0.0 || two <= 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
            let plain = |steps: usize| {
                let apart = apart(steps);
                apart.iter().map(|step| step * step).sum::<f64>() / apart.len() as f64
            };
            (one, two) = (plain(1), plain(2));
        }
        let correlation = (two / one - 1.0).clamp(0.0, 0.98);
        let variance = one / (2.0 * (1.0 - correlation));
        (variance > 0.0 && variance.is_finite()).then_some(Self { variance, correlation })
    }

    /// How much more the mean of many values varies than if they were independent: `(1 + r) / (1 - r)`.
    pub fn inflation(&self) -> f64 {
        (1.0 + self.correlation) / (1.0 - self.correlation)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::oracle::{assert_close, cases};

    #[test]
    fn agrees_with_ruptures() {
        for case in cases(include_str!("../../../tests/data/oracle/series.json"), "change_points") {
            let cost = match case.text("cost").as_str() {
                "mean" => Cost::Mean,
                _ => Cost::MeanAndVariance { least: case.number("least") },
            };
            let found = pelt(&case.list("values"), cost, case.number("penalty"), case.integer("shortest") as usize);
            let expected: Vec<usize> = case.list("changes").iter().map(|at| *at as usize).collect();
            assert_eq!(found.changes, expected, "{}", case.text("name"));
            assert_close(found.cost, case.number("total"), 1e-9, &case.text("name"));
        }
    }

    /// The same by looking at every segmentation's last segment.
    fn exhaustive(values: &[f64], cost: Cost, penalty: f64, shortest: usize) -> f64 {
        let sums = Sums::new(values, cost);
        let mut best = vec![f64::INFINITY; values.len() + 1];
        best[0] = -penalty;
        for end in shortest..=values.len() {
            for start in 0..=end - shortest {
                best[end] = best[end].min(best[start] + sums.cost(start, end) + penalty);
            }
        }
        best[values.len()]
    }

    proptest! {
        #[test]
        fn no_segmentation_is_cheaper(
            values in prop::collection::vec(-30_i16..30, 2..70), penalty in 0.1_f64..300.0, shortest in 1_usize..6, both: bool,
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let cost = if both { Cost::MeanAndVariance { least: 0.01 } } else { Cost::Mean };
            let penalty = if both { penalty / 20.0 } else { penalty };
            let found = pelt(&values, cost, penalty, shortest);
            if values.len() >= shortest {
                let least = exhaustive(&values, cost, penalty, shortest);
                prop_assert!((found.cost - least).abs() <= 1e-9 * least.abs().max(1.0), "{} {}", found.cost, least);
            }
            let mut ends = found.changes.clone();
            ends.push(values.len());
            let mut begin = 0;
            for end in ends {
                prop_assert!(end - begin >= shortest.min(values.len()));
                begin = end;
            }
        }
    }

    #[test]
    fn a_step_is_found_where_it_is_and_a_constant_has_none() {
        let step: Vec<f64> = (0..40).map(|t| if t < 23 { 1.0 } else { 4.0 }).collect();
        assert_eq!(pelt(&step, Cost::Mean, 1.0, 2).changes, [23]);
        assert!(pelt(&[7.0; 50], Cost::Mean, 1.0, 2).changes.is_empty());
        assert!(pelt(&[7.0; 50], Cost::MeanAndVariance { least: 1e-6 }, 10.0, 2).changes.is_empty());
        assert!(pelt(&[], Cost::Mean, 1.0, 2).changes.is_empty());
        assert!(pelt(&[1.0, 2.0, 3.0], Cost::Mean, 0.0, 2).changes.is_empty());
    }

    #[test]
    fn noise_is_told_from_differences_in_spite_of_a_jump() {
        // A fixed stream of normal-looking values (sums of twelve).
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut level = 0.0;
        let values: Vec<f64> = (0..20_000)
            .map(|t| {
                let shock = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
                level = 0.6 * level + shock;
                level + if t < 9_000 { 0.0 } else { 50.0 }
            })
            .collect();
        let noise = Noise::of(&values).unwrap();
        assert!((noise.correlation - 0.6).abs() < 0.05, "{noise:?}");
        assert!((noise.variance - 1.0 / (1.0 - 0.36)).abs() < 0.12, "{noise:?}");
        assert_eq!(Noise::of(&[3.0; 10]), None);
        assert_eq!(Noise::of(&[3.0]), None);
    }
}
