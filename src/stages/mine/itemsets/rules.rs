//! Rules: their options, and how they are made, tested and confirmed.

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;
use schemars::{JsonSchema, Schema as JsonSchemaOf, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::baskets::Reader;
use super::book::Book;
use super::held::Held;
use super::source::Source;
use crate::definition::{Node, OneOrMany, Spanned, Value, decode};
use crate::diagnostic::{Class, Diagnostic, Findings, nearest};
use crate::mining::itemsets::Itemsets as Found;
use crate::mining::rules::{
    Contingency, Recount, Redundancy, RuleError, RuleOptions, Rules as Made, Side, association_rules_within,
};
use crate::relation::Relation;
use crate::stages::product::Split;
use crate::stages::work::WorkContext;
use crate::statistics::multiplicity::{Correction, adjust, adjust_among};

/// Which rules are made.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rules {
    /// The smallest share of baskets with the antecedent that also have the consequent.
    min_confidence: Spanned<f64>,
    /// How much more often than by chance both must occur.
    min_lift: Spanned<f64>,
    /// The most items that are foretold.
    max_consequent: Spanned<usize>,
    /// What may be foretold: items (`late=yes`) or columns (all their items), or a mapping with `only`, `without`, `with`, `min`, `max`.
    consequent: SideNode,
    /// From what may be foretold; as `consequent`.
    antecedent: SideNode,
    /// Which rules are left out because a rule with a part of the antecedent says as much.
    prune: Prune,
    /// With `prune: improvement`: by how much the confidence must be larger than that of each rule with a part of the antecedent.
    min_improvement: Spanned<f64>,
    /// With `prune: significance`: the level of the tests.
    alpha: Spanned<f64>,
    /// How p-values are adjusted for the number of rules that were there to choose from.
    correction: Correction,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            min_confidence: Spanned::nowhere(0.5),
            min_lift: Spanned::nowhere(1.0),
            max_consequent: Spanned::nowhere(1),
            consequent: SideNode::default(),
            antecedent: SideNode::default(),
            prune: Prune::None,
            min_improvement: Spanned::nowhere(0.0),
            alpha: Spanned::nowhere(0.05),
            correction: Correction::default(),
        }
    }
}

/// Which rules are left out because a rule with a part of the antecedent says as much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Prune {
    /// None.
    #[default]
    None,
    /// Those whose confidence is not larger than that of every rule with fewer of the items on the left, the rule without any
    /// included (Bayardo, Agrawal and Gunopulos 1999).
    Improvement,
    /// Those in which an item on the left may be there by chance: Fisher's exact test of it and the consequent among the baskets
    /// with the other items on the left (Webb 2007).
    Significance,
}

/// What may stand on a side.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub(super) struct SideNode(Option<Node>);

impl<'de> Deserialize<'de> for SideNode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node::deserialize(deserializer).map(|node| Self(Some(node)))
    }
}

impl JsonSchema for SideNode {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SideOfRules".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> JsonSchemaOf {
        let options = generator.subschema_for::<SideOptions>();
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }, options, { "type": "null" }] })
    }
}

/// What may stand on a side of a rule. Names are items, or columns for all of their items.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SideOptions {
    /// Only these.
    #[serde(default)]
    only: Option<OneOrMany<Spanned<String>>>,
    /// None of these.
    #[serde(default)]
    without: OneOrMany<Spanned<String>>,
    /// Each of these; of a column any item.
    #[serde(default)]
    with: OneOrMany<Spanned<String>>,
    /// Fewest items.
    #[serde(default)]
    min: Option<Spanned<usize>>,
    /// Most items.
    #[serde(default)]
    max: Option<Spanned<usize>>,
}

impl SideNode {
    fn options(&self) -> Result<SideOptions, Findings> {
        match &self.0 {
            None => Ok(SideOptions::default()),
            Some(Node { value: Value::Null, .. }) => Ok(SideOptions::default()),
            Some(node) if matches!(node.value, Value::Mapping(_)) => decode(node),
            Some(node) => Ok(SideOptions { only: Some(decode(node)?), ..SideOptions::default() }),
        }
    }

