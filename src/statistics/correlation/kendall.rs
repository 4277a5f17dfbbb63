use rayon::prelude::*;

use super::{CorrelationError, common_length};
use crate::statistics::special::{ln_gamma, normal_cdf, normal_quantile};

/// Pairs up to which the p-value is exact when no value stands twice, as in SciPy.
const EXACT: usize = 33;
/// Values that are sorted by one thread.
const PART: usize = 1 << 15;

/// Kendall's tau-b of two columns, with what its p-value rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kendall {
    /// From -1 to 1.
    pub tau: f64,
    /// Number of pairs of values that it rests on.
    pub count: u64,
    /// Pairs of rows in the same order in both columns minus pairs in opposite orders.
    pub score: i128,
    p_value: f64,
}

impl Kendall {
    /// The two-sided p-value of independence: exact up to 33 rows without ties, else by the normal approximation with the
    /// variance for ties (Kendall 1970, *Rank Correlation Methods*, chapter 5).
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        Some(self.p_value).filter(|p| p.is_finite())
    }

    /// The confidence interval by Fisher's z with the variance 0.437 / (n - 4) of Fieller, Hartley and Pearson (1957), an
    /// approximation that is good for |tau| below 0.8; `None` of fewer than five rows, or unless the level is above 0 and below 1.
    #[must_use]
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        if self.count < 5 || !(level > 0.0 && level < 1.0) {
            return None;
        }
        let half = normal_quantile(0.5 + level / 2.0) * (0.437 / (self.count - 4) as f64).sqrt();
        let z = self.tau.atanh();
        Some(((z - half).tanh(), (z + half).tanh()))
    }
}

/// Kendall's tau-b (Kendall 1945) of two columns of one length, over the rows in which neither is NaN, with Knight's algorithm
/// (1966): rows sorted by both columns, then the exchanges counted that sort them by the second alone.
///
/// n log n time, shared by the threads of the current rayon pool; 40 bytes a row. Counts are whole numbers, so the answer is exact
/// up to the last rounding. `None` of fewer than two rows, or when a column is constant.
///
/// # Errors
/// [`CorrelationError::Rows`] when the lengths differ.
pub fn kendall(x: &[f64], y: &[f64]) -> Result<Option<Kendall>, CorrelationError> {
    common_length(&[x, y])?;
    let complete = x.iter().zip(y).filter(|(x, y)| !x.is_nan() && !y.is_nan());
    let mut rows: Vec<(u64, u64)> = complete.map(|(&x, &y)| (ordered(x), ordered(y))).collect();
    let n = rows.len() as u128;
    if n < 2 {
        return Ok(None);
    }
    rows.par_sort_unstable();
    let in_x = Ties::of(rows.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len));
    let in_both = Ties::of(rows.chunk_by(|a, b| a == b).map(<[_]>::len));
    let mut ys: Vec<u64> = rows.iter().map(|row| row.1).collect();
    drop(rows);
    let exchanges = sort_counting(&mut ys);
    let in_y = Ties::of(ys.chunk_by(|a, b| a == b).map(<[_]>::len));
    let all = n * (n - 1) / 2;
    if in_x.pairs == all || in_y.pairs == all {
        return Ok(None);
    }
    let score = (all + in_both.pairs) as i128 - (in_x.pairs + in_y.pairs) as i128 - 2 * exchanges as i128;
    // The root of the product is rounded once, so that columns in one order have exactly 1.
    let tau = score as f64 / ((all - in_x.pairs) as f64 * (all - in_y.pairs) as f64).sqrt();
    let least = exchanges.min(all.saturating_sub(exchanges));
    let untied = in_x.pairs == 0 && in_y.pairs == 0;
    let p_value = if untied && (rows_fit_exact(n) || least <= 1) {
        exact_p(n as usize, least as usize)
    } else {
        normal_p(score, n as f64, &in_x, &in_y)
    };
    Ok(Some(Kendall { tau: tau.clamp(-1.0, 1.0), count: n as u64, score, p_value }))
}

fn rows_fit_exact(n: u128) -> bool {
    n <= EXACT as u128
}

