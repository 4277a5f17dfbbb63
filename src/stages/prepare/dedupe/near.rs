//! Near duplicates of texts: shingles, MinHash, locality-sensitive hashing, exact comparison, clusters.
//!
//! A text is known by the hash of its columns that the expression language computes, so that what was found joins the rows again
//! whatever order they come in.

mod clusters;
mod exhibits;
mod texts;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::survivorship::Golden;
use super::{ROW, numbered};
use crate::batch::{self, Values};
use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Class, Diagnostic, Findings, Place};
use crate::exhibit::Exhibit;
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Function, Literal, Schema};
use crate::relation::{Bindings, Join, JoinKind, Keep, NamedExpr, Relation, Scan, ScanSource};
use crate::similarity::lsh::Banding;
use crate::similarity::shingles::Shingle as Shingles;
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Product, TableShape, inputs};
use clusters::Clusters;
use texts::Texts;

/// The hash of a row's texts, and the number of its cluster.
const KEY: &str = "__text";
const CLUSTER: &str = "__cluster";
/// In the table of clusters: the text has no words and belongs to no cluster.
const WORDLESS: i64 = -1;
const FILE: &str = "clusters.parquet";
/// Slots of a sketch at most.
const SLOTS: usize = 256;

/// How near duplicates are found.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Near {
    /// The columns whose texts are compared. A shingle counts only within its own column.
    text: OneOrMany<Spanned<String>>,
    /// How often the shingles of a column count, 1 to 100; 1 when absent.
    #[serde(default)]
    weights: Option<Ordered<Spanned<u32>>>,
    /// The least Jaccard similarity of two duplicates, above 0 and at most 1.
    #[serde(default = "threshold")]
    threshold: Spanned<f64>,
    /// What a shingle is: `{words: 3}` or `{characters: 5}`.
    #[serde(default)]
    shingle: Spanned<Shingle>,
    /// The probability with which a pair at the threshold is found; more similar pairs are found more often.
    #[serde(default = "recall")]
    recall: Spanned<f64>,
    /// Bands and rows of the hashing, in the place of those that follow from `threshold` and `recall`.
    #[serde(default)]
    banding: Option<Spanned<Bands>>,
    /// How similar rows make clusters.
    #[serde(default)]
    link: Link,
    /// Merges nothing, but adds a column of this name with the number of the cluster.
    #[serde(default)]
    pub(super) mark: Option<Spanned<String>>,
    /// Pairs of texts with something in common that are looked at, at most; more end the stage with exit code 4.
    #[serde(default = "candidates")]
    candidates: u64,
}

/// What a shingle is.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Shingle {
    /// So many words after each other.
    Words(usize),
    /// So many characters after each other; whatever is no letter or digit counts as one space.
    Characters(usize),
}

impl Default for Shingle {
    fn default() -> Self {
        Self::Words(3)
    }
}

/// How sketches are cut.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bands {
    /// Bands: more of them find more.
    bands: usize,
    /// Rows of a band: more of them compare less.
    rows: usize,
}

/// How similar rows make clusters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Link {
    /// Whatever a chain of similar rows connects.
    #[default]
    Connected,
    /// The row with the most similar rows takes them all, then the next one, so that each is similar to its center.
    Star,
}

fn threshold() -> Spanned<f64> {
    Spanned::nowhere(0.8)
}

fn recall() -> Spanned<f64> {
    Spanned::nowhere(0.99)
}

fn candidates() -> u64 {
    20_000_000_000
}

/// Checked options.
#[derive(Debug, Clone)]
pub(super) struct Search {
    /// Key of the table of clusters.
    artifact: String,
    /// The columns as texts, each with its weight.
    columns: Vec<(String, Expr, u32)>,
    shingle: Shingles,
    threshold: f64,
    banding: Banding,
    link: Link,
    candidates: u64,
}

