//! Losses: how wrong an output is, as one number, and its gradient by the output.
//!
//! A loss reads the network's last sums (*logits*), not probabilities: softmax and sigmoid are folded into it, which
//! keeps it exact and finite where a probability rounds to 0 or 1.

mod cross_entropy;
mod squared_error;

pub(crate) use cross_entropy::softmax;

/// What the outputs of a batch should have been.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Targets<'a> {
    /// `[n]`: the number of each row's class, from 0.
    Classes(&'a [u32]),
    /// `[n, width]`, row-major: numbers, or 0 and 1 (or a probability between) where the head is binary.
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
}

/// A loss. The loss of a batch is the mean over its rows, or the mean weighted by the rows' weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Softmax cross-entropy against the number of a class: `ln Σ exp(z) - z[class]`.
    CrossEntropy {
        /// How many classes, the width of the logits.
        classes: usize,
    },
    /// Sigmoid cross-entropy against 0 and 1: `max(z, 0) - z t + ln(1 + exp(-|z|))`, the mean over the width.
    BinaryCrossEntropy {
        /// How many independent questions, the width of the logits.
        width: usize,
    },
    /// `(z - t)²`, the mean over the width.
    SquaredError {
        /// The width of the outputs.
        width: usize,
    },
}

impl Loss {
    /// The width of the logits that the loss reads.
    pub fn width(self) -> usize {
        match self {
            Self::CrossEntropy { classes } => classes,
            Self::BinaryCrossEntropy { width } | Self::SquaredError { width } => width,
        }
    }

    /// Checks that targets are of the right kind, number and range for this loss.
    ///
    /// Errors: what does not fit, with the row (from 1) where it is about one.
    pub fn check(self, targets: Targets<'_>, rows: usize) -> Result<(), String> {
        let (got, expected) = match (self, targets) {
            (Self::CrossEntropy { classes }, Targets::Classes(ids)) => {
                if let Some(row) = ids.iter().position(|&id| id as usize >= classes) {
                    return Err(format!(
                        "row {} has class {}, but there are {classes} classes, counted from 0",
                        row + 1,
                        ids[row]
                    ));
                }
                (ids.len(), rows)
            }
            (Self::BinaryCrossEntropy { width } | Self::SquaredError { width }, Targets::Values(values)) => {
                let binary = matches!(self, Self::BinaryCrossEntropy { .. });
                let right = |v: f32| if binary { (0.0..=1.0).contains(&v) } else { v.is_finite() };
                if let Some(at) = values.iter().position(|&v| !right(v)) {
                    let range = if binary { "0, 1 or a probability between" } else { "a finite number" };
                    return Err(format!("row {} is {}, it must be {range}", at / width.max(1) + 1, values[at]));
                }
                (values.len(), rows * width)
            }
            (Self::CrossEntropy { .. }, Targets::Values(_)) => {
                return Err("a multiclass head needs classes, these are numbers".to_owned());
            }
            (_, Targets::Classes(_)) => {
                return Err("a binary or regression head needs numbers, these are classes".to_owned());
            }
        };
        if got == expected {
            Ok(())
        } else {
            Err(format!("there are {got} targets where {expected} are needed for {rows} rows"))
        }
    }

