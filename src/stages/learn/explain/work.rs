//! Rows are read, the model is asked, and what it answers is written and shown.

use crate::diagnostic::{Class, Diagnostic};
use crate::explanation::Error;
use crate::stages::Product;
use crate::stages::learn::bundle::Bundle;
use crate::stages::work::{Change, Holding, Outcome, Progress, StageCounts, Work, WorkContext};

use super::columns::{columns, names};
use super::metric::Metric;
use super::options::{Ice, MOST_WHERE, Method, Rows};
use super::product::{self, CONTRIBUTIONS, IMPORTANCES};
use super::rows::{self, Reading, WorstOf};
use super::scales;
use super::scene::Scene;
use super::sequences::windows;

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
    /// The targets that are explained, by their numbers.
    pub(super) targets: Vec<usize>,
    pub(super) rows: Rows,
    /// Where the worst rows are asked for, about what the model is wrong.
    pub(super) worst_of: WorstOf,
    pub(super) ice: Ice,
    pub(super) sample: usize,
    pub(super) background: usize,
    pub(super) repeats: usize,
    pub(super) metric: Option<Metric>,
    pub(super) seed: u64,
    /// Columns that a stage above brought to a scale that it learned.
    pub(super) scaled: Vec<String>,
    /// Whether the model reads the rows of a sequence.
    pub(super) is_sequence: bool,
    /// What a row takes in memory, as far as that is known before rows are read.
    pub(super) row_bytes: u64,
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
        let steps = self.is_sequence && self.asks(Method::Occlusion);
        self.asks(Method::Shap) || self.asks(Method::Counterfactuals) || steps
    }

    /// Training rows that are kept.
    fn known(&self) -> usize {
        match (self.needs_training(), self.asks(Method::Counterfactuals)) {
            (false, _) => 0,
            (true, true) => KNOWN,
            (true, false) => self.background,
        }
    }

    fn worst(&self) -> usize {
        if let Rows::Worst(count, _) = self.rows { count } else { 0 }
    }
}

/// What to do when the rows do not fit.
const HELP: &str = "ask for a smaller `sample`, or give the run more with `--memory`; else fewer rows are looked at";

impl Work for ExplainWork {
    fn passes(&self, _: usize) -> usize {
        let condition = matches!(self.settings.rows, Rows::Where(_));
        // Training rows come with those of the part, but for windows, which are cut by part.
        let apart = self.settings.needs_training() && (self.settings.is_sequence || self.settings.part.is_none());
        1 + usize::from(condition) + usize::from(apart)
    }

    fn holds(&self, rows: u64) -> Option<Holding> {
        let settings = &self.settings;
        let wanted = (settings.sample + settings.worst()) as u64 + settings.known() as u64;
        // A row that was drawn stays until it is known to be left out.
        let bytes = rows.min(wanted).saturating_mul(2).saturating_mul(settings.row_bytes);
        Some(Holding { purpose: "explain".to_owned(), bytes, most_rows: None, help: HELP.to_owned() })
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Model { folder, tensors }) = products.first() else { return Ok(Outcome::default()) };
        let settings = &self.settings;
        let bundle = Bundle::read(folder)?;
        let (encoder, network) = bundle.load(folder)?;
        let table = &tensors.table;
        let reading = Reading {
            encoder: &encoder,
            network: &network,
            part: settings.part.clone(),
            sample: settings.sample,
            worst: settings.worst(),
            worst_of: &settings.worst_of,
            seed: settings.seed,
        };
        let training = Reading {
            part: table.split.as_ref().and_then(|split| split.parts.first().cloned()),
            sample: settings.known(),
            worst: 0,
            seed: settings.seed.wrapping_add(1),
            ..reading.clone()
        };
        let (read, known) = if settings.needs_training() {
            let (read, known) = rows::both(table, &reading, &training, context)?;
            (read, Some(known))
        } else {
            (rows::read(table, &reading, context)?, None)
        };
        if read.sample.is_empty() {
            let place = settings.part.as_ref().map_or_else(|| "the table".to_owned(), |part| format!("part `{part}`"));
            let message = if encoder.sequence().is_some() {
                format!("{place} has no full window with a value of `{}` to look at", encoder.target().column())
            } else {
                format!("{place} has no rows with a value of `{}` to look at", encoder.target().column())
            };
            return Err(Diagnostic::error(Class::Data, message));
        }
        let chosen = match &settings.rows {
            Rows::Where(condition) => {
                let part = settings.part.as_ref().map_or_else(|| table.relation.clone(), |part| table.part(part));
                rows::matching(&part, condition, MOST_WHERE, &encoder, context)?
            }
            Rows::Worst(..) => read.worst.at(&(0..read.worst.len()).collect::<Vec<_>>()),
            Rows::Sample(count) => read.sample.spread(*count),
        };
        let known = match known {
            Some(known) if known.sample.is_empty() => {
                return Err(Diagnostic::error(Class::Data, "there is no training row to compare with"));
            }
            Some(known) => {
                let background = known.sample.spread(settings.background).rows;
                Some((known, background))
            }
            None => None,
        };
        let names = names(&encoder);
        let mut scales = scales::found(&table.meaning, &settings.scaled);
        scales.retain(|name, _| names.contains(name));
        let (read, chosen) = (read.unscaled(&names, &scales), chosen.unscaled(&names, &scales));
        let known = known.map(|(known, background)| (known.unscaled(&names, &scales), background));
        let columns = columns(&encoder, &table.relation.schema());
        let mut scene = Scene {
            settings,
            encoder: &encoder,
            network: &network,
            cancelled: &context.cancelled,
            columns,
            windows: windows(&encoder),
            unscaled: scales.into_keys().collect(),
            read,
            chosen,
            known,
            outcome: Outcome::default(),
            importances: Vec::new(),
            contributions: Vec::new(),
        };
        scene.headline();
        for (done, output) in settings.targets.iter().enumerate() {
            let Some(target) = encoder.targets().get(*output) else { continue };
            let message = format!("explaining {}", target.column());
            let total = Some(settings.targets.len() as u64);
            (context.progress)(Progress { done: done as u64, total, unit: "targets".to_owned(), message });
            scene.explain(*output, target)?;
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
