//! `canonicalize`: variants of one value become one.

mod exhibits;
mod learn;
mod map;

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::{self, Values};
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::Exhibit;
use crate::expression::{DataType, Expr, Field, Function, Schema};
use crate::relation::{Join, JoinKind, NamedExpr, Relation, Scan, ScanSource, Tap};
use crate::similarity::phonetic::Phonetic;
use crate::similarity::value_clusters::Nearness;
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, inputs};
use learn::{Learned, Merging};
use map::{Entries, Map};

/// Prefix of columns with the canonical values; they never leave the stage.
const CANONICAL: &str = "__canonical_";

/// Makes one spelling of several: `NEW YORK`, `New  York` and `York, New` all become `New York`.
///
/// `method` says when two values are spellings of one. Several methods are used one after the other.
///
/// - `fingerprint`: the same words, whatever their case, accents, punctuation, order and repetition.
/// - `ngram`, or `{ngram: {size: 2}}`: the same sequences of characters, whatever their order; finds words run together.
/// - `{phonetic: double_metaphone}`: the same sound, word by word. Codes are `soundex`, `refined_soundex`, `metaphone`,
///   `double_metaphone`, `cologne` (German), `caverphone`, `nysiis`, `match_rating` and `phonex`.
/// - `levenshtein`, or `{levenshtein: {at_most: 2, shortest: 5}}`: so few edits apart. Complete: no pair is missed.
/// - `jaro_winkler`, or `{jaro_winkler: {at_least: 0.93, block: 3, shortest: 5}}`: so similar, among values with `block` characters in
///   a row in common.
///
/// Of the spellings of one value the most frequent one wins; of equally frequent ones the smallest text. A method of distance
/// gives each value to the most frequent one near it, so that spellings are never chained. Values shorter than `shortest` and
/// values with different digits are never near each other.
///
/// What becomes what is learned from the training rows when the rows are divided by a `split`, else from all rows, and is shown
/// in the report. A value that was not seen then stays as it is, also when a model is applied to new rows.
///
/// `save` writes it as CSV with the columns `column`, `value`, `canonical` and `rows`. Edit that file and give it back as `map`:
/// what stands there holds, whatever the method finds, and `value,value` keeps a value apart. Other spellings follow where the
/// spelling that won is sent. `map` may also be written here as a mapping; with `method: []` nothing but the map is applied.
///
/// ```yaml
/// - canonicalize:
///     columns: city
///     method: [fingerprint, {levenshtein: {at_most: 1}}]
///     map: {NYC: New York}
/// ```
///
/// ```yaml
/// - canonicalize: {columns: [carrier, origin], method: fingerprint, save: out/spellings.csv}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canonicalize {
    /// The columns, of texts.
    columns: OneOrMany<Spanned<String>>,
    /// When two values are spellings of one; `fingerprint` when absent.
    #[serde(default = "fingerprint")]
    method: OneOrMany<Method>,
    /// What becomes what, whatever the method finds: a mapping, or the name of a CSV file with the columns `value`, `canonical` and,
    /// if need be, `column`.
    #[serde(default)]
    map: Option<Map>,
    /// The CSV file to which spellings are written.
    #[serde(default)]
    save: Option<Spanned<String>>,
    /// Distinct values of a column, at most; more end the stage with exit code 4.
    #[serde(default = "limit")]
    limit: usize,
}

fn fingerprint() -> OneOrMany<Method> {
    OneOrMany(vec![Method::Fingerprint])
}

fn limit() -> usize {
    1_000_000
}

/// When two values are spellings of one.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Method {
    /// The same words in any order.
    Fingerprint,
    /// The same sequences of characters in any order.
    Ngram(Ngram),
    /// The same sound.
    Phonetic(Code),
    /// Few edits apart.
    Levenshtein(Edits),
    /// Similar by Jaro and Winkler.
    JaroWinkler(Winkler),
}

/// Options of `ngram`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ngram {
    /// Characters of a sequence.
    size: usize,
}

impl Default for Ngram {
    fn default() -> Self {
        Self { size: 2 }
    }
}

/// Options of `levenshtein`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Edits {
    /// Characters inserted, left out or replaced.
    at_most: usize,
    /// Characters that both values have at least.
    shortest: usize,
}

impl Default for Edits {
    fn default() -> Self {
        Self { at_most: 1, shortest: 5 }
    }
}

