//! Association rules: "who has these items also has those", with measures of how much that says.
//!
//! # Method
//! Every frequent itemset of two or more items is cut into an antecedent and a consequent. For one itemset the consequents
//! grow item by item: when a rule falls below the minimum confidence, so does every rule of that itemset whose consequent
//! contains its consequent, and they are not looked at (`ap-genrules` of Agrawal & Srikant 1994, *Fast algorithms for mining
//! association rules*, VLDB).
//!
//! Closed itemsets do as well, and give fewer rules: a part of them occurs as often as the smallest closed set around it. A rule of a
//! set that is not closed is left out for the rule of its closure with the same consequent, which has the same support and at
//! least the same confidence.
//!
//! What may stand on a [`Side`] is decided before a rule is made. Rules that say no more than a more general one can be left out
//! ([`Redundancy`]), and rules can be measured again in other transactions ([`Recount`]).
//!
//! # Guarantees
//! The result is exact and complete. Its order is fixed: by falling lift, then by falling support, then by the items of
//! antecedent and consequent. The measures are in [`Contingency`].
//!
//! # Complexity
//! One table look-up for each part of each rule that is looked at: with consequents of one item, about the number of all
//! items in all itemsets. Itemsets are shared by the threads of the current rayon pool.
//!
//! # Example
//! ```
//! use gristmill::mining::itemsets::{ItemsetOptions, MinSupport, Transactions, frequent_itemsets};
//! use gristmill::mining::rules::{RuleOptions, association_rules};
//!
//! let (bread, butter, beer) = (0, 1, 2);
//! let mut baskets = Transactions::new();
//! for basket in [&[bread, butter][..], &[bread, butter], &[bread], &[beer]] {
//!     baskets.push(basket);
//! }
//! let itemsets = frequent_itemsets(
//!     &baskets,
//!     &ItemsetOptions { min_support: MinSupport::Count(2), ..ItemsetOptions::default() },
//! )?;
//! let rules = association_rules(&itemsets, &RuleOptions { min_confidence: 0.9, ..RuleOptions::default() })?;
//! let rule = &rules.rules[0];
//! assert_eq!((rules.rules.len(), rules.candidates), (1, 2));
//! assert_eq!((rule.antecedent.as_slice(), rule.consequent.as_slice()), (&[butter][..], &[bread][..]));
//! assert_eq!((rule.counts.confidence(), rule.counts.lift()), (1.0, 4.0 / 3.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod closures;
mod contingency;
mod generate;
mod recount;
mod redundancy;
mod sides;

#[cfg(test)]
mod tests;

pub use contingency::Contingency;
pub use generate::{association_rules, association_rules_within};
pub use recount::Recount;
pub use redundancy::Redundancy;
pub use sides::Side;

use serde::{Deserialize, Serialize};

/// An association rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Items that a transaction has, ascending.
    pub antecedent: Vec<u32>,
    /// Items that it then also has, ascending.
    pub consequent: Vec<u32>,
    /// How often either occurs, and both: the measures follow from it.
    pub counts: Contingency,
}

/// Rules, and how many there were to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Those that pass, in order.
    pub rules: Vec<Rule>,
    /// How many rules can be cut from the itemsets with items that may stand on their sides, whatever their measures are: the
    /// family of tests that a correction has to count.
    pub candidates: u64,
    /// How many passed before redundant ones were left out.
    pub passed: usize,
}

/// Which rules to keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleOptions {
    /// Smallest confidence, from 0 to 1. Default: 0.5.
    pub min_confidence: f64,
    /// Smallest lift, at least 0; 1 leaves out what occurs together less often than by chance. Default: 1.
    pub min_lift: f64,
    /// What may stand in an antecedent. Default: anything.
    pub antecedent: Side,
    /// What may stand in a consequent. Default: any one item.
    pub consequent: Side,
    /// Which rules are left out because a more general one says as much. Default: none.
    pub redundancy: Redundancy,
    /// More rules than this are an error. Default: one million.
    pub max_rules: usize,
}

impl Default for RuleOptions {
    fn default() -> Self {
        Self {
            min_confidence: 0.5,
            min_lift: 1.0,
            antecedent: Side::default(),
            consequent: Side::at_most(1),
            redundancy: Redundancy::Kept,
            max_rules: 1_000_000,
        }
    }
}

/// Why no rules were made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The minimum confidence is out of its range.
    #[error("the minimum confidence must be from 0 to 1, not {0}")]
    Confidence(f64),
    /// The minimum lift is out of its range.
    #[error("the minimum lift must be a number of at least 0, not {0}")]
    Lift(f64),
    /// No rule could have a side as it is asked for.
    #[error("both sides of a rule have at least 1 item, and at least as many at most")]
    Sides,
    /// The level or improvement is out of its range.
    #[error("an improvement and a level must be from 0 to 1, not {0}")]
    Level(f64),
    /// Maximal itemsets do not tell how often their parts occur.
    #[error(
        "rules need to know how often the parts of a set occur, which maximal itemsets do not tell; mine closed ones"
    )]
    Maximal,
    /// A subset of an itemset is not there.
    #[error("rules need every subset of each itemset, but {missing:?} is not there; mine with a minimum length of 1")]
    MissingSubset {
        /// The items of the subset.
        missing: Vec<u32>,
    },
    /// More rules pass the thresholds than the limit allows.
    #[error("more than {limit} rules pass; raise the minimum confidence, lift or support, or shorten the consequents")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Too many consequents of one itemset pass the minimum confidence to look at longer ones.
    #[error(
        "an itemset of {length} items has more than {limit} consequents to look at; raise the minimum confidence, or shorten the consequents"
    )]
    TooLong {
        /// Number of items of the set.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// There is no memory for the rules, or the work was told to end.
    #[error("there is no memory for the rules that pass")]
    Refused,
}
