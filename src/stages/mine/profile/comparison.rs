//! Two tables side by side: columns that came, went or changed their type, and how far the values of the others have moved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::share;
use super::finish::Finished;
use crate::statistics::drift::{Empirical, kolmogorov_smirnov};
use crate::statistics::quantiles::Quantiles;
use crate::statistics::stability::stability_index;

/// How a table differs from another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The other table.
    pub other: String,
    /// Its rows.
    pub rows: u64,
    /// Columns that only this table has.
    pub added: Vec<String>,
    /// Columns that only the other table has.
    pub removed: Vec<String>,
    /// Columns with another type: name, type here, type there.
    pub retyped: Vec<(String, String, String)>,
    /// Columns of both, the one that moved most first.
    pub columns: Vec<ColumnComparison>,
}

/// How a column differs. The first of two numbers is of this table, the second of the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnComparison {
    /// Its name.
    pub name: String,
    /// Shares of nulls.
    pub null_shares: (f64, f64),
    /// Different values.
    pub distinct: (u64, u64),
    /// Means of numbers.
    pub means: (Option<f64>, Option<f64>),
    /// Medians of numbers.
    pub medians: (Option<f64>, Option<f64>),
    /// The population stability index from the other table to this one: of numbers over the tenths of the other table, of others
    /// over its 50 most frequent values and all further ones. Below 0.1 counts as stable, above 0.25 as shifted.
    pub stability_index: Option<f64>,
    /// The largest distance of the two distributions of numbers (the statistic of the Kolmogorov-Smirnov test).
    pub ks_distance: Option<f64>,
    /// By how much that distance may be off, where quantiles are estimates.
    pub ks_error: f64,
    /// Values that are frequent here and were not there at all, at most ten.
    pub new_values: Vec<String>,
    /// Values that were frequent there and are not here at all.
    pub lost_values: Vec<String>,
}

/// Values of the other table that make categories of their own.
const CATEGORIES: usize = 50;

