//! What was tried, as lines of JSON that are only ever added to.

use serde::{Deserialize, Serialize};

use super::sampler::Observation;

/// One training, or one of each fold, with a budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The number of the configuration, from 0.
    pub configuration: usize,
    /// The rung of its budget, from 0.
    #[serde(default)]
    pub rung: usize,
    /// The budget; none when it had everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
    /// Where in the space it is.
    pub point: Vec<f64>,
    /// What is to be small; none when it failed.
    pub loss: Option<f64>,
    /// What each fold gave, in the order of the folds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folds: Vec<f64>,
    /// The value of each target, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<f64>,
    /// How many attempts were known when it was chosen, where that are not all before it: those of a batch are chosen together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<usize>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

/// Everything that was tried, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    attempts: Vec<Attempt>,
}

impl History {
    /// Reads lines. A last line that was cut off is left out; so is everything from the first line on that is damaged, because what was
    /// proposed afterwards rests on it. Answers how many bytes were good, from which on lines can be added.
    pub fn read(text: &str) -> (Self, usize) {
        let mut history = Self::default();
        let mut good = 0;
        for line in text.split_inclusive('\n') {
            let read = line.ends_with('\n').then(|| serde_json::from_str::<Attempt>(line).ok()).flatten();
            let Some(attempt) = read.filter(|attempt| attempt.point.iter().all(|value| value.is_finite())) else {
                break;
            };
            history.attempts.push(attempt);
            good += line.len();
        }
        (history, good)
    }

    /// Adds an attempt, and gives its line.
    pub fn add(&mut self, attempt: Attempt) -> String {
        let mut line = serde_json::to_string(&attempt).unwrap_or_default();
        line.push('\n');
        self.attempts.push(attempt);
        line
    }

    /// Keeps the first attempts only.
    pub fn truncate(&mut self, count: usize) {
        self.attempts.truncate(count);
    }

    /// The history without the attempts of the last batch, with these: a batch may have been interrupted.
    pub fn without_last_batch(&self) -> (Self, &[Attempt]) {
        let count = self.attempts.len();
        let known = self.attempts.last().and_then(|last| last.known).unwrap_or(count).min(count);
        let (before, batch) = self.attempts.split_at(known);
        (Self { attempts: before.to_vec() }, batch)
    }

    /// How long all of it took: of attempts that were made side by side the longest.
    pub fn seconds(&self) -> f64 {
        let mut longest: std::collections::BTreeMap<usize, f64> = std::collections::BTreeMap::new();
        for (at, attempt) in self.attempts.iter().enumerate() {
            let of_batch = longest.entry(attempt.known.unwrap_or(at)).or_default();
            *of_batch = of_batch.max(attempt.seconds);
        }
        longest.values().sum()
    }

    /// All attempts.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// How many configurations were begun.
    pub fn configurations(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.rung == 0).count()
    }

    /// For each rung the configurations that were tried there.
    pub fn rungs(&self) -> Vec<Vec<(usize, Option<f64>)>> {
        let mut rungs: Vec<Vec<(usize, Option<f64>)>> = Vec::new();
        for attempt in &self.attempts {
            // A damaged file must not ask for a list of any length.
            let rung = attempt.rung.min(self.attempts.len());
            if rungs.len() <= rung {
                rungs.resize(rung + 1, Vec::new());
            }
            if let Some(found) = rungs.get_mut(rung) {
                found.push((attempt.configuration, attempt.loss));
            }
        }
        rungs
    }

    /// What a sampler learns from: the highest rung with at least `enough` attempts, the lowest when none has so many. Losses of different
    /// budgets cannot be compared (Falkner et al. 2018, *BOHB*, section 4). All points are named, so that none is proposed again: those
    /// that did not come to the rung count as worse than all that did.
    pub fn observations(&self, enough: usize) -> Vec<Observation> {
        let rungs = self.rungs();
        let rung = (0..rungs.len()).rev().find(|rung| rungs.get(*rung).is_some_and(|found| found.len() >= enough));
        let found = rungs.get(rung.unwrap_or(0)).map_or(&[][..], Vec::as_slice);
        let firsts = self.attempts.iter().filter(|attempt| attempt.rung == 0);
        let observed = firsts.map(|attempt| {
            let loss = found.iter().find(|(number, _)| *number == attempt.configuration).and_then(|(_, loss)| *loss);
            Observation { point: attempt.point.clone(), loss }
        });
        observed.collect()
    }

    /// The best attempt: of the highest rung that anything came to, the smallest loss, the earliest of equals.
    pub fn best(&self) -> Option<&Attempt> {
        let judged = || self.attempts.iter().filter(|attempt| attempt.loss.is_some_and(|loss| !loss.is_nan()));
        let rung = judged().map(|attempt| attempt.rung).max()?;
        judged()
            .filter(|attempt| attempt.rung == rung)
            .reduce(|best, other| if other.loss < best.loss { other } else { best })
    }
}
