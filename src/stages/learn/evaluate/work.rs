//! The work of the stage: simple models learn, all models judge the rows, what was found is shown.

use super::chosen::{self, Chosen};
use super::judged::{self, Judged};
use super::models::{self, Learned};
use super::options::{Threshold, ThresholdRule};
use super::truth::Truth;
use super::verdict::{self, Rules, Verdict};
use super::{FILE, exhibits, pictures, product, saved, slices};
use crate::baseline::Kind;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::exhibit::{Exhibit, Tone};
use crate::stages::Product;
use crate::stages::learn::bundle::{self, Bundle, Saving, Survey};
use crate::stages::work::{Change, Holding, Outcome, StageCounts, Work, WorkContext};
use crate::tensor::{Target, TargetKind, WindowCounts};

pub(super) struct EvaluateWork {
    pub(super) key: String,
    /// None: all rows.
    pub(super) part: Option<String>,
    pub(super) choose_on: Option<String>,
    pub(super) threshold: Threshold,
    pub(super) baselines: Vec<Kind>,
    pub(super) slices: Vec<String>,
    pub(super) targets: Vec<TargetKind>,
    pub(super) calibrate: bool,
    pub(super) rules: Rules,
    /// Where the judged model goes.
    pub(super) save: Option<Saving>,
}

impl EvaluateWork {
    fn title(&self, target: Option<&str>) -> String {
        let of = target.map(|target| format!(" of {target}")).unwrap_or_default();
        match &self.part {
            Some(part) => format!("Evaluation{of} on {part}"),
            None => format!("Evaluation{of} on all rows"),
        }
    }

    fn seed(&self) -> u64 {
        self.rules.bootstrap.map_or(0, |options| options.seed)
    }

    /// Remarks about rows and about how far the judgement can be trusted.
    fn notes(&self, judged: &Judged, bundle: &Bundle, is_training: bool, target: &str) -> Vec<Exhibit> {
        let mut notes = Vec::new();
        let mut note = |tone, text: String| notes.push(Exhibit::note(tone, text));
        if is_training {
            note(Tone::Warning, "The model learned from these rows: expect it to do worse on others.".to_owned());
        }
        if bundle.training.epoch_chosen_on_validation
            && bundle.training.validated_on == self.part
            && self.part.is_some()
        {
            let text =
                "These rows chose the epoch that was kept (early stopping), so the judgement is a little too kind.";
            note(Tone::Warning, text.to_owned());
        }
        let left_out = &judged.left_out;
        if left_out.missing > 0 {
            note(Tone::Info, format!("{} without `{target}`: left out.", digits::rows(left_out.missing)));
        }
        if left_out.unknown > 0 {
            let text = format!("{} of a class that no training row has: left out.", digits::rows(left_out.unknown));
            note(Tone::Warning, text);
        }
        if left_out.failed > 0 {
            let more = left_out.failed.saturating_sub(left_out.unreadable.len() as u64);
            let more = if more > 0 && !left_out.unreadable.is_empty() {
                format!("; and {} more", digits::whole(more))
            } else {
                String::new()
            };
            let named = if left_out.unreadable.is_empty() { "" } else { ": " };
            let text = format!(
                "{} of which a part cannot be read: left out{named}{}{more}.",
                digits::rows(left_out.failed),
                left_out.unreadable.join("; ")
            );
            note(Tone::Warning, text);
        }
        if let Some(windows) = &left_out.windows {
            note(Tone::Info, told_of_windows(windows));
        }
        if let Some(drawn) = &judged.drawn {
            let looked_at = judged.rows() as u64 + left_out.missing + left_out.unknown + left_out.failed;
            let all = match &left_out.windows {
                Some(windows) => format!("{} windows", digits::whole(windows.windows)),
                None => digits::rows(drawn.from),
            };
            let why = if drawn.is_short { "as many as memory holds" } else { "as many as are judged at most" };
            let text = format!(
                "Judged on a random part of {} of {all} (seed {}), {why}.",
                digits::whole(looked_at),
                self.seed()
            );
            note(Tone::Info, text);
        }
        notes
    }

