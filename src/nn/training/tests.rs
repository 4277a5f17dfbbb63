#![allow(clippy::unwrap_used, clippy::expect_used)]

mod kinds;
mod recovery;

use super::super::graph::NetworkSpec;
use super::super::head::Head;
use super::super::layers::{Activation, LayerSpec};
use super::super::loss::Targets;
use super::super::optimizer::{GroupRule, OptimizerSpec};
use super::super::oracle::{assert_close, numbers, training_of};
use super::super::plan::Plan;
use super::*;
use ndarray::{Array2, ArrayView2};
use serde_json::json;

fn proceed(_: &Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn dense(units: usize, activation: Activation) -> LayerSpec {
    LayerSpec::dense(units, activation)
}

fn sgd(learning_rate: f64) -> OptimizerSpec {
    OptimizerSpec::Sgd { learning_rate, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
}

/// `n` rows of three features; yes where the first two have one sign.
fn signs(n: usize) -> (Array2<f32>, Vec<f32>) {
    let x = Array2::from_shape_fn((n, 3), |(i, j)| ((i * (37 + 11 * j) + 5 * j) % 101) as f32 / 50.0 - 1.0);
    let t = x.rows().into_iter().map(|r| f32::from(r[0] * r[1] > 0.0)).collect();
    (x, t)
}

fn network(rate: f64) -> Network {
    let layers = vec![dense(24, Activation::Relu), LayerSpec::dropout(rate), dense(9, Activation::Tanh)];
    Network::new(NetworkSpec::sequential(Shape::features(3), layers, Head::Binary), 5).unwrap()
}

fn in_memory<'a>(data: &'a (Array2<f32>, Vec<f32>)) -> InMemory<'a> {
    InMemory::new(data.0.view(), Targets::Values(&data.1), None).unwrap()
}

