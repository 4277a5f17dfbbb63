//! `itemsets`: what occurs together, and rules made of it.

mod items;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::{self, Values};
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table};
use crate::expression::{DataType, Field, Schema};
use crate::mining::itemsets::{ItemsetError, ItemsetOptions, Itemsets as Found, MinSupport, frequent_itemsets};
use crate::mining::rules::{Contingency, Rule, RuleError, RuleOptions, association_rules};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext, signed};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use items::Basket;

const FILE: &str = "itemsets.parquet";
/// Rules or sets that the report shows.
const SHOWN: usize = 25;

/// Finds sets of items that occur together often, and with `rules` what foretells what.
///
/// Each row is a basket, and each column of `items` gives one item `column=value`; a null gives none. Columns of floats are
/// cut into `bins` of about equal size first. When the rows are divided by a `split`, only the training rows are mined, so
/// that rules can be judged on the others.
///
/// The search is exact and complete (Uno, Kiyomi & Arimura 2004; rules after Agrawal & Srikant 1994). With more than
/// `limit` results it stops with exit code 4 and says so. The product is the table of rules where rules are asked for, else
/// of sets.
///
/// ```yaml
/// - itemsets: {items: [carrier, origin, late], min_support: 0.01, rules: {min_confidence: 0.3, min_lift: 1.2}}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Itemsets {
    /// The columns that give items.
    items: OneOrMany<Spanned<String>>,
    /// The share of rows in which a set must occur.
    #[serde(default = "min_support")]
    min_support: Spanned<f64>,
    /// The fewest items of a set that is reported.
    #[serde(default = "min_length")]
    min_length: usize,
    /// The most items of a set.
    #[serde(default)]
    max_length: Option<usize>,
    /// Into how many bins columns of floats are cut.
    #[serde(default = "bins")]
    bins: Spanned<usize>,
    /// Which rules are made; none when absent.
    #[serde(default)]
    rules: Option<Rules>,
    /// Results at most.
    #[serde(default = "limit")]
    limit: usize,
}

/// Which rules are made.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// The smallest share of rows with the antecedent that also have the consequent.
    min_confidence: f64,
    /// How much more often than by chance both must occur.
    min_lift: f64,
    /// The most items that are foretold.
    max_consequent: usize,
    /// Only rules that foretell items of these columns.
    consequent: Option<OneOrMany<Spanned<String>>>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { min_confidence: 0.5, min_lift: 1.0, max_consequent: 1, consequent: None }
    }
}

fn min_support() -> Spanned<f64> {
    Spanned::nowhere(0.1)
}

fn min_length() -> usize {
    1
}

fn bins() -> Spanned<usize> {
    Spanned::nowhere(4)
}

fn limit() -> usize {
    1_000_000
}

impl Stage for Itemsets {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = inputs::columns(&table.schema, self.items.as_slice(), id)?;
        self.check(&fields, id)?;
        let key = context.key("table");
        let schema = if self.rules.is_some() { rule_schema() } else { set_schema() };
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema };
        let work = ItemsetsWork { key, fields, options: self.clone() };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(self))
    }
}

impl Itemsets {
    fn check(&self, fields: &[Field], id: &str) -> Result<(), Findings> {
        let refuse = |message: String, place| Err(vec![Diagnostic::definition(message).at(place)]);
        for (field, name) in fields.iter().zip(self.items.iter()) {
            if field.data_type.is_nested() || field.data_type == DataType::Binary {
                return refuse(
                    format!("column `{}` holds {}, which gives no items", field.name, field.data_type),
                    &name.place,
                );
            }
        }
        if !(self.min_support.value > 0.0 && self.min_support.value <= 1.0) {
            return refuse("`min_support` must be larger than 0 and at most 1".to_owned(), &self.min_support.place);
        }
        if !(2..=100).contains(&self.bins.value) {
            return refuse("`bins` must be from 2 to 100".to_owned(), &self.bins.place);
        }
        let Some(rules) = &self.rules else { return Ok(()) };
        if !(0.0..=1.0).contains(&rules.min_confidence)
            || rules.min_lift.is_nan()
            || rules.min_lift < 0.0
            || rules.max_consequent == 0
        {
            let message = "`min_confidence` must be from 0 to 1, `min_lift` at least 0 and `max_consequent` at least 1";
            return Err(vec![Diagnostic::definition(message)]);
        }
        let schema = Schema::new(fields.to_vec()).unwrap_or_default();
        for name in rules.consequent.iter().flat_map(|names| names.iter()) {
            inputs::column(&schema, name, id)
                .map_err(|finding| vec![finding.help("`consequent` names columns of `items`")])?;
        }
        Ok(())
    }
}

