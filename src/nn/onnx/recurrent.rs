//! Layers that remember: ONNX has them with the places first, and with gates in another order.

use super::super::layers::{Gru, Lstm};
use super::At;
use super::messages::{Attribute, INT32};
use super::writer::{integer, integers, text, whole};

/// Gates `i, f, g, o` as ONNX has them: `i, o, f, c`.
const LSTM_ORDER: [usize; 4] = [0, 3, 1, 2];
/// Gates `r, z, n` as ONNX has them: `z, r, h`.
const GRU_ORDER: [usize; 3] = [1, 0, 2];

pub(super) fn lstm(at: &mut At<'_>, layer: &Lstm) -> String {
    let zeros = vec![0.0; 4 * layer.units];
    let biases = [at.parameter("bias"), &zeros];
    let sizes = Sizes { units: layer.units, sequences: layer.sequences, backward: layer.backward };
    recurrent(at, "LSTM", sizes, &LSTM_ORDER, biases, vec![])
}

pub(super) fn gru(at: &mut At<'_>, layer: &Gru) -> String {
    let biases = [at.parameter("bias"), at.parameter("recurrent_bias")];
    let sizes = Sizes { units: layer.units, sequences: layer.sequences, backward: layer.backward };
    // The reset gate comes after the product.
    recurrent(at, "GRU", sizes, &GRU_ORDER, biases, vec![integer("linear_before_reset", 1)])
}

#[derive(Clone, Copy)]
struct Sizes {
    units: usize,
    sequences: bool,
    backward: bool,
}

/// Blocks of `size` numbers in another order.
fn ordered(values: &[f32], order: &[usize], size: usize) -> Vec<f32> {
    order.iter().flat_map(|&gate| &values[gate * size..(gate + 1) * size]).copied().collect()
}

fn recurrent(
    at: &mut At<'_>,
    operator: &str,
    sizes: Sizes,
    order: &[usize],
    biases: [&[f32]; 2],
    mut attributes: Vec<Attribute>,
) -> String {
    let Sizes { units, sequences, backward } = sizes;
    let (features, gates) = (at.width(), order.len() * units);
    let by_input = ordered(at.parameter("input_weight"), order, units * features);
    let by_state = ordered(at.parameter("recurrent_weight"), order, units * units);
    let biases = biases.map(|bias| ordered(bias, order, units)).concat();
    let by_input = at.floats("input_weight", &[1, gates, features], &by_input);
    let by_state = at.floats("recurrent_weight", &[1, gates, units], &by_state);
    let biases = at.floats("bias", &[1, 2 * gates], &biases);
    let mask = at.mask();
    let lengths = mask.as_deref().map(|mask| lengths(at, mask));
    let x = at.node("Transpose", &[at.input()], vec![integers("perm", &[1, 0, 2])]);
    attributes.push(integer("hidden_size", whole(units)));
    attributes.push(text("direction", if backward { "reverse" } else { "forward" }));
    let mut inputs = vec![&*x, &*by_input, &*by_state, &*biases];
    inputs.extend(lengths.as_deref());
    // All outputs, [places, 1, rows, units], or the last, [1, rows, units].
    let given = at.writer.node_of(&at.step.name, operator, &inputs, &[sequences, !sequences], attributes);
    let axes = at.wholes("axes", &[i64::from(sequences)]);
    let squeezed = at.node("Squeeze", &[&given[usize::from(!sequences)], &axes], vec![]);
    let y = if sequences { at.node("Transpose", &[&squeezed], vec![integers("perm", &[1, 0, 2])]) } else { squeezed };
    match mask {
        None => y,
        // A row of nothing but padding gives 0.
        Some(mask) => {
            let any = at.node("ReduceMax", &[&mask], vec![integers("axes", &[1]), integer("keepdims", 1)]);
            let any = if sequences { at.unsqueeze(&any, &[2]) } else { any };
            at.node("Mul", &[&y, &any], vec![])
        }
    }
}

/// How many places of each row are read: up to the last token, and at least one.
fn lengths(at: &mut At<'_>, mask: &str) -> String {
    let length = at.dimensions()[0];
    let numbers: Vec<f32> = (1..=length).map(|place| place as f32).collect();
    let numbers = at.floats("places", &[length], &numbers);
    let numbered = at.node("Mul", &[mask, &numbers], vec![]);
    let last = at.node("ReduceMax", &[&numbered], vec![integers("axes", &[1]), integer("keepdims", 0)]);
    let one = at.floats("one", &[], &[1.0]);
    let last = at.node("Max", &[&last, &one], vec![]);
    at.node("Cast", &[&last], vec![integer("to", i64::from(INT32))])
}
