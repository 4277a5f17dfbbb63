//! Association of categories with each other and with numbers, as mergeable accumulators: what streams by is counted.
//!
//! - [`Contingency`] counts pairs of categories. From it follow [`Contingency::cramers_v`] (Cramér 1946, with the bias correction of Bergsma
//!   2013) and [`Contingency::mutual_information`] (Shannon 1948).
//! - [`GroupedMoments`] keeps the moments of numbers by category; from them follows the [`CorrelationRatio`] (Pearson 1905, with the
//!   correction of Kelley 1935).
//!
//! Confidence intervals invert the noncentral chi-squared and F distributions (Steiger and Fouladi 1997), exact under the model of the test.
//!
//! # Example
//! ```
//! use gristmill::statistics::association::Contingency;
//!
//! let mut table = Contingency::new();
//! for (eyes, hair) in [(0, 0), (0, 0), (0, 0), (1, 1), (1, 1), (1, 0), (0, 1), (1, 1)] {
//!     table.push(eyes, hair);
//! }
//! let v = table.cramers_v().ok_or("one category")?;
//! assert!((v.uncorrected - 0.5).abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod contingency;
mod correlation_ratio;

#[cfg(test)]
mod tests;

pub use contingency::{Contingency, CramersV, MISSING, MutualInformation};
pub use correlation_ratio::{CorrelationRatio, GroupedMoments};