fn set_schema() -> Schema {
    let fields = vec![
        Field::new("items", DataType::List(Box::new(DataType::String))),
        Field::new("length", DataType::Int64),
        Field::new("count", DataType::Int64),
        Field::new("support", DataType::Float64),
    ];
    Schema::new(fields).unwrap_or_default()
}

/// A measure with its name.
type Measure = (&'static str, fn(&Contingency) -> f64);

/// The measures of a rule, in the order in which they stand in the table.
const MEASURES: [Measure; 9] = [
    ("support", Contingency::support),
    ("confidence", Contingency::confidence),
    ("lift", Contingency::lift),
    ("leverage", Contingency::leverage),
    ("conviction", Contingency::conviction),
    ("zhang", Contingency::zhang),
    ("jaccard", Contingency::jaccard),
    ("kulczynski", Contingency::kulczynski),
    ("p_value", Contingency::p_value),
];

fn rule_schema() -> Schema {
    let texts = || DataType::List(Box::new(DataType::String));
    let mut fields = vec![
        Field::new("antecedent", texts()),
        Field::new("consequent", texts()),
        Field::new("count", DataType::Int64),
    ];
    fields.extend(MEASURES.iter().map(|(name, _)| Field::new(*name, DataType::Float64)));
    Schema::new(fields).unwrap_or_default()
}

struct ItemsetsWork {
    key: String,
    fields: Vec<Field>,
    options: Itemsets,
}

impl ItemsetsWork {
    fn mine(&self, basket: &Basket) -> Result<Found, Diagnostic> {
        let options = ItemsetOptions {
            min_support: MinSupport::Fraction(self.options.min_support.value),
            // Rules need the sets below the shortest reported one too.
            min_length: if self.options.rules.is_some() { 1 } else { self.options.min_length },
            max_length: self.options.max_length,
            max_itemsets: self.options.limit as u64,
        };
        frequent_itemsets(&basket.transactions, &options).map_err(|error| {
            let class = match &error {
                ItemsetError::Fraction { .. } | ItemsetError::Lengths { .. } => Class::Definition,
                _ => Class::Limit,
            };
            Diagnostic::error(class, error.to_string())
        })
    }

    fn rules(&self, found: &Found, wanted: &Rules, basket: &Basket) -> Result<Vec<Rule>, Diagnostic> {
        let options = RuleOptions {
            min_confidence: wanted.min_confidence,
            min_lift: wanted.min_lift,
            max_consequent: wanted.max_consequent,
            max_rules: self.options.limit,
        };
        let mut rules = association_rules(found, &options).map_err(|error| {
            let class = if matches!(error, RuleError::TooMany { .. }) { Class::Limit } else { Class::Definition };
            Diagnostic::error(class, error.to_string())
        })?;
        if let Some(columns) = &wanted.consequent {
            let allowed = |item: &u32| columns.iter().any(|column| basket.column(*item) == Some(column.value.as_str()));
            rules.retain(|rule| rule.consequent.iter().all(allowed));
        }
        rules.retain(|rule| rule.antecedent.len() + rule.consequent.len() >= self.options.min_length);
        Ok(rules)
    }
}

impl Work for ItemsetsWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let basket = Basket::read(&table.training(), &self.fields, self.options.bins.value, context)?;
        let found = self.mine(&basket)?;
        let mut outcome = Outcome::default();
        let product = match &self.options.rules {
            Some(wanted) => {
                let rules = self.rules(&found, wanted, &basket)?;
                outcome.exhibits = show_rules(&rules, &found, &basket);
                rule_table(&rules, &basket)?
            }
            None => {
                outcome.exhibits = show_sets(&found, &basket);
                set_table(&found, &basket)?
            }
        };
        batch::write_parquet(&context.artifacts.join(FILE), &product)?;
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        let what = if self.options.rules.is_some() { "one row for each rule" } else { "one row for each set" };
        vec![Change::minus("mined", counts.first_input()), Change::plus(what, counts.out)]
    }
}

