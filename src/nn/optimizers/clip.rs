//! A limit for the length of the gradient.

/// Where the Euclidean norm of all gradients together exceeds `limit`, scales them so that it is `limit`; NaN and
/// infinity stay what they are.
///
/// Source: Pascanu, Mikolov & Bengio 2013, *On the difficulty of training recurrent neural networks*; as in PyTorch,
/// 1e-6 is added to the norm before the division.
pub(crate) fn clip_norm(gradients: &mut [f32], limit: f64) {
    let norm = gradients.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
    let factor = limit / (norm + 1e-6);
    if factor < 1.0 && norm.is_finite() {
        gradients.iter_mut().for_each(|g| *g *= factor as f32);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::{assert_close, numbers, pytorch};
    use super::*;

    #[test]
    fn clipped_gradients_are_those_of_pytorch() {
        for case in pytorch()["clipping"].as_array().unwrap() {
            let mut gradient = numbers(&case["gradient"]);
            clip_norm(&mut gradient, case["limit"].as_f64().unwrap());
            assert_close(&gradient, &numbers(&case["clipped"]), 1e-6);
        }
    }

    #[test]
    fn infinity_is_not_hidden() {
        let mut gradient = [1.0, f32::INFINITY];
        clip_norm(&mut gradient, 1.0);
        assert_eq!(gradient, [1.0, f32::INFINITY]);
    }
}
