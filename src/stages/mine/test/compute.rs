//! The test that was chosen, made of what was read.

use super::question::{Question, Subject};
use super::read::Group;
use super::{Distribution, Method, Settings};
use crate::statistics::distributions::normal;
use crate::statistics::hypothesis::chi_square::Crosstab;
use crate::statistics::hypothesis::kruskal_wallis::{RankedGroups, kruskal_wallis};
use crate::statistics::hypothesis::levene::{Centre, levene};
use crate::statistics::hypothesis::{
    Sample, Tested, Undefined, anderson_darling, anova, kolmogorov_smirnov, mann_whitney, proportions, shapiro_wilk, t,
    wilcoxon,
};

fn undefined<T>(reason: &str) -> Result<T, Undefined> {
    Err(Undefined(reason.to_owned()))
}

/// Makes a test of numbers.
pub(super) fn test(
    question: &Question,
    method: Method,
    groups: &[Group],
    settings: &Settings,
) -> Result<Tested, Undefined> {
    use Method as M;
    let (side, confidence) = (question.alternative, settings.confidence);
    let samples: Vec<Sample> = groups.iter().map(|group| Sample::from(&group.moments)).collect();
    let values = || groups.iter().map(|group| group.values.clone()).collect::<Vec<Vec<f64>>>();
    if let Subject::Groups { .. } | Subject::Columns(_) = question.subject {
        let pair = || match samples.as_slice() {
            [a, b] => Ok((*a, *b)),
            _ => undefined("there are fewer than two groups"),
        };
        let pair_of_values = || match groups {
            [a, b] => Ok((&a.values, &b.values)),
            _ => undefined("there are fewer than two groups"),
        };
        return match (method, question.equivalence) {
            (M::T | M::Welch, Some(bounds)) => {
                pair().and_then(|(a, b)| t::equivalence(a, Some(b), bounds.low, bounds.high, confidence))
            }
            (M::T, None) => pair().and_then(|(a, b)| t::student(a, b, 0.0, side, confidence)),
            (M::Welch, None) => pair().and_then(|(a, b)| t::welch(a, b, 0.0, side, confidence)),
            (M::MannWhitney, _) => {
                pair_of_values().and_then(|(a, b)| mann_whitney::mann_whitney(a, b, side, confidence))
            }
            (M::KolmogorovSmirnov, _) => pair_of_values().and_then(|(a, b)| kolmogorov_smirnov::two_samples(a, b)),
            (M::Anova, _) => anova::one_way(&samples, confidence),
            (M::WelchAnova, _) => anova::welch(&samples, confidence),
            (M::KruskalWallis, _) => RankedGroups::of(&values()).and_then(|ranked| kruskal_wallis(&ranked)),
            (M::AndersonDarling, _) => anderson_darling::k_samples(&values()),
            (M::Levene, _) => levene(&values(), Centre::Mean),
            (M::BrownForsythe, _) => levene(&values(), Centre::Median),
            (M::Proportions, _) => {
                let counts = shares(groups)?;
                match counts.as_slice() {
                    [a, b] => proportions::two_proportions(*a, *b, side, confidence),
                    _ => undefined("there are fewer than two groups"),
                }
            }
            _ => {
                let counts = shares(groups)?;
                let table: Vec<f64> = counts.iter().flat_map(|(yes, n)| [(n - yes) as f64, *yes as f64]).collect();
                Crosstab::new(&table, 2)?.independence(question.yates, confidence)
            }
        };
    }
    let ([group], [sample]) = (groups, samples.as_slice()) else { return undefined("there are no values") };
    match (&question.subject, method, question.equivalence) {
        (Subject::Mean { mean, .. }, M::T, Some(bounds)) => {
            t::equivalence(Sample { mean: sample.mean - mean, ..*sample }, None, bounds.low, bounds.high, confidence)
        }
        (_, M::T, Some(bounds)) => t::equivalence(*sample, None, bounds.low, bounds.high, confidence),
        (Subject::Mean { mean, .. }, M::T, None) => t::one_sample(*sample, *mean, side, confidence),
        (_, M::T, None) => t::one_sample(*sample, 0.0, side, confidence).map(|mut tested| {
            if let Some(estimate) = &mut tested.estimate {
                estimate.name = "mean difference";
            }
            tested
        }),
        (Subject::Mean { mean, .. }, M::Wilcoxon, _) => {
            let differences: Vec<f64> = group.values.iter().map(|value| value - mean).collect();
            wilcoxon::signed_rank(&differences, side, confidence)
        }
        (_, M::Wilcoxon, _) => wilcoxon::signed_rank(&group.values, side, confidence),
        (Subject::Share { share, .. }, ..) => match shares(groups)?.as_slice() {
            [(yes, n)] => proportions::binomial_test(*yes, *n, *share, side, confidence),
            _ => undefined("there are no values"),
        },
        (_, M::ShapiroWilk, _) => shapiro_wilk::shapiro_wilk(&group.values),
        (Subject::Distribution { distribution, .. }, M::KolmogorovSmirnov, _) => {
            let cdf: fn(f64) -> f64 = match distribution {
                Distribution::Uniform => |x| x.clamp(0.0, 1.0),
                Distribution::Exponential => |x| -(-x.max(0.0)).exp_m1(),
                Distribution::StandardNormal | Distribution::Normal => normal::cdf,
            };
            kolmogorov_smirnov::one_sample(&group.values, cdf)
        }
        _ => anderson_darling::normality(&group.values),
    }
}

/// True values and all values of each group.
pub(super) fn shares(groups: &[Group]) -> Result<Vec<(u64, u64)>, Undefined> {
    groups
        .iter()
        .map(|group| {
            let moments = &group.moments;
            let (n, sum) = (moments.count() as f64, moments.sum());
            let outside =
                moments.min().is_some_and(|least| least < 0.0) || moments.max().is_some_and(|most| most > 1.0);
            // Only zeros and ones have the spread of a share.
            let spread = moments.variance().unwrap_or(0.0) * (n - 1.0).max(0.0);
            if outside || (n > 1.0 && (spread - sum * (1.0 - sum / n)).abs() > 1e-6 * n) {
                return undefined("the values are not only true and false, or 1 and 0");
            }
            Ok((sum.round() as u64, moments.count()))
        })
        .collect()
}
