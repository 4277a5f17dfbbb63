//! Ranks of values with ties.

/// Ranks, in the order of the values, and what the ties take away: Σ (t³ - t) over the groups of equal values.
pub(super) struct Ranks {
    pub(super) ranks: Vec<f64>,
    pub(super) ties: f64,
}

/// Average ranks from 1 on. O(n log n).
pub(super) fn rank(values: &[f64]) -> Ranks {
    let mut order: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties) = (vec![0.0; values.len()], 0.0);
    let mut before = 0.0;
    // -0 and 0 are equal, whatever their order.
    for run in order.chunk_by(|a, b| a.0 == b.0) {
        let n = run.len() as f64;
        for (_, at) in run {
            if let Some(rank) = ranks.get_mut(*at) {
                *rank = before + (n + 1.0) / 2.0;
            }
        }
        ties += n * n * n - n;
        before += n;
    }
    Ranks { ranks, ties }
}
