//! Expected gradients: the derivatives on the way from rows of the background to a row, times the length of the way.
//!
//! `phi = E_{b, a} [(x - b) df(b + a (x - b)) / dx]` over rows `b` of the background and `a` from 0 to 1 (Erion et al.
//! 2021, *Improving performance of deep learning models with axiomatic attribution priors and expected gradients*): the
//! values of Aumann and Shapley of the game of [`super::exact`], which are those of Shapley where columns do not
//! interact. All rows of the background are used, and for each the way is cut into steps with one random point in each,
//! which errs far less than points drawn anywhere on it.
//!
//! Time: `background * steps` derivatives for each row. Rows are looked at by all threads, each with draws of its own.

use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

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

/// The values of the rows. A number may belong to several of the `groups`; the values of groups that have each number once
/// add up. The standard errors are those of the background as a sample; how far the steps err shows in
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
    let mut found = Attributions::new(rows.len(), groups.len(), Plain::of(model, rows, background, output)?);
    let way = Way { model, rows, background, members: members(groups, rows), groups: groups.len(), output, options };
    let of_rows: Vec<(Vec<f64>, Vec<f64>)> =
        (0..rows.len()).into_par_iter().map(|row| way.values(row)).collect::<Result<_, Error>>()?;
    for (row, (values, errors)) in of_rows.into_iter().enumerate() {
        found.values.row_mut(row).iter_mut().zip(values).for_each(|(to, value)| *to = value);
        found.errors.row_mut(row).iter_mut().zip(errors).for_each(|(to, error)| *to = error);
    }
    Ok(found)
}

/// For each input the numbers that belong to a group, with that group.
fn members(groups: &[Group], rows: &Rows) -> Vec<Vec<(usize, usize)>> {
    let mut members = vec![Vec::new(); rows.blocks().len()];
    for (number, group) in groups.iter().enumerate() {
        for place in &group.places {
            let width = rows.blocks().get(place.block).map_or(0, Array2::ncols);
            if let Some(of_block) = members.get_mut(place.block).filter(|_| place.at < width) {
                of_block.push((place.at, number));
            }
        }
    }
    members
}

/// What is asked for each row.
struct Way<'a> {
    model: &'a dyn Differentiable,
    rows: &'a Rows,
    background: &'a Rows,
    members: Vec<Vec<(usize, usize)>>,
    groups: usize,
    output: usize,
    options: &'a GradientOptions,
}

impl Way<'_> {
    /// The values of a row and their standard errors.
    fn values(&self, row: usize) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let (known, steps) = (self.background.len(), self.options.steps);
        let mut rng = ChaCha8Rng::seed_from_u64(self.options.seed);
        rng.set_stream(row as u64);
        // The sum and the sum of squares over the rows of the background, and the value that one of them gives.
        let (mut sums, mut squares) = (vec![0.0; self.groups], vec![0.0; self.groups]);
        let mut given = vec![0.0; self.groups];
        let together = (rows_together(self.rows) / steps).max(1);
        for start in (0..known).step_by(together) {
            let count = together.min(known - start);
            let mut points = self.rows.zeros(count * steps);
            for i in 0..count * steps {
                let share = ((i % steps) as f32 + rng.random::<f32>()) / steps as f32;
                let blocks = points.blocks_mut().iter_mut().zip(self.rows.blocks()).zip(self.background.blocks());
                for ((points, x), b) in blocks {
                    let ends = x.row(row).into_iter().zip(b.row(start + i / steps));
                    for (point, (x, b)) in points.row_mut(i).iter_mut().zip(ends) {
                        *point = b + share * (x - b);
                    }
                }
            }
            let gradients = self.model.gradients(&points.views(), self.output)?;
            expect("the derivatives", gradients.len(), self.rows.blocks().len())?;
            for (block, slopes) in gradients.iter().enumerate() {
                expect("the derivatives of an input", slopes.nrows(), count * steps)?;
                expect("the derivatives of a row", slopes.ncols(), self.rows.blocks()[block].ncols())?;
            }
            for from in 0..count {
                given.fill(0.0);
                for (block, slopes) in gradients.iter().enumerate() {
                    let (x, b) =
                        (self.rows.blocks()[block].row(row), self.background.blocks()[block].row(start + from));
                    for (at, group) in &self.members[block] {
                        let slope: f64 =
                            (from * steps..(from + 1) * steps).map(|point| f64::from(slopes[[point, *at]])).sum();
                        given[*group] += slope / steps as f64 * (f64::from(x[*at]) - f64::from(b[*at]));
                    }
                }
                for ((given, sum), square) in given.iter().zip(&mut sums).zip(&mut squares) {
                    if !given.is_finite() {
                        return Err(Error::NotFinite);
                    }
                    *sum += given;
                    *square += given * given;
                }
            }
        }
        let n = known as f64;
        let errors = sums.iter().zip(&squares).map(|(sum, square)| standard_error(*sum, *square, n)).collect();
        sums.iter_mut().for_each(|sum| *sum /= n);
        Ok((sums, errors))
    }
}
