//! How far a distribution has moved: the population stability index.

/// The least share of a category, so that one that is new or gone counts as far away but not infinitely far.
const LEAST: f64 = 1e-4;

/// The population stability index of the categories' counts before and now: `sum((q - p) ln(q / p))` over their shares p and q.
///
/// Below 0.1 a distribution counts as stable, above 0.25 as shifted (Siddiqi 2006, Credit Risk Scorecards, chapter 8). It is the
/// sum of both Kullback-Leibler divergences (Jeffreys 1946). Shares below 1/10,000 count as 1/10,000.
///
/// None when one of the sides has no rows. Pairs are (before, now). Time: linear.
pub fn stability_index(counts: &[(u64, u64)]) -> Option<f64> {
    let before: u64 = counts.iter().map(|(before, _)| before).sum();
    let now: u64 = counts.iter().map(|(_, now)| now).sum();
    if before == 0 || now == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "shares of fewer than 2^53 rows")]
    let share = |count: u64, all: u64| (count as f64 / all as f64).max(LEAST);
    Some(
        counts
            .iter()
            .map(|&(one, other)| (share(one, before), share(other, now)))
            .map(|(p, q)| (q - p) * (q / p).ln())
            .sum(),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::oracle::{assert_close, oracle};
    use super::*;

    #[test]
    fn the_index_is_that_of_scipys_relative_entropies() {
        for case in oracle("stability") {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the script stores counts")]
            let counts: Vec<(u64, u64)> =
                case.list("before").iter().zip(case.list("now")).map(|(p, q)| (*p as u64, q as u64)).collect();
            assert_close(stability_index(&counts).unwrap(), case.number("index"), 1e-10, &case.text("name"));
        }
    }

    #[test]
    fn equal_shares_have_index_zero_whatever_the_number_of_rows() {
        assert!(stability_index(&[(10, 30), (20, 60)]).unwrap().abs() < 1e-15);
    }

    #[test]
    fn without_rows_there_is_no_index() {
        assert_eq!((stability_index(&[]), stability_index(&[(0, 3)]), stability_index(&[(3, 0)])), (None, None, None));
    }
}