    /// The sum over the rows of loss times weight, and the gradient of `scale` times that sum by each logit. With
    /// `scale` one over the sum of all weights (the number of rows where there are none), it is the gradient of the
    /// mean.
    ///
    /// Shapes: `logits` and `gradient` are `[n, width]`, `weights` is `[n]`. The targets have passed [`Loss::check`].
    pub fn sum_and_gradient(
        self,
        logits: &[f32],
        targets: Targets<'_>,
        weights: Option<&[f32]>,
        scale: f64,
        gradient: &mut [f32],
    ) -> f64 {
        let width = self.width().max(1);
        let mut sum = 0.0;
        for (row, (z, g)) in logits.chunks_exact(width).zip(gradient.chunks_exact_mut(width)).enumerate() {
            let loss = match (self, targets) {
                (Self::CrossEntropy { .. }, Targets::Classes(ids)) => {
                    ids.get(row).map(|&id| cross_entropy::categorical(z, id as usize, g))
                }
                (Self::BinaryCrossEntropy { .. }, Targets::Values(t)) => {
                    t.get(row * width..(row + 1) * width).map(|t| cross_entropy::binary(z, t, g))
                }
                (Self::SquaredError { .. }, Targets::Values(t)) => {
                    t.get(row * width..(row + 1) * width).map(|t| squared_error::squared_error(z, t, g))
                }
                _ => None,
            };
            let weight = weights.map_or(1.0, |w| w.get(row).map_or(0.0, |&w| f64::from(w)));
            // A row of weight 0 has no say, whatever its loss is.
            if weight == 0.0 {
                g.fill(0.0);
                continue;
            }
            sum += weight * loss.unwrap_or(f64::NAN);
            let factor = (weight * scale) as f32;
            g.iter_mut().for_each(|g| *g *= factor);
        }
        sum
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{assert_close, numbers, pytorch};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn losses_and_gradients_are_those_of_pytorch() {
        for case in pytorch()["losses"].as_array().unwrap() {
            let (logits, target) = (numbers(&case["logits"]), numbers(&case["target"]));
            let width = case["logits"][0].as_array().unwrap().len();
            let ids: Vec<u32> = target.iter().map(|&v| v as u32).collect();
            let (loss, targets) = match case["kind"].as_str().unwrap() {
                "cross_entropy" => (Loss::CrossEntropy { classes: width }, Targets::Classes(&ids)),
                "binary_cross_entropy" => (Loss::BinaryCrossEntropy { width }, Targets::Values(&target)),
                _ => (Loss::SquaredError { width }, Targets::Values(&target)),
            };
            let weights = case["weight"].as_array().map(|_| numbers(&case["weight"]));
            let rows = logits.len() / width;
            let total = weights.as_ref().map_or(rows as f32, |w| w.iter().sum());
            let mut gradient = vec![f32::NAN; logits.len()];
            loss.check(targets, rows).unwrap();
            let sum =
                loss.sum_and_gradient(&logits, targets, weights.as_deref(), 1.0 / f64::from(total), &mut gradient);
            assert_close(&[sum as f32 / total], &[case["loss"].as_f64().unwrap() as f32], 1e-6);
            assert_close(&gradient, &numbers(&case["gradient"]), 1e-6);
        }
    }

    proptest! {
        #[test]
        fn gradients_agree_with_central_differences(
            logits in prop::collection::vec(-4.0f32..4.0, 6), classes in prop::collection::vec(0u32..3, 2),
            values in prop::collection::vec(0.0f32..1.0, 6), weights in prop::collection::vec(0.1f32..3.0, 2),
        ) {
            for (loss, targets) in [
                (Loss::CrossEntropy { classes: 3 }, Targets::Classes(&classes)),
                (Loss::BinaryCrossEntropy { width: 3 }, Targets::Values(&values)),
                (Loss::SquaredError { width: 3 }, Targets::Values(&values)),
            ] {
                let at = |z: &[f32], g: &mut [f32]| loss.sum_and_gradient(z, targets, Some(&weights), 1.0, g);
                let (mut gradient, mut unused) = ([0.0; 6], [0.0; 6]);
                at(&logits, &mut gradient);
                for i in 0..6 {
                    let [up, down] = [1.0, -1.0].map(|sign| {
                        let mut moved = logits.clone();
                        moved[i] += sign / 256.0;
                        at(&moved, &mut unused)
                    });
                    let numeric = (up - down) * 128.0;
                    prop_assert!((f64::from(gradient[i]) - numeric).abs() < 1e-3 * (1.0 + numeric.abs()), "{loss:?} {numeric}");
                }
            }
        }
    }

    #[test]
    fn a_row_of_weight_zero_has_no_say_even_where_its_loss_is_infinite() {
        let mut gradient = [0.0; 2];
        let targets = Targets::Values(&[0.0, 0.0]);
        let weights = Some(&[0.0, 1.0][..]);
        let sum = Loss::SquaredError { width: 1 }.sum_and_gradient(
            &[f32::INFINITY, 2.0],
            targets,
            weights,
            1.0,
            &mut gradient,
        );
        assert_eq!((sum, gradient), (4.0, [0.0, 4.0]));
    }

    #[test]
    fn targets_that_do_not_fit_are_refused_with_their_row() {
        let check = |loss: Loss, targets: Targets<'_>| loss.check(targets, 2).unwrap_err();
        let classes = Loss::CrossEntropy { classes: 3 };
        assert_eq!(
            check(classes, Targets::Classes(&[0, 3])),
            "row 2 has class 3, but there are 3 classes, counted from 0"
        );
        assert_eq!(check(classes, Targets::Classes(&[0])), "there are 1 targets where 2 are needed for 2 rows");
        assert_eq!(check(classes, Targets::Values(&[0.0, 1.0])), "a multiclass head needs classes, these are numbers");
        let binary = Loss::BinaryCrossEntropy { width: 1 };
        assert_eq!(check(binary, Targets::Values(&[1.0, 2.0])), "row 2 is 2, it must be 0, 1 or a probability between");
        assert_eq!(
            check(binary, Targets::Classes(&[0, 1])),
            "a binary or regression head needs numbers, these are classes"
        );
        let squares = Loss::SquaredError { width: 2 };
        let nan = [1.0, 2.0, 3.0, f32::NAN];
        assert_eq!(check(squares, Targets::Values(&nan)), "row 2 is NaN, it must be a finite number");
        assert_eq!(check(squares, Targets::Values(&nan[..3])), "there are 3 targets where 4 are needed for 2 rows");
    }
}
