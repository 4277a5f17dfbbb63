//! Functions of one row with a learned state: what a stage learned that is more than a few constants.
//!
//! The state travels as text inside an expression, so that it is bound, cached and saved with a model like any other learned
//! constant, and engines apply it batch by batch.

mod outlying;
mod quantile_map;

use serde::{Deserialize, Serialize};

use super::anomalies::Detector;
use super::clusters::ClusterFunction;
use super::decomposition::linear_map::LinearMap;
use super::imputation::neighbours::{Filled, Neighbours};
use super::imputation::regressions::Chain;
use super::isolation_forest::IsolationForest;
pub use quantile_map::{MapTo, QuantileMap};

/// A function of one row. Null and NaN are missing values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFunction {
    /// How far out the row lies, from 0 to 1; a missing value counts as the usual one.
    Forest {
        /// The forest.
        forest: IsolationForest,
        /// What stands for a missing value of each column.
        usual: Vec<f64>,
    },
    /// The first argument, or what rows with similar further arguments have.
    Neighbours(Neighbours),
    /// The argument of that number, or what the chain says.
    Chain {
        /// The regressions over all arguments.
        chain: Chain,
        /// The argument that is filled.
        target: usize,
    },
    /// The place of the argument among those that were learned from.
    Quantiles(QuantileMap),
    /// The cluster that the row belongs to, or how firmly; nothing of a row that lacks a value.
    Cluster(ClusterFunction),
    /// Sums of all arguments with weights, as a list; none for a row that lacks a value.
    Linear(LinearMap),
    /// How far out the row lies.
    Anomaly(Detector),
    /// Why a row is an anomaly, in words: the first argument is its score, the others are its values. None up to the threshold.
    Reasons {
        /// What gave the score.
        detector: Detector,
        /// The score above which a row is an anomaly.
        threshold: f64,
        /// How the values are called.
        names: Vec<String>,
    },
}

/// A column of arguments.
#[derive(Debug, Clone, PartialEq)]
pub enum Column<'a> {
    /// Numbers.
    Numbers(Vec<Option<f64>>),
    /// Texts.
    Texts(Vec<Option<&'a str>>),
}

impl Column<'_> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn numbers(&self) -> Vec<Option<f64>> {
        match self {
            Self::Numbers(values) => values.clone(),
            Self::Texts(values) => vec![None; values.len()],
        }
    }
}

impl RowFunction {
    /// The state as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Numbers, texts and lists always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The function of a text.
    ///
    /// Errors: in words, when the text was not written by [`RowFunction::to_text`].
    pub fn from_text(text: &str) -> Result<Self, String> {
        let function: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let sound = match &function {
            Self::Forest { forest, usual } => forest.is_sound() && usual.len() == forest.width(),
            Self::Neighbours(neighbours) => neighbours.is_sound(),
            Self::Chain { chain, target } => chain.is_sound() && *target < chain.width(),
            Self::Quantiles(map) => map.is_sound(),
            Self::Cluster(cluster) => cluster.is_sound(),
            Self::Linear(map) => map.is_sound() && map.width() > 0,
            Self::Anomaly(detector) => detector.is_sound(),
            Self::Reasons { detector, names, .. } => detector.is_sound() && names.len() == detector.width(),
        };
        if sound { Ok(function) } else { Err("its parts do not fit together".to_owned()) }
    }

    /// Number of arguments.
    #[must_use]
    pub fn arguments(&self) -> usize {
        match self {
            Self::Forest { forest, .. } => forest.width(),
            Self::Neighbours(neighbours) => neighbours.width() + 1,
            Self::Chain { chain, .. } => chain.width(),
            Self::Quantiles(_) => 1,
            Self::Cluster(cluster) => cluster.width(),
            Self::Linear(map) => map.width(),
            Self::Anomaly(detector) => detector.width(),
            Self::Reasons { detector, .. } => detector.width() + 1,
        }
    }

