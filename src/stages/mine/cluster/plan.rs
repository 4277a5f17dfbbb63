//! Checks the options and says what rows come out.

use std::sync::Arc;

use super::learn::ClusterWork;
use super::options::{Cluster, Method, Scale};
use crate::definition::{Spanned, Value};
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::expression::{BinaryOperator, DataType, Expr, Field, Function};
use crate::mining::clustering::agglomerative::Linkage;
use crate::mining::clustering::hdbscan::HdbscanOptions;
use crate::mining::clustering::kmeans::KMeansOptions;
use crate::mining::clustering::mixture::MixtureOptions;
use crate::relation::{NamedExpr, Relation, Tap};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};
use crate::statistics::clusters::Tells;

/// Clusters at most.
const MOST: i64 = 10_000;
/// The greatest number that `k: auto` tries.
const MOST_TRIED: u32 = 50;

/// How many clusters there shall be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Number {
    /// So many; the place is that of the option.
    Given(usize, Option<Place>),
    /// The best from the first to the last.
    Auto(usize, usize),
}

/// What is to be done, with everything checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Recipe {
    Kmeans(Number, KMeansOptions),
    MiniBatch { number: Number, start: KMeansOptions, batch: usize, passes: usize },
    Mixture(Number, MixtureOptions),
    Dbscan { radius: f64, min_points: usize },
    Hdbscan(HdbscanOptions),
    Agglomerative { linkage: Linkage, cut: Cut },
}

/// A column beside that of the clusters.
struct Further<'a> {
    tells: Tells,
    /// The key of what is learned for it.
    key: String,
    name: &'a Spanned<String>,
}

/// Where merging ends.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cut {
    Number(Number),
    Height(f64),
}

/// Names of what the stage counts while rows go by.
pub(super) const MISSING: &str = "missing";
pub(super) const NOISE: &str = "noise";
pub(super) const POINT: &str = "out";

impl Stage for Cluster {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = inputs::numeric_or_all(&table.schema, self.columns.as_ref(), id)?;
        if fields.is_empty() {
            return Err(vec![Diagnostic::definition("there is no column of numbers in which rows could be compared")]);
        }
        let profile = self.profile(table, id)?;
        self.check_meaning()?;
        let recipe = self.recipe()?;
        let key = context.key("cluster");
        let further: Vec<Further<'_>> = [
            (Tells::Distance, "distance", &self.distance),
            (Tells::Probability, "probability", &self.probability),
            (Tells::Strength, "strength", &self.strength),
        ]
        .into_iter()
        .filter_map(|(tells, what, name)| Some(Further { tells, key: context.key(what), name: name.as_ref()? }))
        .collect();
        let relation = self.relation(table, &fields, &key, &further, context)?;
        let work = ClusterWork {
            method: self.method,
            recipe,
            fields,
            profile,
            scale: self.scale,
            sample: self.sample.as_ref().map(|sample| sample.value as usize),
            seed: u64::from(self.seed),
            name: self.name.value.clone(),
            key,
            further: further.into_iter().map(|further| (further.tells, further.key)).collect(),
        };
        Ok(Planned::relation(table.derive(relation)).work(work).meaning(self))
    }
}

impl Cluster {
    fn profile(&self, table: &TableShape, id: &str) -> Result<Vec<Field>, Findings> {
        let Some(names) = &self.profile else { return Ok(Vec::new()) };
        let fields = inputs::columns(&table.schema, names.as_slice(), id)?;
        let wrong: Findings = fields
            .iter()
            .zip(names.iter())
            .filter(|(field, _)| inputs::shown(field).is_none())
            .map(|(field, name)| {
                let message = format!("column `{}` holds {}, which makes no categories", field.name, field.data_type);
                Diagnostic::definition(message).at(&name.place)
            })
            .collect();
        if wrong.is_empty() { Ok(fields) } else { Err(wrong) }
    }

