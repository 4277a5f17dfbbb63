//! `compare`: how far rows have moved from those of another table, or of the last good run.

mod column;
mod exhibits;
mod side;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::{self, Values};
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::digits;
use crate::expression::{DataType, Field, Schema};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext, signed};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use crate::statistics::multiplicity::{Correction, adjust};
use column::Compared;
use side::Side;

/// The table that the stage makes.
const FILE: &str = "compare.parquet";
/// From this index on a column is said to have moved, although not yet to have drifted (Siddiqi 2006).
const MOVED: f64 = 0.1;
/// Columns of which the record of a run tells how far they have moved.
const TOLD: usize = 1_000;

/// Compares the distribution of each column with another table, or, without `with`, with the last good run of this pipeline.
///
/// Both tables are read once and never held; of a run a few hundred points of each distribution are kept for the next one.
///
/// Numbers, dates and times are compared by the population stability index (PSI) and the distance of Jensen and Shannon over bins
/// (equal shares of the earlier values), the test of Kolmogorov and Smirnov and the Wasserstein distance (in the unit of the
/// column; of dates and times in days). Texts and booleans are compared by index, distance and a chi-squared test over their
/// values, as long as there are at most 10,000 different ones; of more, the lengths in characters (up to 200) are compared as numbers
/// are. Of lists and bytes only the nulls are compared. NaN and infinities count as nulls. Distributions are exact up to 131,072 values, then they have a rank error of 0.13 %; what is kept
/// for the next run has one of 0.2 % more, and 500 values of a text.
///
/// A column has *drifted* when it passes one of the thresholds. With many rows every p-value is small: it says that something
/// differs, not that it matters. So only distances have thresholds, unless `p_value` is given; p-values are adjusted for the
/// number of columns. With few rows, or many categories, chance alone makes an index large: an index or a distance of Jensen and
/// Shannon counts only when a chi-squared test over the same bins or values gives p < 0.01; otherwise the column is *unclear*.
/// A column that is gone, or has changed its type, and a table without rows, are as serious as drift.
///
/// The product is a table with a row for each column, the most serious first. The means of dates and times are days since 1970.
///
/// ```yaml
/// - compare: {with: last_month, columns: [amount, region], thresholds: {psi: 0.2, nulls: 0.01}}
/// - compare: {severity: fail}                  # with the last good run
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// The stage with the earlier rows; the last good run when absent.
    #[serde(default)]
    with: Option<Spanned<String>>,
    /// The columns; all that can be compared when absent.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// From which distance on a column has drifted.
    #[serde(default)]
    thresholds: Thresholds,
    /// Bins of numbers, from 2 to 100.
    #[serde(default = "bins")]
    bins: Spanned<usize>,
    /// How p-values are adjusted for the number of columns.
    #[serde(default)]
    correction: Correction,
    /// What happens when a column has drifted, is gone or has changed its type.
    #[serde(default)]
    severity: Severity,
}

/// From which distance on a column has drifted; what is not given is measured and has no threshold.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Population stability index; 0.25 when absent.
    #[serde(default)]
    psi: Option<Spanned<f64>>,
    /// Change of the share of nulls, either way; 0.05 when absent.
    #[serde(default)]
    nulls: Option<Spanned<f64>>,
    /// Distance of Jensen and Shannon, 0 to 1.
    #[serde(default)]
    jensen_shannon: Option<Spanned<f64>>,
    /// Statistic of Kolmogorov and Smirnov, 0 to 1.
    #[serde(default)]
    ks: Option<Spanned<f64>>,
    /// Wasserstein distance in standard deviations of the earlier values.
    #[serde(default)]
    wasserstein: Option<Spanned<f64>>,
    /// Adjusted p-value below which a column has drifted.
    #[serde(default)]
    p_value: Option<Spanned<f64>>,
}

/// What happens when a column has drifted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is reported.
    #[default]
    Warn,
    /// The run ends with exit code 3.
    Fail,
}

fn bins() -> Spanned<usize> {
    Spanned::nowhere(10)
}

