//! Divergence and another try, batches of different sizes, rates and sizes that are found, and states of other trainings.

use super::super::super::graph::InputSpec;
use super::super::super::layers::{Embedding, Flatten};
use super::super::super::schedule::{ScheduleKind, ScheduleSpec};
use super::*;

/// Numbers so large that a learning rate of 1 is far too much, with a network without anything that saturates.
fn steep() -> (Array2<f32>, Vec<f32>) {
    let (x, _) = signs(400);
    let t = x.rows().into_iter().map(|r| 3.0 * r[0] - r[2] + 0.5).collect();
    (x, t)
}

fn linear() -> Network {
    let spec = NetworkSpec::sequential(
        Shape::features(3),
        vec![dense(16, Activation::Linear), dense(16, Activation::Linear)],
        Head::Regression { outputs: 1 },
    );
    Network::new(spec, 1).unwrap()
}

#[test]
fn after_a_divergence_training_goes_on_from_the_last_good_epoch_at_a_lower_rate() {
    let data = steep();
    let run = |learning_rate, retry| {
        let options = TrainingOptions {
            epochs: 5,
            batch_size: 20,
            optimizer: sgd(learning_rate),
            retry,
            ..TrainingOptions::default()
        };
        train(linear(), &mut in_memory(&data), None, &options, &mut proceed)
    };
    let retry = Retry { times: 2, divisor: 100.0 };
    let trained = run(2.0, Some(retry)).unwrap();
    assert_eq!((trained.retries.len(), trained.history.len()), (1, 5));
    let Retried { epoch: 1, batch: 2.., divisor: 100.0, place } = &trained.retries[0] else {
        panic!("{:?}", trained.retries)
    };
    assert!(place.contains("not finite"), "{place}");
    assert!(trained.history.iter().all(|record| record.learning_rate == 0.02));
    // The same as if it had begun with the lower rate: nothing of the first try is left.
    assert_eq!(trained.network.parameters, run(0.02, None).unwrap().network.parameters);
    // Too few tries are the error that it would have been.
    let error = run(2e9, Some(retry)).unwrap_err();
    assert!(matches!(error, Error::Diverged { epoch: 1, .. }), "{error}");
}

#[test]
fn a_table_whose_gradient_is_not_finite_is_named() {
    let input = InputSpec::tokens("words", 1, 4);
    let table = LayerSpec::Embedding(Embedding { tokens: 4, size: 2, padding: false, token_dropout: 0.0 });
    let spec = NetworkSpec::chain(input, vec![table, LayerSpec::Flatten(Flatten {})], Head::Regression { outputs: 1 });
    let mut network = Network::new(spec, 1).unwrap();
    // Two finite numbers whose product with the gradient of the loss is none.
    network.parameters[..2].fill(3e38);
    network.parameters[2..].fill(0.0);
    let x = Array2::zeros((4, 1));
    let target = [-1e38; 4];
    let options = TrainingOptions { clip_value: Some(1.0), ..TrainingOptions::default() };
    let mut source = InMemory::new(x.view(), Targets::Values(&target), None).unwrap();
    let error = train(network, &mut source, None, &options, &mut proceed).unwrap_err();
    let Error::Diverged { place, .. } = &error else { panic!("{error}") };
    assert_eq!(place, "the gradient by layer_1.weight is not finite");
}

#[test]
fn each_number_of_a_gradient_is_cut_to_its_largest_size() {
    let data = steep();
    let step = |clip_value| {
        let options = TrainingOptions {
            epochs: 1,
            batch_size: 400,
            optimizer: sgd(1.0),
            clip_value,
            ..TrainingOptions::default()
        };
        train(linear(), &mut in_memory(&data), None, &options, &mut proceed).unwrap().network.parameters
    };
    let (before, free, cut) = (linear().parameters, step(None), step(Some(0.01)));
    for ((before, free), cut) in before.iter().zip(&free).zip(&cut) {
        let expected = (free - before).clamp(-0.01, 0.01);
        assert!((cut - before - expected).abs() < 1e-6, "{before} {free} {cut}");
    }
    assert!(free.iter().zip(&before).any(|(free, before)| (free - before).abs() > 0.01));
}

