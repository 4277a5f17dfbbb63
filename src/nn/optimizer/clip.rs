//! Limits for the gradient.

/// What a gradient is cut to; at most one of both.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Clip {
    /// The largest Euclidean norm of all its numbers together; a longer one is scaled down.
    pub(crate) norm: Option<f64>,
    /// The largest size of each number by itself.
    pub(crate) value: Option<f64>,
}

impl Clip {
    /// Cuts finite numbers to the largest size of each.
    #[inline(always)]
    pub(crate) fn each(self, gradient: &mut [f32]) {
        if let Some(limit) = self.value {
            gradient.iter_mut().for_each(|g| *g = g.clamp(-limit as f32, limit as f32));
        }
    }
}

/// By what a gradient of this Euclidean norm is multiplied so that it is no longer than `limit`; 1 for NaN and infinity,
/// which stay what they are.
///
/// Source: Pascanu, Mikolov & Bengio 2013, *On the difficulty of training recurrent neural networks*; as in PyTorch,
/// 1e-6 is added to the norm before the division.
pub(crate) fn clip_factor(norm: f64, limit: f64) -> f32 {
    let factor = limit / (norm + 1e-6);
    if factor < 1.0 && norm.is_finite() { factor as f32 } else { 1.0 }
}

/// The sum of squares, for the norm of a gradient that comes in parts.
pub(crate) fn square_sum(gradients: &[f32]) -> f64 {
    gradients.iter().map(|&g| f64::from(g) * f64::from(g)).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::{assert_close, numbers, training_of};
    use super::*;

    #[test]
    fn clipped_gradients_are_those_of_pytorch() {
        for case in training_of("clipping") {
            let gradient = numbers(&case["gradient"]);
            let factor = clip_factor(square_sum(&gradient).sqrt(), case["limit"].as_f64().unwrap());
            let clipped: Vec<f32> = gradient.iter().map(|g| g * factor).collect();
            assert_close(&clipped, &numbers(&case["clipped"]), 1e-6);
        }
    }

    #[test]
    fn infinity_is_not_hidden() {
        assert_eq!(clip_factor(f64::INFINITY, 1.0), 1.0);
        assert_eq!(clip_factor(f64::NAN, 1.0), 1.0);
    }
}
