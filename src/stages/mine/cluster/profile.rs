//! What is in each cluster, gathered while rows go by.

use crate::batch;
use crate::diagnostic::Diagnostic;
use crate::expression::{DataType, Expr, ExprKind, Field, Function, Literal, SortKey};
use crate::relation::{NamedExpr, Relation};
use crate::stages::inputs;
use crate::stages::work::WorkContext;
use crate::statistics::clusters::ClusterFunction;
use crate::statistics::row_function::RowFunction;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::number;

/// Counts of (cluster, value) that are read at most, the largest first.
const COUNTS: u64 = 50_000;

/// Sums over the rows of each cluster, on the scale of the comparison.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    width: usize,
    /// Rows of each cluster.
    pub(super) sizes: Vec<u64>,
    /// Rows that lack nothing and belong to no cluster.
    pub(super) noise: u64,
    /// `[k, width]`.
    sums: Vec<f64>,
    all: Vec<f64>,
    squares: Vec<f64>,
    /// The sum of the squared distances to the centre, for rules with centres.
    pub(super) inertia: f64,
}

impl Profile {
    pub(super) fn new(k: usize, width: usize) -> Self {
        Self {
            width,
            sizes: vec![0; k],
            noise: 0,
            sums: vec![0.0; k * width],
            all: vec![0.0; width],
            squares: vec![0.0; width],
            inertia: 0.0,
        }
    }

    /// Adds a complete row on the scale of the comparison, with its cluster from 0.
    pub(super) fn push(&mut self, row: &[f64], cluster: Option<u32>) {
        for ((all, square), value) in self.all.iter_mut().zip(&mut self.squares).zip(row) {
            *all += value;
            *square += value * value;
        }
        let Some(at) = cluster.map(|cluster| cluster as usize) else {
            self.noise += 1;
            return;
        };
        if let (Some(size), Some(sums)) = (self.sizes.get_mut(at), self.sums.chunks_exact_mut(self.width).nth(at)) {
            *size += 1;
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }

    /// Complete rows.
    pub(super) fn rows(&self) -> u64 {
        self.sizes.iter().sum::<u64>() + self.noise
    }

    /// The mean of each column in a cluster, on the scale of the comparison.
    pub(super) fn mean(&self, cluster: usize) -> Vec<f64> {
        let size = self.sizes.get(cluster).copied().unwrap_or(0).max(1) as f64;
        let sums = self.sums.chunks_exact(self.width).nth(cluster).unwrap_or_default();
        sums.iter().map(|sum| sum / size).collect()
    }

    /// The mean of each column over all rows, on the scale of the comparison.
    pub(super) fn mean_of_all(&self) -> Vec<f64> {
        self.all.iter().map(|sum| sum / self.rows().max(1) as f64).collect()
    }

    /// How many standard deviations of all rows the mean of a cluster lies from that of all rows; none for constant columns.
    pub(super) fn effects(&self, cluster: usize) -> Vec<Option<f64>> {
        let rows = self.rows().max(1) as f64;
        let means = self.mean(cluster).into_iter().zip(self.mean_of_all()).zip(&self.squares);
        means
            .map(|((mean, all), squares)| {
                let variance = squares / rows - all * all;
                (variance > 1e-12 * (squares / rows)).then(|| (mean - all) / variance.sqrt())
            })
            .collect()
    }
}

/// The share of a value in a cluster, and among all rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Category {
    pub(super) value: String,
    pub(super) share: f64,
    pub(super) of_all: f64,
}

/// The most frequent values of a column in each cluster, from 0.
///
/// Errors: the rows cannot be computed.
pub(super) fn categories(
    rows: &Arc<Relation>,
    field: &Field,
    fields: &[Field],
    function: &ClusterFunction,
    context: &WorkContext<'_>,
) -> Result<Vec<Vec<Category>>, Diagnostic> {
    let Some(value) = inputs::shown(field) else { return Ok(Vec::new()) };
    let state = Expr::literal(Literal::String(RowFunction::Cluster(function.clone()).to_text()), DataType::String);
    let kind = ExprKind::Learned { state: Box::new(state), arguments: fields.iter().map(number).collect() };
    let label = Expr::new(kind, DataType::Float64).cast(DataType::Int64, true);
    let named = |name: &str, expr: Expr| NamedExpr { name: name.to_owned(), expr };
    let labelled = Relation::Project { input: rows.clone(), columns: vec![named("c", label), named("v", value)] };
    let column = |name: &str, data_type| named(name, Expr::column(name, data_type));
    let counted = Relation::Aggregate {
        input: labelled.into(),
        keys: vec![column("c", DataType::Int64), column("v", DataType::String)],
        aggregates: vec![named("n", Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64))],
    };
    let key = |name: &str, data_type, descending| SortKey {
        expr: Expr::column(name, data_type),
        descending,
        nulls_first: false,
    };
    let keys =
        vec![key("n", DataType::Int64, true), key("c", DataType::Int64, false), key("v", DataType::String, false)];
    let sorted = Relation::Sort { input: counted.into(), keys };
    let most = Relation::Limit { input: sorted.into(), offset: 0, rows: COUNTS };
    let mut counts: BTreeMap<Option<String>, Vec<(Option<usize>, f64)>> = BTreeMap::new();
    let mut sizes: BTreeMap<Option<usize>, f64> = BTreeMap::new();
    for batch in context.collect(&most)? {
        let [clusters, values, found] = ["c", "v", "n"].map(|name| batch::column(&batch, name));
        let (Some(clusters), Some(values), Some(found)) = (clusters, values, found) else { continue };
        let rows = batch::floats(clusters).into_iter().zip(batch::texts(values)).zip(batch::floats(found));
        for ((cluster, value), count) in rows {
            let cluster = (cluster >= 1.0).then(|| cluster as usize - 1);
            *sizes.entry(cluster).or_default() += count;
            counts.entry(value).or_default().push((cluster, count));
        }
    }
    let total: f64 = sizes.values().sum();
    let k = sizes.keys().flatten().max().map_or(0, |most| most + 1);
    let mut found: Vec<Vec<Category>> = vec![Vec::new(); k];
    for (value, counts) in counts {
        let of_all = counts.iter().map(|(_, count)| count).sum::<f64>() / total;
        for (cluster, count) in counts {
            if let (Some(at), Some(size)) = (cluster, sizes.get(&cluster)) {
                let value = value.clone().unwrap_or_else(|| "no value".to_owned());
                found[at].push(Category { value, share: count / size, of_all });
            }
        }
    }
    for categories in &mut found {
        categories.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.value.cmp(&b.value)));
    }
    Ok(found)
}
