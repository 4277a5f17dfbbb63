//! A network as an ONNX file, which other programs run without this one.
//!
//! ONNX is a protobuf message (<https://onnx.ai>, operators: <https://github.com/onnx/onnx/blob/main/docs/Operators.md>)
//! that holds a graph of operators with their weights; here of opset 17. Inputs are named and shaped as those of the
//! network, `[rows, ..]` with channels last, tokens as `int64`; outputs are its predictions: probabilities, numbers,
//! expected counts. Convolutions and pools, which ONNX has with channels first, stand between two transpositions, which
//! runtimes cancel out where they meet. The same network gives the same bytes.
//!
//! `tests/oracle/nn_onnx.py` runs stored files with onnxruntime; the tests here compare them byte by byte with what is
//! written, and the numbers that onnxruntime gave with predictions.

mod attention;
mod layers;
mod messages;
mod recurrent;
mod windows;
mod writer;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

use super::error::Error;
use super::head::Head;
use super::network::Network;
use super::plan::{Plan, Step};
use super::shape::Shape;
use messages::{BOOL, FLOAT, INT64, Model, OperatorSet};
use prost::Message;
use std::collections::HashMap;
use writer::{Writer, integer};

/// The version of the file format, and that of the operators.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;

impl Network {
    /// The network with its weights as an ONNX file.
    ///
    /// Errors: [`Error::Store`], also where a weight is not finite.
    pub fn to_onnx(&self) -> Result<Vec<u8>, Error> {
        self.check_finite()?;
        let plan = Plan::apart(self.spec())?;
        let mut writer = Writer::default();
        let mut names: Vec<String> = Vec::with_capacity(plan.values.len());
        for input in &plan.inputs {
            let kind = if input.tokens.is_some() { INT64 } else { FLOAT };
            names.push(writer.input(&input.name, kind, input.shape.dimensions()));
        }
        let outputs: Vec<String> =
            plan.outputs.iter().map(|output| writer.output(&output.name, output.head.width())).collect();
        let mut masks = Masks { inputs: names.clone(), written: HashMap::new() };
        for (index, value) in plan.values.iter().enumerate().skip(plan.inputs.len()) {
            let name = match plan.steps.iter().position(|step| step.output == index) {
                Some(step) => {
                    let mut at = At::new(self, &plan, step, &names, &mut masks, &mut writer);
                    layers::write(&mut at)?
                }
                // The numbers of another value under another shape.
                None => reshape(&mut writer, &value.name, &names[value.root], &value.shape),
            };
            names.push(name);
        }
        for (output, name) in plan.outputs.iter().zip(&outputs) {
            let logits = &names[output.value];
            match output.head {
                Head::Binary | Head::Multilabel { .. } => writer.last(name, "Sigmoid", logits, vec![]),
                Head::Multiclass { .. } => writer.last(name, "Softmax", logits, vec![integer("axis", -1)]),
                Head::Counts { .. } => writer.last(name, "Exp", logits, vec![]),
                Head::Regression { .. } => writer.last(name, "Identity", logits, vec![]),
            }
        }
        let model = Model {
            ir_version: IR_VERSION,
            producer_name: "gristmill".to_owned(),
            graph: Some(writer.finish("network")),
            opset_import: vec![OperatorSet { domain: String::new(), version: OPSET }],
        };
        Ok(model.encode_to_vec())
    }
}

/// The same numbers of each row under another shape.
fn reshape(writer: &mut Writer, base: &str, from: &str, shape: &Shape) -> String {
    let mut dimensions = vec![-1];
    dimensions.extend(shape.dimensions().iter().map(|&d| writer::whole(d)));
    let shape = writer.wholes(&format!("{base}.shape"), &dimensions);
    writer.node(base, "Reshape", &[from, &shape], vec![])
}

/// Which places of an input are tokens rather than padding.
struct Masks {
    /// The names of the inputs.
    inputs: Vec<String>,
    /// For an input, the name of what says it: `[rows, length]`, 1 for a token and 0 for padding.
    written: HashMap<usize, String>,
}

