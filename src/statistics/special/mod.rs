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
mod continued_fraction;
mod gamma;
mod gamma_ratio;
mod inverse;
mod normal;

pub use beta::{regularized_beta, student_t_two_sided};
pub use gamma::ln_gamma;
pub use gamma_ratio::{gamma_term, regularized_gamma};
pub use inverse::{Tails, inverse_beta, inverse_beta_log_odds, inverse_gamma};
pub use normal::{erfc, normal_cdf, normal_quantile};

pub(super) use beta::{factor as beta_factor, with_complement as beta_with_complement};
pub(super) use gamma::{deviance, stirling_error};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::statistics::oracle::{assert_close, oracle};

    #[test]
    fn agrees_with_scipy_to_ten_digits() {
        for case in oracle("special") {
            let (function, arguments) = (case.text("function"), case.list("arguments"));
            let found = match (function.as_str(), arguments.as_slice()) {
                ("ln_gamma", &[x]) => ln_gamma(x),
                ("regularized_beta", &[a, b, x]) => regularized_beta(a, b, x),
                ("student_t_two_sided", &[t, degrees]) => student_t_two_sided(t, degrees),
                ("erfc", &[x]) => erfc(x),
                ("normal_cdf", &[x]) => normal_cdf(x),
                ("normal_quantile", &[p]) => normal_quantile(p),
                _ => panic!("unknown function {function}"),
            };
            assert_close(found, case.number("value"), 1e-10, &format!("{function} {arguments:?}"));
        }
    }

    #[test]
    fn outside_of_their_domain_they_are_not_a_number() {
        assert!(ln_gamma(-1.0).is_nan() && ln_gamma(f64::NAN).is_nan());
        assert_eq!((ln_gamma(0.0), ln_gamma(f64::INFINITY)), (f64::INFINITY, f64::INFINITY));
        for (a, b, x) in [(0.0, 1.0, 0.5), (1.0, -1.0, 0.5), (1.0, 1.0, -0.1), (1.0, 1.0, 1.1), (f64::NAN, 1.0, 0.5)] {
            assert!(regularized_beta(a, b, x).is_nan(), "{a} {b} {x}");
        }
        assert_eq!((regularized_beta(2.0, 3.0, 0.0), regularized_beta(2.0, 3.0, 1.0)), (0.0, 1.0));
        assert!(student_t_two_sided(1.0, 0.0).is_nan() && student_t_two_sided(f64::NAN, 5.0).is_nan());
        assert_eq!([f64::INFINITY, 1e200].map(|t| student_t_two_sided(t, 5.0)), [0.0, 0.0]);
        assert!(erfc(f64::NAN).is_nan());
        assert_eq!([f64::INFINITY, f64::NEG_INFINITY].map(erfc), [0.0, 2.0]);
        assert!([-0.1, 1.1, f64::NAN].iter().all(|&p| normal_quantile(p).is_nan()));
        assert_eq!([0.0, 1.0].map(normal_quantile), [f64::NEG_INFINITY, f64::INFINITY]);
    }
}
