//! `predict`: a model foretells new rows.

mod answer;
mod exhibits;
mod judged;
mod known;
mod layout;
mod probabilities;
mod rows;
mod tally;
mod threshold;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::Schema;
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::prepare::link::{Link, model::is_linkage};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};
use crate::tensor::{BlockKind, TargetKind};
use known::Known;
pub use layout::Names;
use layout::{Asked, Layout};
pub use probabilities::Probabilities;
pub use tally::{ColumnSummary, Summary, TargetSummary};
pub use threshold::{KnownThreshold, Threshold};
use work::PredictWork;

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
/// The product is the rows with a column `prediction` and, for classes, a column `probability`: of a binary target that of yes, of a
/// category that of the predicted class. A prediction is a boolean, a text or a whole number, as the target was; a number in the unit of
/// the target; of several labels a list. A model of several targets gives such columns for each: `prediction_late`, `prediction_delay`.
/// `names` and `suffix` change the names, `columns` says which columns of the rows are kept.
///
/// **Probabilities of all classes.** `probabilities: [A, B]` adds a column for each of these classes: `probability_A`, `probability_B`.
/// `probabilities: list` adds two lists for each target: `classes` from the most probable one on, and `probabilities` beside them, so that
/// `classes[2]` is the second guess and `probabilities[list_position(classes, 'A')]` the probability of A. `probabilities: true` adds a
/// column for each class where classes are known before the run: of a saved model, and of a boolean target. The other classes of a model
/// that is trained in the same pipeline are learned from its rows, and columns have to be known before: there it adds the lists.
///
/// ```yaml
/// - read: {path: new.csv}
/// - predict: {model: out/model}
/// - write: {path: out/predictions.parquet}
/// ```
///
/// **From when on yes is said.** A model that `evaluate: {threshold: youden, save: ..}` saved brings the threshold with it that was chosen
/// there, and yes (or a label) is predicted from that probability on; the report and a remark say so. Of a model of the same pipeline
/// `calibration` names the stage that evaluates it. `threshold: 0.5` states another one, and `threshold: chosen` insists on a chosen one:
/// it is refused where there is none.
///
/// ```yaml
/// - predict: {model: out/model, threshold: chosen, probabilities: list}
/// ```
///
/// **Holding back.** With `abstain_below` a row about which the model is less sure gets no prediction: null, and a column `reason` says
/// why. How sure it is, is the probability of what was decided (of yes 70 % or of no 70 %; of labels that of the least certain one). It is
/// worth what the probabilities are: `evaluate` calibrates them. A model that `evaluate: {calibrate: true, save: ..}` saved brings its
/// temperature with it, and `calibration` names the stage that evaluates a model of the same pipeline. Rows that the model cannot read, such as an image that is
/// none or a row with fewer rows before it than a window has, get null with the reason too. Rows of windows come out by group and time, all
/// others in their order.
///
/// ```yaml
/// - predict: {model: out/model, abstain_below: 0.8, warnings: true, columns: [id], names: {prediction: late_expected}}
/// ```
///
/// **Unlike training.** The encoder remembers what the training rows held: the range of each number, the values of each category, how much
/// was missing. The report counts for each column what training did not have, and how far the column has moved, by the population
/// stability index. `warnings: true` adds a column `warning` that says it of each row; such rows are predicted all the same.
///
/// Of a linkage that `link: {save: ..}` wrote, the product is the rows with the entity that each belongs to: a known one, or a new one
/// when no known row matches.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predict {
    /// The stage that trains the model, or the folder of a saved one.
    model: Spanned<String>,
    /// The probability from which yes is predicted, or a label: a number, or `chosen`. When absent, what was chosen when the model was
    /// evaluated, else 0.5.
    #[serde(default)]
    threshold: Option<Spanned<Threshold>>,
    /// Rows about which the model is less sure than this probability get no prediction.
    #[serde(default)]
    abstain_below: Option<Spanned<f64>>,
    /// Adds the probability of each class (`true`, `list`), or of those that are listed.
    #[serde(default)]
    probabilities: Option<Spanned<Probabilities>>,
    /// The stage that evaluates the model, from which the temperature is taken that calibrates probabilities, and the threshold that was
    /// chosen; a saved model has its own.
    #[serde(default)]
    calibration: Option<Spanned<String>>,
    /// Adds a column that says what of a row training did not have.
    #[serde(default)]
    warnings: bool,
    /// The columns of the rows that are kept; all when absent.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// Names of the columns that are added.
    #[serde(default)]
    names: Spanned<Names>,
    /// Is added to the names of all columns that are added.
    #[serde(default)]
    suffix: Spanned<String>,
}