fn rule_table(rules: &[Rule], basket: &Basket) -> Result<arrow::array::RecordBatch, Diagnostic> {
    let names = |of: fn(&Rule) -> &Vec<u32>| Values::Lists(rules.iter().map(|rule| basket.names(of(rule))).collect());
    let mut columns = vec![
        ("antecedent", names(|rule| &rule.antecedent)),
        ("consequent", names(|rule| &rule.consequent)),
        ("count", Values::Integers(rules.iter().map(|rule| Some(signed(rule.counts.both))).collect())),
    ];
    columns.extend(MEASURES.iter().map(|(name, measure)| {
        (*name, Values::Floats(rules.iter().map(|rule| Some(measure(&rule.counts))).collect()))
    }));
    batch::table(columns)
}

fn set_table(found: &Found, basket: &Basket) -> Result<arrow::array::RecordBatch, Diagnostic> {
    batch::table(vec![
        ("items", Values::Lists(found.iter().map(|set| basket.names(set.items)).collect())),
        ("length", Values::Integers(found.iter().map(|set| Some(signed(set.items.len() as u64))).collect())),
        ("count", Values::Integers(found.iter().map(|set| Some(signed(set.count))).collect())),
        ("support", Values::Floats(found.iter().map(|set| Some(found.support(set))).collect())),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
fn summary(found: &Found, basket: &Basket, rules: Option<usize>) -> Exhibit {
    let mut metrics = vec![
        Metric::new("rows mined", basket.transactions.total() as f64, Format::Integer),
        Metric::new("items", basket.len() as f64, Format::Integer),
        Metric::new("frequent sets", found.len() as f64, Format::Integer),
    ];
    metrics.extend(rules.map(|rules| Metric::new("rules", rules as f64, Format::Integer)));
    Exhibit::Metrics { title: "Mined".to_owned(), metrics }
}

fn left_out(all: usize, what: &str) -> Option<String> {
    let more = all.saturating_sub(SHOWN);
    (more > 0).then(|| format!("{more} more {what} are in the stage's table."))
}

fn show_rules(rules: &[Rule], found: &Found, basket: &Basket) -> Vec<Exhibit> {
    let rows = rules.iter().take(SHOWN).map(|rule| {
        let counts = &rule.counts;
        vec![
            Cell::text(basket.names(&rule.antecedent).join(", ")),
            Cell::text(basket.names(&rule.consequent).join(", ")),
            Cell::number(counts.support()),
            Cell::number(counts.confidence()),
            Cell::number(counts.lift()),
            Cell::count(counts.both),
        ]
    });
    let columns = vec![
        Column::new("when"),
        Column::new("then"),
        Column::formatted("support", Format::Percent),
        Column::formatted("confidence", Format::Percent),
        Column::new("lift"),
        Column::formatted("rows", Format::Integer),
    ];
    let note = left_out(rules.len(), "rules");
    vec![
        summary(found, basket, Some(rules.len())),
        Exhibit::Table(Table { title: "Rules with the highest lift".to_owned(), columns, rows: rows.collect(), note }),
    ]
}

fn show_sets(found: &Found, basket: &Basket) -> Vec<Exhibit> {
    let mut sets: Vec<_> = found.iter().collect();
    sets.sort_by(|a, b| b.count.cmp(&a.count).then(b.items.len().cmp(&a.items.len())).then(a.items.cmp(b.items)));
    let rows = sets.iter().take(SHOWN).map(|set| {
        vec![Cell::text(basket.names(set.items).join(", ")), Cell::number(found.support(*set)), Cell::count(set.count)]
    });
    let columns = vec![
        Column::new("items"),
        Column::formatted("support", Format::Percent),
        Column::formatted("rows", Format::Integer),
    ];
    let note = left_out(sets.len(), "sets");
    vec![
        summary(found, basket, None),
        Exhibit::Table(Table { title: "Most frequent sets".to_owned(), columns, rows: rows.collect(), note }),
    ]
}
