//! `test`: is what the rows show more than chance would?

mod answer;
mod categories;
mod choose;
mod compute;
mod exhibits;
mod figures;
mod pairs;
mod power;
mod product;
mod question;
mod read;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Holding, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use crate::statistics::hypothesis::Alternative;
use crate::statistics::multiplicity::Correction;
use question::Question;

/// The table that the stage makes.
const FILE: &str = "tests.parquet";

/// Declares the options of the stage and those of one question of several, which share all that is asked.
macro_rules! options {
    ($($(#[$meta:meta])* $field:ident: $kind:ty,)*) => {
        /// Tests hypotheses: do groups differ, do pairs differ, do categories go together, do values follow a distribution?
        ///
        /// What is written decides what is asked:
        ///
        /// | written | asked | methods |
        /// |---|---|---|
        /// | `value`, `by` | does the value differ between the groups? | `t` (equal variances), `welch`, `mann_whitney`, `kolmogorov_smirnov` for two groups; `anova`, `welch_anova`, `kruskal_wallis`, `anderson_darling`, `levene`, `brown_forsythe` for two or more; `proportions` for values that are true or false |
        /// | `value: [a, b]` | do the columns differ? | the same |
        /// | `value: [a, b]`, `paired: true` | do the pairs differ? | `t`, `wilcoxon` |
        /// | `value`, `mean` | is the mean another one? | `t`, `wilcoxon` |
        /// | `value`, `share` | is the share of true values another one? | `binomial` |
        /// | `value`, `distribution` | are the values normally distributed (`normal`), or as given? | `shapiro_wilk`, `anderson_darling`, `kolmogorov_smirnov` |
        /// | `columns: [a, b]` | do two categories go together? | `chi_square`, `fisher` (two by two) |
        /// | `columns: [a]`, `shares` | do the categories have these shares? | `chi_square` |
        ///
        /// `method: auto` chooses and says why. Of means it takes Welch's tests, which need no equal variances, where each group has at least 25 times the
        /// squared skewness of rows (Cochran 1977), so that its mean is as good as normal; else tests by ranks. Of counts it takes Fisher's exact test
        /// for two by two categories with an expected count below 5, else chi-square, with a warning where expected counts are small.
        ///
        /// Beside the effect of an analysis of variance stands omega squared, beside the exact interval of a share Wilson's. Two by two categories have a
        /// risk ratio and an odds ratio: how many times as frequent the last value of the second column is for the last value of the first as
        /// for the other one (`true` after `false`, `yes` after `no`); shares of two groups those of the first group to the second.
        ///
        /// `equivalence: {low, high}` turns a question about means around: is the difference surely between these bounds (two one-sided tests)?
        /// `hypotheses` holds several questions, each with a `name` and the options above; their p-values are adjusted together by `correction`.
        /// After three groups or more, `post_hoc` compares all pairs (at most 50 groups): `tukey` after `anova`, `games_howell` after `welch_anova`, `dunn`
        /// after `kruskal_wallis` (adjusted by `correction`). Intervals hold `confidence`; a p-value below 1 - `confidence` counts as a finding.
        ///
        /// Rows that lack a value are left out and counted. Questions about means, shares and counts are computed while the rows stream by. Questions by
        /// ranks or distributions need the values in memory and are refused with exit code 4 when they do not fit. With many rows nearly any difference
        /// is significant: look at the effect size, which stands beside each p-value with its interval.
        ///
        /// The product is a table with a row for each test and each comparison of two groups.
        ///
        /// ```yaml
        /// - test: {value: arr_delay, by: carrier}
        /// - test: {value: [dep_delay, arr_delay], paired: true, alternative: greater}
        /// - test:
        ///     confidence: 0.99
        ///     correction: holm
        ///     hypotheses:
        ///       - {name: airports, value: dep_delay, by: origin, method: welch_anova, post_hoc: games_howell}
        ///       - {name: no delay, value: dep_delay, equivalence: {low: -1, high: 1}}
        ///       - {columns: [origin, late], method: chi_square}
        /// ```
        #[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Test {
            $($(#[$meta])* $field: $kind,)*
            /// Several questions at once.
            #[serde(default)]
            hypotheses: Option<Vec<Hypothesis>>,
            /// The confidence of intervals.
            #[serde(default = "confidence")]
            confidence: Spanned<f64>,
            /// How the p-values of several hypotheses are adjusted, and those of Dunn's comparisons.
            #[serde(default = "holm")]
            correction: Correction,
            /// Asks how surely an effect of that size would have been found, and how many rows that takes.
            #[serde(default)]
            power: Option<Power>,
        }

        /// One question of several.
        #[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Hypothesis {
            /// What it is called in tables; told from the columns when absent.
            #[serde(default)]
            name: Option<String>,
            $($(#[$meta])* $field: $kind,)*
        }

        impl Test {
            /// The question that is asked outside of `hypotheses`.
            fn own(&self) -> Hypothesis {
                Hypothesis { name: None, $($field: Clone::clone(&self.$field),)* }
            }
        }
    };
}

options! {
    /// The column or columns of values.
    #[serde(default)]
    value: Option<OneOrMany<Spanned<String>>>,
    /// The column whose values are the groups.
    #[serde(default)]
    by: Option<Spanned<String>>,
    /// One or two columns of categories.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// Whether the two values of a row belong together.
    #[serde(default)]
    paired: bool,
    /// The mean that is held against the values.
    #[serde(default)]
    mean: Option<f64>,
    /// The share that is held against the true values.
    #[serde(default)]
    share: Option<Spanned<f64>>,
    /// The shares that are held against the categories of one column, by category; they may add up to anything. Equal shares when absent.
    #[serde(default)]
    shares: Option<Ordered<f64>>,
    /// The distribution that is held against the values.
    #[serde(default)]
    distribution: Option<Distribution>,
    /// The test.
    #[serde(default = "auto")]
    method: Spanned<Method>,
    /// What is held against "no difference".
    #[serde(default)]
    alternative: Alternative,
    /// Bounds between which a difference does not matter.
    #[serde(default)]
    equivalence: Option<Bounds>,
    /// How pairs of groups are compared.
    #[serde(default)]
    post_hoc: PostHoc,
    /// Whether chi-square of two by two categories is corrected for continuity (Yates).
    #[serde(default)]
    yates: bool,
}

/// The test that is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Chosen by what the values look like; the report says why.
    #[default]
    Auto,
    /// Student's t test: of one sample, of pairs, or of two groups with equal variances.
    T,
    /// Welch's t test of two groups with any variances.
    Welch,
    /// Mann-Whitney U test of two groups, by ranks.
    MannWhitney,
    /// Wilcoxon's signed rank test of pairs or one sample.
    Wilcoxon,
    /// Analysis of variance of groups with equal variances.
    Anova,
    /// Welch's analysis of variance of groups with any variances.
    WelchAnova,
    /// Kruskal-Wallis test of groups, by ranks.
    KruskalWallis,
    /// Levene's test of equal variances, from the mean.
    Levene,
    /// Levene's test of equal variances, from the median (Brown and Forsythe).
    BrownForsythe,
    /// Pearson's chi-square test.
    ChiSquare,
    /// Fisher's exact test of two by two categories.
    Fisher,
    /// Kolmogorov-Smirnov test of two groups, or of a given distribution.
    KolmogorovSmirnov,
    /// Anderson-Darling test of groups, or of the normal distribution.
    AndersonDarling,
    /// Shapiro-Wilk test of the normal distribution, up to 5,000 values.
    ShapiroWilk,
    /// Exact binomial test of a share.
    Binomial,
    /// z test of two shares.
    Proportions,
}

/// A distribution.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// The normal distribution, its mean and deviation told from the values.
    Normal,
    /// The standard normal distribution (mean 0, deviation 1); standardize the values first for another one.
    StandardNormal,
    /// The uniform distribution between 0 and 1.
    Uniform,
    /// The exponential distribution with mean 1.
    Exponential,
}

/// How pairs of groups are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PostHoc {
    /// As it fits the test, where there are three to 50 groups and the test has found something.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// Tukey's honestly significant difference (with Kramer's way for groups of different sizes).
    Tukey,
    /// Games and Howell: any variances.
    GamesHowell,
    /// Dunn: by ranks.
    Dunn,
}

/// Bounds of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The lower bound.
    low: f64,
    /// The upper bound.
    high: f64,
}

