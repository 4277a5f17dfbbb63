#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use crate::statistics::oracle::{assert_close, cases};

const STORED: &str = include_str!("../../../tests/data/oracle/distributions_scipy.json");

#[test]
fn elementary_distributions_agree_with_scipy_to_ten_digits() {
    for case in cases(STORED, "elementary") {
        let (distribution, function, arguments) =
            (case.text("distribution"), case.text("function"), case.list("arguments"));
        let name = format!("{distribution} {function}");
        let found = match (name.as_str(), arguments.as_slice()) {
            ("normal cdf", &[x]) => normal::cdf(x),
            ("normal sf", &[x]) => normal::sf(x),
            ("student_t cdf", &[x, d]) => student_t::cdf(x, d),
            ("student_t sf", &[x, d]) => student_t::sf(x, d),
            ("student_t quantile", &[p, d]) => student_t::quantile(p, d),
            ("student_t upper_quantile", &[q, d]) => student_t::upper_quantile(q, d),
            ("chi_squared cdf", &[x, d]) => chi_squared::cdf(x, d),
            ("chi_squared sf", &[x, d]) => chi_squared::sf(x, d),
            ("chi_squared quantile", &[p, d]) => chi_squared::quantile(p, d),
            ("chi_squared upper_quantile", &[q, d]) => chi_squared::upper_quantile(q, d),
            ("f cdf", &[x, a, b]) => f::cdf(x, a, b),
            ("f sf", &[x, a, b]) => f::sf(x, a, b),
            ("f upper_quantile", &[q, a, b]) => f::upper_quantile(q, a, b),
            ("binomial cdf", &[k, n, p]) => binomial::cdf(k as u64, n as u64, p),
            ("binomial sf", &[k, n, p]) => binomial::sf(k as u64, n as u64, p),
            ("binomial probability", &[k, n, p]) => binomial::probability(k as u64, n as u64, p),
            ("poisson cdf", &[k, mean]) => poisson::cdf(k as u64, mean),
            ("poisson sf", &[k, mean]) => poisson::sf(k as u64, mean),
            ("poisson probability", &[k, mean]) => poisson::probability(k as u64, mean),
            _ => panic!("unknown function {name}"),
        };
        assert_close(found, case.number("value"), 1e-10, &format!("{name} {arguments:?}"));
    }
}

#[test]
fn noncentral_distributions_agree_with_their_definitions() {
    for case in cases(STORED, "noncentral") {
        let name = format!("{} {}", case.text("distribution"), case.text("function"));
        let (arguments, expected) = (case.list("arguments"), case.number("value"));
        let found = match (name.as_str(), arguments.as_slice()) {
            ("chi_squared cdf", &[x, d, lambda]) => noncentral_f::chi_squared_cdf(x, d, lambda),
            ("chi_squared sf", &[x, d, lambda]) => noncentral_f::chi_squared_sf(x, d, lambda),
            ("f cdf", &[x, a, b, lambda]) => noncentral_f::f_cdf(x, a, b, lambda),
            ("f sf", &[x, a, b, lambda]) => noncentral_f::f_sf(x, a, b, lambda),
            ("t sf", &[t, d, delta]) => noncentral_t::sf(t, d, delta),
            _ => panic!("unknown function {name}"),
        };
        if expected > 1e-6 {
            assert_close(found, expected, 1e-9, &format!("{name} {arguments:?}"));
        }
        assert!((found - expected).abs() < 1e-11, "{name} {arguments:?}: {found} is not {expected}");
    }
}

#[test]
fn the_studentized_range_agrees_with_scipy() {
    for case in cases(STORED, "studentized_range") {
        let (arguments, expected) = (case.list("arguments"), case.number("value"));
        let &[x, k, degrees] = arguments.as_slice() else { panic!("{arguments:?}") };
        let range = studentized_range::StudentizedRange::new(k as usize, degrees).unwrap();
        let found = if case.text("function") == "sf" { range.sf(x) } else { range.upper_quantile(x) };
        // SciPy integrates to 1e-10 absolutely or so.
        assert!((found - expected).abs() < 1e-9 * expected.max(1.0), "{arguments:?}: {found} is not {expected}");
    }
    // Two means: the range is √2 |t|.
    let (two, t) = (studentized_range::StudentizedRange::new(2, 7.0).unwrap(), 9.0);
    assert_close(two.sf(t * 2.0_f64.sqrt()), student_t::two_sided(t, 7.0), 1e-10, "two means");
    let two = studentized_range::StudentizedRange::new(2, f64::INFINITY).unwrap();
    assert_close(two.sf(7.0 * 2.0_f64.sqrt()), normal::two_sided(7.0), 1e-9, "two means, known error");
}

