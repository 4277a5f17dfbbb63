//! `profile`: what is in a table, and what to look at.

pub mod alerts;
mod column;
pub mod comparison;
pub mod document;
pub(crate) mod exhibits;
mod finish;
mod meaning;
mod product;
mod sentinels;
mod table;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::Field;
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, Progress, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use alerts::Severity;
use document::{DependencyProfile, KeyProfile, NullProfile, PairCorrelation, Repeats, TableProfile};
use finish::{Finished, finish};
use table::Accumulators;

/// The table that the stage makes.
const FILE: &str = "profile.parquet";
/// Pairs of correlated columns, patterns of nulls and keys that are kept.
const PAIRS: usize = 200;
const PATTERNS: usize = 50;
/// Remarks that a run prints.
const REMARKS: usize = 10;

/// Profiles a table in one pass: what each column holds and means, and what to look at.
///
/// Beyond what `describe` tells, each column gets a meaning (id, category, e-mail address, code, free text, latitude, ..; numbers,
/// dates and booleans that are stored as text), its outliers, suspicious values (-1, 999, 1970-01-01), lengths, classes of
/// characters and shapes of texts, spellings, gaps between days. The table gets its duplicate rows, which columns are null together, correlations,
/// columns (alone or in pairs) that could be keys, and columns that say what another one says (functional dependencies, also
/// those with exceptions). Each alert says why it matters and which stage mends it, as YAML to paste. The same without a
/// pipeline: `gristmill profile FILE`.
///
/// - Different values are counted one by one while there are at most 16,384 in a column (fewer in tables of more than 64
///   columns, at least 2,048). Then everything is exact. Of more, means, deviations, lengths and classes stay exact,
///   numbers of different values have a standard error of 0.8 %, quantiles a rank error of 0.13 %, counts of frequent
///   values an upper bound.
/// - Duplicate rows and keys are exact up to 2,097,152 different rows and 65,536 different values (duplicate rows: fewer with little memory), and then told from a
///   sample of them with its standard error.
/// - Dependencies and keys of two columns are searched among the first 40 columns: the first 16,384 rows propose, all rows
///   confirm. Correlations are those of the first 40 numeric columns.
///
/// `compare` names another stage: the report then shows columns that came, went or changed their type, and how far the
/// others have moved (population stability index, Kolmogorov-Smirnov distance, nulls, means).
///
/// The product is a table with a row for each column.
///
/// ```yaml
/// - profile: {}
/// - profile: {columns: [dep_delay, carrier, tailnum], top: 20, figures: false}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The columns; all when absent.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// How many of the most frequent values of a column are kept.
    #[serde(default = "top")]
    top: usize,
    /// Whether figures are drawn, of the first 24 columns.
    #[serde(default = "figures")]
    figures: bool,
    /// Another stage to compare the rows with.
    #[serde(default)]
    compare: Option<Spanned<String>>,
}

fn top() -> usize {
    10
}

fn figures() -> bool {
    true
}

impl Stage for Profile {
    fn named_inputs(&self) -> Vec<Spanned<String>> {
        self.compare.iter().cloned().collect()
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = |at: usize| context.input_ids.get(at).map_or("", String::as_str);
        let fields = match &self.columns {
            Some(columns) => inputs::columns(&table.schema, columns.as_slice(), id(0))?,
            None => table.schema.fields().to_vec(),
        };
        if fields.is_empty() {
            return Err(vec![Diagnostic::definition("there is no column to profile")]);
        }
        let other = match &self.compare {
            None => None,
            Some(_) => {
                let other = inputs::table(shapes, 1, context.input_ids)?;
                // Of named columns only those are compared that the other table has.
                let named =
                    |field: &&Field| self.columns.is_none() || fields.iter().any(|ours| ours.name == field.name);
                Some(Side {
                    name: id(1).to_owned(),
                    fields: other.schema.fields().iter().filter(named).cloned().collect(),
                })
            }
        };
        let key = context.key("table");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: product::schema() };
        let side = Side { name: id(0).to_owned(), fields };
        let work = ProfileWork { key, side, other, top: self.top.clamp(1, 1_000), figures: self.figures };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(self))
    }
}

/// A table that is read.
struct Side {
    name: String,
    fields: Vec<Field>,
}

struct ProfileWork {
    key: String,
    side: Side,
    other: Option<Side>,
    top: usize,
    figures: bool,
}

