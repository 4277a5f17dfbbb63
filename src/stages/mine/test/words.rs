//! What a test found, in plain words.

use super::answer::Answer;
use super::question::Subject;
use super::{Method, Settings};
use crate::digits;
use crate::statistics::hypothesis::{Alternative, Measured};

/// Rows from which a significant difference may be too small to matter.
const MANY: u64 = 5_000;

/// What people call a test.
pub(super) fn method(method: Method) -> &'static str {
    match method {
        Method::Auto => "chosen test",
        Method::T => "Student's t test",
        Method::Welch => "Welch's t test",
        Method::MannWhitney => "Mann-Whitney U test",
        Method::Wilcoxon => "Wilcoxon signed rank test",
        Method::Anova => "analysis of variance",
        Method::WelchAnova => "Welch's analysis of variance",
        Method::KruskalWallis => "Kruskal-Wallis test",
        Method::Levene => "Levene's test",
        Method::BrownForsythe => "Brown-Forsythe test",
        Method::ChiSquare => "chi-square test",
        Method::Fisher => "Fisher's exact test",
        Method::KolmogorovSmirnov => "Kolmogorov-Smirnov test",
        Method::AndersonDarling => "Anderson-Darling test",
        Method::ShapiroWilk => "Shapiro-Wilk test",
        Method::Binomial => "exact binomial test",
        Method::Proportions => "z test of two shares",
    }
}

/// The test inside of a sentence: `Welch's t test`, `the chi-square test`.
pub(super) fn with_article(of: Method) -> String {
    let name = method(of);
    if name.contains("'s ") { name.to_owned() } else { format!("the {name}") }
}

/// A number with about three digits that matter.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        if value > 0.0 { "∞".to_owned() } else { "−∞".to_owned() }
    } else if (size >= 100.0 || value.fract() == 0.0) && size < 1e12 {
        digits::fixed(value, 0)
    } else if !(1e-5..1e12).contains(&size) {
        format!("{value:.2e}").replace('-', "−")
    } else {
        let places = match size {
            1.0.. => 2,
            0.01.. => 3,
            0.001.. => 4,
            0.0001.. => 5,
            _ => 6,
        };
        digits::fixed(value, places)
    }
}

/// A number as it was written.
pub(super) fn written(value: f64) -> String {
    let text = format!("{value:?}").replace('-', "−");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// `3.4 (95 % interval 2.1 to 4.7)`.
fn with_interval(measured: &Measured, confidence: f64) -> String {
    let value = number(measured.value);
    let percent = digits::percent(confidence);
    match measured.interval {
        Some((low, high)) if low.is_finite() && high.is_finite() => {
            format!("{value} ({percent} interval {} to {})", number(low), number(high))
        }
        Some((low, _)) if low.is_finite() => format!("{value} ({percent} sure to be above {})", number(low)),
        Some((_, high)) if high.is_finite() => format!("{value} ({percent} sure to be below {})", number(high)),
        _ => value,
    }
}

/// How large an effect is, by the field's rules of thumb (Cohen 1988); nothing for those without.
pub(super) fn size(effect: &Measured) -> Option<&'static str> {
    let limits = match effect.name {
        "Cohen's d" | "Hedges' g" | "Cohen's h" => [0.2, 0.5, 0.8],
        "rank-biserial correlation" | "Cramér's V" | "Cohen's w" => [0.1, 0.3, 0.5],
        "eta squared" | "epsilon squared" => [0.01, 0.06, 0.14],
        _ => return None,
    };
    let [small, medium, large] = limits;
    let size = effect.value.abs();
    Some(if size < small {
        "negligible"
    } else if size < medium {
        "small"
    } else if size < large {
        "medium"
    } else {
        "large"
    })
}

/// The finding in a sentence or two.
pub(super) fn verdict(answer: &Answer, settings: &Settings) -> String {
    let tested = match &answer.result {
        Ok(tested) => tested,
        Err(reason) => return format!("{}: {reason}.", answer.question.name),
    };
    let p = answer.adjusted.unwrap_or(tested.p_value);
    let found = p < settings.alpha();
    let adjusted = if answer.adjusted.is_some_and(|adjusted| adjusted != tested.p_value) { "adjusted " } else { "" };
    let mut text = claim(answer, found);
    text += &format!(" ({adjusted}{})", digits::p_value(p));
    if let Some(estimate) = &tested.estimate
        && answer.question.equivalence.is_none()
    {
        let named = with_interval(estimate, settings.confidence);
        text += &format!("; {}: {named}", estimate.name);
    } else if let (Some(estimate), Some(bounds)) = (&tested.estimate, answer.question.equivalence) {
        let named = with_interval(estimate, 2.0 * settings.confidence - 1.0);
        text += &format!("; {}: {named}, bounds {} to {}", estimate.name, written(bounds.low), written(bounds.high));
    }
    text += ".";
    if let Some(effect) = &tested.effect
        && let Some(size) = size(effect)
    {
        let omega = tested.also.iter().find(|measured| measured.name == "omega squared");
        let omega = omega.map(|omega| format!(", {} {}", omega.name, number(omega.value))).unwrap_or_default();
        text += &format!(" The effect is {size} ({} {}{omega}).", effect.name, number(effect.value));
    }
    text += &ratio(answer, settings).unwrap_or_default();
    text
}

