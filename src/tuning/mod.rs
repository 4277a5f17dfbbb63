//! Search for the options with which something works best, when each answer costs a training.
//!
//! ```text
//! Space --Sampler--> point --the caller runs it--> value --> History --> the next point, the importance of each option
//!                      ^-- Schedule: which points are tried again with a larger budget
//! ```
//!
//! A [`Space`] is a list of domains: choices, and numbers on a plain or logarithmic scale, continuous or in steps. A point has a number for
//! each of them. A [`Sampler`] proposes the next point from what was found so far: by chance, from a grid, or by a tree-structured Parzen
//! estimator. A [`Schedule`] gives small budgets to many points and larger ones to the best (successive halving, ASHA). [`importance`]
//! says afterwards how much each option mattered.
//!
//! Values are losses: smaller is better; a point that could not be tried has none. Nothing here draws from a generator that lives on: what
//! is proposed follows from the seed, the number of the proposal and the history, so that a search that was interrupted goes on as if it
//! had not been.
//!
//! ```
//! use gristmill::tuning::{Domain, Observation, Sampler, Space, Tpe};
//!
//! let space = Space::new(vec![Domain::real(1e-5, 1e-1, true)?, Domain::choices(3)?])?;
//! let sampler = Sampler::Tpe(Tpe::default());
//! let mut history = Vec::new();
//! for number in 0..40 {
//!     let point = sampler.propose(&space, &history, number, 7).expect("a space with numbers has no end");
//!     let loss = (point[0].log10() + 3.0).powi(2) + point[1];
//!     history.push(Observation { point, loss: Some(loss) });
//! }
//! let best = history.iter().filter_map(|seen| seen.loss).fold(f64::INFINITY, f64::min);
//! assert!(best < 0.1);
//! # Ok::<(), gristmill::tuning::Error>(())
//! ```

mod fanova;
mod forest;
mod history;
mod parzen;
mod sampler;
mod schedule;
mod space;
#[cfg(test)]
mod tests;
mod tpe;

pub use fanova::{Importance, importance};
pub use history::{Attempt, History};
pub use sampler::{Observation, Sampler};
pub use schedule::{Budgets, Next, Schedule};
pub use space::{Domain, Error, Space};
pub use tpe::Tpe;
