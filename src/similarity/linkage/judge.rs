//! How good a linkage is: against a known truth, and of records that nothing could link.

use std::collections::BTreeMap;

use super::MISSING;
use super::records::{Records, Side, Sides};
use super::score::Scored;

/// Pairs counted against the truth.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Verdict {
    /// Linked pairs that belong together.
    pub right: u64,
    /// Linked pairs that do not.
    pub wrong: u64,
    /// Pairs that belong together.
    pub wanted: u64,
}

impl Verdict {
    /// The share of linked pairs that belong together.
    pub fn precision(&self) -> f64 {
        share(self.right, self.right + self.wrong)
    }

    /// The share of pairs that belong together that were linked.
    pub fn recall(&self) -> f64 {
        share(self.right, self.wanted)
    }

    /// The harmonic mean of both.
    pub fn f1(&self) -> f64 {
        share(2 * self.right, self.right + self.wrong + self.wanted)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
fn share(part: u64, of: u64) -> f64 {
    if of == 0 { f64::NAN } else { part as f64 / of as f64 }
}

/// Pairs within groups of records, as far as their sides are compared.
fn pairs_within<K: Ord>(records: &Records, sides: Sides, key: impl Fn(u32) -> Option<K>) -> u64 {
    let mut groups: BTreeMap<K, [u64; 3]> = BTreeMap::new();
    for record in 0..u32::try_from(records.len()).unwrap_or(u32::MAX) {
        if let Some(key) = key(record)
            && let Some(count) = groups.entry(key).or_default().get_mut(records.side(record) as usize)
        {
            *count += 1;
        }
    }
    groups.into_values().map(|counts| pairs(sides, counts)).sum()
}

fn pairs(sides: Sides, counts: [u64; 3]) -> u64 {
    let of = |side: Side| counts.get(side as usize).copied().unwrap_or(0);
    let mut sum = 0;
    for (at, one) in Side::ALL.into_iter().enumerate() {
        for other in Side::ALL.into_iter().skip(at).filter(|other| sides.compares(one, *other)) {
            let (ours, theirs) = (of(one), of(other));
            sum += if one == other { ours * ours.saturating_sub(1) / 2 } else { ours * theirs };
        }
    }
    sum
}

/// Entities against the truth: `entities` and `truth` have a number for each record; a record of unknown truth is left out.
pub fn entities(records: &Records, sides: Sides, entities: &[u32], truth: &[u32]) -> Verdict {
    let of = |numbers: &[u32], record: u32| numbers.get(record as usize).copied();
    let true_one = |record: u32| of(truth, record).filter(|code| *code != MISSING);
    let wanted = pairs_within(records, sides, true_one);
    let linked = pairs_within(records, sides, |record| true_one(record).and_then(|_| of(entities, record)));
    let right = pairs_within(records, sides, |record| Some((true_one(record)?, of(entities, record)?)));
    Verdict { right, wrong: linked - right, wanted }
}

/// Precision and recall of pairs at each weight as a threshold, the highest first. Pairs of unknown truth are left out.
pub fn curve(scored: &[Scored], truth: &[u32], wanted: u64) -> Vec<(f64, Verdict)> {
    let of = |record: u32| truth.get(record as usize).copied().filter(|code| *code != MISSING);
    let mut judged: Vec<(f64, bool)> =
        scored.iter().filter_map(|pair| Some((pair.weight, of(pair.left)? == of(pair.right)?))).collect();
    judged.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut verdict = Verdict { wanted, ..Verdict::default() };
    let mut curve: Vec<(f64, Verdict)> = Vec::new();
    for (weight, is_right) in judged {
        verdict.right += u64::from(is_right);
        verdict.wrong += u64::from(!is_right);
        match curve.last_mut() {
            Some(last) if last.0 == weight => last.1 = verdict,
            _ => curve.push((weight, verdict)),
        }
    }
    curve
}

/// Pairs that belong together.
pub fn wanted(records: &Records, sides: Sides, truth: &[u32]) -> u64 {
    pairs_within(records, sides, |record| truth.get(record as usize).copied().filter(|code| *code != MISSING))
}
