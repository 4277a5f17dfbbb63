use rustc_hash::FxHashMap;

use super::patterns::{BEGINS, Pattern, Patterns};
use crate::mining::rules::Contingency;

/// A next-event rule: sequences that hold the prefix hold the event after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextRule {
    /// The elements that come first.
    pub prefix: Vec<Vec<u32>>,
    /// The event that follows, within the limits of the search.
    pub next: u32,
    /// Sequences: all; those with the prefix; those with the event, wherever it stands; those in which it follows the prefix.
    pub counts: Contingency,
    /// Whether the prefix holds the event already. Then every sequence with the prefix holds the event, and neither lift nor p-value
    /// say anything.
    pub again: bool,
}

impl NextRule {
    /// The share of sequences with the prefix in which the event follows.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.counts.confidence()
    }

    /// The confidence over the share of all sequences that hold the event; none for an event that the prefix holds already.
    #[must_use]
    pub fn lift(&self) -> Option<f64> {
        (!self.again).then(|| self.counts.lift())
    }

    /// The one-sided p-value of Fisher's exact test for "whether a sequence holds the event does not depend on whether it holds the
    /// prefix" (Fisher 1935); none for an event that the prefix holds already. Only sequences with the event *after* the prefix are
    /// counted for the rule, which are no more than those with both, so that the p-value is rather too large than too small. Not
    /// corrected for the number of rules.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        (!self.again).then(|| self.counts.p_value())
    }
}

/// The next-event rules of all patterns whose last element is a single event, in the order of the patterns.
///
/// `patterns` are all frequent ones from length 1 on; a pattern without its prefix among them gives no rule. Linear in their total
/// length.
pub fn next_event_rules(patterns: &Patterns, sequences: u64) -> Vec<NextRule> {
    let supports: FxHashMap<&[u32], u64> = patterns.iter().map(|pattern| (pattern.code, pattern.count)).collect();
    let rule = |pattern: Pattern<'_>| {
        let (last, before) = pattern.code.split_last()?;
        if last & BEGINS == 0 || before.is_empty() {
            return None;
        }
        let event = last & !BEGINS;
        let counts = Contingency {
            transactions: sequences,
            antecedent: *supports.get(before)?,
            consequent: *supports.get(&[*last][..])?,
            both: pattern.count,
        };
        let again = before.iter().any(|other| other & !BEGINS == event);
        let prefix = Pattern { code: before, count: counts.antecedent }.elements();
        Some(NextRule { prefix, next: event, counts, again })
    };
    patterns.iter().filter_map(rule).collect()
}