/// What is written in the file, with every default.
#[derive(Debug, Clone, Copy)]
struct Limits {
    psi: f64,
    nulls: f64,
    jensen_shannon: Option<f64>,
    ks: Option<f64>,
    wasserstein: Option<f64>,
    p_value: Option<f64>,
}

impl Stage for Compare {
    fn named_inputs(&self) -> Vec<Spanned<String>> {
        self.with.iter().cloned().collect()
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let other = self.with.as_ref().map(|_| inputs::table(shapes, 1, context.input_ids)).transpose()?;
        let id = |at: usize| context.input_ids.get(at).map_or("", String::as_str);
        let mut findings = self.check_numbers();
        if let Some(with) = self.with.as_ref().filter(|_| id(0) == id(1)) {
            let message = format!("the rows of `{}` are compared with themselves", with.value);
            let help = "leave `with` out to compare with the last good run";
            findings.push(Diagnostic::definition(message).at(&with.place).help(help));
        }
        let mut fields: Vec<Field> = table.schema.fields().to_vec();
        if let Some(columns) = &self.columns {
            fields = inputs::columns(&table.schema, columns.as_slice(), id(0))?;
            for (field, name) in fields.iter().zip(columns.as_slice()) {
                if Kind::of(&field.data_type) == Kind::Other {
                    let message =
                        format!("column `{}` holds {}, which cannot be compared", field.name, field.data_type);
                    findings.push(Diagnostic::definition(message).at(&name.place));
                }
            }
            if let Some(other) = other {
                let missing =
                    columns.as_slice().iter().filter_map(|name| inputs::column(&other.schema, name, id(1)).err());
                findings.extend(missing);
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        if fields.iter().all(|field| Kind::of(&field.data_type) == Kind::Other) {
            return Err(vec![Diagnostic::definition("there is no column to compare")]);
        }
        let named = |field: &&Field| self.columns.is_none() || fields.iter().any(|known| known.name == field.name);
        let before = other.map(|other| other.schema.fields().iter().filter(named).cloned().collect::<Vec<Field>>());
        let key = context.key("table");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: product_schema() };
        let work = CompareWork { key, fields, before, options: self.clone(), limits: self.limits() };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(self))
    }
}

impl Compare {
    fn check_numbers(&self) -> Findings {
        let mut findings = Findings::new();
        if !(2..=100).contains(&self.bins.value) {
            let message = format!("`bins` is a number from 2 to 100, not {}", self.bins.value);
            findings.push(Diagnostic::definition(message).at(&self.bins.place));
        }
        let thresholds = &self.thresholds;
        let bounds = [
            (&thresholds.psi, "psi", f64::MAX),
            (&thresholds.nulls, "nulls", 1.0),
            (&thresholds.jensen_shannon, "jensen_shannon", 1.0),
            (&thresholds.ks, "ks", 1.0),
            (&thresholds.wasserstein, "wasserstein", f64::MAX),
            (&thresholds.p_value, "p_value", 1.0),
        ];
        for (value, name, most) in bounds {
            let Some(value) = value else { continue };
            if !(value.value >= 0.0 && value.value <= most) {
                let range = if most == 1.0 { "a number from 0 to 1" } else { "a number of at least 0" };
                let message = format!("`{name}` is {range}, not {}", value.value);
                findings.push(Diagnostic::definition(message).at(&value.place));
            }
        }
        findings
    }

    fn limits(&self) -> Limits {
        let value = |threshold: &Option<Spanned<f64>>| threshold.as_ref().map(|threshold| threshold.value);
        Limits {
            psi: value(&self.thresholds.psi).unwrap_or(0.25),
            nulls: value(&self.thresholds.nulls).unwrap_or(0.05),
            jensen_shannon: value(&self.thresholds.jensen_shannon),
            ks: value(&self.thresholds.ks),
            wasserstein: value(&self.thresholds.wasserstein),
            p_value: value(&self.thresholds.p_value),
        }
    }
}

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Number,
    /// As days since 1970-01-01.
    Time,
    Category,
    /// Texts with too many different values to count each, by how long they are.
    Length,
    /// Lists, bytes and the like: only their nulls are compared.
    Other,
}

