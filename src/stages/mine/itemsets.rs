//! `itemsets`: what occurs together, and rules made of it.

mod baskets;
mod book;
mod exhibits;
mod features;
mod held;
mod rules;
mod source;
mod tables;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::Schema;
use crate::mining::itemsets::Kind;
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};
use features::Features;
use rules::{Confirm, Rules};
use source::{Items, Source};
use work::ItemsetsWork;

const FILE: &str = "itemsets.parquet";
/// The share of baskets in which a set must occur, where nothing is said.
const MIN_SUPPORT: f64 = 0.1;
/// The side tables of rows with features.
const SETS: &str = "sets";
const RULES: &str = "rules";

/// Finds sets of items that occur together often, and with `rules` what foretells what.
///
/// Items come from one of three places:
///
/// - `items: [carrier, origin]`: each row is a basket, each column gives the item `column=value`. Numbers with a fraction, and whole
///   numbers with more than 32 different values, are cut into `bins` of about equal size first.
/// - `items: {list: tags}`: each row is a basket, its list holds the items.
/// - `items: {basket: order, item: product}`: each row names its basket and one item; rows of a basket may stand anywhere (they are
///   sorted first). Rows without a basket are left out and counted.
///
/// An item that stands in a basket twice counts once, a null gives no item, and a basket without items counts as a basket. When the
/// rows are divided by a `split`, only the training rows are mined, so that rules can be judged on the others.
///
/// `kind: closed` leaves out sets that are part of a larger one that occurs as often: the counts of all frequent sets follow from
/// them. `kind: maximal` keeps those without any larger frequent set. `top: 100` finds the most frequent ones; without a minimum
/// support it needs none. The search is exact and complete (Uno, Kiyomi and Arimura 2004, *LCM ver. 2*). With more than `limit` results it stops with
/// exit code 4 and says so. Baskets are held in memory, identical ones once.
///
/// `rules` cuts the sets in two (Agrawal and Srikant 1994): who has the items of `antecedent` also has those of `consequent`. The table holds
///
/// - `support`: the share of baskets with both; `confidence`: the share of those with the antecedent that have the consequent too;
/// - `lift`: how many times as often both occur as they would by chance; `leverage`: the difference of these shares; `conviction`: how many times
///   as often the rule would be wrong by chance (null: it is never wrong); `zhang`: association from -1 to 1 (Zhang 2000);
/// - `jaccard`: the share of baskets with either that have both; `kulczynski`: the mean of the confidences of both directions;
///   `certainty`: by what share of the possible the antecedent raises or lowers the probability of the consequent;
/// - `p_value` of Fisher's exact test, one-sided, and `p_adjusted` for all rules that the sets allow (those that do not pass count
///   with a p-value of 1, which errs on the safe side).
///
/// `consequent` and `antecedent` say what may stand on a side: items or columns, or a mapping with `only`, `without`, `with`
/// (each of them must be there), `min` and `max` items. With `kind: closed` only closed sets are cut: in place of a rule of another set stands that
/// of the smallest closed set around it, which holds as often and is right at least as often. With `top` only the most frequent
/// sets are cut. Maximal sets do not tell how often their parts occur, so that there are no rules of them.
///
/// `prune` leaves out rules that say no more than a more general one. The correction of p-values counts all rules that the sets allow, but the
/// same baskets have chosen these sets: `confirm` is the stricter judge. It measures each
/// rule again on another part of the split, and adjusts the p-values for the rules that are measured there: columns that begin with `confirm_`, and `confirmed`.
///
/// The product is the table of rules where rules are asked for, else of sets. With `features` it is the rows with new columns: which of the first
/// sets hold in a row, or of rules their antecedents. A model takes them along. The table is then read with `from: <id>.rules` or `<id>.sets`.
/// Rows in long form have no features, because what a basket holds stands in several of them: `aggregate` makes one row of a basket first.
///
/// ```yaml
/// - itemsets: {items: [carrier, origin, late], min_support: 0.01, rules: {min_confidence: 0.3, min_lift: 1.2}}
/// ```
///
/// ```yaml
/// - id: foretold
///   itemsets:
///     items: [carrier, origin, month, dep_delay, late]
///     min_count: 500
///     rules: {min_confidence: 0.3, consequent: "late=true", prune: significance}
///     confirm: {on: test}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Itemsets {
    /// The columns that give items, or `{list: column}`, or `{basket: columns, item: column}`.
    items: Items,
    /// Which of the frequent sets are reported.
    #[serde(default)]
    kind: Kind,
    /// The share of baskets in which a set must occur, above 0 and at most 1; 0.1 when neither it nor `min_count` nor `top` is there.
    #[serde(default)]
    min_support: Option<Spanned<f64>>,
    /// The number of baskets in which a set must occur, instead of a share.
    #[serde(default)]
    min_count: Option<Spanned<u64>>,
    /// Only the most frequent sets, so many of them; of equally frequent ones the shorter, then by their items.
    #[serde(default)]
    top: Option<Spanned<usize>>,
    /// The fewest items of a set that is reported, and of both sides of a rule together.
    #[serde(default = "min_length")]
    min_length: Spanned<usize>,
    /// The most items of a set that is reported, and of both sides of a rule together.
    #[serde(default)]
    max_length: Option<Spanned<usize>>,
    /// Into how many bins columns of numbers are cut.
    #[serde(default = "bins")]
    bins: Spanned<usize>,
    /// Which rules are made; none when absent.
    #[serde(default)]
    rules: Option<Spanned<Rules>>,
    /// Measures the rules again on other rows.
    #[serde(default)]
    confirm: Option<Confirm>,
    /// Gives the rows with new columns instead: which sets or rules hold in them.
    #[serde(default)]
    features: Option<Features>,
    /// Results at most.
    #[serde(default = "limit")]
    limit: Spanned<usize>,
}

