//! Association rules: "who has these items also has those", with measures of how much that says.
//!
//! # Method
//! Every frequent itemset of two or more items is cut into an antecedent and a consequent. For one itemset the consequents
//! grow item by item: when a rule falls below the minimum confidence, so does every rule of that itemset whose consequent
//! contains its consequent, and they are not looked at (`ap-genrules` of Agrawal & Srikant 1994, *Fast algorithms for mining
//! association rules*, VLDB).
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
//! assert_eq!(rules.len(), 1);
//! assert_eq!((rules[0].antecedent.as_slice(), rules[0].consequent.as_slice()), (&[butter][..], &[bread][..]));
//! assert_eq!((rules[0].counts.confidence(), rules[0].counts.lift()), (1.0, 4.0 / 3.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod contingency;
mod generate;

#[cfg(test)]
mod tests;

pub use contingency::Contingency;
pub use generate::association_rules;

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

/// Which rules to keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleOptions {
    /// Smallest confidence, from 0 to 1. Default: 0.5.
    pub min_confidence: f64,
    /// Smallest lift, at least 0; 1 leaves out what occurs together less often than by chance. Default: 1.
    pub min_lift: f64,
    /// Most items in a consequent, at least 1. Default: 1.
    pub max_consequent: usize,
    /// More rules than this are an error. Default: one million.
    pub max_rules: usize,
}

impl Default for RuleOptions {
    fn default() -> Self {
        Self { min_confidence: 0.5, min_lift: 1.0, max_consequent: 1, max_rules: 1_000_000 }
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
    /// No consequent may have items.
    #[error("a consequent has at least 1 item; its maximum length cannot be 0")]
    Consequent,
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
}
