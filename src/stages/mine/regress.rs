//! `regress`: how a target depends on other columns.

mod check;
mod coefficients;
mod design;
mod exhibits;
mod fit;
mod judge;
mod rows;
mod survey;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::{self, Values};
use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field, Schema};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use crate::statistics::regression::Errors;
use coefficients::Coefficient;
use rows::Plan;

const FILE: &str = "coefficients.parquet";

/// Fits a linear, logistic or Poisson regression and says how good it is.
///
/// `family: linear` (ordinary least squares) explains a number, `logistic` a yes or no (a boolean, 0 and 1, or a text with `positive`), `poisson` a
/// count, with `exposure` where counts belong to unequal spans; `offset` is added to the logarithm of odds or mean as it is. Numbers and booleans are taken as they are; texts and the columns in
/// `categories` get a coefficient for each level but the base, which is the most frequent level unless `base` names another one. Rows that
/// lack a value in any of the columns are left out and counted.
///
/// The product is a table of coefficients: estimate, standard error, t or z, p-value, interval; odds ratios or rate ratios; standardized
/// coefficients and variance inflation factors (VIF). A column that is constant or a combination of columns before it is dropped with a remark.
/// A logistic model whose columns tell the classes apart without an error (separation) has no finite estimate and is refused.
///
/// `errors` chooses the standard errors: `classic`, `hc0` to `hc3` (valid when the variance differs between rows), `clustered` by the
/// column `cluster` (rows of a group may depend on each other). The report shows R², F test, AIC and BIC, residuals, the most
/// influential rows by Cook's distance, and the tests of Breusch-Pagan, Jarque-Bera and Durbin-Watson.
///
/// Rows are read several times (linear 3, others once for each step, mostly 7 to 10) and need not fit into memory: all that is kept are sums,
/// with 32 digits, so that nearly collinear columns lose none of theirs. When the rows are divided by a `split` above, the model learns from the
/// training rows and is judged on the others too. The rows for figures are a sample of 2,000, drawn with `seed`.
///
/// `weights` are analytic: a row's variance is the model's through its weight, as of a mean of that many values. They are no counts of rows, so
/// errors go by the number of rows; weights by which rows were sampled want `errors: hc1`. All that is told of rows and parts is weighted too.
///
/// Interactions (products of columns) and powers are made by `derive` in front: `derive: {heat: temp * humid, temp2: "power(temp, 2)"}`.
///
/// ```yaml
/// - regress: {target: arr_delay, features: [dep_delay, distance, carrier], errors: hc3}
/// - regress: {from: flights, target: late, features: [distance, origin], family: logistic, base: {origin: JFK}}
/// - regress: {from: days, target: mean_delay, features: [month, rain], weights: flights}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Regress {
    /// The column that is explained.
    target: Spanned<String>,
    /// The columns that explain it.
    features: OneOrMany<Spanned<String>>,
    /// What the target is.
    #[serde(default)]
    family: Family,
    /// The text that counts as yes, for a logistic model of a column of texts; all others are no.
    #[serde(default)]
    positive: Option<Spanned<String>>,
    /// Features that are categories, although they hold numbers.
    #[serde(default)]
    categories: Option<OneOrMany<Spanned<String>>>,
    /// The base level of categories: `{carrier: UA}`.
    #[serde(default)]
    base: Option<Ordered<Spanned<String>>>,
    /// More levels than these are refused, from 2 to 400; 100 when absent.
    #[serde(default)]
    most_levels: Option<Spanned<u32>>,
    /// Whether there is a constant term.
    #[serde(default = "intercept")]
    intercept: bool,
    /// A column of numbers above 0 to which counts are proportional (hours, persons), for `family: poisson`.
    #[serde(default)]
    exposure: Option<Spanned<String>>,
    /// A column of numbers that are added to the terms as they are, with a coefficient of 1, for logistic and Poisson models.
    #[serde(default)]
    offset: Option<Spanned<String>>,
    /// A column of analytic weights. Rows whose weight is missing or not above 0 are left out.
    #[serde(default)]
    weights: Option<Spanned<String>>,
    /// How standard errors are estimated; `classic` when absent, `clustered` beside `cluster`.
    #[serde(default)]
    errors: Option<Spanned<ErrorKind>>,
    /// The column whose equal values make a cluster of rows.
    #[serde(default)]
    cluster: Option<Spanned<String>>,
    /// The level of the intervals; 0.95 when absent.
    #[serde(default)]
    confidence: Option<Spanned<f64>>,
    /// Another seed draws other rows for the figures.
    #[serde(default)]
    seed: u64,
}

