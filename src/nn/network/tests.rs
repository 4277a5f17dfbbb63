#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::head::Head;
use super::super::inside::Question;
use super::super::layers::{
    Activation, Attention, BatchNorm, Bidirectional, Concatenate, Conv2d, Dense, Embedding, EmbeddingBag, Flatten,
    GlobalAveragePool, GlobalMaxPool, Gru, LayerNorm, LayerSpec, Lstm, MaxPool, Pooling,
};
use super::*;
use ndarray::{Axis, array, s};

fn spec() -> NetworkSpec {
    let layers = vec![LayerSpec::dense(8, Activation::Relu), LayerSpec::dropout(0.5)];
    NetworkSpec::sequential(Shape::features(3), layers, Head::Multiclass { classes: 4 })
}

/// Numbers and two kinds of tokens, asked for two things.
fn mixed() -> NetworkSpec {
    let inputs = vec![
        InputSpec::numbers("numbers", Shape::features(2)),
        InputSpec::tokens("words", 4, 10),
        InputSpec::tokens("places", 2, 5),
    ];
    let mut spec = NetworkSpec { inputs, nodes: vec![], outputs: vec![] };
    let bag = LayerSpec::EmbeddingBag(EmbeddingBag { tokens: 10, size: 3, pooling: Pooling::Mean, token_dropout: 0.0 });
    let embedding = LayerSpec::Embedding(Embedding { tokens: 5, size: 2, padding: false, token_dropout: 0.0 });
    spec.push("bag", bag, &["words"]);
    spec.push("vectors", embedding, &["places"]);
    spec.push("flat", LayerSpec::Flatten(Flatten {}), &["vectors"]);
    spec.push("all", LayerSpec::Concatenate(Concatenate {}), &["numbers", "bag", "flat"]);
    spec.push("hidden", LayerSpec::dense(6, Activation::Tanh), &["all"]);
    spec.ask("late", "hidden", Head::Binary);
    spec.ask("delay", "hidden", Head::Regression { outputs: 2 });
    spec
}

fn inputs(n: usize) -> Array2<f32> {
    Array2::from_shape_fn((n, 3), |(i, j)| ((i * 7 + j * 3) % 11) as f32 / 5.0 - 1.0)
}

#[test]
fn the_summary_counts_parameters_and_draws_a_table() {
    let summary = spec().summary().unwrap();
    // 3 * 8 + 8 and 8 * 4 + 4.
    let counts: Vec<_> = summary.layers.iter().map(|l| l.parameters).collect();
    assert_eq!((counts, summary.parameters), (vec![32, 0, 36], 68));
    let table = "layer              output  parameters\n\
                 layer_1 (dense)    [8]             32\n\
                 layer_2 (dropout)  [8]              0\n\
                 head (dense)       [4]             36\n\
                 total                              68";
    assert_eq!(summary.to_string(), table);
}

#[test]
fn probabilities_sum_to_one_and_a_row_does_not_depend_on_its_neighbours() {
    let network = Network::new(spec(), 3).unwrap();
    let x = inputs(1000);
    let all = network.predict(x.view()).unwrap();
    assert!(all.sum_axis(Axis(1)).iter().all(|s| (s - 1.0).abs() < 1e-6));
    let columns = x.t().to_owned();
    assert_eq!(all, network.predict(columns.t()).unwrap());
    for row in [0, 255, 256, 999] {
        let one = network.predict(x.slice(s![row..=row, ..])).unwrap();
        assert!(one.iter().zip(all.row(row)).all(|(a, b)| (a - b).abs() < 1e-6));
    }
    assert_eq!(network.predict(inputs(0).view()).unwrap().dim(), (0, 4));
}

