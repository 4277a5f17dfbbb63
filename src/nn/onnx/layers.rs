//! Each layer as operators.

use super::super::error::Error;
use super::super::layers::{Activation, BatchNorm, Dense, EmbeddingBag, LayerNorm, LayerSpec, Pooling};
use super::writer::{float, integer, integers};
use super::{At, attention, recurrent, windows};

/// Adds a layer to the graph, and returns the name of what it gives.
pub(super) fn write(at: &mut At<'_>) -> Result<String, Error> {
    Ok(match &at.step.spec {
        LayerSpec::Dense(layer) => dense(at, layer),
        LayerSpec::Activate(layer) => {
            let x = at.input();
            activation(at, layer.activation, x)
        }
        // Random silence is for training only, and flatten a view of what it reads.
        LayerSpec::Dropout(_) | LayerSpec::Flatten(_) => at.input().to_owned(),
        LayerSpec::BatchNorm(layer) => batch_norm(at, layer),
        LayerSpec::LayerNorm(layer) => layer_norm(at, layer),
        LayerSpec::Scale(_) => {
            let factors = at.store("factor", &[at.width()]);
            at.node("Mul", &[at.input(), &factors], vec![])
        }
        LayerSpec::Embedding(layer) => {
            let table = at.store("weight", &[layer.tokens, layer.size]);
            at.node("Gather", &[&table, at.input()], vec![])
        }
        LayerSpec::EmbeddingBag(layer) => embedding_bag(at, layer),
        LayerSpec::Position(layer) => {
            let vectors = match layer.waves {
                true => at.floats("waves", at.dimensions(), &waves(at.dimensions())),
                false => at.store("vectors", at.dimensions()),
            };
            at.node("Add", &[at.input(), &vectors], vec![])
        }
        LayerSpec::Conv1d(layer) => windows::conv1d(at, layer),
        LayerSpec::Conv2d(layer) => windows::conv2d(at, layer),
        LayerSpec::MaxPool(layer) => windows::pool(at, "MaxPool", (layer.window, layer.stride, layer.padding)),
        LayerSpec::AveragePool(layer) => windows::pool(at, "AveragePool", (layer.window, layer.stride, layer.padding)),
        LayerSpec::GlobalMaxPool(_) => global_max(at),
        LayerSpec::GlobalAveragePool(_) => global_mean(at),
        LayerSpec::Add(_) => join(at, "Add"),
        LayerSpec::Multiply(_) => join(at, "Mul"),
        LayerSpec::Concatenate(_) => at.node("Concat", &at.inputs.clone(), vec![integer("axis", -1)]),
        LayerSpec::Lstm(layer) => recurrent::lstm(at, layer),
        LayerSpec::Gru(layer) => recurrent::gru(at, layer),
        LayerSpec::Attention(layer) => attention::attention(at, layer),
        LayerSpec::Residual(_) | LayerSpec::Bidirectional(_) => {
            return Err(Error::Store(format!("{} is made of several layers", at.step.title())));
        }
    })
}

/// `f(X Wᵀ + b)`, place by place where there are several.
fn dense(at: &mut At<'_>, layer: &Dense) -> String {
    let (width, units) = (at.width(), layer.units);
    let sums = if at.dimensions().len() == 1 {
        let weight = at.store("weight", &[units, width]);
        let bias = layer.bias.then(|| at.store("bias", &[units]));
        let inputs: Vec<&str> = [at.input(), &weight].into_iter().chain(bias.as_deref()).collect();
        at.node("Gemm", &inputs, vec![integer("transB", 1)])
    } else {
        let x = at.input();
        product(at, x, ["weight", "bias"], [width, units])
    };
    activation(at, layer.activation, &sums)
}

/// `X Wᵀ + b` for rows of several places, by the names of the parameters; `W` is `[units, width]`.
pub(super) fn product(at: &mut At<'_>, x: &str, [weight, bias]: [&str; 2], [width, units]: [usize; 2]) -> String {
    let values = at.parameter(weight);
    let transposed: Vec<f32> = (0..width * units).map(|i| values[i % units * width + i / units]).collect();
    let weight = at.floats(weight, &[width, units], &transposed);
    let sums = at.node("MatMul", &[x, &weight], vec![]);
    if at.parameter(bias).is_empty() {
        return sums;
    }
    let bias = at.store(bias, &[units]);
    at.node("Add", &[&sums, &bias], vec![])
}

/// An activation as operators; some are operators only of later opsets.
pub(super) fn activation(at: &mut At<'_>, activation: Activation, x: &str) -> String {
    match activation {
        Activation::Linear => x.to_owned(),
        Activation::Relu => at.node("Relu", &[x], vec![]),
        Activation::LeakyRelu => at.node("LeakyRelu", &[x], vec![float("alpha", 0.01)]),
        Activation::Selu => at.node("Selu", &[x], vec![float("alpha", 1.673_263_2), float("gamma", 1.050_701)]),
        Activation::Elu => at.node("Elu", &[x], vec![float("alpha", 1.0)]),
        Activation::Tanh => at.node("Tanh", &[x], vec![]),
        Activation::Sigmoid => at.node("Sigmoid", &[x], vec![]),
        Activation::Softmax => at.node("Softmax", &[x], vec![integer("axis", -1)]),
        Activation::Silu => {
            let share = at.node("Sigmoid", &[x], vec![]);
            at.node("Mul", &[x, &share], vec![])
        }
        Activation::Mish => {
            let soft = at.node("Softplus", &[x], vec![]);
            let share = at.node("Tanh", &[&soft], vec![]);
            at.node("Mul", &[x, &share], vec![])
        }
        Activation::Gelu => {
            let scale = at.floats("scale", &[], &[std::f32::consts::FRAC_1_SQRT_2]);
            let (one, half) = (at.floats("one", &[], &[1.0]), at.floats("half", &[], &[0.5]));
            let scaled = at.node("Mul", &[x, &scale], vec![]);
            let error = at.node("Erf", &[&scaled], vec![]);
            let twice = at.node("Add", &[&error, &one], vec![]);
            let below = at.node("Mul", &[&twice, &half], vec![]);
            at.node("Mul", &[x, &below], vec![])
        }
    }
}

