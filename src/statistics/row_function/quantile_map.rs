//! The place of a value among those that were learned from.

use serde::{Deserialize, Serialize};

use crate::statistics::quantiles::Quantiles;
use crate::statistics::special::{normal_cdf, normal_quantile};

/// How near to 0 and 1 a share comes before it is made normal, as in scikit-learn.
const EDGE: f64 = 1e-7;

/// What the values look like afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapTo {
    /// Evenly spread from 0 to 1.
    Uniform,
    /// Normal with mean 0 and deviation 1, cut off at about 5.2 deviations.
    Normal,
}

/// Maps values to the share of learned values below them, by linear interpolation between learned quantiles; values beyond
/// the learned ones get 0 or 1. The same as scikit-learn's `QuantileTransformer`. O(log q) for q quantiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantileMap {
    /// Ascending; the shares are evenly spaced from 0 to 1.
    quantiles: Vec<f64>,
    to: MapTo,
}

impl QuantileMap {
    /// Learns `count` quantiles, or as many as there are values when there are fewer; none of no values.
    #[must_use]
    pub fn learn(values: &Quantiles, count: usize, to: MapTo) -> Option<Self> {
        let count = count.min(usize::try_from(values.count()).unwrap_or(usize::MAX));
        let at = |i: usize| if count == 1 { 0.0 } else { i as f64 / (count - 1) as f64 };
        let mut quantiles: Vec<f64> = (0..count).map(|i| values.quantile(at(i))).collect::<Option<_>>()?;
        // Interpolation between equal values may fall by the last digit.
        let mut highest = f64::NEG_INFINITY;
        for quantile in &mut quantiles {
            highest = highest.max(*quantile);
            *quantile = highest;
        }
        (!quantiles.is_empty()).then_some(Self { quantiles, to })
    }

    /// The map of a column in which there was nothing to learn: everything becomes 0.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self { quantiles: vec![f64::MAX], to: MapTo::Uniform }
    }

    /// The quantiles, ascending.
    #[must_use]
    pub fn quantiles(&self) -> &[f64] {
        &self.quantiles
    }

    /// Whether the map can be applied.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.quantiles.is_empty() && self.quantiles.is_sorted()
    }

    /// The place of a value; NaN stays.
    #[must_use]
    pub fn apply(&self, value: f64) -> f64 {
        if value.is_nan() {
            return value;
        }
        let share = self.share(value);
        match self.to {
            MapTo::Uniform => share,
            MapTo::Normal => {
                let lowest = EDGE - f64::EPSILON;
                if share < EDGE {
                    normal_quantile(lowest)
                } else if share > 1.0 - EDGE {
                    -normal_quantile(lowest)
                } else {
                    normal_quantile(share)
                }
            }
        }
    }

    /// The value at a place: the inverse of [`QuantileMap::apply`] up to ties.
    #[must_use]
    pub fn invert(&self, place: f64) -> f64 {
        let share = match self.to {
            MapTo::Uniform => place.clamp(0.0, 1.0),
            MapTo::Normal => normal_cdf(place),
        };
        let (last, position) =
            (self.quantiles.len().saturating_sub(1), share * self.quantiles.len().saturating_sub(1) as f64);
        let below = (position.floor() as usize).min(last);
        let above = (below + 1).min(last);
        let part = position - below as f64;
        match (self.quantiles.get(below), self.quantiles.get(above)) {
            (Some(low), Some(high)) => low * (1.0 - part) + high * part,
            _ => f64::NAN,
        }
    }

    /// The share of values below, equal values counted by half.
    fn share(&self, value: f64) -> f64 {
        let quantiles = &self.quantiles;
        let (Some(first), Some(last)) = (quantiles.first(), quantiles.last()) else { return f64::NAN };
        // The two ends win over interpolation, the lower one first: so equal values all get 0, as in scikit-learn.
        if value <= *first {
            return 0.0;
        }
        if value >= *last {
            return 1.0;
        }
        let steps = (quantiles.len() - 1) as f64;
        // The first and the last place at which the interpolation reaches the value.
        let above = quantiles.partition_point(|quantile| *quantile <= value);
        let below = quantiles.partition_point(|quantile| *quantile < value);
        if below < above {
            // The value is a quantile itself, perhaps several: the middle of their places.
            return (below as f64 + (above - 1) as f64) / 2.0 / steps;
        }
        let (low, high) = (quantiles[below - 1], quantiles[below]);
        ((below - 1) as f64 + (value - low) / (high - low)) / steps
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::quantiles::QuantileSketch;

    fn learn(values: &[f64], count: usize, to: MapTo) -> QuantileMap {
        let mut sketch = QuantileSketch::default();
        sketch.extend(values);
        QuantileMap::learn(&sketch.quantiles(), count, to).unwrap()
    }

    #[test]
    fn places_are_those_of_scikit_learn() {
        let oracle: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/data/oracle/preparation_sklearn.json")).unwrap();
        for case in oracle["quantile"].as_array().unwrap() {
            let numbers = |key: &str| -> Vec<f64> {
                case[key].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
            };
            let count = case["quantiles"].as_u64().unwrap() as usize;
            for (key, to) in [("uniform", MapTo::Uniform), ("normal", MapTo::Normal)] {
                let map = learn(&numbers("values"), count, to);
                for (value, expected) in numbers("new").iter().zip(numbers(key)) {
                    let found = map.apply(*value);
                    let name = case["name"].as_str().unwrap();
                    assert!((found - expected).abs() < 1e-9, "{name} {key} {value}: {found} {expected}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn larger_values_get_no_smaller_places_and_come_back(
            mut values in prop::collection::vec(-1000.0..1000.0_f64, 2..60),
        ) {
            let map = learn(&values, 1000, MapTo::Uniform);
            values.sort_by(f64::total_cmp);
            let places: Vec<f64> = values.iter().map(|value| map.apply(*value)).collect();
            prop_assert!(places.is_sorted());
            for (value, place) in values.iter().zip(places) {
                prop_assert!((map.invert(place) - value).abs() < 1e-6);
            }
        }
    }
}
