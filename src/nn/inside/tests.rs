use super::super::graph::{InputSpec, NetworkSpec};
use super::super::head::Head;
use super::super::layers::{
    Activation, BatchNorm, Conv2d, Embedding, EmbeddingBag, Flatten, LayerSpec, Lstm, MaxPool, Pooling,
};
use super::super::loss::Targets;
use super::*;
use ndarray::{Array2, array};

/// A convolution that is fused with its pooling, then a batch norm.
fn image() -> Network {
    let layers = vec![
        LayerSpec::Conv2d(Conv2d::new(3, [3, 3], Activation::Tanh)),
        LayerSpec::MaxPool(MaxPool::default()),
        LayerSpec::BatchNorm(BatchNorm::default()),
        LayerSpec::Flatten(Flatten {}),
    ];
    let spec = NetworkSpec::sequential(Shape::image(6, 6, 2), layers, Head::Multiclass { classes: 3 });
    Network::new(spec, 2).unwrap()
}

fn pixels(rows: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, 72), |(i, j)| ((i * 31 + j * 17) % 23) as f32 / 11.0 - 1.0)
}

const LOGIT: Question<'static> = Question::Logit { output: 0, column: 1 };

#[test]
fn values_of_nodes_are_those_on_the_way_even_within_a_fused_step() {
    let (network, x) = (image(), pixels(300));
    let names = ["input", "layer_1", "layer_2", "layer_4"];
    let shapes = names.map(|name| network.node_shape(name).unwrap().dimensions().to_vec());
    assert_eq!(shapes, [vec![6, 6, 2], vec![4, 4, 3], vec![2, 2, 3], vec![12]]);
    assert_eq!(network.last_image(), Some(("layer_3".to_owned(), Shape::image(2, 2, 3))));
    let values = |name| network.node_values(&[x.view()], name).unwrap();
    assert_eq!(values("input"), x);
    // The pooled values are the largest of the convolution's.
    let (conv, pool) = (values("layer_1"), values("layer_2"));
    for row in [0, 299] {
        for place in 0..12 {
            let (y, x, c) = (place / 6, place / 3 % 2, place % 3);
            let at = |dy: usize, dx: usize| conv[(row, ((2 * y + dy) * 4 + 2 * x + dx) * 3 + c)];
            let largest = at(0, 0).max(at(0, 1)).max(at(1, 0)).max(at(1, 1));
            assert!((largest - pool[(row, place)]).abs() < 1e-6);
        }
    }
    assert_eq!(values("layer_3"), values("layer_4"));
    assert_eq!(values("head"), network.logits(x.view()).unwrap());
    let error = network.node_values(&[x.view()], "layer_9").unwrap_err().to_string();
    assert_eq!(error, "the network has no node `layer_9`, it has input, layer_1, layer_2, layer_3, layer_4, head");
}

#[test]
fn gradients_by_nodes_are_those_of_the_chain_rule() {
    let (network, x) = (image(), pixels(5));
    let by_input = network.input_gradients(&[x.view()], LOGIT).unwrap().swap_remove(0);
    let head: Vec<f32> = {
        let (_, shape, weight) = network.named_parameters().find(|(name, _, _)| *name == "head.weight").unwrap();
        weight[shape[1]..2 * shape[1]].to_vec()
    };
    let flat = network.node_gradients(&[x.view()], "layer_4", LOGIT, None).unwrap();
    assert!(flat.gradients.rows().into_iter().all(|row| row.to_vec() == head));
    // The gradient by a node times the change of the node is the gradient by what changes it.
    let step = 1.0 / 64.0;
    for node in ["layer_1", "layer_2", "layer_3"] {
        let inside = network.node_gradients(&[x.view()], node, LOGIT, None).unwrap();
        assert_eq!(inside.values, network.node_values(&[x.view()], node).unwrap());
        for (row, place) in [(0, 3), (4, 40)] {
            let moved = |by: f32| {
                let mut x = x.clone();
                x[(row, place)] += by;
                network.node_values(&[x.view()], node).unwrap()
            };
            let change = (moved(step) - moved(-step)) / (2.0 * step);
            let sum: f32 = change.row(row).iter().zip(inside.gradients.row(row)).map(|(c, g)| c * g).sum();
            assert!((sum - by_input[(row, place)]).abs() < 2e-3, "{node}: {sum} {}", by_input[(row, place)]);
        }
    }
    let seen = network.node_gradients(&[x.view()], "input", LOGIT, None).unwrap();
    assert_eq!(seen.gradients, by_input);
}

