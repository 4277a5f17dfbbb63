//! How strong trend and season of a decomposed series are, as shares between 0 and 1.
//!
//! The strength of the trend is `1 - Var(remainder) / Var(trend + remainder)`, that of the season
//! `1 - Var(remainder) / Var(season + remainder)`; below 0 counts as 0. Source: Wang, Smith & Hyndman (2006), as in Hyndman &
//! Athanasopoulos, "Forecasting: principles and practice". O(n).

/// The share of what is left without the trend or the season that `part` explains: 0 to 1; none when both are constant.
pub fn strength(part: &[f64], remainder: &[f64]) -> Option<f64> {
    let both: Vec<f64> = part.iter().zip(remainder).map(|(part, rest)| part + rest).collect();
    let whole = variance(&both);
    // Below the rounding of the values there is nothing to explain.
    let size = both.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let defined = whole.is_finite() && whole.sqrt() > 1e-13 * size;
    defined.then(|| (1.0 - variance(remainder) / whole).clamp(0.0, 1.0))
}

/// The sample variance; NaN below two values.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub(super) fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_without_a_remainder_explains_everything_and_a_constant_nothing() {
        assert_eq!(strength(&[1.0, 2.0, 3.0], &[0.0, 0.0, 0.0]), Some(1.0));
        assert_eq!(strength(&[2.0, 2.0, 2.0], &[1.0, -1.0, 0.5]), Some(0.0));
        assert_eq!(strength(&[2.0, 2.0], &[0.0, 0.0]), None);
        assert_eq!(strength(&[], &[]), None);
    }

    #[test]
    fn it_is_one_minus_the_ratio_of_variances() {
        // Var(remainder) = 1, Var(part + remainder) = Var(0, 2, 5) = 19/3.
        let found = strength(&[1.0, 2.0, 4.0], &[-1.0, 0.0, 1.0]);
        assert!(found.is_some_and(|found| (found - (1.0 - 3.0 / 19.0)).abs() < 1e-15));
    }
}
