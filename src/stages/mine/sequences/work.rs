//! Reads the sequences, mines them, judges the rules, and writes the table.

use super::exhibits;
use super::limits::Distances;
use super::products::{self, Judged, Judging};
use super::read::{self, Dictionary, Reader};
use super::{Kind, Method, Sequences};
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::mining::sequences as mining;
use crate::mining::sequences::{Keep, MinSupport, Mined, SequenceError, SequenceOptions, frequent_sequences};
use crate::stages::Product;
use crate::stages::work::{Change, Holding, Outcome, StageCounts, Work, WorkContext};

/// The table that the stage makes.
const FILE: &str = "sequences.parquet";

impl Sequences {
    /// What the miner is asked for.
    fn search(&self, distances: &Distances) -> SequenceOptions {
        SequenceOptions {
            min_support: match (&self.min_support, &self.min_count) {
                (Some(share), _) => MinSupport::Fraction(share.value),
                (None, Some(count)) => MinSupport::Count(count.value),
                (None, None) if self.top.is_some() => MinSupport::Count(1),
                (None, None) => MinSupport::Fraction(0.1),
            },
            // Rules need their prefixes and events, however short these are.
            min_length: if self.rules.is_some() { 1 } else { self.min_length.value },
            max_length: self.max_length.as_ref().map(|length| length.value),
            limits: distances.limits,
            keep: match self.kind.value {
                Kind::All => Keep::All,
                Kind::Closed => Keep::Closed,
                Kind::Maximal => Keep::Maximal,
            },
            top: self.top.as_ref().map(|top| top.value),
            method: match self.method.value {
                Method::Auto => mining::Method::Auto,
                Method::Prefixspan => mining::Method::PrefixSpan,
                Method::CmSpam => mining::Method::CmSpam,
            },
            max_patterns: self.limit,
        }
    }
}

/// The work of `sequences`.
pub(super) struct SequencesWork {
    pub(super) key: String,
    pub(super) reader: Reader,
    pub(super) distances: Distances,
    pub(super) options: Sequences,
}

impl SequencesWork {
    fn mine(&self, rows: &read::Rows) -> Result<Mined, Diagnostic> {
        frequent_sequences(&rows.sequences, &self.options.search(&self.distances)).map_err(|error| {
            let class = match &error {
                SequenceError::TooMany { .. } | SequenceError::TooLong | SequenceError::TooManyEvents { .. } => {
                    Class::Limit
                }
                _ => Class::Definition,
            };
            let diagnostic = Diagnostic::error(class, error.to_string());
            match error {
                SequenceError::TooMany { .. } => {
                    diagnostic.help("`top: 1000` gives the most frequent ones alone, `limit` allows more")
                }
                _ => diagnostic,
            }
        })
    }
}

impl Work for SequencesWork {
    fn passes(&self, _: usize) -> usize {
        if self.options.confirm.is_some() { 2 } else { 1 }
    }

    fn holds(&self, rows: u64) -> Option<Holding> {
        Some(self.reader.holds(rows))
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let mut names = Dictionary::default();
        let rows = self.reader.read(&table.training(), &mut names, context)?;
        let mined = self.mine(&rows)?;
        let judging = Judging { options: &self.options, mined: &mined, limits: &self.distances.limits };
        let judged = match &self.options.rules {
            None => None,
            Some(wanted) => {
                let held_out = match &self.options.confirm {
                    Some(confirm) => Some(self.reader.read(&table.part(&confirm.on.value), &mut names, context)?),
                    None => None,
                };
                let judged: Judged = judging.rules(wanted, held_out.as_ref().map(|rows| &rows.sequences))?;
                Some(judged)
            }
        };
        let product = match &judged {
            Some(judged) => products::rules(judged, &names, &self.options)?,
            None => products::patterns(&mined, &names)?,
        };
        batch::write_parquet(&context.artifacts.join(FILE), &product)?;
        let mut outcome = Outcome::default();
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        let shown = exhibits::Shown {
            options: &self.options,
            rows: &rows,
            mined: &mined,
            names: &names,
            judged: judged.as_ref(),
        };
        outcome.exhibits = shown.exhibits();
        outcome.remarks = shown.remarks();
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        let what = if self.options.rules.is_some() { "one row for each rule" } else { "one row for each pattern" };
        vec![Change::minus("mined", counts.first_input()), Change::plus(what, counts.out)]
    }
}