    /// The rows with their clusters, counted as they go by.
    fn relation(
        &self,
        table: &TableShape,
        fields: &[Field],
        key: &str,
        further: &[Further<'_>],
        context: &PlanContext<'_>,
    ) -> Result<Relation, Findings> {
        let arguments: Vec<Expr> = fields.iter().map(number).collect();
        let mut columns = inputs::all_columns(&table.schema);
        let place = if self.name.place == Spanned::nowhere(()).place { context.place } else { &self.name.place };
        inputs::new_name(&table.schema, &self.name.value, place).map_err(|finding| vec![finding])?;
        let label = Expr::learned(key, arguments.clone(), DataType::Float64).cast(DataType::Int64, true);
        inputs::set_column(&mut columns, &self.name.value, label);
        for Further { key, name, .. } in further {
            inputs::new_name(&table.schema, &name.value, &name.place).map_err(|finding| vec![finding])?;
            if columns.iter().any(|column| column.name == name.value) {
                let message = format!("`{}` is the name of two new columns", name.value);
                return Err(vec![Diagnostic::definition(message).at(&name.place)]);
            }
            inputs::set_column(&mut columns, &name.value, Expr::learned(key, arguments.clone(), DataType::Float64));
        }
        let labelled = Relation::Project { input: table.relation.clone(), columns };
        let lacks = fields.iter().map(|field| {
            // null, NaN and infinities: their difference from themselves is not 0.
            let zero = Expr::binary(BinaryOperator::Subtract, number(field), number(field), DataType::Float64);
            let is_zero = Expr::binary(BinaryOperator::Equal, zero, Expr::float(0.0), DataType::Boolean);
            Expr::call(Function::Coalesce, vec![is_zero, Expr::boolean(false)], DataType::Boolean).not()
        });
        let lacks = lacks.reduce(|a, b| Expr::binary(BinaryOperator::Or, a, b, DataType::Boolean));
        let lacks = lacks.unwrap_or_else(|| Expr::boolean(false));
        let none = Expr::column(&self.name.value, DataType::Int64).is_null();
        let tap = Tap {
            stage: context.id.to_owned(),
            point: POINT.to_owned(),
            counters: vec![
                NamedExpr { name: MISSING.to_owned(), expr: lacks.clone() },
                NamedExpr { name: NOISE.to_owned(), expr: none.and(lacks.not()) },
            ],
            samples: Vec::new(),
        };
        Ok(Relation::Tap { input: Arc::new(labelled), tap: tap.into() })
    }

    /// Options that mean nothing to the method.
    fn check_meaning(&self) -> Result<(), Findings> {
        use Method::{Agglomerative, Dbscan, Hdbscan, Kmeans, MiniBatch, Mixture};
        let mut findings = Findings::new();
        let mut only = |name: &str, place: Option<&Place>, methods: &[Method]| {
            if let Some(place) = place
                && !methods.contains(&self.method)
            {
                let names: Vec<String> = methods.iter().map(|method| format!("`{}`", method.name())).collect();
                let names = names.join(", ");
                let message =
                    format!("`{name}` has no meaning for `method: {}`: it belongs to {names}", self.method.name());
                findings.push(Diagnostic::definition(message).at(place));
            }
        };
        let centres = [Kmeans, MiniBatch];
        let numbered = [Kmeans, MiniBatch, Mixture, Agglomerative];
        only("k", self.k.as_ref().map(|k| &k.place), &numbered);
        only("k_range", self.k_range.as_ref().map(|range| &range.place), &numbered);
        only("distance", self.distance.as_ref().map(|name| &name.place), &centres);
        only("probability", self.probability.as_ref().map(|name| &name.place), &[Mixture]);
        only("strength", self.strength.as_ref().map(|name| &name.place), &[Hdbscan]);
        only("starts", self.starts.as_ref().map(|starts| &starts.place), &[Kmeans, MiniBatch, Mixture]);
        only("iterations", self.iterations.as_ref().map(|most| &most.place), &[Kmeans, Mixture]);
        only("tolerance", self.tolerance.as_ref().map(|tolerance| &tolerance.place), &[Kmeans, Mixture]);
        only("batch", self.batch.as_ref().map(|batch| &batch.place), &[MiniBatch]);
        only("passes", self.passes.as_ref().map(|passes| &passes.place), &[MiniBatch]);
        only("covariance", self.covariance.as_ref().map(|form| &form.place), &[Mixture]);
        only("regularization", self.regularization.as_ref().map(|added| &added.place), &[Mixture]);
        only("radius", self.radius.as_ref().map(|radius| &radius.place), &[Dbscan]);
        only("min_points", self.min_points.as_ref().map(|least| &least.place), &[Dbscan]);
        only("min_cluster_size", self.min_cluster_size.as_ref().map(|size| &size.place), &[Hdbscan]);
        only("min_samples", self.min_samples.as_ref().map(|least| &least.place), &[Hdbscan]);
        only("selection", self.selection.as_ref().map(|selection| &selection.place), &[Hdbscan]);
        only("linkage", self.linkage.as_ref().map(|linkage| &linkage.place), &[Agglomerative]);
        only("height", self.height.as_ref().map(|height| &height.place), &[Agglomerative]);
        let in_memory = [Kmeans, Mixture, Dbscan, Hdbscan, Agglomerative];
        only("sample", self.sample.as_ref().map(|sample| &sample.place), &in_memory);
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    fn number(&self, findings: &mut Findings) -> Number {
        let range = self.k_range.as_ref().map_or((2, 10), |range| range.value);
        if let Some(written) = &self.k_range
            && !(2 <= range.0 && range.0 <= range.1 && range.1 <= MOST_TRIED)
        {
            let message = format!("`k_range` goes from at least 2 to at most {MOST_TRIED}, the lower number first");
            findings.push(Diagnostic::definition(message).at(&written.place));
        }
        let Some(node) = &self.k else {
            if let Some(written) = &self.k_range {
                let message = "`k_range` belongs to `k: auto`";
                findings.push(Diagnostic::definition(message).at(&written.place));
            }
            return Number::Given(8, None);
        };
        match &node.value {
            Value::Integer(k) if (1..=MOST).contains(k) => {
                if let Some(written) = &self.k_range {
                    let message = "`k_range` belongs to `k: auto`";
                    findings.push(Diagnostic::definition(message).at(&written.place));
                }
                Number::Given(usize::try_from(*k).unwrap_or(1), Some(node.place.clone()))
            }
            Value::Text(text) if text.value() == "auto" => Number::Auto(range.0 as usize, range.1 as usize),
            _ => {
                let message = format!("`k` is a whole number from 1 to {MOST}, or `auto`");
                findings.push(Diagnostic::definition(message).at(&node.place));
                Number::Given(1, None)
            }
        }
    }

    fn recipe(&self) -> Result<Recipe, Findings> {
        let mut findings = Findings::new();
        let number = self.number(&mut findings);
        let seed = u64::from(self.seed);
        let mut count =
            |written: Option<&Spanned<u32>>, name: &str, usual: u32, range: std::ops::RangeInclusive<u32>| {
                let Some(written) = written else { return usual as usize };
                if !range.contains(&written.value) {
                    let message =
                        format!("`{name}` must lie from {} to {}, not {}", range.start(), range.end(), written.value);
                    findings.push(Diagnostic::definition(message).at(&written.place));
                }
                written.value as usize
            };
        let starts = count(self.starts.as_ref(), "starts", 10, 1..=1_000);
        let usual = if self.method == Method::Mixture { 100 } else { 300 };
        let iterations = count(self.iterations.as_ref(), "iterations", usual, 1..=100_000);
        let batch = count(self.batch.as_ref(), "batch", 1_024, 1..=10_000_000);
        let passes = count(self.passes.as_ref(), "passes", 1, 1..=1_000);
        let min_points = count(self.min_points.as_ref(), "min_points", 5, 1..=1_000_000);
        let min_cluster_size = count(self.min_cluster_size.as_ref(), "min_cluster_size", 5, 2..=1_000_000_000);
        let usual = u32::try_from(min_cluster_size).unwrap_or(5).min(10_000);
        let min_samples = count(self.min_samples.as_ref(), "min_samples", usual, 1..=10_000);
        count(self.sample.as_ref(), "sample", 0, 1..=100_000_000);
        let mut positive = |written: Option<&Spanned<f64>>, name: &str, usual: f64, zero: bool| {
            let Some(written) = written else { return usual };
            if !(written.value.is_finite() && (written.value > 0.0 || (zero && written.value == 0.0))) {
                let message = format!("`{name}` must be {} 0", if zero { "at least" } else { "larger than" });
                findings.push(Diagnostic::definition(message).at(&written.place));
            }
            written.value
        };
        let usual = if self.method == Method::Mixture { 1e-3 } else { 1e-4 };
        let tolerance = positive(self.tolerance.as_ref(), "tolerance", usual, true);
        let regularization = positive(self.regularization.as_ref(), "regularization", 1e-6, true);
        let radius = positive(self.radius.as_ref(), "radius", 0.0, false);
        let height = positive(self.height.as_ref(), "height", 0.0, true);
        let start = KMeansOptions { k: 1, starts, iterations, tolerance, seed };
        let recipe = match self.method {
            Method::Kmeans => Recipe::Kmeans(number, start),
            Method::MiniBatch => Recipe::MiniBatch { number, start, batch, passes },
            Method::Mixture => {
                let covariance = self.covariance.as_ref().map(|form| form.value.into()).unwrap_or_default();
                let options = MixtureOptions { k: 1, covariance, iterations, tolerance, regularization, starts, seed };
                Recipe::Mixture(number, options)
            }
            Method::Dbscan => {
                if self.radius.is_none() {
                    let help =
                        "on standardized columns 0.1 to 1 is usual; the report shows the distances to the nearest rows";
                    findings.push(Diagnostic::definition("`method: dbscan` needs a `radius`").help(help));
                }
                Recipe::Dbscan { radius, min_points }
            }
            Method::Hdbscan => {
                let selection = self.selection.as_ref().map(|selection| selection.value.into()).unwrap_or_default();
                Recipe::Hdbscan(HdbscanOptions { min_cluster_size, min_samples, selection })
            }
            Method::Agglomerative => {
                let cut = match (&self.height, &self.k) {
                    (Some(written), Some(_)) => {
                        let message = "`k` and `height` exclude each other";
                        findings.push(Diagnostic::definition(message).at(&written.place));
                        Cut::Height(height)
                    }
                    (Some(_), None) => Cut::Height(height),
                    (None, _) => Cut::Number(number),
                };
                let linkage = self.linkage.as_ref().map(|linkage| linkage.value.into()).unwrap_or_default();
                Recipe::Agglomerative { linkage, cut }
            }
        };
        if findings.is_empty() { Ok(recipe) } else { Err(findings) }
    }
}

impl Scale {
    /// What was done, in words.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Standardize => "standardized: mean 0 and standard deviation 1",
            Self::Robust => "robust: median 0 and interquartile range 1",
            Self::None => "as they are, only moved to mean 0",
        }
    }
}

/// `x` in float64.
pub(super) fn number(field: &Field) -> Expr {
    Expr::column(&field.name, field.data_type.clone()).cast(DataType::Float64, true)
}
