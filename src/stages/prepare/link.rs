//! `link`: which rows are the same person, company or thing.

mod columns;
mod exhibits;
pub(in crate::stages) mod model;
mod read;
mod results;
mod work;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field, Schema};
use crate::files;
use crate::relation::{FileFormat, FileScan, Relation, Scan, ScanSource};
use crate::similarity::linkage::records::{Side, Sides};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};
use columns::How;
use model::Linkage;
use read::Source;
use work::LinkWork;

/// The column that says which stage a row comes from, when there are two.
const SOURCE: &str = "source";

/// Finds the rows that are the same person, company or thing, although they are written in different ways.
///
/// This is probabilistic record linkage (Fellegi and Sunter 1969). `on` names the columns that are compared; how is told from their
/// names, types and values: names by Jaro-Winkler with the frequency of the name, dates by typing errors and distance, postcodes,
/// e-mail addresses, numbers that name something, longer texts by the cosine of their tokens. `compare` says it by column, as a sort
/// (`name`, `date`, `postcode`, `email`, `identifier`, `measure`, `class`, `text`, `exact`) or as levels, the closest first; everything
/// else is one more level. Texts are compared without regard to case and to spaces around them; an empty text is missing, and a
/// missing value says nothing.
///
/// Nothing has to be labelled: how much agreement in a column says is learned from the rows (u from pairs taken at random, m by
/// expectation and maximization on the pairs of each blocking rule, until no probability moves by more than 0.00001). Each pair gets
/// a match weight in bits and a probability; pairs from `threshold` on are linked, and what is connected is one entity.
///
/// Not every pair is looked at: `block` lists rules, each a column, an SQL expression or a list of them, and rows are compared when
/// they agree in all of a rule. Without it, every column with few pairs is a rule, and every two other columns that have few
/// together. The pairs of each rule are counted before any is compared; more than `max_pairs` end the run with exit code 4, the rule
/// and its largest keys.
///
/// The product is all rows, those of `with` below those of the input (with a column `source` that names the stage of each row), and
/// those of `entities` at last, with a column `entity_id`. Rows with the same id are one entity; `dedupe` on it makes one row of each.
/// Ids follow from the content of the rows (or from `id`), not from their order. With `with`, rows are linked between the two tables;
/// `within: true` also links within each.
///
/// New rows are added to what is known with `entities`: the stage, or the Parquet file, that holds the product of an earlier `link`.
/// New rows are compared with the known ones and among themselves, known ids stay, and a known row with the `id` of a new one makes
/// room for it. Entities that turn out to be one are merged; `mergers` writes which. A file that is not there yet is an empty table.
///
/// `save` writes what was learned, with the rows as far as they are compared, to a folder. `model` links with it instead of learning
/// again, and `predict: {model: out/people}` gives new rows the entity that they belong to, a known or a new one.
///
/// Memory: for each row 44 bytes, 8 more for each compared column and 4 for each rule, and each distinct value once.
///
/// ```yaml
/// - link: {on: [given_name, surname, date_of_birth, postcode], id: customer_id}
/// - link:
///     with: orders
///     id: id
///     compare:
///       surname: name
///       birthday: date
///       street: {levels: [exact, {jaro_winkler: 0.9}, {cosine: 0.5}]}
///     block: [birthday, [surname, "left(street, 4)"]]
///     threshold: 0.95
///     one_to_one: true
///     pairs: out/pairs.parquet
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The stage with another table; without it rows are linked within the input.
    #[serde(default)]
    with: Option<Spanned<String>>,
    /// Columns that are compared as their names, types and values suggest.
    #[serde(default)]
    on: Option<OneOrMany<Spanned<String>>>,
    /// Columns with how they are compared.
    #[serde(default)]
    compare: Ordered<How>,
    /// Columns in which agreement in a rare value says more; those with sort `name` or `class` when absent.
    #[serde(default)]
    term_frequency: Option<OneOrMany<Spanned<String>>>,
    /// Rules that choose the pairs that are compared; told from the values when absent.
    #[serde(default)]
    block: Option<Vec<OneOrMany<Spanned<String>>>>,
    /// The match probability from which a pair is linked.
    #[serde(default = "threshold")]
    threshold: Spanned<f64>,
    /// With `with`: each row is linked with at most one row of the other table, the one of highest weight.
    #[serde(default)]
    one_to_one: Spanned<bool>,
    /// With `with`: rows are linked within each of the two tables too.
    #[serde(default)]
    within: Spanned<bool>,
    /// The column that names each row, unique in its table.
    #[serde(default)]
    id: Option<Spanned<String>>,
    /// The stage or the Parquet file with known entities: the product of an earlier `link`.
    #[serde(default)]
    entities: Option<Spanned<String>>,
    /// The folder of a saved linkage to link with, instead of learning.
    #[serde(default)]
    model: Option<Spanned<String>>,
    /// The folder to which what was learned is saved.
    #[serde(default)]
    save: Option<Spanned<String>>,
    /// A column with the truth: rows with the same value are one entity. It is only used to judge the result.
    #[serde(default)]
    truth: Option<Spanned<String>>,
    /// The name of the new column.
    #[serde(default = "entity_id")]
    column: Spanned<String>,
    /// A Parquet file for the pairs with their weights, levels and the rule that found them.
    #[serde(default)]
    pairs: Option<Spanned<String>>,
    /// The match probability from which a pair is in that file, linked or not.
    #[serde(default = "review")]
    review: Spanned<f64>,
    /// A Parquet file for the known entities that were merged.
    #[serde(default)]
    mergers: Option<Spanned<String>>,
    /// Pairs at most, over all rules.
    #[serde(default = "max_pairs")]
    max_pairs: Spanned<u64>,
    /// Known rows are left out of the product: that is how `predict` applies a saved linkage.
    #[serde(skip)]
    only_new: bool,
}

