//! Student's and Welch's t tests and the test of equivalence that rests on them.

use super::{Alternative, Measured, Sample, Tested, Undefined};
use crate::statistics::distributions::{noncentral_t, student_t};
use crate::statistics::special::ln_gamma;

/// Is the mean another one than `mean`? Student 1908. Paired samples: the sample of the differences.
///
/// The effect is Cohen's d with the interval of the noncentral t distribution.
pub fn one_sample(sample: Sample, mean: f64, alternative: Alternative, confidence: f64) -> Result<Tested, Undefined> {
    let sample = sample.require(2.0, "the sample")?;
    if sample.variance == 0.0 {
        return Undefined::because("all values are equal");
    }
    let difference = sample.mean - mean;
    let contrast = Contrast {
        difference,
        error: (sample.variance / sample.n).sqrt(),
        degrees: sample.n - 1.0,
        name: "difference from the given mean",
    };
    let mut tested = contrast.test(0.0, alternative, confidence);
    let interval = noncentral_t::noncentrality_interval(tested.statistic, contrast.degrees, confidence);
    let scale = sample.n.sqrt();
    let interval = interval.map(|(low, high)| (low / scale, high / scale));
    tested.effect = Some(Measured::new("Cohen's d", difference / sample.variance.sqrt(), interval));
    tested.checked()
}

/// Do two samples with the same variance differ in their means by other than `difference`?
pub fn student(
    a: Sample,
    b: Sample,
    difference: f64,
    alternative: Alternative,
    confidence: f64,
) -> Result<Tested, Undefined> {
    let contrast = pooled(a, b)?;
    let mut tested = contrast.test(difference, alternative, confidence);
    tested.effect = Some(hedges_g(a, b, confidence)?);
    tested.checked()
}

/// Do two samples differ in their means by other than `difference`, whatever their variances? Welch 1947.
pub fn welch(
    a: Sample,
    b: Sample,
    difference: f64,
    alternative: Alternative,
    confidence: f64,
) -> Result<Tested, Undefined> {
    let contrast = unpooled(a, b)?;
    let mut tested = contrast.test(difference, alternative, confidence);
    tested.effect = Some(hedges_g(a, b, confidence)?);
    tested.checked()
}

/// Is the difference of the means (of `a` and `b`, or of `a` and 0 where there is no `b`) surely between `low` and `high`? Two one-sided
/// tests (Schuirmann 1987), by Welch; the p-value is the larger one, the interval has the confidence 1 - 2 (1 - `confidence`).
pub fn equivalence(a: Sample, b: Option<Sample>, low: f64, high: f64, confidence: f64) -> Result<Tested, Undefined> {
    let contrast = match b {
        Some(b) => unpooled(a, b)?,
        None => {
            let a = a.require(2.0, "the sample")?;
            if a.variance == 0.0 {
                return Undefined::because("all values are equal");
            }
            Contrast {
                difference: a.mean,
                error: (a.variance / a.n).sqrt(),
                degrees: a.n - 1.0,
                name: "mean difference",
            }
        }
    };
    let narrow = 2.0 * confidence - 1.0;
    let above = contrast.test(low, Alternative::Greater, confidence);
    let below = contrast.test(high, Alternative::Less, confidence);
    let mut tested = if above.p_value >= below.p_value { above } else { below };
    tested.estimate = contrast.test(0.0, Alternative::TwoSided, narrow).estimate;
    tested.effect = match b {
        Some(b) => Some(hedges_g(a, b, confidence)?),
        None => Some(Measured::new("Cohen's d", a.mean / a.variance.sqrt(), None)),
    };
    tested.checked()
}

/// Cohen's d over the pooled standard deviation, made unbiased (Hedges 1981), with the interval of the noncentral t distribution, which is
/// exact for equal variances.
pub fn hedges_g(a: Sample, b: Sample, confidence: f64) -> Result<Measured, Undefined> {
    let contrast = pooled(a, b)?;
    let scale = (1.0 / a.n + 1.0 / b.n).sqrt();
    let bias = hedges_factor(contrast.degrees);
    let t = contrast.difference / contrast.error;
    let interval = noncentral_t::noncentrality_interval(t, contrast.degrees, confidence)
        .map(|(low, high)| (low * scale * bias, high * scale * bias));
    Ok(Measured::new("Hedges' g", t * scale * bias, interval))
}

/// Γ(ν / 2) / (√(ν / 2) Γ((ν - 1) / 2)): by how much d is too large on average.
fn hedges_factor(degrees: f64) -> f64 {
    if degrees <= 1.0 {
        return 1.0;
    }
    if degrees > 1e7 {
        return 1.0 - 3.0 / (4.0 * degrees - 1.0);
    }
    (ln_gamma(degrees / 2.0) - ln_gamma((degrees - 1.0) / 2.0)).exp() / (degrees / 2.0).sqrt()
}

/// A difference with its standard error.
pub(super) struct Contrast {
    pub(super) difference: f64,
    pub(super) error: f64,
    pub(super) degrees: f64,
    name: &'static str,
}

impl Contrast {
    fn test(&self, difference: f64, alternative: Alternative, confidence: f64) -> Tested {
        let t = (self.difference - difference) / self.error;
        let p = match alternative {
            Alternative::TwoSided => student_t::two_sided(t, self.degrees),
            Alternative::Less => student_t::cdf(t, self.degrees),
            Alternative::Greater => student_t::sf(t, self.degrees),
        };
        let quantile = |tail: f64| student_t::upper_quantile(tail, self.degrees);
        let interval = alternative.interval(self.difference, self.error, confidence, quantile);
        let mut tested = Tested::new("t", t, &[self.degrees], p);
        tested.estimate = Some(Measured::new(self.name, self.difference, Some(interval)));
        tested
    }
}

fn pooled(a: Sample, b: Sample) -> Result<Contrast, Undefined> {
    let (a, b) = both(a, b)?;
    let degrees = a.n + b.n - 2.0;
    let variance = (a.sum_of_squares() + b.sum_of_squares()) / degrees;
    let error = (variance * (1.0 / a.n + 1.0 / b.n)).sqrt();
    Ok(Contrast { difference: a.mean - b.mean, error, degrees, name: "difference of means" })
}

pub(super) fn unpooled(a: Sample, b: Sample) -> Result<Contrast, Undefined> {
    let (a, b) = both(a, b)?;
    let (of_a, of_b) = (a.variance / a.n, b.variance / b.n);
    let sum = of_a + of_b;
    // Shares first: the squares of large or small variances leave the range of floats.
    let (share_a, share_b) = (of_a / sum, of_b / sum);
    let degrees = 1.0 / (share_a * share_a / (a.n - 1.0) + share_b * share_b / (b.n - 1.0));
    Ok(Contrast { difference: a.mean - b.mean, error: sum.sqrt(), degrees, name: "difference of means" })
}

fn both(a: Sample, b: Sample) -> Result<(Sample, Sample), Undefined> {
    let (a, b) = (a.require(2.0, "the first group")?, b.require(2.0, "the second group")?);
    if a.variance == 0.0 && b.variance == 0.0 {
        return Undefined::because("all values within each group are equal");
    }
    Ok((a, b))
}