/// Options of `jaro_winkler`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Winkler {
    /// The least similarity, from 0 to 1.
    at_least: f64,
    /// Characters in a row that both values have.
    block: usize,
    /// Characters that both values have at least.
    shortest: usize,
}

impl Default for Winkler {
    fn default() -> Self {
        Self { at_least: 0.93, block: 3, shortest: 5 }
    }
}

/// Codes of sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A letter and three digits; for English names.
    Soundex,
    /// Soundex with finer classes and without an end.
    RefinedSoundex,
    /// Philips 1990; for English.
    Metaphone,
    /// Philips 2000; for names of many origins.
    DoubleMetaphone,
    /// Postel 1969; for German.
    Cologne,
    /// Hood 2004; for names of New Zealand.
    Caverphone,
    /// New York State Identification and Intelligence System, 1970.
    Nysiis,
    /// Match rating approach, 1977.
    MatchRating,
    /// Lait and Randell 1996.
    Phonex,
}

impl Code {
    fn phonetic(self) -> Phonetic {
        match self {
            Self::Soundex => Phonetic::Soundex,
            Self::RefinedSoundex => Phonetic::RefinedSoundex,
            Self::Metaphone => Phonetic::Metaphone,
            Self::DoubleMetaphone => Phonetic::DoubleMetaphone,
            Self::Cologne => Phonetic::Cologne,
            Self::Caverphone => Phonetic::Caverphone,
            Self::Nysiis => Phonetic::Nysiis,
            Self::MatchRating => Phonetic::MatchRating,
            Self::Phonex => Phonetic::Phonex,
        }
    }
}

impl Method {
    fn merging(self) -> Result<Merging, Diagnostic> {
        let refuse = |message: &str| Err(Diagnostic::definition(message));
        Ok(match self {
            Self::Fingerprint => Merging::Fingerprint,
            Self::Ngram(Ngram { size }) if !(1..=20).contains(&size) => {
                return refuse("`size` of `ngram` is from 1 to 20");
            }
            Self::Ngram(Ngram { size }) => Merging::Ngram(size),
            Self::Phonetic(code) => Merging::Phonetic(code.phonetic()),
            Self::Levenshtein(Edits { at_most, .. }) if !(1..=10).contains(&at_most) => {
                return refuse("`at_most` of `levenshtein` is from 1 to 10");
            }
            Self::Levenshtein(Edits { at_most, shortest }) => {
                Merging::Near { nearness: Nearness::Levenshtein { at_most }, shortest }
            }
            Self::JaroWinkler(Winkler { at_least, .. }) if !(at_least > 0.0 && at_least <= 1.0) => {
                return refuse("`at_least` of `jaro_winkler` is above 0 and at most 1");
            }
            Self::JaroWinkler(Winkler { block, .. }) if !(1..=20).contains(&block) => {
                return refuse("`block` of `jaro_winkler` is from 1 to 20");
            }
            Self::JaroWinkler(Winkler { at_least, block, shortest }) => {
                Merging::Near { nearness: Nearness::JaroWinkler { at_least, block }, shortest }
            }
        })
    }
}

impl Stage for Canonicalize {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = inputs::columns(&table.schema, self.columns.as_slice(), id)?;
        let mut findings = Findings::new();
        for (field, written) in fields.iter().zip(self.columns.as_slice()) {
            if field.data_type != DataType::String {
                let message = format!("column `{}` holds {}, not texts", field.name, field.data_type);
                findings.push(Diagnostic::definition(message).at(&written.place).help("only texts have spellings"));
            }
            let helper = format!("{CANONICAL}{}", field.name);
            if table.schema.contains(&helper) {
                findings.push(Diagnostic::definition(format!("column `{helper}` has a name that this stage uses")));
            }
        }
        let mut mergings = Vec::new();
        for method in self.method.as_slice() {
            match method.merging() {
                Ok(merging) => mergings.push(merging),
                Err(finding) => findings.push(finding),
            }
        }
        if mergings.is_empty() && self.map.is_none() && findings.is_empty() {
            findings.push(Diagnostic::definition("there is nothing to do: name a `method` or a `map`"));
        }
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let entries = match &self.map {
            Some(map) => map.entries(&names, context).unwrap_or_else(|mut wrong| {
                findings.append(&mut wrong);
                Entries::default()
            }),
            None => Entries::default(),
        };
        let save = self.save.as_ref().map(|save| context.path(&save.value));
        if let (Some(save), Some(path)) = (&self.save, &save) {
            let reads = self.map.as_ref().and_then(|map| map.file()).map(|file| context.path(file));
            if reads.as_ref() == Some(path) {
                let message = "`save` would overwrite the file that `map` reads";
                findings.push(Diagnostic::definition(message).at(&save.place).help("save it under another name"));
            }
            if path.is_dir() {
                findings.push(Diagnostic::definition(format!("`{}` is a folder", save.value)).at(&save.place));
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let columns: Vec<Spelled> = fields
            .iter()
            .map(|field| Spelled { name: field.name.clone(), key: context.key(&format!("spellings.{}", field.name)) })
            .collect();
        let relation = relation(&table.relation, &table.schema, &columns, context.id);
        let meaning = (self, &entries);
        let planned =
            Planned::relation(table.derive(relation)).meaning(serde_json::to_value(meaning).unwrap_or_default());
        let planned = match (&self.save, &save) {
            (Some(written), Some(path)) => planned.target(path.clone(), &written.place),
            _ => planned,
        };
        Ok(planned.work(CanonicalizeWork { columns, mergings, entries, save, limit: self.limit }))
    }
}

/// A column whose spellings are learned.
struct Spelled {
    name: String,
    /// The key of the table of spellings.
    key: String,
}

impl Spelled {
    fn helper(&self) -> String {
        format!("{CANONICAL}{}", self.name)
    }

