//! What is asked of a network, and where the way back to it begins.

use super::super::error::Error;
use super::super::loss::Targets;
use super::super::plan::{Layout, Output, Plan};
use super::super::workspace::Workspace;
use super::refused;
use ndarray::ArrayView2;

/// What is differentiated, row by row. Outputs and columns are counted from 0.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// A sum before sigmoid, softmax or exponential.
    Logit {
        /// Of which output.
        output: usize,
        /// Which of its logits.
        column: usize,
    },
    /// What the head makes of the sums: a probability, a count or a number.
    Prediction {
        /// Of which output.
        output: usize,
        /// Which of its predictions.
        column: usize,
    },
    /// A sum of the logits of an output, each times a factor for each row.
    Weighted {
        /// Of which output.
        output: usize,
        /// `[n, width]`
        seeds: ArrayView2<'a, f32>,
    },
    /// The loss of a row, with the targets of all outputs in their order.
    Loss(&'a [Targets<'a>]),
}

impl Question<'_> {
    /// Refuses what a network does not give.
    pub(super) fn check(self, plan: &Plan, rows: usize) -> Result<(), Error> {
        let outputs = &plan.outputs;
        match self {
            Question::Logit { output, column } | Question::Prediction { output, column } => {
                match outputs.get(output).filter(|output| column < output.head.width()) {
                    Some(_) => Ok(()),
                    None => Err(refused(format!("there is no logit {column} of output {output}"))),
                }
            }
            Question::Weighted { output, seeds } => {
                let shape = outputs.get(output).map(|output| (rows, output.head.width()));
                if shape == Some(seeds.dim()) && seeds.iter().all(|seed| seed.is_finite()) {
                    return Ok(());
                }
                let shown = seeds.dim();
                Err(refused(format!("{shown:?} factors are no finite number for each logit of output {output}")))
            }
            Question::Loss(targets) if targets.len() != outputs.len() => {
                let count = targets.len();
                Err(refused(format!("there are {count} targets, the network has {} outputs", outputs.len())))
            }
            Question::Loss(targets) => outputs
                .iter()
                .zip(targets)
                .try_for_each(|(output, targets)| output.loss.check(*targets, rows))
                .map_err(refused),
        }
    }

    /// Writes the gradients of a question by the logits where the way back begins.
    pub(super) fn ask(self, plan: &Plan, layout: &Layout, workspace: &mut Workspace, start: usize, rows: usize) {
        for (number, output) in plan.outputs.iter().enumerate() {
            let (logits, gradient) = workspace.logits(layout, output, rows);
            match self {
                Question::Loss(targets) => {
                    loss(output, logits, targets[number].rows(start, start + rows, output.loss.width()), gradient)
                }
                Question::Logit { output: asked, column } if asked == number => {
                    gradient.fill(0.0);
                    gradient.chunks_exact_mut(output.head.width()).for_each(|row| row[column] = 1.0);
                }
                Question::Weighted { output: asked, seeds } if asked == number => {
                    for (row, g) in gradient.chunks_exact_mut(output.head.width()).enumerate() {
                        g.iter_mut().zip(seeds.row(start + row)).for_each(|(g, seed)| *g = *seed);
                    }
                }
                Question::Prediction { output: asked, column } if asked == number => {
                    let width = output.head.width();
                    for (z, g) in logits.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
                        output.head.derivative(z, column, g);
                    }
                }
                _ => gradient.fill(0.0),
            }
        }
    }
}

/// The gradient of each row's own loss, times the weight of the output.
fn loss(output: &Output, logits: &[f32], targets: Targets<'_>, gradient: &mut [f32]) {
    output.loss.sum_and_gradient(logits, targets, None, output.weight, gradient, &mut []);
}
