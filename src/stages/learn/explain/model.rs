//! A network as something that is explained: its predictions, or the sums behind them, with their derivatives.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{Array2, ArrayView2};

use crate::explanation::grad_cam::grad_cam;
use crate::explanation::{Differentiable, Error, Predictor, Rows};
use crate::nn::{Network, Question};
use crate::tensor::Target;

/// What is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Probabilities, and numbers in their unit.
    Predictions,
    /// Sums, to which columns add: log-odds of classes and labels, numbers in their unit, logarithms of expected counts.
    Sums,
}

/// A network and one of its questions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Explained<'a> {
    network: &'a Network,
    target: &'a Target,
    output: usize,
    view: View,
    cancelled: Option<&'a AtomicBool>,
}

impl<'a> Explained<'a> {
    /// The output of that number, which foretells the target.
    pub(super) fn new(network: &'a Network, target: &'a Target, output: usize, view: View) -> Self {
        Self { network, target, output, view, cancelled: None }
    }

    /// Refuses to answer as soon as the run is to stop.
    pub(super) fn until(self, cancelled: &'a AtomicBool) -> Self {
        Self { cancelled: Some(cancelled), ..self }
    }

    fn go_on(&self) -> Result<(), Error> {
        let stopped = self.cancelled.is_some_and(|cancelled| cancelled.load(Ordering::Relaxed));
        if stopped { Err(Error::Stopped) } else { Ok(()) }
    }

    /// By what a logit is multiplied to be in the unit of the target.
    fn scale(&self) -> f64 {
        match self.target {
            Target::Number(number) => number.scale,
            _ => 1.0,
        }
    }

    /// Whether no layer but the last has parameters, so that sums are linear in the inputs.
    pub(super) fn is_linear(&self) -> bool {
        let spec = self.network.spec();
        let [output] = spec.outputs.as_slice() else { return false };
        let only = spec.nodes.iter().all(|node| {
            node.name == output.from || matches!(node.layer.kind(), "dropout" | "flatten" | "concatenate" | "scale")
        });
        let numbers = spec.inputs.iter().all(|input| input.tokens.is_none());
        only && numbers && !matches!(self.target, Target::Category(_))
    }

    /// Whether all inputs are numbers, between which there are others.
    pub(super) fn is_smooth(&self) -> bool {
        self.network.spec().inputs.iter().all(|input| input.tokens.is_none())
    }

    /// What each token of a text adds to the sum of an output, by integrated gradients over so many points, for the only
    /// row. A class counts against the mean of all classes.
    ///
    /// Errors: those of the network.
    pub(super) fn words(&self, row: &Rows, block: usize, column: usize, steps: usize) -> Result<Vec<f64>, Error> {
        self.go_on()?;
        let classes = self.target.names().len();
        let seeds = Array2::from_shape_fn((row.len(), classes), |(_, class)| {
            f32::from(u8::from(class == column)) - 1.0 / classes as f32
        });
        let question = match self.target {
            Target::Category(_) => Question::Weighted { output: self.output, seeds: seeds.view() },
            _ => Question::Logit { output: self.output, column },
        };
        let found = self.network.token_attributions(&row.views(), block, question, steps).map_err(refused)?;
        if found.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite);
        }
        Ok(found.iter().map(|value| f64::from(*value) * self.scale()).collect())
    }

    /// Of what the tokens of a text are told to be parts, where it is not the sum itself.
    pub(super) fn words_of(&self) -> &'static str {
        match self.target {
            Target::Category(_) => ", of what the class has more than the mean of all classes",
            _ => "",
        }
    }

    /// The map of Grad-CAM for the sum of an output, for the only row; none where no layer has places. What speaks for the
    /// second class of two speaks against the first: `is_no` asks for that.
    ///
    /// Errors: those of the network.
    pub(super) fn map(&self, row: &Rows, column: usize, is_no: bool) -> Result<Option<Array2<f32>>, Error> {
        self.go_on()?;
        let Some((node, shape)) = self.network.last_image() else { return Ok(None) };
        let [height, width, channels] = shape.dimensions() else { return Ok(None) };
        let question = Question::Logit { output: self.output, column };
        let inside = self.network.node_gradients(&row.views(), &node, question, None).map_err(refused)?;
        let slopes: Vec<f32> = inside.gradients.iter().map(|slope| if is_no { -slope } else { *slope }).collect();
        let values: Vec<f32> = inside.values.iter().copied().collect();
        grad_cam(&values, &slopes, *height, *width, *channels).map(Some)
    }
}

fn refused(error: crate::nn::Error) -> Error {
    Error::Model(error.to_string())
}

impl Predictor for Explained<'_> {
    fn predict(&self, rows: &[ArrayView2<'_, f32>]) -> Result<Array2<f64>, Error> {
        self.go_on()?;
        let said = match self.view {
            View::Predictions => self.network.predict_all(rows),
            View::Sums => self.network.all_logits(rows),
        };
        let mut said = said.map_err(refused)?;
        if self.output >= said.len() {
            return Err(Error::Model(format!("the network has no output {}", self.output)));
        }
        let said = said.swap_remove(self.output);
        Ok(match (self.target, self.view) {
            (Target::Number(number), _) => said.mapv(|value| number.restore(value)),
            (Target::Category(_), View::Sums) => {
                let mut odds = said.mapv(f64::from);
                odds.rows_mut().into_iter().for_each(|mut row| {
                    let sums = row.to_vec();
                    row.indexed_iter_mut().for_each(|(class, odds)| *odds -= rest(&sums, class));
                });
                odds
            }
            _ => said.mapv(f64::from),
        })
    }
}