fn threshold() -> Spanned<f64> {
    Spanned::nowhere(0.9)
}

fn review() -> Spanned<f64> {
    Spanned::nowhere(0.1)
}

fn entity_id() -> Spanned<String> {
    Spanned::nowhere("entity_id".to_owned())
}

fn max_pairs() -> Spanned<u64> {
    Spanned::nowhere(1_000_000_000)
}

/// A table whose rows are linked.
struct Part {
    side: Side,
    /// What the rows of the table are called in the column `source`.
    name: String,
    table: TableShape,
    /// The position among the inputs; none for a file that the stage reads itself.
    input: Option<usize>,
}

impl Stage for Link {
    fn named_inputs(&self) -> Vec<Spanned<String>> {
        let entities = self.entities.as_ref().filter(|entities| !is_path(&entities.value));
        self.with.iter().chain(entities).cloned().collect()
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let mut findings = Findings::new();
        self.check_numbers(&mut findings);
        let (parts, missing) = self.parts(shapes, context)?;
        let loaded = self.saved(context, &mut findings);
        let model = loaded.as_ref().map(|(linkage, _)| linkage);
        let compared = self.compared(&parts, model, context, &mut findings);
        let fields = self.fields(&parts, &mut findings);
        let rules = self.rules(&parts, &compared, model, &mut findings);
        for part in &parts {
            let id = part.input.and_then(|input| context.input_ids.get(input)).map_or("entities", String::as_str);
            for name in self.id.iter().chain(self.truth.iter().filter(|_| part.side != Side::Known)) {
                findings.extend(inputs::column(&part.table.schema, name, id).err());
            }
        }
        let mut targets = Vec::new();
        for (option, path) in [("pairs", &self.pairs), ("mergers", &self.mergers)] {
            let Some(path) = path else { continue };
            if Path::new(&path.value).extension().is_none_or(|ending| ending != "parquet") {
                let message = format!("`{option}` is written as Parquet, so its name ends with `.parquet`");
                findings.push(Diagnostic::definition(message).at(&path.place));
            }
            targets.push((context.path(&path.value), path.place.clone()));
        }
        if let Some(save) = &self.save {
            let folder = context.path(&save.value);
            findings.extend(model::check_target(&folder).err().map(|finding| finding.or_at(&save.place)));
            targets.push((folder, save.place.clone()));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let key = context.key("rows");
        let schema = Schema::new(fields.clone()).unwrap_or_default();
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: schema.clone() };
        let sources =
            parts.iter().map(|part| Source::new(part, &compared, &rules, &fields, self)).collect::<Result<Vec<_>, _>>();
        let sources = sources.map_err(|finding| vec![finding])?;
        let known = self.entities.as_ref().and_then(|_| {
            let file = parts.iter().find(|part| part.side == Side::Known && part.input.is_none())?;
            serde_json::to_value(&*file.table.relation).ok()
        });
        let meaning = serde_json::json!({
            "options": self, "model": loaded.as_ref().map(|(_, fingerprint)| fingerprint), "known": known, "no_file": missing,
            "names": parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(),
        });
        let work = LinkWork {
            options: self.clone(),
            id: context.id.to_owned(),
            key,
            schema,
            sides: Sides { within_left: self.with.is_none() || self.within.value, within_right: self.within.value },
            compared,
            rules,
            model: loaded.map(|(linkage, _)| linkage),
            sources,
            no_file: missing,
            paths: work::Paths {
                pairs: self.pairs.as_ref().map(|path| context.path(&path.value)),
                mergers: self.mergers.as_ref().map(|path| context.path(&path.value)),
                save: self.save.as_ref().map(|path| context.path(&path.value)),
            },
        };
        let mut planned = Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(meaning);
        planned.targets = targets;
        Ok(planned)
    }
}

