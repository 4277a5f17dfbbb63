use super::super::graph::{InputSpec, NetworkSpec};
use super::super::layers::Activation;
use super::super::layers::{
    Activate, Add, Attention, AveragePool, BatchNorm, Bidirectional, Concatenate, Conv1d, Conv2d, Embedding,
    EmbeddingBag, Flatten, GlobalAveragePool, GlobalMaxPool, Gru, LayerNorm, LayerSpec, Lstm, MaxPool, Multiply,
    Padding, Pooling, Position, Residual, Scale,
};
use super::*;
use crate::nn::oracle::{assert_close, numbers};
use ndarray::{Array2, ArrayView2};
use serde_json::Value;
use std::collections::HashSet;
use std::path::PathBuf;

/// Where the files lie that `tests/oracle/nn_onnx.py` runs.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/oracle")
}

fn dense(units: usize, activation: Activation) -> LayerSpec {
    LayerSpec::dense(units, activation)
}

fn vectors() -> LayerSpec {
    LayerSpec::Embedding(Embedding { tokens: 9, size: 4, padding: true, token_dropout: 0.0 })
}

fn lstm(units: usize, sequences: bool, backward: bool) -> LayerSpec {
    LayerSpec::Lstm(Lstm { units, sequences, backward })
}

fn gru(units: usize, sequences: bool, backward: bool) -> LayerSpec {
    LayerSpec::Gru(Gru { units, sequences, backward })
}

fn both(layer: LayerSpec) -> LayerSpec {
    LayerSpec::Bidirectional(Bidirectional { layer: Box::new(layer) })
}

fn text(layers: Vec<LayerSpec>, head: Head) -> NetworkSpec {
    NetworkSpec::chain(InputSpec::text("words", 5, 9), layers, head)
}

/// Numbers and a text, asked for two things.
fn mixed() -> NetworkSpec {
    let inputs = vec![InputSpec::numbers("table", Shape::features(3)), InputSpec::text("words", 5, 9)];
    let mut spec = NetworkSpec { inputs, nodes: vec![], outputs: vec![] };
    spec.push("wide", dense(4, Activation::Silu), &["table"]);
    for (name, pooling) in [("mean", Pooling::Mean), ("sum", Pooling::Sum)] {
        spec.push(
            name,
            LayerSpec::EmbeddingBag(EmbeddingBag { tokens: 9, size: 4, pooling, token_dropout: 0.0 }),
            &["words"],
        );
    }
    spec.push("gate", LayerSpec::Multiply(Multiply {}), &["wide", "mean"]);
    spec.push("all", LayerSpec::Add(Add {}), &["wide", "mean", "sum"]);
    spec.push("side", LayerSpec::Concatenate(Concatenate {}), &["gate", "all", "table"]);
    spec.ask("late", "side", Head::Binary);
    spec.ask("table", "all", Head::Regression { outputs: 2 });
    spec
}

