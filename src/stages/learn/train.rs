//! `train`: tensors become a model.

mod assembly;
mod checkpoint;
mod continued;
mod exhibits;
mod layers;
mod loss;
mod network;
mod optimizer;
mod pace;
mod plan;
mod recipe;
mod schedule;
mod telling;
mod work;

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Ordered, Spanned};
use crate::diagnostic::Findings;
use crate::stages::{ModelShape, PlanContext, Planned, Shape, Stage, TableShape};
pub use continued::Continued;
pub use layers::{Activation, Layer};
pub use loss::Loss;
pub use network::{Output, OutputOptions};
pub use optimizer::Optimizer;
pub use pace::{BatchSize, Checkpoint, EarlyStopping, LearningRate, OnDivergence};
pub use recipe::Preset;
pub use schedule::Schedule;

use super::bundle;
use super::needs;

/// A list of layers and its place.
type Layers = Spanned<Vec<Spanned<Layer>>>;

/// Trains a neural network on tensors.
///
/// `network` lists the layers, in short (`{dense: 128}`) or with all options (`{dense: {units: 128, activation: gelu}}`).
/// The end follows from the target: one probability for a binary target, one for each class of a category, a number for a
/// number. Numbers to be foretold are standardized inside, predictions are taken back. Embedded categories are joined with
/// the other flat features by themselves.
///
/// Inputs of several kinds have layers of their own in `inputs`, and meet in `fusion`: there `table` is the name of the
/// flat features, and texts, images and sounds have the name of their column. `outputs` gives a target layers, a loss and
/// a weight of its own. `check` follows the shapes from layer to layer and shows the one that does not fit.
///
/// `preset` takes a network and a training that are good without tuning; every option that is written besides takes the
/// place of its part.
///
/// The network learns from the training rows. After each epoch it is judged on the part `validate_on`: by default the
/// second part when the rows are divided into three or more, else none. With `early_stopping` the epoch with the lowest
/// validation loss is kept, otherwise the last. The last part stays unseen for `evaluate`.
///
/// The same seed gives the same network on one machine, whatever its number of threads. Rows that do not fit into half of
/// the memory are encoded once into a file of the run, and read from there in a random order of blocks that are shuffled
/// together. With `checkpoint` a run that was interrupted goes on where it was, and ends with the same network.
///
/// The product is a model: a folder with the network, the encoders and everything that was done to a row, so that
/// `predict` can do the same to new rows. `save` copies it to a folder of yours, complete or not at all.
///
/// ```yaml
/// - id: model
///   train:
///     network: [{dense: 128}, {dropout: 0.1}, {dense: {units: 64, activation: relu}}]
///     epochs: 20
///     optimizer: {adamw: {learning_rate: 0.001}}
///     schedule: cosine
///     early_stopping: {patience: 3}
///     save: out/model
/// ```
///
/// ```yaml
/// - id: pictures
///   train:
///     network: [{conv2d: 32}, {max_pool: 2}, {conv2d: {filters: 64, padding: same}}, global_average_pool, {dense: 64}]
///     batch_size: auto
///     learning_rate: find
/// ```
///
/// ```yaml
/// - id: both
///   train:
///     inputs: {table: [{dense: 64}], review: [{embedding_bag: 64}]}
///     fusion: [{dense: 64}, {dropout: 0.2}]
///     loss: {cross_entropy: {label_smoothing: 0.05, class_weights: balanced}}
///     on_divergence: {retries: 2, factor: 0.1}
///     checkpoint: {every: 1}
/// ```
///
/// ```yaml
/// - id: simple
///   train: {preset: tabular, epochs: 100, on_divergence: {retries: 2}}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// The hidden layers in order; `[]` gives a linear model. Two dense layers of 128 and 64 units when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<Vec<Spanned<Layer>>>,
    /// Instead of `network`, the layers of each input: `{table: [..], review: [..]}`. Flat features that are not named
    /// here are joined as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inputs: Option<Spanned<Ordered<Layers>>>,
    /// With `inputs`, the layers after all are joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fusion: Option<Layers>,
    /// What leads to each target: a list of layers, or `{layers: [..], loss: .., weight: ..}`.
    #[serde(default)]
    outputs: Ordered<Output>,
    /// How wrong a prediction is, where `outputs` does not say it: squared error for numbers, cross-entropy for classes,
    /// Poisson for counts when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loss: Option<Spanned<Loss>>,
    /// A network and a training that are good without tuning; what is written besides takes the place of its parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preset: Option<Spanned<Preset>>,
    /// How many times all training rows are seen; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epochs: Option<Spanned<usize>>,
    /// How many rows make one step: a number, `auto`, or phases: `[{epochs: 5, size: 64}, {epochs: 5, size: 256}]`, of which
    /// the last stays. `auto` is the largest power of two up to 4,096 that still makes a row cheaper, leaves an epoch enough
    /// steps, and fits into the memory. 256 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch_size: Option<Spanned<BatchSize>>,
    /// How a gradient changes the parameters; `adamw` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    optimizer: Option<Spanned<Optimizer>>,
    /// The step size: a number, or `find` for the rate at which the loss falls fastest while the rate grows from batch to
    /// batch (Smith 2017). That of the optimizer when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    learning_rate: Option<Spanned<LearningRate>>,
    /// How the learning rate changes; not at all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule: Option<Spanned<Schedule>>,
    /// Ends the training when the validation loss no longer falls, and keeps the best epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    early_stopping: Option<Spanned<EarlyStopping>>,
    /// What to do when numbers become infinite: by default the stage fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_divergence: Option<Spanned<OnDivergence>>,
    /// Decides the first weights, the order of the rows and what dropout silences.
    #[serde(default)]
    seed: u32,
    /// The largest Euclidean norm of a step's gradient; a longer one is scaled down to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clip_norm: Option<Spanned<f64>>,
    /// The largest size of each number of a step's gradient, in place of `clip_norm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clip_value: Option<Spanned<f64>>,
    /// A column of numbers from 0 that say how much each row counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weights: Option<Spanned<String>>,
    /// The part on which each epoch is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validate_on: Option<Spanned<String>>,
    /// Keeps how far the training is, so that an interrupted run goes on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Spanned<Checkpoint>>,
    /// A folder to which the finished model is copied; a model that is there is replaced. With `{path: out/model, onnx: true}` the
    /// network is written as ONNX too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    save: Option<Spanned<bundle::Save>>,
}

impl Stage for Train {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        self.planned(shapes, context, None)
    }
}

impl Train {
    /// Plans the stage. `continued` is a file from which the training goes on, and in which it leaves how far it came.
    fn planned(
        &self,
        shapes: &[Shape],
        context: &PlanContext<'_>,
        continued: Option<&Path>,
    ) -> Result<Planned, Findings> {
        let tensors = needs::tensors(shapes, context.input_ids)?;
        let mut checked = self.check(tensors, context)?;
        checked.work.continued = continued.map(Path::to_path_buf);
        let model = ModelShape { tensors: tensors.clone(), stage: context.id.to_owned() };
        let table: &TableShape = &tensors.table;
        let mut planned = Planned::relation(table.clone()).work(checked.work).meaning(checked.meaning);
        planned.product = Shape::Model(model);
        planned.findings.extend(checked.warnings);
        Ok(planned)
    }
}
