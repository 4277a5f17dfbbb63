//! From a description to steps: names become numbers, blocks become their layers, shapes are inferred.

use super::super::error::Error;
use super::super::graph::{InputSpec, NetworkSpec, NodeSpec, OutputSpec};
use super::super::layers::{
    Activate, Activation, Add, Bidirectional, Concatenate, Conv1d, Conv2d, FUSED, Layer, LayerSpec, Residual, fused,
};
use super::super::loss::Loss;
use super::super::shape::Shape;
use super::{MAX_PARAMETERS, MAX_ROW, Output, PartOf, Plan, Step, Value};
use std::collections::HashMap;

/// The steps of a description, without places for their parameters. Where `fuse` is set, a step may stand for several
/// layers.
pub(super) fn expand(spec: &NetworkSpec, fuse: bool) -> Result<Plan, Error> {
    let mut expansion = Expansion {
        plan: Plan {
            inputs: spec.inputs.clone(),
            values: Vec::new(),
            steps: Vec::with_capacity(spec.nodes.len()),
            outputs: Vec::new(),
            parameters: Vec::new(),
            parameter_count: 0,
            dense_count: 0,
            statistics: 0,
            row_size: 0,
        },
        names: HashMap::new(),
        used: Vec::new(),
        parameters: 0,
    };
    if spec.inputs.is_empty() {
        return Err(about("input", "a network reads at least one input".to_owned()));
    }
    for input in &spec.inputs {
        expansion.input(input)?;
    }
    for (index, node) in spec.nodes.iter().enumerate() {
        expansion.node(index, node)?;
    }
    if spec.outputs.is_empty() {
        return Err(about("output", "a network is asked for at least one output".to_owned()));
    }
    for output in &spec.outputs {
        expansion.output(output)?;
    }
    expansion.check_use(spec)?;
    if fuse {
        expansion.fuse();
    }
    Ok(expansion.plan)
}

struct Expansion<'a> {
    plan: Plan,
    /// The value that a name stands for.
    names: HashMap<&'a str, usize>,
    /// Whether anything reads a value.
    used: Vec<bool>,
    parameters: usize,
}

fn about(layer: &str, reason: String) -> Error {
    Error::Layer { layer: layer.to_owned(), index: None, reason }
}

impl<'a> Expansion<'a> {
    fn input(&mut self, input: &'a InputSpec) -> Result<(), Error> {
        let InputSpec { name, shape, tokens, padding } = input;
        let refuse = |reason| Err(about(name, reason));
        let Some(size) = shape.size().filter(|&size| size > 0 && size <= MAX_ROW) else {
            return refuse(format!(
                "a network reads rows of at least one number and at most {MAX_ROW}, these are {shape}"
            ));
        };
        if tokens.is_some_and(|tokens| tokens == 0 || tokens > 1 << 24 || shape.flat().is_none()) {
            return refuse(format!("tokens are flat rows of whole numbers below 1 to {}", 1 << 24));
        }
        if *padding && tokens.is_none() {
            return refuse("padding is a token, these are numbers".to_owned());
        }
        let value = self.value(name, shape.clone(), size);
        self.plan.values[value].mask = padding.then_some(value);
        if self.names.insert(name, value).is_some() {
            return refuse(format!("there are two inputs of the name `{name}`"));
        }
        Ok(())
    }

    fn value(&mut self, name: &str, shape: Shape, size: usize) -> usize {
        self.plan.row_size += size;
        let root = self.plan.values.len();
        self.plan.values.push(Value { name: name.to_owned(), shape, size, root, part_of: None, mask: None });
        self.used.push(false);
        root
    }

