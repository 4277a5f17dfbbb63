//! Local regression over equally spaced values (loess): the smoother inside STL.
//!
//! Each value is replaced by the height of a straight line (or of a constant) that is fitted to its `window` nearest
//! neighbours by weighted least squares; weights fall with the distance by the tricube function. Near the ends the window
//! stays as wide, so that it reaches further to one side.
//!
//! Source: Cleveland (1979), "Robust locally weighted regression and smoothing scatterplots"; the rules at the ends of the
//! tricube follow Cleveland, Cleveland, McRae & Terpenning (1990), "STL: a seasonal-trend decomposition procedure based on
//! loess". Complexity: O(n window); without robustness weights the inner part is one fixed filter. The values must be finite.

/// How values are smoothed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loess {
    /// Neighbours that take part in a fit; more than there are values makes the weights flatter.
    pub window: usize,
    /// Whether a straight line is fitted (degree 1) rather than a constant (degree 0).
    pub line: bool,
}

impl Loess {
    /// A smoother that fits straight lines.
    pub fn lines(window: usize) -> Self {
        Self { window, line: true }
    }

    /// The smoothed values, in the place of each value. `robustness` holds a further weight for each value.
    pub fn smooth(&self, values: &[f64], robustness: Option<&[f64]>) -> Vec<f64> {
        let n = values.len();
        if n < 2 {
            return values.to_vec();
        }
        let window = self.window.min(n);
        let mut smoothed = vec![0.0; n];
        let kernel = Kernel::new(window);
        let weighted: Option<Vec<f64>> =
            robustness.map(|weights| values.iter().zip(weights).map(|(y, w)| y * w).collect());
        // The window moves with the value once the value is past its middle, and stops at the end.
        let before = window.div_ceil(2);
        for (at, slot) in smoothed.iter_mut().enumerate() {
            let left = (at + 1).saturating_sub(before).min(n - window);
            let centred = window % 2 == 1 && self.window <= n && at >= window / 2 && at + window / 2 < n;
            let fitted = match (&weighted, robustness) {
                (None, _) if centred => Some(kernel.mean(values.get(left..left + window).unwrap_or_default())),
                (Some(weighted), Some(weights)) if centred => kernel.fit(
                    weights.get(left..left + window).unwrap_or_default(),
                    weighted.get(left..left + window).unwrap_or_default(),
                    self.line,
                    n,
                ),
                #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
                _ => self.at(values, robustness, at as f64, left, left + window),
            };
            *slot = fitted.or(values.get(at).copied()).unwrap_or(f64::NAN);
        }
        smoothed
    }

    /// The height of the fit at a position, which may lie outside of the values, from the values in `left..right`; none when
    /// all of their weights are 0.
    #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
    pub(super) fn at(
        &self,
        values: &[f64],
        robustness: Option<&[f64]>,
        position: f64,
        left: usize,
        right: usize,
    ) -> Option<f64> {
        let n = values.len();
        let last = right.saturating_sub(1) as f64;
        let mut reach = (position - left as f64).max(last - position);
        if self.window > n {
            reach += ((self.window - n) / 2) as f64;
        }
        let mut sums = Sums::default();
        for index in left..right.min(n) {
            let offset = index as f64 - position;
            let weight =
                tricube(offset.abs(), reach) * robustness.and_then(|weights| weights.get(index)).unwrap_or(&1.0);
            if let Some(value) = values.get(index).filter(|_| weight > 0.0) {
                sums.add(weight, offset, *value);
            }
        }
        sums.height(self.line, n)
    }
}

/// The tricube weight of a neighbour; the nearest count fully, those on the rim not at all.
fn tricube(distance: f64, reach: f64) -> f64 {
    if distance > 0.999 * reach {
        0.0
    } else if distance <= 0.001 * reach {
        1.0
    } else {
        let ratio = distance / reach;
        let rest = 1.0 - ratio * ratio * ratio;
        rest * rest * rest
    }
}

/// Weighted sums over neighbours; offsets count from the position of the fit.
#[derive(Debug, Default)]
struct Sums {
    weights: f64,
    first: f64,
    second: f64,
    values: f64,
    products: f64,
}

impl Sums {
    fn add(&mut self, weight: f64, offset: f64, value: f64) {
        self.weights += weight;
        self.first += weight * offset;
        self.second += weight * offset * offset;
        self.values += weight * value;
        self.products += weight * offset * value;
    }

    /// The height of the line at offset 0; of a constant when the neighbours have next to no spread. None without weight.
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    fn height(&self, line: bool, n: usize) -> Option<f64> {
        if self.weights <= 0.0 {
            return None;
        }
        let (mean, centre) = (self.values / self.weights, self.first / self.weights);
        let spread = (self.second / self.weights - centre * centre).max(0.0);
        if !line || spread.sqrt() <= 0.001 * (n as f64 - 1.0) {
            return Some(mean);
        }
        let slope = (self.products / self.weights - centre * mean) / spread;
        Some(mean - slope * centre)
    }
}

