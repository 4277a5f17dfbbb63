//! `explain`: what a model looks at, and why it says what it says.

mod asked;
mod attribution;
mod columns;
mod counterfactuals;
mod dependences;
mod importances;
mod metric;
mod model;
mod one_by_one;
mod options;
mod pictures;
mod product;
mod rows;
mod scales;
mod scene;
mod sequences;
mod texts;
mod words;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::needs;
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::Findings;
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape};
use metric::Metric;
use options::{Chosen, Ice, Method, Rows};
use rows::WorstOf;
use work::{ExplainWork, Settings};

/// Says what a model looks at, and why it says what it says of single rows.
///
/// It tells about the model, not about the world: a column that counts for the model is no cause of what it foretells.
///
/// The rows are those of the part `on`, by default the last part of the split. What is said of all of them rests on a
/// `sample`, drawn with the `seed`. Columns are changed as a whole, so that they are named as you know them, and values that
/// `standardize` brought to a scale it learned are shown as they were before. The methods:
///
/// - `permutation`: by how much `metric` gets worse when the values of a column are shuffled among the rows (Breiman
///   2001; Fisher, Rudin and Dominici 2019), with 95 % intervals of rows drawn again. Columns that say the same hide each other, which
///   is remarked.
/// - `dependence`: what the model says when a column is set to each of several of its values (Friedman 2001), with a line for each of
///   some rows (Goldstein et al. 2015), for the `columns`. Numbers are looked at from their 2nd to their 98th percentile.
/// - `shap`: by how much each column moves a prediction away from the mean prediction of `background` training rows (Lundberg and Lee
///   2017): exact for a model without a hidden layer, by expected gradients (Erion et al. 2021) for other networks over numbers, and by
///   random orders of the columns where a network embeds words or categories. Classes are told in log-odds, numbers in
///   their unit. How far the values miss the prediction is stated.
/// - `counterfactuals`: the training rows that are most like a chosen row (Gower 1971) and of which the model says something else.
///   Something else is another class, or a number that differs by more than half a standard deviation of the predictions.
/// - `occlusion` and `integrated_gradients` (Sundararajan, Taly and Yan 2017), of texts: what each word contributes. `occlusion` of a
///   sequence: what each step of the window contributes, the mean of training rows taking its place.
/// - `saliency` (SmoothGrad, Smilkov et al. 2017) and `grad_cam` (Selvaraju et al. 2017), of images and sounds: where the model looks.
///
/// Of a sequence a column is shuffled with all its values in the window, `shap` shows by how much each column at each step moves
/// predictions, and a row is a window: `rows` and their conditions are about its last row.
///
/// `rows` are explained one by one: those for which a condition holds (`"flight = 1545 and carrier = 'UA'"`, the first ten of them),
/// `{worst: 5}`, of which the model is most wrong, or `{sample: 3}` drawn at random, which is the default. With several targets the worst
/// rows are those of `{worst: 5, target: late}`, or those with the largest sum over all targets: the log loss of classes and labels, the
/// error of numbers in standard deviations of the training rows, that of counts in roots of what was expected.
///
/// The product is a table with a row for each target, column and method: `target`, `column`, `method`, `value`, `lower`, `upper`, where the value
/// is the loss of the metric (`permutation`), the mean size of the values (`shap`), or how far the column moves the mean prediction, as a
/// standard deviation (`dependence`). `from: <id>.contributions` reads what each column or word contributed to each chosen row.
///
/// ```yaml
/// - explain: {on: test, columns: [dep_delay, hour], rows: {worst: 3}, ice: centred}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// The part whose rows are looked at; the last one when absent.
    #[serde(default)]
    on: Option<Spanned<String>>,
    /// How the model is explained; what suits its features when absent.
    #[serde(default)]
    methods: Option<OneOrMany<Spanned<Method>>>,
    /// The columns of which the dependence is shown; the six most important ones when absent.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// The targets that are explained; all when absent.
    #[serde(default)]
    targets: Option<OneOrMany<Spanned<String>>>,
    /// How `dependence` draws the lines of single rows; `lines` when absent.
    #[serde(default)]
    ice: Option<Spanned<Ice>>,
    /// The rows that are explained one by one: a condition, `{worst: 5}` or `{sample: 3}`; three drawn at random when absent.
    #[serde(default)]
    rows: Option<Chosen>,
    /// Rows on which what is said of all rows rests, at most.
    #[serde(default = "sample")]
    sample: Spanned<usize>,
    /// Training rows with which `shap` compares.
    #[serde(default = "background")]
    background: Spanned<usize>,
    /// How often `permutation` shuffles each column.
    #[serde(default = "repeats")]
    repeats: Spanned<usize>,
    /// What `permutation` measures; `roc_auc` for binary targets, `accuracy` for categories, `log_loss` for labels and `mae` for numbers and
    /// counts when absent.
    #[serde(default)]
    metric: Option<Spanned<Metric>>,
    /// Another seed draws other rows and shuffles otherwise.
    #[serde(default)]
    seed: u64,
}