    fn node(&mut self, index: usize, node: &'a NodeSpec) -> Result<(), Error> {
        let title = || format!("{} ({})", node.name, node.layer.kind());
        let refuse = |reason| Error::Layer { layer: title(), index: Some(index), reason };
        if node.name.is_empty() || node.name.contains(['.', '/']) {
            return Err(refuse(format!("`{}` is no name for a layer: it is empty or has a dot or a slash", node.name)));
        }
        let inputs = node.inputs.iter().map(|name| {
            let value = self.names.get(name.as_str()).copied();
            value.ok_or_else(|| refuse(format!("it reads `{name}`, which does not stand before it")))
        });
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        if inputs.is_empty() || (inputs.len() > 1 && !node.layer.joins()) {
            return Err(refuse(format!("it reads one input, not {}", inputs.len())));
        }
        let output = self.layer(&node.name, &node.layer, &inputs).map_err(refuse)?;
        if self.names.insert(&node.name, output).is_some() {
            return Err(refuse(format!("there are two of the name `{}`", node.name)));
        }
        Ok(())
    }

    /// Adds a layer, or the layers of a block, and returns the value it gives.
    fn layer(&mut self, name: &str, layer: &LayerSpec, inputs: &[usize]) -> Result<usize, String> {
        match layer {
            LayerSpec::Residual(block) => self.residual(name, block, inputs[0]),
            LayerSpec::Bidirectional(block) => self.bidirectional(name, block, inputs[0]),
            _ => self.step(name, layer, inputs),
        }
    }

    fn step(&mut self, name: &str, spec: &LayerSpec, inputs: &[usize]) -> Result<usize, String> {
        self.check_tokens(spec, inputs)?;
        let shapes: Vec<&Shape> = inputs.iter().map(|&value| &self.plan.values[value].shape).collect();
        let Some(description) = spec.describe() else {
            return Err("it is made of several layers".to_owned());
        };
        let layer = description.build(&shapes)?;
        let count = layer.parameters().iter().try_fold(self.parameters, |sum, parameter| {
            sum.checked_add(parameter.size()?).filter(|&sum| sum <= MAX_PARAMETERS)
        });
        let count = count.ok_or_else(|| format!("with it the network has more than {MAX_PARAMETERS} parameters"))?;
        let sizes = layer.output().size().and_then(|output| {
            let row = self.plan.row_size.checked_add(output)?.checked_add(layer.kept_per_row())?;
            (row <= MAX_ROW && layer.scratch() <= MAX_ROW && output > 0).then_some((output, row))
        });
        let (size, row) =
            sizes.ok_or_else(|| format!("with it a row needs more than {MAX_ROW} numbers in all layers"))?;
        self.parameters = count;
        for &input in inputs {
            self.used[input] = true;
        }
        if layer.is_view() {
            return Ok(self.view(name, layer.output().clone(), inputs[0]));
        }
        let output = self.value(name, layer.output().clone(), size);
        let mask = self.mask(inputs);
        self.plan.values[output].mask = mask.filter(|&mask| self.has_places_of(output, mask));
        self.plan.row_size = row;
        let said = self.plan.statistics..self.plan.statistics + layer.synchronized().map_or(0, |layer| layer.size());
        self.plan.statistics = said.end;
        self.plan.steps.push(Step {
            name: name.to_owned(),
            kind: spec.kind(),
            spec: spec.clone(),
            mask: mask.filter(|_| layer.reads_mask()),
            layer,
            inputs: inputs.to_vec(),
            output,
            parameters: 0..0,
            statistics: said,
        });
        Ok(output)
    }

    /// The same numbers under another shape: a value that stands for another.
    fn view(&mut self, name: &str, shape: Shape, of: usize) -> usize {
        let Value { size, root, .. } = self.plan.values[of];
        self.plan.values.push(Value { name: name.to_owned(), shape, size, root, part_of: None, mask: None });
        self.used.push(false);
        self.plan.values.len() - 1
    }

    /// The input whose padding is that of what a layer reads; none where its inputs disagree.
    fn mask(&self, inputs: &[usize]) -> Option<usize> {
        let mut masks = inputs.iter().filter_map(|&input| self.plan.values[input].mask);
        let first = masks.next()?;
        masks.all(|mask| mask == first).then_some(first)
    }

