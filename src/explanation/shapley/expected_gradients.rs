//! Expected gradients: the derivatives on the way from rows of the background to a row, times the length of the way.
//!
//! `phi = E_{b, a} [(x - b) df(b + a (x - b)) / dx]` over rows `b` of the background and `a` from 0 to 1 (Erion et al.
//! 2021, *Improving performance of deep learning models with axiomatic attribution priors and expected gradients*): the
//! values of Aumann and Shapley of the game of [`super::exact`], which are those of Shapley where columns do not
//! interact. All rows of the background are used, and for each the way is cut into steps with one random point in each,
//! which errs far less than points drawn anywhere on it.
//!
//! Time: `background * steps` derivatives for each row.

use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Attributions, Plain, standard_error};
use crate::explanation::error::{Error, expect};
use crate::explanation::model::Differentiable;
use crate::explanation::rows::{Group, Rows, rows_together};

/// How much is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GradientOptions {
    /// Steps on the way from each row of the background.
    pub steps: usize,
    /// Decides the points.
    pub seed: u64,
}

impl Default for GradientOptions {
    fn default() -> Self {
        Self { steps: 8, seed: 0 }
    }
}

/// The values of the rows. The standard errors are those of the background as a sample; how far the steps err shows in
/// [`Attributions::gaps`].
///
/// Errors: no row, no background, no step, no such output, and those of the model.
pub fn expected_gradients(
    model: &dyn Differentiable,
    rows: &Rows,
    background: &Rows,
    groups: &[Group],
    output: usize,
    options: &GradientOptions,
) -> Result<Attributions, Error> {
    let steps = options.steps;
    if steps == 0 {
        return Err(Error::Option("at least one step is needed".to_owned()));
    }
    let known = background.len();
    let mut found = Attributions::new(rows.len(), groups.len(), Plain::of(model, rows, background, output)?);
    for row in 0..rows.len() {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(row as u64);
        // For each row of the background the value that it gives to each column.
        let mut values = Array2::<f64>::zeros((known, groups.len()));
        let together = (rows_together(rows) / steps).max(1);
        for start in (0..known).step_by(together) {
            let count = together.min(known - start);
            let mut points = rows.zeros(count * steps);
            for i in 0..count * steps {
                let share = ((i % steps) as f32 + rng.random::<f32>()) / steps as f32;
                let from = start + i / steps;
                for ((points, x), b) in points.blocks_mut().iter_mut().zip(rows.blocks()).zip(background.blocks()) {
                    let ends = x.row(row).into_iter().zip(b.row(from));
                    for (point, (x, b)) in points.row_mut(i).iter_mut().zip(ends) {
                        *point = b + share * (x - b);
                    }
                }
            }
            let gradients = model.gradients(&points.views(), output)?;
            expect("the derivatives", gradients.len(), rows.blocks().len())?;
            for (column, group) in groups.iter().enumerate() {
                for place in &group.places {
                    let at = |table: &[Array2<f32>], row: usize| {
                        table.get(place.block).and_then(|block| block.get((row, place.at))).map(|v| f64::from(*v))
                    };
                    let Some(x) = at(rows.blocks(), row) else { continue };
                    for i in 0..count * steps {
                        let from = start + i / steps;
                        let (Some(b), Some(slope)) = (at(background.blocks(), from), at(&gradients, i)) else {
                            continue;
                        };
                        if !slope.is_finite() {
                            return Err(Error::NotFinite);
                        }
                        values[[from, column]] += slope * (x - b) / steps as f64;
                    }
                }
            }
        }
        for (column, values) in values.columns().into_iter().enumerate() {
            let (sum, square) = values.iter().fold((0.0, 0.0), |(sum, square), v| (sum + v, square + v * v));
            found.values[[row, column]] = sum / known as f64;
            found.errors[[row, column]] = standard_error(sum, square, known as f64);
        }
    }
    Ok(found)
}
