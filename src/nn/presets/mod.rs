//! Networks and trainings that are good without tuning, from the shapes of the inputs, what is asked, and the number of
//! rows.
//!
//! They are plain descriptions: whoever takes one may change it before it is built.

mod audio;
mod image;
mod tabular;
mod text;

pub use audio::audio;
pub use image::image;
pub use tabular::tabular;
pub use text::text;

use super::error::Error;
use super::graph::{InputSpec, NetworkSpec};
use super::head::Head;
use super::layers::{Activation, BatchNorm, LayerSpec};
use super::optimizer::OptimizerSpec;
use super::schedule::{ScheduleKind, ScheduleSpec};
use super::training::TrainingOptions;

/// A network and how it is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// The network.
    pub network: NetworkSpec,
    /// How it is trained. What it says about stopping needs validation rows; without any, it must be taken out.
    pub options: TrainingOptions,
}

fn refused(input: &InputSpec, reason: &str) -> Error {
    Error::Layer { layer: input.name.clone(), index: None, reason: reason.to_owned() }
}

/// The only input.
fn only<'a>(inputs: &'a [InputSpec], of: &str) -> Result<&'a InputSpec, Error> {
    match inputs {
        [input] => Ok(input),
        _ => Err(Error::Layer {
            layer: "input".to_owned(),
            index: None,
            reason: format!("the preset {of} reads one input, there are {}", inputs.len()),
        }),
    }
}

/// A list of layers over one input, with a head for each question; the targets of classes are smoothed.
fn chain(input: &InputSpec, layers: Vec<LayerSpec>, outputs: &[(String, Head)], smoothing: f64) -> NetworkSpec {
    let mut spec = NetworkSpec { inputs: vec![input.clone()], nodes: Vec::new(), outputs: Vec::new() };
    let mut last = input.name.clone();
    for (i, layer) in layers.into_iter().enumerate() {
        last = spec.push(&format!("layer_{}", i + 1), layer, &[&last]);
    }
    for (name, head) in outputs {
        spec.ask(name, &last, *head);
    }
    for output in spec.outputs.iter_mut().filter(|output| asks_for_classes(output.head)) {
        output.loss.label_smoothing = smoothing;
    }
    spec
}

fn asks_for_classes(head: Head) -> bool {
    matches!(head, Head::Binary | Head::Multiclass { .. } | Head::Multilabel { .. })
}

/// A convolution without bias or activation, then batch norm and ReLU (Ioffe & Szegedy 2015).
fn normed(convolution: LayerSpec) -> [LayerSpec; 3] {
    let relu = LayerSpec::Activate(super::layers::Activate { activation: Activation::Relu });
    [convolution, LayerSpec::BatchNorm(BatchNorm::default()), relu]
}

/// So many epochs that a training sees about `seen` rows, within limits.
fn epochs(seen: usize, rows: usize, least: usize, most: usize) -> usize {
    (seen / rows.max(1)).clamp(least, most)
}

/// AdamW under one cycle of the learning rate (Smith & Topin 2018), which needs few epochs.
fn one_cycle(learning_rate: f64, weight_decay: f64, epochs: usize, batch_size: usize) -> TrainingOptions {
    TrainingOptions {
        epochs,
        batch_size,
        optimizer: OptimizerSpec::Adamw { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay },
        schedule: ScheduleSpec {
            kind: ScheduleKind::OneCycle { up: 0.3, start_divisor: 25.0, end_divisor: 1e4 },
            warm_up: 0.0,
        },
        ..TrainingOptions::default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