impl Differentiable for Explained<'_> {
    /// Of the sums: derivatives of probabilities vanish where the model is sure.
    fn gradients(&self, rows: &[ArrayView2<'_, f32>], column: usize) -> Result<Vec<Array2<f32>>, Error> {
        self.go_on()?;
        let Target::Category(classes) = self.target else {
            let question = Question::Logit { output: self.output, column };
            let mut slopes = self.network.input_gradients(rows, question).map_err(refused)?;
            let scale = self.scale() as f32;
            slopes.iter_mut().for_each(|slopes| slopes.mapv_inplace(|slope| slope * scale));
            return Ok(slopes);
        };
        // The log-odds of a class are its sum minus the logarithm of the sum of the exponentials of the others.
        let sums = self.network.all_logits(rows).map_err(refused)?;
        let sums = sums.get(self.output).ok_or_else(|| Error::Model("there is no such output".to_owned()))?;
        let mut seeds = Array2::zeros((sums.nrows(), classes.names.len()));
        for (sums, mut seeds) in sums.rows().into_iter().zip(seeds.rows_mut()) {
            let sums: Vec<f64> = sums.iter().map(|sum| f64::from(*sum)).collect();
            let all = rest(&sums, column);
            seeds.indexed_iter_mut().for_each(|(class, seed)| {
                let share = sums.get(class).map_or(0.0, |sum| (sum - all).exp());
                *seed = if class == column { 1.0 } else { -share as f32 };
            });
        }
        let question = Question::Weighted { output: self.output, seeds: seeds.view() };
        self.network.input_gradients(rows, question).map_err(refused)
    }
}

/// The logarithm of the sum of the exponentials of all sums but one.
fn rest(sums: &[f64], without: usize) -> f64 {
    let others = || sums.iter().enumerate().filter(|(class, _)| *class != without).map(|(_, sum)| *sum);
    let largest = others().fold(f64::NEG_INFINITY, f64::max);
    if largest.is_finite() { largest + others().map(|sum| (sum - largest).exp()).sum::<f64>().ln() } else { 0.0 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::{Activation, Head, LayerSpec, NetworkSpec, Shape};
    use crate::tensor::{Classes, NumberTarget};

    fn network(layers: Vec<LayerSpec>, head: Head) -> Network {
        Network::new(NetworkSpec::sequential(Shape::features(3), layers, head), 4).unwrap()
    }

    fn classes() -> Target {
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        Target::Category(Classes { column: "t".to_owned(), names, counts: vec![1; 3] })
    }

    #[test]
    fn log_odds_are_those_of_the_probabilities() {
        let network = network(vec![LayerSpec::dense(4, Activation::Tanh)], Head::Multiclass { classes: 3 });
        let target = classes();
        let rows = ndarray::array![[0.3, -1.0, 2.0], [1.5, 0.2, -0.7]];
        let sums = Explained::new(&network, &target, 0, View::Sums).predict(&[rows.view()]).unwrap();
        let shares = Explained::new(&network, &target, 0, View::Predictions).predict(&[rows.view()]).unwrap();
        for (sum, share) in sums.iter().zip(&shares) {
            assert!((sum - (share / (1.0 - share)).ln()).abs() < 1e-5);
        }
    }

    #[test]
    fn derivatives_are_differences_of_the_sums() {
        let number = Target::Number(NumberTarget { column: "t".to_owned(), center: 10.0, scale: 5.0 });
        for (target, head) in [(classes(), Head::Multiclass { classes: 3 }), (number, Head::Regression { outputs: 1 })]
        {
            let network = network(vec![LayerSpec::dense(4, Activation::Tanh)], head);
            let model = Explained::new(&network, &target, 0, View::Sums);
            let row = ndarray::array![[0.3_f32, -1.0, 2.0]];
            let slopes = model.gradients(&[row.view()], 0).unwrap().remove(0);
            for at in 0..3 {
                let said = |step: f32| {
                    let mut moved = row.clone();
                    moved[[0, at]] += step;
                    model.predict(&[moved.view()]).unwrap()[[0, 0]]
                };
                let expected = (said(0.01) - said(-0.01)) / 0.02;
                assert!((f64::from(slopes[[0, at]]) - expected).abs() < 2e-3, "{expected}");
            }
        }
    }

    #[test]
    fn a_network_without_a_hidden_layer_is_linear() {
        let binary = Target::Binary(Classes { column: "t".to_owned(), names: Vec::new(), counts: Vec::new() });
        let plain = network(Vec::new(), Head::Binary);
        assert!(Explained::new(&plain, &binary, 0, View::Sums).is_linear());
        let deep = network(vec![LayerSpec::dense(2, Activation::Relu)], Head::Binary);
        assert!(!Explained::new(&deep, &binary, 0, View::Sums).is_linear());
        let several = network(Vec::new(), Head::Multiclass { classes: 3 });
        assert!(!Explained::new(&several, &classes(), 0, View::Sums).is_linear(), "log-odds are not");
    }
}
