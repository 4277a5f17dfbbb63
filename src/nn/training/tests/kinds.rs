//! Networks of other kinds of layers, interrupted trainings, and groups of parameters.

use super::super::super::graph::InputSpec;
use super::super::super::layers::{
    Activate, BatchNorm, Conv2d, EmbeddingBag, Flatten, MaxPool, Padding, Pooling, Residual,
};
use super::super::super::schedule::{Plateau, ScheduleKind, ScheduleSpec};
use super::*;

/// An image network in which a batch norm stands inside a block, with the layers of the stored training.
fn residual() -> NetworkSpec {
    let conv = |filters, activation| {
        LayerSpec::Conv2d(Conv2d { padding: Padding::Same, ..Conv2d::new(filters, [3, 3], activation) })
    };
    let norm = || LayerSpec::BatchNorm(BatchNorm::default());
    let relu = LayerSpec::Activate(Activate { activation: Activation::Relu });
    let layers = vec![conv(3, Activation::Linear), norm(), relu, conv(2, Activation::Linear), norm()];
    let layers = vec![
        LayerSpec::Residual(Residual { layers, activation: Activation::Relu }),
        LayerSpec::MaxPool(MaxPool::default()),
        LayerSpec::Flatten(Flatten {}),
    ];
    NetworkSpec::sequential(Shape::image(6, 6, 1), layers, Head::Multiclass { classes: 3 })
}

/// A text network.
fn bags(token_dropout: f64) -> NetworkSpec {
    let bag = LayerSpec::EmbeddingBag(EmbeddingBag { tokens: 12, size: 3, pooling: Pooling::Mean, token_dropout });
    NetworkSpec::chain(InputSpec::tokens("text", 5, 12), vec![bag], Head::Multiclass { classes: 2 })
}

/// A network with the parameters that a stored training begins with, by name.
fn with_stored(spec: &NetworkSpec, start: &serde_json::Value) -> Network {
    let plan = Plan::new(spec).unwrap();
    assert_eq!(plan.parameters.len(), start.as_object().unwrap().len());
    let mut parameters = vec![f32::NAN; plan.parameter_count];
    for place in &plan.parameters {
        parameters[place.range.clone()].copy_from_slice(&numbers(&start[&place.name]));
    }
    Network::with_parameters(spec.clone(), plan, parameters)
}

#[test]
fn images_with_batch_norms_and_texts_learn_as_in_pytorch() {
    let momentum = json!({"sgd": {"learning_rate": 0.1, "momentum": 0.9}});
    let sgd = json!({"sgd": {"learning_rate": 0.5}});
    for (section, spec, optimizer, epochs, clip_norm) in
        [("residual", residual(), momentum, 3, None), ("bags", bags(0.0), sgd, 5, Some(0.2))]
    {
        let case = training_of(section).swap_remove(0);
        let (x, classes) = (numbers(&case["x"]), numbers(&case["target"]));
        let x = ArrayView2::from_shape((150, x.len() / 150), &x).unwrap();
        let classes: Vec<u32> = classes.iter().map(|&class| class as u32).collect();
        let optimizer = serde_json::from_value(optimizer).unwrap();
        let options = TrainingOptions {
            epochs,
            batch_size: 130,
            optimizer,
            shuffle: false,
            clip_norm,
            ..TrainingOptions::default()
        };
        let mut source = InMemory::new(x, Targets::Classes(&classes), None).unwrap();
        let network = with_stored(&spec, &case["start"]);
        let trained = train(network, &mut source, None, &options, &mut proceed).unwrap();
        let losses: Vec<f32> = trained.history.iter().map(|record| record.loss as f32).collect();
        assert_close(&losses, &numbers(&case["losses"]), 2e-5);
        for (name, _, values) in trained.network.named_parameters() {
            assert_close(values, &numbers(&case["end"][name]), 2e-4);
        }
        let outputs = trained.network.logits(x.slice(ndarray::s![..3, ..])).unwrap();
        assert_close(outputs.as_slice().unwrap(), &numbers(&case["outputs"]), 5e-4);
    }
}

