//! `dedupe`: one row of each group of rows that mean the same thing.

mod near;
mod survivorship;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sort::sort_keys;
use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{Field, SortKey};
use crate::relation::{Keep, NamedExpr, Relation};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use near::{Near, NearWork};
use survivorship::{Golden, Rule};

/// Keeps one row of each group of rows with equal keys, or of each cluster of near duplicates; the others are merged into it.
///
/// Nulls are equal to each other. `keep: last` with `order_by: updated_at` keeps the latest version of each key. Without
/// `order_by`, first and last mean the order in which rows were read. `keep: none` keeps only rows without a twin.
///
/// ```yaml
/// - dedupe: {on: [order_id, line], keep: last, order_by: updated_at}
/// ```
///
/// `survivorship` makes a golden record instead: each column gets its value by a rule of its own. All rules but `row` pass over
/// nulls, and a column is null only when it is in all rows of the group. Between rows that a rule finds equal, the one decides
/// that `keep` and `order_by` prefer. Columns without a rule follow `others`; by default they come from the row that is kept.
/// Groups come in the order of their first rows. Equal keys can be those that a stage above made, such as an entity id.
///
/// ```yaml
/// - dedupe:
///     on: email
///     survivorship:
///       name: longest
///       phone: {most_recent: updated_at}
///       country: majority
///       address: {priority: {column: source, order: [crm, web]}}
///       updated_at: max
///       sources: {compute: "count(distinct source)"}
///     others: first_non_null
/// ```
///
/// `near` finds near duplicates instead of equal keys. The texts of some columns become sets of shingles (runs of words or
/// characters, in lower case and without punctuation), and two texts are near when the Jaccard similarity of their sets is at
/// least `threshold`. Candidates come from MinHash and locality-sensitive hashing with so many bands that a pair at the threshold
/// is found with probability `recall`, more similar ones with a higher one; each candidate is compared exactly, so that nothing
/// is merged that is less similar. Similar rows form clusters: everything that a chain of similar rows connects, or with `link:
/// star` only rows that are similar to the center of their cluster. Rows without a word are nobody's duplicates.
///
/// With `mark` no row is merged: a new column holds the number of the cluster, so that `split: {by: group, on: ..}` can keep
/// clusters on one side. It depends on the texts alone and is the same in every run.
///
/// Sets and keys of a text take about 100 bytes and 8 bytes for each shingle; beyond a quarter of the memory of the run they
/// lie in a file.
///
/// ```yaml
/// - dedupe: {near: {text: text, threshold: 0.8, shingle: {words: 3}}, keep: last, order_by: rating}
/// - dedupe: {near: {text: [title, body], weights: {title: 2}, shingle: {characters: 5}, mark: cluster}}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dedupe {
    /// The columns that make a duplicate; all columns when absent.
    #[serde(default)]
    on: Option<OneOrMany<Spanned<String>>>,
    /// Near duplicates of texts in the place of equal keys.
    #[serde(default)]
    near: Option<Spanned<Near>>,
    /// Which row stays.
    #[serde(default = "first")]
    keep: Keep,
    /// What first and last mean: `column`, `column desc`.
    #[serde(default)]
    order_by: Option<OneOrMany<Spanned<String>>>,
    /// The rule by which a column gets its value from the rows of a group; makes golden records.
    #[serde(default)]
    survivorship: Option<Ordered<Rule>>,
    /// The rule of the columns that `survivorship` does not name: `row` when absent.
    #[serde(default)]
    others: Option<Spanned<Rule>>,
}

fn first() -> Keep {
    Keep::First
}

/// The number of the row, in the order in which rows come; it never leaves the stage.
const ROW: &str = "__row";

impl Stage for Dedupe {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let order_by = sort_keys(self.order_by.as_ref().map_or(&[], |names| names.as_slice()), table, id)?;
        let planned = match &self.near {
            Some(near) => self.plan_near(near, table, order_by, id, context)?,
            None => self.plan_equal(table, order_by, id, context)?,
        };
        Ok(match (&self.order_by, self.keep) {
            (Some(order), Keep::Any | Keep::None) => match order.as_slice().first() {
                Some(first) => {
                    planned.warn(Diagnostic::warning("`order_by` has no effect with this `keep`").at(&first.place))
                }
                None => planned,
            },
            _ => planned,
        })
    }
}

impl Dedupe {
    /// One row of each group of equal keys.
    fn plan_equal(
        &self,
        table: &TableShape,
        order_by: Vec<SortKey>,
        id: &str,
        context: &PlanContext<'_>,
    ) -> Result<Planned, Findings> {
        let fields = match &self.on {
            Some(on) => inputs::columns(&table.schema, on.as_slice(), id)?,
            None => table.schema.fields().to_vec(),
        };
        if fields.is_empty() {
            return Err(vec![Diagnostic::definition("`on` names no column")]);
        }
        if let Some(field) = fields.iter().find(|field| !inputs::is_key(&field.data_type)) {
            let message = format!("column `{}` holds {}, which cannot be a key", field.name, field.data_type);
            return Err(vec![Diagnostic::definition(message).help("name the key columns with `on`")]);
        }
        let golden = self.golden(table, &fields, &order_by, id)?;
        let work = DedupeWork { keep: self.keep, golden: golden.clone() };
        let relation = match golden {
            Some(golden) => golden.relation(&table.relation, Some(context.id)),
            None => self.chosen(table.relation.clone(), fields.into_iter().map(|field| field.name).collect(), order_by),
        };
        Ok(Planned::relation(table.derive(relation)).work(work))
    }

