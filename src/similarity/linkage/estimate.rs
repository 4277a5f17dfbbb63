//! Parameters from counts of patterns, by expectation and maximization.
//!
//! - `u`, the probabilities of levels among pairs that do not match, from pairs taken at random. The few matches among them are
//!   taken out by their probability, so that a column that names each person does not look as if strangers shared it.
//! - `m`, the probabilities of levels among matches, from the pairs of each blocking rule: with `u` fixed, the share of matches and
//!   the `m` of all comparisons but those that the rule itself makes agree. The estimates of several rules are averaged, weighted
//!   by the matches that each rests on.
//! - `lambda`, the probability that two records taken at random match, from the matches expected among all candidates.
//!
//! The three depend on each other, so they are estimated in turn until none moves by more than [`TOLERANCE`].
//!
//! Source: Dempster, Laird & Rubin 1977; Winkler 1988; for training on blocked pairs Linacre et al. 2022.
//! Cost: O(patterns) for each step, whatever the number of pairs.

use serde::{Deserialize, Serialize};

use super::Pattern;

/// The largest change of a probability at which the estimates count as found.
pub const TOLERANCE: f64 = 1e-5;
/// Steps of expectation and maximization at most, for one rule.
const MOST_STEPS: usize = 500;
/// Rounds over all rules at most.
const MOST_ROUNDS: usize = 25;
/// Matches that each level is given before any was seen, so that none becomes impossible.
const PRIOR: f64 = 0.1;
/// The least share of the agreements of random pairs that is put down to chance.
const BY_CHANCE: f64 = 0.05;

/// How often a pattern was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatternCount {
    /// The pattern.
    pub pattern: Pattern,
    /// Pairs with it, as many as there would be had all been looked at.
    pub pairs: f64,
    /// Those of them that no earlier rule gives.
    pub new: f64,
}

/// The pairs of one blocking rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Their patterns.
    pub patterns: Vec<PatternCount>,
    /// For each comparison whether the rule makes it agree, so that nothing is learned about it.
    pub bound: Vec<bool>,
}

/// Pairs taken at random.
#[derive(Debug, Clone, PartialEq)]
pub struct Random {
    /// Their patterns.
    pub patterns: Vec<PatternCount>,
    /// For each comparison the level of equal values, and the share of all pairs with two values in which they are equal: known
    /// exactly from the counts of values.
    pub equal: Vec<Option<(usize, f64)>>,
    /// How many pairs there are in all.
    pub of: f64,
}

/// The probabilities of the levels of one comparison, the first level first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probabilities {
    /// Among matches.
    pub m: Vec<f64>,
    /// Among other pairs.
    pub u: Vec<f64>,
    /// Whether pairs told `m`; else it is what usually holds.
    pub learned: bool,
}

impl Probabilities {
    /// What a level adds to the weight of a pair, in bits; 0 for a missing value (level 0).
    pub fn weight(&self, level: usize) -> f64 {
        let of = |probabilities: &[f64]| level.checked_sub(1).and_then(|at| probabilities.get(at)).copied();
        match (of(&self.m), of(&self.u)) {
            (Some(m), Some(u)) => (m.max(1e-12) / u.max(1e-12)).log2(),
            _ => 0.0,
        }
    }
}

/// Everything that is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// The probability that two records taken at random match.
    pub lambda: f64,
    /// For each comparison the probabilities of its levels.
    pub comparisons: Vec<Probabilities>,
}

/// The probability that goes with a weight in bits.
pub fn probability(weight: f64) -> f64 {
    1.0 / (1.0 + (-weight).exp2())
}

/// The weight in bits that goes with a probability.
pub fn weight(probability: f64) -> f64 {
    (probability / (1.0 - probability)).log2()
}

impl Parameters {
    /// The weight that every pair begins with.
    pub fn prior(&self) -> f64 {
        weight(self.lambda)
    }

    /// The weight of a pattern, the prior included.
    pub fn weight(&self, pattern: Pattern) -> f64 {
        let levels = self.comparisons.iter().enumerate();
        self.prior() + levels.map(|(at, one)| one.weight(pattern.level(at))).sum::<f64>()
    }
}

/// Parameters with an account of how they were found.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimated {
    /// The parameters.
    pub parameters: Parameters,
    /// Rounds until nothing moved.
    pub rounds: usize,
    /// Whether nothing moved at the end.
    pub converged: bool,
    /// For each session the share of matches among its pairs, and the steps of its last round.
    pub sessions: Vec<(f64, usize)>,
    /// Matches expected among all candidates.
    pub matches: f64,
}

