//! The shape of one row as it passes through a network.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The dimensions of one row, without the leading dimension of the batch. A batch of `n` rows is stored row-major with
/// the rows first:
///
/// | rows | shape of a row | a batch |
/// |---|---|---|
/// | a table of `f` features | `[f]` | `[n, f]` |
/// | images | `[height, width, channels]` | `[n, height, width, channels]` |
/// | tokens: whole numbers below the size of a vocabulary | `[length]` | `[n, length]` |
/// | sequences, and sound | `[length, features]` | `[n, length, features]` |
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A row of `width` features.
    pub fn features(width: usize) -> Self {
        Self(vec![width])
    }

    /// An image, its channels last.
    pub fn image(height: usize, width: usize, channels: usize) -> Self {
        Self(vec![height, width, channels])
    }

    /// `length` places with `features` numbers each.
    pub fn sequence(length: usize, features: usize) -> Self {
        Self(vec![length, features])
    }

    /// Any dimensions, outermost first.
    pub fn of(dimensions: &[usize]) -> Self {
        Self(dimensions.to_vec())
    }

    /// The dimensions, outermost first.
    pub fn dimensions(&self) -> &[usize] {
        &self.0
    }

    /// How many numbers a row holds, or `None` where the product does not fit into `usize`.
    pub fn size(&self) -> Option<usize> {
        self.0.iter().try_fold(1usize, |product, &d| product.checked_mul(d))
    }

    /// The number of features where a row is flat, `None` where it has more dimensions or none.
    pub fn flat(&self) -> Option<usize> {
        match self.0.as_slice() {
            [width] => Some(*width),
            _ => None,
        }
    }
}

impl Shape {
    /// Height, width and channels, or the reason why `reader` (`a conv2d layer`) cannot read such rows.
    pub(crate) fn expect_image(&self, reader: &str) -> Result<[usize; 3], String> {
        match *self.0.as_slice() {
            [height, width, channels] if height > 0 && width > 0 && channels > 0 => Ok([height, width, channels]),
            _ => Err(format!("{reader} reads images [height, width, channels], these rows are {self}")),
        }
    }

    /// Length and features, or the reason why `reader` cannot read such rows.
    pub(crate) fn expect_sequence(&self, reader: &str) -> Result<[usize; 2], String> {
        match *self.0.as_slice() {
            [length, features] if length > 0 && features > 0 => Ok([length, features]),
            _ => Err(format!("{reader} reads sequences [length, features], these rows are {self}")),
        }
    }

    /// The last dimension and the product of the others: what is seen as a table by layers that treat each place alike.
    pub(crate) fn expect_places(&self, reader: &str) -> Result<[usize; 2], String> {
        match self.0.split_last() {
            Some((&last, before)) if last > 0 => {
                let places = before.iter().try_fold(1usize, |product, &d| product.checked_mul(d));
                let places = places.filter(|&places| places > 0);
                places.map(|places| [places, last]).ok_or_else(|| format!("{reader} cannot read rows of shape {self}"))
            }
            _ => Err(format!("{reader} cannot read rows of shape {self}")),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{d}")?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_the_product_and_refuses_to_overflow() {
        assert_eq!(Shape(vec![28, 28, 3]).size(), Some(2352));
        assert_eq!(Shape(vec![usize::MAX, 2]).size(), None);
    }

    #[test]
    fn only_one_dimension_is_flat() {
        assert_eq!(Shape::features(5).flat(), Some(5));
        assert_eq!(Shape(vec![5, 2]).flat(), None);
        assert_eq!(Shape(vec![]).flat(), None);
    }

    #[test]
    fn a_shape_is_shown_as_its_dimensions() {
        assert_eq!(Shape(vec![28, 28, 3]).to_string(), "[28, 28, 3]");
    }
}
