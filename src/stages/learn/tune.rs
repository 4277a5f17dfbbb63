//! `tune`: searches the options with which a model is best.

mod budget;
mod exhibits;
mod judge;
mod options;
mod search;
mod space;
mod table;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::needs;
use crate::definition::{Node, Ordered, Spanned, put, without};
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::variant::{Variant, VariantStage};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{ModelShape, PlanContext, Planned, Shape, Split, Stage, TableShape};
use crate::tuning::Domain;
use judge::Judge;
pub use judge::Metric;
pub use options::{RungSampler, Rungs, Strategy, TpeOptions};
use search::TuneWork;
use space::Dimension;

/// The table of trials beside the model.
const TRIALS: &str = "trials";

/// Searches the options with which a model is best: those of the `train` stage and of any stage above it.
///
/// `over` names options by their path, `stages.<id>.<option>..`, and says what is tried for each:
///
/// - a list: one of these values, whatever they are (`[zscore, quantile]`, or lists of layers);
/// - `{uniform: [low, high]}`, `{loguniform: [low, high]}`: a number, on a plain or a logarithmic scale;
/// - `{int: [low, high]}`, `{logint: [low, high]}`: a whole number; `{quantized: [low, high, step]}`: a number in steps.
///
/// `check` plans the stages with every value of a list and with both ends of a range, so that a path or a value that is wrong is found
/// before a row is read. What a stage reads and what is foretold cannot be varied, and no stage in between may write files; `save` and
/// `checkpoint` of the `train` stage are left out of trials.
///
/// A trial trains the model with chosen options and judges it by `metric` as `evaluate` does. The last part of the split, the test part, is
/// never seen. Without `folds`, trials are judged on the validation part, the second of three; that part also chooses the epoch where
/// `early_stopping` is on, so the values are a little too kind, to all trials alike. With `folds`, the rows outside of the test part are
/// divided anew: each fold is judged on once; where the split has a validation part the next fold takes its place, and the rest is learned.
/// Folds keep together what the split keeps together (`on`), and everything that learns learns anew for each fold.
///
/// - `tpe` (the default): a tree-structured Parzen estimator (Bergstra et al. 2011). After ten trials by chance, it prefers where good
///   trials are dense and bad ones are not.
/// - `random`: by chance. `grid`: all combinations, in the order of `over`; ranges then need `int` or `quantized`.
/// - `{halving: {least: 2}}`: successive halving. All configurations are tried with few epochs, the best third with three times as many, and
///   so on up to the epochs of the `train` stage. `{asha: {least: 2}}` does the same without waiting for a rung to be full (Li et al.
///   2020), so that it has a good answer whenever time ends. Each rung trains from the beginning, because the schedule of the learning
///   rate depends on the number of epochs; this costs at most half as much again.
///
/// A training that fails (it diverges, or memory does not hold it) is a failed trial, not an end. The same seed gives the same trials,
/// whatever the number of threads. What was tried is kept in the state folder: an interrupted search goes on where it was, and with more
/// `trials` or more `time` it goes on where it ended.
///
/// The product is a model, as `train` gives it: the best options, trained on the training part, ready for `evaluate`, `explain` and
/// `predict`. `from: <id>.trials` reads the table of trials.
///
/// ```yaml
/// - id: search
///   tune:
///     model: model
///     over:
///       stages.model.optimizer.adamw.learning_rate: {loguniform: [1.0e-4, 1.0e-1]}
///       stages.model.network: [[{dense: 32}], [{dense: 64}, {dense: 32}]]
///     metric: log_loss
///     trials: 30
///     time: 10m
///     seed: 7
/// - evaluate: {on: test}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tune {
    /// The `train` stage that is tuned.
    model: Spanned<String>,
    /// The options that are varied, by their paths, with what is tried for each.
    over: Ordered<Node>,
    /// What is to be best; `log_loss` for classes and `root_mean_squared_error` for numbers when absent.
    #[serde(default)]
    metric: Option<Spanned<Metric>>,
    /// Judges each trial by cross-validation with so many folds, from 2 to 100; without it on the validation part.
    #[serde(default)]
    folds: Option<Spanned<u32>>,
    /// How the next trial is chosen.
    #[serde(default)]
    strategy: Spanned<Strategy>,
    /// How many configurations are tried at most.
    #[serde(default = "trials")]
    trials: Spanned<u64>,
    /// No trial begins after so much time: `90s`, `10m`, `2h`. How many trials that are depends on the machine.
    #[serde(default)]
    time: Option<Spanned<String>>,
    /// Another seed tries other configurations.
    #[serde(default)]
    seed: u32,
    /// Where the best model is saved, as `train` has it: it is then trained once more.
    #[serde(default)]
    save: Option<Node>,
}

