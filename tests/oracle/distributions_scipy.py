"""Expected values for src/statistics/distributions, from SciPy.

Usage: python distributions_scipy.py > ../data/oracle/distributions_scipy.json
Needs: pip install scipy mpmath (written with SciPy 1.17)
"""

import json
import math

import mpmath
from scipy import special, stats

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


print(json.dumps({"elementary": [c for c in elementary() if c["value"] not in ("nan", "0.0", "inf")]}))
