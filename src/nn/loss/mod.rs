//! Losses: how wrong an output is, as one number, and its gradient by the output.
//!
//! A loss reads the network's last sums (*logits*), not probabilities: softmax, sigmoid and exponential are folded into
//! it, which keeps it exact and finite where a probability rounds to 0 or 1.

mod absolute_error;
mod binary_cross_entropy;
mod cross_entropy;
mod focal;
mod huber;
mod poisson;
mod squared_error;

use super::head::Head;
use serde::{Deserialize, Serialize};

/// What the outputs of a batch should have been.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Targets<'a> {
    /// `[n]`: the number of each row's class, from 0.
    Classes(&'a [u32]),
    /// `[n, width]`, row-major: numbers, or 0 and 1 (or a probability between) where the head asks for yes or no.
    Values(&'a [f32]),
}

impl<'a> Targets<'a> {
    /// The targets of the rows `from..to`, of `width` numbers each; empty where there are no such rows.
    pub(crate) fn rows(self, from: usize, to: usize, width: usize) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(classes.get(from..to).unwrap_or_default()),
            Self::Values(values) => Self::Values(values.get(from * width..to * width).unwrap_or_default()),
        }
    }

    /// How many rows there are.
    pub(crate) fn len(self, width: usize) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Values(values) => values.len() / width.max(1),
        }
    }
}

/// The kinds of losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Softmax or sigmoid cross-entropy, by the head.
    CrossEntropy,
    /// Cross-entropy that counts easy rows less.
    Focal,
    /// Mean squared error.
    Mse,
    /// Mean absolute error.
    Mae,
    /// Squared near 0, absolute beyond.
    Huber,
    /// The Poisson deviance of counts.
    Poisson,
}

/// A loss as it is described.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossSpec {
    /// Which. Default: cross-entropy for classes, squared error for numbers, Poisson for counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<LossKind>,
    /// The share of certainty that is taken from the target and spread over all classes, in `[0, 1)`. Default 0.
    pub label_smoothing: f64,
    /// How much a row of each class counts, or each label; for yes and no first no, then yes. Default: all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub class_weights: Vec<f32>,
    /// How strongly `focal` discounts easy rows, at least 0. Default 2.
    pub gamma: f64,
    /// Where `huber` turns from squared to absolute, above 0. Default 1.
    pub delta: f64,
}

impl Default for LossSpec {
    fn default() -> Self {
        Self { kind: None, label_smoothing: 0.0, class_weights: Vec::new(), gamma: 2.0, delta: 1.0 }
    }
}

/// A loss that fits its head. The loss of a batch is the mean over its rows, weighted by the rows' weights and by the
/// weights of their classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    kind: LossKind,
    head: Head,
    width: usize,
    smoothing: f64,
    class_weights: Vec<f32>,
    gamma: f64,
    delta: f64,
}

