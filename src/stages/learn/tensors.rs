//! `tensors`: columns become the numbers that a network reads.

mod examples;
mod exhibits;
mod features;
mod files;
mod fitting;
mod plan;
mod targets;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, TensorsShape, inputs};
use crate::tensor::{CategoryEncoding, LARGEST_VOCABULARY, NumberScale, OnError};
pub(super) use examples::{Want, examples};
pub use features::{ByKind, Columns, Features, SequenceOptions};
use fitting::TensorsWork;
pub(super) use fitting::refusal;
pub use targets::{MultiLabel, TargetChoice, Written};

/// Turns columns into the numbers that a network reads, and says what it is to foretell.
///
/// With a plain list of features the types decide: numbers and booleans are numbers, texts are categories, dates and
/// times are dates. Or the features are written by kind, each with a column, a list, or columns with their options:
///
/// - `number`: one input, scaled (`zscore`, `minmax`, `robust`, `log1p`, `quantile`, `none`), or several (`bin`,
///   `piecewise_linear`). `number_scale` is the scale of those without one. A column of lists of one size is so many
///   numbers.
/// - `category`: `one_hot`, an input for each of the `max_categories` most frequent values; `embedding`, a vector that
///   the network learns; `hash`, an input for each bucket; `target`, the mean of the target over the rows with the value.
///   Rarer and unseen values share an input, missing ones have their own; of means both have that of all rows.
/// - `date`: sine and cosine of the place in the day, week and year, and the moment itself.
/// - `text`: tokens out of a vocabulary; `image`: pixels of lists of numbers, PNG or JPEG; `audio`: frames of WAV. Files
///   come from binary columns, or from texts with paths in `folder`.
/// - `sequence`: the last rows of a group in the order of time.
///
/// A row's own target must not speak in its own input. So `target` deals the training rows out into folds, by their place
/// and a seed, and a training row takes the means of the other folds; all other rows take those of all training rows.
/// Beside a `sequence` there is no `target`: the rows before and after a row, whose targets are nearly its own, lie in the other
/// folds, and folds of whole groups would know nothing of a value that belongs to one group, such as its name.
///
/// Numbers, categories and dates stand side by side in the network's input `table`; each embedded category, text, image
/// and sound is an input of its own under the name of its column, and the sequence is the input `sequence`. A missing
/// number becomes the mean or median of the training rows, and one more input tells that it was missing, if values were
/// missing in training.
///
/// The target decides what is asked: a boolean is one of two (`binary`), a text is one of several (`category`), a number
/// is a number, a list of texts is any of several labels (`multi_label`). `target_kind` says otherwise, such as
/// `category` for a whole number that is a code, or `count` for how often something happens. Several targets at once
/// are a list, or a mapping to their kinds. Rows that lack a target are left out.
///
/// Everything is learned from the training rows alone when the rows are divided by a `split`, else from all rows. A
/// feature that comes from the same column as the target gives the answer away; `check` warns of it.
///
/// ```yaml
/// - tensors: {features: {number: [distance, hour], category: [carrier, origin]}, target: late}
/// ```
///
/// ```yaml
/// - tensors: {features: [distance, carrier], target: arr_delay, number_scale: robust}
/// ```
///
/// ```yaml
/// - tensors:
///     features:
///       number: {distance: {robust: {clip: smooth}}, air_time: {piecewise_linear: {bins: 16}}, hour: {bin: {bins: 8, by: width}}}
///       category: {carrier: one_hot, dest: {embedding: {dimension: 8, min_count: 10}}, tailnum: {hash: {buckets: 64, signed: true}}}
///       date: {time_hour: {cycles: [day, week, year]}}
///     target: {late: binary, arr_delay: number}
/// ```
///
/// ```yaml
/// - tensors:
///     features:
///       category: {carrier: target, tailnum: {target: {smoothing: 20, folds: 10, min_count: 5}}}
///     target: late
/// ```
///
/// ```yaml
/// - tensors: {features: {text: {review: {vocabulary: 20000, length: 128}}, number: [stars]}, target: liked}
/// ```
///
/// ```yaml
/// - tensors: {features: {image: {pixels: {height: 28, width: 28, channels: 1}}}, target: digit, target_kind: category}
/// ```
///
/// ```yaml
/// - tensors:
///     features: {image: {pixels: {height: 14, width: 14, channels: 1, given: {height: 28, width: 28}, resize: area}}}
///     target: digit
///     target_kind: category
/// ```
///
/// ```yaml
/// - tensors:
///     features: {audio: {file: {rate: 8000, seconds: 0.8, kind: mel, augment: {shift: 0.1, time_masks: 1, frequency_masks: 1}}}}
///     folder: recordings
///     on_error: skip
///     target: word
/// ```
///
/// ```yaml
/// - tensors:
///     features: {sequence: {columns: [load, temperature], by: station, order: time, window: 24, horizon: 1}}
///     target: load
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tensors {
    /// The columns of the inputs.
    features: Features,
    /// The column to be foretold, several, or columns with what is asked about each.
    target: Spanned<Written>,
    /// What is asked about the targets that do not say it themselves.
    #[serde(default)]
    target_kind: TargetChoice,
    /// How numbers are scaled that have no scale of their own.
    #[serde(default)]
    number_scale: Spanned<NumberScale>,
    /// What categories become that have no encoding of their own.
    #[serde(default)]
    category_encoding: Spanned<CategoryEncoding>,
    /// The most inputs that the values of one category column become.
    #[serde(default = "max_categories")]
    max_categories: Spanned<usize>,
    /// The folder to which paths of images and sounds are relative; nothing outside of it is read.
    #[serde(default)]
    folder: Option<Spanned<String>>,
    /// What happens to a row whose image or sound cannot be decoded.
    #[serde(default)]
    on_error: OnError,
}

fn max_categories() -> Spanned<usize> {
    Spanned::nowhere(64)
}

impl Stage for Tensors {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut findings = Findings::new();
        if !(1..=LARGEST_VOCABULARY).contains(&self.max_categories.value) {
            let message = format!("`max_categories` is a number from 1 to {LARGEST_VOCABULARY}");
            findings.push(Diagnostic::definition(message).at(&self.max_categories.place));
        }
        if let Some(folder) = &self.folder
            && !context.path(&folder.value).is_dir()
        {
            let message = format!("there is no folder `{}`", folder.value);
            findings.push(Diagnostic::definition(message).at(&folder.place));
        }
        let specification = self.specification(table, id).map_err(|wrong| findings.extend(wrong)).ok();
        let Some(specification) = specification.filter(|_| findings.is_empty()) else { return Err(findings) };
        let work = TensorsWork { specification: specification.clone() };
        let mut planned = Planned::relation(table.clone()).work(work).meaning(&specification);
        for target in &specification.targets {
            let named = self.feature_names();
            planned.findings.extend(named.iter().filter_map(|name| self.gives_away(table, name, &target.column)));
        }
        planned.product = Shape::Tensors(TensorsShape { table: table.clone(), specification });
        Ok(planned)
    }
}

impl Tensors {
    /// A warning when the feature comes from a column from which the target comes as well.
    fn gives_away(&self, table: &TableShape, feature: &Spanned<String>, target: &str) -> Option<Diagnostic> {
        let of_target = table.relation.lineage(target)?;
        let of_feature = table.relation.lineage(&feature.value)?;
        let (_, origin) = of_feature.origins.intersection(&of_target.origins).next()?;
        let (feature, place) = (&feature.value, &feature.place);
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
