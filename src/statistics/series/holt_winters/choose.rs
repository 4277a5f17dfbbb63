//! Which form of a model the data speak for: the least AICc (Akaike 1974, Hurvich & Tsai 1989).

use super::fit::{Fit, FitError, fit};
use super::{Form, Season, Trend};

/// A form with its criterion.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The form.
    pub form: Form,
    /// Its AICc, or why it has none.
    pub aicc: Result<f64, FitError>,
}

/// The criterion `n ln(squares / n) + 2 k + 2 (k + 2)(k + 3) / (n - k - 3)`, `k` counting smoothing parameters and first
/// states; infinite when there are too few values.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub fn aicc(squares: f64, n: usize, form: &Form) -> f64 {
    let (n, k) = (n as f64, form.parameters() as f64);
    let rest = n - k - 3.0;
    let penalty = if rest > 0.0 { 2.0 * (k + 2.0) * (k + 3.0) / rest } else { f64::INFINITY };
    n * (squares.max(f64::MIN_POSITIVE) / n).ln() + 2.0 * k + penalty
}

/// Fits every form and takes the one with the least AICc; of equal ones the simplest. `period` is 1 without a season.
///
/// Errors: no form can be fitted; the reason of the simplest one.
pub fn choose(values: &[f64], period: usize) -> Result<(Fit, Vec<Candidate>), FitError> {
    let seasons: &[Season] =
        if period >= 2 { &[Season::None, Season::Additive, Season::Multiplicative] } else { &[Season::None] };
    let mut candidates = Vec::new();
    let mut best: Option<(f64, Fit)> = None;
    for season in seasons {
        for trend in [Trend::None, Trend::Additive, Trend::Damped] {
            let form = Form { trend, season: *season, period: if *season == Season::None { 1 } else { period } };
            let found = fit(values, &form, None);
            let criterion =
                found.as_ref().map_err(|error| *error).map(|fit| aicc(fit.filtered.squares, values.len(), &form));
            if let (Ok(found), Ok(criterion)) = (found, criterion)
                && best.as_ref().is_none_or(|(least, _)| criterion < *least)
            {
                best = Some((criterion, found));
            }
            candidates.push(Candidate { form, aicc: criterion });
        }
    }
    match best {
        Some((_, fit)) => Ok((fit, candidates)),
        None => Err(candidates.first().and_then(|first| first.aicc.err()).unwrap_or(FitError::Diverged)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_series_whose_swings_grow_with_it_is_multiplicative() {
        let shape = [0.7, 0.9, 1.2, 1.2];
        let values: Vec<f64> = (0..60)
            .map(|t: u32| {
                (10.0 + f64::from(t)) * shape[(t % 4) as usize] * (1.0 + 0.01 * (f64::from(t * 37 % 11) - 5.0) / 5.0)
            })
            .collect();
        let (found, candidates) = choose(&values, 4).unwrap();
        assert_eq!((found.form.season, candidates.len()), (Season::Multiplicative, 9));
        assert_ne!(found.form.trend, Trend::None);
    }

    #[test]
    fn too_short_a_series_says_so() {
        assert_eq!(choose(&[1.0, 2.0], 1).unwrap_err().to_string(), "needs 6 points, has 2");
    }
}
