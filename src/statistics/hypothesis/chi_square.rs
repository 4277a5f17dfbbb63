//! Pearson's chi-square tests: do two categories go together, and do counts follow given shares?

use super::{Alternative, Measured, Tested, Undefined, proportions};
use crate::statistics::distributions::{chi_squared, noncentrality};

/// A table of counts by row and column.
#[derive(Debug, Clone)]
pub struct Crosstab {
    counts: Vec<f64>,
    columns: usize,
    by_row: Vec<f64>,
    by_column: Vec<f64>,
    n: f64,
}

impl Crosstab {
    /// A table of `counts`, row by row. Rows and columns without any count are no categories and are left out.
    ///
    /// Errors: fewer than two rows or columns remain.
    pub fn new(counts: &[f64], columns: usize) -> Result<Self, Undefined> {
        let rows: Vec<&[f64]> =
            counts.chunks_exact(columns.max(1)).filter(|row| row.iter().sum::<f64>() > 0.0).collect();
        let mut by_column = vec![0.0; columns];
        for row in &rows {
            by_column.iter_mut().zip(*row).for_each(|(sum, count)| *sum += count);
        }
        let kept: Vec<bool> = by_column.iter().map(|sum| *sum > 0.0).collect();
        by_column.retain(|sum| *sum > 0.0);
        if rows.len() < 2 || by_column.len() < 2 {
            return Undefined::because("one of the columns has fewer than two values");
        }
        let counts =
            rows.iter().flat_map(|row| row.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(count, _)| *count));
        let by_row: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
        let n = by_row.iter().sum();
        Ok(Self { counts: counts.collect(), columns: by_column.len(), by_row, by_column, n })
    }

    /// Number of rows and columns.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        (self.by_row.len(), self.columns)
    }

    /// All that was counted.
    #[must_use]
    pub fn n(&self) -> f64 {
        self.n
    }

    fn expected(&self) -> impl Iterator<Item = f64> {
        self.by_row.iter().flat_map(move |row| self.by_column.iter().map(move |column| row * (column / self.n)))
    }

    /// The least count that is expected, and the share of cells that expect less than 5 (Cochran 1954).
    #[must_use]
    pub fn sparseness(&self) -> (f64, f64) {
        let least = self.expected().fold(f64::INFINITY, f64::min);
        (least, self.expected().filter(|expected| *expected < 5.0).count() as f64 / self.counts.len() as f64)
    }

    /// The cells as (found, expected, adjusted standardized residual), row by row (Haberman 1973).
    pub fn cells(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        self.counts.iter().zip(self.expected()).enumerate().map(|(at, (found, expected))| {
            let row = self.by_row.get(at / self.columns).copied().unwrap_or(f64::NAN);
            let column = self.by_column.get(at % self.columns).copied().unwrap_or(f64::NAN);
            let deviation = (expected * (1.0 - row / self.n) * (1.0 - column / self.n)).sqrt();
            (*found, expected, (found - expected) / deviation)
        })
    }

    /// How many times as frequent the second column is in the second row as in the first, and its odds, see [`proportions::ratios`]; nothing but
    /// for two by two.
    #[must_use]
    pub fn ratios(&self, alternative: Alternative, confidence: f64) -> Vec<Measured> {
        match (self.shape(), self.counts.as_slice()) {
            ((2, 2), &[a, b, c, d]) => {
                let of = |no: f64, yes: f64| (yes as u64, (no + yes) as u64);
                proportions::ratios(of(c, d), of(a, b), alternative, confidence)
            }
            _ => Vec::new(),
        }
    }

    /// The chi-square test of independence (Pearson 1900), for two by two with Yates' correction when asked. Effect: Cramér's V, with the
    /// interval of the noncentrality (Smithson 2003); beside it [`ratios`](Self::ratios).
    pub fn independence(&self, yates: bool, confidence: f64) -> Result<Tested, Undefined> {
        let (rows, columns) = self.shape();
        let degrees = ((rows - 1) * (columns - 1)) as f64;
        let corrected = yates && degrees == 1.0;
        let distance = |shift: f64| {
            let of = |(found, expected): (&f64, f64)| {
                let away = (found - expected).abs();
                let away = away - shift.min(away);
                away * away / expected
            };
            self.counts.iter().zip(self.expected()).map(of).sum::<f64>()
        };
        let plain = distance(0.0);
        let statistic = if corrected { distance(0.5) } else { plain };
        let mut tested = Tested::new("chi-square", statistic, &[degrees], chi_squared::sf(statistic, degrees));
        tested.how = corrected.then(|| "with Yates' correction".to_owned());
        let scale = self.n * (rows.min(columns) - 1) as f64;
        let interval = noncentrality::chi_squared_interval(plain, degrees, confidence)
            .map(|(low, high)| ((low / scale).sqrt(), (high / scale).sqrt().min(1.0)));
        tested.effect = Some(Measured::new("Cramér's V", (plain / scale).sqrt(), interval));
        tested.also = self.ratios(Alternative::TwoSided, confidence);
        tested.checked()
    }
}

/// Do `counts` follow `shares` (positive, adding up to anything)? Effect: Cohen's w.
pub fn goodness_of_fit(counts: &[f64], shares: &[f64], confidence: f64) -> Result<Tested, Undefined> {
    let (n, all): (f64, f64) = (counts.iter().sum(), shares.iter().sum());
    if counts.len() < 2 || n <= 0.0 {
        return Undefined::because("there are fewer than two categories or no rows");
    }
    let statistic: f64 = counts
        .iter()
        .zip(shares)
        .map(|(found, share)| {
            let expected = share / all * n;
            (found - expected) * (found - expected) / expected
        })
        .sum();
    let degrees = counts.len() as f64 - 1.0;
    let mut tested = Tested::new("chi-square", statistic, &[degrees], chi_squared::sf(statistic, degrees));
    let interval = noncentrality::chi_squared_interval(statistic, degrees, confidence)
        .map(|(low, high)| ((low / n).sqrt(), (high / n).sqrt()));
    tested.effect = Some(Measured::new("Cohen's w", (statistic / n).sqrt(), interval));
    tested.checked()
}
