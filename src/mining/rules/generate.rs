use std::cmp::Ordering;
use std::sync::atomic::{self, AtomicBool, AtomicUsize};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::closures::Closures;
use super::{Contingency, Redundancy, Rule, RuleError, RuleOptions, Rules};
use crate::mining::itemsets::{Itemset, Itemsets, Kind};

/// Asked before more bytes of rules are held; `false` ends the work.
type Gate<'a> = dyn Fn(u64) -> bool + Sync + 'a;

/// Makes all rules that pass the thresholds, in a fixed order (see the [module](super)).
///
/// # Errors
/// - [`RuleError::Confidence`], [`RuleError::Lift`], [`RuleError::Sides`] or [`RuleError::Level`] when an option is out of its range.
/// - [`RuleError::Maximal`] when the itemsets are maximal ones.
/// - [`RuleError::MissingSubset`] when the itemsets were mined with a minimum length above 1.
/// - [`RuleError::TooMany`] when more rules pass than [`RuleOptions::max_rules`] allows, [`RuleError::TooLong`] when so many
///   consequents of one itemset would have to be looked at.
pub fn association_rules(itemsets: &Itemsets, options: &RuleOptions) -> Result<Rules, RuleError> {
    association_rules_within(itemsets, options, &|_| true)
}

/// [`association_rules`] within bounds: `gate` is asked from time to time whether the work may go on and hold so many more bytes
/// of rules.
///
/// # Errors
/// As [`association_rules`], and [`RuleError::Refused`] when the gate says no.
pub fn association_rules_within(
    itemsets: &Itemsets,
    options: &RuleOptions,
    gate: &Gate<'_>,
) -> Result<Rules, RuleError> {
    options.check()?;
    if itemsets.kind() == Kind::Maximal {
        return Err(RuleError::Maximal);
    }
    let generator = Generator {
        options,
        counts: Counts::new(itemsets),
        found: AtomicUsize::new(0),
        gate,
        refused: AtomicBool::new(false),
    };
    let sets: Vec<Itemset<'_>> = itemsets.iter().filter(|set| set.items.len() > 1).collect();
    let candidates = sets.iter().fold(0_u64, |all, set| all.saturating_add(generator.candidates_of(*set)));
    let rules: Result<Vec<Vec<Rule>>, RuleError> = sets.par_iter().map(|&set| generator.rules_of(set)).collect();
    if generator.refused.load(atomic::Ordering::Relaxed) {
        return Err(RuleError::Refused);
    }
    if generator.too_many() {
        return Err(RuleError::TooMany { limit: options.max_rules });
    }
    let rules: Vec<Rule> = rules?.into_iter().flatten().collect();
    let passed = rules.len();
    let rules = options.redundancy.prune(rules, &generator.counts)?;
    let mut rules: Vec<(f64, Rule)> = rules.into_iter().map(|rule| (rule.counts.lift(), rule)).collect();
    rules.par_sort_unstable_by(|(lift_a, a), (lift_b, b)| lift_b.total_cmp(lift_a).then_with(|| order_of_ties(a, b)));
    Ok(Rules { rules: rules.into_iter().map(|(_, rule)| rule).collect(), candidates, passed })
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
        let fails = |side: &super::Side| side.min == 0 || side.max < side.min;
        if fails(&self.antecedent) || fails(&self.consequent) {
            return Err(RuleError::Sides);
        }
        match self.redundancy {
            Redundancy::Improvement(level) | Redundancy::Significance(level) if !(0.0..=1.0).contains(&level) => {
                Err(RuleError::Level(level))
            }
            _ => Ok(()),
        }
    }
}

/// How often itemsets and their parts occur.
pub(super) struct Counts<'a> {
    transactions: u64,
    of: FxHashMap<&'a [u32], u64>,
    /// Of closed sets, the parts of which are not there.
    closures: Option<Closures>,
}

impl<'a> Counts<'a> {
    fn new(itemsets: &'a Itemsets) -> Self {
        // A closure that is too short to be there would be taken for a rarer one.
        let closed = itemsets.kind() == Kind::Closed && itemsets.min_length() <= 1;
        Self {
            transactions: itemsets.transactions(),
            of: itemsets.iter().map(|set| (set.items, set.count)).collect(),
            closures: closed.then(|| Closures::new(itemsets)),
        }
    }

    /// The count of a set; the empty one occurs in every transaction.
    pub(super) fn of(&self, items: &[u32]) -> Result<u64, RuleError> {
        if items.is_empty() {
            return Ok(self.transactions);
        }
        let known = self.of.get(items).copied();
        let count = known.or_else(|| self.closures.as_ref().and_then(|closures| closures.count(items)));
        count.ok_or_else(|| RuleError::MissingSubset { missing: items.to_vec() })
    }
}

