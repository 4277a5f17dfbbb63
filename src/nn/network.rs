//! A network: its description, its parameters, and what it predicts.

use super::error::Error;
use super::head::Head;
use super::layers::LayerSpec;
use super::plan::Plan;
use super::randomness::{Purpose, generator};
use super::shape::Shape;
use super::workspace::Workspace;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A network as it is described: what it reads, its layers, what it is asked. Shapes between the layers follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// The shape of a row of the input.
    pub input: Shape,
    /// The hidden layers in order; there may be none.
    pub layers: Vec<LayerSpec>,
    /// The end.
    pub head: Head,
}

impl NetworkSpec {
    /// The layers with their shapes and numbers of parameters, without building the network.
    ///
    /// Errors: [`Error::Layer`] for the first layer that does not fit.
    pub fn summary(&self) -> Result<Summary, Error> {
        Ok(Summary::of(&Plan::new(self)?))
    }
}

/// A network with its parameters. It can be shared between threads; copies share everything but the parameters.
#[derive(Debug, Clone)]
pub struct Network {
    spec: NetworkSpec,
    pub(crate) plan: Arc<Plan>,
    /// All parameters, one after the other in the order of the layers.
    pub(crate) parameters: Vec<f32>,
}

/// The most rows that pass through the network together in prediction, and the most numbers they may take up.
const PREDICTION_ROWS: usize = 256;
const PREDICTION_SIZE: usize = 1 << 24;

impl Network {
    /// A network at its start, with parameters drawn by the seed.
    ///
    /// Errors: [`Error::Layer`] for the first layer that does not fit.
    pub fn new(spec: NetworkSpec, seed: u64) -> Result<Self, Error> {
        let plan = Plan::new(&spec)?;
        let mut parameters = vec![0.0; plan.parameter_count];
        for (i, step) in plan.steps.iter().enumerate() {
            let mut rng = generator(seed, Purpose::Initialize, i as u64);
            for (parameter, place) in step.places() {
                parameter.initial.fill(&mut parameters[place], &mut rng);
            }
        }
        Ok(Self { spec, plan: Arc::new(plan), parameters })
    }

    /// A network with given parameters, as many as its plan has.
    pub(crate) fn with_parameters(spec: NetworkSpec, plan: Plan, parameters: Vec<f32>) -> Self {
        debug_assert_eq!(plan.parameter_count, parameters.len());
        Self { spec, plan: Arc::new(plan), parameters }
    }

    /// How the network was described.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// How many numbers training changes.
    pub fn parameter_count(&self) -> usize {
        self.parameters.len()
    }

    /// The layers with their shapes and numbers of parameters.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.plan)
    }

    /// Predictions `[n, width]` for inputs `[n, features]`: the probability of yes (`[n, 1]`), the probabilities of the
    /// classes, or numbers. The same input gives the same prediction, whatever the number of threads.
    ///
    /// Errors: inputs of another width; an input that is NaN or infinite.
    pub fn predict(&self, inputs: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        let mut predictions = self.logits(inputs)?;
        let width = self.plan.output_size();
        if let Some(values) = predictions.as_slice_mut() {
            values.par_chunks_mut(PREDICTION_ROWS * width).for_each(|rows| self.spec.head.finish(rows));
        }
        Ok(predictions)
    }

    /// The sums before sigmoid or softmax, `[n, width]`, for inputs `[n, features]`. Errors: as [`Network::predict`].
    pub fn logits(&self, inputs: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        let (n, features) = inputs.dim();
        if features != self.plan.input_size {
            let (expected, got) = (self.spec.input.clone(), Shape::features(features));
            return Err(Error::InputShape { what: "the input", expected, got });
        }
        let inputs = inputs.as_standard_layout();
        let width = self.plan.output_size();
        let rows = (PREDICTION_SIZE / self.plan.row_size.max(1)).clamp(1, PREDICTION_ROWS);
        let mut logits = Array2::zeros((n, width));
        if let (Some(inputs), Some(logits)) = (inputs.as_slice(), logits.as_slice_mut()) {
            check_inputs(inputs, features)?;
            let workspace = || Workspace::for_prediction(&self.plan, rows.min(n));
            let chunks = inputs.par_chunks(rows * features).zip(logits.par_chunks_mut(rows * width));
            chunks.for_each_init(workspace, |workspace, (x, z)| {
                z.copy_from_slice(workspace.forward(&self.plan, &self.parameters, x, x.len() / features, None));
            });
        }
        Ok(logits)
    }
}

/// Refuses inputs `[n, features]` that are not finite.
pub(crate) fn check_inputs(inputs: &[f32], features: usize) -> Result<(), Error> {
    match inputs.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(at) => {
            Err(Error::NotFiniteInput { row: at / features + 1, feature: at % features + 1, value: inputs[at] })
        }
    }
}

/// The layers of a network as a table; its `Display` draws it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The layers in order, the head last.
    pub layers: Vec<SummaryRow>,
    /// The number of parameters of all layers.
    pub parameters: usize,
}

/// A layer in a [`Summary`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SummaryRow {
    /// Its name with its kind: `layer_1 (dense)`.
    pub layer: String,
    /// The shape of a row of its output.
    pub output: Shape,
    /// How many parameters it has.
    pub parameters: usize,
}

