//! Affinities of rows to their nearest rows.

use rayon::prelude::*;

use crate::similarity::neighbours::{Near, all_nearest};

/// Halvings of the interval for the width of a row.
const HALVINGS: usize = 100;
/// How near the entropy comes to that of the perplexity.
const TOLERANCE: f64 = 1e-5;

/// A symmetric sparse matrix whose numbers add up to 1.
#[derive(Debug, Clone)]
pub(super) struct Affinities {
    /// Where the neighbours of each row begin, and the end.
    starts: Vec<usize>,
    neighbours: Vec<u32>,
    values: Vec<f64>,
}

impl Affinities {
    /// Of rows of `width` finite numbers, at least two.
    pub(super) fn of_rows(rows: &[f64], width: usize, perplexity: f64) -> Self {
        let count = rows.len() / width.max(1);
        let wanted = ((3.0 * perplexity) as usize + 1).min(count - 1);
        let near = all_nearest(rows, width, wanted);
        let conditional: Vec<Vec<f64>> =
            near.par_iter().with_min_len(64).map(|near| conditional(near, perplexity)).collect();
        let mut pairs: Vec<Vec<(u32, f64)>> = vec![Vec::new(); count];
        for (row, (near, values)) in near.iter().zip(&conditional).enumerate() {
            for (near, value) in near.iter().zip(values) {
                pairs[row].push((near.point, *value));
                pairs[near.point as usize].push((row as u32, *value));
            }
        }
        pairs.par_iter_mut().for_each(|pairs| {
            pairs.sort_unstable_by_key(|(other, _)| *other);
            pairs.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 += next.1;
                }
                same
            });
        });
        let total: f64 = pairs.iter().map(|pairs| pairs.iter().map(|(_, value)| value).sum::<f64>()).sum();
        let mut starts = vec![0];
        let (mut neighbours, mut values) = (Vec::new(), Vec::new());
        for pairs in pairs {
            neighbours.extend(pairs.iter().map(|(other, _)| *other));
            values.extend(pairs.iter().map(|(_, value)| value / total.max(f64::MIN_POSITIVE)));
            starts.push(neighbours.len());
        }
        Self { starts, neighbours, values }
    }

    /// The neighbours of a row with their affinities.
    pub(super) fn of(&self, row: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[row]..self.starts[row + 1];
        self.neighbours[range.clone()].iter().map(|other| *other as usize).zip(self.values[range].iter().copied())
    }
}

/// Normal weights of the neighbours whose entropy is the logarithm of the perplexity; they add up to 1.
fn conditional(near: &[Near], perplexity: f64) -> Vec<f64> {
    let wanted = perplexity.ln();
    // Distances relative to the nearest: the weights are the same, and none of them vanishes.
    let least = near.first().map_or(0.0, |near| near.squared);
    let mean = near.iter().map(|near| near.squared - least).sum::<f64>() / near.len().max(1) as f64;
    let scale = if mean > 0.0 { mean } else { 1.0 };
    let (mut low, mut high, mut precision) = (0.0, f64::INFINITY, 1.0);
    let mut weights = vec![0.0; near.len()];
    for _ in 0..HALVINGS {
        let (mut sum, mut moment) = (0.0, 0.0);
        for (weight, near) in weights.iter_mut().zip(near) {
            let distance = (near.squared - least) / scale;
            *weight = (-precision * distance).exp();
            sum += *weight;
            moment += *weight * distance;
        }
        weights.iter_mut().for_each(|weight| *weight /= sum);
        let entropy = f64::ln(sum) + precision * moment / sum;
        if (entropy - wanted).abs() <= TOLERANCE {
            break;
        }
        if entropy > wanted {
            low = precision;
            precision = if high.is_finite() { (low + high) / 2.0 } else { precision * 2.0 };
        } else {
            high = precision;
            precision = (low + high) / 2.0;
        }
    }
    weights
}
