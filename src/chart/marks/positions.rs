//! Where the points of a line or a scatter stand along the horizontal axis.

use serde::{Deserialize, Serialize};

use crate::chart::figure::{Axis, Scale};
use crate::chart::position::{Domain, Extent, admitted, exact};
use crate::chart::typography::clean;

/// Places along the horizontal axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Positions {
    /// Numbers, on the scale of the axis.
    Number(Vec<Option<f64>>),
    /// Instants, as microseconds since 1970-01-01T00:00:00Z.
    Time(Vec<Option<i64>>),
    /// Categories in their order, one place each.
    Category(Vec<String>),
}

impl Positions {
    /// How many places there are, nulls counted.
    pub fn len(&self) -> usize {
        match self {
            Positions::Number(places) => places.len(),
            Positions::Time(places) => places.len(),
            Positions::Category(places) => places.len(),
        }
    }

    /// Whether there is no place at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The scale on which they stand.
    pub(super) fn scale(&self, axis: &Axis) -> Scale {
        match self {
            Positions::Number(_) => axis.scale,
            Positions::Time(_) => Scale::Time,
            Positions::Category(_) => Scale::Linear,
        }
    }

    /// The place with an index as it is in the data.
    pub(super) fn raw(&self, index: usize) -> Option<f64> {
        match self {
            Positions::Number(places) => places.get(index).copied().flatten(),
            // Microseconds are exact up to the year 2255.
            Positions::Time(places) => places.get(index).copied().flatten().map(|at| at as f64),
            Positions::Category(places) => (index < places.len()).then_some(index as f64),
        }
    }

    /// The place with an index, if it can be drawn.
    pub(super) fn place(&self, index: usize, scale: Scale) -> Option<f64> {
        admitted(scale, self.raw(index))
    }

    /// What the axis covers, and what is to be said about places that are not drawn. `None` without any place.
    pub(super) fn domain(&self, axis: &Axis, padding: f64) -> (Option<Domain>, Vec<String>) {
        match self {
            Positions::Category(labels) if labels.is_empty() => (None, Vec::new()),
            Positions::Category(labels) => {
                (Some(Domain::Categories(labels.iter().map(|label| clean(label)).collect())), Vec::new())
            }
            _ => {
                let mut extent = Extent::new(self.scale(axis));
                (0..self.len()).for_each(|index| extent.add(self.raw(index)));
                (extent.span(axis, padding, false).map(Domain::Values), extent.notes(axis))
            }
        }
    }

    /// A place in words.
    pub(super) fn word(&self, index: usize, axis: &Axis) -> String {
        match self {
            Positions::Category(labels) => labels.get(index).map(|label| clean(label)).unwrap_or_default(),
            _ => self.raw(index).map(|place| exact(place, self.scale(axis), axis.format)).unwrap_or_default(),
        }
    }
}
