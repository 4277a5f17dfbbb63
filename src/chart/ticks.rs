//! Where the ticks of a numeric axis stand.

/// Evenly spaced ticks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticks {
    pub(super) values: Vec<f64>,
    /// The distance between two ticks: 1, 2 or 5 times a power of ten.
    pub(super) step: f64,
}

/// A power of ten, exactly rounded (repeated multiplication drifts from 10^23 on).
fn power(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::INFINITY)
}

/// A step of 1, 2 or 5 times a power of ten, kept as two whole numbers so that multiples of it are exact where they can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    times: i32,
    exponent: i32,
}

impl Step {
    /// The smallest step that needs at most `target` intervals for a span.
    fn covering(span: f64, target: usize) -> Step {
        let raw = span / target.max(1) as f64;
        let exponent = raw.log10().floor().clamp(-320.0, 308.0) as i32;
        for exponent in [exponent, exponent.saturating_add(1)] {
            for times in [1, 2, 5] {
                let step = Step { times, exponent };
                // A raw step that is a nice number up to rounding is that number.
                if step.multiple(1.0) >= raw * (1.0 - 1e-9) {
                    return step;
                }
            }
        }
        Step { times: 1, exponent: exponent.saturating_add(2) }
    }

    /// `count` times the step. Dividing by a power of ten keeps 3 x 0.1 at 0.3.
    fn multiple(self, count: f64) -> f64 {
        let scaled = count * f64::from(self.times);
        if (-300..0).contains(&self.exponent) { scaled / power(-self.exponent) } else { scaled * power(self.exponent) }
    }
}

/// Ticks at multiples of the smallest step of 1, 2 or 5 times a power of ten that divides `low..=high` into at most `target` intervals. With `whole` the
/// step is at least 1. Needs finite bounds with `low < high`. O(target).
pub(super) fn linear(low: f64, high: f64, target: usize, whole: bool) -> Ticks {
    let mut step = Step::covering(high - low, target);
    if whole && step.multiple(1.0) < 1.0 {
        step = Step { times: 1, exponent: 0 };
    }
    let size = step.multiple(1.0);
    if !(size > 0.0 && size.is_finite()) {
        return Ticks { values: vec![low, high], step: high - low };
    }
    // A bound that is a multiple up to rounding counts as one.
    let first = (low / size - 1e-9).ceil();
    let last = (high / size + 1e-9).floor();
    let count = (last - first).clamp(0.0, 200.0) as usize;
    let values = if last < first { Vec::new() } else { (0..=count).map(|i| step.multiple(first + i as f64)).collect() };
    Ticks { values, step: size }
}

/// Widens `low..=high` to multiples of the step that [`linear`] chooses for it.
pub(super) fn widened(low: f64, high: f64, target: usize, whole: bool) -> (f64, f64) {
    let mut step = Step::covering(high - low, target);
    if whole && step.multiple(1.0) < 1.0 {
        step = Step { times: 1, exponent: 0 };
    }
    let size = step.multiple(1.0);
    let (from, to) = (step.multiple((low / size + 1e-9).floor()), step.multiple((high / size - 1e-9).ceil()));
    if from.is_finite() && to.is_finite() && from <= low && to >= high && from < to { (from, to) } else { (low, high) }
}

/// Ticks of a logarithmic axis: 1, 2 and 5 times powers of ten when the axis spans few of them, otherwise powers of ten, or every second, fifth, tenth ..
/// of them. Needs `0 < low < high`. O(target).
pub(super) fn logarithmic(low: f64, high: f64, target: usize) -> Vec<f64> {
    let (from, to) = (low.log10(), high.log10());
    let decades = to - from;
    if decades < 0.7 {
        return linear(low, high, target, false).values.into_iter().filter(|value| *value > 0.0).collect();
    }
    let target = target.max(2) as f64;
    let inside = |value: f64| value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9);
    let (first, last) = ((from - 1e-9).floor() as i32, (to + 1e-9).ceil() as i32);
    if decades * 3.0 <= target {
        let fine = (first..=last).flat_map(|exponent| [1.0, 2.0, 5.0].map(|times| times * power(exponent)));
        return fine.filter(|value| inside(*value)).collect();
    }
    let stride = [1, 2, 5, 10, 20, 50, 100, 200]
        .into_iter()
        .find(|stride| decades / f64::from(*stride) <= target)
        .unwrap_or(500);
    (first..=last).filter(|exponent| exponent % stride == 0).map(power).filter(|v| inside(*v)).collect()
}

