//! A missing value from the k most similar rows that have one.
//!
//! Troyanskaya et al. 2001, *Missing value estimation methods for DNA microarrays*. Rows are compared in the columns that
//! both have: the Euclidean distance over these, scaled up to all columns (Dixon 1979), as scikit-learn's `nan_euclidean`
//! does. Numbers are brought to mean 0 and deviation 1 first, so that no column rules by its unit. A category differs by 1 or
//! by 0 (HEOM, Wilson & Martinez 1997). A row that shares no column with any donor gets what the donors have in general.
//!
//! # Complexity
//! O(d w) for a missing value, with d donors of w columns; 8 d w bytes.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::row_function::{Column, optional};

/// How many neighbours count, and how much each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeighbourOptions {
    /// The nearest rows that are asked.
    pub neighbours: usize,
    /// Whether a near row counts more than a far one (by the inverse of its distance).
    pub by_distance: bool,
}

/// A column in which rows are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Feature {
    /// Numbers.
    Number {
        /// Their mean.
        center: f64,
        /// Their deviation; never 0.
        scale: f64,
    },
    /// Categories, in order; a value that is none of them differs from all.
    Category(Vec<String>),
}

/// The values of the donors in the column that is filled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Given {
    /// Numbers, none of them missing.
    Numbers(Vec<f64>),
    /// Categories: the number of each donor's among the names.
    Categories {
        /// The names, in order.
        names: Vec<String>,
        /// One for each donor.
        codes: Vec<u32>,
    },
}

/// Rows that have a value, by which others are filled. See the [module](self).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neighbours {
    options: NeighbourOptions,
    features: Vec<Feature>,
    /// The donors' features, one row after the other, in the scale of comparison; NaN is missing.
    #[serde(with = "optional")]
    donors: Vec<f64>,
    given: Given,
}

/// What is filled in.
#[derive(Debug, Clone, PartialEq)]
pub enum Filled<'a> {
    /// A number for each row.
    Numbers(Vec<Option<f64>>),
    /// A category for each row.
    Texts(Vec<Option<&'a str>>),
    /// A text of its own for each row.
    Words(Vec<Option<String>>),
    /// Numbers for each row, equally many.
    Lists(Vec<Option<Vec<f64>>>),
}

