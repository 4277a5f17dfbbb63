//! Numbers are moved towards their means before they are summed, so that residuals and leverages of years or timestamps keep their digits.

/// A number near a mean with so few digits that subtracting it is exact for most data.
#[must_use]
pub fn centre_of(mean: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "fewer digits are what is wanted")]
    let short = f64::from(mean as f32);
    if short.is_finite() { short } else { 0.0 }
}

/// Turns coefficients of moved columns (column 0 is the intercept) into those of the columns themselves: the intercept takes up the moves.
/// `covariance` is square, row by row.
pub fn move_back(coefficients: &mut [f64], covariance: &mut [f64], centres: &[f64]) {
    let size = coefficients.len();
    let moved: Vec<(usize, f64)> =
        centres.iter().copied().enumerate().filter(|&(column, centre)| column > 0 && centre != 0.0).collect();
    let taken: f64 =
        moved.iter().map(|&(column, centre)| coefficients.get(column).map_or(0.0, |value| value * centre)).sum();
    if let Some(intercept) = coefficients.first_mut() {
        *intercept -= taken;
    }
    // With T the identity but for its first row 1, -c: T C T'.
    let line = |covariance: &[f64], column: usize| -> f64 {
        let cell = |row: usize| covariance.get(row * size + column).copied().unwrap_or(0.0);
        moved.iter().map(|&(row, centre)| centre * cell(row)).sum()
    };
    let first: Vec<f64> =
        (0..size).map(|column| covariance.get(column).copied().unwrap_or(0.0) - line(covariance, column)).collect();
    let own = first.first().copied().unwrap_or(0.0)
        - moved.iter().map(|&(column, centre)| centre * first.get(column).copied().unwrap_or(0.0)).sum::<f64>();
    for (column, value) in first.iter().enumerate() {
        let value = if column == 0 { own } else { *value };
        for at in [column, column * size] {
            if let Some(cell) = covariance.get_mut(at) {
                *cell = value;
            }
        }
    }
}
