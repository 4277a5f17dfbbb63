use rayon::prelude::*;

use super::{CorrelationError, common_length};
use crate::statistics::special::{normal_quantile, student_t_two_sided};

/// Distance correlation of two columns: 0 only of independent ones, whatever the form of the dependence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DistanceCorrelation {
    /// The sample distance correlation, from 0 to 1 (Székely, Rizzo and Bakirov 2007, *Annals of Statistics* 35). It is above 0 in any
    /// finite sample.
    pub sample: f64,
    /// The bias-corrected squared distance correlation (Székely and Rizzo 2014), around 0 of independent columns, and so below 0 at
    /// times.
    pub corrected_square: f64,
    /// Number of rows that it rests on.
    pub count: u64,
    /// The standard error of `corrected_square` by the jackknife.
    pub standard_error: Option<f64>,
}

impl DistanceCorrelation {
    /// The root of the corrected square, 0 where that is below 0: on the scale of a correlation.
    #[must_use]
    pub fn corrected(&self) -> f64 {
        self.corrected_square.max(0.0).sqrt()
    }

    /// The p-value of independence by the chi-squared test of distance correlation (Shen, Panda and Vogelstein 2022, *Journal of
    /// Computational and Graphical Statistics* 31): n times the corrected square, plus 1, against chi-squared with one degree of freedom.
    /// Valid for columns of any distribution and a little too large, never too small, at levels up to 0.05.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        let statistic = self.count as f64 * self.corrected_square + 1.0;
        if !statistic.is_finite() {
            return None;
        }
        // Chi-squared with one degree of freedom is the square of a normal number.
        Some(crate::statistics::special::erfc((statistic.max(0.0) / 2.0).sqrt()))
    }

    /// The t-test of Székely and Rizzo (2013): statistic and p-value, with n (n - 3) / 2 - 1 degrees of freedom. It is made for columns of
    /// many dimensions; of single numbers its p-values are too small, which is why [`p_value`](Self::p_value) is another one.
    #[must_use]
    pub fn t_test(&self) -> Option<(f64, f64)> {
        let n = self.count as f64;
        let degrees = n * (n - 3.0) / 2.0 - 1.0;
        let r = self.corrected_square;
        let t = degrees.sqrt() * r / ((1.0 - r) * (1.0 + r)).sqrt();
        let half = student_t_two_sided(t, degrees) / 2.0;
        let p = if t > 0.0 { half } else { 1.0 - half };
        p.is_finite().then_some((t, p))
    }

    /// The confidence interval of the corrected distance correlation by the jackknife's standard error, which is too wide near
    /// independence; `None` unless the level is above 0 and below 1.
    #[must_use]
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        if !(level > 0.0 && level < 1.0) {
            return None;
        }
        let half = normal_quantile(0.5 + level / 2.0) * self.standard_error?;
        let root = |square: f64| square.clamp(0.0, 1.0).sqrt();
        Some((root(self.corrected_square - half), root(self.corrected_square + half)))
    }
}

/// Distance correlation of two columns of one length over the rows in which both are finite.
///
/// n log n time by the algorithm of Huo and Székely (2016, *Technometrics* 58): all sums over pairs of rows are gathered from rows
/// sorted by one column with a Fenwick tree over the other. About 200 bytes a row. Sums of n² terms are taken of centred values, so that
/// the relative error stays near 1e-12. `None` of fewer than four rows, or when a column is constant.
///
/// # Errors
/// [`CorrelationError::Rows`] when the lengths differ.
pub fn distance_correlation(x: &[f64], y: &[f64]) -> Result<Option<DistanceCorrelation>, CorrelationError> {
    common_length(&[x, y])?;
    let complete = x.iter().zip(y).filter(|(x, y)| x.is_finite() && y.is_finite());
    let (x, y): (Vec<f64>, Vec<f64>) = complete.map(|(&x, &y)| (x, y)).unzip();
    if x.len() < 4 {
        return Ok(None);
    }
    let (Some(x), Some(y)) = (Column::new(&x), Column::new(&y)) else { return Ok(None) };
    let ((xy, xx), yy) = rayon::join(|| rayon::join(|| Sums::of(&x, &y), || Sums::squares(&x)), || Sums::squares(&y));
    let (n, count) = (x.values.len() as f64, x.values.len() as u64);
    let biased = |sums: &Sums| sums.biased(n);
    let scale = (biased(&xx) * biased(&yy)).sqrt();
    let unbiased = [&xy, &xx, &yy].map(|sums| sums.unbiased(n));
    let corrected_square = ratio(unbiased);
    if !corrected_square.is_finite() || scale.is_nan() || scale <= 0.0 {
        return Ok(None);
    }
    let sample = (biased(&xy).max(0.0) / scale).sqrt().min(1.0);
    let standard_error = jackknife(&x, &y, [&xy, &xx, &yy]);
    Ok(Some(DistanceCorrelation { sample, corrected_square, count, standard_error }))
}