/// Networks that have every kind of layer between them, by name.
fn networks() -> Vec<(&'static str, NetworkSpec)> {
    use Activation::{Elu, Gelu, LeakyRelu, Linear, Mish, Relu, Selu, Sigmoid, Softmax, Tanh};
    let conv2d = |layer: Conv2d| LayerSpec::Conv2d(layer);
    let same = Padding::Same;
    let image = vec![
        conv2d(Conv2d { stride: [2, 1], padding: same, ..Conv2d::new(4, [3, 2], Relu) }),
        LayerSpec::BatchNorm(BatchNorm::default()),
        conv2d(Conv2d { groups: 2, padding: Padding::Of([1, 1]), dilation: [1, 2], ..Conv2d::new(6, [3, 3], Mish) }),
        LayerSpec::MaxPool(MaxPool { window: [2, 3], stride: Some([1, 2]), padding: same }),
        conv2d(Conv2d { bias: false, ..Conv2d::new(3, [2, 2], Linear) }),
        LayerSpec::AveragePool(AveragePool { window: [3, 2], stride: Some([1, 1]), padding: Padding::Of([1, 0]) }),
        LayerSpec::Flatten(Flatten {}),
    ];
    let sound = vec![
        LayerSpec::Conv1d(Conv1d { padding: same, dilation: 2, ..Conv1d::new(4, 3, Tanh) }),
        LayerSpec::MaxPool(MaxPool::default()),
        LayerSpec::AveragePool(AveragePool { window: [1, 2], stride: Some([1, 1]), padding: same }),
        LayerSpec::GlobalMaxPool(GlobalMaxPool {}),
    ];
    let block = vec![
        conv2d(Conv2d { padding: same, stride: [2, 2], ..Conv2d::new(3, [3, 3], Relu) }),
        LayerSpec::dropout(0.5),
        conv2d(Conv2d { padding: same, ..Conv2d::new(3, [3, 3], Linear) }),
    ];
    let residual = vec![
        LayerSpec::Residual(Residual { layers: block, activation: LeakyRelu }),
        LayerSpec::GlobalAveragePool(GlobalAveragePool {}),
    ];
    let table = vec![
        LayerSpec::Scale(Scale::default()),
        dense(6, Selu),
        LayerSpec::BatchNorm(BatchNorm::default()),
        dense(5, Gelu),
        LayerSpec::Activate(Activate { activation: Sigmoid }),
        dense(5, Elu),
        dense(4, Softmax),
    ];
    let looks = vec![
        vectors(),
        LayerSpec::Position(Position { waves: true }),
        LayerSpec::Attention(Attention { heads: 2, causal: false }),
        LayerSpec::LayerNorm(LayerNorm::default()),
        LayerSpec::Position(Position { waves: false }),
        LayerSpec::Attention(Attention { heads: 1, causal: true }),
        dense(3, Tanh),
        LayerSpec::GlobalAveragePool(GlobalAveragePool {}),
    ];
    let series = vec![
        LayerSpec::Attention(Attention { heads: 3, causal: true }),
        LayerSpec::Attention(Attention { heads: 1, causal: false }),
        gru(3, true, true),
        lstm(2, true, true),
        lstm(3, false, false),
    ];
    vec![
        ("table", NetworkSpec::sequential(Shape::features(5), table, Head::Multiclass { classes: 3 })),
        ("image", NetworkSpec::sequential(Shape::image(9, 8, 2), image, Head::Binary)),
        ("sound", NetworkSpec::sequential(Shape::sequence(10, 3), sound, Head::Counts { outputs: 2 })),
        ("residual", NetworkSpec::sequential(Shape::image(6, 5, 2), residual, Head::Multilabel { labels: 3 })),
        ("mixed", mixed()),
        ("lstm", text(vec![vectors(), both(lstm(3, true, false)), both(lstm(2, false, false))], Head::Binary)),
        ("gru", text(vec![vectors(), both(gru(3, true, false)), both(gru(2, false, false))], Head::Binary)),
        ("largest", text(vec![vectors(), LayerSpec::GlobalMaxPool(GlobalMaxPool {})], Head::Binary)),
        ("attention", text(looks, Head::Multiclass { classes: 2 })),
        ("series", NetworkSpec::sequential(Shape::sequence(6, 3), series, Head::Regression { outputs: 2 })),
    ]
}

/// A network with plain numbers as parameters, the same on every machine.
fn filled(spec: NetworkSpec) -> Network {
    let mut network = Network::new(spec, 1).unwrap();
    let plan = network.plan.clone();
    for place in &plan.parameters {
        for i in place.range.clone() {
            let value = ((i * 37 + 11) % 101) as f32 / 101.0 - 0.5;
            // Variances are above 0, and the vector of padding is 0.
            let is_padding = place.table.is_some_and(|row| i < place.range.start + row);
            let is_variance = place.name.ends_with("variance");
            network.parameters[i] = if is_padding { 0.0 } else { value + f32::from(is_variance) };
        }
    }
    network
}

#[test]
fn onnxruntime_gives_the_numbers_of_the_network() {
    let text = std::fs::read_to_string(folder().join("nn_onnx.json")).unwrap();
    let oracle: Value = serde_json::from_str(&text).unwrap();
    for (name, spec) in networks() {
        let network = filled(spec);
        let case = &oracle[name];
        let lists = |key: &str| case[key].as_array().unwrap().iter().map(numbers).collect::<Vec<_>>();
        let rows = case["rows"].as_u64().unwrap() as usize;
        let inputs: Vec<Array2<f32>> =
            lists("inputs").into_iter().map(|x| Array2::from_shape_vec((rows, x.len() / rows), x).unwrap()).collect();
        let inputs: Vec<ArrayView2<'_, f32>> = inputs.iter().map(|x| x.view()).collect();
        let predictions = network.predict_all(&inputs).unwrap();
        assert_eq!(predictions.len(), lists("outputs").len(), "{name}");
        for (got, expected) in predictions.iter().zip(lists("outputs")) {
            assert_close(got.as_slice().unwrap(), &expected, 1e-5);
        }
    }
}

