/// Values in order, from which quantiles and ranks are read: all of a column, or a weighted sample of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantiles {
    /// Ascending.
    values: Vec<f64>,
    /// For a sample, or for values with counts: how many values stand at or before each. Empty when each stands for itself.
    up_to: Vec<u64>,
    count: u64,
    rank_error: f64,
}

impl Quantiles {
    /// The quantiles of all values, none of which is NaN.
    pub(super) fn of_values(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Self { count: values.len() as u64, values, up_to: Vec::new(), rank_error: 0.0 }
    }

    /// The quantiles of values with their counts, exact; NaN and counts of 0 are left out.
    #[must_use]
    pub fn of_counts(counts: impl IntoIterator<Item = (f64, u64)>) -> Self {
        let counted = counts.into_iter().filter(|(value, count)| !value.is_nan() && *count > 0).collect();
        Self::of_sample(counted, f64::NAN, f64::NAN, 0.0)
    }

    /// The quantiles of a weighted sample, with the smallest and the largest value that it was taken from.
    pub(super) fn of_sample(mut sample: Vec<(f64, u64)>, min: f64, max: f64, rank_error: f64) -> Self {
        sample.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        // All values of a column are there, or the outermost ones are known beside the sample.
        if let Some(first) = sample.first_mut().filter(|_| !min.is_nan()) {
            first.0 = min;
        }
        if let Some(last) = sample.last_mut().filter(|_| !max.is_nan()) {
            last.0 = max;
        }
        let mut count = 0;
        let mut up_to = Vec::with_capacity(sample.len());
        for (_, weight) in &sample {
            count += weight;
            up_to.push(count);
        }
        Self { values: sample.into_iter().map(|(value, _)| value).collect(), up_to, count, rank_error }
    }

    /// Number of values, NaN left out.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether all values are there.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.rank_error == 0.0
    }

    /// See [`rank_error`](super::QuantileSketch::rank_error).
    #[must_use]
    pub fn rank_error(&self) -> f64 {
        self.rank_error
    }

    /// Smallest value, always exact.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        self.values.first().copied()
    }

    /// Largest value, always exact.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.values.last().copied()
    }

    /// The quantile of `probability`, by linear interpolation (type 7); `None` of no values or unless the probability is
    /// from 0 to 1. Constant time, or logarithmic in the size of a sample.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> Option<f64> {
        if !(0.0..=1.0).contains(&probability) || self.count == 0 {
            return None;
        }
        let place = (self.count - 1) as f64 * probability;
        let below = self.at_rank(place.floor() as u64)?;
        let above = self.at_rank(place.ceil() as u64)?;
        let part = place - place.floor();
        if below == above || part == 0.0 {
            return Some(below);
        }
        let between = below + (above - below) * part;
        // The distance of two huge or infinite values is no number; a weighted sum may still be one.
        Some(if between.is_finite() { between } else { below * (1.0 - part) + above * part })
    }

    /// Quartile 3 minus quartile 1; `None` of no values.
    #[must_use]
    pub fn interquartile_range(&self) -> Option<f64> {
        Some(self.quantile(0.75)? - self.quantile(0.25)?)
    }

    /// How many values are smaller than `value`.
    #[must_use]
    pub fn count_below(&self, value: f64) -> u64 {
        self.up_to_index(self.values.partition_point(|&kept| kept < value))
    }

    /// How many values are at most `value`.
    #[must_use]
    pub fn count_at_most(&self, value: f64) -> u64 {
        self.up_to_index(self.values.partition_point(|&kept| kept <= value))
    }

    /// The values in ascending order with how many each stands for.
    pub fn weighted(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut before = 0;
        self.values.iter().enumerate().map(move |(at, value)| {
            let up_to = self.up_to.get(at).copied().unwrap_or(at as u64 + 1);
            let weight = up_to - before;
            before = up_to;
            (*value, weight)
        })
    }

    /// The outermost values from `low` to `high`; of a sample those that were kept.
    #[must_use]
    pub fn range_within(&self, low: f64, high: f64) -> Option<(f64, f64)> {
        let from = self.values.partition_point(|&value| value < low);
        let to = self.values.partition_point(|&value| value <= high);
        let inside = self.values.get(from..to)?;
        Some((*inside.first()?, *inside.last()?))
    }

    /// The smallest and the largest finite value.
    pub(crate) fn finite_range(&self) -> Option<(f64, f64)> {
        let min = self.values.iter().find(|value| value.is_finite())?;
        let max = self.values.iter().rfind(|value| value.is_finite())?;
        Some((*min, *max))
    }

    /// How many values the first `kept` stand for.
    fn up_to_index(&self, kept: usize) -> u64 {
        if self.up_to.is_empty() { kept as u64 } else { kept.checked_sub(1).map_or(0, |last| self.up_to[last]) }
    }

    /// The value with this many values before it.
    fn at_rank(&self, rank: u64) -> Option<f64> {
        let index =
            if self.up_to.is_empty() { rank as usize } else { self.up_to.partition_point(|&up_to| up_to <= rank) };
        self.values.get(index).copied()
    }
}
