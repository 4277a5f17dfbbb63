use serde::{Deserialize, Serialize};

/// How often a set must occur to count as frequent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinSupport {
    /// A share of all transactions, above 0 and at most 1. The count is rounded up.
    Fraction(f64),
    /// A number of transactions. 0 is read as 1: a set that never occurs is not frequent.
    Count(u64),
}

impl MinSupport {
    /// The smallest number of transactions that a frequent set has, out of `total`; at least 1.
    ///
    /// # Errors
    /// [`ItemsetError::Fraction`] when a fraction is not above 0 and at most 1.
    pub fn count(self, total: u64) -> Result<u64, ItemsetError> {
        match self {
            Self::Count(count) => Ok(count.max(1)),
            Self::Fraction(fraction) if fraction > 0.0 && fraction <= 1.0 => {
                // 0.07 * 100 is a little above 7 in floating point; the slack keeps the count at 7.
                let exact = fraction * total as f64;
                Ok(((exact - exact * 4.0 * f64::EPSILON).ceil() as u64).max(1))
            }
            Self::Fraction(fraction) => Err(ItemsetError::Fraction { fraction }),
        }
    }
}

/// Which of the frequent sets are reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All of them.
    #[default]
    Frequent,
    /// Those that cannot be extended without becoming rarer: from them the counts of all frequent sets follow.
    Closed,
    /// Those that cannot be extended without becoming infrequent: from them it follows which sets are frequent.
    Maximal,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemsetOptions {
    /// Which of the frequent sets are reported. Default: all.
    pub kind: Kind,
    /// Only the first ones of the order: the most frequent. Default: no such limit.
    pub top: Option<usize>,
    /// How often a set must occur. Default: a tenth of the transactions.
    pub min_support: MinSupport,
    /// Smallest number of items in a reported set, at least 1. Default: 1. Rules need 1.
    pub min_length: usize,
    /// Largest number of items in a reported set; `None` for no limit. Default: none. Closed and maximal sets are such among
    /// all frequent sets, however long.
    pub max_length: Option<usize>,
    /// The search stops with an error when more sets than this are found (shorter ones than `min_length` count too). Default:
    /// one million.
    pub max_itemsets: u64,
}

impl Default for ItemsetOptions {
    fn default() -> Self {
        Self {
            kind: Kind::Frequent,
            top: None,
            min_support: MinSupport::Fraction(0.1),
            min_length: 1,
            max_length: None,
            max_itemsets: 1_000_000,
        }
    }
}

impl ItemsetOptions {
    /// Checks all options and gives the minimum count out of `total` transactions.
    pub(super) fn check(&self, total: u64) -> Result<u64, ItemsetError> {
        let max_length = self.max_length.unwrap_or(usize::MAX);
        if self.min_length == 0 || max_length < self.min_length {
            return Err(ItemsetError::Lengths { min_length: self.min_length, max_length });
        }
        self.min_support.count(total)
    }
}

/// Why no itemsets were found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemsetError {
    /// The minimum support is a fraction outside its range.
    #[error("the minimum support as a fraction must be above 0 and at most 1, not {fraction}")]
    Fraction {
        /// What was given.
        fraction: f64,
    },
    /// The lengths exclude every set.
    #[error("the lengths of itemsets must be at least 1 and in order, not from {min_length} to {max_length}")]
    Lengths {
        /// Smallest length that was asked for.
        min_length: usize,
        /// Largest length that was asked for.
        max_length: usize,
    },
    /// More sets are frequent than the limit allows.
    #[error(
        "more than {limit} itemsets occur in at least {minimum} of the {transactions} transactions; raise the minimum support or lower the maximum length"
    )]
    TooMany {
        /// The limit that was passed.
        limit: u64,
        /// The minimum count in force.
        minimum: u64,
        /// Number of transactions.
        transactions: u64,
    },
    /// There is no memory for what was found, or the search was told to end.
    #[error("there is no memory for the itemsets that occur in at least {minimum} of the {transactions} transactions")]
    Refused {
        /// The minimum count in force.
        minimum: u64,
        /// Number of transactions.
        transactions: u64,
    },
    /// The different transactions cannot be numbered with 32 bits.
    #[error(
        "{transactions} different transactions are more than itemsets can be mined from (4294967295); take a sample"
    )]
    TooManyTransactions {
        /// Number of different transactions.
        transactions: usize,
    },
    /// Offsets and items do not describe rows.
    #[error("offset {position} of the transactions is out of order or out of range: {reason}")]
    Offsets {
        /// Index of the bad offset.
        position: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
}
