//! Missing values told from the other values of the row.
//!
//! | module | how |
//! |---|---|
//! | [`neighbours`] | the mean, or the most frequent category, of the most similar rows |
//! | [`regressions`] | a chain of linear regressions, one for each column, repeated until the values settle |

mod bayesian_ridge;
pub mod neighbours;
pub mod regressions;
mod symmetric;

/// Mean and deviation of the finite numbers; 0 and 1 where there is none.
fn center_and_scale(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut moments = super::moments::Moments::default();
    numbers.filter(|value| value.is_finite()).for_each(|value| moments.push(value));
    let count = moments.count() as f64;
    let deviation = moments.variance().map(|variance| (variance * (count - 1.0) / count).sqrt());
    let scale = deviation.filter(|scale| scale.is_finite() && *scale > 0.0).unwrap_or(1.0);
    (moments.mean().unwrap_or(0.0), scale)
}
