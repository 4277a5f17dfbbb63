//! How many rows each stratum gets.

/// `total` rows shared out in proportion to the sizes of the strata: each gets its share rounded down, and what is left goes
/// one by one to the largest remainders (Hamilton's method), among equal ones to the first. No stratum gets more than it
/// has. The sum is `total`, or the number of all rows when there are fewer. O(n log n).
#[must_use]
pub fn proportional(sizes: &[u64], total: u64) -> Vec<u64> {
    let all: u64 = sizes.iter().sum();
    if total >= all {
        return sizes.to_vec();
    }
    let exact = |size: u64| u128::from(size) * u128::from(total);
    let mut shares: Vec<u64> =
        sizes.iter().map(|size| u64::try_from(exact(*size) / u128::from(all.max(1))).unwrap_or(*size)).collect();
    let left = total - shares.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(sizes.get(*at).map(|size| exact(*size) % u128::from(all.max(1)))));
    for at in order.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        if let Some(share) = shares.get_mut(at) {
            *share += 1;
        }
    }
    shares
}

/// `total` rows shared out evenly: each stratum gets the same number, those that have fewer rows all of theirs, and what they
/// leave goes to the others; a remainder goes one by one to the first that have more. The sum is `total`, or the number of
/// all rows when there are fewer. O(n log n).
#[must_use]
pub fn equal(sizes: &[u64], total: u64) -> Vec<u64> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|at| sizes.get(*at).copied());
    let mut shares = vec![0; sizes.len()];
    let (mut left, mut strata) = (total, sizes.len() as u64);
    for at in &order {
        let (Some(size), Some(share)) = (sizes.get(*at), shares.get_mut(*at)) else { continue };
        *share = (left / strata.max(1)).min(*size);
        left -= *share;
        strata -= 1;
    }
    // Rounding down leaves fewer rows than strata that have more to give.
    for (share, size) in shares.iter_mut().zip(sizes) {
        if left > 0 && *share < *size {
            *share += 1;
            left -= 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seats_are_those_of_the_textbook() {
        // Hamilton's method with 20 seats, by hand: quotas 2.88, 4.08, 3.80, 6.20, 3.04.
        assert_eq!(proportional(&[72, 102, 95, 155, 76], 20), [3, 4, 4, 6, 3]);
        assert_eq!(equal(&[5, 100, 100], 65), [5, 30, 30]);
        assert_eq!(equal(&[5, 100, 100], 66), [5, 30, 31]);
        assert_eq!(equal(&[1, 2], 9), [1, 2]);
    }

    proptest! {
        #[test]
        fn shares_add_up_and_no_stratum_gives_more_than_it_has(
            sizes in prop::collection::vec(0_u64..1000, 0..20),
            total in 0_u64..9000,
        ) {
            let wanted = total.min(sizes.iter().sum());
            for shares in [proportional(&sizes, total), equal(&sizes, total)] {
                prop_assert_eq!(shares.iter().sum::<u64>(), wanted);
                prop_assert!(shares.iter().zip(&sizes).all(|(share, size)| share <= size));
            }
            let all: u64 = sizes.iter().sum();
            for (share, size) in proportional(&sizes, total).iter().zip(&sizes) {
                let exact = *size as f64 * wanted as f64 / all.max(1) as f64;
                prop_assert!((*share as f64 - exact).abs() < 1.0 + 1e-9);
            }
            let even = equal(&sizes, total);
            let largest = even.iter().max().copied().unwrap_or(0);
            prop_assert!(even.iter().zip(&sizes).all(|(share, size)| *share + 1 >= largest || share == size));
        }
    }
}