    /// The values for rows: as many columns as there are arguments, all of one length.
    #[must_use]
    pub fn apply<'a>(&'a self, columns: &[Column<'a>]) -> Filled<'a> {
        let Some(first) = columns.first() else { return Filled::Numbers(Vec::new()) };
        match self {
            Self::Forest { forest, usual } => Filled::Numbers(forest_scores(forest, usual, columns, first.len())),
            Self::Neighbours(neighbours) => neighbours.fill(first, columns.get(1..).unwrap_or_default()),
            Self::Chain { chain, target } => {
                let columns: Vec<Vec<Option<f64>>> = columns.iter().map(Column::numbers).collect();
                Filled::Numbers(chain.fill(*target, &columns))
            }
            Self::Cluster(cluster) => {
                let columns: Vec<Vec<Option<f64>>> = columns.iter().map(Column::numbers).collect();
                Filled::Numbers(cluster.apply(&columns))
            }
            Self::Linear(map) => {
                let columns: Vec<Vec<Option<f64>>> = columns.iter().map(Column::numbers).collect();
                Filled::Lists(map.apply_columns(&columns))
            }
            Self::Anomaly(detector) => Filled::Numbers(outlying::scores(detector, columns, first.len())),
            Self::Reasons { detector, threshold, names } => {
                let values = columns.get(1..).unwrap_or_default();
                Filled::Words(outlying::reasons(detector, *threshold, names, first, values))
            }
            Self::Quantiles(map) => {
                Filled::Numbers(first.numbers().into_iter().map(|value| value.map(|value| map.apply(value))).collect())
            }
        }
    }
}

/// Rows that are scored together.
const TOGETHER: usize = 1_024;

fn forest_scores(forest: &IsolationForest, usual: &[f64], columns: &[Column<'_>], rows: usize) -> Vec<Option<f64>> {
    use rayon::prelude::*;
    let columns: Vec<Vec<Option<f64>>> = columns.iter().map(Column::numbers).collect();
    let width = usual.len();
    let mut scores = vec![0.0; rows];
    scores.par_chunks_mut(TOGETHER).enumerate().for_each(|(chunk, scores)| {
        let start = chunk * TOGETHER;
        let mut table = vec![0.0; scores.len() * width];
        for (place, (values, usual)) in columns.iter().zip(usual).enumerate() {
            for (row, value) in values.iter().skip(start).take(scores.len()).enumerate() {
                table[row * width + place] = value.filter(|value| !value.is_nan()).unwrap_or(*usual);
            }
        }
        forest.scores(&table, scores);
    });
    scores.into_iter().map(Some).collect()
}

/// Lists of numbers some of which are missing: JSON has no NaN, so that they travel as null.
pub(super) mod optional {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::statistics) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| value.is_finite().then_some(*value)))
    }

    pub(in crate::statistics) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let values: Vec<Option<f64>> = Vec::deserialize(deserializer)?;
        Ok(values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::statistics::isolation_forest::ForestOptions;

    #[test]
    fn a_forest_gives_the_same_scores_after_its_journey_as_text() {
        let rows: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 101) / 7.0).collect();
        let forest = IsolationForest::grow(&rows, 2, &ForestOptions { trees: 11, sample: 64, seed: 2 });
        let function = RowFunction::Forest { forest, usual: vec![3.0, 4.0] };
        let read = RowFunction::from_text(&function.to_text()).unwrap();
        assert_eq!(read, function);
        let columns = [Column::Numbers(vec![Some(1.0), None, Some(f64::NAN)]), Column::Numbers(vec![Some(4.0); 3])];
        let Filled::Numbers(scores) = read.apply(&columns) else { panic!("scores are numbers") };
        assert_eq!(scores[1], scores[2], "a missing value counts as the usual one");
        let usual = [Column::Numbers(vec![Some(3.0)]), Column::Numbers(vec![Some(4.0)])];
        assert_eq!(read.apply(&usual), Filled::Numbers(vec![scores[1]]));
    }

    #[test]
    fn a_damaged_text_is_refused() {
        let chain = r#"{"chain":{"chain":{"scales":[[0,1]],"steps":[{"column":3,"intercept":0,"coefficients":[1]}],"rounds":1,"settled":true},"target":0}}"#;
        assert!(RowFunction::from_text(chain).unwrap_err().contains("do not fit"));
        assert!(RowFunction::from_text("{}").is_err());
    }
}
