//! Exact values of a linear model: the weight of each number times its distance from the mean of the background.
//!
//! For `f(x) = w x + c` the value of a column is the sum of `w (x - mean b)` over its numbers (Lundberg & Lee 2017,
//! corollary 1). The weights are the derivatives, which are the same everywhere.
//!
//! Time: one derivative, and one product for each row.

use super::{Attributions, Plain};
use crate::explanation::error::{Error, expect};
use crate::explanation::model::Differentiable;
use crate::explanation::rows::{Group, Rows};

/// The values of the rows. For a model that is not linear they are wrong, which [`Attributions::gaps`] shows.
///
/// Errors: no row, no background, no such output, and those of the model.
pub fn linear(
    model: &dyn Differentiable,
    rows: &Rows,
    background: &Rows,
    groups: &[Group],
    output: usize,
) -> Result<Attributions, Error> {
    let mut found = Attributions::new(rows.len(), groups.len(), Plain::of(model, rows, background, output)?);
    let weights = model.gradients(&background.take(&[0]).views(), output)?;
    expect("the derivatives", weights.len(), rows.blocks().len())?;
    for (column, group) in groups.iter().enumerate() {
        for place in &group.places {
            let weight = weights.get(place.block).and_then(|block| block.get((0, place.at)));
            let (Some(weight), Some(known), Some(block)) =
                (weight, background.blocks().get(place.block), rows.blocks().get(place.block))
            else {
                continue;
            };
            if place.at >= known.ncols() {
                continue;
            }
            let mean = known.column(place.at).iter().map(|v| f64::from(*v)).sum::<f64>() / known.nrows() as f64;
            for (row, value) in block.column(place.at).iter().enumerate() {
                found.values[[row, column]] += f64::from(*weight) * (f64::from(*value) - mean);
            }
        }
    }
    Ok(found)
}