/// What is asked of the power.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// The size of the effect that should be found: Cohen's d of t tests, f of analyses of variance, h of shares, w of chi-square.
    effect: Spanned<f64>,
    /// How surely.
    #[serde(default = "target")]
    target: Spanned<f64>,
}

fn auto() -> Spanned<Method> {
    Spanned::nowhere(Method::Auto)
}

fn confidence() -> Spanned<f64> {
    Spanned::nowhere(0.95)
}

fn target() -> Spanned<f64> {
    Spanned::nowhere(0.8)
}

fn holm() -> Correction {
    Correction::Holm
}

impl Hypothesis {
    /// Whether no option of a question was written, or only as it is anyway.
    fn is_nothing(&self) -> bool {
        let options = serde_json::to_value(self).unwrap_or_default();
        options.as_object().into_iter().flat_map(|options| options.values()).all(|option| {
            matches!(option, Value::Null | Value::Bool(false)) || matches!(option.as_str(), Some("auto" | "two_sided"))
        })
    }
}

impl Test {
    /// The questions as they were written.
    fn written(&self) -> Result<Vec<Hypothesis>, Findings> {
        match &self.hypotheses {
            None => Ok(vec![self.own()]),
            Some(_) if !self.own().is_nothing() => {
                let message = "`hypotheses` holds the questions, so `value`, `columns`, `method` and their kind stand inside of it";
                Err(vec![Diagnostic::definition(message)])
            }
            Some(several) if several.is_empty() => Err(vec![Diagnostic::definition("`hypotheses` is empty")]),
            Some(several) => Ok(several.clone()),
        }
    }

