//! Stochastic gradient descent with momentum.

use super::{BLOCK, Optimizer};
use rayon::prelude::*;

/// With gradient `g`, weight decay `λ`, momentum `μ` and step size `η`:
///
/// ```text
/// g = g + λ p          v = μ v + g
/// p = p - η v                        classical momentum (Polyak 1964)
/// p = p - η (g + μ v)                looking ahead (Nesterov 1983; in this form Sutskever, Martens, Dahl & Hinton 2013)
/// ```
///
/// `v` starts at 0, so the first step is a plain one. The signs and the order are those of PyTorch.
#[derive(Debug)]
pub struct Sgd {
    momentum: f32,
    nesterov: bool,
    weight_decay: f32,
    velocity: Vec<f32>,
}

impl Sgd {
    /// An optimizer at its start for `parameters` numbers.
    pub fn new(momentum: f64, nesterov: bool, weight_decay: f64, parameters: usize) -> Self {
        Self { momentum: momentum as f32, nesterov, weight_decay: weight_decay as f32, velocity: vec![0.0; parameters] }
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, learning_rate: f64, parameters: &mut [f32], gradients: &[f32]) {
        let (rate, momentum, decay, nesterov) = (learning_rate as f32, self.momentum, self.weight_decay, self.nesterov);
        let velocity = self.velocity.par_chunks_mut(BLOCK);
        parameters.par_chunks_mut(BLOCK).zip(gradients.par_chunks(BLOCK)).zip(velocity).for_each(|((p, g), v)| {
            for ((p, g), v) in p.iter_mut().zip(g).zip(v) {
                let g = g + decay * *p;
                *v = momentum * *v + g;
                *p -= rate * if nesterov { g + momentum * *v } else { *v };
            }
        });
    }
}
