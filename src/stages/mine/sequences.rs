//! `sequences`: what comes after what, and rules for what comes next.

mod check;
mod exhibits;
mod limits;
mod products;
mod read;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Node, OneOrMany, Spanned};
use crate::diagnostic::Findings;
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};
use crate::statistics::multiplicity::Correction;
use read::Reader;
use work::SequencesWork;

/// Finds what comes after what in many sequences, and with `rules` what foretells the next event.
///
/// A sequence is all rows with the same values of `by`, in the order of `order`; each row gives one `event`. Rows may lie anywhere:
/// they are sorted first, within the memory that the run has. Rows without a key, an order or an event are left out and counted.
/// Rows with the same order keep the order of the input and count as one after the other; with `together: true` they are one
/// element, a set of events that happened at once.
///
/// A pattern `a → b` occurs in a sequence when b comes after a, with anything in between; `max_gap: 1` asks for the very next
/// one. Gaps and span are numbers of positions (`3`), lengths of time (`2 hours`, `7 days`) where `order` is a date or a time, or
/// distances in its own unit (`10 units`) where it is a whole number. A sequence counts once, however often the pattern occurs in it.
/// When the rows are divided by a `split`, only the training rows are mined.
///
/// A rule says what share of the sequences with a prefix go on with an event (confidence), how much more that is than the share of all
/// sequences that hold this event (lift), and how probable so many are if both were independent (Fisher's exact test, one-sided,
/// adjusted for the number of rules that were possible). Long sequences hold more of everything: where their lengths differ much, a
/// lift above 1 may say no more than that. For an event that the prefix holds already there is neither lift nor p-value.
/// `confirm: {on: test}` counts the rules again in held-out sequences; let `split` keep the rows of a sequence together.
///
/// The search is exact and complete: PrefixSpan (Pei et al. 2004) or, where few different events fill long sequences, bitmaps (CM-SPAM,
/// Fournier-Viger et al. 2014). The coded events are held in memory, about 24 bytes each, 48 with times; when they do not fit,
/// and with more than `limit` patterns, the stage ends with exit code 4 and says what to do. The product is the table of rules where
/// rules are asked for, else of patterns.
///
/// ```yaml
/// - sequences: {by: customer, order: time, event: page, min_support: 0.01, max_gap: 3, rules: {min_confidence: 0.5}}
/// - sequences: {by: tailnum, order: time_hour, event: dest, max_span: 2 days, min_length: 2, kind: closed}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sequences {
    /// The column or columns whose values make a sequence.
    by: OneOrMany<Spanned<String>>,
    /// The column that puts the rows of a sequence in order: a date, a time, a number or a text.
    order: Spanned<String>,
    /// The column with the events.
    event: Spanned<String>,
    /// Whether rows of a sequence with the same order happened at once.
    #[serde(default)]
    together: bool,
    /// The share of sequences in which a pattern must occur, above 0 and at most 1; 0.1 when neither it nor `min_count` nor `top` is
    /// there.
    #[serde(default)]
    min_support: Option<Spanned<f64>>,
    /// The number of sequences in which a pattern must occur, instead of a share.
    #[serde(default)]
    min_count: Option<Spanned<u64>>,
    /// The fewest events of a pattern that is reported, those of a rule's prefix and its next event together.
    #[serde(default = "min_length")]
    min_length: Spanned<usize>,
    /// The most events of a pattern, up to 1,000.
    #[serde(default)]
    max_length: Option<Spanned<usize>>,
    /// From an element of the pattern to the next at least this far: `2`, `1 hour`, `10 units`.
    #[serde(default)]
    min_gap: Option<Node>,
    /// From an element of the pattern to the next at most this far: `3`, `2 days`, `10 units`.
    #[serde(default)]
    max_gap: Option<Node>,
    /// From the first element of the pattern to the last at most this far: `10`, `30 days`, `100 units`.
    #[serde(default)]
    max_span: Option<Node>,
    /// Which of the frequent patterns are reported. With `max_length` a pattern is closed or maximal among those that are no longer.
    #[serde(default)]
    kind: Spanned<Kind>,
    /// Only so many patterns, those of highest support; of equal ones the shorter. Without a minimum support it needs none.
    #[serde(default)]
    top: Option<Spanned<usize>>,
    /// Which rules are made; none when absent.
    #[serde(default)]
    rules: Option<Rules>,
    /// Whether rules are counted again in held-out rows.
    #[serde(default)]
    confirm: Option<Confirm>,
    /// How patterns are searched; the result is the same.
    #[serde(default)]
    method: Spanned<Method>,
    /// Patterns at most.
    #[serde(default = "limit")]
    limit: u64,
}

/// Which of the frequent patterns are reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All that are frequent.
    #[default]
    All,
    /// Those that no longer pattern of the same support contains: the others follow from them.
    Closed,
    /// Those that no longer frequent pattern contains.
    Maximal,
}

/// How patterns are searched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By what is faster, as far as the numbers of sequences and events tell; the report says which and why.
    #[default]
    Auto,
    /// By pattern growth.
    Prefixspan,
    /// By bitmaps; gaps in positions only, and no `max_span`.
    CmSpam,
}

/// Which rules are made.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// The smallest share of the sequences with the prefix in which the event follows.
    min_confidence: Spanned<f64>,
    /// The smallest lift; rules without one pass.
    min_lift: Spanned<f64>,
    /// The largest adjusted p-value; rules without one do not pass. No limit when absent.
    alpha: Option<Spanned<f64>>,
    /// How p-values are adjusted for the number of rules, those below the other thresholds included.
    correction: Correction,
}

impl Default for Rules {
    fn default() -> Self {
        let (min_confidence, min_lift) = (Spanned::nowhere(0.5), Spanned::nowhere(0.0));
        Self { min_confidence, min_lift, alpha: None, correction: Correction::default() }
    }
}

/// Whether rules are counted again in held-out rows.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// The part of the `split` above with the held-out rows: `test`.
    on: Spanned<String>,
    /// A rule is confirmed when its adjusted p-value there is at most this.
    #[serde(default = "alpha")]
    alpha: Spanned<f64>,
    /// How p-values are adjusted for the number of rules that are counted again.
    #[serde(default)]
    correction: Correction,
}

fn min_length() -> Spanned<usize> {
    Spanned::nowhere(1)
}

fn alpha() -> Spanned<f64> {
    Spanned::nowhere(0.05)
}

fn limit() -> u64 {
    1_000_000
}

impl Stage for Sequences {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let reader = self.reader(table, id)?;
        let distances = limits::distances(self, &reader.order)?;
        self.check(&distances, table)?;
        let key = context.key("table");
        let schema = products::schema(self);
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema };
        let reader = Reader { timed: distances.timed, ..reader };
        let work = SequencesWork { key, reader, distances, options: self.clone() };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(self))
    }
}