/// Estimates all parameters. `levels` counts the levels of each comparison, everything else included.
pub fn estimate(levels: &[usize], random: &Random, sessions: &[Session]) -> Estimated {
    let raw: Vec<Vec<f64>> =
        levels.iter().enumerate().map(|(at, levels)| level_pairs(&random.patterns, at, *levels, |_| 1.0)).collect();
    let start = |(at, levels): (usize, &usize)| {
        let pairs = raw.get(at).cloned().unwrap_or_default();
        Probabilities { m: usual(*levels), u: among_others(&pairs, equal(random, at), 0.0), learned: false }
    };
    let comparisons = levels.iter().enumerate().map(start).collect();
    let mut parameters = Parameters { lambda: (1.0 / random.of.max(2.0)).max(1e-12), comparisons };
    let mut shares = vec![(0.1, 0); sessions.len()];
    let (mut rounds, mut converged, mut matches) = (0, false, 0.0);
    while rounds < MOST_ROUNDS && !converged {
        rounds += 1;
        let before = parameters.clone();
        for (session, share) in sessions.iter().zip(&mut shares) {
            let found = maximize(session, &before, share.0, PRIOR);
            *share = (found.share, found.steps);
        }
        average(&mut parameters, &before, sessions, &shares);
        matches = find_lambda(&mut parameters, sessions, random.of);
        let others = |pattern: Pattern, parameters: &Parameters| 1.0 - probability(parameters.weight(pattern));
        for (at, pairs) in raw.iter().enumerate() {
            let by_chance = level_pairs(&random.patterns, at, pairs.len(), |pattern| others(pattern, &parameters));
            let by_chance: Vec<f64> =
                by_chance.iter().zip(pairs).map(|(chance, all)| chance.max(all * BY_CHANCE)).collect();
            let m = parameters.comparisons.get(at).map(|one| one.m.clone()).unwrap_or_default();
            let of_matches = equal(random, at).map_or(0.0, |(level, _)| {
                parameters.lambda * level.checked_sub(1).and_then(|at| m.get(at)).copied().unwrap_or(0.0)
            });
            if let Some(one) = parameters.comparisons.get_mut(at) {
                one.u = among_others(&by_chance, equal(random, at), of_matches);
            }
        }
        converged = difference(&before, &parameters) <= TOLERANCE;
    }
    Estimated { parameters, rounds, converged, sessions: shares, matches }
}

fn equal(random: &Random, comparison: usize) -> Option<(usize, f64)> {
    random.equal.get(comparison).copied().flatten()
}

/// Pairs at each level of a comparison, weighted.
fn level_pairs(patterns: &[PatternCount], comparison: usize, levels: usize, of: impl Fn(Pattern) -> f64) -> Vec<f64> {
    let mut pairs = vec![0.0; levels];
    for count in patterns {
        let level = count.pattern.level(comparison).checked_sub(1);
        if let Some(sum) = level.and_then(|level| pairs.get_mut(level)) {
            *sum += count.pairs * of(count.pattern);
        }
    }
    pairs
}

/// The probabilities of levels among pairs that do not match: that of equal values from its exact share without the matches, the
/// others from what was seen.
fn among_others(pairs: &[f64], equal: Option<(usize, f64)>, of_matches: f64) -> Vec<f64> {
    let prior = 0.5 / pairs.len().max(1) as f64;
    let sum: f64 = pairs.iter().sum::<f64>() + 0.5;
    let mut shares: Vec<f64> = pairs.iter().map(|pairs| (pairs + prior) / sum).collect();
    let Some((level, share)) = equal else { return shares };
    let Some(at) = level.checked_sub(1).filter(|at| *at < shares.len()) else { return shares };
    let exact = (share - of_matches).max(share * BY_CHANCE).clamp(1e-12, 1.0 - 1e-6);
    let others: f64 = shares.iter().enumerate().filter(|(place, _)| *place != at).map(|(_, share)| share).sum();
    for (place, share) in shares.iter_mut().enumerate() {
        *share = if place == at { exact } else { *share / others.max(1e-12) * (1.0 - exact) };
    }
    shares
}

/// What usually holds of matches: most are equal, and each further level is rarer than the one before.
fn usual(levels: usize) -> Vec<f64> {
    let mut shares: Vec<f64> =
        (0..levels).map(|at| if at == 0 { 0.9 } else { 0.05 / f64::from(1_u32 << at.min(20)) }).collect();
    if levels > 1
        && let Some(last) = shares.last_mut()
    {
        *last = 0.05;
    }
    let sum: f64 = shares.iter().sum();
    shares.iter().map(|share| share / sum).collect()
}

/// What one session says.
#[derive(Debug, Clone, PartialEq)]
pub struct Maximized {
    /// The share of matches among its pairs.
    pub share: f64,
    /// For each comparison the probabilities of its levels among matches; those that are bound as they were given.
    pub m: Vec<Vec<f64>>,
    /// Steps that were made.
    pub steps: usize,
}

