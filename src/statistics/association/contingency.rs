use rustc_hash::FxHashMap;

use crate::statistics::distributions::{chi_squared, noncentrality, normal};
use crate::statistics::special::deviance;

/// The code of a missing category: pairs with it are left out.
pub const MISSING: u32 = u32::MAX;

/// Counts of pairs of categories, which are numbered from 0. Memory grows with the number of different pairs.
#[derive(Debug, Clone, Default)]
pub struct Contingency {
    cells: FxHashMap<(u32, u32), u64>,
}

impl Contingency {
    /// No pairs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one pair, unless one of the two is [`MISSING`].
    pub fn push(&mut self, row: u32, column: u32) {
        if row != MISSING && column != MISSING {
            *self.cells.entry((row, column)).or_default() += 1;
        }
    }

    /// Adds the pairs of two columns. When one is longer, what it has more is left out.
    pub fn extend(&mut self, rows: &[u32], columns: &[u32]) {
        rows.iter().zip(columns).for_each(|(&row, &column)| self.push(row, column));
    }

    /// Joins the counts of another table, whose categories have the same numbers.
    pub fn merge(&mut self, other: &Self) {
        other.cells.iter().for_each(|(&pair, &count)| *self.cells.entry(pair).or_default() += count);
    }

    /// Different pairs.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Pairs in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.cells.values().sum()
    }

    /// Cramér's V with what its p-value rests on; `None` when a side has fewer than two categories.
    #[must_use]
    pub fn cramers_v(&self) -> Option<CramersV> {
        let table = self.margins()?;
        let statistic = table.chi_squared();
        let (n, r, k) = (table.n, table.rows.len() as f64, table.columns.len() as f64);
        let phi = statistic / n;
        let fewer = r.min(k) - 1.0;
        let corrected_phi = (phi - (r - 1.0) * (k - 1.0) / (n - 1.0)).max(0.0);
        let corrected = |size: f64| size - (size - 1.0).powi(2) / (n - 1.0);
        let corrected_fewer = corrected(r).min(corrected(k)) - 1.0;
        let v = if corrected_fewer > 0.0 { (corrected_phi / corrected_fewer).sqrt().min(1.0) } else { 0.0 };
        Some(CramersV {
            v,
            uncorrected: (phi / fewer).sqrt().min(1.0),
            chi_squared: statistic,
            degrees: (r - 1.0) * (k - 1.0),
            count: table.n as u64,
            fewer,
            least_expected: table.least_expected(),
        })
    }

    /// Mutual information in nats; `None` when a side has fewer than two categories.
    #[must_use]
    pub fn mutual_information(&self) -> Option<MutualInformation> {
        let table = self.margins()?;
        let n = table.n;
        let (mut sum, mut squares) = (0.0, 0.0);
        for &((row, column), count) in &table.cells {
            // ln(p_ij / (p_i p_j)) without losing digits where the two are nearly equal.
            let expected = table.rows[&row] * table.columns[&column] / n;
            let log = ((count - expected) / expected).ln_1p();
            // Terms that are nearly 0 together are summed as what is left of n_ij ln(n_ij / e) - n_ij + e.
            sum += deviance(count, expected);
            squares += count / n * log * log;
        }
        // The terms -n_ij + e sum to minus the expected counts of empty cells.
        let observed: f64 =
            table.cells.iter().map(|((row, column), _)| table.rows[row] * table.columns[column] / n).sum();
        let all_cells = table.cells.len() == table.rows.len() * table.columns.len();
        let empty = if all_cells { 0.0 } else { n - observed };
        let information = ((sum + empty) / n).max(0.0);
        let entropy = |margin: &FxHashMap<u32, f64>| {
            let mut counts: Vec<f64> = margin.values().copied().collect();
            counts.sort_by(f64::total_cmp);
            counts.iter().map(|count| -count / n * (count / n).ln()).sum::<f64>()
        };
        let (r, k) = (table.rows.len() as f64, table.columns.len() as f64);
        Some(MutualInformation {
            information,
            bias: (r - 1.0) * (k - 1.0) / (2.0 * n),
            entropies: (entropy(&table.rows), entropy(&table.columns)),
            degrees: (r - 1.0) * (k - 1.0),
            count: n as u64,
            variance: (squares - information * information).max(0.0) / n,
            least_expected: table.least_expected(),
        })
    }

    fn margins(&self) -> Option<Margins> {
        let mut cells: Vec<((u32, u32), f64)> = self.cells.iter().map(|(&pair, &count)| (pair, count as f64)).collect();
        // A fixed order of summation, whatever the order in which pairs came.
        cells.sort_unstable_by_key(|&(pair, _)| pair);
        let (mut rows, mut columns) = (FxHashMap::default(), FxHashMap::default());
        let mut n = 0.0;
        for &((row, column), count) in &cells {
            *rows.entry(row).or_default() += count;
            *columns.entry(column).or_default() += count;
            n += count;
        }
        (rows.len() > 1 && columns.len() > 1).then_some(Margins { cells, rows, columns, n })
    }
}

