//! `tune`: searches the options with which a model is best.

mod budget;
mod checks;
mod exhibits;
mod going;
mod judge;
mod metric;
mod options;
mod search;
mod space;
mod table;
mod variants;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::needs;
use crate::definition::{Node, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::stages::variant::Variant;
use crate::stages::{ModelShape, PlanContext, Planned, Shape, Stage};
use judge::Judge;
pub use metric::{Metric, Metrics};
pub use options::{RungSampler, Rungs, Strategy, TpeOptions};
use search::TuneWork;
use table::TrialTable;
use variants::{Search, without_traces};

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
/// Folds keep together what the split keeps together (`on`), and everything that learns learns anew for each fold. Where the split is by time,
/// folds follow each other in time, and what is learned lies before what is judged: an expanding window.
///
/// **Several targets.** `metric` may give each its own: `{late: log_loss, delay: mean_absolute_error}`; targets that are not named do not
/// count. Of each target it is told how much of what the options as they are written lack to be perfect is left (the loss divided by theirs; for
/// a gain such as accuracy or R2 what is missing to 1); the mean over the targets is to be small. 1 is as good as written, whatever the units.
///
/// **`parallel`** trains so many configurations side by side, which pays for small networks, whose steps are too short to be shared. Each has
/// its share of memory and threads. They are chosen together (for `tpe`, those that are not done yet count as bad ones, so that the others
/// lie elsewhere) and wait for each other, so the same trials are made whatever the timing; other ones than with another `parallel`.
///
/// - `tpe` (the default): a tree-structured Parzen estimator (Bergstra et al. 2011). After ten trials by chance, it prefers where good
///   trials are dense and bad ones are not.
/// - `random`: by chance. `grid`: all combinations, in the order of `over`; ranges then need `int` or `quantized`.
/// - `{halving: {least: 2}}`: successive halving. All configurations are tried with few epochs, the best third with three times as many, and
///   so on up to the epochs of the `train` stage. `{asha: {least: 2}}` does the same without waiting for a rung to be full (Li et al.
///   2020), so that it has a good answer whenever time ends. A training goes on from where the rung below left it, bit for bit as if it had
///   not been interrupted, where the schedule of the learning rate does not depend on the number of epochs (none, `step`, `on_plateau`).
///   With `cosine`, `one_cycle` or a preset that has one, fewer epochs are another training, and each rung begins anew; that costs at most
///   half as much again. The report says which it was.
///
/// A training that fails (it diverges, or memory does not hold it) is a failed trial, not an end. The same seed gives the same trials,
/// whatever the number of threads. What was tried is kept in the state folder: an interrupted search goes on where it was, and with more
/// `trials` or more `time` it goes on where it ended.
///
/// The product is a model, as `train` gives it: the best options, trained on the training part, ready for `evaluate`, `explain` and
/// `predict`. `from: <id>.trials` reads the table of trials: `trial`, `epochs`, `value`, of several targets the metric of each
/// (`value_late`, `value_delay`), `seconds`, `failure`, and a column for each option.
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
///
/// ```yaml
/// - id: search
///   tune:
///     model: model
///     over: {stages.model.optimizer.adamw.learning_rate: {loguniform: [1.0e-4, 1.0e-1]}}
///     metric: {late: roc_auc, delay: mean_absolute_error}
///     strategy: {halving: {least: 2}}
///     folds: 3
///     parallel: 4
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tune {
    /// The `train` stage that is tuned.
    model: Spanned<String>,
    /// The options that are varied, by their paths, with what is tried for each.
    over: Ordered<Node>,
    /// What is to be best, of all targets or of each: `{late: log_loss, delay: r2}`; `log_loss` for classes and labels and
    /// `root_mean_squared_error` for numbers when absent.
    #[serde(default)]
    metric: Option<Spanned<Metrics>>,
    /// Judges each trial by cross-validation with so many folds, from 2 to 100; without it on the validation part.
    #[serde(default)]
    folds: Option<Spanned<u32>>,
    /// How the next trial is chosen.
    #[serde(default)]
    strategy: Spanned<Strategy>,
    /// How many configurations are tried at most.
    #[serde(default = "trials")]
    trials: Spanned<u64>,
    /// How many configurations are trained side by side, from 1 to 64; 1 when absent.
    #[serde(default)]
    parallel: Option<Spanned<usize>>,
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
        let metric = self.metric.clone();
        (name == TRIALS).then(|| Box::new(TrialTable { paths, metric }) as Box<dyn Stage>)
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
        let judged = metric::judged(self.metric.as_ref(), &model.tensors).map_err(|finding| findings.push(finding));
        let parallel = self.parallel().map_err(|finding| findings.push(finding)).unwrap_or(1);
        let schedule = budget::schedule(&self.strategy, train).map_err(|finding| findings.push(finding));
        if !findings.is_empty() {
            return Err(findings);
        }
        let (Ok(time), Ok(part), Ok(judged), Ok(schedule)) = (time, part, judged, schedule) else {
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
        let judge = Judge { judged, part, place: context.place.clone() };
        let varies_rows = search.dimensions.iter().any(|dimension| dimension.is_above_tensors);
        let tensors = train.inputs.first().cloned().unwrap_or_default();
        let table = base.iter().find(|stage| stage.id == tensors).and_then(|stage| stage.inputs.first().cloned());
        let table = table.unwrap_or_default();
        // What was tried stays right when the search is given more time, or, where all get everything, more trials.
        let mut what = serde_json::to_value(self).unwrap_or_default();
        if let Some(options) = what.as_object_mut() {
            options.remove("time");
            options.remove("save");
            if parallel == 1 {
                options.remove("parallel");
            }
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
            parallel,
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