impl ProfileWork {
    /// One pass over the rows.
    fn read(
        &self,
        side: &Side,
        relation: &Relation,
        context: &WorkContext<'_>,
    ) -> Result<(TableProfile, Vec<Finished>), Diagnostic> {
        let names: Vec<String> = side.fields.iter().map(|field| field.name.clone()).collect();
        let relation = crate::relation::keep_columns(relation, &names);
        let mut accumulators = Accumulators::new(&side.fields, context.memory);
        let mut told = 0;
        context.stream(&relation, &mut |batch| {
            // Columns in the order of the fields, whatever order they came in.
            let places: Vec<usize> = names.iter().filter_map(|name| batch.schema_ref().index_of(name).ok()).collect();
            let batch = batch
                .project(&places)
                .map_err(|error| crate::engine::EngineError::new(crate::diagnostic::Class::Stage, error.to_string()))?;
            accumulators.add(batch)?;
            if accumulators.rows >= told + 1_000_000 {
                told = accumulators.rows;
                (context.progress)(Progress {
                    done: told,
                    total: None,
                    unit: "rows".to_owned(),
                    message: String::new(),
                });
            }
            Ok(true)
        })?;
        accumulators.take_rest().map_err(Diagnostic::from)?;
        accumulators.check()?;
        let finished: Vec<Finished> = accumulators.columns.par_iter().map(|column| finish(column, self.top)).collect();
        Ok((summary(&side.name, &accumulators, &finished), finished))
    }
}

impl Work for ProfileWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn flowing(&self) -> usize {
        1
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let (mut profile, finished) = self.read(&self.side, &table.relation, context)?;
        if let (Some(side), Some(Product::Table(other))) = (&self.other, products.get(1)) {
            let (theirs, others) = self.read(side, &other.relation, context)?;
            profile.comparison = Some(comparison::compare(&finished, &side.name, theirs.rows, &others));
        }
        profile.alerts = alerts::alerts(&profile);
        let product = product::of(&profile)?;
        crate::batch::write_parquet(&context.artifacts.join(FILE), &product)?;
        let mut outcome = Outcome::default();
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        outcome.exhibits = exhibits::of(&profile, self.figures);
        outcome.remarks = remarks(&profile);
        outcome.statistics = serde_json::to_value(&profile).unwrap_or_default();
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::minus("profiled", counts.first_input()), Change::plus("one row for each column", counts.out)]
    }
}

/// What a person should hear of even without the report.
fn remarks(profile: &TableProfile) -> Vec<String> {
    let grave: Vec<&alerts::Alert> = profile.alerts.iter().filter(|alert| alert.severity < Severity::Info).collect();
    let mut remarks: Vec<String> = grave.iter().take(REMARKS).map(|alert| exhibits::sentence(alert)).collect();
    if grave.len() > REMARKS {
        remarks.push(format!("and {} more to look at", grave.len() - REMARKS));
    }
    remarks
}

/// The profile of a table, but for its alerts and comparison.
fn summary(name: &str, table: &Accumulators, finished: &[Finished]) -> TableProfile {
    let named = |at: usize| table.columns.get(at).map_or_else(String::new, |column| column.field.name.clone());
    let names = |columns: &[u32]| columns.iter().map(|&at| named(at as usize)).collect::<Vec<String>>();
    let patterns = table.nulls.patterns();
    let shown: Vec<(Vec<String>, u64)> =
        patterns.iter().take(PATTERNS).map(|(columns, rows)| (names(columns), *rows)).collect();
    let in_shown: u64 = shown.iter().map(|(_, rows)| rows).sum();
    let correlations = table.correlation.table();
    let mut pairs = Vec::new();
    for i in 0..table.numeric.len() {
        for j in 0..i {
            let Some(found) = correlations.get(j, i) else { continue };
            let at = |place: usize| table.numeric.get(place).map_or_else(String::new, |&at| named(at));
            pairs.push(PairCorrelation {
                left: at(j),
                right: at(i),
                coefficient: found.coefficient,
                count: found.count,
            });
        }
    }
    pairs.sort_by(|a, b| {
        b.coefficient.abs().total_cmp(&a.coefficient.abs()).then_with(|| (&a.left, &a.right).cmp(&(&b.left, &b.right)))
    });
    pairs.truncate(PAIRS);
    let (keys, dependencies) = structure(table);
    TableProfile {
        name: name.to_owned(),
        read_as_null: Vec::new(),
        rows: table.rows,
        columns: finished.iter().map(|finished| finished.profile.clone()).collect(),
        nulls: NullProfile {
            cells: table.columns.iter().map(|column| column.nulls).sum(),
            complete_rows: table.nulls.complete(),
            patterns: shown,
            other_rows: table.rows - table.nulls.complete() - in_shown,
            together: table.nulls.together().iter().map(|(columns, rows)| (names(columns), *rows)).collect(),
        },
        duplicates: Repeats {
            rows: table.duplicates.repeated(),
            exact: table.duplicates.is_exact(),
            standard_error: table.duplicates.repeated_share().1,
            compared: table.duplicates.kept(),
        },
        correlations: pairs,
        correlated: table.numeric.iter().map(|&at| named(at)).collect(),
        keys,
        dependencies,
        alerts: Vec::new(),
        comparison: None,
    }
}