impl Neighbours {
    /// Learns from donors: `columns` are the features that rows are compared in, `given` the values of the same rows in
    /// the column to be filled, none of them missing.
    #[must_use]
    pub fn learn(columns: &[Column<'_>], given: &Column<'_>, options: NeighbourOptions) -> Self {
        let features: Vec<Feature> = columns.iter().map(Feature::learn).collect();
        let count = given.len();
        let mut donors = vec![f64::NAN; count * features.len()];
        fill_rows(&features, columns, 0..count, &mut donors);
        let given = match given {
            Column::Numbers(numbers) => Given::Numbers(numbers.iter().map(|value| value.unwrap_or(0.0)).collect()),
            Column::Texts(texts) => {
                let names = vocabulary(texts);
                let code = |text: &Option<&str>| {
                    text.and_then(|text| names.binary_search_by(|name| name.as_str().cmp(text)).ok()).unwrap_or(0)
                };
                let codes = texts.iter().map(|text| code(text) as u32).collect();
                Given::Categories { names, codes }
            }
        };
        Self { options, features, donors, given }
    }

    /// Number of donors.
    #[must_use]
    pub fn donors(&self) -> usize {
        match &self.given {
            Given::Numbers(values) => values.len(),
            Given::Categories { codes, .. } => codes.len(),
        }
    }

    /// Number of columns that rows are compared in.
    #[must_use]
    pub fn width(&self) -> usize {
        self.features.len()
    }

    /// Whether the parts fit together, as those of stored donors must before they are used.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let known = match &self.given {
            Given::Numbers(_) => true,
            Given::Categories { names, codes } => codes.iter().all(|code| (*code as usize) < names.len()),
        };
        known && self.donors.len() == self.donors() * self.width()
    }

    /// The values of rows: their own where there is one, else what their neighbours have. `own` is the column to be filled,
    /// `columns` are the features, all of them of one length. Rows are shared among the threads.
    #[must_use]
    pub fn fill<'a>(&'a self, own: &Column<'a>, columns: &[Column<'_>]) -> Filled<'a> {
        match (&self.given, own) {
            (Given::Numbers(values), Column::Numbers(own)) => {
                let fallback = mean(values);
                let missing = |row: &usize| own.get(*row).is_some_and(Option::is_none);
                let found =
                    self.ask(own.len(), missing, columns, |weights| weighted_mean(values, weights).or(fallback));
                let mut filled = own.clone();
                put(&mut filled, found);
                Filled::Numbers(filled)
            }
            (Given::Categories { names, codes }, Column::Texts(own)) => {
                let all: Vec<(u32, f64)> = (0..codes.len()).map(|donor| (donor as u32, 1.0)).collect();
                let fallback = most_frequent(codes, names.len(), &all);
                let missing = |row: &usize| own.get(*row).is_some_and(Option::is_none);
                let found = self.ask(own.len(), missing, columns, |weights| {
                    let code = most_frequent(codes, names.len(), weights).or(fallback)?;
                    names.get(code).map(String::as_str)
                });
                let mut filled = own.clone();
                put(&mut filled, found);
                Filled::Texts(filled)
            }
            (_, Column::Numbers(own)) => Filled::Numbers(own.clone()),
            (_, Column::Texts(own)) => Filled::Texts(own.clone()),
        }
    }

    /// What the neighbours of each missing row say.
    fn ask<T: Send>(
        &self,
        rows: usize,
        missing: impl Fn(&usize) -> bool,
        columns: &[Column<'_>],
        answer: impl Fn(&[(u32, f64)]) -> Option<T> + Sync,
    ) -> Vec<(usize, Option<T>)> {
        let width = self.features.len();
        let missing: Vec<usize> = (0..rows).filter(missing).collect();
        let start = || (vec![f64::NAN; width], Nearest::new(self.options.neighbours));
        let ask = |(row, nearest): &mut (Vec<f64>, Nearest), at: usize| {
            fill_rows(&self.features, columns, at..at + 1, row);
            nearest.clear();
            for (donor, features) in self.donors.chunks_exact(width.max(1)).enumerate() {
                if let Some(distance) = distance(row, features, &self.features) {
                    nearest.offer(distance, donor as u32);
                }
            }
            (at, answer(&nearest.weights(self.options.by_distance)))
        };
        missing.into_par_iter().with_min_len(16).map_init(start, ask).collect()
    }
}

fn put<T>(filled: &mut [Option<T>], found: Vec<(usize, Option<T>)>) {
    for (row, value) in found {
        if let Some(place) = filled.get_mut(row) {
            *place = value;
        }
    }
}

impl Feature {
    fn learn(column: &Column<'_>) -> Self {
        match column {
            Column::Texts(texts) => Self::Category(vocabulary(texts)),
            Column::Numbers(numbers) => {
                let (center, scale) = super::center_and_scale(numbers.iter().flatten().copied());
                Self::Number { center, scale }
            }
        }
    }
}

/// The categories in order.
fn vocabulary(texts: &[Option<&str>]) -> Vec<String> {
    let mut names: Vec<&str> = texts.iter().flatten().copied().collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(str::to_owned).collect()
}

