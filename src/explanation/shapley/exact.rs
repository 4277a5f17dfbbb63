//! Exact values by asking the model about all subsets of the columns.
//!
//! The value of column `j` of `d` columns is the sum over the subsets `S` without it of
//! `|S|! (d - |S| - 1)! / d! (v(S + j) - v(S))`, where `v(S)` is the mean prediction when the columns of `S` come from
//! the row and the others from the rows of the background (Shapley 1953).
//!
//! Time: `2^d` predictions for each row and row of the background.

use super::{Attributions, Plain};
use crate::explanation::error::Error;
use crate::explanation::model::Predictor;
use crate::explanation::rows::{Group, Rows, predict_made};

/// The most columns.
pub const MOST_COLUMNS: usize = 12;

/// The values of the rows, exact for this background.
///
/// Errors: more than [`MOST_COLUMNS`] columns, no row, no background, no such output, and those of the model.
pub fn exact(
    model: &dyn Predictor,
    rows: &Rows,
    background: &Rows,
    groups: &[Group],
    output: usize,
) -> Result<Attributions, Error> {
    let d = groups.len();
    if d > MOST_COLUMNS {
        return Err(Error::TooManyColumns { columns: d, most: MOST_COLUMNS });
    }
    let mut found = Attributions::new(rows.len(), d, Plain::of(model, rows, background, output)?);
    let (subsets, known) = (1_usize << d, background.len());
    let weights = weights(d);
    for row in 0..rows.len() {
        let said = predict_made(model, rows, subsets * known, |made, at, i| {
            let (subset, from) = (i / known, i % known);
            made.copy_row(at, background, from);
            let members = groups.iter().enumerate().filter(|(column, _)| subset >> column & 1 == 1);
            members.for_each(|(_, group)| made.copy_group(at, group, rows, row));
        })?;
        let said = said.column(output).to_vec();
        let worth: Vec<f64> =
            said.chunks_exact(known).map(|subset| subset.iter().sum::<f64>() / known as f64).collect();
        for column in 0..d {
            let without = (0..subsets).filter(|subset| subset >> column & 1 == 0);
            let value = without.filter_map(|subset| {
                let weight = weights.get(subset.count_ones() as usize)?;
                Some(weight * (worth.get(subset | 1 << column)? - worth.get(subset)?))
            });
            found.values[[row, column]] = value.sum();
        }
    }
    Ok(found)
}

/// The weight of a subset by its size.
fn weights(d: usize) -> Vec<f64> {
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    (0..d).map(|size| factorial(size) * factorial(d - size - 1) / factorial(d)).collect()
}
