//! From what is written to the description of a network: branches of inputs, their fusion, an end for each target.

use std::collections::BTreeSet;

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::SeqAccess;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Layers;
use super::layers::short::{Short, short};
use super::layers::{Layer, Tokens};
use super::loss::Loss;
use crate::definition::{Ordered, Spanned};
use crate::diagnostic::{Class, Diagnostic, Place, nearest};
use crate::nn::{self, Head, InputSpec, LossSpec, NetworkSpec, OutputSpec, Shape, layers as engine};
use crate::tensor::{Block, BlockKind, TABLE};

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

/// Something that layers can read: the name of an input or a node, and the shape of its rows.
struct Reaching {
    name: String,
    input: InputSpec,
}

struct Assembly<'a> {
    spec: NetworkSpec,
    places: Vec<Option<Place>>,
    names: BTreeSet<String>,
    blocks: &'a [Block],
    class: Class,
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

/// The block as the network reads it.
pub(super) fn input_of(block: &Block) -> InputSpec {
    let padding = block.kind == BlockKind::Text;
    InputSpec { name: block.name.clone(), shape: Shape::of(&block.shape), tokens: block.tokens, padding }
}

fn head_layer(head: Head) -> nn::LayerSpec {
    nn::LayerSpec::dense(head.width(), nn::Activation::Linear)
}

/// A name without what a name of a layer cannot have.
fn plain(name: &str) -> String {
    name.replace(['.', '/'], "_")
}

/// The length of the vectors of a category with `tokens` values: 1.6 n^0.56, at most 600 (Howard & Gugger 2020, *Fastai: a
/// layered API for deep learning*).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a small number"
)]
fn vector_length(tokens: usize) -> usize {
    ((1.6 * (tokens as f64).powf(0.56)).round() as usize).clamp(1, 600)
}