impl Near {
    /// Errors: unknown columns, columns without texts, numbers out of range.
    pub(super) fn check(
        &self,
        table: &TableShape,
        place: &Place,
        id: &str,
        context: &PlanContext<'_>,
    ) -> Result<Search, Findings> {
        let fields = inputs::columns(&table.schema, self.text.as_slice(), id)?;
        let mut findings = Findings::new();
        if fields.is_empty() {
            findings.push(Diagnostic::definition("`text` names no column").at(place));
        }
        let mut columns = Vec::new();
        for (field, written) in fields.iter().zip(self.text.as_slice()) {
            match inputs::shown(field) {
                Some(text) => columns.push((field.name.clone(), text, 1)),
                None => {
                    let message = format!("column `{}` holds {}, which is no text", field.name, field.data_type);
                    findings.push(Diagnostic::definition(message).at(&written.place));
                }
            }
        }
        for (name, weight) in self.weights.iter().flat_map(|weights| weights.iter()) {
            match columns.iter_mut().find(|(column, ..)| *column == name.value) {
                Some(column) if (1..=100).contains(&weight.value) => column.2 = weight.value,
                Some(_) => findings.push(Diagnostic::definition("a weight is from 1 to 100").at(&weight.place)),
                None => {
                    let message = format!("`{}` is not among the columns of `text`", name.value);
                    findings.push(Diagnostic::definition(message).at(&name.place));
                }
            }
        }
        if !(self.threshold.value > 0.0 && self.threshold.value <= 1.0) {
            findings.push(Diagnostic::definition("`threshold` is above 0 and at most 1").at(&self.threshold.place));
        }
        if !(self.recall.value > 0.0 && self.recall.value < 1.0) {
            findings.push(Diagnostic::definition("`recall` is between 0 and 1").at(&self.recall.place));
        }
        let (Shingle::Words(size) | Shingle::Characters(size)) = self.shingle.value;
        if !(1..=64).contains(&size) {
            findings.push(Diagnostic::definition("a shingle has 1 to 64 parts").at(&self.shingle.place));
        }
        if let Some(mark) = &self.mark {
            findings.extend(inputs::new_name(&table.schema, &mark.value, &mark.place).err());
        }
        if let Some(field) =
            table.schema.fields().iter().find(|field| [ROW, KEY, CLUSTER].contains(&field.name.as_str()))
        {
            findings.push(Diagnostic::definition(format!("column `{}` has a name that this stage uses", field.name)));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Search {
            artifact: context.key("clusters"),
            columns,
            shingle: match self.shingle.value {
                Shingle::Words(size) => Shingles::Words(size),
                Shingle::Characters(size) => Shingles::Characters(size),
            },
            threshold: self.threshold.value,
            banding: self.banding()?,
            link: self.link,
            candidates: self.candidates,
        })
    }

    fn banding(&self) -> Result<Banding, Findings> {
        if let Some(banding) = &self.banding {
            let Bands { bands, rows } = banding.value;
            if bands == 0 || rows == 0 || bands.saturating_mul(rows) > 4096 {
                let message = "`banding` needs at least one band of one row, and at most 4,096 slots in all";
                return Err(vec![Diagnostic::definition(message).at(&banding.place)]);
            }
            return Ok(Banding { bands, rows });
        }
        Banding::for_threshold(self.threshold.value, self.recall.value, SLOTS).ok_or_else(|| {
            let message = format!(
                "no {SLOTS} slots find pairs of similarity {} with probability {}",
                self.threshold.value, self.recall.value
            );
            let help = "ask for less, or say `banding: {bands: .., rows: 1}`";
            vec![Diagnostic::definition(message).at(&self.threshold.place).help(help)]
        })
    }
}

impl Search {
    /// The hash by which a row's texts are known.
    fn key(&self) -> Expr {
        let texts = self.columns.iter().map(|(_, text, _)| text.clone()).collect();
        Expr::call(Function::Hash, texts, DataType::Int64)
    }

    /// The column of clusters that makes the groups.
    pub(super) fn cluster_field(&self) -> Field {
        Field::new(CLUSTER, DataType::Int64)
    }

    /// The rows with the number of their cluster, and null where there are no words.
    pub(super) fn marked(&self, input: &Arc<Relation>, name: &str) -> Relation {
        let schema = input.schema();
        let looked_up = self.look_up(input);
        let mut columns = inputs::all_columns(&schema);
        let null = Expr::literal(Literal::Null, DataType::Int64);
        columns.push(NamedExpr { name: name.to_owned(), expr: found_or(null) });
        Relation::Project { input: looked_up.into(), columns }
    }

