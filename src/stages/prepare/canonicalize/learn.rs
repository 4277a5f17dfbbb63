//! Which values there are, and which of them are spellings of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;

use super::map::Targets;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{DataType, Expr, Function};
use crate::relation::{NamedExpr, Relation};
use crate::similarity::fingerprint::{fingerprint, ngram_fingerprint};
use crate::similarity::phonetic::Phonetic;
use crate::similarity::value_clusters::{Nearness, by_key, nearest};
use crate::stages::work::WorkContext;

/// Pairs of values that are compared by distance, at most.
const COMPARISONS: u64 = 2_000_000_000;

/// A method, checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Merging {
    Fingerprint,
    Ngram(usize),
    Phonetic(Phonetic),
    Near { nearness: Nearness, shortest: usize },
}

/// A value with its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) text: String,
    pub(super) rows: u64,
}

/// What becomes what in a column.
#[derive(Debug)]
pub(super) struct Learned {
    /// The values that were seen, in the order of their texts.
    pub(super) values: Vec<Counted>,
    /// What each value becomes.
    pub(super) canonical: Vec<String>,
    /// Values of the map that were not seen, with what they become.
    unseen: BTreeMap<String, String>,
}

/// The distinct values of a column with their rows, in the order of their texts; nulls are left out.
///
/// Errors: of class [`Class::Limit`] when there are more than `limit`.
pub(super) fn values(
    column: &str,
    rows: &Arc<Relation>,
    limit: usize,
    context: &WorkContext<'_>,
) -> Result<Vec<Counted>, Diagnostic> {
    let value = Expr::column(column, DataType::String);
    let known = Relation::Filter { input: rows.clone(), predicate: value.clone().is_null().not() };
    let counted = Relation::Aggregate {
        input: known.into(),
        keys: vec![NamedExpr { name: "value".to_owned(), expr: value }],
        aggregates: vec![NamedExpr {
            name: "rows".to_owned(),
            expr: Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64),
        }],
    };
    let mut values = Vec::new();
    let mut too_many = false;
    context.stream(&counted, &mut |found| {
        let texts = batch::column(&found, "value").and_then(|texts| texts.as_string_view_opt());
        let counts = batch::column(&found, "rows").and_then(|counts| counts.as_primitive_opt::<Int64Type>());
        if let (Some(texts), Some(counts)) = (texts, counts) {
            for row in 0..found.num_rows() {
                if texts.is_valid(row) {
                    let rows = u64::try_from(counts.value(row)).unwrap_or(0);
                    values.push(Counted { text: texts.value(row).to_owned(), rows });
                }
            }
        }
        too_many = values.len() > limit;
        Ok(!too_many)
    })?;
    if too_many {
        let message = format!("column `{column}` has more than {limit} distinct values");
        let help = "raise `limit`, or choose columns with fewer values; names and texts of people belong to `link` or `dedupe`";
        return Err(Diagnostic::error(Class::Limit, message).help(help));
    }
    values.sort_unstable_by(|one: &Counted, other| one.text.cmp(&other.text));
    Ok(values)
}

impl Learned {
    /// Merges spellings by one method after the other, then lets the map have the last word.
    ///
    /// Errors: of class [`Class::Limit`] when too many pairs of values would have to be compared.
    pub(super) fn new(
        values: Vec<Counted>,
        mergings: &[Merging],
        map: Targets<'_>,
        column: &str,
    ) -> Result<Self, Diagnostic> {
        // For each value the position of its canonical value.
        let mut winners: Vec<usize> = (0..values.len()).collect();
        for merging in mergings {
            let mut rows: BTreeMap<usize, u64> = BTreeMap::new();
            for (value, winner) in values.iter().zip(&winners) {
                *rows.entry(*winner).or_default() += value.rows;
            }
            let standing: Vec<usize> = rows.keys().copied().collect();
            let texts: Vec<(&str, u64)> =
                rows.iter().filter_map(|(at, rows)| Some((values.get(*at)?.text.as_str(), *rows))).collect();
            let merged = merging.merge(&texts).map_err(|error| {
                Diagnostic::error(Class::Limit, format!("column `{column}`: {error}"))
                    .help("use a method with keys first, a longer `block`, or a smaller distance")
            })?;
            let next: BTreeMap<usize, usize> =
                standing.iter().zip(merged).filter_map(|(at, winner)| Some((*at, *standing.get(winner)?))).collect();
            for winner in &mut winners {
                *winner = next.get(winner).copied().unwrap_or(*winner);
            }
        }
        let canonical = values.iter().zip(&winners).map(|(value, winner)| {
            let winner = values.get(*winner).map_or(value.text.as_str(), |winner| winner.text.as_str());
            let target = map.of(&value.text).or_else(|| map.of(winner));
            target.unwrap_or(winner).to_owned()
        });
        let canonical = canonical.collect();
        let seen = |text: &str| values.binary_search_by(|value| value.text.as_str().cmp(text)).is_ok();
        let unseen = map.iter().filter(|(value, _)| !seen(value));
        let unseen = unseen.map(|(value, target)| (value.to_owned(), target.to_owned())).collect();
        Ok(Self { values, canonical, unseen })
    }