    /// Whether a value is a sequence with a place for each token of an input.
    fn has_places_of(&self, value: usize, input: usize) -> bool {
        let length = self.plan.values[input].size;
        matches!(*self.plan.values[value].shape.dimensions(), [places, _] if places == length)
    }

    /// Tokens go to layers that look them up, and only there.
    fn check_tokens(&self, spec: &LayerSpec, inputs: &[usize]) -> Result<(), String> {
        for &value in inputs {
            let tokens = self.plan.inputs.get(value).and_then(|input| input.tokens);
            match (tokens, spec.reads_tokens()) {
                (Some(tokens), Some(known)) if tokens > known => {
                    return Err(format!("it knows {known} tokens, the input has {tokens}"));
                }
                (Some(_), None) => {
                    return Err("it reads numbers, these are tokens; put an embedding before it".to_owned());
                }
                (None, Some(_)) => return Err("it reads tokens, these are numbers".to_owned()),
                _ => {}
            }
        }
        Ok(())
    }

    fn residual(&mut self, name: &str, block: &Residual, input: usize) -> Result<usize, String> {
        if block.layers.is_empty() {
            return Err("a residual block needs at least one layer".to_owned());
        }
        let mut last = input;
        for (i, layer) in block.layers.iter().enumerate() {
            let part = format!("{name}/{}", i + 1);
            last = self.layer(&part, layer, &[last]).map_err(|reason| format!("in its layer {}, {reason}", i + 1))?;
        }
        let around = match shortcut(&self.plan.values[input].shape, &self.plan.values[last].shape)? {
            None => input,
            Some(layer) => self.step(&format!("{name}/around"), &layer, &[input])?,
        };
        if self.plan.values[around].shape != self.plan.values[last].shape {
            let (from, to) = (&self.plan.values[around].shape, &self.plan.values[last].shape);
            return Err(format!("the way around gives {from}, the layers give {to}"));
        }
        if block.activation == Activation::Linear {
            return self.step(name, &LayerSpec::Add(Add {}), &[last, around]);
        }
        let sum = self.step(&format!("{name}/sum"), &LayerSpec::Add(Add {}), &[last, around])?;
        self.step(name, &LayerSpec::Activate(Activate { activation: block.activation }), &[sum])
    }

    fn bidirectional(&mut self, name: &str, block: &Bidirectional, input: usize) -> Result<usize, String> {
        let [forward, backward] = block.directions()?;
        let forward = self.step(&format!("{name}/forward"), &forward, &[input])?;
        let backward = self.step(&format!("{name}/backward"), &backward, &[input])?;
        self.step(name, &LayerSpec::Concatenate(Concatenate {}), &[forward, backward])
    }

    fn output(&mut self, output: &OutputSpec) -> Result<(), Error> {
        let OutputSpec { name, from, head, loss, weight } = output;
        let refuse = |reason| about(&format!("output `{name}`"), reason);
        head.check().map_err(refuse)?;
        let value = *self.names.get(from.as_str()).ok_or_else(|| refuse(format!("there is no layer `{from}`")))?;
        let shape = &self.plan.values[value].shape;
        if shape.flat() != Some(head.width()) {
            return Err(refuse(format!("its head needs rows of {} logits, `{from}` gives {shape}", head.width())));
        }
        if self.plan.values[value].root < self.plan.inputs.len() {
            return Err(refuse(format!("`{from}` is an input, there is nothing to learn")));
        }
        if !(weight.is_finite() && *weight > 0.0) {
            return Err(refuse(format!("its weight must be a number above 0, it is {weight}")));
        }
        let root = self.plan.values[value].root;
        if self.plan.outputs.iter().any(|other| other.name == *name || other.value == root) {
            return Err(refuse("there is another output of that name or of that layer".to_owned()));
        }
        let loss = Loss::new(*head, loss).map_err(refuse)?;
        self.used[value] = true;
        self.plan.outputs.push(Output { name: name.clone(), value: root, head: *head, loss, weight: *weight });
        Ok(())
    }

