//! From what is written to the description of a network: branches of inputs, their fusion, an end for each target.

use std::collections::BTreeSet;

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::SeqAccess;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Layers;
use super::assembly::{Assembly, Reaching, head_layer, input_of, plain};
use super::layers::Layer;
use super::layers::short::{Short, short};
use super::loss::Loss;
use crate::definition::{Ordered, Spanned};
use crate::diagnostic::{Class, Diagnostic, Place};
use crate::nn::{self, Head, LossSpec, NetworkSpec, OutputSpec};
use crate::tensor::Block;

/// What leads to one target: a list of layers, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Output(OutputOptions);

/// Options of what leads to one target.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutputOptions {
    /// Layers for this target alone, after those that all share.
    pub(super) layers: Vec<Spanned<Layer>>,
    /// How wrong a prediction is. Default: that of the stage, or what fits the target.
    pub(super) loss: Option<Spanned<Loss>>,
    /// How much this target counts beside the others; 1 when absent.
    pub(super) weight: Option<Spanned<f64>>,
}

impl Output {
    /// All options.
    pub(super) fn options(&self) -> &OutputOptions {
        &self.0
    }
}

impl Short for Output {
    type Options = OutputOptions;
    const EXPECTED: &'static str = "a list of layers, or `{layers: [..], loss: huber, weight: 0.5}`";

    fn short_schema(generator: &mut SchemaGenerator) -> serde_json::Value {
        json!({ "type": "array", "items": generator.subschema_for::<Layer>() })
    }

    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut layers = Vec::new();
        while let Some(layer) = list.next_element()? {
            layers.push(layer);
        }
        Ok(Self(OutputOptions { layers, ..OutputOptions::default() }))
    }

    fn of_options(options: OutputOptions) -> Self {
        Self(options)
    }

    fn options(&self) -> &OutputOptions {
        &self.0
    }
}

short! { Output }

/// The layers as they are written.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Written {
    /// For one kind of input.
    pub(super) network: Option<Vec<Spanned<Layer>>>,
    /// For each kind of input.
    pub(super) inputs: Option<Ordered<Layers>>,
    /// After all inputs are joined.
    pub(super) fusion: Vec<Spanned<Layer>>,
    /// For each target.
    pub(super) outputs: Ordered<Output>,
}

/// A question to the network.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The target.
    pub(super) name: String,
    pub(super) head: Head,
    /// How wrong an answer is; none for what is usual.
    pub(super) loss: Option<LossSpec>,
    pub(super) weight: f64,
}

/// A description with the places of its layers.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) spec: NetworkSpec,
    /// For each node where it is written; none for what was added to it.
    places: Vec<Option<Place>>,
}

impl Assembled {
    /// A description of which no layer is written anywhere.
    pub(super) fn of(spec: NetworkSpec) -> Self {
        Self { spec, places: Vec::new() }
    }

    /// A finding about the network at the place of its layer.
    pub(super) fn place(&self, error: &nn::Error, class: Class) -> Diagnostic {
        let finding = Diagnostic::error(class, error.to_string());
        let nn::Error::Layer { index, .. } = error else { return finding };
        match index.and_then(|index| self.places.get(index)?.as_ref()) {
            Some(place) => finding.at(place),
            None => finding,
        }
    }
}

impl Written {
    /// The network over these blocks. Shapes are followed layer by layer.
    ///
    /// Errors: at the place of the layer that does not fit, of class `class`; names that are no inputs or targets.
    pub(super) fn assemble(&self, blocks: &[Block], asked: &[Asked], class: Class) -> Result<Assembled, Diagnostic> {
        let spec = NetworkSpec { inputs: Vec::new(), nodes: Vec::new(), outputs: Vec::new() };
        let mut assembly = Assembly { spec, places: Vec::new(), names: BTreeSet::new(), blocks, class };
        assembly.spec.inputs = blocks.iter().map(input_of).collect();
        assembly.names.extend(blocks.iter().map(|block| block.name.clone()));
        let shared = match (&self.network, &self.inputs) {
            (network, None) => {
                let layers = network.as_deref().unwrap_or_default();
                let reaching = assembly.only()?;
                assembly.chain(reaching, layers, "layer")?
            }
            (_, Some(inputs)) => {
                let branches = assembly.branches(inputs)?;
                let joined = assembly.join(branches)?;
                assembly.chain(joined, &self.fusion, "fusion")?
            }
        };
        for (number, asked) in asked.iter().enumerate() {
            let options = self.outputs.get(&asked.name).map(Output::options);
            let layers = options.map_or(&[][..], |options| &options.layers);
            let shared = Reaching { name: shared.name.clone(), input: shared.input.clone() };
            let end = assembly.chain(shared, layers, &asked.name)?;
            let last = layers.last().or(self.fusion.last()).or(self.network.as_ref().and_then(|layers| layers.last()));
            assembly.flat(&end, last.map(|layer| &layer.place), "a target")?;
            let head = if number == 0 { "head".to_owned() } else { format!("head_{}", plain(&asked.name)) };
            let from = assembly.node(head, head_layer(asked.head), &[&end.name], None);
            let Asked { name, head, loss, weight } = asked.clone();
            let loss = loss.unwrap_or_default();
            assembly.spec.outputs.push(OutputSpec { name, from, head, loss, weight });
        }
        let assembled = Assembled { spec: assembly.spec, places: assembly.places };
        match assembled.spec.summary() {
            Ok(_) => Ok(assembled),
            Err(error) => Err(assembled.place(&error, class)),
        }
    }
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