impl Kind {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Date | DataType::Datetime(_) => Self::Time,
            DataType::String | DataType::Boolean => Self::Category,
            kind if kind.is_numeric() => Self::Number,
            _ => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Time => "time",
            Self::Category => "category",
            Self::Length => "text length",
            Self::Other => "other",
        }
    }
}

fn product_schema() -> Schema {
    let float = |name: &str| Field::new(name, DataType::Float64);
    let integer = |name: &str| Field::new(name, DataType::Int64);
    let text = |name: &str| Field::new(name, DataType::String);
    let fields = vec![
        text("column"),
        text("kind"),
        text("verdict"),
        text("reason"),
        integer("rows_before"),
        integer("rows"),
        float("nulls_before"),
        float("nulls"),
        float("mean_before"),
        float("mean"),
        float("psi"),
        float("jensen_shannon"),
        float("ks"),
        float("wasserstein"),
        float("chi_squared"),
        float("p_value"),
        float("p_adjusted"),
    ];
    Schema::new(fields).unwrap_or_default()
}

struct CompareWork {
    key: String,
    fields: Vec<Field>,
    /// The columns of the earlier table; none for the last good run.
    before: Option<Vec<Field>>,
    options: Compare,
    limits: Limits,
}

impl CompareWork {
    fn compare(&self, before: &Side, now: &Side) -> Vec<Compared> {
        let mut compared: Vec<Compared> = now
            .columns
            .iter()
            .map(|column| match before.column(&column.name) {
                Some(earlier) => Compared::of(earlier, column, self.options.bins.value),
                None => Compared::new_column(column),
            })
            .collect();
        let gone = before.columns.iter().filter(|column| now.column(&column.name).is_none());
        compared.extend(gone.map(Compared::gone));
        let p_values: Vec<f64> = compared.iter().map(|column| column.p_value.unwrap_or(f64::NAN)).collect();
        for (column, adjusted) in compared.iter_mut().zip(adjust(&p_values, self.options.correction)) {
            column.p_adjusted = Some(adjusted).filter(|p| !p.is_nan());
            column.judge(&self.limits);
        }
        let psi = |column: &Compared| column.psi.unwrap_or(-1.0);
        compared.sort_by(|a, b| a.verdict.cmp(&b.verdict).then(psi(b).total_cmp(&psi(a))));
        compared
    }
}

impl CompareWork {
    /// What the last good run has left. Where columns are named, the others that it compared are not missed.
    fn last_good(&self, kept: &serde_json::Value) -> Option<Side> {
        let mut side = Side::restore(kept)?;
        if self.options.columns.is_some() {
            side.columns.retain(|column| self.fields.iter().any(|field| field.name == column.name));
        }
        Some(side)
    }
}

/// What the rows are compared with.
struct Earlier<'a> {
    /// The stage with the earlier rows; none for the last good run.
    stage: Option<&'a str>,
    /// When the last good run began.
    begun: String,
}

impl Earlier<'_> {
    /// In words: "stage `january`", "the last good run (4 November 2026, 08:03 UTC)".
    fn name(&self) -> String {
        match self.stage {
            Some(stage) => format!("stage `{stage}`"),
            None => match digits::moment(&self.begun) {
                Some(begun) => format!("the last good run ({begun})"),
                None => "the last good run".to_owned(),
            },
        }
    }

    /// Says that nothing can be compared, where a side has no rows.
    fn without_rows(&self, before: &Side, now: &Side) -> Option<String> {
        match (before.rows, now.rows) {
            (0, 0) => Some(format!("there are no rows to compare, neither now nor in {}", self.name())),
            (0, _) => Some(format!("there are no rows to compare with in {}", self.name())),
            (rows, 0) => Some(format!("there are no rows, and {} in {}", digits::whole(rows), self.name())),
            _ => None,
        }
    }
}

