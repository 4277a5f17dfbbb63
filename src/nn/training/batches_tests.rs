#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::super::graph::NetworkSpec;
use super::super::super::head::Head;
use super::super::super::shape::Shape;
use super::*;
use ndarray::{Array2, array};
use rand::SeedableRng;

/// The batch sizes and the first feature of each row of an epoch.
fn epoch(source: &mut InMemory<'_>, rows: usize, shuffle: Option<u64>) -> (Vec<usize>, Vec<f32>) {
    source.start(shuffle.map(ChaCha8Rng::seed_from_u64)).unwrap();
    let (mut batch, mut sizes, mut seen) = (Batch::new(1, 1), vec![], vec![]);
    loop {
        batch.clear();
        source.next_batch(rows, &mut batch).unwrap();
        let inputs = &batch.inputs[0];
        if inputs.is_empty() {
            return (sizes, seen);
        }
        sizes.push(inputs.len() / 2);
        // The targets and the weights go with their rows.
        let rows = inputs.chunks(2).zip(&batch.targets[0].values).zip(&batch.weights);
        assert!(rows.into_iter().all(|((x, t), w)| *t == x[0] * 10.0 && *w == x[0]));
        seen.extend(inputs.iter().step_by(2));
    }
}

#[test]
fn each_epoch_has_each_row_once_in_its_own_order() {
    let inputs = Array2::from_shape_fn((10, 2), |(i, _)| i as f32);
    let targets: Vec<f32> = (0..10).map(|i| i as f32 * 10.0).collect();
    let weights: Vec<f32> = (0..10).map(|i| i as f32).collect();
    let mut source = InMemory::new(inputs.view(), Targets::Values(&targets), Some(&weights)).unwrap();
    let (sizes, plain) = epoch(&mut source, 4, None);
    assert_eq!((sizes, &plain), (vec![4, 4, 2], &weights));
    let (_, first) = epoch(&mut source, 4, Some(1));
    let (_, second) = epoch(&mut source, 4, Some(2));
    assert!(first != plain && second != plain && first != second);
    assert_eq!(epoch(&mut source, 3, Some(1)).1, first);
    let mut sorted = first;
    sorted.sort_by(f32::total_cmp);
    assert_eq!(sorted, plain);
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let inputs = array![[1.0, 2.0], [3.0, 4.0]];
    let refusal = |targets, weights| InMemory::new(inputs.view(), targets, weights).unwrap_err().to_string();
    assert_eq!(refusal(Targets::Classes(&[1]), None), "the data: there are 1 classes for 2 rows");
    assert_eq!(refusal(Targets::Values(&[1.0; 3]), None), "the data: there are 3 target values for 2 rows");
    assert_eq!(refusal(Targets::Values(&[]), None), "the data: there are 0 target values for 2 rows");
    assert_eq!(refusal(Targets::Classes(&[1, 1]), Some(&[1.0])), "the data: there are 1 weights for 2 rows");
    let weights = Some(&[1.0, f32::NAN][..]);
    assert_eq!(
        refusal(Targets::Classes(&[1, 1]), weights),
        "the data: the weight of row 2 is NaN, it must be 0 or above"
    );
    let bad = array![[1.0, 2.0], [3.0, f32::INFINITY]];
    let error = InMemory::new(bad.view(), Targets::Classes(&[1, 1]), None).unwrap_err();
    assert_eq!(error.to_string(), "row 2, feature 2 of the input is inf; a network needs finite numbers");
    assert!(InMemory::new(Array2::zeros((0, 2)).view(), Targets::Values(&[]), None).is_ok());
    let one = array![[1.0]];
    let error = InMemory::of(vec![inputs.view(), one.view()], vec![], None).unwrap_err();
    assert_eq!(error.to_string(), "the data: input 2 has 1 rows, the first has 2");
}

#[test]
fn what_a_source_fills_in_is_checked() {
    let plan = Plan::new(&NetworkSpec::sequential(Shape::features(2), vec![], Head::Binary)).unwrap();
    let mut good = Batch::new(1, 1);
    good.inputs[0] = vec![1.0; 4];
    good.targets[0].values = vec![0.0, 1.0];
    let check = |change: &dyn Fn(&mut Batch)| {
        let mut batch = good.clone();
        change(&mut batch);
        batch.check("training", &plan, 2).map_err(|e| e.to_string())
    };
    let refused = |message: &str| Err(format!("training: in a batch, {message}"));
    assert_eq!(check(&|_| ()), Ok(2));
    assert_eq!(check(&|b| b.inputs[0].push(0.0)), refused("there are 5 numbers, expected at most 2 rows of 2"));
    assert_eq!(check(&|b| b.inputs[0] = vec![0.0; 6]), refused("there are 6 numbers, expected at most 2 rows of 2"));
    let range = refused("row 2 is 3, it must be 0, 1 or a probability between");
    assert_eq!(check(&|b| b.targets[0].values[1] = 3.0), range);
    assert_eq!(check(&|b| b.weights = vec![1.0]), refused("there are 1 weights for 2 rows"));
    assert_eq!(check(&|b| b.weights = vec![1.0, -1.0]), refused("the weight of row 2 is -1, it must be 0 or above"));
    let parts = refused("there are 2 inputs and 1 targets, the network reads 1 and is asked for 1");
    assert_eq!(check(&|b| b.inputs.push(vec![])), parts);
}
