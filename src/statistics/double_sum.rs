//! Sums that do not depend on the order of their terms.
//!
//! A sum is kept as two floats: what a float can hold of it, and what rounding has taken away so far (the cascaded summation of
//! Ogita, Rump and Oishi, "Accurate Sum and Dot Product", 2005, on the error-free addition of Knuth, The Art of Computer Programming,
//! volume 2, 4.2.2). The result is as if it had been summed with twice the digits and rounded once. Threads that add the same
//! terms in another order therefore come to the same float, unless the exact sum lies within some 10^-16 of a unit in the last
//! place beside the middle between two floats. Six operations a term, constant memory.

/// A running sum.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DoubleSum {
    high: f64,
    low: f64,
}

impl DoubleSum {
    /// The sum that [`parts`](Self::parts) took apart.
    #[must_use]
    pub fn from_parts(high: f64, low: f64) -> Self {
        Self { high, low }
    }

    /// Adds a term. Infinities and NaN are terms; with one of them the sum is what plain addition gives.
    pub fn add(&mut self, term: f64) {
        let (sum, lost) = two_sum(self.high, term);
        self.high = sum;
        self.low += lost;
    }

    /// Adds the square of a number, which has twice the digits of the number.
    pub fn add_square(&mut self, number: f64) {
        let (square, lost) = two_product(number, number);
        self.add(square);
        self.low += lost;
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Self) {
        self.add(other.high);
        self.low += other.low;
    }

    /// The sum as the nearest float, and what is left of it.
    #[must_use]
    pub fn parts(self) -> (f64, f64) {
        let (sum, lost) = two_sum(self.high, self.low);
        if self.high.is_finite() && sum.is_finite() { (sum, lost) } else { (self.high, 0.0) }
    }

    /// The sum, rounded once.
    #[must_use]
    pub fn value(self) -> f64 {
        self.parts().0
    }
}

/// The rounded product of two floats and the error of rounding, by a fused multiplication.
pub(crate) fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    (product, a.mul_add(b, -product))
}

/// The rounded sum of two floats and the error of rounding, whichever is larger (Knuth).
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// Number, sum and sum of squares of values, from which mean and variance follow, none of which depends on the order.
///
/// Both sums carry 106 bits, so that the difference of the sum of squares and the square of the sum loses nothing that a float
/// shows, nor depends on an order, as long as the mean is below some 10^7 standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DoubleMoments {
    /// How many values there are.
    pub count: i64,
    /// Their sum.
    pub sum: DoubleSum,
    /// The sum of their squares.
    pub squares: DoubleSum,
    /// The smallest value, infinity when there is none. Values that are all the same have a variance of exactly 0.
    pub least: f64,
    /// The largest value, negative infinity when there is none.
    pub greatest: f64,
}

impl Default for DoubleMoments {
    fn default() -> Self {
        Self {
            count: 0,
            sum: DoubleSum::default(),
            squares: DoubleSum::default(),
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
        }
    }
}