impl Assembly<'_> {
    fn refuse(&self, message: String) -> Diagnostic {
        Diagnostic::error(self.class, message)
    }

    /// Adds a node under a name that nothing else has.
    fn node(&mut self, name: String, layer: nn::LayerSpec, inputs: &[&str], place: Option<Place>) -> String {
        let mut free = name.clone();
        let mut number = 2;
        while !self.names.insert(free.clone()) {
            free = format!("{name}_{number}");
            number += 1;
        }
        self.places.push(place);
        self.spec.push(&free, layer, inputs)
    }

    fn tokens(&self, input: &InputSpec) -> Option<Tokens> {
        let count = input.tokens?;
        let block = self.blocks.iter().find(|block| block.name == input.name);
        Some(Tokens { count, padding: block.is_some_and(|block| block.kind == BlockKind::Text) })
    }

    /// What a single list of layers reads: the flat features, or the one block of another kind.
    fn only(&mut self) -> Result<Reaching, Diagnostic> {
        let others: Vec<&Block> = self.blocks.iter().filter(|block| !is_flat(block)).collect();
        match *others.as_slice() {
            [] => {
                let all: Vec<usize> = (0..self.blocks.len()).collect();
                self.table(&all)
            }
            [only] if self.blocks.len() == 1 => Ok(Reaching { name: only.name.clone(), input: input_of(only) }),
            _ => {
                let mut names: Vec<&str> = others.iter().map(|block| block.name.as_str()).collect();
                if others.len() < self.blocks.len() {
                    names.insert(0, TABLE);
                }
                let example = names.iter().map(|name| format!("{name}: [..]")).collect::<Vec<_>>().join(", ");
                Err(self
                    .refuse(format!("there are inputs of {} kinds, and one list of layers reads one", names.len()))
                    .help(format!("say what reads each of them: `inputs: {{{example}}}, fusion: [{{dense: 64}}]`")))
            }
        }
    }

    /// The flat blocks joined: numbers as they are, categories by their vectors.
    fn table(&mut self, blocks: &[usize]) -> Result<Reaching, Diagnostic> {
        let mut parts = Vec::new();
        let all = self.blocks;
        for block in blocks.iter().filter_map(|&at| all.get(at)) {
            parts.push(match block.tokens {
                None => Reaching { name: block.name.clone(), input: input_of(block) },
                Some(tokens) => {
                    let size = block.dimension.unwrap_or_else(|| vector_length(tokens));
                    let embedding = engine::Embedding { tokens, size, padding: false, token_dropout: 0.0 };
                    let name = format!("{}_embedding", plain(&block.name));
                    let vectors = self.node(name, nn::LayerSpec::Embedding(embedding), &[&block.name], None);
                    let places = block.shape.iter().product::<usize>();
                    let flat = nn::LayerSpec::Flatten(engine::Flatten {});
                    let name = self.node(format!("{}_vector", plain(&block.name)), flat, &[&vectors], None);
                    let input = InputSpec::numbers(&name, Shape::features(size * places));
                    Reaching { name, input }
                }
            });
        }
        self.join(parts)
    }

    /// Flat rows side by side.
    fn join(&mut self, mut parts: Vec<Reaching>) -> Result<Reaching, Diagnostic> {
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let width = parts.iter().map(|part| part.input.shape.size().unwrap_or(0)).sum();
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        if names.is_empty() {
            return Err(self.refuse("there is no input".to_owned()));
        }
        let layer = nn::LayerSpec::Concatenate(engine::Concatenate {});
        let name = self.node("joined".to_owned(), layer, &names, None);
        let input = InputSpec::numbers(&name, Shape::features(width));
        Ok(Reaching { name, input })
    }

    /// What each named input becomes, and the others as they are.
    fn branches(&mut self, inputs: &Ordered<Layers>) -> Result<Vec<Reaching>, Diagnostic> {
        let blocks = self.blocks;
        let named = |name: &str| inputs.iter().find(|(key, _)| key.value == name);
        let is_table = |block: &Block| is_flat(block) && (block.name == TABLE || named(&block.name).is_none());
        let flat: Vec<usize> = (0..blocks.len()).filter(|&at| blocks.get(at).is_some_and(is_table)).collect();
        for (key, _) in inputs.iter() {
            let known = blocks.iter().any(|block| block.name == key.value);
            if known || (key.value == TABLE && !flat.is_empty()) {
                continue;
            }
            let finding = self.refuse(format!("there is no input `{}`", key.value)).at(&key.place);
            let names: Vec<&str> = blocks.iter().map(|block| block.name.as_str()).collect();
            return Err(match nearest(&key.value, names.iter().copied()) {
                Some(near) => finding.label(format!("did you mean `{near}`?")),
                None => finding.help(format!("the inputs are {}", names.join(", "))),
            });
        }
        let mut branches = Vec::new();
        if !flat.is_empty() {
            let table = self.table(&flat)?;
            let layers = named(TABLE).map_or(&[][..], |(_, layers)| &layers.value);
            let end = self.chain(table, layers, TABLE)?;
            self.flat(&end, layers.last().map(|layer| &layer.place), "the fusion")?;
            branches.push(end);
        }
        for (at, block) in blocks.iter().enumerate().filter(|(at, _)| !flat.contains(at)) {
            let _ = at;
            let start = Reaching { name: block.name.clone(), input: input_of(block) };
            let end = match named(&block.name) {
                Some((_, layers)) => {
                    let end = self.chain(start, &layers.value, &block.name)?;
                    let place = layers.value.last().map_or(&layers.place, |layer| &layer.place);
                    self.flat(&end, Some(place), "the fusion")?;
                    end
                }
                None if block.kind == BlockKind::Sequence && block.tokens.is_none() => {
                    let flat = nn::LayerSpec::Flatten(engine::Flatten {});
                    let size = start.input.shape.size().unwrap_or(0);
                    let name = self.node(format!("{}_flat", plain(&block.name)), flat, &[&block.name], None);
                    let input = InputSpec::numbers(&name, Shape::features(size));
                    Reaching { name, input }
                }
                None => {
                    let example = match block.kind {
                        BlockKind::Image => "[{conv2d: 16}, {max_pool: 2}, global_average_pool]",
                        BlockKind::Audio => "[{conv2d: 16}, global_average_pool]",
                        _ => "[{embedding_bag: 64}]",
                    };
                    return Err(self
                        .refuse(format!("nothing reads the input `{}`", block.name))
                        .help(format!("say what does: `inputs: {{{}: {example}}}`", block.name)));
                }
            };
            branches.push(end);
        }
        Ok(branches)
    }

    /// Layers one after the other; their nodes are named by `prefix` and a number.
    fn chain(&mut self, from: Reaching, layers: &[Spanned<Layer>], prefix: &str) -> Result<Reaching, Diagnostic> {
        let tokens = self.tokens(&from.input);
        let shape = self.follow(&from.input, layers, tokens, prefix)?;
        let mut last = from.name;
        for (number, layer) in layers.iter().enumerate() {
            let name = format!("{}_{}", plain(prefix), number + 1);
            last = self.node(name, layer.value.spec(tokens), &[&last], Some(layer.place.clone()));
        }
        let mut input = from.input;
        if !layers.is_empty() {
            input = InputSpec::numbers(&last, shape);
        }
        Ok(Reaching { name: last, input })
    }

    /// The shape of what comes out of layers over an input.
    ///
    /// Errors: at the first layer that does not fit, also inside of others.
    fn follow(
        &self,
        input: &InputSpec,
        layers: &[Spanned<Layer>],
        tokens: Option<Tokens>,
        prefix: &str,
    ) -> Result<Shape, Diagnostic> {
        if layers.is_empty() {
            return Ok(input.shape.clone());
        }
        let mut spec = NetworkSpec { inputs: vec![input.clone()], nodes: Vec::new(), outputs: Vec::new() };
        let mut last = input.name.clone();
        for (number, layer) in layers.iter().enumerate() {
            // No name of a layer has a space, and so no name of an input meets these.
            last = spec.push(&format!("{} {}", plain(prefix), number + 1), layer.value.spec(tokens), &[&last]);
        }
        let flat = spec.push("flat", nn::LayerSpec::Flatten(engine::Flatten {}), &[&last]);
        spec.ask("end", &flat, Head::Binary);
        let error = match spec.summary() {
            Ok(summary) => {
                let row = summary.layers.get(summary.layers.len().saturating_sub(3)).or(summary.layers.last());
                let found = summary.layers.iter().rev().find(|row| row.layer.starts_with(&format!("{last} (")));
                return Ok(found.or(row).map_or_else(|| input.shape.clone(), |row| row.output.clone()));
            }
            Err(error) => error,
        };
        let nn::Error::Layer { index: Some(index), reason, .. } = &error else {
            return Err(self.refuse(error.to_string()));
        };
        let Some(layer) = layers.get(*index) else { return Err(self.refuse(error.to_string())) };
        let reaching = self.follow(input, layers.get(..*index).unwrap_or_default(), tokens, prefix)?;
        let name = format!("{}_{}", plain(prefix), index + 1);
        if !layer.value.inner().is_empty() {
            let numbers = InputSpec::numbers(&input.name, reaching.clone());
            let inside = if *index == 0 { input } else { &numbers };
            self.follow(inside, layer.value.inner(), tokens, &format!("{name} layer"))?;
        }
        let kind = layer.value.spec(tokens).kind();
        let finding = self.refuse(format!("{name} ({kind}): {reason}")).at(&layer.place);
        let known = reason.contains(&reaching.to_string());
        Err(if known { finding } else { finding.label(format!("rows of {reaching} reach it")) })
    }

    /// Refuses rows that are not flat.
    fn flat(&self, end: &Reaching, place: Option<&Place>, reader: &str) -> Result<(), Diagnostic> {
        let finding = if end.input.tokens.is_some() {
            self.refuse(format!("tokens reach {reader} as they are"))
                .help("look them up first: `{embedding_bag: 64}`, or `{embedding: 64}` with layers after it")
        } else if end.input.shape.flat().is_none() {
            self.refuse(format!("rows of {} reach {reader}, which needs flat rows", end.input.shape))
                .help("end the layers with `flatten`, `global_average_pool` or `global_max_pool`")
        } else {
            return Ok(());
        };
        Err(match place {
            Some(place) => finding.at(place),
            None => finding,
        })
    }
}

fn is_flat(block: &Block) -> bool {
    matches!(block.kind, BlockKind::Table | BlockKind::Category)
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