fn sample() -> Spanned<usize> {
    Spanned::nowhere(5_000)
}

fn background() -> Spanned<usize> {
    Spanned::nowhere(100)
}

fn repeats() -> Spanned<usize> {
    Spanned::nowhere(5)
}

impl Stage for Explain {
    fn side_table(&self, name: &str) -> Option<Box<dyn Stage>> {
        (name == product::CONTRIBUTIONS).then(|| Box::new(product::Contributions) as Box<dyn Stage>)
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let model = needs::model(shapes, 0, context.input_ids)?;
        let specification = &model.tensors.specification;
        let mut findings = Findings::new();
        let mut keep = |result: Result<(), Findings>| findings.extend(result.err().into_iter().flatten());
        let mut part = None;
        keep(self.part(model.tensors.table.split.as_ref()).map(|found| part = found).map_err(|finding| vec![finding]));
        let mut methods = Vec::new();
        keep(self.methods(specification).map(|found| methods = found));
        let mut columns = None;
        keep(self.columns(specification, &methods).map(|found| columns = found));
        let mut rows = Rows::default();
        let chosen = self.rows.as_ref().map_or(Ok(Rows::default()), |rows| rows.read(&model.tensors.table.schema));
        keep(chosen.map(|found| rows = found));
        let mut targets = Vec::new();
        keep(self.targets(specification).map(|found| targets = found));
        let mut worst_of = WorstOf::Target(0);
        keep(
            asked::worst_of(&rows, specification, &targets)
                .map(|found| worst_of = found)
                .map_err(|finding| vec![finding]),
        );
        keep(self.metric(specification, &targets));
        keep(self.lines(&methods).map_err(|finding| vec![finding]));
        keep(self.bounds());
        if !findings.is_empty() {
            return Err(findings);
        }
        let split = model.tensors.table.split.as_ref();
        let settings = Settings {
            learned: split.is_none_or(|split| split.parts.first() == part.as_ref()),
            part,
            methods,
            columns,
            targets,
            rows,
            worst_of,
            ice: self.ice.as_ref().map_or(Ice::Lines, |ice| ice.value),
            sample: self.sample.value,
            background: self.background.value,
            repeats: self.repeats.value,
            metric: self.metric.as_ref().map(|metric| metric.value),
            seed: self.seed,
            scaled: scales::learned(&model.tensors.table.relation),
            is_sequence: specification.sequence.is_some(),
            row_bytes: asked::row_bytes(specification),
        };
        let key = context.key(product::IMPORTANCES);
        let scan = Scan { source: ScanSource::Artifact(key), schema: product::importance_schema() };
        let meaning = serde_json::json!({ "options": self });
        let work = ExplainWork { id: context.id.to_owned(), settings };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(meaning))
    }
}
