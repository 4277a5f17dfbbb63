//! Learning what training rows hold.

use arrow::array::{Array, ArrayRef};

use super::{ColumnDomain, Held, Range, Unit, Values, numbers};
use crate::statistics::frequencies::Frequencies;
use crate::statistics::quantiles::QuantileSketch;
use crate::tensor::category::visit_texts;

/// Distinct values that are counted exactly.
const COUNTED: usize = 1 << 16;
/// Values that are kept.
const KEPT: usize = 4_096;
/// Bins of numbers.
const BINS: u32 = 10;

/// What is watched of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// Numbers or moments.
    Range,
    /// Names of something.
    Values,
    /// Whether there is a value.
    Presence,
}

/// Learns what a column holds.
///
/// Complexity: one visit of each value; memory for a sketch, or for 65,536 different values.
#[derive(Debug)]
pub struct DomainFit {
    column: String,
    missing: u64,
    learned: Learned,
}

#[derive(Debug)]
enum Learned {
    Range { sketch: QuantileSketch, min: f64, max: f64, unit: Unit },
    Values(Frequencies<String>),
    Presence,
}

impl DomainFit {
    /// Nothing learned yet.
    pub fn new(column: &str, watched: Watched) -> Self {
        let learned = match watched {
            Watched::Range => Learned::Range {
                sketch: QuantileSketch::default(),
                min: f64::INFINITY,
                max: f64::NEG_INFINITY,
                unit: Unit::Number,
            },
            Watched::Values => Learned::Values(Frequencies::new(COUNTED)),
            Watched::Presence => Learned::Presence,
        };
        Self { column: column.to_owned(), missing: 0, learned }
    }

    /// The column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// Learns from values of the column.
    pub fn add(&mut self, array: &ArrayRef) {
        match &mut self.learned {
            Learned::Presence => self.missing += array.null_count() as u64,
            Learned::Values(values) => visit_texts(array, |_, text| match text {
                Some(text) => values.push(text),
                None => self.missing += 1,
            }),
            Learned::Range { sketch, min, max, unit } => {
                let (values, found) = numbers(array);
                *unit = found;
                for value in &values {
                    if value.is_nan() {
                        self.missing += 1;
                    } else {
                        *min = min.min(*value);
                        *max = max.max(*value);
                    }
                }
                sketch.extend(&values);
            }
        }
    }

    /// What was learned.
    pub fn finish(self) -> ColumnDomain {
        let held = match self.learned {
            Learned::Presence => Held::Presence,
            Learned::Values(values) => {
                let top = values.top(KEPT);
                let is_complete = values.is_exact() && values.distinct() == Some(top.len() as u64);
                let known: u64 = top.iter().map(|value| value.count).sum();
                // Estimated counts may add up to more than there are; that some values are left out is certain even then.
                let rest = if is_complete { 0 } else { values.total().saturating_sub(known).max(1) };
                Held::Values(Values { counts: top.into_iter().map(|value| (value.key, value.count)).collect(), rest })
            }
            Learned::Range { min, max, .. } if min > max => Held::Presence,
            Learned::Range { sketch, min, max, unit } => {
                let quantiles = sketch.quantiles();
                let mut edges: Vec<f64> = (1..BINS)
                    .filter_map(|part| quantiles.quantile(f64::from(part) / f64::from(BINS)))
                    .filter(|edge| edge.is_finite() && *edge < max)
                    .collect();
                edges.dedup();
                let mut below = 0;
                let ends = edges.iter().map(|edge| quantiles.count_at_most(*edge)).chain([quantiles.count()]);
                let counts = ends
                    .map(|end| {
                        let count = end.saturating_sub(below);
                        below = end.max(below);
                        count
                    })
                    .collect();
                Held::Range(Range { unit, min, max, edges, counts })
            }
        };
        ColumnDomain { column: self.column, missing: self.missing, held }
    }
}
