#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use serde_json::Value;

use super::chi_square::Crosstab;
use super::kruskal_wallis::RankedGroups;
use super::levene::Centre;
use super::power::Design;
use super::*;
use crate::statistics::distributions::normal;
use crate::statistics::oracle::{Case, assert_close, cases};

const STORED: &str = include_str!("../../../tests/data/oracle/hypothesis_scipy.json");

fn side(case: &Case) -> Alternative {
    serde_json::from_value(case.value("side").clone()).unwrap()
}

fn groups(case: &Case) -> Vec<Vec<f64>> {
    serde_json::from_value(case.value("groups").clone()).unwrap()
}

/// A stored number; null stands for an infinite one.
fn close(found: f64, stored: &Value, within: f64, what: &str) {
    match stored.as_f64() {
        Some(expected) => assert_close(found, expected, within, what),
        None => assert!(found.is_infinite(), "{what}: {found} is finite"),
    }
}

/// The ends of an interval; null stands for none.
#[track_caller]
fn interval_close(found: Option<(f64, f64)>, stored: &Value, within: f64, what: &str) {
    let stored: Option<[f64; 2]> = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(found.is_some(), stored.is_some(), "{what}: {found:?}");
    for ((low, high), [stored_low, stored_high]) in found.into_iter().zip(stored) {
        for (found, stored) in [(low, stored_low), (high, stored_high)] {
            let close = (found - stored).abs() <= within * stored.abs().max(1e-3);
            assert!(close, "{what}: {found} is not {stored}");
        }
    }
}

#[test]
fn two_samples_agree_with_scipy() {
    for case in cases(STORED, "two_samples") {
        let (a, b, side) = (case.list("a"), case.list("b"), side(&case));
        let what = format!("{} {side:?}", case.text("name"));
        for (name, test) in [("student", t::student as fn(_, _, _, _, _) -> _), ("welch", t::welch)] {
            let found: Tested = test(Sample::of(&a), Sample::of(&b), 0.0, side, 0.9).unwrap();
            let (low, high) = found.estimate.unwrap().interval.unwrap();
            for (found, stored) in [found.statistic, found.degrees[0], found.p_value, low, high]
                .iter()
                .zip(case.value(name).as_array().unwrap())
            {
                close(*found, stored, 1e-9, &format!("{what} {name}"));
            }
            let effect = found.effect.unwrap();
            assert_close(effect.value, case.number("hedges"), 1e-9, &what);
            interval_close(effect.interval, case.value("hedges_interval"), 1e-9, &format!("{what} Hedges' g"));
        }
        let found = mann_whitney::mann_whitney(&a, &b, side, 0.95).unwrap();
        let stored = case.list("mann_whitney");
        assert_close(found.statistic, stored[0], 1e-12, &what);
        assert_close(found.p_value, stored[1], 1e-9, &format!("{what} Mann-Whitney"));
        let effect = found.effect.unwrap();
        assert!((effect.value - stored[2]).abs() < 1e-12);
        interval_close(effect.interval, case.value("rank_biserial_interval"), 1e-9, &what);
        let found = t::equivalence(Sample::of(&a), Some(Sample::of(&b)), -3.0, 4.0, 0.95).unwrap();
        assert_close(found.p_value, case.list("equivalence")[0], 1e-9, &format!("{what} equivalence"));
        let found = kolmogorov_smirnov::two_samples(&a, &b).unwrap();
        assert_close(found.statistic, case.list("kolmogorov")[0], 1e-12, &what);
        assert_close(found.p_value, case.list("kolmogorov")[1], 1e-9, &format!("{what} Kolmogorov"));
        for (name, centre) in [("levene", Centre::Mean), ("brown_forsythe", Centre::Median)] {
            let found = levene::levene(&[a.clone(), b.clone()], centre).unwrap();
            assert_close(found.statistic, case.list(name)[0], 1e-9, &what);
            assert_close(found.p_value, case.list(name)[1], 1e-9, &what);
        }
    }
}

