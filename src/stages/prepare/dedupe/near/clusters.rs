//! Clusters of near duplicates, numbered by their texts.

use std::io;

use super::texts::Texts;
use super::{Link, Search, WORDLESS};
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::EngineError;
use crate::similarity::lsh::{Effort, Limits, Pair, SearchError, Sets, components, similar_pairs, stars};
use crate::stages::work::WorkContext;

/// Similar pairs that are kept, at most: 16 bytes each.
const PAIRS: u64 = 100_000_000;

/// Which texts belong together.
pub(super) struct Clusters {
    /// Similar pairs of sets: all of them for stars, enough to connect them otherwise.
    pub(super) pairs: Vec<Pair>,
    /// For each set the one that stands for its cluster.
    pub(super) centers: Vec<u32>,
    /// For each set that stands for a cluster its number: the smallest hash of its texts.
    numbers: Vec<i64>,
}

/// How rows fall into clusters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Rows in all.
    pub(super) rows: u64,
    /// Rows without a word.
    pub(super) wordless: u64,
    /// Rows whose text is that of an earlier row.
    pub(super) same: u64,
    /// Further rows that are near an earlier one.
    pub(super) near: u64,
    /// Rows in a cluster with another row.
    pub(super) with_a_twin: u64,
    /// Clusters of at least two rows, by their rows: (rows, clusters).
    pub(super) sizes: std::collections::BTreeMap<u64, u64>,
}

impl Clusters {
    /// Searches similar texts and puts them together.
    ///
    /// Errors: of class [`Class::Limit`] when there is too much to compare.
    pub(super) fn find(
        search: &Search,
        texts: &Texts,
        context: &WorkContext<'_>,
    ) -> Result<(Self, Effort), Diagnostic> {
        let limits = Limits { candidates: search.candidates, pairs: PAIRS, cancelled: &context.cancelled };
        let connected = search.link == Link::Connected;
        let found = similar_pairs(&texts.store, &texts.store, search.banding, search.threshold, connected, limits);
        let (pairs, effort) = found.map_err(|error| refused(&error))?;
        let sets = texts.store.len();
        let centers = if connected { components(sets, &pairs) } else { stars(sets, &pairs) };
        let mut numbers = vec![i64::MAX; sets];
        for (key, set) in texts.keys.iter().zip(&texts.sets) {
            let center = centers.get(*set as usize).and_then(|center| numbers.get_mut(*center as usize));
            if let Some(number) = center {
                *number = (*number).min(*key);
            }
        }
        Ok((Self { pairs, centers, numbers }, effort))
    }

    /// The number of the cluster of a text; none without words.
    pub(super) fn number(&self, texts: &Texts, text: usize) -> Option<i64> {
        let set = texts.sets.get(text)?;
        let center = self.centers.get(*set as usize)?;
        self.numbers.get(*center as usize).copied()
    }

    /// The texts that do not stand for themselves, in the order of their hashes, with their clusters.
    pub(super) fn table(&self, texts: &Texts) -> (Vec<Option<i64>>, Vec<Option<i64>>) {
        let mut entries: Vec<(i64, i64)> = texts
            .keys
            .iter()
            .enumerate()
            .map(|(text, key)| (*key, self.number(texts, text).unwrap_or(WORDLESS)))
            .filter(|(key, number)| key != number)
            .collect();
        entries.sort_unstable();
        entries.into_iter().map(|(key, number)| (Some(key), Some(number))).unzip()
    }

    /// How rows fall into clusters.
    pub(super) fn count(&self, texts: &Texts) -> Counted {
        let mut counted = Counted::default();
        // Rows and texts of each cluster.
        let mut clusters = vec![(0_u64, 0_u64); self.centers.len()];
        for (set, rows) in texts.sets.iter().zip(&texts.rows) {
            let rows = u64::from(*rows);
            counted.rows += rows;
            let center = self.centers.get(*set as usize).and_then(|center| clusters.get_mut(*center as usize));
            match center {
                Some(cluster) => {
                    counted.same += rows - 1;
                    cluster.0 += rows;
                    cluster.1 += 1;
                }
                None => counted.wordless += rows,
            }
        }
        for (rows, texts) in clusters.into_iter().filter(|(rows, _)| *rows > 1) {
            counted.near += texts - 1;
            counted.with_a_twin += rows;
            *counted.sizes.entry(rows).or_default() += 1;
        }
        counted
    }
}

fn refused(error: &SearchError<io::Error>) -> Diagnostic {
    let help = "raise `threshold`, take longer shingles, or leave boilerplate out of the texts";
    match error {
        SearchError::TooManyCandidates(_) => {
            Diagnostic::error(Class::Limit, error.to_string()).help(format!("{help}; `candidates` raises the limit"))
        }
        SearchError::TooManyPairs(_) => Diagnostic::error(Class::Limit, error.to_string()).help(help),
        SearchError::Interrupted => EngineError::interrupted().into(),
        SearchError::Read(cause) => {
            Diagnostic::error(Class::Output, format!("cannot read the sets of shingles again: {cause}"))
        }
    }
}