    fn check(&self, source: &Source) -> Result<(), Findings> {
        let options = self.options()?;
        let names = options.only.iter().flat_map(|names| names.iter()).chain(options.without.iter());
        let wrong: Findings =
            names.chain(options.with.iter()).filter_map(|name| source.check_name(name).err()).collect();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let least = options.min.as_ref().map_or(1, |min| min.value);
        let place = options.max.as_ref().or(options.min.as_ref()).map(|size| &size.place);
        match place {
            Some(place) if least == 0 || options.max.as_ref().is_some_and(|max| max.value < least) => {
                let message = "a side of a rule has at least 1 item, and `max` is not below `min`";
                Err(vec![Diagnostic::definition(message).at(place)])
            }
            _ => Ok(()),
        }
    }

    fn side(&self, max: usize, book: &Book) -> Result<Side, Diagnostic> {
        let options = self.options().map_err(first)?;
        let all = |names: &OneOrMany<Spanned<String>>| {
            let mut items: Vec<u32> = names.iter().flat_map(|name| book.meant(&name.value)).collect();
            items.sort_unstable();
            items.dedup();
            items
        };
        Ok(Side {
            only: options.only.as_ref().map(all),
            without: all(&options.without),
            with: options.with.iter().map(|name| book.meant(&name.value)).collect(),
            min: options.min.map_or(1, |min| min.value),
            max: options.max.map_or(max, |most| most.value),
        })
    }

    /// Names that no item has: a misspelt value would silently leave no rule.
    fn unknown(&self, book: &Book) -> Vec<String> {
        let options = self.options().unwrap_or_default();
        let names = options.only.iter().flat_map(|names| names.iter()).chain(options.without.iter());
        let unknown = names.chain(options.with.iter()).filter(|name| book.meant(&name.value).is_empty());
        unknown.map(|name| name.value.clone()).collect()
    }
}

fn first(findings: Findings) -> Diagnostic {
    findings.into_iter().next().unwrap_or_else(|| Diagnostic::definition("options that cannot be read"))
}

impl Rules {
    /// Errors: values out of their range, unknown names.
    pub(super) fn check(&self, source: &Source) -> Result<(), Findings> {
        let refuse = |message: &str, place| Err(vec![Diagnostic::definition(message).at(place)]);
        for (name, share) in [
            ("min_confidence", &self.min_confidence),
            ("min_improvement", &self.min_improvement),
            ("alpha", &self.alpha),
        ] {
            if !(0.0..=1.0).contains(&share.value) {
                return refuse(&format!("`{name}` must be from 0 to 1"), &share.place);
            }
        }
        if !self.min_lift.value.is_finite() || self.min_lift.value < 0.0 {
            return refuse("`min_lift` must be at least 0", &self.min_lift.place);
        }
        if self.max_consequent.value == 0 {
            return refuse("`max_consequent` must be at least 1", &self.max_consequent.place);
        }
        self.consequent.check(source)?;
        self.antecedent.check(source)
    }

    /// What the report says about the correction.
    pub(super) fn correction(&self) -> Correction {
        self.correction
    }

    /// The rules of frequent or closed sets.
    pub(super) fn make(&self, found: &Found, book: &Book, limit: usize, held: &Held<'_>) -> Result<Made, Diagnostic> {
        let options = RuleOptions {
            min_confidence: self.min_confidence.value,
            min_lift: self.min_lift.value,
            antecedent: self.antecedent.side(usize::MAX, book)?,
            consequent: self.consequent.side(self.max_consequent.value, book)?,
            redundancy: match self.prune {
                Prune::None => Redundancy::Kept,
                Prune::Improvement => Redundancy::Improvement(self.min_improvement.value),
                Prune::Significance => Redundancy::Significance(self.alpha.value),
            },
            max_rules: limit,
        };
        let before = held.size();
        let made = association_rules_within(found, &options, &|bytes| held.grow(bytes));
        held.settle(before);
        made.map_err(|error| match error {
            RuleError::Refused => held.refusal(&error.to_string()),
            RuleError::TooMany { .. } | RuleError::TooLong { .. } => {
                Diagnostic::error(Class::Limit, error.to_string()).help("`limit` allows more")
            }
            _ => Diagnostic::definition(error.to_string()),
        })
    }

