//! Answers a question: reads what it needs, chooses the test, makes it, and compares pairs of groups.

use super::choose::{self, Choice};
use super::question::{Question, Subject, word};
use super::read::{self, Counted, Gathered, Group};
use super::{Distribution, Method, PostHoc, Settings};
use crate::diagnostic::{Class, Diagnostic};
use crate::relation::Relation;
use crate::stages::work::WorkContext;
use crate::statistics::distributions::normal;
use crate::statistics::hypothesis::chi_square::{Crosstab, goodness_of_fit};
use crate::statistics::hypothesis::kruskal_wallis::{RankedGroups, kruskal_wallis};
use crate::statistics::hypothesis::levene::{Centre, levene};
use crate::statistics::hypothesis::post_hoc::{Comparison, dunn, games_howell, tukey};
use crate::statistics::hypothesis::power::{Design, needed, power};
use crate::statistics::hypothesis::{
    Alternative, Sample, Tested, Undefined, anderson_darling, anova, fisher, kolmogorov_smirnov, mann_whitney,
    proportions, shapiro_wilk, t, wilcoxon,
};
use crate::statistics::multiplicity;

/// Groups whose pairs are compared at most.
const MOST_COMPARED: usize = 50;

/// What came out.
pub(super) struct Answer {
    pub(super) question: Question,
    pub(super) method: Method,
    /// Why that test; none where it was asked for.
    pub(super) why: Option<String>,
    pub(super) result: Result<Tested, Undefined>,
    /// The p-value among those of all questions.
    pub(super) adjusted: Option<f64>,
    pub(super) comparisons: Vec<Compared>,
    /// How pairs were compared: "Games-Howell".
    pub(super) compared_by: &'static str,
    pub(super) groups: Vec<Group>,
    /// Categories with counts, where those are tested.
    pub(super) counted: Option<Counted>,
    pub(super) rows: u64,
    pub(super) left_out: u64,
    /// What a reader should know, in sentences.
    pub(super) notes: Vec<String>,
    pub(super) power: Option<f64>,
    /// Whether power was asked for, but is not known for this test.
    pub(super) without_power: bool,
    /// Rows that the wanted power takes in all.
    pub(super) needed: Option<u64>,
}

/// Two groups compared, with their names.
pub(super) struct Compared {
    pub(super) first: String,
    pub(super) second: String,
    pub(super) comparison: Comparison,
}

impl Answer {
    fn new(question: &Question, choice: Choice, chosen: bool, result: Result<Tested, Undefined>) -> Self {
        Self {
            question: question.clone(),
            method: choice.method,
            why: chosen.then_some(choice.why),
            result,
            adjusted: None,
            comparisons: Vec::new(),
            compared_by: "",
            groups: Vec::new(),
            counted: None,
            rows: 0,
            left_out: 0,
            notes: Vec::new(),
            power: None,
            without_power: false,
            needed: None,
        }
    }

    /// Rows that the test used.
    pub(super) fn used(&self) -> u64 {
        if self.counted.is_some() {
            self.rows - self.left_out
        } else {
            self.groups.iter().map(|group| group.moments.count()).sum()
        }
    }
}

/// Answers one question.
pub(super) fn answer(
    question: &Question,
    table: &Relation,
    settings: &Settings,
    context: &WorkContext<'_>,
) -> Result<Answer, Diagnostic> {
    match &question.subject {
        Subject::Cross { a, b } => {
            let counted = read::categories(a, Some(b), table, context)?;
            Ok(about_categories(question, counted, settings))
        }
        Subject::Fit { column, shares } => {
            let counted = read::categories(column, None, table, context)?;
            about_shares(question, counted, shares.as_deref(), settings)
        }
        _ => about_numbers(question, table, settings, context),
    }
}

fn needs_values(method: Method) -> bool {
    use Method as M;
    matches!(
        method,
        M::MannWhitney
            | M::Wilcoxon
            | M::KruskalWallis
            | M::Levene
            | M::BrownForsythe
            | M::KolmogorovSmirnov
            | M::AndersonDarling
            | M::ShapiroWilk
    )
}

