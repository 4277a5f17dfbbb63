use rayon::prelude::*;

use super::{Correlation, CorrelationError, CorrelationTable, PearsonMatrix, common_length};

/// The rank of each value, counted from 1. Equal values share the average of their ranks; NaN has the rank NaN.
///
/// n log n time.
#[must_use]
pub fn average_ranks(values: &[f64]) -> Vec<f64> {
    ranks_among(&sorted_rows(values), values, |_| true)
}

/// The rows that are not NaN, by their values.
fn sorted_rows(values: &[f64]) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..values.len()).filter(|&row| !values[row].is_nan()).collect();
    rows.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    rows
}

/// The average ranks of `values` among the rows to keep, from all rows by their values; NaN elsewhere. Linear time.
fn ranks_among(sorted: &[usize], values: &[f64], keep: impl Fn(usize) -> bool) -> Vec<f64> {
    let kept: Vec<usize> = sorted.iter().copied().filter(|&row| keep(row)).collect();
    let mut ranks = vec![f64::NAN; values.len()];
    let mut before = 0;
    for tied in kept.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|&row| ranks[row] = rank);
        before += tied.len();
    }
    ranks
}

/// Spearman's rank correlation of two columns of one length, over the rows in which neither is NaN; `None` as for
/// Pearson's.
///
/// # Errors
/// [`CorrelationError::Rows`] when the lengths differ.
pub fn spearman(x: &[f64], y: &[f64]) -> Result<Option<Correlation>, CorrelationError> {
    Ok(spearman_matrix(&[x, y])?.get(0, 1))
}

/// Spearman's rank correlation of every two columns.
///
/// n log n time for each column and linear time for each pair; a pair in which a column has NaN takes longer, because its
/// ranks depend on the rows that are left. Memory is 16 bytes a value.
///
/// # Errors
/// [`CorrelationError::Rows`] when the lengths differ.
pub fn spearman_matrix(columns: &[&[f64]]) -> Result<CorrelationTable, CorrelationError> {
    common_length(columns)?;
    let sorted: Vec<Vec<usize>> = columns.par_iter().map(|column| sorted_rows(column)).collect();
    let ranks_where = |i: usize, other: &[f64]| ranks_among(&sorted[i], columns[i], |row| !other[row].is_nan());
    let ranks: Vec<Vec<f64>> = (0..columns.len()).into_par_iter().map(|i| ranks_where(i, columns[i])).collect();
    let slices: Vec<&[f64]> = ranks.iter().map(Vec::as_slice).collect();
    let mut table = pearson_table(&slices)?;
    let complete: Vec<bool> = columns.iter().zip(&sorted).map(|(column, rows)| column.len() == rows.len()).collect();
    let pairs: Vec<(usize, usize)> = (0..columns.len()).flat_map(|i| (0..=i).map(move |j| (i, j))).collect();
    table.cells.par_iter_mut().zip(pairs).filter(|(_, (i, j))| !complete[*i] || !complete[*j]).try_for_each(
        |(found, (i, j))| {
            let (x, y) = (ranks_where(i, columns[j]), ranks_where(j, columns[i]));
            *found = pearson_table(&[&x, &y])?.get(0, 1);
            Ok(())
        },
    )?;
    Ok(table)
}

fn pearson_table(columns: &[&[f64]]) -> Result<CorrelationTable, CorrelationError> {
    let mut matrix = PearsonMatrix::new(columns.len());
    matrix.extend(columns)?;
    Ok(matrix.table())
}