struct Generator<'a> {
    options: &'a RuleOptions,
    counts: Counts<'a>,
    found: AtomicUsize,
    gate: &'a Gate<'a>,
    refused: AtomicBool,
}

impl Generator<'_> {
    /// Whether more rules were found than the limit allows; does not depend on how the threads ran once all are done.
    fn too_many(&self) -> bool {
        self.found.load(atomic::Ordering::Relaxed) > self.options.max_rules
    }

    /// How many rules could be cut from one itemset, whatever their measures are.
    fn candidates_of(&self, set: Itemset<'_>) -> u64 {
        let (antecedent, consequent) = (&self.options.antecedent, &self.options.consequent);
        let length = set.items.len();
        let allowed = set.items.iter().filter(|item| consequent.allows(**item)).count();
        // Items that may not stand in the antecedent have to stand in the consequent.
        let forced = set.items.iter().filter(|item| !antecedent.allows(**item)).count();
        let fits = set.items.iter().all(|item| antecedent.allows(*item) || consequent.allows(*item));
        if !fits {
            return 0;
        }
        let sizes = consequent.min.max(forced).max(length.saturating_sub(antecedent.max))
            ..=consequent.max.min(length - 1).min(length.saturating_sub(antecedent.min));
        sizes.fold(0, |all: u64, size| all.saturating_add(choose(allowed - forced.min(allowed), size - forced)))
    }

    /// The rules of one itemset.
    fn rules_of(&self, set: Itemset<'_>) -> Result<Vec<Rule>, RuleError> {
        let (antecedent, consequent) = (&self.options.antecedent, &self.options.consequent);
        let mut rules = Vec::new();
        // Consequents as ascending places in the itemset, all of one length.
        let allowed = (0..set.items.len()).filter(|place| consequent.allows(set.items[*place]));
        let mut consequents: Vec<Vec<usize>> = allowed.map(|place| vec![place]).collect();
        let longest = consequent.max.min(set.items.len() - 1);
        let mut reported = 0;
        for length in 1..=longest {
            if self.too_many() || self.refused.load(atomic::Ordering::Relaxed) {
                break;
            }
            let mut confident = Vec::new();
            for places in consequents {
                let rule = self.rule(set, &places)?;
                if rule.counts.confidence() >= self.options.min_confidence {
                    let sides = consequent.accepts(&rule.consequent) && antecedent.accepts(&rule.antecedent);
                    if sides && rule.counts.lift() >= self.options.min_lift {
                        rules.push(rule);
                    }
                    confident.push(places);
                }
            }
            reported += self.report(rules.get(reported..).unwrap_or_default());
            if length == longest {
                break;
            }
            let Some(next) = longer(&confident, self.options.max_rules) else {
                return Err(RuleError::TooLong { length: set.items.len(), limit: self.options.max_rules });
            };
            consequents = next;
        }
        Ok(rules)
    }

    /// Counts rules that were found; gives their number.
    fn report(&self, rules: &[Rule]) -> usize {
        self.found.fetch_add(rules.len(), atomic::Ordering::Relaxed);
        let items: usize = rules.iter().map(|rule| rule.antecedent.len() + rule.consequent.len()).sum();
        if !(self.gate)((size_of_val(rules) + items * size_of::<u32>()) as u64) {
            self.refused.store(true, atomic::Ordering::Relaxed);
        }
        rules.len()
    }

    fn rule(&self, set: Itemset<'_>, places: &[usize]) -> Result<Rule, RuleError> {
        let mut antecedent = Vec::with_capacity(set.items.len() - places.len());
        let mut consequent = Vec::with_capacity(places.len());
        for (place, &item) in set.items.iter().enumerate() {
            if places.contains(&place) { consequent.push(item) } else { antecedent.push(item) }
        }
        let counts = Contingency {
            transactions: self.counts.transactions,
            antecedent: self.counts.of(&antecedent)?,
            consequent: self.counts.of(&consequent)?,
            both: set.count,
        };
        Ok(Rule { antecedent, consequent, counts })
    }
}

/// In how many ways `size` of `items` can be chosen, as far as that is less than 2^64.
fn choose(items: usize, size: usize) -> u64 {
    if size > items {
        return 0;
    }
    let ways = (0..size as u128).try_fold(1_u128, |ways, at| {
        Some(ways.checked_mul(items as u128 - at)? / (at + 1)).filter(|ways| *ways <= u128::from(u64::MAX))
    });
    ways.and_then(|ways| u64::try_from(ways).ok()).unwrap_or(u64::MAX)
}

/// The consequents of one more place all of whose parts are there; none when they are more than `limit`. `shorter` is in order, and
/// so is the result.
fn longer(shorter: &[Vec<usize>], limit: usize) -> Option<Vec<Vec<usize>>> {
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
                if found.len() == limit {
                    return None;
                }
                found.push(joined);
            }
        }
    }
    Some(found)
}
