//! The description of a network: what it reads, what it computes, what it is asked.
//!
//! A network is a graph without cycles, written in the order in which it is computed: each node reads inputs and nodes
//! that stand before it, by name. A list of layers is the plain case, for which [`NetworkSpec::sequential`] finds the
//! names.

use super::head::Head;
use super::layers::LayerSpec;
use super::loss::LossSpec;
use super::shape::Shape;
use serde::{Deserialize, Serialize};

/// A network as it is described.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// What a row of the data consists of; at least one.
    pub inputs: Vec<InputSpec>,
    /// The layers, in order.
    pub nodes: Vec<NodeSpec>,
    /// What the network is asked; at least one.
    pub outputs: Vec<OutputSpec>,
}

/// A part of a row: the numbers of a table, an image, the tokens of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// What nodes call it.
    pub name: String,
    /// The shape of this part of a row.
    pub shape: Shape,
    /// How many tokens there are, where it consists of tokens rather than numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    /// Whether token 0 is padding. Layers that look at a whole sequence then leave out the places where it stands:
    /// pools over all places, `lstm`, `gru` and `attention`. A layer that changes the length of a sequence ends that,
    /// for its places are no longer those of the tokens. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub padding: bool,
}

impl InputSpec {
    /// Numbers.
    pub fn numbers(name: &str, shape: Shape) -> Self {
        Self { name: name.to_owned(), shape, tokens: None, padding: false }
    }

    /// Rows of `length` tokens out of `tokens`.
    pub fn tokens(name: &str, length: usize, tokens: usize) -> Self {
        Self { name: name.to_owned(), shape: Shape::features(length), tokens: Some(tokens), padding: false }
    }

    /// Texts of up to `length` tokens out of `tokens`, of which 0 is padding.
    pub fn text(name: &str, length: usize, tokens: usize) -> Self {
        Self { padding: true, ..Self::tokens(name, length, tokens) }
    }
}

/// A layer at its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    /// Its name, which no other node or input has. Stored weights are named by it.
    pub name: String,
    /// What it computes.
    pub layer: LayerSpec,
    /// The names of what it reads: one, or several for a layer that joins them.
    pub inputs: Vec<String>,
}

/// A question to the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// Its name, that of the target.
    pub name: String,
    /// The name of the node whose outputs are the logits.
    pub from: String,
    /// What the logits mean.
    pub head: Head,
    /// How wrong they are. Default: the usual loss of the head.
    #[serde(default)]
    pub loss: LossSpec,
    /// How much this output counts in the loss, beside others. Default 1.
    #[serde(default = "one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

/// The name of the only input of a list of layers.
pub(crate) const INPUT: &str = "input";
/// The name of its only output.
pub(crate) const TARGET: &str = "target";
/// The name of the last layer, which gives the logits.
pub(crate) const HEAD: &str = "head";

impl NetworkSpec {
    /// A list of layers `layer_1`, `layer_2`, .. over one input, with a dense layer `head` at its end.
    pub fn sequential(input: Shape, layers: Vec<LayerSpec>, head: Head) -> Self {
        Self::chain(InputSpec::numbers(INPUT, input), layers, head)
    }

    /// [`NetworkSpec::sequential`] over any input.
    pub fn chain(input: InputSpec, layers: Vec<LayerSpec>, head: Head) -> Self {
        let mut spec = Self { inputs: vec![input], nodes: Vec::with_capacity(layers.len() + 1), outputs: Vec::new() };
        let mut last = spec.inputs[0].name.clone();
        for (i, layer) in layers.into_iter().enumerate() {
            last = spec.push(&format!("layer_{}", i + 1), layer, &[&last]);
        }
        spec.ask(TARGET, &last, head);
        spec
    }

    /// Adds a node that reads the named ones, and returns its name.
    pub fn push(&mut self, name: &str, layer: LayerSpec, inputs: &[&str]) -> String {
        let inputs = inputs.iter().map(|&input| input.to_owned()).collect();
        self.nodes.push(NodeSpec { name: name.to_owned(), layer, inputs });
        name.to_owned()
    }

    /// Asks a question of what the node `from` gives, by way of a dense layer that gives the logits. The layer of the
    /// first question is called `head`, those of others by the name of the output too.
    pub fn ask(&mut self, name: &str, from: &str, head: Head) {
        let node = if self.outputs.is_empty() { HEAD.to_owned() } else { format!("{HEAD}_{name}") };
        let from = self.push(&node, head.layer(), &[from]);
        self.outputs.push(OutputSpec { name: name.to_owned(), from, head, loss: LossSpec::default(), weight: one() });
    }
}
