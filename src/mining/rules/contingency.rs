use serde::{Deserialize, Serialize};

use crate::statistics::hypergeometric;

/// How often an antecedent A and a consequent C occur, alone and together, and what that says about A => C.
///
/// `both <= antecedent, consequent <= transactions`. P(A) is `antecedent / transactions` and so on. Where the antecedent, the
/// consequent or both do not occur, as they may in other transactions than those that were mined, measures that divide by them
/// are NaN; the p-value is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contingency {
    /// Number of transactions.
    pub transactions: u64,
    /// Number of transactions that hold A.
    pub antecedent: u64,
    /// Number of transactions that hold C.
    pub consequent: u64,
    /// Number of transactions that hold both.
    pub both: u64,
}

impl Contingency {
    fn share(&self, count: u64) -> f64 {
        count as f64 / self.transactions as f64
    }

    /// P(A and C), from 0 to 1: how much of the data the rule speaks of (Agrawal, Imieliński & Swami 1993).
    #[must_use]
    pub fn support(&self) -> f64 {
        self.share(self.both)
    }

    /// P(A), from 0 to 1.
    #[must_use]
    pub fn antecedent_support(&self) -> f64 {
        self.share(self.antecedent)
    }

    /// P(C), from 0 to 1.
    #[must_use]
    pub fn consequent_support(&self) -> f64 {
        self.share(self.consequent)
    }

    /// P(C | A), from 0 to 1: how often the rule is right (Agrawal, Imieliński & Swami 1993).
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.both as f64 / self.antecedent as f64
    }

    /// P(A and C) / (P(A) P(C)), at least 0: 1 when A and C are independent (Brin, Motwani, Ullman & Tsur 1997).
    #[must_use]
    pub fn lift(&self) -> f64 {
        // One division of products that are mostly exact: 1 comes out as 1.
        let expected = self.antecedent as f64 * self.consequent as f64;
        self.both as f64 * self.transactions as f64 / expected
    }

    /// P(A and C) - P(A) P(C), from -0.25 to 0.25: 0 when A and C are independent (Piatetsky-Shapiro 1991).
    #[must_use]
    pub fn leverage(&self) -> f64 {
        self.support() - self.antecedent_support() * self.consequent_support()
    }

    /// P(A) P(not C) / P(A and not C), at least 0: how much more often the rule would be wrong if A and C were independent;
    /// infinite when it is never wrong (Brin, Motwani, Ullman & Tsur 1997).
    #[must_use]
    pub fn conviction(&self) -> f64 {
        if self.both == self.antecedent {
            return f64::INFINITY;
        }
        let wrong = (self.antecedent - self.both) as f64;
        self.antecedent_support() * (self.transactions - self.consequent) as f64 / wrong
    }

    /// (P(C | A) - P(C | not A)) / max of the two, from -1 to 1: 0 when A and C are independent (Zhang 2000). 0 as well when
    /// each transaction holds A or each holds C, which says nothing about their association.
    #[must_use]
    pub fn zhang(&self) -> f64 {
        let scale = (self.support() * (1.0 - self.antecedent_support()))
            .max(self.antecedent_support() * (self.consequent_support() - self.support()));
        if scale == 0.0 { 0.0 } else { self.leverage() / scale }
    }

    /// P(A and C) / P(A or C), from 0 to 1 (Jaccard 1901).
    #[must_use]
    pub fn jaccard(&self) -> f64 {
        self.both as f64 / (self.antecedent + self.consequent - self.both) as f64
    }

    /// The mean of P(C | A) and P(A | C), from 0 to 1 (Kulczyński 1927).
    #[must_use]
    pub fn kulczynski(&self) -> f64 {
        (self.confidence() + self.both as f64 / self.consequent as f64) / 2.0
    }

    /// The certainty factor, from -1 to 1: by what share of the possible the antecedent raises (or lowers) the probability of the
    /// consequent; 0 when A and C are independent (Shortliffe & Buchanan 1975). 1 when the consequent always follows; with a
    /// consequent that is everywhere nothing can be raised, and it is 0.
    #[must_use]
    pub fn certainty(&self) -> f64 {
        let (confidence, prior) = (self.confidence(), self.consequent_support());
        if confidence > prior {
            (confidence - prior) / (1.0 - prior)
        } else if confidence < prior {
            (confidence - prior) / prior
        } else {
            0.0
        }
    }

    /// The one-sided p-value of Fisher's exact test: how probable it is that independent A and C with these counts occur
    /// together at least that often. Not corrected for the number of rules that are tested.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        hypergeometric::upper_tail(self.transactions, self.antecedent, self.consequent, self.both)
    }
}
