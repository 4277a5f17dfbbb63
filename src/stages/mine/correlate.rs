//! `correlate`: which columns depend on each other.

mod exhibits;
mod memory;
mod pairs;
mod stream;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::{self, Values};
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field, Schema};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Holding, Outcome, StageCounts, Work, WorkContext, signed};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use crate::statistics::multiplicity::{Correction, adjust};
use pairs::{Measure, Pair, PairPlan, Role};

const FILE: &str = "correlations.parquet";

/// Measures how columns depend on each other, pair by pair over the rows in which both have a value.
///
/// | `method` | of | what it finds | interval and p-value |
/// |---|---|---|---|
/// | `pearson` | numbers | linear dependence; beside a boolean it is the point-biserial correlation | Fisher's z; Student's t |
/// | `spearman` | numbers | monotone dependence, by ranks | Fisher's z with Bonett and Wright's variance; Student's t |
/// | `kendall` | numbers | monotone dependence (tau-b): pairs of rows in the same order less those in opposite orders | Fisher's z with Fieller's variance; exact up to 33 rows without ties, else normal |
/// | `distance` | numbers | dependence of any form; 0 of independent columns only | jackknife; chi-squared test of Shen, Panda and Vogelstein |
/// | `cramers_v` | categories | association, from 0 to 1 | noncentral chi-squared; Pearson's chi-squared test |
/// | `correlation_ratio` | categories with numbers | the share of the variance that the category tells, as a root (eta) | noncentral F; F test |
/// | `mutual_information` | everything | what one column tells of the other, in nats (0.693 nats are a bit) | normal; likelihood ratio test |
/// | `auto` | everything | by the types of each pair: `pearson` for two numbers, `cramers_v` for two categories, `correlation_ratio` for one of each | as above |
///
/// Cramér's V, the correlation ratio, distance correlation and mutual information are above 0 by chance alone; `correlation` has
/// that bias taken off (Bergsma; Kelley; Székely and Rizzo; Miller), `uncorrected` is the plain number. For mutual information
/// numbers are cut into `bins` of equally many values; the result is then at most what the numbers themselves tell.
///
/// Texts and booleans are categories, and so are the columns named in `categories` (months, codes). Booleans count as 0 and 1 beside numbers.
/// Columns of more than `most_categories` are left out with a remark, or refused when they were named.
///
/// `p_adjusted` accounts for the number of pairs: by Benjamini and Hochberg, at most a share of 0.05 of the pairs with an adjusted p-value below
/// 0.05 are there by chance.
///
/// `pearson`, `cramers_v`, `correlation_ratio` and `mutual_information` take one or two passes over rows that need not fit into memory. `spearman`,
/// `kendall` and `distance` hold the columns in memory and end with exit code 4 when they do not fit; `sample: N` draws N rows for them.
///
/// The product is a table with a row for each pair, the strongest first.
///
/// ```yaml
/// - correlate: {columns: [dep_delay, arr_delay, distance, air_time], method: spearman}
/// - correlate: {from: flights, with: arr_delay, method: auto, categories: [month, hour]}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Correlate {
    /// The columns, at least two; all columns that the method can take when absent.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// Only the pairs of this column with the others.
    #[serde(default)]
    with: Option<Spanned<String>>,
    /// What is measured.
    #[serde(default)]
    method: Method,
    /// Columns that are categories, although they hold numbers or times.
    #[serde(default)]
    categories: Option<OneOrMany<Spanned<String>>>,
    /// More categories than these make a column unfit for tables of counts, from 2 to 100,000; 1,000 when absent.
    #[serde(default)]
    most_categories: Option<Spanned<u32>>,
    /// Into how many parts of equally many values mutual information cuts numbers, from 2 to 1,000; 10 when absent.
    #[serde(default)]
    bins: Option<Spanned<u32>>,
    /// The level of the intervals; 0.95 when absent.
    #[serde(default)]
    confidence: Option<Spanned<f64>>,
    /// How p-values are adjusted for the number of pairs.
    #[serde(default)]
    correction: Correction,
    /// Rows that are drawn at random for the methods that hold them in memory; all when absent.
    #[serde(default)]
    sample: Option<Spanned<u32>>,
    /// Another seed draws other rows.
    #[serde(default)]
    seed: u64,
}

/// What is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Linear dependence of numbers.
    #[default]
    Pearson,
    /// Monotone dependence of numbers, by ranks.
    Spearman,
    /// Monotone dependence of numbers, by the order of pairs of rows.
    Kendall,
    /// Dependence of numbers in any form.
    Distance,
    /// Association of categories.
    CramersV,
    /// How much a category tells of a number.
    CorrelationRatio,
    /// How much one column tells of another.
    MutualInformation,
    /// By the types of each pair.
    Auto,
}

impl Method {
    /// Whether it needs its columns in memory.
    fn holds_rows(self) -> bool {
        matches!(self, Self::Spearman | Self::Kendall | Self::Distance)
    }

