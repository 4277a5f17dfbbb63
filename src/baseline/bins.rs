//! Columns cut into at most 256 bins, so that a tree looks at whole numbers of one byte.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

/// Bins at most.
pub(super) const MOST: usize = 256;

/// Where each column is cut, and the bins of rows.
#[derive(Debug, Clone)]
pub(super) struct Binned {
    /// For each column its rising cuts: bin `b` holds values above cut `b - 1` up to and with cut `b`.
    pub(super) cuts: Vec<Vec<f32>>,
    /// For each column the bins of the rows.
    pub(super) columns: Vec<Vec<u8>>,
}

impl Binned {
    /// Cuts `[n, p]` numbers half way between values while at most 256 differ, else at quantiles. Time `O(p n log n)`.
    pub(super) fn new(features: ArrayView2<'_, f32>) -> Self {
        let columns: Vec<ArrayView1<'_, f32>> = features.columns().into_iter().collect();
        let binned = columns.into_par_iter().map(|column| {
            let cuts = cuts(column);
            let bins = column.iter().map(|value| place(&cuts, *value)).collect();
            (cuts, bins)
        });
        let (cuts, columns) = binned.unzip();
        Self { cuts, columns }
    }

    /// The bins of a feature, and how many there are.
    pub(super) fn column(&self, feature: u32) -> (&[u8], usize) {
        let bins = self.cuts.get(feature as usize).map_or(1, |cuts| cuts.len() + 1);
        (self.columns.get(feature as usize).map_or(&[], Vec::as_slice), bins)
    }
}

/// The bins of `[n, p]` numbers row by row, given the cuts of each column.
pub(super) fn rows(cuts: &[Vec<f32>], features: ArrayView2<'_, f32>) -> Vec<u8> {
    let mut bins = Vec::with_capacity(features.len());
    for row in features.rows() {
        bins.extend(row.iter().zip(cuts).map(|(value, cuts)| place(cuts, *value)));
    }
    bins
}

/// The bin of a value: how many cuts are below it.
pub(super) fn place(cuts: &[f32], value: f32) -> u8 {
    u8::try_from(cuts.partition_point(|cut| *cut < value)).unwrap_or(u8::MAX)
}

fn cuts(column: ArrayView1<'_, f32>) -> Vec<f32> {
    let mut sorted: Vec<f32> = column.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= MOST {
        return distinct.windows(2).filter_map(|pair| between(*pair.first()?, *pair.last()?)).collect();
    }
    let last = sorted.len() - 1;
    let at = |part: usize| sorted.get(part * last / MOST).copied();
    let mut cuts: Vec<f32> = (1..MOST)
        .filter_map(|part| {
            let value = at(part)?;
            // Between this value and the next larger one, so that equal values share a bin.
            let next = sorted.get(sorted.partition_point(|other| *other <= value))?;
            between(value, *next)
        })
        .collect();
    cuts.dedup();
    cuts
}

/// Half way between two values, and never the upper one.
fn between(low: f32, high: f32) -> Option<f32> {
    let middle = ((f64::from(low) + f64::from(high)) / 2.0) as f32;
    Some(if middle >= high { low } else { middle })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    #[test]
    fn few_values_are_cut_half_way_and_many_at_quantiles() {
        assert_eq!(cuts(ndarray::arr1(&[3.0, 1.0, 1.0, 2.0]).view()), [1.5, 2.5]);
        assert_eq!(cuts(ndarray::arr1(&[5.0; 4]).view()), Vec::<f32>::new());
        let many: Array1<f32> = (0..10_000).map(|i| i as f32).collect();
        let found = cuts(many.view());
        assert_eq!(found.len(), 255);
        assert_eq!((place(&found, -1.0), place(&found, 1e9), place(&found, f32::NAN)), (0, 255, 0));
        let mut counts = [0; MOST];
        many.iter().for_each(|value| counts[usize::from(place(&found, *value))] += 1);
        assert!(counts.iter().all(|count| (38..=41).contains(count)), "{counts:?}");
    }

    #[test]
    fn neighbouring_floats_are_told_apart() {
        let (low, high) = (1.0_f32, 1.0_f32.next_up());
        let found = cuts(ndarray::arr1(&[low, high]).view());
        assert_eq!((place(&found, low), place(&found, high)), (0, 1));
    }
}