/// Rows of columns, one after the other, in the scale of comparison.
fn fill_rows(features: &[Feature], columns: &[Column<'_>], rows: std::ops::Range<usize>, target: &mut [f64]) {
    let width = features.len();
    for (place, (feature, column)) in features.iter().zip(columns).enumerate() {
        for (row, at) in rows.clone().enumerate() {
            let value = match (feature, column) {
                (Feature::Number { center, scale }, Column::Numbers(values)) => {
                    let value = values.get(at).copied().flatten().filter(|value| value.is_finite());
                    value.map_or(f64::NAN, |value| (value - center) / scale)
                }
                (Feature::Category(names), Column::Texts(values)) => match values.get(at).copied().flatten() {
                    Some(text) => match names.binary_search_by(|name| name.as_str().cmp(text)) {
                        Ok(code) => code as f64,
                        Err(_) => names.len() as f64,
                    },
                    None => f64::NAN,
                },
                _ => f64::NAN,
            };
            if let Some(target) = target.get_mut(row * width + place) {
                *target = value;
            }
        }
    }
}

/// The squared distance over the columns that both have, scaled up to all; none when they share no column.
fn distance(row: &[f64], donor: &[f64], features: &[Feature]) -> Option<f64> {
    let (mut sum, mut shared) = (0.0, 0_u32);
    for ((a, b), feature) in row.iter().zip(donor).zip(features) {
        let difference = a - b;
        if difference.is_nan() {
            continue;
        }
        shared += 1;
        sum += match feature {
            Feature::Number { .. } => difference * difference,
            Feature::Category(_) => f64::from(u8::from(difference != 0.0)),
        };
    }
    (shared > 0).then(|| sum * features.len() as f64 / f64::from(shared))
}

/// The nearest donors so far, nearest first; among equals the first donor.
struct Nearest {
    wanted: usize,
    found: Vec<(f64, u32)>,
}

impl Nearest {
    fn new(wanted: usize) -> Self {
        Self { wanted, found: Vec::with_capacity(wanted + 1) }
    }

    fn clear(&mut self) {
        self.found.clear();
    }

    fn offer(&mut self, distance: f64, donor: u32) {
        if self.found.len() == self.wanted && self.found.last().is_none_or(|(furthest, _)| distance >= *furthest) {
            return;
        }
        let at = self.found.partition_point(|(other, _)| *other <= distance);
        self.found.insert(at, (distance, donor));
        self.found.truncate(self.wanted);
    }

    /// The donors with what each counts. A donor without any distance counts alone with its like.
    fn weights(&self, by_distance: bool) -> Vec<(u32, f64)> {
        if !by_distance {
            return self.found.iter().map(|(_, donor)| (*donor, 1.0)).collect();
        }
        let same: Vec<(u32, f64)> =
            self.found.iter().filter(|(distance, _)| *distance == 0.0).map(|(_, donor)| (*donor, 1.0)).collect();
        if !same.is_empty() {
            return same;
        }
        self.found.iter().map(|(distance, donor)| (*donor, 1.0 / distance.sqrt())).collect()
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn weighted_mean(values: &[f64], weights: &[(u32, f64)]) -> Option<f64> {
    let (mut sum, mut all) = (0.0, 0.0);
    for (donor, weight) in weights {
        sum += weight * values.get(*donor as usize)?;
        all += weight;
    }
    (all > 0.0).then(|| sum / all)
}

/// The category with the largest weight, among equals the first.
fn most_frequent(codes: &[u32], names: usize, weights: &[(u32, f64)]) -> Option<usize> {
    let mut sums = vec![0.0; names];
    for (donor, weight) in weights {
        *sums.get_mut(*codes.get(*donor as usize)? as usize)? += weight;
    }
    let mut best = None;
    for (code, sum) in sums.iter().enumerate() {
        if *sum > 0.0 && best.is_none_or(|best: usize| *sum > sums[best]) {
            best = Some(code);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn oracle() -> serde_json::Value {
        serde_json::from_str(include_str!("../../../tests/data/oracle/preparation_sklearn.json")).unwrap()
    }

    fn column(value: &serde_json::Value) -> Vec<Option<f64>> {
        value.as_array().unwrap().iter().map(serde_json::Value::as_f64).collect()
    }

    #[test]
    fn numbers_are_filled_as_scikit_learn_fills_them() {
        for case in oracle()["neighbours"].as_array().unwrap() {
            let columns: Vec<Vec<Option<f64>>> = case["columns"].as_array().unwrap().iter().map(column).collect();
            let options = NeighbourOptions {
                neighbours: case["neighbours"].as_u64().unwrap() as usize,
                by_distance: case["weights"] == "distance",
            };
            for (target, expected) in case["filled"].as_array().unwrap().iter().enumerate() {
                let others = |rows: &dyn Fn(usize) -> bool| -> Vec<Column<'static>> {
                    let others = columns.iter().enumerate().filter(|(at, _)| *at != target);
                    let chosen = |values: &Vec<Option<f64>>| {
                        Column::Numbers((0..values.len()).filter(|row| rows(*row)).map(|row| values[row]).collect())
                    };
                    others.map(|(_, values)| chosen(values)).collect()
                };
                let own = &columns[target];
                let given = Column::Numbers(own.iter().copied().filter(Option::is_some).collect());
                let learned = Neighbours::learn(&others(&|row| own[row].is_some()), &given, options);
                // The scales are learned from donors alone, scikit-learn's from all rows: the stored table has one scale.
                let learned = Neighbours {
                    features: learned.features.iter().map(|_| Feature::Number { center: 0.0, scale: 1.0 }).collect(),
                    donors: raw_donors(&columns, target),
                    ..learned
                };
                let Filled::Numbers(found) = learned.fill(&Column::Numbers(own.clone()), &others(&|_| true)) else {
                    panic!("numbers are filled by numbers")
                };
                for (row, (found, expected)) in found.iter().zip(column(expected)).enumerate() {
                    let (found, expected) = (found.unwrap(), expected.unwrap());
                    let name = case["name"].as_str().unwrap();
                    assert!((found - expected).abs() < 1e-9, "{name} column {target} row {row}: {found} {expected}");
                }
            }
        }
    }

    fn raw_donors(columns: &[Vec<Option<f64>>], target: usize) -> Vec<f64> {
        let rows = (0..columns[0].len()).filter(|row| columns[target][*row].is_some());
        rows.flat_map(|row| {
            let others = columns.iter().enumerate().filter(move |(at, _)| *at != target);
            others.map(move |(_, values)| values[row].unwrap_or(f64::NAN))
        })
        .collect()
    }

    #[test]
    fn a_category_is_told_by_the_majority_of_the_nearest_rows() {
        let size = Column::Numbers([1.0, 1.1, 0.9, 10.0, 10.1, 9.9].map(Some).to_vec());
        let colour = Column::Texts(["red", "red", "blue", "green", "green", "blue"].map(Some).to_vec());
        let options = NeighbourOptions { neighbours: 3, by_distance: false };
        let learned = Neighbours::learn(&[size], &colour, options);
        let rows = [Column::Numbers(vec![Some(1.0), Some(10.0), Some(5.0), None])];
        let own = Column::Texts(vec![None, None, Some("violet"), None]);
        let Filled::Texts(found) = learned.fill(&own, &rows) else { panic!("texts are filled by texts") };
        // The last row has nothing to compare: two of six are `blue`, `green` and `red` each, and the first name counts.
        assert_eq!(found, [Some("red"), Some("green"), Some("violet"), Some("blue")]);
    }

    #[test]
    fn categories_count_as_differences_of_one() {
        let carrier = Column::Texts(vec![Some("UA"), Some("AA"), Some("UA"), Some("AA")]);
        let given = Column::Numbers([1.0, 5.0, 3.0, 9.0].map(Some).to_vec());
        let learned = Neighbours::learn(&[carrier], &given, NeighbourOptions { neighbours: 2, by_distance: false });
        let rows = [Column::Texts(vec![Some("UA"), Some("AA"), Some("ZZ")])];
        let filled = learned.fill(&Column::Numbers(vec![None, None, None]), &rows);
        // A carrier that no donor has is as far from all: the first two donors count.
        assert_eq!(filled, Filled::Numbers(vec![Some(2.0), Some(7.0), Some(3.0)]));
    }

    #[test]
    fn what_is_stored_reads_back_with_its_gaps() {
        let features = [Column::Numbers(vec![Some(1.0), None, Some(f64::INFINITY)])];
        let given = Column::Numbers([0.1, 0.2, 0.3].map(Some).to_vec());
        let learned = Neighbours::learn(&features, &given, NeighbourOptions { neighbours: 1, by_distance: true });
        let read: Neighbours = serde_json::from_str(&serde_json::to_string(&learned).unwrap()).unwrap();
        assert!(read.is_sound());
        let rows = [Column::Numbers(vec![Some(1.0), None])];
        let own = Column::Numbers(vec![None, None]);
        assert_eq!(read.fill(&own, &rows), learned.fill(&own, &rows));
    }
}