#[test]
fn one_sample_agrees_with_scipy_and_statsmodels() {
    for case in cases(STORED, "one_sample") {
        let (values, side) = (case.list("values"), side(&case));
        let what = format!("{} {side:?}", case.text("name"));
        let found = t::one_sample(Sample::of(&values), 0.25, side, 0.99).unwrap();
        let (low, high) = found.estimate.unwrap().interval.unwrap();
        // SciPy's interval is that of the mean, ours that of the difference from 0.25.
        let numbers = [found.statistic, found.degrees[0], found.p_value, low + 0.25, high + 0.25];
        for (found, stored) in numbers.iter().zip(case.value("t").as_array().unwrap()) {
            close(*found, stored, 1e-9, &format!("{what} t"));
        }
        let (effect, stored) = (found.effect.unwrap(), case.list("cohen"));
        assert_close(effect.value, stored[0], 1e-9, &what);
        interval_close(effect.interval, &stored[1..].into(), 1e-9, &format!("{what} Cohen's d"));
        let found = wilcoxon::signed_rank(&values, side, 0.95).unwrap();
        let effect = found.effect.unwrap();
        assert!((effect.value - case.value("rank_biserial")[0].as_f64().unwrap()).abs() < 1e-9, "{what} {effect:?}");
        interval_close(effect.interval, &case.value("rank_biserial")[1], 1e-9, &format!("{what} rank-biserial"));
        assert_close(found.statistic, case.list("wilcoxon")[0], 1e-12, &what);
        assert_close(found.p_value, case.list("wilcoxon")[1], 1e-9, &format!("{what} Wilcoxon"));
        let scale = case.number("scale");
        let found = kolmogorov_smirnov::one_sample(&values, |x| normal::cdf((x - 1.5) / scale)).unwrap();
        assert_close(found.statistic, case.list("kolmogorov")[0], 1e-9, &what);
        assert_close(found.p_value, case.list("kolmogorov")[1], 1e-7, &format!("{what} Kolmogorov"));
        let found = shapiro_wilk::shapiro_wilk(&values).unwrap();
        assert_close(found.statistic, case.list("shapiro")[0], 1e-7, &format!("{what} Shapiro"));
        assert_close(found.p_value, case.list("shapiro")[1], 1e-4, &format!("{what} Shapiro"));
        let found = anderson_darling::normality(&values).unwrap();
        assert_close(found.statistic, case.list("anderson")[0], 1e-9, &what);
        assert_close(found.p_value, case.list("anderson")[1], 1e-9, &format!("{what} Anderson"));
        let found = t::equivalence(Sample::of(&values), None, -4.0, 5.0, 0.95).unwrap();
        assert_close(found.p_value, case.list("equivalence")[0], 1e-9, &format!("{what} equivalence"));
    }
}

#[test]
fn several_groups_agree_with_scipy_statsmodels_pingouin_and_posthocs() {
    for case in cases(STORED, "groups") {
        let (groups, what) = (groups(&case), case.text("name"));
        let samples: Vec<Sample> = groups.iter().map(|values| Sample::of(values)).collect();
        let found = anova::one_way(&samples, 0.95).unwrap();
        assert_close(found.statistic, case.list("anova")[0], 1e-9, &what);
        assert_close(found.p_value, case.list("anova")[1], 1e-9, &what);
        let effect = found.effect.unwrap();
        assert_close(effect.value, case.number("eta_squared"), 1e-9, &what);
        interval_close(effect.interval, case.value("eta_interval"), 1e-9, &format!("{what} eta squared"));
        assert_eq!(found.also[0].name, "omega squared");
        assert!((found.also[0].value - case.number("omega_squared")).abs() < 1e-12, "{what}");
        let found = anova::welch(&samples, 0.95).unwrap();
        for (found, stored) in [found.statistic, found.degrees[1], found.p_value].iter().zip(case.list("welch")) {
            assert_close(*found, stored, 1e-9, &format!("{what} Welch"));
        }
        let ranked = RankedGroups::of(&groups).unwrap();
        let found = kruskal_wallis::kruskal_wallis(&ranked).unwrap();
        assert_close(found.statistic, case.list("kruskal")[0], 1e-9, &what);
        assert_close(found.p_value, case.list("kruskal")[1], 1e-9, &what);
        assert_close(found.effect.unwrap().value, case.number("epsilon_squared"), 1e-9, &what);
        for (name, centre) in [("levene", Centre::Mean), ("brown_forsythe", Centre::Median)] {
            let found = levene::levene(&groups, centre).unwrap();
            assert_close(found.statistic, case.list(name)[0], 1e-9, &what);
            assert_close(found.p_value, case.list(name)[1], 1e-9, &what);
        }
        for (found, stored) in post_hoc::dunn(&ranked).iter().zip(case.list("dunn")) {
            assert_close(found.p_value, stored, 1e-9, &format!("{what} Dunn"));
        }
        let tukey: Vec<[f64; 3]> = serde_json::from_value(case.value("tukey").clone()).unwrap();
        for (found, stored) in post_hoc::tukey(&samples, 0.95).unwrap().iter().zip(tukey) {
            let (low, high) = found.interval.unwrap();
            for (found, stored) in [found.p_value, low, high].iter().zip(stored) {
                assert!((found - stored).abs() < 2e-9 * stored.abs().max(1.0), "{what} Tukey: {found} is not {stored}");
            }
        }
        let games: Vec<[f64; 3]> = serde_json::from_value(case.value("games_howell").clone()).unwrap();
        for (found, stored) in post_hoc::games_howell(&samples, 0.95).unwrap().iter().zip(games) {
            for (found, stored) in [found.difference, found.statistic, found.p_value].iter().zip(stored) {
                assert!((found - stored).abs() < 2e-9 * stored.abs().max(1.0), "{what} Games: {found} is not {stored}");
            }
        }
        let found = anderson_darling::k_samples(&groups).unwrap();
        assert_close(found.statistic, case.list("anderson")[0], 1e-9, &format!("{what} Anderson"));
        assert_close(found.p_value, case.list("anderson")[1], 1e-6, &format!("{what} Anderson"));
    }
}

