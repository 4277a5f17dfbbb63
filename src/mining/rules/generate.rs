use std::cmp::Ordering;
use std::sync::atomic::{self, AtomicUsize};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::{Contingency, Rule, RuleError, RuleOptions};
use crate::mining::itemsets::{Itemset, Itemsets};

/// Makes all rules that pass the thresholds, in a fixed order (see the [module](super)).
///
/// # Errors
/// - [`RuleError::Confidence`], [`RuleError::Lift`] or [`RuleError::Consequent`] when an option is out of its range.
/// - [`RuleError::MissingSubset`] when the itemsets were mined with a minimum length above 1.
/// - [`RuleError::TooMany`] when more rules pass than [`RuleOptions::max_rules`] allows.
pub fn association_rules(itemsets: &Itemsets, options: &RuleOptions) -> Result<Vec<Rule>, RuleError> {
    options.check()?;
    let generator = Generator {
        options,
        transactions: itemsets.transactions(),
        counts: itemsets.iter().map(|set| (set.items, set.count)).collect(),
        found: AtomicUsize::new(0),
    };
    let sets: Vec<Itemset<'_>> = itemsets.iter().filter(|set| set.items.len() > 1).collect();
    let rules: Result<Vec<Vec<Rule>>, RuleError> = sets.par_iter().map(|&set| generator.rules_of(set)).collect();
    if generator.too_many() {
        return Err(RuleError::TooMany { limit: options.max_rules });
    }
    let mut rules: Vec<(f64, Rule)> = rules?.into_iter().flatten().map(|rule| (rule.counts.lift(), rule)).collect();
    rules.par_sort_unstable_by(|(lift_a, a), (lift_b, b)| lift_b.total_cmp(lift_a).then_with(|| order_of_ties(a, b)));
    Ok(rules.into_iter().map(|(_, rule)| rule).collect())
}

fn order_of_ties(a: &Rule, b: &Rule) -> Ordering {
    let by_support = b.counts.both.cmp(&a.counts.both);
    by_support.then_with(|| a.antecedent.cmp(&b.antecedent)).then_with(|| a.consequent.cmp(&b.consequent))
}

impl RuleOptions {
    fn check(&self) -> Result<(), RuleError> {
        if !(0.0..=1.0).contains(&self.min_confidence) {
            return Err(RuleError::Confidence(self.min_confidence));
        }
        if !self.min_lift.is_finite() || self.min_lift < 0.0 {
            return Err(RuleError::Lift(self.min_lift));
        }
        if self.max_consequent == 0 { Err(RuleError::Consequent) } else { Ok(()) }
    }
}

struct Generator<'a> {
    options: &'a RuleOptions,
    transactions: u64,
    counts: FxHashMap<&'a [u32], u64>,
    found: AtomicUsize,
}

impl Generator<'_> {
    /// Whether more rules were found than the limit allows; does not depend on how the threads ran once all are done.
    fn too_many(&self) -> bool {
        self.found.load(atomic::Ordering::Relaxed) > self.options.max_rules
    }

    /// The rules of one itemset.
    fn rules_of(&self, set: Itemset<'_>) -> Result<Vec<Rule>, RuleError> {
        let mut rules = Vec::new();
        // Consequents as ascending places in the itemset, all of one length.
        let mut consequents: Vec<Vec<usize>> = (0..set.items.len()).map(|place| vec![place]).collect();
        let longest = self.options.max_consequent.min(set.items.len() - 1);
        for length in 1..=longest {
            if self.too_many() {
                break;
            }
            let mut confident = Vec::new();
            for places in consequents {
                let rule = self.rule(set, &places)?;
                if rule.counts.confidence() >= self.options.min_confidence {
                    if rule.counts.lift() >= self.options.min_lift {
                        rules.push(rule);
                    }
                    confident.push(places);
                }
            }
            if length == longest {
                break;
            }
            consequents = longer(&confident);
        }
        self.found.fetch_add(rules.len(), atomic::Ordering::Relaxed);
        Ok(rules)
    }

    fn rule(&self, set: Itemset<'_>, places: &[usize]) -> Result<Rule, RuleError> {
        let mut antecedent = Vec::with_capacity(set.items.len() - places.len());
        let mut consequent = Vec::with_capacity(places.len());
        for (place, &item) in set.items.iter().enumerate() {
            if places.contains(&place) { consequent.push(item) } else { antecedent.push(item) }
        }
        let counts = Contingency {
            transactions: self.transactions,
            antecedent: self.count(&antecedent)?,
            consequent: self.count(&consequent)?,
            both: set.count,
        };
        Ok(Rule { antecedent, consequent, counts })
    }

    fn count(&self, items: &[u32]) -> Result<u64, RuleError> {
        self.counts.get(items).copied().ok_or_else(|| RuleError::MissingSubset { missing: items.to_vec() })
    }
}

/// The consequents of one more place all of whose parts are there. `shorter` is in order, and so is the result.
fn longer(shorter: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    for (index, first) in shorter.iter().enumerate() {
        let (_, start) = first.split_last().map_or((0, &[][..]), |(last, start)| (*last, start));
        // Those that differ from it in the last place alone stand right behind it.
        let siblings = shorter[index + 1..].iter().take_while(|second| second.starts_with(start));
        for second in siblings {
            let mut joined = first.clone();
            joined.extend(second.last());
            let part = |left_out: usize| {
                let places = joined.iter().enumerate().filter(|&(at, _)| at != left_out);
                places.map(|(_, &place)| place).collect::<Vec<usize>>()
            };
            if (0..joined.len()).all(|left_out| shorter.binary_search(&part(left_out)).is_ok()) {
                found.push(joined);
            }
        }
    }
    found
}