fn intercept() -> bool {
    true
}

/// What the target is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// A number: ordinary least squares.
    #[default]
    Linear,
    /// A yes or no: the logarithm of the odds is linear.
    Logistic,
    /// A count: the logarithm of the mean is linear.
    Poisson,
}

/// How standard errors are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// By the model's own variance.
    Classic,
    /// White's, whatever the variance of each row.
    Hc0,
    /// The same times n / (n - k).
    Hc1,
    /// Squared residuals by 1 - leverage.
    Hc2,
    /// By its square. The safest with few rows.
    Hc3,
    /// Rows of a cluster may depend on each other.
    Clustered,
}

impl ErrorKind {
    fn errors(self) -> Errors {
        match self {
            Self::Classic => Errors::Classic,
            Self::Hc0 => Errors::Hc0,
            Self::Hc1 => Errors::Hc1,
            Self::Hc2 => Errors::Hc2,
            Self::Hc3 => Errors::Hc3,
            Self::Clustered => Errors::Clustered,
        }
    }
}

impl Stage for Regress {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let plan = self.checked(&table.schema, id)?;
        let key = context.key("table");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: product_schema() };
        let work = RegressWork { key, plan };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(self))
    }
}

fn product_schema() -> Schema {
    let float = |name: &str| Field::new(name, DataType::Float64);
    let text = |name: &str| Field::new(name, DataType::String);
    let mut fields = vec![text("term"), text("level")];
    fields.extend(NUMBERS.map(float));
    fields.push(text("remark"));
    Schema::new(fields).unwrap_or_default()
}

const NUMBERS: [&str; 11] = [
    "estimate",
    "std_error",
    "statistic",
    "p_value",
    "low",
    "high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "standardized",
    "vif",
];

struct RegressWork {
    key: String,
    plan: Plan,
}

impl RegressWork {
    fn product(coefficients: &[Coefficient]) -> Result<arrow::array::RecordBatch, Diagnostic> {
        let texts = |of: &dyn Fn(&Coefficient) -> Option<String>| Values::Texts(coefficients.iter().map(of).collect());
        let mut columns = vec![("term", texts(&|c| Some(c.term.clone()))), ("level", texts(&|c| c.level.clone()))];
        for (at, name) in NUMBERS.into_iter().enumerate() {
            let values = coefficients.iter().map(|coefficient| coefficient.numbers().get(at).copied().flatten());
            columns.push((name, Values::Floats(values.collect())));
        }
        columns.push(("remark", texts(&|c| c.remark.clone())));
        batch::table(columns)
    }
}

impl Work for RegressWork {
    fn passes(&self, _: usize) -> usize {
        if self.plan.family == Family::Linear { 3 } else { 9 }
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let mut outcome = Outcome::default();
        let fit = fit::fit(&self.plan, &table.training(), context)?;
        let held_out = judge::held_out(&self.plan, &fit, table, context)?;
        batch::write_parquet(&context.artifacts.join(FILE), &Self::product(&fit.coefficients)?)?;
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        outcome.remarks = fit.remarks.clone();
        outcome.exhibits = exhibits::of(&self.plan, &fit, &held_out);
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![
            Change::minus("summarized", counts.first_input()),
            Change::plus("one row for each coefficient", counts.out),
        ]
    }
}
