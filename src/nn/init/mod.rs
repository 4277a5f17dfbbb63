//! Starting values of parameters.
//!
//! A layer keeps the variance of what flows through it when its weights are drawn with a variance of about one over
//! their number of inputs. LeCun, Bottou, Orr & Müller 1998 (*Efficient backprop*) say so; Glorot & Bengio 2010
//! (*Understanding the difficulty of training deep feedforward neural networks*) weigh both directions and draw from a
//! uniform distribution; He, Zhang, Ren & Sun 2015 (*Delving deep into rectifiers*) double the variance for rectified
//! units, half of which are silent. Each parameter is drawn from a stream of its own that its name decides, so a layer
//! more or less changes no other.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// How the weights of a layer start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Normal with variance `2 / inputs` (He et al. 2015), for rectified units.
    He,
    /// Uniform with variance `2 / (inputs + outputs)` (Glorot & Bengio 2010), for symmetric units.
    Glorot,
    /// Normal with variance `1 / inputs` (LeCun et al. 1998), for SELU (Klambauer et al. 2017).
    Lecun,
    /// The neural tangent parametrisation (Jacot, Gabriel & Hongler 2018) as RealMLP has it (Holzmüller, Grinsztajn &
    /// Steinwart 2024): standard normal weights that the layer divides by `sqrt(inputs)`, and standard normal biases.
    /// It is stored as the quotient, drawn with variance `1 / inputs`, whose learning rate is divided by `sqrt(inputs)`:
    /// under an optimizer of Adam's kind, which does not see the scale of a gradient, that is the same training.
    Ntk,
    /// [`Start::Ntk`] with weights and biases that start at 0: the last layer of RealMLP.
    NtkZeros,
    /// All weights 0, for a last layer that begins with saying nothing.
    Zeros,
}

impl Start {
    /// The distribution of weights with this fan-in and fan-out.
    pub(crate) fn weights(self, inputs: usize, outputs: usize) -> Initial {
        match self {
            Self::He => Initial::Normal { variance: 2.0 / inputs.max(1) as f64 },
            Self::Glorot => Initial::Uniform { limit: (6.0 / (inputs + outputs).max(1) as f64).sqrt() },
            Self::Lecun | Self::Ntk => Initial::Normal { variance: 1.0 / inputs.max(1) as f64 },
            Self::NtkZeros | Self::Zeros => Initial::Zeros,
        }
    }

    /// The distribution of biases.
    pub(crate) fn biases(self) -> Initial {
        if self == Self::Ntk { Initial::Normal { variance: 1.0 } } else { Initial::Zeros }
    }

    /// By what the learning rate of weights with this fan-in is multiplied.
    pub(crate) fn rate(self, inputs: usize) -> f32 {
        if matches!(self, Self::Ntk | Self::NtkZeros) { (1.0 / (inputs.max(1) as f64).sqrt()) as f32 } else { 1.0 }
    }
}

/// How the values of a parameter are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initial {
    /// All values 0: biases.
    Zeros,
    /// All values 1: the factors of norms.
    Ones,
    /// Normal with mean 0.
    Normal {
        /// Above 0.
        variance: f64,
    },
    /// Uniform in `[-limit, limit]`.
    Uniform {
        /// Above 0.
        limit: f64,
    },
    /// Normal with mean 0, but the first row of this many values 0: what stands for padding.
    NormalAfterRow {
        /// Above 0.
        variance: f64,
        /// The length of the row.
        row: usize,
    },
    /// Uniform in `[-limit, limit]`, but `ones` values 1 from `from` on: the bias of an LSTM's forget gate.
    UniformWithOnes {
        /// Above 0, or 0 for zeros.
        limit: f64,
        /// Where the ones begin.
        from: usize,
        /// How many there are.
        ones: usize,
    },
}