    /// Remarks about one target.
    fn remarks(&self, target: &Target, truth: &Truth, verdict: &Verdict, chosen: &Chosen, at: usize) -> Vec<Exhibit> {
        let mut notes = Vec::new();
        let part = self.choose_on.as_deref().unwrap_or_default();
        if let Truth::Binary(truth) = truth
            && let Some(first) = truth.first()
            && truth.iter().all(|yes| yes == first)
        {
            let class = target.names().get(usize::from(*first)).map_or("one class", String::as_str);
            let text =
                format!("All judged rows are `{class}`: what needs both classes, such as ROC AUC, is not defined.");
            notes.push(Exhibit::note(Tone::Warning, text));
        }
        if let (Target::Binary(_), Threshold::Word(rule)) = (target, self.threshold) {
            let why = match rule {
                ThresholdRule::Youden => "Youden's index is largest",
                ThresholdRule::F1 => "F1 is largest",
                ThresholdRule::Cost(_) => "errors cost the least",
            };
            let threshold = verdict.thresholds.first().copied().unwrap_or(0.5);
            let mut text = format!("Yes is predicted from {threshold:.3} on: where {why} on `{part}`.");
            if let Some(costs) = chosen::mean_costs(self.threshold, truth, verdict) {
                text.push_str(&costs);
            }
            notes.push(Exhibit::note(Tone::Info, text));
        }
        if let Some(temperature) = chosen.temperature(at) {
            let both = |metric: &str| {
                let of = |model: &str| verdict.scored.iter().find(|scored| scored.model == model)?.value(metric);
                Some((of(models::NETWORK)?, of(models::CALIBRATED)?))
            };
            let told = both("log loss").map(|(before, after)| format!(" log loss {before:.4} becomes {after:.4}"));
            let errors = both("expected calibration error").map(|(before, after)| {
                format!(", expected calibration error {:.2} % becomes {:.2} %", before * 100.0, after * 100.0)
            });
            let text = format!(
                "Temperature {:.3}, fitted on `{part}`:{}{}.",
                temperature.value(),
                told.unwrap_or_default(),
                errors.unwrap_or_default()
            );
            notes.push(Exhibit::note(Tone::Info, text));
        }
        if let Truth::Numbers(truth) = truth {
            let zeros = truth.iter().filter(|value| **value == 0.0).count();
            if zeros > 0 {
                let text = format!("MAPE leaves out {} whose true value is 0.", digits::rows(zeros as u64));
                notes.push(Exhibit::note(Tone::Info, text));
            }
        }
        if self.rules.bootstrap.is_some() && verdict.resampled < truth.len() {
            let text = format!(
                "Intervals come from resamples of a random {} of {} rows, narrowed to the number of all rows.",
                digits::whole(verdict.resampled as u64),
                digits::whole(truth.len() as u64)
            );
            notes.push(Exhibit::note(Tone::Info, text));
        }
        notes
    }
}

/// What became of the rows of a sequence, in a sentence.
fn told_of_windows(counts: &WindowCounts) -> String {
    let reasons = [
        (counts.without_window, "with too few rows before them"),
        (counts.without_target, "without a row that far ahead"),
        (counts.without_time, "without a time"),
    ];
    let reasons = reasons.iter().filter(|(rows, _)| *rows > 0);
    let reasons: Vec<String> = reasons.map(|(rows, why)| format!("{} {why}", digits::whole(*rows))).collect();
    let others =
        if reasons.is_empty() { String::new() } else { format!(" (rows without one: {})", reasons.join(", ")) };
    format!("{} became {} windows, which are judged{others}.", digits::rows(counts.rows), digits::whole(counts.windows))
}

/// Numbers that a model says of a category or of labels, when nobody knows yet how many there are.
const WIDTH: usize = 10;

impl Work for EvaluateWork {
    /// What all models say of all rows, and the training rows of the baselines.
    fn holds(&self, rows: u64) -> Option<Holding> {
        let width = |kind: &TargetKind| match kind {
            TargetKind::Category | TargetKind::MultiLabel => WIDTH,
            TargetKind::Binary | TargetKind::Number | TargetKind::Count => 1,
        };
        let widths = self.targets.iter().map(width).sum();
        let bytes = judged::row_bytes(1 + self.baselines.len(), widths, self.targets.len(), self.slices.len());
        Some(Holding {
            purpose: "evaluate".to_owned(),
            bytes: rows.min(judged::MOST).saturating_mul(bytes),
            most_rows: None,
            help:
                "of more rows than an eighth of the memory holds a random part is judged; give more with `--memory`, \
                   or say `baselines: none`"
                    .to_owned(),
        })
    }