#[test]
fn files_are_those_that_onnxruntime_has_run() {
    for (name, spec) in networks() {
        let written = filled(spec).to_onnx().unwrap();
        let path = folder().join("nn_onnx").join(format!("{name}.onnx"));
        if std::env::var_os("GRISTMILL_WRITE_ONNX").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &written).unwrap();
        }
        assert!(written == std::fs::read(&path).unwrap(), "{name} is written in another way than {}", path.display());
    }
}

#[test]
fn graphs_are_in_order_and_hold_every_parameter() {
    for (name, spec) in networks() {
        let network = filled(spec);
        let model = Model::decode(&*network.to_onnx().unwrap()).unwrap();
        assert_eq!((model.ir_version, model.opset_import[0].version), (8, 17));
        let graph = model.graph.unwrap();
        let mut known: HashSet<String> = graph.input.iter().map(|input| input.name.clone()).collect();
        for constant in &graph.initializer {
            let size: i64 = constant.dims.iter().product();
            let width = match constant.data_type {
                FLOAT => 4,
                INT64 => 8,
                BOOL => 1,
                other => panic!("{name} has a constant of type {other}"),
            };
            assert_eq!(constant.raw_data.len() as i64, size * width, "{name}: {}", constant.name);
            assert!(known.insert(constant.name.clone()), "{name}: {}", constant.name);
        }
        for node in &graph.node {
            for input in node.input.iter().filter(|input| !input.is_empty()) {
                assert!(known.contains(input), "{name}: {} reads {input} before it is known", node.name);
            }
            for output in node.output.iter().filter(|output| !output.is_empty()) {
                assert!(known.insert(output.clone()), "{name}: two of the name {output}");
            }
        }
        assert!(graph.output.iter().all(|output| known.contains(&output.name)));
        assert_eq!(graph.output.len(), network.spec().outputs.len());
    }
}

#[test]
fn a_dense_layer_is_a_product_with_its_weights() {
    let network = filled(NetworkSpec::sequential(Shape::features(2), vec![dense(3, Activation::Relu)], Head::Binary));
    let graph = Model::decode(&*network.to_onnx().unwrap()).unwrap().graph.unwrap();
    let operators: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    assert_eq!(operators, ["Gemm", "Relu", "Gemm", "Sigmoid"]);
    let names: Vec<_> = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor.dims.clone())).collect();
    let expected = [
        ("layer_1.weight", vec![3, 2]),
        ("layer_1.bias", vec![3]),
        ("head.weight", vec![1, 3]),
        ("head.bias", vec![1]),
    ];
    assert_eq!(names, expected);
    let weight: Vec<u8> = network.parameters[..6].iter().flat_map(|p| p.to_le_bytes()).collect();
    assert_eq!(graph.initializer[0].raw_data, weight);
    assert_eq!((graph.input[0].name.as_str(), graph.output[0].name.as_str()), ("input", "target"));
}

#[test]
fn a_network_that_is_not_finite_is_not_written() {
    let mut network = filled(NetworkSpec::sequential(Shape::features(2), vec![], Head::Binary));
    network.parameters[0] = f32::NAN;
    let error = network.to_onnx().unwrap_err().to_string();
    assert_eq!(error, "cannot store the network: the weights of head (dense) are not finite");
}

#[test]
fn what_is_random_in_training_is_not_written() {
    let written = |token_dropout| {
        let bag = EmbeddingBag { tokens: 9, size: 4, pooling: Pooling::Mean, token_dropout };
        let vectors = Embedding { tokens: 9, size: 4, padding: true, token_dropout };
        let mut spec = NetworkSpec { inputs: vec![InputSpec::text("words", 5, 9)], nodes: vec![], outputs: vec![] };
        spec.push("bag", LayerSpec::EmbeddingBag(bag), &["words"]);
        spec.push("vectors", LayerSpec::Embedding(vectors), &["words"]);
        spec.push("mean", LayerSpec::GlobalAveragePool(GlobalAveragePool {}), &["vectors"]);
        spec.push("both", LayerSpec::Add(Add {}), &["bag", "mean"]);
        spec.ask("y", "both", Head::Binary);
        filled(spec).to_onnx().unwrap()
    };
    assert_eq!(written(0.4), written(0.0));
}
