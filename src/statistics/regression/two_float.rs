//! Numbers of twice the digits: the unevaluated sum of two floats (Dekker 1971), with the error-free sum of Knuth and the error-free
//! product by a fused multiplication. About 32 decimal digits.

use std::ops::{Add, Div, Mul, Sub};

use crate::statistics::double_sum::{two_product, two_sum};

/// high + low, where low is at most half a unit in the last place of high once the number is [`normal`](TwoFloat::normal).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct TwoFloat {
    pub(super) high: f64,
    pub(super) low: f64,
}

impl TwoFloat {
    pub(super) fn value(self) -> f64 {
        self.high + self.low
    }

    pub(super) fn normal(self) -> Self {
        let (high, low) = two_sum(self.high, self.low);
        Self { high, low }
    }

    /// Adds a term to a running sum, which needs no normal form.
    pub(super) fn accumulate(&mut self, term: f64) {
        let (high, lost) = two_sum(self.high, term);
        self.high = high;
        self.low += lost;
    }

    /// Adds a product to a running sum.
    pub(super) fn accumulate_product(&mut self, a: f64, b: f64) {
        let (product, lost) = two_product(a, b);
        self.accumulate(product);
        self.low += lost;
    }

    /// Adds another running sum.
    pub(super) fn merge(&mut self, other: Self) {
        self.accumulate(other.high);
        self.low += other.low;
    }

    /// The square root of a number above 0: one step of Newton's method on the root of its high part.
    pub(super) fn sqrt(self) -> Self {
        let root = self.high.sqrt();
        let (square, lost) = two_product(root, root);
        let rest = (self.high - square) - lost + self.low;
        Self { high: root, low: rest / (2.0 * root) }.normal()
    }
}

impl From<f64> for TwoFloat {
    fn from(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }
}

impl Add for TwoFloat {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let (high, lost) = two_sum(self.high, other.high);
        let (low, lost_low) = two_sum(self.low, other.low);
        let first = Self { high, low: lost + low }.normal();
        Self { high: first.high, low: first.low + lost_low }.normal()
    }
}

impl Sub for TwoFloat {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + Self { high: -other.high, low: -other.low }
    }
}

impl Mul for TwoFloat {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let (high, lost) = two_product(self.high, other.high);
        Self { high, low: lost + (self.high * other.low + self.low * other.high) }.normal()
    }
}

impl Div for TwoFloat {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self - other * Self::from(first);
        let second = rest.high / other.high;
        let rest = rest - other * Self::from(second);
        Self { high: first, low: second }.normal() + Self::from(rest.high / other.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_digits_are_kept() {
        let third = TwoFloat::from(1.0) / TwoFloat::from(3.0);
        let rest = TwoFloat::from(1.0) - third * TwoFloat::from(3.0);
        assert!(rest.value().abs() < 1e-31, "{rest:?}");
        let root = TwoFloat::from(2.0).sqrt();
        let rest = root * root - TwoFloat::from(2.0);
        assert!(rest.value().abs() < 1e-30, "{rest:?}");
        let mut sum = TwoFloat::default();
        sum.accumulate_product(1e8 + 1.0, 1e8 + 1.0);
        sum.accumulate(-1e16);
        sum.accumulate(-2e8);
        assert_eq!(sum.value(), 1.0);
    }
}