impl Masks {
    fn of(&mut self, input: usize, writer: &mut Writer) -> String {
        if let Some(name) = self.written.get(&input) {
            return name.clone();
        }
        let tokens = &self.inputs[input];
        let base = format!("{tokens}.mask");
        let zero = writer.wholes(&base, &[0]);
        let is_padding = writer.node(&base, "Equal", &[tokens, &zero], vec![]);
        let is_token = writer.node(&base, "Not", &[&is_padding], vec![]);
        let name = writer.node(&base, "Cast", &[&is_token], vec![integer("to", i64::from(FLOAT))]);
        self.written.insert(input, name.clone());
        name
    }
}

/// A layer at its place, with the graph to which it is added.
struct At<'a> {
    network: &'a Network,
    plan: &'a Plan,
    step: &'a Step,
    /// The names of what it reads.
    inputs: Vec<&'a str>,
    masks: &'a mut Masks,
    writer: &'a mut Writer,
}

impl<'a> At<'a> {
    fn new(
        network: &'a Network,
        plan: &'a Plan,
        step: usize,
        names: &'a [String],
        masks: &'a mut Masks,
        writer: &'a mut Writer,
    ) -> Self {
        let step = &plan.steps[step];
        let inputs = step.inputs.iter().map(|&input| &*names[input]).collect();
        Self { network, plan, step, inputs, masks, writer }
    }

    /// What the layer reads, where it reads one value.
    fn input(&self) -> &'a str {
        self.inputs[0]
    }

    /// The dimensions of a row of that.
    fn dimensions(&self) -> &'a [usize] {
        self.plan.values[self.step.inputs[0]].shape.dimensions()
    }

    /// The last of them.
    fn width(&self) -> usize {
        self.dimensions().last().copied().unwrap_or(1)
    }

    /// A parameter of the layer; empty where it has none of that name.
    fn parameter(&self, name: &str) -> &'a [f32] {
        let name = format!("{}.{name}", self.step.name);
        let place = self.plan.parameters.iter().find(|place| place.name == name);
        place.map_or(&[], |place| &self.network.parameters[place.range.clone()])
    }

    /// A parameter as a constant, under its name.
    fn store(&mut self, name: &str, dimensions: &[usize]) -> String {
        let values = self.parameter(name);
        self.floats(name, dimensions, values)
    }

    /// A constant of the layer.
    fn floats(&mut self, name: &str, dimensions: &[usize], values: &[f32]) -> String {
        self.writer.floats(&format!("{}.{name}", self.step.name), dimensions, values)
    }

    fn wholes(&mut self, name: &str, values: &[i64]) -> String {
        self.writer.wholes(&format!("{}.{name}", self.step.name), values)
    }

    /// A node of the layer.
    fn node(&mut self, operator: &str, inputs: &[&str], attributes: Vec<messages::Attribute>) -> String {
        self.writer.node(&self.step.name, operator, inputs, attributes)
    }

    /// 1 for tokens and 0 for padding, `[rows, length]`, where the layer leaves padding out.
    fn mask(&mut self) -> Option<String> {
        self.step.mask.map(|input| self.masks.of(input, self.writer))
    }

    /// Another dimension of size 1.
    fn unsqueeze(&mut self, from: &str, axes: &[i64]) -> String {
        let axes = self.wholes("axes", axes);
        self.node("Unsqueeze", &[from, &axes], vec![])
    }

    /// The sum over a dimension.
    fn sum(&mut self, from: &str, axis: i64, keep: bool) -> String {
        let axes = self.wholes("axes", &[axis]);
        self.node("ReduceSum", &[from, &axes], vec![integer("keepdims", i64::from(keep))])
    }

    /// A mask as truth values.
    fn truth(&mut self, mask: &str) -> String {
        self.node("Cast", &[mask], vec![integer("to", i64::from(BOOL))])
    }
}