impl Summary {
    fn of(plan: &Plan) -> Self {
        let row = |step: &super::plan::Step| SummaryRow {
            layer: step.title(),
            output: step.layer.output().clone(),
            parameters: step.parameters.len(),
        };
        Self { layers: plan.steps.iter().map(row).collect(), parameters: plan.parameter_count }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![["layer".to_owned(), "output".to_owned(), "parameters".to_owned()]];
        lines.extend(self.layers.iter().map(|l| [l.layer.clone(), l.output.to_string(), l.parameters.to_string()]));
        lines.push(["total".to_owned(), String::new(), self.parameters.to_string()]);
        let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
        let (first, second, third) = (width(0), width(1), width(2));
        for (i, [layer, output, parameters]) in lines.iter().enumerate() {
            let end = if i + 1 < lines.len() { "\n" } else { "" };
            write!(f, "{layer:first$}  {output:second$}  {parameters:>third$}{end}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::layers::Activation;
    use super::*;
    use ndarray::Axis;

    fn spec() -> NetworkSpec {
        let dense = LayerSpec::Dense { units: 8, activation: Activation::Relu };
        let layers = vec![dense, LayerSpec::Dropout { rate: 0.5 }];
        NetworkSpec { input: Shape::features(3), layers, head: Head::Multiclass { classes: 4 } }
    }

    fn inputs(n: usize) -> Array2<f32> {
        Array2::from_shape_fn((n, 3), |(i, j)| ((i * 7 + j * 3) % 11) as f32 / 5.0 - 1.0)
    }

    #[test]
    fn the_summary_counts_parameters_and_draws_a_table() {
        let summary = spec().summary().unwrap();
        // 3 * 8 + 8 and 8 * 4 + 4.
        let counts: Vec<_> = summary.layers.iter().map(|l| l.parameters).collect();
        assert_eq!((counts, summary.parameters), (vec![32, 0, 36], 68));
        let table = "layer              output  parameters\n\
                     layer_1 (dense)    [8]             32\n\
                     layer_2 (dropout)  [8]              0\n\
                     head (dense)       [4]             36\n\
                     total                              68";
        assert_eq!(summary.to_string(), table);
    }

    #[test]
    fn probabilities_sum_to_one_and_a_row_does_not_depend_on_its_neighbours() {
        let network = Network::new(spec(), 3).unwrap();
        let x = inputs(1000);
        let all = network.predict(x.view()).unwrap();
        assert!(all.sum_axis(Axis(1)).iter().all(|s| (s - 1.0).abs() < 1e-6));
        let columns = x.t().to_owned();
        assert_eq!(all, network.predict(columns.t()).unwrap());
        for row in [0, 255, 256, 999] {
            let one = network.predict(x.slice(ndarray::s![row..=row, ..])).unwrap();
            assert!(one.iter().zip(all.row(row)).all(|(a, b)| (a - b).abs() < 1e-6));
        }
        assert_eq!(network.predict(inputs(0).view()).unwrap().dim(), (0, 4));
    }

    #[test]
    fn the_seed_decides_the_parameters() {
        let parameters = |seed| Network::new(spec(), seed).unwrap().parameters;
        assert_eq!(parameters(3), parameters(3));
        assert_ne!(parameters(3), parameters(4));
    }

    #[test]
    fn wrong_widths_and_numbers_that_are_not_finite_are_refused() {
        let network = Network::new(spec(), 3).unwrap();
        let error = network.predict(Array2::zeros((2, 5)).view()).unwrap_err();
        assert_eq!(error.to_string(), "the input has rows of shape [5], the network reads [3]");
        let mut x = inputs(300);
        x[(270, 1)] = f32::NAN;
        let error = network.predict(x.view()).unwrap_err();
        assert_eq!(error.to_string(), "row 271, feature 2 of the input is NaN; a network needs finite numbers");
    }

    #[test]
    fn layers_that_do_not_fit_are_named() {
        let refused = |change: &dyn Fn(&mut NetworkSpec)| {
            let mut spec = spec();
            change(&mut spec);
            spec.summary().unwrap_err().to_string()
        };
        let rate = refused(&|s| s.layers[1] = LayerSpec::Dropout { rate: 1.5 });
        assert_eq!(rate, "layer_2 (dropout): the rate of dropout lies in [0, 1), it is 1.5");
        let classes = refused(&|s| s.head = Head::Multiclass { classes: 1 });
        assert_eq!(classes, "head (dense): a multiclass head needs at least 2 classes, it has 1");
        let outputs = refused(&|s| s.head = Head::Regression { outputs: 0 });
        assert_eq!(outputs, "head (dense): a regression head needs at least 1 output, it has 0");
        let input = refused(&|s| s.input = Shape::features(0));
        assert_eq!(input, "input: a network reads rows of at least one number, these are [0]");
        let wide = refused(&|s| {
            s.input = Shape::features(1 << 20);
            s.layers = vec![LayerSpec::Dropout { rate: 0.5 }; 200];
        });
        assert_eq!(wide, "layer_128 (dropout): with it a row needs more than 268435456 numbers in all layers");
        for units in [1 << 27, usize::MAX] {
            let large = refused(&|s| s.layers[0] = LayerSpec::Dense { units, activation: Activation::Relu });
            assert_eq!(large, "layer_1 (dense): with it the network has more than 268435456 parameters");
        }
    }

    #[test]
    fn a_description_survives_json() {
        let json = serde_json::to_string(&spec()).unwrap();
        assert_eq!(
            json,
            r#"{"input":[3],"layers":[{"dense":{"units":8,"activation":"relu"}},{"dropout":{"rate":0.5}}],"head":{"multiclass":{"classes":4}}}"#
        );
        assert_eq!(serde_json::from_str::<NetworkSpec>(&json).unwrap(), spec());
        assert!(serde_json::from_str::<NetworkSpec>(&json.replace("rate", "rat")).is_err());
    }
}
