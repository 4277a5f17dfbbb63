//! Which cluster a row belongs to, told by what was learned of clusters.
//!
//! These are the learned states, without the learning (that is in `mining::clustering`): they travel inside expressions and
//! models, and are applied to rows that were never seen.
//!
//! | module | a row belongs to |
//! |---|---|
//! | [`scaling`] | - brings columns to one scale first |
//! | [`centres`] | the nearest centre |
//! | [`mixture`] | the component of a Gaussian mixture that is most likely to have made it |
//! | [`nearest_row`] | the cluster of the nearest row that was learned from, when that is near enough |
//!
//! # Example
//! ```
//! use gristmill::statistics::clusters::{ClusterFunction, Rule, Tells, centres::Centres, scaling::Scaling};
//!
//! let function = ClusterFunction {
//!     scaling: Scaling { centres: vec![10.0], scales: vec![2.0] },
//!     rule: Rule::Centres(Centres { width: 1, values: vec![-1.0, 1.0] }),
//!     tells: Tells::Cluster,
//! };
//! assert_eq!(function.apply(&[vec![Some(8.5), Some(11.0), None]]), [Some(1.0), Some(2.0), None]);
//! ```

pub mod centres;
pub mod mixture;
pub mod nearest_row;
pub mod scaling;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use centres::Centres;
use mixture::{Mixture, Room};
use nearest_row::NearestRow;
use scaling::Scaling;

/// Rows that are told together.
const TOGETHER: usize = 1_024;

/// A function of a row of numbers that tells its cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterFunction {
    /// Brings the columns to the scale of the clusters.
    pub scaling: Scaling,
    /// What a row belongs to.
    pub rule: Rule,
    /// What is told of it.
    pub tells: Tells,
}

/// What a row belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The nearest centre.
    Centres(Centres),
    /// The likeliest component.
    Mixture(Mixture),
    /// The cluster of the nearest row.
    NearestRow(NearestRow),
}

/// What is told of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tells {
    /// The number of its cluster, from 1.
    Cluster,
    /// Its distance from the centre of its cluster, in the scale of the clusters.
    Distance,
    /// The probability that the component of its cluster has made it.
    Probability,
    /// How firmly it belongs to its cluster, from 0 (noise) to 1.
    Strength,
}

impl ClusterFunction {
    /// The same of which something else is told, without what that does not need.
    #[must_use]
    pub fn telling(&self, tells: Tells) -> Self {
        let rule = match &self.rule {
            Rule::NearestRow(rows) if tells != Tells::Strength && rows.knows_firmness() => {
                Rule::NearestRow(rows.clone().with_firmness(None))
            }
            rule => rule.clone(),
        };
        Self { scaling: self.scaling.clone(), rule, tells }
    }