    fn file(number: usize) -> PathBuf {
        PathBuf::from(format!("spellings_{number}.parquet"))
    }
}

/// The rows with canonical values in the place of their spellings.
fn relation(input: &Arc<Relation>, schema: &Schema, columns: &[Spelled], stage: &str) -> Relation {
    let mut relation = input.clone();
    let text = |name: &str| Field::new(name, DataType::String);
    for column in columns {
        let spellings = Schema::new(vec![text("value"), text("canonical")]).unwrap_or_default();
        let right = Relation::Scan(Scan { source: ScanSource::Artifact(column.key.clone()), schema: spellings });
        relation = Arc::new(Relation::Join(Box::new(Join {
            left: relation,
            right: right.into(),
            kind: JoinKind::Left,
            on: vec![(column.name.clone(), "value".to_owned())],
            take: vec![("canonical".to_owned(), column.helper())],
            asof: None,
        })));
    }
    let found = |column: &Spelled| Expr::column(column.helper(), DataType::String);
    let counters =
        columns.iter().map(|column| NamedExpr { name: column.name.clone(), expr: found(column).is_null().not() });
    let tap =
        Tap { stage: stage.to_owned(), point: "changed".to_owned(), counters: counters.collect(), samples: Vec::new() };
    let counted = Relation::Tap { input: relation, tap: tap.into() };
    let mut projected = inputs::all_columns(schema);
    for column in columns {
        let choices = vec![found(column), Expr::column(&column.name, DataType::String)];
        inputs::set_column(&mut projected, &column.name, Expr::call(Function::Coalesce, choices, DataType::String));
    }
    Relation::Project { input: counted.into(), columns: projected }
}

struct CanonicalizeWork {
    columns: Vec<Spelled>,
    mergings: Vec<Merging>,
    entries: Entries,
    save: Option<PathBuf>,
    limit: usize,
}

impl Work for CanonicalizeWork {
    fn passes(&self, _: usize) -> usize {
        self.columns.len()
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let rows = table.training();
        let mut outcome = Outcome::default();
        let mut all = Vec::new();
        for (number, column) in self.columns.iter().enumerate() {
            let values = learn::values(&column.name, &rows, self.limit, context)?;
            let learned = Learned::new(values, &self.mergings, self.entries.of(&column.name), &column.name)?;
            let (from, to): (Vec<_>, Vec<_>) =
                learned.changes().map(|(from, to)| (Some(from.to_owned()), Some(to.to_owned()))).unzip();
            let product = batch::table(vec![("value", Values::Texts(from)), ("canonical", Values::Texts(to))])?;
            let file = Spelled::file(number);
            batch::write_parquet(&context.artifacts.join(&file), &product)?;
            outcome.bindings.artifacts.insert(column.key.clone(), file);
            outcome.exhibits.extend(exhibits::spellings(&column.name, &learned));
            all.push((column.name.as_str(), learned));
        }
        if let Some(path) = &self.save {
            outcome.outputs.push(map::write(path, &all)?);
        }
        Ok(outcome)
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let changed = self.columns.iter().map(|column| (column.name.as_str(), counts.counter("changed", &column.name)));
        vec![exhibits::changed(changed, counts.first_input())]
    }
}
