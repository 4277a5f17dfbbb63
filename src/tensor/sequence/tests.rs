//! Windows against a slower truth.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{Float64Type, Int64Type};
use proptest::prelude::*;

use super::*;

fn spec(window: usize, horizon: usize) -> SequenceSpec {
    SequenceSpec {
        columns: vec![("x".to_owned(), NumberScale::None)],
        by: vec!["g".to_owned()],
        order: "t".to_owned(),
        window,
        horizon,
    }
}

/// Rows sorted by group and time.
fn table(rows: &[(u8, Option<i64>, f64)]) -> RecordBatch {
    let groups: Vec<String> = rows.iter().map(|(group, ..)| group.to_string()).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("g", Arc::new(groups.iter().map(|group| Some(group.as_str())).collect::<StringViewArray>())),
        ("t", Arc::new(Int64Array::from(rows.iter().map(|(_, time, _)| *time).collect::<Vec<_>>()))),
        ("x", Arc::new(Float64Array::from(rows.iter().map(|(.., x)| *x).collect::<Vec<_>>()))),
        ("y", Arc::new(Float64Array::from(rows.iter().map(|(.., x)| x * 10.0).collect::<Vec<_>>()))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

type Found = Vec<(Option<i64>, Option<Vec<f64>>, f64)>;

/// The time of each row that went out, its window, its target.
fn found(batches: &[RecordBatch]) -> Found {
    let mut all = Vec::new();
    for batch in batches {
        let (times, targets) = (batch.column_by_name("t").unwrap(), batch.column_by_name("y").unwrap());
        let windows = batch.column_by_name(WINDOW).unwrap().as_fixed_size_list();
        for row in 0..batch.num_rows() {
            let times = times.as_primitive::<Int64Type>();
            let window =
                windows.is_valid(row).then(|| windows.value(row).as_primitive::<Float64Type>().values().to_vec());
            all.push((
                times.is_valid(row).then(|| times.value(row)),
                window,
                targets.as_primitive::<Float64Type>().value(row),
            ));
        }
    }
    all
}

fn cut(mut windows: Windows, batches: &[RecordBatch]) -> (Found, WindowCounts) {
    let mut given: Vec<RecordBatch> = batches.iter().map(|batch| windows.push(batch).unwrap()).collect();
    given.extend(windows.finish().unwrap());
    (found(&given), windows.counts())
}

#[test]
fn windows_end_with_their_row_and_targets_lie_ahead() {
    let rows =
        [(1, Some(1), 1.0), (1, Some(2), 2.0), (1, Some(3), 3.0), (1, Some(4), 4.0), (2, Some(1), 9.0), (2, None, 7.0)];
    let (found, counts) = cut(Windows::with_targets(&spec(2, 1), vec!["y".to_owned()]), &[table(&rows)]);
    assert_eq!(found, [(Some(2), Some(vec![1.0, 2.0]), 30.0), (Some(3), Some(vec![2.0, 3.0]), 40.0)]);
    let expected = WindowCounts {
        rows: 6,
        groups: 2,
        short_groups: 1,
        windows: 2,
        without_window: 2,
        without_target: 1,
        without_time: 1,
    };
    assert_eq!(counts, expected);
    let (found, _) = cut(Windows::of_all(&spec(2, 1)), &[table(&rows)]);
    let windows: Vec<bool> = found.iter().map(|(_, window, _)| window.is_some()).collect();
    assert_eq!(windows, [false, true, true, true, false, false]);
    assert_eq!(found[3], (Some(4), Some(vec![3.0, 4.0]), 40.0));
}

#[test]
fn what_is_encoded_is_the_window_row_by_row() {
    let rows = [(1, Some(1), 1.0), (1, Some(2), f64::NAN), (1, Some(3), 3.0)];
    let mut fit = SequenceFit::new(&spec(2, 0));
    fit.add(&table(&rows)).unwrap();
    let sequence = fit.finish();
    assert_eq!(sequence.block().shape, [2, 2]);
    assert_eq!(sequence.input_names(), ["x, 1 row before", "x is missing, 1 row before", "x", "x is missing"]);
    let batch = Windows::of_all(&spec(2, 0)).push(&table(&rows)).unwrap();
    let mut inputs = vec![0.0; batch.num_rows() * 4];
    let array = batch.column_by_name(WINDOW).unwrap();
    let counts = sequence.encode(array, &mut Part { inputs: &mut inputs, width: 4, offset: 0 });
    assert_eq!(inputs[4..], [1.0, 0.0, 2.0, 1.0, 2.0, 1.0, 3.0, 0.0]);
    assert_eq!(counts.failed.len(), 1);
    assert_eq!(counts.missing, 2);
}

proptest! {
    #[test]
    fn windows_do_not_depend_on_how_rows_come_in_batches(
        lengths in prop::collection::vec((0_u8..9, 0_usize..3), 1..6),
        cuts in prop::collection::vec(0_usize..40, 0..6),
        window in 1_usize..5,
        horizon in 0_usize..4,
        keeps_all in any::<bool>(),
    ) {
        let mut rows = Vec::new();
        for (group, (length, timeless)) in lengths.iter().enumerate() {
            rows.extend((0..*length).map(|at| (group as u8, Some(i64::from(at)), f64::from(at) + group as f64 * 100.0)));
            rows.extend((0..*timeless).map(|_| (group as u8, None, -1.0)));
        }
        let whole = table(&rows);
        let mut borders: Vec<usize> = cuts.iter().map(|cut| *cut.min(&rows.len())).chain([0, rows.len()]).collect();
        borders.sort_unstable();
        let batches: Vec<RecordBatch> = borders.windows(2).map(|pair| whole.slice(pair[0], pair[1] - pair[0])).collect();
        let windows = if keeps_all {
            Windows::of_all(&spec(window, horizon))
        } else {
            Windows::with_targets(&spec(window, horizon), vec!["y".to_owned()])
        };
        let (found, counts) = cut(windows, &batches);
        // The slower truth: each group as a list.
        let mut expected = Vec::new();
        for group in 0..lengths.len() {
            let own: Vec<_> = rows.iter().filter(|(of, ..)| usize::from(*of) == group).collect();
            let timed: Vec<f64> = own.iter().filter(|(_, time, _)| time.is_some()).map(|(.., x)| *x).collect();
            for at in 0..timed.len() {
                let window = (at + 1 >= window).then(|| timed[at + 1 - window..=at].to_vec());
                if keeps_all {
                    expected.push((Some(at as i64), window, timed[at] * 10.0));
                } else if window.is_some() && at + horizon < timed.len() {
                    expected.push((Some(at as i64), window, timed[at + horizon] * 10.0));
                }
            }
            if keeps_all {
                expected.extend((timed.len()..own.len()).map(|_| (None, None, -10.0)));
            }
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(counts.rows, rows.len() as u64);
        let parts = counts.windows + counts.without_window + counts.without_target + counts.without_time;
        prop_assert_eq!(parts, counts.rows);
    }
}
