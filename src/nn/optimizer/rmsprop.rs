//! Gradients divided by their usual size.

use super::super::math::unless_below;
use super::FADED;

/// With gradient `g`, weight decay `λ`, smoothing `α`, momentum `μ` and step size `η`:
///
/// ```text
/// g = g + λ p          v = α v + (1 - α) g²
/// d = g / (sqrt(v) + ε)
/// b = μ b + d          p = p - η b
/// ```
///
/// `v` and `b` start at 0. Source: Tieleman & Hinton 2012, *Lecture 6.5: rmsprop*; the order is that of PyTorch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rmsprop {
    pub(super) alpha: f64,
    pub(super) epsilon: f64,
    pub(super) momentum: f64,
}

impl Rmsprop {
    /// One step of some numbers. `square` is `v`, `buffer` is `b`; it may be empty where there is no momentum.
    #[inline(always)]
    pub(super) fn sweep(self, rate: f64, decay: f64, p: &mut [f32], g: &[f32], square: &mut [f32], buffer: &mut [f32]) {
        let (rate, decay, momentum) = (rate as f32, decay as f32, self.momentum as f32);
        let (alpha, new, epsilon) = (self.alpha as f32, (1.0 - self.alpha) as f32, self.epsilon as f32);
        let direction = |p: f32, g: f32, v: &mut f32| {
            let g = g + decay * p;
            *v = unless_below(FADED, alpha * *v + new * g * g);
            g / (v.sqrt() + epsilon)
        };
        if momentum == 0.0 {
            p.iter_mut().zip(g).zip(square).for_each(|((p, g), v)| *p -= rate * direction(*p, *g, v));
            return;
        }
        for (((p, g), v), b) in p.iter_mut().zip(g).zip(square).zip(buffer) {
            *b = unless_below(FADED, momentum * *b + direction(*p, *g, v));
            *p -= rate * *b;
        }
    }
}