fn trials() -> Spanned<u64> {
    Spanned::nowhere(40)
}

/// The most configurations of a search.
const MOST_TRIALS: u64 = 100_000;

impl Stage for Tune {
    fn named_inputs(&self) -> Vec<Spanned<String>> {
        vec![self.model.clone()]
    }

    fn arity(&self) -> (usize, usize) {
        (0, 0)
    }

    fn side_table(&self, name: &str) -> Option<Box<dyn Stage>> {
        let paths = self.over.iter().map(|(path, _)| path.value.clone()).collect();
        (name == TRIALS).then(|| Box::new(TrialTable { paths }) as Box<dyn Stage>)
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let model = needs::model(shapes, 0, context.input_ids)
            .map_err(|found| found.into_iter().map(|finding| finding.or_at(&self.model.place)).collect::<Findings>())?;
        let one = |finding: Diagnostic| vec![finding];
        let base = context.variants.plan(&Variant { wanted: self.model.value.clone(), ..Variant::default() })?;
        let train = base.last().filter(|stage| stage.kind == "train").ok_or_else(|| {
            let message = format!("`{}` is no `train` stage: there are no options of a training", self.model.value);
            vec![Diagnostic::definition(message).at(&self.model.place)]
        })?;
        let mut findings = Findings::new();
        let dimensions = space::read(&self.over, &base, &mut findings);
        let trials = self.trials().map_err(|finding| findings.push(finding)).unwrap_or_default();
        let time = self.time.as_ref().map(budget::seconds).transpose().map_err(|finding| findings.push(finding));
        let part = self.judged_part(model, &base).map_err(|finding| findings.push(finding));
        let metric = judge::metric(self.metric.as_ref(), &model.tensors).map_err(|finding| findings.push(finding));
        let schedule = budget::schedule(&self.strategy, train).map_err(|finding| findings.push(finding));
        if !findings.is_empty() {
            return Err(findings);
        }
        let (Ok(time), Ok(part), Ok(metric), Ok(schedule)) = (time, part, metric, schedule) else {
            return Err(findings);
        };
        let sampler = self.strategy.value.sampler();
        let space = space::space(&dimensions).map_err(|error| one(Diagnostic::definition(error.to_string())))?;
        self.check_grid(&space, &dimensions, trials)?;

        let search = Search {
            model: self.model.value.clone(),
            written: base.iter().map(|stage| (stage.id.clone(), without_traces(stage, train))).collect(),
            dimensions,
            save: self.save.clone(),
        };
        let checked = search.check(context, model, schedule.budget(0))?;
        let judge = Judge { metric, part, place: context.place.clone() };
        let varies_rows = search.dimensions.iter().any(|dimension| dimension.is_above_tensors);
        let tensors = train.inputs.first().cloned().unwrap_or_default();
        let table = base.iter().find(|stage| stage.id == tensors).and_then(|stage| stage.inputs.first().cloned());
        let table = table.unwrap_or_default();
        // What was tried stays right when the search is given more time, or, where all get everything, more trials.
        let mut what = serde_json::to_value(self).unwrap_or_default();
        if let Some(options) = what.as_object_mut() {
            options.remove("time");
            options.remove("save");
            if schedule.budget(0).is_none() {
                options.remove("trials");
            }
        }
        let meaning = serde_json::json!({ "options": self, "variants": checked });
        let history = serde_json::json!({ "search": what, "variants": checked, "model": train.fingerprint });
        let history = blake3::hash(history.to_string().as_bytes()).to_hex().chars().take(32).collect();
        let work = TuneWork {
            id: context.id.to_owned(),
            search,
            space,
            sampler,
            schedule,
            judge,
            crossing: self.crossing(model, &base)?,
            trials,
            time,
            seed: u64::from(self.seed),
            history,
            tensors,
            table: varies_rows.then_some(table),
        };
        let mut planned = Planned::relation(model.tensors.table.clone()).work(work).meaning(meaning);
        planned.product = Shape::Model(ModelShape { tensors: model.tensors.clone(), stage: context.id.to_owned() });
        Ok(planned)
    }
}

/// Options of a stage without what a trial must not do.
fn without_traces(stage: &VariantStage, train: &VariantStage) -> Node {
    if stage.id == train.id { without(&without(&stage.written, "save"), "checkpoint") } else { stage.written.clone() }
}