impl DoubleMoments {
    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum.add(value);
        self.squares.add_square(value);
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
    }

    /// Adds other values.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.merge(other.sum);
        self.squares.merge(other.squares);
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
    }

    /// The mean; NaN without values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum.value() / self.number()
    }

    /// The sum of the squared distances from the mean.
    #[must_use]
    pub fn squared_distances(&self) -> f64 {
        let (sum, rest) = self.sum.parts();
        let (squares, rest_of_squares) = self.squares.parts();
        if !sum.is_finite() || !squares.is_finite() {
            return f64::NAN;
        }
        #[expect(clippy::float_cmp, reason = "the same value or not")]
        let constant = self.least == self.greatest;
        if self.count < 2 || constant {
            return 0.0;
        }
        // sum * sum / count with twice the digits.
        let square = sum * sum;
        let rest_of_square = sum.mul_add(sum, -square) + 2.0 * sum * rest;
        let share = square / self.number();
        let rest_of_share = ((-share).mul_add(self.number(), square) + rest_of_square) / self.number();
        ((squares - share) + (rest_of_squares - rest_of_share)).max(0.0)
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of rows")]
    fn number(&self) -> f64 {
        self.count as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum_of(terms: &[f64]) -> f64 {
        let mut sum = DoubleSum::default();
        terms.iter().for_each(|&term| sum.add(term));
        sum.value()
    }

    fn moments_of(values: &[f64]) -> DoubleMoments {
        let mut moments = DoubleMoments::default();
        values.iter().for_each(|&value| moments.add(value));
        moments
    }

    /// Integers to which multiples of 2^-40 of these can be brought without an error, as a slower truth.
    fn exact_sum(terms: &[f64]) -> f64 {
        let scale = 2.0_f64.powi(40);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small enough")]
        let sum = terms.iter().map(|term| (term * scale) as i128).sum::<i128>() as f64;
        sum / scale
    }

    #[test]
    fn what_rounding_takes_away_is_not_lost() {
        assert_eq!(sum_of(&[1e16, 1.0, -1e16]), 1.0);
        assert_eq!(sum_of(&[0.1; 10]), 1.0);
        assert_eq!(sum_of(&[]), 0.0);
    }

    #[test]
    fn infinities_and_nan_are_added_as_usual() {
        assert_eq!(sum_of(&[1.0, f64::INFINITY, 2.0]), f64::INFINITY);
        assert!(sum_of(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(sum_of(&[1.0, f64::NAN]).is_nan());
        assert_eq!(sum_of(&[f64::MAX, f64::MAX]), f64::INFINITY);
        let mut merged = DoubleSum::default();
        let (high, low) = {
            let mut sum = DoubleSum::default();
            sum.add(f64::INFINITY);
            sum.parts()
        };
        merged.merge(DoubleSum::from_parts(high, low));
        merged.add(1.0);
        assert_eq!(merged.value(), f64::INFINITY);
    }

    /// The first is the data set NumAcc4 of the Statistical Reference Datasets of NIST (1,001 values around 10,000,000.2; certified
    /// mean 10,000,000.2 and standard deviation 0.1), the hardest of its univariate ones.
    #[test]
    fn the_hardest_reference_data_is_met() {
        let values: Vec<f64> = (0..1001)
            .map(|at| {
                if at == 0 {
                    10_000_000.2
                } else if at % 2 == 1 {
                    10_000_000.1
                } else {
                    10_000_000.3
                }
            })
            .collect();
        let moments = moments_of(&values);
        assert!((moments.mean() - 10_000_000.2).abs() < 1e-8);
        let deviation = (moments.squared_distances() / 1000.0).sqrt();
        assert!((deviation - 0.1).abs() < 1e-9, "{deviation}");
    }

    #[test]
    fn equal_values_have_no_variance() {
        assert_eq!(moments_of(&[0.1; 1000]).squared_distances(), 0.0);
        assert_eq!(moments_of(&[3.7]).squared_distances(), 0.0);
        assert!(moments_of(&[]).mean().is_nan());
        assert!(moments_of(&[1.0, f64::INFINITY]).squared_distances().is_nan());
    }

    proptest! {
        #[test]
        fn a_sum_is_the_exact_one_rounded(terms in prop::collection::vec(-1_000_000_000_i64..1_000_000_000, 0..300)) {
            let terms: Vec<f64> = terms.iter().map(|&term| {
                #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
                let term = term as f64;
                term * 2.0_f64.powi(-40) * if term > 0.0 { 1e6_f64.floor() } else { 1.0 }
            }).collect();
            prop_assert_eq!(sum_of(&terms), exact_sum(&terms));
        }

        #[test]
        fn neither_order_nor_parts_change_sums_and_moments(
            values in prop::collection::vec(-1e12_f64..1e12, 2..200), cut in 0_usize..200, turn in 0_usize..200,
        ) {
            let whole = moments_of(&values);
            let mut turned = values.clone();
            turned.rotate_left(turn % values.len());
            turned.reverse();
            let (left, right) = turned.split_at(cut.min(turned.len()));
            let mut merged = moments_of(left);
            // As through a file: only the parts survive.
            let other = moments_of(right);
            let through = |sum: DoubleSum| { let (high, low) = sum.parts(); DoubleSum::from_parts(high, low) };
            merged.merge(&DoubleMoments { sum: through(other.sum), squares: through(other.squares), ..other });
            prop_assert_eq!(merged.mean().to_bits(), whole.mean().to_bits());
            prop_assert_eq!(merged.squared_distances().to_bits(), whole.squared_distances().to_bits());
        }
    }
}
