//! Mini-batch k-means: centres that follow a stream (Sculley 2010, *Web-scale k-means clustering*).
//!
//! Each batch is given to the centres as they stand; then each centre moves to the mean of all points that it was ever given,
//! so that it moves less and less. Memory is the centres; O(k width) for a point. The order of the points matters, the number
//! of threads does not.
//!
//! # Example
//! ```
//! use gristmill::mining::clustering::mini_batch::MiniBatch;
//! use gristmill::statistics::clusters::centres::Centres;
//!
//! let mut learner = MiniBatch::new(Centres { width: 1, values: vec![0.0, 10.0] });
//! learner.learn(&[1.0, 3.0, 11.0]);
//! learner.learn(&[5.0]);
//! assert_eq!(learner.centres().values, [3.0, 11.0]);
//! ```

use super::kmeans::assign;
use crate::statistics::clusters::centres::Centres;

/// Centres that learn. See the [module](self).
#[derive(Debug, Clone, PartialEq)]
pub struct MiniBatch {
    centres: Centres,
    /// Points that each centre was given so far.
    counts: Vec<u64>,
}

impl MiniBatch {
    /// Begins with these centres, which weigh nothing.
    #[must_use]
    pub fn new(centres: Centres) -> Self {
        Self { counts: vec![0; centres.len()], centres }
    }

    /// Learns from a batch of points, `[m, width]`.
    pub fn learn(&mut self, points: &[f64]) {
        let width = self.centres.width.max(1);
        let (labels, _) = assign(points, &self.centres);
        let mut sums = vec![0.0; self.centres.values.len()];
        let mut given = vec![0_u64; self.counts.len()];
        for (label, point) in labels.iter().zip(points.chunks_exact(width)) {
            let at = *label as usize;
            if let (Some(count), Some(sum)) = (given.get_mut(at), sums.chunks_exact_mut(width).nth(at)) {
                *count += 1;
                sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += value);
            }
        }
        let centres = self.centres.values.chunks_exact_mut(width).zip(&mut self.counts);
        for ((centre, count), (sum, given)) in centres.zip(sums.chunks_exact(width).zip(given)) {
            if given > 0 {
                let before = *count as f64;
                *count += given;
                let after = *count as f64;
                centre.iter_mut().zip(sum).for_each(|(value, sum)| *value = (*value * before + sum) / after);
            }
        }
    }

    /// The centres as they stand.
    #[must_use]
    pub fn centres(&self) -> &Centres {
        &self.centres
    }
}
