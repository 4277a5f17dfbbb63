//! Stochastic gradient descent with momentum.

use super::super::math::unless_below;
use super::FADED;

/// With gradient `g`, weight decay `λ`, momentum `μ` and step size `η`:
///
/// ```text
/// g = g + λ p          v = μ v + g
/// p = p - η v                        classical momentum (Polyak 1964)
/// p = p - η (g + μ v)                looking ahead (Nesterov 1983; in this form Sutskever, Martens, Dahl & Hinton 2013)
/// ```
///
/// `v` starts at 0, so the first step is a plain one. The signs and the order are those of PyTorch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sgd {
    pub(super) momentum: f64,
    pub(super) nesterov: bool,
}

impl Sgd {
    /// One step of some numbers. `velocity` is `v`; it may be empty where there is no momentum.
    #[inline(always)]
    pub(super) fn sweep(self, rate: f64, decay: f64, p: &mut [f32], g: &[f32], velocity: &mut [f32]) {
        let (rate, momentum, decay) = (rate as f32, self.momentum as f32, decay as f32);
        if momentum == 0.0 {
            p.iter_mut().zip(g).for_each(|(p, g)| *p -= rate * (g + decay * *p));
            return;
        }
        for ((p, g), v) in p.iter_mut().zip(g).zip(velocity) {
            let g = g + decay * *p;
            *v = unless_below(FADED, momentum * *v + g);
            *p -= rate * if self.nesterov { g + momentum * *v } else { *v };
        }
    }
}
