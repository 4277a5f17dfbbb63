//! What a unit applies to its weighted sum.

use serde::{Deserialize, Serialize};

/// An activation, applied to each number by itself. All of these have a derivative that follows from the output `y`
/// alone, so nothing else has to be kept for the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `y = max(x, 0)`, `dy/dx = 1` where `y > 0`, else 0 (Nair & Hinton 2010). NaN stays NaN.
    #[default]
    Relu,
    /// `y = tanh(x)`, `dy/dx = 1 - y²`.
    Tanh,
    /// `y = 1 / (1 + exp(-x))`, `dy/dx = y (1 - y)`.
    Sigmoid,
    /// `y = x`.
    Linear,
}

impl Activation {
    /// Replaces each value by its activation.
    pub fn apply(self, values: &mut [f32]) {
        match self {
            // Not `max`, which would turn NaN into 0 and hide a diverging network.
            Self::Relu => values.iter_mut().for_each(|v| *v = if *v < 0.0 { 0.0 } else { *v }),
            Self::Tanh => values.iter_mut().for_each(|v| *v = v.tanh()),
            Self::Sigmoid => values.iter_mut().for_each(|v| *v = sigmoid(*v)),
            Self::Linear => {}
        }
    }

    /// Multiplies each gradient by the derivative at the place where the activation gave `output`. Shapes: both of one
    /// length.
    pub fn multiply_derivative(self, output: &[f32], gradient: &mut [f32]) {
        let pairs = gradient.iter_mut().zip(output);
        match self {
            Self::Relu => pairs.for_each(|(g, &y)| *g = if y > 0.0 { *g } else { 0.0 }),
            Self::Tanh => pairs.for_each(|(g, &y)| *g *= 1.0 - y * y),
            Self::Sigmoid => pairs.for_each(|(g, &y)| *g *= y * (1.0 - y)),
            Self::Linear => {}
        }
    }
}

/// The logistic function. `exp` overflows to infinity for `x` below -88, and 1 over infinity is the right 0.
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn extreme_numbers_saturate() {
        let mut values = [-1000.0, -0.0, 1000.0, f32::INFINITY, f32::NEG_INFINITY];
        Activation::Sigmoid.apply(&mut values);
        assert_eq!(values, [0.0, 0.5, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn nan_is_never_hidden() {
        for activation in [Activation::Relu, Activation::Tanh, Activation::Sigmoid, Activation::Linear] {
            let mut values = [f32::NAN];
            activation.apply(&mut values);
            assert!(values[0].is_nan(), "{activation:?}");
        }
    }

    #[test]
    fn names_are_those_of_the_field() {
        let named: Vec<Activation> = serde_json::from_str(r#"["relu", "tanh", "sigmoid", "linear"]"#).unwrap();
        assert_eq!(named, [Activation::Relu, Activation::Tanh, Activation::Sigmoid, Activation::Linear]);
        assert!(serde_json::from_str::<Activation>(r#""rleu""#).is_err());
    }
}
