//! `tensors`: columns become the numbers that a network reads.

mod exhibits;
mod features;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch;
use crate::definition::Spanned;
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::expression::{DataType, Expr, Field, Function, Literal};
use crate::relation::{NamedExpr, Relation, keep_columns};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableProduct, TableShape, TensorsShape, inputs};
use crate::tensor::{
    Encoder, FeatureKind, FeatureSpec, Fit, NumberScale, Specification, TargetKind, TargetSpec, TensorError,
};
use exhibits::PartRows;
pub use features::{ByKind, Features};

/// Turns columns into the numbers that a network reads, and says what it is to foretell.
///
/// A number becomes one input, scaled by what the training rows show; a missing number becomes their mean, and a second
/// input tells that it was missing, if values were missing in training. A category becomes one input for each of its
/// `max_categories` most frequent values; rarer and unseen values share the input `other`, missing values have their
/// own. With a plain list of features the types decide: numbers and booleans are numbers, texts are categories.
///
/// The target decides what is asked: a boolean is one of two (`binary`), a text is one of several (`category`), a
/// number is a number. `target_kind` says otherwise, such as `category` for a whole number that is a code. Rows without
/// a target are left out.
///
/// Everything is learned from the training rows alone when the rows are divided by a `split`, else from all rows. A
/// feature that comes from the same column as the target gives the answer away; `check` warns of it.
///
/// ```yaml
/// - tensors: {features: {number: [distance, hour], category: [carrier, origin]}, target: late}
/// - tensors: {features: [distance, carrier], target: arr_delay, number_scale: robust}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tensors {
    /// The columns of the inputs.
    features: Features,
    /// The column to be foretold.
    target: Spanned<String>,
    /// What is asked about the target.
    #[serde(default)]
    target_kind: TargetChoice,
    /// How numbers are scaled.
    #[serde(default)]
    number_scale: NumberScale,
    /// The most inputs that the values of one category column become.
    #[serde(default = "max_categories")]
    max_categories: Spanned<usize>,
}

/// What is asked about the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetChoice {
    /// The type decides.
    #[default]
    Auto,
    /// One of two values; of texts and whole numbers the second in order is the one that counts as yes.
    Binary,
    /// One of several values.
    Category,
    /// A number.
    Number,
}

fn max_categories() -> Spanned<usize> {
    Spanned::nowhere(64)
}

/// More inputs than this for one column are a slip of the pen.
const LARGEST_VOCABULARY: usize = 65_536;

impl Stage for Tensors {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut findings = Findings::new();
        if !(1..=LARGEST_VOCABULARY).contains(&self.max_categories.value) {
            let message = format!("`max_categories` is a number from 1 to {LARGEST_VOCABULARY}");
            findings.push(Diagnostic::definition(message).at(&self.max_categories.place));
        }
        let kind = inputs::column(&table.schema, &self.target, id).and_then(|field| self.kind(field));
        let kind = kind.map_err(|finding| findings.push(finding)).ok();
        let features = self.features(table, id).unwrap_or_else(|wrong| {
            findings.extend(wrong);
            ByKind::default()
        });
        let Some(kind) = kind.filter(|_| findings.is_empty()) else { return Err(findings) };
        let spec = |name: &Spanned<String>, kind| FeatureSpec { column: name.value.clone(), kind };
        let numbers = features.number.iter().map(|name| spec(name, FeatureKind::Number(self.number_scale)));
        let categories =
            features.category.iter().map(|name| spec(name, FeatureKind::Category(self.max_categories.value)));
        let specification = Specification {
            features: numbers.chain(categories).collect(),
            targets: vec![TargetSpec { column: self.target.value.clone(), kind, separator: None }],
        };
        let work = TensorsWork { specification: specification.clone() };
        let mut planned = Planned::relation(table.clone()).work(work).meaning(&specification);
        planned.findings = features
            .number
            .iter()
            .chain(features.category.iter())
            .filter_map(|name| self.gives_away(table, name))
            .collect();
        planned.product = Shape::Tensors(TensorsShape { table: table.clone(), specification });
        Ok(planned)
    }
}