/// The comparison of two tables from their columns; `rows` are those of the other.
pub(super) fn compare(ours: &[Finished], name: &str, rows: u64, theirs: &[Finished]) -> Comparison {
    let find = |all: &'_ [Finished], name: &str| all.iter().position(|column| column.profile.name == name);
    let names = |all: &[Finished], other: &[Finished]| -> Vec<String> {
        let missing = all.iter().filter(|column| find(other, &column.profile.name).is_none());
        missing.map(|column| column.profile.name.clone()).collect()
    };
    let pairs: Vec<(&Finished, &Finished)> =
        ours.iter().filter_map(|column| Some((column, theirs.get(find(theirs, &column.profile.name)?)?))).collect();
    let retyped = pairs.iter().filter(|(a, b)| a.profile.r#type != b.profile.r#type);
    let mut columns: Vec<ColumnComparison> = pairs.iter().map(|(a, b)| column(a, b)).collect();
    let moved = |column: &ColumnComparison| {
        column.stability_index.unwrap_or(0.0).max((column.null_shares.0 - column.null_shares.1).abs())
    };
    columns.sort_by(|a, b| moved(b).total_cmp(&moved(a)));
    Comparison {
        other: name.to_owned(),
        rows,
        added: names(ours, theirs),
        removed: names(theirs, ours),
        retyped: retyped
            .map(|(a, b)| (a.profile.name.clone(), a.profile.r#type.clone(), b.profile.r#type.clone()))
            .collect(),
        columns,
    }
}

fn column(ours: &Finished, theirs: &Finished) -> ColumnComparison {
    let (a, b) = (&ours.profile, &theirs.profile);
    let numbers = |of: &dyn Fn(&super::document::NumberProfile) -> Option<f64>| {
        (a.numbers.as_ref().and_then(of), b.numbers.as_ref().and_then(of))
    };
    let quantiles =
        ours.quantiles.as_ref().zip(theirs.quantiles.as_ref()).filter(|_| a.numbers.is_some() && b.numbers.is_some());
    let few = b.distinct.count <= 20;
    let stability = match quantiles {
        Some((ours, theirs)) if !few => tenths(ours, theirs),
        _ if a.r#type == b.r#type => categories(ours, theirs),
        _ => None,
    };
    let missing = |from: &Finished, other: &Finished| -> Vec<String> {
        // Where not all values were kept, one that is missing may only be rare.
        if !other.all_values || a.r#type != b.r#type || from.profile.distinct.count > 1_000 {
            return Vec::new();
        }
        let known = |value: &String| other.values.iter().any(|(other, _)| other == value);
        from.values.iter().map(|(value, _)| value).filter(|value| !known(value)).take(10).cloned().collect()
    };
    ColumnComparison {
        name: a.name.clone(),
        null_shares: (a.null_share(), b.null_share()),
        distinct: (a.distinct.count, b.distinct.count),
        means: numbers(&|numbers| numbers.mean),
        medians: numbers(&|numbers| numbers.quantile(0.5)),
        stability_index: stability,
        ks_distance: quantiles.and_then(|(ours, theirs)| {
            let (before, now) = (Empirical::of_quantiles(theirs), Empirical::of_quantiles(ours));
            kolmogorov_smirnov(&before, &now).map(|found| found.statistic)
        }),
        ks_error: quantiles.map_or(0.0, |(ours, theirs)| ours.rank_error() + theirs.rank_error()),
        new_values: missing(ours, theirs),
        lost_values: missing(theirs, ours),
    }
}

/// The index over the tenths of the other table.
fn tenths(ours: &Quantiles, theirs: &Quantiles) -> Option<f64> {
    let mut edges: Vec<f64> = (1..10).filter_map(|tenth| theirs.quantile(f64::from(tenth) / 10.0)).collect();
    edges.dedup();
    let counts = |side: &Quantiles| {
        let mut before = 0;
        let up_to = edges.iter().map(|&edge| side.count_at_most(edge)).chain([side.count()]);
        let counts: Vec<u64> = up_to.map(|up_to| up_to - std::mem::replace(&mut before, up_to)).collect();
        counts
    };
    let pairs: Vec<(u64, u64)> = counts(theirs).into_iter().zip(counts(ours)).collect();
    stability_index(&pairs)
}

/// The index over the most frequent values of the other table, and all others together.
fn categories(ours: &Finished, theirs: &Finished) -> Option<f64> {
    let mut pairs: Vec<(u64, u64)> = Vec::new();
    for (value, count) in theirs.values.iter().take(CATEGORIES) {
        let now = ours.values.iter().find(|(other, _)| other == value).map_or(0, |(_, count)| *count);
        pairs.push((*count, now));
    }
    let (before, now) = pairs.iter().fold((0, 0), |sums, pair| (sums.0 + pair.0, sums.1 + pair.1));
    let rest = (theirs.profile.values().saturating_sub(before), ours.profile.values().saturating_sub(now));
    if rest.0 + rest.1 > 0 {
        pairs.push(rest);
    }
    stability_index(&pairs)
}

impl ColumnComparison {
    /// What the index says.
    pub(crate) fn verdict(&self) -> &'static str {
        match self.stability_index {
            Some(index) if index > 0.25 => "shifted",
            Some(index) if index > 0.1 => "moved",
            Some(_) => "stable",
            None => "",
        }
    }

    /// Shares of nulls of which one is much larger.
    pub(crate) fn nulls_moved(&self) -> bool {
        (self.null_shares.0 - self.null_shares.1).abs() > 0.05
    }
}

/// How many columns moved.
pub(super) fn moved(comparison: &Comparison) -> usize {
    comparison.columns.iter().filter(|column| column.verdict() == "shifted" || column.nulls_moved()).count()
}

/// Rows of the one as a multiple of those of the other.
pub(super) fn rows_ratio(comparison: &Comparison, rows: u64) -> f64 {
    share(rows, comparison.rows)
}
