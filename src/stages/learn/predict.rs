//! `predict`: a model foretells new rows.

mod exhibits;
mod outcome;
mod rows;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::{self, Bundle, Replay};
use super::{evaluate, needs};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field, Schema};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::prepare::link::{Link, model::is_linkage};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use crate::tensor::TargetKind;

const FILE: &str = "predictions.parquet";

/// Foretells the target of new rows with a model.
///
/// `model` is the stage that trains it, or the folder of a saved one; a folder is written with a slash: `out/model`,
/// `./model`. Name the stage when it stands in the same pipeline, so that it is trained before.
///
/// The rows are raw ones, such as those of the file that the model was trained on: everything that the pipeline did to a
/// row before training (derived columns, look-ups in other tables, cleaning, filling, encoding) is done to these rows
/// with what was learned then. Rows are never dropped. `check` says which columns the model needs.
///
/// The product is the rows with a column `prediction` (a boolean, a text or a number, as the target was) and, for
/// classes, a column `probability`: of a binary target that of yes, of a category that of the predicted class. `suffix`
/// changes these names.
///
/// Of a linkage that `link: {save: ..}` wrote, the product is the rows with the entity that each belongs to: a known one, or a new one
/// when no known row matches.
///
/// ```yaml
/// - read: {path: new.csv}
/// - predict: {model: out/model}
/// - write: {path: out/predictions.parquet}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predict {
    /// The stage that trains the model, or the folder of a saved one.
    model: Spanned<String>,
    /// The probability from which yes is predicted, for binary targets; 0.5 when absent.
    #[serde(default)]
    threshold: Option<Spanned<f64>>,
    /// Is added to the names `prediction` and `probability`.
    #[serde(default)]
    suffix: Spanned<String>,
}

/// The model as far as it is known before a run.
struct Known {
    /// The folder, when it was saved before.
    folder: Option<PathBuf>,
    /// Changes when the saved model does.
    fingerprint: Option<String>,
    target: DataType,
    kind: TargetKind,
    replay: Replay,
}

impl Predict {
    fn is_folder(&self) -> bool {
        self.model.value.contains(['/', '\\'])
    }

    fn known(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Known, Findings> {
        let one = |finding: Diagnostic| vec![finding.or_at(&self.model.place)];
        if self.is_folder() {
            let folder = context.path(&self.model.value);
            let bundle = Bundle::read(&folder).map_err(one)?;
            return Ok(Known {
                fingerprint: Some(bundle.fingerprint()),
                target: bundle.target.data_type.clone(),
                kind: bundle.kind,
                replay: bundle.replay(&folder).map_err(one)?,
                folder: Some(folder),
            });
        }
        let model = needs::model(shapes, 1, context.input_ids).map_err(|findings| {
            findings.into_iter().map(|finding| finding.or_at(&self.model.place)).collect::<Findings>()
        })?;
        let tensors = &model.tensors;
        let features = tensors.specification.feature_columns();
        let replay = Replay::of(&tensors.table.relation, &features)
            .map_err(|reason| one(bundle::impossible(&model.stage, &reason)))?;
        let target = tensors.specification.targets.first().map_or("", |target| &target.column);
        let target = tensors.table.schema.data_type(target).cloned().unwrap_or(DataType::Null);
        Ok(Known { folder: None, fingerprint: None, target, kind: tensors.specification.kind(), replay })
    }

    /// A saved linkage gives each row its entity.
    fn link(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let misplaced = [
            ("threshold", self.threshold.as_ref().map(|threshold| &threshold.place)),
            ("suffix", { (!self.suffix.value.is_empty()).then_some(&self.suffix.place) }),
        ];
        if let Some((option, place)) = misplaced.into_iter().find_map(|(option, place)| Some((option, place?))) {
            let message = format!("`{option}` belongs to models that foretell a target, but this is a saved linkage");
            let help = "to link with other options, use `link: {model: .., entities: ..}`";
            return Err(vec![Diagnostic::definition(message).at(place).help(help)]);
        }
        Link::applied(&self.model, context).map_err(|finding| vec![finding])?.plan(shapes, context)
    }

    /// The columns that are added.
    fn added(&self, known: &Known) -> Vec<Field> {
        let name = |name: &str| format!("{name}{}", self.suffix.value);
        let prediction = Field::new(name("prediction"), outcome::data_type(known.kind, &known.target));
        let probability = Field::new(name("probability"), DataType::Float64);
        let has_probability = !matches!(known.kind, TargetKind::Number | TargetKind::Count);
        std::iter::once(prediction).chain(has_probability.then_some(probability)).collect()
    }
}

impl Stage for Predict {
    fn named_inputs(&self) -> Vec<Spanned<String>> {
        if self.is_folder() { Vec::new() } else { vec![self.model.clone()] }
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        if self.is_folder() && is_linkage(&context.path(&self.model.value)) {
            return self.link(shapes, context);
        }
        let known = self.known(shapes, context)?;
        let mut findings = Findings::new();
        for (message, help) in known.replay.refuses(&table.schema) {
            let finding = Diagnostic::definition(message).at(&self.model.place);
            findings.push(match help {
                Some(help) => finding.help(help),
                None => finding.help("`predict` reads rows as they were before the pipeline of the model touched them"),
            });
        }
        let threshold = evaluate::threshold(self.threshold.as_ref(), known.kind);
        let threshold = threshold.map_err(|finding| findings.push(finding)).unwrap_or_default();
        let added = self.added(&known);
        for field in &added {
            let place = if self.suffix.value.is_empty() { &self.model.place } else { &self.suffix.place };
            let taken = inputs::new_name(&table.schema, &field.name, place);
            findings.extend(taken.err().map(|finding| finding.help("say `suffix: _2` for other names")));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let fields = table.schema.fields().iter().cloned().chain(added).collect();
        let schema = Schema::new(fields).unwrap_or_default();
        let key = context.key("rows");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: schema.clone() };
        let meaning = serde_json::json!({
            "model": known.fingerprint, "threshold": threshold, "suffix": self.suffix.value,
        });
        let work = PredictWork { key, folder: known.folder, fingerprint: known.fingerprint, schema, threshold };
        let product = TableShape::new(Relation::Scan(scan), table.split.clone());
        Ok(Planned::relation(product).work(work).meaning(meaning))
    }
}

struct PredictWork {
    key: String,
    /// Of a model that was saved before.
    folder: Option<PathBuf>,
    fingerprint: Option<String>,
    /// The columns of the product.
    schema: Schema,
    threshold: f64,
}

impl Work for PredictWork {
    fn passes(&self, input: usize) -> usize {
        usize::from(input == 0)
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let folder = match (&self.folder, products.get(1)) {
            (Some(folder), _) => folder,
            (None, Some(Product::Model { folder, .. })) => folder,
            _ => return Ok(Outcome::default()),
        };
        let bundle = Bundle::read(folder)?;
        if self.fingerprint.as_ref().is_some_and(|known| *known != bundle.fingerprint()) {
            let message = format!("the model in `{}` changed after it was checked", folder.display());
            return Err(Diagnostic::error(crate::diagnostic::Class::Data, message).help("run again"));
        }
        let predicted = rows::predict(&rows::Task {
            table,
            folder,
            bundle: &bundle,
            schema: &self.schema,
            threshold: self.threshold,
            path: &context.artifacts.join(FILE),
            context,
        })?;
        let mut outcome = Outcome { exhibits: exhibits::all(&bundle, &predicted), ..Outcome::default() };
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        Ok(outcome)
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}
