//! Why a model says what it says: which columns it looks at, how they move its predictions, and what spoke for and
//! against a single row.
//!
//! None of it says what would happen in the world if a value were changed: it tells about the model, not about causes.
//!
//! ```
//! use gristmill::explanation::{Error, Group, Judged, PermutationOptions, Predictor, Rows, permutation_importance};
//! use ndarray::{Array2, ArrayView2, array};
//!
//! /// A model that looks at the first of two columns alone.
//! struct First;
//! impl Predictor for First {
//!     fn predict(&self, rows: &[ArrayView2<'_, f32>]) -> Result<Array2<f64>, Error> {
//!         Ok(Array2::from_shape_fn((rows[0].nrows(), 1), |(row, _)| f64::from(rows[0][[row, 0]])))
//!     }
//! }
//!
//! let rows = Rows::new(vec![array![[1.0, 5.0], [2.0, 9.0], [3.0, 2.0], [4.0, 4.0]]])?;
//! let truth = [1.0, 2.0, 3.0, 4.0];
//! let error = move |said: ArrayView2<'_, f64>| -> Judged<'static> {
//!     let errors: Vec<f64> = said.iter().zip(truth).map(|(said, truth)| (said - truth).abs()).collect();
//!     Box::new(move |counts| Some(errors.iter().zip(counts).map(|(error, n)| error * f64::from(*n)).sum()))
//! };
//! let columns = [Group::range("a", 0, 0..1), Group::range("b", 0, 1..2)];
//! let options = PermutationOptions { higher_is_better: false, ..PermutationOptions::default() };
//! let found = permutation_importance(&First, &rows, &columns, &error, &options)?;
//! assert!(found.columns[0].value > 0.0 && found.columns[1].value == 0.0);
//! # Ok::<(), Error>(())
//! ```
//!
//! | where | what |
//! |---|---|
//! | [`Predictor`], [`Differentiable`] | what is asked of a model |
//! | [`Rows`], [`Group`] | rows as the model reads them, and which numbers were made of which column |
//! | [`permutation_importance`] | how much worse the model gets when a column is shuffled |
//! | [`dependence`] | what it says along the values of a column |
//! | [`shapley`] | by how much each column moves the prediction of a row: exact, sampled, by gradients |
//! | [`saliency`], [`grad_cam`] | which parts of an image or spectrogram count |
//! | [`occlusion`], [`integrated_gradients`] | which words of a text or steps of a sequence count |
//! | [`neighbours`] | the nearest known rows of which the model says something else |
//!
//! It knows no dataframe and no network: whoever has a model implements the traits.

mod dependence;
mod error;
pub mod grad_cam;
pub mod integrated_gradients;
mod model;
pub mod neighbours;
pub mod occlusion;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod oracle;
mod permutation;
mod rows;
pub mod saliency;
pub mod shapley;

pub use dependence::{Dependence, dependence, quantile_rows};
pub use error::Error;
pub use model::{Differentiable, Predictor};
pub use permutation::{Importance, Judged, Metric, PermutationImportance, PermutationOptions, permutation_importance};
pub use rows::{Group, Place, Rows, predictions};

/// A quantile of ascending values, linear between them (Hyndman & Fan 1996, type 7); none of no values.
fn quantile(sorted: &[f64], probability: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = probability.clamp(0.0, 1.0) * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the last place")]
    let below = (at.floor() as usize).min(last);
    let (low, high) = (sorted.get(below)?, sorted.get((below + 1).min(last))?);
    Some(low + (high - low) * (at - below as f64))
}
