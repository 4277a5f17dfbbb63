//! Rules that say no more than a more general one.

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::generate::Counts;
use super::{Rule, RuleError};
use crate::statistics::hypergeometric;

/// Which rules are left out because a rule with the same consequent and a part of the antecedent says as much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redundancy {
    /// None.
    #[default]
    Kept,
    /// Those whose confidence is not larger, by more than this, than that of every rule with fewer items in the antecedent; the
    /// rule without any says that the consequent is as frequent as it is (Bayardo, Agrawal & Gunopulos 1999,
    /// *Constraint-based rule mining in large, dense databases*).
    Improvement(f64),
    /// Those in which some item of the antecedent may be there by chance: among the transactions with the other items, item
    /// and consequent are tested for independence (one-sided Fisher's exact test), and the largest of these p-values is
    /// above this level (Webb 2007, *Discovering significant patterns*).
    Significance(f64),
}

impl Redundancy {
    /// The rules that are left. O(rules times parts of their antecedents).
    pub(super) fn prune(self, rules: Vec<Rule>, counts: &Counts<'_>) -> Result<Vec<Rule>, RuleError> {
        match self {
            Self::Kept => Ok(rules),
            Self::Improvement(least) => improving(rules, least, counts),
            Self::Significance(level) => {
                let tested: Result<Vec<(bool, Rule)>, RuleError> =
                    rules.into_par_iter().map(|rule| Ok((largest_p(&rule, counts)? <= level, rule))).collect();
                Ok(tested?.into_iter().filter(|(kept, _)| *kept).map(|(_, rule)| rule).collect())
            }
        }
    }
}

/// Keeps rules in their order whose confidence is larger by more than `least` than that of each rule on a part.
fn improving(rules: Vec<Rule>, least: f64, counts: &Counts<'_>) -> Result<Vec<Rule>, RuleError> {
    let mut groups: FxHashMap<&[u32], Vec<usize>> = FxHashMap::default();
    for (place, rule) in rules.iter().enumerate() {
        groups.entry(&rule.consequent).or_default().push(place);
    }
    let kept: Result<Vec<Vec<usize>>, RuleError> = groups
        .into_par_iter()
        .map(|(consequent, places)| {
            let mut best = Best { consequent, counts, known: FxHashMap::default() };
            let mut kept = Vec::new();
            for place in places {
                let rule = &rules[place];
                if rule.counts.confidence() - best.below(&rule.antecedent)? > least {
                    kept.push(place);
                }
            }
            Ok(kept)
        })
        .collect();
    let mut stays = vec![false; rules.len()];
    kept?.into_iter().flatten().for_each(|place| stays[place] = true);
    Ok(rules.into_iter().zip(stays).filter(|(_, stays)| *stays).map(|(rule, _)| rule).collect())
}

/// The best confidence of rules with one consequent.
struct Best<'a> {
    consequent: &'a [u32],
    counts: &'a Counts<'a>,
    known: FxHashMap<Vec<u32>, f64>,
}

impl Best<'_> {
    /// The best confidence of the proper parts of an antecedent.
    fn below(&mut self, antecedent: &[u32]) -> Result<f64, RuleError> {
        let mut best = 0.0_f64;
        for left_out in 0..antecedent.len() {
            best = best.max(self.of(&without(antecedent, left_out))?);
        }
        Ok(best)
    }

    /// The best confidence of an antecedent and its parts.
    fn of(&mut self, antecedent: &[u32]) -> Result<f64, RuleError> {
        if let Some(best) = self.known.get(antecedent) {
            return Ok(*best);
        }
        let both = self.counts.of(&joined(antecedent, self.consequent))?;
        let own = both as f64 / self.counts.of(antecedent)? as f64;
        let best = own.max(self.below(antecedent)?);
        self.known.insert(antecedent.to_vec(), best);
        Ok(best)
    }
}

/// The largest p-value of the items of the antecedent.
fn largest_p(rule: &Rule, counts: &Counts<'_>) -> Result<f64, RuleError> {
    let mut largest = 0.0_f64;
    for left_out in 0..rule.antecedent.len() {
        let others = without(&rule.antecedent, left_out);
        let total = counts.of(&others)?;
        let right = counts.of(&joined(&others, &rule.consequent))?;
        largest = largest.max(hypergeometric::upper_tail(total, rule.counts.antecedent, right, rule.counts.both));
    }
    Ok(largest)
}

fn without(items: &[u32], left_out: usize) -> Vec<u32> {
    items.iter().enumerate().filter(|(place, _)| *place != left_out).map(|(_, item)| *item).collect()
}

fn joined(first: &[u32], second: &[u32]) -> Vec<u32> {
    let mut joined = [first, second].concat();
    joined.sort_unstable();
    joined
}
