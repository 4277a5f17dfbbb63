//! How good clusters are, told from the points and their labels alone.
//!
//! - [`silhouettes`]: how much nearer a point is to its own cluster than to the next one, from -1 to 1 (Rousseeuw 1987).
//!   O(n^2 width): of many points take a sample.
//! - [`davies_bouldin`]: how wide clusters are for the distance between them; lower is better (Davies & Bouldin 1979).
//! - [`calinski_harabasz`]: variance between clusters by variance within; higher is better (Caliński & Harabasz 1974).
//!
//! Conventions are those of scikit-learn. Points without a label (noise) are left out. All are defined for 2 to n - 1 clusters.

use rayon::prelude::*;

use crate::similarity::neighbours::squared_distance;

/// Points that one task looks at.
const TOGETHER: usize = 64;

/// Points with labels, put in order.
struct Labelled<'a> {
    width: usize,
    rows: Vec<(&'a [f64], u32)>,
    sizes: Vec<u64>,
}

impl<'a> Labelled<'a> {
    fn new(points: &'a [f64], width: usize, labels: &[Option<u32>]) -> Option<Self> {
        let k = labels.iter().flatten().max().map_or(0, |most| *most as usize + 1);
        let mut sizes = vec![0; k];
        let rows: Vec<(&[f64], u32)> = points
            .chunks_exact(width.max(1))
            .zip(labels)
            .filter_map(|(point, label)| label.map(|label| (point, label)))
            .collect();
        rows.iter().for_each(|(_, label)| sizes[*label as usize] += 1);
        let used = sizes.iter().filter(|size| **size > 0).count();
        (2..rows.len()).contains(&used).then_some(Self { width, rows, sizes })
    }

    /// The mean of each cluster, `[k, width]`.
    fn means(&self) -> Vec<f64> {
        let mut means = vec![0.0; self.sizes.len() * self.width];
        for (point, label) in &self.rows {
            let at = *label as usize * self.width;
            means[at..at + self.width].iter_mut().zip(*point).for_each(|(sum, value)| *sum += value);
        }
        for (mean, size) in means.chunks_exact_mut(self.width).zip(&self.sizes) {
            mean.iter_mut().for_each(|sum| *sum /= *size as f64);
        }
        means
    }

    fn used(&self) -> f64 {
        self.sizes.iter().filter(|size| **size > 0).count() as f64
    }
}

/// The silhouette of each point; none for points without a label. A point alone in its cluster has 0. None at all where it is
/// not defined.
#[must_use]
pub fn silhouettes(points: &[f64], width: usize, labels: &[Option<u32>]) -> Option<Vec<Option<f64>>> {
    let labelled = Labelled::new(points, width, labels)?;
    let found: Vec<f64> = labelled
        .rows
        .par_iter()
        .with_min_len(TOGETHER)
        .map(|(point, label)| {
            let own = *label as usize;
            let mut sums = vec![0.0; labelled.sizes.len()];
            labelled
                .rows
                .iter()
                .for_each(|(other, label)| sums[*label as usize] += squared_distance(point, other).sqrt());
            let sizes = &labelled.sizes;
            if sizes[own] == 1 {
                return 0.0;
            }
            let within = sums[own] / (sizes[own] - 1) as f64;
            let others = sums.iter().zip(sizes).enumerate().filter(|(at, (_, size))| *at != own && **size > 0);
            let next = others.map(|(_, (sum, size))| sum / *size as f64).fold(f64::INFINITY, f64::min);
            let most = within.max(next);
            if most > 0.0 { (next - within) / most } else { 0.0 }
        })
        .collect();
    let mut found = found.into_iter();
    Some(labels.iter().map(|label| label.and_then(|_| found.next())).collect())
}

/// The mean over the clusters of how alike each one is to the one it is most alike to. O(n width + k^2 width).
#[must_use]
pub fn davies_bouldin(points: &[f64], width: usize, labels: &[Option<u32>]) -> Option<f64> {
    let labelled = Labelled::new(points, width, labels)?;
    let means = labelled.means();
    let mean = |at: usize| &means[at * width..(at + 1) * width];
    let mut spread = vec![0.0; labelled.sizes.len()];
    for (point, label) in &labelled.rows {
        spread[*label as usize] += squared_distance(point, mean(*label as usize)).sqrt();
    }
    spread.iter_mut().zip(&labelled.sizes).for_each(|(sum, size)| *sum /= (*size).max(1) as f64);
    let used: Vec<usize> = (0..spread.len()).filter(|at| labelled.sizes[*at] > 0).collect();
    let worst = |i: usize| {
        used.iter()
            .filter(|j| **j != i)
            .map(|&j| (spread[i] + spread[j], squared_distance(mean(i), mean(j)).sqrt()))
            // Two clusters of one centre have no distance to compare with; scikit-learn lets it be infinite there.
            .map(|(both, apart)| {
                if apart > 0.0 {
                    both / apart
                } else if both > 0.0 {
                    f64::INFINITY
                } else {
                    0.0
                }
            })
            .fold(0.0, f64::max)
    };
    let index = used.iter().map(|&at| worst(at)).sum::<f64>() / labelled.used();
    index.is_finite().then_some(index)
}

/// The variance between clusters by the variance within, each by its degrees of freedom. O(n width).
#[must_use]
pub fn calinski_harabasz(points: &[f64], width: usize, labels: &[Option<u32>]) -> Option<f64> {
    let labelled = Labelled::new(points, width, labels)?;
    let means = labelled.means();
    let count = labelled.rows.len() as f64;
    let mut middle = vec![0.0; width];
    for (mean, size) in means.chunks_exact(width).zip(&labelled.sizes).filter(|(_, size)| **size > 0) {
        middle.iter_mut().zip(mean).for_each(|(sum, value)| *sum += value * *size as f64 / count);
    }
    let between: f64 = means
        .chunks_exact(width)
        .zip(&labelled.sizes)
        .filter(|(_, size)| **size > 0)
        .map(|(mean, size)| *size as f64 * squared_distance(mean, &middle))
        .sum();
    let within: f64 = labelled
        .rows
        .iter()
        .map(|(point, label)| squared_distance(point, &means[*label as usize * width..(*label as usize + 1) * width]))
        .sum();
    let k = labelled.used();
    (within > 0.0).then(|| between * (count - k) / (within * (k - 1.0)))
}