/// Whether values are held for what is asked. `auto` holds them only when it finds that means cannot be compared.
pub(super) fn holds_values(question: &Question) -> bool {
    needs_values(question.method.value) || question.post_hoc == PostHoc::Dunn
}

fn about_numbers(
    question: &Question,
    table: &Relation,
    settings: &Settings,
    context: &WorkContext<'_>,
) -> Result<Answer, Diagnostic> {
    let asked = question.method.value;
    let mut gathered = read::numbers(&question.subject, holds_values(question), table, context)?;
    let choice = choice(question, &gathered);
    if needs_values(choice.method) && !holds_values(question) {
        gathered = read::numbers(&question.subject, true, table, context)?;
    }
    let method = choice.method;
    check_number_of_groups(question, method, &gathered.groups)?;
    let result = test(question, method, &gathered.groups, settings);
    let mut answer = Answer::new(question, choice, asked == Method::Auto, result);
    compare_pairs(&mut answer, &gathered.groups, settings)?;
    let Gathered { groups, rows, left_out, .. } = gathered;
    (answer.rows, answer.left_out) = (rows, left_out);
    answer.groups = groups;
    plan_power(&mut answer, settings);
    // The values are no longer needed; the picture is made of their quantiles.
    answer.groups.iter_mut().for_each(|group| group.values = Vec::new());
    Ok(answer)
}

fn choice(question: &Question, gathered: &Gathered) -> Choice {
    let asked = question.method.value;
    if asked != Method::Auto {
        return Choice { method: asked, why: String::new() };
    }
    let groups = &gathered.groups;
    let fixed = |method, why: &str| Choice { method, why: why.to_owned() };
    match &question.subject {
        Subject::Groups { value, .. } if value.data_type == crate::expression::DataType::Boolean => {
            if groups.len() == 2 {
                fixed(Method::Proportions, "the values are true or false and there are two groups")
            } else {
                fixed(Method::ChiSquare, "the values are true or false and there are more than two groups")
            }
        }
        Subject::Groups { .. } | Subject::Columns(_) if question.equivalence.is_some() => {
            fixed(Method::Welch, "equivalence is asked of means, and variances need not be equal for it")
        }
        Subject::Groups { .. } | Subject::Columns(_) => choose::between(groups),
        Subject::Paired { .. } | Subject::Mean { .. } if question.equivalence.is_some() => {
            fixed(Method::T, "equivalence is asked of means")
        }
        Subject::Paired { .. } => choose::within(groups),
        Subject::Mean { .. } => choose::within(groups),
        Subject::Share { .. } => fixed(Method::Binomial, "it is exact for shares"),
        Subject::Distribution { distribution: Distribution::Normal, .. } => {
            let n = groups.iter().map(|group| group.moments.count()).sum::<u64>();
            if n <= shapiro_wilk::MOST as u64 {
                fixed(Method::ShapiroWilk, "it finds most kinds of departure, up to 5,000 values")
            } else {
                fixed(Method::AndersonDarling, "there are more than 5,000 values")
            }
        }
        Subject::Distribution { .. } => fixed(Method::KolmogorovSmirnov, "the distribution is given"),
        Subject::Cross { .. } | Subject::Fit { .. } => fixed(Method::ChiSquare, "counts are compared"),
    }
}

/// Tests of two groups do not take three.
fn check_number_of_groups(question: &Question, method: Method, groups: &[Group]) -> Result<(), Diagnostic> {
    use Method as M;
    let needs_two = matches!(method, M::T | M::Welch | M::MannWhitney | M::Proportions | M::KolmogorovSmirnov)
        && matches!(question.subject, Subject::Groups { .. } | Subject::Columns(_));
    if !needs_two || groups.len() <= 2 {
        return Ok(());
    }
    let several = match method {
        M::T => "anova",
        M::Welch => "welch_anova",
        M::MannWhitney => "kruskal_wallis",
        M::Proportions => "chi_square",
        _ => "anderson_darling",
    };
    let equivalence = if question.equivalence.is_some() { "equivalence by " } else { "" };
    let message = format!("{equivalence}`{}` compares two groups, but there are {}", word(method), groups.len());
    let names: Vec<&str> = groups.iter().take(6).map(|group| group.name.as_str()).collect();
    let help =
        format!("use `method: {several}`, or keep two of them with `filter`; the groups are {}", names.join(", "));
    Err(Diagnostic::error(Class::Stage, message).at(&question.method.place).help(help))
}

