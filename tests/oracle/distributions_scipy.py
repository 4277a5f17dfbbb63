"""Expected values for src/statistics/distributions, from SciPy.

Usage: python distributions_scipy.py > ../data/oracle/distributions_scipy.json
Needs: pip install scipy mpmath (written with SciPy 1.17)
"""

import json
import math

import mpmath
import numpy as np
from scipy import integrate, special, stats

mpmath.mp.dps = 40

# Numbers are written as text, so that no reader loses their last digit.


def case(distribution, function, arguments, value):
    return {"distribution": distribution, "function": function, "arguments": [repr(float(v)) for v in arguments], "value": repr(float(value))}


def elementary():
    tails = [1e-200, 1e-30, 1e-9, 1e-4, 0.025, 0.3, 0.5, 0.7, 0.975, 0.9999]
    degrees = [0.5, 1, 2, 3.7, 10, 55.25, 1000, 250000]
    for x in [-38.0, -8.3, -1.0, -1e-5, 0.0, 0.3, 1.96, 9.0, 37.0]:
        yield case("normal", "cdf", [x], stats.norm.cdf(x))
        yield case("normal", "sf", [x], stats.norm.sf(x))
    for d in degrees:
        for x in [-50.0, -2.1, -1e-4, 0.0, 1e-3, 0.5, 1.96, 4.5, 60.0, 2000.0]:
            yield case("student_t", "sf", [x, d], stats.t.sf(x, d))
            yield case("student_t", "cdf", [x, d], stats.t.cdf(x, d))
        for x in [1e-3, 0.5, 1.0, 3.84, 25.0, 900.0, 251000.0]:
            yield case("chi_squared", "sf", [x, d], special.chdtrc(d, x))
            yield case("chi_squared", "cdf", [x, d], special.chdtr(d, x))
        for q in tails:
            # SciPy's own quantiles of t lose digits in the far tail: those that do not lead back are left out.
            for name, dist in [("student_t", stats.t), ("chi_squared", stats.chi2)]:
                for function, inverse, tail in [("quantile", dist.ppf, dist.cdf), ("upper_quantile", dist.isf, dist.sf)]:
                    value = inverse(q, d)
                    if math.isfinite(value) and 1e-290 < abs(value) < 1e290 and math.isclose(tail(value, d), q, rel_tol=1e-12):
                        yield case(name, function, [q, d], value)
    for above in [1, 2, 5, 30, 999]:
        for below in [1, 4, 17.5, 400, 327346]:
            for x in [1e-3, 0.4, 1.0, 2.7, 12.0, 300.0]:
                yield case("f", "sf", [x, above, below], special.fdtrc(above, below, x))
                yield case("f", "cdf", [x, above, below], special.fdtr(above, below, x))
            for q in [1e-9, 0.01, 0.5, 0.95]:
                value = stats.f.isf(q, above, below)
                if math.isclose(stats.f.sf(value, above, below), q, rel_tol=1e-12):
                    yield case("f", "upper_quantile", [q, above, below], value)
    for n, p in [(1, 0.5), (10, 0.3), (100, 0.01), (5000, 0.72), (10**6, 1e-4)]:
        for k in sorted({0, 1, int(n * p * 0.8), int(n * p), min(n, int(n * p * 1.3) + 1), n}):
            yield case("binomial", "cdf", [k, n, p], stats.binom.cdf(k, n, p))
            yield case("binomial", "sf", [k, n, p], stats.binom.sf(k, n, p))
            yield case("binomial", "probability", [k, n, p], stats.binom.pmf(k, n, p))
    for mean in [0.01, 1.0, 7.3, 180.0, 1e5]:
        for k in [0, 1, int(mean * 0.8), int(mean), int(mean * 1.2) + 2]:
            yield case("poisson", "cdf", [k, mean], stats.poisson.cdf(k, mean))
            yield case("poisson", "sf", [k, mean], stats.poisson.sf(k, mean))
            # SciPy's own loses digits where the mean is large.
            yield case("poisson", "probability", [k, mean], mpmath.exp(k * mpmath.log(mean) - mean - mpmath.loggamma(k + 1)))