/// Numbers in an order that whole numbers keep: 0 and -0 are one value.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// What groups of equal values add to the variance of the score.
#[derive(Debug, Default)]
struct Ties {
    /// Σ t (t - 1) / 2.
    pairs: u128,
    /// Σ t (t - 1) (t - 2).
    triples: f64,
    /// Σ t (t - 1) (2 t + 5).
    weighted: f64,
}

impl Ties {
    fn of(sizes: impl Iterator<Item = usize>) -> Self {
        let mut ties = Self::default();
        for size in sizes.filter(|&size| size > 1) {
            let t = size as f64;
            ties.pairs += size as u128 * (size as u128 - 1) / 2;
            ties.triples += t * (t - 1.0) * (t - 2.0);
            ties.weighted += t * (t - 1.0) * (2.0 * t + 5.0);
        }
        ties
    }
}

/// Sorts and counts the pairs that stood in descending order: parts side by side, merged two by two.
fn sort_counting(values: &mut [u64]) -> u128 {
    fn sort(values: &mut [u64], buffer: &mut [u64]) -> u128 {
        if values.len() <= 16 {
            return insert(values);
        }
        let middle = values.len() / 2;
        let (left, right) = values.split_at_mut(middle);
        let (left_buffer, right_buffer) = buffer.split_at_mut(middle);
        let (before, after) = if left.len() > PART {
            rayon::join(|| sort(left, left_buffer), || sort(right, right_buffer))
        } else {
            (sort(left, left_buffer), sort(right, right_buffer))
        };
        if left.last() <= right.first() {
            return before + after;
        }
        let mut exchanges = 0_u128;
        let (mut i, mut j) = (0, 0);
        for place in buffer.iter_mut() {
            match (left.get(i), right.get(j)) {
                (Some(a), Some(b)) if b < a => {
                    exchanges += (left.len() - i) as u128;
                    *place = *b;
                    j += 1;
                }
                (Some(a), _) => {
                    *place = *a;
                    i += 1;
                }
                (None, Some(b)) => {
                    *place = *b;
                    j += 1;
                }
                (None, None) => {}
            }
        }
        values.copy_from_slice(buffer);
        before + after + exchanges
    }
    let mut buffer = vec![0; values.len()];
    sort(values, &mut buffer)
}

fn insert(values: &mut [u64]) -> u128 {
    let mut exchanges = 0;
    for end in 1..values.len() {
        let mut at = end;
        while at > 0 && values[at - 1] > values[at] {
            values.swap(at - 1, at);
            at -= 1;
            exchanges += 1;
        }
    }
    exchanges
}

/// The probability of at most `least` exchanges, on both sides: the numbers of permutations by their exchanges, as shares, are
/// built up one element at a time (Kendall 1938).
fn exact_p(n: usize, least: usize) -> f64 {
    let ways = |count: f64| (count.ln() - ln_gamma(n as f64 + 1.0)).exp();
    if least == 0 {
        return (2.0 * ways(1.0)).min(1.0);
    }
    if least == 1 {
        return (2.0 * ways(n as f64)).min(1.0);
    }
    let most = n * (n - 1) / 2;
    if 2 * least >= most {
        return 1.0;
    }
    let mut shares = vec![1.0];
    for size in 2..=n {
        let longer = (shares.len() + size - 1).min(least + 1);
        let mut next = vec![0.0; longer];
        for (k, place) in next.iter_mut().enumerate() {
            let window = k.saturating_sub(size - 1)..(k + 1).min(shares.len());
            *place = shares.get(window).map_or(0.0, |part: &[f64]| part.iter().sum::<f64>()) / size as f64;
        }
        shares = next;
    }
    (2.0 * shares.iter().sum::<f64>()).min(1.0)
}

fn normal_p(score: i128, n: f64, in_x: &Ties, in_y: &Ties) -> f64 {
    let pairs = n * (n - 1.0);
    let mut variance = (pairs * (2.0 * n + 5.0) - in_x.weighted - in_y.weighted) / 18.0;
    variance += 2.0 * in_x.pairs as f64 * in_y.pairs as f64 / pairs;
    if n > 2.0 {
        variance += in_x.triples * in_y.triples / (9.0 * pairs * (n - 2.0));
    }
    2.0 * normal_cdf(-(score as f64).abs() / variance.sqrt())
}