fn undefined<T>(reason: &str) -> Result<T, Undefined> {
    Err(Undefined(reason.to_owned()))
}

fn test(question: &Question, method: Method, groups: &[Group], settings: &Settings) -> Result<Tested, Undefined> {
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
fn shares(groups: &[Group]) -> Result<Vec<(u64, u64)>, Undefined> {
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

fn compare_pairs(answer: &mut Answer, groups: &[Group], settings: &Settings) -> Result<(), Diagnostic> {
    let Ok(tested) = &answer.result else { return Ok(()) };
    let asked = answer.question.post_hoc;
    let kind = match (asked, answer.method) {
        (PostHoc::Auto, _)
            if tested.p_value.is_nan()
                || tested.p_value >= settings.alpha()
                || !(3..=MOST_COMPARED).contains(&groups.len()) =>
        {
            PostHoc::None
        }
        (PostHoc::Auto, Method::Anova) => PostHoc::Tukey,
        (PostHoc::Auto, Method::WelchAnova) => PostHoc::GamesHowell,
        (PostHoc::Auto, Method::KruskalWallis) => PostHoc::Dunn,
        (PostHoc::Auto, _) => PostHoc::None,
        (asked, _) => asked,
    };
    if kind == PostHoc::None {
        return Ok(());
    }
    if groups.len() > MOST_COMPARED {
        let message = format!(
            "`post_hoc` compares at most {MOST_COMPARED} groups with each other, but there are {}",
            groups.len()
        );
        let help = "leave it out, or bring groups together with `derive` first";
        return Err(Diagnostic::error(Class::Stage, message).help(help));
    }
    let samples: Vec<Sample> = groups.iter().map(|group| Sample::from(&group.moments)).collect();
    let (name, compared) = match kind {
        PostHoc::Tukey => ("Tukey", tukey(&samples, settings.confidence)),
        PostHoc::GamesHowell => ("Games-Howell", games_howell(&samples, settings.confidence)),
        _ => {
            let values: Vec<Vec<f64>> = groups.iter().map(|group| group.values.clone()).collect();
            ("Dunn", RankedGroups::of(&values).map(|ranked| dunn(&ranked)))
        }
    };
    match compared {
        Ok(mut comparisons) => {
            if kind == PostHoc::Dunn {
                let raw: Vec<f64> = comparisons.iter().map(|one| one.p_value).collect();
                let adjusted = multiplicity::adjust(&raw, settings.correction);
                comparisons.iter_mut().zip(adjusted).for_each(|(one, p)| one.p_value = p);
            }
            let named = |at: usize| groups.get(at).map(|group| group.name.clone()).unwrap_or_default();
            answer.compared_by = name;
            answer.comparisons = comparisons
                .into_iter()
                .map(|one| Compared { first: named(one.first), second: named(one.second), comparison: one })
                .collect();
        }
        Err(reason) => answer.notes.push(format!("Pairs were not compared: {reason}.")),
    }
    Ok(())
}

fn about_categories(question: &Question, counted: Counted, settings: &Settings) -> Answer {
    let table = Crosstab::new(&counted.counts, counted.columns_named.len());
    let asked = question.method.value;
    let choice = match (&table, asked) {
        (Ok(table), Method::Auto) => {
            let (least, _) = table.sparseness();
            if table.shape() == (2, 2) && least < 5.0 {
                Choice {
                    method: Method::Fisher,
                    why: format!("a count of only {least:.1} is expected in one of the four cells"),
                }
            } else {
                let why = if table.shape() == (2, 2) {
                    "each of the four cells expects at least 5 rows"
                } else {
                    "there are more than two by two categories"
                };
                Choice { method: Method::ChiSquare, why: why.to_owned() }
            }
        }
        (Err(_), Method::Auto) => Choice { method: Method::ChiSquare, why: "counts are compared".to_owned() },
        (_, method) => Choice { method, why: String::new() },
    };
    let mut notes = Vec::new();
    let result = table.and_then(|table| {
        if choice.method == Method::Fisher {
            return match (table.shape(), table.cells().map(|cell| cell.0).collect::<Vec<f64>>().as_slice()) {
                ((2, 2), &[a, b, c, d]) => fisher::fisher([a, b, c, d], question.alternative, settings.confidence),
                ((rows, columns), _) => {
                    Err(Undefined(format!("the table is {rows} by {columns}, and Fisher's exact test is for two by two")))
                }
            };
        }
        let (least, share) = table.sparseness();
        if least < 1.0 || share > 0.2 {
            notes.push(format!(
                "Expected counts are small ({:.0} % of the cells below 5, the least {least:.2}), so the p-value is rough; bring rare categories together.",
                share * 100.0
            ));
        }
        if question.alternative != Alternative::TwoSided {
            notes.push("Chi-square has no sides; `alternative` was not used.".to_owned());
        }
        table.independence(question.yates, settings.confidence)
    });
    let mut answer = Answer::new(question, choice, asked == Method::Auto, result);
    (answer.rows, answer.left_out, answer.notes) = (counted.rows, counted.left_out, notes);
    answer.counted = Some(counted);
    plan_power(&mut answer, settings);
    answer
}

fn about_shares(
    question: &Question,
    counted: Counted,
    shares: Option<&[(String, f64)]>,
    settings: &Settings,
) -> Result<Answer, Diagnostic> {
    let mut counted = counted;
    let expected: Vec<f64> = match shares {
        None => vec![1.0; counted.rows_named.len()],
        Some(shares) => {
            if let Some(name) = counted.rows_named.iter().find(|name| !shares.iter().any(|(known, _)| known == *name)) {
                let message = format!("`shares` says nothing of the category `{name}`, which occurs");
                return Err(Diagnostic::error(Class::Stage, message).at(&question.method.place));
            }
            let count = |name: &String| {
                let at = counted.rows_named.iter().position(|known| known == name);
                at.and_then(|at| counted.counts.get(at)).copied().unwrap_or(0.0)
            };
            counted.counts = shares.iter().map(|(name, _)| count(name)).collect();
            counted.rows_named = shares.iter().map(|(name, _)| name.clone()).collect();
            shares.iter().map(|(_, share)| *share).collect()
        }
    };
    let (n, all): (f64, f64) = (counted.counts.iter().sum(), expected.iter().sum());
    let result = goodness_of_fit(&counted.counts, &expected, settings.confidence);
    let choice = Choice { method: Method::ChiSquare, why: "counts are compared with given shares".to_owned() };
    let mut answer = Answer::new(question, choice, question.method.value == Method::Auto, result);
    let small = expected.iter().filter(|share| *share / all * n < 5.0).count();
    if small > 0 {
        answer.notes.push(format!(
            "{small} of {} categories expect fewer than 5 rows, so the p-value is rough.",
            expected.len()
        ));
    }
    (answer.rows, answer.left_out) = (counted.rows, counted.left_out);
    answer.counted = Some(counted);
    plan_power(&mut answer, settings);
    Ok(answer)
}

/// How surely an effect of the wanted size would have been found, and how many rows that takes.
fn plan_power(answer: &mut Answer, settings: &Settings) {
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

/// Adjusts the p-values of all questions together.
pub(super) fn adjust(answers: &mut [Answer], settings: &Settings) {
    let raw: Vec<f64> =
        answers.iter().map(|answer| answer.result.as_ref().map_or(f64::NAN, |tested| tested.p_value)).collect();
    for (answer, p) in answers.iter_mut().zip(multiplicity::adjust(&raw, settings.correction)) {
        answer.adjusted = Some(p).filter(|p| p.is_finite());
    }
}
