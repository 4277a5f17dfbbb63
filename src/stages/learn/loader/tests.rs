#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss, clippy::cast_possible_truncation)]
//! Both ways of holding rows give each row once, in an order that the seed decides.

use proptest::prelude::*;
use rand::SeedableRng;

use super::super::held::{Blocks, Held};
use super::super::layout::{Layout, TargetForm};
use super::*;

fn layout() -> Layout {
    Layout { inputs: vec![2, 1], targets: vec![TargetForm::Class], weighted: true }
}

/// The row of a number: each part tells which row it is.
fn row(number: usize) -> [f32; 5] {
    let number = number as f32;
    [number, number + 0.25, -number, number, 1.0 + number]
}

fn held(rows: usize) -> Blocks {
    let mut blocks = Blocks::new(&layout());
    (0..rows).for_each(|number| blocks.push(&row(number)));
    blocks
}

fn spill(folder: &Path, rows: usize) -> Spill {
    let mut writer = Writer::new(folder).unwrap();
    (0..rows).for_each(|number| writer.write(&row(number)).unwrap());
    writer.finish(&layout(), rows).unwrap()
}

/// The numbers of the rows of an epoch in their order; each row is checked to be whole.
fn epoch(source: &mut dyn Batches, seed: Option<u64>, batch_rows: usize) -> Vec<usize> {
    source.start(seed.map(ChaCha8Rng::seed_from_u64)).unwrap();
    let mut order = Vec::new();
    let mut batch = Batch::new(2, 1);
    loop {
        batch.clear();
        source.next_batch(batch_rows, &mut batch).unwrap();
        let rows = batch.weights.len();
        assert!(rows <= batch_rows);
        for at in 0..rows {
            let number = batch.targets[0].classes[at] as usize;
            let expected = row(number);
            assert_eq!(batch.inputs[0][2 * at..2 * at + 2], expected[..2]);
            assert_eq!((batch.inputs[1][at], batch.weights[at]), (expected[2], expected[4]));
            order.push(number);
        }
        if rows == 0 {
            return order;
        }
    }
}

fn sorted(mut order: Vec<usize>) -> Vec<usize> {
    order.sort_unstable();
    order
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn memory_and_file_give_each_row_once(
        rows in 1usize..400, buffer in 1u64..4000, batch_rows in 1usize..70, seed in any::<u64>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (blocks, layout) = (held(rows), layout());
        let spill = spill(folder.path(), rows);
        let mut held = Held::new(&blocks, &layout, None);
        let mut spilled = spill.source(Cut::new(&layout, buffer), None).unwrap();
        let all: Vec<usize> = (0..rows).collect();
        prop_assert_eq!(epoch(&mut held, None, batch_rows), all.clone());
        prop_assert_eq!(epoch(&mut spilled, None, batch_rows), all.clone());
        prop_assert_eq!(sorted(epoch(&mut held, Some(seed), batch_rows)), all.clone());
        let order = epoch(&mut spilled, Some(seed), batch_rows);
        prop_assert_eq!(sorted(order.clone()), all);
        // The order is one of the seed alone, whatever was read before and in whatever batches.
        prop_assert_eq!(epoch(&mut spilled, Some(seed), batch_rows / 2 + 1), order);
    }
}

#[test]
fn rows_of_a_file_are_mixed_from_all_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let spill = spill(folder.path(), 10_000);
    // A buffer of a tenth of the rows.
    let mut source = spill.source(Cut::new(&layout(), 1000 * 20), None).unwrap();
    let order = epoch(&mut source, Some(7), 64);
    // Sixteen blocks and more in a buffer: the mean of each tenth of the epoch is near that of all rows, which a buffer
    // of neighbours would miss by up to 4,500. The deviation of a mean of 16 blocks is 10,000 / sqrt(12 * 16) = 722.
    for tenth in order.chunks(1000) {
        let mean = tenth.iter().sum::<usize>() as f64 / tenth.len() as f64;
        assert!((mean - 5000.0).abs() < 3.0 * 722.0, "{mean}");
    }
    assert_ne!(order, epoch(&mut source, Some(8), 64));
}

#[test]
fn an_epoch_that_is_broken_off_leaves_the_next_one_whole() {
    let folder = tempfile::tempdir().unwrap();
    let spill = spill(folder.path(), 1000);
    let mut source = spill.source(Cut::new(&layout(), 50 * 20), None).unwrap();
    source.start(Some(ChaCha8Rng::seed_from_u64(1))).unwrap();
    source.next_batch(10, &mut Batch::new(2, 1)).unwrap();
    assert_eq!(sorted(epoch(&mut source, Some(2), 33)), (0..1000).collect::<Vec<_>>());
}

/// Adds a draw to a row.
struct Adding;

impl Augment for Adding {
    fn augments(&self, input: usize) -> bool {
        input == 0
    }

    fn augment(&self, _: usize, row: &mut [f32], draw: u64) {
        row[1] = row[0] + (draw >> 40) as f32 / (1 << 24) as f32;
    }
}

#[test]
fn a_row_is_changed_by_seed_epoch_and_row_alone() {
    let changed = |source: &mut dyn Batches, seed: u64, batch_rows: usize| {
        source.start(Some(ChaCha8Rng::seed_from_u64(seed))).unwrap();
        let mut found = vec![0.0; 300];
        let mut batch = Batch::new(2, 1);
        loop {
            batch.clear();
            source.next_batch(batch_rows, &mut batch).unwrap();
            if batch.weights.is_empty() {
                return found;
            }
            for (number, row) in batch.targets[0].classes.iter().zip(batch.inputs[0].chunks(2)) {
                found[*number as usize] = row[1];
            }
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let (blocks, layout) = (held(300), layout());
    let spill = spill(folder.path(), 300);
    let mut held = Held::new(&blocks, &layout, Some(&Adding));
    let mut spilled = spill.source(Cut::new(&layout, 2000), Some(&Adding)).unwrap();
    let first = changed(&mut held, 3, 32);
    assert_eq!(first, changed(&mut held, 3, 7));
    assert_eq!(first, changed(&mut spilled, 3, 50));
    assert_ne!(first, changed(&mut held, 4, 32));
    // Without a generator nothing changes: rows that are judged are what they are.
    assert_eq!(epoch(&mut held, None, 10).len(), 300);
}