    /// One row of each cluster of near duplicates, or all rows with the number of their cluster.
    fn plan_near(
        &self,
        near: &Spanned<Near>,
        table: &TableShape,
        order_by: Vec<SortKey>,
        id: &str,
        context: &PlanContext<'_>,
    ) -> Result<Planned, Findings> {
        if let Some(on) = self.on.as_ref().and_then(|on| on.as_slice().first()) {
            let finding =
                Diagnostic::definition("`on` asks for equal keys, `near` for similar texts: name one of them");
            return Err(vec![
                finding.at(&on.place).help("for both, use two stages: first equal keys, then near duplicates"),
            ]);
        }
        let search = near.value.check(table, &near.place, id, context)?;
        let work = |golden: Option<Golden>| NearWork {
            search: search.clone(),
            keep: self.keep,
            golden,
            marks: near.value.mark.is_some(),
        };
        if let Some(mark) = &near.value.mark {
            if self.survivorship.is_some() || self.others.is_some() || self.order_by.is_some() {
                let message = "with `mark` all rows stay, so that there is nothing to choose or to merge";
                let help = "leave out `mark`, or the options about the row that stays";
                return Err(vec![Diagnostic::definition(message).at(&mark.place).help(help)]);
            }
            let marked = search.marked(&table.relation, &mark.value);
            return Ok(Planned::relation(table.derive(marked)).work(work(None)).meaning(self));
        }
        let clustered = Arc::new(search.clustered(&table.relation));
        let key = search.cluster_field();
        let columns = inputs::all_columns(&table.schema);
        let golden = self.golden(table, std::slice::from_ref(&key), &order_by, id)?;
        let relation = match &golden {
            Some(golden) => golden.relation(&clustered, Some(context.id)),
            None => {
                let chosen = self.chosen(clustered, vec![key.name], order_by);
                Relation::Project { input: chosen.into(), columns }
            }
        };
        Ok(Planned::relation(table.derive(relation)).work(work(golden)).meaning(self))
    }

    fn chosen(&self, input: Arc<Relation>, keys: Vec<String>, order_by: Vec<SortKey>) -> Relation {
        Relation::Deduplicate { input, keys, keep: self.keep, order_by }
    }

    /// What makes golden records, where they are asked for.
    fn golden(
        &self,
        table: &TableShape,
        keys: &[Field],
        order_by: &[SortKey],
        id: &str,
    ) -> Result<Option<Golden>, Findings> {
        match (&self.survivorship, &self.others) {
            (None, None) => Ok(None),
            (None, Some(others)) if matches!(others.value, Rule::Row) => Ok(None),
            (rules, others) => {
                if !matches!(self.keep, Keep::First | Keep::Last) {
                    let message =
                        "a golden record is made of all rows of a group; `keep` says only which row decides ties";
                    return Err(vec![Diagnostic::definition(message).help("say `keep: first` or `keep: last`")]);
                }
                if self.on.is_none() && self.near.is_none() {
                    let message =
                        "without `on` rows are duplicates when all columns are equal: there is nothing to merge";
                    return Err(vec![Diagnostic::definition(message).help("name the key columns with `on`")]);
                }
                let rules = rules.as_ref().map_or(&[][..], |rules| rules.0.as_slice());
                let others = others.as_ref().map_or(&Rule::Row, |others| &others.value);
                Golden::plan(table, keys, rules, others, (self.keep, order_by), id).map(Some)
            }
        }
    }
}

struct DedupeWork {
    keep: Keep,
    golden: Option<Golden>,
}

impl Work for DedupeWork {
    fn is_costly(&self) -> bool {
        true
    }

    fn passes(&self, _: usize) -> usize {
        usize::from(self.golden.is_some())
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let mut outcome = Outcome::default();
        if let (Some(golden), Some(Product::Table(table))) = (&self.golden, products.first()) {
            outcome.exhibits = golden.examples(&table.relation, context)?;
        }
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        let reason = match (&self.golden, self.keep) {
            (Some(_), _) => "merged into golden records",
            (None, Keep::None) => "not unique",
            (None, _) => "merged into their twin",
        };
        vec![Change::new(reason, counts.difference())]
    }

    fn show(&self, counts: &StageCounts) -> Vec<crate::exhibit::Exhibit> {
        self.golden.as_ref().map(|golden| golden.merged(counts)).into_iter().collect()
    }
}

/// The input with the number of each row in front, unless it has that already.
fn numbered(input: &Arc<Relation>) -> Relation {
    if input.schema().contains(ROW) {
        return Relation::clone(input);
    }
    Relation::RowIndex { input: input.clone(), name: ROW.to_owned() }
}

/// A column as it is.
fn column(field: &Field) -> NamedExpr {
    NamedExpr { name: field.name.clone(), expr: crate::expression::Expr::column(&field.name, field.data_type.clone()) }
}
