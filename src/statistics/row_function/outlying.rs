//! Scores and reasons of anomalies, for rows in columns.

use super::Column;
use crate::statistics::anomalies::{Detector, in_words};

pub(super) fn scores(detector: &Detector, columns: &[Column<'_>], rows: usize) -> Vec<Option<f64>> {
    let columns: Vec<Vec<Option<f64>>> = columns.iter().map(Column::numbers).collect();
    let mut table = vec![0.0; rows * columns.len()];
    for (at, values) in columns.iter().enumerate() {
        for (row, value) in table.chunks_exact_mut(columns.len()).zip(values) {
            if let Some(place) = row.get_mut(at) {
                *place = detector.value(at, *value);
            }
        }
    }
    detector.scores(&table).into_iter().map(Some).collect()
}

pub(super) fn reasons(
    detector: &Detector,
    threshold: f64,
    names: &[String],
    scores: &Column<'_>,
    columns: &[Column<'_>],
) -> Vec<Option<String>> {
    let far = |score: &Option<f64>| score.is_some_and(|score| score > threshold);
    let scores = scores.numbers();
    // Few rows are anomalies: only they are looked at.
    if !scores.iter().any(far) {
        return vec![None; scores.len()];
    }
    let columns: Vec<Vec<Option<f64>>> = columns.iter().map(Column::numbers).collect();
    let reason = |row: usize| {
        let values: Vec<Option<f64>> = columns.iter().map(|column| column.get(row).copied().flatten()).collect();
        let filled: Vec<f64> = values.iter().enumerate().map(|(at, value)| detector.value(at, *value)).collect();
        in_words(&detector.reasons(&filled), &values, names)
    };
    scores.iter().enumerate().map(|(row, score)| far(score).then(|| reason(row))).collect()
}