fn ratio([xy, xx, yy]: [f64; 3]) -> f64 {
    xy / (xx.sqrt() * yy.sqrt())
}

/// A column scaled to a spread of about 1 around 0, with its order and its distances.
struct Column {
    values: Vec<f64>,
    /// Rows by their values.
    order: Vec<u32>,
    /// The place of each row in that order; equal values have places side by side.
    place: Vec<u32>,
    /// Σ |x_i - x_j| over j for each row i.
    distances: Vec<f64>,
    total: f64,
}

impl Column {
    /// `None` of a constant.
    fn new(values: &[f64]) -> Option<Self> {
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let n = values.len() as f64;
        let mean = values.iter().map(|value| value / largest).sum::<f64>() / n * largest;
        let spread = values.iter().map(|value| (value / 2.0 - mean / 2.0).abs()).fold(0.0, f64::max) * 2.0;
        let noise = 4.0 * f64::EPSILON * largest;
        if !(spread.is_finite() && spread > noise) || u32::try_from(values.len()).is_err() {
            return None;
        }
        let values: Vec<f64> = values.iter().map(|value| (value - mean) / spread).collect();
        let mut order: Vec<u32> = (0..values.len() as u32).collect();
        order.par_sort_unstable_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]).then(a.cmp(&b)));
        let mut place = vec![0; values.len()];
        order.iter().enumerate().for_each(|(at, &row)| place[row as usize] = at as u32);
        let distances = weighted_distances(&values, &order, |_| 1.0);
        let total = distances.iter().sum();
        Some(Self { values, order, place, distances, total })
    }
}

/// Σ_j w_j |x_i - x_j| for each row i. Linear time.
fn weighted_distances(values: &[f64], order: &[u32], weight: impl Fn(usize) -> f64) -> Vec<f64> {
    let (mut all, mut all_x) = (0.0, 0.0);
    for &row in order {
        let w = weight(row as usize);
        all += w;
        all_x += w * values[row as usize];
    }
    let mut found = vec![0.0; values.len()];
    let (mut below, mut below_x) = (0.0, 0.0);
    for &row in order {
        let (row, w) = (row as usize, weight(row as usize));
        let x = values[row];
        // Rows below are nearer to the left, the others to the right.
        found[row] = x * (2.0 * below - all) + all_x - 2.0 * below_x;
        below += w;
        below_x += w * x;
    }
    found
}

/// The sums over pairs of rows that a distance covariance is made of.
struct Sums {
    /// Σ_j a_ij b_ij for each row i.
    products: Vec<f64>,
    product: f64,
    /// Σ_i a_i. b_i.
    rows: f64,
    /// a.. b..
    totals: f64,
}

impl Sums {
    fn of(x: &Column, y: &Column) -> Self {
        let products = products(x, y);
        Self::with(products, x, y)
    }

    /// Of a column with itself, where |x_i - x_j|² needs no tree.
    fn squares(x: &Column) -> Self {
        let n = x.values.len() as f64;
        let (sum, squares) = x.values.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
        let products = x.values.iter().map(|x| n * x * x - 2.0 * x * sum + squares).collect();
        Self::with(products, x, x)
    }

    fn with(products: Vec<f64>, x: &Column, y: &Column) -> Self {
        let product = products.iter().sum();
        let rows = x.distances.iter().zip(&y.distances).map(|(a, b)| a * b).sum();
        Self { products, product, rows, totals: x.total * y.total }
    }

    /// The distance covariance of the sample, squared.
    fn biased(&self, n: f64) -> f64 {
        self.product / (n * n) - 2.0 * self.rows / (n * n * n) + self.totals / (n * n * n * n)
    }