#[test]
fn inputs_of_several_kinds_meet_and_several_questions_are_answered() {
    let network = Network::new(mixed(), 1).unwrap();
    let names: Vec<_> = network.named_parameters().map(|(name, shape, _)| (name.to_owned(), shape.to_vec())).collect();
    assert!(
        names.contains(&("bag.weight".to_owned(), vec![10, 3]))
            && names.contains(&("head_delay.bias".to_owned(), vec![2]))
    );
    let numbers = Array2::from_shape_fn((300, 2), |(i, j)| (i + j) as f32 / 100.0);
    let words = Array2::from_shape_fn((300, 4), |(i, j)| ((i * 3 + j) % 10) as f32);
    let places = Array2::from_shape_fn((300, 2), |(i, j)| ((i + j) % 5) as f32);
    let all = network.predict_all(&[numbers.view(), words.view(), places.view()]).unwrap();
    assert_eq!((all[0].dim(), all[1].dim()), ((300, 1), (300, 2)));
    assert!(all[0].iter().all(|p| *p > 0.0 && *p < 1.0));
    let last = s![299..300, ..];
    let one = network.predict_all(&[numbers.slice(last), words.slice(last), places.slice(last)]).unwrap();
    for (one, all) in one.iter().zip(&all) {
        assert!(one.iter().zip(all.row(299)).all(|(a, b)| (a - b).abs() < 1e-6));
    }
    let gradients = network
        .input_gradients(&[numbers.view(), words.view(), places.view()], Question::Logit { output: 1, column: 1 })
        .unwrap();
    let step = 1.0 / 64.0;
    let moved = |by: f32| {
        let mut numbers = numbers.clone();
        numbers[(7, 1)] += by;
        network.all_logits(&[numbers.view(), words.view(), places.view()]).unwrap()[1][(7, 1)]
    };
    assert!(((moved(step) - moved(-step)) / (2.0 * step) - gradients[0][(7, 1)]).abs() < 1e-3);
    assert!(gradients[1].iter().all(|g| *g == 0.0));
}

#[test]
fn derivatives_by_an_image_agree_with_differences() {
    let layers = vec![
        LayerSpec::Conv2d(Conv2d::new(3, [3, 3], Activation::Tanh)),
        LayerSpec::BatchNorm(BatchNorm::default()),
        LayerSpec::dropout(0.5),
        LayerSpec::MaxPool(MaxPool::default()),
        LayerSpec::Flatten(Flatten {}),
    ];
    let spec = NetworkSpec::sequential(Shape::image(6, 6, 2), layers, Head::Multiclass { classes: 3 });
    let network = Network::new(spec, 2).unwrap();
    let x = Array2::from_shape_fn((70, 72), |(i, j)| ((i * 31 + j * 17) % 23) as f32 / 11.0 - 1.0);
    let gradients =
        network.input_gradients(&[x.view()], Question::Logit { output: 0, column: 2 }).unwrap().swap_remove(0);
    let step = 1.0 / 64.0;
    for (row, place) in [(0, 3), (69, 40), (30, 71)] {
        let moved = |by: f32| {
            let mut x = x.clone();
            x[(row, place)] += by;
            network.logits(x.view()).unwrap()[(row, 2)]
        };
        let numeric = (moved(step) - moved(-step)) / (2.0 * step);
        assert!((numeric - gradients[(row, place)]).abs() < 2e-3, "{numeric} {}", gradients[(row, place)]);
    }
    let error = network.input_gradients(&[x.view()], Question::Logit { output: 0, column: 3 }).unwrap_err();
    assert_eq!(error.to_string(), "the question: there is no logit 3 of output 0");
}

#[test]
fn the_seed_decides_the_parameters_and_a_layer_more_changes_no_other() {
    let network = |spec, seed| Network::new(spec, seed).unwrap();
    assert_eq!(network(spec(), 3).parameters, network(spec(), 3).parameters);
    assert_ne!(network(spec(), 3).parameters, network(spec(), 4).parameters);
    let mut longer = spec();
    longer.nodes[0].inputs = vec!["front".to_owned()];
    let front = LayerSpec::Dense(Dense { units: 3, ..Dense::default() });
    longer.nodes.insert(
        0,
        super::super::graph::NodeSpec { name: "front".to_owned(), layer: front, inputs: vec!["input".to_owned()] },
    );
    assert_eq!(network(spec(), 3).parameters[..], network(longer, 3).parameters[12..]);
}