    /// Values that become something else, in the order of their texts.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&str, &str)> {
        let seen = self.values.iter().zip(&self.canonical).map(|(value, to)| (value.text.as_str(), to.as_str()));
        let unseen = self.unseen.iter().map(|(value, to)| (value.as_str(), to.as_str()));
        let mut all: Vec<(&str, &str)> = seen.chain(unseen).filter(|(from, to)| from != to).collect();
        all.sort_unstable();
        all.into_iter()
    }

    /// Groups of several spellings, or of one that becomes something else: the canonical value with its spellings, most
    /// frequent first.
    pub(super) fn groups(&self) -> Vec<(&str, Vec<&Counted>)> {
        let mut groups: BTreeMap<&str, Vec<&Counted>> = BTreeMap::new();
        for (value, canonical) in self.values.iter().zip(&self.canonical) {
            groups.entry(canonical).or_default().push(value);
        }
        let mut groups: Vec<(&str, Vec<&Counted>)> = groups
            .into_iter()
            .filter(|(canonical, spellings)| spellings.iter().any(|value| value.text != **canonical))
            .collect();
        for (_, spellings) in &mut groups {
            spellings.sort_by(|one, other| other.rows.cmp(&one.rows).then_with(|| one.text.cmp(&other.text)));
        }
        groups
    }

    /// Distinct values afterwards.
    pub(super) fn distinct_after(&self) -> usize {
        self.canonical.iter().collect::<std::collections::BTreeSet<_>>().len()
    }
}

impl Merging {
    fn merge(
        self,
        values: &[(&str, u64)],
    ) -> Result<Vec<usize>, crate::similarity::value_clusters::TooManyComparisons> {
        Ok(match self {
            Self::Fingerprint => by_key(values, fingerprint),
            Self::Ngram(size) => by_key(values, |text| ngram_fingerprint(text, size)),
            Self::Phonetic(phonetic) => by_key(values, |text| phonetic.code(text)),
            Self::Near { nearness, shortest } => nearest(values, nearness, shortest, COMPARISONS)?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::map::Entries;
    use super::*;

    fn learned(values: &[(&str, u64)], mergings: &[Merging], map: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut values: Vec<Counted> =
            values.iter().map(|(text, rows)| Counted { text: (*text).to_owned(), rows: *rows }).collect();
        values.sort_by(|one, other| one.text.cmp(&other.text));
        let entries = Entries::for_all(map.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())));
        let learned = Learned::new(values, mergings, entries.of("city"), "city").unwrap();
        learned.changes().map(|(from, to)| (from.to_owned(), to.to_owned())).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
    }

    const NEAR: Merging = Merging::Near { nearness: Nearness::Levenshtein { at_most: 1 }, shortest: 5 };

    #[test]
    fn methods_build_on_each_other_with_the_rows_of_what_was_merged() {
        // Alone, `Munich` has fewer rows than `Munic`; with `MUNICH` it has more.
        let values = [("Munich", 5), ("MUNICH", 3), ("Munic", 6)];
        assert_eq!(learned(&values, &[Merging::Fingerprint], &[]), pairs(&[("MUNICH", "Munich")]));
        let both = [Merging::Fingerprint, NEAR];
        assert_eq!(learned(&values, &both, &[]), pairs(&[("MUNICH", "Munich"), ("Munic", "Munich")]));
    }

    #[test]
    fn the_map_has_the_last_word_and_spellings_follow_the_winner() {
        let values = [("NYC", 9), ("nyc", 2), ("N.Y.C", 1), ("Boston", 4), ("boston", 3)];
        let map = [("NYC", "New York"), ("boston", "boston"), ("LA", "Los Angeles")];
        let expected = pairs(&[("LA", "Los Angeles"), ("N.Y.C", "New York"), ("NYC", "New York"), ("nyc", "New York")]);
        assert_eq!(learned(&values, &[Merging::Fingerprint], &map), expected);
        assert_eq!(learned(&values, &[], &map), pairs(&[("LA", "Los Angeles"), ("NYC", "New York")]));
    }
}