#[test]
fn counts_agree_with_scipy() {
    for case in cases(STORED, "tables") {
        let (counts, what) = (case.list("counts"), case.text("name"));
        let table = Crosstab::new(&counts, case.integer("columns") as usize).unwrap();
        let found = table.independence(false, 0.95).unwrap();
        for (found, stored) in [found.statistic, found.degrees[0], found.p_value].iter().zip(case.list("chi_square")) {
            assert_close(*found, stored, 1e-9, &what);
        }
        let effect = found.effect.unwrap();
        assert_close(effect.value, case.number("cramers_v"), 1e-9, &what);
        interval_close(effect.interval, case.value("v_interval"), 1e-9, &format!("{what} Cramér's V"));
        for (name, key) in [("risk ratio", "risk_ratio"), ("odds ratio", "woolf")] {
            let measured = found.also.iter().find(|measured| measured.name == name && measured.value.is_finite());
            let stored: Option<Vec<f64>> = serde_json::from_value(case.value(key).clone()).unwrap();
            let Some(stored) = stored else {
                assert!(measured.is_none_or(|measured| measured.interval.is_none()), "{what}: {measured:?}");
                continue;
            };
            assert_close(measured.unwrap().value, stored[0], 1e-9, &format!("{what} {name}"));
            let interval = stored.get(1..3).map_or(Value::Null, Into::into);
            interval_close(measured.unwrap().interval, &interval, 1e-9, &format!("{what} {name}"));
        }
        assert_close(table.sparseness().0, case.number("least"), 1e-12, &what);
        let found = table.independence(true, 0.95).unwrap();
        assert_close(found.statistic, case.list("yates")[0], 1e-9, &what);
        assert_close(found.p_value, case.list("yates")[1], 1e-9, &what);
        if case.value("fisher").is_null() {
            continue;
        }
        let counts: [f64; 4] = counts.try_into().unwrap();
        let sides = [Alternative::TwoSided, Alternative::Less, Alternative::Greater];
        for (side, stored) in sides.into_iter().zip(case.list("fisher")) {
            let found = fisher::fisher(counts, side, 0.95).unwrap();
            assert_close(found.p_value, stored, 1e-9, &format!("{what} Fisher {side:?}"));
        }
        let effect = fisher::fisher(counts, Alternative::TwoSided, 0.95).unwrap().effect.unwrap();
        let (low, high) = effect.interval.unwrap();
        for (found, stored) in [effect.value, low, high].iter().zip(case.list("odds_ratio")) {
            assert_close(*found, stored, 1e-7, &format!("{what} odds ratio"));
        }
    }
    for case in cases(STORED, "goodness") {
        let found = chi_square::goodness_of_fit(&case.list("counts"), &case.list("shares"), 0.95).unwrap();
        assert_close(found.statistic, case.list("found")[0], 1e-9, "goodness of fit");
        assert_close(found.p_value, case.list("found")[1], 1e-9, "goodness of fit");
    }
}

#[test]
fn shares_agree_with_scipy_and_statsmodels() {
    for case in cases(STORED, "proportions") {
        let (k, n, p, side) = (case.integer("k"), case.integer("n"), case.number("p"), side(&case));
        let what = format!("{k} of {n} against {p}, {side:?}");
        let found = proportions::binomial_test(k, n, p, side, 0.95).unwrap();
        assert_close(found.p_value, case.number("p_value"), 1e-9, &what);
        let (low, high) = found.estimate.unwrap().interval.unwrap();
        assert_eq!(found.also[0].interval, Some(proportions::wilson(k, n, side, 0.95)));
        let (wilson_low, wilson_high) = proportions::wilson(k, n, side, 0.95);
        for (found, stored) in [low, high].iter().zip(case.list("exact")) {
            assert_close(*found, stored, 1e-9, &format!("{what} Clopper-Pearson"));
        }
        for (found, stored) in [wilson_low, wilson_high].iter().zip(case.list("wilson")) {
            assert!((found - stored).abs() < 1e-12, "{what} Wilson: {found} is not {stored}");
        }
    }
    for case in cases(STORED, "two_proportions") {
        let share = |name: &str| (case.list(name)[0] as u64, case.list(name)[1] as u64);
        let (a, b, side) = (share("a"), share("b"), side(&case));
        let found = proportions::two_proportions(a, b, side, 0.95).unwrap();
        assert_close(found.statistic, case.list("found")[0], 1e-9, "z");
        assert_close(found.p_value, case.list("found")[1], 1e-9, "p");
        assert_close(found.effect.unwrap().value, case.number("h"), 1e-9, "h");
        if side == Alternative::TwoSided {
            let (low, high) = found.estimate.unwrap().interval.unwrap();
            assert_close(low, case.list("interval")[0], 1e-9, "Newcombe");
            assert_close(high, case.list("interval")[1], 1e-9, "Newcombe");
        }
    }
}