#[test]
fn whole_trainings_are_those_of_pytorch() {
    let oracle = training_of("trainings").swap_remove(0);
    let x = numbers(&oracle["x"]);
    let x = ArrayView2::from_shape((150, 4), &x).unwrap();
    for case in oracle["cases"].as_array().unwrap() {
        let target = numbers(&case["target"]);
        let classes: Vec<u32> = target.iter().map(|&v| v as u32).collect();
        let (head, targets) = match case["head"].as_str().unwrap() {
            "binary" => (Head::Binary, Targets::Values(&target)),
            "multiclass" => (Head::Multiclass { classes: 3 }, Targets::Classes(&classes)),
            _ => (Head::Regression { outputs: 2 }, Targets::Values(&target)),
        };
        let optimizer = match case["optimizer"].as_str().unwrap() {
            "sgd" => json!({"sgd": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": true}}),
            _ => json!({"adamw": {"learning_rate": 0.01, "weight_decay": 0.05}}),
        };
        let layers = vec![dense(6, Activation::Relu), dense(5, Activation::Tanh)];
        let spec = NetworkSpec::sequential(Shape::features(4), layers, head);
        let network = Network::with_parameters(spec.clone(), Plan::new(&spec).unwrap(), numbers(&case["start"]));
        let options = TrainingOptions {
            epochs: 5,
            batch_size: 130,
            optimizer: serde_json::from_value(optimizer).unwrap(),
            shuffle: false,
            clip_norm: case["clip"].as_f64(),
            groups: vec![GroupRule { parameters: "*".to_owned(), rate: 1.0, decay: Some(true) }],
            ..TrainingOptions::default()
        };
        let trained =
            train(network, &mut InMemory::new(x, targets, None).unwrap(), None, &options, &mut proceed).unwrap();
        let losses: Vec<f32> = trained.history.iter().map(|r| r.loss as f32).collect();
        assert_close(&losses, &numbers(&case["losses"]), 1e-5);
        assert_close(&trained.network.parameters, &numbers(&case["end"]), 2e-5);
        let outputs = trained.network.logits(x.slice(ndarray::s![..3, ..])).unwrap();
        assert_close(outputs.as_slice().unwrap(), &numbers(&case["outputs"]), 5e-5);
    }
}

#[test]
fn a_seed_gives_the_same_network_bit_for_bit_on_any_number_of_threads() {
    let (data, valid) = (signs(1500), signs(333));
    let options =
        TrainingOptions { epochs: 3, batch_size: 400, seed: 9, clip_norm: Some(0.5), ..TrainingOptions::default() };
    let run = |threads: usize, options: &TrainingOptions| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let trained = pool.install(|| {
            train(network(0.3), &mut in_memory(&data), Some(&mut in_memory(&valid)), options, &mut proceed).unwrap()
        });
        let history: Vec<_> = trained.history.into_iter().map(|r| (r.loss, r.validation)).collect();
        (trained.network.parameters, history)
    };
    let one = run(1, &options);
    for threads in [2, 8] {
        assert_eq!(one, run(threads, &options), "{threads} threads");
    }
    assert_ne!(one.0, run(2, &TrainingOptions { seed: 10, ..options }).0);
}

#[test]
fn it_learns_and_validates() {
    let (data, valid) = (signs(2000), signs(300));
    let options = TrainingOptions {
        epochs: 20,
        batch_size: 64,
        optimizer: serde_json::from_value(json!({"adamw": {"learning_rate": 0.01}})).unwrap(),
        ..TrainingOptions::default()
    };
    let trained =
        train(network(0.0), &mut in_memory(&data), Some(&mut in_memory(&valid)), &options, &mut proceed).unwrap();
    assert_eq!((trained.history.len(), trained.kept_epoch, trained.ended), (20, 20, Ended::Completed));
    let last = trained.history[19].validation.as_ref().unwrap();
    assert!(last.loss < 0.15 && last.metric > 0.95, "{last:?}");
    assert_eq!(last.metric_name, "accuracy");
    // The validation loss is that of the network that was returned.
    let p = trained.network.predict(valid.0.view()).unwrap();
    let losses = p.iter().zip(&valid.1).map(|(&p, &t)| -f64::from(if t > 0.5 { p } else { 1.0 - p }).ln());
    assert!((losses.sum::<f64>() / 300.0 - last.loss).abs() < 1e-5);
}

#[test]
fn early_stopping_keeps_the_best_epoch() {
    // A hundred rows of noise: the network learns them by heart and gets worse on others.
    let noise = |n: usize, salt: usize| {
        let (x, _) = signs(n);
        let t = (0..n).map(|i| f32::from((i * i + salt * i) % 7 < 3)).collect::<Vec<_>>();
        (x, t)
    };
    let (data, valid) = (noise(100, 3), noise(90, 5));
    let options = TrainingOptions {
        epochs: 300,
        batch_size: 25,
        optimizer: serde_json::from_value(json!({"adamw": {"learning_rate": 0.02}})).unwrap(),
        early_stopping: Some(EarlyStopping { patience: 4, ..EarlyStopping::default() }),
        ..TrainingOptions::default()
    };
    let run = |options: &TrainingOptions| {
        train(network(0.0), &mut in_memory(&data), Some(&mut in_memory(&valid)), options, &mut proceed).unwrap()
    };
    let trained = run(&options);
    let losses: Vec<f64> = trained.history.iter().map(|r| r.validation.as_ref().unwrap().loss).collect();
    let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap() + 1;
    assert_eq!((trained.ended, trained.kept_epoch, losses.len()), (Ended::EarlyStopped, best, best + 4));
    // The same seed without early stopping passes through the same network at that epoch.
    let plain = run(&TrainingOptions { epochs: best, early_stopping: None, ..options.clone() });
    assert_eq!(plain.network.parameters, trained.network.parameters);
    // A fall by less than `min_delta` does not count: the first epoch stays the best.
    let strict = EarlyStopping { patience: 2, min_delta: 10.0, watch: Watch::Loss };
    let trained = run(&TrainingOptions { early_stopping: Some(strict), ..options });
    assert_eq!((trained.kept_epoch, trained.history.len()), (1, 3));
}

#[test]
fn divergence_is_an_error_that_names_its_place() {
    let mut data = signs(500);
    data.0.iter_mut().for_each(|v| *v *= 1e4);
    let target: Vec<f32> = data.1.iter().map(|t| t * 1e6).collect();
    let layers = vec![dense(8, Activation::Linear)];
    let spec = NetworkSpec::sequential(Shape::features(3), layers, Head::Regression { outputs: 1 });
    let diverge = |optimizer: OptimizerSpec, batch_size: usize| {
        let options = TrainingOptions { optimizer, batch_size, ..TrainingOptions::default() };
        let mut source = InMemory::new(data.0.view(), Targets::Values(&target), None).unwrap();
        train(Network::new(spec.clone(), 1).unwrap(), &mut source, None, &options, &mut proceed).unwrap_err()
    };
    let error = diverge(sgd(1e6), 100);
    let Error::Diverged { epoch: 1, batch: 2..=5, place } = &error else { panic!("{error}") };
    let starts = ["the output of ", "the weights of ", "the gradient by "];
    assert!(starts.iter().any(|start| place.starts_with(start)), "{place}");
    assert!(place.ends_with(" are not finite") || place.ends_with(" is not finite"), "{place}");
    // A single step leaves no second batch to notice it.
    let error = diverge(sgd(1e38), 500).to_string();
    let expected = "training diverged in epoch 1, batch 1: the weights of layer_1 (dense) are not finite; \
                    a lower learning rate or `clip_norm` may help";
    assert_eq!(error, expected);
}

#[test]
fn the_callback_hears_of_all_and_may_break_off() {
    let data = signs(1000);
    let options = TrainingOptions { epochs: 2, batch_size: 300, ..TrainingOptions::default() };
    let mut heard = Vec::new();
    let mut listen = |p: &Progress<'_>| {
        assert!(p.loss.is_finite() && p.rows_per_second > 0.0);
        heard.push((p.epoch, p.batch, p.rows_done, p.finished.is_some()));
        if p.epoch == 2 && p.batch == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let trained = train(network(0.0), &mut in_memory(&data), None, &options, &mut listen).unwrap();
    let expected = [
        (1, 1, 300, false),
        (1, 2, 600, false),
        (1, 3, 900, false),
        (1, 4, 1000, false),
        (1, 4, 1000, true),
        (2, 1, 300, false),
        (2, 2, 600, false),
    ];
    assert_eq!(heard, expected);
    assert_eq!((trained.ended, trained.history.len()), (Ended::Cancelled, 1));
}

#[test]
fn a_row_of_weight_two_counts_like_the_row_twice() {
    let (x, t) = signs(40);
    let spec = NetworkSpec::sequential(Shape::features(3), vec![dense(6, Activation::Tanh)], Head::Binary);
    let options = TrainingOptions {
        epochs: 4,
        batch_size: 100,
        optimizer: sgd(0.5),
        shuffle: false,
        ..TrainingOptions::default()
    };
    let run = |x: ArrayView2<'_, f32>, t: &[f32], weights: Option<&[f32]>| {
        let mut source = InMemory::new(x, Targets::Values(t), weights).unwrap();
        train(Network::new(spec.clone(), 2).unwrap(), &mut source, None, &options, &mut proceed).unwrap()
    };
    // Rows 0 to 9 twice, rows 30 to 39 never.
    let weights: Vec<f32> = (0..40).map(|i| if i < 10 { 2.0 } else { f32::from(i < 30) }).collect();
    let weighted = run(x.view(), &t, Some(&weights));
    let rows: Vec<usize> = (0..30).chain(0..10).collect();
    let repeated = x.select(ndarray::Axis(0), &rows);
    let targets: Vec<f32> = rows.iter().map(|&i| t[i]).collect();
    let plain = run(repeated.view(), &targets, None);
    assert_close(&weighted.network.parameters, &plain.network.parameters, 1e-5);
}

