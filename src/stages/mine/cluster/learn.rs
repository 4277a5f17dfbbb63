//! The work of the stage: learn, put the clusters in order, describe them.

use super::exhibits::{self, Report};
use super::memory::{self, failed};
use super::options::{Method, Scale};
use super::plan::{MISSING, NOISE, Number, POINT, Recipe};
use super::profile::{self, Profile};
use super::stream;
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::exhibit::{Exhibit, Metric};
use crate::expression::{Field, Literal};
use crate::mining::clustering::{ClusteringError, Partition, distinct_rows, quality};
use crate::stages::mine::rows::Rows;
use crate::stages::work::{Change, Holding, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{Product, fit};
use crate::statistics::clusters::scaling::Scaling;
use crate::statistics::clusters::{ClusterFunction, Rule, Tells};
use crate::statistics::row_function::RowFunction;

/// Rows over which silhouettes are measured at most: their number is squared.
pub(super) const MEASURED: usize = 4_000;

/// What was found among the rows.
pub(super) struct Found {
    pub(super) scaling: Scaling,
    /// Rows in memory, on the scale of the comparison: all that were learned from, or a part of them.
    pub(super) rows: Vec<f64>,
    pub(super) width: usize,
    /// Training rows, and those of them that lack a value.
    pub(super) used: (u64, u64),
    /// In words, where not all usable rows were learned from.
    pub(super) learned_from: String,
    /// Whether the rows in memory are all usable ones.
    pub(super) is_all: bool,
    pub(super) rule: Option<Rule>,
    /// Whether rows of no cluster are an answer.
    pub(super) says_noise: bool,
    pub(super) curve: Option<Curve>,
    pub(super) metrics: Vec<Metric>,
    pub(super) figures: Vec<Exhibit>,
    pub(super) remarks: Vec<String>,
    /// Holds the memory of the rows.
    pub(super) reservation: Option<Rows>,
}

impl Found {
    pub(super) fn new(scaling: Scaling, rows: Vec<f64>, width: usize) -> Self {
        Self {
            scaling,
            rows,
            width,
            used: (0, 0),
            learned_from: String::new(),
            is_all: false,
            rule: None,
            says_noise: false,
            curve: None,
            metrics: Vec::new(),
            figures: Vec::new(),
            remarks: Vec::new(),
            reservation: None,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.rows.len() / self.width.max(1)
    }
}

/// How good each number of clusters is.
pub(super) struct Curve {
    pub(super) measure: String,
    pub(super) points: Vec<(usize, f64)>,
    pub(super) chosen: usize,
}

/// Tries every number of clusters and takes the one of greatest mean silhouette, the smallest of equally good ones. All are
/// measured over the same rows, drawn at random when there are many.
pub(super) fn choose_by_silhouette(
    rows: &[f64],
    width: usize,
    range: (usize, usize),
    seed: u64,
    mut labels: impl FnMut(usize) -> Result<Vec<Option<u32>>, ClusteringError>,
) -> Result<(usize, Curve), ClusteringError> {
    let count = rows.len() / width.max(1);
    if count == 0 {
        return Err(ClusteringError::NoRows);
    }
    let differ = distinct_rows(rows, width, range.1);
    if differ < range.0 {
        return Err(ClusteringError::TooManyClusters { k: range.0, rows: differ });
    }
    let drawn = drawn(count, MEASURED, seed);
    let measured: Vec<f64> =
        drawn.iter().flat_map(|at| rows.get(at * width..(at + 1) * width).unwrap_or_default()).copied().collect();
    let mut points = Vec::new();
    let mut best = (range.0, f64::NEG_INFINITY);
    for k in range.0..=range.1.min(differ) {
        let labels = labels(k)?;
        let labels: Vec<Option<u32>> = drawn.iter().map(|at| labels.get(*at).copied().flatten()).collect();
        if let Some(silhouette) = mean_silhouette(&measured, width, &labels) {
            points.push((k, silhouette));
            if silhouette > best.1 {
                best = (k, silhouette);
            }
        }
    }
    let measure = if drawn.len() < count {
        format!("mean silhouette of {} drawn at random", digits::rows(drawn.len() as u64))
    } else {
        "mean silhouette".to_owned()
    };
    Ok((best.0, Curve { measure, points, chosen: best.0 }))
}

/// The mean of the silhouettes; none where they are not defined.
pub(super) fn mean_silhouette(rows: &[f64], width: usize, labels: &[Option<u32>]) -> Option<f64> {
    let found = quality::silhouettes(rows, width, labels)?;
    let count = found.iter().flatten().count().max(1) as f64;
    Some(found.iter().flatten().sum::<f64>() / count)
}

/// At most so many of the numbers below `count`, drawn at random, ascending.
pub(super) fn drawn(count: usize, most: usize, seed: u64) -> Vec<usize> {
    use rand::SeedableRng;
    if count <= most {
        return (0..count).collect();
    }
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = rand::seq::index::sample(&mut rng, count, most).into_vec();
    drawn.sort_unstable();
    drawn
}

/// The error, at the place of `k` where it is about that.
pub(super) fn too_few(error: &ClusteringError, number: &Number) -> Diagnostic {
    let finding = failed(error);
    match (error, number) {
        (ClusteringError::TooManyClusters { .. }, Number::Given(_, Some(place))) => finding.at(place),
        _ => finding,
    }
}

pub(super) struct ClusterWork {
    pub(super) method: Method,
    pub(super) recipe: Recipe,
    pub(super) fields: Vec<Field>,
    pub(super) profile: Vec<Field>,
    pub(super) scale: Scale,
    pub(super) sample: Option<usize>,
    pub(super) seed: u64,
    pub(super) name: String,
    /// The key of what tells the cluster.
    pub(super) key: String,
    /// What the further columns tell, with their keys.
    pub(super) further: Vec<(Tells, String)>,
}

impl Work for ClusterWork {
    fn passes(&self, _: usize) -> usize {
        let learning = match &self.recipe {
            Recipe::MiniBatch { passes, .. } => 2 + passes,
            _ => 1 + usize::from(self.sample.is_some()),
        };
        learning + self.profile.len()
    }

    fn holds(&self, rows: u64) -> Option<Holding> {
        memory::holds(self, rows)
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let training = table.training();
        let mut found = match &self.recipe {
            Recipe::MiniBatch { number, start, batch, passes } => {
                let wanted = stream::Wanted { number, start, batch: *batch, passes: *passes, scale: self.scale };
                stream::learn(&training, &self.fields, &wanted, context)?
            }
            _ => memory::learn(self, &training, context)?,
        };
        let Some(rule) = found.rule.take() else {
            return Err(Diagnostic::error(Class::Stage, "nothing was learned"));
        };
        let told = ClusterFunction { scaling: found.scaling.clone(), rule, tells: Tells::Cluster };
        let labels = told.tell_all(&found.rows).into_iter().map(|label| label.map(|label| label as u32 - 1));
        let partition = Partition::by_size(&labels.collect::<Vec<_>>());
        let (rule, k) = exhibits::in_order(told.rule, &partition.before);
        let labels = partition.labels;
        let function = ClusterFunction { scaling: found.scaling.clone(), rule, tells: Tells::Cluster };
        let distance = matches!(function.rule, Rule::Centres(_)).then(|| function.telling(Tells::Distance));
        let profile = if found.is_all {
            let mut profile = Profile::new(k, found.width);
            found.rows.chunks_exact(found.width).zip(&labels).for_each(|(row, label)| profile.push(row, *label));
            if let Some(distance) = &distance {
                profile.inertia =
                    distance.tell_all(&found.rows).iter().flatten().map(|distance| distance * distance).sum();
            }
            profile
        } else {
            stream::profile(&training, &self.fields, &function, distance.as_ref(), k, context)?
        };
        let mut categories = Vec::new();
        for field in &self.profile {
            let shares = profile::categories(&training, field, &self.fields, &function, context)?;
            categories.push((field.name.clone(), shares));
        }
        let mut outcome = Outcome::default();
        let report = Report {
            work: self,
            found: &found,
            labels: &labels,
            profile: &profile,
            categories: &categories,
            learned_from: fit::learned_from(table),
            has_centres: distance.is_some(),
        };
        outcome.exhibits = report.exhibits();
        outcome.remarks = report.remarks();
        let mut bind = |tells: Tells, key: &str| {
            let text = RowFunction::Cluster(function.telling(tells)).to_text();
            outcome.bindings.literals.insert(key.to_owned(), Literal::String(text));
        };
        bind(Tells::Cluster, &self.key);
        self.further.iter().for_each(|(tells, key)| bind(*tells, key));
        Ok(outcome)
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        exhibits::counted(&self.name, counts)
    }

    fn remarks(&self, counts: &StageCounts) -> Vec<String> {
        let mut remarks = Vec::new();
        let missing = counts.counter(POINT, MISSING);
        if missing > 0 {
            let verb = if missing == 1 { "has" } else { "have" };
            let rows = digits::rows(missing);
            remarks.push(format!("{rows} {verb} no cluster, because a value is missing or infinite"));
        }
        let noise = counts.counter(POINT, NOISE);
        if noise > 0 && noise + missing == counts.out {
            remarks.push("no row belongs to a cluster".to_owned());
        }
        remarks
    }
}