    /// Makes one step of several where that is faster and nothing else reads what is between them: of as many as can be.
    fn fuse(&mut self) {
        let mut index = 0;
        while index + 1 < self.plan.steps.len() {
            let mut chain = vec![index];
            while let Some(next) = chain.last().and_then(|&last| self.only_reader(last)).filter(|_| chain.len() < FUSED)
            {
                chain.push(next);
            }
            let input = &self.plan.values[self.plan.steps[index].inputs[0]].shape;
            let layer = (2..=chain.len()).rev().find_map(|count| {
                let specs: Vec<&LayerSpec> = chain[..count].iter().map(|&step| &self.plan.steps[step].spec).collect();
                Some((fused(&specs, input)?, count))
            });
            if let Some((layer, count)) = layer {
                self.join(&chain[..count], layer);
            }
            index += 1;
        }
    }

    /// The step that reads what a step gives, if it is the only one that does.
    fn only_reader(&self, step: usize) -> Option<usize> {
        let value = self.plan.steps[step].output;
        let reads = |step: &Step| step.inputs.iter().filter(|&&input| self.plan.values[input].root == value).count();
        let readers: usize = self.plan.steps.iter().map(reads).sum();
        let asked = self.plan.outputs.iter().any(|output| output.value == value);
        self.plan.steps.iter().position(|step| step.inputs == [value]).filter(|_| readers == 1 && !asked)
    }

    /// Puts a layer in the place of some steps that follow each other. The parameters are those of the first.
    fn join(&mut self, chain: &[usize], layer: Box<dyn Layer>) {
        for (place, &step) in chain.iter().enumerate() {
            let Step { kind, output, .. } = self.plan.steps[step];
            let parameters_of = (place == 0).then_some(step);
            self.plan.values[output].part_of = Some(PartOf { kind, parameters_of });
        }
        let [first, others @ .., last] = chain else { return };
        let output = self.plan.steps[*last].output;
        // Readers stand behind what they read, so the last goes first.
        for step in std::iter::once(last).chain(others.iter().rev()) {
            self.plan.steps.remove(*step);
        }
        let step = &mut self.plan.steps[*first];
        (step.layer, step.output) = (layer, output);
    }

    /// Refuses what nothing reads: it would be computed for nothing.
    fn check_use(&self, spec: &NetworkSpec) -> Result<(), Error> {
        let unused = |name: &str| self.names.get(name).is_some_and(|&value| !self.used[value]);
        if let Some(input) = spec.inputs.iter().find(|input| unused(&input.name)) {
            return Err(about(&input.name, "no layer reads it".to_owned()));
        }
        match spec.nodes.iter().enumerate().find(|(_, node)| unused(&node.name)) {
            None => Ok(()),
            Some((index, node)) => Err(Error::Layer {
                layer: format!("{} ({})", node.name, node.layer.kind()),
                index: Some(index),
                reason: "nothing reads what it gives".to_owned(),
            }),
        }
    }
}

/// The layer that brings rows of one shape to another, for the way around a block; `None` where they are the same.
fn shortcut(from: &Shape, to: &Shape) -> Result<Option<LayerSpec>, String> {
    if from == to {
        return Ok(None);
    }
    let linear = Activation::Linear;
    Ok(Some(match (from.dimensions(), to.dimensions()) {
        ([_], &[units]) => LayerSpec::dense(units, linear),
        (&[length, _], &[to, filters]) => {
            LayerSpec::Conv1d(Conv1d { stride: length.div_ceil(to), ..Conv1d::new(filters, 1, linear) })
        }
        (&[height, width, _], &[to_height, to_width, filters]) => {
            let stride = [height.div_ceil(to_height), width.div_ceil(to_width)];
            LayerSpec::Conv2d(Conv2d { stride, ..Conv2d::new(filters, [1, 1], linear) })
        }
        _ => {
            return Err(format!("there is no way around layers that make {to} of {from}"));
        }
    }))
}