/// How many times as frequent something is in one of two groups as in the other, as a sentence.
fn ratio(answer: &Answer, settings: &Settings) -> Option<String> {
    let tested = answer.result.as_ref().ok()?;
    let risk = tested.also.iter().find(|measured| measured.name == "risk ratio" && measured.value.is_finite())?;
    let groups: Vec<&str> = answer.groups.iter().map(|group| group.name.as_str()).collect();
    let (what, first, second) = match (&answer.question.subject, groups.as_slice(), &answer.counted) {
        (Subject::Groups { value, .. }, [a, b], _) => {
            // Rows of a table of counts are compared the other way round than means.
            let (first, second) = if answer.method == Method::ChiSquare { (b, a) } else { (a, b) };
            (format!("{} is true", value.name), (*first).to_owned(), (*second).to_owned())
        }
        (Subject::Cross { a, b }, _, Some(counted)) => {
            let (rows, columns) = (counted.rows_named.as_slice(), counted.columns_named.as_slice());
            let ([low, high], [_, yes]) = (rows, columns) else { return None };
            (format!("{} is {yes}", b.name), format!("{} = {high}", a.name), low.clone())
        }
        _ => return None,
    };
    let times = with_interval(risk, settings.confidence);
    Some(format!(" For {first}, {what} {times} times as often as for {second}."))
}

/// What is so, or not known to be so.
fn claim(answer: &Answer, found: bool) -> String {
    let names: Vec<&str> = answer.groups.iter().map(|group| group.name.as_str()).collect();
    let what = what_differs(answer.method);
    let side = answer.question.alternative;
    if answer.question.equivalence.is_some() {
        let subject = answer.question.subject_in_words();
        return if found {
            format!("The difference of {subject} is surely within the bounds")
        } else {
            format!("No evidence that the difference of {subject} is within the bounds")
        };
    }
    let compare = |low: &str, high: &str| match side {
        Alternative::TwoSided => "differ".to_owned(),
        Alternative::Less => low.to_owned(),
        Alternative::Greater => high.to_owned(),
    };
    match (&answer.question.subject, names.as_slice()) {
        (Subject::Groups { value, .. }, [a, b]) => {
            let verb = compare("are lower", "are higher");
            let than = if side == Alternative::TwoSided {
                format!("{what} of {} {verb} between {a} and {b}", value.name)
            } else {
                format!("{what} of {} {verb} for {a} than for {b}", value.name)
            };
            sentence(&than, found)
        }
        (Subject::Groups { value, by }, _) => sentence(
            &format!("{what} of {} differ between the {} groups of {}", value.name, names.len(), by.name),
            found,
        ),
        (Subject::Columns(_), [a, b]) => match side {
            Alternative::TwoSided => sentence(&format!("{what} of {a} and {b} differ"), found),
            _ => sentence(&format!("{what} of {a} {} than those of {b}", compare("are lower", "are higher")), found),
        },
        (Subject::Columns(_), _) => sentence(&format!("{what} of the {} columns differ", names.len()), found),
        (Subject::Paired { a, b }, _) => {
            let verb = match side {
                Alternative::TwoSided => "differs from",
                Alternative::Less => "is lower than",
                Alternative::Greater => "is higher than",
            };
            sentence(&format!("{} {verb} {} within pairs", a.name, b.name), found)
        }
        (Subject::Mean { value, mean }, _) => {
            let centre = if answer.method == Method::Wilcoxon { "the centre" } else { "the mean" };
            sentence(&format!("{centre} of {} {} {}", value.name, is_other(side), written(*mean)), found)
        }
        (Subject::Share { value, share }, _) => sentence(
            &format!("the share of true values of {} {} {}", value.name, is_other(side), written(*share)),
            found,
        ),
        (Subject::Distribution { value, distribution }, _) => {
            let name = match distribution {
                super::Distribution::Normal => "normally distributed",
                super::Distribution::StandardNormal => "standard normally distributed",
                super::Distribution::Uniform => "uniformly distributed between 0 and 1",
                super::Distribution::Exponential => "exponentially distributed with mean 1",
            };
            sentence(&format!("{} is not {name}", value.name), found)
        }
        (Subject::Cross { a, b }, _) => sentence(&format!("{} and {} go together", a.name, b.name), found),
        (Subject::Fit { column, .. }, _) => {
            sentence(&format!("the categories of {} have other shares than expected", column.name), found)
        }
    }
}

fn is_other(side: Alternative) -> &'static str {
    match side {
        Alternative::TwoSided => "is other than",
        Alternative::Less => "is below",
        Alternative::Greater => "is above",
    }
}

fn what_differs(method: Method) -> &'static str {
    match method {
        Method::Levene | Method::BrownForsythe => "the variances",
        Method::KolmogorovSmirnov | Method::AndersonDarling => "the distributions",
        Method::MannWhitney | Method::KruskalWallis => "the ranks",
        Method::Proportions | Method::ChiSquare => "the shares",
        _ => "the means",
    }
}

fn sentence(claim: &str, found: bool) -> String {
    if !found {
        return format!("No evidence that {claim}");
    }
    let mut letters = claim.chars();
    // Names of columns stay as they are written; only our own words begin with a capital letter.
    match letters.next() {
        Some(first) if claim.starts_with("the ") => first.to_uppercase().chain(letters).collect(),
        _ => claim.to_owned(),
    }
}

/// What should be heard of without looking at the report.
pub(super) fn remark(answer: &Answer) -> Option<String> {
    let tested = match &answer.result {
        Ok(tested) => tested,
        Err(reason) => return Some(format!("{}: {reason}", answer.question.name)),
    };
    let effect = tested.effect.as_ref()?;
    let p = answer.adjusted.unwrap_or(tested.p_value);
    let is_small = size(effect) == Some("negligible") && p < 0.05 && answer.used() >= MANY;
    is_small.then(|| {
        format!(
            "{}: with {} nearly any difference is significant; this one is negligible ({} {})",
            answer.question.name,
            digits::rows(answer.used()),
            effect.name,
            number(effect.value)
        )
    })
}
