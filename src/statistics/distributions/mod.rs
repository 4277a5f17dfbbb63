//! The distributions that tests and intervals are told by: one module each, with `cdf` (at most), `sf` (more), `quantile`
//! (the value that is not exceeded with probability `p`) and `upper_quantile` (the value that is exceeded with probability `q`).
//!
//! `sf` is not 1 - `cdf`: each keeps its relative accuracy where it is small, so a p-value of 1e-200 is one. Continuous ones are
//! within a relative 1e-10 of SciPy, mostly within 1e-13; noncentral ones, the studentized range and Kolmogorov's state their own accuracy. What is outside of the domain gives NaN.
//!
//! # Example
//! ```
//! use gristmill::statistics::distributions::{chi_squared, normal, student_t};
//!
//! assert!((normal::upper_quantile(0.025) - 1.959963984540054).abs() < 1e-12);
//! assert!((student_t::upper_quantile(0.025, 10.0) - 2.2281388519862744).abs() < 1e-12);
//! assert!((chi_squared::sf(3.841458820694124, 1.0) - 0.05).abs() < 1e-12);
//! ```

pub mod binomial;
pub mod chi_squared;
pub mod f;
pub mod kolmogorov;
pub mod noncentral_f;
pub mod noncentral_t;
pub mod noncentrality;
pub mod normal;
pub mod poisson;
mod scale_mixture;
pub mod student_t;
pub mod studentized_range;

#[cfg(test)]
mod tests;