#[test]
fn a_node_can_be_taken_to_give_something_else() {
    let (network, x) = (image(), pixels(3));
    let other = pixels(6).slice(ndarray::s![3.., ..]).to_owned();
    let at = network.node_values(&[other.view()], "layer_2").unwrap();
    let replaced = network.node_gradients(&[x.view()], "layer_2", LOGIT, Some(at.view())).unwrap();
    let own = network.node_gradients(&[other.view()], "layer_2", LOGIT, None).unwrap();
    assert_eq!(replaced, own);
    let wrong = network.node_gradients(&[x.view()], "layer_2", LOGIT, Some(at.slice(ndarray::s![1.., ..])));
    assert_eq!(wrong.unwrap_err().to_string(), "the question: the node's values are [3, 12], not (2, 12)");
    let input = network.node_gradients(&[x.view()], "input", LOGIT, Some(x.view())).unwrap_err().to_string();
    assert_eq!(input, "the question: an input is changed by other inputs");
}

#[test]
fn every_question_has_the_gradient_of_its_differences() {
    let (network, x) = (image(), pixels(4));
    let classes = [2, 0, 1, 1];
    let targets = [Targets::Classes(&classes)];
    let seeds = array![[1.0, 0.0, -2.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]];
    let at = |x: &Array2<f32>, question: &Question<'_>, row: usize| -> f32 {
        let (logits, p) = (network.logits(x.view()).unwrap(), network.predict(x.view()).unwrap());
        match *question {
            Question::Logit { column, .. } => logits[(row, column)],
            Question::Prediction { column, .. } => p[(row, column)],
            Question::Weighted { seeds, .. } => logits.row(row).iter().zip(seeds.row(row)).map(|(z, s)| z * s).sum(),
            Question::Loss(_) => -p[(row, classes[row] as usize)].ln(),
        }
    };
    let step = 1.0 / 64.0;
    for question in [
        Question::Logit { output: 0, column: 1 },
        Question::Prediction { output: 0, column: 2 },
        Question::Weighted { output: 0, seeds: seeds.view() },
        Question::Loss(&targets),
    ] {
        let gradients = network.input_gradients(&[x.view()], question).unwrap().swap_remove(0);
        for (row, place) in [(0, 5), (1, 44), (3, 71)] {
            let moved = |by: f32| {
                let mut x = x.clone();
                x[(row, place)] += by;
                at(&x, &question, row)
            };
            let numeric = (moved(step) - moved(-step)) / (2.0 * step);
            assert!(
                (numeric - gradients[(row, place)]).abs() < 2e-3,
                "{question:?} {numeric} {}",
                gradients[(row, place)]
            );
        }
    }
    let short = [Targets::Classes(&classes[..2])];
    assert!(network.input_gradients(&[x.view()], Question::Loss(&short)).is_err());
    assert!(network.input_gradients(&[x.view()], Question::Weighted { output: 1, seeds: seeds.view() }).is_err());
}

#[test]
fn what_tokens_add_sums_to_the_difference_of_the_answers() {
    let words = array![[3.0, 7.0, 1.0, 0.0, 0.0], [2.0, 2.0, 8.0, 5.0, 4.0], [0.0, 0.0, 0.0, 0.0, 0.0]];
    let embedding = LayerSpec::Embedding(Embedding { tokens: 9, size: 4, padding: true, token_dropout: 0.0 });
    let lstm = LayerSpec::Lstm(Lstm { units: 5, sequences: false, backward: false });
    let bag = LayerSpec::EmbeddingBag(EmbeddingBag { tokens: 9, size: 4, pooling: Pooling::Mean, token_dropout: 0.0 });
    let deep = LayerSpec::dense(6, Activation::Tanh);
    for layers in [vec![embedding, lstm], vec![bag, deep]] {
        // Without `padding` of the input a text of padding is the start of the path.
        let network =
            Network::new(NetworkSpec::chain(InputSpec::tokens("text", 5, 9), layers, Head::Binary), 4).unwrap();
        let question = Question::Logit { output: 0, column: 0 };
        let added = network.token_attributions(&[words.view()], 0, question, 50).unwrap();
        let answers = network.logits(words.view()).unwrap();
        for row in 0..3 {
            let (sum, difference) = (added.row(row).sum(), answers[(row, 0)] - answers[(2, 0)]);
            assert!((sum - difference).abs() < 1e-3 * (1.0 + difference.abs()), "{sum} {difference}");
        }
        assert!((0..2).all(|place| added[(0, place + 3)] == 0.0), "padding adds nothing: {added}");
        assert!(added[(0, 1)] != 0.0);
        let error = network.token_attributions(&[words.view()], 0, question, 0).unwrap_err().to_string();
        assert_eq!(error, "the question: there are no tokens in input 0, or no steps to them");
    }
}