impl Initial {
    /// Fills `values`. The same generator state gives the same values.
    pub fn fill(self, values: &mut [f32], rng: &mut impl Rng) {
        match self {
            Self::Zeros => values.fill(0.0),
            Self::Ones => values.fill(1.0),
            Self::Normal { variance } => normal(values, variance.sqrt(), rng),
            Self::Uniform { limit } => {
                values.fill_with(|| ((2.0 * rng.random::<f64>() - 1.0) * limit) as f32);
            }
            Self::NormalAfterRow { variance, row } => {
                normal(values, variance.sqrt(), rng);
                values.iter_mut().take(row).for_each(|v| *v = 0.0);
            }
            Self::UniformWithOnes { limit, from, ones } => {
                values.fill_with(|| ((2.0 * rng.random::<f64>() - 1.0) * limit) as f32);
                values.iter_mut().skip(from).take(ones).for_each(|v| *v = 1.0);
            }
        }
    }
}

fn normal(values: &mut [f32], deviation: f64, rng: &mut impl Rng) {
    for pair in values.chunks_mut(2) {
        let drawn = normal_pair(rng);
        for (value, normal) in pair.iter_mut().zip([drawn.0, drawn.1]) {
            *value = (normal * deviation) as f32;
        }
    }
}

/// Two independent standard normal numbers (Box & Muller 1958).
fn normal_pair(rng: &mut impl Rng) -> (f64, f64) {
    // 1 - u lies in (0, 1], so its logarithm is finite.
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    let angle = std::f64::consts::TAU * rng.random::<f64>();
    (radius * angle.cos(), radius * angle.sin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn drawn(initial: Initial, seed: u64) -> Vec<f32> {
        let mut values = vec![f32::NAN; 40_001];
        initial.fill(&mut values, &mut ChaCha8Rng::seed_from_u64(seed));
        values
    }

    fn moments(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        (mean, values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n)
    }

    #[test]
    fn he_has_twice_the_variance_of_one_over_its_inputs() {
        let values = drawn(Start::He.weights(50, 100), 1);
        let (mean, variance) = moments(&values);
        assert!(mean.abs() < 0.005, "{mean}");
        assert!((variance / 0.04 - 1.0).abs() < 0.03, "{variance}");
        // A normal distribution has 31.7 % beyond one standard deviation.
        let beyond = values.iter().filter(|v| v.abs() > 0.2).count() as f64 / values.len() as f64;
        assert!((beyond - 0.317).abs() < 0.01, "{beyond}");
    }

    #[test]
    fn glorot_is_uniform_up_to_its_limit() {
        let values = drawn(Start::Glorot.weights(50, 100), 1);
        let (mean, variance) = moments(&values);
        assert!(mean.abs() < 0.005, "{mean}");
        assert!((variance / (0.04 / 3.0) - 1.0).abs() < 0.03, "{variance}");
        assert!(values.iter().all(|v| v.abs() <= 0.2));
    }

    #[test]
    fn lecun_and_the_tangent_parametrisation_have_one_over_their_inputs() {
        for start in [Start::Lecun, Start::Ntk] {
            let (_, variance) = moments(&drawn(start.weights(50, 100), 1));
            assert!((variance / 0.02 - 1.0).abs() < 0.03, "{variance}");
        }
        let (_, variance) = moments(&drawn(Start::Ntk.biases(), 1));
        assert!((variance - 1.0).abs() < 0.03, "{variance}");
        assert!((Start::Ntk.rate(16), Start::Lecun.rate(16)) == (0.25, 1.0));
    }

    #[test]
    fn padding_and_forget_gates_start_as_they_are_told() {
        let values = drawn(Initial::NormalAfterRow { variance: 1.0, row: 3 }, 1);
        assert!(values[..3].iter().all(|v| *v == 0.0) && values[3..].iter().filter(|v| **v == 0.0).count() < 3);
        let values = drawn(Initial::UniformWithOnes { limit: 0.5, from: 2, ones: 3 }, 1);
        assert!(values[2..5].iter().all(|v| *v == 1.0) && values[5..].iter().all(|v| v.abs() <= 0.5));
    }

    #[test]
    fn a_seed_decides_the_values() {
        let he = Start::He.weights(3, 3);
        assert_eq!(drawn(he, 7), drawn(he, 7));
        assert_ne!(drawn(he, 7), drawn(he, 8));
    }
}