#[test]
fn batches_may_grow_from_epoch_to_epoch() {
    let data = signs(100);
    let sizes = vec![BatchSize { epoch: 2, rows: 50 }, BatchSize { epoch: 3, rows: 1000 }];
    let schedule = ScheduleSpec { kind: ScheduleKind::Step { every: 1.0, factor: 0.5 }, warm_up: 0.0 };
    let options = TrainingOptions {
        epochs: 3,
        batch_size: 10,
        batch_sizes: sizes,
        optimizer: sgd(0.8),
        schedule,
        ..TrainingOptions::default()
    };
    let mut heard = Vec::new();
    let mut states = Vec::new();
    let mut listen = |p: &Progress<'_>| {
        if p.finished.is_some() {
            heard.push((p.epoch, p.batch, p.learning_rate));
            states.extend(p.state.cloned());
        }
        ControlFlow::Continue(())
    };
    let whole = train(network(0.1), &mut in_memory(&data), None, &options, &mut listen).unwrap();
    assert_eq!(heard, [(1, 10, 0.8), (2, 2, 0.4), (3, 1, 0.2)]);
    for state in states {
        let rest = resume(network(0.1), state, &mut in_memory(&data), None, &options, &mut proceed).unwrap();
        assert_eq!(rest.network.parameters, whole.network.parameters);
    }
}

#[test]
fn the_best_epoch_by_the_metric_is_the_last_of_equal_ones() {
    // A rate of nearly 0 changes no answer.
    let (data, valid) = (signs(60), signs(40));
    let kept = |watch| {
        let early_stopping = Some(EarlyStopping { patience: 9, min_delta: 0.0, watch });
        let options =
            TrainingOptions { epochs: 4, optimizer: sgd(1e-30), early_stopping, ..TrainingOptions::default() };
        train(network(0.0), &mut in_memory(&data), Some(&mut in_memory(&valid)), &options, &mut proceed)
            .unwrap()
            .kept_epoch
    };
    assert_eq!((kept(Watch::Loss), kept(Watch::Metric)), (1, 4));
}

#[test]
fn a_rate_is_found_with_which_training_falls_fast_and_does_not_diverge() {
    let data = steep();
    let options = TrainingOptions { batch_size: 40, optimizer: sgd(1.0), ..TrainingOptions::default() };
    let find = || find_learning_rate(&linear(), &mut in_memory(&data), &options, RateSearch::default()).unwrap();
    let found = find();
    assert_eq!(found, find());
    let rates: Vec<f64> = found.points.iter().map(|point| point.learning_rate).collect();
    assert!(
        (rates[0] - 1e-6).abs() < 1e-12
            && rates.windows(2).all(|pair| (pair[1] / pair[0] - 1e7f64.powf(1.0 / 99.0)).abs() < 1e-9)
    );
    assert!(found.diverged || found.points.len() < 100, "a rate of 10 is too much here");
    let loss_after = |learning_rate| {
        let options = TrainingOptions { epochs: 3, optimizer: sgd(learning_rate), ..options.clone() };
        train(linear(), &mut in_memory(&data), None, &options, &mut proceed).unwrap().history[2].loss
    };
    let loss = loss_after(found.learning_rate);
    assert!(
        loss < 0.1 && loss < loss_after(found.learning_rate / 100.0) / 10.0,
        "{} gives {loss}",
        found.learning_rate
    );
    let refused =
        |search| find_learning_rate(&linear(), &mut in_memory(&data), &options, search).unwrap_err().to_string();
    let error = refused(RateSearch { start: 1.0, end: 0.1, batches: 100 });
    assert_eq!(error, "training option `learning_rate`: a search from 1 to 0.1 in 100 batches finds nothing");
    let error = refused(RateSearch { start: 1e-30, end: 1e-29, batches: 20 });
    assert!(error.starts_with("training option `learning_rate`: the loss fell at no rate between"), "{error}");
}