    fn passes(&self, _: usize) -> usize {
        2 + usize::from(!self.baselines.is_empty())
            + 2 * usize::from(self.choose_on.is_some())
            + usize::from(self.save.is_some())
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Model { folder, tensors }) = products.first() else { return Ok(Outcome::default()) };
        let bundle = Bundle::read(folder)?;
        let (encoder, network) = bundle.load(folder)?;
        let table = &tensors.table;
        let columns: Vec<&str> = encoder.targets().iter().map(Target::column).collect();
        let learned = Learned::learn(&self.baselines, table, &encoder, self.seed(), context)?;
        let speakers = learned.speakers(&encoder, &network);
        let chosen = match &self.choose_on {
            Some(part) => {
                let judged = judged::judge(&table.part(part), &encoder, &speakers, &[], self.seed(), context)?;
                Chosen::on(&judged, self.threshold, self.calibrate, part, encoder.targets())?
            }
            None => Chosen::nothing(),
        };
        let rows = self.part.as_ref().map_or_else(|| table.relation.clone(), |part| table.part(part));
        let mut judged = judged::judge(&rows, &encoder, &speakers, &self.slices, self.seed(), context)?;
        if judged.rows() == 0 {
            let place = self.part.as_ref().map_or_else(|| "the table".to_owned(), |part| format!("part `{part}`"));
            let message = format!("{place} has no rows with a value of `{}` to judge on", columns.join("`, `"));
            return Err(Diagnostic::error(Class::Data, message));
        }
        let is_training = match &table.split {
            Some(split) => split.parts.first() == self.part.as_ref() || self.part.is_none(),
            None => true,
        };
        let mut outcome = Outcome::default();
        let mut metrics = product::Rows::default();
        let mut document = serde_json::Map::new();
        let mut scores = Vec::new();
        let notes = self.notes(&judged, &bundle, is_training, &columns.join("`, `"));
        let mut judgement = saved::judgement(context.id, self.part.as_deref(), judged.rows(), is_training, &notes);
        chosen.calibrate(&mut judged);
        for (at, (target, evidence)) in encoder.targets().iter().zip(&judged.evidence).enumerate() {
            let thresholds = chosen.thresholds(self.threshold, at, evidence);
            let verdict = verdict::reach(target, evidence, &thresholds, &self.rules)?;
            let threshold = thresholds.first().copied().unwrap_or(0.5);
            let groups = slices::groups(&judged.slices, target, evidence, threshold, &self.rules)?;
            let name = (columns.len() > 1).then(|| target.column());
            outcome.exhibits.extend(exhibits::headline(self.title(name), &verdict, judged.rows()));
            outcome.exhibits.extend(verdict.comparison.as_ref().map(exhibits::sentence));
            if at == 0 {
                outcome.exhibits.extend(notes.iter().cloned());
            }
            outcome.exhibits.extend(self.remarks(target, &evidence.truth, &verdict, &chosen, at));
            if verdict.scored.len() > 1 {
                outcome.exhibits.extend(exhibits::models(&verdict, &learned, matches!(target, Target::Binary(_))));
                outcome.exhibits.extend(exhibits::intervals(&verdict));
            }
            outcome.exhibits.extend(pictures::all(target, evidence, &verdict, &self.rules)?);
            let (measure, _) = slices::measure(&evidence.truth);
            let overall = verdict.scored.first().and_then(|network| network.value(measure));
            outcome.exhibits.extend(exhibits::groups(&groups, &evidence.truth, overall));
            outcome.exhibits.extend(exhibits::by_group(&groups, &evidence.truth, &self.rules));
            metrics.add(target, evidence, &verdict, &groups);
            metrics.chosen(target, &verdict, &chosen, at, self.threshold, &evidence.truth);
            saved::add(&mut judgement, name, target, &verdict);
            scores.push(saved::told(target, &verdict));
            judgement
                .temperatures
                .extend(chosen.temperature(at).map(|temperature| (target.column().to_owned(), temperature.value())));
            let told = serde_json::json!({
                "threshold": matches!(target, Target::Binary(_)).then_some(threshold),
                "temperature": chosen.temperature(at).map(|temperature| temperature.value()),
            });
            document.insert(target.column().to_owned(), told);
        }
        batch::write_parquet(&context.artifacts.join(FILE), &metrics.table()?)?;
        if let Some(saving) = &self.save {
            let survey = Survey::of(table, context)?;
            let rows = bundle.training.rows;
            outcome.outputs.push(bundle::save(folder, saving, rows, Some(&judgement), Some(&survey))?);
        }
        outcome.document = document.into();
        outcome.statistics = serde_json::json!({ "rows": judged.rows(), "scores": scores });
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::minus("summarized", counts.first_input()), Change::plus("one row for each metric", counts.out)]
    }
}
