//! `sequences`: what comes after what, and rules for what comes next.

mod exhibits;
mod limits;
mod products;
mod read;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch;
use crate::definition::{Node, OneOrMany, Spanned};
use crate::diagnostic::{Class, Diagnostic, Findings, nearest};
use crate::expression::{DataType, Field};
use crate::mining::sequences as mining;
use crate::mining::sequences::{Keep, MinSupport, Mined, SequenceError, SequenceOptions, frequent_sequences};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Holding, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use crate::statistics::multiplicity::Correction;
use limits::Distances;
use products::{Judged, Judging};
use read::{Dictionary, Reader};

/// The table that the stage makes.
const FILE: &str = "sequences.parquet";

/// Finds what comes after what in many sequences, and with `rules` what foretells the next event.
///
/// A sequence is all rows with the same values of `by`, in the order of `order`; each row gives one `event`. Rows may lie anywhere:
/// they are sorted first, within the memory that the run has. Rows without a key, an order or an event are left out and counted.
/// Rows with the same order keep the order of the input and count as one after the other; with `together: true` they are one
/// element, a set of events that happened at once.
///
/// A pattern `a → b` occurs in a sequence when b comes after a, with anything in between; `max_gap: 1` asks for the very next
/// one. Gaps and span are numbers of positions (`3`), or lengths of time (`2 hours`, `7 days`) where `order` is a date or a time. A
/// sequence counts once, however often the pattern occurs in it. When the rows are divided by a `split`, only the
/// training rows are mined.
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
    /// From an element of the pattern to the next at least this far: `2`, `1 hour`.
    #[serde(default)]
    min_gap: Option<Node>,
    /// From an element of the pattern to the next at most this far: `3`, `2 days`.
    #[serde(default)]
    max_gap: Option<Node>,
    /// From the first element of the pattern to the last at most this far: `10`, `30 days`.
    #[serde(default)]
    max_span: Option<Node>,
    /// Which of the frequent patterns are reported.
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

impl Sequences {
    fn reader(&self, table: &TableShape, id: &str) -> Result<Reader, Findings> {
        let by = inputs::columns(&table.schema, self.by.as_slice(), id)?;
        let order = inputs::column(&table.schema, &self.order, id).map_err(|finding| vec![finding])?.clone();
        let event = inputs::column(&table.schema, &self.event, id).map_err(|finding| vec![finding])?.clone();
        let refuse = |field: &Field, place, what: &str| {
            let message = format!("column `{}` holds {}, which {what}", field.name, field.data_type);
            Err(vec![Diagnostic::definition(message).at(place)])
        };
        for (field, name) in by.iter().zip(self.by.iter()) {
            if !inputs::is_key(&field.data_type) {
                return refuse(field, &name.place, "is no key");
            }
        }
        if by.is_empty() {
            return Err(vec![Diagnostic::definition("`by` names no column")]);
        }
        if !inputs::is_key(&order.data_type) || order.data_type == DataType::Binary {
            return refuse(&order, &self.order.place, "has no order");
        }
        match inputs::shown(&event) {
            None => refuse(&event, &self.event.place, "gives no events"),
            Some(_) if event.data_type.is_float() => {
                let message = format!("column `{}` holds {}, which is no event", event.name, event.data_type);
                let help = "derive a column of bins first: `derive: {band: \"floor(amount / 100)\"}`";
                Err(vec![Diagnostic::definition(message).at(&self.event.place).help(help)])
            }
            Some(shown) => Ok(Reader { by, order, event: shown, together: self.together, timed: false }),
        }
    }

