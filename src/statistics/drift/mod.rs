//! How far a distribution has moved from what it was.
//!
//! | measure | of | what it says | unit |
//! |---|---|---|---|
//! | [`stability_index`](super::stability::stability_index) | counts by category or bin | population stability index: 0 the same, above 0.25 shifted | - |
//! | [`jensen_shannon`] | counts by category or bin | distance of the shares, 0 the same, 1 nothing in common | - |
//! | [`kolmogorov_smirnov`] | numbers | largest difference of the shares below any value, with a p-value | share |
//! | [`wasserstein`] | numbers | how far values have to move on average to become the others | that of the values |
//! | [`homogeneity`] | counts by category | chi-squared test that both sides have the same shares | - |
//!
//! Numbers are an [`Empirical`] distribution: all values, or a weighted sample of them with a rank error e. The statistic of
//! Kolmogorov and Smirnov is then off by at most the sum of both rank errors.
//!
//! # Example
//! ```
//! use gristmill::statistics::drift::{Empirical, kolmogorov_smirnov, wasserstein};
//!
//! let before = Empirical::of_values(&[1.0, 2.0, 3.0, 4.0]);
//! let now = Empirical::of_values(&[3.0, 4.0, 5.0, 6.0]);
//! assert_eq!(wasserstein(&before, &now), Some(2.0));
//! assert_eq!(kolmogorov_smirnov(&before, &now).unwrap().statistic, 0.5);
//! ```

mod counts;
mod empirical;
mod numbers;

pub use counts::{BEYOND_CHANCE, Homogeneity, homogeneity, jensen_shannon};
pub use empirical::Empirical;
pub use numbers::{KolmogorovSmirnov, kolmogorov_smirnov, wasserstein};

#[cfg(test)]
mod tests;
