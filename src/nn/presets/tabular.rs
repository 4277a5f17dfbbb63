//! RealMLP-TD-S for tables.

use super::super::error::Error;
use super::super::graph::{InputSpec, NetworkSpec, OutputSpec};
use super::super::head::Head;
use super::super::init::Start;
use super::super::layers::{Activation, Concatenate, Dense, Embedding, Flatten, LayerSpec, Scale};
use super::super::loss::LossSpec;
use super::super::optimizer::{GroupRule, OptimizerSpec};
use super::super::schedule::{ScheduleKind, ScheduleSpec};
use super::super::training::{EarlyStopping, TrainingOptions, Watch};
use super::{Preset, asks_for_classes, epochs, refused};

/// Three layers of this many units.
const UNITS: usize = 256;
/// Vectors of embedded categories have at most this many numbers, as in RealMLP-TD.
const VECTOR: usize = 8;
/// A training sees at most about this many rows: 256 epochs of 50 000.
const SEEN: usize = 256 * 50_000;

/// RealMLP-TD-S (Holzmüller, Grinsztajn & Steinwart 2024, *Better by default: strong pre-tuned MLPs and boosted trees on
/// tabular data*, table A.1), of which this is the network and its training: a learned scale of each feature, three layers
/// of 256 units in the neural tangent parametrisation with normal biases, a last layer that starts at 0; SELU and a rate
/// of 0.04 for classes, Mish and 0.07 for numbers; Adam with a second moment of 0.95; the schedule coslog4; biases learn
/// a tenth as fast, the scale six times as fast; label smoothing 0.1; of 256 epochs the best by the metric is kept.
///
/// The features should have been centred by the median, scaled robustly and clipped smoothly, categories be one-hot, and
/// numbers that are predicted be standardised. Departures from the paper: categories that come as tokens are embedded;
/// yes or no is one logit that learns twice as fast, which is the same as two logits under Adam; on more than 50 000 rows
/// there are fewer epochs, at least 20.
///
/// Errors: an input that is neither numbers nor single tokens.
pub fn tabular(inputs: &[InputSpec], outputs: &[(String, Head)], rows: usize) -> Result<Preset, Error> {
    let mut network = NetworkSpec { inputs: inputs.to_vec(), nodes: Vec::new(), outputs: Vec::new() };
    let mut joined = Vec::with_capacity(inputs.len());
    for (i, input) in inputs.iter().enumerate() {
        joined.push(match (input.tokens, input.shape.flat()) {
            (None, Some(_)) => input.name.clone(),
            (Some(tokens), Some(1)) => {
                let vectors = Embedding { tokens, size: VECTOR.min(tokens), padding: true, token_dropout: 0.0 };
                let name = network.push(&format!("vector_{}", i + 1), LayerSpec::Embedding(vectors), &[&input.name]);
                network.push(&format!("flat_{}", i + 1), LayerSpec::Flatten(Flatten {}), &[&name])
            }
            _ => return Err(refused(input, "the preset tabular reads numbers and categories")),
        });
    }
    let mut last = match &*joined {
        [one] => one.clone(),
        _ => {
            let names: Vec<&str> = joined.iter().map(String::as_str).collect();
            network.push("features", LayerSpec::Concatenate(Concatenate {}), &names)
        }
    };
    last = network.push("scale", LayerSpec::Scale(Scale::default()), &[&last]);
    let by_classes = outputs.iter().all(|(_, head)| asks_for_classes(*head));
    let activation = if by_classes { Activation::Selu } else { Activation::Mish };
    for layer in 1..=3 {
        let dense = Dense { units: UNITS, activation, bias: true, start: Some(Start::Ntk) };
        last = network.push(&format!("layer_{layer}"), LayerSpec::Dense(dense), &[&last]);
    }
    let rule = |parameters: String, rate| GroupRule { parameters, rate, decay: None };
    let mut groups = vec![rule("*.bias".to_owned(), 0.1)];
    for (i, (name, head)) in outputs.iter().enumerate() {
        let node = if i == 0 { "head".to_owned() } else { format!("head_{}", i + 1) };
        let logits =
            Dense { units: head.width(), activation: Activation::Linear, bias: true, start: Some(Start::NtkZeros) };
        let from = network.push(&node, LayerSpec::Dense(logits), &[&last]);
        if *head == Head::Binary {
            groups.extend([rule(format!("{node}.weight"), 2.0), rule(format!("{node}.bias"), 0.2)]);
        }
        let loss = LossSpec { label_smoothing: if asks_for_classes(*head) { 0.1 } else { 0.0 }, ..LossSpec::default() };
        network.outputs.push(OutputSpec { name: name.clone(), from, head: *head, loss, weight: 1.0 });
    }
    let epochs = epochs(SEEN, rows, 20, 256);
    let learning_rate = if by_classes { 0.04 } else { 0.07 };
    let options = TrainingOptions {
        epochs,
        batch_size: 256,
        optimizer: OptimizerSpec::Adam { learning_rate, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.0 },
        schedule: ScheduleSpec { kind: ScheduleKind::Coslog4, warm_up: 0.0 },
        groups,
        // All epochs, of which the best is kept.
        early_stopping: Some(EarlyStopping { patience: epochs, min_delta: 0.0, watch: Watch::Metric }),
        ..TrainingOptions::default()
    };
    Ok(Preset { network, options })
}