/// Keys and dependencies of the columns.
fn structure(table: &Accumulators) -> (Vec<KeyProfile>, Vec<DependencyProfile>) {
    let named = |at: usize| table.columns.get(at).map_or_else(String::new, |column| column.field.name.clone());
    let is_constant = |at: usize| {
        table.columns.get(at).is_none_or(|column| match &column.values {
            column::Held::Numbers(numbers) => numbers.distinct().0 + numbers.nan() < 2,
            column::Held::Texts(texts) => texts.distinct().0 < 2,
            column::Held::Opaque => false,
        })
    };
    let mut keys: Vec<KeyProfile> = table
        .columns
        .iter()
        .filter(|column| meaning::is_unique(column))
        .filter(|column| !matches!(&column.values, column::Held::Numbers(numbers) if numbers.nan() > 0 || column.field.data_type.is_float()))
        .map(|column| {
            let unique = column.unique.as_ref();
            let strict = matches!(&column.values, column::Held::Numbers(numbers) if numbers.order().is_strict());
            KeyProfile {
                columns: vec![column.field.name.clone()],
                exact: strict || unique.is_some_and(crate::statistics::profile::Uniqueness::is_exact),
                compared: if strict { table.rows } else { unique.map_or(0, crate::statistics::profile::Uniqueness::kept) },
            }
        })
        .collect();
    let alone: Vec<String> = keys.iter().flat_map(|key| key.columns.clone()).collect();
    let (pairs, dependencies, _) = table.dependencies.found();
    let place = |at: usize| table.searched.get(at).copied().unwrap_or(usize::MAX);
    let complete =
        |at: usize| table.columns.get(at).is_some_and(|column| column.nulls == 0 && !column.field.data_type.is_float());
    if table.rows >= 10 {
        for pair in pairs {
            let (a, b) = (place(pair.columns.0), place(pair.columns.1));
            let columns = vec![named(a), named(b)];
            if complete(a) && complete(b) && !columns.iter().any(|name| alone.contains(name)) {
                keys.push(KeyProfile { columns, exact: pair.exact, compared: pair.checked });
            }
        }
    }
    let dependencies = dependencies
        .into_iter()
        .map(|found| (place(found.from), place(found.to), found))
        .filter(|(from, to, _)| !is_constant(*from) && !is_constant(*to) && table.rows >= 30)
        .filter(|(_, to, found)| found.violations == 0.0 || !nearly_constant(table, *to, found.violations))
        .map(|(from, to, found)| DependencyProfile {
            from: named(from),
            to: named(to),
            violations: found.violations,
            exact: found.exact,
        })
        .collect();
    (keys, dependencies)
}

/// Whether always saying the most frequent value would be wrong in hardly more rows than the dependency.
fn nearly_constant(table: &Accumulators, at: usize, violations: f64) -> bool {
    let Some(column) = table.columns.get(at) else { return true };
    let most = match &column.values {
        column::Held::Numbers(numbers) => numbers.tally().top(1).first().map_or(0, |slot| slot.count),
        column::Held::Texts(texts) => texts.top(1).first().map_or(0, |(_, slot)| slot.count),
        column::Held::Opaque => 0,
    };
    let most = most.max(column.nulls);
    1.0 - document::share(most, table.rows) <= 2.0 * violations
}
