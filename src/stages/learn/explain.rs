//! `explain`: what a model looks at, and why it says what it says.

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
mod scene;
mod texts;
mod words;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::needs;
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::{PlanContext, Planned, Shape, Split, Stage, TableShape};
use crate::tensor::{BlockKind, Specification};
use metric::Metric;
use options::{Chosen, Method, Rows};
use work::{ExplainWork, Settings};

/// Says what a model looks at, and why it says what it says of single rows.
///
/// It tells about the model, not about the world: a column that counts for the model is no cause of what it foretells.
///
/// The rows are those of the part `on`, by default the last part of the split. What is said of all of them rests on a
/// `sample`, drawn with the `seed`. Columns are changed as a whole, so that they are named as you know them. The methods:
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
/// - `occlusion` and `integrated_gradients` (Sundararajan, Taly and Yan 2017), of texts: what each word contributes.
/// - `saliency` (SmoothGrad, Smilkov et al. 2017) and `grad_cam` (Selvaraju et al. 2017), of images and sounds: where the model looks.
///
/// `rows` are explained one by one: those for which a condition holds (`"flight = 1545 and carrier = 'UA'"`, the first ten of them),
/// `{worst: 5}`, of which the model is most wrong, or `{sample: 3}` drawn at random, which is the default.
///
/// The product is a table with a row for each target, column and method: `target`, `column`, `method`, `value`, `lower`, `upper`, where the value
/// is the loss of the metric (`permutation`), the mean size of the values (`shap`), or how far the column moves the mean prediction, as a
/// standard deviation (`dependence`). `from: <id>.contributions` reads what each column or word contributed to each chosen row.
///
/// ```yaml
/// - explain: {on: test, columns: [dep_delay, hour], rows: {worst: 3}}
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

/// The most columns whose dependence is shown.
const MOST_COLUMNS: usize = 20;

impl Stage for Explain {
    fn side_table(&self, name: &str) -> Option<Box<dyn Stage>> {
        (name == product::CONTRIBUTIONS).then(|| Box::new(product::Contributions) as Box<dyn Stage>)
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let model = needs::model(shapes, 0, context.input_ids)?;
        let specification = &model.tensors.specification;
        if specification.blocks().iter().any(|block| block.kind == BlockKind::Sequence) {
            let message = "a model of sequences cannot be explained: its rows are windows, not rows of the table";
            return Err(vec![Diagnostic::definition(message).at(context.place)]);
        }
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
        keep(self.metric(specification));
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
            rows,
            sample: self.sample.value,
            background: self.background.value,
            repeats: self.repeats.value,
            metric: self.metric.as_ref().map(|metric| metric.value),
            seed: self.seed,
        };
        let key = context.key(product::IMPORTANCES);
        let scan = Scan { source: ScanSource::Artifact(key), schema: product::importance_schema() };
        let meaning = serde_json::json!({ "options": self });
        let work = ExplainWork { id: context.id.to_owned(), settings };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(meaning))
    }
}

impl Explain {
    /// The part that is looked at; none: all rows.
    fn part(&self, split: Option<&Split>) -> Result<Option<String>, Diagnostic> {
        let Some(split) = split else {
            return match &self.on {
                None => Ok(None),
                Some(part) => {
                    let message = format!("there is no part `{}`: the rows are not divided", part.value);
                    Err(Diagnostic::definition(message)
                        .at(&part.place)
                        .help("leave `on` out, or `split` the rows above"))
                }
            };
        };
        match &self.on {
            None => Ok(split.parts.last().cloned()),
            Some(part) if split.parts.contains(&part.value) => Ok(Some(part.value.clone())),
            Some(part) => {
                let finding = Diagnostic::definition(format!("there is no part `{}`", part.value)).at(&part.place);
                Err(match nearest(&part.value, split.parts.iter().map(String::as_str)) {
                    Some(near) => finding.label(format!("did you mean `{near}`?")),
                    None => finding.help(format!("the parts are {}", split.parts.join(", "))),
                })
            }
        }
    }