#[test]
fn sources_and_options_that_do_not_fit_are_refused() {
    let (data, empty) = (signs(10), signs(0));
    let wide = Array2::<f32>::zeros((10, 4));
    let refusal = |source: &mut dyn Batches, validation: Option<&mut dyn Batches>, options: TrainingOptions| {
        train(network(0.0), source, validation, &options, &mut proceed).unwrap_err().to_string()
    };
    let default = TrainingOptions::default;
    assert_eq!(refusal(&mut in_memory(&empty), None, default()), "the training data has no rows");
    assert_eq!(
        refusal(&mut in_memory(&data), Some(&mut in_memory(&empty)), default()),
        "the validation data has no rows"
    );
    let mut four = InMemory::new(wide.view(), Targets::Values(&data.1), None).unwrap();
    assert_eq!(refusal(&mut four, None, default()), "the training data has rows of shape [4], the network reads [3]");
    let stopping = TrainingOptions { early_stopping: Some(EarlyStopping::default()), ..default() };
    assert_eq!(
        refusal(&mut in_memory(&data), None, stopping),
        "training option `early_stopping`: watches the validation loss, but there are no validation data"
    );
    let mut classes = InMemory::new(data.0.view(), Targets::Classes(&[0; 10]), None).unwrap();
    assert_eq!(
        refusal(&mut classes, None, default()),
        "the training data: only a multiclass head reads classes, these are some"
    );
    let mut labels = data.1.clone();
    labels[7] = 2.0;
    let mut labelled = InMemory::new(data.0.view(), Targets::Values(&labels), None).unwrap();
    assert_eq!(
        refusal(&mut labelled, None, default()),
        "the training data: row 8 is 2, it must be 0, 1 or a probability between"
    );
    let mut nothing = InMemory::new(data.0.view(), Targets::Values(&data.1), Some(&[0.0; 10])).unwrap();
    assert_eq!(refusal(&mut nothing, None, default()), "the training data: all weights are 0");
}

/// Fails in its second batch.
struct Failing(usize);

impl Batches for Failing {
    fn widths(&self) -> Vec<usize> {
        vec![3]
    }
    fn rows(&self) -> usize {
        20
    }
    fn start(&mut self, _: Option<rand_chacha::ChaCha8Rng>) -> Result<(), SourceError> {
        self.0 = 0;
        Ok(())
    }
    fn next_batch(&mut self, _: usize, batch: &mut Batch) -> Result<(), SourceError> {
        self.0 += 1;
        if self.0 == 2 {
            return Err("row group 7 is damaged".into());
        }
        batch.inputs[0].extend([0.0; 3]);
        batch.targets[0].values.push(1.0);
        Ok(())
    }
}

#[test]
fn a_source_that_fails_ends_the_training_with_its_reason() {
    let error = train(network(0.0), &mut Failing(0), None, &TrainingOptions::default(), &mut proceed).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the next batch of the training data");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "row group 7 is damaged");
}
