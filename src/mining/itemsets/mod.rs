//! Frequent itemsets: every set of items that occurs together in at least a minimum number of transactions; or those of them that
//! are closed or maximal, or the most frequent ones.
//!
//! # Method
//! Items are renumbered by falling frequency, infrequent items are removed, and transactions that have become
//! identical are merged into one with a weight where that pays. The search goes depth first: for each item, the transactions that hold
//! it are projected onto the more frequent items that are frequent together with it, identical ones are merged again,
//! and the search goes on in the projection (occurrence deliver with database reduction, as in LCM; Uno, Kiyomi &
//! Arimura 2004, *LCM ver. 2*, FIMI). With at most 4096 items, the first level is counted and projected for blocks of items
//! in two passes over the transactions. As soon as at most 64 items are left, a transaction is one machine word, and the
//! search becomes recursive elimination over buckets of words (after Borgelt 2005, *Keeping things simple: finding
//! frequent item sets by recursive elimination*, OSDM). Prefixes are searched in parallel.
//!
//! - *Closed* sets are found by prefix-preserving closure (Uno, Kiyomi & Arimura 2004): a branch ends when an item that the search has
//!   left behind stands in all of its transactions. Rows remember such items, and merged rows what they have in common.
//! - *Maximal* sets: a branch ends when it is a part of a set that was found, and when the transactions that hold all of its items are
//!   enough (after Grahne & Zhu 2003, *High performance mining of maximal frequent itemsets*, and Burdick, Calimlim & Gehrke 2001,
//!   *MAFIA*). What threads could not know of each other is compared at the end.
//! - The *most frequent* sets: the minimum count rises to that of the last one that is wanted.
//!
//! # Guarantees
//! The result is exact and complete, and the same whatever the number of threads. Its order is fixed: by falling count, then by
//! length, then by the item numbers.
//!
//! # Complexity
//! Time is proportional to the items of all projections that are looked at, which is at most the number of frequent (closed)
//! itemsets times the size of the input, and far less in practice. Memory is the input after merging, one projection
//! per level and thread (on the first level those of a block of items), and the result, which [`ItemsetOptions::max_itemsets`] and
//! the gate of [`frequent_itemsets_within`] bound.
//!
//! # Example
//! ```
//! use gristmill::mining::itemsets::{ItemsetOptions, MinSupport, Transactions, frequent_itemsets};
//!
//! let (bread, milk, beer) = (0, 1, 2);
//! let mut baskets = Transactions::new();
//! baskets.push(&[bread, milk]);
//! baskets.push(&[bread, milk, beer]);
//! baskets.push(&[milk]);
//! baskets.push(&[beer, bread]);
//!
//! let options = ItemsetOptions { min_support: MinSupport::Fraction(0.5), ..ItemsetOptions::default() };
//! let found = frequent_itemsets(&baskets, &options)?;
//! let pairs: Vec<_> = found.iter().filter(|set| set.items.len() == 2).map(|set| (set.items, set.count)).collect();
//! assert_eq!(pairs, [(&[bread, milk][..], 2), (&[bread, beer][..], 2)]);
//! # Ok::<(), gristmill::mining::itemsets::ItemsetError>(())
//! ```

mod blocks;
mod conditional;
mod known;
mod narrow;
mod options;
mod ranking;
mod result;
mod row;
mod search;
mod top;
mod transactions;
mod wide;

#[cfg(test)]
mod tests;

pub use options::{ItemsetError, ItemsetOptions, Kind, MinSupport};
pub use result::{Itemset, Itemsets};
pub use transactions::Transactions;

use ranking::Ranking;
use search::Search;

/// Finds the itemsets of `transactions` that the options ask for, in a fixed order (see the [module](self)).
///
/// # Errors
/// - [`ItemsetError::Fraction`] and [`ItemsetError::Lengths`] when an option is out of its range.
/// - [`ItemsetError::TooMany`] when more itemsets are found than [`ItemsetOptions::max_itemsets`] allows.
/// - [`ItemsetError::TooManyTransactions`] when more than 2³² - 1 different transactions are left after merging.
pub fn frequent_itemsets(transactions: &Transactions, options: &ItemsetOptions) -> Result<Itemsets, ItemsetError> {
    frequent_itemsets_within(transactions, options, &|_| true)
}

/// [`frequent_itemsets`] within bounds: `gate` is asked from time to time whether the search may go on and hold so many more
/// bytes of results.
///
/// # Errors
/// As [`frequent_itemsets`], and [`ItemsetError::Refused`] when the gate says no.
pub fn frequent_itemsets_within(
    transactions: &Transactions,
    options: &ItemsetOptions,
    gate: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Itemsets, ItemsetError> {
    let total = transactions.total();
    let minimum = options.check(total)?;
    let search = Search::new(options, minimum, gate);
    let ranking = Ranking::new(transactions, minimum);
    let rows = ranking.apply(transactions);
    if u32::try_from(rows.len()).is_err() {
        return Err(ItemsetError::TooManyTransactions { transactions: rows.len() });
    }
    let items = ranking.names.len();
    let found = if items <= row::MAX_ITEMS && options.kind != Kind::Maximal {
        conditional::mine_all(&search, items, &rows)
    } else if blocks::suits(items, &rows) {
        blocks::mine(&search, &ranking.counts, &rows)
    } else {
        wide::mine_all(&search, &ranking.counts, &rows)
    };
    if search.refused() {
        return Err(ItemsetError::Refused { minimum, transactions: total });
    }
    if search.exceeded() {
        return Err(ItemsetError::TooMany { limit: options.max_itemsets, minimum, transactions: total });
    }
    Ok(found.into_itemsets(&ranking, options, total, minimum))
}