    /// Number of columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.scaling.width()
    }

    /// Whether the parts fit together.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let (width, sound, tells) = match &self.rule {
            Rule::Centres(centres) => (centres.width, centres.is_sound(), self.tells == Tells::Distance),
            Rule::Mixture(mixture) => (mixture.width, mixture.is_sound(), self.tells == Tells::Probability),
            Rule::NearestRow(rows) => {
                (rows.width(), rows.is_sound(), self.tells == Tells::Strength && rows.knows_firmness())
            }
        };
        let tells = tells || self.tells == Tells::Cluster;
        sound && tells && self.scaling.is_sound() && self.scaling.width() == width
    }

    /// What is told of each row of columns; nothing of a row that lacks a value, and of one that belongs to no cluster.
    #[must_use]
    pub fn apply(&self, columns: &[Vec<Option<f64>>]) -> Vec<Option<f64>> {
        let rows = columns.first().map_or(0, Vec::len);
        let mut told = vec![None; rows];
        told.par_chunks_mut(TOGETHER).enumerate().for_each(|(chunk, told)| {
            let start = chunk * TOGETHER;
            let width = columns.len();
            let (mut complete, mut values) = (Vec::with_capacity(told.len()), Vec::with_capacity(told.len() * width));
            for row in 0..told.len() {
                let cells = columns.iter().filter_map(|column| column.get(start + row).copied().flatten());
                values.extend(cells.filter(|value| value.is_finite()));
                if values.len() == (complete.len() + 1) * width {
                    complete.push(row);
                } else {
                    values.truncate(complete.len() * width);
                }
            }
            values.chunks_exact_mut(width.max(1)).for_each(|row| self.scaling.apply(row));
            for (row, value) in complete.into_iter().zip(self.tell(&values)) {
                if let Some(slot) = told.get_mut(row) {
                    *slot = value;
                }
            }
        });
        told
    }

    /// The same of complete rows, `[m, width]`, that are on the scale of the clusters already.
    #[must_use]
    pub fn tell(&self, rows: &[f64]) -> Vec<Option<f64>> {
        let each = rows.chunks_exact(self.width().max(1));
        match &self.rule {
            Rule::Centres(centres) => each
                .map(|row| centres.nearest(row).map(|(at, squared)| self.said(at, squared.sqrt(), f64::NAN)))
                .collect(),
            Rule::Mixture(mixture) => {
                let (constants, mut room) = (mixture.constants(), Room::default());
                each.map(|row| {
                    mixture.likeliest(row, &constants, &mut room).map(|(at, share)| self.said(at, f64::NAN, share))
                })
                .collect()
            }
            Rule::NearestRow(near) if self.tells == Tells::Strength => {
                near.strengths(rows).into_iter().map(Some).collect()
            }
            Rule::NearestRow(near) => {
                near.labels(rows).into_iter().map(|label| label.map(|label| f64::from(label) + 1.0)).collect()
            }
        }
    }

    /// As [`ClusterFunction::tell`], of many rows, in parallel.
    #[must_use]
    pub fn tell_all(&self, rows: &[f64]) -> Vec<Option<f64>> {
        let chunks: Vec<Vec<Option<f64>>> =
            rows.par_chunks(TOGETHER * self.width().max(1)).map(|rows| self.tell(rows)).collect();
        chunks.into_iter().flatten().collect()
    }

    fn said(&self, at: usize, distance: f64, probability: f64) -> f64 {
        match self.tells {
            Tells::Cluster => at as f64 + 1.0,
            Tells::Distance => distance,
            Tells::Probability => probability,
            // Only the nearest row knows.
            Tells::Strength => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::mixture::Whitening;
    use super::nearest_row::Firmness;
    use super::*;

    fn scaling() -> Scaling {
        Scaling { centres: vec![1.0, 0.0], scales: vec![2.0, 1.0] }
    }

    #[test]
    fn a_row_that_lacks_a_value_has_no_cluster() {
        let rule = Rule::Centres(Centres { width: 2, values: vec![0.0, 0.0, 5.0, 5.0] });
        let function = ClusterFunction { scaling: scaling(), rule, tells: Tells::Cluster };
        let columns =
            [vec![Some(1.0), None, Some(11.0), Some(f64::INFINITY)], vec![Some(0.0), Some(1.0), Some(5.0), Some(1.0)]];
        assert_eq!(function.apply(&columns), [Some(1.0), None, Some(2.0), None]);
        let distance = ClusterFunction { tells: Tells::Distance, ..function };
        assert_eq!(distance.apply(&[vec![Some(3.0)], vec![Some(0.0)]]), [Some(1.0)]);
    }

    #[test]
    fn a_mixture_tells_the_component_and_how_likely_it_is() {
        // Two components of deviation 1 at -1 and 1: at 0 both are equally likely, at 1 the odds are e^2.
        let mixture = Mixture {
            width: 1,
            weights: vec![0.5, 0.5],
            means: vec![-1.0, 1.0],
            whitening: Whitening::Triangles(vec![1.0, 1.0]),
        };
        let scaling = Scaling { centres: vec![0.0], scales: vec![1.0] };
        let function = ClusterFunction { scaling, rule: Rule::Mixture(mixture), tells: Tells::Probability };
        assert!(function.is_sound());
        let told = function.apply(&[vec![Some(0.0), Some(1.0), Some(-1e200)]]);
        assert!((told[0].unwrap() - 0.5).abs() < 1e-15);
        let odds = 2.0_f64.exp();
        assert!((told[1].unwrap() - odds / (1.0 + odds)).abs() < 1e-15);
        assert_eq!(told[2], None, "a density of zero tells nothing");
    }

    #[test]
    fn the_nearest_row_gives_its_cluster_as_far_as_that_reaches() {
        let rows = NearestRow::new(1, vec![0.0, 1.0, 9.0], vec![Some(0), Some(1), None], vec![Some(0.2), None]);
        let scaling = Scaling { centres: vec![0.0], scales: vec![1.0] };
        let function = ClusterFunction { scaling, rule: Rule::NearestRow(rows), tells: Tells::Cluster };
        let text = serde_json::to_string(&function).unwrap();
        let read: ClusterFunction = serde_json::from_str(&text).unwrap();
        assert!(read.is_sound() && read == function);
        let told = read.apply(&[vec![Some(0.1), Some(0.3), Some(4.9), Some(5.1)]]);
        assert_eq!(told, [Some(1.0), None, Some(2.0), None]);
    }

    #[test]
    fn a_row_is_as_firm_as_the_nearest_row_and_its_distance_allow() {
        let firmness = Firmness { strengths: vec![1.0, 0.4, 0.0], densest: vec![2.0] };
        let rows = NearestRow::new(1, vec![0.0, 1.0, 9.0], vec![Some(0), Some(0), None], vec![Some(3.0)]);
        let rule = Rule::NearestRow(rows.with_firmness(Some(firmness)));
        let scaling = Scaling { centres: vec![0.0], scales: vec![1.0] };
        let function = ClusterFunction { scaling, rule, tells: Tells::Strength };
        assert!(function.is_sound());
        // At -1 the density is 1, half of the greatest; 0.9 is near a row of 0.4; 4.5 is too far from its cluster; 8 is near noise.
        let told = function.apply(&[vec![Some(0.0), Some(-1.0), Some(0.9), Some(4.5), Some(8.0), None]]);
        assert_eq!(told, [Some(1.0), Some(0.5), Some(0.4), Some(0.0), Some(0.0), None]);
        let cluster = function.telling(Tells::Cluster);
        assert!(matches!(&cluster.rule, Rule::NearestRow(rows) if !rows.knows_firmness()));
        assert!(cluster.is_sound() && !ClusterFunction { tells: Tells::Strength, ..cluster }.is_sound());
    }

    #[test]
    fn parts_that_do_not_fit_are_not_sound() {
        let rule = Rule::Centres(Centres { width: 1, values: vec![0.0] });
        assert!(!ClusterFunction { scaling: scaling(), rule: rule.clone(), tells: Tells::Cluster }.is_sound());
        let scaling = Scaling { centres: vec![0.0], scales: vec![0.0] };
        assert!(!ClusterFunction { scaling, rule, tells: Tells::Cluster }.is_sound());
    }
}