/// Widens a logarithmic axis: to powers of ten when it spans several, otherwise to the next 1, 2 or 5 times one. Needs `0 < low < high`.
pub(super) fn widened_log(low: f64, high: f64) -> (f64, f64) {
    let several = high.log10() - low.log10() >= 2.0;
    let candidates = |exponent: i32| {
        let times: &[f64] = if several { &[1.0] } else { &[1.0, 2.0, 5.0] };
        times.iter().map(move |times| times * power(exponent)).collect::<Vec<_>>()
    };
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let from = candidates(first).into_iter().rev().find(|value| *value <= low * (1.0 + 1e-9)).unwrap_or(low);
    let to = candidates(last.saturating_sub(1))
        .into_iter()
        .chain(candidates(last))
        .find(|value| *value >= high * (1.0 - 1e-9))
        .unwrap_or(high);
    if from > 0.0 && to.is_finite() { (from.min(low), to.max(high)) } else { (low, high) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn linear_ticks_are_those_of_a_hand_computation() {
        // 100 / 5 = 20, which is 2 x 10.
        assert_eq!(linear(0.0, 100.0, 5, false).values, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        // 7 / 5 = 1.4, the next nice step is 2.
        assert_eq!(linear(0.0, 7.0, 5, false).values, [0.0, 2.0, 4.0, 6.0]);
        // 0.8 / 4 = 0.2; the multiples are the nearest doubles, not sums of roundings.
        assert_eq!(linear(0.1, 0.9, 4, false).values, [0.2, 0.4, 0.6, 0.8]);
        // 30 / 4 = 7.5, the next is 10.
        assert_eq!(linear(-12.0, 18.0, 4, false).values, [-10.0, 0.0, 10.0]);
        // 3 / 8 = 0.375 would be 0.5, but counts come whole.
        assert_eq!(linear(0.0, 3.0, 8, true).values, [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn widening_goes_to_the_next_multiple() {
        assert_eq!(widened(3.0, 97.0, 5, false), (0.0, 100.0));
        assert_eq!(widened(0.0, 100.0, 5, false), (0.0, 100.0));
        assert_eq!(widened_log(3.0, 40_000.0), (1.0, 100_000.0));
        assert_eq!(widened_log(30.0, 400.0), (20.0, 500.0));
    }

    #[test]
    fn logarithmic_ticks_grow_coarser_with_the_span() {
        assert_eq!(logarithmic(1.0, 100.0, 8), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!(logarithmic(1.0, 1e5, 6), [1.0, 10.0, 100.0, 1e3, 1e4, 1e5]);
        assert_eq!(logarithmic(1e-300, 1e300, 7), [1e-300, 1e-200, 1e-100, 1.0, 1e100, 1e200, 1e300]);
        assert_eq!(
            logarithmic(2.0, 4.0, 4),
            [2.0, 2.5, 3.0, 3.5, 4.0].into_iter().filter(|v| v % 0.5 == 0.0).collect::<Vec<_>>()
        );
    }

    proptest! {
        #[test]
        fn ticks_lie_inside_rise_and_are_few(low in -1e9..1e9_f64, span in 1e-3..1e9_f64, target in 1_usize..12) {
            let ticks = linear(low, low + span, target, false);
            let slack = ticks.step * 1e-6;
            prop_assert!(ticks.values.len() <= target + 1, "{ticks:?}");
            prop_assert!(ticks.values.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(ticks.values.iter().all(|v| *v >= low - slack && *v <= low + span + slack), "{ticks:?}");
            // At most five times fewer intervals than asked for: the ratio of neighbouring steps is at most 2.5.
            prop_assert!(span / ticks.step * 2.5 >= target as f64 * 0.999, "{ticks:?}");
        }

        #[test]
        fn no_range_breaks_the_ticks(a in any::<f64>(), b in any::<f64>(), target in 0_usize..20) {
            let (low, high) = (a.min(b), a.max(b));
            if low.is_finite() && high.is_finite() && (high - low).is_finite() && low < high {
                prop_assert!(linear(low, high, target, false).values.len() <= 201);
                let (from, to) = widened(low, high, target, false);
                prop_assert!(from <= low && to >= high);
                if low > 0.0 {
                    prop_assert!(logarithmic(low, high, target).len() <= 201);
                    let (from, to) = widened_log(low, high);
                    prop_assert!(0.0 < from && from <= low && high <= to && to.is_finite());
                }
            }
        }
    }
}