#[test]
fn every_kind_of_layer_gives_the_same_network_on_any_number_of_threads() {
    let images = Array2::from_shape_fn((500, 36), |(i, j)| ((i * 31 + j * 17) % 23) as f32 / 11.0 - 1.0);
    let texts = Array2::from_shape_fn((500, 5), |(i, j)| ((i * 7 + j * 5) % 12) as f32);
    let three: Vec<u32> = (0..500).map(|i| (i % 3) as u32).collect();
    let two: Vec<u32> = (0..500).map(|i| (i % 2) as u32).collect();
    for (spec, x, classes) in [(residual(), &images, &three), (bags(0.3), &texts, &two)] {
        let options =
            TrainingOptions { epochs: 2, batch_size: 300, clip_norm: Some(1.0), ..TrainingOptions::default() };
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut source = InMemory::new(x.view(), Targets::Classes(classes), None).unwrap();
            let network = Network::new(spec.clone(), 3).unwrap();
            pool.install(|| train(network, &mut source, None, &options, &mut proceed).unwrap()).network.parameters
        };
        let one = run(1);
        assert!(one.iter().zip(&run(2)).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(one.iter().zip(&run(4)).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn a_resumed_training_ends_as_the_uninterrupted_one() {
    let (data, valid) = (signs(600), signs(200));
    let schedule =
        ScheduleSpec { kind: ScheduleKind::OneCycle { up: 0.3, start_divisor: 25.0, end_divisor: 1e4 }, warm_up: 0.5 };
    let plateau = Plateau { factor: 0.5, patience: 0, threshold: 0.5, minimum: 0.0 };
    for schedule in [schedule, ScheduleSpec { kind: ScheduleKind::Plateau(plateau), warm_up: 0.0 }] {
        let stopping = Some(EarlyStopping::default());
        let options = TrainingOptions {
            epochs: 6,
            batch_size: 250,
            schedule,
            early_stopping: stopping,
            ..TrainingOptions::default()
        };
        let mut states = Vec::new();
        let mut listen = |progress: &Progress<'_>| {
            states.extend(progress.state.cloned());
            ControlFlow::Continue(())
        };
        let (mut source, mut judges) = (in_memory(&data), in_memory(&valid));
        let whole = train(network(0.2), &mut source, Some(&mut judges), &options, &mut listen).unwrap();
        assert!(whole.history.windows(2).any(|pair| pair[0].learning_rate != pair[1].learning_rate));
        for state in states {
            let (mut source, mut judges) = (in_memory(&data), in_memory(&valid));
            // By way of a file, and on another number of threads.
            let state = State::from_bytes(&state.to_bytes().unwrap()).unwrap();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1 + state.progress.epochs % 3).build().unwrap();
            let rest = pool
                .install(|| resume(network(0.2), state, &mut source, Some(&mut judges), &options, &mut proceed))
                .unwrap();
            let bits = |trained: &Trained| trained.network.parameters.iter().map(|p| p.to_bits()).collect::<Vec<_>>();
            assert_eq!((bits(&rest), rest.kept_epoch, rest.ended), (bits(&whole), whole.kept_epoch, whole.ended));
            let losses =
                |trained: &Trained| trained.history.iter().map(|r| (r.loss, r.learning_rate)).collect::<Vec<_>>();
            assert_eq!(losses(&rest), losses(&whole));
        }
    }
}

#[test]
fn a_state_of_another_training_is_refused() {
    let data = signs(50);
    let refusal = |change: &dyn Fn(&mut State)| {
        let mut state = State::new(&network(0.0), &TrainingOptions::default(), 50).unwrap();
        change(&mut state);
        let options = TrainingOptions::default();
        resume(network(0.0), state, &mut in_memory(&data), None, &options, &mut proceed).unwrap_err().to_string()
    };
    let start = "cannot resume the training: ";
    let parameters = refusal(&|s| s.parameters.truncate(5));
    assert_eq!(parameters, format!("{start}its state belongs to a network with another number of parameters"));
    let optimizer = refusal(&|s| s.memory.second.clear());
    assert_eq!(optimizer, format!("{start}its state belongs to another optimizer"));
    let finite = refusal(&|s| s.memory.first[3] = f32::NAN);
    assert_eq!(finite, format!("{start}its state holds numbers that are not finite"));
    let contradiction = refusal(&|s| s.progress.epochs = 2);
    assert_eq!(contradiction, format!("{start}its state contradicts itself"));
}

#[test]
fn groups_freeze_what_they_name() {
    let data = signs(200);
    let frozen = |parameters: &str| {
        let rule = GroupRule { parameters: parameters.to_owned(), rate: 0.0, decay: None };
        let options = TrainingOptions { epochs: 1, groups: vec![rule], ..TrainingOptions::default() };
        train(network(0.0), &mut in_memory(&data), None, &options, &mut proceed)
    };
    let (before, after) = (network(0.0), frozen("layer_1.*").unwrap().network);
    let changed: Vec<bool> = before.named_parameters().zip(after.named_parameters()).map(|(a, b)| a.2 != b.2).collect();
    assert_eq!(changed, [false, false, true, true, true, true]);
    let error = frozen("layer_9.*").unwrap_err().to_string();
    assert_eq!(error, "training option `groups`: `layer_9.*` names no parameter of the network");
}
