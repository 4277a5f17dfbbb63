//! Power of the tests that were made.

use super::answer::Answer;
use super::{Method, Settings};
use crate::statistics::hypothesis::Alternative;
use crate::statistics::hypothesis::power::{Design, needed, power};

/// How surely an effect of the wanted size would have been found, and how many rows that takes.
pub(super) fn plan_power(answer: &mut Answer, settings: &Settings) {
    use Method as M;
    let Some((effect, target)) = settings.power else { return };
    let (Ok(tested), alpha) = (&answer.result, settings.alpha()) else { return };
    if answer.question.equivalence.is_some() {
        answer.without_power = true;
        return;
    }
    let counts: Vec<f64> = answer.groups.iter().map(|group| group.moments.count() as f64).collect();
    let (total, first) = (answer.used() as f64, counts.first().copied().unwrap_or(0.0));
    let ratio = (total - first) / first;
    // The effect is meant on the side that is asked about.
    let side = answer.question.alternative;
    let signed = if side == Alternative::Less { -effect } else { effect };
    let (design, n, rows_a_unit) = match (answer.method, counts.len()) {
        (M::T | M::Welch, 2) => (Design::TwoSamples { d: signed, ratio }, first, 1.0 + ratio),
        (M::T, 1) => (Design::OneSample { d: signed }, first, 1.0),
        (M::Anova | M::WelchAnova, groups) => (Design::Anova { f: effect, groups: groups as f64 }, total, 1.0),
        (M::Proportions, 2) => (Design::Proportions { h: signed, ratio }, first, 1.0 + ratio),
        (M::ChiSquare, _) => {
            let degrees = tested.degrees.first().copied().unwrap_or(1.0);
            (Design::ChiSquare { w: effect, degrees }, total, 1.0)
        }
        _ => {
            answer.without_power = true;
            return;
        }
    };
    answer.power = power(design, n, alpha, side);
    answer.needed = needed(design, target, alpha, side).map(|n| (n as f64 * rows_a_unit).ceil() as u64);
}