#[test]
fn kolmogorovs_distributions_agree_with_scipy() {
    for case in cases(STORED, "kolmogorov") {
        let (name, arguments, expected) = (case.text("distribution"), case.list("arguments"), case.number("value"));
        let (found, within) = match (name.as_str(), arguments.as_slice()) {
            ("one_sample", &[d, n]) => {
                // Above 140 values SciPy's own is an expansion with some seven digits (Simard & L'Ecuyer 2011).
                let within = if n > 4096.0 {
                    1e-4
                } else if n > 140.0 {
                    1e-6
                } else {
                    1e-9
                };
                (kolmogorov::one_sample_sf(d, n as u64), within)
            }
            ("one_sided", &[d, n]) => (kolmogorov::one_sided_sf(d, n as u64), 1e-9),
            ("limit", &[x]) => (kolmogorov::limiting_sf(x), 1e-12),
            ("two_samples", &[steps, m, n]) => (kolmogorov::two_sample_sf(steps as u64, m as u64, n as u64), 1e-9),
            _ => panic!("unknown distribution {name}"),
        };
        assert_close(found, expected, within, &format!("{name} {arguments:?}"));
    }
}

#[test]
fn the_noncentrality_interval_puts_the_statistic_at_its_tails() {
    for (t, degrees) in [(2.3, 8.0), (-0.4, 31.0), (45.0, 200.0), (0.0, 1.0), (700.0, 300_000.0), (-9.0, 2.0)] {
        let (low, high) = noncentral_t::noncentrality_interval(t, degrees, 0.95).unwrap();
        assert!((noncentral_t::sf(t, degrees, low) - 0.025).abs() < 1e-10, "{t} {degrees} {low}");
        assert!((noncentral_t::cdf(t, degrees, high) - 0.025).abs() < 1e-10, "{t} {degrees} {high}");
    }
}

proptest! {
    #[test]
    fn quantiles_lead_back(ln_tail in -200.0_f64..-0.7, ln_degrees in -1.0_f64..12.0, ln_below in -1.0_f64..12.0) {
        let (tail, degrees, below) = (ln_tail.exp(), ln_degrees.exp(), ln_below.exp());
        let close = |found: f64| (found / tail - 1.0).abs() < 1e-9;
        let t = student_t::upper_quantile(tail, degrees);
        prop_assert!(!t.is_finite() || t > 1e150 || close(student_t::sf(t, degrees)), "t {t}");
        let x = chi_squared::upper_quantile(tail, degrees);
        prop_assert!(close(chi_squared::sf(x, degrees)), "chi squared {x}");
        let x = chi_squared::quantile(tail, degrees);
        prop_assert!(x < 1e-290 || close(chi_squared::cdf(x, degrees)), "chi squared {x}");
        let x = f::upper_quantile(tail, degrees, below);
        prop_assert!(x > 1e290 || close(f::sf(x, degrees, below)), "f {x}");
        let x = f::quantile(tail, degrees, below);
        prop_assert!(x < 1e-290 || close(f::cdf(x, degrees, below)), "f {x}");
    }
}

#[test]
fn the_ends_of_the_line_and_what_lies_outside_of_the_domain() {
    assert_eq!((student_t::sf(f64::INFINITY, 3.0), student_t::sf(f64::NEG_INFINITY, 3.0)), (0.0, 1.0));
    assert_eq!((chi_squared::sf(f64::INFINITY, 3.0), chi_squared::sf(-1.0, 3.0)), (0.0, 1.0));
    assert_eq!((f::sf(f64::INFINITY, 3.0, 5.0), f::sf(-1.0, 3.0, 5.0)), (0.0, 1.0));
    assert_close(f::sf(2.0, 3.0, f64::INFINITY), chi_squared::sf(6.0, 3.0), 1e-14, "infinite degrees of freedom");
    assert_close(student_t::sf(2.0, f64::INFINITY), normal::sf(2.0), 1e-14, "infinite degrees of freedom");
    assert_eq!([0.0, 0.5, 1.0].map(|p| student_t::quantile(p, 4.0)), [f64::NEG_INFINITY, 0.0, f64::INFINITY]);
    assert_eq!([0.0, 1.0].map(|p| chi_squared::quantile(p, 4.0)), [0.0, f64::INFINITY]);
    for x in [
        student_t::sf(1.0, 0.0),
        student_t::sf(f64::NAN, 2.0),
        student_t::quantile(1.5, 2.0),
        chi_squared::sf(1.0, -1.0),
        chi_squared::sf(f64::NAN, 1.0),
        chi_squared::quantile(f64::NAN, 2.0),
        f::sf(f64::NAN, 1.0, 2.0),
        f::sf(1.0, 0.0, 2.0),
        f::upper_quantile(0.1, 1.0, 0.0),
        binomial::cdf(1, 3, 1.5),
        binomial::probability(1, 3, f64::NAN),
        poisson::cdf(1, -1.0),
    ] {
        assert!(x.is_nan(), "{x}");
    }
    assert_eq!((binomial::cdf(3, 3, 0.2), binomial::sf(3, 3, 0.2), binomial::probability(4, 3, 0.2)), (1.0, 0.0, 0.0));
    assert_eq!(
        (binomial::probability(0, 3, 0.0), binomial::probability(3, 3, 1.0), binomial::sf(0, 3, 1.0)),
        (1.0, 1.0, 1.0)
    );
}