impl Tune {
    fn trials(&self) -> Result<usize, Diagnostic> {
        let trials = self.trials.value;
        if (1..=MOST_TRIALS).contains(&trials) {
            return Ok(usize::try_from(trials).unwrap_or(usize::MAX));
        }
        let message = format!("`trials` is a number from 1 to {MOST_TRIALS}, not {trials}");
        Err(Diagnostic::definition(message).at(&self.trials.place))
    }

    /// A grid has an end, and is tried to it.
    fn check_grid(
        &self,
        space: &crate::tuning::Space,
        dimensions: &[Dimension],
        trials: usize,
    ) -> Result<(), Findings> {
        if self.strategy.value != Strategy::Grid {
            return Ok(());
        }
        let endless: Findings = dimensions
            .iter()
            .filter(|dimension| matches!(dimension.domain, Domain::Real { .. }))
            .map(|dimension| {
                Diagnostic::definition(format!("a grid cannot try every number of `{}`", dimension.path))
                    .at(&dimension.place)
                    .help("list some values, or use `quantized`")
            })
            .collect();
        if !endless.is_empty() {
            return Err(endless);
        }
        match space.size().filter(|size| *size <= trials as u64) {
            Some(_) => Ok(()),
            None => {
                let count = space.size().map_or_else(|| "more than 2^64".to_owned(), |size| size.to_string());
                let message = format!("the grid has {count} combinations, more than the {trials} of `trials`");
                let place = if self.trials.place.text().is_empty() { &self.strategy.place } else { &self.trials.place };
                Err(vec![Diagnostic::definition(message).at(place).help("raise `trials`, or vary less")])
            }
        }
    }

    /// The split that divides the rows of the model, with the stage that made it.
    fn split<'a>(&self, model: &'a ModelShape, base: &'a [VariantStage]) -> Option<(&'a Split, &'a VariantStage)> {
        let split = model.tensors.table.split.as_ref()?;
        Some((split, base.iter().find(|stage| stage.id == split.stage)?))
    }

    /// The part on which a trial is judged.
    fn judged_part(&self, model: &ModelShape, base: &[VariantStage]) -> Result<String, Diagnostic> {
        let Some((split, stage)) = self.split(model, base) else {
            let finding =
                Diagnostic::definition("there are no rows to judge trials on that the model does not learn from");
            return Err(finding.at(&self.model.place).help("divide the rows with `split` above `tensors`"));
        };
        let Some(folds) = &self.folds else {
            return match split.parts.as_slice() {
                [_, second, _, ..] => Ok(second.clone()),
                _ => {
                    let message = format!("`{}` makes two parts, and the last one must not be seen", stage.id);
                    let help = "give it three parts, or judge by cross-validation with `folds`";
                    Err(Diagnostic::definition(message).at(&self.model.place).help(help))
                }
            };
        };
        let options: crate::stages::prepare::split::Split =
            crate::definition::decode(&stage.written).map_err(|found| {
                found.into_iter().next().unwrap_or_else(|| Diagnostic::definition("the split is wrong"))
            })?;
        match options.refuses_folds(folds.value, split.parts.len()) {
            Some(refusal) => Err(refusal.or_at(&folds.place)),
            None => Ok(split.parts.last().cloned().unwrap_or_default()),
        }
    }

    /// How rows are divided into folds.
    fn crossing(&self, model: &ModelShape, base: &[VariantStage]) -> Result<Option<search::Folds>, Findings> {
        let (Some(folds), Some((_, stage))) = (&self.folds, self.split(model, base)) else { return Ok(None) };
        Ok(Some(search::Folds { stage: stage.id.clone(), count: folds.value, seed: u64::from(self.seed) }))
    }
}

/// What is varied, and into which options.
struct Search {
    /// The stage that trains.
    model: String,
    /// The options of each stage as they are written, but for where the model is saved.
    written: BTreeMap<String, Node>,
    dimensions: Vec<Dimension>,
    save: Option<Node>,
}

impl Search {
    /// The options of the stages that are varied, with these values; `epochs`: with another number of them.
    fn options(
        &self,
        values: impl Iterator<Item = (usize, Node)>,
        epochs: Option<u64>,
    ) -> Result<BTreeMap<String, Node>, Diagnostic> {
        let mut options: BTreeMap<String, Node> = BTreeMap::new();
        let written = |id: &str| self.written.get(id).cloned();
        options.extend(written(&self.model).map(|node| (self.model.clone(), node)));
        for (at, value) in values {
            let Some(dimension) = self.dimensions.get(at) else { continue };
            let Some(node) = options.get(&dimension.stage).cloned().or_else(|| written(&dimension.stage)) else {
                continue;
            };
            options.insert(dimension.stage.clone(), put(&node, &dimension.steps, &value)?);
        }
        if let (Some(epochs), Some(node)) = (epochs, options.get(&self.model)) {
            let changed = budget::with_epochs(node, epochs)?;
            options.insert(self.model.clone(), changed);
        }
        Ok(options)
    }