    /// The unbiased estimate of the squared distance covariance.
    fn unbiased(&self, n: f64) -> f64 {
        let sum = self.product - 2.0 * self.rows / (n - 2.0) + self.totals / ((n - 1.0) * (n - 2.0));
        sum / (n * (n - 3.0))
    }
}

/// Σ_j |x_i - x_j| |y_i - y_j| for each row i.
///
/// With rows in the order of x, an earlier row j gives (x_i - x_j)(y_i - y_j) when y_j is below y_i, and the opposite otherwise: so sums of
/// 1, x, y and xy over earlier rows below and over all earlier rows are enough. Later rows are the same from the other end.
fn products(x: &Column, y: &Column) -> Vec<f64> {
    let sweep = |rows: &mut dyn Iterator<Item = u32>, sign: f64| {
        let mut tree = Fenwick::new(x.values.len());
        let mut all = [0.0; 4];
        let mut found = vec![0.0; x.values.len()];
        for row in rows {
            let row = row as usize;
            let (a, b, place) = (x.values[row], y.values[row], y.place[row] as usize);
            let below = tree.sum(place);
            let part = |[one, x, y, xy]: [f64; 4]| a * b * one - a * y - b * x + xy;
            found[row] = sign * (2.0 * part(below) - part(all));
            let terms = [1.0, a, b, a * b];
            tree.add(place, terms);
            all.iter_mut().zip(terms).for_each(|(all, term)| *all += term);
        }
        found
    };
    let (mut earlier, later) =
        rayon::join(|| sweep(&mut x.order.iter().copied(), 1.0), || sweep(&mut x.order.iter().rev().copied(), -1.0));
    earlier.iter_mut().zip(later).for_each(|(sum, more)| *sum += more);
    earlier
}

/// Sums of four numbers over the places below one (Fenwick 1994).
struct Fenwick {
    nodes: Vec<[f64; 4]>,
}

impl Fenwick {
    fn new(places: usize) -> Self {
        Self { nodes: vec![[0.0; 4]; places + 1] }
    }

    /// The sums over the places before `place`.
    fn sum(&self, place: usize) -> [f64; 4] {
        let mut sums = [0.0; 4];
        let mut node = place;
        while node > 0 {
            sums.iter_mut().zip(self.nodes[node]).for_each(|(sum, term)| *sum += term);
            node &= node - 1;
        }
        sums
    }

    fn add(&mut self, place: usize, terms: [f64; 4]) {
        let mut node = place + 1;
        while let Some(sums) = self.nodes.get_mut(node) {
            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            node += node & node.wrapping_neg();
        }
    }
}

/// The standard error of the corrected square by leaving out one row after the other, each in constant time: what a row adds to the sums
/// is known from its own sums.
fn jackknife(x: &Column, y: &Column, sums: [&Sums; 3]) -> Option<f64> {
    let n = x.values.len() as f64;
    if n < 6.0 {
        return None;
    }
    // Σ_j a_ij b_j. and its kind: what leaving out row i takes from the products of the other rows' sums.
    let cross = |of: &Column, weights: &Column| weighted_distances(&of.values, &of.order, |row| weights.distances[row]);
    let ((xy, yx), (xx, yy)) =
        rayon::join(|| rayon::join(|| cross(x, y), || cross(y, x)), || rayon::join(|| cross(x, x), || cross(y, y)));
    let without = |row: usize, sums: &Sums, a: &Column, b: &Column, ab: &[f64], ba: &[f64]| {
        let (a_row, b_row, own) = (a.distances[row], b.distances[row], sums.products[row]);
        let product = sums.product - 2.0 * own;
        let rows = sums.rows - a_row * b_row - ab[row] - ba[row] + own;
        let totals = (a.total - 2.0 * a_row) * (b.total - 2.0 * b_row);
        Sums { products: Vec::new(), product, rows, totals }.unbiased(n - 1.0)
    };
    let left_out: Vec<f64> = (0..x.values.len())
        .map(|row| {
            ratio([
                without(row, sums[0], x, y, &xy, &yx),
                without(row, sums[1], x, x, &xx, &xx),
                without(row, sums[2], y, y, &yy, &yy),
            ])
        })
        .collect();
    let mean = left_out.iter().sum::<f64>() / n;
    let squares = left_out.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    Some(((n - 1.0) / n * squares).sqrt()).filter(|error| error.is_finite())
}
