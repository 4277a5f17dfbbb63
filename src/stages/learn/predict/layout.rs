//! Which columns predictions become, and what the model is known to foretell before a run.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Float64Builder, Int64Array, LargeListBuilder, StringViewArray,
    StringViewBuilder,
};
use ndarray::Array2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answers, Decided};
use super::probabilities::Wanted;
use crate::expression::{DataType, Field};
use crate::tensor::TargetKind;

/// Names of the columns that are added.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Of what is foretold.
    #[serde(default = "prediction")]
    pub(super) prediction: String,
    /// Of its probability, and before the classes of `probabilities`.
    #[serde(default = "probability")]
    pub(super) probability: String,
    /// Of the classes of `probabilities: list`, the most probable one first.
    #[serde(default = "classes")]
    pub(super) classes: String,
    /// Of their probabilities.
    #[serde(default = "probabilities")]
    pub(super) probabilities: String,
    /// Of why there is no prediction.
    #[serde(default = "reason")]
    pub(super) reason: String,
    /// Of what training did not have.
    #[serde(default = "warning")]
    pub(super) warning: String,
}

fn prediction() -> String {
    "prediction".to_owned()
}

fn probability() -> String {
    "probability".to_owned()
}

fn classes() -> String {
    "classes".to_owned()
}

fn probabilities() -> String {
    "probabilities".to_owned()
}

fn reason() -> String {
    "reason".to_owned()
}

fn warning() -> String {
    "warning".to_owned()
}

impl Default for Names {
    fn default() -> Self {
        Self {
            prediction: prediction(),
            probability: probability(),
            classes: classes(),
            probabilities: probabilities(),
            reason: reason(),
            warning: warning(),
        }
    }
}

/// A target as far as it is known before a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) column: String,
    pub(super) kind: TargetKind,
    pub(super) data_type: DataType,
    /// Its classes or labels, where they are known before the model is trained.
    pub(super) names: Option<Vec<String>>,
}

impl Asked {
    /// Whether it is decided with a probability.
    pub(super) fn has_classes(&self) -> bool {
        !matches!(self.kind, TargetKind::Number | TargetKind::Count)
    }

    /// The type of what is foretold: that of the target for classes, float64 for numbers.
    fn prediction(&self) -> DataType {
        match (self.kind, &self.data_type) {
            (TargetKind::Number | TargetKind::Count, _) => DataType::Float64,
            (TargetKind::MultiLabel, _) => DataType::List(Box::new(DataType::String)),
            (_, DataType::Boolean) => DataType::Boolean,
            // Every class of these fits.
            (_, target) if target.is_integer() && *target != DataType::UInt64 => DataType::Int64,
            _ => DataType::String,
        }
    }

    /// Whether the column `probability` says more than `probabilities` would.
    fn has_probability(&self) -> bool {
        matches!(self.kind, TargetKind::Binary | TargetKind::Category)
    }
}

/// The columns of one target.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TargetColumns {
    prediction: Field,
    probability: Option<Field>,
    /// Classes whose probabilities are wanted, with the columns for them.
    pub(super) classes: Vec<(String, Field)>,
    /// The lists of all classes and of their probabilities.
    lists: Option<(Field, Field)>,
}

/// The columns that are added to the rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub(super) targets: Vec<TargetColumns>,
    pub(super) reason: Option<Field>,
    pub(super) warning: Option<Field>,
}

impl Layout {
    /// The columns for these targets; `wanted` says which probabilities each has.
    pub(super) fn new(
        targets: &[Asked],
        wanted: &[Wanted],
        names: &Names,
        suffix: &str,
        (reason, warning): (bool, bool),
    ) -> Self {
        let several = targets.len() > 1;
        let columns = targets.iter().zip(wanted).map(|(asked, wanted)| {
            let own = if several { format!("_{}", asked.column) } else { String::new() };
            let name = |what: &str| format!("{what}{own}{suffix}");
            let of_class = |class: &String| {
                let what = format!("{}_{class}", names.probability);
                (class.clone(), Field::new(name(&what), DataType::Float64))
            };
            TargetColumns {
                prediction: Field::new(name(&names.prediction), asked.prediction()),
                probability: asked.has_probability().then(|| Field::new(name(&names.probability), DataType::Float64)),
                classes: wanted.classes.iter().map(of_class).collect(),
                lists: wanted.lists.then(|| {
                    let list = |what: &str, item| Field::new(name(what), DataType::List(Box::new(item)));
                    (list(&names.classes, DataType::String), list(&names.probabilities, DataType::Float64))
                }),
            }
        });
        Self {
            targets: columns.collect(),
            reason: reason.then(|| Field::new(format!("{}{suffix}", names.reason), DataType::String)),
            warning: warning.then(|| Field::new(format!("{}{suffix}", names.warning), DataType::String)),
        }
    }

