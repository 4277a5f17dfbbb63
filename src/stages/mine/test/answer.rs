//! Answers a question: reads what it needs, chooses the test, makes it, and compares pairs of groups.

use super::choose::{self, Choice};
use super::pairs::{Compared, compare_pairs};
use super::power::plan_power;
use super::question::{Question, Subject, word};
use super::read::{self, Counted, Gathered, Group};
use super::{Distribution, Method, PostHoc, Settings, categories, compute};
use crate::diagnostic::{Class, Diagnostic};
use crate::relation::Relation;
use crate::stages::work::WorkContext;
use crate::statistics::hypothesis::{Tested, Undefined, shapiro_wilk};
use crate::statistics::multiplicity;

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

impl Answer {
    pub(super) fn new(question: &Question, choice: Choice, chosen: bool, result: Result<Tested, Undefined>) -> Self {
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
            Ok(categories::together(question, counted, settings))
        }
        Subject::Fit { column, shares } => {
            let counted = read::categories(column, None, table, context)?;
            categories::shares(question, counted, shares.as_deref(), settings)
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
    let result = compute::test(question, method, &gathered.groups, settings);
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

/// Adjusts the p-values of all questions together.
pub(super) fn adjust(answers: &mut [Answer], settings: &Settings) {
    let raw: Vec<f64> =
        answers.iter().map(|answer| answer.result.as_ref().map_or(f64::NAN, |tested| tested.p_value)).collect();
    for (answer, p) in answers.iter_mut().zip(multiplicity::adjust(&raw, settings.correction)) {
        answer.adjusted = Some(p).filter(|p| p.is_finite());
    }
}
