use rustc_hash::FxHashMap;

use super::options::{Keep, SequenceOptions};
use super::patterns::{BEGINS, Pattern, Patterns};

/// Leaves out the patterns that a longer one makes needless. `all` are all frequent patterns.
///
/// Between a pattern and a longer one that contains it there is always one with a single event more, and its support lies
/// between theirs. So it is enough to look from each pattern at those with one event less. O(sum of squared lengths).
pub(super) fn keep(all: Patterns, options: &SequenceOptions) -> Patterns {
    if options.keep == Keep::All {
        return all;
    }
    let known: FxHashMap<&[u32], usize> = all.iter().enumerate().map(|(at, pattern)| (pattern.code, at)).collect();
    let mut needless = vec![false; all.len()];
    let mut shorter = Vec::new();
    for pattern in all.iter() {
        for removed in 0..pattern.code.len() {
            if !remove(pattern, removed, options.limits.max_gap.is_some(), &mut shorter) {
                continue;
            }
            if let Some(&at) = known.get(shorter.as_slice()) {
                let same = all.get(at).is_some_and(|found| found.count == pattern.count);
                needless[at] |= same || options.keep == Keep::Maximal;
            }
        }
    }
    all.filtered(|at, _| !needless[at])
}

/// The pattern without one of its events; false when an occurrence of the pattern need not be one of what is left.
fn remove(pattern: Pattern<'_>, at: usize, neighbours: bool, shorter: &mut Vec<u32>) -> bool {
    let code = pattern.code;
    let begins = |at: usize| code.get(at).is_none_or(|event| event & BEGINS != 0);
    let alone = begins(at) && begins(at + 1);
    if alone && neighbours && at != 0 && at + 1 != code.len() {
        return false;
    }
    shorter.clear();
    shorter.extend_from_slice(&code[..at]);
    shorter.extend_from_slice(&code[at + 1..]);
    if begins(at)
        && !alone
        && let Some(next) = shorter.get_mut(at)
    {
        *next |= BEGINS;
    }
    !shorter.is_empty()
}