impl Loss {
    /// The loss that a head is trained by.
    ///
    /// Errors: a loss that the head cannot be trained by, an option out of its range or without meaning for the loss.
    pub fn new(head: Head, spec: &LossSpec) -> Result<Self, String> {
        let usual = match head {
            Head::Binary | Head::Multiclass { .. } | Head::Multilabel { .. } => LossKind::CrossEntropy,
            Head::Regression { .. } => LossKind::Mse,
            Head::Counts { .. } => LossKind::Poisson,
        };
        let kind = spec.kind.unwrap_or(usual);
        let classes = usual == LossKind::CrossEntropy;
        let fits = match kind {
            LossKind::CrossEntropy | LossKind::Focal => classes,
            LossKind::Mse | LossKind::Mae | LossKind::Huber => {
                matches!(head, Head::Regression { .. })
            }
            LossKind::Poisson => matches!(head, Head::Counts { .. }),
        };
        if !fits {
            return Err(format!("the loss {kind:?} cannot train a head of {head:?}").to_lowercase());
        }
        let smoothing = spec.label_smoothing;
        if !(0.0..1.0).contains(&smoothing) {
            return Err(format!("label_smoothing lies in [0, 1), it is {smoothing}"));
        }
        if smoothing > 0.0 && kind != LossKind::CrossEntropy {
            return Err("label_smoothing has a meaning for cross-entropy only".to_owned());
        }
        if !(spec.gamma.is_finite() && spec.gamma >= 0.0) {
            return Err(format!("gamma must be 0 or a number above, it is {}", spec.gamma));
        }
        if !(spec.delta.is_finite() && spec.delta > 0.0) {
            return Err(format!("delta must be a number above 0, it is {}", spec.delta));
        }
        let expected = if head == Head::Binary { 2 } else { head.width() };
        let weights = &spec.class_weights;
        if !weights.is_empty() {
            if !classes {
                return Err("class_weights have a meaning for classes only".to_owned());
            }
            if weights.len() != expected {
                return Err(format!("class_weights has {} numbers, {expected} are needed", weights.len()));
            }
            if weights.iter().any(|w| !(w.is_finite() && *w >= 0.0)) || weights.iter().all(|w| *w == 0.0) {
                return Err("class_weights must be numbers of at least 0, and not all 0".to_owned());
            }
        }
        let class_weights = weights.clone();
        Ok(Self { kind, head, width: head.width(), smoothing, class_weights, gamma: spec.gamma, delta: spec.delta })
    }

    /// The width of the logits that the loss reads.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Which loss it is.
    pub fn kind(&self) -> LossKind {
        self.kind
    }

    /// Whether the targets are numbers of classes.
    pub(crate) fn reads_classes(&self) -> bool {
        matches!(self.head, Head::Multiclass { .. })
    }

    /// Checks that targets are of the right kind, number and range for this loss.
    ///
    /// Errors: what does not fit, with the row (from 1) where it is about one.
    pub fn check(&self, targets: Targets<'_>, rows: usize) -> Result<(), String> {
        let width = self.width;
        let (got, expected) = match (self.reads_classes(), targets) {
            (true, Targets::Classes(ids)) => {
                if let Some(row) = ids.iter().position(|&id| id as usize >= width) {
                    let (row, id) = (row + 1, ids[row]);
                    return Err(format!("row {row} has class {id}, but there are {width} classes, counted from 0"));
                }
                (ids.len(), rows)
            }
            (false, Targets::Values(values)) => {
                let (right, range): (fn(f32) -> bool, _) = match self.kind {
                    LossKind::CrossEntropy | LossKind::Focal => {
                        (|v| (0.0..=1.0).contains(&v), "0, 1 or a probability between")
                    }
                    LossKind::Poisson => (|v| v.is_finite() && v >= 0.0, "a count, 0 or above"),
                    _ => (f32::is_finite, "a finite number"),
                };
                if let Some(at) = values.iter().position(|&v| !right(v)) {
                    return Err(format!("row {} is {}, it must be {range}", at / width.max(1) + 1, values[at]));
                }
                (values.len(), rows * width)
            }
            (true, Targets::Values(_)) => {
                return Err("a multiclass head needs classes, these are numbers".to_owned());
            }
            (false, Targets::Classes(_)) => {
                return Err("only a multiclass head reads classes, these are some".to_owned());
            }
        };
        if got == expected {
            Ok(())
        } else {
            Err(format!("there are {got} targets where {expected} are needed for {rows} rows"))
        }
    }

    /// How much a row counts, by its class and its own weight.
    fn row_weight(&self, targets: Targets<'_>, weights: Option<&[f32]>, row: usize) -> f64 {
        let own = weights.map_or(1.0, |weights| weights.get(row).map_or(0.0, |&w| f64::from(w)));
        if self.class_weights.is_empty() {
            return own;
        }
        let by_class = match (self.head, targets) {
            (Head::Multiclass { .. }, Targets::Classes(ids)) => {
                ids.get(row).and_then(|&id| self.class_weights.get(id as usize)).map_or(0.0, |&w| f64::from(w))
            }
            (Head::Binary, Targets::Values(values)) => {
                let yes = values.get(row).map_or(0.0, |&v| f64::from(v));
                f64::from(self.class_weights[0]) * (1.0 - yes) + f64::from(self.class_weights[1]) * yes
            }
            // The weights of labels stand inside a row.
            _ => 1.0,
        };
        own * by_class
    }