    /// All of them in order.
    pub(super) fn fields(&self) -> Vec<Field> {
        let of_targets = self.targets.iter().flat_map(|target| {
            let classes = target.classes.iter().map(|(_, field)| field);
            let lists = target.lists.iter().flat_map(|(classes, probabilities)| [classes, probabilities]);
            std::iter::once(&target.prediction).chain(&target.probability).chain(classes).chain(lists)
        });
        of_targets.chain(&self.reason).chain(&self.warning).cloned().collect()
    }
}

/// Which rows have something to say.
pub(super) struct Said<'a> {
    /// Rows that could be read.
    pub(super) readable: &'a [bool],
    /// Rows about which the model was sure enough.
    pub(super) decided: &'a [bool],
}

impl TargetColumns {
    /// The arrays for the answers about this target. `names` are its classes or labels; `wanted` the places of [`Self::classes`] among
    /// them.
    pub(super) fn arrays(
        &self,
        answers: &Answers,
        names: &[String],
        wanted: &[usize],
        said: &Said<'_>,
    ) -> Vec<ArrayRef> {
        let mut arrays = vec![self.predictions(answers, names, said)];
        if self.probability.is_some() {
            let values: Vec<f64> = match (&answers.values, answers.outputs.ncols()) {
                // Of yes, whatever was decided.
                (_, 1) => answers.outputs.iter().copied().collect(),
                _ => answers.confidence.clone(),
            };
            arrays.push(floats(values.into_iter(), said.readable));
        }
        for place in wanted {
            arrays.push(floats(of_class(&answers.outputs, *place, names.len()), said.readable));
        }
        if self.lists.is_some() {
            arrays.extend(lists(&answers.outputs, names, said.readable));
        }
        arrays
    }

    fn predictions(&self, answers: &Answers, names: &[String], said: &Said<'_>) -> ArrayRef {
        let speaks = said.readable.iter().zip(said.decided).map(|(readable, decided)| *readable && *decided);
        match &answers.values {
            Decided::Numbers(numbers) => floats(numbers.iter().copied(), said.readable),
            Decided::Labels(rows) => {
                let mut builder = LargeListBuilder::new(StringViewBuilder::new());
                for (labels, speaks) in rows.iter().zip(speaks) {
                    if speaks {
                        let texts = labels.iter().filter_map(|label| names.get(*label as usize));
                        texts.for_each(|text| builder.values().append_value(text));
                    }
                    builder.append(speaks);
                }
                Arc::new(builder.finish())
            }
            Decided::Classes(classes) => {
                let chosen = classes
                    .iter()
                    .zip(speaks)
                    .map(|(class, speaks)| speaks.then(|| names.get(*class as usize).map(String::as_str)).flatten());
                match self.prediction.data_type {
                    DataType::Boolean => {
                        Arc::new(chosen.map(|name| name.map(|name| name == "true")).collect::<BooleanArray>())
                    }
                    DataType::Int64 => {
                        Arc::new(chosen.map(|name| name.and_then(|name| name.parse().ok())).collect::<Int64Array>())
                    }
                    _ => Arc::new(chosen.collect::<StringViewArray>()),
                }
            }
        }
    }
}

/// The classes of each row, the most probable first and of equals the earlier one, and their probabilities; null where a row could not be
/// read. Time: O(n c log c).
fn lists(outputs: &Array2<f64>, names: &[String], readable: &[bool]) -> [ArrayRef; 2] {
    let mut classes = LargeListBuilder::new(StringViewBuilder::new());
    let mut probabilities = LargeListBuilder::new(Float64Builder::new());
    for (row, readable) in outputs.rows().into_iter().zip(readable) {
        let mut ranked: Vec<(&String, f64)> = match (names, row.len()) {
            ([no, yes], 1) => row.iter().flat_map(|p| [(no, 1.0 - p), (yes, *p)]).collect(),
            _ => names.iter().zip(row.iter().copied()).collect(),
        };
        ranked.retain(|(_, p)| *readable && p.is_finite());
        ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        for (name, p) in ranked {
            classes.values().append_value(name);
            probabilities.values().append_value(p);
        }
        classes.append(*readable);
        probabilities.append(*readable);
    }
    [Arc::new(classes.finish()), Arc::new(probabilities.finish())]
}

/// The probability of a class by its place; a binary target has only that of yes.
fn of_class(outputs: &Array2<f64>, place: usize, classes: usize) -> impl Iterator<Item = f64> {
    let is_no = outputs.ncols() == 1 && classes == 2 && place == 0;
    let column = if outputs.ncols() == 1 { 0 } else { place };
    outputs.column(column).into_iter().map(move |p| if is_no { 1.0 - p } else { *p })
}

/// Numbers with null where a row could not be read, or where a number is none.
fn floats(values: impl Iterator<Item = f64>, readable: &[bool]) -> ArrayRef {
    let known = values.zip(readable).map(|(value, readable)| (*readable && value.is_finite()).then_some(value));
    Arc::new(known.collect::<Float64Array>())
}
