//! What is said of all rows: what the model looks at, how columns move it, what it says along their values.

use std::sync::atomic::AtomicBool;

use crate::chart::ColourScale;
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Exhibit, Format, Metric as Shown, Tone};
use crate::explanation::{Error, PermutationOptions, Rows as Encoded};
use crate::nn::Network;
use crate::stages::work::Outcome;
use crate::tensor::{BlockKind, Encoder, Target};

use super::attribution::{self, Attributed, Question};
use super::columns::{Column, Kind, Said, said};
use super::metric::Metric;
use super::model::{Explained, View};
use super::options::{Method, Rows};
use super::product::{Contribution, Importance};
use super::rows::{self, Read, Taken};
use super::sequences::{self, Windows};
use super::work::{Settings, failed};
use super::{dependences, importances, words};

/// Rows whose SHAP values make the summary, and fewer where a row is long (texts, images, sounds).
const SUMMARIZED: usize = 200;
const SUMMARIZED_LONG: usize = 20;
const BACKGROUND_LONG: usize = 25;
/// Numbers from which on the window of a sequence is long.
const LONG_WINDOW: usize = 512;
/// Scaled columns that are named.
const NAMED: usize = 3;
/// Columns whose dependence is shown where none are named.
const SHOWN: usize = 6;

/// What there is to explain with.
pub(super) struct Scene<'a> {
    pub(super) settings: &'a Settings,
    pub(super) encoder: &'a Encoder,
    pub(super) network: &'a Network,
    pub(super) cancelled: &'a AtomicBool,
    pub(super) columns: Vec<Column>,
    /// The rows of a sequence, where the model reads one.
    pub(super) windows: Option<Windows>,
    /// Columns whose values are shown as they were before a stage scaled them.
    pub(super) unscaled: Vec<String>,
    pub(super) read: Read,
    pub(super) chosen: Taken,
    /// Training rows, and those of them with which `shap` compares.
    pub(super) known: Option<(Read, Encoded)>,
    pub(super) outcome: Outcome,
    pub(super) importances: Vec<Importance>,
    pub(super) contributions: Vec<Contribution>,
}

impl<'a> Scene<'a> {
    pub(super) fn show(&mut self, exhibit: Exhibit) {
        self.outcome.exhibits.push(exhibit);
    }

    /// How many rows were looked at.
    #[expect(clippy::cast_precision_loss, reason = "a number of rows in memory")]
    pub(super) fn headline(&mut self) {
        let count = |name: &str, rows: usize| Shown::new(name, rows as f64, Format::Integer);
        let mut metrics = vec![
            count("rows looked at", self.read.sample.len()).note(format!("of {}", crate::digits::rows(self.read.seen))),
            count("rows explained one by one", self.chosen.len()),
        ];
        if let Some((known, background)) = &self.known {
            if self.settings.asks(Method::Shap) {
                metrics.push(count("training rows as background", background.len()));
            }
            if self.settings.asks(Method::Counterfactuals) {
                let all = format!("of {}", crate::digits::rows(known.seen));
                metrics.push(count("training rows searched for neighbours", known.sample.len()).note(all));
            }
        }
        let title = match &self.settings.part {
            Some(part) => format!("Explanation on {part}"),
            None => "Explanation on all rows".to_owned(),
        };
        self.show(Exhibit::Metrics { title, metrics });
        let (all, explained) = (self.encoder.targets(), &self.settings.targets);
        if explained.len() < all.len() {
            let names = |wanted: bool| {
                let named = (0..).zip(all).filter(|(at, _)| explained.contains(at) == wanted);
                words::list(&named.map(|(_, target)| format!("`{}`", target.column())).collect::<Vec<_>>())
            };
            let text = format!("Of the targets {} is explained, not {}.", names(true), names(false));
            self.show(Exhibit::note(Tone::Info, text));
        }
        if !self.unscaled.is_empty() {
            let mut names: Vec<String> = self.unscaled.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
            if self.unscaled.len() > NAMED {
                names.push(format!("{} other columns", self.unscaled.len() - NAMED));
            }
            let text = format!("Values of {} are shown as they were before they were scaled.", words::list(&names));
            self.show(Exhibit::note(Tone::Info, text));
        }
        if self.settings.learned {
            let text = "The model learned from these rows: it may rely on what holds for them alone.";
            self.show(Exhibit::note(Tone::Warning, text));
        }
        if let Some(asked) = self.read.cut {
            let text = format!(
                "{} are looked at instead of {}: more did not fit into an eighth of the memory",
                crate::digits::rows(self.read.sample.len() as u64),
                crate::digits::whole(asked as u64)
            );
            self.outcome.remarks.push(text);
        }
        if self.chosen.is_empty() && matches!(self.settings.rows, Rows::Where(_)) {
            self.outcome.remarks.push("no row of the part meets the condition of `rows`".to_owned());
        }
    }