#[test]
fn wrong_widths_and_numbers_that_are_not_finite_are_refused() {
    let network = Network::new(spec(), 3).unwrap();
    let error = network.predict(Array2::zeros((2, 5)).view()).unwrap_err();
    assert_eq!(error.to_string(), "the input `input` has rows of shape [5], the network reads [3]");
    let mut x = inputs(300);
    x[(270, 1)] = f32::NAN;
    let error = network.predict(x.view()).unwrap_err();
    assert_eq!(error.to_string(), "row 271, feature 2 of the input is NaN; a network needs finite numbers");
    let mixed = Network::new(mixed(), 1).unwrap();
    let (numbers, places) = (Array2::zeros((1, 2)), Array2::zeros((1, 2)));
    let mut words = Array2::zeros((1, 4));
    for bad in [10.0, 0.5, -1.0, f32::NAN] {
        words[(0, 2)] = bad;
        let error = mixed.predict_all(&[numbers.view(), words.view(), places.view()]).unwrap_err();
        let message = format!("row 1, place 3 of the input is {bad}; it must be a whole number from 0 to below 10");
        assert_eq!(error.to_string(), message);
    }
    let error = mixed.predict(numbers.view()).unwrap_err();
    assert_eq!(error.to_string(), "the data: there are 1 inputs, the network reads 3");
}

#[test]
fn a_description_survives_json() {
    for spec in [spec(), mixed()] {
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<NetworkSpec>(&json).unwrap(), spec);
        assert!(serde_json::from_str::<NetworkSpec>(&json.replace("units", "unit")).is_err());
    }
}

#[test]
fn padding_at_the_end_of_a_text_changes_nothing() {
    let lstm = |sequences| LayerSpec::Lstm(Lstm { units: 3, sequences, backward: false });
    let twice = LayerSpec::Bidirectional(Bidirectional { layer: Box::new(lstm(false)) });
    let gru = LayerSpec::Gru(Gru { units: 3, sequences: true, backward: true });
    let looks = LayerSpec::Attention(Attention { heads: 2, causal: false });
    let bag = LayerSpec::EmbeddingBag(EmbeddingBag { tokens: 9, size: 4, pooling: Pooling::Mean, token_dropout: 0.0 });
    let vectors = LayerSpec::Embedding(Embedding { tokens: 9, size: 4, padding: true, token_dropout: 0.0 });
    let (mean, largest) =
        (LayerSpec::GlobalAveragePool(GlobalAveragePool {}), LayerSpec::GlobalMaxPool(GlobalMaxPool {}));
    for layers in [
        vec![bag],
        vec![vectors.clone(), lstm(false)],
        vec![vectors.clone(), twice],
        vec![vectors.clone(), gru, largest],
        vec![vectors.clone(), LayerSpec::dense(4, Activation::Tanh), looks, lstm(true), mean.clone()],
        vec![vectors.clone(), LayerSpec::LayerNorm(LayerNorm::default()), mean],
    ] {
        let predict = |length: usize, rows: Array2<f32>| {
            let spec = NetworkSpec::chain(InputSpec::text("text", length, 9), layers.clone(), Head::Binary);
            Network::new(spec, 3).unwrap().predict(rows.view()).unwrap()
        };
        let short = predict(3, array![[4.0, 8.0, 2.0], [5.0, 1.0, 1.0]]);
        let long = predict(6, array![[4.0, 8.0, 2.0, 0.0, 0.0, 0.0], [5.0, 1.0, 1.0, 0.0, 0.0, 0.0]]);
        assert!(short.iter().zip(&long).all(|(a, b)| (a - b).abs() < 1e-6), "{layers:?}: {short} {long}");
        // A text of nothing but padding is a text.
        assert!(predict(3, Array2::zeros((1, 3))).iter().all(|p| p.is_finite()));
    }
}