impl Predict {
    fn is_folder(&self) -> bool {
        self.model.value.contains(['/', '\\'])
    }

    /// A saved linkage gives each row its entity.
    fn link(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let misplaced = [
            ("threshold", self.threshold.as_ref().map(|threshold| &threshold.place)),
            ("abstain_below", self.abstain_below.as_ref().map(|least| &least.place)),
            ("probabilities", self.probabilities.as_ref().map(|wanted| &wanted.place)),
            ("calibration", self.calibration.as_ref().map(|stage| &stage.place)),
            ("warnings", self.warnings.then_some(&self.model.place)),
            (
                "columns",
                self.columns.as_ref().map(|columns| columns.first().map_or(&self.model.place, |name| &name.place)),
            ),
            ("names", (self.names.value != Names::default()).then_some(&self.names.place)),
            ("suffix", { (!self.suffix.value.is_empty()).then_some(&self.suffix.place) }),
        ];
        if let Some((option, place)) = misplaced.into_iter().find_map(|(option, place)| Some((option, place?))) {
            let message = format!("`{option}` belongs to models that foretell a target, but this is a saved linkage");
            let help = "to link with other options, use `link: {model: .., entities: ..}`";
            return Err(vec![Diagnostic::definition(message).at(place).help(help)]);
        }
        Link::applied(&self.model, context).map_err(|finding| vec![finding])?.plan(shapes, context)
    }

    /// Checks a probability that is written.
    fn probability(
        option: &str,
        written: Option<&Spanned<f64>>,
        belongs: Option<&str>,
    ) -> Result<Option<f64>, Diagnostic> {
        match (written, belongs) {
            (None, _) => Ok(None),
            (Some(written), Some(belongs)) => {
                Err(Diagnostic::definition(format!("`{option}` belongs to {belongs}")).at(&written.place))
            }
            (Some(written), None) if !(0.0..=1.0).contains(&written.value) => {
                let message = format!("`{option}` is a probability from 0 to 1, not {}", written.value);
                Err(Diagnostic::definition(message).at(&written.place))
            }
            (Some(written), None) => Ok(Some(written.value)),
        }
    }

    /// The columns of the rows that are kept.
    fn kept(&self, table: &TableShape, id: &str) -> Result<Vec<String>, Findings> {
        match &self.columns {
            None => Ok(table.schema.names().map(str::to_owned).collect()),
            Some(columns) => {
                let columns = inputs::columns(&table.schema, columns, id)?;
                Ok(columns.into_iter().map(|field| field.name).collect())
            }
        }
    }

