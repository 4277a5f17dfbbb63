//! The simple models under one roof.

use ndarray::{Array2, ArrayView2, Axis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Design, Error, Forest, ForestOptions, LinearModel, LinearOptions, Loss, Part};

/// A kind of simple model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The shares of the classes among the training rows, or their mean.
    Constant,
    /// Least squares with a penalty of 1 (scikit-learn's `Ridge`); for numbers.
    Linear,
    /// Logistic regression with a penalty of 1 (scikit-learn's defaults); for classes.
    Logistic,
    /// A single tree of depth 8.
    Tree,
    /// A random forest of 100 trees.
    Forest,
}

impl Kind {
    /// All kinds, the simplest first.
    pub const ALL: [Self; 5] = [Self::Constant, Self::Linear, Self::Logistic, Self::Tree, Self::Forest];

    /// What it is called in a pipeline file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Linear => "linear",
            Self::Logistic => "logistic",
            Self::Tree => "tree",
            Self::Forest => "forest",
        }
    }

    /// Whether it can foretell such a target from such features.
    pub fn fits(self, target: &Target<'_>, design: &Design) -> bool {
        match self {
            Self::Constant => true,
            Self::Linear => matches!(target, Target::Numbers(_)),
            Self::Logistic => !matches!(target, Target::Numbers(_)),
            Self::Tree | Self::Forest => design.dense_width() > 0,
        }
    }
}

/// What is foretold.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Classes below `classes`; a binary target has two.
    Classes {
        /// The class of each row.
        truth: &'a [u32],
        /// How many there are.
        classes: usize,
    },
    /// Numbers.
    Numbers(&'a [f64]),
    /// `[n, labels]`: which labels each row has. Each label is a binary target of its own.
    Labels(ArrayView2<'a, bool>),
}

/// A simple model that has learned.
#[derive(Debug, Clone)]
pub enum Model {
    /// Says the same of every row.
    Constant(Vec<f64>),
    /// Linear or logistic regression.
    Linear(Box<LinearModel>),
    /// A tree or a forest.
    Forest(Box<Forest>),
    /// A model for each label.
    Labels(Vec<Model>),
}

impl Model {
    /// Learns from training rows.
    ///
    /// Errors: no rows, a kind that does not fit, targets that do not fit the rows.
    pub fn fit(kind: Kind, design: &Design, parts: &[Part<'_>], target: Target<'_>, seed: u64) -> Result<Self, Error> {
        if !kind.fits(&target, design) {
            return Err(Error::Unfit("this baseline does not fit the target or the features"));
        }
        if let Target::Labels(labels) = target {
            let fit = |label: ndarray::ArrayView1<'_, bool>| {
                let truth: Vec<u32> = label.iter().map(|has| u32::from(*has)).collect();
                Self::fit(kind, design, parts, Target::Classes { truth: &truth, classes: 2 }, seed)
            };
            return labels.axis_iter(Axis(1)).map(fit).collect::<Result<_, _>>().map(Self::Labels);
        }
        let options = LinearOptions::default();
        match (kind, target) {
            (Kind::Constant, Target::Classes { truth, classes }) => {
                let mut shares = vec![0.0; classes];
                for class in truth {
                    let share = shares.get_mut(*class as usize).ok_or(Error::Class { class: *class, classes })?;
                    *share += 1.0 / truth.len() as f64;
                }
                if truth.is_empty() { Err(Error::Empty) } else { Ok(Self::Constant(shares)) }
            }
            (Kind::Constant, Target::Numbers(truth)) => {
                let mean = truth.iter().map(|value| value / truth.len() as f64).sum();
                if truth.is_empty() { Err(Error::Empty) } else { Ok(Self::Constant(vec![mean])) }
            }
            (Kind::Linear, Target::Numbers(truth)) => {
                let model = LinearModel::fit(&design.matrix(parts)?, Loss::Squared(truth), &options)?;
                Ok(Self::Linear(Box::new(model)))
            }
            (Kind::Logistic, Target::Classes { truth, classes }) => {
                let loss = if classes == 2 { Loss::Logistic(truth) } else { Loss::Softmax { truth, classes } };
                Ok(Self::Linear(Box::new(LinearModel::fit(&design.matrix(parts)?, loss, &options)?)))
            }
            (Kind::Tree | Kind::Forest, target) => {
                let dense = design.dense(parts)?;
                let is_classes = matches!(target, Target::Classes { .. });
                let options = match kind {
                    Kind::Tree => ForestOptions::single(dense.nrows()),
                    _ => ForestOptions::forest(dense.ncols(), is_classes, seed),
                };
                let forest = match target {
                    Target::Classes { truth, classes } => Forest::classes(dense.view(), truth, classes, &options)?,
                    Target::Numbers(truth) => Forest::numbers(dense.view(), truth, &options)?,
                    Target::Labels(_) => return Err(Error::Unfit("labels are learned one by one")),
                };
                Ok(Self::Forest(Box::new(forest)))
            }
            _ => Err(Error::Unfit("this baseline does not fit the target")),
        }
    }

    /// Probabilities of the classes `[n, classes]`, of the labels `[n, labels]`, or numbers `[n, 1]`.
    ///
    /// Errors: other blocks than those that were learned.
    pub fn predict(&self, design: &Design, parts: &[Part<'_>]) -> Result<Array2<f64>, Error> {
        match self {
            Self::Constant(values) => {
                let rows = design.matrix_rows(parts);
                Ok(Array2::from_shape_fn((rows, values.len()), |(_, place)| values.get(place).copied().unwrap_or(0.0)))
            }
            Self::Linear(model) => model.predict(&design.matrix(parts)?),
            Self::Forest(forest) => forest.predict(design.dense(parts)?.view()),
            Self::Labels(models) => {
                let mut all = Array2::zeros((design.matrix_rows(parts), models.len()));
                for (mut column, model) in all.columns_mut().into_iter().zip(models) {
                    let yes = model.predict(design, parts)?;
                    column.assign(&yes.column(1));
                }
                Ok(all)
            }
        }
    }
}