def noncentral():
    for degrees in [1, 12.5]:
        for delta in [0.0, 0.5, 3.0, 25.0]:
            for q in [1e-4, 0.5, 0.9]:
                x = round(float(stats.ncx2.isf(q, degrees, delta**2)), 6)
                yield case("chi_squared", "sf", [x, degrees, delta**2], mixture(x, degrees, None, delta**2, True))
                yield case("chi_squared", "cdf", [x, degrees, delta**2], mixture(x, degrees, None, delta**2, False))
                for below in [2, 5000]:
                    x = round(float(stats.ncf.isf(q, degrees, below, delta**2)), 6)
                    yield case("f", "sf", [x, degrees, below, delta**2], mixture(x, degrees, below, delta**2, True))
                    yield case("f", "cdf", [x, degrees, below, delta**2], mixture(x, degrees, below, delta**2, False))
    for degrees in [1, 2, 30, 327000]:
        for delta in [-4.0, -0.3, 0.7, 60.0]:
            for t in [delta - 3, delta * 0.9 + 0.1, delta * 1.2 + 2]:
                yield case("t", "sf", [t, degrees, delta], noncentral_t(t, degrees, delta))


def mixture(x, above, below, noncentrality, upper):
    """The definition, summed: SciPy's own central tails with Poisson weights."""
    j = np.arange(2000)
    weight = stats.poisson.pmf(j, noncentrality / 2)
    a = above / 2 + j
    if below is None:
        tail = special.gammaincc(a, x / 2) if upper else special.gammainc(a, x / 2)
    else:
        part = above * x / (above * x + below)
        tail = special.betaincc(a, below / 2, part) if upper else special.betainc(a, below / 2, part)
    return math.fsum(weight * tail)


def noncentral_t(t, degrees, delta):
    """The definition, integrated by SciPy's adaptive quadrature over pieces that the integrand is smooth on."""
    # The density is scaled to have the integral 1: gammaln would lose digits of large arguments.
    def density(w):
        return math.exp(degrees / 2 * (2 * w - math.expm1(2 * w)))
    def weighted(w):
        return density(w) * special.ndtr(delta - t * math.exp(w))
    spread = 1 / math.sqrt(2 * degrees)
    low, high = -max(10 * spread, 40 / degrees), min(10 * spread, 2.5)
    points = [low + (high - low) * i / 40 for i in range(41)]
    total = sum(integrate.quad(weighted, a, b, epsabs=1e-15, epsrel=1e-13)[0] for a, b in zip(points, points[1:]))
    return total / sum(integrate.quad(density, a, b, epsabs=1e-15, epsrel=1e-13)[0] for a, b in zip(points, points[1:]))


def studentized_range():
    for k in [3, 6, 20]:
        for degrees in [3, 57]:
            for q in [1.0, 3.5, 6.0]:
                yield case("studentized_range", "sf", [q, k, degrees], stats.studentized_range.sf(q, k, degrees))
    # SciPy takes long to search quantiles, so one.
    yield case("studentized_range", "upper_quantile", [0.05, 3, 20], stats.studentized_range.isf(0.05, 3, 20))


def kolmogorov():
    for n in [1, 2, 5, 17, 100, 999, 5000, 200000]:
        for x in [0.3, 0.55, 0.8, 1.0, 1.36, 1.9, 2.5, 4.0]:
            d = x / math.sqrt(n)
            if d < 1:
                yield case("one_sample", "sf", [d, n], stats.kstwo.sf(d, n))
                yield case("one_sided", "sf", [d, n], stats.ksone.sf(d, n))
    for x in [0.2, 0.5, 0.99, 1.0, 1.5, 3.0]:
        yield case("limit", "sf", [x], stats.kstwobign.sf(x))
    for m, n in [(1, 3), (4, 4), (7, 12), (30, 45), (200, 150)]:
        for share in [0.1, 0.3, 0.5, 0.9, 1.0]:
            steps = round(share * m * n)
            # A distance that two samples can have: the exact answer of SciPy counts paths with it.
            lcm = m * n // math.gcd(m, n)
            steps = max(1, steps * lcm // (m * n)) * (m * n // lcm)
            with_steps = exact_two_samples(m, n, steps * lcm // (m * n))
            yield case("two_samples", "sf", [steps, m, n], with_steps)


def exact_two_samples(m, n, steps_of_lcm):
    from scipy.stats import _stats_py
    g = math.gcd(m, n)
    ok, _, p = _stats_py._attempt_exact_2kssamp(m, n, g, steps_of_lcm / (m * n // g), "two-sided")
    assert ok
    return p


print(json.dumps({
    "elementary": [c for c in elementary() if c["value"] not in ("nan", "0.0", "inf")],
    "noncentral": [c for c in noncentral()],
    "studentized_range": [c for c in studentized_range()],
    "kolmogorov": [c for c in kolmogorov()],
}))