    /// The columns of the product, and those of them that are added.
    fn layout(&self, table: &TableShape, known: &Known, kept: &[String]) -> Result<(Schema, Layout), Findings> {
        let wanted = Probabilities::wanted(self.probabilities.as_ref(), &known.targets).map_err(|one| vec![one])?;
        // What cannot be read is an image, a sound or a window that is not full; only then, or when rows are held back, is there a reason to give.
        let unread = [BlockKind::Image, BlockKind::Audio, BlockKind::Sequence];
        let may_fail = known.blocks.iter().any(|kind| unread.contains(kind));
        let with = (may_fail || self.abstain_below.is_some(), self.warnings);
        let layout = Layout::new(&known.targets, &wanted, &self.names.value, &self.suffix.value, with);
        let mut fields: Vec<_> =
            table.schema.fields().iter().filter(|field| kept.contains(&field.name)).cloned().collect();
        fields.sort_by_key(|field| kept.iter().position(|name| *name == field.name));
        let mut findings = Findings::new();
        let place = [
            (&self.suffix.place, self.suffix.value.is_empty()),
            (&self.names.place, self.names.value == Names::default()),
        ]
        .into_iter()
        .find_map(|(place, is_default)| (!is_default).then_some(place))
        .unwrap_or(&self.model.place);
        for field in layout.fields() {
            if fields.iter().any(|known| known.name == field.name) {
                let message = format!("column `{}` exists already", field.name);
                let help = "say `suffix: _2` or `names: {..}` for other names, or keep fewer `columns`";
                findings.push(Diagnostic::definition(message).at(place).help(help));
            }
            fields.push(field);
        }
        match Schema::new(fields) {
            Ok(schema) if findings.is_empty() => Ok((schema, layout)),
            _ => Err(findings),
        }
    }
}

impl Stage for Predict {
    fn named_inputs(&self) -> Vec<Spanned<String>> {
        let model = (!self.is_folder()).then_some(&self.model);
        model.into_iter().chain(&self.calibration).cloned().collect()
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
        let any = |wanted: &[TargetKind]| known.targets.iter().any(|target| wanted.contains(&target.kind));
        let yes_or_no = any(&[TargetKind::Binary, TargetKind::MultiLabel]);
        let belongs = (!yes_or_no).then_some("binary targets and labels");
        let mut keep = |found: Result<Option<f64>, Diagnostic>| match found {
            Ok(value) => value,
            Err(finding) => {
                findings.push(finding);
                None
            }
        };
        let threshold = self.threshold.as_ref().map(|written| match written.value {
            Threshold::Number(value) => Spanned::new(value, written.place.clone()),
            Threshold::Word(KnownThreshold::Chosen) => Spanned::new(0.5, written.place.clone()),
        });
        let _ = keep(Self::probability("threshold", threshold.as_ref(), belongs));
        let has_classes = known.targets.iter().any(Asked::has_classes);
        let belongs = (!has_classes).then_some("targets with classes");
        let abstain_below = keep(Self::probability("abstain_below", self.abstain_below.as_ref(), belongs));
        findings.extend(self.check_judged(shapes, &known));
        let id = context.input_ids.first().map_or("", String::as_str);
        let kept = self.kept(table, id).map_err(|wrong| findings.extend(wrong)).unwrap_or_default();
        let layout = self.layout(table, &known, &kept).map_err(|wrong| findings.extend(wrong));
        let (schema, layout) = match layout {
            Ok(found) if findings.is_empty() => found,
            _ => return Err(findings),
        };
        let key = context.key("rows");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: schema.clone() };
        let meaning = serde_json::json!({
            "model": known.fingerprint, "threshold": self.threshold.as_ref().map(|written| written.value), "abstain_below": abstain_below, "columns": schema.names().collect::<Vec<_>>(),
            "kept": kept.len(), "classes": self.probabilities.as_ref().map(|wanted| &wanted.value),
            "calibrated": self.calibration.is_some(),
        });
        let split = table.split.clone().filter(|split| kept.contains(&split.column));
        let work = PredictWork {
            key,
            calibration: self
                .calibration
                .as_ref()
                .map(|stage| (usize::from(!self.is_folder()) + 1, stage.value.clone())),
            folder: known.folder,
            fingerprint: known.fingerprint,
            judged: known.judged,
            kept,
            layout,
            schema,
            threshold: self.threshold.as_ref().map(|written| written.value),
            abstain_below,
        };
        let product = TableShape::new(Relation::Scan(scan), split);
        Ok(Planned::relation(product).work(work).meaning(meaning))
    }
}