    /// Whether it can take columns of that role.
    fn takes(self, role: Role) -> bool {
        match self {
            Self::Pearson | Self::Spearman | Self::Kendall | Self::Distance => role != Role::Category,
            Self::CramersV => role != Role::Number,
            Self::CorrelationRatio | Self::MutualInformation | Self::Auto => true,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::CramersV => "categories",
            _ => "numbers",
        }
    }
}

/// Options that were checked.
#[derive(Debug, Clone)]
struct Settings {
    confidence: f64,
    bins: u32,
    most_categories: usize,
    sample: Option<usize>,
}

impl Stage for Correlate {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let settings = self.settings()?;
        let (fields, roles) = self.columns(&table.schema, id)?;
        let named = self.columns.is_some() || self.with.is_some();
        let pairs = self.pairs(&fields, &roles);
        if pairs.is_empty() {
            let message = match self.method {
                Method::CorrelationRatio => "needs a column of categories and one of numbers".to_owned(),
                Method::MutualInformation | Method::Auto => "needs at least two columns".to_owned(),
                method => format!("needs at least two columns of {}", method.noun()),
            };
            let mut finding = Diagnostic::definition(message);
            if matches!(self.method, Method::Pearson | Method::CorrelationRatio) {
                finding = finding
                    .help("`method: auto` compares columns of any type; `categories` makes categories of numbers");
            }
            return Err(vec![finding]);
        }
        let key = context.key("table");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: product_schema() };
        let work = CorrelateWork { key, fields, roles, named, pairs, options: self.clone(), settings };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(self))
    }
}

impl Correlate {
    fn settings(&self) -> Result<Settings, Findings> {
        let mut findings = Findings::new();
        let confidence = self.confidence.as_ref().map_or(0.95, |confidence| confidence.value);
        if let Some(written) = self.confidence.as_ref().filter(|_| !(confidence > 0.0 && confidence < 1.0)) {
            findings
                .push(Diagnostic::definition("`confidence` must lie between 0 and 1, such as 0.95").at(&written.place));
        }
        let mut whole =
            |name: &str, option: &Option<Spanned<u32>>, usual: u32, range: std::ops::RangeInclusive<u32>| {
                let Some(written) = option else { return usual };
                if !range.contains(&written.value) {
                    let message = format!("`{name}` must be from {} to {}", range.start(), range.end());
                    findings.push(Diagnostic::definition(message).at(&written.place));
                }
                written.value
            };
        let bins = whole("bins", &self.bins, 10, 2..=1000);
        let most_categories = whole("most_categories", &self.most_categories, 1000, 2..=100_000);
        let sample = self.sample.as_ref().map(|_| whole("sample", &self.sample, 0, 4..=u32::MAX) as usize);
        if let Some(written) = self.sample.as_ref().filter(|_| !self.method.holds_rows()) {
            let message = "`sample` belongs to `spearman`, `kendall` and `distance`: the other methods take all rows as they pass";
            findings.push(Diagnostic::definition(message).at(&written.place));
        }
        if let Some(written) = self.bins.as_ref().filter(|_| self.method != Method::MutualInformation) {
            findings.push(Diagnostic::definition("`bins` belongs to `method: mutual_information`").at(&written.place));
        }
        let settings = Settings { confidence, bins, most_categories: most_categories as usize, sample };
        if findings.is_empty() { Ok(settings) } else { Err(findings) }
    }

    /// The columns with what they can be, in their order; `with` stands first.
    fn columns(&self, schema: &Schema, id: &str) -> Result<(Vec<Field>, Vec<Role>), Findings> {
        let mut findings = Findings::new();
        let categories = match &self.categories {
            Some(names) => inputs::columns(schema, names.as_slice(), id)?,
            None => Vec::new(),
        };
        for (field, name) in categories.iter().zip(self.categories.iter().flat_map(|names| names.as_slice())) {
            if !inputs::is_key(&field.data_type) || inputs::shown(field).is_none() {
                let message = format!("column `{}` holds {}, which makes no categories", field.name, field.data_type);
                findings.push(Diagnostic::definition(message).at(&name.place));
            }
        }
        let role = |field: &Field| {
            if categories.contains(field) {
                return Some(Role::Category);
            }
            match &field.data_type {
                DataType::Boolean => Some(Role::Both),
                DataType::String => Some(Role::Category),
                kind if kind.is_numeric() => Some(Role::Number),
                _ => None,
            }
        };
        let mut names: Vec<Spanned<String>> = self.with.iter().cloned().collect();
        if let Some(columns) = &self.columns {
            names.extend(
                columns.iter().filter(|name| self.with.as_ref().is_none_or(|with| with.value != name.value)).cloned(),
            );
        }
        let mut fields = Vec::new();
        for (field, name) in inputs::columns(schema, &names, id)?.into_iter().zip(&names) {
            match role(&field) {
                Some(found) if self.method.takes(found) => fields.push((field, found)),
                found => {
                    let message =
                        format!("column `{}` holds {}, not {}", field.name, field.data_type, self.method.noun());
                    let mut finding = Diagnostic::definition(message).at(&name.place);
                    finding = match found {
                        Some(Role::Category) => finding
                            .help("cast it first: `derive: {x: \"try_cast(x as double)\"}`, or take `method: auto`"),
                        _ => finding.help("name it in `categories` to compare its values as categories"),
                    };
                    findings.push(finding);
                }
            }
        }
        if self.columns.is_none() {
            let with = self.with.as_ref().map(|with| with.value.as_str());
            let others = schema.fields().iter().filter(|field| with != Some(field.name.as_str()));
            let suits = |field: &Field| {
                let found = role(field).filter(|role| self.method.takes(*role))?;
                // Booleans among numbers are 0 and 1, which a person has to want.
                (found != Role::Both || !self.method.takes(Role::Number) || self.method.takes(Role::Category))
                    .then_some(found)
            };
            fields.extend(others.filter_map(|field| suits(field).map(|role| (field.clone(), role))));
        }
        if findings.is_empty() { Ok(fields.into_iter().unzip()) } else { Err(findings) }
    }