impl Tensors {
    fn kind(&self, field: &Field) -> Result<TargetKind, Diagnostic> {
        let data_type = &field.data_type;
        let is_class = data_type.is_integer() || matches!(data_type, DataType::Boolean | DataType::String);
        let kind = match (self.target_kind, data_type) {
            (TargetChoice::Auto, DataType::Boolean) => TargetKind::Binary,
            (TargetChoice::Auto, DataType::String) => TargetKind::Category,
            (TargetChoice::Auto | TargetChoice::Number, kind) if kind.is_numeric() => TargetKind::Number,
            (TargetChoice::Binary, _) if is_class => TargetKind::Binary,
            (TargetChoice::Category, _) if is_class => TargetKind::Category,
            (choice, _) => {
                let asked = match choice {
                    TargetChoice::Auto => "be foretold",
                    TargetChoice::Binary => "be a binary target",
                    TargetChoice::Category => "be a category target",
                    TargetChoice::Number => "be foretold as a number",
                };
                let message = format!("column `{}` holds {data_type}, which cannot {asked}", field.name);
                return Err(Diagnostic::definition(message)
                    .at(&self.target.place)
                    .help("derive a column of another type from it"));
            }
        };
        Ok(kind)
    }

    /// The columns by what they become.
    fn features(&self, table: &TableShape, id: &str) -> Result<ByKind, Findings> {
        let (names, number_count) = match &self.features {
            Features::ByType(names) => (names.clone(), None),
            Features::ByKind(kinds) => {
                let names = kinds.number.iter().chain(kinds.category.iter()).cloned().collect();
                (names, Some(kinds.number.len()))
            }
        };
        let fields = inputs::columns(&table.schema, &names, id)?;
        let mut findings = Findings::new();
        let mut found = ByKind::default();
        for (at, (name, field)) in names.into_iter().zip(&fields).enumerate() {
            let data_type = &field.data_type;
            let can_count = data_type.is_numeric() || *data_type == DataType::Boolean;
            let can_name = !data_type.is_nested() && !data_type.is_float() && *data_type != DataType::Binary;
            let wants_number = number_count.map_or(can_count, |count| at < count);
            let refused = if name.value == self.target.value {
                Some((format!("`{}` is the target and cannot be a feature", name.value), "take it out of `features`"))
            } else if table.split.as_ref().is_some_and(|split| split.column == name.value) {
                let message = format!("`{}` names the part of each row and cannot be a feature", name.value);
                Some((message, "take it out of `features`"))
            } else if wants_number && !can_count {
                let help = "derive a number from it, or list it under `category`";
                Some((format!("column `{}` holds {data_type}, not numbers", name.value), help))
            } else if number_count.is_none() && !can_count && *data_type != DataType::String {
                let help = "derive a number from it (`extract(hour from time)`), or list it under `category`";
                Some((format!("column `{}` holds {data_type}: a number or a category?", name.value), help))
            } else if !wants_number && !can_name {
                let help = "list it under `number`, or derive a text from it";
                Some((format!("column `{}` holds {data_type}, which names nothing", name.value), help))
            } else {
                None
            };
            match refused {
                Some((message, help)) => findings.push(Diagnostic::definition(message).at(&name.place).help(help)),
                None if wants_number => found.number.0.push(name),
                None => found.category.0.push(name),
            }
        }
        if findings.is_empty() && found.number.is_empty() && found.category.is_empty() {
            findings.push(Diagnostic::definition("there is no feature").help("name columns in `features`"));
        }
        if findings.is_empty() { Ok(found) } else { Err(findings) }
    }