    /// The sum of the weights of rows: what a batch's sum is divided by.
    pub fn total_weight(&self, targets: Targets<'_>, weights: Option<&[f32]>) -> f64 {
        let rows = targets.len(self.width);
        if weights.is_none() && self.class_weights.is_empty() {
            return rows as f64;
        }
        (0..rows).map(|row| self.row_weight(targets, weights, row)).sum()
    }

    /// The sum over the rows of loss times weight, and the gradient of `scale` times that sum by each logit. With
    /// `scale` one over [`Loss::total_weight`] it is the gradient of the mean.
    ///
    /// Shapes: `logits` is `[n, width]`, and so is `gradient`, unless it is empty, and no gradient is wanted; `weights`
    /// is `[n]`. The targets have passed [`Loss::check`]. `row` is working space of `width` numbers.
    pub fn sum_and_gradient(
        &self,
        logits: &[f32],
        targets: Targets<'_>,
        weights: Option<&[f32]>,
        scale: f64,
        gradient: &mut [f32],
        row: &mut [f32],
    ) -> f64 {
        let width = self.width.max(1);
        let mut sum = 0.0;
        for (number, z) in logits.chunks_exact(width).enumerate() {
            let place = number * width..(number + 1) * width;
            let g = match gradient.get_mut(place.clone()) {
                Some(g) => g,
                None => &mut *row,
            };
            let weight = self.row_weight(targets, weights, number);
            // A row of weight 0 has no say, whatever its loss is.
            if weight == 0.0 {
                g.fill(0.0);
                continue;
            }
            let loss = match targets {
                Targets::Classes(ids) => {
                    ids.get(number).map_or(f64::NAN, |&id| self.of_class(z, id as usize, weight, g))
                }
                Targets::Values(t) => t.get(place).map_or(f64::NAN, |t| weight * self.of_values(z, t, g)),
            };
            sum += loss;
            let factor = if self.reads_classes() { scale } else { weight * scale } as f32;
            g.iter_mut().for_each(|g| *g *= factor);
        }
        sum
    }

    /// Loss times weight of a row of one class. The gradient has the weight in it: smoothing weighs each class by itself.
    fn of_class(&self, z: &[f32], class: usize, weight: f64, g: &mut [f32]) -> f64 {
        if self.kind == LossKind::Focal {
            let loss = focal::of_class(z, class, self.gamma, g);
            g.iter_mut().for_each(|g| *g *= weight as f32);
            return weight * loss;
        }
        let own = self.class_weights.get(class).map_or(1.0, |&w| f64::from(w));
        // The row's own weight, without that of its class.
        let row = if own == 0.0 { 0.0 } else { weight / own };
        cross_entropy::categorical(z, class, self.smoothing, &self.class_weights, row, g)
    }

    fn of_values(&self, z: &[f32], t: &[f32], g: &mut [f32]) -> f64 {
        let labels: &[f32] = if matches!(self.head, Head::Multilabel { .. }) { &self.class_weights } else { &[] };
        match self.kind {
            LossKind::CrossEntropy => binary_cross_entropy::binary(z, t, self.smoothing, labels, g),
            LossKind::Focal => focal::of_labels(z, t, self.gamma, labels, g),
            LossKind::Mse => squared_error::squared_error(z, t, g),
            LossKind::Mae => absolute_error::absolute_error(z, t, g),
            LossKind::Huber => huber::huber(z, t, self.delta, g),
            LossKind::Poisson => poisson::poisson(z, t, g),
        }
    }
}

#[cfg(test)]
mod tests;
