//! `regress`: how a target depends on other columns.

mod design;
mod exhibits;
mod fit;
mod judge;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::{self, Values};
use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::expression::{DataType, Field, Schema};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use crate::statistics::regression::Errors;
use design::Plan;
use fit::Coefficient;

const FILE: &str = "coefficients.parquet";

/// Fits a linear, logistic or Poisson regression and says how good it is.
///
/// `family: linear` (ordinary least squares) explains a number, `logistic` a yes or no (a boolean, 0 and 1, or a text with `positive`), `poisson` a
/// count, with `exposure` where counts belong to unequal spans. Numbers and booleans are taken as they are; texts and the columns in
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
/// Products of columns (interactions) and powers are made by `derive` in front.
///
/// ```yaml
/// - regress: {target: arr_delay, features: [dep_delay, distance, carrier], errors: hc3}
/// - regress: {from: flights, target: late, features: [distance, origin], family: logistic, base: {origin: JFK}}
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
    /// Squared residuals by 1 - leverage; linear only.
    Hc2,
    /// By its square; linear only. The safest with few rows.
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

impl Regress {
    fn checked(&self, schema: &Schema, id: &str) -> Result<Plan, Findings> {
        let mut findings = Findings::new();
        let target = inputs::column(schema, &self.target, id).map_err(|finding| vec![finding])?.clone();
        let features = inputs::columns(schema, self.features.as_slice(), id)?;
        let categories = match &self.categories {
            Some(names) => inputs::columns(schema, names.as_slice(), id)?,
            None => Vec::new(),
        };
        for (field, name) in categories.iter().zip(self.categories.iter().flat_map(|names| names.as_slice())) {
            if !features.contains(field) {
                let message = format!("column `{}` is not among the `features`", field.name);
                findings.push(Diagnostic::definition(message).at(&name.place));
            }
        }
        let target_ok = match self.family {
            Family::Logistic if target.data_type == DataType::String => true,
            _ => target.data_type.is_numeric() || target.data_type == DataType::Boolean,
        };
        if !target_ok {
            let message = format!("column `{}` holds {}, not numbers", target.name, target.data_type);
            findings.push(Diagnostic::definition(message).at(&self.target.place));
        }
        match (&self.positive, target.data_type == DataType::String && self.family == Family::Logistic) {
            (None, true) => {
                let message = format!("column `{}` holds texts: which one counts as yes?", target.name);
                findings.push(Diagnostic::definition(message).at(&self.target.place).help("name it with `positive`"));
            }
            (Some(positive), false) => {
                let message = "`positive` belongs to a logistic model of a column of texts";
                findings.push(Diagnostic::definition(message).at(&positive.place));
            }
            _ => {}
        }
        let mut terms = Vec::new();
        for (field, name) in features.iter().zip(self.features.as_slice()) {
            if field.name == target.name {
                findings.push(Diagnostic::definition("the target cannot explain itself").at(&name.place));
            }
            let is_category = categories.contains(field) || field.data_type == DataType::String;
            let fits = if is_category {
                inputs::is_key(&field.data_type) && inputs::shown(field).is_some()
            } else {
                field.data_type.is_numeric() || field.data_type == DataType::Boolean
            };
            if !fits {
                let message = format!(
                    "column `{}` holds {}, which is neither a number nor a category",
                    field.name, field.data_type
                );
                findings.push(
                    Diagnostic::definition(message)
                        .at(&name.place)
                        .help("make numbers of it with `derive`, or name it in `categories`"),
                );
            }
            terms.push((field.clone(), is_category));
        }
        let base = self.bases(&terms, &mut findings);
        let optional = |name: &Option<Spanned<String>>, findings: &mut Findings| -> Option<Field> {
            let name = name.as_ref()?;
            inputs::column(schema, name, id).map_err(|finding| findings.push(finding)).ok().cloned()
        };
        let exposure = optional(&self.exposure, &mut findings);
        if let (Some(written), Some(field)) = (&self.exposure, &exposure) {
            if self.family != Family::Poisson {
                findings.push(Diagnostic::definition("`exposure` belongs to `family: poisson`").at(&written.place));
            }
            if !field.data_type.is_numeric() {
                let message = format!("column `{}` holds {}, not numbers", field.name, field.data_type);
                findings.push(Diagnostic::definition(message).at(&written.place));
            }
            if !self.intercept {
                findings.push(Diagnostic::definition("`exposure` needs the intercept").at(&written.place));
            }
        }
        let cluster = optional(&self.cluster, &mut findings);
        if let (Some(written), Some(field)) = (&self.cluster, &cluster)
            && (!inputs::is_key(&field.data_type) || inputs::shown(field).is_none())
        {
            let message = format!("column `{}` holds {}, which makes no clusters", field.name, field.data_type);
            findings.push(Diagnostic::definition(message).at(&written.place));
        }
        let errors = self.error_kind(&mut findings);
        let confidence = self.confidence.as_ref().map_or(0.95, |confidence| confidence.value);
        if let Some(written) = self.confidence.as_ref().filter(|_| !(confidence > 0.0 && confidence < 1.0)) {
            findings
                .push(Diagnostic::definition("`confidence` must lie between 0 and 1, such as 0.95").at(&written.place));
        }
        let most_levels = self.most_levels.as_ref().map_or(100, |most| most.value);
        if let Some(written) = self.most_levels.as_ref().filter(|_| !(2..=400).contains(&most_levels)) {
            findings.push(Diagnostic::definition("`most_levels` must be from 2 to 400").at(&written.place));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Plan {
            target,
            terms,
            family: self.family,
            positive: self.positive.as_ref().map(|positive| positive.value.clone()),
            base,
            most_levels: most_levels as usize,
            intercept: self.intercept,
            exposure,
            errors,
            cluster,
            confidence,
            seed: self.seed,
        })
    }

    /// The base level that was named for each feature, by its position.
    fn bases(&self, terms: &[(Field, bool)], findings: &mut Findings) -> Vec<Option<String>> {
        let mut found = vec![None; terms.len()];
        for (name, level) in self.base.iter().flat_map(|base| &base.0) {
            match terms.iter().position(|(field, is_category)| *is_category && field.name == name.value) {
                Some(at) => found[at] = Some(level.value.clone()),
                None => {
                    let mut finding =
                        Diagnostic::definition(format!("`{}` is no category among the `features`", name.value))
                            .at(&name.place);
                    let names = terms.iter().filter(|term| term.1).map(|term| term.0.name.as_str());
                    if let Some(near) = nearest(&name.value, names) {
                        finding = finding.label(format!("did you mean `{near}`?"));
                    }
                    findings.push(finding);
                }
            }
        }
        found
    }

    fn error_kind(&self, findings: &mut Findings) -> Errors {
        let Some(written) = &self.errors else {
            return if self.cluster.is_some() { Errors::Clustered } else { Errors::Classic };
        };
        match written.value {
            ErrorKind::Clustered if self.cluster.is_none() => {
                findings
                    .push(Diagnostic::definition("`errors: clustered` needs the column `cluster`").at(&written.place));
            }
            ErrorKind::Hc2 | ErrorKind::Hc3 if self.family != Family::Linear => {
                let message = "`hc2` and `hc3` are made for linear models";
                findings.push(Diagnostic::definition(message).at(&written.place).help("take `hc0` or `hc1`"));
            }
            kind if kind != ErrorKind::Clustered && self.cluster.is_some() => {
                findings.push(
                    Diagnostic::definition("`cluster` has a meaning only for `errors: clustered`").at(&written.place),
                );
            }
            _ => {}
        }
        written.value.errors()
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
