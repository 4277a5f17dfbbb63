//! Patterns and rules as tables, and rules judged.

use super::read::Dictionary;
use super::{Confirm, Rules, Sequences};
use crate::batch::{self, Values};
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{DataType, Field, Schema};
use crate::mining::rules::Contingency;
use crate::mining::sequences::{self as mining, Limits, Mined, NextRule};
use crate::stages::work::signed;
use crate::statistics::multiplicity::adjust;

/// Between elements of a pattern.
const ARROW: &str = " \u{2192} ";

/// The columns of the table.
pub(super) fn schema(options: &Sequences) -> Schema {
    let text = |name: &str| Field::new(name, DataType::String);
    let texts = |name: &str| Field::new(name, DataType::List(Box::new(DataType::String)));
    let integer = |name: &str| Field::new(name, DataType::Int64);
    let float = |name: &str| Field::new(name, DataType::Float64);
    let mut fields = Vec::new();
    if options.rules.is_some() {
        fields.extend([text("rule"), texts("prefix"), text("next")]);
        fields.extend(["count", "prefix_count", "next_count"].map(integer));
        fields.extend(["support", "confidence", "lift", "p_value", "p_adjusted"].map(float));
        if options.confirm.is_some() {
            fields.extend(["confirm_count", "confirm_prefix_count"].map(integer));
            fields.extend(["confirm_confidence", "confirm_lift", "confirm_p_value", "confirm_p_adjusted"].map(float));
            fields.push(Field::new("confirmed", DataType::Boolean));
        }
    } else {
        fields.extend([text("pattern"), texts("elements"), integer("length"), integer("count"), float("support")]);
    }
    Schema::new(fields).unwrap_or_default()
}

/// `a + b`: the events of one element.
fn element(events: &[u32], names: &Dictionary) -> String {
    let mut texts: Vec<&str> = events.iter().map(|event| names.name(*event)).collect();
    texts.sort_unstable();
    texts.join(" + ")
}

/// The elements as texts.
fn elements(pattern: &[Vec<u32>], names: &Dictionary) -> Vec<String> {
    pattern.iter().map(|events| element(events, names)).collect()
}

/// `a + b → c`
pub(super) fn words(pattern: &[Vec<u32>], names: &Dictionary) -> String {
    elements(pattern, names).join(ARROW)
}

/// The table of patterns.
pub(super) fn patterns(mined: &Mined, names: &Dictionary) -> Result<arrow::array::RecordBatch, Diagnostic> {
    let lists: Vec<Vec<String>> = mined.patterns.iter().map(|pattern| elements(&pattern.elements(), names)).collect();
    let all = mined.sequences as f64;
    batch::table(vec![
        ("pattern", Values::Texts(lists.iter().map(|list| Some(list.join(ARROW))).collect())),
        ("elements", Values::Lists(lists)),
        ("length", Values::Integers(mined.patterns.iter().map(|p| Some(signed(p.length() as u64))).collect())),
        ("count", Values::Integers(mined.patterns.iter().map(|p| Some(signed(p.count))).collect())),
        ("support", Values::Floats(mined.patterns.iter().map(|p| Some(p.count as f64 / all)).collect())),
    ])
}

/// The rules that pass, in order, and how many were possible.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) rules: Vec<Judgement>,
    pub(super) possible: usize,
    /// Held-out sequences.
    pub(super) held_out: Option<u64>,
}

/// A rule with what was found of it.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) rule: NextRule,
    /// None where the p-value is not defined.
    pub(super) p_adjusted: Option<f64>,
    pub(super) held_out: Option<HeldOut>,
}

/// A rule in held-out sequences.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldOut {
    pub(super) counts: Contingency,
    pub(super) p_adjusted: Option<f64>,
    /// None for a rule that is not tested: the prefix is not there, or holds the event already.
    pub(super) confirmed: Option<bool>,
}

impl HeldOut {
    pub(super) fn confidence(&self) -> Option<f64> {
        (self.counts.antecedent > 0).then(|| self.counts.confidence())
    }

    fn lift(&self) -> Option<f64> {
        (self.counts.antecedent > 0 && self.counts.consequent > 0).then(|| self.counts.lift())
    }
}

/// Makes rules of patterns and judges them.
pub(super) struct Judging<'a> {
    pub(super) options: &'a Sequences,
    pub(super) mined: &'a Mined,
    pub(super) limits: &'a Limits,
}