#[test]
fn power_agrees_with_statsmodels() {
    for case in cases(STORED, "powers") {
        let (size, more, n) = (case.number("size"), case.number("more"), case.number("n"));
        let design = match case.text("design").as_str() {
            "one" => Design::OneSample { d: size },
            "two" => Design::TwoSamples { d: size, ratio: more },
            "shares" => Design::Proportions { h: size, ratio: more },
            "anova" => Design::Anova { f: size, groups: more },
            _ => Design::ChiSquare { w: size, degrees: more },
        };
        let found = power::power(design, n, 0.05, side(&case)).unwrap();
        let expected = case.number("power");
        assert!((found - expected).abs() < 1e-9, "{design:?} {n}: {found} is not {expected}");
    }
    // Cohen 1988: a medium effect takes 64 rows a group for a power of 80 %, or 34 pairs.
    let two = Design::TwoSamples { d: 0.5, ratio: 1.0 };
    assert_eq!(power::needed(two, 0.8, 0.05, Alternative::TwoSided), Some(64));
    assert_eq!(power::needed(Design::OneSample { d: 0.5 }, 0.8, 0.05, Alternative::TwoSided), Some(34));
    assert_eq!(power::needed(Design::OneSample { d: 0.0 }, 0.8, 0.05, Alternative::TwoSided), None);
}

#[test]
fn hostile_values_have_a_reason_instead_of_a_number() {
    let (equal, one, large) = (vec![2.0; 9], vec![1.0], vec![1e300, -1e300, 5e299, 0.0, 1.0, 2.0, 3.0, 4.0]);
    let usual = vec![1.0, 3.0, 2.5, 7.0, 4.0, 5.5, 6.0, 0.5];
    let reasons = |values: &[f64]| {
        let sample = Sample::of(values);
        let groups = [values.to_vec(), values.to_vec()];
        let results = [
            t::one_sample(sample, 0.0, Alternative::TwoSided, 0.95),
            t::welch(sample, sample, 0.0, Alternative::TwoSided, 0.95),
            t::student(sample, sample, 0.0, Alternative::Less, 0.95),
            t::equivalence(sample, Some(sample), -1.0, 1.0, 0.95),
            anova::one_way(&[sample, sample, sample], 0.95),
            anova::welch(&[sample, sample], 0.95),
            levene::levene(&groups, Centre::Median),
            anderson_darling::normality(values),
            shapiro_wilk::shapiro_wilk(values),
            RankedGroups::of(&groups).and_then(|ranked| kruskal_wallis::kruskal_wallis(&ranked)),
            mann_whitney::mann_whitney(values, values, Alternative::TwoSided, 0.95),
            kolmogorov_smirnov::two_samples(values, values),
            anderson_darling::k_samples(&groups),
        ];
        for found in results.iter().flatten() {
            assert!(!found.p_value.is_nan() && !found.statistic.is_nan(), "{values:?}: {found:?}");
        }
        results.map(|found| found.is_err()).into_iter().filter(|undefined| *undefined).count()
    };
    assert_eq!(reasons(&usual), 0);
    assert_eq!(reasons(&[]), 13);
    // All but Mann-Whitney's and Kolmogorov's, which need a value.
    assert!(reasons(&one) >= 10 && reasons(&equal) >= 11 && reasons(&large) >= 5);
    assert!(Crosstab::new(&[3.0, 0.0, 4.0, 0.0], 2).is_err());
    assert!(fisher::fisher([0.0, 0.0, 3.0, 4.0], Alternative::TwoSided, 0.95).is_err());
    assert!(proportions::two_proportions((0, 5), (0, 9), Alternative::TwoSided, 0.95).is_err());
    assert!(wilcoxon::signed_rank(&[0.0, 0.0], Alternative::TwoSided, 0.95).is_err());
    assert_eq!(
        t::one_sample(Sample::of(&equal), 2.0, Alternative::TwoSided, 0.95).unwrap_err().0,
        "all values are equal"
    );
}