    /// Names of both sides that no item has.
    pub(super) fn unknown(&self, book: &Book) -> Vec<String> {
        [self.consequent.unknown(book), self.antecedent.unknown(book)].concat()
    }

    /// The adjusted p-values of rules.
    pub(super) fn adjusted(&self, made: &Made) -> Vec<f64> {
        let p: Vec<f64> = made.rules.par_iter().map(|rule| rule.counts.p_value()).collect();
        adjust_among(&p, usize::try_from(made.candidates).unwrap_or(usize::MAX), self.correction)
    }
}

/// How rules are measured again on rows that they were not mined from.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    /// The part of the `split` with these rows.
    on: Spanned<String>,
    /// The largest adjusted p-value of a confirmed rule: with `benjamini_hochberg` the share of false ones to be expected among
    /// those that are confirmed.
    #[serde(default = "alpha")]
    alpha: Spanned<f64>,
    /// How p-values are adjusted for the number of rules that are measured again.
    #[serde(default)]
    correction: Correction,
}

fn alpha() -> Spanned<f64> {
    Spanned::nowhere(0.05)
}

/// What other rows say of the rules.
pub(super) struct Confirmed {
    pub(super) part: String,
    pub(super) alpha: f64,
    pub(super) correction: Correction,
    /// The counts of each rule there.
    pub(super) counts: Vec<Contingency>,
    /// The p-values, one-sided as those of the training rows.
    pub(super) p: Vec<f64>,
    pub(super) adjusted: Vec<f64>,
}

impl Confirmed {
    /// Whether a rule holds there too.
    pub(super) fn holds(&self, rule: usize) -> bool {
        self.adjusted.get(rule).is_some_and(|p| *p <= self.alpha)
    }
}

impl Confirm {
    /// Errors: there is no such part, or it is the one that is learned from.
    pub(super) fn check(&self, split: Option<&Split>) -> Result<(), Findings> {
        let refuse = |finding: Diagnostic| Err(vec![finding.at(&self.on.place)]);
        let Some(split) = split else {
            let finding = Diagnostic::definition("`confirm` needs rows that the rules were not mined from");
            return refuse(finding.help("put a `split` above, so that rules are mined from its first part alone"));
        };
        if !split.parts.contains(&self.on.value) {
            let finding = Diagnostic::definition(format!("`{}` has no part `{}`", split.stage, self.on.value));
            return refuse(match nearest(&self.on.value, split.parts.iter().map(String::as_str)) {
                Some(near) => finding.label(format!("did you mean `{near}`?")),
                None => finding.help(format!("its parts are {}", split.parts.join(", "))),
            });
        }
        if split.parts.first() == Some(&self.on.value) {
            let message = format!("the rules are mined from part `{}`, which cannot confirm them", self.on.value);
            return refuse(Diagnostic::definition(message).help("name another part"));
        }
        if !(self.alpha.value > 0.0 && self.alpha.value < 1.0) {
            let message = "`alpha` must be larger than 0 and less than 1";
            return Err(vec![Diagnostic::definition(message).at(&self.alpha.place)]);
        }
        Ok(())
    }

    /// Where it stands.
    pub(super) fn place(&self) -> &crate::diagnostic::Place {
        &self.on.place
    }

    /// The part with the other rows.
    pub(super) fn part(&self) -> &str {
        &self.on.value
    }

    /// Measures the rules on other rows.
    pub(super) fn measure(
        &self,
        made: &Made,
        rows: &Arc<Relation>,
        reader: &mut Reader,
        context: &WorkContext<'_>,
    ) -> Result<Confirmed, Diagnostic> {
        let mut recount = Recount::new(&made.rules);
        reader.stream(rows, context, &mut 0, &mut |basket, _| {
            basket.into_iter().for_each(|basket| recount.push(basket));
            Ok(())
        })?;
        let counts = recount.finish();
        let p: Vec<f64> = counts.par_iter().map(Contingency::p_value).collect();
        let adjusted = adjust(&p, self.correction);
        let (part, alpha) = (self.on.value.clone(), self.alpha.value);
        Ok(Confirmed { part, alpha, correction: self.correction, counts, p, adjusted })
    }
}