/// Whether a name is that of a file rather than of a stage.
fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || name.ends_with(".parquet")
}

impl Link {
    /// The stage that applies a saved linkage to the rows of its input: each gets the entity that it belongs to, known or new.
    ///
    /// Errors: of class data when there is no linkage in the folder.
    pub(in crate::stages) fn applied(model: &Spanned<String>, context: &PlanContext<'_>) -> Result<Self, Diagnostic> {
        let (linkage, _) = Linkage::read(&context.path(&model.value)).map_err(|finding| finding.or_at(&model.place))?;
        let known = Path::new(&model.value).join(results::KEPT);
        let place = |value: String| Spanned::new(value, model.place.clone());
        Ok(Self {
            with: None,
            on: None,
            compare: Ordered::default(),
            term_frequency: None,
            block: None,
            threshold: threshold(),
            one_to_one: Spanned::default(),
            within: Spanned::default(),
            id: None,
            entities: Some(place(known.to_string_lossy().into_owned())),
            model: Some(model.clone()),
            save: None,
            truth: None,
            column: place(linkage.column),
            pairs: None,
            review: review(),
            mergers: None,
            max_pairs: max_pairs(),
            only_new: true,
        })
    }

    fn check_numbers(&self, findings: &mut Findings) {
        for (name, number) in [("threshold", &self.threshold), ("review", &self.review)] {
            if !(number.value > 0.0 && number.value < 1.0) {
                let message = format!("`{name}` is a probability between 0 and 1");
                findings.push(Diagnostic::definition(message).at(&number.place));
            }
        }
        if self.with.is_none() {
            for (name, flag) in [("one_to_one", &self.one_to_one), ("within", &self.within)] {
                if flag.value {
                    let message = format!("`{name}` belongs to linking two tables: name the other one with `with`");
                    findings.push(Diagnostic::definition(message).at(&flag.place));
                }
            }
        }
        if self.one_to_one.value && self.within.value {
            let message = "`one_to_one` says that no table has duplicates, but `within` looks for them";
            findings.push(Diagnostic::definition(message).at(&self.one_to_one.place));
        }
        if let (Some(model), Some(block)) = (&self.model, self.block.as_ref().and_then(|block| block.first()))
            && let Some(first) = block.first()
        {
            let message = "a saved linkage has its own blocking rules";
            findings.push(
                Diagnostic::definition(message)
                    .at(&first.place)
                    .help(format!("leave `block` out, or `model: {}`", model.value)),
            );
        }
        if self.max_pairs.value == 0 {
            findings.push(Diagnostic::definition("`max_pairs` must be at least 1").at(&self.max_pairs.place));
        }
        if let (Some(mergers), None) = (&self.mergers, &self.entities) {
            let message = "without `entities` there are no known entities that could be merged";
            findings.push(Diagnostic::definition(message).at(&mergers.place));
        }
    }