impl Judging<'_> {
    /// The rules that pass the thresholds, by falling confidence, then by falling count.
    ///
    /// Errors: there are too many held-out events.
    pub(super) fn rules(&self, wanted: &Rules, held_out: Option<&mining::Sequences>) -> Result<Judged, Diagnostic> {
        let least = self.options.min_length.value;
        let all = mining::next_event_rules(&self.mined.patterns, self.mined.sequences);
        let long = |rule: &NextRule| rule.prefix.iter().map(Vec::len).sum::<usize>() + 1 >= least;
        let all: Vec<NextRule> = all.into_iter().filter(long).collect();
        let possible = all.len();
        let p_values: Vec<f64> = all.iter().map(|rule| rule.p_value().unwrap_or(f64::NAN)).collect();
        let adjusted = adjust(&p_values, wanted.correction);
        let passes = |judged: &Judgement| {
            let rule = &judged.rule;
            rule.confidence() >= wanted.min_confidence.value
                && rule.lift().is_none_or(|lift| lift >= wanted.min_lift.value)
                && wanted.alpha.as_ref().is_none_or(|alpha| judged.p_adjusted.is_some_and(|p| p <= alpha.value))
        };
        let mut rules: Vec<Judgement> = all
            .into_iter()
            .zip(adjusted)
            .map(|(rule, p)| Judgement { rule, p_adjusted: (!p.is_nan()).then_some(p), held_out: None })
            .filter(passes)
            .collect();
        // Patterns come in a fixed order, and sorting keeps it among equals.
        rules.sort_by(|a, b| {
            let confidence = b.rule.confidence().total_cmp(&a.rule.confidence());
            confidence.then(b.rule.counts.both.cmp(&a.rule.counts.both))
        });
        let mut judged = Judged { rules, possible, held_out: held_out.map(|sequences| sequences.len() as u64) };
        if let (Some(sequences), Some(confirm)) = (held_out, &self.options.confirm) {
            self.confirm(&mut judged.rules, sequences, confirm)?;
        }
        Ok(judged)
    }

    /// Counts the rules in held-out sequences. They are the whole family of tests there, because nothing was chosen there.
    fn confirm(
        &self,
        rules: &mut [Judgement],
        sequences: &mining::Sequences,
        confirm: &Confirm,
    ) -> Result<(), Diagnostic> {
        let mut patterns: Vec<Vec<Vec<u32>>> = Vec::with_capacity(rules.len() * 3);
        for judged in rules.iter() {
            let next = vec![judged.rule.next];
            patterns.push(judged.rule.prefix.clone());
            patterns.push(vec![next.clone()]);
            patterns.push(judged.rule.prefix.iter().cloned().chain([next]).collect());
        }
        let counts = mining::supports(sequences, &patterns, self.limits)
            .map_err(|error| Diagnostic::error(Class::Limit, error.to_string()))?;
        let transactions = sequences.len() as u64;
        let counted: Vec<Contingency> = counts
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&[antecedent, consequent, both]| Contingency { transactions, antecedent, consequent, both })
            .collect();
        let p_value = |(judged, counts): (&Judgement, &Contingency)| {
            let testable = !judged.rule.again && counts.antecedent > 0;
            if testable { counts.p_value() } else { f64::NAN }
        };
        let p_values: Vec<f64> = rules.iter().zip(&counted).map(p_value).collect();
        let adjusted = adjust(&p_values, confirm.correction);
        for ((judged, counts), p) in rules.iter_mut().zip(counted).zip(adjusted) {
            let p_adjusted = (!p.is_nan()).then_some(p);
            let confirmed = p_adjusted.map(|p| p <= confirm.alpha.value);
            judged.held_out = Some(HeldOut { counts, p_adjusted, confirmed });
        }
        Ok(())
    }
}

/// The table of rules.
pub(super) fn rules(
    judged: &Judged,
    names: &Dictionary,
    options: &Sequences,
) -> Result<arrow::array::RecordBatch, Diagnostic> {
    let rules = &judged.rules;
    let floats = |of: &dyn Fn(&Judgement) -> Option<f64>| Values::Floats(rules.iter().map(of).collect());
    let integers = |of: &dyn Fn(&Contingency) -> u64| {
        Values::Integers(rules.iter().map(|judged| Some(signed(of(&judged.rule.counts)))).collect())
    };
    let rule = |judged: &Judgement| {
        let prefix = words(&judged.rule.prefix, names);
        Some(format!("{prefix} \u{21d2} {}", names.name(judged.rule.next)))
    };
    let mut columns = vec![
        ("rule", Values::Texts(rules.iter().map(rule).collect())),
        ("prefix", Values::Lists(rules.iter().map(|judged| elements(&judged.rule.prefix, names)).collect())),
        ("next", Values::Texts(rules.iter().map(|judged| Some(names.name(judged.rule.next).to_owned())).collect())),
        ("count", integers(&|counts| counts.both)),
        ("prefix_count", integers(&|counts| counts.antecedent)),
        ("next_count", integers(&|counts| counts.consequent)),
        ("support", floats(&|judged| Some(judged.rule.counts.support()))),
        ("confidence", floats(&|judged| Some(judged.rule.confidence()))),
        ("lift", floats(&|judged| judged.rule.lift())),
        ("p_value", floats(&|judged| judged.rule.p_value())),
        ("p_adjusted", floats(&|judged| judged.p_adjusted)),
    ];
    if options.confirm.is_some() {
        let held = |of: &dyn Fn(&HeldOut) -> Option<u64>| {
            Values::Integers(rules.iter().map(|judged| judged.held_out.as_ref().and_then(of).map(signed)).collect())
        };
        let tested = |of: &dyn Fn(&HeldOut, &NextRule) -> Option<f64>| {
            floats(&|judged| judged.held_out.as_ref().and_then(|held| of(held, &judged.rule)))
        };
        let verdicts = rules.iter().map(|judged| judged.held_out.and_then(|held| held.confirmed)).collect();
        columns.push(("confirm_count", held(&|held| Some(held.counts.both))));
        columns.push(("confirm_prefix_count", held(&|held| Some(held.counts.antecedent))));
        columns.push(("confirm_confidence", tested(&|held, _| held.confidence())));
        columns.push(("confirm_lift", tested(&|held, rule| held.lift().filter(|_| !rule.again))));
        columns.push(("confirm_p_value", tested(&|held, _| held.p_adjusted.map(|_| held.counts.p_value()))));
        columns.push(("confirm_p_adjusted", tested(&|held, _| held.p_adjusted)));
        columns.push(("confirmed", Values::Booleans(verdicts)));
    }
    batch::table(columns)
}