/// The weights of a window whose middle is the position of the fit, with their moments.
struct Kernel {
    weights: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    total: f64,
}

impl Kernel {
    #[expect(clippy::cast_precision_loss, reason = "windows are far below 2^53")]
    fn new(window: usize) -> Self {
        let half = (window / 2) as f64;
        let offsets = || (0..window).map(|index| index as f64 - half);
        let weights: Vec<f64> = offsets().map(|offset| tricube(offset.abs(), half)).collect();
        let times = |power: i32| offsets().zip(&weights).map(|(offset, weight)| weight * offset.powi(power)).collect();
        Self { first: times(1), second: times(2), total: weights.iter().sum(), weights }
    }

    /// The fit without further weights: by symmetry the line passes through the weighted mean.
    fn mean(&self, values: &[f64]) -> f64 {
        dot(&self.weights, values) / self.total
    }

    fn fit(&self, weights: &[f64], weighted: &[f64], line: bool, n: usize) -> Option<f64> {
        let sums = Sums {
            weights: dot(&self.weights, weights),
            first: dot(&self.first, weights),
            second: dot(&self.second, weights),
            values: dot(&self.weights, weighted),
            products: dot(&self.first, weighted),
        };
        sums.height(line, n)
    }
}

/// The sum of products, in eight running sums that the processor can keep side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (chunks_a, chunks_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = chunks_a.remainder().iter().zip(chunks_b.remainder()).map(|(x, y)| x * y).sum();
    let mut lanes = [0.0; 8];
    for (x, y) in chunks_a.zip(chunks_b) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// A smooth curve through values without a season: loess with a line, fitted again `iterations` times with less weight on
/// values that lie far from the curve (bisquare).
///
/// Source: Cleveland (1979).
pub fn smooth(values: &[f64], window: usize, iterations: usize) -> Vec<f64> {
    let loess = Loess::lines(window);
    let mut curve = loess.smooth(values, None);
    for _ in 0..iterations {
        let weights = robustness(values, &curve);
        curve = loess.smooth(values, Some(&weights));
    }
    curve
}

/// Bisquare weights of the distances between values and fit: 0 from six times their median on. What rounding makes of an exact
/// fit counts as no distance.
pub(super) fn robustness(values: &[f64], fit: &[f64]) -> Vec<f64> {
    let residuals: Vec<f64> = values.iter().zip(fit).map(|(value, fit)| (value - fit).abs()).collect();
    let scale = 6.0 * median(residuals.clone());
    let size = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let near = (0.001 * scale).max(1e-12 * size);
    let weight = |residual: f64| {
        if residual <= near {
            1.0
        } else if residual <= 0.999 * scale {
            let ratio = residual / scale;
            let rest = 1.0 - ratio * ratio;
            rest * rest
        } else {
            0.0
        }
    };
    residuals.into_iter().map(weight).collect()
}

/// The median, the mean of the middle two for an even number; NaN without values. O(n).
pub fn median(mut values: Vec<f64>) -> f64 {
    let n = values.len();
    if n == 0 {
        return f64::NAN;
    }
    let (below, middle, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
    if n % 2 == 1 {
        return *middle;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lower + (*middle - lower) / 2.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::statistics::oracle::cases;

    #[test]
    fn a_robust_curve_agrees_with_lowess_of_statsmodels() {
        for case in cases(include_str!("../../../tests/data/oracle/series.json"), "lowess") {
            let values = case.list("values");
            let found = smooth(&values, case.integer("window") as usize, case.integer("iterations") as usize);
            let scale = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            for (found, expected) in found.iter().zip(case.list("curve")) {
                assert!((found - expected).abs() <= 1e-9 * scale, "{found} is not {expected}");
            }
        }
    }

    #[test]
    fn a_straight_line_is_its_own_curve() {
        let line: Vec<f64> = (0..50).map(|i| 3.0 - 0.25 * f64::from(i)).collect();
        for window in [3, 7, 20, 49, 50, 51, 200] {
            for (found, expected) in smooth(&line, window, 2).iter().zip(&line) {
                assert!((found - expected).abs() < 1e-10, "window {window}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn the_fixed_filter_equals_the_general_fit() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17)).collect();
        let ones = vec![1.0; 40];
        for window in [3, 9, 21, 39] {
            let loess = Loess::lines(window);
            for (a, b) in loess.smooth(&values, None).iter().zip(loess.smooth(&values, Some(&ones))) {
                assert!((a - b).abs() < 1e-10, "{a} is not {b}");
            }
        }
    }
}