    fn pairs(&self, fields: &[Field], roles: &[Role]) -> Vec<PairPlan> {
        let mut pairs = Vec::new();
        for (i, a) in roles.iter().enumerate().take(if self.with.is_some() { 1 } else { fields.len() }) {
            for (j, b) in roles.iter().enumerate().skip(i + 1) {
                pairs.extend(Measure::of(self.method, *a, *b).map(|measure| PairPlan { a: i, b: j, measure }));
            }
        }
        pairs
    }
}

fn product_schema() -> Schema {
    let float = |name: &str| Field::new(name, DataType::Float64);
    let text = |name: &str| Field::new(name, DataType::String);
    let fields = vec![
        text("a"),
        text("b"),
        float("correlation"),
        Field::new("rows", DataType::Int64),
        float("low"),
        float("high"),
        float("p_value"),
        float("p_adjusted"),
        text("measure"),
        float("uncorrected"),
        text("remark"),
    ];
    Schema::new(fields).unwrap_or_default()
}

struct CorrelateWork {
    key: String,
    fields: Vec<Field>,
    roles: Vec<Role>,
    /// Whether the columns were named, so that one that cannot be compared is an error.
    named: bool,
    pairs: Vec<PairPlan>,
    options: Correlate,
    settings: Settings,
}

impl Work for CorrelateWork {
    fn passes(&self, _: usize) -> usize {
        if self.options.method == Method::MutualInformation { 2 } else { 1 }
    }

    fn holds(&self, rows: u64) -> Option<Holding> {
        self.options.method.holds_rows().then(|| self.reading().holds(rows))
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let mut outcome = Outcome::default();
        let mut pairs = if self.options.method.holds_rows() {
            self.in_memory(&table.relation, context, &mut outcome)?
        } else {
            self.in_passes(&table.relation, context, &mut outcome)?
        };
        let p_values: Vec<f64> = pairs.iter().map(|pair| pair.p_value.unwrap_or(f64::NAN)).collect();
        for (pair, adjusted) in pairs.iter_mut().zip(adjust(&p_values, self.options.correction)) {
            pair.adjusted = Some(adjusted).filter(|p| p.is_finite());
        }
        pairs.sort_by(|a, b| b.strength().total_cmp(&a.strength()));
        let floats = |of: &dyn Fn(&Pair) -> Option<f64>| Values::Floats(pairs.iter().map(of).collect());
        let texts = |of: &dyn Fn(&Pair) -> Option<String>| Values::Texts(pairs.iter().map(of).collect());
        let product = batch::table(vec![
            ("a", texts(&|pair| Some(pair.a.clone()))),
            ("b", texts(&|pair| Some(pair.b.clone()))),
            ("correlation", floats(&|pair| pair.coefficient)),
            ("rows", Values::Integers(pairs.iter().map(|pair| Some(signed(pair.rows))).collect())),
            ("low", floats(&|pair| pair.interval.map(|(low, _)| low))),
            ("high", floats(&|pair| pair.interval.map(|(_, high)| high))),
            ("p_value", floats(&|pair| pair.p_value)),
            ("p_adjusted", floats(&|pair| pair.adjusted)),
            ("measure", texts(&|pair| Some(pair.measure.word().to_owned()))),
            ("uncorrected", floats(&|pair| pair.uncorrected)),
            ("remark", texts(&|pair| pair.remark.clone())),
        ])?;
        batch::write_parquet(&context.artifacts.join(FILE), &product)?;
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        outcome.exhibits.extend(self.exhibits(&pairs));
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::minus("summarized", counts.first_input()), Change::plus("one row for each pair", counts.out)]
    }
}
