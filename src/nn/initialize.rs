//! Starting values of parameters.
//!
//! A layer keeps the variance of what flows through it when its weights are drawn with a variance of about one over
//! their number of inputs. Glorot & Bengio 2010 (*Understanding the difficulty of training deep feedforward neural
//! networks*) derive the limit of a uniform distribution for units that are symmetric about 0; He, Zhang, Ren & Sun
//! 2015 (*Delving deep into rectifiers*) double the variance for rectified units, half of which are silent.

use rand::{Rng, RngExt};

/// How the values of a parameter are drawn. `inputs` and `outputs` are the fan-in and fan-out: how many numbers meet in
/// one unit, and how many units one number feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initial {
    /// All values 0: biases.
    Zeros,
    /// Normal with mean 0 and variance `2 / inputs`.
    HeNormal {
        /// The fan-in.
        inputs: usize,
    },
    /// Uniform in `[-l, l]` with `l = sqrt(6 / (inputs + outputs))`.
    GlorotUniform {
        /// The fan-in.
        inputs: usize,
        /// The fan-out.
        outputs: usize,
    },
}

impl Initial {
    /// Fills `values`. The same generator state gives the same values.
    pub fn fill(self, values: &mut [f32], rng: &mut impl Rng) {
        match self {
            Self::Zeros => values.fill(0.0),
            Self::HeNormal { inputs } => {
                let deviation = (2.0 / inputs.max(1) as f64).sqrt();
                for pair in values.chunks_mut(2) {
                    let drawn = normal_pair(rng);
                    for (value, normal) in pair.iter_mut().zip([drawn.0, drawn.1]) {
                        *value = (normal * deviation) as f32;
                    }
                }
            }
            Self::GlorotUniform { inputs, outputs } => {
                let limit = (6.0 / (inputs + outputs).max(1) as f64).sqrt();
                values.fill_with(|| ((2.0 * rng.random::<f64>() - 1.0) * limit) as f32);
            }
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
        let values = drawn(Initial::HeNormal { inputs: 50 }, 1);
        let (mean, variance) = moments(&values);
        assert!(mean.abs() < 0.005, "{mean}");
        assert!((variance / 0.04 - 1.0).abs() < 0.03, "{variance}");
        // A normal distribution has 31.7 % beyond one standard deviation.
        let beyond = values.iter().filter(|v| v.abs() > 0.2).count() as f64 / values.len() as f64;
        assert!((beyond - 0.317).abs() < 0.01, "{beyond}");
    }

    #[test]
    fn glorot_is_uniform_up_to_its_limit() {
        let values = drawn(Initial::GlorotUniform { inputs: 50, outputs: 100 }, 1);
        let (mean, variance) = moments(&values);
        assert!(mean.abs() < 0.005, "{mean}");
        assert!((variance / (0.04 / 3.0) - 1.0).abs() < 0.03, "{variance}");
        assert!(values.iter().all(|v| v.abs() <= 0.2));
    }

    #[test]
    fn a_seed_decides_the_values() {
        let he = Initial::HeNormal { inputs: 3 };
        assert_eq!(drawn(he, 7), drawn(he, 7));
        assert_ne!(drawn(he, 7), drawn(he, 8));
    }
}