fn min_length() -> Spanned<usize> {
    Spanned::nowhere(1)
}

fn bins() -> Spanned<usize> {
    Spanned::nowhere(4)
}

fn limit() -> Spanned<usize> {
    Spanned::nowhere(1_000_000)
}

impl Stage for Itemsets {
    fn side_table(&self, name: &str) -> Option<Box<dyn Stage>> {
        let own = if self.rules.is_some() { RULES } else { SETS };
        (self.features.is_some() && name == own).then(|| {
            let side: Box<dyn Stage> = Box::new(SideTable { name: own, schema: self.schema() });
            side
        })
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let source = self.items.source(&table.schema, id)?;
        self.check(&source)?;
        if let Some(confirm) = &self.confirm {
            confirm.check(table.split.as_ref())?;
        }
        let key = context.key(if self.rules.is_some() { RULES } else { SETS });
        let product = match &self.features {
            Some(features) => table.derive(features.plan(&source, table, context)?),
            None => {
                let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: self.schema() };
                TableShape::new(Relation::Scan(scan), None)
            }
        };
        let work = ItemsetsWork { key, source, options: self.clone() };
        Ok(Planned::relation(product).work(work).meaning(self))
    }
}

impl Itemsets {
    fn schema(&self) -> Schema {
        match &self.rules {
            Some(_) => tables::rule_schema(self.confirm.is_some()),
            None => tables::set_schema(),
        }
    }

    fn check(&self, source: &Source) -> Result<(), Findings> {
        let refuse = |message: &str, place| Err(vec![Diagnostic::definition(message).at(place)]);
        if let Some(share) = &self.min_support {
            if !(share.value > 0.0 && share.value <= 1.0) {
                let finding =
                    Diagnostic::definition("`min_support` must be larger than 0 and at most 1").at(&share.place);
                return Err(vec![finding.help("a number of baskets is written `min_count: 100`")]);
            }
            if let Some(count) = &self.min_count {
                return refuse("say either `min_support` or `min_count`", &count.place);
            }
        }
        if let Some(count) = self.min_count.as_ref().filter(|count| count.value == 0) {
            return refuse("`min_count` must be at least 1: a set that never occurs is not frequent", &count.place);
        }
        if let Some(top) = self.top.as_ref().filter(|top| top.value == 0 || top.value > self.limit.value) {
            return refuse("`top` must be at least 1 and at most `limit`", &top.place);
        }
        if self.limit.value == 0 {
            return refuse("`limit` must be at least 1", &self.limit.place);
        }
        if self.min_length.value == 0 {
            return refuse("`min_length` must be at least 1", &self.min_length.place);
        }
        if let Some(length) = self.max_length.as_ref().filter(|length| length.value < self.min_length.value) {
            return refuse("`max_length` must not be below `min_length`", &length.place);
        }
        if !(2..=100).contains(&self.bins.value) {
            return refuse("`bins` must be from 2 to 100", &self.bins.place);
        }
        match (&self.rules, &self.confirm) {
            (None, Some(confirm)) => refuse("`confirm` measures rules: say which with `rules`", confirm.place()),
            (None, None) => Ok(()),
            (Some(rules), _) => {
                if self.kind == Kind::Maximal {
                    let message =
                        "rules need to know how often the parts of a set occur, which maximal sets do not tell";
                    let finding = Diagnostic::definition(message).at(&rules.place);
                    return Err(vec![
                        finding.help("`kind: closed` does, and gives fewer rules than all frequent sets"),
                    ]);
                }
                rules.value.check(source)
            }
        }
    }
}

/// The table of sets or rules beside rows with features.
struct SideTable {
    name: &'static str,
    schema: Schema,
}

impl Stage for SideTable {
    fn plan(&self, _: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let id = context.input_ids.first().map_or("", String::as_str);
        let source = ScanSource::Artifact(format!("{id}.{}", self.name));
        let scan = Relation::Scan(Scan { source, schema: self.schema.clone() });
        Ok(Planned::relation(TableShape::new(scan, None)).work(SideTableWork))
    }
}

struct SideTableWork;

impl Work for SideTableWork {
    /// Its rows are none of the stage above.
    fn flowing(&self) -> usize {
        0
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::plus("found", counts.out)]
    }
}