/// The share of matches and the `m` of free comparisons at which the patterns of a session are most probable, with `u` as given.
///
/// Missing values say nothing: their comparison has no part in the probability of the pattern. `prior` is added to the matches
/// of each level.
pub fn maximize(session: &Session, given: &Parameters, share: f64, prior: f64) -> Maximized {
    let free: Vec<usize> =
        (0..given.comparisons.len()).filter(|at| !session.bound.get(*at).copied().unwrap_or(false)).collect();
    let mut m: Vec<Vec<f64>> = given.comparisons.iter().map(|one| one.m.clone()).collect();
    let all: f64 = session.patterns.iter().map(|count| count.pairs).sum();
    if all <= 0.0 {
        return Maximized { share: 0.0, m, steps: 0 };
    }
    let at = |probabilities: Option<&Vec<f64>>, level: usize| {
        level.checked_sub(1).and_then(|at| probabilities?.get(at).copied()).unwrap_or(1.0)
    };
    // The probability of each pattern among other pairs does not change.
    let others: Vec<f64> = session
        .patterns
        .iter()
        .map(|count| {
            let of = |one: &usize| at(given.comparisons.get(*one).map(|one| &one.u), count.pattern.level(*one));
            free.iter().map(of).product()
        })
        .collect();
    let mut share = share.clamp(1e-9, 1.0 - 1e-9);
    let mut steps = 0;
    while steps < MOST_STEPS {
        steps += 1;
        let mut sums: Vec<Vec<f64>> = m.iter().map(|levels| vec![prior; levels.len()]).collect();
        let mut matches = 0.0;
        for (count, others) in session.patterns.iter().zip(&others) {
            let matching: f64 = free.iter().map(|one| at(m.get(*one), count.pattern.level(*one))).product();
            let joint = share * matching;
            let both = joint + (1.0 - share) * others;
            if both <= 0.0 {
                continue;
            }
            let expected = count.pairs * joint / both;
            matches += expected;
            for one in &free {
                let level = count.pattern.level(*one).checked_sub(1);
                if let Some(sum) = level.and_then(|level| sums.get_mut(*one)?.get_mut(level)) {
                    *sum += expected;
                }
            }
        }
        let moved_share = (matches / all - share).abs();
        share = (matches / all).clamp(1e-9, 1.0 - 1e-9);
        let mut moved = moved_share;
        for one in &free {
            let (Some(levels), Some(sums)) = (m.get_mut(*one), sums.get(*one)) else { continue };
            let sum: f64 = sums.iter().sum();
            if sum <= 0.0 {
                continue;
            }
            for (old, new) in levels.iter_mut().zip(sums) {
                moved = moved.max((new / sum - *old).abs());
                *old = new / sum;
            }
        }
        if moved <= TOLERANCE / 10.0 {
            break;
        }
    }
    Maximized { share, m, steps }
}

/// Averages what the sessions say of `m`.
fn average(parameters: &mut Parameters, before: &Parameters, sessions: &[Session], shares: &[(f64, usize)]) {
    let mut sums: Vec<(f64, Vec<f64>)> = before.comparisons.iter().map(|one| (0.0, vec![0.0; one.m.len()])).collect();
    for (session, (share, _)) in sessions.iter().zip(shares) {
        let found = maximize(session, before, *share, PRIOR);
        let all: f64 = session.patterns.iter().map(|count| count.pairs).sum();
        let matches = share * all;
        for (at, (weight, sum)) in sums.iter_mut().enumerate() {
            if session.bound.get(at).copied().unwrap_or(false) || matches <= 0.0 {
                continue;
            }
            *weight += matches;
            for (sum, m) in sum.iter_mut().zip(found.m.get(at).map_or(&[][..], Vec::as_slice)) {
                *sum += matches * m;
            }
        }
    }
    for (one, (weight, sum)) in parameters.comparisons.iter_mut().zip(sums) {
        one.learned = weight > 0.0;
        if one.learned {
            one.m = sum.iter().map(|sum| sum / weight).collect();
        }
    }
}

/// The share of matches among all pairs at which the matches expected among the candidates are that share; pairs that are no
/// candidates count as no matches.
fn find_lambda(parameters: &mut Parameters, sessions: &[Session], of: f64) -> f64 {
    let candidates = || sessions.iter().flat_map(|session| &session.patterns).filter(|count| count.new > 0.0);
    let weights: Vec<(f64, f64)> =
        candidates().map(|count| (parameters.weight(count.pattern) - parameters.prior(), count.new)).collect();
    let mut matches = 0.0;
    for _ in 0..MOST_STEPS {
        let prior = parameters.prior();
        matches = weights.iter().map(|(bits, pairs)| pairs * probability(prior + bits)).sum();
        let next = (matches / of.max(1.0)).clamp(1e-12, 0.5);
        let moved = (next / parameters.lambda).ln().abs();
        parameters.lambda = next;
        if moved < 1e-7 {
            break;
        }
    }
    matches
}