    /// A warning when the feature comes from a column from which the target comes as well.
    fn gives_away(&self, table: &TableShape, feature: &Spanned<String>) -> Option<Diagnostic> {
        let of_target = table.relation.lineage(&self.target.value)?;
        let of_feature = table.relation.lineage(&feature.value)?;
        let (_, origin) = of_feature.origins.intersection(&of_target.origins).next()?;
        let (feature, place, target) = (&feature.value, &feature.place, &self.target.value);
        let message = match origin {
            origin if origin == target => format!("feature `{feature}` comes from the target `{target}`"),
            origin if origin == feature => {
                format!("feature `{feature}` comes from the same column as the target `{target}`")
            }
            origin => format!("feature `{feature}` comes from `{origin}`, as the target `{target}` does"),
        };
        let help =
            "a model that is given the answer foretells nothing; leave the feature out unless it is known beforehand";
        Some(Diagnostic::warning(message).at(place).help(help))
    }
}

struct TensorsWork {
    specification: Specification,
}

impl TensorsWork {
    /// Learns from the training rows.
    fn fit(&self, table: &TableProduct, context: &WorkContext<'_>) -> Result<Encoder, Diagnostic> {
        let rows = keep_columns(&table.training(), &self.specification.columns());
        let mut fit = Fit::new(&self.specification);
        let mut wrong = None;
        context.stream(&rows, &mut |batch| {
            wrong = fit.add(&batch).err();
            Ok(wrong.is_none())
        })?;
        match wrong {
            Some(error) => Err(refusal(&error)),
            None => fit.finish().map_err(|error| refusal(&error)),
        }
    }

    /// How many rows each part has, and how many of them have a target. Nothing is learned from these counts.
    fn count(&self, table: &TableProduct, context: &WorkContext<'_>) -> Result<Vec<PartRows>, Diagnostic> {
        let schema = table.relation.schema();
        let column = |name: &str| schema.data_type(name).map(|data_type| Expr::column(name, data_type.clone()));
        let target = self.specification.targets.first().and_then(|target| column(&target.column)).into_iter().collect();
        let aggregate = |name: &str, function, arguments| NamedExpr {
            name: name.to_owned(),
            expr: Expr::aggregate(function, arguments, DataType::Int64),
        };
        let split = table.split.as_ref();
        let key = split.and_then(|split| Some(NamedExpr { name: "part".to_owned(), expr: column(&split.column)? }));
        let counts = Relation::Aggregate {
            input: table.relation.clone(),
            keys: key.into_iter().collect(),
            aggregates: vec![
                aggregate("rows", Function::CountAll, Vec::new()),
                aggregate("with_target", Function::Count, target),
            ],
        };
        let mut found = Vec::new();
        for batch in context.collect(&counts)? {
            for row in 0..batch.num_rows() {
                let literal = |name: &str| batch::column(&batch, name).map(|array| batch::literal(array, row));
                let count = |name: &str| match literal(name) {
                    Some(Literal::Integer(count)) => u64::try_from(count).unwrap_or(0),
                    _ => 0,
                };
                let part = match literal("part") {
                    Some(Literal::String(part)) => part,
                    _ => "all rows".to_owned(),
                };
                found.push(PartRows { part, rows: count("rows"), with_target: count("with_target") });
            }
        }
        let place = |part: &PartRows| split.and_then(|split| split.parts.iter().position(|name| *name == part.part));
        found.sort_by_key(|part| (place(part).unwrap_or(usize::MAX), part.part.clone()));
        Ok(found)
    }
}

fn refusal(error: &TensorError) -> Diagnostic {
    let finding = Diagnostic::error(Class::Data, error.to_string());
    match error {
        TensorError::NotBinary { .. } => finding.help("say `target_kind: category`"),
        TensorError::TooManyClasses(_) => {
            finding.help("foretell a number (`target_kind: number`), or group the values first")
        }
        _ => finding,
    }
}

impl Work for TensorsWork {
    fn passes(&self, _: usize) -> usize {
        2
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let encoder = self.fit(table, context)?;
        let parts = self.count(table, context)?;
        let document = serde_json::to_value(&encoder)
            .map_err(|error| Diagnostic::error(Class::Stage, format!("the encoders cannot be kept: {error}")))?;
        Ok(Outcome { document, exhibits: exhibits::all(&encoder, &parts), ..Outcome::default() })
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}
