//! Rows are read, the model is asked, and what it answers is written and shown.

use crate::diagnostic::{Class, Diagnostic};
use crate::explanation::Error;
use crate::stages::Product;
use crate::stages::learn::bundle::Bundle;
use crate::stages::work::{Change, Outcome, Progress, StageCounts, Work, WorkContext};

use super::columns::columns;
use super::metric::Metric;
use super::options::{MOST_WHERE, Method, Rows};
use super::product::{self, CONTRIBUTIONS, IMPORTANCES};
use super::rows::{self, Reading};
use super::scene::Scene;

/// Training rows among which neighbours are looked for.
const KNOWN: usize = 10_000;

/// Options that were checked.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// None: all rows.
    pub(super) part: Option<String>,
    /// Whether the model learned from these rows.
    pub(super) learned: bool,
    pub(super) methods: Vec<Method>,
    pub(super) columns: Option<Vec<String>>,
    pub(super) rows: Rows,
    pub(super) sample: usize,
    pub(super) background: usize,
    pub(super) repeats: usize,
    pub(super) metric: Option<Metric>,
    pub(super) seed: u64,
}

pub(super) struct ExplainWork {
    pub(super) id: String,
    pub(super) settings: Settings,
}

/// What an explanation failed on.
pub(super) fn failed(error: Error) -> Diagnostic {
    match error {
        Error::Stopped => Diagnostic::error(Class::Interrupted, "interrupted"),
        other => Diagnostic::error(Class::Stage, format!("the model cannot be explained: {other}")),
    }
}

impl Settings {
    pub(super) fn asks(&self, method: Method) -> bool {
        self.methods.contains(&method)
    }

    fn needs_training(&self) -> bool {
        self.asks(Method::Shap) || self.asks(Method::Counterfactuals)
    }
}

impl Work for ExplainWork {
    fn passes(&self, _: usize) -> usize {
        let condition = matches!(self.settings.rows, Rows::Where(_));
        1 + usize::from(condition) + usize::from(self.settings.needs_training())
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Model { folder, tensors }) = products.first() else { return Ok(Outcome::default()) };
        let settings = &self.settings;
        let bundle = Bundle::read(folder)?;
        let (encoder, network) = bundle.load(folder)?;
        let table = &tensors.table;
        let part = settings.part.as_ref().map_or_else(|| table.relation.clone(), |part| table.part(part));
        let reading = Reading {
            encoder: &encoder,
            network: &network,
            sample: settings.sample,
            worst: if let Rows::Worst(count) = settings.rows { count } else { 0 },
            seed: settings.seed,
        };
        let read = rows::read(&part, &reading, context)?;
        if read.sample.is_empty() {
            let place = settings.part.as_ref().map_or_else(|| "the table".to_owned(), |part| format!("part `{part}`"));
            let message = format!("{place} has no rows with a value of `{}` to look at", encoder.target().column());
            return Err(Diagnostic::error(Class::Data, message));
        }
        let chosen = match &settings.rows {
            Rows::Where(condition) => rows::matching(&part, condition, MOST_WHERE, &encoder, context)?,
            Rows::Worst(_) => read.worst.at(&(0..read.worst.len()).collect::<Vec<_>>()),
            Rows::Sample(count) => read.sample.spread(*count),
        };
        let known = if settings.needs_training() {
            let sample = if settings.asks(Method::Counterfactuals) { KNOWN } else { settings.background };
            let seed = settings.seed.wrapping_add(1);
            let known = rows::read(&table.training(), &Reading { sample, worst: 0, seed, ..reading }, context)?;
            if known.sample.is_empty() {
                let message = "there is no training row to compare with";
                return Err(Diagnostic::error(Class::Data, message));
            }
            let background = known.sample.spread(settings.background).rows;
            Some((known, background))
        } else {
            None
        };
        let columns = columns(&encoder, &table.relation.schema());
        let mut scene = Scene {
            settings,
            encoder: &encoder,
            network: &network,
            cancelled: &context.cancelled,
            columns,
            read,
            chosen,
            known,
            outcome: Outcome::default(),
            importances: Vec::new(),
            contributions: Vec::new(),
        };
        scene.headline();
        for (output, target) in encoder.targets().iter().enumerate() {
            let message = format!("explaining {}", target.column());
            let total = Some(encoder.targets().len() as u64);
            (context.progress)(Progress { done: output as u64, total, unit: "targets".to_owned(), message });
            scene.explain(output, target)?;
        }
        product::write(context.artifacts, &scene.importances, &scene.contributions)?;
        let mut outcome = scene.outcome;
        for name in [IMPORTANCES, CONTRIBUTIONS] {
            outcome.bindings.artifacts.insert(format!("{}.{name}", self.id), product::file(name).into());
        }
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![
            Change::minus("looked at", counts.first_input()),
            Change::plus("one row for each column and method", counts.out),
        ]
    }
}
