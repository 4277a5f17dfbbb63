use std::sync::Arc;

use arrow::array::{Date32Array, Float64Array, StringViewArray};
use proptest::prelude::*;

use super::*;
use arrow::array::RecordBatch;

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(values.iter().map(|value| (!value.is_nan()).then_some(*value)).collect::<Float64Array>())
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(values.iter().copied().collect::<StringViewArray>())
}

fn fit(column: &str, watched: Watched, array: &ArrayRef) -> ColumnDomain {
    let mut fit = DomainFit::new(column, watched);
    fit.add(array);
    fit.finish()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

#[test]
fn what_training_did_not_have_is_told_by_row() {
    let miles: Vec<f64> = (1..=100).map(f64::from).collect();
    let domain = Domain {
        rows: 100,
        columns: vec![
            fit("miles", Watched::Range, &floats(&miles)),
            fit("carrier", Watched::Values, &texts(&[Some("A"), Some("B"), None])),
            fit("day", Watched::Range, &(Arc::new(Date32Array::from(vec![0, 364])) as ArrayRef)),
            fit("note", Watched::Presence, &texts(&[Some("a note")])),
        ],
    };
    let back: Domain = serde_json::from_str(&serde_json::to_string(&domain).unwrap()).unwrap();
    assert_eq!(back, domain);
    let rows = batch(vec![
        ("miles", floats(&[50.0, 0.5, 101.0, f64::NAN, f64::INFINITY])),
        ("carrier", texts(&[Some("A"), None, Some("Z"), Some("B"), Some("A")])),
        ("day", Arc::new(Date32Array::from(vec![10, 365, 364, 0, 1]))),
        ("note", texts(&[Some("x"), Some("x"), Some("x"), None, Some("x")])),
    ]);
    let mut watch = Watch::new(&domain);
    let found: Vec<(usize, String)> = watch
        .look(&rows)
        .unwrap()
        .iter()
        .map(|strange| (strange.row, strange.what.text(&domain.columns[strange.column])))
        .collect();
    let expected = [
        (1, "miles 0.5 is below 1, the smallest in training"),
        (1, "day 1971-01-01 is above 1970-12-31, the largest in training"),
        (2, "miles 101 is above 100, the largest in training"),
        (2, "carrier 'Z' was not in training"),
        (3, "miles is missing, which it never was in training"),
        (3, "note is missing, which it never was in training"),
        (4, "miles is missing, which it never was in training"),
    ];
    assert_eq!(found, expected.map(|(row, text)| (row, text.to_owned())));
    assert_eq!((watch.rows(), watch.strange_rows()), (5, 4));
    let drift = watch.drift();
    let counts: Vec<_> =
        drift.iter().map(|column| (column.missing, column.below, column.above, column.other)).collect();
    assert_eq!(counts, [(2, 1, 1, 0), (1, 0, 0, 1), (0, 0, 1, 0), (1, 0, 0, 0)]);
}

#[test]
fn a_column_that_moved_is_told_from_chance() {
    let values: Vec<f64> = (0..1000).map(f64::from).collect();
    let domain = Domain { rows: 1000, columns: vec![fit("x", Watched::Range, &floats(&values))] };
    let Held::Range(range) = &domain.columns[0].held else { panic!("{domain:?}") };
    assert_eq!((range.edges.len(), range.counts.iter().sum::<u64>()), (9, 1000));
    let drift = |values: &[f64]| {
        let mut watch = Watch::new(&domain);
        watch.look(&batch(vec![("x", floats(values))])).unwrap();
        let drift = &watch.drift()[0];
        (drift.index, drift.is_shifted)
    };
    let (same, shifted) = drift(&values);
    assert!(same.unwrap() < 1e-12 && !shifted, "{same:?}");
    let upper: Vec<f64> = (500..1000).map(f64::from).collect();
    // Five of ten bins are empty, five hold twice their share: 5 (0.1 ln(0.2 / 0.1)) + 5 (0.1 - 0.0001) ln(0.1 / 0.0001).
    let (moved, shifted) = drift(&upper);
    let wanted = 0.5 * 2_f64.ln() + 5.0 * 0.0999 * 1000_f64.ln();
    assert!((moved.unwrap() - wanted).abs() < 0.02 && shifted, "{moved:?}, expected {wanted}");
    // A handful of rows leaves bins empty by chance.
    let (few, shifted) = drift(&[100.0, 300.0, 500.0, 700.0]);
    assert!(few.unwrap() > SHIFTED && !shifted, "{few:?}");
    assert_eq!(drift(&[]), (None, false));
}

#[test]
fn columns_that_say_nothing_are_no_trouble() {
    let empty = fit("x", Watched::Range, &floats(&[f64::NAN, f64::NAN]));
    assert_eq!(empty, ColumnDomain { column: "x".to_owned(), missing: 2, held: Held::Presence });
    let constant = fit("x", Watched::Range, &floats(&[3.0, 3.0, 3.0]));
    let Held::Range(range) = &constant.held else { panic!("{constant:?}") };
    assert_eq!((range.min, range.max, range.edges.len(), range.counts.as_slice()), (3.0, 3.0, 0, &[3][..]));
    let many: Vec<String> = (0..5_000).map(|value| value.to_string()).collect();
    let many: Vec<Option<&str>> = many.iter().map(|value| Some(value.as_str())).collect();
    let many = fit("x", Watched::Values, &texts(&many));
    let Held::Values(values) = &many.held else { panic!("{many:?}") };
    assert_eq!((values.counts.len(), values.rest), (4_096, 904));
    let domain = Domain { rows: 5_000, columns: vec![many] };
    let found = Watch::new(&domain).look(&batch(vec![("x", texts(&[Some("new")]))])).unwrap();
    assert_eq!(found[0].what, What::Rare("new".to_owned()));
    assert!(Watch::new(&domain).look(&batch(vec![("y", texts(&[None]))])).is_err());
}

proptest! {
    #[test]
    fn training_rows_are_never_strange_and_their_counts_add_up(values in proptest::collection::vec(prop_oneof![
        -1e3..1e3_f64, Just(0.0), Just(1e300), Just(f64::NAN)
    ], 1..300)) {
        let domain = Domain { rows: values.len() as u64, columns: vec![fit("x", Watched::Range, &floats(&values))] };
        let mut watch = Watch::new(&domain);
        prop_assert!(watch.look(&batch(vec![("x", floats(&values))])).unwrap().is_empty());
        let present = values.iter().filter(|value| !value.is_nan()).count() as u64;
        if let Held::Range(range) = &domain.columns[0].held {
            prop_assert_eq!(range.counts.iter().sum::<u64>(), present);
            prop_assert_eq!(&range.counts, &watch.seen[0].counts);
        }
    }
}