/// A table with its sums.
struct Margins {
    cells: Vec<((u32, u32), f64)>,
    rows: FxHashMap<u32, f64>,
    columns: FxHashMap<u32, f64>,
    n: f64,
}

impl Margins {
    /// Pearson's chi-squared; empty cells add what is expected of them.
    fn chi_squared(&self) -> f64 {
        let (mut sum, mut expected_observed) = (0.0, 0.0);
        for &((row, column), count) in &self.cells {
            let expected = self.rows[&row] * self.columns[&column] / self.n;
            sum += (count - expected).powi(2) / expected;
            expected_observed += expected;
        }
        let all_cells = self.cells.len() == self.rows.len() * self.columns.len();
        sum + if all_cells { 0.0 } else { (self.n - expected_observed).max(0.0) }
    }

    fn least_expected(&self) -> f64 {
        let least = |margin: &FxHashMap<u32, f64>| margin.values().copied().fold(f64::INFINITY, f64::min);
        least(&self.rows) * least(&self.columns) / self.n
    }
}

/// Cramér's V: 0 of independent categories, 1 when each tells the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CramersV {
    /// With the bias correction of Bergsma (2013): around 0 of independent categories, however many there are.
    pub v: f64,
    /// As Cramér defined it: above 0 by chance, the more so the more categories there are.
    pub uncorrected: f64,
    /// Pearson's chi-squared.
    pub chi_squared: f64,
    /// Its degrees of freedom.
    pub degrees: f64,
    /// Number of pairs.
    pub count: u64,
    /// The smaller number of categories minus 1.
    fewer: f64,
    /// The smallest expected count of a cell: below about 5 the p-value is rough.
    pub least_expected: f64,
}

impl CramersV {
    /// The p-value of independence by Pearson's chi-squared test, an approximation for expected counts of about 5 and more.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        Some(chi_squared::sf(self.chi_squared, self.degrees)).filter(|p| p.is_finite())
    }

    /// The confidence interval of V: the noncentralities under which the observed chi-squared is just not too large or too small.
    /// `None` unless the level is above 0 and below 1.
    #[must_use]
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        let (low, high) = noncentrality::chi_squared_interval(self.chi_squared, self.degrees, level)?;
        let v = |noncentrality: f64| (noncentrality / (self.count as f64 * self.fewer)).sqrt().min(1.0);
        Some((v(low), v(high)))
    }
}

/// How much knowing one category tells of the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MutualInformation {
    /// In nats (a bit is 0.693 nats), as counted: too large by about `bias`.
    pub information: f64,
    /// By how much chance alone raises it in the mean: (r - 1)(k - 1) / 2n (Miller 1955).
    pub bias: f64,
    /// The entropies of the two sides, in nats. The smaller one is the most that the information can be.
    pub entropies: (f64, f64),
    /// Degrees of freedom of the test of independence.
    pub degrees: f64,
    /// Number of pairs.
    pub count: u64,
    /// The smallest expected count of a cell: below about 5 interval and p-value are rough.
    pub least_expected: f64,
    variance: f64,
}

impl MutualInformation {
    /// The information less its bias, 0 where that is below 0.
    #[must_use]
    pub fn corrected(&self) -> f64 {
        (self.information - self.bias).max(0.0)
    }

    /// The variance of the information as counted, away from independence (Basharin 1959).
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// The p-value of independence by the likelihood ratio test: 2n times the information against chi-squared (Wilks 1938).
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        Some(chi_squared::sf(2.0 * self.count as f64 * self.information, self.degrees)).filter(|p| p.is_finite())
    }

    /// The confidence interval around the corrected information by its normal approximation (Basharin 1959), which is rough near
    /// independence; `None` unless the level is above 0 and below 1.
    #[must_use]
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        if !(level > 0.0 && level < 1.0) {
            return None;
        }
        let half = normal::upper_quantile((1.0 - level) / 2.0) * self.variance.sqrt();
        let most = self.entropies.0.min(self.entropies.1);
        Some(((self.corrected() - half).max(0.0), (self.corrected() + half).min(most)))
    }
}