    /// The rows with their number and a cluster; rows without words have one of their own.
    pub(super) fn clustered(&self, input: &Arc<Relation>) -> Relation {
        let numbered = Arc::new(numbered(input));
        let schema = numbered.schema();
        let looked_up = self.look_up(&numbered);
        let row = Expr::column(ROW, DataType::Int64);
        let own = Expr::binary(BinaryOperator::Subtract, Expr::integer(-2), row, DataType::Int64);
        let mut columns = inputs::all_columns(&schema);
        columns.push(NamedExpr { name: CLUSTER.to_owned(), expr: found_or(own) });
        Relation::Project { input: looked_up.into(), columns }
    }

    fn look_up(&self, input: &Arc<Relation>) -> Relation {
        let mut columns = inputs::all_columns(&input.schema());
        columns.push(NamedExpr { name: KEY.to_owned(), expr: self.key() });
        let left = Relation::Project { input: input.clone(), columns };
        let integer = |name: &str| Field::new(name, DataType::Int64);
        let schema = Schema::new(vec![integer("text"), integer("cluster")]).unwrap_or_default();
        let right = Relation::Scan(Scan { source: ScanSource::Artifact(self.artifact.clone()), schema });
        Relation::Join(Box::new(Join {
            left: left.into(),
            right: right.into(),
            kind: JoinKind::Left,
            on: vec![(KEY.to_owned(), "text".to_owned())],
            take: vec![("cluster".to_owned(), CLUSTER.to_owned())],
            asof: None,
        }))
    }
}

/// The cluster that was found, the text's own number where it is alone, and `wordless` where there is nothing to compare.
fn found_or(wordless: Expr) -> Expr {
    let found = Expr::column(CLUSTER, DataType::Int64);
    let is_wordless = Expr::binary(BinaryOperator::Equal, found.clone(), Expr::integer(WORDLESS), DataType::Boolean);
    let known = Expr::call(Function::Coalesce, vec![found, Expr::column(KEY, DataType::Int64)], DataType::Int64);
    let kind = ExprKind::Case { branches: vec![(is_wordless, wordless)], otherwise: Some(Box::new(known)) };
    Expr::new(kind, DataType::Int64)
}

/// The work of a `dedupe` with `near`.
pub(super) struct NearWork {
    pub(super) search: Search,
    pub(super) keep: Keep,
    pub(super) golden: Option<Golden>,
    pub(super) marks: bool,
}

impl Work for NearWork {
    fn passes(&self, _: usize) -> usize {
        1 + usize::from(self.golden.is_some())
    }

    fn is_costly(&self) -> bool {
        !self.marks
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let texts = Texts::read(&self.search, &table.relation, context)?;
        let (clusters, effort) = Clusters::find(&self.search, &texts, context)?;
        let (keys, numbers) = clusters.table(&texts);
        let product = batch::table(vec![("text", Values::Integers(keys)), ("cluster", Values::Integers(numbers))])?;
        let path = context.artifacts.join(FILE);
        batch::write_parquet(&path, &product)?;
        let mut outcome = Outcome::default();
        outcome.bindings.artifacts.insert(self.search.artifact.clone(), FILE.into());
        let counted = clusters.count(&texts);
        outcome.exhibits = exhibits::found(&self.search, &texts, &clusters, &counted, effort)?;
        if !self.marks {
            outcome.changes = match self.keep {
                Keep::None => vec![Change::minus("not unique", counted.with_a_twin)],
                _ => vec![
                    Change::minus("same text as another row", counted.same),
                    Change::minus("near duplicates", counted.near),
                ],
            };
        }
        if let Some(golden) = &self.golden {
            let mut bindings = Bindings::default();
            bindings.artifacts.insert(self.search.artifact.clone(), path);
            let clustered = self.search.clustered(&table.relation).bind(&bindings);
            let clustered =
                clustered.map_err(|key| Diagnostic::error(Class::Stage, format!("`{key}` is not known")))?;
            outcome.exhibits.extend(golden.examples(&clustered, context)?);
        }
        Ok(outcome)
    }

    /// What the work itself counted is all there is: a row too many or too few fails the stage.
    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        self.golden.as_ref().map(|golden| golden.merged(counts)).into_iter().collect()
    }
}