    /// The tables, and whether the file of known entities is not there yet.
    fn parts(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<(Vec<Part>, bool), Findings> {
        let mut parts = Vec::new();
        let name = |input: usize| context.input_ids.get(input).cloned().unwrap_or_default();
        let mut take = |input: usize, side: Side| {
            let table = inputs::table(shapes, input, context.input_ids)?;
            if let Some(split) = table.split.as_ref().filter(|_| side != Side::Known) {
                let message = format!("the rows are divided already by `{}`", split.stage);
                let help =
                    format!("link first, and then divide with `split: {{by: group, on: {}}}`", self.column.value);
                return Err(vec![Diagnostic::definition(message).help(help)]);
            }
            parts.push(Part { side, name: name(input), table: table.clone(), input: Some(input) });
            Ok(())
        };
        take(0, Side::Left)?;
        if self.with.is_some() {
            take(1, Side::Right)?;
        }
        let Some(entities) = &self.entities else { return Ok((parts, false)) };
        if !is_path(&entities.value) {
            take(1 + usize::from(self.with.is_some()), Side::Known)?;
            return Ok((parts, false));
        }
        let path = context.path(&entities.value);
        if !path.exists() {
            return Ok((parts, true));
        }
        let table = known_file(path, context).map_err(|finding| vec![finding.or_at(&entities.place)])?;
        parts.push(Part { side: Side::Known, name: "entities".to_owned(), table, input: None });
        Ok((parts, false))
    }

    fn saved(&self, context: &PlanContext<'_>, findings: &mut Findings) -> Option<(Linkage, String)> {
        let written = self.model.as_ref()?;
        match Linkage::read(&context.path(&written.value)) {
            Ok(linkage) => Some(linkage),
            Err(finding) => {
                findings.push(finding.or_at(&written.place));
                None
            }
        }
    }

    /// The columns of the product.
    fn fields(&self, parts: &[Part], findings: &mut Findings) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for part in parts {
            for field in part.table.schema.fields() {
                let own = [self.column.value.as_str(), SOURCE];
                if part.side == Side::Known && (self.only_new || own.contains(&field.name.as_str())) {
                    continue;
                }
                match fields.iter_mut().find(|known| known.name == field.name) {
                    None => fields.push(field.clone()),
                    Some(known) => match crate::expression::supertype(&known.data_type, &field.data_type) {
                        Some(common) => known.data_type = common,
                        None => {
                            let message = format!(
                                "column `{}` holds {} in `{}`, but {} in the other table: there is no common type",
                                field.name, field.data_type, part.name, known.data_type
                            );
                            findings.push(Diagnostic::definition(message).help("cast one of them with `derive` first"));
                        }
                    },
                }
            }
        }
        let mut add = |name: &str, place: &crate::diagnostic::Place, help: &str| {
            if fields.iter().any(|field| field.name == name) {
                let message = format!("column `{name}` exists already");
                findings.push(Diagnostic::definition(message).at(place).help(help));
            }
            fields.push(Field::new(name, DataType::String));
        };
        if let Some(with) = &self.with {
            add(SOURCE, &with.place, "the stage adds a column of that name: rename yours first");
        }
        add(&self.column.value, &self.column.place, "choose another name with `column`");
        for part in parts.iter().filter(|part| part.side == Side::Known) {
            if part.table.schema.data_type(&self.column.value) != Some(&DataType::String) {
                let message = format!("the known entities have no text column `{}`", self.column.value);
                let finding = Diagnostic::definition(message).help("`entities` is the product of an earlier `link`");
                findings.push(self.entities.iter().fold(finding, |finding, written| finding.or_at(&written.place)));
            }
        }
        fields
    }
}

/// A file of known entities as a table.
fn known_file(path: PathBuf, context: &PlanContext<'_>) -> Result<TableShape, Diagnostic> {
    let schema = context.engine.file_schema(&path, &FileFormat::Parquet, 0).map_err(Diagnostic::from)?;
    let paths = vec![path];
    let state = files::fingerprint(&paths).map_err(Diagnostic::from)?;
    let identity = format!("{}\n{state}\nentities", context.id);
    let source = ScanSource::Files(FileScan {
        paths,
        format: FileFormat::Parquet,
        file_schema: schema.clone(),
        filename: None,
        rows: None,
        fingerprint: blake3::hash(identity.as_bytes()).to_hex().chars().take(32).collect(),
    });
    Ok(TableShape::new(Relation::Scan(Scan { source, schema }), None))
}