    fn check(&self, distances: &Distances, table: &TableShape) -> Result<(), Findings> {
        let refuse = |message: &str, place| Err(vec![Diagnostic::definition(message).at(place)]);
        if let Some(share) = &self.min_support {
            if !(share.value > 0.0 && share.value <= 1.0) {
                let finding =
                    Diagnostic::definition("`min_support` must be larger than 0 and at most 1").at(&share.place);
                return Err(vec![finding.help("a number of sequences is written `min_count: 100`")]);
            }
            if let Some(count) = &self.min_count {
                return refuse("say either `min_support` or `min_count`", &count.place);
            }
        }
        if let Some(count) = self.min_count.as_ref().filter(|count| count.value == 0) {
            return refuse("`min_count` must be at least 1: a pattern that never occurs is not frequent", &count.place);
        }
        if self.min_length.value == 0 {
            return refuse("`min_length` must be at least 1", &self.min_length.place);
        }
        if let Some(length) = &self.max_length
            && !(self.min_length.value..=SequenceOptions::LONGEST).contains(&length.value)
        {
            return refuse("`max_length` must be from `min_length` to 1,000", &length.place);
        }
        if let Some(top) = self.top.as_ref().filter(|top| top.value == 0) {
            return refuse("`top` must be at least 1", &top.place);
        }
        if self.method.value == Method::CmSpam && (distances.timed || distances.limits.max_span.is_some()) {
            let message = "`cm_spam` takes gaps in positions only, and no `max_span`";
            return Err(vec![
                Diagnostic::definition(message)
                    .at(&self.method.place)
                    .help("leave `method` out, or write `prefixspan`"),
            ]);
        }
        self.check_rules()?;
        self.check_confirm(table)
    }

    fn check_rules(&self) -> Result<(), Findings> {
        let Some(rules) = &self.rules else { return Ok(()) };
        let refuse = |message: &str, place| Err(vec![Diagnostic::definition(message).at(place)]);
        if !(0.0..=1.0).contains(&rules.min_confidence.value) {
            return refuse("`min_confidence` must be from 0 to 1", &rules.min_confidence.place);
        }
        if !(rules.min_lift.value >= 0.0 && rules.min_lift.value.is_finite()) {
            return refuse("`min_lift` must be at least 0", &rules.min_lift.place);
        }
        if let Some(alpha) = rules.alpha.as_ref().filter(|alpha| !(0.0..=1.0).contains(&alpha.value)) {
            return refuse("`alpha` must be from 0 to 1", &alpha.place);
        }
        if self.kind.value != Kind::All {
            let message = "rules are made of all patterns, so `kind` cannot leave some out";
            return refuse(message, &self.kind.place);
        }
        match &self.top {
            Some(top) => refuse("rules are made of all patterns, so `top` cannot leave some out", &top.place),
            None => Ok(()),
        }
    }

    fn check_confirm(&self, table: &TableShape) -> Result<(), Findings> {
        let Some(confirm) = &self.confirm else { return Ok(()) };
        let refuse = |finding: Diagnostic, place| Err(vec![finding.at(place)]);
        if self.rules.is_none() {
            return refuse(Diagnostic::definition("`confirm` needs `rules` to confirm"), &confirm.on.place);
        }
        if !(0.0..=1.0).contains(&confirm.alpha.value) {
            return refuse(Diagnostic::definition("`alpha` must be from 0 to 1"), &confirm.alpha.place);
        }
        let Some(split) = &table.split else {
            let finding = Diagnostic::definition("`confirm` needs rows that a `split` above has divided");
            return refuse(finding, &confirm.on.place);
        };
        let others = || split.parts.iter().skip(1).map(String::as_str);
        if others().any(|part| part == confirm.on.value) {
            return Ok(());
        }
        let finding = if split.parts.first() == Some(&confirm.on.value) {
            Diagnostic::definition(format!("`{}` is the part that is mined", confirm.on.value))
        } else {
            Diagnostic::definition(format!("`{}` is no part of `{}`", confirm.on.value, split.stage))
        };
        let finding = match nearest(&confirm.on.value, others()) {
            Some(near) => finding.label(format!("did you mean `{near}`?")),
            None => finding.help(format!("its other parts are {}", others().collect::<Vec<_>>().join(", "))),
        };
        refuse(finding, &confirm.on.place)
    }

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

struct SequencesWork {
    key: String,
    reader: Reader,
    distances: Distances,
    options: Sequences,
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
