//! Squared error, the negative log-likelihood of numbers under normal noise up to constants.

/// The mean over the width of `(z - t)²` of one row; its gradient `2 (z - t) / width` is written to `gradient`. Shapes:
/// all `[width]`.
pub(super) fn squared_error(z: &[f32], targets: &[f32], gradient: &mut [f32]) -> f64 {
    let width = z.len().max(1) as f32;
    let mut sum = 0.0;
    for ((&z, &t), g) in z.iter().zip(targets).zip(gradient) {
        let difference = z - t;
        *g = 2.0 * difference / width;
        sum += f64::from(difference) * f64::from(difference);
    }
    sum / f64::from(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_mean_of_the_squares() {
        let mut gradient = [0.0; 2];
        assert_eq!(squared_error(&[1.0, 5.0], &[2.0, 2.0], &mut gradient), 5.0);
        assert_eq!(gradient, [-1.0, 3.0]);
    }
}