    fn check(&self) -> Findings {
        let mut findings = Findings::new();
        let mut within = |value: &Spanned<f64>, low: f64, high: f64, name: &str| {
            if !(value.value > low && value.value < high) {
                let message = format!("`{name}` must be between {low} and {high}");
                findings.push(Diagnostic::definition(message).at(&value.place));
            }
        };
        within(&self.confidence, 0.5, 1.0, "confidence");
        if let Some(power) = &self.power {
            within(&power.effect, 0.0, f64::INFINITY, "effect");
            within(&power.target, 0.0, 1.0, "target");
        }
        findings
    }
}

impl Stage for Test {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut findings = self.check();
        let mut questions: Vec<Question> = Vec::new();
        for written in self.written()? {
            match Question::of(&written, &table.schema, id) {
                Ok(question) => questions.push(question),
                Err(mut wrong) => findings.append(&mut wrong),
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let key = context.key("table");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: product::schema() };
        let settings = Settings {
            confidence: self.confidence.value,
            correction: self.correction,
            power: self.power.as_ref().map(|power| (power.effect.value, power.target.value)),
        };
        let work = TestWork { key, questions, settings };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(self))
    }
}

/// What holds for all questions.
#[derive(Debug, Clone, Copy)]
struct Settings {
    confidence: f64,
    correction: Correction,
    /// The effect that should be found, and how surely.
    power: Option<(f64, f64)>,
}

impl Settings {
    /// The level below which a p-value is a finding.
    fn alpha(&self) -> f64 {
        1.0 - self.confidence
    }
}

struct TestWork {
    key: String,
    questions: Vec<Question>,
    settings: Settings,
}

impl Work for TestWork {
    fn passes(&self, _: usize) -> usize {
        self.questions.iter().map(|question| if question.method.value == Method::Auto { 2 } else { 1 }).sum()
    }

    fn holds(&self, rows: u64) -> Option<Holding> {
        // One question is answered after the other, and all look at the same rows.
        self.questions.iter().any(answer::holds_values).then(|| read::holds(rows))
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let mut answers = Vec::with_capacity(self.questions.len());
        for question in &self.questions {
            answers.push(answer::answer(question, &table.relation, &self.settings, context)?);
        }
        answer::adjust(&mut answers, &self.settings);
        crate::batch::write_parquet(&context.artifacts.join(FILE), &product::of(&answers, &self.settings)?)?;
        let mut outcome = Outcome::default();
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        outcome.exhibits = exhibits::of(&answers, &self.settings);
        outcome.remarks = answers.iter().filter_map(words::remark).collect();
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![
            Change::minus("summarized", counts.first_input()),
            Change::plus("one row for each test and comparison", counts.out),
        ]
    }
}
