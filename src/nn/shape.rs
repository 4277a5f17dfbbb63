//! The shape of one row as it passes through a network.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The dimensions of one row, without the leading dimension of the batch: `[60]` for a table of 60 features. A batch of
/// `n` rows is stored row-major as `[n, 60]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A row of `width` features.
    pub fn features(width: usize) -> Self {
        Self(vec![width])
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