fn difference(one: &Parameters, other: &Parameters) -> f64 {
    let pairs = one.comparisons.iter().zip(&other.comparisons);
    let of = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    pairs.map(|(a, b)| of(&a.m, &b.m).max(of(&a.u, &b.u))).fold((one.lambda - other.lambda).abs(), f64::max)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn numbers(value: &serde_json::Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    }

    fn pattern(levels: &[u8]) -> Pattern {
        levels.iter().enumerate().fold(Pattern::default(), |pattern, (at, level)| pattern.with(at, *level))
    }

    /// A session, `u` and what SciPy found: the share of matches and `m`.
    fn oracle() -> (Session, Parameters, f64, Vec<Vec<f64>>) {
        let text = include_str!("../../../tests/data/oracle/linkage.json");
        let oracle: serde_json::Value = serde_json::from_str(text).unwrap();
        let case = &oracle["maximized"][0];
        let counts = numbers(&case["counts"]);
        let patterns = case["patterns"].as_array().unwrap().iter().zip(counts).map(|(levels, pairs)| {
            let levels: Vec<u8> =
                levels.as_array().unwrap().iter().map(|level| level.as_u64().unwrap() as u8).collect();
            PatternCount { pattern: pattern(&levels), pairs, new: pairs }
        });
        let session = Session { patterns: patterns.collect(), bound: vec![false; 3] };
        let u: Vec<Vec<f64>> = case["u"].as_array().unwrap().iter().map(numbers).collect();
        let comparisons = u.iter().map(|u| Probabilities { m: usual(u.len()), u: u.clone(), learned: false }).collect();
        let m = case["m"].as_array().unwrap().iter().map(numbers).collect();
        (session, Parameters { lambda: 0.001, comparisons }, case["share"].as_f64().unwrap(), m)
    }

    #[test]
    fn expectation_and_maximization_find_what_scipy_finds() {
        let (session, parameters, share, m) = oracle();
        let found = maximize(&session, &parameters, 0.5, 0.0);
        assert!((found.share - share).abs() < 2e-4, "{} is not {share}", found.share);
        for (found, expected) in found.m.iter().flatten().zip(m.iter().flatten()) {
            assert!((found - expected).abs() < 5e-4, "{found} is not {expected}");
        }
        assert!(found.steps < MOST_STEPS);
    }

    #[test]
    fn what_a_rule_makes_agree_says_nothing_about_matches() {
        let (mut session, parameters, _, _) = oracle();
        session.bound[1] = true;
        let found = maximize(&session, &parameters, 0.5, 0.0);
        assert_eq!(found.m[1], parameters.comparisons[1].m);
    }

    #[test]
    fn weights_and_probabilities_are_one_thing() {
        let one = Probabilities { m: vec![0.8, 0.2], u: vec![0.1, 0.9], learned: true };
        assert_eq!((one.weight(0), one.weight(1)), (0.0, 3.0));
        assert!((probability(weight(0.97)) - 0.97).abs() < 1e-12);
        // Odds of one to three, three bits more: eight to three.
        let parameters = Parameters { lambda: 0.25, comparisons: vec![one] };
        assert!((probability(parameters.weight(pattern(&[1]))) - 8.0 / 11.0).abs() < 1e-12);
        assert!((probability(parameters.weight(pattern(&[0]))) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn a_column_that_names_each_person_is_not_shared_by_strangers() {
        // Of 1,000 pairs taken at random from 100,000 in all, 10 are matches; only they agree in the first comparison.
        let count = |levels: &[u8], pairs: f64| PatternCount { pattern: pattern(levels), pairs, new: pairs };
        let patterns = vec![count(&[1, 1], 10.0), count(&[2, 1], 90.0), count(&[2, 2], 900.0)];
        let random = Random { patterns, equal: vec![Some((1, 0.01)), Some((1, 0.1))], of: 100_000.0 };
        let session = Session { patterns: vec![count(&[1, 1], 1_000.0)], bound: vec![true, false] };
        let other =
            Session { patterns: vec![count(&[1, 1], 950.0), count(&[2, 1], 9_050.0)], bound: vec![false, true] };
        let found = estimate(&[2, 2], &random, &[session, other]);
        let u = &found.parameters.comparisons[0].u;
        assert!(u[0] < 0.001, "most agreements are matches: {u:?}");
    }
}
