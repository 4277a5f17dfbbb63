//! Pairs of values of a series that go down, stay equal or go up, counted without looking at each pair.

/// How the n (n - 1) / 2 pairs of a series go from the earlier value to the later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pairs {
    /// The later value is smaller.
    pub(super) down: u64,
    /// Both are equal.
    pub(super) tied: u64,
    /// The later value is larger.
    pub(super) up: u64,
}

impl Pairs {
    /// Counts by merging sorted halves: O(n log n) (Knight 1966).
    pub(super) fn count(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        let down = descents(&mut sorted, &mut values.to_vec());
        let tied = ties(&sorted).map(|ties| ties * (ties - 1) / 2).sum();
        let n = values.len() as u64;
        let all = n * n.saturating_sub(1) / 2;
        Self { down, tied, up: all - down - tied }
    }
}

/// The lengths of runs of equal values in sorted values.
pub(super) fn ties(sorted: &[f64]) -> impl Iterator<Item = u64> {
    sorted.chunk_by(|a, b| a == b).map(|run| run.len() as u64)
}

/// Sorts the values and counts the pairs that stood the wrong way round.
fn descents(values: &mut [f64], buffer: &mut [f64]) -> u64 {
    let n = values.len();
    if n < 2 {
        return 0;
    }
    let middle = n / 2;
    let (left, right) = values.split_at_mut(middle);
    let (left_buffer, right_buffer) = buffer.split_at_mut(middle);
    let mut count = descents(left, left_buffer) + descents(right, right_buffer);
    let (mut a, mut b) = (left.iter().peekable(), right.iter().peekable());
    for slot in buffer.iter_mut() {
        let take_right = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) => y < x,
            (None, _) => true,
            (Some(_), None) => false,
        };
        if take_right {
            count += a.len() as u64;
            *slot = b.next().copied().unwrap_or(f64::NAN);
        } else {
            *slot = a.next().copied().unwrap_or(f64::NAN);
        }
    }
    values.copy_from_slice(buffer);
    count
}

/// Calls `found` with every pair (earlier, later) of positions whose keys stand the wrong way round; O(n log n + pairs).
/// The positions end up in the order of their keys.
pub(super) fn each_descent(order: &mut [usize], keys: &[f64], found: &mut impl FnMut(usize, usize)) {
    let n = order.len();
    if n < 2 {
        return;
    }
    let middle = n / 2;
    let (left, right) = order.split_at_mut(middle);
    each_descent(left, keys, found);
    each_descent(right, keys, found);
    let key = |position: usize| keys.get(position).copied().unwrap_or(f64::NAN);
    let (mut a, mut b) = (left.iter().copied().peekable(), right.iter().copied().peekable());
    let mut merged = Vec::with_capacity(n);
    while let (Some(x), Some(y)) = (a.peek().copied(), b.peek().copied()) {
        if key(y) < key(x) {
            a.clone().for_each(|earlier| found(earlier, y));
            merged.push(y);
            b.next();
        } else {
            merged.push(x);
            a.next();
        }
    }
    merged.extend(a);
    merged.extend(b);
    order.copy_from_slice(&merged);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_equal_a_look_at_each_pair(values in prop::collection::vec(-5_i8..5, 0..60)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let pairs = || values.iter().enumerate().flat_map(|(i, a)| values.iter().skip(i + 1).map(move |b| (*a, *b)));
            let count = |test: fn(f64, f64) -> bool| pairs().filter(|(a, b)| test(*a, *b)).count() as u64;
            let expected = Pairs { down: count(|a, b| b < a), tied: count(|a, b| a == b), up: count(|a, b| b > a) };
            prop_assert_eq!(Pairs::count(&values), expected);
            let mut listed = Vec::new();
            each_descent(&mut (0..values.len()).collect::<Vec<_>>(), &values, &mut |a, b| listed.push((a, b)));
            prop_assert!(listed.iter().all(|(a, b)| a < b && values[*b] < values[*a]));
            prop_assert_eq!(listed.len() as u64, expected.down);
        }
    }
}
