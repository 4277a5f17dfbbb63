//! The special functions that p-values and intervals need.
//!
//! All are exact up to floating-point error: within a relative 1e-10 of SciPy on the ranges that their tests cover, and
//! mostly within 1e-13. Outside their domain they give NaN, as functions of the standard library do.
//!
//! # Example
//! ```
//! use gristmill::statistics::special::{normal_quantile, student_t_two_sided};
//!
//! assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-12);
//! // t = 2.228 is the critical value at 5 % with 10 degrees of freedom.
//! assert!((student_t_two_sided(2.228, 10.0) - 0.05).abs() < 1e-4);
//! ```

mod beta;
mod gamma;
mod normal;

pub use beta::{regularized_beta, student_t_two_sided};
pub use gamma::ln_gamma;
pub use normal::{erfc, normal_cdf, normal_quantile};

pub(super) use gamma::{deviance, stirling_error};
