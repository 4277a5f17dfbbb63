//! Values by random orders of the columns, for any model.
//!
//! Starting from a row of the background, the columns take the values of the row one after the other in a random order;
//! what a column changes is one draw of its value (Castro, Gómez & Tejada 2009; Štrumbelj & Kononenko 2014). Each order
//! is also walked backwards, which takes out much of the variance (Mitchell et al. 2022). The changes of one walk add up
//! to the difference of both predictions, so values add up exactly as soon as every row of the background was used
//! equally often: the number of walks is rounded up to that.
//!
//! Time: `2 (columns + 1)` predictions for each row and walk.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Attributions, Plain};
use crate::explanation::error::Error;
use crate::explanation::model::Predictor;
use crate::explanation::rows::{Group, Rows, predict_made};

/// How much is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampledOptions {
    /// Orders for each row of the background, each walked forwards and backwards.
    pub orders: usize,
    /// Decides the orders.
    pub seed: u64,
}

impl Default for SampledOptions {
    fn default() -> Self {
        Self { orders: 1, seed: 0 }
    }
}

/// The values of the rows with their standard errors.
///
/// Errors: no row, no background, no order, no such output, and those of the model.
pub fn sampled(
    model: &dyn Predictor,
    rows: &Rows,
    background: &Rows,
    groups: &[Group],
    output: usize,
    options: &SampledOptions,
) -> Result<Attributions, Error> {
    if options.orders == 0 {
        return Err(Error::Option("at least one order of the columns is needed".to_owned()));
    }
    let d = groups.len();
    let mut found = Attributions::new(rows.len(), d, Plain::of(model, rows, background, output)?);
    let walks = background.len() * options.orders;
    // A walk forwards has d + 1 stations, from the background to the row; so has the one backwards.
    let stations = 2 * (d + 1);
    for row in 0..rows.len() {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(row as u64);
        let orders: Vec<Vec<usize>> = (0..walks)
            .map(|_| {
                let mut order: Vec<usize> = (0..d).collect();
                order.shuffle(&mut rng);
                order
            })
            .collect();
        let said = predict_made(model, rows, walks * stations, |made, at, i| {
            let (walk, station) = (i / stations, i % stations);
            made.copy_row(at, background, walk % background.len());
            let order = orders.get(walk).map_or(&[][..], Vec::as_slice);
            let backwards = station > d;
            let taken = if backwards { station - d - 1 } else { station };
            let first = order.iter().take(if backwards { 0 } else { taken });
            let last = order.iter().rev().take(if backwards { taken } else { 0 });
            first.chain(last).filter_map(|column| groups.get(*column)).for_each(|group| {
                made.copy_group(at, group, rows, row);
            });
        })?;
        let said = said.column(output).to_vec();
        let (mut sums, mut squares) = (vec![0.0; d], vec![0.0; d]);
        for (said, order) in said.chunks_exact(stations).zip(&orders) {
            let (forwards, backwards) = said.split_at(d + 1);
            for (at, column) in order.iter().enumerate() {
                // The mean of both ways is one draw.
                let change = (step(forwards, at) + step(backwards, d - 1 - at)) / 2.0;
                if let (Some(sum), Some(square)) = (sums.get_mut(*column), squares.get_mut(*column)) {
                    *sum += change;
                    *square += change * change;
                }
            }
        }
        let n = walks as f64;
        for (column, (sum, square)) in sums.iter().zip(&squares).enumerate() {
            found.values[[row, column]] = sum / n;
            found.errors[[row, column]] = super::standard_error(*sum, *square, n);
        }
    }
    Ok(found)
}

/// What the column at that place of a walk changed.
fn step(said: &[f64], at: usize) -> f64 {
    said.get(at + 1).zip(said.get(at)).map_or(0.0, |(after, before)| after - before)
}