/// In prediction a factor and a shift for each feature, which are worked out here.
fn batch_norm(at: &mut At<'_>, layer: &BatchNorm) -> String {
    let width = at.width();
    let [mean, variance] = ["running_mean", "running_variance"].map(|name| at.parameter(name));
    let inverse = |v: f32| (1.0 / (f64::from(v) + f64::from(layer.epsilon as f32)).sqrt()) as f32;
    let factors: Vec<f32> = at.parameter("factor").iter().zip(variance).map(|(f, v)| f * inverse(*v)).collect();
    let shifts = at.parameter("shift").iter().zip(mean.iter().zip(&factors));
    let shifts: Vec<f32> = shifts.map(|(s, (m, f))| s - m * f).collect();
    let (factors, shifts) = (at.floats("factor", &[width], &factors), at.floats("shift", &[width], &shifts));
    let scaled = at.node("Mul", &[at.input(), &factors], vec![]);
    at.node("Add", &[&scaled, &shifts], vec![])
}

fn layer_norm(at: &mut At<'_>, layer: &LayerNorm) -> String {
    let width = at.width();
    let (factors, shifts) = (at.store("factor", &[width]), at.store("shift", &[width]));
    let attributes = vec![integer("axis", -1), float("epsilon", layer.epsilon as f32)];
    at.node("LayerNormalization", &[at.input(), &factors, &shifts], attributes)
}

/// The vectors of the tokens that are no padding, added up or averaged.
fn embedding_bag(at: &mut At<'_>, layer: &EmbeddingBag) -> String {
    let table = at.store("weight", &[layer.tokens, layer.size]);
    let vectors = at.node("Gather", &[&table, at.input()], vec![]);
    let mask = at.masks.of(at.step.inputs[0], at.writer);
    let sum = masked_sum(at, &vectors, &mask);
    match layer.pooling {
        Pooling::Sum => sum,
        Pooling::Mean => by_count(at, &sum, &mask),
    }
}

/// The sum over the places that are no padding.
fn masked_sum(at: &mut At<'_>, x: &str, mask: &str) -> String {
    let factors = at.unsqueeze(mask, &[2]);
    let counted = at.node("Mul", &[x, &factors], vec![]);
    at.sum(&counted, 1, false)
}

/// A sum divided by the number of places that are no padding; where there is none the sum is 0 and stays so.
fn by_count(at: &mut At<'_>, sum: &str, mask: &str) -> String {
    let count = at.sum(mask, 1, true);
    let one = at.floats("one", &[], &[1.0]);
    let count = at.node("Max", &[&count, &one], vec![]);
    at.node("Div", &[sum, &count], vec![])
}

/// The axes of the places of an image or a sequence.
fn places(at: &At<'_>) -> Vec<usize> {
    (1..at.dimensions().len()).collect()
}

fn global_mean(at: &mut At<'_>) -> String {
    let x = at.input();
    match at.mask() {
        Some(mask) => {
            let sum = masked_sum(at, x, &mask);
            by_count(at, &sum, &mask)
        }
        None => at.node("ReduceMean", &[x], vec![integers("axes", &places(at)), integer("keepdims", 0)]),
    }
}

fn global_max(at: &mut At<'_>) -> String {
    let x = at.input();
    let attributes = vec![integers("axes", &places(at)), integer("keepdims", 0)];
    let Some(mask) = at.mask() else {
        return at.node("ReduceMax", &[x], attributes);
    };
    let truth = at.truth(&mask);
    let truth = at.unsqueeze(&truth, &[2]);
    let least = at.floats("least", &[], &[f32::MIN]);
    let seen = at.node("Where", &[&truth, x, &least], vec![]);
    let largest = at.node("ReduceMax", &[&seen], attributes);
    // 0 where all is padding.
    let any = at.node("ReduceMax", &[&mask], vec![integers("axes", &[1]), integer("keepdims", 1)]);
    at.node("Mul", &[&largest, &any], vec![])
}

/// An operator of two values, for two or more.
fn join(at: &mut At<'_>, operator: &str) -> String {
    let inputs = at.inputs.clone();
    let mut joined = inputs[0].to_owned();
    for input in &inputs[1..] {
        joined = at.node(operator, &[&joined, input], vec![]);
    }
    joined
}

/// The waves of places, `[length, features]`.
fn waves(dimensions: &[usize]) -> Vec<f32> {
    let features = dimensions.last().copied().unwrap_or(1);
    (0..dimensions.iter().product()).map(|i| super::super::layers::wave(i / features, i % features, features)).collect()
}
