//! Attention: ONNX has no operator for it in opset 17, so it is written as products.

use super::super::layers::Attention;
use super::At;
use super::layers::product;
use super::messages::BOOL;
use super::writer::{integer, integers, whole};

/// As a score it gives a softmax of 0 beside any other.
const HIDDEN: f32 = -1e30;

pub(super) fn attention(at: &mut At<'_>, layer: &Attention) -> String {
    let (length, features) = (at.dimensions()[0], at.width());
    let size = features / layer.heads;
    let x = at.input();
    let projected = product(at, x, ["weight", "bias"], [features, 3 * features]);
    let split = at.wholes("split", &[whole(features); 3]);
    let parts = at.writer.node_of(&at.step.name, "Split", &[&projected, &split], &[true; 3], vec![integer("axis", 2)]);
    // Queries and values [rows, heads, length, size], keys [rows, heads, size, length].
    let by_heads = at.wholes("by_heads", &[0, whole(length), whole(layer.heads), whole(size)]);
    let [q, k, v] = [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]].map(|turn| integers("perm", &turn));
    let turned = [(0, q), (1, k), (2, v)].map(|(which, turn)| {
        let cut = at.node("Reshape", &[&parts[which], &by_heads], vec![]);
        at.node("Transpose", &[&cut], vec![turn])
    });
    let [q, k, v] = &turned;
    let scores = at.node("MatMul", &[q, k], vec![]);
    let scale = at.floats("scale", &[], &[(1.0 / (size as f64).sqrt()) as f32]);
    let scores = at.node("Mul", &[&scores, &scale], vec![]);
    let looks = match visible(at, layer, length) {
        None => at.node("Softmax", &[&scores], vec![integer("axis", -1)]),
        Some(visible) => {
            let (hidden, zero) = (at.floats("hidden", &[], &[HIDDEN]), at.floats("zero", &[], &[0.0]));
            let scores = at.node("Where", &[&visible, &scores, &hidden], vec![]);
            let looks = at.node("Softmax", &[&scores], vec![integer("axis", -1)]);
            // A place that sees nothing looks at nothing.
            at.node("Where", &[&visible, &looks, &zero], vec![])
        }
    };
    let heads = at.node("MatMul", &[&looks, v], vec![]);
    let places = at.node("Transpose", &[&heads], vec![integers("perm", &[0, 2, 1, 3])]);
    let side_by_side = at.wholes("side_by_side", &[0, whole(length), whole(features)]);
    let joined = at.node("Reshape", &[&places, &side_by_side], vec![]);
    product(at, &joined, ["output_weight", "output_bias"], [features, features])
}

/// Which places each place may look at, `[rows or 1, 1, length or 1, length]`; none where it may look at all.
fn visible(at: &mut At<'_>, layer: &Attention, length: usize) -> Option<String> {
    let tokens = at.mask().map(|mask| {
        let truth = at.truth(&mask);
        at.unsqueeze(&truth, &[1, 2])
    });
    if !layer.causal {
        return tokens;
    }
    let before: Vec<u8> = (0..length * length).map(|i| u8::from(i % length <= i / length)).collect();
    let before = at.writer.constant(&format!("{}.before", at.step.name), BOOL, &[1, 1, length, length], before);
    Some(match tokens {
        Some(tokens) => at.node("And", &[&tokens, &before], vec![]),
        None => before,
    })
}