#[test]
fn a_batch_size_is_chosen_by_memory_and_layers() {
    let mlp = |units| {
        let layers = vec![dense(units, Activation::Relu), dense(units, Activation::Relu)];
        Network::new(NetworkSpec::sequential(Shape::features(20), layers, Head::Binary), 1).unwrap()
    };
    let choose =
        |network: &Network, rows, memory| automatic_batch_size(network, &TrainingOptions::default(), rows, memory);
    let network = mlp(256);
    let plenty = choose(&network, 1 << 20, 1 << 30).unwrap();
    assert!(plenty.is_power_of_two() && (256..=4096).contains(&plenty), "{plenty}");
    // An epoch keeps 32 steps.
    assert_eq!(choose(&network, 3200, 1 << 30).unwrap(), 64);
    assert_eq!(choose(&network, 10, 1 << 30).unwrap(), 32);
    // Less memory, smaller batches, in steps of two; then none.
    let mut sizes: Vec<usize> =
        (0..80).filter_map(|i| choose(&network, 1 << 20, (16 << 20) * 10 / (10 + 4 * i)).ok()).collect();
    assert!(sizes.windows(2).all(|pair| pair[1] <= pair[0]), "{sizes:?}");
    sizes.dedup();
    assert!(sizes.len() > 2, "{sizes:?}");
    let error = choose(&network, 1 << 20, 1 << 19).unwrap_err().to_string();
    assert!(error.starts_with("training option `batch_size`: training in batches of 32 rows needs "), "{error}");
}

#[test]
fn a_state_of_another_network_or_of_other_options_is_refused_by_name() {
    let data = signs(50);
    let state = |options: &TrainingOptions| {
        let mut states = Vec::new();
        let mut listen = |p: &Progress<'_>| {
            states.extend(p.state.cloned());
            ControlFlow::Continue(())
        };
        train(network(0.0), &mut in_memory(&data), None, options, &mut listen).unwrap();
        states.swap_remove(0)
    };
    let options = TrainingOptions { epochs: 2, optimizer: sgd(0.1), ..TrainingOptions::default() };
    let refusal = |network: Network, options: &TrainingOptions, data: &(Array2<f32>, Vec<f32>)| {
        let now = state(&TrainingOptions {
            epochs: 2,
            optimizer: sgd(0.1),
            schedule: options.schedule,
            ..TrainingOptions::default()
        });
        resume(network, now, &mut in_memory(data), None, options, &mut proceed).map(|_| ()).map_err(|e| e.to_string())
    };
    let start = "cannot resume the training: its state is of";
    let wider =
        Network::new(NetworkSpec::sequential(Shape::features(3), vec![dense(25, Activation::Relu)], Head::Binary), 1);
    assert_eq!(
        refusal(wider.unwrap(), &options, &data),
        Err(format!("{start} another network: `network.nodes` was a list of 4, it is a list of 2 now"))
    );
    assert_eq!(
        refusal(network(0.5), &options, &data),
        Err(format!("{start} another network: `network.nodes[1].layer.dropout.rate` was 0.0, it is 0.5 now"))
    );
    assert_eq!(
        refusal(network(0.0), &TrainingOptions { optimizer: sgd(0.2), ..options.clone() }, &data),
        Err(format!("{start} other options: `options.optimizer.sgd.learning_rate` was 0.1, it is 0.2 now"))
    );
    assert_eq!(
        refusal(network(0.0), &options, &signs(49)),
        Err(format!("{start} other rows: an epoch had 50, it has 49 now"))
    );
    // More epochs are the same training, but not where the rate depends on their number.
    let longer = TrainingOptions { epochs: 3, ..options.clone() };
    assert_eq!(refusal(network(0.0), &longer, &data), Ok(()));
    let schedule = ScheduleSpec { kind: ScheduleKind::Cosine { end: 0.0 }, warm_up: 0.0 };
    assert_eq!(
        refusal(network(0.0), &TrainingOptions { schedule, ..longer }, &data),
        Err(format!("{start} other options: `options.epochs` was 2, it is 3 now"))
    );
}
