//! How a batch is cut into shards: by the network and the number of rows alone, never by the threads.

use super::super::plan::Plan;
use super::batch_size::{places, work_of_a_row};
use std::ops::Range;

/// The most shards of a batch: enough for eight cores, few enough that adding up their gradients stays cheap.
pub(super) const MAX_SHARDS: usize = 8;

/// Matrix products of fewer rows than this are slower by the row. Rows that have many places, as those of images, make
/// products of many rows each.
const PRODUCT: f64 = 64.0;
/// No shard is cut smaller than this for want of rows: the last layers, without places, would suffer.
const LEAST: f64 = 16.0;
/// Adding up the gradient of a shard takes at most this part of the time in which it is found.
const SHARE: f64 = 0.05;

/// The rule for one network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// A shard has at least about this many rows.
    least: usize,
}

impl Cut {
    pub(super) fn of(plan: &Plan) -> Self {
        let own = |step: &super::super::plan::Step| (places(plan, step), step.parameters.len() as f64);
        let dense = plan.steps.iter().filter(|step| step.layer.table().is_none());
        // How many rows a product has for each row of the batch, where most of the products are.
        let (rows, products) = dense.map(own).fold((0.0, 0.0), |(rows, products), (places, count)| {
            (rows + places * places * count, products + places * count)
        });
        let by_product = if products > 0.0 { PRODUCT * products / rows } else { PRODUCT };
        let by_sum = plan.dense_count as f64 / (SHARE * work_of_a_row(plan));
        Self { least: by_product.max(by_sum).clamp(LEAST, PRODUCT).ceil() as usize }
    }

    /// How many shards a batch has.
    pub(super) fn count(self, rows: usize) -> usize {
        rows.div_ceil(self.least).clamp(1, MAX_SHARDS)
    }

    /// How many rows a shard has at most. A batch smaller than the largest has fewer shards, which may be larger than those
    /// of the largest: up to the least number of rows.
    pub(super) fn capacity(self, rows: usize) -> usize {
        rows.div_ceil(self.count(rows)).max(self.least.min(rows))
    }

    /// Which rows a shard has.
    pub(super) fn place(self, rows: usize, shard: usize) -> Range<usize> {
        let size = rows.div_ceil(self.count(rows));
        (shard * size).min(rows)..((shard + 1) * size).min(rows)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::graph::NetworkSpec;
    use super::super::super::head::Head;
    use super::super::super::layers::{Activation, Conv2d, Flatten, LayerSpec};
    use super::super::super::shape::Shape;
    use super::*;

    #[test]
    fn every_batch_up_to_the_largest_fits_into_the_workspaces() {
        for cut in [16, 21, 64].map(|least| Cut { least }) {
            for largest in 1..1200usize {
                let capacity = cut.capacity(largest);
                for rows in 1..=largest {
                    let count = cut.count(rows);
                    assert!(count <= cut.count(largest) && rows.div_ceil(count) <= capacity, "{rows} of {largest}");
                    assert_eq!(cut.place(rows, count - 1).end, rows);
                }
            }
        }
    }

    #[test]
    fn images_are_cut_smaller_than_flat_rows() {
        let cut = |shape, layers| {
            Cut::of(&Plan::new(&NetworkSpec::sequential(shape, layers, Head::Multiclass { classes: 10 })).unwrap())
        };
        let relu = Activation::Relu;
        let flat = cut(Shape::features(20), vec![LayerSpec::dense(128, relu), LayerSpec::dense(64, relu)]);
        assert_eq!([64, 256].map(|rows| flat.count(rows)), [1, 4]);
        let filters = LayerSpec::Conv2d(Conv2d::new(32, [3, 3], relu));
        let image = cut(Shape::image(28, 28, 1), vec![filters, LayerSpec::Flatten(Flatten {})]);
        assert_eq!([16, 64, 256].map(|rows| image.count(rows)), [1, 4, 8]);
    }
}