    /// The model with the values of a point.
    fn variant(&self, point: &[f64], epochs: Option<u64>) -> Result<Variant, Diagnostic> {
        let values = self.dimensions.iter().zip(point).map(|(dimension, value)| dimension.node(*value)).enumerate();
        Ok(Variant { wanted: self.model.clone(), options: self.options(values, epochs)?, ..Variant::default() })
    }

    /// The model as it is written.
    fn as_written(&self) -> Result<Variant, Diagnostic> {
        let options = self.options(std::iter::empty(), None)?;
        Ok(Variant { wanted: self.model.clone(), options, ..Variant::default() })
    }

    /// Plans every value of every list and both ends of every range; the fingerprints of all.
    ///
    /// Errors: everything that is wrong, at the value or the path.
    fn check(
        &self,
        context: &PlanContext<'_>,
        model: &ModelShape,
        epochs: Option<u64>,
    ) -> Result<Vec<String>, Findings> {
        let mut findings = Findings::new();
        let mut fingerprints = Vec::new();
        let mut look = |options: Result<BTreeMap<String, Node>, Diagnostic>, place: &Place, path: &str| {
            let planned = options.map_err(|finding| vec![finding]).and_then(|options| {
                let variant = Variant { wanted: self.model.clone(), options, ..Variant::default() };
                context.variants.plan(&variant)
            });
            match planned {
                Ok(stages) => {
                    findings.extend(keeps_rows(&stages, model, path).map(|finding| finding.at(place)));
                    fingerprints.extend(stages.last().map(|stage| stage.fingerprint.clone()));
                }
                Err(wrong) => {
                    for finding in wrong.into_iter().map(|finding| finding.or_at(place)) {
                        if !findings.contains(&finding) {
                            findings.push(finding);
                        }
                    }
                }
            }
        };
        for (at, dimension) in self.dimensions.iter().enumerate() {
            for value in dimension.ends() {
                let node = dimension.node(value);
                let place = node.place.clone();
                look(self.options(std::iter::once((at, node)), None), &place, &dimension.path);
            }
        }
        if let Some(epochs) = epochs {
            look(self.options(std::iter::empty(), Some(epochs)), context.place, "epochs");
        }
        if let Some(save) = &self.save {
            look(self.saving(self.options(std::iter::empty(), None)), &save.place, "save");
        }
        if findings.is_empty() { Ok(fingerprints) } else { Err(findings) }
    }

    /// The options with the model saved.
    fn saving(
        &self,
        options: Result<BTreeMap<String, Node>, Diagnostic>,
    ) -> Result<BTreeMap<String, Node>, Diagnostic> {
        let mut options = options?;
        if let (Some(save), Some(node)) = (&self.save, options.get(&self.model)) {
            let step = crate::definition::Step { name: "save".to_owned(), place: save.place.clone() };
            let changed = put(node, &[step], save)?;
            options.insert(self.model.clone(), changed);
        }
        Ok(options)
    }
}

/// Refuses a variant whose rows are other ones than those of the model as it is written: what stands below could not read them.
fn keeps_rows(stages: &[VariantStage], model: &ModelShape, path: &str) -> Option<Diagnostic> {
    let Some(Shape::Model(varied)) = stages.last().map(|stage| &stage.product) else {
        return Some(Diagnostic::definition("there is no model with this value"));
    };
    let (new, old) = (&varied.tensors.table, &model.tensors.table);
    if new.split != old.split {
        return Some(Diagnostic::definition(format!("`{path}` changes the parts of the rows, which cannot be varied")));
    }
    if new.schema != old.schema {
        let message = format!("`{path}` changes the columns from which the tensors are made, which cannot be varied");
        return Some(Diagnostic::definition(message));
    }
    None
}

/// The table of trials.
struct TrialTable {
    paths: Vec<String>,
}

impl Stage for TrialTable {
    fn plan(&self, _: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let id = context.input_ids.first().map_or("", String::as_str);
        let source = ScanSource::Artifact(format!("{id}.{TRIALS}"));
        let scan = Relation::Scan(Scan { source, schema: table::schema(&self.paths) });
        Ok(Planned::relation(TableShape::new(scan, None)).work(TrialTableWork))
    }
}

struct TrialTableWork;

impl Work for TrialTableWork {
    /// Its rows are none of the stage above.
    fn flowing(&self) -> usize {
        0
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::plus("tried", counts.out)]
    }
}
