//! A network put together from branches over inputs: nodes get names, shapes are followed, what does not fit is found at its
//! place.

use std::collections::BTreeSet;

use super::Layers;
use super::layers::{Layer, Tokens};
use crate::definition::{Ordered, Spanned};
use crate::diagnostic::{Class, Diagnostic, Place, nearest};
use crate::nn::{self, Head, InputSpec, NetworkSpec, Shape, layers as engine};
use crate::tensor::{Block, BlockKind, TABLE};

/// Something that layers can read: the name of an input or a node, and the shape of its rows.
pub(super) struct Reaching {
    pub(super) name: String,
    pub(super) input: InputSpec,
}

/// A network that is put together node by node.
pub(super) struct Assembly<'a> {
    pub(super) spec: NetworkSpec,
    /// For each node where it is written; none for what was added to it.
    pub(super) places: Vec<Option<Place>>,
    /// The names of inputs and nodes.
    pub(super) names: BTreeSet<String>,
    pub(super) blocks: &'a [Block],
    /// Of what class a finding is.
    pub(super) class: Class,
}

/// The block as the network reads it.
pub(super) fn input_of(block: &Block) -> InputSpec {
    let padding = block.kind == BlockKind::Text;
    InputSpec { name: block.name.clone(), shape: Shape::of(&block.shape), tokens: block.tokens, padding }
}

pub(super) fn head_layer(head: Head) -> nn::LayerSpec {
    nn::LayerSpec::dense(head.width(), nn::Activation::Linear)
}

/// A name without what a name of a layer cannot have.
pub(super) fn plain(name: &str) -> String {
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
pub(super) fn vector_length(tokens: usize) -> usize {
    ((1.6 * (tokens as f64).powf(0.56)).round() as usize).clamp(1, 600)
}

impl Assembly<'_> {
    fn refuse(&self, message: String) -> Diagnostic {
        Diagnostic::error(self.class, message)
    }

    /// Adds a node under a name that nothing else has.
    pub(super) fn node(&mut self, name: String, layer: nn::LayerSpec, inputs: &[&str], place: Option<Place>) -> String {
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
    pub(super) fn only(&mut self) -> Result<Reaching, Diagnostic> {
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
    pub(super) fn join(&mut self, mut parts: Vec<Reaching>) -> Result<Reaching, Diagnostic> {
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
    pub(super) fn branches(&mut self, inputs: &Ordered<Layers>) -> Result<Vec<Reaching>, Diagnostic> {
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
    pub(super) fn chain(
        &mut self,
        from: Reaching,
        layers: &[Spanned<Layer>],
        prefix: &str,
    ) -> Result<Reaching, Diagnostic> {
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
    pub(super) fn flat(&self, end: &Reaching, place: Option<&Place>, reader: &str) -> Result<(), Diagnostic> {
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