impl Work for CompareWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn always_works(&self) -> bool {
        self.before.is_none()
    }

    fn varies(&self) -> bool {
        self.before.is_none()
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let now = Side::read(&table.relation, &self.fields, context)?;
        let (mut before, mut begun) = (None, String::new());
        if let (Some(fields), Some(Product::Table(other))) = (&self.before, products.get(1)) {
            before = Some(Side::read(&other.relation, fields, context)?);
        } else if let Some(previous) = (context.previous)() {
            before = self.last_good(&previous.statistics);
            begun = previous.begun;
        }
        let mut outcome = Outcome::default();
        let earlier = Earlier { stage: self.options.with.as_ref().map(|with| with.value.as_str()), begun };
        let compared = before.as_ref().map(|before| self.compare(before, &now)).unwrap_or_default();
        batch::write_parquet(&context.artifacts.join(FILE), &product(&compared)?)?;
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        match &before {
            Some(before) => outcome.exhibits = exhibits::all(&compared, before, &now, &earlier, &self.limits),
            None => outcome.exhibits.push(exhibits::first_run()),
        }
        let without_rows = before.as_ref().and_then(|before| earlier.without_rows(before, &now));
        let serious = compared.iter().filter(|column| column.verdict.is_serious()).map(Compared::describe);
        let serious: Vec<String> = without_rows.into_iter().chain(serious).collect();
        // A run without rows was good once; it must not make every later one fail.
        let had_none = self.before.is_none() && before.as_ref().is_some_and(|before| before.rows == 0);
        if self.options.severity == Severity::Warn || had_none {
            outcome.remarks = serious;
        } else if !serious.is_empty() {
            let message = format!("the rows have drifted: {}", serious.join("; "));
            let help = "the report shows what has moved; report it only with `severity: warn`";
            outcome.refusal = Some(Diagnostic::error(Class::Data, message).help(help));
        }
        if self.before.is_none() {
            outcome.statistics = now.keep();
        }
        outcome.statistics["drift"] = told(&compared, before.as_ref(), &now);
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::minus("summarized", counts.first_input()), Change::plus("one row for each column", counts.out)]
    }
}

/// What the conditions of a job read: how far each column has moved, the most serious first, and how many rows were compared with how many
/// (with null where there was nothing to compare with).
fn told(compared: &[Compared], before: Option<&Side>, now: &Side) -> serde_json::Value {
    let columns: Vec<serde_json::Value> = compared.iter().take(TOLD).map(Compared::told).collect();
    serde_json::json!({ "rows_before": before.map(|before| before.rows), "rows": now.rows, "columns": columns })
}

fn product(compared: &[Compared]) -> Result<arrow::array::RecordBatch, Diagnostic> {
    let floats = |of: &dyn Fn(&Compared) -> Option<f64>| Values::Floats(compared.iter().map(of).collect());
    let integers = |of: &dyn Fn(&Compared) -> Option<u64>| {
        Values::Integers(compared.iter().map(|column| of(column).map(signed)).collect())
    };
    let texts = |of: &dyn Fn(&Compared) -> Option<String>| Values::Texts(compared.iter().map(of).collect());
    batch::table(vec![
        ("column", texts(&|c| Some(c.name.clone()))),
        ("kind", texts(&|c| Some(c.kind.name().to_owned()))),
        ("verdict", texts(&|c| Some(c.verdict.name().to_owned()))),
        ("reason", texts(&|c| Some(c.reason.clone()).filter(|reason| !reason.is_empty()))),
        ("rows_before", integers(&|c| c.before.map(|brief| brief.rows))),
        ("rows", integers(&|c| c.now.map(|brief| brief.rows))),
        ("nulls_before", floats(&|c| c.before.and_then(|brief| brief.null_share()))),
        ("nulls", floats(&|c| c.now.and_then(|brief| brief.null_share()))),
        ("mean_before", floats(&|c| c.before.and_then(|brief| brief.mean))),
        ("mean", floats(&|c| c.now.and_then(|brief| brief.mean))),
        ("psi", floats(&|c| c.psi)),
        ("jensen_shannon", floats(&|c| c.jensen_shannon)),
        ("ks", floats(&|c| c.ks)),
        ("wasserstein", floats(&|c| c.wasserstein)),
        ("chi_squared", floats(&|c| c.chi_squared)),
        ("p_value", floats(&|c| c.p_value)),
        ("p_adjusted", floats(&|c| c.p_adjusted)),
    ])
}
