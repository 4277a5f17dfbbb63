//! Simple models that stand beside a network, so that nobody believes in one that a tree beats.
//!
//! They learn from the same encoded features. Everything is deterministic: a seed gives the same model whatever the number of
//! threads.
//!
//! | model | what | in the manner of |
//! |---|---|---|
//! | constant | shares of the classes, or the mean | scikit-learn's `DummyClassifier(strategy="prior")` |
//! | linear | least squares with a small penalty | `Ridge(alpha=1)` |
//! | logistic | binary or multinomial, L2 | `LogisticRegression(C=1)` |
//! | tree | one tree of limited depth | `DecisionTreeClassifier`, `DecisionTreeRegressor` |
//! | forest | 100 trees on bootstrapped rows | `RandomForestClassifier`, `RandomForestRegressor` |
//!
//! ```
//! use gristmill::baseline::{Design, Kind, Model, Part, Target};
//! use ndarray::array;
//!
//! let numbers = array![[0.0_f32], [1.0], [2.0], [3.0]];
//! let parts = [Part::Numbers(numbers.view())];
//! let design = Design::fit(&parts)?;
//! let model = Model::fit(Kind::Linear, &design, &parts, Target::Numbers(&[1.0, 3.0, 5.0, 7.0]), 0)?;
//! let predicted = model.predict(&design, &parts)?;
//! assert!((predicted[(3, 0)] - predicted[(0, 0)] - 5.0).abs() < 1.1);
//! # Ok::<(), gristmill::baseline::Error>(())
//! ```

mod bins;
mod cut;
mod design;
mod forest;
mod grow;
mod lbfgs;
mod linear;
mod matrix;
mod model;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
mod tree;

pub use design::{Design, Part, Tfidf};
pub use forest::{Forest, ForestOptions};
pub use linear::{LinearModel, LinearOptions, Loss};
pub use matrix::{Csr, Matrix};
pub use model::{Kind, Model, Target};
pub use tree::{Tree, TreeOptions};

use thiserror::Error;

/// What cannot be learned from or applied to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// Features and targets have different numbers of rows.
    #[error("there are {rows} rows of features and {targets} targets")]
    Rows {
        /// Rows of features.
        rows: usize,
        /// Targets.
        targets: usize,
    },
    /// Nothing to learn from.
    #[error("there are no rows to learn from")]
    Empty,
    /// Features of another shape than those that were learned.
    #[error("the features have another shape than those that were learned")]
    Shape,
    /// A class beyond those that there are.
    #[error("there is a class {class}, but there are {classes} classes, counted from 0")]
    Class {
        /// The class that was found.
        class: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// A target that is NaN or infinite.
    #[error("a target is not finite")]
    NotFinite,
    /// The model does not fit the kind of the target or of the features.
    #[error("{0}")]
    Unfit(&'static str),
}
