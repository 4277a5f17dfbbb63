//! Adam, with weight decay inside the gradient or beside it.

use super::super::math::unless_below;
use super::FADED;

/// With gradient `g`, weight decay `λ`, step size `η` and `t` the number of the step from 1:
///
/// ```text
/// g = g + λ p                        adam: the decay is part of the gradient
/// p = p - η λ p                      adamw: the decay stands beside it
/// m = β1 m + (1 - β1) g              v = β2 v + (1 - β2) g²
/// p = p - η (m / (1 - β1^t)) / (sqrt(v / (1 - β2^t)) + ε)
/// ```
///
/// `m` and `v` start at 0; the divisions by `1 - β^t` undo that start. Source: Kingma & Ba 2015 (*Adam*), Loshchilov &
/// Hutter 2019 (*Decoupled weight decay regularization*), with the decay scaled by the step size as in PyTorch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adam {
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
    pub(super) decoupled: bool,
    /// `1 - β1^t` and `1 - β2^t`.
    pub(super) corrections: [f64; 2],
}

impl Adam {
    /// One step of some numbers. `mean` and `square` are `m` and `v`.
    #[inline(always)]
    pub(super) fn sweep(self, rate: f64, decay: f64, p: &mut [f32], g: &[f32], mean: &mut [f32], square: &mut [f32]) {
        let (beta1, beta2, epsilon) = (self.beta1 as f32, self.beta2 as f32, self.epsilon as f32);
        // 1 - β is taken in f64: in f32 it would lose four of seven digits for β2 = 0.999.
        let (new1, new2) = ((1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32);
        let (keep, inside) = if self.decoupled { (1.0 - rate * decay, 0.0) } else { (1.0, decay) };
        let (keep, inside) = (keep as f32, inside as f32);
        let rate = (rate / self.corrections[0]) as f32;
        let correction = (1.0 / self.corrections[1].sqrt()) as f32;
        for (((p, g), m), v) in p.iter_mut().zip(g).zip(mean).zip(square) {
            let g = g + inside * *p;
            *m = unless_below(FADED, beta1 * *m + new1 * g);
            *v = unless_below(FADED, beta2 * *v + new2 * g * g);
            *p = keep * *p - rate * *m / (v.sqrt() * correction + epsilon);
        }
    }
}
