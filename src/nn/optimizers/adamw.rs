//! Adam with decoupled weight decay.

use super::{BLOCK, Optimizer};
use rayon::prelude::*;

/// With gradient `g`, weight decay `λ`, step size `η` and `t` the number of the step from 1:
///
/// ```text
/// p = p - η λ p
/// m = β1 m + (1 - β1) g          v = β2 v + (1 - β2) g²
/// p = p - η (m / (1 - β1^t)) / (sqrt(v / (1 - β2^t)) + ε)
/// ```
///
/// `m` and `v` start at 0; the divisions by `1 - β^t` undo that start. Source: Kingma & Ba 2015 (*Adam*), Loshchilov &
/// Hutter 2019 (*Decoupled weight decay regularization*), with the decay scaled by the step size as in PyTorch.
#[derive(Debug)]
pub struct AdamW {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    /// `β1^t` and `β2^t` of the steps so far.
    powers: (f64, f64),
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl AdamW {
    /// An optimizer at its start for `parameters` numbers.
    pub fn new(beta1: f64, beta2: f64, epsilon: f64, weight_decay: f64, parameters: usize) -> Self {
        let zeros = vec![0.0; parameters];
        Self { beta1, beta2, epsilon, weight_decay, powers: (1.0, 1.0), mean: zeros.clone(), square: zeros }
    }
}

impl Optimizer for AdamW {
    fn step(&mut self, learning_rate: f64, parameters: &mut [f32], gradients: &[f32]) {
        self.powers = (self.powers.0 * self.beta1, self.powers.1 * self.beta2);
        let (beta1, beta2, epsilon) = (self.beta1 as f32, self.beta2 as f32, self.epsilon as f32);
        // 1 - β is taken in f64: in f32 it would lose four of seven digits for β2 = 0.999.
        let (new1, new2) = ((1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32);
        let keep = (1.0 - learning_rate * self.weight_decay) as f32;
        let rate = (learning_rate / (1.0 - self.powers.0)) as f32;
        let correction = (1.0 / (1.0 - self.powers.1).sqrt()) as f32;
        let state = self.mean.par_chunks_mut(BLOCK).zip(self.square.par_chunks_mut(BLOCK));
        parameters.par_chunks_mut(BLOCK).zip(gradients.par_chunks(BLOCK)).zip(state).for_each(|((p, g), (m, v))| {
            for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                *m = beta1 * *m + new1 * g;
                *v = beta2 * *v + new2 * g * g;
                *p = keep * *p - rate * *m / (v.sqrt() * correction + epsilon);
            }
        });
    }
}