    pub(super) fn model<'b>(&self, target: &'b Target, output: usize, view: View) -> Explained<'b>
    where
        'a: 'b,
    {
        Explained::new(self.network, target, output, view).until(self.cancelled)
    }

    /// Whether rows are long, so that fewer of them are explained.
    fn is_long(&self) -> bool {
        self.encoder.blocks().iter().any(|block| match block.kind {
            BlockKind::Table | BlockKind::Category => false,
            BlockKind::Sequence => block.size() > LONG_WINDOW,
            BlockKind::Text | BlockKind::Image | BlockKind::Audio => true,
        })
    }

    pub(super) fn explain(&mut self, output: usize, target: &Target) -> Result<(), Diagnostic> {
        let predictions = self.model(target, output, View::Predictions);
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        if self.settings.asks(Method::Permutation) {
            order = self.permutation(output, target, &predictions)?;
        }
        let chosen = said(self.network, target, output, &self.chosen.rows)?;
        if self.settings.asks(Method::Shap) {
            let sizes = self.shap(output, target)?;
            if !self.settings.asks(Method::Permutation) {
                order.sort_by(|a, b| {
                    sizes.get(*b).copied().unwrap_or(0.0).total_cmp(&sizes.get(*a).copied().unwrap_or(0.0))
                });
            }
        }
        if self.settings.asks(Method::Dependence) {
            self.dependence(target, &predictions, &order)?;
        }
        self.words(output, target)?;
        self.steps(output, target)?;
        let attributed = if self.settings.asks(Method::Shap) && !self.chosen.is_empty() {
            Some(self.attribute(output, target, &self.chosen.rows, &chosen)?)
        } else {
            None
        };
        self.rows(output, target, &chosen, attributed.as_ref())
    }

    fn permutation(&mut self, output: usize, target: &Target, model: &Explained<'_>) -> Result<Vec<usize>, Diagnostic> {
        let metric = self.settings.metric.unwrap_or_else(|| Metric::usual(target.kind()));
        let options = PermutationOptions {
            repeats: self.settings.repeats,
            seed: self.settings.seed,
            ..PermutationOptions::default()
        };
        let sample = &self.read.sample;
        let found = importances::measure(model, sample, output, &self.columns, metric, &options)?;
        let rows = rows::describe(sample.len(), self.read.seen, self.settings.part.as_deref());
        let figure = importances::figure(&found, &self.columns, metric, &rows);
        let sentence = importances::sentence(&found, &self.columns, metric, target.column());
        let alike = importances::alike(&found, &self.columns, sample);
        let order = importances::ranked(&found.columns);
        for at in &order {
            if let (Some(column), Some(importance)) = (self.columns.get(*at), found.columns.get(*at)) {
                self.importances.push(Importance {
                    target: target.column().to_owned(),
                    column: column.name().to_owned(),
                    method: Method::Permutation.name(),
                    value: importance.value,
                    interval: importance.interval,
                });
            }
        }
        self.show(sentence);
        self.show(figure);
        self.outcome.remarks.extend(alike);
        Ok(order)
    }

    fn attribute(&self, output: usize, target: &Target, rows: &Encoded, said: &Said) -> Result<Attributed, Diagnostic> {
        let sums = self.model(target, output, View::Sums);
        let Some((known, background)) = &self.known else { return Err(failed(Error::NoRows)) };
        let fewer = known.sample.spread(self.settings.background.min(BACKGROUND_LONG)).rows;
        let background = if self.is_long() { &fewer } else { background };
        let cells = self.windows.as_ref().map(Windows::cells).unwrap_or_default();
        let seed = self.settings.seed;
        Question { model: &sums, background, columns: &self.columns, cells: &cells, seed }
            .attribute(rows, &said.outputs)
    }

    /// The summary of SHAP values; their mean sizes.
    fn shap(&mut self, output: usize, target: &Target) -> Result<Vec<f64>, Diagnostic> {
        let count = if self.is_long() { SUMMARIZED_LONG } else { SUMMARIZED };
        let rows = self.read.sample.spread(count).rows;
        let predicted = said(self.network, target, output, &rows)?;
        let found = self.attribute(output, target, &rows, &predicted)?;
        let background = self.known.as_ref().map_or(0, |(_, background)| background.len());
        let background = if self.is_long() { background.min(BACKGROUND_LONG) } else { background };
        let unit = attribution::common_unit(target, &predicted);
        let summary = found.summary(&self.columns, &unit, background);
        let sizes = found.sizes();
        for (column, size) in self.columns.iter().zip(&sizes) {
            self.importances.push(Importance {
                target: target.column().to_owned(),
                column: column.name().to_owned(),
                method: Method::Shap.name(),
                value: size.value,
                interval: Some((size.low, size.high)),
            });
        }
        self.show(summary);
        if let (Some(windows), Some(cells)) = (&self.windows, &found.cells) {
            let n = cells.nrows().max(1) as f64;
            let sizes: Vec<f64> =
                cells.columns().into_iter().map(|cell| cell.iter().map(|v| v.abs()).sum::<f64>() / n).collect();
            let subtitle = format!("Mean size of what each column at each step moves, over {} rows", cells.nrows());
            let (title, colours) = ("At what the model looks, and when", ColourScale::Sequential);
            let map = windows.heatmap(&windows.table(&sizes), title, subtitle, &unit, colours);
            self.show(map);
        } else if self.windows.is_some() {
            let text = "steps of the sequence are not told apart by column: the network embeds words or categories, \
                        between which there are no derivatives; `occlusion` says which steps count";
            self.outcome.remarks.push(text.to_owned());
        }
        Ok(sizes.iter().map(|size| size.value).collect())
    }

    /// What is missing when a step of the sequence is not there, over some rows of the sample.
    fn steps(&mut self, output: usize, target: &Target) -> Result<(), Diagnostic> {
        let (Some(windows), Some((_, background))) = (&self.windows, &self.known) else { return Ok(()) };
        if !self.settings.asks(Method::Occlusion) {
            return Ok(());
        }
        let rows = self.read.sample.spread(sequences::ROWS).rows;
        let said = said(self.network, target, output, &rows)?;
        let sums = self.model(target, output, View::Sums);
        let sizes = windows.sizes(&sums, &rows, &background.mean(), &said)?;
        let subtitle = format!(
            "Mean size of the change when a step is replaced by the mean of training rows, over {} rows",
            rows.len()
        );
        let unit = attribution::common_unit(target, &said);
        let line = windows.line(&sizes, "When the model looks".to_owned(), subtitle, &unit);
        self.show(line);
        Ok(())
    }

    fn dependence(&mut self, target: &Target, model: &Explained<'_>, order: &[usize]) -> Result<(), Diagnostic> {
        let named: Vec<usize> = match &self.settings.columns {
            Some(names) => {
                let place = |name: &String| self.columns.iter().position(|column| column.name() == name);
                names.iter().filter_map(place).collect()
            }
            None => {
                let flat = |at: &&usize| self.columns.get(**at).is_some_and(|column| column.kind != Kind::Whole);
                order.iter().filter(flat).take(SHOWN).copied().collect()
            }
        };
        for at in named {
            let Some(name) = self.columns.get(at).map(|column| column.name().to_owned()) else { continue };
            let along = dependences::look(model, target, &self.read.sample, at, &self.columns)?;
            let Some(along) = along else {
                let text = format!("`{name}` has not two values to compare in the sample: its dependence is not shown");
                self.outcome.remarks.push(text);
                continue;
            };
            self.importances.push(Importance {
                target: target.column().to_owned(),
                column: name.clone(),
                method: Method::Dependence.name(),
                value: along.effect(),
                interval: None,
            });
            let exhibits = along.exhibits(target, &self.read.sample, at, (name.as_str(), self.settings.ice));
            self.outcome.exhibits.extend(exhibits);
        }
        Ok(())
    }
}