    /// The methods, in the order in which they are shown.
    fn methods(&self, specification: &Specification) -> Result<Vec<Method>, Findings> {
        let blocks = specification.blocks();
        let has = |kind: BlockKind| blocks.iter().any(|block| block.kind == kind);
        let pictures = has(BlockKind::Image) || has(BlockKind::Audio);
        let several = specification.features.len() > 1;
        let flat = has(BlockKind::Table) || has(BlockKind::Category);
        let suits = |method: Method| match method {
            Method::Permutation => Ok(()),
            Method::Shap if several => Ok(()),
            Method::Shap => Err("the model reads one column alone, which moves every prediction"),
            Method::Dependence | Method::Counterfactuals if flat => Ok(()),
            Method::Dependence => Err("the model has no feature of numbers, categories or dates"),
            Method::Counterfactuals => {
                Err("rows are compared by numbers, categories and dates, and the model has none")
            }
            Method::Occlusion | Method::IntegratedGradients if has(BlockKind::Text) => Ok(()),
            Method::Occlusion | Method::IntegratedGradients => Err("it explains texts, and the model has none"),
            Method::Saliency | Method::GradCam if pictures => Ok(()),
            Method::Saliency | Method::GradCam => Err("it explains images and sounds, and the model has none"),
        };
        let Some(asked) = &self.methods else {
            // Words are explained one way, and one text alone is not shuffled.
            let usual = |method: &Method| match method {
                Method::Occlusion => false,
                Method::Permutation => several || flat,
                _ => true,
            };
            return Ok(Method::ALL.into_iter().filter(|method| suits(*method).is_ok() && usual(method)).collect());
        };
        let mut findings = Findings::new();
        if asked.is_empty() {
            findings.push(Diagnostic::definition("`methods` names no method"));
        }
        for method in asked.iter() {
            if let Err(reason) = suits(method.value) {
                let message = format!("`{}` does not suit the model: {reason}", method.value.name());
                findings.push(Diagnostic::definition(message).at(&method.place));
            }
        }
        let named = |method: &Method| asked.iter().any(|asked| asked.value == *method);
        if findings.is_empty() { Ok(Method::ALL.into_iter().filter(named).collect()) } else { Err(findings) }
    }

    /// The columns whose dependence is shown.
    fn columns(&self, specification: &Specification, methods: &[Method]) -> Result<Option<Vec<String>>, Findings> {
        let Some(columns) = &self.columns else { return Ok(None) };
        let mut findings = Findings::new();
        if let Some(first) = columns.first().filter(|_| !methods.contains(&Method::Dependence) && !methods.is_empty()) {
            let message = "`columns` belongs to the method `dependence`, which is not asked for";
            findings.push(Diagnostic::definition(message).at(&first.place));
        }
        let features = specification.feature_columns();
        for (at, column) in columns.iter().enumerate() {
            let is_twice = columns.iter().take(at).any(|earlier| earlier.value == column.value);
            if is_twice {
                let message = format!("column `{}` is named twice", column.value);
                findings.push(Diagnostic::definition(message).at(&column.place));
            } else if !features.contains(&column.value) {
                let message = format!("`{}` is no feature of the model", column.value);
                let finding = Diagnostic::definition(message).at(&column.place);
                findings.push(match nearest(&column.value, features.iter().map(String::as_str)) {
                    Some(near) => finding.label(format!("did you mean `{near}`?")),
                    None => finding.help(format!("its features are {}", features.join(", "))),
                });
            }
        }
        if let Some(column) = columns.get(MOST_COLUMNS) {
            let message = format!("the dependence of at most {MOST_COLUMNS} columns is shown");
            findings.push(Diagnostic::definition(message).at(&column.place));
        }
        if findings.is_empty() {
            Ok(Some(columns.iter().map(|column| column.value.clone()).collect()))
        } else {
            Err(findings)
        }
    }

    fn metric(&self, specification: &Specification) -> Result<(), Findings> {
        let Some(metric) = &self.metric else { return Ok(()) };
        let wrong = specification.targets.iter().find(|target| !metric.value.suits(target.kind));
        match wrong {
            None => Ok(()),
            Some(target) => {
                let (name, column) = (metric.value.name(), &target.column);
                let suiting: Vec<&str> =
                    Metric::ALL.into_iter().filter(|metric| metric.suits(target.kind)).map(Metric::name).collect();
                let message = format!("`{name}` does not judge the target `{column}`");
                let help = format!("it is judged by {}", suiting.join(", "));
                Err(vec![Diagnostic::definition(message).at(&metric.place).help(help)])
            }
        }
    }

    fn bounds(&self) -> Result<(), Findings> {
        let bounds = [
            ("sample", &self.sample, 20, 1_000_000),
            ("background", &self.background, 1, 10_000),
            ("repeats", &self.repeats, 1, 1_000),
        ];
        let wrong = bounds.into_iter().filter(|(_, given, least, most)| !(*least..=*most).contains(&given.value));
        let findings: Findings = wrong
            .map(|(name, given, least, most)| {
                let message = format!("`{name}` is from {least} to {most}, not {}", given.value);
                Diagnostic::definition(message).at(&given.place)
            })
            .collect();
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }
}
